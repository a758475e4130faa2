# A journal that lies: replies that never come though the command was
# carried out, commands that were not, and a Redis that has forgotten what it
# had acknowledged.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(spew);
use Faka::RedisProxy;
use Faka::Told;

use File::Path qw(remove_tree);
use Time::HiRes qw(sleep time);

my ($t, $cards, $told);


# A shop of its own for each case, with cards and nobody's orders.

sub shop {
    my (%opt) = @_;

    my $count = delete $opt{cards} || 3000;
    $t = Faka::Test->new(%opt);
    return if delete $opt{later};
    $t->start;
    stock($count);
}


sub stock {
    my ($count) = @_;

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


sub keeps_its_word {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($told->settle($t), "$name: every purchase got its answers");
    $told->check($t, $name, cards => $cards);
}


# What memory says, the journal says too.

sub survives_restart {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($t->nginx->restart && $t->wait_open, "$name: restarted");
    $told->check($t, "$name, out of the journal", cards => $cards);
}


sub shop_state {
    my $metrics = $t->metrics;

    my ($state) = grep { ($metrics->{"faka_shop_state{state=\"$_\"}"} || 0)
                         == 1 } qw(empty recovering open fenced failed);
    return $state || 'unknown';
}


# ---- the line lies -----------------------------------------------------

# Each kind of accident alone, so that none hides another's fault.

my %plans = (
    cut     => { batch => [('pass') x 7, 'cut'], probe => [qw(pass cut)] },
    tear    => { batch => [('pass') x 7, 'tear'], probe => [qw(pass tear)] },
    drop    => { batch => [('pass') x 7, 'drop'], probe => [qw(pass drop)] },
    half    => { batch => [('pass') x 7, 'half'] },
    mute    => { batch => [('pass') x 30, 'mute'] },
    trickle => { batch => ['trickle'], probe => ['trickle'] },
);

shop(later => 1);
my $line = $t->dir . '/line.sock';
$t->nginx->{opt}{shop}{redis} = "unix:$line";
$t->redis->start;

my $started;
for my $name (sort keys %plans) {
    my $proxy = Faka::RedisProxy->start(listen => $line,
        redis => $t->redis->socket_path, plan => $plans{$name});
    $started++ or $t->nginx->start;
    ok($t->wait_open(undef, 10), "$name: open");
    stock(4000) unless $told;

    my $part = sell($name eq 'mute' ? 4 : 1);
    ok($told->settle($t), "$name: every purchase got its answers");
    my $fates = $proxy->stop;

    cmp_ok($fates->{"batch $name"} || 0, '>', 1, "$name: came to pass: "
           . join ', ', map { "$_ $fates->{$_}" } sort keys %$fates);
    cmp_ok($part->orders, '>', 5, "$name: sold " . $part->summary);
    is($part->count('checkout 0'), 0, "$name: all got an answer");
}

my $honest = Faka::RedisProxy->start(listen => $line,
    redis => $t->redis->socket_path, plan => {});
keeps_its_word('after all these accidents');
survives_restart('after all these accidents');

my @ids = map { $_->[0] } @{ $t->redis->cmd(
    'XRANGE', 'faka:{main}:journal', '-', '+') };
cmp_ok(scalar @ids, '>', 20, 'the journal has entries');
$honest->stop;
$t->nginx->stop;


# ---- Redis forgets -----------------------------------------------------

# Puts an earlier state of the append-only files in place, as a disk that
# lost its last writes would.

sub copy_of_redis {
    my $dir = $t->dir . '/redis';

    remove_tree("$dir.copy");
    system('cp', '-a', $dir, "$dir.copy") == 0 or die 'cp';
}


sub put_copy_back {
    my $dir = $t->dir . '/redis';

    $t->redis->kill9;
    remove_tree($dir);
    rename "$dir.copy", $dir or die "$dir: $!";
    $t->redis->start;
}


shop();
sell(0.3);
copy_of_redis();
my $load = Faka::Load->start($t, sku => 'drop');
sleep 0.5;
my $had = $t->redis->journal;
put_copy_back();
sleep 0.5;
$told->merge($load->stop->data);
keeps_its_word('a lost tail');
cmp_ok((split /-/, $t->redis->journal->{last})[1], '>',
       (split /-/, $had->{last})[1], 'the journal has grown past the loss');
survives_restart('a lost tail');


# The same while nothing is sold: the next connection finds it out.

sell(0.2);
$told->settle($t);
copy_of_redis();
sell(0.2);
$told->settle($t);
$had = $t->redis->journal;
put_copy_back();
ok(wait_until(sub { $t->redis->journal->{last} eq $had->{last} }, 5),
   'an idle shop mends its journal, too');
survives_restart('an idle shop');


# All of it is gone.  The ring still holds every record of a young shop; of
# an older one it does not, and then the shop must stop.

shop(cards => 50);
sell(0.3);
$told->settle($t);
$t->redis->cmd('FLUSHALL');
sell(0.3);
keeps_its_word('FLUSHALL of a young shop');
survives_restart('FLUSHALL of a young shop');

shop(cards => 10000, shop => { memory => '8m' });
sell(0.2);
$told->settle($t);
$t->redis->cmd('FLUSHALL');
my $part = sell(0.5);
is($part->count('checkout 201'), 0,
   'FLUSHALL of an old shop: nothing is sold on: ' . $part->summary);
ok($t->nginx->wait_log(qr/\[emerg\].*has lost records/),
   'FLUSHALL of an old shop: it says so');
is(shop_state(), 'failed', 'FLUSHALL of an old shop: so does the metric');
