#!/bin/sh
# A way out that is closed for an hour, and for good, by the clock of a rehearsal: pauses grow to their limit, what is
# held stays, what was given up says what to do and has all its tries again, and what went did so once.
. "${srcdir:-.}/tests/lib/flow.sh"

init
sed -i '/^limits/d' "$conf"
printf 'limits = { retry_first_s = 60; retry_max_s = 1800; retry_give_up_s = 14400; };\n' >>"$conf"
start
# A file is where the folder would be.
mkdir -p "$T/i/mail"
: >"$T/i/mail/bob@example.org"
row() { get ".data[] | select(.address == \"bob@example.org\") | $1" queue list; }
report() {
    mail 'Rita <rita@reporter.example>' "$1" <<X >"$T/w/m"
Words.
X
    inject rita@reporter.example "$T/w/m"
}
seconds() { date -u -d "$1" +%s; }

report first
same 'one has his, the other waits' '1 deferred 1' "$(box ann@example.org) $(row '"\(.state) \(.tries)"')"
copy=$(row .id)
code=$(row .code)
case $code in *[a-z]*) ok "with a reason: $code" ;; *) not_ok "with a reason: $code" ;; esac
case $code in *@*) not_ok "no address in it: $code" ;; *) ok 'no address in it' ;; esac

# ---- an hour ----
pauses= hour=$(($(seconds "$now") + 3600))
while :; do
    next=$(row .next_at)
    pauses="$pauses $(($(seconds "$next") - $(seconds "$now")))"
    [ "$(seconds "$next")" -le $hour ] || break
    before=$(row .tries)
    set_clock "$(date -u -d "$next - 1 second" +%Y-%m-%dT%H:%M:%SZ)"
    settle
    [ "$(row .tries)" = "$before" ] || not_ok 'it is not tried before its time'
    set_clock "$next"
    settle
    [ "$(row .tries)" = $((before + 1)) ] || not_ok 'it is tried at its time, once'
done
same 'pauses double up to retry_max_s' ' 60 120 240 480 960 1800' "$pauses"
same 'the tries of an hour' 6 "$(row .tries)"
rm "$T/i/mail/bob@example.org"
set_clock "$next"
settle
same 'the way is open: it goes' 'sent' "$(row .state)"
same 'once' 1 "$(box bob@example.org)"
denied queue.over 'what has gone is not sent again' queue retry "$copy"
mv "$T/i/mail/bob@example.org" "$T/w/bob"

# ---- hold, drop ----
: >"$T/i/mail/bob@example.org"
report second
copy=$(row 'select(.state == "deferred") | .id')
check 'held back' ctl queue hold "$copy"
tries=$(get .data.tries queue show "$copy")
later '3 days'
settle
same 'it stays, and uses up no tries' "deferred $tries" "$(get '.data | "\(.state) \(.tries)"' queue show "$copy")"
check 'let go' ctl queue retry "$copy"
settle
same 'it is tried' $((tries + 1)) "$(get .data.tries queue show "$copy")"

# ---- for good ----
for give_up_try in $(seq 60); do
    [ "$(get .data.state queue show "$copy")" = deferred ] || break
    set_clock "$(get .data.next_at queue show "$copy")"
    settle
done
same 'then it is given up' failed "$(get .data.state queue show "$copy")"
code=$(get .data.code queue show "$copy")
case $code in *"given up after $(get .data.tries queue show "$copy")"*"queue retry $copy)"|*'given up after '*"queue retry $copy)") ok 'with its remedy' ;;
*) not_ok "with its remedy: $code" ;; esac
same 'status shows it' true "$(get '[.data.wrong[] | select(.do == "queue list") | .what] | any(contains("could not be delivered"))' status)"
rm "$T/i/mail/bob@example.org"
check 'queue retry, as it says' ctl queue retry "$copy"
settle
same 'it goes' sent "$(get .data.state queue show "$copy")"
: >"$T/i/mail/ann@example.org.x"
mv "$T/i/mail/ann@example.org" "$T/w/ann" && mv "$T/i/mail/ann@example.org.x" "$T/i/mail/ann@example.org"
report third
copy=$(get '[.data[] | select(.state == "deferred") | .id] | last' queue list)
check 'one that nobody wants' ctl queue drop "$copy"
same 'is dropped' dropped "$(get .data.state queue show "$copy")"
later '5 days'
settle
same 'and stays so' dropped "$(get .data.state queue show "$copy")"
same 'no address is in the log' 0 "$(grep -c 'bob@example.org' "$T/log")"
finish
