/*
 * What buyers have, and somebody lies about: in the region, where fk_check()
 * must see it; in a record, which must be refused; in records that are good
 * one by one and do not fit together; and in an order out of the archive.
 */

#include "record_maker.h"


#define BUYER   1                      /* slots of its tallies */
#define QUOTA   2
#define USE     3


typedef struct {
    const char     *name;
    fk_table_id_t   table;
    size_t          offset;
    size_t          width;
    uint64_t        value;
    const char     *why;
} damage_t;

typedef struct {
    fk_image_type_t  type;
    const char      *name;
    size_t           offset;
    size_t           width;
    uint64_t         value;
    fk_code_t        want;
} lie_t;


static fk_t        twin;
static size_t      base_size;
static fk_image_t  honest[FK_IMAGE_LAST];


/* --- in the region ------------------------------------------------------ */

static void
shop_make(void)
{
    fk_checkout_t    in;
    fk_coupon_put_t  coupon;
    fk_order_view_t  view;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 50);
    shop_terms("x", 9);
    coupon = shop_coupon_of("off", FK_COUPON_FIXED, 5);
    coupon.uses_buyer_max = 2;
    coupon.product_count = 1;
    coupon.product[0] = str("x");
    in = shop_cart("x", 2);
    shop_buyer(&in, 1, "off");
    shop_must(shop_coupon_put(&coupon) == FK_OK
              && shop_level("gold", 0, 1) == FK_OK
              && shop_level("more", 0, 2) == FK_OK
              && fk_checkout(&shop, &shop_env, &in, &view) == FK_OK
              && shop_pay(&in.id, "t", 995, &result, &view) == FK_OK, "shop");
}


#define TALLY(field, value, why)                                             \
    { "tally." #field, FK_TABLE_TALLIES, offsetof(fk_tally_rec_t, field),    \
      sizeof(((fk_tally_rec_t *) 0)->field), value, why }
#define COUPON(field, value, why)                                            \
    { "coupon." #field, FK_TABLE_COUPONS, offsetof(fk_coupon_rec_t, field),  \
      sizeof(((fk_coupon_rec_t *) 0)->field), value, why }
#define LEVEL(field, value, why)                                             \
    { "level." #field, FK_TABLE_LEVELS, offsetof(fk_level_rec_t, field),     \
      sizeof(((fk_level_rec_t *) 0)->field), value, why }
#define ORDER(field, value, why)                                             \
    { "order." #field, FK_TABLE_ORDERS, offsetof(fk_order_rec_t, field),     \
      sizeof(((fk_order_rec_t *) 0)->field), value, why }
#define PRODUCT(field, value, why)                                           \
    { "product." #field, FK_TABLE_PRODUCTS,                                  \
      offsetof(fk_product_rec_t, field),                                     \
      sizeof(((fk_product_rec_t *) 0)->field), value, why }

#define VALUE  "a value is not possible"
#define SUMS   "its orders add up to other numbers"
#define FAR    (FK_UNITS_MAX + 1)

/* Of the first slot of each table: the tally is the buyer's. */
static const damage_t  damages[] = {
    TALLY(used, 2, VALUE), TALLY(kind, FK_TALLY_COUNT, "not there"),
    TALLY(kind, FK_TALLY_QUOTA, "not there"),
    TALLY(level, 3, VALUE), TALLY(level, 200, VALUE),
    TALLY(archived.orders, UINT64_MAX, VALUE),
    TALLY(archived.orders, FAR, VALUE),
    TALLY(archived.units, UINT64_MAX, VALUE),
    TALLY(archived.units, FAR, VALUE),
    TALLY(archived.amount, UINT64_MAX, VALUE),
    TALLY(archived.amount, FAR, VALUE),
    TALLY(live.orders, 2, SUMS), TALLY(live.orders, UINT64_MAX, VALUE),
    TALLY(live.units, 1, SUMS), TALLY(live.units, FAR, VALUE),
    TALLY(live.amount, 994, SUMS), TALLY(live.amount, FAR, VALUE),
    TALLY(refs, 0, SUMS), TALLY(refs, 2, SUMS),
    TALLY(last_paid_s, 5, "its buyer has not paid for so long"),
    TALLY(used, 0, "not there"), TALLY(hnext, 1, "index"),
    TALLY(key[0], 1, "index"),

    COUPON(used, 0, "not there"), COUPON(used, 2, VALUE),
    COUPON(kind, FK_COUPON_KIND_COUNT, VALUE), COUPON(on, 2, VALUE),
    COUPON(value, 0, VALUE), COUPON(value, FK_AMOUNT_MAX + 1, VALUE),
    COUPON(cap, UINT64_MAX, VALUE), COUPON(cap, FK_AMOUNT_MAX + 1, VALUE),
    COUPON(min_amount, UINT64_MAX, VALUE),
    COUPON(min_amount, FK_AMOUNT_MAX + 1, VALUE),
    COUPON(archived_uses, UINT64_MAX, VALUE),
    COUPON(archived_uses, FAR, VALUE),
    COUPON(live_uses, 2, "its uses are not its orders"),
    COUPON(product_count, 9, VALUE), COUPON(product_count, 0, VALUE),
    COUPON(product_count, 2, VALUE), COUPON(product[0], 2, VALUE),
    COUPON(code[0], 'o', VALUE), COUPON(code[0], 0, VALUE),
    COUPON(code[5], 'O', VALUE), COUPON(currency[3], 'X', VALUE),
    COUPON(code[0], 'A', "index"), COUPON(hnext, 1, "index"),

    LEVEL(used, 2, VALUE), LEVEL(name[0], 0, VALUE),
    LEVEL(off_bp, FK_BP + 1, VALUE), LEVEL(min_spent, UINT64_MAX, VALUE),
    LEVEL(min_spent, FAR, VALUE), LEVEL(used, 0, "neither free"),

    ORDER(coupon, 2, "its buyer or its coupon is not there"),
    ORDER(tally[FK_TALLY_BUYER], QUOTA, "its buyer or its coupon"),
    ORDER(tally[FK_TALLY_QUOTA], 4, "its buyer or its coupon"),
    ORDER(tally[FK_TALLY_QUOTA], 0, SUMS),
    ORDER(coupon, 0, "its uses are not its orders"),

    PRODUCT(tier_count, 9, VALUE), PRODUCT(tier_min_qty[0], 1, VALUE),
    PRODUCT(tier_min_qty[1], 3, VALUE),
    PRODUCT(tier_price[0], UINT64_MAX, VALUE),
    PRODUCT(tier_price[1], FK_AMOUNT_MAX, VALUE),
};


static int
damage(const damage_t *d, uint32_t slot, char why[256])
{
    int       rc;
    uint8_t  *at, old[8];

    at = (uint8_t *) fk_slot(&shop, d->table, slot) + d->offset;
    memcpy(old, at, d->width);
    made_lie((fk_image_t *) (void *) at, 0, d->width, d->value);
    rc = fk_check(&shop, why, 256) == FK_CORRUPT
         && strstr(why, d->why) != NULL;
    memcpy(at, old, d->width);

    return rc;
}


static void
test_damages(void)
{
    char            why[256];
    size_t          n;
    fk_level_rec_t  level;

    /* Of the limit's, where the buyer's may be. */
    static const damage_t  others[] = {
        TALLY(level, 1, VALUE), TALLY(last_paid_s, 1, VALUE),
        TALLY(archived.amount, 1, VALUE),
    };

    shop_make();
    OK(shop_sound(), "the shop is sound");

    for (n = 0; n < sizeof(damages) / sizeof(damages[0]); n++) {
        OK(damage(&damages[n], 1, why), "%s: %s", damages[n].name, why);
    }

    for (n = 0; n < sizeof(others) / sizeof(others[0]); n++) {
        OK(damage(&others[n], QUOTA, why), "%s: %s", others[n].name, why);
    }

    level = *FK_LEVEL(&shop, 2);
    strcpy(FK_LEVEL(&shop, 2)->name, "gold");
    OK(fk_check(&shop, why, sizeof(why)) == FK_CORRUPT
       && strstr(why, "it is there twice") != NULL, "a level twice: %s", why);
    *FK_LEVEL(&shop, 2) = level;
    OK(shop_sound(), "and sound again");
}


/* --- in a record -------------------------------------------------------- */

static fk_image_t
made_tally(uint32_t slot, fk_tally_kind_t kind)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.tally.slot = slot;
    image.tally.kind = (uint8_t) kind;
    image.tally.used = 1;
    memset(image.tally.key, (int) slot, sizeof(image.tally.key));
    image.tally.last_paid_s = kind == FK_TALLY_BUYER ? SHOP_START_S : 0;
    return image;
}


/* A product, a level, a coupon, three tallies, an order of them, paid. */

static void
base_make(void)
{
    fk_image_t  image;

    made_begin();
    honest[FK_IMAGE_PRODUCT] = made_product("x", FK_KIND_COUNTED, 10);
    honest[FK_IMAGE_PRODUCT].product.tier_count = 1;
    honest[FK_IMAGE_PRODUCT].product.tier_price_count = 1;
    honest[FK_IMAGE_PRODUCT].product.tier_min_qty[0] = 2;
    honest[FK_IMAGE_PRODUCT].product.tier_price[0] = 400;
    made_record(FK_IMAGE_PRODUCT, &honest[FK_IMAGE_PRODUCT]);

    memset(&image, 0, sizeof(image));
    image.level.slot = 1;
    image.level.name_size = made_text(image.level.name, "gold");
    honest[FK_IMAGE_LEVEL] = image;
    made_record(FK_IMAGE_LEVEL, &image);

    memset(&image, 0, sizeof(image));
    image.coupon.slot = 1;
    image.coupon.code_size = made_text(image.coupon.code, "OFF");
    image.coupon.kind = FK_COUPON_PERCENT;
    image.coupon.on = 1;
    image.coupon.value = 100;
    memcpy(image.coupon.products, "x", 2);
    image.coupon.products_size = 2;
    honest[FK_IMAGE_COUPON] = image;
    made_record(FK_IMAGE_COUPON, &image);

    honest[FK_IMAGE_TALLY] = made_tally(BUYER, FK_TALLY_BUYER);
    honest[FK_IMAGE_TALLY].tally.level = 1;
    made_record(FK_IMAGE_TALLY, &honest[FK_IMAGE_TALLY]);
    image = made_tally(QUOTA, FK_TALLY_QUOTA);
    made_record(FK_IMAGE_TALLY, &image);
    image = made_tally(USE, FK_TALLY_COUPON_USE);
    made_record(FK_IMAGE_TALLY, &image);

    image = made_delivered(made_order(1, "x", 1));
    image.order.tally[FK_TALLY_BUYER] = BUYER;
    image.order.tally[FK_TALLY_QUOTA] = QUOTA;
    image.order.tally[FK_TALLY_COUPON_USE] = USE;
    image.order.coupon = 1;
    honest[FK_IMAGE_ORDER] = image;
    made_record(FK_IMAGE_ORDER, &image);
    honest[FK_IMAGE_PAYMENT] = made_payment(1, "t", FK_PAYMENT_STATE_APPLIED);
    made_record(FK_IMAGE_PAYMENT, &honest[FK_IMAGE_PAYMENT]);
    base_size = made_size;
}


/* The base, and what was made behind it; which is left out then. */

static fk_code_t
recover(char why[256])
{
    fk_code_t  rc;

    region_drop(&twin);
    region_new(&twin, SHOP_SIZE);
    why[0] = '\0';
    rc = region_recover(&twin, made, made_size, why);
    made_size = base_size;
    made_seq = 8;

    return rc;
}


#define LIE(t, of, f, value, want)                                           \
    { t, #of "." #f, offsetof(fk_image_t, of.f),                             \
      sizeof(((fk_image_t *) 0)->of.f), value, want }
#define LIE_T(f, value)  LIE(FK_IMAGE_TALLY, tally, f, value, FK_CORRUPT)
#define LIE_C(f, value)  LIE(FK_IMAGE_COUPON, coupon, f, value, FK_CORRUPT)
#define LIE_L(f, value)  LIE(FK_IMAGE_LEVEL, level, f, value, FK_CORRUPT)

static const lie_t  lies[] = {
    LIE_T(slot, 0), LIE_T(used, 2), LIE_T(kind, FK_TALLY_COUNT),
    LIE_T(kind, FK_TALLY_QUOTA), LIE_T(level, FK_LEVELS_MAX + 1),
    LIE_T(level, 2), LIE_T(key[0], 9), LIE_T(used, 0),
    LIE_T(archived_orders, UINT64_MAX), LIE_T(archived_orders, FAR),
    LIE_T(archived_units, UINT64_MAX), LIE_T(archived_units, FAR),
    LIE_T(archived_amount, UINT64_MAX), LIE_T(archived_amount, FAR),
    LIE_T(last_paid_s, 1),
    LIE(FK_IMAGE_TALLY, tally, slot, UINT32_MAX, FK_TABLE_FULL),

    LIE_L(slot, 0), LIE_L(name_size, 0), LIE_L(name[0], 'G'),
    LIE_L(name_size, 3), LIE_L(off_bp, FK_BP + 1),
    LIE_L(min_spent, UINT64_MAX), LIE_L(min_spent, FAR),
    LIE(FK_IMAGE_LEVEL, level, slot, 16, FK_TABLE_FULL),

    LIE_C(slot, 0), LIE_C(code[0], 'o'), LIE_C(code[0], 'A'),
    LIE_C(code_size, 2), LIE_C(code_size, 0), LIE_C(kind, 2), LIE_C(on, 2),
    LIE_C(value, 0), LIE_C(value, FK_BP + 1), LIE_C(cap, UINT64_MAX),
    LIE_C(cap, FK_AMOUNT_MAX + 1), LIE_C(min_amount, UINT64_MAX),
    LIE_C(min_amount, FK_AMOUNT_MAX + 1),
    LIE_C(archived_uses, UINT64_MAX), LIE_C(archived_uses, FAR),
    LIE_C(products[0], 'y'), LIE_C(products[1], 'y'),
    LIE_C(products_size, 1), LIE_C(products_size, 3),
    LIE(FK_IMAGE_COUPON, coupon, slot, UINT32_MAX, FK_TABLE_FULL),

    LIE(FK_IMAGE_ORDER, order, coupon, 2, FK_CORRUPT),
    LIE(FK_IMAGE_ORDER, order, coupon, 0, FK_CORRUPT),
    LIE(FK_IMAGE_ORDER, order, tally[0], QUOTA, FK_CORRUPT),
    LIE(FK_IMAGE_ORDER, order, tally[0], 4, FK_CORRUPT),
    LIE(FK_IMAGE_ORDER, order, tally[1], 0, FK_CORRUPT),

    LIE(FK_IMAGE_PRODUCT, product, tier_count, 0, FK_CORRUPT),
    LIE(FK_IMAGE_PRODUCT, product, tier_price_count, 2, FK_CORRUPT),
    LIE(FK_IMAGE_PRODUCT, product, tier_min_qty[0], 1, FK_CORRUPT),
    LIE(FK_IMAGE_PRODUCT, product, tier_price[0], UINT64_MAX,
        FK_CORRUPT),
};


static void
test_lies(void)
{
    char          why[256];
    size_t        n;
    fk_code_t     rc;
    fk_image_t    image;
    const lie_t  *lie;

    base_make();
    EQ_INT(recover(why), FK_OK, "the truth: %s", why);

    for (n = 0; n < sizeof(lies) / sizeof(lies[0]); n++) {
        lie = &lies[n];
        image = honest[lie->type];
        made_lie(&image, lie->offset, lie->width, lie->value);
        made_record(lie->type, &image);
        rc = recover(why);
        EQ_INT(rc, lie->want, "%s: %s", lie->name, why);
    }

    /* Nine products, by name. */
    image = honest[FK_IMAGE_COUPON];
    image.coupon.products_size = 18;

    for (n = 0; n < 18; n += 2) {
        memcpy(image.coupon.products + n, "x", 2);
    }

    made_record(FK_IMAGE_COUPON, &image);
    EQ_INT(recover(why), FK_CORRUPT, "a coupon of nine products");
}


/* Each image could be true. */

static void
test_stories(void)
{
    char        why[256];
    uint32_t    n;
    fk_image_t  image;

    image = made_tally(4, FK_TALLY_BUYER);
    made_record(FK_IMAGE_TALLY, &image);
    OK(recover(why) == FK_CORRUPT
       && strstr(why, "there is nothing in it") != NULL,
       "somebody who has nothing: %s", why);

    image = made_tally(QUOTA, FK_TALLY_QUOTA);
    image.tally.used = 0;
    made_record(FK_IMAGE_TALLY, &image);
    OK(recover(why) == FK_CORRUPT
       && strstr(why, "its buyer or its coupon is not there") != NULL,
       "a tally goes, and its order stays: %s", why);

    image = made_tally(4, FK_TALLY_QUOTA);
    image.tally.archived_units = 1;
    memset(image.tally.key, QUOTA, sizeof(image.tally.key));
    made_record(FK_IMAGE_TALLY, &image);
    OK(recover(why) == FK_CORRUPT
       && strstr(why, "it is there twice") != NULL, "two of one: %s", why);

    image = honest[FK_IMAGE_COUPON];
    image.coupon.slot = 2;
    made_record(FK_IMAGE_COUPON, &image);
    OK(recover(why) == FK_CORRUPT
       && strstr(why, "it is there twice") != NULL, "two codes: %s", why);

    image = honest[FK_IMAGE_TALLY];
    image.tally.level = 2;
    made_record(FK_IMAGE_TALLY, &image);
    OK(recover(why) == FK_CORRUPT
       && strstr(why, "its level is not there") != NULL,
       "somebody of a level that is not there: %s", why);

    /* A gap is no level. */
    image = honest[FK_IMAGE_LEVEL];
    image.level.slot = 3;
    (void) made_text(image.level.name, "more");
    made_record(FK_IMAGE_LEVEL, &image);
    EQ_INT(recover(why), FK_OK, "levels with a gap: %s", why);
    EQ_INT(fk_table_used(&twin, FK_TABLE_LEVELS), 2, "are two");

    image = honest[FK_IMAGE_TALLY];
    image.tally.archived_amount = FK_UNITS_MAX;
    made_record(FK_IMAGE_TALLY, &image);
    image = honest[FK_IMAGE_PAYMENT];
    image.payment.amount = FK_AMOUNT_MAX;

    for (n = 0; n < 3; n++) {
        made_record(FK_IMAGE_PAYMENT, &image);
    }

    EQ_INT(recover(why), FK_OK, "who has spent all that can be: %s", why);
}


/* --- out of the archive ------------------------------------------------- */

/* An order of the base as it would come back, but for one thing. */

static fk_code_t
restored(unsigned story)
{
    size_t           from;
    fk_code_t        rc;
    fk_image_t       image;
    fk_order_view_t  view;

    from = made_size;
    made_open();
    image = made_delivered(made_order(7, "x", 1));
    image.order.coupon = story == 1 ? 2 : story == 6 ? 1 : 0;
    made_add(FK_IMAGE_ORDER, &image);

    image = made_tally(story == 5 ? 9 : BUYER, FK_TALLY_BUYER);
    image.tally.kind = story == 2 ? FK_TALLY_COUNT : FK_TALLY_BUYER;
    made_add(FK_IMAGE_TALLY, &image);

    if (story == 3) {
        made_add(FK_IMAGE_TALLY, &image);
    }

    image = made_payment(7, "t7", FK_PAYMENT_STATE_APPLIED);
    made_add(FK_IMAGE_PAYMENT, &image);

    if (story == 4) {
        image = made_tally(QUOTA, FK_TALLY_QUOTA);
        made_add(FK_IMAGE_TALLY, &image);
    }

    made_close(FK_RECORD_VERSION_ARCHIVE);
    rc = shop_restore(&twin, made + from, made_size - from, &view);

    if (rc == FK_CONFLICT && story == 1) {
        EQ_INT(fk_archive_view(&twin, made + from, made_size - from, &view,
                               NULL, NULL), FK_CONFLICT, "nor is it shown");
    }

    made_size = base_size;

    return rc;
}


/* The base again: the order is among its sums, its buyer has nothing. */

static fk_tally_rec_t *
restorable(void)
{
    char               why[256];
    fk_product_rec_t  *p;

    EQ_INT(recover(why), FK_OK, "the base: %s", why);
    p = FK_PRODUCT(&twin, 1);
    p->archived_units = 1;
    p->archived_orders = 1;
    p->archived_amount = 500;
    p->imported += 1;

    return FK_TALLY(&twin, BUYER);
}


static void
test_restored(void)
{
    char             why[256];
    unsigned         i;
    fk_tally_rec_t  *t;

    static const fk_share_t  less[] = {
        { 0, 0, 0 }, { 0, 1, 500 }, { 1, 0, 500 }, { 1, 1, 499 }
    };

    t = restorable();
    EQ_INT(restored(1), FK_CONFLICT, "a coupon that is not there");
    EQ_INT(restored(2), FK_CORRUPT, "a tally of no kind");
    EQ_INT(restored(3), FK_CORRUPT, "the same one twice");
    EQ_INT(restored(4), FK_CORRUPT, "one behind a payment");
    EQ_INT(restored(6), FK_CONFLICT, "a coupon that was not used");

    t->archived = (fk_share_t) { 1, 1, 500 };
    t->live.amount = FK_UNITS_MAX;
    EQ_INT(restored(0), FK_TABLE_FULL, "money beyond all bounds");
    t->live.amount = 500;
    EQ_INT(restored(0), FK_OK, "an order of a buyer who has it");
    EQ_INT(t->archived.amount, 0, "moves");
    EQ_INT(t->live.amount, 1000, "within his sums");
    EQ_INT(fk_check(&twin, why, sizeof(why)), FK_OK, "is sound: %s", why);

    /* Who was forgotten is no reason to keep late money from its order. */
    for (i = 0; i < sizeof(less) / sizeof(less[0]); i++) {
        t = restorable();
        t->archived = less[i];
        EQ_INT(restored(0), FK_OK, "one that his sums do not have");
        OK(memcmp(&t->archived, &less[i], sizeof(less[i])) == 0
           && t->live.amount == 500, "leaves them alone");
    }

    (void) restorable();
    EQ_INT(restored(5), FK_OK, "one of a buyer who is not known");
    EQ_INT(fk_check(&twin, why, sizeof(why)), FK_OK, "is sound: %s", why);
}


/* Sums at their end take no order more. */

static void
test_bounds(void)
{
    size_t             n;
    fk_code_t          rc;
    fk_order_id_t      id;
    fk_order_view_t    view;
    fk_pay_result_t    result;
    fk_tally_rec_t    *t;
    fk_checkout_t      in;
    static uint8_t     record[FK_ARCHIVE_SIZE_MAX];

    shop_make();
    id = FK_ORDER(&shop, 1)->used ? shop_id(shop_serial) : shop_id(0);
    shop_must(fk_archive_read(&shop, &id, &view, record, sizeof(record), &n)
              == FK_OK, "read");
    t = FK_TALLY(&shop, BUYER);

    t->archived.orders = FK_UNITS_MAX;
    rc = fk_archive_drop(&shop, &shop_env, &id, view.seq);
    EQ_INT(rc, FK_TABLE_FULL, "no order more");
    t->archived.orders = 0;
    t->archived.units = FK_UNITS_MAX - 1;
    rc = fk_archive_drop(&shop, &shop_env, &id, view.seq);
    EQ_INT(rc, FK_TABLE_FULL, "no unit more");
    t->archived.units = 0;
    t->archived.amount = FK_UNITS_MAX - 994;
    rc = fk_archive_drop(&shop, &shop_env, &id, view.seq);
    EQ_INT(rc, FK_TABLE_FULL, "no money more");
    t->archived.amount = 0;
    FK_COUPON_AT(&shop, 1)->archived_uses = FK_UNITS_MAX;
    rc = fk_archive_drop(&shop, &shop_env, &id, view.seq);
    EQ_INT(rc, FK_TABLE_FULL, "no use more");
    FK_COUPON_AT(&shop, 1)->archived_uses = 0;

    in = shop_cart("x", 2);
    shop_buyer(&in, 1, "");
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "buy");
    t->live.amount = FK_UNITS_MAX - 999;
    EQ_INT(shop_pay(&in.id, "p", 1000, &result, &view), FK_TABLE_FULL,
           "nor can it be paid");
    t->live.amount = 995;
    EQ_INT(shop_pay(&in.id, "p", 1, &result, &view), FK_OK, "a little");
    t->live.amount = FK_UNITS_MAX;
    EQ_INT(fk_decide(&shop, &shop_env, &in.id, FK_EVENT_APPROVE, &view),
           FK_TABLE_FULL, "nor approved");
    t->live.amount = 995;
    EQ_INT(fk_decide(&shop, &shop_env, &in.id, FK_EVENT_APPROVE, &view),
           FK_OK, "but so");
    OK(shop_sound(), "the shop is sound");
}


int
main(void)
{
    shop_env.now_ms = (int64_t) SHOP_START_S * 1000;
    region_new(&twin, SHOP_SIZE);

    test_damages();
    test_lies();
    test_stories();
    test_restored();
    test_bounds();

    return tap_done();
}
