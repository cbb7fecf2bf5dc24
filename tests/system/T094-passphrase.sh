#!/bin/sh
# The list's key has a passphrase: from a file that embargod.conf names, or from a systemd credential; without either it
# is locked, which is said, and with the wrong one too. It stands on no command line.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/locked.sh"
need gpg-connect-agent

init
home=$T/i/gnupg/main/list
printf 'one long passphrase' >"$T/w/pass"
lock_list_key "$T/w/pass"

report() { # a report, so that the team gets a mail that the list has signed
    mail "Rita <rita@reporter.example>" "A hole $1" <<X >"$T/w/m"
One $1.
X
    post rita@reporter.example "$T/w/m"
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ "$(box ann@example.org)" -gt "$2" ] && return 0
        sleep 0.2
    done
    return 1
}
chmod 600 "$T/w/pass"
sed -i "s|^\\( *address = \"$list\";\\)|\\1 passphrase_file = \"$T/w/pass\";|" "$conf"
start
check 'the key is opened by the passphrase of a file' report one 0
same 'it stands on no command line' '' "$(processes_with 'one long passphrase' | grep -v "$T/w")"
stop
sed -i 's| passphrase_file = "[^"]*";||' "$conf"
mkdir "$T/w/credentials"
printf 'one long passphrase\n' >"$T/w/credentials/embargod-main"
CREDENTIALS_DIRECTORY=$T/w/credentials
export CREDENTIALS_DIRECTORY
start
check 'or by a credential of systemd' report two "$(box ann@example.org)"
stop
printf 'another one\n' >"$T/w/credentials/embargod-main"
start
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'with the wrong one, check says so' fail "$(jq -r '.data[] | select(.name == "key of main") | .status' "$T/w/check")"
stop
finish
