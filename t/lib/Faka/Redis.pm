package Faka::Redis;

# A Redis of the test's own, on a unix socket below the test's folder, and a
# small client for it.  It can be stopped, killed, paused (the process is
# there but says nothing) and started again on the same data.

use strict;
use warnings;

use File::Path qw(remove_tree);
use IO::Socket::UNIX;
use Time::HiRes qw(sleep);

use Faka::Proc qw(alive slurp spawn stop_pid wait_gone wait_until);


# %opt: dir; "config", a hash of redis.conf settings over the defaults; "env",
# variables of the process; "args", words for its command line.

sub new {
    my ($class, %opt) = @_;

    my %config = (
        appendonly => 'yes', appendfsync => 'always', save => '""',
        'auto-aof-rewrite-percentage' => 0,
        %{ $opt{config} || {} },
    );
    my $binary = $ENV{TEST_REDIS_BINARY} || '/usr/bin/redis-server';

    mkdir "$opt{dir}/redis", 0755;
    return bless { dir => "$opt{dir}/redis", binary => $binary,
                   socket => "$opt{dir}/redis.sock",
                   log => "$opt{dir}/redis.log", config => \%config,
                   env => $opt{env} || {}, args => $opt{args} || [] }, $class;
}


sub socket_path { return $_[0]{socket} }
sub pid         { return $_[0]{pid} }


sub start {
    my ($self) = @_;

    die "redis runs already\n" if $self->{pid};
    unlink $self->{socket};

    # The mode lets workers in that do not run as the user of this test.
    my %config = (port => 0, unixsocket => $self->{socket},
                  unixsocketperm => '777', dir => $self->{dir},
                  daemonize => 'no', %{ $self->{config} });
    my @argv = ($self->{binary}, '-');

    my $conf = "$self->{dir}/redis.conf";
    Faka::Proc::spew($conf, join '', map { "$_ $config{$_}\n" }
                                     sort keys %config);
    @argv[1 .. 1 + @{ $self->{args} }] = ($conf, @{ $self->{args} });

    $self->{pid} = spawn(\@argv, log => $self->{log},
                         env => $self->{env});

    wait_until(sub {
        return 1 unless alive($self->{pid});
        my $pong = eval { $self->cmd('PING') };
        return defined $pong && $pong eq 'PONG';
    }, 20);

    if (!eval { $self->cmd('PING') }) {
        my $log = slurp($self->{log});
        die "redis did not start: " . substr($log, -1000) . "\n";
    }

    return $self;
}


sub stop {
    my ($self) = @_;

    $self->_forget;
    my $pid = delete $self->{pid} or return 1;
    return stop_pid($pid, 10);
}


sub kill9 {
    my ($self) = @_;

    $self->_forget;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    wait_gone($pid, 5) or die "redis $pid does not die\n";
}


sub restart { my ($self) = @_; $self->stop; return $self->start }
sub pause   { my ($self) = @_; kill 'STOP', $self->{pid} }
sub cont    { my ($self) = @_; kill 'CONT', $self->{pid} }


# Puts an earlier state of the append-only files in place, as a disk that
# lost its last writes would.

sub keep_copy {
    my ($self) = @_;

    remove_tree("$self->{dir}.copy");
    system('cp', '-a', $self->{dir}, "$self->{dir}.copy") == 0 or die 'cp';
}


sub put_copy_back {
    my ($self) = @_;

    # The folder may be a file system of its own.
    $self->kill9;
    remove_tree($self->{dir}, { keep_root => 1 });
    system('cp', '-a', "$self->{dir}.copy/.", $self->{dir}) == 0 or die 'cp';
    return $self->start;
}


sub _forget {
    my ($self) = @_;

    my $fh = delete $self->{fh};
    close $fh if $fh;
}


# One command, one reply: a string, an integer, undef, or an array.  An error
# reply dies with its text.  The connection is opened at need and kept.

sub cmd {
    my ($self, @args) = @_;

    # A connection made before a fork belongs to the parent.
    $self->_forget if ($self->{fh_pid} || 0) != $$;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "redis: no reply within 5 s\n" };

    if (!$self->{fh}) {
        $self->{fh} = IO::Socket::UNIX->new(Peer => $self->{socket})
            or die "redis: $self->{socket}: $!\n";
        $self->{fh_pid} = $$;
    }

    my $bytes = '*' . @args . "\r\n";
    for my $arg (@args) {
        my $copy = "$arg";
        utf8::encode($copy) if utf8::is_utf8($copy);
        $bytes .= '$' . length($copy) . "\r\n$copy\r\n";
    }

    my $before = alarm 5;
    my $reply = eval {
        print { $self->{fh} } $bytes or die "redis: write: $!\n";
        $self->{fh}->flush;
        [_reply($self->{fh})];
    };
    my $error = $@;
    alarm $before;

    if (!$reply) {
        $self->_forget unless $error =~ /\Aredis: reply: /;
        die $error;
    }
    return $reply->[0];
}


sub _reply {
    my ($fh) = @_;

    local $/ = "\r\n";
    my $line = <$fh>;
    die "redis: connection closed\n" unless defined $line;
    chomp $line;

    my $type = substr $line, 0, 1, '';
    return $line if $type eq '+';
    return $line + 0 if $type eq ':';
    die "redis: reply: $line\n" if $type eq '-';

    if ($type eq '$') {
        return undef if $line < 0;
        my $left = $line + 2;
        my $data = '';
        while ($left > 0) {
            my $n = read $fh, $data, $left, length $data;
            die "redis: connection closed\n" unless $n;
            $left -= $n;
        }
        return substr $data, 0, -2;
    }

    if ($type eq '*') {
        return undef if $line < 0;
        return [map { _reply($fh) } 1 .. $line];
    }

    die "redis: unknown reply type \"$type\"\n";
}


# The journal of a shop: how many batches, and the id of the last one.

sub journal {
    my ($self, $shop) = @_;

    my $key = 'faka:{' . ($shop || 'main') . '}:journal';
    my $last = $self->cmd('XREVRANGE', $key, '+', '-', 'COUNT', 1);
    return { length => $self->cmd('XLEN', $key),
             last => @$last ? $last->[0][0] : '' };
}


1;
