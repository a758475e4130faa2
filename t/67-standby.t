# An owner and its standby: the owner dies, stands still, is told to hand
# over; both die.  Selling goes on, nothing that was told is lost, and never
# do two of them sell.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Patient;
use Faka::Proc qw(children);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant BACK_SECONDS => 2;

my $t = Faka::Test->new->start;
my $first = $t->nginx;
my $second = $t->another_nginx(shop => { role => 'standby' });

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
my $told = Faka::Told->new;

$t->product('probe');
$t->import_cards('probe', 1000);

$second->start;
ok(follows($second), 'the second server follows the first');


# What a standby shows.

my $answer = $t->checkout(sku => 'drop', nginx => $second);
is($answer->status, 503, 'a standby does not sell');
is($answer->code, 'recovering', 'it says what it does');
ok($answer->header('retry-after'), 'and when to come again');

my $load = Faka::Load->start($t, sku => 'drop');
sleep 1;
$told->merge($load->stop->data);
ok(wait_until(sub {
    return $t->metrics->{faka_journal_durable_seq}
           == $t->metrics(nginx => $second)->{faka_journal_seq};
}, 3), 'it has every record of the owner');


# kill -9 of the owner, all processes at once.

for my $round (1 .. long(2, 20)) {
    my ($owner, $standby) = roles();

    $load = Faka::Load->start($t, sku => 'drop', nginx => $owner);
    sleep 0.3;
    my $since = time;
    kill_nginx($owner);
    my $took = sells_again($standby, $since);
    cmp_ok($took, '<', BACK_SECONDS,
           sprintf 'round %d: selling again after %.0f ms', $round,
                   $took * 1000);
    $told->merge($load->stop->data);
    $told->check($t, "round $round", nginx => $standby, cards => $cards);

    $owner->start;
    ok(follows($owner), "round $round: the dead one is back, as the standby");
}


# The same when nobody can see that the owner's process is gone: as on
# another machine, only its sign of life runs out.

for my $round (1 .. long(2, 20)) {
    my ($owner, $standby) = roles();
    my @frozen = processes($owner);

    $load = Faka::Load->start($t, sku => 'drop', nginx => $owner,
                              timeout => 8);
    sleep 0.3;
    my $since = time;
    kill 'STOP', @frozen;
    my $took = sells_again($standby, $since);
    cmp_ok($took, '<', BACK_SECONDS,
           sprintf 'SIGSTOP %d: selling again after %.0f ms', $round,
                   $took * 1000);
    my $mine = $t->checkout(sku => 'drop', nginx => $standby);
    $told->bought($mine);
    sleep 5 - (time - $since);

    # Those who asked meanwhile are in the queue of its sockets.
    my $asked = $t->background(sub {
        my $answers = http_many([map { $t->checkout_request(
            sku => 'probe', nginx => $owner) } 1 .. 20], timeout => 8);
        return [map { $_->status } @$answers];
    });
    sleep 0.2;
    kill 'CONT', @frozen;
    is(join(' ', grep { $_ != 503 } @{ $asked->wait }), '',
       "SIGSTOP $round: the old owner acknowledges nothing any more");
    ok(follows($owner), "SIGSTOP $round: and follows");

    $told->merge($load->stop->data);
    $told->check($t, "SIGSTOP $round", nginx => $standby, cards => $cards);
    is(state_of($standby), 'open', "SIGSTOP $round: the other one sells on");
}


# Handed over and back by the operator, under load; not so often that whoever
# comes again after a second meets the next one.

my $buyers = Faka::Patient->start($t, sku => 'drop',
                                  servers => [$first, $second]);
for my $round (1 .. long(3, 40)) {
    my ($owner, $standby) = roles();
    sleep 2;
    is($t->admin('POST', '/takeover', undef, nginx => $standby)->status, 202,
       "handed over, round $round");
    ok($t->wait_open($standby), "round $round: it sells");
    ok(follows($owner), "round $round: the other one follows");
}
sleep 0.5;
my $part = $buyers->stop;
is($part->{failed}, '', 'who asked once more had an answer');
cmp_ok($part->{gap_ms}, '<', 2000,
       sprintf '%d orders, %d second tries, %d ms without one at most',
               @$part{qw(sold again gap_ms)});
$told->merge($part->{told}->data);
my ($owner, $standby) = roles();
$told->check($t, 'handed over', nginx => $owner, cards => $cards);


# Both are killed; either one is enough.

for my $round (1 .. long(2, 10)) {
    kill_nginx($_) for $first, $second;
    my ($one, $other) = $round % 2 ? ($second, $first) : ($first, $second);
    $one->start;
    ok($t->wait_open($one), "both killed, round $round: one is enough");
    $told->check($t, "both killed, round $round", nginx => $one,
                 cards => $cards);
    $other->start;
    ok(follows($other), "both killed, round $round: the other one follows");
}


sub state_of { return $t->shop_state(nginx => $_[0]) }

sub processes {
    my ($nginx) = @_;

    return ($nginx->master, children($nginx->master));
}


sub kill_nginx {
    my ($nginx) = @_;

    kill 'KILL', processes($nginx);
    $nginx->kill_all;
}


sub follows {
    my ($nginx) = @_;

    return wait_until(sub {
        return 0 unless state_of($nginx) eq 'recovering';
        my @lines = grep { /its standby|taken over|is open/ }
                    split /\n/, $nginx->error_log;
        return @lines && $lines[-1] =~ /its standby/;
    }, 5);
}


sub roles {
    my ($owner) = grep { state_of($_) eq 'open' } $first, $second;

    die 'nobody sells' unless $owner;
    return ($owner, $owner == $first ? $second : $first);
}


# Seconds from then until an order; unlike the metric, that is what counts.

sub sells_again {
    my ($nginx, $since) = @_;

    wait_until(sub {
        return $t->checkout(sku => 'probe', nginx => $nginx)->status == 201;
    }, 10) or return 99;
    return time - $since;
}
