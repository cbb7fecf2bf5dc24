#!/bin/sh
# Every key of the corpus (EMBARGO_CORPUS) as a member's: each is refused with its rule or comes in, none brings anything
# down, and what is forged, expired, without encryption or secret never serves an advisory.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"

[ -d "${EMBARGO_CORPUS:-}/openpgp-keys-bad" ] || { echo 'skipped: EMBARGO_CORPUS is not set'; exit 77; }
init
start
n=0
echo org,class,tier,address,key >"$T/w/table.csv"
: >"$T/w/names"
# The bad ones first, so that the good ones of the same name do not stand in their way.
for file in $(for kind in openpgp-keys-bad key; do find "$EMBARGO_CORPUS/$kind" -type f | sort; done); do
    n=$((n + 1))
    cp "$file" "$T/w/key$n"
    printf 'org%d,distro,distros,security@org%d.example,key%d\n' $n $n $n >>"$T/w/table.csv"
    printf 'org%d %s\n' $n "${file#"$EMBARGO_CORPUS"/}" >>"$T/w/names"
done
ctl member import "$T/w/table.csv" --dry-run >"$T/w/dry"
ctl member import "$T/w/table.csv" >"$T/w/done"
same 'each has a verdict' $n "$(jq '.data.rows | length' "$T/w/done")"
verdicts() { jq -r '.data.rows[] | "\(.org) \(.verdict) \(.rule // "-")"' "$1"; }
same 'which the dry run gave too' "$(verdicts "$T/w/dry")" "$(verdicts "$T/w/done")"
same 'a refusal has a rule' 0 "$(jq '[.data.rows[] | select(.verdict == "refuse" and .rule == null)] | length' "$T/w/done")"
verdicts "$T/w/done" | sort >"$T/w/verdicts"
states() {
    ctl member list | jq -r '.data[] | "\(.org) \(.contacts[0].key_state)"' | sort >"$T/w/states"
    sort "$T/w/names" | join -a 1 - "$T/w/verdicts" | join -a 1 - "$T/w/states" >"$T/w/all"
}
states
bad() { # WORDS PATTERN: none of these is in and usable
    same "$1: not usable" '' "$(grep -E "$2" "$T/w/all" | grep -E ' (usable|expiring)$')"
    [ "$(grep -cE "$2" "$T/w/all")" -gt 0 ] || not_ok "$1: none in the corpus"
}
bad forged '/rnp/.*forged-(key|material|subkey)'
bad expired '/rnp/.*expired-(key|subkey)\.'
bad 'from the future' 'future-key'
bad 'without a binding' 'no-binding'
bad 'signed with MD5' 'md5-pub'
bad malformed 'malf'
bad 'no key at all' '\.(crt|csr|p12|key|json|kbx) |CMakeLists|message\.txt'
bad secret '(-sec|[._]sec|-secret|secring)(\.(asc|pgp|gpg))? '
same 'what says that it is secret is refused as such' '' \
    "$(grep -E '(autocrypt|deltachat)[^ ]*(secret|\.sec\.)' "$T/w/all" | grep -v 'refuse key\.\(secret\|several\)')"
[ "$(grep -cE ' (usable|expiring)$' "$T/w/all")" -gt 20 ] && ok 'those that are good come in' || not_ok 'those that are good come in'
[ -n "${VERBOSE:-}" ] && sed 's/^/# /' "$T/w/all"

# ---- as news, and by each alone ----
: >"$T/w/codes"
for file in "$EMBARGO_CORPUS"/openpgp-keys-bad/rnp/*; do
    ctl key import "$file" >"$T/w/one" 2>&1
    echo "$? $(jq -r .rule "$T/w/one")" >>"$T/w/codes"
done
same 'by key import each is refused with a rule or taken' '' "$(grep -vE '^(0 null|[13] [a-z]+[.-][a-z0-9.-]+)$' "$T/w/codes")"
later '1 hour'
settle
same 'the daemon goes on' true "$(get .ok status)"
refused 'no worker has died' grep -q 'event=worker-\(died\|killed\)' "$T/log"
echo "# $(cut -d' ' -f2- "$T/w/verdicts" | sort | uniq -c | sort -rn | tr -s ' \n' ' ;')"

# ---- whom an advisory would reach ----
disclose 'Ring page'
states # some are news of those that are in
ctl advisory send "$id" --dry-run >"$T/w/send"
same 'nobody with a bad key is to be sent to' '' "$(jq -r '.data.recipients[] | select(.verdict == "send") | .org' "$T/w/send" |
    while read -r org; do grep "^$org " "$T/w/all"; done | grep -v ' \(usable\|expiring\)$')"
same 'each that could be served is' "$(grep -cE ' (usable|expiring)$' "$T/w/all")" \
    "$(jq '[.data.recipients[] | select(.verdict == "send")] | length' "$T/w/send")"
stop
same 'the daemon ends with 0' 0 "$ended"
finish
