"""
The LMTP server against the RFCs, by a client that shares nothing with it: lmtp_rfc.py SOCKET SPOOL LIST SIZE

Core does not run, so that what was taken stays in SPOOL/new and is compared byte by byte.
"""
import os
import re
import sys

from lmtp import Lmtp

sock, spool, ours, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
other = ours.replace('@', '-owner@')
failed = 0


def check(words, good, seen=''):
    global failed
    print(('ok - ' if good else 'not ok - ') + words + ('' if good else f': {seen!r}'))
    failed += not good


def entries():
    """Of what is in the spool, oldest first: sender, recipients, body. It is removed."""
    found = []
    for name in sorted(os.listdir(spool + '/new')):
        with open(f'{spool}/new/{name}', 'rb') as f:
            data = f.read()
        os.unlink(f'{spool}/new/{name}')
        at, names = 36, []
        for _ in range(1 + int.from_bytes(data[34:36], 'big')):
            n = int.from_bytes(data[at:at + 2], 'big')
            names.append(data[at + 2:at + 2 + n])
            at += 2 + n
        found.append((names[0], names[1:], data[int.from_bytes(data[12:16], 'big'):]))
    return found


def opened(hello='LHLO client.example.net'):
    peer = Lmtp(sock)
    peer.reply()
    if hello:
        peer.say(hello)
    return peer


def codes(words, wanted, peer, commands):
    """Each command, and the beginning of its reply; every 2yz, 4yz and 5yz has an enhanced code of its class."""
    for command, start in zip(commands, wanted):
        reply = peer.say(command) or 'closed'
        check(f'{words}: {command[:40]} gives {start}', reply.startswith(start), reply)
        if not command.upper().startswith(('LHLO', 'DATA')) or reply[0] != '2' and reply[0] != '3':
            check(f'{words}: {command[:40]} has an enhanced code (RFC 2034)',
                  re.match(r'([245])\d\d \1\.\d{1,3}\.\d{1,3} ', reply) is not None, reply)


# ---- LHLO (RFC 2033, 4.1) ----
peer = Lmtp(sock)
check('a greeting', peer.reply().startswith('220 '))
codes('only LHLO', ['500 5.5.1', '500 5.5.1', '503 5.5.1', '501 5.5.4'], peer,
      ['HELO x', 'EHLO x', 'MAIL FROM:<a@example.net>', 'LHLO'])
reply = peer.say('LHLO client.example.net')
words = [line[4:] for line in reply.split('|')]
check('each line of the answer is 250', all(line.startswith('250') for line in reply.split('|')), reply)
check('the server names itself first', re.match(r'[A-Za-z0-9.-]+$', words[0]) is not None, words)
for word in ('PIPELINING', '8BITMIME', 'SMTPUTF8', f'SIZE {size}', 'ENHANCEDSTATUSCODES'):
    check(f'offers {word}', word in words[1:], words)

# ---- the order of commands (RFC 5321, 4.1.4) ----
codes('order', ['503 5.5.1', '503 5.5.1', '250 2.1.0', '503 5.5.1', '503 5.5.1', '550 5.1.1', '503 5.5.1', '250 2.0.0',
                '503 5.5.1', '250 2.1.0', '250', '503 5.5.1'], peer,
      [f'RCPT TO:<{ours}>', 'DATA', 'MAIL FROM:<a@example.net>', 'MAIL FROM:<b@example.net>', 'DATA',
       'RCPT TO:<nobody@example.org>', 'DATA', 'RSET', f'RCPT TO:<{ours}>', 'MAIL FROM:<a@example.net>',
       'LHLO again', f'RCPT TO:<{ours}>'])
codes('others', ['250 2.0.0', '250 2.0.0', '252 2.', '502 5.5.1', '214 2.0.0', '500 5.5.1', '501 5.5.4', '555 5.5.4'],
      peer, ['NOOP', 'noop with words', 'VRFY security', 'EXPN security', 'HELP', 'TURN', 'MAIL FROM: a@example.net',
             'MAIL FROM:<a@example.net> FUTURE=1'])
codes('the end', ['221 2.0.0'], peer, ['QUIT'])
check('the connection ends', peer.reply() is None)

# ---- PIPELINING (RFC 2920), a reply for each recipient in their order (RFC 2033, 4.2) ----
peer = opened()
peer.send(f'MAIL FROM:<a@example.net>\r\nRCPT TO:<{ours}>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<{other}>\r\n'
          f'RCPT TO:<{ours}>\r\nDATA\r\n')
got = [peer.reply()[:9] for _ in range(6)]
check('pipelined up to DATA', got == ['250 2.1.0', '250 2.1.5', '550 5.1.1', '250 2.1.5', '250 2.1.5', got[5]] and
      got[5].startswith('354'), got)
peer.send(f'one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<{ours}>\r\nDATA\r\n')
got = [peer.reply()[:3] for _ in range(6)]
check('three replies for three recipients, then the next mail', got == ['250'] * 5 + ['354'], got)
peer.send('two\r\n.\r\nQUIT\r\n')
got = [peer.reply()[:3] for _ in range(2)]
check('one reply for one, and QUIT', got == ['250', '221'], got)
found = entries()
check('kept: one entry for each recipient that is another', [e[2] for e in found] == [b'one\r\n'] * 2 + [b'two\r\n'], found)
check('the null sender is kept', found[-1][0] == b'', found)

# ---- what may stand in a message (RFC 5321, 4.5.2; RFC 6152) ----
bodies = [
    ('dots', b'.\r\n..\r\n.a\r\n\r\n', None),
    ('eight bits', bytes(range(128, 256)) + b'\r\n', None),
    ('NUL', b'a\0b\r\n', None),
    ('bare CR', b'a\rb\r.\r\n', None),
    ('bare LF', b'a\nb\n.\nc\r\n', None),
    ('an end that is none: LF . CR LF', b'a\n.\r\nb\r\n', None),
    ('an end that is none: CR LF . LF', b'a\r\n.\nb\r\n', b'a\r\n\nb\r\n'),
    ('an end that is none: CR . CR LF', b'a\r.\r\nb\r\n', None),
    ('a line of 998 bytes', b'x' * 998 + b'\r\n', None),
    ('a line of 100,000 bytes', b'x' * 100000 + b'\r\n', None),
    ('nothing', b'', None),
]
for words, body, kept in bodies:
    peer = opened()
    for command in ('MAIL FROM:<a@example.net> BODY=8BITMIME', f'RCPT TO:<{ours}>', 'DATA'):
        refused = peer.say(command)
    stuffed = body if kept else re.sub(rb'(^|\r\n)\.', rb'\1..', body)
    peer.send(stuffed + b'.\r\n')
    reply = peer.reply()
    peer.say('QUIT')
    found = entries()
    check(f'kept as it was: {words}', reply.startswith('250 2.') and [e[2] for e in found] == [kept or body],
          (refused, reply, [e[2][:50] for e in found]))

# ---- parameters: BODY (RFC 6152), SIZE (RFC 1870), SMTPUTF8 (RFC 6531) ----
peer = opened()
codes('parameters', ['250', '250', '250', '250', '250', '250', '552 5.3.4', '250', '552 5.3.4', '555 5.5.4', '555 5.5.4'],
      peer, ['MAIL FROM:<a@example.net> BODY=7BIT', 'RSET', 'MAIL FROM:<a@example.net> body=8bitmime size=1 SMTPUTF8',
             'RSET', f'MAIL FROM:<a@example.net> SIZE={size}', 'RSET', f'MAIL FROM:<a@example.net> SIZE={size + 1}',
             'NOOP', 'MAIL FROM:<a@example.net> SIZE=99999999999999999999', 'MAIL FROM:<a@example.net> BODY=BINARYMIME',
             'MAIL FROM:<a@example.net> SIZE=many'])
peer.send('MAIL FROM:<ärger@bücher.example> SMTPUTF8\r\n'.encode())
check('an address in UTF-8', peer.reply().startswith('250 2.1.0'))
peer.say(f'RCPT TO:<{ours}>')
peer.say('DATA')
peer.send('Subject: ü\r\n\r\nx\r\n.\r\n'.encode())
check('and a header', peer.reply().startswith('250 2.'))
found = entries()
check('are kept', found[0][0] == 'ärger@bücher.example'.encode() and found[0][2].startswith('Subject: ü'.encode()), found)

# ---- limits ----
peer = opened()
peer.say('MAIL FROM:<a@example.net>')
got = [peer.say(f'RCPT TO:<{ours}>')[:9] for _ in range(101)]
check('a hundred recipients, and no more', got == ['250 2.1.5'] * 100 + ['452 4.5.3'], got[-2:])
peer = opened()
peer.send('NOOP ' + 'x' * 993 + '\r\n')
check('a command of 1,000 bytes', peer.reply().startswith('250 '))
peer.send('NOOP ' + 'x' * 994 + '\r\nNOOP\r\n')
check('one of 1,001 is refused', peer.reply().startswith('500 5.5.2'))
check('and the next is understood', peer.reply().startswith('250 '))
peer.send('NOOP\n')
check('a command ends in CR LF', peer.reply().startswith('500 5.5.2'))
peer = opened()
peer.send('x' * 10_000_000)
check('a line without an end costs nothing', True)
peer.send('\r\n' + 'NONSENSE\r\n' * 19)
got = [peer.reply() for _ in range(21)]
check('twenty faults end the session', got[-1].startswith('421 4.7.0') and peer.reply() is None, got[-2:])

peer = opened()
peer.send('QUIT\r\n' + 'NOOP\r\n' * 10000)
check('the last reply arrives, whatever was sent behind it', peer.reply().startswith('221 ') and peer.reply() is None)

# ---- a mail that is broken off is none ----
peer = opened()
for command in ('MAIL FROM:<a@example.net>', f'RCPT TO:<{ours}>', 'DATA'):
    peer.say(command)
peer.send('half\r\n')
peer.s.close()
peer = opened()
peer.say('NOOP')
check('a mail that is broken off is not kept', entries() == [] and os.listdir(spool + '/tmp') == [])
sys.exit(failed != 0)
