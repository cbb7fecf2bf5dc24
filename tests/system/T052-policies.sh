#!/bin/sh
# Who is told under three policies: cloud-model tells distributions and providers; distro-model and linux-distros tell
# distributions alone. linux-distros bounds the embargo: 14 days are taken, 15 are not.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
start
members

# send_under POLICY: a case under it, and its advisory sent; verdicts in $T/w/send.
send_under() {
    disclose "Issue under $1"
    [ "$1" = cloud-model ] || ctl case set "$id" "policy=$1" >/dev/null || not_ok "case set policy=$1"
    usual_text "Issue under $1" >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
    ctl embargo set "$id" --until "$(date -u -d "$now +${2:-5} days" +%Y-%m-%dT%H:%M:%SZ)" >"$T/w/set" ||
        { not_ok "embargo set under $1"; cat "$T/w/set"; }
    send_advisory "$id" --dry-run
    cp "$T/w/send" "$T/w/dry"
    send_advisory "$id"
    same "$1: dry run and send say the same" "$(jq -c .data.recipients "$T/w/dry")" "$(jq -c .data.recipients "$T/w/send")"
    settle
}
boxes() { for org in acorn birch cedar delta ember; do box security@$org.example; done | tr '\n' ' '; }
verdicts() { recipients '"\(.org) \(.tier) \(.verdict) \(.rule)"'; }

# ---- cloud-model ----
send_under cloud-model
same 'cloud-model: distributions and providers are told' '1 1 1 1 1 ' "$(boxes)"
same 'cloud-model: each with its tier' 'acorn distros send
birch distros send
cedar distros send
delta service-providers send
ember service-providers send' "$(recipients '"\(.org) \(.tier) \(.verdict)"')"
opens delta 'cloud-model'
same 'the copy says which model' 'cloud service-providers' \
    "$(field Embargo-Model "$T/w/open.delta") $(field Embargo-Tier "$T/w/open.delta")"

# ---- distro-model ----
send_under distro-model
same 'distro-model: distributions alone are told' '2 2 2 1 1 ' "$(boxes)"
same 'distro-model: providers are named with the rule that leaves them out' 'delta skip tier.not-told
ember skip tier.not-told' "$(recipients 'select(.verdict == "skip") | "\(.org) \(.verdict) \(.rule)"')"
same 'and why' 2 "$(recipients 'select(.verdict == "skip") | .reason' | grep -c .)"
opens acorn 'distro-model'
same 'the copy says which model' 'distro distro-model@2026' \
    "$(field Embargo-Model "$T/w/open.acorn") $(field Embargo-Policy "$T/w/open.acorn")"
same 'what is denied under it' 1 "$(field Embargo-Denied "$T/w/open.acorn" | grep -c 'tell_existence')"
ctl advisory send "$id" --to delta >"$T/w/send"
settle
same '--to does not widen' '2 2 2 1 1 ' "$(boxes)"
ctl advisory send "$id" --tier service-providers >"$T/w/send"
same 'a tier that this policy has not: no such object' 3 $?

# ---- linux-distros@2026 ----
disclose 'At the limit'
ctl case set "$id" policy=linux-distros@2026 >/dev/null || not_ok 'case set policy'
opened=$(get .data.opened_at case show "$id")
until_days() { date -u -d "$opened +$1" +%Y-%m-%dT%H:%M:%SZ; }
denied clocks.embargo.max 'linux-distros: 15 days are refused' embargo set "$id" --until "$(until_days '15 days')" --reason r
same 'with file and line' 1 "$(jq -r .message "$T/w/denied" | grep -c 'linux-distros@2026.conf:[0-9]')"
denied clocks.embargo.max '14 days and a second, too' embargo set "$id" --until "$(until_days '14 days 1 second')" --reason r
same 'no date is set' null "$(get .data.until case show "$id")"
check '14 days are taken' ctl embargo set "$id" --until "$(until_days '14 days')" --reason 'the build farms need it'
same 'and stand in the case' "$(until_days '14 days')" "$(get .data.until case show "$id")"
denied clocks.embargo.max 'extending beyond is refused' embargo extend "$id" --until "$(until_days '15 days')" --reason r
denied clocks.embargo.max 'refused for the other admin as well' embargo set "$id" --until "$(until_days '20 days')" --reason r
same 'the date stays' "$(until_days '14 days')" "$(get .data.until case show "$id")"
usual_text 'At the limit' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
before=$(boxes)
send_advisory "$id"
settle
same 'linux-distros: providers are not told' 'delta tier.not-told
ember tier.not-told' "$(recipients 'select(.org == "delta" or .org == "ember") | "\(.org) \(.rule)"')"
same 'and have nothing new' "$(echo "$before" | cut -d' ' -f4,5)" "$(boxes | cut -d' ' -f4,5)"

# ---- a live embargo does not move with the policy's file ----
sed -i 's/^    id = "linux-distros";/    id = "linux-distros";  # edited/; s/14d/30d/g' "$T/i/policy/linux-distros@2026.conf"
kill -HUP "$daemon"
for reload_try in 1 2 3 4 5 6 7 8 9 10; do
    grep -q 'event=reloaded' "$T/log" && ctl status >/dev/null 2>&1 && break
    sleep 0.2
done
denied clocks.embargo.max 'an edited file does not widen the embargo of a case that began' \
    embargo extend "$id" --until "$(until_days '15 days')" --reason r

check 'the audit trail holds' ctl audit verify
stop
same 'the daemon ends with 0' 0 "$ended"
finish
