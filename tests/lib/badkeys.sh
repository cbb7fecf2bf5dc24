# Keys that members really have, and that must not harm others; to be sourced after tests/lib/flow.sh.
#
# Each function makes a home $T/k/NAME and its certificate $T/k/NAME.asc, as make_key does, for security@NAME.example:
#   key_expired key_revoked key_3des key_sha1 key_sign_only key_flooded NAME
#   key_duplicate NAME OWNER     carries OWNER's encryption subkey, bound by a good signature of NAME's own
#   key_v6 NAME                  the sample of RFC 9580, A.3
#   key_expiring NAME DAYS       expires so many days from now

need gpgsplit

# bad_gpg NAME WORDS...: gpg in its home.
bad_gpg() {
    bad_home=$T/k/$1
    shift
    gpg --homedir "$bad_home" --batch --yes --quiet --no-tty --passphrase '' "$@" 2>>"$T/w/err.bad"
}

bad_export() {
    bad_gpg "$1" --armor --export "$(fpr "$1")" >"$T/k/$1.asc"
    [ -s "$T/k/$1.asc" ] || { cat "$T/w/err.bad"; exit 99; }
}

# bad_make NAME [OPTION...]: a usual key, made with the options.
bad_make() {
    bad_name=$1
    shift
    mkdir -m 700 "$T/k/$bad_name" || exit 99
    bad_gpg "$bad_name" "$@" --quick-generate-key "$bad_name <security@$bad_name.example>" future-default default \
        "${bad_expiry:-never}"
    bad_export "$bad_name"
}

key_expired() {
    bad_expiry=1y bad_make "$1" --faked-system-time "$(date -u -d '2 years ago' +%Y%m%dT%H%M%S)"
}

key_expiring() {
    bad_expiry=$2d bad_make "$1"
}

# revocation NAME: the certificate that gpg makes with each key, made valid, in $T/k/NAME.rev.
revocation() {
    sed 's/^:-----BEGIN/-----BEGIN/' "$T/k/$1/openpgp-revocs.d/$(fpr "$1").rev" >"$T/k/$1.rev"
}

key_revoked() {
    bad_make "$1"
    revocation "$1"
    bad_gpg "$1" --import "$T/k/$1.rev"
    bad_export "$1"
}

# A cipher that nobody should use any more; in a group it would be everybody's.
key_3des() {
    bad_make "$1" --default-preference-list '3DES SHA512 Uncompressed'
}

key_sha1() {
    bad_make "$1" --default-preference-list 'AES256 AES SHA1 Uncompressed'
}

key_sign_only() {
    mkdir -m 700 "$T/k/$1" || exit 99
    bad_gpg "$1" --quick-generate-key "$1 <security@$1.example>" ed25519 cert,sign never
    bad_export "$1"
}

# gpg makes a subkey of a secret key that the agent has; with the same second (!: it stands still), it is the very same
# subkey.
key_duplicate() {
    bad_sub=$(gpg --homedir "$T/k/$2" --batch --with-colons --with-keygrip -k 2>/dev/null |
        awk -F: '$1 == "sub" { at = $6; seen = 1 } $1 == "grp" && seen { print at, $10; exit }')
    bad_at=$(date -u -d "@${bad_sub% *}" +%Y%m%dT%H%M%S)
    bad_make "$1" --faked-system-time "$bad_at"
    cp "$T/k/$2/private-keys-v1.d/"*.key "$T/k/$1/private-keys-v1.d/"
    printf 'addkey\n13\n%s\ns\nq\n0\nsave\n' "${bad_sub#* }" >"$T/w/edit"
    gpg --homedir "$T/k/$1" --expert --no-tty --command-fd 0 --faked-system-time "$bad_at!" --pinentry-mode loopback \
        --passphrase '' --edit-key "$(fpr "$1")" <"$T/w/edit" >"$T/w/edit.out" 2>&1
    bad_export "$1"
}

# Ten thousand signatures by somebody else, as were given to keys on the keyservers.
key_flooded() {
    bad_make "$1"
    mkdir -m 700 "$T/k/$1-by" "$T/w/packets" || exit 99
    bad_gpg "$1-by" --quick-generate-key "by@flood.example" ed25519 cert,sign never
    bad_gpg "$1-by" --import "$T/k/$1.asc"
    bad_gpg "$1-by" --quick-sign-key "$(fpr "$1")" >/dev/null
    bad_gpg "$1-by" --export "$(fpr "$1")" >"$T/w/signed.pgp"
    (cd "$T/w/packets" && gpgsplit "$T/w/signed.pgp")
    # primary key, user id, its own signature, the other's, subkey, its binding
    cp "$T"/w/packets/000004-* "$T/w/flood"
    for bad_tenfold in 1 2 3 4; do
        for bad_ten in 1 2 3 4 5 6 7 8 9 10; do cat "$T/w/flood"; done >"$T/w/flood.ten"
        mv "$T/w/flood.ten" "$T/w/flood"
    done
    cat "$T"/w/packets/00000[123]-* "$T/w/flood" "$T"/w/packets/00000[56]-* >"$T/k/$1.asc"
}

key_v6() {
    cat >"$T/k/$1.asc" <<'X'
-----BEGIN PGP PUBLIC KEY BLOCK-----

xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy
KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw
gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE
QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn
+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh
BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8
j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805
I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==
-----END PGP PUBLIC KEY BLOCK-----
X
}
