/*
 * A random life of a small shop: purchases, payments of every kind, imports,
 * changes, expiry, commission; and the question whether two regions are the
 * same shop, order by order, card by card, account by account.
 */

#ifndef FAKA_JOURNAL_LIFE_H_INCLUDED_
#define FAKA_JOURNAL_LIFE_H_INCLUDED_


#include "journal_shop.h"
#include "ledger_shop.h"


#define ORDERS_MAX   6000


static uint32_t       random_state = 1;
static fk_order_id_t  orders[ORDERS_MAX];
static uint32_t       orders_count;
static uint32_t       archived_count;
static uint32_t       next_card = 1;
static uint32_t       next_trade = 1;
static uint32_t       staged[3];       /* imports that go on */

static const char *const  skus[] = { "card-a", "card-b", "key", "seats" };

#define BUYERS   24
#define COUPONS  4

/* The last one is none. */
static const char *const  coupons[COUPONS + 1] = {
    "SPRING", "TWICE", "FIFTY", "never", ""
};

static const char *const  levels[] = { "bronze", "gold", "" };

__attribute__((unused))
static uint32_t
pick(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}


/* As a caller computes it for the operator's rule; returns the total. */
__attribute__((unused))
static int64_t
live_price(fk_checkout_t *in, uint32_t n)
{
    fk_buyer_view_t    buyer;
    fk_product_view_t  product;

    memset(&buyer, 0, sizeof(buyer));

    if (in->has_buyer) {
        shop_must(fk_buyer_get(&shop, in->buyer, &buyer) == FK_OK, "buyer");
    }

    product = shop_view(skus[n]);
    in->priced = 1;
    in->rules = 77;
    in->step[FK_STEP_LIST] = product.price * in->qty;
    in->step[FK_STEP_TIER] = fk_tier_price(&product, in->qty) * in->qty;
    in->step[FK_STEP_LEVEL] = fk_level_price(buyer.off_bp,
                                             in->step[FK_STEP_TIER]);
    return in->step[FK_STEP_LEVEL];
}


/* It needs what stands above. */
#include "life_ledger.h"


__attribute__((unused))
static void
live_buy(void)
{
    int64_t          list;
    uint32_t         n;
    fk_code_t        rc;
    fk_checkout_t    in;
    fk_order_view_t  out;

    static const char  reason[] = "a reason that is longer than one block of "
                                  "memory, and than two of them, too";

    if (orders_count == ORDERS_MAX) {
        return;
    }

    n = pick(4);
    in = shop_cart(skus[n], 1);
    in.qty = in.sku.data[0] == 'k' ? 1 : 1 + pick(5);
    in.has_idem = (uint8_t) pick(2);

    if (pick(2)) {
        shop_buyer(&in, pick(BUYERS), coupons[pick(COUPONS + 1)]);
    }

    if (pick(2) == 0) {
        in.agent = str(accounts[pick(AGENTS_COUNT)]);
    }

    if (pick(3) == 0) {
        list = live_price(&in, n);
        in.coupon.size = 0;
        in.step[FK_STEP_RULE] = 1 + pick((uint32_t) list * 2);
        in.step[FK_STEP_COUPON] = in.step[FK_STEP_RULE];
        in.review = pick(3) == 0;
        in.reason = str(in.review ? reason + pick(sizeof(reason) - 1) : "");
    }

    rc = fk_checkout(&shop, &shop_env, &in, &out);

    if (rc == FK_OK) {
        orders[orders_count++] = in.id;
    }
}


__attribute__((unused))
static void
live_pay(void)
{
    char              trade[32];
    int64_t           amount;
    fk_split_t        split;
    fk_order_id_t    *id;
    fk_order_view_t   view;
    fk_pay_result_t   result;

    if (orders_count == 0) {
        return;
    }

    id = &orders[pick(orders_count)];
    if (fk_order_get(&shop, id, &view) != FK_OK) {
        return;
    }

    amount = view.amount + (pick(10) == 0);

    /* Now and then one that was used before. */
    snprintf(trade, sizeof(trade), "trade-%u",
             pick(20) == 0 ? 1 + pick(next_trade) : next_trade++);
    if (pick(8) == 0) {
        (void) shop_pay_review(id, trade, amount, "it was paid too soon to be "
                               "the work of a person", &result, &view);
        return;
    }

    if (pick(2) == 0) {
        split = live_split(amount);
        (void) ledger_pay(id, trade, amount, &split, &result, &view);
        return;
    }

    (void) shop_pay(id, trade, amount, &result, &view);
}


__attribute__((unused))
static void
live_start(void)
{
    uint8_t          start[FK_START_SIZE_MAX];
    fk_str_t         text;
    fk_order_view_t  view;

    if (orders_count == 0) {
        return;
    }

    memset(start, 'a' + (int) pick(26), sizeof(start));
    text.data = start;
    text.size = 1 + pick(pick(4) == 0 ? sizeof(start) : 100);
    (void) fk_order_start(&shop, &shop_env, &orders[pick(orders_count)],
                          text, &view);
}


__attribute__((unused))
static void
live_decide(void)
{
    fk_split_t       split;
    fk_order_view_t  view;

    static const fk_event_t  events[] = {
        FK_EVENT_APPROVE, FK_EVENT_DENY, FK_EVENT_GIVE_UP,
        FK_EVENT_REFUNDED, FK_EVENT_REVOKE
    };

    if (orders_count == 0) {
        return;
    }

    if (pick(3) == 0) {
        split = live_split(500);
        (void) fk_approve(&shop, &shop_env, &orders[pick(orders_count)],
                          &split, &view);
        return;
    }

    (void) fk_decide(&shop, &shop_env, &orders[pick(orders_count)],
                     events[pick(5)], &view);
}


/* Of any payment of an order: asked for, refused, given back. */
__attribute__((unused))
static void
live_refund(void)
{
    uint32_t           n;
    fk_str_t           trade_no;
    fk_order_id_t     *id;
    fk_order_view_t    view;
    fk_payment_view_t  payment[4];

    if (orders_count == 0) {
        return;
    }

    n = 4;
    id = &orders[pick(orders_count)];

    if (fk_order_payments(&shop, id, payment, &n) != FK_OK || n == 0) {
        return;
    }

    trade_no = str(payment[pick(n)].trade_no);

    switch (pick(4)) {
    case 0:
        (void) fk_refund_back(&shop, &shop_env, id, trade_no, &view);
        break;
    case 1:
        (void) fk_refund(&shop, &shop_env, id, trade_no, &view);
        break;
    default:
        (void) fk_refund_ask(&shop, &shop_env, id, trade_no, &view);
    }
}


__attribute__((unused))
static void
live_import(void)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  n, count, accepted;
    uint64_t  seq;

    n = pick(3);

    if (staged[n] == 0) {
        if (fk_import_begin(&shop, &shop_env, str(skus[n]), &staged[n])
            != FK_OK)
        {
            staged[n] = 0;
        }
        return;
    }

    if (pick(3) > 0) {
        count = 1 + pick(6);
        (void) shop_add(staged[n], next_card - pick(2) * (next_card > 10),
                        count, (uint16_t) (40 + pick(400)), results);
        next_card += count;
        return;
    }

    if (pick(4) == 0) {
        (void) fk_import_abort(&shop, &shop_env, staged[n]);
    } else if (fk_import_commit(&shop, &shop_env, staged[n], &accepted, &seq)
               != FK_OK)
    {
        (void) fk_import_abort(&shop, &shop_env, staged[n]);
    }

    staged[n] = 0;
}


/* A level, a buyer's level, or a coupon. */
__attribute__((unused))
static void
live_terms(void)
{
    uint8_t          key[FK_TALLY_KEY_SIZE];
    uint32_t         n;
    uint64_t         seq;
    fk_coupon_put_t  in;

    if (pick(4) == 0) {
        (void) shop_level(levels[pick(2)], (uint16_t) pick(5000),
                          pick(20000));
        return;
    }

    if (pick(2)) {
        shop_digest(pick(BUYERS * 2), str(""), key);
        (void) fk_buyer_put(&shop, &shop_env, key, str(levels[pick(3)]),
                            &seq);
        return;
    }

    n = pick(COUPONS - 1);
    in = shop_coupon_of(coupons[n], pick(2) ? FK_COUPON_FIXED
                                            : FK_COUPON_PERCENT,
                        1 + pick(2000));
    in.on = pick(8) != 0;
    in.min_amount = pick(800);
    in.cap = in.kind == FK_COUPON_PERCENT ? pick(3) * 20 : 0;
    in.uses_max = pick(3) * 25;
    in.uses_buyer_max = (uint16_t) pick(3);
    in.to_s = pick(3) == 0 ? fk_now_s(&shop_env) + pick(900) + 1 : 0;
    in.product_count = pick(3);
    in.product[0] = str(skus[pick(2)]);
    in.product[1] = str(skus[2 + pick(2)]);
    (void) shop_coupon_put(&in);
}


__attribute__((unused))
static void
live_change(void)
{
    fk_product_put_t  put;

    if (pick(3) == 0) {
        live_terms();
        return;
    }

    memset(&put, 0, sizeof(put));

    if (pick(3) == 0) {
        put.sku = str(skus[pick(4)]);
        put.fields = FK_PUT_BUYER_LIMIT | FK_PUT_TIERS;
        put.buyer_limit = (uint16_t) (pick(4) == 0 ? 7 : pick(2) * 200);
        put.tier_count = (uint16_t) pick(3);
        put.tier[0] = (fk_tier_t) { 90 + pick(50), (uint16_t) (2 + pick(2)) };
        put.tier[1] = (fk_tier_t) { 50 + pick(50), (uint16_t) (4 + pick(2)) };

    } else if (pick(2)) {
        put.sku = str("seats");
        put.fields = FK_PUT_STOCK;
        put.stock = 20 + pick(200);
    } else {
        put.sku = str(skus[pick(4)]);
        put.fields = FK_PUT_NAME | FK_PUT_PRICE;
        put.name = str(pick(2) ? "renamed" : "a longer name than before");
        put.price = 100 + pick(1000);
        strcpy(put.currency, "CNY");
    }

    (void) shop_put(&put, NULL);
}


__attribute__((unused))
/* Slots that are free again are taken again, the same ones in the twin. */
static void
live_archive(void)
{
    uint32_t         i, n, cursor;
    size_t           size;
    fk_code_t        rc;
    fk_order_id_t    ids[4];
    fk_order_view_t  view;
    static uint8_t   record[FK_ARCHIVE_SIZE_MAX];

    cursor = pick(orders_count + 1);
    n = fk_archive_list(&shop, &shop_env, 3600, &cursor, ids, 4);

    for (i = 0; i < n; i++) {
        shop_must(fk_archive_read(&shop, &ids[i], &view, record,
                                  sizeof(record), &size) == FK_OK, "read");

        /* Not while a snapshot runs, nor when the ring is full. */
        rc = fk_archive_drop(&shop, &shop_env, &ids[i], view.seq);
        archived_count += rc == FK_OK;

        if (rc == FK_OK && pick(4) == 0) {
            rc = shop_restore(&shop, record, size, &view);
            shop_must(rc == FK_OK, "restore");
        }
    }
}


static void
live(uint32_t steps)
{
    uint32_t         i, what;
    fk_tick_t        tick;
    fk_order_view_t  view;

    for (i = 0; i < steps; i++) {
        what = pick(100);

        if (what < 30) {
            live_buy();
        } else if (what < 35) {
            live_start();
        } else if (what < 60) {
            live_pay();
        } else if (what < 67) {
            live_decide();
            live_refund();
        } else if (what < 75) {
            live_ledger();
        } else if (what < 82) {
            live_import();
        } else if (what < 86) {
            live_change();
        } else if (what < 90) {
            if (orders_count > 0) {
                (void) fk_cancel(&shop, &shop_env,
                                 &orders[pick(orders_count)], &view);
            }
        } else if (what < 93) {
            live_archive();
        } else if (what < 97) {
            shop_wait_s(pick(200));

            /* A walk's owner is never late here, though the clock jumps. */
            shop.region->snapshot.fresh_until_ms = shop_env.now_ms
                                                   + FK_SNAPSHOT_LEASE_MS;
            (void) fk_tick(&shop, &shop_env, 20, &tick);
        } else {
            kept_flush();
        }
    }
}


__attribute__((unused))
static int
same_starts(fk_t *a, fk_t *b, const fk_order_id_t *id)
{
    size_t   size[2];
    uint8_t  start[2][FK_START_SIZE_MAX];

    if (fk_order_start_get(a, id, start[0], &size[0]) != FK_OK
        || fk_order_start_get(b, id, start[1], &size[1]) != FK_OK
        || size[0] != size[1]
        || memcmp(start[0], start[1], size[0]) != 0)
    {
        printf("#   the start of an order differs\n");
        return 0;
    }

    return 1;
}


__attribute__((unused))
static int
same_orders(fk_t *a, fk_t *b)
{
    uint8_t            cards[2][8192];
    uint32_t           i, n[2], cursor[2], pays[2];
    fk_code_t          rc[2];
    fk_card_out_t      out[2][8];
    fk_order_view_t    view[2];
    fk_payment_view_t  payment[2][16];

    for (i = 0; i < orders_count; i++) {
        memset(view, 0, sizeof(view));
        memset(payment, 0, sizeof(payment));

        rc[0] = fk_order_get(a, &orders[i], &view[0]);
        rc[1] = fk_order_get(b, &orders[i], &view[1]);

        if (rc[0] != rc[1] || (rc[0] != FK_OK && rc[0] != FK_NOT_FOUND)) {
            return 0;
        }

        if (rc[0] == FK_NOT_FOUND) {
            continue;
        }

        pays[0] = pays[1] = 16;

        if (fk_order_payments(a, &orders[i], payment[0], &pays[0]) != FK_OK
            || fk_order_payments(b, &orders[i], payment[1], &pays[1])
               != FK_OK)
        {
            return 0;
        }

        n[0] = n[1] = 8;
        cursor[0] = cursor[1] = 0;
        rc[0] = fk_order_cards(a, &orders[i], &cursor[0], cards[0],
                               sizeof(cards[0]), out[0], &n[0]);
        rc[1] = fk_order_cards(b, &orders[i], &cursor[1], cards[1],
                               sizeof(cards[1]), out[1], &n[1]);

        if (!same_starts(a, b, &orders[i])) {
            return 0;
        }

        /* Where an order stands in its table is nobody's business. */
        view[0].index = view[1].index;

        if (memcmp(&view[0], &view[1], sizeof(view[0])) != 0
            || pays[0] != pays[1]
            || memcmp(payment[0], payment[1], sizeof(payment[0])) != 0
            || rc[0] != rc[1])
        {
            printf("#   order %u differs\n", i);
            return 0;
        }

        if (rc[0] == FK_OK && view[0].kind == FK_KIND_COUNTED) {
            if (n[0] != 0 || n[1] != 0) {
                return 0;
            }

        } else if (rc[0] == FK_OK
            && (n[0] != n[1] || n[0] != view[0].qty
                || out[0][n[0] - 1].offset != out[1][n[1] - 1].offset
                || memcmp(cards[0], cards[1],
                          out[0][n[0] - 1].offset + out[0][n[0] - 1].size)))
        {
            printf("#   the cards of order %u differ\n", i);
            return 0;
        }
    }

    return 1;
}


/* What each buyer has, what each coupon was used for, and no tally more. */
__attribute__((unused))
static int
same_terms(fk_t *a, fk_t *b)
{
    uint8_t           key[FK_TALLY_KEY_SIZE];
    uint32_t          i, n[2];
    fk_code_t         rc[2];
    fk_buyer_view_t   buyer[2];
    fk_level_view_t   level[2][FK_LEVELS_MAX];
    fk_coupon_view_t  coupon[2];

    memset(level, 0, sizeof(level));

    if (fk_level_list(a, level[0], &n[0]) != FK_OK
        || fk_level_list(b, level[1], &n[1]) != FK_OK || n[0] != n[1]
        || memcmp(level[0], level[1], sizeof(level[0])) != 0
        || fk_table_used(a, FK_TABLE_TALLIES)
           != fk_table_used(b, FK_TABLE_TALLIES))
    {
        printf("#   the levels differ, or the number of tallies\n");
        return 0;
    }

    for (i = 0; i < 2 * BUYERS; i++) {
        shop_digest(i, str(""), key);

        if (fk_buyer_get(a, key, &buyer[0]) != FK_OK
            || fk_buyer_get(b, key, &buyer[1]) != FK_OK
            || memcmp(&buyer[0], &buyer[1], sizeof(buyer[0])) != 0)
        {
            printf("#   buyer %u differs\n", i);
            return 0;
        }
    }

    for (i = 0; i < COUPONS; i++) {
        memset(coupon, 0, sizeof(coupon));
        rc[0] = fk_coupon_get(a, str(coupons[i]), &coupon[0]);
        rc[1] = fk_coupon_get(b, str(coupons[i]), &coupon[1]);

        if (rc[0] != rc[1]
            || memcmp(&coupon[0], &coupon[1], sizeof(coupon[0])) != 0)
        {
            printf("#   coupon %s differs\n", coupons[i]);
            return 0;
        }
    }

    return 1;
}


__attribute__((unused))
static int
same_products(fk_t *a, fk_t *b)
{
    uint32_t           i;
    fk_product_view_t  view[2];

    for (i = 0; i < 4; i++) {
        memset(view, 0, sizeof(view));

        if (fk_product_get(a, &shop_env, str(skus[i]), &view[0]) != FK_OK
            || fk_product_get(b, &shop_env, str(skus[i]), &view[1]) != FK_OK
            || memcmp(&view[0], &view[1], sizeof(view[0])) != 0)
        {
            printf("#   %s differs\n", skus[i]);
            return 0;
        }
    }

    return same_terms(a, b) && same_accounts(a, b);
}


/* Imports under way are lost by design, and only they. */
__attribute__((unused))
static void
end_imports(void)
{
    uint32_t  n;

    for (n = 0; n < 3; n++) {
        if (staged[n] != 0) {
            (void) fk_import_abort(&shop, &shop_env, staged[n]);
            staged[n] = 0;
        }
    }

    (void) shop_tick();
    kept_flush();
}


/* A new shop with nothing in it but its products; the same for each seed. */
__attribute__((unused))
static void
life_begin(uint32_t seed)
{
    uint32_t  i;

    /* In the memory of the last one: what it left must not matter. */
    if (shop.base == NULL) {
        shop_open();
    } else {
        shop_open_in(shop.base, SHOP_SIZE);
    }

    kept_size = 0;
    random_state = seed;
    orders_count = 0;
    next_card = 1;
    next_trade = 1;
    memset(staged, 0, sizeof(staged));

    shop_product("card-a", FK_KIND_CARD, 0);
    shop_product("card-b", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 300);

    for (i = 0; i < ACCOUNTS_COUNT; i++) {
        shop_must(i < AGENTS_COUNT
                  ? ledger_agent(accounts[i], "") == FK_OK
                  : ledger_merchant(accounts[i]) == FK_OK, "account");
    }
}


#endif /* FAKA_JOURNAL_LIFE_H_INCLUDED_ */
