#!/bin/sh
# Shared by the measurements and the tests with many members; to be sourced. The caller sets bin (the folder of the
# programs) and dir (a folder of its own, whose path is short: GnuPG's sockets lie below it).

daemon_pid=

fail() {
    echo "$0: $*" >&2
    exit 1
}

# now_at SECONDS: an instant as embargod writes it.
instant() {
    date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ
}

gpg_in() {
    home=$1
    shift
    gpg --homedir "$home" --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' "$@"
}

# make_instance HOME ALGO: an instance with one admin and a list key of this algorithm (ed25519, rsa4096); its clock
# stands some minutes after the making of the keys.
make_instance() {
    keys=$dir/k
    made=$(date +%s)
    rm -rf "$keys"
    mkdir -m 700 "$keys" || return 1
    gpg_in "$keys" --quick-generate-key 'Ann <ann@example.org>' default default never || return 1
    gpg_in "$keys" --armor --export ann@example.org >"$dir/ann.asc"
    if [ "$2" = rsa4096 ]; then
        gpg_in "$keys" --quick-generate-key 'List <security@example.org>' rsa4096 cert,sign never || return 1
        fpr=$(gpg_in "$keys" --with-colons --list-keys security@example.org | awk -F: '/^fpr/ { print $10; exit }')
        gpg_in "$keys" --quick-add-key "$fpr" rsa4096 encr never || return 1
        set -- "$1" --key "$fpr" --from "$keys"
    else
        set -- "$1" --generate-key
    fi
    home=$1
    shift
    "$bin/embargoctl" init --home "$home" --list security --address security@example.org "$@" \
        --admin "ann@example.org:$dir/ann.asc" >/dev/null || return 1
    gpgconf --homedir "$keys" --kill all
    instant $((made + 3600)) >"$home.clock"
    made_at=$(instant "$made")
}

# start HOME: the daemon, until it answers. Sets daemon_pid.
start() {
    EMBARGOD_CONF=$1/embargod.conf
    export EMBARGOD_CONF
    "$bin/embargod" -c "$EMBARGOD_CONF" --rehearsal "$1.clock" 2>"$1.log" &
    daemon_pid=$!
    tries=0
    until ctl status >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] && kill -0 $daemon_pid 2>/dev/null || { tail "$1.log" >&2; return 1; }
        sleep 0.1
    done
}

stop() {
    [ -n "$daemon_pid" ] || return 0
    kill -TERM $daemon_pid 2>/dev/null
    [ -z "${courier:-}" ] || kill -KILL "$courier" 2>/dev/null
    wait $daemon_pid 2>/dev/null
    daemon_pid= courier=
}

# role NAME: the process of this role.
role() {
    for child in $(cat "/proc/$daemon_pid/task/$daemon_pid/children"); do
        tr '\0' ' ' <"/proc/$child/cmdline" | grep -q -e "--role=$1 " && echo "$child" && return
    done
}

ctl() {
    "$bin/embargoctl" --as ann@example.org "$@"
}

# open_case FILE [PATCH]: a case with an advisory that is ready to be sent. Sets id.
open_case() {
    printf 'From: Sam <sam@example.net>\nTo: security@example.org\nSubject: a fault\n\nIt is wrong.\n' >"$dir/report"
    id=$(ctl --json case open --from "$dir/report" | sed -n 's/.*"id": *"\([a-z2-7]\{8\}\)".*/\1/p' | head -n 1)
    [ -n "$id" ] || return 1
    { ctl case accept "$id" && ctl case set "$id" track=coordinated &&
        ctl advisory new "$id" --title 'A fault' &&
        if [ $# -gt 1 ]; then ctl advisory edit "$id" "$1" --attach "$2"; else ctl advisory edit "$id" "$1"; fi &&
        ctl wait --timeout 120; } >/dev/null
}
