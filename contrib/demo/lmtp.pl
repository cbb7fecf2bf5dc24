# lmtp.pl SOCKET|HOST:PORT SENDER RECIPIENT...: hands the mail on standard input over by LMTP (RFC 2033), as a mail
# server does. The dialogue goes to standard output. Exit 0 only when each recipient's copy was taken.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

my ($to, $sender, @recipients) = @ARGV;
my $mail = do { local $/; <STDIN> };
$mail =~ s/\r?\n/\r\n/g;
$mail =~ s/^\./../mg;
$mail .= "\r\n" unless $mail =~ /\r\n\z/;

$SIG{ALRM} = sub { die "lmtp: no answer within 60 seconds\n" };
alarm 60;
my $s = $to =~ m{^/} ? IO::Socket::UNIX->new(Peer => $to) : IO::Socket::INET->new(PeerAddr => $to);
die "lmtp: $to does not answer: $!\n" unless $s;

sub answer {
    my $code;
    while (my $line = <$s>) {
        $line =~ s/\r?\n//;
        print "S: $line\n";
        $code = substr $line, 0, 3;
        return $code if $line !~ /^\d{3}-/;
    }
    die "lmtp: the connection ended\n";
}

sub say_line {
    my ($line, $want) = @_;
    print "C: $line\n";
    print $s "$line\r\n";
    my $code = answer();
    die "lmtp: $code where $want was expected\n" unless $code =~ /^$want/;
}

answer();
say_line('LHLO mail.example.org', 2);
say_line("MAIL FROM:<$sender>", 2);
say_line("RCPT TO:<$_>", 2) for @recipients;
say_line('DATA', 3);
print 'C: (', length $mail, " bytes)\nC: .\n";
print $s "$mail.\r\n";
my $refused = grep { answer() !~ /^2/ } @recipients;
print "C: QUIT\n";
print $s "QUIT\r\n";
answer();
exit($refused ? 1 : 0);
