/*
 * A shell without sockets for the journal's machine: its timers, its clock
 * and its one connection are plain variables, and behind the connection
 * stands the Redis of machine_redis.h.  A test takes steps, or gives an
 * answer of its own instead.
 */

#ifndef FAKA_MACHINE_SHOP_H_INCLUDED_
#define FAKA_MACHINE_SHOP_H_INCLUDED_


#include "machine_redis.h"


#define OWNER         UINT64_C(0x0000007b00000001)
#define SERVER        UINT64_C(0x0000007a00000001)
#define HOST          UINT64_C(0xabcdef)
#define GENERATION    UINT64_C(0x123456)
#define WORD_SIZE_MAX (FK_BATCH_SIZE_MAX + 64)
#define STEPS_MAX     2000


/* The shell of one machine. */
typedef struct {
    int64_t   now_ms;
    uint32_t  random;
    uint64_t  dead;                    /* this owner's process is gone */
    int       connect_fails, send_fails;
    int       connecting, is_open;
    int       is_inside;               /* the machine is at work */
    int       has_closed;              /* in this event */
    char      address[64];             /* connected to last */
    int       connects, closes, wakes, rings;
    int       replaced, replaced_gone; /* times */
    int       logs[FJ_LOG_EMERG + 1];
    char      log[FJ_LOG_SIZE];        /* the last line */
    int64_t   due_ms[FJ_TIMER_COUNT];  /* -1: off */
    int64_t   delay_ms[FJ_TIMER_COUNT];
    int       argc;                    /* 0: no command is on its way */
    size_t    sizes[FJ_ARGC_MAX];
    char     *argv[FJ_ARGC_MAX];
} world_t;

static world_t    w;
static fj_t       machine;
static fj_conf_t  conf;

/* Whose events these are: another machine may have the world for a while. */
static fj_link_t  *world_link = &machine.link;


/* --- the shell -------------------------------------------------------- */

static int64_t
world_now_ms(void *data)
{
    return w.now_ms;
}


static int64_t
world_unix_ms(void *data)
{
    return shop_env.now_ms;
}


static uint32_t
world_random(void *data)
{
    return w.random;
}


static int
world_is_dead(void *data, uint64_t owner)
{
    return owner == w.dead;
}


static int
world_connect(void *data, const fj_address_t *address)
{
    shop_must(!w.is_open && !w.connecting && w.argc == 0, "one connection");
    shop_must(!w.has_closed, "no connect in the call that closed");
    shop_must((address->path != NULL) != (address->host != NULL), "address");
    (void) snprintf(w.address, sizeof(w.address), "%s", address->text);

    w.connects++;
    w.connecting = !w.connect_fails;
    return w.connect_fails ? -1 : 0;
}


static void
world_close(void *data)
{
    shop_must(w.is_open || w.connecting, "something to close");
    w.closes++;
    w.argc = 0;
    w.is_open = 0;
    w.connecting = 0;
    w.has_closed = 1;
}


static int
world_send(void *data, int argc, const char *const *argv, const size_t *sizes)
{
    int  i;

    shop_must(w.is_open && w.argc == 0, "one command at a time");
    shop_must(argc > 0 && argc <= FJ_ARGC_MAX, "words");

    if (w.send_fails) {
        return -1;
    }

    for (i = 0; i < argc; i++) {
        if (w.argv[i] == NULL) {
            w.argv[i] = malloc(WORD_SIZE_MAX + 1);
            shop_must(w.argv[i] != NULL, "memory");
        }

        shop_must(sizes[i] <= WORD_SIZE_MAX, "size of a word");
        memcpy(w.argv[i], argv[i], sizes[i]);
        w.argv[i][sizes[i]] = '\0';
        w.sizes[i] = sizes[i];
    }

    w.argc = argc;
    return 0;
}


static void
world_timer(void *data, fj_timer_t which, int64_t delay_ms)
{
    shop_must(delay_ms >= FJ_TIMER_OFF, "delay");
    w.delay_ms[which] = delay_ms;
    w.due_ms[which] = delay_ms == FJ_TIMER_OFF ? -1 : w.now_ms + delay_ms;
}


static void
world_log(void *data, fj_log_t level, const char *text)
{
    shop_must(strlen(text) < FJ_LOG_SIZE, "a line that fits");
    shop_must(strncmp(text, "faka: shop \"main\"", 17) == 0, "whose line");
    w.logs[level]++;
    (void) snprintf(w.log, sizeof(w.log), "%s", text);
}


static void
world_wake(void *data)
{
    w.wakes++;
}


static void
world_ring(void *data)
{
    w.rings++;
}


static void
world_replaced(void *data, int is_gone)
{
    w.replaced += !is_gone;
    w.replaced_gone += is_gone != 0;
}


static const fj_shell_t  world_shell = {
    world_now_ms, world_unix_ms, world_random, world_is_dead, world_connect,
    world_close, world_send, world_timer, world_log, world_wake, world_ring,
    world_replaced
};


/* --- events ----------------------------------------------------------- */

static void
event_begins(void)
{
    shop_must(!w.is_inside, "one event at a time");
    w.is_inside = 1;
    w.has_closed = 0;
}


static void
event_connected(void)
{
    shop_must(w.connecting, "a connect");
    w.connecting = 0;
    w.is_open = 1;
    event_begins();
    fj_connected(world_link);
    w.is_inside = 0;
}


__attribute__((unused))
static void
event_closed(void)
{
    w.is_open = 0;
    w.connecting = 0;
    w.argc = 0;
    event_begins();
    fj_closed(world_link);
    w.is_inside = 0;
}


/* The command counts as carried out, or not, before its reply is given. */
static void
event_reply(const fj_reply_t *reply)
{
    shop_must(w.argc > 0, "a command");
    w.argc = 0;
    event_begins();
    fj_reply(world_link, reply);
    w.is_inside = 0;
}


static void
event_timer(fj_timer_t which)
{
    shop_must(w.due_ms[which] >= 0, "a timer");

    if (w.now_ms < w.due_ms[which]) {
        w.now_ms = w.due_ms[which];
    }

    w.due_ms[which] = -1;
    event_begins();
    fj_timer(world_link, which);
    w.is_inside = 0;
}


/* The reply that belongs to the command on its way, carried out. */
static const fj_reply_t *
world_answer(void)
{
    redis_now_ms = w.now_ms;
    return redis_answer(w.argc, w.argv, w.sizes);
}


/* --- walking ---------------------------------------------------------- */

/* Nothing runs and nothing is open: a machine that has stopped. */
__attribute__((unused))
static int
is_quiet(void)
{
    int  which;

    for (which = 0; which < FJ_TIMER_COUNT; which++) {
        if (w.due_ms[which] >= 0) {
            return 0;
        }
    }

    return machine.phase == FJ_PHASE_STOPPED
           && machine.link.state == FJ_LINK_STOPPED
           && !w.is_open && !w.connecting && w.argc == 0;
}


static fj_timer_t
next_timer(void)
{
    int  which, first;

    first = -1;

    for (which = 0; which < FJ_TIMER_COUNT; which++) {
        if (w.due_ms[which] >= 0
            && (first == -1 || w.due_ms[which] < w.due_ms[first]))
        {
            first = which;
        }
    }

    shop_must(first != -1, "something runs, or the machine is stuck");
    return (fj_timer_t) first;
}


/* What an honest world does next. */
static void
step(void)
{
    if (w.connecting) {
        event_connected();

    } else if (w.argc != 0) {
        event_reply(world_answer());

    } else {
        event_timer(next_timer());
    }
}


/* Until this command is on its way; 0: it never was. */
__attribute__((unused))
static int
walk_to(fj_command_t command)
{
    int  steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (machine.link.command == (uint32_t) command) {
            return 1;
        }

        if (machine.phase == FJ_PHASE_STOPPED) {
            return 0;
        }

        step();
    }

    return 0;
}


/* Until it sells and everything is durable; 0: it never comes to that. */
__attribute__((unused))
static int
walk_calm(void)
{
    int  steps;

    for (steps = 0; steps < STEPS_MAX; steps++) {
        if (fj_ready(&machine) && w.argc == 0
            && fk_durable_seq(&shop) == fk_last_seq(&shop)
            && w.due_ms[FJ_TIMER_FLUSH] < 0)
        {
            return 1;
        }

        if (machine.phase == FJ_PHASE_STOPPED) {
            return 0;
        }

        step();
    }

    return 0;
}


/* A machine on a region, both new; the stream stays. */
__attribute__((unused))
static void
world_start(void)
{
    int    i;
    char  *kept_argv[FJ_ARGC_MAX];

    if (shop.base != NULL) {
        region_drop(&shop);
    }

    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;
    region_new(&shop, SHOP_SIZE);

    /* The clock begins anew, also for what runs out in Redis. */
    owner_until_ms += 1000000 - w.now_ms;

    memcpy(kept_argv, w.argv, sizeof(kept_argv));
    memset(&w, 0, sizeof(w));
    memcpy(w.argv, kept_argv, sizeof(kept_argv));
    w.now_ms = 1000000;

    for (i = 0; i < FJ_TIMER_COUNT; i++) {
        w.due_ms[i] = -1;
    }

    conf.shop = "main";
    conf.fk = &shop;
    conf.owner = OWNER;

    if (conf.server == 0) {
        conf.server = SERVER;
        conf.host = HOST;
        conf.generation = GENERATION;
    }

    if (conf.address_count == 0) {
        conf.address_count = 1;
        conf.address[0].text = "unix:/there";
        conf.address[0].path = "/there";
    }

    event_begins();
    fj_start(&machine, &conf, &world_shell, NULL);
    w.is_inside = 0;
}


/* The same, with an empty stream and a plain configuration. */
__attribute__((unused))
static void
world_new(void)
{
    redis_lose_all();
    fsyncs_late = 0;
    evicts = 0;
    replicas = 0;
    memset(&conf, 0, sizeof(conf));
    world_start();
}


/* A snapshot of the shop as it is, under the journal's epoch; index and parts
 * as the keeper writes them.  heals: a word for its "done", or NULL. */
__attribute__((unused))
static void
write_snapshot(const char *heals)
{
    char              name[FJ_ID_SIZE], key[FJ_KEY_SIZE], end[24], bytes[24];
    fj_id_t           id;
    fk_code_t         rc;
    stream_t         *stream;
    fk_snapshot_t     taken;
    static uint8_t    part[FK_SNAPSHOT_PART_SIZE_MAX];

    const char  *words[2] = { "p", (const char *) part };
    size_t       sizes[2] = { 1, 0 };

    id.epoch = journal->top.epoch;
    id.seq = snapshots->top.epoch == id.epoch ? snapshots->top.seq + 1 : 1;
    fj_id_text(name, "", &id);
    snprintf(key, sizeof(key), "faka:{main}:snapshot:%s", name);
    stream_put(snapshots, name, "begin", name, NULL);
    stream = stream_of(key);

    shop_must(fk_snapshot_begin(&shop, &shop_env, OWNER, w.now_ms, &taken)
              == FK_OK, "snapshot");

    do {
        rc = fk_snapshot_step(&shop, &shop_env, OWNER, w.now_ms, part,
                              sizeof(part), &sizes[1], &taken);

        if (sizes[1] != 0) {
            id.seq++;
            shop_must(stream_add(stream, &id, 2, words, sizes), "a part");
        }
    } while (rc == FK_AGAIN);

    shop_must(rc == FK_OK, "a whole snapshot");
    fk_snapshot_end(&shop, OWNER);

    id.seq = snapshots->top.seq + 1;
    fj_id_text(key, "", &id);
    snprintf(end, sizeof(end), "%" PRIu64, taken.end_seq);
    snprintf(bytes, sizeof(bytes), "%" PRIu64, taken.bytes);
    stream_put(snapshots, key, "done", name, "parts", "1", "bytes", bytes,
               "end", end, heals, "1", NULL);
}


/* A product, and one record each time it is called. */
__attribute__((unused))
static void
write_record(void)
{
    static int64_t  price = 100;

    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str("sku");
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND;
    put.name = str("a product");
    put.price = ++price;
    strcpy(put.currency, "CNY");
    put.kind = FK_KIND_COUNTED;

    shop_must(shop_put(&put, NULL) == FK_OK, "a record");

    event_begins();
    fj_kick(&machine);
    w.is_inside = 0;
}


#endif /* FAKA_MACHINE_SHOP_H_INCLUDED_ */
