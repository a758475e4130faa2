# Redis with replicas: with `replicas 1` an answer waits until one of them has
# the record, and so nothing that was told is lost when the master is; without
# it, what a replica missed comes back out of memory.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(children free_port);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant BACK_SECONDS => 3;


# ---- a shop whose Redis can be another one --------------------------------

# Sentinels and clusters have files of their own; here the address stays, and
# the master behind it changes by hand.

my @ports = map { free_port() } 1 .. 3;
my ($t, $nginx, @redis, $line, $cards, $told);
my %master = (bind => '127.0.0.1', 'shutdown-timeout' => 0,
              'repl-diskless-sync-delay' => 0, 'repl-timeout' => 60);

sub shop {
    my (%shop) = @_;

    $t = Faka::Test->new(shop => { %shop });
    $nginx = $t->nginx;
    $line = $t->dir . '/line.sock';
    $nginx->{opt}{redis_socket} = $line;
    @redis = map { $t->another_redis({ %master, port => $ports[$_],
        $_ ? (replicaof => "127.0.0.1 $ports[0]") : () }) } 0 .. 2;
    $_->start for @redis;
    leads($redis[0]);
    ok(wait_until(sub { replicas($redis[0]) == 2 }, 20),
       'a master and two replicas');

    $nginx->start;
    ok($t->wait_open, 'the shop opens');
    $t->product('drop');
    $cards = $t->import_cards('drop', long(8000, 40000));
    $t->product('probe');
    $t->import_cards('probe', 1000);
    $told = Faka::Told->new;
}


sub leads {
    my ($redis) = @_;

    symlink $redis->socket_path, "$line.new" or die "symlink: $!";
    rename "$line.new", $line or die "rename: $!";
}


sub replicas {
    my ($redis) = @_;

    my @online = $redis->cmd('INFO', 'replication') =~ /state=online/g;
    return scalar @online;
}


# The named one becomes the master of the others that live.

sub promote {
    my ($new, @others) = @_;

    $new->cmd(qw(REPLICAOF NO ONE));
    leads($new);
    my ($port) = grep { $redis[$_] == $new } 0 .. 2;
    $_->cmd('REPLICAOF', '127.0.0.1', $ports[$port]) for @others;
}


sub sells_again {
    my ($name, $on) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $since = time;
    ok(wait_until(sub {
        return $t->checkout(sku => 'probe', nginx => $on || $nginx)->status
               == 201;
    }, BACK_SECONDS), sprintf '%s: it sells after %.0f ms', $name,
                              (time - $since) * 1000);
}


# ---- replicas 1 -----------------------------------------------------------

shop(replicas => 1);

my $load = Faka::Load->start($t, sku => 'drop');
sleep 0.7;
$told->merge($load->stop->data);
my ($waits) = $redis[0]->cmd('INFO', 'commandstats') =~ /wait:calls=(\d+)/;
cmp_ok($waits, '>', 10, "it asks for replicas: $waits times");
$told->check($t, 'two replicas', cards => $cards);


# One is enough; none is not.

$redis[1]->pause;
$load = Faka::Load->start($t, sku => 'drop');
sleep 0.7;
my $part = $load->stop;
is($part->failures, '', 'one replica stands still: ' . $part->summary);
$told->merge($part->data);

$load = Faka::Load->start($t, sku => 'drop', timeout => 4);
sleep 0.2;
$redis[2]->pause;
ok($nginx->wait_log(qr/\[error\].*fewer than 1 replicas.*nothing is ackn/, 4),
   'both stand still: the error log says what that means');
my $answers = http_many([map { $t->checkout_request(sku => 'probe') }
                         1 .. 20], timeout => 5);
is(join(' ', grep { $_ != 503 } map { $_->status } @$answers), '',
   'and nothing is acknowledged');
is($t->get('/products')->status, 200, 'the products are shown');

$redis[2]->cont;
sells_again('one is back');
$part = $load->stop;
is($part->count('checkout 0'), 0, 'every buyer got an answer: '
                                  . $part->summary);
$told->merge($part->data);
$told->check($t, 'one is back', cards => $cards);


# The master dies.  Of two replicas, one of which stood still, the one that
# has more leads, as any failover does it.

$load = Faka::Load->start($t, sku => 'drop', timeout => 4);
sleep 0.5;
$redis[0]->kill9;
$redis[1]->cont;
promote($redis[2], $redis[1]);
sells_again('failover');
$told->merge($load->stop->data);
$told->check($t, 'failover', cards => $cards);

ok($nginx->restart && $t->wait_open, 'nginx is restarted');
$told->check($t, 'out of the new master', cards => $cards);
$t->finish;


# ---- replicas 0: the new master lacks the last records --------------------

shop();

$load = Faka::Load->start($t, sku => 'drop', timeout => 4);
sleep 0.3;
$_->cmd(qw(REPLICAOF NO ONE)) for @redis[1, 2];
sleep 0.4;
my $had = $redis[0]->journal->{last};
$redis[0]->kill9;
isnt($redis[1]->journal->{last}, $had, 'the replica lacks some of them');
promote($redis[1], $redis[2]);
sells_again('failover that lost the tail');
$told->merge($load->stop->data);
$told->check($t, 'failover that lost the tail', cards => $cards);

ok($nginx->restart && $t->wait_open, 'nginx is restarted');
$told->check($t, 'the lost tail, out of the new master', cards => $cards);


# The same, and the owner dies with the master.  Its standby has read what the
# replica lacks.

my $standby = $t->another_nginx(redis_socket => $line);
$standby->start;
ok($standby->wait_log(qr/its standby/), 'a standby follows');
$load = Faka::Load->start($t, sku => 'drop', timeout => 4);
sleep 0.5;
$redis[2]->cmd(qw(REPLICAOF NO ONE));
sleep 0.4;
$told->merge($load->stop->data);
$told->settle($t);
ok(wait_until(sub {
    return $t->metrics->{faka_journal_durable_seq}
           == $t->metrics(nginx => $standby)->{faka_journal_seq};
}, 3), 'and has every record');

$redis[1]->kill9;
$nginx->kill_all;
promote($redis[2]);
ok(wait_until(sub { $t->shop_state(nginx => $standby) eq 'open' }, 6),
   'owner and master die together: the standby opens');
like($standby->error_log, qr/\[emerg\].*goes on with what it has read/,
     'and says that the journal had lost something');
sells_again('healed', $standby);
$told->check($t, 'healed', nginx => $standby, cards => $cards);

ok($standby->restart && $t->wait_open($standby), 'it is restarted');
$told->check($t, 'healed, out of the new master', nginx => $standby,
             cards => $cards);
