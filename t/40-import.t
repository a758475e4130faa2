# Importing cards: what a line is, what is refused and reported, all or
# nothing, streaming, and paid orders that wait for stock.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

# One worker: whoever is answered during an import shares it.
my $t = Faka::Test->new(workers => 1,
                        shop => { memory => long('128m', '1g') })->start;

my $number = 0;


# A fresh product each time, so that no test leans on another's cards.

sub product {
    my (%fields) = @_;

    my $sku = 'p' . ++$number;
    $t->product($sku, %fields);
    return $sku;
}


sub import_text {
    my ($sku, $text, %opt) = @_;

    my $answer = $t->admin('POST', "/products/$sku/cards", $text, %opt);
    api_ok('POST', '/admin/products/{sku}/cards', $answer,
           $opt{name} // 'the answer is as described');
    return $answer;
}


# The counters of an answer in one line.

sub sums {
    my ($answer) = @_;

    my $json = $answer->json;
    return join ' ', map { "$_ $json->{$_}" }
           qw(lines blank accepted duplicates rejected_count);
}


sub reasons {
    my ($answer) = @_;

    return join ' ', map { "$_->{line}:$_->{reason}" }
           @{ $answer->json->{rejected} };
}


# Buys everything there is of a product, in order, and returns the cards.

sub buy_all {
    my ($sku, $n) = @_;

    my @cards;
    while ($n > 0) {
        my $qty = $n > 100 ? 100 : $n;
        push @cards, @{ $t->buy(sku => $sku, qty => $qty)->{cards} };
        $n -= $qty;
    }
    is($t->checkout(sku => $sku)->code, 'sold_out', 'that was all');
    return \@cards;
}


# ---- what a line is ---------------------------------------------------------

sub becomes {
    my ($name, $text, $cards, $blank) = @_;

    my $sku = product();
    my $answer = import_text($sku, $text, name => "$name: as described");
    my $n = @$cards;
    my $lines = $n + $blank;

    is(sums($answer), "lines $lines blank $blank accepted $n duplicates 0"
                      . ' rejected_count 0', $name);
    is(join("\n", @{ buy_all($sku, $n) }), join("\n", @$cards),
       "$name: these cards, in this order");
}

my $bom = "\xef\xbb\xbf";
my $longest = 'x' x 2048;

becomes('LF', "one\ntwo\n", ['one', 'two'], 0);
becomes('no newline at the end', "one\ntwo", ['one', 'two'], 0);
becomes('CRLF', "one\r\ntwo\r\n", ['one', 'two'], 0);
becomes('both', "one\r\ntwo\nthree\r\n", [qw(one two three)], 0);
becomes('a byte order mark', "${bom}one\ntwo\n", ['one', 'two'], 0);
becomes('a byte order mark alone', $bom, [], 0);
becomes('a byte order mark and a blank line', "$bom\none\n", ['one'], 1);
becomes('blank lines', "\none\n\n \n\t\r\n\r\ntwo\n\n", ['one', 'two'], 6);
becomes('an empty body', '', [], 0);
becomes('newlines only', "\n\r\n\n", [], 3);
becomes('blanks around a card', "  one \t\r\n\ttwo  \n", ['one', 'two'], 0);
becomes('blanks inside', "a b\nname\tpass word\n", ['a b', "name\tpass word"],
        0);
becomes('separators of the trade', "user----pass\na,b\n\"q\"\\n\n",
        ['user----pass', 'a,b', '"q"\n'], 0);
becomes('2048 bytes', "$longest\nshort\n", [$longest, 'short'], 0);
becomes('2048 bytes between blanks',
        ' ' x 3000 . $longest . ' ' x 3000 . "\r\nshort\n",
        [$longest, 'short'], 0);
becomes('more cards than one slice has',
        join('', map { "n$_\n" } 1 .. 150), [map { "n$_" } 1 .. 150], 0);

becomes('nearly a byte order mark', "\xef\xbb\xbeone\n", ["\x{fefe}one"], 0);

my $utf8 = product();
import_text($utf8, "\xe5\x8d\xa1\xe5\xaf\x86 \xf0\x9f\x8e\x81\n");
is($t->buy(sku => $utf8)->{cards}[0], "\x{5361}\x{5bc6} \x{1f381}",
   'UTF-8 comes back as it was');


# ---- what is refused --------------------------------------------------------

my $sku = product();
my $first = import_text($sku, "one\ntwo\none\n$longest" . "x\n\nthree\n"
    . "\xff\nfour\x07\n\xc3\n\xed\xa0\x80\n\xc2\x85\n\0\none\n");
is(sums($first), 'lines 13 blank 1 accepted 3 duplicates 2 rejected_count 9',
   'bad lines are counted, good ones are taken');
is(reasons($first), '3:duplicate_in_file 4:too_long 7:not_utf8'
   . ' 8:control_character 9:not_utf8 10:not_utf8 11:control_character'
   . ' 12:control_character 13:duplicate_in_file',
   'each with its line and its reason');
my $second = import_text($sku, "three\r\n  one\nfive\nfive\n$bom" . "six\n");
is(reasons($second), '1:duplicate_in_stock 2:duplicate_in_stock'
   . ' 4:duplicate_in_file', 'duplicates of the stock are known');
is($second->json->{duplicates_stock}, 2, 'and counted apart');
cmp_ok($second->json->{batch}, '!=', $first->json->{batch},
       'each import is a batch of its own');
my $none = import_text($sku, "one\ntwo\n");
is($none->json->{accepted} . $none->json->{batch}, '00',
   'without a good line there is no batch');
my @six = @{ buy_all($sku, 5) };
is(join(' ', @six[0 .. 3]), 'one two three five',
   'first in, first out over batches');
is(reasons(import_text($sku, "one\nseven\n")), '1:duplicate_in_stock',
   'a card that was sold is not sold again');
my $elsewhere = product();
is(import_text($elsewhere, "one\ntwo\n")->json->{accepted}, 2,
   'another product may have the same');

for my $mark ("\xef", "\xef\xbb") {
    my $hex = unpack 'H*', $mark;
    is(reasons(import_text(product(), "$mark\none\n")), '1:not_utf8',
       "$hex is no byte order mark, but bad text");
    is(reasons(import_text(product(), $mark)), '1:not_utf8',
       "$hex and nothing more, too");
}

my $many = join '', map { $_ % 2 ? "\xff\n" : "card$_\n" } 1 .. 4000;
my $report = import_text(product(), $many)->json;
is("$report->{accepted} $report->{rejected_count} "
   . scalar(@{ $report->{rejected} }) . " $report->{rejected}[999]{line}",
   '2000 2000 1000 1999', 'the first thousand refused lines are listed');


# ---- byte by byte, and in chunks --------------------------------------------

my $text = "${bom}one\r\n\r\n two \n" . "y" x 3000 . "\nthree";

sub chunked {
    my ($bytes, @sizes) = @_;

    my ($out, $i) = ('', 0);
    while (length $bytes) {
        my $chunk = substr $bytes, 0, $sizes[$i++ % @sizes], '';
        $out .= sprintf "%x;ext=1\r\n%s\r\n", length $chunk, $chunk;
    }
    return "${out}0\r\n\r\n";
}

my %te = (headers => { 'Transfer-Encoding' => 'chunked' });
for my $case (['byte by byte', $text, slice => 1],
              ['chunked', chunked($text, 5000), %te],
              ['chunks of one byte', chunked($text, 1), %te],
              ['odd chunks', chunked($text, 1, 2, 3, 5, 700, 11), %te],
              ['chunks, byte by byte', chunked($text, 9), %te, slice => 1],
              ['cut inside of chunks', chunked($text, 64), %te, slice => 50])
{
    my ($name, $body, @opt) = @$case;
    my $answer = import_text(product(), $body, @opt,
                             name => "$name: as described");
    is(sums($answer), 'lines 5 blank 1 accepted 3 duplicates 0'
       . ' rejected_count 1', $name);
    is(reasons($answer), '4:too_long', "$name: the line that is too long");
}

my $broken = product();
is(import_text($broken, chunked("one\n", 4) =~ s/0\r\n/zz\r\n/r, %te)->status,
   400, 'malformed chunks: 400');


# ---- all or nothing ---------------------------------------------------------

my $abort = product();
my $half = join '', map { "card-$_\n" } 1 .. 20_000;
my $part = http_one({ %{ $t->admin_request('POST', "/products/$abort/cards",
                                           $half) },
                      close_after => 150_000 });
is($part->status, 0, 'a client breaks off in the middle');

sub stock_of {
    my ($sku) = @_;

    return (grep { $_->{sku} eq $sku }
            @{ $t->admin('GET', '/products')->json })[0];
}

my $answer;
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$abort/cards", "a\n");
    return $answer->status == 200;
}, 10), 'soon the next import may begin');
is(stock_of($abort)->{imported}, 1, 'nothing of the broken one is stock');
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$abort/cards", $half);
    return 200 == $answer->status && $answer->json->{accepted} == 20_000;
}, 10), 'and its cards are new again');
is(import_text($broken, "one\n")->json->{accepted}, 1,
   'the import with malformed chunks left nothing, either');

my $busy = product();
my $held = $t->background(sub {
    my $answer = http_one({
        %{ $t->admin_request('POST', "/products/$busy/cards",
                             "one\n" . "\n" x 1000 . "two\n") },
        slice => 200, pause => 0.2 });
    return $answer->status . ' ' . $answer->json->{accepted};
});
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$busy/cards", "three\n");
    return $answer->code eq 'import_running';
}, 5), 'one import a product at a time');
api_ok('POST', '/admin/products/{sku}/cards', $answer, 'the second is told');
is($held->wait, '200 2', 'and the first is not disturbed');


# ---- a reload does not wait for a client that is slow -----------------------

my $quit = product();
my $stalled = $t->background(sub {
    my $answer = http_one({
        %{ $t->admin_request('POST', "/products/$quit/cards",
                             "one\n" . "\n" x 5000 . "two\n") },
        slice => 300, pause => 1 });
    return $answer->status . ' ' . $answer->code;
});
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$quit/cards", "\n");
    return $answer->code eq 'import_running';
}, 5), 'an import that takes its time');
ok($t->nginx->reload(timeout => 10), 'the old worker ends all the same');
is($stalled->wait, '503 unavailable', 'the client is told to send it again');
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$quit/cards", "one\ntwo\n");
    return $answer->status == 200;
}, 10), 'which it can, at once');
is($answer->json->{accepted}, 2, 'for nothing was kept');


# ---- where there is nothing to import into ----------------------------------

my $counted = product(kind => 'counted', stock => 1);
is(import_text($counted, "one\n")->code, 'conflict',
   'a counted product takes no cards');
is(import_text('nothing', "one\n")->code, 'not_found', 'no such product');

my $shared = product(kind => 'shared');
is(import_text($shared, "first\n")->json->{accepted}, 1, 'a shared key');
is($t->buy(sku => $shared)->{cards}[0], 'first', 'is sold');
is($t->buy(sku => $shared)->{cards}[0], 'first', 'and sold again');
is(import_text($shared, "second\n")->json->{accepted}, 1, 'replaced');
is($t->buy(sku => $shared)->{cards}[0], 'second', 'the new one is sold');


# ---- many -------------------------------------------------------------------

my $large = product();
my $lines = long(200_000, 500_000);
my $bytes = join '', map { sprintf "CARD-%08d-ABCDEFGH-%08d\n", $_, $_ * 7 }
                     1 .. $lines;

sub memory_kb {
    my $sum = 0;
    for my $pid ($t->nginx->workers) {
        my ($kb) = Faka::Proc::slurp("/proc/$pid/status")
                   =~ /^RssAnon:\s+(\d+) kB/m;
        $sum += $kb;
    }
    return $sum;
}

my $before = memory_kb();
my $job = $t->background(sub {
    my $answer = $t->admin('POST', "/products/$large/cards", $bytes,
                           timeout => 120);
    return sums($answer);
});
my ($answered, $peak) = (0, 0);
while (Faka::Proc::alive($job->pid)) {
    $answered++ if $t->get('/products')->status == 200;
    my $now = memory_kb();
    $peak = $now if $now > $peak;
}
is($job->wait, "lines $lines blank 0 accepted $lines duplicates 0"
               . ' rejected_count 0', "$lines lines");
note("$answered answers meanwhile");
cmp_ok($answered, '>=', 10, 'others are served meanwhile');
cmp_ok($peak - $before, '<', 8192, 'in bounded memory')
    unless $ENV{FAKA_ASAN};
is(sums(import_text($large, $bytes, timeout => 120)),
   "lines $lines blank 0 accepted 0 duplicates $lines"
   . " rejected_count $lines", 'once more: all of them are known');
is(stock_of($large)->{stock}, $lines, 'the stock has each of them once');
$t->audit_ok;


# ---- a worker dies in an import ---------------------------------------------

my $orphan = product();
my $dying = $t->background(sub {
    return http_one({
        %{ $t->admin_request('POST', "/products/$orphan/cards",
                             "one\n" . "\n" x 5000 . "two\n") },
        slice => 300, pause => 1 })->status;
});
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$orphan/cards", "\n");
    return $answer->code eq 'import_running';
}, 5), 'an import that goes on for long');
ok($t->nginx->kill_worker, 'and its worker is killed');
is($dying->wait, 0, 'the client has no answer');
ok(wait_until(sub {
    $answer = $t->admin('POST', "/products/$orphan/cards", "one\nthree\n");
    return $answer->status == 200;
}, 5), 'the next one need not wait for the lease');
is(sums($answer), 'lines 2 blank 0 accepted 2 duplicates 0 rejected_count 0',
   'and finds nothing of the first');


# ---- after a restart --------------------------------------------------------

my $keep = product();
import_text($keep, "one\ntwo\nthree\n");
my $cut = product();
http_one({ %{ $t->admin_request('POST', "/products/$cut/cards", $half) },
           close_after => 100_000 });
$t->nginx->kill_all;
$t->nginx->start;
$t->wait_open;
is(stock_of($keep)->{stock}, 3, 'an import that was answered is there');
is(stock_of($cut)->{imported}, 0, 'one that was not, is not');
is(import_text($keep, "one\nfour\n")->json->{duplicates}, 1,
   'and its cards are known');
$t->audit_ok('the audit after the restart');
