#!/bin/sh
# A mail that comes again, with the same envelope and the same bytes within 7 days, is recognised: for each recipient by
# itself, side by side, when it was held, by whatever way in, and after a start; a day later than that it is a new mail.
. "${srcdir:-.}/tests/lib/flow.sh"
need python3

init
mkdir -p "$T/i/in/new" "$T/i/in/cur" "$T/i/in/tmp"
printf 'maildir_in = "in";\n' >>"$conf"
start
held() { get '.data | length' held list; }
state() { echo "$(cases) $(held)"; }
report() {
    mail 'Rita <rita@reporter.example>' "$1" <<X >"$T/w/$1"
Words of $1.
X
}
# lmtp SENDER FILE RECIPIENT...: one transaction for all of them.
lmtp() {
    python3 - "$T/i/run/lmtp.sock" "$@" <<'X' || not_ok 'lmtp'
import smtplib, sys
s = smtplib.LMTP(sys.argv[1])
refused = s.sendmail(sys.argv[2], sys.argv[4:], open(sys.argv[3], 'rb').read())
s.quit()
sys.exit(bool(refused))
X
}
repeated() { grep -c 'event=mail-repeated' "$T/log"; }

report one
inject rita@reporter.example "$T/w/one"
same 'a report' '1 0' "$(state)"
inject rita@reporter.example "$T/w/one"
same 'again: nothing new' '1 0 1' "$(state) $(repeated)"
same 'and nobody is told again' 1 "$(box bob@example.org)"
inject dora@reporter.example "$T/w/one"
same 'from another sender it is another mail' '2 0' "$(state)"
sed 's/Words/Other words/' "$T/w/one" >"$T/w/other"
inject rita@reporter.example "$T/w/other"
same 'with other bytes too' '3 0' "$(state)"

# The owner's address is for people, and another recipient.
inject rita@reporter.example "$T/w/one" security-owner@example.org
owner=$(state)
[ "$owner" != '3 0' ] && ok 'to another recipient too' || not_ok 'to another recipient too'
inject rita@reporter.example "$T/w/one" security-owner@example.org
same 'that again: nothing new' "$owner" "$(state)"

# ---- each recipient by itself: the mail server comes again for the one that was told 4yz ----
report two
lmtp rita@reporter.example "$T/w/two" $list security-owner@example.org
settle
both=$(state)
lmtp rita@reporter.example "$T/w/two" security-owner@example.org
lmtp rita@reporter.example "$T/w/two" $list
settle
same 'two recipients, each comes again by itself: nothing new' "$both" "$(state)"

# ---- both at once ----
report three
kill -STOP "$(role_pid core)"
for turn in 1 2 3 4; do post rita@reporter.example "$T/w/three" || not_ok 'it is taken'; done
same 'four in the spool' 4 "$(ls "$T/i/state/spool/new" | wc -l)"
before=$(cases_before=${both% *}; echo $((cases_before + 1)))
kill -CONT "$(role_pid core)"
settle
same 'four at once are one case' "$before" "$(cases)"

# ---- one that was held ----
{ printf 'From: Rita <rita@reporter.example>\nTo: %s\nSubject: empty\n\n' $list; } >"$T/w/empty"
before=$(held)
inject rita@reporter.example "$T/w/empty"
inject rita@reporter.example "$T/w/empty"
same 'held once' $((before + 1)) "$(held)"
check 'and discarded' ctl held discard "$(get '.data[-1].id' held list)"
before=$(held)
inject rita@reporter.example "$T/w/empty"
same 'it does not come back' "$before" "$(held)"

# ---- Maildir, with a crash of the intake and of all ----
deliver() { cp "$T/w/md" "$T/i/in/tmp/$1" && mv "$T/i/in/tmp/$1" "$T/i/in/new/$1"; }
taken() {
    for taken_try in $(seq 300); do [ -z "$(ls "$T/i/in/new")" ] && break; sleep 0.1; done
    settle
}
{ printf 'Return-Path: <rita@reporter.example>\nDelivered-To: %s\n' $list
  mail 'Rita <rita@reporter.example>' 'by Maildir' 'Received: x' <<X; } >"$T/w/md"
By a folder.
X
before=$(cases)
deliver 1.a
taken
deliver 2.a
taken
same 'a Maildir: the same file again is no second case' $((before + 1)) "$(cases)"
stop
deliver 3.a
start
taken
same 'nor after a start' $((before + 1)) "$(cases)"
inject rita@reporter.example "$T/w/one"
lmtp rita@reporter.example "$T/w/two" $list security-owner@example.org
settle
same 'nor one that came by LMTP' $((before + 1)) "$(cases)"

# ---- 7 days ----
report four
inject rita@reporter.example "$T/w/four"
before=$(cases)
later '7 days'
inject rita@reporter.example "$T/w/four"
same 'after 7 days it is known' "$before" "$(cases)"
later '1 second'
inject rita@reporter.example "$T/w/four"
same 'and then no more' $((before + 1)) "$(cases)"
finish
