package Bench::Peer::Redis;

# What the peers on Redis have in common: the server, with the settings that
# faka's own has in the bench, and what lies in it.
#
#     products      set     of every sku
#     product:SKU   hash    price, currency, limit, stock (as filled)
#     cards:SKU     list    what is for sale
#     bought:SKU    hash    contact -> units, where there is a limit
#     order:ID      hash    sku, qty, contact, amount, token, cards, created_at

use strict;
use warnings;

use parent 'Bench::Peer';

use Digest::SHA qw(sha1_hex);

use Faka::Proc qw(slurp);

use constant PUSH_CARDS => 500;


sub socket_path { return "$_[0]{dir}/redis.sock" }
sub script_path { return $_[0]->code('evalsha/checkout.redis.lua') }
sub script_sha  { return sha1_hex(slurp($_[0]->script_path)) }


sub start_store {
    my ($self) = @_;

    $self->run(['redis-server', '--port', 0,
        '--unixsocket', $self->socket_path, '--unixsocketperm', 777,
        '--dir', $self->{dir}, '--appendonly', 'yes',
        '--appendfsync', $self->{fsync}, '--save', '',
        '--auto-aof-rewrite-percentage', 0],
        role => 'store', what => 'redis');
    $self->wait_for('redis', sub { -S $self->socket_path });
    $self->cli('', 'SCRIPT', 'LOAD', slurp($self->script_path));
}


sub cli {
    my ($self, $input, @args) = @_;

    return $self->output('redis-cli', $input, 'redis-cli', '-e', '-s',
                         $self->socket_path, @args);
}


sub fill {
    my ($self, %shop) = @_;

    my $number = 0;
    my @commands = ('FLUSHALL SYNC');
    for my $sku ($self->skus($shop{skus})) {
        push @commands, "SADD products $sku";
        push @commands, "HSET product:$sku price @{[ $self->PRICE_FEN ]}"
            . " currency CNY limit $shop{limit} stock $shop{stock}";
        for (my $left = $shop{stock}; $left > 0; $left -= PUSH_CARDS) {
            my $n = $left < PUSH_CARDS ? $left : PUSH_CARDS;
            push @commands, join ' ', "RPUSH cards:$sku",
                map { sprintf 'CARD-%012d-%014d', $_, $_ * 7919 }
                $number + 1 .. $number + $n;
            $number += $n;
        }
    }

    my $said = $self->cli(join('', map { "$_\r\n" } @commands), '--pipe');
    $said =~ /errors: 0,/ or die "bench: $self->{name}: fill: $said\n";
}


# One pass over the keys, and every field of every order.

my $WALK = <<'LUA';
local cursor, rows = "0", {}
repeat
    local page = redis.call("SCAN", cursor, "MATCH", "order:*",
                            "COUNT", 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
        local order = redis.call("HMGET", key, "sku", "qty", "contact",
                                 "cards")
        rows[#rows + 1] = key .. " " .. table.concat(order, " ")
    end
until cursor == "0"
return rows
LUA

sub order_count {
    my ($self) = @_;

    return $self->cli('', 'DBSIZE') + 0;
}


sub books {
    my ($self) = @_;

    my @skus = split /\n/, $self->cli('', 'SMEMBERS', 'products');
    my @said = split /\n/, $self->cli(join '', map {
        "HMGET product:$_ stock limit\nLLEN cards:$_\n" } @skus);
    my %shop;
    for my $sku (@skus) {
        my ($stock, $limit, $left) = splice @said, 0, 3;
        $shop{$sku} = { stock => $stock, limit => $limit, left => $left,
                        orders => [] };
    }

    my %seen;
    for my $row (split /\n/, $self->cli('', 'EVAL', $WALK, 0)) {
        my ($key, $sku, $qty, $contact, $cards) = split / /, $row;
        next if !defined $key || $seen{$key}++;
        push @{ $shop{$sku}{orders} }, [ $qty, $contact, split /,/, $cards ];
    }
    return \%shop;
}


sub version {
    my ($self) = @_;

    return ($self->cli('', 'INFO', 'server') =~ /^redis_version:(\S+)/m)[0];
}


1;
