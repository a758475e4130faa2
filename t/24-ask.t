# Gateways that have to be asked: a payment that begins with a call, notices
# that were lost, orders that nobody may pay any more; and a gateway that does
# not answer.  What an answer proves, the unit tests of ngx_module/pay hold.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(wait_until);
use Time::HiRes qw(sleep time);

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
$t->nginx->{opt}{shop} = { reconcile => '1s rate=50r/s', hold => '8s' };
$t->nginx->{opt}{channels} = <<"EOT";
channel qr alipay {
    url ${url}gateway.do; app_id $app; seller_id $seller; type precreate;
    private_key_file $dir/app.key; public_key_file $dir/alipay.pub;
}
channel spare epay {
    url $url; pid 1000; key_file $dir/epay.key; backup main;
}
channel main alipay {
    url ${url}gateway.do; app_id $app; seller_id $seller; type precreate;
    private_key_file $dir/app.key; public_key_file $dir/alipay.pub;
}
EOT
$t->own_clock->start;
$t->product('card', price => 990);
$t->import_cards('card', 2000);

sub order { return $t->checkout(sku => 'card', channel => 'qr')->json }
sub look { return $t->order($_[0])->json }
sub becomes {
    my ($order, $status, $seconds) = @_;
    return wait_until(sub { look($order)->{status} eq $status }, $seconds);
}


# A payment begins with a call, and stays where it began.

my $order = order();
is($order->{status}, 'awaiting_payment', 'an order is made');
is($order->{pay}{method}, 'qr', 'and paid by QR code');
like($order->{pay}{url}, qr{\A\Q$url\E}, 'that the gateway has made');
is_deeply(look($order)->{pay}, $order->{pay}, 'a look shows the same');

$t->nginx->stop;
$t->nginx->start;
$t->wait_open;
is_deeply(look($order)->{pay}, $order->{pay}, 'so does one after a restart');

$t->gateway->control("pay/$order->{order}", {});
is(look($order)->{status}, 'delivered', 'paid, it is delivered');


# A notice that is lost is found by asking.

$t->gateway->control('mode', { drop => JSON::PP::true });
my @lost = map { order() } 1 .. 20;
$t->gateway->control("pay/$_->{order}", {}) for @lost;
my $paid_at = time;
is(scalar(grep { becomes($_, 'delivered', 15) } @lost), 20,
   'twenty payments whose notices are lost are found');
diag sprintf 'the last one after %.1f s', time - $paid_at;

my $metrics = $t->metrics;
cmp_ok($metrics->{'faka_gateway_asks_total{ask="query",answer="paid"}'}, '>=',
       20, 'each by asking');
is($metrics->{'faka_notify_total{verdict="paid"}'}, 1,
   'and but one by a notice');

$t->later(3600);
sleep 7;                # a turn begins by that clock
$t->later(-3600);
my $back = order();
$t->gateway->control("pay/$back->{order}", {});
ok(becomes($back, 'delivered', 20), 'also when the clock was set back');
$t->gateway->control('mode', {});


# What nobody may pay any more is closed at the gateway.

my $late = order();
my $trade;
ok(wait_until(sub {
    ($trade) = @{ $t->gateway->control("trades?out_trade_no=$late->{order}") };
    return $trade->{status} == -1;
}, 20), 'an order that nobody paid is closed at the gateway')
    or diag explain $trade;
is(look($late)->{status}, 'expired', 'when it is expired here');


# A gateway that hangs: the buyer gets his order and waits; others are served;
# asked again, it gives the address under the same number.

$t->nginx->{opt}{shop}{hold} = '15m';
$t->nginx->reload;
my $gateway = $t->gateway->{pid};
kill 'STOP', $gateway;
my $job = $t->background(sub { return order() });
sleep 0.3;
my $asked_at = time;
is($t->get('/products')->status, 200, 'others are served meanwhile');
cmp_ok(time - $asked_at, '<', 1, 'at once');
my $hung = $job->wait;
is($hung->{status}, 'awaiting_payment', 'the order is made all the same');
is_deeply($hung->{pay}, { method => 'pending', url => undef },
          'where to pay it, nobody knows');
kill 'CONT', $gateway;
ok(wait_until(sub { look($hung)->{pay}{method} eq 'qr' }, 20),
   'when the gateway is back, so is the address');
$t->gateway->control("pay/$hung->{order}", {});
is(look($hung)->{status}, 'delivered', 'and it is paid there');


# One that is gone: refused connections open the circuit, and a buyer is not
# kept waiting by them.

$t->gateway->stop;
my @pending = map { order() } 1 .. 12;
is(scalar(grep { $_->{pay}{method} eq 'pending' } @pending), 12,
   'without a gateway orders are pending');
like($t->nginx->error_log, qr/channel "qr" does not answer/,
     'and the log says whose fault it is');
$t->gateway->start;
ok(wait_until(sub { look($pending[0])->{pay}{method} eq 'qr' }, 20),
   'it is found again by itself');


# Where there is a backup, it takes the orders of the channel that does not
# answer, one a time is tried all the same, and an Idempotency-Key finds its
# order whoever takes new ones by now.

sub main_order {
    return $t->checkout(sku => 'card', channel => 'main', @_)->json;
}

$t->nginx->{opt}{shop}{reconcile} = 'off';
$t->nginx->reload;
my @key = (key => 'before-the-outage');
my $before = main_order(@key);
is(look($before)->{channel}, 'main', 'an order of a channel with a backup');
$t->gateway->stop;
ok(wait_until(sub { look(main_order())->{channel} eq 'spare' },
              20), 'the gateway is down: the backup takes new orders');
my @twice = map { main_order(@key) } 1 .. 8;
is(scalar(grep { $_->{order} ne $before->{order} } @twice), 0,
   'who asks again with his key has the order that he had');
my ($way) = grep { $_->{channel} eq 'main' } @{ $t->get('/channels')->json };
ok($way->{available}, 'and the channel is offered');

$t->gateway->start;
ok(wait_until(sub {
    my @ways = map { look(main_order()) } 1 .. 8;
    return !grep { $_->{channel} ne 'main' || $_->{pay}{method} ne 'qr' }
           @ways;
}, 40), 'when the gateway is back, so is the channel');

$t->audit_ok;
