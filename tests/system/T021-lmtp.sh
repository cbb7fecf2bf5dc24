#!/bin/sh
# The LMTP server of the daemon against the RFCs, by a client of its own (tests/lib/lmtp_rfc.py); then a thousand
# connections that drip or are silent, beside which mail is taken, and what memory they cost.
. "${srcdir:-.}/tests/lib/flow.sh"
need python3
client=${srcdir:-.}/tests/lib/lmtp.py
sock=$T/i/run/lmtp.sock
spool=$T/i/state/spool
ms() { echo $(($(date +%s%N) / 1000000)); }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$(role_pid "$1" | head -n 1)/status"; }

init
sed -i '/^limits/d' "$conf"
printf 'limits = { message_bytes = 2000000; connections = 1000; };\n' >>"$conf"
# A service has 1,024 descriptors, which are fewer than a thousand connections with a mail each need.
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 3000 ] || { echo 'skipped: too few descriptors here'; exit 77; }
ulimit -Sn 1024
start
kill -STOP "$(role_pid core)"
python3 "${srcdir:-.}/tests/lib/lmtp_rfc.py" "$sock" "$spool" $list 2000000 >"$T/w/rfc" 2>&1
rfc=$?
grep -v '^ok' "$T/w/rfc"
same 'the RFCs' "0 0" "$rfc $(grep -c '^not ok' "$T/w/rfc")"
echo "# $(grep -c '^ok' "$T/w/rfc") checks"

# ---- a thousand ----
ulimit -Sn "$(ulimit -Hn)"
before=$(memory intake)
mkfifo "$T/w/hold" && exec 9<>"$T/w/hold"
LIST=$list python3 "$client" "$sock" crowd 1000 <&9 >"$T/w/crowd" 2>&1 &
crowd=$!
for crowd_try in $(seq 300); do grep -q ready "$T/w/crowd" && break; sleep 0.1; done
has 'a thousand connections are open' ready "$T/w/crowd"
sleep 1.2
begun=$(ms)
for n in 1 2 3 4 5 6 7 8 9 10; do
    mail "Rita <rita$n@reporter.example>" "Beside $n" <<X >"$T/w/m"
Words.
X
    post rita$n@reporter.example "$T/w/m" || not_ok "beside a thousand others mail $n is taken"
done
took=$(($(ms) - begun))
after=$(memory intake)
echo "# beside a thousand others ten mails took $took ms; intake has $before KiB without them, $after KiB with them"
[ "$took" -lt 5000 ] && ok 'others are served' || not_ok "others are served: $took ms"
[ $((after - before)) -lt 49152 ] && ok 'they cost less than 48 KiB each' || not_ok "memory: $after KiB"
same 'the mails are in the spool' 10 "$(ls "$spool/new" | wc -l)"
lacks 'nothing failed for want of descriptors' 'Too many open files' "$T/log"
kill "$crowd" 2>/dev/null && wait "$crowd" 2>/dev/null
exec 9>&-
kill -CONT "$(role_pid core)"
settle
same 'and become cases' 10 "$(cases)"
stop
same 'the daemon ends well' 0 "$ended"
finish
