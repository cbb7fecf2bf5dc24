#!/bin/sh
# The list's key changes: whoever reports in an open case with a key, and an applicant under way, is told as members are,
# with the statement that both keys have signed; who has no key, or whose case is over, is not.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"

init
sed -i '$ s/$/\nlimits: { sender_mails = 1000; domain_mails = 1000; all_mails = 1000; };/' "$conf"
start
for name in joe kim lee; do
    make_key $name $name@reporter.example
    give_key $name "$T/k/list.asc"
done
make_key birch security@birch.example
give_key birch "$T/k/list.asc"
make_key cedar security@cedar.example
give_key cedar "$T/k/list.asc"
set_clock "$now"

report() { # NAME N: a signed report with the key
    { cat <<X
The ring overflows, $2.
X
    } | keyed_part "$1" >"$T/w/p"
    signed_part "$1" "$T/w/p" >"$T/w/s"
    encrypted_part "$T/w/s" --homedir "$T/k/$1" -r "$list_fpr" --encrypt >"$T/w/e"
    mail_of "$T/w/e" "R <$1@reporter.example>" "Report $2" "$dmarc" \
        "Autocrypt: addr=$1@reporter.example; keydata=$(gpg --homedir "$T/k/$1" --batch --export "$(fpr "$1")" 2>/dev/null | base64 -w 0)" >"$T/w/m"
    inject "$1@reporter.example" "$T/w/m"
}
report joe one
report joe two
report kim over
check 'one case is over' ctl case reject "$(new_case)"
echo 'Without a key.' | mail 'P <plain@reporter.example>' 'Plain' "$dmarc" >"$T/w/m"
inject plain@reporter.example "$T/w/m"
settle
same 'four cases' 4 "$(cases)"
form birch | keyed_part birch >"$T/w/p"
signed_part birch "$T/w/p" >"$T/w/s"
mail_of "$T/w/s" 'B <security@birch.example>' 'Application' "$dmarc" >"$T/w/m"
inject security@birch.example "$T/w/m" $apply
app=$(new_application)
form cedar | keyed_part cedar >"$T/w/p"
signed_part cedar "$T/w/p" >"$T/w/s"
mail_of "$T/w/s" 'C <security@cedar.example>' 'Application' "$dmarc" >"$T/w/m"
inject security@cedar.example "$T/w/m" $apply
gone=$(new_application)
ctl application decline "$gone" --reason 'Not now' >/dev/null
settle
same 'one is declined' declined "$(app_state "$gone")"
case $(app_state "$app") in complete | incomplete | voted | challenged) ok 'an application is under way' ;; *) not_ok "an application is under way: $(app_state "$app")" ;; esac

for who in joe@reporter kim@reporter plain@reporter security@birch security@cedar; do
    box "$who.example" >"$T/w/before.$who"
done
news() { # ADDRESS: how many came since
    echo $(($(box "$1.example") - $(cat "$T/w/before.$1")))
}
later '1 minute'
stop
old=$list_fpr
ctl key rotate-list >"$T/w/rotated" || { not_ok 'it rotates'; cat "$T/w/rotated"; finish; }
new=$(jq -r .data.fingerprint "$T/w/rotated")
start
settle
gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$new" >"$T/k/new.asc"
list_fpr=$new
told() { # NAME ADDRESS
    give_key "$1" "$T/k/new.asc"
    open_mail "$1" "$(newest "$2")" "$T/w/news" || not_ok "$1: it opens"
    check "$1: signed by the new key" good_signature "$T/w/news"
    awk '/filename="statement.asc"/ { on = 1; next } on && /^--[a-z0-9]/ { exit } on && NF { print }' "$T/w/news" >"$T/w/part"
    base64 -d <"$T/w/part" >"$T/w/statement" 2>/dev/null || cp "$T/w/part" "$T/w/statement"
    gpg --homedir "$T/k/$1" --batch --status-fd 1 --verify "$T/w/statement" >"$T/w/status" 2>/dev/null
    has "$1: the old key signs the statement" "VALIDSIG $old" "$T/w/status"
    has "$1: and the new one" "VALIDSIG $new" "$T/w/status"
}
same 'a reporter of two open cases is told once' 1 "$(news joe@reporter)"
told joe joe@reporter.example
lacks 'nothing of a case outside' Report "$(newest joe@reporter.example)"
same 'one whose case is over is not' 0 "$(news kim@reporter)"
same 'nor one without a key' 0 "$(news plain@reporter)"
same 'an applicant under way is told' 1 "$(news security@birch)"
told birch security@birch.example
same 'one who was declined is not' 0 "$(news security@cedar)"

# ---- and he can go on with it ----
before=$(cases)
report joe 'after'
same 'a report to the new key is a case' $((before + 1)) "$(cases)"
stop
start
settle
same 'another start tells nobody again' 1 "$(news security@birch)"
finish
