/*
 * What fk_check() claims of a sound region, counted a second time and the
 * simple way: every slot of every table is looked at for each question, and
 * no list or index is followed but to see that it leads there.
 */

#ifndef FAKA_FUZZ_REGION_RECOUNT_H_INCLUDED_
#define FAKA_FUZZ_REGION_RECOUNT_H_INCLUDED_


#include "fk_tally.h"
#include "full_shop.h"
#include "must.h"


typedef struct {
    int64_t  held;
    int64_t  sold;
    int64_t  owed;
    int64_t  orders;
    int64_t  revoked;
    int64_t  pool;
    int64_t  taken;
} recount_t;


static uint32_t
recount_fresh(fk_table_id_t id)
{
    return shop.region->table[id].fresh;
}


static void
recount_orders(uint32_t product, recount_t *sum)
{
    uint32_t               i;
    const fk_order_rec_t  *o;

    for (i = 1; i <= recount_fresh(FK_TABLE_ORDERS); i++) {
        o = FK_ORDER(&shop, i);

        if (o->used && o->product == product) {
            sum->orders++;
            sum->held += o->axis_stock == FK_STOCK_HELD ? o->qty : 0;
            sum->sold += o->axis_stock == FK_STOCK_ALLOCATED ? o->qty : 0;
            sum->owed += o->axis_stock == FK_STOCK_SHORT ? o->qty : 0;
            sum->revoked += o->axis_stock == FK_STOCK_VOIDED ? o->qty : 0;
        }
    }
}


static void
recount_cards(uint32_t product, recount_t *sum)
{
    uint32_t               i;
    const fk_card_rec_t   *c;
    const fk_batch_rec_t  *b;

    for (i = 1; i <= recount_fresh(FK_TABLE_CARDS); i++) {
        c = FK_CARD(&shop, i);

        if (c->owner == FK_OWNER_FREE) {
            continue;
        }

        b = FK_BATCH(&shop, FK_CARD_BATCH(c));

        if (b->product == product && b->state == FK_BATCH_LIVE) {
            sum->pool += c->owner == FK_OWNER_POOL;
            sum->taken += c->owner != FK_OWNER_POOL;
        }
    }
}


static void
recount_product(uint32_t i)
{
    fk_str_t                 sku;
    recount_t                sum;
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(&shop, i);
    memset(&sum, 0, sizeof(sum));
    recount_orders(i, &sum);
    recount_cards(i, &sum);

    sku.data = (const uint8_t *) p->sku;
    sku.size = strnlen(p->sku, FK_SKU_SIZE_MAX);
    MUST(fk_product_find(&shop, sku) == i);

    MUST(p->held == sum.held && p->sold == sum.sold);
    MUST(p->owed == sum.owed && p->orders_count == sum.orders);
    MUST(p->revoked == sum.revoked);

    if (p->kind == FK_KIND_COUNTED) {
        MUST(sum.pool == 0 && sum.taken == 0);
        MUST(p->imported == p->available + p->held + p->sold + p->voided
                            + p->archived_units);

    } else if (p->kind == FK_KIND_CARD) {
        MUST(p->available == sum.pool);
        MUST(p->held + p->sold + p->revoked == sum.taken);
        MUST(p->imported == p->available + p->held + p->sold + p->voided
                            + p->archived_units);

    } else {
        MUST(p->available == sum.pool && sum.taken == 0);
    }
}


static void
recount_order(uint32_t i)
{
    uint32_t               n, slot, cards;
    const fk_order_rec_t  *o;

    o = FK_ORDER(&shop, i);
    MUST(fk_order_find(&shop, o->id) == i);
    MUST(!o->has_idem || fk_idem_find(&shop, o->idem) == i);

    /* All its cards name it, and it lists as many as name it. */
    cards = 0;

    for (n = 1; n <= recount_fresh(FK_TABLE_CARDS); n++) {
        cards += FK_CARD(&shop, n)->owner == i;
    }

    if (FK_PRODUCT(&shop, o->product)->kind == FK_KIND_CARD) {
        for (slot = o->first_card; slot != 0; slot = FK_CARD(&shop,
                                                             slot)->next)
        {
            MUST(cards-- > 0 && FK_CARD(&shop, slot)->owner == i);
        }
    }

    MUST(cards == 0);
}


static void
recount_payment(uint32_t i)
{
    uint8_t                  trade_no[FK_TRADE_NO_SIZE_MAX];
    uint32_t                 slot, n;
    const fk_order_rec_t    *o;
    const fk_payment_rec_t  *p;

    p = FK_PAYMENT(&shop, i);
    o = FK_ORDER(&shop, p->order);
    MUST(o->used && p->trade_no_size <= sizeof(trade_no));
    fk_blob_read(&shop, p->trade_no, trade_no, p->trade_no_size);

    /* Two with one number: the first in the chain stands for both. */
    slot = fk_trade_find(&shop, o->channel, p->hash, trade_no,
                         p->trade_no_size);
    MUST(slot == i);

    slot = o->payment;

    for (n = 0; slot != i; n++) {
        MUST(slot != 0 && n < FK_ORDER_PAYMENTS_MAX);
        slot = FK_PAYMENT(&shop, slot)->next;
    }
}


/* Whether something is left of an order that was paid; what was given back of
 * it is taken off the sum. */

static int
recount_bought(uint32_t order, int64_t *amount)
{
    int64_t                paid, back;
    uint32_t               n;
    const fk_split_rec_t  *s;

    paid = 0;
    back = 0;

    for (n = 1; n <= recount_fresh(FK_TABLE_SPLITS); n++) {
        s = FK_SPLIT_ANY(&shop, n);

        if (s->used && s->order == order) {
            paid += s->paid;
            back += s->returned;
        }
    }

    /* Of one that was revoked nothing counts, and so no part less. */
    if (FK_ORDER(&shop, order)->axis_payment != FK_PAYMENT_PAID) {
        return 0;
    }

    *amount -= back;

    return back == 0 || back < paid;
}


static void
recount_tally(uint32_t i)
{
    int                      counts;
    uint32_t                 n, refs;
    fk_share_t               sum;
    const fk_order_rec_t    *o;
    const fk_tally_rec_t    *t;
    const fk_payment_rec_t  *p;

    t = FK_TALLY(&shop, i);
    MUST(fk_tally_find(&shop, t->kind, t->key) == i);
    memset(&sum, 0, sizeof(sum));
    refs = 0;

    for (n = 1; n <= recount_fresh(FK_TABLE_ORDERS); n++) {
        o = FK_ORDER(&shop, n);

        if (o->used && o->tally[t->kind] == i) {
            counts = t->kind == FK_TALLY_BUYER
                     ? recount_bought(n, &sum.amount)
                     : o->axis_stock != FK_STOCK_RELEASED
                       && o->axis_stock != FK_STOCK_VOIDED;
            refs++;
            sum.orders += counts;
            sum.units += counts ? o->qty : 0;
        }
    }

    for (n = 1; n <= recount_fresh(FK_TABLE_PAYMENTS); n++) {
        p = FK_PAYMENT(&shop, n);

        if (p->used && p->state == FK_PAYMENT_STATE_APPLIED
            && t->kind == FK_TALLY_BUYER
            && FK_ORDER(&shop, p->order)->tally[FK_TALLY_BUYER] == i)
        {
            sum.amount += p->amount;
        }
    }

    MUST(t->refs == refs && t->live.orders == sum.orders);
    MUST(t->live.units == sum.units && t->live.amount == sum.amount);
}


static void
recount_coupon(uint32_t i)
{
    int64_t                 uses;
    fk_str_t                code;
    uint32_t                n;
    const fk_order_rec_t   *o;
    const fk_coupon_rec_t  *c;

    c = FK_COUPON_AT(&shop, i);
    uses = 0;

    for (n = 1; n <= recount_fresh(FK_TABLE_ORDERS); n++) {
        o = FK_ORDER(&shop, n);
        uses += o->used && o->coupon == i
                && o->axis_stock != FK_STOCK_RELEASED
                && o->axis_stock != FK_STOCK_VOIDED;
    }

    MUST(c->live_uses == uses);
    code.data = (const uint8_t *) c->code;
    code.size = strnlen(c->code, FK_COUPON_CODE_SIZE_MAX);
    MUST(fk_coupon_find(&shop, code) == i);
}


/* What is left of a line, by what its order is now. */

static int64_t
recount_line(const fk_split_rec_t *s, uint32_t n)
{
    if (FK_ORDER(&shop, s->order)->axis_payment != FK_PAYMENT_PAID) {
        return 0;
    }

    return s->amount[n]
           - (int64_t) ((__int128) s->amount[n] * s->returned / s->paid);
}


static void
recount_account(uint32_t i)
{
    uint32_t                    n, k, open;
    fk_str_t                    id;
    fk_balance_t                sum;
    const fk_split_rec_t       *s;
    const fk_account_rec_t     *a;
    const fk_withdrawal_rec_t  *w;

    a = FK_ACCOUNT(&shop, i);
    id.data = (const uint8_t *) a->id;
    id.size = strnlen(a->id, FK_ACCOUNT_SIZE_MAX);
    MUST(fk_account_find(&shop, id) == i);
    memset(&sum, 0, sizeof(sum));
    open = 0;

    for (n = 1; n <= recount_fresh(FK_TABLE_SPLITS); n++) {
        s = FK_SPLIT_ANY(&shop, n);

        for (k = 0; s->used && k < s->line_count; k++) {
            if (s->line[k].account != i) {
                continue;
            }

            if (s->state == FK_SPLIT_FROZEN) {
                sum.frozen += recount_line(s, k);
            } else {
                sum.settled += recount_line(s, k);
            }
        }

        if (s->used && s->line[FK_LINE_PAYER].account == i
            && (FK_ORDER(&shop, s->order)->axis_payment == FK_PAYMENT_PAID
                || FK_ORDER(&shop, s->order)->axis_payment
                   == FK_PAYMENT_REFUNDING))
        {
            sum.spent += s->paid - s->returned;
        }
    }

    for (n = 1; n <= recount_fresh(FK_TABLE_WITHDRAWALS); n++) {
        w = FK_WITHDRAWAL(&shop, n);

        if (!w->used || w->account != i) {
            continue;
        }

        if (w->state == FK_WITHDRAWAL_REQUESTED
            || w->state == FK_WITHDRAWAL_APPROVED)
        {
            sum.reserved += w->amount;
            open++;
        }

        if (w->credit) {
            sum.credited += w->amount;

        } else {
            sum.paid += w->state == FK_WITHDRAWAL_PAID ? w->amount : 0;
        }
    }

    MUST(a->live.frozen == sum.frozen && a->live.settled == sum.settled);
    MUST(a->live.reserved == sum.reserved && a->live.paid == sum.paid);
    MUST(a->live.spent == sum.spent && a->live.credited == sum.credited);
    MUST(a->open_count == open);
}


static void
recount_split(uint32_t i)
{
    int64_t                lines;
    uint32_t               n;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(&shop, i);
    MUST(s->order != 0 && FK_ORDER(&shop, s->order)->used);
    MUST(FK_ORDER(&shop, s->order)->split == i);
    MUST(s->line_count <= FK_SPLIT_LINES_MAX);
    MUST(s->returned >= 0 && s->returned <= s->paid);
    lines = 0;

    for (n = 0; n < s->line_count; n++) {
        MUST(s->amount[n] > 0 && FK_ACCOUNT(&shop,
                                                 s->line[n].account)->used);
        lines += s->amount[n];
    }

    MUST(lines <= s->paid);
}


/* fk_check() has called it sound. */

static void
recount(void)
{
    uint32_t  i;

    for (i = 1; i <= recount_fresh(FK_TABLE_PRODUCTS); i++) {
        if (FK_PRODUCT(&shop, i)->used) {
            recount_product(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_ORDERS); i++) {
        if (FK_ORDER(&shop, i)->used) {
            recount_order(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_PAYMENTS); i++) {
        if (FK_PAYMENT(&shop, i)->used) {
            recount_payment(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_TALLIES); i++) {
        if (FK_TALLY(&shop, i)->used) {
            recount_tally(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_COUPONS); i++) {
        if (FK_COUPON_AT(&shop, i)->used) {
            recount_coupon(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_SPLITS); i++) {
        if (FK_SPLIT_ANY(&shop, i)->used) {
            recount_split(i);
        }
    }

    for (i = 1; i <= recount_fresh(FK_TABLE_ACCOUNTS); i++) {
        if (FK_ACCOUNT(&shop, i)->used) {
            recount_account(i);
        }
    }
}


#endif /* FAKA_FUZZ_REGION_RECOUNT_H_INCLUDED_ */
