package Bench::Load;

# The two generators: wrk, which asks as fast as it is answered, and pace,
# which asks at a constant rate.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Basename qw(dirname);
use JSON::PP;

use Bench::Cpu qw(beside_us cpu_now cpu_us);
use Faka::Proc qw(slurp spew);

our @EXPORT_OK = qw(measured wrk pace requests run_name);

use constant { TIMEOUT_SECONDS => 30, PLACE => '@@@@@@@@@@' };

my $BENCH = Cwd::realpath(dirname(__FILE__) . '/../..');
my ($runs, $number) = (0, 0);


# What keeps apart the buyers of two runs.

sub run_name { return sprintf 'r%04d', $runs++ }


# url, script, args; connections and seconds.  A script that ends by itself
# may take longer than wrk is told; one that did not end has taken 0 us.
#
# As a batch job of the kernel's scheduler, which never interrupts another
# program when it wakes: else the server is interrupted by each answer that it
# sends, as no generator on another machine could.

sub wrk {
    my (%opt) = @_;

    my @command = (qw(chrt --batch 0 wrk -t2), "-c$opt{connections}",
        "-d$opt{seconds}s", '--timeout', TIMEOUT_SECONDS . 's', '-s',
        "$BENCH/$opt{script}", $opt{url}, '--', @{ $opt{args} });
    my $out = `@command 2>&1`;

    $out =~ /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m
        or die "bench: @command:\n$out";
    my %r = (requests => $1, us => $2, refused => $3, errors => $4);
    $r{us} > 0 or die "bench: not done in $opt{seconds} s: @command\n";
    $r{errors} == 0
        or die "bench: $r{errors} socket errors: @command:\n$out";
    @r{qw(made others)} = ($1, $2) if $out =~ /^SOLD (\d+) (\d+)$/m;
    (@r{qw(generator_us idle_ticks)} = $out =~ /^BESIDE (\d+) (\d+)$/m) == 2
        or die "bench: @command:\n$out";
    $r{per_s} = $r{requests} / ($r{us} / 1e6);
    $r{refused_share} = $r{refused} / ($r{requests} || 1);
    return \%r;
}


# wrk, and what the servers took of the processors meanwhile, a request.
# bench may have something to be done when the load begins.

sub measured {
    my ($bench, $row, $on, $path, $script, @args) = @_;

    my $plan = $bench->{plan};
    my $pids = $on->pids;
    $bench->{loading}->() if $bench->{loading};
    my $before = cpu_now($pids);
    my $r = wrk(url => ($row->{tls} ? $on->tls_url : $on->url) . $path,
                script => $script, args => \@args,
                seconds => $script eq 'buyers.lua' || $args[0] eq 'again'
                           ? $plan->{seconds} : $plan->{seconds_max},
                connections => $plan->{connections} * $row->{times});
    $r->{beside_us} = beside_us($r, $r->{requests});
    $r->{cpu_us} = cpu_us($before, cpu_now($pids), $r->{requests});
    return $r;
}


# One checkout as buyers.lua sends it, for pace: each by another buyer.

sub requests {
    my ($path) = @_;

    my $body = '{"sku":"hot","qty":1,"contact":"p-' . PLACE
        . '-@buyers.example"}';
    my $request = "POST /checkout HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        . "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
    return spew($path, length($request) . "\n$request");
}


# port, rate, seconds, connections, requests (a file), dir; meanwhile: called
# when it runs.  Returns what it wrote, with its buckets.

sub pace {
    my (%opt) = @_;

    my ($out, $buckets) = map { "$opt{dir}/pace$_.json" } '', '-buckets';
    my $rate = int $opt{rate};
    my @command = ("$BENCH/../build/pace", '--port', $opt{port},
        '--rate', $rate, '--seconds', $opt{seconds},
        '--connections', $opt{connections}, '--requests', $opt{requests},
        '--number', $number, '--out', $out, '--buckets', $buckets);
    $number += $rate * $opt{seconds};

    open my $fh, '-|', @command or die "bench: $command[0]: $!\n";
    $opt{meanwhile}->() if $opt{meanwhile};
    my @said = <$fh>;
    close $fh or die "bench: @command ended with status $?\n";

    my $got = decode_json(slurp($out));
    $got->{buckets} = decode_json(slurp($buckets))->{buckets};
    $got->{percentile} = { map { $_->[0] => $_->[1] }
                           @{ $got->{latency_us}{percentiles} } };
    $got->{generator} = generator($got->{generator});
    return $got;
}


# Whether the generator was slow itself.

sub generator {
    my ($of) = @_;

    my %lag = map { $_->[0] => $_->[1] } @{ $of->{lag_us}{percentiles} };
    return { lag_p50_us => $lag{50}, lag_p99_us => $lag{99},
             lag_p999_us => $lag{99.9},
             map { $_ => $of->{$_} }
             qw(no_connection cpu_share runnable_share) };
}


1;
