/*
 * The archive's first half: finished orders are stored in Redis, some at a
 * time.  That they leave the region then is fj_keeper_drop.c's.
 *
 * They are stored by one script, in one round trip.  It runs inside of Redis,
 * so nothing comes between its looking and its storing:
 *
 *   the fence    a later epoch in the index, which each takeover writes to,
 *                and nothing is stored; the reply is that epoch.
 *   the version  {"epoch":E,"seq":N, is how each text begins.  Within an
 *                epoch no order is replaced by an older state of itself; a
 *                later owner's word stands against any older one's.
 *
 * So neither a server nor a worker that slept, and goes on where it stood,
 * brings back what an order once was.
 */

#include <stdio.h>

#include "fj_keep.h"


#define FJ_ARCHIVE_EVERY_MS     1000   /* the table is looked through */
#define FJ_ARCHIVE_CALLS        16     /* of fk_archive_list a turn */
#define FJ_ARCHIVE_HURRY_S      60     /* retention of a full table */
#define FJ_ARCHIVE_FULL_PERCENT 80

/*
 * KEYS: index, journal, the orders.  ARGV: epoch, seconds to live, the texts.
 * Decimals without leading zeros are compared as such: Lua's own numbers are
 * exact up to 2^53 only.  Where the index was deleted the journal knows the
 * epoch, at the price of its two largest entries.  An error of an inner
 * command is the script's: who may not look stores nothing.
 */
#define FJ_ARCHIVE_SCRIPT                                                    \
    "local function no(word, reply)"                                         \
    " return redis.error_reply("                                             \
    "  'ERR ' .. word .. ' in the script: ' .. reply.err) end "              \
    "local function top(key)"                                                \
    " local info = redis.pcall('XINFO', 'STREAM', key)"                      \
    " if info.err then"                                                      \
    "  if string.find(info.err, 'no such key', 1, true) then return nil end" \
    "  return no('XINFO', info) end"                                         \
    " for i = 1, #info, 2 do"                                                \
    "  if info[i] == 'last-generated-id' then"                               \
    "   return string.match(info[i + 1], '^%d+') end end end "               \
    "local function later(a, b)"                                             \
    " return #a > #b or #a == #b and a > b end "                             \
    "local last = top(KEYS[1]) or top(KEYS[2]) "                             \
    "if not last then"                                                       \
    " return redis.error_reply('ERR the shop has no journal') end "          \
    "if type(last) == 'table' then return last end "                         \
    "if later(last, ARGV[1]) then return last end "                          \
    "for i = 3, #KEYS do"                                                    \
    " local head = redis.pcall('GETRANGE', KEYS[i], 0, 63)"                  \
    " if type(head) == 'table' then return no('GETRANGE', head) end"         \
    " local form = '^{\"epoch\":(%d+),\"seq\":(%d+),'"                       \
    " local _, new = string.match(ARGV[i], form)"                            \
    " local epoch, seq = string.match(head, form)"                           \
    " if epoch ~= ARGV[1] or not later(seq, new) then"                       \
    "  local set = redis.pcall('SET', KEYS[i], ARGV[i], 'EX', ARGV[2])"      \
    "  if set.err then return no('SET', set) end end end "                   \
    "return #KEYS - 2"

#define FJ_ARCHIVE_VERSION  "{\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64


typedef struct {
    char    keys[FJ_KEEPER_BATCH][FJ_KEY_SIZE];
    char   *text[FJ_KEEPER_BATCH];
    size_t  size[FJ_KEEPER_BATCH];
} fj_archive_t;


static int fj_archive_may_look(fj_keeper_t *k);
static void fj_archive_some(fj_keeper_t *k, uint32_t count_max);
static uint32_t fj_archive_pick(fj_keeper_t *k, fk_order_id_t *ids,
    uint32_t count_max);
static uint32_t fj_archive_retention_s(const fj_keeper_t *k);
static void fj_archive_read(fj_keeper_t *k, const fk_order_id_t *ids,
    uint32_t count, fj_archive_t *archive);
static size_t fj_archive_text(fj_keeper_t *k, const fk_order_view_t *order,
    size_t record_size, char *out, size_t room);
static void fj_archive_send(fj_keeper_t *k, const fj_archive_t *archive);


void
fj_keeper_archive(fj_keeper_t *k)
{
    /* Nothing is dropped while a snapshot is written. */
    if (fk_snapshot_owner(k->fk) != 0) {
        return;
    }

    fj_keeper_same_epoch(k);

    if (fj_archive_may_look(k)) {

        if (k->cursor == 0) {
            /* Whether orders have to age is Redis' to say, and may change. */
            k->phase = FJ_KEEPER_ARCHIVING;
            fj_handshake_ask_settings(&k->link, FJ_COMMAND_KEEP_SETTINGS);
            return;
        }

        fj_archive_some(k, FJ_KEEPER_BATCH);

    } else {
        fj_archive_some(k, 0);
    }
}


void
fj_keeper_on_settings(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (fj_handshake_settings(link, reply)) {
        k->phase = FJ_KEEPER_IDLE;
        fj_archive_some(k, FJ_KEEPER_BATCH);
    }
}


/* Without orders it is the question whether Redis lives, and whether the shop
 * is still ours, before some leave. */

static void
fj_archive_some(fj_keeper_t *k, uint32_t count_max)
{
    uint32_t       count;
    fj_archive_t   archive;
    fk_order_id_t  ids[FJ_KEEPER_BATCH];

    count = fj_archive_pick(k, ids, count_max);
    fj_archive_read(k, ids, count, &archive);

    if (k->order_count != 0 || fj_keeper_ripe(k)) {
        k->phase = FJ_KEEPER_ARCHIVING;
        fj_archive_send(k, &archive);
    }
}


/*
 * The table is looked through by one of all processes.  Whoever begins later
 * stays behind, and finds what is left: so nobody begins before those that
 * are stored have left, or they would be stored again.
 */

static int
fj_archive_may_look(fj_keeper_t *k)
{
    int64_t  now_ms, every_ms;

    now_ms = fj_keeper_now_ms(k);
    every_ms = k->cursor == 0 && k->aging_count == 0 ? FJ_ARCHIVE_EVERY_MS
                                                     : 0;

    if (!fk_duty_take(k->fk, FK_DUTY_ARCHIVE, now_ms, every_ms)
        && every_ms != 0)
    {
        return 0;
    }

    return k->cursor != 0
           ? k->aging_count + FJ_KEEPER_BATCH <= FJ_KEEPER_AGING
           : k->aging_count == 0;
}


/* A large table is looked through over several turns. */

static uint32_t
fj_archive_pick(fj_keeper_t *k, fk_order_id_t *ids, uint32_t count_max)
{
    uint32_t  calls, count;
    fk_env_t  env;

    env.now_ms = k->link.shell->unix_ms(k->link.data);
    count = 0;

    for (calls = 0;
         calls < FJ_ARCHIVE_CALLS && count == 0 && count_max != 0;
         calls++)
    {
        count = fk_archive_list(k->fk, &env, fj_archive_retention_s(k),
                                &k->cursor, ids, count_max);
        if (k->cursor == 0) {
            break;
        }
    }

    return count;
}


static uint32_t
fj_archive_retention_s(const fj_keeper_t *k)
{
    return fj_keeper_is_full(k) && k->kept->retention_s > FJ_ARCHIVE_HURRY_S
           ? FJ_ARCHIVE_HURRY_S : k->kept->retention_s;
}


int
fj_keeper_is_full(const fj_keeper_t *k)
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
    uint32_t         i, n;
    fk_order_view_t  order;

    out = (char *) k->kept->room + FK_ARCHIVE_SIZE_MAX;
    room = FJ_KEEPER_TEXT_MAX;
    k->order_count = 0;

    for (i = 0; i < count; i++) {

        if (fk_archive_read(k->fk, &ids[i], &order, k->kept->room,
                            FK_ARCHIVE_SIZE_MAX, &size)
            != FK_OK)
        {
            continue;
        }

        /* What the journal has not got may never have been; the archive shows
         * it to a buyer. */
        if (order.seq > fk_durable_seq(k->fk)) {
            continue;
        }

        n = k->order_count;
        size = fj_archive_text(k, &order, size, out, room);

        if (size == 0) {
            /* The next look at the table finds it again. */
            break;
        }

        fj_keeper_order_key(archive->keys[n], k->conf, &ids[i]);
        archive->text[n] = out;
        archive->size[n] = size;
        k->order[n].id = ids[i];
        k->order[n].seq = order.seq;
        k->order_count++;

        out += size;
        room -= size;
    }
}


/* The version, and what the shell says behind it: 0 if that does not fit. */

static size_t
fj_archive_text(fj_keeper_t *k, const fk_order_view_t *order,
    size_t record_size, char *out, size_t room)
{
    int     head;
    size_t  size;

    head = snprintf(out, room, FJ_ARCHIVE_VERSION, k->epoch, order->seq);
    assert(head > 0);

    if ((size_t) head >= room) {
        return 0;
    }

    out += head;
    size = k->kept->text(k->link.data, order, k->kept->room, record_size,
                         out, room - (size_t) head);
    if (size == 0) {
        return 0;
    }

    assert(out[0] == '{');
    out[0] = ',';

    return (size_t) head + size;
}


void
fj_keeper_order_key(char key[FJ_KEY_SIZE], const fj_conf_t *conf,
    const fk_order_id_t *id)
{
    char  text[FK_ORDER_TEXT_SIZE + 1];

    fk_order_id_text(id, text);
    text[FK_ORDER_TEXT_SIZE] = '\0';

    (void) fj_key(key, conf, "order", text);
}


static void
fj_archive_send(fj_keeper_t *k, const fj_archive_t *archive)
{
    char        count[16], epoch[24], ttl[16];
    uint32_t    i;
    fj_words_t  words;

    (void) snprintf(count, sizeof(count), "%" PRIu32, k->order_count + 2);
    (void) snprintf(epoch, sizeof(epoch), "%" PRIu64, k->epoch);
    (void) snprintf(ttl, sizeof(ttl), "%" PRIu32, k->kept->archive_s);

    words.argc = 0;
    fj_words_text(&words, "EVAL");
    fj_words_text(&words, FJ_ARCHIVE_SCRIPT);
    fj_words_text(&words, count);
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, k->journal_key);

    for (i = 0; i < k->order_count; i++) {
        fj_words_text(&words, archive->keys[i]);
    }

    fj_words_text(&words, epoch);
    fj_words_text(&words, ttl);

    for (i = 0; i < k->order_count; i++) {
        fj_words_add(&words, archive->text[i], archive->size[i]);
    }

    k->asked_ms = fj_keeper_now_ms(k);
    fj_link_send(&k->link, FJ_COMMAND_KEEP_ORDERS, &words);
}


void
fj_keeper_on_orders(fj_link_t *link, const fj_reply_t *reply)
{
    uint64_t      epoch;
    fj_keeper_t  *k = fj_keeper_of(link);

    if (fj_number_read(reply, &epoch) && epoch > k->epoch) {
        fj_keeper_fenced(k, epoch);
        return;
    }

    if (reply->type != FJ_REPLY_INTEGER
        || reply->number != (int64_t) k->order_count)
    {
        fj_link_refused(&k->link, reply, "orders for the archive");
        return;
    }

    if (k->conf->replicas != 0) {
        fj_keeper_wait(k);
        return;
    }

    fj_keeper_stored(k);
}
