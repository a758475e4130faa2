#!/usr/bin/perl

# Alipay's certificate mode at the practice gateway.  The certificates are
# made by the openssl command, which also says what their serial numbers are;
# the calls are made by alipay-sdk.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use JSON::PP;
use Math::BigInt;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/gateway";
use Probe;
use Rsa;
use Sdk;

ok(sdk_path('alipay-sdk'), 'alipay-sdk is installed')
    or done_testing, exit 1;

sub openssl { system("cd $dir && openssl $_[0] >openssl.log 2>&1") == 0
    or die "openssl $_[0]" }

# Two roots by RSA with one by ECDSA between them, and what they have signed.
my $name = '/C=CN/O=Practice/OU=Certification Authority/CN=';
rsa_keys($_) for 'app', 'alipay', 'other', 'root1', 'root3';
openssl('ecparam -name prime256v1 -genkey -noout -out root2.key');
openssl("req -x509 -key root$_.key -subj '${name}R$_' -days 9 "
    . "-out root$_.pem") for 1 .. 3;
sub signed_cert {
    my ($who, $root) = @_;
    openssl("req -new -key $who.key -subj /CN=$who -out $who.csr");
    openssl("x509 -req -in $who.csr -CA root$root.pem -CAkey root$root.key "
        . "-CAcreateserial -days 9 -out $who.pem");
}
signed_cert(app => 1);
signed_cert(alipay => 3);
signed_cert(other => 1);
system("cat $dir/root[123].pem >$dir/roots.pem");

# By openssl: the issuer as RFC 2253 has it, and the number in decimal.
sub serial {
    my $out = `openssl x509 -in $dir/$_[0].pem -noout -issuer -serial \\
        -nameopt RFC2253`;
    my ($issuer) = $out =~ /^issuer=(.*)$/m;
    my ($hex) = $out =~ /^serial=(.*)$/m;
    return md5_hex($issuer . Math::BigInt->from_hex($hex)->bstr);
}
my ($app_sn, $alipay_sn) = (serial('app'), serial('alipay'));
my $root_sn = serial('root1') . '_' . serial('root3');

my $app = '2021000000000001';
my %options = ('alipay-app-id' => $app, 'alipay-seller-id' =>
    '2088000000000099', 'alipay-private-key' => "$dir/alipay.key",
    'alipay-app-public-key' => "$dir/app.pem",
    'alipay-certificate-file' => "$dir/alipay.pem",
    'alipay-app-certificate-file' => "$dir/app.pem",
    'alipay-root-certificate-file' => "$dir/roots.pem");
my $gw = start_gateway(%options);
ok($port, 'started');

sub sdk_of {
    my ($who, $root) = @_;
    return sdk('setup_certs', gateway => "http://127.0.0.1:$port/gateway.do",
        appId => $app, key => "$dir/app.key",
        certs => ["$dir/$who.pem", "$dir/alipay.pem", "$dir/$root.pem"]);
}

my $count = 0;
sub page {
    my $made = sdk('page', method => 'alipay.trade.page.pay', verb => 'GET',
        params => { notifyUrl => "$shop/ok", returnUrl => "$shop/back",
        bizContent => { out_trade_no => 'C' . ++$count, total_amount =>
        '9.90', subject => 'VIP',
        product_code => 'FAST_INSTANT_TRADE_PAY' } });
    return http('GET', $made =~ s{^http://[^/]+}{}r);
}

sub query { sdk('exec', method => 'alipay.trade.query', params =>
    { bizContent => { out_trade_no => "C$count" } }) }


is_deeply(sdk_of('app', 'roots'), [$app_sn, $alipay_sn, $root_sn],
    'openssl and the SDK agree on the serial numbers');
is(page()->{status}, 302, 'a page');
my $r = query();
is(ref $r && $r->{tradeStatus}, 'WAIT_BUYER_PAY', 'a call, and its reply');
my $t = trade("C$count");
control("pay/C$count");
my ($n) = notices();
my %f = %{ $n->[2] };
delete @f{qw(sign sign_type)};
openssl('x509 -in alipay.pem -pubkey -noout -out cert.pub');
ok(rsa_verify(by_name(%f), $n->[2]{sign}, 'cert'),
    'a notice, by the key of the certificate');
is(query()->{tradeStatus}, 'TRADE_SUCCESS', 'paid');

sub raw {
    my %more = @_;
    my %f = (app_id => $app, method => 'alipay.trade.query', charset =>
        'utf-8', sign_type => 'RSA2', version => '1.0', timestamp =>
        POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime(time + 28800)),
        app_cert_sn => $app_sn, alipay_root_cert_sn => $root_sn,
        biz_content => "{\"out_trade_no\":\"C1\"}", %more);
    delete @f{grep { !defined $f{$_} } keys %f};
    return http('POST', '/gateway.do?charset=utf-8',
        form(%f, sign => rsa_sign(by_name(%f), 'app')))->{body};
}

like(raw(), qr/\},"alipay_cert_sn":"$alipay_sn","sign":"[^"]+"\}$/,
    'replies name the certificate');
for my $field (qw(app_cert_sn alipay_root_cert_sn)) {
    (my $code = $field) =~ tr/_/-/;
    for my $value (undef, $alipay_sn) {
        is(decode_json(raw($field => $value))->{error_response}{sub_code},
            "isv.invalid-$code", $value ? "another $field" : "no $field");
    }
}
control('mode', { protocol => 'alipay', call_serial => 'x' });
like(raw(), qr/"alipay_cert_sn":"x","sign"/, 'another one by a switch');
control('mode', { protocol => 'alipay' });
sdk_of('other', 'roots');
is(page()->{status}, 200, 'a page under another certificate is refused');
sdk_of('app', 'root1');
is(page()->{status}, 200, 'and so is one under other roots');
is(stop_gateway($gw, 'TERM'), 0, 'a clean exit');

for my $bad ([qr/certificate is not that/, 'alipay-certificate-file' =>
    "$dir/other.pem"], [qr/another public key/, 'alipay-app-certificate-file'
    => "$dir/other.pem"], [qr/no certificate/, 'alipay-root-certificate-file'
    => "$dir/app.key"])
{
    my ($why, %more) = @$bad;
    my %all = (%options, %more);
    my $line = join ' ', map { "--$_ $all{$_}" } sort keys %all;
    like(`timeout 5 node $folder/gateway.js --port 0 --pid 1 \\
        --key-file $dir/key $line 2>&1`, $why, 'refused at start');
    is($? >> 8, 2, 'with status 2');
}

done_testing();
