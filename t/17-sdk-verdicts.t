# The same notices to our verifiers and to the gateways' own SDKs
# (t/verdicts): genuine ones and mutants of them, by a seed.  Both must say the
# same of the signature, but for what is named there; and what is credited is
# what the SDK reads.  With FAKA_LONG=1 there are 100,000 for each gateway, and
# each commit has a seed of its own; SEED= and COUNT= say others.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use lib 't/gateway';
use Sdk;

my %package = (alipay => 'alipay-sdk', wechat => 'wechatpay-axios-plugin',
               stripe => 'stripe');
my $judge = 'build/verdicts/judge';

alarm 3600;                            # the many are minutes, on two cores

if (!-x $judge) {
    fail('the judge is built');
    diag("run \"make verdicts-build\" first: $judge is missing");
    done_testing;
    exit 1;
}

my $seed = $ENV{SEED} || ($ENV{FAKA_LONG} ? from_commit() : 1);
my $count = $ENV{COUNT} || ($ENV{FAKA_LONG} ? 100_000 : 2_000);
diag("seed $seed, $count notices for each gateway");

compared($_) for sort keys %package;

done_testing;


sub compared {
    my ($gateway) = @_;

    ok(sdk_path($package{$gateway}), "$package{$gateway} is installed")
        or return;

    my $keys = tempdir(CLEANUP => 1);
    local $ENV{NODE_PATH} = $modules;
    my $out = `node t/verdicts/verdicts.js $judge $keys $gateway $count $seed`;
    is($?, 0, "$gateway: the comparison ran") or return;

    my $result = JSON::PP->new->decode($out);
    my ($agreed, $differences) = @$result{qw(agreed differences)};

    cmp_ok($result->{compared}, '>=', $count, '  to its end');
    is_deeply($result->{unexplained}, [], '  no difference is unexplained')
        or diag("again: SEED=$seed COUNT=$count prove -It/lib $0");

    # A campaign that reaches nothing proves nothing.
    cmp_ok($agreed->{$_}, '>', $count / 5, "  both say $_: $agreed->{$_}")
        for qw(right wrong);
    cmp_ok($result->{credited}, '>', $count / 10,
           "  credited as the SDK reads it: $result->{credited}");
    cmp_ok($differences->{$_}, '>', 0, "  $_: $differences->{$_}")
        for sort keys %$differences;
}


# Outside of a repository there is no commit: the same seed each time.

sub from_commit {
    my ($digits) = `git rev-parse HEAD 2>/dev/null` =~ /\A([0-9a-f]{7})/;
    return defined $digits ? hex($digits) + 1 : 1;
}
