# Shell functions for tests of a live instance, after tests/lib/flow.sh; to be sourced by a POSIX shell.

# The clock is the machine's. After init.
real_time() {
    rm -f "$T"/k/*/gpg.conf
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
}

# live [PREFIX...]: the daemon, by the words before its name, such as `env NAME=VALUE'; live_bin: where it is.
live_bin=$bin
live() {
    # From now on the peer's uid says who it is, not --as; the first admin has it.
    ctl_as() {
        shift
        "$bin/embargoctl" -c "$conf" --json "$@"
    }
    exec "$@" "$live_bin/embargod" -c "$conf" >>"$T/log" 2>&1 &
    daemon=$!
    for live_try in $(seq 300); do
        ctl status >/dev/null 2>&1 && return
        sleep 0.1
    done
    not_ok 'the daemon starts'
    finish
}
