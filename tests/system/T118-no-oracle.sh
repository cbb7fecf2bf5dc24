#!/bin/sh
# What a stranger hears of an encrypted mail is the same whether it could be read or not: the same acknowledgement, byte
# for byte but for what is random in each; as often; and the address in it answers as the other does. (What anyone can
# see to be cut, without any key, is not answered.)
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/cipher.sh"

begin_with_rita
pass='Authentication-Results: mx.example.org; dmarc=pass'

# sent NAME CIPHERTEXT [FIELD]: by NAME@reporter.example.
sent() {
    armored "$2" | pgp_mime >"$T/w/mime"
    mail_of "$T/w/mime" "$1@reporter.example" ... ${3:+"$3"} >"$T/w/m"
    inject "$1@reporter.example" "$T/w/m"
}

# heard NAME: the answer without what is random, or who it is for.
heard() {
    sed "s/$1@/NAME@/g; s/+c-[a-z2-7]\{1,\}@/+c-TOKEN@/g; /^\(Message-ID\|In-Reply-To\|References\): /s/<.*>/<ID>/" \
        "$(newest "$1@reporter.example")"
}

text() { printf 'Content-Type: text/plain\n\nA report of %s.\n' "$1" | crlf; }

text one | to_list --encrypt >"$T/w/good.pgp"
text two | gpg --homedir "$T/k/nobody" --batch --trust-model always -r "$(fpr nobody)" --encrypt >"$T/w/other.pgp" 2>/dev/null
text three | to_list --encrypt >"$T/w/x.pgp"
{ head -c -1 "$T/w/x.pgp"; printf '\125'; } >"$T/w/changed.pgp"
{ head -c 40 "$T/w/x.pgp"; printf '\125\125'; tail -c +43 "$T/w/x.pgp"; } >"$T/w/session.pgp" # its session key
mkdir "$T/w/parts"
(cd "$T/w/parts" && gpgsplit "$T/w/good.pgp")
cat "$T"/w/parts/000001-* "$T"/w/parts/000001-* "$T"/w/parts/000002-* >"$T/w/stolen.pgp"

# ---- one by one ----
sent good "$T/w/good.pgp" "$pass"
same 'one that can be read is a case' 1 "$(cases)"
same 'and acknowledged' 1 "$(box good@reporter.example)"
heard good >"$T/w/heard"
has 'with an address' '+c-TOKEN@example.org' "$T/w/heard"
for kind in other changed session stolen; do
    sent $kind "$T/w/$kind.pgp" "$pass"
    same "$kind: is no case" 1 "$(cases)"
    same "$kind: one answer" 1 "$(box $kind@reporter.example)"
    heard $kind >"$T/w/heard.$kind"
    check "$kind: the same, byte for byte" cmp "$T/w/heard" "$T/w/heard.$kind"
done
same 'held under their rules' 'not-for-us corrupt corrupt ciphertext-seen' "$(get '[.data[].rule] | join(" ")' held list)"

# ---- who gets no answer gets none either way ----
text four | to_list --encrypt >"$T/w/good2.pgp"
sent plain "$T/w/good2.pgp"
same 'nobody vouches for him: a case' 2 "$(cases)"
sent plain "$T/w/other.pgp"
same 'and no answer to either' 0 "$(box plain@reporter.example)"

# ---- the addresses ----
for kind in good other; do
    at=$(sed -n 's/.*\(security+c-[a-z2-7]*@example.org\).*/\1/p' "$(newest $kind@reporter.example)" | head -n 1)
    mail "$kind@reporter.example" 'Re: more' "$pass" <<X >"$T/w/m"
More of it.
X
    "$bin/embargo-inject" -c "$conf" -f "$kind@reporter.example" -- "$at" <"$T/w/m"
    settle
    same "$kind: a mail to the address is not answered" 1 "$(box $kind@reporter.example)"
done
same 'the one adds to its case' '["good more"]' \
    "$(ctl case show "$(get '.data[0].id' case list)" | jq -c '[.data.messages[1].text | select(contains("More")) | "good more"]')"
same 'the other is a report of its own' 3 "$(cases)"

# ---- as often ----
for n in 1 2 3 4 5 6 7; do
    text "n$n" | to_list --encrypt >"$T/w/n.pgp"
    sent often "$T/w/n.pgp" "$pass"
    { head -c -1 "$T/w/n.pgp"; printf '\125'; } >"$T/w/changed.pgp"
    [ $n -lt 3 ] && sent often "$T/w/changed.pgp" "$pass"
done
same 'five in a day, whatever they are' 5 "$(box often@reporter.example)"
finish
