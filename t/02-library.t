# The test library itself: what it promises about ports, processes, Redis,
# nginx and its HTTP client, shown without the module.

use lib 't/lib';

use Faka::Test;
use Faka::Gateway qw(epay_money epay_sign);
use Faka::Http qw(form_encode);
use Faka::Proc qw(alive free_port slurp spawn stop_pid);

my $t = Faka::Test->new(module => '', server => <<'EOT');
        location = /hello { default_type text/plain; return 200 "hello"; }
        location = /teapot { return 418; }
        location = /slow { proxy_pass http://127.0.0.1:1; }
        keepalive_timeout 30s;
EOT
$t->start;


# Ports.

my %ports = map { free_port() => 1 } 1 .. 20;
is(scalar keys %ports, 20, 'twenty ports, all different');
ok(!(grep { $_ < 20000 || $_ >= 32000 } keys %ports), 'below the ephemeral');

my $taken = $t->background(sub {
    return [map { free_port() } 1 .. 200];
})->wait;
is_deeply([grep { $ports{$_} } @$taken], [],
          'another process is not given a port of ours');


# Processes.

my $pid = spawn(['/bin/sleep', '60']);
ok(alive($pid), 'a spawned process is alive');
ok(stop_pid($pid), 'it ends on TERM');
ok(!alive($pid), 'and is gone');

my $deaf = spawn(['/bin/sh', '-c',
                  'trap "" TERM; echo x; while :; do sleep 1; done'],
                 log => $t->dir . '/deaf');
wait_until(sub { -s $t->dir . '/deaf' });
ok(!stop_pid($deaf, 0.3), 'what does not listen is killed, and reported');
ok(!alive($deaf), 'and is gone too');

is(eval { $t->background(sub { die "so be it\n" })->wait; 1 }, undef,
   'a job that dies');
like($@, qr/so be it/, 'dies here with its reason');
my $job = $t->background(sub {
    my $n = 0;
    do { $n++ } until stopping();
    return $n;
});
ok($job->stop > 0, 'a job is stopped and gives its value');


# Redis.

my $redis = $t->redis;
is($redis->cmd('SET', 'k', "a\r\nb"), 'OK', 'SET');
is($redis->cmd('GET', 'k'), "a\r\nb", 'GET, binary safe');
is($redis->cmd('GET', 'none'), undef, 'no such key');
is_deeply($redis->cmd('CONFIG', 'GET', 'appendfsync'),
          ['appendfsync', 'always'], 'fsync always is the default');
ok(!eval { $redis->cmd('INCR', 'k'); 1 }, 'an error reply dies');
like($@, qr/not an integer/, 'with its text');
is($redis->cmd('PING'), 'PONG', 'and the connection goes on');

$redis->kill9;
ok(!eval { $redis->cmd('PING'); 1 }, 'killed: no answer');
$redis->start;
is($redis->cmd('GET', 'k'), "a\r\nb", 'the data is there after kill -9');

$redis->pause;
my $parked = $t->background(sub { return $redis->cmd('PING') });
select undef, undef, undef, 0.2;
$redis->cont;
is($parked->wait, 'PONG', 'paused, then continued: answered late');


# The HTTP client against nginx.

my $answer = $t->get('/hello');
is($answer->status, 200, 'a page');
is($answer->body, 'hello', 'its body');
is($answer->header('Content-Type'), 'text/plain', 'a header, any case');
is($t->get('/teapot')->status, 418, 'another status');
is($t->http('HEAD', '/hello')->body, '', 'HEAD has no body');
is($t->get('/slow')->status, 502, 'an error page');

my @requests = map { $t->request('GET', '/hello') } 1 .. 1000;
my $answers = http_many(\@requests, concurrency => 500);
is(scalar(grep { $_->status == 200 && $_->body eq 'hello' } @$answers), 1000,
   'a thousand requests, 500 at once');

$answers = http_many(\@requests, concurrency => 10, keepalive => 1);
is(scalar(grep { $_->status == 200 } @$answers), 1000, 'kept connections');
is(scalar(grep { $_->header('connection') eq 'keep-alive' } @$answers), 1000,
   'are kept');

$answer = http_one($t->request('GET', '/hello', slice => 5, pause => 0.01));
is($answer->status, 200, 'a slow sender is answered');
cmp_ok($answer->ms, '>=', 50, 'slowly');

$answer = http_one($t->request('GET', '/hello', close_after => 10));
is($answer->error, 'closed by the client', 'a sender that closes early');

$answer = http_one({ port => $t->nginx->port, raw => "nonsense\r\n\r\n" });
is($answer->status, 400, 'raw bytes');

$answer = http_one({ port => free_port(), path => '/' });
is($answer->status, 0, 'nobody listens: no status');
like($answer->error, qr/refused/, 'but a reason');

$answer = Faka::Http::Response->parse("HTTP/1.1 200 OK\r\nContent-Length: 5"
                                      . "\r\n\r\nfour", 1, 'GET');
is($answer, undef, 'a body that was cut off is no answer');
$answer = Faka::Http::Response->parse("HTTP/1.1 200 OK\r\nTransfer-Encoding:"
    . " chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 0, 'GET');
is($answer->body, 'abcd', 'a chunked body');
$answer = Faka::Http::Response->parse("HTTP/1.1 200 OK\r\nContent-Length: 22"
    . "\r\n\r\n{\"n\":9007199254740993}\n", 1, 'GET');
is($answer->json->{n}, '9007199254740993', 'JSON keeps 64 bit integers');

is(form_encode(a => "1 &=\x{5361}", a => 2), 'a=1%20%26%3D%E5%8D%A1&a=2',
   'a form, in order, a name twice');


# The signature of the protocol's documentation.

is(epay_sign({ money => '1.00', name => 'VIP会员', type => 'alipay',
               out_trade_no => '20160806151343349', pid => '1001',
               notify_url => 'http://www.pay.com/notify_url.php',
               return_url => 'http://www.pay.com/return_url.php',
               sign => 'x', sign_type => 'MD5', param => '' }, 'TESTKEY'),
   'f6c281cc5369fe590ac42a3c38710582', 'EPay signature');
is(join(' ', map { epay_money($_) } 1, 10, 100, 150, 1234, 100000),
   '0.01 0.1 1 1.5 12.34 1000', 'money as the gateway prints it');


# nginx under control.

my $nginx = $t->nginx;
my @workers = $nginx->workers;
is(scalar @workers, 2, 'two workers');
ok($nginx->kill_worker($workers[0]), 'a killed worker is replaced');
ok(!(grep { $_ == $workers[0] } $nginx->workers), 'by another one');
my @before = $nginx->workers;
ok($nginx->reload, 'reload');
my %old = map { $_ => 1 } @before;
ok(!(grep { $old{$_} } $nginx->workers), 'has only new workers');

my ($code, $output) = $nginx->check_conf("events {}\nnonsense;\n");
isnt($code, 0, 'a bad configuration is refused');
like($output, qr/unknown directive "nonsense" in \S+:2/, 'with its line');
($code, $output) = $nginx->check_conf;
is($code, 0, 'the good one is taken');

my @all = ($nginx->master, $nginx->workers);
$nginx->kill_all;
is(scalar(grep { alive($_) } @all), 0, 'kill -9 of all leaves nothing');
$nginx->start;
is($t->get('/hello')->status, 200, 'and it starts again');
ok($nginx->restart, 'restart');
is($t->get('/hello')->status, 200, 'serves');

$nginx->stop;
my ($alerts, $reports) = $nginx->complaints;
is_deeply($alerts, [], 'the alert of the killed worker was expected');
my $log = slurp($nginx->{log});
open my $fh, '>>', $nginx->{log};
print {$fh} "1970/01/01 00:00:00 [alert] 1#1: made up\n"
            . "==1==ERROR: AddressSanitizer: made up\n";
close $fh;
($alerts, $reports) = $nginx->complaints;
is(scalar @$alerts, 1, 'an alert is found');
is(scalar @$reports, 1, 'a sanitizer report is found');
Faka::Proc::spew($nginx->{log}, $log);
