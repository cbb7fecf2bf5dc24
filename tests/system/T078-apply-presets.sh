#!/bin/sh
# The form of every preset, asked for and filled in as it came; the key found by WKD from a real HTTPS server on
# loopback; and, where EMBARGO_CORPUS is set, documents on membership that are no applications.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/wkd.sh"

make_key acorn security@acorn.example
make_key birch security@birch.example
init
presets=$("$bin/embargoctl" -c "$conf" --json policy list | jq -r '.data[] | if type == "object" then (.name // .id) else . end')
[ "$(echo "$presets" | wc -l)" -ge 24 ] && ok 'there are presets' || not_ok "presets: $presets"
sed -i 's/policy = "[^"]*";/policy = "turn@1";/' "$conf"
turn() { # PRESET: the list's policy is this one from now on.
    file=$(find "$T/i/policy" -name "$1.conf")
    sed 's/^policy = { *id = "[^"]*"; *edition = "[^"]*"/policy = { id = "turn"; edition = "1"/' "$file" >"$T/w/turn"
    perl -0pe 's/(policy *= *\{[^}]*?id *= *)"[^"]*"/$1"turn"/s; s/(policy *= *\{[^}]*?edition *= *)"[^"]*"/$1"1"/s' "$file" >"$T/w/turn"
    cp "$T/w/turn" "$T/i/policy/turn@1.conf"
}
turn xen@2026
start
set_clock "$now"

# fill <MAIL: the form that stands in it, each field with a value.
fill() {
    class=$(sed -n 's/^Class is one of: \([^,.]*\).*/\1/p' "$1")
    sed -n '/^--- form ---/,/^--- end ---/p' "$1" | sed '1d;$d' | while IFS= read -r line; do
        case $line in
        Organisation:*) echo "$line acorn$turns" ;;
        Domains:*) echo "$line acorn.example" ;;
        Class:*) echo "$line ${class:-distro}" ;;
        Evidence:*) echo "$line https://acorn.example/" ;;
        Role-address:*) echo "$line security@acorn.example" ;;
        *) echo "$line as the policy asks" ;;
        esac
    done
}

turns=0
for preset in $presets; do
    [ "$preset" = turn@1 ] && continue
    turn "$preset"
    turns=$((turns + 1))
    [ $((turns % 20)) -ne 0 ] || later '2 hours'
    mail "A <a$turns@acorn.example>" 'Membership?' "$dmarc" <<X >"$T/w/m"
How do we become a member?
X
    inject "a$turns@acorn.example" "$T/w/m" $apply
    sed 's/\r$//' "$(newest "a$turns@acorn.example")" >"$T/w/asked"
    if grep -q 'takes no applications' "$T/w/asked"; then
        same "$preset: takes none" 1 "$(grep -c 'apply = "none"' "$T/w/turn")"
        form "acorn$turns" | mail "A <a$turns@acorn.example>" Application "$dmarc" >"$T/w/m"
        inject "a$turns@acorn.example" "$T/w/m" $apply
        same "$preset: and a form does not change that" 0 "$(get "[.data[] | select(.org == \"acorn$turns\")] | length" application list)"
        continue
    fi
    fill "$T/w/asked" >"$T/w/filled"
    keyed_part acorn <"$T/w/filled" >"$T/w/keyed"
    mail_of "$T/w/keyed" "A <a$turns@acorn.example>" Application "$dmarc" >"$T/w/m"
    inject "a$turns@acorn.example" "$T/w/m" $apply
    id=$(get '.data[-1].id' application list)
    same "$preset: the form that came, filled in, is complete" 'complete met' "$(get '.data | [.state, (.criteria[] | select(.id == "complete") | .result)] | join(" ")' application show "$id")"
done

# ---- by WKD ----
turn xen@2026
stop
wkd_start openpgpkey.birch.example
gpg --homedir "$T/k/birch" --batch --export "$(fpr birch)" | wkd_put openpgpkey.birch.example advanced birch
wkd_conf | sed 's/\]; };/, "openpgpkey.cedar.example:127.0.0.1:1"]; };/' >>"$conf"
set_clock "$now"
start
form birch | mail 'B <b@birch.example>' Application "$dmarc" >"$T/w/m"
inject b@birch.example "$T/w/m" $apply
settle
id=$(get '.data[-1].id' application list)
same 'the key was found by WKD' "complete met $(fpr birch)" \
    "$(app_state "$id") $(criterion "$id" key) $(get .data.key.fingerprint application show "$id")"
form cedar | mail 'C <c@cedar.example>' Application "$dmarc" >"$T/w/m"
inject c@cedar.example "$T/w/m" $apply
settle
id=$(get '.data[-1].id' application list)
same 'nobody could be asked: a state' 'incomplete key.offline' \
    "$(app_state "$id") $(get '.data.criteria[] | select(.id == "key") | .rule' application show "$id")"
has 'the applicant is told' 'OpenPGP key' "$(newest c@cedar.example)"
stop
make_key cedar security@cedar.example
make_key ember security@ember.example
make_key stray stray@elsewhere.example
wkd_start openpgpkey.birch.example openpgpkey.cedar.example openpgpkey.ember.example
gpg --homedir "$T/k/stray" --batch --export "$(fpr stray)" | wkd_put openpgpkey.ember.example advanced ember
gpg --homedir "$T/k/cedar" --batch --export "$(fpr cedar)" | wkd_put openpgpkey.cedar.example advanced cedar
sed -i '/^fetch = /d' "$conf"
wkd_conf >>"$conf"
later '7 hours'
start
settle
same 'asked again later, it is complete' complete "$(app_state "$id")"
form ember | mail 'E <e@ember.example>' Application "$dmarc" >"$T/w/m"
inject e@ember.example "$T/w/m" $apply
id=$(get '.data[] | select(.org == "ember") | .id' application list)
same "a directory's key that names another address is not taken" 'incomplete key.other-address' \
    "$(app_state "$id") $(get '.data.criteria[] | select(.id == "key") | .rule' application show "$id")"
has 'which is said' 'does not name' "$(newest e@ember.example)"

# ---- the corpus ----
corpus=0
if [ -n "${EMBARGO_CORPUS:-}" ]; then
    before=$(get '.data | length' application list)
    for file in $(find "$EMBARGO_CORPUS/application" -type f | sort); do
        corpus=$((corpus + 1))
        mail "D <d$corpus@delta.example>" Application "$dmarc" <"$file" >"$T/w/m"
        inject "d$corpus@delta.example" "$T/w/m" $apply
        has "$(basename "$file"): criteria, and no application: the form is the answer" '--- form ---' \
            "$(newest "d$corpus@delta.example")"
    done
    same 'none of them is recorded' "$before" "$(get '.data | length' application list)"
    [ $corpus -gt 0 ] || not_ok 'the corpus has applications'
else
    echo '# skipped: the corpus (EMBARGO_CORPUS is not set)'
fi

stop
same 'the daemon ends with 0' 0 "$ended"
wkd_stop
finish
