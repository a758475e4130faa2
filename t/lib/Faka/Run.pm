package Faka::Run;

# The shop of `make run`, as a newcomer gets it: starts conf/run/run in a
# folder and on ports of its own, reads what it prints, and stops or kills it.
# What `make run` does before (packages, build) has been done by then.

use strict;
use warnings;

use Faka::Proc qw(alive children free_port slurp spawn stop_pid wait_gone
                  wait_until);

my %running;


# dir: where the state is kept; it outlives the object.

sub new {
    my ($class, $dir) = @_;

    return bless {
        dir => $dir, port => free_port(), gateway_port => free_port(),
    }, $class;
}


sub url { return "http://127.0.0.1:$_[0]{port}" }


# Starts, and waits until it says that it is ready.  Returns what it printed.

sub start {
    my ($self) = @_;
    my $log = "$self->{dir}.log";

    unlink $log;
    $self->{pid} = spawn(['conf/run/run'], log => $log, env => {
        RUN_DIR => $self->{dir}, PORT => $self->{port},
        GATEWAY_PORT => $self->{gateway_port} });
    $running{ $self->{pid} } = $self;

    wait_until(sub { (slurp($log) // '') =~ /^Ctrl-C stops/m
                     || !alive($self->{pid}) }, 60);
    return $self->{printed} = slurp($log) // '';
}


# The lines that it gave the newcomer to copy.

sub purchase {
    my ($self) = @_;

    my ($lines) = $self->{printed} =~ /^(ORDER=.*?)^Ctrl-C/ms;
    return grep { /\S/ } split /\n/, $lines // '';
}


# It and all below it, the deepest last.

sub pids {
    my ($self) = @_;
    my @pids = $self->{pid};

    for (my $i = 0; $i < @pids; $i++) {
        push @pids, children($pids[$i]);
    }
    return @pids;
}


sub kill_all {
    my ($self) = @_;
    my @pids = $self->pids;

    kill 'KILL', @pids;
    wait_gone($_, 10) for @pids;
    waitpid $self->{pid}, 0;
    delete $running{ $self->{pid} };
    return @pids;
}


sub stop {
    my ($self) = @_;
    my @pids = $self->pids;

    stop_pid($self->{pid}, 15);
    delete $running{ $self->{pid} };
    return grep { alive($_) } @pids;
}


END {
    my $status = $?;
    $_->kill_all for values %running;
    $? = $status;
}


1;
