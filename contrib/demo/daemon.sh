# Shell functions that make an instance, run it as a rehearsal and look at its mail; sourced by contrib/quickstart. A
# function returns 0 only when what it says has been done; faults are told on standard error. perl does what a shell
# cannot: JSON, LMTP, MIME.
#
# Set before a call:
#   lib       the folder of this file
#   bin       the folder of embargod, embargoctl and embargo-inject (programs_find sets it)
#   dir       the instance
#   parties   the people: parties/NAME is a GnuPG home of its own, parties/NAME.asc the public key
#   clock     the clock file of the rehearsal
#   log       what the daemon prints
#   pidfile   its process id
# The path of a GnuPG home has less than 90 bytes: keep dir and parties short.
#
# The order of calls: programs_find, party_make…, instance_make, daemon_start; at the end daemon_stop, agents_stop.

list_name=main
list_address=security@example.org

fault() {
    printf '%s\n' "$*" >&2
    return 1
}

# ---- programs and folders ----

# EMBARGO_BUILD names the build folder; else it is the one that make check runs in.
programs_find() {
    bin=$(CDPATH='' cd -- "${EMBARGO_BUILD:-${builddir:-.}}" && pwd) || return 1
    for program in embargod embargoctl embargo-inject; do
        [ -x "$bin/$program" ] || fault "$bin/$program is not there: build first" || return 1
    done
}

# agents_stop FOLDER: the agents of all GnuPG homes below it, and their sockets outside of the homes.
agents_stop() {
    [ -d "$1" ] || return 0
    find "$1" -name private-keys-v1.d -o -name pubring.kbx -o -name gpg.conf | sed 's|/[^/]*$||' | sort -u |
        while IFS= read -r home; do
            gpgconf --homedir "$home" --kill all >/dev/null 2>&1 || :
            gpgconf --homedir "$home" --remove-socketdir >/dev/null 2>&1 || :
        done
    return 0
}

# ---- people ----

# party_make NAME ADDRESS: a GnuPG home, and a key that needs no passphrase.
party_make() {
    mkdir -m 700 "$parties/$1" || return 1
    printf 'no-random-seed-file\nauto-key-locate local\ndisable-dirmngr\n' >"$parties/$1/gpg.conf"
    if gpg --homedir "$parties/$1" --batch -q --pinentry-mode loopback --passphrase '' \
        --quick-generate-key "$1 <$2>" future-default default never >"$parties/$1.made" 2>&1 &&
        gpg --homedir "$parties/$1" --batch -q --armor --export-options export-minimal --export \
            >"$parties/$1.asc" && [ -s "$parties/$1.asc" ]; then
        rm -f "$parties/$1.made"
    else
        fault "no key could be made for $1: $(cat "$parties/$1.made")"
    fi
}

# party_gpg NAME WORDS...: gpg with the home of NAME alone, at the time of the rehearsal. It speaks only where it fails.
party_gpg() {
    party_home=$parties/$1
    shift
    if [ -s "$clock" ]; then
        set -- --faked-system-time "$(tr -d 'Z\n:-' <"$clock")" "$@"
    fi
    gpg --homedir "$party_home" --batch -q --trust-model always "$@" 2>"$party_home/said" && return 0
    grep -v 'faked system time' "$party_home/said" >&2
    return 1
}

# party_fpr NAME: the full fingerprint of its key.
party_fpr() {
    party_gpg "$1" --with-colons --list-secret-keys | sed -n '/^fpr:/{s/^fpr:*//;s/:.*//;p;q;}'
}

# party_encrypts_with NAME: the long key id of its encryption subkey.
party_encrypts_with() {
    party_gpg "$1" --with-colons --list-secret-keys | awk -F: '$1 == "ssb" && $12 ~ /e/ { print $5; exit }'
}

# ---- the instance ----

# instance_make POLICY NAME...: the list, with the admins NAME@example.org, who are parties. What init says is in $dir.init.
instance_make() {
    instance_policy=$1 && shift
    for admin; do
        shift
        set -- "$@" --admin "$admin@example.org:$parties/$admin.asc"
    done
    "$bin/embargoctl" init --home "$dir" --list "$list_name" --address "$list_address" --policy "$instance_policy" "$@" \
        >"$dir.init" 2>&1 || fault "init: $(cat "$dir.init")"
}

# conf_edit SCRIPT: changes embargod.conf by a script for sed, which must change something.
conf_edit() {
    sed "$1" "$dir/embargod.conf" >"$dir/embargod.conf.new" || return 1
    if cmp -s "$dir/embargod.conf" "$dir/embargod.conf.new"; then
        rm -f "$dir/embargod.conf.new"
        fault "embargod.conf was to be changed by $1, and is as it was" || return 1
    fi
    chmod 600 "$dir/embargod.conf.new" && mv "$dir/embargod.conf.new" "$dir/embargod.conf"
}

# ---- the daemon ----

# daemon_is_ours PID: does it run, and is it the one of this instance? A number from a file may be anybody's by now.
daemon_is_ours() {
    [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] && tr '\0' '\n' <"/proc/$1/cmdline" | grep -qxF "$dir/embargod.conf"
}

# Starts it as a rehearsal; the clock is set to now where it is not set. Returns when it answers.
daemon_start() {
    [ -s "$clock" ] || clock_set "$(date -u +%Y-%m-%dT%H:%M:%SZ)" || return 1
    setsid "$bin/embargod" -c "$dir/embargod.conf" --rehearsal "$clock" >>"$log" 2>&1 </dev/null &
    daemon=$!
    echo "$daemon" >"$pidfile"
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ctl status >/dev/null 2>&1 && return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0."$((try > 4 ? 5 : 1))"
    done
    fault "the daemon does not start: $(tail -n 5 "$log")"
}

# Stops it, and the agents of the instance. None that runs is no fault.
daemon_stop() {
    daemon=
    [ -z "${pidfile:-}" ] || [ ! -s "$pidfile" ] || daemon=$(cat "$pidfile")
    if daemon_is_ours "$daemon"; then
        kill -TERM "$daemon" 2>/dev/null || :
        for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
            daemon_is_ours "$daemon" || break
            sleep 0."$((try > 5 ? 5 : 1))"
        done
        if daemon_is_ours "$daemon"; then
            kill -KILL "$daemon" 2>/dev/null || :
            fault 'the daemon did not end when asked to, and was killed' || :
        fi
    fi
    # So that the shell says nothing of it; one of an earlier run is no child.
    [ -z "$daemon" ] || wait "$daemon" 2>/dev/null || :
    [ -z "${pidfile:-}" ] || rm -f "$pidfile"
    [ -z "${dir:-}" ] || agents_stop "$dir/gnupg"
}

# ctl WORDS...: embargoctl.
ctl() {
    "$bin/embargoctl" -c "$dir/embargod.conf" "$@"
}

# Until nothing is under way.
settle() {
    ctl wait --timeout 60 >/dev/null || fault "the daemon does not come to rest: $(tail -n 5 "$log")"
}

# ask PATH WORDS...: what embargoctl --json answers, at PATH ("data.0.id"; "*" in it: every one, a line each, and
# "a,b" last: several, with a tab between). Fails as the command does.
ask() {
    ask_path=$1 && shift
    ask_answer=$(ctl --json "$@") || fault "embargoctl $*: $ask_answer" || return 1
    printf '%s\n' "$ask_answer" | perl "$lib/json.pl" "$ask_path"
}

# ---- the clock ----

# clock_set INSTANT: by rename, so that nobody reads a half.
clock_set() {
    printf '%s\n' "$1" >"$clock.new" && mv "$clock.new" "$clock"
}

# ---- mail ----

# inject SENDER RECIPIENT... <MAIL: through embargo-inject.
inject() {
    inject_sender=$1 && shift
    "$bin/embargo-inject" -c "$dir/embargod.conf" -f "$inject_sender" -- "$@"
}

# lmtp SENDER RECIPIENT... <MAIL: speaks LMTP to the socket, or to LMTP_TO=HOST:PORT; the dialogue goes to standard
# output. Fails unless every recipient's copy was taken.
lmtp() {
    perl "$lib/lmtp.pl" "${LMTP_TO:-$dir/run/lmtp.sock}" "$@"
}

# mails ADDRESS: its mails, a path a line, oldest first.
mails() {
    find "$dir/mail/$1/new" "$dir/mail/$1/cur" -type f 2>/dev/null | sort
}

# mail_encrypt NAME SENDER SUBJECT <PART >MAIL: PGP/MIME (RFC 3156) to the list, signed and encrypted by NAME, who
# knows the list's key.
mail_encrypt() {
    printf 'From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s.%s@example.net>\r\nMIME-Version: 1.0\r\n' \
        "$2" "$list_address" "$3" "$(LC_ALL=C date -u -d "$(cat "$clock")" '+%a, %d %b %Y %H:%M:%S +0000')" \
        "$1" "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
    printf 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="sealed"\r\n\r\n'
    printf -- '--sealed\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n'
    printf -- '--sealed\r\nContent-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n'
    # A file in between, since a pipe would hide that gpg failed.
    sed 's/\r*$/\r/' | party_gpg "$1" --armor --sign --encrypt --recipient "$list_address" --output - \
        >"$parties/$1.sealed" || return 1
    sed 's/\r*$/\r/' "$parties/$1.sealed"
    rm -f "$parties/$1.sealed"
    printf -- '\r\n--sealed--\r\n'
}

# mail_cipher MAIL: the OpenPGP message in it.
mail_cipher() {
    sed -n '/^-----BEGIN PGP MESSAGE-----/,/^-----END PGP MESSAGE-----/p' "$1" | tr -d '\r'
}

# mail_open NAME MAIL OUT: decrypts with the home of NAME alone. What gpg says stands in OUT.status.
mail_open() {
    mail_cipher "$2" >"$3.pgp"
    party_gpg "$1" --yes --status-file "$3.status" --output "$3" --decrypt "$3.pgp" 
}

# mail_signed_by OUT: the primary fingerprint of the good signature on what mail_open has opened.
mail_signed_by() {
    grep -q '^\[GNUPG:\] GOODSIG ' "$1.status" && sed -n 's/^\[GNUPG:\] VALIDSIG .* //p' "$1.status"
}

# mail_key_ids NAME MAIL: for which keys it is encrypted, a long key id a line; NAME only looks.
mail_key_ids() {
    mail_cipher "$2" >"$parties/packets.pgp"
    party_gpg "$1" --list-only --list-packets "$parties/packets.pgp" 2>/dev/null |
        sed -n 's/^:pubkey enc packet: .*keyid //p'
    rm -f "$parties/packets.pgp"
}

# mail_headers FILE: its header block, each field on one line.
mail_headers() {
    perl -0777 -ne 's/\r//g; s/\n\n.*//s; s/\n[ \t]+/ /g; print "$_\n"' "$1"
}

# mail_part FILE [NAME]: the attachment of that name, or the text, decoded.
mail_part() {
    perl "$lib/part.pl" "$@"
}
