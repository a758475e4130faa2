# One writer: of two servers on one shop the one that came last sells, and
# the other one knows that it may not.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Told;

my $t = Faka::Test->new->start;
my $first = $t->nginx;
my $second = $t->another_nginx;

$t->product('drop');
my $cards = $t->import_cards('drop', long(16000, 60000));
my $told = Faka::Told->new;

# For single tries: one that ends in 503 may have made an order all the same.
$t->product('probe');
$t->import_cards('probe', 100);


# A takeover while both are asked to sell.

my @loads = map { Faka::Load->start($t, sku => 'drop', clients => 1,
                                    nginx => $_) } $first, $second;
select undef, undef, undef, 0.7;
$second->start;
ok($t->wait_open($second), 'the second server opens');
ok($first->wait_log(qr/\[error\].*is fenced.*another server has taken/),
   'the first one says that it is fenced');
select undef, undef, undef, 0.7;
my @tolds = map { $_->stop } @loads;
cmp_ok($_->count('checkout 201'), '>', 0, 'sold something: ' . $_->summary)
    for @tolds;

fenced_ok($first, 'the first');
is(state_of($second), 'open', 'the second is open');
$told->merge($_->data) for @tolds;
$told->check($t, 'after the takeover', nginx => $second, cards => $cards);


# A server that had nothing to do when it lost its shop must not sell first
# and ask later; and it learns of it without a buyer.

$first->restart;
ok($t->wait_open($first), 'the first one takes the shop back');
my $answer = $t->checkout(sku => 'drop', nginx => $second);
is($answer->status, 503, 'the idle one does not sell');
fenced_ok($second, 'the idle one');

$second->restart;
ok($t->wait_open($second), 'the second one takes it again');
ok(wait_until(sub { state_of($first) eq 'fenced' }, 3),
   'nobody asked the first one anything, and it is fenced');
$first->restart;
ok($t->wait_open($first), 'and back once more');

my $mine = $t->checkout(sku => 'drop', nginx => $first);
is($mine->status, 201, 'the owner does');
$told->bought($mine);


# A fenced server does not come back by itself, not even after its Redis
# does; a reload leaves it as it is.

$t->redis->restart;
ok(wait_until(sub {
    return $t->checkout(sku => 'probe', nginx => $first)->status == 201;
}, 5), 'Redis restarted: the owner sells');
ok($second->reload, 'the other one is reloaded');
fenced_ok($second, 'the reloaded one');
$told->check($t, 'the owner has it all', nginx => $first, cards => $cards);


# Both start in the same moment: Redis, stopped for that long, hears them
# together.

for my $round (1 .. long(2, 20)) {
    $_->stop for $first, $second;
    $t->redis->pause;
    $_->start for $first, $second;
    select undef, undef, undef, 0.2;
    $t->redis->cont;

    @loads = map { Faka::Load->start($t, sku => 'drop', clients => 1,
                                     nginx => $_) } $first, $second;
    my ($owner, $loser);
    ok(wait_until(sub {
        ($owner) = grep { state_of($_) eq 'open' } $first, $second;
        ($loser) = grep { state_of($_) eq 'fenced' } $first, $second;
        return $owner && $loser;
    }, 10), "start $round: one is open, one fenced")
        or diag(map { state_of($_) . "\n" } $first, $second), last;
    select undef, undef, undef, 0.3;
    $told->merge($_->stop->data) for @loads;

    fenced_ok($loser, "start $round: the other one");
    $told->check($t, "start $round", nginx => $owner, cards => $cards);
}


sub state_of { return $t->shop_state(nginx => $_[0]) }


sub fenced_ok {
    my ($nginx, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(state_of($nginx), 'fenced', "$name: so says its metric");

    my @answers = @{ http_many([map { $t->checkout_request(
        sku => 'drop', nginx => $nginx) } 1 .. 20]) };
    is(scalar(grep { $_->status == 503 && $_->code eq 'unavailable'
                     && $_->header('retry-after') } @answers), 20,
       "$name: every checkout is 503 with Retry-After")
        or diag($answers[0]->brief);
}
