# What buyers choose from: GET /channels, the labels of channels, backups that
# are not offered, and what labels and backups must not be.

use lib 't/lib';
use utf8;

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new;
my $secrets = $t->secrets;
my $nginx = $t->nginx;

sub channel {
    my ($name, @more) = @_;

    my $text = join "\n", "channel $name epay {", 'url http://127.0.0.1:1/;',
               'pid 1000;', "key_file $secrets/epay.key;", @more, "}\n";
    utf8::encode($text);
    return $text;
}


# The list.

my $longest = '宝' x 64;

$nginx->{opt}{channels} = join '', channel('spare', 'backup a;'),
    channel('second'),
    channel('alipay', 'label "支付宝 \"Alipay\"";'),
    channel('yen', 'currency JPY;', "label $longest;"),
    channel('a', 'label a;'), channel('spare2', 'label b;', 'backup second;');
$t->start;

my $answer = $t->get('/channels');
is($answer->status, 200, 'the channels are listed');
api_ok('GET', '/channels', $answer);
is($answer->header('Cache-Control'), 'no-store', 'and nobody keeps the list');

my @all = map { { channel => $_->[0], label => $_->[1], currency => $_->[2],
                  available => JSON::PP::true } }
          ['second', 'second', 'CNY'], ['alipay', '支付宝 "Alipay"', 'CNY'],
          ['yen', $longest, 'JPY'], ['a', 'a', 'CNY'];
is_deeply($answer->json, \@all,
          'in the order of the configuration, the name where no label is,'
          . ' and no backups');

my $head = $t->http('HEAD', '/channels');
is($head->status, 200, 'HEAD /channels');
is($head->body, '', 'has no body');

my $refused = $t->http('POST', '/channels', body => 'x=1');
is($refused->status, 405, 'POST is refused');
is($refused->header('Allow'), 'GET, HEAD', 'with what is allowed');


# Whoever chooses nothing gets the first one; the one chosen is kept.

$t->product('card');
$t->import_cards('card', 5);

sub channel_of {
    my (%choice) = @_;

    my $order = http_one($t->request('POST', '/checkout',
        headers => { 'Content-Type' => 'application/json' },
        body => json_text({ sku => 'card', contact => 'x', %choice })))->json;
    return $t->order($order)->json->{channel};
}

is(channel_of(), 'second', 'the first one is the default');
is(channel_of(channel => $_), $_, "$_ is chosen") for qw(alipay a second);


# The list is of the configuration: it is there while the shop is not open.

$t->redis->stop;
$t->nginx->restart;
is($t->get('/products')->status, 503, 'the shop is not open');
is_deeply($t->get('/channels')->json, \@all, 'its channels are the same');
$t->redis->start;


# What a label must not be.

my $another = $t->another_nginx;

sub conf {
    my ($channels) = @_;

    local $another->{opt}{channels} = $channels;
    return $another->check_conf($another->conf);
}

sub refused {
    my ($name, $says, $channels) = @_;

    my ($code, $output) = conf($channels);
    my @errors = grep { /\[emerg\]/ } split /\n/, $output;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($code != 0 && @errors == 1 && $errors[0] =~ $says
       && $errors[0] =~ m{ in /\S+/nginx\.conf:\d+\z},
       "$name: refused, with file and line") or diag($output);
}

my %wrong = (
    'empty'         => ['label "";', qr/"label " has 0 characters; write 1/],
    'too long'      => ["label x$longest;", qr/has 65 characters; write 1 to/],
    'of two lines'  => ["label \"a\nb\";", qr/is no text for buyers/],
    'of two words'  => ['label Alipay page;', qr/invalid number of arguments/],
    'given twice'   => ["label a;\nlabel b;", qr/"label" is given twice/],
);

for my $name (sort keys %wrong) {
    my ($text, $says) = @{ $wrong{$name} };
    refused("a label that is $name", $says, channel('one', $text));
}

my ($code, $output) = conf(channel('one') =~ s/pid/label \xb9\xa6;\npid/r);
ok($code != 0 && $output =~ /is no text for buyers; write it in UTF-8/,
   'a label in another encoding: refused') or diag($output);


# What a backup must not be.

my ($one, $two) = (channel('one'), channel('two', 'backup one;'));

%wrong = (
    'of no channel' => [$one . channel('b', 'backup none;'),
                        qr/"b" is the backup of "none", which is no channel/],
    'of nobody'     => [$one . channel('b', 'backup "";'),
                        qr/"b" is the backup of "", which is no channel/],
    'of itself'     => [$one . channel('b', 'backup b;'),
                        qr/"b" is the backup of "b", which is itself/],
    'of another currency' => [$one . channel('b', 'backup one;',
                                             'currency USD;'),
                              qr/which takes another currency; write one/],
    'of a backup'   => [$one . $two . channel('b', 'backup two;'),
                        qr/"b" is the backup of "two", which is a backup/],
    'of its own backup' => [channel('b', 'backup one;')
                            . channel('one', 'backup b;'),
                            qr/"b" is the backup of "one", which is a backup/],
    'free'          => [$one . "channel b free { backup one; }\n",
                        qr/"b" has a "backup", which means nothing to free/],
    'an account'    => [$one . "channel b balance { backup one; }\n",
                        qr/"b" has a "backup", which means nothing to balan/],
    'of what is free' => ["channel gift free { }\n"
                          . channel('b', 'backup gift;'),
                          qr/"b" is the backup of "gift", which has no gate/],
    'of an account' => ["channel purse balance { }\n"
                        . channel('b', 'backup purse;'),
                        qr/"b" is the backup of "purse", which has no gate/],
    'a second one'  => [$one . $two . channel('b', 'backup one;'),
                        qr/"b" is the backup of "one", which has one already/],
    'given twice'   => [$one . channel('b', "backup one;\nbackup one;"),
                        qr/"backup" is given twice/],
);

for my $name (sort keys %wrong) {
    my ($text, $says) = @{ $wrong{$name} };
    refused("a backup that is $name", $says, $text);
}

($code, $output) = conf($two . $one);
is($code, 0, 'a backup may stand before its channel') or diag($output);
