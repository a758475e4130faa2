package Bench::Peer::PgHot;

# PostgreSQL, one counter that every order of a product has to raise.

use strict;
use warnings;

use parent -norequire, 'Bench::Peer::Postgres';

use Bench::Peer::Postgres;


sub schema { return 'hot.sql' }


sub new {
    my ($class, %opt) = @_;

    return $class->SUPER::new(%opt,
        how       => 'one function call, a counter per product',
        left_sql  => 'SELECT p.stock - p.sold',
        given_sql => 'SELECT o.id, c.secret FROM orders o CROSS JOIN'
            . ' generate_series(o.last_card - o.qty + 1, o.last_card) n'
            . ' JOIN cards c ON c.product = o.product AND c.number = n');
}


1;
