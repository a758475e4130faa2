#!/usr/bin/perl

# WeChat Pay APIv3 at the practice gateway.  The judges are the SDK
# wechatpay-axios-plugin, which signs the calls and checks replies and
# notices, and the openssl command.

use strict;
use warnings;

use FindBin;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;
use Sdk;

ok(sdk_path('wechatpay-axios-plugin'), 'the SDK is installed')
    or done_testing, exit 1;

rsa_keys($_) for 'merchant', 'platform', 'second', 'other';
my $true = JSON::PP::true;
my $api_key = '0123456789abcdef0123456789ABCDEF';
my ($mchid, $appid) = ('1900000109', 'wxd678efh567hg6787');
my ($own, $serial, $id) = ('5157F09EFDC096DE15EBE81A47057A72',
    '7132D72A03E93CDDF8C03BBD1F37EEDF', 'PUB_KEY_ID_0119000001092026');
my %options = ('wechat-mchid' => $mchid, 'wechat-appid' => $appid,
    'wechat-apiv3-key-file' => spew('apiv3', "$api_key\n"),
    'wechat-private-key' => "$dir/platform.key", 'wechat-serial' => $serial,
    'wechat-merchant-public-key' => "$dir/merchant.pub",
    'wechat-merchant-serial' => $own, 'wechat-public-key-id' => $id,
    'wechat-public-key-private' => bare('second.key'));
my $gw = start_gateway(%options, state => "$dir/state");
ok($port, 'started');


# ---- calls

sub sdk_of {
    sdk('wechat', gateway => "http://127.0.0.1:$port/", mchid => $mchid,
        serial => $own, key => "$dir/merchant.key",
        certs => { $serial => "$dir/platform.pub", $id => "$dir/second.pub" },
        @_);
}
sdk_of();

sub call {
    my ($method, $path, $json, %headers) = @_;
    return sdk('wechat_call', method => $method, path => "/v3/$path",
        json => $json, headers => \%headers);
}

my $count = 0;
sub biz {
    my %more = @_;
    return { appid => $appid, mchid => $mchid, description => 'VIP',
        out_trade_no => sprintf('W%07d', ++$count),
        notify_url => "$shop/ok", amount => { total => delete $more{total} //
        990, currency => 'CNY' }, %more };
}

sub opened4 {
    my $biz = biz(@_);
    my $r = call('POST', 'pay/transactions/native', $biz);
    die encode_json($r) if $r->{status} != 200;
    return $biz->{out_trade_no};
}

sub query { call('GET', "pay/transactions/out-trade-no/$_[0]?mchid=$mchid") }

sub is_refused {
    my ($r, $status, $code, $name) = @_;
    is_deeply([$r->{status}, $r->{data}{code}], [$status, $code], $name)
        or diag(encode_json($r));
}


# ---- what WeChat signs

sub header { my ($head, $name) = @_; my @all = $head =~ /^$name: (.*?)\r$/gmi;
    return @all == 1 ? $all[0] : undef }

sub signed_by {
    my ($head, $body, $key) = @_;
    my $text = join "\n", map({ header($head, "Wechatpay-$_") // '' }
        qw(Timestamp Nonce)), $body, '';
    return rsa_verify($text, header($head, 'Wechatpay-Signature'), $key);
}

sub inner {
    my $n = shift;
    return sdk('wechat_decrypt', key => $api_key,
        resource => decode_json($n->[3])->{resource});
}

sub send4 {
    my ($o, %mode) = @_;
    notices();
    control("notify/$o", \%mode);
    return (notices())[0];
}

# An Authorization header by hand.
sub authorized {
    my ($method, $path, $body, %f) = @_;
    %f = (mchid => $mchid, serial_no => $own, timestamp => time,
        nonce_str => 'N' . int(rand 1e9), %f);
    $f{signature} //= rsa_sign(join("\n", $method, $path, @f{qw(timestamp
        nonce_str)}, $body, ''), delete $f{key} // 'merchant');
    return (Accept => 'application/json', 'User-Agent' => 'test',
        Authorization => 'WECHATPAY2-SHA256-RSA2048 '
        . join(',', map { qq($_="$f{$_}") } sort keys %f));
}

sub raw {
    my ($body, %f) = @_;
    my $path = '/v3/pay/transactions/native';
    return http('POST', $path, $body, 'Content-Type' => 'application/json',
        authorized('POST', $path, $body, %f));
}


subtest 'an order' => sub {
    my $biz = biz(attach => 'a & b', description => "\x{4f1a}\x{5458}");
    my $r = call('POST', 'pay/transactions/native', $biz);
    is($r->{status}, 200, 'opened');
    my $t = trade($biz->{out_trade_no});
    is($r->{data}{code_url}, "http://127.0.0.1:$port/pay/$t->{trade_no}",
        'its code is the cashier');
    is_deeply([@$t{qw(protocol money name)}],
        ['wechat', '9.90', "\x{4f1a}\x{5458}"], 'in the book');
    is_deeply(call('POST', 'pay/transactions/native', $biz), $r,
        'the same again');
    my $new = 'pay/transactions/native';
    is_refused(call('POST', $new, { %$biz, amount => { total => 991 } }),
        403, 'OUT_TRADE_NO_USED', 'other money');
    is_refused(call('POST', $new, { %$biz, description => 'x' }),
        403, 'OUT_TRADE_NO_USED', 'other words');

    my $o = $biz->{out_trade_no};
    $r = query($o)->{data};
    is_deeply([@$r{qw(trade_state transaction_id out_trade_no attach)}],
        ['NOTPAY', undef, $o, 'a & b'], 'query: unpaid');
    control("pay/$o");
    $r = query($o)->{data};
    is_deeply([@$r{qw(trade_state transaction_id trade_type mchid appid)}],
        ['SUCCESS', $t->{trade_no}, 'NATIVE', $mchid, $appid], 'paid');
    is_deeply($r->{amount}, { total => 990, payer_total => 990,
        currency => 'CNY', payer_currency => 'CNY' }, 'its amount');
    like($r->{success_time}, qr/^20\S+T\S+\+08:00$/, 'its time');
    is_refused(call('POST', $new, $biz), 400, 'ORDERPAID', 'paid is paid');
    is_refused(call('POST', "pay/transactions/out-trade-no/$o/close",
        { mchid => $mchid }), 400, 'ORDERPAID', 'and not to be closed');
    is_refused(query('NONESUCH'), 404, 'ORDER_NOT_EXIST', 'no such order');

    $o = opened4(out_trade_no => 'a|b*c-_1');
    is(query('a%7Cb*c-_1')->{data}{out_trade_no}, $o, 'an escaped number');
    my $close = sub { call('POST', "pay/transactions/out-trade-no/$o/close",
        { mchid => $mchid }) };
    $o = opened4();
    is_deeply($close->(), { status => 204, data => '' }, 'closed');
    is($close->()->{status}, 204, 'again');
    is(query($o)->{data}{trade_state}, 'CLOSED', 'query: closed');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'unpayable');
    is_refused(call('POST', $new, biz(out_trade_no => $o)), 400,
        'ORDER_CLOSED', 'nor to be opened again');
    is(trade($o)->{notice}{state}, 'none', 'nobody is told of that');

    $o = opened4(time_expire => strftime('%Y-%m-%dT%H:%M:%S+00:00',
        gmtime(time + 2)));
    sleep 2.2;
    is(query($o)->{data}{trade_state}, 'CLOSED', 'time_expire');
};


subtest 'what is refused' => sub {
    my $json = JSON::PP->new->utf8->canonical;
    for my $bad (['mchid', '1900000110'], ['out_trade_no', 'short'],
        ['out_trade_no', 'x' x 33], ['out_trade_no', 'a b c d'],
        ['out_trade_no', 1234567], ['notify_url', "$shop/ok?a=1"],
        ['notify_url', 'ftp://x/'], ['notify_url', undef],
        ['description', ''], ['description', 'x' x 128],
        ['amount', undef], ['amount', []], ['amount', { total => '990' }],
        ['amount', { total => 0 }], ['amount', { total => -1 }],
        ['amount', { total => 1, currency => 'USD' }],
        ['amount', { total => 1, extra => 1 }],
        ['time_expire', '2000-01-01T00:00:00+08:00'],
        ['time_expire', 'tomorrow'], ['attach', 'x' x 129], ['extra', 'x'])
    {
        is_refused(call('POST', 'pay/transactions/native',
            biz(@$bad)), 400, 'PARAM_ERROR',
            "$bad->[0] " . JSON::PP->new->allow_nonref->encode($bad->[1]));
    }
    is_refused(call('POST', 'pay/transactions/native', biz(appid => 'wx1')),
        400, 'APPID_MCHID_NOT_MATCH', 'appid');
    for my $text ($json->encode(biz()) =~ s/990/990.0/r,
        $json->encode(biz()) =~ s/990/1e3/r, '[]', 'null', '{', '')
    {
        my $r = raw($text);
        is($r->{status}, 400, "no $text");
        ok(signed_by($r->{head}, $r->{body}, 'platform'), 'signed');
    }

    my $text = $json->encode(biz());
    is(raw($text)->{status}, 200, 'a header by hand');
    is(raw($text, timestamp => time - 298)->{status}, 200, 'an old one');
    for my $bad ([timestamp => time - 303], [timestamp => time + 303],
        [timestamp => 'x'], [mchid => '1900000110'], [serial_no => $serial],
        [nonce_str => ''], [nonce_str => 'a-b'], [key => 'other'],
        [signature => 'AAAA'], [extra => '1'])
    {
        my $r = raw($text, @$bad);
        is($r->{status}, 401, "no @$bad");
        is(decode_json($r->{body})->{code}, 'SIGN_ERROR', 'SIGN_ERROR');
        ok(signed_by($r->{head}, $r->{body}, 'platform'), 'signed');
    }
    my $path = '/v3/pay/transactions/native';
    my %h = (authorized('POST', $path, $text),
        'Content-Type' => 'application/json');
    is(http('POST', $path, "$text\n", %h)->{status}, 401, 'another body');
    is(http('POST', "$path?a=1", $text, %h)->{status}, 401, 'another path');
    is(http('GET', $path, undef, %h)->{status}, 405, 'another method');
    is(http('POST', $path, $text, %h, 'Content-Type' => 'text/plain')
        ->{status}, 415, 'another type');
    is(http('POST', $path, $text, %h, 'Wechatpay-Serial' => 'X')->{status},
        400, 'a key that is not there');
    delete $h{Accept};
    is(http('POST', $path, $text, %h)->{status}, 400, 'no Accept');
    is(http('POST', $path, $text)->{status}, 400, 'nothing');
    ok($h{Authorization} =~ s/,/,mchid="$mchid",/, 'mchid twice');
    is(http('POST', $path, $text, %h, Accept => '*/*')->{status}, 401, 'no');
};


subtest 'who signs' => sub {
    my $o = opened4();
    my $path = "/v3/pay/transactions/out-trade-no/$o?mchid=$mchid";
    my $key_of = sub {
        my $r = http('GET', $path, undef, authorized('GET', $path, ''), @_);
        my $who = header($r->{head}, 'Wechatpay-Serial');
        ok(signed_by($r->{head}, $r->{body},
            { $serial => 'platform', $id => 'second' }->{$who}), "by $who");
        return $who;
    };
    is($key_of->(), $serial, 'the certificate');
    is($key_of->('Wechatpay-Serial' => $id), $id, 'the key that is named');
    control('mode', { protocol => 'wechat', identity => 'public_key' });
    is($key_of->(), $id, 'the public key, by a switch');
    is(query($o)->{data}{trade_state}, 'NOTPAY', 'the SDK knows both');
    my $n = send4($o, identity => 'public_key');
    ok(signed_by($n->[4], $n->[3], 'second'), 'notices as well');
    control('mode', { protocol => 'wechat' });
    is($key_of->(), $serial, 'and back');

    for my $bad ([call_serial => $own], [call_timestamp_s => -400]) {
        control('mode', { out_trade_no => $o, @$bad });
        ok(!ref query($o), "the SDK refuses $bad->[0]");
    }
    control('mode', { out_trade_no => $o });
};


subtest 'notices' => sub {
    my $o = opened4(attach => 'x');
    notices();
    is(control("pay/$o")->{outcome}, 'acked', 'paid');
    my ($n) = notices();
    is_deeply([@$n[0, 1]], ['POST', '/ok'], 'POST');
    ok(signed_by($n->[4], $n->[3], 'platform'), 'openssl: signed');
    utf8::decode(my $text = $n->[3]);
    ok(sdk('wechat_verify', body => $text, file => "$dir/platform.pub",
        map { (lc $_ => header($n->[4], "Wechatpay-$_")) }
        qw(Timestamp Nonce Signature)), 'SDK: signed');
    is(header($n->[4], 'Wechatpay-Serial'), $serial, 'Wechatpay-Serial');
    is(header($n->[4], 'Content-Type'), 'application/json', 'JSON');
    my $outer = decode_json($n->[3]);
    is_deeply([@$outer{qw(event_type resource_type)},
        @{ $outer->{resource} }{qw(algorithm original_type)}],
        ['TRANSACTION.SUCCESS', 'encrypt-resource', 'AEAD_AES_256_GCM',
        'transaction'], 'the outside');
    is(length $outer->{resource}{nonce}, 12, 'the nonce');
    my $f = inner($n);
    my $t = trade($o);
    is_deeply([@$f{qw(mchid appid out_trade_no transaction_id trade_state
        trade_type attach)}, $f->{amount}{total}, $f->{amount}{currency}],
        [$mchid, $appid, $o, $t->{trade_no}, 'SUCCESS', 'NATIVE', 'x', 990,
        'CNY'], 'the inside');
    like($n->[3], qr/"create_time":"20\d\d-\d\d-\d\dT/, 'its time');

    my $one = sub {
        my ($want, $got, %mode) = @_;
        my $n = send4($o, %mode);
        ok(signed_by($n->[4], $n->[3], 'platform'), "@{[sort keys %mode]}:");
        is_deeply($got->(inner($n)), $want, 'in the resource');
    };
    $one->('1900000110', sub { $_[0]{mchid} }, wrong_pid => $true);
    $one->('wx1', sub { $_[0]{appid} }, appid => 'wx1');
    $one->('REFUND', sub { $_[0]{trade_state} }, status => 'REFUND');
    $one->(1, sub { $_[0]{amount}{total} }, wrong_amount => '1');
    $one->('990', sub { $_[0]{amount}{total} }, wrong_amount => '"990"');
    $one->([990, 900], sub { [@{ $_[0]{amount} }{qw(total payer_total)}] },
        payer_total => '900');
    $one->('USD', sub { $_[0]{amount}{currency} }, currency => 'USD');
    $one->('JSAPI', sub { $_[0]{trade_type} }, trade_type => 'JSAPI');
    $one->(['X', '7'], sub { [@{ $_[0] }{qw(out_trade_no transaction_id)}] },
        other_order => 'X', trade_no => '7');
    $one->([undef, undef], sub { [$_[0]{mchid}, $_[0]{amount}{currency}] },
        omit => ['mchid', 'amount.currency']);
    $one->('NOTPAY', sub { $_[0]{trade_state} },
        extra_signed_field => { trade_state => 'NOTPAY' });
    is(decode_json(send4($o, event_type => 'X.Y')->[3])->{event_type}, 'X.Y',
        'event_type');
    is(decode_json(send4($o, extra_unsigned_field => { u => 1 . '' })->[3])
        ->{u}, '1', 'extra_unsigned_field');

    for my $how (qw(flip empty space urlsafe unpadded trailing probe))
    {
        $n = send4($o, wrong_sign => $how);
        my $sign = header($n->[4], 'Wechatpay-Signature') // '';
        ok($how =~ /unpadded|space/ || $sign !~ m{^[A-Za-z0-9+/]{342}==$}
            || !signed_by($n->[4], $n->[3], 'platform'), "wrong_sign $how");
    }
    like(header($n->[4], 'Wechatpay-Signature'),
        qr{^WECHATPAY/SIGNTEST/}, 'as WeChat probes');
    $n = send4($o, wrong_sign => 'missing');
    unlike($n->[4], qr/Wechatpay-Signature:/i, 'wrong_sign missing');
    $n = send4($o, algorithm => 'SHA1');
    ok(!signed_by($n->[4], $n->[3], 'platform'), 'SHA1');
    $n = send4($o, repeat_header => 'Wechatpay-Signature',
        extra_header => { wechatpay_nonce => 'x' }, serial => $own,
        omit_header => ['Wechatpay-Timestamp'], content_type => 'text/plain',
        sign_type => 'X');
    is(scalar(() = $n->[4] =~ /^Wechatpay-Signature: /gm), 2,
        'repeat_header');
    like($n->[4], qr/^wechatpay_nonce: x\r$/m, 'extra_header');
    is(header($n->[4], 'Wechatpay-Timestamp'), undef, 'omit_header');
    is(header($n->[4], 'Wechatpay-Serial'), $own, 'serial');
    is(header($n->[4], 'Content-Type'), 'text/plain', 'content_type');
    is(header($n->[4], 'Wechatpay-Signature-Type'), 'X', 'sign_type');
    $n = send4($o, timestamp_s => -301);
    cmp_ok(header($n->[4], 'Wechatpay-Timestamp'), '<=', time - 301, 'stale');
    ok(signed_by($n->[4], $n->[3], 'platform'), 'but signed');
    $n = send4($o, timestamp => '1e9');
    is(header($n->[4], 'Wechatpay-Timestamp'), '1e9', 'timestamp');
    for my $how (qw(newline space members truncated)) {
        $n = send4($o, body => $how);
        ok(!signed_by($n->[4], $n->[3], 'platform'), "body $how");
    }
    is(send4($o, method => 'GET')->[0], 'GET', 'method');

    for my $how (qw(tag short aad nonce nonce11 nonce13 no_aad algorithm key
        base64))
    {
        $n = send4($o, resource => $how);
        ok(signed_by($n->[4], $n->[3], 'platform'), "resource $how: signed");
        my $r = decode_json($n->[3])->{resource};
        my $opens = ref inner($n) eq 'HASH';
        is($opens, !!($how =~ /algorithm|nonce1|no_aad|base64/),
            $opens ? 'opens' : 'does not open');
        is(length $r->{nonce}, { nonce11 => 11, nonce13 => 13 }->{$how} // 12,
            'nonce');
        is($r->{associated_data}, { no_aad => '', aad => 'transactionx' }
            ->{$how} // 'transaction', 'associated_data');
        is(length decode_base64($r->{ciphertext}), 15, 'short')
            if $how eq 'short';
    }

    $o = opened4(notify_url => "$shop/say/SUCCESS");
    is(control("pay/$o")->{outcome}, 'refused', '500 is no acknowledgement');
    my $ids = { map { decode_json($_->[3])->{id} => 1 }
        (settled($o) && notices()) };
    is(keys %$ids, 1, 'each try has the same id');
    $o = opened4(notify_url => "$shop/fail");
    is(control("pay/$o")->{outcome}, 'acked', 'the body does not count');
};


subtest 'refunds' => sub {
    my $o = opened4(total => 1000);
    my $refund = sub { call('POST', 'refund/domestic/refunds', {
        out_trade_no => $o, out_refund_no => 'R1', notify_url => "$shop/back",
        amount => { refund => 400, total => 1000, currency => 'CNY' }, @_ }) };
    is_refused($refund->(), 404, 'RESOURCE_NOT_EXISTS', 'unpaid');
    control("pay/$o");
    notices();
    my $r = $refund->();
    is($r->{status}, 200, 'given back');
    is_deeply([@{ $r->{data} }{qw(status out_refund_no out_trade_no)},
        @{ $r->{data}{amount} }{qw(total refund currency)}],
        ['SUCCESS', 'R1', $o, 1000, 400, 'CNY'], 'the reply');
    sleep 0.02 while trade($o)->{refunds}[0]{notice}{state} ne 'acked';
    my ($n) = notices();
    is($n->[1], '/back', 'told to its own address');
    ok(signed_by($n->[4], $n->[3], 'platform'), 'signed');
    is(decode_json($n->[3])->{event_type}, 'REFUND.SUCCESS', 'event_type');
    my $f = inner($n);
    is_deeply([@$f{qw(mchid out_refund_no refund_status transaction_id)},
        @{ $f->{amount} }{qw(total refund)}],
        [$mchid, 'R1', 'SUCCESS', trade($o)->{trade_no}, 1000, 400],
        'inside');
    is_deeply($refund->(), $r, 'once');
    is_refused($refund->(amount => { refund => 1, total => 1000,
        currency => 'CNY' }), 400, 'INVALID_REQUEST', 'not the same');
    for my $amount ([601, 1000], [1, 999]) {
        is_refused($refund->(out_refund_no => 'R2', amount => { refund =>
            $amount->[0], total => $amount->[1], currency => 'CNY' }), 400,
            'INVALID_REQUEST', "refused: @$amount");
    }
    is_refused($refund->(out_refund_no => 'R 2'), 400, 'PARAM_ERROR',
        'a bad number');
    is_deeply(call('GET', 'refund/domestic/refunds/R1'), $r, 'asked for');
    is_refused(call('GET', 'refund/domestic/refunds/R9'), 404,
        'RESOURCE_NOT_EXISTS', 'not there');
    is(query($o)->{data}{trade_state}, 'REFUND', 'the order says so');

    control('mode', { out_trade_no => $o, refund_status => 'PROCESSING' });
    $r = $refund->(out_refund_no => 'R3', amount => { refund => 100,
        total => 1000, currency => 'CNY' });
    is($r->{data}{status}, 'PROCESSING', 'under way');
    control('mode', { out_trade_no => $o });
    is(call('GET', 'refund/domestic/refunds/R3')->{data}{status}, 'SUCCESS',
        'and done');
    $refund->(out_refund_no => 'R4', notify_url => undef, transaction_id =>
        trade($o)->{trade_no}, amount => { refund => 100, total => 1000,
        currency => 'CNY' });
    is_deeply([map { $_->{notice}{state} } @{ trade($o)->{refunds} }],
        [qw(acked none dropped)], 'only the first was told of');
    $n = send4($o, refund => 3, refund_status => 'ABNORMAL');
    is_deeply([$n->[1], decode_json($n->[3])->{event_type},
        inner($n)->{refund_status}], ['/ok', 'REFUND.ABNORMAL', 'ABNORMAL'],
        'sent where payments are told of');
};


subtest 'over a restart' => sub {
    my $o = opened4(notify_url => "$shop/say/no", total => 5);
    control('mode', { out_trade_no => $o, reorder => $true });
    control("pay/$o");
    stop_gateway($gw, 'KILL');
    $gw = start_gateway(%options, state => "$dir/state");
    sdk_of();
    is(query($o)->{data}{trade_state}, 'SUCCESS', 'the book is kept');
    sleep 0.02 while trade($o)->{notice}{state} ne 'given_up';
    is(scalar(grep { $_->[1] eq '/say/no' } notices()), 4,
        'and the notice was sent');
    is(call('GET', 'refund/domestic/refunds/R3')->{data}{out_refund_no},
        'R3', 'refunds too');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
    my %less = %options;
    delete $less{'wechat-serial'};
    for my $bad (\%less, { %options, 'wechat-apiv3-key-file' =>
        spew('short', 'x' x 16) }, { 'wechat-public-key-id' => $id,
        'wechat-public-key-private' => "$dir/second.key" })
    {
        my $all = join ' ', map { "--$_ $bad->{$_}" } sort keys %$bad;
        my $run = "node $folder/gateway.js --pid 1 --key-file $dir/key";
        my $out = `timeout 5 $run --port 0 $all 2>&1`;
        is($? >> 8, 2, 'a bad command line');
        like($out, qr/^gateway: --wechat-\S+ needs|not 32 bytes/, 'says why');
    }
};

done_testing();
