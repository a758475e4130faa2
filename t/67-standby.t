# An owner and its standby: the owner dies, stands still, is told to hand
# over; both die.  Selling goes on, nothing that was told is lost, and never
# do two of them sell.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Patient;
use Faka::Proc qw(children slurp);
use Faka::Told;

use List::Util qw(min);
use Time::HiRes qw(sleep time);

use constant BACK_SECONDS => 2;
use constant BACK_SHORT_SECONDS => 4;

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
# another machine, only its sign of life runs out.  One that stood still
# between the sign and the records of which the sign tells is waited for
# longer; that happens to few.

my @back;
for my $round (1 .. long(2, 20)) {
    my ($owner, $standby) = roles();
    my @frozen = processes($owner);

    $load = Faka::Load->start($t, sku => 'drop', nginx => $owner,
                              timeout => 8);
    sleep 0.3;
    my $since = time;
    kill 'STOP', @frozen;
    my $took = sells_again($standby, $since);
    push @back, $took;
    cmp_ok($took, '<', BACK_SHORT_SECONDS,
           sprintf 'SIGSTOP %d: selling again after %.0f ms', $round,
                   $took * 1000);
    my $mine = $t->checkout(sku => 'drop', nginx => $standby);
    is($mine->status, 201, "SIGSTOP $round: and on") or diag($mine->body);
    $told->bought($mine) if $mine->status == 201;
    sleep 5 - (time - $since);

    # Those who asked meanwhile are in the queue of its sockets; of gateways,
    # for an order that it does not know.
    my $asked = $t->background(sub {
        my $answers = http_many([map {
            $t->notify_request($mine->json, nginx => $owner,
                               trade_no => "late-$round-$_"),
            $t->checkout_request(sku => 'probe', nginx => $owner)
        } 1 .. 20], timeout => 8);
        return [map { $_->status } @$answers];
    });
    sleep 0.2;
    kill 'CONT', @frozen;
    is(join(' ', grep { $_ != 503 } @{ $asked->wait }), '',
       "SIGSTOP $round: the old owner acknowledges nothing any more");
    is($t->redis->cmd('EXISTS', 'faka:{main}:strays'), 0,
       "SIGSTOP $round: and takes no payment for a stray");
    ok(follows($owner), "SIGSTOP $round: and follows");

    $told->merge($load->stop->data);
    $told->check($t, "SIGSTOP $round", nginx => $standby, cards => $cards);
    is(state_of($standby), 'open', "SIGSTOP $round: the other one sells on");
}
cmp_ok(min(@back), '<', BACK_SECONDS, 'SIGSTOP: mostly as soon');


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


# The same behind the proxy of README.md, with its very lines.  Whoever comes
# through it is told to come again, and never that something is broken.

my $proxy = proxy();
$proxy->start;
is($t->checkout(sku => 'probe', nginx => $proxy)->status, 201,
   'the proxy finds the server that sells') for 1 .. 4;

for my $round (1 .. long(2, 20)) {
    my ($owner, $standby) = roles();

    $buyers = patient();
    sleep 0.5;
    my $since = time;
    kill_nginx($owner);
    my $took = sells_again($proxy, $since);
    cmp_ok($took, '<', BACK_SECONDS,
           sprintf 'proxy %d: a buyer is sold to again after %.0f ms', $round,
                   $took * 1000);
    sleep 2;
    served("proxy $round", $standby);

    $owner->start;
    ok(follows($owner), "proxy $round: the dead one is back");
}

{
    my ($owner, $standby) = roles();
    my @frozen = processes($owner);

    $buyers = patient();
    sleep 0.5;
    kill 'STOP', @frozen;
    sleep 8;
    served('proxy, a server hangs', $standby);
    kill 'CONT', @frozen;
    ok(follows($owner), 'proxy: it goes on, and follows');
}

{
    # Where both are dead, the proxy has nobody to ask.
    kill_nginx($_) for $first, $second;
    my $later = $t->checkout(sku => 'probe', nginx => $proxy);
    is($later->status, 503, 'proxy: both dead, and it is not called broken');
    ok($later->header('retry-after'), '.. and it says when to come again');
    $_->start for $first, $second;
    ok(wait_until(sub { grep { state_of($_) eq 'open' } $first, $second }, 5),
       'one of them sells');
    ok(wait_until(sub {
        grep { state_of($_) eq 'recovering' } $first, $second }, 5),
       'the other one follows');
}


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


# An nginx without the module that has what README.md tells an operator to
# write, but for the addresses.

sub proxy {
    my ($block) = grep { /^upstream / }
                  slurp('README.md') =~ /^```nginx\n(.*?)^```/gms;
    my ($upstream) = $block =~ /^(upstream .*?^\})/ms;
    my @locations = $block =~ /^(location .*?^\})/gms;

    my @ports = map { $_->port } $first, $second;
    is($upstream =~ s/10\.0\.0\.\d:8080/'127.0.0.1:' . shift @ports/ge, 2,
       'README.md shows a proxy of two servers');
    return $t->another_nginx(module => '', http => $upstream, locations =>
                             join "\n", @locations);
}


sub patient {
    return Faka::Patient->start($t, sku => 'drop', servers => [$proxy],
                                patience => 8);
}


sub served {
    my ($name, $nginx) = @_;

    my $part = $buyers->stop;
    is($part->{failed}, '', "$name: nobody is told of anything but later");
    is_deeply([grep { !/\A(?:503|recovering|fenced|unavailable)\z/ }
               keys %{ $part->{later} }], [], "$name: by a clear answer");
    cmp_ok($part->{gap_ms}, '<', 6000, sprintf '%s: %d orders, %d ms without '
           . 'one at most', $name, @$part{qw(sold gap_ms)});
    $told->merge($part->{told}->data);
    $told->check($t, $name, nginx => $nginx, cards => $cards);
}


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
