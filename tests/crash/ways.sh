# The ways through the daemon that the crash and fault tests trip up; to be sourced after tests/lib/flow.sh and
# tests/lib/advisory.sh. TRIP: the folder with trip and trip.so (trip.c).
#
# The wire and its file lie among the GnuPG homes: that is what each role may read and write (proc/confine.h).
#
# Ways are of two kinds, each with an instance of its own: `rehearsal', whose copies go into Maildirs, and `smtp', a live
# one whose copies go to a mail server (smtp_ways.sh).
#
# A way has three parts: prepare_WAY (undisturbed), run_WAY (with the wire armed; says it again, as a mail server or a
# person would, until it is done), verify_WAY (each recipient's copies, each message and each case once).
# The canary `open-sesame' is in all that is secret; its hyphen is in no armor, where a word of letters comes up by chance.

wire=$T/i/gnupg/wire
wire_so=$T/i/gnupg/trip.so
ways=${WAYS:-report sealed advisory command order release publish start lookup smtp_report smtp_advisory}
turn=0
. "${srcdir:-.}/tests/crash/smtp_ways.sh"
wkd_pid=
if command -v python3 >/dev/null && command -v openssl >/dev/null; then
    . "${srcdir:-.}/tests/lib/wkd.sh"
else
    ways=$(echo " $ways " | sed 's/ lookup / /')
fi

# kind_of WAY
kind_of() { case $1 in smtp_*) echo smtp ;; *) echo rehearsal ;; esac; }

# set_up KIND
set_up() {
    kind=$1 as= rehearsal=
    [ $kind = smtp ] || as='--as ann@example.org' rehearsal="--rehearsal $T/clock"
    make_key rita rita@reporter.example
    make_key acorn security@acorn.example
    make_key birch security@birch.example
    init
    # No reminders. A deferred copy goes again after a second, and a worker whose gpg was killed is not waited for long.
    sed -i '/^reminders/d' "$conf"
    printf 'limits = { retry_first_s = 1; retry_max_s = 1; worker_seconds = 5; };\nreminders = [];\n' >>"$conf"
    sed -i 's/^    channels = "unstated";.*/    channels = ( { kind = "mail"; to = "public"; } );/' "$T/i/policy/cloud-model@2026.conf"
    sed -i '1i channels = ( { name = "public"; address = "public@lists.example.net"; } );' "$conf"
    give_key rita "$T/k/list.asc"
    case " $kind  $ways " in ' rehearsal '*' lookup '*)
        wkd_start openpgpkey.acorn.example
        wkd_conf >>"$conf"
        ;;
    esac
    cp "$TRIP/trip.so" "$wire_so"
    "$TRIP/trip" "$wire" arm
    [ $kind = rehearsal ] || set_up_smtp
    bring_up || { tail -n 3 "$T/log"; exit 99; }
    for org in acorn birch; do member $org distro distros; done
    [ $kind = rehearsal ] || more_contacts
    settle
}

ctl() { "$bin/embargoctl" -c "$conf" --json $as "$@"; }

# Starts it, with the wire in all processes; again when it does not stay. A fault may end the first try.
bring_up() {
    for up_start in 1 2 3; do
        EMBARGO_TRIP=$wire LD_PRELOAD=$wire_so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
            "$bin/embargod" -c "$conf" $rehearsal >>"$T/log" 2>&1 9>&- &
        daemon=$!
        up && return
        wait "$daemon" 2>/dev/null
        starts_again=$((starts_again + 1))
    done
    return 1
}

# It answers. Its roles may be in the pause before their restart.
up() {
    for up_try in $(seq 80); do
        "$bin/embargoctl" -c "$conf" $as status >/dev/null 2>&1 && return
        kill -0 "$daemon" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

alive() { kill -0 "$daemon" 2>/dev/null; }
revive() {
    alive && up && return
    alive || wait "$daemon" 2>/dev/null
    bring_up
}

# until_done COMMAND...: as often as needed; what is refused is said again.
until_done() {
    for done_try in $(seq 30); do
        "$@" >"$T/w/said" 2>&1 && return 0
        refusals=$((refusals + 1))
        revive || return 1
        sleep 0.2
    done
    return 1
}

hand_over() { "$bin/embargo-inject" -c "$conf" -f "$1" -- $list <"$T/w/mail"; }

cases_titled() { ctl case list | jq --arg t "$1" '[.data[] | select(.title == $t)] | length'; }
case_titled() { ctl case list | jq -r --arg t "$1" '.data[] | select(.title == $t) | .id' | head -n 1; }

# wrong WORDS: what verify_WAY found.
wrong() { echo "$*" >>"$T/w/wrong"; }
want() { [ "$2" = "$3" ] || wrong "$1: $3 where $2 was wanted"; }

# once CASE KIND N: the case's mails of this kind have N copies in all, all sent, each with its own file and no other.
once() {
    once_copies=$(sql "SELECT count(*) FROM copy JOIN mail ON mail.id = mail_id JOIN cases ON cases.id = case_id
        WHERE cases.code = '$1' AND kind = '$2' AND copy.state = 'sent'")
    want "copies sent, $2" "$3" "$once_copies"
    want "copies not sent, $2" 0 "$(sql "SELECT count(*) FROM copy JOIN mail ON mail.id = mail_id JOIN cases ON
        cases.id = case_id WHERE cases.code = '$1' AND kind = '$2' AND copy.state <> 'sent'")"
}

# ---- a report in clear ----
prepare_report() {
    mail "Rita <rita$turn@reporter.example>" "Report $turn open-sesame" 'Authentication-Results: mx.example.org; dmarc=pass' \
        >"$T/w/mail" <<X
The door opens by open-sesame-report-$turn.
X
}
run_report() { until_done hand_over "rita$turn@reporter.example"; }
verify_report() {
    want 'cases of the report' 1 "$(cases_titled "Report $turn open-sesame")"
    id=$(case_titled "Report $turn open-sesame")
    want 'messages of the report' 1 "$(get '.data.messages | length' case show "$id")"
    want 'its text' "The door opens by open-sesame-report-$turn." "$(get '.data.messages[0].text' case show "$id" | tr -d '\r' | grep .)"
    once "$id" team 2
    once "$id" acknowledgement 1
    want "the reporter's mails" 1 "$(box "rita$turn@reporter.example")"
}

# ---- a report sealed to the list ----
prepare_sealed() {
    # Long enough for several reads and writes: a text that is cut short must not pass for a whole one.
    { yes "The door opens by open-sesame-sealed-$turn, said often, and by nothing else." | head -n 3000; echo "End of $turn."; } |
        secret_mail rita 'Rita <rita@reporter.example>' "Sealed $turn open-sesame" >"$T/w/mail"
}
run_sealed() { until_done hand_over rita@reporter.example; }
verify_sealed() {
    want 'cases of the sealed report' 1 "$(cases_titled "Sealed $turn open-sesame")"
    id=$(case_titled "Sealed $turn open-sesame")
    want 'messages of the sealed report' 1 "$(get '.data.messages | length' case show "$id")"
    want 'the last line of its text' "End of $turn." "$(get '.data.messages[0].text' case show "$id" | tr -d '\r' | grep . | tail -n 1)"
    once "$id" team 2
}

# ---- an advisory to two members ----
prepare_advisory() {
    disclose "Advisory $turn open-sesame"
    usual_text "Advisory $turn open-sesame" >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || wrong 'advisory edit'
    settle
    had_acorn=$(box security@acorn.example) had_birch=$(box security@birch.example)
}
run_advisory() { until_done ctl advisory send "$id"; }
verify_advisory() {
    once "$id" advisory 2
    want "acorn's copies" 1 $(($(box security@acorn.example) - had_acorn))
    want "birch's copies" 1 $(($(box security@birch.example) - had_birch))
    open_mail birch "$(newest security@birch.example)" "$T/w/opened" && good_signature "$T/w/opened" ||
        wrong "birch's copy does not open"
    grep -q "Advisory $turn open-sesame" "$T/w/opened" || wrong "birch's copy is another mail"
}

# ---- commands ----
prepare_command() {
    mail 'Ann <ann@example.org>' "Command $turn open-sesame" >"$T/w/mail" <<X
The door opens by open-sesame-command-$turn.
X
    ctl case open --from "$T/w/mail" >"$T/w/opened" || wrong 'case open'
    id=$(jq -r .data.id "$T/w/opened")
    settle
}
accepted() {
    ctl case accept "$id" && return
    # The first may have been done, and only its answer lost.
    [ "$(get .data.state case show "$id")" = accepted ]
}
run_command() { until_done accepted && until_done ctl case set "$id" severity=high; }
verify_command() {
    want 'the state' accepted "$(get .data.state case show "$id")"
    want 'the severity' high "$(get .data.severity case show "$id")"
    want 'its entries in the trail' 1 "$(sql "SELECT count(*) FROM audit WHERE event = 'case.accept' AND object = '$id'")"
}

# ---- a command by signed mail ----
prepare_order() {
    prepare_command
    printf 'Embargo-Command: nonce\n' | secret_mail ann 'Ann <ann@example.org>' commands >"$T/w/mail"
    hand_over ann@example.org >/dev/null 2>&1 || wrong 'embargo-inject'
    settle
    open_mail ann "$(newest ann@example.org)" "$T/w/nonce"
    printf 'Embargo-List: main\nEmbargo-Nonce: %s\nEmbargo-Command: case accept %s\n' \
        "$(sed -n 's/^Embargo-Nonce: //p' "$T/w/nonce" | tail -n 1)" "$id" |
        secret_mail ann 'Ann <ann@example.org>' commands >"$T/w/mail"
    answers_before=$(sql "SELECT count(*) FROM mail WHERE kind = 'answer'")
}
run_order() { until_done hand_over ann@example.org; }
verify_order() {
    want 'the state' accepted "$(get .data.state case show "$id")"
    want 'its entries in the trail' 1 "$(sql "SELECT count(*) FROM audit WHERE event = 'case.accept' AND object = '$id'")"
    # One answer, in one copy; what else she gets as an admin are notices of what failed meanwhile.
    want 'answers' 1 $(($(sql "SELECT count(*) FROM mail WHERE kind = 'answer'") - answers_before))
    answer=$(sql "SELECT substr(message_id, 2, instr(message_id, '@') - 2) FROM mail WHERE kind = 'answer' ORDER BY id DESC LIMIT 1")
    answer=$(find "$T/i/mail/ann@example.org/new" -type f -name "*$answer*")
    want 'files of the answer' 1 "$(echo "$answer" | grep -c .)"
    open_mail ann "$answer" "$T/w/answer" || wrong 'the answer does not open'
    grep -q '^Result: *done' "$T/w/answer" || wrong "the answer says: $(sed -n 's/^Result: *//p' "$T/w/answer")"
}

# ---- a release: the text goes to a public list at its instant ----
prepare_publish() {
    disclose "Publish $turn open-sesame"
    printf 'Title: Public %s\nSeverity: high\n\n## IMPACT\n\nA guest can read.\n' "$turn" >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || wrong 'advisory edit'
    ctl embargo set "$id" --until "$(date -u -d "$now + 30 seconds" +%Y-%m-%dT%H:%M:%SZ)" >/dev/null || wrong 'embargo set'
    ctl publish approve "$id" >/dev/null || wrong 'publish approve'
    settle
    had_public=$(box public@lists.example.net)
}
run_publish() {
    later '31 seconds'
    return 0
}
verify_publish() {
    want 'the state' public "$(get .data.state case show "$id")"
    want 'steps not done' 0 "$(get '[.data.release.steps[] | select(.state != "done")] | length' embargo show "$id")"
    want 'mails to the public list' 1 $(($(box public@lists.example.net) - had_public))
    grep -q "Public $turn" "$(newest public@lists.example.net)" || wrong 'the public mail is another one'
}

# ---- a held mail is let in ----
prepare_release() {
    mail "Rita <rita$turn@reporter.example>" "Held $turn open-sesame" 'Precedence: bulk' >"$T/w/mail" <<X
The door opens by open-sesame-held-$turn.
X
    hand_over "rita$turn@reporter.example" >/dev/null 2>&1 || wrong 'embargo-inject'
    settle
    held=$(get '.data | last | .id' held list)
}
released() {
    ctl held release "$held" && return
    [ -z "$(get ".data[] | select(.id == \"$held\") | .id" held list)" ]
}
run_release() { until_done released; }
verify_release() {
    want 'cases of the held mail' 1 "$(cases_titled "Held $turn open-sesame")"
    id=$(case_titled "Held $turn open-sesame")
    want 'messages of the held mail' 1 "$(get '.data.messages | length' case show "$id")"
    once "$id" team 2
}

# ---- a member's key is looked up, and has a later end ----
lookup_end() { get .data.expires_at key show "$(fpr acorn)"; }
prepare_lookup() {
    gpg --homedir "$T/k/acorn" --batch -q --passphrase '' --quick-set-expire "$(fpr acorn)" $((400 + turn))d 2>/dev/null
    gpg --homedir "$T/k/acorn" --batch -q --passphrase '' --quick-set-expire "$(fpr acorn)" $((400 + turn))d '*' 2>/dev/null
    gpg --homedir "$T/k/acorn" --batch --export "$(fpr acorn)" 2>/dev/null | wkd_put openpgpkey.acorn.example advanced acorn
    lookup_before=$(lookup_end)
    : >"$T/w/asked"
}
# A look-up that fails is left until the next round; who does not wait for it says the command again.
run_lookup() {
    for lookup_try in $(seq $((points_n + 1))); do
        until_done ctl key refresh || return 1
        later '2 hours'
        settled
        [ "$(lookup_end)" = "$lookup_before" ] || return 0
        refusals=$((refusals + 1))
    done
    return 1
}
verify_lookup() {
    lookup_now=$(lookup_end)
    [ -n "$lookup_now" ] && [ "$lookup_now" != "$lookup_before" ] || wrong "the key ends at $lookup_now, as before"
    want 'the state of the key' usable "$(get '.data.contacts[0].key_state' member show acorn)"
    # What was asked may be forgotten again before it is recorded, once by each point.
    [ "$(grep -c . "$T/w/asked")" -le $((1 + refusals + points_n)) ] || wrong "asked $(grep -c . "$T/w/asked") times"
}

# ---- the start, with a mail in the spool ----
prepare_start() {
    prepare_report
    kill -STOP "$(role_pid core)"
    hand_over "rita$turn@reporter.example" >/dev/null 2>&1 || wrong 'embargo-inject'
    kill_all
}
run_start() { bring_up; }
verify_start() { verify_report; }

kill_all() {
    kill -KILL "$daemon" 2>/dev/null
    wait "$daemon" 2>/dev/null
    for kill_try in $(seq 50); do
        kill_pids=$(for kill_role in core intake courier; do role_pid $kill_role; done)
        [ -z "$kill_pids" ] && break
        kill -KILL $kill_pids 2>/dev/null
        sleep 0.05
    done
    daemon=
}

# ---- what holds for all ----

# trip_way WAY [ROLE CALL N ACTION]...: one turn of a way, with these points armed; a line for each thing that is wrong
# in $T/w/wrong, a line for each point in $T/w/fired.
trip_way() {
    trip_name=$1
    shift
    turn=$((turn + 1)) refusals=0 starts_again=0
    : >"$T/w/wrong"
    # Acknowledgements are so many in an hour. Nothing is under way when all clocks move; what is due then goes first.
    [ $kind = rehearsal ] || ctl wait --timeout 10 >"$T/w/wait" 2>&1
    later '61 seconds'
    [ $kind = rehearsal ] || ctl wait --timeout 10 >"$T/w/wait" 2>&1
    prepare_"$trip_name"
    log_before=$(wc -l <"$T/log") points_n=$(($# / 4)) doubles=0 retried=0
    "$TRIP/trip" "$wire" arm "$@"
    run_"$trip_name" || wrong "not done: $(tail -n 3 "$T/w/said" | tr '\n' ' ')"
    revive || wrong 'does not come up again'
    settled
    # What was put off goes now, and once more for each further point, which may have put off the same again; and where
    # the clocks go on, once or twice more for what was under way when they were moved.
    trip_rounds=$(($# / 4))
    [ $kind = rehearsal ] || [ $# -eq 0 ] || trip_rounds=$((trip_rounds + 2))
    for trip_point in $(seq $trip_rounds); do
        [ "$trip_point" -eq 1 ] || waits || break
        # A step of a release waits longer.
        case $trip_name in publish) later '1 hour' ;; *) later '6 seconds' ;; esac
        settled
    done
    log_lines=$(tail -n +$((log_before + 1)) "$T/log" | grep -cE '^embargod: |event=[a-z-]*(fail|defer|refus|ended|gone|restart|died|not-rec|not-sig|missing|memory|does-not|wait|stopped)')
    # What has not happened yet shall not happen to the checks.
    "$TRIP/trip" "$wire" fired >"$T/w/fired"
    [ $# -eq 0 ] || "$TRIP/trip" "$wire" arm
    verify_"$trip_name"
    check_all
}

# Something is put off.
waits() {
    [ "$(sql "SELECT (SELECT count(*) FROM copy WHERE state <> 'sent') + (SELECT count(*) FROM release_step WHERE state <> 'done')")" != 0 ]
}

# The daemon may be in the midst of a restart, or come to it only now.
settled() {
    for settled_try in 1 2 3 4; do
        ctl wait --timeout 10 >"$T/w/wait" 2>&1 && return
        revive
    done
    wrong "does not settle: $(tr '\n' ' ' <"$T/w/wait")"
}

check_all() {
    [ "$(get .data.bad_seq audit verify)" = null ] || wrong 'the audit trail does not verify'
    want 'files of the spool' 0 "$(find "$T/i/state/spool/new" "$T/i/state/spool/bad" -type f | wc -l)"
    if [ $kind = smtp ]; then
        check_sink
    else
        want 'mails in the Maildirs, by the copies that are sent' "$(sql "SELECT count(*) FROM copy WHERE state = 'sent'")" \
            "$(find "$T/i/mail" -path '*/new/*' -type f | wc -l)"
    fi
    leaks=$(grep -rlaF open-sesame "$T/i" "$T/log" "$T/sink" 2>/dev/null | sed "s|^$T/||" | tr '\n' ' ')
    [ -z "$leaks" ] || wrong "LEAK: $leaks"
}
