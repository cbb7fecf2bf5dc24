# Shell functions for tests in which each mail is a report; after tests/lib/flow.sh.

# report WORDS FILE [SENDER]: it makes one case more; that case in $id, `case show` in $T/w/case.
: >"$T/w/ids.old"
report() {
    report_before=$(cases)
    inject "${3-rita@reporter.example}" "$2"
    same "$1: a case" $((report_before + 1)) "$(cases)"
    ctl case list | jq -r '.data[].id' | sort >"$T/w/ids"
    id=$(comm -13 "$T/w/ids.old" "$T/w/ids")
    cp "$T/w/ids" "$T/w/ids.old"
    ctl case show "$id" >"$T/w/case"
}

# shows WORDS FILTER WANTED: of the first message of $T/w/case.
shows() { same "$1" "$3" "$(jq -r ".data.messages[0]$2" "$T/w/case")"; }
