#!/bin/sh
# A command that comes while the daemon reads its configuration again is answered: by the core that ends, where it was
# connected to it, and by the next one else. Nobody is told that there was no answer.
. "${srcdir:-.}/tests/lib/flow.sh"
need python3

init
start

# relay: a second control socket, which is connected to the daemon's as soon as a client is there, and hands over what he
# says when $T/w/go is there.
cat >"$T/w/relay.py" <<'X'
import os, select, socket, sys, time
near, far, go = sys.argv[1:]
listening = socket.socket(socket.AF_UNIX)
listening.bind(near)
listening.listen(1)
client = listening.accept()[0]
daemon = socket.socket(socket.AF_UNIX)
daemon.connect(far)
open(go + '.connected', 'w').close()
while not os.path.exists(go):
    time.sleep(0.01)
other = {client: daemon, daemon: client}
while True:
    for end in select.select(list(other), [], [])[0]:
        said = end.recv(65536)
        if not said:
            sys.exit(print('ended by', 'client' if end is client else 'daemon', flush=True))
        other[end].sendall(said)
X
mkdir -p "$T/w/near/run"
cp "$conf" "$T/w/near/embargod.conf"
there() { [ -e "$1" ] && echo yes; }
python3 "$T/w/relay.py" "$T/w/near/run/control.sock" "$T/i/run/control.sock" "$T/w/go" >"$T/w/relay" &
relay=$!
until_same 'a relay stands' yes there "$T/w/near/run/control.sock"
"$bin/embargoctl" -c "$T/w/near/embargod.conf" --json --as ann@example.org status >"$T/w/reply" 2>&1 &
asking=$!
until_same 'a client is connected' yes there "$T/w/go.connected"
# Core accepts it in its next turn; then it is told to end.
ctl status >/dev/null
reloads=$(grep -c event=reloaded "$T/log")
kill -HUP "$daemon"
: >"$T/w/go"
wait $asking
same 'who was connected, and had not said all, is answered' 'true' "$(jq .ok "$T/w/reply")"
grep -q '"ok":true' "$T/w/reply" || cat "$T/w/reply" "$T/w/relay"
wait $relay
until_same 'it has reloaded' $((reloads + 1)) grep -c event=reloaded "$T/log"

# ---- and whoever comes ----
answered=0
for try in 1 2 3; do
    kill -HUP "$daemon"
    for command in 1 2 3 4 5 6 7 8; do
        ctl status >"$T/w/reply" 2>&1 && answered=$((answered + 1)) || cat "$T/w/reply"
    done
done
same 'commands during three reloads, each answered' 24 $answered
stop
finish
