/*
 * The largest records that money makes: every text as long as it may be, all
 * tiers, products, tallies, lines and parts.  A record that is larger than
 * the room that was asked for it ends the program.
 */

#include "ledger_shop.h"


#define GIVEN  FK_SPLIT_GIVEN_MAX


static char           skus[FK_COUPON_PRODUCTS_MAX][FK_SKU_SIZE_MAX + 1];
static char           agents[GIVEN][FK_ACCOUNT_SIZE_MAX + 1];
static char           merchant[FK_ACCOUNT_SIZE_MAX + 1];
static char           trade_no[FK_TRADE_NO_SIZE_MAX + 1];
static fk_order_id_t  id;


static char *
text(char *to, size_t size, uint32_t number)
{
    memset(to, 'x', size);
    to[size] = '\0';
    to[0] = (char) ('a' + number);
    return to;
}


static void
products_make(void)
{
    char              name[FK_NAME_SIZE_MAX + 1];
    uint32_t          n;
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_STOCK
                 | FK_PUT_TIERS | FK_PUT_BUYER_LIMIT;
    put.name = str(text(name, FK_NAME_SIZE_MAX, 0));
    put.price = 500;
    strcpy(put.currency, "CNY");
    put.kind = FK_KIND_COUNTED;
    put.stock = 1000;
    put.buyer_limit = 100;
    put.tier_count = FK_TIERS_MAX;

    for (n = 0; n < FK_TIERS_MAX; n++) {
        put.tier[n].min_qty = (uint16_t) (2 + n);
        put.tier[n].price = 499 - n;
    }

    for (n = 0; n < FK_COUPON_PRODUCTS_MAX; n++) {
        put.sku = str(text(skus[n], FK_SKU_SIZE_MAX, n));
        shop_must(shop_put(&put, NULL) == FK_OK, "product");
    }
}


/* A shop of such, and an order of it. */
static void
order_make(void)
{
    char             code[FK_COUPON_CODE_SIZE_MAX + 1];
    char             contact[FK_CONTACT_SIZE_MAX + 1];
    char             reason[FK_REASON_SIZE_MAX + 1];
    uint32_t         n;
    fk_checkout_t    in;
    fk_coupon_put_t  coupon;
    fk_order_view_t  out;

    shop_open();
    products_make();
    shop_must(ledger_merchant(text(merchant, FK_ACCOUNT_SIZE_MAX, 25))
              == FK_OK && ledger_belongs(skus[0], merchant) == FK_OK,
              "merchant");

    for (n = 0; n < GIVEN; n++) {
        shop_must(ledger_agent(text(agents[n], FK_ACCOUNT_SIZE_MAX, n),
                               n == 0 ? "" : agents[n - 1]) == FK_OK,
                  "agent");
    }

    coupon = shop_coupon_of(text(code, FK_COUPON_CODE_SIZE_MAX - 1, 0),
                            FK_COUPON_FIXED, 1);
    coupon.uses_buyer_max = 9;
    coupon.product_count = FK_COUPON_PRODUCTS_MAX;

    for (n = 0; n < FK_COUPON_PRODUCTS_MAX; n++) {
        coupon.product[n] = str(skus[n]);
    }

    in = shop_cart(skus[0], 1);
    in.contact = str(text(contact, FK_CONTACT_SIZE_MAX, 0));
    in.agent = str(agents[GIVEN - 1]);
    strcpy(in.channel, "epay-epay-x");
    shop_buyer(&in, 1, code);
    shop_rules(&in, 500, 500, text(reason, FK_REASON_SIZE_MAX, 0));
    in.step[FK_STEP_COUPON] = 499;
    shop_must(shop_coupon_put(&coupon) == FK_OK
              && fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "order");
    id = in.id;
}


static fk_split_t
split_make(void)
{
    uint32_t    n;
    fk_split_t  split;

    memset(&split, 0, sizeof(split));
    split.count = GIVEN;

    for (n = 0; n < GIVEN; n++) {
        split.line[n].account = str(agents[n]);
        split.line[n].amount = 7;
    }

    return split;
}


static fk_code_t
pay(const fk_split_t *split, int64_t amount, fk_order_view_t *out)
{
    fk_pay_t         in;
    fk_pay_result_t  result;

    memset(&in, 0, sizeof(in));
    in.id = id;
    in.channel = str("epay-epay-x");
    in.trade_no = str(text(trade_no, FK_TRADE_NO_SIZE_MAX, 0));
    in.amount = amount;
    strcpy(in.currency, "CNY");
    in.split = *split;

    return fk_pay(&shop, &shop_env, &in, &result, out);
}


static void
test_paid(void)
{
    fk_split_t       split;
    fk_split_view_t  view;
    fk_order_view_t  out;

    order_make();
    split = split_make();
    EQ_INT(pay(&split, 499, &out), FK_OK, "paid");
    shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "split");
    EQ_INT(view.line_count, FK_SPLIT_LINES_MAX, "with all lines");
    OK(ledger_sound(), "sound");
}


static void
test_approved(void)
{
    fk_split_t       split;
    fk_split_view_t  view;
    fk_order_view_t  out;

    order_make();
    split = split_make();
    EQ_INT(pay(&split, 498, &out), FK_OK, "a wrong sum");
    EQ_INT(fk_approve(&shop, &shop_env, &id, &split, &out), FK_OK, "a yes");
    shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "split");
    EQ_INT(view.line_count, FK_SPLIT_LINES_MAX, "with all lines");
    OK(ledger_sound(), "sound");
}


static void
test_archived(void)
{
    char             ref[FK_REF_SIZE_MAX + 1];
    size_t           size;
    uint32_t         n;
    fk_order_view_t  out;

    static uint8_t  record[FK_ARCHIVE_SIZE_MAX];

    for (n = 0; n < FK_PARTS_MAX; n++) {
        shop_must(ledger_return(&id, 1, text(ref, FK_REF_SIZE_MAX, n))
                  == FK_OK, "part");
    }

    shop_must(fk_archive_read(&shop, &id, &out, record, sizeof(record), &size)
              == FK_OK, "read");
    EQ_INT(fk_archive_drop(&shop, &shop_env, &id, out.seq), FK_OK, "leaves");
    OK(ledger_sound(), "sound");
    EQ_INT(shop_restore(&shop, record, size, &out), FK_OK, "and comes back");
    EQ_INT(out.returned, FK_PARTS_MAX, "with all parts");
    OK(ledger_sound(), "sound");
}


int
main(void)
{
    test_paid();
    test_approved();
    test_archived();

    return tap_done();
}
