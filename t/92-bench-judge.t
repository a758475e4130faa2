# What the bench says of another shop's books (Bench::Peer::judge): made-up
# ones, each with one thing wrong, which is found by its name, and nothing
# else with it.  No server runs here.

use strict;
use warnings;

use Test::More;

use lib 'bench/lib';
use Bench::Peer;

my @SUMS = qw(orders cards_given distinct_cards stock_left oversold
              duplicates over_limit);

my $peer = Bench::Peer->named('php-shop', dir => 'none', port => 1);

right();
raced();
broken();
many_products();
several();

done_testing;


# Books of one product, three cards, at most two for a buyer; what differs.

sub books {
    my (%product) = @_;

    return { hot => { stock => 3, left => 1, limit => 2,
                      orders => [[ 1, 'ann', 'C1' ], [ 1, 'ben', 'C2' ]],
                      %product } };
}


# sums: what differs from the right books; raced and broken in full.

sub judged_as {
    my ($name, $books, %want) = @_;

    my %sum = (orders => 2, cards_given => 2, distinct_cards => 2,
               stock_left => 1, oversold => 0, duplicates => 0,
               over_limit => 0, %{ $want{sums} || {} });
    my ($raced, $broken) = map { $_ // '' } @want{qw(raced broken)};
    is_deeply($peer->judge($books),
              { %sum, raced => $raced, broken => $broken,
                ok => $raced eq '' && $broken eq '' ? 1 : 0,
                why => join '; ', grep { $_ ne '' } $raced, $broken }, $name);
}


sub right {
    note('right');

    judged_as('two sold of three', books());
    judged_as('all sold', books(left => 0, orders => [
        [ 2, 'ann', 'C1', 'C3' ], [ 1, 'ben', 'C2' ]]),
        sums => { cards_given => 3, distinct_cards => 3, stock_left => 0 });
    judged_as('none sold', books(left => 3, orders => []),
        sums => { orders => 0, cards_given => 0, distinct_cards => 0,
                  stock_left => 3 });
    judged_as('as many as the limit', books(orders => [
        [ 1, 'ann', 'C1' ], [ 1, 'ann', 'C2' ]]));
    judged_as('without a limit', books(limit => 0, left => 0, orders => [
        map { [ 1, 'ann', "C$_" ] } 1 .. 3 ]),
        sums => { orders => 3, cards_given => 3, distinct_cards => 3,
                  stock_left => 0 });
    judged_as('nothing on sale', {},
        sums => { orders => 0, cards_given => 0, distinct_cards => 0,
                  stock_left => 0 });
}


sub raced {
    note('what a race explains');

    judged_as('a card given twice', books(left => 2, orders => [
        [ 1, 'ann', 'C1' ], [ 1, 'ben', 'C1' ]]),
        sums => { distinct_cards => 1, duplicates => 1, stock_left => 2 },
        raced => '1 duplicates');
    judged_as('a unit too many', books(left => -1, orders => [
        map { [ 1, "buyer$_", "C$_" ] } 1 .. 4 ]),
        sums => { orders => 4, cards_given => 4, distinct_cards => 4,
                  stock_left => -1, oversold => 1 },
        raced => '1 oversold');
    judged_as('a unit too many, with a card of another', books(left => 0,
        orders => [ map { [ 1, "buyer$_", 'C' . ($_ == 4 ? 3 : $_) ] }
                    1 .. 4 ]),
        sums => { orders => 4, cards_given => 4, distinct_cards => 3,
                  stock_left => 0, oversold => 1, duplicates => 1 },
        raced => '1 oversold; 1 duplicates');
    judged_as('a buyer over the limit, by two orders', books(left => 0,
        orders => [[ 2, 'ann', 'C1', 'C2' ], [ 1, 'ann', 'C3' ]]),
        sums => { cards_given => 3, distinct_cards => 3, stock_left => 0,
                  over_limit => 1 },
        raced => '1 over_limit');
}


sub broken {
    note('what no race explains');

    judged_as("one left too $_->[0]", books(left => $_->[1]),
        sums => { stock_left => $_->[1] },
        broken => "hot: 2 given and $_->[1] left are not 3")
        for [ few => 0 ], [ many => 2 ];
    judged_as('a card from nowhere', books(left => 0, orders => [
        map { [ 1, "buyer$_", "C$_" ] } 1 .. 4 ]),
        sums => { orders => 4, cards_given => 4, distinct_cards => 4,
                  stock_left => 0, oversold => 1 },
        raced => '1 oversold', broken => 'hot: 4 given and 0 left are not 3');
    judged_as('an order without its card', books(left => 2, orders => [
        [ 1, 'ann', 'C1' ], [ 1, 'ben' ]]),
        sums => { cards_given => 1, distinct_cards => 1, stock_left => 2 },
        broken => 'hot: an order of 1 has 0 cards');
    judged_as('an order with a card more', books(left => 0, orders => [
        [ 1, 'ann', 'C1' ], [ 1, 'ben', 'C2', 'C3' ]]),
        sums => { cards_given => 3, distinct_cards => 3, stock_left => 0 },
        broken => 'hot: an order of 1 has 2 cards');
    judged_as('an order of what is not on sale',
        { %{ books() }, cold => { orders => [[ 1, 'ann', 'D1' ]] } },
        broken => 'cold: sold, and never put on sale');
}


# A limit and a stock are each product's own; a card is nobody's twice.

sub many_products {
    note('many products');

    my %shop = map { $_ => { stock => 2, left => 0, limit => 2, orders =>
        [[ 1, 'ann', "$_-C1" ], [ 1, 'ann', "$_-C2" ]] } }
        map { "sku$_" } 0 .. 99;
    my %all = (orders => 200, cards_given => 200, distinct_cards => 200,
               stock_left => 0);
    judged_as('a hundred, right', \%shop, sums => \%all);

    my $wrong = sub {
        my ($orders, %more) = @_;
        return { %shop, sku42 => { %{ $shop{sku42} }, %more,
                                   orders => $orders } };
    };
    my $one = [ 1, 'ann', 'sku42-C1' ];
    judged_as('a card twice in one of them', $wrong->([ $one, $one ],
                                                      left => 1),
        sums => { %all, distinct_cards => 199, duplicates => 1,
                  stock_left => 1 },
        raced => '1 duplicates');
    judged_as('a card of another one', $wrong->([ $one,
                                               [ 1, 'ann', 'sku7-C1' ]]),
        sums => { %all, distinct_cards => 199, duplicates => 1 },
        raced => '1 duplicates', broken => 'sku7: a card of sku42');
    judged_as('one sold too often, one as much too seldom', {
        %{ $wrong->([ $one, [ 1, 'ben', 'sku42-C2' ], [ 1, 'eve', 'X' ]],
                    left => -1) },
        sku43 => { %{ $shop{sku43} }, left => 1,
                   orders => [[ 1, 'ann', 'sku43-C1' ]] } },
        sums => { %all, oversold => 1 }, raced => '1 oversold');
    judged_as('a buyer over the limit in one', $wrong->([ $one,
        [ 1, 'ann', 'sku42-C2' ]], limit => 1),
        sums => { %all, over_limit => 1 }, raced => '1 over_limit');
    judged_as('one left too many in one', $wrong->([ $one,
        [ 1, 'ann', 'sku42-C2' ]], left => 1),
        sums => { %all, stock_left => 1 },
        broken => 'sku42: 2 given and 1 left are not 2');
}


# All that is wrong is counted; of what is broken the first is shown.

sub several {
    note('several at once');

    my %shop = map { ("sku$_" => { stock => 1, left => 2, limit => 0,
                                   orders => [] }) } 0 .. 4;
    my %none = map { $_ => 0 } @SUMS;
    judged_as('five are broken', \%shop, sums => { %none, stock_left => 10 },
        broken => join('; ', map({ "sku$_: 0 given and 2 left are not 1" }
                                 0 .. 2), 'and 2 more'));
}
