/*
 * What the audit says of a damaged shop: each sum that it compares is made
 * wrong, one at a time, and it is told which; the first problem in words, and
 * all of them counted.  And where its own numbers end.
 */

#include "journal_shop.h"


static fk_audit_totals_t  totals;


static void
audit(void)
{
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK
              && fk_audit_step(&shop, &shop_env, 9, UINT32_MAX) == FK_OK
              && fk_audit_end(&shop, 9, &totals) == FK_OK, "audit");
}


/* Not in order, with so many problems, the first of them this. */
static void
finds(const char *name, uint32_t count, const char *problem)
{
    audit();
    OK(!totals.ok && totals.problem_count == count
       && strcmp(totals.problem, problem) == 0, "%s: %s", name,
       totals.problem);

    if (totals.problem_count != count) {
        printf("#   %u problems\n", totals.problem_count);
    }
}


#define PRODUCT(sku)  "product " sku ": its counters are not the sums of its" \
                      " parts"
#define TABLE(name)   "table " name ": another number is in use"


/* Products 1 to 3, one of a kind; order 1 of cards, order 2 of a key. */
static void
shop_make(void)
{
    fk_order_view_t  out;
    fk_pay_result_t  result;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 10);
    shop_stock("card", 1, 5);
    shop_stock("key", 50, 1);
    shop_must(shop_buy("card", 2, &out) == FK_OK
              && shop_pay(&out.id, "t", out.amount, &result, &out) == FK_OK
              && shop_buy("key", 1, &out) == FK_OK
              && shop_buy("seats", 1, &out) == FK_OK, "orders");
}


static void
test_tables(void)
{
    shop_make();
    audit();
    OK(totals.ok && totals.problem_count == 0, "a sound shop");

    /* Slots that are neither used nor free: by the lists' own count. */
    shop.region->table[FK_TABLE_ORDERS].free_count++;
    finds("an order too few", 1, TABLE("orders"));
    shop.region->table[FK_TABLE_ORDERS].free_count--;

    shop.region->table[FK_TABLE_CARDS].free_count++;
    finds("a card too few", 1, TABLE("cards"));
    shop.region->table[FK_TABLE_CARDS].free_count--;

    shop.region->table[FK_TABLE_PAYMENTS].free_count++;
    finds("a payment too few", 1, TABLE("payments"));

    shop.region->table[FK_TABLE_ORDERS].free_count++;
    finds("both of them", 2, TABLE("orders"));
    shop.region->table[FK_TABLE_ORDERS].free_count--;
    shop.region->table[FK_TABLE_PAYMENTS].free_count--;

    audit();
    OK(totals.ok && shop_sound(), "put right again");
}


static void
test_products(void)
{
    fk_product_rec_t  *p;

    p = FK_PRODUCT(&shop, 1);

    /* Two that are wrong by the same agree with each other, not with cards. */
    p->imported++;
    p->available++;
    finds("a unit without a card", 1, PRODUCT("card"));
    p->imported--;
    p->available--;

    FK_CARD(&shop, p->pool_head)->owner = 1;
    finds("a card that was given away", 1, PRODUCT("card"));
    FK_CARD(&shop, p->pool_head)->owner = FK_OWNER_POOL;

    p = FK_PRODUCT(&shop, 2);
    FK_CARD(&shop, p->pool_tail)->owner = 2;
    finds("a key that was used up", 1, PRODUCT("key"));
    FK_CARD(&shop, p->pool_tail)->owner = FK_OWNER_POOL;

    /* Cards of a product that has none. */
    FK_BATCH(&shop, 2)->product = 3;
    finds("a card of what is only counted", 2, PRODUCT("key"));
    FK_BATCH(&shop, 2)->product = 2;

    p = FK_PRODUCT(&shop, 2);
    FK_CARD(&shop, p->pool_tail)->owner = 2;
    FK_BATCH(&shop, 2)->product = 3;
    finds("or one that it sold", 2, PRODUCT("key"));
    FK_BATCH(&shop, 2)->product = 2;
    FK_CARD(&shop, p->pool_tail)->owner = FK_OWNER_POOL;

    p = FK_PRODUCT(&shop, 3);
    p->available -= 100;
    p->imported -= 100;
    finds("less than nothing for sale", 1, PRODUCT("seats"));
    p->available += 100;
    p->imported += 100;

    audit();
    OK(totals.ok && shop_sound(), "put right again");
}


/* Money of more currencies than it adds up, and of one that overflows. */
static void
test_money(void)
{
    char              sku[] = "cur-a";
    uint32_t          n;
    fk_order_view_t   out;
    fk_pay_result_t   result;
    fk_product_put_t  put;
    fk_pay_t          pay;

    for (n = 0; n < FK_AUDIT_CURRENCIES_MAX; n++) {
        sku[4] = (char) ('a' + n);
        memset(&put, 0, sizeof(put));
        put.sku = str(sku);
        put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_STOCK;
        put.name = str("a product");
        put.price = 500;
        strcpy(put.currency, "XXA");
        put.currency[2] = (char) ('A' + n);
        put.kind = FK_KIND_COUNTED;
        put.stock = 5;

        memset(&pay, 0, sizeof(pay));
        pay.channel = str("epay");
        pay.trade_no = str(sku);
        pay.amount = 500;
        memcpy(pay.currency, put.currency, sizeof(pay.currency));

        shop_must(shop_put(&put, NULL) == FK_OK
                  && shop_buy(sku, 1, &out) == FK_OK, "buy");
        pay.id = out.id;
        shop_must(fk_pay(&shop, &shop_env, &pay, &result, &out) == FK_OK,
                  "pay");
    }

    finds("nine currencies", 1,
          "currency XXH: there are too many to sum them up");
    EQ_INT(totals.currency_count, FK_AUDIT_CURRENCIES_MAX, "eight are summed");
    EQ_INT(totals.money[0].amount, 1000, "the first has its payment");

    FK_PAYMENT(&shop, 1)->amount = INT64_MAX - 10;
    FK_PAYMENT(&shop, 9)->amount = INT64_MAX - 10;
    memcpy(FK_PRODUCT(&shop, FK_ORDER(&shop, FK_PAYMENT(&shop, 9)->order)
                                 ->product)->currency, "CNY", 4);
    finds("sums without an end", 1,
          "currency CNY: the sum is too large to be counted");
}


static void
test_list(void)
{
    uint32_t            cursor, n;
    fk_audit_product_t  out[FK_LIST_SLICE_MAX];

    shop_make();
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK
              && fk_audit_step(&shop, &shop_env, 9, UINT32_MAX) == FK_OK,
              "audit");
    cursor = 0;
    n = fk_audit_products(&shop, 9, &cursor, out, UINT32_MAX);
    OK(n == 3 && cursor == 0, "all products, and no more than a slice");
}


int
main(void)
{
    test_tables();
    test_products();
    test_money();
    test_list();

    return tap_done();
}
