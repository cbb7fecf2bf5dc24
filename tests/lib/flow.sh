# Shell functions for the tests of whole flows; to be sourced by a POSIX shell.
#
# Each test has a folder of its own below /tmp, short, since GnuPG's sockets bound its paths:
#   $T/i       the instance          $T/clock  what time it is      $T/log  of the daemon
#   $T/k/NAME  a GnuPG home each     $T/w      what the test writes
# The programs are those of the build directory ($builddir, else the current folder).
# A check prints `ok - …` or `not ok - …`; `finish` ends the test. Nothing that a test starts outlives it, however it
# ends: `cleanup` ends all that has one of its folders in the command line, then calls the functions that $at_end names,
# and removes the folders. It is the one trap for EXIT. What got away all the same, tests/lib/contain.c finds.

bin=${builddir:-.}
bin=$(cd "$bin" && pwd)
list=security@example.org
fails=0
daemon=
at_end=
# For a server on loopback: below the ports that the kernel gives to connections.
port=$((10000 + $$ % 22000))
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export ASAN_OPTIONS
unset EMBARGOD_CONF GNUPGHOME

need() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || { echo "skipped: no $tool here"; exit 77; }
    done
}
need gpg gpgconf jq sqlite3

# Beside a running daemon: its writes are waited for.
sqlite3() { command sqlite3 -cmd '.timeout 10000' "$@"; }

T=$(mktemp -d /tmp/eXXXXXX) || exit 99
chmod 700 "$T"
mkdir -m 700 "$T/k" "$T/w"
conf=$T/i/embargod.conf

# ---- results ----

ok() { echo "ok - $*"; }

not_ok() {
    echo "not ok - $*"
    fails=$((fails + 1))
}

# check WORDS COMMAND...: it must succeed.
check() {
    check_words=$1
    shift
    if "$@" >"$T/w/out" 2>"$T/w/err"; then ok "$check_words"; else
        not_ok "$check_words"
        head -n 20 "$T/w/out" "$T/w/err" | sed 's/^/  /'
    fi
}

# refused WORDS COMMAND...: it must fail.
refused() {
    check_words=$1
    shift
    if "$@" >"$T/w/out" 2>"$T/w/err"; then not_ok "$check_words"; else ok "$check_words"; fi
}

# same WORDS WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else
        not_ok "$1"
        printf '  wanted: %s\n  got:    %s\n' "$2" "$3"
    fi
}

# has WORDS FIXED-STRING FILE, lacks WORDS FIXED-STRING FILE
has() {
    if grep -qF -e "$2" "$3"; then ok "$1"; else
        not_ok "$1: no \`$2'"
        head -n 40 "$3" | sed 's/^/  /'
    fi
}
lacks() {
    if grep -qaF -e "$2" "$3"; then not_ok "$1: has \`$2'"; else ok "$1"; fi
}

# until_same WORDS WANTED COMMAND...: what it prints becomes that within a minute.
until_same() {
    until_words=$1 until_wanted=$2
    shift 2
    for until_try in $(seq 300); do
        until_got=$("$@" 2>/dev/null)
        [ "$until_got" = "$until_wanted" ] && break
        sleep 0.2
    done
    same "$until_words" "$until_wanted" "$until_got"
}
# comes_in WORDS PATTERN FILE: a line of it has the pattern within thirty seconds.
comes_in() {
    for comes_try in $(seq 300); do
        grep -q "$2" "$3" && { ok "$1"; return; }
        sleep 0.1
    done
    not_ok "$1"
    tail -n 20 "$3" | sed 's/^/  /'
}

# ---- time ----

# at_midday DAYS: midday so many days from now. The list's key is made by the real clock, and no clock file may say less.
at_midday() {
    date -u -d "$(date -u +%Y-%m-%d) +$1 days 12:00" +%Y-%m-%dT%H:%M:%SZ
}

# Sets the clock of the daemon and of every home.
set_clock() {
    now=$1
    printf '%s\n' "$now" >"$T/clock.new" && mv "$T/clock.new" "$T/clock"
    epoch=$(date -u -d "$now" +%s)
    for clock_home in "$T"/k/*; do
        [ -d "$clock_home" ] && printf 'faked-system-time %s\n' "$epoch" >"$clock_home/gpg.conf"
    done
}

# later "3 days": moves the clock.
later() {
    set_clock "$(date -u -d "$now +$1" +%Y-%m-%dT%H:%M:%SZ)"
}

# ---- keys ----

# make_key NAME ADDRESS [ALGORITHM]: a home with a key of its own; its certificate in $T/k/NAME.asc.
make_key() {
    mkdir -m 700 "$T/k/$1" || return 1
    gpg --homedir "$T/k/$1" --batch -q --passphrase '' --quick-generate-key "$1 <$2>" "${3:-future-default}" default never \
        2>"$T/w/err.$1" || { cat "$T/w/err.$1"; return 1; }
    gpg --homedir "$T/k/$1" --batch --armor --export >"$T/k/$1.asc"
}

# fpr NAME: the fingerprint of its key.
fpr() {
    gpg --homedir "$T/k/$1" --batch --with-colons -K 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }'
}

# give_key NAME FILE: its home learns a certificate and trusts it.
give_key() {
    gpg --homedir "$T/k/$1" --batch -q --import "$2" 2>/dev/null
    gpg --batch --with-colons --show-keys "$2" 2>/dev/null | awk -F: '$1 == "fpr" { print $10 ":6:"; exit }' |
        gpg --homedir "$T/k/$1" --batch -q --import-ownertrust 2>/dev/null
}

# ---- the instance ----

# init [OPTION...]: the instance with ann and bob as admins, and the list's key in $T/k/list.asc.
init() {
    make_key ann ann@example.org & make_ann=$!
    make_key bob bob@example.org & make_bob=$!
    wait $make_ann && wait $make_bob || exit 99
    "$bin/embargoctl" --json init --home "$T/i" --list main --address $list --admin "ann@example.org:$T/k/ann.asc" \
        --admin "bob@example.org:$T/k/bob.asc" "$@" >"$T/w/init" || { cat "$T/w/init"; exit 99; }
    sed -i "s/^\( *address = \"$list\";\)/\1 authserv_id = \"mx.example.org\";/" "$conf"
    list_fpr=$(jq -r .data.fingerprint "$T/w/init")
    gpg --homedir "$T/i/gnupg/main/list" --batch --armor --export "$list_fpr" >"$T/k/list.asc"
    gpgconf --homedir "$T/i/gnupg/main/list" --kill all
    give_key ann "$T/k/list.asc"
    give_key bob "$T/k/list.asc"
    set_clock "$(at_midday 1)"
}

# other_instance: in the place of the one that there was, whose admins had other keys.
other_instance() {
    rm -rf "$T/i"
    for home in ann bob; do
        gpgconf --homedir "$T/k/$home" --kill all
        rm -rf "$T/k/$home"
    done
    init
}

# run_daemon [PREFIX...]: a rehearsal, by the words before its name, such as `env NAME=VALUE'; does not wait for it.
# exec, so that $daemon is its own process: a shell between would end without it.
run_daemon() {
    exec "$@" "$bin/embargod" -c "$conf" --rehearsal "$T/clock" >>"$T/log" 2>&1 &
    daemon=$!
}

start() {
    run_daemon
    for start_try in $(seq 300); do
        "$bin/embargoctl" -c "$conf" --as ann@example.org status >/dev/null 2>&1 && return 0
        kill -0 $daemon 2>/dev/null || break
        sleep 0.1
    done
    echo 'not ok - the daemon does not start'
    cat "$T/log"
    exit 1
}

# Asks it to end; its exit code in $ended.
stop() {
    [ -n "$daemon" ] || return 0
    kill -TERM "$daemon" 2>/dev/null
    wait "$daemon"
    ended=$?
    daemon=
}

# Processes whose command line has all the WORDS; grep reads them from a file, so as not to find itself.
processes_with() {
    for process_word; do printf '%s\n' "$process_word"; done >"$T/w/words"
    (cd "$T/w" && grep -laF -f words /proc/[0-9]*/cmdline 2>/dev/null) | while read -r process_file; do
        process_line=$({ tr '\0' ' ' <"$process_file"; } 2>/dev/null)
        process_all=yes
        for process_word; do
            case $process_line in *"$process_word"*) ;; *) process_all= ;; esac
        done
        process_file=${process_file#/proc/}
        [ -n "$process_all" ] && echo "${process_file%/cmdline} $process_line"
    done
}

# role_pid core: the process of a role of this test's daemon.
role_pid() { processes_with "--role=$1" "$conf" | cut -d' ' -f1; }

# The daemon's processes and those that it started.
processes() { processes_with "$T/i"; }

# What has a folder of this test in its command line: the daemon and its roles, agents, servers.
ours() {
    { processes_with "$T/"; [ -z "${P:-}" ] || processes_with "$P/"; } | cut -d' ' -f1
}
# all_gone SECONDS: within them nothing of it is left.
all_gone() {
    for end_try in $(seq $(($1 * 10))); do
        [ -n "$(ours)" ] || return 0
        sleep 0.1
    done
    return 1
}

cleanup() {
    trap - EXIT
    trap '' INT TERM HUP
    if [ -n "$daemon" ]; then
        kill -CONT $(processes_with --role= "$conf" | cut -d' ' -f1) 2>/dev/null
        kill -TERM "$daemon" 2>/dev/null
        for stop_try in $(seq 20); do
            kill -0 "$daemon" 2>/dev/null || break
            sleep 0.1
        done
    fi
    end_pids=$(ours)
    [ -z "$end_pids" ] || kill -TERM $end_pids 2>/dev/null
    all_gone 2 || kill -KILL $(ours) 2>/dev/null
    all_gone 2
    for end_function in $at_end; do "$end_function"; done
    [ -n "${KEEP:-}" ] && { echo "# kept: $T ${P:-}"; return; }
    rm -rf "$T" ${P:+"$P"}
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

finish() {
    # In a build with sanitizers a fault counts, whatever was seen of it.
    grep -q 'ERROR: AddressSanitizer\|runtime error:' "$T/log" 2>/dev/null && not_ok 'a sanitizer has found a fault'
    if [ "$fails" -ne 0 ]; then
        echo "# $fails failed; the daemon's last words:"
        grep -A 12 'ERROR: AddressSanitizer\|runtime error:' "$T/log" | head -n 30 | sed 's/^/#   /'
        tail -n 15 "$T/log" | sed 's/^/#   /'
    fi
    [ "$fails" -eq 0 ]
    exit
}

# ctl COMMAND...: as ann; the reply as JSON on standard output. ctl_as ADDRESS COMMAND...
ctl_as() {
    ctl_address=$1
    shift
    "$bin/embargoctl" -c "$conf" --json --as "$ctl_address" "$@"
}
ctl() {
    ctl_as ann@example.org "$@"
}

# get FILTER COMMAND...: one value of what a command says.
get() {
    get_filter=$1
    shift
    ctl "$@" | jq -r "$get_filter"
}

# denied RULE WORDS COMMAND...: exit 1, and the rule.
denied() {
    denied_rule=$1 denied_words=$2
    shift 2
    ctl "$@" >"$T/w/denied" 2>&1
    denied_code=$?
    same "$denied_words" "1 $denied_rule" "$denied_code $(jq -r .rule "$T/w/denied" 2>/dev/null)"
}

settle() {
    ctl wait --timeout 60 >"$T/w/wait" && return
    not_ok 'the daemon settles'
    cat "$T/w/wait"
    # Nothing that follows would say more.
    grep -q 'event=role-ended' "$T/log" && finish
}

# inject SENDER FILE [RECIPIENT]: hands a mail over, and waits until it is dealt with.
post() {
    "$bin/embargo-inject" -c "$conf" -f "$1" -- "${3:-$list}" <"$2"
}
inject() {
    post "$@" || not_ok "embargo-inject $1"
    settle
}

new_case() {
    get '.data | max_by(.opened_at) | .id' case list
}

cases() {
    get '.data | length' case list
}

# member ORG CLASS TIER: with a key of its own; the address is security@ORG.example.
member() {
    [ -d "$T/k/$1" ] || make_key "$1" "security@$1.example" || exit 99
    give_key "$1" "$T/k/list.asc"
    set_clock "$now"
    ctl member add --org "$1" --class "$2" --tier "$3" --address "security@$1.example" --key "$T/k/$1.asc" >"$T/w/member" ||
        { not_ok "member add $1"; cat "$T/w/member"; }
}

# Three distributions, two service providers.
members() {
    for org in acorn birch cedar delta ember; do make_key $org security@$org.example & done
    wait_keys
    for org in acorn birch cedar; do member $org distro distros; done
    for org in delta ember; do member $org hosting-provider service-providers; done
}

wait_keys() {
    for key_try in $(seq 300); do
        key_missing=
        for org in acorn birch cedar delta ember; do [ -s "$T/k/$org.asc" ] || key_missing=yes; done
        [ -z "$key_missing" ] && return
        sleep 0.05
    done
    exit 99
}

# ---- mails ----

# mail FROM SUBJECT [FIELD...]: a head on standard output, then what stands on standard input. Without a MIME field
# among the FIELDs, the body is plain text.
mails=0
mail() {
    mails=$((mails + 1))
    mail_from=$1 mail_subject=$2
    shift 2
    printf 'From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s.%s@test.example>\n' "$mail_from" $list \
        "$mail_subject" "$(date -u -R -d "$now")" $$ "$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
    for field; do printf '%s\n' "$field"; done
    case "$*" in
    *Content-Type:*) ;;
    *) printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n' ;;
    esac
    printf '\n'
    cat
}

crlf() { sed 's/\r$//; s/$/\r/'; }

# text_part [FIELD...] <TEXT: a part with head, CR LF.
text_part() {
    { for field; do printf '%s\n' "$field"; done
      printf 'Content-Type: text/plain; charset=utf-8\n\n'; cat; } | crlf
}

# signed_part NAME PART: multipart/signed around the file PART, by NAME's key, CR LF.
signed_part() {
    gpg --homedir "$T/k/$1" --batch --armor --digest-algo SHA256 --detach-sign <"$2" >"$T/w/sig" 2>/dev/null
    { printf 'Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature";\n'
      printf ' boundary="signed-b"\n\n--signed-b\n'; cat "$2"
      printf '\n--signed-b\nContent-Type: application/pgp-signature; name="signature.asc"\n\n'; cat "$T/w/sig"
      printf '\n--signed-b--\n'; } | crlf
}

# encrypted_part PART GPG-OPTION...: multipart/encrypted around the file PART.
encrypted_part() {
    encrypted_file=$1
    shift
    printf 'MIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted";\n boundary="enc-b"\n\n'
    printf -- '--enc-b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--enc-b\n'
    printf 'Content-Type: application/octet-stream; name="encrypted.asc"\n\n'
    gpg --batch --trust-model always --armor "$@" <"$encrypted_file" 2>/dev/null
    printf '\n--enc-b--\n'
}

# mail_of PART FROM SUBJECT [FIELD...]: a mail whose MIME head and body are those of the file PART.
mail_of() {
    mail_part=$1
    shift
    { mail "$@" 'Content-Type: none' </dev/null | sed '/^Content-Type: none$/d; /^$/d'
      grep -qi '^mime-version:' "$mail_part" || printf 'MIME-Version: 1.0\n'
      cat "$mail_part"; }
}

# secret_mail NAME FROM SUBJECT [FIELD...] <TEXT: signed by NAME and encrypted to the list, in one (RFC 3156, 6.2),
# with a protected To, as today's mail programs write it.
secret_mail() {
    secret_name=$1
    shift
    { printf 'Content-Type: text/plain; charset=utf-8; protected-headers="v1"\nTo: %s\nSubject: %s\n\n' $list "$2"; cat; } |
        crlf >"$T/w/secret-part"
    encrypted_part "$T/w/secret-part" --homedir "$T/k/$secret_name" -r "$list_fpr" --sign --encrypt >"$T/w/secret-mime"
    secret_from=$1
    shift 2
    mail_of "$T/w/secret-mime" "$secret_from" '...' "$@"
}

# ---- what arrived ----

# box ADDRESS: how many mails it has. newest ADDRESS: the file of the newest.
box() {
    find "$T/i/mail/$1/new" -type f 2>/dev/null | wc -l
}
newest() {
    find "$T/i/mail/$1/new" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

# head_of FILE: the header block, unfolded. field NAME FILE: the value of a field in the first header block.
head_of() {
    sed 's/\r$//' "$1" | awk '/^$/ { exit } /^[ \t]/ { sub(/^[ \t]+/, " "); line = line $0; next }
        NR > 1 { print line } { line = $0 } END { print line }'
}
field() {
    head_of "$2" | sed -n "s/^$1: *//Ip" | head -n 1
}

# open_mail NAME FILE OUT: decrypts with NAME's home alone. OUT gets the payload with LF, OUT.status what gpg says.
open_mail() {
    sed 's/\r$//' "$2" | sed -n '/^-----BEGIN PGP MESSAGE/,/^-----END PGP MESSAGE/p' >"$T/w/cipher.asc"
    gpg --homedir "$T/k/$1" --batch --yes --status-fd 3 -d "$T/w/cipher.asc" >"$3.raw" 3>"$3.status" 2>/dev/null
    open_code=$?
    sed 's/\r$//' "$3.raw" >"$3"
    return $open_code
}

# good_signature OUT: gpg found a good signature by the list's key.
good_signature() {
    grep -q '^\[GNUPG:\] GOODSIG' "$1.status" && grep -q "^\[GNUPG:\] VALIDSIG .*$list_fpr" "$1.status"
}
