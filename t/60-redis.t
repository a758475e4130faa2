# Redis away, slow, or refusing: what waits for it is told so at once, the
# rest goes on, and selling is back without anybody's help.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(slurp spew);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant { REFUSE_MS => 100, BACK_SECONDS => 2 };

my $t = Faka::Test->new->start;
my $nginx = $t->nginx;
my $redis = $t->redis;

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
my $told = Faka::Told->new;

# For single tries: one that ends in 503 may have made an order all the same.
$t->product('probe');
$t->import_cards('probe', 1000);


# ---- stopped -----------------------------------------------------------

my $key = 'made-before-the-outage';
my $answer = $t->checkout(sku => 'drop', key => $key);
my $unpaid = $told->bought($answer);
my @bought = map { $told->bought($t->checkout(sku => 'drop')) } 1 .. 5;
for my $order (@bought) {
    $order->{tried_to_pay} = 1;
    $order->{told} = $t->notify($order)->body eq 'success';
    $order->{cards} = $t->order($order)->json->{cards};
}

my $load = Faka::Load->start($t, sku => 'drop', timeout => 3);
sleep 0.3;
$redis->kill9;
my $part = $load->stop;
cmp_ok($part->slowest_ms, '<', 1000,
       'Redis killed: nobody is left waiting: ' . $part->summary);
$told->merge($part->data);

my @answers = map { $t->checkout(sku => 'probe') } 1 .. 20;
is(scalar(grep { $_->status == 503 && $_->code eq 'unavailable'
                 && ($_->header('retry-after') || '') =~ /\A[1-9]\d*\z/ }
          @answers), 20, 'checkouts are 503 with Retry-After')
    or diag($answers[0]->brief);
my @ms = sort { $a <=> $b } map { int $_->ms } @answers;
cmp_ok($ms[9], '<', REFUSE_MS, "within that many ms: @ms");

is(scalar(grep { my $view = $t->order($_)->json;
                 "@{ $view->{cards} || [] }" eq "@{ $_->{cards} }" } @bought),
   5, 'who has paid can read the cards');
$answer = $t->checkout(sku => 'drop', key => $key);
is($answer->status, 200, 'an order of before is found by its key');
is($answer->json->{token}, $unpaid->{token}, 'with its token');
$answer = $t->notify($unpaid);
is($answer->status, 503, 'a payment is not booked, the gateway comes again');
isnt($answer->body, 'success', 'and is not told success');
is($t->get('/products')->status, 200, 'the products are shown');
is($t->metrics->{faka_redis_up}, 0, 'the metric says that Redis is away');

$redis->start;
sells_ok('Redis is back');
ok(wait_until(sub { $t->metrics->{faka_redis_up} }, 5), 'so says the metric');
$unpaid->{tried_to_pay} = 1;
$told->check($t, 'killed', cards => $cards);


# nginx starts before Redis does.

$nginx->stop;
$redis->stop;
$nginx->start;
$answer = $t->checkout(sku => 'probe');
is($answer->status, 503, 'nothing read yet: no selling');
is($t->order($bought[0])->status, 503,
   'nor is an order denied that is not read yet');
$redis->start;
ok($t->wait_open(undef, 5), 'it opens when Redis comes');
sells_ok('a late Redis');
$told->check($t, 'a late Redis', cards => $cards);


# ---- slow --------------------------------------------------------------

$load = Faka::Load->start($t, sku => 'drop', timeout => 4);
sleep 0.2;
$redis->pause;
sleep 0.2;
my $start = time;
is($t->order($bought[0])->json->{status}, 'delivered',
   'Redis is silent: paid orders are read');
cmp_ok(time - $start, '<', 0.5, 'without waiting');
sleep long(3, 20);
$redis->cont;
sells_ok('Redis speaks again');
sleep 0.2;
$part = $load->stop;
is($part->count('checkout 0'), 0,
   'every buyer got an answer: ' . $part->summary);
$told->merge($part->data);
$told->check($t, 'silent', cards => $cards);


# ---- refusing ----------------------------------------------------------

# A folder in the place of the dump makes each attempt to save fail.
my $dump = $t->dir . '/redis/dump.rdb';

my @refusals = (
    ['OOM',
     sub { $redis->cmd(qw(CONFIG SET maxmemory-policy noeviction));
           $redis->cmd(qw(CONFIG SET maxmemory 1)) },
     sub { $redis->cmd(qw(CONFIG SET maxmemory 0)) }],
    ['MISCONF',
     sub { mkdir $dump;
           $redis->cmd('CONFIG', 'SET', 'save', '3600 1000000');
           $redis->cmd('BGSAVE');
           wait_until(sub { $redis->cmd('INFO', 'persistence')
                            =~ /rdb_last_bgsave_status:err/ }) },
     sub { $redis->cmd('CONFIG', 'SET', 'save', '') }],
    ['READONLY',
     sub { $redis->cmd(qw(REPLICAOF 127.0.0.1 1)) },
     sub { $redis->cmd(qw(REPLICAOF NO ONE)) }],
);

for my $refusal (@refusals) {
    my ($word, $begin, $end) = @$refusal;

    $load = Faka::Load->start($t, sku => 'drop', clients => 1, timeout => 3);
    sleep 0.2;
    $begin->();
    ok($nginx->wait_log(qr/\[error\].*redis.*refuses.*\Q$word\E/),
       "$word: in the error log");
    is($t->checkout(sku => 'probe')->status, 503, "$word: no order");

    my $tried = $t->metrics->{faka_redis_reconnects_total};
    my $lines = () = $nginx->error_log =~ /lost its connection|refuses/g;
    sleep long(3, 20);
    my $again = $t->metrics->{faka_redis_reconnects_total} - $tried;
    cmp_ok($again, '>', 1, "$word: tried again");
    cmp_ok($again, '<', 40 * long(3, 20), "$word: with patience");

    # Each of two workers says it of each command that it has: the journal's
    # batch, probe and sign of life, the keeper's look at the archive.
    $again = () = $nginx->error_log =~ /lost its connection|refuses/g;
    cmp_ok($again - $lines, '<=', 8, "$word: the log is told once");
    $end->();
    sells_ok($word);
    $part = $load->stop;
    is($part->count('checkout 0'), 0, "$word: all got an answer: "
                                      . $part->summary);
    $told->merge($part->data);
    $told->check($t, $word, cards => $cards);
}


# Connections that are cut while they are used.

$load = Faka::Load->start($t, sku => 'drop');
for (1 .. long(20, 200)) {
    sleep 0.05;
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
}
$part = $load->stop;
cmp_ok($part->orders, '>', 20, 'CLIENT KILL: sold ' . $part->summary);
is($part->count('checkout 0'), 0, 'and no buyer was cut off');
$told->merge($part->data);
$told->check($t, 'CLIENT KILL', cards => $cards);
ok($nginx->restart && $t->wait_open, 'nginx is restarted');
$told->check($t, 'out of the journal', cards => $cards);


# ---- what Redis promises -----------------------------------------------

for my $setting ([qw(appendfsync everysec always)], [qw(appendonly no yes)],
                 [qw(no-appendfsync-on-rewrite yes no)]) {
    my ($name, $weak, $strong) = @$setting;
    my $lines = () = $nginx->error_log =~ /does not fsync before/g;

    $redis->cmd('CONFIG', 'SET', $name, $weak);
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    ok(wait_until(sub {
        my $now = () = $nginx->error_log =~ /\[error\].*does not fsync/g;
        return $now > $lines;
    }), "$name $weak: said in the error log");
    ok(wait_until(sub { $t->metrics->{faka_redis_fsync} eq '0' }),
       "$name $weak: said by the metric");

    $redis->cmd('CONFIG', 'SET', $name, $strong);
    wait_until(sub { $redis->cmd('INFO', 'persistence')
                     =~ /aof_rewrite_in_progress:0/ });
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    ok(wait_until(sub { $t->metrics->{faka_redis_fsync} eq '1' }),
       "$name $strong: the metric is 1 again");
}


# ---- group commit ------------------------------------------------------

# While one batch is on its way, all others gather for the next one.

my $before = appended();
$redis->pause;
$load = Faka::Load->parked($t, 200, sku => 'drop');
$redis->cont;
$part = $load->stop;
is($part->count('checkout 201'), 200, '200 buyers in one moment');
cmp_ok(appended() - $before, '<=', 10,
       'share ' . (appended() - $before) . ' writes to Redis');
$told->merge($part->data);


# ---- durability memory -------------------------------------------------

$nginx->{opt}{shop}{durability} = 'memory';
ok($nginx->restart && $t->wait_open, 'durability memory');
$load = Faka::Load->start($t, sku => 'drop', clients => 1);
sleep 0.2;
$redis->kill9;
sleep 0.3;
$part = $load->stop;
is($part->failures, '', 'without Redis it sells on: ' . $part->summary);
$answer = $t->checkout(sku => 'drop');
is($answer->status, 201, 'and on');
$told->merge($part->data);
$told->bought($answer);

$redis->start;
ok(wait_until(sub {
    my $m = $t->metrics;
    return $m->{faka_journal_seq} == $m->{faka_journal_durable_seq};
}, BACK_SECONDS), 'Redis is back and gets all of it');
$nginx->kill_all;
$nginx->start;
ok($t->wait_open, 'after kill -9 of nginx');
$told->check($t, 'durability memory', cards => $cards);


# ---- a user with no more rights than it needs ---------------------------

# The very line that the operator is given, in a database of its own.
$t->finish;
my ($line) = slurp('conf/README.md') =~ /^    (ACL SETUSER faka .+)$/m;
my @acl = split ' ', $line;
s/\A>\KPASSWORD\z/a-long-password/ for @acl;

$t = Faka::Test->new;
$nginx = $t->nginx;
$redis = $t->redis;
spew($t->dir . '/secrets/redis.password', "a-long-password\n", 0600);
$t->own_clock;
$nginx->{opt}{shop} = {
    retention => '60s', snapshot => '1m 1h', events => 1000,
    redis => 'unix:' . $redis->socket_path . ' user=faka db=1'
             . ' password_file=' . $t->dir . '/secrets/redis.password' };
$redis->start;
$redis->cmd(@acl);
$redis->cmd(qw(SELECT 1));
$nginx->start;
ok($t->wait_open, 'with these rights alone a shop opens');

$t->product('drop');
wait_until(sub {
    $t->import_cards('drop', 15000);
    return $t->metrics->{faka_snapshots_total} >= 2;
}, 20);
my $order = $t->buy(sku => 'drop');
ok(wait_until(sub { @{ $redis->cmd('KEYS', 'faka:{main}:snapshot:*') } == 1
                    && $redis->cmd('XLEN', 'faka:{main}:snapshots') == 2 },
              5), 'sells, writes snapshots, and removes the old ones');
ok(archives($order), 'archives, and reads what it has archived');
ok(wait_until(sub {
    my $events = { @{ $redis->cmd(qw(XINFO STREAM faka:{main}:events)) } };
    return $events->{length} > 0 && $events->{'last-generated-id'} =~ /999\z/;
}, 5), 'and tells others, also how far');
my $stray = { order => '0' x 26, amount => 100 };
is($t->notify($stray, trade_no => 'T1')->status, 400, 'a stray payment');
is($t->admin('GET', '/strays')->json->{strays}[0]{trade_no}, 'T1',
   'is kept, and listed');
is($t->admin('POST', '/strays/epay/settled',
             { trade_no => 'T1', order => $stray->{order} })->status, 200,
   'and settled');
unlike($nginx->error_log, qr/NOPERM|refuses|does not allow/,
       'and Redis refuses nothing');

is($redis->cmd('ACL', 'DRYRUN', 'faka', @$_), 'OK', "may: @$_")
    for ['WAIT', 1, 500], ['ROLE'], ['EXISTS', 'faka:{main}:journal'];
like($redis->cmd('ACL', 'DRYRUN', 'faka', @$_), qr/no permissions/,
     "may not: @$_") for ['GET', 'faka:{other}:journal'], ['FLUSHALL'],
                         ['DEL', 'faka:{main}:journal'];

# Without one of them: which one, says the log.
for my $right (qw(xinfo|stream xadd set config|get xsetid)) {
    my ($word) = $right =~ /(\w+)/;
    my $size = length $nginx->error_log;

    $redis->cmd('ACL', 'SETUSER', 'faka', "-$right");
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    ok(wait_until(sub { $t->checkout(sku => 'drop');
                        substr($nginx->error_log, $size)
                        =~ /NOPERM.*\b$word|not allow \U$word\E/i }),
       "without $right: it is named");
    $redis->cmd('ACL', 'SETUSER', 'faka', "+$right");
    sells_ok("with $right", 'drop');
}

for my $right (qw(hlen hsetnx)) {
    $redis->cmd('ACL', 'SETUSER', 'faka', "-$right");
    is($t->notify($stray, trade_no => "T-$right")->status, 503,
       "without $right: no stray is kept");
    ok($nginx->wait_log(qr/refuses a stray payment: .*can't run this/, 5),
       'and why') or diag(substr $nginx->error_log, -500);
    $redis->cmd('ACL', 'SETUSER', 'faka', "+$right");
    is($t->notify($stray, trade_no => "T-$right")->status, 400,
       "with $right: it is");
}

for my $right (qw(xinfo|stream getrange set)) {
    my $size = length $nginx->error_log;
    my ($word) = $right =~ /(\w+)/;

    $order = $t->buy(sku => 'drop');
    $redis->cmd('ACL', 'SETUSER', 'faka', "-$right");
    $t->later(3600);
    ok(wait_until(sub { substr($nginx->error_log, $size)
                        =~ /orders for the archive: ERR \U$word\E in the / }),
       "without $right: nothing is archived, and why")
        or diag(substr $nginx->error_log, $size);
    is($redis->cmd('EXISTS', "faka:{main}:order:$order->{order}"), 0,
       'not even stored');
    $redis->cmd('ACL', 'SETUSER', 'faka', "+$right");
    ok(archives($order), "with $right: it is");
}
$t->audit_ok;


# It has left memory, and its buyer finds it.

sub archives {
    my ($order) = @_;

    $t->later(3600);
    return wait_until(sub {
        $redis->cmd('EXISTS', "faka:{main}:order:$order->{order}")
            && !$t->metrics->{'faka_memory_used{table="orders"}'}
            && $t->order($order)->status == 200;
    }, 15);
}


# Selling is back in time, by itself, in each worker.

sub sells_ok {
    my ($name, $sku) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $start = time;
    my $back = wait_until(sub {
        return !grep { $t->checkout(sku => $sku || 'probe')->status != 201 }
                     1 .. 8;
    }, 10);
    my $took = time - $start;
    ok($back && $took <= BACK_SECONDS,
       sprintf '%s: it sells again after %d ms', $name, $took * 1000);
}


sub appended {
    my ($calls) = $redis->cmd('INFO', 'commandstats')
                  =~ /cmdstat_xadd:calls=(\d+)/;
    return $calls || 0;
}
