#!/bin/sh
# One instance that is tripped up again and again: tests/crash/job.sh FOLDER NUMBER OF
# Job 1 first finds the points, by a clean run of each way: FOLDER/points, lines WAY ROLE CALL COUNT.
# Then each does its share of FOLDER/chosen, lines WAY ROLE CALL N ACTION, and writes FOLDER/results.NUMBER, lines
# RESULT WAY ROLE CALL N ACTION WHERE NOTE (tabs between): RESULT is ok, wrong, or missed (the call did not come).
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
folder=$1 number=$2 of=$3 TRIP=$1
. "${srcdir:-.}/tests/crash/ways.sh"

set_up
if [ "$number" -eq 1 ]; then
    for way in $ways; do
        trip_way "$way" parent change 0 kill
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

line=0
while read -r way role call n action <&3; do
    line=$((line + 1))
    [ $((line % of)) -eq $((number - 1)) ] || continue
    [ -n "${DEADLINE:-}" ] && [ "$(date +%s)" -ge "$DEADLINE" ] && break
    trip_way "$way" "$role" "$call" "$n" "$action"
    result=ok
    [ -n "$where" ] || result=missed
    [ -s "$T/w/wrong" ] && result=wrong
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' $result "$way" "$role" "$call" "$n" "$action" "$where" \
        "refusals=$refusals starts=$starts_again logged=$log_lines $(tr '\n' ';' <"$T/w/wrong")" >>"$folder/results.$number"
    if [ $result = wrong ]; then
        echo "not ok - $way, $role, $call $n, $action ($where)"
        sed 's/^/  /' "$T/w/wrong"
        tail -n +$((log_before + 1)) "$T/log" | tail -n 25 | sed 's/^/  log: /'
        # What is wrong once stays wrong: the next turn needs an instance of its own.
        [ -n "${KEEP:-}" ] && cp -a "$T" "$folder/kept.$number.$line"
        kill_all
        for home in "$T"/i/gnupg/*/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
        rm -rf "$T/i" "$T/k" "$T/log"
        mkdir -m 700 "$T/k"
        set_up
    elif [ "$action" = kill ] || grep -q 'event=restart' "$T/log"; then
        # The pause before a restart grows; an operator's start begins anew.
        stop
        bring_up
        : >"$T/log"
    fi
done 3<"$folder/chosen"
finish
