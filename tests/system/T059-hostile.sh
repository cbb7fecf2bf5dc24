#!/bin/sh
# Hostile mail: each kind is held under its rule and costs a worker at most; a good mail that comes right behind it is
# a case at once. Held mail is shown, let in, forgotten. A good encrypted mail, cut at random places, does no harm.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/cipher.sh"

begin_with_rita
rita='Rita <rita@reporter.example>'

text_part <<X >"$T/w/part"
The ring wraps.
X
held() { get '.data | length' held list; }
core=$(role_pid core)

# expect held|case WORDS [RULE]: $T/w/m, and right behind it a good mail.
tests=0
expect() {
    tests=$((tests + 1))
    held_before=$(held)
    cases_before=$(cases)
    mail "$rita" "good $tests" <<X >"$T/w/good"
A good mail.
X
    begin=$(date +%s%N)
    post "${sender:-rita@reporter.example}" "$T/w/m" || not_ok "embargo-inject $2"
    post rita@reporter.example "$T/w/good" || not_ok 'embargo-inject good'
    for try in $(seq 300); do
        ctl case list | jq -e ".data[] | select(.title == \"good $tests\")" >/dev/null && break
        sleep 0.05
    done
    took=$((($(date +%s%N) - begin) / 1000000))
    check "$2: the next mail is a case within 4 s ($took ms)" test $took -lt 4000
    settle
    if [ "$1" = held ]; then
        same "$2: is held" $((held_before + 1)) "$(held)"
        same "$2: under its rule" "$3" "$(get '.data[-1].rule' held list)"
        same "$2: is no case" $((cases_before + 1)) "$(cases)"
    else
        same "$2: is a case" $((cases_before + 2)) "$(cases)"
        same "$2: is not held" "$held_before" "$(held)"
    fi
    same "$2: core lives" "$core" "$(role_pid core)"
}

hostile() { expect held "$1" "$2"; }

# encrypted_mail FILE: the ciphertext FILE (armored) in a PGP/MIME mail, into $T/w/m.
encrypted_mail() {
    pgp_mime <"$1" >"$T/w/mime"
    mail_of "$T/w/mime" "$rita" '...' >"$T/w/m"
}

# ---- empty ----
: >"$T/w/m"
hostile 'no byte at all' empty
printf 'Subject: a head alone\n' >"$T/w/m"
hostile 'a head alone' empty
printf '\r\n\r\n' >"$T/w/m"
hostile 'no head' empty

# ---- cut off ----
to_list --armor --encrypt <"$T/w/part" >"$T/w/whole.asc"
head -n 6 "$T/w/whole.asc" >"$T/w/cut.asc"
encrypted_mail "$T/w/cut.asc"
hostile 'armor that ends early' truncated
to_list --encrypt <"$T/w/part" >"$T/w/whole.pgp"
head -c -20 "$T/w/whole.pgp" >"$T/w/cut.pgp"
armored "$T/w/cut.pgp" >"$T/w/cut.asc"
encrypted_mail "$T/w/cut.asc"
hostile 'packets that end early' truncated
printf -- '--mixed-b\nContent-Type: text/plain\n\nThe first part, and no end' |
    mail "$rita" 'cut multipart' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary="mixed-b"' >"$T/w/m"
expect case 'a multipart without its end'

# ---- too large ----
{
    mail "$rita" 'large' </dev/null
    head -c 22000000 /dev/zero | base64
} >"$T/w/m"
same 'a mail of 30 MiB' 1 "$(find "$T/w/m" -size +27M | wc -l)"
hostile '30 MiB' too-large

# ---- too deep ----
nested() {
    awk -v n="$1" 'BEGIN {
        print "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b0\"\n"
        for (i = 1; i <= n; i++) printf "--b%d\nContent-Type: multipart/mixed; boundary=\"b%d\"\n\n", i - 1, i
        printf "--b%d\nContent-Type: text/plain\n\nat the bottom\n", n
        for (i = n; i >= 0; i--) printf "--b%d--\n", i }'
}
nested 10000 >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'deep' >"$T/w/m"
hostile 'nested 10,000 deep' too-deep
awk 'BEGIN { print "MIME-Version: 1.0"; for (i = 0; i < 10000; i++) print "Content-Type: message/rfc822\n"; print "text" }' >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'deep' >"$T/w/m"
hostile '10,000 mails in each other' too-deep
awk 'BEGIN { print "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
    for (i = 0; i < 5000; i++) print "--b\n\nx"; print "--b--" }' >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'many' >"$T/w/m"
hostile '5,000 parts' too-deep
{
    printf 'From: '
    head -c 100000 /dev/zero | tr '\0' '('
    printf ' <rita@reporter.example>\nSubject: comments\n\nbody\n'
} >"$T/w/m"
hostile '100,000 open comments in From' too-deep

# ---- bytes that are none of a mail's ----
{
    printf 'From: %s\nSubject: a' "$rita"
    head -c 5000 /dev/zero
    printf '\n\nbody\n'
} >"$T/w/m"
hostile 'NULs in the head' nul-bytes
mail "$rita" 'boundary' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary="\""' <<X >"$T/w/m"
--"
Content-Type: text/plain

x
--"--
X
hostile 'the boundary "\""' bad-boundary

# ---- encrypted, but not so ----
gpg --homedir "$T/k/nobody" --batch --trust-model always --armor -r "$(fpr nobody)" --encrypt <"$T/w/part" \
    >"$T/w/other.asc" 2>/dev/null
encrypted_mail "$T/w/other.asc"
hostile 'encrypted to nobody here' not-for-us
mkdir "$T/w/old"
(cd "$T/w/old" && gpgsplit "$T/w/whole.pgp")
# The attack on mail programs of 2018: the body's packet becomes one of the old kind, without its hash.
tail -c +4 "$T"/w/old/000002-* >"$T/w/body"
size=$(wc -c <"$T/w/body")
{
    cat "$T"/w/old/000001-*
    printf '\311\377'
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' 0 0 $((size / 256)) $((size % 256)))"
    cat "$T/w/body"
} >"$T/w/old.pgp"
same 'a packet of tag 9' 1 "$(gpg --homedir "$T/k/rita" --list-packets "$T/w/old.pgp" 2>/dev/null | grep -c 'tag=9 ')"
armored "$T/w/old.pgp" >"$T/w/old.asc"
encrypted_mail "$T/w/old.asc"
hostile 'without integrity protection' no-integrity
{ head -c -1 "$T/w/whole.pgp"; printf '\125'; } >"$T/w/changed.pgp"
armored "$T/w/changed.pgp" >"$T/w/changed.asc"
encrypted_mail "$T/w/changed.asc"
hostile 'a byte changed within' corrupt
head -c 40000000 /dev/zero | to_list --armor --compress-algo bzip2 --encrypt >"$T/w/bomb.asc"
check 'a bomb of a thousandfold' test "$(wc -c <"$T/w/bomb.asc")" -lt 40000
encrypted_mail "$T/w/bomb.asc"
hostile 'compressed a thousandfold' bomb
printf 'secret' | gpg --homedir "$T/k/rita" --batch --pinentry-mode loopback --passphrase x --armor --symmetric \
    >"$T/w/sym.asc" 2>/dev/null
encrypted_mail "$T/w/sym.asc"
hostile 'encrypted with a passphrase alone' symmetric

# ---- somebody else's ciphertext ----
encrypted_mail "$T/w/whole.asc"
expect case 'a good encrypted mail'
sed 's/rita@reporter.example/mallory@evil.example/' "$T/w/m" >"$T/w/stolen"
mv "$T/w/stolen" "$T/w/m"
sender=mallory@evil.example
hostile 'the same ciphertext from another' ciphertext-seen
mkdir "$T/w/parts"
sed '1,/^$/d; /^[-=]/d' "$T/w/whole.asc" | base64 -d >"$T/w/stolen.pgp"
(cd "$T/w/parts" && gpgsplit "$T/w/stolen.pgp")
cat "$T"/w/parts/000001-* "$T"/w/parts/000001-* "$T"/w/parts/000002-* >"$T/w/wrapped.pgp"
armored "$T/w/wrapped.pgp" >"$T/w/wrapped.asc"
encrypted_mail "$T/w/wrapped.asc"
sed 's/rita@reporter.example/mallory@evil.example/' "$T/w/m" >"$T/w/stolen"
mv "$T/w/stolen" "$T/w/m"
hostile 'and with another envelope around it' ciphertext-seen
sender=
same 'and nothing goes to him' 0 "$(box mallory@evil.example)"

# ---- cut at random ----
to_list --armor --encrypt <"$T/w/part" >"$T/w/again.asc"
encrypted_mail "$T/w/again.asc"
mv "$T/w/m" "$T/w/again"
size=$(wc -c <"$T/w/again")
held_before=$(held)
cases_before=$(cases)
for at in $(seq 20 $((size - 8)) | shuf -n 20); do
    head -c "$at" "$T/w/again" >"$T/w/m"
    post rita@reporter.example "$T/w/m" || not_ok "embargo-inject cut at $at"
    cuts="${cuts:-} $at"
done
settle
same "20 cuts (at$cuts) are held or cases" 20 "$(($(held) - held_before + $(cases) - cases_before))"
cp "$T/w/again" "$T/w/m"
expect case 'the whole mail after its cuts'
same 'nothing took workers down' 0 "$(get '[.data[] | select(.rule == "poison")] | length' held list)"
same 'core has never ended' "$core" "$(role_pid core)"

# ---- what becomes of held mail ----
held_of() { get "[.data[] | select(.rule == \"$1\")][0].id" held list; }
h=$(held_of too-deep)
check 'held show' ctl held show "$h"
has 'it shows the beginning' 'Subject: deep' "$T/w/out"
lacks 'without bytes for a terminal' "$(printf '\033')" "$T/w/out"
check 'held show of 30 MiB' ctl held show "$(held_of too-large)"
n=$(cases)
check 'held release' ctl held release "$h"
settle
same 'what cannot be read is a case with the mail attached' $((n + 1)) "$(cases)"
same 'which says why' 1 "$(get '.data.messages[0].text' case show "$(new_case)" | grep -c too-deep)"
denied held.over 'it is released once' held release "$h"
h=$(held_of ciphertext-seen)
check 'held release of what can be read' ctl held release "$h"
settle
same 'is a case' $((n + 2)) "$(cases)"
same 'with its text' 'The ring wraps.' "$(get '.data | max_by(.opened_at) | .id' case list >/dev/null
    ctl case list | jq -r '.data[-1].id' | { read -r last; get '.data.messages[0].text' case show "$last"; })"
h=$(held_of not-for-us)
before=$(held)
check 'held discard' ctl held discard "$h"
same 'is off the list' $((before - 1)) "$(held)"
same 'and its bytes are gone' 1 "$(sqlite3 -readonly "$T/i/state/db.sqlite" \
    "SELECT COUNT(*) FROM held WHERE code = '$h' AND sealed_raw IS NULL AND sealed_envelope IS NULL")"
denied held.over 'once' held discard "$h"
ctl held show zzzzzzzz >/dev/null
same 'there is no such mail: 3' 3 $?
stop
same 'the daemon ends well' 0 "$ended"
finish
