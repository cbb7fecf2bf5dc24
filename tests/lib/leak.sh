# Shell functions of the leak tests, after flow.sh; to be sourced by a POSIX shell. A word that must stay secret (a canary)
# is nine letters that occur nowhere else, nor by chance among some millions of random letters (of seven one in a few
# hundred runs would, in any case, in an armored mail); it counts in any case, in base64 at any alignment, in
# hexadecimal and in UTF-16. An address may stand on the envelope of the mail that went there, and there alone.

mkdir "$T/tmp"
TMPDIR=$T/tmp
export TMPDIR
: >"$T/w/secret"
: >"$T/w/secret.wide"
: >"$T/w/secret.address"

# patterns WORD: what grep looks for. Base64 of a word has three forms, by what stands before it; the digits at the
# edges, which depend on the neighbours, are left out.
patterns() {
    printf '%s\n' "$1"
    printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'
    echo
    for form in '' x xx; do
        printf '%s%s' "$form" "$1" | base64 -w 0 | case $form in
        '') cut -c1-$((${#1} * 8 / 6)) ;;
        x) cut -c3-$(((${#1} + 1) * 8 / 6)) ;;
        xx) cut -c4-$(((${#1} + 2) * 8 / 6)) ;;
        esac
    done
}

# secret WORD...: from now on. secret_address WORD...: of reporters and applicants. secret_text TEXT: as it stands.
secret() {
    for word; do
        patterns "$word" >>"$T/w/secret"
        printf '%s\n' "$word" | sed 's/./&./g; s/.$//' >>"$T/w/secret.wide"
    done
}
secret_address() { for word; do patterns "$word"; done >>"$T/w/secret.address"; }
secret_text() {
    [ -n "$1" ] || { not_ok 'a secret is no empty text'; return; }
    printf '%s\n' "$1" >>"$T/w/secret"
}

# leaks FILE-OR-FOLDER...: the files that have a word.
leaks() {
    grep -rlaiF -f "$T/w/secret" "$@" 2>/dev/null
    # UTF-16: any byte between the letters.
    LC_ALL=C grep -rlai -f "$T/w/secret.wide" "$@" 2>/dev/null
}
address_leaks() { grep -rlaiF -f "$T/w/secret.address" "$@" 2>/dev/null; }

# sweep WORDS: nothing is in clear, in any byte of the instance, of the daemon's output and of its temporary files.
sweep() {
    same "$1: no secret word in clear" '' "$(leaks "$T/i" "$T/log" "$T/tmp" | sort -u)"
    same "$1: no reporter's address in clear" '' \
        "$(address_leaks "$T/i/state" "$T/i/gnupg" "$T/i/run" "$T/i/public" "$T/i/policy" "$T/log" "$T/tmp" | sort -u)"
    same "$1: nor in a mail to somebody else" '' "$(address_leaks "$T/i/mail" | grep -viF -f "$T/w/secret.address" | sort -u)"
}

# The command lines of the daemon's processes, workers and gpg, from sample to finish_leaks.
sample() {
    : >"$T/w/sampling"
    while [ -e "$T/w/sampling" ]; do
        (cd "$T/w" && grep -aHz . /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >>samples)
        sleep 0.1
    done &
    sampler=$!
}

# finish_leaks: the daemon stops, and the whole run is looked at.
finish_leaks() {
    rm -f "$T/w/sampling"
    wait $sampler
    stop
    sweep 'at the end'
    # Arguments of one process stand together: those of the daemon's own name a role or a home of the instance.
    awk -F: -v home="$T/i/gnupg" '{ arg = substr($0, length($1) + 2) } $1 != last { last = $1; n++ }
        { all[n] = all[n] " " arg; if (index(arg, "--role=") || index(arg, home)) ours[n] = 1 }
        END { for (i in ours) print all[i] }' "$T/w/samples" | sort -u >"$T/w/lines"
    same 'command lines were looked at: roles, workers and gpg' '1 1 1' "$(for kind in --role=core --role=crypto "$T/i/gnupg"; do
        grep -qaF -e "$kind" "$T/w/lines" && echo 1; done | tr '\n' ' ' | sed 's/ $//')"
    same 'none has a secret word' '' "$(leaks "$T/w/lines")"
    same "nor a reporter's address" '' "$(address_leaks "$T/w/lines")"
    same 'nothing is left in the temporary folder' '' "$(find "$T/tmp" -type f)"
    finish
}
