#!/bin/sh
# The list's own key changes: old and new side by side, announced signed by both, shown on the site; the old one opens
# mail as long as embargod.conf names it, and nothing afterwards. Another list of the instance is not touched by it.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

init
"$bin/embargoctl" --json init --home "$T/i" --list second --address second@example.org --generate-key \
    --policy xen@2026 >"$T/w/init2" || { not_ok 'a second list'; cat "$T/w/init2"; }
second_fpr=$(jq -r .data.fingerprint "$T/w/init2")
for home in list storage; do gpgconf --homedir "$T/i/gnupg/second/$home" --kill all; done
# As people write it: comments that look like the key, two things on one line.
sed -i "s|^lists = (|# key = \"$list_fpr\"; is in the safe, too\nlists = ( /* key = \"$list_fpr\" */\n  { name = \"second\"; address = \"second@example.org\"; policy = \"xen@2026\"; key = \"$second_fpr\"; },|" "$conf"
with=$bin/embargoctl
ctl() { "$with" -c "$conf" --json --as ann@example.org --list main "$@"; }
start
members
sqlite3 "$T/i/state/db.sqlite" "UPDATE member SET language = 'de' WHERE org = 'acorn'"
mkdir -p "$T/i/templates/mail/de"
printf 'Neuer Schlüssel von {{list}}: {{new}}, statt {{old}}.\n' >"$T/i/templates/mail/de/list-key-rotated.txt"
check 'publish build' ctl publish build
settle
disclose 'Sealed before'
send_advisory "$id"
settle
opens birch 'an advisory sealed by the old key'
before_advisory=$(newest security@birch.example)
denied rotate.running 'not while the daemon runs' key rotate-list
stop
old=$list_fpr
cp "$conf" "$T/w/conf"
chmod 640 "$conf"
"$with" -c "$conf" --json key rotate-list >"$T/w/which"
same 'of several lists one is named' '2 list.which' "$? $(jq -r .rule "$T/w/which")"
ctl key rotate-list >"$T/w/rotated" || { not_ok 'it rotates'; cat "$T/w/rotated"; finish; }
new=$(jq -r .data.fingerprint "$T/w/rotated")
[ -n "$new" ] && [ "$new" != "$old" ] && ok 'a new key' || not_ok 'a new key'
check 'the old embargod.conf is kept' cmp "$T/w/conf" "$conf.before-rotation"
same 'with its mode, and the new one too' '640 640' "$(stat -c %a "$conf" "$conf.before-rotation" | tr '\n' ' ' | sed 's/ $//')"
diff "$T/w/conf" "$conf" >"$T/w/diff"
same 'nothing else is changed' "<     key = \"$old\";
>     previous_key = \"$old\";
>     key = \"$new\";" "$(sed -n 's/ }$//; /^[<>]/p' "$T/w/diff")"
sed '/^ *previous_key = /d' "$conf" >"$T/i/without.conf"
check 'the line of the old key can be removed' "$with" -c "$T/i/without.conf" audit verify
denied rotate.under-way 'once only, while side by side' key rotate-list
ctl check >"$T/w/check"
same 'check: the next start announces it' "start embargod" "$(jq -r '.data[] | select(.name == "rotation of main") | .remedy' "$T/w/check")"
start
settle
gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$new" >"$T/k/new.asc"
give_key acorn "$T/k/new.asc"
give_key birch "$T/k/new.asc"
list_fpr=$new
open_mail birch "$(newest security@birch.example)" "$T/w/news"
check 'members are told, signed by the new key' good_signature "$T/w/news"
awk '/filename="statement.asc"/ { on = 1; next } on && /^--[a-z0-9]/ { exit } on && NF { print }' "$T/w/news" >"$T/w/part"
base64 -d <"$T/w/part" >"$T/w/statement" 2>/dev/null || cp "$T/w/part" "$T/w/statement"
gpg --homedir "$T/k/birch" --batch --status-fd 1 --verify "$T/w/statement" >"$T/w/status" 2>/dev/null
has 'the old key signs the statement' "VALIDSIG $old" "$T/w/status"
has 'the new key signs the statement' "VALIDSIG $new" "$T/w/status"
has 'which names the new one' "New key: $new" "$T/w/statement"
open_mail acorn "$(newest security@acorn.example)" "$T/w/news.de"
sed 's/=$//' "$T/w/news.de" | tr -d '\n' >"$T/w/news.de1"
has 'in the language of the member' "statt $old" "$T/w/news.de1"
open_mail ann "$(newest ann@example.org)" "$T/w/news.ann"
has 'admins are told' "$new" "$T/w/news.ann"
same 'key export gives the new one, and says which was before' "$new $old" "$(get '"\(.data.fingerprint) \(.data.previous_key)"' key export)"
same 'the other list has its own' "$second_fpr null" \
    "$("$with" -c "$conf" --json --as ann@example.org --list second key export | jq -r '"\(.data.fingerprint) \(.data.previous_key)"')"
same 'it stands in the audit trail' "main $new" "$(get '.data[] | select(.event == "key.rotated") | "\(.object) \(.rule)"' audit show)"
check 'what was sealed before is good still' open_mail birch "$before_advisory" "$T/w/open.before"
has 'by the old key' "VALIDSIG" "$T/w/open.before.status"

# ---- the site ----
fprs() { gpg --batch --with-colons --show-keys "$1" 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }'; }
same 'the site has the new key' "$new" "$(fprs "$T/i/public/main/key.asc")"
same 'and the old one beside it' "$old" "$(fprs "$T/i/public/main/key-previous.asc")"
same 'and the statement' 2 "$(gpg --homedir "$T/k/birch" --batch --status-fd 1 --verify "$T/i/public/main/key-transition.txt" 2>/dev/null | grep -c VALIDSIG)"
has 'which its page names' 'key-transition.txt' "$T/i/public/main/report.html"
has 'security.txt has the new one' "openpgp4fpr:$new" "$T/i/public/.well-known/security.txt"
lacks 'and no more the old' "$old" "$T/i/public/.well-known/security.txt"
gpg --homedir "$T/k/birch" --batch --status-fd 1 --verify "$T/i/public/.well-known/security.txt" >"$T/w/status" 2>/dev/null
[ -e "$T/i/public/second/key-transition.txt" ] && not_ok 'none of the other list' || ok 'none of the other list'
find "$T/i/public/.well-known/openpgpkey" -type f -size +100c | while read -r file; do fprs "$file"; done | sort -u >"$T/w/wkd"
has 'the Web Key Directory has the new one' "$new" "$T/w/wkd"
lacks 'and not the old' "$old" "$T/w/wkd"

# ---- which keys open mail ----
give_key birch "$T/k/new.asc"
to_key() { # KEY
    list_fpr=$1
    reports=$((${reports:-0} + 1))
    echo 'A hole.' | secret_mail birch 'R <r@reporter.example>' "To $1, $reports" >"$T/w/m"
    inject r@reporter.example "$T/w/m"
}
for key in "$old" "$new"; do
    before=$(cases)
    to_key "$key"
    same 'a report to either key opens' $((before + 1)) "$(cases)"
done
hidden=$(cases)
{ printf 'Content-Type: text/plain\n\nHidden.\n' | crlf >"$T/w/hidden"
  encrypted_part "$T/w/hidden" --homedir "$T/k/birch" -R "$old" --encrypt >"$T/w/hidden-mime"
  mail_of "$T/w/hidden-mime" 'R <r@reporter.example>' '...' >"$T/w/m"; }
inject r@reporter.example "$T/w/m"
same 'one that names no key, too' $((hidden + 1)) "$(cases)"

# ---- without the old one: its secret part is there still ----
stop
sed -i '/^ *previous_key = /d' "$conf"
later '1 day'
start
settle
before=$(cases)
to_key "$old"
same 'a mail to the old key is no report' "$before" "$(cases)"
same 'but held' not-for-us "$(get '.data | last | .rule' held list)"
encrypted_part "$T/w/hidden" --homedir "$T/k/birch" -R "$old" --encrypt >"$T/w/hidden-mime"
mail_of "$T/w/hidden-mime" 'R2 <r2@reporter.example>' '...' >"$T/w/m"
inject r2@reporter.example "$T/w/m"
same 'nor one that names no key' "$before 2" "$(cases) $(get '[.data[] | select(.rule == "not-for-us")] | length' held list)"
to_key "$new"
same 'a mail to the new one is' $((before + 1)) "$(cases)"
[ -e "$T/i/public/main/key-previous.asc" ] && not_ok 'the site has the old one no more' || ok 'the site has the old one no more'
[ -s "$T/i/public/main/key-transition.txt" ] && ok 'but the statement' || not_ok 'but the statement'
ctl check >"$T/w/check"
has 'check names what can be deleted' "secret key $old" "$T/w/check"
stop

# ---- once more ----
ctl key rotate-list >"$T/w/rotated" || { not_ok 'it rotates again'; cat "$T/w/rotated"; finish; }
third=$(jq -r .data.fingerprint "$T/w/rotated")
start
settle
give_key birch "$T/i/public/main/key.asc"
before=$(cases)
for key in "$new" "$third"; do to_key "$key"; done
same 'then the second and the third open' $((before + 2)) "$(cases)"
to_key "$old"
same 'and the first does not' $((before + 2)) "$(cases)"
gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$third" >"$T/k/third.asc"
give_key birch "$T/k/third.asc"
list_fpr=$third
open_mail birch "$(newest security@birch.example)" "$T/w/news"
check 'and it is announced' good_signature "$T/w/news"

# ---- a key of another in embargod.conf ----
cp "$conf" "$T/w/conf.third"
sed -i "s/key = \"$third\"/key = \"$old\"/" "$conf"
kill -HUP "$daemon"
for try in $(seq 300); do grep -q 'event=reload-refused' "$T/log" && break; sleep 0.1; done
has 'is not taken by a reload' 'event=reload-refused rule=list.other-key' "$T/log"
same 'the daemon goes on' "$third" "$(get .data.fingerprint key export)"
stop
cp "$T/w/conf.third" "$conf"
sed -i "s/key = \"$third\"/key = \"$old\"/" "$conf"
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/start" 2>&1
has 'a key that nobody has announced is none' list.other-key "$T/w/start"
ctl check >"$T/w/check"
same 'check says which to put back' fail "$(jq -r '.data[] | select(.name == "rotation of main" and .status == "fail") | .status' "$T/w/check")"
sed -i "s/key = \"$old\"/key = \"$third\"/; /previous_key/d" "$conf"

# ---- back to one that was ----
denied rotate.key 'the same one' key rotate-list --key "$third"
denied rotate.key 'one that is not there' key rotate-list --key "$(fpr ann)"
check 'a key that lies in the home' ctl key rotate-list --key "$new"
start
settle
same 'is the list'"'"'s' "$new $third" "$(get '"\(.data.fingerprint) \(.data.previous_key)"' key export)"
before=$(cases)
for key in "$new" "$third"; do to_key "$key"; done
same 'and opens, as the one before' $((before + 2)) "$(cases)"
finish
