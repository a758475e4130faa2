/*
 * The dump: all that recovery needs, as commands that redis-cli --pipe takes.
 * Restored into an empty Redis it is the shop as it was, also with a journal
 * of which a snapshot has left nothing but its last id.
 *
 * Beside that the strays, payments for which there is no order: of no use to
 * recovery, but no other copy of the shop has them.
 *
 * Not in it: the archived orders, which are keys of their own and of no use
 * to recovery, and the owner's sign of life.
 */

#include "journal.h"


typedef struct {
    const char    *key;
    journal_id_t   last_id;
} journal_dump_t;


static void journal_dump_stream(journal_source_t *source, const char *shop,
    const char *part);
static void journal_dump_top(const journal_dump_t *dump,
    const journal_id_t *top);
static int journal_dump_entry(void *data, const journal_entry_t *entry);
static int journal_dump_stray(void *data, const journal_entry_t *entry);
static void journal_dump_command(const char *name, uint32_t word_count,
    const char *key, const journal_id_t *id);
static void journal_dump_word(const void *data, size_t size);


/*
 * The snapshot, then what makes it count, then the journal: so a shop that
 * goes on selling can only spoil it by another snapshot that counts.
 */

int
journal_cmd_dump(journal_source_t *source, const journal_options_t *options)
{
    char                part[80], key[JOURNAL_KEY_SIZE_MAX];
    journal_snapshot_t  snapshot;

    journal_snapshot_find(source, options->shop, &snapshot);

    if (snapshot.name[0] != '\0') {
        (void) snprintf(part, sizeof(part), "snapshot:%s", snapshot.name);
        journal_dump_stream(source, options->shop, part);
    }

    journal_dump_stream(source, options->shop, "snapshots");
    journal_dump_stream(source, options->shop, "journal");

    journal_key(key, options->shop, "strays");
    (void) journal_read_hash(source, key, journal_dump_stray, key);

    if (journal_snapshot_replaced(source, options->shop, &snapshot)) {
        journal_fail("a new snapshot counts by now, so this dump does not "
                     "belong together; dump again");
    }

    printf("*2\r\n");
    journal_dump_word("ECHO", 4);
    journal_dump_word(options->shop, strlen(options->shop));

    if (fflush(stdout) != 0 || ferror(stdout)) {
        journal_fail("the dump cannot be written");
    }

    return JOURNAL_GOOD;
}


/* The top comes before the entries: a shop that sells adds more meanwhile, and
 * the dump must not promise what it has not. */

static void
journal_dump_stream(journal_source_t *source, const char *shop,
    const char *part)
{
    char            key[JOURNAL_KEY_SIZE_MAX];
    journal_id_t    top;
    journal_dump_t  dump;

    static const journal_id_t  start = { 0, 0 };

    journal_key(key, shop, part);
    dump.key = key;
    dump.last_id = start;

    journal_top(source, key, &top);
    (void) journal_read(source, key, &start, journal_dump_entry, &dump);

    if (journal_id_after(&top, &dump.last_id)) {
        journal_dump_top(&dump, &top);
    }
}


/* XSETID would do in one command, but needs a stream that is there. */

static void
journal_dump_top(const journal_dump_t *dump, const journal_id_t *top)
{
    journal_dump_command("XADD", 5, dump->key, top);
    journal_dump_word(JOURNAL_FIELD_TOP, strlen(JOURNAL_FIELD_TOP));
    journal_dump_word("", 0);
    journal_dump_command("XDEL", 3, dump->key, top);
}


static int
journal_dump_entry(void *data, const journal_entry_t *entry)
{
    uint32_t         i;
    journal_dump_t  *dump = data;

    dump->last_id = entry->id;
    journal_dump_command("XADD", 3 + 2 * entry->field_count, dump->key,
                         &entry->id);

    for (i = 0; i < entry->field_count; i++) {
        journal_dump_word(entry->field[i].name,
                          strlen(entry->field[i].name));
        journal_dump_word(entry->field[i].value, entry->field[i].size);
    }

    return 0;
}


static int
journal_dump_stray(void *data, const journal_entry_t *entry)
{
    const char *key = data;

    printf("*4\r\n");
    journal_dump_word("HSET", 4);
    journal_dump_word(key, strlen(key));
    journal_dump_word(entry->field[0].name, strlen(entry->field[0].name));
    journal_dump_word(entry->field[0].value, entry->field[0].size);

    return 0;
}


/* Its first three words, of as many as it will have. */

static void
journal_dump_command(const char *name, uint32_t word_count, const char *key,
    const journal_id_t *id)
{
    int   size;
    char  text[64];

    size = snprintf(text, sizeof(text), "%llu-%llu",
                    (unsigned long long) id->epoch,
                    (unsigned long long) id->number);

    printf("*%u\r\n", word_count);
    journal_dump_word(name, strlen(name));
    journal_dump_word(key, strlen(key));
    journal_dump_word(text, (size_t) size);
}


static void
journal_dump_word(const void *data, size_t size)
{
    printf("$%zu\r\n", size);
    (void) fwrite(data, 1, size, stdout);
    printf("\r\n");
}
