/*
 * The snapshot's walk, table by table: what a slot comes to, as images with
 * the number of the last record behind them.
 */

#include "fk_walk.h"


static void fk_walk_product(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_batch(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_card(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_level(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_coupon(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_tally(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_account(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_order(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_split(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_start(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_walk_withdrawal(const fk_t *fk, fk_part_t *part, uint32_t i);
static void fk_part_add_seq(fk_part_t *part, uint64_t seq);
static void fk_part_spend(fk_part_t *part, uint32_t links);


const fk_walk_t  fk_walks[FK_SNAPSHOT_DONE] = {
    [FK_SNAPSHOT_PRODUCTS] = {
        FK_TABLE_PRODUCTS, FK_WALK_SIZE(FK_IMAGE_PRODUCT_SIZE),
        fk_walk_product },
    [FK_SNAPSHOT_BATCHES] = {
        FK_TABLE_BATCHES, FK_WALK_SIZE(FK_IMAGE_BATCH_SIZE), fk_walk_batch },
    [FK_SNAPSHOT_CARDS] = {
        FK_TABLE_CARDS, FK_IMAGE_CARD_SIZE(FK_SEALED_SIZE_MAX),
        fk_walk_card },
    [FK_SNAPSHOT_LEVELS] = {
        FK_TABLE_LEVELS, FK_WALK_SIZE(FK_IMAGE_LEVEL_SIZE), fk_walk_level },
    [FK_SNAPSHOT_COUPONS] = {
        FK_TABLE_COUPONS, FK_WALK_SIZE(FK_IMAGE_COUPON_SIZE),
        fk_walk_coupon },
    [FK_SNAPSHOT_TALLIES] = {
        FK_TABLE_TALLIES, FK_WALK_SIZE(FK_IMAGE_TALLY_SIZE), fk_walk_tally },
    [FK_SNAPSHOT_ACCOUNTS] = {
        FK_TABLE_ACCOUNTS, FK_WALK_SIZE(FK_IMAGE_ACCOUNT_SIZE),
        fk_walk_account },
    [FK_SNAPSHOT_ORDERS] = {
        FK_TABLE_ORDERS, FK_WALK_ORDER_SIZE, fk_walk_order },
    [FK_SNAPSHOT_WITHDRAWALS] = {
        FK_TABLE_WITHDRAWALS, FK_WALK_SIZE(FK_IMAGE_WITHDRAWAL_SIZE),
        fk_walk_withdrawal },
};


static void
fk_walk_product(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_product_t  image;

    if (!FK_PRODUCT(fk, i)->used) {
        return;
    }

    fk_product_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_PRODUCT, &image);
    fk_part_add_seq(part, FK_PRODUCT(fk, i)->seq);
    part->count[FK_COUNT_PRODUCTS]++;
}


static void
fk_walk_batch(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_batch_t  image;

    if (!fk_batch_used(fk, i)) {
        return;
    }

    fk_batch_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_BATCH, &image);
    fk_part_add_seq(part, FK_BATCH(fk, i)->seq);
    fk_part_spend(part, 1);
    part->count[FK_COUNT_BATCHES]++;
}


static void
fk_walk_card(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_card_t  image;

    if (!fk_card_used(fk, i)) {
        return;
    }

    fk_card_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_CARD, &image);
    part->count[FK_COUNT_CARDS]++;

    if (image.sealed_size > FK_CARD_INLINE_SIZE) {
        fk_part_spend(part, FK_BLOCKS_FOR(image.sealed_size));
    }
}


static void
fk_walk_level(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_level_t  image;

    if (!fk_level_used(fk, i)) {
        return;
    }

    fk_level_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_LEVEL, &image);
    fk_part_add_seq(part, FK_LEVEL(fk, i)->seq);
    part->count[FK_COUNT_LEVELS]++;
}


static void
fk_walk_coupon(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_coupon_t  image;

    if (!fk_coupon_used(fk, i)) {
        return;
    }

    fk_coupon_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_COUPON, &image);
    fk_part_add_seq(part, FK_COUPON_AT(fk, i)->seq);
    fk_part_spend(part, FK_COUPON_AT(fk, i)->product_count);
    part->count[FK_COUNT_COUPONS]++;
}


static void
fk_walk_tally(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_tally_t  image;

    if (!fk_tally_used(fk, i)) {
        return;
    }

    fk_tally_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_TALLY, &image);
    fk_part_add_seq(part, FK_TALLY(fk, i)->seq);
    part->count[FK_COUNT_TALLIES]++;
}


/* The payments stand as in the order's list: the oldest first. */

static void
fk_walk_order(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    uint32_t               next, count;
    fk_image_order_t       order;
    fk_image_payment_t     payment;
    const fk_order_rec_t  *o;

    o = FK_ORDER(fk, i);

    if (!o->used) {
        return;
    }

    fk_order_image(fk, i, &order);
    fk_part_add(part, FK_IMAGE_ORDER, &order);
    fk_part_add_seq(part, o->seq);
    fk_part_spend(part, 1 + FK_BLOCKS_FOR(o->contact_size)
                        + (o->steps != 0) + FK_BLOCKS_FOR(o->reason_size)
                        + order.card_count);
    part->count[FK_COUNT_ORDERS]++;

    count = 0;
    for (next = o->payment; next != 0; next = FK_PAYMENT(fk, next)->next) {
        assert(count < FK_ORDER_PAYMENTS_MAX);
        count++;

        fk_payment_image(fk, next, &payment);
        fk_part_add(part, FK_IMAGE_PAYMENT, &payment);
        fk_part_add_seq(part, FK_PAYMENT(fk, next)->seq);
        fk_part_spend(part, 2);
    }

    part->count[FK_COUNT_PAYMENTS] += count;

    if (o->split != 0) {
        fk_walk_split(fk, part, o->split);
    }

    if (o->start_size != 0) {
        fk_walk_start(fk, part, i);
    }
}


static void
fk_walk_split(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_split_t       image;
    const fk_split_rec_t  *s;

    s = FK_SPLIT(fk, i);

    fk_split_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_SPLIT, &image);
    fk_part_add_seq(part, s->seq);
    fk_part_spend(part, 1 + s->part_count
                            * FK_BLOCKS_FOR(FK_PART_SIZE_MAX));
    part->count[FK_COUNT_SPLITS]++;
}


static void
fk_walk_start(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_start_t  image;

    fk_start_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_START, &image);
    fk_part_add_seq(part, FK_ORDER(fk, i)->seq);
    fk_part_spend(part, FK_BLOCKS_FOR(image.start_size));
    part->count[FK_COUNT_STARTS]++;
}


static void
fk_walk_account(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_account_t  image;

    if (!fk_account_used(fk, i)) {
        return;
    }

    fk_account_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_ACCOUNT, &image);
    fk_part_add_seq(part, FK_ACCOUNT(fk, i)->seq);
    part->count[FK_COUNT_ACCOUNTS]++;
}


static void
fk_walk_withdrawal(const fk_t *fk, fk_part_t *part, uint32_t i)
{
    fk_image_withdrawal_t  image;

    if (!fk_withdrawal_used(fk, i)) {
        return;
    }

    fk_withdrawal_image(fk, i, &image);
    fk_part_add(part, FK_IMAGE_WITHDRAWAL, &image);
    fk_part_add_seq(part, FK_WITHDRAWAL(fk, i)->seq);
    part->count[FK_COUNT_WITHDRAWALS]++;
}


void
fk_part_add(fk_part_t *part, fk_image_type_t type, const void *image)
{
    part->at += fk_image_put(part->at, type, image);
    part->images++;
    part->spent += FK_PRICE_IMAGE;
}


static void
fk_part_add_seq(fk_part_t *part, uint64_t seq)
{
    fk_put(part->at, seq, FK_SEQ_SIZE);
    part->at += FK_SEQ_SIZE;
}


static void
fk_part_spend(fk_part_t *part, uint32_t links)
{
    part->spent += links * FK_PRICE_LINK;
}
