#!/bin/sh
# Which case a mail belongs to: by the case's address, by References from somebody who takes part; a stranger who
# quotes an id or a Message-ID opens a case of his own.
. "${srcdir:-.}/tests/lib/flow.sh"

make_key rita rita@reporter.example
make_key mallory mallory@stranger.example
init
give_key rita "$T/k/list.asc"
give_key mallory "$T/k/list.asc"
start

pass='Authentication-Results: mx.example.org; dmarc=pass'

# messages ID: author, text's first line and proof of each message.
messages() {
    get '.data.messages[] | [.author, (.text | split("\n")[0]), .verified] | tostring' case show "$1" | tail -n 1
}

mail 'Rita <rita@reporter.example>' 'A hole' "$pass" <<X >"$T/w/first"
One.
X
inject rita@reporter.example "$T/w/first"
id=$(new_case)
ack=$(newest rita@reporter.example)
address=$(field Reply-To "$ack")
first_id=$(field Message-ID "$T/w/first")
ack_id=$(field Message-ID "$ack")

# ---- by the case's address ----
mail 'Rita at home <other@home.example>' 'Re: your mail' <<X >"$T/w/m"
Two, by the address.
X
inject other@home.example "$T/w/m" "$address"
same 'mail to the address of the case: no new case' 1 "$(cases)"
same 'it is appended, unverified' '["reporter","Two, by the address.",false]' "$(messages "$id")"
same 'the team hears of it' 2 "$(box ann@example.org)"
open_mail ann "$(newest ann@example.org)" "$T/w/open"
has 'and that nothing proves it' 'NOT VERIFIED' "$T/w/open"
has "it comes under the case's id" "Subject: [$id] Re: your mail" "$T/w/open"

upper=$(echo "${address%@*}" | tr a-z A-Z)@example.org
mail 'Rita <rita@reporter.example>' 'case' <<X >"$T/w/m"
Two and a half.
X
inject rita@reporter.example "$T/w/m" "$upper"
same 'letters of either case' '["reporter","Two and a half.",false]' "$(messages "$id")"

mail 'Rita <rita@reporter.example>' 'a token of nobody' <<X >"$T/w/m"
No such token.
X
inject rita@reporter.example "$T/w/m" security+c-aaaaaaaaaaaaaaaaaaaaa@example.org
same 'an unknown token opens a case' 2 "$(cases)"

# ---- by References, from her address ----
mail 'Rita <rita@reporter.example>' 'Re: A hole' "In-Reply-To: $ack_id" <<X >"$T/w/m"
Three, in reply.
X
inject rita@reporter.example "$T/w/m"
same 'a reply to the acknowledgement' '["reporter","Three, in reply.",false]' "$(messages "$id")"
mail 'Rita <rita@reporter.example>' 'Re: A hole' 'In-Reply-To: <unknown@test.example>' \
    "References: <older@test.example> $first_id
 <unknown@test.example>" <<X >"$T/w/m"
Four, by References.
X
inject rita@reporter.example "$T/w/m"
same 'a follow-up to her own mail' '["reporter","Four, by References.",false]' "$(messages "$id")"
same 'no new case by either' 2 "$(cases)"

# ---- strangers ----
mail 'Mallory <mallory@stranger.example>' "Re: [$id] A hole" "In-Reply-To: $ack_id" "References: $first_id $ack_id" <<X >"$T/w/m"
What is the state of $id?
X
inject mallory@stranger.example "$T/w/m"
same 'a stranger who quotes id and References opens a case' 3 "$(cases)"
same 'which holds his mail alone' 1 "$(get '.data.messages | length' case show "$(ctl case list |
    jq -r '.data[].id' | grep -v "^$id\$" | while read -r other; do
        get "select(.data.messages[0].from == \"mallory@stranger.example\") | .data.id" case show "$other"
    done)")"

secret_mail mallory 'Mallory <mallory@stranger.example>' "[$id] more" "In-Reply-To: $first_id" <<X >"$T/w/m"
Signed by a stranger.
X
inject mallory@stranger.example "$T/w/m"
same 'his signature makes no difference' 4 "$(cases)"
same 'the case is as it was' '["reporter","Four, by References.",false]' "$(messages "$id")"

# two From
mail 'Rita <rita@reporter.example>, Mallory <mallory@stranger.example>' 'Re: A hole' "In-Reply-To: $first_id" <<X >"$T/w/m"
Two people.
X
inject mallory@stranger.example "$T/w/m"
same 'a mail from two is nobody' 5 "$(cases)"

# ---- her key proves her ----
rita_fpr=$(fpr rita)
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nMy key.\n--in-b\n'
  printf 'Content-Type: application/pgp-keys\n\n'; cat "$T/k/rita.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
signed_part rita "$T/w/part" >"$T/w/signed"
mail_of "$T/w/signed" 'Rita <rita@reporter.example>' 'key' >"$T/w/m"
inject rita@reporter.example "$T/w/m" "$address"
same 'the key that comes to her address' 5 "$(cases)"
secret_mail rita 'Rita <rita@reporter.example>' 'Re: A hole' "In-Reply-To: $first_id" <<X >"$T/w/m"
Five, signed.
X
inject rita@reporter.example "$T/w/m"
same 'proves her from then on' '["reporter","Five, signed.",true]' "$(messages "$id")"
same 'and is named' "$rita_fpr" "$(get '.data.messages[-1].signed_by' case show "$id")"

# another key to the same address does not take its place
{ printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nNew key.\n--in-b\n'
  printf 'Content-Type: application/pgp-keys\n\n'; cat "$T/k/mallory.asc"; printf '\n--in-b--\n'; } | crlf >"$T/w/part"
mail_of "$T/w/part" 'Rita <rita@reporter.example>' 'key' >"$T/w/m"
inject rita@reporter.example "$T/w/m" "$address"
secret_mail mallory 'Rita <rita@reporter.example>' 'Re: A hole' "In-Reply-To: $first_id" <<X >"$T/w/m"
Six, by another key.
X
inject rita@reporter.example "$T/w/m"
same 'a second key proves nothing' '["reporter","Six, by another key.",false]' "$(messages "$id")"
same 'five cases in all' 5 "$(cases)"

finish
