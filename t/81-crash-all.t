# kill -9 of more than a worker while selling goes on: nginx as a whole,
# Redis, and all of it in one moment, as when the machine loses power.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(children);
use Faka::Told;

use Time::HiRes qw(sleep);

my $t = Faka::Test->new->start;
my $nginx = $t->nginx;
my $redis = $t->redis;

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
my $told = Faka::Told->new;


sub kill_both {
    kill 'KILL', $redis->pid, $nginx->master, children($nginx->master);

    # They are dead; this is for what the two objects believe.
    $redis->kill9;
    $nginx->kill_all;
}

my @crashes = (
    ['nginx', sub { $nginx->kill_all }, sub { $nginx->start }],
    ['Redis', sub { $redis->kill9 }, sub { $redis->start }],
    ['both', \&kill_both, sub { $redis->start; $nginx->start }],
    ['both, Redis is late', \&kill_both,
     sub { $nginx->start; sleep 0.3; $redis->start }],
);

for my $crash (@crashes) {
    my ($name, $kill, $start) = @$crash;

    for my $round (1 .. long(2, 20)) {
        my $load = Faka::Load->start($t, sku => 'drop');
        sleep 0.3 + rand 0.2;
        $kill->();
        sleep rand 0.1;
        $start->();
        my $open = ok($t->wait_open,
                      "$name, round $round: it opens by itself");
        sleep 0.2;

        my $part = $load->stop;
        cmp_ok($part->count('checkout 201'), '>', 0,
               "$name, round $round: sold " . $part->summary);
        $told->merge($part->data);
        last unless $open;
    }

    $told->check($t, $name, cards => $cards);
}


# An empty page of memory and a journal: what was told is in the journal.

ok($nginx->restart, 'nginx is restarted');
ok($t->wait_open, 'and opens');
$told->check($t, 'out of the journal', cards => $cards);
cmp_ok($told->paid, '>', 100, 'gateways told success: ' . $told->paid);
