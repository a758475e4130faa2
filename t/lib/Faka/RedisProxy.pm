package Faka::RedisProxy;

# Stands between nginx and Redis on a unix socket and, by a plan, lets single
# commands go wrong:
#
#     pass      goes through
#     mute      Redis gets the command; its reply is kept, and everything
#               after it: the line is dead but open
#     cut       Redis gets the command; instead of the reply comes the end
#     tear      the same, after the first bytes of the reply
#     drop      the end, before Redis gets anything
#     half      Redis gets the first half of the command, then the end
#     trickle   the command and the reply go byte by byte
#
# The plan is a hash: "batch" is the list of fates of the appended batches,
# one after the other and over again; "probe" that of the questions for the
# journal's end.  Whatever else is said goes through.
#
# It relies on a client that has one command on its way at a time.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;

use Faka::Job;

use constant { READ_SIZE => 1 << 20, TURN_SECONDS => 0.1 };

my %commands = (
    batch => qr/\A\*[68]\r\n\$4\r\nXADD\r\n/,
    probe => qr/\A\*\d+\r\n\$5\r\nXINFO\r\n/,
);


# %opt: listen, redis (paths of sockets), plan.  stop() returns how often
# each fate came, as "batch cut" => 2.

sub start {
    my ($class, %opt) = @_;

    unlink $opt{listen};
    my $listener = IO::Socket::UNIX->new(Local => $opt{listen}, Listen => 64)
        or die "$opt{listen}: $!";
    chmod 0777, $opt{listen};

    my $job = Faka::Job->start(sub {
        return bless({ %opt, listener => $listener, ends => {}, counts => {},
                       select => IO::Select->new($listener) }, $class)->_run;
    });
    close $listener;
    return bless { job => $job }, $class;
}


sub stop { return $_[0]{job}->stop }


sub _run {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';

    until (Faka::Job::stopping()) {
        for my $fh ($self->{select}->can_read(TURN_SECONDS)) {
            if ($fh == $self->{listener}) {
                $self->_accept;
                next;
            }

            # Its other end may have taken it along in this very turn.
            my $end = $self->{ends}{$fh} or next;
            my $n = sysread $fh, my $bytes, READ_SIZE;

            if (!$n) {
                $self->_close($end->{line});
            } elsif ($end->{asks}) {
                $self->_asked($end->{line}, $bytes);
            } else {
                $self->_replied($end->{line}, $bytes);
            }
        }
    }
    return $self->{counts};
}


sub _accept {
    my ($self) = @_;

    my $client = $self->{listener}->accept or return;
    my $server = IO::Socket::UNIX->new(Peer => $self->{redis});
    if (!$server) {
        close $client;
        return;
    }

    my $line = { client => $client, server => $server, fate => 'pass',
                 waiting => 0 };
    $self->{ends}{$client} = { line => $line, asks => 1 };
    $self->{ends}{$server} = { line => $line, asks => 0 };
    $self->{select}->add($client, $server);
}


sub _close {
    my ($self, $line) = @_;

    for my $fh (@$line{qw(client server)}) {
        delete $self->{ends}{$fh};
        $self->{select}->remove($fh);
        close $fh;
    }
}


# Bytes from nginx.  While a reply is awaited they belong to the command that
# is on its way.

sub _asked {
    my ($self, $line, $bytes) = @_;

    if (!$line->{waiting}) {
        $line->{waiting} = 1;
        $line->{fate} = $self->_fate($bytes);
    }

    my $fate = $line->{fate};
    return $self->_close($line) if $fate eq 'drop';

    if ($fate eq 'half') {
        syswrite $line->{server}, $bytes, length($bytes) / 2;
        return $self->_close($line);
    }

    _write($line->{server}, $bytes, $fate eq 'trickle' ? 1 : length $bytes);
}


sub _fate {
    my ($self, $bytes) = @_;

    for my $command (sort keys %commands) {
        next unless $bytes =~ $commands{$command};

        my $fates = $self->{plan}{$command} or next;
        my $fate = $fates->[$self->{number}{$command}++ % @$fates];
        $self->{counts}{"$command $fate"}++;
        return $fate;
    }
    return 'pass';
}


sub _replied {
    my ($self, $line, $bytes) = @_;

    my $fate = $line->{fate};
    return if $fate eq 'mute';
    return $self->_close($line) if $fate eq 'cut';

    if ($fate eq 'tear') {
        syswrite $line->{client}, $bytes, 3;
        return $self->_close($line);
    }

    $line->{waiting} = 0;
    _write($line->{client}, $bytes, $fate eq 'trickle' ? 1 : length $bytes);
}


sub _write {
    my ($fh, $bytes, $size) = @_;

    my $at = 0;
    while ($at < length $bytes) {
        my $n = syswrite $fh, $bytes, $size, $at or last;
        $at += $n;
    }
}


1;
