#!/bin/sh
# A build of the public site that the disk fails, or that a kill ends at a call that changes something: who reads finds
# the old site or the new one, whole; the team is told of a failure; the next build is right. Two lists, one site.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
site=$T/i/public
cc="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1"
case "$(cat "$bin/config.log" 2>/dev/null)" in *-fsanitize*) echo 'skipped: the trip wire does not go with sanitizers'; exit 77 ;; esac
{ $cc -shared -fPIC -o "$T/trip.so" "${srcdir:-.}/tests/crash/trip.c" -ldl && $cc -DTRIP_TOOL -o "$T/trip" "${srcdir:-.}/tests/crash/trip.c"; } 2>/dev/null ||
    { echo 'skipped: the trip wire does not compile here'; exit 77; }

init
"$bin/embargoctl" --json init --home "$T/i" --list second --address second@example.org --generate-key \
    --policy xen@2026 >"$T/w/init2" || { not_ok 'a second list'; cat "$T/w/init2"; }
gpgconf --homedir "$T/i/gnupg/second/list" --kill all
gpgconf --homedir "$T/i/gnupg/second/storage" --kill all
second_fpr=$(jq -r .data.fingerprint "$T/w/init2")
sed -i "s|^lists = (|lists = (\n  { name = \"second\"; address = \"second@example.org\"; policy = \"xen@2026\"; key = \"$second_fpr\"; },|" "$conf"
set_clock "$(at_midday 1)"
EMBARGO_TRIP=$T/wire
export EMBARGO_TRIP
"$T/trip" "$T/wire" arm core write 1000000 ENOSPC >/dev/null 2>&1
LD_PRELOAD=$T/trip.so
export LD_PRELOAD
start
unset LD_PRELOAD

released() { # LIST TITLE
    mail 'Ann <ann@example.org>' "$2" <<X >"$T/w/open"
Found.
X
    ctl --list "$1" case open --from "$T/w/open" >"$T/w/opened" || { not_ok 'case open'; cat "$T/w/opened"; }
    id=$(jq -r .data.id "$T/w/opened")
    { ctl case accept "$id" && ctl case fix-ready "$id" && ctl advisory new "$id" --title "$2"; } >/dev/null || not_ok 'a draft'
    usual_text "$2" >"$T/w/text"
    ctl advisory edit "$id" "$T/w/text" >/dev/null || not_ok 'advisory edit'
    ctl embargo lift "$id" >"$T/w/lift" || { not_ok 'embargo lift'; cat "$T/w/lift"; }
    settle
}
released main 'Of the first list'
released second 'Of the second list'
check 'publish build' ctl publish build
settle
for words in 'Of the first list' 'Of the second list' 'main/' 'second/'; do has "the root has: $words" "$words" "$site/index.html"; done
has 'a list has its own' 'Of the second list' "$site/second/index.html"
lacks 'and not the other' 'Of the first list' "$site/second/index.html"
same 'both in the feed' 2 "$(grep -c '<entry>' "$site/atom.xml")"

# ---- the disk is full ----
released main 'Another of the first list'
cp -r "$site" "$T/w/before"
sed -i 's|^lists = (|site = { title = "New"; };\n&|' "$conf"
mails_before=$(box ann@example.org)
"$T/trip" "$T/wire" arm core write 3 ENOSPC >"$T/w/arm" 2>&1 || { not_ok 'arming'; cat "$T/w/arm"; }
# Everything is to be written anew, since nothing can be linked to a site that has other bytes.
find "$site" -type f -exec sh -c 'printf x >>"$1"' sh {} \;
rm -rf "$T/w/before" && cp -r "$site" "$T/w/before"
ctl publish build >"$T/w/failed"
same 'a full disk: the command names the rule' 'false disk.full' "$(jq -r '"\(.ok) \(.rule)"' "$T/w/failed")"
check 'the old site stands, to the byte' diff -r "$T/w/before" "$site"
settle
same 'the team is told' yes "$([ "$(box ann@example.org)" -gt "$mails_before" ] && echo yes)"
check 'then it is built' ctl publish build
lacks 'and right' '</html>x' "$site/index.html"
settle
cp -r "$site" "$T/w/right"

# ---- killed ----
for n in 60; do
    find "$site" -type f -exec sh -c 'printf x >>"$1"' sh {} \;
    rm -rf "$T/w/before" && cp -r "$site" "$T/w/before"
    "$T/trip" "$T/wire" arm core change $n kill >/dev/null
    ctl publish build >"$T/w/killed" 2>&1
    if diff -rq "$T/w/before" "$site" >/dev/null; then state=old
    elif diff -rq "$T/w/right" "$site" >/dev/null; then state=new
    else state=HALF; fi
    if [ $state = HALF ]; then not_ok "killed at change $n: half a site"; else ok "killed at change $n: the $state one, whole"; fi
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ctl status >/dev/null 2>&1 && break
        sleep 0.2
    done
    ctl publish build >"$T/w/again" 2>&1 || { not_ok "built after that ($n)"; cat "$T/w/again"; }
    diff -rq "$T/w/right" "$site" >"$T/w/diff" 2>&1 || { not_ok "right after that ($n)"; head -n 5 "$T/w/diff"; }
done
settle
same 'nothing is left beside' '' "$(find "$T/i" -maxdepth 1 -name '.public*')"
stop
finish
