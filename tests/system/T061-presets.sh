#!/bin/sh
# Each preset in a rehearsal, up to pre-disclosure or to its refusal: dates, recipients, rules and instants are those of
# a table written by hand (tests/policy/rehearsals.tsv), and policy explain says the same.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/roster.sh"

table=${srcdir:-.}/tests/policy/rehearsals.tsv
tab=$(printf '\t')

init
begin_roster

printf 'Title: an example\n\n## DESCRIPTION\nWords.\n' >"$T/w/advisory"

# rules_at: "rule=instant" for each deadline that has not fired, sorted.
rules_at() { jq -r '.data.deadlines[] | select(.fired_at == null) | "\(.rule)=\(.at)"' | sort | tr '\n' ' ' | sed 's/ $//'; }
words_sorted() { echo "$1" | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//'; }
is_rule() { case $1 in tracks.*|tiers*|clocks.*) return 0 ;; *) return 1 ;; esac; }

# A case of its own; its id in $id.
open_case() {
    mail 'Rita <rita@reporter.example>' "a report for $policy, $sets" <<X >"$T/w/m"
$policy $sets $refused $until
X
    id=$(get .data.id case open --from "$T/w/m")
    ctl case set "$id" policy="$policy" severity=high >"$T/w/set" || not_ok "$name: pinned"
    [ "$sets" = - ] || ctl case set "$id" $sets >"$T/w/set" || { not_ok "$name: $sets"; cat "$T/w/set"; }
    ctl case accept "$id" >/dev/null || not_ok "$name: accepted"
}

# What explain says of those members, and of one other: whom it would send to.
explained() {
    other=
    for org in $orgs; do
        case " $1 " in
        *" $org "*) ;;
        *) [ "$other" ] && continue; other=$org ;;
        esac
        [ "$(get .data.verdict policy explain "$id" --member "$org")" = send ] && echo "$org"
    done | tr '\n' ' ' | sed 's/ $//'
}

tell() {
    ctl advisory new "$id" --title 'an example' >/dev/null && ctl advisory edit "$id" "$T/w/advisory" >/dev/null ||
        not_ok "$name: an advisory"
    if is_rule "$told"; then
        denied "$told" "$name: telling is refused by $told" advisory send "$id"
        case $told in *.mode|*.classes|tiers) [ -n "$unstated" ] && has "$name: says what is not stated" 'the policy does not state' "$T/w/denied" ;; esac
        return
    fi
    wanted=$told
    [ "$told" = - ] && wanted=
    same "$name: explain says who is told" "$wanted" "$(explained "$wanted")"
    same "$name: told" "$wanted" "$(get '[.data.recipients[] | select(.verdict == "send") | .org] | join(" ")' advisory send "$id")"
    settle
    same "$name: copies went to them" "$wanted" "$(get '[.data[] | select(.case == "'"$id"'" and .state == "sent") |
        .address | select(endswith(".example")) | ltrimstr("security@") | rtrimstr(".example")] | sort | join(" ")' queue list)"
}

# One row of the table.
rehearse() {
    name="$policy${sets:+ ($sets)}"
    open_case
    mode=$(get '.data.mode // "-"' case show "$id")
    unstated=
    case $policy in docker*|coreos*|cloudfoundry@2015|kubernetes@2015) unstated=yes ;; esac
    [ "$sets" = "track=hardware" ] && unstated=yes
    if [ "$refused" != - ]; then
        denied "$rule" "$name: until $refused is refused by $rule" embargo set "$id" --until "$refused"
        # "… (xen@2026.conf:23)", and that line says it.
        line=$(jq -r .message "$T/w/denied" | sed -n "s/.*($policy\.conf:\([0-9]*\))\$/\1/p")
        sed -n "${line:-0}p" "$T/i/policy/$policy.conf" >"$T/w/line" 2>/dev/null
        has "$name: the refusal names the file's line" "${rule##*.}" "$T/w/line"
    fi
    if [ "$until" != - ]; then
        same "$name: until $until" true "$(get .ok embargo set "$id" --until "$until")"
    fi
    tell
    same "$name: deadlines" "$(words_sorted "${deadlines#-}")" "$(ctl embargo show "$id" | rules_at)"
    # What explain lists holds at least those, met ones too.
    ctl policy explain "$id" | rules_at | tr ' ' '\n' >"$T/w/explained"
    for deadline in ${deadlines#-}; do has "$name: explain says $deadline" "$deadline" "$T/w/explained"; done
}

grep -v '^#' "$table" | cut -f1 | sort -u >"$T/w/presets"
same 'every preset is rehearsed' '' \
    "$(for file in "$T"/i/policy/*@*.conf; do basename "$file" .conf; done | grep -v roster | sort | comm -23 - "$T/w/presets")"
grep -v '^#' "$table" >"$T/w/table"
while IFS=$tab read -r policy sets refused rule until told deadlines <&4; do
    rehearse
done 4<"$T/w/table"

# The command answers when a tier is told, and is audited as such: the two tiers of the cloud model, and no use.
same 'advisory send answers for a notice' 'tiers.distros.notice.before_publish tiers.service-providers.notice.before_publish' \
    "$(get '[.data[] | select(.event == "policy.unstated" and .object == "'"$id"'") | .rule] | sort | join(" ")' audit show)"

# The discoverer's date, set after the team's, is earlier than the notice: told at once, and the mail says why.
name='xen@2026, early' policy=xen@2026 sets=- refused=- until=early
open_case
ctl embargo set "$id" --until 2031-03-25T12:00:00Z >/dev/null
ctl case set "$id" discoverer_date=2031-03-10T12:00:00Z >/dev/null
same 'xen@2026: the notice is counted back from the discoverer'"'"'s date' 'true 2031-02-24T12:00:00Z' \
    "$(get '.data.tiers[] | "\(.told) \(.notice_at)"' policy explain "$id")"
ctl advisory new "$id" --title 'an example' >/dev/null
same 'xen@2026: told at once, with the reason' 'told at once: less time remains than this tier'"'"'s notice' \
    "$(get '[.data.recipients[] | select(.verdict == "send") | .reason] | unique | join(" ")' advisory send "$id")"
settle
open_mail alder "$(newest security@alder.example)" "$T/w/told"
has 'xen@2026: the mail says why' 'you are told at once' "$T/w/told"
ctl policy explain "$id" --member alder --svg "$T/w/line.svg" >"$T/w/explain"
has 'explain: a case as SVG, from the daemon' '</svg>' "$T/w/line.svg"
same 'explain: what customers may be told' 'tell_existence tell_id tell_date' \
    "$(jq -r '.data.inform_customers_covers | join(" ")' "$T/w/explain")"

same 'answers stand in the audit trail' 2 "$(get '[.data[] | select(.event == "policy.answer")] | length' audit show)"
stop
finish
