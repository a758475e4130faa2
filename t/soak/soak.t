# System faults upon a long-lived shop, for as long as wanted: what is killed,
# stopped, filled and set wrong is the table of Faka::Fault, and what a round
# is stands in Faka::Soak.
#
#     make soak MIN=10 [SEED=4711] [FAULTS='worker -9,USR2']
#
# The first round has the seed that is given, each further one the next
# number: SEED= that of a failed round begins with the same faults.

use strict;
use warnings;

use lib 't/lib';

my ($minutes, $seed);

BEGIN {
    $minutes = $ENV{SOAK_MIN} || 10;
    $seed = $ENV{SOAK_SEED} || 1 + int rand 1e9;
    $ENV{FAKA_TIMEOUT} ||= int(60 * $minutes + 600);
}

use Faka::Test;
use Faka::Fault qw(fault_names);
use Faka::Soak;

my %known = map { $_ => 1 } fault_names();
my %only = map { $_ => 1 } split /\s*,\s*/, $ENV{SOAK_FAULTS} || '';
my @unknown = grep { !$known{$_} } sort keys %only;
die 'there is no fault ' . join(', ', @unknown) . '; there are: '
    . join(', ', fault_names()) . "\n" if @unknown;

my $soak = Faka::Soak->new(
    seed => $seed, minutes => $minutes,
    clock => $ENV{SOAK_CLOCK} || Cwd::abs_path('build/soak/clock.so'),
    faults => %only ? \%only : undef);

while ($soak->goes_on) {
    ok($soak->round, 'a round');
    diag($soak->line);
}
ok($soak->finish, 'the last shop, read once more');
diag($soak->line);
diag($soak->report);
