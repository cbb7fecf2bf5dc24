#!/bin/sh
# What is no value is refused where it is given, with exit 2: a reason of nothing, a CVE id that is none, a note or an
# answer that is no text; what programs print is known to have been printed; a mail came once, however our name is
# written.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

# usage RULE WORDS COMMAND...: exit 2, and the rule.
usage() {
    usage_rule=$1 usage_words=$2
    shift 2
    ctl "$@" >"$T/w/usage"
    usage_code=$?
    same "$usage_words" "2 $usage_rule" "$usage_code $(jq -r .rule "$T/w/usage")"
}

init --policy linux-distros
start
disclose 'Values'
member acorn distro linux-distros

# ---- reasons ----

state=$(get .data.state case show "$id")
usage command.option 'an embargo is not broken for no reason' embargo broken "$id" --reason ''
usage command.option 'nor for blanks' embargo broken "$id" --reason '   '
usage command.option 'a member is not removed for no reason' member remove acorn --reason ''
usage command.option 'nor suspended' member suspend acorn --reason=
usage command.option 'a reason that may be left out is not blank either' case reject "$id" --reason ' '
usage command.option 'an advisory without a title' advisory new "$id" --title ''
same 'and nothing has changed' "$state active" "$(get .data.state case show "$id") $(get .data.state member show acorn)"

# ---- CVE ids ----

for cve in XYZ CVE-2026-1 CVE-20x6-12345 CVE-2026-123456789012345678901 'CVE-2026-1234,nothing' CVE-2026-12345-6; do
    usage case.set "cve=$cve" case set "$id" "cve=$cve"
done
check 'case set cve' ctl case set "$id" 'cve=cve-2026-12345, CVE-2026-99999,CVE-2026-12345'
same 'in upper case, each once' '["CVE-2026-12345","CVE-2026-99999"]' "$(get '.data.cves | tojson' case show "$id")"
check 'none any more' ctl case set "$id" cve=
same 'none is none' '[]' "$(get '.data.cves | tojson' case show "$id")"
check 'commits, each once' ctl case set "$id" commit=abc1234,def5678,abc1234
same 'as they were given' '["abc1234","def5678"]' "$(get '.data.commits | tojson' case show "$id")"

# ---- texts ----

: >"$T/w/empty"
printf ' \n\t\r\n' >"$T/w/blank"
printf '\377\376h\000i\000' >"$T/w/utf16"
printf 'before\000after\n' >"$T/w/nul"
for kind in empty blank utf16 nul; do
    usage case.note "a note that is $kind" case note "$id" "$T/w/$kind"
    usage case.reply "an answer that is $kind" case reply "$id" "$T/w/$kind" --to team
done
same 'no note was kept' 0 "$(get '.data.notes | length' case show "$id")"
printf 'Grüße\n' >"$T/w/text"
check 'a note' ctl case note "$id" "$T/w/text"
same 'is kept' 'Grüße' "$(get '.data.notes[0].text' case show "$id")"
usage command.option 'a message by a word' case show "$id" --message abc
ctl case show "$id" --message 99 >"$T/w/o"
same 'a message that is not there' '3 message.unknown' "$? $(jq -r .rule "$T/w/o")"

# ---- what is printed ----

for words in help 'help case show' --help --version; do
    # shellcheck disable=SC2086
    "$bin/embargoctl" $words >/dev/full 2>/dev/null
    same "embargoctl $words: the output is full" 4 $?
    # shellcheck disable=SC2086
    check "embargoctl $words" "$bin/embargoctl" $words
done
same 'three programs, one version' "$("$bin/embargod" --version | cut -d' ' -f2)" \
    "$({ "$bin/embargoctl" --version; "$bin/embargo-inject" --version; } | cut -d' ' -f2 | sort -u)"
check 'embargo-inject --help' "$bin/embargo-inject" --help
has 'says how' 'usage: embargo-inject' "$T/w/out"
"$bin/embargo-inject" --help -c "$conf" -f a@b.example -- $list </dev/null >"$T/w/o" 2>&1
same 'with anything beside it, it is a fault' 75 $?
"$bin/embargo-inject" -c "$conf" -f a@b.example -- $list <&- >"$T/w/o" 2>"$T/w/e"
same 'no standard input' 75 $?
has 'and it says so' 'must all be open' "$T/w/e"
same 'each check has a name of its own' 0 "$(ctl check | jq -r '.data[].name' | sort | uniq -d | wc -l)"

# ---- an address of ours, in other letters ----

sed -i 's/^\( *policy = \)"linux-distros@2026"/\1"xen@2026"/' "$conf"
kill -HUP "$daemon"
settle
before=$(cases)
mail 'Rita <rita@reporter.example>' 'Once' <<X >"$T/w/once"
A length is not checked.
X
"$bin/embargo-inject" -c "$conf" -f rita@reporter.example -- SECURITY@EXAMPLE.ORG Security@example.org <"$T/w/once" ||
    not_ok 'a mail to two spellings'
settle
inject rita@reporter.example "$T/w/once"
same 'one mail, one case' $((before + 1)) "$(cases)"
stop
finish
