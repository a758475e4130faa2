# Money that is given back: the operator says so payment by payment, the
# audit follows, and only then is the order finished and leaves for the
# archive.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Proc qw(spew);
use Faka::Test;

use Cwd ();

# A shop whose clock the test sets: orders get old in no time.
my $t = Faka::Test->new(shop => { retention => '1h', hold => '10m' });
$t->nginx->{opt}{env} = {
    LD_PRELOAD => Cwd::abs_path('build/soak/clock.so'),
    FAKA_CLOCK => $t->dir . '/clock' };
spew($t->dir . '/clock', pack('q<', 0), 0644);
$t->start;
$t->product('card', price => 500);
$t->import_cards('card', 20);

my $path = '/admin/orders/{order}/refunded';


sub refunded {
    my ($order, $trade_no) = @_;

    my $answer = $t->admin('POST', "/orders/$order->{order}/refunded",
                           { trade_no => $trade_no });
    api_ok('POST', $path, $answer, 'a refund: as described');
    return $answer;
}


sub money {
    my ($view) = @_;

    return join ' ', $view->{status},
           map { "$_->{trade_no}=$_->{state}" } @{ $view->{payments} };
}


sub totals {
    my $totals = $t->audit_ok->{totals};
    return join ' ', $totals->{payments_amount}{CNY},
           @$totals{qw(payments_count refund_due refunded)};
}


# ---- an order that was paid twice -------------------------------------------

my $twice = $t->checkout(sku => 'card')->json;
for my $trade_no ('T-1', 'T-2', 'T-3') {
    is($t->notify($twice, trade_no => $trade_no)->body, 'success',
       "payment $trade_no is booked");
}
is(totals(), '1500 3 2 0', 'three payments are kept, two of them owed');

for my $case (
    ['one that pays the order', 'T-1', 409, 'conflict'],
    ['one that never came', 'T-9', 404, 'not_found'],
    ['a trade number of 64', 'x' x 64, 404, 'not_found'],
    ['a longer one', 'x' x 65, 400, 'invalid_request'],
    ['an empty one', '', 400, 'invalid_request'])
{
    my ($name, $trade_no, $status, $code) = @$case;
    my $answer = refunded($twice, $trade_no);
    is($answer->status . ' ' . $answer->code, "$status $code", $name);
}

my $given = refunded($twice, 'T-2');
is($given->status, 200, 'one of them was given back');
is(money($given->json), 'delivered T-1=applied T-2=refunded '
   . 'T-3=refund_due', 'it alone, and the order stays delivered');
is(totals(), '1000 3 1 1', 'its money is not kept any more');
is($t->metrics->{faka_refunds_total}, 1, 'it is counted');

my $again = refunded($twice, 'T-2');
is($again->status, 200, 'said twice is as good as once');
is(money($again->json), money($given->json), 'the same answer');
is($t->metrics->{faka_refunds_total}, 1, 'counted once');


# ---- an order that is to be refunded ----------------------------------------

my $denied = $t->checkout(sku => 'card')->json;
is($t->notify($denied, trade_no => "D-$_", money => '0.01')->body, 'success',
   'a wrong amount') for 1, 2;
is(refunded($denied, 'D-1')->code, 'conflict', 'under review is not owed');
is($t->admin('POST', "/orders/$denied->{order}/deny")->status, 200, 'denied');
is(money(refunded($denied, 'D-1')->json),
   'refund_due D-1=refunded D-2=refund_due', 'the first is given back');
is(money(refunded($denied, 'D-2')->json),
   'refunded D-1=refunded D-2=refunded', 'with the last the order is');
is(refunded($denied, 'T-3')->status, 404, 'it has no payment of another');


# ---- what is no refund ------------------------------------------------------

my $call = "/orders/$twice->{order}/refunded";
for my $case (
    ['no body', undef, 400], ['no trade number', {}, 400],
    ['a number', { trade_no => 5 }, 400],
    ['an unknown field', { trade_no => 'T-3', amount => 5 }, 400])
{
    my ($name, $body, $status) = @$case;
    my $answer = $t->admin('POST', $call, $body,
        headers => { 'Content-Type' => 'application/json' });
    is($answer->status, $status, $name);
    api_ok('POST', $path, $answer, "$name: as described");
}
is($t->admin('POST', $call, undef, body => 'T-3',
             headers => { 'Content-Type' => 'text/plain' })->status, 415,
   'no JSON');
is($t->admin('GET', $call)->header('allow'), 'POST', 'reading is no refund');
is($t->admin('POST', '/orders/x/refunded', { trade_no => 'T-3' })->status,
   404, 'no order id at all');
is($t->http('POST', "/admin$call", body => '{"trade_no":"T-3"}',
            headers => { 'Content-Type' => 'application/json' })->status,
   401, 'nor without the token');


# ---- durable, and finished --------------------------------------------------

$t->nginx->kill_all;
$t->nginx->start;
ok(wait_until(sub { $t->metrics->{'faka_shop_state{state="open"}'} }, 10),
   'open again');
my $view = $t->admin('GET', "/orders/$twice->{order}")->json;
is(money($view), 'delivered T-1=applied T-2=refunded T-3=refund_due',
   'the journal has it');
is(totals(), '1000 5 1 3', 'and all of its sums');

spew($t->dir . '/clock', pack('q<', 2 * 3600 * 1_000_000), 0644);
ok(wait_until(sub { $t->metrics->{faka_archived_orders_total} == 1 }, 10),
   'the refunded order leaves memory');
is($t->metrics->{'faka_memory_used{table="orders"}'}, 1,
   'the one that owes money does not');
is(money(refunded($twice, 'T-3')->json),
   'delivered T-1=applied T-2=refunded T-3=refunded', 'until it is back');
ok(wait_until(sub { $t->metrics->{faka_archived_orders_total} == 2 }, 10),
   'then it leaves, too');
is($t->metrics->{'faka_memory_used{table="payments"}'}, 0,
   'with all of its payments');

is(money(refunded($twice, 'T-3')->json),
   'delivered T-1=applied T-2=refunded T-3=refunded',
   'said once more of an archived one');
is(refunded($twice, 'T-1')->code, 'conflict', 'what was kept is kept');
is(refunded($twice, 'D-1')->status, 404, 'what never came is not there');
is($t->metrics->{'faka_memory_used{table="orders"}'}, 0,
   'and none of it comes back for that');
$t->audit_ok;
