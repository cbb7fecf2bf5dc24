#!/bin/sh
# Each preset in a rehearsal, from the report to the publication: at its second, on its lists, to its members, or refused
# by its rule, as in a table written by hand (tests/policy/releases.tsv); policy explain says the same before. Two more
# see what the clock does besides: the final notice, and a lateness after the day-light saving of the policy's zone.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/roster.sh"

table=${srcdir:-.}/tests/policy/releases.tsv
tab=$(printf '\t')

init
sed -i 's/^reminders = .*/reminders = [];/' "$conf"
begin_roster


text=$T/w/text
printf 'Title: an example\n\n## DESCRIPTION\nWords.\n' >"$text"

# Notes a row's case: number, id, policy, instant, lists, members, owed.
rows=0
: >"$T/w/rows"

begin() {
    name="$policy $sets"
    mail 'Rita <rita@reporter.example>' "a report for $policy" <<X >"$T/w/m"
$policy $sets $until $rows
X
    id=$(get .data.id case open --from "$T/w/m")
    rows=$((rows + 1))
    ctl case set "$id" policy="$policy" severity=high >"$T/w/set" || not_ok "$name: pinned"
    [ "$sets" = - ] || ctl case set "$id" $sets >"$T/w/set" || { not_ok "$name: $sets"; cat "$T/w/set"; }
    ctl case accept "$id" >/dev/null || not_ok "$name: accepted"
    ctl advisory new "$id" --title t >/dev/null && ctl advisory edit "$id" "$text" >/dev/null || not_ok "$name: text"
    case $at in
    tracks.*) denied "$at" "$name: refused by $at" publish approve "$id"; return ;;
    now) same "$name: public at once" public "$(ctl publish approve "$id" >/dev/null; get .data.state case show "$id")" ;;
    *)
        [ "$until" = - ] || ctl embargo set "$id" --until "$until" >"$T/w/set" || { not_ok "$name: $until"; cat "$T/w/set"; }
        ctl advisory send "$id" >/dev/null 2>&1
        same "$name: approved, and waits" 'true wait release.not-yet' \
            "$(get '"\(.data.approved) \(.data.verdict) \(.data.rule)"' publish approve "$id")"
        same "$name: explain says $at" true "$(get '[.data.deadlines[] | select(.at == "'"$at"'")] | length > 0' policy explain "$id")" ;;
    esac
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$id" "$name" "$at" "$lists" "$over" "$owed" >>"$T/w/rows"
}

# Much happens at one instant.
settle_all() { ctl wait --timeout 60 >"$T/w/wait" || { not_ok "the daemon settles at $1"; cat "$T/w/wait"; }; }

# What went out for a case: public lists in order; members whom a notice went to.
lists_of() {
    jq -r --arg id "$1" '[.data[] | select(.case == $id and .kind == "public" and .state == "sent")] | sort_by(.id) |
        map(.address | sub("@channel.invalid$"; "")) | join(" ") | if . == "" then "-" else . end' "$T/w/queue"
}
over_of() {
    jq -r --arg id "$1" '[.data[] | select(.case == $id and .kind == "notice" and .state == "sent" and .org != null) | .org] |
        sort | join(" ") | if . == "" then "-" else . end' "$T/w/queue"
}
look() { # those of the instant
    ctl queue list >"$T/w/queue"
    while IFS=$tab read -r id name at lists over owed <&5; do
        [ "$at" = "$1" ] || continue
        same "$name: lists, members, posts that are owed" "$lists | $over | $owed" "$(lists_of "$id") | $(over_of "$id") | $(
            get '[.data.release.steps[] | select(.step == "duty") | .target] | join(" ") | if . == "" then "-" else . end' embargo show "$id")"
    done 5<"$T/w/rows"
}

grep -v '^#' "$table" | cut -f1 | sort -u >"$T/w/presets"
same 'every preset is rehearsed' '' \
    "$(for file in "$T"/i/policy/*@*.conf; do basename "$file" .conf; done | grep -v roster | sort | comm -23 - "$T/w/presets")"
grep -v '^#' "$table" >"$T/w/table"

# The rows do not meet before their instants: each third of them in a shell and a folder of its own, side by side.
share() {
    T=$T/share.$1
    mkdir -p "$T/w"
    : >"$T/w/rows"
    while IFS=$tab read -r policy sets until at lists over owed <&4; do begin; done 4<"$share"
    exit "$fails"
}
shares='0 1 2'
for n in $shares; do
    awk -v n="$n" 'NR % 3 == n' "$T/w/table" >"$T/w/share.$n"
    share=$T/w/share.$n
    (share "$n") >"$T/w/share.out.$n" 2>&1 &
    eval "pid_$n=\$!"
done
for n in $shares; do
    eval "wait \$pid_$n"
    fails=$((fails + $?))
    cat "$T/w/share.out.$n"
    cat "$T/share.$n/w/rows" >>"$T/w/rows"
done
settle_all begin
same 'each row has its case' "$(grep -vc "${tab}tracks\." "$T/w/table")" "$(cut -f1 "$T/w/rows" | sort -u | wc -l)"
look now
for instant in $(cut -f3 "$T/w/rows" | grep '^2' | sort -u); do
    of=$(awk -F "$tab" -v at="$instant" '$3 == at { print $1 }' "$T/w/rows")
    set_clock "$(date -u -d "@$(($(date -u -d "$instant" +%s) - 1))" +%Y-%m-%dT%H:%M:%SZ)"
    settle_all "$instant"
    ctl case list >"$T/w/cases"
    same "$instant: nothing a second before" '' \
        "$(for id in $of; do jq -r '.data[] | select(.id == "'"$id"'" and .state == "public") | .id' "$T/w/cases"; done)"
    set_clock "$instant"
    settle_all "$instant"
    ctl case list >"$T/w/cases"
    for id in $of; do
        same "$(awk -F "$tab" -v id="$id" '$1 == id { print $2 }' "$T/w/rows"): public at $instant" "public $instant" \
            "$(jq -r '.data[] | select(.id == "'"$id"'") | "\(.state) \(.public_at)"' "$T/w/cases")"
    done
    look "$instant"
done

# The link to a post that is owed ends the chase.
id=$(awk -F "$tab" '$2 == "linux-distros@2026 -" { print $1 }' "$T/w/rows")
check 'a link is recorded' ctl case set "$id" published=https://www.openwall.com/lists/oss-security/2031/03/18/1
same 'the post is owed no more' done "$(get '.data.release.steps[] | select(.step == "duty") | .state' embargo show "$id")"
stop
finish
