# Channels whose payments begin with a call, over TLS to the practice gateway:
# each sells and delivers, once; and what a hostile or clumsy notice says is
# refused, or acknowledged without a delivery.  See 58-channels.t.

use lib 't/lib';

use Faka::Channels;
use Faka::Test;

my $t = Faka::Test->new(gateway => 1);
my @channels = qw(wechat stripe gmpay bepusdt qr_crt page_crt);
my $c = Faka::Channels->new($t, \@channels, tls => 1)->start(200);
my $true = JSON::PP::true;

$c->sells($_) for @channels;

my @calls = grep { $_->{method} ne 'GET' }
            @{ $t->gateway->control('calls') };
my %began;
$began{ $_->{protocol} }++ for @calls;
is_deeply(\%began, { wechat => 2, stripe => 2, gmpay => 2, bepusdt => 2,
                     alipay => 2 },
          'and each payment began with one call');


# What is refused.

my %refused = (
    'a flipped bit'    => [{ wrong_sign => 'flip' }, 'signature'],
    'no signature'     => [{ wrong_sign => 'missing' }, 'unsigned'],
    'an unknown order' => [{ other_order => 'X' x 26 }, 'paid'],
    'a body cut short' => [{ body => 'truncated' }, 'signature'],
);
my %by_bytes = (
    'a body with a newline' => [{ body => 'newline' }, 'signature'],
    'a body with a blank'   => [{ body => 'space' }, 'signature'],
    'members turned round'  => [{ body => 'members' }, 'signature'],
    'a time long past' => [{ timestamp_s => -302 }, 'stale'],
    'a time to come'   => [{ timestamp_s => 310 }, 'stale'],
    'a time of 2001'   => [{ timestamp => '1000000000' }, 'stale'],
    'a time below zero' => [{ timestamp => '-1' }, 'malformed'],
    'a time of 20 digits' => [{ timestamp => '1' x 20 }, 'malformed'],
);

my %of_wechat = (
    'an empty signature' => [{ wrong_sign => 'empty' }, 'unsigned'],
    (map { ("a signature with $_" => [{ wrong_sign => $_ }, 'signature']) }
         qw(space unpadded trailing)),
    'a probe' => [{ wrong_sign => 'probe' }, 'signature'],
    'no time' => [{ timestamp => '' }, 'unsigned'],
    'a header given twice' => [{ repeat_header => 'Wechatpay-Signature' },
                               'duplicate'],
    'a header with underscores' =>
        [{ omit_header => ['Wechatpay-Signature'],
           extra_header => { 'Wechatpay_Signature' => 'x' } }, 'unsigned'],
    'SHA-1' => [{ algorithm => 'SHA1' }, 'signature'],
    'a serial of nobody' => [{ serial => '7' x 40 }, 'signature'],
    'the key of the other serial' =>
        [{ identity => 'certificate',
           serial => 'PUB_KEY_ID_0119000000012024' }, 'signature'],
    (map { ("a resource with another $_" =>
            [{ resource => $_ }, 'signature']) } qw(tag key aad nonce)),
    'a resource of 15 bytes' => [{ resource => 'short' }, 'malformed'],
    'a nonce of 11 bytes' => [{ resource => 'nonce11' }, 'malformed'],
    'a nonce of 13 bytes' => [{ resource => 'nonce13' }, 'malformed'],
    'another cipher' => [{ resource => 'algorithm' }, 'algorithm'],
    'a resource that is no base64' => [{ resource => 'base64' },
                                       'malformed'],
    'another merchant' => [{ wrong_pid => $true }, 'not_ours'],
    'another application' => [{ appid => 'wxffffffffffffffff' },
                              'not_ours'],
    'a way to pay that is not ours' => [{ trade_type => 'JSAPI' },
                                        'not_ours'],
    'no state' => [{ omit => ['trade_state'] }, 'no_status'],
    'no transaction' => [{ omit => ['transaction_id'] }, 'trade_no'],
    'an order number with a path' => [{ other_order => '../../etc' },
                                      'order_no'],
    'an amount in quotes' => [{ wrong_amount => '"4850"' }, 'amount'],
    'an amount with a point' => [{ wrong_amount => '4850.0' }, 'amount'],
    'an amount with an exponent' => [{ wrong_amount => '485e1' },
                                     'amount'],
    'a member twice, sealed' =>
        [{ extra_signed_field => { trade_state => 'SUCCESS' } },
         'duplicate'],
    'a member twice, outside' =>
        [{ extra_unsigned_field => { event_type => 'X' } }, 'duplicate'],
);

my %of_stripe = (
    'an empty signature' => [{ wrong_sign => 'empty' }, 'signature'],
    'upper case' => [{ wrong_sign => 'upper' }, 'signature'],
    'a key of nothing' => [{ empty_key_sign => $true }, 'signature'],
    'a time that is none' => [{ timestamp => 'soon' }, 'malformed'],
    'a scheme of yesterday alone' => [{ signature => 'v0' }, 'unsigned'],
    'forty signatures' => [{ signature => 'many' }, 'malformed'],
    'two times' => [{ signature => 'two_t' }, 'malformed'],
    'a header without a time' => [{ signature => 'no_t' }, 'malformed'],
    'a header without a signature' => [{ signature => 'no_v1' },
                                       'unsigned'],
    'a header given twice' => [{ repeat_header => 'Stripe-Signature' },
                               'duplicate'],
    'real money' => [{ livemode => 'true' }, 'not_ours'],
    'a session that sets up' => [{ session_mode => 'setup' }, 'not_ours'],
    'no status' => [{ omit => ['payment_status'] }, 'no_status'],
    'no payment' => [{ omit => ['payment_intent'] }, 'trade_no'],
    'no order' => [{ omit => ['client_reference_id'] }, 'order_no'],
    'an amount in quotes' => [{ wrong_amount => '"990"' }, 'amount'],
    'an amount with an exponent' => [{ wrong_amount => '99e1' },
                                     'amount'],
    'a member twice' =>
        [{ extra_signed_field => { payment_status => 'paid' } },
         'duplicate'],
);

my %of_usdt = (
    'a body cut short' => [{ body => 'truncated' }, 'malformed'],
    'an empty signature' => [{ wrong_sign => 'empty' }, 'unsigned'],
    'upper case' => [{ wrong_sign => 'upper' }, 'signature'],
    'a key of nothing' => [{ empty_key_sign => $true }, 'signature'],
    'an unsigned member' => [{ extra_unsigned_field => $true },
                             'signature'],
    'a member twice' => [{ extra_unsigned_field => { status => '2' } },
                         'duplicate'],
    'our own request' =>
        [{ extra_signed_field => { notify_url => 'http://x.test/' } },
         'reflected'],
    'a notice within a value' =>
        [{ extra_signed_field => { memo => 'x&status=2' } }, 'malformed'],
    'no status' => [{ omit => ['status'] }, 'no_status'],
    'no trade' => [{ omit => ['trade_id'] }, 'trade_no'],
    'no order' => [{ omit => ['order_id'] }, 'order_no'],
    'an amount with an exponent' => [{ wrong_amount => '485e1' },
                                     'malformed'],
);

my %hostile = (
    wechat  => { %refused, %by_bytes, %of_wechat },
    stripe  => { %refused, %by_bytes, %of_stripe },
    gmpay   => { %refused, %of_usdt,
                 'another account' => [{ wrong_pid => $true }, 'not_ours'],
                 'MD5 in place of the HMAC' => [{ algorithm => 'MD5' },
                                                'signature'] },
    bepusdt => { %refused, %of_usdt,
                 'an HMAC in place of MD5' => [{ algorithm => 'HMAC' },
                                               'signature'] },
);

$c->refuses($_, $hostile{$_}) for sort keys %hostile;


# What is a payment all the same.

my %paid = (
    wechat => {
        'a coupon of WeChat\'s own' => [payer_total => '1'],
        'signed by the certificate' => [identity => 'certificate'],
        'signed by the public key' => [identity => 'public_key'],
        'nothing authenticated besides' => [resource => 'no_aad'],
        'members that are new' => [extra_unsigned_field => { a => 'b' }],
        'a clock that is nearly right' => [timestamp_s => -290],
    },
    stripe => {
        'a wrong signature before the right one' =>
            [signature => 'several'],
        'a scheme of yesterday beside it' => [signature => 'with_v0'],
        'members that are new' => [extra_signed_field => { a => 'b' }],
        'a clock that is nearly right' => [timestamp_s => 290],
    },
    gmpay => {
        '48.50 for 48.5' => [money_format => '1.00'],
        'an amount in quotes' => [json_string => $true],
        'a status in quotes' => [status => '"2"'],
        'another sum in coins' => [actual_amount => '0.01'],
        'members turned round' => [body => 'members'],
        'members that are new' => [extra_signed_field => { a => 'b' }],
    },
);
$paid{bepusdt} = $paid{gmpay};

for my $channel (sort keys %paid) {
    for my $name (sort keys %{ $paid{$channel} }) {
        $c->accepts($c->order($channel), "$channel, $name",
                    @{ $paid{$channel}{$name} });
    }
}


# Acknowledged, and nothing is delivered.

my %waiting = (
    wechat  => { map { ("a notice of $_" => [status => $_]) }
                 qw(NOTPAY USERPAYING CLOSED) },
    stripe  => { 'a session that is not paid yet' =>
                     [payment_status => 'unpaid'],
                 'an event of another kind' =>
                     [event_type => 'customer.created'],
                 'the end of a session' =>
                     [event_type => 'checkout.session.expired'] },
    gmpay   => { 'a notice that waits' => [status => '1'],
                 'one of the end' => [status => '3'] },
);
$waiting{bepusdt} = $waiting{gmpay};

my %odd = (
    wechat  => { 'a cent too little' => [wrong_amount => '4849'],
                 'a cent too much' => [wrong_amount => '4851'],
                 'another currency' => [currency => 'USD'] },
    stripe  => { 'a yen too little' => [wrong_amount => '989'],
                 'a hundredfold' => [wrong_amount => '99000'],
                 'another currency' => [currency => 'cny'] },
    gmpay   => { 'a cent too little' => [wrong_amount => '48.49'] },
    bepusdt => { 'a cent too little' => [wrong_amount => '48.49'] },
);

for my $channel (sort keys %waiting) {
    my $order = $c->order($channel);
    $c->acknowledges($order, 'awaiting_payment', "$channel, $_",
                     @{ $waiting{$channel}{$_} })
        for sort keys %{ $waiting{$channel} };
    $c->accepts($order, 'then the payment');

    $c->acknowledges($c->order($channel), 'under_review', "$channel, $_",
                     @{ $odd{$channel}{$_} })
        for sort keys %{ $odd{$channel} };
}


# A payment of Stripe's that takes time: completed, then paid, told of both
# over and over.
{
    my $order = $c->order('stripe');
    $t->gateway->control('mode', { out_trade_no => $order->{order},
                                   payment_status => 'unpaid' });
    is($c->pay($order)->{outcome}, 'acked', 'completed');
    is($c->status_of($order), 'awaiting_payment', 'is not paid');
    $t->gateway->control("settle/$order->{order}", {});
    is($c->status_of($order), 'delivered', 'paid later, it is delivered');
    $c->acknowledges($order, 'delivered', 'the second notice again',
                     settlement => $true);
    $c->acknowledges($order, 'delivered', 'the first one, late',
                     payment_status => 'unpaid');
    is(scalar @{ $c->look($order)->{cards} }, 1, 'one card');

    my $failed = $c->order('stripe');
    $t->gateway->control('mode', { out_trade_no => $failed->{order},
                                   payment_status => 'unpaid' });
    $c->pay($failed);
    is($t->gateway->control("settle/$failed->{order}",
                            { outcome => 'failed' })->{outcome},
       'acked', 'one that came to nothing');
    is($c->status_of($failed), 'awaiting_payment', 'delivers nothing');
}


# WeChat tells of refunds at the same address, if at all.

for my $case (['of a refund', event_type => 'REFUND.SUCCESS'],
              ['with the state of one', status => 'REFUND'])
{
    my ($name, @switches) = @$case;
    my $order = $c->order('wechat');
    $c->acknowledges($order, 'under_review',
                     "wechat, a notice $name before its payment", @switches);
    $c->acknowledges($order, 'under_review',
                     'the payment, late, delivers nothing any more');
}


# One method, one type of content, one channel.

my %other = map { $_ => 'bepusdt' } qw(wechat gmpay qr_crt);
$other{bepusdt} = 'wechat';

for my $channel (sort keys %other) {
    my $order = $c->order($channel);
    my ($answer) = $c->notices($order, method => 'GET');
    is($answer->{status}, 405, "$channel: GET is not allowed");

    if ($channel ne 'qr_crt') {
        ($answer) = $c->notices($order, content_type => 'text/plain');
        is($answer->{status}, 415, '  nor is text');
    }

    my $strange = $c->order($other{$channel});
    ($answer) = $c->notices($order, other_order => $strange->{order});
    is($answer->{status}, 400, '  the order of another channel is refused');
    is($c->status_of($_), 'awaiting_payment', '  and not paid')
        for $order, $strange;
}


$c->stands($_) for qw(wechat stripe);

$c->ends_well;
