/*
 * fk_check() finds damage: every word of a small shop that means something is
 * changed, one after the other, and none of the changes goes unseen.  Then
 * words anywhere are changed, to anything: the check answers, reads nothing
 * outside of the region (pages around it cannot be read) and stores nothing
 * but the sums that it adds up.
 *
 * FAKA_LONG=1 changes twenty-five times as many words.
 */

#include "fk_check.h"
#include "journal_shop.h"
#include "ledger_shop.h"


#define GUARD_SIZE   ((size_t) 16 << 20)
#define VALUES       20               /* tried for each link */
#define FLIPS        20000
#define FLIPS_LONG   500000
#define LOOK_EACH    16


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
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, split),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, id[0]),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, used),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, kind),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, hnext),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, lines),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, withdrawals),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, open_count),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, live.frozen),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, live.settled),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, live.reserved),
    WORD(FK_TABLE_ACCOUNTS, fk_account_rec_t, live.paid),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, order),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, returned),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, used),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, state),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, line_count),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, part_count),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, amount[0]),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, line[0].account),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, line[0].prev),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, line[0].next),
    WORD(FK_TABLE_SPLITS, fk_split_rec_t, part[0]),
    WORD(FK_TABLE_WITHDRAWALS, fk_withdrawal_rec_t, amount),
    WORD(FK_TABLE_WITHDRAWALS, fk_withdrawal_rec_t, account),
    WORD(FK_TABLE_WITHDRAWALS, fk_withdrawal_rec_t, prev),
    WORD(FK_TABLE_WITHDRAWALS, fk_withdrawal_rec_t, next),
    WORD(FK_TABLE_WITHDRAWALS, fk_withdrawal_rec_t, used),
    WORD(FK_TABLE_BLOCKS, fk_block_rec_t, next)
};


/* Links: nothing but what they are is right. */
static const word_t  links[] = {
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, hnext),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, pool_head),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, pool_tail),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, wait_head),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, wait_tail),
    WORD(FK_TABLE_PRODUCTS, fk_product_rec_t, importing),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, hnext),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, next),
    WORD(FK_TABLE_CARDS, fk_card_rec_t, owner),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, first_card),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, hnext),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, idem_hnext),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, contact),
    WORD(FK_TABLE_ORDERS, fk_order_rec_t, payment),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, hnext),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, next),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, order),
    WORD(FK_TABLE_PAYMENTS, fk_payment_rec_t, trade_no),
    WORD(FK_TABLE_BLOCKS, fk_block_rec_t, next)
};


/* Waiting, held, delivered, released, staged, aborted: one of each. */
static void
make_shop(void)
{
    void            *mem;
    uint8_t          results[FK_IMPORT_SLICE_MAX];
    uint32_t         batch, i;
    fk_order_view_t  a, b, c;
    fk_pay_result_t  result;

    mem = mmap(NULL, SHOP_SIZE + 2 * GUARD_SIZE, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    mem = (uint8_t *) mem + GUARD_SIZE;
    shop_must(mprotect(mem, SHOP_SIZE, PROT_READ | PROT_WRITE) == 0, "guard");

    shop_open_in(mem, SHOP_SIZE);
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

    ledger_some("seats");
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


static int
seen_empty(uint32_t *link)
{
    char       why[256];
    uint32_t   old;
    fk_code_t  rc;

    old = *link;
    *link = 0;
    rc = fk_check(&shop, why, sizeof(why));
    *link = old;

    return rc == FK_CORRUPT && strstr(why, "missing") != NULL;
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
                missed += !seen((uint8_t *) &bucket[i], 4, 0)
                          || !seen_empty(&bucket[i]);
            }
        }

        EQ_INT(missed, 0, "the buckets of index %zu", n);
    }

    OK(seen((uint8_t *) &r->waiting, 4, 0), "the products with waiters");
    OK(seen((uint8_t *) &r->aborted, 4, 0), "the aborted batches");
    OK(seen((uint8_t *) &r->loading_count, 4, 0), "the staged batches");
    OK(seen((uint8_t *) fk_wheel_slot(&shop, 12345), 4, 0), "the wheel");
    OK(seen((uint8_t *) fk_settle_slot(&shop, 123), 4, 0), "the other one");

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


/* A trade number that is damaged would be booked again. */
static void
test_trade_numbers(void)
{
    uint32_t  i, missed;

    missed = 0;

    for (i = 1; i <= shop.region->table[FK_TABLE_PAYMENTS].fresh; i++) {
        missed += !seen(FK_BLOCK(&shop, FK_PAYMENT(&shop, i)->trade_no)->data,
                        1, 0);
    }

    EQ_INT(missed, 0, "trade numbers");
}


/* Puts slot b into the chain of a, with the key of a. */
static int
twin_seen(uint32_t *from, uint32_t *to, fk_table_id_t table, size_t link,
    size_t key, size_t key_size, uint32_t a, uint32_t b)
{
    char       why[256];
    uint8_t   *slot_a, *slot_b, *copy;
    fk_code_t  rc;

    copy = malloc(shop.size);
    shop_must(copy != NULL, "memory");
    memcpy(copy, shop.base, shop.size);

    slot_a = fk_slot(&shop, table, a);
    slot_b = fk_slot(&shop, table, b);
    memcpy(slot_b + key, slot_a + key, key_size);

    fk_chain_remove(&shop, from, table, link, b);
    fk_chain_insert(&shop, to, (uint32_t *) (void *) (slot_b + link), b);
    fk_commit(&shop);

    rc = fk_check(&shop, why, sizeof(why));
    memcpy(shop.base, copy, shop.size);
    free(copy);

    return rc == FK_CORRUPT && strstr(why, "twice") != NULL;
}


/* Where the slots are at home; and slot 2 as a twin of slot 1. */
#define CARD(i)   fk_card_bucket(&shop, 1, FK_CARD(&shop, i)->sealed)
#define ORDER(i)  fk_order_bucket(&shop, FK_ORDER(&shop, i)->id)
#define IDEM(i)   fk_idem_bucket(&shop, FK_ORDER(&shop, i)->idem)
#define MONEY(i)                                                             \
    fk_bucket(&shop, FK_INDEX_PAYMENTS, FK_PAYMENT(&shop, i)->hash)

#define TWIN(bucket, table, type, link, key, key_size)                       \
    twin_seen(bucket(2), bucket(1), table, offsetof(type, link),             \
              offsetof(type, key), key_size, 1, 2)


static void
test_twins(void)
{
    fk_block_rec_t  *a, *b, was;

    /* The first order's cards are delivered: the last two are not. */
    OK(twin_seen(CARD(20), CARD(19), FK_TABLE_CARDS,
                 offsetof(fk_card_rec_t, hnext),
                 offsetof(fk_card_rec_t, sealed), FK_NONCE_SIZE, 19, 20),
       "a card that is there twice");
    OK(TWIN(ORDER, FK_TABLE_ORDERS, fk_order_rec_t, hnext, id,
            FK_ORDER_ID_SIZE), "an order that is there twice");
    OK(TWIN(IDEM, FK_TABLE_ORDERS, fk_order_rec_t, idem_hnext, idem,
            FK_IDEM_SIZE), "two orders of one request");

    a = FK_BLOCK(&shop, FK_PAYMENT(&shop, 1)->trade_no);
    b = FK_BLOCK(&shop, FK_PAYMENT(&shop, 2)->trade_no);
    was = *b;
    memcpy(b->data, a->data, sizeof(a->data));
    OK(TWIN(MONEY, FK_TABLE_PAYMENTS, fk_payment_rec_t, hnext, hash,
            sizeof(uint64_t)), "money that is booked twice");
    *b = was;
}


/* xorshift64*: the same words every time. */
static uint64_t
draw(uint64_t n)
{
    static uint64_t  x = 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;

    return (x * UINT64_C(0x2545f4914f6cdd1d) >> 16) % n;
}


/*
 * A word of what is in use, as likely in the header as in each table; not the
 * lock, which the check cannot do without, and not the notes, which it does
 * not read.
 */
static uint32_t *
some_word(void)
{
    size_t        at, n;
    fk_region_t  *r;

    r = shop.region;
    n = draw(FK_TABLE_COUNT + FK_INDEX_COUNT + 4);

    if (n < FK_TABLE_COUNT) {
        at = r->table[n].offset
             + draw((r->table[n].fresh + 1) * r->table[n].slot_size);

    } else if (n < FK_TABLE_COUNT + FK_INDEX_COUNT) {
        n -= FK_TABLE_COUNT;
        at = r->index[n].offset + draw(r->index[n].bucket_count * 4);

    } else if (n == FK_TABLE_COUNT + FK_INDEX_COUNT) {
        at = r->wheel_offset + draw(FK_WHEEL_SLOTS * 4);

    } else if (n == FK_TABLE_COUNT + FK_INDEX_COUNT + 2) {
        at = r->settle_offset + draw(FK_SETTLE_SLOTS * 4);

    } else if (n == FK_TABLE_COUNT + FK_INDEX_COUNT + 1) {
        at = r->ring.offset + draw(r->ring.head);

    } else {
        do {
            at = draw(sizeof(fk_region_t));
        } while (at >= offsetof(fk_region_t, lock)
                 && at < offsetof(fk_region_t, ring));
    }

    return (uint32_t *) (void *) (shop.base + at / 4 * 4);
}


/* Close to what it was, or to what another link is, or just anything. */
static uint32_t
some_value(uint32_t old)
{
    switch (draw(5)) {
    case 0:
        return old ^ (uint32_t) (UINT32_C(1) << draw(32));
    case 1:
        return old + (uint32_t) draw(7) - 3;
    case 2:
        return (uint32_t) draw(40);
    case 3:
        return draw(2) == 0 ? 0 : UINT32_MAX - (uint32_t) draw(3);
    default:
        return (uint32_t) draw(UINT32_MAX);
    }
}


/* The sums as they were: what is different then was not to be stored. */
static void
sums_restore(const uint8_t *copy)
{
    uint32_t                 i;
    fk_batch_rec_t          *b;
    fk_region_t             *r;
    fk_product_rec_t        *p;
    fk_account_rec_t        *a;
    const fk_batch_rec_t    *b_was;
    const fk_account_rec_t  *a_was;
    const fk_product_rec_t  *p_was;

    r = shop.region;
    r->audit.owner = ((const fk_region_t *) (const void *) copy)->audit.owner;

    for (i = 1; i <= r->table[FK_TABLE_PRODUCTS].fresh; i++) {
        p = FK_PRODUCT(&shop, i);
        p_was = (const void *) (copy + ((uint8_t *) p - shop.base));
        p->audit_held = p_was->audit_held;
        p->audit_sold = p_was->audit_sold;
        p->audit_owed = p_was->audit_owed;
        p->audit_orders = p_was->audit_orders;
        p->audit_available = p_was->audit_available;
        p->audit_taken = p_was->audit_taken;
    }

    for (i = 1; i <= r->table[FK_TABLE_BATCHES].fresh; i++) {
        b = FK_BATCH(&shop, i);
        b_was = (const void *) (copy + ((uint8_t *) b - shop.base));
        b->audit_available = b_was->audit_available;
        b->audit_taken = b_was->audit_taken;
    }

    for (i = 1; i <= r->table[FK_TABLE_ACCOUNTS].fresh; i++) {
        a = FK_ACCOUNT(&shop, i);
        a_was = (const void *) (copy + ((uint8_t *) a - shop.base));
        a->mark = a_was->mark;
        a->audit = a_was->audit;
    }
}


static void
test_anything(void)
{
    char       why[256];
    size_t     at;
    uint8_t   *copy;
    uint32_t  *word, n, flips, found, silent, stray;
    fk_code_t  rc;

    copy = aligned_alloc(64, shop.size);
    shop_must(copy != NULL, "memory");
    memcpy(copy, shop.base, shop.size);

    flips = getenv("FAKA_LONG") != NULL ? FLIPS_LONG : FLIPS;
    found = 0;
    silent = 0;
    stray = 0;

    for (n = 0; n < flips; n++) {
        word = some_word();
        *word = some_value(*word);
        at = (size_t) ((uint8_t *) word - shop.base);

        why[0] = '\0';
        rc = fk_check_locked(&shop, why, sizeof(why));
        found += rc == FK_CORRUPT;
        silent += rc == FK_CORRUPT && why[0] == '\0';

        memcpy(word, copy + at, sizeof(*word));
        sums_restore(copy);

        /* A stray store stays where it is: it is enough to look for one now
         * and then. */

        if ((n % LOOK_EACH == 0 || n == flips - 1)
            && memcmp(shop.base, copy, shop.size) != 0)
        {
            printf("#   by flip %u at %zu: %s\n", n, at, why);
            memcpy(shop.base, copy, shop.size);
            stray++;
        }
    }

    printf("# %u of %u words anywhere, changed to anything, are found\n",
           found, flips);
    OK(found > flips / 4, "a change anywhere is mostly damage");
    EQ_INT(silent, 0, "and has a name");
    EQ_INT(stray, 0, "the check stores sums and nothing else");
    free(copy);
}


/* Any key of a shared product may be the one that an order got. */
static int
is_free(const word_t *link, uint32_t i)
{
    const fk_order_rec_t  *o;

    if (link->table != FK_TABLE_ORDERS
        || link->offset != offsetof(fk_order_rec_t, first_card))
    {
        return 0;
    }

    o = FK_ORDER(&shop, i);
    return FK_PRODUCT(&shop, o->product)->kind == FK_KIND_SHARED;
}


/* As the words above, by any other value and not only those two. */
static void
test_links(void)
{
    char      why[256];
    size_t    n;
    uint32_t  i, round, *at, old, missed;

    for (n = 0; n < sizeof(links) / sizeof(links[0]); n++) {
        missed = 0;

        for (i = 1; i <= shop.region->table[links[n].table].fresh; i++) {
            at = (uint32_t *) (void *) ((uint8_t *) fk_slot(&shop,
                                                            links[n].table, i)
                                        + links[n].offset);
            old = *at;

            for (round = 0; round < VALUES && !is_free(&links[n], i); round++)
            {
                *at = some_value(old);
                missed += *at != old
                          && fk_check_locked(&shop, why, sizeof(why))
                             != FK_CORRUPT;
            }

            *at = old;
        }

        EQ_INT(missed, 0, "%s, whatever it becomes", links[n].name);
    }
}


int
main(void)
{
    test_states();
    make_shop();
    OK(shop_sound(), "the shop is sound");
    test_words();
    test_header();
    test_trade_numbers();
    test_twins();
    OK(shop_sound(), "and once more");
    test_links();
    test_anything();
    OK(shop_sound(), "and is sound again");

    return tap_done();
}
