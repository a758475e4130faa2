# Beside all of Debian's dynamic modules, loaded before and after ours; with
# nchan on the same Redis and Lua at work in the same worker, and the cache
# processes running, which know no shop.

use lib 't/lib';

use Faka::Test;
use Faka::Load;
use Faka::Proc qw(children free_port slurp);

use Time::HiRes qw(sleep);

# What others build upon comes first, as in Debian's own order.
my @base = qw(ndk_http_module ngx_stream_module);
my $folder = '/usr/lib/nginx/modules';
my %base = map { $_ => 1 } @base;
my @modules = map { "$folder/$_.so" } @base,
              sort grep { !$base{$_} && !/faka/ }
              map { m{([^/]+)\.so\z} } glob "$folder/*.so";

cmp_ok(scalar @modules, '>', 15, scalar(@modules) . ' modules beside ours');
ok((grep { /$_/ } @modules), "$_ is among them")
    for qw(nchan http_lua http_perl http_echo image_filter stream);

my $redis_port = free_port();

my $http = <<"EOT";
    nchan_max_reserved_memory 8m;
    upstream nchan_redis {
        nchan_redis_server redis://127.0.0.1:$redis_port;
    }
    lua_shared_dict counted 1m;
    init_worker_by_lua_block {
        local function count()
            ngx.shared.counted:incr("timers", 1, 0)
        end
        assert(ngx.timer.every(0.05, count))
    }
    proxy_cache_path CACHE levels=1 keys_zone=cache:1m loader_sleep=1ms;
EOT

my $server = <<'EOT';
        location = /pub {
            nchan_publisher;
            nchan_channel_id $arg_id;
            nchan_redis_pass nchan_redis;
        }
        location = /sub {
            nchan_subscriber longpoll;
            nchan_channel_id $arg_id;
            nchan_subscriber_first_message oldest;
            nchan_redis_pass nchan_redis;
        }
        location = /lua {
            content_by_lua_block {
                local got = ngx.location.capture("/products")
                local timers = ngx.shared.counted:get("timers") or 0
                ngx.say(ngx.worker.pid(), " ", timers, " ", got.status, " ",
                        got.body)
            }
        }
        location = /origin { echo_duplicate 3 "page "; }
        location = /cached {
            proxy_cache cache;
            proxy_cache_valid 200 1m;
            proxy_pass http://127.0.0.1:PORT/origin;
            add_header X-Cache $upstream_cache_status;
        }
EOT

for my $order (qw(first last)) {
    my $t = Faka::Test->new(
        gateway => 1, workers => 1,
        redis => { port => $redis_port, bind => '127.0.0.1' },
        ($order eq 'first' ? 'after' : 'before') => \@modules);
    my $nginx = $t->nginx;
    my ($dir, $port) = ($nginx->dir, $nginx->port);
    $nginx->{opt}{http} = $http =~ s/CACHE/$dir\/cache/r;
    $nginx->{opt}{server} = $server =~ s/PORT/$port/r;
    $t->start;

    my @titles = map { slurp("/proc/$_/cmdline") } children($nginx->master);
    is(scalar(grep { /cache (?:manager|loader) process/ } @titles), 2,
       "$order: cache manager and loader run");
    is(connections($t), 3, "$order: only the worker talks to Redis, for its "
       . "journal, its keeper and the archive");

    buys_ok($t, $order);
    neighbours_ok($t, $order);

    # All of it at once.
    $t->product('crowd');
    my $cards = $t->import_cards('crowd', 1000);
    my $load = Faka::Load->start($t, sku => 'crowd', clients => 1);
    for my $round (1 .. 5) {
        neighbours_ok($t, "$order, busy $round");
        sleep 0.1;
    }
    my $told = $load->stop;
    is($told->failures, '', "$order: no request failed");
    cmp_ok($told->orders, '>', 10, "$order: sold " . $told->summary);
    $told->check($t, $order, cards => $cards);

    # nchan loses its Redis together with us.
    $t->redis->restart;
    ok(wait_until(sub {
        return $t->checkout(sku => 'crowd')->status == 201;
    }, 5), "$order: Redis restarted, it sells");

    # nchan's timers for its Redis keep the log of the configuration before,
    # whose memory a reload frees: so it reloads with its own store only.
    ok($nginx->stop, "$order: it stops");
    $nginx->{opt}{http} =~ s/upstream .*?\}\n//s;
    $nginx->{opt}{server} =~ s/nchan_redis_pass .*;//g;
    $nginx->start;
    ok($nginx->reload && $t->wait_open, "$order: reload");
    buys_ok($t, "$order, reloaded");
    neighbours_ok($t, "$order, reloaded");

    ok($nginx->stop, "$order: it stops again");
    unlike($nginx->error_log, qr/exited on signal/, "$order: without a crash");
    $t->redis->stop;
}


# By the road of a real buyer.

sub buys_ok {
    my ($t, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $t->product('key');
    my $cards = $t->import_cards('key', 1);
    my $order = $t->checkout(sku => 'key')->json;
    $t->gateway->pay_as_buyer($order->{pay}{url});
    my $view;
    wait_until(sub {
        $view = $t->order($order)->json;
        return $view->{status} eq 'delivered';
    });
    is_deeply($view->{cards}, $cards, "$name: bought, paid and delivered");
}


sub neighbours_ok {
    my ($t, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(publishes($t), "$name: nchan publishes through Redis");

    my $lua = $t->get('/lua')->body;
    my ($worker) = $t->nginx->workers;
    like($lua, qr/\A$worker \d+ 200 \[\{"sku":/,
         "$name: Lua's timers run, and it can read the shop");
    $t->get('/cached');
    my $cached = $t->get('/cached');
    is($cached->header('x-cache') . ' ' . $cached->body,
       'HIT page page page ', "$name: the cache");
}


my $message = 0;

sub publishes {
    my ($t) = @_;

    my $text = 'message ' . ++$message;
    my $path = "?id=channel$message";
    my $put = $t->http('POST', "/pub$path", body => $text);
    return 0 unless $put->status =~ /\A20[0-2]\z/;
    return $t->get("/sub$path", timeout => 2)->body eq $text;
}


# Ours go through the unix socket, nchan's through the port.

sub connections {
    my ($t) = @_;

    my $list = $t->redis->cmd(qw(CLIENT LIST));
    return grep { / cmd=(?!client)/ } grep { /addr=\S*redis\.sock/ }
           split /\n/, $list;
}
