package Bench::Cpu;

# What processes have used of the processors, by kind of process.
#
# The kernel counts each thread's time in nanoseconds (schedstat), but user
# and kernel apart in ticks of 10 ms only (stat): the sum is taken from the
# one, and divided as the other says.  Who has come or gone in between is left
# out, but for what a thread has used that was not there at first.

use strict;
use warnings;

use Exporter 'import';

use Faka::Proc qw(slurp);
use POSIX ();

use constant { TICKS_PER_S => POSIX::sysconf(POSIX::_SC_CLK_TCK()) };

our @EXPORT_OK = qw(beside_us cpu_now cpu_us);


# { kind => { pid => [nanoseconds, user ticks, kernel ticks] } }, of the pids
# by kind.

sub cpu_now {
    my ($pids) = @_;

    my %now;
    for my $kind (keys %$pids) {
        for my $pid (@{ $pids->{$kind} }) {
            my $stat = slurp("/proc/$pid/stat") // next;
            my @field = split ' ', $stat =~ s/\A.*\) //sr;
            my $ns = 0;
            for my $thread (glob "/proc/$pid/task/*/schedstat") {
                $ns += (split ' ', slurp($thread) // '0')[0];
            }
            $now{$kind}{$pid} = [ $ns, @field[11, 12] ];
        }
    }
    return \%now;
}


# Between two of them, microseconds for each of so many requests, by the names
# of results.json.

sub cpu_us {
    my ($before, $after, $count) = @_;

    my %kind = map { $_ => [0, 0] } qw(nginx app store);
    for my $kind (keys %$after) {
        for my $pid (keys %{ $after->{$kind} }) {
            my $was = $before->{$kind}{$pid} // next;
            my ($ns, $user, $kernel) = map {
                $after->{$kind}{$pid}[$_] - $was->[$_] } 0 .. 2;
            my $part = $user + $kernel ? $user / ($user + $kernel) : 0.5;
            $kind{$kind}[0] += $ns / 1000 * $part;
            $kind{$kind}[1] += $ns / 1000 * (1 - $part);
        }
    }

    my $each = sub { return 0 + sprintf '%.3f', $_[0] / ($count || 1) };
    return { nginx_user => $each->($kind{nginx}[0]),
             nginx_kernel => $each->($kind{nginx}[1]),
             map { $_ => $each->($kind{$_}[0] + $kind{$_}[1]) }
             qw(app store) };
}


# What the generator said of itself and of idle processors, in microseconds for
# each of so many requests.

sub beside_us {
    my ($said, $count) = @_;

    my %us = (generator => $said->{generator_us},
              idle => $said->{idle_ticks} * 1e6 / TICKS_PER_S);
    return { map { $_ => 0 + sprintf '%.3f', $us{$_} / ($count || 1) }
             keys %us };
}


1;
