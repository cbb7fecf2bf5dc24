#!/bin/sh
# The database is damaged, removed or replaced while the daemon runs: core ends at once and for good, changes nothing
# more, and names the last backup; mail that was not recorded yet is still in the spool.
. "${srcdir:-.}/tests/lib/flow.sh"
init
start
state=$T/i/state
report() {
    mail 'Rita <rita@reporter.example>' "$1" 'Authentication-Results: mx.example.org; dmarc=pass' <<E >"$T/w/m"
Words of $1.
E
    post rita@reporter.example "$T/w/m"
}
spooled() { find "$state/spool/new" -type f | wc -l; }
ends() { # WORDS: the daemon ends by itself within ten seconds
    for try in $(seq 100); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$daemon" 2>/dev/null; then
        not_ok "$1: the daemon ends"
        stop
        return
    fi
    wait "$daemon"
    same "$1: the daemon ends, and would not be started again" 78 $?
    daemon=
    [ "$(grep -c event=role-ended "$T/log")" -lt 5 ] && ok "$1: at once" || not_ok "$1: at once"
    [ "$(wc -l <"$T/log")" -lt 60 ] && ok "$1: in few words" || not_ok "$1: in $(wc -l <"$T/log") lines"
}

report 'One' && settle
check 'a backup' ctl backup "$T/w/backup.gpg"
report 'Two' && settle

# ---- removed, and put back ----
: >"$T/log"
mv "$state/db.sqlite" "$T/w/moved"
report 'Three'
ends 'removed'
grep -q 'event=core-cannot-go-on rule=state.gone .*move it back, or restore a backup' "$T/log" && ok 'the remedy, and the backup' || not_ok 'the remedy, and the backup'
same 'the mail waits' 1 "$(spooled)"
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'check finds it' fail "$(jq -r '.data[] | select(.name == "database") | .status' "$T/w/check")"
mv "$T/w/moved" "$state/db.sqlite"
start
settle
same 'put back, nothing is lost' 3 "$(cases)"
lacks 'nothing twice' 'mail-repeated' "$T/log"

# ---- replaced by another file ----
cp "$state/db.sqlite" "$T/w/copy"
: >"$T/log"
mv "$T/w/copy" "$state/db.sqlite"
ends 'replaced'
has 'and says so' 'event=core-cannot-go-on rule=state.gone' "$T/log"
# The copy lacks what was in the log of the file that it replaced: SQLite takes the -wal that is there.
start
settle
same 'a copy with the -wal beside it is whole' 3 "$(cases)"

# ---- damaged where core does not look: a backup of it would be none ----
# Another program's change makes core read the file anew, where it would go by what it has in memory.
anew() { sqlite3 "$state/db.sqlite" 'PRAGMA busy_timeout = 5000; CREATE TABLE x (y); DROP TABLE x; PRAGMA wal_checkpoint(TRUNCATE)' >"$T/w/out"; }
anew
cp "$state/db.sqlite" "$T/w/good"
page=$(sqlite3 "$state/db.sqlite" "SELECT rootpage FROM sqlite_schema WHERE name = 'breach'")
dd if=/dev/urandom of="$state/db.sqlite" bs=4096 seek=$((page - 1)) count=1 conv=notrunc 2>/dev/null
denied store.damaged 'no backup is made of a damaged database' backup "$T/w/none.gpg"
check 'and none is there' test ! -e "$T/w/none.gpg"
stop
rm -f "$state/db.sqlite-wal" "$state/db.sqlite-shm"
: >"$T/log"
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1
same 'one damaged page is seen at the start' 78 $?
grep -q 'rule=store.damaged .*backup.gpg' "$T/log" && ok 'and the backup before it is named' || not_ok 'and the backup before it is named'
cp "$T/w/good" "$state/db.sqlite"
start

# ---- damaged ----
: >"$T/log"
settle
anew
pages=$(sqlite3 "$state/db.sqlite" 'PRAGMA page_count')
dd if=/dev/urandom of="$state/db.sqlite" bs=4096 seek=2 count=$((pages - 2)) conv=notrunc 2>/dev/null
taken=0
report 'Four' && taken=1 # or core has seen it before, and the mail stays with its server
ends 'damaged'
grep -q 'event=core-cannot-go-on rule=store.damaged .*backup.gpg' "$T/log" && ok 'it names the backup' || not_ok 'it names the backup'
same 'the mail waits' $taken "$(spooled)"
same 'nothing is set aside' 0 "$(find "$state/spool/bad" -type f | wc -l)"
refused 'no mail is taken without a daemon' report 'Five'
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'check finds it' fail "$(jq -r '.data[] | select(.name == "database") | .status' "$T/w/check")"
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1
same 'it does not start again' 78 $?
finish
