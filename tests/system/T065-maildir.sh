#!/bin/sh
# Mail out of a Maildir (maildir_in): what Postfix or Dovecot has put there becomes a case and leaves the folder; what
# comes twice after a crash is one; what tells no envelope is held; what is no mail stays, and check says so.
. "${srcdir:-.}/tests/lib/flow.sh"

init
in=$T/i/in
mkdir -p "$in/new" "$in/cur" "$in/tmp"
printf 'maildir_in = "in";\n' >>"$conf"
held() { get '.data | length' held list; }

# deliver NAME: standard input into the folder, as a delivery agent does it.
deliver() {
    cat >"$in/tmp/$1" && mv "$in/tmp/$1" "$in/new/$1"
}

# taken: waits until the folder has no more than $1 files, and all of it is dealt with.
taken() {
    for taken_try in $(seq 300); do
        [ "$(ls "$in/new" | wc -l)" -le "${1:-0}" ] && break
        sleep 0.1
    done
    same 'the folder is empty, but for what is left' "${1:-0}" "$(ls "$in/new" | wc -l)"
    settle
}

# One waits since before the start.
{ printf 'Return-Path: <rita@reporter.example>\nX-Original-To: security@example.org\nDelivered-To: box@mx.example.org\n'
  mail 'Rita <rita@reporter.example>' 'from a folder' 'Received: from reporter.example by mx.example.org' <<X; } >"$T/w/m"
Found by looking.
X
deliver 1.early <"$T/w/m"
start
taken
same 'a mail that waited is a case' 1 "$(cases)"
id=$(new_case)
same 'with its subject' 'from a folder' "$(get .data.title case show "$id")"

# A crash between the spool's commit and the unlink leaves it in both places.
deliver 2.again <"$T/w/m"
taken
same 'the same mail again changes nothing' 1 "$(cases)"

# A thread's address stands in X-Original-To, where the mailbox is another.
{ printf 'Return-Path: <dora@reporter.example>\nDelivered-To: security@example.org\n'
  mail 'Dora <dora@reporter.example>' 'second' 'Received: x' <<X; } | deliver 3.new
Another.
X
taken
same 'a mail that comes later is a case' 2 "$(cases)"

{ mail 'Nemo <nemo@reporter.example>' 'no envelope' 'Received: x' "Delivered-To: $list" <<X; } | deliver 4.bare
Fields below Received are the sender's own.
X
taken
same 'without an envelope it is held' '2 1 no-envelope' "$(cases) $(held) $(get '.data[0].rule' held list)"
check 'an admin lets it in' ctl held release "$(get '.data[0].id' held list)"
settle
same 'and it is a case' 3 "$(cases)"

mkfifo "$in/new/5.pipe"
ln -s "$T/w/m" "$in/new/5.link"
head -c 70000000 /dev/zero >"$in/tmp/5.huge" && mv "$in/tmp/5.huge" "$in/new/5.huge"
{ printf 'Return-Path: <eve@reporter.example>\nDelivered-To: security@example.org\n'
  mail 'Eve <eve@reporter.example>' 'behind a pipe' <<X; } | deliver 6.new
Good.
X
taken 3
same 'what is no mail holds up nothing' 4 "$(cases)"
"$bin/embargoctl" -c "$conf" --json check >"$T/w/check"
same 'check tells of them' "warn 3" \
    "$(jq -r '.data[] | select(.name == "maildir_in") | .status + " " + (.detail | split(" ")[0])' "$T/w/check")"
stop

# A rehearsal is a copy: it does not touch a folder outside of it.
mkdir -p "$T/out/new"
cp "$T/w/m" "$T/out/new/1.real"
sed -i "s|^maildir_in.*|maildir_in = \"$T/out\";|" "$conf"
start
settle
stop
same 'a rehearsal leaves mail outside of its home' 1 "$(ls "$T/out/new" | wc -l)"
has 'and says so' 'event=maildir-not-read rule=rehearsal' "$T/log"

finish
