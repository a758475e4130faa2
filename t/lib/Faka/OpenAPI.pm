package Faka::OpenAPI;

# Holds answers of the server against conf/openapi.yaml.
#
#     use Faka::OpenAPI qw(api_ok);
#     api_ok('GET', '/orders/{order}', $response, 'a delivered order');
#
# A response is a hash as HTTP::Tiny makes it: status, headers (names in lower
# case), content (bytes); "body" is taken for "content" too.  An answer is good
# if its status is described for this call, its media type is one of those
# described, its required headers are there, and its body fits the schema.
# Beyond the schema a JSON body must be UTF-8, must not repeat a key, and all
# its numbers must be plain integers: 1.0 and 1e3 never stand for money.
#
# What it does not do: check requests, or that a call does what it says.

use strict;
use warnings;

use Exporter 'import';
use File::Basename ();
use JSON::PP ();
use JSON::Validator ();
use Test::More ();
use YAML::PP ();

our @EXPORT_OK = qw(api_document api_errors api_ok api_schema_errors);

my $FILE = File::Basename::dirname(__FILE__) . '/../../../conf/openapi.yaml';

# The newest dialect that the validator knows.  For the keywords that the
# document uses (t/03-openapi.t lists them) it means what 2020-12 means.
my $DIALECT = 'https://json-schema.org/draft/2019-09/schema';

my ($document, %validator);


sub api_document {
    $document //= YAML::PP->new(boolean => 'JSON::PP')->load_file($FILE);
    return $document;
}


# Passes one test if the response is what the document promises.
sub api_ok {
    my ($method, $template, $response, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @errors = api_errors($method, $template, $response);
    $name //= "$method $template: as described";

    my $good = Test::More::ok(!@errors, $name);
    Test::More::diag("$method $template $response->{status}: $_") for @errors;

    return $good;
}


# What is wrong with the response, as a list of texts; empty if nothing.
sub api_errors {
    my ($method, $template, $response) = @_;

    my $call = api_document()->{paths}{$template}{lc $method}
        or return "the call is not described";

    my $described = $call->{responses}{ $response->{status} }
        or return "status $response->{status} is not described";
    $described = _resolve($described);

    return (_header_errors($described, $response),
            _body_errors($described, $response));
}


# Errors of a decoded value against a schema of the document.
sub api_schema_errors {
    my ($schema, $value) = @_;

    # One validator for each schema object: building it is the slow part.
    my $validator = $validator{$schema} //= _validator($schema);
    return map { "$_" } $validator->validate($value);
}


sub _validator {
    my ($schema) = @_;

    my $validator = JSON::Validator->new->schema({
        '$schema'    => $DIALECT,
        'allOf'      => [$schema],
        'components' => { schemas => api_document()->{components}{schemas} },
    })->schema;

    # A format of OpenAPI, not of JSON Schema.
    $validator->formats->{int64} = sub {
        my ($number) = @_;
        return $number =~ /^-?\d{1,19}\z/ && $number <= 9223372036854775807
               && $number >= -9223372036854775807
               ? undef : 'does not fit into 64 bits';
    };

    return $validator;
}


sub _header_errors {
    my ($described, $response) = @_;
    my @errors;

    for my $name (sort keys %{ $described->{headers} // {} }) {
        my $header = _resolve($described->{headers}{$name});
        my $value = $response->{headers}{lc $name};

        if (!defined $value) {
            push @errors, "header $name is missing" if $header->{required};
            next;
        }

        # A repeated header arrives as a list, and none may be repeated.
        if (ref $value) {
            push @errors, "header $name is repeated";
            next;
        }

        my $type = _resolve($header->{schema})->{type};
        $value += 0 if $type eq 'integer' && $value =~ /^\d{1,15}\z/;

        push @errors, map { "header $name: $_" }
                      api_schema_errors($header->{schema}, $value);
    }

    return @errors;
}


sub _body_errors {
    my ($described, $response) = @_;

    my $type = $response->{headers}{'content-type'} // '';
    $type =~ s/\s*;.*//s;
    $type = lc $type;

    my $media = $described->{content}{$type}
        or return "content type '$type' is not described";

    my $body = $response->{content} // $response->{body} // '';

    return api_schema_errors($media->{schema}, $body)
        unless $type =~ m{^application/(?:[a-z]+\+)?json\z};

    my @errors = _json_text_errors($body);
    return @errors if @errors;

    my $value = eval { JSON::PP->new->utf8->allow_nonref->decode($body) };
    return "the body is not JSON: $@" if $@;

    push @errors, api_schema_errors($media->{schema}, $value);

    push @errors, "status $value->{status} in the body"
        if $type eq 'application/problem+json' && ref $value eq 'HASH'
           && ($value->{status} // '') ne $response->{status};

    return @errors;
}


# What a decoder would hide: repeated keys, and numbers with a fraction.
sub _json_text_errors {
    my ($text) = @_;
    my @open;                                # keys seen, or undef in an array

    while ($text =~ /\G(?:
               (?<string> "(?:[^"\\]|\\.)*+" ) (?<colon> \s*+ : )?
             | (?<number> -?\d[-+.0-9eE]*+ )
             | (?<mark>   [\[\]{}] )
             | [^"\d\-\[\]{}]++ )/gcxs)
    {
        my %token = %+;

        if (defined $token{colon}) {
            return "key $token{string} outside of an object"
                if !@open || !$open[-1];
            return "key $token{string} is repeated"
                if $open[-1]{ $token{string} }++;

        } elsif (defined $token{number}) {
            return "$token{number} is not a plain integer"
                if $token{number} !~ /^-?(?:0|[1-9]\d*)\z/;

        } elsif (defined $token{mark}) {
            if ($token{mark} =~ /[\[{]/) {
                push @open, $token{mark} eq '{' ? {} : undef;
            } else {
                pop @open;
            }
        }
    }

    return "not JSON at byte " . (pos($text) // 0)
        if (pos($text) // 0) != length $text || !length $text;
    return;
}


# The object that a reference within the document points to.
sub _resolve {
    my ($node) = @_;

    for (1 .. 8) {
        return $node unless ref $node eq 'HASH' && exists $node->{'$ref'};

        my $pointer = $node->{'$ref'};
        $pointer =~ s{^\#/}{} or die "foreign reference $pointer\n";
        $node = api_document();
        $node = (ref $node eq 'HASH' ? $node->{$_} : undef)
                // die "dangling reference $pointer\n"
            for split m{/}, $pointer;
    }

    die "references in a circle\n";
}


1;
