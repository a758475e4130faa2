package Faka::Reckoning;

# What crowds (Faka::Market) were told, over crashes, and whether the shop
# keeps to it: every order, payment, part given back, coupon, limit, balance
# and withdrawal, compared with what the shop says when it has come to rest.
#
#     my $book = Faka::Reckoning->new($t, limits => {...});
#     $book->take($told);
#     is($book->shown($book->wrong), '', 'the shop keeps to all of it');
#
# An order is read again when it was touched, and as long as it changes by
# itself; the sums are over all of them.  An order under review may have its
# units or not: that its hold ran out before, no word tells.  So what it counts
# for is a range; all other sums are exact.  Late money is not refused for a
# limit: an order that may have been given up before it was paid is not counted
# there.
#
# %opt: limits (sku => units a buyer may have), coupons (code => [uses, uses of
# a buyer]; 0 is no limit), accounts and buyers (lists of those to look at).

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Faka::Http qw(http_many);
use Faka::Proc qw(wait_until);

use constant { REST_SECONDS => 0.3, REST_MAX => 60, TRIES => 5,
               SHOWN_MAX => 12 };

# States that an order leaves without anybody's doing.
my %passing = map { $_ => 1 } qw(awaiting_payment waiting_for_stock
                                 under_review);
my %holds = map { $_ => 1 } qw(awaiting_payment waiting_for_stock delivered);

my %nothing = map { $_ => 0 } qw(applied split kept review refund_due
                                 refunded payments returned);

# What was told once stays so, or becomes one of these.
my %after = (
    cancelled => qr/\A(?:cancelled|delivered|waiting_for_stock|under_review|
                    refund_due|refunded)\z/x,
    approve => qr/\A(?:delivered|waiting_for_stock|refund_due|refunded)\z/,
    deny => qr/\A(?:refund_due|refunded)\z/,
);
my %stays = (delivered => qr/\Adelivered\z/,
             refund_due => qr/\A(?:refund_due|refunded)\z/,
             refunded => qr/\Arefunded\z/,
             waiting_for_stock => $after{approve});


sub new {
    my ($class, $t, %opt) = @_;

    return bless { t => $t, %opt, orders => {}, fresh => {}, passing => {},
                   imported => {}, card_of => {}, withdrawals => {},
                   count => {}, refused => {}, again => 0, odd => [] },
                 $class;
}


sub take {
    my ($self, $told) = @_;

    for my $id (keys %{ $told->{orders} }) {
        my $order = $self->{orders}{$id};
        $told->{orders}{$id}{seen} = $order->{seen} if $order;
        $self->{orders}{$id} = $told->{orders}{$id};
        $self->{fresh}{$id} = 1;
    }
    for my $sku (keys %{ $told->{imported} }) {
        $self->{imported}{$_} = $sku for @{ $told->{imported}{$sku} };
        $self->{units}{$sku} += @{ $told->{imported}{$sku} };
    }
    for my $part (qw(count refused)) {
        $self->{$part}{$_} += $told->{$part}{$_} for keys %{ $told->{$part} };
    }
    $self->{withdrawals}{$_} = $told->{withdrawals}{$_}
        for keys %{ $told->{withdrawals} };
    $self->{again} += $told->{again} || 0;
    push @{ $self->{odd} }, @{ $told->{odd} };
}


# The last orders, and the withdrawals that are to be decided, shared out among
# so many crowds: each what they take.

sub share {
    my ($self, $crowds, $each) = @_;

    my @ids = sort keys %{ $self->{orders} };
    splice @ids, 0, @ids - $crowds * $each if @ids > $crowds * $each;
    my %withdrawals = %{ $self->{withdrawals} };
    my @open = grep { ($withdrawals{$_}{state} || '')
                      =~ /\A(?:requested|approved)\z/ }
               sort keys %withdrawals;

    my @shares = map { { orders => {}, withdrawals => {} } } 1 .. $crowds;
    $shares[$_ % $crowds]{orders}{ $ids[$_] } = $self->{orders}{ $ids[$_] }
        for 0 .. $#ids;
    $shares[$_ % $crowds]{withdrawals}{ $open[$_] } = $withdrawals{ $open[$_] }
        for 0 .. $#open;
    return @shares;
}


sub operations {
    my ($self) = @_;

    my $n = 0;
    $n += $_ for values %{ $self->{count} }, values %{ $self->{refused} };
    return $n;
}


sub summary {
    my ($self) = @_;

    return join '; ', (map {
        my $of = $self->{$_};
        "$_: " . join ', ', map { "$_ $of->{$_}" } sort keys %$of;
    } qw(count refused)), "sent again: $self->{again}";
}


sub shown {
    my ($self, @wrong) = @_;

    my $more = @wrong - SHOWN_MAX;
    splice @wrong, SHOWN_MAX if $more > 0;
    return join "\n", @wrong, $more > 0 ? "and $more more" : ();
}


# ---- all of it ---------------------------------------------------------

# The differences, in words.  "all": every order is read once more.  The shop
# has to stand still while it is read.

sub wrong {
    my ($self, %opt) = @_;

    my @wrong;
    for my $try (1 .. TRIES) {
        my $seq = $self->rest or return 'the shop does not come to rest';
        @wrong = ($self->_orders($opt{all}), $self->_audit, $self->_coupons,
                  $self->_limits, $self->_buyers, $self->_accounts);
        last if $seq == $self->_seq;
        push @wrong, 'the shop does not come to rest' if $try == TRIES;
    }

    $self->{fresh} = {};
    return (splice(@{ $self->{odd} }), @wrong);
}


sub _seq { return $_[0]{t}->metrics->{faka_journal_seq} || 0 }


# How many orders are finished: nothing of them is to be done or decided.

sub finished {
    my ($self) = @_;

    return scalar grep {
        !$passing{ $_->{status} } && $_->{status} ne 'refund_due'
        && !$_->{refund_due} && !$_->{review}
    } map { $_->{seen} } values %{ $self->{orders} };
}


# Waits until nothing is written any more; returns the last record.

sub rest {
    my ($self) = @_;

    my ($seq, $since) = (0, time);
    return wait_until(sub {
        my $now = $self->_seq;
        ($seq, $since) = ($now, time) if $now != $seq;
        return time - $since > REST_SECONDS ? $seq : 0;
    }, REST_MAX);
}


# ---- orders ------------------------------------------------------------

sub _orders {
    my ($self, $all) = @_;

    my $t = $self->{t};
    my %look = map { $_ => 1 } $all ? keys %{ $self->{orders} }
               : (keys %{ $self->{fresh} }, keys %{ $self->{passing} });
    my @ids = sort keys %look;
    my @requests = map {
        ($t->admin_request('GET', "/orders/$_"),
         $t->request('GET', "/orders/$_", headers => { Authorization =>
             "Bearer $self->{orders}{$_}{token}" }))
    } @ids;
    my $answers = http_many(\@requests, concurrency => 16, keepalive => 1);

    my @wrong;
    for my $id (@ids) {
        my ($view, $buyer) = splice @$answers, 0, 2;
        my @problems = $view->status != 200 ? $view->brief
                     : $buyer->status != 200 ? $buyer->brief
                     : $self->_order($self->{orders}{$id}, $view->json,
                                     $buyer->json);
        push @wrong, map { "order $id: $_" } @problems;
        $self->{orders}{$id}{seen} ||= { %nothing, status => 'lost' };
    }
    return @wrong;
}


sub _order {
    my ($self, $o, $view, $buyer) = @_;

    my $status = $view->{status};
    my $seen = $o->{seen} || {};
    my @wrong;

    for my $field (qw(sku qty amount contact)) {
        push @wrong, "$field is $view->{$field}, was $o->{$field}"
            if $view->{$field} ne $o->{$field};
    }
    push @wrong, "the buyer sees $buyer->{status}, the operator $status"
        if $buyer->{status} ne $status;
    push @wrong, "it was $seen->{status}, now it is $status"
        if $seen->{status} && $stays{ $seen->{status} }
           && $status !~ $stays{ $seen->{status} };
    push @wrong, "it is $status, but told: $_"
        for grep { $o->{$_} && $status !~ $after{$_} } sort keys %after;
    push @wrong, 'its price ends with ' . $view->{pricing}{coupon}
        if $view->{pricing}{coupon} != $o->{amount};

    my %seen = (%nothing, status => $status);
    push @wrong, _payments($o, $view, \%seen), _parts($o, $view, \%seen),
                 $self->_cards($o, $buyer);
    push @wrong, "it is $status, with $seen{applied} applied"
        if $status ne 'under_review'
           && ($status =~ /\A(?:delivered|waiting_for_stock)\z/)
              != ($seen{applied} > 0);

    $o->{seen} = \%seen;
    delete $self->{passing}{ $o->{order} };
    $self->{passing}{ $o->{order} } = 1 if $passing{$status};
    return @wrong;
}


sub _payments {
    my ($o, $view, $seen) = @_;

    my %there = map { $_->{trade_no} => $_ } @{ $view->{payments} };
    my @wrong;

    for my $trade_no (sort keys %{ $o->{paid} || {} }) {
        my $tried = $o->{paid}{$trade_no};
        my $is = delete $there{$trade_no};
        push @wrong, "payment $trade_no is lost" if !$is && $tried->{told};
        next unless $is;

        push @wrong, "payment $trade_no is $is->{amount}"
            if $is->{amount} != $tried->{money};
        push @wrong, "payment $trade_no is $is->{state}, and was given back"
            if ($o->{given_back} || {})->{$trade_no}
               && $is->{state} ne 'refunded';
        $seen->{payments}++;
        $seen->{split} = $o->{amount} if $is->{state} eq 'applied'
                                         && $is->{amount} == $o->{amount};
        $seen->{ $is->{state} } += $is->{state} eq 'applied' ? $is->{amount}
                                                             : 1;
        $seen->{kept} += $is->{amount} if $is->{state} ne 'refunded';
    }

    # Split is what made it paid: the right sum, or what was accepted for it.
    $seen->{split} ||= $seen->{applied};
    return (@wrong, map { "payment $_ of nobody" } sort keys %there);
}


sub _parts {
    my ($o, $view, $seen) = @_;

    my $parts = 0;
    $parts += $_ for values %{ $o->{parts} || {} };
    $seen->{returned} = $view->{returned};
    $seen->{kept} -= $view->{returned};
    return $parts == $view->{returned} ? ()
           : "$view->{returned} went back, told: $parts";
}


sub _cards {
    my ($self, $o, $buyer) = @_;

    my @cards = @{ $buyer->{cards} || [] };
    my @wrong;
    push @wrong, 'other cards than before'
        if $o->{cards} && "@{ $o->{cards} }" ne "@cards";
    return @wrong if $o->{sku} !~ /\A[ab]\z/
                     || $buyer->{status} ne 'delivered';

    push @wrong, @cards . " cards for $o->{qty}" if @cards != $o->{qty};
    for my $card (@cards) {
        my $owner = $self->{card_of}{$card} ||= $o->{order};
        push @wrong, "a card of order $owner" if $owner ne $o->{order};
        push @wrong, "card $card, which was not imported"
            if ($self->{imported}{$card} || '') ne $o->{sku};
    }
    $o->{cards} ||= \@cards;
    return @wrong;
}


# ---- sums --------------------------------------------------------------

sub _audit {
    my ($self) = @_;

    my $answer = $self->{t}->audit;
    my $audit = $answer->json;
    return 'the audit: ' . $answer->brief
        unless $answer->status == 200 && $audit->{ok};

    my (%sku, %sum);
    for my $o (values %{ $self->{orders} }) {
        my $seen = $o->{seen};
        my $of = $sku{ $o->{sku} } ||= {};
        $of->{orders}++;
        $of->{ $seen->{status} } += $o->{qty};
        $of->{ $seen->{applied} ? 'sold?' : 'held?' } += $o->{qty}
            if $seen->{status} eq 'under_review';
        $sum{$_} += $seen->{$_}
            for qw(kept review refund_due refunded payments);
    }

    my @wrong;
    my $is = sub {
        my ($name, $is, $low, $more) = @_;
        $low ||= 0;
        my $high = $low + ($more || 0);
        push @wrong, "$name: $is, should be $low to $high"
            if $is < $low || $is > $high;
    };

    for my $p (@{ $audit->{products} }) {
        my $of = $sku{ $p->{sku} } || {};
        $is->("$p->{sku}: orders", $p->{orders}, $of->{orders});
        next if $p->{kind} eq 'shared';
        $is->("$p->{sku}: sold", $p->{sold}, $of->{delivered},
              $of->{'sold?'});
        $is->("$p->{sku}: waiting", $p->{waiting}, $of->{waiting_for_stock});
        $is->("$p->{sku}: held", $p->{held}, $of->{awaiting_payment},
              $of->{'held?'});
        $is->("$p->{sku}: imported", $p->{imported},
              $self->{units}{ $p->{sku} }) if $p->{kind} eq 'card';
    }

    my $totals = $audit->{totals};
    $is->('CNY', $totals->{payments_amount}{CNY} || 0, $sum{kept});
    $is->('payments', $totals->{payments_count}, $sum{payments});
    $is->($_, $totals->{$_}, $sum{$_}) for qw(review refund_due refunded);
    $is->('coupons', $totals->{coupons}, scalar keys %{ $self->{coupons} });
    $is->('accounts', $totals->{accounts}, scalar @{ $self->{accounts} });
    $is->("ledger_sum of $_", $totals->{ledger_sum}{$_}, 0)
        for sort keys %{ $totals->{ledger_sum} };
    return @wrong;
}


# By coupon, and by buyer and coupon: [least, most, within its limit].

sub _coupons {
    my ($self) = @_;

    my (%uses, %buyers, @wrong);
    for my $o (grep { defined $_->{coupon} } values %{ $self->{orders} }) {
        _counted($o, $uses{ $o->{coupon} } ||= [0, 0, 0], 1);
        _counted($o, $buyers{"$o->{coupon} $o->{contact}"} ||= [0, 0, 0], 1);
    }

    for my $code (sort keys %{ $self->{coupons} }) {
        my ($max, $max_buyer) = @{ $self->{coupons}{$code} };
        my ($low, $high, $limited) = @{ $uses{$code} || [0, 0, 0] };
        my $view = $self->{t}->admin('GET', "/coupons/$code")->json;

        push @wrong, "coupon $code: $view->{uses} uses, should be $low to "
                     . $high if $view->{uses} < $low || $view->{uses} > $high;
        push @wrong, "coupon $code: $limited uses, of $max"
            if $max && $limited > $max;
        next unless $max_buyer;
        push @wrong, map { "coupon of buyer $_: $buyers{$_}[2] uses" }
                     grep { /\A$code / && $buyers{$_}[2] > $max_buyer }
                     sort keys %buyers;
    }
    return @wrong;
}


sub _counted {
    my ($o, $of, $n) = @_;

    my $status = $o->{seen}{status};
    $of->[0] += $n if $holds{$status};
    $of->[1] += $n if $holds{$status} || $status eq 'under_review';
    $of->[2] += $n if $holds{$status} && !$o->{late};
}


sub _limits {
    my ($self) = @_;

    my (%units, @wrong);
    for my $o (grep { $self->{limits}{ $_->{sku} } }
               values %{ $self->{orders} }) {
        _counted($o, $units{"$o->{sku} $o->{contact}"} ||= [0, 0, 0],
                 $o->{qty});
    }

    for my $buyer (sort keys %units) {
        my ($sku) = $buyer =~ /\A(\S+)/;
        push @wrong, "buyer of $buyer: $units{$buyer}[2] units"
            if $units{$buyer}[2] > $self->{limits}{$sku};
    }
    return @wrong;
}


# What members have: of orders that are paid and not given back whole, whoever
# looks at them still.

sub _buyers {
    my ($self) = @_;

    my (%has, @wrong);
    for my $o (values %{ $self->{orders} }) {
        my $kept = ($o->{seen}{applied} || 0) - ($o->{seen}{returned} || 0);
        next unless $kept;
        $has{ $o->{contact} }{orders}++;
        $has{ $o->{contact} }{units} += $o->{qty};
        $has{ $o->{contact} }{spent} += $kept;
    }

    for my $buyer (@{ $self->{buyers} }) {
        my $view = $self->{t}->admin('GET', "/buyers/$buyer")->json;
        my $has = $has{$buyer} || {};
        push @wrong, map { "buyer $buyer: $_ $view->{$_}, should be "
                           . ($has->{$_} || 0) }
                     grep { $view->{$_} != ($has->{$_} || 0) }
                     qw(orders units spent);
    }
    return @wrong;
}


# ---- the ledger --------------------------------------------------------

# Each page of a list as its bytes: tens of thousands of entries are read by
# a pattern, not as JSON.

sub _pages {
    my ($self, $path) = @_;

    my ($cursor, @pages) = ('');
    while (1) {
        my $answer = $self->{t}->admin('GET', $path . $cursor);
        return 'cannot be read: ' . $answer->brief if $answer->status != 200;
        push @pages, $answer->body;
        my ($next) = $answer->body =~ /"next":"(\d+)"/ or last;
        $cursor = "?cursor=$next";
    }
    return @pages;
}


sub _accounts {
    my ($self) = @_;

    my ($open, $paid, @wrong) = $self->_withdrawals;

    for my $id (@{ $self->{accounts} }) {
        my $view = $self->{t}->admin('GET', "/accounts/$id")->json;
        my %sum = map { $_ => 0 } qw(frozen available);
        my %line;

        for my $page ($self->_pages("/accounts/$id/ledger")) {
            while ($page =~ /"kind":"(\w+)","state":"(\w+)","amount":(-?\d+)
                             ,"at":\d+,"settles_at":\w+,"order":"?(\w+)/gx) {
                next if $1 eq 'withdrawal';
                $sum{$2} += $3;
                $line{$4}{$1} += $3;
            }
        }

        my %is = (frozen => $sum{frozen}, reserved => $open->{$id} || 0,
                  withdrawn => $paid->{$id} || 0,
                  earned => $sum{frozen} + $sum{available});
        $is{available} = $sum{available} - $is{reserved} - $is{withdrawn};
        push @wrong, map { "account $id: $_ is $view->{$_}, its entries say "
                           . $is{$_} }
                     grep { $view->{$_} != $is{$_} } sort keys %is;
        push @wrong, map { $self->_line($id, $_, $line{$_}) }
                     sort keys %line;
    }
    return @wrong;
}


# What came of an order's commission must follow what went back of its money.

sub _line {
    my ($self, $id, $order, $line) = @_;

    my $o = $self->{orders}{$order}
        or return "account $id: a line of order $order";
    my $seen = $o->{seen};
    my $given = $line->{commission} || 0;
    my $back = -($line->{clawback} || 0);
    my $due = !$seen->{applied} ? $given
              : int $given * $seen->{returned} / $seen->{split};

    return $back == $due ? ()
           : "account $id: of $given for $order $back went back, not $due";
}


# Returns what is reserved and what was paid out, by account, and what is
# wrong.

sub _withdrawals {
    my ($self) = @_;

    my %made = %{ $self->{withdrawals} };
    my (%open, %paid, @wrong);

    for my $page ($self->_pages('/withdrawals')) {
        while ($page =~ /"account":"([^"]+)","currency":"CNY","amount":(\d+)
                         ,"state":"(\w+)","note":"([^"]+)"/gx) {
            my ($id, $amount, $state, $note) = ($1, $2, $3, $4);
            my $told = delete $made{$note};

            $open{$id} += $amount if $state =~ /\A(?:requested|approved)\z/;
            $paid{$id} += $amount if $state eq 'paid';
            push @wrong, "withdrawal $note: $state, $amount of $id"
                if !$told || $told->{account} ne $id
                   || $told->{amount} != $amount
                   || $told->{state} && $told->{state} ne $state;
        }
    }

    return (\%open, \%paid, @wrong, map { "withdrawal $_ is lost" }
            grep { $made{$_}{id} } sort keys %made);
}


1;
