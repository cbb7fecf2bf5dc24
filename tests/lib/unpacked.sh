# Programs whose packages cannot be installed here, since they conflict with others: out of unpacked packages, which lie
# over /usr and /var/lib in a mount namespace of its own, with the users that they want and a /run of its own. Nothing of the machine is changed.
#
# To be sourced first of all. unpacked PROGRAM USER...: where PROGRAM is not there and EMBARGO_DEBS names a folder of
# packages (contrib/check fetches them), the test runs again in such a namespace; else it goes on as it is.

unpacked() {
    unpacked_program=$1
    shift
    [ ! -x "$unpacked_program" ] && [ -z "${EMBARGO_UNPACKED:-}" ] && ls "${EMBARGO_DEBS:-/nonexistent}"/*.deb >/dev/null 2>&1 || return 0
    [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null || return 0
    EMBARGO_UNPACKED=$(mktemp -d /tmp/uXXXXXX) || exit 99
    export EMBARGO_UNPACKED
    chmod 755 "$EMBARGO_UNPACKED"
    for unpacked_deb in "$EMBARGO_DEBS"/*.deb; do dpkg-deb -x "$unpacked_deb" "$EMBARGO_UNPACKED/root" || exit 99; done
    mkdir -p "$EMBARGO_UNPACKED/root/var/lib/opensmtpd/empty" # where OpenSMTPD's processes go
    cp /etc/passwd /etc/group "$EMBARGO_UNPACKED"
    unpacked_uid=64900
    for unpacked_user; do
        grep -q "^$unpacked_user:" /etc/passwd && continue
        unpacked_uid=$((unpacked_uid + 1))
        echo "$unpacked_user:x:$unpacked_uid:$unpacked_uid::/nonexistent:/usr/sbin/nologin" >>"$EMBARGO_UNPACKED/passwd"
        echo "$unpacked_user:x:$unpacked_uid:" >>"$EMBARGO_UNPACKED/group"
    done
    unshare -m sh -c 'cd / && for f in passwd group; do mount --bind "$EMBARGO_UNPACKED/$f" "/etc/$f" || exit 77; done
        for f in /usr /var/lib; do
            mount -t overlay -o "lowerdir=$EMBARGO_UNPACKED/root$f:$f" overlay $f ||
                { echo "skipped: nothing may lie over $f here"; exit 77; }
        done
        mount -t tmpfs -o mode=755 tmpfs /run || exit 77
        cd "$1" && exec sh "$2"' sh "$PWD" "$0"
    unpacked_code=$?
    rm -rf "$EMBARGO_UNPACKED"
    exit $unpacked_code
}
