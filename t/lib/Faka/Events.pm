package Faka::Events;

# The stream of a shop's events, and whether it has each sale once.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use Faka::Proc qw(wait_until);

our @EXPORT = qw(events events_written events_tell_sales);

use constant { KEY => 'faka:{main}:events', WRITTEN_SECONDS => 10 };


# The stream as a list of { id, and its fields }, the oldest first; behind an
# id, if one is given.

sub events {
    my ($redis, $after) = @_;

    return map { { id => $_->[0], @{ $_->[1] } } }
           @{ $redis->cmd('XRANGE', KEY, $after ? "($after" : '-', '+') };
}


# Whether all that has happened comes to be in the stream.

sub events_written {
    my ($t, %opt) = @_;

    return wait_until(sub {
        my $metrics = $t->metrics(%opt);
        return defined $metrics->{faka_events_lag_records}
               && $metrics->{faka_events_lag_records} == 0
               && $metrics->{faka_journal_seq}
                  == $metrics->{faka_journal_durable_seq};
    }, WRITTEN_SECONDS);
}


# Each order that is delivered, and its payment, is in the stream of that
# Redis once, and no other one is.  nginx: who is asked; but: an order that is
# not there, as its record was cut.

sub events_tell_sales {
    my ($t, $redis, $what, %opt) = @_;

    my $but = delete $opt{but} // '';
    my (%told, %sold);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(events_written($t, %opt), "$what: all events are written");

    my $cursor = '';
    do {
        my $page = $t->admin('GET', '/orders?status=delivered&limit=100'
                             . ($cursor ? "&cursor=$cursor" : ''), undef,
                             %opt)->json;
        $sold{ $_->{order} } = 1 for @{ $page->{orders} };
        $cursor = $page->{next} // '';
    } while ($cursor);

    delete $sold{$but};
    $told{ $_->{event} }{ $_->{order} }++ for grep { $_->{order} }
                                              events($redis);

    cmp_ok(scalar keys %sold, '>', 300, "$what: " . keys(%sold) . ' sales');
    is_deeply($told{'order.delivered'}, \%sold, "$what: each is told once");
    is_deeply($told{'payment.applied'}, \%sold,
              "$what: and so is its payment");
    return;
}

1;
