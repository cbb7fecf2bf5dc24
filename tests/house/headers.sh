#!/bin/sh
# Each header compiles alone, and has an include guard LAYER_NAME_H.
set -u
top=${srcdir:-.}
cc=${CC:-cc}
cd "$top" || exit 99
faults=0 seen=0

for header in src/*/*.h; do
    [ -f "$header" ] || continue
    seen=$((seen + 1))
    guard=$(printf '%s' "${header#src/}" | tr 'a-z/.-' 'A-Z___')
    grep -q "^#ifndef $guard\$" "$header" && grep -q "^#define $guard\$" "$header" ||
        { echo "$header: its include guard should be $guard"; faults=$((faults + 1)); }
    # shellcheck disable=SC2086 # both may hold several words
    printf '#include "%s"\n' "${header#src/}" |
        $cc ${CPPFLAGS-} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc -x c -fsyntax-only - ||
        { echo "$header: does not stand alone"; faults=$((faults + 1)); }
done
[ "$seen" -gt 0 ] || { echo 'no header was found'; exit 99; }
echo "$seen headers, $faults faults"
[ "$faults" -eq 0 ]
