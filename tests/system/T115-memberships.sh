#!/bin/sh
# What whoever asks about membership gets, and how often; a key in an Autocrypt header; keys that are too weak, refused by
# their rule; several contacts; what is queued for a member who is suspended; the yearly question and its reminders; and
# the list of members that is public.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
sed -i 's/^\( *reattest = \)"unstated"/\1"12 calendar-months"/; s/^\( *publish_members = \)"unstated"/\1"organisations"/' \
    "$T/i/policy/cloud-model@2026.conf"
start

# ---- whoever asks ----
asks() { # NAME BODY [FIELD...]
    asks_name=$1 asks_body=$2
    shift 2
    printf '%s\n' "$asks_body" | mail "Q <$asks_name@curious.example>" 'Membership' "$dmarc" "$@" >"$T/w/m"
    inject "$asks_name@curious.example" "$T/w/m" $apply
}
n=0
for words in help form apply '?' 'Please send me the form, thank you.'; do
    n=$((n + 1))
    asks q$n "$words"
    has "\`$words' gets the form" 'Role-address:' "$(newest q$n@curious.example)"
done
asks html '<html><body><p>How do we <b>join</b>?</p></body></html>' 'MIME-Version: 1.0' 'Content-Type: text/html'
has 'a question in HTML too' 'Role-address:' "$(newest html@curious.example)"
form_mail=$(newest q1@curious.example)
same 'the form says that a program sends it' auto-replied "$(field Auto-Submitted "$form_mail")"
same 'and nothing can answer it (RFC 3834, 3.3)' '<>' "$(field Return-Path "$form_mail")"
printf 'From: Q <empty@curious.example>\nTo: %s\nSubject: apply\n%s\n\n' $apply "$dmarc" >"$T/w/m"
inject empty@curious.example "$T/w/m" $apply
same 'a mail without a body is held, as everywhere' 'empty 0' "$(last_held) $(box empty@curious.example)"
asks robot help 'Auto-Submitted: auto-replied'
same 'a program gets nothing' 'auto-submitted 0' "$(last_held) $(box robot@curious.example)"
asks bulk help 'Precedence: bulk'
same 'nor does bulk mail' 0 "$(box bulk@curious.example)"
for k in 1 2 3 4 5 6 7; do asks often "help $k"; done
same 'five answers a day for an address' 5 "$(box often@curious.example)"
same 'what is beyond is held' application "$(last_held)"
later '25 hours'
asks often help
same 'and again the next day' 6 "$(box often@curious.example)"
same 'nothing is recorded of all this' 0 "$(get '.data | length' application list)"

# ---- a key in an Autocrypt header ----
make_key fern security@fern.example
set_clock "$now"
form fern | mail 'F <security@fern.example>' Application "$dmarc" \
    "Autocrypt: addr=security@fern.example; keydata=$(gpg --homedir "$T/k/fern" --batch --export 2>/dev/null | base64 -w 0)" >"$T/w/m"
inject security@fern.example "$T/w/m" $apply
id=$(new_application)
same 'an application with its key in an Autocrypt header is complete' "complete $(fpr fern)" \
    "$(app_state "$id") $(get .data.key.fingerprint application show "$id")"

# ---- keys that are too weak ----
make_key gorse security@gorse.example rsa1024
gpg --homedir "$T/k/gorse" --batch -q --passphrase '' --quick-add-key "$(fpr gorse)" rsa1024 encr never 2>/dev/null
gpg --homedir "$T/k/gorse" --batch --armor --export "$(fpr gorse)" >"$T/k/gorse.asc"
set_clock "$now"
form gorse | keyed_part gorse >"$T/w/p"
mail_of "$T/w/p" 'G <security@gorse.example>' Application "$dmarc" >"$T/w/m"
inject security@gorse.example "$T/w/m" $apply
id=$(get '.data[] | select(.org == "gorse") | .id' application list)
same 'a short key is refused by its rule' 'incomplete key.weak-key' \
    "$(app_state "$id") $(get '.data.criteria[] | select(.id == "key") | .rule' application show "$id")"
has 'which the applicant is told' 'too short' "$(newest security@gorse.example)"
member gorse distro distros
same 'as a member it is shown, with the remedy' 'weak-key 1' \
    "$(get '.data.contacts[0] | "\(.key_state) \(.reason | select(. != null) | 1)"' member show gorse)"

# ---- several contacts, each with a key of its own ----
for org in acorn birch cedar; do make_key $org security@$org.example & done
wait $! && for try in $(seq 300); do [ -s "$T/k/acorn.asc" ] && [ -s "$T/k/birch.asc" ] && [ -s "$T/k/cedar.asc" ] && break; sleep 0.1; done
make_key second second@acorn.example
give_key second "$T/k/list.asc"
set_clock "$now"
for org in acorn birch cedar; do member $org distro distros; done
check 'a second contact with a key of its own' ctl member contact acorn add second@acorn.example --key "$T/k/second.asc"
settle
disclose 'Ring page'
usual_text 'Ring page' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null
send_advisory "$id"
settle
open_mail acorn "$(newest security@acorn.example)" "$T/w/first" && has 'one gets the advisory' sesame- "$T/w/first" || not_ok 'one gets the advisory'
open_mail second "$(newest second@acorn.example)" "$T/w/second" && has 'so does the other' sesame- "$T/w/second" || not_ok 'so does the other'
same 'who has a weak key does not' 0 "$(recipients 'select(.org == "gorse" and .verdict == "send")' | grep -c .)"

# ---- suspended: what is queued is dropped, and nothing goes any more ----
mv "$T/i/mail/security@birch.example" "$T/w/birch-box"
: >"$T/i/mail/security@birch.example"
sed 's/^Severity: .*/Severity: critical/' "$T/w/text" >"$T/w/text2"
ctl advisory edit "$id" "$T/w/text2" >/dev/null
send_advisory "$id"
queued() { get ".data | map(select(.address == \"security@birch.example\" and .kind == \"advisory\")) | last | \"\(.state) \(.code)\"" queue list; }
for try in $(seq 300); do
    case $(queued) in deferred*) break ;; esac
    sleep 0.1
done
ctl member suspend birch --reason 'asked for it' >"$T/w/suspended"
same 'what waited is dropped' 'dropped member.suspended' "$(queued)"
rm "$T/i/mail/security@birch.example"
mv "$T/w/birch-box" "$T/i/mail/security@birch.example"
before=$(box security@birch.example)
later '1 day'
settle
same 'and does not go' "$before" "$(box security@birch.example)"
sed 's/^Severity: .*/Severity: low/' "$T/w/text" >"$T/w/text3"
ctl advisory edit "$id" "$T/w/text3" >/dev/null
send_advisory "$id"
settle
same 'nor does what comes later' "$before member.suspended" \
    "$(box security@birch.example) $(recipients 'select(.org == "birch") | .rule')"
check 'reinstated' ctl member reinstate birch --reason 'back'
settle
same 'nothing goes by itself' "$before" "$(box security@birch.example)"
send_advisory "$id" --to birch
settle
same 'a late joiner is told by advisory send --to' $((before + 1)) "$(box security@birch.example)"
opens birch 'late'

# ---- who is on the list ----
ctl member export --public >"$T/w/public"
same 'organisations and classes' 'acorn distro,birch distro,cedar distro' \
    "$(jq -r '[.data[] | select(.org != "gorse") | "\(.org) \(.class)"] | join(",")' "$T/w/public")"
lacks 'never an address' @ "$T/w/public"
ctl member suspend cedar --reason 'x' >/dev/null
same 'nor who is suspended' 0 "$(ctl member export --public | jq '[.data[] | select(.org == "cedar")] | length')"
ctl member reinstate cedar --reason 'y' >/dev/null

# ---- what is known of a member ----
order acorn security@acorn.example '' nonce
order acorn security@acorn.example "$(fresh)" whoami
for word in '"org": "acorn"' second@acorn.example '"tier": "distros"' "$(fpr acorn)"; do has "whoami has $word" "$word" "$T/w/answer"; done
lacks 'and nobody else' birch "$T/w/answer"
same 'member list: the last delivery' true "$(get '.data[] | select(.org == "acorn") | .last_delivery != null' member list)"
same 'and what was acknowledged' '0 1' "$(get '.data[] | select(.org == "acorn") | .acknowledged | "\(.given) \(.cases)"' member list)"

# ---- the yearly question, asked thrice ----
questions() {
    for file in "$T/i/mail/security@$1.example/new"/*; do open_mail "$1" "$file" "$T/w/q" && cat "$T/w/q"; done | grep -c '^Subject: Is your membership'
}
for step in '364 days' '25 hours' '25 hours'; do later "$step"; settle; done
same 'asked' 1 "$(questions cedar)"
later '8 days'
settle
same 'reminded after a week' 2 "$(questions cedar)"
later '14 days'
settle
same 'and a last time' 3 "$(questions cedar)"
same 'still a member' active "$(get .data.state member show cedar)"
later '9 days'
settle
same 'then suspended' suspended "$(get .data.state member show cedar)"
stop
same 'the daemon ends with 0' 0 "$ended"
finish
