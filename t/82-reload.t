# Signals to a shop that is selling: HUP, also when it fails or changes the
# size of the memory, QUIT and TERM, and the binary upgrade.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Patient;
use Faka::Proc qw(spew wait_gone);
use Faka::Told;

use File::Copy qw(copy);
use IO::Socket::INET;
use List::Util qw(min);
use Time::HiRes qw(sleep);

my $t = Faka::Test->new->start;
my $nginx = $t->nginx;
my $redis = $t->redis;

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
my $told = Faka::Told->new;


# Runs the sub under load; returns what the load was told meanwhile, which is
# also kept for the comparison.

sub while_selling {
    my ($work) = @_;

    my $load = Faka::Load->start($t, sku => 'drop');
    sleep 0.2;
    $work->();
    sleep 0.2;
    my $part = $load->stop;
    $told->merge($part->data);
    return $part;
}


sub epoch { return $t->audit->json->{journal}{epoch} }


# HUP: the same memory, new workers, and nobody notices.

my $epoch = epoch();
my @reloads;
my $part = while_selling(sub {
    push @reloads, $nginx->reload for 1 .. long(5, 50);
});
is(scalar(grep { !$_ } @reloads), 0, @reloads . ' reloads');
is($part->failures, '', 'no request fails: ' . $part->summary);
is(epoch(), $epoch, 'the shop was never closed');
$told->check($t, 'reloads', cards => $cards);


# HUP with a mistake.

my $bad = $nginx->conf =~ s/hold 15m;/hold 25h;/r;
$part = while_selling(sub {
    spew($nginx->dir . '/nginx.conf', $bad);
    kill 'HUP', $nginx->master;
    ok($nginx->wait_log(qr/\[emerg\].*hold.*nginx\.conf:\d+/),
       'a mistake in the configuration is refused');
});
is($part->failures, '', 'and the shop goes on');


# HUP that fails after the new memory was made.

my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
    or die "listen: $!";
my $conf = $nginx->conf =~ s/memory 64m;/memory 72m;/r;
$conf =~ s/(listen 127.0.0.1:)\d+ *;/"$&\n    $1" . $busy->sockport . ';'/e;
$part = while_selling(sub {
    spew($nginx->dir . '/nginx.conf', $conf);
    kill 'HUP', $nginx->master;
    ok($nginx->wait_log(qr/\[emerg\].*still could not bind/, 10),
       'a port in use and another size: refused');
});
close $busy;
is($part->failures, '', 'and the shop goes on');
is(epoch(), $epoch, 'as it was');
$told->check($t, 'failed reloads', cards => $cards);


# HUP with another size, or another file of the module: new memory, filled from
# the journal.  The workers of before are shut out, and a buyer who was refused
# by them comes again at once.  New workers that are too late for the last sign
# of the old ones, as may happen on a busy machine, wait for the silence of
# 1.2 s; but that is the exception.

my @gaps_ms;
my $other = $t->dir . '/other.so';
copy($nginx->{opt}{module}, $other) or die "$other: $!";

for my $way (['another file', sub { $nginx->{opt}{module} = $other }],
             ['more memory', sub { $nginx->{opt}{shop}{memory} = '96m' }])
{
    my ($name, $change) = @$way;

    $change->();
    my %buyers = map { my $keeps = $_;
        $keeps => Faka::Patient->start($t, sku => 'drop', wait => 0,
                                       servers => [$nginx],
                                       keepalive => $keeps) } 0, 1;
    sleep 0.3;
    ok($nginx->reload, "$name: a reload");
    sleep 1;

    for my $keeps (0, 1) {
        $part = $buyers{$keeps}->stop;
        is($part->{failed}, '', "$name, keepalive $keeps: of $part->{sold} "
                                . 'orders none needed a third try');
        is($part->{later}{recovering}, undef,
           "$name, keepalive $keeps: nobody was taken before it was open");
        push @gaps_ms, $part->{gap_ms};
        cmp_ok($part->{gap_ms}, '<', 2000,
               sprintf "$name: the longest pause was %.0f ms",
                       $part->{gap_ms});
        $told->merge($part->{told}->data);
    }

    cmp_ok(epoch(), '>', $epoch, "$name: the shop opens under a new epoch");
    $epoch = epoch();
    $told->check($t, $name, cards => $cards);
}
cmp_ok(min(@gaps_ms), '<', 1000, 'the last sign of the old workers is heard');

$t->product('bulk');
$t->import_cards('bulk', 20000);
$nginx->{opt}{shop}{memory} = '8m';
ok($nginx->reload, 'a reload with too little memory');
ok($nginx->wait_log(qr/\[emerg\].*cannot recover.*the shop more "memory"/),
   'the shop says what it needs');
my $answer = $t->checkout(sku => 'drop');
is($answer->status, 503, 'and does not sell out of half a memory');
$nginx->{opt}{shop}{memory} = '64m';
ok($nginx->reload, 'a reload with enough');
ok($t->wait_open, 'opens it again');
$told->check($t, 'the old size again', cards => $cards);


# QUIT: what is on its way is answered first.  TERM: it is not, but what was
# answered is there.

$redis->pause;
my $parked = Faka::Load->parked($t, 40, sku => 'drop');
kill 'QUIT', $nginx->master;
sleep 0.2;
$redis->cont;
$part = $parked->stop;
is($part->count('checkout 201'), 40, 'QUIT: 40 parked buyers are answered');
ok(wait_gone($nginx->master, 10), 'then nginx ends');
$told->merge($part->data);

$nginx->start;
ok($t->wait_open, 'started again');
$told->check($t, 'QUIT', cards => $cards);

while_selling(sub {
    ok($nginx->stop('TERM'), 'TERM ends it, too');
    $nginx->start;
    $t->wait_open;
});
$told->check($t, 'TERM', cards => $cards);


# A new file of the module, then HUP: the old code goes on with the old
# memory, until a restart.

my $copy = $t->dir . '/module.so';
copy($nginx->{opt}{module}, $copy) or die "$copy: $!";
$nginx->{opt}{module} = $copy;
ok($nginx->restart && $t->wait_open, 'the module at another place');
$epoch = epoch();
$part = while_selling(sub {
    copy($copy, "$copy.new") or die "$copy: $!";
    rename "$copy.new", $copy or die "$copy: $!";
    ok($nginx->reload, 'the file is replaced, and a reload');
});
is($part->failures, '', 'no request fails');
is(epoch(), $epoch, 'the same memory');
$told->check($t, 'a new file', cards => $cards);


# The binary upgrade: two masters on one port, each with memory of its own.

$part = while_selling(sub {
    ok($nginx->upgrade, 'USR2: a new nginx beside the old one');
    ok($nginx->wait_log(qr/is fenced: another server/), 'which is fenced');
    sleep 0.3;
    ok($nginx->quit_old, 'QUIT of the old one');
    ok($t->wait_open, 'the new one is open');
});
cmp_ok(epoch(), '>', $epoch, 'under a new epoch');
$told->check($t, 'upgrade', cards => $cards);

$part = while_selling(sub { sleep 0.2 });
is($part->failures, '', 'and is alone');
$told->check($t, 'after the upgrade', cards => $cards);
