#!/bin/sh
# The list's own key changes: old and new side by side, announced signed by both.
. "${srcdir:-.}/tests/lib/flow.sh"

init
start
members
denied rotate.running 'not while the daemon runs' key rotate-list
stop
old=$list_fpr
cp "$conf" "$T/w/conf"
ctl key rotate-list >"$T/w/rotated" || { not_ok 'it rotates'; cat "$T/w/rotated"; finish; }
new=$(jq -r .data.fingerprint "$T/w/rotated")
[ -n "$new" ] && [ "$new" != "$old" ] && ok 'a new key' || not_ok 'a new key'
check 'the old embargod.conf is kept' cmp "$T/w/conf" "$conf.before-rotation"
has 'the new one names the old key' "previous_key = \"$old\"" "$conf"
sed '/^ *previous_key = /d' "$conf" >"$T/i/without.conf"
check 'whose line can be removed' "$bin/embargoctl" -c "$T/i/without.conf" audit verify
denied rotate.under-way 'once only, while side by side' key rotate-list
start
settle
gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$new" >"$T/k/new.asc"
give_key acorn "$T/k/new.asc"
list_fpr=$new
open_mail acorn "$(newest security@acorn.example)" "$T/w/news"
check 'members are told, signed by the new key' good_signature "$T/w/news"
awk '/filename="statement.asc"/ { on = 1; next } on && /^--[a-z0-9]/ { exit } on && NF { print }' "$T/w/news" >"$T/w/part"
base64 -d <"$T/w/part" >"$T/w/statement" 2>/dev/null || cp "$T/w/part" "$T/w/statement"
gpg --homedir "$T/k/acorn" --batch --status-fd 1 --verify "$T/w/statement" >"$T/w/status" 2>/dev/null
has 'the old key signs the statement' "VALIDSIG $old" "$T/w/status"
has 'the new key signs the statement' "VALIDSIG $new" "$T/w/status"
has 'which names the new one' "New key: $new" "$T/w/statement"
same 'key export gives the new one' "$new" "$(get .data.fingerprint key export)"
for key in "$old" "$new"; do
    list_fpr=$key
    before=$(cases)
    give_key birch "$T/k/new.asc"
    echo 'A hole.' | secret_mail birch 'R <r@reporter.example>' "To $key" >"$T/w/m"
    inject r@reporter.example "$T/w/m"
    same 'a report to either key opens' $((before + 1)) "$(cases)"
done
finish
