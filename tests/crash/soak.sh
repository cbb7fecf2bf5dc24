#!/bin/sh
# All points of the crash and fault tests (crash.sh); KILLS, FAULTS, JOBS and SECONDS_MAX may narrow it. Of the calls that
# are too many, such as malloc, each run takes others; SEED, which it prints, takes the same again.
KILLS=${KILLS:-all} FAULTS=${FAULTS:-all} SEED=${SEED:-$(($(date +%s) % 10000))}
export KILLS FAULTS SEED
exec "${SHELL:-sh}" "${srcdir:-.}/tests/crash/crash.sh"
