package Faka::Nginx;

# One nginx with the module: its folder, its configuration, its processes.
# It runs as a daemon, as it does in production, because a foreground nginx
# ignores the signal for a binary upgrade.
#
# Options (all of them can be changed between stop and start in {opt}):
#   workers   number of worker processes, 2
#   shop      directives of the shop block, a hash over the defaults; undef
#             takes one away; a reference to a text is the whole block
#   channels  text: the channels of the shop, default one epay channel
#   server, http, main, events   text that goes into these blocks
#   listen    what stands behind the port
#   locations text in place of the usual locations
#   before, after        paths of modules loaded before and after ours
#   module    path of our module; '' for none (then no shop and no locations)
#   env       variables of its processes, a hash; a new binary has them, too

use strict;
use warnings;

use Cwd ();
use File::Basename ();
use POSIX ();

use Faka::Proc qw(alive children free_port slurp spew wait_gone wait_until);

use constant { STOP_SECONDS => 15, STAYS_LINES => 30 };

my $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
my $ASAN = $ENV{FAKA_ASAN};


sub binary { return $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx' }


sub module {
    return $ENV{FAKA_MODULE} if $ENV{FAKA_MODULE};
    return "$ROOT/build/" . ($ASAN ? 'asan/' : '') . 'ngx_http_faka_module.so';
}


# %opt: dir (made if it is not there) and the options above.

sub new {
    my ($class, %opt) = @_;

    my $dir = delete $opt{dir};
    mkdir $dir, 0755;
    mkdir "$dir/html", 0755;

    my $self = bless {
        dir => $dir, port => free_port(), log => "$dir/error.log",
        opt => { workers => 2, module => module(), server => '', http => '',
                 main => '', events => '', listen => '', before => [],
                 after => [], shop => {}, %opt },
        expected => [],
    }, $class;

    return $self;
}


sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }


my $LOCATIONS = <<'EOT';
        location = /products { faka_products main; }
        location = /channels { faka_channels main; }
        location = /checkout { faka_checkout main; }
        location /orders/    { faka_orders   main; }
        location /notify/    { faka_notify   main; }
        location /admin/     { faka_admin    main; client_max_body_size 0; }
        location = /metrics  { faka_metrics  main; }
EOT


sub _shop {
    my ($self) = @_;

    my $opt = $self->{opt};
    return ${ $opt->{shop} } if ref $opt->{shop} eq 'SCALAR';

    my %shop = (
        memory           => '64m',
        redis            => "unix:$opt->{redis_socket}",
        durability       => 'disk',
        key_file         => "$opt->{secrets}/cards.key",
        hold             => '15m',
        public_url       => "http://127.0.0.1:$self->{port}",
        admin_token_file => "$opt->{secrets}/admin.token",
        %{ $opt->{shop} },
    );

    my $channels = defined $opt->{channels} ? $opt->{channels}
        : "channel epay epay { url $opt->{gateway_url}; pid 1000;"
          . " key_file $opt->{secrets}/epay.key; }\n";

    my $text = join '', map { "        $_ $shop{$_};\n" }
               grep { defined $shop{$_} } sort keys %shop;
    return "    faka_shop main {\n$text        $channels    }\n";
}


# The whole configuration; a caller may change the text before it is used.

sub conf {
    my ($self) = @_;

    my $opt = $self->{opt};
    my $dir = $self->{dir};
    my $ours = $opt->{module} ne '';
    my $load = join '', map { "load_module $_;\n" }
               @{ $opt->{before} }, $ours ? $opt->{module} : (),
               @{ $opt->{after} };

    # Workers are not root: what they may read and reach is part of the test.
    my $user = $< == 0 ? "user nobody nogroup;\n" : '';
    my %env = $self->env;
    my $env = join '', map { "env $_;\n" } sort keys %env;
    my $level = $ENV{FAKA_DEBUG} ? 'debug' : 'info';
    my $shop = $ours ? $self->_shop : '';
    my $locations = defined $opt->{locations} ? $opt->{locations}
                    : $ours ? $LOCATIONS : '';
    my $core = $opt->{main} =~ /worker_rlimit_core/ ? ''
               : "worker_rlimit_core 0;\n";
    my $temp = join '', map { "    ${_}_temp_path $dir/temp_$_;\n" }
               qw(client_body proxy fastcgi uwsgi scgi);

    return <<"EOT";
$load$user${env}pid $dir/nginx.pid;
lock_file $dir/nginx.lock;
error_log $dir/error.log $level;
worker_processes $opt->{workers};
$core$opt->{main}
events {
    worker_connections 2048;
    $opt->{events}
}

http {
$temp    access_log $dir/access.log;
    keepalive_requests 100000;
    reset_timedout_connection on;
$shop$opt->{http}
    server {
        listen 127.0.0.1:$self->{port} $opt->{listen};
        root $dir/html;
$locations$opt->{server}
    }
}
EOT
}


# What the binary finds in its environment, besides what this program has.

sub env {
    my ($self) = @_;

    my %env = %{ $self->{opt}{env} || {} };
    return %env unless $ASAN;

    # The runtime of the sanitizers wants to be the first one.
    my @first = map { chomp(my $path = `gcc -print-file-name=$_`); $path }
                qw(libasan.so libubsan.so);
    return (%env,
        LD_PRELOAD => join(' ', @first, grep { defined } $env{LD_PRELOAD}),
        ASAN_OPTIONS => 'detect_leaks=0:abort_on_error=0');
}


# Runs the binary to its end; returns its exit code and its output.

sub _run {
    my ($self, @args) = @_;

    my $out = "$self->{dir}/output";
    my $pid = Faka::Proc::spawn(
        [binary(), '-p', $self->{dir}, '-c', "$self->{dir}/nginx.conf",
         '-e', $self->{log}, @args],
        log => spew($out, ''), env => { $self->env });

    my $gone = wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 60);
    my $code = $gone ? $? : 9 << 8;
    kill 'KILL', $pid unless $gone;

    return ($code >> 8 || $code & 127, slurp($out));
}


# nginx -t over a configuration: (exit code, what it said).

sub check_conf {
    my ($self, $text) = @_;

    spew("$self->{dir}/nginx.conf", defined $text ? $text : $self->conf);
    return $self->_run('-t', '-q');
}


# (exit code, output) without dying, for starts that shall fail.

sub try_start {
    my ($self, $text) = @_;

    spew("$self->{dir}/nginx.conf", defined $text ? $text : $self->conf);
    my ($code, $output) = $self->_run;
    if ($code == 0) {
        wait_until(sub { slurp("$self->{dir}/nginx.pid") }, 5);
        $self->{master} = slurp("$self->{dir}/nginx.pid") + 0;
        wait_until(sub { $self->workers == $self->{opt}{workers} }, 10);
    }
    return ($code, $output);
}


sub start {
    my ($self, $text) = @_;

    my ($code, $output) = $self->try_start($text);
    die "nginx did not start: $output\n" if $code != 0;
    return $self;
}


sub master { return $_[0]{master} }


# The workers that serve; with "all" also those that drain after a reload.

sub workers {
    my ($self, $all) = @_;

    my $title = $all ? qr/\Anginx: worker process/
                     : qr/\Anginx: worker process\0*\z/;
    return grep { (slurp("/proc/$_/cmdline") || '') =~ $title }
           children($self->{master});
}


sub running { return $_[0]{master} && alive($_[0]{master}) }


# Waits until a new generation of workers serves and the old one is gone, or
# only for the former with gone => 0.

sub reload {
    my ($self, %opt) = @_;

    my %old = map { $_ => 1 } $self->workers;
    spew("$self->{dir}/nginx.conf", $opt{conf} || $self->conf);
    kill 'HUP', $self->{master};

    my $gone = exists $opt{gone} ? $opt{gone} : 1;
    return wait_until(sub {
        my @new = grep { !$old{$_} } $self->workers;
        return 0 if @new < $self->{opt}{workers};
        return !$gone || !grep { $old{$_} } $self->workers('all');
    }, $opt{timeout} || 20);
}


# A binary upgrade, USR2: a new master and its workers stand beside the old
# ones, on the same port.  True when they are all there; quit_old() ends the
# old ones.

sub upgrade {
    my ($self) = @_;

    my $old = $self->{master};
    kill 'USR2', $old;

    my $new = wait_until(sub {
        my $pid = slurp("$self->{dir}/nginx.pid");
        return $pid && $pid != $old ? $pid + 0 : 0;
    }, 10) or return 0;

    @$self{qw(old master)} = ($old, $new);
    return wait_until(sub { $self->workers == $self->{opt}{workers} }, 10);
}


# Back to the old ones: the new master is told to QUIT.

sub quit_new {
    my ($self) = @_;

    my ($new, $old) = delete @$self{qw(master old)};
    kill 'QUIT', $new;
    $self->{master} = $old;
    return wait_gone($new, STOP_SECONDS)
           && wait_until(sub {
               return (slurp("$self->{dir}/nginx.pid") || 0) == $old;
           }, 5);
}


sub old { return $_[0]{old} }


sub quit_old {
    my ($self, $signal) = @_;

    my $old = delete $self->{old} or return 1;
    my @all = ($old, children($old));
    kill $signal || 'QUIT', $old;

    my $done = wait_gone($old, STOP_SECONDS) || $self->_stays(@all);
    kill 'KILL', @all unless $done;
    return $done;
}


# Says what is known of processes that did not end; false.

sub _stays {
    my ($self, @pids) = @_;

    for my $pid (grep { alive($_) } @pids) {
        my $state = eval { slurp("/proc/$pid/status") } // '';
        my $wait = eval { slurp("/proc/$pid/wchan") } // '?';
        my ($what) = $state =~ /^State:\s*(.*)/m;
        print STDERR "# $pid stays: ", $what // 'gone meanwhile', ", $wait\n";
    }

    my @lines = split /^/, $self->error_log;
    shift @lines while @lines > STAYS_LINES;
    print STDERR map { "# $_" } @lines;
    return 0;
}


# The signal is QUIT, or TERM for a quick end.  A nginx that does not end
# within STOP_SECONDS is killed, and the answer is false.

sub stop {
    my ($self, $signal) = @_;

    $self->quit_old('TERM');
    my $master = $self->{master};
    return 1 unless $master && alive($master);

    my @workers = $self->workers('all');
    kill 'CONT', @workers if @workers;
    kill $signal || 'QUIT', $master;

    my $done = wait_gone($master, STOP_SECONDS)
               || $self->_stays($master, @workers);
    $self->kill_all unless $done;
    delete $self->{master};
    return $done;
}


sub restart {
    my ($self) = @_;

    $self->stop or die "nginx did not stop\n";
    return $self->start;
}


# kill -9 of everything.  The master first: it would start new workers.

sub kill_all {
    my ($self) = @_;

    my $master = delete $self->{master} or return;
    my @all = ($master, children($master));
    kill 'KILL', @all;
    wait_gone($_, 5) for @all;
}


# kill -9 of one worker; its alert in the log is the one that is expected.
# Returns when the master has started another one.

sub kill_worker {
    my ($self, $pid) = @_;

    my @before = $self->workers;
    $pid = $before[0] unless defined $pid;
    $self->expect_alert(qr/worker process $pid exited on signal 9/);
    kill 'KILL', $pid;
    wait_gone($pid, 5);
    return wait_until(sub {
        my @now = $self->workers;
        return @now >= @before && !grep { $_ == $pid } @now;
    }, 10);
}


sub error_log { return slurp($_[0]{log}) || '' }


sub wait_log {
    my ($self, $pattern, $seconds) = @_;

    return wait_until(sub { $self->error_log =~ $pattern }, $seconds);
}


# Declares an alert that this test brings about.

sub expect_alert {
    my ($self, $pattern) = @_;

    push @{ $self->{expected} }, $pattern;
}


# Lines that no test may leave behind: (alerts, sanitizer reports).

sub complaints {
    my ($self) = @_;

    my (@alerts, @reports);
    for my $line (split /\n/, $self->error_log) {
        push @reports, $line if $line =~ /Sanitizer|runtime error:/;
        next unless $line =~ /\[alert\]/;
        push @alerts, $line unless grep { $line =~ $_ } @{ $self->{expected} };
    }
    return (\@alerts, \@reports);
}


1;
