#!/bin/sh
# Calls that are not made in src/: unbounded copies, number readers without errors, shells, names of temporary files
# that can be raced, weak randomness, changes of the environment, shared static buffers. Comments and strings do not
# count. `banned.sh FILE...` looks at these files instead.
set -u
if [ $# -eq 0 ]; then
    cd "${srcdir:-.}" || exit 99
    set -- src/*/*.c src/*/*.h
fi

words='strcpy stpcpy strcat sprintf vsprintf gets strtok atoi atol atoll atof system popen'
words="$words mktemp tmpnam tempnam alloca setenv putenv unsetenv clearenv"
words="$words rand srand random srandom asctime ctime gmtime localtime"

awk -v words="$words" '
BEGIN {
    n = split(words, list)
    for (i = 1; i <= n; i++)
        banned[list[i]] = 1
}
FNR == 1 { comment = 0 }
# Takes comments, strings and characters away; a comment may go on in the next line.
function code(text,    out, at) {
    out = ""
    while (text != "") {
        if (comment) {
            at = index(text, "*/")
            if (!at)
                return out
            comment = 0
            text = substr(text, at + 2)
        } else if (match(text, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
            out = out substr(text, 1, RSTART - 1) " "
            start = substr(text, RSTART, 2)
            text = substr(text, RSTART + RLENGTH)
            if (start == "//")
                return out
            comment = start == "/*"
        } else {
            return out text
        }
    }
    return out
}
{
    rest = code($0)
    while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ \t]*\(/)) {
        name = substr(rest, RSTART, RLENGTH - 1)
        sub(/[ \t]+$/, "", name)
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
        if (name in banned && before != "." && before != ">") {
            printf "%s:%d: %s() is banned\n", FILENAME, FNR, name
            faults++
        }
        rest = substr(rest, RSTART + RLENGTH)
    }
}
END {
    printf "%d lines looked at, %d faults\n", NR, faults
    exit faults > 0 || NR == 0
}' "$@"
