#!/bin/sh
# By-ways around the rule of two: another policy for a case, an earlier date, the policy's file edited, a key or an
# address by a member who is in it, an import of what another program kept, a member who was there, what has changed
# between the first vote and the last, and who asks live.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"
. "${srcdir:-.}/tests/lib/live.sh"

for org in acorn birch mole; do make_key $org security@$org.example & done
wait
init
policy_of_two
printf 'approvals = { member_add = 2; key_change = 2; lift = 2; publish = 2; };\n' >>"$T/i/policy/two@1.conf"
sed 's/edition = "1"/edition = "2"/; s/= 2/= 1/g' "$T/i/policy/two@1.conf" >"$T/i/policy/two@2.conf"
start
for org in acorn birch mole; do give_key $org "$T/k/list.asc"; done
set_clock "$now"
bob=bob@example.org
reply() { jq -r "$1" "$T/w/reply"; }
waiting() { get '.data | length' approval list; }
inside() { get '[.data[] | "\(.org) \(.state)", (.contacts[] | .address, .fingerprint)] | join(" ")' member list; }
both() { # COMMAND...: asked by ann, approved by bob
    ctl "$@" >"$T/w/reply"
    ctl_as $bob approval approve "$(reply .data.id)" >"$T/w/reply"
}
both member add --org acorn --class distro --tier distros --address security@acorn.example --key "$T/k/acorn.asc"
was="acorn active security@acorn.example $(fpr acorn)"
same 'two let one in' "$was" "$(inside)"

# ---- another policy for a case ----
mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
One.
X
inject rita@reporter.example "$T/w/m"
case_id=$(new_case)
ctl case accept "$case_id" >/dev/null
ctl case set "$case_id" policy=two@2 >"$T/w/reply"
same 'a policy that needs fewer waits for a second admin' 'approval.pending case set policy' "$(reply '"\(.rule) \(.data.action)"')"
id=$(reply .data.id)
ctl case set "$case_id" severity=high policy=two@2 >"$T/w/reply"
same 'not beside other things' approval.pending "$(reply .rule)"
ctl case set "$case_id" severity=low >"$T/w/reply"
same 'other things need nobody' 'true low' "$(reply '"\(.ok) \(.data.severity)"')"
same 'the case has its policy' two@1 "$(get .data.policy case show "$case_id")"
ctl embargo lift "$case_id" --reason over >"$T/w/reply"
same 'a lift waits still' approval.pending "$(reply .rule)"
printf '# edited\n' >>"$T/i/policy/two@2.conf"
ctl_as $bob approval approve "$id" >"$T/w/reply"
same 'a policy edited since is not what was asked for' approval.changed "$(reply .rule)"
both case set "$case_id" policy=two@2
same 'two change it' 'done two@2' "$(reply '"\(.data.state) \(.data.result.policy)"')"
both case set "$case_id" policy=two@1
ctl case set "$case_id" policy=two@1 >"$T/w/reply"
same 'the same one again is no change' 'true ' "$(reply '"\(.ok) \(.rule // "")"')"

# ---- an earlier date ----
day() { date -u -d "$now +$1" +%Y-%m-%dT%H:%M:%SZ; }
ctl embargo set "$case_id" --until "$(day '10 days')" >"$T/w/reply"
same 'a first date needs nobody' true "$(reply .ok)"
ctl embargo extend "$case_id" --until "$(day '12 days')" --reason more >"$T/w/reply"
same 'nor does a later one' "true $(day '12 days')" "$(reply '"\(.ok) \(.data.until)"')"
ctl embargo set "$case_id" --until "$(day '1 minute')" --reason now >"$T/w/reply"
same 'an earlier one lifts, and waits' 'approval.pending embargo set' "$(reply '"\(.rule) \(.data.action)"')"
same 'it has not moved' "$(day '12 days')" "$(get .data.until embargo show "$case_id")"
both embargo set "$case_id" --until "$(day '8 days')" --reason sooner
same 'two move it' "done $(day '8 days')" "$(reply '"\(.data.state) \(.data.result.until)"')"

# ---- the policy's file ----
settle
before=$(box $bob)
sed -i 's/member_add = 2/member_add = 1/; s/^               \(.*\)approvals = 2/               \1approvals = 1/; s/approvals = 2; discretion/approvals = 1; discretion/' "$T/i/policy/two@1.conf"
ctl member add --org birch --class distro --tier distros --address security@birch.example --key "$T/k/birch.asc" >"$T/w/reply"
settle
found=
for file in $(find "$T/i/mail/$bob/new" -type f); do
    open_mail bob "$file" "$T/w/told" && grep -q 'The policy of .* has changed' "$T/w/told" && found="$found$(grep -c 'member add [12]' "$T/w/told")"
done
same 'who edits it lets one in, and all admins hear of it' 'true 2' "$(reply .ok) $found"
same 'it stands in the audit trail, before' 'policy.changed member.add' \
    "$(get '[.data[] | select(.event == "policy.changed" or (.event == "member.add" and .object == "birch")) | .event] | join(" ")' audit show)"
sed -i 's/member_add = 1/member_add = 2/; s/approvals = 1; discretion/approvals = 2; discretion/' "$T/i/policy/two@1.conf"
stop
start
settle
same 'and back, at a start' 2 "$(get '[.data[] | select(.event == "policy.changed")] | length' audit show)"
was=$(inside)

# ---- a member who is in it ----
cp "$T/k/mole.asc" "$T/w/mole.asc"
printf 'Embargo-Command: nonce\n' | secret_mail acorn 'acorn <security@acorn.example>' commands >"$T/w/order"
order_name=acorn order_address=security@acorn.example
order_send
order acorn security@acorn.example "$(fresh)" 'contact add security@mole.example'
settle
same 'a member who adds an address waits for both' "$was 1" "$(inside) $(get '[.data[] | select(.by == "member:acorn")] | length' approval list)"
id=$(get '.data[] | select(.by == "member:acorn") | .id' approval list)
ctl approval approve "$id" >"$T/w/reply"
same 'one admin is not enough' approval.pending "$(reply .rule)"
same 'nobody is in by it' "$was" "$(inside)"

# ---- one who was a member ----
ctl member remove birch --reason left >"$T/w/reply"
ctl member reinstate birch --reason again >"$T/w/reply"
[ "$(reply .ok)" = false ] && ok 'who was removed is not reinstated' || not_ok 'who was removed is not reinstated'
ctl member add --org birch --class distro --tier distros --address security@birch.example --key "$T/k/birch.asc" >"$T/w/reply"
[ "$(reply .rule)" = approval.pending ] || [ "$(reply .ok)" = false ] && ok 'nor added by one' || not_ok 'nor added by one'
was=$(inside)

# ---- what another program kept ----
sqlite3 "$T/w/schleuder.db" <<X
CREATE TABLE lists(id INTEGER PRIMARY KEY, email TEXT, fingerprint TEXT);
CREATE TABLE subscriptions(id INTEGER PRIMARY KEY, list_id INTEGER, email TEXT, fingerprint TEXT, admin BOOLEAN, delivery_enabled BOOLEAN);
INSERT INTO lists VALUES(1, 'old@example.org', '');
INSERT INTO subscriptions VALUES(1, 1, 'security@mole.example', '$(fpr mole)', 0, 1);
X
ctl member import "$T/w/schleuder.db" --class distro --tier distros --keys "$T/k/mole.asc" >"$T/w/reply" 2>&1
same 'an import out of Schleuder waits' approval.pending "$(reply .rule)"
same 'lets nobody in' "$was" "$(inside)"
stop

# ---- live: --as is nothing, a foreign uid nobody, one uid one admin ----
if command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ]; then
    rm -rf "$T/live" "$T/i.was"
    mv "$T/i" "$T/i.was"
    chmod 711 "$T"
    "$bin/embargoctl" --json init --home "$T/i" --list main --address $list --admin "ann@example.org:$T/k/ann.asc" \
        --admin "$bob:$T/k/bob.asc" --uid 0 >"$T/w/init" || cat "$T/w/init"
    sed -i 's/uid = [0-9-]*/uid = 0/' "$conf"
    cp "$T/i.was/policy/two@1.conf" "$T/i/policy/"
    sed -i 's/policy = "[^"]*";/policy = "two@1";/' "$conf"
    live
    ctl --as $bob status >"$T/w/reply"
    same 'live, --as is refused' control.as "$(reply .rule)"
    ctl member add --org acorn --class distro --tier distros --address security@acorn.example --key "$T/k/acorn.asc" >"$T/w/reply"
    if [ "$(grep -c 'uid = 0' "$conf")" -gt 1 ]; then same 'one uid of two admins is none' approval.shared-uid "$(reply .rule)"; else
        same 'one uid of two admins waits' approval.pending "$(reply .rule)"
        id=$(reply .data.id)
        ctl approval approve "$id" >"$T/w/reply"
        same 'and does not count twice' approval.twice "$(reply .rule)"
    fi
    chmod 711 "$T/i" "$T/i/run"
    chmod 666 "$T/i/run/control.sock" 2>/dev/null
    chmod 644 "$conf"
    setpriv --reuid 65534 --clear-groups "$bin/embargoctl" -c "$conf" --json status >"$T/w/reply" 2>&1
    same 'a foreign uid gets nothing' control.peer "$(reply .rule)"
    same 'nobody is in' 0 "$(get '.data | length' member list)"
    stop
else
    echo '# not root: not tried live'
fi
finish
