package Bench::Server;

# faka as the bench runs it: one nginx with its shops, and their Redis.  A
# worker makes its shops' memory ready while it is idle; none is loaded before.

use strict;
use warnings;

use Cwd ();
use File::Path qw(make_path remove_tree);
use JSON::PP;
use Time::HiRes qw(sleep time);

use Bench::Shop;
use Faka::Proc qw(alive children free_port slurp spawn spew stop_pid
                  wait_until);

use constant { START_SECONDS => 30, SETTLE_SECONDS => 600,
               STOP_SECONDS => 60 };

my $ROOT = Cwd::realpath((__FILE__ =~ m{(.*)/}s)[0] . '/../../..');


# dir: emptied.  shops: [{ name, durability, memory, rules }, ...].
# workers: of nginx.  fsync: of Redis.

sub new {
    my ($class, %opt) = @_;

    my $self = bless { workers => 2, fsync => 'always', pids => [], %opt },
               $class;
    remove_tree($self->{dir});
    make_path($self->{dir});
    $self->{dir} = Cwd::realpath($self->{dir});
    $self->{module} = $ENV{FAKA_MODULE}
        || "$ROOT/build/ngx_http_faka_module.so";
    -e $self->{module}
        or die "bench: $self->{module} is missing: run \"make build\"\n";
    $self->{shops} = [ map {
        Bench::Shop->new(%$_, server => $self, port => free_port(),
                         tls_port => free_port())
    } @{ $opt{shops} } ];
    return $self;
}


sub shop {
    my ($self, $name) = @_;
    return (grep { $_->{name} eq $name } @{ $self->{shops} })[0];
}

sub dir     { return $_[0]{dir} }
sub workers { return children($_[0]{pids}[1]) }
sub socket_path { return "$_[0]{dir}/redis.sock" }

sub pids {
    my ($self) = @_;
    return { nginx => [ $self->workers ], app => [],
             store => [ $self->{pids}[0] ] };
}


sub start {
    my ($self) = @_;

    my $dir = $self->{dir};
    $self->secrets;
    push @{ $self->{pids} }, spawn(['redis-server', '--port', 0,
        '--unixsocket', $self->socket_path, '--unixsocketperm', 777,
        '--dir', $dir, '--appendonly', 'yes',
        '--appendfsync', $self->{fsync}, '--save', '',
        '--auto-aof-rewrite-percentage', 0], log => "$dir/redis.log");
    $self->wait_for(sub { -S $self->socket_path });

    spew("$dir/nginx.conf", $self->config);
    push @{ $self->{pids} }, spawn(['/usr/sbin/nginx', '-p', $dir, '-c',
        "$dir/nginx.conf"], log => "$dir/out.log");
    $self->wait_for(sub {
        return !grep { !$_->answers } @{ $self->{shops} };
    });
    $self->settle;
    return $self;
}


sub stop {
    my ($self) = @_;

    $_->wake for @{ $self->{shops} };
    for my $pid (reverse @{ $self->{pids} }) {
        stop_pid($pid, STOP_SECONDS)
            or die "bench: a server had to be killed\n";
    }
    $self->{pids} = [];
}


sub wait_for {
    my ($self, $ready) = @_;

    my $dir = $self->{dir};
    wait_until(sub {
        for my $pid (@{ $self->{pids} }) {
            waitpid $pid, POSIX::WNOHANG();
            alive($pid) or die "bench: a server ended early: see $dir\n",
                map { (slurp("$dir/$_") // '') =~ /((?:.*\n){0,5})\z/ }
                qw(out.log error.log redis.log);
        }
        return $ready->();
    }, START_SECONDS) or die "bench: faka did not come up: see $dir\n";
}


# On a virtual machine that hands out pages slowly a young shop would be
# measured, not nginx.

sub settle {
    my ($self) = @_;

    my $want_kb = 0;
    for my $shop (@{ $self->{shops} }) {
        my ($mb) = $shop->{memory} =~ /\A(\d+)m\z/
            or die "bench: memory is a number of m\n";
        $want_kb += 0.98 * 1024 * $mb;
    }

    wait_until(sub {
        for my $pid ($self->workers) {
            my ($kb) = slurp("/proc/$pid/status") =~ /^RssShmem:\s+(\d+) kB/m;
            return 0 if ($kb // 0) < $want_kb;
        }
        return 1;
    }, SETTLE_SECONDS) or die 'bench: the shops\' memory is not there after '
        . SETTLE_SECONDS . " s\n";
}


sub secrets {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $random = sub { join '', map { sprintf '%02x', rand 256 } 1 .. $_[0] };
    $self->{token} = 'bench-token-' . $random->(16);
    $self->{gateway_key} = 'bench-gateway-key-0123456789';
    spew("$dir/cards.key", $random->(32) . "\n", 0600);
    spew("$dir/epay.key", "$self->{gateway_key}\n", 0600);
    spew("$dir/admin.token", "$self->{token}\n", 0600);

    system("cd \Q$dir\E && umask 077 && for name in app alipay; do"
        . ' openssl genpkey -quiet -algorithm RSA -pkeyopt'
        . ' rsa_keygen_bits:2048 -out $name.key &&'
        . ' openssl pkey -in $name.key -pubout -out $name.pub || exit 1;'
        . ' done; openssl req -x509 -newkey ec -pkeyopt'
        . ' ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -days 2'
        . ' -keyout tls.key -out tls.crt 2>/dev/null') == 0
        or die "bench: openssl cannot make keys\n";
}


sub config {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $user = $> == 0 ? 'user root;' : '';
    my $shops = join '', map { $_->config } @{ $self->{shops} };

    return <<"CONF";
daemon off;
$user
worker_processes $self->{workers};
worker_rlimit_nofile 16384;
load_module $self->{module};
pid $dir/nginx.pid;
error_log $dir/error.log notice;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    keepalive_requests 1000000000;
    ssl_certificate     $dir/tls.crt;
    ssl_certificate_key $dir/tls.key;
    ssl_session_cache   off;
    ssl_session_tickets off;
$shops
}
CONF
}


1;
