"""
An LMTP client of its own, which shares nothing with the daemon, for tests.

  lmtp.py SOCKET talk           lines of standard input are sent with CR LF, what is answered is printed, see talk()
  lmtp.py SOCKET pour N BYTES   N connections at once, all of which call their mail small and send BYTES each; prints
                                the code of each one's end
  lmtp.py SOCKET crowd N        N connections that do nothing but drip, until standard input ends; prints `ready'
"""
import os
import select
import socket
import sys
import time

LIST = os.environ.get('LIST', 'security@example.org')


class Lmtp:
    def __init__(self, path, timeout=60):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.connect(path)
        self.s.settimeout(timeout)
        self.rest = b''

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        while b'\n' not in self.rest:
            more = self.s.recv(65536)
            if not more:
                return None
            self.rest += more
        line, self.rest = self.rest.split(b'\n', 1)
        assert line.endswith(b'\r'), 'a reply ends with CR LF'
        return line[:-1].decode()

    def reply(self):
        """All lines of one reply, joined by '|'; None: the connection has ended."""
        lines = [self.line()]
        while lines[-1] is not None and lines[-1][3:4] == '-':
            lines.append(self.line())
        return None if lines[-1] is None else '|'.join(lines)

    def say(self, command):
        self.send(command + '\r\n')
        return self.reply()

    def begin(self, sender='a@example.net', to=LIST, params=''):
        """Up to the go-ahead of DATA; the first reply that is not the wanted one, else ''."""
        for command, wanted in ((None, '220'), ('LHLO test', '250'), (f'MAIL FROM:<{sender}>{params}', '250'),
                                (f'RCPT TO:<{to}>', '250'), ('DATA', '354')):
            reply = self.reply() if command is None else self.say(command)
            if reply is None or not reply.startswith(wanted):
                return reply or 'closed'
        return ''


def pour(path, n, size):
    peers, codes = [], []
    for i in range(n):
        peer = Lmtp(path)
        refused = peer.begin(sender=f'pour{i}@example.net', params=' SIZE=100')
        if refused:
            codes.append(refused[:9])
        else:
            peer.send(f'Subject: pour {i} {time.time()}\r\nFrom: pour{i}@example.net\r\n\r\n')
            peers.append(peer)
    line = b'x' * 70 + b'\r\n'
    block, sent = line * 900, 0
    while sent < size:
        for peer in peers:
            peer.send(block)
        sent += len(block)
    for peer in peers:
        peer.send(b'.\r\n')
        codes.append((peer.reply() or 'closed')[:9])
    print('\n'.join(codes))


def crowd(path, n):
    """A third says nothing, a third drips a command, a third drips a mail. Those that are sent away do not come again."""
    peers = []
    for i in range(n):
        peer = Lmtp(path)
        try:
            if i % 3 == 1:
                peer.send('LHLO ')
            elif i % 3 == 2:
                peer.send(f'LHLO t\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<{LIST}>\r\nDATA\r\nSubject: x\r\n')
        except OSError:
            continue
        peers.append((i, peer.s))
    print('ready', flush=True)
    while not select.select([sys.stdin], [], [], 0.5)[0]:
        for i, s in peers:
            try:
                if i % 3:
                    s.send(b'x')
            except OSError:
                pass


def talk(path):
    peer = Lmtp(path)
    print(peer.reply())
    for line in sys.stdin:
        print(peer.say(line.rstrip('\n')))


if __name__ == '__main__':
    mode = sys.argv[2]
    if mode == 'talk':
        talk(sys.argv[1])
    elif mode == 'pour':
        pour(sys.argv[1], int(sys.argv[3]), int(sys.argv[4]))
    elif mode == 'crowd':
        crowd(sys.argv[1], int(sys.argv[3]))
