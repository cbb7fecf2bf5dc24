#!/bin/sh
# Another team's encrypted list is a member: it gets the advisory, hands it on to its own people, and what it sends back
# to us of it, in whatever way, is recognised: no case, no post, no copy to anybody, and the list falls silent.
. "${srcdir:-.}/tests/lib/flow.sh"

init
# Members may talk to each other: what is not recognised would go to all of them.
{ sed 's/^id = .*/id = "talk";/' "$T/i/policy/cloud-model@2026.conf"
  printf 'posting = ('
  printf '{ name = "report"; who = ["stranger", "reporter", "member"]; to = "report"; signature = "optional"; encrypted = "optional"; action = "allow"; },'
  printf '{ name = "m"; who = ["member"]; to = "members"; signature = "required"; encrypted = "required"; action = "allow"; });\n'; } \
    >"$T/i/policy/talk@2026.conf"
sed -i 's/policy = "[^"]*"/policy = "talk@2026"/' "$conf"
start
member theirs distro distros
member birch distro distros
theirs=security@theirs.example birch=security@birch.example
mail 'Rita <rita@reporter.example>' 'A hole' <<X >"$T/w/m"
It overflows.
X
inject rita@reporter.example "$T/w/m"
id=$(new_case)
ctl case accept "$id" >/dev/null
ctl case set "$id" track=embargoed >/dev/null
ctl embargo set "$id" --until "$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)" >/dev/null
ctl advisory new "$id" --title 'Overflow' >/dev/null
printf 'Title: Overflow\n\n## Summary\n\nIt overflows.\n' >"$T/w/advisory"
ctl advisory edit "$id" "$T/w/advisory" >/dev/null
check 'advisory send' ctl advisory send "$id"
settle
same 'their list has it' 1 "$(box $theirs)"
copy=$(newest $theirs)
check 'and opens it' open_mail theirs "$copy" "$T/w/open"

messages() { get '.data.messages | length' case show "$id"; }
held() { sqlite3 "$T/i/state/db.sqlite" 'SELECT rule FROM held ORDER BY id DESC LIMIT 1'; }
cases_before=$(cases) messages_before=$(messages) birch_before=$(box $birch) theirs_before=$(box $theirs)
unmoved() { # WORDS
    same "$1: no case, no post, no copy" "$cases_before $messages_before $birch_before $theirs_before" \
        "$(cases) $(messages) $(box $birch) $(box $theirs)"
}
our_id=$(field Message-ID "$copy")

# ---- as it came, resent by a list that hands on what it gets ----
sed '/^Return-Path:/Id; /^Delivered-To:/Id' "$copy" >"$T/w/m"
inject theirs-bounce@theirs.example "$T/w/m"
unmoved 'as it came'
same 'under its rule' list-echo "$(held)"

# ---- opened, signed and encrypted anew, with the fields of a list ----
echo_mail() { # FIELD...
    crlf <"$T/w/open" >"$T/w/part"
    encrypted_part "$T/w/part" --homedir "$T/k/theirs" -r "$list_fpr" --sign --encrypt >"$T/w/secret-mime"
    mail_of "$T/w/secret-mime" "Their list <$theirs>" '...' "$@" >"$T/w/m"
    inject theirs-bounce@theirs.example "$T/w/m"
}
echo_mail 'List-Id: <security.theirs.example>' "In-Reply-To: $our_id" "References: $our_id"
unmoved 'as their list sends it'
same 'under its rule' list-copy "$(held)"

# ---- without them, as an answer to the advisory: what is inside is ours all the same ----
echo_mail "In-Reply-To: $our_id" "References: $our_id"
unmoved 'without the fields of a list'
same 'under its rule' list-echo "$(held)"

# ---- its people's words are a member's, as anybody's ----
echo 'We are affected.' | secret_mail theirs "Their list <$theirs>" 'Re: Overflow' "In-Reply-To: $our_id" >"$T/w/m"
inject $theirs "$T/w/m"
same 'an answer of theirs is a post' $((messages_before + 1)) "$(messages)"
same 'by their name' member:theirs "$(get '.data.messages[-1].author' case show "$id")"
same 'which the others get' $((birch_before + 1)) "$(box $birch)"

# ---- the same echo again and again: the team hears of a few, then of none ----
before=$(box ann@example.org)
for try in 1 2 3 4 5 6; do echo_mail "In-Reply-To: $our_id" "X-Try: $try"; done
same 'the team has at most one notice more' yes "$([ $(($(box ann@example.org) - before)) -le 1 ] && echo yes)"
birch_before=$(box $birch) theirs_before=$(box $theirs) messages_before=$(messages)
later '1 hour'
settle
unmoved 'and all is silent'
stop
finish
