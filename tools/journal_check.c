/*
 * Checksums, sequence and form, without a shop: every part of the snapshot
 * that counts and every record behind it stands where it must, and has images
 * that can be read.  What they add up to is the audit's.  Also here: what info
 * says, since it goes the same way.
 *
 * One thing that is wrong is said once: what follows from it is not.
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
    int              has_end;          /* the foot was the last image */
    int              cut;              /* the journal ends too early */
    int              bad;
    int              newer;
} journal_check_t;


static int journal_check(journal_source_t *source,
    const journal_options_t *options, const journal_snapshot_t *snapshot);
static void journal_check_ends(const journal_check_t *check,
    const journal_snapshot_t *snapshot, int *bad);
static int journal_check_entry(void *data, const journal_entry_t *entry);
static int journal_check_values(journal_check_t *check,
    const journal_entry_t *entry);
static int journal_check_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
static int journal_check_images(journal_check_t *check,
    const journal_place_t *place, const fk_record_head_t *head,
    const uint8_t *bytes);
static void journal_check_snapshot(journal_source_t *source,
    const journal_options_t *options, const journal_snapshot_t *snapshot,
    journal_check_t *check);
static int journal_check_part_entry(void *data,
    const journal_entry_t *entry);
static int journal_check_part(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);
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
journal_judged(const journal_place_t *place, fk_code_t code, uint32_t image)
{
    if (code == FK_INCOMPATIBLE) {
        journal_complain(place, "image %u has a type or a version that this "
                         "program does not know: a newer one wrote it",
                         image);
        return JOURNAL_NEWER;
    }

    journal_complain(place, "image %u does not fit its own sizes", image);
    return JOURNAL_BAD;
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
            return JOURNAL_BAD;
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
    int                 n, status;
    journal_snapshot_t  snapshot;

    for (n = 0; n <= JOURNAL_RESTARTS_MAX; n++) {
        journal_snapshot_find(source, options->shop, &snapshot);
        status = journal_check(source, options, &snapshot);

        if (status == JOURNAL_GOOD
            || !journal_snapshot_replaced(source, options->shop, &snapshot))
        {
            return status;
        }

        fprintf(stderr, "a new snapshot counts by now, and what was before "
                "it is being removed: looking again\n");
    }

    journal_fail("the shop replaces its snapshots faster than they can be "
                 "read; dump it, and check the dump");
}


static int
journal_check(journal_source_t *source, const journal_options_t *options,
    const journal_snapshot_t *snapshot)
{
    char             key[JOURNAL_KEY_SIZE_MAX];
    journal_check_t  check;

    static const journal_id_t  start = { 0, 0 };

    memset(&check, 0, sizeof(check));

    if (snapshot->name[0] != '\0') {
        journal_check_snapshot(source, options, snapshot, &check);
        check.covered_seq = snapshot->begin_seq;
    }

    check.next_seq = 0;
    check.last_id = start;
    check.cut = journal_snapshot_cut(source, options->shop, snapshot);
    check.bad = check.bad || check.cut;
    journal_key(key, options->shop, "journal");
    check.place.key = key;

    (void) journal_read(source, key, &start, journal_check_entry, &check);
    journal_check_ends(&check, snapshot, &check.bad);

    printf("%s: %llu entries, %llu bytes, records %llu to %llu, %llu of them "
           "repeated, snapshot of record %llu in %llu parts: %s\n", key,
           (unsigned long long) check.entry_count,
           (unsigned long long) check.bytes,
           (unsigned long long) check.first_seq,
           (unsigned long long) check.last_seq,
           (unsigned long long) check.repeated_count,
           (unsigned long long) snapshot->begin_seq,
           (unsigned long long) check.part_count,
           check.bad ? "DAMAGED" : check.newer ? "INCOMPATIBLE" : "ok");

    return check.bad ? JOURNAL_BAD : check.newer ? JOURNAL_NEWER
                                                 : JOURNAL_GOOD;
}


/* Where the journal begins and ends: what no entry can show. */

static void
journal_check_ends(const journal_check_t *check,
    const journal_snapshot_t *snapshot, int *bad)
{
    if (check->first_seq > check->covered_seq + 1) {
        fprintf(stderr, "%s: records %llu to %llu are missing: neither the "
                "snapshot nor the journal has them\n", check->place.key,
                (unsigned long long) check->covered_seq + 1,
                (unsigned long long) check->first_seq - 1);
        *bad = 1;
    }

    if (!check->cut && check->last_seq < snapshot->end_seq
        && check->covered_seq < snapshot->end_seq)
    {
        fprintf(stderr, "%s %llu-%llu: ends at record %llu, and the snapshot "
                "needs it up to %llu\n", check->place.key,
                (unsigned long long) check->last_id.epoch,
                (unsigned long long) check->last_id.number,
                (unsigned long long) check->last_seq,
                (unsigned long long) snapshot->end_seq);
        *bad = 1;
    }
}


static int
journal_check_entry(void *data, const journal_entry_t *entry)
{
    uint64_t         reached;
    journal_check_t *check = data;

    check->place.id = entry->id;
    check->place.offset = 0;
    check->entry_count++;

    /* Redis never takes such an id; what was put together by hand may. */
    if (!journal_id_after(&entry->id, &check->last_id)) {
        journal_complain(&check->place, "stands behind %llu-%llu, which is "
                         "%s", (unsigned long long) check->last_id.epoch,
                         (unsigned long long) check->last_id.number,
                         entry->id.epoch < check->last_id.epoch
                         ? "of a later owner's epoch" : "not before it");
        check->bad = 1;
        return 0;
    }

    check->last_id = entry->id;

    if (journal_check_values(check, entry) != 0) {
        check->bad = 1;

        /* Which one it begins with cannot be read: the right one. */
        if (check->first_seq == 0) {
            check->first_seq = check->covered_seq + 1;
        }

    } else {
        reached = check->last_seq > check->covered_seq ? check->last_seq
                                                       : check->covered_seq;
        if (entry->id.number <= reached) {
            return 0;
        }

        check->place.offset = 0;
        journal_complain(&check->place, "promises records up to %llu, and "
                         "the last one is %llu",
                         (unsigned long long) entry->id.number,
                         (unsigned long long) reached);
        check->bad = 1;
    }

    /* The id says how far the records went, whatever can be read of them. */
    if (entry->id.number > check->last_seq) {
        check->last_seq = entry->id.number;
        check->next_seq = entry->id.number + 1;
    }

    return 0;
}


static int
journal_check_values(journal_check_t *check, const journal_entry_t *entry)
{
    int       rc;
    uint32_t  i;

    for (i = 0; i < entry->field_count; i++) {
        if (strcmp(entry->field[i].name, "b") != 0) {
            continue;
        }

        check->bytes += entry->field[i].size;

        rc = journal_records(&check->place, entry->field[i].value,
                             entry->field[i].size, journal_check_record,
                             check);
        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
journal_check_record(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    journal_check_t *check = data;

    if (check->record_count++ == 0 && check->first_seq == 0) {
        check->first_seq = head->seq;
    }

    if (head->seq < check->next_seq) {
        check->repeated_count++;
        return 0;
    }

    if (check->next_seq != 0 && head->seq != check->next_seq
        && head->seq > check->covered_seq + 1)
    {
        journal_complain(place, "record %llu follows %llu: what was between "
                         "them is missing", (unsigned long long) head->seq,
                         (unsigned long long) check->next_seq - 1);
        check->bad = 1;
    }

    check->next_seq = head->seq + 1;
    check->last_seq = head->seq;

    if (head->version != FK_RECORD_VERSION) {
        journal_complain(place, "record %llu is of version %u, which this "
                         "program does not know: a newer one wrote it",
                         (unsigned long long) head->seq, head->version);
        check->newer = 1;
        return 0;
    }

    return journal_check_images(check, place, head, bytes);
}


/* 1: the bytes make no sense. */

static int
journal_check_images(journal_check_t *check, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    size_t           used, size;
    uint32_t         n;
    uint64_t         seq;
    fk_code_t        code;
    fk_image_t       image;
    fk_image_type_t  type;

    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < head->count; n++) {
        code = head->version == FK_RECORD_VERSION_PART
               ? fk_part_image(bytes + used, head->size - used, &type, &size,
                               &image, &seq)
               : fk_image_get(bytes + used, head->size - used, &type, &size,
                              &image);

        if (code != FK_OK) {
            if (journal_judged(place, code, n) == JOURNAL_BAD) {
                return 1;
            }

            check->newer = 1;
            return 0;
        }

        check->has_end = type == FK_IMAGE_SNAPSHOT_END;
        used += size;
    }

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
        journal_complain(&check->place, "%llu parts end here, and the index "
                         "says %llu", (unsigned long long) check->part_count,
                         (unsigned long long) snapshot->parts_count);
        check->bad = 1;

    } else if (!check->has_end && !check->newer) {
        journal_complain(&check->place, "the snapshot's end is not in its "
                         "last part");
        check->bad = 1;
    }
}


static int
journal_check_part_entry(void *data, const journal_entry_t *entry)
{
    journal_check_t        *check = data;
    const journal_field_t  *field;

    check->place.id = entry->id;
    check->place.offset = 0;
    field = journal_field(entry, "p");

    if (field == NULL) {
        journal_complain(&check->place, "no parts in it");
        check->bad = 1;
        return 0;
    }

    if (journal_records(&check->place, field->value, field->size,
                        journal_check_part, check)
        != 0)
    {
        /* How many parts were in it, nobody knows: the next one says. */
        check->next_seq = 0;
        check->bad = 1;
    }

    return 0;
}


static int
journal_check_part(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes)
{
    journal_check_t *check = data;

    if (check->next_seq != 0 && head->seq != check->next_seq) {
        journal_complain(place, "part %llu stands where part %llu should",
                         (unsigned long long) head->seq,
                         (unsigned long long) check->next_seq);
        check->bad = 1;
    }

    check->next_seq = head->seq + 1;
    check->part_count = head->seq;

    if (head->version != FK_RECORD_VERSION_PART) {
        if (head->version >> 8 != FK_RECORD_VERSION_PART >> 8) {
            journal_complain(place, "this is no part of a snapshot");
            return 1;
        }

        journal_complain(place, "part %llu is of version %u, which this "
                         "program does not know: a newer one wrote it",
                         (unsigned long long) head->seq, head->version);
        check->newer = 1;
        return 0;
    }

    return journal_check_images(check, place, head, bytes);
}


int
journal_cmd_info(journal_source_t *source, const journal_options_t *options)
{
    char                key[JOURNAL_KEY_SIZE_MAX];
    journal_id_t        top;
    journal_check_t     info;
    journal_snapshot_t  snapshot;

    static const journal_id_t  start = { 0, 0 };

    memset(&info, 0, sizeof(info));
    journal_key(key, options->shop, "journal");
    (void) journal_read(source, key, &start, journal_info_entry, &info);
    journal_top(source, key, &top);

    printf("%s: %llu entries, %llu bytes, last id %llu-%llu\n", key,
           (unsigned long long) info.entry_count,
           (unsigned long long) info.bytes,
           (unsigned long long) top.epoch, (unsigned long long) top.number);

    journal_snapshot_find(source, options->shop, &snapshot);

    if (snapshot.begun[0] != '\0') {
        printf("snapshot %s: begun, and does not count\n", snapshot.begun);
    }

    if (snapshot.name[0] == '\0') {
        printf("no snapshot counts\n");
        return JOURNAL_GOOD;
    }

    printf("snapshot %s: records %llu to %llu, %llu parts, %llu bytes\n",
           snapshot.name, (unsigned long long) snapshot.begin_seq,
           (unsigned long long) snapshot.end_seq,
           (unsigned long long) snapshot.parts_count,
           (unsigned long long) snapshot.bytes);

    return JOURNAL_GOOD;
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

    return 0;
}
