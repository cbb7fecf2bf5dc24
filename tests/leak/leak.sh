#!/bin/sh
# Leak test: words that must stay secret (canaries) go through every flow: as subjects, bodies, names and contents of
# attachments, reporters' names and addresses, titles, CVE ids, notes, reasons, advisories and patches. After each flow,
# and while mails are queued, none of them may stand in clear in any byte of the instance's folder (database, its log,
# spool, bodies, GnuPG homes, delivered mails), in the daemon's output, in its temporary files or in the command lines
# of its processes. A word counts in any case, in base64 at any alignment, in hexadecimal and in UTF-16.
srcdir=${srcdir:-.}
. "$srcdir/tests/lib/flow.sh"
. "$srcdir/tests/lib/advisory.sh"

mkdir "$T/tmp"
TMPDIR=$T/tmp
export TMPDIR

# The words; each is seven letters that occur nowhere else.
words='zyxsubj zyxbody zyxfile zyxcont zyxname zyxtitl zyxnote zyxreas zyxadvi zyxpatc zyxrepl zyxheld zyxencr zyxteam
    zyxansw zyxkeyu zyxrefs zyxsect zyxfron zyxtokn zyxmode'
addresses='zyxmail zyxinvi zyxsend'
cve=CVE-2026-31337

# patterns WORD: what grep looks for. Base64 of a word has three forms, by what stands before it; the digits at the
# edges, which depend on the neighbours, are left out.
patterns() {
    printf '%s\n' "$1"
    printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
    echo
    for form in '' x xx; do
        printf '%s%s' "$form" "$1" | base64 -w 0 | case $form in
        '') cut -c1-9 ;;
        x) cut -c3-10 ;;
        xx) cut -c4-12 ;;
        esac
    done
}
for word in $words; do patterns "$word"; done >"$T/w/secret"
for word in $words; do printf '%s\n' "$word" | sed 's/./&./g; s/.$//'; done >"$T/w/secret.wide"
printf '%s\n' "$cve" >>"$T/w/secret"
for word in $addresses; do patterns "$word"; done >"$T/w/secret.address"

# leaks FILE-OR-FOLDER...: the files that have a word.
leaks() {
    grep -rlaiF -f "$T/w/secret" "$@" 2>/dev/null
    # UTF-16: any byte between the letters.
    LC_ALL=C grep -rlai -f "$T/w/secret.wide" "$@" 2>/dev/null
}
address_leaks() { grep -rlaiF -f "$T/w/secret.address" "$@" 2>/dev/null; }

# sweep WORDS: nothing is in clear. An address stands on the envelope of the mail that went there, and there alone.
sweep() {
    same "$1: no secret word in clear" '' "$(leaks "$T/i" "$T/log" "$T/tmp" | sort -u)"
    same "$1: no reporter's address in clear" '' "$(address_leaks "$T/i/state" "$T/i/gnupg" "$T/i/run" "$T/i/public" "$T/i/policy" "$T/log" "$T/tmp" | sort -u)"
}

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

# The command lines of the daemon's processes, workers and gpg, as long as the test runs.
sample() {
    while [ -e "$T/w/sampling" ]; do
        (cd "$T/w" && grep -aHz . /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >>samples)
        sleep 0.1
    done
}
: >"$T/w/sampling"
sample &
sampler=$!

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

# ---- the whole run ----
rm -f "$T/w/sampling"
wait $sampler
stop
sweep 'at the end'
# Arguments of one process stand together: those of the daemon's own name a role or a home of the instance.
awk -F: -v home="$T/i/gnupg" '{ arg = substr($0, length($1) + 2) } $1 != last { last = $1; n++ }
    { all[n] = all[n] " " arg; if (index(arg, "--role=") || index(arg, home)) ours[n] = 1 }
    END { for (i in ours) print all[i] }' "$T/w/samples" | sort -u >"$T/w/lines"
same 'command lines were looked at: roles, workers and gpg' '1 1 1' "$(for kind in --role=core --role=crypto "$T/i/gnupg"; do
    grep -qaF -e "$kind" "$T/w/lines" && echo 1; done | tr '\n' ' ' | sed 's/ $//')"
same 'none has a secret word' '' "$(leaks "$T/w/lines")"
same "nor a reporter's address" '' "$(address_leaks "$T/w/lines")"
same 'nothing is left in the temporary folder' '' "$(find "$T/tmp" -type f)"
finish
