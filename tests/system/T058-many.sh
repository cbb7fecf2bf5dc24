#!/bin/sh
# More members than one home holds keys of: 512 in two shards. Every copy has one session key, that of its own member,
# and none is missing or twice; copies open with a good signature; the shards hold each key once.
. "${srcdir:-.}/tests/lib/flow.sh"

load=$bin/tests/bench/bench-load
[ -x "$load" ] || { echo 'skipped: no bench-load here (make check builds it)'; exit 77; }

# settle_long: as settle, for many keys and many copies.
settle_long() {
    ctl wait --timeout 120 >"$T/w/wait" || { not_ok 'the daemon settles'; cat "$T/w/wait"; finish; }
}

# sql STATEMENT: of the database, which is only read.
sql() { sqlite3 -readonly "$T/i/state/db.sqlite" "$1"; }

made=$(date -u +%Y-%m-%dT%H:%M:%SZ)
init
start
member acorn distro distros
stop
check '510 members are loaded' "$load" 510 "$made" "$T/i/state" main distro distros
start
settle_long
# The last has a key of its own: it is in the second shard, and opens its copy below.
member birch distro distros
settle_long
same 'shards hold at most 500 keys' '1|500
2|12' "$(sql 'SELECT shard, COUNT(*) FROM key WHERE shard > 0 GROUP BY shard ORDER BY shard')"
for shard in 001:500 002:12; do
    same "the home of shard ${shard%:*} holds its keys" "${shard#*:}" \
        "$(gpg --homedir "$T/i/gnupg/main/member-${shard%:*}" --batch --with-colons --list-keys 2>/dev/null | grep -c '^pub')"
done

printf 'the fault\n' | mail sam@example.net 'a fault' >"$T/w/report"
ctl case open --from "$T/w/report" >"$T/w/open"
id=$(jq -r .data.id "$T/w/open")
settle_long
printf 'Title: A fault\n\n## IMPACT\nA tree falls.\n' >"$T/w/advisory"
check 'an advisory is ready' eval 'ctl case accept $id && ctl case set $id track=coordinated &&
    ctl advisory new $id --title "A fault" && ctl advisory edit $id "$T/w/advisory"'
settle_long
ctl advisory send "$id" >"$T/w/send"
same 'it goes to everyone' 512 "$(jq '[.data.recipients[] | select(.verdict == "send")] | length' "$T/w/send")"
settle_long
same 'every copy is sent' '512|sent' \
    "$(sql "SELECT COUNT(*), c.state FROM copy c JOIN mail m ON m.id = c.mail_id WHERE m.kind = 'advisory' GROUP BY c.state")"
same 'of a mail that is sealed nothing but the sealed is kept' 0 \
    "$(sql "SELECT COUNT(*) FROM mail WHERE kind = 'advisory' AND sealed_payload IS NOT NULL")"

# ---- each copy, by itself ----
# Key ids are in the subkeys of the records; the second of each is the one that encrypts.
sql "SELECT o.address, GROUP_CONCAT(s.key_id) FROM contact o JOIN key k ON k.fingerprint = o.fingerprint
     JOIN subkey s ON s.key_row = k.id GROUP BY o.address" >"$T/w/ids"
mkdir -m 700 "$T/k/empty"
wrong=0 copies=0
while IFS='|' read -r address ids; do
    set -- "$T/i/mail/$address/new"/*
    [ $# -eq 1 ] && [ -f "$1" ] || { wrong=$((wrong + 1)); continue; }
    copies=$((copies + 1))
    gpg --homedir "$T/k/empty" --batch --list-packets "$1" 2>/dev/null | sed -n 's/^:pubkey enc packet: .* keyid //p' >"$T/w/to"
    read -r to <"$T/w/to"
    case ",$ids," in *",$to,"*) [ "$(wc -l <"$T/w/to")" -eq 1 ] && continue ;; esac
    wrong=$((wrong + 1))
done <"$T/w/ids"
same 'each member has one copy, with one session key, its own' '512 0' "$copies $wrong"
same 'no copy lies elsewhere' 512 "$(find "$T/i/mail" -path '*/new/*' -type f ! -path '*/ann@*' ! -path '*/bob@*' | wc -l)"

for org in acorn birch; do
    set -- "$T/i/mail/security@$org.example/new"/*
    gpg --homedir "$T/k/$org" --batch --status-fd 3 --decrypt "$1" 3>"$T/w/status" >"$T/w/plain" 2>"$T/w/err"
    has "$org opens its copy" 'A tree falls.' "$T/w/plain"
    has "$org finds the list's good signature" "VALIDSIG $list_fpr" "$T/w/status"
done
finish
