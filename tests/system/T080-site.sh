#!/bin/sh
# The public site of a rehearsed instance: what stands in it, that it is whole, and that nothing of what is not public
# is in it; that a build which changes nothing writes nothing, and one that fails leaves the old one.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
site=$T/i/public

init
sed -i 's|^lists = (|site = { url = "https://security.example.org/"; title = "Example <Project> security"; contact = ["https://example.org/contact"]; };\n&|; s|^\( *address = "'$list'";\)|\1 commit_url = "https://git.example.org/c/{commit}";|' "$conf"
start
members

cat >"$T/w/text" <<'X'
Title: Ring page <b>overflow</b> & "more"
CVE: CVE-2026-11111, CVE-2026-22222
Severity: high
CVSS: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H
CWE: CWE-787
Affected: ringd >=1.2 <1.4, ringd >=2.0 <2.3
Fixed: ringd 1.4
Credits: Rita Reporter
References: https://example.org/ring, javascript:alert(1)

## ISSUE DESCRIPTION

A guest can write past the ring page.
See https://example.org/ring/details for more.

  <script>alert(1)</script>  stays as it is

## MITIGATION

- do not run guests that you do not trust;
- or café guests.
X
printf -- '--- a/ring.c\n+++ b/ring.c\n@@ -1 +1 @@\n-size_t n = len;\n+size_t n = len < max ? len : max;\n' >"$T/w/fix.patch"
printf 'not for the web' >"$T/w/tool.exe"

# ---- one that becomes public, one that stays secret ----
disclose 'Ring page overflow'
one=$id
sed 's/Ring page/Draft of the ring page/; s/A guest can/CANARY-FIRST-VERSION: a guest can/' "$T/w/text" >"$T/w/text0"
check 'a first version' ctl advisory edit "$one" "$T/w/text0" --attach "$T/w/fix.patch" --attach "$T/w/tool.exe"
send_advisory "$one"
settle
later '3 days'
check 'a second version' ctl advisory edit "$one" "$T/w/text"
send_advisory "$one"
settle
commit=0123456789abcdef0123456789abcdef01234567
check 'case set commit' ctl case set "$one" commit=$commit cve=CVE-2026-11111,CVE-2026-22222

mail 'Rita CANARY-REPORTER <rita@canary-reporter.example>' 'CANARY-SUBJECT' 'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/m"
CANARY-REPORT
X
inject rita@canary-reporter.example "$T/w/m"
mail 'X <x@canary-held.example>' 'CANARY-HELD' 'Content-Type: multipart/mixed; boundary="' <<X >"$T/w/m"
CANARY-HELD
X
inject x@canary-held.example "$T/w/m"
disclose 'CANARY-TITLE'
two=$id
ctl case set "$two" cve=CVE-2026-99999 >/dev/null
usual_text 'CANARY-TITLE' 'CVE: CVE-2026-99999' 'Credits: CANARY-CREDIT' >"$T/w/secret"
check 'the secret one goes to members' ctl advisory edit "$two" "$T/w/secret" --attach "$T/w/fix.patch"
send_advisory "$two"
settle
two_public=$(get '.data.public_id // .data.id' case show "$two")
later '2 days'
check 'embargo lift' ctl embargo lift "$one"
sed 's/Ring page/CANARY-DRAFT/' "$T/w/text" >"$T/w/draft"
check 'a draft of what is public is not public' ctl advisory edit "$one" "$T/w/draft"

# ---- built ----
check 'publish build' ctl publish build
same 'the answer says when' "$now" "$(jq -r .data.built_at "$T/w/out")"
name=$(get '.data.public_id // .data.id' case show "$one")
page=$site/main/$name.html
for file in index.html style.css atom.xml advisories.json published.txt .well-known/security.txt \
    .well-known/openpgpkey/policy main/index.html main/policy.html main/report.html main/key.asc main/atom.xml \
    "main/$name.html" "main/$name.json" "main/$name/v2.txt" "main/$name/v2/fix.patch"; do
    check "there is $file" test -e "$site/$file"
done
check 'a file whose name is not allowed is not there' test ! -e "$site/main/$name/v2/tool.exe"
has 'but is named' tool.exe "$page"
check 'the version that was never public is not there' test ! -e "$site/main/$name/v1.txt"
same 'everybody may read it' 0 "$(find "$site" \( -type f ! -perm 0644 -o -type d ! -perm 0755 \) | wc -l)"
check 'the patch as it was' cmp "$T/w/fix.patch" "$site/main/$name/v2/fix.patch"

# ---- what must not be there ----
ids=$(get '.data[] | select(.state != "public") | .id' case list)
for word in CANARY "$two_public" CVE-2026-99999 security@acorn.example canary- $ids; do
    same "nowhere: $word" '' "$(grep -rlaF -e "$word" "$site")"
done
cp -r "$site" "$T/w/before"

# ---- what must ----
has 'the title, escaped' 'Ring page &lt;b&gt;overflow&lt;/b&gt; &amp; &quot;more&quot;' "$page"
lacks 'no markup of a text' '<script' "$page"
lacks 'no link that is no link' 'href="javascript' "$page"
has 'the commit with its link' "href=\"https://git.example.org/c/$commit\"" "$page"
has 'the sum of the patch' "$(sha256sum "$T/w/fix.patch" | cut -d' ' -f1)" "$page"
has 'who is credited' 'Rita Reporter' "$page"
has 'when a tier was told' 'Told: distros' "$page"
has 'the picture' '<svg xmlns="http://www.w3.org/2000/svg"' "$page"
has 'the index links it' "href=\"main/$name.html\"" "$site/index.html"
same 'twelve answers' 12 "$(grep -c '<h2>[0-9]*\. ' "$site/main/policy.html")"
has 'how to report' "mailto:$list" "$site/main/report.html"
same 'published.txt' "id $name
cve CVE-2026-11111
cve CVE-2026-22222" "$(grep -v '^#\|^scheme' "$site/published.txt")"
same 'the JSON' "$name 2 CVE-2026-11111,CVE-2026-22222 ringd >=1.2,<1.4 $commit" "$(jq -r '.lists[0].advisories[0] |
    "\(.id) \(.version) \(.cves | join(",")) \(.affected[0].product) \([.affected[0].versions[] | .op + .version] | join(",")) \(.commits[0])"' "$site/advisories.json")"
same 'one advisory, no more' 1 "$(jq '[.lists[].advisories[]] | length' "$site/advisories.json")"

# ---- signatures ----
give_key acorn "$T/k/list.asc"
clear_of() {
    gpg --homedir "$T/k/acorn" --batch --yes --status-fd 3 --decrypt "$1" >"$T/w/clear" 3>"$T/w/clear.status" 2>/dev/null
}
for file in "main/$name/v2.txt" .well-known/security.txt; do
    clear_of "$site/$file"
    check "$file: signed by the list" good_signature "$T/w/clear"
done
for field in 'Contact: https://example.org/contact' "Contact: mailto:$list" 'Expires: ' \
    'Canonical: https://security.example.org/.well-known/security.txt' "Encryption: openpgp4fpr:$list_fpr"; do
    has "security.txt: $field" "$field" "$T/w/clear"
done
cp "$T/w/clear" "$T/w/security"
gpg --batch --with-colons --show-keys "$site/.well-known/openpgpkey/hu"/* 2>/dev/null >"$T/w/wkd"
has 'the key directory has the key' "$list_fpr" "$T/w/wkd"
clear_of "$site/main/$name/v2.txt"
sed -n 's/^\([0-9a-f]\{64\}  fix.patch\)$/\1/p' "$T/w/clear" >"$T/w/SHA256"
check 'the signed text binds the patch' sh -c "cd '$site/main/$name/v2' && [ -s '$T/w/SHA256' ] && sha256sum -c '$T/w/SHA256'"

# ---- again: the same files, the same signatures ----
later '1 minute'
inode() { stat -c %i "$site/main/$name/v2.txt"; }
inode=$(inode)
check 'publish build again' ctl publish build
check 'nothing has changed' diff -r "$T/w/before" "$site"
same 'nor was it written anew' "$inode" "$(inode)"
settle
same 'nothing is left beside' '' "$(find "$T/i" -maxdepth 1 -name '.public*')"

# ---- what is under embargo changes nothing ----
ctl case set "$two" severity=critical >/dev/null
disclose 'CANARY-THIRD'
check 'publish build' ctl publish build
check 'a case under embargo does not show' diff -r "$T/w/before" "$site"

# ---- the month goes by ----
later '32 days'
settle
clear_of "$site/.well-known/security.txt"
check 'security.txt is renewed by itself' sh -c "! cmp -s '$T/w/security' '$T/w/clear'"

# ---- a build that fails ----
cp -r "$site" "$T/w/before2"
stop
mkdir "$T/i/.public.new" && : >"$T/i/.public.new/left-by-a-crash"
mv "$T/i/gnupg/main/list/private-keys-v1.d" "$T/w/keys"
mkdir -m 700 "$T/i/gnupg/main/list/private-keys-v1.d"
gpgconf --homedir "$T/i/gnupg/main/list" --kill all
start
check 'embargo lift' ctl embargo lift "$two"
ctl publish build >"$T/w/failed"
same 'a list that cannot sign: the command says so' false "$(jq -r .ok "$T/w/failed")"
check 'and the old site stands' diff -r "$T/w/before2" "$site"
rmdir "$T/i/gnupg/main/list/private-keys-v1.d"
mv "$T/w/keys" "$T/i/gnupg/main/list/private-keys-v1.d"
check 'it goes on once it can' ctl publish build
check 'the other is there now' test -e "$site/main/$two_public.html"
settle
same 'nothing is left beside' '' "$(find "$T/i" -maxdepth 1 -name '.public*')"
stop
same 'the daemon ends with 0' 0 "$ended"
finish
