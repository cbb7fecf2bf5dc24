#!/bin/sh
# What falls due over the years, under a clock that jumps: the warnings before a key ends and the yearly question, each
# once, on its day, and the most urgent alone where several were missed. What is expected stands here by hand.
. "${srcdir:-.}/tests/lib/flow.sh"

init
for policy in "$T/i"/policy/cloud-model@2026.conf; do
    sed -i 's/^\( *reattest = \)"unstated"/\1"12 calendar-months"/' "$policy"
done
orgs='acorn birch cedar delta ember'
for org in $orgs; do make_key $org security@$org.example & done
wait_keys
wait
start
zero=$now

# on DAYS [SECONDS]: the clock so many days behind the beginning.
at() { date -u -d "@$(($(date -u -d "$zero" +%s) + $1 * 86400 + ${2:-0}))" +%Y-%m-%dT%H:%M:%SZ; }
on() {
    set_clock "$(at "$@")"
    settle
}
# ends ORG DAYS [SUBKEY...]: its key is made to end then, and exported.
ends() {
    ends_org=$1 ends_at=$(at "$2" | tr -d ':Z-')
    shift 2
    gpg --homedir "$T/k/$ends_org" --batch -q --passphrase '' --quick-set-expire "$(fpr $ends_org)" "$ends_at" "$@" 2>/dev/null
    gpg --homedir "$T/k/$ends_org" --batch --armor --export "$(fpr $ends_org)" >"$T/k/$ends_org.asc"
}
# new NAME ADDRESS: what came since the last look, by subject; of the keys' warnings and questions alone.
new() {
    mkdir -p "$T/w/seen"
    for new_file in $(find "$T/i/mail/$2/new" -type f -printf '%T@ %p\n' 2>/dev/null | sort -n | cut -d' ' -f2-); do
        if open_mail "$1" "$new_file" "$T/w/new"; then sed -n 's/^Subject: *//p' "$T/w/new" | head -n 1
        elif grep -q 'cannot be used any more' "$new_file"; then echo 'plain notice'; fi
        mv "$new_file" "$T/w/seen/"
    done | grep 'expire\|plain\|Is your membership' | sed 's/ on [0-9-]*//; s/Your OpenPGP key expires/key/; s/Is your.*/question/' |
        sort | tr '\n' ';'
}
all_new() { for org in $orgs; do printf '%s=%s ' $org "$(new $org security@$org.example)"; done | sed 's/ $//'; }
# looks WORDS ACORN BIRCH CEDAR DELTA ADMINS
looks() {
    same "$1" "acorn=$2 birch=$3 cedar=$4 delta=$5 ember=" "$(all_new)"
    same "$1: admins" "$6" "$(new bob bob@example.org)"
}

# ---- keys that end; of two subkeys, the one that is used first ends before the other ----
ends acorn 70
ends birch 200
gpg --homedir "$T/k/cedar" --batch -q --passphrase '' --quick-add-key "$(fpr cedar)" cv25519 encr "$(at 65 | tr -d ':Z-')" 2>"$T/w/err"
first=$(gpg --homedir "$T/k/cedar" --batch --with-colons -K | awk -F: '$1 == "fpr" { print $10 }' | sed -n 2p)
ends cedar 180 "$first"
ends delta 70
ends ember 70
for org in acorn birch cedar delta ember; do member $org distro distros; done
check 'one is suspended' ctl member suspend delta --reason 'for a while'
check 'one is removed' ctl member remove ember --reason gone
settle
looks 'nothing yet' '' '' '' '' ''
on 10 -1
looks 'a second before the sixtieth day' '' '' '' '' ''
on 10
looks 'on the sixtieth' 'key;' '' '' '' 'The key of acorn expires;'
on 60
looks 'over two of them: the last alone' 'key;' '' '' '' 'The key of acorn expires;'
on 60
stop
start
settle
looks 'started again' '' '' '' '' ''
check 'renewed: reinstated too' ctl member reinstate delta --reason back
settle
looks 'who is back hears at once' '' '' '' 'key;' 'The key of delta expires;'
set_clock "$now"
ends acorn 4000
ends acorn 4000 '*'
check 'a key is renewed between two warnings' ctl key import "$T/k/acorn.asc"
on 69 -1
looks 'a second before the last day' '' '' '' 'key;' 'The key of delta expires;'
on 69
looks 'the renewed one is warned no more' '' '' '' 'key;' 'The key of delta expires;'
on 70
looks 'at its end' '' '' '' 'plain notice;' 'The key of delta has expired;'
check 'suspended' ctl member suspend delta --reason 'until it has a key'
on 72
check 'back with a key that has ended' ctl member reinstate delta --reason back
settle
looks 'it is said once more' '' '' '' 'plain notice;' 'The key of delta has expired;'
same 'in trouble' key-trouble "$(get .data.state member show delta)"
check 'gone' ctl member remove delta --reason gone

# ---- a subkey has ended, another is left ----
on 120 -1
looks 'over the end of one subkey' '' '' '' '' ''
on 120
looks 'sixty days before the end of the other' '' '' 'key;' '' 'The key of cedar expires;'
on 145
looks 'sixty days before the next' '' 'key;' '' '' 'The key of birch expires;'
set_clock "$now"
gpg --homedir "$T/k/birch" --batch -q --passphrase '' --quick-add-uid "$(fpr birch)" 'second <second@birch.example>' 2>/dev/null
gpg --homedir "$T/k/birch" --batch --armor --export "$(fpr birch)" >"$T/k/birch.asc"
check 'it comes again with another name' ctl key import "$T/k/birch.asc"
settle
looks 'which is no news of its end' '' '' '' '' ''
ctl member remove cedar --reason gone >"$T/w/out"

# ---- stopped over the end ----
stop
set_clock "$(at 201)"
start
settle
looks 'stopped over four warnings and the end: the end alone' '' 'plain notice;' '' '' 'The key of birch has expired;'
ctl member remove birch --reason gone >"$T/w/out"

# ---- the yearly question, from a 29 February ----
set_clock 2028-02-29T12:00:00Z
settle
same 'a year is over: one question' 'question;' "$(new acorn security@acorn.example)"
make_key fern security@fern.example
orgs='acorn fern'
member fern distro distros
set_clock 2028-03-31T12:00:00Z
settle
same 'over both reminders and the end: no reminder' '' "$(new acorn security@acorn.example)"
same 'suspended' suspended "$(get .data.state member show acorn)"
set_clock 2029-02-28T11:00:00Z
settle
same 'a year less an hour' '' "$(new fern security@fern.example)"
set_clock 2029-03-01T11:00:00Z
settle
same 'from 29 February to 28 February' 'question;' "$(new fern security@fern.example)"
set_clock 2029-03-08T10:59:59Z
settle
same 'a second before the reminder' '' "$(new fern security@fern.example)"
set_clock 2029-03-08T11:00:00Z
settle
same 'the reminder' 'question;' "$(new fern security@fern.example)"
set_clock 2029-03-31T10:59:59Z
settle
same 'a second before the thirtieth day' "question; active" "$(new fern security@fern.example) $(get .data.state member show fern)"
set_clock 2029-03-31T11:00:00Z
settle
same 'on it' " suspended" "$(new fern security@fern.example) $(get .data.state member show fern)"
check 'reinstated' ctl member reinstate fern --reason back
set_clock 2032-03-31T11:00:01Z
settle
same 'three years at once: one question' 'question;' "$(new fern security@fern.example)"
later '22 days'
settle
same 'over both reminders: one' 'question;' "$(new fern security@fern.example)"
stop
finish
