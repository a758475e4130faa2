/*
 * Which snapshot counts: the last one that the index says is done.
 */

#include "journal.h"


static int journal_snapshot_entry(void *data, const journal_entry_t *entry);
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


static int
journal_snapshot_entry(void *data, const journal_entry_t *entry)
{
    journal_snapshot_t     *out = data;
    const journal_field_t  *name;

    name = journal_field(entry, "done");

    if (name == NULL || name->size >= sizeof(out->name)) {
        return 0;
    }

    memcpy(out->name, name->value, name->size);
    out->name[name->size] = '\0';
    out->id = entry->id;
    out->begin_seq = journal_field_number(entry, "begin");
    out->end_seq = journal_field_number(entry, "end");
    out->parts_count = journal_field_number(entry, "parts");
    out->bytes = journal_field_number(entry, "bytes");

    return 0;
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
