# Notices that are signed in their headers: WeChat's and Stripe's, as their
# own SDKs sign them, at a real nginx.  What each proves, field by field, the
# unit tests of ngx_module/pay hold; here headers and bodies go over a wire,
# and what was proved finds its order, or none.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;
use Faka::Http qw(http_one);
use Faka::Proc qw(spew);
use Fcntl qw(LOCK_EX);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Time::HiRes qw(sleep);

my $build = 'build/gateway';
my $json = JSON::PP->new->canonical;

system('mkdir', '-p', $build);
open my $lock, '>', "$build/lock" or die "$build/lock: $!";
flock $lock, LOCK_EX or die $!;
if (!-d "$build/node_modules/wechatpay-axios-plugin") {
    system("cp t/gateway/package.json t/gateway/package-lock.json $build"
           . " && cd $build && npm ci --silent --no-audit --no-fund");
}
close $lock;
ok(-d "$build/node_modules/$_", "$_ is installed") or done_testing, exit 1
    for qw(wechatpay-axios-plugin stripe);

my $t = Faka::Test->new(gateway => 1);
my $dir = $t->secrets;

sub openssl {
    system('sh', '-c', "cd $dir && umask 077 && openssl $_[0] 2>/dev/null")
        == 0 or die "openssl $_[0]: $?";
}

for my $name (qw(own wechat platform)) {
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
            . " -out $name.key");
    openssl("pkey -in $name.key -pubout -out $name.pub");
}

my $serial = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';
openssl("req -x509 -new -key platform.key -subj /CN=t -days 30"
        . " -set_serial 0x$serial -out platform.crt");

my ($mchid, $app_id) = ('1900000001', 'wx0123456789abcdef');
my ($apiv3, $key_id) = ('0123456789abcdef0123456789abcdeF', 'PUB_KEY_ID_011');
my ($secret, $api_key) = ('whsec_4f8Kq2LmXw9RtYz0BnVc', 'sk_test_51abcDEFgh');
spew("$dir/apiv3.key", $apiv3, 0600);
spew("$dir/webhook.key", $secret, 0600);
spew("$dir/stripe.key", $api_key, 0600);

$t->gateway->{args} = [
    '--stripe-api-key-file', "$dir/stripe.key",
    '--stripe-webhook-secret-file', "$dir/webhook.key", '--stripe-notify-url',
    'http://127.0.0.1:' . $t->nginx->port . '/notify/stripe',
];
$t->nginx->{opt}{channels} = <<"EOT";
channel epay epay {
    url http://127.0.0.1:1; pid 1000; key_file $dir/epay.key;
}
channel wechat wechat {
    mchid $mchid; app_id $app_id; serial 1A2B3C4D;
    private_key_file $dir/own.key; key_file $dir/apiv3.key;
    public_key_file $dir/wechat.pub; public_key_id $key_id;
    certificate_file $dir/platform.crt;
}
channel stripe stripe {
    url @{[ $t->gateway->url =~ s{/\z}{}r ]};
    api_key_file $dir/stripe.key; key_file $dir/webhook.key;
}
EOT
$t->start;
$t->product('card', price => 990);
$t->import_cards('card', 10);


# ---- the SDKs

local $ENV{NODE_PATH} = "$build/node_modules";
my $node = open2(my $from, my $to, 'node', 't/gateway/signer.js');

# Ends with its input, before Perl waits for whatever else it has started.
END { if ($to) { local $?; close $to; waitpid $node, 0 } }

sub made {
    print $to $json->encode({ @_ }), "\n";
    $to->flush;
    return $json->decode(scalar <$from>);
}

my $unknown = '01J0000000000000000000000A';

sub wechat {
    my ($order, %more) = @_;

    my %plain = (mchid => $mchid, appid => $app_id, out_trade_no => $order,
        transaction_id => '4200001234', trade_type => 'NATIVE',
        trade_state => 'SUCCESS',
        amount => { total => 990, payer_total => 990, currency => 'CNY' },
        %{ delete $more{plain} || {} });

    return made(call => 'wechat', event_type => 'TRANSACTION.SUCCESS',
        plain => \%plain, apiv3 => $apiv3, key => "$dir/wechat.key",
        serial => $key_id, timestamp => time, %more);
}

sub stripe {
    my ($order, %more) = @_;

    my $type = delete $more{type} || 'checkout.session.completed';
    my %event = (id => 'evt_1', object => 'event', type => $type,
        livemode => JSON::PP::false, data => { object => {
            id => 'cs_test_1', object => 'checkout.session',
            livemode => JSON::PP::false, mode => 'payment',
            payment_status => 'paid', client_reference_id => $order,
            payment_intent => 'pi_1', amount_total => 990,
            currency => 'cny', %{ delete $more{session} || {} } } });

    return made(call => 'stripe', event => \%event, secret => $secret,
                timestamp => time, %more);
}

# Sent to a channel; %change are headers, undef takes one out.

sub sent {
    my ($channel, $notice, %change) = @_;

    my %headers = ('Content-Type' => 'application/json; charset=utf-8',
                   %{ $notice->{headers} }, %change);
    delete @headers{ grep { !defined $headers{$_} } keys %headers };
    return $t->http('POST', "/notify/$channel", body => $notice->{body},
                    headers => \%headers);
}

sub logged {
    my ($re, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($t->nginx->wait_log($re), "$name is in the log");
}

# The answer is the failure body of the channel, and the log says why.

sub refused {
    my ($name, $word, $channel, @rest) = @_;

    sleep 0.12;                        # ten lines a second, no more
    my %body = (wechat => '{"code":"FAIL","message":"refused"}',
                stripe => 'fail');
    my $answer = sent($channel, @rest);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($answer->status . ' ' . $answer->body, "400 $body{$channel}", $name);
    api_ok('POST', '/notify/{channel}', $answer, '  as it is described');
    logged(qr/\bchannel "$channel" was refused: $word/, "  $word");
}


# ---- proved, and of no order, or of another channel's

my $order = $t->checkout(sku => 'card')->json;
my %sign = (wechat => \&wechat, stripe => \&stripe);
my %said = (wechat => '{"code":"SUCCESS"}', stripe => 'success');

for my $channel (sort keys %sign) {
    my $answer = sent($channel, $sign{$channel}->($unknown));
    is($answer->status, 400, "$channel: of no order, it is refused");
    logged(qr/for order $unknown: refused: unknown_order/, '  with why');
    $answer = sent($channel, $sign{$channel}->($order->{order}));
    is($answer->status, 400, "$channel: for an order of another channel");
    logged(qr/for order $order->{order}: refused: wrong_channel/,
           '  with why');
}

is($t->order($order)->json->{status}, 'awaiting_payment',
   'which stays unpaid');

my $by_certificate = wechat($unknown, key => "$dir/platform.key",
                            serial => $serial);
is(sent('wechat', $by_certificate)->status, 400,
   'signed by the platform certificate');
logged(qr/payment 4200001234 of 990 CNY for order $unknown/, 'its payment');


# ---- proved, and no payment

my %not_paid = (
    wechat => [wechat($unknown, plain => { trade_state => 'NOTPAY' }),
               wechat($unknown, event_type => 'REFUND.ABNORMAL')],
    stripe => [stripe($unknown, type => 'customer.created'),
               stripe($unknown, session => { payment_status => 'unpaid' })],
);

for my $channel (sort keys %not_paid) {
    for my $notice (@{ $not_paid{$channel} }) {
        my $answer = sent($channel, $notice);
        is($answer->status . ' ' . $answer->body, "200 $said{$channel}",
           "$channel: what is no payment is acknowledged");
        api_ok('POST', '/notify/{channel}', $answer, '  as it is described');
    }
}


# ---- not proved

my $good = wechat($unknown);
refused('no signature', 'unsigned: wechatpay-signature', 'wechat', $good,
        'Wechatpay-Signature' => undef);
refused('with underscores', 'unsigned: wechatpay-nonce', 'wechat', $good,
        'Wechatpay-Nonce' => undef, 'Wechatpay_Nonce' => 'x');
refused('a probe', 'signature: wechatpay-signature', 'wechat', $good,
        'Wechatpay-Signature' => 'WECHATPAY/SIGNTEST/'
                                 . $good->{headers}{'Wechatpay-Signature'});
refused('by a certificate that is not ours', 'signature: wechatpay-serial',
        'wechat', $good, 'Wechatpay-Serial' => "7$serial");
refused('another body', 'signature: wechatpay-signature', 'wechat',
        { %$good, body => "$good->{body}\n" });
refused('sealed with another key', 'signature: ciphertext', 'wechat',
        wechat($unknown, apiv3 => 'F' . substr $apiv3, 1));
refused('of another merchant', 'not_ours: mchid', 'wechat',
        wechat($unknown, plain => { mchid => '1900000002' }));
refused('signed 310 s ago', 'stale: wechatpay-timestamp', 'wechat',
        wechat($unknown, timestamp => time - 310));

$good = stripe($unknown);
refused('no signature', 'unsigned: stripe-signature', 'stripe', $good,
        'Stripe-Signature' => undef);
refused('another body', 'signature: stripe-signature', 'stripe',
        { %$good, body => "$good->{body} " });
refused('by another secret', 'signature: stripe-signature', 'stripe',
        stripe($unknown, secret => 'whsec_another'));
refused('by a scheme of yesterday', 'unsigned: stripe-signature', 'stripe',
        { %$good, headers => { 'Stripe-Signature' =>
          $good->{headers}{'Stripe-Signature'} =~ s/v1=/v0=/r } });
refused('signed in 310 s', 'stale: stripe-signature', 'stripe',
        stripe($unknown, timestamp => time + 310));

refused('of real money', 'not_ours: livemode', 'stripe',
        stripe($unknown, session => { livemode => JSON::PP::true }));
refused('more headers than a gateway sends', 'headers', 'stripe', $good,
        map { ("X-Header-$_" => 'x') } 1 .. 64);


# ---- the same header twice; other types and methods

sub raw {
    my ($notice, @lines) = @_;

    return http_one({ port => $t->nginx->port, raw => join "\r\n",
        'POST /notify/stripe HTTP/1.1', 'Host: x', 'Connection: close',
        'Content-Length: ' . length $notice->{body}, @lines, '',
        $notice->{body} });
}

my $header = "Stripe-Signature: $good->{headers}{'Stripe-Signature'}";
my $type = 'Content-Type: application/json';
is(raw($good, $type, $header, $header)->status, 400,
   'one signature given twice is refused');
logged(qr/was refused: duplicate: stripe-signature/, '  duplicate');
is(raw($good, $type, uc($header =~ s/:.*//r) . ($header =~ s/[^:]*//r))
   ->status, 400, 'a name in upper case is read');

for my $other (undef, 'text/plain', 'application/x-www-form-urlencoded',
               'multipart/form-data', 'application/jsonp')
{
    my $answer = sent('wechat', wechat($unknown), 'Content-Type' => $other);
    is($answer->status, 415, 'as ' . ($other || 'no type') . ': 415');
    like($answer->body, qr{send application/json}, '  saying what to send');
}

is(sent('wechat', wechat($unknown), 'Content-Encoding' => 'gzip')->status,
   415, 'nothing is unpacked');
is($t->get('/notify/wechat')->status, 405, 'nor asked for by GET');


# ---- a checkout needs the gateway

my $answer = $t->checkout(sku => 'card', channel => 'wechat');
is($answer->status, 201, 'an order is made') or diag($answer->brief);
is($answer->json->{pay}{method}, 'pending',
   'without its gateway nobody knows where it is paid');


# ---- a session that is not the one that was begun for its order

for my $own (0, 1) {
    my $began = $t->checkout(sku => 'card', channel => 'stripe')->json;
    is($began->{pay}{method}, 'redirect', 'a session is begun');

    my $paid = $own
        ? $t->gateway->control("notify/$began->{order}",
                               { protocol => 'stripe' })->{answers}[0]{status}
        : sent('stripe', stripe($began->{order}, session =>
                                { id => 'cs_other',
                                  payment_intent => 'pi_77' }))->status;
    is($paid, 200, $own ? 'paid, it is acknowledged'
                        : 'so is another one that was paid');
    is($t->order($began)->json->{status},
       $own ? 'delivered' : 'under_review',
       $own ? 'and delivers' : 'and a person decides');
}

logged(qr/not of the payment that was begun for it, but of cs_other/,
       'the other session');

unlike($t->nginx->error_log, qr/$secret|$apiv3|$api_key|PRIVATE/,
       'no secret is in the log');

$t->audit_ok('after all of it');
