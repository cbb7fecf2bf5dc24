#!/bin/sh
# A real Postfix on both sides, with the lines that `embargoctl init` prints and those of contrib/mta/postfix: LMTP and
# a pipe in, SMTP out, its retry after 451 and after a connection lost between the final dot and our reply, and VERP
# addresses that come back in its own bounces. The daemon runs as a user of its own, neither root's nor Postfix's.
# Postfix has its own folders, ports and master process here; a Postfix that is installed for this machine is not
# touched.
. "${srcdir:-.}/tests/lib/flow.sh"

for sbin in "${POSTFIX_DAEMONS:-}" /usr/lib/postfix/sbin /usr/libexec/postfix; do
    [ -x "$sbin/master" ] && break
done
[ -x "$sbin/master" ] || { echo 'skipped: no Postfix here'; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo 'skipped: Postfix is started by root only'; exit 77; }
id postfix >/dev/null 2>&1 || { echo 'skipped: no user postfix'; exit 77; }
need swaks perl setpriv smtp-sink postmap
. "${srcdir:-.}/tests/lib/mta.sh"
recipe=${srcdir:-.}/contrib/mta/postfix
sink_port=$((port + 1)) refusing_port=$((port + 2)) master= sink= refusing= proxy=

end_postfix() {
    for end_pid in $sink $refusing $proxy; do kill "$end_pid" 2>/dev/null; done
    # Its own pid, from its own folder.
    [ -s "$P/queue/pid/master.pid" ] && kill "$(tr -d ' ' <"$P/queue/pid/master.pid")" 2>/dev/null
    [ -n "$master" ] && wait "$master" 2>/dev/null
}
at_end=end_postfix

# here: the lines of standard input with the paths of this test.
here() {
    sed "s|/etc/postfix|$P/etc|g; s|/var/spool/postfix|$P/queue|g; s|/usr/bin/embargo-inject|$P/bin/embargo-inject|g
        s|/var/lib/embargod/|$T/i/|g; s|user=embargod|user=nobody|; s|-o $(id -un) |-o nobody |"
}

# printed LABEL: the lines that init printed under it.
printed() {
    awk -v label="$1" '/^Mail server/ { on = 1; next } on && /^$/ { exit }
        on { if (substr($0, 3, 1) != " ") now = $1
             if (now == label && !/^ *\(/) print substr($0, 18) }' "$T/w/advice"
}

# ---- the lines that init prints ----

init
real_time
"$bin/embargoctl" init --home "$T/j" --list main --address $list --admin "ann@example.org:$T/k/ann.asc" \
    >"$T/w/advice" 2>&1 || not_ok 'init prints its advice'
rm -rf "$T/j"
for part in embargod.conf main.cf transport; do
    printed $part >"$T/w/printed"
    section $part "$recipe" >"$T/w/section"
    check "init prints the recipe's lines for $part" cmp "$T/w/printed" "$T/w/section"
done
same 'and how to make the folder' \
    "$(section once "$recipe" | sed "s/-o embargod/-o $(id -un)/")" "$(printed once)"

# ---- Postfix ----

mkdir -p "$P/etc" "$P/queue" "$P/data"
chown postfix "$P/data"
{
    cat <<X
compatibility_level = 3.6
queue_directory = $P/queue
data_directory = $P/data
daemon_directory = $sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $P/log
maillog_file_prefixes = $P
myhostname = mx.example.org
myorigin = example.org
mydestination = example.org
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtp_host_lookup = native
relayhost = [127.0.0.1]:$sink_port
alias_maps = hash:$P/etc/aliases
local_recipient_maps = \$alias_maps
mailbox_transport = discard:
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
X
    printed main.cf | here
} >"$P/etc/main.cf"
{
    # As Debian has them: the lmtp client in a chroot.
    cat <<X
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
lmtp unix - - y - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
X
    section 'master.cf for a pipe' "$recipe" | here
} >"$P/etc/master.cf"
section aliases "$recipe" >"$P/etc/aliases"
printf 'ann: ann@far.example\nbob: bob@far.example\nroot: root@far.example\n' >>"$P/etc/aliases"
# A server that refuses everybody.
{ printed transport; printf 'gone.example smtp:[127.0.0.1]:%s\n' $refusing_port; } >"$P/etc/transport"
map() {
    postmap -c "$P/etc" "hash:$P/etc/transport" && postalias -c "$P/etc" "hash:$P/etc/aliases"
}
check 'the maps are made' map
mkdir "$P/sink" && chown nobody "$P/sink"
(cd "$P/sink" && exec smtp-sink -u nobody -d '%M.' "127.0.0.1:$sink_port" 100) >"$P/sink.log" 2>&1 &
sink=$!
smtp-sink -u nobody -f RCPT "127.0.0.1:$refusing_port" 100 >"$P/refusing.log" 2>&1 &
refusing=$!
postfix -c "$P/etc" start-fg >"$P/start" 2>&1 &
master=$!
for try in $(seq 300); do
    [ -s "$P/queue/pid/master.pid" ] && swaks --server "127.0.0.1:$port" --quit-after HELO >/dev/null 2>&1 && break
    sleep 0.1
done
[ "$try" -lt 300 ] || { not_ok 'Postfix starts'; cat "$P/start" "$P/log"; finish; }

# ---- LMTP in, SMTP out ----

eval "$(printed once | here)"
sed -i '/^lmtp/d; /^courier/d; /^smtp/d; /^limits/d' "$conf"
{
    printed embargod.conf | here
    printf 'smtp = { host = "127.0.0.1"; port = %s; };\nlimits = { retry_first_s = 1; };\n' "$port"
} >>"$conf"
give_to_nobody
live_as_nobody
same 'the socket is for the group of Postfix alone' '660 postfix' "$(stat -c '%a %G' "$P/queue/embargod/lmtp.sock")"
same 'and nobody else enters its folder' '2710 postfix' "$(stat -c '%a %G' "$P/queue/embargod")"

report first | give rita@reporter.example $list "$port"
until_same 'a report comes in by LMTP' 1 cases
sent() { get '[.data[].state] | unique | join(" ")' queue list; }

sent() { get '[.data[].state] | unique | join(" ")' queue list; }
until_same 'the mails to the team are handed to Postfix' sent sent
same 'with its queue ids' 2 "$(get '[.data[].queue_id // empty] | unique | length' queue list)"
far() { cat "$P"/sink/* 2>/dev/null | grep -c "^X-Rcpt-Args: <$1>"; }
until_same "one goes on to ann's server" 1 far ann@far.example
lacks 'nothing of it is in clear' 'found: first' "$(ls "$P"/sink/* | head -n 1)"

# ---- 451, and again ----

# The spool loses a folder under the running daemon.
rmdir "$T/i/state/spool/tmp"
report second | give rita@reporter.example $list "$port"
deferred_451() { grep -c 'postfix/lmtp.*status=deferred.*451 4.3.0' "$P/log" | sed 's/^[1-9].*/some/'; }
until_same 'a spool that cannot be written is 451' some deferred_451
same 'no case of it yet' 1 "$(cases)"
stop
live_as_nobody
until_same 'Postfix tries again, and it is a case' 2 cases
same 'nobody got a bounce for it' 0 "$(far rita@reporter.example)"

# ---- the connection ends between the dot and the reply ----

# A go-between at the socket's place, which lets all through but the first reply to a message.
mv "$P/queue/embargod/lmtp.sock" "$P/queue/embargod/real.sock"
cat >"$P/between.pl" <<'X'
use strict; use IO::Socket::UNIX; use IO::Select;
my ($from, $to) = @ARGV;
my $listen = IO::Socket::UNIX->new(Local => $from, Listen => 5) or die "$from: $!";
chmod 0666, $from;
my $lost = 0;
$SIG{PIPE} = 'IGNORE';
while (my $client = $listen->accept) {
    my $server = IO::Socket::UNIX->new(Peer => $to) or next;
    my $both = IO::Select->new($client, $server);
    my $open = 1;
    while ($open) {
        for my $h ($both->can_read) {
            my $n = sysread($h, my $bytes, 65536);
            if (!$n) { $open = 0; last; }
            if ($h == $server && !$lost && $bytes =~ /kept on disk/) { $lost = 1; print "lost\n"; $open = 0; last; }
            syswrite($h == $client ? $server : $client, $bytes);
        }
    }
    close $client; close $server;
}
X
perl "$P/between.pl" "$P/queue/embargod/lmtp.sock" "$P/queue/embargod/real.sock" >"$P/between" 2>&1 &
proxy=$!
for try in $(seq 300); do [ -S "$P/queue/embargod/lmtp.sock" ] && break; sleep 0.1; done
report third | give rita@reporter.example $list "$port"
lost() { grep -c 'postfix/lmtp.*status=deferred.*lost connection' "$P/log"; }
until_same 'the reply to a message is lost' 1 lost
# The retry is done when the queue has no file any more.
waiting() { find "$P/queue/active" "$P/queue/deferred" "$P/queue/incoming" -type f | wc -l; }
until_same 'Postfix tries again until all is delivered' 0 waiting
same 'it is one case, not two' 3 "$(cases)"
same 'recognised as a redelivery' 1 "$(grep -c 'event=mail-repeated' "$T/log")"
kill "$proxy" && wait "$proxy" 2>/dev/null
proxy=
rm "$P/queue/embargod/lmtp.sock"
mv "$P/queue/embargod/real.sock" "$P/queue/embargod/lmtp.sock"

# ---- the pipe ----

{ section 'transport for a pipe' "$recipe"; grep gone.example "$P/etc/transport"; } >"$P/etc/new"
mv "$P/etc/new" "$P/etc/transport"
map && postfix -c "$P/etc" reload >/dev/null 2>&1
# embargo-inject reads the same configuration, and may be run by the socket's owner only.
report fourth | give rita@reporter.example $list "$port"
until_same 'a report comes in by the pipe' 4 cases
same 'through embargo-inject' 1 "$(grep -c 'postfix/pipe.*to=<security@example.org>, relay=embargod.*status=sent' "$P/log")"
report fifth | give '<>' security+c-abcdefgh@example.org "$port"
until_same 'the null sender stays one' bounce held_rules
stop
report sixth | give rita@reporter.example $list "$port"
pipe_deferred() { grep -c 'postfix/pipe.*status=deferred' "$P/log" | sed 's/^[1-9].*/some/'; }
until_same 'without a daemon Postfix keeps the mail' some pipe_deferred
live_as_nobody
until_same 'and hands it over later' 5 cases
same 'Postfix gave none of it back' 0 "$(far rita@reporter.example)"
lacks 'and complains of nothing' 'fatal:' "$P/log"

# ---- a bounce ----

# bob's server says 550: Postfix mails its report to the copy's own address, from the null sender.
sed -i 's/bob@far/bob@gone/' "$P/etc/aliases"
map && postfix -c "$P/etc" reload >/dev/null 2>&1
report seventh | give rita@reporter.example $list "$port"
until_same 'the report before it' 6 cases
to_verp() { grep -c 'postfix/pipe.* to=<security+b-[a-z2-7]*@example.org>.*status=sent' "$P/log" | sed 's/^[1-9].*/some/'; }
until_same 'a bounce comes back to the VERP address' some to_verp
bounces() { grep -c 'rule=bounce' "$T/log" | awk '{ print ($1 > 1 ? "taken" : "not yet") }'; }
until_same 'and is taken as one' taken bounces
same 'it makes no case' 6 "$(cases)"
ctl check >"$T/w/check"
same 'check says who may connect' "ok $(getent group postfix | cut -d: -f3)" \
    "$(jq -r '.data[] | select(.name == "lmtp") | .status + " " + (.detail | capture("group (?<g>[0-9]+) may connect").g)' "$T/w/check")"

finish
