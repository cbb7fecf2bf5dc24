#!/bin/sh
# The small corpora, through each fuzz target without the fuzzer.
set -eu
src=${srcdir:-.}/tests/fuzz
for file in "$src"/fuzz_*.c; do
    target=$(basename "$file" .c)
    ./tests/fuzz/$target "$src/corpus/${target#fuzz_}"
done
