#!/bin/sh
# Mail that no person is to read as a report is held under its rule, and holds up nothing: what the held list says, how
# a held mail is let in, how it is wiped. (T059 has the hostile ones.)
. "${srcdir:-.}/tests/lib/flow.sh"

make_key rita rita@reporter.example
make_key else else@reporter.example
init
start
give_key rita "$T/k/list.asc"
held() { get '.data | length' held list; }
rule() { get '.data | last | .rule' held list; }

# hold WORDS RULE [SENDER] [RECIPIENT]: $T/w/m is held, nobody is answered, and the next mail is a case.
n=0
hold() {
    n=$((n + 1))
    before_held=$(held) before_cases=$(cases)
    post "${3-rita@reporter.example}" "$T/w/m" "${4:-$list}" || not_ok "embargo-inject: $1"
    mail 'Good <good@reporter.example>' "good $n" <<X >"$T/w/next"
Good mail $n.
X
    inject good@reporter.example "$T/w/next"
    same "$1: held" "$((before_held + 1)) $2" "$(held) $(rule)"
    same 'and the next mail is a case' $((before_cases + 1)) "$(cases)"
}

mail 'MAILER-DAEMON@mx.example.net' 'Undelivered' <<X >"$T/w/m"
It came back.
X
hold 'the null sender' bounce ''
hold 'to an address of a copy' bounce x@mx.example.net security+b-aaaaaaaaaaaaaaaaaaaaaaaaaa@example.org
mail 'Away <away@reporter.example>' 'Out of office' 'Auto-Submitted: auto-replied' <<X >"$T/w/m"
I am away.
X
hold 'Auto-Submitted' auto-submitted
mail 'Rita <rita@reporter.example>' 'not automatic' 'Auto-Submitted: no' <<X >"$T/w/m"
By hand.
X
before=$(cases)
inject rita@reporter.example "$T/w/m"
same 'Auto-Submitted: no is a person' $((before + 1)) "$(cases)"
mail 'List <list@reporter.example>' 'weekly' 'Precedence: bulk' <<X >"$T/w/m"
News.
X
hold 'Precedence: bulk' precedence
mail 'Rita <rita@reporter.example>' 'let us in' <<X >"$T/w/m"
Let us in, please.
X
hold 'to the address for applications, no form, nobody proved' application rita@reporter.example security+apply@example.org

# ---- OpenPGP that cannot be read ----
text_part <<X >"$T/w/part"
Secret words.
X
encrypted_part "$T/w/part" --homedir "$T/k/else" -r "$(fpr else)" --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' 'x' >"$T/w/m"
hold 'encrypted to nobody of ours' not-for-us
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' 'x' | sed '/^-----END PGP/,$d' | sed '$d' >"$T/w/m"
hold 'armor that ends early' truncated
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --encrypt --rfc2440 --disable-mdc >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' 'x' >"$T/w/m"
# gpg 2.2.8 and later add the integrity all the same where the key can it; then this is a case.
if sed -n '/^-----BEGIN/,/^-----END/p' "$T/w/m" | gpg --homedir "$T/k/rita" --batch --list-packets 2>/dev/null | grep -q 'mdc_method: 0'; then
    hold 'without integrity' no-integrity
fi

# somebody else's ciphertext
encrypted_part "$T/w/part" --homedir "$T/k/rita" -r "$list_fpr" --encrypt >"$T/w/enc"
mail_of "$T/w/enc" 'Rita <rita@reporter.example>' 'mine' >"$T/w/m"
inject rita@reporter.example "$T/w/m"
mail_of "$T/w/enc" 'Mallory <mallory@stranger.example>' 'mine now' >"$T/w/m"
hold "somebody else's ciphertext" ciphertext-seen mallory@stranger.example
same 'who hears nothing' 0 "$(box mallory@stranger.example)"

# ---- the team hears of it, sealed ----
copy=$(for file in "$T/i/mail/ann@example.org/new"/*; do open_mail ann "$file" "$T/w/open" && grep -q 'ciphertext-seen' "$T/w/open" && echo "$file"; done | head -n 1)
same 'the team is told which rule' 1 "$(echo "$copy" | grep -c .)"
same 'and in clear nothing' '[...]' "$(field Subject "$copy")"

# ---- held show, release, discard ----
mail 'Away <away@reporter.example>' 'Sesame subject' 'Auto-Submitted: auto-generated' \
    'Authentication-Results: mx.example.org; dmarc=pass' <<X >"$T/w/m"
Sesame text.
X
hold 'one to look at' auto-submitted
one=$(get '.data | last | .id' held list)
same 'held show: who, to whom' "rita@reporter.example $list" "$(get '.data | .sender + " " + .recipient' held show "$one")"
same 'and how it begins' 1 "$(get .data.beginning held show "$one" | grep -c 'Sesame text')"
boxed=$(box rita@reporter.example)
check 'held release' ctl held release "$one"
settle
before=$(cases)
same 'it is a case' 'Sesame subject' "$(ctl case list | jq -r '.data[].title' | grep -x 'Sesame subject')"
same 'which no program answers' "$boxed" "$(box rita@reporter.example)"
same 'and off the list' 0 "$(get '.data[].id' held list | grep -cx "$one")"
denied held.over 'released once' held release "$one"
denied held.over 'nor discarded then' held discard "$one"

mail 'Away <away@reporter.example>' 'Sesame subject' 'Auto-Submitted: auto-generated' <<X >"$T/w/m"
Sesame once more.
X
hold 'another' auto-submitted
other=$(get '.data | last | .id' held list)
check 'held discard' ctl held discard "$other"
same 'off the list' 0 "$(get '.data[].id' held list | grep -cx "$other")"
before=$(cases)
settle
same 'no case comes of it' "$before" "$(cases)"
same 'its bytes are gone' 0 "$(sqlite3 -readonly "$T/i/state/db.sqlite" \
    "SELECT COUNT(*) FROM held WHERE code = '$other' AND coalesce(length(sealed_raw), 0) > 0")"
ctl held discard nonesuch >/dev/null
same 'no such mail: 3' 3 $?

lacks 'the log has no word of a held mail' Sesame "$T/log"
lacks 'and no sender' away@ "$T/log"
check 'the audit trail holds' ctl audit verify
stop
finish
