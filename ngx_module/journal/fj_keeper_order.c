/*
 * The archive: finished orders leave the region, some at a time, once Redis
 * has them.
 *
 * They are stored by one script, so that it is all of them or none, in one
 * round trip.  An order that changes between being stored and being dropped
 * is not dropped: its number tells, and it is stored again when it is
 * finished anew.
 */

#include <stdio.h>

#include "fj_keep.h"


#define FJ_ARCHIVE_PACE_MS      4      /* between two batches */
#define FJ_ARCHIVE_EVERY_MS     1000   /* the table is looked through */
#define FJ_ARCHIVE_CALLS        16     /* of fk_archive_list a turn */
#define FJ_ARCHIVE_HURRY_S      60     /* retention of a full table */
#define FJ_ARCHIVE_FULL_PERCENT 80
#define FJ_ARCHIVE_KEY_SIZE     (FJ_KEY_SIZE + FK_ORDER_TEXT_SIZE)

/* KEYS: the orders.  ARGV: seconds to live, then their texts. */
#define FJ_ARCHIVE_SCRIPT                                                    \
    "for i = 1, #KEYS do"                                                    \
    " redis.call('SET', KEYS[i], ARGV[i + 1], 'EX', ARGV[1]) end"            \
    " return #KEYS"


typedef struct {
    char    keys[FJ_KEEPER_BATCH][FJ_ARCHIVE_KEY_SIZE];
    char   *text[FJ_KEEPER_BATCH];
    size_t  size[FJ_KEEPER_BATCH];
} fj_archive_t;


static uint32_t fj_archive_pick(fj_keeper_t *k, fk_order_id_t *ids);
static uint32_t fj_archive_retention_s(const fj_keeper_t *k);
static int fj_archive_full(const fj_keeper_t *k);
static void fj_archive_read(fj_keeper_t *k, const fk_order_id_t *ids,
    uint32_t count, fj_archive_t *archive);
static void fj_archive_send(fj_keeper_t *k, const fj_archive_t *archive);


void
fj_keeper_archive(fj_keeper_t *k)
{
    uint32_t       count;
    fj_archive_t   archive;
    fk_order_id_t  ids[FJ_KEEPER_BATCH];

    /* Nothing is dropped while a snapshot is written. */
    if (fk_snapshot_owner(k->fk) != 0) {
        return;
    }

    /* Whoever begins later stays behind, and finds what is left. */
    if (k->cursor == 0
        && !fk_duty_take(k->fk, FK_DUTY_ARCHIVE, fj_keeper_now_ms(k),
                         FJ_ARCHIVE_EVERY_MS))
    {
        return;
    }

    count = fj_archive_pick(k, ids);
    fj_archive_read(k, ids, count, &archive);

    if (k->order_count != 0) {
        k->phase = FJ_KEEPER_ARCHIVING;
        fj_archive_send(k, &archive);
    }
}


/* A large table is looked through over several turns. */

static uint32_t
fj_archive_pick(fj_keeper_t *k, fk_order_id_t *ids)
{
    uint32_t  calls, count;
    fk_env_t  env;

    env.now_ms = k->link.shell->unix_ms(k->link.data);
    count = 0;

    for (calls = 0; calls < FJ_ARCHIVE_CALLS && count == 0; calls++) {
        count = fk_archive_list(k->fk, &env, fj_archive_retention_s(k),
                                &k->cursor, ids, FJ_KEEPER_BATCH);
        if (k->cursor == 0) {
            break;
        }
    }

    return count;
}


static uint32_t
fj_archive_retention_s(const fj_keeper_t *k)
{
    return fj_archive_full(k) && k->kept->retention_s > FJ_ARCHIVE_HURRY_S
           ? FJ_ARCHIVE_HURRY_S : k->kept->retention_s;
}


static int
fj_archive_full(const fj_keeper_t *k)
{
    unsigned    i;
    fk_usage_t  usage[FK_USAGE_COUNT];

    fk_usage(k->fk, usage);

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        if (strcmp(usage[i].table, "orders") == 0) {
            return usage[i].used
                   > usage[i].capacity / 100 * FJ_ARCHIVE_FULL_PERCENT;
        }
    }

    return 0;
}


static void
fj_archive_read(fj_keeper_t *k, const fk_order_id_t *ids, uint32_t count,
    fj_archive_t *archive)
{
    char            *out;
    size_t           size, room;
    uint8_t         *record;
    uint32_t         i, n;
    fk_order_view_t  order;

    record = k->kept->room;
    out = (char *) k->kept->room + FK_ARCHIVE_SIZE_MAX;
    room = FJ_KEEPER_TEXT_MAX;
    k->order_count = 0;

    for (i = 0; i < count; i++) {

        if (fk_archive_read(k->fk, &ids[i], &order, record,
                            FK_ARCHIVE_SIZE_MAX, &size)
            != FK_OK)
        {
            continue;
        }

        n = k->order_count;
        size = k->kept->text(k->link.data, &order, record, size, out, room);

        if (size == 0) {
            /* The next look at the table finds it again. */
            break;
        }

        fj_keeper_order_key(k->conf->shop, &ids[i], archive->keys[n],
                            FJ_ARCHIVE_KEY_SIZE);
        archive->text[n] = out;
        archive->size[n] = size;
        k->order[n].id = ids[i];
        k->order[n].seq = order.seq;
        k->order_count++;

        out += size;
        room -= size;
    }
}


void
fj_keeper_order_key(const char *shop, const fk_order_id_t *id, char *key,
    size_t room)
{
    int   size;
    char  text[FK_ORDER_TEXT_SIZE];

    fk_order_id_text(id, text);

    size = snprintf(key, room, "faka:{%s}:order:%.*s", shop,
                    FK_ORDER_TEXT_SIZE, text);
    assert(size > 0 && (size_t) size < room);
}


static void
fj_archive_send(fj_keeper_t *k, const fj_archive_t *archive)
{
    char        count[16], ttl[16];
    uint32_t    i;
    fj_words_t  words;

    (void) snprintf(count, sizeof(count), "%" PRIu32, k->order_count);
    (void) snprintf(ttl, sizeof(ttl), "%" PRIu32, k->kept->archive_s);

    words.argc = 0;
    fj_words_text(&words, "EVAL");
    fj_words_text(&words, FJ_ARCHIVE_SCRIPT);
    fj_words_text(&words, count);

    for (i = 0; i < k->order_count; i++) {
        fj_words_text(&words, archive->keys[i]);
    }

    fj_words_text(&words, ttl);

    for (i = 0; i < k->order_count; i++) {
        fj_words_add(&words, archive->text[i], archive->size[i]);
    }

    fj_link_send(&k->link, FJ_COMMAND_KEEP_ORDERS, &words);
}


void
fj_keeper_on_orders(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_INTEGER
        || reply->number != (int64_t) k->order_count)
    {
        fj_link_refused(link, reply, "orders for the archive");
        return;
    }

    if (k->conf->replicas != 0) {
        fj_keeper_wait(k);
        return;
    }

    fj_keeper_drop(k);
}


/* The archive has them: they leave the region. */

void
fj_keeper_drop(fj_keeper_t *k)
{
    uint32_t  i;
    fk_env_t  env;

    env.now_ms = k->link.shell->unix_ms(k->link.data);

    for (i = 0; i < k->order_count; i++) {

        if (fk_archive_drop(k->fk, &env, &k->order[i].id, k->order[i].seq)
            == FK_OK)
        {
            fk_stat_add(k->fk, FJ_STAT_ARCHIVED, 1);
        }
    }

    /* What left is in the ring, and wants to be sent. */
    k->link.shell->wake(k->link.data);

    k->phase = FJ_KEEPER_IDLE;
    fj_keeper_again(k, fj_archive_full(k) ? 0 : FJ_ARCHIVE_PACE_MS);
}
