# RSA by the openssl command: keys, signatures and their judge.

package Rsa;

use strict;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(decode_base64 encode_base64);

use Probe qw($dir);

our @EXPORT = qw(bare rsa_keys rsa_sign rsa_verify spew);

sub spew {
    my ($name, $bytes) = @_;
    open my $fh, '>:raw', "$dir/$name" or die "$dir/$name: $!";
    print $fh $bytes;
    close $fh or die "$dir/$name: $!";
    return "$dir/$name";
}

sub slurp {
    my $name = shift;
    open my $fh, '<:raw', "$dir/$name" or die "$dir/$name: $!";
    return do { local $/; <$fh> };
}

sub openssl {
    my $command = shift;
    system("cd $dir && openssl $command >openssl.log 2>&1");
    return $? == 0;
}

# NAME.key (PKCS#8) and NAME.pub, in PEM.
sub rsa_keys {
    my ($name, $bits) = @_;
    $bits //= 2048;
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$bits "
        . "-out $name.key") or die slurp('openssl.log');
    openssl("pkey -in $name.key -pubout -out $name.pub") or die;
}

# The file without its frame and line ends, as the consoles hand keys out.
sub bare {
    my $name = shift;
    return spew("$name.bare", slurp($name) =~ s/-----.*?-----|\n//gr);
}

sub rsa_sign {
    my ($text, $name, $hash) = @_;
    $hash //= 'sha256';
    spew('text', $text);
    openssl("dgst -$hash -sign $name.key -out sign text")
        or die slurp('openssl.log');
    return encode_base64(slurp('sign'), '');
}

sub rsa_verify {
    my ($text, $sign, $name, $hash) = @_;
    $hash //= 'sha256';
    spew('text', $text);
    spew('sign', decode_base64($sign // ''));
    return openssl("dgst -$hash -verify $name.pub -signature sign text");
}

1;
