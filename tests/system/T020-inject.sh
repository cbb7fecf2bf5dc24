#!/bin/sh
# embargo-inject: exit 0 only when every copy is on the disk, 75 for anything else, and the bytes arrive as they were.
# EMBARGO_INJECT and LMTP_SINK name the programs; by default those of the build directory.
set -u
inject=${EMBARGO_INJECT:-./embargo-inject}
sink=${LMTP_SINK:-./tests/lib/lmtp-sink}
dir=$(mktemp -d) || exit 99
fails=0
sink_pid=

cleanup() {
    [ -n "$sink_pid" ] && kill "$sink_pid" 2>/dev/null && wait "$sink_pid" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT

# expect CODE NAME COMMAND...: runs it with the standard input of this function.
expect() {
    want=$1 name=$2
    shift 2
    "$@" 2>"$dir/err"
    got=$?
    if [ "$got" -eq "$want" ]; then
        echo "ok - $name"
    else
        echo "not ok - $name: exit $got instead of $want"
        sed 's/^/  /' "$dir/err"
        fails=$((fails + 1))
    fi
}

same() {
    if cmp -s "$2" "$3"; then
        echo "ok - $1"
    else
        echo "not ok - $1"
        fails=$((fails + 1))
    fi
}

# The body of the only entry of the spool goes to FILE, and the entry away.
take_body() {
    set -- "$1" "$dir"/spool/new/*
    [ $# -eq 2 ] || { echo "not ok - one entry was expected, there are $(($# - 1))"; fails=$((fails + 1)); return; }
    header=$(($(od -An -tu1 -j12 -N4 "$2" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')))
    tail -c +$((header + 1)) "$2" >"$1"
    rm -f "$2"
}

printf 'Subject: x\n\nbody\n' >"$dir/mail"

# words that are off, and no daemon
expect 75 'no words' "$inject" <"$dir/mail"
expect 75 'an unknown option' "$inject" --nonsense <"$dir/mail"
expect 75 'no sender' "$inject" --socket "$dir/sock" -- security@example.org <"$dir/mail"
expect 75 'no recipient' "$inject" --socket "$dir/sock" -f a@example.net -- <"$dir/mail"
expect 75 'no configuration' "$inject" -c "$dir/none.conf" -f a@example.net -- security@example.org <"$dir/mail"
expect 75 'no daemon' "$inject" --socket "$dir/sock" -f a@example.net -- security@example.org <"$dir/mail"
expect 75 'a closed standard input' sh -c '"$0" --socket "$1" -f a@example.net -- security@example.org <&-' \
    "$inject" "$dir/sock"

mkfifo "$dir/hold" "$dir/say"
"$sink" "$dir/sock" "$dir/spool" security@example.org team@example.org <"$dir/hold" >"$dir/say" 2>"$dir/log" &
sink_pid=$!
exec 3>"$dir/hold"
read -r ready <"$dir/say"
[ "$ready" = ready ] || { echo "not ok - the sink does not start"; exit 1; }

send() {
    "$inject" --socket "$dir/sock" -f a@example.net -- security@example.org
}

expect 0 'a mail' send <"$dir/mail"
take_body "$dir/got"
printf 'Subject: x\r\n\r\nbody\r\n' >"$dir/want"
same 'LF becomes CR LF' "$dir/want" "$dir/got"

printf '.a\r\n..\n.\r\nb\r\rc\n\r\n.' >"$dir/dots"
expect 0 'dots and line breaks of all kinds' send <"$dir/dots"
take_body "$dir/got"
printf '.a\r\n..\r\n.\r\nb\r\rc\r\n\r\n.\r\n' >"$dir/want"
same 'dots and bare CR stay, the last line is ended' "$dir/want" "$dir/got"

head -c 3000000 /dev/urandom | od -An -tx1 | sed 's/$/\r/' >"$dir/large"
expect 0 'a large mail' send <"$dir/large"
take_body "$dir/got"
same 'a large mail arrives as it was' "$dir/large" "$dir/got"

expect 0 'an empty mail' send </dev/null
take_body "$dir/got"
printf '' >"$dir/want"
same 'an empty mail is empty' "$dir/want" "$dir/got"

expect 0 'the null sender' "$inject" --socket "$dir/sock" -f '' -- security@example.org <"$dir/mail"
expect 0 'the null sender in brackets' "$inject" --socket "$dir/sock" -f '<>' -- security@example.org <"$dir/mail"
rm -f "$dir"/spool/new/*
expect 0 'two recipients' "$inject" --socket "$dir/sock" -f a@example.net -- security@example.org team@example.org \
    <"$dir/mail"
set -- "$dir"/spool/new/*
[ $# -eq 2 ] && echo 'ok - two entries' || { echo "not ok - two entries, not $#"; fails=$((fails + 1)); }
rm -f "$dir"/spool/new/*

expect 75 'an unknown recipient' "$inject" --socket "$dir/sock" -f a@example.net -- nobody@example.org <"$dir/mail"
expect 75 'one of two is unknown' "$inject" --socket "$dir/sock" -f a@example.net -- security@example.org \
    nobody@example.org <"$dir/mail"
expect 75 'an address that would be a command' "$inject" --socket "$dir/sock" -f a@example.net -- \
    "security@example.org>
QUIT" <"$dir/mail"
expect 75 'standard input is a folder' sh -c '"$0" --socket "$1" -f a@example.net -- security@example.org <"$2"' \
    "$inject" "$dir/sock" "$dir"
# The daemon may see the end of the connection a little after the client is gone.
for _ in $(seq 100); do
    set -- "$dir"/spool/new/* "$dir"/spool/tmp/*
    [ -e "$1" ] || [ -e "$2" ] || break
    sleep 0.1
done
[ ! -e "$1" ] && [ ! -e "$2" ] && echo 'ok - what was refused is not kept' ||
    { echo 'not ok - something refused was kept'; fails=$((fails + 1)); }
rmdir "$dir/spool/tmp"
expect 75 'the spool is gone' send <"$dir/mail"

exec 3>&-
wait "$sink_pid" || { echo 'not ok - the sink ends badly'; sed 's/^/  /' "$dir/log"; fails=$((fails + 1)); }
sink_pid=
expect 75 'the daemon has stopped' send <"$dir/mail"
[ "$fails" -eq 0 ]
