#!/bin/sh
# Members from a table: a dry run that says what would happen to each row and changes nothing, rows that are taken whole
# or not at all, keys as files beside it or as armor; a Schleuder database; many at once; out again, and in elsewhere.
. "${srcdir:-.}/tests/lib/flow.sh"

made=$(date -u +%Y-%m-%dT%H:%M:%SZ)
init
start
for org in acorn birch cedar delta ember; do make_key $org security@$org.example & done
wait_keys
mkdir "$T/w/table"
gpg --homedir "$T/k/acorn" --batch --export >"$T/w/table/acorn.gpg"
cp "$T/k/birch.asc" "$T/w/table/birch.asc"
armor=$(cat "$T/k/cedar.asc")
gpg --homedir "$T/k/delta" --batch --armor --passphrase '' --export-secret-keys >"$T/w/table/secret.asc" 2>/dev/null
printf 'this is no key\n' >"$T/w/table/garbage.asc"
cat >"$T/w/table/members.csv" <<X
org,class,tier,address,key
acorn,distro,distros,security@acorn.example,acorn.gpg
birch,distro,distros,security@birch.example,birch.asc
birch,distro,distros,second@birch.example,birch.asc
"cedar, ""Inc."" ",distro,distros,security@cedar.example,
"cedar, ""Inc.""",distro,distros,security@cedar.example,"$armor"
delta,distro,distros,security@delta.example,secret.asc
ember,distro,no-such-tier,security@ember.example,
fern,vendor,distros,security@fern.example,
gorse,distro,distros,not an address,
holly,distro,distros,security@holly.example,acorn.gpg
iris,distro,distros,security@birch.example,
juniper,distro,distros,security@juniper.example,absent.asc
kale,distro,distros,security@kale.example,garbage.asc
larch,distro,distros,security@larch.example,
birch,hosting-provider,service-providers,third@birch.example,
X

# ---- what would happen ----
check 'a dry run' ctl member import "$T/w/table/members.csv" --dry-run
ctl member import "$T/w/table/members.csv" --dry-run >"$T/w/dry"
verdicts() { jq -r '.data.rows[] | "\(.org) \(.verdict) \(.rule // "-")"' "$1"; }
verdicts "$T/w/dry" >"$T/w/verdicts"
cat >"$T/w/wanted" <<X
acorn add -
birch add -
birch contact -
cedar, "Inc."  refuse member.name
cedar, "Inc." add -
delta refuse key.secret
ember refuse tier.unknown
fern refuse tiers.classes
gorse refuse addr.bad-character
holly refuse key.duplicate
iris refuse contact.taken
juniper refuse import.key
kale refuse import.key
larch add -
birch refuse import.conflict
X
same 'each row, with its rule' "$(cat "$T/w/wanted")" "$(cat "$T/w/verdicts")"
same 'the dry run changed nothing' 0 "$(get '.data | length' member list)"

# ---- it happens ----
ctl member import "$T/w/table/members.csv" >"$T/w/done"
settle
same 'the same happens' "$(cat "$T/w/wanted")" "$(verdicts "$T/w/done")"
same 'rows that were refused left nothing' 'acorn
birch
cedar, "Inc."
larch' "$(get '.data[].org' member list)"
same 'two contacts' 'security@birch.example
second@birch.example' "$(get '.data.contacts[].address' member show birch)"
same 'keys are usable' usable "$(get '.data.contacts[0].key_state' member show acorn)"
same 'no key is a state' missing "$(get '.data.contacts[0].key_state' member show larch)"
ctl member import "$T/w/table/members.csv" >"$T/w/again"
same 'said again, nothing is added' '0 0 5' "$(jq -r '.data | "\(.added) \(.contacts) \(.unchanged)"' "$T/w/again")"
printf 'org,class,tier,address\na,b,c,d\n' >"$T/w/table/short.csv"
ctl member import "$T/w/table/short.csv" >"$T/w/short"
same 'a header that lacks a column' '2 import.header' "$? $(jq -r .rule "$T/w/short")"

# ---- from Schleuder ----
sqlite3 "$T/w/schleuder.db" <<'X'
CREATE TABLE lists(id INTEGER PRIMARY KEY, email TEXT, fingerprint TEXT);
CREATE TABLE subscriptions(id INTEGER PRIMARY KEY, list_id INTEGER, email TEXT, fingerprint TEXT, admin BOOLEAN, delivery_enabled BOOLEAN);
INSERT INTO lists VALUES(1, 'distros@old.example', ''), (2, 'other@old.example', '');
X
sqlite3 "$T/w/schleuder.db" "INSERT INTO subscriptions(list_id, email, fingerprint, admin, delivery_enabled) VALUES
    (1, 'security@delta.example', '$(fpr delta)', 'f', 't'), (1, 'security@ember.example', '$(fpr ember)', 0, 1),
    (1, 'boss@old.example', '', 't', 't'), (1, 'quiet@quiet.example', '', 0, 0),
    (1, 'lost@lost.example', '$(fpr ann)', 0, 1), (2, 'other@other.example', '', 0, 1)"
cat "$T/k/delta.asc" "$T/k/ember.asc" >"$T/w/keys.asc"
ctl member import "$T/w/schleuder.db" --class distro --tier distros >"$T/w/which"
same 'which of its lists must be said' '2 schleuder.which' "$? $(jq -r .rule "$T/w/which")"
ctl member import "$T/w/schleuder.db" --from distros@old.example --class distro --tier distros >"$T/w/schleuder"
settle
same 'what becomes of each subscription' 'old.example refuse import.admin
lost.example refuse import.key
quiet.example refuse import.no-delivery
delta.example add -
ember.example add -' "$(verdicts "$T/w/schleuder")"
same 'its key is that of the keyring' "$(fpr delta)" "$(get '.data.contacts[0].fingerprint' member show delta.example)"
printf 'SQLite format 3\000 and nothing else' >"$T/w/bad.db"
ctl member import "$T/w/bad.db" --class distro --tier distros >"$T/w/bad"
same 'a file that only says it is one' '2 schleuder.damaged' "$? $(jq -r .rule "$T/w/bad")"

# ---- out, and in elsewhere ----
check 'member export' ctl member export --csv "$T/w/out.csv"
same 'for its owner alone' 600 "$(stat -c %a "$T/w/out.csv")"
ctl member export | jq -S '[.data[] | {org, class, tier, contacts: [.contacts[] | {address, fingerprint}]}]' >"$T/w/before"
denied membership.publish_members 'what the policy does not state is not published' member export --public
load=$bin/tests/bench/bench-load
stop
if [ -x "$load" ]; then
    check 'more members' "$load" 300 "$made" "$T/i/state" main distro distros
    start
    ctl member export --csv "$T/w/many.csv" >"$T/w/export"
    stop
fi
other_instance
start
check 'into another instance' ctl member import "$T/w/out.csv"
settle
same 'the round trip' "$(cat "$T/w/before")" \
    "$(ctl member export | jq -S '[.data[] | {org, class, tier, contacts: [.contacts[] | {address, fingerprint}]}]')"
if [ -s "$T/w/many.csv" ]; then
    begin=$(date +%s)
    ctl member import "$T/w/many.csv" >"$T/w/many"
    took=$(($(date +%s) - begin))
    same 'three hundred more' '300 0 7 0' "$(jq -r '.data | "\(.added) \(.contacts) \(.unchanged) \(.refused)"' "$T/w/many")"
    [ "$took" -lt 20 ] && ok 'in good time' || not_ok "it took $took s"
fi
finish
