package Faka::Net;

# Machines of a network, as network namespaces: a hub, to which each of the
# others has a line of its own.  A line can be cut, both ways or one way only;
# then packets vanish without a word, as in a switch that has died.
#
#     my $net = Faka::Net->new(qw(first second));
#     $net->inside('first', sub { $nginx->start });
#     $net->cut('first');             both ways; or 'from', 'to'
#     $net->heal('first');
#
# The file system, and so sockets of files, are one for all.  Needs root and a
# kernel that gives out namespaces: impossible() says why not.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep);

use Faka::Proc qw(spawn wait_until);

use constant CLONE_NEWNET => 0x40000000;

# MAC addresses end in a byte for the line and one for its end.
use constant { HUB => 1, NODE => 2, NOWHERE => 9 };

my %setns = (x86_64 => 308, aarch64 => 268);
my $setns = $setns{ (POSIX::uname())[4] };


# '' or the reason.

sub impossible {
    return 'only root can make network namespaces' if $< != 0;
    return 'the number of setns() is not known for this machine' if !$setns;

    my $said = `unshare -n ip link set lo up 2>&1`;
    return $? == 0 ? '' : "no network namespaces here: $said";
}


sub new {
    my ($class, @names) = @_;

    my $self = bless { pids => {}, lines => {}, owner => $$ }, $class;
    open $self->{home}, '<', '/proc/self/ns/net' or die "namespace: $!";

    $self->_machine($_) for 'hub', @names;
    for my $number (1 .. @names) {
        $self->_line($names[$number - 1], $number);
    }
    return $self;
}


# A process that only keeps the namespace.

sub _machine {
    my ($self, $name) = @_;

    my $pid = spawn(['unshare', '-n', 'sleep', '1000000']);
    $self->{pids}{$name} = $pid;

    my $home = readlink '/proc/self/ns/net';
    wait_until(sub {
        my $there = readlink "/proc/$pid/ns/net";
        return $there && $there ne $home;
    }, 5) or die "no namespace for $name\n";
    $self->_ip($name, qw(link set lo up));
}


sub _mac { return sprintf '02:00:00:00:%02x:%02x', @_ }


sub _line {
    my ($self, $name, $number) = @_;

    my $line = $self->{lines}{$name} = {
        number => $number, dev => "line$number",
        hub => "10.77.$number.1", node => "10.77.$number.2",
    };

    $self->_ip('hub', qw(link add), $line->{dev}, 'address',
               _mac($number, HUB), qw(type veth peer name eth0 address),
               _mac($number, NODE), 'netns', $self->{pids}{$name});
    $self->_ip('hub', qw(addr add), "$line->{hub}/24", 'dev', $line->{dev});
    $self->_ip('hub', qw(link set), $line->{dev}, 'up');
    $self->_ip($name, qw(addr add), "$line->{node}/24", qw(dev eth0));
    $self->_ip($name, qw(link set eth0 up));
    $self->heal($name);
}


# What a machine calls the hub.

sub hub_address { return $_[0]{lines}{ $_[1] }{hub} }


# A packet that goes to nobody's address is taken by nobody.  Direction: from
# the machine, to it, or both.

sub cut {
    my ($self, $name, $direction) = @_;

    $self->_aim($name, 'from', NOWHERE) unless ($direction || '') eq 'to';
    $self->_aim($name, 'to', NOWHERE) unless ($direction || '') eq 'from';
}


sub heal {
    my ($self, $name) = @_;

    $self->_aim($name, 'from', HUB);
    $self->_aim($name, 'to', NODE);
}


sub _aim {
    my ($self, $name, $direction, $end) = @_;

    my $line = $self->{lines}{$name};
    my ($where, $address, $dev) = $direction eq 'from'
        ? ($name, $line->{hub}, 'eth0') : ('hub', @$line{qw(node dev)});
    $self->_ip($where, qw(neigh replace), $address, 'lladdr',
               _mac($line->{number}, $end), 'dev', $dev, qw(nud permanent));
}


sub _ip {
    my ($self, $name, @words) = @_;

    system('nsenter', '-n', '-t', $self->{pids}{$name}, 'ip', @words) == 0
        or die "ip @words, in $name\n";
}


# Runs the sub in that machine; what it starts stays there.

sub inside {
    my ($self, $name, $work) = @_;

    open my $there, '<', "/proc/$self->{pids}{$name}/ns/net"
        or die "$name: $!";
    _enter($there);
    my @value = eval { $work->() };
    my $error = $@;
    _enter($self->{home});
    die $error if $error;
    return wantarray ? @value : $value[0];
}


sub _enter {
    my ($fh) = @_;

    syscall($setns, fileno $fh, CLONE_NEWNET) == 0 or die "setns: $!";
}


sub DESTROY {
    my ($self) = @_;

    return if $$ != $self->{owner};

    # This may be the end of the test, whose exit code it would become.
    local $?;
    kill 'KILL', values %{ $self->{pids} };
    waitpid $_, 0 for values %{ $self->{pids} };
}


1;
