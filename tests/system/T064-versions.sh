#!/bin/sh
# The life of an advisory after its first version: what changed is said, and reaches those who were told before and are
# active; the dates of the embargo; a late joiner; a recall; patches that are bound by their hashes.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
need perl

for org in acorn birch cedar delta ember late; do make_key $org security@$org.example & done
wait_keys
while [ ! -s "$T/k/late.asc" ]; do sleep 0.05; done
init
start
for org in acorn birch cedar; do member $org distro distros; done
for org in delta ember; do member $org hosting-provider service-providers; done
set_clock "$now"

# boxes: how many mails each has.
boxes() { for org in acorn birch cedar delta ember late; do printf '%s ' "$(box security@$org.example)"; done; }

# attached FILE NAME: the bytes of an attachment of a payload.
attached() {
    perl -MMIME::Base64 -MMIME::QuotedPrint -0777 -ne '
        BEGIN { $name = shift }
        for (split /^--\S+\n/m) {
            my ($head, $body) = split /\n\n/, $_, 2;
            next unless $head =~ /filename="?\Q$name\E"?/;
            $body =~ s/\n\z//;
            $body = decode_base64($body) if $head =~ /encoding: *base64/i;
            $body = decode_qp($body) if $head =~ /encoding: *quoted/i;
            print $body;
        }' "$2" "$1"
}

# ---- version 1 ----
disclose 'Ring page'
printf -- '--- a/ring.c\n+++ b/ring.c\n@@ -1 +1 @@\n-int n = a + b;\n+size_t n = 0; /* Gr\303\274n */\n' >"$T/w/ring.patch"
usual_text 'Ring page' 'Affected: ringd >=4.0 <4.2' 'Fixed: ringd 4.2' >"$T/w/v1"
check 'a draft with a patch' ctl advisory edit "$id" "$T/w/v1" --attach "$T/w/ring.patch"
hash=$(sha256sum "$T/w/ring.patch" | cut -d' ' -f1)
same "the patch's hash is that of its bytes" "$hash" "$(jq -r '.data.patches[0].sha256' "$T/w/out")"
ctl embargo set "$id" --until "$(date -u -d "$now + 20 days" +%Y-%m-%dT15:00:00Z)" >"$T/w/set"
same 'a date before anybody is told tells nobody' '0 0 0 0 0 0 ' "$(boxes)"
send_advisory "$id"
settle
same 'version 1 reaches all' '1 1 1 1 1 0 ' "$(boxes)"
opens acorn 'version 1'
has "the text names the patch's hash" "$hash" "$T/w/open.acorn"
attached "$T/w/open.acorn" ring.patch >"$T/w/got.patch"
check 'and the attachment has it' cmp "$T/w/ring.patch" "$T/w/got.patch"
lacks 'version 1 has no word of updates' 'UPDATES IN VERSION' "$T/w/open.acorn"
same 'its field' 1 "$(field Embargo-Version "$T/w/open.acorn")"
send_advisory "$id"
settle
same 'said again, it goes to nobody' '1 1 1 1 1 0 ' "$(boxes)"
same 'for they are told' 'already-told' "$(recipients .rule | uniq)"

# ---- dates ----
until=$(date -u -d "$now + 25 days" +%Y-%m-%dT15:00:00Z)
check 'embargo extend' ctl embargo extend "$id" --until "$until" --reason 'the fix needs longer'
settle
same 'all who were told hear of it' '2 2 2 2 2 0 ' "$(boxes)"
opens delta 'the new date'
has 'with the date' "$until" "$T/w/open.delta"
same 'as its field' "$until" "$(field Embargo-Until "$T/w/open.delta")"
same 'and the status' extended "$(field Embargo-Status "$T/w/open.delta")"
until=$(date -u -d "$now + 24 days" +%Y-%m-%dT15:00:00Z)
ctl embargo set "$id" --until "$until" --reason 'sooner after all' >"$T/w/set"
same 'embargo set twice' "$until" "$(jq -r .data.until "$T/w/set")"
settle
same 'is told again' '3 3 3 3 3 0 ' "$(boxes)"
opens ember 'the date set again'
same 'with its field' "$until" "$(field Embargo-Until "$T/w/open.ember")"

# ---- version 2, after a suspension, a removal, and with a newcomer ----
ctl member suspend birch --reason 'answers nothing' >/dev/null
ctl member remove cedar --reason 'spoke of it' >/dev/null
sed -e 's/^Severity: high/Severity: critical/' -e 's/^Affected: .*/Affected: ringd >=3.9 <4.2/' "$T/w/v1" >"$T/w/v2"
printf '\n## UPDATES\n\nVersion 3.9 is affected as well.\n' >>"$T/w/v2"
printf '+/* more */\n' >>"$T/w/ring.patch"
check 'a second draft' ctl advisory edit "$id" "$T/w/v2" --attach "$T/w/ring.patch"
same 'is version 2' '2 draft' "$(jq -r '"\(.data.version) \(.data.state)"' "$T/w/out")"
send_advisory "$id" --dry-run
same 'the table names who is left out, and why' 'birch member.suspended
cedar member.removed' "$(recipients 'select(.verdict == "skip") | "\(.org) \(.rule)"')"
send_advisory "$id"
settle
same 'version 2 reaches those who are active' '4 3 3 4 4 0 ' "$(boxes)"
for file in "$T/i/mail/ann@example.org/new/"*; do
    open_mail ann "$file" "$T/w/team" 2>/dev/null
    grep -h -A4 'does not go to them' "$T/w/team"
done >"$T/w/left"
has 'the team hears who was told before and is not told now' 'birch  security@birch.example  (member.suspended)' "$T/w/left"
has 'all of them' 'cedar  security@cedar.example  (member.removed)' "$T/w/left"
opens acorn 'version 2'
tr '\n' ' ' <"$T/w/open.acorn" >"$T/w/flat"
has 'it says what changed, in its own words first' \
    'UPDATES IN VERSION 2  Version 3.9 is affected as well.' "$T/w/flat"
for words in critical 'ring.patch'; do
    check "it names the change: $words" sh -c "sed -n '/^UPDATES IN VERSION 2/,/^IMPACT/p' '$T/w/open.acorn' | grep -qi '$words'"
done
hash=$(sha256sum "$T/w/ring.patch" | cut -d' ' -f1)
has "the new patch's hash" "$hash" "$T/w/open.acorn"
attached "$T/w/open.acorn" ring.patch >"$T/w/got.patch"
check 'is that of the new attachment' cmp "$T/w/ring.patch" "$T/w/got.patch"
same 'its field' 2 "$(field Embargo-Version "$T/w/open.acorn")"
same 'advisory show --version 1' 'high 1' "$(get '"\(.data.severity) \(.data.version)"' advisory show "$id" --version 1)"
same 'advisory show --version 2' 'critical 2' "$(get '"\(.data.severity) \(.data.version)"' advisory show "$id" --version 2)"
same 'advisory show: the newest' 2 "$(get .data.version advisory show "$id")"
same 'the first kept its patch' 1 "$(get '.data.patches[0].size_bytes' advisory show "$id" --version 1 |
    grep -cx "$(($(wc -c <"$T/w/ring.patch") - 12))")"
ctl advisory show "$id" --version 7 >/dev/null
same 'there is no version 7: 3' 3 $?

# ---- a late joiner ----
member late distro distros
until=$(date -u -d "$now + 26 days" +%Y-%m-%dT15:00:00Z)
ctl embargo extend "$id" --until "$until" --reason 'again' >/dev/null
settle
same 'a notice goes neither to who left nor to who was not told' '5 3 3 5 5 0 ' "$(boxes)"
send_advisory "$id" --to late
settle
same 'a late joiner, alone' '5 3 3 5 5 1 ' "$(boxes)"
opens late 'a late joiner'
same 'version 2' 2 "$(field Embargo-Version "$T/w/open.late")"
same 'with the date of today' "$until" "$(field Embargo-Until "$T/w/open.late")"
same 'by a body of its own' 1 "$(sql "SELECT COUNT(*) FROM copy WHERE body_id =
    (SELECT body_id FROM copy WHERE org = 'late')")"
session() {
    open_mail "$1" "$2" "$T/w/any"
    gpg --homedir "$T/k/$1" --batch --show-session-key -d "$T/w/cipher.asc" 2>&1 >/dev/null |
        sed -n "s/.*session key: '\(.*\)'.*/\1/p"
}
for file in "$T/i/mail/security@acorn.example/new/"* "$T/i/mail/security@late.example/new/"*; do
    case $file in *late.example*) session late "$file" ;; *) session acorn "$file" ;; esac
done | sort >"$T/w/sessions"
same 'no two mails have a session key in common' 6 "$(uniq "$T/w/sessions" | grep -c '^9:')"

# ---- a recall ----
sed 's/^Severity: critical/Severity: low/' "$T/w/v2" >"$T/w/v3"
ctl advisory edit "$id" "$T/w/v3" >/dev/null
mv "$T/i/mail/security@ember.example" "$T/w/ember"
: >"$T/i/mail/security@ember.example"
send_advisory "$id"
for try in $(seq 300); do
    # The others have theirs by then: a recall drops whatever has not gone.
    [ "$(sql "SELECT COUNT(*) FROM copy WHERE org = 'ember' AND state = 'deferred'")" = 1 ] &&
        [ "$(sql "SELECT COUNT(*) FROM copy WHERE state = 'queued'")" = 0 ] && break
    sleep 0.1
done
same 'a copy could not be delivered yet' 1 "$(sql "SELECT COUNT(*) FROM copy WHERE org = 'ember' AND state = 'deferred'")"
rm "$T/i/mail/security@ember.example"
mv "$T/w/ember" "$T/i/mail/security@ember.example"
check 'advisory recall' ctl advisory recall "$id"
settle
same 'the copy that had not gone is dropped' 'dropped recalled' \
    "$(get '[.data[] | select(.address == "security@ember.example" and .state != "sent")] | last | "\(.state) \(.code)"' queue list)"
same 'a notice goes to all who were told' '7 3 3 7 6 3 ' "$(boxes)"
opens ember 'the notice of the recall'
has 'says so' 'recalled' "$T/w/open.ember"
later '2 days'
settle
same 'and the copy never goes' '7 3 3 7 6 3 ' "$(boxes)"

# ---- the end ----
check 'embargo lift' ctl embargo lift "$id" --reason 'all have it'
settle
same 'those who are active hear of it' '8 3 3 8 7 4 ' "$(boxes)"
opens acorn 'the end'
same 'with its status' lifted "$(field Embargo-Status "$T/w/open.acorn")"
same 'the case is public' public "$(get .data.state case show "$id")"

disclose 'Other page'
usual_text 'Other page' >"$T/w/other"
ctl advisory edit "$id" "$T/w/other" >/dev/null
send_advisory "$id" --tier distros
settle
same 'told to one tier' '9 3 3 8 7 5 ' "$(boxes)"
ctl advisory send "$id" --to nobody-here >/dev/null
same 'there is no such member: 3' 3 $?
check 'embargo broken' ctl embargo broken "$id" --reason 'seen in the wild'
settle
same 'those of that tier alone hear of it' '10 3 3 8 7 6 ' "$(boxes)"
opens late 'broken'
same 'with its status' broken "$(field Embargo-Status "$T/w/open.late")"
same 'the audit trail holds' true "$("$bin/embargoctl" -c "$conf" --json audit verify | jq -r .ok)"
stop
finish
