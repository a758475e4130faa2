package Faka::Told;

# What buyers and gateways were told, and whether the shop keeps to it.
#
# A purchase goes through the steps checkout, pay and read.  Each step is
# asked again until it has an answer that settles it: a lost connection and a
# 503 settle nothing.  Whatever was settled must hold for ever, so check()
# asks for it again, after a crash for example, and compares.  An answer that
# no step knows is kept in "odd" and fails the check.

use strict;
use warnings;

use Test::More;

use Faka::Gateway qw(epay_money);
use Faka::Http qw(http_many);
use Faka::Proc qw(wait_until);

use constant { SHOWN_MAX => 10, SETTLE_SECONDS => 20 };

my %steps = (
    checkout => {
        ask => sub {
            my ($t, $p, %opt) = @_;
            return $t->checkout_request(%opt, key => $p->{key},
                                        sku => $p->{sku}, qty => $p->{qty});
        },
        hear => \&_hear_checkout,
    },
    pay => {
        ask => sub {
            my ($t, $p, %opt) = @_;
            $p->{tried_to_pay} = 1;
            return $t->notify_request($p, %opt, _notice($p));
        },
        hear => \&_hear_pay,
    },
    read => {
        ask => sub {
            my ($t, $p, %opt) = @_;
            return $t->request('GET', "/orders/$p->{order}", %opt, headers =>
                { Authorization => "Bearer $p->{token}" });
        },
        hear => \&_hear_read,
    },
);


# $data: the contents of another one, which came from another process.

sub new {
    my ($class, $data) = @_;

    return bless { orders => {}, open => [], answers => {}, odd => [],
                   slowest_ms => 0, %{ $data || {} } }, $class;
}


sub data { return { %{ $_[0] } } }


sub merge {
    my ($self, $data) = @_;

    for my $p (values %{ $data->{orders} }) {
        $self->_known($p);
    }
    # An open purchase that has its order is the same one, not a copy.
    push @{ $self->{open} },
         map { defined $_->{order} ? $self->{orders}{ $_->{order} } : $_ }
         @{ $data->{open} };
    push @{ $self->{odd} }, @{ $data->{odd} };
    $self->{answers}{$_} += $data->{answers}{$_}
        for keys %{ $data->{answers} };
    $self->{slowest_ms} = $data->{slowest_ms}
        if $data->{slowest_ms} > $self->{slowest_ms};
    return $self;
}


# How often an answer such as "checkout 201" or "pay 0" came.

sub count {
    my ($self, $answer) = @_;

    return $self->{answers}{$answer} || 0;
}


sub orders { return scalar keys %{ $_[0]{orders} } }
sub paid   { return scalar grep { $_->{told} } values %{ $_[0]{orders} } }

sub slowest_ms { return $_[0]{slowest_ms} }


# The kinds of answers that are none: lost connections and errors of the
# server, which include "later".

sub failures {
    my ($self) = @_;

    my $answers = $self->{answers};
    return join ', ', map { "$_: $answers->{$_}" }
                      grep { / (?:0|5\d\d)\z/ } sort keys %$answers;
}


# For messages: every kind of answer with its number.

sub summary {
    my ($self) = @_;

    my $answers = $self->{answers};
    return join(', ', map { "$_: $answers->{$_}" } sort keys %$answers)
           . sprintf ', slowest %d ms', $self->{slowest_ms};
}


# Answers to checkouts that a test made by itself, with the fields they had.

sub bought {
    my ($self, $answer, %fields) = @_;

    my $json = $answer->json;
    return $self->_known({ qty => 1, %fields,
                           map { $_ => $json->{$_} }
                           qw(order token amount sku) });
}


# A new purchase that turn() will bring forward.  Beside key, sku, qty and
# unpaid it may have "pays", the notices that come for it one after another
# (right, again: the same one, short: a fen less, extra: money of its own),
# and "ends", the states of the order that are right after them; "counted" if
# the product has no cards.

sub want {
    my ($self, %purchase) = @_;

    push @{ $self->{open} }, { step => 'checkout', %purchase };
}


# One request for each open purchase, all at once.  Returns how many of them
# were settled.

sub turn {
    my ($self, $t, %opt) = @_;

    my @open = @{ $self->{open} };
    my @requests = map { $steps{ $_->{step} }{ask}->($t, $_, %opt) } @open;
    my $answers = http_many(\@requests, concurrency => scalar @requests);
    my $settled = 0;

    for my $p (@open) {
        my $answer = shift @$answers;
        my $step = $p->{step};

        $self->{answers}{ "$step " . $answer->status }++;
        $self->{slowest_ms} = int $answer->ms
            if $answer->ms > $self->{slowest_ms};

        if (_says_nothing($answer)) {
            $p->{unsure} = 1;
            $self->_odd($p, $answer) if $answer->status == 503
                                        && !$answer->header('retry-after');
            next;
        }

        $settled++;
        $p->{step} = $steps{$step}{hear}->($self, $p, $answer);
    }

    $self->{open} = [grep { $_->{step} } @open];
    return $settled;
}


# No answer, or one that only says "later".  A gateway or proxy is not in
# between, so any other status comes from the shop.

sub _says_nothing {
    my ($answer) = @_;

    return $answer->status == 0 || $answer->status == 503;
}


# Asks until every open purchase has its answers.

sub settle {
    my ($self, $t, %opt) = @_;

    return 1 unless @{ $self->{open} };
    return wait_until(sub {
        $self->turn($t, %opt);
        return !@{ $self->{open} };
    }, SETTLE_SECONDS);
}


# ---- what an answer means: returns the next step, or '' ----------------

sub _hear_checkout {
    my ($self, $p, $answer) = @_;

    return '' if $answer->status == 409 && $answer->code eq 'sold_out';

    if ($answer->status != 201 && !($answer->status == 200 && $p->{unsure})) {
        return $self->_odd($p, $answer);
    }

    my $json = $answer->json;
    $p->{$_} = $json->{$_} for qw(order token amount);
    $self->_known($p);
    return $p->{unpaid} ? '' : 'pay';
}


sub _hear_pay {
    my ($self, $p, $answer) = @_;

    return $self->_odd($p, $answer)
        if $answer->status != 200 || $answer->body ne 'success';

    push @{ $p->{paid} }, shift @{ $p->{pays} ||= ['right'] };
    return 'pay' if @{ $p->{pays} };
    $p->{told} = 1;
    return 'read';
}


sub _hear_read {
    my ($self, $p, $answer) = @_;

    return $self->_odd($p, $answer) if $answer->status != 200;

    my $json = $answer->json;
    my $ends = $p->{ends} || ['delivered'];
    return $self->_odd($p, $answer)
        unless grep { $_ eq $json->{status} } @$ends;
    return '' if $json->{status} ne 'delivered';

    return $self->_odd($p, $answer)
        if @{ $json->{cards} } != ($p->{counted} ? 0 : $p->{qty});
    $p->{cards} = $json->{cards};
    return '';
}


# The fields of the next notice that are not as in a right one.

sub _notice {
    my ($p) = @_;

    my $word = @{ $p->{pays} || [] } ? $p->{pays}[0] : 'right';
    return (money => epay_money($p->{amount} - 1)) if $word eq 'short';
    return (trade_no => "9$p->{order}") if $word eq 'extra';
    return ();
}


sub _odd {
    my ($self, $p, $answer) = @_;

    push @{ $self->{odd} },
         "$p->{step} " . ($p->{order} || $p->{key}) . ': ' . $answer->brief;
    return '';
}


sub _known {
    my ($self, $p) = @_;

    push @{ $self->{odd} }, "order $p->{order} for two keys"
        if exists $self->{orders}{ $p->{order} };
    $self->{orders}{ $p->{order} } = $p;
    return $p;
}


# ---- the comparison ----------------------------------------------------

# Four checks: what was open is settled, the orders are as they were told, no
# card went twice, and the sums of the audit are those of the orders.  %opt:
# nginx, cards (a list of all that were imported).

sub check {
    my ($self, $t, $name, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %nginx = $opt{nginx} ? (nginx => $opt{nginx}) : ();
    ok($self->settle($t, %nginx), "$name: every purchase got its answers")
        or diag($self->summary);

    my @orders = values %{ $self->{orders} };
    my @requests = map { $steps{read}{ask}->($t, $_, %nginx) } @orders;
    my $answers = http_many(\@requests);

    my (@wrong, @twice, %seen, %sums);
    my %imported = map { $_ => 1 } @{ $opt{cards} || [] };

    for my $p (@orders) {
        my $answer = shift @$answers;
        my $problem = _compare($p, $answer);
        push @wrong, "$p->{order}: $problem" if $problem;
        next if $answer->status != 200;

        my $json = $answer->json;
        my $sum = $sums{ $p->{sku} } ||= { sold => 0, held => 0, orders => 0 };
        $sum->{orders}++;
        $sum->{ $json->{status} eq 'delivered' ? 'sold' : 'held' }
            += $json->{qty};

        for my $card (@{ $json->{cards} || [] }) {
            push @twice, "$p->{order}: a card of $seen{$card}"
                if $seen{$card};
            push @twice, "$p->{order}: a card that was never imported"
                if %imported && !$imported{$card};
            $seen{$card} = $p->{order};
        }
    }

    is(_shown(@{ $self->{odd} }, @wrong), '',
       "$name: " . @orders . ' orders are as their buyers were told');
    is(_shown(@twice), '', "$name: no card twice");
    is(_shown(_audit($t, \%sums, %nginx)), '',
       "$name: the audit agrees");
}


# What was never answered, or was answered "later", may have happened.

sub _compare {
    my ($p, $answer) = @_;

    return $answer->brief if $answer->status != 200;

    my $json = $answer->json;
    for my $field (qw(order sku qty amount)) {
        return "$field is $json->{$field}, was $p->{$field}"
            if $json->{$field} ne $p->{$field};
    }

    my $status = $json->{status};
    if ($status eq 'delivered') {
        return 'delivered, but never paid' unless $p->{tried_to_pay};
        return 'number of cards' if @{ $json->{cards} } != $p->{qty};
        return 'other cards'
            if $p->{cards} && "@{ $p->{cards} }" ne "@{ $json->{cards} }";
        return '';
    }

    return "$status, but the gateway was told success" if $p->{told};
    return $status eq 'awaiting_payment' ? '' : $status;
}


sub _audit {
    my ($t, $sums, %nginx) = @_;

    my $answer = $t->admin('GET', '/audit', undef, %nginx);
    my $audit = $answer->json;
    return $answer->brief unless $answer->status == 200 && $audit->{ok};

    my @wrong;
    for my $product (@{ $audit->{products} }) {
        my $sum = $sums->{ $product->{sku} } or next;

        # Those in memory and those that have left it.
        $product->{orders} += $product->{archived_orders};

        for my $number (qw(orders sold held)) {
            push @wrong, "$product->{sku}: $number $product->{$number}, "
                         . "should be $sum->{$number}"
                if $product->{$number} != $sum->{$number};
        }
    }
    return @wrong;
}


sub _shown {
    my @lines = @_;

    my $more = @lines - SHOWN_MAX;
    splice @lines, SHOWN_MAX if $more > 0;
    push @lines, "and $more more" if $more > 0;
    return join "\n", @lines;
}


1;
