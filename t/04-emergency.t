# conf/EMERGENCY.md has a row for whatever the module and the journal call an
# emergency, an alert or an error, and none for what they no longer say.

use strict;
use warnings;
use utf8;

use Test::More;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

use constant { PAGE => 'conf/EMERGENCY.md', WORDS_MIN => 12 };


# The texts of the log lines, as their formats.  What the configuration is
# refused with says itself what to write, and has a paragraph of its own.

my (%texts, @all);

for my $path (glob 'ngx_module/*.c ngx_module/*/*.c engine/*.[ch]') {
    my $source = slurp($path);

    $source =~ s/"\s*PRI[a-z]\d+\s*"/u/g;
    $source =~ s/"\s*PRI[a-z]\d+/u"/g;
    $source =~ s/(?<!\\)"\s*"//g;
    push @all, map { s/\\"/"/gr } $source =~ /"((?:\\.|[^"\\\n])*)"/g;

    while ($source =~ /\b(?:ngx_log_error|fj_say)\(
                       [^";]*?_LOG_(?:EMERG|ALERT|CRIT|ERR)\b [^";]*?
                       "((?:\\.|[^"\\\n])*)"/gx)
    {
        my $text = $1 =~ s/\\"/"/gr;
        $texts{$text} = $path if length spoken($text) >= WORDS_MIN;
    }
}

cmp_ok(scalar keys %texts, '>', 35, 'texts are found: ' . keys %texts);


# The rows: the first cell has phrases, "…" for what differs.

my @phrases;
for my $line (split /\n/, slurp(PAGE)) {
    next unless $line =~ /\A\| `/ && $line !~ /\A\| `faka_shop_state/;

    my @cells = split /(?<!\\) \| /, $line =~ s/\A\| | \|\z//gr;
    next if @cells < 4;

    is(scalar(grep { length } @cells), 4, "four cells: $cells[0]");
    push @phrases, $cells[0] =~ /`([^`]+)`/g;
}

cmp_ok(scalar @phrases, '>', 35, 'rows are found');

for my $text (sort keys %texts) {
    ok((grep { says($text, $_) } @phrases), "has a row: $text")
        or diag("from $texts{$text}; write one into " . PAGE);
}

for my $phrase (@phrases) {
    cmp_ok(length $phrase =~ s/…//gr, '>=', WORDS_MIN, "is no guess: $phrase");
    ok((grep { says($_, $phrase) } @all), "is said: $phrase");
}


# The sections that rows lead to are there.

my $page = slurp(PAGE);
my %heading = map { lc s/ /-/gr => 1 } $page =~ /^## (.+)$/gm;
is(join(' ', grep { !$heading{$_} } $page =~ /\]\(#([^)]+)\)/g), '',
   'links lead to sections');


sub says {
    my ($text, $phrase) = @_;

    my $pattern = join '.*', map { quotemeta } split /…/, $phrase;
    return $text =~ /$pattern/;
}


# Without what is filled in, and the shop's name in front.

sub spoken {
    my ($text) = @_;

    return $text =~ s/\Afaka(?:_shop|: shop)? "%V":?//r =~ s/%\S*//gr;
}


sub slurp {
    my ($path) = @_;

    open my $fh, '<:encoding(UTF-8)', $path or die "$path: $!";
    local $/;
    return <$fh>;
}


done_testing;
