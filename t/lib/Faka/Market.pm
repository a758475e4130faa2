package Faka::Market;

# A crowd that does everything a shop can be asked for, at random and all at
# once: buyers, gateways, agents and operators in one process, which keeps in
# mind what it was told.
#
#     my $market = Faka::Market->new($t, seed => 7, name => 'r1-0', ...);
#     my $told = $market->work(800);      # in a Faka::Job of its own
#
# Each turn sends some tens of operations side by side, also several on one
# order.  What got no answer, or "later", is sent again until it has one: an
# operation is over only when somebody was told how it ended.  A request for a
# withdrawal has no key by which it could be sent again; whether it was made is
# seen by its note.
#
# %opt: seed, name (of this crowd, in keys and notes), orders and withdrawals
# (those that it may go on with), agents, coupons, buyers (lists of names),
# clock (a sub: the shop's time).  An answer that no operation knows is kept in
# "odd".

use strict;
use warnings;

use List::Util qw(first);
use Time::HiRes qw(sleep time);

use Faka::Gateway qw(epay_money);
use Faka::Http qw(http_many);
use Faka::Job;

# The rules of the test have a person look at orders of so many.
use constant { REVIEWED_QTY => 5, TURN => 24, WIDTH => 12, PICKS => 12,
               PACE_SECONDS => 0.01, IDLE_SECONDS => 0.03,
               TIMEOUT_SECONDS => 5, SETTLE_SECONDS => 60 };

# sku => what a buyer may want of it at most, and whether it has cards.
our %products = (a => { qty => 5, cards => 1 }, b => { qty => 3, cards => 1 },
                 c => { qty => 4 }, d => { qty => 1, cards => 1 });

# How often each is begun, the request, and what its answers mean; "refused"
# are codes with which nothing was done; "once": it is not sent again.
my %does = (
    checkout  => { often => 36, pick => \&_pick_new, ask => \&_ask_checkout,
                   hear => \&_hear_checkout,
                   refused => qr/\A(?:sold_out|limit_reached|not_on_sale|
                                  invalid_coupon|invalid_agent|refused)\z/x },
    repeat    => { often => 4, pick => _pick_of(qr/./),
                   ask => \&_ask_checkout, hear => \&_hear_checkout },
    pay       => { often => 26, pick => \&_pick_pay, ask => \&_ask_pay,
                   hear => \&_hear_pay },
    cancel    => { often => 5, pick => _pick_of(qr/\Aunpaid/),
                   ask => \&_ask_cancel, hear => \&_hear_cancel,
                   refused => qr/\Aconflict\z/ },
    read      => { often => 4, pick => _pick_of(qr/./), ask => \&_ask_read,
                   hear => \&_hear_read },
    part      => { often => 5, pick => \&_pick_part,
                   ask => _order_call('refunds', qw(amount ref)),
                   hear => \&_hear_part,
                   refused => qr/\A(?:conflict|invalid_request|
                                  limit_reached)\z/x },
    approve   => { often => 3, pick => _pick_of(qr/\Areview/),
                   ask => _order_call('approve'), hear => \&_hear_decision,
                   refused => qr/\Aconflict\z/ },
    deny      => { often => 3, pick => _pick_of(qr/\A(?:review|waiting)/),
                   ask => _order_call('deny'), hear => \&_hear_decision,
                   refused => qr/\Aconflict\z/ },
    refunded  => { often => 3, pick => \&_pick_owed,
                   ask => _order_call('refunded', 'trade_no'),
                   hear => \&_hear_view,
                   refused => qr/\A(?:conflict|not_found)\z/ },
    withdraw  => { often => 2, pick => \&_pick_withdraw,
                   ask => \&_ask_withdraw, hear => \&_hear_withdraw,
                   once => 1,
                   refused => qr/\A(?:conflict|limit_reached)\z/ },
    decide    => { often => 3, pick => \&_pick_decide, ask => \&_ask_decide,
                   hear => \&_hear_decide,
                   refused => qr/\A(?:conflict|not_found)\z/ },
    import    => { often => 2, pick => \&_pick_import, ask => \&_ask_import,
                   hear => \&_hear_import, refused => qr/\Aimport_running\z/ },
    abort     => { often => 1, pick => \&_pick_abort, ask => \&_ask_import,
                   hear => sub { }, once => 1,
                   refused => qr/\Aimport_running\z/ },
    change    => { often => 3, pick => \&_pick_change, ask => \&_ask_put,
                   hear => sub { } },
);
my @wheel = map { ($_) x $does{$_}{often} } sort keys %does;


sub new {
    my ($class, $t, %opt) = @_;

    srand $opt{seed};
    my $orders = $opt{orders};
    return bless {
        t => $t, %opt, mine => [map { $orders->{$_} } sort keys %$orders],
        open => [], serial => 0, count => {}, refused => {}, again => 0,
        odd => [], touched => {}, imported => {},
    }, $class;
}


# So many operations at least, and until the job is stopped, each to its end;
# returns what was told.

sub work {
    my ($self, $operations) = @_;

    my $deadline;
    while (1) {
        my $more = $operations > 0 || !Faka::Job::stopping();
        while ($more && @{ $self->{open} } < TURN) {
            $operations -= $self->_draw;
        }
        last unless @{ $self->{open} };

        $deadline ||= time + SETTLE_SECONDS unless $more;
        die 'no answer to ' . join(', ', map { $_->{does} }
                                   @{ $self->{open} }) . "\n"
            if $deadline && time > $deadline;
        sleep($self->_turn ? PACE_SECONDS : IDLE_SECONDS);
    }

    return { orders => $self->{touched},
             map { $_ => $self->{$_} }
             qw(count refused again odd imported withdrawals) };
}


# Returns how many were begun: not each finds something to be done.

sub _draw {
    my ($self) = @_;

    my $does = $wheel[rand @wheel];
    my @items = $does{$does}{pick}->($self);
    push @{ $self->{open} }, map { { %$_, does => $does } } @items;
    return scalar @items;
}


# One request for each open operation.  Returns how many were settled.

sub _turn {
    my ($self) = @_;

    my @open = @{ $self->{open} };
    my @requests = map { { %{ $does{ $_->{does} }{ask}->($self, $_) },
                           timeout => TIMEOUT_SECONDS } } @open;
    my $answers = http_many(\@requests, concurrency => WIDTH, keepalive => 1);

    $self->{now} = $self->{clock}->();
    my @again = grep { !$self->_hear($_, shift @$answers) } @open;
    $self->{open} = \@again;
    return @open - @again;
}


sub _hear {
    my ($self, $item, $answer) = @_;

    my $does = $does{ $item->{does} };
    my $order = $item->{order};
    $self->{touched}{ $order->{order} } = $order
        if $order && defined $order->{order};

    if ($answer->status == 0 || $answer->status == 503) {
        $item->{unsure} = 1;
        $self->{count}{"$item->{does} (lost)"}++ if $does->{once};
        $self->{again}++ unless $does->{once};
        return $does->{once} || 0;
    }

    my $code = $answer->status < 400 ? '' : $answer->code || 'none';
    if ($code ne '' && $does->{refused} && $code =~ $does->{refused}) {
        # The first try may have begun one that is not over.
        return 0 if $item->{unsure} && $code eq 'import_running';
        $self->{refused}{"$item->{does} $code"}++;
    } elsif ($code ne '') {
        $self->_odd($item, $answer);
    } else {
        $self->{count}{ $item->{does} }++;
        $does->{hear}->($self, $item, $answer);
    }
    return 1;
}


sub _odd {
    my ($self, $item, $answer) = @_;

    my $of = $item->{order} ? $item->{order}{order} || $item->{order}{key}
                            : $item->{path} || '';
    push @{ $self->{odd} }, "$item->{does} $of: " . $answer->brief;
}


# ---- buyers ------------------------------------------------------------

sub _one { return $_[rand @_] }


sub _pick_new {
    my ($self) = @_;

    my $sku = _one(sort keys %products);
    my %order = (sku => $sku, qty => 1 + int rand $products{$sku}{qty},
                 contact => rand() < 0.8 ? _one(@{ $self->{buyers} })
                            : "$self->{name}-$self->{serial}\@example.com",
                 key => sprintf('market-%s-%06d', $self->{name},
                                ++$self->{serial}));
    $order{coupon} = _one(@{ $self->{coupons} }) if rand() < 0.4;
    $order{agent} = _one(@{ $self->{agents} }) if rand() < 0.6;
    $order{hint} = 'unpaid';
    return { order => \%order };
}


# One of the orders of this crowd that looks right, by what was last heard.

sub _pick_of {
    my ($hint) = @_;

    return sub {
        my ($self) = @_;
        my $order = $self->_some($hint);
        return $order ? { order => $order } : ();
    };
}


sub _some {
    my ($self, $hint) = @_;

    my $mine = $self->{mine};
    return undef unless @$mine;

    # Most of the time one of the last: there is more to be done with them.
    my @picks = map { rand() < 0.8 && @$mine > 60
                      ? $mine->[-1 - int rand 60] : _one(@$mine) } 1 .. PICKS;
    return first { $_->{hint} =~ $hint } @picks;
}


sub _ask_checkout {
    my ($self, $item) = @_;

    my $order = $item->{order};
    return $self->{t}->checkout_request(
        map { defined $order->{$_} ? ($_ => $order->{$_}) : () }
        qw(key sku qty contact coupon agent));
}


sub _hear_checkout {
    my ($self, $item, $answer) = @_;

    my $order = $item->{order};
    my $json = $answer->json;

    if (defined $order->{order}) {
        $self->_odd($item, $answer) if $answer->status != 200
                                       || $json->{order} ne $order->{order}
                                       || $json->{amount} ne $order->{amount};
        return;
    }

    $self->_odd($item, $answer) unless $answer->status == 201
                                       || $item->{unsure};
    @$order{qw(order token amount expires)} =
        (@$json{qw(order token amount)}, $json->{expires_at} || 0);
    $self->{touched}{ $order->{order} } = $order;
    push @{ $self->{mine} }, $order;
}


# A right notice, now and then twice at once or beside a cancel; a fen less;
# one more payment; one for what was given up.

sub _pick_pay {
    my ($self) = @_;

    my $order = $self->_some(qr/./) or return;
    my $chance = rand;
    my %item = (order => $order, money => $order->{amount},
                trade_no => "T$order->{order}");

    if ($order->{hint} eq 'unpaid') {
        $item{money}-- if $chance < 0.1 && $order->{amount} > 1;
        $item{trade_no} = "S$order->{order}"
            if $item{money} != $order->{amount};
    } elsif ($chance < 0.1) {
        $item{trade_no} = "X$order->{order}" . int rand 3;
    }

    $order->{paid}{ $item{trade_no} } ||= { money => $item{money} };
    return (\%item, $chance > 0.85 ? { %item } : ());
}


sub _ask_pay {
    my ($self, $item) = @_;

    return $self->{t}->notify_request($item->{order},
        trade_no => $item->{trade_no}, money => epay_money($item->{money}));
}


sub _hear_pay {
    my ($self, $item, $answer) = @_;

    my $order = $item->{order};
    return $self->_odd($item, $answer) if $answer->body ne 'success';

    $order->{paid}{ $item->{trade_no} }{told} = 1;
    $self->_perhaps_late($order);
    $order->{hint} = $item->{money} == $order->{amount}
                     && $order->{qty} != REVIEWED_QTY ? 'paid' : 'review'
        if $order->{hint} =~ /\A(?:unpaid|given up)\z/;
}


# Its units and its coupon's use may have been another's before they were its
# own again.

sub _perhaps_late {
    my ($self, $order) = @_;

    $order->{late} = 1 if $order->{tried_cancel}
                          || $self->{now} >= $order->{expires};
}


sub _ask_cancel {
    my ($self, $item) = @_;

    $item->{order}{tried_cancel} = 1;
    return $self->{t}->request('POST',
        "/orders/$item->{order}{order}/cancel", headers =>
        { Authorization => "Bearer $item->{order}{token}" });
}


sub _hear_cancel {
    my ($self, $item) = @_;

    $item->{order}{cancelled} = 1;
    $item->{order}{hint} = 'given up';
}


sub _ask_read {
    my ($self, $item) = @_;

    return $self->{t}->request('GET', "/orders/$item->{order}{order}",
        headers => { Authorization => "Bearer $item->{order}{token}" });
}


# Delivered is delivered; which cards, the book compares.

sub _hear_read {
    my ($self, $item, $answer) = @_;

    my $order = $item->{order};
    my $json = $answer->json;
    my $cards = $json->{cards};

    $order->{cards} ||= $cards if $cards && @$cards;
    $order->{hint} = { under_review => 'review', delivered => 'paid',
                       waiting_for_stock => 'waiting',
                       expired => 'given up' }->{ $json->{status} }
                     || $order->{hint};
}


# ---- operators ---------------------------------------------------------

sub _order_call {
    my ($call, @fields) = @_;

    return sub {
        my ($self, $item) = @_;
        return $self->{t}->admin_request('POST',
            "/orders/$item->{order}{order}/$call",
            @fields ? { map { $_ => $item->{$_} } @fields } : undef);
    };
}


sub _pick_part {
    my ($self) = @_;

    my $order = $self->_some(qr/\Apaid/) or return;
    my $all = rand() < 0.3 || $order->{amount} < 4;
    my %item = (order => $order, ref => 'part-' . int rand 4,
                amount => $all ? $order->{amount}
                               : 1 + int rand($order->{amount} / 3));
    return (\%item, rand() < 0.2 ? { %item } : ());
}


sub _hear_part {
    my ($self, $item) = @_;

    $item->{order}{parts}{ $item->{ref} } = $item->{amount};
}


sub _hear_decision {
    my ($self, $item) = @_;

    my $order = $item->{order};
    $order->{ $item->{does} } = 1;
    $order->{hint} = $item->{does} eq 'deny' ? 'owed' : 'paid';
    $self->_perhaps_late($order);
}


sub _pick_owed {
    my ($self) = @_;

    my $order = $self->_some(qr/\A(?:owed|paid)/) or return;
    my @trades = grep { $order->{hint} eq 'owed' || /\AX/ }
                 sort keys %{ $order->{paid} || {} };
    return @trades ? { order => $order, trade_no => _one(@trades) } : ();
}


sub _hear_view {
    my ($self, $item) = @_;

    $item->{order}{given_back}{ $item->{trade_no} } = 1;
}


sub _pick_withdraw {
    my ($self) = @_;

    return { account => _one(@{ $self->{agents} }, 'platform'),
             amount => 1 + int rand 60,
             note => "$self->{name}-" . ++$self->{serial} };
}


sub _ask_withdraw {
    my ($self, $item) = @_;

    $self->{withdrawals}{ $item->{note} } ||=
        { map { $_ => $item->{$_} } qw(account amount) };
    return $self->{t}->admin_request('POST',
        "/accounts/$item->{account}/withdrawals",
        { map { $_ => $item->{$_} } qw(amount note) });
}


sub _hear_withdraw {
    my ($self, $item, $answer) = @_;

    my $known = $self->{withdrawals}{ $item->{note} };
    $known->{id} = $answer->json->{withdrawal};
    $known->{state} = 'requested';
}


sub _pick_decide {
    my ($self) = @_;

    my @made = grep { $_->{id} && $_->{state} !~ /\A(?:paid|rejected)\z/ }
               values %{ $self->{withdrawals} };
    return unless @made;

    my $known = _one(sort { $a->{id} <=> $b->{id} } @made);
    return { known => $known, call => _one(qw(approve approve paid reject)) };
}


sub _ask_decide {
    my ($self, $item) = @_;

    return $self->{t}->admin_request('POST',
        "/withdrawals/$item->{known}{id}/$item->{call}");
}


# Two decisions side by side: the last one counts, in whichever order their
# answers are heard.

sub _hear_decide {
    my ($self, $item) = @_;

    my $known = $item->{known};
    return if $item->{call} eq 'approve' && $known->{state} ne 'requested';
    $known->{state} = { approve => 'approved', paid => 'paid',
                        reject => 'rejected' }->{ $item->{call} };
}


# Cards: whole, or with a connection that ends before the last of them.

sub _pick_import {
    my ($self) = @_;

    my $sku = _one(qw(a b));
    my $serial = ++$self->{serial};
    return { path => $sku, cards => [map { "$sku-$self->{name}-$serial-$_" }
                                     1 .. 20 + int rand 30] };
}


sub _pick_abort {
    my ($self) = @_;

    my $item = $self->_pick_import;
    $item->{aborted} = 1;
    return $item;
}


sub _ask_import {
    my ($self, $item) = @_;

    my $request = $self->{t}->admin_request('POST',
        "/products/$item->{path}/cards", join("\n", @{ $item->{cards} }, ''));
    my $size = length Faka::Http::request_bytes($request, 1);
    $request->{close_after} = $size - 1 - int rand 200 if $item->{aborted};
    return $request;
}


sub _hear_import {
    my ($self, $item, $answer) = @_;

    my $json = $answer->json;
    my $there = $json->{accepted} + $json->{duplicates_stock};
    $self->_odd($item, $answer) if $there != @{ $item->{cards} }
        || $json->{duplicates_stock} && !$item->{unsure};
    push @{ $self->{imported}{ $item->{path} } }, @{ $item->{cards} };
}


# What does not stand in the way of a limit that the book knows: limits and
# numbers of uses stay as they are.

sub _pick_change {
    my ($self) = @_;

    my $true = JSON::PP::true();
    my $false = JSON::PP::false();
    my $agent = _one(@{ $self->{agents} });
    my $sku = _one(qw(a b));
    my $price = 100 + int rand 900;

    return _one(
        { path => "/products/$sku", body => { price => $price, tiers =>
            [{ min_qty => 2, price => $price - 1 - int rand 50 }] } },
        { path => '/products/d', body => { on_sale =>
            rand() < 0.2 ? $false : $true } },
        { path => "/accounts/$agent", body => { closed =>
            rand() < 0.12 ? $true : $false } },
        { path => "/accounts/$agent", body => { rates =>
            [map { int(rand 1500) - 100 < 0 ? -1 : int rand 1500 } 1 .. 3] } },
        { path => '/coupons/MANY', body => { kind => 'percent',
            value => 1 + int rand 3000, min_amount => 100, on =>
            rand() < 0.2 ? $false : $true } },
        { path => '/buyers/' . _one(@{ $self->{buyers} }), body => { level =>
            rand() < 0.5 ? 'gold' : '' } },
        { path => '/levels/gold', body => { min_spent => 5000,
            off_bp => int rand 2000 } });
}


sub _ask_put {
    my ($self, $item) = @_;

    return $self->{t}->admin_request('PUT', $item->{path}, $item->{body});
}


1;
