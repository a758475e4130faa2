#!/usr/bin/perl

# What may go wrong between a shop and its gateway: the switches that spoil
# replies, the log of calls, and TLS.  The judges are the bytes that arrive,
# the SDK of WeChat Pay, and the openssl command.

use strict;
use warnings;

use Compress::Zlib qw(memGunzip);
use FindBin;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;
use Sdk;

my $true = JSON::PP::true;
rsa_keys($_) for 'merchant', 'platform', 'app', 'alipay', 'epay', 'shop';

# A certificate authority, and what it has signed for localhost.
sub openssl { system("cd $dir && openssl $_[0] >openssl.log 2>&1") == 0
    or die "openssl $_[0]" }
openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=CA -days 2 "
    . "-keyout ca.key -out ca.pem");
rsa_keys('tls');
openssl("req -new -key tls.key -subj /CN=localhost -out tls.csr");
spew('tls.ext', "subjectAltName=DNS:localhost\n");
openssl("x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
    . "-days 2 -extfile tls.ext -out tls.pem");

my ($mchid, $serial, $own) = ('1900000109', '7132D72A', '5157F09E');
my $app = '2021000000000001';
my %options = ('wechat-mchid' => $mchid, 'wechat-appid' => 'wx1',
    'wechat-apiv3-key-file' => spew('apiv3', '0' x 32),
    'wechat-private-key' => "$dir/platform.key", 'wechat-serial' => $serial,
    'wechat-merchant-public-key' => "$dir/merchant.pub",
    'wechat-merchant-serial' => $own,
    'epay2-pid' => 2, 'epay2-private-key' => "$dir/epay.key",
    'epay2-merchant-public-key' => "$dir/shop.pub",
    'gmpay-pid' => 1000, 'gmpay-key-file' => spew('gm', 'x' x 16),
    'alipay-app-id' => $app, 'alipay-seller-id' => '2088000000000099',
    'alipay-private-key' => "$dir/alipay.key",
    'alipay-app-public-key' => "$dir/app.pub",
    'tls-port' => 0, 'tls-cert' => "$dir/tls.pem",
    'tls-key' => "$dir/tls.key");
my $gw = start_gateway(%options);
ok($port, 'started');

my $o = opened();
my $ask = "/api.php?act=order&pid=$pid&key=$key&out_trade_no=$o";
sub mode { control('mode', { out_trade_no => $o, @_ }) }

# All that comes until the end, or until so many seconds are over.
sub bytes_of {
    my ($uri, $seconds, $most) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die $!;
    print $s "GET $uri HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    my ($all, $end) = ('', time + $seconds);
    while (time < $end && length $all < ($most // 1e9)) {
        IO::Select->new($s)->can_read($end - time) or return ($all, 'open');
        my $n = sysread $s, $all, 1 << 20, length $all;
        return ($all, defined $n ? 'closed' : 'reset') if !$n;
    }
    return ($all, 'open');
}


subtest 'replies that are not' => sub {
    my $right = http('GET', $ask);
    is(decode_json($right->{body})->{out_trade_no}, $o, 'a right one');
    my $start = time;
    mode(call_delay_ms => 200);
    is(http('GET', $ask)->{body}, $right->{body}, 'call_delay_ms');
    cmp_ok(time - $start, '>=', 0.2, 'is late');

    mode(call_hang => $true);
    is_deeply([bytes_of($ask, 0.3)], ['', 'open'], 'call_hang');
    mode(call_hang => 'headers');
    my ($all, $how) = bytes_of($ask, 0.3);
    like($all, qr{^HTTP/1.1 200.*\r\n\r\n$}s, 'headers only');
    is($how, 'open', 'and no more');
    mode(call_hang => 'middle');
    ($all, $how) = bytes_of($ask, 0.3);
    like($all, qr/\r\n\r\n\{"code"/, 'a part');
    is($how, 'open', 'and no more');

    mode(call_close => $true);
    is_deeply([bytes_of($ask, 2)], ['', 'closed'], 'call_close');
    mode(call_close => 'reset');
    is_deeply([bytes_of($ask, 2)], ['', 'reset'], 'reset');
    mode(call_close => 'middle');
    ($all, $how) = bytes_of($ask, 2);
    my ($length, $got) = $all =~ /^Content-Length: (\d+).*?\r\n\r\n(.*)/ms;
    ok($length > length $got && length $got, 'closed in the middle');
    isnt($how, 'open', 'closed');

    for my $status (429, 500) {
        mode(call_status => $status);
        is(http('GET', $ask)->{status}, $status, "call_status $status");
    }
    mode(call_status => 202);
    my $r = http('GET', $ask);
    is_deeply([@$r{qw(status body)}], [202, $right->{body}], 'accepted');
    mode(call_garbage => $true);
    $r = http('GET', $ask);
    is($r->{status}, 200, 'call_garbage');
    like($r->{body}, qr/^<!DOCTYPE html>/, 'is a page');
    mode(call_redirect => $true);
    $r = http('GET', $ask);
    like($r->{head}, qr{^HTTP/1.1 302.*^Location: /\r$}ms, 'call_redirect');
    mode(call_redirect => 'http://127.0.0.1:1/x');
    like(http('GET', $ask)->{head}, qr{^Location: http://127.0.0.1:1/x\r$}m,
        'elsewhere');
    mode(call_redirect => "/\n");
    is((bytes_of($ask, 2))[0], '', 'an address that no header can hold');
    mode(call_truncate => $true);
    $r = http('GET', $ask);
    is($r->{body}, substr($right->{body}, 0, length($right->{body}) >> 1),
        'call_truncate');
    mode(call_gzip => $true);
    $r = http('GET', $ask);
    like($r->{head}, qr/^Content-Encoding: gzip\r$/m, 'call_gzip');
    is(memGunzip($r->{body}), $right->{body}, 'opens');
    mode(call_chunked => $true);
    like(http('GET', $ask)->{head}, qr/^Transfer-Encoding: chunked\r?$/m,
        'call_chunked');
    mode(call_huge => $true);
    $r = http('GET', $ask);
    is(length $r->{body}, 10 << 20, 'call_huge');
    is(decode_json($r->{body})->{out_trade_no}, $o, 'is still JSON');
    mode(call_huge => 'endless');
    ($all, $how) = bytes_of($ask, 20, 20 << 20);
    cmp_ok(length $all, '>=', 20 << 20, 'endless');
    unlike(substr($all, 0, 1000), qr/^Content-Length/mi, 'of no size');
    mode();
    is(http('GET', $ask)->{body}, $right->{body}, 'all is well');
    is(http('GET', '/')->{status}, 200, 'and was for others');
};


subtest 'effects' => sub {
    control("pay/$o");
    my $refund = sub { http('POST', '/api.php?act=refund',
        "pid=$pid&key=$key&out_trade_no=$o&money=0.10") };
    mode(call_close => 'before');
    $refund->();
    is(trade($o)->{refunded}, '0.10', 'what is not answered was done');
    mode(call_skip => $true);
    is($refund->()->{status}, 503, 'call_skip');
    mode(call_skip => $true, call_hang => $true);
    bytes_of($ask, 0.1);
    mode(call_skip => $true, call_status => 500);
    is($refund->()->{status}, 500, 'with another status');
    is(trade($o)->{refunded}, '0.10', 'was not done');
    mode();
    for my $bad ('"call_status":199', '"call_hang":"x"', '"call_close":1',
        '"call_redirect":5', '"protocol":"x"', '"call_huge":"x"')
    {
        is(http('POST', '/_test/mode', "{$bad}")->{status}, 400, "no $bad");
    }
};


subtest 'the log' => sub {
    control('reset');
    $o = opened();
    http('GET', "/submit.php?x");
    http('GET', $ask =~ s/out_trade_no=.*/out_trade_no=$o/r) for 1, 2;
    mode(call_status => 500);
    http('POST', '/api.php?act=refund', "out_trade_no=$o");
    mode();
    my $list = control("calls?out_trade_no=$o");
    is_deeply([map { [@$_{qw(protocol method path name status)}] } @$list],
        [(['epay', 'GET', '/api.php', 'order', 200]) x 2,
        ['epay', 'POST', '/api.php', 'refund', 200]], 'by order');
    is_deeply($list->[2]{spoilt}, ['call_status'], 'the switches');
    like($list->[0]{body}, qr/"out_trade_no":"$o"/, 'the answer');
    cmp_ok(abs($list->[0]{at_ms} / 1000 - time), '<', 10, 'the time');
    unlike(encode_json($list), qr/"path":"[^"]*$key/, 'no query');
    is(scalar @{ control('calls?protocol=epay') }, 3, 'by protocol');
    is(scalar @{ control('calls?limit=1') }, 1, 'so many');
    is(scalar @{ control('calls?protocol=wechat') }, 0, 'none');
    my $number = trade($o)->{trade_no};
    http('GET', "/api.php?act=order&trade_no=$number");
    is(scalar @{ control("calls?out_trade_no=$o") }, 4,
        'found by the number of the trade');
    http('GET', '/pay/check-status/1');
    is_deeply([map { $_->{out_trade_no} } @{
        control('calls?protocol=gmpay') }], [undef], 'of no order');
};


subtest 'signatures of replies' => sub {
    ok(sdk_path('wechatpay-axios-plugin'), 'the SDK') or return;
    sdk('wechat', gateway => "http://127.0.0.1:$port/", mchid => $mchid,
        serial => $own, key => "$dir/merchant.key",
        certs => { $serial => "$dir/platform.pub" });
    my $make = sub { sdk('wechat_call', method => 'POST',
        path => '/v3/pay/transactions/native', headers => {}, json => {
        appid => 'wx1', mchid => $mchid, description => 'VIP',
        out_trade_no => 'WECHAT1', notify_url => "$shop/ok",
        amount => { total => 1 } }) };
    is($make->()->{status}, 200, 'right');
    control('mode', { protocol => 'wechat', call_unsigned => $true });
    like($make->(), qr/Headers incomplete/, 'call_unsigned');
    control('mode', { protocol => 'wechat', call_wrong_sign => $true });
    like($make->(), qr/Verify the response/, 'call_wrong_sign');
    control('mode', { protocol => 'wechat', call_skip => $true });
    ok(!ref $make->(), 'call_skip is no reply of WeChat');
    control('mode', { protocol => 'wechat' });
    is(scalar @{ control('calls?out_trade_no=WECHAT1') }, 4, 'logged');

    my $alipay = sub {
        my %f = (app_id => $app, method => 'alipay.trade.query', charset =>
            'utf-8', sign_type => 'RSA2', version => '1.0', timestamp =>
            POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime(time + 28800)),
            biz_content => '{"out_trade_no":"ALI1"}');
        $f{sign} = rsa_sign(by_name(%f), 'app');
        my $body = http('POST', '/gateway.do?charset=utf-8', form(%f))
            ->{body};
        my ($text, $sign) = $body =~
            /^\{"alipay_trade_query_response":(.*?\})(?:,"sign":"(.*)")?\}$/;
        return [$text =~ /ACQ.TRADE_NOT_EXIST/, $sign && 1,
            rsa_verify($text, $sign, 'alipay')];
    };
    is_deeply($alipay->(), [1, 1, 1], 'Alipay, right');
    control('mode', { out_trade_no => 'ALI1', call_unsigned => $true });
    is_deeply($alipay->(), [1, undef, ''], 'unsigned');
    control('mode', { out_trade_no => 'ALI1', call_wrong_sign => $true });
    is_deeply($alipay->(), [1, 1, ''], 'wrong');
    control('mode', { out_trade_no => 'ALI1', protocol => 'wechat' });
    is_deeply($alipay->(), [1, 1, ''], 'of another protocol');
    is(control('calls?out_trade_no=ALI1')->[0]{name}, 'alipay.trade.query',
        'logged with its method');

    my $epay2 = sub {
        my %f = (pid => 2, timestamp => int time, out_trade_no => 'E1',
            method => 'web', notify_url => "$shop/ok", name => 'x',
            money => '1.00', clientip => '127.0.0.1');
        my $j = decode_json(http('POST', '/api/pay/create', form(%f,
            sign_type => 'RSA', sign => rsa_sign(by_name(%f), 'shop')))
            ->{body});
        return [$j->{code}, $j->{sign} && 1,
            rsa_verify(canonical(%$j), $j->{sign}, 'epay')];
    };
    is_deeply($epay2->(), [0, 1, 1], 'EPay V2, right');
    control('mode', { out_trade_no => 'E1', call_wrong_sign => $true });
    is_deeply($epay2->(), [0, 1, ''], 'wrong');
    control('mode', { out_trade_no => 'E1', call_unsigned => $true });
    is_deeply($epay2->(), [0, undef, ''], 'unsigned');
};


subtest 'TLS' => sub {
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
    my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
    my $number = $probe->sockport;
    close $probe;
    $gw = start_gateway(%options, 'tls-port' => $number);
    my $get = sub {
        my ($name, $ca) = @_;
        spew('request', "GET /pay/check-status/1 HTTP/1.1\r\nHost: $name:"
            . "$number\r\nConnection: close\r\n\r\n");
        return scalar `timeout 10 openssl s_client -quiet -CAfile $dir/$ca \\
            -verify_return_error -verify_hostname $name \\
            -connect 127.0.0.1:$number <$dir/request 2>/dev/null`;
    };
    like($get->('localhost', 'ca.pem'), qr{^HTTP/1.1 400.*10008}s,
        'the same answers');
    is($get->('example.test', 'ca.pem'), '', 'its name is localhost');
    openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=X -days 2 "
        . "-keyout x.key -out x.pem");
    is($get->('localhost', 'x.pem'), '', 'and it was signed by our CA');

    my $opened = opened();
    my %f = order(clientip => '127.0.0.1');
    my $form = form(signed(%f));
    spew('request', "POST /mapi.php HTTP/1.1\r\nHost: localhost:$number\r\n"
        . "Content-Type: application/x-www-form-urlencoded\r\n"
        . 'Content-Length: ' . length($form) . "\r\nConnection: close\r\n"
        . "\r\n$form");
    my $answer = `timeout 10 openssl s_client -quiet -CAfile $dir/ca.pem \\
        -connect 127.0.0.1:$number <$dir/request 2>/dev/null`;
    like($answer, qr{"payurl":"https:\\/\\/localhost:$number\\/pay},
        'addresses are its own');
    control('mode', { protocol => 'epay', call_close => 'reset' });
    is(scalar `timeout 10 openssl s_client -quiet -CAfile $dir/ca.pem \\
        -connect 127.0.0.1:$number <$dir/request 2>/dev/null`, '', 'reset');
    control('mode', { protocol => 'epay' });
    is(http('GET', '/')->{status}, 200, 'and without TLS as before');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
    my $run = "timeout 5 node $folder/gateway.js --port 0 --pid 1 "
        . "--key-file $dir/key";
    like(`$run --tls-port 0 --tls-cert $dir/tls.pem 2>&1`,
        qr/^gateway: .*no tls-key/, 'all or none');
    is($? >> 8, 2, 'refused');
};

done_testing();
