/*
 * What one GiB holds: two million cards of 32 bytes and one million live
 * orders with a contact of 32 bytes, made by the real commands; and the time
 * it takes to come back from the journal.  The numbers are printed.
 */

#include <time.h>

#include "journal_shop.h"


#define REGION_SIZE    ((size_t) 1 << 30)
#define CARDS          2000000u
#define ORDERS         1000000u
#define CARD_SIZE      32
#define BATCH_CARDS    100000u

#define CARD_OVERHEAD_MAX   48
#define ORDER_SIZE_MAX      320
#define JOURNAL_SIZE_MAX    ((size_t) 1 << 30)


static uint8_t  *journal;
static size_t    journal_size;


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
    in.hold_s = SHOP_HOLD_S;
    in.has_idem = 1;

    for (n = 1; n <= ORDERS; n++) {
        mixed[0] = fk_hash_bytes(&n, sizeof(n));
        mixed[1] = mixed[0] * 3;
        fk_order_id_make(&in.id, shop_env.now_ms, (uint8_t *) mixed);
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


static void
test_recovery(void)
{
    char    why[256];
    double  start, applied;
    size_t  at;

    shop_must(fk_format(shop.base, shop.size) == FK_OK, "format");
    shop_must(fk_recover_begin(&shop, 2, 0) == FK_OK, "begin");

    start = seconds();
    EQ_INT(fk_apply(&shop, 2, 0, journal, journal_size, &at), FK_OK,
           "the journal is applied");
    applied = seconds();
    EQ_INT(fk_recover_end(&shop, &shop_env, 2, 2, why, sizeof(why)), FK_OK,
           "and the shop opens: %s", why);

    printf("# %zu MiB of journal applied in %.2f s, rebuilt and checked in "
           "%.2f s\n", journal_size >> 20, applied - start,
           seconds() - applied);
    EQ_INT(shop_view("card").held, ORDERS, "with all orders");
    EQ_INT(shop_view("card").available, CARDS - ORDERS, "and cards");
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
    shop_open_in(memory(REGION_SIZE), REGION_SIZE);
    shop_product("card", FK_KIND_CARD, 0);

    test_fill();
    test_recovery();

    return tap_done();
}
