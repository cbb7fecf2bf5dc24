# The table of both completions, from `embargoctl help`: a line "WORDS|OPTIONS|ARGUMENTS" for each command. An option
# is --NAME=KIND, or --NAME! where it takes no value; a KIND is F (file), D (folder), P (policy), C (case),
# S (NAME=VALUE of case set), T (team or reporter) or W (word).
#
#     embargoctl help | awk -f table.awk
#
# tests/house/manuals.sh holds the tables of embargoctl.bash and _embargoctl against it.

function kind(verb, name) {
    if (name == "FILE" || name == "OUT" || name == "SVG" || name == "KEYS")
        return "F"
    if (name == "HOME" || (verb == "init" && name == "FROM"))
        return "D"
    if (name == "POLICY" || name == "A" || name == "B" || verb == "policy show")
        return "P"
    if (name == "CASE" || name == "OF" || (name == "ID" && verb ~ /^(advisory|case|embargo) /))
        return "C"
    if (name == "ASSIGNMENTS")
        return "S"
    if (verb == "case reply" && name == "TO")
        return "T"
    return "W"
}

/^  [a-z]/ {
    verb = $1
    i = 2
    if (i <= NF && $i ~ /^[a-z]/)
        verb = verb " " $(i++)
    options = ""
    arguments = ""
    for (; i <= NF; i++) {
        word = $i
        flag = word ~ /^\[--.*\]/
        gsub(/[][.]/, "", word)
        if (word !~ /^--/) {
            arguments = arguments (arguments ? " " : "") kind(verb, word)
            continue
        }
        options = options (options ? " " : "") word
        if (flag) {
            options = options "!"
        } else {
            value = $(++i)
            gsub(/[][.]/, "", value)
            options = options "=" kind(verb, value)
        }
    }
    print verb "|" options "|" arguments
}
