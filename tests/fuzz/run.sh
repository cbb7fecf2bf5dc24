#!/bin/sh
# make fuzz: each target for FUZZ_SECONDS (120) under clang's fuzzer, ASan and UBSan, with its dictionary.
set -eu
src=$(CDPATH='' cd -- "${srcdir:-.}" && pwd)
work=$(pwd)/fuzz-work
mkdir -p "$work"
command -v clang >/dev/null || { echo "make fuzz needs clang"; exit 1; }
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
libs=$(pkg-config --cflags --libs gpgme gpg-error libetpan sqlite3 libsodium jansson libconfig libseccomp)
objects=
for file in "$src"/src/base/*.c "$src"/src/codec/*.c "$src"/src/store/*.c "$src"/src/policy/*.c "$src"/src/flow/*.c \
    "$src"/src/io/*.c assets_data.c; do
    object=$work/$(echo "$file" | sed "s|$src/||; s|/|_|g").o
    [ "$object" -nt "$file" ] || clang $flags -I"$src/src" -c "$file" -o "$object"
    objects="$objects $object"
done
for target in mime split conf frame; do
    clang $flags -fsanitize=fuzzer -I"$src/src" -I"$src/tests" "$src/tests/fuzz/fuzz_$target.c" $objects $libs \
        -o "$work/fuzz_$target"
    mkdir -p "$work/corpus-$target"
    dictionary=
    [ -f "$src/tests/fuzz/$target.dict" ] && dictionary=-dict=$src/tests/fuzz/$target.dict
    # libconfig 1.5 itself loses some bytes for each text that it refuses.
    leaks=1
    [ "$target" = conf ] && leaks=0
    "$work/fuzz_$target" -max_total_time="${FUZZ_SECONDS:-120}" -timeout=10 -rss_limit_mb=4096 -detect_leaks=$leaks \
        $dictionary "$work/corpus-$target" "$src/tests/fuzz/corpus/$target"
done
