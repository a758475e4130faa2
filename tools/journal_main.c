/*
 * faka-journal: an operator's microscope for a shop's journal.  It reads the
 * journal and the snapshots out of Redis, or out of a file that it dumped
 * before, and shows, checks and recomputes them with the engine's own code.
 *
 * It only reads: neither Redis nor a running shop notices it.
 */

#include <getopt.h>
#include <stdlib.h>

#include "journal.h"


/* The options that say what is wanted of a journal; the others say where it
 * is, and each command takes them. */
#define JOURNAL_ASKED       "aboSlm"

#define JOURNAL_OPTION_MAX  128        /* a letter each */


typedef struct {
    const char  *name;
    int        (*run)(journal_source_t *source,
        const journal_options_t *options);
    const char  *takes;                /* of JOURNAL_ASKED */
    const char  *text;
} journal_command_t;

/* How an option stands to another one. */
typedef struct {
    int  option;
    int  other;
    int  wanted;                       /* the other: needed, or refused */
} journal_pair_t;


static int journal_option(journal_options_t *options, int c,
    const char *value);
static void journal_fits(const journal_command_t *command,
    const char given[JOURNAL_OPTION_MAX]);
static const char *journal_option_name(int c);
static void journal_usage(FILE *out);
static uint64_t journal_number(const char *option, const char *text);
static size_t journal_size(const char *text);
static const journal_command_t *journal_command(const char *name);


static const journal_command_t  journal_commands[] = {
    { "info", journal_cmd_info, "",
      "what there is: streams, ids, the snapshot that counts" },
    { "print", journal_cmd_print, "aboS",
      "every record as one line of JSON" },
    { "check", journal_cmd_check, "",
      "checksums and sequence, of the snapshot and of all that follows" },
    { "audit", journal_cmd_audit, "blm",
      "the shop recovered in memory and audited; --live compares" },
    { "dump", journal_cmd_dump, "",
      "all that recovery needs, as commands for redis-cli --pipe, to stdout;\n"
      "         archived orders (faka:{SHOP}:order:*) are not in it" }
};

static const struct option  journal_names[] = {
    { "redis",         required_argument, NULL, 'r' },
    { "sentinel",      required_argument, NULL, 's' },
    { "sentinel-user", required_argument, NULL, 'U' },
    { "sentinel-password-file", required_argument, NULL, 'P' },
    { "user",          required_argument, NULL, 'u' },
    { "password-file", required_argument, NULL, 'p' },
    { "db",            required_argument, NULL, 'n' },
    { "file",          required_argument, NULL, 'f' },
    { "from",          required_argument, NULL, 'a' },
    { "to",            required_argument, NULL, 'b' },
    { "order",         required_argument, NULL, 'o' },
    { "snapshot",      no_argument,       NULL, 'S' },
    { "live",          required_argument, NULL, 'l' },
    { "memory",        required_argument, NULL, 'm' },
    { "help",          no_argument,       NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static const journal_pair_t  journal_pairs[] = {
    { 'r', 'f', 0 },
    { 's', 'f', 0 },
    { 'u', 'f', 0 },
    { 'p', 'f', 0 },
    { 'n', 'f', 0 },
    { 'b', 'l', 0 },
    { 'u', 'p', 1 },
    { 'U', 's', 1 },
    { 'P', 's', 1 },
    { 'U', 'P', 1 }
};

#define JOURNAL_PAIR_COUNT                                                   \
    (sizeof(journal_pairs) / sizeof(journal_pairs[0]))

#define JOURNAL_COMMAND_COUNT                                                \
    (sizeof(journal_commands) / sizeof(journal_commands[0]))


int
main(int argc, char **argv)
{
    int                       c, status;
    char                      given[JOURNAL_OPTION_MAX];
    journal_source_t         *source;
    journal_options_t         options;
    const journal_command_t  *command;

    memset(given, 0, sizeof(given));
    memset(&options, 0, sizeof(options));
    options.to_seq = UINT64_MAX;
    options.memory = (size_t) 256 << 20;

    while ((c = getopt_long(argc, argv, "h", journal_names, NULL)) != -1) {
        if (c == 'h') {
            journal_usage(stdout);
            return JOURNAL_GOOD;
        }

        if (!journal_option(&options, c, optarg)) {
            journal_usage(stderr);
            return JOURNAL_UNREADABLE;
        }

        given[c] = 1;
    }

    if (argc - optind != 2) {
        journal_usage(stderr);
        return JOURNAL_UNREADABLE;
    }

    options.shop = argv[optind];
    command = journal_command(argv[optind + 1]);
    journal_fits(command, given);

    if (strlen(options.shop) == 0 || strlen(options.shop) > 32) {
        journal_fail("\"%s\" is no shop's name", options.shop);
    }

    if (options.address_count == 0) {
        options.address[options.address_count++] = "127.0.0.1:6379";
    }

    source = journal_open(&options);
    journal_must_be(source, options.shop);
    status = command->run(source, &options);
    journal_close(source);

    return status;
}


static int
journal_option(journal_options_t *options, int c, const char *value)
{
    switch (c) {
    case 'r':
        if (options->address_count == JOURNAL_ADDRESSES_MAX) {
            journal_fail("more than %d addresses; some of them will do",
                         JOURNAL_ADDRESSES_MAX);
        }

        options->address[options->address_count++] = value;
        return 1;
    case 's':
        options->sentinel = value;
        return 1;
    case 'U':
        options->sentinel_user = value;
        return 1;
    case 'P':
        options->sentinel_password_file = value;
        return 1;
    case 'S':
        options->snapshot = 1;
        return 1;
    case 'u':
        options->user = value;
        return 1;
    case 'p':
        options->password_file = value;
        return 1;
    case 'n':
        options->db = (int) journal_number("--db", value);
        return 1;
    case 'f':
        options->file = value;
        return 1;
    case 'a':
        options->from_seq = journal_number("--from", value);
        return 1;
    case 'b':
        options->to_seq = journal_number("--to", value);
        return 1;
    case 'o':
        options->order = value;
        return 1;
    case 'l':
        options->live = value;
        return 1;
    case 'm':
        options->memory = journal_size(value);
        return 1;
    default:
        return 0;
    }
}


/* Who gives what is not used believes in an answer that he has not got. */

static void
journal_fits(const journal_command_t *command,
    const char given[JOURNAL_OPTION_MAX])
{
    size_t                 i;
    const char            *c;
    const journal_pair_t  *pair;

    for (c = JOURNAL_ASKED; *c != '\0'; c++) {
        if (given[(int) *c] && strchr(command->takes, *c) == NULL) {
            journal_fail("--%s is of no use to %s; see faka-journal --help",
                         journal_option_name(*c), command->name);
        }
    }

    for (i = 0; i < JOURNAL_PAIR_COUNT; i++) {
        pair = &journal_pairs[i];

        if (given[pair->option] && given[pair->other] != pair->wanted) {
            journal_fail("--%s is of no use %s --%s",
                         journal_option_name(pair->option),
                         pair->wanted ? "without" : "beside",
                         journal_option_name(pair->other));
        }
    }
}


static const char *
journal_option_name(int c)
{
    size_t  i;

    i = 0;

    /* Each letter has its row. */
    while (journal_names[i].val != c) {
        i++;
    }

    return journal_names[i].name;
}


static void
journal_usage(FILE *out)
{
    size_t  i;

    fprintf(out,
            "usage: faka-journal [OPTIONS] SHOP COMMAND\n\n"
            "commands:\n");

    for (i = 0; i < JOURNAL_COMMAND_COUNT; i++) {
        fprintf(out, "  %-6s %s\n", journal_commands[i].name,
                journal_commands[i].text);
    }

    fprintf(out,
            "\nwhere it is:\n"
            "  --redis ADDRESS          unix:PATH or HOST[:PORT], default "
            "127.0.0.1:6379;\n"
            "                           again for each further one: nodes of "
            "a cluster,\n"
            "                           sentinels\n"
            "  --user NAME  --password-file FILE  --db NUMBER\n"
            "  --sentinel MASTER        the addresses are of sentinels, which "
            "call it so\n"
            "  --sentinel-user NAME  --sentinel-password-file FILE\n"
            "  --file FILE              a dump instead of Redis\n"
            "\nwhat of it:\n"
            "  --from SEQ               print: from this record on\n"
            "  --to SEQ                 print, audit: up to this one\n"
            "  --order ID               print: what names this order\n"
            "  --snapshot               print: the snapshot's parts before "
            "the records\n"
            "  --live FILE              audit: what GET /admin/audit gave, "
            "- for stdin\n"
            "  --memory SIZE            audit: like the shop's, default "
            "256m\n"
            "\nEnds with 0; with 1 if something is wrong with the journal, "
            "it ends before\n--to, or the sums differ; with 2 if it could "
            "not be read, or an option is of no\nuse; with 3 if a newer "
            "version wrote it.\n");
}


static const journal_command_t *
journal_command(const char *name)
{
    size_t  i;

    for (i = 0; i < JOURNAL_COMMAND_COUNT; i++) {
        if (strcmp(journal_commands[i].name, name) == 0) {
            return &journal_commands[i];
        }
    }

    journal_fail("there is no command \"%s\"; see faka-journal --help", name);
}


static uint64_t
journal_number(const char *option, const char *text)
{
    size_t    size;
    uint64_t  number;

    size = journal_decimal(text, &number);

    if (size == 0 || text[size] != '\0') {
        journal_fail("%s wants a number, not \"%s\"", option, text);
    }

    return number;
}


static size_t
journal_size(const char *text)
{
    size_t    digits;
    uint64_t  size;

    digits = journal_decimal(text, &size);

    if (digits != 0 && size <= FK_REGION_SIZE_MAX) {
        size <<= strcmp(text + digits, "g") == 0 ? 30
                 : strcmp(text + digits, "m") == 0 ? 20 : 0;
    }

    if (digits == 0 || (text[digits] != '\0' && text[digits + 1] != '\0')
        || size < FK_REGION_SIZE_MIN || size > FK_REGION_SIZE_MAX)
    {
        journal_fail("--memory wants a size such as 256m or 4g, not \"%s\"",
                     text);
    }

    return (size_t) size;
}


void
journal_fail(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    fputs("faka-journal: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);

    exit(JOURNAL_UNREADABLE);
}
