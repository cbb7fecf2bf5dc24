#!/bin/sh
# The tarball has every file of the repository: each stands in Makefile.am, which says what is distributed. Looked at in
# a checkout only; `make distcheck' sees the rest, that what is there is enough.
set -u
top=$(cd "${srcdir:-.}" && pwd -P) || exit 99
cd "$top" || exit 99
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$top" ] || { echo 'skipped: this is no checkout'; exit 77; }

# automake takes these by itself.
git ls-files | grep -vxE '\.gitignore|Makefile\.am|configure\.ac' | awk '
    NR == FNR { for (i = 1; i <= NF; i++) named[$i] = 1; next }
    { n++ }
    !($0 in named) { print "Makefile.am does not name " $0; faults++ }
    END { print n " files, " faults + 0 " faults"; exit !n || faults > 0 }' Makefile.am -
