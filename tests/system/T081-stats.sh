#!/bin/sh
# Statistics, status and next: durations of each step to the second, what is missed, what is wrong; and metrics that stay
# the same to the byte whatever happens under embargo.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
plain() { "$bin/embargoctl" -c "$conf" --as ann@example.org "$@"; }

init
start
plain status >"$T/w/status"
has 'nothing is wrong at first' 'Nothing is wrong.' "$T/w/status"
has 'nor due' 'Nothing falls due' "$T/w/status"
plain stats --openmetrics >"$T/w/om"
same 'metrics of nothing end' '# EOF' "$(tail -n 1 "$T/w/om")"
members

# ---- two cases that become public after 10 and 4 days, told after 2 and 1 ----
published() { # TITLE SEVERITY DAYS-TO-ACCEPT DAYS-TO-TELL DAYS-TO-PUBLIC
    mail 'Ann <ann@example.org>' "$1" <<X >"$T/w/open"
Found.
X
    ctl case open --from "$T/w/open" >"$T/w/opened"
    id=$(jq -r .data.id "$T/w/opened")
    later "$3 hours"
    ctl case set "$id" severity="$2" >/dev/null
    ctl case accept "$id" >/dev/null
    ctl case fix-ready "$id" >/dev/null
    ctl advisory new "$id" --title "$1" >/dev/null
    later "$4 hours"
    send_advisory "$id"
    settle
    later "$5 hours"
    ctl embargo lift "$id" >/dev/null || not_ok 'embargo lift'
    settle
}
published one high 1 2 24
published two high 3 4 48
ctl stats >"$T/w/stats"
same 'stats: 0' 0 $?
time_of() { jq -r --arg step "$1" --arg tier "$2" --arg severity "$3" '.data.times[] | select(.step == $step and (.tier // "") == $tier and
    (.severity // "all") == $severity) | "\(.n) \(.median_s) \(.p90_s)"' "$T/w/stats"; }
same 'report to triage' '2 3600 10800' "$(time_of triage '' all)"
same 'report to notice, of a tier' '2 10800 25200' "$(time_of notice distros all)"
same 'report to public' '2 97200 198000' "$(time_of public '' high)"
same 'notice to public' '2 86400 172800' "$(time_of embargo service-providers high)"
same 'in words' '1 d 3 h' "$(jq -r '.data.times[] | select(.step == "public" and .severity == "high") | .median' "$T/w/stats")"
same 'delivered' 10 "$(jq -r .data.delivery.sent "$T/w/stats")"
same 'nobody has said a word yet' '{"none":10}' "$(jq -c .data.acknowledgements "$T/w/stats")"
ctl advisory ack "$id" affected --org acorn >/dev/null || not_ok 'advisory ack'
ctl advisory ack "$id" fixed-by "$(date -u -d "$now +9 days" +%Y-%m-%d)" --org birch >/dev/null || not_ok 'advisory ack'
ctl stats >"$T/w/stats"
same 'what members have said' '{"affected":1,"fixed-by":1,"none":8}' "$(jq -c .data.acknowledgements "$T/w/stats")"
same 'by case: copies and words' "$id 5 0 0 5 2 1 0 1 3" "$(jq -r '.data.cases[0] | "\(.case) \(.sent) \(.waiting) \(.failed) \(.told) \(.acknowledged) \(.affected) \(.not_affected) \(.fixed_by) \(.missing)"' "$T/w/stats")"
plain stats >"$T/w/table"
has 'who is missing, in the table' MISSING "$T/w/table"
has 'a table for people' 'MEDIAN' "$T/w/table"

# ---- metrics ----
plain stats --openmetrics >"$T/w/om"
has 'two published' 'embargod_published_cases{list="main",severity="high"} 2' "$T/w/om"
has 'seconds' 'embargod_step_seconds{list="main",step="public",severity="high",tier="",stat="median"} 97200' "$T/w/om"
has 'copies' 'embargod_advisory_copies{list="main",state="sent"} 10' "$T/w/om"
same 'each metric stands together' "$(grep -c '^# TYPE' "$T/w/om")" \
    "$(sed -n 's/^\(embargod[a-z_]*\).*/\1/p' "$T/w/om" | uniq | wc -l)"
has 'words of members' 'embargod_acknowledgements{list="main",value="affected"} 1' "$T/w/om"
refused 'no line is empty' grep -q '^$' "$T/w/om"
same 'it ends with # EOF' '# EOF' "$(tail -n 1 "$T/w/om")"
same 'the JSON has the same' "$(cat "$T/w/om")" "$(get .data.openmetrics stats --openmetrics)"

# What is under embargo changes nothing in them, in any state.
disclose secret
ctl case set "$id" severity=critical >/dev/null
usual_text secret >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null
plain stats --openmetrics >"$T/w/om1"
check 'a case under embargo: not a byte' cmp "$T/w/om" "$T/w/om1"
ctl embargo set "$id" --until "$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
send_advisory "$id"
settle
plain stats --openmetrics >"$T/w/om1"
check 'told to members: not a byte' cmp "$T/w/om" "$T/w/om1"

# ---- status and next ----
plain next >"$T/w/next"
has 'next names the case' "$id" "$T/w/next"
get '.data[0] | "\(.case) \(.in) \(.do)"' next >"$T/w/first"
has 'and what to type' "$id" "$T/w/first"
later '9 days 12 hours'
settle
plain status >"$T/w/status"
has 'what comes within a day' 'In the next 24 hours' "$T/w/status"
mail 'Rita <rita@reporter.example>' 'Another' <<X >"$T/w/m"
A report.
X
inject rita@reporter.example "$T/w/m"
printf 'no mail at all' >"$T/w/m"
inject x@reporter.example "$T/w/m"
later '6 hours'
later '20 hours'
settle
plain status >"$T/w/status"
has 'a report that waits' 'a report has waited for more than a day' "$T/w/status"
has 'a mail that is held' 'a mail is held' "$T/w/status"
has 'with what to type' 'embargoctl held list' "$T/w/status"
same 'the JSON has it too' 1 "$(get '[.data.wrong[] | select(.do == "held list")] | length' status)"
plain stats --openmetrics | grep -v site_built >"$T/w/om1" # the site is made anew each month
grep -v site_built "$T/w/om" >"$T/w/om2"
check 'and the metrics are still the same' cmp "$T/w/om2" "$T/w/om1"
stop
finish
