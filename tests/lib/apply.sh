# Shell functions for tests of applications; sourced after flow.sh.

apply=security+apply@example.org

# keyed_part NAME <TEXT: a multipart with the text and NAME's public key, CR LF.
keyed_part() {
    { printf 'Content-Type: multipart/mixed; boundary="keyed-b"\n\n--keyed-b\n'
      printf 'Content-Type: text/plain; charset=utf-8\n\n'
      cat
      printf '\n--keyed-b\nContent-Type: application/pgp-keys; name="key.asc"\n\n'
      cat "$T/k/$1.asc"
      printf '\n--keyed-b--\n'; } | crlf
}

# form ORG [CLASS]: a whole form of an organisation whose domain is ORG.example.
form() {
    printf 'Organisation: %s\nDomains: %s.example\nClass: %s\n' "$1" "$1" "${2:-distro}"
    printf 'Eligibility: we build a distribution\n  that many use\nEvidence: https://%s.example/security\n' "$1"
    printf 'Confidential-contact: https://%s.example/contact\nPolicy-statement: we keep the policy\n' "$1"
    printf 'Role-address: security@%s.example\nVouchers: %s\n' "$1" "${3:-none}"
}

# signed_to_apply NAME FROM SUBJECT [FIELD...] <TEXT: signed by NAME, with the key. Delivered.
signed_to_apply() {
    signed_name=$1
    shift
    keyed_part "$signed_name" >"$T/w/keyed"
    signed_part "$signed_name" "$T/w/keyed" >"$T/w/signed"
    mail_of "$T/w/signed" "$@" >"$T/w/m"
    inject "$1" "$T/w/m" $apply
}

# answer NAME FROM [FIELD...] <TEXT: signed by NAME, without the key.
answer() {
    answer_name=$1 answer_from=$2
    shift 2
    text_part >"$T/w/part"
    signed_part "$answer_name" "$T/w/part" >"$T/w/signed"
    mail_of "$T/w/signed" "$answer_from" 'Re: membership' "$@" >"$T/w/m"
    inject "$answer_from" "$T/w/m" $apply
}

new_application() {
    get '.data | max_by(.received_at) | .id' application list
}

# app_state ID, criterion ID NAME
app_state() { get .data.state application show "$1"; }
criterion() { get ".data.criteria[] | select(.id == \"$2\") | .result" application show "$1"; }

# challenge_of NAME ADDRESS: opens the newest mail to ADDRESS; its text in $T/w/challenge, without the header.
challenge_of() {
    open_mail "$1" "$(newest "$2")" "$T/w/open.challenge" || return 1
    perl -0pe 's/=\n//g; s/=([0-9A-F]{2})/chr hex $1/ge' "$T/w/open.challenge" >"$T/w/challenge.all"
    sed -n '/^Application: /,/^Challenge: /p' "$T/w/challenge.all" >"$T/w/challenge"
    [ -s "$T/w/challenge" ]
}

dmarc='Authentication-Results: mx.example.org; dmarc=pass'

last_held() {
    get '.data | max_by(.at).rule // empty' held list >/dev/null
    sqlite3 "$T/i/state/db.sqlite" 'SELECT rule FROM held ORDER BY id DESC LIMIT 1'
}

# The public keys in the quarantine home, in $T/w/quarantine.
quarantine() {
    gpg --homedir "$T/i/gnupg/main/quarantine" --batch --with-colons -k >"$T/w/quarantine" 2>/dev/null
}

# policy_of_two [LINES of membership]: the list gets a policy by which two admins let a member in.
policy_of_two() {
    cat >"$T/i/policy/two@1.conf" <<X
policy = { id = "two"; edition = "1"; source = "https://example.org/policy"; basis = "primary"; title = "Two"; };
tracks = ( { name = "all"; mode = "coordinated"; model = "distro"; } );
tiers = ( { name = "distros"; classes = [ "distro" ]; tracks = [ "all" ];
            uses = { build_test = "allow"; tell_existence = "deny"; deploy_internal = "advisory"; }; } );
membership = { apply = "public-list"; role_address = "required"; key = "required"; approvals = 2; discretion = false;
               decide_within = "10 calendar-days"; appeal = "governance"; $* };
X
    sed -i "s/policy = \"[^\"]*\";/policy = \"two@1\";/" "$conf"
}
