/*
 * Checksums and sequence, without a shop: every part of the snapshot that
 * counts and every record behind it stands where it must.  Also here: what
 * info says, since it goes the same way.
 *
 * A record may stand in the journal more than once, when the reply to its
 * batch was lost; that is no damage, and is counted.
 */

#include "journal.h"


typedef struct {
    journal_place_t  place;
    uint64_t         next_seq;         /* 0: whatever comes first */
    uint64_t         covered_seq;      /* the snapshot has all up to here */
    uint64_t         first_seq;
    uint64_t         last_seq;
    uint64_t         record_count;
    uint64_t         repeated_count;
    uint64_t         entry_count;
    uint64_t         bytes;
    uint64_t         part_count;
    journal_id_t     last_id;
    int              bad;
} journal_check_t;


static int journal_check_entry(void *data, const journal_entry_t *entry);
static int journal_check_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
static int journal_check_part_entry(void *data,
    const journal_entry_t *entry);
static int journal_check_part(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
static void journal_check_snapshot(journal_source_t *source,
    const journal_options_t *options, const journal_snapshot_t *snapshot,
    journal_check_t *check);
static int journal_info_entry(void *data, const journal_entry_t *entry);


void
journal_complain(const journal_place_t *place, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    fprintf(stderr, "%s %llu-%llu, byte %zu: ", place->key,
            (unsigned long long) place->id.epoch,
            (unsigned long long) place->id.number, place->offset);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}


int
journal_records(const journal_place_t *at, const uint8_t *value, size_t size,
    journal_record_pt fn, void *data)
{
    int               rc;
    size_t            done;
    fk_code_t         code;
    journal_place_t   place;
    fk_record_head_t  head;

    place = *at;

    for (done = 0; done < size; done += head.size) {
        place.offset = done;
        code = fk_record_judge(value + done, size - done, &head);

        if (code != FK_OK) {
            journal_complain(&place, "no whole record with a good checksum "
                             "begins here, of %zu bytes that are left",
                             size - done);
            return 1;
        }

        rc = fn(data, &place, &head, value + done);
        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


int
journal_cmd_check(journal_source_t *source,
    const journal_options_t *options)
{
    char                key[JOURNAL_KEY_SIZE_MAX];
    journal_check_t     check;
    journal_snapshot_t  snapshot;

    static const journal_id_t  start = { 0, 0 };

    memset(&check, 0, sizeof(check));
    journal_snapshot_find(source, options->shop, &snapshot);

    if (snapshot.name[0] != '\0') {
        journal_check_snapshot(source, options, &snapshot, &check);
        check.covered_seq = snapshot.begin_seq;
    }

    check.next_seq = 0;
    journal_key(key, options->shop, "journal");
    check.place.key = key;

    (void) journal_read(source, key, &start, journal_check_entry, &check);

    if (check.first_seq > check.covered_seq + 1) {
        fprintf(stderr, "%s: records %llu to %llu are missing: neither the "
                "snapshot nor the journal has them\n", key,
                (unsigned long long) check.covered_seq + 1,
                (unsigned long long) check.first_seq - 1);
        check.bad = 1;
    }

    if (check.last_seq < snapshot.end_seq
        && snapshot.begin_seq != snapshot.end_seq)
    {
        fprintf(stderr, "%s: ends at record %llu, and the snapshot needs it "
                "up to %llu\n", key, (unsigned long long) check.last_seq,
                (unsigned long long) snapshot.end_seq);
        check.bad = 1;
    }

    printf("%s: %llu entries, %llu bytes, records %llu to %llu, %llu of them "
           "repeated, snapshot of record %llu in %llu parts: %s\n", key,
           (unsigned long long) check.entry_count,
           (unsigned long long) check.bytes,
           (unsigned long long) check.first_seq,
           (unsigned long long) check.last_seq,
           (unsigned long long) check.repeated_count,
           (unsigned long long) snapshot.begin_seq,
           (unsigned long long) check.part_count,
           check.bad ? "DAMAGED" : "ok");

    return check.bad;
}


static int
journal_check_entry(void *data, const journal_entry_t *entry)
{
    uint32_t         i;
    journal_check_t *check = data;

    check->place.id = entry->id;
    check->entry_count++;

    for (i = 0; i < entry->field_count; i++) {
        if (strcmp(entry->field[i].name, "b") != 0) {
            continue;
        }

        check->bytes += entry->field[i].size;

        if (journal_records(&check->place, entry->field[i].value,
                            entry->field[i].size, journal_check_record,
                            check)
            != 0)
        {
            check->bad = 1;
        }
    }

    /* The id promises the last record that the journal has by then. */
    if (entry->id.number > check->last_seq && check->last_seq != 0
        && journal_field(entry, "b") != NULL)
    {
        journal_complain(&check->place, "ends at record %llu",
                         (unsigned long long) check->last_seq);
        check->bad = 1;
    }

    check->last_id = entry->id;
    return 0;
}


static int
journal_check_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    journal_check_t *check = data;

    (void) bytes;

    if (check->record_count++ == 0) {
        check->first_seq = head->seq;

    } else if (head->seq < check->next_seq) {
        check->repeated_count++;
        return 0;

    } else if (head->seq != check->next_seq
               && head->seq > check->covered_seq + 1)
    {
        journal_complain(place, "record %llu follows %llu: what was between "
                         "them is missing", (unsigned long long) head->seq,
                         (unsigned long long) check->next_seq - 1);
        check->bad = 1;
    }

    check->next_seq = head->seq + 1;
    check->last_seq = head->seq;

    return 0;
}


static void
journal_check_snapshot(journal_source_t *source,
    const journal_options_t *options, const journal_snapshot_t *snapshot,
    journal_check_t *check)
{
    char  part[80], key[JOURNAL_KEY_SIZE_MAX];

    static const journal_id_t  start = { 0, 0 };

    (void) snprintf(part, sizeof(part), "snapshot:%s", snapshot->name);
    journal_key(key, options->shop, part);

    check->place.key = key;
    check->next_seq = 1;

    (void) journal_read(source, key, &start, journal_check_part_entry,
                        check);

    if (check->part_count != snapshot->parts_count) {
        fprintf(stderr, "%s: %llu parts, and the index says %llu\n", key,
                (unsigned long long) check->part_count,
                (unsigned long long) snapshot->parts_count);
        check->bad = 1;
    }
}


static int
journal_check_part_entry(void *data, const journal_entry_t *entry)
{
    journal_check_t        *check = data;
    const journal_field_t  *field;

    check->place.id = entry->id;
    field = journal_field(entry, "p");

    if (field == NULL
        || journal_records(&check->place, field->value, field->size,
                           journal_check_part, check)
           != 0)
    {
        check->bad = 1;
    }

    return 0;
}


static int
journal_check_part(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    journal_check_t *check = data;

    (void) bytes;

    if (head->version != FK_RECORD_VERSION_PART
        || head->seq != check->next_seq)
    {
        journal_complain(place, "part %llu stands where part %llu should",
                         (unsigned long long) head->seq,
                         (unsigned long long) check->next_seq);
        check->bad = 1;
    }

    check->next_seq = head->seq + 1;
    check->part_count++;

    return 0;
}


int
journal_cmd_info(journal_source_t *source, const journal_options_t *options)
{
    char                key[JOURNAL_KEY_SIZE_MAX];
    journal_check_t     info;
    journal_snapshot_t  snapshot;

    static const journal_id_t  start = { 0, 0 };

    memset(&info, 0, sizeof(info));
    journal_key(key, options->shop, "journal");
    (void) journal_read(source, key, &start, journal_info_entry, &info);

    printf("%s: %llu entries, %llu bytes, last id %llu-%llu\n", key,
           (unsigned long long) info.entry_count,
           (unsigned long long) info.bytes,
           (unsigned long long) info.last_id.epoch,
           (unsigned long long) info.last_id.number);

    journal_snapshot_find(source, options->shop, &snapshot);

    if (snapshot.name[0] == '\0') {
        printf("no snapshot\n");
        return 0;
    }

    printf("snapshot %s: records %llu to %llu, %llu parts, %llu bytes\n",
           snapshot.name, (unsigned long long) snapshot.begin_seq,
           (unsigned long long) snapshot.end_seq,
           (unsigned long long) snapshot.parts_count,
           (unsigned long long) snapshot.bytes);

    return 0;
}


static int
journal_info_entry(void *data, const journal_entry_t *entry)
{
    uint32_t         i;
    journal_check_t *info = data;

    for (i = 0; i < entry->field_count; i++) {
        info->bytes += entry->field[i].size;
    }

    info->entry_count++;
    info->last_id = entry->id;

    return 0;
}
