# The bench's own tools, whose figures are worth nothing here: the open loop
# (pace) against a server that does as it is told; the report, its summary and
# the comparison over made-up results (t/bench); the engine's operations.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
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
    my $sum = 0;
    $sum += $_->{done} for @{ $buckets->{buckets} };
    is($sum, 500, 'which together have every answer');
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

    my $errors = 0;
    $errors += $_->{errors}
        for @{ $json->decode(slurp("$dir/buckets.json"))->{buckets} };
    is($errors, 125, 'the buckets have the errors');
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

    my $results = fixture();
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
        my $parser = XML::Parser->new(Handlers => { Start => sub {
            my (undef, $tag, %attr) = @_;
            $marks++ if ($attr{'aria-roledescription'} || '')
                        =~ /\A(?:bar|line mark|area mark|point|rule)/;
        } });
        ok(eval { $parser->parsefile($plot); 1 }, "$plot is XML") or diag($@);
        cmp_ok($marks, '>', 0, '  and shows something');
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
    has($html, qr{disk, to R0</td>.*?>held<.*of the peak.*?>missed<}s,
        'aims are held or missed');
    has($html, qr/wrong: 31 cards were sold twice/, 'wrong sums are named');
    has($html, qr/a made-up processor/, 'the machine is described');

    my $lagged = qr{(?:(?!</tr>).)*the\ generator\ lagged}xs;
    has($html, qr{<td>faka,\ disk</td><td>80\ %</td>$lagged}x,
        'where the generator itself was slow is said');
    lacks($html, qr{<td>php-shop</td><td>80\ %</td>$lagged}x,
          'and only there');
    has($html, qr{of the p99: faka, memory; faka, disk\.</figcaption>},
        'below the plot, too');

    my ($better) = $html =~ m{Where a peer is better</h2>(.*?)<h2>}s;
    has($better, qr{<td>hot</td><td>p50 us</td><td>evalsha}, 'where a peer'
         . ' is better is said');
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

    my $out = `node bench/report/summary.js $dir/results.json`;
    is($?, 0, 'a summary is made');
    like($out, qr/^\| faka, disk \| 256 \| [\d,]+ \| 0\.4\d\d \[/m,
         'with the figures of each');
    like($out, qr/^\| faka, disk \| 80 % \| [\d,]+ \|.* 9,000 \|$/m,
         'and the open loop');
    like($out, qr/^\| php-shop \| 100,000 \| 100,031 \| 31 \| 31 \| wrong/m,
         'and the sums');
    like($out, qr/^\| hot: evalsha <lua> \| p50 us \|/m,
         'and where a peer is better');
}


sub compared {
    note('two runs');

    my $old = written('old', fixture());

    like(scalar `bench/compare $old $old`, qr/^12 series compared, 0 worse$/m,
         'a run and itself are the same');
    is($?, 0, '  exit status 0');

    my $results = fixture();
    $_->{ratio} *= 0.7 for @{ of($results, 'hot', 'faka, disk')->{rounds} };
    $_->{ratio} *= 1.5 for @{ of($results, 'hot', 'php-shop')->{rounds} };
    my $out = `bench/compare $old @{[ written('new', $results) ]}`;
    is($? >> 8, 1, 'one that is worse: exit status 1');
    like($out, qr/^hot, faka, disk, 256: worse: .*, times 0\.700 \[0\.6/m,
         '  it is named, with how many times');
    like($out, qr/^hot, php-shop, 256: better: /m, 'so is one that is better');
    like($out, qr/^many products, faka, disk, 256: same within the spread/m,
         'and one that is neither');

    # Its median is worse, but within what the old rounds had.
    $results = fixture();
    $_->{ratio} *= 0.99 for @{ of($results, 'hot', 'faka, disk')->{rounds} };
    $out = `bench/compare $old @{[ written('new', $results) ]}`;
    is($? >> 8, 0, 'a little worse is within the spread');

    $results->{series} = [ grep { $_->{scenario} eq 'hot' }
                           @{ $results->{series} } ];
    $out = `bench/compare $old @{[ written('new', $results) ]}`;
    like($out, qr/^many products, faka, disk, 256: gone$/m,
         'what is not there any more is named');

    $_->{connections} = 64 for @{ $results->{series} };
    $out = `bench/compare $old @{[ written('new', $results) ]} 2>&1`;
    is($? >> 8, 2, 'nothing to compare is an error');
}


sub named {
    note('results that are not in order');

    my @wrong = (
        [ 'series[0].rounds[1].ratio: a number is wanted' => sub {
            $_[0]{series}[0]{rounds}[1]{ratio} = 'fast' } ],
        [ 'machine.cores: missing' => sub { delete $_[0]{machine}{cores} } ],
        [ 'serie: unknown' => sub { $_[0]{serie} = [] } ],
        [ 'version: 1 is wanted' => sub { $_[0]{version} = 2 } ],
        [ 'series[2].rounds: at least one is wanted' => sub {
            $_[0]{series}[2]{rounds} = [] } ],
        [ 'latency[0].percentiles: pairs of' => sub {
            $_[0]{latency}[0]{percentiles} = [[ 99, 5 ], [ 50, 4 ]] } ],
        [ 'latency[1].generator.lag_p50_us: missing' => sub {
            delete $_[0]{latency}[1]{generator}{lag_p50_us} } ],
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

    spew("$dir/torn.json", '{"version": 1,');
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
