package Faka::Journal;

# build/faka-journal from outside, and its dumps as lists that a test may
# change by hand:
#
#     my $ran = journal_tool('--file', $dump, 'main', 'check');
#     is($ran->{code}, 0, $ran->{err});
#
#     my @entries = dump_read($dump);        # [key, id, field, value, ...]
#     $entries[3][3] = record_with($entries[3][3], 40, 'x');
#     dump_write("$dump.changed", @entries);
#
# What it knows of a record's form is what engine/fk_journal.h says of it.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Basename ();
use POSIX ();

use Faka::Proc qw(slurp spew);

our @EXPORT = qw(journal_tool dump_read dump_write put_back records images
                 record_with lines_of);

my $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
my @crc_table = map { _crc_of($_) } 0 .. 255;


sub program {
    return "$ROOT/build/" . ($ENV{FAKA_ASAN} ? 'asan/' : '') . 'faka-journal';
}


# Runs it to its end: code (a signal is 128 and its number), out, err.  A last
# argument that is a reference is its standard input.

sub journal_tool {
    my (@args) = @_;

    my $in = ref $args[-1] ? ${ pop @args } : '';
    my $base = "/tmp/faka-journal-test.$$";
    spew("$base.in", $in);

    my $pid = fork;
    die "fork: $!" unless defined $pid;
    if ($pid == 0) {
        # What ends early need not free what it has.
        $ENV{ASAN_OPTIONS} = 'detect_leaks=0:allocator_may_return_null=1';
        open STDIN, '<', "$base.in";
        open STDOUT, '>', "$base.out";
        open STDERR, '>', "$base.err";
        exec { program() } 'faka-journal', @args or POSIX::_exit(127);
    }
    waitpid $pid, 0;

    my %ran = (code => $? & 127 ? 128 + ($? & 127) : $? >> 8,
               out => slurp("$base.out"), err => slurp("$base.err"));
    unlink map { "$base.$_" } qw(in out err);
    return \%ran;
}


sub lines_of { return split /\n/, $_[0] }


# The entries of all streams; the end is left out.

sub dump_read {
    my ($file) = @_;

    my $text = slurp($file);
    my @entries;
    pos($text) = 0;

    while ($text =~ /\G\*(\d+)\r\n/gc) {
        my @words;
        for (1 .. $1) {
            $text =~ /\G\$(\d+)\r\n/gc or die "$file: no dump\n";
            push @words, substr $text, pos $text, $1;
            pos($text) += $1 + 2;
        }
        push @entries, [@words[1 .. $#words]] if $words[0] eq 'XADD';
    }

    die "$file: no dump\n" if pos $text != length $text;
    return @entries;
}


sub dump_write {
    my ($file, @entries) = @_;

    my $text = '';
    for my $words ((map { ['XADD', @$_] } @entries), ['ECHO', 'main']) {
        $text .= '*' . @$words . "\r\n";
        $text .= '$' . length($_) . "\r\n$_\r\n" for @$words;
    }
    return spew($file, $text);
}


# A dump back into a Redis, as an operator does it; true if all of it went.

sub put_back {
    my ($redis, $file) = @_;

    my $said = `redis-cli -s @{[ $redis->socket_path ]} --pipe < $file 2>&1`;
    return $said =~ /errors: 0,/;
}


# The records, or parts, of a value, each as its bytes.

sub records {
    my ($value) = @_;

    my @records;
    while (length $value) {
        push @records, substr $value, 0, unpack('V', $value), '';
    }
    return @records;
}


# Where a record's images begin: [place, type] of each.

sub images {
    my ($record) = @_;

    my ($at, @images) = (32);
    for (1 .. unpack 'x26 v', $record) {
        my ($type, undef, $size) = unpack "x$at C C v", $record;
        push @images, [$at, $type];
        $at += $size;
    }
    return @images;
}


# The record with other bytes at a place, and a checksum that is good.

sub record_with {
    my ($record, $at, $bytes) = @_;

    substr $record, $at, length $bytes, $bytes;
    my $crc = 0xffffffff;
    $crc = $crc >> 8 ^ $crc_table[($crc ^ $_) & 0xff]
        for unpack 'x8 C*', $record;
    substr $record, 4, 4, pack 'V', $crc ^ 0xffffffff;
    return $record;
}


# CRC-32C, bit by bit.

sub _crc_of {
    my ($crc) = @_;

    $crc = $crc & 1 ? $crc >> 1 ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
    return $crc;
}


1;
