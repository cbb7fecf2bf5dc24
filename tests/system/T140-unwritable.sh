#!/bin/sh
# The database becomes read-only while the daemon runs (as of a file system that the kernel has mounted so after an
# error): nothing is lost, nothing is sent twice, and it goes on by itself when it can be written again.
. "${srcdir:-.}/tests/lib/flow.sh"
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
logged() { # WORDS PATTERN: comes up in the log within ten seconds
    for logged_try in $(seq 100); do
        grep -q "$2" "$T/log" && { ok "the log says: $1"; return; }
        sleep 0.1
    done
    not_ok "the log says: $1"
}

# ---- a mail that was handed over, and of which nobody can write that it was ----
mkdir -p "$T/i/mail"
: >"$T/i/mail/bob@example.org" # no folder: the copy is deferred
start
report
for try in $(seq 50); do
    [ "$(get '[.data[] | select(.state == "deferred")] | length' queue list)" = 1 ] && break
    sleep 0.1
done
read_only
rm "$T/i/mail/bob@example.org"
: >"$T/log"
later '2 seconds'
logged 'what was sent is not recorded' 'event=results-not-recorded'
copies=0
for try in $(seq 30); do # bob reads his mail: a second copy of it would be a new file
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
stop
finish
