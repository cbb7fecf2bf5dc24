#!/bin/sh
# key rotate-list with trouble: killed before each call that changes something, it leaves the old key or the new one, and
# goes on when it is said again (KILLS=all: each of them, else some); an embargod.conf that cannot be changed; a key with a passphrase; as root.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/locked.sh"
wire=$T/wire
cc="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1"
$cc -shared -fPIC -o "$T/trip.so" "${srcdir:-.}/tests/crash/trip.c" -ldl 2>/dev/null &&
    $cc -DTRIP_TOOL -o "$T/trip" "${srcdir:-.}/tests/crash/trip.c" 2>/dev/null || { echo 'skipped: the trip wire does not compile here'; exit 77; }

init
start
stop
home=$T/i/gnupg/main/list
secrets() { gpg --homedir "$home" --batch --with-colons -K 2>/dev/null | awk -F: '$1 == "sec" { n++ } END { print n + 0 }'; }
in_db() { sqlite3 "$T/i/state/db.sqlite" "SELECT fingerprint FROM list WHERE name = 'main'"; }
in_conf() { sed -n 's/^ *key = "\([0-9A-F]*\)".*/\1/p' "$conf"; }
halt() { gpgconf --homedir "$home" --kill all 2>/dev/null; }
save() { # FOLDER: the instance as it is
    halt
    rm -rf "$1"
    cp -a "$T/i" "$1"
}
bring_back() {
    halt
    rm -rf "$T/i"
    cp -a "$T/saved" "$T/i"
}

# ---- an embargod.conf that is not changed ----
cp "$conf" "$T/w/conf"
sed -i 's|key = "\([0-9A-F]\{20\}\)|key = "\1" "|' "$conf"
denied rotate.conf 'a key in two strings' key rotate-list
same 'makes no key' 1 "$(secrets)"
cp "$T/w/conf" "$conf"
save "$T/saved"

# ---- killed ----
old=$(in_conf)
trip_rotate() { # POINT: what was armed; the command's code in $tripped
    "$T/trip" "$wire" arm "$@"
    EMBARGO_TRIP=$wire LD_PRELOAD=$T/trip.so "$bin/embargoctl" -c "$conf" --json key rotate-list >"$T/w/tripped" 2>&1
    tripped=$?
}
killed() {
    trip_rotate
    n=$("$T/trip" "$wire" counts | sed -n 's/^other change //p')
    same 'undisturbed it rotates' 0 "$tripped"
    [ "${n:-0}" -gt 5 ] && ok "by $n calls that change something" || not_ok "by $n calls that change something"
    i=1 wrong=0 done_old=0 done_new=0
    while [ "$i" -le "$n" ]; do
        bring_back
        trip_rotate other change $i kill
        halt
        case $(in_conf) in
        "$old")
            done_old=$((done_old + 1))
            [ "$(in_db)" = "$old" ] || { wrong=$((wrong + 1)); echo "# $i: the database is ahead"; }
            ctl key rotate-list >"$T/w/again" 2>&1 || { wrong=$((wrong + 1)); echo "# $i: not again: $(cat "$T/w/again")"; }
            ;;
        '') wrong=$((wrong + 1)); echo "# $i: no embargod.conf" ;;
        *) done_new=$((done_new + 1)) ;;
        esac
        ctl check >"$T/w/check"
        [ "$(jq -r '.data[] | select(.name == "rotation of main") | .remedy' "$T/w/check" | head -n 1)" = 'start embargod' ] ||
            { wrong=$((wrong + 1)); echo "# $i: $(jq -c '.data[] | select(.name == "rotation of main")' "$T/w/check")"; }
        # The end is where embargod.conf and the database are written.
        i=$((i + 1))
        [ "${KILLS:-}" = all ] || [ $i -ge $((n - 8)) ] || i=$((i + n / 8))
    done
    same 'a crash leaves the old key or the new one, and all goes on' 0 "$wrong"
    echo "# old: $done_old, new: $done_new"
    [ "$done_old" -gt 0 ] && ok 'some ended with the old key' || not_ok 'some ended with the old key'
    start
    settle
    same 'the last of them starts, with the new key' "$(in_conf)" "$(get .data.fingerprint key export)"
    check 'which is announced' test "$(box ann@example.org)" -gt 0
    stop
}
# The sanitizers' own library wants to be the first.
if ldd "$bin/embargoctl" 2>/dev/null | grep -q libasan; then echo '# with sanitizers it is not killed'; else killed; fi

# ---- interrupted, and what check says then ----
bring_back
chmod 500 "$T/i"
if [ "$(id -u)" -ne 0 ]; then
    ctl key rotate-list >"$T/w/out" 2>&1
    same 'where embargod.conf cannot be written' 4 "$?"
else
    mkdir "$conf.before-rotation"
    ctl key rotate-list >"$T/w/out" 2>&1 && not_ok 'where embargod.conf cannot be written' || ok 'where embargod.conf cannot be written'
    rmdir "$conf.before-rotation"
fi
chmod 700 "$T/i"
same 'the old one stays' "$old $old" "$(in_conf) $(in_db)"
ctl check >"$T/w/check"
has 'check names the remedy' 'which goes on with it' "$T/w/check"
start
settle
same 'the daemon starts with it' "$old" "$(get .data.fingerprint key export)"
stop
ctl key rotate-list >"$T/w/rotated"
same 'said again it goes on with the key that was made' "0 2" "$? $(secrets)"

# ---- the old embargod.conf put back before a start ----
cp "$conf.before-rotation" "$conf"
start
settle
same 'undoes it' "$old" "$(get .data.fingerprint key export)"
stop

# ---- a passphrase ----
bring_back
printf 'one long passphrase\nand a note\n' >"$T/w/pass"
chmod 600 "$T/w/pass"
head -n 1 "$T/w/pass" | tr -d '\n' >"$T/w/pass1"
lock_list_key "$T/w/pass1"
ctl key rotate-list >"$T/w/rotated"
same 'a locked key does not sign' '4 locked-key' "$? $(jq -r .rule "$T/w/rotated")"
same 'and nothing is left' 1 "$(secrets)"
sed -i "s|^\\( *address = \"$list\";\\)|\\1 passphrase_file = \"$T/w/pass\";|" "$conf"
check 'with the passphrase it does' ctl key rotate-list
same 'the new key has it too' 4 "$(grep -l protected-private-key "$home"/private-keys-v1.d/*.key | wc -l)"
ctl check >"$T/w/check"
same 'check signs with it' ok "$(jq -r '.data[] | select(.name == "key of main") | .status' "$T/w/check" | head -n 1)"
start
settle
new=$(in_conf)
for key in "$old" "$new"; do
    gpg --homedir "$home" --batch --armor --export "$key" >"$T/w/key.asc"
    give_key bob "$T/w/key.asc"
    list_fpr=$key before=$(cases)
    echo 'A hole.' | secret_mail bob 'R <r@reporter.example>' "To $key" >"$T/w/m"
    inject r@reporter.example "$T/w/m"
    same 'mail to either is opened' $((before + 1)) "$(cases)"
done
stop

# ---- as root, where the roles have users of their own ----
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
    bring_back
    chmod 711 "$T"
    chown -R nobody "$T/i"
    chmod 600 "$conf"
    check 'as root' "$bin/embargoctl" -c "$conf" --json key rotate-list
    same 'nothing becomes root'"'"'s' '' "$(find "$T/i" -uid 0 -not -type s)"
    halt
else
    echo '# not root: not tried as root'
fi
finish
