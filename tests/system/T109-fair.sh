#!/bin/sh
# A slow domain does not hold up others: an advisory goes to more recipients of a domain that hangs than core hands over
# at a time (limits.courier_jobs), and to others behind them in the queue, who have theirs within seconds. When the
# domain is there again, its copies go.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/sink.sh"

init
slow='amber brick coral dusky ebony flint grape'
for org in $slow light merry; do make_key $org "$org@$org.example" & done
wait_for_keys() { for org in $slow light merry; do [ -s "$T/k/$org.asc" ] || return 1; done; }
for key_try in $(seq 300); do wait_for_keys && break; sleep 0.05; done
real_time
by_smtp 'courier_jobs = 4; retry_first_s = 1; retry_max_s = 1;' 12
sink first only=@slow.example rcpt=hang
live
for org in $slow; do
    ctl member add --org $org --class distro --tier distros --address "$org@slow.example" --key "$T/k/$org.asc" >"$T/w/add" ||
        { not_ok "member add $org"; cat "$T/w/add"; }
done
for org in light merry; do
    ctl member add --org $org --class distro --tier distros --address "$org@$org.example" --key "$T/k/$org.asc" >"$T/w/add" ||
        { not_ok "member add $org"; cat "$T/w/add"; }
done
ctl wait --timeout 30 >/dev/null
disclose 'A slow domain'
usual_text 'A slow domain' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
begun=$(date +%s)
send_advisory "$id"
state_of() { get "[.data[] | select(.kind == \"advisory\" and (.address | endswith(\"@$1\"))) | .state] | unique | join(\" \")" queue list; }
for try in $(seq 110); do
    got="$(state_of light.example) $(state_of merry.example)"
    [ "$got" = 'sent sent' ] && break
    sleep 0.1
done
same 'those of other domains have theirs, before the first of the slow ones has given up' 'sent sent' "$got"
echo "# after $(($(date +%s) - begun)) s"
same 'none of the slow domain has failed' 0 "$(get '[.data[] | select(.state == "failed")] | length' queue list)"
same 'nor has its mail' 0 "$(cat "$S"/*.eml 2>/dev/null | grep -c 'slow.example')"
no_sink
sink second
for try in $(seq 300); do
    got=$(state_of slow.example)
    [ "$got" = sent ] && break
    sleep 0.1
done
same 'when it is there, its copies go' sent "$got"
same 'each once' 7 "$(cat "$S"/*.log | grep -c '^RCPT TO:<[a-z]*@slow.example>')"
no_sink
stop
same 'the daemon ends well' 0 "$ended"
finish
