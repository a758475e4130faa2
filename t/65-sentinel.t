# Sentinels: the master that they name is followed when it dies, when it is
# replaced, and when some of them are gone; with `replicas` nothing that was
# acknowledged is lost on the way.

use lib 't/lib';

use Faka::Test;
use Faka::Events;
use Faka::Load;
use Faka::Proc qw(free_port);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant { DOWN_MS => 500, BACK_SECONDS => 6 };

my @ports = map { free_port() } 1 .. 3;
my @sentinel_ports = map { free_port() } 1 .. 3;
my $nobody = free_port();

# The first address of the list is nobody's: each search begins in vain.
my $t = Faka::Test->new(shop => { replicas => 1, events => 100_000, redis =>
    join ' ', 'sentinel', map({ "127.0.0.1:$_" } $nobody, @sentinel_ports),
              'master=shop' });
my $nginx = $t->nginx;

# Off: a master that is told to end would wait for replicas that have ended.
my %common = (bind => '127.0.0.1', 'shutdown-timeout' => 0,
              'repl-diskless-sync-delay' => 0);
my @redis = map { $t->another_redis({ %common, port => $ports[$_],
    $_ ? (replicaof => "127.0.0.1 $ports[0]") : () }) } 0 .. 2;
my @sentinels = map { $t->another_redis({ %common, port => $_,
    'sentinel monitor shop' => "127.0.0.1 $ports[0] 2",
    'sentinel down-after-milliseconds shop' => DOWN_MS,
    'sentinel failover-timeout shop' => 4000 }, '--sentinel') }
    @sentinel_ports;

$_->start for @redis, @sentinels;
ok(wait_until(sub {
    2 == grep { $_->{'num-other-sentinels'} == 2 && $_->{'num-slaves'} == 2 }
         map { seen_by($_) } @sentinels[0, 1];
}, 20), 'three servers and three sentinels know each other');

$nginx->start;
ok($t->wait_open, 'the shop opens');
my $named = qq{redis "127.0.0.1:$ports[0]" is the master, says sentinel }
            . qq{"127.0.0.1:$sentinel_ports[0]"};
ok($nginx->wait_log(qr/\Q$named\E/), 'on the server that a sentinel names');

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
$t->product('probe');
$t->import_cards('probe', 1000);
my $told = Faka::Told->new;


# ---- the master dies ---------------------------------------------------

for my $round (1 .. long(1, 5)) {
    my $master = master();
    my $load = Faka::Load->start($t, sku => 'drop', timeout => 3);
    sleep 0.7;
    $redis[$master]->kill9;
    my $seconds = sells_within();
    cmp_ok($seconds, '<', BACK_SECONDS,
           sprintf 'round %d: sells %.1f s after the death of its master',
                   $round, $seconds);
    sleep 0.3;
    my $part = $load->stop;
    cmp_ok($part->slowest_ms, '<', 3000,
           "round $round: nobody is left waiting: " . $part->summary);
    isnt(master(), $master, "round $round: on another one");
    $told->merge($part->data);
    $told->check($t, "round $round", cards => $cards);

    $redis[$master]->start;
    ok(wait_until(sub { role($master) eq 'slave' }, 20),
       "round $round: the one that died comes back as a replica");
}


# ---- it is replaced, and lives -----------------------------------------

# The sentinels look for a good replica by what they saw last.
ok(wait_until(sub {
    return ask($redis[master()], 'INFO', 'replication') =~ /online.*online/s;
}, 20), 'it has two replicas again');

my $was = master();
my $load = Faka::Load->start($t, sku => 'drop', timeout => 3);
ok(wait_until(sub {
    eval { $sentinels[1]->cmd(qw(SENTINEL FAILOVER shop)) };
}, 10),
   'a sentinel is told to promote another one');
ok(wait_until(sub { master() != $was }, 10), 'and has done so');
cmp_ok(sells_within(), '<', BACK_SECONDS, 'the shop sells there');
my $part = $load->stop;
$told->merge($part->data);
$told->check($t, 'replaced', cards => $cards);
ok(wait_until(sub { role($was) eq 'slave' }, 20),
   'the one that was replaced lives on as a replica');


# ---- sentinels are gone ------------------------------------------------

$_->kill9 for @sentinels[0, 1];
ask($redis[master()], qw(CLIENT KILL TYPE normal));
cmp_ok(sells_within(), '<', BACK_SECONDS, 'the last one is found');

$nginx->restart;
ok($t->wait_open, 'a shop that starts finds it, too');
$told->check($t, 'started again', cards => $cards);

my $last = master();
$sentinels[2]->pause;
ask($redis[$last], qw(CLIENT KILL TYPE normal));
sleep 0.3;
is($t->checkout(sku => 'probe')->status, 503, 'it is silent: no sales');
$sentinels[2]->cont;
cmp_ok(sells_within(), '<', BACK_SECONDS, 'it speaks: sales');
$told->check($t, 'the end', cards => $cards);
events_tell_sales($t, $redis[master()], 'the end');
is($t->metrics->{faka_events_lost_records_total}, 0, 'no event is missing');


# Seconds until an order is taken.

sub sells_within {
    my $since = time;
    wait_until(sub { $t->checkout(sku => 'probe')->status == 201 }, 20);
    return time - $since;
}


# What a sentinel knows of the master.

sub seen_by {
    my ($sentinel) = @_;
    return { @{ ask($sentinel, qw(SENTINEL MASTER shop)) } };
}


sub role {
    my ($number) = @_;
    my $role = eval { ask($redis[$number], 'ROLE') };
    return $role ? $role->[0] : 'gone';
}


# A server that changes its role ends the connections to it: asked again.

sub ask {
    my ($redis, @words) = @_;
    my $reply = eval { $redis->cmd(@words) };
    return defined $reply ? $reply : $redis->cmd(@words);
}


# The server that the sentinels name, by its number.

sub master {
    my ($sentinel) = grep { $_->pid } @sentinels;
    my $address = ask($sentinel,
                      qw(SENTINEL GET-MASTER-ADDR-BY-NAME shop));
    my ($number) = grep { $ports[$_] == $address->[1] } 0 .. 2;
    return $number;
}
