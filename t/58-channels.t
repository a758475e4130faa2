# A shop with all its channels, and the practice gateway that speaks their
# protocols: each sells and delivers, once; and what a hostile or clumsy
# notice says is refused, or acknowledged without a delivery.  Which notices
# prove what, field by field, the unit tests of ngx_module/pay hold.

use lib 't/lib';

use Faka::Test;
use Faka::Http qw(http_one);
use Faka::Proc qw(slurp spew);
use Time::HiRes qw(sleep);

my ($app, $seller) = ('2021000000000001', '2088000000000099');

my $t = Faka::Test->new(gateway => 1);
my $dir = $t->secrets;

sub openssl {
    system('sh', '-c', "cd $dir && umask 077 && openssl $_[0] 2>/dev/null")
        == 0 or die "openssl $_[0]: $?";
}

# A pair each for us and the gateway, for each of the two RSA protocols.
for my $name (qw(shop2 epay2 app alipay)) {
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"
            . " -out $name.key");
    openssl("pkey -in $name.key -pubout -out $name.pub");
}

my $url = $t->gateway->url;
$t->gateway->{args} = [
    '--retry-ms', '100,200',
    '--epay2-pid', 2000, '--epay2-private-key', "$dir/epay2.key",
    '--epay2-merchant-public-key', "$dir/shop2.pub",
    '--epusdt-pid', 3000, '--epusdt-key-file', "$dir/epay.key",
    '--alipay-app-id', $app, '--alipay-seller-id', $seller,
    '--alipay-private-key', "$dir/alipay.key",
    '--alipay-app-public-key', "$dir/app.pub",
];

my $alipay = "url ${url}gateway.do; app_id $app; seller_id $seller;"
             . " private_key_file $dir/app.key;"
             . " public_key_file $dir/alipay.pub;";
$t->nginx->{opt}{channels} = <<"EOT";
channel epay epay {
    url $url; pid 1000; key_file $dir/epay.key;
}
channel epay2 epay2 {
    url $url; pid 2000; private_key_file $dir/shop2.key;
    public_key_file $dir/epay2.pub;
}
channel usdt epusdt {
    url $url; pid 3000; key_file $dir/epay.key;
}
channel alipay alipay {
    $alipay
}
channel wap alipay {
    $alipay type wap;
}
EOT
$t->start;
$t->product('steam-50', price => 4850);
$t->import_cards('steam-50', 200);

my @channels = qw(epay epay2 usdt alipay wap);
my %protocol = (epay => 'epay', epay2 => 'epay2', usdt => 'epusdt',
                alipay => 'alipay', wap => 'alipay');
my @sold;


sub order_by {
    my ($channel) = @_;

    my $order = $t->checkout(sku => 'steam-50', channel => $channel)->json;
    $order->{channel} = $channel;
    return $order;
}

# The trade is opened, as the buyer's browser does.
sub open_trade {
    my ($order) = @_;

    my $path = $order->{pay}{url} =~ s{\Ahttp://[^/]+}{}r;
    my $answer = http_one({ path => $path, port => $t->gateway->port });
    return $answer->status == 302;
}

# Sends notices under these switches: the answers of the shop.
sub notices {
    my ($order, %switches) = @_;

    my $answer = $t->gateway->control("notify/$order->{order}",
        { protocol => $protocol{ $order->{channel} }, %switches });
    return @{ $answer->{answers} };
}

sub status_of { return $t->order($_[0])->json->{status} }


# Each sells.

for my $channel (@channels) {
    my $order = order_by($channel);
    is($order->{pay}{method}, 'redirect', "$channel: a redirect");

    my $back = $t->gateway->pay_as_buyer($order->{pay}{url});
    like($back // '', qr{/return/$order->{order}\?}, 'the gateway takes it,'
         . ' and sends the buyer back');

    my $view = $t->order($order)->json;
    is($view->{status}, 'delivered', 'delivered');
    is(scalar @{ $view->{cards} || [] }, 1, 'a card');
    push @sold, @{ $view->{cards} || [] };

    my @again = notices($order, times => 20, parallel => 10);
    is(scalar(grep { $_->{status} == 200 && $_->{body} eq 'success' } @again),
       20, 'twenty times more: acknowledged');
    is_deeply($t->order($order)->json->{cards}, $view->{cards},
              'and nothing more is delivered');

    my ($return) = $back =~ m{\Ahttp://[^/]+(.*)};
    my $fresh = order_by($channel);
    $return =~ s/$order->{order}/$fresh->{order}/g;
    http_one({ path => $return, port => $t->nginx->port });
    is(status_of($fresh), 'awaiting_payment',
       'what the browser brings back pays nothing');
}


# What is refused: the shop says "fail", and nothing moves.  One order of an
# unknown number is proved all the same: it is the shop that knows none.

sub verdicts {
    my $metrics = $t->metrics;

    return { map { /\Afaka_notify_total\{verdict="(\w+)"\}\z/
                   ? ($1 => $metrics->{$_}) : () } keys %$metrics };
}

my %of_rsa = (
    'a time long past' => [{ timestamp_s => -302 }, 'stale'],
    'a time to come'   => [{ timestamp_s => 310 }, 'stale'],
    'a time that is none' => [{ timestamp => 'soon' }, 'stale'],
);
my %of_alipay = (
    'another seller'      => [{ seller_id => '2088000000000001' },
                              'not_ours'],
    'no seller'           => [{ omit => ['seller_id'] },
                              'not_ours'],
    'the service market'  => [{ notify_type => 'servicemarket_order_notify' },
                              'signature'],
    'another notice'      => [{ notify_type => 'other_notify' },
                              'not_ours'],
    'sign_type in the string' => [{ sign_type_signed => JSON::PP::true },
                                  'signature'],
);
my $true = JSON::PP::true;
my %refused = (
    'a flipped bit'   => [{ wrong_sign => 'flip' }, 'signature'],
    'no signature'    => [{ wrong_sign => 'missing' }, 'unsigned'],
    'an empty one'    => [{ wrong_sign => 'empty' }, 'unsigned'],
    'another account' => [{ wrong_pid => $true }, 'not_ours'],
    'our own request' => [{ reflect => $true }, 'reflected'],
    'an unsigned field' => [{ extra_unsigned_field => $true },
                            'signature'],
    'a field twice'   => [{ extra_unsigned_field => { trade_no => '1' } },
                          'duplicate'],
    'an amount that is none' => [{ wrong_amount => '1e1' }, 'amount'],
    'no status'       => [{ omit => ['trade_status'] },
                          'no_status'],
    'no trade number' => [{ omit => ['trade_no'] }, 'trade_no'],
    'an unknown order' => [{ other_order => 'X' x 26 }, 'paid'],
);
my %base64 = map { ("a signature with $_" =>
                    [{ wrong_sign => $_ }, 'signature']) }
             qw(newline space unpadded trailing);

my %no_key = ('a key of nothing' => [{ empty_key_sign => $true },
                                     'signature'],
              'upper case' => [{ wrong_sign => 'upper' },
                               'signature']);
# Requests and notices of these have a key each.
my %own_key = ('our own request' => [{ reflect => $true }, 'signature']);

my %hostile = (
    epay   => { %refused, %no_key },
    epay2  => { %refused, %of_rsa, %base64, %own_key,
                'MD5' => [{ algorithm => 'MD5' }, 'algorithm'],
                'SHA-1' => [{ algorithm => 'SHA1' }, 'signature'] },
    usdt   => { %refused, %no_key },
    alipay => { %refused, %of_alipay, %base64, %own_key,
                'SHA-1' => [{ algorithm => 'SHA1' },
                            'algorithm'] },
);

for my $channel (sort keys %hostile) {
    my $order = order_by($channel);
    ok(open_trade($order), "$channel: the trade is open");

    for my $name (sort keys %{ $hostile{$channel} }) {
        my ($switches, $verdict) = @{ $hostile{$channel}{$name} };
        my $before = verdicts();
        my ($answer) = notices($order, %$switches);
        my $after = verdicts();

        ok($answer->{status} == 400 && $answer->{body} eq 'fail',
           "$channel, $name: fail")
            or diag("$answer->{status} $answer->{body}");
        is_deeply([grep { $after->{$_} != $before->{$_} } sort keys %$after],
                  [$verdict], "  for it is $verdict");
    }

    is(status_of($order), 'awaiting_payment', 'nothing was paid');
    my ($answer) = notices($order);
    is($answer->{body}, 'success', 'the true notice counts after them all');
    is(status_of($order), 'delivered', 'and delivers');
}


# Acknowledged, and nothing is delivered.

for my $channel (qw(epay epay2 usdt alipay)) {
    my $order = order_by($channel);
    open_trade($order);

    my ($waiting) = notices($order, status => 'WAIT_BUYER_PAY');
    is($waiting->{body}, 'success', "$channel: a notice that waits");
    is(status_of($order), 'awaiting_payment', 'is none of a payment');

    my ($less) = notices($order, wrong_amount => '48.49');
    is($less->{body}, 'success', 'a cent too little is acknowledged');
    is(status_of($order), 'under_review', 'and a person decides');
}


# The order of another channel is not paid through this one.
{
    my $order = order_by('epay');
    my $other = order_by('epay2');
    open_trade($other);
    my ($answer) = notices($other, other_order => $order->{order});
    is($answer->{status}, 400, 'another channel\'s order: refused');
    is(status_of($order), 'awaiting_payment', 'and not paid');
}


# Alipay tells of refunds at the same address.

my @refund = (refund_fee => '48.50', gmt_refund => '2026-01-01 00:00:00');
{
    my $order = order_by('alipay');
    open_trade($order);

    my ($first) = notices($order, status => 'TRADE_CLOSED', @refund);
    is($first->{body}, 'success', 'a refund before its payment');
    is(status_of($order), 'under_review', 'is for a person');
    like($t->nginx->error_log,
         qr/\[error\].*order $order->{order}: the gateway gave money back/,
         'and stands in the log');

    my ($late) = notices($order);
    is($late->{body}, 'success', 'the payment, late');
    is(status_of($order), 'under_review', 'delivers nothing any more');
}
{
    my $order = order_by('alipay');
    open_trade($order);

    my ($finished) = notices($order, status => 'TRADE_FINISHED');
    is($finished->{body}, 'success', 'a payment that is past refunding');
    is(status_of($order), 'delivered', 'is one');

    my ($part) = notices($order, refund_fee => '1.00',
                         gmt_refund => '2026-01-01 00:00:00');
    is($part->{body}, 'success', 'a refund of a part');
    my ($closed) = notices($order, status => 'TRADE_CLOSED', @refund);
    is($closed->{body}, 'success', 'and of the rest');
    is(status_of($order), 'delivered', 'change nothing here');
}


# One carrier, one method, one type of content.

for my $case (['GET on Alipay\'s address', 'alipay', method => 'GET'],
              ['POST on EPay V2\'s', 'epay2', method => 'POST'],
              ['POST on epusdt\'s', 'usdt', method => 'POST'])
{
    my ($name, $channel, @switch) = @$case;
    my $order = order_by($channel);
    open_trade($order);
    my ($answer) = notices($order, @switch);
    is($answer->{status}, 405, "$name: not allowed");
    is(status_of($order), 'awaiting_payment', 'and not read');
}

my $form = 'application/x-www-form-urlencoded';

for my $type ('text/plain', 'multipart/form-data; boundary=x', undef) {
    my $answer = http_one({ method => 'POST', path => '/notify/alipay',
        port => $t->nginx->port, body => 'a=b',
        headers => { defined $type ? ('Content-Type' => $type) : () } });
    is($answer->status, 415, 'Content-Type ' . ($type // 'missing'));
}

my $both = http_one({ method => 'POST', path => '/notify/alipay?a=b',
    port => $t->nginx->port, body => 'a=b',
    headers => { 'Content-Type' => $form } });
is($both->status, 400, 'a query and a body');


# A thousand copies at once, and workers that are killed under them.

for my $channel (qw(epay alipay)) {
    my $order = order_by($channel);
    open_trade($order);

    my $flood = $t->background(sub {
        return [notices($order, times => 1000, parallel => 100)];
    });
    for (1 .. 4) {
        sleep 0.03;
        $t->nginx->kill_worker;
    }
    my @answers = @{ $flood->wait };
    my @lost = grep { $_->{status} != 200 || $_->{body} ne 'success' }
               @answers;
    is(scalar @answers, 1000, "$channel: a thousand copies, "
       . @lost . ' of them without an answer from who was killed');

    for (1 .. 50) {
        last if !@lost;
        sleep 0.1;
        @lost = grep { $_->{body} ne 'success' }
                notices($order, times => scalar @lost, parallel => 100);
    }
    is(scalar @lost, 0, 'those are sent again: all are acknowledged');

    my $view = $t->order($order)->json;
    is($view->{status}, 'delivered', 'delivered');
    is(scalar @{ $view->{cards} || [] }, 1, 'once');
    push @sold, @{ $view->{cards} || [] };
}

my %twice;
$twice{$_}++ for @sold;
is_deeply([grep { $twice{$_} > 1 } keys %twice], [], 'no card is sold twice');


# No log holds a key, a signature or a card.

my $logs = join '', map { slurp($_) // '' } glob $t->nginx->dir . '/*.log';
my @secrets = (@sold, $t->token,
    map { /\A(\S{20})/ } map { slurp("$dir/$_") } qw(epay.key cards.key));
push @secrets, grep { !/-----/ && length > 40 }
    map { split /\n/, slurp("$dir/$_.key") } qw(app shop2);
cmp_ok(scalar @secrets, '>', 50, 'secrets to look for');
is(scalar(grep { index($logs, $_) >= 0 } @secrets), 0, 'none is in a log');
unlike($t->nginx->error_log, qr{/notify/\S*sign=},
       'nor is a notice in that of errors');

$t->audit_ok;
