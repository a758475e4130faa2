package Faka::Http::Line;

# One connection that is kept from request to request, as a proxy in front of
# the shop keeps it.  It is opened at need; when it is lost, that request has
# no answer, and nothing is sent twice.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use Faka::Http ();
use Faka::Http::Response;

use constant READ_SIZE => 65536;


# %opt: host, port, timeout (seconds a request).

sub new {
    my ($class, %opt) = @_;

    return bless { host => '127.0.0.1', timeout => 5, %opt }, $class;
}


# A request as Faka::Http takes it; $close ends the connection after it.

sub ask {
    my ($self, $request, $close) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my $start = time;
    my $answer = $self->_ask($request, $start + $self->{timeout}, $close);

    $answer->{start} = $start;
    $answer->{ms} = (time - $start) * 1000;

    $self->close if $close || $answer->status == 0
                    || ($answer->header('connection') || '') eq 'close';
    return $answer;
}


# The other side has ended it: what can be read before anything was asked.

sub ended {
    my ($self) = @_;

    return !$self->{fh} || IO::Select->new($self->{fh})->can_read(0);
}


sub close {
    my ($self) = @_;

    my $fh = delete $self->{fh} or return;
    CORE::close $fh;
}


sub _ask {
    my ($self, $request, $deadline, $close) = @_;

    $self->close if $self->{fh} && $self->ended;

    my $fh = $self->{fh} ||= IO::Socket::INET->new(
        PeerAddr => $self->{host}, PeerPort => $self->{port},
        Timeout => $self->{timeout})
        or return Faka::Http::Response->failed("connect: $!", '');
    setsockopt $fh, IPPROTO_TCP, TCP_NODELAY, 1;

    my $bytes = Faka::Http::request_bytes($request, !$close);
    my $in = '';

    defined syswrite $fh, $bytes
        or return Faka::Http::Response->failed("write: $!", '');

    while (1) {
        # A signal ends the waiting, too.
        my $left = $deadline - time;
        return Faka::Http::Response->failed('timeout', $in) if $left <= 0;
        next unless IO::Select->new($fh)->can_read($left);

        my $n = sysread $fh, $in, READ_SIZE, length $in;
        return Faka::Http::Response->failed("read: $!", $in)
            unless defined $n;

        my $answer = Faka::Http::Response->parse($in, $n == 0,
                                                 $request->{method} || '');
        return $answer if $answer;
        return Faka::Http::Response->failed('closed', $in) if $n == 0;
    }
}


1;
