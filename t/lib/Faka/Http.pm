package Faka::Http;

# A plain HTTP/1.1 client over non-blocking sockets, made for tests: many
# requests at once from one process, exact bytes on the wire, slow and broken
# senders, and the time of each answer.
#
# A request is a hash: method, path, headers (a hash), body, port, or "raw",
# the bytes themselves.  For misbehaviour: "slice" sends that many bytes at a
# time, "pause" seconds apart; "close_after" closes after that many bytes.
#
# It repeats nothing and follows no redirect: the caller sees what came.  A
# request without an answer has status 0 and the reason in "error".

use strict;
use warnings;

use Errno qw(EAGAIN EINPROGRESS EINTR EWOULDBLOCK);
use Exporter 'import';
use IO::Poll qw(POLLERR POLLHUP POLLIN POLLOUT);
use Socket qw(AF_INET INADDR_LOOPBACK IPPROTO_TCP SOCK_STREAM TCP_NODELAY
              pack_sockaddr_in);
use Time::HiRes qw(time);

use Faka::Http::Response;

our @EXPORT_OK = qw(http_one http_many form_encode url_escape);

use constant READ_SIZE => 65536;


sub url_escape {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}


# Takes a list of pairs, so that an order and a name given twice survive.

sub form_encode {
    my @pairs = @_;

    my @out;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @out, url_escape($name) . '=' . url_escape($value);
    }
    return join '&', @out;
}


sub http_one {
    my ($request, %opt) = @_;

    return http_many([$request], %opt)->[0];
}


# %opt: port (for requests without one), concurrency, timeout in seconds for
# each request, keepalive (a connection carries one request after another).
# Returns the answers in the order of the requests.

sub http_many {
    my ($requests, %opt) = @_;

    my $self = {
        requests    => $requests,
        next        => 0,
        answers     => [],
        open        => {},
        poll        => IO::Poll->new,
        port        => $opt{port},
        keepalive   => $opt{keepalive},
        timeout     => $opt{timeout} || 20,
        concurrency => $opt{concurrency} || 64,
    };

    local $SIG{PIPE} = 'IGNORE';

    while (1) {
        while ($self->{next} < @$requests
               && keys %{ $self->{open} } < $self->{concurrency})
        {
            _connect($self, $self->{next}++);
        }

        last unless %{ $self->{open} };
        _turn($self);
    }

    return $self->{answers};
}


# A request as bytes.

sub request_bytes {
    my ($request, $keepalive) = @_;

    return $request->{raw} if defined $request->{raw};

    my %headers = %{ $request->{headers} || {} };
    my $body = $request->{body};
    my $method = $request->{method} || (defined $body ? 'POST' : 'GET');
    my %seen = map { lc $_ => 1 } keys %headers;

    utf8::encode($body) if defined $body && utf8::is_utf8($body);
    $headers{Host} = 'localhost' unless $seen{host};
    $headers{Connection} = $keepalive ? 'keep-alive' : 'close'
        unless $seen{connection};
    $headers{'Content-Length'} = length $body
        if defined $body && !$seen{'content-length'}
           && !$seen{'transfer-encoding'};

    my $head = join '', map { "$_: $headers{$_}\r\n" } sort keys %headers;
    return "$method $request->{path} HTTP/1.1\r\n$head\r\n"
           . (defined $body ? $body : '');
}


sub _assign {
    my ($self, $conn, $index) = @_;

    my $request = $self->{requests}[$index];
    my $start = time;

    @$conn{qw(index request out in sent start pause_until write_error)}
        = ($index, $request, request_bytes($request, $self->{keepalive}), '',
           0, $start, 0, '');
    $conn->{deadline} = $start + ($request->{timeout} || $self->{timeout});
}


sub _connect {
    my ($self, $index) = @_;

    my $conn = {};
    _assign($self, $conn, $index);

    socket my $fh, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
    $fh->blocking(0);
    setsockopt $fh, IPPROTO_TCP, TCP_NODELAY, 1;
    $conn->{fh} = $fh;
    $self->{open}{ fileno $fh } = $conn;

    my $port = $conn->{request}{port} || $self->{port};
    if (!connect($fh, pack_sockaddr_in($port, INADDR_LOOPBACK))
        && $! != EINPROGRESS)
    {
        _finish($self, $conn, "connect: $!");
    }
}


# One wait for all sockets, then a step of each that has something to do.

sub _turn {
    my ($self) = @_;

    my $now = time;
    my $wait = 1;

    for my $conn (values %{ $self->{open} }) {
        my $mask = POLLIN;
        if ($conn->{sent} < length $conn->{out}) {
            if ($conn->{pause_until} > $now) {
                $wait = $conn->{pause_until} - $now
                    if $conn->{pause_until} - $now < $wait;
            } else {
                $mask |= POLLOUT;
            }
        }
        $wait = $conn->{deadline} - $now if $conn->{deadline} - $now < $wait;
        $self->{poll}->mask($conn->{fh} => $mask);
    }

    $self->{poll}->poll($wait < 0 ? 0 : $wait);
    $now = time;

    for my $conn (values %{ $self->{open} }) {
        my $events = $self->{poll}->events($conn->{fh});

        if ($events & POLLOUT) {
            _send($self, $conn) or next;
        }
        if ($events & (POLLIN | POLLHUP | POLLERR)) {
            _receive($self, $conn) or next;
        }
        _finish($self, $conn, 'timeout') if $now >= $conn->{deadline};
    }
}


sub _send {
    my ($self, $conn) = @_;

    my $request = $conn->{request};
    my $size = length($conn->{out}) - $conn->{sent};
    $size = $request->{slice}
        if $request->{slice} && $request->{slice} < $size;

    my $limit = $request->{close_after};
    $size = $limit - $conn->{sent}
        if defined $limit && $limit - $conn->{sent} < $size;

    my $n = $size > 0 ? syswrite $conn->{fh}, $conn->{out}, $size,
                                 $conn->{sent}
                      : 0;
    if (!defined $n) {
        return 1 if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;

        # The server may have answered before it closed: that answer counts.
        $conn->{sent} = length $conn->{out};
        $conn->{write_error} = "write: $!";
        return 1;
    }

    $conn->{sent} += $n;
    $conn->{pause_until} = time + ($request->{pause} || 0);

    if (defined $limit && $conn->{sent} >= $limit) {
        _finish($self, $conn, 'closed by the client');
        return 0;
    }

    return 1;
}


sub _receive {
    my ($self, $conn) = @_;

    my $n = sysread $conn->{fh}, $conn->{in}, READ_SIZE, length $conn->{in};

    if (!defined $n) {
        return 1 if $! == EAGAIN || $! == EWOULDBLOCK || $! == EINTR;
        _finish($self, $conn, "read: $!");
        return 0;
    }

    my $method = $conn->{request}{method} || '';
    my $answer = Faka::Http::Response->parse($conn->{in}, $n == 0, $method);

    if ($answer) {
        _finish($self, $conn, undef, $answer);
        return 0;
    }

    if ($n == 0) {
        _finish($self, $conn, $conn->{write_error}
                              || (length $conn->{in} ? 'cut off' : 'closed'));
        return 0;
    }

    return 1;
}


sub _finish {
    my ($self, $conn, $error, $answer) = @_;

    $answer ||= Faka::Http::Response->failed($error, $conn->{in});
    $answer->{start} = $conn->{start};
    $answer->{ms} = (time - $conn->{start}) * 1000;
    $self->{answers}[$conn->{index}] = $answer;

    if ($self->{keepalive} && !$error && $self->{next} < @{ $self->{requests} }
        && ($answer->header('connection') || '') ne 'close')
    {
        _assign($self, $conn, $self->{next}++);
        return;
    }

    $self->{poll}->remove($conn->{fh});
    delete $self->{open}{ fileno $conn->{fh} };
    close $conn->{fh};
}


1;
