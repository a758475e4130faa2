/*
 * Products: what may be put, what is refused and with which field; stock of
 * counted ones; peek, list, sale windows.
 */

#include "engine_shop.h"


static fk_product_put_t
good(const char *sku)
{
    fk_product_put_t  put;

    memset(&put, 0, sizeof(put));
    put.sku = str(sku);
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND;
    put.name = str("name");
    put.price = 500;
    strcpy(put.currency, "CNY");
    put.kind = FK_KIND_COUNTED;
    put.on_sale = 1;
    put.qty_max = 2;
    return put;
}


static void
refuse(const fk_product_put_t *put, fk_code_t want, const char *want_field)
{
    int                created;
    uint64_t           seq, before;
    fk_code_t          code;
    const char        *field;
    fk_product_view_t  view;

    before = fk_last_seq(&shop);
    code = fk_product_put(&shop, &shop_env, put, &view, &created, &seq,
                          &field);

    OK(code == want && field != NULL && strcmp(field, want_field) == 0
       && fk_last_seq(&shop) == before,
       "%s: refused, and nothing changed", want_field);
}


static void
test_fields(void)
{
    char              long_name[FK_NAME_SIZE_MAX + 2];
    char              long_sku[FK_SKU_SIZE_MAX + 2];
    fk_product_put_t  put;

    shop_open();
    memset(long_name, 'n', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    memset(long_sku, 's', sizeof(long_sku));
    long_sku[sizeof(long_sku) - 1] = '\0';

#define REFUSE(change, want_field)                                           \
    put = good("x");                                                         \
    change;                                                                  \
    refuse(&put, FK_INVALID, want_field)

    REFUSE(put.sku = str(""), "sku");
    REFUSE(put.sku = str(long_sku), "sku");
    REFUSE(put.sku = str("a b"), "sku");
    REFUSE(put.sku = str("\xe5\x8d\xa1"), "sku");
    REFUSE(put.fields &= ~(uint32_t) FK_PUT_NAME, "name");
    REFUSE(put.fields &= ~(uint32_t) FK_PUT_PRICE, "price");
    REFUSE(put.fields &= ~(uint32_t) FK_PUT_KIND, "kind");
    REFUSE(put.name = str(""), "name");
    REFUSE(put.name = str(long_name), "name");
    REFUSE(put.name.size = 5, "name");
    REFUSE(put.price = -1, "price");
    REFUSE(put.price = -1, "price");
    REFUSE(put.price = INT64_MAX, "price");
    REFUSE(put.price = FK_AMOUNT_MAX + 1, "price");
    REFUSE(put.price = FK_AMOUNT_MAX, "qty_max");
    REFUSE(strcpy(put.currency, "cny"), "currency");
    REFUSE(strcpy(put.currency, "CN"), "currency");
    REFUSE(memcpy(put.currency, "CNYX", 4), "currency");
    REFUSE(put.kind = FK_KIND_COUNT, "kind");
    REFUSE((put.fields |= FK_PUT_ON_SALE, put.on_sale = 2), "on_sale");
    REFUSE((put.fields |= FK_PUT_QTY_MAX, put.qty_max = 0), "qty_max");
    REFUSE((put.fields |= FK_PUT_QTY_MAX, put.qty_max = 101), "qty_max");
    REFUSE((put.fields |= FK_PUT_QTY_MAX, put.kind = FK_KIND_SHARED),
           "qty_max");
    REFUSE((put.fields |= FK_PUT_WINDOW, put.sale_from_s = 5,
            put.sale_to_s = 5), "sale_to");
    REFUSE((put.fields |= FK_PUT_STOCK, put.stock = -1), "stock");
    REFUSE((put.fields |= FK_PUT_STOCK, put.stock = FK_AMOUNT_MAX + 1),
           "stock");
    REFUSE((put.fields |= FK_PUT_STOCK, put.kind = FK_KIND_CARD), "stock");
}


static void
test_put(void)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_order_view_t    order;
    fk_product_put_t   put;
    fk_product_view_t  view;

    shop_open();
    put = good("x");
    EQ_INT(fk_product_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field), FK_OK, "made");
    OK(created && seq == 1 && view.seq == 1, "created by the first record");
    EQ_INT(view.qty_max, FK_QTY_MAX, "by default up to the engine's limit");
    EQ_INT(view.on_sale_now, 1, "and on sale");

    put = good("x");
    put.fields = FK_PUT_NAME | FK_PUT_QTY_MAX;
    put.name = str("another name");
    EQ_INT(fk_product_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field), FK_OK, "changed");
    OK(!created && seq == 2, "not created");
    EQ_STR(view.name, "another name", "the name");
    EQ_INT(view.price, 500, "the price stays");

    put.name = str("n");
    shop_put(&put, &view);
    EQ_STR(view.name, "n", "a shorter name leaves nothing behind");

    put = good("x");
    put.kind = FK_KIND_SHARED;
    strcpy(put.currency, "USD");
    EQ_INT(shop_put(&put, &view), FK_OK, "unused: kind and currency change");
    EQ_INT(view.qty_max, 1, "a shared one sells one at a time");

    put = good("x");
    put.fields |= FK_PUT_QTY_MAX;
    shop_must(shop_put(&put, NULL) == FK_OK, "back");
    put.fields = FK_PUT_STOCK;
    put.stock = 10;
    EQ_INT(shop_put(&put, &view), FK_OK, "stock");
    OK(view.imported == 10 && view.available == 10, "is imported");

    shop_must(shop_buy("x", 2, &order) == FK_OK, "buy");
    put.stock = 3;
    EQ_INT(shop_put(&put, &view), FK_OK, "less stock");
    OK(view.imported == 10 && view.available == 3 && view.voided == 5
       && view.held == 2, "what is missing is void");
    put.stock = 7;
    shop_put(&put, &view);
    OK(view.imported == 14 && view.available == 7 && view.voided == 5,
       "what is more is imported");
    OK(shop_sound(), "sound");

    put = good("x");
    put.kind = FK_KIND_CARD;
    refuse(&put, FK_CONFLICT, "kind");
    put = good("x");
    strcpy(put.currency, "USD");
    refuse(&put, FK_CONFLICT, "currency");
}


static fk_code_t
peek(const char *sku, uint32_t qty)
{
    return fk_product_peek(&shop, &shop_env, str(sku), qty);
}


static void
test_peek(void)
{
    fk_product_put_t  put;

    shop_open();
    EQ_INT(peek("x", 1), FK_NOT_FOUND, "unknown");
    EQ_INT(peek("", 1), FK_NOT_FOUND, "empty");

    put = good("x");
    put.fields |= FK_PUT_STOCK | FK_PUT_QTY_MAX | FK_PUT_WINDOW;
    put.stock = 1;
    put.sale_from_s = SHOP_START_S + 10;
    put.sale_to_s = SHOP_START_S + 20;
    shop_must(shop_put(&put, NULL) == FK_OK, "put");

    EQ_INT(peek("x", 1), FK_NOT_ON_SALE, "before the window");
    shop_env.now_ms += 9999;
    EQ_INT(peek("x", 1), FK_NOT_ON_SALE, "a millisecond before it");
    shop_env.now_ms += 1;
    EQ_INT(peek("x", 1), FK_OK, "at its beginning");
    EQ_INT(peek("x", 2), FK_SOLD_OUT, "more than there are");
    EQ_INT(peek("x", 3), FK_LIMIT, "more than one may buy");
    shop_wait_s(10);
    EQ_INT(peek("x", 1), FK_NOT_ON_SALE, "at its end");

    put.fields = FK_PUT_WINDOW | FK_PUT_ON_SALE;
    put.sale_from_s = 0;
    put.sale_to_s = 0;
    put.on_sale = 0;
    shop_must(shop_put(&put, NULL) == FK_OK, "put");
    EQ_INT(peek("x", 1), FK_NOT_ON_SALE, "switched off");
}


static void
test_list(void)
{
    char               sku[16];
    unsigned           i, n, calls, wrong;
    uint32_t           cursor;
    fk_code_t          code;
    fk_product_put_t   put;
    fk_product_view_t  views[100];

    shop_open();

    for (i = 0; /* void */ ; i++) {
        snprintf(sku, sizeof(sku), "sku-%u", i);
        put = good(sku);
        code = shop_put(&put, NULL);

        if (code != FK_OK) {
            break;
        }
    }

    EQ_INT(code, FK_TABLE_FULL, "the table of products is full");
    EQ_INT(i, shop.region->table[FK_TABLE_PRODUCTS].capacity, "to the last");

    n = 0;
    calls = 0;
    wrong = 0;
    cursor = 0;

    do {
        i = 100;
        wrong += fk_product_list(&shop, &shop_env, &cursor, views, &i)
                 != FK_OK || i > FK_LIST_SLICE_MAX;
        n += i;
        calls++;
    } while (cursor != 0);

    EQ_INT(n, shop.region->table[FK_TABLE_PRODUCTS].capacity, "all listed");
    OK(wrong == 0 && calls == 2, "in bounded slices");
    EQ_STR(views[0].sku, "sku-64", "in the order they were made");

    put = good("sku-0");
    EQ_INT(shop_put(&put, NULL), FK_OK, "a full table can still be changed");

    i = 10;
    cursor = 4000000000u;
    OK(fk_product_list(&shop, &shop_env, &cursor, views, &i) == FK_OK
       && i == 0 && cursor == 0, "a cursor from nowhere finds nothing");
}


/*
 * Stock that is put and taken away again is imported and void for ever.  The
 * sums end before the recovery would refuse them.
 */
static void
test_sums(void)
{
    fk_product_put_t   put;
    fk_product_rec_t  *p;
    fk_order_view_t    out;
    fk_product_view_t  view;

    shop_open();
    put = good("x");
    put.fields |= FK_PUT_STOCK;
    put.stock = FK_AMOUNT_MAX;
    shop_must(shop_put(&put, &view) == FK_OK, "put");

    p = FK_PRODUCT(&shop, view.index);
    p->imported = FK_UNITS_MAX;
    p->voided = FK_UNITS_MAX - FK_AMOUNT_MAX;
    shop_must(shop_buy("x", 1, &out) == FK_OK, "buy");
    refuse(&put, FK_INVALID, "stock");
    OK(shop_sound(), "sound");

    /* What comes back from orders may stand above what may be put. */
    p->imported = FK_AMOUNT_MAX;
    p->voided = 0;
    shop_must(shop_put(&put, &view) == FK_OK
              && fk_cancel(&shop, &shop_env, &out.id, &out) == FK_OK, "back");
    put.fields = FK_PUT_NAME;
    put.name = str("another");
    EQ_INT(shop_put(&put, &view), FK_OK, "the rest can still be changed");
    EQ_INT(view.available, FK_AMOUNT_MAX + 1, "with the stock that there is");
    OK(shop_sound(), "sound");
}


int
main(void)
{
    test_fields();
    test_put();
    test_peek();
    test_list();
    test_sums();

    return tap_done();
}
