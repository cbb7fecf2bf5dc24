#!/bin/sh
# Kills and faults at the points that a clean run of each way has shown (trip.c counts them), one at a time, and after
# each: everything was handled once, nothing is lost, doubled or in clear.
#   KILLS, FAULTS   how many points of each, spread evenly (a sample by default); `all'
#   JOBS            instances side by side (2)
#   GROUP           so many points in one turn, in other roles or of other calls (1); when something is wrong, each alone
#   WAYS            some of those in ways.sh and smtp_ways.sh
#   ROLES           points of these roles only
#   PER_CALL        of a call that comes more often in a role on a way, so many faults (40), spread; kills are all there
#   SEED            a number, by which these and a sample are others (0)
#   POINTS          a file with the points instead, lines WAY [ROLE CALL N ACTION]..., such as `report core fsync 3 EIO'
#   SECONDS_MAX     no further point is begun after so long
# The last lines are the counts, of what was done by then when it is interrupted: points are distinct by way, role, call
# and number, places by role and calling instruction. FOLDER/results.* (with KEEP=1) is the list.
srcdir=${srcdir:-.}
kills=${KILLS:-6} faults=${FAULTS:-3} jobs=${JOBS:-2}
folder=$(mktemp -d /tmp/eXXXXXX) || exit 99
pids=
cleanup() {
    trap - EXIT
    [ -n "$pids" ] && kill $pids 2>/dev/null
    wait
    [ -n "${KEEP:-}" ] && { echo "# kept: $folder"; return; }
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'interrupted=130' INT TERM HUP
interrupted=

cc="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1"
$cc -shared -fPIC -o "$folder/trip.so" "$srcdir/tests/crash/trip.c" -ldl && $cc -DTRIP_TOOL -o "$folder/trip" "$srcdir/tests/crash/trip.c" ||
    { echo "skipped: the trip wire does not compile here"; exit 77; }

# Where in each stretch of the row a point is taken, from 0 to 1: in the middle, or elsewhere.
phase=$(awk -v seed="${SEED:-0}" 'BEGIN { x = 0.5 + seed * 0.6180339887; printf "%.6f", x - int(x) }')

# spread N: so many of the lines, evenly.
spread() {
    if [ "$1" = all ]; then cat; else
        awk -v want="$1" -v phase="$phase" '{ line[NR] = $0 } END {
            n = want < NR ? want : NR
            for (i = 0; i < n; i++) print line[int((i + phase) * NR / n) + 1]
        }'
    fi
}

mix() { awk '{ print (NR * 7919) % 100003, $0 }' | sort -n | cut -d' ' -f2-; }

# Kills: before each call that changes something, in each role. Faults: each call, with what the kernel says then.
# Of a call that comes very often (malloc), so many, spread.
choose() {
    awk -v most="${PER_CALL:-40}" -v phase="$phase" -v roles=" ${ROLES:-} " '
        roles != "  " && !index(roles, " " $2 " ") { next }
        BEGIN {
            # Of a call to a mail server; EIO leaves a hole in a mail.
            split("write:ECONNRESET,EIO,EAGAIN,EINTR read:ECONNRESET,EOF,EINTR poll:EINTR,ENOMEM " \
                "socket:EMFILE,ENOMEM connect:ECONNREFUSED,ETIMEDOUT,EAGAIN recv:ECONNRESET,EOF,EINTR", words, " ")
            for (i in words) { split(words[i], pair, ":"); errors["session", pair[1]] = pair[2] }
            split("write:ENOSPC,EIO pwrite:ENOSPC,EIO fsync:EIO,ENOSPC ftruncate:EIO openat:EMFILE,ENOSPC linkat:ENOSPC,EIO " \
                "rename:ENOSPC,EIO unlink:EIO mkdir:ENOSPC send:ECONNRESET,EAGAIN,EINTR read:EIO,EINTR pread:EIO recv:ECONNRESET,EINTR " \
                "socket:EMFILE socketpair:EMFILE pipe:EMFILE accept:EMFILE connect:EAGAIN fork:EAGAIN spawn:EAGAIN " \
                "malloc:ENOMEM mmap:ENOMEM poll:EINTR opendir:EMFILE fchmod:EIO flock:EINTR bind:EADDRINUSE signalfd:EMFILE", words, " ")
            for (i in words) { split(words[i], pair, ":"); errors[pair[1]] = pair[2] }
        }
        function all(kind, error,    n, shown, step) {
            shown = $4 < most || kind == "kill" ? $4 : most
            for (n = 0; n < shown; n++)
                print kind, $1, $2, $3, int((n + phase) * $4 / shown) + 1, error
        }
        $3 == "change" { if ($2 != "other") all("kill", "kill"); next }
        $2 == "other" { next }
        { n_errors = split(($2, $3) in errors ? errors[$2, $3] : errors[$3], list, ","); for (e = 1; e <= n_errors; e++) all("fault", list[e]) }' "$folder/points" >"$folder/all"
    [ -n "${POINTS:-}" ] && { cp "$POINTS" "$folder/chosen"; return; }
    { sed -n 's/^kill //p' "$folder/all" | spread "$kills"; sed -n 's/^fault //p' "$folder/all" | spread "$faults"; } \
        >"$folder/chosen.new"
    # Mixed, always in the same way, before they are put into turns and after, so that an end before the last one is a
    # sample too.
    mix <"$folder/chosen.new" |
        awk -v most="${GROUP:-1}" '
            {
                # A role dies once in a turn; of its calls one of a kind fails. All that use a key are one: what gpg
                # refuses twice is held for an admin (proc/opening.c), and nobody is to say it a third time here.
                key = $1 ($5 == "kill")
                what = $2 ($5 == "kill" ? "" : $3)
                if ($2 ~ /^(crypto|gpg|agent|child|mime)$/) what = "key"
                for (g = first[key] + 0; (key, g) in line; g++) if (!((key, g) in full) && !((key, g, what) in has)) break
                at = key SUBSEP g
                if (size[at]++) line[at] = line[at] " " $2 " " $3 " " $4 " " $5
                else line[at] = $0
                has[key, g, what] = 1
                if (size[at] < most) next
                print line[at]
                line[at] = ""
                full[at] = 1
                while ((key, first[key] + 0) in full) first[key]++
            }
            END { for (at in line) if (line[at] != "") print line[at] }' |
        mix >"$folder/chosen.sorted"
    mv "$folder/chosen.sorted" "$folder/chosen"
}

[ -n "${SECONDS_MAX:-}" ] && { DEADLINE=$(($(date +%s) + SECONDS_MAX)); export DEADLINE; }
for job in $(seq "$jobs"); do
    "${SHELL:-sh}" "$srcdir/tests/crash/job.sh" "$folder" "$job" "$jobs" >"$folder/out.$job" 2>&1 &
    pids="$pids $!"
done
while [ ! -e "$folder/points" ] && [ ! -e "$folder/chosen" ]; do
    [ -z "$interrupted" ] || exit $interrupted
    for pid in $pids; do kill -0 "$pid" 2>/dev/null || { cat "$folder"/out.*; exit 1; }; done
    sleep 0.2
done
[ -e "$folder/chosen" ] || choose
failed=0
for pid in $pids; do
    wait "$pid"
    code=$?
    [ -n "$interrupted" ] && break
    [ $code -eq 77 ] && exit 77
    [ $code -eq 0 ] || failed=1
done
if [ -n "$interrupted" ]; then
    echo '# interrupted'
    kill $pids 2>/dev/null
    wait
fi
pids=
cat "$folder"/out.* | grep -v '^ok' | head -n 400
# How many of each, by the field of that name.
tally() {
    cat "$folder"/results.* 2>/dev/null | awk -F'\t' -v name="$1" -v field="$2" -v what="$3" '
        $1 == "missed" || $1 == "together" || ($6 == "kill") != (what == "kills") || seen[$2, $3, $4, $5, $6]++ { next }
        !n[$field]++ { order[++m] = $field }
        END { printf "# %s by %s:", what, name; for (i = 1; i <= m; i++) printf " %s %d", order[i], n[order[i]]; print "" }'
}
for what in kills faults; do
    tally way 2 $what
    tally role 3 $what
done
tally call 4 faults
tally error 6 faults
cat "$folder"/results.* 2>/dev/null | awk -F'\t' -v points="$(wc -l <"$folder/all")" -v seed="${SEED:-}" '
    { kind = $6 == "kill" ? "kills" : "faults" }
    $1 == "missed" { missed++; next }
    $1 == "together" { bad++; next }
    { n[kind]++; if (!seen[kind, $2, $3, $4, $5, $6]++) distinct[kind]++; if (!sites[kind, $3, $7]++) where[kind]++ }
    $8 ~ /starts=[1-9]/ { ended++ }
    $8 ~ /doubles=[1-9]/ { twice[kind]++ }
    kind == "faults" { if ($8 ~ /refusals=[1-9]/) refused++; else if ($8 ~ /logged=[1-9]/) logged++; else if ($8 ~ /retried=[1-9]/) retried++; else quiet++ }
    $8 ~ /LEAK/ { leaked++ }
    $8 ~ /: 0 where [1-9]|not done|not settle|come up/ { lost++ }
    $8 ~ /: [2-9] where 1 / { doubled++ }
    $1 == "wrong" { bad++ }
    END {
        if (seed) printf "# SEED %s\n", seed
        printf "# %d points known; %d kills (%d distinct, %d places), %d faults (%d distinct, %d places), %d not reached\n", \
            points, n["kills"], distinct["kills"], where["kills"], n["faults"], distinct["faults"], where["faults"], missed
        printf "# faults: %d refused and said again, %d logged, %d tried again by the queue, %d without a trace; daemons that ended and were started: %d\n", \
            refused, logged, retried, quiet, ended
        printf "# with a copy that went to the mail server once more, as it may: %d kills, %d faults\n", twice["kills"], twice["faults"]
        printf "# wrong: %d (lost %d, doubled %d, leaked %d)\n", bad, lost, doubled, leaked
        exit bad > 0 || n["kills"] + n["faults"] == 0
    }' || failed=1
exit ${interrupted:-$failed}
