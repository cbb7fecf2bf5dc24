#!/bin/sh
# The rule of two: what needs two admins waits for the second, is carried out once he approves, with all checks made
# anew; a veto and the end of its time stop it; nobody counts twice, or for his own organisation.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"

make_key dora dora@acorn.example
init --admin "dora@acorn.example:$T/k/dora.asc"
give_key dora "$T/k/list.asc"
sed 's/^id = .*/id = "two";/; s/^edition = .*/edition = "2026";/' "$T/i/policy/cloud-model@2026.conf" >"$T/i/policy/two@2026.conf"
printf 'approvals = { member_add = 2; key_change = 2; lift = 2; };\n' >>"$T/i/policy/two@2026.conf"
sed -i 's/policy = "[^"]*"/policy = "two@2026"/' "$conf"
start

add() { # AS ORG
    [ -d "$T/k/$2" ] || { make_key "$2" "security@$2.example" && set_clock "$now"; }
    ctl_as "$1" member add --org "$2" --class distro --tier distros --address "security@$2.example" --key "$T/k/$2.asc"
}
reply() { jq -r "$1" "$T/w/reply"; }
waiting() { get '.data | length' approval list; }

# ---- asked, approved ----
add ann@example.org birch >"$T/w/reply"
same 'asking is no refusal' '0 true approval.pending' "$? $(reply '"\(.ok) \(.rule)"')"
same 'the proposal' '["member add","birch","ann@example.org",2,["ann@example.org"],"open"]' \
    "$(reply '[.data.action, .data.object, .data.by, .data.needs, [.data.votes[].admin], .data.state] | tostring')"
same 'nothing has changed' 0 "$(get '.data | length' member list)"
same 'the keys of a row' '["action","at","by","id","needs","object","votes"]' "$(get '.data[0] | keys | tostring' approval list)"
id=$(reply .data.id)
settle
for name in ann bob; do
    same "$name is told" 1 "$(box $name@example.org)"
    open_mail $name "$(newest $name@example.org)" "$T/w/open"
    has "$name reads how to approve" "approval approve $id" "$T/w/open"
done
denied approval.twice 'nobody votes twice' approval approve "$id"
add ann@example.org birch >"$T/w/reply"
same 'nor by asking twice' 'approval.twice 1' "$(reply .rule) $(waiting)"
ctl_as bob@example.org approval approve "$id" >"$T/w/reply"
same 'the second admin lets it in' '0 done birch active' "$? $(reply '"\(.data.state) \(.data.result.org) \(.data.result.state)"')"
same 'it is a member' 'birch active' "$(get '.data[] | "\(.org) \(.state)"' member list)"
same 'who asked has done it' 'admin:ann@example.org' "$(get '.data[] | select(.event == "member.add") | .actor' audit show)"
same 'nothing waits' 0 "$(waiting)"
denied approval.ended 'it is over' approval approve "$id"
denied approval.ended 'for a veto too' approval veto "$id" --reason late

# ---- the same asked by another is a vote ----
add ann@example.org cedar >/dev/null
cp "$T/k/cedar.asc" "$T/w/other-name.asc"
ctl_as bob@example.org member add --key "$T/w/other-name.asc" --tier distros --address security@cedar.example --class distro --org cedar >"$T/w/reply"
same 'asking for the same approves it' 'done cedar' "$(reply '"\(.data.state) \(.data.result.org)"')"

# ---- own organisation ----
add dora@acorn.example acorn >"$T/w/reply"
same 'for her own organisation she may ask, without a vote' 'approval.pending 0' "$(reply '"\(.rule) \(.data.votes | length)"')"
id=$(reply .data.id)
ctl_as dora@acorn.example approval approve "$id" >"$T/w/reply"
same 'but not approve' approval.own-organisation "$(reply .rule)"
ctl approval approve "$id" >"$T/w/reply"
same 'one other is not enough' approval.pending "$(reply .rule)"
ctl_as bob@example.org approval approve "$id" >"$T/w/reply"
same 'two others are' done "$(reply .data.state)"

# ---- veto, expiry ----
add ann@example.org delta >"$T/w/reply"
id=$(reply .data.id)
ctl_as dora@acorn.example approval veto "$id" >"$T/w/reply"
same 'a veto says why' 2 "$?"
settle
before=$(box ann@example.org)
ctl approval veto "$id" --reason 'not yet' >"$T/w/reply"
same 'the asker himself may stop it' 'vetoed ["veto"]' "$(reply '"\(.data.state) \([.data.votes[].vote] | tostring)"')"
settle
open_mail ann "$(newest ann@example.org)" "$T/w/open"
has 'all are told why' 'not yet' "$T/w/open"
same 'with one mail' $((before + 1)) "$(box ann@example.org)"
add ann@example.org delta >"$T/w/reply"
id=$(reply .data.id)
later '8 days'
settle
same 'it expires' 0 "$(waiting)"
ctl_as bob@example.org approval approve "$id" >"$T/w/reply"
same 'and cannot be approved then' approval.ended "$(reply .rule)"
has 'the trail says so' approval.expired "$(ctl audit show >"$T/w/audit"; echo "$T/w/audit")"

# ---- what is no longer possible is refused when it is carried out ----
add ann@example.org ember >"$T/w/reply"
id=$(reply .data.id)
ctl_as ann@example.org member add --org ember --class distro --tier distros --address other@ember.example --key "$T/k/ember.asc" >"$T/w/reply"
ctl_as bob@example.org approval approve "$(reply .data.id)" >"$T/w/reply"
same 'another ember is in' done "$(reply .data.state)"
ctl_as bob@example.org approval approve "$id" >"$T/w/reply"
same 'the first one is refused' '1 member.exists refused' "$? $(reply '"\(.rule) \(.data.state)"')"
same 'and its vote is kept' '["ann@example.org","bob@example.org"]' "$(reply '[.data.votes[].admin] | tostring')"

# ---- embargo lift ----
mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
One.
X
inject rita@reporter.example "$T/w/m"
case_id=$(new_case)
ctl case accept "$case_id" >/dev/null
ctl embargo lift "$case_id" --reason done >"$T/w/reply" 2>/dev/null || ctl embargo lift "$case_id" >"$T/w/reply"
same 'a lift waits too' "approval.pending embargo lift $case_id" "$(reply '"\(.rule) \(.data.action) \(.data.object)"')"
same 'the case is as it was' accepted "$(get .data.state case show "$case_id")"
ctl_as bob@example.org approval approve "$(reply .data.id)" >"$T/w/reply"
same 'and is carried out' 'done lifted' "$(reply '"\(.data.state) \(.data.result.status)"')"

# ---- a key of a member ----
gpg --homedir "$T/k/birch" --batch -q --passphrase '' --quick-set-expire "$(fpr birch)" 3y 2>/dev/null
gpg --homedir "$T/k/birch" --batch --armor --export >"$T/k/birch-new.asc"
ctl key import "$T/k/birch-new.asc" >"$T/w/reply"
same "a member's key changes by two" 'approval.pending key import' "$(reply '"\(.rule) \(.data.action)"')"
id=$(reply .data.id)
stop
sed -i 's/bob@example.org/bert@example.org/' "$conf"
start
ctl_as bert@example.org approval approve "$id" >"$T/w/reply"
same 'it waits over a restart' done "$(reply .data.state)"

# ---- an admin who has gone ----
add bert@example.org fir >"$T/w/reply"
id=$(reply .data.id)
stop
sed -i 's/bert@example.org/bob@example.org/' "$conf"
start
ctl approval approve "$id" >"$T/w/reply"
same 'what he asked for ended with him' approval.ended "$(reply .rule)"
same 'and nobody came in' '' "$(get '.data[] | select(.org == "fir") | .org' member list)"
stop

words_are_whole ann ann@example.org
finish
