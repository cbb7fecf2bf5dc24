# The ways out by SMTP, for the crash and fault tests: a live instance, whose courier speaks to a mail server on loopback
# (tests/lib/smtp-sink.c), which keeps each mail and its envelope. To be sourced by ways.sh.
#
# The clocks of all the daemon's processes are moved by the wire (trip FILE later), so that nothing is slept for.

sink= sinks=0 clock_shift=0
sink_port=$((20000 + $$ % 12000)) # below those that the kernel gives to connections

set_up_smtp() {
    sink_bin=$bin/tests/lib/smtp-sink
    [ -x "$sink_bin" ] || { echo 'skipped: no smtp-sink here'; exit 77; }
    sed -i '/^courier/d; /^smtp/d; /^limits/d' "$conf"
    cat >>"$conf" <<X
courier = "smtp";
smtp = { host = "127.0.0.1"; port = $sink_port; timeout_s = 3; };
limits = { retry_first_s = 1; retry_max_s = 1; worker_seconds = 5; require_synchronised_clock = false;
    sender_mails = 100000; domain_mails = 100000; all_mails = 100000; };
X
    clock_shift=0
    later "$(($(date -u -d "$now" +%s) - $(date +%s))) seconds"
    mkdir "$T/sink"
    new_sink
}

# A third and a fourth address, at other domains.
more_contacts() {
    member cedar distro distros
    ctl member contact acorn add second@acorn.example >"$T/w/contact" || { cat "$T/w/contact"; exit 99; }
}

# later TIME: in a live instance the clocks go on too.
later() {
    if [ $kind = rehearsal ]; then
        set_clock "$(date -u -d "$now +$1" +%Y-%m-%dT%H:%M:%SZ)"
        return
    fi
    later_s=$(date -u -d "1970-01-01 00:00 UTC +$1" +%s)
    clock_shift=$((clock_shift + later_s))
    "$TRIP/trip" "$wire" later $later_s
    set_clock "$(date -u -d "@$(($(date +%s) + clock_shift))" +%Y-%m-%dT%H:%M:%SZ)"
}

# new_sink [KEY=VALUE...]: the mail server, anew, with an empty folder $S. It ends when this shell does.
new_sink() {
    stop_sink
    [ -p "$T/w/hold" ] || mkfifo "$T/w/hold"
    [ -n "$sink_held" ] || { exec 9<>"$T/w/hold" && sink_held=yes; }
    sinks=$((sinks + 1))
    S=$T/sink/$sinks copies_before=$(sql 'SELECT coalesce(max(id), 0) FROM copy' 2>/dev/null)
    mkdir "$S"
    (exec "$sink_bin" "$S" port=$sink_port "$@" <"$T/w/hold" >"$T/w/sink" 9>&-) &
    sink=$!
    for sink_try in $(seq 50); do [ -s "$T/w/sink" ] && return; sleep 0.1; done
    echo 'the mail server does not listen'
    exit 99
}
sink_held=

stop_sink() {
    [ -z "$sink" ] || { kill "$sink" && wait "$sink" 2>/dev/null; }
    sink=
}

# ---- a report in clear: its acknowledgement and the team's copies ----
prepare_smtp_report() {
    new_sink
    prepare_report
}
run_smtp_report() { run_report; }
verify_smtp_report() {
    want 'cases of the report' 1 "$(cases_titled "Report $turn open-sesame")"
    id=$(case_titled "Report $turn open-sesame")
    want 'messages of the report' 1 "$(get '.data.messages | length' case show "$id")"
    once "$id" team 2
    once "$id" acknowledgement 1
    reads ann ann@example.org team "The door opens by open-sesame-report-$turn."
    reads bob bob@example.org team "The door opens by open-sesame-report-$turn."
    [ -n "$(sunk acknowledgement "rita$turn@reporter.example")" ] || wrong 'the reporter has no acknowledgement: 0 where 1 was wanted'
}

# ---- an advisory to four addresses at three domains, of several writes each; the server would take chunks, too ----
prepare_smtp_advisory() {
    new_sink 'extensions=PIPELINING|SIZE 52428800|8BITMIME|DSN|ENHANCEDSTATUSCODES|CHUNKING'
    disclose "Advisory $turn open-sesame"
    {
        usual_text "Advisory $turn open-sesame"
        yes 'A guest can read what is not its own, said often: open-sesame.' | head -n 150
        echo "The end of $turn."
    } >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || wrong 'advisory edit'
    settle
}
run_smtp_advisory() { run_advisory; }
verify_smtp_advisory() {
    once "$id" advisory 4
    reads acorn security@acorn.example advisory "The end of $turn."
    reads acorn second@acorn.example advisory "The end of $turn."
    reads birch security@birch.example advisory "The end of $turn."
    reads cedar security@cedar.example advisory "The end of $turn."
}

# ---- what the server has ----

# message_ids CASE KIND: of the case's mails.
message_ids() {
    sql "SELECT message_id FROM mail JOIN cases ON cases.id = case_id WHERE cases.code = '$1' AND kind = '$2'"
}

# The mails that the server has taken, a line each: MESSAGE-ID RECIPIENT SENDER DIGEST FILE.
sunk_all() {
    for sunk_file in "$S"/*.eml; do
        [ -e "$sunk_file" ] || continue
        sed -n 's/^RCPT TO:<\([^>]*\)>.*/\1/p' "${sunk_file%eml}env" | while read -r sunk_to; do
            echo "$(field Message-ID "$sunk_file") $sunk_to" \
                "$(sed -n 's/^MAIL FROM:\(<[^>]*>\).*/\1/p' "${sunk_file%eml}env") $(sha256sum <"$sunk_file" | cut -c1-64) $sunk_file"
        done
    done
}

# sunk KIND RECIPIENT: the files of the case's mail that the recipient has.
sunk() {
    message_ids "$id" "$1" >"$T/w/ids"
    sunk_all | awk -v to="$2" 'FNR == NR { ids[$1] = 1; next } ($1 in ids) && $2 == to { print $5 }' "$T/w/ids" -
}

# reads NAME RECIPIENT KIND WORDS: the copy of the case's mail that the recipient has opens with NAME's key, is signed by
# the list, and has the words.
reads() {
    reads_file=$(sunk "$3" "$2" | tail -n 1)
    [ -n "$reads_file" ] || { wrong "mails of the kind $3 for $2: 0 where 1 was wanted"; return; }
    open_mail "$1" "$reads_file" "$T/w/opened" && good_signature "$T/w/opened" || wrong "the copy for $2 does not open"
    grep -qF "$4" "$T/w/opened" || wrong "the copy for $2 is another mail"
}

# Each copy that is recorded as sent is with the server, and nothing else is; it came from one sender, its own, and with
# the same bytes each time. A copy comes twice only for a reason: a role or a result was lost (a kill, a fault that ends
# a role, a commit that failed), or the session ended after the mail's end, which its tries show; once more for each
# point at most.
check_sink() {
    sunk_all >"$T/w/sunk"
    ctl queue list | jq -r --argjson from "$copies_before" \
        '.data[] | select(.id > $from) | "\(.message_id) \(.address) \(.state) \(.tries)"' |
        while read -r copy_id copy_to copy_rest; do
            # A reporter's address is not shown; he is the only one to have this mail.
            [ "$copy_to" != null ] || copy_to=$(awk -v id="$copy_id" '$1 == id { print $2; exit }' "$T/w/sunk")
            echo "$copy_id ${copy_to:-null} $copy_rest"
        done >"$T/w/copies"
    check_again=$(tail -n +$((log_before + 1)) "$T/log" |
        grep -cE 'event=(role-ended|restart|courier-gone|results-not-recorded|core-stopped)')
    awk -v points="$points_n" -v again=$((check_again + starts_again)) '
        function wrong(words) { print words }
        FNR == NR {
            n[$1 " " $2]++
            if (($1 " " $2) in sender && (sender[$1 " " $2] != $3 || digest[$1 " " $2] != $4))
                wrong("a copy for " $2 " came as two")
            if ($3 != "<>" && $3 in owner && owner[$3] != $1 " " $2) wrong("two copies have one sender")
            owner[$3] = $1 " " $2
            sender[$1 " " $2] = $3
            digest[$1 " " $2] = $4
            next
        }
        {
            known[$1 " " $2] = 1
            if ($3 != "sent") wrong("a copy for " $2 " is " $3)
            got = n[$1 " " $2] + 0
            most = 1 + (again || $4 > 1 ? points : 0)
            if (got < 1 || got > most) wrong("mails with the server for " $2 ": " got " where 1 was wanted")
            doubles += got > 1 ? got - 1 : 0
            retried += $4 > 1
        }
        END {
            for (copy in n) if (!(copy in known)) wrong("the server has a mail of no copy: " copy)
            print doubles + 0, retried + 0 >"/dev/stderr"
        }' "$T/w/sunk" "$T/w/copies" >>"$T/w/wrong" 2>"$T/w/doubles"
    read -r doubles retried <"$T/w/doubles"
    want 'mails in Maildirs' 0 "$(find "$T/i/mail" -type f 2>/dev/null | wc -l)"
}
