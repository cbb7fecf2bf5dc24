#!/bin/sh
# Keys are looked up by WKD from a real HTTPS server on loopback: in the round over all members alone, under the same
# fingerprint only, examined like any key. Off line is a state. What a server may send wrong ends nothing.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/wkd.sh"

init
start
for org in acorn birch cedar delta ember; do make_key $org security@$org.example & done
wait_keys
for org in acorn birch cedar delta ember; do
    gpg --homedir "$T/k/$org" --batch -q --passphrase '' --quick-set-expire "$(fpr $org)" 90d 2>/dev/null
    gpg --homedir "$T/k/$org" --batch -q --passphrase '' --quick-set-expire "$(fpr $org)" 90d '*' 2>/dev/null
    gpg --homedir "$T/k/$org" --batch --armor --export >"$T/k/$org.asc"
    member $org distro distros
done
expiry() { get .data.expires_at key show "$(fpr $1)"; }
acorn_before=$(expiry acorn) birch_before=$(expiry birch)
[ "$acorn_before" != null ] || not_ok 'the key expires'

# ---- off line: a rehearsal without a host to speak to ----
check 'key refresh, off line' ctl key refresh
later '2 hours'
settle
same 'changes nothing' "$acorn_before" "$(expiry acorn)"
same 'and the daemon goes on' true "$(get .ok status)"
stop

# ---- on line ----
longer() { # NAME: its key, with a year more
    gpg --homedir "$T/k/$1" --batch -q --passphrase '' --quick-set-expire "$(fpr $1)" 400d 2>/dev/null
    gpg --homedir "$T/k/$1" --batch -q --passphrase '' --quick-set-expire "$(fpr $1)" 400d '*' 2>/dev/null
    gpg --homedir "$T/k/$1" --batch --export "$(fpr $1)"
}
wkd_start openpgpkey.acorn.example birch.example openpgpkey.cedar.example openpgpkey.delta.example
longer acorn | wkd_put openpgpkey.acorn.example advanced acorn
longer birch | wkd_put birch.example direct birch
# Another key than the one that is known; a redirect; a host whose certificate is another's.
make_key other security@cedar.example
gpg --homedir "$T/k/other" --batch --export | wkd_put openpgpkey.cedar.example advanced cedar
: | wkd_put openpgpkey.delta.example advanced delta
touch "$(wkd_path openpgpkey.delta.example advanced delta).moved"
wkd_conf | sed 's/\]; };/, "openpgpkey.ember.example:127.0.0.1:'"$wkd_port"'"]; };/' >>"$conf"
set_clock "$now"
start
cedar_before=$(expiry cedar) delta_before=$(expiry delta)
check 'key refresh, on line' ctl key refresh
settle
same 'nothing is asked at once, for all to see' no "$([ -s "$T/w/asked" ] && wc -l <"$T/w/asked" | grep -q '^5' && echo yes || echo no)"
later '2 hours'
settle
[ "$(expiry acorn)" \> "$acorn_before" ] && ok 'news by the advanced method' || not_ok 'news by the advanced method'
[ "$(expiry birch)" \> "$birch_before" ] && ok 'news by the direct method' || not_ok 'news by the direct method'
same 'another fingerprint is not taken' "$cedar_before" "$(expiry cedar)"
same 'a redirect is not followed' "$delta_before" "$(expiry delta)"
same 'nobody but the hosts of the members was asked' \
    'birch.example openpgpkey.acorn.example openpgpkey.cedar.example openpgpkey.delta.example' \
    "$(cut -d' ' -f1 "$T/w/asked" | cut -d: -f1 | sort -u | tr '\n' ' ' | sed 's/ $//')"
ctl audit show >"$T/w/audit"
has 'the audit trail says where from' '"wkd"' "$T/w/audit"

# ---- garbage, too much, and a server that goes away ----
head -c 3000000 /dev/zero | wkd_put openpgpkey.acorn.example advanced acorn
printf 'no key at all' | wkd_put birch.example direct birch
check 'key refresh, hostile' ctl key refresh
later '2 hours'
settle
wkd_stop
check 'key refresh, the server gone' ctl key refresh
later '2 hours'
settle
same 'the daemon is well' true "$(get .ok status)"
lacks 'no role has ended' 'event=role-ended' "$T/log"

# ---- the round comes by itself, and a revocation by it counts at once ----
sed 's/^:---/---/' "$T/k/acorn/openpgp-revocs.d/$(fpr acorn).rev" >"$T/w/revoke"
gpg --homedir "$T/k/acorn" --batch -q --import "$T/w/revoke" 2>/dev/null
stop
wkd_start $wkd_hosts
gpg --homedir "$T/k/acorn" --batch --export "$(fpr acorn)" | wkd_put openpgpkey.acorn.example advanced acorn
sed -i '/^fetch = /d' "$conf"
wkd_conf >>"$conf"
start
later '8 days'
settle
later '7 hours'
settle
same 'a revocation found in the weekly round' revoked "$(get .data.key_state key show "$(fpr acorn)")"
finish
