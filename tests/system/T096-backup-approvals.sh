#!/bin/sh
# Secret keys leave the machine only as two admins want it; a core that is killed in the middle leaves nothing behind,
# and the file of before stays as it was.
. "${srcdir:-.}/tests/lib/flow.sh"

init
sed 's/^id = .*/id = "two";/; s/^edition = .*/edition = "2026";/' "$T/i/policy/cloud-model@2026.conf" >"$T/i/policy/two@2026.conf"
printf 'approvals = { backup_with_keys = 2; };\n' >>"$T/i/policy/two@2026.conf"
sed -i 's/policy = "[^"]*"/policy = "two@2026"/' "$conf"
start

reply() { jq -r "$1" "$T/w/reply"; }

# ---- two admins ----
ctl backup "$T/w/keys" --with-keys >"$T/w/reply"
same 'asking is no refusal' '0 true approval.pending' "$? $(reply '"\(.ok) \(.rule)"')"
same 'there is no file' '' "$(find "$T/w" -name 'keys*')"
id=$(reply .data.id)
same 'it is known what for' 'backup with keys' "$(get '.data[0].action' approval list)"
denied approval.twice 'nobody votes twice' approval approve "$id"
check 'without keys nobody is asked' ctl backup "$T/w/plain"
ctl_as bob@example.org approval approve "$id" >"$T/w/reply" || not_ok 'approval approve'
same 'who votes gets no file' '' "$(find "$T/w" -name 'keys*')"
ctl_as bob@example.org backup "$T/w/bobs" --with-keys >"$T/w/reply"
same "the grant is the asker's alone" 'approval.pending' "$(reply .rule)"
check 'who asked gets it' ctl backup "$T/w/keys" --with-keys
gpg --homedir "$T/k/ann" --batch -q -d "$T/w/keys" 2>/dev/null | tar tf - 2>/dev/null >"$T/w/names"
has 'with the keys' private-keys-v1.d "$T/w/names"
settle
seen=
for f in "$T"/i/mail/bob@example.org/new/*; do open_mail bob "$f" "$T/w/open" && seen=$seen$(cat "$T/w/open"); done
printf '%s' "$seen" >"$T/w/seen"
has 'all admins are told' 'A backup with the secret keys of the lists was made' "$T/w/seen"
ctl backup "$T/w/again" --with-keys >"$T/w/reply"
same 'the grant is used up' approval.pending "$(reply .rule)"

# ---- killed in the middle ----
sum=$(sha256sum <"$T/w/plain")
stop
sqlite3 "$T/i/state/db.sqlite" "CREATE TABLE filler(b BLOB) STRICT; INSERT INTO filler VALUES(randomblob(60000000))"
start
ctl backup "$T/w/plain" >"$T/w/reply" &
client=$!
for kill_try in $(seq 300); do
    [ -s "$T/i/state/backup/sealed" ] && break
    sleep 0.02
done
kill -KILL "$(role_pid core)"
wait $client
same 'the client is told that it is not known' '4 daemon.gone' "$? $(reply .rule)"
for up_try in $(seq 300); do ctl status >/dev/null 2>&1 && break; sleep 0.1; done
same 'nothing is left in state/backup' '' "$(find "$T/i/state/backup" -type f)"
same 'nor beside the file' '' "$(find "$T/w" -name '*.part')"
same 'which is as it was' "$sum" "$(sha256sum <"$T/w/plain")"
check 'said again, it is made' ctl backup "$T/w/plain"
stop
finish
