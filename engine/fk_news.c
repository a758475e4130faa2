/*
 * News: the events of a record.
 *
 * Images say how things are after a change, so what changed is told by which
 * of them stand together.  Most records that have an order have it because
 * its word is a new one.  Those that have it for something else:
 *
 *   order, product           comes back from the archive as it left; unless
 *                            it was revoked, which the product's sum knows
 *   order, split             its commission was split later: no payment
 *   order alone, under       its hold ran out; money that nobody understands
 *   review and unpaid        came before
 *
 * That money went back for a delivered order is told by its mark.
 *
 * Three cannot be told from a new word: commission that was split later among
 * nobody (order.delivered, or .returned, once more), another wrong payment of
 * an order that is looked at already (order.under_review, beside that
 * payment's own), and a free order that was revoked and comes back from the
 * archive (order.refunded).
 */

#include "fk_journal.h"


/* What stands in the record, and what is known of its order so far. */
typedef struct {
    uint32_t          count[FK_IMAGE_LAST];
    uint32_t          images;
    int               restores;        /* its order is nothing new */
    uint8_t           order[FK_ORDER_ID_SIZE];         /* the last one */
    char              channel[FK_CHANNEL_SIZE_MAX + 1];     /* "": none */
    fk_news_t        *news;
    uint32_t          news_count;
    uint64_t          seq;
    int64_t           time_ms;
} fk_look_t;

typedef fk_code_t (*fk_news_pt)(fk_look_t *look, const fk_image_t *image);


static fk_code_t fk_news_look(fk_look_t *look, const fk_record_head_t *head,
    const uint8_t *data);
static fk_news_t *fk_news_add(fk_look_t *look, fk_news_kind_t kind,
    const char *word);
static fk_code_t fk_news_order(fk_look_t *look, const fk_image_t *image);
static const char *fk_news_order_word(const fk_image_order_t *in,
    fk_status_t status);
static int fk_news_is_new(fk_look_t *look, const fk_image_order_t *in,
    fk_status_t status);
static fk_code_t fk_news_payment(fk_look_t *look, const fk_image_t *image);
static fk_code_t fk_news_batch(fk_look_t *look, const fk_image_t *image);
static fk_code_t fk_news_product(fk_look_t *look, const fk_image_t *image);


const char *const  fk_news_kind_word[FK_NEWS_KIND_COUNT] = {
    [FK_NEWS_ORDER] = "order",
    [FK_NEWS_PAYMENT] = "payment",
    [FK_NEWS_STOCK] = "stock",
    [FK_NEWS_PRODUCT] = "product"
};

static const fk_news_pt  fk_news_of[FK_IMAGE_LAST] = {
    [FK_IMAGE_ORDER] = fk_news_order,
    [FK_IMAGE_PAYMENT] = fk_news_payment,
    [FK_IMAGE_BATCH] = fk_news_batch,
    [FK_IMAGE_PRODUCT] = fk_news_product
};


fk_code_t
fk_news_read(const uint8_t *data, size_t size, fk_news_record_t *record,
    fk_news_t news[FK_NEWS_MAX], uint32_t *count)
{
    size_t            used, image_size;
    uint32_t          n, left;
    fk_look_t         look;
    fk_code_t         rc;
    fk_image_t        image;
    fk_image_type_t   type;
    fk_record_head_t  head;

    *count = 0;

    rc = fk_record_judge(data, size, &head);
    if (rc != FK_OK) {
        return rc;
    }

    if (head.version != FK_RECORD_VERSION) {
        return FK_INCOMPATIBLE;
    }

    record->size = head.size;
    record->seq = head.seq;

    rc = fk_news_look(&look, &head, data);
    if (rc != FK_OK) {
        return rc;
    }

    look.news = news;

    /* Most records are of checkouts and cards: the look was all. */
    left = look.count[FK_IMAGE_ORDER] + look.count[FK_IMAGE_PAYMENT]
           + look.count[FK_IMAGE_BATCH] + look.count[FK_IMAGE_PRODUCT];
    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < head.count && left != 0; n++) {
        type = (fk_image_type_t) data[used];

        if (fk_news_of[type] == NULL) {
            used += fk_get(data + used + 2, 2);
            continue;
        }

        rc = fk_image_get(data + used, head.size - used, &type, &image_size,
                          &image);
        if (rc == FK_OK) {
            rc = fk_news_of[type](&look, &image);
        }

        if (rc != FK_OK) {
            return rc;
        }

        used += image_size;
        left--;
    }

    *count = look.news_count;
    return FK_OK;
}


/* Every size is judged here, once. */

static fk_code_t
fk_news_look(fk_look_t *look, const fk_record_head_t *head,
    const uint8_t *data)
{
    size_t          used, image_size;
    uint32_t        n;
    const uint8_t  *id, *idem;

    memset(look, 0, sizeof(*look));
    look->images = head->count;
    look->seq = head->seq;
    look->time_ms = head->time_ms;
    used = FK_RECORD_HEAD_SIZE;

    for (n = 0; n < head->count; n++) {
        image_size = fk_image_names(data + used, head->size - used, &id,
                                    &idem);
        if (image_size == 0) {
            return FK_CORRUPT;
        }

        if (data[used] < FK_IMAGE_PRODUCT || data[used] >= FK_IMAGE_LAST) {
            return FK_INCOMPATIBLE;
        }

        look->count[data[used]]++;
        used += image_size;
    }

    return head->size - used < FK_RECORD_ALIGN ? FK_OK : FK_CORRUPT;
}


/* NULL: more than any record of ours can have. */

static fk_news_t *
fk_news_add(fk_look_t *look, fk_news_kind_t kind, const char *word)
{
    fk_news_t  *news;

    if (look->news_count == FK_NEWS_MAX) {
        return NULL;
    }

    news = &look->news[look->news_count];
    memset(news, 0, sizeof(*news));
    news->seq = look->seq;
    news->time_ms = look->time_ms;
    news->kind = kind;
    news->word = word;
    news->number = look->news_count;
    look->news_count++;

    return news;
}


static fk_code_t
fk_news_order(fk_look_t *look, const fk_image_t *image)
{
    fk_axes_t                axes;
    fk_news_t               *news;
    fk_status_t              status;
    const fk_image_order_t  *in;

    in = &image->order;

    if (!fk_order_image_good(in)) {
        return FK_CORRUPT;
    }

    axes.payment = in->axis_payment;
    axes.stock = in->axis_stock;
    axes.delivery = in->axis_delivery;
    axes.cancelled = in->cancelled;
    status = fk_status_of(&axes);

    memcpy(look->order, in->id, FK_ORDER_ID_SIZE);
    memcpy(look->channel, in->channel, in->channel_size);
    look->channel[in->channel_size] = '\0';

    if (status == FK_STATUS_AWAITING_PAYMENT
        || !fk_news_is_new(look, in, status))
    {
        return FK_OK;
    }

    news = fk_news_add(look, FK_NEWS_ORDER, fk_news_order_word(in, status));
    if (news == NULL) {
        return FK_CORRUPT;
    }

    memcpy(news->order.bytes, in->id, FK_ORDER_ID_SIZE);
    memcpy(news->sku, in->sku, in->sku_size);
    memcpy(news->channel, in->channel, in->channel_size);
    news->qty = in->qty;
    news->amount = in->amount;

    return FK_OK;
}


/* Nothing but commission changes an order that is delivered and has it. */

static const char *
fk_news_order_word(const fk_image_order_t *in, fk_status_t status)
{
    return status == FK_STATUS_DELIVERED
           && in->review == FK_REVIEW_RETURNED_LATE
           ? fk_event_word[FK_EVENT_RETURNED] : fk_status_word[status];
}


static int
fk_news_is_new(fk_look_t *look, const fk_image_order_t *in,
    fk_status_t status)
{
    int  payments;

    payments = look->count[FK_IMAGE_PAYMENT] != 0;

    if (look->count[FK_IMAGE_PRODUCT] != 0) {
        look->restores = status != FK_STATUS_REFUND_DUE
                         && (status != FK_STATUS_REFUNDED || payments);
        return !look->restores;
    }

    if (payments) {
        return 1;
    }

    return look->count[FK_IMAGE_SPLIT] == 0
           && (status != FK_STATUS_UNDER_REVIEW
               || in->axis_payment != FK_PAYMENT_UNPAID);
}


/* It stands behind its order, where that changed as well. */

static fk_code_t
fk_news_payment(fk_look_t *look, const fk_image_t *image)
{
    fk_news_t                 *news;
    const fk_image_payment_t  *in;

    in = &image->payment;

    if (in->state >= FK_PAYMENT_STATE_COUNT || in->trade_no_size == 0
        || in->amount < 1 || in->amount > FK_AMOUNT_MAX)
    {
        return FK_CORRUPT;
    }

    if (look->restores) {
        return FK_OK;
    }

    news = fk_news_add(look, FK_NEWS_PAYMENT,
                       fk_payment_state_word[in->state]);
    if (news == NULL) {
        return FK_CORRUPT;
    }

    memcpy(news->order.bytes, in->order, FK_ORDER_ID_SIZE);
    memcpy(news->trade_no, in->trade_no, in->trade_no_size);
    news->trade_no_size = (uint8_t) in->trade_no_size;
    news->amount = in->amount;

    if (memcmp(look->order, in->order, FK_ORDER_ID_SIZE) == 0) {
        memcpy(news->channel, look->channel, sizeof(news->channel));
    }

    return FK_OK;
}


/* Whole: with its product, which counts its cards from here on.  One that an
 * order brought from the archive came in before. */

static fk_code_t
fk_news_batch(fk_look_t *look, const fk_image_t *image)
{
    fk_news_t               *news;
    const fk_image_batch_t  *in;

    in = &image->batch;

    if (in->state != FK_BATCH_LIVE || look->count[FK_IMAGE_PRODUCT] == 0
        || look->count[FK_IMAGE_ORDER] != 0)
    {
        return FK_OK;
    }

    if (!fk_text_good(in->sku, in->sku_size)) {
        return FK_CORRUPT;
    }

    news = fk_news_add(look, FK_NEWS_STOCK, "imported");
    if (news == NULL) {
        return FK_CORRUPT;
    }

    memcpy(news->sku, in->sku, in->sku_size);
    news->qty = in->accepted;
    news->batch = in->slot;

    return FK_OK;
}


/* Beside others it is there for its sums. */

static fk_code_t
fk_news_product(fk_look_t *look, const fk_image_t *image)
{
    fk_news_t                 *news;
    const fk_image_product_t  *in;

    in = &image->product;

    if (look->images != 1) {
        return FK_OK;
    }

    if (!fk_text_good(in->sku, in->sku_size)
        || !fk_text_good(in->currency, FK_CURRENCY_SIZE - 1)
        || in->on_sale > 1)
    {
        return FK_CORRUPT;
    }

    news = fk_news_add(look, FK_NEWS_PRODUCT, "changed");
    if (news == NULL) {
        return FK_CORRUPT;
    }

    memcpy(news->sku, in->sku, in->sku_size);
    memcpy(news->currency, in->currency, FK_CURRENCY_SIZE - 1);
    news->amount = in->price;
    news->on_sale = in->on_sale;

    return FK_OK;
}
