# json.pl PATH: what stands at PATH in the JSON on standard input, a line each. "a.0.b" goes down; "*" takes every
# element; a last word "a,b" takes several, with a tab between. null is an empty word. What is not there: exit 1.
use strict;
use warnings;
use JSON::PP;

local $/;
binmode STDOUT, ':utf8';
my $found = 0;

sub text {
    my ($v) = @_;
    return '' unless defined $v;
    return join ',', map { text($_) } @$v if ref $v eq 'ARRAY';
    return $v ? 'true' : 'false' if JSON::PP::is_bool($v);
    return JSON::PP->new->canonical->encode($v) if ref $v;
    return $v;
}

sub walk {
    my ($v, @path) = @_;
    if (!@path) {
        $found = 1;
        return print text($v), "\n";
    }
    my $step = shift @path;
    if ($step eq '*') {
        $found = 1;
        walk($_, @path) for ref $v eq 'ARRAY' ? @$v : ref $v eq 'HASH' ? map { $v->{$_} } sort keys %$v : ();
    } elsif (ref $v eq 'HASH' && !@path && $step =~ /,/) {
        $found = 1;
        print join("\t", map { text($v->{$_}) } split /,/, $step), "\n";
    } elsif (ref $v eq 'HASH' && exists $v->{$step}) {
        walk($v->{$step}, @path);
    } elsif (ref $v eq 'ARRAY' && $step =~ /^[0-9]+$/ && $step < @$v) {
        walk($v->[$step], @path);
    }
}

walk(decode_json(<STDIN>), split /\./, $ARGV[0]);
exit($found ? 0 : 1);
