# build/faka-rules: an operator's rules, tried without a shop; and that
# lua/README.md says of each field what the sandbox says.

use lib 't/lib';

use strict;
use warnings;

use File::Temp ();
use JSON::PP;
use Test::More;

use Faka::Proc qw(slurp spew);

my $tool = 'build/faka-rules';
ok(-x $tool, 'the tool is built') or done_testing, exit 1;

my $dir = File::Temp->newdir;
my $rules = "$dir/shop.lua";
my $order = "$dir/order.json";


# What it prints, its lines read as JSON, and how it ends.

sub tool {
    my $said = join '', map { " '$_'" } @_;
    my @lines = `$tool$said 2>$dir/err`;
    return { status => $? >> 8, error => slurp("$dir/err"),
             lines => [map { decode_json($_) } @lines] };
}


spew($rules, <<'EOT');
local off = { gold = 10 }

function price(o)
    return percent(o.total, 100 - (off[o.level] or 0))
end

function commission(o)
    return 0, percent(o.paid, 10), percent(o.paid, 5)
end

function risk(o)
    if o.first_order and o.signals.alarm then
        return "review", "a first order"
    end
    return "pass"
end

examples = {
    { price = { total = 1000, level = "gold" }, gives = 900 },
    { commission = { paid = 1001, levels = 2 }, gives = { 0, 100, 50 } },
    { risk = { first_order = true, signals = { alarm = 1 } },
      gives = "review" },
    { risk = { first_order = true, signals = {} }, gives = "pass" },
}
EOT

my $got = tool($rules);
is($got->{status}, 0, 'good rules');
is($got->{lines}[0]{examples}, 4, 'with four examples');
like($got->{lines}[0]{rules}, qr/\A[0-9a-f]{8}\z/, 'have a version');
my $version = $got->{lines}[0]{rules};

spew($order, <<'EOT');
{"total": 2000, "level": "gold", "paid": 1800, "levels": 1, "agent": null,
 "first_order": true, "signals": {"alarm": 1}}
EOT
$got = tool($rules, $order);
is($got->{status}, 0, 'an order');
my %hook = map { $_->{hook} ? ($_->{hook} => $_) : () } @{ $got->{lines} };
is($hook{price}{total}, 1800, 'its price');
is_deeply([@{ $hook{commission} }{qw(platform levels merchant)}],
          [0, [180], 1620], 'its commissions');
is_deeply([@{ $hook{risk} }{qw(verdict reason)}],
          ['review', 'a first order'], 'its risk');
ok($hook{price}{instructions_below} > 0 && $hook{price}{used_bytes} > 0,
   'and what they took');

$got = tool('--bench', $rules, $order);
is($got->{status}, 0, 'a bench');
is(scalar(grep { ($_->{ns_per_call} || 0) > 0 } @{ $got->{lines} }), 3,
   'times each hook');


# What is wrong is said with file and line.

my $good = slurp($rules);

for my $case (
    ['a mistake of syntax', $good . "\nfunction x(",
     qr{\Afaka-rules: \Q$rules\E:26: }],
    ['an example that differs', $good =~ s/gives = 900/gives = 901/r,
     qr{\Q$rules\E:3: price gives 900, and the example wants 901 \(example 1}],
    ['an example that fails', $good =~ s/o\.total/o.totl/r,
     qr{\Q$rules\E:4: an order has no field "totl"}],
    ['0 taken for false', $good
        =~ s/if o\.first_order and/if o.contact_1m and/r
        =~ s/first_order = true, signals = \{ /contact_1m = 3, signals = { /r
        =~ s/first_order = true, signals = \{\}/contact_1m = 0/r
        =~ s/and o\.signals\.alarm//r,
     qr{risk gives "review", and the example wants "pass" \(example 4\)}],
) {
    my ($name, $text, $want) = @$case;

    isnt($text, $good, "$name: it differs");
    spew($rules, $text);
    $got = tool($rules);
    is($got->{status}, 1, "$name: refused");
    like($got->{error}, $want, "$name: where");
}

spew($rules, $good . "\n");
isnt(tool($rules)->{lines}[0]{rules}, $version,
     'another file, another version');

spew($rules, "function price(o) while true do end end");
$got = tool($rules, $order);
is($got->{status}, 1, 'a rule without end');
is($got->{lines}[1]{code}, 'budget', 'is stopped');
like($got->{lines}[1]{error}, qr{:1: it was stopped after}, 'at its line');
is($got->{lines}[2]{code}, 'missing', 'what is not there is missing');


# The order, and the call.

for my $case (
    ['{"totl": 1}',        qr/"totl"/],
    ['{"total": 1.5}',     qr/"total"/],
    ['{"sku": 1}',         qr/"sku"/],
    ['{"own": 1}',         qr/"own"/],
    ['{"levels": 11}',     qr/"levels"/],
    ['{"paid": -1}',       qr/"paid"/],
    ['{"signals": 1}',     qr/"signals"/],
    ['[]',                 qr/object/],
    ["{\n\"total\" 1}",    qr/order\.json:2:/],
) {
    spew($order, $case->[0]);
    $got = tool($rules, $order);
    is($got->{status}, 2, "$case->[0]: refused");
    like($got->{error}, $case->[1], 'and said why');
}

is(tool("$dir/none.lua")->{status}, 2, 'no such file');
is(tool()->{status}, 2, 'no file at all');
is(tool('--what', $rules)->{status}, 2, 'no such option');


# The shipped rules: their own examples, and no memory in a call once warm.

spew($order, <<'EOT');
{"sku": "a", "qty": 2, "total": 1000, "now": 2000, "sale_from": 100,
 "stock": 9, "sold": 1, "buyer_orders": 4, "buyer_spent": 60000,
 "buyer_days": 20, "paid": 1000, "levels": 2, "agent": "anna", "own": false,
 "ip_1m": 1, "contact_1m": 1, "contact_1h": 2, "agent_1h": 3, "sku_1h": 44,
 "first_order": true, "domain": "example.com"}
EOT

for my $path (sort glob 'lua/rules/*.lua') {
    $got = tool('--bench', $path, $order);
    is($got->{status}, 0, "$path: $got->{error}");
    ok($got->{lines}[0]{examples} >= 6, 'has examples');
    my ($hook) = grep { ($_->{code} || '') eq 'ok' } @{ $got->{lines} };
    is($hook->{warm_bytes}, 0, "$hook->{hook} takes no memory, once warm");
}


# The table of lua/README.md is what the sandbox says.

my @fields = `$tool --fields`;
my %said = map {
    my ($name, $type, $rest) = /\A(\w+)\s+(\w+)\s+(.*)\Z/ or die $_;
    my @hooks;
    push @hooks, $1 while $rest =~ s/\A(price|commission|risk)\b\s*//;
    ($name => join ' | ', $type, join(', ', @hooks), $rest);
} @fields;
my %told = slurp('lua/README.md')
           =~ /^\| `o\.(\w+)` \| (\w+ \| [\w, ]+ \| .*?) \|$/mg;
is_deeply(\%told, \%said, 'lua/README.md has each field as it is');
ok(keys %said > 30, 'there are ' . keys(%said));

done_testing;
