/*
 * Every call of fk.h when it may not: in each state that does not sell, with
 * a lock that cannot be had, in a shop that is fenced while it waits for the
 * lock, and with a full ring.  Each gives its answer and changes nothing.
 */

#include "meanwhile.h"

#include "call_table.h"


typedef struct {
    const call_t  *call;
    fk_t           fk;
    pthread_t      thread;
    int            got;
} runner_t;


static uint8_t   *before;              /* the region as it was */
static runner_t   runners[CALLS];


static void
remember(void)
{
    memcpy(before, shop.base, shop.size);
}


/* The lock notes who waits for it, and time-outs are counted. */
static int
unchanged(void)
{
    size_t  lock, lock_end, stat, stat_end;

    lock = offsetof(fk_region_t, lock);
    lock_end = offsetof(fk_region_t, undo_used);
    stat = offsetof(fk_region_t, stat);
    stat_end = sizeof(fk_region_t);

    return memcmp(before, shop.base, lock) == 0
           && memcmp(before + lock_end, shop.base + lock_end, stat - lock_end)
              == 0
           && memcmp(before + stat_end, shop.base + stat_end,
                     shop.size - stat_end) == 0;
}


static void
test_open(void)
{
    int       got;
    unsigned  n;

    for (n = 0; n < CALLS; n++) {
        call_shop();
        got = call_table[n].run(&shop);
        EQ_INT(got, call_table[n].open, "open: %s", call_table[n].name);
    }
}


static void
test_states(void)
{
    int       got, want;
    unsigned  n, i;

    static const struct {
        fk_shop_state_t  state;
        size_t           want;
    } states[] = {
        { FK_SHOP_EMPTY, offsetof(call_t, empty) },
        { FK_SHOP_RECOVERING, offsetof(call_t, recovering) },
        { FK_SHOP_HEALING, offsetof(call_t, healing) },
        { FK_SHOP_FENCED, offsetof(call_t, fenced) },
        { FK_SHOP_FAILED, offsetof(call_t, failed) },
    };

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        call_shop();
        shop.region->state = states[i].state;
        remember();

        for (n = 0; n < CALLS; n++) {
            memcpy(&want, (const uint8_t *) &call_table[n] + states[i].want,
                   sizeof(want));
            got = call_table[n].run(&shop);
            OK(got == want && unchanged(), "%s: %s",
               fk_shop_state_word[states[i].state], call_table[n].name);

            if (got != want) {
                printf("#   got %d, want %d\n", got, want);
            }
        }
    }

    EQ_INT(fk_state_code(FK_SHOP_STATE_COUNT), FK_FAILED,
           "a state that there is not is a failure");
}


static void *
run(void *data)
{
    runner_t  *runner;

    runner = data;
    runner->got = runner->call->run(&runner->fk);
    return NULL;
}


/* All calls at once, each in its own thread and with its own handle. */
static void
start(void)
{
    unsigned     n;
    const char  *why;

    for (n = 0; n < CALLS; n++) {
        runners[n].call = &call_table[n];
        shop_must(fk_attach(&runners[n].fk, shop.base, shop.size, &why)
                  == FK_OK
                  && pthread_create(&runners[n].thread, NULL, run,
                                    &runners[n]) == 0, "thread");
    }
}


static void
join(void)
{
    unsigned  n;

    for (n = 0; n < CALLS; n++) {
        shop_must(pthread_join(runners[n].thread, NULL) == 0, "join");
    }
}


static void
test_locked(void)
{
    unsigned  n, waited;

    call_shop();
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    remember();
    start();
    join();
    OK(unchanged(), "nothing changed while the lock was taken");
    fk_unlock(&shop);

    waited = 0;
    for (n = 0; n < CALLS; n++) {
        EQ_INT(runners[n].got, call_table[n].locked, "locked: %s",
               call_table[n].name);
        waited += call_table[n].run != call_product_peek;
    }

    EQ_INT(fk_stat_get(&shop, FK_STAT_LOCK_TIMEOUTS), waited,
           "each of them is counted");
}


static void
fenced(void)
{
    fk_fence(&shop, 2);
    remember();
}


/* A fence comes while it stands at the lock: what it saw is no more. */
static void
test_fenced(void)
{
    int       got;
    unsigned  n;

    call_shop();

    for (n = 0; n < CALLS; n++) {
        shop.region->state = FK_SHOP_OPEN;
        others(fenced, 0);
        got = call_table[n].run(&shop);

        if (call_table[n].run == call_product_peek) {
            OK(meanwhile != NULL, "a peek has no lock to stand at");
            continue;
        }

        OK(got == call_table[n].fenced && unchanged(), "fenced meanwhile: %s",
           call_table[n].name);
    }

    others(NULL, 0);
}


/* A page takes the lock once a slice: half a page is no page. */
static void
test_page(void)
{
    uint32_t           i, n, cursor;
    fk_order_view_t    out;
    fk_order_filter_t  filter;

    static fk_order_view_t  page[2 * FK_LIST_SLICE_MAX];

    shop_open();
    shop_product("seat", FK_KIND_COUNTED, 1000);

    for (i = 0; i < 2 * FK_LIST_SLICE_MAX; i++) {
        shop_must(shop_buy("seat", 1, &out) == FK_OK, "buy");
        shop_flush();
    }

    memset(&filter, 0, sizeof(filter));
    filter.status = -1;
    cursor = i - 1;
    n = i;
    others(fenced, 1);
    EQ_INT(fk_order_list(&shop, &filter, &cursor, page, &n), FK_FENCED,
           "fenced in the middle of a page: it is said");
    EQ_INT(n, 0, "there is no page");
    EQ_INT(cursor, i - 1, "and its place is kept");
    others(NULL, 0);

    cursor = 0;
    n = i;
    filter.sku = str("nothing");
    EQ_INT(fk_order_list(&shop, &filter, &cursor, page, &n), FK_FENCED,
           "nor has an unknown product an empty one");

    shop.region->state = FK_SHOP_OPEN;
    cursor = 0;
    n = i;
    filter.sku = str("");
    OK(fk_order_list(&shop, &filter, &cursor, page, &n) == FK_OK && n == i,
       "open: all of them");
}


/* Records of the smallest size, until not even one of them fits. */
static void
fill_ring(void)
{
    while (fk_record_room(&shop, FK_IMAGE_CARD_FREE_SIZE)) {
        fk_record_begin(&shop, &shop_env);
        fk_record_card_free(&shop, 1);
        (void) fk_record_end(&shop);
        fk_commit(&shop);
    }
}


static void
test_full(void)
{
    int       got;
    size_t    wheel;
    unsigned  n;

    wheel = offsetof(fk_region_t, wheel_s);

    for (n = 0; n < CALLS; n++) {
        if (call_table[n].full != FK_RING_FULL) {
            continue;
        }

        call_shop();
        fill_ring();
        remember();
        got = call_table[n].run(&shop);

        /* What passes empty slots of the wheel has done its work there. */
        if (call_table[n].run == call_tick) {
            memcpy(&shop.region->wheel_s, before + wheel, sizeof(uint32_t));
        }

        OK(got == FK_RING_FULL && unchanged(), "full ring: %s",
           call_table[n].name);

        fk_flush_break(&shop, FLUSHER);
        shop.region->ring.probe = 0;
        shop_flush();
        EQ_INT(call_table[n].run(&shop), FK_OK, "and with room again");
    }
}


/* An import that died: the tick ends it, and takes it apart. */
static void
test_full_import(void)
{
    fk_tick_t  out;

    call_shop();
    (void) shop_tick();
    shop_env.now_ms += FK_IMPORT_LEASE_MS;
    shop.region->wheel_s = fk_now_s(&shop_env) + 1;
    fk_flush_break(&shop, FLUSHER);
    shop.region->ring.probe = 0;

    fill_ring();
    EQ_INT(fk_tick(&shop, &shop_env, 1, &out), FK_RING_FULL,
           "full ring: a dead import is not ended");
    EQ_INT(shop.region->loading_count, 1, "it stays");
    shop_flush();
    EQ_INT(fk_tick(&shop, &shop_env, 1, &out), FK_AGAIN, "with room: ended");
    EQ_INT(shop.region->loading_count, 0, "it is aborted");

    fill_ring();
    EQ_INT(fk_tick(&shop, &shop_env, 1, &out), FK_RING_FULL,
           "full ring: nor taken apart");
    EQ_INT(out.reaped_count, 0, "its card stays");
    shop_flush();
    EQ_INT(fk_tick(&shop, &shop_env, 1, &out), FK_AGAIN, "with room: reaped");
    EQ_INT(out.reaped_count, 1, "its card is gone");
    OK(shop_sound(), "sound");
}


/* Nobody's number is no owner, though the leases are nobody's. */
static void
test_nobody(void)
{
    char      why[64];
    size_t    at;
    uint8_t   data[8];

    call_shop();
    shop.region->state = FK_SHOP_RECOVERING;
    remember();
    memset(data, 0, sizeof(data));

    EQ_INT(fk_apply(&shop, 0, 0, data, sizeof(data), &at), FK_CONFLICT,
           "nobody applies");
    EQ_INT(fk_recover_renew(&shop, 0, 0), FK_CONFLICT, "nobody renews");
    EQ_INT(fk_recover_fence(&shop, 0), FK_CONFLICT, "nobody fences");
    EQ_INT(fk_recover_end(&shop, &shop_env, 0, 9, why, sizeof(why)),
           FK_CONFLICT, "nobody opens");
    fk_recover_break(&shop, 0);
    OK(unchanged(), "nothing changed");
}


static void *
check(void *data)
{
    char  *why;

    why = data;
    return fk_check(&shop, why, 256) == FK_LOCK_TIMEOUT ? data : NULL;
}


static void *
begin(void *data)
{
    return fk_recover_begin(&shop, 8, 0) == FK_LOCK_TIMEOUT ? data : NULL;
}


/* These two have no state of their own that stops them. */
static void
test_others(void)
{
    char       why[256];
    void      *out[2];
    pthread_t  thread[2];

    call_shop();
    shop.region->state = FK_SHOP_EMPTY;
    shop_must(fk_lock(&shop) == FK_OK, "lock");
    remember();

    shop_must(pthread_create(&thread[0], NULL, check, why) == 0
              && pthread_create(&thread[1], NULL, begin, why) == 0
              && pthread_join(thread[0], &out[0]) == 0
              && pthread_join(thread[1], &out[1]) == 0, "threads");
    OK(unchanged(), "nothing changed while the lock was taken");
    fk_unlock(&shop);

    OK(out[0] != NULL, "locked: check");
    EQ_STR(why, fk_code_info[FK_LOCK_TIMEOUT].text, "and it says why");
    OK(out[1] != NULL, "locked: recover_begin");
}


int
main(void)
{
    before = malloc(SHOP_SIZE);
    shop_must(before != NULL, "memory");

    test_open();
    test_states();
    test_locked();
    test_fenced();
    test_page();
    test_full();
    test_full_import();
    test_nobody();
    test_others();

    return tap_done();
}
