package Bench::Rival;

# A peer (Bench::Peer) as the rows of the bench want it: with the same calls
# as a Bench::Shop.  It stands still (SIGSTOP) while others are measured.

use strict;
use warnings;

use Bench::Load qw(run_name wrk);
use Bench::Peer;
use Faka::Proc qw(free_port);

use constant { WARM_CARDS => 100_000, FEW => 20_000, CONNECTIONS => 256 };

# What a peer may have for sale to begin with: who counts its stock for each
# order is slow when there is much of it.
my %WARM = ('php-shop' => 4_000, 'pg-hot' => FEW, 'pg-skip' => FEW);


sub new {
    my ($class, $name, %opt) = @_;

    my $peer = Bench::Peer->named($name, port => free_port(), %opt);
    return bless { name => $name, kind => $peer }, $class;
}


sub peer { return 1 }
sub name { return $_[0]{name} }
sub url  { return $_[0]{kind}->url }
sub port { return $_[0]{kind}{port} }
sub pids { return $_[0]{kind}->pids }
sub about { return $_[0]{about} }
sub races { return $_[0]{kind}->races }


# Started, and loaded until it is as fast as it will be; at most so long.

sub start {
    my ($self, $seconds_max) = @_;

    my $peer = $self->{kind};
    $peer->start;
    $self->{about} = $peer->about;
    $self->fill($WARM{ $self->{name} } // WARM_CARDS);
    my $seconds = $peer->warm_seconds;
    $seconds = $seconds_max if $seconds_max && $seconds > $seconds_max;
    my $r = wrk(url => $self->url . '/checkout', script => 'buyers.lua',
                args => [ run_name(), 1 ], seconds => $seconds,
                connections => CONNECTIONS);
    $self->{per_s} = ($r->{requests} - $r->{refused}) / ($r->{us} / 1e6);
    $self->rest;
    return $self;
}


sub stop {
    my ($self) = @_;

    $self->wake;
    $self->{kind}->stop;
}


sub wake { $_[0]->signal('CONT') }
sub rest { $_[0]->signal('STOP') }

sub signal {
    my ($self, $name) = @_;

    my $pids = $self->pids;
    kill $name, map { @$_ } values %$pids;
}


sub fill {
    my ($self, $count, $limit) = @_;

    $self->{kind}->fill(stock => $count, limit => $limit || 0, skus => 1);
}


# Emptied, and filled with so many of each.

sub many {
    my ($self, $skus, $each) = @_;

    $self->{kind}->fill(stock => $each, limit => 0, skus => $skus);
}


# What is on sale and sold out.

sub nothing {
    my ($self) = @_;

    $self->fill(0);
    return 'hot';
}


# Emptied and filled.

sub prepare {
    my ($self, $count) = @_;

    $self->fill($count);
    return 0;
}


sub audit {
    my ($self) = @_;

    my $audit = $self->{kind}->audit;
    die "bench: $self->{name}: wrong sums: $audit->{why}\n"
        if $audit->{broken} || !$audit->{ok} && !$self->races;
    return $audit;
}


sub orders { return $_[0]->audit->{orders} }


1;
