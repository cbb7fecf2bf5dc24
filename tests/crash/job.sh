#!/bin/sh
# One instance that is tripped up again and again: tests/crash/job.sh FOLDER NUMBER OF
# The first jobs find the points, by a clean run of each way of a kind: FOLDER/points, lines WAY ROLE CALL COUNT. Then each
# takes turns of FOLDER/chosen, lines WAY [ROLE CALL N ACTION]..., first those of its own kind, then those that are left
# of the other; and writes FOLDER/results.NUMBER, for each point RESULT WAY ROLE CALL N ACTION WHERE NOTE (tabs between): RESULT is ok, wrong, or missed (the call did not come).
# Where something is wrong after a turn with several points, each is tried alone; `together' is a
# line for a turn after which something was wrong, though nothing was after any of its points alone.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
folder=$1 number=$2 of=$3 TRIP=$1
. "${srcdir:-.}/tests/crash/ways.sh"

trap 'stop_sink; [ -z "$wkd_pid" ] || wkd_stop; cleanup' EXIT

# Of several jobs the second begins with SMTP.
kinds=$(for way in $ways; do kind_of "$way"; done | sort -u | tr '\n' ' ')
case "$kinds $number" in 'rehearsal smtp  2') kinds='smtp rehearsal' ;; esac
# Which job counts the calls of a kind.
counter_of() { if [ "$1" = smtp ] && [ "$of" -gt 1 ]; then echo 2; else echo 1; fi; }

kind=
# An instance of this kind.
use() {
    [ "$kind" = "$1" ] && return
    [ -z "$kind" ] || clear_away
    set_up "$1"
}

clear_away() {
    kill_all
    stop_sink
    [ -z "$wkd_pid" ] || wkd_stop
    for home in "$T"/i/gnupg/*/* "$T"/k/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
    rm -rf "$T/i" "$T/k" "$T/log" "$T/sink"
    mkdir -m 700 "$T/k"
}

# What is wrong once stays wrong: the next turn needs an instance of its own.
anew() {
    anew_kind=$kind
    clear_away
    set_up "$anew_kind"
}

# The points of the ways of a kind.
count_calls() {
    : >"$folder/counts.$1"
    use "$1"
    for way in $ways; do
        [ "$(kind_of "$way")" = "$1" ] || continue
        trip_way "$way"
        "$TRIP/trip" "$wire" counts | sed "s/^/$way /" >>"$folder/counts.$1"
        if [ -s "$T/w/wrong" ]; then
            echo "not ok - $way, undisturbed:"
            sed 's/^/  /' "$T/w/wrong"
            fails=$((fails + 1))
        fi
    done
    if [ "$fails" -ne 0 ]; then
        : >"$folder/chosen"
        finish
    fi
    mv "$folder/counts.$1" "$folder/points.$1"
    for count_kind in $kinds; do [ -e "$folder/points.$count_kind" ] || return 0; done
    for count_kind in $kinds; do cat "$folder/points.$count_kind"; done >"$folder/points.new.$number"
    mv "$folder/points.new.$number" "$folder/points"
}

for want_kind in $kinds; do
    [ "$(counter_of "$want_kind")" -ne "$number" ] || count_calls "$want_kind"
done
use "${kinds%% *}"
while [ ! -e "$folder/chosen" ]; do sleep 0.2; done

# record [ROLE CALL N ACTION]...: the results of the last turn.
record() {
    while [ $# -ge 4 ] && read -r where <&4; do
        result=ok
        [ -s "$T/w/wrong" ] && result=wrong
        [ "$where" = - ] && result=missed
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' $result "$way" "$1" "$2" "$3" "$4" "$where" \
            "refusals=$refusals starts=$starts_again logged=$log_lines doubles=$doubles retried=$retried $(tr '\n' ';' <"$T/w/wrong")" >>"$folder/results.$number"
        shift 4
    done 4<"$T/w/fired"
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

mkdir -p "$folder/taken"
for want_kind in $kinds; do
    line=0
    while read -r way points <&3; do
        line=$((line + 1))
        [ "$(kind_of "$way")" = "$want_kind" ] || continue
        [ -n "${DEADLINE:-}" ] && [ "$(date +%s)" -ge "$DEADLINE" ] && break
        mkdir "$folder/taken/$line" 2>/dev/null || continue
        use "$want_kind"
        take_turn $points
    done 3<"$folder/chosen"
done
finish
