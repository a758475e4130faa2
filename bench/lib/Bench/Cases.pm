package Bench::Cases;

# The rows of the closed loop: who is loaded how, and what must be true of it
# afterwards.  Each way to load (%HOW) makes sure that there is enough to
# sell, loads, and holds the books against what the generator got; it dies
# where they differ.
#
# A row: stage, scenario, subject, on (a shop or a peer), how, and
#     base         the others of its name ("to") are a ratio to this one
#     connections, workers, skus, agent, channel, tls, close
#     in           the plans that have it: q(uick), s(moke); the full one all

use strict;
use warnings;

use Exporter 'import';
use POSIX qw(ceil);

use Bench::Load qw(measured run_name);
use Bench::Payments qw(again life orders_of pay storm);
use Bench::Peer;
use Faka::Proc qw(spew);

our @EXPORT_OK = qw(rows run_row);

use constant {
    SKUS => 10_000, TRIES => 3, FIRST_PER_S => 150_000, SPARE => 2_000,
    THREADS => 2, MIXED_LINES => 9_000, SNAPSHOT_CARDS => 1_000_000,
};

my @AT_EVERYSEC = qw(evalsha pg-hot pg-skip pg-batch node-redis);

# Who is asked for 10,000 products, too, and who for what is sold out: the
# others are as slow there as with one.
my @WITH_MANY = qw(evalsha pg-hot pg-batch node-redis);
my @SOLD_OUT = qw(evalsha pg-hot node-redis);

my %HOW = (bare => \&bare, orders => \&orders, many => \&many,
           sold_out => \&sold_out, overload => \&overload,
           snapshot => \&snapshot, flood => \&flood, pay => \&pay,
           again => \&again, openssl => \&openssl, life => \&life,
           storm => \&storm, mixed => \&mixed);

my @HOT = (
    [ 'hot', 'return 200', 'disk', 'bare', base => 'bare', in => 'qs' ],
    [ 'hot', 'faka, disk', 'disk', 'orders', in => 'qs' ],
    # Beside the row that an aim has it compared with.
    [ '10,000 products', 'faka, disk', 'disk', 'many', in => 'q' ],
    [ 'hot', 'faka, memory', 'mem', 'orders', in => 'qs' ],
    (map { [ 'hot', $_, $_, 'orders', in => /^(?:evalsha|node-redis)$/ ? 'qs'
             : /^pg-(?:hot|skip)$/ ? 'q' : '' ] } Bench::Peer::names()),
    [ 'hot, everysec', 'faka, disk', 'lazy', 'orders' ],
    (map { [ 'hot, everysec', $_, "$_, everysec", 'orders' ] }
         @AT_EVERYSEC),
    [ '10,000 products', 'faka, memory', 'mem', 'many' ],
    (map { [ '10,000 products', $_, $_, 'many' ] } @WITH_MANY),
    [ 'sold out', 'faka, disk', 'disk', 'sold_out', in => 'qs' ],
    (map { [ 'sold out', $_, $_, 'sold_out' ] } @SOLD_OUT),
    [ 'snapshot running', 'faka, disk', 'snap', 'snapshot' ],
);

my @CALLS = (
    [ 'payments', 'return 200', 'mem', 'bare', base => 'bare', in => 'q' ],
    [ 'payments', 'faka, EPay', 'mem', 'pay', channel => 'epay',
      in => 'q' ],
    [ 'payments', 'faka, EPay again', 'mem', 'again', channel => 'epay',
      in => 'q' ],
    [ 'payments', 'faka, EPay, agents', 'mem', 'pay', channel => 'epay',
      agent => 'lin' ],
    [ 'payments', 'faka, EPay, rules', 'rules', 'pay', channel => 'epay',
      agent => 'lin' ],
    [ 'payments', 'faka, Alipay', 'mem', 'pay', channel => 'alipay',
      in => 'q' ],
    [ 'payments', 'faka, Alipay again', 'mem', 'again',
      channel => 'alipay', in => 'q' ],
    [ 'payments', 'return 200, Alipay again', 'mem', 'again',
      channel => 'alipay', bare => 1, in => 'q' ],
    [ 'payments', 'openssl verify, one process', 'mem', 'openssl',
      in => 'q' ],
    [ 'rules', 'faka, memory', 'mem', 'orders' ],
    [ 'rules', 'faka, agents', 'mem', 'orders', agent => 'lin' ],
    [ 'rules', 'faka, rules', 'rules', 'orders', agent => 'lin' ],
    [ 'notices 10 times, shuffled', 'faka, disk', 'disk', 'storm',
      channel => 'epay' ],
    [ 'a whole life', 'faka, disk', 'disk', 'life', channel => 'epay',
      in => 'q' ],
    [ '1 checkout : 4 products : 4 orders', 'faka, disk', 'disk',
      'mixed' ],
    [ 'new connections', 'return 200', 'disk', 'bare', close => 1,
      base => 'close' ],
    [ 'new connections', 'faka, disk', 'disk', 'orders', close => 1,
      to => 'close' ],
    [ 'TLS', 'return 200', 'disk', 'bare', tls => 1, base => 'tls' ],
    [ 'TLS', 'faka, disk', 'disk', 'orders', tls => 1, to => 'tls' ],
    [ 'TLS, new connections', 'return 200', 'disk', 'bare', tls => 1,
      close => 1, base => 'tls-close' ],
    [ 'TLS, new connections', 'faka, disk', 'disk', 'orders', tls => 1,
      close => 1, to => 'tls-close' ],
    [ 'one worker', 'return 200', 'single', 'bare', workers => 1,
      base => 'single' ],
    [ 'one worker', 'faka, disk', 'single', 'orders', workers => 1,
      to => 'single' ],
);

my @OVERLOAD = (
    [ 'overload', 'return 200', 'disk', 'bare', base => 'bare', in => 'q' ],
    [ 'overload', 'return 200', 'disk', 'bare', times => 10, in => 'q' ],
    [ 'overload', 'faka, disk', 'disk', 'orders', in => 'q' ],
    [ 'overload', 'faka, disk', 'disk', 'overload', times => 10,
      in => 'q' ],
    [ 'overload', 'faka, disk, stock for 1 of 10', 'disk', 'flood',
      times => 10, in => 'q' ],
);

my %STAGE = (hot => \@HOT, calls => \@CALLS, overload => \@OVERLOAD);


# Of a stage; plan: "full", "quick" or "smoke".

sub rows {
    my ($stage, $plan) = @_;

    my $in = $plan eq 'full' ? '' : substr $plan, 0, 1;
    my @rows = map {
        my ($scenario, $subject, $on, $how, %more) = @$_;
        { to => 'bare', skus => 1, times => 1, workers => 2, in => '',
          scenario => $scenario, subject => $subject, on => $on,
          how => $how, %more }
    } @{ $STAGE{$stage} };
    return grep { $in eq '' || $_->{in} =~ /$in/ } @rows;
}


# bench: { on => { name => shop or peer }, plan, dir, per_s => {} }.  Returns
# requests, per_s, refused_share, cpu_us, beside_us.

sub run_row {
    my ($bench, $row) = @_;

    my $on = $bench->{on}{ $row->{on} };
    $on->wake;
    my $r = eval { $HOW{ $row->{how} }->($bench, $row, $on) };
    die "$row->{scenario}, $row->{subject}: $@" if !$r;
    $on->rest;
    most($bench, $row, $r->{per_s}) if $row->{how} eq 'orders';
    return $r;
}


sub buyers {
    my ($bench, $row, $on, $path, $sku) = @_;

    return measured($bench, $row, $on, $path, 'buyers.lua', run_name(), $sku,
        $row->{agent} ? "agent=$row->{agent}" : (),
        $row->{close} ? 'close' : ());
}


sub bare {
    my ($bench, $row, $on) = @_;

    $on->bare_is_like_an_order;
    my $r = buyers($bench, $row, $on, '/bare', 1);
    $r->{refused} == 0 or die "bench: $r->{refused} refusals\n";
    return $r;
}


# The most orders a second that were seen, for how much to have in stock.

sub most {
    my ($bench, $row, $per_s) = @_;

    my $most = \$bench->{per_s}{ $row->{on} };
    $$most = $per_s if !$$most || $per_s > $$most;
}


sub enough {
    my ($bench, $row) = @_;

    my $per_s = $bench->{per_s}{ $row->{on} } // FIRST_PER_S;
    return int(1.5 * $per_s * $bench->{plan}{seconds}) + SPARE;
}


# Who runs out of stock is loaded again with more of it.

sub orders {
    my ($bench, $row, $on) = @_;

    for (1 .. TRIES) {
        my $before = $on->prepare(enough($bench, $row));
        my $r = buyers($bench, $row, $on, '/checkout', 1);
        made_as_many($bench, $row, $r, $on->orders - $before);
        return $r if $r->{refused} == 0;
        most($bench, $row, 2 * $r->{per_s});
    }
    die "bench: there are refusals, however much there is to sell: the"
        . " shop's memory may be full\n";
}


# Orders while a snapshot is being written, from the first to the last.

sub snapshot {
    my ($bench, $row, $on) = @_;

    for (1 .. TRIES) {
        $on->prepare(SNAPSHOT_CARDS);
        my $snapshot = $on->snapshot_begun;
        my $r = orders($bench, $row, $on);
        return $r if ($on->snapshot_now // '') eq $snapshot;
    }
    die "bench: snapshots are over too soon\n";
}


# An order of whom wrk has hung up on is made, but not answered.

sub made_as_many {
    my ($bench, $row, $r, $made) = @_;

    my $low = $r->{requests} - $r->{refused};
    my $high = $low + $bench->{plan}{connections} * $row->{times};
    $made >= $low && $made <= $high
        or die "bench: $made orders made, not $low to $high\n";
}


# Each thread of the generator asks for one product after the other.

sub many {
    my ($bench, $row, $on) = @_;

    for my $try (1 .. TRIES) {
        my $want = $try * enough($bench, $row);
        if (($bench->{many}{ $row->{on} } // 0) < $want) {
            my $rounds = $on->peer ? 1 : $bench->{plan}{rounds} + 1;
            my $each = ceil($want * $rounds / SKUS) + THREADS;
            $on->many(SKUS, $each);
            $bench->{many}{ $row->{on} } += SKUS * $each;
        }
        my $before = $on->orders;
        my $r = buyers($bench, $row, $on, '/checkout', SKUS);
        made_as_many($bench, $row, $r, $on->orders - $before);
        $bench->{many}{ $row->{on} } = $on->peer ? 0
            : $bench->{many}{ $row->{on} } - $r->{requests};
        return $r if $r->{refused} == 0;
        $bench->{many}{ $row->{on} } = 0;
    }
    die "bench: there are refusals, however much there is to sell\n";
}


sub sold_out {
    my ($bench, $row, $on) = @_;

    my $sku = $on->nothing;
    my $before = $on->orders;
    my $r = buyers($bench, $row, $on, '/checkout', $sku);
    my $made = $on->orders - $before;
    $r->{refused} == $r->{requests} && $made == 0
        or die "bench: $made orders of what is sold out\n";
    return $r;
}


# What is refused does not count; there is more than enough to sell.

sub overload {
    my ($bench, $row, $on) = @_;

    my $before = $on->prepare(enough($bench, $row));
    my $r = buyers($bench, $row, $on, '/checkout', 1);
    my $audit = $on->audit;
    $audit->{product}{available} > 0 or die "bench: sold out\n";
    made_as_many($bench, $row, $r, $audit->{orders} - $before);
    $r->{per_s} = ($r->{requests} - $r->{refused}) / ($r->{us} / 1e6);
    return $r;
}


# Every answer counts, and all of the stock is sold, to the last unit.

sub flood {
    my ($bench, $row, $on) = @_;

    my $sku = 'flood-' . run_name();
    my $stock = int(0.1 * ($bench->{per_s}{ $row->{on} } // FIRST_PER_S)
                    * $bench->{plan}{seconds});
    $on->product($sku, $stock);
    my $before = $on->orders;
    my $r = buyers($bench, $row, $on, '/checkout', $sku);
    my $made = $on->orders - $before;
    my $answered = $r->{requests} - $r->{refused};
    $made == $stock && $answered <= $stock
        && $answered >= $stock - $bench->{plan}{connections} * $row->{times}
        or die "bench: of $stock for sale $made were sold, and $answered"
        . " buyers told so\n";
    return $r;
}


# One core, with nothing else to do.

sub openssl {
    my ($bench) = @_;

    my $out = `openssl speed -seconds $bench->{plan}{seconds} \\
        rsa2048 2>/dev/null`;
    my ($verify) = $out =~ m{^rsa 2048 bits .* ([0-9.]+)$}m
        or die "bench: openssl speed:\n$out";
    return { per_s => $verify };
}


# Orders, and buyers who look at the shop and at orders that there are.

sub mixed {
    my ($bench, $row, $on) = @_;

    my $file = "$bench->{dir}/mixed";
    my $before = $on->prepare(enough($bench, $row));
    if (!$bench->{mixed}) {
        my @orders = orders_of($bench, $row, $on,
                               MIXED_LINES / 9 * 4);
        my $contact = run_name();
        my $n = 0;
        spew($file, join '', map {
            my $line = $_;
            $line % 9 == 0 ? 'POST /checkout {"sku":"hot","qty":1,"contact":"'
                . "$contact-$line\@buyers.example\"}\n"
            : $line % 9 < 5 ? "GET /products\n"
            : do { my ($order, $token) = @{ $orders[$n++] };
                   "GET /orders/$order $token\n" }
        } 0 .. MIXED_LINES - 1);
        $before = $on->orders;
        $bench->{mixed} = 1;
    }

    my $r = measured($bench, $row, $on, '', 'each.lua', 'again', $file);
    $r->{refused} == 0 or die "bench: $r->{refused} refusals\n";
    my $made = $on->orders - $before;
    abs($made - $r->{requests} / 9) <= $bench->{plan}{connections}
        or die "bench: $made orders of $r->{requests} requests\n";
    return $r;
}


1;
