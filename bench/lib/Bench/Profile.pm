package Bench::Profile;

# Where the workers spend their time in each row: shares by program or
# library, and the module's own functions.  Sampled by the CPU's clock, so it
# works where a virtual machine has no counters; needs Debian's linux-perf.

use strict;
use warnings;

use Bench::Cases qw(run_row);
use Faka::Proc qw(spawn);

use constant { SAMPLES_PER_S => 1999, SYMBOLS => 15 };


sub rows {
    my ($bench, $rows) = @_;

    for my $row (grep { $_->{how} ne 'openssl' && $bench->{on}{ $_->{on} } }
                 @$rows) {
        run_row($bench, $row);                      # warm
        profile($bench, $row);
    }
}


# perf begins with the first load of the row, not with what comes before it.

sub profile {
    my ($bench, $row) = @_;

    my ($data, $log) = map { "$bench->{dir}/perf.$_" } qw(data log);
    my $pids = join ',', $bench->{on}{ $row->{on} }->server->workers;
    my $perf;
    local $bench->{loading} = sub {
        $perf //= spawn(['perf', 'record', '-q', '-e', 'cpu-clock', '-F',
            SAMPLES_PER_S, '-p', $pids, '-o', $data, '--', 'sleep',
            $bench->{plan}{seconds}], log => $log);
    };
    run_row($bench, $row);
    waitpid $perf, 0;
    $? == 0 or die "bench: perf failed: see $log\n";

    print "\n$row->{scenario}, $row->{subject}: share of the workers' time\n";
    print grep { /^\s+\d/ } `perf report -i \Q$data\E --sort dso 2>&1`;
    print "of that, in the module's functions\n";
    print grep { defined } (grep { /^\s+\d/ } `perf report -i \Q$data\E \\
        --dso ngx_http_faka_module.so --sort symbol 2>&1`)
        [0 .. SYMBOLS - 1];
}


1;
