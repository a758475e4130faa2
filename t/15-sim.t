# The simulator (t/sim), with a budget of seconds: the same seeds each time,
# so that a failure here is one that anybody can repeat.  With FAKA_LONG=1 each
# commit has seeds of its own, and the first of them is said.  `make sim` goes
# on from there with as many seeds as there is time for.

use strict;
use warnings;

use Test::More;

my $sim = 'build/sim/sim';

if (!-x $sim) {
    fail('the simulator is built');
    diag("run \"make sim-build\" first: $sim is missing");
    done_testing;
    exit 1;
}

my ($status, $out) = run('--self-test');
is($status, 0, 'the same seed gives the same run, and deaths are real ones')
    or diag($out);

($status, $out) = run('--exhaustive ' . long(15_000, 60_000));
is($status, 0, 'sound after death at every store of each kind of transaction')
    or diag($out);
note($out);

my $from = long(1, from_commit());
note("seeds from $from");

($status, $out) = run("--jobs 2 --from $from --seeds " . long(600, 8_000));
is($status, 0, 'every promise is kept, and every rare branch was reached')
    or diag("again: make sim FROM=$from SEEDS=8000\n$out");
note($out);

my ($points) = $out =~ /^crash points +(\d+)/m;
ok(defined $points && $points >= long(5_000, 80_000),
   'workers died in a transaction ' . ($points // 0) . ' times');

# A simulator that cannot fail proves nothing.  Without a single fault the
# campaign has marks that it never reaches, and says so.
my $calm = join ' ', map { "--without $_" } faults();
($status, $out) = run("--seeds 3 --marks $calm");
isnt($status, 0, 'a campaign that reaches nothing fails');
like($out, qr/this was never reached/, 'and says why');

is(join(' ', grep { !dies_in($_) } writers()), '',
   'death at every store is tried in each call that may change a shop');

done_testing;


sub long { return $ENV{FAKA_LONG} ? $_[1] : $_[0] }


sub run {
    my ($arguments) = @_;

    my $text = `$sim $arguments 2>&1`;
    return ($?, $text);
}


sub faults {
    open my $fh, '<', 't/sim/sim.h' or die "sim.h: $!";
    local $/;
    my ($table) = <$fh> =~ /#define SIM_FAULTS\(X\)(.*?)typedef/s;
    return $table =~ /X\(\w+, +"(\w+)"\)/g;
}


# Outside of a repository there is no commit: the same seeds each time.

sub from_commit {
    my ($digits) = `git rev-parse HEAD 2>/dev/null` =~ /\A([0-9a-f]{7})/;
    return defined $digits ? hex($digits) + 1 : 1;
}


# What a handle can be changed with, by the engine's headers.

sub writers {
    my @names;

    for my $file (map { "engine/$_.h" } qw(fk fk_product fk_terms fk_account
                                           fk_sale fk_import fk_archive
                                           fk_proof fk_refund))
    {
        push @names, text($file) =~ /^\w+ (fk_\w+)\(fk_t \*fk\b/gm;
    }

    return @names;
}


# Calls that are not tried there: they read under the lock, or are one store;
# they belong to a recovery or to healing, which are begun anew after a death
# (the seeds have those); or they are another call by another name.

sub dies_in {
    my ($name) = @_;

    my %none = map { $_ => 1 } qw(
        fk_attach fk_introduce fk_fail fk_fence
        fk_product_get fk_product_list fk_order_get fk_order_cards
        fk_order_list fk_order_start_get fk_usage fk_check
        fk_archive_view fk_archive_split
        fk_account_get fk_account_list fk_account_entries
        fk_sale_cart fk_sale_order fk_sale_shares
        fk_order_split fk_withdrawal_list fk_level_get fk_level_list
        fk_buyer_get fk_coupon_get fk_coupon_list
        fk_audit_products fk_audit_end fk_snapshot_break
        fk_stat_add fk_stat_set fk_duty_take
        fk_recover_begin fk_apply fk_snapshot_load fk_recover_renew
        fk_recover_fence fk_recover_break fk_recover_end fk_heal_end
    );

    return $none{$name} || exhaust() =~ /\b$name[()]/;
}


sub exhaust { return join '', map { text($_) } glob 't/sim/exhaust_*.c' }


sub text {
    my ($file) = @_;

    open my $fh, '<', $file or die "$file: $!";
    local $/;
    return scalar <$fh>;
}
