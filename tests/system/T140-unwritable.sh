#!/bin/sh
# The database becomes read-only while the daemon runs (as of a file system that the kernel has mounted so after an
# error): nothing is lost, nothing is sent twice, and it goes on by itself when it can be written again.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/holder.sh"
need chattr
init
sed -i '/^reminders/d' "$conf"
printf 'limits = { retry_first_s = 1; retry_max_s = 1; };\nreminders = [];\n' >>"$conf"
touch "$T/w/try"
chattr +i "$T/w/try" 2>/dev/null || { echo 'skipped: no file can be made immutable here'; exit 77; }
chattr -i "$T/w/try"

# SQLite has its files open: a mode would not hinder it any more, this does.
read_only() { chattr +i "$T/i/state/db.sqlite-wal" "$T/i/state/db.sqlite"; }
writable() { chattr -i "$T/i/state/db.sqlite-wal" "$T/i/state/db.sqlite" 2>/dev/null; }
trap 'writable; cleanup' EXIT

n=0
report() { # a report to the team
    n=$((n + 1))
    mail 'Rita <rita@reporter.example>' "Report $n" 'Authentication-Results: mx.example.org; dmarc=pass' <<E >"$T/w/m"
Words of $n.
E
    check "mail $n is taken" post rita@reporter.example "$T/w/m"
}
logged() { comes_in "the log says: $1" "$2" "$T/log"; }

# ---- a mail that was handed over, and of which nobody can write that it was ----
mkdir -p "$T/i/mail"
: >"$T/i/mail/bob@example.org" # no folder: the copy is deferred
start
report
for try in $(seq 300); do
    [ "$(get '[.data[] | select(.state == "deferred")] | length' queue list)" = 1 ] && break
    sleep 0.1
done
: >"$T/log"
read_only
rm "$T/i/mail/bob@example.org"
later '2 seconds'
logged 'what was sent is not recorded' 'event=results-not-recorded'
copies=0
for try in $(seq 15); do # bob reads his mail: a second copy of it would be a new file
    for file in "$T/i/mail/bob@example.org"/new/*; do
        [ -f "$file" ] && mv "$file" "$T/w/" && copies=$((copies + 1))
    done
    sleep 0.1
done
same 'it is sent once' 1 "$copies"
writable
settle
same 'and not again afterwards' 0 "$(box bob@example.org)"
same 'then it is recorded' '' "$(get '.data[] | select(.state != "sent") | .state' queue list)"

# ---- mail and commands meanwhile ----
: >"$T/log"
read_only
before=$(cases) had=$(box ann@example.org)
report
logged 'core rests, and why, with the remedy' 'event=core-rests rule=store.read-only .*owner and mode .*mounted'
same 'what needs no change is answered' 0 "$(ctl case list >"$T/w/out"; echo $?)"
has 'status says what is wrong' 'nothing is opened, sent or published' "$(ctl status >"$T/w/out"; echo "$T/w/out")"
same 'it is not settled' 5 "$(ctl wait --timeout 0.3 >"$T/w/out"; echo $?)"
echo 'A note.' >"$T/w/note"
denied_code=$(ctl case note "$(new_case)" "$T/w/note" >"$T/w/out"; echo $?)
same 'a change is refused by the rule' "4 store.read-only" "$denied_code $(jq -r .rule "$T/w/out")"
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'check finds it' fail "$(jq -r '.data[] | select(.name == "database") | .status' "$T/w/check")"
sleep 3
[ "$(wc -l <"$T/log")" -lt 20 ] && ok 'the log is not flooded' || not_ok "the log has $(wc -l <"$T/log") lines"
same 'nothing was recorded' "$before" "$(cases)"
writable
settle
same 'it goes on without a restart' 1 "$(grep -c 'event=core-goes-on rule=store.read-only' "$T/log")"
same 'with what had come' $((before + 1)) "$(cases)"
[ "$(box ann@example.org)" -ge $((had + 2)) ] && ok 'and the admins are told' || not_ok 'and the admins are told'
lacks 'no role was started again' 'event=role-ended' "$T/log"

# ---- the spool, too ----
chattr +i "$T/i/state/spool/tmp" "$T/i/state/spool/new"
post rita@reporter.example "$T/w/m"
same 'where the spool cannot be written, the mail stays with its server' 75 $?
has 'by 451' 'rule=spool.unwritable' "$T/log"
chattr -i "$T/i/state/spool/tmp" "$T/i/state/spool/new"
before=$(cases)
report
settle
same 'and is taken when it can' $((before + 1)) "$(cases)"

# ---- held by another program ----
: >"$T/log"
hold_database
before=$(cases)
report
logged 'core rests while another program holds the database' 'event=core-rests rule=store.busy .*fuser'
began=$(date +%s%N)
ctl case list >"$T/w/out" && ok 'and answers' || not_ok 'and answers'
[ $(($(date +%s%N) - began)) -lt 1500000000 ] && ok 'without waiting for it' || not_ok 'without waiting for it'
let_database_go
settle
same 'and goes on' $((before + 1)) "$(cases)"
has 'by itself' 'event=core-goes-on rule=store.busy' "$T/log"
stop
finish
