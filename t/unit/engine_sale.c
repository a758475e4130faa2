/*
 * What a sale is judged by, looked up at once.  Who may have a share stands
 * with the accounts, in engine_ledger.c and engine_merchant.c.
 */

#include "engine_shop.h"


static fk_order_view_t  view;


/* What is seen by one look is what is seen by several. */

static void
test_looks(void)
{
    int                known;
    uint8_t            key[FK_TALLY_KEY_SIZE], his[FK_TALLY_KEY_SIZE];
    fk_checkout_t      in;
    fk_order_view_t    order;
    fk_buyer_view_t    buyer, same;
    fk_product_view_t  product, x;

    shop_digest(50, str(""), key);
    same = shop_buyer_view(50);
    x = shop_view("x");
    OK(same.orders_count != 0, "he is somebody");

    EQ_INT(fk_sale_cart(&shop, &shop_env, str("x"), key, &product, &buyer),
           FK_OK, "before he buys");
    OK(memcmp(&buyer, &same, sizeof(buyer)) == 0, "the buyer");
    OK(product.index == x.index && product.sold == x.sold
       && product.price == x.price, "the product");

    memset(&buyer, 7, sizeof(buyer));
    EQ_INT(fk_sale_cart(&shop, &shop_env, str("x"), NULL, &product, &buyer),
           FK_OK, "nobody");
    EQ_INT(buyer.orders_count, 0x0707070707070707, "is not looked for");
    EQ_INT(fk_sale_cart(&shop, &shop_env, str("no"), key, &product, &buyer),
           FK_NOT_FOUND, "of nothing");

    in = shop_cart("x", 1);
    shop_buyer(&in, 50, "");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_OK, "bought");
    EQ_INT(fk_sale_order(&shop, &shop_env, &view.id, &order, &product, &known,
                         his, &buyer), FK_OK, "before he pays");
    OK(known && memcmp(his, key, sizeof(his)) == 0
       && memcmp(&buyer, &same, sizeof(buyer)) == 0, "the buyer");
    OK(order.amount == view.amount && product.index == x.index,
       "the order and its product");

    in = shop_cart("x", 1);
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK,
              "a stranger");
    EQ_INT(fk_sale_order(&shop, &shop_env, &view.id, &order, &product, &known,
                         his, &buyer), FK_OK, "of a stranger");
    OK(!known && his[0] == 0 && buyer.orders_count == 0, "nothing is known");

    view.id.bytes[0] ^= 1;
    EQ_INT(fk_sale_order(&shop, &shop_env, &view.id, &order, &product, &known,
                         his, &buyer), FK_NOT_FOUND, "no such order");
}


int
main(void)
{
    fk_checkout_t    in;
    fk_pay_result_t  result;

    shop_open();
    shop_product("x", FK_KIND_COUNTED, 1000);

    in = shop_cart("x", 1);
    shop_buyer(&in, 50, "");
    shop_must(fk_checkout(&shop, &shop_env, &in, &view) == FK_OK, "a buyer");
    shop_must(shop_pay(&view.id, "t", view.amount, &result, &view) == FK_OK,
              "pay");
    test_looks();
    OK(shop_sound(), "sound");

    return tap_done();
}
