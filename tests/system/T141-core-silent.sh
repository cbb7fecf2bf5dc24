#!/bin/sh
# A core that does not take commands: embargoctl says so in time, and what it was not heard of is not done afterwards.
# A core whose start meets a fault that passes is started again.
. "${srcdir:-.}/tests/lib/flow.sh"
init
start
mail 'Rita <rita@reporter.example>' 'Report' 'Authentication-Results: mx.example.org; dmarc=pass' <<E >"$T/w/m"
Words.
E
inject rita@reporter.example "$T/w/m"
id=$(new_case)

core=$(role_pid core)
kill -STOP "$core"
before=$(date +%s)
ctl wait --timeout 1 >"$T/w/out"
same 'wait says it when its time is over' '75 daemon.silent' "$? $(jq -r .rule "$T/w/out")"
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'check finds it' fail "$(jq -r '.data[] | select(.name == "daemon") | .status' "$T/w/check")"
[ $(($(date +%s) - before)) -lt 20 ] && ok 'both in seconds' || not_ok 'both in seconds'
echo 'A note.' >"$T/w/note"
timeout 1 "$bin/embargoctl" -c "$conf" --as ann@example.org case note "$id" "$T/w/note"
kill -CONT "$core"
settle
has 'what was given up' 'event=control-withdrawn' "$T/log"
same 'is not done' 0 "$(get '[.data[] | select(.event | test("note"))] | length' audit show)"
check 'said again, it is' ctl case note "$id" "$T/w/note"
same 'once' 1 "$(get '[.data[] | select(.event | test("note"))] | length' audit show)"
stop
finish
