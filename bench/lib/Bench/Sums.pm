package Bench::Sums;

# A sell-out of each subject, to the last unit and beyond: what buyers were
# told, and what its store says, read by something else than the shop itself.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

use Bench::Load qw(run_name wrk);

our @EXPORT_OK = qw(sell_out_faka sell_out_peer);

use constant { LIMIT => 3 };


sub sell_out {
    my ($bench, $on, $sku) = @_;

    my $r = wrk(url => $on->url . '/checkout', script => 'buyers.lua',
                args => [ run_name(), $sku, 'sell-out' ],
                connections => $bench->{plan}{connections},
                seconds => $bench->{plan}{seconds_max});
    $r->{others} == 0
        or die "bench: $r->{others} answers are neither 201 nor 409\n";
    return $r;
}


sub sell_out_peer {
    my ($bench, $name, $subject, $stock) = @_;

    my $peer = $bench->{on}{$name};
    $peer->wake;
    $peer->fill($stock, LIMIT);
    my $r = sell_out($bench, $peer, 1);
    my $audit = $peer->audit;
    $peer->rest;

    my @wrong = $audit->{broken} || ();
    push @wrong, "$audit->{orders} orders, and $r->{made} were told so"
        if $audit->{orders} != $r->{made};
    push @wrong, "$audit->{stock_left} are left" if $audit->{stock_left} > 0;
    push @wrong, $audit->{raced} if $audit->{raced} && !$peer->races;
    die "bench: $subject: @wrong\n" if @wrong;

    return { subject => $subject, stock => $stock, answered => $r->{made},
             orders => $audit->{orders}, oversold => $audit->{oversold},
             duplicates => $audit->{duplicates}, why => $audit->{raced},
             ok => $audit->{raced} ? JSON::PP::false : JSON::PP::true };
}


# The shop says that its sums are right; then faka-journal, which knows only
# what is in Redis, recovers it and compares, and prints every order, which
# are counted here, card by card and buyer by buyer.

sub sell_out_faka {
    my ($bench, $name, $subject, $stock) = @_;

    my $shop = $bench->{on}{$name};
    $shop->product('hot', $stock, LIMIT);
    my $r = sell_out($bench, $shop, 1);
    my $audit = $shop->verified;
    my %count = counted($shop->journal . " $shop->{name} print");
    my %sum = (oversold => $count{orders} > $stock
                           ? $count{orders} - $stock : 0,
               duplicates => $count{given} - $count{cards});
    my @why = map { "$sum{$_} $_" } grep { $sum{$_} } sort keys %sum;
    push @why, "$count{orders} orders in the journal, $audit->{orders} in the"
        . " shop, $r->{made} told so"
        if $count{orders} != $r->{made} || $audit->{orders} != $r->{made};
    push @why, "$audit->{product}{available} are left"
        if $audit->{product}{available} != 0;
    push @why, "a buyer has $count{most}" if $count{most} > LIMIT;
    die "bench: $subject: @why\n" if @why;

    return { subject => $subject, stock => $stock, answered => $r->{made},
             orders => $count{orders}, %sum, ok => JSON::PP::true,
             why => '' };
}


# Of all records those of orders, of which the text is enough.

my $ORDER = qr/\{"order":"(\w+)",[^{}]*"qty":(\d+),[^{}]*"contact":"([^"]+)",
               [^{}]*"cards":\[([\d,]*)\],"type":"order"\}/x;

sub counted {
    my ($command) = @_;

    my (%order, %card);
    open my $fh, '-|', $command or die "bench: $command: $!\n";
    while (my $line = <$fh>) {
        while ($line =~ /$ORDER/g) {
            $order{$1} = { qty => $2, contact => $3,
                           cards => [ split /,/, $4 ] };
        }
    }
    close $fh or die "bench: $command ended with status $?\n";

    my ($given, %bought) = (0);
    for my $order (values %order) {
        $bought{ $order->{contact} } += $order->{qty};
        $given += $order->{qty};
        $card{$_} = 1 for @{ $order->{cards} };
    }
    my ($most) = sort { $b <=> $a } values %bought, 0;
    return (orders => scalar keys %order, given => $given,
            cards => scalar keys %card, most => $most);
}


1;
