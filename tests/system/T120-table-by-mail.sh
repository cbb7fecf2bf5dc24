#!/bin/sh
# A table of members by an admin's signed mail: attached or below the lines, each row with its word, under the rule of
# two too; one table to a mail; a member's, and one with a secret key in it, change nothing.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/orders.sh"

for org in acorn birch cedar delta ember; do make_key $org security@$org.example & done
wait_keys
init
start
ann=ann@example.org bob=bob@example.org
mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
One.
X
inject rita@reporter.example "$T/w/m"

# table ORG...: each with its key as armor, and one row without a class.
table() {
    echo org,class,tier,address,key
    for table_org; do
        printf '%s,distro,distros,security@%s.example,"%s"\n' "$table_org" "$table_org" "$(cat "$T/k/$table_org.asc")"
    done
    echo fern,,distros,security@fern.example,
}
# with_files NONCE COMMAND... of ann, with the files in $files attached.
with_files() {
    { printf 'Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\n'
      order_text "$@"
      for file in $files; do
          printf '\n--m\nContent-Type: text/csv; name="%s"\nContent-Disposition: attachment; filename="%s"\n\n' "$file" "$file"
          cat "$T/w/$file"
      done
      printf '\n--m--\n'; } | crlf >"$T/w/part"
    encrypted_part "$T/w/part" --homedir "$T/k/ann" -r "$list_fpr" --sign --encrypt >"$T/w/mime"
    mail_of "$T/w/mime" "Ann <$ann>" commands >"$T/w/order"
    order_name=ann order_address=$ann
    order_send
}
members_now() { get '[.data[] | "\(.org):\(.contacts[0].key_state)"] | join(" ")' member list; }

table acorn birch >"$T/w/one.csv"
table cedar >"$T/w/two.csv"
files=one.csv
with_files "$(nonce_of ann $ann)" 'member import one.csv --dry-run'
same 'a dry run changes nothing' 'done; ' "$(answered) $(members_now)"
has 'and says what would be' '"added": 2' "$T/w/answer"
with_files "$(fresh)" 'member import one.csv'
same 'attached: two are in' 'done; acorn:usable birch:usable' "$(answered) $(members_now)"
has 'and the third is refused with its reason' fern "$T/w/answer"
files='one.csv two.csv'
with_files "$(fresh)" 'member import two.csv' 'member import one.csv'
same 'one table to a mail' 'done;refused, command.file; acorn:usable birch:usable cedar:usable' "$(answered) $(members_now)"
files=
with_files "$(fresh)" 'member import none.csv'
same 'none of that name' 'refused, command.file;' "$(answered)"

set_clock "$now"
{ order_text "$(fresh)" 'member import -'; echo; table delta; } | secret_mail ann "Ann <$ann>" commands >"$T/w/order"
order_send
same 'below the lines' 'done; acorn:usable birch:usable cedar:usable delta:usable' "$(answered) $(members_now)"
same 'by whom' 'admin:ann@example.org' "$(get '[.data[] | select(.event == "member.add") | .actor] | last' audit show)"
printf 'not,a,table\n1,2,3\n' >"$T/w/one.csv"
files=one.csv
with_files "$(fresh)" 'member import one.csv'
same 'what is none is refused' 'refused, import.header;' "$(answered)"
table ember >"$T/w/one.csv"
gpg --homedir "$T/k/ember" --batch --armor --passphrase '' --export-secret-keys >"$T/w/secret" 2>/dev/null
printf 'ember,distro,distros,second@ember.example,"%s"\n' "$(cat "$T/w/secret")" >>"$T/w/one.csv"
with_files "$(fresh)" 'member import one.csv'
same 'a secret key among them: nobody comes in' 'refused, key.secret; 4' "$(answered) $(get '.data | length' member list)"

# ---- a member's, and the rule of two ----
set_clock "$now"
printf 'Embargo-List: main\nEmbargo-Command: nonce\n' | secret_mail acorn 'Acorn <security@acorn.example>' commands >"$T/w/order"
order_name=acorn order_address=security@acorn.example
order_send
{ order_text "$(fresh)" 'member import -'; echo; table ember; } | secret_mail acorn 'Acorn <security@acorn.example>' commands >"$T/w/order"
order_send
same 'a member has no such verb' 4 "$(get '.data | length' member list)"
stop
sed 's/^id = .*/id = "two";/; s/^edition = .*/edition = "2026";/' "$T/i/policy/cloud-model@2026.conf" >"$T/i/policy/two@2026.conf"
printf 'approvals = { member_add = 2; };\n' >>"$T/i/policy/two@2026.conf"
sed -i 's/policy = "[^"]*"/policy = "two@2026"/' "$conf"
start
order bob $bob "$(nonce_of bob $bob)" nonce
set_clock "$now"
{ order_text "$(fresh)" 'member import -'; echo; table ember; } | secret_mail bob "Bob <$bob>" commands >"$T/w/order"
order_send
same 'under a policy of two it waits' 'done, approval.pending; 4' "$(answered) $(get '.data | length' member list)"
order ann $ann "$(nonce_of ann $ann)" nonce
order ann $ann "$(fresh)" "approval approve $(get '.data[0].id' approval list)"
same 'for the other' 'done; 5' "$(answered) $(get '.data | length' member list)"
finish
