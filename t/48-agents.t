# Agents and what they earn: commission by the rule and by rates of their own,
# frozen and available, clawed back with the buyer's money, withdrawn; and the
# agent's own view of it.

use lib 't/lib';

use Faka::Http qw(http_many);
use Faka::OpenAPI qw(api_ok);
use Faka::Test;

use constant DAY_SECONDS => 86_400;

my $t = Faka::Test->new(
    server => 'location /agents/ { faka_agents main; }',
    shop => { settle_after => '7d', retention => '60d' });
my $nginx = $t->nginx;

$t->own_clock;
my $shop = $nginx->{opt}{shop};
my $secret = 'agent-token-' . 'x' x 32;

$shop->{rules} = $t->write_file('shop.lua', <<'EOT', 0644);
function commission(o)
    if o.sku == "bad" and not o.signals.mended then
        return o.paid, 1
    end
    if o.own then
        return 0
    end
    return percent(o.paid, 1), percent(o.paid, 10), percent(o.paid, 5)
end

examples = {
    { commission = { sku = "x", paid = 1000, own = false },
      gives = { 10, 100, 50 } },
}
EOT
$t->start;
$t->product($_, kind => 'counted', stock => 1000, price => 999, qty_max => 10)
    for qw(x bad);

sub put {
    my ($id, %fields) = @_;

    return $t->admin('PUT', "/accounts/$id", \%fields);
}

sub account { return $t->admin('GET', "/accounts/$_[0]")->json }

sub balances {
    my ($id) = @_;

    my $account = account($id);
    return join ' ', map { "$_ $account->{$_}" }
           grep { $account->{$_} } qw(frozen available reserved withdrawn
                                      debt earned);
}

sub bought {
    my (%fields) = @_;

    my $answer = $t->checkout(sku => 'x', %fields);
    is($answer->status, 201, 'an order') or diag($answer->body);
    is($t->notify($answer->json)->body, 'success', 'is paid');
    return $answer->json;
}


# Accounts.

my $made = put('boss', currency => 'CNY');
is($made->status, 201, 'an agent');
api_ok('PUT', '/admin/accounts/{account}', $made, 'as described');
is(put('lin', currency => 'CNY', parent => 'boss', token => $secret)->status,
   201, 'another below');
is(put('platform', currency => 'CNY', kind => 'platform')->status, 201,
   'the platform');
my $cycle = put('boss', parent => 'lin');
is($cycle->status, 400, 'a cycle is refused');
is($cycle->json->{field}, 'parent', 'the field is named');
is(put('eve', parent => 'boss')->json->{field}, 'currency',
   'one without a currency');
is(put('eve', currency => 'CNY', rates => [1, 2])->json->{field}, 'rates',
   'too few rates');
is(put('eve', currency => 'CNY', rates => [1, 2, 10001])->json->{field},
   'rates', 'a rate beyond all');
my $list = $t->admin('GET', '/accounts');
api_ok('GET', '/admin/accounts', $list, 'the list is as described');
is_deeply([map { $_->{account} } @{ $list->json->{accounts} }],
          [qw(boss lin platform)], 'has them');

my $refused = $t->checkout(sku => 'x', agent => 'nobody');
is($refused->status, 422, 'an agent that is not there');
is($refused->code, 'invalid_agent', 'in a word');
api_ok('POST', '/checkout', $refused, 'as described');


# Frozen, then available; odd amounts are rounded down, the rest is the shop's.

my $order = bought(agent => 'lin');
is(balances('lin'), 'frozen 99 earned 99', 'ten percent, frozen');
is(balances('boss'), 'frozen 49 earned 49', 'five percent above');
is(balances('platform'), 'frozen 9 earned 9', 'and the platform');
is($t->admin('GET', "/orders/$order->{order}")->json->{agent}, 'lin',
   'the order knows its agent');
$t->later(6.9 * DAY_SECONDS);
$t->get('/products');
is(balances('lin'), 'frozen 99 earned 99', 'for a week');
$t->later(0.2 * DAY_SECONDS);
ok(wait_until(sub { account('lin')->{available} == 99 }, 8), 'then available');
is(balances('boss'), 'available 49 earned 49', 'above, too');
$t->audit_ok;

my $ledger = $t->admin('GET', '/accounts/lin/ledger');
api_ok('GET', '/admin/accounts/{account}/ledger', $ledger, 'as described');
is_deeply([map { "$_->{kind} $_->{state} $_->{amount} $_->{order}" }
           @{ $ledger->json->{entries} }],
          ["commission available 99 $order->{order}"], 'the ledger');


# The agent's own view.

my %mine = (headers => { Authorization => "Bearer $secret" });
my $view = $t->get('/agents/lin', %mine);
api_ok('GET', '/agents/{account}', $view, 'as described');
is($view->json->{available}, 99, 'the balance');
like($view->json->{link}, qr{\?agent=lin\z}, 'the link');
is($t->get('/agents/lin/ledger', %mine)->json->{entries}[0]{amount}, 99,
   'the ledger');
my $csv = $t->get('/agents/lin/ledger.csv', %mine);
is($csv->header('content-type'), 'text/csv; charset=utf-8', 'as CSV');
like($csv->body, qr/\Akind,.*\ncommission,available,99,\d+,\d+,\w{26},\n\z/,
     'a line an entry');
for my $case (['/agents/lin', undef], ['/agents/lin', 'wrong' x 8],
              ['/agents/boss', $secret], ['/agents/none', $secret],
              ['/agents/', $secret], ['/agents/lin/other', $secret],
              ['/agents/lin/ledger/x', $secret],
              ['/agents/lin/ledger/x/y', $secret],
              ['/agents/lin/ledger.csv/', $secret]) {
    my ($path, $token) = @$case;
    my $no = $t->get($path, defined $token
                     ? (headers => { Authorization => "Bearer $token" }) : ());
    is($no->status, 404, "$path with another token tells nothing");
}


# An empty token or contact is none, and a short token is refused.

my $short = put('lin', token => 'x' x 31);
is($short->status, 400, 'a token that could be guessed');
is($short->json->{field}, 'token', 'the field is named');
is(put('a!b', currency => 'CNY')->json->{field}, 'account', 'also of a path');
is(put('lin', token => '')->status, 200, 'no token any more');
is($t->get('/agents/lin', %mine)->status, 404, 'so nobody sees him');
is($t->get('/agents/lin', headers => { Authorization => 'Bearer ' })->status,
   404, 'not without one, either');
is(put('lin', token => $secret)->status, 200, 'it is given again');
is($t->get('/agents/lin', %mine)->status, 200, 'and counts');


# Who buys by his own link earns nothing by this rule.

is(put('lin', contact => 'Lin@Example.com')->status, 200, 'his own contact');
bought(agent => 'lin', contact => 'lin@example.com');
is(account('lin')->{earned}, 99, 'nothing of that');
is(account('boss')->{earned}, 49, 'for nobody');
is(put('lin', contact => '')->status, 200, 'it is his contact no more');
$order = bought(agent => 'lin', contact => 'lin@example.com', qty => 10);
is(account('lin')->{earned}, 99 + 999, 'then it is somebody else');
$t->admin('POST', "/orders/$order->{order}/refunds",
          { amount => 9990, ref => 'own' });
is(account('lin')->{earned}, 99, 'who is given the money back');


# A rate of their own counts more than the rule; a closed one gets nothing.

is(put('lin', rates => [2000, -1, -1])->status, 200, 'twenty percent');
bought(agent => 'lin');
is(account('lin')->{earned}, 99 + 199, 'by the own rate');
is(put('boss', closed => JSON::PP::true)->status, 200, 'the boss is closed');
my $earned = account('boss')->{earned};
bought(agent => 'lin');
is(account('boss')->{earned}, $earned, 'and earns no more');
is($t->checkout(sku => 'x', agent => 'boss')->status, 422,
   'nor leads anybody here');


# A rule that wants more than was paid.

$order = bought(sku => 'bad', agent => 'lin');
$view = $t->admin('GET', "/orders/$order->{order}")->json;
is($view->{status}, 'delivered', 'the buyer has his goods');
is($view->{commission_failed}, JSON::PP::true, 'the order is flagged');
is($t->metrics->{'faka_rules_calls_total{rules="main",hook="commission",'
                 . 'result="answer"}'}, 1, 'it is counted');

# Afterwards, when the rule is mended.
sub commission { return $t->admin('POST', "/orders/$_[0]/commission") }
my $late = commission($order->{order});
is($late->status, 409, 'it fails again');
api_ok('POST', '/admin/orders/{order}/commission', $late, 'as described');

# A split is for good: without a rule it is made only where no share is by one.
my $rated = bought(sku => 'bad', agent => 'lin');
my $with = $shop->{rules};
$shop->{rules} = $t->write_file('none.lua', <<'EOT', 0644);
function price(o)
    return o.total
end
EOT
ok($nginx->reload, 'a file without that rule');
is(commission($rated->{order})->status, 409, 'no rule is no answer');
delete $shop->{rules};
ok($nginx->reload, 'no file at all');
is(commission($rated->{order})->status, 409, 'for the platform, neither');
put('platform', closed => JSON::PP::true);
put('boss', closed => JSON::PP::false);
is(commission($rated->{order})->status, 409, 'nor for an agent without rates');
is($t->admin('GET', "/orders/$rated->{order}")->json->{commission_failed},
   JSON::PP::true, 'it is flagged still');
put('boss', closed => JSON::PP::true);
$earned = account('lin')->{earned};
is(commission($rated->{order})->status, 200, 'by rates alone it is split');
is(account('lin')->{earned} - $earned, 199, 'and the agent has his part');
put('platform', closed => JSON::PP::false);
$shop->{rules} = $with;
ok($nginx->reload, 'the rule is back');

is($t->admin('PUT', '/signals/mended', { value => 1, ttl => 60 })->status,
   200, 'the rule is mended');
$earned = account('lin')->{earned};
$late = commission($order->{order});
is($late->status, 200, 'split afterwards') or diag($late->body);
api_ok('POST', '/admin/orders/{order}/commission', $late, 'as described');
is($late->json->{commission_failed}, JSON::PP::false, 'it is flagged no more');
is(account('lin')->{earned} - $earned, 199, 'the agent has his part');
is(commission($order->{order})->status, 200, 'said twice');
is(account('lin')->{earned} - $earned, 199, 'he has it once');
is(commission('01M3J3Z7W0F4Q6X2V9T8B5K1NC')->status, 404, 'no such order');
my $unpaid = $t->checkout(sku => 'x', agent => 'lin')->json;
is(commission($unpaid->{order})->status, 409, 'nor one that is not paid');


# Money that goes back takes its commission along, in parts and whole.

my $before = account('lin')->{earned};
$order = bought(agent => 'lin', qty => 10);
is(account('lin')->{earned} - $before, 1998, 'a large order');
my $part = $t->admin('POST', "/orders/$order->{order}/refunds",
                     { amount => 3330, ref => 'r-1' });
is($part->status, 200, 'a third goes back');
api_ok('POST', '/admin/orders/{order}/refunds', $part, 'as described');
is($part->json->{returned}, 3330, 'the order knows it');
is(account('lin')->{earned} - $before, 1998 - 666, 'and a third of it');
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 3330, ref => 'r-1' })->json->{returned}, 3330,
   'said twice it counts once');
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 6661, ref => 'r-2' })->status, 400,
   'not more than is left');
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 6660, ref => 'r-2' })->status, 200, 'the rest');
is(account('lin')->{earned}, $before, 'then nothing was earned by it');
$t->audit_ok;


# Withdrawals.

$t->later(8 * DAY_SECONDS);
ok(wait_until(sub { !account('lin')->{frozen} }, 8), 'all is available');
my $have = account('lin')->{available};
sub withdraw {
    return $t->admin('POST', '/accounts/lin/withdrawals',
                     { amount => $_[0], note => 'alipay' });
}
is(withdraw($have + 1)->status, 409, 'not more than is there');
sub by_ref {
    my (%fields) = @_;
    return $t->admin('POST', '/accounts/lin/withdrawals',
                     { ref => 'payout 1', %fields });
}
my $asked = by_ref(amount => $have);
is($asked->status, 201, 'all of it');
is($asked->json->{note}, 'payout 1', 'by a reference of the own');
my $same = by_ref(amount => $have);
api_ok('POST', '/admin/accounts/{account}/withdrawals', $same,
       'as described, asked twice');
is($same->status, 200, 'is one withdrawal');
is_deeply($same->json, $asked->json, 'the first');
is(by_ref(amount => 1)->json->{field}, 'ref', 'of another amount it is not');
is(by_ref(amount => 1)->status, 409, 'and refused');
is(by_ref(amount => 1, note => 'x')->status, 400, 'nor with a note beside');
api_ok('POST', '/admin/accounts/{account}/withdrawals', $asked,
       'as described');
is(balances('lin'), "reserved $have earned $have", 'is reserved');
my $id = $asked->json->{withdrawal};
is($t->admin('POST', "/withdrawals/$id/paid")->status, 409,
   'not before it is approved');
is($t->admin('POST', "/withdrawals/$id/approve")->json->{state}, 'approved',
   'approved');
is($t->admin('POST', "/withdrawals/$id/paid")->json->{state}, 'paid', 'paid');
is($t->admin('POST', "/withdrawals/$id/paid")->status, 200, 'said twice');
is($t->admin('POST', "/withdrawals/$id/reject")->status, 409,
   'it is out of the house');
is(balances('lin'), "withdrawn $have earned $have", 'nothing is left');
is(by_ref(amount => $have)->json->{state}, 'paid', 'it is that one still');
my $all = $t->admin('GET', '/withdrawals');
api_ok('GET', '/admin/withdrawals', $all, 'the list is as described');
is(scalar @{ $all->json->{withdrawals} }, 1, 'has it');

$order = bought(agent => 'lin');
is($t->admin('POST', "/orders/$order->{order}/refunds",
             { amount => 1, ref => 'debt' })->status, 200, 'one cent back');
my $totals = $t->audit_ok->{totals};
is_deeply($totals->{ledger_sum}, { CNY => 0 }, 'both sides are equal');
is_deeply([@$totals{qw(accounts splits withdrawals)}], [3, 8, 1],
          'all of it is counted');

my $saved = [map { balances($_) } qw(lin boss platform)];
ok($nginx->restart, 'nginx is restarted');
ok($t->wait_open, 'and reads its journal');
is_deeply([map { balances($_) } qw(lin boss platform)], $saved,
          'balances are as before');
is_deeply([@{ $t->audit_ok->{totals} }{qw(accounts splits withdrawals)}],
          [3, 8, 1], 'and all of it is there');


# A ledger that is longer than a file: it goes on where the header says.

is($t->admin('PUT', '/accounts/long', { currency => 'CNY', token => $secret })
       ->status, 201, 'another agent');
my $many = 4096 + 20;
$t->product('long', kind => 'counted', stock => $many, price => 999);
my @made = @{ http_many([map { $t->checkout_request(sku => 'long',
                                                    agent => 'long') }
                             1 .. $many],
                        concurrency => 32, keepalive => 1) };
my @paid = @{ http_many([map { $t->notify_request($_->json) } @made],
                        concurrency => 32, keepalive => 1) };
is((grep { $_->body eq 'success' } @paid), $many, "$many orders are paid");
my (%line, $files);
for (my $at = '/agents/long/ledger.csv'; $at; $files++) {
    my $file = $t->get($at, %mine);
    my ($head, @lines) = split /\n/, $file->body;
    cmp_ok(@lines, '<=', 4096, 'lines of a file');
    $line{$_}++ for @lines;
    my $link = $file->header('link') // '';
    $at = $link =~ /\A<(\?cursor=\d+)>; rel="next"\z/
          ? "/agents/long/ledger.csv$1" : '';
}
is($files, 2, 'two files');
is((grep { $_ == 1 } values %line), $many, 'have each line once');
is($t->get('/agents/long/ledger.csv?cursor=x', %mine)->json->{field},
   'cursor', 'a cursor that is none');


# The configuration.

for my $case (['commission_levels', '6', qr/no number from 0 to 5/],
              ['commission_levels', 'many', qr/no number/],
              ['settle_after', '2y', qr/no time up to 400d/]) {
    local $shop->{ $case->[0] } = $case->[1];
    my ($code, $said) = $nginx->check_conf;
    is($code, 1, "refused: $case->[0] $case->[1]");
    like($said, $case->[2], 'and it says why');
}
{
    local $shop->{commission_levels} = 3;
    my ($code, $said) = $nginx->check_conf;
    is($code, 0, 'three levels are possible');
    like($said, qr/may be unlawful where you trade/, 'with a warning');
}
