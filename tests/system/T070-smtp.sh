#!/bin/sh
# Mail leaves by SMTP: a live instance, a mail server that follows a script (tests/lib/smtp-sink.c), and what the queue
# shows of it: sent with queue ids, refused with a remedy, deferred while the server is down, given up, TLS.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/sink.sh"

# until_queue WORDS WANTED FILTER: what the queue says.
until_queue() { until_same "$1" "$2" get "$3" queue list; }

report() {
    mail 'Rita <rita@reporter.example>' "$1" <<X >"$T/w/m"
$1
X
    "$bin/embargo-inject" -c "$conf" -f rita@reporter.example -- $list <"$T/w/m" || not_ok 'embargo-inject'
}

init
real_time
by_smtp 'retry_first_s = 1; retry_max_s = 60; retry_give_up_s = 86400;'

# ---- what is sent ----
sink all
live
report first
until_queue 'two admins: both copies are sent' 'sent sent' '[.data[].state] | join(" ")'
same 'each has a queue id' 2 "$(get '[.data[].queue_id // empty | select(test("^[0-9]+X[0-9]+$"))] | unique | length' queue list)"
same 'each has its code' '250 2.0.0' "$(get '[.data[].code] | unique | join(" ")' queue list)"
same 'the server has two mails' 2 "$(ls "$S" | grep -c 'eml$')"
cat "$S"/*.log >"$T/w/commands"
same 'each goes to one recipient' '<ann@example.org> <bob@example.org>' \
    "$(sed -n 's/^RCPT TO:\(<[^>]*>\).*/\1/p' "$T/w/commands" | sort | tr '\n' ' ' | sed 's/ $//')"
same 'with a sender of its own' 2 "$(sed -n 's/^MAIL FROM:<\(security+b-[a-z2-7]*@example.org\)>.*/\1/p' "$T/w/commands" | sort -u | wc -l)"
same 'DSN is asked for' 2 "$(grep -c 'RCPT .* NOTIFY=FAILURE,DELAY ORCPT=rfc822;' "$T/w/commands")"
grep -q 'MAIL .* RET=HDRS' "$T/w/commands" && ok 'DSN with headers only' || not_ok 'DSN with headers only'
for eml in "$S"/*.eml; do
    lacks 'nothing of it is in clear' first "$eml"
    gpg --homedir "$T/k/ann" --batch -q -d "$eml" >"$T/w/plain" 2>/dev/null && cp "$T/w/plain" "$T/w/plain.ann"
done
has 'ann can read hers' first "$T/w/plain.ann"

# ---- a member who is removed: what the server may still have ----
make_key acorn security@acorn.example
ctl member add --org acorn --class distro --tier distros --address security@acorn.example --key "$T/k/acorn.asc" >/dev/null
ctl member contact acorn add second@acorn.example >/dev/null
until_queue 'its contacts are written to' 'sent sent' '[.data[] | select(.org == "acorn") | .state] | join(" ")'
get '.data[] | select(.org == "acorn") | .queue_id' queue list | sort >"$T/w/ids"
ctl member remove acorn --reason 'gone' >"$T/w/removed"
same 'remove prints the queue ids of the server' "$(cat "$T/w/ids")" "$(jq -r '.data.queue_ids[]' "$T/w/removed" | sort)"
same 'there were two' 2 "$(grep -c . "$T/w/ids")"
no_sink

# ---- one is refused ----
sink not-bob only=bob 'rcpt=550 5.1.1 <bob@example.org> no such user'
report second
until_queue 'one is sent, one has failed' 'failed sent' '[.data[-2:][].state] | sort | join(" ")'
code=$(get '.data[] | select(.state == "failed") | .code' queue list)
case $code in '550 5.1.1 at RCPT: '*'queue retry'*) ok 'the code names step and remedy' ;; *) not_ok "code: $code" ;; esac
case $code in *bob*) not_ok 'the code quotes no address' ;; *) ok 'the code quotes no address' ;; esac
no_sink
sink bob-too
failed=$(get '.data[] | select(.state == "failed") | .id' queue list)
ctl queue retry "$failed" >/dev/null
until_queue 'queue retry sends it' sent ".data[] | select(.id == $failed) | .state"
no_sink

# ---- the server is down, and comes back ----
report third
until_queue 'without a server both are deferred' 'deferred deferred' '[.data[-2:][].state] | join(" ")'
case $(get '.data[-1].code' queue list) in
'smtp.connect: '*) ok 'the code says why' ;;
*) not_ok "code: $(get '.data[-1].code' queue list)" ;;
esac
sleep 3
same 'tried again, with growing pauses' true "$(get '.data[-1].tries | . >= 2 and . <= 4' queue list)"
sink back
until_queue 'both go when it is back' 'sent sent' '[.data[-2:][].state] | join(" ")'
same 'each once' 2 "$(ls "$S" | grep -c 'eml$')"
no_sink

# ---- given up ----
stop
sed -i 's/^limits = .*/limits = { retry_first_s = 60; retry_max_s = 60; retry_give_up_s = 60; };/' "$conf"
sink busy 'rcpt=450 4.2.0 later'
live
report fourth
until_queue 'a 4yz defers' 'deferred deferred' '[.data[-2:][].state] | join(" ")'
last=$(get '.data[-1].id' queue list)
ctl queue retry "$last" >/dev/null
until_queue 'at the limit it has failed' failed ".data[] | select(.id == $last) | .state"
case $(get ".data[] | select(.id == $last) | .code" queue list) in
'450 4.2.0 at RCPT (given up after 2 tries: '*"queue retry $last)") ok 'and says what to do' ;;
*) not_ok "code: $(get ".data[] | select(.id == $last) | .code" queue list)" ;;
esac
ctl queue drop "$(get '.data[-2].id' queue list)" >/dev/null
no_sink

# ---- TLS ----
stop
sink tls cert=IP:127.0.0.1
sed -i "s|^smtp = .*|smtp = { host = \"127.0.0.1\"; port = $port; timeout_s = 5; tls = \"required\"; };|" "$conf"
live
report fifth
until_queue 'a certificate of no CA: nothing leaves' 'deferred deferred' '[.data[-2:][].state] | join(" ")'
case $(get '.data[-1].code' queue list) in
'smtp.certificate: '*) ok 'the code names the certificate' ;;
*) not_ok "code: $(get '.data[-1].code' queue list)" ;;
esac
same 'the server has nothing' 0 "$(ls "$S" | grep -c 'eml$')"
stop
cp "$S/cert.pem" "$T/i/ca.pem"
sed -i 's|tls = "required";|& ca = "ca.pem";|' "$conf"
live
for waiting in $(get '.data[] | select(.state == "deferred") | .id' queue list); do ctl queue retry "$waiting" >/dev/null; done
until_queue 'with the CA both go' 'sent sent' '[.data[-2:][].state] | join(" ")'
has 'by STARTTLS' STARTTLS "$(ls "$S"/*.log | tail -n 1)"
no_sink
stop
same 'the daemon ends well' 0 "$ended"
lacks 'no address in the log' bob@example.org "$T/log"
finish
