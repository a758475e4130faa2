package Bench::Peer;

# A shop of another making, which the bench runs beside faka: its processes,
# what is on sale in it, and an audit of what it did.  What all of them share
# is here; how each is built stands in Bench/Peer/ and bench/peers/.
#
# Nothing runs as a service and nothing listens but on unix sockets below the
# peer's folder and on one port of 127.0.0.1.  What a method cannot do it dies
# of, with the last lines of the log that tells why.

use strict;
use warnings;

use Cwd ();
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep);

use Faka::Proc qw(alive children slurp spew stop_pid wait_until);

use constant {
    START_SECONDS => 60,
    STOP_SECONDS  => 60,
    QUIET_SECONDS => 0.25,
    PRICE_FEN     => 990,
    SHOWN         => 3,                 # of what is broken
};

# Of every peer: its name on a command line and its class.
my @PEERS = (
    [ 'evalsha'    => 'EvalSha' ],
    [ 'pg-hot'     => 'PgHot' ],
    [ 'pg-skip'    => 'PgSkip' ],
    [ 'pg-batch'   => 'PgBatch' ],
    [ 'node-redis' => 'NodeRedis' ],
    [ 'php-shop'   => 'PhpShop' ],
);

my $MODULES = '/usr/lib/nginx/modules';
my $CODE = Cwd::realpath(dirname(__FILE__) . '/../../peers');


sub names { return map { $_->[0] } @PEERS }


# Bench::Peer->named('pg-hot', dir => DIR, port => PORT, ...)

sub named {
    my ($class, $name, %opt) = @_;

    my ($peer) = grep { $_->[0] eq $name } @PEERS;
    $peer or die "bench: there is no peer \"$name\": it may be "
        . join(', ', names()) . "\n";
    require "Bench/Peer/$peer->[1].pm";
    return "Bench::Peer::$peer->[1]"->new(%opt);
}


# dir: emptied at the start.  port: of 127.0.0.1.  workers: of nginx or Node.
# fsync: "always", durable before the answer, or "everysec".

sub new {
    my ($class, %opt) = @_;

    my $self = bless { workers => 2, fsync => 'always', %opt }, $class;
    for my $need (qw(dir port)) {
        defined $self->{$need} or die "bench: a peer needs a $need\n";
    }
    $self->{fsync} =~ /\A(?:always|everysec)\z/
        or die "bench: fsync is \"always\" or \"everysec\"\n";

    my ($name) = map { $_->[0] } grep { $class =~ /::$_->[1]\z/ } @PEERS;
    $self->{name} = $name;
    $self->{processes} = [];
    return $self;
}


sub name     { return $_[0]{name} }
sub url      { return "http://127.0.0.1:$_[0]{port}" }
sub durable  { return $_[0]{fsync} eq 'always' }

# An interpreter that compiles while it runs needs some thousands of orders
# before it is as fast as it will be; what comes before is no figure.
sub warm_seconds { return 1 }

# Does the way it sells let two buyers have one card?  What its audit calls
# raced is then a result of the bench and no failure of it.
sub races    { return 0 }


sub start {
    my ($self) = @_;

    die "bench: $self->{name} runs already\n" if @{ $self->{processes} };
    IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                          LocalPort => $self->{port}, ReuseAddr => 1)
        or die "bench: $self->{name}: port $self->{port}: $!\n";
    remove_tree($self->{dir});
    make_path($self->{dir});
    $self->{dir} = Cwd::realpath($self->{dir});
    $self->start_store;
    $self->start_shop;
    wait_until(sub { $self->all_alive; $self->answers }, START_SECONDS)
        or $self->failed('does not listen', 'shop');
    return $self;
}


sub stop {
    my ($self) = @_;

    my @left;
    for my $process (reverse @{ $self->{processes} }) {
        stop_pid($process->{pid}, STOP_SECONDS) or push @left, $process;
    }
    $self->{processes} = [];
    die "bench: $self->{name}: $left[0]{what} had to be killed\n" if @left;
}


# By what they do: nginx, app (an interpreter's processes), store.

sub pids {
    my ($self) = @_;

    my %pids = (nginx => [], app => [], store => []);
    for my $process (@{ $self->{processes} }) {
        push @{ $pids{ $process->{role} } }, family($process->{pid});
    }
    return \%pids;
}


sub family {
    my ($pid) = @_;

    return ($pid, map { family($_) } children($pid));
}


# ---- for the peers -----------------------------------------------------

sub code { return "$CODE/$_[1]" }


# Starts a program.  role: for pids(); what: for messages; user: who it runs
# as where this is root.

sub run {
    my ($self, $argv, %opt) = @_;

    my @argv = (as_user($opt{user}), @$argv);
    my $log = "$self->{dir}/$opt{what}.log";
    my $pid = Faka::Proc::spawn(\@argv, log => $log, cwd => $self->{dir},
                                env => $opt{env});
    push @{ $self->{processes} },
        { pid => $pid, role => $opt{role}, what => $opt{what} };
    return $pid;
}


# The same user for a program that is waited for.

sub as_user {
    my ($user) = @_;

    return () if !defined $user || $> != 0;
    my ($uid, $gid) = (getpwnam $user)[2, 3];
    defined $uid or die "bench: there is no user \"$user\" on this machine\n";
    return ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
}


# A folder of that user, who must be able to come there.

sub folder {
    my ($self, $name, $user) = @_;

    my $path = "$self->{dir}/$name";
    make_path($path);
    return $path if !defined $user || $> != 0;

    chown((getpwnam $user)[2, 3], $path) or die "bench: chown $path: $!\n";
    system(as_user($user), 'test', '-w', $path) == 0
        or die "bench: the user $user cannot reach $path: each folder above"
        . " it must let others through\n";
    return $path;
}


# Runs a program to its end and returns what it said.

sub output {
    my ($self, $what, $input, @argv) = @_;

    my $in = "$self->{dir}/$what.in";
    my $log = "$self->{dir}/$what.err";
    if (!ref $input) {
        spew($in, $input);
    } else {
        $in = $$input;
    }

    my $command = join ' ', map { quoted($_) } @argv;
    my $out = `$command < @{[ quoted($in) ]} 2> @{[ quoted($log) ]}`;
    $? == 0 or die "bench: $self->{name}: $what failed: "
        . (last_lines($log) || "status $?") . "\n";
    return $out;
}


# A word for the shell.

sub quoted {
    my ($word) = @_;

    return "'" . ($word =~ s/'/'\\''/gr) . "'";
}


# A configuration from its template: @NAME@ becomes the value of NAME.

sub render {
    my ($self, $template, %value) = @_;

    my $text = slurp($self->code($template))
        // die "bench: $template is missing\n";
    %value = (DIR => $self->{dir}, PORT => $self->{port},
              WORKERS => $self->{workers}, %value);
    $text =~ s{\@([A-Z_]+)\@}
              {$value{$1} // die "bench: $template: \@$1\@ has no value\n"}ge;
    my ($name) = $template =~ m{([^/]+)\z};
    return spew("$self->{dir}/$name", $text);
}


# nginx in the foreground, as Debian brings it, with its modules.

sub run_nginx {
    my ($self, $template, @modules) = @_;

    my $user = $> == 0 ? 'user root;' : '';
    my $load = join "\n", map { "load_module $MODULES/$_.so;" } @modules;
    my $conf = $self->render($template, USER => $user, MODULES => $load,
        FILES => $self->code(dirname($template)));
    $self->run(['/usr/sbin/nginx', '-p', $self->{dir}, '-c', $conf,
                '-e', "$self->{dir}/nginx.log"],
               role => 'nginx', what => 'shop');
}


sub wait_for {
    my ($self, $what, $ready) = @_;

    wait_until(sub { $self->all_alive; $ready->() }, START_SECONDS)
        or $self->failed('did not come up', $what);
}


sub all_alive {
    my ($self) = @_;

    for my $process (@{ $self->{processes} }) {
        waitpid $process->{pid}, POSIX::WNOHANG();
        alive($process->{pid}) or $self->failed('ended', $process->{what});
    }
}


sub answers {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 1) ? 1 : 0;
}


sub failed {
    my ($self, $how, $what) = @_;

    my @logs = grep { -s } glob "$self->{dir}/*.log";
    die join "\n", "bench: $self->{name}: its $what $how",
        map({ "$_:\n" . last_lines($_) } @logs), '';
}


sub last_lines {
    my ($log) = @_;

    my @lines = split /\n/, slurp($log) // '';
    my $first = @lines > 5 ? @lines - 5 : 0;
    return join "\n", @lines[$first .. $#lines];
}


# fill(stock => N, limit => N, skus => N) of each peer empties its store and
# puts so many products on sale, each of them with that stock and that limit
# for a buyer (0: none).  They are named as buyers.lua asks for them.

sub skus {
    my ($self, $count) = @_;

    return $count == 1 ? ('hot') : map { "sku$_" } 0 .. $count - 1;
}


# ---- the audit ---------------------------------------------------------

# What was asked for by a generator that has hung up since is still being done:
# the count begins when no order has come for a while.

sub audit {
    my ($self) = @_;

    my $last = -1;
    wait_until(sub {
        my $now = $self->order_count;
        my $quiet = $now == $last;
        $last = $now;
        sleep QUIET_SECONDS if !$quiet;
        return $quiet;
    }, START_SECONDS) or $self->failed('does not become quiet', 'shop');

    return $self->judge($self->books);
}


# What each peer finds in its store (its books), { sku => { stock => filled,
# left => n, limit => n, orders => [[units, contact, card ...], ...] }, ...},
# becomes what the bench shows.  Every card handed out is looked at, so that
# nothing rests on what the shop counts by itself.
#
# Beside the sums: raced, what two buyers at once may explain (oversold, twice
# the same card, more than the limit), and broken, what no race explains; both
# in words, '' if nothing.  ok is 1 if both are; why has both.  Of a peer that
# races() the first is a figure; the second is never one.

sub judge {
    my ($self, $shop) = @_;

    my %sum = map { $_ => 0 } qw(orders cards_given distinct_cards stock_left
                                 oversold duplicates over_limit);
    my (%given, @broken);       # the first product of each card

    for my $sku (sort keys %$shop) {
        my $product = $shop->{$sku};
        if (!defined $product->{stock}) {
            push @broken, "$sku: sold, and never put on sale";
            next;
        }

        my ($units, %bought, %here) = (0);
        for my $order (@{ $product->{orders} }) {
            my ($qty, $contact, @cards) = @$order;
            $units += $qty;
            $bought{$contact} += $qty;
            for my $card (@cards) {
                $here{$card} = 1;
                my $first = $given{$card} //= $sku;
                push @broken, "$sku: a card of $first" if $first ne $sku;
            }
            $sum{cards_given} += @cards;
            push @broken, "$sku: an order of $qty has " . @cards . ' cards'
                if @cards != $qty;
        }

        $sum{orders} += @{ $product->{orders} };
        $sum{stock_left} += $product->{left};
        $sum{oversold} += $units - $product->{stock}
            if $units > $product->{stock};
        $sum{over_limit} += grep { $_ > $product->{limit} } values %bought
            if $product->{limit};
        push @broken, "$sku: @{[ scalar keys %here ]} given and"
            . " $product->{left} left are not $product->{stock}"
            if keys(%here) + $product->{left} != $product->{stock};
    }

    $sum{distinct_cards} = keys %given;
    $sum{duplicates} = $sum{cards_given} - $sum{distinct_cards};
    my @raced = map { "$sum{$_} $_" } grep { $sum{$_} }
                qw(oversold duplicates over_limit);
    splice @broken, SHOWN, @broken, 'and ' . (@broken - SHOWN) . ' more'
        if @broken > SHOWN;

    return { %sum, ok => @raced || @broken ? 0 : 1,
             why => join('; ', @raced, @broken),
             raced => join('; ', @raced), broken => join('; ', @broken) };
}


1;
