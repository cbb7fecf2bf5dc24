#!/bin/sh
# The small corpora, through each fuzz target without the fuzzer.
set -eu
src=${srcdir:-.}/tests/fuzz
for target in mime split conf frame; do
    ./tests/fuzz/fuzz_$target "$src/corpus/$target"
done
