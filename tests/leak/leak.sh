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

words='zyxwvsubj zyxwvbody zyxwvfile zyxwvcont zyxwvname zyxwvtitl zyxwvnote zyxwvreas zyxwvadvi zyxwvpatc zyxwvrepl zyxwvheld zyxwvencr zyxwvteam
    zyxwvansw zyxwvkeyu zyxwvrefs zyxwvsect zyxwvfron zyxwvtokn zyxwvmode'
addresses='zyxwvmail zyxwvinvi zyxwvsend'
cve=CVE-2026-31337

secret $words
secret_address $addresses
secret_text $cve

# ---- the words are found where they do stand ----
printf 'a mail with zyxwvbody in it' >"$T/tmp/plain"
printf 'a mail with ZyxBody in it' | base64 >"$T/tmp/base64"
printf 'a mail, zyxwvbody' | base64 >"$T/tmp/base64b"
printf 'mail zyxwvbody' | iconv -t utf-16 >"$T/tmp/wide"
printf 'a mail with zyxwvbody' | base64 >"$T/tmp/base64c"
printf 'a mail with zyxwvbody' | od -An -v -tx1 | tr -d ' \n' >"$T/tmp/hex"
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
    printf -- '--mixed-b\nContent-Type: text/plain; charset=utf-8\n\nThe zyxwvbody overflows.\n'
    printf -- '--mixed-b\nContent-Type: text/plain; name="zyxwvfile.txt"\nContent-Disposition: attachment; filename="zyxwvfile.txt"\n'
    printf 'Content-Transfer-Encoding: base64\n\n'
    { printf 'some zyxwvcont here\n'; base64 "$T/w/bin"; } | base64
    printf -- '--mixed-b--\n'
} | mail '"zyxwvname Doe" <zyxwvmail@reporter.example>' 'About the zyxwvsubj' "$pass" 'MIME-Version: 1.0' \
    'Content-Type: multipart/mixed; boundary="mixed-b"' >"$T/w/m"
post zyxwvmail@reporter.example "$T/w/m"
same 'a report in clear lies in the spool until it is handled' 1 "$(leaks "$T/i" | sort -u | grep -c '/state/spool/')"
kill -CONT "$core"
settle
id=$(new_case)
same 'it is a case' 'About the zyxwvsubj' "$(get .data.title case show "$id")"
sweep 'a report in clear'

# ---- and one that is encrypted, with its key ----
make_key rita zyxwvmail2@reporter.example
gpg --homedir "$T/k/rita" --batch -q --passphrase '' --quick-add-uid "$(fpr rita)" 'zyxwvkeyu <zyxwvmail2@reporter.example>' 2>/dev/null
gpg --homedir "$T/k/rita" --batch --armor --export >"$T/k/rita.asc"
set_clock "$now"
give_key rita "$T/k/list.asc"
{ printf 'Content-Type: multipart/mixed; boundary="in-b"; protected-headers="v1"\nSubject: The zyxwvencr\n\n'
  printf -- '--in-b\nContent-Type: text/plain; charset=utf-8\n\nSealed zyxwvbody.\n'
  printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'
  cat "$T/k/rita.asc"; printf '\n--in-b\nContent-Type: text/x-diff\nContent-Disposition: attachment; filename="zyxwvfile.patch"\n\n+zyxwvcont\n'
  printf -- '--in-b--\n'; } | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --sign --encrypt >"$T/w/enc"
later '1 minute'
mail_of "$T/w/enc" 'zyxwvname <zyxwvmail2@reporter.example>' '...' "$pass" >"$T/w/m"
inject zyxwvmail2@reporter.example "$T/w/m"
sealed=$(new_case)
same 'it is a case' 'The zyxwvencr' "$(get .data.title case show "$sealed")"
sweep 'an encrypted report'
same 'which key was hers is known' "$(fpr rita)" "$(get '.data.messages[0].signed_by' case show "$sealed")"
same 'and stands nowhere in clear, since it leads to her address' '' "$(grep -rlai "$(fpr rita)" "$T/i/state" "$T/log")"

# ---- the thread ----
address=$(field Reply-To "$(newest zyxwvmail@reporter.example)")
mail 'zyxwvname <zyxwvmail@reporter.example>' 'Re: zyxwvsubj' 'References: <zyxwvrefs@reporter.example>' <<X >"$T/w/m"
More of zyxwvtokn.
X
inject zyxwvsend@reporter.example "$T/w/m" "$address"
secret_mail ann 'Ann <ann@example.org>' "zyxwvteam" "In-Reply-To: $(field Message-ID "$(newest ann@example.org)")" <<X >"$T/w/m"
The team says zyxwvteam.
X
inject ann@example.org "$T/w/m"
same "both are in the case" 3 "$(get '.data.messages | length' case show "$id")"
sweep 'a thread'

# ---- what the team does ----
printf 'A note: zyxwvnote.\n' >"$T/w/note"
printf 'Dear zyxwvname, zyxwvrepl.\n' >"$T/w/reply"
for command in "case accept $id --reason zyxwvreas" "case note $id $T/w/note" "case set $id title=zyxwvtitl" "case set $id cve=$cve" \
    "case set $id commit=zyxwvcont" "case set $id severity=high" "case invite $id zyxwvinvi@partner.example" \
    "case reply $id $T/w/reply --to team" "case reply $id $T/w/reply --to reporter" "case reply $sealed $T/w/reply --to reporter" \
    "case reject $sealed --reason zyxwvreas" "case reopen $sealed --reason zyxwvreas" "case show $id" "case log $id" "case list" \
    "policy explain $id --sender zyxwvsend@reporter.example"; do
    # The words of a command are apart here on purpose.
    ctl $command >"$T/w/command" || { echo "# $command: $(jq -r .rule "$T/w/command")"; grep -q 'state.case' "$T/w/command" || not_ok "$command"; }
done
ctl case attach "$id" 1.1 "$T/w/attached" >/dev/null || not_ok 'case attach'
settle
sweep "the team's commands"

# ---- an advisory, with the courier stopped ----
members
until=$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)
ctl embargo set "$id" --until "$until" --reason zyxwvreas >/dev/null || not_ok 'embargo set'
ctl case fix-ready "$id" >/dev/null || not_ok 'case fix-ready'
printf -- '--- a/zyxwvfron.c\n+++ b/zyxwvfron.c\n+zyxwvpatc\n' >"$T/w/zyxwvfile.patch"
printf 'Title: The zyxwvtitl\nCVE: %s\nSeverity: high\nAffected: zyxwvmode <2\nCredits: zyxwvname\n\n## ZYXSECT\n\nThe zyxwvadvi is here.\n' $cve >"$T/w/text"
ctl advisory new "$id" --title zyxwvtitl >/dev/null || not_ok 'advisory new'
ctl advisory edit "$id" "$T/w/text" --attach "$T/w/zyxwvfile.patch" >/dev/null || not_ok 'advisory edit'
ctl advisory preview "$id" >/dev/null || not_ok 'advisory preview'
sweep 'a draft'
courier=$(role_pid courier)
kill -STOP "$courier"
send_advisory "$id"
for wait_try in $(seq 300); do
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
has 'with the words inside' zyxwvadvi "$T/w/open.acorn"
sweep 'an advisory'
ctl embargo extend "$id" --until "$(date -u -d "$now +12 days" +%Y-%m-%dT%H:%M:%SZ)" --reason zyxwvreas >/dev/null || not_ok 'embargo extend'
ctl member suspend ember --reason zyxwvreas >/dev/null || not_ok 'member suspend'
ctl advisory recall "$id" >/dev/null || not_ok 'advisory recall'
settle
sweep 'a notice'

# ---- held, and refused ----
mail 'zyxwvname <zyxwvmail@reporter.example>' 'zyxwvheld' 'Auto-Submitted: auto-replied' <<X >"$T/w/m"
I am away: zyxwvheld.
X
inject zyxwvmail@reporter.example "$T/w/m"
held=$(get '.data[0].id' held list)
ctl held show "$held" >/dev/null || not_ok 'held show'
sweep 'a mail that is held'
ctl held release "$held" >/dev/null || not_ok 'held release'
settle
sweep 'and let in'
sed '/^-----END PGP/,$d' "$T/w/enc" >"$T/w/cut"
mail_of "$T/w/cut" 'zyxwvname <zyxwvmail@reporter.example>' 'zyxwvheld' >"$T/w/m"
inject zyxwvmail@reporter.example "$T/w/m"
mail 'zyxwvname <zyxwvmail@reporter.example>' 'zyxwvheld' <<X >"$T/w/m"
To nobody: zyxwvheld.
X
post zyxwvsend@reporter.example "$T/w/m" zyxwvsend@example.org 2>/dev/null
post 'zyxwvsend@reporter.example' "$T/w/m" "security+zyxwvsend@example.org" 2>/dev/null
settle
for held in $(get '.data[].id' held list); do ctl held discard "$held" >/dev/null || not_ok 'held discard'; done
sweep 'refused and discarded'

# ---- a crash in the middle ----
mail 'zyxwvname <zyxwvmail@reporter.example>' 'zyxwvsubj again' <<X >"$T/w/m"
Once more zyxwvbody.
X
post zyxwvmail@reporter.example "$T/w/m"
kill -KILL "$(role_pid core)"
for up_try in $(seq 300); do
    "$bin/embargoctl" -c "$conf" --as ann@example.org status >/dev/null 2>&1 && break
    sleep 0.1
done
settle
sweep 'a crash'

finish_leaks
