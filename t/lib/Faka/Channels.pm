package Faka::Channels;

# A shop with a channel of every protocol, and the practice gateway that plays
# the other side of each:
#
#     my $t = Faka::Test->new(gateway => 1);
#     my $c = Faka::Channels->new($t, [qw(epay wechat)], tls => 1);
#     $t->start;
#     my $order = $c->order('wechat');
#     $c->sells('epay');
#
# What is on sale are the products "card", for CNY, and "yen", for the channel
# stripe: a currency without minor units is where shops charge a hundredfold.

use strict;
use warnings;

use Test::More;

use Faka::Http qw(http_one);
use Faka::Proc qw(free_port slurp spew wait_until);

use constant { PRICE => 4850, YEN => 990 };

my $APP = '2021000000000001';
my $SELLER = '2088000000000099';
my $MCHID = '1900000001';
my $WX_APP = 'wx0123456789abcdef';
my $KEY_ID = 'PUB_KEY_ID_0119000000012024';
my $OUR_SERIAL = '3775B6A45ACD588826D15E583A95F5DD';
my $SERIAL = '5157F09EFDC096DE15EBE81A47057A7232F1B8E1';

# name => [protocol, the practice gateway's word for it, how it is paid, what
# stands in its block]; URL and DIR are put in.

my $ALIPAY = "url URLgateway.do; app_id $APP; seller_id $SELLER;"
             . ' private_key_file DIR/app.key;';
my $BY_KEY = "$ALIPAY public_key_file DIR/alipay.pub;";

# Certificate mode is one way of an account, key mode the other.
my $BY_CERTIFICATE = "$ALIPAY app_certificate_file DIR/app.crt;"
    . ' certificate_file DIR/alipay.crt; root_certificate_file DIR/root.crt;';

my %CHANNELS = (
    epay    => ['epay', 'epay', 'redirect',
                'url URL; pid 1000; key_file DIR/epay.key;'],
    epay2   => ['epay2', 'epay2', 'redirect',
                'url URL; pid 2000; private_key_file DIR/shop2.key;'
                . ' public_key_file DIR/epay2.pub;'],
    usdt    => ['epusdt', 'epusdt', 'redirect',
                'url URL; pid 3000; key_file DIR/epay.key;'],
    custom  => ['custom', 'epay', 'redirect', <<'EOT'],
        url    URLsubmit.php; key_file DIR/epay.key;
        send   pid 1000;
        send   type alipay;
        send   out_trade_no $order_no;
        send   notify_url $notify_url;
        send   return_url $return_url;
        send   name order;
        send   money $amount;
        send   sign_type MD5;
        notice order_no out_trade_no;
        notice trade_no trade_no;
        notice amount money;
        notice status trade_status TRADE_SUCCESS;
        notice account pid 1000;
        hash   md5;
EOT
    alipay  => ['alipay', 'alipay', 'redirect', $BY_KEY],
    wap     => ['alipay', 'alipay', 'redirect', "$BY_KEY type wap;"],
    qr      => ['alipay', 'alipay', 'qr', "$BY_KEY type precreate;"],
    page_crt => ['alipay', 'alipay', 'redirect', $BY_CERTIFICATE],
    qr_crt  => ['alipay', 'alipay', 'qr', "$BY_CERTIFICATE type precreate;"],
    wechat  => ['wechat', 'wechat', 'qr',
                "url URL; mchid $MCHID; app_id $WX_APP; serial $OUR_SERIAL;"
                . ' private_key_file DIR/own.key; key_file DIR/apiv3.key;'
                . " public_key_file DIR/wechat.pub; public_key_id $KEY_ID;"
                . ' certificate_file DIR/platform.crt;'],
    stripe  => ['stripe', 'stripe', 'redirect',
                'url URL; api_key_file DIR/stripe.key;'
                . ' key_file DIR/webhook.key; currency JPY;'],
    gmpay   => ['gmpay', 'gmpay', 'redirect',
                'url URL; pid 4000; key_file DIR/epay.key;'
                . ' hash hmac-sha256;'],
    bepusdt => ['bepusdt', 'bepusdt', 'redirect',
                'url URL; key_file DIR/epay.key;'],
);


# The channels by name, in this order.  tls => 1: the gateway answers over
# TLS, too, with the certificate "right" of authority(), and is asked there.

sub new {
    my ($class, $t, $names, %opt) = @_;

    my $self = bless { t => $t, dir => $t->secrets, %opt }, $class;
    $self->_keys;

    my $by_certificate = grep { /_crt\z/ } @$names;
    my @tls;

    if ($opt{tls}) {
        $self->_authority;
        $self->certificate('right', 'DNS:localhost');
        $self->{tls_port} = free_port();
        @tls = $self->tls_args('right');
    }

    my $url = $opt{tls} ? "https://localhost:$self->{tls_port}/"
                        : $t->gateway->url;
    $t->gateway->{args} = [$self->_accounts($by_certificate), @tls];
    $t->nginx->{opt}{channels} = join '', map {
        my ($protocol, undef, undef, $text) = @{ $CHANNELS{$_} };
        $text =~ s/DIR/$self->{dir}/g;
        $text =~ s/URL/$url/g;
        "channel $_ $protocol {\n$text\n}\n";
    } @$names;
    $t->nginx->{opt}{shop}{gateway_trusted_certificate} = "$self->{dir}/ca.crt"
        if $opt{tls};

    # Else nginx logs that there is no such page, with its arguments.
    $t->nginx->{opt}{server} = "location /return/ { return 204; }\n";

    return $self;
}


# The shop opens, with so many cards for each of the two currencies.

sub start {
    my ($self, $cards) = @_;

    my $t = $self->{t};
    $t->start;
    $t->product('card', price => PRICE);
    $t->import_cards('card', $cards);
    $t->product('yen', price => YEN, currency => 'JPY');
    $t->import_cards('yen', $cards);
    return $self;
}


# ---- keys, certificates, accounts --------------------------------------

sub openssl {
    my ($self, $command) = @_;

    system('sh', '-c', "cd $self->{dir} && umask 077 && openssl $command"
           . ' 2>/dev/null') == 0 or die "openssl $command: $?";
}


sub _keys {
    my ($self) = @_;

    my $dir = $self->{dir};
    for my $name (qw(shop2 epay2 app alipay own platform wechat root)) {
        $self->openssl('genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048'
                       . " -out $name.key");
        $self->openssl("pkey -in $name.key -pubout -out $name.pub");
    }

    $self->openssl("req -x509 -new -key platform.key -subj /CN=t -days 30"
                   . " -set_serial 0x$SERIAL -out platform.crt");
    $self->openssl('req -x509 -new -key root.key -subj /CN=root -days 30'
                   . ' -out root.crt');
    for my $name (qw(app alipay)) {
        $self->openssl("req -new -key $name.key -subj /CN=$name"
                       . " -out $name.csr");
        $self->openssl("x509 -req -in $name.csr -CA root.crt -CAkey root.key"
                       . " -CAcreateserial -days 30 -out $name.crt");
    }

    $self->openssl("rand -hex 16 | tr -d '\\n' > apiv3.key");
    $self->{api_key} = 'sk_test_' . _hex(24);
    spew("$dir/stripe.key", $self->{api_key}, 0600);
    spew("$dir/webhook.key", 'whsec_' . _hex(24), 0600);
}


sub _hex {
    my ($size) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "/dev/urandom: $!";
    read $fh, my $bytes, $size / 2;
    return unpack 'H*', $bytes;
}


sub _authority {
    my ($self) = @_;

    $self->openssl('req -x509 -newkey rsa:2048 -nodes -keyout ca.key'
                   . ' -out ca.crt -days 30 -subj /CN=ca');
}


# NAME.crt and NAME.key, for these names: of the authority that the shop
# trusts.  With -1 days it has expired.

sub certificate {
    my ($self, $name, $for, $days) = @_;

    $self->openssl("req -new -newkey rsa:2048 -nodes -keyout $name.key"
                   . " -out $name.csr -subj /CN=$name"
                   . " -addext subjectAltName=$for");
    $self->openssl("x509 -req -in $name.csr -CA ca.crt -CAkey ca.key"
                   . ' -CAcreateserial -copy_extensions copy -out '
                   . "$name.crt -days " . ($days // 30));
}


sub tls_args {
    my ($self, $name) = @_;

    return ('--tls-port', $self->{tls_port}, '--tls-cert',
            "$self->{dir}/$name.crt", '--tls-key', "$self->{dir}/$name.key");
}


# The gateway comes again with another certificate, and with its trades.

sub gateway_with {
    my ($self, $name) = @_;

    my $gateway = $self->{t}->gateway;
    my @args = @{ $gateway->{args} };
    $gateway->stop;
    $gateway->{args} = [@args[0 .. $#args - 6], $self->tls_args($name)];
    $gateway->start;
}


sub _accounts {
    my ($self, $by_certificate) = @_;

    my $dir = $self->{dir};
    return (
        '--retry-ms', '100,200',
        '--epay2-pid', 2000, '--epay2-private-key', "$dir/epay2.key",
        '--epay2-merchant-public-key', "$dir/shop2.pub",
        '--epusdt-pid', 3000, '--epusdt-key-file', "$dir/epay.key",
        '--alipay-app-id', $APP, '--alipay-seller-id', $SELLER,
        '--alipay-private-key', "$dir/alipay.key",
        '--alipay-app-public-key', "$dir/app.pub",
        ($by_certificate ? (
            '--alipay-certificate-file', "$dir/alipay.crt",
            '--alipay-app-certificate-file', "$dir/app.crt",
            '--alipay-root-certificate-file', "$dir/root.crt") : ()),
        '--wechat-mchid', $MCHID, '--wechat-appid', $WX_APP,
        '--wechat-apiv3-key-file', "$dir/apiv3.key",
        '--wechat-private-key', "$dir/platform.key",
        '--wechat-serial', $SERIAL,
        '--wechat-merchant-public-key', "$dir/own.pub",
        '--wechat-merchant-serial', $OUR_SERIAL,
        '--wechat-public-key-id', $KEY_ID,
        '--wechat-public-key-private', "$dir/wechat.key",
        '--stripe-api-key-file', "$dir/stripe.key",
        '--stripe-webhook-secret-file', "$dir/webhook.key",
        '--stripe-notify-url', 'http://127.0.0.1:'
                               . $self->{t}->nginx->port . '/notify/stripe',
        '--gmpay-pid', 4000, '--gmpay-key-file', "$dir/epay.key",
        '--gmpay-hash', 'hmac', '--bepusdt-key-file', "$dir/epay.key");
}


# ---- orders and notices ------------------------------------------------

sub sku { return $_[1] eq 'stripe' ? 'yen' : 'card' }

sub order {
    my ($self, $channel) = @_;

    my $order = $self->{t}->checkout(sku => $self->sku($channel),
                                     channel => $channel)->json;
    $order->{channel} = $channel;
    return $order;
}


# An order whose trade the gateway knows: a browser has opened it, or the shop
# has, by a call.

sub opened {
    my ($self, $channel) = @_;

    my $order = $self->order($channel);
    my $path = ($order->{pay}{url} // '') =~ s{\Ahttps?://[^/]+}{}r;
    my $answer = http_one({ path => $path,
                            port => $self->{t}->gateway->port });
    die "$channel: " . $answer->brief . "\n"
        if $answer->status != 302 && $answer->status != 200;
    return $order;
}


sub protocol { return $CHANNELS{ $_[1] }[1] }


# The gateway pays without a browser: what came of the notice.

sub pay {
    my ($self, $order) = @_;

    return $self->{t}->gateway->control("pay/$order->{order}",
        { protocol => $self->protocol($order->{channel}) });
}


# An order that is paid, and delivered for it.

sub delivered {
    my ($self, $channel) = @_;

    my $order = $self->opened($channel);
    $self->pay($order);
    die "$channel: $order->{order} is not delivered\n"
        unless wait_until(sub { $self->status_of($order) eq 'delivered' }, 10);
    return $order;
}


# Sends notices under these switches: the answers of the shop.  epusdt's say
# how the trade is, paid or not, unless a switch does.

sub notices {
    my ($self, $order, %switches) = @_;

    $switches{status} //= '2' if $order->{channel} =~ /\A(?:gm|be)/;
    my $answer = $self->{t}->gateway->control("notify/$order->{order}",
        { protocol => $self->protocol($order->{channel}), %switches });
    return @{ $answer->{answers} };
}


sub look { return $_[0]{t}->order($_[1])->json }

sub status_of { return $_[0]->look($_[1])->{status} }

sub says {
    my ($self, $channel, $is_good) = @_;

    my $wechat = $CHANNELS{$channel}[0] eq 'wechat';
    return $is_good ? $wechat ? '{"code":"SUCCESS"}' : 'success'
                    : $wechat ? '{"code":"FAIL","message":"refused"}' : 'fail';
}


# ---- what each channel must do -----------------------------------------

# A buyer pays, and has one card, however often the gateway says so; what his
# browser brings back pays nothing.

sub sells {
    my ($self, $channel) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $gateway = $self->{t}->gateway;
    my $order = $self->order($channel);
    is($order->{pay}{method}, $CHANNELS{$channel}[2],
       "$channel: $CHANNELS{$channel}[2]");

    my $back = $gateway->pay_as_buyer($order->{pay}{url});
    like($back // '', $CHANNELS{$channel}[2] eq 'qr' ? qr{\A\z|/return/}
         : qr{/return/$order->{order}\b}, 'the gateway takes the money');

    my $view = $self->look($order);
    is($view->{status}, 'delivered', 'delivered');
    is(scalar @{ $view->{cards} || [] }, 1, 'a card');
    $self->sold(@{ $view->{cards} || [] });

    my $body = $self->says($channel, 1);
    my @again = $self->notices($order, times => 20, parallel => 10);
    is(scalar(grep { $_->{status} == 200 && $_->{body} eq $body } @again),
       20, 'twenty times more: acknowledged');
    is_deeply($self->look($order)->{cards}, $view->{cards},
              'and nothing more is delivered');

    my $fresh = $self->order($channel);
    my $path = "/return/$fresh->{order}";
    if ($back) {
        $path = $back =~ s{\Ahttp://[^/]+}{}r;
        $path =~ s/$order->{order}/$fresh->{order}/g;
    }
    http_one({ path => $path, port => $self->{t}->nginx->port });
    is($self->status_of($fresh), 'awaiting_payment',
       'what the browser brings back pays nothing');
}


sub verdicts {
    my ($self) = @_;

    my $metrics = $self->{t}->metrics;
    return { map { /\Afaka_notify_total\{verdict="(\w+)"\}\z/
                   ? ($1 => $metrics->{$_}) : () } keys %$metrics };
}


# Notices that prove nothing: {name => [{switches}, verdict, more words of
# that]}.  The shop says "fail", and nothing moves; then the true one counts.

sub refuses {
    my ($self, $channel, $hostile) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $order = $self->opened($channel);
    my $body = $self->says($channel, 0);

    for my $name (sort keys %$hostile) {
        my ($switches, $verdict) = @{ $hostile->{$name} };
        my $before = $self->verdicts;
        my ($answer) = $self->notices($order, %$switches);
        my $after = $self->verdicts;

        ok($answer->{status} == 400 && $answer->{body} eq $body,
           "$channel, $name: fail")
            or diag("$answer->{status} $answer->{body}");
        is_deeply([grep { $after->{$_} != $before->{$_} } sort keys %$after],
                  [$verdict], "  for it is $verdict");
    }

    is($self->status_of($order), 'awaiting_payment', 'nothing was paid');
    $self->accepts($order, 'the true notice counts after them all');
}


# Sends one notice, which is acknowledged and delivers.

sub accepts {
    my ($self, $order, $name, %switches) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($answer) = $self->notices($order, %switches);
    is($answer->{body}, $self->says($order->{channel}, 1), $name);
    my $view = $self->look($order);
    is($view->{status}, 'delivered', '  and delivers');
    $self->sold(@{ $view->{cards} || [] });
}


# Sends one notice, which is acknowledged, and leaves the order as that says.

sub acknowledges {
    my ($self, $order, $status, $name, %switches) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($answer) = $self->notices($order, %switches);
    is($answer->{status} . ' ' . $answer->{body},
       '200 ' . $self->says($order->{channel}, 1), $name);
    is($self->status_of($order), $status, "  and the order is $status");
}


# A thousand copies at once, and workers that are killed under them.

sub stands {
    my ($self, $channel) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $t = $self->{t};
    my $order = $self->opened($channel);
    my $body = $self->says($channel, 1);

    my $flood = $t->background(sub {
        return [$self->notices($order, times => 1000, parallel => 100)];
    });
    for (1 .. 4) {
        select undef, undef, undef, 0.03;
        $t->nginx->kill_worker;
    }
    my @answers = @{ $flood->wait };
    my @lost = grep { $_->{status} != 200 || $_->{body} ne $body } @answers;
    is(scalar @answers, 1000, "$channel: a thousand copies, "
       . @lost . ' of them without an answer from who was killed');

    for (1 .. 50) {
        last if !@lost;
        select undef, undef, undef, 0.1;
        @lost = grep { $_->{body} ne $body }
                $self->notices($order, times => scalar @lost,
                               parallel => 100);
    }
    is(scalar @lost, 0, 'those are sent again: all are acknowledged');

    my $view = $self->look($order);
    is($view->{status}, 'delivered', 'delivered');
    is(scalar @{ $view->{cards} || [] }, 1, 'once');
    $self->sold(@{ $view->{cards} || [] });
}


# ---- the end -----------------------------------------------------------

# Cards that buyers have seen.

sub sold { my $self = shift; push @{ $self->{sold} }, @_ }


# No card was sold twice, the books are right, and no log has a secret.

sub ends_well {
    my ($self) = @_;

    my $t = $self->{t};
    my @sold = @{ $self->{sold} || [] };
    my %twice;
    $twice{$_}++ for @sold;
    is_deeply([grep { $twice{$_} > 1 } keys %twice], [],
              'no card is sold twice');

    my @secrets = (@sold, $t->token, map { slurp($_) =~ /\A(\S{20})/ }
                   map { "$self->{dir}/$_.key" }
                   qw(epay cards apiv3 stripe webhook));
    push @secrets, grep { !/-----/ && length > 40 }
        map { split /\n/, slurp("$self->{dir}/$_.key") } qw(app shop2 own);
    cmp_ok(scalar @secrets, '>', 50, 'secrets to look for');

    my $logs = join '', map { slurp($_) // '' } $t->redis->{log} // (),
               glob $t->nginx->dir . '/*.log';
    is(scalar(grep { index($logs, $_) >= 0 } @secrets), 0,
       'none is in a log');

    my $known = qr{/notify/\S*sign=|Bearer |WECHATPAY2|v1=[0-9a-f]};
    my $like_one = qr{\b[0-9a-f]{32}|[A-Za-z0-9+/]{80}|(?:%2[BF]\w+){5}};
    my @lines = split /\n/, $t->nginx->error_log;
    is(scalar(grep { /$known/ || /$like_one/ } @lines), 0,
       'nor a notice, a header or a signature in that of errors');

    $t->audit_ok;
}


1;
