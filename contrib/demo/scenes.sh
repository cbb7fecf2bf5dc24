# What contrib/quickstart shows, scene by scene; sourced by it, with its words (ok, claim, show, die) and daemon.sh's
# functions. Every claim is checked, and a claim that does not hold ends the whole.

# ---- the instance ----

names_of_instance() {
    parties=$dir/parties clock=$dir/clock log=$dir/embargod.log pidfile=$dir/embargod.pid
}

# What an earlier run has left, its daemon too. Only what bears our mark is removed.
clear_folder() {
    if [ -L "$folder" ] && [ ! -e "$folder" ]; then
        rm -f "$folder"
    elif [ -e "$folder/.quickstart" ]; then
        dir=$(CDPATH='' cd -- "$folder" && pwd -P)
        names_of_instance
        if [ -s "$pidfile" ] && daemon_is_ours "$(cat "$pidfile")"; then
            say '  The daemon of an earlier run is stopped.'
        fi
        daemon_stop
        agents_stop "$parties"
        rm -rf "$dir"
        rm -f "$folder"
    elif [ -d "$folder" ]; then
        rmdir "$folder" 2>/dev/null || die "$folder is not of this script's making: move it away"
    elif [ -e "$folder" ]; then
        die "$folder is not of this script's making: move it away"
    fi
}

# A socket's path has less than 108 bytes, so that a deep folder gets its instance elsewhere, behind a link.
choose_folder() {
    if [ "$(printf %s "$folder" | wc -c)" -le "$LONGEST" ]; then
        dir=$folder
    else
        dir=$(mktemp -d "${TMPDIR:-/tmp}/embargod.XXXXXX")
        if [ "$(printf %s "$dir" | wc -c)" -gt "$LONGEST" ]; then
            rmdir "$dir"
            dir=$(mktemp -d /tmp/embargod.XXXXXX)
        fi
        ln -s "$dir" "$folder"
        say "  The path is too long for GnuPG's sockets: the instance is in $dir, and"
        say "  $folder is a link to it."
    fi
}

make_instance() {
    clear_folder
    choose_folder
    names_of_instance
    # init wants an empty folder, and the admins' keys: so the people are made beside it, and move in.
    parties=$dir.parties clock=/dev/null
    rm -rf "$parties"
    mkdir -m 700 "$parties"
    for name in $admins; do party_make "$name" "$name@example.org"; done
    for name in $distros $providers; do party_make "$name" "security@$name.example"; done
    party_make finder finder@example.net
    # shellcheck disable=SC2086
    instance_make cloud-model@2026 $admins
    agents_stop "$parties" # an agent does not move with its home
    mv "$parties" "$dir/parties"
    mv "$dir.init" "$dir/init.txt"
    : >"$dir/.quickstart"
    names_of_instance
    mkdir -m 700 "$dir/opened"
    # The results of our mail server alone are believed.
    conf_edit "s/^    address = \"$list_address\";\$/&\\
    authserv_id = \"mail.example.org\";/"
    ok "the list $list_address, with the policy cloud-model@2026"
}

add_member() {
    show embargoctl member add --org "$1" --class "$2" --tier "$3" --address "security@$1.example" \
        --key "$parties/$1.asc" >/dev/null
    ok "$1, of the class $2, in the tier $3"
}

# Everybody gets the list's public key, to see who has signed.
hand_out_key() {
    ask data.key key export >"$dir/list.asc"
    for name in $admins $distros $providers finder; do party_gpg "$name" --import "$dir/list.asc"; done
    list_fpr=$(ask data.fingerprint key export)
}

# ---- the reports ----

# MIME from a text and a public key.
sealed_report() {
    printf 'Content-Type: multipart/mixed; boundary="inner"\n\n--inner\nContent-Type: text/plain; charset=utf-8\n\n'
    cat "$demo/report-sealed.txt"
    printf '\n--inner\nContent-Type: application/pgp-keys; name="finder.asc"\n'
    printf 'Content-Disposition: attachment; filename="finder.asc"\n\n'
    cat "$parties/finder.asc"
    printf '%s\n' '--inner--'
}

hand_over_reports() {
    say '  One reporter has no OpenPGP. The mail, as your mail server hands it over by LMTP:'
    say
    lmtp reporter@example.net "$list_address" <"$demo/report-plain.eml" >"$dir/opened/lmtp.txt" ||
        die "the report was not taken: $(cat "$dir/opened/lmtp.txt")"
    indent <"$dir/opened/lmtp.txt"
    say
    say '  Another encrypts to the list and signs (PGP/MIME), the key attached; this time through embargo-inject:'
    say
    {
        printf 'Authentication-Results: mail.example.org; dmarc=pass header.from=example.net\r\n'
        sealed_report | mail_encrypt finder 'A finder <finder@example.net>' '...'
    } >"$dir/opened/finder.eml"
    claim 'nothing of the text is readable on the way' absent verify_list "$dir/opened/finder.eml"
    claim 'embargo-inject: on the disk of the daemon' inject finder@example.net "$list_address" <"$dir/opened/finder.eml"
    settle
}

# Which case is whose, by what is in it.
find_cases() {
    cloud_case= distro_case=
    for id in $(ask 'data.*.id' case list); do
        case $(ask 'data.messages.0.text' case show "$id") in
        *ring_copy*) cloud_case=$id ;;
        *verify_list*) distro_case=$id ;;
        esac
    done
    claim 'two reports made two cases' is "$(ask 'data.*.id' case list | grep -c .)" 2
    [ -n "$cloud_case" ] && [ -n "$distro_case" ] || die 'the cases do not hold the text of the reports'
    ok "$cloud_case is what came in clear, $distro_case what came encrypted"
    claim '  whose signature is good, by the key that was attached' \
        is "$(ask data.messages.0.signed_by case show "$distro_case")" "$(party_fpr finder)"
}

# newest ADDRESS: its last mail; the names end in a number that grows.
newest() {
    mails "$1" | sed 's/.*\.\([0-9]*\)$/\1 &/' | sort -n | tail -n 1 | cut -d ' ' -f 2-
}

check_reports() {
    show embargoctl case list
    find_cases
    for name in $admins; do
        claim "$name of the team has a copy of each, encrypted" is "$(mails "$name@example.org" | grep -c .)" 2
        for mail in $(mails "$name@example.org"); do
            claim "  it opens with the key of $name alone, and the list has signed it" opens "$name" "$mail"
        done
    done
    mail=$(newest reporter@example.net)
    [ -n "$mail" ] || die 'the reporter got no acknowledgement'
    claim 'the reporter in clear got an acknowledgement' [ -s "$mail" ]
    for word in ringd ring_copy 'ring page' uest crash; do
        absent "$word" "$mail" || die "the acknowledgement has a word of the report: $word"
    done
    ok '  with nothing in it of what was written'
    say
    indent <"$mail"
    say
    claim 'the finder got one like it' is "$(mails finder@example.net | grep -c .)" 1
}

# The team writes back: encrypted to the key that was attached; in clear no more than the policy allows, which is no
# word of it.
answer_reporters() {
    say 'The fix is ready; it is planned for the date that stands above.' >"$dir/opened/answer.txt"
    for id in "$cloud_case" "$distro_case"; do
        embargoctl case reply "$id" "$dir/opened/answer.txt" --to reporter >/dev/null
    done
    settle
    claim 'the finder has an answer, encrypted to the key that was attached' opens finder "$(newest finder@example.net)"
    claim '  with the words of the team' grep -qF -- 'The fix is ready' "$dir/opened/finder"
    claim 'the reporter, without a key, has a notice that there is news (reporting.plain_text = "notice-only")' \
        is "$(mails reporter@example.net | grep -c .)" 2
    claim '  with no word of the team' absent 'fix is ready' "$dir/mail/reporter@example.net"
}

# opens NAME MAIL: decrypted with the home of NAME alone to opened/NAME, with a good signature by the list.
opens() {
    opened=$dir/opened/$1
    mail_open "$1" "$2" "$opened" && is "$(mail_signed_by "$opened")" "$list_fpr"
}

# ---- the advisories ----

# draft CASE NAME PATCH
draft() {
    embargoctl case accept "$1" >/dev/null
    embargoctl embargo set "$1" --until "$until" >/dev/null
    embargoctl advisory new "$1" --title "$(sed -n 's/^Title: //p' "$demo/$2")" >/dev/null
    embargoctl advisory edit "$1" "$demo/$2" --attach "$demo/$3" >/dev/null
    embargoctl case fix-ready "$1" >/dev/null
}

prepare() {
    until=$(date -u -d "$(cat "$clock") +10 days" +%Y-%m-%dT14:00:00Z)
    embargoctl case set "$distro_case" policy=distro-model >/dev/null
    draft "$cloud_case" advisory-cloud.txt ring-length.patch
    draft "$distro_case" advisory-distro.txt expired-list.patch
    claim "$cloud_case stays under the policy cloud-model@2026" \
        is "$(ask data.policy case show "$cloud_case")" cloud-model@2026
    claim "$distro_case is given the policy distro-model@2026" \
        is "$(ask data.policy case show "$distro_case")" distro-model@2026
    for id in "$cloud_case" "$distro_case"; do
        claim "$id is accepted, and under embargo until $until" is "$(ask data.until embargo show "$id")" "$until"
    done
    answer_reporters
    claim 'no member has been told anything yet' is "$(find "$dir/mail" -path '*.example/new/*' | wc -l)" 0
    say
    show embargoctl advisory show "$cloud_case"
}

send() {
    claim "a dry run sends nothing" embargoctl advisory send "$cloud_case" --dry-run
    settle
    claim "  and nobody has got a mail" is "$(find "$dir/mail" -path '*.example/new/*' | wc -l)" 0
    say
    for id in "$cloud_case" "$distro_case"; do
        show embargoctl advisory send "$id"
    done
    settle
}

# ---- what each party holds ----

# mail_of_case NAME CASE: the mails of NAME that open with its own key, and are about the case.
mail_of_case() {
    for mail in $(mails "security@$1.example"); do
        mail_open "$1" "$mail" "$dir/opened/$1.look" || die "$1 cannot open $mail"
        case $(field "$dir/opened/$1.look" Embargo-Case) in
        "$(label_of "$2")") printf '%s\n' "$mail" ;;
        esac
    done
}

# What the mails call a case: the public id where the policy gives one.
label_of() {
    label=$(ask data.public_id case show "$1")
    printf '%s\n' "${label:-$1}"
}

field() {
    mail_headers "$1" | sed -n "s/^$2: //p"
}

# verdict_of CASE ORG: verdict, rule and reason, with tabs between.
verdict_of() {
    ask 'data.recipients.*.org,verdict,rule,reason' advisory send "$1" --dry-run | sed -n "s/^$2	//p"
}

# names_only NAME MAIL: it is encrypted for the key of NAME and for none besides.
names_only() {
    is "$(mail_key_ids "$1" "$2")" "$(party_encrypts_with "$1")"
}

# has_patch FILE PATCH: the very patch, and the text names its SHA-256.
has_patch() {
    mail_part "$1" "$2" | cmp -s - "$demo/$2" &&
        mail_part "$1" | grep -q "^$(sha256sum "$demo/$2" | cut -d ' ' -f 1)  $2"
}

# Nobody else of all who have a home here can open it.
no_other_opens() {
    for other in $admins $distros $providers finder; do
        [ "$other" = "$1" ] && continue
        if mail_open "$other" "$2" "$dir/opened/other" 2>/dev/null || [ -s "$dir/opened/other" ]; then
            fault "$other can open the copy of $1"
            return 1
        fi
    done
}

# told NAME CASE PATCH TIER
told() {
    mail=$(mail_of_case "$1" "$2")
    claim "$1 holds one copy" is "$(printf '%s\n' "$mail" | grep -c .)" 1
    claim '  which opens with its own key alone; the list has signed it' opens "$1" "$mail"
    claim '  encrypted for that key and for none besides' names_only "$1" "$mail"
    claim '  outside, the subject is [...], and From and To are the list' is \
        "$(field "$mail" Subject) $(field "$mail" From) $(field "$mail" To)" "[...] $list_address $list_address"
    claim "  inside, it is under embargo until $until, told as $4" is \
        "$(field "$opened" Embargo-Until) $(field "$opened" Embargo-Tier)" "$until $4"
    claim "  with $3, as its SHA-256 in the text says" has_patch "$opened" "$3"
}

not_told() {
    mail=$(mail_of_case "$1" "$2")
    claim "$1 holds no copy" is "$mail" ''
    verdict=$(verdict_of "$2" "$1")
    rule=$(printf '%s\n' "$verdict" | cut -f 2)
    claim "  by the rule $rule: $(printf '%s\n' "$verdict" | cut -f 3)" is "$rule" tier.not-told
}

show_cloud() {
    say "  Case $cloud_case, under cloud-model@2026: distributions and service providers are told."
    say
    for name in $distros; do told "$name" "$cloud_case" ring-length.patch distros; done
    for name in $providers; do told "$name" "$cloud_case" ring-length.patch service-providers; done
}

show_distro() {
    say "  Case $distro_case, under distro-model@2026: distributions alone."
    say
    for name in $distros; do told "$name" "$distro_case" expired-list.patch distros; done
    for name in $providers; do not_told "$name" "$distro_case"; done
}

show_one_copy() {
    mail=$(mail_of_case delta-cloud "$cloud_case")
    say "  ${mail#"$dir/"}: what anybody can read on its way, before the encrypted part:"
    say
    mail_headers "$mail" | indent
    say
    claim 'delta-cloud opens it, with the only secret key that its home has' opens delta-cloud "$mail"
    claim 'none of the seven others has a key that opens it' no_other_opens delta-cloud "$mail"
    say
    say '  Inside, the protected headers:'
    say
    mail_headers "$opened" | indent
    say
    say '  and the text begins:'
    say
    mail_part "$opened" | tr -d '\r' | sed '/^IMPACT/,$d' | fold -s -w 110 | indent
}

# None of the words of the cases may stand in clear in what is stored.
show_rest() {
    claim 'the audit trail is whole' embargoctl audit verify
    for word in ring_copy verify_list 'Guest can write' 'package lists'; do
        claim "\"$word\" stands nowhere in clear: database, spool, queue, mails, log" \
            absent "$word" "$dir/state" "$dir/mail" "$log"
    done
}
