# Bad requests: each gets the right 4xx with the name of the field at fault,
# whatever way it comes, and costs the workers no memory.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

my $t = Faka::Test->new(
    server => <<'EOT',
        client_max_body_size 0;
        location = /mirrored/checkout {
            client_body_buffer_size 1k;
            mirror /sink;
            faka_checkout main;
        }
        location /mirrored/admin/ {
            client_body_buffer_size 1k;
            mirror /sink;
            faka_admin main;
        }
        location = /sink { internal; return 204; }
EOT
    http => "    add_header X-Worker \$pid always;\n")->start;

$t->product('card');
$t->import_cards('card', 50);
$t->product('month', kind => 'counted', stock => 1000);

my @bad;             # every request of this file, for the memory at the end


sub bad {
    my ($name, $template, $request, $status, $code, $field) = @_;

    my $answer = http_one($request);
    my $json = $answer->json;
    my $got = ref $json eq 'HASH' ? $json : {};

    is(join(' ', $answer->status, $got->{code} // '-', $got->{field} // '-'),
       join(' ', $status, $code, $field // '-'), $name);
    api_ok($request->{method}, $template, $answer, "$name: as described");
    push @bad, $request;
}


# ---- checkout as JSON and as a form -----------------------------------------

my %type = (json => 'application/json',
            form => 'application/x-www-form-urlencoded');

sub checkout {
    my ($how, $body, %headers) = @_;

    return $t->request('POST', '/checkout', body => $body,
                       headers => { 'Content-Type' => $type{$how},
                                    %headers });
}

my $ok = '"sku":"month","contact":"x"';
my $long = 'x' x 64;
my @json = (
    ['sku missing',           'sku',     '{"contact":"x"}'],
    ['sku empty',             'sku',     '{"sku":"","contact":"x"}'],
    ['sku too long',          'sku',     qq({"sku":"$long","contact":"x"})],
    ['sku of a wrong type',   'sku',     '{"sku":1,"contact":"x"}'],
    ['sku null',              'sku',     '{"sku":null,"contact":"x"}'],
    ['sku a list',            'sku',     '{"sku":["month"],"contact":"x"}'],
    ['sku with a slash',      'sku',     '{"sku":"a/b","contact":"x"}'],
    ['sku with a space',      'sku',     '{"sku":"a b","contact":"x"}'],
    ['sku twice',             'sku',
     '{"sku":"month","sku":"card","contact":"x"}'],
    ['sku not UTF-8',         'sku',     qq({"sku":"\xff","contact":"x"})],
    ['contact missing',       'contact', '{"sku":"month"}'],
    ['contact empty',         'contact', '{"sku":"month","contact":""}'],
    ['contact too long',      'contact',
     '{"sku":"month","contact":"' . 'x' x 129 . '"}'],
    ['contact of a wrong type', 'contact', '{"sku":"month","contact":{}}'],
    ['contact not UTF-8',     'contact',
     qq({"sku":"month","contact":"\xc3\x28"})],
    ['contact overlong UTF-8', 'contact',
     qq({"sku":"month","contact":"\xc0\xaf"})],
    ['contact with a control character', 'contact',
     '{"sku":"month","contact":"a\u0007b"}'],
    ['contact with U+0000',   'contact',
     '{"sku":"month","contact":"a\u0000b"}'],
    ['contact half a surrogate', 'contact',
     '{"sku":"month","contact":"\ud800"}'],
    ['qty null',              'qty',     "{$ok,\"qty\":null}"],
    ['qty a string',          'qty',     "{$ok,\"qty\":\"1\"}"],
    ['qty true',              'qty',     "{$ok,\"qty\":true}"],
    ['qty with a fraction',   'qty',     "{$ok,\"qty\":1.5}"],
    ['qty 1.0',               'qty',     "{$ok,\"qty\":1.0}"],
    ['qty 1e1',               'qty',     "{$ok,\"qty\":1e1}"],
    ['qty 0',                 'qty',     "{$ok,\"qty\":0}"],
    ['qty negative',          'qty',     "{$ok,\"qty\":-1}"],
    ['qty too large',         'qty',     "{$ok,\"qty\":101}"],
    ['qty 2^32 + 1',          'qty',     "{$ok,\"qty\":4294967297}"],
    ['qty 2^63 - 1',          'qty',     "{$ok,\"qty\":9223372036854775807}"],
    ['qty 2^63',              'qty',     "{$ok,\"qty\":9223372036854775808}"],
    ['qty -2^63 - 1',         'qty',     "{$ok,\"qty\":-9223372036854775809}"],
    ['qty twice',             'qty',     "{$ok,\"qty\":1,\"qty\":1}"],
    ['channel empty',         'channel', "{$ok,\"channel\":\"\"}"],
    ['channel too long',      'channel', "{$ok,\"channel\":\"abcdefghijkl\"}"],
    ['channel of a wrong type', 'channel', "{$ok,\"channel\":7}"],
    ['no body',               undef,     ''],
    ['no JSON',               undef,     'sku=month&contact=x'],
    ['a list',                undef,     "[{$ok}]"],
    ['a string',              undef,     '"x"'],
    ['cut off',               undef,     "{$ok"],
    ['more behind the end',   undef,     "{$ok} {}"],
    ['a NUL byte',            undef,     "{$ok}\0"],
    ['nested deeply',         undef,     '[' x 30000],
);
my @form = (
    ['sku missing',           'sku',     'contact=x'],
    ['sku empty',             'sku',     'sku=&contact=x'],
    ['sku too long',          'sku',     "sku=$long&contact=x"],
    ['sku with a slash',      'sku',     'sku=a%2Fb&contact=x'],
    ['sku twice',             'sku',     'sku=month&sku=card&contact=x'],
    ['sku without =',         'sku',     'sku&contact=x'],
    ['contact missing',       'contact', 'sku=month'],
    ['contact empty',         'contact', 'sku=month&contact='],
    ['contact too long',      'contact', 'sku=month&contact=' . 'x' x 129],
    ['contact 10 kB',         'contact', 'sku=month&contact=' . 'x' x 10000],
    ['contact not UTF-8',     'contact', 'sku=month&contact=%FF'],
    ['contact with a NUL',    'contact', 'sku=month&contact=a%00b'],
    ['contact with a line break', 'contact', 'sku=month&contact=a%0Ab'],
    ['contact with a bad escape', 'contact', 'sku=month&contact=%zz'],
    ['contact with half an escape', 'contact', 'sku=month&contact=%4'],
    ['contact with a raw space', 'contact', 'sku=month&contact=a b'],
    ['qty empty',             'qty',     'sku=month&contact=x&qty='],
    ['qty no number',         'qty',     'sku=month&contact=x&qty=one'],
    ['qty with a plus',       'qty',     'sku=month&contact=x&qty=%2B1'],
    ['qty with a fraction',   'qty',     'sku=month&contact=x&qty=1.5'],
    ['qty hexadecimal',       'qty',     'sku=month&contact=x&qty=0x1'],
    ['qty 0',                 'qty',     'sku=month&contact=x&qty=0'],
    ['qty negative',          'qty',     'sku=month&contact=x&qty=-1'],
    ['qty 2^63',              'qty',
     'sku=month&contact=x&qty=9223372036854775808'],
    ['qty of 400 digits',     'qty',
     'sku=month&contact=x&qty=' . '1' x 400],
    ['qty twice',             'qty',     'sku=month&contact=x&qty=1&qty=1'],
    ['channel empty',         'channel', 'sku=month&contact=x&channel='],
    ['no body',               'sku',     ''],
    ['a list in PHP style',   'sku',     'sku[]=month&contact=x'],
    ['200 fields',            undef,
     join '&', 'sku=month&contact=x', map { "f$_=1" } 1 .. 200],
);

like(http_one(checkout('json', ''))->json->{detail}, qr/the body is empty/,
     'no body: that is what is said');
bad("JSON: $_->[0]", '/checkout', checkout('json', $_->[2]),
    400, 'invalid_request', $_->[1]) for @json;

for my $case (@form) {
    my ($name, $field, $body) = @$case;

    # A name outside of the alphabet of names is not repeated to anybody.
    $field = undef if $name =~ /PHP/;
    bad("form: $name", '/checkout', checkout('form', $body),
        400, 'invalid_request', $field);
}


# ---- the header for repeats -------------------------------------------------

my $key = 'Idempotency-Key';
my $body = "{$ok}";

bad("$key $_->[0]", '/checkout', checkout('json', $body, $key => $_->[1]),
    400, 'invalid_request', $key)
    for ['empty', ''], ['too short', 'x' x 15], ['too long', 'x' x 65],
        ['with a space', 'x' x 10 . ' ' . 'x' x 10],
        ['not ASCII', "\xc3\xa9" x 10];

bad("$key twice", '/checkout',
    { method => 'POST', port => $t->nginx->port, raw =>
      "POST /checkout HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      . "Content-Type: application/json\r\nContent-Length: "
      . length($body) . "\r\n" . "$key: 1234567890123456\r\n" x 2
      . "\r\n$body" }, 400, 'invalid_request', $key);


# ---- types, encodings, sizes ------------------------------------------------

my %wrong_type = (
    'another type'  => { 'Content-Type' => 'text/plain' },
    'no type'       => { 'Content-Type' => '' },
    'a longer word' => { 'Content-Type' => 'application/jsonx' },
    'multipart'     => { 'Content-Type' => 'multipart/form-data; boundary=x' },
);
bad("checkout as $_", '/checkout', checkout('json', $body, %{$wrong_type{$_}}),
    415, 'unsupported_media_type', 'Content-Type') for sort keys %wrong_type;
bad('checkout of JSON that is called a form', '/checkout',
    checkout('json', $body, 'Content-Type' => $type{form}),
    415, 'unsupported_media_type', 'Content-Type');

for my $encoding ('gzip', 'identity', 'br') {
    bad("Content-Encoding $encoding", '/checkout',
        checkout('json', $body, 'Content-Encoding' => $encoding),
        415, 'unsupported_media_type', 'Content-Encoding');
}

is(http_one(checkout('json', $body, 'Content-Type' =>
                     'Application/JSON ; charset=utf-8'))->status, 201,
   'letter case and parameters of the type do not count');

sub chunked {
    my ($bytes, $size) = @_;

    my $out = '';
    while (length $bytes) {
        my $chunk = substr $bytes, 0, $size, '';
        $out .= sprintf "%x\r\n%s\r\n", length $chunk, $chunk;
    }
    return "${out}0\r\n\r\n";
}

my %te = ('Transfer-Encoding' => 'chunked');
my $large = "{$ok,\"more\":\"" . 'x' x (10 << 20) . '"}';

for my $how ([1, 'byte by byte'], [7, 'in pieces'], [4096, 'at once']) {
    is(http_one(checkout('json', chunked($body, $how->[0]), %te))->status,
       201, "a chunked body is as good: $how->[1]");
}
bad('bad field in a chunked body', '/checkout',
    checkout('json', chunked("{$ok,\"qty\":-1}", 3), %te),
    400, 'invalid_request', 'qty');
bad('chunks that are none', '/checkout',
    checkout('json', "zz\r\n$body\r\n0\r\n\r\n", %te),
    400, 'invalid_request');

bad('10 MB', '/checkout', checkout('json', $large),
    413, 'payload_too_large');
bad('10 MB in chunks', '/checkout',
    checkout('json', chunked($large, 100_000), %te),
    413, 'payload_too_large');
bad('10 MB announced, and not sent', '/checkout',
    checkout('json', $body, 'Content-Length' => 10 << 20),
    413, 'payload_too_large');
is(http_one(checkout('json', "{$ok,\"more\":\"" . 'x' x 60_000 . '"}'))
     ->status, 201, '60 kB are taken');

# Another module may have read the body before: in memory it is as good, from
# a file it is not taken, and never in part.
is($t->http('POST', '/mirrored/checkout', body => $body,
            headers => { 'Content-Type' => $type{json} })->status, 201,
   'a body that was read before, in memory');
is($t->http('POST', '/mirrored/checkout', body => "{$ok,\"more\":\""
            . 'x' x 60_000 . '"}',
            headers => { 'Content-Type' => $type{json} })->status, 413,
   'a body that was read before, to a file');
is(http_one({ %{ $t->admin_request('POST', '/products/card/cards',
                                   "one\n" x 5000) },
              path => '/mirrored/admin/products/card/cards' })->status, 400,
   'cards that were read before, to a file');


# ---- slow and broken clients ------------------------------------------------

my $slow = http_one({ %{ checkout('json', $body) }, slice => 1,
                      pause => 0.002 });
is($slow->status, 201, 'byte by byte, header and body');
my $late = http_one({ %{ checkout('json', chunked("{$ok,\"qty\":0}", 5),
                                  %te) },
                      slice => 1, pause => 0.001 });
is($late->json->{field}, 'qty', 'a bad field, byte by byte and chunked');

my $stock = sub { (grep { $_->{sku} eq 'month' }
                   @{ $t->get('/products')->json })[0]{stock} };
my $before = $stock->();
my $raw = "POST /checkout HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
          . length($body) . "\r\nContent-Type: application/json\r\n\r\n$body";
http_many([map { { port => $t->nginx->port, raw => $raw, close_after => $_ } }
           1 .. length($raw) - 1], concurrency => 8);
is($stock->(), $before, 'who closes early, at any byte, has no order');


# ---- conditions -------------------------------------------------------------

# There is nothing to compare with, so what was done is told as it is.
for my $header ('If-Match', 'If-None-Match', 'If-Unmodified-Since') {
    my $value = $header =~ /Since/ ? 'Mon, 01 Jan 2001 00:00:00 GMT'
              : $header =~ /None/ ? '*' : '"x"';
    is($t->get('/products', headers => { $header => $value })->status, 200,
       "$header is not looked at");
}


# ---- the next request of the same connection --------------------------------

my $pair = http_many([checkout('json', '{}'), checkout('form', 'sku=&'),
                      checkout('json', $body, 'Content-Encoding' => 'gzip'),
                      checkout('json', $body, 'Content-Type' => 'x/y'),
                      $t->request('GET', '/checkout'),
                      $t->request('POST', '/checkout', body => 'x',
                                  headers => { 'Content-Type' => 'text/x' }),
                      checkout('json', $body)],
                     keepalive => 1, concurrency => 1);
is(join(' ', map { $_->status } @$pair), '400 400 415 415 405 415 201',
   'after a refusal the connection goes on');


# ---- the admin --------------------------------------------------------------

sub put {
    my ($body, %headers) = @_;

    return $t->admin_request('PUT', '/products/new', undef, body => $body,
        headers => { 'Content-Type' => 'application/json', %headers });
}

my %full = (name => '"N"', price => 100, currency => '"CNY"',
            kind => '"counted"');

sub with {
    my (%change) = @_;

    my %all = (%full, %change);
    return '{' . join(',', map { "\"$_\":$all{$_}" }
                           grep { defined $all{$_} } sort keys %all) . '}';
}

my %admin = (
    name => [undef, '""', '"' . 'x' x 128 . '"', 1, 'null', '[]', "\"\xff\"",
             '"a\u0001"', '"a","name":"b"'],
    price => [undef, -1, '"100"', 1.5, '1.0', 'true', 'null',
              1000000000001, 9223372036854775807, '9223372036854775808',
              '1,"price":1'],
    currency => [undef, '""', '"cny"', '"CN"', '"CNYX"', '"XXQ"', 1, 'null'],
    kind => [undef, '""', '"cards"', '"Card"', 0, 'null'],
    on_sale => ['"true"', 1, 'null', '""'],
    qty_max => [0, -1, 101, '"1"', 'null', 1.5, '9223372036854775808'],
    sale_from => [0, -1, 4294967296, '"1"', 'true', '9223372036854775808'],
    sale_to => [0, -1, 4294967296, '"1"', '[]'],
    stock => [-1, '"1"', 1000000001, 'null', 0.5, '9223372036854775808'],
);

for my $field (sort keys %admin) {
    for my $value (@{ $admin{$field} }) {
        my $shown = defined $value ? substr($value, 0, 24) : 'missing';
        $shown =~ s/[^\x20-\x7e]/?/g;
        bad("product: $field $shown", '/admin/products/{sku}',
            put(with($field => $value)), 400, 'invalid_request', $field);
    }
}

bad('product: an unknown field', '/admin/products/{sku}',
    put(with(prize => 1)), 400, 'invalid_request', 'prize');
bad('product: a window that ends before it begins', '/admin/products/{sku}',
    put(with(sale_from => 2000, sale_to => 1000)),
    400, 'invalid_request', 'sale_to');
bad('product: stock of cards', '/admin/products/{sku}',
    put(with(kind => '"card"', stock => 1)), 400, 'invalid_request', 'stock');
bad('product: a sku that is too long', '/admin/products/{sku}',
    $t->admin_request('PUT', '/products/' . 'x' x 64,
                      { name => 'N', price => 1, currency => 'CNY',
                        kind => 'card' }), 400, 'invalid_request', 'sku');
like($t->admin('PUT', '/products/a%20b', { name => 'N', price => 1,
               currency => 'CNY', kind => 'card' })->json->{detail},
     qr/must be 1 to 63 of letters/, 'product: a sku with a space');
bad('product: not JSON', '/admin/products/{sku}',
    put('name=N', 'Content-Type' => $type{form}), 415,
    'unsupported_media_type', 'Content-Type');
bad('product: 10 MB', '/admin/products/{sku}', put($large), 413,
    'payload_too_large');
is(scalar(grep { $_->{sku} eq 'new' } @{ $t->get('/products')->json }), 0,
   'and no product came of all that');

bad("orders: $_->[0]", '/admin/orders',
    $t->admin_request('GET', "/orders?$_->[1]"), 400, 'invalid_request',
    $_->[2])
    for ['no such status', 'status=gone', 'status'],
        ['status empty', 'status=', 'status'],
        ['status twice', 'status=expired&status=expired', 'status'],
        ['limit 0', 'limit=0', 'limit'], ['limit 101', 'limit=101', 'limit'],
        ['limit no number', 'limit=ten', 'limit'],
        ['limit 2^63', 'limit=9223372036854775808', 'limit'],
        ['cursor no number', 'cursor=x', 'cursor'],
        ['cursor 0', 'cursor=0', 'cursor'],
        ['cursor 2^32', 'cursor=4294967296', 'cursor'],
        ['an unknown parameter', 'page=1', 'page'];

sub import_request {
    my ($type, %headers) = @_;

    return $t->admin_request('POST', '/products/card/cards', "one\n",
        headers => { 'Content-Type' => $type, %headers });
}

bad('cards as JSON', '/admin/products/{sku}/cards',
    import_request('application/json'), 415, 'unsupported_media_type',
    'Content-Type');
bad('cards compressed', '/admin/products/{sku}/cards',
    import_request('text/plain', 'Content-Encoding' => 'gzip'), 415,
    'unsupported_media_type', 'Content-Encoding');


# ---- memory -----------------------------------------------------------------

# What is freed after a request returns to the heap of the worker, so its size
# settles; a kilobyte that were lost in each request would show as megabytes.
# The shop's own memory is shared, made ready by and by, and not counted.

sub memory_kb {
    my $sum = 0;
    for my $pid ($t->nginx->workers) {
        my ($kb) = (Faka::Proc::slurp("/proc/$pid/status") || '')
                   =~ /^RssAnon:\s+(\d+) kB/m;
        $sum += $kb || 0;
    }
    return $sum;
}

my @round = grep { length($_->{body} || '') < 100_000 } @bad;

sub rounds {
    my ($n) = @_;

    http_many([map { @round } 1 .. $n], keepalive => 1, concurrency => 16);
    http_many([map { { %{ checkout('json', chunked($body, 1), %te) },
                       close_after => 100 + $_ % 200 } } 1 .. 20 * $n],
              concurrency => 16);
    http_many([checkout('json', $large),
               checkout('json', chunked($large, 65_536), %te)]);
}

rounds(5);
my $kb = memory_kb();
rounds(long(15, 200));
my $grown = memory_kb() - $kb;
note(scalar(@round) . " different requests; the workers grew by $grown kB");

# AddressSanitizer keeps what is freed, to find uses of it.
cmp_ok($grown, '<', 1024, 'thousands of bad requests cost no memory')
    unless $ENV{FAKA_ASAN};
is(scalar($t->nginx->workers), 2, 'both workers are there');
$t->audit_ok;
