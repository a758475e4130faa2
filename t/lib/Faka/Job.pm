package Faka::Job;

# Work in a forked process beside the test, such as load while something is
# killed: it returns one value, sent back as JSON.  The work asks stopping()
# in its loop and ends soon after stop() was called.

use strict;
use warnings;

use JSON::PP ();
use POSIX ();

my $json = JSON::PP->new->utf8->allow_nonref->allow_blessed;
my $stopping = 0;
my %running;


sub stopping { return $stopping }


sub start {
    my ($class, $work) = @_;

    pipe my $reader, my $writer or die "pipe: $!";

    # A stop() that comes early must find the handler of the child in place.
    my $term = POSIX::SigSet->new(POSIX::SIGTERM());
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), $term);

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        close $reader;
        $SIG{TERM} = sub { $stopping = 1 };
        $SIG{INT} = 'DEFAULT';
        POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $term);
        srand;
        my $value = eval { $work->() };
        my $out = $@ ? { error => "$@" } : { value => $value };
        print {$writer} $json->encode($out);
        close $writer;

        # Neither the END blocks nor the destructors of the test run here.
        POSIX::_exit(0);
    }

    POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), $term);
    close $writer;
    my $self = bless { pid => $pid, reader => $reader, owner => $$ }, $class;
    $running{$pid} = 1;
    return $self;
}


sub pid { return $_[0]{pid} }


sub stop {
    my ($self) = @_;

    kill 'TERM', $self->{pid};
    return $self->wait;
}


# Waits for the end; returns the value, or dies with what the work died of.

sub wait {
    my ($self) = @_;

    local $/;
    my $fh = $self->{reader};
    my $text = <$fh>;
    waitpid $self->{pid}, 0;
    delete $running{ $self->{pid} };

    die "job: ended without a result\n" unless length $text;
    my $out = $json->decode($text);
    die "job: $out->{error}" if defined $out->{error};
    return $out->{value};
}


# For the end of a test that failed half-way.

sub kill_rest {
    kill 'KILL', $_ for keys %running;
    waitpid $_, 0 for keys %running;
    %running = ();
}


1;
