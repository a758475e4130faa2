# The operator's rules in the shop: a price and a risk rule, what they see and
# what becomes of their answers; rules that fail, hang or lie; blocklists and
# limits without Lua; the canary; and the operator's walk of lua/README.md.

use lib 't/lib';
use utf8;

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

use Encode qw(encode_utf8);
use Time::HiRes qw(time);

my $t = Faka::Test->new(workers => 2);
my $nginx = $t->nginx;
my $shop = $nginx->{opt}{shop} = {};


# Writes the rules and takes them: at the first time with the start.

sub rules {
    my ($text, $name) = @_;

    return $t->write_file($name || 'shop.lua', encode_utf8($text), 0644);
}

sub take {
    return ok($nginx->reload, $_[0] || 'the rules are taken');
}

sub admin_order {
    my ($answer) = @_;

    return $t->admin('GET', '/orders/' . $answer->json->{order})->json;
}


$shop->{rules} = rules(<<'EOT');
function price(o)
    if o.sku == "signal" then
        return o.list_total + (o.signals.rain or 0)
    end
    if o.qty >= 3 then
        return percent(o.total, 90)
    end
    return o.total
end

function risk(o)
    if o.domain == "bad.example" then
        return "refuse", "nobody from there"
    end
    if o.total > 5000 then
        return "review", "große Bestellung"
    end
    if o.pay_s and o.sku == "slow" then
        return "review", "paid after " .. o.pay_s
    end
    return "pass"
end

examples = {
    { price = { sku = "x", qty = 3, total = 1000 }, gives = 900 },
    { risk = { sku = "x", total = 1, domain = "bad.example" },
      gives = "refuse" },
}
EOT
$t->own_clock->later_to_the_hour;
$t->start;
$t->product($_, kind => 'counted', stock => 1000, price => 1000, qty_max => 50)
    for qw(x signal slow);


# The price, and how it came about.

my $answer = $t->checkout(sku => 'x', qty => 3);
is($answer->json->{amount}, 2700, 'three cost less');
my $view = $t->admin('GET', '/orders/' . $answer->json->{order});
api_ok('GET', '/admin/orders/{order}', $view, 'the order is as described');
is_deeply($view->json->{pricing}, { list => 3000, tier => 3000, level => 3000,
                                    rule => 2700, coupon => 2700 },
          'the operator sees how');
like($view->json->{rules}, qr/\A[0-9a-f]{8}\z/, 'and by which rules');
is($view->json->{review}, JSON::PP::false, 'nobody has to look');
my $version = $view->json->{rules};

is($t->notify($answer->json)->body, 'success', 'that amount is paid');
is($t->order($answer->json)->json->{status}, 'delivered', 'and delivered');

$answer = $t->checkout(sku => 'x', qty => 2);
is($answer->json->{amount}, 2000, 'two cost what the list says');
is($t->notify({ %{ $answer->json }, amount => 1900 })->body, 'success',
   'somebody pays less');
is($t->order($answer->json)->json->{status}, 'under_review', 'which is seen');


# Signals.

is($t->checkout(sku => 'signal')->json->{amount}, 1000, 'no signal yet');
my $signal = $t->admin('PUT', '/signals/rain', { value => -70, ttl => 3 });
is($signal->status, 200, 'a signal is pushed');
api_ok('PUT', '/admin/signals/{name}', $signal, 'it is as described');
is($t->checkout(sku => 'signal')->json->{amount}, 930, 'the rule sees it');
my $list = $t->admin('GET', '/signals');
api_ok('GET', '/admin/signals', $list, 'the list is as described');
is_deeply([map { "$_->{name} $_->{value}" } @{ $list->json }], ['rain -70'],
          'the operator, too');
ok(wait_until(sub { $t->checkout(sku => 'signal')->json->{amount} == 1000 },
              6), 'its time is over');

for my $case ([{ value => 1 }, 'ttl'], [{ ttl => 1 }, 'value'],
              [{ value => 1, ttl => 0 }, 'ttl'],
              [{ value => 2 ** 53, ttl => 1 }, 'value'],
              [{ value => 1.5, ttl => 1 }, 'value'],
              [{ value => 1, ttl => 1, more => 1 }, 'more']) {
    my $refused = $t->admin('PUT', '/signals/rain', $case->[0]);
    is($refused->status, 400, "no signal: $case->[1]");
    is($refused->json->{field}, $case->[1], 'the field is named');
}
is($t->admin('PUT', '/signals/1st', { value => 1, ttl => 1 })->json->{field},
   'name', 'no name that a rule could write');


# Risk.

$answer = $t->checkout(sku => 'x', contact => 'a@Bad.Example');
is($answer->status, 403, 'the rule refuses');
is($answer->code, 'refused', 'in a word');
api_ok('POST', '/checkout', $answer, 'as described');
unlike($answer->body, qr/nobody from there/, 'the buyer is not told why');
ok($nginx->wait_log(qr/refused by the risk rule: nobody from there/),
   'the log is');

$answer = $t->checkout(sku => 'x', qty => 6);
is($answer->json->{status}, 'awaiting_payment', 'a large order');
is($t->notify($answer->json)->body, 'success', 'is paid');
is($t->order($answer->json)->json->{status}, 'under_review', 'and looked at');
$view = admin_order($answer);
is($view->{review_reason}, 'große Bestellung', 'the operator sees why');
is($view->{payments}[0]{state}, 'applied', 'the money is its');
is($t->admin('POST', "/orders/$view->{order}/approve")->status, 200,
   'it is approved');
is($t->order($answer->json)->json->{status}, 'delivered', 'and delivered');

$answer = $t->checkout(sku => 'slow');
is(admin_order($answer)->{review}, JSON::PP::false, 'nothing odd at first');
is($t->notify($answer->json)->body, 'success', 'paid');
$view = admin_order($answer);
is($view->{status}, 'under_review', 'the rule was asked at the payment, too');
like($view->{review_reason}, qr/\Apaid after \d+\z/, 'and says why');

my $metrics = $t->metrics;
is($metrics->{'faka_risk_total{verdict="refuse",by="rule"}'}, 1, 'counted');
is($metrics->{'faka_risk_total{verdict="review",by="rule"}'}, 2,
   'orders, and not how often the rule was asked about them');
cmp_ok($metrics->{'faka_rules_calls_total{rules="main",hook="price",'
                  . 'result="ok"}'}, '>', 5, 'calls are counted');


# A notice that comes again, and money for what is paid, ask nobody.

my $asked = 'faka_rules_calls_total{rules="main",hook="risk",result="ok"}';
my $calls = $metrics->{$asked};
$answer = $t->checkout(sku => 'x');
is($t->notify($answer->json)->body, 'success', 'a notice') for 1 .. 5;
is($t->notify($answer->json, trade_no => 'another')->body, 'success',
   'and money again');
is($t->metrics->{$asked} - $calls, 2, 'the checkout, the payment, no more');
$answer = $t->checkout(sku => 'x', qty => 2);
$calls = $t->metrics->{$asked};
is($t->notify({ %{ $answer->json }, amount => 1 })->body, 'success',
   'too little') for 1 .. 3;
is($t->metrics->{$asked} - $calls, 1, 'is one payment, too');


# What a storm of refused orders writes is bounded.

my @refused = map { $t->checkout_request(sku => 'x',
                                         contact => 'a@bad.example') } 1 .. 50;
is((grep { $_->status == 403 } @{ http_many(\@refused) }), 50,
   'fifty are refused');
my @lines = $nginx->error_log =~ /(refused by the risk rule: .*)/g;
cmp_ok(@lines, '<', 25, @lines . ' lines say so');
like($lines[0], qr/nobody from there; \d+ more since/, 'and how many do not');


# A file that is wrong is refused with its file and line; the old rules stay.

for my $case (["function price(o)\n  return o.totl\nend\nexamples = {"
               . "{ price = { total = 1 }, gives = 1 } }",
               qr/wrong\.lua:2: .*totl/, 'a field that is not there'],
              ["x = = 1\n", qr/wrong\.lua:1:/, 'a syntax error'],
              ["function price(o) return 1 end\nexamples = {\n"
               . "{ price = { total = 1 }, gives = 2 } }",
               qr/wrong\.lua/, 'an example that differs'],
              ["while true do end", qr/wrong\.lua/, 'a file that hangs'],
              ["function prize(o) end", qr/wrong\.lua/, 'no hook at all']) {
    my ($text, $like, $what) = @$case;
    local $shop->{rules} = rules($text, 'wrong.lua');
    my ($code, $said) = $nginx->check_conf;
    is($code, 1, "refused by nginx -t: $what");
    like($said, $like, 'with its place');
    like($said, qr/nginx\.conf:\d+/, 'and that of the directive');
}
{
    local $shop->{rules} = '/nowhere/shop.lua';
    my ($code, $said) = $nginx->check_conf;
    like($said, qr{the rules "/nowhere/shop\.lua" cannot be opened},
         'a file that is not there');
}
is($t->checkout(sku => 'x', qty => 3)->json->{amount}, 2700,
   'the shop sells by its old rules');


# Rules that give no answer.  The line in the log has file and line.

my %failing = (
    error => 'error("no")', budget => 'while true do end',
    memory => 'local t = {} for i = 1, 1e9 do t[i] = i end',
    answer => 'return 0 / 0',
);
for my $word (sort keys %failing) {
    rules("function price(o)\n  if o.sku == 'x' then $failing{$word} end\n"
          . "  return o.total\nend\n"
          . "function risk(o)\n  if o.sku == 'x' then $failing{$word} end\n"
          . "  return 'pass'\nend\n");
    take("rules that fail: $word");

    my $since = time;
    $answer = $t->checkout(sku => 'x', qty => 2);
    is($answer->json->{amount}, 2000, "$word: the price before counts");
    cmp_ok(1000 * (time - $since), '<', 1000, "$word: nobody waits");
    is($t->notify($answer->json)->body, 'success', "$word: paid");
    $view = admin_order($answer);
    is($view->{status}, 'under_review', "$word: a person looks");
    is($view->{review_reason}, 'the risk rule gave no answer', 'says why');
    ok($nginx->wait_log(qr/the price rule of "\S+" gave no answer, $word:/),
       "$word: the log says why");
    like($nginx->error_log, qr/gave no answer, $word: \S+shop\.lua:\d+: /,
         "$word: with file and line");
    cmp_ok($t->metrics->{"faka_rules_calls_total{rules=\"main\",hook=\"price"
                         . "\",result=\"$word\"}"}, '>', 0, 'counted');
}

for my $case (['0', 'nothing'], ['-1', 'below 0'], ['1.5', 'a fraction'],
              ['1e18', 'too much'], ['"1"', 'a text'], ['nil', 'nil']) {
    rules("function price(o) return $case->[0] end");
    take("a price rule that gives $case->[1]");
    is($t->checkout(sku => 'x')->json->{amount}, 1000,
       'the list price counts');
}

$shop->{price_fallback} = 'refuse';
take('price_fallback refuse');
$answer = $t->checkout(sku => 'x');
is($answer->status, 503, 'then there is no order');
is($answer->code, 'unavailable', 'in a word');
is($answer->header('retry-after'), 1, 'and it may be tried again');
delete $shop->{price_fallback};


# A rule that hangs is stopped.  With one worker there is nobody else to answer
# meanwhile: who waits for it, and the others, wait for it.

$nginx->{opt}{workers} = 1;

# It uses up its time, and not its instructions.

rules("local s = 'x' for i = 1, 12 do s = s .. s end "
      . "function price(o) if o.sku == 'slow' then "
      . "while true do s:upper() s:len() end end return o.total end\n"
      . "function risk(o) return o.sku == 'slow' and price(o) or 'pass' end");
take('a rule that hangs for one product');
sub took {
    my ($times, $answered) = @_;

    my @ms;
    for (1 .. $times) {
        my $since = time;
        $answered->() or die "not answered\n";
        push @ms, 1000 * (time - $since);
    }
    return [sort { $a <=> $b } @ms];
}

my $hanging = $t->background(sub {
    return took(100, sub {
        return $t->checkout(sku => 'slow')->status == 201;
    });
});
my $others = took(200, sub { return $t->get('/products')->status == 200 });
my $hung = $hanging->wait;
is(@$hung, 100, 'each order is made, by the price before');
cmp_ok($hung->[50], '>', 2, 'and its rule has used up its time');
cmp_ok($hung->[50], '<', 50, sprintf 'but no more, %.1f ms', $hung->[50]);
cmp_ok($others->[190], '<', 50,
       sprintf 'others are answered meanwhile, %.1f ms', $others->[190]);
$nginx->{opt}{workers} = 2;


# Rules that take long to load: orders that want too much memory cost the next
# ones nothing; rules that are full are loaded again, without a reload.

rules("local b, keep, n = {}, {}, 0 for i = 1, 22000 do "
      . "b['user' .. i .. '.example'] = true end "
      . "function price(o) local t = {} if o.sku == 'slow' then "
      . "while true do t[#t + 1] = 1 end end if o.sku == 'signal' then "
      . "for i = 1, 200 do n = n + 1 keep[n] = { i } end end "
      . "return o.total - 1 end");
take('rules that take long to load');
$t->checkout(sku => 'slow') for 1 .. 6;
is($t->checkout(sku => 'x')->json->{amount} % 100, 99,
   'who comes after orders that want too much has the price by the rule');
my $unruled = sub { $t->checkout(sku => 'signal')->json->{amount} % 100 == 0 };
my $full = 0;
for (1 .. 200) { last if $full = $unruled->() }
ok($full, 'the rules have kept too much');
ok(wait_until(sub { !$unruled->() }, 20), 'and answer again');


# Blocklists and limits, without any Lua.

delete $shop->{rules};
$shop->{block_domain} = 'spam.example Junk.Example.';
$shop->{review_over} = 3000;
$shop->{order_limit} = 'contact 3/1h; order_limit sku 6/1m review';
take('no rules; limits');

is($t->checkout(sku => 'x', contact => $_)->status, 403,
   json_text($_) . ' is blocked')
    for qw(a@spam.example a@MX.Spam.Example a@junk.example),
        'a@spam.example.', 'a@spam.example ', 'a@spam.example>',
        'a@spam.example. >', 'a@spam.example@', 'a@spam.example @.',
        'a@.spam.example', "a\@spam.example\x{3000}",
        "a\@spam.example\x{3002}",
        "a\@spam.example\x{200b}", "a\@spam.example\x{ff0e}";
is($t->checkout(sku => 'signal', contact => $_)->status, 201,
   json_text($_) . ' is not')
    for qw(a@nospam.example spam.example a@spam.example.org @spam.example),
        "a\@\x{5783}\x{573e}spam.example", 'spam.example@', ' ';

my %key = (sku => 'x', contact => 'often@example.com');
my $first = $t->checkout(%key, key => 'a' x 20);
is($t->checkout(%key)->status, 201, 'a second order') for 2 .. 3;
is($t->checkout(%key, contact => $_)->status, 429,
   'and so is ' . json_text($_))
    for 'OFTEN@example.com', 'often@Example.com.', ' often@example.com',
        'often@example.com ', "\x{a0}often\@example.com;";
my $slow = $t->checkout(%key);
is($slow->status, 429, 'the fourth is refused');
is($slow->code, 'slow_down', 'in a word');
api_ok('POST', '/checkout', $slow, 'as described');
is($t->checkout(%key, key => 'a' x 20)->json->{order}, $first->json->{order},
   'who asks again has his order all the same');
is($t->checkout(sku => 'x', contact => 'new@example.com')->status, 201,
   'another contact may');
is($t->checkout(sku => 'signal', contact => '@wechat 13800000001')->status,
   201, 'a contact that begins with @') for 1 .. 3;
is($t->checkout(sku => 'signal', contact => '@wechat 13800000001')->status,
   429, 'is limited');
is($t->checkout(sku => 'signal', contact => '@wechat 13800000002')->status,
   201, 'by all of it');
is(admin_order($t->checkout(sku => 'x', contact => 'late@example.com'))
       ->{review_reason}, 'order_limit sku 6/1m', 'a limit may be for review');
is(admin_order($t->checkout(sku => 'signal', qty => 4,
                            contact => 'rich@example.com'))
       ->{review_reason}, 'more than review_over', 'a sum to be looked at');

$metrics = $t->metrics;
is($metrics->{'faka_risk_total{verdict="refuse",by="block"}'}, 14, 'blocked');
is($metrics->{'faka_risk_total{verdict="refuse",by="order_limit"}'}, 7,
   'limited');

delete @$shop{qw(block_domain review_over order_limit)};
$shop->{block_network} = '192.0.2.0/24 127.0.0.0/8';
take('a network is blocked');
is($t->checkout(sku => 'x')->status, 403, 'nobody from there buys');
delete $shop->{block_network};

for my $case (['review_over', '1.5', qr/no amount in minor units/],
              ['order_limit', 'contact 5', qr/like 5\/1m/],
              ['order_limit', 'name 5/1h', qr/contact, ip, agent or sku/],
              ['order_limit', 'ip 5/1h later', qr/write review/],
              ['block_network', '1.2.3', qr/is no network/],
              ['block_domain', 'a b@c', qr/is no domain/],
              ['rules_canary', "$nginx->{dir}/shop.lua 0%", qr/like 5%/],
              ['rules_canary', "$nginx->{dir}/shop.lua 5", qr/like 5%/],
              ['price_fallback', 'free', qr/list .* or refuse/]) {
    local $shop->{ $case->[0] } = $case->[1];
    my ($code, $said) = $nginx->check_conf;
    is($code, 1, "refused: $case->[0] $case->[1]");
    like($said, $case->[2], 'and it says what to write');
}


# The canary: a share of the buyers, always the same ones.

$shop->{rules} = rules('function price(o) return o.total end');
my $canary = rules('function price(o) return o.total - 1 end', 'new.lua');
$shop->{rules_canary} = "$canary 30%";
take('a canary');

my (%price, $changed);
for my $round (1 .. 2) {
    for my $n (1 .. 100) {
        my $contact = $round == 1 ? "buyer-$n" : "Buyer-$n ";
        my $amount = $t->checkout(sku => 'x', contact => $contact)
                       ->json->{amount};
        $changed++ if $round == 2 && $price{$n} != $amount;
        $price{$n} = $amount;
    }
}
my $share = grep { $_ == 999 } values %price;
cmp_ok($share, '>', 10, "$share of 100 buyers meet the new rules");
cmp_ok($share, '<', 55, 'and not all');
is($changed, undef, 'each always the same');
$metrics = $t->metrics;
is($metrics->{'faka_rules_orders_total{rules="canary"}'}, 2 * $share,
   'their orders are counted');
is($metrics->{'faka_rules_list_amount_total{rules="canary"}'}
   - $metrics->{'faka_rules_amount_total{rules="canary"}'}, 2 * $share,
   'and what the new rules change');


# A shadow is asked beside the rules: what it would have made of the orders
# that were made, coupons and commission included, and nothing comes of it.

rules(<<'EOT');
function price(o) return o.total end
function commission(o) return 0, percent(o.paid, 10) end
function risk(o)
    if o.domain == "bad.example" then
        return "refuse", "nobody from there"
    end
    return "pass"
end
EOT
rules(<<'EOT', 'new.lua');
function price(o)
    if o.sku == "slow" then
        error("no")
    end
    return o.total - 100
end
function commission(o)
    if o.sku == "slow" then
        error("no")
    end
    return 0, percent(o.paid, o.sku == "x" and 10 or 20)
end
function risk(o) return "pass" end
EOT
is($t->admin('PUT', '/coupons/HALF', { kind => 'percent', value => 5000 })
       ->status, 201, 'a coupon');
is($t->admin('PUT', '/accounts/lin', { currency => 'CNY' })->status, 201,
   'an agent');
$shop->{rules_canary} = "$canary shadow";
take('a shadow');

my $before = $t->metrics;
is($t->checkout(sku => 'x', contact => "shadow-$_")->json->{amount}, 1000,
   'is applied to nobody') for 1 .. 20;
is($t->checkout(sku => 'x', coupon => 'half')->json->{amount}, 500,
   'nor with a coupon');
is($t->checkout(sku => 'x', contact => 'a@bad.example')->status, 403,
   'one is refused') for 1 .. 2;
for my $sku (qw(x signal slow)) {
    $answer = $t->checkout(sku => $sku, agent => 'lin');
    is($answer->json->{amount}, 1000, "$sku: sold by the rules");
    is($t->notify($answer->json)->body, 'success', 'paid');
}
is($t->admin('GET', '/accounts/lin')->json->{earned}, 300,
   'and commission is by the rules');

$metrics = $t->metrics;
my %more = map { $_ => $metrics->{$_} - $before->{$_} } keys %$before;
is($more{"faka_rules_orders_total{rules=\"$_\"}"}, 24, "$_: orders made")
    for qw(main canary);
is($more{"faka_rules_list_amount_total{rules=\"$_\"}"}, 24000,
   "$_: by the list") for qw(main canary);
is($more{'faka_rules_amount_total{rules="main"}'}, 23500, 'by the rules');
is($more{'faka_rules_amount_total{rules="canary"}'},
   20 * 900 + 450 + 2 * 900 + 1000, 'by the shadow, with its coupon');
for my $case (['price', 1, 23], ['commission', 1, 2], ['risk', 27, 2]) {
    my ($hook, @want) = @$case;
    my @got = map { $more{"faka_rules_shadow_total{hook=\"$hook\",result=\"$_"
                          . '"}'} } qw(same different);
    is_deeply(\@got, \@want, "$hook: compared");
}
ok($nginx->wait_log(qr/the $_ rule of "\S+new\.lua" gave no answer, error/),
   "$_: the log says whose it was") for qw(price commission);
unlike($nginx->error_log, qr/new\.lua" gave no answer.*(?:counts|flagged);/,
       'and not what would come of it, were it not one');
like($nginx->error_log, qr/new\.lua" gave no answer.*; it is a shadow/,
     'but that it is one');

# Rules that have used up the request's time leave none for a shadow: what it
# was not asked is compared with nothing.
rules("local s = 'x' for i = 1, 12 do s = s .. s end "
      . "function price(o) while true do s:upper() s:len() end end");
take('rules that hang, with a shadow');
$before = $t->metrics;
is($t->checkout(sku => 'x')->json->{amount}, 1000, 'sold by the list')
    for 1 .. 5;
$metrics = $t->metrics;
is($metrics->{$_} - $before->{$_}, 0, "$_: not asked")
    for map { "faka_rules_shadow_total{hook=\"price\",result=\"$_\"}" }
            qw(same different);
delete $shop->{rules_canary};

$t->audit_ok;
