package Bench::Results;

# What a run has found: results.json, whose shape bench/report/results.js
# holds it against; the aims; and the table on standard output.

use strict;
use warnings;

use JSON::PP;

use Bench::Machine qw(commit machine);
use Faka::Proc qw(slurp spew);

my @LISTS = qw(series latency load fault sums micro aims);
my @PARTS = qw(refused_share cpu_us beside_us);     # of a round, if known


sub new {
    my ($class, %settings) = @_;

    return bless { version => 2, commit => commit(), started_at => time,
                   machine => machine(), settings => \%settings,
                   (map { $_ => [] } @LISTS) }, $class;
}


# The rounds of a stage's rows, each a list of what run_row() returned, and
# the ratio of each to its base within the same round.

sub add_rows {
    my ($self, $connections, $rows, $rounds) = @_;

    my %base = map { $rows->[$_]{base} ? ($rows->[$_]{base} => $_) : () }
               0 .. $#$rows;
    for my $n (0 .. $#$rows) {
        my $row = $rows->[$n];
        my $base = $base{ $row->{base} // $row->{to} };
        my @rounds = map {
            my $r = $_->[$n];
            { per_s => $r->{per_s}, ratio => $r->{per_s} / $_->[$base]{per_s},
              (map { defined $r->{$_} ? ($_ => $r->{$_}) : () } @PARTS) }
        } @$rounds;

        my %series = (scenario => $row->{scenario},
            subject => $row->{subject}, rounds => \@rounds,
            connections => $connections * $row->{times},
            workers => $row->{workers},
            peer => $row->{peer} ? JSON::PP::true : JSON::PP::false);
        push @{ $self->{series} }, \%series;
        print_row(\%series) if $n || print_head($rows->[0]);
    }
}


sub of {
    my ($self, $scenario, $subject, $connections) = @_;

    my ($found) = grep { $_->{scenario} eq $scenario
                         && $_->{subject} eq $subject
                         && (!$connections
                             || $_->{connections} == $connections) }
                  @{ $self->{series} };
    return $found;
}


# ---- the aims ----------------------------------------------------------

# Name, aim, relation, and what it is in each round.

sub aims {
    my ($self) = @_;

    my $disk = $self->of('hot', 'faka, disk');
    my $evalsha = $self->of('hot', 'evalsha');
    my @pg = grep { $_ } map { $self->of('hot', $_) } qw(pg-hot pg-skip);
    my @over = sort { $a->{connections} <=> $b->{connections} }
               grep { $_->{scenario} eq 'overload'
                      && $_->{subject} eq 'faka, disk' } @{ $self->{series} };
    my ($open) = grep { $_->{subject} eq 'faka, disk' } @{ $self->{latency} };

    $self->aim('checkout, disk, to R0', '>=', 0.6, $disk);
    $self->aim('checkout, memory, to R0', '>=', 0.75,
               $self->of('hot', 'faka, memory'));
    $self->aim('sold out to R0', '>=', 0.95,
               $self->of('sold out', 'faka, disk'));
    $self->aim('disk to evalsha', '>=', 4, $disk, $evalsha);
    $self->aim('disk to the best of pg-hot, pg-skip', '>=', 50, $disk, @pg)
        if @pg == 2;
    $self->aim('one hot product to 10,000', '>=', 1, $disk,
               $self->of('10,000 products', 'faka, disk'));
    $self->aim('admitted at 10 times the connections, to own peak', '>=',
               0.95, @over[1, 0]);
    $self->add_aim('p99.9 ms at 80 % of own peak, disk', '<=', 10,
                   map { $_ / 1000 } @{ $open->{p999_us} }) if $open;
    $self->cpu_aim($disk, $evalsha) if $disk && $evalsha;
    $self->aim('Alipay, first sight, to openssl verify', '>=', 0.7,
               map { $self->of('payments', $_) }
               'faka, Alipay', 'openssl verify, one process');
    $self->aim('Alipay again to bare Alipay', '>=', 0.6,
               map { $self->of('payments', $_) }
               'faka, Alipay again', 'return 200, Alipay again');
    $self->aim('EPay again to R0', '>=', 0.6,
               $self->of('payments', 'faka, EPay again'));
}


# Of a series to R0, or to the best of the others in its round; nothing where
# one of them was not in this run.

sub aim {
    my ($self, $name, $relation, $aim, @series) = @_;

    return if !@series || grep { !$_ } @series;
    my ($one, @others) = @series;
    $self->add_aim($name, $relation, $aim, map {
        my $n = $_;
        my ($best) = sort { $b <=> $a }
                     map { $_->{rounds}[$n]{per_s} } @others;
        $best ? $one->{rounds}[$n]{per_s} / $best : $one->{rounds}[$n]{ratio}
    } 0 .. $#{ $one->{rounds} });
}


sub cpu_aim {
    my ($self, $one, $other) = @_;

    $self->add_aim('Redis CPU us an order, disk to evalsha', '<=', 0.1, map {
        $one->{rounds}[$_]{cpu_us}{store} / $other->{rounds}[$_]{cpu_us}{store}
    } 0 .. $#{ $one->{rounds} });
}


sub add_aim {
    my ($self, $name, $relation, $aim, @values) = @_;

    my @spread = spread(@values);
    my ($worst, $best) = $relation eq '>=' ? @spread[1, 2] : @spread[2, 1];
    my $holds = sub { $relation eq '>=' ? $_[0] >= $aim : $_[0] <= $aim };
    push @{ $self->{aims} }, { name => $name, value => \@spread, aim => $aim,
        relation => $relation, verdict => $holds->($worst) ? 'held'
                                        : $holds->($best) ? 'not certain'
                                        : 'missed' };
}


sub spread {
    my @s = sort { $a <=> $b } @_;
    my $median = @s % 2 ? $s[$#s / 2] : ($s[@s / 2 - 1] + $s[@s / 2]) / 2;
    return ($median, $s[0], $s[-1]);
}


# ---- what is written and printed ---------------------------------------

sub add_latency {
    my ($self, @found) = @_;

    push @{ $self->{latency} }, @found;
    for my $found (@found) {
        my %at = map { $_->[0] => $_->[1] } @{ $found->{percentiles} };
        printf "%-26s %8d/s, constant: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f"
            . " ms; the generator's own p99 %.2f ms\n", $found->{subject},
            $found->{rate_per_s}, (map { $_ / 1000 } @at{ 50, 99, 99.9 }),
            $found->{generator}{lag_p99_us} / 1000;
    }
}


sub add_sums {
    my ($self, $sums) = @_;

    push @{ $self->{sums} }, $sums;
    printf "%-26s sell-out of %d: %d told, %d orders, %d oversold, %d twice:"
        . " %s\n", @$sums{qw(subject stock answered orders oversold
        duplicates)}, $sums->{ok} ? 'right' : "wrong: $sums->{why}";
}


sub written {
    my ($self, $path) = @_;

    $self->aims;
    $self->save($path);
    unlink "$path.part";

    print "\n";
    printf "%-50s %8.3f [%8.3f - %8.3f] %s %s: %s\n", $_->{name},
        @{ $_->{value} }, $_->{relation}, $_->{aim},
        $_->{verdict} for @{ $self->{aims} };
}


# Also after each stage, for a run that does not come to its end.

sub save {
    my ($self, $path) = @_;

    my %json = (%$self, took_s => time - $self->{started_at});
    numbers(\%json);
    spew("$path.new", JSON::PP->new->canonical->pretty->encode(\%json));
    rename "$path.new", $path or die "bench: $path: $!\n";
}


# What a pattern has matched is a number, and JSON::PP would quote it.

sub numbers {
    my ($value) = @_;

    if (ref $value eq 'HASH') {
        for my $key (keys %$value) {
            next if $key =~ /\A(?:commit|machine|settings)\z/;
            ref $value->{$key} ? numbers($value->{$key})
            : $value->{$key} =~ /\A-?\d+(?:\.\d+)?\z/
              && ($value->{$key} += 0);
        }
    } elsif (ref $value eq 'ARRAY') {
        for my $item (@$value) {
            ref $item ? numbers($item)
            : $item =~ /\A-?\d+(?:\.\d+)?\z/ && ($item += 0);
        }
    }
}


sub print_head {
    my ($row) = @_;

    printf "\n%-14s %-26s %5s %26s %21s\n", 'scenario', 'subject',
        'conn.', 'a second', 'ratio to its R0';
    return 1;
}


sub print_row {
    my ($series) = @_;

    my @rounds = @{ $series->{rounds} };
    printf "%-14.14s %-26.26s %5d %8.0f [%7.0f - %7.0f]  %5.3f [%5.3f -"
        . " %5.3f]\n", @$series{qw(scenario subject connections)},
        spread(map { $_->{per_s} } @rounds),
        spread(map { $_->{ratio} } @rounds);
}


1;
