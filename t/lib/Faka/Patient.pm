package Faka::Patient;

# Buyers who ask once more, and no more than that: who is told "later", or gets
# no answer, asks again with the same Idempotency-Key, at the next server if
# there are several, after the time that the answer named.  A second answer
# that is none, too, is a failure.
#
# A kept connection may be closed by the server just when a request is on its
# way: as HTTP has it (RFC 9112, 9.3.1), and as browsers do, that request is
# sent once more over a new one, which is no second time of asking.
#
#     my $buyers = Faka::Patient->start($t, sku => 'drop',
#                                       servers => [$first, $second]);
#     ... take the shop over ...
#     my $part = $buyers->stop;
#     is($part->{failed}, '', 'nobody had to ask three times');
#     $told->merge($part->{told}->data);
#
# %opt: sku, servers, clients (processes, 3), patience (tries in all, 2), wait
# (seconds between them, instead of what an answer says), keepalive (0: a
# connection for each request), unpaid (1: nobody pays).

use strict;
use warnings;

use List::Util qw(max);
use Time::HiRes qw(sleep time);

use Faka::Http::Line;
use Faka::Job;
use Faka::Told;

use constant { PACE_SECONDS => 0.01, TIMEOUT_SECONDS => 5, SHOWN_MAX => 10 };


sub start {
    my ($class, $t, %opt) = @_;

    my $self = bless { jobs => [], since => time }, $class;
    for my $client (1 .. $opt{clients} || 3) {
        push @{ $self->{jobs} }, Faka::Job->start(sub {
            return _work($t, "$client-" . int rand 1e12, %opt);
        });
    }
    return $self;
}


sub _work {
    my ($t, $name, %opt) = @_;

    my $keepalive = exists $opt{keepalive} ? $opt{keepalive} : 1;
    my $self = {
        lines => [map { Faka::Http::Line->new(port => $_->port,
                            timeout => TIMEOUT_SECONDS) }
                  @{ $opt{servers} }],
        patience => $opt{patience} || 2, wait => $opt{wait},
        close => !$keepalive, at => 0, again => 0, later => {},
        told => Faka::Told->new, failed => [], sold_at => [],
    };

    my $number = 0;
    until (Faka::Job::stopping()) {
        $number++;
        my $order = _buy($self, $t, sku => $opt{sku},
                         key => sprintf 'patient-%s-%06d', $name, $number);
        _pay($self, $t, $order) if $order && !$opt{unpaid} && $number % 4;
        sleep PACE_SECONDS;
    }

    return { told => $self->{told}->data,
             map { $_ => $self->{$_} } qw(failed sold_at again later) };
}


sub _buy {
    my ($self, $t, %purchase) = @_;

    my $answer = _ask($self, $t->checkout_request(%purchase));

    if ($answer->status == 201 || $answer->status == 200) {
        push @{ $self->{sold_at} }, time;
        return $self->{told}->bought($answer);
    }

    push @{ $self->{failed} }, sprintf 'checkout at %.3f: %s',
                                       $answer->{start}, $answer->brief;

    # There may be an order all the same: its key will tell.
    $self->{told}->want(%purchase, qty => 1, unpaid => 1, unsure => 1);
    return undef;
}


sub _pay {
    my ($self, $t, $order) = @_;

    $order->{tried_to_pay} = 1;
    my $answer = _ask($self, $t->notify_request($order));
    $order->{told} = $answer->status == 200 && $answer->body eq 'success';

    push @{ $self->{failed} }, sprintf 'notice at %.3f: %s',
                                       $answer->{start}, $answer->brief
        unless $order->{told};
}


sub _ask {
    my ($self, $request) = @_;

    my $lines = $self->{lines};
    my $answer;

    for my $try (1 .. $self->{patience}) {
        $answer = _send($lines->[ $self->{at} ], $request, $self->{close});
        return $answer if $answer->status != 0 && $answer->status != 503;

        $self->{again}++;
        $self->{later}{ $answer->code || $answer->status || 'none' }++;
        $self->{at} = ($self->{at} + 1) % @$lines;
        sleep defined $self->{wait} ? $self->{wait}
              : $answer->status ? $answer->header('retry-after') : 0;
    }

    return $answer;
}


sub _send {
    my ($line, $request, $close) = @_;

    my $kept = !$line->ended;
    my $answer = $line->ask($request, $close);

    return $answer if !$kept || $answer->status != 0
                      || $answer->{error} eq 'timeout';
    return $line->ask($request, $close);
}


# told: a Faka::Told; failed: text; sold: orders, sold_at: when; again: tries
# that were not the first; later: how often each code, or no answer, led to
# them; gap_ms: the longest time in which nobody was told of an order, and
# gap_at, when it began.

sub stop {
    my ($self) = @_;

    kill 'TERM', map { $_->pid } @{ $self->{jobs} };
    my $until = time;

    my %all = (told => Faka::Told->new, again => 0, later => {});
    my (@failed, @sold_at);

    for my $part (map { $_->wait } @{ $self->{jobs} }) {
        $all{told}->merge($part->{told});
        $all{again} += $part->{again};
        $all{later}{$_} += $part->{later}{$_} for keys %{ $part->{later} };
        push @failed, @{ $part->{failed} };
        push @sold_at, @{ $part->{sold_at} };
    }

    my $last = $self->{since};
    @all{qw(gap_ms gap_at)} = (0, $last);
    @sold_at = sort { $a <=> $b } @sold_at;

    for my $at (@sold_at, $until) {
        @all{qw(gap_ms gap_at)} = (($at - $last) * 1000, $last)
            if ($at - $last) * 1000 > $all{gap_ms};
        $last = $at;
    }

    my $more = max(0, @failed - SHOWN_MAX);
    splice @failed, SHOWN_MAX;
    $all{failed} = join "\n", @failed, $more ? "and $more more" : ();
    @all{qw(sold sold_at)} = (scalar @sold_at, \@sold_at);
    return \%all;
}


1;
