# The channel block: what each protocol needs, what it has no use for, and RSA
# keys that are not what they should be.  What epay's own directives refuse is
# in 20-config.t.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(slurp spew);
use POSIX qw(strftime);

my $t = Faka::Test->new;
my $nginx = $t->another_nginx;
my $dir = $t->secrets;


# Keys, made by openssl: ours, the gateway's, its next one.

sub openssl {
    system('sh', '-c', "cd $dir && umask 077 && openssl $_[0] 2>/dev/null")
        == 0 or die "openssl $_[0]: $?";
}

for my $name (qw(own theirs next)) {
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
            . " -out $name.key");
    openssl("pkey -in $name.key -pubout -out $name.pub");
}

sub bare {
    my ($file) = @_;

    return join '', grep { !/-----/ } split /\n/, slurp("$dir/$file");
}


my %good = (
    epay   => { url => 'http://127.0.0.1:1', pid => 1000,
                key_file => "$dir/epay.key" },
    epay2  => { url => 'http://127.0.0.1:1', pid => 1000,
                private_key_file => "$dir/own.key",
                public_key_file => "$dir/theirs.pub" },
    epusdt => { url => 'http://127.0.0.1:1', pid => 1000,
                key_file => "$dir/epay.key" },
    gmpay  => { url => 'http://127.0.0.1:1', pid => 1000, hash => 'md5',
                key_file => "$dir/epay.key" },
    bepusdt => { url => 'http://127.0.0.1:1', key_file => "$dir/epay.key" },
    alipay => { app_id => '2021000000000001', seller_id => '2088000000000001',
                private_key_file => "$dir/own.key" },
    wechat => { mchid => '1900000001', app_id => 'wx0123456789abcdef',
                serial => '5157F09EFDC096DE15EBE81A47057A7232F1B8E1',
                private_key_file => "$dir/own.key",
                key_file => "$dir/apiv3.key" },
    stripe => { api_key_file => "$dir/stripe.key",
                key_file => "$dir/webhook.key" },
);

# These need one of two things besides: so they have one here.

my %besides = (wechat => { certificate_file => "$dir/theirs.crt" },
               alipay => { public_key_file => "$dir/theirs.pub" });

openssl("req -x509 -new -key theirs.key -subj /CN=t -days 30 -out theirs.crt");
openssl("req -x509 -new -key next.key -subj /CN=n -days 30 -out next.crt");
openssl("req -x509 -new -key own.key -subj /CN=o -days 30 -out own.crt");
spew("$dir/apiv3.key", "0123456789abcdef0123456789abcdeF\n", 0600);
spew("$dir/stripe.key", "sk_test_51abcDEFghiJKLmno\n", 0600);
spew("$dir/webhook.key", "whsec_4f8Kq2LmXw9RtYz0BnVc\n", 0600);

sub conf {
    my ($protocol, %change) = @_;

    my %all = (%{ $good{$protocol} }, %{ $besides{$protocol} || {} },
               %change);
    my $block = join "\n", "channel way $protocol {",
        (map { "$_ $all{$_};" } grep { defined $all{$_} } sort keys %all),
        "}\n";
    my %keep = %{ $nginx->{opt} };
    @{ $nginx->{opt} }{qw(shop channels)} = ({}, $block);
    my $text = $nginx->conf;
    $nginx->{opt} = \%keep;

    return $nginx->check_conf($text);
}

sub accepted {
    my ($name, @channel) = @_;

    my ($code, $output) = conf(@channel);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($code, 0, "$name: taken") or diag($output);
}

sub refused {
    my ($name, $says, @channel) = @_;

    my ($code, $output) = conf(@channel);
    my @errors = grep { /\[emerg\]/ } split /\n/, $output;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($code != 0 && @errors == 1 && $errors[0] =~ $says
       && $errors[0] =~ m{ in /\S+/nginx\.conf:\d+\z},
       "$name: refused, with file and line") or diag($output);
    unlike($output, qr/MII|PRIVATE/, "$name: no key is quoted");
}


# Each needs what it needs, and nothing else means anything to it.

my %value = (%{ $good{stripe} }, %{ $good{epay} }, %{ $good{wechat} },
             %{ $good{alipay} }, %{ $besides{wechat} }, %{ $besides{alipay} },
             type => 'page', notify_method => 'get', currency => 'CNY',
             hash => 'md5');
my %type = (gmpay => 'usdt.tron', bepusdt => 'usdt.trc20');
my %may = (epay => [qw(type notify_method)], epay2 => ['type'],
           epusdt => ['type'], gmpay => ['type'], bepusdt => ['type'],
           alipay => [qw(type url public_key_file)],
           wechat => [qw(url certificate_file)], stripe => ['url']);

for my $protocol (sort keys %good) {
    accepted($protocol, $protocol);

    for my $name (sort keys %{ $good{$protocol} }) {
        refused("$protocol without $name",
                qr/channel "way" has no "$name"; add, for example: $name /,
                $protocol, $name => undef);
    }

    for my $name (sort keys %value) {
        next if $good{$protocol}{$name} || $name eq 'currency';

        if ("$protocol $name" eq 'wechat public_key_file'
            || "$protocol $name" eq 'alipay certificate_file') {
            next;                      # not alone; see below
        }

        if (grep { $_ eq $name } @{ $may{$protocol} }) {
            accepted("$protocol with $name", $protocol,
                     $name => $name eq 'type' && $type{$protocol}
                              || $value{$name});
        } else {
            refused("$protocol with $name",
                    qr/has a "$name", which means nothing to $protocol/,
                    $protocol, $name => $value{$name});
        }
    }
}

refused('epusdt with a pid of letters', qr/"pid" must be a number/, 'epusdt',
        pid => 'a1');
accepted('gmpay with HMAC', 'gmpay', hash => 'hmac-sha256');
refused('gmpay with another hash', qr/"hash" must be md5 or hmac/, 'gmpay',
        hash => 'sha256');
refused('gmpay with a text before the key', qr/"hash" must be/, 'gmpay',
        hash => 'md5 lower &key=');
refused('gmpay in clear', qr/"url" must be https/, 'gmpay',
        url => 'http://pay.example/');
refused('bepusdt with a token alone', qr/"type" must be a token and its/,
        'bepusdt', type => 'usdt');
refused('alipay for an app', qr/"type" must be page/, 'alipay',
        type => 'app');
refused('alipay in dollars', qr/Alipay takes CNY, not USD/, 'alipay',
        currency => 'USD');
accepted('alipay for phones', 'alipay', type => 'wap');
accepted('alipay with a QR code', 'alipay', type => 'precreate');
refused('a QR code in clear', qr/"url" must be https/, 'alipay',
        type => 'precreate', url => 'http://alipay.example/gateway.do');
refused('alipay without a key of the gateway', qr/no key: write/, 'alipay',
        public_key_file => undef);


# Alipay's certificate mode: a root, an issuer, Alipay's and our own.

openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ca.key');
openssl('req -x509 -new -key ca.key -subj /CN=root -days 30 -out root.crt');
openssl('req -x509 -new -key next.key -subj /CN=other -days 30'
        . ' -out other.crt');

sub issue {
    my ($name, $key, $by, $days, $extension) = @_;

    spew("$dir/ext", $extension || "basicConstraints=CA:FALSE\n");
    openssl("req -new -key $key -subj /CN=$name -out csr");
    openssl("x509 -req -in csr -CA $by.crt -CAkey "
            . ($by eq 'root' ? 'ca.key' : 'next.key')
            . " -set_serial 77 -days $days -extfile ext -out $name.crt");
}

issue('issuer', 'next.key', 'root', 30, "basicConstraints=CA:TRUE\n");
issue('alipay', 'theirs.key', 'issuer', 30);
issue('app', 'own.key', 'issuer', 30);
issue('expired', 'theirs.key', 'issuer', -1);
issue('app-old', 'own.key', 'issuer', -1);

for my $name (qw(alipay expired)) {
    spew("$dir/$name-chain.crt",
         slurp("$dir/$name.crt") . slurp("$dir/issuer.crt"));
}

my %certified = (public_key_file => undef,
                 app_certificate_file => "$dir/app.crt",
                 certificate_file => "$dir/alipay-chain.crt",
                 root_certificate_file => "$dir/root.crt");

accepted('certificates', 'alipay', %certified);
accepted('Alipay\'s without its issuer', 'alipay', %certified,
         certificate_file => "$dir/alipay.crt");
accepted('a next certificate', 'alipay', %certified,
         certificate_file => "$dir/alipay-chain.crt $dir/alipay.crt");
accepted('a public key besides', 'alipay', %certified,
         public_key_file => "$dir/theirs.pub");

for my $name (grep { /certificate/ } sort keys %certified) {
    refused("certificates without $name", qr/certificate mode needs three/,
            'alipay', %certified, $name => undef);
}

refused('Alipay\'s certificate expired', qr/the certificate has expired/,
        'alipay', %certified, certificate_file => "$dir/expired-chain.crt");
refused('our own expired', qr/"app_certificate_file": the certificate has/,
        'alipay', %certified, app_certificate_file => "$dir/app-old.crt");
refused('another root', qr/does not hang on a root/, 'alipay', %certified,
        root_certificate_file => "$dir/other.crt");
refused('a root of a curve', qr/has no root that is signed with RSA/,
        'alipay', %certified, certificate_file => "$dir/alipay.crt",
        root_certificate_file => do {
            openssl('ecparam -name prime256v1 -genkey -noout -out e.key');
            openssl('req -x509 -new -key e.key -subj /CN=e -days 9'
                    . ' -out ec.crt');
            "$dir/ec.crt";
        });
refused('a certificate that is none', qr/this is no certificate/, 'alipay',
        %certified, certificate_file => "$dir/theirs.pub");
refused('an application\'s that is none', qr/"app_certificate_file": this is/,
        'alipay', %certified, app_certificate_file => "$dir/theirs.pub");
refused('another application\'s', qr/is not the certificate of "private_key/,
        'alipay', %certified, app_certificate_file => "$dir/alipay.crt");
refused('our own in the place of Alipay\'s',
        qr/"certificate_file" is the public half of your own key/, 'alipay',
        %certified, certificate_file => "$dir/app.crt");


# The protocol that is written in its block.

my @custom = (
    'url http://127.0.0.1:1/submit.php', "key_file $dir/epay.key",
    'send pid 1000', 'send out_trade_no $order_no', 'send money $amount',
    'send notify_url $notify_url', 'notice order_no out_trade_no',
    'notice trade_no trade_no', 'notice amount money',
    'notice status trade_status TRADE_SUCCESS', 'hash md5',
);

sub custom {
    my ($without, @more) = @_;

    my @lines = grep { !$without || $_ !~ /\A$without/ } @custom;
    return ('custom', join ";\n", @lines, @more);
}

sub custom_conf {
    my ($protocol, $lines) = @_;

    my %keep = %{ $nginx->{opt} };
    @{ $nginx->{opt} }{qw(shop channels)}
        = ({}, "channel way $protocol {\n$lines;\n}\n");
    my $text = $nginx->conf;
    $nginx->{opt} = \%keep;

    return $nginx->check_conf($text);
}

for my $case (
    ['as little as can be', [undef]],
    ['all that it may have', [undef, 'currency USD',
        'notify_method get_post', 'sign_field sign sign_type',
        'success_body SUCCESS', 'notice account pid 1000',
        'sign_request out_trade_no money',
        'sign_notice pid money out_trade_no trade_status trade_no']],
    ['a hash with a text before the key',
        ['hash', 'hash hmac-sha256 upper &key=']],
) {
    my ($code, $output) = custom_conf(custom(@{ $case->[1] }));
    is($code, 0, "custom, $case->[0]: taken") or diag($output);
}

for my $case (
    ['without a send', ['send'], qr/has no "send"; add, for example: send /],
    ['without a hash', ['hash'], qr/has no "hash"; add, for example: hash /],
    ['another hash', ['hash', 'hash sha1'], qr/"hash sha1": there are md5/],
    ['a hash twice', [undef, 'hash md5'], qr/"hash" is given twice/],
    ['a secret as a constant', [undef, 'send key a&b'],
        qr/"send key": a constant has/],
    ['thirteen names', [undef, 'sign_notice ' . join ' ', 1 .. 13],
        qr/"sign_notice" names more than 12 fields/],
    ['without a status', ['notice status'],
        qr/channel "way": add, for example: "notice status /],
    ['no pid', [undef, 'pid 1'], qr/has a "pid", which means nothing/],
    ['what could be read in two ways', [undef,
        'sign_notice out_trade_no trade_no money trade_status'],
        qr/one notice could be read as another/],
) {
    my ($code, $output) = custom_conf(custom(@{ $case->[1] }));
    ok($code != 0 && $output =~ $case->[2], "custom, $case->[0]: refused")
        or diag($output);
}

# The examples of the documentation are what they claim to be.

my @examples = slurp('conf/nginx.conf')
    =~ /^ +\# channel \S+ custom \{\n(.*?)^ +\# \}\n/msg;
is(scalar @examples, 2, 'two protocols are written down as examples');

for my $example (@examples) {
    $example =~ s/^ +#//mg;
    $example =~ s{key_file +\S+;}{key_file $dir/epay.key;};
    my ($code, $output) = custom_conf('custom', $example =~ s/;\s*\z//r);
    is($code, 0, 'an example: taken') or diag($output);
}


# Keys, as they come.

spew("$dir/bare.key", bare('own.key'), 0600);
spew("$dir/bare.pub", bare('theirs.pub') . "\n", 0644);
accepted('keys without a frame, as merchant pages show them', 'alipay',
         private_key_file => "$dir/bare.key",
         public_key_file => "$dir/bare.pub");
accepted('a rotation of the gateway\'s key', 'epay2',
         public_key_file => "$dir/next.pub $dir/theirs.pub");

spew("$dir/public.pub", slurp("$dir/theirs.pub"), 0644);
accepted('a public key may be read by all', 'epay2',
         public_key_file => "$dir/public.pub");

chmod 0622, "$dir/public.pub";
refused('a public key that others can replace', qr/run: chmod go-w/, 'epay2',
        public_key_file => "$dir/public.pub");
spew("$dir/open.key", slurp("$dir/own.key"), 0644);
chmod 0644, "$dir/open.key";
refused('a private key that others can read', qr/run: chmod 600/, 'epay2',
        private_key_file => "$dir/open.key");

openssl('rsa -in own.key -pubout -out own-again.pub');
refused('our own public key in the place of the gateway\'s',
        qr/is the public half of your own key/, 'alipay',
        public_key_file => "$dir/own-again.pub");
refused('our own one as the previous', qr/is the public half of your own/,
        'alipay', public_key_file => "$dir/theirs.pub $dir/own.pub");
refused('the same key twice', qr/previous key equals the current/, 'alipay',
        public_key_file => "$dir/theirs.pub $dir/theirs.pub");

openssl('genrsa -traditional -out short.key 1024');
openssl('pkey -in short.key -pubout -out short.pub');
openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'
        . ' -out ec.key');
openssl('pkey -in ec.key -pubout -out ec.pub');
openssl('pkey -in own.key -aes-256-cbc -passout pass:secret -out locked.key');

refused('1024 bits', qr/less than 2048 bits/, 'epay2',
        private_key_file => "$dir/short.key");
refused('1024 bits of the gateway', qr/less than 2048 bits/, 'epay2',
        public_key_file => "$dir/short.pub");
refused('a curve', qr/is not an RSA key/, 'epay2',
        private_key_file => "$dir/ec.key");
refused('a curve of the gateway', qr/is not an RSA key/, 'epay2',
        public_key_file => "$dir/ec.pub");
refused('a private key in the place of the gateway\'s public one',
        qr/this is a private key/, 'epay2',
        public_key_file => "$dir/theirs.key");
refused('a public key in the place of our private one',
        qr/this is no private key/, 'epay2',
        private_key_file => "$dir/own.pub");
refused('an encrypted key', qr/this is no private key.*not encrypted/,
        'epay2', private_key_file => "$dir/locked.key");
refused('an MD5 key', qr/this is no public key/, 'epay2',
        public_key_file => "$dir/epay.key");
refused('no file', qr/cannot be opened; make it/, 'epay2',
        public_key_file => "$dir/nothing");


# WeChat Pay.

my $id = 'PUB_KEY_ID_0119000000012024';

# A certificate of theirs for these days, from now on.

sub dated {
    my @days = map { strftime('%Y%m%d%H%M%SZ', gmtime(time + 86400 * $_)) } @_;

    spew("$dir/ca.conf", <<'CONF', 0600);
[ca]
default_ca = d
[d]
database = db
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
[p]
commonName = supplied
CONF
    spew("$dir/db", "", 0600);
    openssl('req -new -key theirs.key -subj /CN=t -out csr');
    openssl('ca -config ca.conf -batch -notext -selfsign -keyfile theirs.key'
            . " -in csr -out dated.crt -startdate $days[0]"
            . " -enddate $days[1]");
}

accepted('a public key in the place of the certificate', 'wechat',
         certificate_file => undef, public_key_id => $id,
         public_key_file => "$dir/theirs.pub");
accepted('both, in a migration', 'wechat', public_key_id => $id,
         public_key_file => "$dir/next.pub");
accepted('a rotation of certificates', 'wechat',
         certificate_file => "$dir/next.crt $dir/theirs.crt");
refused('neither', qr/write "public_key_file" and "public_key_id", or/,
        'wechat', certificate_file => undef);
refused('a public key without its name', qr/belong together/, 'wechat',
        public_key_file => "$dir/next.pub");
refused('our own certificate', qr/is your own certificate/, 'wechat',
        certificate_file => "$dir/own.crt");
openssl("x509 -in theirs.crt -noout -serial >serial");
my ($serial) = slurp("$dir/serial") =~ /=(\w+)/;
refused("a platform serial equal to our own", qr/is your own certificate/,
        'wechat', serial => $serial);
refused('a key in the place of a certificate', qr/this is no certificate/,
        'wechat', certificate_file => "$dir/theirs.pub");
dated(-9, -1);
refused('an expired certificate', qr/certificate has expired/, 'wechat',
        certificate_file => "$dir/dated.crt");
dated(1, 9);
refused('one that begins tomorrow', qr/is not valid yet/, 'wechat',
        certificate_file => "$dir/dated.crt");
dated(-9, 1);
accepted('one that ends tomorrow', 'wechat',
         certificate_file => "$dir/dated.crt");
spew("$dir/short-apiv3.key", '0123456789abcdef', 0600);
refused('an APIv3 key of 16 characters', qr/exactly 32/, 'wechat',
        key_file => "$dir/short-apiv3.key");
refused('a gateway in clear', qr/"url" must be https, or/, 'wechat',
        url => 'http://pay.example');
accepted('one in clear on this machine', 'wechat',
         url => 'http://127.0.0.1:8090');
refused('dollars', qr/WeChat Pay takes CNY only/, 'wechat',
        currency => 'USD');


# Stripe.

spew("$dir/publishable.key", 'pk_live_51abcDEFghiJKLmno', 0600);
spew("$dir/live.key", 'rk_live_51abcDEFghiJKLmno', 0600);

accepted('a restricted key for real money', 'stripe',
         api_key_file => "$dir/live.key");
accepted('dollars', 'stripe', currency => 'USD');
refused('a publishable key', qr/publishable key \(pk_/, 'stripe',
        api_key_file => "$dir/publishable.key");
refused('the two secrets swapped', qr/must have the secret key/, 'stripe',
        api_key_file => "$dir/webhook.key", key_file => "$dir/stripe.key");
refused('the API key for both', qr/must have the signing secret/, 'stripe',
        key_file => "$dir/stripe.key");
refused('the same secret twice', qr/equals the current/, 'stripe',
        key_file => "$dir/webhook.key $dir/webhook.key");
refused('a path', qr/without a path/, 'stripe',
        url => 'https://api.stripe.com/v1');
refused('a gateway in clear', qr/"url" must be https, or/, 'stripe',
        url => 'http://pay.example');
refused('Icelandic kronur', qr/counts ISK and UGX/, 'stripe',
        currency => 'ISK');
chmod 0644, "$dir/live.key";
refused('an API key that others can read', qr/run: chmod 600/, 'stripe',
        api_key_file => "$dir/live.key");
