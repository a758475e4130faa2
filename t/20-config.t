# The configuration: each mistake ends "nginx -t" with one [emerg] line that
# has the file, the line and what to do; and "nginx -t" beside a running shop
# changes nothing.

use lib 't/lib';

use Faka::Test;
use Faka::Proc qw(slurp spew);

my $t = Faka::Test->new;
my $nginx = $t->another_nginx;
my $secrets = $t->secrets;
my $channel = "channel epay epay { url http://127.0.0.1:1; pid 1000; "
              . "key_file $secrets/epay.key;\n}\n";

sub channel_with {
    my (%change) = @_;

    my %all = (url => 'http://127.0.0.1:1', pid => 1000,
               key_file => "$secrets/epay.key", %change);
    return join "\n", 'channel epay epay {',
           (map { "$_ $all{$_};" } grep { defined $all{$_} } sort keys %all),
           "}\n";
}


# Runs nginx -t with a changed shop and gives its answer and its text.

sub try_conf {
    my (%opt) = @_;

    my %keep = %{ $nginx->{opt} };
    my %shop = %{ $opt{shop} || {} };
    @{ $nginx->{opt} }{qw(shop channels)} = (\%shop, $opt{channels});
    for my $key (qw(http server locations)) {
        $nginx->{opt}{$key} = $opt{$key} if defined $opt{$key};
    }
    my $text = $nginx->conf;
    $nginx->{opt} = \%keep;

    my ($code, $output) = $nginx->check_conf($text);
    return ($code, $output, $text);
}


# $at: what stands in the line that the message names.

sub refused {
    my ($name, $says, $at, %opt) = @_;

    my ($code, $output, $text) = try_conf(%opt);
    my @errors = grep { /\[emerg\]/ } split /\n/, $output;
    my ($file, $line) = ($errors[0] || '') =~ /in (\/\S+):(\d+)\z/;
    my $there = defined $line ? (split /\n/, $text)[$line - 1] : '';

    my $good = $code != 0 && @errors == 1 && $errors[0] =~ $says
               && defined $file && $file eq $nginx->dir . '/nginx.conf'
               && $there =~ $at;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($good, $name) or diag("exit $code, line '$there'\n$output");
}


sub accepted {
    my ($name, %opt) = @_;

    my ($code, $output) = try_conf(%opt);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($code == 0 && $output eq '', $name) or diag("exit $code\n$output");
}


my $end = qr/\A\s*\}/;

accepted('the usual configuration is accepted');


# What is missing, given twice, unknown.

for my $name (qw(memory redis key_file public_url admin_token_file)) {
    refused("no $name", qr/faka_shop "main" has no "$name"; add.*$name \S+;/,
            $end, shop => { $name => undef });
}

accepted('what has a default need not be there',
         shop => { map { $_ => undef } qw(durability hold retention archive
                                          snapshot role replicas events
                                          reconcile auto_refund) });

my %again = (memory => '64m', redis => 'unix:/nowhere', durability => 'disk',
             hold => '15m', public_url => 'http://a.example',
             retention => '1h', archive => '30d', snapshot => '128m 1h',
             role => 'active', replicas => 0, reconcile => '30s',
             events => 1000,
             auto_refund => 'on',
             key_file => "$secrets/cards.key",
             admin_token_file => "$secrets/admin.token");

for my $name (sort keys %again) {
    refused("$name twice", qr/"$name" is given twice in one block; keep one/,
            qr/\A\s*$name /, shop => { $name => $again{$name} },
            channels => "$channel\n$name $again{$name};\n");
}

refused('a directive that does not exist', qr/unknown directive "colour"/,
        qr/colour/, channels => "$channel\ncolour red;\n");
refused('a directive of another place',
        qr/"root" directive is not allowed here/, qr/root/,
        channels => "$channel\nroot /;\n");
refused('a directive of the shop outside of it',
        qr/"memory" directive is not allowed here/, qr/memory/,
        http => "memory 64m;\n");
refused('a directive without a value',
        qr/invalid number of arguments in "hold" directive/, qr/hold/,
        shop => { hold => '' });


# Shops and locations.

refused('two shops of one name',
        qr/there is a faka_shop "main" already, in \S+:\d+; give each/,
        qr/faka_shop main/, http => "faka_shop main {\n}\n");
refused('a shop whose name does not fit a key',
        qr/the name of a shop has 1 to 32 characters/, qr/faka_shop/,
        http => "faka_shop a:b {\n}\n");

for my $name (qw(products channels checkout orders notify admin metrics)) {
    refused("faka_$name of an unknown shop",
            qr/"faka_$name" names the shop "other", which does not exist; /,
            qr/faka_$name other/,
            locations => "location / {\nfaka_$name other;\n}\n");
}

refused('two handlers in one location',
        qr/"faka_orders" stands beside "faka_checkout" in one location/,
        qr/faka_orders/,
        locations => "location / {\nfaka_checkout main;\n"
                     . "faka_orders main;\n}\n");
# A location in which no call could have a name would refuse every payment.

for my $kind (['=', '= /notify/epay'], ['~', '~ ^/notify/'],
              ['~*', '~* /notify/'], ['@', '@notify'])
{
    refused("faka_notify in a location by $kind->[0]",
            qr/"faka_notify" serves all that is below a path, .* location/,
            qr/faka_notify/,
            locations => "location $kind->[1] {\nfaka_notify main;\n}\n");
}

for my $name (qw(orders admin)) {
    refused("faka_$name in a location by =", qr/write it like location/,
            qr/faka_$name/,
            locations => "location = /x {\nfaka_$name main;\n}\n");
}
accepted('locations by prefix, with or without the last slash',
         locations => "location ^~ /notify {\nfaka_notify main;\n}\n"
                      . "location ~ ^/products\\z {\nfaka_products main;\n}\n"
                      . "location = /metrics {\nfaka_metrics main;\n}\n");

refused('a location without a shop',
        qr/"faka_orders" needs the name of a shop/, qr/faka_orders/,
        locations => "location / {\nfaka_orders '';\n}\n");

{
    my $text = $nginx->conf;
    my ($shop) = $text =~ /^(    faka_shop main \{.*?^    \}\n)/ms;
    $text =~ s/\Q$shop\E//;
    $text =~ s/^\}\n\z/$shop}\n/m;
    my ($code, $output) = $nginx->check_conf($text);
    ok($shop && $code == 0, 'a shop may stand behind its locations')
        or diag($output);
}

accepted('two shops of different names', http => "faka_shop other {\n"
         . "memory 16m; redis 127.0.0.1:6379 db=3;"
         . "public_url http://b.example;"
         . "key_file $secrets/cards.key;"
         . "admin_token_file $secrets/admin.token;\n$channel\n}\n",
         server => "location /o/ { faka_orders other; }\n"
                   . "location /l/ { faka_orders main;\n"
                   . "limit_except GET { deny all; } }\n");


# Sizes and times.

refused('memory that is no size', qr/"memory lots" is no size; write it like/,
        qr/memory/, shop => { memory => 'lots' });
refused('too little memory', qr/"memory 1m" is not between 8m and \d+m/,
        qr/memory/, shop => { memory => '1m' });
refused('too much memory', qr/"memory 900g" is not between/,
        qr/memory/, shop => { memory => '900g' });
accepted("memory $_", shop => { memory => $_ }) for qw(8m 1g);

for my $hold (qw(0 0s 25h -1m soon)) {
    refused("hold $hold", qr/"hold \Q$hold\E" is no time from 1s to 24h/,
            qr/hold/, shop => { hold => $hold });
}
accepted("hold $_", shop => { hold => $_ }) for qw(1s 24h);

my @kept = (
    [retention => qr/no time from 60s to 3650d/, '59s', '0', '3651d', 'soon'],
    [archive => qr/no time from 86400s to 3650d/, '23h', '3651d', 'soon'],
    [snapshot => qr/no size from 1m to 64g/, '1000', '65g', 'often', '-1m'],
    [snapshot => qr/no time from 10s to 3650d/, '1m 9s', '1m often'],
    [reconcile => qr/no time from 1s to 1h, and not off/, '0', '61m', 'on',
     'never'],
    [reconcile => qr/no rate; write, for example, rate=10r\/s/,
     map { "30s $_" } qw(10 10r/s rate= rate=r/s rate=0r/s rate=1001r/s
                         rate=-1r/s rate=1.5r/s rate=10r/m)],
    [auto_refund => qr/is unknown; write off, on, or on short=1d/, 'yes',
     '1d'],
    [auto_refund => qr/has no time from 1s to 365d/, 'on 1d', 'on short=',
     'on short=0', 'on short=366d'],
    [role => qr/is unknown; write active or standby/, 'owner', 'STANDBY'],
    [replicas => qr/no number from 0 to 8/, '9', '-1', 'all'],
    [events => qr/no number from 100 to 10000000, and not off/, '99', '0',
     '10000001', '-1', 'on', '1k'],
);

for my $kept (@kept) {
    my ($name, $says, @values) = @$kept;
    refused("$name $_", $says, qr/$name/, shop => { $name => $_ })
        for @values;
}

accepted("$_->[0] $_->[1]", shop => { @$_ })
    for [retention => '60s', reconcile => 'off'],
        [archive => '1d'], [snapshot => '1m'],
        [auto_refund => 'off'], [auto_refund => 'on short=1d'],
        [reconcile => 'off'], [reconcile => '1s rate=1000r/s'],
        [snapshot => '64g 10s'], [role => 'standby'], [replicas => 8],
        [events => 'off'], [events => 100], [events => 10000000];

for my $case (['30s', '1920s'], ['1h', '1h'], ['1s', '64s']) {
    my ($reconcile, $retention) = @$case;
    my ($code, $output) = try_conf(shop => { reconcile => $reconcile,
                                             retention => $retention });
    is($code, 0, "reconcile $reconcile with retention $retention: accepted");
    like($output, qr/\[warn\].*for the last time \d+ s after .*\(64 times/,
         'with a warning');
}
accepted('questions that are all asked', shop => { reconcile => '30s',
                                                   retention => '1921s' });

refused('a standby that could sell what another one sells',
        qr/"role standby" needs "durability disk"/, qr/\}/,
        shop => { role => 'standby', durability => 'memory' });
refused('another durability', qr/"durability tape" is unknown; write disk or/,
        qr/durability/, shop => { durability => 'tape' });


# Addresses.

my $long = 'https://shop.example/' . 'x' x 457;
accepted('public_url as long as it may be', shop => { public_url => $long });

for my $url ('ftp://shop.example', 'shop.example', 'https://', "${long}x",
             'https://shop.example/?a=b', "'https://shop example'")
{
    refused("public_url $url", qr/is no address that a gateway could call/,
            qr/public_url/, shop => { public_url => $url });
}

for my $redis ('unix:', '127.0.0.1:0', '127.0.0.1:99999',
               'no-such-host.invalid', 'unix:/' . 'x' x 200, 'unix:redis.sock',
               '127.0.0.1:6379/1')
{
    refused('redis ' . substr($redis, 0, 24),
            qr/"redis .*(?:; write | has a path)/, qr/redis/,
            shop => { redis => $redis });
}

for my $option ('db=-1', 'db=x', 'db=', 'port=1', 'user=', 'db=65536') {
    refused("redis with $option", qr/"$option" of "redis" is unknown, empty/,
            qr/redis/, shop => { redis => "127.0.0.1 $option" });
}
refused('a Redis user without a password',
        qr/"redis" has a user without a password; add password_file=FILE/,
        qr/redis/, shop => { redis => '127.0.0.1 user=shop' });
refused('db twice', qr/"db=2" of "redis" is unknown, empty or given twice/,
        qr/redis/, shop => { redis => '127.0.0.1 db=1 db=2' });

# Sentinels and clusters: [what is refused, what is said].
my @known = (
    ['sentinel', qr/"redis sentinel" has no address; write it like redis/],
    ['sentinel master=shop', qr/"redis sentinel" has no address/],
    ['sentinel 127.0.0.1', qr/does not say which master; add master=NAME/],
    ['sentinel 127.0.0.1 master=', qr/"master=" of "redis" is unknown, empty/],
    ['sentinel 127.0.0.1 master=a 127.0.0.2', qr/"127.0.0.2" of "redis" is/],
    ['sentinel unix:/run/s master=a', qr/"redis unix:\/run\/s": no address;/],
    ['sentinel no-such-host.invalid master=a', qr/; write HOST:PORT/],
    ['sentinel ' . '127.0.0.1 ' x 9 . 'master=a', qr/more than 8 addresses/],
    ['sentinel 127.0.0.1 master=a sentinel_user=b',
     qr/user for sentinels without a password; add sentinel_password_file/],
    ['sentinel 127.0.0.1 master=a user=b', qr/has a user without a password/],
    ['sentinel 127.0.0.1 master=a master=b', qr/"master=b" of .* given twice/],
    ['cluster', qr/"redis cluster" has no address; write it like redis/],
    ['cluster unix:/run/s', qr/"redis unix:\/run\/s": no address; write HOST/],
    ['cluster 127.0.0.1 db=0', qr/"db=0" of "redis" is unknown.*has no db/],
    ['cluster 127.0.0.1 master=a', qr/"master=a" of "redis" is unknown/],
    ['127.0.0.1 master=a', qr/"master=a" of "redis" is unknown/],
    ['127.0.0.1 127.0.0.2', qr/"127.0.0.2" of "redis" is unknown/],
);

refused("redis $_->[0]", $_->[1], qr/redis/, shop => { redis => $_->[0] })
    for @known;

spew("$secrets/redis.password", "correct-horse\n", 0600);
my $password = "password_file=$secrets/redis.password";
accepted("redis $_", shop => { redis => $_ })
    for 'sentinel 127.0.0.1 [::1]:26380 localhost master=shop db=3',
        "sentinel 127.0.0.1 master=shop user=a $password sentinel_user=b "
        . "sentinel_$password",
        "cluster 127.0.0.1:7000 [::1]:7001 user=a $password";


# Secrets.  %secret: name => [content, mode, what is said].

accepted('Redis by name, with user, password and database', shop => {
    redis => "localhost:6380 user=shop password_file=$secrets/redis.password "
             . 'db=2' });

my $hex = '0123456789abcdef' x 4;
my %secret = (
    'empty'            => ['', 0600, qr/is empty; write the secret/],
    'readable by all'  => ["$hex\n", 0644, qr/run: chmod 600/],
    'of a group'       => ["$hex\n", 0640, qr/run: chmod 600/],
    'writable by all'  => ["$hex\n", 0602, qr/run: chmod 600/],
    'much too long'    => ['a' x 5000, 0600, qr/is this the right file\?/],
);

my %place = (
    'key_file'         => sub { (shop => { key_file => $_[0] }) },
    'previous key'     => sub { (shop => { key_file =>
                                           "$secrets/cards.key $_[0]" }) },
    'admin_token_file' => sub { (shop => { admin_token_file => $_[0] }) },
    'channel key_file' => sub { (channels =>
                                 channel_with(key_file => $_[0])) },
    'password_file'    => sub { (shop => { redis =>
                                     "127.0.0.1 password_file=$_[0]" }) },
    'sentinel_password_file' => sub { (shop => { redis =>
        "sentinel 127.0.0.1 master=a sentinel_password_file=$_[0]" }) },
);

for my $place (sort keys %place) {
    my @where = $place{$place}->("$secrets/test");

    for my $name (sort keys %secret) {
        my ($content, $mode, $says) = @{ $secret{$name} };
        spew("$secrets/test", $content, $mode);
        chmod $mode, "$secrets/test";
        refused("$place $name", $says, qr/test/, @where);
    }

    unlink "$secrets/test";
    refused("$place that is not there",
            qr/cannot be opened; make it.*No such file/, qr/test/, @where);
    mkdir "$secrets/test", 0700;
    refused("$place that is a folder", qr/is not a regular file/, qr/test/,
            @where);
    rmdir "$secrets/test";
    system('mkfifo', '-m', '600', "$secrets/test");
    refused("$place that is a pipe", qr/is not a regular file/, qr/test/,
            @where);
    unlink "$secrets/test";

    SKIP: {
        skip 'only root can give files away', 1 if $< != 0;
        spew("$secrets/test", "$hex\n", 0600);
        chown 1, 1, "$secrets/test";
        refused("$place of another user", qr/belongs to another user; run/,
                qr/test/, @where);
        unlink "$secrets/test";
    }
}


# Secrets that are weak in their own way.

sub weak {
    my ($place, $name, $content, $says) = @_;

    spew("$secrets/test", $content, 0600);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused("$place: $name", $says, qr/test/,
            $place{$place}->("$secrets/test"));
    unlink "$secrets/test";
}

weak('key_file', 'too short', "abc\n", qr/"key_file .*test": /);
weak('key_file', 'no hex', 'x' x 64, qr/"key_file .*test": /);
weak('key_file', 'all zero', '0' x 64, qr/"key_file .*test": /);
weak('key_file', 'two lines', "$hex\n$hex\n", qr/"key_file .*test": /);
weak('previous key', 'the same as the current one',
     slurp("$secrets/cards.key"), qr/hold the same key; write the new key/);
weak('admin_token_file', 'short', 'a' x 31, qr/has 31 characters and must/);
weak('admin_token_file', 'long', 'a' x 129, qr/has 129 characters and must/);
weak('admin_token_file', 'blank inside', 'a' x 31 . ' b',
     qr/has a blank, a line break/);
weak('admin_token_file', 'two newlines', "$hex\n\n", qr/has a blank, a line/);
weak('channel key_file', 'short', 'a1' x 7, qr/less than 16 characters/);
weak('channel key_file', 'only a newline', "\n", qr/the key is empty/);
weak('password_file', 'short', 'abc', qr/has 3 characters and must/);

spew("$secrets/new.key", $hex, 0600);
accepted('a rotation: the new key, then the old one',
         shop => { key_file => "$secrets/new.key $secrets/cards.key" });


# Channels.

refused('no channel', qr/has no "channel", so nobody could pay; add/, $end,
        channels => '');
refused('a channel twice', qr/there is a channel "epay" in this shop already/,
        qr/channel epay/, channels => "$channel\n$channel\n");
refused('a channel of an unknown protocol',
        qr/has the unknown protocol "cash"; known: epay/, qr/channel/,
        channels => "channel till cash {\n}\n");
refused('a channel whose name fits no path', qr/only a-z 0-9 _ - are allowed/,
        $end, channels => $channel =~ s/epay epay/E.Pay epay/r);
refused('a channel with a long name', qr/1 to 11 characters/, $end,
        channels => $channel =~ s/epay epay/abcdefghijkl epay/r);

for my $name (qw(url pid key_file)) {
    refused("a channel without $name", qr/channel "epay" has no "$name"; add/,
            $end, channels => channel_with($name => undef));
}

for my $name (qw(url pid key_file type currency notify_method)) {
    my %value = (url => 'http://127.0.0.1:1', pid => 1, type => 'alipay',
                 key_file => "$secrets/epay.key", currency => 'CNY',
                 notify_method => 'get');
    my $text = channel_with($name => $value{$name});
    $text =~ s/^($name [^\n]*)/$1\n$1/m;
    refused("$name twice in a channel", qr/"$name" is given twice/,
            qr/\A$name /, channels => $text);
}

refused('a gateway that is no http(s) address', qr/channel "epay": /, $end,
        channels => channel_with(url => 'ftp://pay.example'));
refused('a currency that is none', qr/"currency cny" is unknown; write an ISO/,
        qr/currency/, channels => channel_with(currency => 'cny'));
refused('another way of notices',
        qr/"notify_method put" is unknown; write get/, qr/notify_method/,
        channels => channel_with(notify_method => 'put'));
refused('a directive that no channel has', qr/unknown directive "secret"/,
        qr/secret/, channels => channel_with(secret => 'abc'));
refused('a secret in the configuration itself',
        qr/unknown directive "key"/, qr/key/,
        channels => channel_with(key => 'abc'));
refused('a free channel of one currency',
        qr/channel "gift" has a "currency", which means nothing to free/,
        $end, channels => "$channel\nchannel gift free {\ncurrency CNY;\n}\n");
refused('a free channel with a gateway', qr/has a "url", which means nothing/,
        $end, channels => "channel gift free {\nurl http://127.0.0.1;\n}\n");
accepted('a shop that gives all away', channels => "channel gift free {\n}\n");
accepted('a channel with all it may have', channels => channel_with(
    type => 'alipay', currency => 'CNY', notify_method => 'get_post'));


# No message holds a secret.

{
    my $text = slurp("$secrets/cards.key") . slurp("$secrets/epay.key")
               . $t->token . $hex;
    my $log = $nginx->error_log;
    ok($log =~ /\[emerg\]/, 'the messages are in the log');
    is(scalar(grep { index($log, $_) >= 0 } split /\n/, $text), 0,
       'and no secret is');
}


# nginx -t beside a running shop: other processes see nothing of it.

$t->start;
$t->product('steady', price => 100);
$t->import_cards('steady', 5);
my $order = $t->checkout(sku => 'steady')->json;
my $before = marks();

for my $round (1 .. 3) {
    my ($code, $output) = $t->nginx->check_conf;
    is($code, 0, "nginx -t beside it, round $round") or diag($output);
}

is_deeply(marks(), $before, 'Redis saw no connection, the journal no record');
is($t->order($order)->json->{status}, 'awaiting_payment',
   'the order is as it was');
is($t->get('/products')->json->[0]{stock}, 4, 'and so is the stock');
$t->audit_ok;


# The library keeps its one connection to Redis, so asking is not counted.

sub marks {
    my ($connections) = $t->redis->cmd('INFO', 'stats')
                        =~ /total_connections_received:(\d+)/;
    my $metrics = $t->metrics;

    return { connections => $connections,
             map { $_ => $metrics->{"faka_journal_$_"} } qw(seq epoch) };
}
