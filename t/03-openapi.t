#!/usr/bin/perl

# conf/openapi.yaml itself: well formed, closed, in step with the engine's
# words, and true to its own examples; and the checker finds what is wrong.
# Needs no server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Storable qw(dclone);
use Test::More;

use Faka::OpenAPI qw(api_document api_errors api_ok api_schema_errors);

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $doc = api_document();

# Every keyword of a schema that the validator checks or that only explains.
# A keyword outside of this list would be a promise that no test holds.
my %known = map { $_ => 1 } qw(
    $ref type description enum const default format required properties
    additionalProperties propertyNames maxProperties items maxItems oneOf
    minLength maxLength pattern minimum maximum
);


sub calls {
    my @calls;

    for my $path (sort keys %{ $doc->{paths} }) {
        for my $method (qw(get put post delete)) {
            my $call = $doc->{paths}{$path}{$method} or next;
            push @calls, [$method, $path, $call];
        }
    }

    return @calls;
}


sub resolve {
    my ($node) = @_;

    while (ref $node eq 'HASH' && exists $node->{'$ref'}) {
        my $at = $doc;
        $at = ref $at eq 'HASH' ? $at->{$_} : undef
            for split m{/}, $node->{'$ref'} =~ s{^\#/}{}r;
        $node = $at;
    }

    return $node;
}


# Calls $visit->(node, place) for each hash of the document, except for those
# inside of examples, which are data.
sub walk {
    my ($node, $place, $visit) = @_;

    if (ref $node eq 'ARRAY') {
        walk($node->[$_], "$place/$_", $visit) for 0 .. $#$node;

    } elsif (ref $node eq 'HASH') {
        $visit->($node, $place);
        walk($node->{$_}, "$place/$_", $visit)
            for grep { $_ ne 'example' && $_ ne 'examples' } sort keys %$node;
    }
}


sub walk_schema {
    my ($schema, $place, $visit) = @_;

    $visit->($schema, $place);

    walk_schema($schema->{properties}{$_}, "$place/$_", $visit)
        for sort keys %{ $schema->{properties} // {} };
    walk_schema($_, "$place/oneOf", $visit) for @{ $schema->{oneOf} // [] };

    for my $key (qw(items additionalProperties propertyNames)) {
        walk_schema($schema->{$key}, "$place/$key", $visit)
            if ref $schema->{$key} eq 'HASH';
    }
}


# Every media object of answers: [place, media type, media object].
sub answers {
    my @answers;

    for (calls()) {
        my ($method, $path, $call) = @$_;
        for my $status (sort keys %{ $call->{responses} }) {
            my $response = resolve($call->{responses}{$status});
            push @answers, ["$method $path $status", $_,
                            $response->{content}{$_}]
                for sort keys %{ $response->{content} // {} };
        }
    }

    return @answers;
}


sub examples {
    my ($media) = @_;

    return ($media->{example} // (),
            map { $_->{value} } values %{ $media->{examples} // {} });
}


# All that can go wrong with one value somewhere inside of an example: a key
# left out, a key too many, a value of another type.  [what, broken copy]
sub broken_copies {
    my ($value, @optional) = @_;
    my %optional = map { $_ => 1 } @optional;
    my @copies;

    my $spoil = sub {
        my ($what, $path, $change) = @_;
        my $copy = [dclone([$value])];
        my $at = $copy->[0];
        my $holder = $at;
        my $key = 0;

        for my $step (@$path) {
            $holder = ref $holder eq 'HASH' ? $holder->{$key}
                                            : $holder->[$key];
            $key = $step;
        }

        $change->($holder, $key);
        push @copies, ["$what at /" . join('/', @$path), $copy->[0][0]];
    };

    my $visit;
    $visit = sub {
        my ($node, @path) = @_;

        if (ref $node eq 'HASH') {
            $spoil->('surplus key', [@path, 'surplus'],
                     sub { $_[0]{ $_[1] } = 'x' });
            for my $key (sort keys %$node) {
                $spoil->('missing key', [@path, $key],
                         sub { delete $_[0]{ $_[1] } })
                    unless $optional{$key};
                $visit->($node->{$key}, @path, $key);
            }

        } elsif (ref $node eq 'ARRAY') {
            $visit->($node->[$_], @path, $_) for 0 .. $#$node;
        }

        my $other = ref $node eq 'HASH' ? [] : {};
        $spoil->('other type', \@path, sub {
            ref $_[0] eq 'HASH' ? ($_[0]{ $_[1] } = $other)
                                : ($_[0][ $_[1] ] = $other);
        });
    };
    $visit->($value);

    return @copies;
}


sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', "$FindBin::Bin/../$path" or die "$path: $!\n";
    local $/;
    return scalar <$file>;
}


# The lines X(NAME, "word", 123, ... of one X-macro table of the engine.
sub engine_table {
    my ($name) = @_;
    my ($table) = slurp('engine/fk_types.h') =~ m{
        ^\#define\ \Q$name\E\(X\) [^\n]*\\\n    # first line
        ( (?: [^\n]*\\\n )* [^\n]*\n )          # up to one that ends
    }mx
        or die "$name is not in engine/fk_types.h\n";
    return $table =~ /\bX\(\w+,\s*"(\w+)"(?:,\s*(\d+))?/g;
}


subtest 'the document is well formed' => sub {
    like($doc->{openapi}, qr/^3\.1\.\d+\z/, 'OpenAPI 3.1');

    my (%id, @bad);
    for (calls()) {
        my ($method, $path, $call) = @$_;

        push @bad, "$method $path: operationId"
            if !$call->{operationId} || $id{ $call->{operationId} }++;
        push @bad, "$method $path: no answer that is a success"
            unless grep { /^2/ } keys %{ $call->{responses} };

        my %given = map { $_ => 1 } $path =~ /\{(\w+)\}/g;
        for (@{ $call->{parameters} // [] },
             @{ $doc->{paths}{$path}{parameters} // [] })
        {
            my $parameter = resolve($_);
            next unless $parameter->{in} eq 'path';
            push @bad, "$method $path: parameter $parameter->{name}"
                unless delete $given{ $parameter->{name} };
        }
        push @bad, map { "$method $path: {$_} is not described" } keys %given;

        push @bad, "$method $path: admin without a token"
            if $path =~ m{^/admin/}
               && $json->encode($call->{security} // [])
                  ne '[{"adminToken":[]}]';
    }
    is_deeply(\@bad, [], 'every call has its parts');
    is(scalar keys %id, 46, 'number of calls');

    my (%used, @dangling);
    walk($doc, '', sub {
        my ($node, $place) = @_;
        my $ref = $node->{'$ref'} // return;
        push @dangling, "$place: $ref" unless ref resolve($node);
        push @dangling, "$place: keys beside \$ref" if keys %$node > 1;
        $used{$ref}++;
    });
    is_deeply(\@dangling, [], 'every $ref leads somewhere');

    my @idle;
    for my $sort (qw(schemas responses headers parameters)) {
        push @idle, grep { !$used{$_} }
                    map { "#/components/$sort/$_" }
                    sort keys %{ $doc->{components}{$sort} };
    }
    is_deeply(\@idle, [], 'every component is used');
};


subtest 'schemas are complete, and closed in answers' => sub {
    my (@unknown, @open, @missing);

    my $check = sub {
        my ($schema, $place) = @_;
        push @unknown, map { "$place: $_" }
                       grep { !$known{$_} } keys %$schema;
        push @open, $place
            if ($schema->{type} // '') eq 'object'
               && !exists $schema->{additionalProperties}
               && $place !~ m{^/CheckoutRequest\b};
        push @missing, map { "$place: $_" }
                       grep { !exists $schema->{properties}{$_} }
                       @{ $schema->{required} // [] };
    };

    my $schemas = $doc->{components}{schemas};
    walk_schema($schemas->{$_}, "/$_", $check) for sort keys %$schemas;
    walk_schema($_->[2]{schema}, $_->[0], $check) for answers();

    # Schemas of parameters and headers stand in place, wherever that is.
    walk($doc, '', sub {
        my ($node, $place) = @_;
        walk_schema($node->{schema}, $place, $check)
            if ref $node->{schema} eq 'HASH'
               && $place =~ m{/(?:parameters|headers)/};
    });

    is_deeply(\@unknown, [], 'only keywords that are checked');
    is_deeply(\@open, [], 'no object is open');
    is_deeply(\@missing, [], 'every required field is described');
};


subtest 'examples fit, broken ones do not' => sub {
    my ($good, $bad) = (0, 0);
    my (@missing, @unfit, @passed);

    for (answers()) {
        my ($place, $type, $media) = @$_;
        my @examples = examples($media);
        push @missing, $place unless @examples;

        for my $example (@examples) {
            $good++;
            push @unfit, map { "$place: $_" }
                         api_schema_errors($media->{schema}, $example);

            next unless $type =~ /json/;
            for (broken_copies($example, qw(detail field CNY))) {
                my ($what, $copy) = @$_;
                $bad++;
                push @passed, "$place: $what"
                    unless api_schema_errors($media->{schema}, $copy);
            }
        }
    }

    for (calls()) {
        my ($method, $path, $call) = @$_;
        my $content = ($call->{requestBody} // {})->{content} // {};
        for my $media (values %$content) {
            push @unfit, map { "$method $path: $_" }
                         map { api_schema_errors($media->{schema}, $_) }
                         examples($media);
        }
    }

    is_deeply(\@missing, [], 'every answer has an example');
    is_deeply(\@unfit, [], 'every example fits its schema');
    is_deeply(\@passed, [], 'no broken example fits');
    cmp_ok($good, '>=', 40, 'examples were looked at');
    cmp_ok($bad, '>=', 1000, 'broken examples were looked at');
};


subtest 'limits and words are those of the engine' => sub {
    my $schemas = $doc->{components}{schemas};
    my %documented = $doc->{info}{description}
                     =~ /^\| (`.*?`) \| (\d{3}) \|/mg;
    %documented = map { my $status = $documented{$_};
                        map { $_ => $status } /`(\w+)`/g } keys %documented;

    is_deeply([sort keys %documented],
              [sort @{ $schemas->{Problem}{properties}{code}{enum} }],
              'the table of codes and the enum agree');

    my @codes = engine_table('FK_CODES');
    my @strange;
    while (my ($word, $status) = splice @codes, 0, 2) {
        next if $status < 400;
        push @strange, "$word $status"
            if ($documented{$word} // '') ne $status;
    }
    is_deeply(\@strange, [], 'every refusal of the engine is documented');

    # The engine knows two more words, for goods that are sent by hand.
    my %status = map { $_ => 1 } grep { defined } engine_table('FK_STATUSES');
    is_deeply([grep { !$status{$_} } @{ $schemas->{Status}{enum} }], [],
              'order status');
    is_deeply([grep { defined } engine_table('FK_KINDS')],
              $schemas->{Kind}{enum}, 'kinds of products');
    is_deeply([grep { defined } engine_table('FK_PAYMENT_STATES')],
              $schemas->{Payment}{properties}{state}{enum}, 'payment states');

    my %limit = slurp('engine/fk_types.h')
                =~ /^#define (FK_\w+_MAX)\s+(?:INT64_C\()?(\d+)/mg;
    is($limit{FK_SKU_SIZE_MAX}, $schemas->{Sku}{maxLength}, 'sku');
    is($limit{FK_NAME_SIZE_MAX}, $schemas->{Name}{maxLength}, 'name');
    is($limit{FK_CONTACT_SIZE_MAX}, $schemas->{Contact}{maxLength}, 'contact');
    is($limit{FK_QTY_MAX}, $schemas->{Qty}{maximum}, 'qty');
    is($limit{FK_AMOUNT_MAX}, $schemas->{Amount}{maximum}, 'amount');
    is($limit{FK_CARD_SIZE_MAX}, $schemas->{Cards}{items}{maxLength}, 'card');
    is($limit{FK_TRADE_NO_SIZE_MAX},
       $schemas->{Payment}{properties}{trade_no}{maxLength}, 'trade_no');
};


subtest 'whole answers' => sub {
    my $problem = sub {
        my ($status, $code, %headers) = @_;
        return { status  => $status,
                 headers => { 'content-type' => 'application/problem+json',
                              %headers },
                 content => $json->encode({ type => 'about:blank',
                                            title => 'x', status => $status,
                                            code => $code }) };
    };
    my $products = sub {
        return { status  => 200,
                 headers => { 'content-type'  => 'application/json',
                              'cache-control' => 'no-store' },
                 content => $_[0] };
    };
    my $line = '{"sku":"a","name":"A","price":%s,"currency":"CNY",'
               . '"kind":"card","stock":3,"on_sale":true,"sale_from":null,'
               . '"sale_to":null,"qty_max":1,"list_price":5,'
               . '"buyer_limit":0,"tiers":[]%s}';
    my @get = ('GET', '/products');

    api_ok(@get, $products->('[]'), 'an empty list');
    api_ok(@get, $products->(sprintf "[$line]", 5, ''), 'a product');
    api_ok(@get, $problem->(503, 'recovering', 'retry-after' => '2'),
           'a problem');
    api_ok('GET', '/notify/{channel}',
           { status => 200, headers => { 'content-type' => 'text/plain' },
             content => 'success' }, 'text');

    my @bad = (
        ['a call', qr/call is not described/,
            'PATCH', '/products', $products->('[]')],
        ['a status', qr/status 418/, @get, $problem->(418, 'unavailable')],
        ['a media type', qr/content type 'text\/html'/, @get,
            { status => 200, content => '[]',
              headers => { 'content-type'  => 'text/html',
                           'cache-control' => 'no-store' } }],
        ['a missing header', qr/Retry-After is missing/,
            @get, $problem->(503, 'unavailable')],
        ['a bad header', qr/Retry-After:/,
            @get, $problem->(503, 'unavailable', 'retry-after' => 'soon')],
        ['a repeated header', qr/Retry-After is repeated/,
            @get, $problem->(503, 'unavailable', 'retry-after' => [1, 1])],
        ['a code', qr/code/,
            @get, $problem->(503, 'hm', 'retry-after' => '1')],
        ['another status in the body', qr/status 503 in the body/, @get,
            { %{ $problem->(503, 'corrupt') }, status => 500 }],
        ['no JSON', qr/not JSON/, @get, $products->('[')],
        ['an empty body', qr/not JSON/, @get, $products->('')],
        ['bytes after the JSON', qr/not JSON/, @get, $products->('[]]')],
        ['bytes that are not UTF-8', qr/not JSON/,
            @get, $products->("[\"\xff\"]")],
        ['a fraction', qr/5\.0 is not a plain integer/,
            @get, $products->(sprintf "[$line]", '5.0', '')],
        ['an exponent', qr/5e1 is not a plain integer/,
            @get, $products->(sprintf "[$line]", '5e1', '')],
        ['a number above 2^63', qr/fit into 64 bits|maximum/,
            @get, $products->(sprintf "[$line]", '9223372036854775808', '')],
        ['a price as text', qr/price/,
            @get, $products->(sprintf "[$line]", '"5"', '')],
        ['a repeated key', qr/"qty_max" is repeated/,
            @get, $products->(sprintf "[$line]", 5, ',"qty_max":2')],
        ['a surplus key', qr/secret/,
            @get, $products->(sprintf "[$line]", 5, ',"secret":2')],
        ['other text', qr/success/, 'GET', '/notify/{channel}',
            { status => 200, headers => { 'content-type' => 'text/plain' },
              content => 'unsuccessful' }],
    );

    for (@bad) {
        my ($what, $like, @arguments) = @$_;
        like(join('; ', api_errors(@arguments)), $like, "$what is found");
    }
};


done_testing();
