#!/usr/bin/perl

# Stripe Checkout at the practice gateway.  The judge is Stripe's own SDK: it
# makes the calls and checks the webhooks; openssl checks what it is lax in.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use FindBin;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;
use Sdk;

ok(sdk_path('stripe'), 'the SDK is installed') or done_testing, exit 1;

my $true = JSON::PP::true;
my ($api_key, $secret) = ('sk_test_PRACTICE', 'whsec_PRACTICE');
my %options = ('stripe-api-key-file' => spew('sk', "$api_key\n"),
    'stripe-webhook-secret-file' => spew('whsec', "$secret\n"),
    'stripe-notify-url' => "$shop/ok");
my $gw = start_gateway(%options, state => "$dir/state");
ok($port, 'started');

sub sdk_of { sdk('stripe', port => $port, key => $api_key, @_) }
sdk_of();

sub call { my $what = shift; sdk('stripe_call', what => $what, args => \@_) }

my $count = 0;
sub params {
    my %more = @_;
    my %price = (currency => delete $more{currency} // 'usd',
        unit_amount => delete $more{unit_amount} // 990,
        product_data => { name => delete $more{name} // 'VIP' });
    return { mode => 'payment', client_reference_id => 'S' . ++$count,
        success_url => "$shop/back?o=1", cancel_url => "$shop/no",
        line_items => [{ quantity => 1, price_data => \%price }], %more };
}

sub created {
    my $r = call('checkout.sessions.create', params(@_));
    die $r if !ref $r;
    return ($r->{client_reference_id}, $r->{id});
}

sub event {
    my ($n, $with) = @_;
    my ($header) = $n->[4] =~ /^Stripe-Signature: (.*?)\r$/m;
    utf8::decode(my $text = $n->[3]);
    return sdk('stripe_event', payload => $text, header => $header // '',
        secret => $with // $secret);
}

sub send5 {
    my ($o, %mode) = @_;
    notices();
    control("notify/$o", \%mode);
    return (notices())[0];
}

sub raw {
    my ($method, $path, $form, %header) = @_;
    return http($method, "/v1/$path", $form,
        Authorization => "Bearer $api_key", %header);
}


subtest 'a session' => sub {
    my $p = params(metadata => { a => 'b' }, expires_at => time + 1800);
    my $r = call('checkout.sessions.create', $p, { idempotencyKey => 'k1' });
    my $o = $p->{client_reference_id};
    my $t = trade($o);
    is($r->{url}, "http://127.0.0.1:$port/pay/$t->{trade_no}", 'url');
    like($r->{id}, qr/^cs_test_\w+$/, 'id');
    is_deeply([@$r{qw(object mode status payment_status amount_total currency
        client_reference_id payment_intent)}], ['checkout.session',
        'payment', 'open', 'unpaid', 990, 'usd', $o, undef], 'open');
    is_deeply([$r->{metadata}, $r->{expires_at}, !!$r->{livemode}],
        [{ a => 'b' }, $p->{expires_at}, !1], 'as asked for');
    is_deeply(call('checkout.sessions.create', $p,
        { idempotencyKey => 'k1' }), $r, 'the same key, the same reply');
    like(call('checkout.sessions.create', { %$p, mode => 'setup' },
        { idempotencyKey => 'k1' }), qr/same parameters/, 'idempotency');
    isnt(call('checkout.sessions.create', $p, { idempotencyKey => 'k2' })
        ->{id}, $r->{id}, 'another key, another session');
    is_deeply([@$t{qw(money currency)}], ['9.90', 'usd'], 'the book');

    my ($o2, $id) = created(name => "\x{4f1a}\x{5458}");
    my $page = http('GET', call('checkout.sessions.retrieve', $id)->{url}
        =~ s{^http://[^/]+}{}r);
    like($page->{body}, qr/USD 9\.90/, 'the cashier names the currency');
    my $back = http('POST', '/pay/' . trade($o2)->{trade_no} . '/confirm',
        '');
    like($back->{head}, qr{^Location: \Q$shop\E/back\?o=1\r$}m, 'back');
    $r = call('checkout.sessions.retrieve', $id);
    is_deeply([@$r{qw(status payment_status url)}], ['complete', 'paid',
        undef], 'paid');
    like($r->{payment_intent}, qr/^pi_/, 'with a payment');
    like(call('checkout.sessions.expire', $id), qr/can be expired/,
        'not to be expired');
    is(call('checkout.sessions.retrieve', (created(currency => 'jpy'))[1])
        ->{amount_total}, 990, 'yen');
    is(trade("S$count")->{money}, '990', 'have nothing smaller');
};


subtest 'what is refused' => sub {
    for my $bad ([mode => 'setup'], [unit_amount => 0], [unit_amount =>
        '9.9'], [unit_amount => -1], [currency => 'USD'], [currency => 'xxx'],
        [success_url => 'x'], [client_reference_id => 'a b'], [name => ''],
        [expires_at => time + 600], [expires_at => time + 90000],
        [nonsense => 1])
    {
        ok(!ref call('checkout.sessions.create', params(@$bad)),
            "no @$bad");
    }
    my $p = params();
    delete $p->{line_items};
    like(call('checkout.sessions.create', $p), qr/line_items/, 'no items');
    like(call('checkout.sessions.retrieve', 'cs_test_a1123'),
        qr/No such checkout.session/, 'no such session');
    sdk_of(key => 'sk_test_OTHER');
    like(call('checkout.sessions.create', params()), qr/Invalid API Key/,
        'another key');
    sdk_of();
    my $r = raw('POST', 'checkout/sessions', 'mode=payment&mode=payment');
    is($r->{status}, 400, 'a name twice');
    is(decode_json($r->{body})->{error}{type}, 'invalid_request_error',
        'its type');
    is(raw('POST', 'checkout/sessions', '{}', 'Content-Type' =>
        'application/json')->{status}, 400, 'JSON');
    is(raw('GET', 'checkout/sessions')->{status}, 405, 'GET');
    is(raw('GET', 'refunds?payment_intent=pi_31')->{status}, 404,
        'no such payment');
    is(raw('GET', 'checkout/sessions/cs_test_a1', undef, Authorization =>
        'Basic x')->{status}, 401, 'no key');
};


subtest 'webhooks' => sub {
    my ($o, $id) = created();
    notices();
    is(control("pay/$o")->{outcome}, 'acked', 'paid');
    my ($n) = notices();
    my $e = event($n);
    is_deeply([@$e{qw(type object)}, !!$e->{livemode}],
        ['checkout.session.completed', 'event', !1], 'the event');
    my $s = $e->{data}{object};
    is_deeply([@$s{qw(id client_reference_id amount_total currency mode
        payment_status status)}], [$id, $o, 990, 'usd', 'payment', 'paid',
        'complete'], 'the session');
    my ($t, $v1) = $n->[4] =~ /^Stripe-Signature: t=(\d+),v1=([0-9a-f]+)\r$/m;
    is($v1, hmac_sha256_hex("$t.$n->[3]", $secret), 'the bytes as they are');
    is(event(send5($o))->{id}, $e->{id}, 'a copy has the same id');
    ok(!ref event($n, 'whsec_OTHER'), 'the SDK does look');

    my $one = sub {
        my ($name, $value, %mode) = @_;
        my $s = event(send5($o, %mode));
        is_deeply($s->{data}{object}{$name}, $value, "@{[%mode]}");
    };
    $one->('amount_total', 1, wrong_amount => '1');
    $one->('amount_total', '990', wrong_amount => '"990"');
    $one->('currency', 'eur', currency => 'eur');
    $one->('id', 'cs_test_x', trade_no => 'cs_test_x');
    $one->('client_reference_id', 'X', other_order => 'X');
    $one->('payment_status', 'unpaid', payment_status => 'unpaid');
    $one->('mode', 'setup', session_mode => 'setup');
    $one->('livemode', $true, livemode => 'true');
    $one->('currency', undef, omit => ['currency']);
    $one->('u', '1', extra_signed_field => { u => '1' });
    ok(event(send5($o, livemode => 'true'))->{livemode}, 'of the event too');
    is(event(send5($o, event_type => 'x.y'))->{type}, 'x.y', 'event_type');

    my %lax = map { $_ => 1 } qw(several many with_v0 two_t);
    for my $how (qw(several many v0 with_v0 two_t no_t no_v1 spaces)) {
        my $n = send5($o, signature => $how);
        is(!!ref event($n), !!$lax{$how}, "signature $how");
    }
    my $n40 = send5($o, signature => 'many');
    is(scalar(() = $n40->[4] =~ /v1=/g), 40, 'many are 40');
    for my $how (qw(flip upper empty missing)) {
        ok(!ref event(send5($o, wrong_sign => $how)), "wrong_sign $how");
    }
    ok(!ref event(send5($o, timestamp_s => -301)), 'an old one');
    ($t) = send5($o, timestamp_s => 301)->[4] =~ /t=(\d+)/;
    cmp_ok($t, '>=', time + 300, 'one of the future');
    $n = send5($o, empty_key_sign => $true);
    ($t, $v1) = $n->[4] =~ /t=(\d+),v1=([0-9a-f]+)/;
    is($v1, hmac_sha256_hex("$t.$n->[3]", ''), 'empty_key_sign');
    ok(!ref event(send5($o, body => 'space')), 'body space');
};


subtest 'what takes time' => sub {
    my ($o, $id) = created();
    control('mode', { out_trade_no => $o, payment_status => 'unpaid' });
    notices();
    control("pay/$o");
    my $e = event((notices())[0]);
    is_deeply([$e->{type}, $e->{data}{object}{payment_status}],
        ['checkout.session.completed', 'unpaid'], 'completed, unpaid');
    my $r = call('checkout.sessions.retrieve', $id);
    is_deeply([@$r{qw(status payment_status)}], ['complete', 'unpaid'],
        'asked');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'paid once');
    is(http('POST', "/_test/expire/$o", '{}')->{status}, 409, 'no expiry');
    is(control("settle/$o")->{outcome}, 'acked', 'settled');
    $e = event((notices())[0]);
    is_deeply([$e->{type}, $e->{data}{object}{payment_status}],
        ['checkout.session.async_payment_succeeded', 'paid'], 'paid');
    is(http('POST', "/_test/settle/$o", '{}')->{status}, 409, 'once');
    is(event(send5($o))->{data}{object}{payment_status}, 'unpaid',
        'the first event stays what it was');
    is(event(send5($o, settlement => $true))->{type},
        'checkout.session.async_payment_succeeded', 'and so the second');

    ($o, $id) = created();
    control('mode', { out_trade_no => $o, payment_status => 'unpaid' });
    control("pay/$o");
    control('mode', { out_trade_no => $o, reorder => $true });
    control("settle/$o", { outcome => 'failed' });
    stop_gateway($gw, 'KILL');
    notices();
    $gw = start_gateway(%options, state => "$dir/state");
    sdk_of();
    sleep 0.02 while trade($o)->{settlement}{notice}{state} ne 'acked';
    is(event((notices())[0])->{type},
        'checkout.session.async_payment_failed', 'failed, over a restart');
    is(call('checkout.sessions.retrieve', $id)->{payment_status}, 'unpaid',
        'and unpaid');

    ($o, $id) = created();
    notices();
    is(call('checkout.sessions.expire', $id)->{status}, 'expired', 'expired');
    sleep 0.02 while trade($o)->{notice}{state} ne 'acked';
    is(event((notices())[0])->{type}, 'checkout.session.expired', 'told');
    ($o, $id) = created();
    is(control("expire/$o")->{outcome}, 'acked', 'expired by a test');
    is(call('checkout.sessions.retrieve', $id)->{status}, 'expired', 'so');
};


sub charge_of {
    my $id = shift;
    return call('checkout.sessions.retrieve', $id, { expand =>
        ['payment_intent.latest_charge'] })->{payment_intent}{latest_charge};
}


subtest 'objects in a session' => sub {
    my ($o, $id) = created(payment_intent_data =>
        { metadata => { order => 'm' } });
    my $with = sub { call('checkout.sessions.retrieve', $id,
        { expand => [@_] }) };
    is($with->('payment_intent')->{payment_intent}, undef, 'none yet');
    control('mode', { out_trade_no => $o, payment_status => 'unpaid' });
    control("pay/$o");
    my $p = $with->('payment_intent.latest_charge')->{payment_intent};
    is_deeply([@$p{qw(status latest_charge)}], ['processing', undef],
        'a payment that takes time has no charge');
    control("settle/$o");
    my $pi = call('checkout.sessions.retrieve', $id)->{payment_intent};
    like($pi, qr/^pi_/, 'an id, as long as nobody asks');

    $p = $with->('payment_intent')->{payment_intent};
    is_deeply([@$p{qw(id object amount currency status metadata)}], [$pi,
        'payment_intent', 990, 'usd', 'succeeded', { order => 'm' }],
        'the payment');
    like($p->{latest_charge}, qr/^ch_/, 'and the id of its charge');
    my $c = charge_of($id);
    is_deeply([@$c{qw(id object amount amount_refunded payment_intent)}],
        [$p->{latest_charge}, 'charge', 990, 0, $pi], 'the charge');

    call('refunds.create', { payment_intent => $pi, amount => 40 });
    $c = charge_of($id);
    is_deeply([$c->{amount_refunded}, !!$c->{refunded}], [40, !1],
        'knows what went back');
    $c = decode_json(raw('GET', "checkout/sessions/$id?expand%5B%5D=payment_"
        . 'intent.latest_charge')->{body})->{payment_intent}{latest_charge};
    is($c->{amount_refunded}, 40, 'brackets without a number');
    like($with->('line_items'), qr/cannot be expanded/, 'nothing else');
};


subtest 'refunds' => sub {
    my ($o, $id) = created(unit_amount => 1000, metadata => { a => 'b' },
        payment_intent_data => { metadata => { order => 'm' } });
    control("pay/$o");
    my $pi = call('checkout.sessions.retrieve', $id)->{payment_intent};
    notices();
    my @args = ({ payment_intent => $pi, amount => 400, metadata =>
        { refund => 'r1' } }, { idempotencyKey => 'r1' });
    my $r = call('refunds.create', @args);
    is_deeply([@$r{qw(object amount currency status payment_intent)},
        $r->{metadata}{refund}], ['refund', 400, 'usd', 'succeeded', $pi,
        'r1'], 'given back');
    is_deeply(call('refunds.create', @args), $r, 'once');
    like(call('refunds.create', { payment_intent => $pi, amount => 601 }),
        qr/greater than/, 'not more than there is');
    sleep 0.02 while trade($o)->{refunds}[0]{notice}{state} ne 'acked';
    my ($n) = notices();
    my $e = event($n);
    my $c = $e->{data}{object};
    is_deeply([$e->{type}, @$c{qw(object amount amount_refunded
        payment_intent)}, !!$c->{refunded}],
        ['charge.refunded', 'charge', 1000, 400, $pi, !1], 'told');
    is_deeply($c->{metadata}, { order => 'm' }, 'with what the payment has');
    control('mode', { out_trade_no => $o, refund_status => 'pending' });
    is(call('refunds.create', { payment_intent => $pi })->{status},
        'pending', 'the rest, later');
    control('mode', { out_trade_no => $o });
    my $list = call('refunds.list', { payment_intent => $pi });
    is_deeply([map { [@$_{qw(amount status)}] } @{ $list->{data} }],
        [[600, 'succeeded'], [400, 'succeeded']], 'the list');
    like(call('refunds.create', { payment_intent => $pi }),
        qr/already been refunded/, 'nothing left');
    is(charge_of($id)->{amount_refunded}, 1000, 'the charge says so');
    stop_gateway($gw, 'TERM');
    $gw = start_gateway(%options, state => "$dir/state",
        'stripe-livemode' => 'true');
    sdk_of();
    is_deeply(call('refunds.create', @args), $r, 'over a restart');
    like((created())[1], qr/^cs_live_/, 'livemode');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
};

done_testing();
