#!/bin/sh
# The clock of a live daemon, which no clock file moves: what cannot be undone is held while the kernel does not hold its
# clock to be synchronised, and after a jump of wall time against CLOCK_BOOTTIME; the admins hear of it; check finds it;
# it goes on by itself once the clock is right, or for one case by publish confirm.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/live.sh"
need cc

init
# What the programs are told of the time: two shifts in seconds, of all clocks and of wall time alone, and whether the
# kernel holds its clock to be unsynchronised. In the folder of the GnuPG homes, which is what gpg may read.
wire=$T/i/gnupg/clock
cat >"$T/w/shim.c" <<'X'
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
static const volatile int64_t *told; /* 0: all clocks, 1: wall time alone, 2: unsynchronised */
__attribute__((constructor)) static void begin(void)
{
    int fd = open(getenv("CLOCK_WIRE"), O_RDONLY | O_CLOEXEC);
    void *p = mmap(NULL, 24, PROT_READ, MAP_SHARED, fd, 0);
    told = p == MAP_FAILED ? NULL : p;
    close(fd);
}
static int64_t shift(clockid_t which)
{
    if (!told || (which != CLOCK_REALTIME && which != CLOCK_BOOTTIME))
        return 0;
    return told[0] + (which == CLOCK_REALTIME ? told[1] : 0);
}
int clock_gettime(clockid_t which, struct timespec *ts)
{
    int (*next)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int rc = next(which, ts);
    ts->tv_sec += shift(which);
    return rc;
}
time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &ts);
    *tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
    return 0;
}
int adjtimex(struct timex *t)
{
    t->status = told && told[2] ? STA_UNSYNC : STA_PLL;
    return told && told[2] ? TIME_ERROR : TIME_OK;
}
X
cc -shared -fPIC -O1 -o "$T/i/gnupg/shim.so" "$T/w/shim.c" -ldl || exit 99

# tell ALL WALL UNSYNCHRONISED: from now on; and what the homes of the people take for now. Numbers of 8 bytes.
all=0 wall=0
number() {
    number_left=$1
    for number_byte in 1 2 3 4 5 6 7 8; do
        printf "\\$(printf %03o $((number_left % 256)))"
        number_left=$((number_left / 256))
    done
}
tell() {
    all=$1 wall=$2
    { number "$1"; number "$2"; number "$3"; } >"$T/w/wire"
    # One write into the very file that is mapped.
    dd if="$T/w/wire" of="$wire" bs=24 count=1 conv=notrunc 2>/dev/null
    set_clock "$(date -u -d "@$(($(date +%s) + all + wall))" +%Y-%m-%dT%H:%M:%SZ)"
}
instant() { date -u -d "@$(($(date +%s) + all + wall + $1))" +%Y-%m-%dT%H:%M:%SZ; }
shimmed="env CLOCK_WIRE=$wire LD_PRELOAD=$T/i/gnupg/shim.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0"

state() { get .data.state case show "$1"; }
# alarms WORDS: how many mails of ann's have them inside.
alarms() {
    alarms_n=0
    for alarms_file in $(find "$T/i/mail/ann@example.org/new" -type f 2>/dev/null); do
        alarms_text=$T/w/open.$(basename "$alarms_file")
        [ -e "$alarms_text" ] || open_mail ann "$alarms_file" "$alarms_text"
        grep -qF -e "$1" "$alarms_text" && alarms_n=$((alarms_n + 1))
    done
    echo $alarms_n
}
# clock_row STATUS: the details that check has of the clock, with this status.
clock_row() {
    $shimmed timeout 60 "$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
    jq -r --arg s "$1" '[.data[] | select(.name == "clock" and .status == $s and .remedy != "") | .detail] | join("; ")' \
        "$T/w/check"
}

# The release of a case is automatic; of two tiers one hears three days before it and no earlier.
cat >"$T/i/policy/staged@1.conf" <<'X'
policy = { id = "staged"; edition = "1"; };
tracks = ( { name = "all"; mode = "coordinated"; model = "cloud"; when = { }; } );
tiers = ( { name = "late"; classes = [ "distro" ]; tracks = [ "all" ];
            notice = { before_publish = "3 calendar-days"; hold_until = true; }; } );
release = { automatic = true; };
publication = { channels = ( { kind = "mail"; to = "announce@lists.example.net"; } ); id = "EX-{n}"; };
X
sed -i 's/^\( *policy = \)"[^"]*"/\1"staged@1"/' "$conf"
sed -i '/^courier/d; /^smtp/d; s/^reminders.*/reminders = [];/' "$conf"
printf 'courier = "maildir";\n' >>"$conf"
head -c 24 /dev/zero >"$wire"
tell 0 0 0
make_key birch security@birch.example
give_key birch "$T/k/list.asc"
live $shimmed
member birch distro late

# told DAYS TITLE: a case whose advisory waits for its instant; its id in $id, its date so many days from now.
printf '## DESCRIPTION\nWords.\n' >"$T/w/advisory"
told() {
    mail 'Rita <rita@reporter.example>' "$2" <<X >"$T/w/m"
Words.
X
    id=$(get .data.id case open --from "$T/w/m")
    ctl case accept "$id" >/dev/null
    ctl embargo set "$id" --until "$(instant $(($1 * 86400)))" >/dev/null
    ctl advisory new "$id" --title "$2" >/dev/null
    ctl advisory edit "$id" "$T/w/advisory" >/dev/null
    ctl advisory send "$id" >"$T/w/out" || { not_ok "advisory send: $2"; cat "$T/w/out"; }
    settle
}
day=86400

told 4 first
first=$id
same 'the clock is right: nothing is said of it' '' "$(clock_row warn)$(clock_row fail)"

# ---- not synchronised ----
tell $((day + 60)) 0 1
until_same 'an alarm comes, once something is due' 1 alarms 'Rule:  clock.unsynchronised'
same 'what was due is held' 0 "$(box security@birch.example)"
same 'check finds it' "the kernel's clock is not synchronised" "$(clock_row warn)"
ctl status >"$T/w/status"
has 'so does status' 'does not hold its clock to be synchronised' "$T/w/status"
tell $((day + 120)) 0 0
until_same 'the clock is right again: it goes by itself' 1 box security@birch.example

told 4 second
second=$id
tell $((2 * day + 240)) 0 1
until_same 'not synchronised again: another alarm' 2 alarms 'Rule:  clock.unsynchronised'
same 'and held' 1 "$(box security@birch.example)"
check 'publish confirm' ctl publish confirm "$second"
until_same 'lets the notice of that case go' 2 box security@birch.example
denied release.not-yet 'nothing else of it is held: its date has not come' publish confirm "$second"

# The date of the first comes.
tell $((4 * day + 60)) 0 1
until_same 'the release is held' 'held clock.unsynchronised' get '.data.release | "\(.state) \(.rule)"' embargo show "$first"
until_same 'and an alarm says so' 1 alarms 'Rule:   clock.unsynchronised'
same 'nothing is public' 'predisclosed 0' "$(state "$first") $(box announce@lists.example.net)"
check 'publish confirm' ctl publish confirm "$first"
until_same 'lets it go' 'public' state "$first"
until_same 'with its mail' 1 box announce@lists.example.net
same 'and no other case' predisclosed "$(state "$second")"
tell $((4 * day + 120)) 0 0

# ---- a jump ----
told 4 third
third=$id
before=$(box security@birch.example)
tell $((4 * day + 180)) $((day + 3600)) 0
until_same 'wall time has jumped by a day: an alarm' 1 alarms 'Rule:  clock.jumped'
same 'what would be due is held' "$before" "$(box security@birch.example)"
case $(clock_row fail) in
# A second may be cut off of each of the two clocks.
*'has jumped by 9'* | *'has jumped by 89999 '*) ok 'check finds it' ;;
*) not_ok "check finds it: $(clock_row fail)" ;;
esac
same 'and the dates of the cases are kept' "$before predisclosed" "$(box security@birch.example) $(state "$second")"
tell $((4 * day + 240)) 0 0
until_same 'it jumps back: nothing is wrong any more' '' clock_row fail
sleep 1
same 'nothing has gone' "$before" "$(box security@birch.example)"

# It was right after all: an admin vouches for it. The second case is due by it, too, and goes; it needs no more.
tell $((4 * day + 300)) $((day + 3600)) 0
until_same 'it jumps again: an alarm' 2 alarms 'Rule:  clock.jumped'
check 'publish confirm' ctl publish confirm "$third"
until_same 'the clock is believed from then on' '' clock_row fail
until_same 'the notice goes' $((before + 1)) box security@birch.example
tell $((4 * day + 420)) $((day + 3600)) 0
until_same 'and at its next try what else was due' public state "$second"
stop
ctl audit verify >"$T/w/out" 2>&1
has 'the trail is whole' '"bad_seq": null' "$T/w/out"
finish
