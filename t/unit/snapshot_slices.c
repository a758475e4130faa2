/*
 * How long one step of a snapshot keeps buyers out, over a region with a few
 * hundred thousand cards and orders, among them the largest that there can
 * be.  The numbers are printed; what is asked of them is little, because the
 * machine has other things to do.
 */

#include <time.h>

#include "engine_shop.h"


#define REGION_SIZE    ((size_t) 256 << 20)
#define CARDS          300000u
#define LONG_CARDS     3000u           /* of the largest size */
#define ORDERS         180000u
#define LARGE_ORDERS   1000u           /* of FK_QTY_MAX cards */
#define STEPS_MAX      200000u
#define HOLD_NS_MAX    50000


static uint8_t   part[FK_SNAPSHOT_PART_SIZE_MAX];
static int64_t   hold_ns[STEPS_MAX];
static int64_t   last_store_ns;


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
    uint32_t  batch, n, accepted;
    uint64_t  seq;

    shop_must(fk_import_begin(&shop, &shop_env, str(sku), &batch) == FK_OK,
              "begin");

    for (n = 0; n < count; n += 30) {
        shop_must(shop_add(batch, first + n, 30, size, results) == FK_OK,
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

    qsort(hold_ns, n, sizeof(hold_ns[0]), by_size);
    printf("# %s: p50 %.1f, p99 %.1f, p99.9 %.1f, at most %.1f us\n", what,
           (double) hold_ns[n / 2] / 1e3,
           (double) hold_ns[n - 1 - n / 100] / 1e3,
           (double) hold_ns[n - 1 - n / 1000] / 1e3,
           (double) hold_ns[n - 1] / 1e3);

    OK(hold_ns[n / 2] <= HOLD_NS_MAX, "a step takes at most %d us, as a rule",
       HOLD_NS_MAX / 1000);
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
    test_walk("under the lock", CLOCK_MONOTONIC);
    test_walk("time of the processor", CLOCK_THREAD_CPUTIME_ID);

    return tap_done();
}
