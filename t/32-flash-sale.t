# A flash sale: many more buyers than cards, all in the same moment, on two
# workers; and the same with every buyer asking several times.

use lib 't/lib';

use Faka::Test;

use List::Util qw(shuffle);

my $t = Faka::Test->new(gateway => 1,
                        http => "    add_header X-Worker \$pid always;\n");
$t->start;


# 500 buyers, 100 cards.

$t->product('drop');
my $cards = $t->import_cards('drop', 100);

my @answers = at_once(map { $t->checkout_request(
    sku => 'drop', contact => "buyer$_\@example.com") } 1 .. 500);
my @sold = grep { $_->status == 201 } @answers;
my @refused = grep { $_->status == 409 && $_->code eq 'sold_out' } @answers;

is(@sold, 100, '100 orders for 100 cards');
is(@refused, 400, 'everybody else is told that it is sold out');
is(distinct(map { $_->json->{order} } @sold), 100, 'all of them different');
is(distinct(map { $_->json->{token} } @sold), 100, 'with tokens of their own');
is(distinct(map { $_->header('x-worker') } @answers), 2,
   'both workers took part');
is($t->get('/products')->json->[0]{stock}, 0, 'nothing is left');


# All of them pay at the practice gateway, which notifies by itself.

my @orders = map { $_->json } @sold;
my $paid = grep { defined $t->gateway->pay_as_buyer($_->{pay}{url}) } @orders;
is($paid, 100, 'every buyer is sent back to the shop');

my @views;
wait_until(sub {
    @views = map { $_->json } @{ http_many([map { $t->request(
        'GET', "/orders/$_->{order}",
        headers => { Authorization => "Bearer $_->{token}" }) } @orders]) };
    return 100 == grep { $_->{status} eq 'delivered' } @views;
});
my @keys = map { @{ $_->{cards} || [] } } @views;
is(join("\n", sort @keys), join("\n", sort @$cards),
   'the 100 buyers have the 100 cards, each of them once');

my $audit = $t->audit_ok('and the audit agrees');
is(sums($audit, 'drop'), 'imported 100, available 0, held 0, sold 100',
   'its sums');


# More than one unit: the rest goes to whoever wants few enough.

$t->product('bundle');
$t->import_cards('bundle', 100);
@answers = at_once(map { $t->checkout_request(sku => 'bundle', qty => $_) }
                   map { 1 + $_ % 3 } 1 .. 300);
my $units = 0;
$units += $_->json->{qty} for grep { $_->status == 201 } @answers;
is($units, 100, 'orders for one, two and three units take exactly 100');
is(scalar(grep { $_->status != 201 && $_->code ne 'sold_out' } @answers), 0,
   'and nothing else is answered');


# Every request three times at once, as a nervous client would send it.

$t->product('twice');
$t->import_cards('twice', 60);
my @wishes = map { { sku => 'twice', contact => "buyer $_",
                     key => sprintf 'nervous-buyer-%04d', $_ } } 1 .. 200;
my @tries = shuffle((@wishes) x 3);
my %by_key;
@answers = at_once(map { $t->checkout_request(%$_) } @tries);
push @{ $by_key{ $tries[$_]{key} } }, $answers[$_] for 0 .. $#tries;

my (@made, @mixed);
for my $key (sort keys %by_key) {
    my @got = @{ $by_key{$key} };
    my @yes = grep { $_->status == 201 || $_->status == 200 } @got;

    next if 3 == grep { $_->code eq 'sold_out' } @got;
    push @made, $key;
    push @mixed, join ' ', $key, map { $_->brief } @got
        unless @yes == 3
               && 1 == grep({ $_->status == 201 } @got)
               && 1 == distinct(map { $_->json->{order} } @got)
               && 1 == distinct(map { $_->json->{token} } @got);
}
is(@made, 60, 'as many keys as cards got an order');
is(join("\n", @mixed), '',
   'each 201 once, then 200 with the same order and token');
is(distinct(map { $_->[0]->json->{order} } @by_key{@made}), 60,
   'and no order for two keys');


# Later on, and with other contents.

my %wish = map { $_->{key} => $_ } @wishes;
my @again = at_once(map { $t->checkout_request(%{ $wish{$_} }) } @made);
is(scalar(grep { $again[$_]->status == 200
                 && $again[$_]->json->{token}
                    eq $by_key{ $made[$_] }[0]->json->{token} } 0 .. $#made),
   60, 'asked again: the same orders');

my @other = at_once(map { $t->checkout_request(%{ $wish{$_} },
                                               contact => 'another') } @made);
is(scalar(grep { $_->status == 422 && $_->code eq 'idempotency_mismatch' }
          @other), 60, 'the same key with another body is refused');

$audit = $t->audit_ok;
is(sums($audit, 'twice'), 'imported 60, available 0, held 60, sold 0',
   'the repetitions held nothing');


sub at_once {
    my @requests = @_;

    return @{ http_many(\@requests, concurrency => scalar @requests) };
}


sub distinct {
    my %seen = map { $_ => 1 } @_;

    return scalar keys %seen;
}


sub sums {
    my ($audit, $sku) = @_;

    my ($product) = grep { $_->{sku} eq $sku } @{ $audit->{products} };
    return join ', ', map { "$_ $product->{$_}" }
           qw(imported available held sold);
}
