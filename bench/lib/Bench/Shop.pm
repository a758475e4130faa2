package Bench::Shop;

# One shop of a Bench::Server: its configuration, what is on sale in it, and
# its audit.  Its journal is not cut and no snapshot is written while it is
# measured, as nobody here rewrites a log then; but in the shop whose snapshots
# are measured, which stands still (SIGSTOP) otherwise, as peers do.

use strict;
use warnings;

use Cwd ();
use HTTP::Tiny;
use JSON::PP;
use Time::HiRes qw(sleep time);

use Bench::Load qw(pace);
use Faka::Proc qw(spew);

use constant { PRICE_FEN => 990, IMPORT_LINES => 1000,
               FIGURE_CARDS => 100_000, SNAPSHOT_SECONDS => 60,
               MANY_PER_S => 2500, MANY_CONNECTIONS => 32 };

my $BENCH = Cwd::realpath((__FILE__ =~ m{(.*)/}s)[0] . '/../..');
my ($RULES, $BUILD) = ("$BENCH/rules.lua", "$BENCH/../build");

# Two levels get commission: by their own rates, or by the rule.
my @RATES = ([ 1000, 500, -1 ], [ -1, -1, -1 ]);

my %ALIPAY = (app_id => '2021000000000001', seller_id => '2088000000000001');


# server, name, port, tls_port, durability, memory, snapshot, rules (true or
# false).

sub new {
    my ($class, %opt) = @_;

    return bless { cards => 0, %opt }, $class;
}


sub server { return $_[0]{server} }
sub port   { return $_[0]{port} }
sub pids   { return $_[0]{server}->pids }
sub url    { return "http://127.0.0.1:$_[0]{port}" }
sub tls_url { return "https://127.0.0.1:$_[0]{tls_port}" }
sub alipay { return %ALIPAY }
sub peer   { return 0 }
sub rest   { $_[0]->signal('STOP') }

# What was open is too old by now for nginx, which closes it.

sub wake {
    my ($self) = @_;

    delete $self->{http} if $self->{stands_still};
    $self->signal('CONT');
}


sub signal {
    my ($self, $name) = @_;
    kill $name, map { @$_ } values %{ $self->pids } if $self->{stands_still};
}


sub config {
    my ($self) = @_;

    my $dir = $self->{server}->dir;
    my $rules = $self->{rules} ? "rules $RULES;" : '';

    return <<"CONF";
    faka_shop $self->{name} {
        memory           $self->{memory};
        redis            unix:$dir/redis.sock;
        durability       $self->{durability};
        key_file         $dir/cards.key;
        admin_token_file $dir/admin.token;
        public_url       @{[ $self->url ]};
        hold             60m;
        snapshot         $self->{snapshot};
        $rules
        channel epay epay {
            url @{[ $self->url ]}/; pid 1000; key_file $dir/epay.key;
        }
        channel alipay alipay {
            app_id $ALIPAY{app_id}; seller_id $ALIPAY{seller_id};
            private_key_file $dir/app.key; public_key_file $dir/alipay.pub;
        }
    }
    server {
        listen 127.0.0.1:$self->{port} backlog=4096;
        listen 127.0.0.1:$self->{tls_port} ssl backlog=4096;
        location = /bare {
            default_type application/json;
            add_header Cache-Control no-store;
            return 200 '${\ $self->bare_body }';
        }
        location = /products { faka_products $self->{name}; }
        location = /checkout { faka_checkout $self->{name}; }
        location /orders/    { faka_orders $self->{name}; }
        location /notify/    { faka_notify $self->{name}; }
        location = /metrics  { faka_metrics $self->{name}; }
        location /admin/     { client_max_body_size 0;
                               faka_admin $self->{name}; }
    }
CONF
}


# What a checkout answers, letter for letter in length.

sub bare_body {
    my ($self) = @_;

    my $id = '0' x 26;
    my $back = "http%3A%2F%2F127.0.0.1%3A$self->{port}%2F";
    my $url = $self->url . "/submit.php?money=9.90&name=order&notify_url="
        . "${back}notify%2Fepay&out_trade_no=$id&pid=1000&return_url=${back}"
        . "return%2F$id&sign_type=MD5&sign=" . '0' x 32;

    return qq({"order":"$id","token":") . 'x' x 43
        . qq(","status":"awaiting_payment","sku":"hot","qty":1,"amount":990,)
        . qq("currency":"CNY","created_at":1700000000,)
        . qq("expires_at":1700000000,"pay":{"method":"redirect",)
        . qq("url":"$url"}});
}


# ---- what is on sale ---------------------------------------------------

sub http {
    my ($self) = @_;

    return $self->{http} //= HTTP::Tiny->new(timeout => 300,
        default_headers => {
            Authorization => "Bearer $self->{server}{token}" });
}


sub answers {
    my ($self) = @_;
    return $self->http->get($self->url . '/admin/audit')->{status} == 200;
}


sub put {
    my ($self, $path, $what) = @_;

    my $res = $self->http->put($self->url . "/admin/$path", {
        headers => { 'Content-Type' => 'application/json' },
        content => encode_json($what) });
    $res->{success} or die "bench: $self->{name}: $path: $res->{content}\n";
}


sub product_json {
    my ($sku, $limit) = @_;

    return { name => $sku, price => PRICE_FEN, currency => 'CNY',
             kind => 'card', on_sale => JSON::PP::true, qty_max => 5,
             buyer_limit => $limit || 0 };
}


# A product, with so many cards more.

sub product {
    my ($self, $sku, $count, $limit) = @_;

    $self->put("products/$sku", product_json($sku, $limit));
    $self->import_cards($sku, $count) if $count;
}


sub import_cards {
    my ($self, $sku, $count) = @_;

    my ($left, $started) = ($count, time);
    my $res = $self->http->post($self->url . "/admin/products/$sku/cards", {
        headers => { 'Content-Type' => 'text/plain' },
        content => sub {
            my $n = $left < IMPORT_LINES ? $left : IMPORT_LINES;
            $left -= $n;
            return $n ? $self->cards($n) : undef;
        } });

    $res->{success} or die "bench: import: $res->{content}\n";
    my $got = decode_json($res->{content});
    $got->{accepted} == $count
        or die "bench: import took $got->{accepted} of $count\n";
    $self->{imported} //= sprintf '%d cards in %.1f s', $count,
        time - $started if $count >= FIGURE_CARDS;
}


# Lines of 32 bytes, none of them twice.

sub cards {
    my ($self, $n) = @_;

    my $first = $self->{cards};
    $self->{cards} += $n;
    return join '', map { sprintf "CARD-%012d-%014d\n", $_, $_ * 7919 }
                    $first + 1 .. $first + $n;
}


# sku0 and so on, with so many cards each: too many for one call after another.

sub many {
    my ($self, $skus, $each) = @_;

    my $text = sub {
        my ($method, $path, $type, $body) = @_;
        my $request = "$method /admin/products/$path HTTP/1.1\r\n"
            . "Host: 127.0.0.1\r\nAuthorization: Bearer"
            . " $self->{server}{token}\r\nContent-Type: $type\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
        return length($request) . "\n$request";
    };
    $self->{many} or $self->calls(map { $text->('PUT', "sku$_",
        'application/json', encode_json(product_json("sku$_")))
        } 0 .. $skus - 1);
    $self->calls(map { $text->('POST', "sku$_/cards", 'text/plain',
        $self->cards($each)) } 0 .. $skus - 1);
    $self->{many} = 1;
}


sub calls {
    my ($self, @requests) = @_;

    my $dir = $self->{server}->dir;
    my $got = pace(port => $self->port, rate => MANY_PER_S, dir => $dir,
        seconds => int(@requests / MANY_PER_S + 0.999),
        connections => MANY_CONNECTIONS,
        requests => spew("$dir/calls", join '', @requests));
    $got->{done} == $got->{due}
        && $got->{status}{200} + $got->{status}{201} == $got->{due}
        or die "bench: $self->{name}: of $got->{due} calls not all went well:"
        . ' ' . encode_json($got->{status}) . "\n";
}


sub agents {
    my ($self) = @_;

    for my $id (qw(boss lin)) {
        $self->put("accounts/$id", { currency => 'CNY',
            rates => $RATES[$self->{rules} ? 1 : 0],
            parent => $id eq 'lin' ? 'boss' : '' });
    }
}


# ---- what was sold -----------------------------------------------------

# Payments that were booked without a split, because their rule had no time
# left: a worker may be off its processor for as long as that.

sub out_of_time {
    my ($self) = @_;

    my $res = $self->http->get($self->url . '/metrics');
    $res->{status} == 200 or die "bench: metrics: $res->{content}\n";
    my ($count) = $res->{content} =~ /^faka_rules_calls_total\{rules="main",
        hook="commission",result="budget"\}\ (\d+)$/mx;
    return $count // 0;
}


# The totals, and the product named, after every sum has been recomputed and
# is right.  The text has ten thousand products, and is not read in whole.

sub audit {
    my ($self, $sku) = @_;

    $sku //= 'hot';
    my $res = $self->http->get($self->url . '/admin/audit');
    $res->{status} == 200 or die "bench: audit: $res->{content}\n";
    $res->{content} =~ /"problems":\[\],"ok":true,/
        or die "bench: wrong sums: " . substr($res->{content}, -2000) . "\n";
    $self->{audit_text} = $res->{content};

    my ($totals) = $res->{content} =~ /"totals":(\{(?:[^{}]|\{[^{}]*\})*\})/;
    my ($product) = $res->{content} =~ /(\{"sku":"\Q$sku\E",[^{}]*\})/;
    return { %{ decode_json($totals) },
             product => $product ? decode_json($product) : {} };
}


# The same sums once more, by a program that knows only what is in Redis: it
# recovers the shop from there, and compares.

sub verified {
    my ($self) = @_;

    my $audit = $self->audit;
    my $live = spew($self->server->dir . '/audit.json', $self->{audit_text});
    my $said = `@{[ $self->journal ]} --memory $self->{memory} \\
        --live $live $self->{name} audit 2>&1`;
    $? == 0 or die "bench: $self->{name}: faka-journal finds other sums:"
        . " $said\n";
    return $audit;
}


sub journal {
    my ($self) = @_;
    return "$BUILD/faka-journal --redis unix:" . $self->server->socket_path;
}


# Of the snapshot that is being written, its number; nothing if there is none.

sub snapshot_now {
    my ($self) = @_;

    my ($id, $state) = split /\n/, `redis-cli \\
        -s @{[ $self->server->socket_path ]} \\
        XREVRANGE faka:{$self->{name}}:snapshots + - COUNT 1`;
    return ($state // '') eq 'begin' ? $id : undef;
}


sub snapshot_begun {
    my ($self) = @_;

    for (1 .. 10 * SNAPSHOT_SECONDS) {
        my $snapshot = $self->snapshot_now;
        return $snapshot if defined $snapshot;
        sleep 0.1;
    }
    die "bench: $self->{name}: no snapshot begins\n";
}


# What is on sale and sold out.

sub nothing {
    my ($self) = @_;

    $self->product('none', 0);
    return 'none';
}


# The bare answer is as long as a checkout's, or it measures something else.

sub bare_is_like_an_order {
    my ($self) = @_;

    return if $self->{bare_checked}++;
    $self->prepare(1);
    my ($bare, $order) = map { length $self->http->post($self->url . $_, {
        headers => { 'Content-Type' => 'application/json' },
        content => '{"sku":"hot","qty":1,"contact":"bare@buyers.example"}'
        })->{content} } qw(/bare /checkout);
    $bare == $order or die "bench: a bare answer has $bare bytes, an order"
        . " $order\n";
}


# Enough of the product that is sold in a hurry: what is there is not taken
# away, what is missing is imported.

sub prepare {
    my ($self, $count) = @_;

    $self->product('hot', 0), $self->{hot} = 1 if !$self->{hot};
    my $missing = $count - ($self->audit->{product}{available} // 0);
    $self->import_cards('hot', $missing) if $missing > 0;
    return $self->orders;
}


sub orders { return $_[0]->audit->{orders} }


1;
