# The operator's walk in lua/README.md, with its very lines: a price is changed
# in a rule, tried, taken, seen by buyers, and taken back.

use lib 't/lib';

use Faka::Proc qw(slurp spew);
use Faka::Test;


my $readme = slurp('lua/README.md');
my ($walk) = $readme =~ /^## A change, from the desk .*?\n(.*?)^## /ms;
my ($rule) = $walk =~ /^```lua\n(.*?)^```/ms;
my @steps = $walk =~ /^```sh\n(.*?)^```/msg;
is(scalar @steps, 4, 'the walk has four steps');

my $t = Faka::Test->new(shop => { rules => 'rules/shop.lua' });
my $nginx = $t->nginx;
my $dir = $nginx->dir;
mkdir "$dir/rules";
spew("$dir/rules/shop.lua", $rule);
$t->start;
$t->product('card', kind => 'counted', stock => 100, price => 1000);

my $binary = Faka::Nginx::binary();
my $port = $nginx->port;


# Runs one step as the operator's shell would: (whether it went well, what it
# said).

sub walk {
    my ($step) = @_;

    my %env = $nginx->env;
    my $command = join(' ', 'env', map { "'$_=$env{$_}'" } keys %env)
                  . " $binary -e $dir/error.log -p $dir -c $dir/nginx.conf";
    $step =~ s/\bnginx (?=-)/$command /g;
    $step =~ s/127\.0\.0\.1:8080/127.0.0.1:$port/g;
    my $said = `cd $dir && set -e && ( $step ) 2>&1`;
    return ($? == 0, $said);
}

sub sold_for {
    my $answer = $t->checkout(sku => 'card');
    my $view = $t->admin('GET', '/orders/' . $answer->json->{order})->json;
    return ($answer->json->{amount}, $view->{rules});
}

sub page_price { return $t->get('/products')->json->[0]{price} }


my ($amount, $before) = sold_for();
is($amount, 900, 'the first order, by the rule as it stands there');
is(page_price(), 900, 'and so says the page');

my ($well, $said) = walk($steps[0]);
ok(!$well, 'the changed rule is refused');
like($said, qr{rules/shop\.lua:\d+}, 'with its file and line');
is((sold_for())[0], 900, 'the shop sells on');

my %old = map { $_ => 1 } $nginx->workers;
($well, $said) = walk($steps[1]);
ok($well, 'with the new example it is taken') or diag($said);
ok(wait_until(sub { !grep { $old{$_} } $nginx->workers }, 10), 'new workers');
($well, $said) = walk($steps[2]);
like($said, qr/"price":800,/, 'the page has the new price');
like($said, qr/"list_price":1000\b/, 'beside the list price');
my ($new_amount, $after) = sold_for();
is($new_amount, 800, 'the next order, too');
isnt($after, $before, 'it carries the new version');

%old = map { $_ => 1 } $nginx->workers;
($well, $said) = walk($steps[3]);
ok($well, 'and back') or diag($said);
ok(wait_until(sub { !grep { $old{$_} } $nginx->workers }, 10), 'new workers');
is_deeply([sold_for()], [900, $before], 'all is as it was');
is(page_price(), 900, 'also on the page');

$t->audit_ok;
