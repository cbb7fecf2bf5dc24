#!/bin/sh
# openpgp.js, which web mail programs use, opens a member's copy and a reply, with a good signature of the list.
# It is there where contrib/check, or `npm install` in a copy of tests/lib/openpgpjs, has installed it: $OPENPGPJS names
# that folder.
if ! command -v node >/dev/null 2>&1 || [ ! -d "${OPENPGPJS:-/nonexistent}/node_modules/openpgp" ]; then
    echo 'skipped: openpgp.js is not installed (npm install in a copy of tests/lib/openpgpjs, whose folder OPENPGPJS names)'
    exit 77
fi
export OPENPGPJS
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/readers.sh"

reader_mails
secret reader
secret rita
row reader mail text signature Subject
for what in copy reply; do
    if [ $what = copy ]; then name=reader subject="$public v1 - Ring page"; else name=rita subject='Your report'; fi
    cipher "$T/w/$what"
    check "openpgp.js opens the $what" node "${srcdir:-.}/tests/lib/openpgpjs/open.mjs" "$T/w/cipher.asc" \
        "$T/k/$name.secret" "$T/k/list.asc" "$now"
    has 'its text' "$reader_word" "$T/w/out"
    has 'its Subject' "$subject" "$T/w/out"
    has 'a good signature of the list' "good $list_fpr" "$T/w/err"
    row openpgp.js $what "$(yes_no grep -q "$reader_word: " "$T/w/out")" \
        "$(yes_no grep -q "good $list_fpr" "$T/w/err")" "$(yes_no grep -q "^Subject: .*$subject" "$T/w/out")"
done
finish
