/*
 * Orders that cost nothing: paid by being made, in the same transaction and
 * the same record, by a channel that is free and by no other.  No payment, no
 * split, nothing to give back; what is counted of others is counted of them.
 */

#include "archive_shop.h"
#include "journal_parts.h"


#define ME  7


static fk_order_view_t  view;
static const char      *why;
static uint8_t          record[FK_ARCHIVE_SIZE_MAX];
static size_t           record_size;

static const char  by_gateway[] =
    "the order costs nothing, and no gateway is asked for that: name a "
    "channel that is free";
static const char  by_nothing[] =
    "it is for orders that cost nothing, and this one does not";


static void
price(const char *sku, int64_t amount)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str(sku);
    put.fields = FK_PUT_PRICE;
    put.price = amount;
    strcpy(put.currency, "CNY");
    shop_must(shop_put(&put, NULL) == FK_OK, "price");
}


/* A buyer's cart; channel: "gift" is free. */
static fk_checkout_t
cart(const char *sku, uint32_t qty, const char *channel)
{
    fk_checkout_t  in;

    in = shop_cart(sku, qty);
    shop_buyer(&in, ME, "");
    memset(in.channel, 0, sizeof(in.channel));
    strcpy(in.channel, channel);
    in.way = strcmp(channel, "gift") == 0 ? FK_WAY_FREE : FK_WAY_GATEWAY;
    in.why = &why;
    return in;
}


static fk_code_t
buy(fk_checkout_t *in)
{
    why = NULL;
    memset(&view, 0, sizeof(view));
    return fk_checkout(&shop, &shop_env, in, &view);
}


/* The journal so far gives the same order. */
static void
replays(void)
{
    char      text[256];
    fk_t      twin;
    seen_t    here, there;

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, text), FK_OK,
           "the journal gives it again: %s", text);
    here = seen(&shop, &view.id);
    there = seen(&twin, &view.id);
    OK(here.code == FK_OK && seen_same(&here, &there), "the same order");
    region_drop(&twin);
}


static void
test_sold(void)
{
    uint32_t           n;
    uint64_t           seq;
    fk_checkout_t      in;
    fk_split_view_t    split;
    fk_payment_view_t  payment;

    seq = fk_last_seq(&shop);
    in = cart("gift", 2, "gift");
    EQ_INT(buy(&in), FK_OK, "a gift is taken");
    EQ_INT(fk_last_seq(&shop), seq + 1, "in one record");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "and delivered by that");
    EQ_INT(view.amount, 0, "for nothing");
    EQ_INT(view.paid_s, SHOP_START_S, "it counts as paid now");
    EQ_INT(shop_view("gift").sold, 2, "two are sold");
    EQ_INT(shop_view("gift").held, 0, "none is held");
    n = 1;
    EQ_INT(fk_order_payments(&shop, &view.id, &payment, &n), FK_OK, "asked");
    EQ_INT(n, 0, "it has no payment");
    EQ_INT(fk_order_split(&shop, &view.id, &split), FK_NOT_FOUND,
           "and no split, though the product is a merchant's");
    EQ_INT(shop_buyer_view(ME).orders_count, 1, "its buyer has an order more");
    EQ_INT(shop_buyer_view(ME).spent, 0, "and has spent nothing");
    OK(shop_sound(), "sound");
    replays();

    EQ_INT(buy(&in), FK_EXISTS, "the same request once more");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "has its order");
    EQ_INT(shop_view("gift").sold, 2, "and takes nothing");
    EQ_INT(fk_cancel(&shop, &shop_env, &view.id, &view), FK_CONFLICT,
           "it cannot be cancelled");
    EQ_INT(fk_refund_part(&shop, &shop_env, &view.id, 1, str("r"), &view),
           FK_INVALID, "nor is there a part to give back");

    shop_wait_s(SHOP_HOLD_S + 1);
    EQ_INT(shop_tick().expired_count, 0, "nor does it expire");
}


static void
test_channels(void)
{
    uint64_t       seq;
    fk_checkout_t  in;

    seq = fk_last_seq(&shop);

    in = cart("gift", 1, "epay");
    EQ_INT(buy(&in), FK_CHANNEL, "nothing by a gateway");
    EQ_STR(why, by_gateway, "and why not");
    in = cart("x", 1, "gift");
    EQ_INT(buy(&in), FK_CHANNEL, "something for nothing");
    EQ_STR(why, by_nothing, "and why not");
    in.way = FK_WAY_COUNT;
    EQ_INT(buy(&in), FK_INVALID, "a way that there is not");
    in = cart("x", 1, "epay");
    memset(in.free_channel, 'x', sizeof(in.free_channel));
    EQ_INT(buy(&in), FK_INVALID, "a name without an end");
    EQ_INT(fk_last_seq(&shop), seq, "all that left no trace");
    EQ_INT(shop_view("gift").held + shop_view("x").held, 0, "and no hold");

    /* Who has named none. */
    in = cart("gift", 1, "epay");
    strcpy(in.free_channel, "gift");
    EQ_INT(buy(&in), FK_OK, "the free one is taken where nothing is to pay");
    EQ_STR(view.channel, "gift", "and stands on the order");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "which is delivered");
    in = cart("x", 1, "epay");
    strcpy(in.free_channel, "gift");
    EQ_INT(buy(&in), FK_OK, "the other one where something is");
    EQ_STR(view.channel, "epay", "and stands on the order");
    EQ_INT(view.status, FK_STATUS_AWAITING_PAYMENT, "which waits for it");
}


/* All that can take the whole of a total. */
static void
test_terms(void)
{
    fk_checkout_t    in;
    fk_coupon_put_t  put;

    put = shop_coupon_of("all", FK_COUPON_PERCENT, FK_BP);
    put.uses_buyer_max = 1;
    shop_must(shop_coupon_put(&put) == FK_OK, "coupon");
    put = shop_coupon_of("much", FK_COUPON_FIXED, 501);
    shop_must(shop_coupon_put(&put) == FK_OK, "coupon");

    in = cart("x", 3, "gift");
    shop_buyer(&in, ME, "all");
    EQ_INT(buy(&in), FK_OK, "a coupon of a hundred percent");
    EQ_INT(view.step[FK_STEP_RULE], 1500, "takes all of it");
    EQ_INT(view.amount, 0, "and leaves nothing");
    EQ_INT(shop_coupon_view("all").uses_count, 1, "it is used");
    in = cart("x", 3, "gift");
    shop_buyer(&in, ME, "all");
    EQ_INT(buy(&in), FK_COUPON, "by each buyer once");

    in = cart("x", 1, "gift");
    shop_buyer(&in, ME, "much");
    EQ_INT(buy(&in), FK_OK, "a coupon of more than the total");
    EQ_INT(view.amount, 0, "takes no more than that");
    in = cart("x", 2, "gift");
    shop_buyer(&in, ME, "much");
    EQ_INT(buy(&in), FK_CHANNEL, "two cost something still");

    in = cart("x", 1, "gift");
    shop_rules(&in, 500, 0, NULL);
    EQ_INT(buy(&in), FK_OK, "a rule that takes all");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "delivered");
    replays();

    shop_must(shop_level("guest", FK_BP, FK_UNITS_MAX) == FK_OK, "level");
    shop_must(shop_level("guest", FK_BP, 0) == FK_OK, "for everybody");
    in = cart("x", 4, "gift");
    EQ_INT(buy(&in), FK_OK, "a level that takes all");
    EQ_INT(view.step[FK_STEP_TIER], 2000, "of what it was");
    shop_must(shop_level("guest", 0, FK_UNITS_MAX) == FK_OK, "no more");

    in = cart("limited", 2, "gift");
    EQ_INT(buy(&in), FK_OK, "as many as a buyer may have");
    in = cart("limited", 1, "gift");
    EQ_INT(buy(&in), FK_LIMIT, "and no more");
    OK(shop_sound(), "sound");
}


static void
test_review(void)
{
    fk_checkout_t    in;
    fk_order_id_t    denied;
    fk_pay_result_t  result;

    in = cart("x", 1, "gift");
    shop_rules(&in, 500, 0, "somebody should look");
    EQ_INT(buy(&in), FK_OK, "to be looked at");
    EQ_INT(view.status, FK_STATUS_UNDER_REVIEW, "is not delivered");
    EQ_INT(shop_view("x").held, 1, "and it has its unit: one waits besides");
    replays();
    EQ_INT(fk_approve(&shop, &shop_env, &view.id, NULL, &view), FK_OK,
           "approved");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "it is");

    in = cart("x", 1, "gift");
    shop_rules(&in, 500, 0, "somebody should look");
    EQ_INT(buy(&in), FK_OK, "another");
    denied = view.id;
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_DENY, &view), FK_OK,
           "is denied");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "and nothing is owed for it");
    replays();

    /* The channel got a gateway since, and somebody pays for it. */
    in = cart("x", 1, "epay");
    in.way = FK_WAY_FREE;
    shop_rules(&in, 500, 0, "somebody should look");
    EQ_INT(buy(&in), FK_OK, "another");
    EQ_INT(shop_pay(&view.id, "odd", 3, &result, &view), FK_OK, "is paid for");
    EQ_INT(result, FK_PAY_EXTRA, "which is too much");
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_DENY, &view), FK_OK,
           "denied");
    EQ_INT(view.status, FK_STATUS_REFUND_DUE, "then that is owed");
    EQ_INT(fk_refund(&shop, &shop_env, &view.id, str("odd"), &view), FK_OK,
           "and given back");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "refunded");
    OK(shop_sound(), "sound");

    EQ_INT(shop_archive(&denied, record, &record_size), FK_OK,
           "what was denied can leave");
    OK(shop_sound(), "sound");
}


static void
test_archived(void)
{
    seen_t           was, is;
    fk_checkout_t    in;
    fk_order_view_t  away;

    in = cart("gift", 3, "gift");
    EQ_INT(buy(&in), FK_OK, "a gift");
    was = seen(&shop, &view.id);
    EQ_INT(shop_archive(&view.id, record, &record_size), FK_OK, "leaves");
    EQ_INT(shop_view("gift").archived_units, 3, "with its units");
    EQ_INT(shop_view("gift").archived_amount, 0, "and no money");
    OK(shop_sound(), "sound");
    EQ_INT(fk_archive_view(&shop, record, record_size, &away, NULL, NULL),
           FK_OK, "is seen there");
    EQ_INT(away.status, FK_STATUS_DELIVERED, "delivered");
    EQ_INT(shop_restore(&shop, record, record_size, &away), FK_OK,
           "comes back");
    is = seen(&shop, &view.id);
    OK(seen_same(&was, &is), "as it was");
    OK(shop_sound(), "sound");
}


/* Nobody waits for nothing: neither in the region nor in a journal. */
static void
test_damage(void)
{
    char              text[256];
    uint32_t          order;
    fk_checkout_t     in;
    fk_image_order_t  image;

    in = cart("x", 1, "epay");
    EQ_INT(buy(&in), FK_OK, "an order that waits");
    order = fk_order_find(&shop, view.id.bytes);
    fk_order_image(&shop, order, &image);
    OK(fk_order_image_good(&image), "can be");
    image.amount = 0;
    OK(!fk_order_image_good(&image), "not for nothing");
    image.axis_payment = FK_PAYMENT_PAID;
    OK(fk_order_image_good(&image), "paid for nothing it can be");
    image.amount = -1;
    OK(!fk_order_image_good(&image), "but for no less");

    FK_ORDER(&shop, order)->amount = 0;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "is found");
    FK_ORDER(&shop, order)->amount = 500;
    OK(shop_sound(), "and mended");
}


static void
test_audit(void)
{
    fk_code_t          rc;
    fk_audit_totals_t  totals;

    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");

    do {
        rc = fk_audit_step(&shop, &shop_env, 9, 50);
    } while (rc == FK_AGAIN);

    EQ_INT(rc, FK_OK, "the audit comes to its end");
    EQ_INT(fk_audit_end(&shop, 9, &totals), FK_OK, "with totals");
    OK(totals.ok, "and finds all right");
}


/* A build that has not heard of it must say so, and not that it is damage:
 * so each image that may tell of it is of a version that it does not know. */
static void
test_versions(void)
{
    size_t      i, size;
    uint8_t     bytes[FK_IMAGE_ORDER_SIZE(FK_QTY_MAX)];
    fk_image_t  image;

    static const struct {
        fk_image_type_t  type;
        unsigned         version;
    } first[] = {
        { FK_IMAGE_PRODUCT, 5 }, { FK_IMAGE_LEVEL, 2 },
        { FK_IMAGE_COUPON, 2 }, { FK_IMAGE_ORDER, 4 }
    };

    for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        memset(&image, 0, sizeof(image));
        size = fk_image_put(bytes, first[i].type, &image);
        OK(size != 0 && bytes[1] >= first[i].version,
           "an image of type %d", (int) first[i].type);
    }
}


int
main(void)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   account;
    fk_account_view_t  out;
    fk_product_put_t   put;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);
    shop_product("limited", FK_KIND_COUNTED, 1000);
    shop_product("gift", FK_KIND_CARD, 0);
    shop_stock("gift", 1, 20);
    price("gift", 0);
    price("limited", 0);
    shop_terms("limited", 2);

    memset(&account, 0, sizeof(account));
    account.id = str("maker");
    account.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND;
    account.kind = FK_ACCOUNT_MERCHANT;
    strcpy(account.currency, "CNY");
    shop_must(fk_account_put(&shop, &shop_env, &account, &out, &created, &seq,
                             &field) == FK_OK, "merchant");
    memset(&put, 0, sizeof(put));
    put.sku = str("gift");
    put.fields = FK_PUT_MERCHANT;
    put.merchant = str("maker");
    shop_must(shop_put(&put, NULL) == FK_OK, "whose it is");

    test_sold();
    test_channels();
    test_terms();
    test_review();
    test_archived();
    test_damage();
    test_audit();
    test_versions();

    return tap_done();
}
