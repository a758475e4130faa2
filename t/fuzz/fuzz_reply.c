/*
 * Fuzzes what Redis answers: bytes go through hiredis's reader and the
 * module's conversion into the journal's machine and its keeper, which run on
 * a real region.  Seeds in corpus/reply.
 *
 * Behind both stands a model that answers as Redis does.  The first byte
 * chooses how it begins (bit 1: it has a journal and a snapshot; bit 2: a
 * standby; bit 3: replicas are asked for; bit 4: a password and a database;
 * bits 5-7: what the addresses are of).  Then each byte is an event: bit 7
 * says to which of the two, bits 0-3 which one, and the bytes behind it are
 * its arguments.
 *
 * Whatever is answered: neither dies; each waits for something bounded, or
 * has stopped; an open shop's region is sound; and when Redis answers right
 * from then on, the machine comes to an end that has a name, within a bounded
 * number of steps: it sells, or has stopped.
 *
 * With FUZZ_SAY=1 in the environment a run tells what is asked and answered.
 */

#include "nginx_core.h"
#include "full_shop.h"
#include "redis_model.h"
#include "reply_shell.h"
#include "../../ngx_module/journal/fj_keeper.h"
#include "../../ngx_module/redis/ngx_faka_redis.h"


#define EVENTS_MAX   400
#define STEPS_MAX    4000
#define OWNER        UINT64_C(0x0000007b00000001)

enum {
    EVENT_STEP = 0,                    /* to 5: what is due happens */
    EVENT_CHANGED = 6,                 /* an answer, with changed bytes */
    EVENT_BYTES,                       /* an answer that is these bytes */
    EVENT_CLOSED,
    EVENT_LOST,                        /* carried out, no answer */
    EVENT_TIMER,                       /* whatever else is due */
    EVENT_SHOP,                        /* orders, payments */
    EVENT_STRANGER,                    /* another server takes over */
    EVENT_FORGET,                      /* Redis fails, and lost its tail */
    EVENT_WIPE,                        /* FLUSHALL */
    EVENT_WAIT                         /* time passes */
};


static fj_t              machine;
static fj_keeper_t       keeper;
static fj_conf_t         conf;
static fj_keeper_conf_t  keeper_conf;
static uint8_t           room[FJ_KEEPER_ROOM];
static fj_keeper_order_t aging[FJ_KEEPER_AGING];
static model_t           model, lived;
static uint8_t           answer[MODEL_OUT];


static size_t
keeper_text(void *data, const fk_order_view_t *order, const uint8_t *record,
    size_t size, char *out, size_t out_size)
{
    if (size + 1 > out_size) {
        return 0;
    }

    out[0] = '{';
    memcpy(out + 1, record, size);
    return size + 1;
}


/* --- events ----------------------------------------------------------- */

static int
running_timer(const line_t *line)
{
    int  which, first;

    first = -1;

    for (which = 0; which < FJ_TIMER_COUNT; which++) {
        if (line->due_ms[which] >= 0
            && (first == -1 || line->due_ms[which] < line->due_ms[first]))
        {
            first = which;
        }
    }

    return first;
}


/* Whatever happened: it waits for something that ends, or has stopped. */

static void
check_line(const line_t *line)
{
    MUST((unsigned) line->link->state < FJ_LINK_STATE_COUNT);
    MUST((unsigned) machine.phase < FJ_PHASE_COUNT);

    if (line->link->state == FJ_LINK_STOPPED) {
        MUST(!line->is_open && !line->connecting && line->argc == 0);
        return;
    }

    MUST((line->link->state == FJ_LINK_CONNECTING) == line->connecting);
    MUST((line->argc != 0) == (line->link->command != FJ_COMMAND_NONE));
    MUST(running_timer(line) != -1);

    if (line->connecting || line->argc != 0) {
        MUST(line->due_ms[FJ_TIMER_WATCH] >= 0);
    }
}


static void
event_begins(line_t *line)
{
    MUST(!line->is_inside);
    line->is_inside = 1;
    line->has_closed = 0;
}


static void
event_ends(line_t *line)
{
    line->is_inside = 0;
    check_line(&lines[0]);
    check_line(&lines[1]);
}


static void
event_timer(line_t *line)
{
    int  which;

    which = running_timer(line);
    if (which == -1) {
        return;
    }

    now_ms = line->due_ms[which] > now_ms ? line->due_ms[which] : now_ms;
    line->due_ms[which] = -1;

    event_begins(line);
    fj_timer(line->link, (fj_timer_t) which);
    event_ends(line);
}


static void
event_closed(line_t *line)
{
    if (line->is_open || line->connecting) {
        line_forget(line);
        event_begins(line);
        fj_closed(line->link);
        event_ends(line);
    }
}


/* As the module does it: a reader that gives up ends the connection. */

static void
event_bytes(line_t *line, const uint8_t *data, size_t size)
{
    void          *tree;
    ngx_log_t      log;
    fj_reply_t     one, *reply;
    redisReader   *reader;

    if (say) {
        fprintf(stderr, "%" PRId64 " %td< %.*s\n", now_ms, line - lines,
                size < 60 ? (int) size : 60, (const char *) data);
    }

    memset(&log, 0, sizeof(log));
    tree = NULL;
    reader = redisReaderCreate();
    MUST(reader != NULL);

    if (redisReaderFeed(reader, (const char *) data, size) != REDIS_OK
        || redisReaderGetReply(reader, &tree) != REDIS_OK)
    {
        redisReaderFree(reader);
        event_closed(line);
        return;
    }

    if (tree != NULL) {
        reply = ngx_faka_redis_reply(tree, &one, &log);

        while (line->argc > 0) {
            free((void *) (uintptr_t) line->argv[--line->argc]);
        }

        event_begins(line);
        fj_reply(line->link, reply);
        event_ends(line);

        if (reply != &one) {
            free(reply);
        }

        freeReplyObject(tree);
    }

    redisReaderFree(reader);
}


static size_t
carry_out(line_t *line)
{
    model_call_t  call;

    call.argc = line->argc;
    call.argv = line->argv;
    call.sizes = line->sizes;
    call.now_ms = now_ms;
    call.out = answer;
    model_run(&model, &call);

    return call.out_size;
}


/* What comes next when all goes well. */

static void
step(line_t *line)
{
    if (line->connecting) {
        line->connecting = 0;
        line->is_open = 1;
        event_begins(line);
        fj_connected(line->link);
        event_ends(line);

    } else if (line->argc > 0) {
        event_bytes(line, answer, carry_out(line));

    } else {
        event_timer(line);
    }
}


static void
event_changed(line_t *line, fuzz_input_t *in)
{
    size_t  n, place, size;

    n = fuzz_take(in, 1) % 4 + 1;

    if (line->argc == 0) {
        step(line);
        return;
    }

    size = carry_out(line);

    for ( /* void */ ; n > 0; n--) {
        place = fuzz_take(in, 2) % size;
        answer[place] = (uint8_t) fuzz_take(in, 1);
    }

    event_bytes(line, answer, size);
}


static void
event_given(line_t *line, fuzz_input_t *in)
{
    size_t  size;

    size = fuzz_take(in, 1);
    size = size < in->size ? size : in->size;

    if (line->argc > 0) {
        event_bytes(line, in->data, size);
    } else {
        step(line);
    }

    in->data += size;
    in->size -= size;
}


static void
event_shop(uint8_t what)
{
    char             no[16];
    fk_tick_t        tick;
    fk_checkout_t    in;
    fk_pay_result_t  result;
    fk_order_view_t  order;

    in = shop_cart(what & 1 ? "card" : "seats", 1 + (what >> 1 & 3));
    in.id = shop_id(0x20000 + ++serial);

    if (fk_checkout(&shop, &shop_env, &in, &order) == FK_OK && what & 8) {
        snprintf(no, sizeof(no), "r-%u", serial);
        (void) shop_pay(&order.id, no, order.amount, &result, &order);
    }

    if (what & 16) {
        (void) fk_tick(&shop, &shop_env, 16, &tick);
    }

    fj_kick(&machine);
}


static void
event_stranger(uint8_t what)
{
    char          id[64];
    size_t        sizes[] = { 4, 0, 0, 1, 1 };
    const char   *argv[] = { "XADD", machine.key, id, "t", "x" };
    model_call_t  call;

    snprintf(id, sizeof(id), "%u-%u", 2 + (what & 7), what >> 5);
    sizes[1] = strlen(machine.key);
    sizes[2] = strlen(id);

    call.argc = 5;
    call.argv = argv;
    call.sizes = sizes;
    call.now_ms = now_ms;
    call.out = answer;
    model_run(&model, &call);

    if (what & 8) {
        snprintf(model.owner, sizeof(model.owner), "%x 3 5 7", 2 + (what & 7));
        model.owner_until_ms = now_ms + 1000;
    }
}


static void
event(fuzz_input_t *in)
{
    uint8_t   what;
    unsigned  i;
    line_t   *line;

    what = (uint8_t) fuzz_take(in, 1);
    line = &lines[what >> 7];

    if (line->link->state == FJ_LINK_STOPPED) {
        return;
    }

    switch (what & 15) {
    case EVENT_CHANGED:
        event_changed(line, in);
        break;
    case EVENT_BYTES:
        event_given(line, in);
        break;
    case EVENT_CLOSED:
        event_closed(line);
        break;
    case EVENT_LOST:
        if (line->argc > 0) {
            (void) carry_out(line);
        }
        event_closed(line);
        break;
    case EVENT_TIMER:
        event_timer(line);
        break;
    case EVENT_SHOP:
        event_shop((uint8_t) fuzz_take(in, 1));
        break;
    case EVENT_STRANGER:
        event_stranger((uint8_t) fuzz_take(in, 1));
        break;
    case EVENT_FORGET:
        model_lose(&model, fuzz_take(in, 1) & 7);
        event_closed(&lines[0]);
        event_closed(&lines[1]);
        break;
    case EVENT_WIPE:
        model_lose(&model, MODEL_ENTRIES);
        model.owner_until_ms = 0;
        break;
    case EVENT_WAIT:
        now_ms += 100 * (int64_t) fuzz_take(in, 1);
        break;
    default:
        for (i = 0; i <= (what >> 4 & 7u); i++) {
            step(line);
        }
    }
}


/* --- a run ------------------------------------------------------------ */

static void
begin(uint8_t how)
{
    memset(&conf, 0, sizeof(conf));
    conf.shop = "main";
    conf.fk = &shop;
    conf.owner = OWNER;
    conf.mode = (fj_mode_t) ((how >> 5) % FJ_MODE_COUNT);
    conf.address_count = 2;
    conf.address[0] = (fj_address_t) { "10.0.0.1:1", NULL, "10.0.0.1", 1 };
    conf.address[1] = (fj_address_t) { "10.0.0.2:2", NULL, "10.0.0.2", 2 };

    if (conf.mode == FJ_MODE_SERVER) {
        conf.address_count = 1;
    } else if (conf.mode == FJ_MODE_SENTINEL) {
        conf.master = "mymaster";
        conf.sentinel_password = str("secret");
    }
    conf.server = UINT64_C(0x0000007b00000003);
    conf.host = 5;
    conf.generation = 9;
    conf.standby = how >> 2 & 1;
    conf.replicas = how >> 3 & 1;

    if (how & 16) {
        conf.user = str("shop");
        conf.password = str("secret");
        conf.db = conf.mode == FJ_MODE_CLUSTER ? 0 : 3;
    }

    memset(&keeper_conf, 0, sizeof(keeper_conf));
    keeper_conf.snapshot_size = 1 << 16;
    keeper_conf.snapshot_s = 2;
    keeper_conf.retention_s = 1;
    keeper_conf.archive_s = 100;
    keeper_conf.room = room;
    keeper_conf.aging = aging;
    keeper_conf.text = keeper_text;

    now_ms = 1000;
    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;
    MUST(fk_format(shop.base, shop.size, shop_seed) == FK_OK);

    memset(lines, 0, sizeof(lines));
    memset(lines[0].due_ms, 0xff, sizeof(lines[0].due_ms));
    memset(lines[1].due_ms, 0xff, sizeof(lines[1].due_ms));
    lines[0].link = &machine.link;
    lines[1].link = &keeper.link;

    fj_start(&machine, &conf, &shell, &lines[0]);
    fj_keeper_start(&keeper, &conf, &keeper_conf, &shell, &lines[1]);
}


static void
end(void)
{
    char  why[256];

    fj_stop(&machine);
    fj_keeper_stop(&keeper);
    MUST(lines[0].argc == 0 && lines[1].argc == 0);

    if (fk_shop_state(&shop) == FK_SHOP_OPEN
        || fk_shop_state(&shop) == FK_SHOP_HEALING)
    {
        MUST(fk_check(&shop, why, sizeof(why)) == FK_OK);
    }
}


/* Redis is well from now on; the earlier of the two goes first. */

static int
settled(void)
{
    return machine.phase == FJ_PHASE_STOPPED
           || (fj_ready(&machine)
               && fk_durable_seq(&shop) == fk_last_seq(&shop));
}


static void
settle(void)
{
    int     a, b, i;
    line_t  *line;

    for (i = 0; i < STEPS_MAX && !settled(); i++) {
        a = running_timer(&lines[0]);
        b = running_timer(&lines[1]);
        line = &lines[0];

        if (lines[0].argc == 0 && !lines[0].connecting && b != -1
            && (lines[1].argc != 0 || lines[1].connecting
                || (a != -1 && lines[1].due_ms[b] < lines[0].due_ms[a])))
        {
            line = &lines[1];
        }

        step(line);
    }

    MUST(settled());
}


/* A life that is as it should be: what it leaves in Redis, others find. */

static void
set_up(void)
{
    int  i;

    shop_open();
    memset(&model, 0, sizeof(model));
    begin(0);
    settle();
    MUST(fj_ready(&machine));

    shop_product("card", FK_KIND_CARD, 0);
    shop_product("seats", FK_KIND_COUNTED, 200);
    shop_stock("card", 1, 32);
    settle();

    for (i = 0; i < 300; i++) {
        if (i % 16 == 0) {
            event_shop((uint8_t) (i / 16 * 5 | 8));
        }

        step(&lines[i % 2]);
    }

    settle();
    MUST(fk_stat_get(&shop, FJ_STAT_SNAPSHOTS) > 0);
    end();
    memcpy(&lived, &model, sizeof(model));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           i;
    uint8_t       how;
    fuzz_input_t  in;

    if (lived.count == 0) {
        set_up();
        say = getenv("FUZZ_SAY") != NULL;
    }

    in.data = data;
    in.size = size;
    how = (uint8_t) fuzz_take(&in, 1);
    serial = 0;

    memcpy(&model, &lived, sizeof(model) - (MODEL_BYTES - lived.used));

    if (!(how & 2)) {
        memset(&model, 0, offsetof(model_t, bytes));
    }

    begin(how);

    /* Whoever sold before has died just now. */
    model.owner_until_ms = now_ms + 1000;

    for (i = 0; i < EVENTS_MAX && in.size > 0; i++) {
        event(&in);
    }

    settle();
    end();

    return 0;
}
