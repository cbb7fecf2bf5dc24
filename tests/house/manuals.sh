#!/bin/sh
# The manuals say what the program is: every command with its options, every key of embargod.conf with its range and
# default, every rule that holds mail, every name of case set, every field of an advisory; and nothing that is not
# there. The completions have the table that the program's own help gives.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
ctl=$(cd "${builddir:-.}" && pwd)/embargoctl
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$top" || exit 99
faults=0
looked=0

fault() {
    echo "$1"
    faults=$((faults + 1))
}

look() { # WHAT COMMAND...: a fault where the command fails
    what=$1
    shift
    looked=$((looked + 1))
    "$@" >/dev/null 2>&1 || fault "$what"
}

# ---- commands ----

# The entries of COMMANDS, "case accept | reject Ar ID …" once for each word, as "WORDS|ENTRY".
entries() {
    sed -n '/^\.Sh COMMANDS/,/^\.Sh ADVISORY/p' man/embargoctl.1 | awk '
        { line = line $0 }
        /\\$/ { sub(/\\$/, "", line); next }
        line ~ /^\.It Cm / {
            n = split(line, w, " ")
            if (w[4] ~ /^[a-z]/ && w[4] !~ /^(Ar|Fl|Oo|Op)$/) {
                for (i = 4; i <= n; i += 2) {
                    print w[3] " " w[i] "|" line
                    if (w[i + 1] != "|")
                        break
                }
            } else {
                print w[3] "|" line
            }
        }
        { line = "" }'
}

commands() {
    "$ctl" help >"$work/help" || { fault 'embargoctl help fails'; return; }
    awk -f contrib/completion/table.awk "$work/help" >"$work/table"
    entries >"$work/entries"
    while IFS='|' read -r words options arguments; do
        look "man/embargoctl.1: no entry for $words" grep -q "^$words|" "$work/entries"
        for option in $options; do
            name=$(expr "$option" : '--\([a-z-]*\)')
            look "man/embargoctl.1: $words: no --$name" grep -q "^$words|.*Fl -$name\( \|\$\)" "$work/entries"
        done
        n=$(grep "^$words|" "$work/entries" | grep -o 'Fl -[a-z-]*' | wc -l)
        look "man/embargoctl.1: $words: an option that is not there" test "$n" -eq "$(echo "$options" | wc -w)"
    done <"$work/table"
    cut -d '|' -f 1 "$work/entries" >"$work/written"
    while read -r words; do
        look "man/embargoctl.1: there is no command $words" grep -q "^$words|" "$work/table"
    done <"$work/written"
    for file in embargoctl.bash _embargoctl; do
        sed -n "/^_embargoctl_table='/,/^'/p" "contrib/completion/$file" | grep '|' >"$work/$file"
        look "contrib/completion/$file: its table is not that of embargoctl help | awk -f table.awk" \
            cmp "$work/table" "$work/$file"
    done
}

if [ -x "$ctl" ]; then
    commands
else
    echo 'embargoctl is not built: commands were not looked at'
fi

# ---- names of case set, fields of an advisory ----

quoted() { # FILE FROM: the words in quotes from this line up to the end of the statement
    sed -n "/$2/,/;/p" "$1" | grep -o '"[A-Za-z_.]*"' | tr -d '"'
}

for name in $(quoted src/flow/cmd_case_talk.c 'const keys\[\]'); do
    look "man/embargoctl.1: case set: no $name" grep -q "^\.It Ic $name\$" man/embargoctl.1
done
for name in $(quoted src/flow/advisory_doc.c 'const field_names\[\]'); do
    look "man/embargoctl.1: the advisory's file: no $name" grep -q "^\.It Ic .*\<$name\>" man/embargoctl.1
done

# ---- embargod.conf ----

conf=man/embargod.conf.5
settings=src/codec/settings.c
limits=src/codec/settings_limits.c

number() { # an expression of C
    echo $(($(echo "$1" | sed 's/INT_MAX/2147483647/g; s/[^0-9<>*+ ()]//g')))
}

{
    cat $settings src/codec/settings_*.c | grep -o '\.name = "[a-z_]*"' | cut -d '"' -f 2
    sed -n 's/^ *LIMIT_[A-Z]*(\([a-z_]*\), .*/\1/p' $limits
} | sort >"$work/keys"
sed -n 's/^\.It Ic \([a-z_]*\) No (.*/\1/p' $conf | sort >"$work/documented"
look "$conf: its keys are not those of $settings (- the program, + the manual)" cmp "$work/keys" "$work/documented"
diff -U 0 "$work/keys" "$work/documented" | grep '^[-+][a-z]'

grep '^ *LIMIT_[A-Z]*([a-z]' $limits | tr -d ' ' | tr '(,)' '   ' >"$work/limits"
while read -r _ key low high _; do
    usual=$(sed -n "/default_limits = {/,/};/s/^ *\.$key = \(.*\),\$/\1/p" $limits)
    entry=$(grep "^\.It Ic $key No" $conf)
    look "$conf: $key is not said to be from $(number "$low") to $(number "$high")" \
        expr "$entry" : ".*[( ]$(number "$low") to $(number "$high")[;,)]"
    look "$conf: $key is not said to be $(number "$usual") by default" expr "$entry" : ".*default $(number "$usual")[,)]"
done <"$work/limits"

# ---- rules that hold mail ----

held() {
    cat src/codec/prescan*.c src/codec/pgp_open.c src/codec/pgp_scan.c src/codec/pgp_verify.c src/proc/opening*.c \
        src/flow/receive*.c src/flow/applications_run.c | tr '\n' ' ' |
        grep -oE '(diag_set\([^,]*, ERR_(REJECT|LIMIT)|reject\(why), *"[a-z.-]+"' | sed 's/.*"\(.*\)"/\1/'
    sed -n '/^const char \*automatic_rule/,/^}/p' src/codec/automatic.c | grep -oE '= "[a-z-]+"' | cut -d '"' -f 2
}

held | sort -u >"$work/held"
sed -n '/^\.Sh HELD MAIL/,/^\.Sh MAIL OUT/s/^\.It Cm \([a-z.-]*\)$/\1/p' man/embargod.8 | grep -v '^posting\.' | sort >"$work/rules"
look 'man/embargod.8: its rules are not those that hold mail (- the program, + the manual)' cmp "$work/held" "$work/rules"
diff -U 0 "$work/held" "$work/rules" | grep '^[-+][a-z]'

# ---- words and form ----

version=$(sed -n 's/^AC_INIT(\[embargod\], \[\(.*\)\])/\1/p' configure.ac)
look "NEWS does not have version $version" grep -q "^$version\$" NEWS
for page in man/*.[1-8]; do
    look "$page: no NAME" grep -q '^\.Sh NAME' "$page"
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$page" >"$work/lint" 2>&1 || { cat "$work/lint"; fault "$page: mandoc warns"; }
    elif command -v groff >/dev/null; then
        groff -mdoc -ww -z "$page" 2>"$work/lint"
        [ -s "$work/lint" ] && { cat "$work/lint"; fault "$page: groff warns"; }
    fi
done
if grep -nE '/(work|root|home)/|/tmp/' man/* README SECURITY NEWS src/README contrib/completion/*; then
    fault 'a path of one machine'
fi

[ "$(wc -l <"$work/keys")" -gt 40 ] && [ "$(wc -l <"$work/held")" -gt 15 ] || fault 'too little was found in the sources'
echo "$looked things looked at, $faults faults"
[ "$faults" -eq 0 ]
