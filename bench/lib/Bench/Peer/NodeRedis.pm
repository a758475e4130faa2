package Bench::Peer::NodeRedis;

# Node.js and the same script in Redis; see peers/node/server.js.

use strict;
use warnings;

use parent -norequire, 'Bench::Peer::Redis';

use Bench::Node qw(node_modules);
use Bench::Peer::Redis;


sub warm_seconds { return 5 }


sub start_shop {
    my ($self) = @_;

    $self->run(['node', $self->code('node/server.js'), 'redis',
                $self->{port}, $self->{workers}, $self->socket_path,
                $self->script_path],
               role => 'app', what => 'node',
               env => { NODE_PATH => node_modules(),
                        NODE_ENV => 'production' });
}


sub about {
    my ($self) = @_;

    chomp(my $node = `node --version`);
    return "Node.js $node, node:http, a cluster of $self->{workers}; EVALSHA"
        . " through redis with its pipelining; Redis"
        . " @{[ $self->version ]}, appendonly, appendfsync $self->{fsync}";
}


1;
