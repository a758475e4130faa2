package Bench::Peer::EvalSha;

# nginx with its Lua module, and a script in Redis: the usual design of a
# flash sale.

use strict;
use warnings;

use parent -norequire, 'Bench::Peer::Redis';

use Bench::Peer::Redis;


sub start_shop {
    my ($self) = @_;

    $self->render('evalsha/shop.lua', SHA => $self->script_sha,
        SCRIPT => $self->script_path, SOCKET => $self->socket_path,
        ORIGIN => $self->url);
    $self->run_nginx('evalsha/nginx.conf',
                     qw(ndk_http_module ngx_http_lua_module));
}


sub about {
    my ($self) = @_;

    my ($nginx) = `/usr/sbin/nginx -v 2>&1` =~ m{nginx/(\S+)};
    return "nginx $nginx with its Lua module, $self->{workers} workers;"
        . " EVALSHA over kept unix sockets; Redis @{[ $self->version ]},"
        . " appendonly, appendfsync $self->{fsync}";
}


1;
