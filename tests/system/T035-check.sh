#!/bin/sh
# embargoctl check on instances that are broken, one fault each: what it says, and the remedy. Faults of embargod.conf
# at the daemon's start: every one, with file, line and the nearest right word.
. "${srcdir:-.}/tests/lib/flow.sh"

init
find "$T/i" -name 'S.*' -exec rm -f {} +

# fresh: an unbroken copy of the instance in $B.
B=$T/b
fresh() {
    rm -rf "$B"
    cp -a "$T/i" "$B"
}

# finds WORDS STATUS CHECK DETAIL REMEDY: check has a row like that (regular expressions), and exits as it must.
finds() {
    "$bin/embargoctl" -c "$B/embargod.conf" --json check >"$T/w/check"
    code=$?
    [ "$2" = fail ] && want=1 || want=0
    if [ "$code" -eq "$want" ] && jq -e --arg s "$2" --arg n "$3" --arg d "$4" --arg r "$5" \
        '[.data[] | select(.status == $s and .name == $n and (.detail | test($d)) and ((.remedy // "") | test($r)))] |
         length > 0' "$T/w/check" >/dev/null; then
        ok "$1"
    else
        not_ok "$1 (exit $code)"
        jq -c '.data[] | select(.status != "ok")' "$T/w/check"
    fi
    # Every row that is not ok names its remedy.
    jq -e '[.data[] | select(.status != "ok" and (.remedy // "") == "")] | length == 0' "$T/w/check" >/dev/null ||
        not_ok "$1: a row without a remedy"
}

fresh
finds 'no daemon' warn daemon 'does not run' "embargod -c $B/embargod.conf"

fresh
rm -rf "$B/gnupg/main/list"
finds 'no home of the list' fail 'key of main' . "$B/gnupg/main/list"
fresh
rm -f "$B"/gnupg/main/list/private-keys-v1.d/*
finds 'no secret key of the list' fail 'key of main' 'secret key' "$list_fpr"
fresh
rm -f "$B"/gnupg/main/storage/private-keys-v1.d/*
finds 'no storage key' fail 'storage key' 'does not open' "$B/gnupg/main/storage"

fresh
chmod 755 "$B/state"
finds 'a folder that is open to others' fail folders "$B/state is open.*0755" "chmod 0700 $B/state"
fresh
chmod 666 "$B/embargod.conf"
finds 'a configuration that others can write' fail configuration 'written by others' 'chmod 0600'
fresh
rm -rf "$B/state/bodies"
finds 'a folder that is not there' fail folders "$B/state/bodies" 'install -d'

fresh
dd if=/dev/zero of="$B/state/db.sqlite" bs=4096 seek=2 count=4 conv=notrunc 2>/dev/null
finds 'a damaged database' fail database . 'restore the last backup'
fresh
rm -f "$B"/state/db.sqlite*
finds 'no database' fail database 'no database' 'restore the last backup'
fresh
sqlite3 "$B/state/db.sqlite" "UPDATE audit SET actor = 'nobody' WHERE id = 1"
finds 'a changed audit trail' fail 'audit trail' 'entry 1' .

fresh
sed -i 's/policy = ".*"/policy = "cloud-modle"/' "$B/embargod.conf"
finds 'no such policy' fail 'policy of main' 'did you mean' 'policy list'
fresh
echo 'rubbish = 1;' >>"$B/policy/cloud-model@2026.conf"
finds 'a policy with a fault' fail 'policy of main' 'cloud-model@2026.conf:[0-9]+: unknown key' 'policy check'

fresh
sed -i "s/$(fpr bob)/0000000000000000000000000000000000000000/" "$B/embargod.conf"
finds 'an admin without a key' fail 'admin bob@example.org of main' 'not known' 'key import'
# The clock of a check without a daemon is the machine's, so that the machine's is moved.
if command -v faketime >/dev/null 2>&1; then
    gpg --homedir "$T/k/bob" --batch --faked-system-time "$epoch!" -q --quick-set-expire "$(fpr bob)" 5d 2>/dev/null
    gpg --homedir "$T/k/bob" --batch --armor --export "$(fpr bob)" 2>/dev/null >"$T/w/bob.asc"
    rm -rf "$B"
    "$bin/embargoctl" init --home "$B" --list main --address "$list" --admin "bob@example.org:$T/w/bob.asc" >/dev/null
    mkdir "$T/fake"
    printf '#!/bin/sh\nexec faketime -f +30d %s/embargoctl "$@"\n' "$bin" >"$T/fake/embargoctl"
    chmod +x "$T/fake/embargoctl"
    real=$bin bin=$T/fake
    finds 'an expired key of an admin' fail 'admin bob@example.org of main' expired 'newer certificate'
    bin=$real
fi

fresh
mkdir -p "$B/state/spool/bad"
: >"$B/state/spool/bad/x"
finds 'a damaged file of the spool' warn spool '1 damaged' bad
if [ "$(id -u)" -ne 0 ]; then
    fresh
    chmod 500 "$B/state/spool"
    finds 'a spool that cannot be written' fail spool 'cannot be written' 0700
fi

# ---- faults of embargod.conf ----

# fault WORDS SCRIPT PATTERN...: the file changed by sed's SCRIPT; the daemon ends with 78, and says all of it.
fault() {
    fault_words=$1
    fresh
    sed -i "$2" "$B/embargod.conf"
    shift 2
    timeout 10 "$bin/embargod" -c "$B/embargod.conf" 2>"$T/w/err"
    same "$fault_words: the daemon does not start" 78 $?
    for pattern; do
        if grep -qE "^embargod: $B/embargod.conf:[0-9]+: .*$pattern" "$T/w/err"; then
            ok "$fault_words: $pattern"
        else
            not_ok "$fault_words: no $pattern"
            cat "$T/w/err"
        fi
    done
    finds "$fault_words: check" fail configuration "embargod.conf:[0-9]+: .*$1" 'embargod.conf\(5\)'
}

fault 'an unknown key' 's/^courier = /couriers = /' 'did you mean `courier`'
fault 'two misspelt keys' 's/^    policy = /    polcy = /;s/^sandbox = /sandbxo = /' 'did you mean `policy`' \
    'did you mean `sandbox`'
fault 'an unknown word' 's/"best-effort"/"besteffort"/' 'did you mean "best-effort"'
fault 'a number out of range' '$alimits = { workers = 99; };' 'from 1 to 64'
fault 'no loopback address' 's/^lmtp = .*/lmtp = { tcp = "192.0.2.1:25"; };/' 'must be a loopback address'
fault 'no port' 's/^lmtp = .*/lmtp = { tcp = "127.0.0.1"; };/' 'must be a loopback address'
fault 'no full fingerprint' 's/fingerprint = ".*"/fingerprint = "ABCD"/' 'full fingerprint'

finish
