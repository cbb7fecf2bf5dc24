#!/bin/sh
# Mail as programs on the way and senders of ill will make it: what counts as signed, what is decrypted, what of it people
# see, and what is marked. Real gpg signs and encrypts.
. "${srcdir:-.}/tests/lib/flow.sh"

make_key rita rita@reporter.example & make_rita=$!
init
wait $make_rita
start
give_key rita "$T/k/list.asc"
for who in ann bob rita; do set_clock "$now"; done
rita='Rita <rita@reporter.example>'
ann='Ann <ann@example.org>'
ann_fpr=$(fpr ann)

# shown FILTER: of the newest message of the newest case.
shown() { ctl case show "$(new_case)" | jq -r ".data.messages[-1] | $1"; }

# taken WORDS SIGNED_BY [FILTER WANTED]...: $T/w/m becomes a case.
taken() {
    taken_words=$1 taken_by=$2
    shift 2
    taken_before=$(cases)
    inject sender@example.net "$T/w/m"
    same "$taken_words: is a case" $((taken_before + 1)) "$(cases)"
    same "$taken_words: signed by" "$taken_by" "$(shown '.signed_by')"
    while [ $# -ge 2 ]; do
        same "$taken_words: $1" "$2" "$(shown "$1")"
        shift 2
    done
    later '1 minute'
}

# held WORDS RULE
held() {
    held_before=$(cases)
    inject sender@example.net "$T/w/m"
    same "$1: is held" "$2" "$(get '.data[-1].rule' held list)"
    same "$1: is no case" "$held_before" "$(cases)"
    later '1 minute'
}

gpg_as() { gpg_name=$1; shift; gpg --homedir "$T/k/$gpg_name" --batch --no-tty --trust-model always "$@" 2>/dev/null; }
both_signed() { gpg --homedir "$T/k/both" --batch --no-tty --armor "$@" 2>/dev/null; }

# ---- several senders, and what a signature leaves uncovered ----
signed_by_ann() {
    { printf 'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\nTo: %s\nSubject: %s\n\n' $list "$1"
      printf '%s\n' "$2"; } | crlf >"$T/w/part"
    signed_part ann "$T/w/part" >"$T/w/mime"
}
signed_by_ann 'the protected one' 'The ring wraps.'
mail_of "$T/w/mime" "$ann" 'the outer one' >"$T/w/m"
taken 'a signed mail' "$ann_fpr" .subject 'the protected one'

printf 'To: %s\nSubject: not for you\n\nNo attribute says that these are protected.\n' $list | crlf >"$T/w/part"
signed_part ann "$T/w/part" >"$T/w/mime"
mail_of "$T/w/mime" "$ann" 'the outer one' >"$T/w/m"
taken 'fields that nothing calls protected' "$ann_fpr" .subject 'the outer one'
open_mail bob "$(newest bob@example.org)" "$T/w/told"
has 'the team is told that the Subject is not covered' '; not of the Subject' "$T/w/told"

signed_by_ann s 'Several senders.'
mail_of "$T/w/mime" "$ann" s "From: $rita" >"$T/w/m"
held 'two From fields over a good signature' several-from
signed_by_ann s 'Several senders in one field.'
mail_of "$T/w/mime" "$ann, $rita" s >"$T/w/m"
held 'two mailboxes in From over a good signature' several-from
echo 'Two of us wrote this.' | mail "$ann, $rita" 'from us both' >"$T/w/m"
taken 'two mailboxes in From without a signature' null

signed_by_ann s 'The signed part.'
{ printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer-b\n\n--outer-b\n'; cat "$T/w/mime"
  printf '\n--outer-b\nContent-Type: text/plain\n\nA footer by a list.\n--outer-b--\n'; } >"$T/w/mixed"
mail_of "$T/w/mixed" "$ann" 'with a footer' >"$T/w/m"
taken 'a footer outside of a signed part' null .verified false

# ---- several signatures ----
mkdir -m 700 "$T/k/both"
for who in ann bob rita; do
    gpg --homedir "$T/k/$who" --batch --passphrase '' --pinentry-mode loopback --export-secret-keys 2>/dev/null |
        gpg --homedir "$T/k/both" --batch -q --import 2>/dev/null
done
set_clock "$now"
two_signatures() {
    both_signed -u "$1" -u "$2" --clear-sign <<X >"$T/w/clear"
Signed by $1 and $2.
X
    mail "$ann" "$1 and $2" <"$T/w/clear" >"$T/w/m"
}
two_signatures ann@example.org rita@reporter.example
taken 'a stranger signed beside ann' "$ann_fpr"
two_signatures rita@reporter.example ann@example.org
taken 'a stranger signed before ann' "$ann_fpr"
two_signatures ann@example.org bob@example.org
taken 'two persons signed: nobody alone' null .verified false

# ---- inline, in its forms ----
echo 'Signed, armored, not clear.' | gpg_as ann --armor --sign >"$T/w/block"
mail "$ann" 'armored' <"$T/w/block" >"$T/w/m"
taken 'an armored signed message' "$ann_fpr" .text 'Signed, armored, not clear.'
echo 'Signed in clear within.' | gpg_as ann --clear-sign >"$T/w/clear"
gpg_as ann --armor -r "$list_fpr" --encrypt <"$T/w/clear" >"$T/w/block"
mail "$ann" 'signed within' <"$T/w/block" >"$T/w/m"
taken 'a clear-signed text in an encrypted one' "$ann_fpr" .text 'Signed in clear within.'
gpg_as ann --armor -r "$list_fpr" --encrypt <"$T/w/block" >"$T/w/twice"
mail "$ann" 'twice' <"$T/w/twice" >"$T/w/m"
held 'a ciphertext within a ciphertext' nested-encryption
echo 'In HTML.' | gpg_as rita --armor -r "$list_fpr" --encrypt >"$T/w/block"
{ echo '<html><body>'; sed 's/^$/\&nbsp;/; s/^/<div>/; s/$/<\/div><br>/' "$T/w/block"; echo '</body></html>'; } >"$T/w/html"
mail "$rita" html 'MIME-Version: 1.0' 'Content-Type: text/html; charset=us-ascii' <"$T/w/html" >"$T/w/m"
taken 'armor that was made HTML, with no-break spaces' null .text 'In HTML.'
echo 'Not quoted.' | gpg_as rita --armor -r "$list_fpr" --encrypt >"$T/w/block"
mail "$rita" qp 'MIME-Version: 1.0' 'Content-Type: text/plain' 'Content-Transfer-Encoding: quoted-printable' \
    <"$T/w/block" >"$T/w/m"
taken 'armor that is called quoted-printable and is not' null .text 'Not quoted.'
echo 'In part.' | gpg_as rita --armor -r "$list_fpr" --encrypt >"$T/w/block"
{ echo 'Hello,'; cat "$T/w/block"; } | mail "$rita" 'in part' >"$T/w/m"
taken 'a text with armor in it is not decrypted' null '.text | contains("In part.")' false

# ---- the text encrypted, and each file ----
echo 'See the file.' | gpg_as ann --armor -r "$list_fpr" --sign --encrypt >"$T/w/block"
echo 'What the file says.' | gpg_as ann -r "$list_fpr" --sign --encrypt | base64 >"$T/w/file"
in_parts() {
    printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=parts-b\n\n--parts-b\nContent-Type: text/plain\n\n'
    cat "$T/w/block"
    printf '\n--parts-b\nContent-Type: application/octet-stream; name="a file.txt.pgp"\nContent-Transfer-Encoding: base64\n\n'
    cat "$T/w/file"
    [ -n "$1" ] && printf '\n--parts-b\nContent-Type: text/plain\n\n%s\n' "$1"
    printf '\n--parts-b--\n'
}
in_parts '' >"$T/w/mime"
mail_of "$T/w/mime" "$ann" 'in parts' >"$T/w/m"
taken 'parts signed one by one: nothing binds them' null .verified false '.text | contains("See the file.")' true \
    '.attachments[0].name' 'a file.txt'
ctl case attach "$(new_case)" "1.1" "$T/w/saved" >/dev/null
same 'the file is decrypted' 'What the file says.' "$(cat "$T/w/saved")"
in_parts 'And a text in clear.' >"$T/w/mime"
mail_of "$T/w/mime" "$ann" 'in parts and clear' >"$T/w/m"
taken 'parts with a text in clear beside them are not decrypted' null '.text | contains("See the file.")' false

# ---- nothing but an encrypted file ----
echo 'What the lone file says.' | gpg_as rita -r "$list_fpr" --encrypt | base64 >"$T/w/file"
{ printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=parts-b\n\n--parts-b\nContent-Type: text/plain\n\n \n'
  printf -- '--parts-b\nContent-Type: application/octet-stream; name=report.txt.gpg\nContent-Transfer-Encoding: base64\n\n'
  cat "$T/w/file"; printf '\n--parts-b--\n'; } >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'a file' >"$T/w/m"
taken 'an encrypted file and no text' null '.attachments[0].name' report.txt
ctl case attach "$(new_case)" "1.1" "$T/w/saved" >/dev/null
same 'the lone file is decrypted' 'What the lone file says.' "$(cat "$T/w/saved")"
echo 'The whole body.' | gpg_as rita -r "$list_fpr" --encrypt | base64 |
    mail "$rita" 'a body' 'MIME-Version: 1.0' 'Content-Type: application/octet-stream' 'Content-Transfer-Encoding: base64' >"$T/w/m"
taken 'a body that is nothing but a ciphertext' null .text 'The whole body.'

# ---- S/MIME is not verified; what it leaves readable is read ----
signed_by_ann 'the protected one' 'Signed twice.'
smime_around() {
    { printf 'MIME-Version: 1.0\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=smime-b\n\n--smime-b\n'
      sed '/^MIME-Version/d' "$1"; printf '\n--smime-b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n'
      printf 'Content-Transfer-Encoding: base64\n\nMIIB\n--smime-b--\n'; } >"$T/w/smime"
    mail_of "$T/w/smime" "$ann" "$2" >"$T/w/m"
}
smime_around "$T/w/mime" 'signed twice'
taken 'OpenPGP within S/MIME' "$ann_fpr" .text 'Signed twice.'
printf 'Content-Type: text/plain\n\nSigned by S/MIME.\n' >"$T/w/part"
smime_around "$T/w/part" 'by S/MIME'
taken 'S/MIME in clear is nobody'"'"'s word' null .verified false .text 'Signed by S/MIME.'

# ---- envelopes that programs on the way have touched ----
envelope() { printf 'Content-Type: text/plain\n\n%s\n' "$1" | crlf >"$T/w/part"
    encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt | sed '/^MIME-Version/d' >"$T/w/mime"; }
wrapped() {
    { printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer-b\n\n--outer-b\nContent-Type: text/plain\n\n%s\n--outer-b\n' "$1"
      cat "$T/w/mime"; printf '\n--outer-b--\n'; } >"$T/w/mixed"
    mail_of "$T/w/mixed" "$ann" "$2" >"$T/w/m"
}
envelope 'Behind an empty text.'
wrapped '-- ' 'an empty text before it'
taken 'an envelope behind an empty text' "$ann_fpr" .text 'Behind an empty text.'
envelope 'With a footer.'
wrapped 'List footer' 'with a footer'
taken 'an envelope with a footer' "$ann_fpr" '.text | contains("With a footer.")' true \
    '.text | contains("outside of the encrypted mail")' true '.text | contains("List footer")' true
envelope 'Signed around.'
cp "$T/w/mime" "$T/w/inner"
signed_part rita "$T/w/inner" >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'signed around' >"$T/w/m"
taken 'a stranger signed around the envelope' "$ann_fpr" .text 'Signed around.'
printf 'No header at all, and a line.\nAnd another.\n' >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --encrypt >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'no header inside' >"$T/w/m"
taken 'an envelope of a text without a header' null '.text | startswith("No header at all")' true

# ---- a program's mail costs no key ----
envelope 'I am away.'
mail_of "$T/w/mime" "$ann" 'away' 'Auto-Submitted: auto-replied' >"$T/w/m"
held 'an automatic mail, encrypted' auto-submitted
finish
