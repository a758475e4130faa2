#!/usr/bin/perl

# Alipay at the practice gateway.  The judges are alipay-sdk, which signs the
# requests and checks notices and replies, and the openssl command, where the
# SDK accepts more than a shop may.

use strict;
use warnings;

use FindBin;
use JSON::PP;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;
use Sdk;

ok(sdk_path('alipay-sdk'), 'alipay-sdk is installed')
    or done_testing, exit 1;

rsa_keys($_) for 'app', 'alipay', 'other';
my ($app, $seller) = ('2021000000000001', '2088000000000099');
my %options = ('alipay-app-id' => $app, 'alipay-seller-id' => $seller,
    'alipay-private-key' => bare('alipay.key'),
    'alipay-app-public-key' => bare('app.pub'));
my $gw = start_gateway(%options, state => "$dir/state");
ok($port, 'started');
my $true = JSON::PP::true;


# ---- the SDK

sub sdk_of {
    sdk('setup', gateway => "http://127.0.0.1:$port/gateway.do",
        appId => $app, key => "$dir/app.key", alipay => "$dir/alipay.pub", @_);
}
sdk_of();

my $serial = 0;
sub biz {
    return { out_trade_no => 'A' . ++$serial, total_amount => '9.90',
        subject => 'VIP', product_code => 'FAST_INSTANT_TRADE_PAY', @_ };
}

# What the SDK has a browser send: method, path, body, biz_content's number.
sub request {
    my ($verb, $biz, %params) = @_;
    my $made = sdk('page', method => $params{method} //
        'alipay.trade.page.pay', verb => $verb, params => {
        notifyUrl => $params{notify_url} // "$shop/ok",
        returnUrl => "$shop/back?x=1", bizContent => $biz });
    if ($verb eq 'GET') {
        return ('GET', $made =~ s{^http://[^/]+}{}r);
    }
    utf8::encode($made);
    my %in = $made =~ /name="(.*?)" value="(.*?)"/g;
    s/&quot;/"/g, s/&amp;/&/g for values %in;
    my ($action) = $made =~ m{action="http://[^/]+(.*?)"};
    return ('POST', $action =~ s/&amp;/&/gr, form(%in));
}

sub opened3 {
    my $biz = biz(@_);
    my %extra = map { ($_, delete $biz->{$_}) }
        grep { exists $biz->{$_} } qw(notify_url method);
    my $r = http(request('GET', $biz, %extra));
    die "open: $r->{body}" if $r->{status} != 302;
    return $biz->{out_trade_no};
}

sub call3 {
    my ($method, %biz) = @_;
    return sdk('exec', method => "alipay.trade.$method",
        params => { bizContent => \%biz });
}


# ---- strings of our own

sub notice_text { my %f = @_; delete @f{qw(sign sign_type)}; by_name(%f) }

sub is_signed3 {
    my ($f, $name) = @_;
    ok(rsa_verify(notice_text(%$f), $f->{sign}, 'alipay'), $name);
}

# The SDK's fields are text, ours are bytes.
sub sdk_takes {
    my %f = %{ shift() };
    utf8::decode($_) for values %f;
    return sdk('notice', fields => \%f);
}

sub now { strftime('%Y-%m-%d %H:%M:%S', gmtime(time + 28800 + (shift // 0))) }

sub raw {
    my ($biz, %f) = @_;
    %f = (app_id => $app, method => 'alipay.trade.page.pay',
        charset => 'utf-8', sign_type => 'RSA2', version => '1.0',
        timestamp => now(), notify_url => "$shop/ok", biz_content =>
        ref $biz ? JSON::PP->new->utf8->encode($biz) : $biz, %f);
    $f{sign} //= rsa_sign(by_name(map { ($_, $f{$_}) }
        grep { ($f{$_} // '') ne '' } keys %f), 'app');
    return form(%f);
}

sub send3 {
    my ($o, %mode) = @_;
    notices();
    control("notify/$o", \%mode);
    return map { $_->[2] } notices();
}

# Notices that nobody waits for.
sub arrived {
    my $wanted = shift;
    my @all;
    for (1 .. 250) {
        push @all, notices();
        last if @all >= $wanted;
        sleep 0.02;
    }
    return map { $_->[2] } @all;
}


subtest 'pages' => sub {
    for my $verb (qw(GET POST)) {
        my $biz = biz(subject => "\x{4f1a}\x{5458} & +/",
            total_amount => '0.01');
        my $r = http(request($verb, $biz));
        is($r->{status}, 302, "the SDK by $verb");
        like(http('GET', $r->{head} =~ /^Location: (\S+)/m)->{body},
            qr{0\.01.*\xe4\xbc\x9a\xe5\x91\x98 &amp; \+/}s, 'cashier');
    }
    ok(opened3(method => 'alipay.trade.wap.pay',
        product_code => 'QUICK_WAP_WAY'), 'wap');
    my $o = opened3();
    is(http(request('GET', biz(out_trade_no => $o)))->{status}, 302,
        'the same again');
    is(http(request('GET', biz(out_trade_no => $o, total_amount => '1.00')))
        ->{status}, 200, 'not for other money');
    unlike(http('GET', '/pay/' . trade(opened3(subject => '<script>'))
        ->{trade_no})->{body}, qr/<script/, 'no markup from a subject');

    my $page = sub { http('GET', '/gateway.do?' . shift) };
    is($page->(raw(biz()))->{status}, 302, 'by hand');
    my $refused = sub {
        my ($name, $query) = @_;
        my $r = $page->($query);
        is($r->{status}, 200, $name);
        like($r->{body}, qr/id="error"/, "$name: says why");
    };
    my %bad = (app_id => '2021000000000002', sign_type => 'RSA',
        charset => 'gbk', version => '2.0', timestamp => 'x',
        notify_url => '', sign => 'x');
    $refused->("$_ '$bad{$_}'", raw(biz(), $_ => $bad{$_}))
        for sort keys %bad;
    $refused->('the time of another zone', raw(biz(), timestamp => now($_)))
        for -8 * 3600, 3700;
    $refused->('changed', raw(biz()) =~ s/VIP/VIQ/r);
    my %f = parse(raw(biz()));
    delete @f{qw(sign sign_type)};
    $refused->('sign_type left out of the string', form(%f,
        sign_type => 'RSA2', sign => rsa_sign(by_name(%f), 'app')));
    is(http('POST', '/gateway.do', raw(biz()))->{status}, 200,
        'charset must be in the URL');
    for my $bad ([total_amount => 9.9], [total_amount => '9.9'],
        [total_amount => '0.00'], [total_amount => '1e1'], [subject => ''],
        [subject => 'x' x 257], [out_trade_no => 'a b'],
        [out_trade_no => 'a' x 65], [out_trade_no => 5],
        [product_code => 'X'], [timeout_express => '0m'],
        [timeout_express => '16d'], [time_expire => now(-5)],
        [time_expire => 'x'], [passback_params => {}])
    {
        $refused->(join(' ', @$bad), raw(biz(@$bad)));
    }
    $refused->("biz_content $_", raw($_)) for '{', '[]', 'null', '5', '';
};


subtest 'the walk of a buyer' => sub {
    my $biz = biz(subject => "\x{4f1a} a+b", passback_params => 'p%3D1');
    my $o = $biz->{out_trade_no};
    my $r = http(request('POST', $biz));
    notices();
    $r = http('POST', ($r->{head} =~ /^Location: (\S+)/m)[0] . '/confirm');
    my ($n) = notices();
    my ($method, undef, $f) = @$n;
    is($method, 'POST', 'notice by POST');
    is_signed3($f, 'signed');
    is(sdk_takes($f), $true, 'the SDK takes it');
    is(sdk_takes({ %$f, total_amount => '9.91' }), JSON::PP::false,
        'and not with other money');
    my $t = trade($o);
    my %says = (app_id => $app, seller_id => $seller, out_trade_no => $o,
        trade_no => $t->{trade_no}, trade_status => 'TRADE_SUCCESS',
        notify_type => 'trade_status_sync', total_amount => '9.90',
        receipt_amount => '9.90', buyer_pay_amount => '9.90',
        invoice_amount => '9.90', point_amount => '0.00', version => '1.0',
        charset => 'utf-8', sign_type => 'RSA2', auth_app_id => $app,
        subject => "\xe4\xbc\x9a a+b", passback_params => 'p%3D1',
        fund_bill_list =>
            '[{"amount":"9.90","fundChannel":"ALIPAYACCOUNT"}]');
    is($f->{$_}, $says{$_}, $_) for sort keys %says;
    ok($f->{$_}, $_) for qw(notify_id buyer_id buyer_logon_id);
    like($f->{$_}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, $_)
        for qw(notify_time gmt_create gmt_payment);
    ok(!exists $f->{$_}, "no $_") for qw(gmt_refund refund_fee out_biz_no);
    is($t->{notice}{state}, 'acked', 'acknowledged');

    my ($back) = $r->{head} =~ m{^Location: \Q$shop\E/back\?x=1&(\S+)}m;
    my %b = parse($back);
    is_signed3(\%b, 'return_url signed');
    is(sdk_takes(\%b), $true, 'the SDK takes it');
    is_deeply([@b{qw(out_trade_no trade_status total_amount app_id)}],
        [$o, undef, '9.90', $app], 'and it has no status');

    $o = opened3(notify_url => "$shop/say/success");
    is(control("pay/$o")->{outcome}, 'refused', 'status 500 is no answer');
    is(settled($o)->{notice}{state}, 'given_up', 'however often');
    my @sent = arrived(4);
    is_signed3($sent[3], 'a retry is signed');
    is($sent[3]{notify_id}, $sent[0]{notify_id}, 'and has its notify_id');
    my $judge = `node -e 'const { Alipay } = require("$folder/alipay.js");
        console.log(["success", "success\\n", "SUCCESS", "ok", "successful"]
            .map((body) => Alipay.prototype.acknowledged(
                { status: 200, body })).join())'`;
    is($judge, "true,false,false,false,false\n", 'seven bytes, no other');
};


subtest 'switches' => sub {
    my $o = opened3();
    my $one = sub {
        my ($field, $value, %mode) = @_;
        my ($f) = send3($o, %mode);
        is($f->{$field}, $value, join ' ', %mode);
        is_signed3($f, "$field signed");
        return $f;
    };
    $one->('total_amount', '9.89', wrong_amount => '9.89');
    $one->('total_amount', '9.9000', money_format => '1.0000');
    $one->('app_id', '2021000000000002', wrong_pid => $true);
    $one->('app_id', '5', wrong_pid => '5');
    $one->('seller_id', '5', seller_id => '5');
    $one->('seller_id', undef, omit => ['seller_id']);
    $one->('trade_status', $_, status => $_)
        for qw(WAIT_BUYER_PAY TRADE_CLOSED TRADE_FINISHED);
    $one->('out_trade_no', 'X', other_order => 'X');
    $one->('trade_no', '1', trade_no => '1');
    $one->('subject', 'x', name => 'x');
    $one->('refund_fee', '1.00', refund_fee => '1.00');
    $one->('gmt_refund', now(), gmt_refund => now());
    $one->('sign_type', 'rsa2', sign_type => 'rsa2');
    is(sdk_takes($one->('e', '', extra_signed_field => { e => '' })), $true,
        'an empty value is signed');

    my ($f) = send3($o, notify_type => 'servicemarket_order_notify');
    is($f->{notify_type}, 'servicemarket_order_notify', 'service market');
    my %with = %$f;
    delete $with{sign};
    ok(rsa_verify(by_name(%with), $f->{sign}, 'alipay'),
        'signed with sign_type');
    is(sdk_takes($f), $true, 'the SDK takes it');
    ($f) = send3($o, sign_type_signed => $true);
    ok(!rsa_verify(notice_text(%$f), $f->{sign}, 'alipay'),
        'sign_type_signed');
    is(sdk_takes($f), $true, 'the SDK takes that, too');
    ($f) = send3($o, algorithm => 'SHA1');
    is($f->{sign_type}, 'RSA', 'algorithm SHA1');
    ok(rsa_verify(notice_text(%$f), $f->{sign}, 'alipay', 'sha1'), 'signed');
    is(sdk_takes($f), $true, 'the SDK takes it');
    for my $how (qw(flip upper empty missing)) {
        ($f) = send3($o, wrong_sign => $how);
        is(sdk_takes($f), JSON::PP::false, "wrong_sign $how");
    }
    ($f) = send3($o, extra_unsigned_field => { u => '1' });
    is(sdk_takes($f), JSON::PP::false, 'extra_unsigned_field');
    ($f) = send3($o, reflect => $true);
    ok(rsa_verify(do { my %r = %$f; delete $r{sign}; by_name(%r) },
        $f->{sign}, 'app'), 'reflect: our own request');
    is(sdk_takes($f), JSON::PP::false, 'under the wrong key');
    ($f) = send3($o, timestamp_s => -86400);
    like($f->{notify_time}, qr/^\Q${\ substr now(-86400), 0, 10 }\E/,
        'timestamp_s');
    is(scalar(my @d = send3($o, duplicate => 5)), 5, 'duplicate');
    notices();
    control("notify/$o", { method => 'GET' });
    is((notices())[0][0], 'GET', 'method');
};


subtest 'calls' => sub {
    my $o = opened3(total_amount => '10.00');
    my $r = call3('query', out_trade_no => $o);
    is_deeply([@$r{qw(code tradeStatus totalAmount outTradeNo)}],
        ['10000', 'WAIT_BUYER_PAY', '10.00', $o], 'query: unpaid');
    is(call3('refund', out_trade_no => $o, refund_amount => '1.00')
        ->{subCode}, 'ACQ.TRADE_STATUS_ERROR', 'nothing to refund');
    control("pay/$o");
    $r = call3('query', trade_no => trade($o)->{trade_no});
    is_deeply([@$r{qw(tradeStatus outTradeNo)}], ['TRADE_SUCCESS', $o],
        'paid');
    is(call3('query', out_trade_no => 'none')->{subCode},
        'ACQ.TRADE_NOT_EXIST', 'none');

    my $refund = sub { call3('refund', out_trade_no => $o, @_) };
    notices();
    $r = $refund->(refund_amount => '4.00', out_request_no => 'R1');
    is_deeply([@$r{qw(code fundChange refundFee)}], ['10000', 'Y', '4.00'],
        'refund');
    my ($f) = arrived(1);
    is_signed3($f, 'and its notice');
    is_deeply([@$f{qw(trade_status refund_fee out_biz_no total_amount)}],
        ['TRADE_SUCCESS', '4.00', 'R1', '10.00'], 'of a part');
    ok($f->{gmt_refund} && $f->{gmt_payment}, 'with its time');
    $r = $refund->(refund_amount => '4.00', out_request_no => 'R1');
    is_deeply([@$r{qw(code fundChange refundFee)}], ['10000', 'N', '4.00'],
        'once');
    is($refund->(refund_amount => '5.00', out_request_no => 'R1')->{subCode},
        'ACQ.DISCORDANT_REPEAT_REQUEST', 'other money under the number');
    is($refund->(refund_amount => '6.01', out_request_no => 'R2')->{subCode},
        'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL', 'more than is left');
    is($refund->(refund_amount => 1)->{subCode}, 'ACQ.INVALID_PARAMETER',
        'an amount that is no text');
    is($refund->(refund_amount => '6.00', out_request_no => 'R2')
        ->{refundFee}, '10.00', 'the rest');
    ($f) = arrived(1);
    is_signed3($f, 'notice');
    is_deeply([@$f{qw(trade_status refund_fee out_biz_no)}],
        ['TRADE_CLOSED', '10.00', 'R2'], 'of the whole');
    $r = call3('fastpay.refund.query', out_trade_no => $o,
        out_request_no => 'R1');
    is_deeply([@$r{qw(refundStatus refundAmount)}],
        ['REFUND_SUCCESS', '4.00'], 'refund query');
    is(call3('fastpay.refund.query', out_trade_no => $o,
        out_request_no => 'R9')->{refundStatus}, undef, 'of none');
    is(call3('query', out_trade_no => $o)->{tradeStatus}, 'TRADE_CLOSED',
        'closed');
    my ($paid) = send3($o);
    is($paid->{trade_status}, 'TRADE_SUCCESS', 'the payment, sent again');
    my ($part) = send3($o, refund => 1);
    is_deeply([@$part{qw(trade_status out_biz_no)}], ['TRADE_SUCCESS', 'R1'],
        'a refund, sent again');
    is_deeply([map { $_->{notice}{state} } @{ trade($o)->{refunds} }],
        [('acked') x 2], 'each acknowledged');

    $o = opened3();
    notices();
    is(call3('close', out_trade_no => $o)->{code}, '10000', 'close');
    ($f) = arrived(1);
    is_signed3($f, 'notice');
    is_deeply([@$f{qw(trade_status gmt_payment gmt_refund)}],
        ['TRADE_CLOSED', undef, undef], 'of closing');
    is(call3('close', out_trade_no => $o)->{subCode},
        'ACQ.TRADE_STATUS_ERROR', 'once');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'unpayable');
    is(http('GET', '/gateway.do?' . raw(biz(out_trade_no => $o)))->{status},
        200, 'for good');

    my $biz = biz();
    delete $biz->{product_code};
    $r = sdk('exec', method => 'alipay.trade.precreate', params =>
        { notifyUrl => "$shop/ok", bizContent => $biz });
    is($r->{qrCode}, "http://127.0.0.1:$port/pay/"
        . trade($biz->{out_trade_no})->{trade_no}, 'precreate');

    my $answer = http('POST', '/gateway.do?charset=utf-8',
        raw({ out_trade_no => $o }, method => 'alipay.trade.query'))->{body};
    my ($inner, $sign) =
        $answer =~ /^\{"alipay_trade_query_response":(.*),"sign":"(.*)"\}$/s;
    ok(rsa_verify($inner, $sign, 'alipay'), 'signed as it stands');
    for my $bad ([raw({}, method => 'alipay.trade.nonsense'),
        'isv.invalid-method'], [raw({}, method => 'alipay.trade.query',
        sign => 'x'), 'isv.invalid-signature'])
    {
        $r = decode_json(http('POST', '/gateway.do?charset=utf-8',
            $bad->[0])->{body});
        is($r->{error_response}{sub_code}, $bad->[1], $bad->[1]);
        ok(!exists $r->{sign}, 'is unsigned');
    }
    sdk_of(alipay => "$dir/other.pub");
    ok(!ref call3('query', out_trade_no => $o),
        'the SDK does look at the signature');
    sdk_of();
};


subtest 'time runs out' => sub {
    notices();
    my $o = opened3(time_expire => now(3));
    my ($f) = arrived(1);
    is_signed3($f, 'notice');
    is_deeply([@$f{qw(out_trade_no trade_status gmt_payment)}],
        [$o, 'TRADE_CLOSED', undef], 'of a timeout');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'unpayable');
    $o = opened3(time_expire => now(3));
    stop_gateway($gw, 'KILL');
    $gw = start_gateway(%options, state => "$dir/state");
    ($f) = arrived(1);
    is($f->{out_trade_no}, $o, 'also over a restart');
    ok(opened3(timeout_express => $_), $_) for qw(5m 2h 15d);
};


subtest 'out of order' => sub {
    my $o = opened3(total_amount => '10.00');
    control('mode', { out_trade_no => $o, reorder => $true });
    control("pay/$o");
    sdk_of();
    call3('refund', out_trade_no => $o, refund_amount => '10.00');
    notices();
    control('release');
    is_deeply([map { $_->[2]{trade_status} } notices()],
        [qw(TRADE_CLOSED TRADE_SUCCESS)], 'the refund before the payment');
    my $t = trade($o);
    is_deeply([$t->{notice}{state}, $t->{refunds}[0]{notice}{state}],
        [('acked') x 2], 'both acknowledged');

    $o = opened3(total_amount => '10.00', notify_url => "$shop/fail4");
    control('mode', { out_trade_no => $o, reorder => $true });
    control("pay/$o");
    call3('refund', out_trade_no => $o, refund_amount => '10.00');
    notices();
    stop_gateway($gw, 'KILL');
    $gw = start_gateway(%options, state => "$dir/state");
    is(scalar(my @n = arrived(6)), 6, 'both were owed after a restart');
    settled($o);
    sleep 0.02 while trade($o)->{refunds}[0]{notice}{state} eq 'pending';
    $t = trade($o);
    is($t->{notice}{tries} + $t->{refunds}[0]{notice}{tries}, 6,
        'each with tries of its own');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
};

done_testing();
