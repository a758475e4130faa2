# Payment notices: what is proved is booked once, whatever way and however
# often it comes; what is not proved changes nothing.  The counterparty is the
# practice gateway, which shares no code with the module.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(gateway => ['--retry-ms', '200,200,200'],
    shop => { hold => '2s' },
    http => "    add_header X-Worker \$pid always;\n");
my $secrets = $t->secrets;
my $url = $t->gateway->url;
$t->nginx->{opt}{channels} =
    "channel epay epay { url $url; pid 1000; key_file $secrets/epay.key; }\n"
    . "channel second epay { url $url; pid 1000;"
    . " key_file $secrets/epay.key; }\n"
    . "channel form epay { url $url; pid 1000; key_file $secrets/epay.key;"
    . " notify_method get_post; }\n";
$t->start;

$t->product('card', price => 150);
$t->import_cards('card', 100);


sub checkout {
    my (%fields) = @_;

    my $answer = $t->checkout(sku => 'card', %fields);
    die $answer->brief if $answer->status != 201;
    return $answer->json;
}


sub status_of { return $t->order($_[0])->json->{status} }


# Opens the trade at the gateway, as a buyer's browser does, without paying.

sub open_trade {
    my ($order) = @_;

    my $answer = http_one({ port => $t->gateway->port, path =>
                            $order->{pay}{url} =~ s{\Ahttp://[^/]+}{}r });
    die $answer->brief if $answer->status != 302;
    return $order;
}


# Sends a notice of the gateway under switches: "status body" of the answers.

sub notice {
    my ($order, %switches) = @_;

    return map { "$_->{status} $_->{body}" } @{ $t->gateway->control(
        "notify/$order->{order}", \%switches)->{answers} };
}


# ---- paid -------------------------------------------------------------------

my $order = checkout();
my $back = $t->gateway->pay_as_buyer($order->{pay}{url});
like($back, qr{/return/$order->{order}\?}, 'the buyer is sent back');
ok(wait_until(sub { status_of($order) eq 'delivered' }, 5),
   'the gateway has told the shop, and the card is delivered');
my $trade = $t->gateway->control("trades?out_trade_no=$order->{order}")
              ->[0];
is($trade->{notice}{state} . ' ' . $trade->{attempts}[0]{status},
   'acked 200', 'it was acknowledged at once');

# PHP prints three yuan as "3"; other gateways of the protocol do not.
for my $amount ('3', '3.', '3.0', '3.00', '3.0000') {
    my $two = open_trade(checkout(qty => 2));
    is(join(' ', notice($two, wrong_amount => $amount)), '200 success',
       "three yuan as $amount");
    is(status_of($two), 'delivered', 'delivered');
}

my $answer = $t->notify(checkout());
api_ok('GET', '/notify/{channel}', $answer, 'success is as described');
is($answer->body, 'success', 'exactly this');
is($answer->header('content-type'), 'text/plain', 'as plain text');


# ---- forged and wrong -------------------------------------------------------

my $victim = open_trade(checkout());
my $foreign = open_trade(checkout(channel => 'second'));
my %unproved = (
    'a wrong signature'        => { wrong_sign => 'flip' },
    'no signature'             => { wrong_sign => 'missing' },
    'an empty signature'       => { wrong_sign => 'empty' },
    'a signature in capitals'  => { wrong_sign => 'upper' },
    'signed without a key'     => { empty_key_sign => JSON::PP::true },
    'for another merchant'     => { wrong_pid => '1001' },
    'our own redirect'         => { reflect => JSON::PP::true },
    'an unsigned field more'   => { extra_unsigned_field => { x => '1' } },
    'a field twice'            => { extra_unsigned_field =>
                                    { money => '1.5' } },
    'a request-only name'      => { extra_signed_field =>
                                    { notify_url => 'http://x/' } },
    'no trade number'          => { omit => ['trade_no'] },
    'no amount'                => { omit => ['money'] },
    'no status'                => { omit => ['trade_status'] },
    'no merchant'              => { omit => ['pid'] },
    'an amount of letters'     => { wrong_amount => '1e1' },
    'a negative amount'        => { wrong_amount => '-1.50' },
    'an unknown order'         => { other_order =>
                                    '01M3J3Z7W0F4Q6X2V9T8B5K1NC' },
    'no order number of ours'  => { other_order => '20160806151343349' },
    'an order of another channel' => { other_order => $foreign->{order} },
    'by POST, which is not on' => { method => 'POST' },
);

for my $case (sort keys %unproved) {
    my ($got) = notice($victim, %{ $unproved{$case} });
    like($got, $case =~ /POST/ ? qr/\A405 / : qr/\A400 fail\z/, $case);
    is(status_of($victim) . ' ' . status_of($foreign),
       'awaiting_payment awaiting_payment', "$case: nothing changes");
}
my ($unpaid) = notice($victim, status => 'WAIT_BUYER_PAY');
is($unpaid, '200 success', 'a genuine notice that nothing was paid');
is(status_of($victim), 'awaiting_payment', 'pays nothing');

my ($query) = $victim->{pay}{url} =~ /\?(.*)/;
is($t->get("/notify/epay?$query")->body, 'fail',
   'the signed address to pay at, sent to the shop by its buyer');
is($t->get("/return/$victim->{order}?$query")->status, 404,
   'where the browser comes back is a page, and no notice');
api_ok('GET', '/notify/{channel}', $t->notify($victim, sign => 'x' x 32),
       'a refusal is as described');
api_ok('GET', '/notify/{channel}', $t->get('/notify/nothing'),
       'no such channel');
is($t->get('/notify/nothing')->status, 404, 'it is a 404');
is($t->get('/notify/')->status, 404, 'no channel at all');
is($t->get('/notify/epay/x')->status, 404, 'nothing below a channel');
is($t->get('/notify/EPAY')->status, 404, 'names are exact');
is($t->get('/notify/epay')->body, 'fail', 'no notice at all');
is($t->http('PUT', '/notify/epay', body => 'x')->header('allow'), 'GET',
   'PUT: 405');
is(status_of($victim), 'awaiting_payment', 'all that changed nothing');
ok($t->nginx->wait_log(qr/a notice on channel "epay" was refused/, 5),
   'the log tells of refusals');
unlike(join("\n", grep { /faka:/ } split /\n/, $t->nginx->error_log),
       qr/sign=/, 'without the notices');


# Proved, and for no order of ours: somebody's money all the same.  Rubbish
# that has used up its lines of this second must not silence it.
my $stray = { order => '01M3J3Z7W0F4Q6X2V9T8B5K1NC', amount => 150 };
http_many([map { $t->request('GET', '/notify/epay?x=1') } 1 .. 40]);
is($t->notify($stray, trade_no => 'STRAY-1')->body, 'fail',
   'an unknown order');
ok($t->nginx->wait_log(qr/\[error\].*payment STRAY-1 of 150 CNY for order/, 5),
   'the log has its numbers');


# By POST, on a channel that takes it.

my $form = open_trade(checkout(channel => 'form'));
is(join(' ', notice($form, method => 'POST')), '200 success',
   'a form, where it is on');
is(status_of($form), 'delivered', 'delivered');
my $carrier = checkout(channel => 'form');
my $request = $t->notify_request($carrier, channel => 'form');
my ($notice) = $request->{path} =~ /\?(.*)/;
for my $case (['two carriers', "/notify/form?$notice", $notice],
              ['a form in the query', "/notify/form?$notice", ''],
              ['half and half', '/notify/form?' . substr($notice, 0, 40),
               substr $notice, 41])
{
    my ($name, $path, $body) = @$case;
    is($t->http('POST', $path, body => $body, headers => { 'Content-Type' =>
                'application/x-www-form-urlencoded' })->body, 'fail', $name);
}
is($t->http('POST', '/notify/form', body => $notice,
            headers => { 'Content-Type' => 'text/plain' })->status, 415,
   'another type');
is($t->http('GET', "/notify/form?$notice", body => $notice)->body, 'fail',
   'GET with a body');
is(status_of($carrier), 'awaiting_payment', 'none of these pays');


# ---- wrong money ------------------------------------------------------------

for my $case (['too little', '1.49'], ['too much', '1.51'],
              ['a hundredth', '0.01'], ['finer than a fen', '1.505'],
              ['finer than a fen, and rounded right', '1.5001'],
              ['as much again as in JPY', '150'])
{
    my ($name, $amount) = @$case;
    my $order = open_trade(checkout());
    is(join(' ', notice($order, wrong_amount => $amount)), '200 success',
       "$name: the gateway need not come again");
    is(status_of($order), 'under_review', "$name: a person looks at it");
    ok(!exists $t->order($order)->json->{cards}, "$name: no card");
}
ok($t->nginx->wait_log(qr/\[error\].*: review/, 5), 'the log says so');

my $reused = checkout();
my $first = checkout();
is($t->notify($first, trade_no => 'T1')->body, 'success', 'a trade number');
is($t->notify($reused, trade_no => 'T1')->body, 'success',
   'the same for another order');
is(status_of($first) . ' ' . status_of($reused), 'delivered under_review',
   'may be other money: a person looks');
is($t->notify($reused, trade_no => 'T1')->body, 'success', 'it comes again');
my $kept = $t->admin('GET', "/orders/$reused->{order}")->json;
is(join(' ', map { "$_->{trade_no} $_->{state}" } @{ $kept->{payments} }),
   "T1#$reused->{order} review", 'kept once, by a number of its own');
is($kept->{review_reason}, "its trade number is another order's", 'and why');
ok($t->nginx->wait_log(qr/\[error\].*$reused->{order}: reused: .*approve/, 5),
   'the log says what to do');
is($t->admin('POST', "/orders/$reused->{order}/approve")->json->{status},
   'delivered', 'it can be approved');
my $denied = checkout();
is($t->notify($denied, trade_no => 'T1')->body, 'success', 'for a third one');
$t->admin('POST', "/orders/$denied->{order}/deny");
is($t->admin('POST', "/orders/$denied->{order}/refunded",
             { trade_no => "T1#$denied->{order}" })->json->{status},
   'refunded', 'or denied, and given back');
my $unnamed = 'N' x 40;
is($t->notify($first, trade_no => $unnamed)->body, 'success', 'a long number');
is($t->notify(checkout(), trade_no => $unnamed)->status, 503,
   'one that leaves no room for that is not acknowledged');
ok($t->nginx->wait_log(qr/\[error\].*$unnamed.*refused: reused: /, 5),
   'and stands in the log');
is($t->notify($first, trade_no => 'T2')->body, 'success', 'paid twice');
my ($twice) = grep { $_->{order} eq $first->{order} }
              @{ $t->admin('GET', '/orders?limit=100')->json->{orders} };
is(join(' ', map { "$_->{trade_no} $_->{state}" } @{ $twice->{payments} }),
   "T1 applied $unnamed refund_due T2 refund_due",
   'the second payment is to be given back');
is(scalar @{ $t->order($first)->json->{cards} }, 1, 'and buys no second card');
$t->audit_ok;


# ---- the same, many times ---------------------------------------------------

# The kernel may give all connections of one moment to one worker: until it
# gives some to both, another order is paid in the same way.
my ($parallel, $answers, %workers);
for (1 .. 20) {
    $parallel = checkout();
    $answers = http_many([map { $t->notify_request($parallel) } 1 .. 50],
                         concurrency => 50);
    %workers = map { $_->header('x-worker') => 1 } @$answers;
    last if keys %workers == 2;
}
is(scalar(grep { $_->status == 200 && $_->body eq 'success' } @$answers), 50,
   '50 at once: all are told success');
is(scalar keys %workers, 2, 'by both workers');
is(scalar @{ $t->order($parallel)->json->{cards} }, 1, 'one card');
my ($booked) = grep { $_->{order} eq $parallel->{order} }
               @{ $t->admin('GET', '/orders?limit=100')->json->{orders} };
is(scalar @{ $booked->{payments} }, 1, 'one payment');

my $copies = open_trade(checkout());
my $sent = $t->gateway->control("notify/$copies->{order}",
                                { times => 50, parallel => 50 });
is(scalar(grep { $_->{body} eq 'success' } @{ $sent->{answers} }), 50,
   'the same from the gateway itself');
is(scalar @{ $t->order($copies)->json->{cards} }, 1, 'one card again');
my @delivered = map { @{ $t->order($_)->json->{cards} } } $parallel, $copies;
isnt($delivered[0], $delivered[1], 'and not the same one');


# ---- late -------------------------------------------------------------------

$t->product('rare', price => 300);
my ($card) = @{ $t->import_cards('rare', 1) };
my $late = checkout(sku => 'rare');
ok(wait_until(sub { status_of($late) eq 'expired' }, 8), 'an order expires');
is($t->notify($late)->body, 'success', 'the payment comes late');
is(status_of($late), 'delivered', 'its unit was still there: delivered');
is($t->order($late)->json->{cards}[0], $card, 'the one there was');

$t->import_cards('rare', 1);
my @waiting = checkout(sku => 'rare');
ok(wait_until(sub { status_of($waiting[0]) eq 'expired' }, 8),
   'another expires');
push @waiting, checkout(sku => 'rare');
ok(wait_until(sub { status_of($waiting[1]) eq 'expired' }, 8),
   'and one more');
my $lucky = checkout(sku => 'rare');
is($t->notify($lucky)->body, 'success', 'somebody else buys the last one');
for my $order (@waiting) {
    is($t->notify($order)->body, 'success', 'a late payment without stock');
    is(status_of($order), 'waiting_for_stock', 'is kept, and waits');
    api_ok('GET', '/orders/{order}', $t->order($order), 'it says so');
}
is($t->checkout(sku => 'rare')->code, 'sold_out', 'nobody passes them');
my ($owed) = grep { $_->{sku} eq 'rare' } @{ $t->admin('GET', '/products')
                                               ->json };
is($owed->{waiting}, 2, 'two units are owed');

my $one = $t->import_cards('rare', 1);
is(status_of($waiting[0]) . ' ' . status_of($waiting[1]),
   'delivered waiting_for_stock', 'the next import serves the first of them');
is($t->order($waiting[0])->json->{cards}[0], $one->[0], 'with the new card');
is($t->checkout(sku => 'rare')->code, 'sold_out', 'nothing is left to sell');
my $two = $t->import_cards('rare', 2);
is(status_of($waiting[1]), 'delivered', 'the one after it, the second');
is($t->order($waiting[1])->json->{cards}[0], $two->[0], 'before all others');
is($t->buy(sku => 'rare')->{cards}[0], $two->[1], 'the rest is for sale');

my $gone = checkout();
$t->http('POST', "/orders/$gone->{order}/cancel",
         headers => { Authorization => "Bearer $gone->{token}" });
is(status_of($gone), 'cancelled', 'a cancelled order');
is($t->notify($gone)->body, 'success', 'paid all the same');
is(status_of($gone), 'delivered', 'gets its card');


# ---- when nothing can be booked ---------------------------------------------

my $undecided = checkout();
$t->redis->pause;
my $silent = $t->notify($undecided);
is($silent->status . ' ' . $silent->body, '503 fail',
   'no success as long as the disk is silent');
isnt($t->order($undecided)->status, 200, 'nor is the card shown');
$t->redis->cont;
ok(wait_until(sub { $t->notify($undecided)->body eq 'success' }, 10),
   'the notice that comes again gets it');
is(status_of($undecided), 'delivered', 'the card is delivered');
is(scalar @{ $t->order($undecided)->json->{cards} }, 1, 'once');

# The other worker's connection may need another moment.
my $pending;
ok(wait_until(sub {
    my $answer = $t->checkout(sku => 'card');
    return $answer->status == 201 && ($pending = $answer->json);
}, 5), 'and selling goes on');
open_trade($pending);
$t->redis->stop;
$t->nginx->wait_log(qr/redis/i, 5);
my $down = $t->notify($pending);
is($down->status . ' ' . $down->body, '503 fail',
   'without the journal the gateway is told to come again');
api_ok('GET', '/notify/{channel}', $down, 'as described');
ok($t->nginx->wait_log(
       qr/\[error\].*for order $pending->{order}: refused: unavailable/, 5),
   'and the log has the numbers, for the gateway may give up');
$t->gateway->control("pay/$pending->{order}", {});
$t->redis->start;
ok(wait_until(sub { status_of($pending) eq 'delivered' }, 10),
   'it does, and the order is delivered');
$t->audit_ok;
