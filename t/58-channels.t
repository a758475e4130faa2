# Channels whose payments begin with a signed address, and the practice
# gateway that speaks their protocols: each sells and delivers, once; and what
# a hostile or clumsy notice says is refused, or acknowledged without a
# delivery.  Which notices prove what, field by field, the unit tests of
# ngx_module/pay hold.  58-channels-calls.t has the channels that begin with a
# call, 58-channels-asked.t lost notices and gateways that lie.

use lib 't/lib';

use Faka::Channels;
use Faka::Test;
use Faka::Http qw(http_one);
use Faka::Proc qw(wait_until);

my $t = Faka::Test->new(gateway => 1);
my @channels = qw(epay epay2 usdt custom alipay wap);
my $c = Faka::Channels->new($t, \@channels)->start(200);
my $true = JSON::PP::true;

$c->sells($_) for @channels;


# What is refused.  One order of an unknown number is proved all the same: it
# is the shop that knows none.

my %of_rsa = (
    'a time long past' => [{ timestamp_s => -302 }, 'stale'],
    'a time to come'   => [{ timestamp_s => 310 }, 'stale'],
    'a time that is none' => [{ timestamp => 'soon' }, 'stale'],
);
my %of_alipay = (
    'another seller'      => [{ seller_id => '2088000000000001' },
                              'not_ours'],
    'no seller'           => [{ omit => ['seller_id'] },
                              'not_ours'],
    'the service market'  => [{ notify_type => 'servicemarket_order_notify' },
                              'signature'],
    'another notice'      => [{ notify_type => 'other_notify' },
                              'not_ours'],
    'sign_type in the string' => [{ sign_type_signed => $true },
                                  'signature'],
);
my %refused = (
    'a flipped bit'   => [{ wrong_sign => 'flip' }, 'signature'],
    'no signature'    => [{ wrong_sign => 'missing' }, 'unsigned'],
    'an empty one'    => [{ wrong_sign => 'empty' }, 'unsigned'],
    'another account' => [{ wrong_pid => $true }, 'not_ours'],
    'our own request' => [{ reflect => $true }, 'reflected'],
    'an unsigned field' => [{ extra_unsigned_field => $true },
                            'signature'],
    'a field twice'   => [{ extra_unsigned_field => { trade_no => '1' } },
                          'duplicate'],
    'an amount that is none' => [{ wrong_amount => '1e1' }, 'amount'],
    'no status'       => [{ omit => ['trade_status'] },
                          'no_status'],
    'no trade number' => [{ omit => ['trade_no'] }, 'trade_no'],
    'an unknown order' => [{ other_order => 'X' x 26 }, 'paid'],
);
my %base64 = map { ("a signature with $_" =>
                    [{ wrong_sign => $_ }, 'signature']) }
             qw(newline space unpadded trailing);

my %by_hash = ('a key of nothing' => [{ empty_key_sign => $true },
                                      'signature'],
               'upper case' => [{ wrong_sign => 'upper' },
                                'signature'],
               'another sign_type' => [{ sign_type => 'RSA' }, 'algorithm']);
# Requests and notices of these have a key each.
my %own_key = ('our own request' => [{ reflect => $true }, 'signature']);

my %hostile = (
    epay   => { %refused, %by_hash },
    epay2  => { %refused, %of_rsa, %base64, %own_key,
                'MD5' => [{ algorithm => 'MD5' }, 'algorithm'],
                'SHA-1' => [{ algorithm => 'SHA1' }, 'signature'] },
    usdt   => { %refused, %by_hash },
    custom => { %refused, %by_hash },
    alipay => { %refused, %of_alipay, %base64, %own_key,
                'SHA-1' => [{ algorithm => 'SHA1' },
                            'algorithm'] },
);

$c->refuses($_, $hostile{$_}) for sort keys %hostile;


# Acknowledged, and nothing is delivered.

for my $channel (sort keys %hostile) {
    my $order = $c->opened($channel);
    $c->acknowledges($order, 'awaiting_payment',
        "$channel: a notice that waits", status => 'WAIT_BUYER_PAY');
    $c->acknowledges($order, 'under_review', 'a cent too little',
        wrong_amount => '48.49');
}


# The order of another channel is not paid through this one.
{
    my $order = $c->order('epay');
    my $other = $c->opened('epay2');
    my ($answer) = $c->notices($other, other_order => $order->{order});
    is($answer->{status}, 400, 'another channel\'s order: refused');
    is($c->status_of($order), 'awaiting_payment', 'and not paid');
}


# Alipay tells of refunds at the same address.

my @refund = (refund_fee => '48.50', gmt_refund => '2026-01-01 00:00:00');
my $gave_back = 'the gateway gave it back';

sub seen { return $t->admin('GET', "/orders/$_[0]{order}")->json }
{
    my $order = $c->opened('alipay');
    $c->acknowledges($order, 'under_review', 'a refund before its payment',
        status => 'TRADE_CLOSED', @refund);
    like($t->nginx->error_log,
         qr/\[error\].*order $order->{order}: the gateway gave money back/,
         'and stands in the log');
    is(seen($order)->{review_reason}, $gave_back, 'and on the order');
    $c->acknowledges($order, 'under_review',
        'the payment, late, delivers nothing any more');
}
{
    my $order = $c->opened('alipay');
    $c->accepts($order, 'a payment that is past refunding',
        status => 'TRADE_FINISHED');
    $c->acknowledges($order, 'delivered', 'a refund of a part',
        refund_fee => '1.00', gmt_refund => '2026-01-01 00:00:00');
    is(seen($order)->{review_reason}, "$gave_back after its delivery",
       'which stands on the order');
    like($t->nginx->error_log,
         qr/\[error\].*order $order->{order}: the gateway gave money back: /,
         'which nobody here asked for, so it is an error');
    $c->acknowledges($order, 'delivered', 'and of the rest',
        status => 'TRADE_CLOSED', @refund);
    is($t->admin('POST', "/orders/$order->{order}/refunds",
                 { amount => 4850, ref => 'at the gateway' })->status, 200,
       'what the log advises: the amount is booked');
    is($t->admin('POST', "/orders/$order->{order}/refund")->json->{status},
       'refunded', 'and what was delivered is taken back');
}


# Both words stand on an order that a person looks at already.
{
    my $first = $c->opened('alipay');
    my $second = $c->opened('alipay');
    $c->accepts($first, 'a payment', trade_no => '2026112277');
    $c->acknowledges($second, 'under_review', 'its number, for another order',
        trade_no => '2026112277');
    $c->acknowledges($second, 'under_review', 'which is given back, too',
        trade_no => '2026112277', status => 'TRADE_CLOSED', @refund);
    is(seen($second)->{review_reason},
       "$gave_back; its trade number is another order's", 'it says both');
    is(join(' ', map { "$_->{trade_no} $_->{state}" }
                     @{ seen($second)->{payments} }),
       "2026112277#$second->{order} review", 'of one payment');
    is($c->status_of($first), 'delivered', 'the first one stays');
}


# Money goes back at the gateway while its order waits for stock: cards that
# come then are not for it.
{
    $t->product('rare', price => 4850);
    $t->import_cards('rare', 1);
    my @order = map {
        my $order = $t->checkout(sku => 'rare', channel => 'alipay')->json;
        $t->http('POST', "/orders/$order->{order}/cancel",
                 headers => { Authorization => "Bearer $order->{token}" });
        http_one({ port => $t->gateway->port,
                   path => $order->{pay}{url} =~ s{\Ahttp://[^/]+}{}r });
        $order->{channel} = 'alipay';
        $order;
    } 1 .. 3;
    my ($first, $waits, $other) = @order;
    $c->acknowledges($first, 'delivered', 'the last card is sold');
    $c->acknowledges($waits, 'waiting_for_stock', 'the next one waits');
    $c->acknowledges($other, 'waiting_for_stock', 'and one more');

    $c->acknowledges($waits, 'under_review', 'the first is given back',
        status => 'TRADE_CLOSED', @refund);
    like($t->nginx->error_log,
         qr/\[error\].*$waits->{order}: the gateway gave .*: POST .*deny/,
         'which the log says, and what to do');
    is(seen($waits)->{review_reason}, $gave_back, 'and the order, why');
    $c->acknowledges($waits, 'under_review', 'told again: no change',
        status => 'TRADE_CLOSED', @refund);

    $t->import_cards('rare', 2);
    ok(wait_until(sub { $c->status_of($other) eq 'delivered' }, 5),
       'cards come: they are for who waits');
    is($c->status_of($waits), 'under_review', 'and not for what went back');

    my $path = "/orders/$waits->{order}";
    is($t->admin('POST', "$path/deny")->json->{status}, 'refund_due',
       'denied: it is owed');
    my $trade = seen($waits)->{payments}[0]{trade_no};
    is($t->admin('POST', "$path/refunded", { trade_no => $trade })
         ->json->{status}, 'refunded', 'and was given back');
    $t->audit_ok;
}


# One carrier, one method, one type of content.

for my $case (['GET on Alipay\'s address', 'alipay', method => 'GET'],
              ['POST on EPay V2\'s', 'epay2', method => 'POST'],
              ['POST on epusdt\'s', 'usdt', method => 'POST'],
              ['POST on one of our own words', 'custom', method => 'POST'])
{
    my ($name, $channel, @switch) = @$case;
    my $order = $c->opened($channel);
    my ($answer) = $c->notices($order, @switch);
    is($answer->{status}, 405, "$name: not allowed");
    is($c->status_of($order), 'awaiting_payment', 'and not read');
}

my $form = 'application/x-www-form-urlencoded';

for my $type ('text/plain', 'multipart/form-data; boundary=x', undef) {
    my $answer = http_one({ method => 'POST', path => '/notify/alipay',
        port => $t->nginx->port, body => 'a=b',
        headers => { defined $type ? ('Content-Type' => $type) : () } });
    is($answer->status, 415, 'Content-Type ' . ($type // 'missing'));
}

my $both = http_one({ method => 'POST', path => '/notify/alipay?a=b',
    port => $t->nginx->port, body => 'a=b',
    headers => { 'Content-Type' => $form } });
is($both->status, 400, 'a query and a body');


$c->stands($_) for qw(epay alipay);

$c->ends_well;
