#!/bin/sh
# The replies of commands as a program reads them: one line of JSON whatever is asked, with the exit codes, names and
# kinds of values that the manual gives, instants in UTC, and a rule exactly where something is refused.
. "${srcdir:-.}/tests/lib/flow.sh"
. "${srcdir:-.}/tests/lib/advisory.sh"
need python3

init
start
member acorn distro distros
mail 'Rita <rita@reporter.example>' 'A hole' 'Authentication-Results: mx.example.org; dmarc=pass' <<M >"$T/w/m"
words
M
inject rita@reporter.example "$T/w/m"
report=$(new_case)
printf 'From: x@y.example\nSubject: no body\n\n' >"$T/w/m"
inject x@y.example "$T/w/m"
disclose 'Ring page'
usual_text 'Ring page' 'CVE: CVE-2026-11111' >"$T/w/text"
check 'advisory edit' ctl advisory edit "$id" "$T/w/text"
check 'embargo set' ctl embargo set "$id" --until "$(date -u -d "$now +10 days" +%Y-%m-%dT%H:%M:%SZ)"
send_advisory "$id"
settle

cat >"$T/w/replies.py" <<'P'
import json, re, subprocess, sys
ctl, conf, case, report = sys.argv[1:]
CASE = 'id public_id state track model severity cves until policy messages deadlines'
KEYS = {
    'case show ' + case: ('', CASE), 'case show ' + report: ('messages', 'n at signed_by verified subject text attachments'),
    'case list': ('', CASE), 'check': ('', 'name status detail remedy'),
    'embargo show ' + case: ('', 'release'), 'policy explain ' + case: ('', 'verdict rule file line uses unstated tiers'),
    'policy explain --member acorn': ('tiers', 'tier told earliest_at notice_at rule force'),
    'advisory send ' + case + ' --dry-run': ('recipients', 'org address fingerprint tier verdict rule reason'),
    'queue list': ('', 'id case version address state tries next_at code message_id group'),
    'held list': ('', 'id at rule size_bytes'), 'member list': ('contacts', 'address fingerprint key_state reason'),
    'member show acorn': ('', 'org class tier state contacts'), 'audit show': ('', 'seq at actor event object rule prev hash'),
    'audit verify': ('', 'entries head bad_seq'), 'status': ('', 'now'), 'next': None, 'stats': None, 'wait --timeout 5': None,
    'application list': None, 'approval list': None, 'admin list': None, 'policy list': None, 'policy show xen': None,
    'policy compare xen qemu': None, 'key list': None, 'key export': None, 'publish check ' + case: None,
    'case log ' + case: None, 'advisory show ' + case: None, 'advisory preview ' + case: None, 'member export': None,
}
MISSING = '''case show zzzzzzzz|case accept zzzzzzzz|member show nobody|queue show 99999|queue retry 99999|held show zzzzzzzz
held release zzzzzzzz|application show zzzzzzzz|application approve zzzzzzzz|approval approve zzzzzzzz|policy show nix
advisory show zzzzzzzz|advisory send zzzzzzzz|embargo show zzzzzzzz|embargo lift zzzzzzzz|publish check zzzzzzzz
case log zzzzzzzz|policy explain zzzzzzzz|member remove nobody --reason x|case duplicate %s zzzzzzzz
advisory show %s --version 9|case show %s --message 99|policy explain --member nobody|member contact nobody drop a@b.example'''
USAGE = '''|frob|case|case frob|case show|case show %s extra|case show %s --nix|case show %s --message x|status --nix
embargo set %s|embargo set %s --until gestern|embargo set %s --until 2026-13-01T00:00:00Z|case set %s severity|case set %s nix=1|case set %s track=frob
wait --timeout x|wait --timeout -1|queue show x|queue retry -1|member add --org x|member suspend acorn|embargo broken %s
policy compare xen|case open|case open --from /nonexist|advisory edit %s /nonexist|policy check /nonexist|audit verify --anchor x'''
REFUSED = '''case accept %s|embargo extend %s --until 2020-01-01T00:00:00Z|advisory recall ''' + report
WRONG = b'\xff\xfe', b'caf\xe9', b'a\nb', b'\x1b[31m', b'\xed\xa0\x80', 'ü"\\'.encode()
ISO = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')

def bad(where, *words): print('not ok -', where + ':', *words)

def values(where, o, key=''):
    if isinstance(o, dict):
        for k in o: values(where, o[k], k)
    elif isinstance(o, list):
        for v in o: values(where, v)
    elif (key in ('at', 'until', 'now', 'decide_by', 'due') or key.endswith('_at')) and o is not None:
        if not isinstance(o, str) or not ISO.fullmatch(o): bad(where, key, 'is no instant:', o)
    elif isinstance(o, str) and re.fullmatch('[0-9a-f]{40}', o): bad(where, key, 'is a fingerprint in lower case')

def run(words, codes, stdin=b''):
    where = repr(words)
    done = subprocess.run([ctl, '-c', conf, '--json', '--as', 'ann@example.org', *words], input=stdin, capture_output=True)
    if done.returncode not in codes: bad(where, 'exit', done.returncode, done.stdout[:200])
    if done.stderr: bad(where, 'says beside', done.stderr[:100])
    if done.stdout.count(b'\n') != 1 or done.stdout[-1:] != b'\n': bad(where, 'is not one line')
    try: o = json.loads(done.stdout.decode('utf-8'))
    except ValueError as e: return bad(where, e, done.stdout[:200])
    if list(o) != ['ok', 'rule', 'message', 'data']: bad(where, 'has', list(o))
    if o['ok'] is not (done.returncode == 0): bad(where, 'ok is', o['ok'], 'exit is', done.returncode)
    if (o['rule'] is None) is not o['ok']: bad(where, 'the rule is', o['rule'])
    if not o['ok'] and not o['message']: bad(where, 'no message')
    values(where, o['data'])
    return o['data']

def lines(text): return [l % ((case,) * l.count('%s')) for l in text.replace('\n', '|').split('|')]

for words, wanted in KEYS.items():
    data = run(words.split(), (0,))
    if not wanted: continue
    data = data[0] if isinstance(data, list) else data
    if wanted[0]: data = data[wanted[0]][0]
    if set(wanted[1].split()) - set(data): bad(words, 'lacks', set(wanted[1].split()) - set(data))
for words in lines(MISSING): run(words.split(), (3,))
for words in lines(USAGE): run(words.split(), (2,))
for words in lines(REFUSED): run(words.split(), (1,))
for w in WRONG:
    for words in ([b'case', b'show', w], [w], [b'case', b'set', case.encode(), b'title=' + w], [b'policy', b'explain', b'--sender', w],
                  [b'case', b'show', case.encode(), b'--' + w], [b'case', b'open', b'--from', b'/' + w], [b'key', b'show', w],
                  [b'case', b'note', case.encode(), b'-']):
        run(words, (0, 1, 2, 3), w)
print('seen')
P
python3 "$T/w/replies.py" "$bin/embargoctl" "$conf" "$id" "$report" >"$T/w/seen" 2>&1
same 'each reply is what the manual says' seen "$(cat "$T/w/seen")"
stop
"$bin/embargoctl" --json -c "$conf" status >"$T/w/seen"
same 'no daemon' '75 false daemon.absent 1' "$? $(jq -r '"\(.ok) \(.rule)"' "$T/w/seen") $(wc -l <"$T/w/seen")"
finish
