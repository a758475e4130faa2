# Refunds that the shop asks about by itself: never before it is on disk that
# it does, less and less often while it has no end, and beside the questions
# about orders that are not paid.  And one that fails after it had succeeded.

use lib 't/lib';

use Digest::SHA qw(hmac_sha256_hex);
use Faka::Channels;
use Faka::Proc qw(slurp);
use Faka::Test;
use Time::HiRes qw(sleep time);

my $t = Faka::Test->new(gateway => 1,
                        shop => { reconcile => '1s rate=50r/s' });
$t->own_clock;
my $c = Faka::Channels->new($t, [qw(alipay wechat stripe)])->start(60);
my $gateway = $t->gateway;
my $true = JSON::PP::true;

sub paid { return $c->delivered(@_) }

sub refund { return $t->admin('POST', "/orders/$_[0]{order}/refund", {}) }

sub states {
    my $order = $t->admin('GET', "/orders/$_[0]{order}")->json;
    return join ' ', map { $_->{state} } @{ $order->{payments} };
}

sub asks {
    my ($what, $answer) = @_;
    return $t->metrics->{"faka_gateway_asks_total{ask=\"$what\","
                         . "answer=\"$answer\"}"} // 0;
}

# So many seconds go by for the shop, in steps that are less than a turn of it,
# and for the gateway, which signs the time.  They are given back, for it does
# not take a time that is too far from its own.
my %mode;

sub mode {
    %mode = @_;
    $gateway->control('mode', \%mode);
}

sub go_by {
    my ($seconds) = @_;

    for my $step (1 .. $seconds / 4) {
        $t->later(4);
        $gateway->control('mode', { %mode, call_timestamp_s => 4 * $step });
        sleep 0.2;
    }
    $t->later(-$seconds);
    mode(%mode);
    sleep 0.3;
}


# Stripe takes back that it gave money back, days later: the log says so.

{
    my $order = $c->order('stripe');
    my $event = json_text({ object => 'event', type => 'refund.failed',
        livemode => JSON::PP::false, data => { object => {
            id => 're_9', object => 'refund', amount => 990,
            currency => 'jpy', status => 'failed',
            metadata => { order => $order->{order} } } } });
    my ($key, $now) = (slurp($t->secrets . '/webhook.key'), int time);
    my $sign = hmac_sha256_hex("$now.$event", $key);
    $t->http('POST', '/notify/stripe', body => $event, headers => {
        'Content-Type' => 'application/json',
        'Stripe-Signature' => "t=$now,v1=$sign" });
    my $line = "payment re_9 of 990 JPY for order $order->{order}: refused:";
    ok($t->nginx->wait_log(qr/\Q$line\E refund_failed/, 5),
       'a refund that has failed is logged with its order');
}


# The disk is silent while an operator waits for his refund to be asked for: he
# hears that it was not, so it must not have been.  Turns come every 5 s, and
# Redis is missed after 1.5 s: so it stops in each second of a turn once.

for my $second (0 .. 4) {
    ok($t->wait_open, 'the shop is open');
    my $order = paid('alipay');
    sleep 0.02 until time % 5 == $second;
    $t->redis->pause;
    my $answer = refund($order);
    $t->redis->cont;

    is($answer->status, 503, 'no refund without a disk');
    my $calls = $gateway->control("calls?out_trade_no=$order->{order}");
    is(scalar(grep { ($_->{name} // '') =~ /refund/ } @$calls), 0,
       'and nobody has asked for it');
    ok(wait_until(sub { refund($order)->status == 200 }, 20),
       'with the disk there is one');
    is(states($order), 'refunded', 'once');
}


# The shop's own money at the gateway has run out.  That is no gateway that
# does not answer, and nothing to ask for every few seconds.

$t->nginx->{opt}{shop}{auto_refund} = 'on';
$t->nginx->reload;
mode(refund_code => 'NOT_ENOUGH');
my @poor = map { paid('wechat') } 1 .. 3;
is(refund($_)->status, 200, 'an operator asks for it') for @poor;
is(states($poor[0]), 'refund_due', 'to no avail');

my $before = asks('refund', 'busy');
go_by(280);
my $asked = asks('refund', 'busy') - $before;
cmp_ok($asked, '>=', 2 * @poor, "it is asked for by itself: $asked");
cmp_ok($asked, '<=', 9 * @poor, 'less and less often');
unlike($t->nginx->error_log, qr/"wechat" does not answer/,
       'and the gateway is there for others');

mode();
is(refund($_)->json->{status}, 'refunded', 'money is there') for @poor;


# What has no end is asked about less and less often, too, and beside it the
# orders that somebody may have paid.

mode(refund_status => 'ABNORMAL');
my @odd = map { paid('wechat') } 1 .. 12;
refund($_) for @odd;
is(states($odd[0]), 'refund_asked', 'nobody knows what became of a refund');
$t->nginx->{opt}{shop}{reconcile} = '1s rate=1r/s';
$t->nginx->reload;

mode(drop => $true, refund_status => 'ABNORMAL');
my $lost = $c->opened('wechat');
$c->pay($lost);
ok(wait_until(sub { $c->status_of($lost) eq 'delivered' }, 20),
   'a payment whose notice is lost is found beside them');

$t->nginx->{opt}{shop}{reconcile} = '1s rate=50r/s';
$t->nginx->reload;
$before = asks('refund_query', 'unknown');
go_by(280);
$asked = asks('refund_query', 'unknown') - $before;
cmp_ok($asked, '>=', 2 * @odd, "the refunds are asked about: $asked");
cmp_ok($asked, '<=', 9 * @odd, 'less and less often');

$t->audit_ok;
