/*
 * The fields of all images, for those who lie about one: where it stands in
 * the plain image, how wide it is, and the most that a size may say.
 */

#ifndef FAKA_JOURNAL_FIELDS_H_INCLUDED_
#define FAKA_JOURNAL_FIELDS_H_INCLUDED_


#include "journal_shop.h"


typedef struct {
    uint8_t          type;
    uint8_t          width;
    uint16_t         offset;
    uint16_t         max;              /* of a size, or 0 */
} field_t;


#define NUMBER(type, of, f)                                                  \
    { type, sizeof(((fk_image_t *) 0)->of.f), offsetof(fk_image_t, of.f), 0 }
#define SIZE(type, of, f, max)                                               \
    { type, 2, offsetof(fk_image_t, of.f), max }

/* A byte of a text is a number, too. */
static const field_t  fields[] = {
    NUMBER(FK_IMAGE_PRODUCT, product, price),
    NUMBER(FK_IMAGE_PRODUCT, product, imported),
    NUMBER(FK_IMAGE_PRODUCT, product, voided),
    NUMBER(FK_IMAGE_PRODUCT, product, archived_units),
    NUMBER(FK_IMAGE_PRODUCT, product, archived_orders),
    NUMBER(FK_IMAGE_PRODUCT, product, archived_amount),
    NUMBER(FK_IMAGE_PRODUCT, product, sale_from_s),
    NUMBER(FK_IMAGE_PRODUCT, product, sale_to_s),
    NUMBER(FK_IMAGE_PRODUCT, product, created_s),
    NUMBER(FK_IMAGE_PRODUCT, product, updated_s),
    NUMBER(FK_IMAGE_PRODUCT, product, key),
    NUMBER(FK_IMAGE_PRODUCT, product, qty_max),
    NUMBER(FK_IMAGE_PRODUCT, product, kind),
    NUMBER(FK_IMAGE_PRODUCT, product, kind),
    NUMBER(FK_IMAGE_PRODUCT, product, on_sale),
    NUMBER(FK_IMAGE_PRODUCT, product, currency[0]),
    SIZE(FK_IMAGE_PRODUCT, product, sku_size, FK_SKU_SIZE_MAX),
    SIZE(FK_IMAGE_PRODUCT, product, name_size, FK_NAME_SIZE_MAX),
    NUMBER(FK_IMAGE_PRODUCT, product, sku[0]),
    NUMBER(FK_IMAGE_PRODUCT, product, sku[5]),

    NUMBER(FK_IMAGE_PRODUCT, product, buyer_limit),
    SIZE(FK_IMAGE_PRODUCT, product, tier_count, FK_TIERS_MAX),
    SIZE(FK_IMAGE_PRODUCT, product, tier_price_count, FK_TIERS_MAX),
    NUMBER(FK_IMAGE_PRODUCT, product, tier_min_qty[0]),
    NUMBER(FK_IMAGE_PRODUCT, product, tier_price[1]),
    NUMBER(FK_IMAGE_PRODUCT, product, merchant),

    NUMBER(FK_IMAGE_BATCH, batch, slot),
    NUMBER(FK_IMAGE_BATCH, batch, accepted),
    NUMBER(FK_IMAGE_BATCH, batch, archived),
    NUMBER(FK_IMAGE_BATCH, batch, created_s),
    NUMBER(FK_IMAGE_BATCH, batch, state),
    SIZE(FK_IMAGE_BATCH, batch, sku_size, FK_SKU_SIZE_MAX),
    NUMBER(FK_IMAGE_BATCH, batch, sku[5]),

    NUMBER(FK_IMAGE_CARD, card, slot),
    NUMBER(FK_IMAGE_CARD, card, batch),
    SIZE(FK_IMAGE_CARD, card, sealed_size, FK_SEALED_SIZE_MAX),
    NUMBER(FK_IMAGE_CARD, card, sealed[0]),

    NUMBER(FK_IMAGE_CARD_FREE, card_free, slot),

    NUMBER(FK_IMAGE_ORDER, order, id[12]),
    NUMBER(FK_IMAGE_ORDER, order, amount),
    NUMBER(FK_IMAGE_ORDER, order, created_ms),
    NUMBER(FK_IMAGE_ORDER, order, expires_s),
    NUMBER(FK_IMAGE_ORDER, order, paid_s),
    NUMBER(FK_IMAGE_ORDER, order, qty),
    NUMBER(FK_IMAGE_ORDER, order, axis_payment),
    NUMBER(FK_IMAGE_ORDER, order, axis_stock),
    NUMBER(FK_IMAGE_ORDER, order, axis_delivery),
    NUMBER(FK_IMAGE_ORDER, order, cancelled),
    NUMBER(FK_IMAGE_ORDER, order, rules),
    NUMBER(FK_IMAGE_ORDER, order, review),
    NUMBER(FK_IMAGE_ORDER, order, agent),
    NUMBER(FK_IMAGE_ORDER, order, flagged),
    NUMBER(FK_IMAGE_ORDER, order, step[0]),
    NUMBER(FK_IMAGE_ORDER, order, step[3]),
    NUMBER(FK_IMAGE_ORDER, order, reason[0]),
    SIZE(FK_IMAGE_ORDER, order, step_count, FK_STEPS_KEPT),
    SIZE(FK_IMAGE_ORDER, order, reason_size, FK_REASON_SIZE_MAX),
    NUMBER(FK_IMAGE_ORDER, order, body[0]),
    SIZE(FK_IMAGE_ORDER, order, sku_size, FK_SKU_SIZE_MAX),
    SIZE(FK_IMAGE_ORDER, order, channel_size, FK_CHANNEL_SIZE_MAX),
    SIZE(FK_IMAGE_ORDER, order, idem_size, FK_IDEM_SIZE),
    SIZE(FK_IMAGE_ORDER, order, contact_size, FK_CONTACT_SIZE_MAX),
    SIZE(FK_IMAGE_ORDER, order, card_count, FK_QTY_MAX),
    NUMBER(FK_IMAGE_ORDER, order, sku[5]),
    NUMBER(FK_IMAGE_ORDER, order, channel[1]),
    NUMBER(FK_IMAGE_ORDER, order, idem[0]),
    NUMBER(FK_IMAGE_ORDER, order, card[0]),
    NUMBER(FK_IMAGE_ORDER, order, card[1]),
    NUMBER(FK_IMAGE_ORDER, order, tally[FK_TALLY_BUYER]),
    NUMBER(FK_IMAGE_ORDER, order, tally[FK_TALLY_QUOTA]),
    NUMBER(FK_IMAGE_ORDER, order, tally[FK_TALLY_COUPON_USE]),
    NUMBER(FK_IMAGE_ORDER, order, coupon),

    NUMBER(FK_IMAGE_PAYMENT, payment, order[12]),
    NUMBER(FK_IMAGE_PAYMENT, payment, amount),
    NUMBER(FK_IMAGE_PAYMENT, payment, at_s),
    NUMBER(FK_IMAGE_PAYMENT, payment, state),
    NUMBER(FK_IMAGE_PAYMENT, payment, revoked),
    SIZE(FK_IMAGE_PAYMENT, payment, trade_no_size, FK_TRADE_NO_SIZE_MAX),
    NUMBER(FK_IMAGE_PAYMENT, payment, trade_no[6]),

    NUMBER(FK_IMAGE_START, start, order[12]),
    SIZE(FK_IMAGE_START, start, start_size, FK_START_SIZE_MAX),
    NUMBER(FK_IMAGE_START, start, start[0]),

    NUMBER(FK_IMAGE_ORDER_GONE, order_gone, id[12]),

    NUMBER(FK_IMAGE_BATCH_ARCHIVED, batch_archived, slot),
    NUMBER(FK_IMAGE_BATCH_ARCHIVED, batch_archived, archived),

    NUMBER(FK_IMAGE_LEVEL, level, slot),
    NUMBER(FK_IMAGE_LEVEL, level, min_spent),
    NUMBER(FK_IMAGE_LEVEL, level, off_bp),
    SIZE(FK_IMAGE_LEVEL, level, name_size, FK_LEVEL_NAME_SIZE_MAX),
    NUMBER(FK_IMAGE_LEVEL, level, name[0]),

    NUMBER(FK_IMAGE_COUPON, coupon, slot),
    NUMBER(FK_IMAGE_COUPON, coupon, value),
    NUMBER(FK_IMAGE_COUPON, coupon, cap),
    NUMBER(FK_IMAGE_COUPON, coupon, min_amount),
    NUMBER(FK_IMAGE_COUPON, coupon, archived_uses),
    NUMBER(FK_IMAGE_COUPON, coupon, uses_max),
    NUMBER(FK_IMAGE_COUPON, coupon, uses_buyer_max),
    NUMBER(FK_IMAGE_COUPON, coupon, kind),
    NUMBER(FK_IMAGE_COUPON, coupon, on),
    NUMBER(FK_IMAGE_COUPON, coupon, currency[0]),
    SIZE(FK_IMAGE_COUPON, coupon, code_size, FK_COUPON_CODE_SIZE_MAX),
    SIZE(FK_IMAGE_COUPON, coupon, products_size,
         FK_COUPON_PRODUCTS_MAX * (FK_SKU_SIZE_MAX + 1)),
    NUMBER(FK_IMAGE_COUPON, coupon, code[2]),
    NUMBER(FK_IMAGE_COUPON, coupon, products[5]),
    NUMBER(FK_IMAGE_COUPON, coupon, products[6]),

    NUMBER(FK_IMAGE_TALLY, tally, slot),
    NUMBER(FK_IMAGE_TALLY, tally, used),
    NUMBER(FK_IMAGE_TALLY, tally, kind),
    NUMBER(FK_IMAGE_TALLY, tally, level),
    NUMBER(FK_IMAGE_TALLY, tally, key[0]),
    NUMBER(FK_IMAGE_TALLY, tally, last_paid_s),
    NUMBER(FK_IMAGE_TALLY, tally, archived_orders),
    NUMBER(FK_IMAGE_TALLY, tally, archived_units),
    NUMBER(FK_IMAGE_TALLY, tally, archived_amount),

    NUMBER(FK_IMAGE_ACCOUNT, account, slot),
    NUMBER(FK_IMAGE_ACCOUNT, account, parent),
    NUMBER(FK_IMAGE_ACCOUNT, account, archived_earned),
    NUMBER(FK_IMAGE_ACCOUNT, account, archived_withdrawn),
    NUMBER(FK_IMAGE_ACCOUNT, account, rate_bp[1]),
    NUMBER(FK_IMAGE_ACCOUNT, account, kind),
    NUMBER(FK_IMAGE_ACCOUNT, account, closed),
    NUMBER(FK_IMAGE_ACCOUNT, account, currency[1]),
    NUMBER(FK_IMAGE_ACCOUNT, account, id[0]),
    SIZE(FK_IMAGE_ACCOUNT, account, id_size, FK_ACCOUNT_SIZE_MAX),

    NUMBER(FK_IMAGE_SPLIT, split, order[12]),
    NUMBER(FK_IMAGE_SPLIT, split, paid),
    NUMBER(FK_IMAGE_SPLIT, split, made_s),
    NUMBER(FK_IMAGE_SPLIT, split, settle_at_s),
    NUMBER(FK_IMAGE_SPLIT, split, state),
    NUMBER(FK_IMAGE_SPLIT, split, account[0]),
    NUMBER(FK_IMAGE_SPLIT, split, account[1]),
    NUMBER(FK_IMAGE_SPLIT, split, amount[0]),
    NUMBER(FK_IMAGE_SPLIT, split, part_size[0]),
    NUMBER(FK_IMAGE_SPLIT, split, parts[0]),
    SIZE(FK_IMAGE_SPLIT, split, line_count, FK_SPLIT_LINES_MAX),
    SIZE(FK_IMAGE_SPLIT, split, amount_count, FK_SPLIT_LINES_MAX),
    SIZE(FK_IMAGE_SPLIT, split, part_count, FK_PARTS_MAX),
    SIZE(FK_IMAGE_SPLIT, split, parts_size, FK_PARTS_MAX * FK_PART_SIZE_MAX),

    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, slot),
    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, account),
    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, serial),
    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, amount),
    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, used),
    NUMBER(FK_IMAGE_WITHDRAWAL, withdrawal, state),
    SIZE(FK_IMAGE_WITHDRAWAL, withdrawal, note_size, FK_REF_SIZE_MAX),

    NUMBER(FK_IMAGE_SNAPSHOT, snapshot, epoch),
    NUMBER(FK_IMAGE_SNAPSHOT, snapshot, begin_seq),
    NUMBER(FK_IMAGE_SNAPSHOT, snapshot, format),
    NUMBER(FK_IMAGE_SNAPSHOT_END, snapshot_end, end_seq),
    NUMBER(FK_IMAGE_SNAPSHOT_END, snapshot_end, count[FK_COUNT_ORDERS]),
    NUMBER(FK_IMAGE_SNAPSHOT_END, snapshot_end, count[FK_COUNT_SPLITS])
};

#define FIELDS_COUNT  (sizeof(fields) / sizeof(fields[0]))


#endif /* FAKA_JOURNAL_FIELDS_H_INCLUDED_ */
