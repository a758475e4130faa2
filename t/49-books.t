# The books hold: everything that a shop can be asked for, at random, by
# several at once, while workers, nginx and Redis are killed with -9, rules
# are swapped and time goes by.  After each crash all that anybody was told is
# compared with what the shop says, to the unit and to the cent.
#
# FAKA_SEED begins with the same draws; what the machine makes of them side by
# side is different each time.

use lib 't/lib';

use Time::HiRes qw(sleep time);

use Faka::Journal;
use Faka::Market;
use Faka::Proc qw(children);
use Faka::Reckoning;
use Faka::Test;

use constant { CROWDS => 2, SHARE => 300, DAY_SECONDS => 86_400 };

my $seed = $ENV{FAKA_SEED} || int rand 1_000_000;
diag("seed $seed");
srand $seed;

my $rounds = long(8, 62);
my $operations = long(380, 1640);

my $t = Faka::Test->new(shop => {
    buyer_history => 'on', settle_after => '1d', memory => '256m',
    retention => '300d', hold => '15m' });
my ($nginx, $redis) = ($t->nginx, $t->redis);

$t->own_clock;

my @rules = (['one', 'o.total', 10, 5], ['two', 'o.total - o.qty + 1', 7, 0]);
for my $rules (@rules) {
    my ($name, $price, $agent, $above) = @$rules;
    $rules->[0] = $t->write_file("$name.lua", <<"EOT", 0644);
function price(o)
    return $price
end

function commission(o)
    return percent(o.paid, 1), percent(o.paid, $agent),
           percent(o.paid, $above)
end

function risk(o)
    if o.qty == 5 then
        return "review", "five at once"
    end
    return "pass"
end
EOT
}
$nginx->{opt}{shop}{rules} = $rules[0][0];
$t->start;

my @agents = ('boss', map { "agent-$_" } 1 .. 5);
my @regulars = map { "regular-$_\@example.com" } 1 .. 4;
my %coupons = (MANY => [0, 0], FEW => [long(40, 400), 0], OWN => [0, 2]);
my $book = Faka::Reckoning->new($t, limits => { a => 6, c => 7 },
                                coupons => \%coupons,
                                accounts => [@agents, 'platform'],
                                buyers => \@regulars);
open_shop();

my %crashes;
for my $round (1 .. $rounds) {
    my ($name, $told) = crowded($round);
    ok($told, "round $round: $name, and it opens by itself") or last;
    is($book->shown($book->wrong), '', "round $round: the books hold")
        or last;
}

last_of_all();
diag($book->operations . ' operations, '
     . join(', ', map { "$crashes{$_} x $_" } sort keys %crashes));
diag($_) for split /; /, $book->summary;
cmp_ok($book->operations, '>=', $rounds * $operations,
       'that was a crowd');


sub put {
    my ($path, $fields) = @_;

    my $answer = $t->admin('PUT', "/$path", $fields);
    die "$path: " . $answer->brief . "\n" unless $answer->status =~ /\A20/;
}


sub open_shop {
    $t->product('a', price => 999, qty_max => 5, buyer_limit => 6,
                tiers => [{ min_qty => 2, price => 950 }]);
    $t->product('b', price => 500);
    $t->product('c', price => 40, kind => 'counted', stock => 1_000_000,
                buyer_limit => 7);
    $t->product('d', price => 300, kind => 'shared');
    $t->import_cards('d', ['the key of all']);
    $book->take({ imported => { map { $_ => $t->import_cards($_, 150) }
                                qw(a b) }, odd => [] });

    put('accounts/platform', { currency => 'CNY', kind => 'platform' });
    put('accounts/boss', { currency => 'CNY' });
    put("accounts/$_", { currency => 'CNY', parent => 'boss' })
        for @agents[1 .. $#agents];
    put('accounts/agent-1', { contact => 'regular-1@example.com' });
    put('levels/gold', { off_bp => 500, min_spent => 5000 });
    put('coupons/MANY', { kind => 'percent', value => 1000,
                          min_amount => 100 });
    put('coupons/FEW', { kind => 'percent', value => 500, min_amount => 100,
                         uses_max => $coupons{FEW}[0] });
    put('coupons/OWN', { kind => 'fixed', value => 30, currency => 'CNY',
                         min_amount => 100, uses_buyer_max => 2 });
}


# ---- a round -----------------------------------------------------------

# A coupon and buyers of this round, whose limits are soon reached.  Returns
# what was killed, and whether all went on.

sub crowded {
    my ($round) = @_;

    $coupons{"ROUND-$round"} = [12, 3];
    put("coupons/ROUND-$round", { kind => 'percent', value => 2000,
        min_amount => 100, uses_max => 12, uses_buyer_max => 3 });

    my @share = $book->share(CROWDS, SHARE);
    my @jobs = map {
        my $crowd = $_;
        my $draws = int rand 1e9;
        $t->background(sub {
            my $market = Faka::Market->new($t, seed => $draws,
                name => "$seed-$round-$crowd", %{ $share[$crowd] },
                agents => \@agents, clock => \&clock_read,
                coupons => ['MANY', 'FEW', 'OWN', ("ROUND-$round") x 2],
                buyers => [@regulars, map { "buyer-$round-$_\@example.com" }
                                      1 .. 12]);
            return $market->work($operations / CROWDS);
        });
    } 0 .. CROWDS - 1;

    my $name = disturbed($round);
    my $answer = $t->audit if $name;
    $book->take($_->stop) for @jobs;
    return ($name, $answer && $answer->status == 200 && $answer->json->{ok}
                   && !grep { $_ } values
                      %{ $answer->json->{totals}{ledger_sum} });
}


# The time of a shop is read by crowds in processes of their own.

sub clock_read {
    open my $fh, '<:raw', $t->clock or die "clock: $!";
    read $fh, my $bytes, 8;
    return int(time + unpack('q<', $bytes) / 1_000_000);
}


# What happens beside a crowd; returns its name.

sub disturbed {
    my ($round) = @_;

    my $moment = sub { sleep 0.05 + rand 0.25 };
    my @crash = crash($round);

    $moment->();
    $t->later((60, 300, 1000, 1.1 * DAY_SECONDS)[$round % 4]);
    if ($round % 3 == 2) {
        $nginx->{opt}{shop}{rules} = $rules[rand @rules][0];
        $nginx->reload(gone => 0) or return '';
    }

    $moment->();
    $crash[1]->();
    $crashes{ $crash[0] }++;
    return $t->wait_open ? $crash[0] : '';
}


sub crash {
    my ($round) = @_;

    $nginx->expect_alert(qr/worker process \d+ exited on signal 9/);
    my $both = sub {
        kill 'KILL', $redis->pid, $nginx->master, children($nginx->master);
        $redis->kill9;
        $nginx->kill_all;
    };
    my @crashes = (
        ['a worker', sub { $nginx->kill_worker }],
        ['nginx', sub { $nginx->kill_all; sleep rand 0.1; $nginx->start }],
        ['Redis', sub { $redis->kill9; sleep rand 0.3; $redis->start }],
        ['all workers', sub { kill 'KILL', $nginx->workers('all') }],
        ['both', sub { $both->(); $redis->start; $nginx->start }],
        ['both, Redis late', sub { $both->(); $nginx->start; sleep rand 0.5;
                                   $redis->start }],
    );
    return @{ $crashes[$round % @crashes] };
}


# ---- the end -----------------------------------------------------------

# Every order once more, after all is settled; the tool; and what is left of
# it when the orders are in the archive.

sub last_of_all {
    $t->later(3 * DAY_SECONDS);
    is($book->shown($book->wrong(all => 1)), '', 'all of it, once more');
    my $ran = journal_tool('--redis', 'unix:' . $redis->socket_path,
                           '--memory', '256m', '--live', '-', 'main', 'audit',
                           \json_text($t->audit->json));
    is($ran->{code}, 0, 'the journal says the same') or diag($ran->{err});

    my $before = balances();
    my $finished = $book->finished;
    $t->later(301 * DAY_SECONDS);
    ok(wait_until(sub {
        my $archived = $t->metrics->{faka_archived_orders_total} || 0;
        return $archived >= $finished;
    }, long(30, 120)), "then $finished orders leave memory");
    ok($book->rest, 'and no more');
    my $totals = $t->audit_ok('the audit of what is left')->{totals};
    is($totals->{archived_orders}, $finished, 'they are in the archive');
    is_deeply($totals->{ledger_sum}, { CNY => 0 }, 'the ledger holds');
    is_deeply(balances(), $before, 'so do balances and uses');

    ok($nginx->restart && $t->wait_open, 'nginx is restarted');
    is_deeply(balances(), $before, 'also out of the journal');
    $t->audit_ok('and the audit after it');
}


sub balances {
    my %all;
    for my $path ((map { "/accounts/$_" } @agents, 'platform'),
                  (map { "/coupons/$_" } sort keys %coupons),
                  (map { "/buyers/$_" } @regulars)) {
        my $json = $t->admin('GET', $path)->json;
        $all{$path} = { map { exists $json->{$_} ? ($_ => $json->{$_}) : () }
                        qw(frozen available reserved withdrawn debt earned
                           uses orders units spent) };
    }
    return \%all;
}
