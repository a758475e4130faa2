# Money that is given back: the operator says so payment by payment, the
# audit follows, and only then is the order finished and leaves for the
# archive.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

# A shop whose clock the test sets: orders get old in no time.
my $t = Faka::Test->new(shop => { retention => '1h', hold => '10m' });
$t->own_clock->start;
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

$t->later(2 * 3600);
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

# What it was delivered for goes back by its name alone.
sub asked_back {
    my ($trade_no) = @_;

    my $answer = $t->admin('POST', "/orders/$twice->{order}/refund",
                           $trade_no ? { trade_no => $trade_no } : {});
    api_ok('POST', '/admin/orders/{order}/refund', $answer, 'as described');
    return join ' ', $answer->status, $answer->json->{field} // ();
}
is(asked_back(), '409 trade_no', 'of an archived order, it has to be named');
is(asked_back('T-none'), '404', 'a payment that never came');
isnt(asked_back('T-1'), '404', 'the one that it was delivered for');
is($t->admin('GET', "/orders/$twice->{order}")->json->{status}, 'refund_due',
   'is owed');
is(money(refunded($twice, 'T-1')->json),
   'refunded T-1=refunded T-2=refunded T-3=refunded', 'and given back');
$t->later(2 * 3600);
ok(wait_until(sub { $t->metrics->{'faka_memory_used{table="orders"}'} == 0 },
              10), 'it is archived again');
$t->audit_ok;


# ---- an order that waits for stock ------------------------------------------

sub decide {
    my ($order, $what) = @_;

    my $answer = $t->admin('POST', "/orders/$order->{order}/$what");
    api_ok('POST', "/admin/orders/{order}/$what", $answer,
           "$what: as described");
    return $answer->status == 200 ? '200 ' . money($answer->json)
                                  : $answer->status . ' ' . $answer->code;
}


sub stock {
    my ($state) = @_;

    return $t->metrics->{"faka_stock{sku=\"seat\",state=\"$state\"}"};
}


# Of a product of one unit: it is cancelled, sold to another, and then paid.

sub waiting {
    my ($trade_no) = @_;

    my $order = $t->checkout(sku => 'seat')->json;
    is($t->http('POST', "/orders/$order->{order}/cancel", headers => {
           Authorization => "Bearer $order->{token}" })->status, 200,
       "$trade_no: cancelled");
    my $other = $t->buy(sku => 'seat');
    is($t->notify($order, trade_no => $trade_no)->body, 'success',
       "$trade_no: paid, too late");
    return ($order, $other);
}


$t->product('seat', kind => 'counted', price => 500, stock => 1);
my ($late, $sold) = waiting('L-1');
is(decide($late, 'approve'), '200 waiting_for_stock L-1=applied',
   'it is paid, and waits');
is(stock('waiting'), 1, 'for one unit');
is(refunded($late, 'L-1')->code, 'conflict', 'not yet to be refunded');
is(decide($sold, 'deny'), '409 conflict', 'what is delivered is not taken');

is(decide($late, 'deny'), '200 refund_due L-1=refund_due',
   'nobody has to wait for ever');
is(stock('waiting'), 0, 'no unit is owed any more');
is(totals(), '1000 2 1 0', 'but its money');
my $lines = () = $t->nginx->error_log
                 =~ /decision on order $late->{order}: give_up/g;
is(decide($late, 'deny'), '200 refund_due L-1=refund_due',
   'whoever lost the answer gets it');
is(() = $t->nginx->error_log =~ /decision on order $late->{order}: /g, $lines,
   'and nothing was decided anew');
is($lines, 1, 'the log has it once');
is(decide($late, 'approve'), '409 conflict', 'nor the other way round');

$t->product('seat', kind => 'counted', price => 500, stock => 5);
is($t->admin('GET', "/orders/$late->{order}")->json->{status}, 'refund_due',
   'stock that comes later is not for it');
is(money(refunded($late, 'L-1')->json), 'refunded L-1=refunded', 'refunded');
is(decide($late, 'deny'), '409 conflict', 'that is finished');

is($t->notify($late, trade_no => 'L-2')->body, 'success', 'paid once more');
my $advice = quotemeta 'give it back at the gateway, then POST .../refunded';
ok($t->nginx->wait_log(qr/payment L-2 .*: extra: $advice/, 5),
   'the log says what is to be done with extra money');
is(money(refunded($late, 'L-2')->json), 'refunded L-1=refunded L-2=refunded',
   'that');


# ---- a decision whose answer was lost ---------------------------------------

my $odd = $t->checkout(sku => 'seat')->json;
$t->notify($odd, trade_no => 'O-1', money => '0.01');
is(decide($odd, 'approve'), '200 delivered O-1=applied', 'approved');
is(decide($odd, 'approve'), '200 delivered O-1=applied', 'approved twice');
is(decide($odd, 'deny'), '409 conflict', 'and that is decided');
is(decide($t->checkout(sku => 'seat')->json, $_), '409 conflict',
   "nothing to $_") for qw(approve deny);

my $lost = $t->checkout(sku => 'seat')->json;
$t->notify($lost, trade_no => 'O-2', money => '0.01');
$t->redis->pause;
my $silent = http_many([map {
    $t->admin_request('POST', "/orders/$lost->{order}/deny") } 1, 2],
    concurrency => 2);
is(join(' ', map { $_->status } @$silent), '503 503',
   'as long as the disk is silent, neither the first nor the second is told');
$t->redis->cont;
ok(wait_until(sub { decide($lost, 'deny')
                    eq '200 refund_due O-2=refund_due' }, 10),
   'the one that is sent again is');
$t->audit_ok;
