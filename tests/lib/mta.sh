# Shell functions for tests with a real mail server, after tests/lib/flow.sh; to be sourced by a POSIX shell.
#
# The server's own folder is $P, which other users may enter, unlike $T. A recipe of contrib/mta has sections; their
# lines are used as they stand, but for the paths of this machine.

P=$(mktemp -d /tmp/mXXXXXX) || exit 99
chmod 755 "$P"
port=$((20000 + $$ % 20000))

# section NAME FILE: the lines of one section of a recipe, without comments.
section() {
    awk -v name="[$1]" '/^\[/ { on = $0 == name; next } on && !/^#/ && NF' "$2"
}

. "${srcdir:-.}/tests/lib/live.sh"
