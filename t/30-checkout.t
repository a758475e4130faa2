# A buyer's way: checkout as JSON and as a form, the order and its token,
# idempotency, cancelling, expiry, and each refusal with its own word.

use lib 't/lib';
use utf8;

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(shop => { hold => '4s' },
    channels => "channel epay epay { url http://127.0.0.1:1/; pid 1000;"
                . " key_file secrets.key; }\n"
                . "channel yen epay { url http://127.0.0.1:1/; pid 1000;"
                . " key_file secrets.key; currency JPY; }\n");
$t->nginx->{opt}{channels} =~ s{secrets\.key}{$t->secrets . '/epay.key'}ge;
$t->start;

$t->product('card', price => 150, name => 'Karte 卡', qty_max => 3);
$t->import_cards('card', 5);
$t->product('yen', currency => 'JPY');
$t->import_cards('yen', 5);
$t->product('code', kind => 'shared', price => 500);
$t->import_cards('code', 1);
$t->product('month', kind => 'counted', stock => 2);
$t->product('empty');


# The order and what it says.

my $answer = $t->checkout(sku => 'card', qty => 2, contact => '买家@例子');
my $order = $answer->json;
is($answer->status, 201, 'an order is made');
api_ok('POST', '/checkout', $answer, 'it is as described');
is($answer->header('location'), "/orders/$order->{order}",
   'Location is its path');
is($order->{amount}, 300, 'the amount is price by quantity');
cmp_ok($order->{expires_at} - $order->{created_at}, '>=', 3,
       'its units are held for the time that is configured');
like($order->{pay}{url},
     qr{^http://127\.0\.0\.1:1/submit\.php\?.*out_trade_no=$order->{order}},
     'the address to pay at carries the order');
like($order->{pay}{url}, qr/[?&]money=3\.00(&|$)/, 'and the amount');

my $view = $t->order($order);
api_ok('GET', '/orders/{order}', $view, 'the order is as described');
is($view->json->{contact}, '买家@例子',
   'the contact came through as it was');
is($view->json->{pay}{url}, $order->{pay}{url}, 'it says how to pay, too');
ok(!exists $view->json->{cards}, 'no cards before it is paid');


# Who may see it.

my $unknown = '01M3J3Z7W0F4Q6X2V9T8B5K1NC';
my $other = $t->checkout(sku => 'code')->json;
my %denied = (
    'no token'         => $t->get("/orders/$order->{order}"),
    'a wrong token'    => $t->order({ %$order, token => 'A' x 43 }),
    'a short token'    => $t->order({ %$order, token => 'A' }),
    'another order\'s' => $t->order({ %$order, token => $other->{token} }),
    'no such order'    => $t->order({ %$order, order => $unknown }),
    'not an order id'  => $t->order({ %$order, order => 'x' }),
    'lower case id'    => $t->order({ %$order, order => lc $order->{order} }),
    'no id at all'     => $t->order({ %$order, order => '' }),
);
for my $case (sort keys %denied) {
    is($denied{$case}->status, 404, "$case: 404");
    is($denied{$case}->body, $denied{'a wrong token'}->body,
       "$case: the same words");
}
api_ok('GET', '/orders/{order}', $denied{'a wrong token'});

is($t->get("/orders/$order->{order}",
           headers => { Cookie => "a=b; faka_token=$order->{token}" })->status,
   200, 'the token works as a cookie');
is($t->get("/orders/$order->{order}",
           headers => { Cookie => "faka_token=$order->{token}",
                        Authorization => 'Bearer ' . 'A' x 43 })->status,
   404, 'but the header counts if both are there');


# A form says the same as JSON, and a repeated key gives the same order.

my $key = 'idem-' . 'k' x 20;
my $json = $t->checkout(sku => 'month', contact => 'a b+c', key => $key);
is($json->status, 201, 'a counted product is sold, too');
my $again = $t->http('POST', '/checkout',
    headers => { 'Idempotency-Key' => $key,
                 'Content-Type' => 'application/x-www-form-urlencoded' },
    body => 'contact=a+b%2Bc&qty=1&sku=month&channel=epay&more=x');
is($again->status, 200, 'the same key and content, as a form: 200');
api_ok('POST', '/checkout', $again);
is($again->json->{$_}, $json->json->{$_}, "the same $_")
    for qw(order token amount);
is($t->checkout(sku => 'month', contact => 'a b+c', key => $key, qty => 2)
     ->code, 'idempotency_mismatch', 'another quantity under the key: 422');
is($t->checkout(sku => 'month', contact => 'else', key => $key)->status, 422,
   'another contact, too');
is($t->get('/products')->json->[3]{stock}, 1, 'one unit is gone, not more');


# Refusals.

sub refused {
    my ($name, $status, $code, %fields) = @_;

    my $answer = $t->checkout(%fields);
    is($answer->status . ' ' . $answer->code, "$status $code", $name);
    api_ok('POST', '/checkout', $answer, "$name: as described");
}

refused('sold out', 409, 'sold_out', sku => 'empty');
refused('more than are left', 409, 'sold_out', sku => 'month', qty => 2);
refused('more than one may buy', 409, 'limit_reached',
        sku => 'card', qty => 4);
refused('no such product', 404, 'not_found', sku => 'nothing');
refused('no such channel', 422, 'invalid_channel', sku => 'card',
        channel => 'nothing');
refused('a channel of another currency', 422, 'invalid_channel', sku => 'yen');
is_deeply($t->admin('GET', '/orders?sku=yen')->json->{orders}, [],
          'and not even an order was made');
is($t->checkout(sku => 'yen', channel => 'yen')->status, 201,
   'the channel of its own currency takes it');
$t->product('later', kind => 'shared');
refused('a shared key that is not there', 409, 'sold_out', sku => 'later');

# More than the protocol can say: the order is taken back at once.
$t->product('gold', price => 100_000_000_000, qty_max => 1);
$t->import_cards('gold', 1);
refused('an amount that the gateway cannot take', 422, 'invalid_channel',
        sku => 'gold');
is($t->admin('GET', '/orders?sku=gold')->json->{orders}[0]{status},
   'cancelled', 'what cannot be paid does not stay');
my ($gold) = grep { $_->{sku} eq 'gold' } @{ $t->get('/products')->json };
is($gold->{stock}, 1, 'nor keep its unit');

my $now = time;
$t->product('card', on_sale => JSON::PP::false);
refused('switched off', 409, 'not_on_sale', sku => 'card');
$t->product('card', sale_from => $now + 100);
refused('not yet on sale', 409, 'not_on_sale', sku => 'card');
$t->product('card', sale_from => undef, sale_to => $now - 100);
refused('no longer on sale', 409, 'not_on_sale', sku => 'card');
$t->product('card', sale_to => undef);
is($t->checkout(sku => 'card')->status, 201, 'without a window it is sold');


# Cancelling gives the units back, once.

sub cancel {
    my ($order) = @_;

    return $t->http('POST', "/orders/$order->{order}/cancel",
        headers => { Authorization => "Bearer $order->{token}" });
}

is(cancel({ %$order, token => 'A' x 43 })->status, 404,
   'nobody else may cancel it');
my $stock = $t->get('/products')->json->[0]{stock};
my $cancelled = cancel($order);
is($cancelled->status, 200, 'the buyer may');
api_ok('POST', '/orders/{order}/cancel', $cancelled);
is($cancelled->json->{status}, 'cancelled', 'and it says so');
is($t->get('/products')->json->[0]{stock}, $stock + 2, 'its units are back');
my $twice = cancel($order);
is($twice->status . $twice->code, '409conflict', 'a second time: 409');
api_ok('POST', '/orders/{order}/cancel', $twice);


# Expiry does the same by itself.

ok(wait_until(sub {
    $t->order($json->json)->json->{status} eq 'expired' }, 10),
   'an order that is not paid expires');
api_ok('GET', '/orders/{order}', $t->order($json->json), 'an expired order');
is($t->get('/products')->json->[3]{stock}, 2, 'its unit is back');
is($t->checkout(sku => 'month', contact => 'a b+c', key => $key)
     ->json->{status}, 'expired', 'its key still finds it');


# Methods.

for my $case (['GET', '/checkout', 'POST'], ['PUT', '/checkout', 'POST'],
              ['POST', "/orders/$order->{order}", 'GET'],
              ['HEAD', "/orders/$order->{order}", 'GET'],
              ['GET', "/orders/$order->{order}/cancel", 'POST'])
{
    my ($method, $path, $allow) = @$case;
    my $answer = $t->http($method, $path, $method eq 'PUT' ? (body => 'x')
                                                           : ());
    is($answer->status . ' ' . ($answer->header('allow') || ''),
       "405 $allow", "$method of a " . ($path =~ m{^/(\w+)})[0] . ' path');
}
is($t->http('POST', "/orders/$order->{order}/pay")->status, 404,
   'no such verb of an order: 404');
is($t->http('POST', "/orders/$order->{order}/cancel/x")->status, 404,
   'nor anything below one');


# Without the journal: nothing new, but what is durable can be seen.

my $paid = $t->checkout(sku => 'card', key => 'before-' . 'x' x 20)->json;
$t->notify($paid);
$t->redis->stop;
$t->nginx->wait_log(qr/redis/i, 5);
my $down = $t->http('POST', '/checkout',
    headers => { 'Content-Type' => 'application/json' },
    body => json_text({ sku => 'card', contact => 'x' }));
is($down->status, 503, 'no order without a journal');
like($down->header('retry-after'), qr/^\d+$/, 'but when to come back');
api_ok('POST', '/checkout', $down);
is($t->checkout(sku => 'card')->status, 503, 'with a fresh key neither');
my $known = $t->checkout(sku => 'card', key => 'before-' . 'x' x 20);
is($known->status, 200, 'an order that is durable is found by its key');
is($known->json->{order}, $paid->{order}, 'the right one');
is($t->order($paid)->json->{status}, 'delivered', 'and can be read');
is(scalar @{ $t->order($paid)->json->{cards} }, 1, 'with its card');
is(cancel($paid)->status, 503, 'cancelling has to wait');
$t->redis->start;
ok(wait_until(sub { $t->checkout(sku => 'month')->status == 201 }, 5),
   'it sells again by itself');
$t->audit_ok;
