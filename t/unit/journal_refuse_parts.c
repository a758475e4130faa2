/*
 * Parts of a snapshot that pass their checksum and do not fit together, and
 * what is tolerated while a snapshot is read: two entities may be of two
 * moments, but only if one of them changed after the snapshot's begin, and
 * only until the journal has passed its end.
 */

#include "record_maker.h"


#define BEGIN_SEQ  100
#define OLD        50                  /* changed before the begin */
#define FUZZY      101                 /* and after it */


static fk_t  twin;


static void
part_open(void)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.snapshot.format = FK_SNAPSHOT_FORMAT;
    image.snapshot.epoch = 1;
    image.snapshot.begin_seq = BEGIN_SEQ;

    made_begin();
    made_open();
    made_add(FK_IMAGE_SNAPSHOT, &image);
}


/* An entity with the number of its last change, 0 for a card: it has none. */
static void
part_add(fk_image_type_t type, const fk_image_t *image, uint64_t seq)
{
    made_add(type, image);

    if (seq != 0) {
        made_add_seq(seq);
    }
}


static void
part_product(const char *sku, fk_kind_t kind)
{
    fk_image_t  image;

    image = made_product(sku, kind, 3);
    part_add(FK_IMAGE_PRODUCT, &image, OLD);
}


static void
part_batch(uint32_t slot, fk_batch_state_t state)
{
    fk_image_t  image;

    image = made_batch(slot, "card", state, 3);
    part_add(FK_IMAGE_BATCH, &image, OLD);
}


static void
part_card(uint32_t slot, uint32_t batch)
{
    fk_image_t  image;

    image = made_card(slot, batch, 60);
    part_add(FK_IMAGE_CARD, &image, 0);
}


/* An order of up to two cards; 0: no such card in it. */
static fk_image_t
order_of(uint32_t number, uint32_t first, uint32_t second)
{
    fk_image_t  image;

    image = made_order(number, "card", 2);
    image.order.card_count = (uint16_t) ((first != 0) + (second != 0));
    image.order.card[0] = first;
    image.order.card[1] = second;
    return image;
}


static void
part_order(uint32_t number, uint32_t first, uint32_t second, uint64_t seq)
{
    fk_image_t  image;

    image = order_of(number, first, second);
    part_add(FK_IMAGE_ORDER, &image, seq);
}


static void
part_payment(uint32_t number, const char *trade_no, uint64_t seq)
{
    fk_image_t  image;

    image = made_payment(number, trade_no, FK_PAYMENT_STATE_REVIEW);
    part_add(FK_IMAGE_PAYMENT, &image, seq);
}


static void
part_foot(uint64_t end_seq, uint32_t products, uint32_t batches,
    uint32_t cards, uint32_t orders)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.snapshot_end.end_seq = end_seq;
    image.snapshot_end.count[FK_COUNT_PRODUCTS] = products;
    image.snapshot_end.count[FK_COUNT_BATCHES] = batches;
    image.snapshot_end.count[FK_COUNT_CARDS] = cards;
    image.snapshot_end.count[FK_COUNT_ORDERS] = orders;
    part_add(FK_IMAGE_SNAPSHOT_END, &image, 0);
}


/* The part is whole; what does its load say? */
static fk_code_t
load(void)
{
    size_t  at;

    made_close(FK_RECORD_VERSION_PART);
    shop_must(fk_recover_begin(&twin, 2, 0) == FK_OK, "begin");
    return fk_snapshot_load(&twin, 2, 0, made, made_size, &at);
}


static void
loads(const char *name)
{
    EQ_INT(load(), FK_OK, "%s", name);
}


static void
refused(const char *name)
{
    char       why[256];
    fk_code_t  rc;

    rc = load();
    OK(rc == FK_CORRUPT
       && fk_recover_end(&twin, &shop_env, 2, 2, why, sizeof(why))
          == FK_CONFLICT
       && fk_shop_state(&twin) == FK_SHOP_RECOVERING,
       "%s: refused", name);
}


/* What the tests below add to: a live batch, one that is staged, cards. */
static void
part_shop(void)
{
    part_open();
    part_product("card", FK_KIND_CARD);
    part_batch(1, FK_BATCH_LIVE);
    part_batch(2, FK_BATCH_LOADING);
    part_card(1, 1);
    part_card(2, 1);
    part_card(3, 1);
    part_card(4, 2);
}


static void
test_twice(void)
{
    part_open();
    part_product("card", FK_KIND_CARD);
    part_product("card", FK_KIND_CARD);
    refused("a product twice");

    part_open();
    part_product("card", FK_KIND_CARD);
    part_batch(1, FK_BATCH_LIVE);
    part_batch(1, FK_BATCH_LIVE);
    refused("a batch twice");

    part_shop();
    part_card(1, 1);
    refused("a card twice");

    part_shop();
    part_order(1, 1, 0, OLD);
    part_order(1, 1, 0, OLD);
    refused("an order twice");

    part_shop();
    part_order(1, 1, 0, OLD);
    part_payment(1, "t", OLD);
    part_payment(1, "t", OLD);
    refused("a payment twice");
}


/* What an entity refers to may have come later; if it did as well. */
static void
test_missing(void)
{
    part_open();
    part_order(1, 0, 0, OLD);
    refused("an old order without its product");

    part_open();
    part_order(1, 0, 0, FUZZY);
    loads("a new order without its product");

    part_shop();
    part_payment(1, "t", OLD);
    refused("an old payment without its order");

    part_shop();
    part_payment(1, "t", FUZZY);
    loads("a new payment without its order");

    part_shop();
    part_order(1, 9, 0, OLD);
    refused("an old order without its card");

    part_shop();
    part_order(1, 9, 1, FUZZY);
    loads("a new order without one of its cards");

    part_shop();
    part_order(1, 4, 0, OLD);
    refused("an old order of a card that is staged");

    part_shop();
    part_order(1, 4, 0, FUZZY);
    loads("a new order of a card that was staged");

    part_shop();
    part_card(5, 9);
    loads("a card whose batch came later");
}


/* A card goes from order to order while the walk is between them. */
static void
test_moved(void)
{
    part_shop();
    part_order(1, 1, 2, OLD);
    part_order(2, 2, 0, OLD);
    refused("two old orders of one card");

    part_shop();
    part_order(1, 1, 2, OLD);
    part_order(2, 2, 0, FUZZY);
    loads("the second card went to a newer order");
    EQ_INT(FK_CARD(&twin, FK_ORDER(&twin, 1)->first_card)->next, 0,
           "the older one has the first one left");
    EQ_INT(FK_ORDER(&twin, 2)->first_card, 2, "and the newer one the second");

    part_shop();
    part_order(1, 1, 2, OLD);
    part_order(2, 1, 0, FUZZY);
    loads("the first card went to a newer order");
    EQ_INT(FK_ORDER(&twin, 1)->first_card, 2, "the second is left");

    part_shop();
    part_order(1, 1, 1, FUZZY);
    refused("no moment has one card for two units");
}


static void
test_images(void)
{
    fk_image_t  image;

    part_open();
    image.card_free.slot = 1;
    part_add(FK_IMAGE_CARD_FREE, &image, 0);
    refused("what only a journal has");

    part_shop();
    part_product("seats", FK_KIND_COUNTED);
    refused("a product behind the cards");

    made_begin();
    made_open();
    refused("a part of nothing");

    part_open();
    made_close(FK_RECORD_VERSION_PART);
    made_open();
    refused("a second part of nothing");

    part_open();
    image = made_product("card", FK_KIND_CARD, 0);
    made_add(FK_IMAGE_PRODUCT, &image);
    refused("a product without the number of its change");

    part_open();
    made_add_seq(0);
    refused("bytes behind the last image");

    part_open();
    made_add(FK_IMAGE_SNAPSHOT, &image);
    refused("two heads");

    part_open();
    part_foot(BEGIN_SEQ, 0, 0, 0, 0);
    part_foot(BEGIN_SEQ, 0, 0, 0, 0);
    refused("two feet");

    part_open();
    part_foot(BEGIN_SEQ - 1, 0, 0, 0, 0);
    refused("an end before the begin");

    part_open();
    part_product("card", FK_KIND_CARD);
    part_foot(BEGIN_SEQ, 0, 0, 0, 0);
    refused("a product that is not counted");
}


/* One record of the journal behind a snapshot that ends with this number. */
static fk_code_t
tail(uint64_t end_seq, fk_image_type_t type, const fk_image_t *image)
{
    size_t  at;

    part_shop();
    part_order(1, 1, 0, OLD);
    part_foot(end_seq, 1, 2, 4, 1);
    shop_must(load() == FK_OK, "load");

    made_begin();
    made_seq = BEGIN_SEQ;
    made_record(type, image);
    return fk_apply(&twin, 2, 0, made, made_size, &at);
}


static void
test_tail(void)
{
    fk_image_t  image;

    image = made_card(3, 1, 60);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_CARD, &image), FK_OK,
           "a card once more in the window");
    EQ_INT(tail(BEGIN_SEQ, FK_IMAGE_CARD, &image), FK_CORRUPT,
           "but not behind it");

    image = made_card(3, 1, 61);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_CARD, &image), FK_CORRUPT,
           "nor with another size");

    image = made_card(3, 2, 60);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_CARD, &image), FK_CORRUPT,
           "nor of another batch");

    image = order_of(2, 1, 0);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_ORDER, &image), FK_OK,
           "a card that another order had in the window");
    EQ_INT(tail(BEGIN_SEQ, FK_IMAGE_ORDER, &image), FK_CORRUPT,
           "but not behind it");

    image = order_of(2, 4, 0);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_ORDER, &image), FK_CORRUPT,
           "a staged card is not sold, in the window neither");

    image = made_payment(9, "t", FK_PAYMENT_STATE_REVIEW);
    EQ_INT(tail(BEGIN_SEQ + 1, FK_IMAGE_PAYMENT, &image), FK_CORRUPT,
           "a payment finds its order, in the window too");
}


/* Three records in the window of a snapshot: the product, and two orders. */
static fk_code_t
flipped(const fk_image_t *product, const fk_image_t *first,
    fk_image_type_t type, const fk_image_t *second)
{
    size_t     at;
    fk_code_t  rc;

    part_shop();
    part_order(1, 1, 0, OLD);
    part_foot(BEGIN_SEQ + 3, 1, 2, 4, 1);
    shop_must(load() == FK_OK, "load");

    made_begin();
    made_seq = BEGIN_SEQ;
    made_record(FK_IMAGE_PRODUCT, product);
    made_record(FK_IMAGE_ORDER, first);
    made_record(type, second);

    rc = fk_apply(&twin, 2, 0, made, made_size, &at);
    return at == made_at || rc == FK_OK ? rc : FK_COUNT_COUNT;
}


/*
 * In the window a product is not held to its kind: it may be older than what
 * hangs on it.  So that of an order may change under it, for a liar.
 */
static void
test_flipped(void)
{
    fk_image_t  product, first, second;

    product = made_product("card", FK_KIND_SHARED, 3);
    first = order_of(2, 1, 0);
    second = order_of(3, 1, 0);
    EQ_INT(flipped(&product, &first, FK_IMAGE_ORDER, &second), FK_CORRUPT,
           "a card is taken twice from an order that had it once");

    first = made_delivered(order_of(2, 2, 0));
    memset(&second, 0, sizeof(second));
    memcpy(second.order_gone.id, first.order.id, FK_ORDER_ID_SIZE);
    EQ_INT(flipped(&product, &first, FK_IMAGE_ORDER_GONE, &second), FK_OK,
           "an order of a key leaves the key");
    OK(FK_CARD(&twin, 2)->owner == FK_OWNER_POOL, "for the next one");
}


/* And the other way round: an order leaves with a card that it never had. */
static void
test_flipped_gone(void)
{
    size_t      at;
    fk_image_t  image;

    part_open();
    image = made_product("card", FK_KIND_SHARED, 3);
    part_add(FK_IMAGE_PRODUCT, &image, OLD);
    part_batch(1, FK_BATCH_LIVE);
    part_card(1, 1);
    image = made_delivered(order_of(1, 1, 0));
    part_add(FK_IMAGE_ORDER, &image, OLD);
    part_foot(BEGIN_SEQ + 2, 1, 1, 1, 1);
    shop_must(load() == FK_OK, "load");

    made_begin();
    made_seq = BEGIN_SEQ;
    image = made_product("card", FK_KIND_CARD, 3);
    made_record(FK_IMAGE_PRODUCT, &image);
    memset(&image, 0, sizeof(image));
    memcpy(image.order_gone.id, shop_id(1).bytes, FK_ORDER_ID_SIZE);
    made_record(FK_IMAGE_ORDER_GONE, &image);

    EQ_INT(fk_apply(&twin, 2, 0, made, made_size, &at), FK_CORRUPT,
           "an order takes a card with it that it never had");
}


/* The same of an order that has as many cards as any can have. */
static void
test_flipped_full(void)
{
    size_t      at;
    uint32_t    n;
    fk_image_t  full, image;

    part_open();
    part_product("card", FK_KIND_CARD);
    part_batch(1, FK_BATCH_LIVE);

    for (n = 1; n <= FK_QTY_MAX + 1; n++) {
        part_card(n, 1);
    }

    full = made_order(1, "card", FK_QTY_MAX);
    full.order.card_count = 1;
    full.order.card[0] = 1;
    part_add(FK_IMAGE_ORDER, &full, OLD);
    part_foot(BEGIN_SEQ + 5, 1, 1, FK_QTY_MAX + 1, 1);
    shop_must(load() == FK_OK, "load");

    made_begin();
    made_seq = BEGIN_SEQ;
    image = made_product("card", FK_KIND_SHARED, 3);
    made_record(FK_IMAGE_PRODUCT, &image);
    image = order_of(2, 1, 0);
    made_record(FK_IMAGE_ORDER, &image);
    image = made_product("card", FK_KIND_CARD, 3);
    made_record(FK_IMAGE_PRODUCT, &image);

    for (n = 0; n < FK_QTY_MAX; n++) {
        full.order.card[n] = n + 2;
    }

    full.order.card_count = FK_QTY_MAX;
    made_record(FK_IMAGE_ORDER, &full);
    image = order_of(3, 1, 0);
    made_record(FK_IMAGE_ORDER, &image);

    EQ_INT(fk_apply(&twin, 2, 0, made, made_size, &at), FK_CORRUPT,
           "a card that an order of %d others had", FK_QTY_MAX);
    EQ_INT(at, made_at, "found where it is told");
}


int
main(void)
{
    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;
    region_new(&twin, SHOP_SIZE);

    test_twice();
    test_missing();
    test_moved();
    test_images();
    test_tail();
    test_flipped();
    test_flipped_gone();
    test_flipped_full();

    return tap_done();
}
