/*
 * What one GiB holds: two million cards of 32 bytes and one million live
 * orders with a contact of 32 bytes, made by the real commands; and the time
 * it takes to come back from the journal, and from a snapshot, when half of
 * the orders are paid and a quarter has expired.  The numbers are printed, for
 * every pass.
 */

#include <time.h>

#include "fk_check.h"
#include "journal_shop.h"


#define REGION_SIZE    ((size_t) 1 << 30)
#define CARDS          2000000u
#define ORDERS         1000000u
#define CARD_SIZE      32
#define BATCH_CARDS    100000u

/* Every second order is paid, and of the others every second one expires. */
#define PAID           (ORDERS / 2)
#define EXPIRED        (ORDERS / 4)
#define HELD           (ORDERS - PAID - EXPIRED)
#define LONG_HOLD_S    7200u

/* Without a common factor with ORDERS: each pays once, none after another
 * that stands beside it in memory. */
#define PAY_STRIDE     611953u

#define CARD_OVERHEAD_MAX   48
#define ORDER_SIZE_MAX      320
#define JOURNAL_SIZE_MAX    ((size_t) 1 << 30)
#define SNAPSHOT_SIZE_MAX   ((size_t) 1 << 30)


#define PAGE_SIZE           4096


static void *memory(size_t size);
static void expect_stock(const char *when);
static double pass(const char *what, const char *name, double start);


static uint8_t  *journal;
static size_t    journal_size;
static uint8_t  *snapshot;
static size_t    snapshot_size;


static double
seconds(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}


/* The fastest journal there is; what it is given is kept for recovery. */
static void
flush(void)
{
    int         n;
    fk_batch_t  batch;

    while (fk_flush_take(&shop, 1, 0, &batch) == FK_FLUSH_SEND) {
        shop_must(batch.size[0] + batch.size[1] <= FK_BATCH_SIZE_MAX
                  && batch.count > 0, "a batch is bounded");

        for (n = 0; n < 2; n++) {
            shop_must(journal_size + batch.size[n] <= JOURNAL_SIZE_MAX,
                      "journal");
            memcpy(journal + journal_size, batch.part[n], batch.size[n]);
            journal_size += batch.size[n];
        }

        shop_must(fk_flush_done(&shop, 1, batch.last_seq) == FK_OK, "done");
    }
}


/* Bytes of a table's slots and of the index buckets that belong to them. */
static uint64_t
bytes_of(fk_table_id_t table, uint64_t used)
{
    return used * shop.region->table[table].slot_size;
}


static uint64_t
bytes_of_index(fk_index_id_t index, fk_table_id_t table, uint64_t used)
{
    return used * shop.region->index[index].bucket_count * sizeof(uint32_t)
           / shop.region->table[table].capacity;
}


static void
fill_cards(void)
{
    uint8_t       sealed[FK_IMPORT_SLICE_MAX][CARD_SIZE + FK_SEAL_SIZE];
    uint8_t       results[FK_IMPORT_SLICE_MAX];
    uint32_t      batch, n, i, accepted;
    uint64_t      seq;
    fk_card_in_t  cards[FK_IMPORT_SLICE_MAX];

    for (i = 0; i < FK_IMPORT_SLICE_MAX; i++) {
        cards[i].sealed = sealed[i];
        cards[i].size = sizeof(sealed[i]);
        cards[i].old_nonce = NULL;
    }

    for (n = 0; n < CARDS; n += FK_IMPORT_SLICE_MAX) {
        if (n % BATCH_CARDS == 0) {
            shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
                      == FK_OK, "begin");
        }

        for (i = 0; i < FK_IMPORT_SLICE_MAX; i++) {
            uint64_t  mixed;

            /* A nonce is a digest: it looks random. */
            memset(sealed[i], 0, sizeof(sealed[i]));
            mixed = fk_hash_bytes(&(uint32_t) { n + i }, sizeof(uint32_t));
            memcpy(sealed[i], &mixed, sizeof(mixed));
        }

        shop_must(fk_import_add(&shop, &shop_env, batch, cards,
                                FK_IMPORT_SLICE_MAX, results) == FK_OK, "add");
        flush();

        if ((n + FK_IMPORT_SLICE_MAX) % BATCH_CARDS == 0) {
            shop_must(fk_import_commit(&shop, &shop_env, batch, &accepted,
                                       &seq) == FK_OK
                      && accepted == BATCH_CARDS, "commit");
        }
    }
}


/* A millisecond apart, as in a flash sale; ids look random. */
static fk_order_id_t
order_id(uint32_t n, uint64_t mixed[2])
{
    fk_order_id_t  id;

    mixed[0] = fk_hash_bytes(&n, sizeof(n));
    mixed[1] = mixed[0] * 3;
    fk_order_id_make(&id, (int64_t) SHOP_START_S * 1000 + n,
                     (uint8_t *) mixed);
    return id;
}


static int
is_paid(uint32_t n)
{
    return n % 2 == 0;
}


static int
is_expired(uint32_t n)
{
    return n % 4 == 1;
}


static void
fill_orders(void)
{
    uint64_t         mixed[2];
    uint32_t         n;
    fk_checkout_t    in;
    fk_order_view_t  out;

    memset(&in, 0, sizeof(in));
    in.sku = str("card");
    in.qty = 1;
    in.contact = str("a-contact-of-32-bytes@shop.invalid");
    in.contact.size = 32;
    strcpy(in.channel, "epay");
    in.has_idem = 1;

    for (n = 1; n <= ORDERS; n++) {
        shop_env.now_ms++;
        in.id = order_id(n, mixed);
        in.hold_s = is_expired(n) ? SHOP_HOLD_S : LONG_HOLD_S;
        memcpy(in.idem, mixed, sizeof(in.idem));

        shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "buy");

        if (n % 1000 == 0) {
            flush();
        }
    }
}


static void
test_fill(void)
{
    double    start;
    size_t    cards_journal;
    uint64_t  blocks, bytes;

    start = seconds();
    fill_cards();
    printf("# %u cards imported in %.2f s, %.0f a second\n", CARDS,
           seconds() - start, CARDS / (seconds() - start));
    EQ_INT(shop_view("card").available, CARDS, "2 million cards");

    blocks = fk_table_used(&shop, FK_TABLE_BLOCKS);
    bytes = bytes_of(FK_TABLE_CARDS, CARDS)
            + bytes_of(FK_TABLE_BLOCKS, blocks)
            + bytes_of(FK_TABLE_BATCHES,
                       fk_table_used(&shop, FK_TABLE_BATCHES))
            + bytes_of_index(FK_INDEX_CARDS, FK_TABLE_CARDS, CARDS);
    printf("# a card of %u bytes takes %.2f bytes: overhead %.2f\n",
           CARD_SIZE, (double) bytes / CARDS,
           (double) bytes / CARDS - CARD_SIZE);
    OK(bytes <= (uint64_t) CARDS * (CARD_SIZE + CARD_OVERHEAD_MAX),
       "at most %d bytes on top of each", CARD_OVERHEAD_MAX);

    cards_journal = journal_size;
    start = seconds();
    fill_orders();
    printf("# %u orders in %.2f s, %.0f a second on one core\n", ORDERS,
           seconds() - start, ORDERS / (seconds() - start));
    EQ_INT(shop_view("card").held, ORDERS, "1 million live orders");

    blocks = fk_table_used(&shop, FK_TABLE_BLOCKS) - blocks;
    bytes = bytes_of(FK_TABLE_ORDERS, ORDERS)
            + bytes_of(FK_TABLE_BLOCKS, blocks)
            + bytes_of_index(FK_INDEX_ORDERS, FK_TABLE_ORDERS, ORDERS)
            + bytes_of_index(FK_INDEX_IDEM, FK_TABLE_ORDERS, ORDERS);
    printf("# an order takes %.2f bytes, its record in the journal %.0f\n",
           (double) bytes / ORDERS,
           (double) (journal_size - cards_journal) / ORDERS);
    OK(bytes <= (uint64_t) ORDERS * ORDER_SIZE_MAX,
       "at most %d bytes for each", ORDER_SIZE_MAX);
}


/* What a day leaves behind: half of the orders is paid, a quarter not. */
static void
test_finish(void)
{
    char             trade_no[32];
    uint32_t         i, n;
    uint64_t         mixed[2];
    fk_tick_t        tick;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    for (i = 1; i <= ORDERS; i++) {
        n = (uint32_t) ((uint64_t) i * PAY_STRIDE % ORDERS) + 1;

        if (i % 1000 == 0) {
            flush();
        }

        if (!is_paid(n)) {
            continue;
        }

        id = order_id(n, mixed);
        snprintf(trade_no, sizeof(trade_no), "2024010122001%015u", n);
        shop_must(shop_pay(&id, trade_no, 500, &result, &out) == FK_OK
                  && out.status == FK_STATUS_DELIVERED, "pay");
    }

    flush();
    shop_wait_s(SHOP_HOLD_S + 1);

    for (n = 0; n < EXPIRED; n += tick.expired_count) {
        (void) fk_tick(&shop, &shop_env, 1000, &tick);
        shop_must(tick.expired_count > 0, "tick");
        flush();
    }

    expect_stock("when half is paid and a quarter has expired");
}


static void
expect_stock(const char *when)
{
    fk_product_view_t  view;

    view = shop_view("card");
    EQ_INT(view.held, HELD, "%s: held", when);
    EQ_INT(view.sold, PAID, "%s: sold", when);
    EQ_INT(view.available, CARDS - HELD - PAID, "%s: available", when);
}


/* The region is warm: a new one costs its pages on top, printed at the end. */
static void
apply(void)
{
    double  start;
    size_t  at;

    shop_must(fk_format(shop.base, shop.size, shop_seed) == FK_OK, "format");
    shop_must(fk_recover_begin(&shop, 2, 0) == FK_OK, "begin");

    start = seconds();
    EQ_INT(fk_apply(&shop, 2, 0, journal, journal_size, &at), FK_OK,
           "the journal is applied");
    printf("# %zu MiB of journal applied in %.0f ms\n", journal_size >> 20,
           (seconds() - start) * 1e3);
}


static void
test_recovery(void)
{
    char    why[256];
    double  start;

    apply();

    start = seconds();
    EQ_INT(fk_recover_end(&shop, &shop_env, 2, 2, why, sizeof(why)), FK_OK,
           "and the shop opens: %s", why);
    printf("# rebuilt and checked in %.0f ms\n", (seconds() - start) * 1e3);

    expect_stock("recovered");
}


/* The whole shop into memory, in parts, as it would go to the journal. */
static void
take_snapshot(void)
{
    double         start;
    size_t         size;
    fk_code_t      rc;
    fk_snapshot_t  out;

    shop_must(fk_snapshot_begin(&shop, &shop_env, 3, 0, &out) == FK_OK,
              "begin");
    start = seconds();
    snapshot_size = 0;

    do {
        shop_must(snapshot_size + FK_SNAPSHOT_PART_SIZE_MAX
                  <= SNAPSHOT_SIZE_MAX, "snapshot");
        rc = fk_snapshot_step(&shop, &shop_env, 3, 0,
                              snapshot + snapshot_size,
                              FK_SNAPSHOT_PART_SIZE_MAX, &size, &out);
        snapshot_size += size;
    } while (rc == FK_AGAIN);

    EQ_INT(rc, FK_OK, "a snapshot is taken");
    fk_snapshot_end(&shop, 3);
    printf("# %zu MiB of snapshot written in %.0f ms\n", snapshot_size >> 20,
           (seconds() - start) * 1e3);
}


static void
test_snapshot(void)
{
    char    why[256];
    double  start, loaded;
    size_t  at;

    take_snapshot();
    shop_must(fk_format(shop.base, shop.size, shop_seed) == FK_OK, "format");
    shop_must(fk_recover_begin(&shop, 2, 0) == FK_OK, "begin");

    start = seconds();
    EQ_INT(fk_snapshot_load(&shop, 2, 0, snapshot, snapshot_size, &at),
           FK_OK, "the snapshot is loaded");
    loaded = seconds();
    EQ_INT(fk_recover_end(&shop, &shop_env, 2, 3, why, sizeof(why)), FK_OK,
           "and the shop opens: %s", why);
    printf("# snapshot loaded in %.0f ms, rebuilt and checked in %.0f ms\n",
           (loaded - start) * 1e3, (seconds() - loaded) * 1e3);

    expect_stock("loaded");
}


/* Once more, pass by pass: where the time goes. */
static void
test_passes(void)
{
    char        why[256];
    double      start, sum;
    size_t      n;
    fk_text_t   text;
    fk_check_t  ck;

    apply();
    fk_text_init(&text, why, sizeof(why));
    sum = 0;

    for (n = 0; n < FK_REBUILD_STEPS; n++) {
        start = seconds();
        shop_must(fk_rebuild_steps[n].run(&shop, &shop_env, &text) == FK_OK,
                  fk_rebuild_steps[n].name);
        sum += pass("rebuild", fk_rebuild_steps[n].name, start);
    }

    printf("# rebuild: %.1f ms\n", sum);

    shop.region->ring.sent_seq = shop.region->ring.seq;
    shop.region->ring.durable_seq = shop.region->ring.seq;

    memset(&ck, 0, sizeof(ck));
    ck.fk = &shop;
    fk_text_init(&ck.why, why, sizeof(why));
    sum = 0;

    for (n = 0; n < FK_CHECK_STEPS; n++) {
        start = seconds();
        EQ_INT(fk_check_steps[n].run(&ck), FK_OK, "check %s: %s",
               fk_check_steps[n].name, why);
        sum += pass("check", fk_check_steps[n].name, start);
    }

    printf("# check: %.1f ms\n", sum);
}


static double
pass(const char *what, const char *name, double start)
{
    double  ms;

    ms = (seconds() - start) * 1e3;
    printf("#   %-8s %-9s %6.1f ms\n", what, name, ms);
    return ms;
}


/* What the pages of a new region cost, whoever touches them first. */
static void
test_touch(void)
{
    double    start;
    size_t    at;
    uint8_t  *mem;

    mem = memory(REGION_SIZE);
    start = seconds();

    for (at = 0; at < REGION_SIZE; at += PAGE_SIZE) {
        mem[at] = 1;
    }

    printf("# %zu MiB touched for the first time in %.0f ms\n",
           REGION_SIZE >> 20, (seconds() - start) * 1e3);
    OK(munmap(mem, REGION_SIZE) == 0, "a region is let go");
}


static void *
memory(size_t size)
{
    void  *mem;

    mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    return mem;
}


int
main(void)
{
    journal = memory(JOURNAL_SIZE_MAX);
    snapshot = memory(SNAPSHOT_SIZE_MAX);
    shop_open_in(memory(REGION_SIZE), REGION_SIZE);
    shop_product("card", FK_KIND_CARD, 0);

    test_fill();
    test_finish();
    test_recovery();
    test_snapshot();
    test_passes();
    test_touch();

    return tap_done();
}
