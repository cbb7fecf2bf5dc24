#!/bin/sh
# Two teams in one instance: an admin of one list sees, counts, releases, drops and reads nothing of the other, neither
# by embargoctl nor by mail; who serves one list alone need not name it; --list narrows.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

second=team@other.example

init
make_key carl carl@example.net
"$bin/embargoctl" --json init --home "$T/i" --list second --address $second --policy xen \
    --admin "carl@example.net:$T/k/carl.asc" >"$T/w/init2" || cat "$T/w/init2"
second_fpr=$(jq -r .data.fingerprint "$T/w/init2")
gpg --homedir "$T/i/gnupg/second/list" --batch --armor --export "$second_fpr" >"$T/k/second.asc"
gpgconf --homedir "$T/i/gnupg/second/list" --kill all
give_key carl "$T/k/second.asc"
# The lines that init printed go where it says.
awk -v fpr="$second_fpr" -v carl="$(fpr carl)" '
    /^lists = / { part = "lists" } /^admins = / { part = "admins" }
    /^\);/ && part == "lists" { print ", { name = \"second\"; address = \"team@other.example\"; policy = \"xen@2026\"; key = \"" fpr "\"; }" }
    /^\);/ && part == "admins" { print ", { address = \"carl@example.net\"; fingerprint = \"" carl "\"; lists = [ \"second\" ]; }" }
    /^\);/ { part = "" }
    { print }' "$conf" >"$T/w/conf" && cat "$T/w/conf" >"$conf"
set_clock "$now"
start
carl() { ctl_as carl@example.net "$@"; }
# hidden RULE WORDS COMMAND...: carl is told that there is no such thing.
hidden() {
    hidden_rule=$1 hidden_words=$2
    shift 2
    carl "$@" >"$T/w/hidden"
    hidden_code=$?
    same "$hidden_words" "3 $hidden_rule null" "$hidden_code $(jq -r '.rule + " " + (.data | tojson)' "$T/w/hidden")"
}

# One mail to both lists: a case for each.
mail 'Rita <rita@reporter.example>' 'To both' <<X >"$T/w/both"
A length is not checked.
X
"$bin/embargo-inject" -c "$conf" -f rita@reporter.example -- $list $second <"$T/w/both" || not_ok 'a mail to both lists'
settle
main_case=$(get '.data[0].id' --list main case list)
second_case=$(get '.data[0].id' --list second case list)
same 'an admin of all lists sees both cases' 2 "$(cases)"

# A table: of the list that is named, where there are several, and that is the admin's.
printf 'org,class,tier,address,key\nmole,hosting-provider,service-providers,mole@mole.example,\n' >"$T/w/mole.csv"
ctl member import "$T/w/mole.csv" >"$T/w/reply"
same 'a table for no list' '2 list.which' "$? $(jq -r .rule "$T/w/reply")"
for option in '' --dry-run; do
    carl --list main member import "$T/w/mole.csv" $option >"$T/w/reply"
    same "a table for another list $option" '1 control.list' "$? $(jq -r .rule "$T/w/reply")"
done

# What main has besides: a member who was told, a copy in the queue, a held mail.
make_key acorn security@acorn.example
set_clock "$now"
ctl --list main member add --org acorn --class hosting-provider --tier service-providers \
    --address security@acorn.example --key "$T/k/acorn.asc" >/dev/null || not_ok 'member add'
ctl case accept "$main_case" >/dev/null && ctl case fix-ready "$main_case" >/dev/null
ctl advisory new "$main_case" --title 'Of the main list' >/dev/null
ctl advisory send "$main_case" >/dev/null || not_ok 'advisory send'
printf 'Subject: x\000y\n\nsesame\n' >"$T/w/nul"
"$bin/embargo-inject" -c "$conf" -f rita@reporter.example -- $list <"$T/w/nul"
settle
copy=$(get '.data[-1].id' --list main queue list)
mail_held=$(get '.data[-1].id' --list main held list)
same 'main has a held mail and a copy' 'true true' \
    "$(get '.data | length == 1' --list main held list) $(get '.data.kind | length > 0' queue show "$copy")"

# ---- carl serves the second list alone ----

same 'he need not name his list' "$second_case" "$(carl case list | jq -r '.data[].id')"
same 'the queue is his' 'true' "$(carl queue list | jq ".ok and ([.data[].case] - [\"$second_case\"] == [])")"
same 'so are the members' '[]' "$(carl member list | jq -c .data)"
same 'and the admins' '["ann@example.org","bob@example.org","carl@example.net"]' \
    "$(carl admin list | jq -c '[.data[].address] | sort')"
hidden case.unknown 'policy explain of the other case' policy explain "$main_case"
hidden case.unknown 'case show of the other case' case show "$main_case"
hidden case.unknown 'a duplicate of the other case' case duplicate "$second_case" "$main_case"
same 'held list is empty' '[]' "$(carl held list | jq -c .data)"
hidden held.unknown 'held show of the other list' held show "$mail_held"
hidden held.unknown 'held release of the other list' held release "$mail_held"
hidden held.unknown 'held discard of the other list' held discard "$mail_held"
same 'the mail is held as before' 1 "$(get '.data | length' --list main held list)"
for verb in show hold retry drop; do
    hidden queue.unknown "queue $verb of the other list" queue $verb "$copy"
done
carl next >"$T/w/next"
lacks 'next names no case of the other list' "$main_case" "$T/w/next"
lacks 'next names no member of the other list' acorn "$T/w/next"
carl stats >"$T/w/stats"
lacks 'stats names no case of the other list' "$main_case" "$T/w/stats"
carl status >"$T/w/status"
same 'status counts his own' '{"new":1} {} 0 ["second"]' \
    "$(jq -r '"\(.data.cases) \(.data.members) \(.data.held) \([.data.list_keys[].list])"' "$T/w/status")"
lacks 'status names no case of the other list' "$main_case" "$T/w/status"
lacks 'status says nothing of held mail' 'held list' "$T/w/status"
carl audit show >"$T/w/o"
same 'the audit trail is of all lists' '1 audit.admin' "$? $(jq -r .rule "$T/w/o")"
same 'his own case has its entries' 'true' "$(carl case log "$second_case" | jq '.data | length > 0')"
carl --list main case list >"$T/w/o"
same 'he may not name the other list' '1 control.list' "$? $(jq -r .rule "$T/w/o")"

carl policy explain --sender ann@example.org >"$T/w/o"
carl_verdict=$(jq -c '[.data.verdict, .data.rule]' "$T/w/o")
same 'to the main list carl is a stranger' "$(ctl --list main policy explain --sender nobody@nowhere.example | jq -c .data.rule)" \
    "$(ctl --list main policy explain --sender carl@example.net | jq -c .data.rule)"
check 'and to his own he is not' test "$(ctl --list second policy explain --sender carl@example.net | jq -c '[.data.verdict, .data.rule]')" = "$carl_verdict"

# ---- by mail, an answer of one list holds nothing of the other ----

# by_mail LINE...: a command mail to the second list, signed by carl; the answer in $T/w/answer.
by_mail() {
    { printf 'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\nTo: %s\nSubject: command\n\n' $second
      printf '%s\n' 'Embargo-List: second' "$@"; } | crlf >"$T/w/command-part"
    encrypted_part "$T/w/command-part" --homedir "$T/k/carl" -r "$second_fpr" --sign --encrypt >"$T/w/command-mime"
    mail_of "$T/w/command-mime" 'Carl <carl@example.net>' '...' | sed "s/^To: .*/To: $second/" >"$T/w/command"
    inject carl@example.net "$T/w/command" $second
    gpg --homedir "$T/k/carl" --batch -d "$(newest carl@example.net)" 2>/dev/null | sed 's/\r$//' >"$T/w/answer"
}
by_mail 'Embargo-Command: nonce'
nonce=$(sed -n 's/.*Embargo-Nonce: *\([A-Za-z0-9]*\).*/\1/p' "$T/w/answer" | head -n 1)
check 'a nonce came' test -n "$nonce"
by_mail "Embargo-Nonce: $nonce" 'Embargo-Command: held list' "Embargo-Command: held show $mail_held" \
    'Embargo-Command: next' "Embargo-Command: policy explain $main_case"
has 'by mail: no such held mail' 'no such held mail' "$T/w/answer"
lacks 'by mail: not what was written' sesame "$T/w/answer"
lacks 'by mail: not the way to the other case' "embargo set $main_case" "$T/w/answer"
lacks 'by mail: not its rules' tracks.coordinated "$T/w/answer"

# ---- an admin of all lists narrows by --list ----

ctl --list nolist case list >"$T/w/o"
same 'a list that is not there' '3 list.unknown' "$? $(jq -r .rule "$T/w/o")"
same 'held mail of the other list is not shown' '[]' "$(get '.data | tojson' --list second held list)"
same 'status of one list' '{"new":1}' "$(get '.data.cases | tojson' --list second status)"
same 'status of all' '{"new":1,"predisclosed":1}' "$(get '.data.cases | tojson' status)"
same 'next of one list' "[\"$second_case\"]" "$(get '[.data[].case] | unique | tojson' --list second next)"
same 'a copy of the other list' queue.unknown "$(get .rule --list second queue show "$copy")"
same 'he reads the trail' true "$(get '.data | length > 3' audit show)"
check 'he releases the held mail' ctl held release "$mail_held"
settle
stop

# An admin whose `lists` names all there are serves all of them.
sed -i '/address = "bob@example.org"/s/address/lists = [ "main", "second" ]; address/' "$conf"
start
check 'the trail of all lists, by one whose lists are all' ctl_as bob@example.org audit show
check 'and a backup' ctl_as bob@example.org backup "$T/w/backup"
stop
finish
