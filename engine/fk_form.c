/*
 * The journal's images, field by field: the tables that fk_image.c writes and
 * reads by.  Constant data only.
 */

#include "fk_form.h"


#define FK_WIDTH(t, f)  sizeof(((t *) 0)->f)

#define FK_NUMBER(t, f)                                                      \
    { FK_FIELD_NUMBER, FK_WIDTH(t, f), offsetof(t, f), 0, 1 }

#define FK_BYTES(t, f, n)                                                    \
    { FK_FIELD_BYTES, 1, offsetof(t, f), 0, n }

#define FK_LIST(t, f, count, n)                                              \
    { FK_FIELD_LIST, FK_WIDTH(t, f[0]), offsetof(t, f),                      \
      offsetof(t, count), n }


/*
 * The tables are the format, which stands in journals on disk: in a version a
 * field is never moved, dropped or given another width.  A change is a new
 * table under a new version beside the old one.
 *
 * What has a fixed width comes first, so that it has a fixed place, too, and
 * a dump can be read by eye.
 */

static const fk_field_t  fk_product_fields_1[] = {
    FK_NUMBER(fk_image_product_t, price),
    FK_NUMBER(fk_image_product_t, imported),
    FK_NUMBER(fk_image_product_t, voided),
    FK_NUMBER(fk_image_product_t, sale_from_s),
    FK_NUMBER(fk_image_product_t, sale_to_s),
    FK_NUMBER(fk_image_product_t, created_s),
    FK_NUMBER(fk_image_product_t, updated_s),
    FK_NUMBER(fk_image_product_t, key),
    FK_NUMBER(fk_image_product_t, qty_max),
    FK_NUMBER(fk_image_product_t, kind),
    FK_NUMBER(fk_image_product_t, on_sale),
    FK_BYTES(fk_image_product_t, currency, FK_CURRENCY_SIZE - 1),
    FK_LIST(fk_image_product_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_product_t, name, name_size, FK_NAME_SIZE_MAX)
};


/* With the sums of what was archived. */

static const fk_field_t  fk_product_fields_2[] = {
    FK_NUMBER(fk_image_product_t, price),
    FK_NUMBER(fk_image_product_t, imported),
    FK_NUMBER(fk_image_product_t, voided),
    FK_NUMBER(fk_image_product_t, archived_units),
    FK_NUMBER(fk_image_product_t, archived_orders),
    FK_NUMBER(fk_image_product_t, archived_amount),
    FK_NUMBER(fk_image_product_t, sale_from_s),
    FK_NUMBER(fk_image_product_t, sale_to_s),
    FK_NUMBER(fk_image_product_t, created_s),
    FK_NUMBER(fk_image_product_t, updated_s),
    FK_NUMBER(fk_image_product_t, key),
    FK_NUMBER(fk_image_product_t, qty_max),
    FK_NUMBER(fk_image_product_t, kind),
    FK_NUMBER(fk_image_product_t, on_sale),
    FK_BYTES(fk_image_product_t, currency, FK_CURRENCY_SIZE - 1),
    FK_LIST(fk_image_product_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_product_t, name, name_size, FK_NAME_SIZE_MAX)
};


/* With a buyer's limit and wholesale tiers. */

static const fk_field_t  fk_product_fields_3[] = {
    FK_NUMBER(fk_image_product_t, price),
    FK_NUMBER(fk_image_product_t, imported),
    FK_NUMBER(fk_image_product_t, voided),
    FK_NUMBER(fk_image_product_t, archived_units),
    FK_NUMBER(fk_image_product_t, archived_orders),
    FK_NUMBER(fk_image_product_t, archived_amount),
    FK_NUMBER(fk_image_product_t, sale_from_s),
    FK_NUMBER(fk_image_product_t, sale_to_s),
    FK_NUMBER(fk_image_product_t, created_s),
    FK_NUMBER(fk_image_product_t, updated_s),
    FK_NUMBER(fk_image_product_t, key),
    FK_NUMBER(fk_image_product_t, qty_max),
    FK_NUMBER(fk_image_product_t, buyer_limit),
    FK_NUMBER(fk_image_product_t, kind),
    FK_NUMBER(fk_image_product_t, on_sale),
    FK_BYTES(fk_image_product_t, currency, FK_CURRENCY_SIZE - 1),
    FK_LIST(fk_image_product_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_product_t, name, name_size, FK_NAME_SIZE_MAX),
    FK_LIST(fk_image_product_t, tier_min_qty, tier_count, FK_TIERS_MAX),
    FK_LIST(fk_image_product_t, tier_price, tier_price_count, FK_TIERS_MAX)
};


/* With the merchant whose it is.  In version 5 the price may be 0, which is no
 * damage. */

static const fk_field_t  fk_product_fields_4[] = {
    FK_NUMBER(fk_image_product_t, price),
    FK_NUMBER(fk_image_product_t, imported),
    FK_NUMBER(fk_image_product_t, voided),
    FK_NUMBER(fk_image_product_t, archived_units),
    FK_NUMBER(fk_image_product_t, archived_orders),
    FK_NUMBER(fk_image_product_t, archived_amount),
    FK_NUMBER(fk_image_product_t, sale_from_s),
    FK_NUMBER(fk_image_product_t, sale_to_s),
    FK_NUMBER(fk_image_product_t, created_s),
    FK_NUMBER(fk_image_product_t, updated_s),
    FK_NUMBER(fk_image_product_t, key),
    FK_NUMBER(fk_image_product_t, merchant),
    FK_NUMBER(fk_image_product_t, qty_max),
    FK_NUMBER(fk_image_product_t, buyer_limit),
    FK_NUMBER(fk_image_product_t, kind),
    FK_NUMBER(fk_image_product_t, on_sale),
    FK_BYTES(fk_image_product_t, currency, FK_CURRENCY_SIZE - 1),
    FK_LIST(fk_image_product_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_product_t, name, name_size, FK_NAME_SIZE_MAX),
    FK_LIST(fk_image_product_t, tier_min_qty, tier_count, FK_TIERS_MAX),
    FK_LIST(fk_image_product_t, tier_price, tier_price_count, FK_TIERS_MAX)
};


/* The slots of batches and cards are their names, also in later records. */

static const fk_field_t  fk_batch_fields_1[] = {
    FK_NUMBER(fk_image_batch_t, slot),
    FK_NUMBER(fk_image_batch_t, accepted),
    FK_NUMBER(fk_image_batch_t, created_s),
    FK_NUMBER(fk_image_batch_t, state),
    FK_LIST(fk_image_batch_t, sku, sku_size, FK_SKU_SIZE_MAX)
};


static const fk_field_t  fk_batch_fields_2[] = {
    FK_NUMBER(fk_image_batch_t, slot),
    FK_NUMBER(fk_image_batch_t, accepted),
    FK_NUMBER(fk_image_batch_t, archived),
    FK_NUMBER(fk_image_batch_t, created_s),
    FK_NUMBER(fk_image_batch_t, state),
    FK_LIST(fk_image_batch_t, sku, sku_size, FK_SKU_SIZE_MAX)
};


static const fk_field_t  fk_batch_archived_fields[] = {
    FK_NUMBER(fk_image_batch_archived_t, slot),
    FK_NUMBER(fk_image_batch_archived_t, archived)
};


static const fk_field_t  fk_card_fields[] = {
    FK_NUMBER(fk_image_card_t, slot),
    FK_NUMBER(fk_image_card_t, batch),
    FK_LIST(fk_image_card_t, sealed, sealed_size, FK_SEALED_SIZE_MAX)
};


static const fk_field_t  fk_card_free_fields[] = {
    FK_NUMBER(fk_image_card_free_t, slot)
};


/*
 * The whole order every time, not what has changed of it: so a record can be
 * applied without those before it, and the same one twice.
 */

static const fk_field_t  fk_order_fields_1[] = {
    FK_BYTES(fk_image_order_t, id, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_order_t, amount),
    FK_NUMBER(fk_image_order_t, created_ms),
    FK_NUMBER(fk_image_order_t, expires_s),
    FK_NUMBER(fk_image_order_t, paid_s),
    FK_NUMBER(fk_image_order_t, qty),
    FK_NUMBER(fk_image_order_t, axis_payment),
    FK_NUMBER(fk_image_order_t, axis_stock),
    FK_NUMBER(fk_image_order_t, axis_delivery),
    FK_NUMBER(fk_image_order_t, cancelled),
    FK_BYTES(fk_image_order_t, body, 8),
    FK_LIST(fk_image_order_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_order_t, channel, channel_size, FK_CHANNEL_SIZE_MAX),
    FK_LIST(fk_image_order_t, idem, idem_size, FK_IDEM_SIZE),
    FK_LIST(fk_image_order_t, contact, contact_size, FK_CONTACT_SIZE_MAX),
    FK_LIST(fk_image_order_t, card, card_count, FK_QTY_MAX)
};


/* With how the amount came about, and what rules said. */

static const fk_field_t  fk_order_fields_2[] = {
    FK_BYTES(fk_image_order_t, id, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_order_t, amount),
    FK_NUMBER(fk_image_order_t, created_ms),
    FK_NUMBER(fk_image_order_t, expires_s),
    FK_NUMBER(fk_image_order_t, paid_s),
    FK_NUMBER(fk_image_order_t, qty),
    FK_NUMBER(fk_image_order_t, axis_payment),
    FK_NUMBER(fk_image_order_t, axis_stock),
    FK_NUMBER(fk_image_order_t, axis_delivery),
    FK_NUMBER(fk_image_order_t, cancelled),
    FK_NUMBER(fk_image_order_t, rules),
    FK_NUMBER(fk_image_order_t, review),
    FK_BYTES(fk_image_order_t, body, 8),
    FK_LIST(fk_image_order_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_order_t, channel, channel_size, FK_CHANNEL_SIZE_MAX),
    FK_LIST(fk_image_order_t, idem, idem_size, FK_IDEM_SIZE),
    FK_LIST(fk_image_order_t, contact, contact_size, FK_CONTACT_SIZE_MAX),
    FK_LIST(fk_image_order_t, reason, reason_size, FK_REASON_SIZE_MAX),
    FK_LIST(fk_image_order_t, step, step_count, FK_STEPS_KEPT),
    FK_LIST(fk_image_order_t, card, card_count, FK_QTY_MAX)
};


/* With the buyer's tallies and the coupon.  In version 4 its stock may be
 * VOIDED, which is no damage. */

static const fk_field_t  fk_order_fields_3[] = {
    FK_BYTES(fk_image_order_t, id, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_order_t, amount),
    FK_NUMBER(fk_image_order_t, created_ms),
    FK_NUMBER(fk_image_order_t, expires_s),
    FK_NUMBER(fk_image_order_t, paid_s),
    FK_NUMBER(fk_image_order_t, qty),
    FK_NUMBER(fk_image_order_t, axis_payment),
    FK_NUMBER(fk_image_order_t, axis_stock),
    FK_NUMBER(fk_image_order_t, axis_delivery),
    FK_NUMBER(fk_image_order_t, cancelled),
    FK_NUMBER(fk_image_order_t, rules),
    FK_NUMBER(fk_image_order_t, review),
    FK_NUMBER(fk_image_order_t, agent),
    FK_NUMBER(fk_image_order_t, flagged),
    FK_NUMBER(fk_image_order_t, tally[FK_TALLY_BUYER]),
    FK_NUMBER(fk_image_order_t, tally[FK_TALLY_QUOTA]),
    FK_NUMBER(fk_image_order_t, tally[FK_TALLY_COUPON_USE]),
    FK_NUMBER(fk_image_order_t, coupon),
    FK_BYTES(fk_image_order_t, body, 8),
    FK_LIST(fk_image_order_t, sku, sku_size, FK_SKU_SIZE_MAX),
    FK_LIST(fk_image_order_t, channel, channel_size, FK_CHANNEL_SIZE_MAX),
    FK_LIST(fk_image_order_t, idem, idem_size, FK_IDEM_SIZE),
    FK_LIST(fk_image_order_t, contact, contact_size, FK_CONTACT_SIZE_MAX),
    FK_LIST(fk_image_order_t, reason, reason_size, FK_REASON_SIZE_MAX),
    FK_LIST(fk_image_order_t, step, step_count, FK_STEPS_KEPT),
    FK_LIST(fk_image_order_t, card, card_count, FK_QTY_MAX)
};


static const fk_field_t  fk_start_fields[] = {
    FK_BYTES(fk_image_start_t, order, FK_ORDER_ID_SIZE),
    FK_LIST(fk_image_start_t, start, start_size, FK_START_SIZE_MAX)
};


static const fk_field_t  fk_order_gone_fields[] = {
    FK_BYTES(fk_image_order_gone_t, id, FK_ORDER_ID_SIZE)
};


/* In version 2 its state may be ASKED, which is no damage. */

static const fk_field_t  fk_payment_fields[] = {
    FK_BYTES(fk_image_payment_t, order, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_payment_t, amount),
    FK_NUMBER(fk_image_payment_t, at_s),
    FK_NUMBER(fk_image_payment_t, state),
    FK_LIST(fk_image_payment_t, trade_no, trade_no_size,
            FK_TRADE_NO_SIZE_MAX)
};


/* With what says that its order was revoked. */

static const fk_field_t  fk_payment_fields_3[] = {
    FK_BYTES(fk_image_payment_t, order, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_payment_t, amount),
    FK_NUMBER(fk_image_payment_t, at_s),
    FK_NUMBER(fk_image_payment_t, state),
    FK_NUMBER(fk_image_payment_t, revoked),
    FK_LIST(fk_image_payment_t, trade_no, trade_no_size,
            FK_TRADE_NO_SIZE_MAX)
};


static const fk_field_t  fk_account_fields_1[] = {
    FK_NUMBER(fk_image_account_t, slot),
    FK_NUMBER(fk_image_account_t, parent),
    FK_NUMBER(fk_image_account_t, created_s),
    FK_NUMBER(fk_image_account_t, archived_earned),
    FK_NUMBER(fk_image_account_t, archived_withdrawn),
    FK_NUMBER(fk_image_account_t, rate_bp[0]),
    FK_NUMBER(fk_image_account_t, rate_bp[1]),
    FK_NUMBER(fk_image_account_t, rate_bp[2]),
    FK_NUMBER(fk_image_account_t, kind),
    FK_NUMBER(fk_image_account_t, closed),
    FK_BYTES(fk_image_account_t, currency, FK_CURRENCY_SIZE - 1),
    FK_BYTES(fk_image_account_t, token, FK_TOKEN_SIZE),
    FK_BYTES(fk_image_account_t, buyer, FK_TALLY_KEY_SIZE),
    FK_LIST(fk_image_account_t, id, id_size, FK_ACCOUNT_SIZE_MAX)
};


/* With what it paid for orders, and what was credited to it. */

static const fk_field_t  fk_account_fields_2[] = {
    FK_NUMBER(fk_image_account_t, slot),
    FK_NUMBER(fk_image_account_t, parent),
    FK_NUMBER(fk_image_account_t, created_s),
    FK_NUMBER(fk_image_account_t, archived_earned),
    FK_NUMBER(fk_image_account_t, archived_withdrawn),
    FK_NUMBER(fk_image_account_t, archived_spent),
    FK_NUMBER(fk_image_account_t, archived_credited),
    FK_NUMBER(fk_image_account_t, rate_bp[0]),
    FK_NUMBER(fk_image_account_t, rate_bp[1]),
    FK_NUMBER(fk_image_account_t, rate_bp[2]),
    FK_NUMBER(fk_image_account_t, kind),
    FK_NUMBER(fk_image_account_t, closed),
    FK_BYTES(fk_image_account_t, currency, FK_CURRENCY_SIZE - 1),
    FK_BYTES(fk_image_account_t, token, FK_TOKEN_SIZE),
    FK_BYTES(fk_image_account_t, buyer, FK_TALLY_KEY_SIZE),
    FK_LIST(fk_image_account_t, id, id_size, FK_ACCOUNT_SIZE_MAX)
};


static const fk_field_t  fk_split_fields_1[] = {
    FK_BYTES(fk_image_split_t, order, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_split_t, paid),
    FK_NUMBER(fk_image_split_t, made_s),
    FK_NUMBER(fk_image_split_t, settle_at_s),
    FK_NUMBER(fk_image_split_t, state),
    FK_LIST(fk_image_split_t, account, line_count, FK_SPLIT_LINES_MAX),
    FK_LIST(fk_image_split_t, amount, amount_count, FK_SPLIT_LINES_MAX),
    FK_LIST(fk_image_split_t, part_size, part_count, FK_PARTS_MAX),
    FK_LIST(fk_image_split_t, parts, parts_size,
            FK_PARTS_MAX * FK_PART_SIZE_MAX)
};


/* With the account that paid the order. */

static const fk_field_t  fk_split_fields_2[] = {
    FK_BYTES(fk_image_split_t, order, FK_ORDER_ID_SIZE),
    FK_NUMBER(fk_image_split_t, paid),
    FK_NUMBER(fk_image_split_t, made_s),
    FK_NUMBER(fk_image_split_t, settle_at_s),
    FK_NUMBER(fk_image_split_t, payer),
    FK_NUMBER(fk_image_split_t, state),
    FK_LIST(fk_image_split_t, account, line_count, FK_SPLIT_LINES_MAX),
    FK_LIST(fk_image_split_t, amount, amount_count, FK_SPLIT_LINES_MAX),
    FK_LIST(fk_image_split_t, part_size, part_count, FK_PARTS_MAX),
    FK_LIST(fk_image_split_t, parts, parts_size,
            FK_PARTS_MAX * FK_PART_SIZE_MAX)
};


static const fk_field_t  fk_withdrawal_fields_1[] = {
    FK_NUMBER(fk_image_withdrawal_t, slot),
    FK_NUMBER(fk_image_withdrawal_t, account),
    FK_NUMBER(fk_image_withdrawal_t, serial),
    FK_NUMBER(fk_image_withdrawal_t, amount),
    FK_NUMBER(fk_image_withdrawal_t, requested_s),
    FK_NUMBER(fk_image_withdrawal_t, decided_s),
    FK_NUMBER(fk_image_withdrawal_t, used),
    FK_NUMBER(fk_image_withdrawal_t, state),
    FK_LIST(fk_image_withdrawal_t, note, note_size, FK_REF_SIZE_MAX)
};


/* With credits among them. */

static const fk_field_t  fk_withdrawal_fields_2[] = {
    FK_NUMBER(fk_image_withdrawal_t, slot),
    FK_NUMBER(fk_image_withdrawal_t, account),
    FK_NUMBER(fk_image_withdrawal_t, serial),
    FK_NUMBER(fk_image_withdrawal_t, amount),
    FK_NUMBER(fk_image_withdrawal_t, requested_s),
    FK_NUMBER(fk_image_withdrawal_t, decided_s),
    FK_NUMBER(fk_image_withdrawal_t, used),
    FK_NUMBER(fk_image_withdrawal_t, state),
    FK_NUMBER(fk_image_withdrawal_t, credit),
    FK_LIST(fk_image_withdrawal_t, note, note_size, FK_REF_SIZE_MAX)
};


static const fk_field_t  fk_snapshot_fields[] = {
    FK_NUMBER(fk_image_snapshot_t, format),
    FK_NUMBER(fk_image_snapshot_t, epoch),
    FK_NUMBER(fk_image_snapshot_t, begin_seq),
    FK_NUMBER(fk_image_snapshot_t, time_ms)
};


/* In version 2 a level and a coupon may take all, which is no damage. */

static const fk_field_t  fk_level_fields[] = {
    FK_NUMBER(fk_image_level_t, slot),
    FK_NUMBER(fk_image_level_t, min_spent),
    FK_NUMBER(fk_image_level_t, off_bp),
    FK_LIST(fk_image_level_t, name, name_size, FK_LEVEL_NAME_SIZE_MAX)
};


static const fk_field_t  fk_coupon_fields[] = {
    FK_NUMBER(fk_image_coupon_t, slot),
    FK_NUMBER(fk_image_coupon_t, value),
    FK_NUMBER(fk_image_coupon_t, cap),
    FK_NUMBER(fk_image_coupon_t, min_amount),
    FK_NUMBER(fk_image_coupon_t, archived_uses),
    FK_NUMBER(fk_image_coupon_t, from_s),
    FK_NUMBER(fk_image_coupon_t, to_s),
    FK_NUMBER(fk_image_coupon_t, created_s),
    FK_NUMBER(fk_image_coupon_t, updated_s),
    FK_NUMBER(fk_image_coupon_t, uses_max),
    FK_NUMBER(fk_image_coupon_t, uses_buyer_max),
    FK_NUMBER(fk_image_coupon_t, kind),
    FK_NUMBER(fk_image_coupon_t, on),
    FK_BYTES(fk_image_coupon_t, currency, FK_CURRENCY_SIZE - 1),
    FK_LIST(fk_image_coupon_t, code, code_size, FK_COUPON_CODE_SIZE_MAX),
    FK_LIST(fk_image_coupon_t, products, products_size,
            FK_COUPON_PRODUCTS_MAX * (FK_SKU_SIZE_MAX + 1))
};


static const fk_field_t  fk_tally_fields[] = {
    FK_NUMBER(fk_image_tally_t, slot),
    FK_NUMBER(fk_image_tally_t, used),
    FK_NUMBER(fk_image_tally_t, kind),
    FK_NUMBER(fk_image_tally_t, level),
    FK_BYTES(fk_image_tally_t, key, FK_TALLY_KEY_SIZE),
    FK_NUMBER(fk_image_tally_t, archived_orders),
    FK_NUMBER(fk_image_tally_t, archived_units),
    FK_NUMBER(fk_image_tally_t, archived_amount),
    FK_NUMBER(fk_image_tally_t, last_paid_s)
};


static const fk_field_t  fk_snapshot_end_fields_1[] = {
    FK_NUMBER(fk_image_snapshot_end_t, end_seq),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PRODUCTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_BATCHES]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_CARDS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_ORDERS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PAYMENTS])
};


static const fk_field_t  fk_snapshot_end_fields_2[] = {
    FK_NUMBER(fk_image_snapshot_end_t, end_seq),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PRODUCTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_BATCHES]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_CARDS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_ORDERS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PAYMENTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_LEVELS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_COUPONS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_TALLIES]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_ACCOUNTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_SPLITS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_WITHDRAWALS])
};


static const fk_field_t  fk_snapshot_end_fields_3[] = {
    FK_NUMBER(fk_image_snapshot_end_t, end_seq),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PRODUCTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_BATCHES]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_CARDS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_ORDERS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_PAYMENTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_LEVELS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_COUPONS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_TALLIES]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_ACCOUNTS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_SPLITS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_WITHDRAWALS]),
    FK_NUMBER(fk_image_snapshot_end_t, count[FK_COUNT_STARTS])
};


/* The sizes are what writers ask fk_record_room() for: fk_image_put() holds
 * them to it. */

#define FK_FORM(fields)  { fields, sizeof(fields) / sizeof(fields[0]) }

#define FK_FORM_1(fields, size_max)  { { FK_FORM(fields) }, 1, size_max }

#define FK_FORM_2(fields_1, fields_2, size_max)                              \
    { { FK_FORM(fields_1), FK_FORM(fields_2) }, 2, size_max }

#define FK_FORM_3(fields_1, fields_2, fields_3, size_max)                    \
    { { FK_FORM(fields_1), FK_FORM(fields_2), FK_FORM(fields_3) }, 3,        \
      size_max }

#define FK_FORM_4(fields_1, fields_2, fields_3, fields_4, size_max)          \
    { { FK_FORM(fields_1), FK_FORM(fields_2), FK_FORM(fields_3),             \
        FK_FORM(fields_4) }, 4, size_max }

#define FK_FORM_5(fields_1, fields_2, fields_3, fields_4, fields_5, size_max) \
    { { FK_FORM(fields_1), FK_FORM(fields_2), FK_FORM(fields_3),             \
        FK_FORM(fields_4), FK_FORM(fields_5) }, 5, size_max }

const fk_kind_forms_t  fk_forms[FK_IMAGE_LAST] = {
    [FK_IMAGE_PRODUCT] = FK_FORM_5(fk_product_fields_1, fk_product_fields_2,
                                   fk_product_fields_3, fk_product_fields_4,
                                   fk_product_fields_4,
                                   FK_IMAGE_PRODUCT_SIZE),
    [FK_IMAGE_BATCH] = FK_FORM_2(fk_batch_fields_1, fk_batch_fields_2,
                                 FK_IMAGE_BATCH_SIZE),
    [FK_IMAGE_CARD] = FK_FORM_1(fk_card_fields,
                                FK_IMAGE_CARD_SIZE(FK_SEALED_SIZE_MAX)),
    [FK_IMAGE_CARD_FREE] = FK_FORM_1(fk_card_free_fields,
                                     FK_IMAGE_CARD_FREE_SIZE),
    [FK_IMAGE_ORDER] = FK_FORM_4(fk_order_fields_1, fk_order_fields_2,
                                 fk_order_fields_3, fk_order_fields_3,
                                 FK_IMAGE_ORDER_SIZE(FK_QTY_MAX)),
    [FK_IMAGE_PAYMENT] = FK_FORM_3(fk_payment_fields, fk_payment_fields,
                                   fk_payment_fields_3,
                                   FK_IMAGE_PAYMENT_SIZE),
    [FK_IMAGE_ORDER_GONE] = FK_FORM_1(fk_order_gone_fields,
                                      FK_IMAGE_ORDER_GONE_SIZE),
    [FK_IMAGE_BATCH_ARCHIVED] = FK_FORM_1(fk_batch_archived_fields,
                                          FK_IMAGE_BATCH_ARCHIVED_SIZE),
    [FK_IMAGE_SNAPSHOT] = FK_FORM_1(fk_snapshot_fields,
                                    FK_IMAGE_SNAPSHOT_SIZE),
    [FK_IMAGE_SNAPSHOT_END] = FK_FORM_3(fk_snapshot_end_fields_1,
                                        fk_snapshot_end_fields_2,
                                        fk_snapshot_end_fields_3,
                                        FK_IMAGE_SNAPSHOT_END_SIZE),
    [FK_IMAGE_LEVEL] = FK_FORM_2(fk_level_fields, fk_level_fields,
                                 FK_IMAGE_LEVEL_SIZE),
    [FK_IMAGE_COUPON] = FK_FORM_2(fk_coupon_fields, fk_coupon_fields,
                                  FK_IMAGE_COUPON_SIZE),
    [FK_IMAGE_TALLY] = FK_FORM_1(fk_tally_fields, FK_IMAGE_TALLY_SIZE),
    [FK_IMAGE_ACCOUNT] = FK_FORM_2(fk_account_fields_1, fk_account_fields_2,
                                   FK_IMAGE_ACCOUNT_SIZE),
    [FK_IMAGE_SPLIT] = FK_FORM_2(fk_split_fields_1, fk_split_fields_2,
                                 FK_IMAGE_SPLIT_SIZE),
    [FK_IMAGE_WITHDRAWAL] = FK_FORM_2(fk_withdrawal_fields_1,
                                      fk_withdrawal_fields_2,
                                      FK_IMAGE_WITHDRAWAL_SIZE),
    [FK_IMAGE_START] = FK_FORM_1(fk_start_fields, FK_IMAGE_START_SIZE)
};
