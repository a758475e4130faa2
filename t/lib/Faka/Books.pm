package Faka::Books;

# The books of a long-lived shop, kept outside of it: what every client and
# the gateway were told, over many rounds, and whether the shop agrees.
#
#     my $books = Faka::Books->new($t);
#     $books->imported('drop', \@cards);
#     $books->take($load->stop);          # a Faka::Told
#     my @wrong = $books->wrong;          # of this round; all => 1: of all
#
# A purchase that got no answer is asked for again until it has one, under
# its Idempotency-Key; so at the end every order of the shop is known here,
# and the sums are compared to the unit and to the cent.  Holds run out and
# waiting orders are served while this looks: what such an order has become
# is read before and after the audit, and the audit must lie in between.  An
# archived order looks as before to its buyer, and is in the sums.

use strict;
use warnings;

use Faka::Http qw(http_many);
use Faka::Proc qw(wait_until);
use Faka::Told;

use constant { SETTLE_SECONDS => 30, AGAIN_MAX => 150, SHOWN_MAX => 8 };

# States that an order leaves without anybody's doing.
my %passing = (awaiting_payment => 1, waiting_for_stock => 1);

# What each notice (see Faka::Told) adds to the sums: the state its money is
# kept in, and the fen it differs by from the price.
my %kept = (right => ['applied', 0], short => ['review', -1],
            extra => ['refund_due', 0]);


sub new {
    my ($class, $t) = @_;

    return bless { t => $t, told => Faka::Told->new, fresh => [],
                   passing => {}, late => [], card_of => {}, imported => {},
                   units => {} }, $class;
}


sub imported {
    my ($self, $sku, $cards) = @_;

    $self->{imported}{$_} = $sku for @$cards;
    $self->{units}{$sku} += @$cards;
}


# Stock without cards.

sub stocked { my ($self, $sku, $n) = @_; $self->{units}{$sku} += $n }


sub take {
    my ($self, $told) = @_;

    push @{ $self->{fresh} }, grep { !$self->{told}{orders}{$_} }
                              keys %{ $told->{orders} };
    $self->{told}->merge($told->data);
}


sub orders { return $_[0]{told}->orders }

sub payments {
    my ($self) = @_;

    my $n = 0;
    $n += grep { $kept{$_} } @{ $_->{paid} || [] }
        for values %{ $self->{told}{orders} };
    return $n;
}


# Some buyers pay when their hold has run out.

sub _pay_late {
    my ($self) = @_;

    for my $p (splice @{ $self->{late} }) {
        @$p{qw(step unpaid pays ends)} =
            ('pay', 0, ['right'], [qw(delivered waiting_for_stock)]);
        push @{ $self->{told}{open} }, $p;
        push @{ $self->{fresh} }, $p->{order};
    }
}


# The differences that were found, in words.

sub wrong {
    my ($self, %opt) = @_;

    my $told = $self->{told};
    my @wrong;

    $self->_pay_late;
    my $settled = wait_until(sub {
        return 1 unless @{ $told->{open} };
        $told->turn($self->{t});
        return !@{ $told->{open} };
    }, SETTLE_SECONDS);
    push @wrong, @{ $told->{open} } . ' purchases get no answer: '
                 . $told->summary unless $settled;
    push @wrong, splice @{ $told->{odd} };

    # Purchases that were open until now have brought orders of their own.
    my @all = keys %{ $told->{orders} };
    my %look = map { $_ => 1 } @{ $self->{fresh} }, keys %{ $self->{passing} },
               grep { !defined $told->{orders}{$_}{status} } @all;
    if ($opt{all}) {
        %look = map { $_ => 1 } @all;
    } else {
        $look{ $all[rand @all] } = 1 for 1 .. (@all ? AGAIN_MAX : 0);
    }
    $self->{fresh} = [];

    push @wrong, $self->_read(keys %look);
    my $before = $self->_sums;
    my $audit = $self->_audit;
    push @wrong, $self->_read(keys %{ $self->{passing} });
    my $after = $self->_sums;

    push @wrong, ref $audit ? $self->_compare_sums($audit, $before, $after)
                            : $audit;

    my $more = @wrong - SHOWN_MAX;
    splice @wrong, SHOWN_MAX, $more, "and $more more" if $more > 0;
    return @wrong;
}


# ---- order by order ----------------------------------------------------

sub _read {
    my ($self, @ids) = @_;

    my $t = $self->{t};
    my @orders = @{ $self->{told}{orders} }{@ids};
    my @requests = map { $t->request('GET', "/orders/$_->{order}", headers =>
        { Authorization => "Bearer $_->{token}" }) } @orders;
    my $answers = http_many(\@requests, concurrency => 32, keepalive => 1);

    my @wrong;
    for my $p (@orders) {
        my $answer = shift @$answers;
        my @problems = $answer->status == 200
                     ? $self->_compare($p, $answer->json) : $answer->brief;
        push @wrong, map { "$p->{order} ($p->{key}): $_" } @problems;
    }
    return @wrong;
}


sub _compare {
    my ($self, $p, $json) = @_;

    my @wrong;
    for my $field (qw(order sku qty amount)) {
        push @wrong, "$field is $json->{$field}, was $p->{$field}"
            if $json->{$field} ne $p->{$field};
    }

    my $status = $json->{status};
    push @wrong, "it is $status" unless $self->_may_be($p, $status);
    push @wrong, "it was $p->{status}, now it is $status"
        if $p->{status} && !$passing{ $p->{status} } && !$p->{was_late}
           && $p->{status} ne $status;

    my @cards = @{ $json->{cards} || [] };
    my $count = $status ne 'delivered' || $p->{counted} ? 0 : $p->{qty};
    push @wrong, @cards . ' cards' if @cards != $count;
    push @wrong, 'other cards than before'
        if $p->{cards} && "@{ $p->{cards} }" ne "@cards";

    for my $card (@cards) {
        my $owner = $self->{card_of}{$card} ||= $p->{order};
        push @wrong, "a card of order $owner" if $owner ne $p->{order};
        push @wrong, 'a card that was not imported for it'
            if ($self->{imported}{$card} || '') ne $p->{sku};
    }

    $p->{cards} = \@cards if @cards;
    $self->_note($p, $status);
    return @wrong;
}


sub _may_be {
    my ($self, $p, $status) = @_;

    return $status =~ /\A(?:awaiting_payment|expired)\z/
        unless $p->{tried_to_pay};
    return scalar grep { $_ eq $status } @{ $p->{ends} || ['delivered'] }
        if $p->{told};

    # Only while its notices wait for an answer.
    return 1;
}


sub _note {
    my ($self, $p, $status) = @_;

    delete $self->{passing}{ $p->{order} };
    $self->{passing}{ $p->{order} } = 1 if $passing{$status};

    if ($status eq 'expired' && !$p->{was_late} && $p->{order} =~ /[A-P]\z/) {
        $p->{was_late} = 1;
        push @{ $self->{late} }, $p;
    }
    $p->{status} = $status;
}


# ---- sums --------------------------------------------------------------

sub _audit {
    my ($self) = @_;

    my $answer = $self->{t}->audit;
    my $audit = $answer->json;
    return 'the audit: ' . $answer->brief
        unless $answer->status == 200 && $audit->{ok};
    return $audit;
}


sub _sums {
    my ($self) = @_;

    my %sums = (sku => {}, payments => 0, amount => 0, review => 0,
                refund_due => 0, applied => 0);
    for my $p (values %{ $self->{told}{orders} }) {
        my $sum = $sums{sku}{ $p->{sku} } ||= {};
        $sum->{orders}++;
        $sum->{ $p->{status} || 'unread' } += $p->{qty};

        for my $word (grep { $kept{$_} } @{ $p->{paid} || [] }) {
            my ($state, $more) = @{ $kept{$word} };
            $sums{payments}++;
            $sums{$state}++;
            $sums{amount} += $p->{amount} + $more;
        }
    }
    return \%sums;
}


# An order under review may or may not hold its units still: its hold runs
# out all the same, and no word tells.

sub _compare_sums {
    my ($self, $audit, $before, $after) = @_;

    my @wrong;
    my $between = sub {
        my ($name, $is, $low, $high) = @_;
        push @wrong, "$name is $is, should be $low" . ($low == $high ? ''
                                                       : " to $high")
            if $is < $low || $is > $high;
    };

    for my $product (@{ $audit->{products} }) {
        my $sku = $product->{sku};
        my %a = %{ $before->{sku}{$sku} || {} };
        my %b = %{ $after->{sku}{$sku} || {} };
        my $units = $self->{units}{$sku} || 0;
        my $review = $a{under_review} || 0;

        $between->("$sku: orders", $product->{orders}
                   + $product->{archived_orders}, ($a{orders} || 0) x 2);
        $between->("$sku: imported", $product->{imported}, $units, $units);
        $between->("$sku: sold", $product->{sold}, $a{delivered} || 0,
                   $b{delivered} || 0);
        $between->("$sku: held", $product->{held}, $b{awaiting_payment} || 0,
                   ($a{awaiting_payment} || 0) + $review);
        push @wrong, "$sku: imported is not what is available, held, sold"
            if $product->{imported} != $product->{available}
               + $product->{held} + $product->{sold} + $product->{void};
    }

    # Of what was archived the shop knows sums, but not how many payments.
    my $totals = $audit->{totals};
    my $archived = $totals->{archived_orders};
    $between->($_, $totals->{$_}, ($before->{$_}) x 2)
        for qw(review refund_due);
    my $payments = $before->{payments};
    $between->('payments_count', $totals->{payments_count},
               $archived ? 0 : $payments, $payments);
    $between->('CNY', $totals->{payments_amount}{CNY} || 0,
               ($before->{amount}) x 2);
    $between->('orders', $totals->{orders} + $archived, ($self->orders) x 2);
    return @wrong;
}


1;
