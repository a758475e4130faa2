/*
 * The record of an archived order, read before the lock is taken: its images
 * one by one, each as it can have been written, and nothing else.
 */

#include "fk_check.h"
#include "fk_restore.h"


static fk_code_t fk_restore_parse_order(fk_archive_t *a,
    const fk_image_order_t *in);
static fk_code_t fk_restore_parse_card(fk_archive_t *a,
    const fk_image_card_t *in);
static fk_code_t fk_restore_parse_payment(fk_archive_t *a, size_t at,
    const fk_image_payment_t *in);
static fk_code_t fk_restore_parse_split(fk_archive_t *a,
    const fk_image_split_t *in);
static fk_code_t fk_restore_parse_start(fk_archive_t *a,
    const fk_image_start_t *in);


/* One order, its tallies, cards, payments, split and start, in this order, and
 * nothing else: who brings it back reads them one behind the other. */

fk_code_t
fk_restore_parse(fk_archive_t *a, const uint8_t *data, size_t size)
{
    size_t             at;
    fk_code_t          rc;
    fk_archive_walk_t  walk;

    rc = fk_archive_judge(data, size, &a->head);
    if (rc != FK_OK) {
        return rc;
    }

    a->data = data;
    fk_archive_walk(&walk, data, &a->head);

    rc = fk_archive_next(&walk);
    if (rc == FK_OK) {
        rc = walk.type == FK_IMAGE_ORDER
             ? fk_restore_parse_order(a, &walk.image.order) : FK_CORRUPT;
    }

    /* Nothing of *a is set without an order. */
    if (rc != FK_OK) {
        return rc == FK_NOT_FOUND ? FK_CORRUPT : rc;
    }

    while (rc == FK_OK) {
        at = walk.next;

        rc = fk_archive_next(&walk);
        if (rc != FK_OK) {
            break;
        }

        rc = a->start.start_size != 0 ? FK_CORRUPT
             : walk.type == FK_IMAGE_TALLY
               && a->cards + a->payments == 0 && !a->has_split
             ? fk_restore_parse_tally(&a->buyer, &walk.image.tally)
             : walk.type == FK_IMAGE_CARD
             ? fk_restore_parse_card(a, &walk.image.card)
             : walk.type == FK_IMAGE_PAYMENT
             ? fk_restore_parse_payment(a, at, &walk.image.payment)
             : walk.type == FK_IMAGE_SPLIT
             ? fk_restore_parse_split(a, &walk.image.split)
             : walk.type == FK_IMAGE_START
             ? fk_restore_parse_start(a, &walk.image.start)
             : FK_CORRUPT;
    }

    if (rc != FK_NOT_FOUND) {
        return rc;
    }

    return a->cards == a->order.card_count && a->sum.amount >= 0
           && walk.size - walk.next < FK_RECORD_ALIGN ? FK_OK : FK_CORRUPT;
}


static fk_code_t
fk_restore_parse_order(fk_archive_t *a, const fk_image_order_t *in)
{
    fk_axes_t  axes;

    axes.payment = in->axis_payment;
    axes.stock = in->axis_stock;
    axes.delivery = in->axis_delivery;
    axes.cancelled = in->cancelled;

    if (!fk_order_image_good(in) || !fk_axes_possible(&axes)
        || !fk_archive_final(&axes))
    {
        return FK_CORRUPT;
    }

    a->order = *in;
    memset(&a->buyer, 0, sizeof(a->buyer));

    /* As a record in the table has it: whole, and with zeros behind it. */
    memset(a->order.channel + in->channel_size, 0,
           sizeof(a->order.channel) - in->channel_size);

    a->sum.units = fk_order_units(in->qty, in->axis_stock).sold;
    a->sum.orders = 1;
    a->sum.amount = 0;
    a->sum.applied = 0;
    a->revoked = 0;
    memset(&a->sum.returned, 0, sizeof(a->sum.returned));
    a->cards = 0;
    a->card_blocks = 0;
    a->payments = 0;
    a->payments_at = 0;
    a->strays = 0;
    a->has_split = 0;
    a->start.start_size = 0;
    a->key = 0;
    a->blocks = FK_BLOCKS_FOR(in->contact_size) + (in->step_count != 0)
                + FK_BLOCKS_FOR(in->reason_size);
    a->images_size = FK_IMAGE_ORDER_SIZE(in->qty) + FK_IMAGE_PRODUCT_SIZE
                     + FK_IMAGE_BATCH_SIZE + FK_IMAGE_TERMS_SIZE;

    return FK_OK;
}


static fk_code_t
fk_restore_parse_card(fk_archive_t *a, const fk_image_card_t *in)
{
    if (a->cards == FK_QTY_MAX || a->payments != 0 || a->has_split
        || in->sealed_size <= FK_SEAL_SIZE)
    {
        return FK_CORRUPT;
    }

    if (a->cards == 0) {
        memcpy(a->nonce, in->sealed, FK_NONCE_SIZE);
    }

    a->batch[a->cards++] = in->batch;
    a->images_size += FK_IMAGE_CARD_SIZE(in->sealed_size)
                      + FK_IMAGE_BATCH_ARCHIVED_SIZE;

    if (in->sealed_size > FK_CARD_INLINE_SIZE) {
        a->card_blocks += FK_BLOCKS_FOR(in->sealed_size - FK_CARD_HEAD_SIZE);
    }

    return FK_OK;
}


static fk_code_t
fk_restore_parse_payment(fk_archive_t *a, size_t at,
    const fk_image_payment_t *in)
{
    uint32_t  n;
    uint64_t  hash;

    if (a->payments == FK_ORDER_PAYMENTS_MAX || a->has_split
        || memcmp(in->order, a->order.id, FK_ORDER_ID_SIZE) != 0
        || in->trade_no_size == 0
        || in->amount < 1 || in->amount > FK_AMOUNT_MAX
        || (in->state != FK_PAYMENT_STATE_REFUNDED
            && (in->state != FK_PAYMENT_STATE_APPLIED
                || a->order.axis_payment != FK_PAYMENT_PAID))
        || in->revoked > 1
        || (in->revoked && (a->order.axis_stock != FK_STOCK_VOIDED
                            || in->state != FK_PAYMENT_STATE_REFUNDED)))
    {
        return FK_CORRUPT;
    }

    if (a->payments == 0) {
        a->payments_at = at;
    }

    hash = fk_trade_hash(a->order.channel, in->trade_no, in->trade_no_size);

    /* The same money is not there twice: nor does one record bring it. */
    for (n = 0; n < a->payments; n++) {
        if (a->trade[n] == hash) {
            return FK_CORRUPT;
        }
    }

    a->trade[a->payments++] = hash;
    a->blocks += FK_BLOCKS_FOR(in->trade_no_size);
    a->images_size += FK_IMAGE_PAYMENT_SIZE;
    a->sum.applied += in->state == FK_PAYMENT_STATE_APPLIED ? in->amount : 0;
    a->sum.amount = a->sum.applied;
    a->revoked += in->revoked ? in->amount : 0;

    return FK_OK;
}


/* As an order is finished with: settled, or not paid any more, and then no
 * part of it can have gone back unless it was revoked. */

static fk_code_t
fk_restore_parse_split(fk_archive_t *a, const fk_image_split_t *in)
{
    int      paid;
    int64_t  returned;

    paid = a->order.axis_payment == FK_PAYMENT_PAID;

    if (a->has_split || memcmp(in->order, a->order.id, FK_ORDER_ID_SIZE) != 0
        || !fk_split_image_good(in, &returned)
        || (paid && in->state != FK_SPLIT_SETTLED)
        || (paid && in->paid > a->sum.amount)
        || (!paid && returned != 0 && in->paid > a->revoked))
    {
        return FK_CORRUPT;
    }

    a->has_split = 1;
    a->split = *in;

    if (paid) {
        a->sum.returned = fk_share_returned(a->order.qty, in->paid, returned);
        a->sum.amount -= returned;
    }

    a->blocks += fk_split_image_blocks(in, 0);
    a->images_size += FK_IMAGE_SPLIT_SIZE
                      + FK_LINE_SLOTS * (size_t) FK_IMAGE_ACCOUNT_SIZE;

    return FK_OK;
}


static fk_code_t
fk_restore_parse_start(fk_archive_t *a, const fk_image_start_t *in)
{
    if (in->start_size == 0
        || memcmp(in->order, a->order.id, FK_ORDER_ID_SIZE) != 0)
    {
        return FK_CORRUPT;
    }

    a->start = *in;
    a->blocks += FK_BLOCKS_FOR(in->start_size);
    a->images_size += FK_IMAGE_START_SIZE;

    return FK_OK;
}
