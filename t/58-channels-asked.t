# Notices that are lost, of every channel: where a gateway answers, the
# payment is found by asking; where it cannot, it waits for the notice.  And
# gateways that lie, break off or show another certificate when a payment is to
# begin: the order is kept, others are served, and when the gateway is right
# again, the same order gets its address.  See 58-channels.t.

use lib 't/lib';

use Faka::Channels;
use Faka::Test;
use Time::HiRes qw(time);

my $t = Faka::Test->new(gateway => 1, workers => 1,
                        shop => { reconcile => '1s rate=50r/s' });
$t->own_clock;
my @asked = qw(epay epay2 alipay wap qr wechat stripe);
my @not_asked = qw(usdt custom gmpay bepusdt);
my $c = Faka::Channels->new($t, [@asked, @not_asked], tls => 1)->start(300);
my $gateway = $t->gateway;
my $true = JSON::PP::true;

sub becomes {
    my ($order, $status, $seconds) = @_;
    return wait_until(sub { $c->status_of($order) eq $status }, $seconds);
}


# ---- lost notices

# Orders that nobody has gone to the gateway with: it knows none of them, and
# may not even sign that.  All of them are asked about before the others.

my @idle = map { $c->order($_) } (@asked) x 12;
my $queries = qr/\Afaka_gateway_asks_total\{ask="query"/;
ok(wait_until(sub {
    my $metrics = $t->metrics;
    my $asked = 0;
    $asked += $metrics->{$_} for grep { /$queries/ } keys %$metrics;
    return $asked >= @idle;
}, 20), 'orders that are not paid are asked about');

$gateway->control('mode', { drop => $true });
my %lost = map { $_ => $c->opened($_) } @asked, @not_asked;
$c->pay($_) for values %lost;
my $paid_at = time;

for my $channel (@asked) {
    ok(becomes($lost{$channel}, 'delivered', 20),
       "$channel: a payment whose notice is lost is found by asking");
    $c->sold(@{ $c->look($lost{$channel})->{cards} || [] });
}
diag sprintf 'the last one after %.1f s', time - $paid_at;

# epusdt in its EPay form and a gateway in our own words cannot be asked; what
# the JSON forms answer has no amount, so it proves no payment.

my $pay_status = qr/asked channel "(\w+)" to query order (\w+): unknown, 2/;
for my $channel (qw(gmpay bepusdt)) {
    ok(wait_until(sub {
        my @lines = $t->nginx->error_log =~ /$pay_status/g;
        return grep { $_ eq $lost{$channel}{order} } @lines;
    }, 10), "$channel: it is asked, and what it says stands in the log");
}

$gateway->control('mode', {});
for my $channel (@not_asked) {
    is($c->status_of($lost{$channel}), 'awaiting_payment',
       "$channel: asking finds no payment");
    $c->accepts($lost{$channel}, 'its notice, sent again, counts');
}

is(scalar(grep { $c->status_of($_) ne 'awaiting_payment' } @idle), 0,
   'what nobody has paid is not paid');
is(scalar(() = $t->nginx->error_log =~ /does not answer/g), 0,
   'a gateway that knows no order is one that answers');
is(scalar(() = $t->nginx->error_log =~ /\[warn\].* to query order/g), 0,
   'and what it cannot prove of an order that is held is no news');


# ---- gateways that lie or break

sub begun { return $_[0]{pay}{method} eq 'qr' }

# What was asked for this order, in order.
sub calls {
    my ($order) = @_;

    return grep { $_->{method} eq 'POST' } @{ $gateway->control(
        "calls?protocol=wechat&out_trade_no=$order->{order}") };
}

# When all is well again: begun by one more call, and paid once.
sub recovers {
    my ($order, $calls) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $view;
    ok(wait_until(sub { begun($view = $c->look($order)) }, 20),
       '  when it is right again, the order has its address');
    is(scalar(calls($order)), $calls, "  after $calls calls in all");
    is_deeply($c->look($order)->{pay}, $view->{pay}, '  which it keeps');
    is(scalar(calls($order)), $calls, '  and asks for no more');
    is($c->pay($order)->{outcome}, 'acked', '  it is paid');
    is($c->status_of($order), 'delivered', '  and delivered');
    $c->sold(@{ $c->look($order)->{cards} || [] });
}

sub waits {
    my ($name, $order) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($order->{status}, 'awaiting_payment', "$name: the order is made");
    is_deeply($order->{pay}, { method => 'pending', url => undef },
              '  nobody knows where it is paid');
    is($t->get('/products')->status, 200, '  others are served');
}

my @lies = (
    ['a page in place of a reply' => { call_garbage => $true }],
    ['a wrong signature' => { call_wrong_sign => $true }],
    ['no signature' => { call_unsigned => $true }],
    ['a signature of yesterday' => { call_timestamp_s => -86400 }],
    ['a serial of nobody' => { call_serial => '7' x 40 }],
    ['half a reply' => { call_truncate => $true }],
    ['10 MiB' => { call_huge => $true }],
    ['a reply without end' => { call_huge => 'endless' }],
    ['a way elsewhere' => { call_redirect => $true }],
    ['a way to another port' =>
        { call_redirect => 'http://127.0.0.1:' . $t->nginx->port . '/' }],
    ['a reply that is compressed' => { call_gzip => $true }],
    ['status 500' => { call_status => 500 }],
    ['status 204' => { call_status => 204 }],
    ['nothing' => { call_close => $true }],
    ['an end in the middle' => { call_close => 'middle' }],
);

for my $lie (@lies) {
    my ($name, $switches) = @$lie;

    $gateway->control('mode', { protocol => 'wechat', %$switches });
    my $order = $c->order('wechat');
    waits($name, $order);
    $gateway->control('mode', { protocol => 'wechat' });
    recovers($order, 2);
}

# Who is not the gateway is not told what is asked.

$c->certificate('other', 'DNS:other.test');
$c->certificate('expired', 'DNS:localhost', -1);

for my $name (qw(other expired)) {
    $c->gateway_with($name);
    my $order = $c->order('wechat');
    waits($name eq 'other' ? 'a certificate of another name'
                           : 'one that has expired', $order);
    is(scalar(calls($order)), 0, '  the gateway has heard nothing');
    $c->gateway_with('right');
    recovers($order, 1);
}


# ---- what nobody has paid, when its time is over

$t->later(16 * 60);
for my $order (@idle[0, 1]) {
    ok($t->nginx->wait_log(qr/\[warn\].*\ to\ query\ order
                           \ $order->{order}:\ unknown/x, 20),
       "$order->{channel}: what is not proved then stands in the log");
}

$c->ends_well;
