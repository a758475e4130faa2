# A core file would hold the keys: no worker of a shop may leave one.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(slurp);

# Only root can give a worker more than it has.
my $t = Faka::Test->new(workers => 2,
                        main => $> == 0 ? "worker_rlimit_core 64m;\n" : '')
        ->start;

my @workers = $t->nginx->workers;
is(scalar @workers, 2, 'two workers');
like(slurp("/proc/$_/limits"), qr/^Max core file size +0 +0 /m,
     "worker $_ may write no core file") for @workers;
