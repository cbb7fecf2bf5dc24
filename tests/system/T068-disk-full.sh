#!/bin/sh
# A disk that is full, in truth: an instance on a file system of its own. Mail is refused with 452 while there is room to
# work, so that commands, what is in the spool, and an advisory go on; connections side by side do not use that room up.
# With nothing left at all, nothing is lost and nothing is held for it, commands say why, and all goes on, even over a
# start, when there is room again. A file system that takes no writing gives 451.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
need python3 mountpoint
client=${srcdir:-.}/tests/lib/lmtp.py
sock=$T/i/run/lmtp.sock

mkdir "$T/i"
mount -t tmpfs -o size=192m,mode=700 embargod-test "$T/i" 2>/dev/null || { echo 'skipped: nothing may be mounted here'; exit 77; }
end_disk() {
    for end_path in state/spool state/bodies ''; do
        mountpoint -q "$T/i/$end_path" || continue
        umount "$T/i/$end_path" 2>/dev/null || umount -l "$T/i/$end_path"
    done
}
at_end=end_disk

mib() { echo $(($(stat -f -c '%a * %S' "$T/i") / 1048576)); }
# leave N: a file that leaves N MiB free.
leave() {
    rm -f "$T/i/filler"
    leave_free=$(($(mib) - $1))
    [ $leave_free -gt 0 ] && head -c ${leave_free}M /dev/zero >"$T/i/filler"
}
# Not a byte is left.
brim() {
    rm -f "$T/i/filler"
    cat /dev/zero >"$T/i/filler" 2>/dev/null
    cat /dev/zero >"$T/i/filler.2" 2>/dev/null
}
room() { rm -f "$T/i/filler" "$T/i/filler.2"; }
report() {
    mail "Rita <rita$1@reporter.example>" "Report $1" 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/report.$1" <<X
Words of report $1.
X
}
# give N: 0 or 75.
give() {
    "$bin/embargo-inject" -c "$conf" -f "rita$1@reporter.example" -- $list <"$T/w/report.$1" 2>/dev/null
}
talk() { python3 "$client" "$sock" talk; }
waiting() { find "$T/i/state/spool/new" -type f | wc -l; }
titles() { ctl case list | jq -r '[.data[].title | select(startswith("Report"))] | sort | join(" ")'; }
held() { get '.data | length' held list; }

init
sed -i '/^limits/d' "$conf"
printf 'limits = { reserve_bytes = %s; };\n' $((16 << 20)) >>"$conf"
start
for org in acorn birch; do member $org distro distros; done
for n in 1 2 3 4 5 6 7 8; do report $n; done
disclose 'Ring page'
usual_text 'Ring page' >"$T/w/text"
ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
settle

# ---- less than the reserve: mail waits, work goes on ----
kill -STOP "$(role_pid core)"
give 1 && give 2 && ok 'with room mail is taken' || not_ok 'with room mail is taken'
leave 12
printf 'LHLO t\nMAIL FROM:<a@example.net> SIZE=100\nNOOP\n' | talk >"$T/w/talk"
same 'below limits.reserve_bytes: 452 4.3.1 at MAIL' '452 4.3.1' "$(sed -n 3p "$T/w/talk" | cut -c1-9)"
same 'and the session goes on' '250' "$(sed -n 4p "$T/w/talk" | cut -c1-3)"
give 3
same 'embargo-inject: 75' 75 $?
kill -CONT "$(role_pid core)"
settle
same 'what was in the spool is opened all the same' 'Report 1 Report 2' "$(titles)"
check 'a command that writes is carried out' ctl case note "$id" "$T/w/text"
send_advisory "$id"
settle
opens acorn 'an advisory goes out'
opens birch 'an advisory goes out'
room
give 3
same 'with room the mail is taken' 0 $?
settle
same 'and is a case' 'Report 1 Report 2 Report 3' "$(titles)"

# ---- many at once: each one is small by its own words, all together are more than there is ----
leave 28
kill -STOP "$(role_pid core)"
python3 "$client" "$sock" pour 20 1000000 >"$T/w/pour"
free=$(mib)
kill -CONT "$(role_pid core)"
same 'each is told 250 or 452' '' "$(grep -v '^250 2.0.0\|^452 4.3.1' "$T/w/pour")"
kept=$(grep -c '^250' "$T/w/pour")
echo "# of 20 mails of 1 MB, with 28 MiB free and 16 in reserve, $kept were taken; $free MiB are free then"
[ "$kept" -ge 1 ] && [ "$kept" -lt 20 ] && ok 'some are kept' || not_ok 'some are kept'
[ "$free" -ge 15 ] && ok 'the reserve is left' || not_ok "the reserve is left: $free MiB"
# What is in the spool becomes more when it is opened: it waits there before it uses up the rest.
lowest=$free
for low_try in $(seq 10); do
    check_free=$(mib)
    [ "$check_free" -ge "$lowest" ] || lowest=$check_free
    sleep 0.2
done
echo "# core opens of them what it has room for: $lowest MiB were free at least, $(waiting) wait"
[ "$lowest" -ge 3 ] && ok 'a quarter of the reserve stays free' || not_ok "a quarter of the reserve stays free: $lowest"
[ "$(waiting)" -ge 1 ] && ok 'some wait in the spool' || not_ok 'some wait in the spool'
has 'and the log says so' 'event=mail-waits rule=disk.full' "$T/log"
same 'status says what is wrong' true "$(get '[.data.wrong[].what | startswith("the disk has ")] | any' status)"
same 'check too' fail "$(get '[.data[] | select(.name == "disk") | .status][0]' check)"
check 'a command that writes is carried out' ctl advisory edit "$id" "$T/w/text"
send_advisory "$id"
for sent_try in $(seq 300); do [ "$(box security@acorn.example)" = 2 ] && break; sleep 0.1; done
same 'and an advisory goes out' '2 2' "$(box security@acorn.example) $(box security@birch.example)"
room
settle
same 'with room each 250 becomes a case' "$kept" "$(get '[.data[].title | select(startswith("pour"))] | length' case list)"

# ---- nothing left at all ----
kill -STOP "$(role_pid core)"
give 4 && give 5 || not_ok 'with room mail is taken'
brim
kill -CONT "$(role_pid core)"
sleep 2
give 6
same 'a full disk: 75' 75 $?
same 'what is in the spool stays there' 2 "$(waiting)"
# The database has some free pages of its own; then they are used up.
head -c 200000 /dev/urandom | base64 >"$T/w/large"
for note_try in $(seq 60); do
    ctl case note "$id" "$T/w/large" >"$T/w/note" 2>&1
    note_code=$?
    [ $note_code = 0 ] || break
done
same 'a command that writes is refused' "4 disk.full" "$note_code $(jq -r .rule "$T/w/note")"
has 'with the remedy' 'make room' "$T/w/note"
check 'one that reads is not' ctl case show "$id"
same 'nothing is held for it' 0 "$(held)"
check 'the daemon lives' kill -0 "$daemon"
lacks 'no role has ended' 'event=role-ended' "$T/log"
room
give 6
same 'with room it is taken' 0 $?
settle
same 'and all that waited' 'Report 1 Report 2 Report 3 Report 4 Report 5 Report 6' "$(titles)"
same 'nothing is held' 0 "$(held)"
same 'every copy went' 'sent' "$(get '[.data[].state] | unique | join(" ")' queue list)"

# ---- started on a full disk ----
kill -STOP "$(role_pid core)"
give 7 || not_ok 'with room mail is taken'
brim
kill -CONT "$(role_pid core)"
stop
sqlite3 "$T/i/state/db.sqlite" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null 2>&1
brim
run_daemon
sleep 2
check 'a start on a full disk does not give up' kill -0 "$daemon"
room
for up_try in $(seq 300); do timeout 5 "$bin/embargoctl" -c "$conf" --as ann@example.org status >/dev/null 2>&1 && break; sleep 0.1; done
settle
same 'when there is room it works, with what waited' 'Report 1 Report 2 Report 3 Report 4 Report 5 Report 6 Report 7' "$(titles)"

# ---- a file system that takes no writing ----
# The spool on one of its own, which a fault of the disk has made so; and the bodies, where nothing is left at all.
stop
mount -t tmpfs -o size=256k,mode=700 embargod-test "$T/i/state/bodies" || not_ok 'a file system for bodies'
cat /dev/zero >"$T/i/state/bodies/.filler" 2>/dev/null
mount -t tmpfs -o size=96m,mode=700 embargod-test "$T/i/state/spool" || not_ok 'a file system for the spool'
start
mount -o remount,ro "$T/i/state/spool" || not_ok 'for reading only'
printf 'LHLO t\nMAIL FROM:<a@example.net>\nRCPT TO:<%s>\nDATA\nNOOP\n' $list | talk >"$T/w/talk"
same 'a spool that cannot be written: 451 4.3.0 at DATA' '451 4.3.0' "$(sed -n 5p "$T/w/talk" | cut -c1-9)"
same 'and the session goes on' '250' "$(sed -n 6p "$T/w/talk" | cut -c1-3)"
give 8
same 'embargo-inject: 75' 75 $?
check 'commands go on' ctl advisory edit "$id" "$T/w/text"
send_advisory "$id"
for seal_try in $(seq 300); do grep -q 'event=seal-failed rule=disk.full' "$T/log" && break; sleep 0.1; done
sleep 1
same 'an advisory that has no room is no failed one, and uses up none of its tries' '0 0' \
    "$(sql "SELECT COUNT(*) FROM copy WHERE state = 'failed'") $(sql 'SELECT MAX(seal_tries) FROM copy')"
rm "$T/i/state/bodies/.filler"
mount -o remount,rw "$T/i/state/spool"
give 8
same 'written again, it is taken' 0 $?
settle
same 'and all are there' 'Report 1 Report 2 Report 3 Report 4 Report 5 Report 6 Report 7 Report 8' "$(titles)"
same 'and the advisory has gone' 3 "$(box security@acorn.example)"
same 'the audit trail holds' null "$(get .data.bad_seq audit verify)"
stop
same 'the daemon ends well' 0 "$ended"
finish
