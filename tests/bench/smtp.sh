#!/bin/sh
# How many mails of 10 KiB a second the courier hands to Postfix's smtp-sink, beside smtp-source with as many sessions to
# the same sink, in turns. Both are in Debian's package postfix, which need not be set up nor run; POSTFIX_SBIN names
# their folder where it is not /usr/sbin. `smtp.sh [MAILS [ROUNDS]]`; builddir as for tests. Ends with 1 where
# smtp-source, as it works by default (a connection for each mail), was faster in the median.
set -u
bin=${builddir:-.}
feed=${COURIER_FEED:-$bin/tests/bench/courier-feed}
sbin=${POSTFIX_SBIN:-/usr/sbin}
mails=${1:-4000}
rounds=${2:-5}
port=$((20000 + $$ % 20000))
for tool in "$sbin/smtp-sink" "$sbin/smtp-source" "$feed"; do
    [ -x "$tool" ] || { echo "skipped: no $tool"; exit 77; }
done
dir=$(mktemp -d) || exit 99
user=
[ "$(id -u)" -ne 0 ] || user='-u nobody'
"$sbin/smtp-sink" $user -c "127.0.0.1:$port" 128 >"$dir/sink" 2>&1 &
sink=$!
trap 'kill $sink 2>/dev/null; rm -rf "$dir"' EXIT
sleep 1

# source_rate NAME OPTION...: mails a second, into the file NAME.
source_rate() {
    rate_file=$dir/$1
    shift
    start=$(date +%s%N)
    "$sbin/smtp-source" "$@" -m "$mails" -l 10240 -f security@example.org -t member@example.net "127.0.0.1:$port" || exit 1
    end=$(date +%s%N)
    echo $((mails * 1000000000 / (end - start))) >>"$rate_file"
}

median() { sort -n "$dir/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
slower=0
# Four sessions are what the courier has by itself (COURIER_SESSIONS); with one mail in its hands it has one.
for sessions in 4 1; do
    rm -f "$dir/source" "$dir/reuse" "$dir/courier" "$dir/memory"
    [ $sessions -eq 1 ] && jobs=1 || jobs=20
    for round in $(seq "$rounds"); do
        source_rate source -s $sessions
        source_rate reuse -s $sessions -d
        "$feed" 127.0.0.1 "$port" "$mails" 10240 $jobs >"$dir/line" || exit 1
        cut -d' ' -f3 "$dir/line" >>"$dir/courier"
        cut -d' ' -f5 "$dir/line" >>"$dir/memory"
    done
    printf 'mails of 10 KiB a second, sessions: %s, median of %s rounds of %s (all rounds)\n' $sessions "$rounds" "$mails"
    for row in 'courier courier, up to 100 mails a connection' 'source smtp-source, one mail a connection' \
        'reuse smtp-source -d, one connection a session'; do
        name=${row%% *}
        printf '%8s  %s (%s)\n' "$(median "$name")" "${row#* }" "$(tr '\n' ' ' <"$dir/$name" | sed 's/ $//')"
    done
    printf '%8s  KiB at most, the largest process of the courier\n' "$(sort -n "$dir/memory" | tail -n 1)"
    [ "$(median courier)" -ge "$(median source)" ] || slower=1
done
[ $slower -eq 0 ]
