# Shell functions for tests with a real mail server, after tests/lib/flow.sh; to be sourced by a POSIX shell.
#
# The server's own folder is $P, which other users may enter, unlike $T. A recipe of contrib/mta has sections; their
# lines are used as they stand, but for the paths of this machine.

P=$(mktemp -d /tmp/mXXXXXX) || exit 99
chmod 755 "$P"

# section NAME FILE: the lines of one section of a recipe, without comments.
section() {
    awk -v name="[$1]" '/^\[/ { on = $0 == name; next } on && !/^#/ && NF' "$2"
}

. "${srcdir:-.}/tests/lib/live.sh"

# The daemon as nobody, out of a folder that he can enter.
give_to_nobody() {
    mkdir "$P/bin"
    cp "$bin/embargod" "$bin/embargo-inject" "$P/bin"
    live_bin=$P/bin
    find "$T/i" -name 'S.*' -exec rm -f {} +
    chmod 711 "$T"
    chown -R nobody "$T/i"
}
live_as_nobody() { live setpriv --reuid nobody --regid nogroup --clear-groups; }

report() {
    mail 'Rita <rita@reporter.example>' "$1" <<X
$1
X
}
# give SENDER RECIPIENT PORT <MAIL: by SMTP to the server.
give() {
    cat >"$P/give"
    swaks --server "127.0.0.1:$3" --helo test.example --from "$1" --to "$2" --data "@$P/give" >"$P/swaks" 2>&1 ||
        { not_ok "the mail server takes a mail for $2"; sed 's/^/  /' "$P/swaks"; }
}
held_rules() { get '.data | map(.rule) | join(" ")' held list; }
