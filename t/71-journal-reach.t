# build/faka-journal: by which ways it reaches a journal, and what it says of
# those that lead nowhere, and of files that were cut or torn.

use lib 't/lib';

use Faka::Test;
use Faka::Journal;
use Faka::Proc qw(free_port slurp spew);

my $journal = 'faka:{main}:journal';
my $t = Faka::Test->new(shop => { snapshot => '1m 24h' })->start;
my $dir = $t->dir;

$t->product('card', price => 500);
$t->import_cards('card', 20_000);
ok(wait_until(sub { $t->metrics->{faka_snapshots_total} }, 20),
   'a shop with a snapshot');
$t->buy(sku => 'card') for 1 .. 20;

my $made = tool('dump');
is($made->{code}, 0, 'and a dump of it') or diag($made->{err});
my $dump = spew("$dir/dump", $made->{out});

reached_by_all_ways();
says_what_is_wrong();
truncated();


# The tool with this test's Redis.

sub tool { return journal_tool('--redis', at($t->redis), 'main', @_) }
sub at   { return 'unix:' . $_[0]->socket_path }


# ---- where it is found -------------------------------------------------

sub reached_by_all_ways {
    my $secret = spew("$dir/password", "of the shop\n", 0600);
    my $wrong = spew("$dir/wrong", "of another\n", 0600);
    my $port = free_port();

    my $redis = $t->another_redis({ port => $port,
                                     bind => '127.0.0.1' })->start;
    ok(put_back($redis, $dump), 'another Redis has it');
    is_way('a port', '--redis', "127.0.0.1:$port");
    is_way('the first that answers', '--redis', '127.0.0.1:' . free_port(),
           '--redis', "127.0.0.1:$port");

    my $sentinel_port = free_port();
    my $sentinel = $t->another_redis({ bind => '127.0.0.1',
        port => $sentinel_port,
        'sentinel monitor shop' => "127.0.0.1 $port 1" }, '--sentinel');
    $sentinel->start;
    is_way('a sentinel', '--redis', "127.0.0.1:$sentinel_port", '--sentinel',
           'shop');
    is_no_way('a name that it does not know', qr/knows no master "other"/,
              '--redis', "127.0.0.1:$sentinel_port", '--sentinel', 'other');

    $redis->cmd(qw(ACL SETUSER reader on), '>of the shop', '~*',
                '+@read', '+select');
    $redis->cmd(qw(CONFIG SET requirepass), 'of the shop');
    my @there = ('--redis', "127.0.0.1:$port");
    is_no_way('no password', qr/NOAUTH/, @there);
    is_no_way('a wrong one', qr/refuses the password: WRONGPASS/, @there,
              '--password-file', $wrong);
    is_way('the password', @there, '--password-file', $secret);
    is_way('a user who only reads', @there, '--user', 'reader',
           '--password-file', $secret);

    cluster();
}


sub is_way {
    my ($name, @where) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ran = journal_tool(@where, 'main', 'check');
    is($ran->{code}, 0, "$name: it is found") or diag($ran->{err});
    is($ran->{out}, tool('check')->{out}, "$name: the same journal");
}


sub is_no_way {
    my ($name, $says, @where) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ran = journal_tool(@where, 'main', 'check');
    is($ran->{code}, 2, "$name: its status is not that of damage");
    like($ran->{err}, $says, "$name: what is wrong");
}


# One node has all slots, the other one only points to it.

sub cluster {
    my @ports = map { free_port() } 1, 2;
    my ($owner, $other) = map { $t->another_redis({ bind => '127.0.0.1',
        port => $_, 'cluster-port' => free_port(),
        'cluster-enabled' => 'yes' })->start } @ports;

    $owner->cmd(qw(CLUSTER ADDSLOTSRANGE 0 16383));
    $other->cmd(qw(CLUSTER MEET 127.0.0.1), $ports[0],
                $owner->cmd(qw(CONFIG GET cluster-port))->[1]);
    ok(wait_until(sub {
        return !eval { $other->cmd('EXISTS', $journal); 1 }
               && $@ =~ /MOVED \d+ 127/;
    }, 20), 'a cluster of two');

    ok(put_back($owner, $dump), 'one has the journal');
    is_way('a cluster', '--redis', "127.0.0.1:$ports[1]");
}


# ---- what is wrong is said ---------------------------------------------

sub says_what_is_wrong {
    my @here = ('--redis', at($t->redis));
    my $nobody = free_port();
    my $directory = $t->dir;

    for my $case (
        ['no Redis', qr{redis unix:/nowhere: No such file},
         '--redis', 'unix:/nowhere', 'main', 'info'],
        ['nobody at a port', qr/redis 127.0.0.1:$nobody: Connection refused/,
         '--redis', "127.0.0.1:$nobody", 'main', 'info'],
        ['no address', qr/"here:0" is no address; write unix:PATH or HOST/,
         '--redis', 'here:0', 'main', 'info'],
        ['another shop', qr/there is no shop "mian" here/, @here, 'mian',
         'check'],
        ['another shop in a dump', qr/there is no shop "mian" here/,
         '--file', $dump, 'mian', 'check'],
        ['no file', qr{/nowhere: No such file}, '--file', '/nowhere', 'main',
         'check'],
        ['a directory', qr{\Q$directory\E: Is a directory}, '--file',
         $directory, 'main', 'check'],
        ['another file', qr/is no dump/, '--file', $0, 'main', 'check'],
        ['no password file', qr{/nowhere: No such file}, @here,
         '--password-file', '/nowhere', 'main', 'info'],
        ['an empty password', qr/there is nothing in it/, @here,
         '--password-file', spew("$dir/empty", "\n"), 'main', 'info'],
        ['no command', qr/^usage: /, @here, 'main'],
        ['nothing', qr/^usage: /],
        ['another command', qr/no command "cheque"; see .*--help/, @here,
         'main', 'cheque'],
        ['another option', qr/^usage: /m, '--rediss', 'x', 'main', 'info'],
        ['no number', qr/--from wants a number, not "1x"/, '--from', '1x',
         'main', 'print'],
        ['no size', qr/--memory wants a size such as 256m/, '--memory',
         '1t', 'main', 'audit'],
        ['too little memory', qr/try a larger --memory/, @here,
         '--memory', '8m', 'main', 'audit'],
        ['no order', qr/"abc" is no order: an id has 26 characters/, @here,
         '--order', 'abc', 'main', 'print'],
        ['no audit', qr/- is no audit: line 1/, @here, '--live', '-',
         'main', 'audit', \'hello'],
        ['another answer', qr/no answer to GET/, @here, '--live', '-',
         'main', 'audit', \'{}'],
        useless(@here),
    ) {
        my ($name, $says, @args) = @$case;
        my $ran = journal_tool(@args);
        is($ran->{code}, 2, "$name: cannot be read") or diag($ran->{err});
        like($ran->{err}, $says, "$name: and why");
    }

    # Nobody is told of records that are not there.
    for my $command (qw(print audit)) {
        is(journal_tool(@here, '--to', last_seq(), 'main', $command)->{code},
           0, "$command up to the last record");
        my $to = last_seq() + 1;
        my $ran = journal_tool(@here, '--to', $to, 'main', $command);
        is($ran->{code}, 1, "$command up to one more");
        my $says = "the journal ends at record @{[ $to - 1 ]}, before record";
        like($ran->{err}, qr/^$says $to$/m, "$command: why");
    }

    my $help = journal_tool('--help');
    is($help->{code}, 0, 'help');
    is(join(' ', grep { index($help->{out}, "--$_") < 0 }
            qw(redis user password-file db sentinel sentinel-user
               sentinel-password-file file from to order snapshot live
               memory)), '', 'with every option');
}


sub last_seq { return ($t->redis->journal->{last} =~ /-(\d+)\z/)[0] }


# What a command makes no use of, it refuses.

sub useless {
    my @here = @_;

    my %asked = (from => 1, to => 1, order => 'x', live => 'x',
                 memory => '64m');
    my %takes = (info => '', check => '', dump => '',
                 print => 'from to order snapshot', audit => 'to live memory');
    my @cases;

    for my $command (sort keys %takes) {
        for my $option (qw(from to order snapshot live memory)) {
            next if $takes{$command} =~ /\b$option\b/;
            push @cases, ["--$option and $command",
                          qr/--$option is of no use to $command;/, @here,
                          "--$option", $asked{$option} // (), 'main',
                          $command];
        }
    }

    for (['redis', 'beside --file', @here, '--file', $dump],
         ['sentinel', 'beside --file', '--sentinel', 'x', '--file', $dump],
         ['user', 'beside --file', '--user', 'x', '--file', $dump],
         ['password-file', 'beside --file', '--password-file', 'x',
          '--file', $dump],
         ['db', 'beside --file', '--db', 1, '--file', $dump],
         ['user', 'without --password-file', @here, '--user', 'x'],
         ['sentinel-user', 'without --sentinel', @here, '--sentinel-user',
          'x'],
         ['sentinel-password-file', 'without --sentinel', @here,
          '--sentinel-password-file', 'x'],
         ['sentinel-user', 'without --sentinel-password-file', @here,
          '--sentinel', 'x', '--sentinel-user', 'x'])
    {
        my ($option, $why, @args) = @$_;
        push @cases, ["--$option $why", qr/--$option is of no use $why$/m,
                      @args, 'main', 'info'];
    }

    return @cases,
        ['--to beside --live', qr/--to is of no use beside --live$/m, @here,
         '--to', 1, '--live', $dump, 'main', 'audit'];
}


# ---- cut and torn files ------------------------------------------------

sub truncated {
    my %codes;
    my $text = slurp($dump);
    for (my $at = 1000; $at < length $text; $at += 1000) {
        spew("$dir/cut", substr $text, 0, $at);
        my $command = (qw(check audit print))[$at / 1000 % 3];
        $codes{ journal_tool('--file', "$dir/cut", 'main',
                             $command)->{code} }++;
    }
    is(join(' ', keys %codes), '2', 'no cut dump is taken for a whole one: '
       . ($codes{2} || 0) . ' runs');

    # A cut between two commands looks like a whole file.
    spew("$dir/cut", substr $text, 0, rindex $text, '*');
    my $ran = journal_tool('--file', "$dir/cut", 'main', 'check');
    is($ran->{code}, 2, 'nor is one that ends with an entry');
    like($ran->{err}, qr/cut was cut/, 'it says so');

    srand 70;
    %codes = ();
    for my $n (1 .. long(100, 2000)) {
        my $torn = $text;
        substr($torn, rand length $torn, 1) = chr rand 256 for 1 .. 1 + $n % 3;
        spew("$dir/torn", $torn);
        my $command = (qw(check audit print dump info))[$n % 5];
        $codes{ journal_tool('--file', "$dir/torn", 'main',
                             $command)->{code} }++;
    }
    is(join(' ', grep { $_ > 3 } keys %codes), '', 'torn files are told, too: '
       . join ', ', map { "$codes{$_} times $_" } sort keys %codes);
}
