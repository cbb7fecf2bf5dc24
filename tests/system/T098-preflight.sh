#!/bin/sh
# Before an advisory goes: next and check name every member whom it would not reach, and the list's key is tried at each
# start and each day; where it does not sign, the admins hear of it in clear, and of nothing else.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"

init
for org in acorn birch; do make_key $org security@$org.example || exit 99; done
set_clock "$now"
gpg --homedir "$T/k/birch" --batch -q --passphrase '' --quick-set-expire "$(fpr birch)" 20d 2>/dev/null
gpg --homedir "$T/k/birch" --batch --armor --export >"$T/k/birch.asc"
start
member acorn distro distros
member birch distro distros
unserved() { get '[.data[] | select(.member) | "\(.member.org) \(.rule) \(.do)"] | join("; ")' next; }
check_of() { "$bin/embargoctl" -c "$conf" --json check | jq -r ".data[] | select(.name == \"$1\") | \"\\(.status) \\(.detail)\""; }

# ---- members ----
same 'all can be served' '' "$(unserved)"
same 'check says so' 'ok all can be served' "$(check_of 'members of main')"
ctl member add --org 'cedar inc' --class distro --tier distros --address security@cedar.example >/dev/null
same 'one without a key' 'cedar inc key.missing member show "cedar inc"' "$(unserved)"
later '21 days'
settle
same 'and one whose key has expired' 'birch key.expired member show birch; cedar inc key.missing member show "cedar inc"' "$(unserved)"
same 'check names them' 'warn 2 cannot be served: birch (key.expired), cedar inc (key.missing)' "$(check_of 'members of main')"
ctl member suspend 'cedar inc' --reason gone >/dev/null
same 'who is suspended is told nothing anyway' 'birch key.expired member show birch' "$(unserved)"

# ---- the list's key ----
key() { get '.data.list_keys[0] | "\(.list) \(.signs)"' status; }
tried() { get '.data.list_keys[0].tried_at' status; }
same 'the key was tried today' 'main true' "$(key)"
first=$(tried)
later '24 hours'
settle
[ "$(tried)" != "$first" ] && ok 'and the next day' || not_ok 'and the next day'
ctl audit show >"$T/w/audit"
lacks 'nothing of it in the trail' list-key. "$T/w/audit"
"$bin/embargoctl" -c "$conf" --as ann@example.org status >"$T/w/status"
has 'a line in status' 'main signs, tried ' "$T/w/status"

# It is gone: what waits for it does not go, so that nothing settles.
home=$T/i/gnupg/main/list
until_key() {
    for try in $(seq 300); do [ "$(key)" = "$1" ] && return; sleep 0.2; done
}
gpgconf --homedir "$home" --kill all
mv "$home/private-keys-v1.d" "$T/w/private"
mkdir -m 700 "$home/private-keys-v1.d"
before=$(box ann@example.org)
later '24 hours'
until_key 'main false'
same 'it does not sign' 'main false' "$(key)"
ctl status >"$T/w/status"
has 'status says what that means' 'no mail of the list goes out' "$T/w/status"
for try in $(seq 300); do [ "$(box bob@example.org)" -gt "$before" ] && break; sleep 0.2; done
for name in ann bob; do
    notice=$(newest $name@example.org)
    has "$name hears of it in clear" 'does not sign' "$notice"
    lacks 'and of no member' birch "$notice"
done
ctl audit show >"$T/w/audit"
has 'the trail has it' list-key.silent "$T/w/audit"
stop
gpgconf --homedir "$home" --kill all
rm -rf "$home/private-keys-v1.d"
mv "$T/w/private" "$home/private-keys-v1.d"
touch "$T/w/then"
start
until_key 'main true'
same 'tried at the start, it signs again' 'main true' "$(key)"
settle
told=
for file in $(find "$T/i/mail/ann@example.org/new" -type f -newer "$T/w/then"); do
    open_mail ann "$file" "$T/w/open" && grep -q 'signs again' "$T/w/open" && good_signature "$T/w/open" && told=yes
done
same 'which is told in a mail that it has signed' yes "$told"
stop
words_are_whole ann ann@example.org
finish
