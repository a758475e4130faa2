package Faka::Gateway;

# The practice gateway (t/gateway) as a test's payment provider, and the same
# protocol's notice made by hand.  The signature here is written from the
# protocol's description, on its own: neither the gateway's code nor the
# module's is used, so all three check each other.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use JSON::PP ();

use Faka::Http qw(form_encode http_one);
use Faka::Proc qw(alive slurp spawn stop_pid wait_until);

our @EXPORT_OK = qw(epay_sign epay_notice epay_money);


# Drop sign, sign_type and empty values; sort; join; append the key; MD5.

sub epay_sign {
    my ($fields, $key) = @_;

    my $text = join '&', map { "$_=$fields->{$_}" }
               grep { $_ ne 'sign' && $_ ne 'sign_type'
                      && $fields->{$_} ne '' }
               sort keys %$fields;
    utf8::encode($text) if utf8::is_utf8($text);
    return md5_hex($text . $key);
}


# As PHP prints a float: 100 fen are "1", 150 are "1.5".

sub epay_money {
    my ($fen) = @_;

    my $text = sprintf '%d.%02d', int($fen / 100), $fen % 100;
    $text =~ s/\.?0+\z//;
    return $text;
}


# The query of a notice.  %fields replaces or (undef) removes single fields
# before signing; "sign" replaces the signature itself.

sub epay_notice {
    my ($key, $order, $fen, %fields) = @_;

    my $trade_no = '2025' . substr(md5_hex($order), 0, 15) =~ tr/a-f/0-5/r;
    my %notice = (
        pid          => '1000',
        trade_no     => $trade_no,
        out_trade_no => $order,
        type         => 'alipay',
        name         => 'product',
        money        => epay_money($fen),
        trade_status => 'TRADE_SUCCESS',
        %fields,
    );

    delete @notice{ grep { !defined $notice{$_} } keys %notice };
    my $sign = delete $notice{sign};
    $sign = epay_sign(\%notice, $key) unless defined $sign;

    return form_encode((map { $_ => $notice{$_} } sort keys %notice),
                       sign => $sign, sign_type => 'MD5');
}


# %opt: dir, port, key_file, script, args (further command line arguments).

sub new {
    my ($class, %opt) = @_;

    return bless { log => "$opt{dir}/gateway.log",
                   state => "$opt{dir}/gateway.state", args => [], %opt },
                 $class;
}


sub port { return $_[0]{port} }
sub url  { return "http://127.0.0.1:$_[0]{port}/" }


sub start {
    my ($self) = @_;

    my $node = $ENV{TEST_NODE_BINARY} || 'node';
    my $ready = grep({ $_ eq '--tls-port' } @{ $self->{args} })
                ? qr/listening on .* with TLS/ : qr/listening on/;
    my $said = -s $self->{log} || 0;
    $self->{pid} = spawn(['/usr/bin/env', $node, $self->{script},
                          '--port', $self->{port}, '--pid', '1000',
                          '--key-file', $self->{key_file},
                          '--state', $self->{state}, @{ $self->{args} }],
                         log => $self->{log});

    wait_until(sub {
        return !alive($self->{pid})
               || substr(slurp($self->{log}) || '', $said) =~ $ready;
    }, 20);

    alive($self->{pid})
        or die 'gateway did not start: ' . slurp($self->{log}) . "\n";
    return $self;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return 1;
    return stop_pid($pid);
}


# POSTs to the gateway's test interface, or GETs without a body; returns the
# decoded answer.

sub control {
    my ($self, $what, $body) = @_;

    my $answer = http_one({
        path => "/_test/$what", port => $self->{port},
        method => defined $body ? 'POST' : 'GET',
        headers => { 'Content-Type' => 'application/json' },
        defined $body ? (body => JSON::PP->new->canonical->utf8->encode($body))
                      : (),
    });
    die "gateway: $what: " . $answer->brief . "\n" if $answer->status != 200;
    return $answer->json;
}


# What a buyer's browser does: opens the payment address, which is a cashier's
# page or leads to one, and presses the button.  Returns the address that the
# browser is sent back to, '' if it stays at the gateway, or undef.

sub pay_as_buyer {
    my ($self, $url) = @_;

    my $page = $self->_visit($url);
    $page = $self->_visit($page->header('location') // return undef)
        if $page->status == 302;
    my ($action) = $page->body =~ /<form method="post" action="([^"]+)"/
        or return undef;

    my $paid = http_one({ method => 'POST', path => $action, body => '',
                          port => $self->port });
    return $paid->status == 200 && $paid->body =~ m{Paid</title>} ? ''
           : $paid->header('location');
}


sub _visit {
    my ($self, $url) = @_;

    return http_one({ path => $url =~ s{\Ahttps?://[^/]+}{}r,
                      port => $self->port });
}


1;
