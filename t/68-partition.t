# A network that falls apart: owner, standby and Redis are machines of their
# own, as network namespaces, and the line between one of them and Redis is
# cut while buyers ask on both sides.  Never do two of them sell.

use lib 't/lib';

use Faka::Test;
use Faka::Net;
use Faka::Patient;
use Faka::Proc qw(free_port);
use Faka::Told;

use Time::HiRes qw(sleep time);

use constant {
    BACK_SECONDS => 2, HEALED_SECONDS => 5,

    # Replies alone are lost: a sign of life still arrives, until its sender
    # gives the connection up.
    BACK_ONE_WAY_SECONDS => 5,
};

my $impossible = Faka::Net::impossible();
plan(skip_all => "nothing is shown here: $impossible") if $impossible;

my $net = Faka::Net->new(qw(first second));
my $port = free_port();
my ($t, %nginx, $cards, $told);


sub shop {
    $t = Faka::Test->new(
        redis => { port => $port, bind => '0.0.0.0',
                   'protected-mode' => 'no' },
        shop => { redis => $net->hub_address('first') . ":$port" });
    %nginx = (first => $t->nginx, second => $t->another_nginx(
        shop => { redis => $net->hub_address('second') . ":$port" }));

    $net->inside('hub', sub { $t->redis->start });
    $net->inside('first', sub {
        $t->nginx->start;
        $t->wait_open or die "the shop does not open\n";
        $t->product('drop');
        $cards = $t->import_cards('drop', long(8000, 40000));
    });
    $net->inside('second', sub { $nginx{second}->start });
    ok(follows('second'), 'two machines, one of which follows');
    $told = Faka::Told->new;
}


sub state_of {
    my ($name) = @_;

    return $net->inside($name, sub {
        return $t->shop_state(nginx => $nginx{$name});
    });
}


sub follows {
    my ($name) = @_;

    return wait_until(sub {
        my ($last) = $nginx{$name}->error_log
                     =~ /.*(its standby|taken over|is fenced)/s;
        return $last && $last eq 'its standby'
               && state_of($name) eq 'recovering';
    }, HEALED_SECONDS);
}


sub buyers {
    my ($name) = @_;

    return $net->inside($name, sub {
        return Faka::Patient->start($t, sku => 'drop', clients => 1,
            servers => [$nginx{$name}], wait => 0.02);
    });
}


sub books_ok {
    my ($name, $on) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $net->inside($on, sub {
        $told->check($t, $name, nginx => $nginx{$on}, cards => $cards);
    });
}


# Cuts the owner's line; returns when it sold last, what it was told to have
# sold after the other one had opened, and the two parts.

sub partition {
    my ($name, $owner, $standby, $direction, $limit) = @_;

    my %buyers = map { $_ => buyers($_) } $owner, $standby;
    sleep 0.5;
    my $since = time;
    $net->cut($owner, $direction);
    ok(wait_until(sub { state_of($standby) eq 'open' }, 10),
       "$name: the standby takes over");
    my $opened = time;
    cmp_ok($opened - $since, '<', $limit,
           sprintf '%s: after %.0f ms', $name, ($opened - $since) * 1000);

    sleep 1;
    my %part = ($owner => $buyers{$owner}->stop);
    $buyers{$owner} = buyers($owner);
    $net->heal($owner);
    ok(follows($owner), "$name: healed, the old owner follows");
    sleep 0.3;
    my $late = $buyers{$owner}->stop;
    $part{$standby} = $buyers{$standby}->stop;

    cmp_ok($part{$standby}{sold}, '>', 10,
           "$name: the new owner sold $part{$standby}{sold}");
    return { opened => $opened, before => $part{$owner}, late => $late,
             other => $part{$standby} };
}


sub sold_after {
    my ($part, $time) = @_;

    return scalar grep { $_ > $time } @{ $part->{sold_at} };
}


shop();

my @cuts = (['both ways', 'first', 'second', undef, BACK_SECONDS]);
push @cuts, ['nothing arrives at Redis', 'second', 'first', 'from',
             BACK_SECONDS],
            ['nothing comes back', 'first', 'second', 'to',
             BACK_ONE_WAY_SECONDS] if long(0, 1);

for my $cut (@cuts) {
    my ($name, @how) = @$cut;

    my $seen = partition($name, @how);
    is(sold_after($seen->{before}, $seen->{opened}), 0,
       "$name: the old owner sold $seen->{before}{sold} before, and nothing "
       . 'once the other one was open');
    is($seen->{late}{sold}, 0, "$name: nor when it was back");
    $told->merge($_->{told}->data) for @$seen{qw(before late other)};
    books_ok($name, $how[1]);
}


# The standby's line: nobody notices.

my ($owner, $standby) = state_of('first') eq 'open' ? qw(first second)
                                                    : qw(second first);
my $buyers = buyers($owner);
$net->cut($standby);
sleep 2.5;
$net->heal($standby);
ok(follows($standby), 'a standby that was cut off follows on');
my $part = $buyers->stop;
is($part->{failed}, '', "the owner sold $part->{sold} meanwhile");
cmp_ok($part->{gap_ms}, '<', 500,
       sprintf 'without a pause above %.0f ms', $part->{gap_ms});
$told->merge($part->{told}->data);
books_ok('the standby cut off', $owner);
$t->finish;
