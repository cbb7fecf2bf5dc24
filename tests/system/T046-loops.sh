#!/bin/sh
# Two daemons pointed at each other: each one's acknowledgements, answers and notices go to the other's list address,
# since each is the other's admin and reporter. They fall silent.
. "${srcdir:-.}/tests/lib/flow.sh"

other=security@other.example
make_key la $list
make_key lb $other
make_key ann ann@example.org
gpgconf --homedir "$T/k/la" --kill all
gpgconf --homedir "$T/k/lb" --kill all

# instance FOLDER NAME ADDRESS KEYHOME PEER PEERKEY
instance() {
    "$bin/embargoctl" --json init --home "$T/$1" --list "$2" --address "$3" --key "$(fpr "$4")" --from "$T/k/$4" \
        --admin "ann@example.org:$T/k/ann.asc" --admin "$5:$T/k/$6.asc" >"$T/w/init.$1" || { cat "$T/w/init.$1"; exit 99; }
    sed -i "s/^\( *address = \"$3\";\)/\1 authserv_id = \"mx.example.org\";/" "$T/$1/embargod.conf"
}
instance i main $list la $other lb
instance j other $other lb $list la
set_clock "$(at_midday 1)"

conf=$T/j/embargod.conf
start
daemon_b=$daemon
daemon=
conf=$T/i/embargod.conf
start

ctl_b() { "$bin/embargoctl" -c "$T/j/embargod.conf" --json --as ann@example.org "$@"; }
both_settle() {
    settle
    ctl_b wait --timeout 15 >"$T/w/wait.b" || not_ok 'the other settles'
}

# carry FROM TO ADDRESS: what one wrote to the other's address, and to those derived from it, is handed over as an MTA
# would; prints how many.
carry() {
    carried=0
    for carry_file in "$T/$1/mail/${3%@*}"*"@${3#*@}/new"/*; do
        [ -f "$carry_file" ] || continue
        carry_sender=$(sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$carry_file" | head -n 1)
        carry_to=$(sed -n 's/^Delivered-To: *\(.*\)/\1/Ip' "$carry_file" | tr -d '\r' | head -n 1)
        sed '/^Return-Path:/Id; /^Delivered-To:/Id' "$carry_file" >"$T/w/carried"
        # The other MTA says what makes an acknowledgement allowed.
        { printf 'Authentication-Results: mx.example.org; dmarc=pass\n'; cat "$T/w/carried"; } >"$T/w/carried.mail"
        "$bin/embargo-inject" -c "$T/$2/embargod.conf" -f "$carry_sender" -- "$carry_to" <"$T/w/carried.mail" ||
            not_ok "embargo-inject of $carry_to"
        rm "$carry_file"
        carried=$((carried + 1))
    done
    echo $carried
}

# exchange: until neither has anything for the other; the number of rounds in $rounds.
exchange() {
    rounds=0
    while [ $rounds -lt 12 ]; do
        both_settle
        there=$(carry i j $other)
        back=$(carry j i $list)
        [ "$there$back" = 00 ] && return
        rounds=$((rounds + 1))
        echo "# round $rounds: $there there, $back back"
    done
    not_ok 'they fall silent'
}

# ---- a mail to one in the name of the other's list ----
{ printf 'Authentication-Results: mx.example.org; dmarc=pass\n'
  mail "Other <$other>" 'A hole' <<X
It overflows.
X
} >"$T/w/m"
inject $other "$T/w/m"
same 'it is a case' 1 "$(cases)"
id=$(new_case)
exchange
same 'they are silent after few rounds' yes "$([ $rounds -le 4 ] && echo yes)"
same 'no other case here' 1 "$(cases)"
same 'nor there' 0 "$(ctl_b case list | jq '.data | length')"
# the acknowledgement and the notices, and the report that goes to its admin, with the name of a list
same 'what came there is held' 'auto-submitted list-copy' "$(ctl_b held list | jq -r '[.data[].rule] | unique | join(" ")')"

# ---- a person's answer, which carries the list's name, goes there and is held, and still they are silent ----
printf 'Thank you.\n' >"$T/w/answer"
check 'case reply' ctl case reply "$id" "$T/w/answer" --to reporter
exchange
same 'silent again' yes "$([ $rounds -le 4 ] && echo yes)"
same 'no case of it' "1 0" "$(cases) $(ctl_b case list | jq '.data | length')"

# ---- the same the next day: a notice a day for each rule, and no more ----
later '25 hours'
{ printf 'Authentication-Results: mx.example.org; dmarc=pass\n'
  mail "Other <$other>" 'Another hole' <<X
It overflows again.
X
} >"$T/w/m"
inject $other "$T/w/m"
exchange
same 'silent the next day' yes "$([ $rounds -le 4 ] && echo yes)"
same 'two cases, of the two mails' 2 "$(cases)"
same 'and none there' 0 "$(ctl_b case list | jq '.data | length')"

# ---- bounces of notices do not breed ----
before=$(get '.data | length' queue list)
mail 'MAILER-DAEMON@mx.example.net' 'Undelivered' <<X >"$T/w/bounce"
<$other>: no such user here
X
n=0
while [ $n -lt 5 ]; do
    echo "X-Try: $n" | cat - "$T/w/bounce" >"$T/w/bounce.n"
    inject '' "$T/w/bounce.n"
    n=$((n + 1))
done
same 'five bounces at the list address make one notice at most' yes \
    "$([ $(($(get '.data | length' queue list) - before)) -le 2 ] && echo yes)"

kill -TERM "$daemon_b"
wait "$daemon_b"
daemon_b=
stop
finish
