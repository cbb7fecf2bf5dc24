#!/bin/sh
# What is published, read as others read it: odd titles and versions, no CVE, three, one that comes later; every path in
# the JSON, every link of the feed and every signed text leads somewhere and is whole, by other programs than ours.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
need python3 gpgv
site=$T/i/public

init
sed -i 's|^lists = (|site = { url = "https://security.example.org/"; title = "Example <Project> security"; };\n&|' "$conf"
start
printf -- '--- a/ring.c\n+++ b/ring.c\n@@ -1 +1 @@\n-a\n+b\n' >"$T/w/fix.patch"
# publish TITLE [LINE...]
publish() {
    disclose "$1"
    usual_text "$@" >"$T/w/text"
    check "edit: $1" ctl advisory edit "$id" "$T/w/text" --attach "$T/w/fix.patch"
    check "lift: $1" ctl embargo lift "$id"
    settle
}
publish 'Überlauf im Ringpuffer – 界'
later_id=$id
publish 'He said "run" & <script>alert(1)</script>' 'CVE: CVE-2026-11111, CVE-2026-22222, CVE-2026-33333' \
    'Affected: ri"ng<d> >=1.2 <1.4, café >=0~rc1+b <2:3.4-5ubuntu0.1' 'References: https://example.org/?a=1&b="2", javascript:alert(1)'
publish "$(printf 'safe \342\200\256evil\342\200\254 name')" 'CVE: CVE-2026-44444'
publish "]]> --> &amp; %0d%0aX: y ' $(printf 'x%.0s' $(seq 200))"
# What ends a line, steers a terminal or has no place in XML is no text.
for bytes in '\342\200\250' '\342\200\251' '\302\205' '\302\233' '\357\277\276' '\357\277\277'; do
    { printf 'Title: a'; printf "$bytes"; printf 'b\n\n## IMPACT\n\nWords.\n'; } >"$T/w/text"
    denied advisory.not-text "no such character: $bytes" advisory edit "$id" "$T/w/text"
done
ctl publish build >/dev/null

# ---- a CVE that comes later ----
later '1 day'
usual_text 'Überlauf im Ringpuffer – 界' 'CVE: CVE-2026-55555' 'Fixed: ring 2.0' >"$T/w/text"
check 'a second version' ctl advisory edit "$later_id" "$T/w/text"
check 'publish run' ctl publish run "$later_id"
settle
check 'publish build' ctl publish build
settle

# ---- signed texts, by gpgv with the key that the site offers ----
gpg --batch -q --yes --dearmor -o "$T/w/key.gpg" "$site/main/key.asc" 2>/dev/null
printf 'faked-system-time %s\n' "$epoch" >"$T/w/none"
n=0
for file in "$site"/.well-known/security.txt "$site"/main/*/v*.txt; do
    n=$((n + 1))
    gpg --homedir "$T/k/ann" --batch --yes -o "$T/w/clear" --decrypt "$file" 2>/dev/null
    check "${file#"$site/"} verifies" gpgv --homedir "$T/k/ann" --keyring "$T/w/key.gpg" "$file"
    same "${file#"$site/"}: no two empty lines, no blank at an end of a line" '' \
        "$(awk '/^$/ && last == "" && NR > 1 { print NR } /[ \t]$/ { print NR } { last = $0 }' "$T/w/clear")"
done
same 'six signed texts' 6 $n

# ---- the rest, by Python's parsers ----
cat >"$T/w/site.py" <<'P'
import datetime, hashlib, json, os, re, sys, xml.dom.minidom
from urllib.parse import urlsplit
site, now = sys.argv[1], sys.argv[2]
base = 'https://security.example.org/'
def bad(*words): print('not ok -', *words)
def there(url, where):
    path = url[len(base):] if url.startswith(base) else url
    if re.match('[a-z]+:', path) or not os.path.isfile(os.path.join(site, path.split('#')[0])):
        bad(where, 'leads nowhere:', url)
    return os.path.join(site, path)
def instant(text, where):
    if not re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', text) or text > now: bad(where, 'is no instant of the past:', text)

ids = {}
everything = json.load(open(site + '/advisories.json'))
for a in everything['lists'][0]['advisories']:
    one = json.load(open(there(a['page'], 'page').replace('.html', '.json')))
    for k in a:
        if one.get(k) != a[k]: bad('advisories.json and the advisory differ:', a['id'], k)
    for t in (a['published_at'], a['updated_at'], a['timeline']['public_at']): instant(t, a['id'])
    if not a['published_at'] <= a['updated_at']: bad(a['id'], 'changed before it was published')
    for v in a['versions']:
        text = open(there(v['text'], 'text'), encoding='utf-8').read()
        for f in v['files']:
            digest = hashlib.sha256(open(there(f['path'], 'path'), 'rb').read()).hexdigest()
            if digest != f['sha256'] or digest + '  ' + f['name'] not in text: bad('digest of', f['path'])
    ids[a['id']] = a
if len(ids) != 4: bad('four advisories:', len(ids))

for name in 'atom.xml', 'main/atom.xml':
    feed = xml.dom.minidom.parse(site + '/' + name).documentElement
    def one(node, tag):
        found = [c for c in node.childNodes if c.nodeName == tag]
        if len(found) != 1: bad(name, tag, len(found))
        return found[0].firstChild.data
    entries = feed.getElementsByTagName('entry')
    atom_ids = [one(e, 'id') for e in entries]
    if len(set(atom_ids)) != 4: bad(name, 'ids', atom_ids)
    if one(feed, 'updated') != max(one(e, 'updated') for e in entries): bad(name, 'updated is not the newest')
    order = [one(e, 'updated') for e in entries]
    if order != sorted(order, reverse=True): bad(name, 'is not in order', order)
    for e in entries:
        a = ids[one(e, 'id').split('/')[-1]]
        if one(e, 'published') != a['published_at'] or one(e, 'updated') != a['updated_at']: bad(name, 'dates of', a['id'])
        if one(e, 'title') != a['id'] + ': ' + a['title']: bad(name, 'title', repr(one(e, 'title')))
        if [c.getAttribute('term') for c in e.getElementsByTagName('category')] != a['cves']: bad(name, 'CVEs of', a['id'])
        if '<script' in one(e, 'content'): bad(name, 'markup in', a['id'])
    for link in feed.getElementsByTagName('link'): there(link.getAttribute('href'), name)

lines = open(sys.argv[3]).read().splitlines()
fields = [l.split(': ', 1) for l in lines if l and not l.startswith('#')]
names = [f[0] for f in fields]
for name, least, most in ('Contact', 1, 9), ('Expires', 1, 1), ('Preferred-Languages', 0, 1), ('Canonical', 1, 9), ('Policy', 1, 9), ('Encryption', 1, 9):
    if not least <= names.count(name) <= most: bad('security.txt:', name, names.count(name))
expires = datetime.datetime.strptime(dict(fields)['Expires'], '%Y-%m-%dT%H:%M:%SZ')
days = (expires - datetime.datetime.strptime(now, '%Y-%m-%dT%H:%M:%SZ')).days
if not 30 < days < 366: bad('security.txt expires in', days, 'days')
for name, value in fields:
    if value.startswith(base): there(value, 'security.txt: ' + name)
print('seen')
P
gpg --homedir "$T/k/ann" --batch --yes -o "$T/w/security" --decrypt "$site/.well-known/security.txt" 2>/dev/null
python3 "$T/w/site.py" "$site" "$now" "$T/w/security" >"$T/w/seen" 2>&1
same 'what programs read is whole' seen "$(cat "$T/w/seen")"
same 'published.txt has the CVE that came later' 1 "$(grep -c '^cve CVE-2026-55555$' "$site/published.txt")"
if command -v tidy >/dev/null 2>&1; then
    for file in $(cd "$site" && find . -name '*.html'); do
        same "$file: tidy has nothing to say" '' "$(tidy -q -e -utf8 --warn-proprietary-attributes no "$site/$file" 2>&1)"
    done
fi
stop
finish
