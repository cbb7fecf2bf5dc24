#!/bin/sh
# What members say of a case that they were told of, by signed mail or noted by an admin; who has said nothing stands in
# `next`. Members have their own verbs, and none of the team's.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

init
start
members
disclose 'A hole'
usual_text 'A hole' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
send_advisory "$id" --tier distros
settle
label=$(get '.data.public_id // .data.id' case show "$id")
missing() { get '[.data[] | select(.case != null)][0].unacknowledged | tostring' next; }
table() { get '[.data.acknowledgements[] | select(.value != null) | "\(.org) \(.value) \(.date) \(.by)"] | tostring' case show "$id"; }
acorn=security@acorn.example
same 'nobody has said anything' '["acorn","birch","cedar"]' "$(missing)"

# ask NAME ADDRESS: a fresh nonce.
ask() {
    printf 'Embargo-Command: nonce\n' | secret_mail "$1" "$1 <$2>" commands >"$T/w/order"
    order_name=$1 order_address=$2
    order_send
    nonce=$(fresh)
}
ask acorn $acorn
order acorn $acorn "$nonce" "ack $label affected" whoami
same 'a member acknowledges' 'done;done; ["acorn affected null member:acorn"]' "$(answered) $(table)"
has 'and learns what is known of it' "\"address\": \"$acorn\"" "$T/w/answer"
order acorn $acorn "$(fresh)" "ack $id fixed-by 2027-01-15"
same 'the newest word counts' '["acorn fixed-by 2027-01-15 member:acorn"]' "$(table)"
order acorn $acorn "$(fresh)" "ack $id fixed-by soon" "ack $id maybe" 'ack nosuchid affected' "case show $id" 'member list'
same 'what is no word, no case, no verb of a member' \
    'refused, ack.value;refused, ack.value;refused, case.unknown;refused, command.unknown;refused, command.unknown;' "$(answered)"
same 'changes nothing' '["acorn fixed-by 2027-01-15 member:acorn"]' "$(table)"

ask delta security@delta.example
order delta security@delta.example "$nonce" "ack $id affected"
same 'who was not told learns of no case' 'refused, case.unknown;' "$(answered)"

ctl advisory ack "$id" not-affected --org birch >"$T/w/reply"
same 'an admin notes it' '["birch not-affected null admin:ann@example.org"]' \
    "$(jq -c '[.data.acknowledgements[] | select(.org == "birch") | "\(.org) \(.value) \(.date) \(.by)"]' "$T/w/reply")"
denied ack.not-told 'not for one who was not told' advisory ack "$id" affected --org delta
same 'who is left' '["cedar"]' "$(missing)"

# ---- a member that is removed is nobody ----
ask acorn $acorn
ctl member remove acorn --reason test >/dev/null
order acorn $acorn "$nonce" "ack $id affected"
same 'who is no member any more is nobody' 'command.nobody' "$(ignored)"
same 'and hears nothing' '' "$(cat "$T/w/answer")"
stop

finish
