#!/bin/sh
# The day of release by SMTP, where one public list's mail server says "later" at first: the other lists have their mail
# at once, publish check shows what is missing, and the mail goes by itself when it is taken, once.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/sink.sh"

# taken SERVER LIST: how many mails to it the server took.
taken() { cat "$T/w/sink.$1"/*.eml 2>/dev/null | grep -c "^To: .*$2@lists.example.net"; }

init --policy xen@2026
real_time
by_smtp 'retry_first_s = 1; retry_max_s = 2; retry_give_up_s = 86400;'
cat >>"$conf" <<X
channels = ( { name = "oss-security"; address = "oss-security@lists.example.net"; },
    { name = "xen-announce"; address = "announce@lists.example.net"; },
    { name = "xen-devel"; address = "devel@lists.example.net"; },
    { name = "xen-users"; address = "users@lists.example.net"; } );
X
sink first only=announce 'rcpt=451 4.7.1 greylisted, come back'
live

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
until_same 'the other lists have theirs' done get "$others" embargo show "$id"
until_same 'the one that refuses has been tried' deferred get '[.data[] | select(.address == "announce@lists.example.net") | .state] | join(" ")' queue list
same 'public all the same, and not done' 'public running queued' \
    "$(get '.data | "\(.state) \(.release.state) \([.release.steps[] | select(.target == "xen-announce") | .state] | join(""))"' embargo show "$id")"
ctl publish check "$id" >"$T/w/check"
has 'publish check names the list' xen-announce "$T/w/check"
same 'and says that it waits' true "$(jq '[.. | objects | select(.target? == "xen-announce" and .state? == "queued")] | length > 0' "$T/w/check")"
same 'the queue says why' true "$(get '[.data[] | select(.address == "announce@lists.example.net") | .code | startswith("451 4.7.1")] | all' queue list)"
same 'that list has nothing, each other one mail' '0 1 1 1' \
    "$(taken first announce) $(taken first oss-security) $(taken first devel) $(taken first users)"
no_sink
sink second
until_same 'taken: it went by itself, and the release is done' done get .data.release.state embargo show "$id"
same 'once, and the others have no second' '1 0 0 0' \
    "$(taken second announce) $(taken second oss-security) $(taken second devel) $(taken second users)"
no_sink
stop
same 'the daemon ends well' 0 "$ended"
finish
