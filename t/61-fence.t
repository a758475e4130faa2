# One writer: of two servers on one shop one sells, and the other one follows
# as its standby.  It sells when the first one is gone or its operator says so,
# and whoever sold until then knows that it may not any more.

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


# A second server disturbs nobody.

my @loads = map { Faka::Load->start($t, sku => 'drop', clients => 1,
                                    nginx => $_) } $first, $second;
select undef, undef, undef, 0.5;
$second->start;
ok($second->wait_log(qr/\[notice\].*another server sells; .*its standby/),
   'the second server says that it follows');
select undef, undef, undef, 0.5;
unlike($first->error_log, qr/is fenced/, 'the first one is not fenced');
standby_ok($second, 'the second');
is($t->checkout(sku => 'probe', nginx => $first)->status, 201,
   'the first one sells');


# A takeover while both are asked to sell.

my $answer = takeover($second);
is($answer->status, 202, 'its operator wants it to sell');
is($answer->json->{state}, 'recovering', 'and is told what it does');
ok($t->wait_open($second), 'it opens');
ok($first->wait_log(qr/\[error\].*is fenced.*another server has taken/),
   'the first one says that it is fenced');
ok($first->wait_log(qr/is fenced.*another server sells; .*its standby/s),
   'and follows');
select undef, undef, undef, 0.5;
my @tolds = map { $_->stop } @loads;
cmp_ok($_->count('checkout 201'), '>', 0, 'sold something: ' . $_->summary)
    for @tolds;

standby_ok($first, 'the first');
is(state_of($second), 'open', 'the second is open');
$told->merge($_->data) for @tolds;
$told->check($t, 'after the takeover', nginx => $second, cards => $cards);
is(takeover($second)->status, 200, 'who sells already is told so');
is($t->http('POST', '/admin/takeover', nginx => $first)->status, 401,
   'a stranger takes nothing over');
is(state_of($second), 'open', 'nothing came of that');


# A server that had nothing to do when it lost its shop must not sell first
# and ask later; and it learns of it without a buyer.

is(takeover($first)->status, 202, 'the first one takes the shop back');
ok($t->wait_open($first), 'and opens');
is($t->checkout(sku => 'drop', nginx => $second)->status, 503,
   'the idle one does not sell');
standby_ok($second, 'the idle one');

is(takeover($second)->status, 202, 'the second one takes it again');
ok(wait_until(sub { state_of($first) eq 'recovering' }, 3),
   'nobody asked the first one anything, and it follows');
is(takeover($first)->status, 202, 'and back once more');
ok($t->wait_open($first), 'open');

my $mine = $t->checkout(sku => 'drop', nginx => $first);
is($mine->status, 201, 'the owner sells');
$told->bought($mine);


# A restart of Redis, or a reload of the standby, changes nothing.

$t->redis->restart;
ok(wait_until(sub {
    return $t->checkout(sku => 'probe', nginx => $first)->status == 201;
}, 5), 'Redis restarted: the owner sells');
ok($second->reload, 'the other one is reloaded');
standby_ok($second, 'the reloaded one');
$told->check($t, 'the owner has it all', nginx => $first, cards => $cards);

ok($first->reload, 'the owner is reloaded');
is($t->checkout(sku => 'probe', nginx => $first)->status, 201,
   'and goes on');


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
    my ($owner, $other);
    ok(wait_until(sub {
        ($owner) = grep { state_of($_) eq 'open' } $first, $second;
        ($other) = grep { state_of($_) eq 'recovering'
                          && $_->error_log =~ /its standby/ } $first, $second;
        return $owner && $other;
    }, 10), "start $round: one is open, one follows")
        or diag(map { state_of($_) . "\n" } $first, $second), last;
    select undef, undef, undef, 0.3;
    $told->merge($_->stop->data) for @loads;

    standby_ok($other, "start $round: the other one");
    $told->check($t, "start $round", nginx => $owner, cards => $cards);
}


sub state_of { return $t->shop_state(nginx => $_[0]) }


sub takeover {
    my ($nginx) = @_;

    return $t->admin('POST', '/takeover', undef, nginx => $nginx);
}


# It answers, but sells nothing, and says what it is at.

sub standby_ok {
    my ($nginx, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(sub { state_of($nginx) eq 'recovering' }, 5),
       "$name: so says its metric");

    my @answers = @{ http_many([map { $t->checkout_request(
        sku => 'drop', nginx => $nginx) } 1 .. 20]) };
    is(scalar(grep { $_->status == 503 && $_->code eq 'recovering'
                     && $_->header('retry-after') } @answers), 20,
       "$name: every checkout is 503 with Retry-After")
        or diag($answers[0]->brief);
}
