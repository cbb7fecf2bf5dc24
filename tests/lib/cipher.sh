# Encrypted mails that are made by hand, for tests after tests/lib/flow.sh; to be sourced by a POSIX shell.
need gpgsplit

# The daemon, a reporter with a key, rita, and nobody, who has one too.
begin_with_rita() {
    make_key rita rita@reporter.example
    make_key nobody nobody@elsewhere.example
    init
    start
    give_key rita "$T/k/list.asc"
}

# to_list [GPG-OPTION...]: what stands on standard input, encrypted to the list.
to_list() { gpg --homedir "$T/k/rita" --batch --trust-model always -r "$list_fpr" "$@" 2>/dev/null; }

# armored FILE: binary packets with armor around them.
armored() {
    printf -- '-----BEGIN PGP MESSAGE-----\n\n'
    base64 "$1"
    printf -- '-----END PGP MESSAGE-----\n'
}

# pgp_mime: a part around the armor on standard input (RFC 3156, 4).
pgp_mime() {
    printf 'MIME-Version: 1.0\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted";\n'
    printf ' boundary="enc-b"\n\n--enc-b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n'
    printf -- '--enc-b\nContent-Type: application/octet-stream; name="encrypted.asc"\n\n'
    cat
    printf '\n--enc-b--\n'
}
