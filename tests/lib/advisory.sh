# Advisories in tests; to be sourced after tests/lib/flow.sh.

# disclose TITLE: a case of the team's own with a draft of an advisory; its id in $id. The draft's text is on standard
# input, or a usual one.
disclose() {
    mail 'Ann <ann@example.org>' "$1" <<X >"$T/w/open"
Found in house.
X
    ctl case open --from "$T/w/open" >"$T/w/opened" || { not_ok 'case open'; cat "$T/w/opened"; }
    id=$(jq -r .data.id "$T/w/opened")
    ctl case accept "$id" >/dev/null || not_ok 'case accept'
    ctl case fix-ready "$id" >/dev/null || not_ok 'case fix-ready'
    ctl advisory new "$id" --title "$1" >/dev/null || not_ok 'advisory new'
}

# usual_text TITLE [LINE...]: an advisory's FILE, the lines being further fields.
usual_text() {
    printf 'Title: %s\nSeverity: high\n' "$1"
    shift
    for usual_line; do printf '%s\n' "$usual_line"; done
    printf '\n## IMPACT\n\nA guest can read what is not its own: sesame-%s.\n' "$(printf %s "$id" | cut -c1-4)"
}

# recipients FILTER: of $T/w/send, one line a recipient, sorted.
recipients() {
    jq -r ".data.recipients[] | $1" "$T/w/send" | sort
}

# send_advisory ID [OPTION...]: its reply in $T/w/send.
send_advisory() {
    ctl advisory send "$@" >"$T/w/send" || { not_ok "advisory send $*"; cat "$T/w/send"; }
}

# opens NAME WORDS: the newest mail at security@NAME.example opens with NAME's key, is signed by the list with SHA-512
# and encrypted with AES-256 (RFC 9580: hash 10, cipher 9). The payload is left in $T/w/open.NAME.
opens() {
    opens_file=$(newest "security@$1.example")
    if [ -n "$opens_file" ] && open_mail "$1" "$opens_file" "$T/w/open.$1" && good_signature "$T/w/open.$1"; then
        ok "$2: opens at $1, signed by the list"
    else
        not_ok "$2: opens at $1, signed by the list"
        cat "$T/w/open.$1.status" 2>/dev/null | sed 's/^/  /'
        return
    fi
    same "$2: AES-256 for $1" 9 "$(sed -n 's/^\[GNUPG:\] DECRYPTION_INFO [0-9]* \([0-9]*\).*/\1/p' "$T/w/open.$1.status")"
    same "$2: SHA-512 for $1" 10 "$(sed -n 's/^\[GNUPG:\] VALIDSIG //p' "$T/w/open.$1.status" | cut -d' ' -f8)"
}

# sql WORDS: a look into the database.
sql() {
    sqlite3 -readonly "$T/i/state/db.sqlite" "$1"
}
