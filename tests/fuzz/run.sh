#!/bin/sh
# make fuzz: each target for FUZZ_SECONDS (120) under clang's fuzzer, ASan and UBSan, with its dictionary.
# FUZZ_TARGETS="dsn lmtp" takes these alone. What a target finds stays in fuzz-work/.
set -eu
src=$(CDPATH='' cd -- "${srcdir:-.}" && pwd)
work=$(pwd)/fuzz-work
mkdir -p "$work"
command -v clang >/dev/null || { echo "make fuzz needs clang"; exit 1; }
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
# Debian's libetpan.pc hands on a flag of its own build, which clang refuses.
libs=$(pkg-config --cflags --libs gpgme gpg-error libetpan sqlite3 libsodium jansson libconfig libesmtp-1.0 \
    libcurl libssl libcrypto | sed 's/-specs=[^ ]*//g')
version=-DPACKAGE_VERSION=\"$(sed -n 's/^AC_INIT(\[embargod\], \[\(.*\)\])/\1/p' "$src/configure.ac")\"

# An object is as new as its file and every header; the archive holds what a target links of them.
newest=$(find "$src/src" -name '*.h' -newer "$work/objects.a" 2>/dev/null | head -n 1)
[ -f "$work/objects.a" ] || newest=all
for file in "$src"/src/base/*.c "$src"/src/codec/*.c "$src"/src/store/*.c "$src"/src/policy/*.c "$src"/src/flow/*.c \
    "$src"/src/io/*.c assets_data.c; do
    object=$work/$(echo "$file" | sed "s|$src/||; s|/|_|g").o
    [ -z "$newest" ] && [ "$object" -nt "$file" ] || clang $flags "$version" -I"$src/src" -c "$file" -o "$object"
done
rm -f "$work/objects.a"
ar -rc "$work/objects.a" "$work"/*.o

failed=
for file in "$src"/tests/fuzz/fuzz_*.c; do
    target=$(basename "$file" .c)
    target=${target#fuzz_}
    case " ${FUZZ_TARGETS:-$target} " in *" $target "*) ;; *) continue ;; esac
    clang $flags -fsanitize=fuzzer -I"$src/src" -I"$src/tests" "$file" "$work/objects.a" $libs -lpthread -o "$work/fuzz_$target"
    mkdir -p "$work/corpus-$target"
    # libconfig 1.5 itself loses some bytes for each text that it refuses.
    leaks=1
    case $target in conf | policy) leaks=0 ;; esac
    echo "== $target"
    ASAN_OPTIONS=detect_leaks=$leaks "$work/fuzz_$target" -max_total_time="${FUZZ_SECONDS:-120}" -timeout=10 -rss_limit_mb=4096 -detect_leaks=$leaks \
        -dict="$src/tests/fuzz/$target.dict" -artifact_prefix="$work/$target-" -print_final_stats=1 \
        "$work/corpus-$target" "$src/tests/fuzz/corpus/$target" || failed="$failed $target"
done
[ -z "$failed" ] || { echo "found something:$failed (see $work)"; exit 1; }
