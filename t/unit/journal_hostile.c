/*
 * A journal and a snapshot in which somebody lies, with a good checksum: any
 * field of any image takes a value that it must not have, or one that another
 * image has; images come twice, at another place, or not at all.
 *
 * Whatever it is, reading it ends with an answer, never with an assertion, and
 * what it opens is a shop: sound, and still sound when everything that may be
 * done with a shop was done with it.  The lives and the lies are random, each
 * with its own seed, which is printed when one goes wrong.  FAKA_LONG=1 tells
 * thirty times as many.
 */

#include <signal.h>
#include <unistd.h>

#include "journal_fields.h"
#include "journal_life.h"
#include "journal_parts.h"


#define LIVES         20
#define LIES          150              /* of one life */
#define LIES_LONG     4500
#define IMAGES_MAX    4096             /* of one record */
#define DONORS        48
#define DATA_SIZE     (FK_RECORD_SIZE_MAX + PARTS_SIZE_MAX)


typedef struct {
    fk_image_type_t  type;
    uint64_t         seq;              /* behind it, in a part */
    fk_image_t       image;
} told_t;


static told_t    told[IMAGES_MAX];     /* the record that is rewritten */
static uint32_t  told_count;
static told_t    donor[FK_IMAGE_LAST][DONORS];
static uint32_t  donor_count[FK_IMAGE_LAST];
static uint8_t  *data;                 /* the stream with the lie in it */
static size_t    data_size;
static fk_t      twin;
static char      doing[128];           /* for whom an assertion kills */
static uint32_t  opened;
static uint32_t  refused;


static void
killed(int signo)
{
    ssize_t  unused;

    unused = write(STDOUT_FILENO, doing, strlen(doing));
    (void) unused;
    _exit(EXIT_FAILURE);
}


/* --- one record: its images, and its images again ----------------------- */

static int
has_seq(const told_t *t, int part)
{
    return part && fk_part_seq_size(t->type) != 0;
}


static void
record_read(const uint8_t *at, int part)
{
    size_t            used, size;
    told_t           *t;
    fk_record_head_t  head;

    fk_record_head_get(at, &head);
    shop_must(head.count < IMAGES_MAX / 2, "images");
    used = FK_RECORD_HEAD_SIZE;

    for (told_count = 0; told_count < head.count; told_count++) {
        t = &told[told_count];
        memset(&t->image, 0, sizeof(t->image));
        shop_must(fk_image_get(at + used, head.size - used, &t->type, &size,
                               &t->image) == FK_OK, "an honest image");
        used += size;
        t->seq = 0;

        if (has_seq(t, part)) {
            t->seq = fk_get(at + used, 8);
            used += 8;
        }
    }
}


static size_t
record_write(uint8_t *at, const uint8_t *was, int part)
{
    size_t            used;
    uint32_t          n;
    fk_record_head_t  head;

    fk_record_head_get(was, &head);
    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < told_count; n++) {
        used += fk_image_put(at + used, told[n].type, &told[n].image);

        if (has_seq(&told[n], part)) {
            fk_put(at + used, told[n].seq, 8);
            used += 8;
        }
    }

    while (used % FK_RECORD_ALIGN != 0) {
        at[used++] = 0;
    }

    head.size = (uint32_t) used;
    head.count = (uint16_t) told_count;
    fk_record_head_put(at, &head);
    record_seal(at);

    return used;
}


/* Images that were true once, for the lies of the others. */
static void
donors_collect(const uint8_t *from, size_t size, int part)
{
    size_t    at;
    uint32_t  n, type;

    for (at = 0; at < size; at += fk_get(from + at, 4)) {
        record_read(from + at, part);

        for (n = 0; n < told_count; n++) {
            type = told[n].type;

            if (donor_count[type] < DONORS) {
                donor[type][donor_count[type]++] = told[n];
            } else if (pick(8) == 0) {
                donor[type][pick(DONORS)] = told[n];
            }
        }
    }
}


/* --- the lies ----------------------------------------------------------- */

static uint64_t
lie_value(const field_t *f, const told_t *t)
{
    uint64_t        was;
    const uint8_t  *from;

    static const uint64_t  values[] = {
        0, 1, 2, 3, 4, FK_QTY_MAX + 1, (uint64_t) FK_AMOUNT_MAX + 1,
        INT32_MAX, UINT32_MAX, INT64_MAX, (uint64_t) INT64_MIN, UINT64_MAX
    };

    was = 0;
    memcpy(&was, (const uint8_t *) &t->image + f->offset, f->width);

    switch (pick(4)) {
    case 0:
        return was + 1;
    case 1:
        return was - 1;
    case 2:
        from = (const uint8_t *) &donor[t->type][pick(donor_count[t->type])]
                                 .image + f->offset;
        was = 0;
        memcpy(&was, from, f->width);
        return was;
    default:
        return values[pick(sizeof(values) / sizeof(values[0]))];
    }
}


static void
lie_field(told_t *t)
{
    size_t          n;
    uint64_t        value;
    const field_t  *f;

    do {
        n = pick(FIELDS_COUNT);
    } while (fields[n].type != t->type);

    f = &fields[n];
    value = lie_value(f, t);

    if (f->max != 0) {
        value %= f->max + 1u;
    }

    /* Little-endian, as the machines that run tests are. */
    memcpy((uint8_t *) &t->image + f->offset, &value, f->width);
}


static fk_image_type_t
lie_type(void)
{
    uint32_t  type;

    do {
        type = 1 + pick(FK_IMAGE_LAST - 1);
    } while (donor_count[type] == 0);

    return (fk_image_type_t) type;
}


static void
lie_insert(uint32_t at, const told_t *what)
{
    memmove(&told[at + 1], &told[at], (told_count - at) * sizeof(told[0]));
    told[at] = *what;
    told_count++;
}


static void
lie_tell(void)
{
    uint32_t         n, type;
    static told_t    other;

    n = pick(told_count);

    switch (pick(8)) {

    case 0:
        told_count--;
        memmove(&told[n], &told[n + 1], (told_count - n) * sizeof(told[0]));
        return;

    case 1:
        other = told[n];
        lie_insert(n, &other);
        return;

    case 2:
        type = told[n].type;
        other = donor[type][pick(donor_count[type])];
        told[n].image = other.image;
        return;

    case 3:
    case 4:
        type = lie_type();
        other = donor[type][pick(donor_count[type])];

        if (pick(2)) {
            lie_field(&other);
        }

        lie_insert(n + pick(2), &other);
        return;

    default:
        lie_field(&told[n]);

        if (pick(4) == 0) {
            lie_field(&told[n]);
        }
    }
}


/* The same lie about all entities of a kind, or about many of them. */
static void
lie_stubborn(const field_t *f, uint64_t value)
{
    uint32_t  n;

    for (n = 0; n < told_count; n++) {
        if (told[n].type == f->type && pick(4) != 0) {
            memcpy((uint8_t *) &told[n].image + f->offset, &value, f->width);
        }
    }
}


/* The stream once more: one to three records lie, or all from one on. */
static void
stream_lie(const uint8_t *from, size_t size, int part, uint32_t records)
{
    size_t          at, next;
    uint32_t        n, left, lies;
    uint64_t        value;
    const field_t  *stubborn;

    data_size = 0;
    left = records;
    lies = 1 + pick(3);
    stubborn = pick(4) == 0 ? &fields[pick(FIELDS_COUNT)] : NULL;
    value = stubborn != NULL && stubborn->max != 0 ? 1 + pick(2) : pick(5);

    for (at = 0; at < size; at = next) {
        next = at + fk_get(from + at, 4);

        if (stubborn != NULL && left < records / 2) {
            record_read(from + at, part);
            lie_stubborn(stubborn, value);
            data_size += record_write(data + data_size, from + at, part);

        } else if (left != 0 && pick(left) < lies) {
            lies--;
            record_read(from + at, part);

            for (n = pick(3) == 0 ? 2 : 1; n > 0 && told_count > 0; n--) {
                lie_tell();
            }

            data_size += record_write(data + data_size, from + at, part);

        } else {
            memcpy(data + data_size, from + at, next - at);
            data_size += next - at;
        }

        left--;
    }
}


static uint32_t
records_count(const uint8_t *from, size_t size)
{
    size_t    at;
    uint32_t  n;

    n = 0;

    for (at = 0; at < size; at += fk_get(from + at, 4)) {
        n++;
    }

    return n;
}


/* --- what comes of it --------------------------------------------------- */

/* Everything that may be done with a shop; no answer is wrong. */
static void
use_orders(void)
{
    uint32_t         n;
    fk_order_view_t  view;
    fk_pay_result_t  result;

    static const fk_event_t  events[] = {
        FK_EVENT_APPROVE, FK_EVENT_DENY, FK_EVENT_GIVE_UP, FK_EVENT_REFUNDED
    };

    for (n = 0; n < orders_count; n++) {
        if (fk_order_get(&shop, &orders[n], &view) != FK_OK) {
            continue;
        }

        switch (pick(4)) {
        case 0:
            (void) fk_cancel(&shop, &shop_env, &orders[n], &view);
            break;
        case 1:
            (void) shop_pay(&orders[n], "hostile", view.amount, &result,
                            &view);
            break;
        default:
            (void) fk_decide(&shop, &shop_env, &orders[n], events[pick(4)],
                             &view);
        }
    }
}


static void
use_archive(void)
{
    size_t           size;
    uint32_t         cursor, n, i;
    fk_order_id_t    ids[FK_LIST_SLICE_MAX];
    fk_order_view_t  view;
    static uint8_t   record[FK_ARCHIVE_SIZE_MAX];

    cursor = 0;

    do {
        n = fk_archive_list(&shop, &shop_env, 0, &cursor, ids,
                            FK_LIST_SLICE_MAX);

        for (i = 0; i < n; i++) {
            if (fk_archive_read(&shop, &ids[i], &view, record, sizeof(record),
                                &size) == FK_OK
                && fk_archive_drop(&shop, &shop_env, &ids[i], view.seq)
                   == FK_OK
                && pick(3) == 0)
            {
                (void) shop_restore(&shop, record, size, &view);
            }
        }
    } while (cursor != 0);
}


static int
use(void)
{
    uint8_t            results[FK_IMPORT_SLICE_MAX];
    uint32_t           n, batch, accepted;
    uint64_t           seq;
    fk_order_view_t    view;

    use_orders();
    (void) shop_tick();

    for (n = 0; n < 4; n++) {
        (void) shop_buy(skus[n], 1, &view);

        if (fk_import_begin(&shop, &shop_env, str(skus[n]), &batch) == FK_OK
            && shop_add(batch, 900000 + n * 100, 20, 100, results) == FK_OK)
        {
            (void) fk_import_commit(&shop, &shop_env, batch, &accepted, &seq);
        }

        (void) shop_buy(skus[n], 1, &view);
    }

    (void) shop_tick();
    shop_wait_s(2 * FK_HOLD_S_MAX);
    (void) shop_tick();
    use_archive();
    shop_flush();

    return shop_sound();
}


static fk_code_t
recover(const uint8_t *first, size_t first_size, const uint8_t *journal,
    size_t journal_size)
{
    char       why[256];
    size_t     at;
    fk_code_t  rc;

    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");

    if (first_size != 0) {
        rc = fk_snapshot_load(&twin, 2, 0, first, first_size, &at);
        if (rc != FK_OK) {
            return rc;
        }
    }

    rc = fk_apply(&twin, 2, 0, journal, journal_size, &at);

    return rc == FK_OK ? fk_recover_end(&twin, &shop_env, 2, 2, why,
                                        sizeof(why)) : rc;
}


static int
lie_run(uint32_t life, uint32_t n, size_t from)
{
    int          good;
    fk_t         real;
    fk_env_t     env;
    fk_code_t    rc;
    const char  *wrong;

    random_state = life * 100003 + n;
    (void) snprintf(doing, sizeof(doing),
                    "# killed by an assertion: life %u, lie %u\n", life, n);
    shop_must(fk_format(twin.base, SHOP_SIZE, shop_seed) == FK_OK
              && fk_attach(&twin, twin.base, SHOP_SIZE, &wrong) == FK_OK,
              "twin");

    switch (n % 3) {
    case 0:
        stream_lie(kept, kept_size, 0, records_count(kept, kept_size));
        rc = recover(NULL, 0, data, data_size);
        break;
    case 1:
        stream_lie(parts, parts_size, 1, records_count(parts, parts_size));
        rc = recover(data, data_size, kept + from, kept_size - from);
        break;
    default:
        stream_lie(kept + from, kept_size - from, 0,
                   records_count(kept + from, kept_size - from));
        rc = recover(parts, parts_size, data, data_size);
    }

    if (rc != FK_OK) {
        refused++;
        return rc == FK_CORRUPT || rc == FK_TABLE_FULL
               || rc == FK_INCOMPATIBLE;
    }

    /* Nobody can tell that it was a lie: then it is the truth. */
    opened++;
    real = shop;
    env = shop_env;
    shop = twin;
    good = shop_sound() && use();
    shop = real;
    shop_env = env;

    return good;
}


/* A short life with everything in it, and a snapshot in its middle. */
static void
life_make(uint32_t seed)
{
    uint32_t  type;

    life_begin(seed);
    live(150 + pick(150));
    fk_test_purse = 1 + pick(2000);
    parts_begin();

    while (parts_step() == FK_AGAIN) {
        live(1 + pick(6));
    }

    fk_test_purse = 0;
    live(pick(20));
    fk_snapshot_end(&shop, WALKER);
    live(100);
    kept_flush();
    end_imports();

    for (type = 0; type < FK_IMAGE_LAST; type++) {
        donor_count[type] = 0;
    }

    donors_collect(parts, parts_size, 1);
    donors_collect(kept, kept_size, 0);
}


int
main(void)
{
    size_t    from;
    uint32_t  life, n, lies, wrong;

    data = malloc(DATA_SIZE);
    shop_must(data != NULL, "memory");
    (void) signal(SIGABRT, killed);
    region_new(&twin, SHOP_SIZE);
    lies = getenv("FAKA_LONG") != NULL ? LIES_LONG : LIES;

    for (life = 1; life <= LIVES; life++) {
        life_make(life);
        from = kept_behind(snapshot.begin_seq);
        wrong = 0;

        for (n = 0; n < lies && wrong < 3; n++) {
            if (!lie_run(life, n, from)) {
                printf("#   life %u, lie %u\n", life, n);
                wrong++;
            }
        }

        EQ_INT(wrong, 0, "life %u: %u lies, none does harm", life, lies);
    }

    OK(refused > opened / 4 && opened > refused / 20,
       "%u were refused, %u opened a shop that is sound", refused, opened);

    return tap_done();
}
