#!/bin/sh
# Leak test: words that must stay secret (canaries) go through every flow: as subjects, bodies, names and contents of
# attachments, reporters' names and addresses, titles, CVE ids, notes, reasons, advisories and patches. After each flow,
# and while mails are queued, none of them may stand in clear in any byte of the instance's folder (database, its log,
# spool, bodies, GnuPG homes, delivered mails), in the daemon's output, in its temporary files or in the command lines
# of its processes (tests/lib/leak.sh). Members and applications: leak-members.sh; release and site: leak-release.sh.
srcdir=${srcdir:-.}
. "$srcdir/tests/lib/flow.sh"
. "$srcdir/tests/lib/advisory.sh"
. "$srcdir/tests/lib/leak.sh"

words='zyxsubj zyxbody zyxfile zyxcont zyxname zyxtitl zyxnote zyxreas zyxadvi zyxpatc zyxrepl zyxheld zyxencr zyxteam
    zyxansw zyxkeyu zyxrefs zyxsect zyxfron zyxtokn zyxmode'
addresses='zyxmail zyxinvi zyxsend'
cve=CVE-2026-31337

secret $words
secret_address $addresses
secret_text $cve

# ---- the words are found where they do stand ----
printf 'a mail with zyxbody in it' >"$T/tmp/plain"
printf 'a mail with ZyxBody in it' | base64 >"$T/tmp/base64"
printf 'a mail, zyxbody' | base64 >"$T/tmp/base64b"
printf 'mail zyxbody' | iconv -t utf-16 >"$T/tmp/wide"
printf 'a mail with zyxbody' | base64 >"$T/tmp/base64c"
printf 'a mail with zyxbody' | od -An -v -tx1 | tr -d ' \n' >"$T/tmp/hex"
printf 'innocent' >"$T/tmp/innocent"
same 'what is in clear is found' "base64b base64c hex plain wide " \
    "$(leaks "$T/tmp" | sort -u | sed 's|.*/||' | grep -v '^base64$' | LC_ALL=C sort | tr '\n' ' ')"
rm -f "$T"/tmp/*

init
start

sample

pass='Authentication-Results: mx.example.org; dmarc=pass'

# ---- a report in clear ----
core=$(role_pid core)
kill -STOP "$core"
head -c 3000 /dev/urandom >"$T/w/bin"
{
    printf -- '--mixed-b\nContent-Type: text/plain; charset=utf-8\n\nThe zyxbody overflows.\n'
    printf -- '--mixed-b\nContent-Type: text/plain; name="zyxfile.txt"\nContent-Disposition: attachment; filename="zyxfile.txt"\n'
    printf 'Content-Transfer-Encoding: base64\n\n'
    { printf 'some zyxcont here\n'; base64 "$T/w/bin"; } | base64
    printf -- '--mixed-b--\n'
} | mail '"zyxname Doe" <zyxmail@reporter.example>' 'About the zyxsubj' "$pass" 'MIME-Version: 1.0' \
    'Content-Type: multipart/mixed; boundary="mixed-b"' >"$T/w/m"
post zyxmail@reporter.example "$T/w/m"
same 'a report in clear lies in the spool until it is handled' 1 "$(leaks "$T/i" | sort -u | grep -c '/state/spool/')"
kill -CONT "$core"
settle
id=$(new_case)
same 'it is a case' 'About the zyxsubj' "$(get .data.title case show "$id")"
sweep 'a report in clear'

# ---- and one that is encrypted, with its key ----
make_key rita zyxmail2@reporter.example
gpg --homedir "$T/k/rita" --batch -q --passphrase '' --quick-add-uid "$(fpr rita)" 'zyxkeyu <zyxmail2@reporter.example>' 2>/dev/null
gpg --homedir "$T/k/rita" --batch --armor --export >"$T/k/rita.asc"
set_clock "$now"
give_key rita "$T/k/list.asc"
{ printf 'Content-Type: multipart/mixed; boundary="in-b"; protected-headers="v1"\nSubject: The zyxencr\n\n'
  printf -- '--in-b\nContent-Type: text/plain; charset=utf-8\n\nSealed zyxbody.\n'
  printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'
  cat "$T/k/rita.asc"; printf '\n--in-b\nContent-Type: text/x-diff\nContent-Disposition: attachment; filename="zyxfile.patch"\n\n+zyxcont\n'
  printf -- '--in-b--\n'; } | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --sign --encrypt >"$T/w/enc"
later '1 minute'
mail_of "$T/w/enc" 'zyxname <zyxmail2@reporter.example>' '...' "$pass" >"$T/w/m"
inject zyxmail2@reporter.example "$T/w/m"
sealed=$(new_case)
same 'it is a case' 'The zyxencr' "$(get .data.title case show "$sealed")"
sweep 'an encrypted report'
same 'which key was hers is known' "$(fpr rita)" "$(get '.data.messages[0].signed_by' case show "$sealed")"
same 'and stands nowhere in clear, since it leads to her address' '' "$(grep -rlai "$(fpr rita)" "$T/i/state" "$T/log")"

# ---- the thread ----
address=$(field Reply-To "$(newest zyxmail@reporter.example)")
mail 'zyxname <zyxmail@reporter.example>' 'Re: zyxsubj' 'References: <zyxrefs@reporter.example>' <<X >"$T/w/m"
More of zyxtokn.
X
inject zyxsend@reporter.example "$T/w/m" "$address"
secret_mail ann 'Ann <ann@example.org>' "zyxteam" "In-Reply-To: $(field Message-ID "$(newest ann@example.org)")" <<X >"$T/w/m"
The team says zyxteam.
X
inject ann@example.org "$T/w/m"
same "both are in the case" 3 "$(get '.data.messages | length' case show "$id")"
sweep 'a thread'

# ---- what the team does ----
printf 'A note: zyxnote.\n' >"$T/w/note"
printf 'Dear zyxname, zyxrepl.\n' >"$T/w/reply"
for command in "case accept $id --reason zyxreas" "case note $id $T/w/note" "case set $id title=zyxtitl" "case set $id cve=$cve" \
    "case set $id commit=zyxcont" "case set $id severity=high" "case invite $id zyxinvi@partner.example" \
    "case reply $id $T/w/reply --to team" "case reply $id $T/w/reply --to reporter" "case reply $sealed $T/w/reply --to reporter" \
    "case reject $sealed --reason zyxreas" "case reopen $sealed --reason zyxreas" "case show $id" "case log $id" "case list" \
    "policy explain $id --sender zyxsend@reporter.example"; do
    # The words of a command are apart here on purpose.
    ctl $command >"$T/w/command" || { echo "# $command: $(jq -r .rule "$T/w/command")"; grep -q 'state.case' "$T/w/command" || not_ok "$command"; }
done
ctl case attach "$id" 1.1 "$T/w/attached" >/dev/null || not_ok 'case attach'
settle
sweep "the team's commands"

# ---- an advisory, with the courier stopped ----
members
until=$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)
ctl embargo set "$id" --until "$until" --reason zyxreas >/dev/null || not_ok 'embargo set'
ctl case fix-ready "$id" >/dev/null || not_ok 'case fix-ready'
printf -- '--- a/zyxfron.c\n+++ b/zyxfron.c\n+zyxpatc\n' >"$T/w/zyxfile.patch"
printf 'Title: The zyxtitl\nCVE: %s\nSeverity: high\nAffected: zyxmode <2\nCredits: zyxname\n\n## ZYXSECT\n\nThe zyxadvi is here.\n' $cve >"$T/w/text"
ctl advisory new "$id" --title zyxtitl >/dev/null || not_ok 'advisory new'
ctl advisory edit "$id" "$T/w/text" --attach "$T/w/zyxfile.patch" >/dev/null || not_ok 'advisory edit'
ctl advisory preview "$id" >/dev/null || not_ok 'advisory preview'
sweep 'a draft'
courier=$(role_pid courier)
kill -STOP "$courier"
send_advisory "$id"
for wait_try in $(seq 30); do
    [ -n "$(find "$T/i/state/bodies" -type f)" ] && break
    sleep 0.1
done
sleep 0.3
same 'copies wait' 0 "$(box security@acorn.example)"
sweep 'mails in the queue'
kill -CONT "$courier"
settle
same 'they go' 1 "$(box security@acorn.example)"
opens acorn 'the advisory'
has 'with the words inside' zyxadvi "$T/w/open.acorn"
sweep 'an advisory'
ctl embargo extend "$id" --until "$(date -u -d "$now +12 days" +%Y-%m-%dT%H:%M:%SZ)" --reason zyxreas >/dev/null || not_ok 'embargo extend'
ctl member suspend ember --reason zyxreas >/dev/null || not_ok 'member suspend'
ctl advisory recall "$id" >/dev/null || not_ok 'advisory recall'
settle
sweep 'a notice'

# ---- held, and refused ----
mail 'zyxname <zyxmail@reporter.example>' 'zyxheld' 'Auto-Submitted: auto-replied' <<X >"$T/w/m"
I am away: zyxheld.
X
inject zyxmail@reporter.example "$T/w/m"
held=$(get '.data[0].id' held list)
ctl held show "$held" >/dev/null || not_ok 'held show'
sweep 'a mail that is held'
ctl held release "$held" >/dev/null || not_ok 'held release'
settle
sweep 'and let in'
sed '/^-----END PGP/,$d' "$T/w/enc" >"$T/w/cut"
mail_of "$T/w/cut" 'zyxname <zyxmail@reporter.example>' 'zyxheld' >"$T/w/m"
inject zyxmail@reporter.example "$T/w/m"
mail 'zyxname <zyxmail@reporter.example>' 'zyxheld' <<X >"$T/w/m"
To nobody: zyxheld.
X
post zyxsend@reporter.example "$T/w/m" zyxsend@example.org 2>/dev/null
post 'zyxsend@reporter.example' "$T/w/m" "security+zyxsend@example.org" 2>/dev/null
settle
for held in $(get '.data[].id' held list); do ctl held discard "$held" >/dev/null || not_ok 'held discard'; done
sweep 'refused and discarded'

# ---- a crash in the middle ----
mail 'zyxname <zyxmail@reporter.example>' 'zyxsubj again' <<X >"$T/w/m"
Once more zyxbody.
X
post zyxmail@reporter.example "$T/w/m"
kill -KILL "$(role_pid core)"
for up_try in $(seq 60); do
    "$bin/embargoctl" -c "$conf" --as ann@example.org status >/dev/null 2>&1 && break
    sleep 0.1
done
settle
sweep 'a crash'

finish_leaks
