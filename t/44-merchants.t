# A shop in which several sell: products that belong to merchants, who get what
# platform and agents leave of each payment, to the cent; and the platform's
# part of orders that nobody brought.

use lib 't/lib';

use List::Util qw(sum0);

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

use constant DAY_SECONDS => 86_400;

my $t = Faka::Test->new(
    server => 'location /agents/ { faka_agents main; }',
    shop => { settle_after => '7d', retention => '20d' });
my $nginx = $t->nginx;

$t->own_clock;

# As the rule that is shipped, but for what may go wrong.
$nginx->{opt}{shop}{rules} = $t->write_file('shop.lua', <<'EOT', 0644);
function commission(o)
    if o.sku == "bad" then
        return o.paid + 1
    end

    local platform = percent(o.paid, 1)

    if not o.agent then
        return platform + o.levels
    end

    return platform, percent(o.paid, 10), percent(o.paid, 5)
end
EOT
$t->start;
$t->product($_, kind => 'counted', stock => 1000, price => 999, qty_max => 10)
    for qw(house book tea bad);

my $secret = 'merchant-token-' . 'x' x 32;
my @all = qw(lin boss shu cha kasse);

sub put { return $t->admin('PUT', "/$_[0]", $_[1]) }
sub account { return $t->admin('GET', "/accounts/$_[0]")->json }

sub balances {
    my ($id) = @_;

    my $account = account($id);
    return join ' ', map { "$_ $account->{$_}" }
           grep { $account->{$_} } qw(frozen available reserved withdrawn
                                      debt earned);
}

sub paid {
    my ($order) = @_;

    is($t->notify($order)->body, 'success', 'it is paid');
    return $order;
}

sub bought { return paid($t->checkout(@_)->json) }

# The lines of an order's split, as one text, and that they are no more than
# was paid.
sub lines {
    my ($order) = @_;

    my $answer = $t->admin('GET', "/orders/$order->{order}");
    api_ok('GET', '/admin/orders/{order}', $answer, 'the order');
    my $split = $answer->json->{split} or return 'nobody';
    cmp_ok(sum0(map { $_->{amount} } @{ $split->{lines} }), '<=',
           $split->{paid}, 'no more than was paid');
    return join ' ', map { "$_->{account} $_->{amount}" . ($_->{clawed}
                           ? "-$_->{clawed}" : '') } @{ $split->{lines} };
}

sub calls {
    my $metrics = $t->metrics;
    return sum0(map { $metrics->{$_} }
                grep { /faka_rules_calls_total\{.*hook="commission"/ }
                keys %$metrics);
}


# Accounts and products.

my $made = put('accounts/shu', { currency => 'CNY', kind => 'merchant',
                                 token => $secret });
is($made->status, 201, 'a merchant');
api_ok('PUT', '/admin/accounts/{account}', $made, 'as described');
is($made->json->{kind}, 'merchant', 'it is one');
is(put('accounts/cha', { currency => 'CNY', kind => 'merchant' })->status,
   201, 'another');
is(put('accounts/usd', { currency => 'USD', kind => 'merchant' })->status,
   201, 'one of another currency');
put('accounts/boss', { currency => 'CNY' });
put('accounts/lin', { currency => 'CNY', parent => 'boss' });

for my $case (['accounts/new', { currency => 'CNY', kind => 'merchant',
                                 parent => 'boss' }, 'parent'],
              ['accounts/new', { currency => 'CNY', kind => 'merchant',
                                 rates => [1, -1, -1] }, 'rates'],
              ['accounts/new', { currency => 'CNY', parent => 'shu' },
               'parent'],
              ['products/book', { merchant => 'nobody' }, 'merchant'],
              ['products/book', { merchant => 'lin' }, 'merchant'],
              ['products/book', { merchant => 'usd' }, 'merchant'],
              ['products/book', { merchant => 'x' x 33 }, 'merchant'],
              ['products/book', { merchant => 7 }, 'merchant']) {
    my ($path, $fields, $field) = @$case;
    my $refused = put($path, $fields);
    is($refused->status, 400, "$path is refused");
    is($refused->json->{field}, $field, 'the field is named');
}

my $book = put('products/book', { merchant => 'shu' });
is($book->status, 200, 'a product of a merchant');
api_ok('PUT', '/admin/products/{sku}', $book, 'as described');
is($book->json->{merchant}, 'shu', 'it is shown');
is(put('products/book', { price => 999 })->json->{merchant}, 'shu',
   'it stays');
is(put('products/tea', { merchant => 'cha' })->json->{merchant}, 'cha',
   'of another');
put('products/bad', { merchant => 'cha' });
my $list = $t->admin('GET', '/products');
api_ok('GET', '/admin/products', $list, 'the list');
is_deeply({ map { $_->{sku} => $_->{merchant} } @{ $list->json } },
          { house => undef, book => 'shu', tea => 'cha', bad => 'cha' },
          'has them');
my $refused = $t->checkout(sku => 'book', agent => 'shu');
is($refused->code, 'invalid_agent', 'a merchant leads nobody here');


# Without a platform, nobody is there whom the rule could give anything.

is(lines(bought(sku => 'house')), 'nobody', 'the house keeps its own');
is(lines(bought(sku => 'book')), 'shu 999', 'all is the merchant\'s');
is(calls(), 0, 'nothing to ask for');

is(put('accounts/kasse', { currency => 'CNY', kind => 'platform',
                           closed => JSON::PP::true })->status, 201,
   'a platform, whatever it is called');
is(lines(bought(sku => 'book')), 'shu 999', 'closed, it is nobody, too');
is(calls(), 0, 'and nothing is asked');
put('accounts/kasse', { closed => JSON::PP::false });
is(lines(bought(sku => 'house')), 'kasse 9', 'it has its part of each order');
my $order = bought(sku => 'book');
is(lines($order), 'kasse 9 shu 990', 'and leaves the rest');
is(calls(), 2, 'the rule was asked');
$order = bought(sku => 'book', agent => 'lin');
is(lines($order), 'lin 99 boss 49 kasse 9 shu 842', 'all four, to the cent');
is(lines(bought(sku => 'tea', qty => 7, agent => 'lin')),
   'lin 699 boss 349 kasse 69 cha 5876', 'of 6993, too');
is(balances('shu'), 'frozen 3830 earned 3830', 'frozen as an agent\'s');
$t->audit_ok;


# Part of it goes back: of each line its share, rounded down.

is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 100, ref => 'r-1' })->status, 200, 'some goes back');
is(lines($order), 'lin 99-9 boss 49-4 kasse 9 shu 842-84', 'of each line');
is(balances('shu'), 'frozen 3746 earned 3746', 'less by that');
$t->audit_ok;


# Whose it is when it is paid.

my $waiting = $t->checkout(sku => 'tea')->json;
is(put('products/tea', { merchant => 'shu' })->status, 200, 'sold on');
is(lines(paid($waiting)), 'kasse 9 shu 990', 'to whom it belongs now');
is(put('products/tea', { merchant => '' })->json->{merchant}, undef,
   'taken away');
is(lines(bought(sku => 'tea')), 'kasse 9', 'the house keeps the rest');
put('products/tea', { merchant => 'cha' });
is(put('accounts/cha', { closed => JSON::PP::true })->status, 200, 'closed');
is(lines(bought(sku => 'tea')), 'kasse 9', 'who is closed gets nothing');
put('accounts/cha', { closed => JSON::PP::false });
put('accounts/boss', { closed => JSON::PP::true });
is(lines(bought(sku => 'tea', agent => 'lin')), 'lin 99 kasse 9 cha 891',
   'what a closed agent would get is the merchant\'s');
put('accounts/boss', { closed => JSON::PP::false });


# A rule that fails: nobody gets anything, and the order says so.

$order = bought(sku => 'bad');
is(lines($order), 'nobody', 'a rule that failed');
is($t->admin('GET', "/orders/$order->{order}")->json->{commission_failed},
   JSON::PP::true, 'is seen');


# Available, withdrawn, and a debt.

my $shu = account('shu')->{frozen};
$t->later(7.1 * DAY_SECONDS);
ok(wait_until(sub { account('shu')->{available} == $shu }, 8), 'available');
my $asked = $t->admin('POST', '/accounts/shu/withdrawals',
                      { amount => $shu, note => 'bank' });
is($asked->status, 201, 'all of it');
my $id = $asked->json->{withdrawal};
is($t->admin('POST', "/withdrawals/$id/$_")->status, 200, $_)
    for qw(approve paid);

$order = bought(sku => 'book');
$t->later(7.1 * DAY_SECONDS);
ok(wait_until(sub { account('shu')->{available} == 990 }, 8), 'the next one');
$t->admin('POST', '/accounts/shu/withdrawals', { amount => 990 });
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 999, ref => 'all' })->status, 200, 'it goes back');
is(lines($order), 'kasse 9-9 shu 990-990', 'the whole of each line');
is(balances('shu'),
   "available -990 reserved 990 withdrawn $shu debt 990 earned $shu",
   'what was promised is a debt');
$t->audit_ok;


# What the merchant sees.

my %mine = (headers => { Authorization => "Bearer $secret" });
my $view = $t->get('/agents/shu', %mine);
api_ok('GET', '/agents/{account}', $view, 'as described');
is($view->json->{debt}, 990, 'the balance');
is($view->json->{link}, undef, 'and no link');
my $ledger = $t->get('/agents/shu/ledger', %mine);
api_ok('GET', '/agents/{account}/ledger', $ledger, 'as described');
is_deeply([sort { $a cmp $b } map { "$_->{kind} $_->{amount}" }
           grep { ($_->{order} // '') eq $order->{order} }
           @{ $ledger->json->{entries} }], ['clawback -990', 'sale 990'],
          'the ledger');
like($t->get('/agents/shu/ledger.csv', %mine)->body,
     qr/^sale,available,990,\d+,\d+,$order->{order},$/m, 'and as CSV');
is($t->get('/agents/cha', %mine)->status, 404, 'not another\'s');


# After a restart, and out of the archive.

my $tea = bought(sku => 'tea', agent => 'lin');
my $seen = lines($tea);
my $saved = [map { balances($_) } @all];
ok($nginx->restart, 'nginx is restarted');
ok($t->wait_open, 'and reads its journal');
is_deeply([map { balances($_) } @all], $saved, 'balances are as before');
is(lines($tea), $seen, 'and the split');
is(lines(bought(sku => 'book')), 'kasse 9 shu 990', 'whose it is, too');
$t->audit_ok;

$t->later(30 * DAY_SECONDS);
ok(wait_until(sub { ($t->metrics->{faka_archived_orders_total} // 0) >= 14 },
              10), 'all have left the memory')
    or diag($t->metrics->{faka_archived_orders_total});
is(lines($tea), $seen, 'a split is seen in the archive');
is($t->admin('POST', "/orders/$tea->{order}/refunds",
             { amount => 1, ref => 'late' })->status, 200, 'a cent goes back');
is(lines($tea), $seen, 'of which no line has a share yet');
$t->audit_ok;
