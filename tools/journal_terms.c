/*
 * Images of what buyers have, as JSON: levels, coupons, tallies, and what
 * products and orders say about them.
 */

#include "journal_image.h"


static const char *const  journal_tallies[FK_TALLY_COUNT] = {
    [FK_TALLY_BUYER] = "buyer",
    [FK_TALLY_QUOTA] = "quota",
    [FK_TALLY_COUPON_USE] = "coupon_use"
};


void
journal_set_product_terms(json_t *object, const fk_image_product_t *p)
{
    json_t    *tiers;
    uint32_t   n;

    tiers = json_array();

    for (n = 0; n < p->tier_count && n < p->tier_price_count; n++) {
        (void) json_array_append_new(tiers,
            json_pack("{s:i, s:I}", "min_qty", (int) p->tier_min_qty[n],
                      "price", (json_int_t) p->tier_price[n]));
    }

    journal_set_number(object, "buyer_limit", p->buyer_limit);
    journal_set_number(object, "merchant", p->merchant);
    (void) json_object_set_new(object, "tiers", tiers);
}


/* By their slots: the tallies' and the coupon's images have the rest. */

void
journal_set_order_terms(json_t *object, const fk_image_order_t *o)
{
    unsigned  kind;

    for (kind = 0; kind < FK_TALLY_COUNT; kind++) {
        if (o->tally[kind] != 0) {
            journal_set_number(object, journal_tallies[kind],
                               o->tally[kind]);
        }
    }

    if (o->coupon != 0) {
        journal_set_number(object, "coupon_slot", o->coupon);
    }
}


json_t *
journal_json_level(const fk_image_t *image)
{
    json_t                  *o;
    const fk_image_level_t  *l;

    l = &image->level;
    o = json_object();

    journal_set_number(o, "slot", l->slot);
    journal_set_text(o, "name", l->name, l->name_size);
    journal_set_number(o, "off_bp", l->off_bp);
    journal_set_number(o, "min_spent", l->min_spent);

    return o;
}


json_t *
journal_json_coupon(const fk_image_t *image)
{
    size_t                    i, size;
    json_t                   *o, *products;
    const char               *kind;
    const fk_image_coupon_t  *c;

    c = &image->coupon;
    o = json_object();
    products = json_array();
    kind = c->kind < FK_COUPON_KIND_COUNT ? fk_coupon_kind_word[c->kind]
                                          : "impossible";

    for (i = 0; i < c->products_size; i += size + 1) {
        size = strnlen(c->products + i, c->products_size - i);
        (void) json_array_append_new(products,
                                     json_stringn(c->products + i, size));
    }

    journal_set_number(o, "slot", c->slot);
    journal_set_text(o, "code", c->code, c->code_size);
    journal_set_text(o, "kind", kind, strlen(kind));
    journal_set_number(o, "on", c->on);
    journal_set_number(o, "value", c->value);
    journal_set_number(o, "cap", c->cap);
    journal_set_text(o, "currency", c->currency,
                     strnlen(c->currency, FK_CURRENCY_SIZE - 1));
    journal_set_number(o, "min_amount", c->min_amount);
    journal_set_number(o, "from_s", c->from_s);
    journal_set_number(o, "to_s", c->to_s);
    journal_set_number(o, "uses_max", c->uses_max);
    journal_set_number(o, "uses_buyer_max", c->uses_buyer_max);
    journal_set_number(o, "archived_uses", c->archived_uses);
    (void) json_object_set_new(o, "products", products);

    return o;
}


json_t *
journal_json_tally(const fk_image_t *image)
{
    json_t                  *o;
    const char              *kind;
    const fk_image_tally_t  *t;

    t = &image->tally;
    o = json_object();
    kind = t->kind < FK_TALLY_COUNT ? journal_tallies[t->kind]
                                    : "impossible";

    journal_set_number(o, "slot", t->slot);
    journal_set_text(o, "kind", kind, strlen(kind));
    journal_set_number(o, "used", t->used);
    journal_set_hex(o, "key", t->key, sizeof(t->key));
    journal_set_number(o, "level", t->level);
    journal_set_number(o, "last_paid_s", t->last_paid_s);
    journal_set_number(o, "archived_orders", t->archived_orders);
    journal_set_number(o, "archived_units", t->archived_units);
    journal_set_number(o, "archived_amount", t->archived_amount);

    return o;
}
