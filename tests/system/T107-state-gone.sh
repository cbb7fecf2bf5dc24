#!/bin/sh
# What the daemon stands on is deleted, moved, replaced or unmounted while it runs: mail is not accepted into nowhere, and
# the daemon ends at once, with 78, its rule and its remedy, and leaves nothing running; put back, it goes on.
. "${srcdir:-.}/tests/lib/flow.sh"
need python3
client=${srcdir:-.}/tests/lib/lmtp.py

init
mail 'Rita <rita@reporter.example>' 'A report' <<X >"$T/w/m"
Words.
X

# gone WORDS PLACE CHANGE [MAIL]: after the change the daemon ends by itself within five seconds, and says which place it
# was. MAIL: core sleeps meanwhile, and no mail is taken.
gone() {
    : >"$T/log"
    [ -z "${4:-}" ] || kill -STOP "$(role_pid core)"
    eval "$3" || not_ok "$1: $3"
    if [ -n "${4:-}" ]; then
        printf 'LHLO t\nMAIL FROM:<a@example.net>\nRCPT TO:<%s>\nDATA\nNOOP\n' $list |
            python3 "$client" "$T/i/run/lmtp.sock" talk >"$T/w/talk"
        same "$1: no mail is taken" '451 4.3.0' "$(sed -n 5p "$T/w/talk" | cut -c1-9)"
        kill -CONT "$(role_pid core)"
    fi
    for gone_try in $(seq 50); do
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    check "$1: the daemon has ended" test "$gone_try" -lt 50
    [ "$gone_try" -lt 50 ] || finish
    wait "$daemon"
    same "$1: with 78" 78 $?
    daemon=
    has "$1: by its rule, for its place" "event=core-cannot-go-on rule=state.gone $T/i/$2 " "$T/log"
    has "$1: with the remedy" 'or restore a backup, then start embargod again' "$T/log"
    same "$1: said once" 1 "$(grep -c 'event=core-cannot-go-on' "$T/log")"
    lacks "$1: it is not begun again" 'event=restart' "$T/log"
    until_same "$1: no process is left" '' processes
}

start
inject rita@reporter.example "$T/w/m"
gone 'the folder moved away' state 'mv "$T/i/state" "$T/was"'
mv "$T/was" "$T/i/state"
start
mail 'Rita <rita@reporter.example>' 'Another' <<X >"$T/w/m"
More words.
X
inject rita@reporter.example "$T/w/m"
same 'put back, it goes on' 2 "$(cases)"

gone 'another spool' state/spool 'mv "$T/i/state/spool" "$T/was" && mkdir "$T/i/state/spool"'
rmdir "$T/i/state/spool" && mv "$T/was" "$T/i/state/spool"
start
gone 'another database' state/db.sqlite 'cp "$T/i/state/db.sqlite" "$T/w/copy" && mv "$T/w/copy" "$T/i/state/db.sqlite"'

mv "$T/i/state" "$T/was" && mkdir -m 700 "$T/i/state"
if mount --bind "$T/was" "$T/i/state" 2>/dev/null; then
    unmount() { umount -l "$T/i/state" 2>/dev/null; }
    at_end=unmount
    start
    gone 'a volume that is unmounted' state unmount
    at_end=
else
    echo 'ok - skipped: nothing may be mounted here'
fi
rmdir "$T/i/state" && mv "$T/was" "$T/i/state"

start
gone 'the folder deleted' state 'rm -rf "$T/i/state"' mail
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/again" 2>&1
same 'without it there is no start' 78 $?
finish
