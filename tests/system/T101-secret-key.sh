#!/bin/sh
# A secret key that comes by mail is wiped before anything is stored, and its owner is told: in a report, however it is
# attached, in clear and encrypted; in a held mail, a post, an application, a command. No byte of it is anywhere afterwards.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
sed -i '$ s/$/\nlimits: { sender_mails = 1000; domain_mails = 1000; all_mails = 1000; };/' "$conf"
start
make_key joe joe@reporter.example
make_key acorn security@acorn.example
for name in joe acorn; do
    give_key $name "$T/k/list.asc"
    gpg --homedir "$T/k/$name" --batch --export-secret-keys >"$T/k/$name.secret" 2>/dev/null
    gpg --homedir "$T/k/$name" --batch --armor --export-secret-keys >"$T/k/$name.secret.asc" 2>/dev/null
done
member acorn distro distros
set_clock "$now"

# ---- what must be nowhere: the private numbers, as bytes, hexadecimal, and in base64 at each alignment ----
for name in joe acorn; do
    cat "$T/k/$name/private-keys-v1.d"/*.key | tr -d ' \n' | grep -o '(d#[0-9A-F]*#' | tr -dc '0-9A-F\n'
done >"$T/w/numbers"
same 'two private numbers of each key' 4 "$(wc -l <"$T/w/numbers")"
while read -r number; do
    printf '%s\n' "$number"
    for form in '' 00 0000; do
        printf '%s%s' "$form" "$number" | perl -ne 'print pack "H*", $_' | base64 -w 0 | cut -c5-40 | fold -w 12
    done
done <"$T/w/numbers" | grep ............ >"$T/w/digits"
nowhere() { # WORDS FILE-OR-FOLDER...
    nowhere_words=$1
    shift
    same "$nowhere_words" '' "$(grep -rlaiF -f "$T/w/digits" "$@"
        while read -r number; do LC_ALL=C grep -rlaP "$(printf %s "$number" | sed 's/../\\x&/g')" "$@"; done <"$T/w/numbers")"
}
base64 -w 76 <"$T/k/joe.secret" >"$T/w/joe.b64"
[ -n "$(grep -liF -f "$T/w/digits" "$T/w/joe.b64")" ] && [ -n "$(grep -liF -f "$T/w/digits" "$T/k/joe.secret.asc")" ] &&
    ok 'the search finds them' || not_ok 'the search finds them'

# ---- reports ----
mixed() { # TYPE ENCODING FILE: a report with the file
    printf 'Content-Type: multipart/mixed; boundary="mixed-b"\n\n--mixed-b\nContent-Type: text/plain\n\nThe ring overflows.\n'
    printf -- '--mixed-b\nContent-Type: %s\nContent-Transfer-Encoding: %s\n\n' "$1" "$2"
    cat "$3"
    printf -- '\n--mixed-b--\n'
}
report() { # NAME [FIELD] <PART: by the sender NAME
    cat >"$T/w/part"
    report_name=$1
    shift
    mail_of "$T/w/part" "R <$report_name@reporter.example>" "Report $report_name" "$dmarc" "$@" >"$T/w/m"
    post "$report_name@reporter.example" "$T/w/m"
}
autocrypt() { printf 'Autocrypt: addr=%s@reporter.example; keydata=%s' "$1" "$(gpg --homedir "$T/k/joe" --batch --export "$(fpr joe)" 2>/dev/null | base64 -w 0)"; }
text_of() { printf 'Content-Type: text/plain; charset=utf-8\n\n'; cat; }

{ echo 'The ring overflows.'; echo; cat "$T/k/joe.secret.asc"; echo 'Regards'; } | text_of | report inline
{ echo 'The ring overflows.'; sed 's/^/> /' "$T/k/joe.secret.asc"; } | text_of | report quoted
mixed application/pgp-keys 7bit "$T/k/joe.secret.asc" | report pgpkeys
mixed 'application/octet-stream; name="secret.gpg"' base64 "$T/w/joe.b64" | report octet
mixed 'text/plain; name="key.asc"' 7bit "$T/k/joe.secret.asc" | report asc
mixed application/pgp-keys binary "$T/k/joe.secret" | report binary
{ printf 'Subject: inner\n\n'; cat "$T/k/joe.secret.asc"; } >"$T/w/inner"
mixed message/rfc822 7bit "$T/w/inner" | report nested
{ printf '<html><pre>The ring overflows.<br>'; sed 's/$/<br>/' "$T/k/joe.secret.asc"; } >"$T/w/html"
{ printf 'Content-Type: text/html\n\n'; cat "$T/w/html"; } | report html
mail 'R <header@reporter.example>' 'Report header' "$dmarc" \
    "Autocrypt: addr=header@reporter.example; keydata=
$(sed 's/^/ /' "$T/w/joe.b64")" <<X >"$T/w/m"
The ring overflows.
X
post header@reporter.example "$T/w/m"
mixed 'application/octet-stream; name="secret.gpg"' base64 "$T/w/joe.b64" | crlf >"$T/w/p"
encrypted_part "$T/w/p" --homedir "$T/k/joe" -r "$list_fpr" --encrypt | report encrypted
signed_part joe "$T/w/p" >"$T/w/s"
encrypted_part "$T/w/s" --homedir "$T/k/joe" -r "$list_fpr" --encrypt | report signedencrypted "$(autocrypt signedencrypted)"
report signed "$(autocrypt signed)" <"$T/w/s"
{ echo 'The ring overflows.'; cat "$T/k/joe.secret.asc"; } |
    gpg --homedir "$T/k/joe" --batch --clear-sign 2>/dev/null | text_of | report clearsigned "$(autocrypt clearsigned)"
text_of <"$T/k/joe.secret.asc" | report alone
settle
forms='inline quoted pgpkeys octet asc binary nested html header encrypted signedencrypted signed clearsigned alone'
same 'each is a case' "$(echo $forms | wc -w)" "$(cases)"
: >"$T/w/shown"
for id in $(get '.data[].id' case list); do
    ctl case show "$id" >"$T/w/case"
    cat "$T/w/case" >>"$T/w/shown"
    name=$(jq -r .data.title "$T/w/case" | cut -d' ' -f2)
    # Line ends of what is binary do not survive the way here, and the fingerprint not with them.
    [ "$name" = binary ] && same 'binary: one is noted' 1 "$(jq -r '.data.messages[0].secret_keys | length' "$T/w/case")" ||
        same "$name: the fingerprint is noted" "$(fpr joe)" "$(jq -r '.data.messages[0].secret_keys | join(" ")' "$T/w/case")"
    [ "$name" = alone ] || has "$name: the report is there" 'The ring overflows.' "$T/w/case"
    case $name in
    inline | quoted | html | clearsigned | alone) has "$name: and says what was here" 'secret key of' "$T/w/case" ;;
    octet | asc | encrypted | signed*)
        ctl case attach "$id" 1.1 "$T/w/file" >/dev/null
        has "$name: the attachment says it" "secret key of $(fpr joe) was here" "$T/w/file"
        cat "$T/w/file" >>"$T/w/shown" ;;
    esac
    case $name in
    signed* | clearsigned) same "$name: the signature was looked at before" "$(fpr joe)" "$(jq -r '.data.messages[0].signed_by' "$T/w/case")" ;;
    esac
done
nowhere 'no byte of it is in any case' "$T/w/shown"
for name in $forms; do
    has "$name: its owner is told" 'held an OpenPGP secret key' "$(grep -rl 'secret key' "$T/i/mail/$name@reporter.example/new" | head -n 1)"
    same "$name: in a mail that nothing can answer" '<>' \
        "$(field Return-Path "$(grep -rl 'secret key' "$T/i/mail/$name@reporter.example/new" | head -n 1)")"
done
lacks 'without anything of what he wrote' ring "$(grep -rl 'secret key' "$T/i/mail/inline@reporter.example/new")"
lacks 'nor the fingerprint' "$(fpr joe)" "$(grep -rl 'secret key' "$T/i/mail/inline@reporter.example/new")"
same 'the trail has each' "$(echo $forms | wc -w)" "$(get '[.data[] | select(.event == "mail.secret-key")] | length' audit show)"

# ---- the team ----
team() { # what ann got, opened
    : >"$T/w/team"
    for mail in "$T/i/mail/ann@example.org/new"/*; do
        open_mail ann "$mail" "$T/w/opened" && cat "$T/w/opened" >>"$T/w/team"
    done
}
team
has 'the team sees it in the mail of the case' "Secret key: one came with this mail, and was wiped: $(fpr joe)" "$T/w/team"
nowhere 'and no byte of it' "$T/w/team"
lacks 'where the sender was told, it is not asked to' 'tell him' "$T/w/team"

# ---- a sender who proves nothing ----
{ echo 'The ring overflows.'; cat "$T/k/joe.secret.asc"; } | mail 'R <nobody@reporter.example>' 'Report nobody' >"$T/w/m"
inject nobody@reporter.example "$T/w/m"
same 'who proves nothing is not told' 0 "$(box nobody@reporter.example)"
team
has 'but the team is asked to tell him' 'tell him' "$T/w/team"

# ---- what talks about keys is a report as any other ----
{ echo 'Your importer takes a file that begins with -----BEGIN PGP PRIVATE KEY BLOCK----- and'; echo 'holds nothing:'
  echo '-----BEGIN PGP PRIVATE KEY BLOCK-----'; echo; echo '-----END PGP PRIVATE KEY BLOCK-----'; cat "$T/k/joe.asc"; } >"$T/w/talk"
mail 'R <talk@reporter.example>' 'Talk' "$dmarc" <"$T/w/talk" >"$T/w/m"
inject talk@reporter.example "$T/w/m"
get '.data.messages[0].text' case show "$(new_case)" >"$T/w/said"
same 'nothing is wiped of it' "$(cat "$T/w/talk")" "$(cat "$T/w/said")"

# ---- held ----
{ printf 'From: r@reporter.example\nSubject: Damaged\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="\\""\n\n'
  cat "$T/k/joe.secret.asc"; } >"$T/w/m"
inject damaged@reporter.example "$T/w/m"
held=$(get '.data[0].id' held list)
ctl held show "$held" >"$T/w/held"
same 'a mail that cannot be read is held' bad-boundary "$(jq -r .data.rule "$T/w/held")"
has 'without the key' 'secret key of' "$T/w/held"
ctl held release "$held" >/dev/null
settle
id=$(new_case)
ctl case attach "$id" 1.1 "$T/w/file" >/dev/null
has 'released, it is a case, without the key' 'secret key of' "$T/w/file"
nowhere 'no byte of it' "$T/w/held" "$T/w/file"
# Another's ciphertext is held; the envelope has the key, and is not kept.
encrypted_part "$T/w/p" --homedir "$T/k/joe" -r "$list_fpr" --encrypt >"$T/w/twice"
mail_of "$T/w/twice" 'R <first@reporter.example>' '...' "$dmarc" >"$T/w/m"
inject first@reporter.example "$T/w/m"
mail_of "$T/w/twice" 'E <second@reporter.example>' '...' "$dmarc" >"$T/w/m"
inject second@reporter.example "$T/w/m"
held=$(get '.data[0].id' held list)
ctl held show "$held" >"$T/w/held"
same 'the second is held' ciphertext-seen "$(jq -r .data.rule "$T/w/held")"
has 'opened' 'X-Embargod-Opened: a secret key in it was wiped; it came encrypted' "$T/w/held"
lacks 'without the ciphertext' 'BEGIN PGP MESSAGE' "$T/w/held"
before=$(cases)
ctl held release "$held" >/dev/null
settle
same 'and can be let in' $((before + 1)) "$(cases)"
ctl case show "$(new_case)" >"$T/w/case"
has 'with its text' 'The ring overflows.' "$T/w/case"

same 'whose key it was does not stand in clear in the database' 0 \
    "$(sqlite3 "$T/i/state/db.sqlite" .dump | grep -ci -e "$(fpr joe)" -e "$(fpr joe | tail -c 17)")"

# ---- a member's own key ----
{ echo 'What do you say to this?'; cat "$T/k/acorn.secret.asc"; } | secret_mail acorn 'A <security@acorn.example>' 'A question' >"$T/w/m"
inject security@acorn.example "$T/w/m"
same 'a pinned key is exposed' "$(fpr acorn)" "$(get '.data[] | select(.event == "key.exposed") | .object' audit show)"
team
has 'the team is told what to do' "key replace \"acorn\" $(fpr acorn)" "$T/w/team"
open_mail acorn "$(newest security@acorn.example)" "$T/w/own"
has 'the member is told, encrypted' 'held an OpenPGP secret key' "$T/w/own"
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check" 2>/dev/null
has 'check warns of it' 'secret key of acorn' "$T/w/check"

# ---- what an admin hands in ----
disclose 'Handed in'
for file in "$T/k/joe.secret" "$T/k/joe.secret.asc"; do
    denied key.secret 'a note with a secret key is refused' case note "$id" "$file"
    usual_text 'Handed in' >"$T/w/text"
    denied key.secret 'and a patch of an advisory' advisory edit "$id" "$T/w/text" --attach "$file"
done
ctl advisory edit "$id" "$T/w/text" --attach "$T/k/joe.asc" >"$T/w/edit" && ok 'a public key is none' || not_ok 'a public key is none'
mail 'R <r@reporter.example>' 'By hand' <"$T/k/joe.secret.asc" >"$T/w/m"
ctl case open --from "$T/w/m" >"$T/w/case"
same 'a mail handed in is wiped too' "$(fpr joe)" "$(jq -r '.data.messages[0].secret_keys[]' "$T/w/case")"
has 'with the sentence' 'secret key of' "$T/w/case"

# ---- a command ----
order acorn security@acorn.example '' nonce
printf 'Embargo-List: main\nEmbargo-Nonce: %s\nEmbargo-Command: key replace\n' "$(fresh)" >"$T/w/text"
{ printf 'Content-Type: multipart/mixed; boundary="order-b"; protected-headers="v1"\nTo: %s\nSubject: commands\n\n--order-b\n' $list
  printf 'Content-Type: text/plain\n\n'; cat "$T/w/text"
  printf -- '--order-b\nContent-Type: application/pgp-keys; name="new.asc"\n\n'; cat "$T/k/joe.secret.asc"
  printf -- '\n--order-b--\n'; } | crlf >"$T/w/p"
encrypted_part "$T/w/p" --homedir "$T/k/acorn" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
mail_of "$T/w/mime" 'A <security@acorn.example>' '...' >"$T/w/order"
order_name=acorn order_address=security@acorn.example
order_send
has 'a command with a secret key is refused for what it is' key.secret "$T/w/answer"

# ---- an application ----
form birch >"$T/w/form"
{ printf 'Content-Type: multipart/mixed; boundary="a-b"\n\n--a-b\nContent-Type: text/plain\n\n'; cat "$T/w/form"
  printf -- '--a-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'; cat "$T/k/joe.secret.asc"; printf -- '\n--a-b--\n'; } >"$T/w/p"
mail_of "$T/w/p" 'B <joe@birch.example>' 'Application' "$dmarc" >"$T/w/m"
inject joe@birch.example "$T/w/m" $apply
app=$(new_application)
same 'an application with a secret key is incomplete' incomplete "$(app_state "$app")"
grep -rh 'secret key' "$T/i/mail/joe@birch.example/new" >"$T/w/told"
has 'its applicant is told what it was' 'held an OpenPGP secret key' "$T/w/told"
has 'and that it is no key to apply with' 'what came was a secret key' "$T/w/told"
printf 'Application: %s\n' "$app" | keyed_part joe >"$T/w/p"
mail_of "$T/w/p" 'B <joe@birch.example>' 'Re: Application' "$dmarc" >"$T/w/m"
inject joe@birch.example "$T/w/m" $apply
same 'the public part of the same key is not taken' incomplete "$(app_state "$app")"
same 'for its rule' key.exposed "$(get '.data.criteria[] | select(.id == "key") | .rule' application show "$app")"

# ---- nowhere ----
stop
nowhere 'no byte in the instance, the outgoing mail and the log' "$T/i" "$T/log"
finish
