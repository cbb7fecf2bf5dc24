#!/bin/sh
# Forms in which reports come besides PGP/MIME: inline PGP, names of RFC 2231, format=flowed, signatures of unknown
# keys. Keys that come with a report, attached or as Autocrypt, are used for replies to that report and for nothing else.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/reports.sh"

make_key rita rita@reporter.example
make_key otto otto@reporter.example
init
start
give_key rita "$T/k/list.asc"
give_key otto "$T/k/list.asc"
rita='Rita <rita@reporter.example>'
rita_fpr=$(fpr rita)

by_rita() { gpg --homedir "$T/k/rita" --batch --trust-model always --armor -r "$list_fpr" "$@" 2>/dev/null; }

# ---- inline PGP ----
printf 'Inline words.\n' | by_rita --encrypt | mail "$rita" 'inline' >"$T/w/m"
report 'inline, encrypted' "$T/w/m"
shows 'text' .text 'Inline words.'
shows 'encrypted, not signed' '|[.encrypted,.signed_by]|tostring' '[true,null]'
printf 'Words in UTF-8: Grüße.\n' | by_rita --encrypt | mail "$rita" 'inline' >"$T/w/m"
report 'inline, UTF-8' "$T/w/m"
shows 'text' .text 'Words in UTF-8: Grüße.'
printf 'Clear words.\n- a dash\n' | by_rita --clearsign | mail "$rita" 'clear' >"$T/w/m"
report 'inline, clear-signed by a key that nobody knows' "$T/w/m"
shows 'text' .text 'Clear words.
- a dash'
shows 'proves nobody' '|[.verified,.encrypted]|tostring' '[false,false]'
printf 'More words.\n' | by_rita --clearsign | { cat; printf 'Words below, not signed.\n'; } | mail "$rita" 'mixed' >"$T/w/m"
report 'words below a clear-signed text' "$T/w/m"
shows 'prove nobody' '|[.signed_by,.verified]|tostring' '[null,false]'
same 'and nothing of it is lost' 1 "$(jq -r '.data.messages[0].text' "$T/w/case" | grep -c 'below, not signed')"

# ---- signed, by a key that nobody knows ----
text_part <<X >"$T/w/part"
Only signed.
X
signed_part rita "$T/w/part" >"$T/w/signed"
before=$(box rita@reporter.example)
mail_of "$T/w/signed" "$rita" 'signed only' >"$T/w/m"
report 'signed only, unknown key' "$T/w/m"
shows 'text' .text 'Only signed.'
shows 'nobody is proved' .verified false
same 'a signature that cannot be checked is no proof for an acknowledgement' "$before" "$(box rita@reporter.example)"

# ---- RFC 2231, format=flowed ----
{
    printf -- '--mixed-b\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n'
    printf 'One line that was bro \nken in two.\nAnother.\n-- \nsignature\n'
    printf -- '--mixed-b\nContent-Type: text/plain\nContent-Disposition: attachment;\n'
    printf " filename*0*=utf-8'de'%%C3%%BCber;\n filename*1*=lauf%%20;\n filename*2=\"1.txt\"\n\nx\n"
    printf -- "--mixed-b\nContent-Type: application/pdf; name*=iso-8859-1''na%%EFve.pdf\nContent-Transfer-Encoding: base64\n\neHg=\n"
    printf -- '--mixed-b\nContent-Type: text/x-diff\nContent-Disposition: attachment; filename="../../etc/passwd"\n\n+x\n'
    printf -- '--mixed-b--\n'
} | mail "$rita" 'names' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary="mixed-b"' >"$T/w/m"
report 'RFC 2231 and format=flowed' "$T/w/m"
same 'lines that were broken are whole' 1 "$(jq -r '.data.messages[0].text' "$T/w/case" | grep -cx 'One line that was broken in two.')"
shows 'names' '.attachments|map(.name)|tostring' '["überlauf 1.txt","naïve.pdf","passwd"]'

# ---- keys that come along ----
# answer WORDS: a reply to the case, whose text must be for her key alone.
answer() {
    printf 'We look into it: sesame.\n' >"$T/w/answer"
    answer_before=$(box "$2")
    ctl case reply "$id" "$T/w/answer" >"$T/w/out"
    settle
    same "$1: goes" $((answer_before + 1)) "$(box "$2")"
    answer_mail=$(newest "$2")
    lacks "$1: not in clear" sesame "$answer_mail"
}
key_part() {
    printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\n%s\n' "$1"
    printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\nContent-Disposition: attachment; filename="key.asc"\n\n'
    cat "$2"
    printf '\n--in-b--\n'
}

key_part 'My key is here.' "$T/k/rita.asc" >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'with a key' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/m"
report 'a key attached' "$T/w/m"
first=$id
answer 'a reply' rita@reporter.example
check 'it opens with that key' open_mail rita "$answer_mail" "$T/w/open"
check 'and is signed by the list' good_signature "$T/w/open"
has 'it has the text' 'We look into it: sesame.' "$T/w/open"

autocrypt=$(gpg --homedir "$T/k/otto" --batch --export-options export-minimal --export "$(fpr otto)" 2>/dev/null | base64 | sed 's/^/ /')
mail 'Otto <otto@reporter.example>' 'autocrypt' 'Authentication-Results: mx.example.org; dmarc=pass' \
    "Autocrypt: addr=otto@reporter.example; prefer-encrypt=mutual; keydata=
$autocrypt" <<X >"$T/w/m"
My key is in the head.
X
report 'a key as Autocrypt' "$T/w/m" otto@reporter.example
answer 'a reply' otto@reporter.example
check 'it opens with that key' open_mail otto "$answer_mail" "$T/w/open"

mail 'Otto <otto@reporter.example>' 'autocrypt of another' 'Authentication-Results: mx.example.org; dmarc=pass' \
    "Autocrypt: addr=rita@reporter.example; keydata=
$autocrypt" <<X >"$T/w/m"
The address is not mine.
X
report 'an Autocrypt field of another address' "$T/w/m" otto@reporter.example
printf 'We look into it: sesame.\n' >"$T/w/answer"
ctl case reply "$id" "$T/w/answer" >"$T/w/reply"
settle
same 'is not used' 0 "$(grep -l 'BEGIN PGP MESSAGE' "$(newest otto@reporter.example)" | grep -vcF "$answer_mail")"

mail "$rita" 'no key this time' 'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/m"
Another matter.
X
report 'another report of hers without a key' "$T/w/m"
before=$(box rita@reporter.example)
ctl case reply "$id" "$T/w/answer" >"$T/w/reply"
settle
lacks 'no text goes out in clear' sesame "$(newest rita@reporter.example)"
same 'the key of the other report is not used' 0 \
    "$(newest rita@reporter.example | xargs grep -c 'BEGIN PGP MESSAGE')"
same 'no home that lasts has her key' '' "$(for home in "$T"/i/gnupg/main/*; do
    gpg --homedir "$home" --batch --with-colons -k "$rita_fpr" 2>/dev/null | grep '^pub'; done)"
same 'nor does the list of keys' 0 "$(get "[.data[] | select(.fingerprint == \"$rita_fpr\")] | length" key list)"
id=$first
answer 'a reply to the first, again' rita@reporter.example
check 'it opens' open_mail rita "$answer_mail" "$T/w/open"

# a key that cannot be used does no harm
head -c 300 "$T/k/rita.asc" >"$T/w/cut.asc"
key_part 'My key is broken.' "$T/w/cut.asc" >"$T/w/mime"
mail_of "$T/w/mime" "$rita" 'with a broken key' >"$T/w/m"
report 'a broken key attached' "$T/w/m"
same 'text' 'My key is broken.' "$(jq -r '.data.messages[0].text' "$T/w/case" | head -n 1)"
stop
finish
