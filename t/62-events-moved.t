# The stream of events where it is hard to go on: a Redis that lost the middle
# of a transaction, a journal that was cut while nobody fed, servers that take
# the shop from one another.

use lib 't/lib';

use Faka::Test;
use Faka::Events;
use Faka::Load;
use Faka::Proc qw(children slurp);

use Time::HiRes qw(sleep);

my $journal = 'faka:{main}:journal';
my $t = Faka::Test->new(shop => { events => 100_000,
                                  snapshot => '1m 10s' })->start;
my $redis = $t->redis;
my $nginx = $t->nginx;


sub ids { return [map { $_->{id} } events($redis)] }


# The number of an event's record.

sub record { return int((split /-/, $_[0])[1] / 1000) }


sub buy {
    my ($server) = @_;

    my $order = $t->checkout(sku => 'drop', nginx => $server)->json;
    is($t->notify($order, nginx => $server)->body, 'success', 'sold');
    return $order->{order};
}


# ---- half a transaction ----------------------------------------------------

$t->product('drop');
$t->import_cards('drop', 20);
buy($nginx);
ok(events_written($t), 'told');
my @before = @{ ids() };
is(scalar @before, 4, 'a product, its cards, an order, its payment');

for my $cut (['behind its first entry', 'XADD', 2], ['at its end', 'EXEC', 1])
{
    my ($where, $word, $times) = @$cut;

    $nginx->stop;
    $redis->kill9;
    my ($file) = glob $t->dir . '/redis/append*/*.incr.aof';
    my $text = slurp($file);
    my $at = rindex $text, 'MULTI';
    cmp_ok($at, '>', 0, 'events are a transaction');
    $at = index $text, $word, $at + 1 for 1 .. $times;
    truncate $file, $at or die "truncate: $!";
    $redis->start;
    is(scalar @{ ids() }, 2, "cut $where: Redis has nothing of it");
    ok($nginx->start && $t->wait_open, 'started again');
    wait_until(sub { @{ ids() } >= @before }, 5);
    ok(events_written($t), 'told');
    is_deeply(ids(), \@before, 'the same events under the same ids');
    is($t->metrics->{faka_events_lost_records_total}, 0, 'nothing is missing');
}


# ---- cut while nobody fed --------------------------------------------------

my $told = record((events($redis))[-1]{id});
$nginx->{opt}{shop}{events} = 'off';
ok($nginx->restart && $t->wait_open, 'restarted with events off');
my $untold = buy($nginx);
$t->import_cards('drop', long(16000, 60000));
ok(wait_until(sub {
    my $first = $redis->cmd('XRANGE', $journal, '-', '+', 'COUNT', 1)->[0];
    return $t->metrics->{faka_snapshots_total} > 0
           && (!$first || (split /-/, $first->[0])[1] > $told + 3);
}, 30), 'a snapshot, and the journal is cut behind it');

$nginx->{opt}{shop}{events} = 100_000;
ok($nginx->restart && $t->wait_open, 'and on again');
my $next = buy($nginx);
ok(wait_until(sub {
    grep { ($_->{order} // '') eq $next } events($redis);
}, 10), 'it goes on');
ok(events_written($t), 'and is not behind');

my @gaps = $nginx->error_log =~ /events of records (\d+ to \d+) are missing/g;
is(scalar @gaps, 1, "what is missing is said once: @gaps");
my ($from, $to) = split / to /, $gaps[0] // '0 to 0';
is($from, $told + 1, 'from the first record on');
is($t->metrics->{faka_events_lost_records_total}, $to - $from + 1,
   'and counted');
my @new = grep { record($_->{id}) > $told } events($redis);
cmp_ok(record($new[0]{id}), '>', $to, 'the rest is told');


# ---- servers that take the shop from one another ----------------------------

my $second = $t->another_nginx(shop => { events => 100_000,
                                         role => 'standby' });
$second->start;
ok(follows($second), 'a standby');
is($t->metrics(nginx => $second)->{faka_events_lag_records}, 0,
   'which is not behind, for it feeds nobody');

for my $round (1 .. long(3, 30)) {
    my ($owner, $standby) = $t->shop_state(nginx => $nginx) eq 'open'
                            ? ($nginx, $second) : ($second, $nginx);

    my $load = Faka::Load->start($t, sku => 'drop', nginx => $owner);
    sleep 1;

    if ($round % 3 == 0) {
        is($t->admin('POST', '/takeover', undef, nginx => $standby)->status,
           202, "round $round: handed over");

    } else {
        kill 'KILL', $owner->master, children($owner->master);
        $owner->kill_all;
    }

    ok($t->wait_open($standby), "round $round: the other one sells");
    $load->stop;
    buy($standby);
    ok(events_written($t, nginx => $standby),
       "round $round: all is told");
    is($t->metrics(nginx => $standby)->{faka_events_lost_records_total}, 0,
       "round $round: nothing is missing");
    $owner->start if $round % 3 != 0;
    ok(follows($owner), "round $round: the first one follows");
}

my ($owner) = grep { $t->shop_state(nginx => $_) eq 'open' } $nginx, $second;
events_tell_sales($t, $redis, 'the end', nginx => $owner, but => $untold);


sub follows {
    my ($server) = @_;

    return wait_until(sub {
        return $t->shop_state(nginx => $server) eq 'recovering'
               && $server->error_log =~ /.*(its standby|is open)/s
               && $1 eq 'its standby';
    }, 10);
}
