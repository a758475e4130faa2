package Faka::Proc;

# Processes, ports and waiting: what every other module of the library stands
# on.  Nothing here knows nginx, Redis or the shop.
#
# A process is named by its pid and signalled by it, never by a pattern; a
# zombie counts as gone, because in a container nobody may be there to reap
# what was orphaned.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock O_CREAT O_RDWR);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(alive children wait_until wait_gone stop_pid
                    free_port spawn slurp spew);

# Below the range from which the kernel takes ports for outgoing connections.
use constant { PORT_FIRST => 20000, PORT_LAST => 32000 };

my @port_locks;


sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return undef;
    local $/;
    my $text = <$fh>;
    return defined $text ? $text : '';
}


# Secrets are refused by the module unless only their owner can read them.

sub spew {
    my ($path, $text, $mode) = @_;

    open my $fh, '>:raw', $path or die "$path: $!";
    chmod $mode, $path if defined $mode;
    print {$fh} $text;
    close $fh or die "$path: $!";
    return $path;
}


sub alive {
    my ($pid) = @_;

    my $stat = slurp("/proc/$pid/stat");
    return 0 unless defined $stat;
    return $stat =~ /\A\d+ \(.*\) (\S)/s && $1 !~ /[ZX]/ ? 1 : 0;
}


sub children {
    my ($parent) = @_;

    my @pids;
    opendir my $dh, '/proc' or die "/proc: $!";

    for my $pid (grep { /\A\d+\z/ } readdir $dh) {
        my $stat = slurp("/proc/$pid/stat");
        next unless defined $stat;
        next unless $stat =~ /\A\d+ \(.*\) (\S) (\d+)/s;
        push @pids, $pid if $2 == $parent && $1 !~ /[ZX]/;
    }

    return sort { $a <=> $b } @pids;
}


# Returns what the condition returned, or false after the time is over.

sub wait_until {
    my ($condition, $seconds) = @_;

    my $deadline = time() + (defined $seconds ? $seconds : 10);

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return 0 if time() > $deadline;
        sleep 0.02;
    }
}


sub wait_gone {
    my ($pid, $seconds) = @_;

    return wait_until(sub {
        waitpid $pid, POSIX::WNOHANG();
        return !alive($pid);
    }, $seconds);
}


# TERM first; what does not listen is killed, and that is reported as false.

sub stop_pid {
    my ($pid, $seconds) = @_;

    kill 'CONT', $pid;
    kill 'TERM', $pid;
    return 1 if wait_gone($pid, defined $seconds ? $seconds : 5);

    kill 'KILL', $pid;
    wait_gone($pid, 5);
    return 0;
}


# The lock file keeps a port for this process until it ends, so that tests
# which run side by side never pick the same one.

sub free_port {
    my $dir = ($ENV{TMPDIR} || '/tmp') . "/faka-test-ports.$<";
    mkdir $dir, 0700;

    for (1 .. 1000) {
        my $port = PORT_FIRST + int rand(PORT_LAST - PORT_FIRST);

        sysopen my $lock, "$dir/$port", O_CREAT | O_RDWR or die "$dir: $!";
        next unless flock $lock, LOCK_EX | LOCK_NB;

        my $probe = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port,
            Proto => 'tcp', Listen => 1, ReuseAddr => 1);
        next unless $probe;

        close $probe;
        push @port_locks, $lock;
        return $port;
    }

    die "no free port on the loopback interface\n";
}


# Starts a program with both outputs in a file; %opt: log, env, cwd.

sub spawn {
    my ($argv, %opt) = @_;

    my $pid = fork;
    die "fork: $!" unless defined $pid;
    return $pid if $pid;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM ALRM PIPE CHLD);
    @ENV{keys %{ $opt{env} }} = values %{ $opt{env} } if $opt{env};
    chdir $opt{cwd} if $opt{cwd};
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $opt{log} || '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec { $argv->[0] } @$argv or POSIX::_exit(127);
}


1;
