# The stream of events: each thing that happens is one entry, in order and
# once, whoever is killed; nothing in it is secret, and any consumer group
# reads it.

use lib 't/lib';

use Faka::Test;
use Faka::Events;
use Faka::Load;
use Faka::Proc qw(wait_gone);

use Time::HiRes qw(sleep);

my $key = 'faka:{main}:events';
my $t = Faka::Test->new(shop => { hold => '10m', events => 100_000 });
$t->own_clock->start;
my $redis = $t->redis;
my $nginx = $t->nginx;


# What has been written since the last call, by event and order.

my ($last, %name) = ('');

sub tells {
    my ($what, @expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_until(sub { events($redis, $last) >= @expected }, 5);
    ok(events_written($t), "$what: written");

    my @new = events($redis, $last);
    is_deeply([map { "$_->{event} " . ($name{ $_->{order} // '' } // '-') }
               @new], \@expected, $what);
    $last = $new[-1]{id} if @new;
    return @new;
}


sub checkout {
    my ($name, %fields) = @_;

    my $order = $t->checkout(sku => 'gold', %fields)->json;
    $name{ $order->{order} } = $name;
    return $order;
}


sub decide {
    my ($order, $word, $body) = @_;

    my $answer = $t->admin('POST', "/orders/$order->{order}/$word", $body);
    die $answer->brief . "\n" if $answer->status != 200;
}


sub pays {
    my ($order, %fields) = @_;

    is($t->notify($order, %fields)->body, 'success', 'a payment');
}


# ---- each event, once ----------------------------------------------------

$t->product('gold', price => 990);
my @cards = @{ $t->import_cards('gold', 3) };
my ($changed, $imported) = tells('a product and its cards',
                                 'product.changed -', 'stock.imported -');
is("@$changed{qw(sku price currency on_sale)}", 'gold 990 CNY 1', 'the price');
is("@$imported{qw(sku qty)}", 'gold 3', 'how many');

my $paid = checkout('paid');
tells('a checkout is no event');
pays($paid, trade_no => 'T-1');
my ($delivered, $applied) = tells('paid', 'order.delivered paid',
                                  'payment.applied paid');
is_deeply($delivered,
          { id => $delivered->{id}, event => 'order.delivered',
            time => $delivered->{time}, order => $paid->{order},
            sku => 'gold', qty => 1, amount => 990, currency => 'CNY',
            channel => 'epay' }, 'all that is said of an order');
is_deeply($applied,
          { id => $applied->{id}, event => 'payment.applied',
            time => $applied->{time}, order => $paid->{order},
            amount => 990, channel => 'epay', trade_no => 'T-1' },
          'and of a payment');
cmp_ok(abs($delivered->{time} - time), '<', 30, 'when it happened');
like($delivered->{id}, qr/\A[1-9]\d{12}-[1-9]\d*000\z/,
     'its id: the epoch, the record');

pays($paid, trade_no => 'T-1');
tells('a notice that comes again is none');
pays($paid, trade_no => 'T-2');
tells('paid twice', 'payment.refund_due paid');
decide($paid, 'refunded', { trade_no => 'T-2' });
tells('and given back', 'payment.refunded paid');

my $cancelled = checkout('cancelled');
is($t->http('POST', "/orders/$cancelled->{order}/cancel",
            headers => { Authorization => "Bearer $cancelled->{token}" })
   ->status, 200, 'cancelled');
tells('cancelled', 'order.cancelled cancelled');

my $late = checkout('late');
$t->later(300);
my $waits = checkout('waits');
$t->later(301);
tells('a hold that ran out', 'order.expired late');
$t->later(300);
tells('and another', 'order.expired waits');
pays($late);
tells('paid late', 'order.delivered late', 'payment.applied late');

my $short = checkout('short');
pays($short, money => '0.01');
my @review = tells('a wrong sum', 'order.under_review short',
                   'payment.review short');
is("$review[0]{amount} $review[1]{amount}", '990 1', 'wanted and paid');
decide($short, 'approve');
tells('approved', 'order.delivered short', 'payment.applied short');

pays($waits);
tells('paid, and nothing left', 'order.waiting_for_stock waits',
      'payment.applied waits');
push @cards, @{ $t->import_cards('gold', 2) };
tells('stock comes', 'stock.imported -', 'order.delivered waits');

my $denied = checkout('denied');
pays($denied, money => '0.02', trade_no => 'D-1');
decide($denied, 'deny');
decide($denied, 'refunded', { trade_no => 'D-1' });
tells('denied', map { "$_ denied" }
      qw(order.under_review payment.review order.refund_due
         payment.refund_due order.refunded payment.refunded));


# ---- nothing secret -------------------------------------------------------

my $dump = join "\n", map { join ' ', %$_ } events($redis);
is(scalar(grep { index($dump, $_) >= 0 } @cards), 0, 'no card key');
unlike($dump, qr/buyer\@example/, 'no contact');
is(scalar(grep { index($dump, $_->{token}) >= 0 } $paid, $late, $denied), 0,
   'no token');
my %fields = map { $_ => 1 } map { keys %$_ } events($redis);
is(join(' ', sort keys %fields), 'amount batch channel currency event id '
   . 'on_sale order price qty sku time trade_no', 'these fields and no other');


# ---- a consumer group ------------------------------------------------------

is($redis->cmd('XGROUP', 'CREATE', $key, 'erp', '0'), 'OK', 'a group');
my ($stream) = @{ $redis->cmd(qw(XREADGROUP GROUP erp one COUNT 1000 STREAMS),
                              $key, '>') };
is_deeply([map { $_->[0] } @{ $stream->[1] }],
          [map { $_->{id} } events($redis)], 'reads all of it');
is($redis->cmd('XACK', $key, 'erp', map { $_->[0] } @{ $stream->[1] }),
   scalar @{ $stream->[1] }, 'and acknowledges it');


# ---- deleted by hand, and off ----------------------------------------------

my @before = map { join ' ', map { $_ // '' } @$_{qw(id event order)} }
             events($redis);
$redis->cmd('DEL', $key);
my $after = checkout('after');
is($t->http('POST', "/orders/$after->{order}/cancel",
            headers => { Authorization => "Bearer $after->{token}" })->status,
   200, 'an event more');
ok(wait_until(sub { events($redis) > @before }, 5),
   'what the journal has is told');
my @again = events($redis);
$last = $again[-1]{id};
is_deeply([map { join ' ', map { $_ // '' } @$_{qw(id event order)} }
           @again[0 .. $#before]], \@before, 'again, under the same ids');

$nginx->{opt}{shop}{events} = 'off';
ok($nginx->restart && $t->wait_open, 'restarted with events off');
my $silent = checkout('silent');
pays($silent);
sleep 1;
is(scalar(events($redis, $last)), 0, 'nothing is written');
is($t->metrics->{faka_events_lag_records}, 0, 'and nothing is behind');

$nginx->{opt}{shop}{events} = 100;
ok($nginx->restart && $t->wait_open, 'and on again');
tells('what came meanwhile is told', 'order.delivered silent',
      'payment.applied silent');


# ---- killed, and killed, and killed -----------------------------------------

$t->finish;
$t = Faka::Test->new(shop => { events => 100_000 })->start;
$redis = $t->redis;
$nginx = $t->nginx;
$t->product('drop');
$t->import_cards('drop', 20000);

my $load = Faka::Load->start($t, sku => 'drop');

for my $round (1 .. long(8, 60)) {
    sleep 0.3;
    my ($victim) = sort { rand() <=> 0.5 } $nginx->workers;
    $nginx->expect_alert(qr/worker process $victim exited on signal 9/);
    kill 'KILL', $victim;
    wait_gone($victim, 5);
    wait_until(sub { $nginx->workers == 2 }, 5);

    if ($round % 3 == 0) {
        $redis->kill9;
        $redis->start;
    }

    if ($round % 4 == 0) {
        $nginx->kill_all;
        $nginx->start;
    }
}

my $told = $load->stop;
ok($told->settle($t), 'every purchase got its answers');
events_tell_sales($t, $redis, 'killed');
is($t->metrics->{faka_events_lost_records_total}, 0, 'nothing is missing');
unlike($nginx->error_log, qr/for the events|events of records|the events in/,
       'and nothing was wrong');
$t->audit_ok;
