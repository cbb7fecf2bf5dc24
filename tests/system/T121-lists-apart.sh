#!/bin/sh
# Two teams in one instance: an admin of one list sees, counts, releases, drops and reads nothing of the other, neither
# by embargoctl nor by mail; who serves one list alone need not name it; --list narrows.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

second=team@other.example

init
make_key carl carl@example.net
"$bin/embargoctl" --json init --home "$T/i" --list second --address $second --policy xen \
    --admin "carl@example.net:$T/k/carl.asc" >"$T/w/init2" || cat "$T/w/init2"
second_fpr=$(jq -r .data.fingerprint "$T/w/init2")
gpg --homedir "$T/i/gnupg/second/list" --batch --armor --export "$second_fpr" >"$T/k/second.asc"
gpgconf --homedir "$T/i/gnupg/second/list" --kill all
give_key carl "$T/k/second.asc"
# The lines that init printed go where it says.
awk -v fpr="$second_fpr" -v carl="$(fpr carl)" '
    /^lists = / { part = "lists" } /^admins = / { part = "admins" }
    /^\);/ && part == "lists" { print ", { name = \"second\"; address = \"team@other.example\"; policy = \"xen@2026\"; key = \"" fpr "\"; }" }
    /^\);/ && part == "admins" { print ", { address = \"carl@example.net\"; fingerprint = \"" carl "\"; lists = [ \"second\" ]; }" }
    /^\);/ { part = "" }
    { print }' "$conf" >"$T/w/conf" && cat "$T/w/conf" >"$conf"
set_clock "$now"
start
carl() { ctl_as carl@example.net "$@"; }
# hidden RULE WORDS COMMAND...: carl is told that there is no such thing.
hidden() {
    hidden_rule=$1 hidden_words=$2
    shift 2
    carl "$@" >"$T/w/hidden"
    hidden_code=$?
    same "$hidden_words" "3 $hidden_rule null" "$hidden_code $(jq -r '.rule + " " + (.data | tojson)' "$T/w/hidden")"
}

# One mail to both lists: a case for each.
mail 'Rita <rita@reporter.example>' 'To both' <<X >"$T/w/both"
A length is not checked.
