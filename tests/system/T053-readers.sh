#!/bin/sh
# Readers: what the programs that people use make of a member's copy and of a reply to a reporter: text, signature,
# protected Subject. The matrix is printed; a reader that has to open both and does not fails the test.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
. "${srcdir:-.}/tests/lib/readers.sh"
need notmuch mutt script sq rnp rnpkeys

reader_mails
secret reader
secret rita

# judge READER MAIL-WORD GOOD SUBJECT: of $T/w/read; GOOD is a pattern of the reader's own words, SUBJECT what it shows
# (a pattern; "" where the reader has no notion of it).
judge() {
    judge_text=$(yes_no grep -q "$reader_word" "$T/w/read")
    judge_good=$(yes_no grep -Eq "$3" "$T/w/read")
    judge_subject=-
    [ -z "$4" ] || judge_subject=$(yes_no grep -Eq "$4" "$T/w/read")
    row "$1" "$2" "$judge_text" "$judge_good" "$judge_subject" >>"$T/w/matrix"
    case "$judge_text $judge_good $judge_subject" in
    'yes yes yes' | 'yes yes -') ok "$1 reads the $2" ;;
    *)
        not_ok "$1 reads the $2"
        head -n 30 "$T/w/read" | sed 's/^/  /'
        ;;
    esac
}

subject_of() { if [ "$1" = copy ]; then echo "$public v1 - Ring page"; else echo 'Your report'; fi; }

# ---- notmuch: decrypts by gpg, and takes the protected Subject for the Subject ----
by_notmuch() {
    rm -rf "$T/w/nm"
    mkdir -p "$T/w/nm/mail/new" "$T/w/nm/mail/cur" "$T/w/nm/mail/tmp"
    cp "$T/w/$1" "$T/w/nm/mail/cur/1"
    printf '[database]\npath=%s/w/nm/mail\n[user]\nname=R\nprimary_email=r@example.org\n[index]\ndecrypt=true\n' "$T" >"$T/w/nm/config"
    NOTMUCH_CONFIG=$T/w/nm/config GNUPGHOME=$T/k/$2 notmuch new --quiet 2>/dev/null
    NOTMUCH_CONFIG=$T/w/nm/config GNUPGHOME=$T/k/$2 notmuch show --format=json --decrypt=true '*' >"$T/w/json" 2>/dev/null
    jq -r '.. | objects | select((.headers | type) == "object") | "SUBJECT \(.headers.Subject)", "PROTECTED \(.crypto.decrypted? | objects | ."header-mask".Subject)",
        (.crypto.signed.status[]? | "SIGNATURE \(.status) \(.fingerprint)")' "$T/w/json" >"$T/w/read"
    jq -r '.. | objects | select(."content-type"? == "text/plain") | .content' "$T/w/json" >>"$T/w/read"
}
for what in copy reply; do
    if [ $what = copy ]; then name=reader; else name=rita; fi
    by_notmuch $what $name
    judge notmuch $what "^SIGNATURE good $list_fpr" "^SUBJECT .*$(subject_of $what)"
    has "notmuch knows that the Subject was protected ($what)" 'PROTECTED [...]' "$T/w/read"
done

# ---- mutt, in a terminal of its own: what it would show in its pager ----
by_mutt() {
    rm -rf "$T/w/mutt"
    mkdir -p "$T/w/mutt/box/new" "$T/w/mutt/box/cur" "$T/w/mutt/box/tmp"
    cp "$T/w/$1" "$T/w/mutt/box/cur/1:2,S"
    printf '#!/bin/sh\ncat "$1" >"%s"\n' "$T/w/read" >"$T/w/mutt/pager"
    chmod +x "$T/w/mutt/pager"
    : >"$T/w/read"
    cat >"$T/w/mutt/rc" <<X
set crypt_use_gpgme=yes crypt_protected_headers_read=yes pager=$T/w/mutt/pager prompt_after=no wait_key=no charset=utf-8
set folder=$T/w/mutt record="" postponed="" history_file="" move=no quit=yes timeout=1 beep=no
ignore *
unignore subject from to
X
    GNUPGHOME=$T/k/$2 TERM=xterm LC_ALL=C.UTF-8 HOME=$T/w/mutt timeout 20 script -qec \
        "mutt -n -F $T/w/mutt/rc -R -f $T/w/mutt/box -e 'push \"<display-message><exit>\"'" /dev/null \
        </dev/null >/dev/null 2>&1
}
for what in copy reply; do
    if [ $what = copy ]; then name=reader; else name=rita; fi
    by_mutt $what $name
    judge mutt $what 'Good signature from' "^Subject: .*$(subject_of $what)"
done

# ---- gpg, sq, rnp: have no Subject, but show what stands in the payload ----
for what in copy reply; do
    if [ $what = copy ]; then name=reader; else name=rita; fi
    cipher "$T/w/$what"
    open_mail $name "$T/w/$what" "$T/w/open"
    cat "$T/w/open" "$T/w/open.status" >"$T/w/read"
    judge gpg $what "VALIDSIG .*$list_fpr" "^Subject: .*$(subject_of $what)"
    sq decrypt --recipient-key "$T/k/$name.secret" --signer-cert "$T/k/list.asc" "$T/w/cipher.asc" >"$T/w/read" 2>&1
    judge sq $what '1 good signature' "^Subject: .*$(subject_of $what)"
    mkdir -m 700 "$T/w/rnp-$what"
    rnpkeys --homedir "$T/w/rnp-$what" --import-keys "$T/k/$name.secret" >/dev/null 2>&1
    rnpkeys --homedir "$T/w/rnp-$what" --import-keys "$T/k/list.asc" >/dev/null 2>&1
    rnp --homedir "$T/w/rnp-$what" -d --password '' --output - "$T/w/cipher.asc" >"$T/w/read" 2>&1
    judge rnp $what 'Good signature made|Signature\(s\) verified successfully' "^Subject: .*$(subject_of $what)"
done
# ---- Thunderbird, without a screen, where it is installed ----
by_thunderbird() {
    mkdir -p "$T/w/tb/profile" "$T/w/tb/home"
    thunderbird_port=$port
    cat >"$T/w/tb/profile/user.js" <<X
user_pref("marionette.port", $thunderbird_port);
user_pref("mail.openMessageBehavior", 0);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.dns.disabled", true);
X
    for what in copy reply; do cp "$T/w/$what" "$T/w/tb/$what.eml"; done
    HOME=$T/w/tb/home timeout -k 1 25 thunderbird --headless --marionette --remote-allow-system-access --no-remote \
        --profile "$T/w/tb/profile" >"$T/w/tb/log" 2>&1 &
    thunderbird_pid=$!
    timeout 22 node "${srcdir:-.}/tests/lib/thunderbird.mjs" $thunderbird_port "$T/k/list.asc" "$T/k/reader.secret" \
        "$T/k/rita.secret" -- "$T/w/tb/copy.eml" "$T/w/tb/reply.eml" >"$T/w/tb/out" 2>"$T/w/tb/err"
    thunderbird_code=$?
    kill $thunderbird_pid 2>/dev/null
    wait $thunderbird_pid 2>/dev/null
    return $thunderbird_code
}
if command -v thunderbird >/dev/null 2>&1 && command -v node >/dev/null 2>&1; then
    if by_thunderbird; then
        for what in copy reply; do
            awk -v want=$what '/^--end--$/ { n++; next } n == (want == "reply")' "$T/w/tb/out" >"$T/w/read"
            judge Thunderbird $what '^message-signed-verified$' "^Subject: .*$(subject_of $what)"
            has "Thunderbird finds the $what encrypted" message-encrypted-ok "$T/w/read"
        done
    else
        # Its inner parts change with every version: that they cannot be driven says nothing of our mail.
        row Thunderbird - 'not driven:' "$(tail -n 1 "$T/w/tb/err" | cut -c1-60)" '' >>"$T/w/matrix"
    fi
else
    row Thunderbird - 'not installed' '' '' >>"$T/w/matrix"
fi

row reader mail text signature Subject
cat "$T/w/matrix"
finish
