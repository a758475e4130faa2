package Bench::Peer::PhpShop;

# nginx, PHP-FPM and MariaDB, in the way that the common card shops work; see
# peers/php-shop/README.md.

use strict;
use warnings;

use parent 'Bench::Peer';

use Faka::Proc qw(slurp);

use constant CHILDREN => 16;


sub races { return 1 }


# As root the database and PHP run as nobody, whom every system has.

sub start_store {
    my ($self) = @_;

    my $data = $self->folder('data', 'nobody');
    my $run = $self->folder('run', 'nobody');
    $self->{socket} = "$run/mariadb.sock";
    my $conf = $self->render('php-shop/my.cnf', RUN => $run,
        FLUSH => $self->durable ? 1 : 2);

    $self->output('mariadb-install-db', '', Bench::Peer::as_user('nobody'),
        'mariadb-install-db', "--defaults-file=$conf", '--skip-test-db',
        '--auth-root-authentication-method=normal');
    $self->run(['mariadbd', "--defaults-file=$conf"],
               role => 'store', what => 'mariadb', user => 'nobody');
    $self->wait_for('mariadb', sub {
        return -S $self->{socket} && eval { $self->sql('SELECT 1', 'mysql') };
    });
    $self->sql('CREATE DATABASE shop', 'mysql');
    $self->sql(slurp($self->code('php-shop/schema.sql')));
}


sub start_shop {
    my ($self) = @_;

    my $run = "$self->{dir}/run";
    my ($fpm) = reverse sort glob '/usr/sbin/php-fpm[0-9]*';
    $fpm or die "bench: PHP-FPM is missing: conf/run/install-deps bench\n";

    my $conf = $self->render('php-shop/php-fpm.conf', RUN => $run,
        CHILDREN => CHILDREN, MARIADB => $self->{socket},
        ORIGIN => $self->url);
    $self->run([$fpm, '-F', '-y', $conf,
                '-c', $self->code('php-shop/php.ini')],
               role => 'app', what => 'php', user => 'nobody');
    $self->wait_for('php', sub { -S "$run/php.sock" });
    $self->run_nginx('php-shop/nginx.conf');
}


# Rows of tab-separated fields.

sub sql {
    my ($self, $text, $database) = @_;

    return $self->output('mariadb', $text, 'mariadb', '--no-defaults', '-N',
        '-B', '-S', $self->{socket}, '-u', 'root', $database // 'shop');
}


sub fill {
    my ($self, %shop) = @_;

    my $name = $shop{skus} == 1 ? "'hot'" : "CONCAT('sku', seq - 1)";
    my $cards = $shop{stock} * $shop{skus};
    my $last = $cards || 1;             # seq_1_to_0 counts down, and has two
    $self->sql(<<"SQL");
TRUNCATE goods; TRUNCATE carmis; TRUNCATE orders;
INSERT INTO goods (id, sku, price, currency, buyer_limit, filled)
    SELECT seq, $name, @{[ $self->PRICE_FEN ]}, 'CNY', $shop{limit},
           $shop{stock}
    FROM seq_1_to_$shop{skus};
INSERT INTO carmis (goods_id, carmi)
    SELECT (seq - 1) DIV $shop{stock} + 1,
           CONCAT('CARD-', LPAD(seq, 12, '0'), '-', LPAD(seq * 7919, 14, '0'))
    FROM seq_1_to_$last WHERE seq <= $cards;
ANALYZE TABLE goods, carmis, orders;
SQL
}


sub order_count {
    my ($self) = @_;

    return $self->sql('SELECT COUNT(*) FROM orders') + 0;
}


sub books {
    my ($self) = @_;

    my %shop;
    for my $row (split /\n/, $self->sql('SELECT sku, filled, buyer_limit,'
            . ' (SELECT COUNT(*) FROM carmis c WHERE c.goods_id = g.id'
            . ' AND c.status = 1) FROM goods g')) {
        my ($sku, $stock, $limit, $left) = split /\t/, $row;
        $shop{$sku} = { stock => $stock, limit => $limit, left => $left,
                        orders => [] };
    }
    for my $row (split /\n/, $self->sql('SELECT sku, buy_amount, email, info'
            . ' FROM orders o JOIN goods g ON g.id = o.goods_id')) {
        my ($sku, $qty, $contact, $cards) = split /\t/, $row;
        push @{ $shop{$sku}{orders} }, [ $qty, $contact, split /,/, $cards ];
    }
    return \%shop;
}


sub about {
    my ($self) = @_;

    my ($mariadb) = $self->sql('SELECT VERSION()') =~ /^([\d.]+)/;
    my ($fpm) = reverse sort glob '/usr/sbin/php-fpm[0-9]*';
    my ($php) = `$fpm -v` =~ /^PHP ([\d.]+)/;
    return "nginx, $self->{workers} workers; PHP-FPM $php, @{[ CHILDREN ]}"
        . " children, opcache; MariaDB $mariadb,"
        . ' innodb_flush_log_at_trx_commit ' . ($self->durable ? 1 : 2);
}


1;
