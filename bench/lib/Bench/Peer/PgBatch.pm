package Bench::Peer::PgBatch;

# The counter of PgHot, raised by many orders in one transaction: the server
# collects what comes while a commit is on its way.

use strict;
use warnings;

use parent -norequire, 'Bench::Peer::PgHot';

use Bench::Peer::PgHot;


sub backend     { return 'batch' }
sub connections { return 1 }


sub new {
    my ($class, %opt) = @_;

    my $self = $class->SUPER::new(%opt);
    $self->{how} = 'orders in batches, a counter per product';
    return $self;
}


1;
