package Bench::Machine;

# What a run was made on: the machine and the versions of what took part.

use strict;
use warnings;

use Exporter 'import';

use Faka::Proc qw(slurp);

our @EXPORT_OK = qw(machine commit);

# A command, and what of its output is the version.
my %VERSION = (
    nginx      => [ '/usr/sbin/nginx -v 2>&1', qr{nginx/(\S+)} ],
    redis      => [ 'redis-server --version', qr/v=(\S+)/ ],
    wrk        => [ 'wrk -v 2>&1', qr/^wrk (?:debian\/)?(\S+)/ ],
    node       => [ 'node --version', qr/v(\S+)/ ],
    openssl    => [ 'openssl version', qr/OpenSSL (\S+)/ ],
    postgresql => [ 'psql --version 2>/dev/null', qr/(\d[\d.]+)/ ],
    mariadb    => [ 'mariadbd --version 2>/dev/null', qr/Ver (\S+?)-/ ],
    php        => [ 'ls /usr/sbin/php-fpm* 2>/dev/null',
                    qr/php-fpm(\d[\d.]+)/ ],
);


sub machine {
    my ($cpu) = (slurp('/proc/cpuinfo') // '') =~ /^model name\s*:\s*(.+)$/m;
    my ($kb) = slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/m;
    chomp(my $cores = `nproc`);
    chomp(my $kernel = `uname -r`);
    my ($device, $type) = (split ' ', (`df --output=source,fstype . `)[1]);

    my %versions;
    for my $name (keys %VERSION) {
        my ($command, $pattern) = @{ $VERSION{$name} };
        $versions{$name} = $1 if `$command` =~ $pattern;
    }
    my ($load) = slurp('/proc/loadavg') =~ /^(\S+ \S+ \S+)/;
    return { cpu => $cpu // 'unknown', cores => $cores + 0, loadavg => $load,
             memory => sprintf('%.0f GiB', $kb / (1 << 20)),
             kernel => $kernel, disk => "$device, $type",
             versions => \%versions };
}


sub commit {
    chomp(my $commit = `git describe --always --dirty 2>/dev/null`);
    return $commit || 'unknown';
}


1;
