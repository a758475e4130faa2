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
#define TEXT_HEAD     64
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


/* The last entry, or the first twelve up to a name. */
static void
keeper_redis_range(fj_reply_t *reply)
{
    size_t       i, count;
    fj_id_t      last;
    stream_t    *stream;
    fj_reply_t  *page;

    stream = stream_of(w.argv[1]);

    if (strcmp(w.argv[0], "XREVRANGE") == 0) {
        page = node_array(reply, stream->count != 0);

        if (stream->count != 0) {
            keeper_redis_entry(&page[0], &stream->entry[stream->count - 1]);
        }

        return;
    }

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


static void
keeper_redis_eval(fj_reply_t *reply)
{
    int        i, count;
    stored_t  *s;

    count = atoi(w.argv[2]);
    shop_must(w.argc == 4 + 2 * count, "keys and texts");
    shop_must(strcmp(w.argv[3 + count], "31536000") == 0, "for a year");

    for (i = 0; i < count; i++) {
        s = stored_find(w.argv[3 + i]);

        if (s == NULL) {
            shop_must(stored_count < ORDERS_MAX, "orders");
            s = &stored[stored_count++];
            snprintf(s->key, sizeof(s->key), "%s", w.argv[3 + i]);
        }

        free(s->text);
        s->size = w.sizes[4 + count + i];
        s->text = malloc(s->size);
        shop_must(s->text != NULL, "memory");
        memcpy(s->text, w.argv[4 + count + i], s->size);
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

    } else if (strcmp(w.argv[0], "XREVRANGE") == 0
               || (strcmp(w.argv[0], "XRANGE") == 0
                   && strcmp(w.argv[2], "-") == 0))
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
    fk_order_id_text(&order->id, out);
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


/* It does nothing for a while: looks ten times, and finds nothing to do. */
__attribute__((unused))
static int
keeper_calm(void)
{
    int  steps, looks;

    looks = 0;

    for (steps = 0; steps < CALM_STEPS; steps++) {
        if (keeper.phase == FJ_KEEPER_IDLE && w.argc == 0 && w.is_open
            && w.now_ms >= keeper.again_at_ms && keeper.cursor == 0)
        {
            looks++;

        } else {
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

    fj_keeper_order_key("main", id, key, sizeof(key));
    return stored_find(key);
}


__attribute__((unused))
static int
stored_good(const fk_order_id_t *id)
{
    stored_t         *s;
    fk_order_view_t   out;

    s = stored_order(id);

    return s != NULL
           && fk_archive_view(&shop, (uint8_t *) s->text + TEXT_HEAD,
                              s->size - TEXT_HEAD, &out, NULL, NULL) == FK_OK
           && memcmp(&out.id, id, sizeof(*id)) == 0;
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
