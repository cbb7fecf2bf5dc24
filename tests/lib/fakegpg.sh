# A gpg of the test's own before the real one, for tests after tests/lib/flow.sh and its init; to be sourced by a POSIX
# shell. Who has $T/i/bin before the $path in his $PATH runs it.

real=$(command -v gpg) path=$PATH
mkdir "$T/i/bin"
cat >"$T/i/bin/gpgconf" <<E
#!/bin/sh
$(command -v gpgconf) "\$@" | sed 's|$real\$|$T/i/bin/gpg|; s|:$real:|:$T/i/bin/gpg:|'
E
chmod +x "$T/i/bin/gpgconf"

# fake LINE...: up to two lines of shell that it runs before it is the real one.
fake() {
    printf '#!/bin/sh\n%s\n%s\nexec %s "$@"\n' "$1" "${2:-}" "$real" >"$T/i/bin/gpg.new"
    chmod +x "$T/i/bin/gpg.new"
    mv "$T/i/bin/gpg.new" "$T/i/bin/gpg"
}
