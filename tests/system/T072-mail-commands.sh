#!/bin/sh
# Commands by mail: signed as a whole, with a nonce that is good once. What is unsigned, late, quoted, forwarded, said
# again or another's does nothing but a line in the audit trail, and is explained to a proved signer alone.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

init
start
ann=ann@example.org bob=bob@example.org

mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
One.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
state() { get .data.state case show "$id"; }

# ---- nonces come with each mail to an admin ----
nonce=$(nonce_of ann $ann)
[ -n "$nonce" ] && ok 'a mail to an admin brings a nonce' || not_ok 'a mail to an admin brings a nonce'
other=$(nonce_of bob $bob)
[ "$nonce" != "$other" ] && ok 'each his own' || not_ok 'each his own'

# ---- one command, with a reason in quotes ----
order ann $ann "$nonce" "case accept $id --reason 'it is ours'"
same 'done by mail' 'done; accepted' "$(answered) $(state)"
same 'the trail names her' "admin:$ann" "$(get '.data[] | select(.event == "case.accept") | .actor' audit show)"
check "the answer is the list's" good_signature "$T/w/answer.try"
has 'with the case as data' "\"id\": \"$id\"" "$T/w/answer"
next=$(fresh)

# ---- a nonce is good once, for one person ----
order ann $ann "$nonce" "case fix-ready $id"
same 'a nonce that was used' 'command.nonce accepted' "$(ignored) $(state)"
has 'is explained' 'command.nonce' "$T/w/answer"
order ann $ann "$other" "case fix-ready $id"
same "another's nonce" 'command.nonce accepted' "$(ignored) $(state)"
order ann $ann '' "case fix-ready $id"
same 'no nonce' 'command.nonce accepted' "$(ignored) $(state)"

# ---- the same text again ----
inject $ann "$T/w/order"
order ann $ann "$next" status
same 'two in a row' 'done;' "$(answered)"
sed 's/^Message-ID: .*/Message-ID: <again@test.example>/' "$T/w/order" >"$T/w/again"
cp "$T/w/again" "$T/w/order"
order_send
same 'the same text again' command.replay "$(ignored)"
has 'is explained' command.replay "$T/w/answer"
sed -i 's/^Message-ID: .*/Message-ID: <again2@test.example>/' "$T/w/order"
order_send
same 'once' '' "$(cat "$T/w/answer")"

# ---- nonce alone; it ends after a day ----
printf 'Embargo-Command: nonce\n' | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send
same 'a nonce can be asked for' 'done;' "$(answered)"
nonce=$(fresh)
later '25 hours'
order ann $ann "$nonce" "case fix-ready $id"
same 'it ends after a day' 'command.nonce accepted' "$(ignored) $(state)"

# ---- late ----
nonce=$(fresh)
order_text "$nonce" "case fix-ready $id" | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
later '73 hours'
order_send
same 'late' 'command.late accepted' "$(ignored) $(state)"
printf 'Embargo-Command: nonce\n' | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send
nonce=$(fresh)

# ---- unsigned, quoted, forwarded, by a stranger ----
n=$(cases)
order_text "$nonce" "case fix-ready $id" | mail "Ann <$ann>" commands >"$T/w/order"
order_send
same 'unsigned' 'command.unsigned accepted' "$(ignored) $(state)"
same 'is not answered' '' "$(cat "$T/w/answer")"
order_text "$nonce" "case fix-ready $id" | sed 's/^/> /' | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send
same 'quoted' 'command.quoted accepted' "$(ignored) $(state)"
has 'is explained' command.quoted "$T/w/answer"
{ echo 'Bob wrote:'; order_text "$nonce" "case fix-ready $id" | sed 's/^/> /'; } | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send
same 'quoted below other text' 'command.quoted accepted' "$(ignored) $(state)"
order_text "$nonce" "case fix-ready $id" | text_part >"$T/w/part"
signed_part ann "$T/w/part" >"$T/w/inner"
{ printf 'Content-Type: multipart/mixed; boundary=fwd\n\n--fwd\n'; sed 's/signed-b/inner-b/' "$T/w/inner"; printf '\n--fwd--\n'; } | crlf >"$T/w/outer"
mail_of "$T/w/outer" "Bob <$bob>" 'Fwd: commands' >"$T/w/order"
order_name=bob order_address=$bob
order_send
same "forwarded, another's signature inside" 'command.unsigned accepted' "$(ignored) $(state)"
signed_part bob "$T/w/outer" >"$T/w/resigned"
mail_of "$T/w/resigned" "Bob <$bob>" 'Fwd: commands' >"$T/w/order"
order_send
same 'nor under his own, with her nonce' 'command.nonce accepted' "$(ignored) $(state)"
make_key mallory mallory@example.net
set_clock "$now"
give_key mallory "$T/k/list.asc"
order mallory mallory@example.net "$nonce" "case fix-ready $id"
same 'by a stranger' 'command.nobody accepted' "$(ignored) $(state)"
same 'is not answered' '' "$(cat "$T/w/answer")"
same 'no case was opened by any of them' "$n" "$(cases)"
same 'nothing is held' 0 "$(get '.data | length' held list)"

# ---- clear-signed, two in one, a file, a verb that is not done by mail ----
cat >"$T/w/mixed" <<X
Content-Type: multipart/mixed; boundary=m; protected-headers="v1"
To: $list

--m
Content-Type: text/plain; charset=utf-8

$(order_text "$nonce" "case fix-ready $id" "case note $id note.txt" "case note $id -" 'wait' 'case nonsense' "case show $id")

Text below the lines.
> quoted
--m
Content-Type: text/plain; name="note.txt"
Content-Disposition: attachment; filename="note.txt"

A note from a file.
--m--
X
crlf <"$T/w/mixed" >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
mail_of "$T/w/mime" "Ann <$ann>" commands >"$T/w/order"
order_name=ann order_address=$ann
order_send
same 'several in one mail, each by itself' \
    'done;done;done;refused, command.not-by-mail;refused, command.unknown;done; fix-ready' "$(answered) $(state)"
same 'files and the text below' '["A note from a file.","Text below the lines.\n> quoted\n\n"]' \
    "$(get '[.data.notes[].text] | tostring' case show "$id" | tr -d '\r')"

# ---- signed in clear: a nonce and the list's name are enough ----
order_text "$(fresh)" "case reopen $id" status whoami | text_part >"$T/w/part"
signed_part ann "$T/w/part" >"$T/w/mime"
mail_of "$T/w/mime" "Ann <$ann>" commands >"$T/w/order"
order_send
same 'a mail that is only signed' 'refused, state.case;done;done;' "$(answered)"
has 'whoami tells who' '"role": "admin"' "$T/w/answer"
order_text "$(fresh)" "case note $id -" >"$T/w/clear"
printf '\n' >>"$T/w/clear"
echo 'Clear-signed.' >>"$T/w/clear"
gpg --homedir "$T/k/ann" --batch --digest-algo SHA256 --clearsign <"$T/w/clear" 2>/dev/null | mail "Ann <$ann>" commands >"$T/w/order"
order_send
same 'a clear-signed text' 'done; Clear-signed.' "$(answered) $(get '.data.notes[-1].text' case show "$id" | head -n 1)"
mail "Ann <$ann>" Fwd: 'MIME-Version: 1.0' 'Content-Type: message/rfc822' <"$T/w/order" >"$T/w/fwd"
cp "$T/w/fwd" "$T/w/order"
order_send
same 'attached to another mail it is a report' "$((n + 1)) 3" "$(cases) $(get '.data.notes | length' case show "$id")"
bob_nonce=$(nonce_of bob $bob)
order bob $bob "$bob_nonce" status
order_text "$(fresh)" status | sed 's/^Embargo-List: .*/Embargo-List: other/' | secret_mail bob "Bob <$bob>" commands >"$T/w/order"
order_send
same 'for another list' command.list "$(ignored)"
order_name=ann order_address=$ann
printf 'Embargo-Command: nonce\n' | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send

# ---- a key by mail, and the rule of two ----
stop
sed 's/^id = .*/id = "two";/; s/^edition = .*/edition = "2026";/' "$T/i/policy/cloud-model@2026.conf" >"$T/i/policy/two@2026.conf"
printf 'approvals = { member_add = 2; };\n' >>"$T/i/policy/two@2026.conf"
sed -i 's/policy = "[^"]*"/policy = "two@2026"/' "$conf"
start
make_key birch security@birch.example
set_clock "$now"
{ printf 'Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\n'
  order_text "$(fresh)" 'member add --org birch --class distro --tier distros --address security@birch.example --key birch.asc'
  printf '\n--m\nContent-Type: application/pgp-keys; name="birch.asc"\nContent-Disposition: attachment; filename="birch.asc"\n\n'
  cat "$T/k/birch.asc"; printf '\n--m--\n'; } | crlf >"$T/w/part"
encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
mail_of "$T/w/mime" "Ann <$ann>" commands >"$T/w/order"
order_send
same 'a dangerous verb waits' 'done, approval.pending; 0' "$(answered) $(get '.data | length' member list)"
order bob $bob "$(nonce_of bob $bob)" "approval approve $(get '.data[0].id' approval list)"
same 'and the second admin approves by mail' 'done; birch' "$(answered) $(get '.data[0].org' member list)"
stop

finish
