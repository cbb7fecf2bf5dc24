#!/bin/sh
# The policy commands off line: check, list, show, explain (text, JSON, time line, SVG) and compare, over small histories
# of its own. With EMBARGO_DATA=FOLDER also over the CSV files of that folder, and the facts of its presets.tsv.
set -u
src=${srcdir:-.}
bin=$(CDPATH='' cd -- "${EMBARGO_BUILD:-${builddir:-.}}" && pwd) || exit 99
command -v jq >/dev/null 2>&1 || { echo 'skipped: no jq here'; exit 77; }
T=$(mktemp -d /tmp/eXXXXXX) || exit 99
trap 'rm -rf "$T"' EXIT
fails=0
unset EMBARGOD_CONF
tab=$(printf '\t')

# same WORDS WANTED GOT; has WORDS FIXED-STRING FILE; says CODE WORDS COMMAND...: its output in $T/out, $T/err.
same() {
    if [ "$2" = "$3" ]; then echo "ok - $1"; else
        printf 'not ok - %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
        fails=$((fails + 1))
    fi
}
has() {
    if grep -qF -e "$2" "$3"; then echo "ok - $1"; else
        printf 'not ok - %s: no %s in\n' "$1" "$2"
        head -n 30 "$3" | sed 's/^/  /'
        fails=$((fails + 1))
    fi
}
says() {
    says_code=$1 says_words=$2
    shift 2
    "$bin/embargoctl" "$@" >"$T/out" 2>"$T/err"
    same "$says_words" "$says_code" $?
}
value() { jq -r "$1" "$T/out"; }

# ---- check: all faults, with file and line ----
cat >"$T/bad.conf" <<'X'
policy = { id = "bad"; edition = "1"; };
tracks = ( { name = "all"; mode = "coordinated"; model = "distro"; when = { }; } );
tiers = ( { name = "lost"; classes = [ "distro" ]; tracks = [ ]; } );
clocks = ( { name = "c"; start = "report"; end = "publish"; unit = "hour"; min = 9; max = 2; forse = "hard"; },
           { name = "d"; start = "fix-ready"; end = "triage"; unit = "hour"; max = 2; } );
release = { time = "02:30"; zone = "Europe/Berlin"; forbid_weekdays = [ "mon", "fryday" ]; };
membership = { criteria = ( { id = "a"; }, { id = "a"; } ); };
X
says 1 'check: a file with faults' --json policy check "$T/bad.conf"
same 'check: every fault with its line' '3 policy.tier-unused
4 conf.unknown-key
4 policy.min-max
5 policy.clock-never-starts
6 conf.word
6 policy.release-hour
7 policy.name' "$(value '.data.faults[] | "\(.line) \(.rule)"' | sort)"
has 'check: the nearest key' 'force' "$T/out"
says 1 'check: as text' policy check "$T/bad.conf"
has 'check: names the file' 'bad.conf' "$T/out"
says 0 'check: the whole vocabulary' policy check "$src/tests/policy/whole.conf"
for file in "$src"/templates/policy/*@*.conf; do
    "$bin/embargoctl" policy check "$file" >"$T/out" 2>&1 || { cat "$T/out"; fails=$((fails + 1)); }
done
echo 'policy = {' | "$bin/embargoctl" policy check - >"$T/out" 2>"$T/err"
same 'check: standard input, and syntax' 1 $?

# ---- list, show ----
says 0 'list' --json policy list
same 'list: 24 presets, none with a fault' '24 0' "$(value '[(.data | length), ([.data[] | select(.fault)] | length)] | join(" ")')"
says 0 'show' policy show xen
has 'show: a bare id is the newest edition' 'xen@2026' "$T/out"
has 'show: twelve questions' '12. Are issues tracked in commits?' "$T/out"
has 'show: in words' 'embargo: from predisclose to publish, aimed at 2 working-weeks' "$T/out"
says 0 'show: as JSON' --json policy show docker@2015
same 'show: what is unstated' unstated "$(value '.data.values["tracks.all.mode"]')"
says 3 'show: no such policy' policy show zen
has 'show: the nearest one' 'xen' "$T/err"

# ---- explain ----
says 0 'explain: text' policy explain --policy kubernetes@2026 --svg "$T/line.svg"
has 'explain: who is told' 'distributors: told from' "$T/out"
has 'explain: which rule says so' 'tiers.distributors.notice.before_publish (kubernetes@2026.conf:' "$T/out"
has 'explain: what they may do' 'may build_test, deploy_internal; as the advisory says deploy_hosted' "$T/out"
has 'explain: what is unstated' 'clocks.predisclose.max' "$T/out"
has 'explain: a time line in the terminal' '=N===' "$T/out"
has 'explain: a time line as SVG' '</svg>' "$T/line.svg"
has 'explain: the SVG names the notices' 'latest notice' "$T/line.svg"
if command -v xmllint >/dev/null 2>&1; then
    xmllint --noout "$T/line.svg"
    same 'explain: the SVG is sound XML' 0 $?
fi
says 0 'explain: JSON' --json policy explain --policy xen
same 'explain: verdict and rule' 'tell tracks.coordinated xen@2026.conf' "$(value '.data | "\(.verdict) \(.rule) \(.file)"')"
same 'explain: the tier' 'predisclosure true aim' "$(value '.data.tiers[] | "\(.tier) \(.told) \(.force)"')"
same 'explain: its uses' 'deny advisory' "$(value '.data.tiers[0].uses | "\(.tell_cve) \(.deploy_hosted)"')"
says 0 'explain: nothing is stated' --json policy explain --policy docker
same 'explain: then it asks' 'ask true' "$(value '.data | "\(.verdict) \(.unstated | index("tracks.all.mode") != null)"')"
says 0 'explain: a stranger' --json policy explain --policy qemu --sender ann@example.net
same 'explain: a stranger where no mail is taken' 'refuse posting.mail-report' "$(value '.data | "\(.verdict) \(.rule)"')"
says 2 'explain: without a policy or an instance' policy explain

# ---- compare ----
says 0 'compare: answers' policy compare xen linux-distros
has 'compare: what differs is marked' '* 2. Who is told early?' "$T/out"
cat >"$T/h.csv" <<'X'
id,reported,told,public,severity,weekday,note
EX-1,2026-01-05,2026-01-07,2026-01-20,high,Tue,within
EX-2,2026-01-05,2026-01-06,2026-01-20,high,Tue,at the limit
EX-3,2026-01-05,2026-01-06,2026-01-25,high,,over it
EX-4,2026-01-05,2026-01-06,2026-03-02,,,"asked for ""14 days"" without a date"
EX-5,2026-01-05,2026-01-06,2026-01-13 (actual 2026-02-20),,,never posted
EX-6,2026-01-05,2026-01-06,2026-01-13,low,,nothing to hold back
EX-7,2026-01-05,2026-01-04,2026-01-13,,,told before it was reported
EX-8,2026-01-05,,2026-01-04,,,public before it was reported
EX-2025-9,,,2024-03-01,,,another year
EX-10,2026-01-05,2026-01-06,2026-02-30,,,no such day
EX-11,2026-01-05,2026-01-06,2026-01-13,,Fri,another weekday
X
says 0 'compare: a history' --json policy compare linux-distros xen --history "$T/h.csv" --rollout 5
same 'compare: what each was' 'within
at the limit
over the limit
without a date
never published
published at once' "$(value '.data.history.cases[].a.verdict')"
same 'compare: refused, by which rule' 'EX-3 clocks.embargo.max
EX-4 clocks.embargo.max
EX-6 tracks.low.mode' "$(value '.data.history.cases[] | select(.a.refused) | "\(.id) \(.a.rule)"')"
same 'compare: rows left out, with their lines' '8 9 10 11 12' "$(value '[.data.history.left_out[].line] | join(" ")')"
# By hand: one day of notice where a tier is told (5 of 6; the low one is public at once), so that 5 days of a roll-out
# leave 4 of exposure, and 5 for the low one: 25 / 6. Providers are not told, and exposed for all 5.
same 'compare: notice of a tier' '1' "$(value '.data.history.a.tiers[] | select(.tier == "linux-distros") | .notice_days')"
same 'compare: exposure of distributions' '4.167' "$(value '.data.history.a.classes.distributions.exposed_days * 1000 | round / 1000')"
same 'compare: exposure of providers' '5' "$(value '.data.history.a.classes.providers.exposed_days')"
same 'compare: end users begin at publication' '0 5' "$(value '.data.history.b.classes["end users"] | "\(.told) \(.exposed_days)"')"
says 0 'compare: a history as text' policy compare linux-distros xen --history "$T/h.csv"
has 'compare: names a row and its reason' 'h.csv:8: EX-7: told before it was reported' "$T/out"
has 'compare: the rule and its line' 'EX-3: over the limit, 19 days, refused by clocks.embargo.max (linux-distros@2026.conf:' "$T/out"
printf 'a,b\n1,2\n' >"$T/none.csv"
says 1 'compare: no headings' policy compare xen qemu --history "$T/none.csv"
says 2 'compare: a roll-out that is none' policy compare xen qemu --history "$T/h.csv" --rollout soon

# ---- what README shows: a preset, one value changed ----
sed 's/id = "linux-distros"/id = "ours"/; s/"2026"/"1"/; s/max = 14/max = 7/' "$src/templates/policy/linux-distros@2026.conf" \
    >"$T/ours@1.conf"
says 0 'README: the changed file has no fault' policy check "$T/ours@1.conf"
says 0 'README: compared with the preset' policy compare linux-distros "$T/ours@1.conf" --history "$T/h.csv"
has 'README: what changes' 'ours@1: embargo: from list-post to publish, at least 1 calendar-day, aimed at 7 calendar-days, at most 7 calendar-days' "$T/out"
has 'README: for whom' 'ours@1: EX-2: over the limit, 14 days, refused by clocks.embargo.max (ours@1.conf:' "$T/out"
says 0 'README: its answers differ in one' --json policy compare linux-distros "$T/ours@1.conf"
same 'README: question 8 alone' 8 "$(value '[.data.answers[] | select(.same | not) | .number] | join(" ")')"
same 'README: the value that differs' 'clocks.embargo.max 14 7' \
    "$(value '.data.differences[] | select(.key | startswith("policy.") | not) | "\(.key) \(.a) \(.b)"')"
says 0 'README: explain of a file' policy explain --policy "$T/ours@1.conf"

# ---- the data that the presets were made from ----
if [ -n "${EMBARGO_DATA:-}" ]; then
    tail -n +2 "$EMBARGO_DATA/presets.tsv" | awk -F"$tab" -v OFS="$tab" '$3 !~ /^note\./ {
        print $1 ~ /@/ ? $1 : $1 "@2026", $3, $1 !~ /@/ && $3 == "policy.edition" ? "2026" : $4 }' | sort >"$T/facts"
    grep -v '^#' "$src/tests/policy/facts.tsv" | sort >"$T/ours"
    same 'data: the facts of the presets' '' "$(diff "$T/facts" "$T/ours" | head -n 5)"
    for csv in "$EMBARGO_DATA"/*.csv; do
        says 0 "data: $(basename "$csv")" --json policy compare linux-distros xen --history "$csv"
        same 'data: every row is a case or named' "$(tail -n +2 "$csv" | grep -c .)" \
            "$(value '.data.history | (.cases | length) + (.left_out | length)')"
    done
    says 0 'data: the events' --json policy compare linux-distros xen --history "$EMBARGO_DATA/linux-distros-events.csv"
    same 'data: the five events are what they were' 'within, at the limit, without a date, over the limit, never published' \
        "$(value '[.data.history.cases[].a.verdict] | join(", ")')"
fi

[ "$fails" -eq 0 ]
