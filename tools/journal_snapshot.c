/*
 * Which snapshot counts: the last one that the index says is done; and whether
 * the journal goes as far as it does.
 */

#include "journal.h"


static int journal_snapshot_entry(void *data, const journal_entry_t *entry);
static int journal_first(void *data, const journal_entry_t *entry);
static int journal_name_of(const journal_entry_t *entry, const char *field,
    char name[64]);
static uint64_t journal_field_number(const journal_entry_t *entry,
    const char *name);


void
journal_snapshot_find(journal_source_t *source, const char *shop,
    journal_snapshot_t *out)
{
    char  key[JOURNAL_KEY_SIZE_MAX];

    static const journal_id_t  start = { 0, 0 };

    memset(out, 0, sizeof(*out));
    journal_key(key, shop, "snapshots");

    (void) journal_read(source, key, &start, journal_snapshot_entry, out);
}


int
journal_snapshot_replaced(journal_source_t *source, const char *shop,
    const journal_snapshot_t *was)
{
    journal_snapshot_t  now;

    if (!journal_is_live(source)) {
        return 0;
    }

    journal_snapshot_find(source, shop, &now);
    return strcmp(now.name, was->name) != 0;
}


/*
 * As the shop itself judges it.  A snapshot that healed a lost journal counts
 * before the journal goes on.
 */

int
journal_snapshot_cut(journal_source_t *source, const char *shop,
    const journal_snapshot_t *snapshot)
{
    char          key[JOURNAL_KEY_SIZE_MAX];
    journal_id_t  top, end;

    if (snapshot->name[0] == '\0' || snapshot->heals) {
        return 0;
    }

    journal_key(key, shop, "journal");
    journal_top(source, key, &top);

    end.epoch = snapshot->id.epoch;
    end.number = snapshot->end_seq;

    if (!journal_id_after(&end, &top)) {
        return 0;
    }

    fprintf(stderr, "%s: ends at %llu-%llu, before its snapshot of "
            "%llu-%llu: it has lost what came after\n", key,
            (unsigned long long) top.epoch, (unsigned long long) top.number,
            (unsigned long long) end.epoch, (unsigned long long) end.number);

    return 1;
}


void
journal_must_be(journal_source_t *source, const char *shop)
{
    char  journal[JOURNAL_KEY_SIZE_MAX], index[JOURNAL_KEY_SIZE_MAX];

    static const journal_id_t  start = { 0, 0 };

    journal_key(journal, shop, "journal");
    journal_key(index, shop, "snapshots");

    if (journal_read(source, journal, &start, journal_first, NULL) == 0
        && journal_read(source, index, &start, journal_first, NULL) == 0)
    {
        journal_fail("there is no shop \"%s\" here: neither %s nor %s",
                     shop, journal, index);
    }
}


static int
journal_first(void *data, const journal_entry_t *entry)
{
    (void) data;
    (void) entry;

    return 1;
}


static int
journal_snapshot_entry(void *data, const journal_entry_t *entry)
{
    journal_snapshot_t  *out = data;

    if (journal_name_of(entry, "begin", out->begun)
        && journal_field(entry, "done") == NULL)
    {
        return 0;
    }

    if (!journal_name_of(entry, "done", out->name)) {
        return 0;
    }

    out->begun[0] = '\0';
    out->id = entry->id;
    out->begin_seq = journal_field_number(entry, "begin");
    out->end_seq = journal_field_number(entry, "end");
    out->parts_count = journal_field_number(entry, "parts");
    out->bytes = journal_field_number(entry, "bytes");
    out->heals = journal_field(entry, "heals") != NULL;

    return 0;
}


static int
journal_name_of(const journal_entry_t *entry, const char *field,
    char name[64])
{
    const journal_field_t  *value;

    value = journal_field(entry, field);

    if (value == NULL || value->size >= 64) {
        return 0;
    }

    memcpy(name, value->value, value->size);
    name[value->size] = '\0';

    return 1;
}


static uint64_t
journal_field_number(const journal_entry_t *entry, const char *name)
{
    uint64_t                number;
    const journal_field_t  *field;

    field = journal_field(entry, name);

    /* The readers put a NUL behind each value. */
    return field != NULL
           && journal_decimal((const char *) field->value, &number) != 0
           ? number : 0;
}
