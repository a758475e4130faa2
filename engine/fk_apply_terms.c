/*
 * Images of levels, coupons and tallies into the tables of a shop that
 * recovers.
 *
 * They come back to the very slots that they had, as orders name them by
 * these.  What one of them refers to may be missing while a snapshot is
 * loaded; but unlike an order it is not left out then, as older orders may
 * point at it: it is taken over without, and the journal has it once more.
 */

#include "fk_journal.h"


static int fk_coupon_image_good(const fk_image_coupon_t *in);
static fk_code_t fk_coupon_products(const fk_t *fk, const fk_origin_t *from,
    const fk_image_coupon_t *in, fk_coupon_rec_t *c);
static int fk_tally_image_good(const fk_image_tally_t *in);


int
fk_tally_used(const fk_t *fk, uint32_t i)
{
    return i != 0 && i <= fk->region->table[FK_TABLE_TALLIES].fresh
           && FK_TALLY(fk, i)->used;
}


int
fk_level_used(const fk_t *fk, uint32_t i)
{
    return i != 0 && i <= fk->region->table[FK_TABLE_LEVELS].fresh
           && FK_LEVEL(fk, i)->used;
}


int
fk_coupon_used(const fk_t *fk, uint32_t i)
{
    return i != 0 && i <= fk->region->table[FK_TABLE_COUPONS].fresh
           && FK_COUPON_AT(fk, i)->used;
}


int
fk_order_terms_there(const fk_t *fk, const uint32_t tally[FK_TALLY_COUNT],
    uint32_t coupon)
{
    unsigned  kind;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (tally[kind] != 0
            && (!fk_tally_used(fk, tally[kind])
                || FK_TALLY(fk, tally[kind])->kind != kind))
        {
            return 0;
        }
    }

    return coupon == 0 || fk_coupon_used(fk, coupon);
}


fk_code_t
fk_apply_level(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    fk_code_t                rc;
    fk_level_rec_t          *l;
    const fk_image_level_t  *in;

    in = &image->level;

    rc = fk_slot_judge(fk, FK_TABLE_LEVELS, in->slot);
    if (rc != FK_OK) {
        return rc;
    }

    if (!fk_text_good(in->name, in->name_size) || in->off_bp > FK_BP
        || in->min_spent < 0 || in->min_spent > FK_UNITS_MAX)
    {
        return FK_CORRUPT;
    }

    fk_slot_claim(fk, FK_TABLE_LEVELS, in->slot);
    l = FK_LEVEL(fk, in->slot);

    /* A level's name never changes. */
    if (!l->used) {
        memset(l, 0, sizeof(*l));
        memcpy(l->name, in->name, in->name_size);
        l->used = 1;

    } else if (from->loading
               || strnlen(l->name, sizeof(l->name)) != in->name_size
               || memcmp(l->name, in->name, in->name_size) != 0)
    {
        return FK_CORRUPT;
    }

    l->seq = from->seq;
    l->off_bp = in->off_bp;
    l->min_spent = in->min_spent;

    return FK_OK;
}


fk_code_t
fk_apply_coupon(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    fk_code_t                 rc;
    fk_coupon_rec_t          *c;
    const fk_image_coupon_t  *in;

    in = &image->coupon;

    rc = fk_slot_judge(fk, FK_TABLE_COUPONS, in->slot);
    if (rc != FK_OK) {
        return rc;
    }

    if (!fk_coupon_image_good(in)) {
        return FK_CORRUPT;
    }

    fk_slot_claim(fk, FK_TABLE_COUPONS, in->slot);
    c = FK_COUPON_AT(fk, in->slot);

    if (!c->used) {
        memset(c, 0, sizeof(*c));
        memcpy(c->code, in->code, in->code_size);
        c->used = 1;

    } else if (from->loading
               || strnlen(c->code, sizeof(c->code)) != in->code_size
               || memcmp(c->code, in->code, in->code_size) != 0)
    {
        return FK_CORRUPT;
    }

    c->seq = from->seq;
    memcpy(c->currency, in->currency, FK_CURRENCY_SIZE - 1);
    c->value = in->value;
    c->cap = in->cap;
    c->min_amount = in->min_amount;
    c->archived_uses = in->archived_uses;
    c->from_s = in->from_s;
    c->to_s = in->to_s;
    c->created_s = in->created_s;
    c->updated_s = in->updated_s;
    c->uses_max = in->uses_max;
    c->uses_buyer_max = in->uses_buyer_max;
    c->kind = in->kind;
    c->on = in->on;

    return fk_coupon_products(fk, from, in, c);
}


static int
fk_coupon_image_good(const fk_image_coupon_t *in)
{
    return fk_coupon_code_good(in->code, in->code_size)
           && in->kind < FK_COUPON_KIND_COUNT && in->on <= 1
           && in->value >= 1
           && in->value <= (in->kind == FK_COUPON_PERCENT ? FK_BP
                                                         : FK_AMOUNT_MAX)
           && in->cap >= 0 && in->cap <= FK_AMOUNT_MAX
           && in->min_amount >= 0 && in->min_amount <= FK_AMOUNT_MAX
           && in->archived_uses >= 0 && in->archived_uses <= FK_UNITS_MAX;
}


/* All of its SKUs are there, and none stands behind the last NUL. */

static fk_code_t
fk_coupon_products(const fk_t *fk, const fk_origin_t *from,
    const fk_image_coupon_t *in, fk_coupon_rec_t *c)
{
    size_t       left;
    fk_str_t     sku;
    uint32_t     n, product;
    const char  *end;

    memset(c->product, 0, sizeof(c->product));
    c->product_count = 0;
    sku.data = (const uint8_t *) in->products;
    left = in->products_size;

    for (n = 0; left != 0 && n < FK_COUPON_PRODUCTS_MAX; n++) {
        end = memchr(sku.data, '\0', left);

        if (end == NULL) {
            return FK_CORRUPT;
        }

        sku.size = (size_t) (end - (const char *) sku.data);
        product = fk_product_find(fk, sku);

        if (product != 0) {
            c->product[c->product_count++] = product;

        } else if (fk_apply_missing(from) != FK_OK) {
            return FK_CORRUPT;
        }

        left -= sku.size + 1;
        sku.data += sku.size + 1;
    }

    return left == 0 ? FK_OK : FK_CORRUPT;
}


/* Whether its level is there is asked when all of them are. */

fk_code_t
fk_apply_tally(fk_t *fk, const fk_origin_t *from, const fk_image_t *image)
{
    fk_code_t                rc;
    fk_tally_rec_t          *t;
    const fk_image_tally_t  *in;

    in = &image->tally;

    rc = fk_slot_judge(fk, FK_TABLE_TALLIES, in->slot);
    if (rc != FK_OK) {
        return rc;
    }

    if (!fk_tally_image_good(in) || (from->loading && !in->used)) {
        return FK_CORRUPT;
    }

    fk_slot_claim(fk, FK_TABLE_TALLIES, in->slot);
    t = FK_TALLY(fk, in->slot);

    if (!t->used) {
        memset(t, 0, sizeof(*t));
        t->kind = in->kind;
        memcpy(t->key, in->key, sizeof(t->key));

    } else if (from->loading || t->kind != in->kind
               || memcmp(t->key, in->key, sizeof(t->key)) != 0)
    {
        return FK_CORRUPT;
    }

    t->seq = from->seq;
    t->used = in->used;
    t->level = in->level;
    t->last_paid_s = in->last_paid_s;
    t->archived.orders = in->archived_orders;
    t->archived.units = in->archived_units;
    t->archived.amount = in->archived_amount;

    return FK_OK;
}


/* One that goes has nothing in it that would be lost. */

static int
fk_tally_image_good(const fk_image_tally_t *in)
{
    if (in->used > 1 || in->kind >= FK_TALLY_COUNT
        || in->level > FK_LEVELS_MAX
        || in->archived_orders < 0 || in->archived_orders > FK_UNITS_MAX
        || in->archived_units < 0 || in->archived_units > FK_UNITS_MAX
        || in->archived_amount < 0 || in->archived_amount > FK_UNITS_MAX)
    {
        return 0;
    }

    if (in->kind != FK_TALLY_BUYER
        && (in->level != 0 || in->last_paid_s != 0
            || in->archived_amount != 0))
    {
        return 0;
    }

    return in->used
           || (in->level == 0 && in->archived_orders == 0
               && in->archived_units == 0 && in->archived_amount == 0);
}
