#!/bin/sh
# A backup while the daemon works; what is in it and what is not; restored it says the same as the original, on hold,
# and goes on when it is accepted, with nothing sent twice. What is cut, altered, forged or newer is refused.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/apply.sh"

init
start
members
disclose 'Ring page zyxtitle'
usual_text 'Ring page zyxtitle' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
until=$(date -u -d "$now +3 days" +%Y-%m-%dT%H:%M:%SZ)
ctl embargo set "$id" --until "$until" >"$T/w/set" || { not_ok 'embargo set'; cat "$T/w/set"; }
ctl advisory send "$id" >"$T/w/send" || not_ok 'advisory send'
ctl publish approve "$id" >/dev/null || not_ok 'publish approve'
ctl_as bob@example.org publish approve "$id" >/dev/null
mail 'Rita <rita@reporter.example>' 'Report zyxsubj' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/rita" <<X
Words zyxbody.
X
inject rita@reporter.example "$T/w/rita"
make_key fir security@fir.example
form fir | keyed_part fir >"$T/w/keyed"
mail_of "$T/w/keyed" 'Joe <joe@fir.example>' Application "$dmarc" >"$T/w/m"
inject joe@fir.example "$T/w/m" $apply
application=$(new_application)
same 'an application is under review' complete "$(app_state "$application")"
# What waits when the backup is made: two copies put off by a courier that stands still.
kill -STOP "$(role_pid courier)"
mail 'Rita <rita@reporter.example>' 'Second zyxsubj' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/rita2" <<X
More words zyxbody.
X
post rita@reporter.example "$T/w/rita2"
for wait_try in $(seq 300); do
    [ "$(cases)" = 3 ] && [ "$(get '[.data[] | select(.state == "queued")] | length' queue list)" -ge 3 ] && break
    sleep 0.1
done

# ---- making it ----
ctl backup "$T/w/one.backup" >"$T/w/backup" || { not_ok backup; cat "$T/w/backup"; }
same 'a backup is encrypted to both admins' 2 "$(jq '.data.encrypted_to | length' "$T/w/backup")"
same 'it is for its owner alone' 600 "$(stat -c %a "$T/w/one.backup")"
same 'its size is what was said' "$(jq .data.size_bytes "$T/w/backup")" "$(stat -c %s "$T/w/one.backup")"
ctl backup "$T/w/keys.backup" --with-keys >"$T/w/backup2" || { not_ok 'backup --with-keys'; cat "$T/w/backup2"; }
same 'no temporary file is left' '' "$(find "$T/i/state/backup" -type f; find "$T/w" -name '*.part')"
for word in zyxtitle zyxsubj zyxbody rita@reporter; do
    same "no $word in clear in the backup" 0 "$(grep -ciaF "$word" "$T/w/one.backup" "$T/w/keys.backup" | cut -d: -f2 | paste -sd+ | sed 's/+.*//')"
done
# An admin with nothing but gpg and tar can look into it.
gpg --homedir "$T/k/ann" --batch -q -d "$T/w/one.backup" 2>/dev/null >"$T/w/one.tar"
tar tf "$T/w/one.tar" >"$T/w/names" 2>"$T/w/tar.err"
has 'tar reads it' 'state/db.sqlite' "$T/w/names"
lacks 'without keys it has no secret key' private-keys "$T/w/names"
for word in zyxtitle zyxsubj zyxbody rita@reporter; do lacks "no $word in clear within either" "$word" "$T/w/one.tar"; done
gpg --homedir "$T/k/bob" --batch -q -d "$T/w/keys.backup" 2>/dev/null >"$T/w/keys.tar"
tar tf "$T/w/keys.tar" >"$T/w/names"
same 'with keys it has those of list and storage' 'list storage' \
    "$(sed -n 's|^gnupg/main/\([a-z]*\)/private-keys.*|\1|p' "$T/w/names" | sort -u | tr '\n' ' ' | sed 's/ $//')"
"$bin/embargoctl" -c "$conf" --as ann@example.org --json backup - >"$T/w/out" 2>&1
same 'a file and JSON do not go to one output' 2 $?

# ---- what the original says; nothing is changed after the last backup ----
# answers CONF OUT: what an instance says of itself, but for the line of `next` that says that it is a restored one.
answers() {
    for answers_of in 'case list' "case show $id" "case show $(ctl case list | jq -r '.data[1].id')" 'queue list' 'member list' \
        "policy explain $id" 'held list' 'admin list' 'key list' 'application list' "application show $application" 'approval list' "advisory show $id" \
        "embargo show $id" 'audit verify' 'audit show' stats next "publish check $id" 'policy list'; do
        echo "$answers_of"
        # shellcheck disable=SC2086
        "$bin/embargoctl" -c "$1" --json --as ann@example.org $answers_of | jq -S '.data | if type == "array" then map(select(.clock? != "restore")) else . end'
    done >"$2"
}
ctl backup "$T/w/last.backup" --with-keys >/dev/null || not_ok 'the last backup'
answers "$conf" "$T/w/answers.original"
kill -CONT "$(role_pid courier)"
settle

# ---- restored as a copy ----
unset GNUPGHOME
# restore NAME OPTION...: with ann's key, into a folder of its own, as a daemon of its own would find it.
restore() {
    restore_home=$1
    shift
    GNUPGHOME=$T/k/ann "$bin/embargoctl" --json restore "$@" --home "$T/$restore_home" >"$T/w/restore" 2>&1
}
check 'restore opens it with an admin'"'"'s key' restore r "$T/w/last.backup"
same 'it is on hold' 'true true rehearsal' "$(jq -r '.data | "\(.on_hold) \(.has_keys) \(.kind)"' "$T/w/restore")"
same 'it says whose it is' "$list_fpr main" "$(jq -r '.data | "\(.signed_by) \(.lists[0].name)"' "$T/w/restore")"
same 'nonces are void' 0 "$(sqlite3 "$T/r/state/db.sqlite" 'SELECT COUNT(*) FROM nonce')"
refused 'not over an instance' restore r "$T/w/last.backup"
same 'restore.exists' restore.exists "$(jq -r .rule "$T/w/restore")"
mkdir "$T/full" && touch "$T/full/x"
refused 'nor into a folder with files' restore full "$T/w/last.backup"
same 'restore.not-empty' 'restore.not-empty x' "$(jq -r .rule "$T/w/restore") $(ls "$T/full")"

stop
original=$conf
conf=$T/r/embargod.conf
start
answers "$conf" "$T/w/answers.restored"
check 'the restored instance says the same as the original' cmp "$T/w/answers.original" "$T/w/answers.restored"
diff "$T/w/answers.original" "$T/w/answers.restored" | head -n 10
same 'status says that it is on hold' last.backup "$(get .data.on_hold.file status)"
same 'status: first of what is wrong' 'restore --accept (offline)' "$(get '.data.wrong[0].do' status)"
same 'next: first' 'restore --accept' "$(get '.data[0].do' next)"
same 'check warns of it' warn "$(ctl check | jq -r '.data[] | select(.name == "restored") | .status')"
mail 'Rita <rita@reporter.example>' 'Third' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/rita3" <<X
Third words.
X
later '4 days'
post rita@reporter.example "$T/w/rita3"
check 'it is settled' ctl wait --timeout 5
same 'mail that comes is kept' 1 "$(find "$T/r/state/spool/new" -type f | wc -l)"
same 'and is no case' 3 "$(cases)"
same 'no deadline fires' 0 "$(ctl audit show | jq "[.data[] | select(.at >= \"$now\")] | length")"
same 'nothing is sent' 0 "$(find "$T/r/mail" -type f | wc -l)"
GNUPGHOME=$T/k/ann "$bin/embargoctl" -c "$conf" --json restore --accept >"$T/w/accept"
same 'not accepted while the daemon runs' restore.running "$(jq -r .rule "$T/w/accept")"
stop
check 'accepted' "$bin/embargoctl" -c "$conf" --json restore last.backup --accept
start
settle
same 'no copy that may have gone goes by itself; the new acknowledgement does' 1 \
    "$(find "$T/r/mail/rita@reporter.example/new" -type f | wc -l)"
get '[.data[] | select(.code == "restore.maybe-sent")] | length' queue list >"$T/w/aside"
check 'those are in the queue, to be decided' test "$(cat "$T/w/aside")" -ge 3
newest_team=$(for f in "$T"/r/mail/ann@example.org/new/*; do open_mail ann "$f" "$T/w/open" && cat "$T/w/open"; done)
printf '%s\n' "$newest_team" >"$T/w/team"
has 'the team is told' 'This instance was restored from a backup' "$T/w/team"
same 'a release whose instant was before is asked about' release.restored "$(get .data.release.rule embargo show "$id")"
same 'the mail that was kept is a case' 4 "$(cases)"
same 'the trail holds' null "$(get .data.bad_seq audit verify)"
same 'and says it' restore.accepted "$(get '[.data[] | select(.event == "restore")][0].rule' audit show)"
copy=$(get '[.data[] | select(.code == "restore.maybe-sent" and (.kind == "team"))][0].id' queue list)
[ "$copy" = null ] && copy=$(get '[.data[] | select(.code == "restore.maybe-sent")][0].id' queue list)
check 'queue retry sends one' ctl queue retry "$copy"
settle
same 'it went' sent "$(get .data.state queue show "$copy")"
stop
GNUPGHOME=$T/k/ann "$bin/embargoctl" -c "$conf" --json restore --accept >"$T/w/accept"
same 'nothing to accept twice' restore.not-held "$(jq -r .rule "$T/w/accept")"

# ---- without keys ----
check 'a backup without keys is restored' restore n "$T/w/one.backup"
same 'and says what is missing' 'false' "$(jq -r .data.has_keys "$T/w/restore")"
check 'with the keys of another one' restore m "$T/w/one.backup" --keys "$T/w/keys.backup"
same 'nothing is missing' 'true' "$(jq -r .data.has_keys "$T/w/restore")"
conf=$T/m/embargod.conf
start
same 'it opens what is sealed' 'Ring page zyxtitle' "$(get .data.title case show "$id")"
stop
conf=$original

# ---- what is refused, and leaves nothing ----
# no RULE WORDS FILE OPTION...
no() {
    no_rule=$1 no_words=$2
    shift 2
    restore x "$@"
    same "$no_words" "1 $no_rule" "$? $(jq -r .rule "$T/w/restore")"
    [ -e "$T/x" ] && not_ok "$no_words: something is left"
}
size=$(stat -c %s "$T/w/one.backup")
head -c $((size - 100)) "$T/w/one.backup" >"$T/w/cut"
no backup.damaged 'a cut one' "$T/w/cut"
head -c 40000 "$T/w/one.backup" >"$T/w/cut"
no backup.damaged 'a short one' "$T/w/cut"
cp "$T/w/one.backup" "$T/w/altered"
# Eight at once: one byte may have been an x before.
printf 'xxxxxxxx' | dd of="$T/w/altered" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
no backup.damaged 'an altered one' "$T/w/altered"
# sealed NAME TAR OUT: signed by NAME, encrypted to ann.
sealed() {
    gpg --homedir "$T/k/$1" --batch -q --yes --trust-model always -r ann@example.org --sign --encrypt -o "$3" <"$2" 2>/dev/null
}
give_key bob "$T/k/ann.asc"
give_key ann "$T/k/bob.asc"
sealed bob "$T/w/one.tar" "$T/w/forged"
no backup.signer 'one that somebody else signed' "$T/w/forged"
gpg --homedir "$T/k/ann" --batch -q --yes --trust-model always -r ann@example.org --encrypt -o "$T/w/forged" <"$T/w/one.tar"
no backup.signature 'an unsigned one' "$T/w/forged"
no backup.other-list 'one of another list than is named' "$T/w/one.backup" --list-key "$(fpr bob)"
GNUPGHOME=$T/k/acorn "$bin/embargoctl" --json restore "$T/w/one.backup" --home "$T/x" >"$T/w/restore"
same "a member's key opens none" backup.no-key "$(jq -r .rule "$T/w/restore")"
gpg --homedir "$T/k/ann" --batch --yes --delete-keys "$list_fpr" 2>/dev/null
no backup.unknown-signer 'one whose signer is not known' "$T/w/one.backup"
give_key ann "$T/k/list.asc"
# Another archive, by the list's own key: a newer one, one with a file that none has.
# shellcheck disable=SC2016
remake() {
    rm -rf "$T/w/tree"
    mkdir "$T/w/tree"
    tar -C "$T/w/tree" -mxf "$T/w/one.tar"
    (cd "$T/w/tree" && eval "$1" && tar --format=ustar -cf "$T/w/made.tar" $(find . -type f | sed 's|^\./||'))
    gpg --homedir "$T/i/gnupg/main/list" --batch -q --yes --trust-model always -r ann@example.org --sign --encrypt \
        -o "$T/w/made" <"$T/w/made.tar" 2>/dev/null
}
remake ':'
check 'one that was packed anew is taken' restore y "$T/w/made"
remake "sed -i 's/\"schema\": [0-9]*/\"schema\": 999/' manifest.json"
no store.newer 'one of a newer program' "$T/w/made"
remake 'echo x >policy/more.conf'
no backup.damaged 'one with a file that its list has not' "$T/w/made"
remake 'mkdir state/spool && echo x >state/spool/x'
no backup.entry 'one with a file that no backup has' "$T/w/made"
remake 'printf x | dd of=state/db.sqlite bs=1 seek=9000 conv=notrunc 2>/dev/null'
no backup.damaged 'one whose database is not that of its list' "$T/w/made"
gpgconf --homedir "$T/i/gnupg/main/list" --kill all

# ---- a database of a newer program is left alone ----
version=$(sqlite3 "$T/i/state/db.sqlite" 'PRAGMA user_version')
sqlite3 "$T/i/state/db.sqlite" 'PRAGMA user_version = 999'
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/newer" 2>&1
same 'a newer database does not start, and is not tried again' 78 $?
has 'by the rule' 'rule=store.newer' "$T/w/newer"
has 'with the remedy' 'use the newer program' "$T/w/newer"
same 'check says so' fail "$("$bin/embargoctl" -c "$conf" --json check | jq -r '[.data[] | select(.name == "database") | .status][0]')"
same 'it is as it was' 999 "$(sqlite3 "$T/i/state/db.sqlite" 'PRAGMA user_version')"
sqlite3 "$T/i/state/db.sqlite" "PRAGMA user_version = $version"

# ---- a damaged database names the last backup ----
dd if=/dev/urandom of="$T/i/state/db.sqlite" bs=4096 count=2 seek=1 conv=notrunc 2>/dev/null
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/damaged" 2>&1
same 'a damaged database does not start' 78 $?
has 'and says which backup' "the last backup is $T/w/last.backup" "$T/w/damaged"
for home in "$T"/[rnmy]/gnupg/*/*; do gpgconf --homedir "$home" --kill all; done
finish
