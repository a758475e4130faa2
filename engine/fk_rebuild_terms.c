/*
 * Recovery: what of levels, coupons and tallies the journal does not carry,
 * made again from the orders that point at them and their payments.
 */

#include "fk_journal.h"
#include "fk_text.h"


static fk_code_t fk_rebuild_bad(fk_text_t *why, const char *what, uint32_t i,
    const char *problem);
static fk_code_t fk_rebuild_share(fk_t *fk, uint32_t order, fk_text_t *why);


static fk_code_t
fk_rebuild_bad(fk_text_t *why, const char *what, uint32_t i,
    const char *problem)
{
    fk_text_add(why, what);
    fk_text_add(why, " ");
    fk_text_num(why, i);
    fk_text_add(why, ": ");
    fk_text_add(why, problem);

    return FK_CORRUPT;
}


/* Free lists and indexes, and all sums from nothing. */

fk_code_t
fk_rebuild_terms(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t          i, *bucket;
    fk_tally_rec_t   *t;
    fk_coupon_rec_t  *c;

    fk_table_rebuild(fk, FK_TABLE_LEVELS, fk_level_used);
    fk_table_rebuild(fk, FK_TABLE_COUPONS, fk_coupon_used);
    fk_table_rebuild(fk, FK_TABLE_TALLIES, fk_tally_used);

    for (i = 1; i <= fk->region->table[FK_TABLE_COUPONS].fresh; i++) {
        c = FK_COUPON_AT(fk, i);

        if (c->used) {
            bucket = fk_coupon_bucket(fk, c->code,
                                      strnlen(c->code, sizeof(c->code)));
            c->hnext = *bucket;
            *bucket = i;
            c->live_uses = 0;
        }
    }

    for (i = 1; i <= fk->region->table[FK_TABLE_TALLIES].fresh; i++) {
        t = FK_TALLY(fk, i);

        if (!t->used) {
            continue;
        }

        if (t->level != 0 && !fk_level_used(fk, t->level)) {
            return fk_rebuild_bad(why, "tally", i, "its level is not there");
        }

        bucket = fk_tally_bucket(fk, t->key);
        t->hnext = *bucket;
        *bucket = i;
        memset(&t->live, 0, sizeof(t->live));
        t->refs = 0;
    }

    return FK_OK;
}


fk_code_t
fk_rebuild_shares(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t   i;
    fk_code_t  rc;

    for (i = 1; i <= fk->region->table[FK_TABLE_ORDERS].fresh; i++) {
        if (!FK_ORDER(fk, i)->used) {
            continue;
        }

        rc = fk_rebuild_share(fk, i, why);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_share(fk_t *fk, uint32_t order, fk_text_t *why)
{
    uint32_t                 i;
    fk_axes_t                axes;
    const fk_order_rec_t    *o;
    const fk_payment_rec_t  *p;

    o = FK_ORDER(fk, order);

    /* It was there when the order came, and may be gone by a lie. */
    if (!fk_order_terms_there(fk, o->tally, o->coupon)) {
        return fk_rebuild_bad(why, "order", order,
                              "its buyer or its coupon is not there");
    }

    axes = fk_order_axes(o);
    fk_tally_book(fk, order, NULL, &axes);
    fk_commit(fk);

    /* Before the payments: what was given back has made room for others. */
    fk_tally_parts(fk, order, 1);
    fk_commit(fk);

    for (i = o->payment; i != 0; i = p->next) {
        p = FK_PAYMENT(fk, i);

        if (!fk_tally_room(fk, o, p->amount)) {
            return fk_rebuild_bad(why, "order", order,
                                  "its buyer has paid more than can be");
        }

        fk_tally_payment(fk, i, FK_PAYMENT_STATE_COUNT, p->state);
        fk_commit(fk);
    }

    return FK_OK;
}
