/*
 * What fk_archive_restore() must refuse, and the largest order there is: the
 * room that it takes in the undo notes, in a record, in the tables.
 */

#include "archive_shop.h"


#define BIG_SIZE  ((size_t) 16 << 20)


static uint8_t          record[FK_ARCHIVE_SIZE_MAX];
static uint8_t          lie[FK_ARCHIVE_SIZE_MAX];
static size_t           record_size;
static uint32_t         notes_max;
static fk_order_view_t  view;


static void
note_store(void)
{
    if (shop.region->undo_used >= notes_max) {
        notes_max = shop.region->undo_used + 1;
    }
}


static fk_order_id_t
delivered(const char *sku, uint32_t qty, const char *trade)
{
    fk_pay_result_t  result;

    shop_must(shop_buy(sku, qty, &view) == FK_OK, "buy");
    shop_must(shop_pay(&view.id, trade, 500 * (int64_t) qty, &result, &view)
              == FK_OK && result == FK_PAY_DELIVERED, "pay");
    return view.id;
}


static fk_code_t
restore_bytes(const uint8_t *data, size_t size)
{
    return shop_restore(&shop, data, size, &view);
}


static fk_code_t
restore(void)
{
    return restore_bytes(record, record_size);
}


static void
one_order_away(void)
{
    fk_order_id_t  id;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("seats", FK_KIND_COUNTED, 100000);
    shop_stock("card", 1, 4);
    id = delivered("card", 2, "trade-1");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
}


/* 100 cards of the largest size, each of another batch, and 64 payments. */
static fk_order_id_t
largest_order(void)
{
    char             trade[FK_TRADE_NO_SIZE_MAX + 1];
    uint8_t          results[1];
    uint32_t         i, batch, accepted;
    uint64_t         seq;
    fk_checkout_t    in;
    fk_pay_result_t  result;
    char             contact[FK_CONTACT_SIZE_MAX];

    shop_product("card", FK_KIND_CARD, 0);

    for (i = 0; i < FK_QTY_MAX; i++) {
        shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch)
                  == FK_OK
                  && shop_add(batch, i + 1, 1, FK_SEALED_SIZE_MAX, results)
                     == FK_OK
                  && fk_import_commit(&shop, &shop_env, batch, &accepted,
                                      &seq) == FK_OK, "import");
        kept_flush();
    }

    FK_PRODUCT(&shop, 1)->qty_max = FK_QTY_MAX;
    in = shop_cart("card", FK_QTY_MAX);
    memset(contact, 'c', sizeof(contact));
    in.contact.data = (const uint8_t *) contact;
    in.contact.size = sizeof(contact);
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "buy");

    for (i = 0; i < FK_ORDER_PAYMENTS_MAX; i++) {
        snprintf(trade, sizeof(trade), "%064u", i);
        shop_must(shop_pay(&in.id, trade, 1 + i, &result, &view) == FK_OK
                  && result == FK_PAY_REVIEW, "wrong sum");
    }

    shop_must(fk_decide(&shop, &shop_env, &in.id, FK_EVENT_APPROVE, &view)
              == FK_OK, "approve");
    return in.id;
}


/* Where the n-th image of a record begins; with n = count, its end. */
static size_t
image_at(const uint8_t *data, uint32_t n)
{
    size_t  at;

    for (at = FK_RECORD_HEAD_SIZE; n != 0; n--) {
        at += fk_get(data + at + 2, 2);
    }

    return at;
}


/* One payment more than an order can have, behind its last one. */
static void
test_too_many(void)
{
    size_t    last, end, size;
    uint32_t  count;

    count = (uint32_t) fk_get(record + 26, 2);
    last = image_at(record, count - 1);
    end = image_at(record, count);
    size = (2 * end - last + FK_RECORD_ALIGN - 1)
           & ~(size_t) (FK_RECORD_ALIGN - 1);
    shop_must(size <= sizeof(lie), "room");

    memset(lie, 0, size);
    memcpy(lie, record, end);
    memcpy(lie + end, record + last, end - last);
    lie[2 * end - last - 1] = 'x';
    fk_put(lie, size, 4);
    fk_put(lie + 26, count + 1, 2);
    record_seal(lie);
    EQ_INT(restore_bytes(lie, size), FK_CORRUPT, "too many payments");
}


/* With an audit behind whose cursor all of it happens: each sum is noted. */
static void
test_largest(void)
{
    char               why[256];
    fk_t               twin;
    void              *mem;
    seen_t             before, after;
    uint32_t           drop_notes;
    fk_order_id_t      id;
    fk_audit_totals_t  totals;

    mem = mmap(NULL, BIG_SIZE, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    shop_open_in(mem, BIG_SIZE);
    kept_size = 0;
    id = largest_order();
    before = seen(&shop, &id);
    shop_must(before.cards_count == FK_QTY_MAX
              && before.payments_count == FK_ORDER_PAYMENTS_MAX, "whole");

    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    while (fk_audit_step(&shop, &shop_env, 9, 1000) == FK_AGAIN) { }

    fk_test_store = note_store;
    notes_max = 0;
    EQ_INT(shop_archive(&id, record, &record_size), FK_OK,
           "the largest order leaves");
    drop_notes = notes_max;
    OK(shop.region->audit.owner == 9, "beside an audit");
    kept_flush();

    notes_max = 0;
    test_too_many();
    EQ_INT(restore(), FK_OK, "and comes back");
    fk_test_store = NULL;
    kept_flush();

    OK(drop_notes > 1000 && drop_notes <= FK_UNDO_MAX
       && notes_max > 1000 && notes_max <= FK_UNDO_MAX,
       "%u and %u notes of %u", drop_notes, notes_max, FK_UNDO_MAX);
    OK(record_size > 200000 && record_size <= FK_ARCHIVE_SIZE_MAX,
       "a record of %zu bytes", record_size);

    EQ_INT(fk_audit_end(&shop, 9, &totals), FK_OK, "the audit ends");
    OK(totals.ok && totals.archived_orders == 0 && totals.cards_count == 100
       && totals.money[0].amount == 64 * 65 / 2,
       "with the right sums: %s", totals.problem);
    OK(shop_sound(), "sound");

    after = seen(&shop, &id);
    OK(seen_same(&before, &after), "it is the same");

    region_new(&twin, BIG_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, why), FK_OK,
           "the journal holds it: %s", why);
    after = seen(&twin, &id);
    OK(seen_same(&before, &after), "and gives the same");
    region_drop(&twin);
}


/* The cards, as whoever stores the record may want them beside it. */
static void
test_cards(void)
{
    int            same;
    seen_t         before;
    uint32_t       i, n, crc;
    fk_card_out_t  out[FK_QTY_MAX];
    fk_order_id_t  id;

    one_order_away();
    shop_stock("card", 50, 20);
    id = delivered("card", 20, "cards");
    before = seen(&shop, &id);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    n = fk_archive_cards(record, record_size, out, FK_QTY_MAX);
    EQ_INT(n, 20, "a record shows its cards");
    crc = 0;
    same = 1;

    for (i = 0; i < n; i++) {
        crc = fk_crc32c(crc, record + out[i].offset, out[i].size);
        same = same && out[i].size == 60;
    }

    OK(same && crc == before.cards_crc, "in the order of the buyer's list");
    EQ_INT(fk_archive_cards(record, record_size, out, 3), 3, "at most n");
    record[40]++;
    EQ_INT(fk_archive_cards(record, record_size, out, FK_QTY_MAX), 0,
           "none of a damaged one");

    id = delivered("seats", 2, "none");
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    EQ_INT(fk_archive_cards(record, record_size, out, FK_QTY_MAX), 0,
           "none where there are none");
}


/* An archived order looks as it did when it was here. */
static void
test_view(void)
{
    size_t             i;
    seen_t             before;
    uint32_t           n, wrong;
    fk_order_id_t      id;
    fk_order_view_t    out;
    fk_payment_view_t  payments[2];

    one_order_away();
    shop_stock("card", 50, 20);
    id = delivered("card", 3, "seen");
    before = seen(&shop, &id);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    memset(payments, 0, sizeof(payments));
    n = 2;
    EQ_INT(fk_archive_view(&shop, record, record_size, &out, payments, &n),
           FK_OK, "a record shows its order");
    OK(memcmp(&out, &before.view, sizeof(out)) == 0, "as it was");
    EQ_INT(n, 1, "with its payment");
    OK(memcmp(payments, before.payments, sizeof(payments[0])) == 0,
       "as it was, too");
    EQ_INT(fk_archive_view(&shop, record, record_size, &out, NULL, NULL),
           FK_OK, "or without");
    n = 0;
    EQ_INT(fk_archive_view(&shop, record, record_size, &out, payments, &n),
           FK_OK, "or with none of them");

    wrong = 0;

    for (i = 0; i < record_size; i++) {
        record[i] ^= 0x10;
        wrong += fk_archive_view(&shop, record, record_size, &out, NULL, NULL)
                 != FK_CORRUPT;
        record[i] ^= 0x10;
        wrong += fk_archive_view(&shop, record, i, &out, NULL, NULL)
                 != FK_CORRUPT;
    }

    EQ_INT(wrong, 0, "nothing of a damaged or a torn one");

    shop_open();
    EQ_INT(fk_archive_view(&shop, record, record_size, &out, NULL, NULL),
           FK_CONFLICT, "nor of another shop's");
    fk_fail(&shop, "test");
    EQ_INT(fk_archive_view(&shop, record, record_size, &out, NULL, NULL),
           FK_FAILED, "and a shop that has failed shows nothing");
}


static void
test_damaged(void)
{
    size_t    i;
    uint32_t  wrong;
    uint64_t  seq;

    one_order_away();
    seq = fk_last_seq(&shop);
    wrong = 0;

    for (i = 0; i < record_size; i++) {
        memcpy(lie, record, record_size);
        lie[i] ^= 0x10;
        wrong += restore_bytes(lie, record_size) != FK_CORRUPT;
        wrong += restore_bytes(record, i) != FK_CORRUPT;
    }

    EQ_INT(wrong, 0, "no byte may be changed, none may be missing");
    EQ_INT(restore_bytes(record, record_size + 8), FK_CORRUPT,
           "nor be too many");

    memcpy(lie, record, record_size);
    lie[24]++;
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_INCOMPATIBLE,
           "a record of a newer version");

    memcpy(lie, record, record_size);
    lie[FK_RECORD_HEAD_SIZE + 1]++;
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_INCOMPATIBLE,
           "an image of a newer version");

    memcpy(lie, record, record_size);
    fk_put(lie + 24, FK_RECORD_VERSION, 2);
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_INCOMPATIBLE,
           "a record of the journal");

    memcpy(lie, record, record_size);
    fk_put(lie + 26, fk_get(lie + 26, 2) - 1, 2);
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_CORRUPT, "one image less");

    EQ_INT(fk_last_seq(&shop), seq, "nothing was done");
    EQ_INT(restore(), FK_OK, "the right one is taken");
}


/*
 * Whatever a record with a good checksum says: it is refused, or the shop is
 * sound with it, and the order can leave again.
 */
static void
test_lies(void)
{
    size_t         i, size;
    uint8_t        bit, *again;
    uint32_t       wrong, taken, refused;
    fk_order_id_t  id;

    one_order_away();
    again = malloc(FK_ARCHIVE_SIZE_MAX);
    shop_must(again != NULL, "memory");
    wrong = 0;
    taken = 0;
    refused = 0;

    for (i = 8; i < record_size; i++) {
        for (bit = 0; bit < 8; bit++) {
            memcpy(lie, record, record_size);
            lie[i] ^= (uint8_t) (1 << bit);
            record_seal(lie);

            if (restore_bytes(lie, record_size) != FK_OK) {
                refused++;
                continue;
            }

            taken++;
            id = view.id;
            wrong += !shop_sound();
            wrong += shop_archive(&id, again, &size) != FK_OK;
            wrong += !shop_sound();
            shop_flush();
        }
    }

    free(again);
    OK(wrong == 0 && taken > 500 && refused > 200,
       "%u lies refused, %u harmless, %u harmful", refused, taken, wrong);
    EQ_INT(restore(), FK_OK, "and the truth is still taken");
}


/* Lies that no single bit tells. */
static void
test_crafted(void)
{
    size_t           last, end;
    uint8_t         *order;
    uint32_t         count;
    fk_order_id_t    id;
    fk_pay_result_t  result;

    enum { QTY = 44, AXES = 46 };      /* fields of an order's image */

    one_order_away();
    shop_must(shop_buy("seats", 2, &view) == FK_OK
              && shop_pay(&view.id, "pay-1", 5, &result, &view) == FK_OK
              && shop_pay(&view.id, "pay-2", 6, &result, &view) == FK_OK
              && fk_decide(&shop, &shop_env, &view.id, FK_EVENT_APPROVE,
                           &view) == FK_OK, "approved");
    id = view.id;

    memcpy(lie, record, record_size);
    order = lie + image_at(lie, 0);
    shop_must(fk_get(order + QTY, 2) == 2 && order[AXES] == FK_PAYMENT_PAID,
              "the fields are where they were");
    fk_put(order + QTY, 3, 2);
    record_seal(lie);
    FK_PRODUCT(&shop, 1)->archived_units++;
    EQ_INT(restore_bytes(lie, record_size), FK_CONFLICT,
           "more units than cards");
    FK_PRODUCT(&shop, 1)->archived_units--;

    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    count = (uint32_t) fk_get(record + 26, 2);
    last = image_at(record, count - 1);
    end = image_at(record, count);

    memcpy(lie, record, record_size);
    order = lie + image_at(lie, 0);
    order[AXES] = FK_PAYMENT_UNPAID;
    order[AXES + 1] = FK_STOCK_HELD;
    order[AXES + 2] = FK_DELIVERY_NONE;
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_CORRUPT,
           "an order that was not finished");

    memcpy(lie, record, record_size);
    lie[last + FK_IMAGE_HEAD_SIZE]++;
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_CORRUPT,
           "a payment of another order");

    memcpy(lie, record, record_size);
    lie[end - 1] = '1';
    record_seal(lie);
    EQ_INT(restore_bytes(lie, record_size), FK_CORRUPT,
           "the same payment twice");
    EQ_INT(restore(), FK_OK, "the right one is taken");
    OK(shop_sound(), "sound");
}


static void
test_foreign(void)
{
    uint32_t         n;
    fk_order_id_t    id;
    fk_pay_result_t  result;

    one_order_away();
    FK_PRODUCT(&shop, 1)->archived_amount--;
    EQ_INT(restore(), FK_CONFLICT, "more money than has left");
    FK_PRODUCT(&shop, 1)->archived_amount++;
    FK_PRODUCT(&shop, 1)->archived_units--;
    EQ_INT(restore(), FK_CONFLICT, "more units than have left");
    FK_PRODUCT(&shop, 1)->archived_units++;
    shop_must(shop_buy("seats", 1, &view) == FK_OK
              && shop_pay(&view.id, "trade-1", 500, &result, &view) == FK_OK,
              "the same trade number for another");
    EQ_INT(restore(), FK_CONFLICT, "a payment that another order has");

    shop_open();
    EQ_INT(restore(), FK_CONFLICT, "a product that is not there");
    shop_product("card", FK_KIND_COUNTED, 10);
    EQ_INT(restore(), FK_CONFLICT, "a shop that no such order has left");
    id = delivered("card", 2, "x");
    n = (uint32_t) record_size;
    memcpy(lie, record, n);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    EQ_INT(restore_bytes(lie, n), FK_CONFLICT, "a product of another kind");
    OK(shop_sound(), "sound");
}


/* Until the shop says why not. */
static fk_code_t
buy_on(int flush)
{
    fk_code_t  code;

    do {
        if (flush) {
            shop_flush();
        }

        code = shop_buy("seats", 1, &view);
    } while (code == FK_OK);

    return code;
}


/* With a table that is made to look full, the others as they are. */
static fk_code_t
restore_without(fk_table_id_t id)
{
    fk_code_t    rc;
    fk_table_t   was, *t;

    t = &shop.region->table[id];
    was = *t;
    t->capacity = t->fresh;
    t->free_count = 0;
    rc = restore();
    *t = was;

    return rc;
}


static void
test_full(void)
{
    size_t         n;
    uint64_t       seq;
    fk_order_id_t  id;

    static const struct {
        const char     *name;
        fk_table_id_t   id;
    } tables[] = {
        { "payments", FK_TABLE_PAYMENTS },
        { "cards", FK_TABLE_CARDS },
        { "blocks", FK_TABLE_BLOCKS },
    };

    one_order_away();
    seq = fk_last_seq(&shop);

    for (n = 0; n < sizeof(tables) / sizeof(tables[0]); n++) {
        EQ_INT(restore_without(tables[n].id), FK_TABLE_FULL,
               "no room for %s", tables[n].name);
    }

    EQ_INT(fk_last_seq(&shop), seq, "nothing was done");

    /* The last two cards of its batch, so that there is none to go to. */
    id = delivered("card", 2, "trade-2");
    shop_must(shop_archive(&id, lie, &n) == FK_OK, "archive");
    EQ_INT(restore_without(FK_TABLE_BATCHES), FK_TABLE_FULL,
           "no room for a batch");

    shop_must(buy_on(0) == FK_RING_FULL, "the ring is full");
    EQ_INT(restore(), FK_RING_FULL, "no room for the record");
    OK(shop_sound(), "sound");

    shop_must(buy_on(1) == FK_TABLE_FULL, "orders are full");
    EQ_INT(restore(), FK_TABLE_FULL, "no room for the order");

    id = shop_id(shop_serial / 2);
    shop_must(fk_cancel(&shop, &shop_env, &id, &view) == FK_OK, "cancel");
    shop_must(shop_archive(&id, lie, &n) == FK_OK, "archive");
    EQ_INT(buy_on(1), FK_TABLE_FULL, "the room of one that left");
    EQ_INT(restore(), FK_TABLE_FULL, "may be taken by another");

    id = shop_id(shop_serial / 3);
    shop_must(fk_cancel(&shop, &shop_env, &id, &view) == FK_OK, "cancel");
    shop_must(shop_archive(&id, lie, &n) == FK_OK, "archive");
    shop_flush();
    EQ_INT(restore(), FK_OK, "or by one that comes back");
    OK(shop_sound(), "sound");
}


/* The key that was sold is here still, and needs neither slot nor blocks. */
static void
test_key_room(void)
{
    uint8_t        results[1];
    uint32_t       batch, accepted, needed, spare;
    uint64_t       seq;
    fk_table_t     was, *blocks, *cards;
    fk_order_id_t  id;

    one_order_away();
    shop_product("key", FK_KIND_SHARED, 0);
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 90, 1, FK_SEALED_SIZE_MAX, results) == FK_OK
              && fk_import_commit(&shop, &shop_env, batch, &accepted, &seq)
                 == FK_OK, "import");

    id = delivered("key", 1, "key");
    needed = fk_table_room(&shop, FK_TABLE_BLOCKS);
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");
    needed = fk_table_room(&shop, FK_TABLE_BLOCKS) - needed;

    blocks = &shop.region->table[FK_TABLE_BLOCKS];
    cards = &shop.region->table[FK_TABLE_CARDS];
    spare = fk_table_room(&shop, FK_TABLE_BLOCKS) - needed;
    was = *cards;
    blocks->capacity -= spare + 1;
    cards->capacity = cards->fresh;
    cards->free_count = 0;
    EQ_INT(restore(), FK_TABLE_FULL, "a block less than it had is too few");
    blocks->capacity++;
    EQ_INT(restore(), FK_OK, "as many as it had do");
    blocks->capacity += spare;
    *cards = was;
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_largest();
    test_cards();
    test_view();
    test_damaged();
    test_lies();
    test_crafted();
    test_foreign();
    test_full();
    test_key_room();

    return tap_done();
}
