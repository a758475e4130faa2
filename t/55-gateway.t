#!/usr/bin/perl

# The practice gateway (t/gateway) against the protocol: signatures are
# computed with Digest::MD5, forms are read and written in Perl, and the
# merchant that it notifies is a small server (gateway/Probe.pm).

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib "$FindBin::Bin/gateway";
use Probe;

sub readme {
    open my $fh, '<', "$folder/README.md" or die $!;
    return do { local $/; <$fh> };
}

my $gw = start_gateway();
ok($port && $gw->{same}, 'started on a free port');


subtest 'signature vectors' => sub {
    my %f = (money => '1.00', name => "VIP\xe4\xbc\x9a\xe5\x91\x98",
        notify_url => 'http://www.pay.com/notify_url.php', pid => 1001,
        out_trade_no => '20160806151343349', type => 'alipay',
        return_url => 'http://www.pay.com/return_url.php');
    my $good = 'f6c281cc5369fe590ac42a3c38710582';
    is(http('GET', '/submit.php?' . form(%f, sign => $good))->{status}, 302,
        'the documented request is accepted');
    for my $bad (uc $good, $good =~ s/^f/e/r, '', '0') {
        my $r = http('GET', '/submit.php?' . form(%f, sign => $bad));
        is($r->{status}, 200, "and refused under '$bad'");
        like($r->{body}, qr/id="error"/, 'with an error page');
    }

    my $o = opened();
    notices();
    control("notify/$o", { trade_no => '2016080622555342651',
        other_order => '20160806151343349', name => 'product' });
    my ($n) = notices();
    is($n->[2]{sign}, 'd8221fd6553d6dcdc1adde531d5aedd3',
        'the documented notice has the documented signature');

    $o = opened(money => '1.50', extra => ' ', zero => '0', 'a-b' => 'x',
        a => 'y', A => 'z');
    ok($o, 'blank values are unsigned, 0 is signed, names in byte order');
    my %s = signed(order());
    is(http('GET', '/submit.php?' . form(%s) . '&x[]=1')->{status}, 302,
        'arrays are unsigned');
    %s = signed(order());
    is(http('GET', '/submit.php?' . form(%s) . '&x=1')->{status}, 200,
        'an unknown field is not');
};


subtest 'submit.php refuses' => sub {
    my @cases = (
        ['pid', pid => 1002], ['pid 0', pid => 0], ['no pid', pid => ''],
        ['no order', out_trade_no => ''], ['order 0', out_trade_no => '0'],
        ['order with blank', out_trade_no => 'a b'],
        ['order with newline', out_trade_no => "a\n"],
        ['no notify_url', notify_url => ''],
        ['no return_url', return_url => ''], ['no name', name => ''],
        map { ["money '$_'", money => $_] } '', '0', '0.00', '0.001', '-1',
            '1e1', '+1', ' 1', '1,00', '1.0.0', '.', '0x10', '100000000',
            '9' x 40,
    );
    for my $case (@cases) {
        my ($name, %f) = @$case;
        my $r = http('GET', '/submit.php?' . form(signed(order(%f))));
        is($r->{status}, 200, $name);
        like($r->{body}, qr/id="error"/, "$name: says why");
    }
    my $r = http('GET', '/submit.php?' . form(order(), sign_type => 'MD5'));
    like($r->{body}, qr/sign/, 'no signature');
    my %s = signed(order());
    is(http('POST', '/submit.php', form(%s))->{status}, 302, 'POST works');
    %s = signed(order());
    is(http('POST', '/submit.php', form(%s),
        'Content-Type' => 'text/plain')->{status}, 200, 'only as a form');
};


subtest 'a number used again' => sub {
    my %f = order(param => 'p');
    my @where = map { http('GET', '/submit.php?' . form(signed(%f, @$_)))
        ->{head} =~ /^Location: (\S+)/m ? $1 : 'refused' }
        [], [], [type => 'wxpay'], [money => '1.0'], [money => '1.01'],
        [name => 'x'], [notify_url => "$shop/x"], [return_url => "$shop/x"],
        [param => 'q'];
    like($where[0], qr{^/pay/\d{19,23}$}, 'opened');
    is_deeply([@where[1 .. 3]], [($where[0]) x 3],
        'same, other type, same money in other words: the same trade');
    is_deeply([@where[4 .. 8]], [('refused') x 5], 'anything else changed');
    control("pay/$f{out_trade_no}");
    is(http('GET', '/submit.php?' . form(signed(%f)))->{status}, 200, 'paid');
};


subtest 'the walk of a buyer' => sub {
    my %f = order(name => 'a b & <i>"\'', param => 'x=1&y~', money => '12.50',
        notify_url => "$shop/ok?a=1&b=2");
    my $r = http('POST', '/submit.php', form(signed(%f)));
    my ($path) = $r->{head} =~ /^Location: (\S+)/m;
    my $page = http('GET', $path);
    is($page->{status}, 200, 'cashier');
    like($page->{body}, qr/Practice money/, 'says that it is practice');
    like($page->{body}, qr/¥12\.50|\xc2\xa512\.50/, 'amount');
    like($page->{body}, qr/$f{out_trade_no}/, 'order');
    like($page->{body}, qr/a b &amp; &lt;i&gt;\\&quot;\\&#039;/,
        'name escaped, once');
    like($page->{body}, qr{action="\Q$path\E/confirm">\s*<button id="pay"},
        'one button');
    is(http('GET', "$path/confirm")->{status}, 405, 'a GET does not pay');
    notices();

    $r = http('POST', "$path/confirm");
    is($r->{status}, 302, 'paid');
    my @n = notices();
    is(scalar @n, 1, 'one notice');
    my ($method, undef, $got, $raw) = @{ $n[0] };
    is($method, 'GET', 'by GET');
    like($raw, qr{^a=1&amp;b=2&pid=}, 'on the escaped URL, as PHP does');
    like($raw, qr/&name=a\+b\+%26amp%3B\+%26lt%3Bi/, 'form encoding');
    like($raw, qr/&param=x%3D1%26amp%3By%7E&/, 'param comes back escaped');
    my ($own) = $raw =~ /(pid=.*)/;
    is(join(' ', map { /^(\w+)/ } split /&/, $own), 'pid trade_no '
        . 'out_trade_no type name money trade_status param sign sign_type',
        'names in order');
    my %own = parse($own);
    is_signed(\%own, 'signed');
    is($own{money}, '12.5', 'money as a float');
    is($own{trade_status}, 'TRADE_SUCCESS', 'status');
    my ($back) = $r->{head} =~ /^Location: (\S+)/m;
    is($back, "$shop/back?$own", 'return_url has the same signed set');

    is(http('POST', "$path/confirm")->{status}, 302, 'confirmed again');
    is(scalar notices(), 0, 'no second notice');
    like(http('GET', $path)->{body}, qr/id="back"/, 'page says paid');
    my $t = trade($f{out_trade_no});
    is($t->{notice}{state}, 'acked', 'acknowledged');
    is($t->{attempts}[0]{body}, 'success', 'attempt kept');

    my $o = opened(return_url => 'javascript:alert(1)');
    $r = http('POST', '/pay/' . trade($o)->{trade_no} . '/confirm');
    is($r->{status}, 200, 'an unusable return_url is not followed');
};


subtest 'money as PHP prints it' => sub {
    my %as = ('1.00' => '1', '1.50' => '1.5', '0.05' => '0.05', '10' => '10',
        '100.10' => '100.1', '.5' => '0.5', '1.' => '1', '007.1' => '7.1',
        '1.005' => '1.01', '1.004' => '1', '99999999.99' => '99999999.99');
    for my $given (sort keys %as) {
        my $o = opened(money => $given);
        notices();
        control("pay/$o");
        is((notices())[0][2]{money}, $as{$given}, "money $given");
    }
};


subtest 'retries' => sub {
    my $o = opened(notify_url => "$shop/fail2");
    my $first = control("pay/$o");
    is($first->{outcome}, 'refused', 'told fail');
    is($first->{answers}[0]{body}, 'fail', 'with the answer');
    my $t = settled($o);
    is($t->{notice}{state}, 'acked', 'until success');
    is($t->{attempts_total}, 3, 'at the third time');
    cmp_ok($t->{attempts}[2]{at_ms} - $t->{attempts}[0]{at_ms}, '>=', 75,
        'after the waits');
    my %word = (success => 'acked', SUCCESS => 'acked', Success => 'acked',
        unsuccessful => 'acked', sUCCESS => 'given_up', ok => 'given_up');
    for my $w (sort keys %word) {
        my $o = opened(notify_url => "$shop/say/$w");
        control("pay/$o");
        is(settled($o)->{notice}{state}, $word{$w}, "$w, status 500");
    }
    $o = opened(notify_url => "$shop/fail");
    control("pay/$o");
    is(settled($o)->{notice}{tries}, 4, 'given up after the schedule');
    for my $url ('http://127.0.0.1:1/x', 'ftp://127.0.0.1/', 'nonsense') {
        my $o = opened(notify_url => $url);
        my $r = control("pay/$o");
        is($r->{outcome}, 'refused', "$url: nobody there");
        ok($r->{answers}[0]{error}, 'with the reason');
    }
    notices();
    $o = opened(notify_url => "$shop/keep");
    control("notify/$o") for 1 .. 2;
    is(scalar notices(), 2, 'a kept connection that dies is replaced');
    is(control("pay/$o")->{outcome}, 'acked', 'then goes on');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'paid once');
};


subtest 'switches' => sub {
    my $o = opened(money => '10.00', param => 'p');
    my $send = sub {
        notices();
        control("notify/$o", {@_});
        return map { $_->[2] } notices();
    };
    my $one = sub {
        my ($field, $value, %mode) = @_;
        my ($f) = $send->(%mode);
        is($f->{$field}, $value, join ' ', sort keys %mode);
        is_signed($f, "$field signed");
    };
    is(scalar(my @d = $send->(duplicate => 7)), 7, 'duplicate');
    is(control("notify/$o", { times => 50, parallel => 50 })->{acked}, 50,
        '50 in parallel, all told success');
    $one->('money', '9.99', wrong_amount => '9.99');
    $one->('money', '10.0000', money_format => '1.0000');
    $one->('pid', '1002', wrong_pid => JSON::PP::true);
    $one->('pid', '77', wrong_pid => '77');
    $one->('trade_status', 'TRADE_CLOSED', status => 'TRADE_CLOSED');
    $one->('name', 'product', name => 'product');
    $one->('out_trade_no', 'X', other_order => 'X');
    $one->('trade_no', '123', trade_no => '123');
    $one->('extra', '1', extra_signed_field => JSON::PP::true);
    $one->('trade_no', undef, omit => ['trade_no', 'sign_type']);

    my ($right) = $send->();
    my %spoilt = (upper => uc $right->{sign}, empty => '', missing => undef);
    for my $how (sort keys %spoilt) {
        my ($f) = $send->(wrong_sign => $how);
        is($f->{sign}, $spoilt{$how}, "wrong_sign $how");
    }
    my ($f) = $send->(wrong_sign => JSON::PP::true);
    like($f->{sign}, qr/^[0-9a-f]{32}$/, 'wrong_sign');
    isnt($f->{sign}, $right->{sign}, 'is wrong');
    ($f) = $send->(empty_key_sign => JSON::PP::true);
    is($f->{sign}, md5_hex(canonical(%$f)), 'empty_key_sign');
    ($f) = $send->(extra_unsigned_field => { u => '1' });
    is($f->{u}, '1', 'extra_unsigned_field');
    is($f->{sign}, $right->{sign}, 'is not signed');
    ($f) = $send->(reflect => JSON::PP::true);
    is_signed($f, 'reflect: its signature holds');
    ok($f->{notify_url} && !$f->{trade_status}, 'and it is our request');
    notices();
    control("notify/$o", { method => 'POST' });
    my ($n) = notices();
    is($n->[0], 'POST', 'method');
    is_signed($n->[2], 'POST form signed');
    my $start = time;
    $send->(delay_ms => 150);
    cmp_ok(time - $start, '>=', 0.15, 'delay_ms');

    $o = opened();
    control('mode', { out_trade_no => $o, drop => JSON::PP::true });
    is(control("pay/$o")->{outcome}, 'dropped', 'drop');
    is(scalar(my @n = notices()), 0, 'nothing sent');
    is(trade($o)->{notice}{state}, 'dropped', 'and never will be');

    my @held = map { opened() } 1 .. 3;
    control('mode', { reorder => JSON::PP::true });
    is(control("pay/$_")->{outcome}, 'held', 'reorder') for @held;
    is(scalar(@n = notices()), 0, 'held back');
    is_deeply([map { $_->{out_trade_no} } @{ control('release') }],
        [reverse @held], 'released in reverse');
    is_deeply([map { $_->[2]{out_trade_no} } notices()], [reverse @held],
        'and sent in reverse');
    is(trade($held[0])->{notice}{state}, 'acked', 'then acknowledged');

    control('mode', { wrong_sign => 'upper', wrong_amount => '5' });
    $o = opened();
    control('mode', { out_trade_no => $o, wrong_amount => JSON::PP::false });
    control("pay/$o");
    ($n) = notices();
    is($n->[2]{money}, '1', 'false switches off for one order');
    is($n->[2]{sign}, uc $n->[2]{sign}, 'what else is on stays on');
    control('mode', {});
    control("pay/" . opened());
    is_signed((notices())[0][2], 'an empty mode is the correct gateway');
    for my $bad ('{"nonsense":1}', '{"duplicate":0}', '{"duplicate":"2"}',
        '{"drop":1}', '{"money_format":"2.0"}', '{"wrong_sign":"x"}',
        '{"extra_signed_field":5}', '{"omit":"x"}', '[]', '{', '5', 'null',
        '{"out_trade_no":5}', '{"constructor":1}',
        '{"__proto__":{"drop":true}}')
    {
        is(http('POST', '/_test/mode', $bad)->{status}, 400, "no $bad");
    }
    my %listed = map { $_ => 1 } map { /`(\w+)`/g }
        map { /^\| (`\w+`(?:, `\w+`)*) \|/ } split /\n/, readme();
    is_deeply([grep { !$listed{$_} } @{ control('switches') }], [],
        'every switch is in the README');
};


subtest 'api.php' => sub {
    my $o = opened(money => '10.00', name => "\xe4\xbc\x9a/");
    my $who = "pid=$pid&key=$key";
    my $r = api("act=order&$who&out_trade_no=$o");
    is($r->{code}, 1, 'order');
    is_deeply([@$r{qw(status money pid out_trade_no name endtime)}],
        [0, '10.00', $pid, $o, "\x{4f1a}/", undef], 'unpaid');
    control("pay/$o");
    $r = api("act=order&$who&trade_no=$r->{trade_no}");
    is_deeply([@$r{qw(code status)}], [1, 1], 'paid, by trade_no');
    ok($r->{endtime} && $r->{trade_no}, 'with its time');
    like(http('GET', "/api.php?act=order&$who&out_trade_no=$o")->{body},
        qr{"\\u4f1a\\/"}, 'JSON as PHP writes it');
    my %refused = ("act=order&pid=1&key=$key&out_trade_no=$o" => -3,
        "act=order&pid=$pid&key=x&out_trade_no=$o" => -3,
        "act=order&pid=$pid&out_trade_no=$o" => -3, "act=order&$who" => -4,
        "act=order&$who&out_trade_no=none" => -1, 'act=nonsense' => -5,
        'act=constructor' => -5, '' => -5);
    is(api($_)->{code}, $refused{$_}, "refused: $_") for sort keys %refused;

    my $refund = sub { api('act=refund', form(pid => $pid, key => $key,
        out_trade_no => $o, money => shift))->{code} };
    is($refund->($_), -1, "no refund of '$_'")
        for '10.01', '0', '-1', 'x', '';
    is_deeply([map { $refund->('4.00') } 1 .. 3], [0, 0, -1],
        'a repeated refund pays again, up to the amount');
    is($refund->('2'), 0, 'the rest');
    is($refund->('0.01'), -1, 'and no more');
    is(trade($o)->{refunded}, '10.00', 'recorded');
    is(api("act=order&$who&out_trade_no=$o")->{status}, 2, 'status 2');
    $o = opened();
    is($refund->('1.00'), -1, 'an unpaid order has nothing to refund');
    is(api("act=query&$who")->{code}, 1, 'account');

    my %f = order(clientip => '127.0.0.1');
    $r = decode_json(http('POST', '/mapi.php', form(signed(%f)))->{body});
    is($r->{code}, 1, 'mapi');
    is($r->{payurl}, "http://shop.test:$port/pay/$r->{trade_no}", 'payurl');
    my $mapi = sub { decode_json(http('POST', '/mapi.php', shift)
        ->{body})->{code} };
    is($mapi->(form(signed(order()))), -1, 'clientip is needed');
    is($mapi->(form(order(), sign => 'x')), -3, 'signature is needed');
    is($mapi->(''), -4, 'parameters are needed');
};


subtest 'hostile input' => sub {
    is(http('POST', '/submit.php', 'x' x 65536)->{status}, 200, '64 KiB');
    is(http('POST', '/submit.php', 'x' x 65537)->{status}, 413, 'and a byte');
    is(http($_, '/submit.php')->{status}, 405, $_) for qw(PUT DELETE);
    is(http('GET', $_)->{status}, 404, $_)
        for '/x', '/pay/1', '/pay/' . '9' x 19, '/_test', '/submit.php/';
    is(http('GET', "/submit.php?$_")->{status}, 200, $_) for 'pid[]=1001',
        'pid=1001&sign[]=1', '%', '%zz=%', '=&&=', 'a' x 8000,
        'pid=1001&__proto__=1&sign=%ff%fe';
    is(http('GET', "/_test/$_")->{status}, 404, $_)
        for 'constructor', 'mode', 'trades?out_trade_no=none';
    is(http('GET', "/_test/trades?$_")->{status}, 400, $_)
        for 'limit=x', 'limit=0', 'out_trade_no[]=1';
    my $o = opened(name => "\xff\x00<script>", param => "\xe4");
    my $page = http('GET', '/pay/' . trade($o)->{trade_no})->{body};
    unlike($page, qr/<script/, 'no markup from a name');
    notices();
    control("pay/$o");
    is_signed((notices())[0][2], 'bad UTF-8 comes back signed');
    my $far = `node -e 'const { Control } = require("$folder/control.js");
        new Control({}).handle({ method: "GET", path: "switches",
            query: new Map(), body: Buffer.alloc(0), address: "192.0.2.1" })
            .then((r) => console.log(r.status))'`;
    is($far, "403\n", '/_test/ answers loopback only');
    is(http('POST', '/_test/reset', '{}')->{status}, 200, 'reset');
    is_deeply(control('trades'), [], 'forgets all');
};

is(stop_gateway($gw, 'TERM'), 0, 'SIGTERM: a clean exit');


subtest 'epusdt' => sub {
    my $submit = '/payments/epay/v1/order/create-transaction/submit.php';
    open my $fh, '>', "$dir/epusdt" or die $!;
    print $fh "epusdt_secret_key\n";
    close $fh;
    $gw = start_gateway('epusdt-pid' => 1000,
        'epusdt-key-file' => "$dir/epusdt");
    ($pid, $key) = (1000, 'epusdt_secret_key');

    my %f = (money => 100, name => 'VIP', type => 'alipay', pid => 1000,
        notify_url => 'https://merchant.example/notify',
        return_url => 'https://merchant.example/return',
        out_trade_no => 'ORD202605230001');
    my $r = http('GET', "$submit?" . form(%f,
        sign => 'b865b0acbb2b01554c35a1bd33351452'));
    is($r->{status}, 302, 'the documented request');
    like($r->{head}, qr{^Location: /pay/\d{19}\r$}m, 'to the cashier');

    my $sent = sub { http('POST', $submit, form(signed(order(@_)))) };
    is($sent->(@$_)->{status}, 302, "@$_") for [type => ''],
        [type => 'usdt.tron'], [currency => 'cny', token => 'USDT',
        network => 'tron'], [currency => ''];
    for my $bad ([pid => '1000x'], [pid => 1001], [type => 'usdt.x'],
        [currency => 'eur'], [token => 'usdt', network => 'polygon'],
        [money => '0'], [name => ''])
    {
        my $r = $sent->(@$bad);
        is($r->{status}, 200, "@$bad");
        like($r->{body}, qr/id="error"/, 'says why');
    }
    is(http('POST', $submit, form(signed(order()), currency => 'cny'))
        ->{status}, 200, 'a currency that is not signed');
    my %blank = (order(), x => ' ');
    is(http('POST', $submit, form(%blank,
        sign => md5_hex(by_name(%blank) . $key)))->{status}, 302,
        'a blank value is signed here');

    my $open = sub {
        my %f = order(@_);
        $r = http('POST', $submit, form(signed(%f)));
        return $f{out_trade_no};
    };
    my $o = $open->(name => 'a & <b>', currency => 'cny', money => '100',
        notify_url => "$shop/ok?a=1&b=2", type => 'usdt.tron');
    my ($path) = $r->{head} =~ /^Location: (\S+)/m;
    my $number = trade($o)->{trade_no};
    my $status = sub { decode_json(http('GET', "/pay/check-status/$_[0]")
        ->{body}) };
    is_deeply($status->($number)->{data}, { trade_id => $number,
        status => 1 }, 'check-status: waits');
    like(http('GET', $path)->{body}, qr/a &amp; &lt;b&gt;.*USDT/s, 'cashier');
    notices();
    $r = http('POST', "$path/confirm");
    my ($n) = notices();
    is($n->[0], 'GET', 'notice by GET');
    like($n->[3], qr/^a=1&b=2&pid=/, 'on the URL as it was given');
    my %own = parse($n->[3] =~ s/^a=1&b=2&//r);
    is_signed(\%own, 'signed');
    is_deeply([@own{qw(money name type pid out_trade_no trade_no
        trade_status sign_type)}], ['100.0000', 'a & <b>', 'usdt.tron', 1000,
        $o, $number, 'TRADE_SUCCESS', 'MD5'], 'what it says');
    my ($back) = $r->{head} =~ m{^Location: \Q$shop\E/back\?(\S+)}m;
    is_deeply({ parse($back) }, \%own, 'return_url has the same');
    is($status->($number)->{data}{status}, 2, 'check-status: paid');
    is($status->($_)->{data}, undef, "none: $_") for '1', '9' x 19, '';

    my $refused = $open->(notify_url => "$shop/say/success");
    is(control("pay/$refused")->{outcome}, 'refused',
        'status 500 is no answer');
    settled($refused);
    my $judge = `node -e 'const { Epusdt } = require("$folder/epusdt.js");
        console.log(["ok", " OK\\n", "Success", "successful", "fail", ""]
            .map((body) => Epusdt.prototype.acknowledged(
                { status: 200, body })).join())'`;
    is($judge, "true,true,true,false,false,false\n", 'ok or success');
    $o = $open->();
    my $one = sub {
        my ($field, $value, %mode) = @_;
        notices();
        control("notify/$o", \%mode);
        my $f = (notices())[0][2];
        is($f->{$field}, $value, join ' ', %mode);
        is_signed($f, 'signed');
    };
    $one->('money', '1.00', money_format => '1.00');
    $one->('money', '0.9900', wrong_amount => '0.9900');
    $one->('pid', '1001', wrong_pid => JSON::PP::true);
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
};


subtest 'state file' => sub {
    ($pid, $key) = (1000, 'epusdt_secret_key');
    my $state = "$dir/state";
    $gw = start_gateway(state => $state);
    my %f = (money => 100, name => 'VIP', type => 'alipay', pid => 1000,
        notify_url => 'https://merchant.example/notify',
        return_url => 'https://merchant.example/return',
        out_trade_no => 'ORD202605230001');
    is(http('GET', '/submit.php?' . form(%f,
        sign => 'b865b0acbb2b01554c35a1bd33351452'))->{status}, 302,
        'third vector');
    my $acked = opened(name => "\xe4\xbc\x9a");
    my $owed = opened(notify_url => "$shop/fail4", money => '3.00');
    control("pay/$_") for $acked, $owed;
    api('act=refund', form(pid => $pid, key => $key, money => '1',
        out_trade_no => $owed));
    settled($owed);
    my $before = trade($acked);
    my $unsettled = opened(notify_url => "$shop/fail1", money => '2.00');
    control('mode', { reorder => JSON::PP::true });
    control("pay/$unsettled");
    notices();
    is(stop_gateway($gw, 'KILL'), 9, 'killed');

    open my $fh, '>>', $state or die $!;
    print $fh '{"t":"paid","trade_no":"';
    close $fh;
    $gw = start_gateway(state => $state);
    is(settled($unsettled)->{notice}{state}, 'acked', 'owed notice sent');
    is_deeply([map { $_->[2]{out_trade_no} } notices()],
        [($unsettled) x 2], 'and no other');
    my $after = trade($acked);
    $_->{attempts} = $_->{attempts_total} = 0 for $before, $after;
    is_deeply($after, $before, 'a trade is what it was');
    is(trade($owed)->{refunded}, '1.00', 'refunds too');
    is(trade($owed)->{notice}{state}, 'given_up', 'what came of notices too');
    opened();
    is(stop_gateway($gw, 'INT'), 0, 'SIGINT: a clean exit');
    $gw = start_gateway(state => $state);
    is(scalar @{ control('trades') }, 5, 'the torn line is gone');
    control('reset');
    is(-s $state, 0, 'reset empties the file');
    stop_gateway($gw, 'TERM');

    open $fh, '>', $state or die $!;
    print $fh encode_json($_), "\n" for
        { t => 'open', trade_no => '1' x 19, added_ms => 1, type => '',
            out_trade_no => 'OLD', name => 'VIP', money_fen => '250',
            notify_url => "$shop/ok", return_url => "$shop/back",
            param => undef, submitted => [] },
        { t => 'paid', trade_no => '1' x 19, paid_ms => 2 },
        { t => 'refund', trade_no => '1' x 19, refund_no => '2' x 19,
            fen => '100', at_ms => 3 },
        { t => 'notice', trade_no => '1' x 19, state => 'acked', tries => 1 };
    close $fh;
    $gw = start_gateway(state => $state);
    my $old = trade('OLD');
    is_deeply([@$old{qw(protocol status refunded)}, $old->{notice}{state}],
        ['epay', 2, '1.00', 'acked'], 'a file of before there were others');
    stop_gateway($gw, 'TERM');

    my $run = "node $folder/gateway.js --port 0 --pid 1 --key-file $dir/key";
    open $fh, '>', $state or die $!;
    print $fh "{\"t\":\"paid\",\"trade_no\":\"1\"}\n";
    close $fh;
    like(`$run --state $state 2>&1`, qr/state:1: no trade 1/, 'damaged');
    is($? >> 8, 2, 'refuses to start');
    is(system("$run $_ >/dev/null 2>&1") >> 8, 2, "bad option: $_") for
        '--port x', '--port 70000', '--pid x', '--retry-ms 1,x', '--nonsense',
        '--key-file /dev/null', '--key-file /nonexistent';
};

done_testing();
