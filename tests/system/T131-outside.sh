#!/bin/sh
# Text that somebody on the way puts around an encrypted mail is shown, marked as nobody's word; no program reads it: it
# is no part of a command, of the text that a command takes, or of a form.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

init
start
ann=ann@example.org

# around FILE: the same mail, its envelope the first of two parts; the other is on standard input.
around() {
    awk '/^$/ { exit } /^[A-Za-z-]+:/ { in_type = tolower($0) ~ /^content-type:/ } !in_type' "$1"
    printf 'Content-Type: multipart/mixed; boundary="around"\n\n--around\n'
    awk '/^$/ { exit } /^[A-Za-z-]+:/ { in_type = tolower($0) ~ /^content-type:/ } in_type' "$1"
    awk 'body { print } /^$/ { body = 1 } body == 1 { print ""; body = 2 }' "$1"
    printf '\n--around\nContent-Type: text/plain; charset=utf-8\n\n'
    cat
    printf '\n--around--\n'
}

make_key rita rita@reporter.example
give_key rita "$T/k/list.asc"
printf 'It overflows.\n' | secret_mail rita 'Rita <rita@reporter.example>' 'Overflow' >"$T/w/plain"
echo 'Planted words.' | around "$T/w/plain" >"$T/w/m"
inject rita@reporter.example "$T/w/m"
same 'it is a case' 1 "$(cases)"
id=$(new_case)
get .data.messages[0].text case show "$id" >"$T/w/text"
has 'with what was encrypted' 'It overflows.' "$T/w/text"
has 'and what was not' 'Planted words.' "$T/w/text"
same 'which is marked' 1 "$(sed '/Planted/,$d' "$T/w/text" | grep -c "nobody's word")"

# ---- a command takes nothing from it ----
order_address=$ann order_name=ann
nonce=$(nonce_of ann $ann)
{
    order_text "$nonce" "case note $id -"
    printf '\nFrom within.\n'
} | secret_mail ann "Ann <$ann>" commands >"$T/w/order.plain"
printf 'Embargo-Command: case reject %s --reason x\n\nPlanted words.\n' "$id" | around "$T/w/order.plain" >"$T/w/order"
order_send
same 'the command within is done' 'done;' "$(answered)"
get '.data.notes[0].text' case show "$id" >"$T/w/note"
has 'with its text' 'From within.' "$T/w/note"
lacks 'and none of another' 'Planted' "$T/w/note"
same 'the one outside is not' new "$(get .data.state case show "$id")"

# ---- nor is one in an unsigned mail of ours made ----
printf 'A word to the list.\n' | secret_mail ann "Ann <$ann>" 'A word' >"$T/w/order.plain"
{ order_text "$(fresh)" "case reject $id --reason x"; } | around "$T/w/order.plain" >"$T/w/order"
order_send
same 'commands outside alone are none' new "$(get .data.state case show "$id")"

# ---- nor a form ----
printf 'Organisation: Acorn\n' | secret_mail rita 'Rita <rita@reporter.example>' 'Apply' >"$T/w/plain"
printf 'Website: https://planted.example/\n' | around "$T/w/plain" >"$T/w/m"
inject rita@reporter.example "$T/w/m" security+apply@example.org
ctl application list >"$T/w/apps"
for app in $(jq -r '.data[].id' "$T/w/apps"); do ctl application show "$app"; done >"$T/w/apps"
lacks 'a form has no line of it' planted "$T/w/apps"
stop
finish
