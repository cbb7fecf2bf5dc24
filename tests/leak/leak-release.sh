#!/bin/sh
# Leak test of the day of release: until its instant no word of an advisory is in clear anywhere, whatever was approved
# and tried beforehand; after it only what is public, on the public lists and on the site. Reports, reporters, notes,
# earlier versions, members' addresses and other cases stay secret for good. Compare leak.sh.
srcdir=${srcdir:-.}
. "$srcdir/tests/lib/flow.sh"
. "$srcdir/tests/lib/advisory.sh"
. "$srcdir/tests/lib/leak.sh"

# What the advisory says, public from its instant on; and what never is.
open='zyxwvptit zyxwvpadv zyxwvppat zyxwvpnam zyxwvpmem'
closed='zyxwvsubj zyxwvbody zyxwvname zyxwvnote zyxwvreas zyxwvrepl zyxwvdraf zyxwvdpat zyxwvothe zyxwvotit zyxwvopat zyxwvteam zyxwvfile'
secret $open $closed
secret_address zyxwvmail
other_cve=CVE-2026-31338
secret_text CVE-2026-31337
secret_text $other_cve

init --policy xen@2026
sed -i '1i channels = ( { name = "oss-security"; address = "oss-security@lists.example.net"; },\n { name = "xen-announce"; address = "announce@lists.example.net"; } );' "$conf"
sed -i 's|^lists = (|site = { url = "https://security.example.org/"; title = "Example"; contact = ["https://example.org/contact"]; };\n&|' "$conf"
make_key acorn security@acorn.example
start
member acorn distro predisclosure
sample
pass='Authentication-Results: mx.example.org; dmarc=pass header.from=reporter.example'

# report WORDS: a case; its id in $id.
report() {
    mail '"zyxwvname Doe" <zyxwvmail@reporter.example>' "$1" "$pass" <<X >"$T/w/m"
The zyxwvbody overflows: $1.
X
    inject zyxwvmail@reporter.example "$T/w/m"
    id=$(new_case)
    ctl case accept "$id" --reason zyxwvreas >/dev/null || not_ok 'case accept'
    printf 'A note: zyxwvnote.\n' | ctl case note "$id" - >/dev/null || not_ok 'case note'
    ctl case set "$id" severity=high >/dev/null || not_ok 'case set'
}
# text WORD TITLE CVE PATCH: an advisory's file, and a patch.
text() {
    printf 'Title: The %s\nCVE: %s\nAffected: xen >=4.1 <4.3\nCredits: zyxwvpnam\n\n## ISSUE DESCRIPTION\n\nThe %s is here.\n' "$2" "$3" "$1" >"$T/w/text"
    printf -- '--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+%s\n' "$4" >"$T/w/fix.patch"
}

# ---- another case, which stays under embargo ----
report 'zyxwvsubj of the other'
other=$id
text zyxwvothe zyxwvotit $other_cve zyxwvopat
cp "$T/w/fix.patch" "$T/w/zyxwvfile.patch"
ctl advisory new "$other" --title zyxwvotit >/dev/null && ctl advisory edit "$other" "$T/w/text" --attach "$T/w/zyxwvfile.patch" >/dev/null ||
    not_ok 'advisory edit'
ctl embargo set "$other" --until "$(date -u -d "$now +40 days" +%Y-%m-%dT%H:%M:%SZ)" --reason zyxwvreas >/dev/null || not_ok 'embargo set'
send_advisory "$other"
settle

# ---- and the one that is released: a first version for members, a second for all ----
report zyxwvsubj
text zyxwvdraf zyxwvptit CVE-2026-31337 zyxwvdpat
ctl advisory new "$id" --title zyxwvptit >/dev/null && ctl advisory edit "$id" "$T/w/text" --attach "$T/w/fix.patch" >/dev/null || not_ok 'advisory edit'
until=$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)
ctl embargo set "$id" --until "$until" --reason zyxwvreas >/dev/null || not_ok 'embargo set'
send_advisory "$id"
settle
ctl advisory new "$id" --title zyxwvptit >/dev/null 2>&1
text zyxwvpadv zyxwvptit CVE-2026-31337 zyxwvppat
ctl advisory edit "$id" "$T/w/text" --attach "$T/w/fix.patch" >/dev/null || not_ok 'a second version'
send_advisory "$id"
settle
ctl publish check "$id" >/dev/null || not_ok 'publish check'
ctl publish approve "$id" >/dev/null || not_ok 'publish approve'
settle
sweep 'approved'
ctl publish build >/dev/null || not_ok 'publish build'
settle
sweep 'a site before it'

# ---- the days before: reminders, the pre-flight; a second before ----
set_clock "$(date -u -d "$until -3 days" +%Y-%m-%dT%H:%M:%SZ)"
settle
set_clock "$(date -u -d "$until -1 day" +%Y-%m-%dT%H:%M:%SZ)"
settle
sweep 'after the pre-flight'
set_clock "$(date -u -d "$until -1 second" +%Y-%m-%dT%H:%M:%SZ)"
settle
same 'a second before it is not public' predisclosed "$(get .data.state case show "$id")"
sweep 'a second before'

# ---- at its instant ----
set_clock "$until"
settle
same 'public, all done' 'public done' "$(get '"\(.data.state) \(.data.release.state)"' embargo show "$id")"
: >"$T/w/secret"
: >"$T/w/secret.wide"
secret $closed
secret_text $other_cve
sweep 'released'
for address in announce oss-security; do
    same "what the list $address got is there to be looked at" 1 "$(box $address@lists.example.net)"
done
same 'the text is public' yes "$(grep -rlF 'ISSUE DESCRIPTION' "$T/i/public" | head -n 1 | sed 's/.*/yes/')"
has 'and the words, on the site' zyxwvpadv "$(find "$T/i/public" -name 'v2.txt' | head -n 1)"
# The policy makes the names of organisations public.
for word in "$other" security@acorn.example ann@example.org bob@example.org "$(get '.data.public_id // .data.id' case show "$other")"; do
    same "nowhere on the site: $word" '' "$(grep -rlaF -e "$word" "$T/i/public")"
    same "nor on the lists: $word" '' "$(grep -rlaF -e "$word" "$T/i/mail/announce@lists.example.net" "$T/i/mail/oss-security@lists.example.net")"
done

# ---- the other is said to be broken somewhere; then it is public too, and its case is not ----
later '1 day'
settle
ctl publish build >/dev/null || not_ok 'publish build'
ctl stats >/dev/null 2>&1
settle
sweep 'the day after'
ctl embargo broken "$other" --reason zyxwvreas >/dev/null || not_ok 'embargo broken'
settle
: >"$T/w/secret"
: >"$T/w/secret.wide"
secret zyxwvsubj zyxwvbody zyxwvname zyxwvnote zyxwvreas zyxwvrepl zyxwvdraf zyxwvdpat zyxwvteam
sweep 'a break'
finish_leaks
