#!/bin/sh
# The day of release by SMTP, where one public list's mail server says "later" at first: the other lists have their mail
# at once, publish check shows what is missing, and the mail goes by itself when it is taken, once.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

sink_bin=$bin/tests/lib/smtp-sink
[ -x "$sink_bin" ] || { echo 'skipped: no smtp-sink here'; exit 77; }
port=$((20000 + $$ % 20000))
mkfifo "$T/w/hold" && exec 9<>"$T/w/hold"

# sink FOLDER [KEY=VALUE...]
sink() {
    S=$T/w/$1
    shift
    mkdir "$S"
    "$sink_bin" "$S" port=$port "$@" <&9 >"$S/port" &
    sink=$!
    for sink_try in $(seq 50); do [ -s "$S/port" ] && return; sleep 0.1; done
    not_ok 'the mail server listens'
}
# Live: the clock is the machine's, and the peer's uid says who it is.
ctl() { "$bin/embargoctl" -c "$conf" --json "$@"; }
# comes WORDS WANTED FILTER COMMAND...: within 20 seconds.
comes() {
    comes_words=$1 comes_wanted=$2 comes_filter=$3
    shift 3
    for comes_try in $(seq 100); do
        comes_got=$(get "$comes_filter" "$@")
        [ "$comes_got" = "$comes_wanted" ] && break
        sleep 0.2
    done
    same "$comes_words" "$comes_wanted" "$comes_got"
}
# taken FOLDER LIST: how many mails to it the server took.
taken() { cat "$T/w/$1"/*.eml 2>/dev/null | grep -c "^To: .*$2@lists.example.net"; }

init --policy xen@2026
rm -f "$T"/k/*/gpg.conf
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sed -i '/^courier/d; /^smtp/d; /^limits/d' "$conf"
cat >>"$conf" <<X
courier = "smtp";
smtp = { host = "127.0.0.1"; port = $port; timeout_s = 5; };
limits = { retry_first_s = 1; retry_max_s = 2; retry_give_up_s = 86400; };
channels = ( { name = "oss-security"; address = "oss-security@lists.example.net"; },
    { name = "xen-announce"; address = "announce@lists.example.net"; },
    { name = "xen-devel"; address = "devel@lists.example.net"; },
    { name = "xen-users"; address = "users@lists.example.net"; } );
X
sink first only=announce 'rcpt=451 4.7.1 greylisted, come back'
"$bin/embargod" -c "$conf" >>"$T/log" 2>&1 &
daemon=$!
for live_try in $(seq 50); do ctl status >/dev/null 2>&1 && break; sleep 0.1; done

mail 'Rita <rita@reporter.example>' 'a report' <<X >"$T/w/m"
Something.
X
id=$(get .data.id case open --from "$T/w/m")
ctl case set "$id" severity=high >/dev/null
ctl case accept "$id" >/dev/null || not_ok 'accepted'
ctl advisory new "$id" --title t >/dev/null
usual_text 'Words for lists' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >"$T/w/out" || { not_ok 'a text'; cat "$T/w/out"; }
check 'lifted' ctl embargo lift "$id"
others='[.data.release.steps[] | select(.step == "mail" and .target != "xen-announce") | .state] | unique | join(" ")'
comes 'the other lists have theirs' done "$others" embargo show "$id"
comes 'the one that refuses has been tried' deferred '[.data[] | select(.address == "announce@lists.example.net") | .state] | join(" ")' queue list
same 'public all the same, and not done' 'public running queued' \
    "$(get '.data | "\(.state) \(.release.state) \([.release.steps[] | select(.target == "xen-announce") | .state] | join(""))"' embargo show "$id")"
ctl publish check "$id" >"$T/w/check"
has 'publish check names the list' xen-announce "$T/w/check"
same 'and says that it waits' true "$(jq '[.. | objects | select(.target? == "xen-announce" and .state? == "queued")] | length > 0' "$T/w/check")"
same 'the queue says why' true "$(get '[.data[] | select(.address == "announce@lists.example.net") | .code | startswith("451 4.7.1")] | all' queue list)"
same 'that list has nothing, each other one mail' '0 1 1 1' \
    "$(taken first announce) $(taken first oss-security) $(taken first devel) $(taken first users)"
kill "$sink" && wait "$sink" 2>/dev/null
sink second
comes 'taken: it went by itself, and the release is done' done .data.release.state embargo show "$id"
same 'once, and the others have no second' '1 0 0 0' \
    "$(taken second announce) $(taken second oss-security) $(taken second devel) $(taken second users)"
kill "$sink" && wait "$sink" 2>/dev/null
stop
same 'the daemon ends well' 0 "$ended"
finish
