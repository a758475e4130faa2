# GET /metrics and GET /products, and the variables for the access log: what
# they say after a few sales, and that they are well-formed.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(slurp);

my $t = Faka::Test->new(http => <<'EOT');
    log_format faka '$status $faka_result $faka_order $faka_queue_us $uri';
EOT
$t->nginx->{opt}{server} = '        access_log ' . $t->dir
                           . "/faka.log faka buffer=4k flush=100ms;\n";
$t->start;


# An empty shop.

is_deeply($t->get('/products')->json, [], 'a shop without products');
my $empty = $t->metrics;
is($empty->{'faka_shop_state{state="open"}'}, 1, 'it is open');
is($empty->{'faka_shop_state{state="failed"}'}, 0, 'and has not failed');
is($empty->{'faka_orders_total{result="ok"}'}, 0, 'no orders yet');


# Some sales.

$t->product('gold', price => 990, name => "Gold \"24\" \\ \x{e9}");
$t->product('wiki', price => 500, kind => 'shared');
$t->product('seat', price => 250, kind => 'counted', stock => 7, qty_max => 2,
            sale_from => 1, sale_to => 4000000000);
$t->import_cards('gold', 3);

my $bought = $t->buy(sku => 'gold');
my $open = $t->checkout(sku => 'gold', qty => 2)->json;
is($t->checkout(sku => 'gold')->json->{code}, 'sold_out', 'then sold out');
is($t->checkout(sku => 'none')->status, 404, 'and one without a product');
is($t->notify($bought, sign => 'f' x 32)->status, 400, 'a forged notice');

my $answer = $t->get('/products');
is($answer->header('Content-Type'), 'application/json', 'products are JSON');
is($answer->header('Cache-Control'), 'no-store', 'that nobody keeps');
my ($gold, $wiki, $seat) = @{ $answer->json };
is_deeply($gold, { sku => 'gold', name => "Gold \"24\" \\ \x{e9}",
                   price => 990, currency => 'CNY', kind => 'card',
                   stock => 0, on_sale => JSON::PP::true, sale_from => undef,
                   sale_to => undef, qty_max => 100, list_price => 990,
                   buyer_limit => 0, tiers => [] }, 'a product of cards');
ok(!exists $wiki->{stock}, 'a shared key has no stock');
ok(!$wiki->{on_sale}, 'and is not on sale before there is a key');
is($seat->{stock}, 7, 'a counted product');
is("$seat->{sale_from} $seat->{sale_to}", '1 4000000000', 'and its window');

is($t->http('HEAD', '/products')->status, 200, 'HEAD /products');
for my $path ('/products', '/metrics') {
    my $refused = $t->http('POST', $path, body => 'x=1');
    is($refused->status, 405, "POST $path is refused");
    is($refused->header('Allow'), 'GET, HEAD', 'with what is allowed');
}


# The text format.

$answer = $t->get('/metrics');
is($answer->header('Content-Type'),
   'text/plain; version=0.0.4; charset=utf-8', 'the type of the text');

my $labels = qr/\{\w+="[\w.-]+"(?:,\w+="[\w.-]+")*\}/;
my (%type, %seen, @bad);
for my $line (split /\n/, $answer->body) {
    if ($line =~ /\A# (HELP|TYPE) (faka_\w+) (.+)\z/) {
        $type{$2} = $3 if $1 eq 'TYPE';
        push @bad, $line if $1 eq 'TYPE' && $3 !~ /\A(?:counter|gauge)\z/;

    } elsif ($line =~ /\A(faka_\w+)($labels?) \d+\z/) {
        my ($name, $type) = ($1, $type{$1} || '');
        push @bad, "untyped: $line" if $type eq '';
        push @bad, "twice: $line" if $seen{"$name$2"}++;
        push @bad, "name: $line"
            if $type eq "counter" xor $name =~ /_total\z/;

    } else {
        push @bad, $line;
    }
}
is_deeply(\@bad, [], 'every line is well-formed, and none comes twice');
like($answer->body, qr/\n\z/, 'the last line ends');


# The numbers.

# Which worker answers is chance, and one that has just started may still be
# on its way to Redis.

my $metrics;
wait_until(sub {
    $metrics = $t->metrics;
    return $metrics->{faka_redis_up} && $metrics->{faka_redis_fsync};
}, 5);
my %want = (
    'faka_stock{sku="gold",state="available"}' => 0,
    'faka_stock{sku="gold",state="held"}'      => 2,
    'faka_stock{sku="gold",state="sold"}'      => 1,
    'faka_stock{sku="gold",state="void"}'      => 0,
    'faka_stock{sku="gold",state="waiting"}'   => 0,
    'faka_stock{sku="seat",state="available"}' => 7,
    'faka_orders_total{result="ok"}'           => 2,
    'faka_orders_total{result="sold_out"}'     => 1,
    'faka_orders_total{result="not_found"}'    => 1,
    'faka_notify_total{verdict="paid"}'        => 1,
    'faka_notify_total{verdict="signature"}'   => 1,
    'faka_payments_total{result="delivered"}'  => 1,
    'faka_memory_used{table="cards"}'          => 3,
    'faka_memory_used{table="orders"}'         => 2,
    'faka_memory_used{table="products"}'       => 3,
    'faka_lock_recoveries_total'               => 0,
    'faka_parked_requests'                     => 0,
    'faka_redis_up'                            => 1,
    'faka_redis_fsync'                         => 1,
);
is_deeply({ map { $_ => $metrics->{$_} } keys %want }, \%want,
          'the numbers are those of what was done');
cmp_ok(abs($metrics->{faka_journal_epoch} / 1000 - time), '<', 60,
       'the epoch is the time of the takeover');
is($metrics->{faka_journal_durable_seq}, $metrics->{faka_journal_seq},
   'all of it is on disk');
ok($metrics->{faka_journal_batches_total} > 0
   && $metrics->{faka_journal_bytes_total} > 500, 'in some batches');
ok($metrics->{'faka_memory_capacity{table="cards"}'} > 50_000,
   'and there is room for more');


# The access log.

my @lines;
wait_until(sub {
    @lines = split /\n/, slurp($t->dir . '/faka.log') || '';
    return grep({ m{/metrics\z} } @lines)
           && grep({ / $bought->{order} \d+ \/checkout\z/ } @lines)
           && grep { /\A409 / } @lines;
}, 5);

# Two workers write it: the first line need not be of the first sale.
my ($sold) = grep { / $bought->{order} \d+ \/checkout\z/ } @lines;
like($sold, qr/\A201 ok $bought->{order} [1-9]\d* /,
     'a sale: its order, and how long it waited for the disk');
my ($refusal) = grep { /\A409 / } @lines;
like($refusal, qr{\A409 sold_out - 0 /checkout\z}, 'a refusal and its reason');
is(scalar(grep { index($_, $open->{token}) >= 0 } @lines), 0,
   'no line has a token');


# Without Redis the numbers are still there.

$t->redis->stop;
ok(wait_until(sub { !$t->metrics->{faka_redis_up} }, 5),
   'Redis is gone and the numbers say so');
is($t->get('/products')->status, 200, 'products can be seen');
$t->redis->start;
ok(wait_until(sub { $t->metrics->{faka_redis_up} }, 5), 'and it comes back');
