#!/bin/sh
# Members who were told of a case talk about it where the policy lets them: signed posts go to the others who were told,
# rebuilt and sealed by the list. Else they wait, or only the team sees them.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
start
members
stop
cp "$T/i/policy/cloud-model@2026.conf" "$T/w/base"
# talk ID RULES: a policy of this name with those posting rules for members.
talk() {
    { sed "s/^id = .*/id = \"$1\";/" "$T/w/base"
      printf 'posting = (\n  { name = "report"; who = ["stranger", "reporter", "member"]; to = "report"; signature = "optional"; encrypted = "optional"; action = "allow"; }%s);\n' "$2"; } \
        >"$T/i/policy/$1@2026.conf"
}
rule=', { name = "m"; who = ["member"]; to = "%s"; signature = "required"; encrypted = "required"; action = "allow"; }'
talk talk "$(printf "$rule" members)"
talk team "$(printf "$rule" case)"
start

# told POLICY: a case under it, distros told.
told() {
    disclose "A hole under $1"
    [ "$1" = cloud-model ] || ctl case set "$id" "policy=$1" >/dev/null || not_ok "policy=$1"
    usual_text 'A hole' >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
    send_advisory "$id" --tier distros
    settle
    ref=$(field Message-ID "$(newest security@acorn.example)")
    boxes=$(counts)
}
counts() { for c in acorn birch cedar; do box security@$c.example; done | tr '\n' ' '; }
# says NAME TEXT [SUBJECT]: in answer to the advisory.
says() {
    echo "$2" | secret_mail "$1" "$1 <security@$1.example>" "${3:-Re: A hole}" "In-Reply-To: $ref" >"$T/w/m"
    inject "security@$1.example" "$T/w/m"
}
last() { get '.data.messages[-1] | "\(.author) \(.text | split("\n")[0])"' case show "$id"; }
plus() { echo "$boxes" | awk '{ print $1 + 0, $2 + '$1', $3 + '$1', "" }'; }

# ---- allowed ----
told talk
{ echo 'My key:'; gpg --homedir "$T/k/acorn" --batch --armor --export-secret-keys "$(fpr acorn)" 2>/dev/null; } >"$T/w/secret"
says acorn "$(cat "$T/w/secret")"
same 'a post with a secret key goes to them, and its owner is told' "$(echo "$boxes" | awk '{ print $1 + 1, $2 + 1, $3 + 1, "" }')" "$(counts)"
open_mail birch "$(newest security@birch.example)" "$T/w/open"
has 'with a sentence in its place' 'secret key of' "$T/w/open"
lacks 'and without the key' "$(sed -n 6p "$T/w/secret")" "$T/w/open"
boxes=$(counts)
says acorn 'We see it too.'
same 'the others who were told get it, nobody else' "$(plus 1)" "$(counts)"
open_mail birch "$(newest security@birch.example)" "$T/w/open"
has 'they read it' 'We see it too.' "$T/w/open"
check 'signed by the list' good_signature "$T/w/open"
same 'marked with the author' acorn "$(field Embargo-Author "$T/w/open")"
same 'encrypted to each alone' 1 "$(grep -c '^\[GNUPG:\] ENC_TO' "$T/w/open.status")"
lacks 'without his address' security@acorn.example "$T/w/open"
same 'the case has it' 'member:acorn We see it too.' "$(last)"
boxes=$(counts)
says delta 'What is this about?'
same 'who was not told does not take part: it is a report of its own' "$boxes" "$(counts)"
same 'nor does the case have it' 'member:acorn We see it too.' "$(last)"
first=$id
echo 'Not signed.' | mail 'A <security@acorn.example>' 'Re: A hole' "In-Reply-To: $ref" >"$T/w/m"
inject security@acorn.example "$T/w/m"
same 'an unsigned one goes to nobody' "$boxes" "$(counts)"

# ---- only the team ----
told team
says acorn 'For the team.'
same 'under another policy only the team sees it' "${boxes}member:acorn For the team." "$(counts)$(last)"
told talk
boxes=$(counts)
says acorn 'About the first.' "Re: [$first] A hole"
same 'what names another case goes to nobody' "$boxes" "$(counts)"

# ---- held by default ----
told cloud-model
says acorn 'May I?'
same 'without a word in the policy it waits for an admin' "posting.member-case $boxes" "$(get '.data[-1].rule' held list) $(counts)"
stop

finish
