#!/bin/sh
# case reply --to reporter: encrypted where a key is known, else as the policy's reporting.plain_text says.
. "${srcdir:-.}/tests/lib/flow.sh"

make_key rita rita@reporter.example
make_key otto otto@reporter.example
init
# Three policies that differ in one word.
for plain in allow never notice-only; do
    sed "s/^    id = \"cloud-model\";/    id = \"plain-$plain\";/" "$T/i/policy/cloud-model@2026.conf" \
        >"$T/i/policy/plain-$plain@2026.conf"
    printf '\nreporting = { plain_text = "%s"; };\n' "$plain" >>"$T/i/policy/plain-$plain@2026.conf"
done
start
give_key rita "$T/k/list.asc"
give_key otto "$T/k/list.asc"
pass='Authentication-Results: mx.example.org; dmarc=pass'

# reply ID WORDS [OPTION...]: the team writes to the reporter.
reply() {
    reply_id=$1
    printf '%s\n' "$2" >"$T/w/words"
    shift 2
    ctl case reply "$reply_id" "$T/w/words" --to reporter "$@" >"$T/w/reply" || { not_ok "case reply"; cat "$T/w/reply"; }
    settle
}

# ---- a key that came attached ----
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nWith my key.\n--in-b\n'
  printf 'Content-Type: application/pgp-keys; name="key.asc"\n\n'; cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
mail_of "$T/w/part" 'Rita <rita@reporter.example>' 'A hole' "$pass" >"$T/w/m"
inject rita@reporter.example "$T/w/m"
with_key=$(new_case)
reply "$with_key" 'We thank you: sesame-1.'
sent=$(newest rita@reporter.example)
same 'with a key: encrypted' 1 "$(grep -c '^-----BEGIN PGP MESSAGE' "$sent")"
lacks 'nothing of it in clear' 'sesame' "$sent"
lacks 'nor the id of the case' "$with_key" "$sent"
same 'the subject is inside' '[...]' "$(field Subject "$sent")"
check 'her key opens it' open_mail rita "$sent" "$T/w/open"
has 'and she reads it' 'We thank you: sesame-1.' "$T/w/open"
check 'under a good signature of the list' good_signature "$T/w/open"
same "the answer goes to the case's address" 1 "$(field Reply-To "$sent" | grep -c '^security+c-[a-z2-7]*@')"
refused "the team's keys do not" open_mail ann "$sent" "$T/w/none"
same 'the reply is a message of the case' 'We thank you: sesame-1.' \
    "$(get '.data.messages[-1].text' case show "$with_key" | head -n 1)"

# ---- an Autocrypt header ----
later '1 hour'
keydata=$(gpg --homedir "$T/k/otto" --batch --export "$(fpr otto)" 2>/dev/null | base64 -w 60 | sed 's/^/ /')
mail 'Otto <otto@reporter.example>' 'Another' "$pass" "Autocrypt: addr=otto@reporter.example; prefer-encrypt=mutual; keydata=
$keydata" <<X >"$T/w/m"
With Autocrypt.
X
inject otto@reporter.example "$T/w/m"
autocrypt=$(new_case)
reply "$autocrypt" 'To you alone: sesame-2.'
sent=$(newest otto@reporter.example)
check 'Autocrypt: his key opens it' open_mail otto "$sent" "$T/w/open"
has 'and he reads it' 'To you alone: sesame-2.' "$T/w/open"

# ---- without a key, by policy ----
later '1 hour'
printf 'sesame-3\n' >"$T/w/words"
mail 'Nora <nora@reporter.example>' 'No key' "$pass" <<X >"$T/w/m"
I have no key.
X
inject nora@reporter.example "$T/w/m"
plain=$(new_case)
ack_only=$(box nora@reporter.example)
same 'acknowledged' 1 "$ack_only"

ctl case set "$plain" policy=plain-notice-only@2026 >/dev/null || not_ok 'case set policy'
reply "$plain" 'Not in clear: sesame-4.'
sent=$(newest nora@reporter.example)
same 'notice-only: one mail' $((ack_only + 1)) "$(box nora@reporter.example)"
lacks 'it has nothing of the text' sesame "$sent"
lacks 'nor of the case' "$plain" "$sent"
lacks 'nor of her report' 'No key' "$sent"
has 'it says what to do' 'public key attached' "$sent"
same 'and the team is told' 1 "$(jq -r .message "$T/w/reply" | grep -c notice)"

ctl case set "$plain" policy=plain-never@2026 >/dev/null || not_ok 'case set policy'
denied reporting.plain_text 'never: refused' case reply "$plain" "$T/w/words" --to reporter
same 'with the line of the policy' 1 "$(jq -r .message "$T/w/denied" | grep -c 'plain-never@2026.conf:[0-9]')"
settle
same 'nothing goes' $((ack_only + 1)) "$(box nora@reporter.example)"

ctl case set "$plain" policy=plain-allow@2026 >/dev/null || not_ok 'case set policy'
reply "$plain" 'In clear, as the policy allows: sesame-5.'
sent=$(newest nora@reporter.example)
has 'allow: in clear' 'sesame-5' "$sent"
lacks 'still without the id of the case' "$plain" "$sent"

# ---- the key comes later, to the case's address ----
address=$(field Reply-To "$sent")
ctl case set "$plain" policy=plain-never@2026 >/dev/null
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nHere it is.\n--in-b\n'
  printf 'Content-Type: application/pgp-keys; name="key.asc"\n\n'; cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
mail_of "$T/w/part" 'Nora <nora@reporter.example>' 'Re: News' >"$T/w/m"
inject nora@reporter.example "$T/w/m" "$address"
reply "$plain" 'Now sealed: sesame-6.'
sent=$(newest nora@reporter.example)
check 'the key that comes to the address of the case opens the next reply' open_mail rita "$sent" "$T/w/open"
has 'with its text' 'sesame-6' "$T/w/open"

# ---- none of it in the daemon's log ----
lacks 'the log has no word of a reply' sesame "$T/log"
lacks 'and no reporter' nora@ "$T/log"

stop
same 'the daemon ends with 0' 0 "$ended"
same 'and no process is left' '' "$(processes)"
finish
