/*
 * How long one step of a snapshot keeps buyers out, and one of the archive,
 * over a region with a few hundred thousand cards and orders, among them the
 * largest that there can be.  The numbers are printed; what is asked of them
 * is little, because the machine has other things to do.
 *
 * FAKA_NO_CLOCK is set where a program runs many times slower than it is, or
 * its branches are counted: then the numbers are asked nothing at all.
 */

#include <time.h>

#include "engine_shop.h"


#define REGION_SIZE    ((size_t) 256 << 20)
#define CARDS          300000u
#define LONG_CARDS     3000u           /* of the largest size */
#define ORDERS         180000u
#define LARGE_ORDERS   1000u           /* of FK_QTY_MAX cards */
#define WORST_ORDERS   20u             /* each card of a batch of its own */
#define STEPS_MAX      200000u
#define LIST_SLOTS     1024            /* that one fk_archive_list looks at */

/* A sanitizer's looking costs several times what it looks at. */
#ifdef __SANITIZE_ADDRESS__
#define HOLD_NS_MAX    500000
#else
#define HOLD_NS_MAX    50000
#endif

/* The largest order there can be, 100 cards of 100 batches and 64 payments,
 * is some 2,600 noted stores, and nobody has many of them. */
#define WORST_NS_MAX   (2 * HOLD_NS_MAX)


static uint8_t   part[FK_SNAPSHOT_PART_SIZE_MAX];
static int64_t   hold_ns[STEPS_MAX];
static int64_t   last_store_ns;
static uint8_t   record[FK_ARCHIVE_SIZE_MAX];

static fk_order_id_t  worst[WORST_ORDERS];


static int64_t
clock_ns(clockid_t clock)
{
    struct timespec  now;

    (void) clock_gettime(clock, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}


/* The last store of a step is the last thing that it does under the lock. */
static void
note_store(void)
{
    last_store_ns = clock_ns(CLOCK_MONOTONIC);
}


static void
fill_cards(const char *sku, uint32_t first, uint32_t count, uint16_t size)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  batch, n, slice, accepted;
    uint64_t  seq;

    shop_must(fk_import_begin(&shop, &shop_env, str(sku), &batch) == FK_OK,
              "begin");

    for (n = 0; n < count; n += slice) {
        slice = count - n < 30 ? count - n : 30;
        shop_must(shop_add(batch, first + n, slice, size, results) == FK_OK,
                  "add");
        shop_flush();
    }

    shop_must(fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
              == FK_OK && accepted == count, "commit");
}


static void
fill_orders(void)
{
    char             trade[32];
    uint32_t         n, i;
    fk_code_t        rc;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    for (n = 0; n < ORDERS; n++) {
        rc = n % (ORDERS / LARGE_ORDERS) == 0
             ? shop_buy("card", FK_QTY_MAX, &out)
             : shop_buy(n % 100 == 1 ? "long" : "card", 1, &out);
        shop_must(rc == FK_OK, "buy");

        /* Every second one is paid, the large ones as often as can be. */
        for (i = 0; i < (out.qty > 1 ? 64 : n % 2); i++) {
            snprintf(trade, sizeof(trade), "%u-%u", n, i);
            shop_must(shop_pay(&out.id, trade, out.amount, &result, &out)
                      == FK_OK, "pay");
        }

        if (n % 100 == 0) {
            shop_flush();
        }
    }

    shop_flush();
}


static int
by_size(const void *a, const void *b)
{
    int64_t  x, y;

    x = *(const int64_t *) a;
    y = *(const int64_t *) b;
    return x < y ? -1 : x > y;
}


static void
holds_good(const char *what, uint32_t n, int64_t limit_ns)
{
    qsort(hold_ns, n, sizeof(hold_ns[0]), by_size);
    printf("# %s: p50 %.1f, p99 %.1f, p99.9 %.1f, at most %.1f us\n", what,
           (double) hold_ns[n / 2] / 1e3,
           (double) hold_ns[n - 1 - n / 100] / 1e3,
           (double) hold_ns[n - 1 - n / 1000] / 1e3,
           (double) hold_ns[n - 1] / 1e3);

    if (getenv("FAKA_NO_CLOCK") != NULL) {
        OK(n != 0, "%s # SKIP the clock: FAKA_NO_CLOCK is set", what);
        return;
    }

    OK(hold_ns[n / 2] <= limit_ns, "%s: at most %d us, as a rule", what,
       (int) (limit_ns / 1000));
}


/*
 * By the clock on the wall, the time under the lock.  By the processor's, the
 * whole call with its checksum: that one knows nothing of other programs.
 */
static void
test_walk(const char *what, clockid_t clock)
{
    size_t         size;
    int64_t        start_ns, end_ns;
    uint32_t       n;
    fk_code_t      rc;
    fk_snapshot_t  out;

    shop_must(fk_snapshot_begin(&shop, &shop_env, 7, 0, &out) == FK_OK,
              "begin");
    fk_test_store = clock == CLOCK_MONOTONIC ? note_store : NULL;
    rc = FK_AGAIN;

    for (n = 0; rc == FK_AGAIN && n < STEPS_MAX; n++) {
        start_ns = clock_ns(clock);
        rc = fk_snapshot_step(&shop, &shop_env, 7, 0, part, sizeof(part),
                              &size, &out);
        end_ns = clock == CLOCK_MONOTONIC ? last_store_ns : clock_ns(clock);
        hold_ns[n] = end_ns - start_ns;
    }

    fk_test_store = NULL;
    fk_snapshot_end(&shop, 7);
    EQ_INT(rc, FK_OK, "%u entities, %u MiB, in %u parts",
           (unsigned) out.entities_count, (unsigned) (out.bytes >> 20), n);

    holds_good(what, n, HOLD_NS_MAX);
}


/* Orders that are as much work as there can be: 100 cards of 2 KiB from as
 * many batches, and 64 payments. */
static void
fill_worst(void)
{
    char             trade[32];
    uint32_t         n, i;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_product("worst", FK_KIND_CARD, 0);

    for (n = 0; n < WORST_ORDERS * FK_QTY_MAX; n++) {
        fill_cards("worst", 2000000 + n, 1, FK_SEALED_SIZE_MAX);
    }

    for (n = 0; n < WORST_ORDERS; n++) {
        shop_must(shop_buy("worst", FK_QTY_MAX, &out) == FK_OK, "buy");
        worst[n] = out.id;

        for (i = 0; i < FK_ORDER_PAYMENTS_MAX; i++) {
            snprintf(trade, sizeof(trade), "worst-%u-%u", n, i);
            shop_must(shop_pay(&worst[n], trade, out.amount, &result, &out)
                      == FK_OK, "pay");
            shop_must(i == 0 || fk_refund(&shop, &shop_env, &worst[n],
                                          str(trade), &out) == FK_OK,
                      "refund");
        }

        shop_flush();
    }
}


/* One look is over many slots, each slice of them under its own lock. */
static void
test_list(void)
{
    int64_t        start_ns;
    uint32_t       n, cursor, slices;
    fk_order_id_t  ids[FK_LIST_SLICE_MAX];

    cursor = 0;
    slices = LIST_SLOTS / FK_LIST_SLICE_MAX;

    for (n = 0; n < STEPS_MAX; n++) {
        start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        (void) fk_archive_list(&shop, &shop_env, 1u << 30, &cursor, ids,
                               FK_LIST_SLICE_MAX);
        hold_ns[n] = (clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / slices;

        if (cursor == 0) {
            break;
        }
    }

    holds_good("a slice of fk_archive_list", n, HOLD_NS_MAX);
}


static void
drop(const fk_order_id_t *id, int64_t *took_ns)
{
    size_t           size;
    int64_t          start_ns;
    fk_order_view_t  out;

    shop_must(fk_archive_read(&shop, id, &out, record, sizeof(record), &size)
              == FK_OK, "read");
    start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    shop_must(fk_archive_drop(&shop, &shop_env, id, out.seq) == FK_OK,
              "drop");
    *took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
    shop_flush();
}


static void
test_drop(void)
{
    uint32_t       i, n, count, cursor;
    fk_order_id_t  ids[FK_LIST_SLICE_MAX];

    shop_wait_s(7200);

    for (n = 0; n < WORST_ORDERS; n++) {
        drop(&worst[n], &hold_ns[n]);
    }

    holds_good("fk_archive_drop of the largest orders", n, WORST_NS_MAX);

    n = 0;
    cursor = 0;

    do {
        count = fk_archive_list(&shop, &shop_env, 3600, &cursor, ids,
                                FK_LIST_SLICE_MAX);

        for (i = 0; i < count && n < STEPS_MAX; i++) {
            drop(&ids[i], &hold_ns[n++]);
        }
    } while (cursor != 0 && n < STEPS_MAX);

    OK(n > ORDERS / 3, "%u orders leave", n);
    holds_good("fk_archive_drop of the others", n, HOLD_NS_MAX);
}


int
main(void)
{
    void  *mem;

    mem = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    shop_open_in(mem, REGION_SIZE);

    shop_product("card", FK_KIND_CARD, 0);
    shop_product("long", FK_KIND_CARD, 0);
    fill_cards("card", 1, CARDS, 60);
    fill_cards("long", 1000000, LONG_CARDS, FK_SEALED_SIZE_MAX);
    fill_orders();
    fill_worst();
    test_walk("under the lock", CLOCK_MONOTONIC);
    test_walk("time of the processor", CLOCK_THREAD_CPUTIME_ID);
    test_list();
    test_drop();

    return tap_done();
}
