/*
 * Orders: finding them, showing them, and moving them from one state to the
 * next.  fk_order_move() is the one place that books what a change of state
 * means for the product, its cards and the lists, so that no command can
 * forget a part of it.
 *
 * Reading takes the lock too, for some hundred nanoseconds: a view is whole.
 */

#include "fk_tally.h"


/* Slots that one call of fk_order_list() looks at. */
#define FK_LIST_SLOTS_MAX  1024


static void fk_order_bind(fk_t *fk, uint32_t order, const fk_units_t *was,
    const fk_units_t *is);
static fk_code_t fk_order_cards_copy(const fk_t *fk, const fk_order_rec_t *o,
    uint32_t *cursor, uint8_t *buf, size_t buf_size, fk_card_out_t *out,
    uint32_t *n);
static uint32_t fk_order_list_slice(fk_t *fk, const fk_order_filter_t *filter,
    uint32_t *at, fk_order_view_t *out, uint32_t n);


/* The first six bytes are the time: the hash is made of random ones. */
uint32_t *
fk_order_bucket(const fk_t *fk, const uint8_t *id)
{
    return fk_bucket(fk, FK_INDEX_ORDERS, fk_hash_random(id + 8));
}


uint32_t *
fk_idem_bucket(const fk_t *fk, const uint8_t *idem)
{
    return fk_bucket(fk, FK_INDEX_IDEM, fk_hash_random(idem));
}


uint32_t
fk_order_find(const fk_t *fk, const uint8_t *id)
{
    uint32_t               index, steps;
    const fk_order_rec_t  *o;

    steps = fk->region->table[FK_TABLE_ORDERS].capacity;

    for (index = *fk_order_bucket(fk, id); index != 0; index = o->hnext) {
        assert(steps != 0);
        steps--;
        o = FK_ORDER(fk, index);

        if (memcmp(o->id, id, FK_ORDER_ID_SIZE) == 0) {
            return index;
        }
    }

    return 0;
}


uint32_t
fk_idem_find(const fk_t *fk, const uint8_t *idem)
{
    uint32_t               index, steps;
    const fk_order_rec_t  *o;

    steps = fk->region->table[FK_TABLE_ORDERS].capacity;

    for (index = *fk_idem_bucket(fk, idem); index != 0; index = o->idem_hnext)
    {
        assert(steps != 0);
        steps--;
        o = FK_ORDER(fk, index);

        if (memcmp(o->idem, idem, FK_IDEM_SIZE) == 0) {
            return index;
        }
    }

    return 0;
}


void
fk_order_fill(const fk_t *fk, uint32_t order, fk_order_view_t *out)
{
    const fk_order_rec_t    *o;
    const fk_product_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    assert(o->contact_size <= FK_CONTACT_SIZE_MAX);

    out->seq = o->seq;
    out->index = order;
    out->first_card = o->first_card;
    memcpy(out->id.bytes, o->id, FK_ORDER_ID_SIZE);
    memcpy(out->sku, p->sku, sizeof(out->sku));
    memcpy(out->name, p->name, sizeof(out->name));
    memcpy(out->currency, p->currency, sizeof(out->currency));
    memcpy(out->channel, o->channel, sizeof(out->channel));

    /* Texts end, whatever stands in the region: callers count on it. */
    out->sku[FK_SKU_SIZE_MAX] = '\0';
    out->name[FK_NAME_SIZE_MAX] = '\0';
    out->currency[FK_CURRENCY_SIZE - 1] = '\0';
    out->channel[FK_CHANNEL_SIZE_MAX] = '\0';

    fk_blob_read(fk, o->contact, out->contact, o->contact_size);
    out->contact_size = o->contact_size;
    out->kind = p->kind;
    out->axes = fk_order_axes(o);
    out->status = (uint8_t) fk_status_of(&out->axes);
    out->qty = o->qty;
    out->amount = o->amount;
    out->created_ms = o->created_ms;
    out->expires_s = o->expires_s;
    out->paid_s = o->paid_s;
    out->rules = o->rules;
    out->review = o->review;
    fk_steps_read(fk, o, out->step);
    assert(o->reason_size <= FK_REASON_SIZE_MAX);
    out->reason_size = o->reason_size;
    fk_blob_read(fk, o->reason, out->reason, o->reason_size);

    memset(out->coupon, 0, sizeof(out->coupon));

    if (o->coupon != 0) {
        memcpy(out->coupon, FK_COUPON_AT(fk, o->coupon)->code,
               FK_COUPON_CODE_SIZE_MAX);
    }

    memset(out->agent, 0, sizeof(out->agent));

    if (o->agent != 0) {
        memcpy(out->agent, FK_ACCOUNT(fk, o->agent)->id, FK_ACCOUNT_SIZE_MAX);
    }

    out->flagged = o->flagged;
    out->returned = o->split != 0 ? FK_SPLIT(fk, o->split)->returned : 0;
}


/* The sums of these over all orders are the product's counters. */
fk_units_t
fk_order_units(uint32_t qty, uint8_t axis_stock)
{
    fk_units_t  units;

    units.held = axis_stock == FK_STOCK_HELD ? qty : 0;
    units.sold = axis_stock == FK_STOCK_ALLOCATED ? qty : 0;
    units.owed = axis_stock == FK_STOCK_SHORT ? qty : 0;
    units.revoked = axis_stock == FK_STOCK_VOIDED ? qty : 0;

    return units;
}


int
fk_order_stock_left(const fk_t *fk, const fk_order_rec_t *o)
{
    return fk_product_sellable(FK_PRODUCT(fk, o->product)) >= (int64_t) o->qty;
}


void
fk_order_move(fk_t *fk, uint32_t order, const fk_axes_t *next)
{
    int                clawed;
    uint32_t           word, *axes;
    fk_axes_t          now;
    fk_units_t         was, is;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    _Static_assert(sizeof(fk_axes_t) == sizeof(word), "one store");

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);

    now = fk_order_axes(o);
    was = fk_order_units(o->qty, now.stock);
    is = fk_order_units(o->qty, next->stock);

    /* Out of the old list before the new one: both use the same links. */
    if (o->queued == FK_QUEUED_WHEEL
        && (next->payment != FK_PAYMENT_UNPAID
            || next->stock != FK_STOCK_HELD))
    {
        fk_wheel_remove(fk, order);
    }

    if (was.owed != 0 && is.owed == 0) {
        fk_wait_remove(fk, order);
    }

    fk_order_bind(fk, order, &was, &is);

    if (was.held != is.held) {
        FK_SET(fk, p->held, p->held + is.held - was.held);
    }

    if (was.sold != is.sold) {
        FK_SET(fk, p->sold, p->sold + is.sold - was.sold);
    }

    if (was.owed != is.owed) {
        FK_SET(fk, p->owed, p->owed + is.owed - was.owed);
    }

    /* They stay with it, and are nobody's stock any more. */
    if (was.revoked != is.revoked) {
        FK_SET(fk, p->revoked, p->revoked + is.revoked - was.revoked);

        if (p->kind != FK_KIND_SHARED) {
            FK_SET(fk, p->voided, p->voided + is.revoked - was.revoked);
        }
    }

    /* What is owed to the buyer is nobody's commission any more. */
    clawed = o->split != 0 && next->payment != o->axis_payment;

    if (clawed) {
        fk_tally_parts(fk, order, -1);
        fk_split_count(fk, o->split, -1);
    }

    /* All three axes by one store: the fields lie in one aligned word. */
    memcpy(&word, next, sizeof(word));
    axes = (uint32_t *) (void *) &o->axis_payment;
    FK_SET(fk, *axes, word);

    if (clawed) {
        fk_split_count(fk, o->split, 1);
        fk_tally_parts(fk, order, 1);
    }

    /* At the end, as one who comes now waits behind those who are there. */
    if (was.owed == 0 && is.owed != 0) {
        fk_wait_append(fk, order);
    }

    fk_audit_order(fk, order, &was, &is, 0);
    fk_tally_book(fk, order, &now, next);
}


void
fk_order_change(fk_t *fk, const fk_env_t *env, uint32_t order,
    const fk_axes_t *next)
{
    fk_order_move(fk, order, next);

    fk_record_begin(fk, env);
    fk_record_order(fk, order);
    (void) fk_record_end(fk);
    fk_commit(fk);
}


/* Units that the order gets or gives back. */
static void
fk_order_bind(fk_t *fk, uint32_t order, const fk_units_t *was,
    const fk_units_t *is)
{
    int64_t            more;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    o = FK_ORDER(fk, order);
    p = FK_PRODUCT(fk, o->product);
    more = is->held + is->sold + is->revoked
           - was->held - was->sold - was->revoked;

    if (more == 0) {
        return;
    }

    /* All or nothing: an order is never delivered in part. */
    assert(more == (int64_t) o->qty || more == -(int64_t) o->qty);

    if (p->kind == FK_KIND_SHARED) {
        /* The key is not used up: no unit moves. */
        FK_SET(fk, o->first_card, more > 0 ? p->pool_tail : 0);
        return;
    }

    /* The last line before overselling: whoever got here had to ask. */
    assert(p->available >= more);

    if (p->kind == FK_KIND_CARD) {
        if (more > 0) {
            FK_SET(fk, o->first_card, fk_cards_take(fk, order));

        } else {
            fk_cards_return(fk, order);
            FK_SET(fk, o->first_card, 0);
        }
    }

    FK_SET(fk, p->available, p->available - more);
}


fk_code_t
fk_order_get(fk_t *fk, const fk_order_id_t *id, fk_order_view_t *out)
{
    uint32_t   order;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);
    if (order != 0) {
        fk_order_fill(fk, order, out);
    }

    fk_unlock(fk);
    return order != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_order_by_idem(fk_t *fk, const uint8_t idem[FK_IDEM_SIZE],
    const uint8_t body[8], fk_order_view_t *out)
{
    uint32_t   order;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    code = FK_NOT_FOUND;
    order = fk_idem_find(fk, idem);

    if (order != 0) {
        code = FK_IDEM_MISMATCH;

        if (memcmp(FK_ORDER(fk, order)->body, body, 8) == 0) {
            fk_order_fill(fk, order, out);
            code = FK_EXISTS;
        }
    }

    fk_unlock(fk);
    return code;
}


fk_code_t
fk_order_cards(fk_t *fk, const fk_order_id_t *id, uint32_t *cursor,
    uint8_t *buf, size_t buf_size, fk_card_out_t *out, uint32_t *n)
{
    uint32_t               order;
    fk_axes_t              axes;
    fk_code_t              code;
    const fk_order_rec_t  *o;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    order = fk_order_find(fk, id->bytes);

    if (order == 0) {
        code = FK_NOT_FOUND;

    } else {
        o = FK_ORDER(fk, order);
        axes = fk_order_axes(o);

        /* Bound is not bought: this line keeps unpaid cards in here. */
        if (fk_status_of(&axes) != FK_STATUS_DELIVERED) {
            code = FK_CONFLICT;

        } else {
            code = fk_order_cards_copy(fk, o, cursor, buf, buf_size, out, n);
        }
    }

    fk_unlock(fk);
    return code;
}


/* *cursor counts the cards that were copied by the calls before. */
static fk_code_t
fk_order_cards_copy(const fk_t *fk, const fk_order_rec_t *o, uint32_t *cursor,
    uint8_t *buf, size_t buf_size, fk_card_out_t *out, uint32_t *n)
{
    size_t                at;
    uint32_t              i, index, count, size;
    const fk_card_rec_t  *card;

    at = 0;
    count = 0;
    index = o->first_card;

    if (*n > FK_LIST_SLICE_MAX) {
        *n = FK_LIST_SLICE_MAX;
    }

    for (i = 0; i < o->qty && index != 0 && count < *n; i++) {
        card = FK_CARD(fk, index);
        index = card->next;

        if (i < *cursor) {
            continue;
        }

        /* The next call goes on with it, in an empty buffer. */
        size = FK_CARD_SEALED(card);
        if (size > buf_size - at) {
            break;
        }

        fk_card_read(fk, card, buf + at);
        out[count].offset = (uint32_t) at;
        out[count].size = size;
        at += size;
        count++;
    }

    /* Nothing fitted: the caller would ask for ever. */
    if (count == 0 && i < o->qty && index != 0) {
        return FK_INVALID;
    }

    *cursor = i < o->qty && index != 0 ? i : 0;
    *n = count;
    return FK_OK;
}


fk_code_t
fk_order_list(fk_t *fk, const fk_order_filter_t *filter, uint32_t *cursor,
    fk_order_view_t *out, uint32_t *n)
{
    uint32_t   at, end, count, n_max;
    fk_code_t  code;

    n_max = *n;
    *n = 0;
    count = 0;

    /* The cursor comes from outside: it is no more than a wish. */
    at = FK_GET(fk->region->table[FK_TABLE_ORDERS].fresh);
    if (*cursor != 0 && *cursor < at) {
        at = *cursor;
    }

    end = at > FK_LIST_SLOTS_MAX ? at - FK_LIST_SLOTS_MAX : 0;

    do {
        /* A slice at a time: buyers get the lock in between. */
        code = fk_lock_open(fk);
        if (code != FK_OK) {
            return code;
        }

        count += fk_order_list_slice(fk, filter, &at, out + count,
                                     n_max - count);
        fk_unlock(fk);

    } while (at > end && count < n_max);

    *cursor = at;
    *n = count;
    return FK_OK;
}


static uint32_t
fk_order_list_slice(fk_t *fk, const fk_order_filter_t *filter, uint32_t *at,
    fk_order_view_t *out, uint32_t n)
{
    uint32_t               index, steps, count, product;
    fk_axes_t              axes;
    const fk_order_rec_t  *o;

    product = 0;

    if (filter->sku.size != 0) {
        product = fk_product_find(fk, filter->sku);
        if (product == 0) {
            *at = 0;
            return 0;
        }
    }

    count = 0;
    index = fk->region->table[FK_TABLE_ORDERS].fresh;

    /* Without the lock, it may have been that of a checkout rolled back. */
    if (*at < index) {
        index = *at;
    }

    for (steps = FK_LIST_SLICE_MAX; steps != 0 && index != 0; steps--) {
        if (count == n) {
            break;
        }

        o = FK_ORDER(fk, index);
        axes = fk_order_axes(o);

        if (o->used
            && (product == 0 || o->product == product)
            && (filter->status == -1
                || filter->status == (int) fk_status_of(&axes)))
        {
            fk_order_fill(fk, index, &out[count++]);
        }

        index--;
    }

    *at = index;
    return count;
}
