# What readers of mail make of a mail that the daemon sent; to be sourced after tests/lib/flow.sh and tests/lib/advisory.sh.
#
# reader_mails: an advisory at reader@, whose copy is $T/w/copy, and a reply to rita's report, which is $T/w/reply.
# row READER MAIL TEXT SIGNATURE SUBJECT prints a row of the matrix.

reader_word=sesame-reader

reader_mails() {
    make_key reader security@reader.example
    make_key rita rita@reporter.example
    make_key other security@other.example
    init
    give_key rita "$T/k/list.asc"
    set_clock "$(date -u +%Y-%m-%dT%H:%M:%SZ)" # the readers go by the machine's clock
    start
    member reader distro distros
    member other distro distros
    disclose 'Ring page'
    usual_text 'Ring page' >"$T/w/text"
    printf '\n## MITIGATION\n\n%s: Grüße.\n' "$reader_word" >>"$T/w/text"
    printf -- '--- a\n+++ b\n-x\n+y\n' >"$T/w/ring.patch"
    ctl advisory edit "$id" "$T/w/text" --attach "$T/w/ring.patch" >/dev/null
    send_advisory "$id"
    settle
    public=$(get '.data.public_id // .data.id' case show "$id")
    cp "$(newest security@reader.example)" "$T/w/copy"
    {
        printf 'Content-Type: multipart/mixed; boundary="in-b"\n\n--in-b\nContent-Type: text/plain\n\nMy key is here.\n'
        printf -- '--in-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'
        cat "$T/k/rita.asc"
        printf '\n--in-b--\n'
    } >"$T/w/mime"
    mail_of "$T/w/mime" 'Rita <rita@reporter.example>' 'a report' >"$T/w/m"
    inject rita@reporter.example "$T/w/m"
    printf '%s: thank you.\n' "$reader_word" >"$T/w/answer"
    ctl case reply "$(get '.data[-1].id' case list)" "$T/w/answer" --to reporter >/dev/null
    settle
    cp "$(newest rita@reporter.example)" "$T/w/reply"
    give_key reader "$T/k/list.asc"
    set_clock "$now"
    stop
}

# secret NAME: its secret key as a file, for readers that have no GnuPG home.
secret() {
    gpg --homedir "$T/k/$1" --batch --armor --pinentry-mode loopback --passphrase '' \
        --export-secret-keys "$(fpr "$1")" >"$T/k/$1.secret" 2>/dev/null
}

# cipher MAIL: its ciphertext, armored, in $T/w/cipher.asc.
cipher() {
    sed 's/\r$//' "$1" | sed -n '/^-----BEGIN PGP MESSAGE/,/^-----END PGP MESSAGE/p' >"$T/w/cipher.asc"
}

yes_no() { if "$@"; then echo yes; else echo no; fi; }

row() {
    printf '# %-14s %-9s %-5s %-10s %s\n' "$@"
}
