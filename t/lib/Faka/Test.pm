package Faka::Test;

# The library of the tests: a shop of their own, in one object.
#
#     use Faka::Test;
#
#     my $t = Faka::Test->new(shop => { hold => '2s' })->start;
#     $t->product('steam-50', price => 4850);
#     $t->import_cards('steam-50', 100);
#     my $order = $t->checkout(sku => 'steam-50')->json;
#     is($t->notify($order)->body, 'success', 'the gateway is told success');
#
# A test has a temporary folder with its own nginx, Redis and, if wanted,
# practice gateway, on free ports, and never touches the machine's.  At the
# end of the file all of them are stopped, and two more checks are made for
# each nginx: no alerts and no sanitizer errors in its log.  done_testing is
# called here; a file has no plan.  It also loads Test::More, strict, warnings.
#
# Environment: TEST_NGINX_BINARY, FAKA_MODULE (path of the .so), FAKA_ASAN=1
# (build/asan and its runtime), FAKA_DEBUG=1 (debug log), TEST_LEAVE=1 (the
# folder stays), FAKA_LONG=1 (see long()), FAKA_TIMEOUT (seconds a file).

use strict;
use warnings;

use Cwd ();
use Exporter ();
use File::Basename ();
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes ();

use Faka::Gateway qw(epay_notice);
use Faka::Http qw(http_many http_one);
use Faka::Job;
use Faka::Nginx;
use Faka::Proc qw(free_port spew wait_until);
use Faka::Redis;

use constant { TIMEOUT_SECONDS => 300, TIMEOUT_SECONDS_LONG => 3600 };

our @EXPORT = (@Test::More::EXPORT,
               qw(wait_until http_many http_one json_text long stopping));

my $ROOT = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
my $owner = $$;
my @tests;
my $json = JSON::PP->new->utf8->canonical->allow_nonref;


sub import {
    my ($class) = @_;

    strict->import;
    warnings->import;
    goto &Exporter::import;
}


sub json_text { return $json->encode($_[0]) }
sub stopping  { return Faka::Job::stopping() }


# The number of rounds: the first in "make test", the second in "make check".

sub long { return $ENV{FAKA_LONG} ? $_[1] : $_[0] }


# %opt: those of Faka::Nginx; redis => { setting => value } for redis.conf;
# gateway => 1 for the practice gateway, or a list of its arguments.

sub new {
    my ($class, %opt) = @_;

    my $dir = File::Temp->newdir('faka-test-XXXXXX', TMPDIR => 1,
                                 CLEANUP => !$ENV{TEST_LEAVE});
    chmod 0711, "$dir";
    my $secrets = "$dir/secrets";
    mkdir $secrets, 0700;

    my $self = bless {
        tempdir => $dir, dir => "$dir", secrets => $secrets, count => 0,
        token => encode_base64url(_random(32)),
        epay_key => unpack('H*', _random(16)),
        nginxes => [], redises => [],
    }, $class;

    spew("$secrets/cards.key", unpack('H*', _random(32)) . "\n", 0600);
    spew("$secrets/epay.key", "$self->{epay_key}\n", 0600);
    spew("$secrets/admin.token", "$self->{token}\n", 0600);

    my $redis = delete $opt{redis};
    my $gateway = delete $opt{gateway};
    $self->{redis} = Faka::Redis->new(dir => "$dir", config => $redis);
    $self->{gateway} = Faka::Gateway->new(
        dir => "$dir", port => free_port(), key_file => "$secrets/epay.key",
        script => "$ROOT/t/gateway/gateway.js",
        args => ref $gateway ? $gateway : []);
    $self->{with_gateway} = $gateway ? 1 : 0;
    $self->{nginx} = $self->another_nginx(%opt);

    push @tests, $self;
    _guard();
    return $self;
}


sub _random {
    my ($size) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "/dev/urandom: $!";
    read($fh, my $bytes, $size) == $size or die '/dev/urandom';
    return $bytes;
}


# A file that hangs ends by itself, with everything it has started.

sub _guard {
    my $seconds = $ENV{FAKA_TIMEOUT}
                  || long(TIMEOUT_SECONDS, TIMEOUT_SECONDS_LONG);

    $SIG{ALRM} = sub { die "the test took more than $seconds s\n" };
    $SIG{INT} = $SIG{TERM} = sub { exit 130 };
    alarm $seconds;
}


# A further nginx for the same shop, Redis and secrets; not started.

sub another_nginx {
    my ($self, %opt) = @_;

    my $nginx = Faka::Nginx->new(
        dir => "$self->{dir}/nginx" . ++$self->{count},
        redis_socket => $self->{redis}->socket_path,
        gateway_url => $self->{gateway}->url,
        secrets => $self->{secrets}, %opt);
    push @{ $self->{nginxes} }, $nginx;
    return $nginx;
}


# A further Redis, replica or sentinel, by the settings and the words of its
# command line; not started.

sub another_redis {
    my ($self, $config, @args) = @_;

    my $dir = "$self->{dir}/another" . ++$self->{count};
    mkdir $dir, 0711;
    my $redis = Faka::Redis->new(dir => $dir, config => $config,
                                 args => \@args);
    push @{ $self->{redises} }, $redis;
    return $redis;
}


sub start {
    my ($self) = @_;

    $self->{redis}->start;
    $self->{gateway}->start if $self->{with_gateway};
    $self->{nginx}->start;
    $self->wait_open if $self->{nginx}{opt}{module} ne '';
    return $self;
}


# nginx answers at once, but sells only after the journal was read.  An empty
# shop is open when the audit answers.

sub wait_open {
    my ($self, $nginx, $seconds) = @_;

    return wait_until(sub {
        my $answer = $self->admin('GET', '/audit', undef, nginx => $nginx);
        return $answer->status == 200;
    }, $seconds || 20);
}


# The shop's clock becomes the test's, before nginx starts: a week is over in
# no time.  The library is built by "make clock-build".

sub own_clock {
    my ($self) = @_;

    $self->{nginx}{opt}{env} = {
        LD_PRELOAD => "$ROOT/build/soak/clock.so",
        FAKA_CLOCK => spew($self->clock, pack('q<', 0), 0644) };
    return $self;
}


# Seconds later, for every server that has this clock.

sub later {
    my ($self, $seconds) = @_;

    open my $fh, '+<:raw', $self->clock or die "clock: $!";
    sysread $fh, my $us, 8;
    sysseek $fh, 0, 0;
    syswrite $fh, pack 'q<', unpack('q<', $us) + int($seconds * 1_000_000);
    close $fh or die "clock: $!";
}


# For counts by minute, hour and day, whose next stretch is not to begin while
# they are tested: to five seconds after some hour has begun.  Returns the
# seconds by which the servers are ahead.

sub later_to_the_hour {
    my ($self) = @_;

    my $seconds = 3605 - time % 3600;
    $self->later($seconds);
    return $seconds;
}


sub clock   { return "$_[0]{dir}/clock" }
sub nginx   { return $_[0]{nginx} }
sub redis   { return $_[0]{redis} }
sub gateway { return $_[0]{gateway} }
sub dir     { return $_[0]{dir} }
sub secrets { return $_[0]{secrets} }
sub token   { return $_[0]{token} }


# A writes-a-file helper for tests of configurations and secrets.

sub write_file {
    my ($self, $name, $text, $mode) = @_;

    return spew("$self->{dir}/$name", $text, $mode);
}


# Runs the sub in a process beside this one: ->wait or ->stop gives its value.

sub background {
    my ($self, $work) = @_;

    return Faka::Job->start($work);
}


# ---- requests ----------------------------------------------------------

# %opt: nginx (another one), and what a request of Faka::Http may have.

sub request {
    my ($self, $method, $path, %opt) = @_;

    my $nginx = delete $opt{nginx} || $self->{nginx};
    return { method => $method, path => $path, port => $nginx->port, %opt };
}


sub http { my $self = shift; return http_one($self->request(@_)) }
sub get  { my $self = shift; return $self->http('GET', @_) }


# A body that is a reference is sent as JSON, another one as plain text.

sub admin_request {
    my ($self, $method, $path, $body, %opt) = @_;

    my %headers = (Authorization => "Bearer $self->{token}");
    if (defined $body) {
        $headers{'Content-Type'} = ref $body ? 'application/json'
                                             : 'text/plain';
        $opt{body} = ref $body ? $json->encode($body) : $body;
    }

    return $self->request($method, "/admin$path", %opt,
                          headers => { %headers, %{ $opt{headers} || {} } });
}


sub admin { my $self = shift; return http_one($self->admin_request(@_)) }


# A product that is on sale; dies when the shop does not take it.

sub product {
    my ($self, $sku, %fields) = @_;

    my $answer = $self->admin('PUT', "/products/$sku", {
        name => "Product $sku", price => 100, currency => 'CNY',
        kind => 'card', on_sale => JSON::PP::true, %fields });
    die "product $sku: " . $answer->brief . "\n"
        unless $answer->status =~ /\A20[01]\z/;
    return $answer->json;
}


# Cards: a number of generated ones, or a list, or the whole body as a scalar
# reference.  Returns the list that was sent, or dies.

sub import_cards {
    my ($self, $sku, $cards, %opt) = @_;

    my $list = ref $cards eq 'ARRAY' ? $cards
             : ref $cards ? [split /\r?\n/, $$cards]
             : [map { sprintf '%s-%06d-%s', $sku, ++$self->{card_number},
                              unpack 'H*', _random(6) } 1 .. $cards];
    my $body = ref $cards eq 'SCALAR' ? $$cards : join "\n", @$list, '';

    my $answer = $self->admin('POST', "/products/$sku/cards", $body, %opt);
    die "cards of $sku: " . $answer->brief . "\n" if $answer->status != 200;
    return $list;
}


sub checkout_request {
    my ($self, %fields) = @_;

    my %opt = map { $_ => delete $fields{$_} }
              grep { exists $fields{$_} } qw(nginx timeout);
    my $key = delete $fields{key};
    my %headers = ('Content-Type' => 'application/json');
    $headers{'Idempotency-Key'} = defined $key ? $key
                                  : 'test-' . unpack 'H*', _random(12);

    return $self->request('POST', '/checkout', %opt, headers => \%headers,
        body => $json->encode({ qty => 1, contact => 'buyer@example.com',
                                channel => 'epay', %fields }));
}


# sku => ..., and what differs from one unit paid through "epay"; key is the
# Idempotency-Key.  Returns the answer.

sub checkout { my $self = shift; return http_one($self->checkout_request(@_)) }


# $order: the decoded answer of a checkout, or any hash of order and token.

sub order {
    my ($self, $order, %opt) = @_;

    my %headers = (Authorization => "Bearer $order->{token}");
    return $self->get("/orders/$order->{order}", %opt, headers => \%headers);
}


# The notice of the gateway for an order, with single fields changed.  Takes
# nginx, channel and key beside fields of the notice.

sub notify_request {
    my ($self, $order, %fields) = @_;

    my %opt = map { $_ => delete $fields{$_} }
              grep { exists $fields{$_} } qw(nginx timeout);
    my $channel = delete $fields{channel} || 'epay';
    my $key = exists $fields{key} ? delete $fields{key} : $self->{epay_key};
    my $query = epay_notice($key, $order->{order}, $order->{amount}, %fields);

    return $self->request('GET', "/notify/$channel?$query", %opt);
}


sub notify { my $self = shift; return http_one($self->notify_request(@_)) }


# Checkout, payment and the delivered order at once; dies when a step fails.

sub buy {
    my ($self, %fields) = @_;

    my $answer = $self->checkout(%fields);
    die 'checkout: ' . $answer->brief . "\n" unless $answer->status == 201;

    my $order = $answer->json;
    my $paid = $self->notify($order);
    die 'notice: ' . $paid->brief . "\n" unless $paid->body eq 'success';

    my $view = $self->order($order);
    die 'order: ' . $view->brief . "\n" unless $view->status == 200;
    return { %{ $view->json }, token => $order->{token} };
}


sub audit { return $_[0]->admin('GET', '/audit') }


# A check: the totals of the shop, recomputed, agree.

sub audit_ok {
    my ($self, $name) = @_;

    my $answer = $self->audit;
    my $audit = $answer->json;
    my $good = $answer->status == 200 && ref $audit eq 'HASH' && $audit->{ok};

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($good, $name || 'the audit is right') or diag($answer->brief);
    return $audit;
}


# The samples of /metrics: "name{labels}" => value.

sub metrics {
    my ($self, %opt) = @_;

    my %samples;
    for my $line (split /\n/, $self->get('/metrics', %opt)->body) {
        next if $line =~ /\A(?:#|\z)/;
        $samples{$1} = $2 if $line =~ /\A(\S+(?:\{[^}]*\})?) (\S+)\z/;
    }
    return \%samples;
}


# The present state of the shop, or '' if nobody answers.

sub shop_state {
    my ($self, %opt) = @_;

    my $metrics = $self->metrics(%opt);
    my ($state) = grep { $metrics->{"faka_shop_state{state=\"$_\"}"} }
                  qw(empty recovering open healing fenced failed);
    return $state || '';
}


# ---- the end -----------------------------------------------------------

# For a file that needs a shop no longer: what would be done at its end.

sub finish {
    my ($self) = @_;

    @tests = grep { $_ != $self } @tests;
    $self->_finish(1);
}


# The folder stays after the end, for somebody who wants to look.

sub leave { $_[0]{tempdir}->unlink_on_destroy(0); $_[0]{left} = 1 }


sub _finish {
    my ($self, $checks) = @_;

    my $number = 0;
    for my $nginx (@{ $self->{nginxes} }) {
        my $label = $number++ ? " (nginx $number)" : '';
        my $stopped = $nginx->stop;
        next unless $checks;

        ok($stopped, "nginx ends when told$label");
        my ($alerts, $reports) = $nginx->complaints;
        is(join("\n", @$alerts), '', "no alerts$label");
        is(join("\n", @$reports), '', "no sanitizer errors$label");
    }

    $self->{gateway}->stop;
    $_->stop for $self->{redis}, @{ $self->{redises} };
    diag("left in place: $self->{dir}")
        if $ENV{TEST_LEAVE} || $self->{left};
}


# Runs before the END of Test::Builder, which was loaded earlier.  A test
# that died keeps its exit code, and gets no plan: that makes it a failure.

END {
    if ($$ == $owner) {
        my $code = $?;

        alarm 0;
        Faka::Job::kill_rest();
        eval { $_->_finish($code == 0); 1 } or ($code ||= 1, diag($@))
            for @tests;
        done_testing() if $code == 0;
        $? = $code;
    }
}


1;
