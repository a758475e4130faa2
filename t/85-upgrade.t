# The binary upgrade, as a distribution does it at each update of nginx: USR2,
# both masters are there, QUIT of the old one.  Both have the same sockets, and
# each a shop of its own, so the new one takes the shop over as any server
# does, and the old one leaves the buyers to it.

use lib 't/lib';

use Faka::Test;
use Faka::Http::Line;
use Faka::Patient;
use Faka::Proc qw(slurp spew);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant { PAUSE_MS => 1000, HELD_SECONDS => 3 };


# A shop, its cards, and how often a worker has said that it leaves.

sub shop {
    my (%opt) = @_;

    my $t = Faka::Test->new(%opt)->start;
    my $shop = { t => $t, nginx => $t->nginx, told => Faka::Told->new,
                 said => 0, workers => scalar $t->nginx->workers };

    # Something that takes a while to be read.
    $t->product('bulk');
    $t->import_cards('bulk', long(20000, 40000));
    $t->product('drop');
    $shop->{cards} = $t->import_cards('drop', long(12000, 60000));
    return $shop;
}


sub check {
    my ($shop, $name) = @_;

    return $shop->{told}->check($shop->{t}, $name, cards => $shop->{cards});
}


# Buyers of three kinds: behind a proxy that keeps its connections, with a
# connection for each request, and some who come so often that they see how
# long nobody sells.

sub while_selling {
    my ($shop, $name, $work) = @_;

    my ($t, $nginx) = @$shop{qw(t nginx)};
    my %buyers = (
        proxy => Faka::Patient->start($t, sku => 'drop', servers => [$nginx]),
        each  => Faka::Patient->start($t, sku => 'drop', servers => [$nginx],
                                      keepalive => 0),
        often => Faka::Patient->start($t, sku => 'drop', servers => [$nginx],
                                      clients => 2, patience => 200,
                                      wait => 0.02, keepalive => 0),
    );
    sleep 0.3;
    $work->();
    sleep 0.3;

    my %parts = map { $_ => $buyers{$_}->stop } keys %buyers;
    for my $kind (sort keys %parts) {
        my $part = $parts{$kind};
        my $again = join(', ', map { "$part->{later}{$_} after $_" }
                               sort keys %{ $part->{later} }) || 'none';
        is($part->{failed}, '', "$name, $kind: none of $part->{sold} orders "
                                . "failed; second tries: $again");
        is($part->{later}{recovering}, undef,
           "$name, $kind: nobody was taken by a shop that was not open yet");
        $shop->{told}->merge($part->{told}->data);
    }

    my $pause_ms = $parts{often}{gap_ms};
    cmp_ok($pause_ms, '<', PAUSE_MS,
           sprintf '%s: the longest pause was %.0f ms', $name, $pause_ms);
    return check($shop, $name);
}


sub epoch { return $_[0]{t}->audit->json->{journal}{epoch} }


# So many workers of the old generation, all of them if it is not said, have
# left the buyers to the new one.

sub replaced {
    my ($shop, $workers) = @_;

    $shop->{said} += $workers || $shop->{workers};
    return wait_until(sub {
        my @said = $shop->{nginx}->error_log =~ /leaves the buyers to it/g;
        return @said >= $shop->{said};
    }, 5);
}


sub bought {
    my ($shop, $answer) = @_;

    $shop->{told}->bought($answer) if $answer->status == 201;
    return $answer->status;
}


my $main = shop();
my ($t, $nginx) = @$main{qw(t nginx)};
my $epoch = epoch($main);

for my $round (1 .. long(2, 10)) {
    while_selling($main, "upgrade $round", sub {
        ok($nginx->upgrade, "upgrade $round: USR2");
        ok(slurp($nginx->dir . '/nginx.pid')
           && slurp($nginx->dir . '/nginx.pid.oldbin'),
           "upgrade $round: two masters");
        ok(replaced($main),
           "upgrade $round: the old workers leave the buyers to the new");
        sleep 1;
        ok($nginx->quit_old, "upgrade $round: QUIT of the old master");
    });
    cmp_ok(epoch($main), '>', $epoch, "upgrade $round: under a new epoch");
    $epoch = epoch($main);
}


# An old generation that stays a while accepts nobody, and keeps no idle
# connection.

my @idle = map { Faka::Http::Line->new(port => $nginx->port) } 1 .. 8;
is(scalar(grep { $_->ask($t->request('GET', '/products'))->status == 200 }
          @idle), 8, 'eight connections wait for another request');
ok($nginx->upgrade && replaced($main), 'both are there');
ok(wait_until(sub { !grep { !$_->ended } @idle }, 3),
   'and the old one has closed them');
is(scalar(grep { bought($main, $t->checkout(sku => 'drop')) == 201 } 1 .. 40),
   40, 'each new connection lands where the shop is open');
ok($nginx->quit_old, 'the old one ends');


# A worker of the old generation that stood still knows nothing of it when it
# goes on, and there is a buyer, and nobody else to accept him.

{
    my ($asleep) = $nginx->workers;
    kill 'STOP', $asleep;
    ok($nginx->upgrade && replaced($main, 1),
       'one of two old workers leaves the buyers to the new, one sleeps');
    my @new = $nginx->workers;
    ok($t->wait_open, 'the new one sells');
    kill 'STOP', @new;

    my %drop = (sku => 'drop', key => 'who-comes-meanwhile');
    my $buyer = $t->background(sub { return $t->checkout(%drop)->status });
    sleep 0.2;
    kill 'CONT', $asleep;
    ok(replaced($main, 1), 'the sleeper leaves him, too');
    kill 'CONT', @new;
    is($buyer->wait, 201, 'he is sold to by the new one');
    $main->{told}->bought($t->checkout(%drop));
    ok($nginx->quit_old, 'the old one ends');
}


# Back: the new master is told to QUIT, and the old one sells again, with a
# HUP or without.

for my $hup (0, 1) {
    my $name = 'taken back' . ($hup ? ', HUP' : '');

    ok($nginx->upgrade && replaced($main), "$name: both are there");
    my $since = time;
    ok($nginx->quit_new, "$name: QUIT of the new master");
    kill 'HUP', $nginx->master if $hup;
    ok(wait_until(sub {
        return bought($main, $t->checkout(sku => 'drop')) == 201;
    }, 10), sprintf '%s: the old one sells, after %.1f s', $name,
                    time - $since);
    ok(wait_until(sub { $nginx->workers == 2 }, 5),
       "$name: with all its workers");
    check($main, $name);
}


# As nginx's manual has it: WINCH ends the old workers, HUP of the old master
# starts new ones while the new generation sells, then that one is told to
# QUIT.

ok($nginx->upgrade && replaced($main), 'once more');
kill 'WINCH', $nginx->old;
sleep 0.5;
kill 'HUP', $nginx->old;
sleep 0.5;
is(bought($main, $t->checkout(sku => 'drop')), 201,
   'WINCH, HUP: the new one sells');
ok($nginx->quit_new, 'QUIT of the new master');
ok($t->wait_open, 'the old one sells again');
while_selling($main, 'after all that', sub { sleep 0.5 });


# Other ways to accept: one socket for each worker, one worker at a time, one
# worker.  A HUP while both are there, and QUIT of the old master before the
# new one has taken over, as Debian's script does it.

my @ways = (
    { name => 'reuseport', opt => { listen => 'reuseport' } },
    { name => 'accept_mutex', opt => { events => 'accept_mutex on;' } },
    { name => 'one worker', opt => { workers => 1 }, hup => 1 },
    { name => 'QUIT at once', opt => {}, at_once => 1 },
);

for my $way (@ways) {
    my $shop = shop(%{ $way->{opt} });
    my $their = $shop->{nginx};

    while_selling($shop, $way->{name}, sub {
        ok($their->upgrade, "$way->{name}: USR2");
        kill 'HUP', $their->master if $way->{hup};
        ok(replaced($shop), "$way->{name}: the old workers leave")
            unless $way->{at_once};
        ok($their->quit_old, "$way->{name}: QUIT of the old master");
    });
    $shop->{t}->finish;
}


# A new binary whose shop does not open: the other sites are the old one's as
# long as it is there, and then they do not wait for ever.

spew($nginx->dir . '/html/site.txt', 'another site');
my $site = $t->request('GET', '/site.txt');
$t->redis->pause;
ok($nginx->upgrade, 'USR2 while Redis stands still');
is(scalar(grep { $_->status == 200 && $_->ms < 500 }
          map { http_one($site) } 1 .. 40), 40,
   'the old one serves another site');
ok($nginx->quit_old, 'it ends');
my $answer = http_one($site);
is($answer->status, 200, 'the new one serves it');
cmp_ok($answer->ms, '<', HELD_SECONDS * 1000 + 1000,
       sprintf 'after %.0f ms', $answer->ms);
is($t->checkout(sku => 'drop')->code, 'recovering', 'and sells nothing yet');
$t->redis->cont;
ok($t->wait_open, 'it does when Redis goes on');
check($main, 'after a late opening');


# A standby follows for as long as there is an owner: nobody waits for that.

my $second = $t->another_nginx(shop => { role => 'standby' });
$second->start;
spew($second->dir . '/html/site.txt', 'another site');
ok($second->wait_log(qr/follows as its standby/, 5), 'a standby follows');
ok($second->upgrade && $second->quit_old, 'it is upgraded, too');
$answer = http_one($t->request('GET', '/site.txt', nginx => $second));
is($answer->status, 200, 'it serves another site');
cmp_ok($answer->ms, '<', 1000, sprintf 'after %.0f ms', $answer->ms);
is($t->shop_state(nginx => $second), 'recovering', 'and follows');
