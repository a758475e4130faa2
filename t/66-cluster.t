# A cluster: the node that has the shop's slot is found from any other one,
# and found again when the slot moves, or the node was away.

use lib 't/lib';

use Faka::Test;
use Faka::Events;
use Faka::Load;
use Faka::Proc qw(free_port);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant { SLOTS => 16384, BACK_SECONDS => 4 };

my @ports = map { free_port() } 1 .. 3;
my ($seed, $owner, $other) = 0 .. 2;

# The first address is nobody's, the second that of a node without the slot.
my $t = Faka::Test->new(shop => { events => 100_000, redis =>
    join ' ', 'cluster', map { "127.0.0.1:$_" } free_port(), $ports[$seed] });
my $nginx = $t->nginx;
my @redis = map { $t->another_redis({
    bind => '127.0.0.1', port => $_, 'cluster-port' => free_port(),
    'cluster-enabled' => 'yes', 'cluster-node-timeout' => 2000,
    'cluster-allow-replica-migration' => 'no' }) } @ports;
$_->start for @redis;
my @node_ids = map { $_->cmd('CLUSTER', 'MYID') } @redis;
my $slot = $redis[0]->cmd('CLUSTER', 'KEYSLOT', 'faka:{main}:journal');
join_cluster();

$nginx->start;
ok($t->wait_open, 'the shop opens');
my $pointed = qq{redis "127.0.0.1:$ports[$owner]" has the shop's slot, says }
              . qq{"127.0.0.1:$ports[$seed]"};
ok($nginx->wait_log(qr/\Q$pointed\E/), 'the seed has pointed to the slot');

$t->product($_) for qw(drop probe);
my $cards = $t->import_cards('drop', long(16000, 60000));
$t->import_cards('probe', 1000);
my $told = Faka::Told->new;
cmp_ok($redis[$owner]->journal->{length}, '>', 1, 'its node has the journal');


# ---- the slot moves, there and back ------------------------------------

for my $move ([$owner, $other], [$other, $owner]) {
    my ($from, $to) = @$move;
    my $load = Faka::Load->start($t, sku => 'drop', timeout => 3);
    sleep 0.5;
    move_slot($from, $to);
    my $seconds = sells_within();
    cmp_ok($seconds, '<', BACK_SECONDS,
           sprintf 'moved to node %d: sells %.1f s later', $to, $seconds);
    sleep 0.5;
    my $part = $load->stop;
    cmp_ok($part->slowest_ms, '<', 2000,
           'nobody is left waiting: ' . $part->summary);
    cmp_ok($redis[$to]->journal->{length}, '>', 1, 'the journal is there');
    $told->merge($part->data);
    $told->check($t, "moved to node $to", cards => $cards);
}


# ---- the node is away --------------------------------------------------

my $load = Faka::Load->start($t, sku => 'drop', timeout => 3);
sleep 0.3;
$redis[$owner]->restart;
cmp_ok(sells_within(), '<', BACK_SECONDS, 'the node restarts: sales are back');
$told->merge($load->stop->data);

$redis[$owner]->kill9;
is($t->checkout(sku => 'probe')->status, 503, 'killed: no sales');
ok(wait_until(sub { eval {
    $redis[$seed]->cmd('CLUSTER', 'INFO') =~ /cluster_state:fail/ } }, 10),
   'the cluster is down');
$redis[$owner]->start;
ok(wait_until(sub {
    $redis[$seed]->cmd('CLUSTER', 'INFO') =~ /cluster_state:ok/ }, 10),
   'and up again');
cmp_ok(sells_within(), '<', BACK_SECONDS, 'and so are the sales');
$told->check($t, 'the end', cards => $cards);
events_tell_sales($t, $redis[$owner], 'the end');
is($t->metrics->{faka_events_lost_records_total}, 0, 'no event is missing');


# One node has the shop's slot, the two others have the rest; then all meet
# the first.

sub join_cluster {
    my $half = SLOTS / 2;
    my @slots = map { [grep { $_ != $slot } @$_] }
                [0 .. $half - 1], [], [$half .. SLOTS - 1];
    $slots[$owner] = [$slot];

    for my $node (0 .. 2) {
        $redis[$node]->cmd('CLUSTER', 'ADDSLOTS', @{ $slots[$node] });
        $redis[$node]->cmd('CLUSTER', 'MEET', '127.0.0.1', $ports[0],
                           $redis[0]{config}{'cluster-port'});
    }

    ok(wait_until(sub {
        3 == grep { $_->cmd('CLUSTER', 'INFO')
                    =~ /cluster_state:ok.*known_nodes:3/s } @redis;
    }, 20), 'a cluster of three');
}


# As redis-cli does it, key by key; between the keys clients are asked to wait.

sub move_slot {
    my ($from, $to) = @_;

    $redis[$to]->cmd('CLUSTER', 'SETSLOT', $slot, 'IMPORTING',
                     $node_ids[$from]);
    $redis[$from]->cmd('CLUSTER', 'SETSLOT', $slot, 'MIGRATING',
                       $node_ids[$to]);

    while (my ($key) = @{ $redis[$from]->cmd('CLUSTER', 'GETKEYSINSLOT',
                                             $slot, 1) })
    {
        $redis[$from]->cmd('MIGRATE', '127.0.0.1', $ports[$to], $key, 0, 5000);
        sleep 0.2;
    }

    $redis[$_]->cmd('CLUSTER', 'SETSLOT', $slot, 'NODE', $node_ids[$to])
        for $to, $from, grep { $_ != $to && $_ != $from } 0 .. 2;
}


sub sells_within {
    my $since = time;
    wait_until(sub {
        $t->checkout(sku => 'probe')->status == 201 }, 20);
    return time - $since;
}
