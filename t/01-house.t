# The house: what lies at the top level, and what the built module shows to
# the other modules of an nginx.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use Faka::Nginx;


# The top level is the map that README.md gives to a reader.

my @wanted = sort qw(config Makefile ngx_module engine lua conf t bench tools
                     README.md LICENSE .ci .gitignore .clang-format);

opendir my $dh, '.' or die "cannot read the top level: $!";
my @found = sort grep { !/\A(?:\.|\.\.|\.git|build)\z/ } readdir $dh;
is_deeply(\@found, \@wanted, 'the top level is as README.md describes it');

for my $script ('.ci/run', grep { !/\.md\z/ } glob 'conf/run/*') {
    ok(-x $script, "$script can be executed");
}


# The symbols.  nginx loads modules into one name space, so everything that
# is exported, or bound to a name that another one may export, is a trap.

my $module = Faka::Nginx::module();
ok(-f $module, "$module is built") or done_testing, exit 1;

my @defined = sort map { (split)[-1] } lines("nm -D --defined-only $module");
is_deeply(\@defined, [sort qw(ngx_modules ngx_module_names ngx_module_order)],
          'three symbols are exported');

my @relocations = map { (split)[4] || '' }
                  grep { /\AR?[0-9a-f]{8,}/ } lines("readelf -rW $module");
ok(@relocations > 20, 'relocations are found');
is(join(' ', grep { /\A(?:redis|sds|hi_|f[kj]_|pay_|ngx_faka)/ } @relocations),
   '', 'hiredis and our own functions are bound inside');

my @needed = map { /\(NEEDED\).*\[(.+?)\.so/ ? $1 : () }
             lines("readelf -dW $module");
ok((grep { $_ eq 'libcrypto' } @needed), 'libcrypto is shared with nginx');
ok(!(grep { /hiredis/ } @needed), 'hiredis is linked in');
ok(!(grep { /TEXTREL/ } lines("readelf -dW $module")), 'no text relocations');

is(scalar(grep { /fk_test_/ } lines("nm $module")), 0,
   'the hook of the crash tests is not in the module');


sub lines {
    my ($command) = @_;

    my @lines = `$command`;
    is($?, 0, "$command works");
    return @lines;
}


done_testing;
