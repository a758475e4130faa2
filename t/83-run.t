# The whole road as a newcomer walks it: `make run` prints three curl lines,
# they end with a card key; then everything is killed at once, started again,
# and the same order shows the same key.

use strict;
use warnings;

use File::Temp;
use HTTP::Tiny;
use JSON::PP;
use Test::More;

use lib 't/lib';
use Faka::Proc qw(alive slurp wait_until);
use Faka::Run;

my $tmp = File::Temp->newdir('faka-test-XXXXXX', TMPDIR => 1);
chmod 0711, "$tmp";
my $run = Faka::Run->new("$tmp/run");
my $json = JSON::PP->new->utf8;
my $http = HTTP::Tiny->new(timeout => 10);

my $printed = $run->start;
like($printed, qr/^The shop is open\.$/m, 'the shop opens') or diag($printed);
like($printed, qr{^\s+shop page\s+\Q${\ $run->url }\E/}m, 'its address');
like($printed, qr{token in \S+/admin\.token}, 'where the admin token lies');

my ($journal) = $printed =~ m{^\s+journal\s+(\S+/faka-journal .+)$}m;
like(scalar `@{[ $journal // 'false' ]} 2>&1`,
     qr/^faka:\{main\}:journal: \d+ entries, /, 'a command shows its journal');

my @lines = $run->purchase;
is(@lines, 3, 'three lines to copy');

my @answers = buy(@lines);
is(@answers, 3, 'each line answers') or diag("@answers");

my ($order, $paid, $view) = ($json->decode($answers[0]), $answers[1],
                             $json->decode($answers[2]));
is($order->{status}, 'awaiting_payment', 'the first makes an order');
like($paid, qr{\Apaid, back to \Q${\ $run->url }\E/return/},
     'the second pays it at the gateway');
is($view->{status}, 'delivered', 'the third has it delivered');
is(scalar @{ $view->{cards} }, 1, 'with a card key');
like($view->{cards}[0], qr/\S{8}/, 'that is not empty');

my $page = $http->get($run->url . '/');
is($page->{status}, 200, 'the page is served');
like($page->{content}, qr/<html/i, 'as HTML');
my $products = $json->decode($http->get($run->url . '/products')->{content});
cmp_ok(@$products, '>=', 3, 'sample products are on sale');

my @killed = $run->kill_all;
cmp_ok(@killed, '>=', 5, 'script, Redis, gateway, master and workers killed');

$printed = $run->start;
like($printed, qr/^The shop is open\.$/m, 'it opens again') or diag($printed);
is_deeply(order_now(), $view, 'the order is there, with the same card');

my $audit = $json->decode($http->get($run->url . '/admin/audit', { headers =>
    { Authorization => 'Bearer ' . token() } })->{content});
ok($audit->{ok}, 'every sum is right') or diag(explain($audit));

my @second = map { $json->decode($_) } (buy(@lines))[2];
is($second[0]{status}, 'delivered', 'it sells on');
isnt($second[0]{cards}[0], $view->{cards}[0], 'another card');

# One purchase through each way to pay that a visitor may choose.

my $ways = $json->decode($http->get($run->url . '/channels')->{content});
is(scalar(grep { $_->{label} ne $_->{channel} } @$ways), scalar @$ways,
   'all of them have labels');
my %way = map { $_->{channel} => $_ } @$ways;
is_deeply([sort keys %way], [sort qw(alipay alipay-qr alipay-wap bepusdt epay
           epay2 gmpay own-words stripe usdt wechat)],
          'and they are what there is');
like($printed, qr{\Q${\ $run->url }\E/channels}, 'it says where they stand');

my %method = map { $_ => 'redirect' } keys %way;
$method{$_} = 'qr' for qw(alipay-qr wechat);

for my $channel (sort keys %way) {
    my @view = buy(map { s/"epay"/"$channel"/r } @lines);
    my ($made, $other) = map { eval { $json->decode($_) } || {} } @view[0, 2];
    is($made->{pay}{method}, $method{$channel},
       "$channel: paid by $method{$channel}");
    is($other->{status}, 'delivered', 'and sells') or diag("@view");
    is($other->{channel}, $channel, 'itself');
}

my @trial = buy(map { s/steam-50/trial/r =~ s/,"channel":"epay"//r }
                $lines[0]);
is($json->decode($trial[0])->{status}, 'delivered', 'the trial costs none');

# The account that README.md buys from.

my $own = slurp("$tmp/run/secrets/buyer.token") =~ s/\s+\z//r;
my %auth = (headers => { Authorization => "Bearer $own",
                         'Content-Type' => 'application/json' });
my $purse = $http->post($run->url . '/checkout', { %auth, content =>
    '{"sku":"steam-50","qty":1,"contact":"me@example.com",'
    . '"channel":"purse","account":"demo"}' });
is($purse->{status}, 201, 'an account pays') or diag($purse->{content});
my $from = $json->decode($purse->{content});
is("$from->{status} $from->{pay}{method}", 'delivered none',
   'and is delivered at once');
is($json->decode($http->get($run->url . '/agents/demo',
                            { headers => $auth{headers} })
                      ->{content})->{available},
   100_000 - 4850, 'what is left');

is_deeply([$run->stop], [], 'TERM stops all that it started');
my $log = slurp("$tmp/run/logs/error.log") // slurp("$tmp/run/logs/nginx.log");
ok(defined $log, 'there is an error log');
unlike($log, qr/\[alert\]|Sanitizer/, 'no alerts');
unlike($log, qr/\Q$view->{cards}[0]\E|\Q$order->{token}\E/,
       'neither key nor token in the log');
my @secrets = map { /(\S{20,})/g } map { slurp($_) }
              grep { !/\.(?:pub|crt)\z/ } glob "$tmp/run/secrets/*";
cmp_ok(scalar @secrets, '>', 100, 'secrets of all the channels');
is(scalar(grep { index($log, $_) >= 0 } @secrets), 0,
   'none of them is in it, either');

done_testing;


# In one shell, as a newcomer would; what each line printed.

sub buy {
    my $script = join "\n", map { "$_; echo" } @_;

    open my $fh, '>', "$tmp/buy.sh" or die "$tmp/buy.sh: $!";
    print {$fh} "$script\n";
    close $fh or die "$tmp/buy.sh: $!";
    return grep { /\S/ } split /\n/, `bash $tmp/buy.sh 2>&1`;
}


sub order_now {
    my $res = $http->get($run->url . "/orders/$order->{order}", { headers =>
        { Authorization => "Bearer $order->{token}" } });
    return $json->decode($res->{content});
}


sub token {
    my $token = slurp("$tmp/run/secrets/admin.token");
    chomp $token;
    return $token;
}
