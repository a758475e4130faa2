# What conf/EMERGENCY.md tells an operator to do, done: a shop that has
# stopped itself is reloaded and restarted; a Redis that was emptied while
# nginx was down gets its dump back, by the very commands of the page.

use lib 't/lib';

use Faka::Test;
use Faka::Journal;
use Faka::Proc qw(slurp);

my $t = Faka::Test->new->start;
my $nginx = $t->nginx;
my $redis = $t->redis;
my $key = 'faka:{main}:journal';

$t->product('steam');
$t->import_cards('steam', 20);
my $order = $t->buy(sku => 'steam');


# ---- stopped -----------------------------------------------------------

my ($epoch, $seq) = split /-/,
                    $redis->cmd('XREVRANGE', $key, '+', '-', 'COUNT', 1)
                        ->[0][0];
my $strange = "$epoch-" . ($seq + 1000);
$redis->cmd('XADD', $key, $strange, 'b', 'nobody wrote this');

ok(wait_until(sub { $t->shop_state eq 'failed' }, 5), 'the shop has stopped');
my $said = qr/stopped itself: .*; a reload does not start it again, a restart/;
ok($nginx->wait_log($said, 5), 'the log says what helps, and what does not');
$redis->cmd('XDEL', $key, $strange);

ok($nginx->reload, 'a reload');
sleep 2;
is($t->shop_state, 'failed', 'does not help, though Redis is right again');
is($t->checkout(sku => 'steam')->status, 503, 'nothing is sold');

$nginx->restart;
ok($t->wait_open, 'a restart does');
is($t->order($order)->json->{status}, 'delivered', 'all is there');


# ---- Redis was emptied -------------------------------------------------

my ($commands) = slurp('conf/EMERGENCY.md')
                 =~ /^```sh\n(systemctl stop nginx.*?)^```/ms;
my %place = (socket => $redis->socket_path, dump => $t->dir . '/main.dump',
             after => $t->dir . '/after.dump');
my $tool = Faka::Journal::program();
ok($commands, 'the page says how Redis is filled again');

is(system("$tool --redis unix:$place{socket} main dump > $place{dump}"), 0,
   'a dump beside the shop that sells');
$nginx->stop;
$redis->cmd('FLUSHALL');
$nginx->start;
ok($t->wait_open, 'on an empty Redis a new shop opens');
like($nginx->error_log, qr/open under epoch \d+: 0 records, 0 bytes recovered/,
     'of which the log says nothing but this');
is($t->order($order)->status, 404, 'its buyers find nothing');

for my $command (split /\n/, $commands) {
    if ($command =~ /\Asystemctl (stop|start) nginx/) {
        $1 eq 'stop' ? $nginx->stop : $nginx->start;
        next;
    }

    my ($end) = $command =~ /# must end with: (.+)/;
    $command =~ s/ *#.*//;
    $command =~ s{/run/faka/redis\.sock}{$place{socket}}g;
    $command =~ s{\b(main|after)\.dump}{$t->dir . "/$1.dump"}ge;
    $command =~ s{\bfaka-journal\b}{$tool};
    my $out = `$command`;
    is($?, 0, "works: $command") or diag($out);
    like($out, qr/\Q$end\E(?:,.*)?\n\z/, ".. and ends with $end") if $end;
}

ok($t->wait_open, 'it opens');
is($t->order($order)->json->{status}, 'delivered', 'its buyers find it all');
is($t->checkout(sku => 'steam')->status, 201, 'and it sells');
$t->audit_ok;
