#!/bin/sh
# The team's mail to a case: signed by an admin's key and encrypted to the list it goes to the rest of the team, to
# nobody else; a From alone makes nobody an admin.
. "${srcdir:-.}/tests/lib/flow.sh"

init
make_key carla carla@example.org
give_key carla "$T/k/list.asc"
start

mail 'Rita <rita@reporter.example>' 'A hole' 'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/first"
One.
X
inject rita@reporter.example "$T/w/first"
id=$(new_case)
team_copy=$(newest ann@example.org)
copy_id=$(field Message-ID "$team_copy")
rita_has=$(box rita@reporter.example)

last() {
    get '.data.messages[-1] | [.author, (.text | split("\n")[0]), .verified] | tostring' case show "$id"
}
counts() { echo "$(box ann@example.org) $(box bob@example.org) $(box rita@reporter.example)"; }

same 'each of the team has one copy' "1 1 $rita_has" "$(counts)"

# ---- signed and encrypted: to the others ----
secret_mail ann 'Ann <ann@example.org>' "Re: [$id] A hole" "In-Reply-To: $copy_id" <<X >"$T/w/m"
I can reproduce it.
X
inject ann@example.org "$T/w/m"
same 'no case of its own' 1 "$(cases)"
same "it is the team's, proved" '["team:ann@example.org","I can reproduce it.",true]' "$(last)"
same 'it goes to the other, not back, not to the reporter' "1 2 $rita_has" "$(counts)"
open_mail bob "$(newest bob@example.org)" "$T/w/open"
has 'he reads it' 'I can reproduce it.' "$T/w/open"
check "under the list's good signature" good_signature "$T/w/open"
same 'encrypted to him alone' 1 "$(grep -c '^\[GNUPG:\] ENC_TO' "$T/w/open.status")"
inject ann@example.org "$T/w/m"
same 'the same mail again counts once' "1 2 $rita_has" "$(counts)"

# the same signed text in another mail: a replay
sed "s/^Message-ID:.*/Message-ID: <replay@test.example>/" "$T/w/m" >"$T/w/replay"
inject mallory@stranger.example "$T/w/replay"
same 'her signed text in another mail is held' replay "$(get '.data[-1].rule' held list)"
same 'and nobody gets it as hers' '["team:ann@example.org","I can reproduce it.",true]' "$(last)"

# ---- what is not the team's ----
before=$(cases)
mail 'Ann <ann@example.org>' "Re: [$id] A hole" "In-Reply-To: $copy_id" <<X >"$T/w/m"
Unsigned words.
X
inject ann@example.org "$T/w/m"
same "unsigned mail with an admin's From opens a case, as a stranger's" $((before + 1)) "$(cases)"
same "and is not the team's" '["team:ann@example.org","I can reproduce it.",true]' "$(last)"
same 'it is a report of nobody proved' '["reporter","Unsigned words.",false]' \
    "$(get '.data.messages[0] | [.author, (.text | split("\n")[0]), .verified] | tostring' case show "$(ctl case list |
        jq -r '.data[].id' | grep -v "^$id\$")")"

secret_mail carla 'Ann <ann@example.org>' "Re: [$id] A hole" "In-Reply-To: $copy_id" <<X >"$T/w/m"
Signed by another.
X
inject ann@example.org "$T/w/m"
same "another's signature is not hers" '["team:ann@example.org","I can reproduce it.",true]' "$(last)"

# signed to somebody else
{ printf 'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\nTo: other@example.net\nSubject: x\n\nNot to you.\n'; } |
    crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Ann <ann@example.org>' '...' "In-Reply-To: $copy_id" >"$T/w/m"
inject ann@example.org "$T/w/m"
same 'what she signed for another recipient is held' unbound-signature "$(get '.data[-1].rule' held list)"

# too old
old=$now
secret_mail bob 'Bob <bob@example.org>' "Re: [$id] A hole" "In-Reply-To: $copy_id" <<X >"$T/w/m"
Four days ago.
X
later '4 days'
inject bob@example.org "$T/w/m"
same 'a signature of four days ago is held' "replay $id" "$(get '.data[-1].rule' held list) $id"
same 'still nothing new in the case' '["team:ann@example.org","I can reproduce it.",true]' "$(last)"

# ---- the team by command ----
echo 'We look at it on Monday.' >"$T/w/words"
bob_had=$(box bob@example.org) ann_had=$(box ann@example.org)
check 'case reply --to team' ctl case reply "$id" "$T/w/words" --to team
settle
same 'goes to the others' "$ann_had $((bob_had + 1)) $rita_has" "$(counts)"
echo 'A thought of the team.' >"$T/w/note"
check 'case note' ctl case note "$id" "$T/w/note"
same 'is kept' 'A thought of the team.' "$(get '.data.notes[0].text' case show "$id" | head -n 1)"

# ---- notmuch shows an admin the mail as a member's reader would ----
if command -v notmuch >/dev/null 2>&1; then
    cat >"$T/w/notmuch" <<X
[database]
path=$T/i/mail/bob@example.org
[user]
name=Bob
primary_email=bob@example.org
[new]
tags=new
[crypto]
gpg_path=gpg
X
    newest_id=$(field Message-ID "$(newest bob@example.org)" | tr -d '<>')
    NOTMUCH_CONFIG=$T/w/notmuch GNUPGHOME=$T/k/bob notmuch new --quiet >/dev/null 2>&1
    NOTMUCH_CONFIG=$T/w/notmuch GNUPGHOME=$T/k/bob notmuch show --format=json --decrypt=true --verify \
        "id:$newest_id" >"$T/w/show" 2>"$T/w/show.err"
    show() { jq -r "[.. | objects | select(has(\"crypto\"))][0] | $1" "$T/w/show"; }
    same 'notmuch: decrypted in full' full "$(show .crypto.decrypted.status)"
    same 'notmuch: a good signature' good "$(show '.crypto.signed.status[0].status')"
    has 'notmuch: the text' 'We look at it on Monday.' "$T/w/show"
    same 'notmuch: the protected Subject' "[$id] from ann@example.org" "$(show .headers.Subject)"
else
    echo '# no notmuch here'
fi

finish
