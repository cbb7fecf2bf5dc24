#!/bin/sh
# What comes back: a report about a copy, matched by its envelope address; forged ones, answers of programs, delays.
. "$(dirname "$0")/../lib/flow.sh"

init
start
member acorn distro distros
member birch distro distros
printf 'Hello.\n' >"$T/w/body"
mail 'Rita <rita@reporter.example>' 'Overflow in the parser' <<X >"$T/w/m"
It overflows.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
ctl case accept "$id" >/dev/null
cat >"$T/w/advisory" <<X
Title: Overflow in the parser
Severity: high

## Description
It overflows.
X
check 'advisory new' ctl advisory edit "$(get .data.id advisory new "$id" --title T >/dev/null; echo "$id")" "$T/w/advisory"
check 'advisory send' ctl advisory send "$id"
settle

copy_file() { newest "security@$1.example"; }
verp() { sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$(copy_file "$1")" | head -n 1; }
copy_id() { ctl queue list | jq -r --arg o "$1" '[.data[] | select(.org == $o and .kind == "advisory")] | last | .id'; }
copy() { get "$1" queue show "$2"; }
audit_count() { ctl audit show | jq --arg e "$1" '[.data[] | select(.event == $e)] | length'; }

# report ADDRESS ACTION STATUS WORDS: a report of a mail server about one recipient (RFC 3464), to standard output.
reports=0
report() {
    reports=$((reports + 1))
    mail 'Mail system <mailer-daemon@mx.example.net>' 'Report of delivery' 'Auto-Submitted: auto-replied' \
        'MIME-Version: 1.0' 'Content-Type: multipart/report; report-type=delivery-status; boundary="r"' <<X
--r
Content-Type: text/plain

Report $reports: it was not delivered.

--r
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; $1
Action: $2
Status: $3
Diagnostic-Code: smtp; $4

--r
Content-Type: text/rfc822-headers

Subject: sesame
--r--
X
}

acorn=$(copy_id acorn) birch=$(copy_id birch)
acorn_verp=$(verp acorn) birch_verp=$(verp birch)
same 'both have gone' 'sent sent' "$(copy .data.state "$acorn") $(copy .data.state "$birch")"
same 'each has an address of its own' 1 "$(echo "$acorn_verp" | grep -c '^security+b-[a-z2-7]*@example.org$')"
cases_before=$(cases)

# ---- forged: nothing but the audit trail ----
ann_before=$(box ann@example.org)
report security@acorn.example failed 5.1.1 '550 5.1.1 user unknown' >"$T/w/dsn"
inject '' "$T/w/dsn" security+b-aaaaaaaaaaaaaaaaaaaaaaaa@example.org
same 'a forged tag changes nothing' sent "$(copy .data.state "$acorn")"
same 'and nobody is told' "$ann_before" "$(box ann@example.org)"
altered=$(echo "$acorn_verp" | sed 's/b-\(.\)\(.*\)@/b-\1\2x@/')
inject '' "$T/w/dsn" "$altered"
same 'nor does an altered one' sent "$(copy .data.state "$acorn")"

# ---- an answer of a program, which goes to the envelope's sender (RFC 3834) ----
mail 'Away <security@acorn.example>' 'Automatic reply: [...]' 'Auto-Submitted: auto-replied' <<X >"$T/w/away"
On holiday; our user unknown desk is full.
X
held_before=$(get '.data | length' held list)
inject '' "$T/w/away" "$acorn_verp"
same 'a vacation notice is no bounce' sent "$(copy .data.state "$acorn")"
same 'and is not held' "$held_before" "$(get '.data | length' held list)"
same 'but noted' 1 "$(audit_count bounce.ignored)"

# ---- a delay ----
report security@acorn.example delayed 4.4.1 'connect to mx.acorn.example: timed out' >"$T/w/delay"
inject '' "$T/w/delay" "$acorn_verp"
same 'a delay changes no state' 'sent delay 4.4.1' \
    "$(copy '.data.state + " " + .data.bounce.class + " " + .data.bounce.code' "$acorn")"
same 'and no one is told' "$ann_before" "$(box ann@example.org)"

# ---- it comes back ----
inject '' "$T/w/dsn" "$acorn_verp"
same 'the copy has failed, with its code' 'failed 5.1.1 permanent' \
    "$(copy '.data.state + " " + .data.code + " " + .data.bounce.class' "$acorn")"
same 'the other one has not' sent "$(copy .data.state "$birch")"
same 'an admin is told' $((ann_before + 1)) "$(box ann@example.org)"
open_mail ann "$(newest ann@example.org)" "$T/w/told"
has 'which copy' 'security@acorn.example' "$T/w/told"
has 'and what to do' 'embargoctl queue retry' "$T/w/told"
lacks 'nothing of the bounce' sesame "$T/w/told"
same 'and it is encrypted' '[...]' "$(field Subject "$(newest ann@example.org)")"
same 'member show has it' 1 "$(get '.data.contacts[0].reason' member show acorn | grep -c 'delivery trouble.*5\.1\.1')"
same 'of that member alone' null "$(get '.data.contacts[0].reason' member show birch)"

# ---- at most one counts ----
report security@acorn.example failed 5.1.1 '550 5.1.1 user unknown' >"$T/w/again"
inject '' "$T/w/again" "$acorn_verp"
same 'a second one is not told' $((ann_before + 1)) "$(box ann@example.org)"
same 'but noted' 1 "$(audit_count bounce.repeated)"

# ---- sent again: a delivery of its own ----
check 'queue retry' ctl queue retry "$acorn"
settle
same 'it has gone again' sent "$(copy .data.state "$acorn")"
same 'the trouble is over' null "$(get '.data.contacts[0].reason' member show acorn)"
report security@acorn.example failed 5.7.1 '554 5.7.1 refused for policy reasons' >"$T/w/third"
inject '' "$T/w/third" "$acorn_verp"
same 'and may come back again' 'failed 5.7.1 temporary' \
    "$(copy '.data.state + " " + .data.code + " " + .data.bounce.class' "$acorn")"

# ---- prose, and a report of success ----
report security@birch.example delivered 2.0.0 '250 2.0.0 ok' >"$T/w/done"
inject '' "$T/w/done" "$birch_verp"
same 'success is no bounce' 'sent null' "$(copy '.data.state + " " + (.data.bounce | tostring)' "$birch")"
mail 'MAILER-DAEMON@mx.example.net' 'failure notice' <<X >"$T/w/prose"
This is the mail program at mx.example.net. It gave up on these:

<security@birch.example>:
No mailbox of that name is here. (#5.1.1)

--- What follows is a copy of the message.

Subject: sesame
X
inject '' "$T/w/prose" "$birch_verp"
same 'prose is read too' 'failed 5.1.1' "$(copy '.data.state + " " + .data.code' "$birch")"

same 'no case came of any' "$cases_before" "$(cases)"
same 'no answer went to the daemon' 0 "$(box mailer-daemon@mx.example.net)"
check 'the chain holds' ctl audit verify
if grep -aq sesame "$T/i/state/db.sqlite" "$T/i/state/db.sqlite-wal" "$T/log" 2>/dev/null; then
    not_ok 'nothing of a bounce is kept in clear'
else
    ok 'nothing of a bounce is kept in clear'
fi
stop
words_are_whole ann ann@example.org
finish
