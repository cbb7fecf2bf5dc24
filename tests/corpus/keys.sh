#!/bin/sh
# keys.sh CORPUS HOME PUBLIC: all OpenPGP keys below CORPUS/key into the GnuPG home HOME, the secret ones with their
# passphrases in its agent; each certificate by itself into the folder PUBLIC. Never a key of real mail.
corpus=$1
home=$2
public=$3
: "${GPG_PRESET:=/usr/lib/gnupg/gpg-preset-passphrase}"

# The passphrases that an origin's own tests use.
passphrases_of() {
    case $1 in
    rnp) echo password ;;
    rt) echo rt-test recipient general test ;;
    gnupg | gpgme) echo abc ;;
    gmime) echo no.secret ;;
    gopenpgp) echo apple 1234 test ;;
    memoryhole) echo _winston_ _obrian_ _julia_ ;;
    MimeKit) echo no.secret ;;
    schleuder) echo abcd ;;
    esac
}

q() { gpg --homedir "$home" --batch -q --no-tty --pinentry-mode loopback --passphrase '' "$@" 2>/dev/null; }

# A revocation by itself would revoke what others use.
is_revocation() { gpg --batch --list-packets "$1" 2>/dev/null | sed -n '/^:/{p;q;}' | grep -q '^:signature'; }

take() {
    name=${1##*/}
    origin=${1%/*}
    origin=${origin##*/}
    case $name in
    *.crt | *.csr | *.p12 | *.pem | *CMakeLists* | *trust* | *.p7*) ;;
    *private-keys-v1.d__*.key | *privkeys__*.key) cp "$1" "$home/private-keys-v1.d/${name##*__}" ;;
    *privkeys__*.asc)
        grip=${name##*__}
        gpg --batch --dearmor <"$1" >"$home/private-keys-v1.d/${grip%.asc}.key" 2>/dev/null
        ;;
    *.kbx) gpg --homedir "$home" --batch -q --no-default-keyring --keyring "$1" --export 2>/dev/null | q --import ;;
    *)
        is_revocation "$1" || q --status-fd 1 --import "$1" |
            awk -v origin="$origin" '$2 == "IMPORT_OK" { print $4, origin }' >>"$home/origins"
        ;;
    esac
}

# The right passphrase goes into the agent for each part of a key.
unlock() {
    for try in $(passphrases_of "$2"); do
        printf %s "$try" | gpg --homedir "$home" --batch -q --no-tty --pinentry-mode loopback --passphrase-fd 0 \
            --export-secret-keys "$1" >/dev/null 2>&1 || continue
        for part in $(q --with-colons --with-keygrip -K "$1" | awk -F: '$1 == "grp" { print $10 }'); do
            printf '%s\n' "$try" | GNUPGHOME=$home "$GPG_PRESET" --preset "$part"
        done
        return
    done
    echo "keys.sh: no passphrase known for $1 ($2)" >&2
}

# Primary keys with a part that has a passphrase.
locked() {
    gpg-connect-agent --homedir "$home" 'keyinfo --list' /bye 2>/dev/null |
        awk '$2 == "KEYINFO" && $8 == "P" { print $3 }' >"$home/grips"
    q --with-colons --with-keygrip -K | awk -F: -v grips="$home/grips" '
        BEGIN { while ((getline line <grips) > 0) locked[line] = 1 }
        $1 == "sec" { primary = "" }
        $1 == "fpr" && !primary { primary = $10 }
        $1 == "grp" && $10 in locked && !(primary in said) { print primary; said[primary] = 1 }'
}

mkdir -p "$public" "$home/private-keys-v1.d" && chmod 700 "$home/private-keys-v1.d"
sed -i 's/cache-ttl 0$/cache-ttl 99999999/; /allow-preset/d' "$home/gpg-agent.conf"
echo allow-preset-passphrase >>"$home/gpg-agent.conf"
gpgconf --homedir "$home" --kill all
find "$corpus/key" -type f | LC_ALL=C sort | while read -r file; do take "$file"; done
locked | while read -r fpr; do
    for origin in $(awk -v fpr="$fpr" '$1 == fpr { print $2 }' "$home/origins" | sort -u); do unlock "$fpr" "$origin"; done
done
q --with-colons -k | awk -F: '$1 == "pub" { want = 1 } $1 == "fpr" && want { print $10; want = 0 }' | sort -u |
    while read -r fpr; do q --export "$fpr" >"$public/$fpr.pgp"; done
