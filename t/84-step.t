# A real worker dies after each single instruction of a checkout, of a payment
# and of an expiry.  build/step/step traces it, lets it run into the engine's
# command and kills it after the n-th instruction, those of the C library
# within included.  The worker that the master starts recovers the lock; then
# the buyer asks again with the same key, the gateway sends its notice again,
# the order expires again.
#
# "make test" takes every k-th instruction from a random one on, FAKA_LONG=1
# all of them, FAKA_STEP=N,N,... these of each path and no other.  After each
# death the shop must be open and the audit right.  Deaths come in rounds, each
# with a product of its own: at the end of a round every card of it is sold,
# and bought are exactly those that were imported, before and after nginx as a
# whole was killed.

use lib 't/lib';

use Faka::Test;
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant {
    TRACER => 'build/step/step', REFUSED => 77,

    # More than FK_RECOVERIES_MAX (16) deaths under the lock in a minute stop
    # a shop, and so they should.  Each round has a new nginx.
    DEATHS_MAX => 15,

    SAMPLE => 100, TRIES => 3, QTY => 2, SPARE => 2,
};

my %path = (
    checkout => { from => 'fk_checkout', to => 'fk_checkout' },
    pay => { from => 'fk_pay', to => 'fk_pay' },
    # One step of the tick: with many orders due, it makes many.
    expiry => { from => 'fk_tick', to => 'fk_unlock' },
);

-x TRACER or die "make build/step/step\n";
my $refused = system(TRACER, 'probe') >> 8;
plan(skip_all => 'the kernel refuses ptrace') if $refused == REFUSED;
is($refused, 0, 'a process such as a worker can be traced');

# One worker: its pid, and nobody but its successor to recover the lock.
my $t = Faka::Test->new(workers => 1, shop => { memory => '128m' },
    server => "        location = /pid { return 200 \$pid; }\n")->start;
my $nginx = $t->nginx;
$nginx->expect_alert(qr/worker process \d+ exited on signal 9/);

my $all = Faka::Told->new;
my (@expired, %deaths, %places);
my ($round, $recoveries, $rollbacks) = (0, 0, 0);


# Attaches, asks when the tracer is ready, and returns how it ended: a word,
# the number of instructions, and the place.

sub step {
    my ($name, $n, $until, $ask) = @_;

    my $path = $path{$name};
    my ($mark) = grep { $_->[0] <= $n } reverse @{ $path->{marks} || [] };
    my $pid = $t->get('/pid')->body;

    open my $out, '-|', TRACER, $pid, $path->{from}, $path->{to}, $n, $until,
        $mark ? @$mark : (0, 0) or die TRACER . ": $!\n";
    my $ready = <$out> || '';
    die "no answer from the tracer at $name $n\n" if $ready ne "ready\n";
    $ask->();

    my @lines = map { [split] } <$out>;
    close $out or die "the tracer failed at $name $n\n";

    my $end = pop @lines;
    $path->{marks} = [map { [@$_[1, 2]] } @lines] if $n == 0;
    if ($end->[0] eq 'killed') {
        $deaths{$name}++;
        $places{ $end->[2] } = 1;
    }
    return @$end;
}


# The product's numbers, if the audit is right.  Hundreds of others stand in
# the same answer, and to decode them would take longer than all the rest.

sub audited {
    my ($sku) = @_;

    # The audit answers for a shop in safe stop, too.
    return undef if $t->shop_state ne 'open';

    my $body = $t->audit->body;
    my ($product) = $body =~ /\{"sku":"\Q$sku\E",([^{}]*)\}/ or return undef;
    $body =~ s/"products":\[.*?\]//s;
    return $body =~ /"ok":true/ ? { $product =~ /"(\w+)":(\d+)/g } : undef;
}


# A product of the round's own, and what a run of nginx counts in memory.

sub begin {
    my ($name, $count) = @_;

    my $sku = "$name-" . ++$round;
    $t->product($sku, qty_max => 100);
    return ($sku, $t->import_cards($sku, QTY * $count + SPARE));
}


sub crash_all {
    my ($name) = @_;

    my $metrics = $t->metrics;
    $recoveries += $metrics->{faka_lock_recoveries_total};
    $rollbacks += $metrics->{faka_lock_rollbacks_total};
    $nginx->kill_all;
    $nginx->start;
    $t->wait_open or die "$name: the shop does not open\n";
}


# ---- checkout and payment ----------------------------------------------

# Returns the instructions at which nothing was killed, to be tried again.

sub sell {
    my ($name, @numbers) = @_;

    my ($sku, $cards) = begin($name, scalar @numbers);
    my $told = Faka::Told->new;
    my (@wrong, @again);

    for my $n (@numbers) {
        $told->want(key => "step-of-$sku-at-$n", sku => $sku, qty => QTY);
        $told->turn($t) if $name eq 'pay';

        my $answers;
        my ($end, $count, $place) = step($name, $n, 0, sub {
            $answers = $told->turn($t);
        });
        $path{$name}{length} = $count if $n == 0;
        push @again, $n if $end ne 'killed' && $n;
        push @wrong, "$n ($place): it was answered"
            if $end eq 'killed' && $answers;

        # The same request again, and what is left of payment and reading.
        $told->turn($t) for 1 .. 3;
        push @wrong, "$n ($end $place): the audit" unless audited($sku);
        last if @wrong;
    }

    $told->want(key => "the-rest-of-$sku", sku => $sku, qty => SPARE);
    $told->settle($t);
    is(join(', ', @wrong), '', "$sku: audited after each death");
    is_deeply([sort map { @{ $_->{cards} || [] } }
               values %{ $told->data->{orders} }], [sort @$cards],
              "$sku: every card went to a buyer, none to two");
    is($t->checkout(sku => $sku)->code, 'sold_out', "$sku: and none is left");

    $told->check($t, $sku, cards => $cards);
    crash_all($sku);
    $told->check($t, "$sku, out of the journal", cards => $cards);
    $all->merge($told->data);
    return @again;
}


# ---- expiry ------------------------------------------------------------

# Orders that all end with this second or the next, which the shop is too
# slow to see: the tracer holds the worker until then.

sub due {
    my ($sku, $count) = @_;

    sleep 0.01 while time - int time > 0.5;
    my $answers = http_many([map { $t->checkout_request(sku => $sku,
                                                        qty => QTY) }
                             1 .. $count]);
    return map { $_->status == 201 ? $_->json : die $_->brief . "\n" }
           @$answers;
}


# What becomes of the orders, as their buyers see it.

sub expired_all {
    my (@orders) = @_;

    my @requests = map {
        $t->request('GET', "/orders/$_->{order}",
                    headers => { Authorization => "Bearer $_->{token}" })
    } @orders;

    return wait_until(sub {
        return !grep { $_->status != 200 || $_->json->{status} ne 'expired' }
               @{ http_many(\@requests) };
    }, 20);
}


sub expire {
    my ($name, @numbers) = @_;

    my ($sku, $cards) = begin($name, scalar @numbers);
    my @orders = due($sku, scalar @numbers);
    my ($until) = sort { $b <=> $a } map { $_->{expires_at} } @orders;
    my $held = QTY * @orders;
    my (@wrong, @again);

    for my $n (@numbers) {
        # A worker was slow, and its successor has expired what was left.
        if ($held == 0) {
            push @again, $n;
            next;
        }

        # The worker's timer comes 200 ms after its start.  That is for the
        # first; for the others an import without cards calls the tick, as
        # each import does in the end.
        my ($end, $count, $place) = step($name, $n, $until, sub {
            $t->admin('POST', "/products/$sku/cards", "\n")
                if $n != $numbers[0];
        });
        $path{$name}{length} = $count if $n == 0;

        my $product = audited($sku);
        push @wrong, "$n ($end $place): the audit" unless $product;
        last if @wrong;

        my $gone = $held - $product->{held};
        push @wrong, "$n ($end $place): $gone units came back"
            if $gone < 0 || $gone % QTY;
        push @again, $n if $n && ($end ne 'killed' || $gone > QTY);
        $held = $product->{held};
    }

    is(join(', ', @wrong), '', "$sku: audited after each death");
    ok(expired_all(@orders), "$sku: all are expired");

    my $product = audited($sku) || {};
    is("$product->{available}, $product->{held}, $product->{sold}",
       @$cards . ', 0, 0', "$sku: all units are back");

    my $told = Faka::Told->new;
    $told->want(key => "all-of-$sku", sku => $sku, qty => scalar @$cards);
    $told->settle($t);
    my ($bought) = values %{ $told->data->{orders} };
    is_deeply([sort @{ $bought->{cards} || [] }], [sort @$cards],
              "$sku: and every card can be bought once");

    crash_all($sku);
    ok(expired_all(@orders), "$sku: expired in the journal, too");
    is_deeply($t->order($bought)->json->{cards}, $bought->{cards},
              "$sku: and sold are the same cards");
    push @expired, @orders;
    return @again;
}


# ---- the campaign ------------------------------------------------------

sub numbers {
    my ($name) = @_;

    my $length = $path{$name}{length};
    return split /,/, $ENV{FAKA_STEP} if $ENV{FAKA_STEP};
    return 1 .. $length if $ENV{FAKA_LONG};

    my $stride = 1 + int($length / SAMPLE);
    my $first = 1 + int rand $stride;
    diag("$name: every $stride. of $length instructions from $first on");
    return map { $first + $_ * $stride } 0 .. ($length - $first) / $stride;
}


sub campaign {
    my ($name, $run) = @_;

    my $start = time;
    $run->($name, 0);
    cmp_ok($path{$name}{length}, '>', 1000,
           "$name: $path{$name}{length} instructions");

    my @numbers = numbers($name);
    my $count = @numbers;
    for my $try (1 .. TRIES) {
        my @again;
        while (my @some = splice @numbers, 0, DEATHS_MAX) {
            push @again, $run->($name, @some);
            next if Test::More->builder->is_passing;
            diag(grep { /\[(?:emerg|crit)\]/ } split /^/, $nginx->error_log);
            die "$name failed: the shop is no longer to be trusted\n";
        }
        @numbers = @again;
    }

    is("@numbers", '', "$name: died after $count instructions, one by one");
    diag(sprintf '%s: %d deaths, %.0f s', $name, $deaths{$name},
                 time - $start);
}


campaign('checkout', \&sell);
campaign('pay', \&sell);

$nginx->{opt}{shop}{hold} = '1s';
crash_all('a short hold');
campaign('expiry', \&expire);

$all->check($t, 'the whole run');
ok(expired_all(@expired), @expired . ' orders are expired');

my $deaths = 0;
$deaths += $_ for values %deaths;
my $seen = () = $nginx->error_log =~ /exited on signal 9/g;
is($seen, $deaths, 'as many workers died as were killed');
diag(keys(%places) . ' places of the code');

if (!$ENV{FAKA_STEP}) {
    cmp_ok($recoveries, '>', $deaths / 2, "$recoveries died under the lock");
    cmp_ok($recoveries, '<', $deaths, 'and some before it or after it');
    cmp_ok($rollbacks, '>', $deaths / 4, "$rollbacks left half-done changes");
}
