#!/bin/sh
# Troubles around the daemon: a gpg that hangs, dies, prompts, fills its pipe; an agent that is killed; a database that
# is held by another, read-only or damaged. Each is said in the log with a rule, `check' finds it, and nothing is lost.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/holder.sh"
. "${srcdir:-.}/tests/lib/locked.sh"

init
sed -i '/^reminders/d' "$conf"
# A worker with a gpg that does not end is ended after four seconds, and once is enough to ask whose fault it is.
printf 'limits = { worker_seconds = 4; worker_tries = 1; retry_first_s = 1; retry_max_s = 1; };\nreminders = [];\n' >>"$conf"
make_key rita rita@reporter.example
give_key rita "$T/k/list.asc"
rita_fpr=$(fpr rita)
autocrypt="Autocrypt: addr=rita@reporter.example; prefer-encrypt=mutual; keydata=
$(gpg --homedir "$T/k/rita" --batch --export "$rita_fpr" | base64 | sed 's/^/ /')"

# finds WORDS CHECK DETAIL [AS]: check has a failed row of this name (regular expressions) with a remedy, and exits
# with 1. AS: what runs it.
finds() {
    ${4:-timeout 60} "$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
    code=$?
    if [ $code -eq 1 ] && jq -e --arg n "$2" --arg d "$3" \
        '[.data[] | select(.status == "fail" and (.name | test($n)) and (.detail | test($d)) and .remedy != "")] |
         length > 0' "$T/w/check" >/dev/null; then
        ok "check finds $1"
    else
        not_ok "check finds $1 (exit $code)"
        jq -c '.data[] | select(.status != "ok")' "$T/w/check"
    fi
}

. "${srcdir:-.}/tests/lib/fakegpg.sh"

# sealed WORDS: a report sealed to the list; what gpg does wrong shows with it.
turn=0 sent=
sealed() {
    turn=$((turn + 1))
    echo "Words of $turn." | secret_mail rita 'Rita <rita@reporter.example>' "Report $turn" "$autocrypt" >"$T/w/m$turn"
    sent="$sent$turn $rita_fpr
"
    post rita@reporter.example "$T/w/m$turn" || not_ok "the mail is taken: $*"
}

logged() { comes_in "the log says: $1" "$2" "$T/log"; }

# whole WORDS: after the cure each report so far is a case, once: with its title, its text and its signature, and not
# as a mail that could not be read. No admin had to do anything, since no mail was held for a fault of gpg's.
whole() {
    settle
    same "nothing is held for it: $1" '' "$(get '.data[] | .rule' held list)"
    for whole_id in $(get '.data[].id' case list); do
        get '.data | .title as $t | .messages[] |
             "\($t) | \(.subject) | \(.text | @json) | \(.signed_by) \(.verified) | \(.attachments | length)"' \
            case show "$whole_id"
    done >"$T/w/whole"
    printf '%s' "$sent" | while read -r whole_n whole_by; do
        printf 'Report %s | Report %s | "Words of %s.\\n" | ' $whole_n $whole_n $whole_n
        [ "$whole_by" = null ] && printf 'null false | 0\n' || printf '%s true | 0\n' "$whole_by"
    done >"$T/w/wanted"
    same "nothing is lost, and all is as it was sent: $1" "$(sort "$T/w/wanted")" "$(sort "$T/w/whole")"
}

work='case " $* " in *" --decrypt "*|*" -d "*) '
start_with_fakes() {
    fake true
    PATH=$T/i/bin:$PATH
    start
    PATH=$path
}
start_with_fakes

# ---- gpg ----
# It neither opens nor signs: the admins hear of it at once, and not only at the next day's try.
fake 'case " $* " in *" --decrypt "*|*" --sign "*|*" --clearsign "*) exit 2 ;; esac'
: >"$T/log"
before=$(box ann@example.org)
sealed 'gpg refuses'
logged 'gpg refuses' 'event=gpg-is-broken'
logged 'the list key is tried for it' 'event=list-key-does-not-sign'
for try in $(seq 300); do [ "$(box ann@example.org)" -gt "$before" ] && break; sleep 0.1; done
has 'and each admin has a notice' 'does not sign' "$(newest ann@example.org)"
fake true
whole 'gpg refuses'
same 'it is told when it signs again' true "$(get '.data.list_keys[0].signs' status)"

fake "$work sleep 60 ;; esac"
sealed 'gpg hangs'
logged 'gpg hangs' 'event=gpg-is-broken rule=worker.deadline'
fake true
whole 'gpg hangs'

fake "$work kill -KILL \$\$ ;; esac"
: >"$T/log"
sealed 'gpg dies'
logged 'gpg dies' 'event=gpg-is-broken'
fake true
whole 'gpg dies'

fake 'before= fd=2; for word; do [ "$before" = --status-fd ] && fd=$word; before=$word; done' \
    'yes "[GNUPG:] PROGRESS x ? 1 1" | head -c 3000000 | eval "cat >&$fd"; head -c 3000000 /dev/zero >&2'
: >"$T/log"
sealed 'gpg fills its pipe'
logged 'gpg fills its pipe' 'event=gpg-is-broken'
logged 'and says what to do' 'event=mail-deferred rule=\(pgp.engine .*embargoctl check\|worker.deadline\)'
fake true
whole 'gpg fills its pipe'

# check runs gpg itself, and is not stuck with it.
fake 'sleep 100'
PATH=$T/i/bin:$PATH
finds 'a gpg that hangs' '^(gpg|keys)$' 'no answer'
fake 'exit 2'
finds 'a gpg that refuses' '^gpg$' .
PATH=$path
fake true

# ---- the agent ----
: >"$T/log"
fake "$work gpgconf --homedir '$T/i/gnupg/main/list' --kill all ;; esac"
sealed 'the agent is killed'
fake true
whole 'the agent is killed'

# ---- a key with a passphrase: an agent that would have to ask for it ----
stop
cp -a "$T/i/gnupg/main/list" "$T/w/list"
home=$T/i/gnupg/main/list
printf 'one long passphrase' >"$T/w/pass"
lock_list_key "$T/w/pass"
# A pinentry that would tell of being asked, and then wait for ever.
cp "$home/gpg-agent.conf" "$T/w/agent.conf"
printf '#!/bin/sh\necho asked >>"%s"\nsleep 60\n' "$T/w/asked" >"$T/i/bin/pinentry"
chmod +x "$T/i/bin/pinentry"
echo "pinentry-program $T/i/bin/pinentry" >>"$home/gpg-agent.conf"
: >"$T/log" >"$T/w/asked"
start
finds 'a key that is locked' '^key of main$' 'passphrase'
sealed 'the key is locked'
logged 'the key is locked' 'rule=locked-key'
same 'and nobody was asked for it' '' "$(cat "$T/w/asked")"
stop
cp "$T/w/agent.conf" "$home/gpg-agent.conf"
gpgconf --homedir "$home" --kill all
cp "$T/w/list/private-keys-v1.d"/* "$home/private-keys-v1.d"
start
whole 'the key is locked'

# ---- the database ----
: >"$T/log"
hold_database
finds 'a database that another program holds' database 'another program'
turn=$((turn + 1))
sent="$sent$turn null
"
mail 'Rita <rita@reporter.example>' "Report $turn" 'Authentication-Results: mx.example.org; dmarc=pass' <<E >"$T/w/m"
Words of $turn.
E
post rita@reporter.example "$T/w/m" && ok 'mail is taken all the same' || not_ok 'mail is taken all the same'
logged 'another program holds the database' 'rule=store.busy'
let_database_go
whole 'the database was held'
stop

# Root may write what is read-only, unless it has given that up; so may not the daemon's user.
if [ "$(id -u)" -eq 0 ]; then
    plainly='setpriv --bounding-set=-dac_override,-dac_read_search'
else
    plainly=env
fi
chmod 400 "$T/i/state/db.sqlite"
finds 'a database that is read-only' database 'cannot be written' "$plainly"
: >"$T/log"
run_daemon $plainly
logged 'the database is read-only' 'event=core-start-failed rule=store.read-only .*owner and mode'
wait $daemon
same 'and the daemon does not serve; starting it again would not help' 78 $?
daemon=
chmod 600 "$T/i/state/db.sqlite"

rm -f "$T/i/state/db.sqlite-wal" "$T/i/state/db.sqlite-shm"
dd if=/dev/zero of="$T/i/state/db.sqlite" bs=4096 seek=2 count=6 conv=notrunc 2>/dev/null
: >"$T/log"
run_daemon
logged 'the database is damaged, and which backup there is' 'rule=store.damaged.*backup'
refused 'and the daemon does not serve' "$bin/embargoctl" -c "$conf" --as ann@example.org status
finds 'a damaged database' database .
stop
finish
