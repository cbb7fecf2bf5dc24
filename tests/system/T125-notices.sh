#!/bin/sh
# What a notice of the embargo says of its terms is what the advisory said, and nothing once it is over; and each field
# that stands outside of a sealed mail stands inside, signed, too (RFC 9788, 2.1).
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

# protected FILE PAYLOAD WORDS
protected() {
    head_of "$1" | grep -vi '^\(Return-Path\|Delivered-To\|MIME-Version\|Content-[a-z-]*\|Subject\):' | sort >"$T/w/outer"
    head_of "$2" | sort >"$T/w/inner"
    same "$3: no field stands outside alone" '' "$(comm -23 "$T/w/outer" "$T/w/inner")"
    { cat "$T/w/outer"; head_of "$1" | grep '^Subject:'; } | sort >"$T/w/seen"
    same "$3: HP-Outer has each of them, and no other" "$(cat "$T/w/seen")" \
        "$(head_of "$2" | sed -n 's/^HP-Outer: //p' | sort)"
}
# told WORDS: the newest mail at acorn, opened, in $T/w/told.
told() {
    file=$(newest security@acorn.example)
    check "$1: acorn opens it" open_mail acorn "$file" "$T/w/told"
    protected "$file" "$T/w/told" "$1"
}
terms() { head_of "$T/w/told" | grep '^Embargo-\(Allowed\|Denied\|TLP\): '; }

init
start
make_key rita rita@reporter.example
give_key rita "$T/k/list.asc"
member acorn distro distros

{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nWith my key.\n--in-b\n'
  printf 'Content-Type: application/pgp-keys; name="key.asc"\n\n'; cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
mail_of "$T/w/part" 'Rita <rita@reporter.example>' 'A hole' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/m"
inject rita@reporter.example "$T/w/m"
ack=$(newest rita@reporter.example)
same 'an answer names what it answers, for threads (RFC 3834, 3.1.5)' "$(field Message-ID "$T/w/m")" "$(field References "$ack")"
id=$(new_case)
echo 'We thank you.' >"$T/w/words"
check 'case reply' ctl case reply "$id" "$T/w/words" --to reporter
settle
file=$(newest rita@reporter.example)
check 'a reply: she opens it' open_mail rita "$file" "$T/w/told"
protected "$file" "$T/w/told" 'a reply'
same "it is answered to the case's address, by what is signed" 1 \
    "$(field Reply-To "$T/w/told" | grep -c '^security+c-[a-z2-7]*@example.org$')"

disclose 'Ring page'
usual_text 'Ring page' 'TLP: RED' 'Allow: build_test' 'Deny: tell_existence, plan_upgrade' >"$T/w/text"
check 'advisory edit' ctl advisory edit "$id" "$T/w/text"
check 'embargo set' ctl embargo set "$id" --until "$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)"
send_advisory "$id"
settle
told 'an advisory'
terms >"$T/w/terms"
has 'the advisory is RED' 'Embargo-TLP: RED' "$T/w/terms"
same 'no line of it ends in a blank' 0 "$(grep -c ' $\|=20$' "$T/w/told")"
until=$(date -u -d "$now +11 days" +%Y-%m-%dT%H:%M:%SZ)
later '1 hour'
check 'embargo extend' ctl embargo extend "$id" --until "$until" --reason 'more time'
settle
told 'a new date'
same 'a new date' "extended $until" "$(field Embargo-Status "$T/w/told") $(field Embargo-Until "$T/w/told")"
same 'nothing else changes: the terms of the advisory' "$(cat "$T/w/terms")" "$(terms)"
check 'advisory recall' ctl advisory recall "$id"
settle
told 'a recall'
same 'a recall: the embargo holds as it is' extended "$(field Embargo-Status "$T/w/told")"
has 'a recall: the Subject says so' 'recalled' "$T/w/told"
same 'a recall: the terms of the advisory' "$(cat "$T/w/terms")" "$(terms)"
later '1 day'
check 'embargo lift' ctl embargo lift "$id"
settle
told 'the end'
same 'the end' lifted "$(field Embargo-Status "$T/w/told")"
same 'nothing is denied any more, and what was allowed is no bound' 'Embargo-TLP: CLEAR' "$(terms)"
same 'it says when it ended, not when it would have' "$now" "$(field Embargo-Until "$T/w/told")"
file=$(newest ann@example.org)
check 'the team is told: she opens it' open_mail ann "$file" "$T/w/team"
protected "$file" "$T/w/team" 'to the team'
same 'what nobody has asked for is no answer (RFC 3834, 5)' auto-generated "$(field Auto-Submitted "$file")"

# Outside of a mail to members nothing tells a notice of the program from mail of a case.
printf 'Embargo-Command: nonce\n' | secret_mail acorn 'Acorn <security@acorn.example>' 'nonce' >"$T/w/m"
inject security@acorn.example "$T/w/m"
file=$(newest security@acorn.example)
check 'an answer: acorn opens it' open_mail acorn "$file" "$T/w/told"
same 'an answer: its fields outside are those of any mail to members' \
    "From To Subject Date Message-ID List-Id Reply-To List-Post List-Help List-Owner X-Embargo" \
    "$(head_of "$file" | grep -vi '^\(Return-Path\|Delivered-To\|MIME-Version\|Content-[a-z-]*\):' | cut -d: -f1 | tr '\n' ' ' | sed 's/ $//')"
same 'an answer: inside it says that a program wrote it' auto-replied "$(field Auto-Submitted "$T/w/told")"
same 'an answer: and to what' "$(field Message-ID "$T/w/m")" "$(field In-Reply-To "$T/w/told")"
stop
words_are_whole ann ann@example.org
words_are_whole acorn security@acorn.example
words_are_whole rita rita@reporter.example
finish
