#!/bin/sh
# make bench: what it costs to seal and queue an advisory, beside one gpgme call for each recipient.
#
# The real daemon, in a rehearsal, from `embargoctl advisory send` until every copy is sealed; the courier stands still
# meanwhile, or it would write up to 70 GB into Maildirs. Each measurement begins with a fresh copy of an instance that
# holds its members, so that peaks and sizes are its own. Beside it: sign and encrypt by gpgme for each recipient, one
# process, one home with exactly these keys; above BENCH_FULL recipients BENCH_SAMPLE calls, spread over the list, are
# measured and scaled, which the table marks with a ~.
#
# builddir, srcdir   as make sets them
# BENCH_SIZES        numbers of members (10 100 500 2000 10000)
# BENCH_KEYS         the list's keys (ed25519 rsa4096)
# BENCH_PAYLOADS     KiB (10 5120)
# BENCH_FULL (500), BENCH_SAMPLE (50), BENCH_REPEAT (5: runs with 500 members and 10 KiB;
#                    fewer members 3, all else 1)
# Results: a table here; tests/bench/results.tsv and results.svg in the build directory.
set -u
top=$(cd "${srcdir:-.}" && pwd)
bin=$(cd "${builddir:-.}" && pwd)
here=$bin/tests/bench
sizes=${BENCH_SIZES:-10 100 500 2000 10000}
keys_of_list=${BENCH_KEYS:-ed25519 rsa4096}
payloads=${BENCH_PAYLOADS:-10 5120}
full=${BENCH_FULL:-500}
sample=${BENCH_SAMPLE:-50}
results=$here/results.tsv
dir=$(mktemp -d /tmp/emb.XXXXXX) || exit 99
. "$top/tests/bench/lib.sh"

cleanup() {
    stop
    for home in "$dir"/one "$dir"/k "$dir"/[pr]/gnupg/security/*; do
        [ -d "$home" ] && gpgconf --homedir "$home" --kill all 2>/dev/null
    done
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

seconds() {
    date +%s.%N
}

since() {
    echo "$1 $(seconds)" | awk '{ printf "%.3f", $2 - $1 }'
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

state_kib() {
    find "$1/state" -type f -printf '%s\n' | awk '{ n += $1 } END { printf "%d", n / 1024 }'
}

# The text of 10 KiB is the advisory's own; anything larger comes as a patch beside it.
make_payloads() {
    { printf 'Title: A fault\n\n## IMPACT\n'; head -c 7500 /dev/urandom | base64; } | head -c 10240 >"$dir/text"
    for kib in $payloads; do
        head -c $((kib * 1024)) /dev/urandom | base64 | head -c $((kib * 1024)) >"$dir/$kib.patch"
    done
}

# one home with the keys of all shards: what lies behind the head of a keybox is a row of records.
make_one_home() {
    one=$dir/one
    [ ! -d "$one" ] || gpgconf --homedir "$one" --kill all
    rm -rf "$one"
    mkdir -m 700 "$one"
    cat "$dir/p/gnupg/security/list/pubring.kbx" >"$one/pubring.kbx"
    for box in "$dir"/p/gnupg/security/member-*/pubring.kbx; do
        case $box in */member-000/*) ;; *) tail -c +33 "$box" >>"$one/pubring.kbx" ;; esac
    done
    cp -r "$dir/p/gnupg/security/list/private-keys-v1.d" "$one/"
    echo no-random-seed-file >"$one/gpg.conf"
    signer=$(gpg_in "$one" --with-colons --list-secret-keys | awk -F: '/^fpr/ { print $10; exit }')
    gpg_in "$one" --with-colons --list-keys | awk -F: '/^pub/ { p = 1 } /^fpr/ && p { f = $10; p = 0 }
        /^uid/ && /example.net/ { print f }' >"$dir/fingerprints"
    [ -n "$signer" ] && [ "$(wc -l <"$dir/fingerprints")" -eq "$1" ] || fail "the home for single calls does not hold $1 keys"
}

# single MEMBERS KIB: seconds that all of them take (or would take).
single() {
    calls=$1
    [ "$1" -le "$full" ] || calls=$sample
    head -c $(($2 * 1024)) "$dir/$2.patch" | "$here/bench-one" "$dir/one" "$signer" "$dir/fingerprints" "$calls" |
        awk -v n="$1" -v c="$calls" '{ printf "%s%.3f\n", (n > c) ? "~" : "", $1 * n / c }'
}

# ours MEMBERS KIB: one line "seconds core workers peak stored delivered" appended to $dir/ours.
ours() {
    rm -rf "$dir/r"
    cp -a "$dir/p" "$dir/r"
    cp "$dir/p.clock" "$dir/r.clock"
    start "$dir/r" || fail 'the daemon does not start'
    if [ "$2" -gt 10 ]; then open_case "$dir/text" "$dir/$2.patch"; else open_case "$dir/text"; fi ||
        fail 'no case can be opened'
    core=$(role core)
    courier=$(role courier)
    kill -STOP "$courier"
    before=$(state_kib "$dir/r")
    "$here/bench-send" "$dir/r/state" "$core" "$1" "$bin/embargoctl" --as ann@example.org advisory send "$id" \
        >"$dir/sent" || fail "$1 members: not sealed"
    sleep 1
    stored=$(($(state_kib "$dir/r") - before))
    delivered=-
    if [ "$2" -le 10 ]; then
        begun=$(seconds)
        kill -CONT "$courier"
        courier=
        ctl wait --timeout 1800 >/dev/null || fail 'the copies are not delivered'
        delivered=$(since "$begun")
    fi
    memory=$(awk '/^VmHWM/ { print $2 }' "/proc/$core/status")
    tail -n 1 "$dir/sent" | awk -v OFS='\t' -v m="$memory" -v s="$stored" -v d="$delivered" \
        '{ print $1, m, $3, $4, s, d }' >>"$dir/ours"
    stop
    for home in "$dir"/r/gnupg/security/*; do gpgconf --homedir "$home" --kill all; done
}

repeats() {
    if [ "$2" -gt 10 ]; then
        echo 1
    elif [ "$1" -eq 500 ]; then
        echo "${BENCH_REPEAT:-5}"
    elif [ "$1" -lt 500 ]; then
        echo 3
    else
        echo 1
    fi
}

# measure KEY MEMBERS KIB: a line of the results.
measure() {
    : >"$dir/ours"
    : >"$dir/singles"
    n=$(repeats "$2" "$3")
    for _ in $(seq "$n"); do
        ours "$2" "$3"
        single "$2" "$3" >>"$dir/singles"
        [ -s "$dir/singles" ] || fail 'the single calls fail'
    done
    time=$(cut -f 1 "$dir/ours" | median)
    mark=$(grep -c '~' "$dir/singles")
    other=$(tr -d '~' <"$dir/singles" | median)
    [ "$mark" -eq 0 ] || other="~$other"
    sort -n -k 1 "$dir/ours" | awk -v OFS='\t' -v key="$1" -v n="$2" -v kib="$3" -v time="$time" -v other="$other" \
        -v imported="$imported" -v repeats="$n" '
        { core = $2 > core ? $2 : core; work = $3 > work ? $3 : work; peak = $4 > peak ? $4 : peak
          stored = $5 > stored ? $5 : stored; if ($6 != "-") delivered = $6 }
        END { plain = other; sub(/~/, "", plain)
              print key, n, kib, repeats, time, other, sprintf("%.1f", plain / time), core, work, stored, peak,
                    delivered == "" ? "-" : delivered, imported }' | tee -a "$results"
}

members() {
    made=$1
    "$here/bench-load" $(($1 - have)) "$made_at" "$dir/p/state" security distro distros $((have + 1)) ||
        fail 'the members cannot be loaded'
    start "$dir/p" || fail 'the daemon does not start'
    begun=$(seconds)
    ctl wait --timeout 1800 >/dev/null || fail 'the keys are not imported'
    imported=$(($1 - have))/$(since "$begun")
    stop
    have=$1
    make_one_home "$1"
}

make_payloads
mkdir -p "$here"
printf 'key\tmembers\tkib\truns\tseconds\tsingle_s\tfactor\tcore_kib\tworkers_kib\tstored_kib\tpeak_kib\tdelivered_s\timported\n' |
    tee "$results"
for key in $keys_of_list; do
    rm -rf "$dir/p" "$dir/p.clock"
    make_instance "$dir/p" "$key" || fail 'init fails'
    have=0
    for size in $sizes; do
        members "$size"
        for kib in $payloads; do
            measure "$key" "$size" "$kib"
        done
    done
done
awk -f "$top/tests/bench/plot.awk" "$results" >"$here/results.svg"
echo
awk -f "$top/tests/bench/table.awk" "$results"
echo "plot: $here/results.svg"
