# Shared by contrib/check and contrib/quickstart; to be sourced by a POSIX shell with $top set to the project's folder.

say() {
    printf '%s\n' "$*"
}

# packages_of SECTION...: the names that contrib/packages lists there.
packages_of() {
    for section; do
        sed -n "/^\[$section\]\$/,/^\[/{/^\[/d;/^#/d;/^[[:space:]]*\$/d;p;}" "$top/contrib/packages"
    done
}

# need_packages SECTION...: installs what is missing, by apt-get, and says so. Does nothing, and asks for no
# privilege, where nothing is missing. 1 where it cannot be had.
need_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say 'This is no Debian; what stands in contrib/packages has to be there under the names of this system.'
        return 0
    fi
    missing=
    for package in $(packages_of "$@"); do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        'install ok installed') ;;
        *) missing="$missing $package" ;;
        esac
    done
    # Its tests are skipped rather than that a mail server that this machine has were replaced.
    case " $missing " in
    *' postfix '*)
        if [ -x /usr/sbin/sendmail ]; then
            say 'Another mail server is here: Postfix is not installed, and its tests are skipped.'
            missing=$(printf '%s ' $missing | sed 's/\bpostfix \?//')
            missing=${missing:+ ${missing% }}
        fi
        ;;
    esac
    [ -n "${missing# }" ] || return 0
    say "Missing packages:$missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "There is no sudo here. As root, run: apt-get install$missing"
            return 1
        fi
        as_root=sudo
    fi
    say "Installing them: ${as_root:+sudo }apt-get install --no-install-recommends$missing"
    # Only its programs: without a configuration it does not run.
    case $missing in
    *postfix*) echo 'postfix postfix/main_mailer_type select No configuration' | $as_root debconf-set-selections ;;
    esac
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}
