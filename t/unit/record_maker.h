/*
 * Records and snapshot parts made by hand, with a good checksum, out of images
 * that a test may lie in; and the small shop that they tell of.
 */

#ifndef FAKA_RECORD_MAKER_H_INCLUDED_
#define FAKA_RECORD_MAKER_H_INCLUDED_


#include "journal_shop.h"


#define MADE_SIZE_MAX  ((size_t) 256 << 10)


static uint8_t   made[MADE_SIZE_MAX];
static size_t    made_size;
static size_t    made_at;              /* where the open record begins */
static uint32_t  made_count;           /* its images */
static uint64_t  made_seq;             /* its number */


__attribute__((unused))
static void
made_begin(void)
{
    made_size = 0;
    made_seq = 0;
}


__attribute__((unused))
static void
made_open(void)
{
    made_at = made_size;
    made_size += FK_RECORD_HEAD_SIZE;
    made_count = 0;
    made_seq++;
}


__attribute__((unused))
static void
made_add(fk_image_type_t type, const void *image)
{
    shop_must(made_size + FK_IMAGE_CARD_SIZE(FK_SEALED_SIZE_MAX)
              <= MADE_SIZE_MAX, "made");
    made_size += fk_image_put(made + made_size, type, image);
    made_count++;
}


/* What stands behind an image in a part. */
__attribute__((unused))
static void
made_add_seq(uint64_t seq)
{
    fk_put(made + made_size, seq, sizeof(seq));
    made_size += sizeof(seq);
}


__attribute__((unused))
static void
made_close(unsigned version)
{
    fk_record_head_t  head;

    while (made_size % FK_RECORD_ALIGN != 0) {
        made[made_size++] = 0;
    }

    memset(&head, 0, sizeof(head));
    head.size = (uint32_t) (made_size - made_at);
    head.seq = made_seq;
    head.time_ms = (int64_t) SHOP_START_S * 1000;
    head.version = (uint16_t) version;
    head.count = (uint16_t) made_count;

    fk_record_head_put(made + made_at, &head);
    record_seal(made + made_at);
}


__attribute__((unused))
static void
made_record(fk_image_type_t type, const void *image)
{
    made_open();
    made_add(type, image);
    made_close(FK_RECORD_VERSION);
}


__attribute__((unused))
static uint16_t
made_text(char *field, const char *text)
{
    size_t  size;

    size = strlen(text);
    memcpy(field, text, size);
    return (uint16_t) size;
}


__attribute__((unused))
static fk_image_t
made_product(const char *sku, fk_kind_t kind, int64_t imported)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.product.sku_size = made_text(image.product.sku, sku);
    image.product.name_size = made_text(image.product.name, "a product");
    (void) made_text(image.product.currency, "CNY");
    image.product.kind = (uint8_t) kind;
    image.product.price = 500;
    image.product.imported = imported;
    image.product.qty_max = kind == FK_KIND_SHARED ? 1 : FK_QTY_MAX;
    image.product.on_sale = 1;
    image.product.created_s = SHOP_START_S;
    image.product.updated_s = SHOP_START_S;
    return image;
}


__attribute__((unused))
static fk_image_t
made_batch(uint32_t slot, const char *sku, fk_batch_state_t state,
    uint32_t accepted)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.batch.slot = slot;
    image.batch.sku_size = made_text(image.batch.sku, sku);
    image.batch.state = (uint8_t) state;
    image.batch.accepted = accepted;
    image.batch.created_s = SHOP_START_S;
    return image;
}


__attribute__((unused))
static fk_image_t
made_card(uint32_t slot, uint32_t batch, uint16_t size)
{
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.card.slot = slot;
    image.card.batch = batch;
    image.card.sealed_size = size;
    shop_seal(slot, image.card.sealed, size);
    return image;
}


/* Its hold goes on; the cards are for the caller to name. */
__attribute__((unused))
static fk_image_t
made_order(uint32_t number, const char *sku, uint16_t qty)
{
    fk_image_t     image;
    fk_order_id_t  id;

    memset(&image, 0, sizeof(image));
    id = shop_id(number);
    memcpy(image.order.id, id.bytes, sizeof(image.order.id));
    image.order.sku_size = made_text(image.order.sku, sku);
    image.order.channel_size = made_text(image.order.channel, "epay");
    image.order.contact_size = 32;
    memset(image.order.contact, 'c', 32);
    image.order.idem_size = FK_IDEM_SIZE;
    memcpy(image.order.idem, &number, sizeof(number));
    image.order.qty = qty;
    image.order.amount = 500 * qty;
    image.order.created_ms = (int64_t) SHOP_START_S * 1000;
    image.order.expires_s = SHOP_START_S + SHOP_HOLD_S;
    return image;
}


__attribute__((unused))
static fk_image_t
made_payment(uint32_t number, const char *trade_no, fk_payment_state_t state)
{
    fk_image_t     image;
    fk_order_id_t  id;

    memset(&image, 0, sizeof(image));
    id = shop_id(number);
    memcpy(image.payment.order, id.bytes, sizeof(image.payment.order));
    image.payment.trade_no_size = made_text((char *) image.payment.trade_no,
                                            trade_no);
    image.payment.amount = 500;
    image.payment.at_s = SHOP_START_S;
    image.payment.state = (uint8_t) state;
    return image;
}


/* By the rule's rates, and with no token. */
__attribute__((unused))
static fk_image_t
made_account(uint32_t slot, const char *id, fk_account_kind_t kind)
{
    uint32_t    n;
    fk_image_t  image;

    memset(&image, 0, sizeof(image));
    image.account.slot = slot;
    image.account.id_size = made_text(image.account.id, id);
    image.account.kind = (uint8_t) kind;
    (void) made_text(image.account.currency, "CNY");

    for (n = 0; n < FK_ACCOUNT_RATES; n++) {
        image.account.rate_bp[n] = FK_RATE_BY_RULE;
    }

    return image;
}


/* Of an order: paid and delivered. */
__attribute__((unused))
static fk_image_t
made_delivered(fk_image_t image)
{
    image.order.axis_payment = FK_PAYMENT_PAID;
    image.order.axis_stock = FK_STOCK_ALLOCATED;
    image.order.axis_delivery = FK_DELIVERY_DONE;
    image.order.paid_s = SHOP_START_S;
    return image;
}


/* Writes value into a field of an image, in the machine's own form. */
__attribute__((unused))
static void
made_lie(fk_image_t *image, size_t offset, size_t width, uint64_t value)
{
    uint8_t   v8;
    uint16_t  v16;
    uint32_t  v32;

    v8 = (uint8_t) value;
    v16 = (uint16_t) value;
    v32 = (uint32_t) value;

    memcpy((uint8_t *) image + offset,
           width == 1 ? (const void *) &v8
           : width == 2 ? (const void *) &v16
           : width == 4 ? (const void *) &v32 : (const void *) &value,
           width);
}


#endif /* FAKA_RECORD_MAKER_H_INCLUDED_ */
