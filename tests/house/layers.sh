#!/bin/sh
# A module includes only lower layers, and each library has its one user. The tables are those of src/README.
set -u
cd "${srcdir:-.}/src" || exit 99
faults=0

# LAYER: the layers it may include besides its own; "codec/conf" is that module alone.
allowed() {
    case $1 in
    base) echo 'base' ;;
    codec) echo 'base codec' ;;
    store) echo 'base codec store' ;;
    policy) echo 'base codec/conf policy' ;;
    flow) echo 'base codec store policy flow' ;;
    io) echo 'base codec flow io' ;;
    proc) echo 'base codec store policy flow io proc' ;;
    main) echo 'base codec store policy flow io proc main' ;;
    esac
}

# HEADER: the only files, as a shell pattern, that may include it.
owner() {
    case $1 in
    libetpan/*) echo 'codec/mime_*' ;;
    gpgme.h) echo 'codec/pgp_*|codec/smime_*' ;;
    sqlite3.h) echo 'store/db*' ;;
    libesmtp.h | auth-client.h) echo 'io/courier*' ;;
    curl/curl.h) echo 'io/fetch*' ;;
    libconfig.h) echo 'codec/conf*' ;;
    zlib.h) echo 'codec/pgp_secret_archive*' ;;
    esac
}

fault() {
    echo "$1"
    faults=$((faults + 1))
}

check_ours() { # FILE LAYER HEADER
    for may in $(allowed "$2"); do
        case $3 in
        "$may"/* | "$may.h") return ;;
        esac
    done
    fault "src/$1: layer $2 may not include $3"
}

check_library() { # FILE HEADER
    owners=$(owner "$2")
    [ -n "$owners" ] || return
    IFS='|'
    for pattern in $owners; do
        case $1 in
        $pattern)
            unset IFS
            return
            ;;
        esac
    done
    unset IFS
    fault "src/$1: $2 belongs to $owners alone"
}

# Lines "FILE LAYER KIND HEADER", where KIND is q or a (quoted or angle).
includes() {
    set -- */*.c */*.h
    for file; do
        [ -f "$file" ] || continue
        sed -n -e 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/q \1/p' \
            -e 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<\([^>]*\)>.*/a \1/p' "$file" |
            sed "s|^|$file ${file%%/*} |"
    done
}

list=$(includes)
[ -n "$list" ] || { echo 'no source was found'; exit 99; }
while read -r file layer kind header; do
    case $kind$header in
    q*/*) [ -n "$(allowed "$layer")" ] && check_ours "$file" "$layer" "$header" || fault "src/$file: no such layer" ;;
    qconfig.h) ;;
    q*) fault "src/$file: include \"LAYER/$header\", not \"$header\"" ;;
    a*) check_library "$file" "$header" ;;
    esac
done <<LIST
$list
LIST
echo "$(printf '%s\n' "$list" | wc -l) includes looked at, $faults faults"
[ "$faults" -eq 0 ]
