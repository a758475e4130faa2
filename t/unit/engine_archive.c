/*
 * The archive: which orders may leave, that one that left and came back is
 * the same, what its product and batches keep of it, and what a payment does
 * to an order that was away.
 */

#include "archive_shop.h"


static uint8_t   record[FK_ARCHIVE_SIZE_MAX];
static size_t    record_size;
static uint8_t   other_record[FK_ARCHIVE_SIZE_MAX];
static size_t    other_size;


/* One shop with a product of each kind, and cards of two batches. */
static void
open_shop(void)
{
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 5000);
    shop_stock("card", 1, 10);
    shop_stock("card", 100, 50);
    shop_stock("key", 5000, 1);
}


static fk_order_id_t
buy(const char *sku, uint32_t qty)
{
    fk_order_view_t  out;

    shop_must(shop_buy(sku, qty, &out) == FK_OK, "buy");
    return out.id;
}


static fk_pay_result_t
pay(const fk_order_id_t *id, const char *trade, int64_t amount)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_must(shop_pay(id, trade, amount, &result, &out) == FK_OK, "pay");
    return result;
}


static void
decide(const fk_order_id_t *id, fk_event_t event)
{
    fk_order_view_t  out;

    shop_must(fk_decide(&shop, &shop_env, id, event, &out) == FK_OK,
              "decide");
}


static fk_order_id_t
bought(const char *sku, uint32_t qty, const char *trade)
{
    fk_order_id_t  id;

    id = buy(sku, qty);
    (void) pay(&id, trade, 500 * (int64_t) qty);
    return id;
}


static fk_order_id_t
expired(const char *sku, uint32_t qty)
{
    fk_order_id_t  id;

    id = buy(sku, qty);
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    return id;
}


static fk_order_id_t
cancelled(const char *sku, uint32_t qty)
{
    fk_order_id_t    id;
    fk_order_view_t  out;

    id = buy(sku, qty);
    shop_must(fk_cancel(&shop, &shop_env, &id, &out) == FK_OK, "cancel");
    return id;
}


/* Two payments, both given back. */
static fk_order_id_t
refunded(const char *sku, const char *trade, const char *second)
{
    fk_order_id_t  id;

    id = buy(sku, 2);
    (void) pay(&id, trade, 7);
    (void) pay(&id, second, 1000);
    decide(&id, FK_EVENT_DENY);
    decide(&id, FK_EVENT_REFUNDED);
    return id;
}


static int
listed(uint32_t retention_s, const fk_order_id_t *id)
{
    int            found;
    uint32_t       i, n, cursor;
    fk_order_id_t  ids[3];

    found = 0;
    cursor = 0;

    do {
        n = fk_archive_list(&shop, &shop_env, retention_s, &cursor, ids, 3);

        for (i = 0; i < n; i++) {
            found += id == NULL
                     || memcmp(&ids[i], id, sizeof(ids[i])) == 0;
        }
    } while (cursor != 0);

    return found;
}


static fk_code_t
restore(fk_order_view_t *out)
{
    fk_order_view_t  unused;

    return shop_restore(&shop, record, record_size,
                        out != NULL ? out : &unused);
}


/* Which orders may leave, and when. */
static void
test_list(void)
{
    uint32_t         i, n, cursor, calls, count;
    fk_order_id_t    id[9], many[FK_LIST_SLICE_MAX];
    fk_order_view_t  out;

    open_shop();
    id[0] = bought("card", 2, "a");
    id[1] = cancelled("card", 1);
    id[2] = refunded("card", "b", "c");
    id[3] = expired("seats", 3);
    id[4] = buy("card", 1);
    id[5] = bought("card", 1, "d");
    (void) pay(&id[5], "d again", 500);
    id[6] = buy("card", 1);
    (void) pay(&id[6], "e", 7);
    id[7] = buy("card", 1);
    (void) pay(&id[7], "f", 7);
    decide(&id[7], FK_EVENT_DENY);

    EQ_INT(listed(3600, NULL), 0, "nothing is old enough");
    shop_wait_s(3600 - 2);
    EQ_INT(listed(3600, &id[3]), 0, "not one second early");
    shop_wait_s(1);
    EQ_INT(listed(3600, &id[3]), 1, "an hour after it expired it is");
    shop_wait_s(100000);

    for (i = 0; i < 4; i++) {
        EQ_INT(listed(3600, &id[i]), 1, "finished order %u is listed", i);
    }

    EQ_INT(listed(3600, &id[5]), 0, "not one that was paid twice");
    EQ_INT(listed(3600, &id[6]), 0, "not one under review");
    EQ_INT(listed(3600, &id[7]), 0, "not one that is to be refunded");
    EQ_INT(listed(3600, &id[4]), 0, "not one that nobody expired yet");
    (void) shop_tick();
    EQ_INT(listed(3600, &id[4]), 1, "but then");
    EQ_INT(listed(3600, NULL), 5, "and no others");

    /* Waiting for stock: all cards of this product are with others. */
    id[8] = expired("card", 50);
    (void) buy("card", 50);
    shop_must(pay(&id[8], "late", 25000) == FK_PAY_WAITING, "waits");
    shop_wait_s(100000);
    EQ_INT(listed(3600, &id[8]), 0, "not one that waits for stock");

    for (i = 0; i < 3; i++) {
        EQ_INT(fk_archive_read(&shop, &id[5 + i], &out, record,
                               sizeof(record), &record_size), FK_CONFLICT,
               "unfinished order %u is not read", i);
        shop_must(fk_order_get(&shop, &id[5 + i], &out) == FK_OK, "get");
        EQ_INT(fk_archive_drop(&shop, &shop_env, &id[5 + i], out.seq),
               FK_CONFLICT, "nor dropped");
    }

    for (i = 0; i < 3000; i++) {
        (void) cancelled("seats", 1);
        shop_flush();
    }

    shop_wait_s(100000);
    (void) shop_tick();
    shop_flush();
    cursor = 0;
    calls = 0;
    count = 0;

    do {
        n = fk_archive_list(&shop, &shop_env, 60, &cursor, many,
                            FK_LIST_SLICE_MAX);
        calls++;
        count += n;
    } while (cursor != 0);

    EQ_INT(count, 3000 + 7, "a long list is whole");
    OK(calls >= 3007 / FK_LIST_SLICE_MAX, "in %u calls", calls);
}


/* There and back; numbers of the product before, between and after. */
static void
there_and_back(const char *what, const char *sku, const fk_order_id_t *id,
    int64_t units, int64_t amount)
{
    char               why[256];
    fk_t               twin;
    seen_t             before, after;
    uint32_t           orders, payments, cards;
    uint64_t           seq;
    fk_order_view_t    out;
    fk_product_view_t  v[3];

    before = seen(&shop, id);
    v[0] = shop_view(sku);
    orders = fk_table_used(&shop, FK_TABLE_ORDERS);
    payments = fk_table_used(&shop, FK_TABLE_PAYMENTS);
    cards = fk_table_used(&shop, FK_TABLE_CARDS);

    EQ_INT(shop_archive(id, record, &record_size), FK_OK, "%s leaves", what);
    OK(shop_sound(), "the shop is sound without it");
    EQ_INT(fk_order_get(&shop, id, &out), FK_NOT_FOUND, "it is gone");

    v[1] = shop_view(sku);
    OK(v[1].sold == v[0].sold && v[1].available == v[0].available
       && v[1].imported == v[0].imported && v[1].held == v[0].held,
       "the product has the numbers that it had");
    OK(v[1].archived_units - v[0].archived_units == units
       && v[1].archived_orders - v[0].archived_orders == 1
       && v[1].archived_amount - v[0].archived_amount == amount,
       "and those of the order as sums");
    EQ_INT(orders - fk_table_used(&shop, FK_TABLE_ORDERS), 1, "one slot");
    EQ_INT(payments - fk_table_used(&shop, FK_TABLE_PAYMENTS),
           before.payments_count, "a slot for each payment");
    EQ_INT(cards - fk_table_used(&shop, FK_TABLE_CARDS),
           v[0].kind == FK_KIND_CARD ? before.cards_count : 0,
           "and for each card is free");

    EQ_INT(restore(&out), FK_OK, "it comes back");
    OK(shop_sound(), "sound");
    after = seen(&shop, id);
    OK(seen_same(&before, &after), "and is the same");
    EQ_INT(out.seq, fk_last_seq(&shop), "with the record to wait for");

    v[2] = shop_view(sku);
    v[2].seq = v[0].seq;
    OK(memcmp(&v[2], &v[0], sizeof(v[0])) == 0, "as is its product");

    seq = fk_last_seq(&shop);
    EQ_INT(restore(&out), FK_EXISTS, "once");
    OK(memcmp(&out.id, id, sizeof(*id)) == 0 && fk_last_seq(&shop) == seq,
       "the second time it is only shown");

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "the journal knows it: %s", why);
    after = seen(&twin, id);
    OK(seen_same(&before, &after) && products_same(&shop, &twin, sku),
       "and gives the same");
    region_drop(&twin);
}


static void
test_there_and_back(void)
{
    fk_order_id_t  id;

    kept_size = 0;
    open_shop();

    id = bought("card", 1, "a");
    there_and_back("a card", "card", &id, 1, 500);
    id = bought("card", 20, "b");
    there_and_back("cards of two batches", "card", &id, 20, 10000);
    id = bought("key", 1, "c");
    there_and_back("a shared key", "key", &id, 1, 500);
    shop_stock("key", 5001, 1);
    there_and_back("a key that is no longer sold", "key", &id, 1, 500);
    id = bought("seats", 7, "d");
    there_and_back("seven seats", "seats", &id, 7, 3500);
    id = expired("card", 2);
    there_and_back("an expired order", "card", &id, 0, 0);
    id = cancelled("seats", 2);
    there_and_back("a cancelled order", "seats", &id, 0, 0);
    id = refunded("card", "e", "f");
    there_and_back("a refunded order", "card", &id, 0, 0);

    /* Approved with a sum that was not the price: that is what was kept. */
    id = buy("card", 3);
    (void) pay(&id, "g", 1400);
    (void) pay(&id, "h", 99);
    decide(&id, FK_EVENT_APPROVE);
    there_and_back("an approved order", "card", &id, 3, 1499);
}


/* What a payment finds that comes for an order which was away. */
static void
test_late(void)
{
    fk_order_id_t    id, other;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    open_shop();
    id = expired("card", 2);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    EQ_INT(shop_pay(&id, "late", 1000, &result, &out), FK_NOT_FOUND,
           "money for an order that is not here");
    shop_must(restore(NULL) == FK_OK, "restore");
    EQ_INT(pay(&id, "late", 1000), FK_PAY_DELIVERED,
           "money for an expired order that came back");
    EQ_INT(shop_view("card").sold, 2, "buys what is still there");
    OK(shop_sound(), "sound");

    id = expired("card", 58);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    other = buy("card", 30);
    shop_must(restore(NULL) == FK_OK, "restore");
    EQ_INT(pay(&id, "later", 29000), FK_PAY_WAITING, "or waits for it");
    OK(shop_sound(), "sound");
    shop_must(fk_cancel(&shop, &shop_env, &other, &out) == FK_OK, "cancel");
    EQ_INT(shop_tick().served_count, 1, "and is served like any other");

    id = bought("seats", 1, "once");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    shop_must(restore(NULL) == FK_OK, "restore");
    EQ_INT(pay(&id, "once", 500), FK_PAY_DUPLICATE, "the same money again");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    shop_must(restore(NULL) == FK_OK, "restore");
    EQ_INT(pay(&id, "twice", 500), FK_PAY_EXTRA, "a second payment");
    EQ_INT(shop_archive(&id, record, &record_size), FK_CONFLICT,
           "keeps its order here, as it is owed");
    OK(shop_sound(), "sound");
}


/* A record that was read before the last change is not the order. */
static void
test_changed(void)
{
    fk_order_id_t    id;
    fk_order_view_t  out;

    open_shop();
    id = expired("card", 1);
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                           &record_size), FK_OK, "read");
    (void) pay(&id, "late", 500);
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_CONFLICT,
           "not dropped: a payment came after it was read");
    EQ_INT(shop_archive(&id, record, &record_size), FK_OK, "but read again");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_NOT_FOUND,
           "and not twice");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                           &record_size), FK_NOT_FOUND, "nor read");

    /* A change of a payment alone has another number than its order. */
    id = bought("card", 1, "b");
    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                              &record_size) == FK_OK, "read");
    FK_PAYMENT(&shop, FK_ORDER(&shop, out.index)->payment)->seq++;
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_CONFLICT,
           "not when one of its payments changed");

    id = bought("card", 5, "a");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, 700, &record_size),
           FK_INVALID, "a buffer that is too small");

    fk_fail(&shop, "for the test");
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record),
                           &record_size), FK_FAILED, "a shop that stopped");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_FAILED,
           "drops nothing");
    EQ_INT(listed(0, NULL), 0, "and lists nothing");
}


/* Its Idempotency-Key was free for another, and who has it keeps it. */
static void
test_idem(void)
{
    char             why[256];
    fk_t             twin;
    fk_order_id_t    id;
    fk_checkout_t    in;
    fk_order_view_t  out;

    kept_size = 0;
    open_shop();
    in = shop_cart("card", 1);
    id = in.id;
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK
              && pay(&id, "a", 500) == FK_PAY_DELIVERED, "order");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    EQ_INT(fk_order_by_idem(&shop, in.idem, in.body, &out), FK_NOT_FOUND,
           "the key went with its order");
    shop_must(restore(NULL) == FK_OK, "restore");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &out), FK_EXISTS,
           "and came back with it");

    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    in.id = shop_id(77777);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &out), FK_OK,
           "without it, the same request is a new order");
    EQ_INT(restore(NULL), FK_OK, "the old one comes back all the same");
    OK(shop_sound(), "sound");
    shop_must(fk_order_by_idem(&shop, in.idem, in.body, &out) == FK_EXISTS,
              "by key");
    OK(memcmp(&out.id, &in.id, sizeof(in.id)) == 0,
       "the key leads to the new one");

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "also after a recovery: %s", why);
    region_drop(&twin);

    EQ_INT(shop_archive(&id, record, &record_size), FK_OK, "it leaves again");
    OK(shop_sound(), "sound");
}


/* A card that was sold and archived is imported again, and sold again. */
static void
test_twin(void)
{
    char           why[256];
    fk_t           twin;
    seen_t         before, after;
    uint32_t       first, next;
    fk_order_id_t  id, other;

    kept_size = 0;
    open_shop();
    id = bought("card", 10, "a");
    before = seen(&shop, &id);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    shop_stock("card", 1, 10);
    OK(shop_sound(), "cards that are gone can be imported again");
    EQ_INT(restore(NULL), FK_OK, "their order comes back");
    OK(shop_sound(), "beside them");
    after = seen(&shop, &id);
    OK(seen_same(&before, &after), "with its own");

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "the journal as well: %s", why);
    region_drop(&twin);

    other = bought("card", 60, "b");
    OK(shop_sound(), "whoever buys them has them");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK
              && shop_sound(), "the first leaves");
    shop_must(shop_archive(&other, record, &record_size) == FK_OK, "second");
    OK(shop_sound(), "and both can leave");

    /* Two for sale are still what the check is there to find. */
    shop_stock("card", 9000, 2);
    shop_must(shop_sound(), "sound");
    first = FK_PRODUCT(&shop, 1)->pool_head;
    next = FK_CARD(&shop, first)->next;
    fk_chain_remove(&shop,
                    fk_card_bucket(&shop, 1, FK_CARD(&shop, next)->sealed),
                    FK_TABLE_CARDS, offsetof(fk_card_rec_t, hnext), next);
    memcpy(FK_CARD(&shop, next)->sealed, FK_CARD(&shop, first)->sealed,
           FK_NONCE_SIZE);
    fk_chain_insert(&shop,
                    fk_card_bucket(&shop, 1, FK_CARD(&shop, first)->sealed),
                    &FK_CARD(&shop, next)->hnext, next);
    fk_commit(&shop);
    OK(!shop_sound(), "but not both of two in stock");
}


static void
test_snapshot(void)
{
    fk_order_id_t    id, other;
    fk_snapshot_t    snapshot;
    fk_order_view_t  out;

    open_shop();
    id = bought("card", 1, "a");
    other = bought("card", 2, "b");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    shop_must(fk_order_get(&shop, &other, &out) == FK_OK, "get");

    shop_must(fk_snapshot_begin(&shop, &shop_env, 7, 0, &snapshot) == FK_OK,
              "snapshot");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &other, out.seq), FK_AGAIN,
           "nothing leaves while a snapshot runs");
    EQ_INT(restore(NULL), FK_OK, "but it may come back");
    fk_snapshot_end(&shop, 7);
    EQ_INT(fk_archive_drop(&shop, &shop_env, &other, out.seq), FK_OK,
           "afterwards it leaves");
    OK(shop_sound(), "sound");
}


/* Each sum that stays behind is held against the rest. */
static void
test_proved(void)
{
    unsigned           n;
    int64_t           *sum;
    fk_order_id_t      id;

    static const size_t  sums[] = {
        offsetof(fk_product_rec_t, archived_units),
        offsetof(fk_product_rec_t, sold),
        offsetof(fk_product_rec_t, orders_count),
    };

    open_shop();
    id = bought("card", 12, "a");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    EQ_INT(FK_BATCH(&shop, 1)->state, FK_BATCH_FREE,
           "a batch goes with the last of its cards");
    EQ_INT(FK_BATCH(&shop, 2)->archived, 2, "or knows how many are gone");

    for (n = 0; n < sizeof(sums) / sizeof(sums[0]); n++) {
        sum = (int64_t *) (void *) ((uint8_t *) FK_PRODUCT(&shop, 1)
                                    + sums[n]);
        *sum += 1;
        OK(!shop_sound(), "a wrong sum is found");
        *sum -= 1;
    }

    FK_PRODUCT(&shop, 1)->archived_amount = -1;
    OK(!shop_sound(), "and money that cannot be");
    FK_PRODUCT(&shop, 1)->archived_amount = 6000;

    FK_BATCH(&shop, 2)->archived -= 1;
    OK(!shop_sound(), "and a card that nothing explains");
    FK_BATCH(&shop, 2)->archived += 1;
    OK(shop_sound(), "with all of them right it is sound");
}


/* Cards whose batch has gone come back in a new one, and it goes again. */
static void
test_batches(void)
{
    char           why[256];
    fk_t           twin;
    seen_t         before, after;
    uint8_t        results[1];
    uint32_t       i, used, gone, handle, next = 0;
    uint64_t       seq;
    fk_order_id_t  id, other;

    kept_size = 0;
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 3);
    shop_stock("card", 50, 9);
    used = fk_table_used(&shop, FK_TABLE_BATCHES);

    id = bought("card", 5, "a");
    before = seen(&shop, &id);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    gone = used - fk_table_used(&shop, FK_TABLE_BATCHES);
    EQ_INT(gone, 1, "a batch is free when its cards are gone");

    /* Its slot is another product's by now, or another batch's. */
    shop_product("other", FK_KIND_CARD, 0);
    shop_stock("other", 1, 9);
    other = bought("other", 8, "o");
    shop_must(shop_archive(&other, other_record, &other_size) == FK_OK,
              "other");
    OK(FK_BATCH(&shop, 1)->product == 2 && FK_BATCH(&shop, 1)->archived == 8,
       "another product's batch has its slot");
    EQ_INT(restore(NULL), FK_OK, "its cards come back");
    OK(shop_sound(), "sound");
    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), used + 1, "in a new one");
    after = seen(&shop, &id);
    OK(seen_same(&before, &after), "and are the same");

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "the journal as well: %s", why);
    after = seen(&twin, &id);
    OK(seen_same(&before, &after), "has the same");
    region_drop(&twin);

    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), used, "which goes again");
    EQ_INT(restore(NULL), FK_OK, "as often as one likes");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    other = bought("card", 7, "b");
    shop_must(shop_archive(&other, record, &record_size) == FK_OK, "archive");
    EQ_INT(fk_table_used(&shop, FK_TABLE_BATCHES), 1, "in the end all do");

    /* The handle of an import whose batch is gone is not the next one's. */
    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &handle) == FK_OK
              && shop_add(handle, 900, 1, 60, results) == FK_OK
              && fk_import_commit(&shop, &shop_env, handle, &i, &seq)
                 == FK_OK, "import");
    id = bought("card", 1, "d");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK
              && fk_import_begin(&shop, &shop_env, str("card"), &next)
                 == FK_OK, "next import");
    OK((next & FK_BATCHES_MAX) == (handle & FK_BATCHES_MAX),
       "an import takes the slot");
    EQ_INT(shop_add(handle, 901, 1, 60, results), FK_CONFLICT,
           "which the one before cannot add to");
    shop_must(fk_import_abort(&shop, &shop_env, next) == FK_OK, "abort");
    (void) shop_tick();

    /* More imports than there are slots. */
    for (i = 0; i < 1000; i++) {
        shop_stock("card", 1000 + i, 1);
        id = bought("card", 1, "c");
        shop_must(shop_archive(&id, record, &record_size) == FK_OK, "away");
        shop_flush();
    }

    OK(shop.region->plan.batches < i && shop_sound(),
       "%u imports in a table of %u", i, shop.region->plan.batches);
}


/* What was imported lately is known still, though it was sold to somebody who
 * had paid for it long ago. */
static void
test_waited(void)
{
    fk_order_id_t  id, two;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_stock("card", 1, 2);
    id = expired("card", 2);
    shop_wait_s(1000);
    two = bought("card", 2, "two");
    shop_wait_s(1000);
    (void) pay(&id, "late", 1000);
    shop_wait_s(1000);
    EQ_INT(listed(900, &two), 1, "who had them of an old import is old");
    EQ_INT(listed(900, &id), 0, "who waits is not finished");

    shop_stock("card", 3, 1);
    shop_wait_s(800);
    shop_stock("card", 4, 1);
    (void) shop_tick();
    EQ_INT(listed(900, &id), 0, "who has them now is not old");
    shop_wait_s(850);
    EQ_INT(listed(900, &id), 0, "nor by the older of two imports");
    shop_wait_s(50);
    EQ_INT(listed(900, &id), 1, "but in its time");
}


int
main(void)
{
    test_list();
    test_waited();
    test_there_and_back();
    test_late();
    test_changed();
    test_idem();
    test_twin();
    test_batches();
    test_snapshot();
    test_proved();

    return tap_done();
}
