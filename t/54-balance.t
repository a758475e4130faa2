# Paying from an account: what it has is taken in the transaction that makes
# the order, and no more than it has; it comes back with what is given back;
# and dead processes, restarts and the archive change nothing of that.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(
    server => 'location /agents/ { faka_agents main; }',
    shop => { settle_after => '1h', retention => '1m' });
my $dir = $t->secrets;
my $nginx = $t->nginx;
my ($secret, $other) = ('buyer-token-' . 'x' x 32, 'other-token-' . 'y' x 32);

$t->own_clock;
$nginx->{opt}{channels} = "channel epay epay { url http://127.0.0.1:1;"
    . " pid 1000; key_file $dir/epay.key; }\n"
    . "channel purse balance { }\nchannel gift free { }\n";
$nginx->{opt}{shop}{rules} = $t->write_file('shop.lua', <<'LUA', 0644);
function commission(o)
    if o.sku == "bad" then
        error("none")
    end
    return 0, percent(o.paid, 10)
end
function risk(o)
    if o.domain == "odd.example" then
        return "review", "an odd one"
    end
    return "pass"
end
LUA
$t->start;
$t->product($_, kind => 'counted', stock => 10_000, price => 500)
    for qw(x bad);
$t->product('key', price => 300);
$t->product('gift', price => 0, kind => 'counted', stock => 5);
$t->product('dollar', kind => 'counted', stock => 9, currency => 'USD');
my $cards = $t->import_cards('key', 3);


sub put { return $t->admin('PUT', "/accounts/$_[0]", $_[1]) }
sub account { return $t->admin('GET', "/accounts/$_[0]")->json }

sub credit {
    my ($id, $amount, $ref) = @_;

    return $t->admin('POST', "/accounts/$id/credits",
                     { amount => $amount, ref => $ref });
}

sub has {
    my ($id, $available, $spent, $name) = @_;

    my $account = account($id);
    is("$account->{available} $account->{spent}", "$available $spent", $name);
}

sub request {
    my (%fields) = @_;

    my $token = exists $fields{token} ? delete $fields{token} : $secret;
    my $request = $t->checkout_request(sku => 'x', channel => 'purse',
                                       account => 'lin', %fields);
    $request->{headers}{Authorization} = "Bearer $token" if defined $token;
    return $request;
}

sub buy { return http_one(request(@_)) }

sub refused {
    my ($answer, $status, $code, $field, $name) = @_;

    is($answer->status . ' ' . $answer->code, "$status $code", $name)
        or diag($answer->body);
    is($answer->json->{field}, $field, 'the field is named');
    api_ok('POST', '/checkout', $answer, 'as described');
}


# An account of a buyer, and money for it.

is(put('lin', { currency => 'CNY', token => $secret })->status, 201,
   'a buyer has an account as agents have');
is(put('eve', { currency => 'CNY', token => $other })->status, 201,
   'another');
is(put('boss', { currency => 'CNY' })->status, 201, 'and one to earn');
my $credited = credit('lin', 3000, 'paid-in-1');
is($credited->status, 201, 'a credit') or diag($credited->body);
api_ok('POST', '/admin/accounts/{account}/credits', $credited,
       'as described');
my $again = credit('lin', 3000, 'paid-in-1');
is($again->status, 200, 'sent again');
is($again->json->{credit}, $credited->json->{credit}, 'it is that one');
$again = credit('lin', 3001, 'paid-in-1');
is($again->status . $again->json->{field}, '409ref', 'of another amount: no');
api_ok('POST', '/admin/accounts/{account}/credits', $again, 'as described');
is(credit('none', 1, 'r')->status, 404, 'for nobody');
is(credit('lin', 0, 'r')->json->{field}, 'amount', 'of nothing');
is(credit('lin', 1, '')->json->{field}, 'ref', 'without a name');
is(scalar @{ $t->admin('GET', '/withdrawals')->json->{withdrawals} }, 0,
   'it is no withdrawal');
has('lin', 3000, 0, 'it is there once');
$t->audit_ok;


# It sells, and delivers.

my $key = 'purse-key-0123456789';
my $bought = buy(sku => 'key', key => $key, agent => 'boss');
is($bought->status, 201, 'an order') or diag($bought->body);
api_ok('POST', '/checkout', $bought, 'as described');
my $order = $bought->json;
is($order->{status}, 'delivered', 'delivered at once');
is_deeply($order->{pay}, { method => 'none', url => undef },
          'nothing is left to pay');
is_deeply($t->order($order)->json->{cards}, [$cards->[0]], 'with its card');
has('lin', 2700, 300, 'and paid');
is(account('boss')->{frozen}, 30, 'who brought it has commission of it');
$again = buy(sku => 'key', key => $key, agent => 'boss');
is($again->status . $again->json->{order}, "200$order->{order}",
   'the same request has its order');
has('lin', 2700, 300, 'and takes nothing again');
refused(buy(sku => 'key', key => $key, agent => 'boss', token => $other), 422,
        'invalid_account', 'account', 'not for who has not the token');
is(buy(sku => 'key', key => $key, agent => 'boss', account => 'eve',
       token => $other)->code, 'idempotency_mismatch',
   'nor from another account');

my $view = $t->admin('GET', "/orders/$order->{order}");
api_ok('GET', '/admin/orders/{order}', $view, 'the order is as described');
is($view->json->{payer}, 'lin', 'and says who paid');
is($view->json->{payments}[0]{trade_no}, $order->{order},
   'its payment has its name');
my %mine = (headers => { Authorization => "Bearer $secret" });
my $mine = $t->get('/agents/lin', %mine);
api_ok('GET', '/agents/{account}', $mine, 'the buyer sees the balance');
is($mine->json->{available}, 2700, 'as it is');
my $ledger = $t->get('/agents/lin/ledger', %mine);
api_ok('GET', '/agents/{account}/ledger', $ledger, 'and the ledger');
is_deeply([map { "$_->{kind} $_->{state} $_->{amount}" }
           @{ $ledger->json->{entries} }],
          ['purchase paid -300', 'credit paid 3000'], 'of all that was');
like($t->get('/agents/lin/ledger.csv', %mine)->body,
     qr/^purchase,paid,-300,\d+,,$order->{order},\ncredit,paid,3000,\d+,,,\d/m,
     'also as CSV');
$t->audit_ok;


# It refuses.

refused(buy(qty => 6), 409, 'insufficient_balance', 'account',
        'more than there is');
refused(buy(token => undef), 422, 'invalid_account', 'account', 'no token');
refused(buy(token => $other), 422, 'invalid_account', 'account',
        'a token of somebody else');
refused(buy(account => ''), 422, 'invalid_account', 'account', 'no account');
refused(buy(account => 'none'), 422, 'invalid_account', 'account',
        'one that is not there');
refused(buy(account => 'boss'), 422, 'invalid_account', 'account',
        'one without a token');
refused(buy(sku => 'dollar'), 422, 'invalid_account', 'account',
        'another currency');
refused(buy(sku => 'gift', token => $other), 422, 'invalid_account',
        'account', 'what costs nothing, by nobody');
my $gift = buy(sku => 'gift');
is($gift->status . $gift->json->{amount}, '2010', 'what costs nothing')
    or diag($gift->body);
$gift = $t->admin('GET', '/orders/' . $gift->json->{order})->json;
is($gift->{channel}, 'gift', 'goes through the channel that is free');
is($gift->{payer}, undef, 'and nobody pays for it');
is(put('lin', { closed => JSON::PP::true })->status, 200, 'it is closed');
refused(buy(), 422, 'invalid_account', 'account', 'then it pays no more');
is(put('lin', { closed => JSON::PP::false })->status, 200, 'and open');
my $failed = buy(sku => 'bad', agent => 'boss');
is($failed->status, 503, 'a commission rule without an answer: no order');
api_ok('POST', '/checkout', $failed, 'as described');
is($t->http('POST', '/notify/purse')->status, 404, 'it takes no notice');
has('lin', 2700, 300, 'nothing of it was taken');
is((grep { $_->{sku} eq 'x' } @{ $t->get('/products')->json })[0]{stock},
   10_000, 'nothing is held');


# What is given back is the account's again.

my $x = buy(agent => 'boss')->json;
has('lin', 2200, 800, 'bought');
my $part = $t->admin('POST', "/orders/$x->{order}/refunds",
                     { amount => 200, ref => 'part' });
is($part->status, 200, 'a part back') or diag($part->body);
has('lin', 2400, 600, 'is there');
is(account('boss')->{frozen}, 30 + 30, 'and commission is of the rest');

my $odd = buy(contact => 'me@odd.example')->json;
is($odd->{status}, 'under_review', 'to be looked at');
has('lin', 1900, 1100, 'it is paid');
is($t->admin('POST', "/orders/$odd->{order}/deny")->status, 200, 'denied');
is($t->order($odd)->json->{status}, 'refund_due', 'it is owed');
my $back = $t->admin('POST', "/orders/$odd->{order}/refunded",
                     { trade_no => $odd->{order} });
is($back->status, 200, 'given back') or diag($back->body);
is($t->order($odd)->json->{status}, 'refunded', 'so it says');
has('lin', 2400, 600, 'and the account has it');
$odd = buy(contact => 'me@odd.example')->json;
is($t->admin('POST', "/orders/$odd->{order}/approve")->status, 200,
   'another is approved');
is($t->order($odd)->json->{status}, 'delivered', 'and delivered');
has('lin', 1900, 1100, 'for its price');
my $gone = buy()->json;
has('lin', 1400, 1600, 'one more is bought');
my $refund = $t->admin('POST', "/orders/$gone->{order}/refund");
is($refund->json->{status}, 'refunded', 'and given back at once')
    or diag($refund->brief);
api_ok('POST', '/admin/orders/{order}/refund', $refund, 'as described');
is($t->metrics->{faka_refunds_total}, 2, 'both are counted');
is($t->admin('POST', '/channels/purse/ping')->json->{detail},
   'the channel has no gateway', 'it has nobody to ask');
has('lin', 1900, 1100, 'without a gateway');
is($t->order($gone)->json->{cards}, undef, 'its card is void');
$t->audit_ok;


# Two hundred at once for what is enough for three.

my @many = @{ http_many([map { request() } 1 .. 200], concurrency => 50) };
is(scalar(grep { $_->status == 201 } @many), 3, 'three are sold');
is(scalar(grep { $_->code eq 'insufficient_balance' }
          grep { $_->status == 409 } @many), 197, 'the others are refused');
has('lin', 400, 2600, 'and what is left is too little');
$t->audit_ok;


# Beside dying workers nothing is lost, taken twice or overdrawn.

credit('lin', 20_000, 'paid-in-2');
my @keys = map { sprintf 'purse-crash-%08d', $_ } 1 .. 60;

for my $round (1 .. 3) {
    my @requests = map { request(key => $_) } @keys;
    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        select undef, undef, undef, 0.01 * $round;
        kill 'KILL', ($nginx->workers)[0];
        require POSIX;
        POSIX::_exit(0);
    }

    $nginx->expect_alert(qr/worker process \d+ exited on signal 9/);
    http_many(\@requests, concurrency => 20);
    waitpid $pid, 0;
    $t->wait_open;
}

my %sold = map { $_->json->{order} => 1 } grep { $_->status == 200 }
           @{ http_many([map { request(key => $_) } @keys]) };
is(scalar keys %sold, 40,
   'as many orders as there was money for, beside dead workers');
has('lin', 400, 2600 + 20_000, 'and no more was taken');
$t->audit_ok;


# Everything dies at once; and orders leave for the archive.

$nginx->kill_all;
$t->redis->kill9;
$t->redis->start;
$nginx->start;
$t->wait_open;
has('lin', 400, 22_600, 'it is as it was');
is($t->admin('GET', "/orders/$x->{order}")->json->{returned}, 200,
   'and so are orders');
is(credit('lin', 3000, 'paid-in-1')->status, 200, 'credits are known still');
$t->audit_ok;

$t->later(2 * 3600);
ok(wait_until(sub {
    return ($t->metrics->{faka_archived_orders_total} // 0) >= 40;
}, 20), 'orders leave');
has('lin', 400, 22_600, 'for the same balance');
$view = $t->admin('GET', "/orders/$x->{order}");
api_ok('GET', '/admin/orders/{order}', $view, 'in the archive as described');
is($view->json->{payer}, 'lin', 'it says who paid');
$t->audit_ok;
$nginx->kill_all;
$nginx->start;
$t->wait_open;
has('lin', 400, 22_600, 'also after another start');
$t->audit_ok;
