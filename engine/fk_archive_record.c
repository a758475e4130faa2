/*
 * A record of the archive read where it is: its images one by one, the sealed
 * cards in it, and the order as its buyer sees it.
 *
 * The bytes come from outside, so head, checksum and every size are judged;
 * what an order may look like at all, fk_order_image_good() says.  Whether
 * this very order can have left this shop is asked when it comes back
 * (fk_restore.c), not when it is shown.
 */

#include "fk_check.h"
#include "fk_journal.h"


static fk_code_t fk_archive_show(const fk_image_order_t *in,
    fk_order_view_t *out);
static void fk_archive_show_payment(const fk_image_payment_t *in,
    fk_payment_view_t *out);
static fk_code_t fk_archive_show_words(fk_t *fk, uint32_t coupon,
    uint32_t agent, fk_order_view_t *out);
static fk_code_t fk_archive_show_split(fk_t *fk, const fk_image_split_t *in,
    uint8_t axis, fk_split_view_t *out);


/* After the checksum: damage must not pass for a newer version. */

fk_code_t
fk_archive_judge(const uint8_t *data, size_t size, fk_record_head_t *head)
{
    fk_code_t  rc;

    rc = fk_record_judge(data, size, head);
    if (rc != FK_OK) {
        return rc;
    }

    if (head->version != FK_RECORD_VERSION_ARCHIVE) {
        return FK_INCOMPATIBLE;
    }

    return head->size == size ? FK_OK : FK_CORRUPT;
}


void
fk_archive_walk(fk_archive_walk_t *walk, const uint8_t *data,
    const fk_record_head_t *head)
{
    walk->data = data;
    walk->size = head->size;
    walk->next = FK_RECORD_HEAD_SIZE;
    walk->left = head->count;
}


fk_code_t
fk_archive_next(fk_archive_walk_t *walk)
{
    size_t     image_size;
    fk_code_t  rc;

    if (walk->left == 0) {
        return FK_NOT_FOUND;
    }

    rc = fk_image_get(walk->data + walk->next, walk->size - walk->next,
                      &walk->type, &image_size, &walk->image);

    if (rc == FK_OK) {
        walk->next += image_size;
        walk->left--;
    }

    return rc;
}


uint32_t
fk_archive_cards(const uint8_t *data, size_t size, fk_card_out_t *out,
    uint32_t n)
{
    uint32_t           count;
    fk_record_head_t   head;
    fk_archive_walk_t  walk;

    if (fk_archive_judge(data, size, &head) != FK_OK) {
        return 0;
    }

    count = 0;
    fk_archive_walk(&walk, data, &head);

    while (count < n && fk_archive_next(&walk) == FK_OK) {
        if (walk.type == FK_IMAGE_CARD) {
            out[count].size = walk.image.card.sealed_size;

            /* The sealed bytes are the image's last field. */
            out[count].offset = (uint32_t) walk.next - out[count].size;
            count++;
        }
    }

    return count;
}


fk_code_t
fk_archive_view(fk_t *fk, const uint8_t *data, size_t size,
    fk_order_view_t *out, fk_payment_view_t *payments, uint32_t *n)
{
    int64_t            returned;
    uint32_t           count, n_max, agent, coupon;
    fk_code_t          rc;
    fk_record_head_t   head;
    fk_archive_walk_t  walk;

    rc = fk_archive_judge(data, size, &head);
    if (rc != FK_OK) {
        return rc;
    }

    fk_archive_walk(&walk, data, &head);

    rc = fk_archive_next(&walk);
    if (rc != FK_OK || walk.type != FK_IMAGE_ORDER
        || fk_archive_show(&walk.image.order, out) != FK_OK)
    {
        return FK_CORRUPT;
    }

    agent = walk.image.order.agent;
    coupon = walk.image.order.coupon;
    n_max = n != NULL ? *n : 0;
    count = 0;

    while (fk_archive_next(&walk) == FK_OK) {
        if (walk.type == FK_IMAGE_PAYMENT && count < n_max
            && walk.image.payment.state < FK_PAYMENT_STATE_COUNT)
        {
            fk_archive_show_payment(&walk.image.payment, &payments[count++]);

        } else if (walk.type == FK_IMAGE_SPLIT
                   && fk_split_image_good(&walk.image.split, &returned))
        {
            out->returned = returned;
        }
    }

    if (n != NULL) {
        *n = count;
    }

    return fk_archive_show_words(fk, coupon, agent, out);
}


static fk_code_t
fk_archive_show(const fk_image_order_t *in, fk_order_view_t *out)
{
    uint32_t   n;
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

    memset(out, 0, sizeof(*out));

    memcpy(out->id.bytes, in->id, FK_ORDER_ID_SIZE);
    memcpy(out->sku, in->sku, in->sku_size);
    memcpy(out->channel, in->channel, in->channel_size);
    memcpy(out->contact, in->contact, in->contact_size);
    out->contact_size = (uint8_t) in->contact_size;
    out->axes = axes;
    out->status = (uint8_t) fk_status_of(&axes);
    out->qty = in->qty;
    out->amount = in->amount;
    out->created_ms = in->created_ms;
    out->expires_s = in->expires_s;
    out->paid_s = in->paid_s;
    out->rules = in->rules;
    out->review = in->review;
    out->reason_size = (uint8_t) in->reason_size;
    memcpy(out->reason, in->reason, in->reason_size);
    out->flagged = in->flagged;

    for (n = 0; n < FK_STEP_COUNT; n++) {
        out->step[n] = n < in->step_count ? in->step[n] : in->amount;
    }

    return FK_OK;
}


static void
fk_archive_show_payment(const fk_image_payment_t *in, fk_payment_view_t *out)
{
    memset(out, 0, sizeof(*out));

    memcpy(out->trade_no, in->trade_no, in->trade_no_size);
    out->amount = in->amount;
    out->at_s = in->at_s;
    out->state = in->state;
}


/*
 * A live order shows its product's words of today, too; a coupon's code stands
 * in the shop alone, and so does who brought the buyer.
 */

static fk_code_t
fk_archive_show_words(fk_t *fk, uint32_t coupon, uint32_t agent,
    fk_order_view_t *out)
{
    fk_str_t                 sku;
    uint32_t                 product;
    fk_code_t                rc;
    const fk_product_rec_t  *p;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    sku.data = (const uint8_t *) out->sku;
    sku.size = strlen(out->sku);
    product = fk_product_find(fk, sku);

    if (product == 0 || (coupon != 0 && !fk_coupon_used(fk, coupon))
        || (agent != 0 && !fk_account_used(fk, agent)))
    {
        rc = FK_CONFLICT;

    } else {
        p = FK_PRODUCT(fk, product);
        memcpy(out->name, p->name, sizeof(out->name));
        memcpy(out->currency, p->currency, sizeof(out->currency));
        out->kind = p->kind;

        if (agent != 0) {
            memcpy(out->agent, FK_ACCOUNT(fk, agent)->id,
                   FK_ACCOUNT_SIZE_MAX);
        }

        if (coupon != 0) {
            memcpy(out->coupon, FK_COUPON_AT(fk, coupon)->code,
                   FK_COUPON_CODE_SIZE_MAX);
        }
    }

    fk_unlock(fk);
    return rc;
}


fk_code_t
fk_archive_split(fk_t *fk, const uint8_t *data, size_t size,
    fk_split_view_t *out)
{
    int64_t            returned;
    uint8_t            axis;
    fk_code_t          rc;
    fk_record_head_t   head;
    fk_archive_walk_t  walk;

    rc = fk_archive_judge(data, size, &head);
    if (rc != FK_OK) {
        return rc;
    }

    fk_archive_walk(&walk, data, &head);

    rc = fk_archive_next(&walk);
    if (rc != FK_OK || walk.type != FK_IMAGE_ORDER) {
        return FK_CORRUPT;
    }

    axis = walk.image.order.axis_payment;

    do {
        rc = fk_archive_next(&walk);
    } while (rc == FK_OK && walk.type != FK_IMAGE_SPLIT);

    if (rc != FK_OK) {
        return rc;
    }

    return fk_split_image_good(&walk.image.split, &returned)
           ? fk_archive_show_split(fk, &walk.image.split, axis, out)
           : FK_CORRUPT;
}


static fk_code_t
fk_archive_show_split(fk_t *fk, const fk_image_split_t *in, uint8_t axis,
    fk_split_view_t *out)
{
    size_t     at;
    uint32_t   n;
    fk_code_t  rc;

    memset(out, 0, sizeof(*out));
    out->paid = in->paid;
    out->made_s = in->made_s;
    out->settle_at_s = in->settle_at_s;
    out->state = in->state;
    out->line_count = (uint8_t) in->line_count;
    out->part_count = (uint8_t) in->part_count;
    at = 0;

    for (n = 0; n < in->part_count; n++) {
        fk_part_show(in->parts + at, in->part_size[n], &out->part[n]);
        out->returned += out->part[n].amount;
        at += in->part_size[n];
    }

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    if (fk_account_used(fk, in->payer)) {
        memcpy(out->payer, FK_ACCOUNT(fk, in->payer)->id,
               FK_ACCOUNT_SIZE_MAX);
    }

    for (n = 0; n < in->line_count; n++) {
        if (!fk_account_used(fk, in->account[n])) {
            rc = FK_CONFLICT;
            break;
        }

        memcpy(out->line[n].account, FK_ACCOUNT(fk, in->account[n])->id,
               FK_ACCOUNT_SIZE_MAX);
        out->line[n].amount = in->amount[n];
        out->line[n].clawed = axis != FK_PAYMENT_PAID ? in->amount[n]
                              : fk_line_clawed(in->amount[n], out->returned,
                                               in->paid);
    }

    fk_unlock(fk);
    return rc;
}
