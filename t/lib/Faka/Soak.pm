package Faka::Soak;

# One long-lived shop under load, and rounds of faults upon it:
#
#     my $soak = Faka::Soak->new(seed => 7, minutes => 10, clock => PATH);
#     while ($soak->goes_on) { ok($soak->round, $soak->line) }
#     diag($soak->report);
#
# A round starts buyers, brings one to three faults about at random moments,
# takes them away, waits until the shop sells, stops the buyers and compares
# its books (Faka::Books).  Everything that chance decides about faults comes
# from the round's seed; the buyers' timing is the machine's.
#
# A shop is given up for a new one after SHOP_ORDERS orders, or when more than
# SHOP_BLOCKS are used, for it only fills: a long import takes 75,000 of the
# 158,000 that 28 MB have, the least that a fault leaves it to sell with.  At
# its end all orders are read again, and once more after a restart.
# After a round that fails its folder stays.

use strict;
use warnings;

use IO::Handle ();
use List::Util qw(max sum0);
use Time::HiRes qw(sleep time);

use Faka::Books;
use Faka::Fault qw(pick_faults);
use Faka::Job;
use Faka::Load;
use Faka::Proc qw(slurp spew wait_until);
use Faka::Test ();
use Faka::Told;

use constant {
    SHOP_ORDERS => 12000, SHOP_BLOCKS => 70_000, STOCK => 1500, RARE => 40,
    PROBE_SECONDS => 0.01, GAP_SECONDS => 0.2, CALM_SECONDS => 0.4,
    OPEN_SECONDS => 30, SELL_SECONDS => 10, DISK => '128m',
};

my @soaks;


# %opt: seed, minutes, clock (the preload library), faults (names of those
# that may be picked; default all).

sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        %opt, number => 0, kills => {}, stops => {}, noticed => {},
        times => {}, orders => 0, payments => 0, silent_s => 0,
        owner => $$,
        end => time + 60 * $opt{minutes},
    }, $class;
    push @soaks, $self;
    return $self;
}


sub goes_on { return !$_[0]{failed} && time < $_[0]{end} }
sub line    { return $_[0]{line} }


# ---- what faults use ---------------------------------------------------

sub problem { my ($self, $text) = @_; push @{ $self->{problems} }, $text }


# The shop stopped because it had to, and said so.

sub safe_stop {
    my ($self, $f) = @_;

    $self->{stops}{ $f->{name} }++;
}


sub memory {
    my ($self, $size) = @_;

    my $shop = $self->{t}->nginx->{opt}{shop};
    $shop->{memory} = $size if defined $size;
    return $shop->{memory};
}


# Sets the wall clock of "nginx" or "redis" off by so many microseconds.

sub clock {
    my ($self, $who, $step_us) = @_;

    open my $fh, '+<:raw', $self->{t}->dir . "/clock.$who" or die "clock: $!";
    syswrite $fh, pack 'q<', $step_us;
}


# ---- the shop ----------------------------------------------------------

sub _open_shop {
    my ($self) = @_;

    my $t = Faka::Test->new(shop => { memory => '32m', hold => '20s' },
                            redis => { 'enable-debug-command' => 'yes' });
    $self->{t} = $t;
    $self->{books} = Faka::Books->new($t);
    $self->{bulks} = 0;

    my %clocks = (nginx => $t->nginx->{opt}, redis => $t->redis);
    for my $who (keys %clocks) {
        spew($t->dir . "/clock.$who", pack('q<', 0), 0644);
        $clocks{$who}{env} = { LD_PRELOAD => $self->{clock},
                               FAKA_CLOCK => $t->dir . "/clock.$who" };
    }
    $t->nginx->expect_alert(qr/worker process \d+ exited on signal 9/);

    # Its own file system, so that it can be full.
    $self->{mounted} = $< == 0 && system('mount', '-t', 'tmpfs', '-o',
        'mode=755,size=' . DISK, 'faka-soak', $t->dir . '/redis') == 0;

    $t->start;
    $t->product($_) for qw(drop rare bulk over);
    for my $sku (qw(seat probe)) {
        $t->product($sku, kind => 'counted', stock => 1_000_000);
        $self->{books}->stocked($sku, 1_000_000);
    }
}


sub _blocks {
    my ($self) = @_;

    return $self->{t}->metrics->{'faka_memory_used{table="blocks"}'}
           // die "no blocks in /metrics\n";
}


# All orders once more, before and after the journal was read again.

sub _close_shop {
    my ($self) = @_;

    my $t = $self->{t} or return;
    if (!$self->{failed}) {
        $self->problem($_) for $self->{books}->wrong(all => 1);
        $t->nginx->restart;
        $t->wait_open or $self->problem('it does not open again');
        $self->problem("read back: $_") for $self->{books}->wrong(all => 1);
    }

    $self->_fail if @{ $self->{problems} };
    $self->{orders} += $self->{books}->orders;
    $self->{payments} += $self->{books}->payments;
    delete $self->{t};
    $self->_unmount($t);
    $t->finish;
}


# Before Redis is stopped: it has what it needs, and a failed shop's files
# are kept.

sub _unmount {
    my ($self, $t) = @_;

    return unless delete $self->{mounted};
    my $dir = $t->dir . '/redis';
    system 'cp', '-a', $dir, "$dir.kept" if $self->{failed};
    $t->redis->stop;

    # What a Redis that was killed had forked may be at work there still.
    wait_until(sub { return system("umount '$dir' 2>/dev/null") == 0 }, 5)
        or warn "umount $dir\n";
}


sub _fail { $_[0]{failed} = 1; $_[0]{t}->leave }


# Stock is short on purpose for one of the products.

sub _restock {
    my ($self) = @_;

    my ($t, $books) = @$self{qw(t books)};
    my %left = map { $_->{sku} => $_->{available} }
               @{ $t->audit->json->{products} };
    my %want = (drop => STOCK, rare => RARE);
    for my $sku (sort keys %want) {
        my $missing = $want{$sku} - $left{$sku};
        $books->imported($sku, $t->import_cards($sku, $missing))
            if $missing > 0;
    }
}


# ---- the buyers --------------------------------------------------------

# Fields of the purchase with that number, over those of Faka::Load.

sub _purchase {
    my ($number) = @_;

    my $sku = (qw(drop drop seat rare drop))[$number % 5];
    my @fields = (sku => $sku, ends => [qw(delivered waiting_for_stock)],
                  counted => $sku eq 'seat' ? 1 : 0);
    return (@fields, pays => [qw(right again)]) if $number % 11 == 1;
    return (@fields, pays => [qw(right extra)]) if $number % 23 == 2;
    return (@fields, pays => ['short'], ends => ['under_review'])
        if $number % 29 == 3;
    return @fields;
}


# One buyer who never pays and always comes again; what counts are the
# moments in which he was told that he has bought, a line each in a file.

sub _prober {
    my ($self, $seed) = @_;

    my $t = $self->{t};
    return Faka::Job->start(sub {
        my ($told, $number) = (Faka::Told->new, 0);
        open my $sold, '>', $t->dir . '/sold' or die "sold: $!";
        $sold->autoflush;
        until (Faka::Job::stopping()) {
            $told->want(key => sprintf('probe-%010d-%07d', $seed, $number++),
                        sku => 'probe', qty => 1, unpaid => 1, counted => 1)
                unless @{ $told->{open} };
            printf {$sold} "%.6f\n", time if $told->turn($t, timeout => 1);
            sleep PROBE_SECONDS;
        }
        return $told->data;
    });
}


sub _sold { return split /\n/, slurp($_[0]{t}->dir . '/sold') || '' }


# Waits for the first sale after all causes were gone.

sub _sells {
    my ($self, $since) = @_;

    return wait_until(sub {
        my @sold = $self->_sold;
        return @sold && $sold[-1] >= $since;
    }, SELL_SECONDS);
}


# ---- a round -----------------------------------------------------------

# True if the shop was right in everything.

sub round {
    my ($self) = @_;

    my $seed = $self->{seed} + $self->{number}++;
    srand $seed;
    my @faults = pick_faults($self->{faults});
    $self->{problems} = [];

    my $done = eval {
        $self->_close_shop
            if $self->{t} && ($self->{books}->orders > SHOP_ORDERS
                              || $self->_blocks > SHOP_BLOCKS);
        $self->_open_shop unless $self->{t};
        $self->_restock;
        1;
    };
    $self->problem("before the round: $@") unless $done;

    my $faults = '';
    if (!@{ $self->{problems} }) {
        $faults = eval { $self->_strike($seed, @faults) };
        $self->problem($@) unless defined $faults;
    }

    my @problems = @{ $self->{problems} };
    chomp @problems;
    $self->_fail if @problems && $self->{t};
    $self->{line} = "seed $seed: " . ($faults || '')
                    . join '', map { "\n    $_" } @problems;
    return !@problems;
}


# Buyers, faults, buyers stopped, books.  Returns the line.

sub _strike {
    my ($self, $seed, @faults) = @_;

    my ($t, $books) = @$self{qw(t books)};
    my %before = (orders => $books->orders, payments => $books->payments,
                  kills => sum0(values %{ $self->{kills} }));

    my $load = Faka::Load->start($t, sku => 'drop', width => 6,
                                 want => \&_purchase);
    my $prober = $self->_prober($seed);
    my $start = time;
    sleep CALM_SECONDS;

    # What came before has asked for a different number of numbers each time.
    srand $seed;
    my $failed = eval { $self->_schedule(@faults); 1 } ? '' : $@;
    $self->problem($failed) if $failed;

    if (!$failed) {
        $self->problem('it does not open: ' . $t->shop_state)
            unless $self->_opens(@faults);
        $self->problem('nobody can buy again')
            unless $self->_sells(max map { $_->{since} } @faults);
        $_->{after}->($_, $self) for grep { $_->{after} } @faults;
    }
    sleep CALM_SECONDS;

    $books->take(Faka::Told->new($prober->stop));
    my $told = $load->stop;
    $books->take($told);
    $self->problem('requests fail: ' . $told->failures)
        if $told->failures ne '' && !grep { !$_->{quiet} } @faults;
    return join ', ', map { "$_->{name} $_->{said}" } @faults
        if @{ $self->{problems} };

    $self->problem($_) for $books->wrong;
    my ($again_ms, $silent_s) = $self->_silence($start, @faults);
    return sprintf '%s | %d orders, %d payments, %d killed | silent %.1f s,'
                   . ' sells after %s ms', join(' + ', map {
                       $_->{said} ne '' ? "$_->{name} $_->{said}"
                                        : $_->{name} } @faults),
                   $books->orders - $before{orders},
                   $books->payments - $before{payments},
                   sum0(values %{ $self->{kills} }) - $before{kills},
                   $silent_s, $again_ms;
}


# Each fault begins and ends at its own moment; "since" is when its cause was
# gone.

sub _schedule {
    my ($self, @faults) = @_;

    my $now = 0;
    my @events;
    for my $f (@faults) {
        $f->{said} = '';
        my ($low, $high) = @{ $f->{lasts} };
        push @events, [$now + rand 0.6, $f, 'begin'];
        push @events, [$events[-1][0] + $low + rand($high - $low), $f, 'heal']
            if $f->{heal};
    }

    my $start = time;
    for my $event (sort { $a->[0] <=> $b->[0] } @events) {
        my ($at, $f, $step) = @$event;

        my $left = $start + $at - time;
        sleep $left if $left > 0;
        $f->{since} = time;
        my $said = $f->{$step}->($f, $self);
        $f->{said} = $said if $step eq 'begin';
        $f->{since} = time if $step eq 'begin';
    }
}


# A shop that had to stop for one of the faults is started again.

sub _opens {
    my ($self, @faults) = @_;

    my $t = $self->{t};
    wait_until(sub {
        return $t->shop_state eq 'failed' || $t->audit->status == 200;
    }, OPEN_SECONDS);

    my ($cause) = grep { $_->{stops} && $_->{stops}->($_, $self) } @faults;
    if ($cause && $t->shop_state eq 'failed') {
        $self->safe_stop($cause);
        $t->nginx->restart;
    }
    return $t->wait_open(undef, OPEN_SECONDS);
}


# After how many ms the prober could buy again, and for how many seconds in
# all he could not.

sub _silence {
    my ($self, $start, @faults) = @_;

    my @sold = $self->_sold;
    my $since = max map { $_->{since} } @faults;
    my ($first) = grep { $_ >= $since } @sold;
    my $again_ms = int 1000 * ($first - $since);

    my ($silent_s, $last) = (0, $start);
    for my $at (@sold) {
        $silent_s += $at - $last if $at - $last > GAP_SECONDS;
        $last = $at;
    }
    $self->{silent_s} += $silent_s;

    my $name = @faults > 1 ? 'several' : $faults[0]{name};
    push @{ $self->{times}{$name} }, [$again_ms, $silent_s];
    return ($again_ms, $silent_s);
}


# ---- the end -----------------------------------------------------------

# The last shop is looked through, too.  True if that went well.

sub finish {
    my ($self) = @_;

    $self->{problems} = [];
    eval { $self->_close_shop; 1 } or $self->problem($@);
    $self->{line} = join "\n    ", 'the end', @{ $self->{problems} };
    return !@{ $self->{problems} };
}


sub report {
    my ($self) = @_;

    my $list = sub {
        my ($of) = @_;
        return join(', ', map { "$of->{$_} $_" } sort keys %$of) || 'none';
    };
    my @lines = (
        sprintf('%d rounds from seed %d, %d orders, %d payments',
                @$self{qw(number seed orders payments)}),
        sprintf('%d processes killed: %s', sum0(values %{ $self->{kills} }),
                $list->($self->{kills})),
        'safe stops that needed a restart: ' . $list->($self->{stops}),
        'a weaker Redis was noticed: ' . $list->($self->{noticed}),
        sprintf('nobody could buy for %.1f s in all', $self->{silent_s}),
        $self->{failed} ? 'FAILED' : 'oversold 0, delivered twice 0, lost 0',
        sprintf('%-14s %6s %10s %9s %13s', 'sells again', 'rounds',
                'median ms', 'worst ms', 'worst silence'),
    );

    for my $name (sort keys %{ $self->{times} }) {
        my @times = @{ $self->{times}{$name} };
        my @ms = sort { $a <=> $b } map { $_->[0] } @times;
        push @lines, sprintf '%-14s %6d %10d %9d %11.1f s', $name,
                             scalar @ms, $ms[$#ms / 2], $ms[-1],
                             max map { $_->[1] } @times;
    }
    return join "\n", @lines;
}


# A test that ends in the middle of a round must leave no file system behind.

END {
    my $code = $?;
    for my $soak (@soaks) {
        my $t = delete $soak->{t} or next;
        $soak->{failed} = 1;
        $soak->_unmount($t) if $soak->{owner} == $$;
    }
    $? = $code;
}


1;
