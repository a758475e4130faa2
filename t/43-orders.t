# The list of orders when places in memory are used again: each order once,
# in a page the newest first, and from page to page in no order by age.

use lib 't/lib';

use Faka::OpenAPI qw(api_ok);
use Faka::Test;

# A shop whose clock the test sets: orders get old in no time.
my $t = Faka::Test->new(shop => { retention => '1h', hold => '10m' });
$t->own_clock->start;
$t->product('seat', price => 100, kind => 'counted', stock => 1000);


sub orders {
    my ($count, $contact) = @_;
    return map { $t->checkout(sku => 'seat', contact => "$contact $_")->json }
           1 .. $count;
}


sub pages {
    my ($limit) = @_;
    my ($next, @pages);

    do {
        my $query = "limit=$limit" . (defined $next ? "&cursor=$next" : '');
        my $answer = $t->admin('GET', "/orders?$query");
        api_ok('GET', '/admin/orders', $answer, 'a page is as described');
        push @pages, $answer->json->{orders};
        $next = $answer->json->{next};
    } while (defined $next && @pages < 100);

    return @pages;
}


sub ids { return join ' ', sort map { $_->{order} } @_ }


# Ten that go, and two between them that stay: what they leave is no row.
my @first = orders(6, 'first');
my @staying = orders(1, 'staying');
push @first, orders(4, 'first');
push @staying, orders(1, 'staying');
$t->notify($staying[$_], trade_no => "W-$_", money => '0.01')
    for 0, 1;
$t->later(2 * 3600);
ok(wait_until(sub { $t->metrics->{faka_archived_orders_total} == 10 }, 15),
   'ten orders leave memory');

my @second = orders(14, 'second');
my @pages = pages(4);
my @all = map { @$_ } @pages;
is(ids(@all), ids(@staying, @second), 'all that are there, each of them once');

my $wrong = 0;
for my $page (@pages) {

    # An order's number begins with its milliseconds.
    my @made = map { substr $_->{order}, 0, 10 } @$page;
    $wrong++ for grep { $made[$_] gt $made[$_ - 1] } 1 .. $#made;
}
is($wrong, 0, 'in each page the newest is first');
is(ids(map { @$_ } pages(100)), ids(@all), 'the same in one page');

# What comes between two pages makes nobody twice, and hides nobody.
my $page = $t->admin('GET', '/orders?limit=5')->json;
orders(5, 'third');
my @rest = @{ $page->{orders} };
my $next = $page->{next};
while (defined $next) {
    $page = $t->admin('GET', "/orders?limit=5&cursor=$next")->json;
    push @rest, @{ $page->{orders} };
    $next = $page->{next};
}
is(ids(grep { $_->{contact} !~ /\Athird/ } @rest), ids(@all),
   'and while others come');
$t->audit_ok;
