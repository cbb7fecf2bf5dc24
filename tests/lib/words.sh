# The words of mails as people read them; to be sourced after tests/lib/flow.sh.

# words_are_whole NAME ADDRESS: each mail at ADDRESS, opened with NAME's key, says what it says to the end: no tag of a
# template, no value that is not there, no plural in brackets, no two empty lines, no blank at the end of a line; and
# what is to be typed names its object.
words_are_whole() {
    mkdir -p "$T/w/text-of"
    words_n=0
    for words_file in "$T/i/mail/$2/new"/*; do
        words_n=$((words_n + 1))
        if grep -q 'BEGIN PGP MESSAGE' "$words_file"; then
            open_mail "$1" "$words_file" "$T/w/text-of/open" || { not_ok "$2: $words_file opens"; continue; }
        else
            sed 's/\r$//' "$words_file" >"$T/w/text-of/open"
        fi
        # The text part: what stands before the first attachment.
        awk 'text && /^--/ && !/^---/ && !/^-- / { exit } text { print } /^$/ { text = 1 }' "$T/w/text-of/open" >"$T/w/text-of/text"
        {
            grep -nE '\{\{|\}\}|\(null\)|\(s\)|[[:blank:]]$' "$T/w/text-of/text"
            grep -nE 'embargoctl .* (ID|ORG)( |$)|(publish|advisory|embargo|case) [a-z]+ ID( |,|$)' "$T/w/text-of/text"
            grep -nE 'embargoctl (member|case|advisory|queue|approval) (show|suspend|remove|reinstate|retry|approve|veto)(`|$|[.,])' \
                "$T/w/text-of/text"
            awk '/^$/ && NR > 1 && last == "" { print NR ": two empty lines" } { last = $0 }' "$T/w/text-of/text"
        } >"$T/w/text-of/bad"
        [ -s "$T/w/text-of/bad" ] || continue
        not_ok "$2: $(field Subject "$T/w/text-of/open")"
        sed 's/^/  /' "$T/w/text-of/bad"
    done
    check "$2: $words_n mails read" test "$words_n" -gt 0
}
