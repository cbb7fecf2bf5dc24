#!/bin/sh
# From the first mail to an opened advisory, all by mail: the form asked for and filled in, reviewed by two admins, the key in
# quarantine until a challenge is answered, then a member who is told. And what each step refuses.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

make_key acorn security@acorn.example
make_key other security@other.example
init
policy_of_two
start
give_key acorn "$T/k/list.asc"
give_key other "$T/k/list.asc"
set_clock "$now"

# ---- the form ----
mail 'Joe <joe@acorn.example>' 'Membership?' "$dmarc" <<X >"$T/w/m"
How do we become a member?
X
inject joe@acorn.example "$T/w/m" $apply
same 'whoever asks gets the form' 1 "$(box joe@acorn.example)"
has 'with its fields' 'Role-address:' "$(newest joe@acorn.example)"
has 'and the classes' 'Class is one of: distro' "$(newest joe@acorn.example)"
same 'nothing is recorded' 0 "$(get '.data | length' application list)"
mail 'Joe <joe@acorn.example>' 'Membership?' <<X >"$T/w/m"
How do we become a member?
X
inject joe@acorn.example "$T/w/m" $apply
same 'who proves nothing is not answered' 1 "$(box joe@acorn.example)"
same 'but held' application "$(last_held)"

# ---- incomplete ----
form acorn | grep -v '^Evidence' | mail 'Joe <joe@acorn.example>' 'Application' "$dmarc" >"$T/w/m"
inject joe@acorn.example "$T/w/m" $apply
id=$(new_application)
same 'a form without a field: incomplete' incomplete "$(app_state $id)"
same 'complete is not met' not-met "$(criterion $id complete)"
has 'the applicant is told what is missing' 'Evidence' "$(newest joe@acorn.example)"
has 'and the key, which was looked up, and is not there' 'OpenPGP key' "$(newest joe@acorn.example)"
denied state.application 'nobody can accept it' application approve $id
admins=$(box ann@example.org)
printf 'Application: %s\nEvidence: https://evil.example/\n' $id | mail 'Eve <eve@acorn.example>' 'Re: Application' "$dmarc" >"$T/w/m"
inject eve@acorn.example "$T/w/m" $apply
same "another's words are held" application.unproved "$(last_held)"

# ---- complete ----
{ printf 'Application: %s\nEvidence: https://acorn.example/security\n' $id; } | keyed_part acorn >"$T/w/keyed"
mail_of "$T/w/keyed" 'Joe <joe@acorn.example>' 'Re: Application' "$dmarc" >"$T/w/m"
inject joe@acorn.example "$T/w/m" $apply
same 'complete' complete "$(app_state $id)"
for name in complete class role-address key domain evidence; do same "$name is met" met "$(criterion $id $name)"; done
same 'decide_by' "$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)" "$(get .data.decide_by application show $id)"
same 'the admins have it' 1 "$([ "$(box ann@example.org)" -gt "$admins" ] && echo 1)"
open_mail ann "$(newest ann@example.org)" "$T/w/team" && good_signature "$T/w/team" &&
    ok 'encrypted and signed' || not_ok 'encrypted and signed'
has 'with the checklist' '[met    ] key' "$T/w/team"
lacks 'nothing of it is in clear' acorn.example/security "$(newest ann@example.org)"
quarantine
has 'the key is in quarantine' "$(fpr acorn)" "$T/w/quarantine"
sqlite3 "$T/i/state/db.sqlite" .dump >"$T/w/dump"
lacks 'the database has no word of the form in clear' 'many use' "$T/w/dump"
get .data.public application show $id >"$T/w/public"
has 'a public text' 'Eligibility: we build a distribution' "$T/w/public"
lacks 'without an address' '@acorn' "$T/w/public"
lacks 'or a contact' acorn.example/contact "$T/w/public"

# ---- one admin is not two ----
ann=ann@example.org bob=bob@example.org
order ann $ann "$(nonce_of ann $ann)" "application approve $id"
has 'application approve by signed mail, by one' approval.pending "$T/w/answer"
nonce=$(fresh)
same 'waits for another' complete "$(app_state $id)"
same 'with one vote' 'ann@example.org' "$(get '.data.votes[].admin' application show $id)"
order ann $ann "$nonce" "application approve $id" status
has 'no admin votes twice' approval.twice "$T/w/answer"
denied approval.twice 'nor by another channel' application approve $id
same 'no member yet' 0 "$(get '.data | length' member list)"
ctl application approve aaaaaaaa >"$T/w/none"
same 'no such application: 3' 3 $?
order bob $bob "$(nonce_of bob $bob)" "application approve $id"
same 'the second admin' 'done;' "$(answered)"
settle
same 'challenged' challenged "$(app_state $id)"
same 'two votes' 'ann@example.org bob@example.org' "$(get '[.data.votes[].admin] | sort | join(" ")' application show $id)"
same 'no member before the challenge is answered' 0 "$(get '.data | length' member list)"

# ---- the challenge ----
check 'the challenge opens with the key alone' challenge_of acorn security@acorn.example
for words in "Application: $id" "List: main <$list>" 'Organisation: acorn' 'Address: security@acorn.example' \
    "Fingerprint: $(fpr acorn)"; do has "it names $words" "$words" "$T/w/challenge"; done
sed 's/^/> /' "$T/w/challenge" | answer other security@other.example
same "another's signature: held" application.unproved "$(last_held)"
grep -v '^Organisation' "$T/w/challenge" | answer acorn security@acorn.example
same 'a part of it: held' application.echo "$(last_held)"
sed 's/^Challenge: 7/Challenge: a/; t; s/^Challenge: ./Challenge: 7/' "$T/w/challenge" | answer acorn security@acorn.example
same 'still challenged' challenged "$(app_state $id)"
mail 'Sec <security@acorn.example>' 'Re: challenge' "$dmarc" <"$T/w/challenge" >"$T/w/m"
inject security@acorn.example "$T/w/m" $apply
same 'unsigned: nothing' challenged "$(app_state $id)"
later '8 days'
settle
{ echo 'Hello,'; sed 's/^/> /' "$T/w/challenge"; } | answer acorn security@acorn.example
same 'after its time: a new challenge' challenged "$(app_state $id)"
check 'which opens' challenge_of acorn security@acorn.example
{ echo 'Here it is:'; sed 's/^/> /' "$T/w/challenge.all" | fold -s -w 60; } | answer acorn security@acorn.example
same 'quoted and wrapped, signed: active' active "$(app_state $id)"
same 'a member' 'acorn active distros usable' \
    "$(get '.data[] | [.org, .state, .tier, .contacts[0].key_state] | join(" ")' member list)"
quarantine
lacks 'the key has left the quarantine' "$(fpr acorn)" "$T/w/quarantine"
open_mail acorn "$(newest security@acorn.example)" "$T/w/welcome" && good_signature "$T/w/welcome" &&
    ok 'a welcome, encrypted and signed' || not_ok 'a welcome, encrypted and signed'
has 'with the tier' 'Tier:       distros' "$T/w/welcome"
has 'what is allowed' '- build_test' "$T/w/welcome"
has 'how to leave' leave "$T/w/welcome"
sed -n '/^Content-Type: application.pgp-keys/,/^--/p' "$T/w/welcome" | sed '1,/^$/d; /^--/d' | base64 -d >"$T/w/list-key" 2>/dev/null
gpg --batch --show-keys --with-colons "$T/w/list-key" >"$T/w/list-key.shown" 2>/dev/null
has "and the list's key" "$list_fpr" "$T/w/list-key.shown"

# ---- the advisory ----
mail 'Rita <rita@reporter.example>' 'A hole' "$dmarc" <<X >"$T/w/m"
The ring page overflows.
X
inject rita@reporter.example "$T/w/m"
case=$(new_case)
printf 'Embargo-Command: nonce\n' | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_name=ann order_address=$ann
order_send
order ann $ann "$(fresh)" "case accept $case" "embargo set $case --until $(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)" \
    "advisory new $case --title 'Ring page overflow'" "advisory send $case"
same 'accepted, dated, written and sent by signed mail' 'done;done;done;done;' "$(answered)"
settle
open_mail acorn "$(newest security@acorn.example)" "$T/w/advisory" && good_signature "$T/w/advisory" &&
    ok 'the new member opens an advisory' || not_ok 'the new member opens an advisory'
has 'it is that one' 'Ring page overflow' "$T/w/advisory"

check 'the audit trail holds' ctl audit verify
stop
same 'the daemon ends with 0' 0 "$ended"
words_are_whole ann ann@example.org
words_are_whole acorn security@acorn.example
finish
