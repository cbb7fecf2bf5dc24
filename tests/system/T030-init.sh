#!/bin/sh
# embargoctl without a daemon: init makes all or nothing, check and the offline commands look at what it made, help and
# usage errors do nothing.
set -u
bin=$(CDPATH='' cd -- "${EMBARGO_BUILD:-${builddir:-.}}" && pwd) || exit 99
base=$(mktemp -d /tmp/emb.XXXXXX) || exit 99
dir=$base/i parties=$base/p
fails=0
unset EMBARGOD_CONF

# agents_stop FOLDER: the agents of all GnuPG homes below it.
agents_stop() {
    find "$1" -name gpg.conf -exec dirname {} \; 2>/dev/null | while IFS= read -r home; do
        gpgconf --homedir "$home" --kill all >/dev/null 2>&1
    done
}

cleanup() {
    agents_stop "$base"
    rm -rf "$base"
}
trap cleanup EXIT

# party_make NAME ADDRESS: a GnuPG home, and a key that needs no passphrase.
party_make() {
    mkdir -p -m 700 "$parties/$1" || return 1
    printf 'no-random-seed-file\nauto-key-locate local\ndisable-dirmngr\n' >"$parties/$1/gpg.conf"
    gpg --homedir "$parties/$1" --batch -q --pinentry-mode loopback --passphrase '' \
        --quick-generate-key "$1 <$2>" future-default default never 2>/dev/null &&
        gpg --homedir "$parties/$1" --batch -q --armor --export >"$parties/$1.asc"
}

party_fpr() {
    gpg --homedir "$parties/$1" --with-colons --list-secret-keys 2>/dev/null | awk -F: '/^fpr/ { print $10; exit }'
}

passed() {
    echo "ok - $1"
}

failed() {
    echo "not ok - $1"
    fails=$((fails + 1))
}

# expect CODE NAME WORDS...: embargoctl's exit code; what it says is in out and err.
expect() {
    want=$1 name=$2
    shift 2
    "$bin/embargoctl" "$@" >"$base/out" 2>"$base/err" </dev/null
    got=$?
    if [ "$got" -eq "$want" ]; then
        passed "$name"
    else
        failed "$name: exit $got instead of $want"
        sed 's/^/  /' "$base/out" "$base/err"
    fi
}

# says FILE NAME PATTERN: a line of out or err matches.
says() {
    if grep -q -e "$3" "$base/$1"; then
        passed "$2"
    else
        failed "$2: no $3"
        sed 's/^/  /' "$base/$1"
    fi
}

holds() {
    name=$1
    shift
    if "$@"; then passed "$name"; else failed "$name"; fi
}

absent() {
    [ ! -e "$1" ]
}

empty() {
    [ -z "$(ls -A "$1")" ]
}

no_agent() {
    ! ps -eo args | grep -F "gpg-agent --homedir $dir/" | grep -vq grep
}

mkdir -m 700 "$parties"
[ -x "$bin/embargoctl" ] || { echo "no embargoctl in $bin"; exit 99; }
party_make ann ann@example.org && party_make bob bob@example.org || exit 99
gpg --homedir "$parties/ann" --batch -q --armor --export-secret-keys >"$base/ann.secret"
ann=ann@example.org:$parties/ann.asc
bob=bob@example.org:$parties/bob.asc

# ---- words ----
expect 2 'no command'
expect 2 'an unknown command' nonsense
says err 'names its rule' 'command.unknown'
expect 2 'an unknown command as JSON' --json case nonsense
says out 'is one object' '^{"ok": false, "rule": "command.unknown", "message": ".*", "data": null}$'
expect 2 'an option that is not there' case list --nonsense
expect 2 'a bad option before the command' --nonsense case list
expect 2 'no configuration is named' case list
says err 'and says how' 'EMBARGOD_CONF'
expect 2 'a configuration that is not there' -c "$base/none.conf" case list
expect 0 'help' help
says out 'lists commands' 'embargo extend ID --until UNTIL \[--reason REASON\]'
expect 0 'help of one command' help case reply
expect 0 'help behind a command' case reply --help
says out 'shows how it is written' 'case reply ID FILE'
expect 2 'help of what is not there' help nonsense

# ---- init refuses, and leaves nothing ----
set -- init --home "$dir" --list main --address security@example.org
expect 2 'a list name that is no folder' init --home "$dir" --list Main --address security@example.org
expect 2 'no list name' init --home "$dir" --address security@example.org
expect 2 'an address that is none' init --home "$dir" --list main --address 'security at example.org'
expect 2 'an address with a suffix' init --home "$dir" --list main --address security+x@example.org
expect 2 'an admin without a file' "$@" --admin ann@example.org
expect 2 'an admin whose file is not there' "$@" --admin "ann@example.org:$base/none"
expect 2 'an admin twice' "$@" --admin "$ann" --admin "$ann"
expect 2 '--key without --from' "$@" --key 0123456789012345678901234567890123456789
expect 2 'a short fingerprint' "$@" --key 01234567 --from "$parties/ann"
expect 2 '--key and --generate-key' "$@" --key 0123456789012345678901234567890123456789 --from "$parties/ann" --generate-key
expect 3 'a policy that is not there' "$@" --policy nonsense
expect 2 'a uid that is none' "$@" --uid root
expect 2 'a folder without its parent' init --home "$dir/a/b" --list main --address security@example.org
holds 'nothing was made' absent "$dir"

long=$base/0123456789012345678901234567890123456789012345678901234567890123456789
expect 2 'a path that is too long for GnuPG' init --home "$long" --list main --address security@example.org
says err 'names its rule' 'init.path-too-long'
holds 'nothing was made' absent "$long"

expect 1 'a secret key for an admin' "$@" --admin "ann@example.org:$base/ann.secret"
says err 'names its rule' 'key.secret'
holds 'nothing stays' absent "$dir"
expect 1 'two admins with one key' "$@" --admin "$ann" --admin "bob@example.org:$parties/ann.asc"
holds 'nothing stays' absent "$dir"
echo nonsense >"$base/garbage"
expect 1 'garbage for a key' "$@" --admin "ann@example.org:$base/garbage"
holds 'nothing stays' absent "$dir"
expect 3 'a list key that is not in that home' "$@" --key "$(party_fpr ann)" --from "$parties/bob"
holds 'nothing stays' absent "$dir"
mkdir "$dir"
expect 1 'a failure in a folder that was there' "$@" --admin "ann@example.org:$base/garbage"
holds 'leaves it, empty' empty "$dir"
touch "$dir/file"
expect 1 'a folder with other files' "$@"
says err 'names its rule' 'init.not-empty'
holds 'keeps them' test -e "$dir/file"
rm -rf "$dir"

# A signal in the middle; whatever the moment, either all is there or nothing.
for pause in 0 0.05 0.1 0.2 0.3; do
    "$bin/embargoctl" "$@" --admin "$ann" >"$base/out" 2>&1 &
    child=$!
    sleep "$pause"
    kill -TERM "$child" 2>/dev/null
    wait "$child"
    if [ -e "$dir" ]; then
        holds "after a signal at $pause s it is whole" "$bin/embargoctl" -c "$dir/embargod.conf" audit verify >/dev/null
        agents_stop "$dir"
        rm -rf "$dir"
    else
        passed "after a signal at $pause s nothing is there"
    fi
done

# ---- init ----
expect 0 'init' --json "$@" --admin "$ann" --admin "$bob" --policy distro-model
says out 'is one object' '^{"ok": true, "rule": null, "message": null, "data": {"home": ".*", "list": "main",'
says out 'with the edition of its policy' '"policy": "distro-model@2026"'
says out 'with its admins' '"address": "bob@example.org", "fingerprint": "[0-9A-F]\{40\}", "key_state": "usable"'
holds 'its modes' test "$(stat -c '%a' "$dir" "$dir/embargod.conf" "$dir/state" "$dir/gnupg/main/list" | tr '\n' ' ')" = \
    '700 600 700 700 '
for folder in policy/holidays state/spool state/bodies public run mail gnupg/main/list gnupg/main/storage \
    gnupg/main/quarantine gnupg/main/member-000; do
    holds "$folder" test -d "$dir/$folder"
done
holds 'the presets' test "$(ls "$dir/policy" | grep -c '@.*\.conf$')" -ge 24
holds 'their defaults' test -s "$dir/policy/defaults.conf"
holds 'no agent stays' no_agent
secret=$(gpg --homedir "$dir/gnupg/main/member-000" --with-colons --list-secret-keys 2>/dev/null | grep -c '^sec')
holds 'no secret key where it encrypts' test "$secret" -eq 0
public=$(gpg --homedir "$dir/gnupg/main/member-000" --with-colons --list-keys 2>/dev/null | grep -c '^pub')
holds 'both admins where it encrypts' test "$public" -eq 2
agents_stop "$dir"

expect 1 'the same list again' "$@"
says err 'names its rule' 'init.exists'
expect 1 'its address for another list' init --home "$dir" --list other --address security@example.org
expect 2 'and its admin again' init --home "$dir" --list other --address other@example.org --admin "$ann"
expect 1 'or his key' init --home "$dir" --list other --address other@example.org --admin "eve@example.org:$parties/ann.asc"
holds 'nothing stays' absent "$dir/gnupg/other"

# ---- what it made ----
export EMBARGOD_CONF="$dir/embargod.conf"
expect 0 'check' check
says out 'the key signs' '^ok .*key of main: [0-9A-F]* signs'
says out 'the data key opens' '^ok .*storage key'
expect 0 'check as JSON' --json check
says out 'has the rows of the contract' '{"name": "audit trail", "status": "ok", "detail": "1 entries, .*", "remedy": null}'
expect 0 'audit verify' --json audit verify
says out 'one entry' '"data": {"entries": 1, "head": "[0-9a-f]\{64\}", "bad_seq": null}'
head=$(sed 's/.*"head": "\([0-9a-f]*\)".*/\1/' "$base/out")
expect 0 'with its anchor' audit verify --anchor "1:$head"
expect 1 'with another one' audit verify --anchor "1:$(echo "$head" | tr '0-9a-f' '1-9a-f0')"
expect 1 'with a later one' --json audit verify --anchor "2:$head"
says out 'names the entry' '"bad_seq": 2'
expect 2 'an anchor that is none' audit verify --anchor "$head"
expect 75 'no daemon' case list
expect 75 'no daemon, as JSON' --json status
says out 'says so' '"rule": "daemon.absent"'

# ---- a further list ----
expect 0 'a further list' init --home "$dir" --list other --address other@example.org
says out 'prints its lines' 'name = "other"'
awk '/^lists = \(/ { inside = 1 } inside && /^\);/ { print ", { name = \"other\"; address = \"other@example.org\"; policy = \"xen\"; key = \"" key "\"; }"; inside = 0 } { print }' \
    key="$(sed -n 's/^Fingerprint of its key: //p' "$base/out")" "$dir/embargod.conf" >"$base/conf" && cp "$base/conf" "$dir/embargod.conf"
expect 0 'both pass the check' check
says out 'the further one signs' '^ok .*key of other: [0-9A-F]* signs'
says out 'its admins are known' '^ok .*admin ann@example.org of other: key usable'
says out 'the trail goes on' '^ok .*audit trail: 2 entries'
gnupg=$dir/gnupg
mv "$gnupg/main/storage" "$gnupg/main/away" && cp -rp "$gnupg/other/storage" "$gnupg/main/storage"
expect 0 'the storage key of either opens the data key' check
agents_stop "$gnupg/main"
rm -rf "$gnupg/main/storage" && mv "$gnupg/main/away" "$gnupg/main/storage"

# ---- what is wrong is seen ----
chmod 755 "$dir/state"
expect 1 'a folder that is open' check
says out 'is named' '^fail .*folders: .*state is open to others'
chmod 700 "$dir/state"
mv "$gnupg/other/list" "$gnupg/other/away"
expect 1 'a list without its key' check
says out 'is named' '^fail .*key of other'
mv "$gnupg/other/away" "$gnupg/other/list"
cp "$dir/state/db.sqlite" "$base/db" && rm -f "$dir/state/db.sqlite"*
expect 1 'no database' --json check
says out 'has a rule' '"rule": "check.failed"'
cp "$base/db" "$dir/state/db.sqlite" && chmod 600 "$dir/state/db.sqlite"
echo 'nonsense = 1;' >>"$dir/embargod.conf"
expect 1 'a fault in the configuration' check
says out 'with its line' '^fail .*configuration: .*embargod.conf:[0-9]*: unknown key'
expect 1 'and any other command refuses it' --json case list
says out 'with file and line' '"message": ".*embargod.conf:[0-9][0-9]*)"'
unset EMBARGOD_CONF

# ---- policies, with no instance ----
expect 0 'policy list' --json policy list
says out 'names presets' '"name": "linux-distros@2026"'
expect 0 'policy show' policy show xen
expect 3 'a policy that is not there' policy show xne
says err 'names the nearest' 'xen'
expect 0 'policy check' policy check "$dir/policy/xen@2026.conf"
printf 'policy = { id = "x"; edition = "1"; };\ntiesr = ();\n' >"$base/bad.conf"
expect 1 'a policy with faults' --json policy check "$base/bad.conf"
says out 'with file and line' '"message": ".*(bad.conf:[0-9][0-9]*)"'
says out 'and the nearest key' 'tiers'
expect 0 'policy explain' --json policy explain --policy linux-distros
says out 'in the shape of the contract' '"tiers": \[{"tier": "'
expect 0 'a stranger' --json policy explain --policy xen --sender eve@example.net
says out 'may report' '"verdict": "allow"'
expect 2 'a member needs an instance' policy explain --policy xen --member Example
expect 0 'policy compare' --json policy compare xen linux-distros
says out 'names differences' '"differences": \[{"key"'
printf 'id,reported,told,public,severity\nA-1,2026-01-01,2026-01-05,2026-01-10,high\nA-2,2026-02-10,2026-02-05,2026-02-12,low\n' \
    >"$base/history.csv"
expect 0 'over a history' --json policy compare xen linux-distros --history "$base/history.csv" --rollout 3
says out 'an impossible row is left out by name' '"left_out": \[{"line": 3'

# The key's place for web lookup, as gpg computes it.
dir=$base/w
expect 0 'a list for the key lookup' init --home "$dir" --list main --address Joe.Doe@example.org
says out 'its name in the web' 'openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q'

echo "$fails failed"
[ "$fails" -eq 0 ]
