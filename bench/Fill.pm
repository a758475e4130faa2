package Fill;

# What the benches of a shop have in common: cards and orders in large
# numbers, by the real calls, and the figures of a load.
#
# Cards are 32 bytes; orders come from wrk, 32 at a time.  Each of these dies
# with what went wrong.

use strict;
use warnings;

use Exporter 'import';
use File::Basename ();

use Faka::Gateway qw(epay_notice);
use Faka::Proc qw(slurp spew);

our @EXPORT_OK = qw(import_many order_many deliver_many
                    metric median requests result);

use constant { IMPORT_CARDS => 200_000, ORDER_CONNECTIONS => 32 };

my $BENCH = File::Basename::dirname(__FILE__);


sub import_many {
    my ($t, $sku, $count) = @_;

    my $done = 0;
    while ($done < $count) {
        my $left = $count - $done;
        my $n = $left < IMPORT_CARDS ? $left : IMPORT_CARDS;
        my $text = join '', map { sprintf "CARD-%027d\n", $_ }
                   $done + 1 .. $done + $n;
        my $answer = $t->admin('POST', "/products/$sku/cards", $text,
                               timeout => 120);
        die 'bench: import: ' . $answer->brief . "\n"
            if $answer->status !~ /\A20[01]\z/;
        $done += $n;
    }
}


# At least so many; the last second brings some more.

sub order_many {
    my ($t, $sku, $count) = @_;

    my $made = 'faka_orders_total{result="ok"}';
    my $target = metric($t, $made) + $count;
    while ((my $left = $target - metric($t, $made)) > 0) {
        my $seconds = $left > 200_000 ? 2 : 1;
        my $url = 'http://127.0.0.1:' . $t->nginx->port . '/checkout';
        my $out = `wrk -t1 -c@{[ ORDER_CONNECTIONS ]} -d${seconds}s \\
            -s $BENCH/checkout.lua $url -- $sku 2>&1`;
        my $got = result($out);
        die "bench: a load of orders: $out\n"
            if $got->{errors} || $got->{refused};
    }
}


# Exactly so many, each paid by its own signed notice and so delivered; a
# product's price is $fen.

sub deliver_many {
    my ($t, $sku, $count, $fen) = @_;

    my $delivered = 'faka_payments_total{result="delivered"}';
    my $target = metric($t, $delivered) + $count;
    my $file = $t->dir . '/paid';

    paid_lua($t, 'order', $sku, $count, $file);
    spew($file, join '', map {
        '/notify/epay?' . epay_notice($t->{epay_key}, $_, $fen) . "\n"
    } split /\n/, slurp($file));
    paid_lua($t, 'notice', $file);

    my $now = metric($t, $delivered);
    die "bench: $now payments instead of $target\n" if $now != $target;
}


sub paid_lua {
    my ($t, @args) = @_;

    my $url = 'http://127.0.0.1:' . $t->nginx->port;
    $url .= '/checkout' if $args[0] eq 'order';
    my $out = `wrk -t1 -c@{[ ORDER_CONNECTIONS ]} -d120s \\
        -s $BENCH/paid.lua $url -- @args 2>&1`;
    $? == 0 or die "bench: wrk: $out\n";
}


sub metric {
    my ($t, $name) = @_;

    my ($value) = $t->get('/metrics')->body =~ /^\Q$name\E (\S+)$/m;
    return $value // 0;
}


# The file for pace: one checkout, the same that checkout.lua sends.  Returns
# its path.

sub requests {
    my ($path, $sku) = @_;

    my $body = qq({"sku":"$sku","qty":1,"contact":"buyer\@example.com"});
    my $request = "POST /checkout HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    spew($path, length($request) . "\n$request");
    return $path;
}


# The line of checkout.lua or pace, as a hash.

sub result {
    my ($out) = @_;

    $out =~ /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/m
        or die "bench: the load brought no result: $out\n";
    return { requests => $1, us => $2, refused => $3, errors => $4,
             p50_us => $5, p99_us => $6, p999_us => $7,
             rps => $1 / ($2 / 1e6) };
}


sub median {
    my @s = sort { $a <=> $b } @_;
    return @s % 2 ? $s[$#s / 2] : ($s[@s / 2 - 1] + $s[@s / 2]) / 2;
}


1;
