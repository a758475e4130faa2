/*
 * Where orders wait: for their hold to run out (the wheel), or, paid, for
 * stock (their product's waiting list).  Both use the order's prev and next,
 * because no order waits for both.
 *
 * The wheel has a slot for each second of a turn that is longer than any
 * hold.  An order stands in the slot of its expires_s and nowhere else, so
 * that it can be taken out again whatever the clock does: a clock that was
 * set back moves wheel_s back, and slots are then passed a second time.
 */

#include "fk_priv.h"


_Static_assert(FK_WHEEL_SLOTS > FK_HOLD_S_MAX, "a turn is longer than a hold");


uint32_t *
fk_wheel_slot(const fk_t *fk, uint32_t at_s)
{
    uint32_t  *slots;

    slots = (uint32_t *) (void *) (fk->base + fk->region->wheel_offset);
    return &slots[at_s % FK_WHEEL_SLOTS];
}


void
fk_wheel_insert(fk_t *fk, uint32_t order)
{
    uint32_t        *slot;
    fk_region_t     *r;
    fk_order_rec_t  *o;

    r = fk->region;
    o = FK_ORDER(fk, order);
    assert(o->queued == FK_QUEUED_NO);

    if (o->expires_s < r->wheel_s) {
        FK_SET(fk, r->wheel_s, o->expires_s);
    }

    slot = fk_wheel_slot(fk, o->expires_s);

    /* An order gets here when it is made: nobody sees its fields yet. */
    o->queued = FK_QUEUED_WHEEL;
    o->prev = 0;
    o->next = *slot;

    if (*slot != 0) {
        FK_SET(fk, FK_ORDER(fk, *slot)->prev, order);
    }

    FK_SET(fk, *slot, order);
}


void
fk_wheel_remove(fk_t *fk, uint32_t order)
{
    uint32_t        *slot;
    fk_order_rec_t  *o;

    o = FK_ORDER(fk, order);
    assert(o->queued == FK_QUEUED_WHEEL);

    if (o->prev != 0) {
        FK_SET(fk, FK_ORDER(fk, o->prev)->next, o->next);

    } else {
        slot = fk_wheel_slot(fk, o->expires_s);
        assert(*slot == order);
        FK_SET(fk, *slot, o->next);
    }

    if (o->next != 0) {
        FK_SET(fk, FK_ORDER(fk, o->next)->prev, o->prev);
    }

    FK_SET(fk, o->queued, FK_QUEUED_NO);
}


void
fk_wait_append(fk_t *fk, uint32_t order)
{
    fk_region_t       *r;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    r = fk->region;
    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    assert(o->queued == FK_QUEUED_NO);

    /* Noted, unlike in the wheel: the order is there and others read it. */
    FK_SET(fk, o->queued, FK_QUEUED_WAIT);
    FK_SET(fk, o->prev, p->wait_tail);
    FK_SET(fk, o->next, 0);

    if (p->wait_tail != 0) {
        FK_SET(fk, FK_ORDER(fk, p->wait_tail)->next, order);

    } else {
        FK_SET(fk, p->wait_head, order);
        FK_SET(fk, p->next_waiting, r->waiting);
        FK_SET(fk, r->waiting, o->product);
    }

    FK_SET(fk, p->wait_tail, order);
}


void
fk_wait_remove(fk_t *fk, uint32_t order)
{
    uint32_t          *link, steps;
    fk_region_t       *r;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    r = fk->region;
    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    assert(o->queued == FK_QUEUED_WAIT);

    if (o->prev != 0) {
        FK_SET(fk, FK_ORDER(fk, o->prev)->next, o->next);
    } else {
        FK_SET(fk, p->wait_head, o->next);
    }

    if (o->next != 0) {
        FK_SET(fk, FK_ORDER(fk, o->next)->prev, o->prev);
    } else {
        FK_SET(fk, p->wait_tail, o->prev);
    }

    FK_SET(fk, o->queued, FK_QUEUED_NO);

    if (p->wait_head != 0) {
        return;
    }

    /* Nobody waits for this product any more. */
    link = &r->waiting;

    for (steps = r->table[FK_TABLE_PRODUCTS].capacity;
         *link != o->product;
         steps--)
    {
        assert(steps != 0 && *link != 0);
        link = &FK_PRODUCT(fk, *link)->next_waiting;
    }

    FK_SET(fk, *link, p->next_waiting);
    FK_SET(fk, p->next_waiting, 0);
}
