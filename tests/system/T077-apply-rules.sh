#!/bin/sh
# What an application may not do, and what becomes of it otherwise: a second one, one in a member's name, keys of others
# and keys that are none, vouchers, questions, declined, appealed, withdrawn, admins of the own organisation; and that
# one admin alone lets nobody in, by whatever channel.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/badkeys.sh"

for org in acorn birch cedar; do make_key $org security@$org.example & done
make_key delta security@delta.example
make_key ember security@ember.example
key_expired expired
wait
init
policy_of_two 'vouchers = 1;'
start
for org in acorn birch cedar delta ember expired; do give_key $org "$T/k/list.asc"; done
set_clock "$now"

# ---- one admin alone, by the other channels ----
ctl member add --org birch --class distro --tier distros --address security@birch.example --key "$T/k/birch.asc" >"$T/w/add"
same 'member add waits for another' approval.pending "$(jq -r .rule "$T/w/add")"
printf 'org,class,tier,address,key\nbirch,distro,distros,security@birch.example,%s\n' "$T/k/birch.asc" >"$T/w/import.csv"
ctl member import "$T/w/import.csv" >"$T/w/add" 2>&1
same 'no member by one admin' 0 "$(get '.data | length' member list)"
ctl_as bob@example.org approval approve "$(get '.data[0].id' approval list)" >"$T/w/add"
settle
same 'by two' birch "$(get '.data[].org' member list)"

# ---- vouchers ----
asked=$(box security@birch.example)
form acorn distro 'nobody, birch' | signed_to_apply acorn security@acorn.example Application
id=$(new_application)
same 'complete' complete "$(app_state $id)"
same 'not vouched for yet' not-met "$(criterion $id vouchers)"
denied membership.discretion 'no discretion: refused, whoever asks' application approve $id
same 'the member who is named is asked' $((asked + 1)) "$(box security@birch.example)"
open_mail birch "$(newest security@birch.example)" "$T/w/voucher" && good_signature "$T/w/voucher" &&
    ok 'encrypted' || not_ok 'encrypted'
has 'by name alone' acorn "$T/w/voucher"
lacks 'not what it wrote' 'we build' "$T/w/voucher"
printf 'Vouch: %s yes\n' $id | answer cedar security@cedar.example
same 'a stranger vouches for nobody' not-met "$(criterion $id vouchers)"
printf 'Vouch: %s yes\n' $id | mail 'B <security@birch.example>' 'Vouch' "$dmarc" >"$T/w/m"
inject security@birch.example "$T/w/m" $apply
same 'nor an unsigned mail' not-met "$(criterion $id vouchers)"
printf 'Vouch: %s yes\n' $id | answer birch security@birch.example
same "the member's signed yes counts" met "$(criterion $id vouchers)"
printf 'Vouch: aaaaaaaa yes\n' | answer birch security@birch.example
same 'for what it was not asked: held' application.vouch "$(last_held)"

# ---- a second one, another's name, another's key ----
form acorn distro birch | signed_to_apply cedar security@cedar.example Application
same 'a second one of the organisation: held' application.second "$(last_held)"
form birch distro birch | signed_to_apply delta security@delta.example Application
same "in a member's name: held" application.member "$(last_held)"
form other distro birch | sed 's/^Role-address.*/Role-address: security@birch.example/' |
    signed_to_apply delta security@delta.example Application
same "with a member's address: held" application.member "$(last_held)"
same 'none of them is recorded' 1 "$(get '.data | length' application list)"
{ form cedar distro birch | keyed_part acorn; } >"$T/w/keyed"
mail_of "$T/w/keyed" 'C <security@cedar.example>' Application "$dmarc" >"$T/w/m"
inject security@cedar.example "$T/w/m" $apply
cedar=$(get '.data[] | select(.org == "cedar") | .id' application list)
same "another applicant's key" key.duplicate "$(get '.data.criteria[] | select(.id == "key") | .rule' application show $cedar)"
printf 'Vouch: %s yes\n' $cedar | answer birch security@birch.example
denied key.duplicate 'cannot be accepted' application approve $cedar
{ form delta distro birch | keyed_part birch; } >"$T/w/keyed"
mail_of "$T/w/keyed" 'D <security@delta.example>' Application "$dmarc" >"$T/w/m"
inject security@delta.example "$T/w/m" $apply
delta=$(get '.data[] | select(.org == "delta") | .id' application list)
same "a member's key" key.duplicate "$(get '.data.criteria[] | select(.id == "key") | .rule' application show $delta)"

# ---- keys that are none ----
{ form expired distro birch | keyed_part expired; } >"$T/w/keyed"
mail_of "$T/w/keyed" 'E <security@expired.example>' Application "$dmarc" >"$T/w/m"
inject security@expired.example "$T/w/m" $apply
same 'an expired key' 'incomplete key.expired' \
    "$(get '.data[] | select(.org == "expired") | [.state, (.criteria[] | select(.id == "key") | .rule)] | join(" ")' application list)"
gpg --homedir "$T/k/ember" --batch --pinentry-mode loopback --passphrase '' --armor --export-secret-keys >"$T/k/secret.asc"
{ form ember distro birch | keyed_part secret; } >"$T/w/keyed"
mail_of "$T/w/keyed" 'E <security@ember.example>' Application "$dmarc" >"$T/w/m"
inject security@ember.example "$T/w/m" $apply
same 'a secret key' 'incomplete key.secret' \
    "$(get '.data[] | select(.org == "ember") | [.state, (.criteria[] | select(.id == "key") | .rule)] | join(" ")' application list)"
ember=$(get '.data[] | select(.org == "ember") | .id' application list)
quarantine
lacks 'is nowhere' "$(fpr ember)" "$T/w/quarantine"

# ---- a name that no member could have; let in by an admin ----
form "$(printf '%0101d' 7)" | sed 's/0\{90,\}7\.example/long.example/g' |
    mail 'L <security@long.example>' Application "$dmarc" >"$T/w/m"
inject security@long.example "$T/w/m" $apply
same 'a name of 101 characters is none' incomplete "$(get '.data[-1].state' application list)"
has 'which is said' '- Organisation' "$(newest security@long.example)"
n=$(get '.data | length' application list)
held=$(get '[.data[] | select(.rule == "application.second")][0].id' held list)
check 'an admin lets a held one in' ctl held release "$held"
settle
same 'it is recorded' $((n + 1)) "$(get '.data | length' application list)"
second=$(new_application)
ctl application decline "$second" --reason 'a second one' >"$T/w/second"

# ---- asked, amended ----
check 'one vote' ctl application approve $id
waiting() { get '[.data[] | select(.action == "application approve")] | length' approval list; }
same 'waits' 1 "$(waiting)"
check 'the other admin asks' ctl_as bob@example.org application ask $id 'How many use it?'
settle
same 'incomplete again' incomplete "$(app_state $id)"
same 'the vote is void' '0 0' "$(waiting) $(get '.data.votes | length' application show $id)"
open_mail acorn "$(newest security@acorn.example)" "$T/w/ask"
has 'the applicant has the question, encrypted' 'How many use it?' "$T/w/ask"
echo 'A thousand and one.' | answer acorn security@acorn.example
same 'the answer makes it complete' complete "$(app_state $id)"
same 'among the messages' 1 "$(get '[.data.messages[] | select(.author == "applicant")] | length' application show $id)"

# ---- reminded ----
later '9 days'
settle
open_mail ann "$(newest ann@example.org)" "$T/w/remind"
has 'a reminder before decide_by' 'waits for your decision' "$T/w/remind"
later '2 days'
settle
same 'and one when it is over' 1 "$(for m in "$T"/i/mail/ann@example.org/new/*; do
    open_mail ann "$m" "$T/w/over"; cat "$T/w/over"; done | grep -c 'Subject: \['$id'\] An application is overdue')"

# ---- declined, appealed ----
ctl application decline $id >"$T/w/usage"
same 'a decline needs its reason' 2 $?
check 'declined' ctl application decline $id --reason 'too few users'
settle
same 'declined' declined "$(app_state $id)"
open_mail acorn "$(newest security@acorn.example)" "$T/w/declined"
has 'with its reason, encrypted' 'too few users' "$T/w/declined"
has 'and the appeal' governance "$T/w/declined"
quarantine
lacks 'the key is gone' "$(fpr acorn)" "$T/w/quarantine"
echo 'Appeal: it is a thousand and two' | signed_to_apply acorn security@acorn.example Appeal
same 'appealed' appealed "$(app_state $id)"
same 'with no votes' 0 "$(get '.data.votes | length' application show $id)"
check 'one admin' ctl application approve $id
same 'is not two' appealed "$(app_state $id)"
check 'and another' ctl_as bob@example.org application approve $id
settle
same 'challenged' challenged "$(app_state $id)"
echo 'Withdraw: yes' | answer acorn security@acorn.example
same 'withdrawn' withdrawn "$(app_state $id)"
denied state.application 'and nothing more' application approve $id
form acorn distro birch | signed_to_apply acorn security@acorn.example Application
same 'a new one is taken' complete "$(app_state "$(new_application)")"

# ---- an admin's own organisation ----
own=$(new_application)
printf 'Vouch: %s yes\n' "$own" | answer birch security@birch.example
sed -i 's/ann@example.org/ann@acorn.example/' "$conf"
stop
start_as=ann@acorn.example
run_daemon
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    ctl_as $start_as status >/dev/null 2>&1 && break
    sleep 0.1
done
ctl_as $start_as application decline "$own" --reason mine >"$T/w/own"
ctl_as $start_as application approve "$own" >"$T/w/own.yes"
same 'who is of it does not approve it, and one other is not two' 'approval.impossible 0' \
    "$(jq -r '"\(.rule) \(.data.votes | length)"' "$T/w/own.yes")"
ctl_as bob@example.org application approve "$own" >"$T/w/own.yes"
same 'so that the other one is still alone' complete "$(ctl_as $start_as application show "$own" | jq -r .data.state)"
same 'no admin declines for an own organisation' approval.own-organisation "$(jq -r .rule "$T/w/own")"

stop
same 'the daemon ends with 0' 0 "$ended"
finish
