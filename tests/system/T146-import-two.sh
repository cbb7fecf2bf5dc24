#!/bin/sh
# A table under a policy of two: the admins are told who would come in, and just those do; whose organisation is in it
# has no vote; what brings nobody in asks nobody; a secret key in it is kept nowhere, though the table waits.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"

for org in acorn birch cedar; do make_key $org security@$org.example & done
make_key cat cat@birch.example &
wait
init --admin "cat@birch.example:$T/k/cat.asc"
policy_of_two
printf 'approvals = { member_add = 2; };\n' >>"$T/i/policy/two@1.conf"
start
bob=bob@example.org cat=cat@birch.example
t=$T/w/table
mkdir "$t"
for org in acorn birch cedar; do cp "$T/k/$org.asc" "$t/$org.asc"; done
gpg --homedir "$T/k/cedar" --batch --armor --passphrase '' --export-secret-keys >"$t/secret.asc" 2>/dev/null
reply() { jq -r "$1" "$T/w/reply"; }
inside() { get '[.data[] | .org, .contacts[].address] | join(" ")' member list; }
waiting() { get '.data | length' approval list; }
head_row=org,class,tier,address,key

cat >"$t/members.csv" <<X2
$head_row
acorn,distro,distros,security@acorn.example,acorn.asc
birch,distro,distros,security@birch.example,birch.asc
cedar,distro,distros,security@cedar.example,secret.asc
acorn,distro,distros,second@acorn.example,acorn.asc
elm,distro,no-such-tier,security@elm.example,
X2
ctl member import "$t/members.csv" --dry-run >"$T/w/dry"
ctl member import "$t/members.csv" >"$T/w/reply"
same 'it waits' 'approval.pending ' "$(reply .rule) $(inside)"
id=$(reply .data.id)
settle
open_mail bob "$(newest $bob)" "$T/w/told" || not_ok 'the second admin is told'
perl -0pe 's/=\n//g; s/=([0-9A-F]{2})/chr hex $1/ge' "$T/w/told" >"$T/w/told.text"
has 'who would come in' "line 2: add acorn (distro, distros), security@acorn.example, key $(fpr acorn)" "$T/w/told.text"
has 'and with which address more' "line 5: contact acorn (distro, distros), second@acorn.example, key $(fpr acorn)" "$T/w/told.text"
has 'each of them' 'line 3: add birch' "$T/w/told.text"
lacks 'and no other' 'security@cedar.example' "$T/w/told.text"
lacks 'of those' 'security@elm.example' "$T/w/told.text"
# A piece of the secret key as armor has it, and of its bytes.
same 'nothing of the secret key is kept, plain or as armor' '' "$(sed -n '10,12p' "$t/secret.asc" | LC_ALL=C grep -rlaF -f - "$T/i" "$T/log")"
ctl_as $cat approval approve "$id" >"$T/w/reply"
same 'whose organisation is in it has no vote' 'approval.own-organisation ' "$(reply .rule) $(inside)"
ctl approval approve "$id" >"$T/w/reply"
same 'nor has one admin two' 'approval.twice ' "$(reply .rule) $(inside)"
ctl_as $bob approval approve "$id" >"$T/w/reply"
same 'two bring them in' 'acorn security@acorn.example second@acorn.example birch security@birch.example' "$(inside)"
same 'row by row as the dry run has said' "$(jq -S .data.rows "$T/w/dry")" "$(jq -S .data.result.rows "$T/w/reply")"

# ---- nobody new ----
ctl member import "$t/members.csv" >"$T/w/reply"
same 'what brings nobody in does not wait' '0 0 3 2 0' \
    "$(reply '.data | "\(.added) \(.contacts) \(.unchanged) \(.refused)"') $(waiting)"

# ---- asked by one whose organisation is in it ----
sed -n '1p' "$t/members.csv" >"$t/own.csv"
printf 'birch,distro,distros,third@birch.example,birch.asc\n' >>"$t/own.csv"
ctl_as $cat member import "$t/own.csv" >"$T/w/reply"
same 'an admin may ask for his own' 'approval.pending 0' "$(reply .rule) $(reply '.data.votes | length')"
own=$(reply .data.id)
ctl approval approve "$own" >"$T/w/reply"
same 'and two others must approve it' approval.pending "$(reply .rule)"

# ---- who would come in has changed since ----
printf '%s\ncedar,distro,distros,third@birch.example,\nfern,distro,distros,security@fern.example,\n' $head_row >"$t/later.csv"
ctl member import "$t/later.csv" >"$T/w/reply"
later=$(reply .data.id)
ctl_as $bob approval approve "$own" >"$T/w/reply"
same 'the one is done' 'third@birch.example' "$(get '.data.contacts[].address' member show birch | tail -n 1)"
ctl_as $bob approval approve "$later" >"$T/w/reply"
same 'the other is no longer what was approved' 'approval.changed' "$(reply .rule)"
lacks 'and brings nobody in' fern "$(inside >"$T/w/inside"; echo "$T/w/inside")"
stop
finish
