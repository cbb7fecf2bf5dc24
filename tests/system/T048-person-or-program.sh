#!/bin/sh
# What a program wrote opens no case, gets no answer, and is held in sight; what a person wrote about such programs,
# in their words or with their mail attached, is a report.
. "${srcdir:-.}/tests/lib/flow.sh"

init
start

# program RULE FROM SUBJECT [FIELD...]: its mail, with the text on standard input, is held under the rule and nothing else.
program() {
    program_rule=$1 program_from=$2
    shift
    program_held=$(get '.data | length' held list)
    mail "$@" >"$T/w/m"
    inject "$program_from" "$T/w/m"
    same "of $program_from, $2: held as $program_rule" "$((program_held + 1)) $program_rule" \
        "$(get '.data | length' held list) $(get '.data | max_by(.at) | .rule' held list)"
    same 'and not answered' 0 "$(box "$program_from")"
    later '1 minute'
}

# person SUBJECT [FIELD...]: a case of its own.
person() {
    person_cases=$(cases)
    mail 'Rita <rita@reporter.example>' "$@" >"$T/w/m"
    inject rita@reporter.example "$T/w/m"
    same "a person: $1" $((person_cases + 1)) "$(cases)"
}

# ---- programs ----
program auto-submitted away@x.example 'Re: a hole' 'Auto-Submitted: auto-replied (vacation)' <<X
I am away.
X
program auto-reply b@x.example 'Abwesenheitsnotiz: a hole' <<X
Ich bin nicht da.
X
program auto-reply c@x.example '=?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGC?=: a hole' <<X
I am away.
X
program challenge e@x.example 'Please confirm your message' 'X-Challenge: 1' <<X
Are you a person?
X
program receipt f@x.example 'Read: a hole' 'MIME-Version: 1.0' \
    'Content-Type: multipart/report; report-type=disposition-notification; boundary=b' <<X
--b

It was read.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; f@x.example
Disposition: manual-action/MDN-sent-manually; displayed
--b--
X
program feedback g@x.example 'Report domain: example.org Submitter: x.example Report-ID: <1>' <<X
See the attached file.
X
program bounce mailer-daemon@x.example 'Undelivered mail' <<X
<security@example.org>: no such user here
X
same 'no case of any' 0 "$(cases)"

# ---- persons ----
person 'Out of office access bypass' <<X
Who is out of the office can still log in.
X
person 'Automatic reply crashes on a long name' <<X
It says:

  I am out of the office. Your mail could not be delivered: user unknown

and ends.
X
person 'Undeliverable mail crashes the parser' <<X
This ends it:

<a@x.example>: host mx.x.example[192.0.2.1] said: 550 5.1.1 user unknown

It could not be delivered.
X
person 'Your mailer loops' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary=b' <<X
--b

See what it sends.
--b
Content-Type: message/rfc822

From: MAILER-DAEMON@x.example
Auto-Submitted: auto-replied
Subject: Undelivered mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=c

--c
Content-Type: message/delivery-status

Reporting-MTA: dns; x.example

Final-Recipient: rfc822; a@x.example
Action: failed
Status: 5.1.1

--c--
--b--
X
open_mail ann "$(newest ann@example.org)" "$T/w/told"
has 'the mail that it attaches is shown' 'From: MAILER-DAEMON@x.example' "$T/w/told"
has 'and its part goes on, as bytes' 'application/octet-stream' "$T/w/told"
person 'This part ends your reader' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary=b' <<X
--b

It is attached.
--b
Content-Type: message/delivery-status
Content-Disposition: attachment; filename=x.txt

Final-Recipient: rfc822; a@x.example
Action: failed
Status: 5.1.1
--b--
X
# A type that is none, and a Subject that is too long.
person 'A part of an odd type' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary=b' <<X
--b

It is attached.
--b
Content-Type: multipart/x(y; boundary=c
Content-Disposition: attachment; filename*=utf-8''a%0Ab

x
--b
Content-Type: x/y/z
Content-Disposition: attachment

x
--b--
X
person "$(printf '%9000s' x | tr ' ' a)" <<X
A long Subject.
X
check 'the chain holds' ctl audit verify
stop
finish
