#!/bin/sh
# The file of a rehearsal's clock while the daemon runs: an instant before the keys is refused, one that is gone or no
# instant holds the time where it is and says so.
. "${srcdir:-.}/tests/lib/flow.sh"

init
start
was=$now

# waits WORDS WANTED: exit code, rule and instant of `wait`.
waits() {
    ctl wait --timeout "${3:-30}" >"$T/w/wait"
    same "$1" "$2" "$? $(jq -r '[.rule, .data.now] | tojson' "$T/w/wait")"
}

waits 'at first' "0 [null,\"$was\"]"
printf '2020-01-01T00:00:00Z\n' >"$T/clock"
waits 'an instant before the keys is refused' '1 ["clock.before-keys",null]'
same 'and time stands still' "$was" "$(get .data.now status)"
has 'status says so' 'before the making of' "$T/w/wait"
printf '2107-01-01T00:00:00Z\n' >"$T/clock"
waits 'so is one after the end of time' '1 ["clock.too-late",null]'
for text in 'tomorrow' '' '2026-13-01T00:00:00Z'; do
    printf '%s' "$text" >"$T/clock"
    waits "no instant: \"$text\"" "5 [\"clock.file\",\"$was\"]" 0.5
done
rm "$T/clock"
waits 'no file' "5 [\"clock.file\",\"$was\"]" 0.5
same 'status tells what to do' 'set the clock file' "$(get '.data.wrong[0].do' status)"
later '90 minutes'
waits 'an instant again' "0 [null,\"$now\"]"
set_clock "$was"
waits 'back, but after the keys' "0 [null,\"$was\"]"
same 'nothing is wrong any more' '[]' "$(get '.data.wrong | tojson' status)"

# Written by parts while somebody waits: the wait goes on until the instant is whole.
: >"$T/clock"
(sleep 1; printf '%s\n' "$was" >"$T/clock") &
waits 'a file that is being written' "0 [null,\"$was\"]"
wait $!
stop
printf '2020-01-01T00:00:00Z\n' >"$T/clock"
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/start" 2>&1
same 'no start before the keys' 78 $?
has 'and it says why' clock.before-keys "$T/w/start"
finish
