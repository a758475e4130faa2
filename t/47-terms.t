# What a buyer pays beside the list price, and how much he may buy: wholesale
# tiers, member levels, coupons, purchase limits; alone and under a price rule.

use lib 't/lib';
use utf8;

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(shop => { buyer_history => 'on', hold => '4s' });
my $nginx = $t->nginx;
$t->start;

sub put {
    my ($path, $fields) = @_;

    return $t->admin('PUT', "/$path", $fields);
}

sub amount {
    my (%fields) = @_;

    return $t->checkout(sku => 'x', %fields)->json->{amount};
}

sub pay {
    my ($answer) = @_;

    return $t->notify($answer->json)->body;
}

my $serial = 0;
sub somebody { return sprintf 'somebody-%d@example.com', ++$serial }


# Tiers.

$t->product('x', kind => 'counted', stock => 1000, price => 1000,
            qty_max => 50,
            tiers => [{ min_qty => 5, price => 900 },
                      { min_qty => 10, price => 800 }]);
is(amount(qty => 4, contact => somebody()), 4000, 'four cost the list price');
is(amount(qty => 5, contact => somebody()), 4500, 'five the first tier');
is(amount(qty => 12, contact => somebody()), 9600, 'twelve the second');
my ($shown) = grep { $_->{sku} eq 'x' } @{ $t->get('/products')->json };
is_deeply($shown->{tiers}, [{ min_qty => 5, price => 900 },
                            { min_qty => 10, price => 800 }],
          'buyers see them');

for my $case ([[{ min_qty => 1, price => 1 }], 'from one unit on'],
              [[{ min_qty => 5, price => 1 }, { min_qty => 5, price => 1 }],
               'twice the same'],
              [[{ min_qty => 5 }], 'without a price'],
              [[{ min_qty => 5, price => 1, more => 1 }], 'more than that'],
              [{}, 'no array'],
              [[map { { min_qty => $_, price => 1 } } 2 .. 10], 'too many']) {
    my $refused = put('products/x', { tiers => $case->[0] });
    is($refused->status, 400, "refused: $case->[1]");
    is($refused->json->{field}, 'tiers', 'the field is named');
}
is(put('products/x', { tiers => [] })->status, 200, 'no tiers any more');
is(amount(qty => 12, contact => somebody()), 12000, 'then the list counts');


# Levels, by what was spent and by hand.

my $level = put('levels/silver', { off_bp => 500, min_spent => 3000 });
is($level->status, 200, 'a level');
api_ok('PUT', '/admin/levels/{level}', $level, 'as described');
is($t->get('/products')->json->[0]{price}, 1000, 'not that of a stranger');
is(put('levels/gold', { off_bp => 1000, min_spent => 1_000_000 })->status, 200,
   'another');
my $levels = $t->admin('GET', '/levels');
api_ok('GET', '/admin/levels', $levels, 'the list is as described');
is(scalar @{ $levels->json }, 2, 'has both');

my $lin = 'Lin@Example.com';
is(amount(contact => $lin, qty => 3), 3000, 'nobody yet');
is(pay($t->checkout(sku => 'x', contact => $lin, qty => 3)), 'success',
   'who has spent enough');
is(amount(contact => lc $lin), 950, 'is silver, in any letters');
my $buyer = $t->admin('GET', '/buyers/lin@example.com');
api_ok('GET', '/admin/buyers/{contact}', $buyer, 'the operator sees him');
is_deeply([@{ $buyer->json }{qw(orders spent level by_operator)}],
          [1, 3000, 'silver', JSON::PP::false], 'as he is');
$buyer = put('buyers/lin@example.com', { level => 'gold' });
api_ok('PUT', '/admin/buyers/{contact}', $buyer, 'as described');
is(amount(contact => $lin), 900, 'gold by hand');
is(put('buyers/lin@example.com', { level => '' })->json->{level}, 'silver',
   'and not any more');
is(put('buyers/lin@example.com', { level => 'lead' })->status, 404,
   'there is no such level');
is($t->admin('GET', '/buyers/nobody')->json->{orders}, 0,
   'of a stranger nothing is known');
for my $what (['%FF', 'no text'], ['x' x 129, 'too long']) {
    my $nobody = $t->admin('GET', "/buyers/$what->[0]");
    api_ok('GET', '/admin/buyers/{contact}', $nobody, "$what->[1]: described");
    is($nobody->status, 400, "$what->[1]: is no contact");
    is($nobody->json->{field}, 'contact', "$what->[1]: the field is named");
}

is(put('levels/welcome', { off_bp => 300, min_spent => 0 })->status, 200,
   'a level of everybody');
is($t->get('/products')->json->[0]{price}, 970, 'the list of products has it');
is(amount(contact => somebody()), 970, 'as the order');
is(put('levels/welcome', { off_bp => 0, min_spent => 0 })->status, 200,
   'and not any more');


# Coupons.

my $made = put('coupons/ten', { kind => 'percent', value => 1000, cap => 250,
                                min_amount => 2000, uses_max => 3,
                                uses_buyer_max => 1, products => ['x'] });
is($made->status, 201, 'a coupon');
api_ok('PUT', '/admin/coupons/{coupon}', $made, 'as described');
is($made->json->{code}, 'TEN', 'its letters are large');

my %use = (coupon => 'Ten', qty => 2);
is(amount(%use, contact => somebody()), 1800, 'ten percent');
is(amount(%use, qty => 5, contact => somebody()), 4750, 'up to its cap');

is(amount(coupon => '', agent => '', contact => somebody()), 1000,
   'an empty one is none');
my $once = $t->checkout(sku => 'x', %use, contact => 'once@example.com');
is($once->status, 201, 'somebody uses it');
my $again = $t->checkout(sku => 'x', %use, contact => 'once@example.com');
is($again->status, 422, 'but once');
is($again->code, 'invalid_coupon', 'in a word');
is($again->json->{field}, 'coupon', 'the field is named');
api_ok('POST', '/checkout', $again, 'as described');
is($t->checkout(sku => 'x', %use, contact => somebody())->status, 422,
   'three uses are all');
is($t->admin('GET', '/coupons/TEN')->json->{uses}, 3, 'they are counted');
ok(wait_until(sub { $t->admin('GET', '/coupons/TEN')->json->{uses} == 0 }, 8),
   'and given back when the orders expire');
my $back = $t->checkout(sku => 'x', %use, contact => 'once@example.com');
is($back->status, 201, 'then it may be used again');
is(pay($back), 'success', 'paid');
is($t->admin('GET', "/orders/" . $back->json->{order})->json->{coupon}, 'TEN',
   'it stands on the order');
is($t->checkout(sku => 'x', coupon => 'TEN', contact => somebody())->status,
   422, 'below its minimum');
is($t->checkout(sku => 'x', coupon => 'none', contact => somebody())->status,
   422, 'one that is not there');
$t->product('y', kind => 'counted', stock => 10, price => 5000);
is($t->checkout(sku => 'y', coupon => 'TEN', contact => somebody())->status,
   422, 'another product');
is(put('coupons/ten', { kind => 'percent', value => 1000,
                        on => JSON::PP::false })->status, 200, 'switched off');
is($t->checkout(sku => 'x', %use, contact => somebody())->status, 422,
   'nobody uses it any more');

is(put('coupons/five', { kind => 'fixed', value => 500, currency => 'CNY' })
       ->status, 201, 'a fixed one');
is(amount(coupon => 'FIVE', contact => somebody()), 500, 'takes that off');
is($t->checkout(sku => 'x', coupon => 'FIVE', contact => somebody(),
                key => 'k' x 20)->json->{amount}, 500, 'with a key');
is($t->checkout(sku => 'x', contact => "somebody-$serial\@example.com",
                key => 'k' x 20)->status, 422,
   'the same key without the coupon is another request');
is($t->checkout(sku => 'x', coupon => 'FIVE', key => 'k' x 20,
                contact => "somebody-$serial\@example.com")->status, 200,
   'the same request finds its order');
my $list = $t->admin('GET', '/coupons');
api_ok('GET', '/admin/coupons', $list, 'the list is as described');
is_deeply([map { $_->{code} } @{ $list->json->{coupons} }], [qw(TEN FIVE)],
          'has both');

for my $case ([{ kind => 'free', value => 1 }, 'kind'],
              [{ kind => 'fixed', value => 1 }, 'currency'],
              [{ kind => 'percent', value => 10001 }, 'value'],
              [{ kind => 'percent', value => 1, products => ['none'] },
               'products'],
              [{ kind => 'percent', value => 1, products => [7] },
               'products'],
              [{ kind => 'percent' }, 'value']) {
    my $refused = put('coupons/bad', $case->[0]);
    is($refused->status, 400, "refused: $case->[1]");
    is($refused->json->{field}, $case->[1], 'the field is named');
}
is($t->admin('GET', '/coupons/BAD')->status, 404, 'nothing was made of them');
is($t->admin('DELETE', '/coupons/TEN')->status, 405, 'none is deleted');


# Purchase limits: held, owed and sold count, and come back once.

is(put('products/x', { buyer_limit => 3 })->json->{buyer_limit}, 3,
   'three for a buyer');
my $greedy = 'greedy@example.com';
my $two = $t->checkout(sku => 'x', qty => 2, contact => $greedy);
is($two->status, 201, 'two');
my $more = $t->checkout(sku => 'x', qty => 2, contact => $greedy);
is($more->status, 409, 'two more are too many');
is($more->code, 'limit_reached', 'in a word');
is(pay($two), 'success', 'the two are paid');
is($t->checkout(sku => 'x', contact => $greedy)->status, 201, 'one more');
is($t->checkout(sku => 'x', contact => $greedy)->status, 409, 'and no more');
ok(wait_until(sub { $t->checkout(sku => 'x', contact => $greedy)->status
                    == 201 }, 8), 'the one that was not paid came back');
is($t->checkout(sku => 'x', contact => somebody())->status, 201,
   'others have their own');


# All of it under a rule, in the documented order; after a restart as before.

is(put('products/x', { buyer_limit => 0,
                       tiers => [{ min_qty => 2, price => 900 }] })->status,
   200, 'a tier again');
$nginx->{opt}{shop}{rules} = $t->write_file('shop.lua', <<'EOT', 0644);
function price(o)
    if o.total ~= o.tier_total and o.level == "silver" then
        return o.total - o.buyer_orders
    end
    return o.total
end

function risk(o)
    if o.first_order and o.coupon then
        return "review", "a first order with a coupon"
    end
    return "pass"
end
EOT
ok($nginx->reload, 'a rule');
my $all = $t->checkout(sku => 'x', qty => 2, contact => $lin,
                       coupon => 'five');
is_deeply($t->admin('GET', '/orders/' . $all->json->{order})->json->{pricing},
          { list => 2000, tier => 1800, level => 1710, rule => 1709,
            coupon => 1209 }, 'list, tier, level, rule, coupon');
my $first = $t->checkout(sku => 'x', coupon => 'FIVE', contact => somebody());
is($t->admin('GET', '/orders/' . $first->json->{order})
       ->json->{review_reason}, 'a first order with a coupon',
   'the rule sees buyer and coupon');

# What is given back is not spent, and nothing left is no order.

sub history {
    my ($contact) = @_;
    my $buyer = $t->admin('GET', "/buyers/$contact")->json;

    return join ' ', @$buyer{qw(orders units spent level)};
}

my $sorry = 'back@example.com';
my $bought = $t->checkout(sku => 'x', qty => 4, contact => $sorry);
is(pay($bought), 'success', 'one more buyer');
my $paid = $bought->json->{amount};
is(history($sorry), "1 4 $paid silver", 'is silver');
for my $part ([$paid - 1, 'most', '1 4 1 welcome'],
              [1, 'rest', '0 0 0 welcome']) {
    is($t->admin('POST', '/orders/' . $bought->json->{order} . '/refunds',
                 { amount => $part->[0], ref => $part->[1] })->status, 200,
       "given back: $part->[1]");
    is(history($sorry), $part->[2], 'and what he has is less');
}
my $totals = $t->audit_ok->{totals};
is($totals->{coupons}, @{ $t->admin('GET', '/coupons')->json->{coupons} },
   'coupons are counted');

my $before = $t->admin('GET', '/coupons')->json;
ok($nginx->restart, 'nginx is restarted');
ok($t->wait_open, 'and reads its journal');
is_deeply($t->admin('GET', '/coupons')->json, $before,
          'coupons are as before');
is_deeply([@{ $t->admin('GET', '/buyers/lin@example.com')->json }
           {qw(orders spent level)}], [1, 3000, 'silver'], 'so are buyers');
is(history($sorry), '0 0 0 welcome', 'also who was given all back');
is_deeply([@{ $t->audit_ok->{totals} }{qw(coupons tallies)}],
          [@$totals{qw(coupons tallies)}], 'and so are the sums');

delete $nginx->{opt}{shop}{rules};
$nginx->{opt}{shop}{review_first_order} = 'on';
ok($nginx->reload, 'review_first_order');
is($t->admin('GET', '/orders/' . $t->checkout(sku => 'x',
       contact => somebody())->json->{order})->json->{review_reason},
   'a first order', 'a person looks at first orders');
is($t->admin('GET', '/orders/' . $t->checkout(sku => 'x',
       contact => $lin)->json->{order})->json->{review},
   JSON::PP::false, 'and not at those of who has paid before');
