#!/bin/sh
# Processes that are killed in the middle: nothing is lost and nothing goes twice. A bad configuration does not end the
# daemon; an altered audit trail shows; the end is clean.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
start
members

# burst FIRST LAST: mails in a row, without waiting.
burst() {
    for n in $(seq "$1" "$2"); do
        mail "Rita <rita$n@reporter.example>" "Report $n" 'Authentication-Results: mx.example.org; dmarc=pass' \
            >"$T/w/burst.$n" <<X
Words of report $n.
X
        for burst_try in 1 2 3 4 5 6 7 8 9 10; do
            # What is not accepted stays with the mail server, which comes again.
            post "rita$n@reporter.example" "$T/w/burst.$n" 2>/dev/null && break
            sleep 0.3
        done
    done
}
# up: the daemon answers again.
up() {
    for up_try in $(seq 300); do
        "$bin/embargoctl" -c "$conf" --as ann@example.org status >/dev/null 2>&1 && return
        sleep 0.1
    done
    not_ok 'the daemon comes up again'
    finish
}
titles() { ctl case list | jq -r '.data[].title' | sort -t' ' -k2n | tr '\n' ' '; }

"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/second" 2>&1
same 'a second daemon for the same instance is refused' 78 $?
check 'and the first goes on' ctl status

# ---- core is killed while reports come in ----
burst 1 3
kill -KILL "$(role_pid core)"
burst 4 6
up
kill -KILL "$(role_pid core)"
up
settle
same 'core killed: every report is a case, once' 'Report 1 Report 2 Report 3 Report 4 Report 5 Report 6 ' "$(titles)"
same 'each of the team has each, once' '6 6' "$(box ann@example.org) $(box bob@example.org)"
same 'each reporter has one acknowledgement' '1 1 1 1 1 1' \
    "$(for n in 1 2 3 4 5 6; do box rita$n@reporter.example; done | tr '\n' ' ' | sed 's/ $//')"

# ---- intake is killed: what was accepted is there ----
kill -KILL "$(role_pid intake)"
burst 7 7
up
settle
same 'intake killed: nothing is lost' 7 "$(cases)"

# ---- the courier is stopped, then all are killed, with copies in the queue ----
disclose 'Ring page'
usual_text 'Ring page' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
kill -STOP "$(role_pid courier)"
ctl advisory send "$id" >"$T/w/send" || not_ok 'advisory send'
sleep 0.5
same 'nothing has gone yet' 0 "$(box security@acorn.example)"
core=$(role_pid core)
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
for gone_try in $(seq 300); do
    [ -z "$(role_pid core)$(role_pid intake)" ] && break
    sleep 0.1
done
same 'the roles end with their parent' '' "$(role_pid core)$(role_pid intake)"
kill -KILL "$(role_pid courier)" 2>/dev/null
daemon=
"$bin/embargo-inject" -c "$conf" -f rita1@reporter.example -- $list <"$T/w/burst.1" 2>/dev/null
same 'without a daemon the mail stays with the mail server: 75' 75 $?
start
settle
same 'after the start each copy goes, once' '1 1 1 1 1' \
    "$(for org in acorn birch cedar delta ember; do box security@$org.example; done | tr '\n' ' ' | sed 's/ $//')"
opens acorn 'after a restart'
same 'the queue is done' 'sent' "$(get '[.data[] | select(.kind == "advisory") | .state] | unique | join(" ")' queue list)"
ctl advisory send "$id" >/dev/null
settle
same 'said again: not twice' 1 "$(box security@acorn.example)"
inject rita1@reporter.example "$T/w/burst.1"
same 'a redelivery is known after the restart' 8 "$(cases)"

# ---- SIGHUP ----
cp "$conf" "$T/w/conf.good"
printf 'nonsense = {\n' >>"$conf"
pid=$daemon
kill -HUP "$daemon"
sleep 0.5
check 'a bad file does not end the daemon' kill -0 "$pid"
has 'it says so, with the line' 'event=reload-refused' "$T/log"
check 'and it answers' "$bin/embargoctl" -c "$T/w/conf.good" --help
cp "$T/w/conf.good" "$conf"
check 'with the old file' ctl status
kill -HUP "$daemon"
up
for reload_try in 1 2 3 4 5 6 7 8 9 10; do grep -q 'event=reloaded' "$T/log" && break; sleep 0.2; done
has 'a good one is taken' 'event=reloaded' "$T/log"
up
burst 8 8
settle
same 'and mail goes on' 9 "$(cases)"

# ---- the end ----
check 'audit verify' ctl audit verify
same 'names no entry' null "$(get .data.bad_seq audit verify)"
stop
same 'SIGTERM: exit 0' 0 "$ended"
same 'no process is left' '' "$(processes)"
same 'no socket is left' '' "$(find "$T/i/run" -type s)"
same 'the spool is empty' '' "$(find "$T/i/state/spool" -type f)"

# ---- an altered trail ----
check 'audit verify works without a daemon' ctl audit verify
sqlite3 "$T/i/state/db.sqlite" "UPDATE audit SET rule = rule || 'x' WHERE id = 5"
ctl audit verify >"$T/w/verify"
same 'an altered entry: refused, and named' '1 5' "$? $(jq -r .data.bad_seq "$T/w/verify")"
sqlite3 "$T/i/state/db.sqlite" "UPDATE audit SET rule = substr(rule, 1, length(rule) - 1) WHERE id = 5"
check 'put right again it holds' ctl audit verify
sqlite3 "$T/i/state/db.sqlite" "DELETE FROM audit WHERE id = 7"
ctl audit verify >"$T/w/verify"
same 'a missing entry is named' '1 7' "$? $(jq -r .data.bad_seq "$T/w/verify")"
finish
