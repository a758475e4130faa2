# The C unit programs (t/unit): each is one check here, made of its exit code,
# its TAP and its plan.  They run plain, once more under ASan and UBSan, and
# what has threads under TSan.  `make test` builds all three sets.

use strict;
use warnings;

use Test::More;

my @names = map { m{([^/]+)\.c\z} } glob 't/unit/*.c';
ok(@names > 0, 'there are unit programs') or done_testing, exit 1;

# TSan of gcc 12 knows less randomness in address layouts than new kernels
# have; setarch takes it away wherever a container allows that.
my $calm = system('setarch -R true 2>/dev/null') == 0 ? 'setarch -R ' : '';

$ENV{ASAN_OPTIONS} = 'detect_stack_use_after_return=1';
$ENV{TSAN_OPTIONS} = 'halt_on_error=1';

runs_well('unit', $_, '') for @names;
# It fills a GiB and takes nothing from the heap: nothing for ASan to find.
runs_well('unit-asan', $_, '') for grep { $_ ne 'capacity' } @names;
runs_well('unit-tsan', $_, $calm) for grep { has_threads($_) } @names;

done_testing;


sub has_threads {
    my ($name) = @_;

    open my $fh, '<', "t/unit/$name.c" or die "t/unit/$name.c: $!";
    return scalar grep { /pthread_create/ } <$fh>;
}


sub runs_well {
    my ($set, $name, $wrapper) = @_;
    my $program = "build/$set/$name";

    if (!-x $program) {
        fail("$set: $name is built");
        diag("run \"make $set-build\" first: $program is missing");
        return;
    }

    my @lines = `$wrapper$program 2>&1`;
    my $status = $?;
    my @checks = grep { /\A(?:not )?ok \d+/ } @lines;
    my @failed = grep {
        /\Anot ok|\A#|\ABail|Sanitizer|runtime error|Assert/ } @lines;
    my ($plan) = map { /\A1\.\.(\d+)$/ ? $1 : () } @lines;

    # Without a plan the program ended half-way, whatever its exit code says.
    my $good = $status == 0 && defined $plan && $plan > 0
               && $plan == @checks && !grep { /\Anot ok/ } @checks;

    ok($good, "$set: $name: " . @checks . ' checks')
        or diag("status $status, plan " . (defined $plan ? $plan : 'none'),
                "\n", @failed[0 .. ($#failed < 30 ? $#failed : 30)]);
}
