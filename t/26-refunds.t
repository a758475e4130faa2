# Money that goes back through the gateway: by an operator's word, and by
# itself; once, whatever dies and whoever asks again; and what was delivered
# for it is void.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(wait_until);
use Time::HiRes qw(sleep);

my ($app, $seller) = ('2021000000000001', '2088000000000099');

my $t = Faka::Test->new(gateway => 1);
my $dir = $t->secrets;

for my $name (qw(app alipay)) {
    system('sh', '-c', "cd $dir && umask 077 && openssl genpkey -algorithm RSA"
           . " -pkeyopt rsa_keygen_bits:2048 -out $name.key 2>/dev/null &&"
           . " openssl pkey -in $name.key -pubout -out $name.pub") == 0
        or die "openssl: $?";
}

my $url = $t->gateway->url;
$t->gateway->{args} = [
    '--retry-ms', '100,200',
    '--alipay-app-id', $app, '--alipay-seller-id', $seller,
    '--alipay-private-key', "$dir/alipay.key",
    '--alipay-app-public-key', "$dir/app.pub",
];
$t->nginx->{opt}{shop} = { reconcile => '1s rate=50r/s' };
$t->nginx->{opt}{channels} = <<"EOT";
channel epay epay { url $url; pid 1000; key_file $dir/epay.key; }
channel ali alipay {
    url ${url}gateway.do; app_id $app; seller_id $seller;
    private_key_file $dir/app.key; public_key_file $dir/alipay.pub;
}
EOT
$t->start;
$t->product('card', price => 990);
$t->import_cards('card', 40);
$t->product('rare', price => 500);

my %call = (epay => 'refund', ali => 'alipay.trade.refund');

sub paid {
    my ($channel, $sku) = @_;

    my $order = $t->checkout(sku => $sku // 'card', channel => $channel)->json;
    $t->gateway->pay_as_buyer($order->{pay}{url})
        or die "no payment for $order->{order}";
    return $order;
}

sub refund {
    my ($order, $body) = @_;
    return $t->admin('POST', "/orders/$order->{order}/refund", $body // {});
}

sub seen { return $t->admin('GET', "/orders/$_[0]{order}")->json }
sub states { return join ' ', map { $_->{state} } @{ $_[0]{payments} } }

sub trade {
    my ($order) = @_;
    return $t->gateway->control("trades?out_trade_no=$order->{order}")->[0];
}

# How often the gateway was asked to give money back for an order.
sub asked {
    my ($order, $channel) = @_;
    my $calls = $t->gateway->control("calls?out_trade_no=$order->{order}");
    return scalar grep { ($_->{name} // '') eq $call{$channel} } @$calls;
}

# What the shop answers when Alipay tells it of a refund.
sub told_refund {
    my ($order, %switches) = @_;

    my $sent = $t->gateway->control("notify/$order->{order}",
        { protocol => 'alipay', status => 'TRADE_CLOSED',
          refund_fee => '9.90', gmt_refund => '2026-01-01 00:00:00',
          %switches });
    return "$sent->{answers}[0]{status} $sent->{answers}[0]{body}";
}


# What was delivered: the money goes back, and its card is void.

for my $channel (qw(epay ali)) {
    my $stock = $t->get('/products')->json->[0]{stock};
    my $order = paid($channel);
    my ($card) = @{ $t->order($order)->json->{cards} };
    ok($card, "$channel: delivered");

    my $answer = refund($order);
    is($answer->status, 200, 'refunded') or diag $answer->brief;
    is($answer->json->{status}, 'refunded', 'so says the order');
    is(states($answer->json), 'refunded', 'and its payment');
    is(trade($order)->{refunded}, '9.90', 'the gateway has given it back');

    is(refund($order)->json->{status}, 'refunded', 'asked again, the same');
    is(asked($order, $channel), 1, 'but not of the gateway');
    is($t->order($order)->json->{cards}, undef, 'its card is not shown');
    is($t->get('/products')->json->[0]{stock}, $stock - 1,
       'nor is it sold again');

    next if $channel ne 'ali';
    is(told_refund($order), '200 success', 'told by the gateway, too');
    is(seen($order)->{status}, 'refunded', 'it stays refunded');
    like($t->nginx->error_log,
         qr/\[info\].*order $order->{order}: the gateway gave money back, as/,
         'which is no error');

    my @unknown = ($order, other_order => '0' x 26);
    is(told_refund(@unknown), '400 fail', 'told of an order that nobody has');
    like($t->nginx->error_log, qr/: unknown_order, of money that was given/,
         'which a person has to see');
    is($t->redis->cmd('EXISTS', 'faka:{main}:strays'), 0, 'nothing is kept');
    $t->gateway->control("notify/$order->{order}",
        { protocol => 'alipay', other_order => $unknown[2] });
    is($t->admin('POST', '/strays/ali/settled',
                 { order => $unknown[2],
                   trade_no => trade($order)->{trade_no} })->status, 200,
       'its payment comes, and a person settles that');
    is(told_refund(@unknown), '200 success', 'told of that, it is well');

    # Another server has the shop, and may know it.
    my $index = 'faka:{main}:snapshots';
    $t->redis->cmd('RENAME', $index, "$index:hidden");
    $t->redis->cmd('XADD', $index, '9' x 17 . '-0', 't', 'another');
    is(told_refund(@unknown), '503 fail', 'fenced: that is not for us to say');
    $t->redis->cmd('RENAME', "$index:hidden", $index);
}


# Money that came second: it alone goes back.

{
    my $order = paid('ali');
    $t->gateway->control("notify/$order->{order}",
                         { protocol => 'alipay', trade_no => '2026112211' });
    is(states(seen($order)), 'applied refund_due', 'paid twice');

    my $answer = refund($order, { trade_no => '2026112211' });
    is($answer->status, 200, 'what came second is asked back');
    is($answer->json->{status}, 'delivered', 'the order stays delivered');
    is(states($answer->json), 'applied refund_due',
       'a payment that the gateway does not know stays owed');
    like($t->nginx->error_log, qr/refused, and owed still/, 'and is logged');

    is(refund($order, { trade_no => '2026112212' })->status, 404,
       'one that was never made is not found');
    my $first = seen($order)->{payments}[0]{trade_no};
    is($t->admin('POST', "/orders/$order->{order}/refunded",
                 { trade_no => '2026112211' })->status, 200,
       'a person gives it back');
    my $again = refund($order);
    is($again->status, 409, 'all of it is not meant then');
    is($again->json->{field}, 'trade_no', 'who means the rest has to name it');
    is(seen($order)->{status}, 'delivered', 'the order stays as it is');
    is(states(refund($order, { trade_no => $first })->json),
       'refunded refunded', 'so it goes back');
    is(seen($order)->{status}, 'refunded', 'and the order with it');
    is(asked($order, 'ali'), 1, 'which was asked for once');
}


# The same without a name: what came second goes back, and nothing else, also
# when it is said twice.

{
    my $order = paid('epay');
    $t->gateway->control("notify/$order->{order}", { trade_no => 'T-second' });
    is(states(seen($order)), 'applied refund_due', 'paid twice');

    my $answer = refund($order);
    is(states($answer->json), 'applied refunded', 'what is owed went back');
    is($answer->json->{status}, 'delivered', 'the order stays delivered');
    is(refund($order)->status, 409, 'once more: nothing is owed');
    is(states(seen($order)), 'applied refunded', 'and nothing is done');
    ok($t->order($order)->json->{cards}, 'the buyer has his card');
}


# Orders that nobody could be served.

{
    my $order = paid('ali', 'card');
    my $waits = $t->checkout(sku => 'card', channel => 'ali')->json;
    is(refund($waits)->status, 409, 'an unpaid order owes nothing');
    is(refund({ order => '0' x 26 })->status, 404, 'nor has an unknown one');
    is(refund($order, { trade => 1 })->status, 400, 'a field is misspelt');
}


# The answer is lost: then nobody knows.

$t->gateway->control('mode', { call_close => 'before' });
my ($v1, $v2) = map { paid($_) } qw(epay ali);
for my $order ($v1, $v2) {
    my $answer = refund($order);
    is($answer->status, 200, 'the answer is lost');
    is($answer->json->{status}, 'refund_due', 'the order is owed its money');
    is(states($answer->json), 'refund_asked', 'which was asked for');
}
is(asked($v1, 'epay'), 1, 'EPay was asked once');
is(states(refund($v1)->json), 'refund_asked', 'and again by the operator');
is(asked($v1, 'epay'), 1, 'who does not ask the gateway with it');
sleep 1;
is(states(seen($v1)), 'refund_asked', 'EPay is not asked by itself');
is(asked($v1, 'epay'), 1, 'not once');
is($t->admin('POST', "/orders/$v1->{order}/refunded",
             { trade_no => seen($v1)->{payments}[0]{trade_no} })
   ->json->{status}, 'refunded', 'a person says what he found there');


# A question that reaches nobody says nothing about the refund.
my $unsent = qr/asked channel "ali" to refund_query order $v2->{order}: busy/;
$t->gateway->stop;
ok(wait_until(sub { $t->nginx->error_log =~ $unsent }, 20),
   'the gateway is down when it is asked what became of it');
is(states(seen($v2)), 'refund_asked', 'which is as open as before');

$t->gateway->start;
ok(wait_until(sub { eval { $t->gateway->control('mode', {}); 1 } }, 10),
   'it comes back');
ok(wait_until(sub { seen($v2)->{status} eq 'refunded' }, 30),
   'Alipay is asked what became of it');
is(trade($v2)->{refunded}, '9.90', 'it was given back once');


# A gateway that was asked to no avail, and a person who gave the money back
# meanwhile and has said so: nobody asks for it again.

$t->gateway->control('mode', { call_skip => JSON::PP::true,
                              call_close => 'before' });
my @person = map { paid('ali') } 1 .. 12;
refund($_) for @person;
ok(wait_until(sub { $t->nginx->error_log =~ /"ali" does not answer/ }, 20),
   'the gateway is asked less often');
sleep 8;
is($t->admin('POST', "/orders/$_->{order}/refunded",
             { trade_no => seen($_)->{payments}[0]{trade_no} })
   ->json->{status}, 'refunded', 'a person has given it back') for @person;
my $last = paid('ali');
$t->gateway->control('mode', {});
ok(wait_until(sub { (refund($last)->json->{status} // '') eq 'refunded' }, 60),
   'the gateway answers again');
sleep 1;
is(scalar(grep { trade($_)->{refunded} ne '0.00' } @person), 0,
   'and has given nothing back a second time');


# A worker dies while the gateway is asked.

$t->gateway->control('mode', { call_delay_ms => 1500 });
my $killed = paid('ali');
# Each worker finds out for itself that the gateway answers again.
my $job = $t->background(sub {
    return wait_until(sub { refund($killed)->status != 503 }, 30);
});
ok(wait_until(sub { asked($killed, 'ali') }, 30), 'a refund is under way');
$t->nginx->kill_worker($_) for $t->nginx->workers;
$job->stop;
$t->gateway->control('mode', {});
ok(wait_until(sub { seen($killed)->{status} eq 'refunded' }, 20),
   'its worker is killed: another one finds out');
is(trade($killed)->{refunded}, '9.90', 'it was given back once');


# By itself.

$t->nginx->{opt}{shop}{auto_refund} = 'on short=1s';
$t->nginx->reload;
my $twice = paid('ali');
$t->gateway->control("notify/$twice->{order}",
                     { protocol => 'alipay', trade_no => '2026112213' });
ok(wait_until(sub {
    $t->nginx->error_log =~ /payment 2026112213: refused/ }, 20),
   'money that came second is asked back by itself');
sleep 12;
is(scalar(() = $t->nginx->error_log =~ /payment 2026112213: refused/g), 1,
   'refused, it is left to a person, who may be giving it back');

$t->audit_ok;
