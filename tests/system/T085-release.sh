#!/bin/sh
# The day of release: approved beforehand, published at its second, to each public list in its own form; held where
# nobody approved; broken and lifted; and what is done by hand.
. "${srcdir:-.}/tests/lib/flow.sh"

# team WORDS: whether ann has a mail of the team whose text holds them; leaves it in $T/w/told.
team() {
    for team_file in $(find "$T/i/mail/ann@example.org/new" -type f -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- | head -n 40); do
        open_mail ann "$team_file" "$T/w/told" && grep -qF -e "$1" "$T/w/told" && return 0
    done
    return 1
}
told() { check "the team hears: $1" team "$1"; }

# clear FILE OUT: the body of a mail to a public list, as it is read: decoded, and what was signed in it.
clear() {
    python3 - "$1" >"$2" <<'X'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
sys.stdout.write((m.get_body() or m).get_content().replace('\r\n', '\n'))
X
    gpg --homedir "$T/k/ann" --batch --status-fd 3 -d "$2" >"$2.text" 3>"$2.status" 2>/dev/null
}

printf 'Title: A guest can crash the host\nCVE: CVE-2031-0001\nAffected: xen >=4.1 <4.3\nCredits: Rita\n\n## ISSUE DESCRIPTION\nWords that were secret.\n\n## RESOLUTION\nApply the patch.\n' >"$T/w/advisory"
printf -- '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n' >"$T/w/xsa.patch"

init --policy xen@2026
sed -i '1i channels = ( { name = "oss-security"; address = "oss-security@lists.example.net"; },\n { name = "xen-announce"; address = "announce@lists.example.net"; } );' "$conf"
set_clock 2031-03-04T10:00:00Z
make_key alder security@alder.example
start
member alder distro predisclosure

# ready SETTINGS: a case with an advisory; its id in $id.
ready() {
    mail 'Rita <rita@reporter.example>' "a report $1" 'Authentication-Results: mx.example.org; dmarc=pass header.from=reporter.example' <<X >"$T/w/m"
Something $1.
X
    inject rita@reporter.example "$T/w/m"
    id=$(new_case)
    ctl case accept "$id" >/dev/null
    ctl case set "$id" severity=high >/dev/null
    ctl advisory new "$id" --title t >/dev/null && ctl advisory edit "$id" "$T/w/advisory" --attach "$T/w/xsa.patch" >/dev/null
}

ready one
ctl advisory send "$id" >/dev/null
ctl embargo set "$id" --until 2031-03-25T12:00:00Z >"$T/w/out" || cat "$T/w/out"
settle
same 'a check before anything is approved' 'wait release.not-yet false 1' \
    "$(get '"\(.data.verdict) \(.data.rule) \(.data.approved) \(.data.needs)"' publish check "$id")"
same 'it says what is missing' 'approval' "$(get '[.data.checks[] | select(.status == "fail") | .name] | join(" ")' publish check "$id")"
settle
same 'the key has been tried' ok "$(get '.data.checks[] | select(.name == "signature") | .status' publish check "$id")"
denied release.not-yet 'nothing is run before its instant' publish run "$id"
denied release.not-yet 'nor confirmed' publish confirm "$id"
same 'approved' true "$(get .data.approved publish approve "$id")"
printf 'Title: Another text\n\n## ISSUE DESCRIPTION\nOther words.\n' >"$T/w/other"
ctl advisory edit "$id" "$T/w/other" >"$T/w/out" 2>&1 || ctl advisory new "$id" --title t2 >/dev/null
ctl advisory edit "$id" "$T/w/advisory" --attach "$T/w/xsa.patch" >"$T/w/out" 2>&1
same 'a change of the text voids the approval' false "$(get .data.approved publish check "$id")"
ctl publish approve "$id" >/dev/null
set_clock 2031-03-24T12:00:00Z
settle
told 'pre-flight'
has 'the pre-flight names a channel' 'announce@lists.example.net' "$T/w/told"
has 'the pre-flight has tried the key' 'ok    signature' "$T/w/told"
set_clock 2031-03-25T11:59:59Z
settle
same 'a second before nothing is public' 'predisclosed 0' "$(get .data.state case show "$id") $(box announce@lists.example.net)"
set_clock 2031-03-25T12:00:00Z
settle
same 'at its second it is' 'public 2031-03-25T12:00:00Z XSA-1' "$(get '.data | "\(.state) \(.public_at) \(.public_id)"' case show "$id")"
same 'every step is done' 'sign:announce=done sign:plain=done mail:xen-announce=done mail:xen-devel=done mail:xen-users=done mail:oss-security=done site:=done members:=done reporter:=done' \
    "$(get '[.data.release.steps[] | "\(.step):\(.target // "")=\(.state)"] | join(" ")' embargo show "$id")"
same 'and the release with them' done "$(get .data.release.state embargo show "$id")"
for address in announce@lists.example.net oss-security@lists.example.net xen-devel@channel.invalid xen-users@channel.invalid; do
    same "one mail to $address" 1 "$(box $address)"
    clear "$(newest $address)" "$T/w/clear"
    check "signed by the list: $address" grep -q "VALIDSIG .*$list_fpr" "$T/w/clear.status"
    has "the words: $address" 'Words that were secret.' "$T/w/clear.text"
    has "the patch is bound by its hash: $address" "$(sha256sum "$T/w/xsa.patch" | cut -d' ' -f1)  xsa.patch" "$T/w/clear.text"
    has "the patch is there: $address" 'filename="xsa.patch"' "$(newest $address)"
    lacks "nothing of an embargo block: $address" 'DO NOT SHARE' "$T/w/clear.text"
done
file=$(newest announce@lists.example.net)
same 'announced as the series does' 'XSA-1 v2 (CVE-2031-0001) - A guest can crash the host' "$(field Subject "$file")"
same 'from the list, to the list' "$list announce@lists.example.net" "$(field From "$file") $(field To "$file")"
check 'its envelope is ours to answer' grep -q '^Return-Path: <security+b-' "$file"
lacks 'no mark of an embargo' 'X-Embargo' "$file"
has 'what members could do, for oversight' 'DEPLOYMENT DURING EMBARGO' "$T/w/clear.text"
clear "$(newest oss-security@lists.example.net)" "$T/w/clear"
same 'stands alone' '[XSA-1] A guest can crash the host (CVE-2031-0001)' "$(field Subject "$(newest oss-security@lists.example.net)")"
has 'says first what it is about' 'Affected:  xen >=4.1 <4.3' "$T/w/clear.text"
open_mail alder "$(newest security@alder.example)" "$T/w/told"
has 'members hear that it is over' 'The embargo of XSA-1 is over' "$T/w/told"
has 'the discoverer is thanked' 'Thank you for telling us first' "$(newest rita@reporter.example)"
told 'What was done:'
same 'nothing of it waits any more' 0 "$(get '[.data.deadlines[] | select(.fired_at == null)] | length' case show "$id")"
settle
same 'said again, nothing is sent twice' '1 1' "$(ctl publish run "$id" >/dev/null; settle; echo "$(box announce@lists.example.net) $(box security@alder.example | sed 's/.*/1/')")"

# Nobody has approved: held with its rule, and told; an approval lets it go at once.
ready two
ctl embargo set "$id" --until 2031-03-26T12:00:00Z >/dev/null
set_clock 2031-03-26T12:00:00Z
settle
same 'not approved: held' 'accepted held hold release.automatic' \
    "$(get '"\(.data.case_state) \(.data.state) \(.data.verdict) \(.data.rule)"' publish check "$id")"
told 'it is held'
has 'and by which command it goes out' "publish approve $id" "$T/w/told"
same 'an approval lets it go' public "$(ctl publish approve "$id" >/dev/null; settle; get .data.state case show "$id")"
clear "$(newest announce@lists.example.net)" "$T/w/clear"
has 'nobody was told before' 'NOTE REGARDING LACK OF EMBARGO' "$T/w/clear.text"

# Two in the same second.
ready three; three=$id
ready four; four=$id
for id in $three $four; do
    ctl embargo set "$id" --until 2031-03-27T12:00:00Z >/dev/null
    ctl publish approve "$id" >/dev/null
done
before=$(box announce@lists.example.net)
set_clock 2031-03-27T12:00:00Z
settle
same 'two in the same second' 'public public 2' \
    "$(get .data.state case show "$three") $(get .data.state case show "$four") $(($(box announce@lists.example.net) - before))"

# The daemon is down for three days over a release: it asks.
ready five
ctl embargo set "$id" --until 2031-03-28T12:00:00Z >/dev/null
ctl publish approve "$id" >/dev/null
settle
stop
set_clock 2031-03-31T12:00:00Z
start
settle
same 'three days late: asks' 'accepted ask release.late' "$(get '"\(.data.case_state) \(.data.verdict) \(.data.rule)"' publish check "$id")"
told 'Deadlines that were missed'
has 'it names the release' 'release' "$T/w/told"
same 'late is in the audit trail' true "$(get '[.data[] | select(.event == "deadline.late" and .object == "'"$id"'")] | length > 0' audit show)"
same 'confirmed: it goes' public "$(ctl publish confirm "$id" >/dev/null; settle; get .data.state case show "$id")"

# Broken: at once, whoever has approved.
ready six
ctl advisory send "$id" >/dev/null
settle
same 'broken: public' public "$(get .data.state embargo broken "$id" --reason 'on a public forum')"
settle
same 'broken: published' done "$(get .data.release.state embargo show "$id")"
open_mail alder "$(newest security@alder.example)" "$T/w/told"
has 'broken: members hear of it' 'is broken' "$T/w/told"

# Lifted without a text: public, and its mails wait for one.
mail 'Rita <rita@reporter.example>' 'a report seven' <<X >"$T/w/m"
Seven.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
ctl case accept "$id" >/dev/null
before=$(box announce@lists.example.net)
ctl embargo lift "$id" >/dev/null
settle
same 'lifted: its mails wait' 'public 0' "$(get .data.state case show "$id") $(($(box announce@lists.example.net) - before))"
ctl advisory new "$id" --title t >/dev/null
ctl advisory edit "$id" "$T/w/advisory" >/dev/null
same 'published by hand' 1 "$(ctl publish run "$id" >/dev/null; settle; echo $(($(box announce@lists.example.net) - before)))"

# Full disclosure: nobody is told early, and it goes as soon as it is approved.
ready eight
ctl case set "$id" public=true >/dev/null
denied tracks.public.mode 'full disclosure: nobody is told early' advisory send "$id"
same 'full disclosure: at once' public "$(ctl publish approve "$id" >/dev/null; settle; get .data.state case show "$id")"

# Two have to approve, whatever the channel; each of them the same text.
sed 's/id = "xen"/id = "two"/; s/edition = "2026"/edition = "1"/' "$T/i/policy/xen@2026.conf" >"$T/i/policy/two@1.conf"
echo 'approvals = { publish = 2; };' >>"$T/i/policy/two@1.conf"
ready ten
ctl case set "$id" policy=two@1 >/dev/null || not_ok 'the policy of two'
ctl embargo set "$id" --until 2031-04-01T12:00:00Z >/dev/null
same 'the first of two' approval.pending "$(get .rule publish approve "$id")"
set_clock 2031-04-01T12:00:00Z
settle
same 'one is not enough' 'accepted release.automatic 2' "$(get '.data | "\(.case_state) \(.rule) \(.needs)"' publish check "$id")"
same 'the second lets it go' public "$(ctl_as bob@example.org publish approve "$id" >/dev/null; settle; get .data.state case show "$id")"

# A channel that takes no mail for an hour: the others have theirs, it has its own as soon as it takes it, and once.
ready nine
mv "$T/i/mail/announce@lists.example.net" "$T/w/announce"
: >"$T/i/mail/announce@lists.example.net"
before=$(box oss-security@lists.example.net)
ctl embargo set "$id" --until 2031-04-02T12:00:00Z >/dev/null
ctl publish approve "$id" >/dev/null
set_clock 2031-04-02T12:00:00Z
settle
same 'refused: public, and the other lists have it' 'public running queued 1' \
    "$(get '.data | "\(.state) \(.release.state) \([.release.steps[] | select(.target == "xen-announce") | .state] | join(""))"' embargo show "$id") $(($(box oss-security@lists.example.net) - before))"
set_clock 2031-04-02T12:59:00Z
settle
same 'refused: still queued' queued "$(get '.data.release.steps[] | select(.target == "xen-announce") | .state' embargo show "$id")"
rm "$T/i/mail/announce@lists.example.net"
mv "$T/w/announce" "$T/i/mail/announce@lists.example.net"
before=$(box announce@lists.example.net)
set_clock 2031-04-02T15:00:00Z
settle
same 'taken: all is done, once' 'done 1' "$(get .data.release.state embargo show "$id") $(($(box announce@lists.example.net) - before))"
same 'and the others have no second' "$(box oss-security@lists.example.net)" "$(box announce@lists.example.net)"
stop
finish
