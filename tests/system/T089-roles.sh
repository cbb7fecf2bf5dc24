#!/bin/sh
# What each role can not do, tried from inside it when it has given up what it does not need: in a sandbox as one user,
# then with own users and no sandbox, then both. A kernel that has no sandbox and a configuration that requires one.
. "${srcdir:-.}/tests/lib/flow.sh"

cc=${CC:-cc}
case $cc in ccache\ *) cc=${cc#ccache } ;; esac
command -v "${cc%% *}" >/dev/null 2>&1 || { echo 'skipped: no compiler here'; exit 77; }
ldd "$bin/embargod" | grep -q asan && { echo 'skipped: LD_PRELOAD and this sanitizer do not go together'; exit 77; }

init
# In the instance, since what core starts can read nothing else of this test.
$cc -shared -fPIC -O1 -o "$T/i/probe.so" "${srcdir:-.}/tests/lib/probe.c" -ldl || exit 99
echo "lmtp = { unix = \"run/lmtp.sock\"; tcp = \"127.0.0.1:$port\"; };" >"$T/w/lmtp"
grep -q '^lmtp' "$conf" && sed -i '/^lmtp/d' "$conf"
cat "$T/w/lmtp" >>"$conf"
chmod 711 "$T"
# What may be read of a rehearsal is the folder of its clock: one of its own.
mkdir -m 711 "$T/c"
mv "$T/clock" "$T/c/clock"
ln -s c/clock "$T/clock"
mkdir -m 777 "$T/w/outside"
chmod 711 "$T/w"

PROBE_OUT=$T/i/probe PROBE_DB=$T/i/state/db.sqlite PROBE_SPOOL=$T/i/state/spool/new PROBE_PORT=$port
PROBE_AGENT=$(gpgconf --homedir "$T/i/gnupg/main/list" --list-dirs agent-socket)
PROBE_KEY=$(find "$T/i/gnupg/main/list/private-keys-v1.d" -name '*.key' | head -n 1) PROBE_OUTSIDE=$T/w/outside
export PROBE_OUT PROBE_DB PROBE_SPOOL PROBE_PORT PROBE_AGENT PROBE_KEY PROBE_OUTSIDE

# probed SANDBOX: all roles, each with what it could do, in the file of answers.
probed() {
    sed -i '/^sandbox/d' "$conf"
    echo "sandbox = \"$1\";" >>"$conf"
    : >"$T/i/probe"
    chmod 666 "$T/i/probe"
    rm -f "$T/w/outside/"*
    chmod 644 "$T/clock"
    LD_PRELOAD=$T/i/probe.so start
    mail 'Rita <rita@reporter.example>' 'A report' 'Authentication-Results: mx.example.org; dmarc=pass' >"$T/w/mail" <<'X'
Words.
X
    post rita@reporter.example "$T/w/mail"
    LD_PRELOAD='' settle
    stop
    for role in core intake courier fetch mime crypto; do
        grep -q "^$role end done" "$T/i/probe" || not_ok "$1: $role was not looked at"
    done
    same "$1: the report has come in" "$2" "$(sqlite3 "$T/i/state/db.sqlite" 'SELECT COUNT(*) FROM cases')"
}

# refuses WORDS ROLE WHAT...: none of it was done by the role.
refuses() {
    refuses_words=$1 role=$2
    shift 2
    for what; do
        if grep -q "^$role $what refused" "$T/i/probe" && ! grep -q "^$role $what done" "$T/i/probe"; then
            ok "$refuses_words: $role: $what"
        else
            not_ok "$refuses_words: $role: $what"
        fi
    done
}
may() {
    may_words=$1 role=$2
    shift 2
    for what; do
        if grep -q "^$role $what done" "$T/i/probe"; then ok "$may_words: $role may: $what"; else
            not_ok "$may_words: $role may not: $what"
        fi
    done
}

# ---- one user ----

probed best-effort 1
landlock=$(sed -n 's/.*event=confined.* landlock=//p' "$T/log" | sort -u)
same 'the log says which Landlock the kernel has' 1 "$(echo "$landlock" | grep -c '^[0-9]*$')"
if [ "$landlock" -ge 4 ]; then
    refuses sandboxed core network outside system
    refuses sandboxed intake database key agent network program outside system
    refuses sandboxed courier database key agent network program outside system spool
    refuses sandboxed fetch database key agent program outside system spool
    refuses sandboxed crypto database network outside system spool
    may sandboxed intake spool
    may sandboxed core database
    may sandboxed crypto agent
    same 'a sandbox that is required and there: nothing is missing' 0 "$(grep -c sandbox-missing "$T/log")"
else
    echo "ok - skipped: this kernel's Landlock is of version $landlock"
fi
refuses 'in any case' mime database key agent network program outside system spool parent

# Without the sandbox all of it can be done: the looks above see what they mean to.
probed off 2
may 'no sandbox' intake database key network outside
may 'no sandbox' courier database key network spool
refuses 'in any case' mime database key agent network program outside system spool parent

# ---- own users ----

if [ "$(id -u)" -ne 0 ]; then
    echo 'ok - skipped: only root can give the roles their own users'
    finish
fi
for user in daemon mail nobody; do
    id "$user" >/dev/null 2>&1 || { echo "ok - skipped: no user $user here"; finish; }
done
echo 'users = { core = "daemon"; intake = "mail"; courier = "nobody"; };' >>"$conf"
probed off 3
refuses 'own users' intake database key agent system parent
refuses 'own users' courier database key agent spool system parent
refuses 'own users' fetch database key agent spool system parent
refuses 'own users' core system parent
may 'own users' intake spool
may 'own users' core database spool
same 'a copy to the team lies in the Maildir of the courier' nobody \
    "$(find "$T/i/mail/ann@example.org/new" -type f -user nobody | head -n 1 | xargs -r stat -c %U)"
check 'check has no complaint of the folders' sh -c \
    "'$bin/embargoctl' --json -c '$conf' check | jq -e '[.data[] | select(.name == \"folders\" or .name == \"users\") | select(.status != \"ok\")] == []'"
[ "$landlock" -ge 4 ] && probed required 4

sed -i 's/courier = "nobody"/courier = "no-such-user-here"/' "$conf"
"$bin/embargod" -c "$conf" --rehearsal "$T/clock" >"$T/w/unknown" 2>&1
same 'a user that is not there: it does not start' 78 $?
has 'and says so' 'no user no-such-user-here' "$T/w/unknown"
finish
