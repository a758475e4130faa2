package Bench::Peer::PgSkip;

# PostgreSQL, a row for each card, taken FOR UPDATE SKIP LOCKED.

use strict;
use warnings;

use parent -norequire, 'Bench::Peer::Postgres';

use Bench::Peer::Postgres;


sub schema { return 'skip.sql' }


sub new {
    my ($class, %opt) = @_;

    return $class->SUPER::new(%opt,
        how       => 'one function call, FOR UPDATE SKIP LOCKED',
        left_sql  => 'SELECT count(*) FROM cards c WHERE c.product = p.id'
            . ' AND c.order_id IS NULL',
        given_sql => 'SELECT order_id, secret FROM cards'
            . ' WHERE order_id IS NOT NULL');
}


1;
