#!/bin/sh
# A real OpenSMTPD with the lines of contrib/mta/opensmtpd: LMTP in, suffixes and the null sender kept, a daemon that is
# away. Its spool is always /var/spool/smtpd: here that of a mount namespace of its own, so that the machine's is not
# touched. Skipped where OpenSMTPD is not installed, which Debian does not let be beside Postfix.
. "${srcdir:-.}/tests/lib/unpacked.sh"
unpacked "${SMTPD:-/usr/sbin/smtpd}" opensmtpd opensmtpq
. "${srcdir:-.}/tests/lib/flow.sh"

smtpd=${SMTPD:-$(command -v smtpd || echo /usr/sbin/smtpd)}
[ -x "$smtpd" ] || { echo 'skipped: no OpenSMTPD here (Debian: opensmtpd)'; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo 'skipped: OpenSMTPD is started by root only'; exit 77; }
id opensmtpd >/dev/null 2>&1 && id opensmtpq >/dev/null 2>&1 || { echo 'skipped: no users opensmtpd, opensmtpq'; exit 77; }
unshare -m true 2>/dev/null || { echo 'skipped: no mount namespace to be had'; exit 77; }
need swaks setpriv unshare
. "${srcdir:-.}/tests/lib/mta.sh"
recipe=${srcdir:-.}/contrib/mta/opensmtpd
server=

end_smtpd() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
}
at_end=end_smtpd

here() {
    sed "s|/var/lib/embargod/|$T/i/|g; s|= embargod }|= nobody }|"
}

init
real_time
sed -i '/^lmtp/d; /^courier/d' "$conf"
section embargod.conf "$recipe" | sed 's/^courier.*/courier = "maildir";/' >>"$conf"
{ printf 'listen on 127.0.0.1 port %s\n' "$port"; section smtpd.conf "$recipe" | here; } >"$P/smtpd.conf"
mkdir "$P/var"
give_to_nobody
check 'OpenSMTPD takes the lines' "$smtpd" -n -f "$P/smtpd.conf"
live_as_nobody
unshare -m sh -c 'mount --bind "$1" /var/spool && mkdir -m 711 -p /var/spool/smtpd && exec "$2" -d -f "$3"' sh "$P/var" "$smtpd" \
    "$P/smtpd.conf" >"$P/log" 2>&1 &
server=$!
for try in $(seq 300); do
    swaks --server "127.0.0.1:$port" --quit-after HELO >/dev/null 2>&1 && break
    sleep 0.1
done
[ "$try" -lt 300 ] || { not_ok 'OpenSMTPD starts'; cat "$P/log"; finish; }

report first | give rita@reporter.example $list "$port"
until_same 'a report is a case' 1 cases
report bounce | give '<>' security+c-abcdefgh@example.org "$port"
until_same 'the null sender stays one, and the suffix reaches the daemon' bounce held_rules
stop
report later | give rita@reporter.example $list "$port"
away() { grep -c 'result="*TempFail' "$P/log" | sed 's/^[1-9].*/some/'; }
until_same 'what the daemon is not there for is kept' some away
live_as_nobody
until_same 'and handed over later' 2 cases

finish
