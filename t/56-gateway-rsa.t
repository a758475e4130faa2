#!/usr/bin/perl

# EPay V2 at the practice gateway: the strings are put together here from
# the protocol's description, and signed and judged by the openssl command.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;

rsa_keys($_) for 'merchant', 'platform';
rsa_keys('short', 1024);

my $pid2 = 2002;
my %options = ('epay2-pid' => $pid2,
    'epay2-private-key' => bare('platform.key'),
    'epay2-merchant-public-key' => bare('merchant.pub'));
my $gw = start_gateway(%options, state => "$dir/state");
ok($port, 'started, keys as bare base64');


sub signed2 {
    my %f = (timestamp => time, @_);
    return (%f, sign_type => 'RSA',
        sign => rsa_sign(canonical(%f), 'merchant'));
}

sub order2 { my %f = (order(), pid => $pid2, @_); return %f }

sub opened2 {
    my %f = order2(@_);
    my $r = http('GET', '/api/pay/submit?' . form(signed2(%f)));
    die "submit: $r->{body}" if $r->{status} != 302;
    return $f{out_trade_no};
}

sub is_signed2 {
    my ($f, $name) = @_;
    ok(rsa_verify(canonical(%$f), $f->{sign}, 'platform'), $name);
}

sub call2 {
    my ($call, %f) = @_;
    return decode_json(http('POST', "/api/pay/$call",
        form(signed2(pid => $pid2, %f)))->{body});
}

# A reply's values as text, in bytes; absent ones have none.
sub reply_signed {
    my ($r, $name) = @_;
    my %f = map { my $v = $r->{$_} // ''; utf8::encode($v); ($_, $v) }
        keys %$r;
    is_signed2(\%f, $name);
    cmp_ok(abs(time - $f{timestamp}), '<=', 5, "$name: fresh");
}

sub send2 {
    my ($o, %mode) = @_;
    notices();
    control("notify/$o", \%mode);
    return map { $_->[2] } notices();
}


subtest 'submit' => sub {
    for my $method (qw(GET POST)) {
        my $text = form(signed2(order2(name => "\xe4\xbc\x9a & +/",
            param => 'x=1')));
        my $r = $method eq 'GET' ? http('GET', "/api/pay/submit?$text")
            : http('POST', '/api/pay/submit', $text);
        is($r->{status}, 302, $method);
        like($r->{head}, qr{^Location: /pay/\d{19}\r$}m, 'to the cashier');
    }

    my $refused = sub {
        my ($name, %f) = @_;
        my $r = http('GET', '/api/pay/submit?' . form(%f));
        is($r->{status}, 200, $name);
        like($r->{body}, qr/id="error"/, "$name: says why");
    };
    $refused->("timestamp $_", signed2(order2(timestamp => $_)))
        for time - 303, time + 303, '', 'x', time . '0', '-' . time;
    ok(opened2(timestamp => time + $_), "timestamp $_") for -297, 297;
    my %f = signed2(order2());
    $refused->('another sign_type', %f, sign_type => $_)
        for '', 'MD5', 'rsa', 'RSA2';
    $refused->('an unsigned field', %f, x => 1);
    $refused->('no signature', %f, sign => '');
    $refused->('base64 with a blank', %f, sign => "$f{sign} ");
    $refused->('a changed field', %f, money => '1.01');
    my %g = (order2(), timestamp => time, sign_type => 'RSA');
    $refused->('signed by another', %g,
        sign => rsa_sign(canonical(%g), 'platform'));
    $refused->('SHA-1', %g,
        sign => rsa_sign(canonical(%g), 'merchant', 'sha1'));
    $refused->('another pid', signed2(order2(pid => $pid)));
    $refused->('no name', signed2(order2(name => '')));
    is(http('GET', '/submit.php?' . form(%f))->{status}, 200,
        'not under V1');
};


subtest 'the walk of a buyer' => sub {
    my $o = opened2(money => '12.50', param => 'a b');
    my $number = trade($o)->{trade_no};
    notices();
    my $r = http('POST', "/pay/$number/confirm");
    my ($n) = notices();
    my ($method, undef, $f, $raw) = @$n;
    is($method, 'GET', 'notice by GET');
    is_signed2($f, 'signed');
    is_deeply([@$f{qw(pid out_trade_no trade_no money trade_status param
        sign_type api_trade_no)}], [$pid2, $o, $number, '12.5',
        'TRADE_SUCCESS', 'a b', 'RSA', "P$number"], 'what it says');
    ok($f->{buyer}, 'and who paid');
    like($f->{timestamp}, qr/^\d{10}$/, 'timestamp');
    my ($back) = $r->{head} =~ m{^Location: \Q$shop\E/back\?(\S+)}m;
    is_signed2({ parse($back) }, 'return_url signed');
    is(trade($o)->{protocol}, 'epay2', 'the book knows the protocol');

    $o = opened2(notify_url => "$shop/fail2");
    control('mode', { out_trade_no => $o, delay_ms => 600 });
    notices();
    control("pay/$o");
    settled($o);
    my @n = notices();
    is(scalar @n, 3, 'retries');
    is_signed2($_->[2], 'a retry is signed') for @n;
    cmp_ok($n[2][2]{timestamp}, '>', $n[0][2]{timestamp}, 'and anew');
};


subtest 'switches' => sub {
    my $o = opened2(money => '10.00');
    my $one = sub {
        my ($field, $value, %mode) = @_;
        my ($f) = send2($o, %mode);
        is($f->{$field}, $value, join ' ', %mode);
        is_signed2($f, "$field signed");
    };
    $one->('money', '9.99', wrong_amount => '9.99');
    $one->('money', '10.0000', money_format => '1.0000');
    $one->('pid', $pid2 + 1, wrong_pid => JSON::PP::true);
    $one->('trade_status', 'TRADE_CLOSED', status => 'TRADE_CLOSED');
    $one->('out_trade_no', 'X', other_order => 'X');
    $one->('trade_no', '1', trade_no => '1');
    $one->('timestamp', '1e9', timestamp => '1e9');
    $one->('u', '', extra_signed_field => { u => '' });
    $one->('timestamp', undef, omit => ['timestamp']);
    $one->('sign_type', 'rsa', sign_type => 'rsa');
    for my $offset (-301, 301) {
        my ($f) = send2($o, timestamp_s => $offset);
        cmp_ok(abs($f->{timestamp} - time - $offset), '<=', 2,
            "timestamp_s $offset");
        is_signed2($f, 'signed');
    }
    my ($f) = send2($o, algorithm => 'MD5');
    is($f->{sign_type}, 'MD5', 'algorithm MD5');
    is($f->{sign}, md5_hex(canonical(%$f) . $key), 'with the key of V1');
    ($f) = send2($o, algorithm => 'MD5', empty_key_sign => JSON::PP::true);
    is($f->{sign}, md5_hex(canonical(%$f)), 'or with none');
    ($f) = send2($o, algorithm => 'SHA1');
    ok(rsa_verify(canonical(%$f), $f->{sign}, 'platform', 'sha1'),
        'algorithm SHA1');
    ok(!rsa_verify(canonical(%$f), $f->{sign}, 'platform'), 'not SHA256');
    for my $how (qw(flip upper empty)) {
        ($f) = send2($o, wrong_sign => $how);
        ok(!rsa_verify(canonical(%$f), $f->{sign}, 'platform'),
            "wrong_sign $how");
    }
    my %looks = (newline => qr/\n/, space => qr/ /, urlsafe => qr/^[^+\/]+$/,
        unpadded => qr/[^=]$/, trailing => qr/==AAAA$/);
    for my $how (sort keys %looks) {
        ($f) = send2($o, wrong_sign => $how);
        like($f->{sign}, $looks{$how}, "wrong_sign $how");
    }
    ($f) = send2($o, reflect => JSON::PP::true);
    ok(rsa_verify(canonical(%$f), $f->{sign}, 'merchant'), 'reflect');
    ok($f->{notify_url} && !$f->{trade_status}, 'is our own request');
    is(scalar(my @d = send2($o, duplicate => 5)), 5, 'duplicate');
    notices();
    control("notify/$o", { method => 'POST' });
    is((notices())[0][0], 'POST', 'method');
};


subtest 'calls' => sub {
    my $o = opened2(money => '10.00', name => "\xe4\xbc\x9a/");
    my $r = call2('query', out_trade_no => $o);
    is_deeply([@$r{qw(code status money pid name)}],
        [0, 0, '10.00', $pid2, "\x{4f1a}/"], 'query: unpaid');
    reply_signed($r, 'query');
    control("pay/$o");
    $r = call2('query', trade_no => $r->{trade_no});
    is_deeply([@$r{qw(code status out_trade_no)}], [0, 1, $o], 'paid');
    is(call2('close', out_trade_no => $o)->{code}, -1, 'too late to close');

    my $refund = sub { call2('refund', out_trade_no => $o, @_) };
    my $first = $refund->(money => '4.00', out_refund_no => 'R00001');
    is_deeply([@$first{qw(code money out_refund_no)}],
        [0, '4.00', 'R00001'], 'refund');
    reply_signed($first, 'refund');
    is($refund->(money => '4.00', out_refund_no => 'R00001')->{refund_no},
        $first->{refund_no}, 'a long number repeats the answer');
    $r = call2('query', out_trade_no => $o);
    is_deeply([@$r{qw(status refundmoney)}], [2, '4.00'], 'and nothing else');
    isnt($refund->(money => '1.00', out_refund_no => 'R1')->{refund_no},
        $refund->(money => '1.00', out_refund_no => 'R1')->{refund_no},
        'a short one refunds twice');
    is($refund->(money => '4.01', out_refund_no => 'R00002')->{code}, -1,
        'not more than is left');
    for my $by ([out_refund_no => 'R00001'],
        [refund_no => $first->{refund_no}])
    {
        $r = call2('refundquery', @$by);
        is_deeply([@$r{qw(code status money refund_no)}],
            [0, 1, '4.00', $first->{refund_no}], "refundquery by $by->[0]");
        reply_signed($r, 'refundquery');
    }
    is(call2('refundquery', out_refund_no => 'R00003')->{code}, -1,
        'of none');
    is(trade($o)->{attempts_total}, 1, 'no notice tells of a refund');

    my $second = opened2();
    control("pay/$second");
    is(call2('refund', out_trade_no => $second, money => '1.00',
        out_refund_no => 'R00001')->{code}, -1, 'a number of another trade');

    $o = opened2();
    $r = call2('close', out_trade_no => $o);
    is($r->{code}, 0, 'close');
    reply_signed($r, 'close');
    is(call2('close', out_trade_no => $o)->{code}, 0, 'again');
    is(http('POST', "/_test/pay/$o", '{}')->{status}, 409, 'unpayable');
    like(http('GET', '/pay/' . trade($o)->{trade_no})->{body}, qr/Closed/,
        'the page says so');

    $r = call2('create', order2(method => 'web', clientip => '127.0.0.1'));
    is_deeply([@$r{qw(code pay_type pay_info)}], [0, 'jump',
        "http://shop.test:$port/pay/$r->{trade_no}"], 'create');
    reply_signed($r, 'create');

    is(call2('query')->{code}, -4, 'no number');
    my $v1 = opened();
    is(call2('query', out_trade_no => $v1)->{code}, -1, 'a trade of V1');
    is(api("act=order&pid=$pid&key=$key&out_trade_no=$o")->{code}, -1,
        'and the other way round');
    is(decode_json(http('POST', '/api/pay/query', form(@$_))->{body})
        ->{code}, -3, 'unsigned') for [pid => $pid2, out_trade_no => $o],
        [signed2(pid => $pid2), out_trade_no => $o];
    is(decode_json(http('GET', '/api/pay/query?'
        . form(signed2(pid => $pid2, out_trade_no => $o)))->{body})->{code},
        -4, 'POST only');
};


subtest 'one number in two protocols' => sub {
    my $o = opened();
    opened2(out_trade_no => $o, money => '2.00');
    notices();
    control("pay/$o", { protocol => 'epay2' });
    is_signed2((notices())[0][2], 'the one that was named');
    my %status = map { ($_, control("trades?out_trade_no=$o&protocol=$_")
        ->[0]{status}) } qw(epay epay2);
    is_deeply(\%status, { epay => 0, epay2 => 1 }, 'is paid');
    control("pay/$o");
    is_signed((notices())[0][2], 'else the first');
};


subtest 'state file and options' => sub {
    my $o = opened2(notify_url => "$shop/fail3");
    control('mode', { out_trade_no => $o, reorder => JSON::PP::true });
    control("pay/$o");
    notices();
    stop_gateway($gw, 'KILL');
    $gw = start_gateway(%options, state => "$dir/state");
    is(settled($o)->{notice}{state}, 'acked', 'the owed notice was sent');
    is_deeply([grep { $_->[2]{out_trade_no} ne $o } notices()], [],
        'and none of what was closed');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');

    spew('key', "$key\n");
    my $run = "node $folder/gateway.js --port 0 --pid 1 --key-file $dir/key";
    like(`$run --state $dir/state 2>&1`, qr/needs the options of epay2/,
        'trades of a protocol without account');
    my $bad = sub {
        my ($name, $why, %o) = @_;
        my %all = (%options, %o);
        my $line = join ' ', map { "--$_ $all{$_}" }
            grep { defined $all{$_} } sort keys %all;
        like(`$run $line 2>&1`, $why, $name);
        is($? >> 8, 2, 'refused');
    };
    $bad->('not all options', qr/--epay2-pid needs --epay2-private-key/,
        'epay2-private-key' => undef);
    $bad->('a private key as public', qr/not a/,
        'epay2-merchant-public-key' => "$dir/merchant.key");
    $bad->('the same without frame', qr/not a PUBLIC/,
        'epay2-merchant-public-key' => bare('merchant.key'));
    $bad->('1024 bits', qr/2048/, 'epay2-private-key' => "$dir/short.key");
    $bad->('no key', qr/not a/, 'epay2-private-key' => "$dir/log");
    $gw = start_gateway('epay2-pid' => 1,
        'epay2-private-key' => "$dir/platform.key",
        'epay2-merchant-public-key' => "$dir/merchant.pub");
    ok($port, 'keys in PEM');
    stop_gateway($gw, 'TERM');
};

done_testing();
