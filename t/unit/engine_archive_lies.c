/*
 * Archive records that pass their checksum and lie: neither restored nor
 * shown, and the shop unchanged.  They come from a store that others write to,
 * so each field is a word from outside.  And the edges of making one: buffers
 * of every size, and an order that changes while it is read.
 */

#include "archive_shop.h"
#include "record_maker.h"


#define RECORD_SIZE_MAX  ((size_t) 16 << 10)


static uint8_t        record[RECORD_SIZE_MAX];
static size_t         record_size;
static fk_order_id_t  id;              /* of the order in the record */


/* The images that an honest record of this shop is made of. */
static fk_image_t  order, card[2], payment, start;


/* An order of two cards, paid, delivered, and away; a key, sold and away. */
static void
shop_make(void)
{
    fk_order_view_t    out;
    fk_pay_result_t    result;
    fk_record_head_t   head;
    fk_archive_walk_t  walk;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 10);
    shop_stock("card", 1, 4);
    shop_stock("key", 50, 1);

    shop_must(shop_buy("card", 2, &out) == FK_OK
              && shop_pay(&out.id, "trade", out.amount, &result, &out)
                 == FK_OK, "order");
    id = out.id;
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    shop_must(fk_archive_judge(record, record_size, &head) == FK_OK, "judge");
    fk_archive_walk(&walk, record, &head);
    shop_must(fk_archive_next(&walk) == FK_OK, "order");
    order = walk.image;
    shop_must(fk_archive_next(&walk) == FK_OK, "card");
    card[0] = walk.image;
    shop_must(fk_archive_next(&walk) == FK_OK, "card");
    card[1] = walk.image;
    shop_must(fk_archive_next(&walk) == FK_OK, "payment");
    payment = walk.image;

    memcpy(start.start.order, id.bytes, sizeof(id.bytes));
    start.start.start_size = FK_START_SIZE_MAX;
    memset(start.start.start, 0xee, FK_START_SIZE_MAX);
}


static void
made_archive(void)
{
    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_CARD, &card[1]);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION_ARCHIVE);
}


/* Neither comes back; shown says whether the view sees through it, too. */
static void
refused(const char *name, fk_code_t want, fk_code_t shown)
{
    uint64_t         seq;
    fk_code_t        rc, view;
    fk_order_view_t  out;

    seq = fk_last_seq(&shop);
    rc = shop_restore(&shop, made, made_size, &out);
    view = fk_archive_view(&shop, made, made_size, &out, NULL, NULL);

    OK(rc == want && view == shown && fk_last_seq(&shop) == seq
       && fk_order_get(&shop, &id, &out) == FK_NOT_FOUND && shop_sound(),
       "%s: %s", name, fk_code_info[want].name);

    if (rc != want || view != shown) {
        printf("#   got %s, shown %s\n", fk_code_info[rc].name,
               fk_code_info[view].name);
    }
}


#define LIE(of, member, value)                                               \
    offsetof(fk_image_t, of.member), sizeof(((fk_image_t *) 0)->of.member),  \
    (uint64_t) (value)

static const struct {
    const char  *name;
    fk_image_t  *in;
    size_t       offset;
    size_t       width;
    uint64_t     value;
    fk_code_t    want;
    fk_code_t    shown;
} lies[] = {
    { "order without a SKU", &order, LIE(order, sku_size, 0),
      FK_CORRUPT, FK_CORRUPT },
    { "order of another shop", &order, LIE(order, sku[0], 'x'),
      FK_CONFLICT, FK_CONFLICT },
    { "order of another product", &order, LIE(order, qty, 3),
      FK_CONFLICT, FK_OK },
    { "order that cannot have come so far", &order,
      LIE(order, axis_stock, FK_STOCK_HELD), FK_CORRUPT, FK_CORRUPT },
    { "order that is not finished", &order,
      LIE(order, axis_delivery, FK_DELIVERY_REVIEW), FK_CORRUPT,
      FK_CORRUPT },
    { "fewer cards than it says", &order, LIE(order, qty, 1),
      FK_CORRUPT, FK_CORRUPT },
    { "card of a seal alone", &card[0],
      LIE(card, sealed_size, FK_SEAL_SIZE), FK_CORRUPT, FK_OK },
    { "payment of another order", &payment, LIE(payment, order[0], 0xee),
      FK_CORRUPT, FK_OK },
    { "payment without a trade number", &payment,
      LIE(payment, trade_no_size, 0), FK_CORRUPT, FK_OK },
    { "payment of nothing", &payment, LIE(payment, amount, 0),
      FK_CORRUPT, FK_OK },
    { "payment beyond its limit", &payment,
      LIE(payment, amount, FK_AMOUNT_MAX + 1), FK_CORRUPT, FK_OK },
    { "payment that waits for a person", &payment,
      LIE(payment, state, FK_PAYMENT_STATE_REVIEW), FK_CORRUPT, FK_OK },
    { "unknown state of a payment", &payment,
      LIE(payment, state, FK_PAYMENT_STATE_COUNT), FK_CORRUPT, FK_OK },
    { "more money than went away", &payment,
      LIE(payment, amount, 5000), FK_CONFLICT, FK_OK },
};


static void
test_lies(void)
{
    size_t             n;
    uint32_t           count;
    fk_image_t         honest;
    fk_order_view_t    out;
    fk_payment_view_t  view;

    for (n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        honest = *lies[n].in;
        made_lie(lies[n].in, lies[n].offset, lies[n].width, lies[n].value);
        made_archive();
        *lies[n].in = honest;
        refused(lies[n].name, lies[n].want, lies[n].shown);
    }

    honest = payment;
    payment.payment.state = FK_PAYMENT_STATE_COUNT;
    made_archive();
    payment = honest;
    count = 1;
    EQ_INT(fk_archive_view(&shop, made, made_size, &out, &view, &count),
           FK_OK, "a payment in no state at all");
    EQ_INT(count, 0, "is not shown");
}


/* The images in another order, too many of them, or others. */
static void
test_images(void)
{
    unsigned    n;
    char        trade[16];
    fk_image_t  other;

    made_begin();
    made_open();
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_ORDER, &order);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("a card in front", FK_CORRUPT, FK_CORRUPT);

    made_begin();
    made_open();
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("nothing in it", FK_CORRUPT, FK_CORRUPT);

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_add(FK_IMAGE_CARD, &card[1]);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("a card behind a payment", FK_CORRUPT, FK_OK);

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_ORDER, &order);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("two orders", FK_CORRUPT, FK_OK);

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    for (n = 0; n <= FK_QTY_MAX; n++) {
        made_add(FK_IMAGE_CARD, &card[0]);
    }
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("more cards than an order can have", FK_CORRUPT, FK_OK);

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_CARD, &card[1]);
    other = payment;
    for (n = 0; n <= FK_ORDER_PAYMENTS_MAX; n++) {
        (void) snprintf(trade, sizeof(trade), "many-%02u", n);
        other.payment.trade_no_size = made_text(
            (char *) other.payment.trade_no, trade);
        made_add(FK_IMAGE_PAYMENT, &other);
    }
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("more payments than an order can have", FK_CORRUPT, FK_OK);

    /* All of it good, and one order more than ever left the shop. */
    FK_PRODUCT(&shop, 1)->archived_orders = 0;
    made_archive();
    EQ_INT(shop_restore(&shop, made, made_size,
                        &(fk_order_view_t) { 0 }), FK_CONFLICT,
           "an order that never left");
    FK_PRODUCT(&shop, 1)->archived_orders = 1;
}


/* How a payment was begun is the last image, wherever a record has it: what
 * stands behind it is read as something else when the order comes back. */
static void
test_start(void)
{
    unsigned    at, n;
    char        name[64];
    fk_image_t  other;

    const struct {
        fk_image_type_t    type;
        const fk_image_t  *image;
    } images[] = {
        { FK_IMAGE_CARD, &card[0] },
        { FK_IMAGE_CARD, &card[1] },
        { FK_IMAGE_PAYMENT, &payment },
        { FK_IMAGE_PAYMENT, &other }
    };

    other = payment;
    other.payment.state = FK_PAYMENT_STATE_REFUNDED;
    other.payment.trade_no_size = made_text((char *) other.payment.trade_no,
                                            "other");

    for (at = 0; at < 4; at++) {
        made_begin();
        made_open();
        made_add(FK_IMAGE_ORDER, &order);

        for (n = 0; n < 4; n++) {
            if (n == at) {
                made_add(FK_IMAGE_START, &start);
            }

            made_add(images[n].type, images[n].image);
        }

        made_close(FK_RECORD_VERSION_ARCHIVE);
        (void) snprintf(name, sizeof(name), "a start before image %u", at);
        refused(name, FK_CORRUPT, FK_OK);
    }
}


/* A key that was sold is looked for: the record alone is not believed. */
static void
test_key(void)
{
    uint8_t          results[1];
    uint32_t         batch;
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_must(shop_buy("key", 1, &out) == FK_OK
              && shop_pay(&out.id, "key", out.amount, &result, &out) == FK_OK,
              "order");
    id = out.id;
    shop_must(shop_archive(&id, record, &record_size) == FK_OK, "archive");

    order.order.sku_size = made_text(order.order.sku, "key");
    memcpy(order.order.id, id.bytes, sizeof(id.bytes));
    order.order.qty = 1;
    order.order.card_count = 1;
    order.order.amount = 500;
    payment.payment.amount = 500;
    memcpy(payment.payment.order, id.bytes, sizeof(id.bytes));

    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("a key that is not there", FK_CONFLICT, FK_OK);

    order.order.card_count = 0;
    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("no key at all", FK_CONFLICT, FK_OK);

    /* Its import is not over: nobody can have bought it. */
    shop_must(fk_import_begin(&shop, &shop_env, str("key"), &batch) == FK_OK
              && shop_add(batch, 60, 1, 60, results) == FK_OK, "import");
    order.order.card_count = 1;
    shop_seal(60, card[0].card.sealed, 60);
    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    refused("a key that is still staged", FK_CONFLICT, FK_OK);

    /* Two of the same key, though two left the shop. */
    FK_PRODUCT(&shop, 2)->archived_units++;
    order.order.qty = 2;
    shop_seal(50, card[0].card.sealed, 60);
    made_begin();
    made_open();
    made_add(FK_IMAGE_ORDER, &order);
    made_add(FK_IMAGE_CARD, &card[0]);
    made_add(FK_IMAGE_PAYMENT, &payment);
    made_close(FK_RECORD_VERSION_ARCHIVE);
    EQ_INT(shop_restore(&shop, made, made_size, &out),
           FK_CONFLICT, "a key for two units");
    FK_PRODUCT(&shop, 2)->archived_units--;

    EQ_INT(shop_restore(&shop, record, record_size, &out),
           FK_OK, "the record that was made comes back");
}


/* Each size of buffer up to the one that is enough. */
static void
test_buffers(void)
{
    size_t            n, size, wrong, enough;
    uint8_t          *buf;
    fk_order_view_t   out;
    fk_pay_result_t   result;

    shop_make();
    shop_must(shop_buy("card", 2, &out) == FK_OK
              && shop_pay(&out.id, "small", out.amount, &result, &out)
                 == FK_OK, "order");
    id = out.id;
    wrong = 0;
    enough = 0;

    /* Memory of just that size: a byte behind it would be seen. */
    for (n = 1; n < 2048 && enough == 0; n++) {
        buf = malloc(n);
        shop_must(buf != NULL, "memory");

        if (fk_archive_read(&shop, &id, &out, buf, n, &size) == FK_OK) {
            enough = n;
            wrong += size > n;
        }

        free(buf);
    }

    OK(wrong == 0 && enough > 300, "refused up to %zu bytes", enough - 1);
    EQ_INT(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size),
           FK_OK, "a larger one");
    OK(size <= enough, "makes the same record");
}


/* No sum may grow beyond what a recovery would believe. */
static void
test_sums(void)
{
    unsigned           n;
    size_t             size;
    fk_order_view_t    out;
    fk_product_rec_t  *p;

    p = FK_PRODUCT(&shop, 1);
    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size)
              == FK_OK, "read");

    for (n = 0; n < 3; n++) {
        int64_t  *sum, honest;

        sum = n == 0 ? &p->archived_units
              : n == 1 ? &p->archived_orders : &p->archived_amount;
        honest = *sum;
        *sum = FK_UNITS_MAX;
        EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq),
               FK_TABLE_FULL, "sum %u is at its limit", n);
        *sum = honest;
    }

    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_OK,
           "and as it was: dropped");
    OK(shop_sound(), "the shop is sound");
}


static void
test_list(void)
{
    uint32_t       cursor, n;
    fk_order_id_t  ids[FK_LIST_SLICE_MAX + 1];

    cursor = UINT32_MAX;
    n = fk_archive_list(&shop, &shop_env, 0, &cursor, ids, 1);
    OK(n == 0 && cursor == 0, "a cursor beyond every slot: the end");

    cursor = UINT32_MAX - 1;
    n = fk_archive_list(&shop, &shop_env, 0, &cursor, ids, 1);
    OK(n == 0 && cursor == 0, "nor is there one before it");

    cursor = 0;
    n = fk_archive_list(&shop, &shop_env, 0, &cursor, ids, UINT32_MAX);
    OK(n <= FK_LIST_SLICE_MAX, "no more ids than a slice");
}


int
main(void)
{
    shop_make();
    test_lies();
    test_images();
    test_start();
    test_key();
    test_buffers();
    test_sums();
    test_list();

    return tap_done();
}
