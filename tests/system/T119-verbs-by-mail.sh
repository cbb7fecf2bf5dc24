#!/bin/sh
# Every verb by mail, from each who may write: an admin may give all but those that need the machine; a member what is a
# member's; a stranger, and anybody unsigned, none. Each is answered by itself, whatever stands behind it.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

make_key acorn security@acorn.example
make_key rita rita@reporter.example
init
start
ann=ann@example.org
give_key rita "$T/k/list.asc"
member acorn distro distros
core=$(role_pid core)
mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
One.
X
inject rita@reporter.example "$T/w/m"

# As the help has them, with a word for each thing that must be given.
"$bin/embargoctl" --help | sed -n 's/^  \([a-z][a-z-]*.*\)$/\1/p' |
    sed 's/\[[^]]*\]\(\.\.\.\)\{0,1\}//g; s/\<FILE\>/-/g; s/\<[A-Z][A-Z.]*\>/zzzz/g; s/zzzz\.\.\./zzzz/; s/ *$//' >"$T/w/verbs"
check 'there are many' test "$(wc -l <"$T/w/verbs")" -gt 70

# given NAME ADDRESS FIRST-NONCE: all of them, thirty to a mail; $T/w/results has "VERB: RESULT" lines.
given() {
    given_nonce=$3
    : >"$T/w/results"
    split -l 30 "$T/w/verbs" "$T/w/some."
    for some in "$T"/w/some.*; do
        set_clock "$now"
        order_text "$given_nonce" >"$T/w/orders"
        sed 's/^/Embargo-Command: /' "$some" >>"$T/w/orders"
        secret_mail "$1" "$1 <$2>" commands <"$T/w/orders" >"$T/w/order"
        order_name=$1 order_address=$2
        order_send
        sed -n 's/^Result: *//p' "$T/w/answer" | paste -d: "$some" - >>"$T/w/results"
        given_nonce=$(fresh)
    done
    rm -f "$T"/w/some.*
}
with() { grep "$1" "$T/w/results" | sed 's/ zzzz//g; s/ -\{1,2\}[a-z]*//g; s/ *:.*//' | tr '\n' '|'; }

# ---- an admin ----
given ann $ann "$(nonce_of ann $ann)"
same 'each is answered' "$(wc -l <"$T/w/verbs")" "$(grep -c ':\(done\|refused\)' "$T/w/results")"
same 'what an admin cannot do by mail' \
    'audit verify|backup|case open|check|init|key rotate-list|policy check|policy compare|policy list|policy show|restore|wait|' \
    "$(with ':refused, command.not-by-mail')"
same 'all others are known, and well-formed' '' "$(with ':refused, command.\(unknown\|usage\|nonce\|words\)')"
same 'none is a fault of ours' '' "$(with ':refused, \(internal\|frame\|worker\)')"
same 'core lives' "$core" "$(role_pid core)"
same 'and nobody was let in' 1 "$(get '.data | length' member list)"

# ---- a member ----
set_clock "$now"
printf 'Embargo-List: main\nEmbargo-Command: nonce\n' | secret_mail acorn 'Acorn <security@acorn.example>' commands >"$T/w/order"
order_name=acorn order_address=security@acorn.example
order_send
audit=$(get '[.data[] | select(.actor == "member:acorn" and .event != "command.refused" and .event != "command.ignored")] | length' audit show)
given acorn security@acorn.example "$(fresh)"
same 'each of an admin'"'"'s verbs is answered to a member' "$(wc -l <"$T/w/verbs")" "$(wc -l <"$T/w/results")"
same 'and not one is done' '' "$(with ':done')"
same 'nor anything changed in his name' "$audit" \
    "$(get '[.data[] | select(.actor == "member:acorn" and .event != "command.refused" and .event != "command.ignored")] | length' audit show)"

# ---- nobody ----
cases_before=$(cases)
sed 's/^/Embargo-Command: /' "$T/w/verbs" | sed '31,$d' >"$T/w/orders"
{ order_text "$(fresh)"; cat "$T/w/orders"; } | secret_mail rita 'Rita <rita@reporter.example>' commands >"$T/w/m"
inject rita@reporter.example "$T/w/m"
same 'a stranger: a line in the trail' command.nobody "$(ignored)"
{ order_text ''; cat "$T/w/orders"; } | mail "Ann <$ann>" commands 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/m"
before=$(box $ann)
inject $ann "$T/w/m"
same 'unsigned: the same' command.unsigned "$(ignored)"
same 'and no answer to either' "0 $before" "$(box rita@reporter.example) $(box $ann)"
same 'nor a case' "$cases_before" "$(cases)"
finish
