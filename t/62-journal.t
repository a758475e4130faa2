# A journal that lies: replies that never come though the command was
# carried out, commands that were not, and a Redis that has forgotten what it
# had acknowledged.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(spew);
use Faka::RedisProxy;
use Faka::Told;

use Time::HiRes qw(sleep time);

my ($t, $cards, $told);


# A shop of its own for each case, with cards and nobody's orders.

sub shop {
    my (%opt) = @_;

    my $count = delete $opt{cards} || 6000;
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


# What memory says, the journal says too.

sub survives_restart {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($t->nginx->restart && $t->wait_open, "$name: restarted");
    $told->check($t, "$name, out of the journal", cards => $cards);
}


# The records' own numbers, as they stand in the batches: a batch may repeat
# some of them, but none may be missing or come early.

sub gaps {
    my ($last, @gaps) = (0);

    for my $entry (@{ $t->redis->cmd('XRANGE', 'faka:{main}:journal',
                                     '-', '+') }) {
        my ($id, $fields) = @$entry;
        my $bytes = '';
        while (my ($name, $value) = splice @$fields, 0, 2) {
            $bytes .= $value if $name eq 'b';
        }

        while (length $bytes) {
            my ($size, $crc, $number) = unpack 'V V Q<', $bytes;
            push @gaps, "$id: $number after $last" if $number > $last + 1;
            $last = $number if $number > $last;
            substr $bytes, 0, $size, '';
        }
    }

    push @gaps, 'it is empty' if $last == 0;
    return join "\n", @gaps;
}


# ---- the line lies -----------------------------------------------------

# Each kind of accident alone, so that none hides another's fault.

my @calm = ('pass') x 5;
my %plans = (
    cut     => { batch => [@calm, 'cut'], probe => [qw(pass pass cut)] },
    tear    => { batch => [@calm, 'tear'], probe => [qw(pass pass tear)] },
    drop    => { batch => [@calm, 'drop'], probe => [qw(pass pass drop)] },
    half    => { batch => [@calm, 'half'], probe => [qw(pass pass half)] },
    mute    => { batch => [(@calm) x 6, 'mute'] },
    trickle => { batch => ['trickle'], probe => ['trickle'] },
);

sub proxy {
    my ($plan) = @_;

    return Faka::RedisProxy->start(plan => $plan,
        listen => $t->dir . '/line.sock', redis => $t->redis->socket_path);
}


shop(later => 1);
$t->nginx->{opt}{shop}{redis} = 'unix:' . $t->dir . '/line.sock';
$t->redis->start;
my $proxy = proxy({});
$t->nginx->start;
ok($t->wait_open, 'open, through an honest line');
stock(12000);
$proxy->stop;

for my $name (sort keys %plans) {
    $proxy = proxy($plans{$name});
    my $part = sell($name eq 'mute' ? 4 : 1);
    ok($told->settle($t), "$name: every purchase got its answers");
    my $fates = $proxy->stop;

    cmp_ok($fates->{"batch $name"} || 0, '>', 1, "$name: came to pass: "
           . join ', ', map { "$_ $fates->{$_}" } sort keys %$fates);
    cmp_ok($part->orders, '>', 20, "$name: sold " . $part->summary);
    cmp_ok($part->slowest_ms, '<', 1000, "$name: and nobody waits for long")
        if $name ne 'mute';
    is($part->count('checkout 0'), 0, "$name: all got an answer");
}

$proxy = proxy({});
$told->check($t, 'after all these accidents', cards => $cards);
survives_restart('after all these accidents');

is(gaps(), '', 'the journal has every record in its place');
$proxy->stop;
$t->nginx->stop;


# ---- Redis forgets -----------------------------------------------------

shop();
sell(0.3);
$t->redis->keep_copy;
my $load = Faka::Load->start($t, sku => 'drop');
sleep 0.5;
my $had = $t->redis->journal;
$t->redis->put_copy_back;
sleep 0.5;
$told->merge($load->stop->data);
$told->check($t, 'a lost tail', cards => $cards);
cmp_ok((split /-/, $t->redis->journal->{last})[1], '>',
       (split /-/, $had->{last})[1], 'the journal has grown past the loss');
is(gaps(), '', 'without a hole');
survives_restart('a lost tail');


# The same while nothing is sold: the next connection finds it out, before a
# sale is written behind the hole.

for my $busy (1, 0) {
    my $name = $busy ? 'the first sale after it' : 'an idle shop';

    $t->redis->keep_copy;
    sell(0.2);
    $told->settle($t);
    $had = $t->redis->journal;
    $t->redis->put_copy_back;
    if ($busy) {
        sell(0.2);
        $told->check($t, $name, cards => $cards);
    } else {
        ok(wait_until(sub { $t->redis->journal->{last} eq $had->{last} }, 5),
           "$name: it mends its journal, too");
    }
    is(gaps(), '', "$name: no hole");
    survives_restart($name);
}


# All of it is gone, but the ring still holds every record of a young shop.
# Busy or idle; 63-snapshot.t does the same to older ones.

for my $idle (0, 1) {
    my $name = 'FLUSHALL of a young shop' . ($idle ? ', idle' : '');

    shop(cards => 500);
    sell(0.2);
    $told->settle($t);
    $had = $t->redis->journal;
    $t->redis->cmd('FLUSHALL');
    if ($idle) {
        ok(wait_until(sub { $t->redis->journal->{last} eq $had->{last} }, 5),
           "$name: sent again");
    } else {
        sell(0.2);
    }
    ok($t->nginx->wait_log(qr/\[error\].*journal.* is gone/),
       "$name: it is said");
    $told->check($t, $name, cards => $cards);
    survives_restart($name);
}
