# Money that the shop asks back by itself, where a gateway cannot be asked what
# became of a refund (EPay V2): it is asked for again under its number, and
# given back once.  And what no gateway may be asked for: a payment that came
# under the number of another order's.

use lib 't/lib';

use Faka::Channels;
use Faka::Proc qw(wait_until);
use Faka::Test;
use Time::HiRes qw(sleep);

my $t = Faka::Test->new(gateway => 1, workers => 2,
    shop => { reconcile => '1s rate=50r/s', auto_refund => 'on',
              retention => '1h' });
$t->own_clock;
my $c = Faka::Channels->new($t, [qw(epay2 alipay)])->start(60);
my $gateway = $t->gateway;

sub seen { return $t->admin('GET', "/orders/$_[0]{order}")->json }
sub states { return join ' ', map { $_->{state} } @{ seen(@_)->{payments} } }

sub paid { return $c->delivered(@_) }

# Of a sum that is wrong, and denied by a person.
sub denied {
    my ($channel) = @_;

    my $order = $c->opened($channel);
    $c->notices($order, wrong_amount => '1.00');
    is($c->status_of($order), 'under_review', "$channel: a wrong sum");
    $c->pay($order);
    is($t->admin('POST', "/orders/$order->{order}/deny")->status, 200,
       'is denied');
    return $order;
}

sub asked {
    my ($order, $what) = @_;

    return scalar grep { $_->{path} =~ m{/\Q$what\E\z} }
        @{ $gateway->control("calls?out_trade_no=$order->{order}") };
}

sub given_back {
    my ($order) = @_;
    return $gateway->control("trades?out_trade_no=$order->{order}")
        ->[0]{refunded};
}


# ---- by itself, and after an answer that was lost

for my $channel (qw(epay2 alipay)) {
    my $order = denied($channel);
    ok(wait_until(sub { states($order) !~ /due|asked/ }, 20),
       "$channel: what is owed is asked back by itself")
        or diag(states($order));
    like(given_back($order), qr/\A(?:1\.00|49\.50)\z/, 'and given back, once');
}

$gateway->control('mode', { call_close => 'middle' });
my ($v2, $ali) = map { paid($_) } qw(epay2 alipay);
is($t->admin('POST', "/orders/$_->{order}/refund", {})->json->{status},
   'refund_due', "$_->{channel}: the answer is lost") for $v2, $ali;
is($t->admin('POST', "/orders/$v2->{order}/refund", {})->json->{status},
   'refund_due', 'an operator asks once more');
is(asked($v2, 'refund'), 1, 'but EPay V2 is not: the first may be under way');
$gateway->control('mode', {});
ok(wait_until(sub { states($ali) eq 'refunded' }, 20),
   'Alipay is asked what became of it');
is(asked($v2, 'refund'), 1, 'EPay V2 is not asked at once');

# A minute later, and the gateway is down: that says nothing of the first time.
$gateway->stop;
$t->later(62);
my $open = qr/refund $v2->{order}-1 of .*: asked for, and it is not known/;
ok(wait_until(sub { 2 <= (() = $t->nginx->error_log =~ /$open/g) }, 20),
   'it is asked again, and is down');
is(states($v2), 'refund_asked', 'which leaves it open');
$gateway->start;
ok(wait_until(sub { eval { $gateway->control('mode', {}); 1 } }, 10),
   'it comes back');
$t->later(130);
ok(wait_until(sub { states($v2) eq 'refunded' }, 30), 'and gives the answer');
is(given_back($_), '48.50', "$_->{channel}: it was given back once")
    for $v2, $ali;


# ---- under the number of another order's

for my $channel (qw(epay2 alipay)) {
    my ($first, $second) = map { paid($channel) } 1, 2;
    my $number = seen($first)->{payments}[0]{trade_no};
    $c->notices($second, trade_no => $number);
    is(states($second), 'applied refund_due',
       "$channel: a number that is another order's");
    like($t->nginx->error_log,
         qr/payment\ $number\ of\ .*order\ $second->{order}:
            \ reused:\ another\ order\ has\ its\ number/x, 'the log says so');
    sleep 4;
    is(states($second), 'applied refund_due', 'is not asked back by itself');
    my $answer = $t->admin('POST', "/orders/$second->{order}/refund", {});
    is($answer->json->{status}, 'delivered', 'nor by an operator');
    is(states($second), 'applied refund_due', 'who finds it owed still');
    is(given_back($_), '0.00', 'the gateway has given nothing back')
        for $first, $second;
    is($t->admin('POST', "/orders/$second->{order}/refunded",
                 { trade_no => "$number#$second->{order}" })->json->{status},
       'delivered', 'a person has, and says so');
    is(states($second), 'applied refunded', 'by the name that it is shown by');
}


# ---- an order that waits for stock, and is paid twice

# Both come as payments of another trade: its own is closed by the shop.
my $other = paid('alipay');
$t->product('rare', price => 4850);
$t->import_cards('rare', 1);
my $late = $t->checkout(sku => 'rare', channel => 'alipay')->json;

sub late_payment {
    $c->notices($other, other_order => $late->{order}, trade_no => $_[0]);
    return;
}

$t->later(1000);
ok(wait_until(sub { $c->status_of($late) eq 'expired' }, 10), 'it is late');
is($t->checkout(sku => 'rare', channel => 'alipay')->status, 201,
   'somebody else holds the card');
late_payment('2026112210');
is($c->status_of($late), 'waiting_for_stock', 'and waits');
late_payment('2026112211');
is($t->admin('POST', "/orders/$late->{order}/refunded",
             { trade_no => '2026112211' })->status, 200,
   'what came second is given back');
my $again = $t->admin('POST', "/orders/$late->{order}/refund", {});
is(join(' ', $again->status, $again->json->{field}), '409 trade_no',
   'who asks for it then has to say what for');
is($c->status_of($late), 'waiting_for_stock', 'it waits on');
is($t->admin('POST', "/orders/$late->{order}/deny")->status, 200, 'denied');
like(states($late), qr{\Arefund_(?:due|asked) refunded\z}, 'the rest is owed');

$t->audit_ok;
