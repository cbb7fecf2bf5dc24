#!/bin/sh
# One instance that is tripped up again and again: tests/crash/job.sh FOLDER NUMBER OF
# Job 1 first finds the points, by a clean run of each way: FOLDER/points, lines WAY ROLE CALL COUNT.
# Then each does its share of FOLDER/chosen, lines WAY [ROLE CALL N ACTION]..., and writes FOLDER/results.NUMBER, for each
# point RESULT WAY ROLE CALL N ACTION WHERE NOTE (tabs between): RESULT is ok, wrong, or missed (the call did not come).
# Where something is wrong after a turn with several points, each is tried alone; `together' is a
# line for a turn after which something was wrong, though nothing was after any of its points alone.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
folder=$1 number=$2 of=$3 TRIP=$1
. "${srcdir:-.}/tests/crash/ways.sh"

set_up
if [ "$number" -eq 1 ]; then
    for way in $ways; do
        trip_way "$way"
        "$TRIP/trip" "$wire" counts | sed "s/^/$way /" >>"$folder/points.new"
        if [ -s "$T/w/wrong" ]; then
            echo "not ok - $way, undisturbed:"
            sed 's/^/  /' "$T/w/wrong"
            fails=$((fails + 1))
        fi
    done
    mv "$folder/points.new" "$folder/points"
    [ "$fails" -eq 0 ] || { : >"$folder/chosen"; finish; }
fi
while [ ! -e "$folder/chosen" ]; do sleep 0.2; done

# record [ROLE CALL N ACTION]...: the results of the last turn.
record() {
    while [ $# -ge 4 ] && read -r where <&4; do
        result=ok
        [ -s "$T/w/wrong" ] && result=wrong
        [ "$where" = - ] && result=missed
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' $result "$way" "$1" "$2" "$3" "$4" "$where" \
            "refusals=$refusals starts=$starts_again logged=$log_lines $(tr '\n' ';' <"$T/w/wrong")" >>"$folder/results.$number"
        shift 4
    done 4<"$T/w/fired"
}

# What is wrong once stays wrong: the next turn needs an instance of its own.
anew() {
    kill_all
    for home in "$T"/i/gnupg/*/* "$T"/k/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
    rm -rf "$T/i" "$T/k" "$T/log"
    mkdir -m 700 "$T/k"
    set_up
}

# turn [ROLE CALL N ACTION]...
take_turn() {
    trip_way "$way" "$@"
    if [ -s "$T/w/wrong" ]; then
        echo "not ok - $way, $* ($(tr '\n' ' ' <"$T/w/fired"))"
        sed 's/^/  /' "$T/w/wrong"
        tail -n +$((log_before + 1)) "$T/log" | tail -n 25 | sed 's/^/  log: /'
        [ -n "${KEEP:-}" ] && cp -a "$T" "$folder/kept.$number.$line"
        [ $# -gt 4 ] || record "$@"
        anew
        [ $# -gt 4 ] || { alone_wrong=yes; return; }
        take_alone "$@"
        return
    fi
    record "$@"
    case " $* " in *' kill '*) restarts=yes ;; *) restarts=$(grep 'event=restart' "$T/log") ;; esac
    if [ -n "$restarts" ]; then
        # The pause before a restart grows; an operator's start begins anew.
        stop
        bring_up
        : >"$T/log"
    fi
}

# take_alone ROLE CALL N ACTION ROLE CALL N ACTION...
take_alone() {
    alone_wrong=
    together="$way $*"
    while [ $# -ge 4 ]; do
        take_turn "$1" "$2" "$3" "$4"
        shift 4
    done
    [ -n "$alone_wrong" ] || printf 'together\t%s\n' "$together" >>"$folder/results.$number"
}

line=0
while read -r way points <&3; do
    line=$((line + 1))
    [ $((line % of)) -eq $((number - 1)) ] || continue
    [ -n "${DEADLINE:-}" ] && [ "$(date +%s)" -ge "$DEADLINE" ] && break
    take_turn $points
done 3<"$folder/chosen"
finish
