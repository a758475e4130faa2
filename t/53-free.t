# Channels that are free: what costs nothing is delivered by being ordered,
# and through no gateway; what costs something is not sold that way.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(shop => { buyer_history => 'on', hold => '2s' });
my $dir = $t->secrets;
my $nginx = $t->nginx;

my $epay = "channel epay epay { url http://127.0.0.1:1; pid 1000;"
           . " key_file $dir/epay.key; }\n";

$nginx->{opt}{channels} = $epay . "channel gift free { }\n";
$nginx->{opt}{shop}{rules} = $t->write_file('shop.lua', <<'LUA', 0644);
function price(o)
    if o.qty == 5 then
        return 0
    end
    return o.total
end
function risk(o)
    if o.domain == "odd.example" then
        return "review", "an odd one"
    end
    return "pass"
end
LUA
$t->start;
$t->product('trial', price => 0);
$t->product('limited', price => 0, kind => 'counted', stock => 9,
            buyer_limit => 2);
$t->product('x', price => 500, kind => 'counted', stock => 100);
$t->product('dollar', price => 0, currency => 'USD', kind => 'counted',
            stock => 9);
my $cards = $t->import_cards('trial', 7);


sub stock {
    my ($sku) = @_;

    my ($product) = grep { $_->{sku} eq $sku } @{ $t->get('/products')->json };
    return $product->{stock};
}

sub refused {
    my ($answer, $detail, $name) = @_;

    is($answer->status, 422, "$name: refused");
    is($answer->code, 'invalid_channel', 'for its channel');
    is($answer->json->{field}, 'channel', 'the field is named');
    like($answer->json->{detail}, $detail, 'and it says why');
    api_ok('POST', '/checkout', $answer, 'as described');
}

sub got {
    my ($answer, $name) = @_;

    is($answer->status, 201, "$name: an order") or diag($answer->body);
    my $order = $answer->json;
    is($order->{amount}, 0, 'for nothing');
    is($order->{status}, 'delivered', 'delivered at once');
    is_deeply($order->{pay}, { method => 'none', url => undef },
              'and there is nothing to pay');
    api_ok('POST', '/checkout', $answer, 'as described');
    return $order;
}


# A price of nothing.

my $products = $t->get('/products');
api_ok('GET', '/products', $products, 'the list is as described');
is($products->json->[0]{price}, 0, 'it costs nothing');

my $key = 'free-key-0123456789';
my %trial = (sku => 'trial', channel => 'gift');
my $order = got($t->checkout(%trial, key => $key), 'a gift');
my $view = $t->order($order);
api_ok('GET', '/orders/{order}', $view, 'the order is as described');
is_deeply($view->json->{cards}, [$cards->[0]], 'and has its card');
ok($view->json->{paid_at}, 'it counts as paid');
my $again = $t->checkout(%trial, key => $key);
is($again->status, 200, 'asked again');
is($again->json->{order}, $order->{order}, 'it is the same order');
is(stock('trial'), 6, 'one is gone');

got($t->checkout(sku => 'dollar', channel => 'gift'),
    'of whatever currency');
my $named = got($t->checkout(sku => 'trial'), 'by the name of a gateway');
is($t->admin('GET', "/orders/$named->{order}")->json->{channel}, 'gift',
   'it went through the free one');
is(stock('trial'), 5, 'and another unit is gone');
refused($t->checkout(sku => 'dollar'), qr/currency/,
        'by a gateway that takes another currency');
refused($t->checkout(sku => 'x', channel => 'gift'), qr/this one does not\z/,
        'what costs something');
is(stock('x'), 100, 'nothing is held for it');


# Who names no channel.

sub unnamed {
    my ($sku) = @_;

    return $t->http('POST', '/checkout',
        headers => { 'Content-Type' => 'application/json' },
        body => json_text({ sku => $sku, contact => 'me@example.com' }));
}

got(unnamed('trial'), 'without a channel');
is(unnamed('x')->json->{status}, 'awaiting_payment',
   'what costs something waits for its money');


# No gateway may notify there.

for my $method (qw(GET POST)) {
    my $answer = $t->http($method, '/notify/gift?out_trade_no='
                                   . $order->{order});
    my $unknown = $t->http($method, '/notify/nothing?out_trade_no='
                                    . $order->{order});
    is($answer->status, 404, "$method: no notice is taken");
    is($answer->body, $unknown->body, 'as of a channel that there is not');
}


# A limit, a coupon, a level, a rule.

my %limited = (sku => 'limited', channel => 'gift');
got($t->checkout(%limited, qty => 2), 'up to the limit');
is($t->checkout(%limited)->code, 'limit_reached', 'and no more');

$t->admin('PUT', '/coupons/ALL', { kind => 'percent', value => 10000,
                                   uses_buyer_max => 1 });
$t->admin('PUT', '/coupons/MUCH', { kind => 'fixed', value => 501,
                                    currency => 'CNY' });
my %x = (sku => 'x', channel => 'gift');
got($t->checkout(sku => 'x', coupon => 'ALL', contact => 'he@example.com'),
    'a coupon that takes all, by the name of a gateway');
got($t->checkout(%x, coupon => 'ALL'), 'a coupon that takes all');
is($t->checkout(%x, coupon => 'ALL')->code, 'invalid_coupon',
   'once for each buyer');
got($t->checkout(%x, coupon => 'MUCH'), 'a coupon of more than that');
is($t->admin('GET', '/coupons/MUCH')->json->{uses}, 1, 'is used');
refused($t->checkout(%x, coupon => 'MUCH', qty => 2), qr/this one does/,
        'and not enough for two');
got($t->checkout(%x, qty => 5), 'a rule');
my $level = $t->admin('PUT', '/levels/guest', { off_bp => 10000,
                                                min_spent => 0 });
is($level->status, 200, 'a level that takes all') or diag($level->body);
got($t->checkout(%x, contact => 'new@example.com'), 'a level');
$t->admin('PUT', '/levels/guest', { off_bp => 0, min_spent => 1 });


# To be looked at.

my %odd = (%trial, contact => 'me@odd.example');
my $looked = $t->checkout(%odd);
api_ok('POST', '/checkout', $looked, 'as described');
is($looked->json->{status}, 'under_review', 'somebody looks at it');
$looked = $looked->json;
my $decided = $t->admin('POST', "/orders/$looked->{order}/approve");
is($decided->status, 200, 'approved') or diag($decided->body);
is($t->order($looked)->json->{status}, 'delivered', 'is delivered');
$looked = $t->checkout(%odd)->json;
$decided = $t->admin('POST', "/orders/$looked->{order}/deny");
is($decided->status, 200, 'denied') or diag($decided->body);
is($t->order($looked)->json->{status}, 'refunded', 'and nothing is owed');
is(stock('trial'), 3,
   'its unit is there again');
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 1, ref => 'r' })->status, 400,
   'nothing can be given back');


# It outlives a worker, and everything.

$t->audit_ok;
$nginx->kill_worker;
$nginx->kill_all;
$nginx->start;
$t->wait_open;
is_deeply($t->order($order)->json, $view->json, 'it is as it was');
is(stock('trial'), 3, 'and the stock');
$t->audit_ok;


# Many at once, and no more than there are.

my @many = @{ http_many([map { $t->checkout_request(%trial) } 1 .. 20]) };
is(scalar(grep { $_->status == 201 } @many), 3, 'as many as there are');
is(scalar(grep { $_->code eq 'sold_out' } grep { $_->status != 201 } @many),
   17, 'and the others are told');
$t->audit_ok;


# A shop that gives everything away; and one that has no free channel.

$nginx->{opt}{channels} = "channel gift free { }\n";
$nginx->reload;
got(unnamed('limited'), 'a shop without any gateway');
refused(unnamed('x'), qr/this one does/, 'what costs something');
$nginx->{opt}{channels} = $epay;
$nginx->reload;
refused(unnamed('limited'), qr/name a channel/, 'a shop with gateways alone');
refused($t->checkout(sku => 'x', coupon => 'MUCH'), qr/name a channel/,
        'there a coupon takes not all');
is($t->admin('GET', '/coupons/MUCH')->json->{uses}, 1, 'and is not used');
is($t->checkout(sku => 'x', qty => 5)->json->{amount}, 2500,
   'there a rule cannot make it a gift');
