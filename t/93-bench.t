# The bench itself, with the smallest of its plans: it runs through, finds a
# figure for each row, counts what was sold, and leaves a report.  The figures
# are worth nothing here.  And what it must not let pass.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use lib 'bench/lib';
use Bench::Cases;
use Bench::Open;
use Bench::Results;
use Bench::Server;
use Bench::Shop;
use Bench::Sums;
use Faka::Proc qw(slurp spew);

alarm 300;

my $dir = tempdir(CLEANUP => 1);
my $json = JSON::PP->new;

my %SERIES = (hot => [ 'return 200', 'faka, disk', 'faka, memory', 'evalsha',
                       'node-redis' ],
              'sold out' => [ 'faka, disk' ]);
my @SHOPS = grep { $_ ne 'return 200' } @{ $SERIES{hot} };

is(system('make', '-s', 'build/pace', 'bench-node'), 0,
   'the open loop is built, and npm has brought what peers need')
    or done_testing, exit 1;

smoke();
wrong_sums();
wrong_answers();
verdicts();
wrong_use();

done_testing;


sub smoke {
    my $table = `bench/run --plan smoke --dir $dir/run \\
        --out $dir/results.json 2> $dir/log`;
    is($?, 0, 'the bench runs through') or diag(slurp("$dir/log")), return;
    my $results = $json->decode(slurp("$dir/results.json"));

    for my $scenario (sort keys %SERIES) {
        my @found = grep { $_->{scenario} eq $scenario }
                    @{ $results->{series} };
        is_deeply([ map { $_->{subject} } @found ], $SERIES{$scenario},
                  "$scenario: each subject is there");
        figures($_) for @found;
    }

    my %peer = map { $_->{subject} => $_->{peer} } @{ $results->{series} };
    is_deeply([ sort grep { $peer{$_} } keys %peer ],
              [ qw(evalsha node-redis) ], 'who is a peer is said');
    open_loop($results);

    is_deeply([ map { $_->{subject} } @{ $results->{sums} } ], \@SHOPS,
              'each shop was sold out');
    is_deeply([ grep { !$_->{ok} || $_->{oversold} || $_->{duplicates}
                       || $_->{orders} != $_->{stock}
                       || $_->{answered} != $_->{stock} }
                @{ $results->{sums} } ], [], '  to the last card, each once');
    like($table, qr/^hot +\Q$_\E +32 +\d+ \[/m, "the table has $_")
        for @{ $SERIES{hot} };

    is(system("node bench/report/report.js $dir/results.json $dir/report"
              . " > $dir/log"), 0, 'a report is made');
    my $page = slurp("$dir/report/report.html") // '';
    ok($page =~ />\Q$_\E</, "  with $_") for @{ $SERIES{hot} };
    is(system("bench/compare $dir/results.json $dir/results.json > $dir/log"),
       0, 'and two runs can be compared');
}


sub figures {
    my ($series) = @_;

    my $name = "$series->{scenario}, $series->{subject}";
    my ($round) = @{ $series->{rounds} };
    is(@{ $series->{rounds} }, 1, "$name: a round");
    cmp_ok($round->{$_}, '>', 0, "  with a figure: $_") for qw(per_s ratio);
    is($round->{refused_share}, $series->{scenario} eq 'sold out' ? 1 : 0,
       '  who is refused');

    my %cpu = %{ $round->{cpu_us} };
    my $sum = $cpu{nginx_user} + $cpu{nginx_kernel} + $cpu{app};
    cmp_ok($sum, '>', 0, '  and processor time');
    cmp_ok($sum + $cpu{store}, '<', 1.1e6 * cores() / $round->{per_s},
           '  not more than there is');
    cmp_ok($cpu{store}, '>', 0, '  some of it in the store')
        if $series->{scenario} eq 'hot' && $name !~ /return 200/;
}


sub cores {
    chomp(my $cores = `nproc`);
    return $cores;
}


sub open_loop {
    my ($results) = @_;

    is_deeply([ map { $_->{subject} } @{ $results->{latency} } ], \@SHOPS,
              'the open loop has each shop');
    for my $latency (@{ $results->{latency} }) {
        my ($of) = grep { $_->{subject} eq $latency->{subject}
                          && $_->{scenario} eq 'hot' }
                   @{ $results->{series} };
        cmp_ok(abs($latency->{rate_per_s} - 0.8 * $of->{rounds}[0]{per_s}),
               '<', 2, "$latency->{subject}: at 80 % of its own peak");
        cmp_ok(abs($latency->{count} - $latency->{rate_per_s}), '<', 2,
               '  every order of the second has a latency');
        ok(exists $latency->{generator}{lag_p99_us},
           '  with what the generator itself was late');
    }
}


# ---- what it must not let pass -----------------------------------------

sub dies_like {
    my ($code, $what, $name) = @_;

    eval { $code->(); 1 };
    like($@ // '', $what, $name);
}


sub wrong_sums {
    note('sums that are wrong');

    my ($bench, $row) = ({ plan => { connections => 2 } }, { times => 1 });
    my $got = { requests => 10, refused => 1 };
    ok(eval { Bench::Cases::made_as_many($bench, $row, $got, $_); 1 },
       "$_ orders of 9 answered by 2 connections may be") for 9, 11;
    dies_like(sub { Bench::Cases::made_as_many($bench, $row, $got, $_) },
              qr/\Abench: $_ orders made, not 9 to 11$/,
              "$_ orders may not") for 8, 12;

    my $text = '{"products":[],"totals":{"orders":3},"problems":[],'
        . '"ok":true,"took_ms":0}';
    my $shop = bless { name => 'x', port => 1, http => bless({}, 'Told') },
                     'Bench::Shop';
    Told::tells($text);
    is($shop->orders, 3, 'an audit tells of 3 orders');
    Told::tells($text =~ s/true/false/r);
    dies_like(sub { $shop->orders }, qr/\Abench: wrong sums: /,
              'one that is not ok ends the bench');

    Told::tells($text);
    my %tool = (right => 'true', wrong => 'false');
    no warnings 'redefine';     # the tool, by one that finds what it is told
    local *Bench::Shop::journal = sub { $tool{right} };
    $shop->{server} = bless { dir => $dir }, 'Bench::Server';
    $shop->{memory} = '1m';
    is($shop->verified->{orders}, 3, 'and what the journal tells, too');
    local *Bench::Shop::journal = sub { $tool{wrong} };
    dies_like(sub { $shop->verified },
              qr/\Abench: x: faka-journal finds other sums/,
              'the journal knows better');

    my $record = '{"seq":1,"images":[{"order":"%s","status":"x","sku":"hot",'
        . '"qty":1,"contact":"a","cards":[%d],"type":"order"}]}' . "\n";
    spew("$dir/print", join '', map { sprintf $record, @$_ }
         [ 'A', 1 ], [ 'B', 2 ], [ 'C', 2 ], [ 'A', 1 ]);
    is_deeply({ Bench::Sums::counted("cat $dir/print") },
              { orders => 3, given => 3, cards => 2, most => 3 },
              'of the journal, a card that was sold twice is found');
}


sub wrong_answers {
    note('answers that are none');

    my $got = sub {
        my ($due, $done, $orders) = @_;
        return { due => $due, done => $done, status => { 201 => $orders },
                 errors => {} };
    };
    my $judge = sub { Bench::Open::judge('x', @_) };
    ok(eval { $judge->($got->(9, 9, 9), 9); 1 }, 'nine of nine');
    dies_like(sub { $judge->($got->(9, 9, 8), 8) },
              qr/\Abench: x: 9 orders were due: /, 'a refusal');
    dies_like(sub { $judge->($got->(9, 8, 8), 8) },
              qr/\Abench: x: 9 orders were due: /, 'one without an answer');
    ok(eval { $judge->($got->(9, 7, 6), 8, 1); 1 },
       'both, where a worker is killed');
    dies_like(sub { $judge->($got->(9, 8, 8), 7, 1) },
              qr/\Abench: x: 7 orders, 8 answered, 1 lost/,
              'but no order that is answered and not made');
    dies_like(sub { $judge->($got->(9, 8, 8), 10, 1) },
              qr/\Abench: x: 10 orders, 8 answered, 1 lost/,
              'and none that nobody asked for');

    Told::tells('1234');
    my $shop = bless { port => 1, hot => 1, http => bless {}, 'Told' },
                     'Bench::Shop';
    no warnings 'redefine';
    local *Bench::Shop::prepare = sub { };
    Told::answers('12345');
    dies_like(sub { $shop->bare_is_like_an_order },
              qr/\Abench: a bare answer has 4 bytes, an order 5$/,
              'a bare answer that is too short');
}


sub verdicts {
    my %is = (held => [ 3, 2, 4 ], missed => [ 1, 1, 1.9 ],
              'not certain' => [ 3, 1, 4 ]);
    for my $verdict (sort keys %is) {
        my $results = bless { aims => [] }, 'Bench::Results';
        $results->add_aim('x', '>=', 2, @{ $is{$verdict} });
        $results->add_aim('x', '<=', -2, map { -$_ } @{ $is{$verdict} });
        is_deeply([ map { $_->{verdict} } @{ $results->{aims} } ],
                  [ ($verdict) x 2 ], "an aim that is $verdict");
    }
}


sub wrong_use {
    note('what it is not asked for');

    like(scalar `bench/run --plan none 2>&1`, qr/\Ausage: bench\/run /,
         'a plan that is none');
    like(scalar `bench/run --only warm 2>&1`,
         qr/\Abench: there is no stage "warm"$/, 'a stage that is none');
}


# An HTTP client that is told what to answer.

package Told;

my ($text, $answer);

sub tells   { $text = $_[0] }
sub answers { $answer = $_[0] }
sub get     { return { status => 200, content => $text } }

sub post {
    my (undef, $url) = @_;
    return { content => $url =~ /bare\z/ ? $text : $answer };
}
