package Bench::Open;

# What pace shows, at rates that are a share of a peak in the rounds just run:
# latencies, how they grow with the load and what an order costs then, and a
# worker's death in the middle.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use JSON::PP;
use Time::HiRes qw(sleep);

use Bench::Cpu qw(cpu_now cpu_us);
use Bench::Load qw(pace requests);
use Faka::Proc qw(alive slurp spew);

our @EXPORT_OK = qw(latency load_point fault);

use constant { BUCKET_MS => 100, SPARE => 2_000, WARM_S => 1 };

my $BENCH = Cwd::realpath((__FILE__ =~ m{(.*)/}s)[0] . '/../..');
my @PARTS = qw(lag_p50_us lag_p99_us lag_p999_us no_connection cpu_share
               runnable_share);


# At a rate for so many seconds, after one that is not counted, for who has
# stood still.  Then the books: what was asked for is an order that was
# answered, or the bench ends, unless the servers were to lose some.

sub run {
    my ($bench, $name, $rate, $seconds, %opt) = @_;

    my $on = $bench->{on}{$name};
    $on->wake;
    $on->prepare(int($rate * ($seconds + WARM_S)) + SPARE);
    my $load = sub {
        return pace(port => $on->port, rate => $rate,
            connections => $bench->{plan}{connections}, dir => $bench->{dir},
            requests => requests("$bench->{dir}/requests"), @_);
    };
    $load->(seconds => WARM_S);
    my ($before, $pids) = ($on->orders, $on->pids);
    my ($cpu, $commands) = (cpu_now($pids), commands($on));
    my $got = $load->(seconds => $seconds, meanwhile => $opt{meanwhile});
    $got->{cpu_us} = cpu_us($cpu, cpu_now($pids), $got->{done});
    $got->{commands} = commands($on) - $commands;

    my $made = $on->orders - $before;
    $on->rest;
    judge($name, $got, $made, $opt{meanwhile});
    return $got;
}


sub judge {
    my ($name, $got, $made, $may_lose) = @_;

    my $lost = $got->{due} - $got->{done};
    $made >= $got->{status}{201} && $made <= $got->{status}{201} + $lost
        or die "bench: $name: $made orders, $got->{status}{201} answered,"
        . " $lost lost\n";
    $got->{status}{201} == $got->{due} || $may_lose
        or die "bench: $name: $got->{due} orders were due: "
        . encode_json([ @$got{qw(done status errors)} ]) . "\n";
}


# What Redis was asked for; a script is one command, whatever it calls.

sub commands {
    my ($on) = @_;

    my $socket = $on->peer ? $on->{kind}->can('socket_path')
                             && $on->{kind}->socket_path
                           : $on->server->socket_path;
    return 0 if !$socket;
    my %calls = `redis-cli -s \Q$socket\E INFO commandstats`
        =~ /^cmdstat_([^:]+):calls=(\d+)/mg;
    return $calls{evalsha} if $calls{evalsha};
    my $sum = 0;
    $sum += $calls{$_} for grep { !/^info/ } keys %calls;
    return $sum;
}


# Several runs at one rate, one after the other; [name, subject] of each.
# Each run's file is kept, and their histograms are added up.

sub latency {
    my ($bench, $share, @whom) = @_;

    my (%files, %runs);
    for my $n (1 .. $bench->{plan}{latency_runs}) {
        for my $whom (@whom) {
            my ($name, $subject) = @$whom;
            $bench->{say}->("$subject at a constant rate, $n of"
                . " $bench->{plan}{latency_runs}");
            my $got = run($bench, $name, $share * $bench->{peak}{$name},
                          $bench->{plan}{latency_seconds});
            push @{ $runs{$name} }, $got;
            push @{ $files{$name} },
                spew("$bench->{dir}/$name.$n.json" =~ tr/ ,//dr,
                     slurp("$bench->{dir}/pace.json"));
        }
    }

    return map {
        my ($name, $subject) = @$_;
        my $hdr = decode_json(scalar `node $BENCH/report/hgrm.js --json \\
            @{[ map { quotemeta } @{ $files{$name} } ]}`);
        { scenario => 'hot', subject => $subject, share_of_peak => $share,
          rate_per_s => int($share * $bench->{peak}{$name}),
          count => $hdr->{count}, percentiles => $hdr->{percentiles},
          generator => worst(@{ $runs{$name} }),
          p99_us => [ map { $_->{percentile}{99} } @{ $runs{$name} } ],
          p999_us => [ map { $_->{percentile}{99.9} } @{ $runs{$name} } ] }
    } @whom;
}


# Of several runs, for what the generator can be blamed.

sub worst {
    my (@runs) = @_;

    my %worst;
    for my $part (@PARTS) {
        $worst{$part} = (sort { $b <=> $a }
                         map { $_->{generator}{$part} } @runs)[0];
    }
    return \%worst;
}


sub load_point {
    my ($bench, $name, $rate_per_s) = @_;

    my $got = run($bench, $name, $rate_per_s, $bench->{plan}{load_seconds});
    my $orders = $got->{status}{201} || 1;
    return {
        rate_per_s => int $rate_per_s,
        (map { ("p$_->[0]_us" => $got->{percentile}{$_->[1]}) }
         [ 50 => 50 ], [ 99 => 99 ], [ 999 => 99.9 ]),
        redis_commands_per_order =>
            0 + sprintf('%.4f', $got->{commands} / $orders),
        redis_us_per_order => $got->{cpu_us}{store},
        nginx_user_us => $got->{cpu_us}{nginx_user},
        nginx_kernel_us => $got->{cpu_us}{nginx_kernel},
        generator => worst($got),
    };
}


# One worker killed when a third of the time is over; its master makes
# another one.

sub fault {
    my ($bench, $name, $subject) = @_;

    my $seconds = $bench->{plan}{fault_seconds};
    my $at_s = $seconds / 3;
    my $on = $bench->{on}{$name};
    my $victim;
    my $got = run($bench, $name, 0.5 * $bench->{peak}{$name}, $seconds,
        meanwhile => sub {
            sleep $at_s;
            ($victim) = reverse @{ $on->pids->{nginx} };
            kill 'KILL', $victim;
        });
    alive($victim) and die "bench: $subject: no worker died\n";

    return { subject => $subject, fault => 'kill -9 of a worker at 50 % of'
             . ' its peak', at_ms => 1000 * $at_s, bucket_ms => BUCKET_MS,
             refused => $got->{done} - $got->{status}{201},
             lost => $got->{due} - $got->{done},
             buckets => $got->{buckets} };
}


1;
