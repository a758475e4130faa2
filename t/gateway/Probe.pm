# What the tests of the gateway are made of: forms, signatures and HTTP
# written here and not taken from the gateway, a small merchant that is
# notified, and start and stop of the gateway.  Everything it starts dies with
# the test.

package Probe;

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::MD5 qw(md5_hex);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw($dir $folder $key $pid $port $shop api by_name canonical
    control form http is_signed notices opened order parse settled signed
    start_gateway stop_gateway trade);

our $folder = abs_path(dirname(__FILE__));
our $dir = tempdir(CLEANUP => 1);
our ($port, $pid, $key) = (0, 1001, 'TESTKEY');

my $parent = $$;

# A gateway that does not answer fails the test instead of holding it up.
$SIG{ALRM} = sub { die "too slow\n" };
alarm 120;

my @children;

END {
    if (defined $parent && $$ == $parent) {
        my $status = $?;
        kill 'KILL', @children;
        waitpid $_, 0 for @children;
        $? = $status;
    }
}


# ---- forms, signatures, HTTP

sub enc { join '', map { /[A-Za-z0-9_.-]/ ? $_ : $_ eq ' ' ? '+'
    : sprintf '%%%02X', ord } split //, shift }
sub dec { my $s = shift; $s =~ tr/+/ /; $s =~ s/%(..)/chr hex $1/ge; $s }

sub form {
    my %f = @_;
    return join '&', map { enc($_) . '=' . enc($f{$_}) } sort keys %f;
}

sub parse { map { my ($k, $v) = split /=/, $_, 2; (dec($k), dec($v)) }
    split /&/, shift }

sub by_name { my %f = @_; join '&', map { "$_=$f{$_}" } sort keys %f }

sub canonical {
    my %f = @_;
    delete @f{grep { /^sign(_type)?$/ || $f{$_} !~ /\S/ } keys %f};
    return by_name(%f);
}

sub signed {
    my %f = @_;
    return (%f, sign => md5_hex(canonical(%f) . $key), sign_type => 'MD5');
}

sub http {
    my ($method, $uri, $body, %header) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
        Timeout => 5) or return { status => 0, head => '', body => '' };
    $header{'Content-Type'} //= 'application/x-www-form-urlencoded'
        if defined $body;
    $header{'Content-Length'} = length $body if defined $body;
    local $SIG{PIPE} = 'IGNORE';
    print $s "$method $uri HTTP/1.1\r\nHost: shop.test:$port\r\n",
        "Connection: close\r\n",
        (map { "$_: $header{$_}\r\n" } sort keys %header), "\r\n",
        $body // '';
    my $all = do { local $/; <$s> } // '';
    my ($head, $text) = split /\r\n\r\n/, $all, 2;
    my ($status) = ($head // '') =~ m{^HTTP/1.1 (\d+)};
    return { status => $status // 0, head => $head // '',
        body => $text // '' };
}

sub control {
    my ($call, $json) = @_;
    my $r = $call =~ /^(trades|switches|calls)/ ? http('GET', "/_test/$call")
        : http('POST', "/_test/$call", encode_json($json // {}));
    return decode_json($r->{body});
}

sub api {
    my ($query, $form) = @_;
    return decode_json(http($form ? 'POST' : 'GET', "/api.php?$query",
        $form)->{body});
}

sub trade { (control("trades?out_trade_no=$_[0]"))->[0] }

sub settled {
    my $order = shift;
    my $end = time + 5;
    sleep 0.02 while trade($order)->{notice}{state} eq 'pending'
        && time < $end;
    return trade($order);
}


# ---- the programs

sub start_gateway {
    my %o = @_;
    open my $fh, '>', "$dir/key" or die $!;
    print $fh "$key\n";
    close $fh;
    pipe my $out, my $in or die $!;
    my $child = fork // die $!;
    if ($child == 0) {
        open STDOUT, '>&', $in or POSIX::_exit(127);
        exec 'node', "$folder/gateway.js", '--port', 0, '--pid', $pid,
            '--key-file', "$dir/key", '--print-port', '--retry-ms',
            '40,40,40', map { ("--$_", $o{$_}) } sort keys %o
            or POSIX::_exit(127);
    }
    push @children, $child;
    close $in;
    my $line = <$out> // '';
    my $number = <$out> // '';
    ($port) = $line =~ /^listening on 127\.0\.0\.1:(\d+)$/;
    return { pid => $child, same => $number eq "$port\n" };
}

sub stop_gateway {
    my ($g, $signal) = @_;
    kill $signal, $g->{pid};
    waitpid $g->{pid}, 0;
    my $status = $?;
    @children = grep { $_ != $g->{pid} } @children;
    return $status;
}

# The answer depends on the path: /ok, /fail, /failN (N times), /say/WORD
# with status 500, /keep (holds the connection, then drops it once).
sub serve_merchant {
    my ($listener, $log) = @_;
    my (%seen, $dropped);

    while (my $c = $listener->accept) {
        while (1) {
            my $first = <$c> // last;
            my ($length, $body, $head) = (0, '', '');
            while (defined(my $h = <$c>) ) {
                last if $h eq "\r\n";
                $head .= $h;
                $length = $1 if $h =~ /^content-length: (\d+)/i;
            }
            read $c, $body, $length if $length;
            my ($method, $path, $query) =
                $first =~ m{^(\w+) ([^? ]*)\??(\S*) };
            my $n = $seen{$path}++;
            last if $path eq '/keep' && $n == 1 && !$dropped++;
            print $log join("\t", $method, $path, unpack('H*',
                $method eq 'POST' ? $body : $query), unpack('H*', $head)),
                "\n";
            my $text = $path =~ m{^/say/(.*)} ? $1
                : $path =~ m{^/fail(\d*)} && ($1 eq '' || $n < $1) ? 'fail'
                : 'success';
            my $keep = $path eq '/keep';
            print $c 'HTTP/1.1 ', $path =~ /say/ ? 500 : 200, " X\r\n",
                'Content-Length: ', length $text, "\r\nConnection: ",
                $keep ? 'keep-alive' : 'close', "\r\n\r\n", $text;
            last if !$keep || !IO::Select->new($c)->can_read(2);
        }
        close $c;
    }
}

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128,
    ReuseAddr => 1) or die $!;
our $shop = 'http://127.0.0.1:' . $listener->sockport;
open my $log, '>>', "$dir/log" or die $!;
$log->autoflush(1);
my $merchant = fork // die $!;
if ($merchant == 0) {
    $parent = 0;
    serve_merchant($listener, $log);
    POSIX::_exit(0);
}
push @children, $merchant;
close $listener;
my $log_at = 0;

# What the merchant was sent since the last call: [method, path, {fields},
# raw text, header lines].
sub notices {
    open my $fh, '<', "$dir/log" or die $!;
    seek $fh, $log_at, 0;
    my @list = map { chomp; my ($m, $p, $q, $h) = split /\t/, $_, 4;
        $q = pack 'H*', $q;
        [$m, $p, $q =~ /^\{/ ? {} : {parse($q)}, $q, pack 'H*', $h] } <$fh>;
    $log_at = tell $fh;
    return @list;
}

my $serial = 0;
sub order {
    my %f = @_;
    return (pid => $pid, type => 'alipay', out_trade_no => 'O' . ++$serial,
        notify_url => "$shop/ok", return_url => "$shop/back", name => 'VIP',
        money => '1.00', %f);
}

# Opens a trade and returns its order number.
sub opened {
    my %f = order(@_);
    my $r = http('GET', '/submit.php?' . form(signed(%f)));
    die "submit: $r->{body}" if $r->{status} != 302;
    return $f{out_trade_no};
}

sub is_signed {
    my ($f, $name) = @_;
    is($f->{sign}, md5_hex(canonical(%$f) . $key), $name);
}

1;
