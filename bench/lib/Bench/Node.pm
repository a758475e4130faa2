package Bench::Node;

# The npm packages that the bench uses, as bench/package-lock.json names them:
# installed when the lock changes, into build/bench/node.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);

use Faka::Proc qw(slurp);

our @EXPORT_OK = qw(node_modules);

my $BENCH = Cwd::realpath(dirname(__FILE__) . '/../..');


# The folder for NODE_PATH.

sub node_modules {
    my $dir = dirname($BENCH) . '/build/bench/node';

    make_path($dir);
    open my $lock, '>', "$dir/.lock" or die "bench: $dir: $!\n";
    flock $lock, LOCK_EX or die "bench: $dir: $!\n";

    my $wanted = slurp("$BENCH/package-lock.json");
    my $there = slurp("$dir/node_modules/.faka-lock") // '';
    return "$dir/node_modules" if $there eq $wanted;

    for my $name (qw(package.json package-lock.json)) {
        copy("$BENCH/$name", "$dir/$name") or die "bench: $dir/$name: $!\n";
    }
    my $out = `cd \Q$dir\E && npm ci --no-audit --no-fund 2>&1`;
    $? == 0 or die "bench: npm cannot bring what bench/package.json names:\n"
        . substr($out, -1000);

    copy("$BENCH/package-lock.json", "$dir/node_modules/.faka-lock")
        or die "bench: $dir: $!\n";
    return "$dir/node_modules";
}


1;
