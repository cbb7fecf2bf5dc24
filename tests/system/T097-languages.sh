#!/bin/sh
# Members have a language: the team's own texts in it go to them, English where there is none; those whose text is the
# same share one encryption, and no text of one language goes to another.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
mkdir -p "$T/i/templates/mail/de" "$T/i/templates/mail/pt" "$T/i/templates/mail/fr"
printf 'Vertraulich: {{id}} bis {{until}}, Stufe {{tier}}.\n' >"$T/i/templates/mail/de/advisory-lead.txt"
printf 'Confidencial: {{id}}.\n' >"$T/i/templates/mail/pt/advisory-lead.txt"
printf 'Confidentiel: {{nothing}}.\n' >"$T/i/templates/mail/fr/advisory-lead.txt"
printf 'Ihr Schluessel fuer {{list}} ist abgelaufen.\n' >"$T/i/templates/mail/de/member-unreachable.txt"
start
members
same 'English where nothing is said' en "$(get .data.language member show acorn)"
check 'a language' ctl member language acorn DE
same 'is kept in lower case' de "$(get .data.language member show acorn)"
ctl member language birch de-AT >/dev/null
ctl member language cedar pt-BR >/dev/null
ctl member language delta fr >/dev/null
for tag in '../de' 'd/e' 'de-' 'de--at' "$(printf '%036d' 0)" '7'; do
    ctl member language ember "$tag" >"$T/w/tag" 2>&1
    same "no language: $tag" "2 member.language" "$? $(jq -r .rule "$T/w/tag" 2>/dev/null)"
done
make_key fir security@fir.example
give_key fir "$T/k/list.asc"
set_clock "$now"
ctl member add --org fir --class distro --tier distros --address security@fir.example --key "$T/k/fir.asc" --language pt >"$T/w/fir"
same 'said when it comes in' pt "$(jq -r .data.language "$T/w/fir")"
ctl member language ember de >/dev/null
ctl member language ember en >/dev/null
same 'and English again' en "$(get .data.language member show ember)"
has 'the trail has it' member.language "$(ctl audit show >"$T/w/audit"; echo "$T/w/audit")"

# ---- an advisory ----
disclose 'A hole'
usual_text 'A hole' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
send_advisory "$id"
settle
lead_of() { # ORG
    open_mail "$1" "$(newest "security@$1.example")" "$T/w/open" || { echo unopened; return; }
    good_signature "$T/w/open" || echo unsigned
    grep -o 'Vertraulich: [A-Za-z0-9-]*\|Confidencial: [A-Za-z0-9-]*\|Confidentiel.*' "$T/w/open"
}
label=$(get '.data | .public_id // .id' case show "$id")
same 'in German' "Vertraulich: $label" "$(lead_of acorn)"
same 'in German for Austria, which falls back to it' "Vertraulich: $label" "$(lead_of birch)"
same 'in Portuguese for Brazil' "Confidencial: $label" "$(lead_of cedar)"
same 'in Portuguese' "Confidencial: $label" "$(lead_of fir)"
same 'a template with a fault: none' '' "$(lead_of delta)"
has 'which the log says' template-not-used "$T/log"
same 'English: none' '' "$(lead_of ember)"
group_of() { get "[.data[] | select(.org == \"$1\") | .message_id] | last" queue list; }
same 'one mail for the same text' "$(group_of acorn)" "$(group_of birch)"
same 'and for the other' "$(group_of cedar)" "$(group_of fir)"
[ "$(group_of acorn)" != "$(group_of cedar)" ] && ok 'another for another text' || not_ok 'another for another text'

# ---- an applicant ----
. "${srcdir:-.}/tests/lib/apply.sh"
printf 'So werden Sie Mitglied von {{list}}:\n{{form}}' >"$T/i/templates/mail/de/application-form.txt"
printf 'Ihr Antrag {{application}} hat Luecken:\n{{missing}}' >"$T/i/templates/mail/de/application-incomplete.txt"
printf 'Willkommen, {{organisation}}, in {{tier}}.\n' >"$T/i/templates/mail/de/application-welcome.txt"
printf 'Wie geht das?\nLanguage: de-DE\n' | mail 'H <h@holm.example>' 'Mitglied' "$dmarc" >"$T/w/m"
inject h@holm.example "$T/w/m" $apply
has 'a question is answered in its language' 'So werden Sie Mitglied' "$(newest h@holm.example)"
printf 'Language: ../../x\n' | mail 'H <i@holm.example>' 'Mitglied' "$dmarc" >"$T/w/m"
inject i@holm.example "$T/w/m" $apply
has 'what is no tag: in English' 'Organisations apply' "$(newest i@holm.example)"
make_key holm security@holm.example
give_key holm "$T/k/list.asc"
set_clock "$now"
{ form holm | grep -v '^Evidence'; echo 'Language: de'; } | signed_to_apply holm security@holm.example Antrag
id=$(new_application)
open_mail holm "$(newest security@holm.example)" "$T/w/open"
has 'what is missing, encrypted, too' "Ihr Antrag $id hat Luecken" "$T/w/open"
echo 'Evidence: https://holm.example/' | answer holm security@holm.example
same 'complete' complete "$(app_state "$id")"
ctl application approve "$id" >/dev/null
settle
challenge_of holm security@holm.example
answer holm security@holm.example <"$T/w/challenge"
same 'the member has the language' de "$(get .data.language member show holm)"
open_mail holm "$(newest security@holm.example)" "$T/w/open"
has 'and its welcome' 'Willkommen, holm, in distros' "$T/w/open"
stop
finish
