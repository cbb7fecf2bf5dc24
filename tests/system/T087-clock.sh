#!/bin/sh
# What happens because of time before the day of release: reminders, chases, the head of the audit trail, notices that
# wait for their instant and move with the date, the final notice; and a whole rehearsal that releases by itself.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/words.sh"

# team WORDS: how many mails of ann's hold them.
team() {
    team_n=0
    for team_file in $(find "$T/i/mail/ann@example.org/new" -type f); do
        team_text=$T/w/open.$(basename "$team_file")
        [ -e "$team_text" ] || open_mail ann "$team_file" "$team_text"
        if grep -qF -e "$1" "$team_text"; then team_n=$((team_n + 1)); cp "$team_text" "$T/w/told"; fi
    done
    echo $team_n
}

init
cat >"$T/i/policy/staged@1.conf" <<'X'
policy = { id = "staged"; edition = "1"; };
tracks = ( { name = "all"; mode = "coordinated"; model = "cloud"; when = { }; } );
tiers = (
    { name = "first"; classes = [ "distro" ]; tracks = [ "all" ];
      notice = { before_publish = "10 calendar-days"; final = "24 hours"; }; },
    { name = "late"; classes = [ "hosting-provider" ]; tracks = [ "all" ];
      notice = { before_publish = "3 calendar-days"; hold_until = true; }; }
);
clocks = ( { name = "triage"; start = "report"; end = "triage"; unit = "calendar-day"; max = 2; force = "limit";
             on_expiry = "escalate"; } );
release = { zone = "Europe/Berlin"; automatic = true; };
publication = { channels = ( { kind = "mail"; to = "announce@lists.example.net"; } ); id = "EX-{n}"; };
X
sed -i 's/^\( *policy = \)"[^"]*"/\1"staged@1"/' "$conf"
set_clock 2031-03-04T10:00:00Z
make_key alder security@alder.example
make_key birch security@birch.example
start
member alder distro first
member birch hosting-provider late
# A list of distributions takes only mail whose Subject begins with "[vs] "; it is a member like others.
make_key cone distros@vs.openwall.org
give_key cone "$T/k/list.asc"
set_clock "$now"
ctl member add --org cone --class distro --tier first --address distros@vs.openwall.org --key "$T/k/cone.asc" >"$T/w/member" || cat "$T/w/member"

mail 'Rita <rita@reporter.example>' 'a report' <<X >"$T/w/m"
Words.
X
id=$(get .data.id case open --from "$T/w/m")
set_clock 2031-03-05T00:00:00Z
settle
same 'at midnight the head of the audit trail comes' 1 "$(team 'Keep this mail.')"
anchor=$(sed -n 's/^embargoctl audit verify --anchor //p' "$T/w/told")
set_clock 2031-03-05T10:00:00Z
settle
same 'a reminder a day before' 1 "$(team 'comes in 1 day')"
set_clock 2031-03-06T10:00:00Z
settle
same 'at its instant' 1 "$(team 'has come.')"
set_clock 2031-03-06T16:00:00Z
settle
same 'escalated after six hours' 1 "$(team 'what it asks for is not done')"
ctl case accept "$id" >/dev/null
set_clock 2031-03-06T23:00:00Z
settle
same 'met: no more' 1 "$(team 'what it asks for is not done')"
set_clock 2031-03-07T16:00:00Z
settle
same 'no date: chased' 1 "$(team 'has no date of publication')"
set_clock 2031-03-08T16:00:00Z
settle
same 'and again the next day' 2 "$(team 'has no date of publication')"

# Told: the second tier waits for its instant, three days before; in Berlin summer time begins on March 30.
printf 'Title: an example\n\n## DESCRIPTION\nWords.\n' >"$T/w/advisory"
ctl embargo set "$id" --until 2031-04-01T10:00:00Z >/dev/null
ctl advisory new "$id" --title t >/dev/null && ctl advisory edit "$id" "$T/w/advisory" >/dev/null
ctl advisory send "$id" >/dev/null
settle
same 'the first tier is told, the second waits' '1 0' "$(box security@alder.example) $(box security@birch.example)"
same 'vs.openwall.org: the Subject begins as that list wants it' '[vs] [...] | [...]' \
    "$(field Subject "$(newest distros@vs.openwall.org)") | $(field Subject "$(newest security@alder.example)")"
open_mail cone "$(newest distros@vs.openwall.org)" "$T/w/vs"
has 'inside too' 'Subject: [vs] EX-1 v1 - an example' "$T/w/vs"
has 'with a date, an hour and its zone' 'Until:    2031-04-01T10:00:00Z' "$T/w/vs"
check 'signed' good_signature "$T/w/vs"
waits() { get '[.data[] | select(.address == "security@birch.example" and .kind == "advisory") | .earliest_at] | join(" ")' queue list; }
same 'for its instant, by the clock on the wall' 2031-03-29T11:00:00Z "$(waits)"
ctl embargo extend "$id" --until 2031-04-03T10:00:00Z --reason 'the patch grows' >/dev/null
settle
same 'the date moves: it waits for another' 2031-03-31T10:00:00Z "$(waits)"
same 'only who knows hears of it' '2 0' "$(box security@alder.example) $(box security@birch.example)"
set_clock 2031-03-31T09:59:59Z
settle
same 'not a second early' 0 "$(box security@birch.example)"
set_clock 2031-03-31T10:00:00Z
settle
same 'at its instant it is told' 1 "$(box security@birch.example)"
same 'reminded once of a date that four reminders were for' 1 "$(team 'comes in 3 days')"
set_clock 2031-04-02T10:00:00Z
settle
same 'the final notice, to its tier' '3 1' "$(box security@alder.example) $(box security@birch.example)"
open_mail alder "$(newest security@alder.example)" "$T/w/final"
has 'it holds the final text' 'Words.' "$T/w/final"
same 'the pre-flight' 1 "$(team 'is to be published at 2031-04-03T10:00:00Z')"
set_clock 2031-04-03T09:00:00Z
settle
same 'a reminder an hour before' 1 "$(team 'comes in 1 hour')"
set_clock 2031-04-03T09:59:59Z
settle
same 'not a second early' 'predisclosed 0' "$(get .data.state case show "$id") $(box announce@lists.example.net)"
set_clock 2031-04-03T10:00:00Z
settle
same 'it releases itself' 'public 1' "$(get .data.state case show "$id") $(box announce@lists.example.net)"
same 'both tiers hear that it is over' '4 2' "$(box security@alder.example) $(box security@birch.example)"
set_clock 2031-04-05T10:00:00Z
settle
same 'nothing of it is chased any more' '2 1' "$(team 'has no date of publication') $(team 'what it asks for is not done')"
stop

# The head that was mailed holds the trail: as it is, and not with an entry cut off or changed below it.
verify() { "$bin/embargoctl" -c "$conf" --json audit verify --anchor "$anchor"; }
check 'the trail holds by the head that was mailed' verify
sqlite3 "$T/i/state/db.sqlite" "UPDATE audit SET rule = 'other' WHERE id = 2"
refused 'not once it was changed' verify
words_are_whole ann ann@example.org
finish
