#!/bin/sh
# A backup made before the list's key changed, restored after it: it works with the old key, and comes to the new one by
# the secret key that was kept. Copies sealed before the change go out after it as they are.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

make_key acorn security@acorn.example
init
start
member acorn distro distros
ctl backup "$T/w/before.backup" --with-keys >"$T/w/backup" || { not_ok backup; cat "$T/w/backup"; }

# ---- sealed, and not gone yet ----
disclose 'Sealed before'
usual_text 'Sealed before' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
settle
kill -STOP "$(role_pid courier)"
before=$(box security@acorn.example)
send_advisory "$id"
sealed="SELECT COUNT(*) FROM copy JOIN mail ON mail.id = copy.mail_id WHERE mail.kind = 'advisory' AND copy.state <> 'sent' AND copy.body_id"
for try in $(seq 300); do
    [ "$(sqlite3 "$T/i/state/db.sqlite" "$sealed")" -gt 0 ] && break
    sleep 0.1
done
# The machine goes down with it.
kill -KILL "$daemon" $(role_pid core) $(role_pid intake) $(role_pid courier) $(role_pid fetch)
wait "$daemon" 2>/dev/null
daemon=
same 'it is sealed, and has not gone' "$before 1" "$(box security@acorn.example) $(sqlite3 "$T/i/state/db.sqlite" "$sealed")"
for home in "$T"/i/gnupg/*/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
old=$list_fpr
ctl key rotate-list >"$T/w/rotated" || { not_ok 'it rotates'; cat "$T/w/rotated"; finish; }
new=$(jq -r .data.fingerprint "$T/w/rotated")
start
settle
found=
for file in $(find "$T/i/mail/security@acorn.example/new" -type f); do
    open_mail acorn "$file" "$T/w/open"
    grep -q 'sesame-' "$T/w/open" && found="$found $(sed -n 's/.*VALIDSIG .* //p' "$T/w/open.status")"
done
same 'the advisory of before goes once, by the key of before' " $old" "$found"
stop
ctl audit verify >"$T/w/verify"
same 'the audit trail is whole' 0 "$?"

# ---- the backup of before ----
GNUPGHOME=$T/k/ann "$bin/embargoctl" --json restore "$T/w/before.backup" --home "$T/r" --rehearsal >"$T/w/restored" ||
    { not_ok 'restored'; cat "$T/w/restored"; }
same 'signed by the key of then' "$old" "$(jq -r .data.signed_by "$T/w/restored")"
"$bin/embargoctl" -c "$T/r/embargod.conf" --json restore --accept >"$T/w/accepted" || cat "$T/w/accepted"
gpg --homedir "$T/i/gnupg/main/list" --batch --pinentry-mode loopback --passphrase '' --export-secret-keys "$new" >"$T/w/new.secret" 2>/dev/null
gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$new" >"$T/k/new.asc" 2>/dev/null
for home in "$T"/i/gnupg/*/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
mv "$T/i" "$T/was"
mv "$T/r" "$T/i"
start
settle
same 'it goes on with the old key' "$old null" "$(get '"\(.data.fingerprint) \(.data.previous_key)"' key export)"
give_key acorn "$T/k/new.asc"
give_key ann "$T/k/new.asc"
list_fpr=$new
echo 'A hole.' | secret_mail acorn 'R <r@reporter.example>' 'To the new key' >"$T/w/m"
n=$(cases)
inject r@reporter.example "$T/w/m"
same 'mail to the new one is held' "$n not-for-us" "$(cases) $(get '.data | last | .rule' held list)"
held=$(get '.data | last | .id' held list)
stop
gpg --homedir "$T/i/gnupg/main/list" --batch -q --import "$T/w/new.secret" 2>"$T/w/import"
check 'it takes the key that was kept' ctl key rotate-list --key "$new"
start
settle
same 'and has both again' "$new $old" "$(get '"\(.data.fingerprint) \(.data.previous_key)"' key export)"
ctl held release "$held" >"$T/w/released"
settle
same 'what was held is opened' $((n + 1)) "$(cases)"
ctl backup "$T/w/after.backup" --with-keys >/dev/null || not_ok 'backup after'
GNUPGHOME=$T/k/ann "$bin/embargoctl" --json restore "$T/w/after.backup" --home "$T/r" --rehearsal --list-key "$old" >"$T/w/restored"
same 'a backup of now is signed by the new one' '1 backup.other-list' "$? $(jq -r .rule "$T/w/restored")"
GNUPGHOME=$T/k/ann "$bin/embargoctl" --json restore "$T/w/after.backup" --home "$T/r" --rehearsal --list-key "$new" >"$T/w/restored"
same 'which is its list key' "0 $new" "$? $(jq -r .data.signed_by "$T/w/restored")"
"$bin/embargoctl" -c "$T/r/embargod.conf" --json check >"$T/w/check"
same 'nothing of the change is wrong there' '' "$(jq -r '.data[] | select(.name == "rotation of main" and .status == "fail") | .detail' "$T/w/check")"
for home in "$T"/was/gnupg/*/* "$T"/r/gnupg/*/*; do gpgconf --homedir "$home" --kill all 2>/dev/null; done
finish
