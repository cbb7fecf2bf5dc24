# part.pl FILE [NAME]: the MIME part of that file name in a message, else its first text/plain, decoded. Exit 1 where
# there is none.
use strict;
use warnings;
use MIME::Base64;
use MIME::QuotedPrint;

my ($file, $name) = @ARGV;
open my $in, '<:raw', $file or die "$file: $!\n";
my $text = do { local $/; <$in> };
$text =~ s/\r\n/\n/g;
# Every part begins after a line of two hyphens; a flat look suffices for what we write ourselves.
for my $part (split /^--[^\n]*\n/m, $text) {
    my ($head, $body) = split /\n\n/, $part, 2;
    next unless defined $body;
    next unless defined $name ? $head =~ /name="?\Q$name\E"?/ : $head =~ m{^content-type:\s*text/plain}im;
    $body = decode_base64($body) if $head =~ /transfer-encoding:\s*base64/i;
    $body = decode_qp($body) if $head =~ /transfer-encoding:\s*quoted-printable/i;
    print $body;
    exit 0;
}
exit 1;
