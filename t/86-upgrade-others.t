# A binary upgrade that is not alone: beside a standby, beside a second shop,
# beside stream{}; with a new file of the module; and on a machine that cannot
# be told from others.

use lib 't/lib';

use Faka::Test;
use Faka::Http::Line;
use Faka::Proc qw(children free_port slurp spew wait_gone);

use File::Copy qw(copy);
use IO::Select;
use IO::Socket::INET;
use List::Util qw(max);
use Time::HiRes qw(sleep time);

use constant { BACK_SECONDS => 3, LINE_SECONDS => 1, QUEUE_SECONDS => 12,
               HELD_SECONDS => 1.5, BUSY_PERCENT => 15 };

my $STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';


sub shop {
    my (%opt) = @_;

    my $t = Faka::Test->new(%opt)->start;
    $t->product('drop');
    $t->import_cards('drop', 500);
    spew($t->nginx->dir . '/html/site.txt', 'another site');
    return $t;
}


sub said {
    my ($nginx, $what) = @_;

    return scalar(() = $nginx->error_log =~ /$what/g);
}


sub replaced {
    my ($t, $count) = @_;

    return wait_until(sub {
        return said($t->nginx, 'leaves the buyers to it') >= $count;
    }, 5);
}


# Seconds until another site of the first server answers; it is asked once.

sub site_after {
    my ($t) = @_;

    my $since = time;
    my $answer = http_one($t->request('GET', '/site.txt',
                                      timeout => QUEUE_SECONDS));
    return $answer->status == 200 ? time - $since : QUEUE_SECONDS;
}


sub follows {
    my ($t, $nginx) = @_;

    return wait_until(sub {
        my $metrics = $t->metrics(nginx => $nginx);
        return $metrics->{'faka_shop_state{state="recovering"}'}
               && said($nginx, 'follows as its standby');
    }, 5);
}


# A file that is sent as slowly as it is read keeps its worker.

sub slow_request {
    my ($t) = @_;

    my $nginx = $t->nginx;
    spew($nginx->dir . '/html/big.bin', 'x' x 50_000_000);
    my $line = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $nginx->port)
        or die "connect: $!";
    print $line "GET /big.bin HTTP/1.1\r\nHost: slow\r\n\r\n";
    sysread $line, my $bytes, 1000 or die "nothing of the file: $!";
    return $line;
}


# The new generation is gone, and the standby was quicker than the old one:
# which then follows it, but accepts, for its other sites.

for my $way ('QUIT', 'KILL', 'QUIT, a slow request') {
    my $t = shop();
    my ($first, $second) = ($t->nginx,
                            $t->another_nginx(shop => { role => 'standby' }));
    $second->start;
    ok($second->wait_log(qr/follows as its standby/, 5), "$way: a standby");
    ok($first->upgrade && replaced($t, 2), "$way: the new one sells");

    # The standby comes first whatever it costs.
    my $master = $first->master;
    my @old = grep { $_ != $master } children($first->old);
    kill 'STOP', @old;
    my $slow = $way =~ /slow/ ? slow_request($t) : undef;

    if ($way eq 'KILL') {
        my $new = $master;
        $first->expect_alert(qr/new binary process $new exited on signal 9/);
        my $pid = $first->old;
        $first->kill_all;
        @$first{qw(master old)} = ($pid, undef);
    } elsif ($slow) {
        kill 'QUIT', $master;
    } else {
        ok($first->quit_new, "$way: it ends");
    }
    ok($t->wait_open($second, 10), "$way: the standby sells");
    kill 'CONT', @old;

    my $took = site_after($t);
    cmp_ok($took, '<', BACK_SECONDS + 2 * !!$slow,
           sprintf '%s: the old one accepts, after %.1f s', $way, $took);

    if ($slow) {
        ok(kill(0, $master), "$way: while the new one is still there");
        close $slow;
        ok(wait_gone($master, 10), "$way: it ends");
        @$first{qw(master old)} = ($first->old, undef);
    }
    ok(follows($t, $first), "$way: and follows the standby");
    is($t->checkout(sku => 'drop', nginx => $second)->status, 201,
       "$way: which sells");
    $t->finish;
}


# The new generation loses its shop to another server while the old master is
# still there: that is no reason to let other sites wait.

{
    my $t = shop();
    my $second = $t->another_nginx(shop => { role => 'standby' });
    $second->start;
    ok($second->wait_log(qr/follows as its standby/, 5), 'a standby follows');
    ok($t->nginx->upgrade && replaced($t, 2), 'two masters');
    ok($t->wait_open, 'the new one sells');

    $t->admin('POST', '/takeover', undef, nginx => $second);
    my ($until, $most) = (time + 2, 0);
    while (time < $until) {
        my $took = site_after($t);
        $most = $took if $took > $most;
        sleep 0.005;
    }
    is($t->shop_state(nginx => $second), 'open', 'the standby took it over');
    cmp_ok($most, '<', 1, sprintf 'another site waited %.0f ms at most',
                                  $most * 1000);
    $t->finish;
}


# Two shops, of which the new configuration has one: the other stays with the
# old generation, which goes on writing it down.

{
    my $port = free_port();
    my $t = Faka::Test->new;
    my $nginx = $t->nginx;
    my $two = $nginx->_shop =~ s/faka_shop main/faka_shop two/r;
    $nginx->{opt}{http} = ($two =~ s/hold 15m;/hold 15m; snapshot 1m 10s;/r)
        . "server { listen 127.0.0.1:$port;"
        . ' location /admin/ { faka_admin two; } }';
    $t->start;
    ok(wait_until(sub {
        return $t->admin('PUT', '/products/drop',
                         { name => 'Drop', price => 100, currency => 'CNY',
                           kind => 'card' }, port => $port)->status == 201;
    }, 5), 'two shops');

    $nginx->{opt}{http} = '';
    spew($nginx->dir . '/nginx.conf', $nginx->conf);
    ok($nginx->upgrade && replaced($t, 2), 'the new one has one of them');
    ok(wait_until(sub {
        my $last = $t->redis->cmd('XREVRANGE', 'faka:{two}:snapshots', '+',
                                  '-', 'COUNT', 1);
        return @$last && $last->[0][1][0] eq 'done';
    }, 15), 'the old one writes a snapshot of the other');
    is(said($nginx, 'shop "two" is fenced'), 0, 'which it still owns');
    $t->finish;
}


# Two shops, and the Redis of one of them stands still: the new generation
# opens the other one, to which the old one leaves the sockets of both.

{
    my $t = Faka::Test->new;
    my ($nginx, $redis) = ($t->nginx, $t->another_redis);
    my $port = free_port();
    my $socket = $redis->start->socket_path;
    my $two = $nginx->_shop =~ s/faka_shop main/faka_shop two/r
              =~ s/redis unix:\S+;/redis unix:$socket;/r;
    $nginx->{opt}{http} = "$two server { listen 127.0.0.1:$port;"
                          . ' location /products { faka_products two; } }';
    $t->start;
    $t->product('drop');
    $t->import_cards('drop', 500);
    spew($nginx->dir . '/html/site.txt', 'another site');
    ok(wait_until(sub {
        return $t->get('/products', port => $port)->status == 200;
    }, 5), 'two shops, each with a Redis of its own');

    $redis->pause;
    ok($nginx->upgrade && replaced($t, 2), 'the new one has opened one');
    my $took = site_after($t);
    cmp_ok($took, '<', 1, sprintf 'another site waits %.0f ms', $took * 1000);
    is($t->checkout(sku => 'drop')->status, 201, 'the open shop sells');
    my $answer = $t->get('/products', port => $port);
    is($answer->code, 'recovering', 'the other one says that it does not');
    ok($nginx->quit_old, 'the old one ends');
    $redis->cont;
    ok(wait_until(sub {
        return $t->get('/products', port => $port)->status == 200;
    }, 5), 'its Redis goes on, and it opens');
    $t->finish;
}


# The shop is somebody else's, of whom nothing is known for a second: whoever
# has more connections to this server than the one that was refused is not
# refused on those, too.

{
    my $t = shop();
    my @idle = map { Faka::Http::Line->new(port => $t->nginx->port) } 1 .. 8;
    is(scalar(grep { $_->ask($t->request('GET', '/products'))->status == 200 }
              @idle), 8, 'eight connections wait for another request');
    my $epoch = $t->audit->json->{journal}{epoch};
    $t->redis->cmd('XADD', 'faka:{main}:journal', ($epoch + 1) . '-0',
                   't', 'somebody');
    is($t->checkout(sku => 'drop')->status, 503, 'one more is refused');
    ok(wait_until(sub { !grep { !$_->ended } @idle }, 3),
       'all of them are closed');
    ok($t->wait_open, 'nobody sells it: it is taken back');
    $t->finish;
}


# A reload that brings a new file of the module, while a worker of before has
# a slow request: the same sockets, so nobody waits for that one.

{
    my $t = shop();
    my $nginx = $t->nginx;
    my $slow = slow_request($t);

    for my $round (1, 2) {
        my $file = $nginx->dir . "/module$round.so";
        copy($nginx->{opt}{module}, $file) or die "copy: $!";
        $nginx->{opt}{module} = $file;
        ok($nginx->reload(gone => 0), "another file of the module, $round");
        sleep 0.5;
        my $since = time;
        ok($t->wait_open(undef, 3), sprintf 'reload %d: open after %.1f s',
                                            $round, time - $since);
        is($t->checkout(sku => 'drop')->status, 201, 'and sells');
    }
    close $slow;
    $t->audit_ok;
    $t->finish;
}


# stream{} in the same processes: not held, and not forgotten.

my $hello = free_port();
my $stream = "stream { server { listen 127.0.0.1:$hello; return hello; } }";


# Seconds until stream{} answers, $most or more: it does not.

sub line_after {
    my ($most) = @_;

    my $since = time;
    my $line = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $hello)
        or die "connect: $!";
    my ($ready) = IO::Select->new($line)->can_read($most);
    return $most unless $ready && sysread $line, my $bytes, 10;
    return time - $since;
}


for my $mutex ('on', 'off') {
    my $t = shop(before => [$STREAM], events => "accept_mutex $mutex;",
                 main => $stream);

    # A shop that does not open: http is held, for seconds.
    $t->redis->pause;
    ok($t->nginx->upgrade, "accept_mutex $mutex: USR2 without Redis");
    ok($t->nginx->quit_old, 'the old one ends');
    my $site = $t->background(sub { return site_after($t) });
    my ($since, $ticks, $most) = (time, spent($t->nginx->workers), 0);
    while (time - $since < HELD_SECONDS) {
        sleep 0.02;
        $most = max($most, line_after(QUEUE_SECONDS));
    }
    my $busy = (spent($t->nginx->workers) - $ticks) / (time - $since);
    cmp_ok($most, '<', LINE_SECONDS,
           sprintf 'stream waits %.0f ms at most', $most * 1000);
    cmp_ok($busy, '<', BUSY_PERCENT,
           sprintf 'who waits keeps nobody busy: %.0f %% of a processor',
                   $busy);
    $t->redis->cont;
    cmp_ok($site->wait, '<', QUEUE_SECONDS, 'who waits is served');
    ok($t->wait_open, 'the shop opens');
    $most = max(map { line_after(QUEUE_SECONDS) } 1 .. 20);
    cmp_ok($most, '<', LINE_SECONDS,
           sprintf 'then stream waits %.0f ms at most', $most * 1000);
    $t->finish;
}


# One worker has the mutex, and keeps it, for the other one stands still: so
# nginx finds no reason to put the sockets back.

{
    my $t = shop(before => [$STREAM], events => 'accept_mutex on;',
                 main => $stream);
    $t->redis->pause;
    ok($t->nginx->upgrade && $t->nginx->quit_old, 'a new one without Redis');
    my $site = $t->background(sub { return site_after($t) });

    my $still;
    for my $worker ($t->nginx->workers) {
        kill 'STOP', $worker;
        $still = $worker, last if line_after(LINE_SECONDS) < LINE_SECONDS;
        kill 'CONT', $worker;
    }
    ok($still, 'a worker accepts, and the other one stands still');
    $t->redis->cont;
    cmp_ok($site->wait, '<', QUEUE_SECONDS, 'it accepts for the sites, too');
    kill 'CONT', $still if $still;
    ok($t->wait_open, 'the shop opens');
    $t->finish;
}


# A machine that does not say which one it is: each of its servers is on one
# of its own, and nobody is taken for dead by a pid of somewhere else.

sub host {
    my ($t) = @_;

    my $sign = $t->redis->cmd('GET', 'faka:{main}:owner');
    return (split ' ', $sign || '')[4];
}


{
    my $t = shop();
    my $known = host($t);
    $t->nginx->restart;
    ok($t->wait_open, 'a server is started again');
    is(host($t), $known, 'it is on the same machine');

    my $binary = spew($t->dir . '/nginx-unknown', <<'EOT', 0755);
#!/bin/sh
exec unshare -m sh -c '
    mount --bind /dev/null /proc/sys/kernel/random/boot_id || exit
    exec "${BINARY:-/usr/sbin/nginx}" "$@"' -- "$@"
EOT
    local $ENV{BINARY} = Faka::Nginx::binary();
    local $ENV{TEST_NGINX_BINARY} = $binary;

    my @hosts;
    for my $start (1, 2) {
        $t->nginx->restart;
        ok($t->wait_open, "machine unknown, start $start: it sells");
        is(said($t->nginx, 'boot_id cannot be read'), $start, 'says so once');
        push @hosts, host($t);
        isnt($hosts[0], $known, 'and is somewhere else');
    }
    isnt($hosts[0], $hosts[1], 'each time');
    $t->finish;
}


# Hundredths of a second of processor time.

sub spent {
    my $ticks = 0;
    for my $pid (@_) {
        my @stat = split ' ', (slurp("/proc/$pid/stat") || '') =~ s/.*\)//sr;
        $ticks += $stat[11] + $stat[12];
    }
    return $ticks;
}
