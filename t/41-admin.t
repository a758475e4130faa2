# The operator's calls: the door, products, the list of orders, decisions
# about payments under review, and the audit.

use lib 't/lib';
use utf8;

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(shop => { hold => '2s' })->start;
my $order_path = '/admin/orders/{order}';


# ---- the door ---------------------------------------------------------------

my %wrong = (
    'no token'        => {},
    'a wrong token'   => { Authorization => 'Bearer ' . 'A' x 43 },
    'a prefix'        => { Authorization => 'Bearer '
                                            . substr($t->token, 0, 42) },
    'one byte more'   => { Authorization => 'Bearer ' . $t->token . 'A' },
    'another scheme'  => { Authorization => 'Basic ' . $t->token },
    'the bare token'  => { Authorization => $t->token },
    'a cookie'        => { Cookie => 'faka_token=' . $t->token },
);

for my $case (sort keys %wrong) {
    my $answer = $t->get('/admin/products', headers => $wrong{$case});
    is($answer->status . ' ' . $answer->code, '401 unauthorized', $case);
    api_ok('GET', '/admin/products', $answer, "$case: as described");
}
my $token = $t->token;

# nginx itself refuses two such headers in some versions, with a 400.
like(http_one({ method => 'GET', port => $t->nginx->port, raw =>
    "GET /admin/products HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    . "Authorization: Bearer $token\r\n" x 2 . "\r\n" })->status,
    qr/\A40[01]\z/, 'two headers are none');
is($t->get('/admin/nothing')->status, 401,
   'without the token nobody learns what there is');

for my $path ('', '/nothing', '/products/', '/audit/x', '/products/x/y',
              '/products/x/cards/z', '/orders/x/refunding')
{
    is($t->admin('GET', $path)->status, 404, "no such path: $path");
}
for my $case (['POST', '/products', 'GET'], ['GET', '/products/x', 'PUT'],
              ['PUT', '/products/x/cards', 'POST'], ['PUT', '/orders', 'GET'],
              ['GET', '/orders/x/approve', 'POST'], ['POST', '/audit', 'GET'],
              ['HEAD', '/audit', 'GET'], ['GET', '/orders/x/deny', 'POST'])
{
    my ($method, $path, $allow) = @$case;
    my $answer = $t->admin($method, $path, $method eq 'PUT' ? {} : undef);
    is($answer->status . ' ' . ($answer->header('allow') || ''),
       "405 $allow", "$method $path");
}


# ---- products ---------------------------------------------------------------

sub put {
    my ($sku, %fields) = @_;

    my $answer = $t->admin('PUT', "/products/$sku", \%fields);
    api_ok('PUT', '/admin/products/{sku}', $answer, "PUT $sku: as described");
    return $answer;
}

my %new = (name => '卡 "x" \\ </script>', price => 1999, currency => 'CNY',
           kind => 'card');
my $made = put('steam-50', %new);
is($made->status, 201, 'a new product');
is($made->json->{name}, $new{name}, 'its name is as given');
is($made->json->{qty_max}, 100, 'qty_max is 100 if not given');
ok($made->json->{on_sale}, 'it is on sale if not given');
is($made->json->{sale_from}, undef, 'and has no window');

my $changed = put('steam-50', price => 2500);
is($changed->status, 200, 'a changed one');
is($changed->json->{price}, 2500, 'what is given changes');
is($changed->json->{name}, $new{name}, 'the rest stays');
is($changed->json->{currency}, 'CNY', 'the currency, too');
my $from = time - 100;
is(put('steam-50', sale_from => $from)->json->{sale_to}, undef,
   'one end of the window');
is(put('steam-50', sale_to => $from + 9999)->json->{sale_from}, $from,
   'the other end leaves the first');
is(put('steam-50', sale_from => undef)->json->{sale_to}, $from + 9999,
   'null takes one away');
is(put('steam-50', currency => 'USD')->json->{price}, 2500,
   'the currency alone, as long as nothing depends on it');
put('steam-50', currency => 'CNY', sale_to => undef, qty_max => 10);

is(put('shared', %new, kind => 'shared')->json->{qty_max}, 1,
   'one key for all: one at a time');
my $counted = put('month', %new, kind => 'counted', stock => 40)->json;
is("$counted->{imported} $counted->{stock}", '40 40', 'a stock number');
$counted = put('month', stock => 25)->json;
is("$counted->{imported} $counted->{stock} $counted->{void}", '40 25 15',
   'what is taken away is void');
$counted = put('month', stock => 30)->json;
is("$counted->{imported} $counted->{stock} $counted->{void}", '45 30 15',
   'what is added is imported');

$t->import_cards('steam-50', 5);
for my $change ({ kind => 'counted' }, { currency => 'USD' }) {
    my ($field) = keys %$change;
    my $answer = put('steam-50', %$change);
    is($answer->status . ' ' . $answer->code, '409 conflict',
       "the $field of a product with stock stays");
}
my $half = put('half', name => 'x', kind => 'card', currency => 'CNY');
is($half->status . ' ' . $half->json->{field}, '400 price',
   'a new product needs a price');

my $list = $t->admin('GET', '/products');
api_ok('GET', '/admin/products', $list, 'the list is as described');
is(join(' ', map { $_->{sku} } @{ $list->json }), 'steam-50 shared month',
   'in the order of creation');
api_ok('GET', '/products', $t->get('/products'), 'the public one, too');

$t->product("many-$_", name => "Name $_ " . 'x' x 100) for 1 .. 150;
my $many = $t->admin('GET', '/products');
is(scalar @{ $many->json }, 153, 'many products: all are listed');
api_ok('GET', '/admin/products', $many, 'in an answer of many buffers');


# ---- orders -----------------------------------------------------------------

my @orders = map { $t->checkout(sku => 'month', contact => "buyer $_")->json }
             1 .. 30;
$t->buy(sku => 'steam-50', contact => '买家');

sub orders {
    my ($query) = @_;

    my $answer = $t->admin('GET', "/orders?$query");
    api_ok('GET', '/admin/orders', $answer, "orders $query: as described");
    return $answer->json;
}

my $page = orders('limit=7');
is(scalar @{ $page->{orders} }, 7, 'a page of orders');
is($page->{orders}[0]{contact}, '买家', 'the newest first');
is(scalar @{ $page->{orders}[0]{payments} }, 1, 'with its payment');
ok(!exists $page->{orders}[0]{cards}, 'and without its card');
my (@all, $next);
do {
    my $page = orders('limit=7' . (defined $next ? "&cursor=$next" : ''));
    push @all, @{ $page->{orders} };
    $next = $page->{next};
} while (defined $next && @all < 100);
is(scalar @all, 31, 'following next brings all of them');
is(join(' ', map { $_->{order} } @all[1 .. 30]),
   join(' ', map { $_->{order} } reverse @orders), 'each of them once');
is(join(' ', map { $_->{sku} } @{ orders('sku=steam-50')->{orders} }),
   'steam-50', 'by product');
is(scalar @{ orders('status=delivered')->{orders} }, 1, 'by status');
is(scalar @{ orders('sku=month&status=delivered')->{orders} }, 0, 'by both');


# ---- a person decides -------------------------------------------------------

sub decide {
    my ($order, $what) = @_;

    my $answer = $t->admin('POST', "/orders/$order->{order}/$what");
    api_ok('POST', "$order_path/$what", $answer, "$what: as described");
    return $answer;
}

sub under_review {
    my $order = $t->checkout(sku => 'steam-50')->json;
    my $notice = $t->notify($order, money => '0.01');
    is($notice->body, 'success', 'a wrong amount is kept');
    is($t->order($order)->json->{status}, 'under_review', 'for a person');
    return $order;
}

my $good = under_review();
my $approved = decide($good, 'approve');
is($approved->status . ' ' . $approved->json->{status}, '200 delivered',
   'approved: delivered');
is($approved->json->{payments}[0]{state}, 'applied', 'the money is applied');
is(scalar @{ $t->order($good)->json->{cards} }, 1, 'the buyer has the card');
is(decide($good, 'deny')->code, 'conflict', 'that is decided');

my $bad = under_review();
my $denied = decide($bad, 'deny');
is($denied->status . ' ' . $denied->json->{status}, '200 refund_due',
   'denied: to be refunded');
is($denied->json->{payments}[0]{state}, 'refund_due', 'the money, too');
is(decide($bad, 'approve')->code, 'conflict', 'that is decided, too');
ok(!exists $t->order($bad)->json->{cards}, 'the buyer has no card');

is(decide({ order => '01M3J3Z7W0F4Q6X2V9T8B5K1NC' }, 'approve')->status, 404,
   'no such order');
is($t->admin('POST', '/orders/x/deny')->status, 404, 'no order id at all');
my $unpaid = $t->checkout(sku => 'steam-50')->json;
is(decide($unpaid, 'approve')->code, 'conflict', 'nothing to decide');


# ---- the audit --------------------------------------------------------------

my $audit = $t->audit;
api_ok('GET', '/admin/audit', $audit, 'the audit is as described');
my $sums = $audit->json;
ok($sums->{ok}, 'all sums agree');
is_deeply($sums->{problems}, [], 'there are no problems');
is($sums->{totals}{payments_amount}{CNY}, 2500 + 1 + 1,
   'the money that was kept');
is($sums->{totals}{refund_due}, 1, 'and what is to be refunded');
is_deeply($sums->{totals}{ledger_sum}, { CNY => 0 }, 'no cent has moved');
is_deeply([@{ $sums->{totals} }{qw(coupons accounts splits withdrawals)}],
          [0, 0, 0, 0], 'for who has no account');
my ($steam) = grep { $_->{sku} eq 'steam-50' } @{ $sums->{products} };
is(join(' ', map { $steam->{$_} } qw(imported sold void)), '5 2 0',
   'the sums of a product');
is($steam->{available} + $steam->{held}, 3, 'and what is left');

# Two at once: one runs, the other is told so or runs after it.
$t->import_cards('steam-50', 20_000);
my $audits = http_many([map { $t->admin_request('GET', '/audit') } 1 .. 20],
                       concurrency => 20);
my %status = map { $_->status => 1 } @$audits;
ok($status{200} && !grep({ $_ ne '200' && $_ ne '409' } keys %status),
   'audits at once: at least one is answered, the others told to wait');
is(scalar(grep { $_->status == 200 && !$_->json->{ok} } @$audits), 0,
   'and none of them finds damage');

http_one({ %{ $t->admin_request('GET', '/audit') }, timeout => 0.001 });
ok(wait_until(sub { $t->audit->status == 200 }, 5),
   'a client that goes away leaves no audit behind');

ok(wait_until(sub {
    return !grep { $t->order($_)->json->{status} ne 'expired' } @orders;
}, 10), 'the unpaid orders expire');
ok(wait_until(sub {
    return $t->admin('GET', '/products')->json->[2]{held} == 0;
}, 10), 'and then nothing is held');
$t->audit_ok;


# ---- a shop that is not open ------------------------------------------------

# An empty list would say that nobody is owed anything.
sub no_lists {
    my ($state, $nginx, $says) = @_;

    is($t->shop_state(nginx => $nginx), $state, "a shop that is $state");
    for my $path ('/products', '/orders', '/orders?status=refund_due',
                  '/orders?sku=nothing', "/orders/$bad->{order}")
    {
        my $answer = $t->admin('GET', $path, undef, nginx => $nginx);
        is($answer->status . ' ' . $answer->code, "503 $says",
           "$state: no GET $path");
        ok($answer->header('retry-after'), 'try again');
        my $described = $path =~ s/\?.*//r =~ s{^/orders/.*}{/orders/{order}}r;
        api_ok('GET', "/admin$described", $answer, 'as described');
    }
    is($t->http('GET', '/products', nginx => $nginx)->code, $says,
       "$state: nor one for buyers");
}

my $standby = $t->another_nginx(shop => { role => 'standby' })->start;
ok($standby->wait_log(qr/its standby/, 10), 'a standby follows');
no_lists('recovering', $standby, 'recovering');
$standby->stop;

my $other = $t->another_redis({})->start;
$other->cmd('XADD', 'faka:{main}:journal', '5-1', 'b', 'what is no record');
my $failed = $t->another_nginx(redis_socket => $other->socket_path)->start;
ok($failed->wait_log(qr/cannot recover/, 20), 'a journal that is none');
no_lists('failed', $failed, 'unavailable');
$failed->stop;
