#!/bin/sh
# All points of the crash and fault tests (crash.sh); KILLS, FAULTS, JOBS and SECONDS_MAX may narrow it.
KILLS=${KILLS:-all} FAULTS=${FAULTS:-all}
export KILLS FAULTS
exec "${SHELL:-sh}" "${srcdir:-.}/tests/crash/crash.sh"
