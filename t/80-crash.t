# kill -9 of workers, again and again while they sell.  Nothing that a buyer
# or a gateway was told may be untrue afterwards, and the others go on.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(wait_gone slurp);

use Time::HiRes qw(sleep time);

use constant { STALL_MS => 500, ANSWER_MS => 1500 };

my $rounds = long(20, 200);
my $t = Faka::Test->new->start;
my $nginx = $t->nginx;

$t->product('drop');
$t->product('probe');
my $cards = $t->import_cards('drop', long(16000, 60000));
$t->import_cards('probe', 3 * $rounds);


# On small pages a dead worker keeps a CPU busy for as long as the kernel
# unmaps them: see bench/death.  The whole region is on huge ones, in each
# worker, unless the kernel has none, which the log says.

my ($worker) = $nginx->workers;
ok(wait_until(sub { huge_bytes($worker) >= 64 << 20 }, 5)
   || $nginx->error_log =~ /no huge pages for "faka_/, 'huge pages');

sub huge_bytes {
    return slurp("/proc/$_[0]/smaps_rollup") =~ /^ShmemPmdMapped: +(\d+) kB/m
        ? $1 << 10 : 0;
}


# One of the two workers, at a random moment of its work.

my $load = Faka::Load->start($t, sku => 'drop');
my (@unanswered, @slow, $not_replaced);

for my $round (1 .. $rounds) {
    sleep 0.02 + rand 0.1;

    my @workers = $nginx->workers;
    my $victim = $workers[int rand @workers];
    $nginx->expect_alert(qr/worker process $victim exited on signal 9/);
    kill 'KILL', $victim;
    wait_gone($victim, 5);

    my $answer = $t->checkout(sku => 'probe');
    push @unanswered, $answer->brief if $answer->status != 201;
    push @slow, int $answer->ms if $answer->ms > ANSWER_MS;

    $not_replaced++ unless wait_until(sub { $nginx->workers == 2 }, 5);
}

my $told = $load->stop;
is(join("\n", @unanswered), '', "$rounds kills: the next request is served");
is("@slow", '', 'and does not wait for a timeout');
is($not_replaced, undef, 'every worker is replaced');
cmp_ok($told->orders, '>', 5 * $rounds, 'sold meanwhile: ' . $told->summary);

$told->check($t, 'after the kills', cards => $cards);
my $before = $t->audit->json->{products};

ok($nginx->restart, 'nginx is restarted');
ok($t->wait_open, 'and reads its journal');
$told->check($t, 'out of the journal', cards => $cards);
is_deeply($t->audit->json->{products}, $before,
          'memory and journal tell the same');


# The worker whose batch is on its way: with the other one stopped and Redis
# silent it can be no one else.

my @stalls;
for my $round (1 .. long(3, 20)) {
    my ($sender, $other) = $nginx->workers;
    kill 'STOP', $other;
    $t->redis->pause;
    my $parked = $t->background(sub {
        return $t->checkout(sku => 'probe', timeout => 5)->status;
    });
    sleep 0.1;

    $nginx->expect_alert(qr/worker process $sender exited on signal 9/);
    kill 'KILL', $sender;
    kill 'CONT', $other;
    wait_gone($sender, 5);
    $t->redis->cont;

    my $start = time;
    my $sold = wait_until(sub {
        return $t->checkout(sku => 'probe')->status == 201;
    }, 5);
    push @stalls, $sold ? int 1000 * (time - $start) : 'never';
    is($parked->wait, 0, "sender $round: its own client sees the end");
    wait_until(sub { $nginx->workers == 2 }, 5);
}

is(scalar(grep { $_ eq 'never' || $_ > STALL_MS } @stalls), 0,
   "the others do not wait for a dead sender: @stalls ms");
$t->audit_ok;
