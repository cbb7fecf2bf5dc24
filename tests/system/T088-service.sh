#!/bin/sh
# Under a service manager: it is told when mail is taken, of a reload, of the end, and that the loop turns; sockets that
# it opened are used and left to it; SIGHUP takes a new configuration and refuses a bad one; the unit is closed tightly.
. "${srcdir:-.}/tests/lib/flow.sh"
need python3
top=${srcdir:-.}

init
# Every datagram, a line each.
cat >"$T/w/manager.py" <<'X'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    with open(sys.argv[2], "a") as f:
        f.write(s.recv(4096).decode().replace("\n", " ") + "\n")
X
: >"$T/w/told"
python3 "$T/w/manager.py" "$T/w/notify" "$T/w/told" &
manager=$!
told() { comes_in "$1" "$2" "$T/w/told"; }
while [ ! -S "$T/w/notify" ]; do sleep 0.05; done

NOTIFY_SOCKET=$T/w/notify WATCHDOG_USEC=600000
export NOTIFY_SOCKET WATCHDOG_USEC
start
told 'ready is said when mail and commands are taken' '^READY=1'
told 'and that the loop turns' '^WATCHDOG=1$'

: >"$T/w/told"
sed -i 's/^limits *= *{/limits = { workers = 3;/; $a\' "$conf"
grep -q 'workers = 3' "$conf" || echo 'limits = { workers = 3; };' >>"$conf"
kill -HUP $daemon
told 'a reload is said' '^RELOADING=1 MONOTONIC_USEC=[0-9][0-9]*$'
told 'and that it is over' '^READY=1'
has 'the log says so too' 'event=reloaded' "$T/log"
check 'commands are taken' ctl status

cp "$conf" "$T/w/good"
sed -i '/^sandbox/d' "$conf"
echo 'sandbox = "besteffort";' >>"$conf"
: >"$T/w/told"
kill -HUP $daemon
for reload_try in $(seq 300); do
    grep -q 'event=reload-refused' "$T/log" && break
    sleep 0.1
done
check 'a bad configuration is refused, with its line' \
    grep -q 'event=reload-refused.* line [0-9]*: .*besteffort' "$T/log"
cp "$T/w/good" "$conf"
check 'and the old one goes on' ctl status
refused 'no reload is said' grep -q RELOADING "$T/w/told"

: >"$T/w/told"
stop
told 'the end is said' '^STOPPING=1$'
unset NOTIFY_SOCKET WATCHDOG_USEC
kill $manager

# ---- sockets that are handed in ----

sed -i '/^lmtp/d' "$conf"
echo "lmtp = { unix = \"run/lmtp.sock\"; tcp = \"127.0.0.1:$port\"; };" >>"$conf"
cat >"$T/w/activate.py" <<'X'
import os, socket, sys
paths, port, words = sys.argv[1:3], int(sys.argv[3]), sys.argv[4:]
socks = [socket.socket(socket.AF_UNIX) for _ in paths] + [socket.socket(socket.AF_INET)]
for s, at in zip(socks, paths + [("127.0.0.1", port)]):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(at)
    s.listen(64)
held = [os.dup2(s.fileno(), 100 + i, inheritable=False) for i, s in enumerate(socks)]
for i, fd in enumerate(held):
    os.dup2(fd, 3 + i, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(held)), LISTEN_PID=str(os.getpid()))
os.execv(words[0], words)
X
mkdir -p "$T/i/run"
python3 "$T/w/activate.py" "$T/i/run/control.sock" "$T/i/run/lmtp.sock" $port \
    "$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1 &
daemon=$!
# The sockets are there before anybody serves them.
while [ ! -S "$T/i/run/control.sock" ]; do sleep 0.05; done
sleep 0.2
check 'a command by a socket that was handed in' ctl status
mail 'Rita <rita@reporter.example>' 'Handed in' >"$T/w/mail" <<'X'
Words.
X
check 'a mail by LMTP in the file system' post rita@reporter.example "$T/w/mail"
mail 'Rita <rita@reporter.example>' 'Handed in too' >"$T/w/mail2" <<'X'
Words.
X
check 'a mail by LMTP over TCP' swaks --silent 2 --protocol LMTP --server 127.0.0.1 --port $port \
    --from rita@reporter.example --to $list --data "$(cat "$T/w/mail2")"
settle
same 'both are cases' 2 "$(ctl case list | jq '.data | length')"
stop
check 'the sockets are left to who opened them' test -S "$T/i/run/control.sock" -a -S "$T/i/run/lmtp.sock"
rm -f "$T/i/run/"*.sock

if command -v systemd-socket-activate >/dev/null 2>&1; then
    systemd-socket-activate -l "$T/i/run/control.sock" -l "$T/i/run/lmtp.sock" \
        "$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1 &
    daemon=$!
    while [ ! -S "$T/i/run/control.sock" ]; do sleep 0.05; done
    check 'systemd-socket-activate: the first command starts the daemon' ctl status
    stop
    rm -f "$T/i/run/"*.sock
else
    echo 'ok - skipped: no systemd-socket-activate here'
fi

python3 "$T/w/activate.py" "$T/w/other.sock" "$T/i/run/lmtp.sock" $port \
    "$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/refused" 2>&1
same 'a socket that the configuration does not name is refused' 78 $?
has 'and the error says the remedy' 'lmtp.unix' "$T/w/refused"

# ---- the unit ----

if command -v systemd-analyze >/dev/null 2>&1; then
    check 'the exposure of the unit is 1.5 or less' systemd-analyze security --offline=true --threshold=15 \
        "$top/contrib/systemd/embargod.service"
    tail -n 1 "$T/w/out" | sed 's/^/  /'
else
    echo 'ok - skipped: no systemd-analyze here'
fi
finish
