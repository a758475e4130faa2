# The archive: finished orders leave memory, and their buyers do not notice.
# Money that comes for one brings it back.  And a shop that sells several
# times what its memory holds.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant HOUR_US => 3600 * 1_000_000;

my $t;


# A shop whose clock the test sets: orders get old in no time.

sub shop {
    my (%opt) = @_;

    $t = Faka::Test->new(%opt);
    $t->own_clock->start;
}


sub archived { return $t->metrics->{faka_archived_orders_total} }

sub wait_archived {
    my ($count, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(sub { archived() >= $count }, 10), $name)
        or diag('archived: ' . archived());
}

sub key_of { return "faka:{main}:order:$_[0]{order}" }

sub looks { my $answer = $t->order($_[0]); return $answer->json }

sub admin_looks { return $t->admin('GET', "/orders/$_[0]{order}") }

sub payments { return admin_looks($_[0])->json->{payments} }

sub in_memory {
    return $t->metrics->{'faka_memory_used{table="orders"}'};
}


# ---- they leave --------------------------------------------------------

shop(shop => { retention => '1h', hold => '10m' });
$t->product('card', price => 500);
$t->product('wiki', price => 300, kind => 'shared');
$t->product('seat', price => 200, kind => 'counted', stock => 100);
my $cards = $t->import_cards('card', 40);
$t->import_cards('wiki', ['the key of all']);

my %finished = (
    'a delivered card'    => $t->buy(sku => 'card'),
    'three of them'       => $t->buy(sku => 'card', qty => 3),
    'a shared key'        => $t->buy(sku => 'wiki'),
    'a counted unit'      => $t->buy(sku => 'seat', qty => 2),
    'an expired order'    => $t->checkout(sku => 'card')->json,
    'a cancelled order'   => $t->checkout(sku => 'card', qty => 2)->json,
);
my $cancelled = $finished{'a cancelled order'};
my %token = (Authorization => "Bearer $cancelled->{token}");
is($t->http('POST', "/orders/$cancelled->{order}/cancel",
            headers => \%token)->status, 200, 'one is cancelled');

my $review = $t->checkout(sku => 'card')->json;
is($t->notify($review, money => '4.99')->body, 'success', 'one underpaid');

# An hour is not over before it is over.
$t->later(0.9 * 3600);
ok(wait_until(sub { looks($finished{'an expired order'})->{status}
                    eq 'expired' }, 5), 'a hold runs out');
sleep 1.5;
is(archived(), 0, 'nothing leaves before its time');

my %before = map { $_ => looks($finished{$_}) } keys %finished;
my %payments = map { $_ => payments($finished{$_}) } keys %finished;
$t->later(0.7 * 3600);
my $open = $t->checkout(sku => 'card')->json;
wait_archived(6, 'after an hour finished orders leave');
is(in_memory(), 2, 'what is still to be done stays');

for my $name (sort keys %finished) {
    my $order = $finished{$name};
    is_deeply(looks($order), $before{$name}, "$name looks the same");
    is_deeply(payments($order), $payments{$name}, "$name: for the admin, too");
    is($t->order({ %$order, token => $review->{token} })->status, 404,
       "$name: not with another's token");
    is($t->get("/orders/$order->{order}")->status, 404,
       "$name: not without a token");
    is($t->http('POST', "/orders/$order->{order}/cancel", headers => {
        Authorization => "Bearer $order->{token}" })->status, 409,
       "$name: cannot be cancelled any more");
    is($t->admin('POST', "/orders/$order->{order}/$_")->status, 409,
       "$name: nothing to $_") for qw(approve deny);
}
is($t->admin('GET', '/orders/' . '0' x 26)->status, 404,
   'an id that nobody has');
is($t->admin('POST', '/orders/' . '0' x 26 . '/deny')->status, 404,
   'nothing to deny there');
is($t->admin('GET', '/orders/nonsense')->status, 404, 'what is no id');
is(admin_looks($review)->json->{status}, 'under_review',
   'one that is in memory, for the admin');


# What stands in Redis.

my $three = $finished{'three of them'};
my $text = $t->redis->cmd('GET', key_of($three));
my $json = JSON::PP::decode_json($text);
is("$json->{order} $json->{status} $json->{sku} $json->{qty} $json->{amount}",
   "$three->{order} delivered card 3 1500", 'JSON for whoever looks');
ok(!grep({ index($text, $_) >= 0 } @$cards), 'no key in clear');
my $ttl = $t->redis->cmd('TTL', key_of($three));
ok($ttl > 364 * 86400 && $ttl <= 365 * 86400, 'for a year');


# The sums know them.

my $audit = $t->audit_ok('the audit is right without them');
my ($sums) = grep { $_->{sku} eq 'card' } @{ $audit->{products} };
is("$sums->{sold} $sums->{archived_units} $sums->{archived_orders}", '4 4 4',
   'and remembers what was sold');
is($audit->{totals}{archived_orders}, 6, 'in all');
is($audit->{totals}{archived_amount}{CNY}, 2700, 'for that much money');

ok($t->nginx->restart && $t->wait_open, 'nginx is restarted');
is_deeply(looks($finished{$_}), $before{$_}, "$_ is found again")
    for sort keys %finished;
$t->audit_ok('the audit is right out of the journal');


# ---- they come back ----------------------------------------------------

my $late = $finished{'an expired order'};
is($t->notify($late, trade_no => 'late-1')->body, 'success', 'a late payment');
my $view = looks($late);
is($view->{status}, 'delivered', 'is served');
is(scalar @{ $view->{cards} }, 1, 'with a card');
is(in_memory(), 3, 'from memory');
is($t->notify($late, trade_no => 'late-1')->body, 'success', 'sent again');
is_deeply([map { $_->{state} } @{ payments($late) }], ['applied'],
          'it is the same money');
$t->audit_ok('the audit is right with it back');

my $again = $finished{'a delivered card'};
is($t->notify($again, trade_no => 'second')->body, 'success',
   'a second payment for an archived order');
is_deeply([map { $_->{state} } @{ payments($again) }],
          [qw(applied refund_due)], 'is to be given back');
is_deeply(looks($again), $before{'a delivered card'},
          'and its buyer sees no difference');

my $paid = $before{'three of them'};
my $trade_no = $payments{'three of them'}[0]{trade_no};
is($t->notify($three, amount => 1, trade_no => $trade_no)->body, 'success',
   'the first notice of an archived order, once more');
is(scalar @{ payments($three) }, 1, 'is no second payment');

my $count = archived();
$t->later(2 * 3600);
wait_archived($count + 3, 'what is finished leaves, or leaves again');
is_deeply(looks($late), $view, 'and looks the same');
is(in_memory(), 2, 'but not where money is owed');
is_deeply([map { $_->{state} } @{ payments($again) }],
          [qw(applied refund_due)], 'which is not forgotten');
$audit = $t->audit_ok('the audit is right in the end');
is($audit->{totals}{refund_due}, 1, 'one refund is due');


# ---- when it cannot be found -------------------------------------------

my $gone = $finished{'a shared key'};
my $odd = $finished{'a counted unit'};
my $kept = $t->redis->cmd('GET', key_of($odd));

$t->redis->cmd('DEL', key_of($gone));
is($t->order($gone)->status, 404, 'one that the archive has not any more');
is(admin_looks($gone)->status, 404, 'for the admin, too');
is($t->notify($gone, trade_no => 'gone')->status, 400,
   'and a notice for it is refused');

my $damaged = $kept;
$damaged =~ s/("record":"[^"]{60})(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/e;
for my $case (['damaged', $damaged], ['no JSON', 'x' x 100],
              ['without a record', '{"order":"x"}'], ['not base64',
              '{"record":"!!!!"}'], ["another's", $text])
{
    my ($name, $value) = @$case;
    $t->redis->cmd('SET', key_of($odd), $value);
    is($t->order($odd)->json->{code}, 'corrupt', "$name: it is said");
    my $trade_no = "odd-$name" =~ tr/ '/-/dr;
    my $answer = $t->notify($odd, trade_no => $trade_no);
    is($answer->status . ' ' . $answer->body, '400 fail',
       "$name: no success");
    my ($stray) = grep { $_->{trade_no} eq $trade_no }
                  @{ $t->admin('GET', '/strays')->json->{strays} };
    is($stray->{why}, 'archive_unusable', "$name: and it is kept");
}
$t->redis->cmd('SET', key_of($odd), $kept);
$t->redis->cmd('DEL', key_of($late));
$t->redis->cmd('HSET', key_of($late), 'a', 'b');
is($t->order($late)->status, 503, 'what is no text is asked again');
wait_until(sub { ($view = looks($odd))->{order} }, 5);
is_deeply($view, $before{'a counted unit'},
          'the archive is asked on, all the same');
$t->audit_ok('the audit is right after all that');
$t->finish;


# ---- who may store ------------------------------------------------------

# Redis itself refuses what a server or a worker that slept would store: the
# text begins with the epoch and the number of the order's last record.

sub epoch {
    my ($last) = @{ $t->redis->cmd('XREVRANGE', 'faka:{main}:journal', '+',
                                   '-', 'COUNT', 1) };
    return (split /-/, $last->[0])[0];
}


sub version {
    return $t->redis->cmd('GET', key_of($_[0]))
           =~ /\A(\{"epoch":\d+,"seq":\d+,)/ ? $1 : '';
}


shop(shop => { retention => '1h' });
$t->product('card');
$t->import_cards('card', 40);
my %planted = (
    'a later state'       => epoch() . ',"seq":90071992547409930',
    'an older state'      => epoch() . ',"seq":3',
    'an older epoch'      => '0,"seq":90071992547409930',
    'no version'          => 'x',
);
my %stands;

for my $name (keys %planted) {
    my $order = $stands{$name} = $t->buy(sku => 'card');
    $t->redis->cmd('SET', key_of($order), "{\"epoch\":$planted{$name},");
}

$t->later(2 * 3600);
wait_archived(4, 'all of them leave');
is(version($stands{'a later state'}),
   "{\"epoch\":$planted{'a later state'},",
   'a later state of the same epoch is not replaced');

for my $name (grep { $_ ne 'a later state' } sort keys %planted) {
    my $epoch = epoch();
    my ($seq) = version($stands{$name}) =~ /\A\{"epoch":$epoch,"seq":(\d+),/;
    ok($seq && $seq > 3, "$name is replaced, by number " . ($seq // 'none'));
    is(looks($stands{$name})->{status}, 'delivered', "$name: it is found");
}

# Another server has the shop, as its entry of the index says; nothing else
# tells this one so, for it sells nothing.
my $last = $t->buy(sku => 'card');
my $theirs = epoch() + 100 * HOUR_US;
$t->redis->cmd('SET', key_of($last), "{\"epoch\":$theirs,\"seq\":5,");
$t->redis->cmd('XADD', 'faka:{main}:snapshots', "$theirs-0", 't', 'another');
$t->later(2 * 3600);
ok(wait_until(sub { epoch() > $theirs && $t->shop_state eq 'open' }, 20),
   'the archive tells it, and with nobody there it takes the shop again');
unlike($t->nginx->error_log, qr/\[(?:emerg|crit|alert)\]/, 'in peace');
wait_archived(5, 'then the order leaves');
ok(version($last) =~ /epoch":(\d+)/ && $1 > $theirs, 'under a later epoch');
is(looks($last)->{status}, 'delivered', 'and is found');
$t->audit_ok;
$t->finish;


# ---- when Redis answers before it fsyncs --------------------------------

# The keeper learns it when it connects.

shop(shop => { retention => '60s' });
$t->product('card');
$t->import_cards('card', 40);
$t->redis->cmd('CONFIG', 'SET', 'appendfsync', 'everysec');
ok($t->nginx->restart && $t->wait_open, 'a Redis that does not fsync at once');
my @bought = map { $t->buy(sku => 'card') } 1 .. 5;
$t->later(3600);

# Counted at once, as the first of them may leave while the last is awaited.
my ($stayed, $stored_at);
ok(wait_until(sub {
    my $stored = grep { $t->redis->cmd('EXISTS', key_of($_)) } @bought;
    if ($stored && !defined $stored_at) {
        $stayed = archived() == 0;
        $stored_at = time;
    }
    return $stored == @bought;
}, 5), 'orders are stored');
ok($stayed, 'and stay in memory, for it may crash');
wait_archived(5, 'until they are surely on its disk');
cmp_ok(time - $stored_at, '>', 1, 'seconds later');
is(looks($_)->{status}, 'delivered', 'it is found') for @bought;
$t->audit_ok;
$t->finish;


# Redis is down or says nothing.  Under "durability memory" the shop goes on
# without it, and must not take an order for unknown.  One worker: another one
# may be connected again a moment later.

shop(workers => 1, shop => { retention => '60s', hold => '1m',
                              durability => 'memory' });
$t->product('card', price => 500);
$t->import_cards('card', 100);
my $old = $t->buy(sku => 'card');
my $expired = $t->checkout(sku => 'card')->json;
my $unknown = { order => '0' x 26, amount => 500 };
$t->later(3600);
wait_archived(2, 'both are archived');
$open = $t->checkout(sku => 'card')->json;

my %away = (
    down   => [sub { $t->redis->kill9 }, sub { $t->redis->start }],
    silent => [sub { $t->redis->pause }, sub { $t->redis->cont }],
);
for my $name (sort keys %away) {
    $away{$name}[0]->();
    is($t->order($open)->status, 200, "$name: what is in memory is shown");
    is($t->order($old)->status, 503, "$name: what is archived is not");
    for my $order ($expired, $unknown) {
        my $answer = $t->notify($order, trade_no => 'while-away');
        is($answer->status . ' ' . $answer->body, '503 fail',
           "$name: no order is unknown");
        is($answer->header('Retry-After'), 1, "$name: try again");
    }

    # A buyer who does not wait for the answer.
    $t->http('GET', "/orders/$old->{order}", timeout => 0.2, headers =>
             { Authorization => "Bearer $old->{token}" });

    $away{$name}[1]->();
    ok(wait_until(sub { $t->order($old)->status == 200 }, 10),
       "$name: found again");
}
is($t->notify($unknown)->status, 400, 'then one may be unknown');
is($t->notify($expired, trade_no => 'while-away')->body, 'success',
   'and money is taken');
is(looks($expired)->{status}, 'delivered', 'for what it was paid for');

# Many who ask at once.
my @requests = map { $t->request('GET', "/orders/$old->{order}", headers =>
                     { Authorization => "Bearer $old->{token}" }) } 1 .. 400;
my %statuses;
$statuses{ $_->status }++ for @{ http_many(\@requests, concurrency => 400) };
ok(!grep({ !/\A(?:200|503)\z/ } keys %statuses), 'found, or asked to return: '
   . join ', ', map { "$_: $statuses{$_}" } sort keys %statuses);
cmp_ok($statuses{200}, '>', 100, 'most are found at once');
$t->audit_ok;
$t->finish;


# ---- several times what memory holds -----------------------------------

shop(shop => { memory => '8m', retention => '60s' });
$t->product('drop');
$cards = $t->import_cards('drop', 4000);
my $room = $t->metrics->{'faka_memory_capacity{table="orders"}'};
my $wanted = $room * long(2, 6);
my $load = Faka::Load->start($t, sku => 'drop', width => 32,
                             want => sub { return (unpaid => 0) });
my $high = 0;

wait_until(sub {
    $t->later(61);
    my $metrics = $t->metrics;
    my $left = $metrics->{'faka_stock{sku="drop",state="available"}'} || 0;
    push @$cards, @{ $t->import_cards('drop', 3000) } if $left < 3000;
    my $used = $metrics->{'faka_memory_used{table="orders"}'};
    $high = $used if $used > $high;
    return $metrics->{faka_archived_orders_total} > $wanted;
}, long(60, 600));

my $told = $load->stop;
cmp_ok(archived(), '>', $wanted, "more than $wanted orders have left");
cmp_ok($told->orders, '>', $wanted, "memory holds $room, sold "
       . $told->summary);
cmp_ok($high, '<', $room, "never more than $high of them at once");
is($told->failures, '', 'and nobody was refused');
$told->check($t, 'memory and archive together', cards => $cards);

$t->nginx->kill_all;
$t->nginx->start;
ok($t->wait_open, 'after kill -9 it opens');
$told->check($t, 'memory and archive, after that', cards => $cards);
