package Faka::Http::Response;

# One HTTP answer: status, reason, headers (lower-case names), body, error,
# start (Unix time), ms.  Parsing is strict about the framing, because a wrong
# length of the server would otherwise go unseen.

use strict;
use warnings;

use JSON::PP ();

# Big integers must not become floating point numbers on their way.
my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum;


sub failed {
    my ($class, $error, $got) = @_;

    return bless { status => 0, reason => '', headers => {}, body => '',
                   error => $error, got => $got }, $class;
}


# Returns undef as long as the bytes are not a whole answer.

sub parse {
    my ($class, $bytes, $at_end, $method) = @_;

    $bytes =~ s/\AHTTP\/1\.1 100 [^\r\n]*\r\n\r\n//;
    return undef unless $bytes =~ /\A(.*?)\r\n\r\n(.*)\z/s;

    my ($head, $rest) = ($1, $2);
    my ($first, @lines) = split /\r\n/, $head;

    my ($status, $reason) = $first =~ /\AHTTP\/1\.[01] (\d{3}) ?(.*)\z/
        or return $class->failed("bad status line: $first", $bytes);

    my %headers;
    for my $line (@lines) {
        my ($name, $value) = $line =~ /\A([^:\s]+):[ \t]*(.*?)[ \t]*\z/
            or return $class->failed("bad header line: $line", $bytes);
        $name = lc $name;
        $headers{$name} = exists $headers{$name}
                          ? "$headers{$name}, $value" : $value;
    }

    my $body;
    if ($method eq 'HEAD' || $status == 204 || $status == 304) {
        $body = '';
    } elsif (($headers{'transfer-encoding'} || '') eq 'chunked') {
        $body = _unchunk($rest);
    } elsif (defined $headers{'content-length'}) {
        my $size = $headers{'content-length'};
        $body = substr $rest, 0, $size if length $rest >= $size;
    } elsif ($at_end) {
        $body = $rest;
    }

    return undef unless defined $body;
    return bless { status => $status + 0, reason => $reason, error => '',
                   headers => \%headers, body => $body }, $class;
}


sub _unchunk {
    my ($rest) = @_;

    my $body = '';
    while ($rest =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n//) {
        my $size = hex $1;
        return $body if $size == 0 && $rest =~ /\A\r\n/;
        return undef if length $rest < $size + 2;
        $body .= substr $rest, 0, $size + 2, '';
        substr $body, -2, 2, '';
    }
    return undef;
}


sub status { return $_[0]{status} }
sub body   { return $_[0]{body} }
sub error  { return $_[0]{error} }
sub ms     { return $_[0]{ms} }
sub header { return $_[0]{headers}{ lc $_[1] } }


# The decoded body, or undef where it is no JSON.

sub json {
    my ($self) = @_;

    $self->{json} = eval { $json->decode($self->{body}) }
        unless exists $self->{json};
    return $self->{json};
}


# The stable word of a problem+json answer.

sub code {
    my ($self) = @_;

    my $json = $self->json;
    return ref $json eq 'HASH' && defined $json->{code} ? $json->{code} : '';
}


# For messages of failed checks: short, and without secrets in full.

sub brief {
    my ($self) = @_;

    return "no answer ($self->{error})" unless $self->{status};
    return "$self->{status} " . substr $self->{body}, 0, 200;
}


1;
