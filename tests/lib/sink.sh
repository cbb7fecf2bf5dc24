# Shell functions for tests with a mail server that follows a script (tests/lib/smtp-sink.c), after tests/lib/flow.sh; to
# be sourced by a POSIX shell. It listens on $port.
. "${srcdir:-.}/tests/lib/live.sh"

sink_bin=$bin/tests/lib/smtp-sink
[ -x "$sink_bin" ] || { echo 'skipped: no smtp-sink here'; exit 77; }
sink=
# It ends with its standard input.
mkfifo "$T/w/hold" && exec 9<>"$T/w/hold"

# sink NAME [KEY=VALUE...]: begins one, in a new folder $S.
sink() {
    S=$T/w/sink.$1
    shift
    mkdir "$S"
    "$sink_bin" "$S" port=$port "$@" <&9 >"$S/port" &
    sink=$!
    for sink_try in $(seq 300); do [ -s "$S/port" ] && return; sleep 0.1; done
    not_ok 'the mail server listens'
}
no_sink() {
    kill "$sink" && wait "$sink" 2>/dev/null
    sink=
}

# by_smtp LIMITS [TIMEOUT-SECONDS]: mail leaves through it.
by_smtp() {
    sed -i '/^courier/d; /^smtp/d; /^limits/d' "$conf"
    printf 'courier = "smtp";\nsmtp = { host = "127.0.0.1"; port = %s; timeout_s = %s; };\nlimits = { %s };\n' \
        "$port" "${2:-5}" "$1" >>"$conf"
}
