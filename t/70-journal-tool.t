# build/faka-journal, the operator's microscope: what it shows is what the
# shop says, and what it finds is where it says.

use lib 't/lib';

use Faka::Test;
use Faka::Journal;
use Faka::Load;
use Faka::Proc qw(slurp spew);

use Time::HiRes qw(sleep);

# Of engine/fk_journal.h: the image, and where its amount stands.
use constant { PAYMENT => 6, PAYMENT_AMOUNT => 20 };

my $journal = 'faka:{main}:journal';
my $index = 'faka:{main}:snapshots';
my ($t, @shops, %case, @old);

ok(-x Faka::Journal::program(), 'the tool is built') or exit 1;

my $dir;
young_shop();
shows_what_the_shop_says();
dumps();
snapshot_and_tail();
finds_damage();
refused_and_named();
under_load();
archived();
quiet_shop();


# The tool with this test's Redis.

sub tool { return journal_tool('--redis', at($t->redis), 'main', @_) }
sub at   { return 'unix:' . $_[0]->socket_path }


sub quiet {
    ok(wait_until(sub {
        my $m = $t->metrics;
        return $m->{faka_journal_seq} == $m->{faka_journal_durable_seq};
    }, 10), 'all of it is in the journal');
}


# ---- a young shop: no snapshot yet -------------------------------------

sub young_shop {
    $t = Faka::Test->new(shop => { snapshot => '64g 24h',
                                   settle_after => '0s' })->start;
    $dir = $t->dir;
    $t->product('card', price => 500);
    $t->product('wiki', price => 300, kind => 'shared');
    $t->product('seat', price => 200, kind => 'counted', stock => 50);
    $case{cards} = [@{ $t->import_cards('card', 40) },
                    @{ $t->import_cards('wiki', ['the key of all']) }];

    $t->admin('PUT', '/accounts/lin', { currency => 'CNY',
                                        rates => [1000, 0, 0] });
    $t->admin('PUT', '/coupons/ONE', { kind => 'fixed', value => 1,
                                      currency => 'CNY',
                                      uses_buyer_max => 2 });
    $case{paid} = $t->buy(sku => 'card', qty => 2, agent => 'lin',
                          coupon => 'one',
                          contact => "\x{5f20}\x{4e09}\@example.com");
    $case{shared} = $t->buy(sku => 'wiki');
    $case{counted} = $t->buy(sku => 'seat', qty => 3);
    $case{open} = $t->checkout(sku => 'card')->json;
    $case{review} = $t->checkout(sku => 'card')->json;
    $t->admin('POST', '/accounts/lin/withdrawals', { amount => 9 });
    $t->notify($case{review}, money => '4.99');
    quiet();
}


sub shows_what_the_shop_says {
    my $info = tool('info');
    my $there = $t->redis->journal;
    is($info->{code}, 0, 'info') or diag($info->{err});
    my $line = qr/$there->{length} entries, \d+ bytes, last id $there->{last}/;
    like($info->{out}, qr/^\Q$journal\E: $line$/m,
         'says what stands in Redis');
    like($info->{out}, qr/^no snapshot counts$/m, 'and that it is all');

    my $print = tool('print');
    is($print->{code}, 0, 'print') or diag($print->{err});
    my @all = map { JSON::PP::decode_json($_) } lines_of($print->{out});
    my @records = grep { exists $_->{seq} } @all;
    is_deeply([map { $_->{seq} } @records],
              [1 .. $t->metrics->{faka_journal_seq}], 'each record, once');
    is(join(' ', map { $_->{mark} || () } @all), 'taken',
       'and who took the shop');
    is(join(' ', grep { index($print->{out}, $_) >= 0 } @{ $case{cards} }),
       '', 'no card is in clear');

    my (%orders, %payments);
    for my $image (map { @{ $_->{images} } } @records) {
        $orders{ $image->{order} } = $image if $image->{type} eq 'order';
        $payments{ $image->{order} } = $image if $image->{type} eq 'payment';
    }
    is(keys %orders, 5, 'five orders');
    same_order($_, \%orders, \%payments)
        for qw(paid shared counted open review);

    my $id = $case{paid}{order};
    my @one = lines_of(tool('print', '--order', $id)->{out});
    is_deeply(\@one, [grep { /"\Q$id\E"/ } lines_of($print->{out})],
              '--order: what names it');
    is_deeply([map { /"seq":(\d+)/ }
               lines_of(tool('print', '--from', 3, '--to', 5)->{out})],
              [3, 4, 5], '--from and --to');

    is(tool('check')->{code}, 0, 'check finds nothing');
    my $audit = $t->audit->json;
    is_deeply([@{ $audit->{totals} }{qw(coupons tallies accounts splits
                                        withdrawals)}],
              [1, 2, 1, 1, 1], 'of all that is counted there is some');
    same_audit('a young shop', $audit);
}


# The last image of an order against what the administrator is told.

sub same_order {
    my ($name, $orders, $payments) = @_;

    my $id = $case{$name}{order};
    my $said = $t->admin('GET', "/orders/$id")->json;
    my $ours = $orders->{$id};

    is_deeply({ map { $_ => $ours->{$_} }
                qw(status sku qty amount channel contact) },
              { map { $_ => $said->{$_} }
                qw(status sku qty amount channel contact) },
              "$name: the order as the shop shows it");
    is(int($ours->{created_ms} / 1000), $said->{created_at},
       "$name: its time");
    is_deeply([map { [@{ $_ }{qw(trade_no amount)}] }
               grep { $_ } $payments->{$id}],
              [map { [@{ $_ }{qw(trade_no amount)}] }
               @{ $said->{payments} }], "$name: and its payment");
}


# The tool's audit of a Redis (or by other arguments) against a live one.

sub same_audit {
    my ($name, $live, @where) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    @where = ('--redis', at($t->redis)) unless @where;
    my $ran = journal_tool(@where, '--memory', '64m', '--live', '-', 'main',
                           'audit', \json_text($live));
    is($ran->{code}, 0, "$name: the audit offline says the same")
        or diag($ran->{err});
    like($ran->{err}, qr/^the live audit says the same$/m, "$name: in words");

    my $ours = eval { JSON::PP::decode_json($ran->{out}) } || {};
    is_deeply($ours->{totals}, $live->{totals}, "$name: the totals");
    is($ours->{journal}{seq}, $live->{journal}{seq}, "$name: of one record");
}


# ---- dumps -------------------------------------------------------------

sub dumps {
    my $dump = tool('dump');
    is($dump->{code}, 0, 'dump') or diag($dump->{err});
    spew("$dir/young", $dump->{out});
    same_from_file("$dir/young", 'a young dump');
}


# Everything out of the file is what it is out of Redis.

sub same_from_file {
    my ($file, $name) = @_;

    for my $command (qw(info print check audit dump)) {
        my @also = $command eq 'print' ? '--snapshot' : ();
        my $live = tool($command, @also);
        my $ran = journal_tool('--file', $file, 'main', $command, @also);
        is_deeply($ran, $live, "$name: $command is the same");
    }
}


# ---- with a snapshot ---------------------------------------------------

sub snapshot_and_tail {
    $t->nginx->{opt}{shop}{snapshot} = '1m 24h';
    ok($t->nginx->restart && $t->wait_open, 'with snapshots');
    $t->import_cards('card', 20000);
    ok(wait_until(sub { $t->metrics->{faka_snapshots_total} }, 20),
       'one is written');
    ok(wait_until(sub { $t->redis->cmd('XLEN', $index) == 2 }, 10),
       'and the journal is cut');
    $case{late} = $t->buy(sku => 'card');
    $t->checkout(sku => 'card') for 1 .. 20;
    quiet();

    my $info = tool('info');
    my $bytes = $t->metrics->{faka_snapshot_bytes};
    my $line = qr/records \d+ to \d+, \d+ parts, $bytes bytes/;
    like($info->{out}, qr/^snapshot \d+-\d+: $line$/m, 'info names it');
    is(tool('check')->{code}, 0, 'check finds nothing');
    same_audit('snapshot and tail', $t->audit->json);

    my $id = $case{paid}{order};
    is(tool('print', '--order', $id)->{out}, '', 'an old order is cut');
    my ($found) = lines_of(tool('print', '--snapshot',
                                '--order', $id)->{out});
    my $part = JSON::PP::decode_json($found || '{}');
    is_deeply([map { $_->{type} } @{ $part->{images} }],
              [qw(order payment split)], 'and found in the snapshot');
    is($part->{images}[0]{status}, 'delivered', 'as it is');
    cmp_ok($part->{images}[0]{seq}, '<', 30, 'since its last record');

    spew("$dir/old", tool('dump')->{out});
    @old = dump_read("$dir/old");
    same_from_file("$dir/old", 'a dump with a snapshot');

    # Put back into another Redis it is the shop.
    opens_with(restored("$dir/old"), $t->audit->json);
}


sub opens_with {
    my ($redis, $live) = @_;

    my $nginx = $t->another_nginx(redis_socket => $redis->socket_path);
    $nginx->start;
    ok($t->wait_open($nginx), 'restored by redis-cli --pipe: it opens');
    is_deeply($t->admin('GET', '/audit', undef, nginx => $nginx)
              ->json->{totals}, $live->{totals}, 'and has everything');
    $nginx->stop;
}


sub restored {
    my ($file) = @_;

    my $redis = $t->another_redis({})->start;
    ok(put_back($redis, $file), 'the dump goes back');
    return $redis;
}


# ---- damage ------------------------------------------------------------

# The entries of a stream in a dump, as positions.

sub of {
    my ($key) = @_;

    return grep { $old[$_][0] =~ /:\Q$key\E(?::[\d-]+)?\z/ } 0 .. $#old;
}


# A copy of the dump with something done to it: $change gets the list.

sub damaged {
    my ($name, $code, $says, $change, %also) = @_;

    my @entries = map { [@$_] } @old;
    $change->(\@entries);
    my $file = dump_write("$dir/damaged", @entries);

    my $ran = journal_tool('--file', $file, 'main', 'check');
    is($ran->{code}, $code, "$name: the status of check");
    like($ran->{err}, $says, "$name: the place");
    is(scalar lines_of($ran->{err}), 1, "$name: said once")
        or diag($ran->{err});
    like($ran->{out}, $code == 3 ? qr/: INCOMPATIBLE$/ : qr/: DAMAGED$/,
         "$name: the verdict");

    my $audit = journal_tool('--file', $file, 'main', 'audit');
    is($audit->{code}, exists $also{audit} ? $also{audit} : $code,
       "$name: the status of audit") or diag($audit->{err});
    my $print = journal_tool('--file', $file, '--snapshot', 'main', 'print');
    cmp_ok($print->{code}, '<=', 3, "$name: print lives on");
    is(scalar(grep { !eval { JSON::PP::decode_json($_) } }
              lines_of($print->{out})), 0, "$name: and what it says is JSON");
}


sub finds_damage {
    my @tail = grep { $old[$_][2] eq 'b' } of('journal');
    my @parts = of('snapshot');
    my ($done) = grep { $old[$_][2] eq 'done' } of('snapshots');
    my $third = $tail[-3];
    my ($epoch) = split /-/, $old[$third][1];
    my $there = qr/^\Q$journal $old[$third][1]\E, byte 0: /;
    my ($key, $last) = @{ $old[ $parts[-1] ] };

    damaged('a flipped bit', 1, qr/$there.*good checksum/, sub {
        substr($_[0][$third][3], 40, 1) ^= "\x04";
    });
    damaged('a flipped bit in a part', 1,
            qr/^\Q$key $old[$parts[1]][1]\E, byte 0: .*good checksum/, sub {
        substr($_[0][ $parts[1] ][3], 400, 1) ^= "\x80";
    });
    damaged('a missing entry', 1,
            qr/^\Q$journal $old[$tail[-2]][1]\E, byte 0: record \d+ follows/,
            sub { splice @{ $_[0] }, $third, 1 });
    damaged('a missing entry of parts', 1,
            qr/^\Q$key $old[$parts[2]][1]\E, byte 0: part \d+ stands where/,
            sub { splice @{ $_[0] }, $parts[1], 1 });
    damaged('the last parts are missing', 1,
            qr/^\Q$key $old[$parts[-2]][1]\E, byte \d+: .*the index says/,
            sub { splice @{ $_[0] }, $parts[-1], 1 });
    damaged('a snapshot without its end', 1,
            qr/^\Q$key $old[$parts[-2]][1]\E, byte \d+: .*end is not in/,
            sub {
        my $list = shift;
        my %fields = @{ $list->[$done] }[2 .. $#{ $list->[$done] }];
        $fields{parts} -= records($list->[ $parts[-1] ][3]);
        $list->[$done] = [@{ $list->[$done] }[0, 1],
                          map { ($_, $fields{$_}) } sort keys %fields];
        splice @$list, $parts[-1], 1;
    });
    damaged('a snapshot that is not done', 1,
            qr/^\Q$journal\E: records 1 to \d+ are missing/,
            sub { splice @{ $_[0] }, $done, 1 });
    like(journal_tool('--file', "$dir/damaged", 'main', 'info')->{out},
         qr/begun, and does not count\nno snapshot counts$/m,
         'info says so');
    damaged('an older epoch after a newer one', 1,
            qr/^\Q$journal\E 1-999999, byte 0: .*later owner's epoch/, sub {
        push @{ $_[0] }, [$journal, '1-999999', 'b', $old[$third][3]];
    }, audit => 0);
    damaged('an id that promises more', 1,
            qr/^\Q$journal $epoch\E-999999, byte 0: promises .* 999999/, sub {
        push @{ $_[0] }, [$journal, "$epoch-999999", 'o', 'somebody'];
    }, audit => 0);

    # Newer is not damaged: the checksum is good.
    damaged('a newer record', 3, qr/$there.*of version 255, .*newer/, sub {
        my ($first, @rest) = records($_[0][$third][3]);
        $_[0][$third][3] = join '', record_with($first, 24, "\xff\0"), @rest;
    });
    damaged('a newer image', 3, qr/$there.*image 0 .*newer/, sub {
        my ($first, @rest) = records($_[0][$third][3]);
        $_[0][$third][3] = join '', record_with($first, 33, "\x63"), @rest;
    });
    damaged('a newer snapshot', 3,
            qr/^\Q$key $old[$parts[0]][1]\E, byte 0: part 1 .*newer/, sub {
        my ($first, @rest) = records($_[0][ $parts[0] ][3]);
        $_[0][ $parts[0] ][3] = join '', record_with($first, 24, "\xff\x53"),
                                @rest;
    });

    hand_changed();
}


# A payment's amount, with a checksum that is good: only the sums know.

sub hand_changed {
    my @entries = map { [@$_] } @old;
    my $changed = 0;

    for my $entry (grep { $_->[0] eq $journal && $_->[2] eq 'b' } @entries) {
        my @records = records($entry->[3]);
        for my $record (@records) {
            my ($at) = map { $_->[0] } grep { $_->[1] == PAYMENT }
                       images($record);
            next unless defined $at;
            $record = record_with($record, $at + PAYMENT_AMOUNT,
                                  pack 'q<', 501);
            $changed++;
        }
        $entry->[3] = join '', @records;
    }

    is($changed, 1, 'one payment is changed by hand');
    my $file = dump_write("$dir/changed", @entries);
    is(journal_tool('--file', $file, 'main', 'check')->{code}, 0,
       'its form is good');
    my $ran = journal_tool('--file', $file, '--live', '-', 'main', 'audit',
                           \json_text($t->audit->json));
    is($ran->{code}, 1, 'and the audit differs');
    like($ran->{err}, qr/^totals.payments_amount.CNY: live \d+, recomputed/m,
         'in the sum that was changed');
}


# ---- the shop refuses it too, and names the tool -----------------------

sub refused_and_named {
    my @entries = map { [@$_] } @old;
    my ($entry) = grep { $_->[0] eq $journal && $_->[2] eq 'b' }
                  reverse @entries;
    substr($entry->[3], 50, 1) ^= "\x01";

    my $damaged = dump_write("$dir/refused", @entries);
    my @says = (qr/at entry \Q$entry->[1]\E of \S+, byte /,
                qr/^\Q$journal $entry->[1]\E, byte 0: .*good checksum/);
    refused(restored($damaged), @says);

    # The user of conf/README.md, in a Redis that lets in nobody else.
    my $redis = restored($damaged);
    my ($acl) = slurp('conf/README.md') =~ /^    (ACL SETUSER faka .+)$/m;
    my $secret = spew("$dir/secret", "a-long-password\n", 0600);
    $redis->cmd(split ' ', $acl =~ s/>PASSWORD/>a-long-password/r);
    $redis->cmd(qw(CONFIG SET requirepass), 'of another');
    refused($redis, @says, $secret, 'unix:' . $redis->socket_path
                                    . " user=faka password_file=$secret");
}


# The shop says $log and what to run, and that says $says.  Of what is printed
# only the place of the password is the operator's to fill in.

sub refused {
    my ($redis, $log, $says, $secret, $address) = @_;

    my $nginx = $t->another_nginx(redis_socket => $redis->socket_path);
    $nginx->{opt}{shop}{redis} = $address if $address;
    $nginx->start;
    ok($nginx->wait_log(qr/\[emerg\].*cannot recover/, 20),
       'a shop with a damaged journal does not open');
    my ($command) = $nginx->error_log
        =~ /$log.*; look with: (faka-journal [^,\n]*)/;
    ok(defined $command, 'it says where') or diag($nginx->error_log);
    my (undef, @words) = map { $_ eq 'FILE' ? $secret : $_ }
                         split ' ', $command // '';
    my $ran = journal_tool(@words);
    is($ran->{code}, 1, 'and what to run: ' . join ' ', @words);
    like($ran->{err}, $says, 'which finds the same place');
    $nginx->stop;
}


# ---- beside a shop that sells ------------------------------------------

sub under_load {
    my $load = Faka::Load->start($t, sku => 'card');
    my %codes;
    $codes{ tool('check')->{code} }++ for 1 .. long(10, 100);
    $load->stop;
    is(join(' ', keys %codes), '0', 'check beside a shop that sells');

    quiet();
    my $live = $t->audit->json;
    $load = Faka::Load->start($t, sku => 'card');
    sleep 0.3;
    cmp_ok($t->metrics->{faka_journal_seq}, '>', $live->{journal}{seq},
           'the shop has gone on since');
    same_audit('a moment of a shop that sells', $live);

    my $moved = { %$live, journal => { %{ $live->{journal} },
                                       begin_seq => 1 } };
    my $ran = tool('--live', '-', 'audit', \json_text($moved));
    is($ran->{code}, 2, 'an audit that took its time is not compared');
    like($ran->{err}, qr/from record 1 to \d+ .*quieter/, 'and why');
    my $dump = tool('dump');
    $load->stop;
    spew("$dir/busy", $dump->{out});
    is(journal_tool('--file', "$dir/busy", 'main', 'check')->{code}, 0,
       'and so is a dump of it');
    push @shops, $t;                    # its folder stays
    $t->finish;
}


# ---- after the archive -------------------------------------------------

sub archived {
    $t = Faka::Test->new(shop => { retention => '1h', hold => '10m',
                                   snapshot => '1m 24h' });
    $t->own_clock->start;
    $t->product('card', price => 500);
    $t->import_cards('card', 40);
    $t->buy(sku => 'card') for 1 .. 5;
    $case{gone} = $t->checkout(sku => 'card')->json;

    $t->later(2 * 3600);
    ok(wait_until(sub { $t->metrics->{faka_archived_orders_total} == 6 }, 15),
       'finished orders leave for the archive');
    quiet();
    my $live = $t->audit->json;
    is($live->{totals}{archived_orders}, 6, 'the shop counts them');
    same_audit('after the archive', $live);
    is(tool('check')->{code}, 0, 'check finds nothing');
    like(tool('print', '--order', $case{gone}{order})->{out},
         qr/"type":"order_gone"/, 'print shows how an order left');

    $t->import_cards('card', 20000);
    ok(wait_until(sub { $t->metrics->{faka_snapshots_total} }, 20),
       'and a snapshot after it');
    quiet();
    same_audit('a snapshot after the archive', $t->audit->json);
}


sub top_of {
    my %info = @{ $_[0]->cmd('XINFO', 'STREAM', $journal) };
    return $info{'last-generated-id'};
}


# ---- nothing sold since the snapshot: the journal is an id --------------

sub quiet_shop {
    push @shops, $t;
    $t = Faka::Test->new(shop => { snapshot => '1m 10s' })->start;
    $dir = $t->dir;
    $t->product('card', price => 500);
    $t->import_cards('card', 40);
    $t->buy(sku => 'card', qty => 2);
    $t->checkout(sku => 'card');
    ok(wait_until(sub {
        return $t->metrics->{faka_snapshots_total}
               && $t->redis->journal->{length} == 0;
    }, 30), 'a snapshot, and nothing since: the journal has no entry');

    my $top = top_of($t->redis);
    like(tool('info')->{out},
         qr/^\Q$journal\E: 0 entries, 0 bytes, last id $top$/m,
         'info says how far it went');
    is(tool('check')->{code}, 0, 'check finds nothing');
    my $live = $t->audit->json;
    same_audit('a quiet shop', $live);
    my ($epoch, $seq) = split /-/, $top;
    is(tool('print', '--to', $seq)->{code}, 0,
       'its last record is in the snapshot');

    spew("$dir/quiet", tool('dump')->{out});
    same_from_file("$dir/quiet", 'a quiet dump');
    my $redis = restored("$dir/quiet");
    is($redis->journal->{length} . ' ' . top_of($redis), "0 $top",
       'back in Redis: an id');
    same_audit('restored', $live, '--redis', at($redis));
    opens_with($redis, $live);

    # Without that id it is a journal that lost its end.
    my $cut = dump_write("$dir/cut", grep { $_->[2] ne 'top' }
                                     dump_read("$dir/quiet"));
    $redis = restored($cut);
    for my $where (['--file', $cut], ['--redis', at($redis)]) {
        for my $command (qw(check audit)) {
            my $ran = journal_tool(@$where, 'main', $command);
            is($ran->{code}, 1, "cut, $where->[0]: $command is not content");
            is($ran->{err}, "$journal: ends at 0-0, before its snapshot of "
                            . "$top: it has lost what came after\n",
               "cut, $where->[0]: $command says why, once");
        }
    }
    refused($redis, qr/ends at 0-0, before its snapshot of $top/,
            qr/^\Q$journal\E: ends at 0-0, before its snapshot of $top/);
}
