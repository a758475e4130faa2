#!/usr/bin/perl

# The JSON forms of epusdt at the practice gateway: GMPay and BEpusdt.  There
# is no SDK: signatures are computed here with Digest::MD5 and Digest::SHA,
# and by the openssl command, and begin with the documented samples.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(hmac_sha256_hex);
use FindBin;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;

my ($gm_key, $be_key) = ('epusdt_secret_key', 'epusdt_password_xasddawqe');
my $true = JSON::PP::true;
my %options = ('gmpay-pid' => 1000, 'gmpay-key-file' => spew('gm', $gm_key),
    'bepusdt-key-file' => spew('be', "$be_key\n"));
my $gw = start_gateway(%options, state => "$dir/state");
ok($port, 'started');

my ($gmpay, $bepusdt, $cancel) = ('/payments/gmpay/v1/order/'
    . 'create-transaction', '/api/v1/order/create-transaction',
    '/api/v1/order/cancel-transaction');

sub text { my %f = @_; delete $f{signature};
    return by_name(map { ($_, $f{$_}) } grep { ($f{$_} // '') ne '' }
        keys %f) }

# Fields as texts; a number is a reference to how it stands in the JSON.
sub body {
    my ($key, %f) = @_;
    my %signed = map { my $v = $f{$_}; ($_ => !ref $v ? $v : $$v =~ /\./
        ? $$v =~ s/\.?0+$//r : $$v) } keys %f;
    $f{signature} //= md5_hex(text(%signed) . $key);
    my $json = JSON::PP->new->allow_nonref;
    return '{' . join(',', map { $json->encode($_) . ':'
        . (ref $f{$_} ? ${ $f{$_} } : $json->encode($f{$_})) }
        sort keys %f) . '}';
}

sub post { my $r = http('POST', $_[0], $_[1], 'Content-Type' =>
    'application/json'); my $j = decode_json($r->{body});
    $j->{http} = $r->{status}; return $j }

my $count = 0;
sub gm { my %f = (pid => '1000', order_id => 'G' . ++$count,
    currency => 'cny', token => 'usdt', network => 'tron', amount => \'9.90',
    notify_url => "$shop/ok", redirect_url => "$shop/back", name => 'VIP',
    @_); return (\%f, post($gmpay, body($gm_key, %f))) }
sub be { my %f = (order_id => 'B' . ++$count, amount => \'28.880',
    notify_url => "$shop/ok", redirect_url => "$shop/back",
    trade_type => 'usdt.trc20', fiat => 'CNY', timeout => \'1200', @_);
    return (\%f, post($bepusdt, body($be_key, %f))) }

sub status_of {
    my $r = decode_json(http('GET', "/pay/check-status/$_[0]")->{body});
    return $r->{data}{status};
}

sub send6 {
    my ($o, %mode) = @_;
    notices();
    control("notify/$o", \%mode);
    return (notices())[0];
}

# The signature over the fields, numbers as they print shortest.
sub signature {
    my ($n, $hash) = @_;
    my %f = $n->[3] =~ /"(\w+)":("(?:[^"\\]|\\.)*"|[^,}]+)/g;
    for (values %f) {
        if (/^"/) { $_ = JSON::PP->new->allow_nonref->decode($_) }
        elsif (/\./) { s/\.?0+$// }
    }
    return ($f{signature}, $hash->(text(%f)));
}
sub md5_of { my $key = shift; return sub { md5_hex($_[0] . $key) } }


subtest 'GMPay' => sub {
    is(md5_hex('amount=100&currency=cny&name=VIP&network=tron&notify_url='
        . 'https://merchant.example/notify&order_id=ORD202605230001&pid=1000'
        . '&redirect_url=https://merchant.example/return&token=usdt'
        . $gm_key), '476412c422f4dd75c3d533f5c47a9cac', 'the sample');
    my $sample = sub { post($gmpay, body($gm_key, pid => '1000',
        order_id => 'ORD202605230001', currency => 'cny', token => 'usdt',
        network => 'tron', amount => \'100', name => 'VIP',
        notify_url => 'https://merchant.example/notify', redirect_url =>
        'https://merchant.example/return', signature =>
        '476412c422f4dd75c3d533f5c47a9cac')) };
    is($sample->()->{status_code}, 200, 'is taken');
    my $r = $sample->();
    is_deeply([@$r{qw(http status_code data)}], [400, 10002, undef],
        'but once');

    my ($f, $made) = gm(amount => \'100.00');
    my ($o, $d) = ($f->{order_id}, $made->{data});
    my $t = trade($o);
    is_deeply([@$d{qw(trade_id order_id amount currency token status)}],
        [$t->{trade_no}, $o, 100, 'CNY', 'USDT', 1], 'the reply');
    is($d->{payment_url}, "http://shop.test:$port/pay/$t->{trade_no}",
        'payment_url');
    is(status_of($t->{trade_no}), 1, 'waiting');
    notices();
    is(control("pay/$o")->{outcome}, 'acked', 'paid');
    is(status_of($t->{trade_no}), 2, 'paid');
    my ($n) = notices();
    my $j = decode_json($n->[3]);
    is_deeply([$n->[0], @$j{qw(pid trade_id order_id status token)}],
        ['POST', '1000', $t->{trade_no}, $o, 2, 'USDT'], 'the notice');
    like($n->[3], qr/"amount":100,"actual_amount":14\.2858,/, 'numbers');
    my @both = signature($n, md5_of($gm_key));
    is($both[0], $both[1], 'signed');
    is(http('POST', '/pay/' . $t->{trade_no} . '/confirm', '')->{head}
        =~ /^Location: (\S+)/m ? $1 : '', "$shop/back", 'back');

    my $one = sub {
        my ($like, %mode) = @_;
        my $n = send6($o, %mode);
        like($n->[3], $like, "@{[sort keys %mode]}");
        my @both = signature($n, md5_of($gm_key));
        is($both[0], $both[1], 'signed');
    };
    $one->(qr/"amount":100\.00,/, money_format => '1.00');
    $one->(qr/"amount":100\.0000,/, money_format => '1.0000');
    $one->(qr/"amount":"100\.00",/, money_format => '1.00',
        json_string => $true);
    $one->(qr/"amount":"100",/, json_string => $true);
    $one->(qr/"amount":99\.9,/, wrong_amount => '99.9');
    $one->(qr/"amount":1e2,/, wrong_amount => '1e2');
    $one->(qr/"actual_amount":1,/, actual_amount => '1');
    $one->(qr/"status":3,/, status => '3');
    $one->(qr/"status":"2",/, status => '"2"');
    $one->(qr/"pid":"1001",/, wrong_pid => $true);
    $one->(qr/"order_id":"X",/, other_order => 'X');
    $one->(qr/"trade_id":"X",/, trade_no => 'X');
    $one->(qr/"extra":"1",/, extra_signed_field => $true);
    $one->(qr/^\{"pid":"1000","order_id"/, omit => ['trade_id']);
    for my $mode ({ wrong_sign => 'flip' }, { wrong_sign => 'upper' },
        { extra_unsigned_field => $true }, { empty_key_sign => $true })
    {
        @both = signature(send6($o, %$mode), md5_of($gm_key));
        isnt($both[0], $both[1], "wrong: @{[%$mode]}");
    }
    unlike(send6($o, wrong_sign => 'missing')->[3], qr/signature/, 'none');
    @both = signature(send6($o, algorithm => 'HMAC'),
        sub { hmac_sha256_hex($_[0], $gm_key) });
    is($both[0], $both[1], 'HMAC by a switch');
};


subtest 'GMPay, the buyer chooses the chain' => sub {
    my ($f, $r) = gm(token => '', network => '');
    my $d = $r->{data};
    is_deeply([@$d{qw(status actual_amount receive_address token)}],
        [4, 0, '', ''], 'nothing is chosen yet');
    is(status_of($d->{trade_id}), 4, 'as the status says');
    notices();
    is(control("pay/$f->{order_id}")->{outcome}, 'acked', 'chosen and paid');
    my $n = decode_json((notices())[0][3]);
    is_deeply([@$n{qw(status token trade_id)}], [2, 'USDT', $d->{trade_id}],
        'the notice knows it');
    is(status_of($d->{trade_id}), 2, 'and so the status');
};


subtest 'what GMPay refuses' => sub {
    for my $bad ([amount => \'0.01'], [amount => \'0'], [amount => \'1e2'],
        [amount => '9.90'], [amount => \'9.901'], [amount => \'-1'],
        [currency => 'xxx'], [token => 'usdt', network => 'moon'],
        [token => ''], [network => ''],
        [notify_url => 'x'], [notify_url => ''], [order_id => 'x' x 33],
        [order_id => \'5'])
    {
        my (undef, $r) = gm(@$bad);
        is($r->{http}, 400, "no @{[map { ref ? $$_ : $_ } @$bad]}");
        isnt($r->{status_code}, 200, 'says so');
    }
    for my $bad ([signature => 'x'], [pid => '1001'],
        [signature => md5_hex('')])
    {
        my (undef, $r) = gm(@$bad);
        is_deeply([@$r{qw(http status_code)}], [401, 401], "@$bad");
    }
    is(post($gmpay, $_)->{http}, 400, "no $_") for '', '[]', '{', 'null',
        '{"a":{}}', '{"a":"1","a":"1"}';
    is(http('GET', $gmpay)->{status}, 400, 'no GET');
    is(http('GET', '/pay/check-status/1')->{status}, 400, 'no such trade');
};


subtest 'BEpusdt' => sub {
    is(post($bepusdt, body($be_key, amount => \'42', notify_url =>
        'http://example.com/notify', order_id => '20220201030210321',
        redirect_url => 'http://example.com/redirect', signature =>
        '1cd4b52df5587cfb1968b0c0c6e156cd'))->{status_code}, 200,
        'the sample');
    my ($f, $r) = be();
    my ($o, $d) = ($f->{order_id}, $r->{data});
    is_deeply([@$d{qw(order_id amount fiat status expiration_time)}],
        [$o, '28.88', 'CNY', 1, 1200], 'the reply');
    my (undef, $again) = be(order_id => $o, amount => \'30');
    is_deeply([@{ $again->{data} }{qw(trade_id amount)}],
        [$d->{trade_id}, '30.00'], 'again: rebuilt');
    is(trade($o)->{money}, '30.00', 'in the book');
    is(status_of($d->{trade_id}), 1, 'waiting');
    notices();
    control("pay/$o");
    my ($n) = notices();
    my $j = decode_json($n->[3]);
    is_deeply([@$j{qw(trade_id order_id amount status pid)}],
        [$d->{trade_id}, $o, 30, 2, undef], 'the notice');
    my @both = signature($n, md5_of($be_key));
    is($both[0], $both[1], 'signed');
    (undef, $again) = be(order_id => $o);
    is($again->{status_code}, 400, 'paid is paid');

    ($f, $r) = be(notify_url => "$shop/fail");
    $o = $f->{order_id};
    my $gone = sub { post($cancel, body($be_key,
        trade_id => $r->{data}{trade_id})) };
    is($gone->()->{data}{trade_id}, $r->{data}{trade_id}, 'cancelled');
    is($gone->()->{status_code}, 400, 'once');
    is(trade($o)->{notice}{state}, 'dropped', 'which is not told');
    is(status_of($r->{data}{trade_id}), 3, 'ended');
    is(post($cancel, body($gm_key, trade_id => $r->{data}{trade_id}))
        ->{http}, 401, 'by whoever has the key');
    ($f, $r) = be();
    notices();
    is(control("expire/$f->{order_id}")->{outcome}, 'acked', 'its time ran');
    is(decode_json((notices())[0][3])->{status}, 3, 'and the shop is told');
    control('mode', { protocol => 'bepusdt', waiting => $true });
    be();
    control('mode', { protocol => 'bepusdt' });
    for (1 .. 100) {
        ($n) = notices();
        last if $n;
        sleep 0.02;
    }
    is(decode_json($n->[3])->{status}, 1, 'waiting, by a switch');
    for my $bad ([timeout => \'119'], [timeout => '1200'], [fiat => 'XXX'],
        [trade_type => 'x'], [redirect_url => ''])
    {
        (undef, $r) = be(@$bad);
        is($r->{http}, 400, "no $bad->[0]");
    }
};


subtest 'HMAC, and a restart' => sub {
    my ($f) = be(amount => \'5');
    be(order_id => $f->{order_id}, amount => \'6');
    stop_gateway($gw, 'TERM');
    $gw = start_gateway(%options, state => "$dir/state",
        'gmpay-hash' => 'hmac');
    is(trade($f->{order_id})->{money}, '6.00', 'rebuilt, and kept');
    my %g = (pid => '1000', order_id => 'H1', currency => 'cny', token =>
        'usdt', network => 'tron', notify_url => "$shop/ok", amount => \'8');
    my $text = text(%g, amount => '8');
    my $sign = `printf '%s' '$text' | openssl dgst -sha256 -hmac $gm_key`;
    $sign =~ s/.*= |\n//g;
    is(post($gmpay, body($gm_key, %g))->{http}, 401, 'no MD5 now');
    is(post($gmpay, body($gm_key, %g, signature => $sign))->{status_code},
        200, 'HMAC by openssl');
    notices();
    control('pay/H1');
    my ($n) = notices();
    my @both = signature($n, sub { hmac_sha256_hex($_[0], $gm_key) });
    is($both[0], $both[1], 'and in the notice');
    @both = signature(send6('H1', algorithm => 'MD5'), md5_of($gm_key));
    is($both[0], $both[1], 'MD5 by a switch');
    is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');
};

done_testing();
