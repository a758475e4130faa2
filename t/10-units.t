# The C unit programs (t/unit), built by `make unit-build`: each is one check
# here, made of its exit code, its TAP and its plan.

use strict;
use warnings;

use Test::More;

my @sources = glob 't/unit/*.c';
ok(@sources > 0, 'there are unit programs') or done_testing, exit 1;

for my $source (@sources) {
    my ($name) = $source =~ m{([^/]+)\.c\z};
    my $program = "build/unit/$name";

    if (!-x $program) {
        fail("$name is built");
        diag("run \"make unit-build\" first: $program is missing");
        next;
    }

    my @lines = `$program 2>&1`;
    my $status = $?;
    my @checks = grep { /\A(?:not )?ok \d+/ } @lines;
    my @failed = grep { /\Anot ok|\A#/ } @lines;
    my ($plan) = map { /\A1\.\.(\d+)$/ ? $1 : () } @lines;

    # Without a plan the program ended half-way, whatever its exit code says.
    my $good = $status == 0 && defined $plan && $plan > 0
               && $plan == @checks && !grep { /\Anot ok/ } @checks;

    ok($good, "$name: " . @checks . ' checks')
        or diag("status $status, plan " . (defined $plan ? $plan : 'none'),
                "\n", @failed[0 .. ($#failed < 30 ? $#failed : 30)]);
}

done_testing;
