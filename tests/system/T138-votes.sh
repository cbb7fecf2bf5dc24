#!/bin/sh
# Votes that must not count, under a policy of two: one that is replayed, one that comes at the expiry or behind it, a
# veto behind the deed, an admin of another list's, one for what has changed since, two requests for one object. Each
# is refused with its rule, and stands in the audit trail.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

for name in cid carl; do make_key $name $name@example.org & done
for org in acorn birch cedar; do make_key $org security@$org.example & done
wait
init --admin "cid@example.org:$T/k/cid.asc"
"$bin/embargoctl" --json init --home "$T/i" --list second --address team@other.example --policy xen \
    --admin "carl@example.org:$T/k/carl.asc" >"$T/w/init2" || cat "$T/w/init2"
gpgconf --homedir "$T/i/gnupg/second/list" --kill all
awk -v fpr="$(jq -r .data.fingerprint "$T/w/init2")" -v carl="$(fpr carl)" '
    /^lists = / { part = "lists" } /^admins = / { part = "admins" }
    /^\);/ && part == "lists" { print ", { name = \"second\"; address = \"team@other.example\"; policy = \"xen@2026\"; key = \"" fpr "\"; }" }
    /^\);/ && part == "admins" { print ", { address = \"carl@example.org\"; fingerprint = \"" carl "\"; lists = [ \"second\" ]; }" }
    /^\);/ { part = "" }
    { print }' "$conf" >"$T/w/conf" && cat "$T/w/conf" >"$conf"
policy_of_two
sed -i 's/policy = "two@1"; key = "\([0-9A-F]*\)"; }/policy = "xen@2026"; key = "\1"; }/' "$conf"
sed -i 's/^\(, { name = "second".*\)two@1/\1xen@2026/' "$conf"
printf 'approvals = { member_add = 2; key_change = 2; lift = 2; publish = 2; };\n' >>"$T/i/policy/two@1.conf"
give_key cid "$T/k/list.asc"
set_clock "$now"
start
ann=ann@example.org bob=bob@example.org cid=cid@example.org

reply() { jq -r "$1" "$T/w/reply"; }
as() { # ADDRESS COMMAND...: the reply in $T/w/reply
    as_address=$1
    shift
    ctl_as "$as_address" --list main "$@" >"$T/w/reply" 2>&1
}
add() { # AS ORG [ADDRESS [KEY]]
    as "$1" member add --org "$2" --class distro --tier distros --address "${3:-security@$2.example}" --key "$T/k/${4:-$2}.asc"
}
vote() { ctl_as "$1" approval approve "$2" >"$T/w/reply" 2>&1; }
orgs() { get '[.data[].org] | sort | join(" ")' --list main member list; }
votes() { get "[.data[] | select(.id == \"$1\") | .votes[].admin] | join(\" \")" --list main approval list; }
# trail: the last entry: who, what, on what, by which rule.
trail() { get '.data[-1] | "\(.actor) \(.event) \(.object) \(.rule)"' audit show; }
day() { date -u -d "$now +$1" +%Y-%m-%dT%H:%M:%SZ; }

# ---- the same person again ----
sed "s/ann@example.org/Bob@Example.org/" "$conf" >"$T/i/twin.conf"
"$bin/embargod" -c "$T/i/twin.conf" --check >"$T/w/twin" 2>&1
"$bin/embargoctl" -c "$T/i/twin.conf" check >>"$T/w/twin" 2>&1
has 'an address in other letters is no second admin' 'stands above' "$T/w/twin"
sed "s/$(fpr ann)/$(fpr bob)/" "$conf" >"$T/i/twin.conf"
"$bin/embargoctl" -c "$T/i/twin.conf" check >"$T/w/twin" 2>&1
has 'nor is a second address of one key' 'stands above' "$T/w/twin"

# ---- an admin of another list ----
add $ann acorn
id=$(reply .data.id)
vote carl@example.org "$id"
same 'an admin of another list does not know of it' 'approval.unknown false' "$(reply '"\(.rule) \(.ok)"')"
ctl_as carl@example.org approval veto "$id" --reason no >"$T/w/reply" 2>&1
same 'nor can he stop it' 'approval.unknown' "$(reply .rule)"
same 'one vote' $ann "$(votes "$id")"

# ---- a vote by mail that comes twice ----
printf 'Embargo-Command: nonce\n' | secret_mail ann "ann <$ann>" commands >"$T/w/order"
order_name=ann order_address=$ann
order_send
order ann $ann "$(fresh)" 'member add --org birch --class distro --tier distros --address security@birch.example' \
    "approval approve $id"
has 'who asked does not approve by mail either' 'approval.twice' "$T/w/answer"
cp "$T/w/order" "$T/w/first"
inject $ann "$T/w/first"
same 'the same mail again is no vote' $ann "$(votes "$id")"
sed "s/^Message-ID: </&again./; s/^Date: .*/Date: $(date -u -R -d "$now +1 minute")/" "$T/w/first" >"$T/w/again"
inject $ann "$T/w/again"
same 'nor under another Message-ID' "$ann, acorn" "$(votes "$id"), $(get '[.data[] | select(.action == "member add") | .object] | unique | join(" ")' --list main approval list | sed 's/ birch//')"
inject $bob "$T/w/again"
same 'nor from another address' $ann "$(votes "$id")"

# ---- the end of the seven days ----
until=$(date -u -d "$(get ".data[] | select(.id == \"$id\") | .at" --list main approval list) +7 days" +%Y-%m-%dT%H:%M:%SZ)
set_clock "$(date -u -d "$until -1 second" +%Y-%m-%dT%H:%M:%SZ)"
settle
same 'a second before, it waits' $ann "$(votes "$id")"
set_clock "$until"
vote $bob "$id"
same 'at that instant it has ended' 'approval.ended' "$(reply .rule)"
same 'the refusal is in the trail' 1 "$(get '[.data[] | select(.actor == "admin:bob@example.org" and .rule == "approval.ended")] | length' audit show)"
settle
same 'so has the request' 1 "$(get "[.data[] | select(.event == \"approval.expired\" and .object == \"$id\")] | length" audit show)"
add $bob acorn
same 'the same command then asks anew' "approval.pending $bob" "$(reply .rule) $(votes "$(reply .data.id)")"
same 'nobody is in' '' "$(orgs)"

# ---- a veto behind the deed; two requests for one organisation ----
one=$(reply .data.id)
add $ann acorn security@cedar.example cedar
two=$(reply .data.id)
[ "$one" != "$two" ] && ok 'another address and key are another request' || not_ok 'another address and key are another request'
vote $cid "$one"
same 'two let it in' 'done acorn' "$(reply .data.state) $(orgs)"
ctl_as $ann approval veto "$one" --reason late >"$T/w/reply" 2>&1
same 'a veto behind it' approval.ended "$(reply .rule)"
same 'changes nothing, and is in the trail' "acorn, admin:$ann command.refused approval veto approval.ended" "$(orgs), $(trail)"
vote $cid "$two"
same 'the other request finds it there' 'false member.exists' "$(reply '"\(.ok) \(.rule)"')"
same 'and ends as refused' "approval.refused $two member.exists" "$(trail | cut -d' ' -f2-)"
same 'its key and address are not' "security@acorn.example $(fpr acorn)" "$(get '[.data[].contacts[] | .address, .fingerprint] | join(" ")' --list main member list)"

# ---- a veto before it, by one who had approved ----
add $ann cedar
id=$(reply .data.id)
ctl_as $ann approval veto "$id" --reason 'better not' >"$T/w/reply"
same 'who has approved can stop it' vetoed "$(reply .data.state)"
vote $bob "$id"
same 'it stays stopped' approval.ended "$(reply .rule)"
vote $cid "$id"
same 'for two as for one' "approval.ended, acorn" "$(reply .rule), $(orgs)"

# ---- the date has moved since ----
mail 'Rita <rita@reporter.example>' 'A hole' <<Y >"$T/w/m"
One.
Y
inject rita@reporter.example "$T/w/m"
case_id=$(new_case)
as $ann case accept "$case_id"
as $ann embargo set "$case_id" --until "$(day '12 days')"
as $ann embargo lift "$case_id" --reason over
lift=$(reply .data.id)
as $ann embargo set "$case_id" --until "$(day '8 days')" --reason sooner
sooner=$(reply .data.id)
as $ann embargo set "$case_id" --until "$(day '5 days')" --reason 'much sooner'
soonest=$(reply .data.id)
vote $bob "$soonest"
same 'of two requests for a date, one is approved' "done $(day '5 days')" "$(reply .data.state) $(get .data.until embargo show "$case_id")"
vote $bob "$sooner"
same 'the other rests on a date that is gone' "approval.changed $(day '5 days')" "$(reply .rule) $(get .data.until embargo show "$case_id")"
same 'and ends as refused' "approval.refused $sooner approval.changed" "$(trail | cut -d' ' -f2-)"
vote $bob "$lift"
same 'a lift is one whatever the date was' 'done lifted' "$(reply .data.state) $(get .data.status embargo show "$case_id")"
same 'done by no rule' '' "$(get '.data[] | select(.event == "approval.done" and .object == "'"$lift"'") | .rule // ""' audit show)"

# ---- the policy asks for more since ----
add $ann cedar
id=$(reply .data.id)
sed -i 's/member_add = 2/member_add = 3/; s/approvals = 2; discretion/approvals = 3; discretion/' "$T/i/policy/two@1.conf"
vote $bob "$id"
same 'two are not enough where it asks for three now' 'approval.changed, acorn' "$(reply .rule), $(orgs)"
same 'it ends as refused' "approval.refused $id approval.changed" "$(trail | cut -d' ' -f2-)"
add $ann cedar
id=$(reply .data.id)
vote $bob "$id"
vote $cid "$id"
same 'asked anew, three let it in' 'done acorn cedar' "$(reply .data.state) $(orgs)"
check 'the audit trail holds' ctl audit verify
stop
finish
