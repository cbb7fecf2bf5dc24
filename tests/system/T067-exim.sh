#!/bin/sh
# A real Exim with the lines of contrib/mta/exim: LMTP in, suffixes and the null sender kept, a daemon that is
# away. Debian lets Exim and Postfix not be installed side by side: skipped where there is no Exim. EXIM names the
# program. Exim has its own spool, log and port here, and no daemon of the machine's is touched.
. "${srcdir:-.}/tests/lib/unpacked.sh"
unpacked "${EXIM:-/usr/sbin/exim4}" Debian-exim
. "${srcdir:-.}/tests/lib/flow.sh"

exim=${EXIM:-$(command -v exim4 || command -v exim || echo none)}
[ -x "$exim" ] || { echo 'skipped: no Exim here (Debian: exim4-daemon-light)'; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo 'skipped: Exim takes another configuration from root only'; exit 77; }
id Debian-exim >/dev/null 2>&1 || { echo 'skipped: no user Debian-exim'; exit 77; }
need swaks setpriv
. "${srcdir:-.}/tests/lib/mta.sh"
recipe=${srcdir:-.}/contrib/mta/exim
server=

end_exim() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
}
at_end=end_exim

here() {
    sed "s|/var/spool/embargod-lmtp|$P/lmtp|g; s|-o embargod |-o nobody |"
}

exim_conf() {
    cat <<X
exim_path = $exim
queue_only
primary_hostname = mx.example.org
spool_directory = $P/spool
log_file_path = $P/log.%slog
pid_file_path = $P/exim.pid
daemon_smtp_ports = $port
local_interfaces = 127.0.0.1
qualify_domain = example.org
acl_smtp_rcpt = accept
acl_smtp_data = accept
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
begin acl
begin routers
$(section routers "$recipe" | here)
rest:
  driver = accept
  transport = rest
begin transports
$(section transports "$recipe" | here)
rest:
  driver = appendfile
  file = $P/rest
  user = Debian-exim
  create_file = anywhere
begin retry
* * F,1h,1s
X
}

# Another configuration is taken from root alone, and what Exim's own daemon starts is not root any more: the queue is
# run by root here.
begin_exim() {
    exim_conf >"$P/exim.conf"
    "$exim" -C "$P/exim.conf" -bdf >"$P/start" 2>&1 &
    server=$!
    (while kill -0 "$server" 2>/dev/null; do "$exim" -C "$P/exim.conf" -q; sleep 0.3; done) >/dev/null 2>&1 &
    for try in $(seq 300); do
        swaks --server "127.0.0.1:$port" --quit-after HELO >/dev/null 2>&1 && return
        sleep 0.1
    done
    not_ok 'Exim starts'
    cat "$P/start" "$P"/log.* 2>/dev/null
    finish
}

init
real_time
mkdir "$P/spool" && chown Debian-exim:Debian-exim "$P/spool" "$P"
eval "$(section once "$recipe" | here)"
sed -i '/^lmtp/d; /^courier/d' "$conf"
section embargod.conf "$recipe" | here | sed 's/^courier.*/courier = "maildir";/' >>"$conf"
give_to_nobody
live_as_nobody

begin_exim
report first | give rita@reporter.example $list "$port"
until_same 'a report is a case' 1 cases
stop
report later | give rita@reporter.example $list "$port"
deferred() { grep -c '== security@example.org R=embargod T=embargod defer' "$P/log.mainlog" | sed 's/^[1-9].*/some/'; }
until_same 'Exim keeps what the daemon is not there for' some deferred
live_as_nobody
until_same 'and hands it over later' 2 cases
report bounce | give '<>' security+c-abcdefgh@example.org "$port"
until_same 'the null sender stays one' bounce held_rules
same 'the suffix reaches the daemon' 1 \
    "$(grep -c 'security+c-abcdefgh@example.org.*R=embargod T=embargod C="250 ' "$P/log.mainlog")"
same 'nothing went elsewhere' '' "$(cat "$P/rest" 2>/dev/null)"

finish
