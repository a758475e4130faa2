# Purchases in a real Chromium against the shop of `make run`: buy.js and
# ways.js, with everything around them started and stopped.  Part of
# `make check`.

use strict;
use warnings;

use File::Temp;
use Test::More;

use lib 't/lib';
use Faka::Run;

my $modules = 'build/browser/node_modules';
ok(-d $modules, "$modules is there") or BAIL_OUT('run "make browser"');

my $tmp = File::Temp->newdir('faka-test-XXXXXX', TMPDIR => 1);
chmod 0711, "$tmp";
my $run = Faka::Run->new("$tmp/run");
like($run->start, qr/^The shop is open\.$/m, 'the shop opens');

$ENV{BASE} = $run->url;
$ENV{NODE_PATH} = $modules;

for my $script (qw(buy.js ways.js)) {
    my @lines = `node t/browser/$script 2>&1`;
    my $status = $?;
    my ($plan) = map { /\A1\.\.(\d+)/ ? $1 : () } @lines;
    my @good = grep { /\Aok / } @lines;

    ok($status == 0 && defined $plan && @good == $plan,
       "$script: " . @good . ' checks') or diag(@lines);
}

is_deeply([$run->stop], [], 'all of it stops');

done_testing;
