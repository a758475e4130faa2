package Bench::Payments;

# Rows with payments: orders, the signed notices that pay them, made before
# the clock starts, and what was delivered.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use List::Util qw(shuffle);

use Bench::Load qw(measured run_name);
use Faka::Gateway qw(epay_notice);
use Faka::Proc qw(slurp spew);

our @EXPORT_OK = qw(again life orders_of pay storm);

use constant { PRICE_FEN => 990, STORM_TIMES => 10, AGAIN => 15_000 };

my $BENCH = Cwd::realpath((__FILE__ =~ m{(.*)/}s)[0] . '/../..');


# [order, token] of so many new orders, and what wrk said of them.

sub make_orders {
    my ($bench, $row, $on, $count) = @_;

    my $file = "$bench->{dir}/orders";
    unlink glob "$file.*";
    $on->prepare($count + 1000);
    my $before = $on->orders;
    my $r = measured($bench, $row, $on, '/checkout',
        'orders.lua', run_name(), 'hot', $count, $file,
        $row->{channel} // 'epay', $row->{agent} // ());
    $r->{refused} == 0 or die "bench: $r->{refused} orders were refused\n";

    my @orders = map { [ split ] } map { split /\n/, slurp("$file.$_") } 1, 2;
    my $made = $on->orders - $before;
    $made == @orders && $made == $r->{requests} && $made >= $count
        or die "bench: $made orders, @{[ scalar @orders ]} of them told\n";
    return ($r, @orders);
}


sub orders_of {
    my (undef, @orders) = make_orders(@_);
    return @orders;
}


# A file of the notices that pay these orders.

sub notices {
    my ($bench, $on, $channel, @orders) = @_;

    my $file = notices_of($bench, $on, $channel);
    my $path = "/notify/$channel";
    if ($channel eq 'epay') {
        return spew($file, join '', map {
            "GET $path?" . epay_notice($on->server->{gateway_key}, $_->[0],
                                       PRICE_FEN) . "\n" } @orders);
    }

    my $numbers = spew("$bench->{dir}/numbers",
                       join '', map { "$_->[0]\n" } @orders);
    system('node', "$BENCH/alipay.js", $numbers, $path,
           $on->server->dir . '/alipay.key', $file, $on->alipay) == 0
        or die "bench: node cannot sign notices\n";
    return $file;
}


sub notices_of {
    my ($bench, $on, $channel) = @_;
    return "$bench->{dir}/notices.$on->{name}.$channel";
}


# wrk hangs up at its end, so that some may have been sent in vain.

sub pay {
    my ($bench, $row, $on) = @_;

    my ($count) = $bench->{plan}{notices}{ $row->{channel} };
    my (undef, @orders) = make_orders($bench, $row, $on, $count);
    my $file = notices($bench, $on, $row->{channel}, @orders);
    return paid($bench, $row, $on, $file, scalar @orders, 1);
}


# A file of notices, each of so many orders' so many times.

sub paid {
    my ($bench, $row, $on, $file, $count, $times) = @_;

    my $before = $on->audit;
    my $late = $on->out_of_time;
    my $r = measured($bench, $row, $on, '', 'each.lua', 'once', $file);
    $r->{refused} == 0 or die "bench: $r->{refused} refusals\n";

    my $after = $on->audit;
    my $paid = $after->{payments_count} - $before->{payments_count};
    my $missing = $times == 1 ? $bench->{plan}{connections} : 0;
    $paid <= $count && $paid >= $count - $missing
        or die "bench: $paid payments of $count\n";
    $after->{product}{sold} - $before->{product}{sold} == $paid
        or die "bench: not all that was paid is delivered\n";
    my $splits = $after->{splits} - $before->{splits};
    $late = $on->out_of_time - $late;
    $splits == ($row->{agent} ? $paid - $late : 0)
        or die "bench: $splits splits of $paid payments, $late out of time\n";
    return $r;
}


# Notices of the last payments, over and over: none is booked again.  Or the
# very same bytes for a bare answer.  A gateway repeats what is minutes old, so
# no more of them than a worker remembers (PAY_MEMO_SETS * PAY_MEMO_WAYS).

sub again {
    my ($bench, $row, $on) = @_;

    my $before = $on->audit;
    my @lines = split /^/, slurp(notices_of($bench, $on, $row->{channel}));
    my $file = spew("$bench->{dir}/again", join '', splice @lines, 0, AGAIN);
    my $r = measured($bench, $row, $on, '', 'each.lua', 'again', $file,
                     $row->{bare} ? '/bare' : ());
    $r->{refused} == 0 or die "bench: $r->{refused} refusals\n";
    my $booked = $on->audit->{payments_count} - $before->{payments_count};
    $booked <= $bench->{plan}{connections}  # whom wrk had not waited for
        or die "bench: $booked were booked\n";
    return $r;
}


# Each notice ten times, in no order: booked once.

sub storm {
    my ($bench, $row, $on) = @_;

    my (undef, @orders) = make_orders($bench, $row, $on,
                                      $bench->{plan}{storm});
    my $file = notices($bench, $on, 'epay', @orders);
    my @lines = split /^/, slurp($file);
    spew($file, join '', shuffle((@lines) x STORM_TIMES));
    return paid($bench, $row, $on, $file, scalar @orders, STORM_TIMES);
}


# Orders, then what pays them, then a look at what was delivered: each phase
# takes its time, and an order that of all three.

sub life {
    my ($bench, $row, $on) = @_;

    my ($r, @orders) = make_orders($bench, $row, $on, $bench->{plan}{lives});
    my $file = notices($bench, $on, 'epay', @orders);
    my $paid = paid($bench, $row, $on, $file, scalar @orders, 1);
    spew($file, join '', map { "GET /orders/$_->[0] $_->[1]\n" } @orders);
    my $read = measured($bench, $row, $on, '', 'each.lua',
                                      'once', $file);
    $read->{refused} == 0 or die "bench: $read->{refused} refusals\n";

    my %cpu;
    for my $phase ($r, $paid, $read) {
        $cpu{$_} += $phase->{cpu_us}{$_} for keys %{ $phase->{cpu_us} };
    }
    my $seconds = 0;
    $seconds += 1 / $_->{per_s} for $r, $paid, $read;
    return { per_s => 1 / $seconds, cpu_us => \%cpu };
}


1;
