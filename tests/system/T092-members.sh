#!/bin/sh
# The life of a member: contacts by command and by its own mail, a breach, the yearly question, pause, leave, removal;
# keys that expire, with their warnings; keys that are replaced, with 48 hours in which anybody can stop it.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

init
for policy in "$T/i"/policy/cloud-model@2026.conf; do
    sed -i 's/^\( *reattest = \)"unstated"/\1"12 calendar-months"/; s/^\( *on_breach = \)"unstated"/\1"removal if repeated"/' "$policy"
done
start
members
acorn=security@acorn.example birch=security@birch.example
ask() { # NAME ADDRESS: a fresh nonce
    printf 'Embargo-Command: nonce\n' | secret_mail "$1" "$1 <$2>" commands >"$T/w/order"
    order_name=$1 order_address=$2
    order_send
    nonce=$(fresh)
}
# order_key NAME ADDRESS NONCE KEYFILE COMMAND: with a key attached, signed and encrypted as a whole.
order_key() {
    order_name=$1 order_address=$2
    { printf 'Content-Type: multipart/mixed; boundary="m"; protected-headers="v1"\nTo: %s\nSubject: commands\n\n--m\nContent-Type: text/plain\n\n' $list
      order_text "$3" "$5"
      printf '\n--m\nContent-Type: application/pgp-keys; name="new.asc"\nContent-Disposition: attachment; filename="new.asc"\n\n'
      cat "$4"
      printf '\n--m--\n'; } | crlf >"$T/w/whole"
    encrypted_part "$T/w/whole" --homedir "$T/k/$1" -r "$list_fpr" --sign --encrypt >"$T/w/secret-mime"
    mail_of "$T/w/secret-mime" "$1 <$2>" '...' >"$T/w/order"
    order_send
}
contacts() { get '[.data.contacts[].address] | join(" ")' member show "$1"; }

# ---- contacts ----
check 'member contact add' ctl member contact acorn add second@acorn.example
same 'it shares the key' "$(fpr acorn)" "$(get '.data.contacts[1].fingerprint' member show acorn)"
settle
open_mail acorn "$(newest $acorn)" "$T/w/told"
has 'its other contact hears of it' second@acorn.example "$T/w/told"
open_mail bob "$(newest bob@example.org)" "$T/w/told"
has 'and so do the admins' second@acorn.example "$T/w/told"
denied contact.taken "another member's address is refused" member contact acorn add $birch
denied contact.exists 'and one that it has' member contact acorn add second@acorn.example
check 'member contact drop' ctl member contact acorn drop second@acorn.example
denied contact.last 'the last one stays' member contact acorn drop $acorn
settle
open_mail acorn "$(newest second@acorn.example)" "$T/w/told"
has 'the address that went hears of it too' 'dropped' "$T/w/told"
ask acorn $acorn
order acorn $acorn "$nonce" 'contact add third@acorn.example' whoami
same "by the member's own mail" "$acorn third@acorn.example" "$(contacts acorn)"
order acorn $acorn "$(fresh)" 'contact drop third@acorn.example'
same 'and away again' $acorn "$(contacts acorn)"

# ---- a breach ----
ctl member breach birch --reason 'told a customer' >"$T/w/breach"
has "the policy's consequence" 'removal if repeated' "$T/w/breach"
same 'it is kept' 'removal if repeated' "$(get '.data.breaches[0].consequence' member show birch)"
lacks 'its reason is sealed' 'told a customer' "$T/i/state/db.sqlite"

# ---- a key is replaced: signed by the old one it waits 48 hours ----
make_key acorn2 security@acorn.example
make_key acorn3 security@acorn.example
set_clock "$now"
ask acorn $acorn
order_key acorn $acorn "$nonce" "$T/k/acorn2.asc" 'key replace'
same 'it waits' "$(fpr acorn)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
id=$(get '.data[0].id' approval list)
order_before_notice=$(box $acorn)
found=
for file in $(find "$T/i/mail/$acorn/new" -type f); do
    open_mail acorn "$file" "$T/w/told" && grep -q "veto $id" "$T/w/told" && found=yes
done
same 'its contacts are told how to stop it' yes "$found"
later '24 hours'
settle
same 'after a day it still waits' "$(fpr acorn)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
ask acorn $acorn
order acorn $acorn "$nonce" "veto $id"
later '30 hours'
settle
same 'a veto of a contact stops it' "$(fpr acorn)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
ask acorn $acorn
order_key acorn $acorn "$nonce" "$T/k/acorn2.asc" 'key replace'
check "an admin's veto stops it" ctl approval veto "$(get '.data[0].id' approval list)" --reason 'not sure'
later '49 hours'
settle
same 'that one too' "$(fpr acorn)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
ask acorn $acorn
order_key acorn $acorn "$nonce" "$T/k/acorn2.asc" 'key replace'
later '49 hours'
settle
same 'without a veto it happens' "$(fpr acorn2)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
denied key.duplicate "another member's key is refused" key replace acorn "$(fpr acorn2)" "$T/k/birch.asc"
check 'by an admin, with the approvals of the policy' ctl key replace acorn "$(fpr acorn2)" "$T/k/acorn3.asc"
settle
same 'which is at once where it asks for one' "$(fpr acorn3)" "$(get '.data.contacts[0].fingerprint' member show acorn)"
same 'the old key is gone' 3 "$(ctl key show "$(fpr acorn)" >/dev/null; echo $?)"

# ---- keys that expire ----
make_key fern security@fern.example
set_clock "$now"
for what in '' '*'; do gpg --homedir "$T/k/fern" --batch -q --passphrase '' --quick-set-expire "$(fpr fern)" 45d $what 2>/dev/null; done
gpg --homedir "$T/k/fern" --batch --armor --export "$(fpr fern)" >"$T/k/fern.asc"
member fern distro distros
settle
# Of the warnings that are past when the key comes, the last is given at once: 60 days.
subjects() { # NAME ADDRESS
    for file in $(find "$T/i/mail/$2/new" -type f -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-); do
        open_mail "$1" "$file" "$T/w/subject" 2>/dev/null && sed -n 's/^Subject: *//p' "$T/w/subject" | head -n 1
    done
}
same 'a warning at once' 1 "$(subjects fern security@fern.example | grep -c 'Your OpenPGP key expires')"
for days in 16 16 7 5; do
    later "$days days"
    settle
done
same 'and 30, 14, 7 and 1 days before' 5 "$(subjects fern security@fern.example | grep -c 'Your OpenPGP key expires')"
same 'the admins hear of each' 5 "$(for file in "$T/i/mail/bob@example.org/new"/*; do open_mail bob "$file" "$T/w/b"; grep -h '^Subject: The key of fern expires' "$T/w/b"; done | grep -c .)"
later '2 days'
settle
same 'no key works: key-trouble' key-trouble "$(get .data.state member show fern)"
has 'a plain notice without content' 'cannot be used any more' "$(newest security@fern.example)"
same 'which is for no case' null "$(get '[.data[] | select(.address == "security@fern.example")][0].case' queue list)"
for what in '' '*'; do gpg --homedir "$T/k/fern" --batch -q --passphrase '' --quick-set-expire "$(fpr fern)" 900d $what 2>/dev/null; done
gpg --homedir "$T/k/fern" --batch --armor --export "$(fpr fern)" >"$T/k/fern.asc"
check 'the key is renewed' ctl key import "$T/k/fern.asc"
same 'it is active again' active "$(get .data.state member show fern)"

# ---- the yearly question ----
later '335 days'
settle
later '25 hours'
settle
n=$(subjects birch $birch | grep -c 'Is your membership')
[ "$n" -ge 1 ] && ok 'members are asked' || not_ok 'members are asked'
ask birch $birch
order birch $birch "$nonce" attest
same 'one answers' 'done;' "$(answered)"
later '8 days'
settle
later '23 days'
settle
same 'who has answered goes on' active "$(get .data.state member show birch)"
same 'who has not is suspended' suspended "$(get .data.state member show cedar)"
check 'and can be reinstated' ctl member reinstate cedar --reason 'was on leave'
later '2 days'
settle
same 'for another year' active "$(get .data.state member show cedar)"

# ---- pause, leave, removal ----
ask birch $birch
order birch $birch "$nonce" pause
same 'pause' suspended "$(get .data.state member show birch)"
check 'reinstated' ctl member reinstate birch --reason back
ask birch $birch
order birch $birch "$nonce" leave
same 'leave' removed "$(get .data.state member show birch)"
ctl member remove cedar --reason 'gone' >"$T/w/removed"
same 'remove says what is to be deleted at the mail server' true "$(jq -r '.data | has("queue_ids")' "$T/w/removed")"
n=$(box security@cedar.example)
printf 'Embargo-Command: nonce\n' | secret_mail cedar "cedar <security@cedar.example>" commands >"$T/w/order"
order_name=cedar order_address=security@cedar.example
order_send
same 'whoever was removed has no say' "$n" "$(box security@cedar.example)"
words_are_whole ann ann@example.org
finish
