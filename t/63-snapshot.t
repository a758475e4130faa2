# Snapshots: they come by themselves while selling goes on, the journal is cut
# behind them, and a shop comes back out of snapshot and tail.  Half-written
# ones never count.  And the journal that is lost: written anew from memory.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(children);
use Faka::Told;

use Time::HiRes qw(sleep time);

my $index = 'faka:{main}:snapshots';
my $journal = 'faka:{main}:journal';
my ($t, $cards, $told);


sub shop {
    my (%opt) = @_;

    my $count = delete $opt{cards};
    $t = Faka::Test->new(%opt)->start;
    $t->product('drop');
    $cards = $t->import_cards('drop', $count);
    $told = Faka::Told->new;
}


sub sell {
    my ($seconds) = @_;

    my $load = Faka::Load->start($t, sku => 'drop');
    sleep $seconds;
    my $part = $load->stop;
    $told->merge($part->data);
    return $part;
}


sub kill_everything {
    my $nginx = $t->nginx;

    kill 'KILL', $t->redis->pid, $nginx->master, children($nginx->master);
    $t->redis->kill9;
    $nginx->kill_all;
}


sub start_again {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $t->redis->start;
    $t->nginx->start;
    ok($t->wait_open, "$name: it opens");
    $told->check($t, $name, cards => $cards);
}


# ---- what stands in Redis ----------------------------------------------

# The index as [id, { field => value }], the oldest first.

sub index_entries {
    return map { [$_->[0], { @{ $_->[1] } }] }
           @{ $t->redis->cmd('XRANGE', $index, '-', '+') };
}


sub snapshot_keys {
    return map { s/.*://r }
           @{ $t->redis->cmd('KEYS', 'faka:{main}:snapshot:*') };
}


# The snapshot that counts: the fields of its entry.

sub counting {
    my ($done) = grep { $_->{done} } map { $_->[1] } reverse index_entries();
    return $done || {};
}


# The name of one that has begun and is not done, with parts in place.

sub half_written {
    return wait_until(sub {
        my ($last) = @{ $t->redis->cmd('XREVRANGE', $index, '+', '-',
                                       'COUNT', 1) };
        my %fields = $last ? @{ $last->[1] } : ();
        my $name = $fields{begin} or return 0;
        return $t->redis->cmd('EXISTS', "faka:{main}:snapshot:$name")
               ? $name : 0;
    }, 20);
}


sub snapshots { return $t->metrics->{faka_snapshots_total} }


# ---- under load --------------------------------------------------------

shop(cards => long(20000, 60000), shop => { snapshot => '1m 10s' });

ok(wait_until(sub { snapshots() > 0 }, 10), 'an import brings the first one');

my $load = Faka::Load->start($t, sku => 'drop');
my $before = snapshots();
ok(wait_until(sub { snapshots() >= $before + 2 }, 30),
   'and more come while selling goes on');
my $part = $load->stop;
$told->merge($part->data);
is($part->failures, '', 'nobody is refused meanwhile: ' . $part->summary);
$told->check($t, 'beside snapshots', cards => $cards);

ok(wait_until(sub { snapshot_keys() == 1 && index_entries() == 2 }, 10),
   'one stands in Redis, and two entries of the index');
my $done = counting();
is((snapshot_keys())[0], $done->{done}, 'the one that counts');
is(scalar @{ $t->redis->cmd('XRANGE', "faka:{main}:snapshot:$done->{done}",
                            '-', '+') } > 1, 1, 'in several entries');

my $metrics = $t->metrics;
is($metrics->{faka_snapshot_bytes}, $done->{bytes}, 'its size is a metric');
cmp_ok($metrics->{faka_snapshot_age_seconds}, '<', 60, 'so is its age');
cmp_ok($metrics->{faka_journal_tail_bytes}, '<',
       $metrics->{faka_journal_bytes_total} / 2,
       'and the journal behind it, a part of what was written');

my ($first) = @{ $t->redis->cmd('XRANGE', $journal, '-', '+', 'COUNT', 1) };
cmp_ok((split /-/, $first->[0])[1], '>', 100,
       "the journal begins at $first->[0] by now");
my (undef, undef, $number) = unpack 'V V Q<', { @{ $first->[1] } }->{b};
cmp_ok($number, '<=', $done->{begin} + 1,
       "with record $number: it has all that the snapshot needs");


# ---- recovery ----------------------------------------------------------

for my $round (1 .. long(2, 10)) {
    $load = Faka::Load->start($t, sku => 'drop');
    sleep 0.3 + rand 0.4;
    kill_everything();
    $told->merge($load->stop->data);
    start_again("kill -9 of everything, round $round");
}

# Its bytes are read, and the tail's, but not the whole history.
my ($bytes) = $t->nginx->error_log =~ /.* open under epoch .*? (\d+) bytes/s;
cmp_ok($bytes, '<', $metrics->{faka_journal_bytes_total}
       + 2 * $done->{bytes}, 'snapshot and tail are read, not the history');
is($t->metrics->{faka_snapshot_bytes}, counting()->{bytes},
   'and its size is known again');


# ---- half-written ------------------------------------------------------

# Its writer is one of the workers: both die.  However large the shop is by
# now, one comes after ten seconds.

for my $round (1 .. long(1, 10)) {
    my $name = "a writer dies, round $round";
    $load = Faka::Load->start($t, sku => 'drop');
    my $half = half_written();
    ok($half, "$name: in the middle of one");
    $t->nginx->kill_worker($_) for $t->nginx->workers;
    my $counted = counting()->{done};
    isnt($counted, $half, "$name: it does not count");
    $before = snapshots();
    ok(wait_until(sub { snapshots() > $before }, 20),
       "$name: the next one is written");
    $told->merge($load->stop->data);
    ok(wait_until(sub { !grep { $_ eq $half } snapshot_keys() }, 10),
       "$name: the half one is gone");
    $told->check($t, $name, cards => $cards);
}

# A worker that is told to quit does not stay for it, and holds nobody up.

$load = Faka::Load->start($t, sku => 'drop');
my $half = half_written();
my $started = time;
ok($half && $t->nginx->reload, 'a reload in the middle of one');
cmp_ok(time - $started, '<', 5, 'old workers leave at once');
$before = snapshots();
ok(wait_until(sub { snapshots() > $before }, 20), 'new ones write the next');
$part = $load->stop;
$told->merge($part->data);
is($part->failures, '', 'and nobody was refused: ' . $part->summary);

$load = Faka::Load->start($t, sku => 'drop');
$half = half_written();
kill_everything();
$told->merge($load->stop->data);
start_again('all die in the middle of one');
isnt(counting()->{done}, $half, 'it does not count');
$t->finish;


# ---- the journal is lost -----------------------------------------------

# A shop that has written more than its ring holds.

sub old_shop {
    shop(cards => 10000, shop => { memory => '8m' });

    my $load = Faka::Load->start($t, sku => 'drop');
    my $is_old = wait_until(sub {
        my $m = $t->metrics;
        return $m->{faka_journal_bytes_total}
               > $m->{faka_journal_ring_capacity_bytes} * 1.2;
    }, 20);
    $told->merge($load->stop->data);
    return $is_old;
}


my @flush = ('FLUSHALL');
my @delete = ('DEL', $journal);
my @cases = ([0, @flush], [1, @delete], [1, @flush], [0, @delete]);

for my $case (@cases[0 .. long(1, 3)]) {
    my ($idle, @command) = @$case;
    my $title = $command[0] . ($idle ? ', idle' : ' under load');
    ok(old_shop(), "$title: an old shop");
    $load = $idle ? undef : Faka::Load->start($t, sku => 'drop');
    sleep 0.3;
    $t->redis->cmd(@command);
    my $healed = wait_until(sub {
        return $t->metrics->{faka_healed_total} == 1
               && $t->shop_state eq 'open';
    }, 10);
    ok($healed, "$title: written anew from memory");
    $told->merge($load->stop->data) if $load;
    ok($t->nginx->wait_log(qr/\[emerg\].*lost records that only memory/),
       "$title: it is said, loudly");
    ok($t->nginx->wait_log(qr/\[notice\].* sells again: /),
       "$title: and what came of it");

    cmp_ok(sell(0.3)->count('checkout 201'), '>', 0, "$title: it sells");
    $told->check($t, $title, cards => $cards);
    is($t->metrics->{faka_healed_total}, 1, "$title: once is enough");
    kill_everything();
    start_again("$title, then kill -9 of everything");
    $t->finish;
}


# A Redis that loses its last writes while nginx has just read them: no ring
# holds them, since memory has them from the journal.

old_shop();
$told->settle($t);
$t->redis->keep_copy;
sell(0.3);
$told->settle($t);
ok($t->nginx->restart && $t->wait_open, 'nginx is restarted');
$t->redis->put_copy_back;
ok(wait_until(sub { $t->metrics->{faka_healed_total} == 1 }, 10),
   'Redis lost what was read from it: written anew from memory');
cmp_ok(sell(0.3)->count('checkout 201'), '>', 0, 'it sells');
$told->check($t, 'a tail lost after a restart', cards => $cards);
kill_everything();
start_again('a tail lost after a restart, then kill -9 of everything');
