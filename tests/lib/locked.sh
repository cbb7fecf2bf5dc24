# A list key with a passphrase, for tests after tests/lib/flow.sh; to be sourced by a POSIX shell.

# lock_list_key FILE: the list's secret key, $list_fpr, has the passphrase that is the whole of FILE from now on. Its
# agent is stopped.
lock_list_key() {
    lock_home=$T/i/gnupg/main/list
    gpg --homedir "$lock_home" --batch --pinentry-mode loopback --passphrase '' --armor --export-secret-keys "$list_fpr" \
        >"$T/w/secret.asc" 2>/dev/null
    gpgconf --homedir "$lock_home" --kill all
    mkdir -m 700 "$T/k/lock"
    gpg --homedir "$T/k/lock" --batch -q --import "$T/w/secret.asc" 2>/dev/null
    gpg --homedir "$T/k/lock" --batch --yes --pinentry-mode loopback --passphrase-file "$1" \
        --change-passphrase "$list_fpr" 2>"$T/w/lock.out" || cat "$T/w/lock.out"
    same 'the key is locked' 2 "$(grep -l protected-private-key "$T/k/lock/private-keys-v1.d"/*.key | wc -l)"
    gpgconf --homedir "$T/k/lock" --kill all
    rm -f "$lock_home"/private-keys-v1.d/* "$T/w/secret.asc"
    cp "$T/k/lock/private-keys-v1.d"/*.key "$lock_home/private-keys-v1.d/"
    rm -rf "$T/k/lock"
}
