#!/bin/sh
# An admin who is taken out of embargod.conf: nonces, proposals and the key end, all who remain are told, and it stands
# in the audit trail. One who comes is told of too. And, with EMBARGO_CORPUS, bad keys by key import.
. "${srcdir:-.}/tests/lib/flow.sh"

init
start
make_key cid cid@example.org
check 'status' ctl status
stop
# bob goes, cid comes
sed -i "s/bob@example.org/cid@example.org/; s/$(fpr bob)/$(fpr cid)/" "$conf"
start
settle
same 'it is audited' 'admin.removed bob@example.org
admin.added cid@example.org' "$(get '.data[] | select(.event | startswith("admin.")) | "\(.event) \(.object)"' audit show)"
open_mail ann "$(newest ann@example.org)" "$T/w/told"
has 'who remains is told' 'No longer:  bob@example.org' "$T/w/told"
same "his key is forgotten" 3 "$(ctl key show "$(fpr bob)" >/dev/null; echo $?)"
check 'the new one gets a key' ctl key import "$T/k/cid.asc"
stop
start
settle
same 'said once' 2 "$(get '[.data[] | select(.event | startswith("admin."))] | length' audit show)"

# ---- keys of others, none of which may get in, or take the daemon down ----
if [ -n "${EMBARGO_CORPUS:-}" ] && [ -d "$EMBARGO_CORPUS/openpgp-keys-bad" ]; then
    before=$(get '.data | length' key list) n=0 odd=0
    find "$EMBARGO_CORPUS/openpgp-keys-bad" "$EMBARGO_CORPUS/key" -type f -size -9000k | sort >"$T/w/files"
    while read -r file; do
        ctl key import "$file" >"$T/w/import" 2>/dev/null
        code=$?
        rule=$(jq -r '.rule // ""' "$T/w/import" 2>/dev/null)
        n=$((n + 1))
        case $code:$rule in
        1:key.* | 1:truncated | 1:corrupt | 1:too-large | 1:bad-armor | 1:armor* | 1:not-*) ;;
        *) odd=$((odd + 1)); echo "# $code $rule ${file#"$EMBARGO_CORPUS"/}" ;;
        esac
    done <"$T/w/files"
    same "each of $n keys is refused with a rule" 0 "$odd"
    same 'none got in' "$before" "$(get '.data | length' key list)"
    lacks 'no role ended' 'event=role-ended' "$T/log"
else
    echo '# keys of others were not tried: EMBARGO_CORPUS is not set'
fi
finish
