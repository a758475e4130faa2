/*
 * Records that pass their checksum and lie: each field of each image, one at
 * a time.  The lie is refused by its own code, that recovery is over, the
 * shop is not opened, and the journal without the lie still opens it.
 *
 * What no single record can be blamed for (sums, double use) is found before
 * the shop opens; the last part of this file is about that.
 */

#include "record_maker.h"


static fk_t    twin;
static size_t  base_size;              /* of the honest journal in made[] */


/* Slots of the honest shop. */
enum {
    BATCH_CARDS = 1,                   /* live; 3 is free */
    BATCH_KEYS = 2,
    BATCH_ABORTED = 4,
    BATCH_NEW = 5,

    CARD_HELD = 1,                     /* order 1 has it */
    CARD_SOLD = 2,                     /* order 2 */
    CARD_POOL = 3,                     /* with blocks */
    CARD_FREE = 4,
    CARD_KEY = 6,
    CARD_ABORTED = 7,
    CARD_NEW = 8
};


/* Images that may come next, as long as nothing in them is changed. */
enum {
    NEXT_PRODUCT = 0,
    NEXT_PRODUCT_NEW,
    NEXT_BATCH,
    NEXT_BATCH_NEW,
    NEXT_CARD,
    NEXT_CARD_LONG,
    NEXT_CARD_FREE,
    NEXT_ORDER,
    NEXT_ORDER_NEW,
    NEXT_PAYMENT,
    NEXT_PAYMENT_NEW,
    NEXT_GONE,
    NEXT_ARCHIVED,
    NEXT_COUNT
};

static struct {
    fk_image_type_t  type;
    fk_image_t       image;
} next[NEXT_COUNT];


static void
next_set(unsigned n, fk_image_type_t type, fk_image_t image)
{
    next[n].type = type;
    next[n].image = image;
}


static void
next_make(void)
{
    fk_image_t     image;
    fk_order_id_t  id;

    next_set(NEXT_PRODUCT, FK_IMAGE_PRODUCT,
             made_product("card", FK_KIND_CARD, 3));
    next_set(NEXT_PRODUCT_NEW, FK_IMAGE_PRODUCT,
             made_product("new", FK_KIND_COUNTED, 9));
    next_set(NEXT_BATCH, FK_IMAGE_BATCH,
             made_batch(BATCH_CARDS, "card", FK_BATCH_LIVE, 3));
    next_set(NEXT_BATCH_NEW, FK_IMAGE_BATCH,
             made_batch(BATCH_NEW, "card", FK_BATCH_LOADING, 0));
    next_set(NEXT_CARD, FK_IMAGE_CARD, made_card(CARD_NEW, BATCH_CARDS, 60));
    next_set(NEXT_CARD_LONG, FK_IMAGE_CARD,
             made_card(CARD_FREE, BATCH_CARDS, 300));

    memset(&image, 0, sizeof(image));
    image.card_free.slot = CARD_POOL;
    next_set(NEXT_CARD_FREE, FK_IMAGE_CARD_FREE, image);

    image = made_order(1, "card", 1);
    image.order.card_count = 1;
    image.order.card[0] = CARD_HELD;
    next_set(NEXT_ORDER, FK_IMAGE_ORDER, image);

    image = made_order(9, "card", 1);
    image.order.card_count = 1;
    image.order.card[0] = CARD_POOL;
    next_set(NEXT_ORDER_NEW, FK_IMAGE_ORDER, image);

    next_set(NEXT_PAYMENT, FK_IMAGE_PAYMENT,
             made_payment(2, "trade-2", FK_PAYMENT_STATE_APPLIED));
    next_set(NEXT_PAYMENT_NEW, FK_IMAGE_PAYMENT,
             made_payment(1, "trade-9", FK_PAYMENT_STATE_REVIEW));

    memset(&image, 0, sizeof(image));
    id = shop_id(2);
    memcpy(image.order_gone.id, id.bytes, sizeof(id.bytes));
    next_set(NEXT_GONE, FK_IMAGE_ORDER_GONE, image);

    memset(&image, 0, sizeof(image));
    image.batch_archived.slot = BATCH_CARDS;
    image.batch_archived.archived = 1;
    next_set(NEXT_ARCHIVED, FK_IMAGE_BATCH_ARCHIVED, image);
}


/* A product of each kind, cards in every state, three orders, a payment. */
static void
base_make(void)
{
    fk_image_t  image;

    made_begin();

    made_record(FK_IMAGE_PRODUCT, &next[NEXT_PRODUCT].image);
    image = made_product("key", FK_KIND_SHARED, 1);
    image.product.key = CARD_KEY;
    made_record(FK_IMAGE_PRODUCT, &image);
    image = made_product("seats", FK_KIND_COUNTED, 10);
    made_record(FK_IMAGE_PRODUCT, &image);

    made_record(FK_IMAGE_BATCH, &next[NEXT_BATCH].image);
    image = made_batch(BATCH_KEYS, "key", FK_BATCH_LIVE, 1);
    made_record(FK_IMAGE_BATCH, &image);
    image = made_batch(BATCH_ABORTED, "card", FK_BATCH_ABORTED, 1);
    made_record(FK_IMAGE_BATCH, &image);

    image = made_card(CARD_HELD, BATCH_CARDS, 60);
    made_record(FK_IMAGE_CARD, &image);
    image = made_card(CARD_SOLD, BATCH_CARDS, 200);
    made_record(FK_IMAGE_CARD, &image);
    image = made_card(CARD_POOL, BATCH_CARDS, 300);
    made_record(FK_IMAGE_CARD, &image);
    image = made_card(CARD_KEY, BATCH_KEYS, 60);
    made_record(FK_IMAGE_CARD, &image);
    image = made_card(CARD_ABORTED, BATCH_ABORTED, 60);
    made_record(FK_IMAGE_CARD, &image);

    made_record(FK_IMAGE_ORDER, &next[NEXT_ORDER].image);
    image = made_delivered(made_order(2, "card", 1));
    image.order.card_count = 1;
    image.order.card[0] = CARD_SOLD;
    made_record(FK_IMAGE_ORDER, &image);
    made_record(FK_IMAGE_PAYMENT, &next[NEXT_PAYMENT].image);
    image = made_order(3, "key", 1);
    image.order.card_count = 1;
    image.order.card[0] = CARD_KEY;
    made_record(FK_IMAGE_ORDER, &image);

    base_size = made_size;
}


/* Drops what stands behind the honest journal. */
static void
base_again(void)
{
    made_size = base_size;
    made_seq = 15;
}


static fk_code_t
apply(size_t *at)
{
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    return fk_apply(&twin, 2, 0, made, made_size, at);
}


/* Refused by this code, at the last record, and for good. */
static void
refused(fk_code_t want, const char *name)
{
    char       why[256];
    size_t     at;
    fk_code_t  rc;

    rc = apply(&at);

    OK(rc == want && at == made_at
       && fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why))
          == FK_CONFLICT
       && fk_shop_state(&twin) == FK_SHOP_RECOVERING,
       "%s: %s", name, fk_code_info[want].name);

    if (rc != want) {
        printf("#   got %s\n", fk_code_info[rc].name);
    }
}


static void
test_honest(void)
{
    char      why[256];
    size_t    at;
    unsigned  n;

    for (n = 0; n < NEXT_COUNT; n++) {
        base_again();
        made_record(next[n].type, &next[n].image);
        EQ_INT(apply(&at), FK_OK, "no lie in image %u: taken", n);
    }

    base_again();
    EQ_INT(apply(&at), FK_OK, "the honest journal");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)), FK_OK,
           "opens the shop");
    EQ_INT(fk_check(&twin, why, sizeof(why)), FK_OK, "and it is sound");
    fk_fence(&twin, 3);
}


#define LIE(of, member, value)                                               \
    offsetof(fk_image_t, of.member), sizeof(((fk_image_t *) 0)->of.member),  \
    (uint64_t) (value)

/* An image that may come next, its field, the lie, the answer. */
static const struct {
    const char  *name;
    unsigned     next;
    size_t       offset;
    size_t       width;
    uint64_t     value;
    fk_code_t    want;
} lies[] = {
    { "product without a SKU", NEXT_PRODUCT,
      LIE(product, sku_size, 0), FK_CORRUPT },
    { "NUL in a SKU", NEXT_PRODUCT,
      LIE(product, sku[1], 0), FK_CORRUPT },
    { "product without a name", NEXT_PRODUCT,
      LIE(product, name_size, 0), FK_CORRUPT },
    { "NUL in a name", NEXT_PRODUCT,
      LIE(product, name[2], 0), FK_CORRUPT },
    { "NUL in a currency", NEXT_PRODUCT,
      LIE(product, currency[2], 0), FK_CORRUPT },
    { "unknown kind", NEXT_PRODUCT,
      LIE(product, kind, FK_KIND_COUNT), FK_CORRUPT },
    { "half on sale", NEXT_PRODUCT,
      LIE(product, on_sale, 2), FK_CORRUPT },
    { "none may be bought", NEXT_PRODUCT,
      LIE(product, qty_max, 0), FK_CORRUPT },
    { "too many may be bought", NEXT_PRODUCT,
      LIE(product, qty_max, FK_QTY_MAX + 1), FK_CORRUPT },
    { "price below nothing", NEXT_PRODUCT,
      LIE(product, price, UINT64_MAX), FK_CORRUPT },
    { "price beyond its limit", NEXT_PRODUCT,
      LIE(product, price, FK_AMOUNT_MAX / FK_QTY_MAX + 1), FK_CORRUPT },
    { "another kind than its cards are", NEXT_PRODUCT,
      LIE(product, kind, FK_KIND_COUNTED), FK_CORRUPT },
    { "another currency than its orders have", NEXT_PRODUCT,
      LIE(product, currency[2], 'X'), FK_CORRUPT },
    { "a new one of one key for many", NEXT_PRODUCT_NEW,
      LIE(product, kind, FK_KIND_SHARED), FK_CORRUPT },
    { "less than nothing imported", NEXT_PRODUCT,
      LIE(product, imported, -1), FK_CORRUPT },
    { "imported beyond its limit", NEXT_PRODUCT,
      LIE(product, imported, FK_UNITS_MAX + 1), FK_CORRUPT },
    { "less than nothing void", NEXT_PRODUCT,
      LIE(product, voided, -1), FK_CORRUPT },
    { "more void than imported", NEXT_PRODUCT,
      LIE(product, voided, 4), FK_CORRUPT },
    { "less than no units archived", NEXT_PRODUCT,
      LIE(product, archived_units, -1), FK_CORRUPT },
    { "archived units beyond their limit", NEXT_PRODUCT,
      LIE(product, archived_units, FK_UNITS_MAX + 1), FK_CORRUPT },
    { "less than no orders archived", NEXT_PRODUCT,
      LIE(product, archived_orders, -1), FK_CORRUPT },
    { "archived orders beyond their limit", NEXT_PRODUCT,
      LIE(product, archived_orders, FK_UNITS_MAX + 1), FK_CORRUPT },
    { "less than no money archived", NEXT_PRODUCT,
      LIE(product, archived_amount, -1), FK_CORRUPT },
    { "archived money beyond its limit", NEXT_PRODUCT,
      LIE(product, archived_amount, FK_UNITS_MAX + 1), FK_CORRUPT },

    { "batch in slot 0", NEXT_BATCH,
      LIE(batch, slot, 0), FK_CORRUPT },
    { "batch in a slot of a larger region", NEXT_BATCH,
      LIE(batch, slot, UINT32_MAX), FK_TABLE_FULL },
    { "unknown state of a batch", NEXT_BATCH,
      LIE(batch, state, FK_BATCH_ABORTED + 1), FK_CORRUPT },
    { "live batch of no product", NEXT_BATCH,
      LIE(batch, sku_size, 0), FK_CORRUPT },
    { "batch of an unknown product", NEXT_BATCH,
      LIE(batch, sku[0], 'x'), FK_CORRUPT },
    { "free batch of a product", NEXT_BATCH,
      LIE(batch, state, FK_BATCH_FREE), FK_CORRUPT },
    { "more archived than accepted", NEXT_BATCH,
      LIE(batch, archived, 4), FK_CORRUPT },

    { "card in slot 0", NEXT_CARD,
      LIE(card, slot, 0), FK_CORRUPT },
    { "card in a slot of a larger region", NEXT_CARD,
      LIE(card, slot, UINT32_MAX), FK_TABLE_FULL },
    { "card of batch 0", NEXT_CARD,
      LIE(card, batch, 0), FK_CORRUPT },
    { "card of a batch that never was", NEXT_CARD,
      LIE(card, batch, 99), FK_CORRUPT },
    { "card of a free batch", NEXT_CARD,
      LIE(card, batch, 3), FK_CORRUPT },
    { "card of a seal alone", NEXT_CARD,
      LIE(card, sealed_size, FK_SEAL_SIZE), FK_CORRUPT },
    { "card in another one's slot", NEXT_CARD,
      LIE(card, slot, CARD_POOL), FK_CORRUPT },

    { "freed: slot 0", NEXT_CARD_FREE,
      LIE(card_free, slot, 0), FK_CORRUPT },
    { "freed: a card that never was", NEXT_CARD_FREE,
      LIE(card_free, slot, CARD_NEW), FK_CORRUPT },
    { "freed: a buyer's card", NEXT_CARD_FREE,
      LIE(card_free, slot, CARD_HELD), FK_CORRUPT },
    { "freed: a free card", NEXT_CARD_FREE,
      LIE(card_free, slot, CARD_FREE), FK_CORRUPT },

    { "order without a SKU", NEXT_ORDER_NEW,
      LIE(order, sku_size, 0), FK_CORRUPT },
    { "order with a NUL in its SKU", NEXT_ORDER_NEW,
      LIE(order, sku[0], 0), FK_CORRUPT },
    { "order of an unknown product", NEXT_ORDER_NEW,
      LIE(order, sku[0], 'x'), FK_CORRUPT },
    { "order without a channel", NEXT_ORDER_NEW,
      LIE(order, channel_size, 0), FK_CORRUPT },
    { "NUL in a channel", NEXT_ORDER_NEW,
      LIE(order, channel[1], 0), FK_CORRUPT },
    { "half an Idempotency-Key", NEXT_ORDER_NEW,
      LIE(order, idem_size, FK_IDEM_SIZE / 2), FK_CORRUPT },
    { "Idempotency-Key of another order", NEXT_ORDER_NEW,
      LIE(order, idem[0], 1), FK_CORRUPT },
    { "order without a contact", NEXT_ORDER_NEW,
      LIE(order, contact_size, 0), FK_CORRUPT },
    { "order of nothing", NEXT_ORDER_NEW,
      LIE(order, qty, 0), FK_CORRUPT },
    { "order of too many", NEXT_ORDER_NEW,
      LIE(order, qty, FK_QTY_MAX + 1), FK_CORRUPT },
    { "more cards than ordered", NEXT_ORDER_NEW,
      LIE(order, card_count, 2), FK_CORRUPT },
    { "amount of nothing", NEXT_ORDER_NEW,
      LIE(order, amount, 0), FK_CORRUPT },
    { "amount beyond its limit", NEXT_ORDER_NEW,
      LIE(order, amount, FK_AMOUNT_MAX + 1), FK_CORRUPT },
    { "unknown state of payment", NEXT_ORDER_NEW,
      LIE(order, axis_payment, FK_PAYMENT_COUNT), FK_CORRUPT },
    { "unknown state of stock", NEXT_ORDER_NEW,
      LIE(order, axis_stock, FK_STOCK_COUNT), FK_CORRUPT },
    { "unknown state of delivery", NEXT_ORDER_NEW,
      LIE(order, axis_delivery, FK_DELIVERY_COUNT), FK_CORRUPT },
    { "cancelled twice", NEXT_ORDER_NEW,
      LIE(order, cancelled, 2), FK_CORRUPT },
    { "order of card 0", NEXT_ORDER_NEW,
      LIE(order, card[0], 0), FK_CORRUPT },
    { "order of a card that never was", NEXT_ORDER_NEW,
      LIE(order, card[0], CARD_NEW), FK_CORRUPT },
    { "order of a free card", NEXT_ORDER_NEW,
      LIE(order, card[0], CARD_FREE), FK_CORRUPT },
    { "order of another buyer's card", NEXT_ORDER_NEW,
      LIE(order, card[0], CARD_HELD), FK_CORRUPT },
    { "order of another product's card", NEXT_ORDER_NEW,
      LIE(order, card[0], CARD_KEY), FK_CORRUPT },
    { "order of a card that was never for sale", NEXT_ORDER_NEW,
      LIE(order, card[0], CARD_ABORTED), FK_CORRUPT },
    { "order that grows", NEXT_ORDER,
      LIE(order, qty, 2), FK_CORRUPT },

    { "payment without a trade number", NEXT_PAYMENT_NEW,
      LIE(payment, trade_no_size, 0), FK_CORRUPT },
    { "payment of nothing", NEXT_PAYMENT_NEW,
      LIE(payment, amount, 0), FK_CORRUPT },
    { "payment beyond its limit", NEXT_PAYMENT_NEW,
      LIE(payment, amount, FK_AMOUNT_MAX + 1), FK_CORRUPT },
    { "unknown state of a payment", NEXT_PAYMENT_NEW,
      LIE(payment, state, FK_PAYMENT_STATE_COUNT), FK_CORRUPT },
    { "payment of an unknown order", NEXT_PAYMENT_NEW,
      LIE(payment, order[0], 0xee), FK_CORRUPT },

    { "gone: an order that never was", NEXT_GONE,
      LIE(order_gone, id[0], 0xee), FK_CORRUPT },

    { "archived: slot 0", NEXT_ARCHIVED,
      LIE(batch_archived, slot, 0), FK_CORRUPT },
    { "archived: a batch that never was", NEXT_ARCHIVED,
      LIE(batch_archived, slot, BATCH_NEW), FK_CORRUPT },
    { "archived: a batch that was never for sale", NEXT_ARCHIVED,
      LIE(batch_archived, slot, BATCH_ABORTED), FK_CORRUPT },
    { "archived: more than it had", NEXT_ARCHIVED,
      LIE(batch_archived, archived, 4), FK_CORRUPT },
};


static void
test_lies(void)
{
    size_t      n;
    fk_image_t  image;

    for (n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        base_again();
        image = next[lies[n].next].image;
        made_lie(&image, lies[n].offset, lies[n].width, lies[n].value);
        made_record(next[lies[n].next].type, &image);
        refused(lies[n].want, lies[n].name);
    }
}


/* Lies that take more than one field, or a record before them. */
static void
test_stories(void)
{
    char        trade[16];
    unsigned    n;
    fk_image_t  image;

    base_again();
    image = made_order(9, "card", 2);
    image.order.card_count = 2;
    image.order.card[0] = CARD_POOL;
    image.order.card[1] = CARD_POOL;
    made_record(FK_IMAGE_ORDER, &image);
    refused(FK_CORRUPT, "one card for two units");

    base_again();
    image = made_order(1, "seats", 1);
    made_record(FK_IMAGE_ORDER, &image);
    refused(FK_CORRUPT, "an order goes to another product");

    base_again();
    image = made_payment(1, "trade-2", FK_PAYMENT_STATE_APPLIED);
    made_record(FK_IMAGE_PAYMENT, &image);
    refused(FK_CORRUPT, "a payment goes to another order");

    base_again();
    memcpy(next[NEXT_GONE].image.order_gone.id,
           next[NEXT_ORDER].image.order.id, FK_ORDER_ID_SIZE);
    made_record(FK_IMAGE_ORDER_GONE, &next[NEXT_GONE].image);
    refused(FK_CORRUPT, "an order is gone that was not finished");

    base_again();
    for (n = 0; n <= FK_ORDER_PAYMENTS_MAX; n++) {
        (void) snprintf(trade, sizeof(trade), "many-%u", n);
        image = made_payment(1, trade, FK_PAYMENT_STATE_REFUND_DUE);
        made_record(FK_IMAGE_PAYMENT, &image);
    }
    refused(FK_CORRUPT, "one payment more than an order can have");

    base_again();
    image = made_batch(BATCH_CARDS, "key", FK_BATCH_LIVE, 3);
    made_record(FK_IMAGE_BATCH, &image);
    refused(FK_CORRUPT, "a batch goes to another product");

    /* No stock yet, but somebody has ordered. */
    base_again();
    made_record(FK_IMAGE_PRODUCT, &next[NEXT_PRODUCT_NEW].image);
    next[NEXT_PRODUCT_NEW].image.product.imported = 0;
    made_record(FK_IMAGE_PRODUCT, &next[NEXT_PRODUCT_NEW].image);
    image = made_order(9, "new", 1);
    made_record(FK_IMAGE_ORDER, &image);
    image = made_product("new", FK_KIND_CARD, 0);
    made_record(FK_IMAGE_PRODUCT, &image);
    refused(FK_CORRUPT, "another kind than was ordered");
}


/* Until somebody depends on it, a product may become any other. */
static void
test_free(void)
{
    size_t      at;
    char        why[256];
    fk_image_t  image;

    base_again();
    image = made_product("new", FK_KIND_CARD, 0);
    made_record(FK_IMAGE_PRODUCT, &image);
    image = made_batch(BATCH_NEW, "new", FK_BATCH_LOADING, 0);
    made_record(FK_IMAGE_BATCH, &image);
    image = made_product("new", FK_KIND_COUNTED, 0);
    (void) made_text(image.product.currency, "USD");
    made_record(FK_IMAGE_PRODUCT, &image);
    image = made_batch(BATCH_NEW, "", FK_BATCH_FREE, 0);
    made_record(FK_IMAGE_BATCH, &image);
    image = made_batch(BATCH_NEW, "card", FK_BATCH_LOADING, 0);
    made_record(FK_IMAGE_BATCH, &image);

    EQ_INT(apply(&at), FK_OK, "a product without stock becomes another");
    EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)), FK_OK,
           "though an import into it was given up");
    fk_fence(&twin, 3);
}


/* The record itself: its images are not what its head says. */
static void
test_heads(void)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    base_again();
    made_record(FK_IMAGE_SNAPSHOT, &image);
    refused(FK_CORRUPT, "the head of a snapshot in a journal");

    base_again();
    made_record(FK_IMAGE_SNAPSHOT_END, &image);
    refused(FK_CORRUPT, "the foot of a snapshot in a journal");

    base_again();
    made_open();
    made_add(next[NEXT_PRODUCT].type, &next[NEXT_PRODUCT].image);
    made_count = 2;
    made_close(FK_RECORD_VERSION);
    refused(FK_CORRUPT, "an image is missing");

    base_again();
    made_open();
    made_add(next[NEXT_PRODUCT].type, &next[NEXT_PRODUCT].image);
    made_count = 0;
    made_close(FK_RECORD_VERSION);
    refused(FK_CORRUPT, "an image that is not counted");

    base_again();
    made_open();
    made_add(next[NEXT_PRODUCT].type, &next[NEXT_PRODUCT].image);
    made_close(FK_RECORD_VERSION + 1);
    refused(FK_INCOMPATIBLE, "a newer record");

    base_again();
    made_record(next[NEXT_PRODUCT].type, &next[NEXT_PRODUCT].image);
    fk_put(made + made_at, FK_RECORD_HEAD_SIZE - FK_RECORD_ALIGN, 4);
    refused(FK_CORRUPT, "a record shorter than its head");

    base_again();
    made_record(next[NEXT_PRODUCT].type, &next[NEXT_PRODUCT].image);
    fk_put(made + made_at, FK_RECORD_SIZE_MAX + FK_RECORD_ALIGN, 4);
    refused(FK_CORRUPT, "a record longer than any");
}


/* What a plan leaves: the honest journal fits, and nothing more. */
static const struct {
    const char  *name;
    unsigned     next;
    size_t       offset;
    uint32_t     capacity;
} tight[] = {
    { "products", NEXT_PRODUCT_NEW, offsetof(fk_plan_t, products), 3 },
    { "batches", NEXT_BATCH_NEW, offsetof(fk_plan_t, batches), 4 },
    { "cards", NEXT_CARD, offsetof(fk_plan_t, cards), 7 },
    { "orders", NEXT_ORDER_NEW, offsetof(fk_plan_t, orders), 3 },
    { "payments", NEXT_PAYMENT_NEW, offsetof(fk_plan_t, payments), 1 },

    /* Three contacts of 1 block, cards of 200 and 300 bytes, a trade no. */
    { "blocks of a card", NEXT_CARD_LONG, offsetof(fk_plan_t, blocks), 15 },
    { "blocks of a contact", NEXT_ORDER_NEW, offsetof(fk_plan_t, blocks),
      15 },
    { "blocks of a trade number", NEXT_PAYMENT_NEW,
      offsetof(fk_plan_t, blocks), 15 },
};

static size_t  tight_at;


static void
tight_plan(fk_plan_t *plan)
{
    memcpy((uint8_t *) plan + tight[tight_at].offset,
           &tight[tight_at].capacity, sizeof(uint32_t));
}


static void
test_tight(void)
{
    size_t  at;
    char    why[256];

    fk_test_plan = tight_plan;

    for (tight_at = 0; tight_at < sizeof(tight) / sizeof(tight[0]);
         tight_at++)
    {
        region_drop(&twin);
        region_new(&twin, SHOP_SIZE);

        base_again();
        made_record(next[tight[tight_at].next].type,
                    &next[tight[tight_at].next].image);
        refused(FK_TABLE_FULL, tight[tight_at].name);

        base_again();
        EQ_INT(apply(&at), FK_OK, "without it there is room");
        EQ_INT(fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why)),
               FK_OK, "and the shop opens");
    }

    fk_test_plan = NULL;
    region_drop(&twin);
    region_new(&twin, SHOP_SIZE);
}


/* Each image is good, but they do not fit together: the end finds it. */
static void
unfit(const char *name, const char *says)
{
    char       why[256];
    size_t     at;
    fk_code_t  rc, end;

    why[0] = '\0';
    rc = apply(&at);
    end = fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why));

    OK(rc == FK_OK && end == FK_CORRUPT
       && fk_shop_state(&twin) == FK_SHOP_FAILED && strstr(why, says) != NULL,
       "%s: %s", name, why);

    region_drop(&twin);
    region_new(&twin, SHOP_SIZE);
}


static void
test_unfit(void)
{
    unsigned    n;
    fk_image_t  image;

    static const struct {
        const char  *name;
        const char  *sku;
        fk_kind_t    kind;
        uint32_t     key;
    } keys[] = {
        { "a key that never was", "key", FK_KIND_SHARED, CARD_NEW },
        { "a key that is free", "key", FK_KIND_SHARED, CARD_FREE },
        { "a key that was sold", "key", FK_KIND_SHARED, CARD_SOLD },
        { "a key of another product", "key", FK_KIND_SHARED, CARD_POOL },
        { "a key that was never for sale", "card", FK_KIND_CARD,
          CARD_ABORTED },
        { "a key of a product of cards", "card", FK_KIND_CARD, CARD_POOL },
    };

    for (n = 0; n < sizeof(keys) / sizeof(keys[0]); n++) {
        base_again();
        image = made_product(keys[n].sku, keys[n].kind,
                             keys[n].kind == FK_KIND_CARD ? 3 : 1);
        image.product.key = keys[n].key;
        made_record(FK_IMAGE_PRODUCT, &image);
        unfit(keys[n].name, "the key that it sells is not there");
    }

    base_again();
    image = made_batch(BATCH_KEYS, "", FK_BATCH_FREE, 0);
    made_record(FK_IMAGE_BATCH, &image);
    unfit("a batch goes and leaves a card", "its batch is gone");

    base_again();
    image = made_product("seats", FK_KIND_COUNTED, 10);
    image.product.archived_units = 11;
    made_record(FK_IMAGE_PRODUCT, &image);
    unfit("more seats archived than there were", "product 3");

    base_again();
    image = made_product("card", FK_KIND_CARD, 4);
    made_record(FK_IMAGE_PRODUCT, &image);
    unfit("a card imported that is nowhere", "product");
}


int
main(void)
{
    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;
    region_new(&twin, SHOP_SIZE);
    next_make();
    base_make();

    test_honest();
    test_lies();
    test_stories();
    test_free();
    test_heads();
    test_tight();
    test_unfit();

    return tap_done();
}
