#!/bin/sh
# An advisory from its text to each member's copy: sections, patch and its SHA-256, who is told, what stands outside and
# inside of the mail, and that a copy names and opens for nobody else. Said again, nothing is sent twice.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
start
members
ctl member add --org fern --class distro --tier distros --address security@fern.example >"$T/w/member" ||
    { not_ok 'member add without a key'; cat "$T/w/member"; }

# ---- the case, from a report ----
mail 'Rita <rita@reporter.example>' 'A hole' 'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/m"
The ring page overflows.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
denied state.case 'an advisory before the case is accepted is refused' advisory send "$id"
check 'case accept' ctl case accept "$id"
until=$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)
check 'embargo set' ctl embargo set "$id" --until "$until"
check 'case set' ctl case set "$id" severity=high cve=CVE-2026-11111,CVE-2026-22222
check 'case fix-ready' ctl case fix-ready "$id"

# ---- its text ----
printf -- '--- a/ring.c\n+++ b/ring.c\n@@ -1 +1 @@\n-size_t n = len;\n+size_t n = len < max ? len : max;\n' >"$T/w/fix.patch"
cat >"$T/w/text" <<X
Title: Ring page overflow
CVE: CVE-2026-11111, CVE-2026-22222
TLP: AMBER+STRICT
Allow: build_test, deploy_hosted
Deny: tell_existence
Severity: high
CVSS: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H
CWE: CWE-787
Affected: ringd >=1.2 <1.4, ringd >=2.0 <2.3
Fixed: ringd 1.4
Credits: Rita
References: https://example.org/ring

## ISSUE DESCRIPTION

A guest can write past the ring page.

From here on a line may begin like a header.

## MITIGATION

Do not run guests that you do not trust: caf$(printf '\303\251').
X
check 'advisory new' ctl advisory new "$id" --title 'Ring page overflow'
check 'advisory edit' ctl advisory edit "$id" "$T/w/text" --attach "$T/w/fix.patch"
ctl advisory preview "$id" --tier distros >"$T/w/preview"
jq -r '.data | .. | strings' "$T/w/preview" >"$T/w/preview.text"
sum=$(sha256sum "$T/w/fix.patch" | cut -d' ' -f1)
has 'the preview has the sections' 'ISSUE DESCRIPTION' "$T/w/preview.text"
has 'and the sum of the patch' "$sum" "$T/w/preview.text"

# ---- the dry run ----
ctl advisory send "$id" --dry-run >"$T/w/dry"
same 'the dry run lists everybody' 'acorn send
birch send
cedar send
delta send
ember send
fern skip' "$(jq -r '.data.recipients[] | .org + " " + .verdict' "$T/w/dry" | sort)"
same 'a member without a key is named with its rule' 'key.missing' \
    "$(jq -r '.data.recipients[] | select(.org == "fern") | .rule' "$T/w/dry")"
same 'each has key and rule' 5 "$(jq '[.data.recipients[] | select(.verdict == "send" and (.fingerprint | length) == 40
    and (.rule | length) > 0)] | length' "$T/w/dry")"
settle
same 'it sends nothing' 0 "$(box security@acorn.example)"
same 'and changes no state' fix-ready "$(get .data.state case show "$id")"

# ---- sent ----
ctl advisory send "$id" >"$T/w/send"
same 'advisory send: 0' 0 $?
same 'the same verdicts' "$(jq -c '[.data.recipients[] | [.org, .verdict, .rule]]' "$T/w/dry")" \
    "$(jq -c '[.data.recipients[] | [.org, .verdict, .rule]]' "$T/w/send")"
settle
same 'the case is pre-disclosed' predisclosed "$(get .data.state case show "$id")"
for org in acorn birch cedar delta ember; do same "$org has one copy" 1 "$(box security@$org.example)"; done
same 'fern has none' 0 "$(box security@fern.example)"
same 'the queue says so' '5 sent' \
    "$(get '[.data[] | select(.kind == "advisory") | .state] | group_by(.)[] | "\(length) \(.[0])"' queue list)"

ctl advisory send "$id" >"$T/w/again"
settle
same 'said again: all are skipped' 'already-told already-told already-told already-told already-told key.missing' \
    "$(jq -r '.data.recipients[].rule' "$T/w/again" | sort | tr '\n' ' ' | sed 's/ $//')"
same 'nothing is sent twice' '1 1' "$(box security@acorn.example) $(box security@ember.example)"
case_label=$(get '.data | .public_id // .id' case show "$id")

# ---- each copy ----
# keyids NAME: the key ids of its encryption subkeys. packets FILE NAME: of the encrypted message, as NAME reads it.
keyids() { gpg --homedir "$T/k/$1" --batch --with-colons -K 2>/dev/null | awk -F: '$1 == "ssb" { print $5 }'; }
packets() {
    sed 's/\r$//' "$1" | sed -n '/^-----BEGIN PGP/,/^-----END PGP/p' |
        gpg --homedir "$T/k/$2" --batch --list-packets 2>/dev/null
}
for org in acorn birch cedar delta ember; do
    eval "file_$org=\$(newest security@$org.example)"
    opens $org 'its copy'
    eval "packets \"\$file_$org\" $org" >"$T/w/packets"
    same "$org: one session key, for its own subkey" "$(keyids $org)" \
        "$(sed -n 's/^:pubkey enc packet.*keyid //p' "$T/w/packets")"
done
for org in birch cedar delta ember; do
    eval "file=\$file_$org"
    refused "acorn cannot open $org's copy" open_mail acorn "$file" "$T/w/none"
done
hexed() { sed 's/\r$//' "$1" | sed -n '/^-----BEGIN PGP/,/^-----END PGP/p' | gpg --dearmor 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; }
hexed "$file_acorn" >"$T/w/hex"
for org in birch cedar delta ember; do
    lacks "acorn's bytes do not hold the key id of $org" "$(keyids $org | tr 'A-F' 'a-f')" "$T/w/hex"
done
has 'but its own' "$(keyids acorn | tr 'A-F' 'a-f')" "$T/w/hex"

# ---- outside ----
head_of "$file_acorn" | sed 's/:.*//' | sort >"$T/w/fields"
same 'the fields outside, and no others' 'Content-Type Date Delivered-To From List-Help List-Id List-Owner List-Post MIME-Version Message-ID Reply-To Return-Path Subject To X-Embargo' \
    "$(LC_ALL=C sort "$T/w/fields" | tr '\n' ' ' | sed 's/ $//')"
for name in From To Reply-To; do same "outer $name is the list" "$list" "$(field $name "$file_acorn")"; done
same 'the outer Subject says nothing' '[...]' "$(field Subject "$file_acorn")"
same 'X-Embargo' active "$(field X-Embargo "$file_acorn")"
same 'Message-ID and Date are those of the group' "$(field Message-ID "$file_acorn") $(field Date "$file_acorn")" \
    "$(field Message-ID "$file_birch") $(field Date "$file_birch")"
same 'To is the list in every copy' 5 "$(for org in acorn birch cedar delta ember; do eval "field To \"\$file_$org\""; done | grep -cx "$list")"
same 'a bounce comes back to an address of the list' 1 "$(field Return-Path "$file_acorn" | grep -c '^<security+b-[a-z2-7]*@example.org>$')"
for org in acorn birch; do
    eval "file=\$file_$org"
    sed '1,2d' "$file" >"$T/w/clear.$org"
    for other in birch cedar delta ember acorn; do
        [ $other = $org ] || lacks "$org's copy does not name $other" "$other" "$T/w/clear.$org"
    done
    lacks "$org's copy has no CVE in clear" CVE- "$T/w/clear.$org"
    lacks "nor the case" "$case_label" "$T/w/clear.$org"
done

# ---- inside ----
inside=$T/w/open.acorn
inner() { field "$1" "$inside"; }
has 'the payload is protected, for clients of today and tomorrow' 'protected-headers="v1"' "$inside"
has 'hp' 'hp="cipher"' "$inside"
same 'the inner Subject' 1 "$(inner Subject | grep -c "^$case_label v1 (CVE-2026-11111,CVE-2026-22222) - ")"
same 'From, To inside' "$list $list" "$(inner From) $(inner To)"
same 'Message-ID and Date inside are those outside' "$(field Message-ID "$file_acorn") $(field Date "$file_acorn")" \
    "$(inner Message-ID) $(inner Date)"
has 'HP-Outer: the subject that was seen' 'HP-Outer: Subject: [...]' "$inside"
same 'Embargo-Case' "$case_label" "$(inner Embargo-Case)"
same 'Embargo-Version' 1 "$(inner Embargo-Version)"
same 'Embargo-Status' active "$(inner Embargo-Status)"
same 'Embargo-Until' "$until" "$(inner Embargo-Until)"
same 'Embargo-Model' cloud "$(inner Embargo-Model)"
same 'Embargo-Tier' distros "$(inner Embargo-Tier)"
same 'Embargo-TLP' 'AMBER+STRICT' "$(inner Embargo-TLP)"
same 'Embargo-Policy' 'cloud-model@2026' "$(inner Embargo-Policy)"
same 'Embargo-Allowed' 1 "$(inner Embargo-Allowed | grep -c 'build_test.*deploy_hosted\|deploy_hosted.*build_test')"
same 'Embargo-Denied' 1 "$(inner Embargo-Denied | grep -c tell_existence)"
same "a provider's copy names its own tier" service-providers "$(field Embargo-Tier "$T/w/open.delta")"
# Quoted-printable undone, wherever it stands.
perl -0pe 's/=\n//g; s/=([0-9A-F]{2})/chr hex $1/ge' "$inside" >"$T/w/text.acorn"
inside=$T/w/text.acorn
for words in 'ISSUE DESCRIPTION' 'A guest can write past the ring page.' MITIGATION 'CVE-2026-11111' 'AMBER+STRICT' 'CWE-787' 'café'; do
    has "the text has: $words" "$words" "$inside"
done
has 'the affected versions' '>=1.2 <1.4' "$inside"

# the patch, and its sum as sha256sum reads it
mkdir -p "$T/w/patch"
cp "$T/w/fix.patch" "$T/w/patch/fix.patch"
sed -n 's/^ *\([0-9a-f]\{64\}  *fix.patch\)$/\1/p' "$inside" >"$T/w/patch/SHA256"
check 'its SHA-256 line is one that sha256sum takes' sh -c "cd '$T/w/patch' && [ -s SHA256 ] && sha256sum -c SHA256"
sed -n '/filename=.*fix.patch/,/^--/p' "$T/w/open.acorn" | sed '1,/^$/d; /^--/d' | base64 -d >"$T/w/out.patch"
check 'the patch comes as it was' cmp "$T/w/fix.patch" "$T/w/out.patch"

# ---- the next version ----
later '1 day'
sed 's/A guest can write/Any guest can write/' "$T/w/text" >"$T/w/text2"
check 'advisory edit makes version 2' ctl advisory edit "$id" "$T/w/text2"
ctl advisory send "$id" >"$T/w/send"
settle
same 'version 2 goes to the same' '2 2' "$(box security@acorn.example) $(box security@ember.example)"
open_mail acorn "$(newest security@acorn.example)" "$T/w/two"
same 'and says so' 2 "$(field Embargo-Version "$T/w/two")"

# ---- someone new, by --to; narrowed, never widened ----
later '1 hour'
make_key grove security@grove.example
member grove distro distros
ctl advisory send "$id" --to grove >"$T/w/send"
settle
same 'a late joiner alone gets it' '1 2' "$(box security@grove.example) $(box security@acorn.example)"
same 'the others are left out by --to' option.to "$(jq -r '.data.recipients[] | select(.org == "acorn") | .rule' "$T/w/send")"
denied_org=$(ctl advisory send "$id" --to nobody 2>&1 | jq -r .ok)
same 'an organisation that is none: refused' false "$denied_org"

check 'the audit trail holds' ctl audit verify
stop
same 'the daemon ends with 0' 0 "$ended"
finish
