/*
 * fk_check() finds damage: every word of a small shop that means something is
 * changed, one after the other, and none of the changes goes unseen or makes
 * the check run wild.
 */

#include "fk_check.h"
#include "journal_shop.h"


typedef struct {
    const char     *name;
    fk_table_id_t   table;
    size_t          offset;
    size_t          width;
} word_t;


#define WORD(t, type, field)                                                 \
    { #type "." #field, t, offsetof(type, field),                            \
      sizeof(((type *) 0)->field) }

/* What holds the shop together; names, prices and times may be anything. */
static const word_t  words[] = {
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, sku[0]),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, available),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, owed),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, hnext),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, kind),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, used),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, imported),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, voided),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, held),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, sold),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, orders_count),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, pool_head),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, pool_tail),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, wait_head),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, wait_tail),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, importing),
    WORD(FK_TABLE_BATCHES, fk_batch_rec_t, product),
    WORD(FK_TABLE_BATCHES, fk_batch_rec_t, state),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, hnext),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, next),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, owner),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, id[8]),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, product),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, first_card),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, hnext),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, idem_hnext),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, contact),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, payment),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, used),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, axis_payment),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, axis_stock),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, has_idem),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, queued),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, hash),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, hnext),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, next),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, order),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, trade_no),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, used),
    WORD(FK_TABLE_BLOCKS, fk_block_rec_t, next)
};


/* Waiting, held, delivered, released, staged, aborted: one of each. */
static void
make_shop(void)
{
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    uint32_t         batch, i;
    fk_order_view_t  a, b, c;
    fk_pay_result_t  result;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("late", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 50);
    shop_stock("card", 1, 20);
    shop_stock("late", 100, 3);
    shop_stock("key", 200, 2);

    for (i = 0; i < 3; i++) {
        shop_must(shop_buy("card", 3, &a) == FK_OK, "buy");
    }

    shop_must(shop_pay(&a.id, "t1", a.amount, &result, &a) == FK_OK, "pay");
    shop_must(shop_pay(&a.id, "t2", a.amount, &result, &a) == FK_OK, "pay");

    /* Two pay after their time, when the cards are somebody else's. */
    shop_must(shop_buy("late", 1, &a) == FK_OK, "buy");
    shop_must(shop_buy("late", 2, &b) == FK_OK, "buy");
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("late", 3, &c) == FK_OK, "buy");
    shop_must(shop_pay(&a.id, "t3", a.amount, &result, &a) == FK_OK
              && result == FK_PAY_WAITING, "wait");
    shop_must(shop_pay(&b.id, "t4", b.amount, &result, &b) == FK_OK
              && result == FK_PAY_WAITING, "wait");

    shop_must(shop_buy("card", 2, &a) == FK_OK, "buy");
    shop_must(shop_buy("key", 1, &a) == FK_OK, "buy");
    shop_must(shop_buy("seats", 5, &a) == FK_OK, "buy");

    shop_must(fk_import_begin(&shop, &shop_env, str("card"), &batch) == FK_OK
              && shop_add(batch, 300, 4, 150, results) == FK_OK, "stage");
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 400, 4, 150, results) == FK_OK
              && fk_import_abort(&shop, &shop_env, batch) == FK_OK, "abort");
}


/* Adds 1, or turns the highest bit: near, and far out of every table. */
static int
seen(uint8_t *at, size_t width, int far)
{
    char       why[256];
    uint8_t   *p, old;
    fk_code_t  rc;

    p = far ? at + width - 1 : at;
    old = *p;
    *p = (uint8_t) (far ? old ^ 0x80 : old + 1);
    rc = fk_check(&shop, why, sizeof(why));
    *p = old;

    return rc == FK_CORRUPT && why[0] != '\0';
}


static void
test_words(void)
{
    int       far;
    size_t    n;
    uint32_t  i, fresh, missed;
    uint8_t  *slot;

    for (n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
        fresh = shop.region->table[words[n].table].fresh;
        missed = 0;

        for (i = 1; i <= fresh; i++) {
            slot = fk_slot(&shop, words[n].table, i);

            for (far = 0; far < 2; far++) {
                missed += !seen(slot + words[n].offset, words[n].width, far);
            }
        }

        EQ_INT(missed, 0, "%s of %u", words[n].name, fresh);
    }
}


static void
test_header(void)
{
    size_t        n, i;
    uint32_t     *bucket, missed;
    fk_region_t  *r;

    r = shop.region;

    for (n = 0; n < FK_TABLE_COUNT; n++) {
        OK(seen((uint8_t *) &r->table[n].fresh, 4, 0)
           && seen((uint8_t *) &r->table[n].free_head, 4, 0)
           && seen((uint8_t *) &r->table[n].free_count, 4, 0),
           "the head of table %zu", n);
    }

    for (n = 0; n < FK_INDEX_COUNT; n++) {
        bucket = (uint32_t *) (void *) (shop.base + r->index[n].offset);
        missed = 0;

        for (i = 0; i < r->index[n].bucket_count; i++) {
            if (bucket[i] != 0) {
                missed += !seen((uint8_t *) &bucket[i], 4, 0);
            }
        }

        EQ_INT(missed, 0, "the buckets of index %zu", n);
    }

    OK(seen((uint8_t *) &r->waiting, 4, 0), "the products with waiters");
    OK(seen((uint8_t *) &r->aborted, 4, 0), "the aborted batches");
    OK(seen((uint8_t *) &r->loading_count, 4, 0), "the staged batches");
    OK(seen((uint8_t *) fk_wheel_slot(&shop, 12345), 4, 0), "the wheel");

    OK(seen((uint8_t *) &r->ring.seq, 8, 0), "ring.seq");
    OK(seen((uint8_t *) &r->ring.head, 8, 0), "ring.head");
    OK(seen((uint8_t *) &r->ring.tail, 8, 0), "ring.tail");
    OK(seen((uint8_t *) &r->ring.durable_seq, 8, 0), "ring.durable_seq");
    OK(seen((uint8_t *) &r->ring.durable_pos, 8, 0), "ring.durable_pos");
    OK(seen((uint8_t *) &r->ring.sent_pos, 8, 0), "ring.sent_pos");
    OK(seen(fk_ring_at(&shop, r->ring.tail) + 40, 1, 0), "a record's byte");
    OK(seen(fk_ring_at(&shop, r->ring.tail), 4, 1), "a record's size");
}


/* From the first state by every event, again and again, until no more come. */
static void
test_states(void)
{
    int        grown;
    uint8_t    met[FK_PAYMENT_COUNT][FK_STOCK_COUNT][FK_DELIVERY_COUNT][2];
    unsigned   n, event, stock_left, wrong, count;
    fk_axes_t  now, next;

    memset(met, 0, sizeof(met));
    met[FK_PAYMENT_UNPAID][FK_STOCK_HELD][FK_DELIVERY_NONE][0] = 1;

    do {
        grown = 0;

        for (n = 0; n < sizeof(met) * FK_EVENT_COUNT * 2; n++) {
            now.cancelled = n % 2;
            now.delivery = (uint8_t) (n / 2 % FK_DELIVERY_COUNT);
            now.stock = (uint8_t) (n / 2 / FK_DELIVERY_COUNT
                                   % FK_STOCK_COUNT);
            now.payment = (uint8_t) (n / 2 / FK_DELIVERY_COUNT
                                     / FK_STOCK_COUNT % FK_PAYMENT_COUNT);
            event = n / sizeof(met) / 2;
            stock_left = n / sizeof(met) % 2;

            if (met[now.payment][now.stock][now.delivery][now.cancelled]
                && fk_next_state(&now, (fk_event_t) event, (int) stock_left,
                                 &next) == FK_OK
                && !met[next.payment][next.stock][next.delivery]
                       [next.cancelled])
            {
                met[next.payment][next.stock][next.delivery]
                   [next.cancelled] = 1;
                grown = 1;
            }
        }
    } while (grown);

    wrong = 0;
    count = 0;

    for (n = 0; n < sizeof(met); n++) {
        now.cancelled = n % 2;
        now.delivery = (uint8_t) (n / 2 % FK_DELIVERY_COUNT);
        now.stock = (uint8_t) (n / 2 / FK_DELIVERY_COUNT % FK_STOCK_COUNT);
        now.payment = (uint8_t) (n / 2 / FK_DELIVERY_COUNT / FK_STOCK_COUNT);
        count += ((uint8_t *) met)[n];

        if (fk_axes_possible(&now) != ((uint8_t *) met)[n]) {
            printf("#   %u %u %u %u\n", now.payment, now.stock, now.delivery,
                   now.cancelled);
            wrong++;
        }
    }

    EQ_INT(wrong, 0, "the check knows the %u states that there are", count);
}


int
main(void)
{
    test_states();
    make_shop();
    OK(shop_sound(), "the shop is sound");
    test_words();
    test_header();
    OK(shop_sound(), "and is sound again");

    return tap_done();
}
