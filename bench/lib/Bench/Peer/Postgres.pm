package Bench::Peer::Postgres;

# What the peers on PostgreSQL have in common: a cluster of their own, and the
# Node.js server before it.  How a unit is taken is the function checkout() of
# each; see peers/pg/.

use strict;
use warnings;

use parent 'Bench::Peer';

use Bench::Node qw(node_modules);
use Faka::Proc qw(slurp spew);


# Of the server's way to ask, and the connections of each of its processes.

sub backend     { return 'pg' }
sub connections { return 16 }


sub warm_seconds { return 5 }


sub start_store {
    my ($self) = @_;

    my ($bin) = reverse sort glob '/usr/lib/postgresql/*/bin';
    $bin or die "bench: PostgreSQL is missing: conf/run/install-deps bench\n";
    $self->{bin} = $bin;

    my $data = $self->folder('data', 'postgres');
    $self->{socket_dir} = $self->folder('socket', 'postgres');
    $self->output('initdb', '', Bench::Peer::as_user('postgres'),
        "$bin/initdb", '-D', $data, '-U', 'shop', '-A', 'trust',
        '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions');

    my $conf = $self->render('pg/postgresql.conf',
        SOCKET_DIR => $self->{socket_dir},
        COMMIT => $self->durable ? 'on' : 'off');
    $self->run(["$bin/postgres", '-D', $data, '-c', "config_file=$conf"],
               role => 'store', what => 'postgres', user => 'postgres');
    $self->wait_for('postgres', sub {
        return -S "$self->{socket_dir}/.s.PGSQL.5432"
            && eval { $self->sql('SELECT 1', 'postgres') };
    });
    $self->sql('CREATE DATABASE shop', 'postgres');
    $self->sql(slurp($self->code('pg/' . $self->schema)));
}


sub start_shop {
    my ($self) = @_;

    $self->run(['node', $self->code('node/server.js'), $self->backend,
                $self->{port}, $self->{workers}, $self->{socket_dir},
                $self->connections],
               role => 'app', what => 'node',
               env => { NODE_PATH => node_modules(),
                        NODE_ENV => 'production' });
}


# Rows of tab-separated fields.

sub sql {
    my ($self, $text, $database) = @_;

    return $self->output('psql', $text, 'psql', '-X', '-q', '-A', '-t',
        '-F', "\t", '-v', 'ON_ERROR_STOP=1', '-h', $self->{socket_dir},
        '-U', 'shop', '-d', $database // 'shop', '-f', '-');
}


sub rows {
    my ($self, $text) = @_;

    return map { [ split /\t/, $_, -1 ] } split /\n/, $self->sql($text);
}


sub fill {
    my ($self, %shop) = @_;

    my $hot = $shop{skus} == 1 ? 'true' : 'false';
    $self->sql(<<"SQL");
TRUNCATE products, cards, buyers, orders RESTART IDENTITY;
INSERT INTO products (id, sku, price, currency, buyer_limit, stock)
    SELECT n, CASE WHEN $hot THEN 'hot' ELSE 'sku' || n - 1 END,
           @{[ $self->PRICE_FEN ]}, 'CNY', $shop{limit}, $shop{stock}
    FROM generate_series(1, $shop{skus}) n;
INSERT INTO cards (product, number, secret)
    SELECT (n - 1) / $shop{stock} + 1, (n - 1) % $shop{stock} + 1,
           'CARD-' || lpad(n::text, 12, '0') || '-'
           || lpad((n * 7919)::text, 14, '0')
    FROM generate_series(1, $shop{stock}::bigint * $shop{skus}) n;
VACUUM ANALYZE;
SQL
}


sub order_count {
    my ($self) = @_;

    return $self->sql('SELECT count(*) FROM orders') + 0;
}


sub books {
    my ($self) = @_;

    my (%shop, %order);
    for my $row ($self->rows('SELECT sku, stock, buyer_limit,'
                             . " ($self->{left_sql}) FROM products p")) {
        my ($sku, $stock, $limit, $left) = @$row;
        $shop{$sku} = { stock => $stock, limit => $limit, left => $left,
                        orders => [] };
    }
    for my $row ($self->rows('SELECT o.id, sku, qty, contact FROM orders o'
                             . ' JOIN products p ON p.id = o.product')) {
        my ($id, $sku, $qty, $contact) = @$row;
        $order{$id} = [ $qty, $contact ];
        push @{ $shop{$sku}{orders} }, $order{$id};
    }
    push @{ $order{ $_->[0] } }, $_->[1] for $self->rows($self->{given_sql});
    return \%shop;
}


sub about {
    my ($self) = @_;

    my ($version) = map { $_->[0] =~ /^(\S+)/ }
                    $self->rows('SHOW server_version');
    chomp(my $node = `node --version`);
    my $commit = $self->durable ? 'on' : 'off';
    return "PostgreSQL $version, synchronous_commit $commit: $self->{how};"
        . " Node.js $node, a cluster of $self->{workers}, pg with "
        . $self->connections
        . ' prepared connections each over a unix socket';
}


1;
