# What cannot be looked up just now is not taken for "there is none": whichever
# of the locks of a payment or of an approval is waited for in vain, risk and
# commission are in the end as if nothing had been, and a known buyer is one;
# and an order that is shown has its split.

use lib 't/lib';

use Cwd;

use Faka::Proc qw(spew);
use Faka::Test;

my $t = Faka::Test->new(workers => 1);
my $nginx = $t->nginx;
my $file = $t->dir . '/lock';

# The library is built by "make clock-build".
$nginx->{opt}{env} = { LD_PRELOAD => Cwd::abs_path('build/soak/lock.so'),
                       FAKA_LOCK => $file };
spew($file, pack('q<', -1), 0666);
chmod 0666, $file;


# So many locks are had, the one behind them is not; -1: all are.

sub in_vain {
    my ($after) = @_;

    open my $fh, '+<:raw', $file or die "$file: $!";
    syswrite $fh, pack 'q<', $after;
    close $fh or die "$file: $!";
    return;
}

sub was_in_vain {
    open my $fh, '<:raw', $file or die "$file: $!";
    read $fh, my $bytes, 8;
    return unpack('q<', $bytes) == -1;
}

$nginx->{opt}{shop}{rules} = $t->write_file('shop.lua', <<'EOT', 0644);
function commission(o)
    if o.sku == "late" and not o.signals.mended then
        return -1
    end
    if o.own then
        return 0
    end
    return percent(o.paid, 1), percent(o.paid, 10), percent(o.paid, 5)
end

function risk(o)
    if o.first_order then
        return "review", "a first order"
    end
    if o.sku == "odd" and o.pay_s then
        return "review", "odd"
    end
    return "pass"
end
EOT
$t->start;
$t->product($_, kind => 'counted', stock => 1000, price => 1000)
    for qw(x odd other late);
$t->admin('PUT', '/accounts/boss', { currency => 'CNY' });
$t->admin('PUT', '/accounts/lin', { currency => 'CNY', parent => 'boss',
                                    contact => 'lin@example.com' });
$t->admin('PUT', '/accounts/platform', { currency => 'CNY',
                                         kind => 'platform' });
$t->admin('PUT', '/coupons/HALF', { kind => 'percent', value => 5000 });

sub earned {
    return join ' ', map { $t->admin('GET', "/accounts/$_")->json->{earned} }
                         qw(platform lin boss);
}

sub order {
    my (%fields) = @_;

    my $answer = $t->checkout(sku => 'x', %fields);
    is($answer->status, 201, 'an order') or diag($answer->brief);
    return $answer->json;
}

sub state { return $t->order($_[0])->json->{status} }

# The buyer is a known one from now on.
my $known = order();
is($t->notify($known)->body, 'success', 'a first order');
is($t->admin('POST', "/orders/$known->{order}/approve")->status, 200,
   'is approved');


# Does it while each lock in turn is not had; returns how many there are.

sub each_lock {
    my ($make, $do, $done) = @_;

    for my $n (0 .. 99) {
        my $what = $make->();
        in_vain($n);
        my $answer = $do->($what);
        my $hit = was_in_vain();
        in_vain(-1);
        return $n if !$hit;

        # Who was told to come again does so.
        $answer = $do->($what) if $answer->status == 503;
        $done->($what, $answer, "lock $n in vain");
    }
    die "no end of locks\n";
}

my ($platform, $lin, $boss) = split / /, earned();
my $locks = each_lock(
    sub { return order(agent => 'lin') },
    sub { return $t->notify($_[0]) },
    sub {
        my ($order, $answer, $name) = @_;
        is($answer->body, 'success', "$name: it is paid");
        is(state($order), 'delivered', "$name: by a known buyer");
        $platform += 10, $lin += 100, $boss += 50;
        is(earned(), "$platform $lin $boss", "$name: each has commission");
    });
cmp_ok($locks, '>', 3, "$locks locks of a payment");

$locks = each_lock(
    sub { return order(sku => 'odd') },
    sub { return $t->notify($_[0]) },
    sub {
        my ($order, $answer, $name) = @_;
        is($answer->body, 'success', "$name: it is paid");
        is(state($order), 'under_review', "$name: the rule was asked");
    });

# Paid with another sum, it is split when somebody approves it.
($platform, $lin, $boss) = split / /, earned();
$locks = each_lock(
    sub {
        my $order = order(agent => 'lin');
        $t->notify({ %$order, amount => 900 });
        return $order;
    },
    sub { return $t->admin('POST', "/orders/$_[0]{order}/approve") },
    sub {
        my ($order, $answer, $name) = @_;
        is($answer->status, 200, "$name: it is approved");
        $platform += 9, $lin += 90, $boss += 45;
        is(earned(), "$platform $lin $boss", "$name: each has commission");
    });
cmp_ok($locks, '>', 5, "$locks locks of an approval");

# What an operator sees of a split, and one that is made afterwards.
sub lines {
    my ($answer) = @_;

    return join ' ', map { "$_->{account} $_->{amount}" }
                         @{ ($answer->json->{split} // {})->{lines} // [] };
}

my $split = 'lin 100 boss 50 platform 10';
my $paid = order(agent => 'lin');
is($t->notify($paid)->body, 'success', 'an order is paid');
$locks = each_lock(
    sub { return $paid },
    sub { return $t->admin('GET', "/orders/$_[0]{order}") },
    sub {
        my ($order, $answer, $name) = @_;
        is($answer->status, 200, "$name: it is shown");
        is(lines($answer), $split, "$name: with who got what");
    });
is($locks, 3, 'locks of an order that is shown');

my @late = map { order(sku => 'late', agent => 'lin') } 0 .. 40;
is((grep { $t->notify($_)->body eq 'success' } @late), @late,
   'orders whose rule fails are paid');
is($t->admin('PUT', '/signals/mended', { value => 1, ttl => 600 })->status,
   200, 'the rule is mended');
$locks = each_lock(
    sub { return shift @late // die "more locks than orders\n" },
    sub { return $t->admin('POST', "/orders/$_[0]{order}/commission") },
    sub {
        my ($order, $answer, $name) = @_;
        is($answer->status, 200, "$name: it is split afterwards");
        is(lines($answer), $split, "$name: and shown with it");
    });
cmp_ok($locks, '>', 7, "$locks locks of a late split");

my $count = 0;
$locks = each_lock(
    sub { return { contact => 'buyer@example.com', coupon => 'HALF',
                   key => sprintf 'lock-waits-%06d', ++$count } },
    sub { return $t->checkout(sku => 'other', %{ $_[0] }) },
    sub {
        my ($what, $answer, $name) = @_;
        # 200: it was made, and only its answer was not to be had.
        like($answer->status, qr/\A20[01]\z/, "$name: an order");
        is($answer->json->{amount}, 500, "$name: with its coupon");
    });
cmp_ok($locks, '>', 3, "$locks locks of a checkout");
$t->audit_ok;
