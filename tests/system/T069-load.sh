#!/bin/sh
# A flood: many reports over LMTP within a minute are all kept, core stays small, commands and an admin's mail are not
# held up by the backlog, nobody is acknowledged, and the team gets a digest. MAILS=300 in make check; `make soak` runs
# it with 10,000.
. "${srcdir:-.}/tests/lib/flow.sh"

need smtp-source
many=${MAILS:-300}
at_once=$((many / 10 > 20 ? 20 : many / 10)) # told one by one

init
sed -i '/^limits/d' "$conf"
printf 'limits = { sender_mails = %s; worker_seconds = 60; };\n' $at_once >>"$conf"
start

# The resident memory of a role, in KiB.
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$(role_pid "$1" | head -n 1)/status"; }
ms() { echo $(($(date +%s%N) / 1000000)); }

# The first mail, so that all is loaded that ever is.
mail 'Rita <rita@reporter.example>' 'before' <<X >"$T/w/m"
Before the flood.
X
inject rita@reporter.example "$T/w/m"
# ask NAME ADDRESS WORDS: asks for a nonce, by signed mail; answered: how many answers went out.
asks=0
ask() {
    printf 'Embargo-Command: nonce\n# %s\n' "$3" | secret_mail "$1" "$1 <$2>" commands >"$T/w/order"
    asks=$((asks + 1))
    asked=$(ms)
    post "$2" "$T/w/order" || not_ok 'a command by mail'
}
answered() {
    sqlite3 "$T/i/state/db.sqlite" \
        "SELECT COUNT(*) FROM mail m JOIN copy c ON c.mail_id = m.id WHERE m.kind = 'answer' AND c.state = 'sent'"
}
# What that takes when there is nothing else to do, on this machine and beside all that runs on it.
ask ann ann@example.org first
for try in $(seq 600); do [ "$(answered)" = $asks ] && break; sleep 0.05; done
quiet_ms=$(($(ms) - asked))
settle
member acorn distro distros
settle
bob_before=$(box bob@example.org)
patience=5000
[ $((quiet_ms * 5)) -gt $patience ] && patience=$((quiet_ms * 5))
core_before=$(memory core) intake_before=$(memory intake)

begun=$(ms)
smtp-source -L -s 10 -m "$many" -l 4000 -f flood@flood.example -t $list "unix:$T/i/run/lmtp.sock" >"$T/w/source" 2>&1
same 'every mail got its 250' 0 $?
taken_ms=$(($(ms) - begun))
echo "# $many mails were taken in $taken_ms ms, $((many * 1000 / (taken_ms + 1))) a second"
[ "$taken_ms" -le 60000 ] && ok 'within a minute' || not_ok "within a minute: $taken_ms ms"
waiting=$(find "$T/i/state/spool/new" -type f | wc -l)
echo "# $waiting of them are still to be opened"

# An admin and a member write while they are opened, by turns.
ask ann ann@example.org second
longest=0 waited= waited_most=0
while :; do
    from=$(ms)
    ctl status >"$T/w/status" || not_ok 'status'
    took=$(($(ms) - from))
    [ $took -gt $longest ] && longest=$took
    if [ -z "$waited" ] && [ "$(answered)" -ge $asks ]; then
        waited=$(($(ms) - asked))
        [ $waited -le $waited_most ] || waited_most=$waited
    fi
    if [ -n "$waited" ] && [ $asks -lt 12 ] && [ $(($(ms) - asked)) -ge 10000 ]; then
        waited=
        if [ $((asks % 2)) = 0 ]; then ask acorn security@acorn.example "$asks"; else ask ann ann@example.org "$asks"; fi
    fi
    [ "$(find "$T/i/state/spool/new" -type f | wc -l)" -gt 0 ] || break
    [ $(($(ms) - begun)) -lt 1800000 ] || { not_ok 'the backlog is opened'; break; }
    sleep 0.2
done
opened_ms=$(($(ms) - begun))
for last_try in $(seq 300); do [ "$(answered)" -ge $asks ] && break; sleep 0.1; done
[ -n "$waited" ] || waited=$(($(ms) - asked))
[ "$waited" -le $waited_most ] || waited_most=$waited
echo "# all are opened after $opened_ms ms, $((many * 1000 / (opened_ms + 1))) a second"
echo "# status took $longest ms at most; of $((asks - 1)) commands by mail one waited $waited_most ms at most, and $quiet_ms before"
[ $longest -lt 5000 ] && ok 'a command waits less than 5 seconds' || not_ok "a command waits $longest ms"
[ "$waited_most" -gt 0 ] || waited_most=999999
[ "$waited_most" -lt $patience ] && ok 'a command by mail waits less than 5 seconds, or 5 times as long as without a flood' || not_ok "an admin or a member waits $waited_most ms"
ctl wait --timeout 300 >"$T/w/wait" || not_ok 'it settles'
same 'all of it is kept' $((many + 1)) "$(sqlite3 "$T/i/state/db.sqlite" 'SELECT COUNT(*) FROM cases')"
core_after=$(memory core) intake_after=$(memory intake)
echo "# memory in KiB: core $core_before, then $core_after; intake $intake_before, then $intake_after"
[ $((core_after - core_before)) -lt 32768 ] && ok 'core stays small' || not_ok "core grew to $core_after KiB"
[ $((intake_after - intake_before)) -lt 8192 ] && ok 'intake stays small' || not_ok "intake grew to $intake_after KiB"

same 'the team is told of some at once' $((bob_before + at_once)) "$(box bob@example.org)"
same 'nobody is acknowledged' 0 "$(box flood@flood.example)"
later '16 minutes'
settle
same 'then by one digest' $((bob_before + at_once + 1)) "$(box bob@example.org)"
digest=$(newest bob@example.org)
lacks 'of which nothing is in clear' 'Mails:' "$digest"
set_clock "$now"
check 'bob opens it' open_mail bob "$digest" "$T/w/digest"
has 'it says how many' "Mails:      $((many - at_once))" "$T/w/digest"
has 'and from how many' 'Senders:    1, of 1 domains' "$T/w/digest"
ids=$(grep -cE '^  [a-z2-7]{8}  case$' "$T/w/digest")
same 'and names cases by their ids' $((many - at_once > 200 ? 200 : many - at_once)) "$ids"
later '2 hours'
settle
mail 'Rita <rita@reporter.example>' 'after' <<X >"$T/w/m"
After the flood.
X
inject rita@reporter.example "$T/w/m"
same 'the hour after, a report is told at once' $((bob_before + at_once + 2)) "$(box bob@example.org)"

finish
