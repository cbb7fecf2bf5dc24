#!/bin/sh
# A report that is read and cannot be recorded, whatever the fault is, does not wait in the spool for ever: after some
# tries it is held, others go on, and when the fault is mended it is let in as it came.
. "${srcdir:-.}/tests/lib/flow.sh"
make_key rita rita@reporter.example
init
sed -i '/^reminders/d' "$conf"
printf 'limits = { worker_tries = 2; };\nreminders = [];\n' >>"$conf"
give_key rita "$T/k/list.asc"
start

# A fault that stays: the database refuses every new case.
db() { sqlite3 "$T/i/state/db.sqlite" "$1"; }
db "CREATE TRIGGER no_case BEFORE INSERT ON cases BEGIN SELECT RAISE(ABORT, 'no case today'); END;" || not_ok 'the trigger'
echo 'The words of it.' | secret_mail rita 'Rita <rita@reporter.example>' 'The subject of it' >"$T/w/m"
inject rita@reporter.example "$T/w/m"
same 'it is held' not-recorded "$(get '.data[].rule' held list)"
has 'each try is in the log, with its rule' 'event=mail-deferred rule=store.fault' "$T/log"
same 'and the spool is empty' 0 "$(find "$T/i/state/spool" -type f | wc -l)"
same 'no case' 0 "$(cases)"
held=$(get '.data[].id' held list)

# Let in too early, it waits: nothing is lost.
check 'let in while the fault is there' ctl held release "$held"
for try in $(seq 300); do [ "$(grep -c 'event=mail-deferred' "$T/log")" -ge 5 ] && break; sleep 0.1; done
db 'DROP TRIGGER no_case;'
settle
same 'then it is a case, once' 1 "$(cases)"
same 'and nothing is held' 0 "$(get '.data | length' held list)"

# A second one, let in after the fault is mended, is what it was.
db "CREATE TRIGGER no_case BEFORE INSERT ON cases BEGIN SELECT RAISE(ABORT, 'no case today'); END;"
echo 'Other words.' | secret_mail rita 'Rita <rita@reporter.example>' 'Another subject' >"$T/w/m"
inject rita@reporter.example "$T/w/m"
db 'DROP TRIGGER no_case;'
check 'let in' ctl held release "$(get '.data[].id' held list)"
settle
id=$(get '.data[] | select(.title == "Another subject") | .id' case list)
same 'its words' 'Other words.' "$(get '.data.messages[0].text' case show "$id" | tr -d '\r\n')"
stop
finish
