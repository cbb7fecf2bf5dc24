#!/bin/sh
# Every rule that the program can name stands in embargod(8): rules of the daemon's own troubles each by itself, with a
# remedy; those by which a command, a file or a setting is refused at least with their family (`case.*'), since the
# answer says what to do. And no rule stands there that the program does not have.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$top" || exit 99
page=man/embargod.8
faults=0
fault() {
    echo "$1"
    faults=$((faults + 1))
}

# Families in which a rule may be a trouble of the daemon's own: nobody is asked then, and the log is all there is.
troubles='activation backup box core courier disk dsn fetch file frame lookup maildir mime outgoing parent pgp role sandbox
site smtp spool store template users worker'

# ---- what the program has ----
cat src/*/*.c | tr '\n' ' ' |
    grep -oE '(diag_set|diag_errno|fsx_fail|conf_fault_add|refuse|reject|fail|set|send_failure|log_event)\([^"]*("[a-z-]+", *)?"[a-z][a-z0-9-]*\.[a-z0-9-]+"' |
    sed 's/.*"\(.*\)"/\1/' >"$work/found"
grep -ohE '"smtp\.[a-z-]+: ' src/io/*.c | tr -d '": ' >>"$work/found" # codes of copies in the queue
sort -u "$work/found" >"$work/rules"
{ cat src/*/*.c | grep -oE '"[a-z][a-z0-9-]*(\.[a-z0-9-]+)?"' | tr -d '"'; cat "$work/rules"; } | sort -u >"$work/words"

# ---- what the manual has ----
sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh SEE ALSO/p' $page >"$work/section"
sed -n 's/^\.It Cm //p' "$work/section" | tr -d ' ' | tr ',' '\n' | sort >"$work/told"
grep -v '\*$' "$work/told" >"$work/single"
grep '\*$' "$work/told" | sed 's/\.\*$//' >"$work/families"
sed -n '/^\.Sh HELD MAIL/,/^\.Sh MAIL OUT/s/^\.It Cm \([a-z.-]*\)$/\1/p' $page >>"$work/held"

while read -r rule; do
    family=${rule%%.*}
    [ "$rule" = site.url ] && continue # a key of embargod.conf, that settings are read by
    grep -qxF -e "$rule" "$work/single" "$work/held" && continue
    case " $(echo $troubles) " in
    *" $family "*)
        [ "$family" = backup ] && grep -qx backup "$work/families" && grep -rqE "\"$rule\"" src/main src/codec src/flow && continue
        fault "$page, DIAGNOSTICS: no $rule, and what to do about it"
        ;;
    *) grep -qx "$family" "$work/families" || fault "$page, DIAGNOSTICS: neither $rule nor $family.*" ;;
    esac
done <"$work/rules"

uniq -d "$work/told" | while read -r rule; do echo "$page, DIAGNOSTICS: $rule stands there twice"; done >"$work/twice"
[ -s "$work/twice" ] && fault "$(cat "$work/twice")"
while read -r rule; do
    grep -qxF -e "$rule" "$work/words" || fault "$page, DIAGNOSTICS: the program has no rule $rule"
done <"$work/single"
while read -r family; do
    grep -q "^$family\." "$work/words" || fault "$page, DIAGNOSTICS: the program has no rule $family.*"
done <"$work/families"

# ---- each says something ----
awk '/^\.It Cm / { if (entry != "" && words < 4) print entry; entry = $0; words = 0; next }
     /^\.El/ { if (entry != "" && words < 4) print entry; entry = ""; next }
     { words += NF }' "$work/section" >"$work/bare"
[ -s "$work/bare" ] && fault "$page, DIAGNOSTICS: nothing is said about: $(cat "$work/bare")"

n=$(wc -l <"$work/rules")
[ "$n" -gt 250 ] && [ "$(wc -l <"$work/single")" -gt 90 ] || fault "too little was found: $n rules in the sources"
echo "$n rules, $(wc -l <"$work/single") told of one by one, $faults faults"
[ "$faults" -eq 0 ]
