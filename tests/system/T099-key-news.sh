#!/bin/sh
# News about a key that the list has, by mail: in an Autocrypt header or attached, from the one who signs with this very
# key, and under its fingerprint alone; a revocation at once, from whoever sends it.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"

init
start
members
for org in acorn birch cedar; do gpg --homedir "$T/k/$org" --batch --export "$(fpr $org)" >"$T/k/$org.old" 2>/dev/null; done
expires() { get .data.expires_at key show "$(fpr "$1")"; }
# autocrypt ORG FILE: the field.
autocrypt() {
    printf 'Autocrypt: addr=security@%s.example; keydata=\n%s' "$1" "$(base64 -w 70 <"$2" | sed 's/^/ /')"
}
# with_key NAME FILE: NAME writes, with the key in FILE.
with_key() {
    echo "Is there news of this, $1?" | secret_mail "$1" "$1 <security@$1.example>" 'A question' "$(autocrypt "$1" "$2")" >"$T/w/m"
    inject "security@$1.example" "$T/w/m"
}
renew() { # ORG TIME
    gpg --homedir "$T/k/$1" --batch -q --passphrase '' --quick-set-expire "$(fpr "$1")" "$2" 2>/dev/null
    gpg --homedir "$T/k/$1" --batch --export "$(fpr "$1")" >"$T/k/$1.new" 2>/dev/null
}

# ---- from whom it is ----
later '1 hour'
renew acorn 3y
same 'it never ends' null "$(expires acorn)"
with_key acorn "$T/k/acorn.new"
renewed=$(expires acorn)
[ "$renewed" != null ] && ok 'a new end is taken from an Autocrypt header' || not_ok 'a new end is taken from an Autocrypt header'
same 'which the trail has' "$(fpr acorn)" "$(get '.data[] | select(.event == "key.news") | .object' audit show)"
with_key acorn "$T/k/acorn.old"
same 'an older certificate undoes nothing' "$renewed" "$(expires acorn)"

# ---- from another, from nobody ----
renew birch 2y
with_key acorn "$T/k/birch.new"
same "another's, under her own name and signature" null "$(expires birch)"
mail 'B <security@birch.example>' 'A question' "$(autocrypt birch "$T/k/birch.new")" <<X >"$T/w/m"
Not signed.
X
inject security@birch.example "$T/w/m"
same 'unsigned' null "$(expires birch)"
make_key mallory security@cedar.example
gpg --homedir "$T/k/mallory" --batch --export >"$T/k/mallory.gpg" 2>/dev/null
set_clock "$now"
with_key cedar "$T/k/mallory.gpg"
same 'another fingerprint is no news' "$(fpr cedar)" "$(get '.data.contacts[0].fingerprint' member show cedar)"
same 'and does not come in' '' "$(get ".data[] | select(.fingerprint == \"$(fpr mallory)\") | .fingerprint" key list)"

# ---- a revocation ----
sed 's/^:-----BEGIN/-----BEGIN/' "$T/k/birch/openpgp-revocs.d/$(fpr birch).rev" >"$T/w/birch.rev"
gpg --homedir "$T/k/birch" --batch -q --import "$T/w/birch.rev" 2>/dev/null
gpg --homedir "$T/k/birch" --batch --export "$(fpr birch)" >"$T/k/birch.revoked" 2>/dev/null
mail 'B <security@birch.example>' 'My key' "$(autocrypt birch "$T/k/birch.revoked")" <<X >"$T/w/m"
Our key is lost.
X
inject security@birch.example "$T/w/m"
same 'counts at once, unsigned' revoked "$(get .data.key_state key show "$(fpr birch)")"
same 'and the member cannot be served' key-trouble "$(get .data.state member show birch)"
stop
words_are_whole ann ann@example.org
words_are_whole acorn security@acorn.example
finish
