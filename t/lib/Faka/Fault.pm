package Faka::Fault;

# What can go wrong around a shop, as one table.  A row is a kind of fault:
#
#   parts   what it takes hold of; a round never has two faults for one part
#   weight  how often it is picked
#   lasts   seconds from its beginning to its end, at least and at most
#   begin   does it; returns what the round's line shall say of it
#   heal    takes the cause away, as an operator would; not for those that
#           are over by themselves
#   quiet   no request may fail, if there is nothing else in the round
#   after   what is still to be done when every fault of the round is healed
#   stops   whether the fault was enough to stop a shop that has stopped; then
#           it is restarted, as an operator would
#
# What is expected of the shop is written above each row.  For all of them:
# nothing that was told is lost, nothing is sold twice, and it sells again
# without help, unless the row says what help it needs.
#
# The subs take the occurrence (a copy of the row, for notes) and the
# soak (see Faka::Soak): its t, kills, problem(), memory() and clock().

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(max shuffle);
use Time::HiRes qw(sleep time);

use Faka::Job;
use Faka::Proc qw(alive children wait_gone wait_until);

our @EXPORT_OK = qw(fault_names pick_faults);

use constant {
    KILLS_MAX => 60, BULK_LINES => 1500, BULK_LINE_SIZE => 1800,
    DEATHS_MAX => 16, ROOM_LEFT => 64 << 10, ORDERS_LEFT => 150,
    FILL_SECONDS => 8, HOUR_US => 3600 * 1_000_000,
    IMPORT_SECONDS => 45, REGION_MIN => 8 << 20,
};

my @KINDS = (

    # The others go on; the half-done change of a dead one is taken back.
    # More than 16 deaths under the lock in a minute stop the shop.
    { name => 'worker -9', parts => ['nginx'], weight => 10,
      lasts => [0, 0], begin => \&_worker_kill, stops => \&_many_died },

    # Who waits for the stopped one's lease or lock is told 503, not left.
    { name => 'worker STOP', parts => ['nginx'], weight => 2,
      lasts => [1, 5], begin => \&_worker_stop, heal => \&_worker_cont },

    # Orphaned workers sell on; the next nginx reads all of it back.
    { name => 'nginx -9', parts => ['nginx'], weight => 3,
      lasts => [0, 0.5], begin => \&_nginx_kill, heal => \&_nginx_start },

    { name => 'redis -9', parts => ['redis'], weight => 3,
      lasts => [0, 1], begin => \&_redis_kill, heal => \&_redis_start },

    # As when the machine loses its power, but for the disk's own cache.
    { name => 'all -9', parts => ['nginx', 'redis'], weight => 3,
      lasts => [0, 0.5], begin => \&_all_kill, heal => \&_all_start },

    { name => 'redis STOP', parts => ['redis'], weight => 2,
      lasts => [1, 5], begin => \&_redis_stop, heal => \&_redis_cont },

    # Redis ends itself, as it must with "appendfsync always": 503 until there
    # is room and a Redis again.
    { name => 'disk full', parts => ['redis'], weight => 2,
      lasts => [1, 3], begin => \&_disk_fill, heal => \&_disk_free },

    # With "everysec" it lives, has lost what it just acknowledged, and answers
    # MISCONF: nginx's memory is the only copy, so nothing is done to nginx.
    { name => 'MISCONF', parts => ['redis', 'nginx'], weight => 1,
      lasts => [1, 3], begin => \&_disk_fill, heal => \&_disk_free,
      weak => 1 },

    { name => 'CLIENT KILL', parts => ['redis'], weight => 2,
      lasts => [0, 0], begin => \&_client_kill },

    # Until a time of day: for hours, if its clock is set back meanwhile.
    { name => 'CLIENT PAUSE', parts => ['redis', 'clock'], weight => 1,
      lasts => [0, 0], begin => \&_client_pause },

    { name => 'DEBUG SLEEP', parts => ['redis'], weight => 1,
      lasts => [0, 0], begin => \&_debug_sleep },

    # Sells on, for the operator may want it so, and says what that means in
    # the error log and in faka_redis_fsync, with the next connection; "soon":
    # whether it must do so without one.
    { name => 'CONFIG SET', parts => ['redis', 'nginx'], weight => 1,
      lasts => [1, 2], begin => \&_config_weaken,
      heal => \&_config_restore, soon => 0 },

    # Memory holds what the journal lost, and writes it anew: nobody does
    # anything.  But for the archive, which is nowhere else.
    { name => 'FLUSHALL', parts => ['redis', 'nginx', 'clock'], weight => 2,
      lasts => [0, 0], begin => \&_journal_lose },
    { name => 'DEL journal', parts => ['redis', 'nginx', 'clock'],
      weight => 1, lasts => [0, 0], begin => \&_journal_lose,
      keys => ['journal'] },

    # As a disk does that acknowledges what it has not written: Redis comes
    # back with less than was told.
    { name => 'tail lost', parts => ['redis', 'nginx', 'clock'],
      weight => 2, lasts => [0.2, 1.5], begin => \&_tail_copy,
      heal => \&_tail_lose },

    # No request fails for it.
    { name => 'HUP', parts => ['nginx'], weight => 2,
      lasts => [0, 0], begin => \&_hup, quiet => 1 },

    # A new region, filled from the journal.
    { name => 'HUP memory', parts => ['nginx'], weight => 1,
      lasts => [0, 0], begin => \&_hup_memory },

    # It does not open with half of its orders, and says what it needs.
    { name => 'HUP too small', parts => ['nginx', 'redis'], weight => 1,
      lasts => [0.5, 1], begin => \&_hup_small, heal => \&_hup_enough },

    { name => 'USR2', parts => ['nginx'], weight => 2,
      lasts => [0, 0], begin => \&_upgrade },

    # Orders and imports are refused with 503 as a whole; what is there goes
    # on; more memory, and it sells again.
    { name => 'region full', parts => ['nginx', 'redis'], weight => 1,
      lasts => [0, 0.5], begin => \&_region_fill, heal => \&_hup_enough },

    # More records than the ring takes: the import waits or is refused.
    { name => 'ring full', parts => ['redis'], weight => 1,
      lasts => [1, 3], begin => \&_ring_fill, heal => \&_redis_cont,
      after => \&_ring_drain },

    # Holds run out early or late, nothing else changes.
    { name => 'clock', parts => ['clock'], weight => 2,
      lasts => [0.5, 2], begin => \&_clock_step, heal => \&_clock_back },
);


sub fault_names { return map { $_->{name} } @KINDS }


# One to three kinds that do not take hold of the same part; $only: a hash of
# names, or undef for all.

sub pick_faults {
    my ($only) = @_;

    my @bag = map { ($_) x $_->{weight} }
              grep { !$only || $only->{ $_->{name} } } @KINDS;
    my $wanted = rand() < 0.5 ? 1 : 2 + int rand 2;
    my (@picked, %taken);

    for my $kind (shuffle @bag) {
        next if grep { $taken{$_} } @{ $kind->{parts} };
        @taken{ @{ $kind->{parts} } } = (1) x @{ $kind->{parts} };
        push @picked, { %$kind };
        last if @picked == $wanted;
    }
    return @picked;
}


sub _between { my ($low, $high) = @_; return $low + rand($high - $low) }


# ---- killed and stopped ------------------------------------------------

sub _kill9 {
    my ($s, $what, @pids) = @_;

    my @alive = grep { alive($_) } @pids;
    kill 'KILL', @alive;
    wait_gone($_, 5) for @alive;
    $s->{kills}{$what} += @alive;
}


sub _worker_kill {
    my ($f, $s) = @_;

    my $kills = 1 + int rand KILLS_MAX;
    for (1 .. $kills) {
        my @workers = $s->{t}->nginx->workers('all');
        _kill9($s, 'worker', $workers[rand @workers]) if @workers;
        sleep _between(0, 0.04);
    }
    return "x$kills";
}


# More of them under the lock than a shop takes in a minute.

sub _many_died {
    my ($f, $s) = @_;

    return $s->{t}->metrics->{faka_lock_recoveries_total} > DEATHS_MAX;
}


sub _worker_stop {
    my ($f, $s) = @_;

    my @workers = $s->{t}->nginx->workers;
    $f->{pid} = $workers[rand @workers];
    kill 'STOP', $f->{pid};
    return '';
}


sub _worker_cont { kill 'CONT', $_[0]{pid} }


# All processes of nginx, the master first.  It is stopped before, or it would
# start a worker that nobody knows when one of them dies earlier.

sub _nginx_pids {
    my ($s) = @_;

    my $master = delete $s->{t}->nginx->{master};
    kill 'STOP', $master;
    return ($master, children($master));
}


# The master alone first: its workers go on until somebody ends them.

sub _nginx_kill {
    my ($f, $s) = @_;

    my ($master, @workers) = _nginx_pids($s);
    _kill9($s, 'master', $master);
    sleep _between(0, 0.4);
    _kill9($s, 'worker', $_) for @workers;
    return '';
}


sub _nginx_start { $_[1]{t}->nginx->start }


sub _redis_kill {
    my ($f, $s) = @_;

    _kill9($s, 'redis', $s->{t}->redis->pid);
    $s->{t}->redis->kill9;
    return '';
}


sub _redis_start { $_[1]{t}->redis->start }
sub _redis_stop  { $_[1]{t}->redis->pause; return '' }
sub _redis_cont  { $_[1]{t}->redis->cont }


sub _all_kill {
    my ($f, $s) = @_;

    my @all = shuffle($s->{t}->redis->pid, _nginx_pids($s));
    kill 'KILL', @all;
    $s->{kills}{'in one blow'} += @all;
    $s->{t}->redis->kill9;
    wait_gone($_, 5) for @all;
    return 'x' . @all;
}


sub _all_start {
    my ($f, $s) = @_;

    my @start = (sub { $s->{t}->redis->start }, sub { $s->{t}->nginx->start });
    for my $start (shuffle @start) {
        $start->();
        sleep _between(0, 0.3);
    }
}


# ---- Redis -------------------------------------------------------------

sub _config { return shift->{t}->redis->cmd('CONFIG', 'SET', @_) }


# A real full disk where one can be mounted, else a limit on the file's size;
# where both can be had, chance decides.

sub _disk_fill {
    my ($f, $s) = @_;

    my $redis = $s->{t}->redis;
    _config($s, appendfsync => 'everysec') if $f->{weak};

    if ($s->{mounted} && rand() < 0.7) {
        $f->{ballast} = $s->{t}->dir . '/redis/ballast';
        open my $fh, '>:raw', $f->{ballast} or die "ballast: $!";
        1 while syswrite $fh, "\0" x (1 << 20);
        my $size = -s $fh;
        truncate $fh, $size > ROOM_LEFT ? $size - ROOM_LEFT : 0;
        return '';
    }

    my $used = max map { -s } glob $s->{t}->dir . '/redis/append*/*.incr.aof';
    system('prlimit', '--pid', $redis->pid,
           '--fsize=' . ($used + ROOM_LEFT) . ':unlimited') == 0
        or die 'prlimit';
    return 'limit';
}


sub _disk_free {
    my ($f, $s) = @_;

    my $redis = $s->{t}->redis;
    if ($f->{ballast}) {
        unlink $f->{ballast};
    } elsif (alive($redis->pid)) {
        system 'prlimit', '--pid', $redis->pid, '--fsize=unlimited';
    }

    # Redis has ended itself, or a signal of the system has ended it.
    if (!alive($redis->pid)) {
        $redis->kill9;
        $redis->start;
    }
    wait_until(sub {
        return $redis->cmd('INFO', 'persistence')
               =~ /aof_last_write_status:ok/;
    }, 5) or $s->problem('there is room again, but Redis does not write');
    _config($s, appendfsync => 'always');
}


sub _client_kill {
    my ($f, $s) = @_;

    my $times = 1 + int rand 20;
    for (1 .. $times) {
        $s->{t}->redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
        sleep _between(0, 0.1);
    }
    return "x$times";
}


sub _client_pause {
    my ($f, $s) = @_;

    my $ms = int _between(500, 4000);
    my $what = rand() < 0.5 ? 'WRITE' : 'ALL';
    $s->{t}->redis->cmd('CLIENT', 'PAUSE', $ms, $what);
    sleep $ms / 1000;
    return "$ms ms $what";
}


sub _debug_sleep {
    my ($f, $s) = @_;

    my $seconds = sprintf '%.1f', _between(0.5, 3);
    $s->{t}->redis->cmd('DEBUG', 'SLEEP', $seconds);
    return "$seconds s";
}


my @weak = ([appendfsync => 'everysec', 'always'],
            [appendfsync => 'no', 'always'],
            [appendonly => 'no', 'yes'],
            ['no-appendfsync-on-rewrite' => 'yes', 'no']);

sub _fsync_lines {
    my ($s) = @_;

    my $lines = () = $s->{t}->nginx->error_log =~ /does not fsync before/g;
    return $lines;
}


sub _config_weaken {
    my ($f, $s) = @_;

    $f->{lines} = _fsync_lines($s);
    $f->{set} = $weak[rand @weak];
    _config($s, @{ $f->{set} }[0, 1]);
    return "@{ $f->{set} }[0, 1]";
}


# Redis must have rewritten its file before anything else may kill it.

sub _config_restore {
    my ($f, $s) = @_;

    my $redis = $s->{t}->redis;
    my $soon = _fsync_lines($s) > $f->{lines};
    $s->{noticed}{ $soon ? 'by itself' : 'at a reconnect' }++;
    $s->problem("@{ $f->{set} }[0, 1]: not said without a reconnect")
        if $f->{soon} && !$soon;
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    $s->problem("@{ $f->{set} }[0, 1]: not said in the error log")
        unless wait_until(sub { _fsync_lines($s) > $f->{lines} }, 5);

    _config($s, @{ $f->{set} }[0, 2]);
    wait_until(sub {
        my $info = $redis->cmd('INFO', 'persistence');
        return $info =~ /aof_rewrite_in_progress:0/
               && $info =~ /aof_rewrite_scheduled:0/;
    }, 20);
    $redis->cmd(qw(CLIENT KILL TYPE normal SKIPME yes));
    $s->problem("@{ $f->{set} }[0, 2]: not seen by faka_redis_fsync")
        unless wait_until(sub {
            return ($s->{t}->metrics->{faka_redis_fsync} || 0) eq '1';
        }, 5);
}


sub _journal_lose {
    my ($f, $s) = @_;

    my $redis = $s->{t}->redis;
    my $archived = $s->{t}->audit->json->{totals}{archived_orders};
    my $keys = $f->{keys} || ($archived ? [qw(journal snapshots owner)] : []);
    $redis->cmd(@$keys ? ('DEL', map { "faka:{main}:$_" } @$keys)
                       : 'FLUSHALL');
    return $f->{keys} || !$archived ? '' : 'but for the archive';
}


sub _tail_copy { $_[1]{t}->redis->keep_copy; return '' }


sub _tail_lose {
    my ($f, $s) = @_;

    _kill9($s, 'redis', $s->{t}->redis->pid);
    $s->{t}->redis->put_copy_back;
}


# ---- signals to nginx --------------------------------------------------

sub _hup {
    my ($f, $s) = @_;

    my $times = 1 + int rand 4;
    for (1 .. $times) {
        $s->problem('HUP: the old workers stay, or no new ones')
            unless $s->{t}->nginx->reload(gone => int rand 2);
    }
    return "x$times";
}


sub _resize {
    my ($s, $memory) = @_;

    $s->memory($memory);
    $s->problem("HUP to $memory: no new workers")
        unless $s->{t}->nginx->reload(gone => 0);
}


sub _hup_memory {
    my ($f, $s) = @_;

    my ($memory) = grep { $_ ne $s->memory } shuffle qw(28m 32m 48m);
    _resize($s, $memory);
    return $memory;
}


sub _hup_small {
    my ($f, $s) = @_;

    $f->{memory} = $s->memory;
    return _fits($f, $s, '8m') ? 'fits' : 'cannot recover';
}


# Does the shop open with so little memory?  If not it must say so.

sub _fits {
    my ($f, $s, $memory) = @_;

    my $t = $s->{t};
    my $log = length $t->nginx->error_log;
    _resize($s, $memory);

    # Old workers may answer still, so only the log tells how it went.
    my $said;
    wait_until(sub {
        $said = substr $t->nginx->error_log, $log;
        return $said =~ / open under epoch | cannot recover: /;
    }, 10);
    return 1 if $said =~ / open under epoch /;

    $s->safe_stop($f);
    $s->problem("$f->{name}: not said in the error log")
        unless $said =~ /\[emerg\].*cannot recover.*the shop more "memory"/;
    return 0;
}


sub _hup_enough { my ($f, $s) = @_; _resize($s, $f->{memory}) }


sub _upgrade {
    my ($f, $s) = @_;

    my $nginx = $s->{t}->nginx;
    $s->problem('USR2: no new nginx') unless $nginx->upgrade;
    sleep _between(0, 0.5);
    $s->problem('QUIT: the old nginx stays') unless $nginx->quit_old;
    return '';
}


# ---- full --------------------------------------------------------------

# Memory that just holds what there is, a long import, and all the buyers.

sub _region_fill {
    my ($f, $s) = @_;

    my $t = $s->{t};
    $f->{memory} = $s->memory;
    my $metrics = $t->metrics;
    my ($size) = $f->{memory} =~ /(\d+)m/;
    my $need = REGION_MIN;
    for my $table (qw(orders payments cards blocks)) {
        my $used = $metrics->{"faka_memory_used{table=\"$table\"}"} || 0;
        my $all = $metrics->{"faka_memory_capacity{table=\"$table\"}"} || 1;
        my $share = ($used + ORDERS_LEFT) / $all;
        $need = max($need, $share * ($size << 20));
    }

    # The journal's past may need more room than its end does.
    return 'cannot recover'
        unless _fits($f, $s, int($need / 1024) . 'k');

    $metrics = $t->metrics;
    my $left = $metrics->{'faka_memory_capacity{table="cards"}'}
               - $metrics->{'faka_memory_used{table="cards"}'};
    my $cards = join '', map { "over-$_\n" } 1 .. $left + 1000;
    my $answer = $t->admin('POST', '/products/over/cards', $cards,
                           timeout => 20);
    $s->problem("an import of too many cards: " . $answer->brief)
        if $answer->status != 503;

    my $full = wait_until(sub {
        $metrics = $t->metrics;
        return $metrics->{'faka_memory_used{table="orders"}'}
               >= $metrics->{'faka_memory_capacity{table="orders"}'};
    }, $need > REGION_MIN ? FILL_SECONDS : 0);
    return 'cards' unless $full;

    $answer = $t->checkout(sku => 'probe');
    $s->problem('a checkout without room: ' . $answer->brief)
        unless $answer->status == 503 && $answer->header('retry-after');
    return 'cards, orders';
}


sub _ring_fill {
    my ($f, $s) = @_;

    my $t = $s->{t};
    my $number = ++$s->{bulks};
    $f->{cards} = [map { sprintf('bulk-%d-%06d-', $number, $_)
                         . 'x' x BULK_LINE_SIZE } 1 .. BULK_LINES];
    $t->redis->pause;
    $f->{job} = Faka::Job->start(sub {
        return $t->admin('POST', '/products/bulk/cards',
                         join("\n", @{ $f->{cards} }, ''),
                         timeout => 20)->status;
    });
    return '';
}


# Sent again until it is known that all of them are stock, once.  An import
# whose worker died keeps the product to itself until its lease runs out.

sub _ring_drain {
    my ($f, $s) = @_;

    my $t = $s->{t};
    $f->{job}->wait;

    my $all = wait_until(sub {
        my $answer = $t->admin('POST', '/products/bulk/cards',
                               join("\n", @{ $f->{cards} }, ''));
        return $answer->status == 200
               && $answer->json->{accepted} + $answer->json->{duplicates}
                  == @{ $f->{cards} };
    }, IMPORT_SECONDS);
    $s->problem('ring full: the import does not end') unless $all;
    $s->{books}->imported('bulk', $f->{cards});
}


# ---- time --------------------------------------------------------------

sub _clock_step {
    my ($f, $s) = @_;

    my $hours = (rand() < 0.5 ? -1 : 1) * (rand() < 0.5 ? rand 1 : rand 30);
    my @who = grep { rand() < 0.7 } qw(nginx redis);
    @who = ('nginx') unless @who;
    $s->clock($_, int $hours * HOUR_US) for @who;
    return sprintf '%+.1f h for %s', $hours, join ' and ', @who;
}


sub _clock_back { $_[1]->clock($_, 0) for qw(nginx redis) }


1;
