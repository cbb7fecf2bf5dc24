#!/bin/sh
# One admin alone brings nobody in under a policy of two: not by member add, member import, an address or a key of a
# member that is there, nor an application; not by the command line, by signed mail, or by one and then the other.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/apply.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

for org in acorn birch cedar delta mole; do make_key $org security@$org.example & done
wait
init
policy_of_two
printf 'approvals = { member_add = 2; key_change = 2; };\n' >>"$T/i/policy/two@1.conf"
start
for org in acorn birch cedar delta mole; do give_key $org "$T/k/list.asc"; done
set_clock "$now"
ann=ann@example.org bob=bob@example.org

reply() { jq -r "$1" "$T/w/reply"; }
waiting() { get '.data | length' approval list; }
inside() { get '[.data[] | "\(.org) \(.state)", (.contacts[] | .address, .fingerprint)] | join(" ")' member list; }
# pending WORDS COMMAND...: ann asks by the command line; it waits, and her own second word does not count.
pending() {
    pending_words=$1
    shift
    ctl "$@" >"$T/w/reply"
    same "$pending_words: waits" approval.pending "$(reply .rule)"
    pending_id=$(reply .data.id)
    ctl "$@" >"$T/w/reply"
    same "$pending_words: asked again" approval.twice "$(reply .rule)"
    ctl approval approve "$pending_id" >"$T/w/reply"
    same "$pending_words: approved by whoever asked" approval.twice "$(reply .rule)"
}
# by_mail FILE COMMAND...: ann's command mail with FILE attached under its own name.
by_mail() {
    order_name=ann order_address=$ann mail_file=$1
    shift
    printf 'Embargo-Command: nonce\n' | secret_mail ann "ann <$ann>" commands >"$T/w/order"
    order_send
    { printf 'Content-Type: multipart/mixed; boundary="m"; protected-headers="v1"\nTo: %s\nSubject: commands\n\n--m\n' $list
      printf 'Content-Type: text/plain\n\n'
      order_text "$(fresh)" "$@"
      printf '\n--m\nContent-Type: application/octet-stream; name="%s"\n' "${mail_file##*/}"
      printf 'Content-Disposition: attachment; filename="%s"\n\n' "${mail_file##*/}"
      cat "$mail_file"
      printf '\n--m--\n'; } | crlf >"$T/w/whole"
    encrypted_part "$T/w/whole" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/secret-mime"
    mail_of "$T/w/secret-mime" "ann <$ann>" '...' >"$T/w/order"
    order_send
}

# ---- one member, by two admins, so that there is somebody whose key and address could be changed ----
add() { # ORG
    set -- member add --org "$1" --class distro --tier distros --address "security@$1.example" --key "$T/k/$1.asc"
    "$do" "$@"
}
do=ctl add acorn >"$T/w/reply"
ctl_as $bob approval approve "$(reply .data.id)" >"$T/w/reply"
was="acorn active security@acorn.example $(fpr acorn)"
same 'two let one in' "$was" "$(inside)"

# ---- by the command line ----
do=pending
pending_birch() { pending 'member add' "$@"; }
do=pending_birch add birch
birch=$pending_id
printf 'org,class,tier,address,key\ncedar,distro,distros,security@cedar.example,\n' >"$T/w/members.csv"
pending 'member import' member import "$T/w/members.csv"
pending 'key replace' key replace acorn "$(fpr acorn)" "$T/k/mole.asc"
pending 'member contact add' member contact acorn add security@mole.example --key "$T/k/mole.asc"
same 'nobody is in by them' "$was" "$(inside)"
n=$(waiting)
same 'four wait' 4 "$n"

# ---- what was asked by the command line, approved by the same admin's mail ----
by_mail "$T/w/members.csv" "approval approve $birch"
has 'a mail is no second admin' approval.twice "$T/w/answer"
same 'nobody is in by it' "$was $n" "$(inside) $(waiting)"

# ---- by mail ----
cp "$T/k/delta.asc" "$T/w/delta.asc"
by_mail "$T/w/delta.asc" 'member add --org delta --class distro --tier distros --address security@delta.example --key delta.asc'
has 'member add by mail waits' approval.pending "$T/w/answer"
delta=$(get '.data[] | select(.object == "delta") | .id' approval list)
printf 'org,class,tier,address,key\nember,distro,distros,security@ember.example,\n' >"$T/w/more.csv"
by_mail "$T/w/more.csv" 'member import more.csv'
same 'member import by mail lets nobody in' "$was" "$(inside)"
grep -q 'approval.pending\|command.not-by-mail' "$T/w/answer" && ok 'and says why' || not_ok 'and says why'
cp "$T/k/mole.asc" "$T/w/mole.asc"
by_mail "$T/w/mole.asc" "key replace acorn $(fpr acorn) mole.asc"
has 'key replace by mail is the same proposal' approval.twice "$T/w/answer"
by_mail "$T/w/mole.asc" 'member contact acorn add other@mole.example --key mole.asc'
has 'member contact by mail waits' approval.pending "$T/w/answer"
by_mail "$T/w/mole.asc" "approval approve $delta"
has 'nor does she approve by mail what she asked by mail' approval.twice "$T/w/answer"
ctl approval approve "$delta" >"$T/w/reply"
same 'nor by the command line' approval.twice "$(reply .rule)"
same 'nobody is in by mail' "$was" "$(inside)"

# ---- an application ----
form mole | signed_to_apply mole security@mole.example Application
id=$(new_application)
check 'she votes for an application' ctl application approve "$id"
ctl application approve "$id" >"$T/w/reply"
same 'once' 1 "$?"
by_mail "$T/w/mole.asc" "application approve $id"
lacks 'and not again by mail' 'Result: done' "$T/w/answer"
same 'the applicant is not asked for the proof of its key' 'complete 1' \
    "$(get '.data | "\(.state) \(.votes | length)"' application show "$id")"
same 'nobody is in by it' "$was" "$(inside)"

# ---- nor by waiting; and the second admin is what was missing ----
ctl_as $bob approval approve "$delta" >"$T/w/reply"
same 'another admin lets it in' "$was delta active security@delta.example $(fpr delta)" "$(inside)"
later '15 days'
settle
same 'what waited has ended' "0 $was delta active security@delta.example $(fpr delta)" "$(waiting) $(inside)"
stop
finish
