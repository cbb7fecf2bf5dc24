# Shell functions for tests of a live instance, after tests/lib/flow.sh; to be sourced by a POSIX shell.

# Live: the clock is the machine's, and the peer's uid says who it is. $daemon_as runs it as somebody else, out of a
# folder that he can enter.
daemon_as=
live() {
    live_bin=$bin
    [ -z "$daemon_as" ] || live_bin=$P/bin
    $daemon_as "$live_bin/embargod" -c "$conf" >>"$T/log" 2>&1 &
    daemon=$!
    for live_try in $(seq 50); do
        lctl status >/dev/null 2>&1 && return
        sleep 0.1
    done
    not_ok 'the daemon starts'
    finish
}
lctl() { "$bin/embargoctl" -c "$conf" --json "$@"; }
lget() {
    lget_filter=$1
    shift
    lctl "$@" | jq -r "$lget_filter"
}

# until WORDS WANTED COMMAND...: what it prints becomes that within twenty seconds.
until_same() {
    until_words=$1 until_wanted=$2
    shift 2
    for until_try in $(seq 100); do
        until_got=$("$@" 2>/dev/null)
        [ "$until_got" = "$until_wanted" ] && break
        sleep 0.2
    done
    same "$until_words" "$until_wanted" "$until_got"
}

live_cases() { lget '.data | length' case list; }
live_held() { lget '.data | length' held list; }

# give SENDER RECIPIENT PORT <MAIL: by SMTP to the server.
give() {
    cat >"$P/give"
    swaks --server "127.0.0.1:$3" --helo test.example --from "$1" --to "$2" --data "@$P/give" >"$P/swaks" 2>&1 ||
        { not_ok "the mail server takes a mail for $2"; sed 's/^/  /' "$P/swaks"; }
}
