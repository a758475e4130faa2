/*
 * The keeper in the world of machine_shop.h: the journal's machine opens the
 * shop and sends its records, then it stops and leaves the one connection to
 * the keeper.  The Redis of machine_redis.h learns what the keeper says more:
 * reading and cutting the index, unlinking, and the archive.
 */

#ifndef FAKA_KEEPER_SHOP_H_INCLUDED_
#define FAKA_KEEPER_SHOP_H_INCLUDED_


#include "fj_keeper.h"
#include "machine_shop.h"


#define ORDERS_MAX    512
#define TEXT_HEAD     64               /* of a text, behind its version */
#define CUT_MAX       3                /* entries that one XTRIM cuts off */
#define CALM_STEPS    4000
#define SOLD          70               /* orders of shop_filled() */


/* What the archive has, by key. */
typedef struct {
    char      key[FJ_KEY_SIZE];
    size_t    size;
    char     *text;
} stored_t;

static stored_t          stored[ORDERS_MAX];
static uint32_t          stored_count;
static uint32_t          unlinked;     /* names, whether there or not */

static fj_keeper_t       keeper;
static fj_keeper_conf_t  kept_conf;
static uint8_t           keeper_room[FJ_KEEPER_ROOM];
static fj_keeper_order_t keeper_aging[FJ_KEEPER_AGING];
static size_t            text_more;    /* bytes that a text is longer by */
static fk_order_id_t     sold[SOLD];


/* --- Redis ------------------------------------------------------------ */

static void
keeper_redis_trim(fj_reply_t *reply)
{
    size_t     n;
    fj_id_t    id;
    stream_t  *stream;

    stream = stream_of(w.argv[1]);
    word_id(w.argv[strcmp(w.argv[3], "~") == 0 ? 4 : 3], &id);

    for (n = 0; n < stream->count; n++) {
        if (fj_id_cmp(&stream->entry[n].id, &id) >= 0
            || (w.argc > 6 && n == CUT_MAX))
        {
            break;
        }
    }

    stream_cut(stream, n);
    node_number(reply, (int64_t) n);
}


static void
keeper_redis_entry(fj_reply_t *node, const entry_t *entry)
{
    size_t       n;
    fj_reply_t  *row, *fields;

    row = node_array(node, 2);
    node_id(&row[0], &entry->id);
    fields = node_array(&row[1], entry->words);

    for (n = 0; n < entry->words; n++) {
        node_bytes(&fields[n], FJ_REPLY_STRING, entry->data[n],
                   entry->size[n]);
    }
}


/* The first twelve up to a name. */
static void
keeper_redis_range(fj_reply_t *reply)
{
    size_t       i, count;
    fj_id_t      last;
    stream_t    *stream;
    fj_reply_t  *page;

    stream = stream_of(w.argv[1]);

    word_id(w.argv[3], &last);
    shop_must(strcmp(w.argv[5], "12") == 0, "COUNT");

    for (count = 0; count < stream->count && count < 12; count++) {
        if (fj_id_cmp(&stream->entry[count].id, &last) > 0) {
            break;
        }
    }

    page = node_array(reply, count);

    for (i = 0; i < count; i++) {
        keeper_redis_entry(&page[i], &stream->entry[i]);
    }
}


static void
keeper_redis_unlink(fj_reply_t *reply)
{
    int        i;
    int64_t    gone;
    stream_t  *stream;

    gone = 0;

    for (i = 1; i < w.argc; i++) {
        unlinked++;
        stream = stream_of(w.argv[i]);
        gone += stream->is_there;
        stream_lose(stream, stream->count);

        /* The last one in use: it may be forgotten whole. */
        if (stream + 1 == &streams[STREAMS_MAX]
            || stream[1].key[0] == '\0')
        {
            stream->key[0] = '\0';
        }
    }

    node_number(reply, gone);
}


static stored_t *
stored_find(const char *key)
{
    uint32_t  i;

    for (i = 0; i < stored_count; i++) {
        if (strcmp(stored[i].key, key) == 0) {
            return &stored[i];
        }
    }

    return NULL;
}


/* What the script does: the fence, and no order by an older state of it. */
static uint64_t
keeper_redis_last(void)
{
    return snapshots->top.epoch != 0 ? snapshots->top.epoch
                                     : journal->top.epoch;
}


static int
version_of(const char *text, fj_id_t *version, size_t *size)
{
    int  n;

    n = 0;

    if (sscanf(text, "{\"epoch\":%" SCNu64 ",\"seq\":%" SCNu64 "%n",
               &version->epoch, &version->seq, &n) != 2
        || n == 0 || text[n] != ',')
    {
        return 0;
    }

    *size = (size_t) n;
    return 1;
}


static void
keeper_redis_store(const char *key, const char *text, size_t size)
{
    size_t     head;
    fj_id_t    has, new;
    stored_t  *s;

    shop_must(version_of(text, &new, &head), "a version");
    s = stored_find(key);

    if (s == NULL) {
        shop_must(stored_count < ORDERS_MAX, "orders");
        s = &stored[stored_count++];
        snprintf(s->key, sizeof(s->key), "%s", key);

    } else if (version_of(s->text, &has, &head) && has.epoch == new.epoch
               && has.seq > new.seq)
    {
        return;
    }

    free(s->text);
    s->size = size;
    s->text = malloc(size + 1);
    shop_must(s->text != NULL, "memory");
    memcpy(s->text, text, size);
    s->text[size] = '\0';
}


static void
keeper_redis_eval(fj_reply_t *reply)
{
    int  i, count;

    count = atoi(w.argv[2]) - 2;
    shop_must(w.argc == 7 + 2 * count, "keys and texts");
    shop_must(strcmp(w.argv[3], snapshots->key) == 0
              && strcmp(w.argv[4], journal->key) == 0, "the fence");
    shop_must(strcmp(w.argv[6 + count], "31536000") == 0, "for a year");

    if (keeper_redis_last() == 0) {
        node_text(reply, FJ_REPLY_ERROR, "ERR the shop has no journal");
        return;
    }

    if (keeper_redis_last() > strtoull(w.argv[5 + count], NULL, 10)) {
        snprintf(node_texts[0], FJ_ID_SIZE, "%" PRIu64, keeper_redis_last());
        node_text(reply, FJ_REPLY_STRING, node_texts[0]);
        return;
    }

    for (i = 0; i < count; i++) {
        keeper_redis_store(w.argv[5 + i], w.argv[7 + count + i],
                           w.sizes[7 + count + i]);
    }

    node_number(reply, count);
}


static const fj_reply_t *
keeper_answer(void)
{
    fj_reply_t  *reply;

    nodes_count = 0;
    reply = node_row(1);

    if (strcmp(w.argv[0], "XTRIM") == 0) {
        keeper_redis_trim(reply);

    } else if (strcmp(w.argv[0], "UNLINK") == 0) {
        keeper_redis_unlink(reply);

    } else if (strcmp(w.argv[0], "EVAL") == 0) {
        keeper_redis_eval(reply);

    } else if (strcmp(w.argv[0], "XRANGE") == 0
               && strcmp(w.argv[2], "-") == 0)
    {
        keeper_redis_range(reply);

    } else {
        return world_answer();
    }

    return reply;
}


/* --- the keeper ------------------------------------------------------- */

/* The record as it is, behind a few bytes. */
static size_t
keeper_text(void *data, const fk_order_view_t *order, const uint8_t *record,
    size_t size, char *out, size_t room)
{
    if (TEXT_HEAD + text_more + size > room) {
        return 0;
    }

    memset(out, '#', TEXT_HEAD + text_more);
    out[0] = '{';
    fk_order_id_text(&order->id, out + 1);
    memcpy(out + TEXT_HEAD + text_more, record, size);
    return TEXT_HEAD + text_more + size;
}


static void
keeper_step(void)
{
    if (w.connecting) {
        event_connected();

    } else if (w.argc != 0) {
        event_reply(keeper_answer());

    } else {
        event_timer(next_timer());
    }
}


/* Until this command is on its way; 0: it never was. */
__attribute__((unused))
static int
keeper_walk(fj_command_t command)
{
    int  steps;

    for (steps = 0; steps < CALM_STEPS; steps++) {
        if (keeper.link.command == (uint32_t) command) {
            return 1;
        }

        keeper_step();
    }

    return 0;
}


/* It does nothing for a while: looks, and finds nothing to do. */
__attribute__((unused))
static int
keeper_calm(void)
{
    int  steps, looks;

    looks = 0;

    for (steps = 0; steps < CALM_STEPS; steps++) {
        if (keeper.phase == FJ_KEEPER_IDLE && w.argc == 0 && w.is_open
            && w.now_ms >= keeper.again_at_ms && keeper.cursor == 0
            && keeper.aging_count == 0)
        {
            looks++;

        } else if (keeper.link.command != FJ_COMMAND_KEEP_SETTINGS) {
            looks = 0;
        }

        if (looks > 25) {
            return 1;
        }

        keeper_step();
    }

    return 0;
}


/* The world is the keeper's. */
__attribute__((unused))
static void
keeper_begins(void)
{
    int  i;

    event_begins();
    fj_stop(&machine);
    w.is_inside = 0;
    w.has_closed = 0;

    for (i = 0; i < FJ_TIMER_COUNT; i++) {
        shop_must(w.due_ms[i] == -1, "all timers are off");
    }

    kept_conf.room = keeper_room;
    kept_conf.aging = keeper_aging;
    kept_conf.text = keeper_text;
    world_link = &keeper.link;

    event_begins();
    fj_keeper_start(&keeper, &conf, &kept_conf, &world_shell, NULL);
    w.is_inside = 0;
}


/* It is the journal's again, which sends what the keeper has left. */
__attribute__((unused))
static void
keeper_ends(void)
{
    event_begins();
    fj_keeper_stop(&keeper);
    w.is_inside = 0;
    w.has_closed = 0;
    world_link = &machine.link;

    event_begins();
    fj_start(&machine, &conf, &world_shell, NULL);
    w.is_inside = 0;
}


/* A shop without orders, no snapshot, and nothing in the archive. */
__attribute__((unused))
static void
keeper_new(void)
{
    size_t    i;
    uint32_t  n;

    world_link = &machine.link;
    world_new();

    for (i = 2; i < STREAMS_MAX; i++) {
        stream_lose(&streams[i], streams[i].count);
        streams[i].key[0] = '\0';
    }

    for (n = 0; n < stored_count; n++) {
        free(stored[n].text);
        stored[n].text = NULL;
    }

    stored_count = 0;
    unlinked = 0;
    text_more = 0;
    memset(&kept_conf, 0, sizeof(kept_conf));
    kept_conf.snapshot_size = 1;
    kept_conf.snapshot_s = 1000000;
    kept_conf.retention_s = 3600;
    kept_conf.archive_s = 31536000;

    shop_must(walk_calm(), "open");
}


/* Sent while the journal's machine has the world. */
__attribute__((unused))
static void
records_sent(void)
{
    event_begins();
    fj_kick(&machine);
    w.is_inside = 0;
    shop_must(walk_calm(), "durable");
}


/* --- a shop, and whether all of it is somewhere ------------------------ */

/* Cards, and orders whose holds run out: finished two hours later. */
__attribute__((unused))
static void
shop_filled(void)
{
    int              i;
    fk_order_view_t  out;

    shop_product("card", FK_KIND_CARD, 0);
    shop_product("seats", FK_KIND_COUNTED, 1000);
    shop_stock("card", 1, 200);

    for (i = 0; i < SOLD; i++) {
        shop_must(shop_buy(i % 2 ? "card" : "seats", 1 + i % 3, &out)
                  == FK_OK, "buy");
        sold[i] = out.id;
    }

    shop_wait_s(7200);
    (void) shop_tick();
    records_sent();
}


__attribute__((unused))
static stored_t *
stored_order(const fk_order_id_t *id)
{
    char  key[FJ_KEY_SIZE];

    fj_keeper_order_key(key, &conf, id);
    return stored_find(key);
}


/* The order as the archive shows it; 0: it cannot. */
__attribute__((unused))
static int
stored_view(const fk_order_id_t *id, fk_order_view_t *out)
{
    size_t     head;
    fj_id_t    version;
    stored_t  *s;

    s = stored_order(id);

    if (s == NULL || !version_of(s->text, &version, &head)) {
        return 0;
    }

    head += TEXT_HEAD;
    return s->size > head
           && fk_archive_view(&shop, (uint8_t *) s->text + head,
                              s->size - head, out, NULL, NULL) == FK_OK;
}


__attribute__((unused))
static int
stored_good(const fk_order_id_t *id)
{
    fk_order_view_t  out;

    return stored_view(id, &out) && memcmp(&out.id, id, sizeof(*id)) == 0;
}


/* Counts those in memory; nowhere: those that are not in the archive, too. */
__attribute__((unused))
static int
orders_in_memory(int *nowhere)
{
    int              i, count;
    fk_order_view_t  out;

    count = 0;
    *nowhere = 0;

    for (i = 0; i < SOLD; i++) {
        if (fk_order_get(&shop, &sold[i], &out) == FK_OK) {
            count++;

        } else {
            *nowhere += !stored_good(&sold[i]);
        }
    }

    return count;
}


/* Another region reads what stands in Redis. */
__attribute__((unused))
static int
recovers(void)
{
    int      left, again, nowhere;
    int64_t  now_ms;

    keeper_ends();

    if (!walk_calm()) {
        return 0;
    }

    left = orders_in_memory(&nowhere);
    now_ms = shop_env.now_ms;
    world_start();
    shop_env.now_ms = now_ms;

    if (!walk_calm() || nowhere != 0) {
        return 0;
    }

    again = orders_in_memory(&nowhere);
    return again == left && nowhere == 0 && shop_sound();
}


#endif /* FAKA_KEEPER_SHOP_H_INCLUDED_ */
