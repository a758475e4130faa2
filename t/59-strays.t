# Payments that are proved, and for no order of their channel: kept as strays,
# once, whatever happens to nginx; booked when their order is there again, or
# settled by a person; and never acknowledged.

use lib 't/lib';

use Faka::Journal;
use Faka::OpenAPI qw(api_ok);
use Faka::Proc qw(spew wait_until);
use Faka::Test;

use Time::HiRes qw(sleep time);

use constant { KEY => 'faka:{main}:strays', UNKNOWN => '0' x 26,
               MOST => 10000 };

my $t;


sub shop {
    my (%opt) = @_;

    $t = Faka::Test->new(%opt);
    my $secrets = $t->secrets;
    $t->nginx->{opt}{channels} = join '', map {
        "channel $_ epay { url https://127.0.0.1:1/; pid 1000;"
        . " key_file $secrets/epay.key; }\n" } qw(epay second);
    $t->own_clock->start;
    $t->product('card', price => 500);
    $t->import_cards('card', 20);
}

# What Redis has, and what the operator sees; by name.
sub kept {
    my %kept = @{ $t->redis->cmd('HGETALL', KEY) };
    return { map { (s{/[^/]*\z}{}r => $kept{$_}) } keys %kept };
}

# The field of a payment, which ends with its order.
sub field {
    my ($name) = @_;
    my $fields = eval { $t->redis->cmd('HKEYS', KEY) } // [];
    my ($field) = grep { m{\A\Q$name\E/[^/]*\z} } @$fields;
    return $field;
}

sub page {
    my ($cursor) = @_;
    return $t->admin('GET', '/strays' . ($cursor ? "?cursor=$cursor" : ''));
}

sub listed {
    my (%listed, $cursor);

    do {
        my $page = page($cursor)->json;
        $listed{"$_->{channel}/$_->{trade_no}"} = $_ for @{ $page->{strays} };
        $cursor = $page->{next};
    } while (defined $cursor);

    return \%listed;
}

sub names { return join ' ', sort keys %{ $_[0] } }

sub settled {
    my ($channel, $trade_no) = @_;

    my $field = field("$channel/$trade_no") // '/none';
    return $t->admin('POST', "/strays/$channel/settled",
                     { trade_no => $trade_no,
                       order => $field =~ s{.*/}{}r });
}

sub refused {
    my ($order, $status, $name, %fields) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $answer = $t->notify($order, %fields);
    is($answer->status . ' ' . $answer->body, "$status fail", $name);
    return $answer;
}

sub says {
    my ($pattern, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($t->nginx->wait_log($pattern, 5), $name)
        or diag($t->nginx->error_log =~ s/.*\n(?=(?:.*\n){9}\z)//sr);
}

sub counted {
    my ($count, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(sub { ($t->metrics->{faka_strays} // -1) == $count }, 15),
       $name) or diag($t->metrics->{faka_strays} // 'no number');
}


# ---- kept ---------------------------------------------------------------

shop(shop => { retention => '1h', hold => '10m' });
counted(0, 'there are none');
my $empty = page();
api_ok('GET', '/admin/strays', $empty, 'an empty list, as described');
is_deeply($empty->json, { strays => [], next => undef }, 'it is empty');

my $stray = { order => UNKNOWN, amount => 500 };
refused($stray, 400, 'an order that nobody has', trade_no => 'T-unknown');
refused({ order => '20160806151343349', amount => 70 }, 400,
        'no order number of ours', trade_no => 'T|for.ign_1');
my $other = $t->checkout(sku => 'card', channel => 'second')->json;
refused($other, 400, 'an order of another channel', trade_no => 'T-wrong');
refused({ order => UNKNOWN, amount => 1 }, 400, 'one more, odd',
        trade_no => 'T-odd', money => '0.015');
is(names(kept()), 'epay/T-odd epay/T-unknown epay/T-wrong epay/T|for.ign_1',
   'each is kept');
counted(4, 'and counted');
says(qr/\[error\].*T-unknown of 500 CNY .*: refused: unknown_order, kept: GET/,
     'the log says where');
says(qr/\[error\].*payment T-wrong .*refused: wrong_channel, kept: GET/,
     'also of another channel');

my $list = page();
api_ok('GET', '/admin/strays', $list, 'the list is as described');
my $all = listed();
is(names($all), names(kept()), 'all are listed');
my $one = $all->{'epay/T-unknown'};
my $age = time + 1 - $one->{first_at};
ok($age >= 0 && $age < 30, 'when it came');
is(join(' ', map { $one->{$_} }
        qw(channel trade_no order amount currency why)),
   'epay T-unknown ' . UNKNOWN . ' 500 CNY unknown_order', 'and what it is');
is("$all->{'epay/T-wrong'}{why} $all->{'epay/T-wrong'}{order}",
   "wrong_channel $other->{order}", 'the wrong channel, and for what order');
is($all->{'epay/T|for.ign_1'}{order}, '20160806151343349',
   'the order as the notice named it');
is($t->order($other)->json->{status}, 'awaiting_payment',
   'the order is not paid by it');

# The same again, also by another worker and with another sum, changes nothing.
my $before = kept();
$t->later(100);
refused($stray, 400, 'it comes again', trade_no => 'T-unknown', money => $_)
    for qw(5.00 5.00 6.00);
is_deeply(kept(), $before, 'and is kept once, as it was first');

# What nobody has proved.
refused($stray, 400, 'a forged notice', trade_no => 'T-forged',
        sign => 'x' x 32);
refused($stray, 400, "another key's", trade_no => 'T-forged',
        key => 'k' x 32);
refused($stray, 400, "another merchant's", trade_no => 'T-forged',
        pid => '1001');
is($t->notify($stray, trade_no => 'T-wait',
              trade_status => 'WAIT_BUYER_PAY')->body, 'success',
   'a proved one that nothing was paid');
is_deeply(kept(), $before, 'nothing of it is kept');

# Who asks.
my $nobody = $t->get('/admin/strays');
is($nobody->status, 401, 'not without the token');
is($t->http('POST', '/admin/strays/epay/settled', body => '{}')->status, 401,
   'nor settled');
is($t->admin('POST', '/strays')->status, 405, 'a list is not posted to');
is($t->admin('GET', '/strays?cursor=x')->status, 400, 'no cursor');
is($t->admin('GET', '/strays?limit=5')->status, 400, 'no such parameter');


# ---- it stays -----------------------------------------------------------

ok($t->nginx->restart && $t->wait_open, 'nginx is restarted');
is_deeply(listed(), $all, 'the list is as it was');
counted(4, 'and its number');
$t->nginx->kill_all;
$t->nginx->start;
ok($t->wait_open, 'nginx is killed, and started');
is_deeply(listed(), $all, 'the list is as it was');

my $redis = 'unix:' . $t->redis->socket_path;
my $dump = journal_tool('--redis', $redis, 'main', 'dump');
is($dump->{code}, 0, 'a dump') or diag($dump->{err});
my $file = spew($t->dir . '/dump', $dump->{out});
is(journal_tool('--file', $file, 'main', 'dump')->{out}, $dump->{out},
   'out of which comes the same dump');
is(journal_tool('--file', $file, 'main', 'check')->{code}, 0, 'it is whole');
my $copy = $t->another_redis({})->start;
ok(put_back($copy, $file), 'it goes into another Redis');
is_deeply({ @{ $copy->cmd('HGETALL', KEY) } },
          { @{ $t->redis->cmd('HGETALL', KEY) } }, 'with the strays');


# ---- settled ------------------------------------------------------------

my $gone = settled('epay', 'T|for.ign_1');
api_ok('POST', '/admin/strays/{channel}/settled', $gone, 'as described');
is_deeply($gone->json, { channel => 'epay', trade_no => 'T|for.ign_1',
                         order => '20160806151343349', strays => 3 },
          'one is settled');
says(qr/operator's word on stray payment "T\|for\.ign_1" of channel "epay"/,
     'the log says so');
is(names(listed()), 'epay/T-odd epay/T-unknown epay/T-wrong', 'it is gone');
counted(3, 'from the number, too');
my $twice = settled('epay', 'T|for.ign_1');
api_ok('POST', '/admin/strays/{channel}/settled', $twice, 'a second time');
is($twice->status, 404, 'there is none any more');
is(settled('second', 'T-unknown')->status, 404, 'none of that channel');
is(settled('x' x 40, 'T-unknown')->status, 404, 'no channel');
is(settled('epay', '')->status, 400, 'no trade number');
is($t->admin('POST', '/strays/epay/settled', {})->status, 400, 'none named');
is($t->admin('POST', '/strays/epay/settled', { trade_no => 'T-odd' })
   ->json->{field}, 'order', 'nor its order');
is($t->admin('GET', '/strays/epay/settled')->status, 405, 'GET');
is(names(listed()), 'epay/T-odd epay/T-unknown epay/T-wrong',
   'the others stay');
is(settled('epay', 'T-odd')->status, 200, 'another one');
is($t->notify({ order => UNKNOWN, amount => 1 }, trade_no => 'T-odd',
              money => '0.015')->body, 'success',
   'its gateway is told so when it comes again');
ok(!field('epay/T-odd'), 'and it is not kept again');
refused({ order => '1' x 26, amount => 1 }, 400, 'its number, another order',
        trade_no => 'T-odd');
is(settled('epay', 'T-odd')->status, 200, 'is another payment');


# ---- matched later ------------------------------------------------------

# An order that the archive has lost, and has again.
my $expired = $t->checkout(sku => 'card')->json;
$t->later(700);
ok(wait_until(sub { $t->order($expired)->json->{status} eq 'expired' }, 5),
   'an order expires');
$t->later(3700);
my $place = "faka:{main}:order:$expired->{order}";
ok(wait_until(sub { $t->redis->cmd('EXISTS', $place)
                    && $t->metrics->{faka_archived_orders_total} }, 10),
   'an order is archived');
my $archived = $t->redis->cmd('GET', $place);
$t->redis->cmd('DEL', $place);
refused($expired, 400, 'the archive has lost it', trade_no => 'T-back');
refused($expired, 400, 'which is said again', trade_no => 'T-back');
ok(listed()->{'epay/T-back'}, 'its payment is a stray');
ok($t->nginx->restart && $t->wait_open, 'nginx is restarted');
$t->redis->cmd('SET', $place, $archived);
ok(listed()->{'epay/T-back'}, 'it is one still when the archive is back');
is($t->notify($expired, trade_no => 'T-back')->body, 'success',
   'the next notice books it');
is($t->order($expired)->json->{status}, 'delivered', 'the order is delivered');
ok(!listed()->{'epay/T-back'}, 'it is no stray any more');
ok(wait_until(sub { !field('epay/T-back') }, 5),
   'nor in Redis');
is(names(kept()), 'epay/T-unknown epay/T-wrong', 'others stay');
counted(2, 'and are counted');

# A worker that died before it could remove it: found without being asked.
sub put_again {
    $t->redis->cmd('HSET', KEY, "$_/T-back/$expired->{order}",
                   '{"amount":500,"currency":"CNY","why":"unknown_order",'
                   . '"first_at":1795305700}') for qw(epay second);
}
put_again();
$t->later(20);
ok(wait_until(sub { !field('epay/T-back') && !field('second/T-back') }, 10),
   'what is booked goes by itself');
put_again();
is(names(listed()), 'epay/T-unknown epay/T-wrong',
   'what is booked is not listed, by whatever channel it came');
ok(wait_until(sub { !field('epay/T-back') }, 5),
   'and is removed');

# By its own channel the order can be paid all the same.
is($t->notify($other, channel => 'second', trade_no => 'T-right')->body,
   'success', 'the order of the other channel is paid by that');
is(names(kept()), 'epay/T-unknown epay/T-wrong',
   'which settles nothing else');

# The notice of an order, sent to another channel of the same account: whoever
# paid has it from the address that he was sent back to.
refused($other, 400, 'the same notice to another channel',
        channel => 'epay', trade_no => 'T-right');
says(qr/payment T-right .*refused: booked, by another channel/,
     'the log has it');
is(names(kept()), 'epay/T-unknown epay/T-wrong', 'no money came with it');

# A number of two orders that nobody knows; and a third one's, which is booked.
my $third = $t->checkout(sku => 'card')->json;
refused({ order => $_ x 26, amount => 500 }, 400, "an order $_",
        trade_no => 'T-same') for 1, 2;
is(scalar(grep { m{/T-same/} } @{ $t->redis->cmd('HKEYS', KEY) }), 2,
   'are two payments');
is($t->notify($third, trade_no => 'T-same')->body, 'success', 'a third one');
sleep 1;
is(scalar(grep { m{/T-same/} } @{ $t->redis->cmd('HKEYS', KEY) }), 2,
   'settles neither');
settled('epay', 'T-same') for 1, 2;

# An order that the archive has, and that cannot come back.
$t->later(7300);
$place = "faka:{main}:order:$third->{order}";
sub left { return $t->metrics->{'faka_memory_used{table="orders"}'} == 0 }
ok(wait_until(sub { $t->redis->cmd('EXISTS', $place) && left() }, 10),
   'an order has left for the archive');
$archived = $t->redis->cmd('GET', $place);
$t->redis->cmd('SET', $place, '{"record":"AAAA"}');
refused($third, 400, 'paid once more', trade_no => 'T-damaged');
is(listed()->{'epay/T-damaged'}{why}, 'archive_unusable', 'is kept');
says(qr/order $third->{order} in the archive cannot be read/,
     'the log has the order');
$t->redis->cmd('SET', $place, $archived);
is($t->notify($third, trade_no => 'T-damaged')->body, 'success',
   'mended, it is booked');
ok(wait_until(sub { !field('epay/T-damaged') }, 5), 'and is no stray');
is($t->admin('POST', "/orders/$third->{order}/refunded",
             { trade_no => 'T-damaged' })->status, 200, 'it goes back');

# Nothing is asked of Redis while there is none.
settled(split m{/}) for keys %{ kept() };
counted(0, 'all are settled');
$t->redis->cmd(qw(CONFIG RESETSTAT));
$t->buy(sku => 'card') for 1 .. 5;
my ($deleted) = $t->redis->cmd('INFO', 'commandstats')
                =~ /cmdstat_hdel:calls=(\d+)/;
is($deleted // 0, 0, 'then payments cost no command of this');
$t->audit_ok;


# ---- when Redis does not take it ----------------------------------------

$t->redis->cmd('SET', KEY, 'no hash');
my $old = $t->buy(sku => 'card');
$t->later(7300);
ok(wait_until(sub { $t->redis->cmd('EXISTS',
                                   "faka:{main}:order:$old->{order}")
                    && left() }, 10), 'an order is archived');
my $connections = $t->metrics->{faka_redis_reconnects_total};
my $answer = refused($stray, 503, 'it refuses', trade_no => 'T-refused');
is($answer->header('Retry-After'), 1, 'try again');
api_ok('GET', '/notify/{channel}', $answer, 'as described');
says(qr/payment T-refused .*unknown_order, not kept: redis did not take it/,
     'the log says that it is not kept');
says(qr/redis ".*" refuses a stray payment: .*WRONGTYPE/, 'and why');
is(page()->status, 503, 'no list');
is(settled('epay', 'x')->status, 503, 'nothing is settled');
is($t->order($old)->status, 200, 'archived orders are found');
is($t->metrics->{faka_redis_reconnects_total}, $connections,
   'over the same connection');
$t->redis->cmd('DEL', KEY);
refused($stray, 400, 'it takes it', trade_no => 'T-refused');
is(names(listed()), 'epay/T-refused', 'kept');


# ---- what somebody wrote there, and too many ----------------------------

my $text = kept()->{'epay/T-refused'};
my %rubbish = ('epay/' => '{}', 'nothing' => '{}', '/x/y' => '{}',
               'epay/no-json/1' => 'x', 'epay/no-order' => $text,
               'epay/no-currency/1' => '{"amount":1}', "epay/\xff/1" => '{}');
$t->redis->cmd('HSET', KEY, %rubbish);
is(names(listed()), 'epay/T-refused', 'what cannot be read is left out');
says(qr/a stray payment of shop "main" in redis cannot be read/, 'and said');
$t->redis->cmd('HDEL', KEY, keys %rubbish);

$t->redis->cmd('EVAL', 'for i = 2, tonumber(ARGV[2]) do'
    . " redis.call('HSET', KEYS[1], 'epay/F' .. i .. '/1', ARGV[1]) end", 1,
    KEY, $text, MOST);
refused($stray, 400, 'one more than are kept', trade_no => 'T-beyond');
says(qr/payment T-beyond .*unknown_order, not kept: too many others are/,
     'is in the log');
is($t->redis->cmd('HLEN', KEY), MOST, 'alone');
counted(MOST, 'so many are counted');
refused($stray, 400, 'one of them, again', trade_no => 'T-refused');
my ($last) = (grep { /payment T-refused/ }
              split /\n/, $t->nginx->error_log)[-1];
like($last, qr/, kept: /, 'is kept still');
my $many = listed();
is(scalar keys %$many, MOST, 'the list has all of them');
ok($many->{'epay/T-refused'} && !$many->{'epay/T-beyond'}, 'these');
is(settled('epay', 'F2')->status, 200, 'one is settled');
refused($stray, 400, 'now it is kept', trade_no => 'T-beyond');
ok(field('epay/T-beyond'), 'in its place');
$t->finish;


# ---- Redis is down ------------------------------------------------------

shop(shop => { durability => 'memory' }, workers => 1);
my $foreign = { order => '20160806151343349', amount => 70 };
my %away = (down   => [sub { $t->redis->kill9 }, sub { $t->redis->start }],
            silent => [sub { $t->redis->pause }, sub { $t->redis->cont }]);
for my $name (sort keys %away) {
    $away{$name}[0]->();
    my $begin = time;
    refused($foreign, 503, "$name: failure", trade_no => "T-$name");
    cmp_ok(time - $begin, '<', 3, "$name: in time");
    says(qr/payment T-$name .*refused: unknown_order, not kept: redis did/,
         "$name: the log says that it is not kept");
    is(page()->status, 503, "$name: no list");
    $away{$name}[1]->();
    ok(wait_until(sub {
        return $t->notify($foreign, trade_no => "T-$name")->status == 400;
    }, 10), "$name: it comes again");
    ok(field("epay/T-$name"), "$name: and is kept");
}


$t->finish;


# ---- another server has the shop ------------------------------------------

# Its entry of the index says so, and nothing else: a shop that sells nothing
# learns it of its journal.  "Longer": numbers, not texts, are compared.
shop();
my ($epoch) = $t->redis->cmd('XREVRANGE', 'faka:{main}:journal', '+', '-',
                             'COUNT', 1)->[0][0] =~ /\A(\d+)-/;
for my $row (['a later epoch', $epoch + 1], ['a longer one', "${epoch}0"]) {
    $t->redis->cmd('XADD', 'faka:{main}:snapshots', "$row->[1]-0", 't', 'x');
    refused($stray, 503, $row->[0], trade_no => 'T-fenced');
    ok(!field('epay/T-fenced'), 'is not kept');
}
$t->redis->cmd('DEL', 'faka:{main}:snapshots');
refused($stray, 400, 'without the index', trade_no => 'T-journal');
ok(field('epay/T-journal'), 'the journal tells that it is to be kept');
$t->redis->cmd('XADD', 'faka:{main}:journal', "${epoch}0-0", 't', 'x');
refused($stray, 503, 'or that it is not', trade_no => 'T-fenced');
ok(!field('epay/T-fenced'), 'which is not');
$t->finish;


# ---- a worker that is to end, and a number that nobody has told -------------

shop(workers => 1);
$t->redis->cmd('SET', KEY, 'no hash');
ok($t->nginx->restart && $t->wait_open, 'the number is asked for in vain');
$t->redis->pause;
my $told = time;
ok($t->nginx->stop, 'nginx ends where Redis does not answer');
cmp_ok(time - $told, '<', 5, sprintf 'after %.1f s', time - $told);
$t->redis->cont;
