#!/bin/sh
# The eight keys that spoil a group: each is refused with its rule, or shown with its state before anything is sent, and
# none of them harms the others. Keys that go bad between the command and the sealing; a gpg that gives another result
# than was asked for; watermarks; and that no session key is kept.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/badkeys.sh"

good='acorn birch cedar'
bad='expired revoked triple signonly'
for org in $good; do make_key $org security@$org.example; done
key_expired expired
key_revoked revoked
key_3des triple
key_sha1 sha
key_sign_only signonly
key_flooded flooded
key_duplicate twin acorn
key_v6 six
key_expiring brief 3
make_key late security@late.example
revocation late
init
start
for org in $good sha flooded brief late; do member $org distro distros; done
for org in $bad; do
    ctl member add --org $org --class distro --tier distros --address security@$org.example --key "$T/k/$org.asc" \
        >"$T/w/member" || { not_ok "member add $org"; cat "$T/w/member"; }
done

# ---- what is said of them at once ----
denied key.duplicate 'a certificate with the subkey of another member is refused' \
    member add --org twin --class distro --tier distros --address security@twin.example --key "$T/k/twin.asc"
has 'and says the remedy' 'a key of its own' "$T/w/denied"
denied key.v6 'a certificate of version 6 is refused' \
    member add --org six --class distro --tier distros --address security@six.example --key "$T/k/six.asc"
has 'and says the remedy' 'make a version 4 key' "$T/w/denied"
denied key.duplicate "a member's key is no other member's" \
    member add --org thief --class distro --tier distros --address security@thief.example --key "$T/k/birch.asc"
denied key.garbage 'what is no key is refused' \
    member add --org none --class distro --tier distros --address security@none.example --key "$T/i/embargod.conf"
head -c 9000000 /dev/zero >"$T/w/huge"
denied key.too-large 'a file that is larger than a key may be is refused as that' \
    member add --org huge --class distro --tier distros --address security@huge.example --key "$T/w/huge"
settle
# gpg takes nothing that is signed in its future.
mkdir -m 700 "$T/k/morrow"
bad_gpg morrow --faked-system-time "$(date -u -d "$now + 1 hour" +%Y%m%dT%H%M%S)" --quick-generate-key \
    'morrow <security@morrow.example>' future-default default never
bad_export morrow
refused 'a key from the future of every clock is refused' \
    ctl member add --org morrow --class distro --tier distros --address security@morrow.example --key "$T/k/morrow.asc"

state_of() { get ".data[] | select(.org == \"$1\") | .contacts[0].key_state" member list; }
reason_of() { get ".data[] | select(.org == \"$1\") | .contacts[0].reason" member list; }
same 'expired is shown' expired "$(state_of expired)"
same 'revoked is shown' revoked "$(state_of revoked)"
same '3DES alone is shown' weak-cipher "$(state_of triple)"
same 'a key that cannot encrypt is shown' no-encryption "$(state_of signonly)"
same 'preferring SHA-1 does not matter' usable "$(state_of sha)"
same 'a flooded key does not matter' usable "$(state_of flooded)"
same 'one that expires soon is shown' expiring "$(state_of brief)"
for org in $bad; do same "$org has a remedy" 1 "$(reason_of $org | grep -c '; ')"; done
same 'ten thousand signatures are not kept' 1 \
    "$(sql "SELECT COUNT(*) FROM key WHERE fingerprint = '$(fpr flooded)' AND length(certificate) < 2000")"

# ---- before anything is sent ----
disclose 'Ring page'
usual_text 'Ring page' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null
send_advisory "$id" --dry-run
same 'the dry run names each bad key' 'expired skip key.expired
revoked skip key.revoked
signonly skip key.no-encryption
triple skip key.weak-cipher' "$(recipients 'select(.verdict == "skip") | "\(.org) \(.verdict) \(.rule)"')"
same 'and who would get it' 'acorn birch brief cedar flooded late sha' \
    "$(recipients 'select(.verdict == "send") | .org' | tr '\n' ' ' | sed 's/ $//')"
same 'nothing has gone' 0 "$(sql "SELECT COUNT(*) FROM mail WHERE kind = 'advisory'")"

# ---- the first advisory ----
send_advisory "$id"
settle
for org in $good sha flooded brief late; do opens $org 'group'; done
for org in $bad; do same "nothing goes to $org" 0 "$(box security@$org.example)"; done
same 'one body for the group' 1 "$(sql "SELECT COUNT(DISTINCT body_id) FROM copy JOIN mail ON mail.id = mail_id WHERE kind = 'advisory' AND org IS NOT NULL")"
same 'a head for each' 7 "$(sql "SELECT COUNT(DISTINCT head) FROM copy JOIN mail ON mail.id = mail_id WHERE kind = 'advisory' AND org IS NOT NULL")"
for org in $good sha flooded brief late; do
    sub=$(gpg --homedir "$T/k/$org" --batch --with-colons -k 2>/dev/null | awk -F: '$1 == "sub" { print $5; exit }')
    open_mail $org "$(newest security@$org.example)" "$T/w/one"
    same "the copy of $org names its own subkey alone" "$sub" \
        "$(sed -n 's/^\[GNUPG:\] ENC_TO \([0-9A-F]*\).*/\1/p' "$T/w/one.status")"
done

# ---- no session key is kept ----
open_mail acorn "$(newest security@acorn.example)" "$T/w/one"
key=$(gpg --homedir "$T/k/acorn" --batch --show-session-key -d "$T/w/cipher.asc" 2>&1 >/dev/null |
    sed -n "s/.*session key: '9:\([0-9A-F]*\)'.*/\1/p")
same 'a session key of 32 bytes, as the member sees it' 64 "${#key}"
pattern=$(printf %s "$key" | sed 's/../\\x&/g')
same 'it stands nowhere in the state folder' '' \
    "$(LC_ALL=C grep -rlaP "$pattern" "$T/i/state" "$T/i/gnupg" "$T/log"; grep -rlai "$key" "$T/i/state" "$T/log")"
same 'nor does the text' '' "$(grep -rla 'sesame-' "$T/i/state" "$T/i/mail" "$T/log")"
same 'the signed text is wiped with the last seal' 0 \
    "$(sql "SELECT COUNT(*) FROM mail WHERE form = 'sealed' AND state = 'ready' AND sealed_payload IS NOT NULL")"

# ---- a key that goes bad between the command and the sealing ----
# Without its secret key the list cannot sign, and the sealing waits.
queue_of() {
    get ".data | map(select(.address == \"security@$1.example\" and .kind == \"advisory\")) | last | \"\(.state) \(.code)\"" queue list
}
sed "s/^Severity: .*/Severity: critical/" "$T/w/text" >"$T/w/text2"
ctl advisory edit "$id" "$T/w/text2" >/dev/null
mkdir "$T/w/away"
mv "$T/i/gnupg/main/list/private-keys-v1.d"/* "$T/w/away"
gpgconf --homedir "$T/i/gnupg/main/list" --kill all
send_advisory "$id"
same 'late is still to get it' send "$(recipients 'select(.org == "late") | .verdict')"
check "a revocation alone is news of a member's key" ctl key import "$T/k/late.rev"
same 'the key is revoked' revoked "$(state_of late)"
later '5 days'
same 'and another has expired' expired "$(state_of brief)"
same 'nothing is sealed yet' 7 "$(sql "SELECT COUNT(*) FROM copy JOIN mail ON mail.id = mail_id WHERE kind = 'advisory' AND copy.state = 'sealing'")"
mv "$T/w/away"/* "$T/i/gnupg/main/list/private-keys-v1.d"
settle
same 'the revoked one fails with its rule' 'failed key.revoked' "$(queue_of late)"
same 'the expired one too' 'failed key.expired' "$(queue_of brief)"
for org in $good sha flooded; do
    opens $org 'after the screening'
    same "$org has version 2" 2 "$(box security@$org.example)"
done
for org in late brief; do same "$org has version 1 alone" 1 "$(sql "SELECT COUNT(*) FROM copy JOIN mail ON mail.id = mail_id WHERE kind = 'advisory' AND copy.state = 'sent' AND org = '$org'")"; done

# A certificate that does not know of the revocation does not undo it.
ctl key import "$T/k/late.asc" >"$T/w/old"
same 'an older certificate does not undo a revocation' revoked "$(state_of late)"

# ---- a key is mended: the late copy goes by itself ----
bad_gpg brief --quick-set-expire "$(fpr brief)" 1y
bad_export brief
check 'a longer life is news too' ctl key import "$T/k/brief.asc"
same 'the key is usable again' usable "$(state_of brief)"
send_advisory "$id" --to brief
settle
opens brief 'a late copy'
same 'by a body of its own' 1 "$(sql "SELECT COUNT(*) FROM copy WHERE body_id =
    (SELECT body_id FROM copy WHERE org = 'brief' ORDER BY id DESC LIMIT 1)")"

# ---- a gpg that does not do what it was asked for ----
stop
mkdir "$T/w/bin"
cat >"$T/w/bin/gpg" <<'X'
#!/bin/sh
n=0
for word; do [ "$word" = -r ] && n=$((n + 1)); done
[ $n -gt 1 ] && exec /usr/bin/gpg --throw-keyids "$@"
exec /usr/bin/gpg "$@"
X
cat >"$T/w/bin/gpgconf" <<X
#!/bin/sh
/usr/bin/gpgconf "\$@" | sed 's|/usr/bin/gpg\$|$T/w/bin/gpg|; s|:/usr/bin/gpg:|:$T/w/bin/gpg:|'
X
chmod +x "$T/w/bin/gpg" "$T/w/bin/gpgconf"
path=$PATH
PATH=$T/w/bin:$PATH
: >"$T/log"
start
PATH=$path
sed "s/^Severity: .*/Severity: low/" "$T/w/text" >"$T/w/text3"
ctl advisory edit "$id" "$T/w/text3" >/dev/null
send_advisory "$id"
settle
has 'a result that cannot be taken apart is refused, and said' 'event=seal-fallback rule=pgp.split' "$T/log"
for org in $good sha flooded brief; do opens $org 'one by one'; done
same 'each has a body of its own' 6 "$(sql "SELECT COUNT(DISTINCT body_id) FROM copy WHERE mail_id = (SELECT MAX(id) FROM mail WHERE kind = 'advisory')")"
stop

# ---- watermarks ----
sed 's/id = "cloud-model"/id = "marked"/' "$T/i/policy/cloud-model@2026.conf" >"$T/i/policy/marked@2026.conf"
printf '\nsealing = { watermark = true; };\n' >>"$T/i/policy/marked@2026.conf"
sed -i 's/policy = "cloud-model@2026"/policy = "marked@2026"/' "$conf"
start
disclose 'Marked'
usual_text 'Marked' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null
same 'the policy with watermarks is in use' marked@2026 "$(get .data.policy case show "$id")"
send_advisory "$id"
settle
for org in $good; do opens $org watermark; done
same 'each copy has a body of its own' 6 "$(sql "SELECT COUNT(DISTINCT c.body_id) FROM copy c JOIN mail m ON m.id = c.mail_id
    JOIN cases k ON k.id = m.case_id WHERE m.kind = 'advisory' AND k.code = '$id'")"

# ---- a key that is revoked after the sealing ----
revocation acorn
mv "$T/i/mail/security@acorn.example" "$T/w/acorn"
: >"$T/i/mail/security@acorn.example"
usual_text 'Marked again' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null
send_advisory "$id"
for try in $(seq 300); do
    [ "$(queue_of acorn | cut -d' ' -f1)" = deferred ] && break
    sleep 0.1
done
rm "$T/i/mail/security@acorn.example"
mv "$T/w/acorn" "$T/i/mail/security@acorn.example"
before=$(box security@acorn.example)
ctl key import "$T/k/acorn.rev" >"$T/w/out"
same 'what was sealed for it and has not gone is dropped' 'dropped key.revoked' "$(queue_of acorn)"
later '1 day'
settle
same 'and never goes' "$before" "$(box security@acorn.example)"
stop
finish
