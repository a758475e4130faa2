# What rules see in a running shop: the counts by contact, network, agent and
# product, the clock, the sale and the buyer; and who a buyer is, in bytes that
# the journals of shops have had from the beginning.

use lib 't/lib';

use Digest::SHA qw(sha256_hex);

use Faka::Journal;
use Faka::Test;

my $t = Faka::Test->new(workers => 1);
my ($nginx, $redis) = ($t->nginx, $t->redis);
my $shop = $nginx->{opt}{shop} = {};

# Each field, in one line, as the reason why somebody is to look.
my $rule = $t->write_file('shop.lua', <<'EOT', 0644);
local function text(value)
    return value == nil and "-" or tostring(value)
end

function risk(o)
    if o.sku == "quiet" then
        return "pass"
    end
    if o.sku == "later" then
        return o.pay_s and "review" or "pass",
               o.ip_1d .. " " .. o.contact_1m .. " " .. o.sku_1m
    end
    if o.sku == "clock" then
        return "review", o.hour .. " " .. o.weekday .. " " .. o.now .. " "
                         .. text(o.sale_from) .. " " .. text(o.sale_to)
    end
    if o.sku == "buyer" then
        return "review", text(o.first_order) .. " " .. o.buyer_orders .. " "
                         .. o.buyer_spent .. " " .. text(o.buyer_days) .. " "
                         .. text(o.domain) .. " " .. text(o.level) .. " "
                         .. text(o.coupon) .. " " .. text(o.agent) .. " "
                         .. text(o.pay_s)
    end
    return "review", o.contact_1m .. o.contact_1h .. o.contact_1d .. " "
                     .. o.ip_1m .. o.ip_1h .. o.ip_1d .. " "
                     .. o.agent_1m .. o.agent_1h .. o.agent_1d .. " "
                     .. o.sku_1m .. o.sku_1h .. o.sku_1d .. " "
                     .. o.paid_1m .. o.paid_1h .. o.paid_1d
end
EOT

my $ahead_s = $t->own_clock->later_to_the_hour;
$t->start;
$t->product($_, kind => 'counted', stock => 1000, price => 1000)
    for qw(count clock buyer quiet later);
$t->admin('PUT', '/accounts/lin', { currency => 'CNY' });

# Made by a shop that knows nobody, paid in one that does.
my $early = $t->checkout(sku => 'buyer', contact => 'ann@a.example')->json;

$shop->{rules} = $rule;
ok($nginx->reload, 'the rules are taken');

sub order {
    my (%fields) = @_;

    my $answer = $t->checkout(%fields);
    is($answer->status, 201, "an order of $fields{sku}")
        or diag($answer->brief);
    return $answer->json;
}

sub seen {
    my ($order) = @_;

    return $t->admin('GET', "/orders/$order->{order}")->json->{review_reason};
}


# The counts: each key has its own, and an order counts for the next one.

is(seen(order(sku => 'count', contact => 'c@c.example')),
   '000 000 000 000 000', 'at first there is nothing');
is(seen(order(sku => 'count', contact => 'C@c.example ', agent => 'lin')),
   '111 111 000 111 000', 'then one, without an agent');
is(seen(order(sku => 'count', contact => 'd@c.example', agent => 'lin')),
   '000 222 111 222 000', 'another contact');
my $paid = order(sku => 'quiet', contact => 'd@c.example');
is($t->notify($paid)->body, 'success', 'one is paid');
is(seen(order(sku => 'count', contact => 'd@c.example')),
   '222 444 000 333 111', 'and another product');

$paid = order(sku => 'later', contact => 'e@c.example');
is(seen($paid), undef, 'nobody looks at it yet');
is($t->notify($paid)->body, 'success', 'then it is paid');
is(seen($paid), '0 1 1', 'by a gateway, whose network is not counted');

$t->later(120);
is(seen(order(sku => 'count', contact => 'd@c.example', agent => 'lin')),
   '033 066 022 044 011', 'two minutes later');


# The clock and the sale.

my $now_s = time + $ahead_s + 120;
my $reason = seen(order(sku => 'clock'));
my ($hour, $weekday, $at_s, $from, $to) = split / /, $reason;
cmp_ok(abs($at_s - $now_s), '<', 60, 'now');
my @local = localtime $at_s;
is("$hour $weekday", $local[2] . ' ' . ($local[6] || 7), 'hour and weekday');
is("$from $to", '- -', 'a sale without end');
$t->admin('PUT', '/products/clock', { sale_from => $at_s - 60,
                                      sale_to => $at_s + 3600 });
(undef, undef, undef, $from, $to) = split / /, seen(order(sku => 'clock'));
is("$from $to", $at_s - 60 . ' ' . ($at_s + 3600), 'a window');


# The buyer.

my $ann = 'ann@a.example';
is(seen(order(sku => 'buyer', contact => 'no address')),
   'true 0 0 - - - - - -', 'nobody knows him');
is($t->notify(order(sku => 'quiet', contact => $ann))->body, 'success',
   'somebody pays');
$t->later(2 * 86_400);
is(seen(order(sku => 'buyer', contact => $ann, agent => 'lin')),
   'false 1 1000 2 a.example - - lin -', 'two days later');
$t->admin('PUT', '/levels/gold', { off_bp => 1000, min_spent => 1000 });
$t->admin('PUT', '/coupons/TEN', { kind => 'percent', value => 1000 });
is(seen(order(sku => 'buyer', contact => $ann, coupon => 'TEN')),
   'false 1 1000 2 a.example gold TEN - -', 'with level and coupon');

my $late = $t->notify($early);
is($late->body, 'success', 'what was made before is paid in the end');
like(seen($early), qr/\Afalse 1 1000 2 a[.]example gold - - \d+\z/,
     'and its buyer is known');


# A digest is what a shop knows a buyer by: it is the same for ever.

$t->product('few', kind => 'counted', stock => 10, price => 1000,
            buyer_limit => 5);
$t->admin('PUT', '/coupons/ONCE', { kind => 'percent', value => 1000,
                                    uses_buyer_max => 1 });
order(sku => 'few', contact => "\x{3000}Ann\@A.example.", coupon => 'once');

my $ran = journal_tool('--redis', 'unix:' . $redis->socket_path, 'main',
                       'print');
for my $text ("buyer\0\0$ann", "quota\0few\0$ann", "coupon\0ONCE\0$ann") {
    my $hex = substr sha256_hex($text), 0, 32;
    like($ran->{out}, qr/"key":\s*"$hex"/,
         $text =~ s/\0.*//r . ': in the journal');
}
$t->audit_ok;
