#!/bin/sh
# An admin who leaves by a reload: what he asked for ends, his vote does not count, not even when he comes back, his
# nonces are void, nothing is told to him, his mail is an outsider's, and all others are told; of one who comes too.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

for name in cid dan; do make_key $name $name@example.org & done
make_key acorn security@acorn.example &
make_key birch security@birch.example &
wait
init --admin "cid@example.org:$T/k/cid.asc" --admin "dan@example.org:$T/k/dan.asc"
policy_of_two
sed -i 's/approvals = 2;/approvals = 3;/' "$T/i/policy/two@1.conf"
printf 'approvals = { member_add = 3; key_change = 2; };\n' >>"$T/i/policy/two@1.conf"
for name in cid dan acorn birch; do give_key $name "$T/k/list.asc"; done
set_clock "$now"
start
bob=bob@example.org

reply() { jq -r "$1" "$T/w/reply"; }
votes() { get "[.data[] | select(.id == \"$1\") | .votes[].admin] | join(\" \")" approval list; }
# reload: SIGHUP, and until the roles are new.
reload() {
    reload_core=$(role_pid core)
    kill -HUP "$daemon"
    for reload_try in $(seq 300); do
        reload_now=$(role_pid core)
        [ -n "$reload_now" ] && [ "$reload_now" != "$reload_core" ] && ctl status >/dev/null 2>&1 && break
        sleep 0.1
    done
    settle
}
add() { # AS ORG
    ctl_as "$1" member add --org "$2" --class distro --tier distros --address "security@$2.example" --key "$T/k/$2.asc" >"$T/w/reply"
}

# ---- before: a vote, a wish, a nonce, a vote for an application ----
add ann@example.org acorn
one=$(reply .data.id)
ctl_as $bob approval approve "$one" >"$T/w/reply"
same 'two of three' "approval.pending ann@example.org $bob" "$(reply .rule) $(votes "$one")"
add $bob birch
two=$(reply .data.id)
form birch | signed_to_apply birch security@birch.example Application
application=$(new_application)
ctl_as $bob application approve "$application" >"$T/w/reply"
same 'and one for an application' $bob "$(get '[.data.votes[].admin] | join(" ")' application show "$application")"
printf 'Embargo-Command: nonce\n' | secret_mail bob "bob <$bob>" commands >"$T/w/order"
order_name=bob order_address=$bob
order_send
nonce=$(fresh)
[ -n "$nonce" ] && ok 'he has a nonce' || not_ok 'he has a nonce'

# ---- he goes ----
cp "$conf" "$T/w/conf"
perl -0pi -e 's/\{[^{}]*bob\@example\.org[^{}]*\},?\s*//' "$conf"
lacks 'he is taken out' $bob "$conf"
reload
box_bob=$(box $bob)
for name in ann cid dan; do
    open_mail $name "$(newest $name@example.org)" "$T/w/told"
    found=
    for file in $(find "$T/i/mail/$name@example.org/new" -type f); do
        open_mail $name "$file" "$T/w/told" && grep -q "No longer:  $bob" "$T/w/told" && found=yes
    done
    same "$name is told" yes "$found"
done
same 'what he asked for has ended' '' "$(votes "$two")"
ctl approval approve "$two" >"$T/w/reply"
same 'and cannot be approved' approval.ended "$(reply .rule)"
ctl_as cid@example.org approval approve "$one" >"$T/w/reply"
same 'his vote does not count' "approval.pending ann@example.org cid@example.org" "$(reply .rule) $(votes "$one")"
ctl_as cid@example.org application approve "$application" >"$T/w/reply"
ctl application approve "$application" >"$T/w/reply"
same 'nor for the application' complete "$(app_state "$application")"
ctl_as $bob status >"$T/w/reply" 2>&1
same 'the control socket does not know him' 1 "$?"
same 'his key is forgotten' 3 "$(ctl key show "$(fpr bob)" >/dev/null; echo $?)"
cases_before=$(cases)
order bob $bob "$nonce" 'case list'
same 'a command by mail is not answered' "$box_bob" "$(box $bob)"
same 'his nonce is no more' 0 "$(sqlite3 "$T/i/state/db.sqlite" "SELECT COUNT(*) FROM nonce WHERE owner = 'admin:$bob'")"
echo 'An own report.' | secret_mail bob "bob <$bob>" 'A hole' >"$T/w/m"
inject $bob "$T/w/m"
same 'a report by him is an outsider'"'"'s' reporter "$(get '.data.messages[-1].author // .data.messages[-1].from // "reporter"' case show "$(new_case)" | sed 's/.*team.*/team/; /team/!s/.*/reporter/')"
[ "$(cases)" -gt "$cases_before" ] && ok 'and opens a case as any' || not_ok 'and opens a case as any'
box_bob=$(box $bob)
later '1 day'
settle
same 'the head of the audit trail goes to him no more' "$box_bob" "$(box $bob)"
[ "$(box ann@example.org)" -gt 0 ] && ok 'but to the others' || not_ok 'but to the others'

# ---- he comes back ----
cp "$T/w/conf" "$conf"
reload
check 'with his key' ctl key import "$T/k/bob.asc"
same 'an old vote of his does not come back' 'ann@example.org cid@example.org' "$(votes "$one")"
ctl_as dan@example.org status >/dev/null
ctl_as $bob approval approve "$one" >"$T/w/reply"
same 'a new one counts' 'done acorn' "$(reply '"\(.data.state) \(.data.result.org)"')"
same 'both stand in the audit trail' "admin.removed $bob
admin.added $bob" "$(get '.data[] | select(.event | startswith("admin.")) | "\(.event) \(.object)"' audit show)"

# ---- another key for the same admin is another person ----
add ann@example.org birch
three=$(reply .data.id)
ctl_as $bob approval approve "$three" >"$T/w/reply"
same 'two of three again' approval.pending "$(reply .rule)"
make_key bob2 $bob
set_clock "$now"
sed -i "s/$(fpr bob)/$(fpr bob2)/" "$conf"
reload
same 'a vote by the key before has ended' ann@example.org "$(votes "$three")"
finish
