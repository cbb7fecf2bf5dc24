#!/bin/sh
# A backup while mail comes and commands run: it holds up neither, a second one waits its turn, and what it holds is one
# moment's, whole. A backup of a database that another program holds is refused, and says why.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/holder.sh"
init
sed -i '/^reminders/d' "$conf"
echo 'reminders = [];' >>"$conf"

# A gpg that takes its time over a backup.
. "${srcdir:-.}/tests/lib/fakegpg.sh"
fake "[ -e $T/i/slow ]"' && case " $* " in *" --encrypt "*) echo "$*"'" >>$T/i/gnupg/slow.log; sleep 3 ;; esac"
PATH=$T/i/bin:$PATH
start
PATH=$path

n=0
report() {
    n=$((n + 1))
    mail "Rita <rita$n@reporter.example>" "Report $n" 'Authentication-Results: mx.example.org; dmarc=pass' <<E >"$T/w/m"
Words of $n.
E
    post "rita$n@reporter.example" "$T/w/m" || not_ok "mail $n is taken"
}
report
report
settle
: >"$T/i/slow"
ctl backup "$T/w/one.backup" --with-keys >"$T/w/one" &
first=$!
for try in $(seq 300); do [ -s "$T/i/gnupg/slow.log" ] && break; sleep 0.1; done
check 'gpg is at work on it' test -s "$T/i/gnupg/slow.log"
rm "$T/i/slow"
ctl backup "$T/w/two.backup" >"$T/w/two"
same 'a second one waits its turn' backup.busy "$(jq -r .rule "$T/w/two")"
began=$(date +%s%N)
for i in 1 2 3 4 5; do report; done
echo 'A note.' >"$T/w/note"
check 'a command is answered meanwhile' ctl case note "$(new_case)" "$T/w/note"
[ $(($(date +%s%N) - began)) -lt 2500000000 ] && ok 'at once' || not_ok 'at once'
kill -0 $first 2>/dev/null && ok 'while the backup goes on' || not_ok 'while the backup goes on'
wait $first
same 'it is made' "0 true" "$? $(jq .ok "$T/w/one")"
settle
same 'all mail is a case' 7 "$(cases)"
check 'the next one is made' ctl backup "$T/w/three.backup" --with-keys
check 'nothing is left of it' test -z "$(find "$T/i/state/backup" -type f)"

# ---- the database is held ----
hold_database
ctl backup "$T/w/four.backup" >"$T/w/four"
same 'a database that is held' '4 store.busy false' "$? $(jq -r .rule "$T/w/four") $(test -e "$T/w/four.backup" && echo true || echo false)"
let_database_go
settle
stop

# ---- what they hold ----
for which in one:2 three:7; do
    home=$T/r.${which%:*}
    GNUPGHOME=$T/k/ann "$bin/embargoctl" --json restore "$T/w/${which%:*}.backup" --home "$home" >"$T/w/restore" 2>&1
    same "restored: ${which%:*}" true "$(jq -r .ok "$T/w/restore")"
    "$bin/embargoctl" -c "$home/embargod.conf" --json audit verify >"$T/w/verify"
    same 'its audit trail is whole' null "$(jq -r .data.bad_seq "$T/w/verify")"
    same 'and has as many cases as there were' "${which#*:}" "$(sqlite3 "$home/state/db.sqlite" 'SELECT COUNT(*) FROM cases')"
    gpgconf --homedir "$home/gnupg/main/list" --kill all
    gpgconf --homedir "$home/gnupg/main/storage" --kill all
done

# ---- the original and the copy, asked the same ----
answers() {
    for words in 'case list' 'member list' 'queue list' 'held list' 'admin list' 'approval list' 'audit show'; do
        ctl $words | jq -S '.data | if type == "array" then map(del(.next_at, .state, .tries, .code)) else . end'
    done
    ctl case list | jq -r '.data[].id' | sort | while read -r id; do ctl case show "$id" | jq -S .data; done
}
start
answers >"$T/w/answers.original"
stop
conf=$T/r.three/embargod.conf
start
answers >"$T/w/answers.restored"
stop
lines=$(wc -l <"$T/w/answers.original")
[ "$lines" -gt 200 ] && ok "answers of $lines lines" || not_ok "answers of $lines lines"
diff "$T/w/answers.original" "$T/w/answers.restored" | head -n 20
# What was done after the snapshot is the backup itself: its entry in the trail.
same 'differ by the entry of the backup alone' '' "$(diff "$T/w/answers.original" "$T/w/answers.restored" | grep '^[<>]' |
    grep -vE '"(at|actor|event|hash|object|prev|rule|seq)":|^[<>] +[{}],?$')"
finish
