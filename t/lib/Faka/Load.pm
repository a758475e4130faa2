package Faka::Load;

# Buyers at work in processes of their own, while the test kills, stops or
# reloads something:
#
#     my $load = Faka::Load->start($t, sku => 'drop');
#     ... kill something ...
#     my $told = $load->stop;             # a Faka::Told
#     ok($told->settle($t), 'every purchase got its answers');
#     $told->check($t, 'after the kill');
#
# Of four buyers one does not pay, and of seven one wants two units.  A buyer
# who gets no answer asks again with the same Idempotency-Key.
#
# %opt: sku, clients (processes, 2), width (buyers at work in each, 8), nginx
# (another one), timeout (seconds a request), want (a sub that takes the
# number of a purchase and gives fields of it other than those above).

use strict;
use warnings;

use Time::HiRes qw(sleep);

use Faka::Job;
use Faka::Proc qw(wait_until);
use Faka::Told;

# The load is the same on a fast machine: stock must last, and what was sold
# is read again at each check.  Longer when nobody answers.
use constant { PACE_SECONDS => 0.01, IDLE_SECONDS => 0.03 };


sub start {
    my ($class, $t, %opt) = @_;

    my $self = bless { jobs => [] }, $class;
    for my $client (1 .. $opt{clients} || 2) {
        push @{ $self->{jobs} }, Faka::Job->start(sub {
            return _work($t, "$client-" . int rand 1e12, %opt);
        });
    }
    return $self;
}


# Buyers who all come while Redis is paused: each asks once.  Returns when
# the shop has their orders in memory and they wait for the disk.

sub parked {
    my ($class, $t, $count, %opt) = @_;

    my $unsaved = sub {
        my $metrics = $t->metrics;
        return $metrics->{faka_journal_seq}
               - $metrics->{faka_journal_durable_seq};
    };
    my $before = $unsaved->();
    my $job = Faka::Job->start(sub {
        my $told = Faka::Told->new;
        $told->want(key => sprintf('parked-%d-%d', $_, rand 1e15), qty => 1,
                    sku => $opt{sku}, unpaid => 1) for 1 .. $count;
        $told->turn($t);
        return $told->data;
    });

    wait_until(sub { $unsaved->() - $before >= $count }, 1);
    return bless { jobs => [$job] }, $class;
}


sub _work {
    my ($t, $name, %opt) = @_;

    my $told = Faka::Told->new;
    my $width = $opt{width} || 8;
    my $number = 0;
    my %with = (timeout => $opt{timeout} || 5,
                $opt{nginx} ? (nginx => $opt{nginx}) : ());

    until (Faka::Job::stopping()) {
        while (@{ $told->{open} } < $width) {
            $number++;
            $told->want(key => sprintf('load-%s-%07d', $name, $number),
                        sku => $opt{sku}, qty => $number % 7 ? 1 : 2,
                        unpaid => $number % 4 ? 0 : 1,
                        $opt{want} ? $opt{want}->($number) : ());
        }
        sleep($told->turn($t, %with) ? PACE_SECONDS : IDLE_SECONDS);
    }

    return $told->data;
}


sub stop {
    my ($self) = @_;

    kill 'TERM', map { $_->pid } @{ $self->{jobs} };

    my $told = Faka::Told->new;
    $told->merge($_->wait) for @{ $self->{jobs} };
    return $told;
}


1;
