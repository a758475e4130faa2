# The rules of style and structure that a program can check.  A ban names
# what to use instead; a failure names file and line.

use strict;
use warnings;
use utf8;

use File::Find ();
use Test::More;

use constant {
    COLUMNS_MAX        => 79,
    FILE_LINES_MAX     => 700,
    FUNCTION_LINES_MAX => 80,
};

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my (%text, %folders);

File::Find::find({ no_chdir => 1, wanted => sub {
    my $path = $File::Find::name =~ s{\A\./}{}r;

    if ($path =~ m{\A(?:\.git|build|t/fuzz/corpus)\z}) {
        $File::Find::prune = 1;
        return;
    }
    return unless -f $path && $path !~ /\.(?:png|ico|woff2|swp)\z|~\z/;

    open my $fh, '<:raw', $path or die "$path: $!";
    local $/;
    $text{$path} = <$fh>;
    $folders{$1} = 1 if $path =~ m{\A([^.].*)/};
} }, '.');

my @all = sort keys %text;
my @c = grep { /\.[ch]\z/ } @all;
my @perl = grep { /\.(?:t|pm)\z/ } @all;
my @core = grep { m{\A(?:engine|ngx_module/(?:pay|journal))/} } @c;
my %code = map { $_ => code_only($text{$_}) } @c;


# Comments, strings and character constants turn into blanks, so that a word
# in them is no violation; lines keep their numbers.

sub code_only {
    my ($source) = @_;

    $source =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
                {$1 =~ s/[^\n]/ /gr}gse;
    return $source;
}


# Runs the check on each line of each file; it returns what is wrong, or ''.

sub lines_ok {
    my ($name, $files, $source, $check) = @_;

    my @bad;
    for my $path (@$files) {
        my $number = 0;
        for my $line (split /\n/, $source->{$path}) {
            $number++;
            my $wrong = $check->($line, $path, $number);
            push @bad, "$path:$number: $wrong" if $wrong;
        }
    }
    verdict($name, @bad);
}


sub verdict {
    my ($name, @bad) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 2;
    ok(!@bad, $name) or diag(join "\n", @bad[0 .. ($#bad < 40 ? $#bad : 40)]);
}


# ---- text --------------------------------------------------------------

verdict('all text is UTF-8',
    grep { my $copy = $text{$_}; !utf8::decode($copy) } @all);

verdict('files end with a newline',
    grep { length $text{$_} && $text{$_} !~ /\n\z/ } @all);

lines_ok('no trailing blanks, no carriage returns', \@all, \%text, sub {
    return $_[0] =~ /[ \t\r]\z/ ? 'blank at the end' : '';
});

lines_ok('no tabs', [grep { !/(?:\A|\/)Makefile\z/ } @all], \%text, sub {
    return $_[0] =~ /\t/ ? 'tab' : '';
});

lines_ok('at most ' . COLUMNS_MAX . ' columns', [@c, @perl, 'config'], \%text,
sub {
    my $line = $_[0];
    utf8::decode($line);
    return length $line > COLUMNS_MAX ? length($line) . ' columns' : '';
});

# Spelled in halves, or this file would not pass itself.
my $unfinished = join '|', map { "\\b$_(?!\\w)" } 'TO' . 'DO', 'FIX' . 'ME',
                 'XX' . 'X:', 'HA' . 'CK', 'for' . ' now',
                 'not' . '(?: yet)? implemented', 'un' . 'implemented';

lines_ok('no unfinished work', \@all, \%text, sub {
    return $_[0] =~ /($unfinished)/ ? "\"$1\"" : '';
});

my $machine = '/(?:work|root|home/\w+)/';

lines_ok('no paths of one machine', \@all, \%text, sub {
    my ($line, $path) = @_;
    return $1 if $line =~ m{(?<![\w.:])($machine)};
    return $line =~ m{(\.\./shared)} && $path !~ m{\At/} ? $1 : '';
});


# ---- size and shape ----------------------------------------------------

verdict('at most ' . FILE_LINES_MAX . ' lines a file',
    map { my $n = () = $text{$_} =~ /\n/g;
          $n > FILE_LINES_MAX ? "$_: $n lines" : () } @c, @perl);

verdict('a C file opens with what it is for',
    grep { $text{$_} !~ m{\A/\*\n \* \S} } grep { !m{\At/} } @c);

my @long;
for my $path (@c) {
    my ($start, $number) = (0, 0);
    for my $line (split /\n/, $code{$path}) {
        $number++;
        $start = $number if $line =~ /\A\{/;
        next unless $start && $line =~ /\A\}/;
        my $length = $number - $start + 1;
        push @long, "$path:$start: $length lines"
            if $length > FUNCTION_LINES_MAX;
        $start = 0;
    }
}
verdict('at most ' . FUNCTION_LINES_MAX . ' lines a function', @long);

# "type name(...)" directly before a brace in column 0.
verdict('the return type stands on its own line',
    map { my $path = $_;
          $code{$path} =~ /^(\w[\w *]*[ *]\w+\([^\n]*\)) *\n\{/m
          && $1 !~ /\A__attribute__/ ? "$path: $1" : () } @c);


# ---- calls and types ---------------------------------------------------

my $parser = 'a parser that checks every byte and the range';
my %banned = (
    strcpy   => 'memcpy() with a checked size',
    strncpy  => 'memcpy() with a checked size',
    strcat   => 'memcpy() with a checked size',
    strncat  => 'memcpy() with a checked size',
    sprintf  => 'snprintf() or ngx_slprintf()',
    vsprintf => 'vsnprintf()',
    gets     => 'a bounded read',
    scanf    => $parser, sscanf  => $parser,
    atoi     => $parser, atol    => $parser, atoll => $parser,
    atof     => $parser, strtod  => $parser, strtof => $parser,
    strtok   => $parser, strtol  => $parser, strtoul => $parser,
    strtoll  => $parser, strtoull => $parser,
    alloca   => 'a buffer of a fixed size',
    rand     => 'pay_random()', srand  => 'pay_random()',
    random   => 'pay_random()',
    sleep    => 'a timer', usleep => 'a timer', nanosleep => 'a timer',
    system   => 'no process at all', popen => 'no process at all',
    gethostbyname => 'ngx_parse_url() in the master',
    getaddrinfo   => 'ngx_parse_url() in the master',
    localtime     => 'localtime_r() outside of the worker',
);

my $memory = 'the region: nothing is allocated here';
my $effect = 'an argument: there is no input, output or clock here';
my %banned_engine = (
    (map { $_ => $memory } qw(malloc calloc realloc free strdup mmap)),
    (map { $_ => $effect } qw(printf fprintf puts fopen open read write
                              getenv time gettimeofday getpid)),
);
my $pool = 'ngx_palloc() and ngx_alloc()';
my %banned_nginx = map { $_ => $pool } qw(malloc calloc realloc free strdup);

sub calls_ok {
    my ($name, $files, $table) = @_;

    my $words = join '|', sort keys %$table;
    lines_ok($name, $files, \%code, sub {
        return $_[0] =~ /(?<![\w.>])($words)\s*\(/
               ? "$1(): use $table->{$1}" : '';
    });
}

calls_ok('no banned calls', [grep { !m{\At/} } @c], \%banned);
calls_ok('engine and protocol allocate nothing and have no effects',
         [grep { m{\A(?:engine|ngx_module/journal)/} } @c], \%banned_engine);
calls_ok("memory of the module comes from nginx",
         [grep { m{\Angx_module/(?!pay/)} } @c], \%banned_nginx);

lines_ok('no floating point near money', \@core, \%code, sub {
    return $_[0] =~ /\b(float|double)\b/ ? "$1: use int64_t minor units" : '';
});


# ---- the direction of dependencies -------------------------------------

# Which folder a header of ours lives in.  Names are unique, so that what an
# include line means does not hang on the search path.

my (%home, @twice);
for my $path (grep { /\.h\z/ } @c) {
    my ($folder, $name) = $path =~ m{\A(?:(.*)/)?([^/]+)\z};
    push @twice, $path if exists $home{$name};
    $home{$name} = $folder;
}
verdict('no two headers of one name', @twice);

# For each folder: our folders it may include from, and single headers of
# others; then the headers from outside, as a pattern.
my $c_library = qr/\A(?:assert|errno|inttypes|limits|stdalign|stdarg|stdatomic
                      |stdbool|stddef|stdint|string)\.h\z/x;
my $pthread = qr/\Apthread\.h\z/;
my $nginx = qr/\Angx_\w+\.h\z/;

my %rules = (
    'engine' => { ours => [], from => [$c_library, $pthread] },
    'ngx_module/pay' => {
        ours => [], single => ['fk_types.h'],
        from => [$c_library, qr/\A(?:stdio|stdlib|time|sys\/mman)\.h\z/],
    },
    'ngx_module/journal' => {
        ours => [], single => ['fk.h'],
        from => [$c_library, qr/\Astdio\.h\z/],
    },
    'ngx_module/redis' => {
        ours => ['engine', 'ngx_module/journal'],
        from => [$c_library, $nginx, qr/\Ahiredis\//],
    },
    'ngx_module' => {
        ours => ['engine', 'lua/vm', 'ngx_module/journal', 'ngx_module/pay',
                 'ngx_module/redis'],
        from => [$c_library, $pthread, $nginx,
                 qr/\Asys\/(?:eventfd|mman|random)\.h\z/],
    },
    'lua/vm' => {
        ours => [], single => ['fk_types.h'],
        from => [$c_library, qr/\A(?:setjmp|stdio|stdlib|time)\.h\z/,
                 qr/\A(?:lua|lauxlib|lualib|luajit)\.h\z/],
    },
    'tools' => {
        ours => ['engine'],
        from => [$c_library,
                 qr/\A(?:stdio|stdlib|getopt|sys\/mman|sys\/random)\.h\z/],
    },
);

# What single files may include beyond the rule of their folder.
my @exceptions = (
    [qr{\Aengine/fk_lock\.c\z}, qr/\Atime\.h\z/],
    [qr{\Angx_module/pay/(?:certificate|crypto(?:_priv)?|rsa)\.[ch]\z},
     qr/\Aopenssl\//],
    [qr{\Angx_module/journal/fj_address\.c\z}, qr/\Aarpa\/inet\.h\z/],
    [qr{\Atools/(?:journal_(?:audit|image|ledger|print|terms)|rules)\.[ch]\z},
     qr/\Ajansson\.h\z/],
    [qr{\Atools/rules\.c\z}, qr/\A(?:fl|time)\.h\z/],
    [qr{\Atools/journal_(?:connect|source)\.c\z}, qr/\Ahiredis\//],
);

sub include_error {
    my ($path, $rule, $kind, $name) = @_;

    my ($folder) = $path =~ m{\A(.*)/};
    my ($base) = $name =~ m{([^/]+)\z};

    if ($kind eq '"') {
        my $home = $home{$base};
        return "there is no $name" unless defined $home;
        return '' if $home eq $folder
                     || grep { $_ eq $home } @{ $rule->{ours} };
        return '' if grep { $_ eq $base } @{ $rule->{single} || [] };
        return '' if grep { $path =~ $_->[0] && $base =~ $_->[1] } @exceptions;
        return "$folder may not know $home ($name)";
    }

    return '' if grep { $name =~ $_ } @{ $rule->{from} };
    return '' if grep { $path =~ $_->[0] && $name =~ $_->[1] } @exceptions;
    return "<$name> is not for this file";
}

my $includes = 0;
for my $folder (sort keys %rules) {
    my @files = grep { m{\A\Q$folder\E/[^/]+\z} } @c;

    lines_ok("$folder includes only what it may", \@files, \%text, sub {
        my ($line, $path) = @_;
        return '' unless $line =~ /\A\s*#\s*include\s*(["<])([^">]+)[">]/;
        $includes++;
        return include_error($path, $rules{$folder}, $1, $2);
    });
}
ok($includes > 0, "$includes include lines were read");

# nginx's configuration sets the feature macros of the C library, so no system
# header may come before it.
verdict('nginx headers come first', map {
    my ($first) = $text{$_} =~ /^#\s*include\s*(\S+)/m;
    defined $first && $first =~ /\A</ && $first ne '<ngx_config.h>'
    ? "$_: $first" : ();
} grep { m{\Angx_module/(?:redis/)?[^/]+\z} } @c);

verdict('every C file of the product is under such a rule',
    grep { m{\A(.*)/} && !$rules{$1} }
    grep { !m{\A(?:t|bench)/} } @c);

# Code of the master runs as root, before there are workers; what a file is
# for stands in its name, and neither side includes the other's headers.
verdict('master and worker code do not include each other', map {
    my $path = $_;
    my ($other) = $path =~ /_master/ ? '_worker' : $path =~ /_worker/
                  ? '_master' : undef;
    $other && $text{$path} =~ /^\s*#\s*include\s*["<]([^">]*$other[^">]*)/m
    ? "$path: $1" : ();
} @c);


# ---- signposts ---------------------------------------------------------

verdict('every folder has a README.md',
    grep { !m{\At/lib/} && !exists $text{"$_/README.md"} }
    sort keys %folders);

done_testing;
