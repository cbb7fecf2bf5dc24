#!/bin/sh
# Writes a C table of files to standard output: embed.sh TEMPLATES-FOLDER
set -eu
cd "$1"
names=$(find mail policy web -type f ! -name '.*' | LC_ALL=C sort)
echo '#include "codec/assets.h"'
n=0
for name in $names; do
    n=$((n + 1))
    echo "static const unsigned char file_$n[] = {"
    od -An -v -tu1 "$name" | sed 's/  */ /g; s/^ //; s/ /,/g; s/$/,/'
    echo '0};'
done
echo 'const struct asset assets_table[] = {'
n=0
for name in $names; do
    n=$((n + 1))
    echo "    {\"$name\", file_$n, sizeof file_$n - 1},"
done
echo '    {0, 0, 0},'
echo '};'
