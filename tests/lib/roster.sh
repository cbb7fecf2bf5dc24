# Members of every preset's tiers at once, for tests after tests/lib/flow.sh; to be sourced by a POSIX shell.

# Everybody who may be told by some preset: organisation, class, tier. Whoever's tier a policy does not have is not told.
roster='alder distro predisclosure
bering hosting-provider predisclosure
cedar distro stakeholders
dune hosting-provider stakeholders
elm distro linux-distros
fir distro distros
gale distro distributors
hazel distro distributions
iris downstream certified-downstream
jade hosting-provider service-providers
kelp vendor security-team
lime hardware-vendor hardware-incident
moss downstream stakeholders
nettle downstream security-list'
orgs=$(echo "$roster" | cut -d' ' -f1)

# begin_roster: the daemon, with all of them. Its policy only holds the tiers, so that one list has all these members;
# each case then pins a preset. After init.
begin_roster() {
    {
        echo 'policy = { id = "roster"; edition = "1"; };'
        echo 'tracks = ( { name = "all"; mode = "coordinated"; model = "none"; when = { }; } );'
        echo 'tiers = ('
        comma=
        for tier in $(echo "$roster" | cut -d' ' -f3 | sort -u); do
            classes=$(echo "$roster" | awk -v t="$tier" '$3 == t { printf "%s\"%s\"", n++ ? ", " : "", $2 }')
            printf '%s{ name = "%s"; tracks = [ "all" ]; classes = [ %s ]; }' "$comma" "$tier" "$classes"
            comma=', '
        done
        echo ' );'
    } >"$T/i/policy/roster@1.conf"
    sed -i 's/^\( *policy = \)"[^"]*"/\1"roster@1"/' "$conf"
    set_clock 2031-03-04T10:00:00Z
    for org in $orgs; do make_key "$org" "security@$org.example" || exit 99; done
    start
    echo "$roster" | while read -r org class tier; do member "$org" "$class" "$tier"; done
    same 'all members are there' "$(echo "$orgs" | wc -l)" "$(get '.data | length' member list)"
}
