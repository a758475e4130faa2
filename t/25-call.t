# Calls to gateways, as POST /admin/channels/NAME/ping makes one: over TLS,
# with a gateway of exact bytes on the other side (t/gateway/replies.js) whose
# certificates the openssl program has made.

use lib 't/lib';

use Faka::Test;
use Faka::OpenAPI qw(api_ok);
use Faka::Proc qw(free_port slurp spawn spew stop_pid);
use IO::Socket::INET ();
use JSON::PP ();
use Socket qw(AF_INET INADDR_LOOPBACK SOCK_STREAM pack_sockaddr_in
              unpack_sockaddr_in);
use Time::HiRes qw(sleep time);

my $PATH = '/pa-th-s3cret/';

my $t = Faka::Test->new(shop => undef, workers => 1);
my $dir = $t->dir . '/replies';
mkdir $dir, 0755;

my %port = map { $_ => free_port() }
           qw(plain right wrong expired stranger old tls12 dead dns);


# ---- certificates ------------------------------------------------------

sub openssl {
    my (@args) = @_;

    my $log = "$dir/openssl.log";
    my $pid = spawn(['openssl', @args], log => $log, cwd => $dir);
    waitpid $pid, 0;
    die "openssl @args:\n" . slurp($log) if $? != 0;
}

my @NEW_KEY = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);

sub authority {
    my ($name) = @_;

    openssl('req', '-x509', @NEW_KEY, '-keyout', "$name.key", '-out',
            "$name.crt", '-days', 2, '-subj', "/CN=$name",
            '-addext', 'basicConstraints=critical,CA:TRUE');
}

sub certificate {
    my ($name, $authority, $names, $days) = @_;

    openssl('req', '-new', @NEW_KEY, '-keyout', "$name.key", '-out',
            "$name.csr", '-subj', "/CN=$name", '-addext',
            "subjectAltName=$names");
    openssl('x509', '-req', '-in', "$name.csr", '-CA', "$authority.crt",
            '-CAkey', "$authority.key", '-CAcreateserial', '-days', $days,
            '-copy_extensions', 'copy', '-out', "$name.crt");
}

authority($_) for qw(trusted unknown);
certificate('right', 'trusted',
            'DNS:localhost,DNS:gateway.test,IP:127.0.0.1', 2);
certificate('wrong', 'trusted', 'DNS:other.test,IP:127.0.0.2', 2);
certificate('expired', 'trusted', 'DNS:localhost', -1);
certificate('stranger', 'unknown', 'DNS:localhost', 2);


# ---- the gateway, and a name server ------------------------------------

sub mode { spew("$dir/mode.new", $_[0]); rename "$dir/mode.new", "$dir/mode" }

sub seen {
    return map { JSON::PP::decode_json($_) }
           split /\n/, slurp("$dir/seen") || '';
}

mode('right');
my $gateway = spawn(['node', 't/gateway/replies.js', $dir, $port{plain},
    (map { "$port{$_}=$_" } qw(right wrong expired stranger)),
    "$port{old}=right,TLSv1.1", "$port{tls12}=right,TLSv1.2"],
    log => "$dir/node.log");
END { local $?; stop_pid($gateway) if $gateway }
wait_until(sub { seen() }, 10) or die slurp("$dir/node.log");


# gateway.test is here, twice; silent.test is not answered; no other is there.

my $dns = $t->background(sub {
    my $socket = IO::Socket::INET->new(Proto => 'udp', Blocking => 0,
        LocalAddr => '127.0.0.1', LocalPort => $port{dns}) or die "dns: $!";
    until (stopping()) {
        my $from = $socket->recv(my $query, 512);
        sleep 0.01, next if !$from || length $query < 13;

        my ($id, $question) = (substr($query, 0, 2), substr $query, 12);
        next if $query =~ /silent/;
        my $known = $query =~ /gateway/;
        my $record = "\xc0\x0c" . pack('nnNn', 1, 1, 60, 4);
        $socket->send($id . pack('nnnnn', $known ? 0x8180 : 0x8183, 1,
                                 $known ? 2 : 0, 0, 0)
                      . $question
                      . ($known ? "$record\x7f\0\0\1$record\x7f\0\0\1" : ''));
    }
    return 1;
});


# A port whose queue of connections is full: who comes now hears nothing.

sub deaf_port {
    socket my $listener, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
    bind $listener, pack_sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!";
    listen $listener, 0 or die "listen: $!";
    my ($port) = unpack_sockaddr_in(getsockname $listener);
    my @inside = map { IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0) } 1 .. 4;
    return ($port, [$listener, @inside]);
}

my ($deaf, $deaf_sockets) = deaf_port();


# ---- the shop ----------------------------------------------------------

my %url = (
    right    => "https://localhost:$port{right}$PATH",
    address  => "https://127.0.0.1:$port{right}",
    tls12    => "https://localhost:$port{tls12}$PATH",
    old      => "https://localhost:$port{old}/",
    wrong    => "https://localhost:$port{wrong}/",
    wrong_ip => "https://127.0.0.1:$port{wrong}/",
    expired  => "https://localhost:$port{expired}/",
    stranger => "https://localhost:$port{stranger}/",
    not_tls  => "https://localhost:$port{plain}/",
    plain    => "http://localhost:$port{plain}$PATH",
    dead     => "http://127.0.0.1:$port{dead}/",
    deaf     => "http://127.0.0.1:$deaf/",
    named    => "https://gateway.test:$port{right}/",
    nobody   => "https://nobody.test/",
    silent   => "https://silent.test/",
    open     => 'http://pay.example/',
);

sub channels {
    return join '', map {
        "channel $_ epay { url $url{$_}; pid 1000; key_file "
        . $t->secrets . "/epay.key; }\n" } sort keys %url;
}

my $options = $t->nginx->{opt};
$options->{channels} = channels();
$options->{shop} = { gateway_trusted_certificate => "$dir/trusted.crt" };
$options->{http} = "resolver 127.0.0.1:$port{dns} ipv6=off;\n";
$t->start;


sub ping_request {
    my ($channel, %opt) = @_;

    return $t->admin_request('POST', "/channels/$channel/ping", undef, %opt);
}

sub ping {
    my ($channel, $mode) = @_;

    mode($mode || 'right');
    unlink "$dir/seen";
    return $t->admin('POST', "/channels/$channel/ping");
}


# What came of a ping: result, sent, status, size.

sub brief {
    my ($answer) = @_;

    my $json = $answer->status == 200 ? $answer->json : {};
    return join ' ', map { !defined $_ ? '-' : ref $_ ? $_ + 0 : $_ }
                     @$json{qw(result sent status size)};
}

sub ping_is {
    my ($channel, $mode, $want, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(brief(ping($channel, $mode)), $want, $name);
}

sub says {
    my ($pattern, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($t->nginx->wait_log($pattern, 5), $name);
}


# ---- what is sent, and what comes back ---------------------------------

my $answer = ping('right');
api_ok('POST', '/admin/channels/{channel}/ping', $answer, 'a ping');
is(brief($answer), 'ok 1 200 7', 'a right answer');

my @seen = seen();
is_deeply([grep { ($_->{event} || '') eq 'secure' } @seen],
          [{ port => $port{right}, event => 'secure', name => 'localhost' }],
          'the gateway is told whom we look for');
is((grep { $_->{request} } @seen)[0]{request},
   "GET $PATH HTTP/1.1\r\nHost: localhost:$port{right}\r\n"
   . "Connection: close\r\nUser-Agent: faka\r\n"
   . "Accept-Encoding: identity\r\n\r\n", 'the request, byte by byte');

ping_is('address', 'right', 'ok 1 200 7', 'a certificate for an address');
@seen = seen();
is((grep { ($_->{event} || '') eq 'secure' } @seen)[0]{name}, undef,
   'an address is no name');
like((grep { $_->{request} } @seen)[0]{request}, qr{\AGET / HTTP/1.1\r\n},
     'the path of a url without one');
ping_is('tls12', 'right', 'ok 1 200 7', 'TLS 1.2');

for my $channel (qw(right plain)) {
    my @table = (
        [large       => 'ok 1 200 60000'],
        [chunked     => 'ok 1 200 7'],
        [interim     => 'ok 1 200 2'],
        [to_close    => 'ok 1 200 9'],
        [no_content  => 'ok 1 204 0'],
        [error       => 'ok 1 500 3'],
        [redirect    => 'ok 1 302 0'],
        [huge        => 'too_large 1 - -'],
        [flood       => 'too_large 1 - -'],
        [head_flood  => 'too_large 1 - -'],
        [gzip        => 'malformed 1 - -'],
        [two_lengths => 'malformed 1 - -'],
        [no_http     => 'malformed 1 - -'],
        [truncated   => 'closed 1 - -'],
        [close       => 'closed 1 - -'],
        [reset       => 'closed 1 - -'],
    );
    ping_is($channel, @$_, "$channel: $_->[0]") for @table;
}

ping_is('right', 'cut', 'closed 1 - -',
        'TLS: an end that nobody has signed is none');
ping_is('plain', 'cut', 'ok 1 200 10', 'plain: the end is the end');

ping('right', 'redirect');
is_deeply([map { $_->{port} }
           grep { ($_->{event} || '') eq 'connect' } seen()],
          [$port{right}], 'nobody follows a redirect');


# ---- who is not the gateway --------------------------------------------

for my $case ([wrong => qr/is not for "localhost"/],
              [wrong_ip => qr/is not for "127\.0\.0\.1"/],
              [expired => qr/not trusted \(10: certificate has expired\)/],
              [stranger => qr/not trusted \(21: unable to verify the first/],
              [old => qr/SSL_do_handshake\(\) failed .*version/],
              [not_tls => qr/SSL_do_handshake\(\) failed .*wrong version/])
{
    my ($channel, $why) = @$case;
    ping_is($channel, $channel eq 'not_tls' ? 'plain' : 'right', 'tls 0 - -',
            "$channel: no answer is taken");
    says(qr/$why.*, channel "$channel", gateway 127\.0\.0\.1:\d/,
         '  and the log says why');
    is(scalar(grep { $_->{request} } seen()), 0, '  and nothing was sent');
}

ping_is('right', 'close_handshake', 'tls 0 - -', 'no handshake');
ping_is('dead', 'right', 'connect 0 - -', 'nobody there');
says(qr/connect\(\) failed \(111: .*channel "dead", gateway 127\.0\.0/,
     '  and the log says so');


# ---- names -------------------------------------------------------------

ping_is('named', 'right', 'ok 1 200 7', 'a name of the resolver');
is((grep { ($_->{event} || '') eq 'secure' } seen())[0]{name},
   'gateway.test', 'is the one that the certificate must have');
ping_is('nobody', 'right', 'resolve 0 - -', 'no such name');
says(qr/nobody\.test could not be resolved \(3: Host not found\).*"nobody"/,
     '  and the log says so');


# ---- refusals ----------------------------------------------------------

$answer = $t->admin('POST', '/channels/open/ping');
is($answer->status, 400, 'a channel in clear over the network is not asked');
is($answer->json->{field}, 'url', '  for its url');
is($t->admin('POST', '/channels/none/ping')->status, 404, 'no such channel');
is($t->admin('GET', '/channels/right/ping')->status, 405, 'no GET');
is($t->http('POST', '/admin/channels/right/ping')->status, 401,
   'not without the token');


# ---- time --------------------------------------------------------------

# All of them at once; the gateway hangs in each phase in turn.

sub hang {
    my ($mode, @channels) = @_;

    mode($mode);
    return map { my $channel = $_;
                 $t->background(sub {
                     my $start = time;
                     my $answer = http_one(ping_request($channel),
                                           timeout => 20);
                     return [brief($answer), time - $start];
                 }) } @channels;
}

sub hung {
    my ($job, $want, $seconds, $name) = @_;

    my ($brief, $took) = @{ $job->wait };
    is($brief, $want, $name);
    cmp_ok($took, '>', $seconds - 0.2, "  after $seconds s");
    cmp_ok($took, '<', $seconds + 2.5, '  not much later');
}

my @deaf = hang('right', 'deaf', 'silent');
sleep 0.3;
my @hanging = hang('hang_handshake', 'right');
sleep 0.3;
push @hanging, hang('hang', 'right', 'plain');
sleep 0.3;
push @hanging, hang('hang_reply', 'right');
sleep 0.3;
push @hanging, hang('drip', 'right');
sleep 0.3;

mode('right');
is(brief($t->admin('POST', '/channels/right/ping')), 'ok 1 200 7',
   'meanwhile a quick answer is quick');
my $start = time;
is($t->get('/products')->status, 200, 'and others are served');
cmp_ok(time - $start, '<', 0.5, '  at once');

hung($deaf[0], 'connect 0 - -', 3, 'no connection');
hung($deaf[1], 'resolve 0 - -', 3, 'no answer of the name server');
hung($hanging[0], 'timeout 0 - -', 10, 'no handshake: nothing was sent');
hung($hanging[1], 'timeout 1 - -', 10, 'no reply over TLS');
hung($hanging[2], 'timeout 1 - -', 10, 'no reply without TLS');
hung($hanging[3], 'timeout 1 - -', 10, 'half a reply');
hung($hanging[4], 'timeout 1 - -', 10, 'a reply that drips');


# ---- many at once, and clients that leave ------------------------------

mode('slow');
my @many = map { ping_request($_) }
           map { ($_) x 20 } qw(right address tls12 plain named);
my $job = $t->background(sub {
    return [map { brief($_) }
            @{ http_many(\@many, concurrency => 100, timeout => 20) }];
});
sleep 0.7;
$start = time;
is($t->get('/products')->status, 200, 'a hundred calls, and others served');
cmp_ok(time - $start, '<', 0.7, '  at once');

my %count;
$count{$_}++ for @{ $job->wait };
is_deeply(\%count, { 'ok 1 200 7' => 64, 'busy 0 - -' => 36 },
          'of a hundred calls 64 are made, the others refused');

%count = ();
$count{brief($_)}++ for @{ http_many([(ping_request('right')) x 20],
                                     concurrency => 20) };
is_deeply(\%count, { 'ok 1 200 7' => 16, 'busy 0 - -' => 4 },
          'of one channel 16');

mode('hang');
unlink "$dir/seen";
http_many([(ping_request('right', timeout => 1)) x 16], concurrency => 16);
ok(wait_until(sub {
       return 16 == grep { ($_->{event} || '') eq 'close'
                           && $_->{mode} eq 'hang' } seen();
   }, 5), 'who leaves takes his call along');
is(brief(ping('right')), 'ok 1 200 7', 'and makes room');


# ---- what stays in memory ----------------------------------------------

# Does the private memory of the worker hold this text?

sub remembers {
    my ($text) = @_;

    my ($pid) = $t->nginx->workers;
    open my $maps, '<', "/proc/$pid/maps" or return;
    open my $memory, '<:raw', "/proc/$pid/mem" or return;

    while (my $line = <$maps>) {
        my ($from, $to) = $line =~ /\A(\w+)-(\w+) rw.p / or next;
        ($from, $to) = map { no warnings 'portable'; hex } $from, $to;
        next if $to - $from > 1 << 26;         # a sanitizer's own
        sysseek $memory, $from, 0 or next;
        sysread $memory, my $bytes, $to - $from or next;
        return 1 if index($bytes, $text) >= 0;
    }
    return 0;
}

SKIP: {
    skip 'the memory of another user', 8 unless $< == 0;

    for my $channel (qw(plain right)) {
        my $request = "GET $PATH HTTP/1.1\r\nHost";
        my $reply = 'Content-Length: 99';
        mode('hang_reply');
        $job = $t->background(sub {
            return http_one(ping_request($channel), timeout => 2)->status;
        });
        ok(wait_until(sub { remembers($reply) }, 5),
           "$channel: half a reply is in memory");
        ok(remembers($request), '  so is the request');
        $job->wait;
        ok(wait_until(sub { !remembers($reply) }, 5),
           '  the call is over, and the reply is gone');
        ok(!remembers($request), '  so is the request');
    }
}


# ---- a worker that quits -----------------------------------------------

mode('slow');
$job = $t->background(sub { return brief(http_one(ping_request('right'))) });
sleep 0.5;
ok($t->nginx->reload, 'a reload while a call is under way');
is($job->wait, 'ok 1 200 7', 'the old worker stays for it');

mode('hang');
$job = $t->background(sub {
    return http_one(ping_request('right'))->status;
});
sleep 0.5;
$start = time;
ok($t->nginx->stop('TERM'), 'a quick end while a call is under way');
cmp_ok(time - $start, '<', 3, 'waits for nothing');
is($job->wait, 0, 'and answers nothing');


# ---- the log -----------------------------------------------------------

unlike($t->nginx->error_log, qr/s3cret/,
       'nothing of requests and replies is in the log');
unlike($t->nginx->error_log, qr/\[(?:crit|emerg)\]/, 'nor anything worse');
unlike($t->nginx->error_log, qr/stale global SSL error/,
       'no error of OpenSSL is left for others');


# ---- the configuration -------------------------------------------------

sub conf_says {
    my ($name, $code, $pattern, %change) = @_;

    my %keep = %$options;
    @$options{keys %change} = values %change;
    my ($got, $output) = $t->nginx->check_conf;
    %$options = %keep;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(($got != 0) == $code && $output =~ $pattern, $name)
        or diag("exit $got\n$output");
}

conf_says('without certificates where they should be', 1,
          qr/\[emerg\].*nowhere\.crt/,
          shop => { gateway_trusted_certificate => "$dir/nowhere.crt" });
conf_says('a key is no certificate', 1, qr/\[emerg\].*trusted\.key/,
          shop => { gateway_trusted_certificate => "$dir/trusted.key" });
conf_says('names without an address, and a url that is open, are a warning', 0,
          qr/\A(?:[^\n]*\[warn\][^\n]*(?:so\ nothing\ is\ asked|
                channel\ "open"\ is\ neither\ https)[^\n]*\n){4}\z/x,
          shop => {}, http => '');

for my $wrong ('https://me@localhost/', 'http://127.0.0.1:80@pay.example/',
               'https://localhost:0/', 'https://localhost:99999/',
               'https://[::1/', 'https://a%41.example/')
{
    local $url{right} = $wrong;
    conf_says("\"$wrong\" is no gateway", 1,
              qr/\[emerg\].*channel "right".*nginx\.conf:\d+/,
              channels => channels());
}
