#!/bin/sh
# Reports of all kinds become cases that show what was written: LMTP, charsets, attachments, OpenPGP; how they are
# acknowledged, and that a redelivery is no second case.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/reports.sh"

make_key rita rita@reporter.example
init
sed -i "s|^lmtp = .*|lmtp = { unix = \"run/lmtp.sock\"; tcp = \"127.0.0.1:$port\"; };|" "$conf"

mail 'Rita <rita@reporter.example>' 'nobody is there' <<X >"$T/w/m"
text
X
"$bin/embargo-inject" -c "$conf" -f rita@reporter.example -- $list <"$T/w/m" 2>/dev/null
same 'embargo-inject without a daemon: 75' 75 $?
start
rita_fpr=$(fpr rita)

# ---- LMTP, as a mail server speaks it ----
if command -v bash >/dev/null 2>&1; then
    cat >"$T/w/lmtp.bash" <<'X'
exec 3<>/dev/tcp/127.0.0.1/$1
say() { printf '%s\r\n' "$1" >&3; }
answer() { while IFS= read -r -t 10 line <&3; do line=${line%$'\r'}; echo "$line"; [ "${line:3:1}" = - ] || return 0; done; return 1; }
answer
say 'LHLO mx.example.org'; answer
say 'MAIL FROM:<rita@reporter.example>'; answer
say 'RCPT TO:<security@example.org>'; answer
say 'RCPT TO:<nobody@example.org>'; answer
say 'RCPT TO:<security+apply@example.org>'; answer
say DATA; answer
while IFS= read -r line; do case $line in .*) line=.$line ;; esac; say "$line"; done <"$2"
say .; answer; answer
say QUIT; answer
X
    mail 'Rita <rita@reporter.example>' 'by TCP' <<X >"$T/w/m"
.a line that begins with a dot
X
    bash "$T/w/lmtp.bash" "$port" "$T/w/m" >"$T/w/lmtp" 2>&1
    settle
    same 'LMTP by TCP: codes' '220 250 250 250 550 250 354 250 250 221' \
        "$(grep -v '^[0-9]*-' "$T/w/lmtp" | cut -c1-3 | tr '\n' ' ' | sed 's/ $//')"
    same 'LMTP by TCP: a case for the list' 1 "$(cases)"
    ctl case list | jq -r '.data[].id' >"$T/w/ids.old"
    ctl case show "$(cat "$T/w/ids.old")" >"$T/w/case"
    shows 'the dot is one dot' .text '.a line that begins with a dot'
    same 'LMTP by TCP: the other recipient is held for itself' application "$(get '.data[0].rule' held list)"
fi

# ---- plain mail ----
mail 'Rita <rita@reporter.example>' 'Plain words' 'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/plain"
The buffer overflows.
X
report plain "$T/w/plain"
same 'an id of 8 base32 letters' 8 "$(expr "$id" : '[a-z2-7]*$')"
shows 'subject' .subject 'Plain words'
shows 'text' .text 'The buffer overflows.'
shows 'not signed' '|[.signed_by,.verified,.encrypted]|tostring' '[null,false,false]'
same 'one acknowledgement' 1 "$(box rita@reporter.example)"
ack=$(newest rita@reporter.example)
lacks 'the acknowledgement has no word of the subject' 'Plain' "$ack"
lacks 'nor of the text' 'overflow' "$ack"
lacks 'nor the id of the case' "$id" "$ack"
has 'it comes from the null sender' 'Return-Path: <>' "$ack"
same 'it is Auto-Submitted' auto-replied "$(field Auto-Submitted "$ack")"
same 'it answers the mail' "$(field Message-ID "$T/w/plain")" "$(field In-Reply-To "$ack")"
same "it has the case's address" 1 "$(field Reply-To "$ack" | grep -c '^security+c-[a-z2-7]*@example.org$')"

before=$(box ann@example.org)
inject rita@reporter.example "$T/w/plain"
same 'the same bytes again are no second case' "$report_before" "$(($(cases) - 1))"
same 'and the team hears nothing twice' "$before" "$(box ann@example.org)"

for results in 'mx.example.org; dmarc=fail' 'mx.evil.example; dmarc=pass' 'mx.example.org; spf=pass (dmarc=pass)'; do
    mail 'Rita <rita@reporter.example>' 'no proof' "Authentication-Results: $results" <<X >"$T/w/m"
text
X
    report "$results" "$T/w/m"
    same 'no acknowledgement' 1 "$(box rita@reporter.example)"
done

# ---- how a text is written ----
mail 'Rita <rita@reporter.example>' '=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?B?5Pb8?=' 'MIME-Version: 1.0' \
    'Content-Type: text/plain; charset=utf-8' 'Content-Transfer-Encoding: quoted-printable' <<X >"$T/w/m"
caf=C3=A9 and a line that is b=
roken
X
report 'quoted-printable, words of RFC 2047' "$T/w/m"
shows 'subject' .subject 'Grüßeäöü'
shows 'text' .text 'café and a line that is broken'

printf 'na\357ve base64\n' | base64 | mail 'Rita <rita@reporter.example>' 'latin' 'MIME-Version: 1.0' \
    'Content-Type: text/plain; charset=iso-8859-1' 'Content-Transfer-Encoding: base64' >"$T/w/m"
report 'base64, ISO-8859-1' "$T/w/m"
shows 'text' .text 'naïve base64'

printf 'sixteen € bits\n' | iconv -f utf-8 -t utf-16 | base64 | mail 'Rita <rita@reporter.example>' 'wide' 'MIME-Version: 1.0' \
    'Content-Type: text/plain; charset=utf-16' 'Content-Transfer-Encoding: base64' >"$T/w/m"
report 'base64, UTF-16' "$T/w/m"
shows 'text' .text 'sixteen € bits'

# ---- attachments ----
head -c 30000 /dev/urandom >"$T/w/crash.bin"
printf -- '--- a\r\n+++ b\r\n' >"$T/w/fix.patch"
{
    printf -- '--mixed-b\nContent-Type: text/plain\n\nSee the two files.\n'
    printf -- '--mixed-b\nContent-Type: application/octet-stream; name="crash.bin"\n'
    printf 'Content-Disposition: attachment; filename="crash.bin"\nContent-Transfer-Encoding: base64\n\n'
    base64 "$T/w/crash.bin"
    printf -- '--mixed-b\nContent-Type: text/x-diff; name="fix.patch"\nContent-Disposition: attachment;\n filename="fix.patch"\n\n'
    sed 's/\r$//' "$T/w/fix.patch"
    printf '\n--mixed-b--\n'
} | mail 'Rita <rita@reporter.example>' 'files' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary="mixed-b"' >"$T/w/m"
report 'multipart/mixed' "$T/w/m"
shows 'text' '.text|split("\n")[0,2,4]' 'See the two files.
[attachment 1: crash.bin, application/octet-stream, 30000 bytes]
[attachment 2: fix.patch, text/x-diff, 14 bytes]'
shows 'attachments' '.attachments|map([.n,.name,.size_bytes])|tostring' '[[1,"crash.bin",30000],[2,"fix.patch",14]]'
ctl case attach "$id" 1.1 "$T/w/crash.out" >/dev/null
check 'case attach gives the bytes back' cmp "$T/w/crash.bin" "$T/w/crash.out"
ctl case attach "$id" 1.2 "$T/w/fix.out" >/dev/null
check 'and those of the second' cmp "$T/w/fix.patch" "$T/w/fix.out"
ctl case attach "$id" 1.3 "$T/w/none" >/dev/null
same 'there is no third: 3' 3 $?
team=$(newest ann@example.org)
open_mail ann "$team" "$T/w/open"
has "the team's copy has the files" 'crash.bin' "$T/w/open"

# ---- OpenPGP ----
give_key rita "$T/k/list.asc"

# signed, and the key comes with it: acknowledged, since it is signed
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nSigned words.\n'
  printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\nContent-Disposition: attachment; filename="key.asc"\n\n'
  cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
signed_part rita "$T/w/part" >"$T/w/signed"
mail_of "$T/w/signed" 'Sam <sam@reporter.example>' 'signed' >"$T/w/m"
report 'multipart/signed' "$T/w/m" sam@reporter.example
shows 'text' '.text|split("\n")[0]' 'Signed words.'
shows 'signed by her key' .signed_by "$rita_fpr"
shows 'in clear' .encrypted false
same 'acknowledged, for it is signed' 1 "$(box sam@reporter.example)"

text_part <<X >"$T/w/part"
Secret words.
X
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' 'outside' >"$T/w/m"
report 'encrypted' "$T/w/m"
shows 'text' .text 'Secret words.'
shows 'encrypted, not signed' '|[.encrypted,.signed_by]|tostring' '[true,null]'

# signed within, by one operation, with a protected Subject and the key
{ printf 'Content-Type: multipart/mixed; boundary="in-b"; protected-headers="v1"\nSubject: The true subject\n\n'
  printf -- '--in-b\nContent-Type: text/plain; charset=utf-8\n\nSigned and sealed.\n'
  printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\nContent-Disposition: attachment; filename="key.asc"\n\n'
  cat "$T/k/rita.asc"; printf '\n--in-b\nContent-Type: text/x-diff\nContent-Disposition: attachment; filename="in.patch"\n\n-a\n+b\n'
  printf -- '--in-b--\n'; } | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --sign --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' '...' >"$T/w/m"
report 'signed and encrypted in one' "$T/w/m"
shows 'the protected subject' .subject 'The true subject'
shows 'text' '.text|split("\n")[0]' 'Signed and sealed.'
shows 'encrypted, signed by her, verified' '|[.encrypted,.signed_by,.verified]|tostring' "[true,\"$rita_fpr\",true]"
shows 'the attachment' '.attachments[-1].name' in.patch
same 'the title is the protected subject' 'The true subject' "$(jq -r .data.title "$T/w/case")"

# multipart/signed within the encryption
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n'
  printf -- '--in-b\nContent-Type: text/plain; charset=utf-8\n\nMIME within.\n'
  printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'
  cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
signed_part rita "$T/w/part" >"$T/w/signed"
encrypted_part "$T/w/signed" --homedir "$T/k/rita" -r "$list_fpr" --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' '...' >"$T/w/m"
report 'multipart/signed inside encrypted' "$T/w/m"
shows 'text' '.text|split("\n")[0]' 'MIME within.'
shows 'encrypted, signed by her, verified' '|[.encrypted,.signed_by,.verified]|tostring' "[true,\"$rita_fpr\",true]"

# a signature that does not fit
sed 's/MIME within/MIME wither/' "$T/w/signed" >"$T/w/bad"
mail_of "$T/w/bad" 'Rita <rita@reporter.example>' 'bad' >"$T/w/m"
report 'a bad signature' "$T/w/m"
shows 'proves nothing' '|[.signed_by,.verified]|tostring' '[null,false]'

# ---- the team reads all of it ----
team=$(newest bob@example.org)
open_mail bob "$team" "$T/w/open"
check 'the team gets it with a good signature of the list' good_signature "$T/w/open"
has 'the protected subject names the case' "Subject: [$id] bad" "$T/w/open"
same 'the outer subject does not' '[...]' "$(field Subject "$team")"
lacks 'nothing of it outside' wither "$team"

finish
