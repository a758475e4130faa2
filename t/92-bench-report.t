# The bench's own tools, whose figures are worth nothing here: the open loop
# (pace) against a server that does as it is told; the report, its summary and
# the comparison over made-up results (t/bench); the engine's operations.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use List::Util qw(uniq);
use Test::More;
use XML::Parser;

use Faka::Proc qw(slurp spew);

alarm 300;

my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->canonical;

is(system('make', '-s', 'build/pace', 'bench-node'), 0,
   'the open loop is built, and npm has brought what the report needs')
    or done_testing, exit 1;

statuses();
losses();
refused();
lateness();
refusals();
report();
summary();
compared();
named();
micro();

done_testing;


# ---- pace --------------------------------------------------------------

# A server, pace with these requests, and what both have to say.

sub pace {
    my ($requests, %opt) = @_;

    spew("$dir/requests", join '', map { length($_) . "\n$_" }
         map { request(@$_) } @$requests);

    my $pid = open my $server, '-|', 'node', 't/bench/echo.js'
        or die "node: $!";
    chomp(my $port = <$server>);
    my %all = (rate => 500, seconds => 1, connections => 8, %opt);
    my $line = `build/pace --port $port --requests $dir/requests \\
        --out $dir/pace.json --buckets $dir/buckets.json \\
        @{[ map { "--$_ $all{$_}" } sort keys %all ]}`;
    is($?, 0, '  pace ends well');

    kill 'TERM', $pid;
    chomp(my @bodies = <$server>);
    close $server;
    return ($json->decode(slurp("$dir/pace.json")), $line, @bodies);
}


sub request {
    my ($path, $body) = @_;

    return "POST /$path HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
}


sub percentile {
    my ($histogram, $wanted) = @_;

    return (map { $_->[0] == $wanted ? $_->[1] : () }
            @{ $histogram->{percentiles} })[0];
}


sub statuses {
    note('requests in turn, statuses, numbers');

    my ($got, $line, @bodies) = pace(
        [[ 200, 'a' ], [ 201, 'number @@@@@@@@@@, @@@@@@@@@@' ], [ 409, 'c' ],
         [ 503, 'd' ], [ 418, 'e' ]], number => 7);

    is_deeply($got->{status}, { 200 => 100, 201 => 100, 409 => 100,
                                503 => 100, other => 100 },
              'each status is counted');
    is_deeply($got->{errors}, { lost => 0, unanswered => 0, unsent => 0 },
              'no error');
    like($line, qr/\ARESULT 500 \d+ 300 0 \d+ \d+ \d+\n\z/,
         'the line has what was answered and what was refused');

    my %number = map { /\Anumber (\d{10}), \1\z/ ? ($1 => 1) : () } @bodies;
    is_deeply([ sort keys %number ],
              [ map { sprintf '%010d', 8 + 5 * $_ } 0 .. 99 ],
              'each request has its own number, in all its places');

    my $buckets = $json->decode(slurp("$dir/buckets.json"));
    is($buckets->{bucket_ms}, 100, 'buckets of 100 ms');
    is_deeply(summed('done', 'refused', 'errors'), [ 200, 300, 0 ],
              'which together have every answer, refusals apart');
    cmp_ok(scalar @{ $buckets->{buckets} }, '>=', 10, 'over the whole second');

    my ($latency, $generator) = @$got{qw(latency_us generator)};
    is($latency->{count}, 500, 'every answer has a latency');
    is($generator->{lag_us}{count}, 500, 'and every request a lag');
    cmp_ok($generator->{cpu_share}, '>', 0, 'the generator counts itself');

    # Another implementation of the same layout.
    my $hdr = $json->decode(scalar
        `node bench/report/hgrm.js --json $dir/pace.json`);
    is($hdr->{count}, 500, 'hdr-histogram-js has as many');
    for my $p (50, 75, 90, 95, 99, 99.5, 99.9) {
        is(percentile($hdr, $p), percentile($latency, $p),
           "hdr-histogram-js finds the same p$p");
    }
    like(scalar `node bench/report/hgrm.js $dir/pace.json`,
         qr/Value\s+Percentile\s+TotalCount.*#\[Mean/s, 'and writes .hgrm');

    my $twice = $json->decode(scalar `node bench/report/hgrm.js --json \\
        $dir/pace.json $dir/pace.json`);
    is($twice->{count}, 1000, 'two rounds are added up');
    is(percentile($twice, 90), percentile($latency, 90), '  rightly');
}


sub losses {
    note('connections that end');

    my ($got) = pace([[ 200, '' ], [ 'drop', '' ], [ 200, '' ],
                      [ 'close', '' ]]);
    is($got->{errors}{lost}, 125, 'a request dies with its connection');
    is($got->{done}, 375, 'the others are answered');
    cmp_ok($got->{reconnects}, '>=', 245,
           'a connection is made anew after a loss, and after a goodbye');

    is_deeply(summed('done', 'refused', 'errors'), [ 375, 0, 125 ],
              'the buckets have the errors');
}


# What is refused at once takes nothing from the latency of what is done.

sub refused {
    note('a server that refuses');

    my ($got, $line) = pace([[ 503, '' ]]);
    like($line, qr/\ARESULT 500 \d+ 500 0 /, 'who refuses everybody');
    is_deeply(summed('done', 'refused', 'p99_us'), [ 0, 500, 0 ],
              '  has done nothing in any bucket, in no time');
    is($got->{latency_us}{count}, 500, '  and all the same has answered');

    # A hundred refusals for each order that takes 100 ms.
    pace([[ 'slow', '' ], map { [ 409, '' ] } 1 .. 100 ], rate => 404,
         connections => 32);
    is_deeply(summed('done', 'refused'), [ 4, 400 ], 'few who are served');
    my @with = grep { $_->{done} } @{ buckets() };
    is_deeply([ grep { $_->{p99_us} < 99_000 } @with ], [],
              '  wait as long as they wait');
}


sub buckets { return $json->decode(slurp("$dir/buckets.json"))->{buckets} }

sub summed {
    my (@names) = @_;

    my %sum = map { $_ => 0 } @names;
    for my $bucket (@{ buckets() }) {
        $sum{$_} += $bucket->{$_} for @names;
    }
    return [ @sum{@names} ];
}


# One connection that needs 0.1 s for each of 20 requests that are due within
# a second: the last has waited for all before it.

sub lateness {
    note('a server that is too slow');

    my ($got) = pace([[ 'slow', '' ]], rate => 20, connections => 1);
    is($got->{done}, 20, 'all are answered at last');
    cmp_ok(percentile($got->{latency_us}, 100), '>', 1_000_000,
           'the wait for a connection is part of the latency');
    cmp_ok($got->{generator}{no_connection}, '>=', 15,
           'and is said to be no fault of the generator');
    cmp_ok(percentile($got->{generator}{lag_us}, 100), '<', 500_000,
           'whose lag has nothing of it');
}


sub refusals {
    my $usual = "--port 1 --rate 1 --seconds 1 --connections 1";

    spew("$dir/short", "5\nabc");
    spew("$dir/many", "90\n" . '@' x 90);
    spew("$dir/empty", '');
    like(scalar `build/pace $usual --requests $dir/$_->[0] 2>&1`,
         qr/\Q$dir\E\/$_->[0]: wanted $_->[1]/, "refused: $_->[0]")
        for [ short => 'a size and a newline' ],
            [ many => 'at most 8 places' ], [ empty => 'at least one' ];
    like(scalar `build/pace $usual --rate 2000000 2>&1`,
         qr/--rate "2000000" is no number from 1 to 1000000/,
         'refused: a rate beyond what can be');
}


# ---- the report --------------------------------------------------------

{
    my $made_up;

    sub fixture {
        $made_up //= `node t/bench/fixture.js`;
        return $json->decode($made_up);
    }
}


sub written {
    my ($name, $results) = @_;
    return spew("$dir/$name.json", $json->encode($results));
}


sub report {
    note('the page and its plots');

    # More subjects than there are colours; those of lines are fewer.
    my $results = fixture();
    push @{ $results->{series} },
        map { { %{ $results->{series}[1] }, subject => "call $_" } } 1 .. 5;
    push @{ $results->{load} },
        { %{ $results->{load}[0] }, subject => 'faka, disk, everysec' };

    my $out = "$dir/out";
    my $file = written('results', $results);
    is(system("node bench/report/report.js $file $out > $dir/log"), 0,
       'a report is made') or return;

    my @plots = glob "$out/*.svg";
    is_deeply([ map { m{([^/]+)\.svg\z} } @plots ],
              [ sort qw(ratio-hot ratio-many-products cpu-hot
                        cpu-many-products latency-hot-50 latency-hot-80
                        load cost fault-1-faka-disk) ], 'every plot is there');

    for my $plot (@plots) {
        my $marks = 0;
        my %colour;
        my $parser = XML::Parser->new(Handlers => { Start => sub {
            my (undef, $tag, %attr) = @_;
            $marks++ if ($attr{'aria-roledescription'} || '')
                        =~ /\A(?:bar|line mark|area mark|point|rule)/;
            $colour{$1} = $attr{stroke}
                if ($attr{'aria-roledescription'} || '') eq 'line mark'
                && $attr{'aria-label'} =~ /; subject: (.*)/;
        } });
        ok(eval { $parser->parsefile($plot); 1 }, "$plot is XML") or diag($@);
        cmp_ok($marks, '>', 0, '  and shows something');
        is(uniq(values %colour), keys %colour, '  each line in its colour');
    }

    my ($html, $ratio) = map { slurp("$out/$_") } qw(report.html
                                                    ratio-hot.svg);
    lacks($html =~ s/xmlns(?::\w+)?="[^"]+"//gr,
          qr{https?://|<script|<link|\bsrc=}, 'the page needs nothing else');
    has($html, qr/prefers-color-scheme: dark/, 'and can be dark');
    is(() = $html =~ /<svg /g, scalar @plots, 'it has every plot');

    my %ids;
    $ids{$_}++ for $html =~ /\bid="([^"]+)"/g;
    is_deeply([ grep { $ids{$_} > 1 } sort keys %ids ], [],
              'no two things in it have one id');

    has($html, qr/evalsha &lt;lua&gt;/, 'names are escaped');
    lacks($html, qr/evalsha <lua>/, 'everywhere');

    my $disk = median(map { $_->{ratio} }
                      @{ of($results, 'hot', 'faka, disk')->{rounds} });
    my $text = sprintf '%.3f', $disk;
    has($html, qr/>\Q$text\E \[/, "its tables have the ratio $text");
    has($ratio, qr/>\Q$text\E</, 'and so has the plot');
    has($html, qr{disk,\ to\ R0</td>.*?>held<.*of\ the\ peak.*?>missed<
                  .*disk\ to\ evalsha.*"unsure">not\ certain<}xs,
        'aims are held, missed, or neither for certain');
    has($html, qr/wrong: 31 cards were sold twice/, 'wrong sums are named');
    has($html, qr/a made-up processor.*loadavg.*0\.31/s,
        'the machine is described');
    has($html, qr{kill\ -9\ of\ a\ worker</td><td\ class="n">[\d,]+</td>
                  <td\ class="n">2,468</td><td\ class="n">77</td>}x,
        'of a fault it is said who was refused and who lost');
    my $fault = slurp("$out/fault-1-faka-disk.svg");
    has($fault, qr/>$_</, "and there is a strip of \"$_\"")
        for 'answers', 'refused', 'errors', 'p99 us';

    my $lagged = qr{(?:(?!</tr>).)*the\ generator\ lagged}xs;
    has($html, qr{<td>faka,\ disk</td><td>80\ %</td>$lagged}x,
        'where the generator itself was slow is said');
    lacks($html, qr{<td>php-shop</td><td>80\ %</td>$lagged}x,
          'and only there');
    has($html, qr{of the p99: faka, memory; faka, disk\.</figcaption>},
        'below the plot, too');

    my ($better) = $html =~ m{Where a peer is better</h2>(.*?)<h2>}s;
    has($better, qr{<td>hot</td><td>p50\ us\ at\ 50\ %\ of\ its\ peak</td>
                    <td>evalsha}x, 'where a peer is better is said');
    lacks($better, qr/ratio to R0/, 'and only there');

    of($results, 'hot', 'php-shop')->{rounds} =
        of($results, 'hot', 'return 200')->{rounds};
    $file = written('beaten', $results);
    is(system("node bench/report/report.js $file $out > $dir/log"), 0,
       'a report of another run');
    has(slurp("$out/report.html"), qr{<td>hot</td><td>ratio\ to\ R0</td>
         <td>php-shop</td>}x, 'one with a better ratio is found');
}


# A page is no message: these say of it only what was looked for.

sub has {
    my ($text, $what, $name) = @_;
    ok($text =~ $what, $name) or diag("nothing like $what");
}


sub lacks {
    my ($text, $what, $name) = @_;
    ok($text !~ $what, $name) or diag("there is \"$&\"");
}


sub of {
    my ($results, $scenario, $subject) = @_;

    my ($found) = grep { $_->{scenario} eq $scenario
                         && $_->{subject} eq $subject }
                  @{ $results->{series} };
    return $found;
}


sub median { return (sort { $a <=> $b } @_)[ $#_ / 2 ] }


sub summary {
    note('the summary');

    my $results = fixture();
    my $out = summed_up($results);
    like($out, qr/^\| faka, disk \| 256 \| [\d,]+ \[[\d,]+ - [\d,]+\] \| 0/m,
         'with the figures of each');
    like($out, qr/^\| hot \|.* servers, CPU us \|/m,
         'one of them without the generator');
    like($out, qr/^\| many products \|.*^\| faka, disk .* \| 25\.0 \|/ms,
         'and who was refused');
    like($out, qr{^\|\ faka,\ disk\ \|\ 80\ %\ \|\ [\d,]+\ \|\ 1,200\ \|
         \ 3,600\ \[3,240\ -\ 3,960\]\ \|\ 8,400\ \[7,560\ -\ 9,240\]\ \|
         \ 9,000\ \|\ 62\ %\ \|\ 17\ %\ \|\ 12\ \|\ the\ generator\ lagged}xm,
         'and the open loop, with the runs and with the generator');
    like($out, qr/^\| php-shop \| 80 % \|.* 12 \|  \|$/m,
         'where that was late itself it is said, and only there');
    like($out, qr/^\| php-shop \|(?: 100,0[03][01] \|){3} 31 \| 31 \| wrong/m,
         'and the sums');
    like($out, qr/^\| hot \| p99\.9 us at 80 % of its peak \| evalsha <lua> /m,
         'and where a peer is better');
    like($out, qr/^\| disk to evalsha \|.*\| not certain \|$/m, 'and aims');
    like($out, qr/^\| faka, disk \| kill .* \| 2,468 \| 77 \|$/m,
         'and faults');

    my ($budget) = $out =~ /^(\| us of all processors.*?)\n\n/ms;
    my $disk = of($results, 'hot', 'faka, disk')->{rounds};
    my @want = map { sprintf '%.1f', $_ }
        median(map { $_->{beside_us}{generator} } @$disk),
        (map { my $k = $_; median(map { $_->{cpu_us}{$k} } @$disk) }
         qw(nginx_kernel nginx_user app store)),
        1.5, median(map { 2e6 / $_->{per_s} } @$disk);
    $want[3] = '-';
    my $want = join ' | ', 'hot', 'faka, disk', @want;
    like($budget, qr/^\| \Q$want\E \|$/m, "where the time goes: $want");
    unlike($budget, qr/php-shop|many products/,
           'of those who have all of it, in the usual scenarios');

    # An even number of rounds: what is between the two in the middle.
    @$_{qw(per_s ratio)} = (1000, 0.4) for $disk->[0];
    @$_{qw(per_s ratio)} = (2001, 0.5) for $disk->[1];
    $#$disk = 1;
    $out = summed_up($results);
    like($out, qr/^\| faka, disk \| 256 \| 1,501 \[1,000 - 2,001\] \| 0\.45/m,
         'two rounds');
    is(system("node bench/report/report.js $dir/summary.json $dir/two"
              . " > $dir/log"), 0, '  a report of them');
    has(slurp("$dir/two/report.html"), qr/>1,501 \[1,000 - 2,001\]</,
        '  with the same median');

    # One run, which is all there is to it.
    $_->{p999_us} = [ 8400 ] for @{ $results->{latency} };
    $results->{$_} = [] for qw(fault aims);
    $out = summed_up($results);
    like($out, qr/ \| 8,400 \| 9,000 \|/, 'one run has no spread');
    like($out, qr/^aim: none in this run\.$/m, 'what there is not is said');
}


sub summed_up {
    my $file = written('summary', $_[0]);
    my $out = `node bench/report/summary.js $file`;
    is($?, 0, 'a summary is made');
    return $out;
}


sub compared {
    note('two runs');

    written('old', fixture());
    my ($out, $status) = beside(sub { });
    like($out, qr/\Ahot, .*^37 figures compared, 0 worse$/ms,
         'a run and itself are the same');
    is($status, 0, '  exit status 0');

    ($out, $status) = beside(sub {
        $_->{ratio} *= 0.7 for @{ of($_[0], 'hot', 'faka, disk')->{rounds} };
        $_->{ratio} *= 1.5 for @{ of($_[0], 'hot', 'php-shop')->{rounds} };
    });
    is($status, 1, 'one that is worse: exit status 1');
    like($out, qr/^hot, faka, disk, 256, ratio to R0: worse: .*, times 0\.7/m,
         '  it is named, with how many times');
    like($out, qr/^hot, php-shop, 256, ratio to R0: better: /m,
         'so is one that is better');
    like($out, qr/^many products, faka, disk, 256, ratio to R0: same within/m,
         'and one that is neither');
    like($out, qr/, 1 worse$/, 'the others are as they were');

    # Its median is worse, but within what the old rounds had.
    (undef, $status) = beside(sub {
        $_->{ratio} *= 0.99 for @{ of($_[0], 'hot', 'faka, disk')->{rounds} };
    });
    is($status, 0, 'a little worse is within the spread');

    ($out, $status) = beside(sub {
        my ($results) = @_;
        $_->{cpu_us}{store} *= 2
            for @{ of($results, 'hot', 'faka, disk')->{rounds} };
        $_->{beside_us}{generator} *= 2
            for @{ of($results, 'hot', 'faka, memory')->{rounds} };
    });
    like($out, qr/^hot, faka, disk, 256, servers, CPU us: worse: /m,
         'the servers need more');
    like($out, qr/, 1 worse$/, '  the generator is none of them');

    slower('p99.9 beyond all runs', 1.3, 'worse');
    slower('p99.9 within the runs', 1.05, 'same within the spread');
    slower('p99.9 of one run, a quarter more', 1.24, 'same within the spread',
           1);
    slower('p99.9 of one run, more than that', 1.26, 'worse', 1);

    for my $case ([ ns => 1.24, 0 ], [ ns => 1.26, 1 ], [ ns => 0.5, 0 ],
                  [ instructions => 1.04, 0 ], [ instructions => 1.06, 1 ]) {
        my ($key, $times, $worse) = @$case;
        ($out, $status) = beside(sub { $_[0]{micro}[0]{$key} *= $times });
        is($status, $worse, "$times times $key of an operation");
        like($out, qr/^checkout, threads: 1, $key: @{[ $worse ? 'worse'
              : $times < 1 ? 'better' : 'same' ]}/m, '  it is said');
    }

    differing();
}


# The open loop of one subject, in three runs or in one.

sub slower {
    my ($name, $times, $verdict, $alone) = @_;

    my $made = sub {
        my ($times, $results) = @_;
        my ($one) = @{ $results->{latency} };
        $one->{p999_us} = [ $one->{p999_us}[1] ] if $alone;
        $_ *= $times for @{ $one->{p999_us} };
        $_->[1] *= $times for @{ $one->{percentiles} };
        return $results;
    };
    written('old', $made->(1, fixture()));
    my ($out, $status) = beside(sub { $made->($times, $_[0]) });
    like($out, qr/^hot, faka, memory, 50 % of its peak, p99\.9 us: $verdict:/m,
         $name);
    is($status, $verdict eq 'worse' ? 1 : 0, '  exit status');
    written('old', fixture());
}


sub differing {
    my ($out, $status) = beside(sub {
        my ($results) = @_;
        $results->{series} = [ grep { $_->{scenario} eq 'hot' }
                               @{ $results->{series} } ];
        delete $results->{micro}[0]{instructions};
        $results->{settings}{plan} = 'quick';
        $results->{machine}{cores} = 4;
    });
    like($out, qr/^many products, faka, disk, 256: gone$/m,
         'what is not there any more is named');
    like($out, qr/^24 figures compared, 0 worse$/m, 'the others are compared');
    is((split /\n/, $out)[0], 'not measured alike: plan ("full" -> "quick"),'
       . ' cores (2 -> 4)', 'what was not the same is said first');

    ($out, $status) = beside(sub {
        my ($results) = @_;
        $results->{machine}{cpu} = 'another';
        $_->{connections} = 64 for $results->{settings},
                                   @{ $results->{series} };
    });
    like($out, qr/\Anot measured alike: connections \(256 -> 64\), cpu \("a/,
         'connections and processor, too');
    is($status, 2, 'no series to compare is an error');
    like($out, qr/^bench: the two have nothing of series in common$/m,
         '  which says so');

    ($out, $status) = beside(sub {
        $_[0]{$_} = [] for qw(series latency micro) });
    is($status, 2, 'nothing at all is one, too');
}


# The made-up results and what that makes of them: output, exit status.

sub beside {
    my ($change) = @_;

    my $results = fixture();
    $change->($results);
    my $file = written('new', $results);
    my $out = `bench/compare $dir/old.json $file 2>&1`;
    return ($out, $? >> 8);
}


sub named {
    note('results that are not in order');

    my @wrong = (
        [ 'series[0].rounds[1].ratio: a number is wanted' => sub {
            $_[0]{series}[0]{rounds}[1]{ratio} = 'fast' } ],
        [ 'machine.cores: missing' => sub { delete $_[0]{machine}{cores} } ],
        [ 'serie: unknown' => sub { $_[0]{serie} = [] } ],
        [ 'version: 2 is wanted' => sub { $_[0]{version} = 1 } ],
        [ 'series[2].rounds: at least one is wanted' => sub {
            $_[0]{series}[2]{rounds} = [] } ],
        [ 'latency[0].percentiles: pairs of' => sub {
            $_[0]{latency}[0]{percentiles} = [[ 99, 5 ], [ 50, 4 ]] } ],
        [ 'latency[1].generator.lag_p50_us: missing' => sub {
            delete $_[0]{latency}[1]{generator}{lag_p50_us} } ],
        [ 'series[0].rounds[0].p99_us: unknown' => sub {
            $_[0]{series}[0]{rounds}[0]{p99_us} = 5 } ],
        [ 'series[1].rounds[0].refused_share: a number from 0 to 1' => sub {
            $_[0]{series}[1]{rounds}[0]{refused_share} = 25 } ],
        [ 'latency[1].p999_us: at least one' => sub {
            $_[0]{latency}[1]{p999_us} = [] } ],
        [ 'fault[0].buckets[3].refused: missing' => sub {
            delete $_[0]{fault}[0]{buckets}[3]{refused} } ],
        [ 'aims[2].verdict: "held", "missed" or' => sub {
            $_[0]{aims}[2]{verdict} = 'perhaps' } ],
        [ 'sums[4].ok: true or false is wanted' => sub {
            $_[0]{sums}[4]{ok} = 1 } ],
    );

    my @commands = ("node bench/report/report.js $dir/wrong.json $dir/none",
                    "node bench/report/summary.js $dir/wrong.json",
                    "bench/compare $dir/old.json $dir/wrong.json");

    for my $n (0 .. $#wrong) {
        my ($what, $break) = @{ $wrong[$n] };
        my $results = fixture();
        $break->($results);
        my $file = written('wrong', $results);

        my $out = `$commands[$n % @commands] 2>&1`;
        is($? >> 8, 2, 'refused');
        like($out, qr/\Abench: \Q$file: $what\E/, "  $what");
    }

    spew("$dir/torn.json", '{"version": 2,');
    like(scalar `node bench/report/summary.js $dir/torn.json 2>&1`,
         qr{\Abench: \Q$dir\E/torn.json: .*JSON}, 'torn JSON is named');
    like(scalar `node bench/report/summary.js $dir/nothing.json 2>&1`,
         qr{\Abench: \Q$dir\E/nothing.json: no such file}, 'no file, too');
    ok(!-e "$dir/none", 'nothing was written from any of them');
}


# ---- the engine alone --------------------------------------------------

sub micro {
    note('the engine alone');

    my $table = `make -s bench-micro QUICK=1`;
    is($?, 0, 'its operations are measured') or return;

    my $micro = $json->decode(slurp('build/bench/micro.json'));
    my @names = ('import, a card', 'checkout', 'order look-up', 'payment',
                 'expiry', 'sold out');
    is_deeply([ map { "$_->{name} $_->{threads}" } @$micro ],
              [ map { my $n = $_; map { "$_ $n" } @names } 1, 2 ],
              'each in one thread and in two');
    like($table, qr/^\Q$_\E +1 +[\d.]+ \[/m, "the table has \"$_\"")
        for @names;

    my %counted = map { $_->{threads} == 1 ? ($_->{name} => $_) : () } @$micro;
    cmp_ok($counted{checkout}{instructions}, '>',
           2 * $counted{'sold out'}{instructions},
           'a checkout takes more instructions than a refusal');
    is_deeply([ grep { $_->{ns} <= 0 || $_->{per_s} <= 0 } @$micro ], [],
              'each takes its time');

    my $results = fixture();
    $results->{micro} = $micro;
    my $file = written('micro', $results);
    is(system("node bench/report/summary.js $file > $dir/log"), 0,
       'and the report takes them as they are');

    # The same build does the same, to the instruction.
    my %before = map { $_ => $counted{$_}{instructions} } @names;
    is(system("make -s bench-micro QUICK=1 > $dir/log"), 0, 'once more');
    my %after = map { $_->{threads} == 1
                      ? ($_->{name} => $_->{instructions}) : () }
                @{ $json->decode(slurp('build/bench/micro.json')) };
    is_deeply(\%after, \%before, 'instructions are the same each time');
}
