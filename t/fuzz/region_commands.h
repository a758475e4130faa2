/*
 * Every command of the engine, with what a caller gives and takes, for a shop
 * of full_shop.h that may be damaged in any way.  What comes back is looked
 * at only as a caller would: sizes that are used, texts that end.
 */

#ifndef FAKA_FUZZ_REGION_COMMANDS_H_INCLUDED_
#define FAKA_FUZZ_REGION_COMMANDS_H_INCLUDED_


#include "full_shop.h"
#include "must.h"


static const char *const  command_skus[] = { "card", "few", "key", "seats" };

#define SKUS_COUNT  (sizeof(command_skus) / sizeof(command_skus[0]))

#define ENDS(text)  MUST(memchr(text, '\0', sizeof(text)) != NULL)


static uint32_t  command_serial;       /* makes ids and trade numbers */
static uint32_t  command_sum;          /* of bytes that are only read */


static void
take_order(fk_code_t rc, const fk_order_view_t *order)
{
    MUST((unsigned) rc < FK_CODE_COUNT);

    if (rc == FK_OK || rc == FK_EXISTS) {
        ENDS(order->sku);
        ENDS(order->name);
        ENDS(order->currency);
        ENDS(order->channel);
        ENDS(order->coupon);
        MUST(order->contact_size <= sizeof(order->contact));
        MUST(order->status < FK_STATUS_COUNT);
    }
}


static void
take_product(const fk_product_view_t *product)
{
    ENDS(product->sku);
    ENDS(product->name);
    ENDS(product->currency);
}


static void
call_checkout(void)
{
    unsigned         i;
    fk_checkout_t    in;
    fk_order_view_t  order;

    for (i = 0; i < SKUS_COUNT; i++) {
        in = shop_cart(command_skus[i], 1 + i);
        in.id = shop_id(0x10000 + command_serial++);
        take_order(fk_checkout(&shop, &shop_env, &in, &order), &order);
        in.id = shop_id(0x10000 + command_serial++);
        take_order(fk_checkout(&shop, &shop_env, &in, &order), &order);
        take_order(fk_order_by_idem(&shop, in.idem, in.body, &order), &order);

        in = shop_cart(command_skus[i], 1 + i);
        in.id = shop_id(0x10000 + command_serial++);
        shop_buyer(&in, i, i % 2 ? "off" : "");
        take_order(fk_checkout(&shop, &shop_env, &in, &order), &order);
    }
}


static void
call_orders(void)
{
    uint8_t            cards[8192];
    uint32_t           i, n, cursor;
    fk_card_out_t      out[FK_LIST_SLICE_MAX];
    fk_order_view_t    order;
    fk_payment_view_t  payments[16];

    for (i = 0; i < full_orders_count; i++) {
        take_order(fk_order_get(&shop, &full_order[i], &order), &order);

        n = 16;
        (void) fk_order_payments(&shop, &full_order[i], payments, &n);
        MUST(n <= 16);

        while (n > 0) {
            ENDS(payments[--n].trade_no);
        }

        n = FK_LIST_SLICE_MAX;
        cursor = 0;

        if (fk_order_cards(&shop, &full_order[i], &cursor, cards,
                           sizeof(cards), out, &n) == FK_OK)
        {
            MUST(n <= FK_LIST_SLICE_MAX);

            while (n > 0) {
                n--;
                MUST(out[n].offset <= sizeof(cards)
                     && out[n].size <= sizeof(cards) - out[n].offset);
            }
        }
    }
}


static void
call_list(void)
{
    uint32_t           i, n, rounds, cursor;
    fk_order_view_t    orders[8];
    fk_product_view_t  products[8];
    fk_order_filter_t  filter;

    for (i = 0; i < 2; i++) {
        memset(&filter, 0, sizeof(filter));
        filter.status = i == 0 ? -1 : FK_STATUS_DELIVERED;
        filter.sku = i == 0 ? str("") : str("card");
        cursor = 0;

        for (rounds = 0; rounds < 64; rounds++) {
            n = 8;
            (void) fk_order_list(&shop, &filter, &cursor, orders, &n);
            MUST(n <= 8);

            while (n > 0) {
                take_order(FK_OK, &orders[--n]);
            }

            if (cursor == 0) {
                break;
            }
        }
    }

    cursor = 0;

    for (rounds = 0; rounds < 64; rounds++) {
        n = 8;
        (void) fk_product_list(&shop, &shop_env, &cursor, products, &n);
        MUST(n <= 8);

        while (n > 0) {
            take_product(&products[--n]);
        }

        if (cursor == 0) {
            break;
        }
    }
}


static void
call_products(void)
{
    int                created;
    unsigned           i;
    uint64_t           seq;
    const char        *field;
    fk_product_put_t   put;
    fk_product_view_t  view;

    for (i = 0; i < SKUS_COUNT; i++) {
        (void) fk_product_peek(&shop, &shop_env, str(command_skus[i]), 1);

        if (fk_product_get(&shop, &shop_env, str(command_skus[i]), &view)
            == FK_OK)
        {
            take_product(&view);
        }

        memset(&put, 0, sizeof(put));
        put.sku = str(command_skus[i]);
        put.fields = FK_PUT_ON_SALE | FK_PUT_WINDOW;
        put.on_sale = 1;

        if (i == SKUS_COUNT - 1) {
            put.fields |= FK_PUT_STOCK;
            put.stock = 50;
        }

        if (fk_product_put(&shop, &shop_env, &put, &view, &created, &seq,
                           &field) == FK_OK)
        {
            take_product(&view);
        }
    }
}


static void
call_pay(void)
{
    char             no[16];
    uint32_t         i;
    fk_order_view_t  order;
    fk_pay_result_t  result;

    for (i = 0; i < full_orders_count; i++) {
        snprintf(no, sizeof(no), "n-%u", command_serial++);
        result = FK_PAY_COUNT;

        take_order(shop_pay(&full_order[i], i % 3 == 0 ? "c-1" : no,
                            i % 2 == 0 ? 500 : 1000, &result, &order),
                   &order);
        MUST(result <= FK_PAY_COUNT);
    }
}


static void
call_decide(void)
{
    uint32_t         i;
    fk_order_view_t  order;

    for (i = 0; i < full_orders_count; i++) {
        if (i % 5 == 0) {
            take_order(fk_cancel(&shop, &shop_env, &full_order[i], &order),
                       &order);
        }

        take_order(fk_decide(&shop, &shop_env, &full_order[i],
                             i % 5 == 0 ? FK_EVENT_APPROVE
                             : i % 5 == 1 ? FK_EVENT_DENY
                             : i % 5 == 2 ? FK_EVENT_GIVE_UP
                             : i % 5 == 3 ? FK_EVENT_REVOKE
                             : FK_EVENT_REFUNDED, &order), &order);
    }
}


static void
call_import(void)
{
    uint8_t    results[FK_IMPORT_SLICE_MAX];
    uint32_t   batch, accepted;
    uint64_t   seq;

    (void) shop_add(full_import, 520, 8, 90, results);
    (void) shop_add(full_import, 1, 8, 60, results);
    (void) fk_import_commit(&shop, &shop_env, full_import, &accepted, &seq);

    if (fk_import_begin(&shop, &shop_env, str("few"), &batch) == FK_OK) {
        (void) shop_add(batch, 700, 4, 300, results);
        (void) fk_import_abort(&shop, &shop_env, batch);
    }
}


static void
call_tick(void)
{
    unsigned   i;
    fk_tick_t  out;

    for (i = 0; i < 8; i++) {
        if (fk_tick(&shop, &shop_env, 50, &out) != FK_AGAIN) {
            break;
        }
    }
}


static void
call_late_tick(void)
{
    shop_wait_s(2 * SHOP_HOLD_S);
    call_tick();
}


static void
call_audit(void)
{
    unsigned            i;
    uint32_t            n, cursor;
    fk_code_t           rc;
    fk_audit_totals_t   totals;
    fk_audit_product_t  products[8];

    if (fk_audit_begin(&shop, &shop_env, 9) != FK_OK) {
        return;
    }

    for (i = 0; i < 64; i++) {
        rc = fk_audit_step(&shop, &shop_env, 9, 4096);
        if (rc != FK_AGAIN) {
            break;
        }
    }

    cursor = 0;
    n = fk_audit_products(&shop, 9, &cursor, products, 8);
    MUST(n <= 8);

    while (n > 0) {
        ENDS(products[--n].sku);
    }

    if (fk_audit_end(&shop, 9, &totals) == FK_OK) {
        ENDS(totals.problem);
        MUST(totals.currency_count <= FK_AUDIT_CURRENCIES_MAX);
    }
}


/* The half-done audit of the shop goes on with what the owner has left. */

static void
call_audit_on(void)
{
    (void) fk_audit_step(&shop, &shop_env, 3, 4096);
    (void) fk_audit_step(&shop, &shop_env, 3, 4096);
}


/* As a sender reads them: each byte. */

static void
take_batch(const fk_batch_t *batch)
{
    unsigned  n;

    for (n = 0; n < 2; n++) {
        MUST(batch->size[n] <= FK_BATCH_SIZE_MAX);
        command_sum = fk_crc32c(command_sum, batch->part[n], batch->size[n]);
    }
}


static void
call_flush(void)
{
    fk_batch_t         batch;
    fk_flush_t         work;
    fk_journal_view_t  view;

    (void) fk_flush_done(&shop, 7, 1);
    fk_flush_unknown(&shop, 7);
    fk_journal_view(&shop, &view);

    work = fk_flush_take(&shop, 8, 100000, &batch);

    if (work == FK_FLUSH_PROBE) {
        (void) fk_flush_top(&shop, 8, view.epoch, view.durable_seq);
        work = fk_flush_take(&shop, 8, 200000, &batch);
    }

    if (work == FK_FLUSH_SEND) {
        take_batch(&batch);
        (void) fk_flush_done(&shop, 8, batch.last_seq);
    }
}


static void
call_flush_lost(void)
{
    fk_batch_t         batch;
    fk_journal_view_t  view;

    fk_journal_view(&shop, &view);
    (void) fk_flush_suspect(&shop);

    if (fk_flush_take(&shop, 8, 300000, &batch) == FK_FLUSH_PROBE) {
        (void) fk_flush_top(&shop, 8, view.epoch, view.durable_seq - 5);
    }

    if (fk_flush_take(&shop, 8, 400000, &batch) == FK_FLUSH_SEND) {
        take_batch(&batch);
        (void) fk_flush_done(&shop, 8, batch.last_seq);
    }
}


/* Orders leave, and one of them comes back. */

static void
call_archive(void)
{
    size_t           size;
    uint32_t         i, n, cursor;
    fk_code_t        rc;
    fk_order_id_t    id[FK_LIST_SLICE_MAX];
    fk_card_out_t    cards[FK_QTY_MAX];
    fk_order_view_t  order;
    static uint8_t   record[FK_ARCHIVE_SIZE_MAX];

    cursor = 0;
    n = fk_archive_list(&shop, &shop_env, 0, &cursor, id, FK_LIST_SLICE_MAX);
    MUST(n <= FK_LIST_SLICE_MAX);

    for (i = 0; i < n; i++) {
        rc = fk_archive_read(&shop, &id[i], &order, record, sizeof(record),
                             &size);
        take_order(rc, &order);

        if (rc != FK_OK) {
            continue;
        }

        MUST(size <= sizeof(record));
        MUST(fk_archive_cards(record, size, cards, FK_QTY_MAX) <= FK_QTY_MAX);

        if (fk_archive_drop(&shop, &shop_env, &id[i], order.seq) == FK_OK
            && i % 2 == 0)
        {
            take_order(shop_restore(&shop, record, size, &order), &order);
        }
    }
}


static void
call_snapshot(void)
{
    size_t          size;
    unsigned        i;
    fk_code_t       rc;
    fk_snapshot_t   walk;
    static uint8_t  part[FK_SNAPSHOT_PART_SIZE_MAX];

    if (fk_snapshot_begin(&shop, &shop_env, 11, 0, &walk) != FK_OK) {
        return;
    }

    for (i = 0; i < 4096; i++) {
        rc = fk_snapshot_step(&shop, &shop_env, 11, 1, part, sizeof(part),
                              &size, &walk);

        if (rc != FK_AGAIN) {
            break;
        }

        MUST(size <= sizeof(part));
    }

    MUST(i < 4096);
    fk_snapshot_end(&shop, 11);
}


/* The snapshot that another process has left half done, too. */

static void
call_snapshot_on(void)
{
    size_t          size;
    fk_snapshot_t   walk;
    static uint8_t  part[FK_SNAPSHOT_PART_SIZE_MAX];

    (void) fk_snapshot_step(&shop, &shop_env, 4, 1, part, sizeof(part), &size,
                            &walk);
    fk_snapshot_break(&shop, 4);
}


static void
call_terms(void)
{
    int               created;
    uint8_t           key[FK_TALLY_KEY_SIZE];
    uint32_t          i, n, cursor;
    uint64_t          seq;
    const char       *field;
    fk_buyer_view_t   buyer;
    fk_coupon_put_t   in;
    fk_level_view_t   levels[FK_LEVELS_MAX];
    fk_coupon_view_t  coupons[4];

    for (i = 0; i < 14; i++) {
        shop_digest(i, str(""), key);

        if (fk_buyer_get(&shop, key, &buyer) == FK_OK) {
            ENDS(buyer.level);
        }
    }

    (void) fk_buyer_put(&shop, &shop_env, key, str("gold"), &seq);
    (void) fk_buyer_put(&shop, &shop_env, key, str(""), &seq);
    (void) shop_level("silver", 200, 1);
    (void) shop_level("more", 200, 1);
    (void) fk_level_list(&shop, levels, &n);
    MUST(n <= FK_LEVELS_MAX);

    while (n > 0) {
        ENDS(levels[--n].name);
    }

    in = shop_coupon_of("off", FK_COUPON_FIXED, 5);
    (void) fk_coupon_put(&shop, &shop_env, &in, &created, &seq, &field);
    in.code = str("more");
    (void) fk_coupon_put(&shop, &shop_env, &in, &created, &seq, &field);
    cursor = 0;
    i = 0;

    do {
        n = 4;
        (void) fk_coupon_list(&shop, &cursor, coupons, &n);
        MUST(n <= 4);

        while (n > 0) {
            n--;
            ENDS(coupons[n].code);
            ENDS(coupons[n].currency);
            MUST(coupons[n].product_count <= FK_COUPON_PRODUCTS_MAX);
        }
    } while (cursor != 0 && ++i < 4096);
}


static void
call_numbers(void)
{
    char        why[200];
    fk_usage_t  usage[FK_USAGE_COUNT];

    fk_usage(&shop, usage);
    fk_stat_add(&shop, FK_STAT_USER, 1);
    (void) fk_stat_get(&shop, FK_STAT_USER);
    (void) fk_fail_reason(&shop, why, sizeof(why));
    ENDS(why);
}


#include "region_ledger.h"


static const struct {
    void  (*call)(void);
} commands[] = {
    { call_numbers },
    { call_audit_on },
    { call_snapshot_on },
    { call_terms },
    { call_entries },
    { call_checkout },
    { call_orders },
    { call_list },
    { call_products },
    { call_pay },
    { call_flush },
    { call_parts },
    { call_sell },
    { call_withdrawals },
    { call_decide },
    { call_accounts },
    { call_import },
    { call_tick },
    { call_audit },
    { call_late_tick },
    { call_settle },
    { call_snapshot },
    { call_archive },
    { call_flush_lost }
};

#define COMMANDS_COUNT  (sizeof(commands) / sizeof(commands[0]))


#endif /* FAKA_FUZZ_REGION_COMMANDS_H_INCLUDED_ */
