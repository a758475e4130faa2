# The simulator (t/sim), with a budget of seconds: the same seeds each time,
# so that a failure here is one that anybody can repeat.  `make sim` goes on
# from there with as many seeds as there is time for.

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

($status, $out) = run('--jobs 2 --seeds ' . long(600, 8_000));
is($status, 0, 'every promise is kept, and every rare branch was reached')
    or diag($out);
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
