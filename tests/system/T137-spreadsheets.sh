#!/bin/sh
# Tables as people's spreadsheets write them, and as they come damaged: each row that is not taken is named by its line in
# the file that the admin has before him, the dry run and the run say the same, and nothing in the table is a formula
# where it is opened again.
. "${srcdir:-.}/tests/lib/flow.sh"

for org in acorn birch cedar; do make_key $org security@$org.example & done
wait
init
start
t=$T/w/table
mkdir "$t"
for org in acorn birch cedar; do cp "$T/k/$org.asc" "$t/$org.asc"; done

# verdicts FILE: line, organisation, verdict and rule of each row.
verdicts() { jq -r '.data.rows[] | "\(.line) \(.org) \(.verdict) \(.rule // "-")"' "$1"; }
# would WORDS FILE WANTED: what a dry run says of a file.
would() {
    ctl member import "$2" --dry-run >"$T/w/reply" 2>&1
    same "$1" "$3" "$(verdicts "$T/w/reply" 2>/dev/null || jq -r .rule "$T/w/reply")"
}
unread() { # WORDS FILE RULE WHAT-IS-SAID
    ctl member import "$2" --dry-run >"$T/w/reply" 2>&1
    same "$1: refused as usage" 2 $?
    same "$1" "$3" "$(jq -r .rule "$T/w/reply")"
    has "$1: says what" "$4" "$T/w/reply"
}

# ---- lines, and rows that are not well formed ----
{
    printf 'org,class,tier,address,key\n\n\n'
    printf 'acorn,distro,distros,security@acorn.example,acorn.asc\n'
    printf 'short,distro,distros\n'
    printf '"over\ntwo lines",distro,distros,two@lines.example,birch.asc\n'
    printf 'quote,distro,distros,"security@quote.example"x,\n'
    printf 'long,distro,distros,security@long.example,,more\n'
    printf 'latin caf\351,distro,distros,security@latin.example,\n'
    printf 'nul\000l,distro,distros,security@nul.example,\n'
    printf ',,,,\n'
    printf 'cedar,distro,distros,security@cedar.example,cedar.asc,,\n'
    printf 'cut,distro,distros,"security@cut.example,\nlast,distro,distros,security@last.example,\n'
} >"$t/lines.csv"
wanted='4 acorn add -
5 short refuse import.row
6 over
two lines refuse member.name
8 quote refuse import.row
9 long refuse import.row
10 latin caf? refuse import.row
11 nul refuse import.row
13 cedar add -
14 cut refuse import.row'
ctl member import "$t/lines.csv" --dry-run >"$T/w/dry"
same 'each bad row is named, by its line in the file' "$wanted" "$(verdicts "$T/w/dry" | sed 's/caf[^ ]* refuse/caf? refuse/')"
same 'with its reason' 'it has 3 fields, and the header 5' "$(jq -r '.data.rows[] | select(.line == 5) | .reason' "$T/w/dry")"
same 'one that is not UTF-8' 'it is not in UTF-8: save the table as that' "$(jq -r '.data.rows[] | select(.line == 10) | .reason' "$T/w/dry")"
same 'one that is cut off' 'a quote is not closed' "$(jq -r '.data.rows[] | select(.line == 14) | .reason' "$T/w/dry")"
ctl member import "$t/lines.csv" >"$T/w/done"
same 'the run says what the dry run has said' "$(jq -S .data.rows "$T/w/dry")" "$(jq -S .data.rows "$T/w/done")"
same 'and took the good rows' 'acorn cedar' "$(get '[.data[].org] | sort | join(" ")' member list)"
ctl member import "$t/lines.csv" >"$T/w/again"
same 'a second run changes nothing' '0 0 2 7' "$(jq -r '.data | "\(.added) \(.contacts) \(.unchanged) \(.refused)"' "$T/w/again")"

# ---- what spreadsheets write ----
tab=$(printf '\t')
row() { printf 'birch%sdistro%sdistros%ssecurity@birch.example%sbirch.asc%b' "$1" "$1" "$1" "$1" "$2"; }
head_row() { printf 'org%sclass%stier%saddress%skey%b' "$1" "$1" "$1" "$1" "$2"; }
{ head_row ';' '\r\n'; row ';' '\r\n'; } >"$t/semicolons.csv"
would 'semicolons' "$t/semicolons.csv" '2 birch add -'
{ head_row "$tab" '\n'; row "$tab" '\n'; } >"$t/tabs.csv"
would 'tabs' "$t/tabs.csv" '2 birch add -'
{ printf '\357\273\277'; head_row , '\r\n'; row , ''; } >"$t/mark.csv"
would 'a mark of UTF-8, and no last line end' "$t/mark.csv" '2 birch add -'
{ printf '\377\376'; { head_row "$tab" '\r\n'; row "$tab" '\r\n'; } | iconv -t UTF-16LE; } >"$t/utf16le.txt"
would 'UTF-16, the small end first' "$t/utf16le.txt" '2 birch add -'
{ printf '\376\377'; { head_row ';' '\r\n'; row ';' '\r\n'; printf 'caf\303\251;distro;distros;security@cafe.example;\r\n'; } | iconv -f UTF-8 -t UTF-16BE; } >"$t/utf16be.txt"
would 'UTF-16, the big end first' "$t/utf16be.txt" "2 birch add -
3 café add -"
{ printf ' Org , Class,TIER,Address ,key\n'; row , '\n'; } >"$t/case.csv"
would 'a header in other letters, with blanks' "$t/case.csv" '2 birch add -'
printf 'key,address,tier,class,org,,\nbirch.asc,security@birch.example,distros,distro,birch,,\n' >"$t/order.csv"
would 'columns in another order, and empty ones behind them' "$t/order.csv" '2 birch add -'
{ printf 'sep=;\r\n'; head_row ';' '\r\n'; row ';' '\r\n'; } >"$t/told.csv"
would 'a line for Excel that says the separator' "$t/told.csv" '3 birch add -'
{ head_row ', ' '\n'; row ', ' '\n'; } >"$t/blanks.csv"
would 'blanks behind the commas' "$t/blanks.csv" '2 birch add -'
same 'the key too' usable "$(jq -r '.data.rows[0].key_state' "$T/w/reply")"

# ---- what is none ----
: >"$t/empty.csv"
unread 'an empty file' "$t/empty.csv" import.header 'is empty'
printf 'org,class,tier,address,key\n' >"$t/header.csv"
would 'a header alone has no rows' "$t/header.csv" ''
printf 'org,class,tier,address,key,phone\n' >"$t/unknown.csv"
unread 'a column more' "$t/unknown.csv" import.header 'phone'
printf 'org,class,tier,address\n' >"$t/missing.csv"
unread 'a column less' "$t/missing.csv" import.header 'no column key'
printf 'org,class,tier,address,key,Org\n' >"$t/twice.csv"
unread 'a column twice' "$t/twice.csv" import.header 'org stands twice'
{ head_row , '\n'; row , '\n'; } | iconv -t UTF-16LE >"$t/nomark.txt"
unread 'UTF-16 that does not say so' "$t/nomark.txt" import.header 'UTF-8'
{ printf '\377\376'; head_row , '\n' | iconv -t UTF-16LE | head -c 21; } >"$t/odd.txt"
unread 'UTF-16 that is cut off within a character' "$t/odd.txt" import.header 'save the table as CSV'
printf 'PK\003\004\024\000\006\000\010\000' >"$t/members.xlsx"
unread 'a workbook' "$t/members.xlsx" import.header 'workbook'
{ head_row , '\r'; row , '\r'; } >"$t/cr.csv"
unread 'lines that end in CR' "$t/cr.csv" import.header 'CR alone'
{ head_row , '\n'; yes "$(row , '')" | head -n 20001; } >"$t/many.csv"
unread 'too many rows' "$t/many.csv" import.rows 'in parts'
head -c 70000000 /dev/zero | tr '\0' x >"$t/huge.csv"
ctl member import "$t/huge.csv" --dry-run >"$T/w/reply" 2>&1
same 'a file that is too large' 2 $?
rm "$t/huge.csv"
{ head_row , '\n'; printf 'birch,distro,distros,"'; head -c 52000000 /dev/zero | tr '\0' x; } >"$t/huge.csv"
would 'a quote that is open for 50 MB' "$t/huge.csv" '2 birch refuse import.row'
rm "$t/huge.csv"
same 'nothing came of them' 'acorn cedar' "$(get '[.data[].org] | sort | join(" ")' member list)"

# ---- keys that must not come in, one row each ----
gpg --homedir "$T/k/birch" --batch --armor --passphrase '' --export-secret-keys >"$t/secret.asc" 2>/dev/null
cp "$T/k/list.asc" "$t/list.asc"
cat >"$t/keys.csv" <<X
org,class,tier,address,key
birch,distro,distros,security@birch.example,secret.asc
list,distro,distros,list@elsewhere.example,list.asc
acorn again,distro,distros,second@acorn.example,acorn.asc
out,distro,distros,security@out.example,../table/birch.asc
root,distro,distros,security@root.example,/etc/passwd
list too,distro,distros,security@example.org,
X
would 'a secret key, the list'"'"'s own, another member'"'"'s, one from elsewhere' "$t/keys.csv" '2 birch refuse key.secret
3 list refuse key.duplicate
4 acorn again refuse key.duplicate
5 out refuse import.key
6 root refuse import.key
7 list too refuse contact.of-list'
cat >"$t/same.csv" <<X
org,class,tier,address,key
hazel,distro,distros,security@hazel.example,hazel.asc
Hazel,distro,distros,security@hazel.example,hazel.asc
elm,distro,distros,Security@Hazel.Example,
hazel,distro,distros,SECURITY@hazel.example,hazel.asc
hazel,distro,distros,security@hazel.example,
hazel,distro,distros,security@hazel.example,cedar.asc
hazel,distro,distros,second@hazel.example,hazel.asc
fern,distro,distros,security@fern.example,hazel.asc
ann,distro,distros,ann@fern.example,$T/k/ann.asc
ann,distro,distros,ann@fern.example,"$(cat "$T/k/ann.asc")"
gorse,distro,distros,security@gorse.example,holly.asc
holly,distro,distros,security@holly.example,shared.asc
X
make_key holly security@holly.example
make_key hazel security@hazel.example
cp "$T/k/hazel.asc" "$t/hazel.asc"
cp "$T/k/holly.asc" "$t/holly.asc"
would 'the same organisation, address and key again' "$t/same.csv" '2 hazel add -
3 Hazel refuse member.exists
4 elm refuse contact.taken
5 hazel unchanged -
6 hazel unchanged -
7 hazel refuse contact.exists
8 hazel contact -
9 fern refuse key.duplicate
10 ann refuse import.key
11 ann refuse key.duplicate
'"$(expr 11 + $(wc -l <"$T/k/ann.asc"))"' gorse add -
'"$(expr 12 + $(wc -l <"$T/k/ann.asc"))"' holly refuse import.key'
same 'a key for other addresses is said to be that' 'second@hazel.example security@gorse.example' \
    "$(jq -r '[.data.rows[] | select(.warning and .verdict != "refuse") | .address] | join(" ")' "$T/w/reply")"
cp "$T/w/reply" "$T/w/dry"
ctl member import "$t/same.csv" >"$T/w/done"
same 'and the run says so too' "$(jq -S .data.rows "$T/w/dry")" "$(jq -S .data.rows "$T/w/done")"
same 'nothing of the secret key is kept' '' "$(cd "$t" && gpg --homedir "$T/k/birch" --batch --passphrase '' --export-secret-keys 2>/dev/null |
    base64 -w 0 | cut -c81-160 | LC_ALL=C grep -rlaF -f - "$T/i" "$T/log")"

# ---- a database of Schleuder's, by its own schema (schleuder/schleuder, db/schema.rb, version 20220910170110) ----
schleuder() { # FILE
    sqlite3 "$1" <<'X'
PRAGMA journal_mode = WAL;
CREATE TABLE lists (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, created_at datetime, updated_at datetime,
    email varchar(255), fingerprint varchar(255), log_level varchar(255) DEFAULT 'warn', subject_prefix varchar(255) DEFAULT '',
    openpgp_header_preference varchar(255) DEFAULT 'signencrypt', internal_footer text DEFAULT '');
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, list_id integer, email varchar(255),
    fingerprint varchar(255), admin boolean DEFAULT 0, delivery_enabled boolean DEFAULT 1, created_at datetime, updated_at datetime);
INSERT INTO lists (email, fingerprint) VALUES ('Distros@Old.example', '');
INSERT INTO subscriptions (list_id, email, fingerprint) VALUES (1, 'Security@Birch.example', ''), (1, 'nokey@larch.example', NULL),
    (1, NULL, ''), (1, 'no address', '');
X
    sqlite3 "$1" "UPDATE subscriptions SET fingerprint = '$(fpr birch | tr A-F a-f)' WHERE id = 1"
}
schleuder "$t/schleuder.db"
cp "$T/k/birch.asc" "$t/keys.asc"
said() { jq -r '.data.rows[] | "\(.org) \(.verdict) \(.rule // .key_state)"' "$T/w/reply" | sort; }
ctl member import "$t/schleuder.db" --class distro --tier distros --dry-run >"$T/w/reply"
same 'each subscription, whatever the case of its address' ' refuse member.name
Birch.example add usable
larch.example add missing
no address refuse addr.bad-character' "$(said)"
same 'whose number is said' '1 2 3 4' "$(jq -r '[.data.rows[].line] | join(" ")' "$T/w/reply")"
head -c 5000 "$t/schleuder.db" >"$t/cut.db"
ctl member import "$t/cut.db" --class distro --tier distros --dry-run >"$T/w/reply" 2>&1
same 'one that is cut off' '2 schleuder.damaged' "$? $(jq -r .rule "$T/w/reply")"
sqlite3 "$t/schleuder.db" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO subscriptions (list_id, email) SELECT 1, 'm' || i || '@org' || i || '.example' FROM n;
    PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
head -c $(($(stat -c %s "$t/schleuder.db") - 4096)) "$t/schleuder.db" >"$t/cut.db"
ctl member import "$t/cut.db" --class distro --tier distros --dry-run >"$T/w/reply" 2>&1
same 'one whose end is cut off: none of it' '2 schleuder.damaged null' "$? $(jq -r '.rule + " " + (.data | tojson)' "$T/w/reply")"
# In use: what was written last is in the log beside it.
mkfifo "$T/w/sql"
sqlite3 "$t/schleuder.db" <"$T/w/sql" >/dev/null &
exec 9>"$T/w/sql"
printf "INSERT INTO subscriptions (list_id, email) VALUES (1, 'a' || char(0) || '@b.example'), (1, CAST(x'e940622e6578616d706c65' AS TEXT)), (1, 'last@log.example');\nSELECT 1;\n.shell touch $T/w/written\n" >&9
until [ -e "$T/w/written" ]; do sleep 0.1; done
ctl member import "$t/schleuder.db" --class distro --tier distros --dry-run >"$T/w/reply"
same 'one that is in use, with its log' '307 add' \
    "$(jq -r '"\(.data.rows | length) \(.data.rows[] | select(.address == "last@log.example") | .verdict)"' "$T/w/reply")"
same 'an address with a NUL is none, nor is one in Latin-1' '2 import.row' \
    "$(jq -r '[.data.rows[] | select(.rule == "import.row")] | "\(length) \(.[0].rule)"' "$T/w/reply")"
same 'each is numbered' 307 "$(jq -r '[.data.rows[].line] | unique | length' "$T/w/reply")"
exec 9>&-
wait $!
mkdir "$t/use"
cp "$t/schleuder.db" "$t/use"
mkdir "$t/use/schleuder.db-shm" "$t/use/schleuder.db-wal"
cp "$t/keys.asc" "$t/use"
ctl member import "$t/use/schleuder.db" --class distro --tier distros --dry-run >"$T/w/reply"
same 'one that cannot be read where it is' '2 schleuder.open' "$? $(jq -r .rule "$T/w/reply")"
# One older than version 3, and a list without anybody.
sqlite3 "$t/old.db" 'CREATE TABLE lists (id INTEGER, email TEXT); INSERT INTO lists VALUES (1, "a@old.example");
    CREATE TABLE subscriptions (id INTEGER, list_id INTEGER, email TEXT, fingerprint TEXT, admin BOOLEAN, delivery_disabled BOOLEAN)'
ctl member import "$t/old.db" --class distro --tier distros --dry-run >"$T/w/reply"
same 'one that is too old' '2 schleuder.schema' "$? $(jq -r .rule "$T/w/reply")"
has 'and why' 'delivery_enabled' "$T/w/reply"

# ---- no formula, and round ----
cat >"$t/formula.csv" <<X
org,class,tier,address,key
"=HYPERLINK(""http://x.example"")",distro,distros,a@f.example,
+plus,distro,distros,+b@f.example,
'=quoted,distro,distros,c@f.example,
''=twice,distro,distros,d@f.example,
'plain',distro,distros,e@f.example,
"cedar, ""Inc."";é",distro,distros,=f@f.example,
X
ctl member import "$t/formula.csv" >"$T/w/reply"
same 'names that a spreadsheet would reckon with' 6 "$(jq .data.added "$T/w/reply")"
ctl member export --csv "$T/w/out.csv" >"$T/w/export"
same 'none is a formula in the table that is written' '' "$(sed '/-----BEGIN/,/-----END/d' "$T/w/out.csv" | grep -E '(^|,)"?[=+@-]')"
listed() { ctl member list | jq -S '[.data[] | {org, class, tier, contacts: [.contacts[].address]}]'; }
listed >"$T/w/before"
has 'but keeps its name' '=HYPERLINK' "$T/w/before"
stop
other_instance
start
ctl member import "$T/w/out.csv" >"$T/w/reply"
same 'read again elsewhere: the same' "$(cat "$T/w/before")" "$(listed)"
stop
finish
