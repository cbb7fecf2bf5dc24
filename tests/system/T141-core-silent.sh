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

# ---- a start that meets a fault which passes ----
cc="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1" trip="${srcdir:-.}/tests/crash/trip.c" wire=$T/i/gnupg/wire
if ldd "$bin/embargod" | grep -q libasan || ! $cc -shared -fPIC -o "$T/i/gnupg/trip.so" "$trip" -ldl 2>/dev/null ||
    ! $cc -DTRIP_TOOL -o "$T/trip" "$trip" 2>/dev/null; then
    echo '# the trip wire does not work here: no fault is made at a start'
    finish
fi
starts() { # CODE ROLE CALL N ERRNO: 0: it serves; else it ends with this
    "$T/trip" "$wire" arm "$2" "$3" "$4" "$5"
    : >"$T/log"
    EMBARGO_TRIP=$wire LD_PRELOAD=$T/i/gnupg/trip.so "$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1 &
    daemon=$!
    for try in $(seq 300); do
        grep -q event=core-ready "$T/log" && break
        kill -0 $daemon 2>/dev/null || break
        sleep 0.05
    done
    kill -TERM $daemon 2>/dev/null
    wait $daemon
    same "$2: $5 at its $3 $4" "$1 yes" "$? $("$T/trip" "$wire" fired | grep -q -x -e - && echo no || echo yes)"
    daemon=
}
starts 0 core openat 34 EMFILE # of SQLite's, which opens the file for reading alone then
starts 0 core pread 6 EIO      # looks like damage
starts 0 core flock 1 ENOMEM
starts 0 core spawn 1 EAGAIN
starts 75 parent fork 2 EAGAIN
starts 75 parent socketpair 1 EMFILE
finish
