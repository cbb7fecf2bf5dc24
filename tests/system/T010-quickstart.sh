#!/bin/sh
# contrib/quickstart with the programs of this build: twice, kept running in between, behind a path that is too long for
# GnuPG; what it refuses; and nothing that it started is left.
set -u
src=${abs_srcdir:-$(pwd)}
build=$(CDPATH='' cd -- "${builddir:-.}" && pwd)
quickstart=$src/contrib/quickstart
fails=0
for tool in gpg gpgconf perl setsid; do
    command -v "$tool" >/dev/null 2>&1 || { echo "skipped: no $tool here"; exit 77; }
done
T=$(mktemp -d /tmp/qXXXXXX) || exit 99

# Processes with this test's folder, or the folder of the instance, in their command line; kernel threads have none.
left() {
    for words in /proc/[0-9]*/cmdline; do
        pid=${words#/proc/}
        pid=${pid%/cmdline}
        [ "$pid" != $$ ] && cat "$words" 2>/dev/null | tr '\0' ' ' | grep -F -- "$1" |
            grep -E 'embargod|gpg-agent|scdaemon|dirmngr' | sed "s/^/$pid /"
    done
}

cleanup() {
    left "$T" | while read -r pid rest; do kill "$pid"; done
    rm -rf "$T"
}
trap cleanup EXIT

ok() { echo "ok - $1"; }
not_ok() {
    echo "not ok - $1"
    fails=$((fails + 1))
}

# ends CODE WORDS OPTIONS...: quickstart, whose output is in $T/out.
ends() {
    want=$1 name=$2
    shift 2
    sh "$quickstart" --build-dir "$build" "$@" >"$T/out" 2>&1
    got=$?
    if [ "$got" -eq "$want" ]; then ok "$name"; else
        not_ok "$name: exit $got instead of $want"
        tail -n 60 "$T/out" | sed 's/^/  /'
    fi
}

# says WORDS PATTERN: a line of the output of the last run.
says() {
    if grep -qE -- "$2" "$T/out"; then ok "$1"; else not_ok "$1"; fi
}

nothing_left() {
    if [ -z "$(left "$1")" ]; then ok "$2"; else
        not_ok "$2"
        left "$1" | sed 's/^/  /'
    fi
}

count() {
    if [ "$(grep -cE -- "$2" "$T/out")" -eq "$3" ]; then ok "$1"; else
        not_ok "$1: $(grep -cE -- "$2" "$T/out") instead of $3"
    fi
}

deep=$T/a-folder-whose-path-is-too-long/for-the-sockets-of-gnupg
mkdir -p "$deep"

ends 0 'it ends well, and keeps its daemon' --keep "$deep/quickstart"
says 'it says how to stop it' '^    kill [0-9]+$'
if [ -L "$deep/quickstart" ]; then ok 'the instance is behind a link'; else not_ok 'the instance is behind a link'; fi
first=$(readlink "$deep/quickstart")
if "$build/embargoctl" -c "$deep/quickstart/embargod.conf" status >/dev/null; then ok 'the daemon answers'
else not_ok 'the daemon answers'; fi
if [ -z "$(left "$first/parties")" ]; then ok 'no agent of the people is left'; else not_ok 'no agent of the people is left'; fi

ends 0 'it ends well a second time' "$deep/quickstart"
says 'it stops the daemon of the first' 'daemon of an earlier run is stopped'
nothing_left "$first" 'nothing of the first is left'
if [ ! -e "$first" ]; then ok 'nor its folder'; else not_ok 'nor its folder'; fi
second=$(readlink "$deep/quickstart")
nothing_left "$second" 'nothing of the second is left'
count 'eight copies are told of' 'holds one copy$' 8
count 'two providers got none under the distro policy' 'holds no copy$' 2
count 'each by its rule' 'by the rule tier.not-told' 2
count 'each copy opens with its own key' 'opens with its own key alone' 8
says 'the protected headers are shown' '^    Embargo-Until: '
if grep -q "$(printf '\033')" "$T/out"; then not_ok 'no escape sequences'; else ok 'no escape sequences'; fi
rm -rf "$second"

mkdir "$T/mine"
echo kept >"$T/mine/file"
ends 1 'a folder of somebody else is refused' "$T/mine"
says 'it says why' 'not of this script'
if [ "$(cat "$T/mine/file")" = kept ]; then ok 'and left alone'; else not_ok 'and left alone'; fi

build=$T
ends 1 'no programs: it fails' "$T/x"
says 'it says what is missing' 'embargod is not there'
nothing_left "$T" 'nothing is left at the end'
[ "$fails" -eq 0 ]
