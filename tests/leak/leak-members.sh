#!/bin/sh
# Leak test of all that has to do with members: applications up to the welcome, look-ups of keys, commands by signed mail
# with their nonces, what waits for a second admin, acknowledgements, talk among members, breaches, replacement of keys,
# what comes back from mail servers, floods, and mail out of a Maildir. Compare leak.sh.
srcdir=${srcdir:-.}
. "$srcdir/tests/lib/flow.sh"
. "$srcdir/tests/lib/advisory.sh"
. "$srcdir/tests/lib/apply.sh"
. "$srcdir/tests/lib/orders.sh"
. "$srcdir/tests/lib/leak.sh"
. "$srcdir/tests/lib/wkd.sh"

secret zyxwvform zyxwvelig zyxwvevid zyxwvcont zyxwvpoli zyxwvasks zyxwvsubj zyxwvname zyxwvquot zyxwvvote zyxwvreas zyxwvcmds zyxwvnote zyxwvatta zyxwvtitl zyxwvadvi \
    zyxwvtalk zyxwvacks zyxwvbrea zyxwvbody zyxwvdiag zyxwvback zyxwvfloo zyxwvfold zyxwvhead zyxwvword
secret_address zyxwvappl zyxwvmail zyxwvdirs

make_key acorn security@acorn.example & make_acorn=$!
make_key birch security@birch.example & make_birch=$!
make_key acorn2 security@acorn.example & make_new=$!
wait $make_acorn $make_birch $make_new
init
policy_of_two 'vouchers = 1;'
cat >>"$T/i/policy/two@1.conf" <<'X'
approvals = { lift = 2; member_add = 2; key_change = 2; };
posting = (
  { name = "any"; who = ["team", "stranger", "reporter", "member"]; to = "report"; signature = "optional"; encrypted = "optional"; action = "allow"; },
  { name = "case"; who = ["team", "reporter", "participant"]; to = "case"; signature = "optional"; encrypted = "optional"; action = "allow"; },
  { name = "apply"; who = ["team", "stranger", "member"]; to = "apply"; signature = "optional"; encrypted = "optional"; action = "allow"; },
  { name = "command"; who = ["team", "member"]; to = "command"; signature = "required"; encrypted = "optional"; action = "allow"; },
  { name = "talk"; who = ["member"]; to = "members"; signature = "required"; encrypted = "required"; action = "allow"; } );
X
ctl_policy=$("$bin/embargoctl" --json policy check "$T/i/policy/two@1.conf") || not_ok "the policy: $ctl_policy"
mkdir -p "$T/i/in/new" "$T/i/in/cur" "$T/i/in/tmp"
wkd_start openpgpkey.acorn.example openpgpkey.birch.example
sed -i '/^limits/d' "$conf"
{ printf 'maildir_in = "in";\nlimits = { sender_mails = 4; };\n'; wkd_conf; } >>"$conf"
start
give_key acorn "$T/k/list.asc"
give_key birch "$T/k/list.asc"
set_clock "$now"
sample
ann=ann@example.org bob=bob@example.org acorn=security@acorn.example birch=security@birch.example

# approve: the second admin says yes to what waits.
approve() { ctl_as bob@example.org approval approve "$(get '.data[0].id' approval list)" >"$T/w/approved" || not_ok 'approve'; settle; }
# ask NAME ADDRESS: a fresh nonce, which is a secret from now on.
ask() {
    asked=$((${asked:-0} + 1))
    printf 'Embargo-Command: nonce\n# zyxwvcmds %s\n' $asked | secret_mail "$1" "$1 <$2>" 'zyxwvsubj' >"$T/w/order"
    order_name=$1 order_address=$2
    order_send
    keep_nonce
}
keep_nonce() {
    nonce=$(fresh)
    [ -n "$nonce" ] && secret_text "$nonce" || not_ok 'there is a nonce'
}

# ---- a member, by two ----
give_key birch "$T/k/list.asc"
ctl member add --org birch --class distro --tier distros --address $birch --key "$T/k/birch.asc" >/dev/null || not_ok 'member add'
approve

# ---- an application: asked for, incomplete, complete, vouched for, questioned, voted, challenged, answered ----
mail 'zyxwvname <zyxwvappl@acorn.example>' 'zyxwvsubj?' "$dmarc" <<X >"$T/w/m"
How does zyxwvasks join?
X
inject zyxwvappl@acorn.example "$T/w/m" $apply
sweep 'the form was asked for'
{ printf 'Dear zyxwvform,\n\n'
  form acorn distro birch | sed 's/we build/zyxwvelig we build/; s|/contact|/zyxwvcont|; s/we keep/zyxwvpoli/; /^Evidence/d'; } |
    mail 'zyxwvname <zyxwvappl@acorn.example>' 'zyxwvsubj' "$dmarc" >"$T/w/m"
inject zyxwvappl@acorn.example "$T/w/m" $apply
id=$(new_application)
same 'incomplete' incomplete "$(app_state $id)" 
sweep 'an application that is incomplete'
printf 'Application: %s\nEvidence: https://acorn.example/zyxwvevid\n' $id | keyed_part acorn | sed 's/key.asc/zyxwvatta.asc/' >"$T/w/keyed"
mail_of "$T/w/keyed" 'zyxwvname <zyxwvappl@acorn.example>' 'Re: zyxwvsubj' "$dmarc" >"$T/w/m"
inject zyxwvappl@acorn.example "$T/w/m" $apply
same 'complete' complete "$(app_state $id)"
printf 'Vouch: %s yes\nzyxwvvote\n' $id | answer birch $birch
same 'vouched for' met "$(criterion $id vouchers)"
ctl application ask $id 'What of zyxwvasks?' >"$T/w/reply" || { not_ok 'application ask'; cat "$T/w/reply"; }
settle
printf 'Application: %s\nEvidence: https://acorn.example/zyxwvquot\n' $id | answer acorn $acorn
same 'answered' complete "$(app_state $id)"
sweep 'an application under review'
ask ann $ann
order ann $ann "$nonce" "application approve $id"
keep_nonce
ctl_as $bob application approve $id >/dev/null || not_ok 'application approve'
settle
same 'challenged' challenged "$(app_state $id)"
check 'the challenge opens' challenge_of acorn $acorn
secret_text "$(sed -n 's/^Challenge: *//p' "$T/w/challenge")"
sweep 'a challenge'
sed 's/^/> /' "$T/w/challenge" | answer birch $birch
same 'by a stranger: held' application.unproved "$(last_held)"
{ echo zyxwvword; cat "$T/w/challenge"; } | answer acorn $acorn
same 'active' active "$(app_state $id)"
sweep 'a new member'
form cedar distro birch | sed 's/we build/zyxwvelig/' | mail 'zyxwvname <zyxwvappl@cedar.example>' 'zyxwvsubj' "$dmarc" >"$T/w/m"
inject zyxwvappl@cedar.example "$T/w/m" $apply
ctl application decline "$(new_application)" --reason 'zyxwvreas' >"$T/w/declined" || { not_ok 'application decline'; cat "$T/w/declined"; }
settle
sweep 'one that was declined'

# ---- look-ups: of addresses of members, and of nothing else ----
gpg --homedir "$T/k/acorn" --batch --export "$(fpr acorn)" 2>/dev/null | wkd_put openpgpkey.acorn.example advanced acorn
set_clock "$now"
ctl key refresh >/dev/null || not_ok 'key refresh'
later '2 hours'
settle
check 'a key was looked up' test -s "$T/w/asked"
same 'a look-up has no secret word' '' "$(leaks "$T/w/asked")"
same 'for the members alone' '' "$(grep -v 'openpgpkey.\(acorn\|birch\|cedar\).example\|^\(acorn\|birch\|cedar\).example' "$T/w/asked")"
sweep 'look-ups'

# ---- a case by mail: signed and encrypted, or signed in clear ----
mail 'zyxwvname <zyxwvmail@reporter.example>' 'zyxwvsubj' "$dmarc" 'Message-ID: <zyxwvhead@reporter.example>' <<X >"$T/w/m"
The zyxwvbody overflows.
X
inject zyxwvmail@reporter.example "$T/w/m"
case=$(new_case)
ask ann $ann
{ printf 'Content-Type: multipart/mixed; boundary="m"; protected-headers="v1"\nTo: %s\nSubject: zyxwvsubj\n\n--m\nContent-Type: text/plain\n\n' $list
  order_text "$nonce" "case accept $case --reason zyxwvreas" "case set $case title=zyxwvtitl" "case note $case zyxwvatta.txt" \
      "advisory new $case --title zyxwvtitl" "advisory edit $case zyxwvadvi.txt"
  printf '\n--m\nContent-Type: text/plain\nContent-Disposition: attachment; filename="zyxwvatta.txt"\n\nA zyxwvnote.\n'
  printf '\n--m\nContent-Type: text/plain\nContent-Disposition: attachment; filename="zyxwvadvi.txt"\n\nTitle: zyxwvtitl\nSeverity: high\n\n## ISSUE\n\nzyxwvadvi.\n\n--m--\n'
} | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
mail_of "$T/w/mime" "Ann <$ann>" '...' >"$T/w/order"
order_name=ann order_address=$ann
order_send
same 'done by mail' 'done;done;done;done;done;' "$(answered)"
keep_nonce
sweep 'commands by mail'
{ order_text "$nonce" "case note $case -" "case reopen $case --reason zyxwvreas" 'zyxwvcmds --of zyxwvword'; printf '\nzyxwvnote in clear.\n'; } | text_part >"$T/w/part"
signed_part ann "$T/w/part" >"$T/w/mime"
mail_of "$T/w/mime" "Ann <$ann>" zyxwvcmds >"$T/w/order"
order_send
same 'signed in clear: each by itself' 'done;refused, state.case;refused, command.unknown;' "$(answered)"
keep_nonce
order_text "$nonce" "case note $case zyxwvword" | mail "Ann <$ann>" zyxwvsubj >"$T/w/order"
order_send
same 'unsigned' command.unsigned "$(ignored)"
order_text "$nonce" "case note $case zyxwvword" | sed 's/^/> /' | secret_mail ann "Ann <$ann>" zyxwvsubj >"$T/w/order"
order_send
same 'quoted' command.quoted "$(ignored)"
sweep 'commands that are ignored'

# ---- told: acknowledged, and talked about ----
until=$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)
ctl embargo set "$case" --until "$until" >/dev/null || not_ok 'embargo set'
send_advisory "$case"
settle
ask acorn $acorn
order acorn $acorn "$nonce" "ack $case affected" "ack $case zyxwvacks" 'whoami'
same 'acknowledged' 'done;refused, ack.value;done;' "$(answered)"
ref=$(ctl queue list | jq -r 'empty'; for file in $(find "$T/i/mail/$acorn/new" -type f); do
    open_mail acorn "$file" "$T/w/told" && grep -q zyxwvadvi "$T/w/told" && field Message-ID "$file"; done | head -n 1)
before=$(box $birch)
echo 'Is zyxwvtalk so?' | secret_mail acorn "zyxwvname <$acorn>" 'Re: zyxwvtitl' "In-Reply-To: $ref" >"$T/w/m"
inject $acorn "$T/w/m"
same 'the other member has it' $((before + 1)) "$(box $birch)"
sweep 'talk among members'

# ---- two admins ----
ctl embargo lift "$case" --reason zyxwvreas >"$T/w/lift"
same 'a lift waits' approval.pending "$(jq -r .rule "$T/w/lift")"
sweep 'what waits for another admin'
ctl_as $bob approval veto "$(get '.data[0].id' approval list)" --reason zyxwvvote >/dev/null || not_ok 'approval veto'
settle
sweep 'a veto'
ctl member breach birch --reason zyxwvbrea >/dev/null || not_ok 'member breach'
ask acorn $acorn
{ printf 'Content-Type: multipart/mixed; boundary="m"; protected-headers="v1"\nTo: %s\nSubject: zyxwvsubj\n\n--m\nContent-Type: text/plain\n\n' $list
  order_text "$nonce" 'key replace'
  printf '\n--m\nContent-Type: application/pgp-keys; name="zyxwvatta.asc"\nContent-Disposition: attachment; filename="zyxwvatta.asc"\n\n'
  cat "$T/k/acorn2.asc"; printf '\n--m--\n'; } | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/acorn" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
mail_of "$T/w/mime" "acorn <$acorn>" '...' >"$T/w/order"
order_name=acorn order_address=$acorn
order_send
settle
sweep 'breaches and keys'

# ---- what comes back, with a report in clear ----
returned=$(for file in $(find "$T/i/mail/$acorn/new" -type f); do
    open_mail acorn "$file" "$T/w/told" && grep -q zyxwvadvi "$T/w/told" && sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$file"; done | head -n 1)
thanks=$(sed -n 's/^Return-Path: *<\(.*\)>.*/\1/Ip' "$(newest zyxwvmail@reporter.example)" | head -n 1)
for copy in "$returned:$acorn" "$thanks:zyxwvmail@reporter.example" "security+b-aaaaaaaaaaaaaaaaaaaaaaaa@example.org:$acorn"; do
    mail 'zyxwvname <mailer-daemon@mx.example.net>' 'zyxwvback' 'Auto-Submitted: auto-replied' \
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"' <<X >"$T/w/m"
--r
Content-Type: text/plain

zyxwvback was not delivered.

--r
Content-Type: message/delivery-status

Reporting-MTA: dns; zyxwvword.example.net

Final-Recipient: rfc822; ${copy#*:}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 zyxwvdiag user unknown

--r
Content-Type: message/rfc822

From: zyxwvname <zyxwvmail@reporter.example>
Subject: zyxwvsubj

The zyxwvbody overflows.
--r--
X
    inject '' "$T/w/m" "${copy%%:*}"
done
same 'copies have come back' 1 "$(get '[.data[] | select(.state == "failed" and .kind == "advisory")] | length' queue list)"
sweep 'what comes back'

# ---- more than the team is told of one by one ----
for n in 1 2 3 4 5 6 7; do
    mail 'zyxwvname <zyxwvmail@reporter.example>' "zyxwvfloo $n" "$dmarc" <<X >"$T/w/m"
zyxwvfloo, number $n.
X
    post zyxwvmail@reporter.example "$T/w/m" || not_ok 'a flood'
done
settle
later '16 minutes'
settle
set_clock "$now"
check 'there is a digest' test "$(sqlite3 "$T/i/state/db.sqlite" "SELECT COUNT(*) FROM duty WHERE kind = 'digest' AND done_at IS NOT NULL")" -ge 1
sweep 'a flood'

# ---- out of a Maildir ----
before=$(cases)
{ printf 'Return-Path: <zyxwvdirs@reporter.example>\nX-Original-To: %s\nDelivered-To: box@mx.example.org\n' $list
  mail 'zyxwvname <zyxwvdirs@reporter.example>' 'zyxwvfold' 'Received: from zyxwvword by mx.example.org' <<X; } >"$T/i/in/tmp/1.zyxwvfold"
zyxwvfold in a folder.
X
stop
mv "$T/i/in/tmp/1.zyxwvfold" "$T/i/in/new/"
start
for try in $(seq 300); do [ -e "$T/i/in/new/1.zyxwvfold" ] || break; sleep 0.1; done
settle
same 'a mail of a folder is a case' $((before + 1)) "$(cases)"
sweep 'a folder'

# ---- time goes by: reminders, chases, what was missed ----
later '4 days'
settle
sweep 'reminders'
wkd_stop
finish_leaks
