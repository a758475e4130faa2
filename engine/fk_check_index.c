/*
 * fk_check(), the hash indexes: every chain is followed, and holds only what
 * is at home in its bucket, and no key twice; all chains together hold as
 * many as there are.
 *
 * A chain's next slot is anywhere in its table, so each step waits for main
 * memory.  Many chains are followed side by side, and each slot is asked for
 * a round before it is looked at: then the waiting overlaps.
 */

#include "fk_check.h"
#include "fk_tally.h"


/* Enough for the waiting to overlap: from 16 on, more gain nothing. */
#define FK_LANES  32


typedef struct {
    fk_table_id_t   table;
    uint32_t        hnext_offset;

    /* The bytes of a slot that are looked at, which are fetched ahead. */
    uint32_t        fetch_first;
    uint32_t        fetch_last;

    size_t          members_offset;    /* of their number in fk_check_t */
    int           (*member)(const fk_t *fk, uint32_t i);
    uint32_t     *(*home)(const fk_t *fk, uint32_t i);
    int           (*same)(const fk_t *fk, uint32_t a, uint32_t b);
} fk_check_index_t;


/* An index on the way through its chains. */
typedef struct {
    const fk_t              *fk;
    const fk_check_index_t  *kind;
    uint8_t                 *slots;
    uint32_t                *buckets;
    uint32_t                 slot_size;
    uint32_t                 slots_max;      /* the last that may be met */
    uint32_t                 bucket_count;
    uint32_t                 bucket;         /* those before it are begun */
    uint32_t                 members;
    uint32_t                 met;
} fk_check_walk_t;


typedef struct {
    uint32_t  bucket;
    uint32_t  at;
} fk_check_lane_t;


static fk_code_t fk_check_index(fk_check_t *ck, fk_index_id_t id);
static void fk_walk_init(fk_check_walk_t *w, fk_check_t *ck,
    fk_index_id_t id);
static int fk_lane_begin(fk_check_walk_t *w, fk_check_lane_t *lane);
static const char *fk_lane_judge(fk_check_walk_t *w,
    const fk_check_lane_t *lane);
static uint32_t fk_walk_next(const fk_check_walk_t *w, uint32_t i);
static void fk_walk_fetch(const fk_check_walk_t *w, uint32_t i);

static int fk_product_member(const fk_t *fk, uint32_t i);
static int fk_card_member(const fk_t *fk, uint32_t i);
static int fk_order_member(const fk_t *fk, uint32_t i);
static int fk_idem_member(const fk_t *fk, uint32_t i);
static int fk_payment_member(const fk_t *fk, uint32_t i);
static int fk_coupon_member(const fk_t *fk, uint32_t i);
static int fk_tally_member(const fk_t *fk, uint32_t i);
static int fk_account_member(const fk_t *fk, uint32_t i);

static uint32_t *fk_product_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_card_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_order_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_idem_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_payment_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_coupon_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_tally_home(const fk_t *fk, uint32_t i);
static uint32_t *fk_account_home(const fk_t *fk, uint32_t i);

static int fk_product_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_card_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_card_delivered(const fk_t *fk, const fk_card_rec_t *c);
static int fk_order_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_idem_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_payment_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_coupon_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_tally_same(const fk_t *fk, uint32_t a, uint32_t b);
static int fk_account_same(const fk_t *fk, uint32_t a, uint32_t b);


#define FK_CHECK_INDEX(name, table, type, link, first, last, members)        \
    { table, offsetof(type, link), offsetof(type, first),                    \
      offsetof(type, last), offsetof(fk_check_t, members),                   \
      fk_##name##_member, fk_##name##_home, fk_##name##_same }

static const fk_check_index_t  fk_check_index_kinds[FK_INDEX_COUNT] = {
    [FK_INDEX_PRODUCTS] = FK_CHECK_INDEX(product, FK_TABLE_PRODUCTS,
        fk_product_rec_t, hnext, sku, used, used_count[FK_TABLE_PRODUCTS]),
    [FK_INDEX_CARDS] = FK_CHECK_INDEX(card, FK_TABLE_CARDS,
        fk_card_rec_t, hnext, hnext, sealed[FK_NONCE_SIZE],
        used_count[FK_TABLE_CARDS]),
    [FK_INDEX_ORDERS] = FK_CHECK_INDEX(order, FK_TABLE_ORDERS,
        fk_order_rec_t, hnext, id, used, used_count[FK_TABLE_ORDERS]),
    [FK_INDEX_IDEM] = FK_CHECK_INDEX(idem, FK_TABLE_ORDERS,
        fk_order_rec_t, idem_hnext, idem_hnext, idem[FK_IDEM_SIZE - 1],
        idem_count),
    [FK_INDEX_PAYMENTS] = FK_CHECK_INDEX(payment, FK_TABLE_PAYMENTS,
        fk_payment_rec_t, hnext, hash, used, used_count[FK_TABLE_PAYMENTS]),
    [FK_INDEX_COUPONS] = FK_CHECK_INDEX(coupon, FK_TABLE_COUPONS,
        fk_coupon_rec_t, hnext, code, used, used_count[FK_TABLE_COUPONS]),
    [FK_INDEX_TALLIES] = FK_CHECK_INDEX(tally, FK_TABLE_TALLIES,
        fk_tally_rec_t, hnext, key, used, used_count[FK_TABLE_TALLIES]),
    [FK_INDEX_ACCOUNTS] = FK_CHECK_INDEX(account, FK_TABLE_ACCOUNTS,
        fk_account_rec_t, hnext, id, used, used_count[FK_TABLE_ACCOUNTS])
};


fk_code_t
fk_check_indexes(fk_check_t *ck)
{
    fk_code_t      rc;
    fk_index_id_t  id;

    for (id = 0; id < FK_INDEX_COUNT; id++) {
        rc = fk_check_index(ck, id);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_check_index(fk_check_t *ck, fk_index_id_t id)
{
    uint32_t          n, count;
    const char       *name, *problem;
    fk_check_lane_t  *lane, lanes[FK_LANES];
    fk_check_walk_t   w;

    fk_walk_init(&w, ck, id);
    name = fk_check_table_name[w.kind->table];
    count = 0;

    while (count < FK_LANES && fk_lane_begin(&w, &lanes[count])) {
        count++;
    }

    while (count > 0) {
        for (n = 0; n < count; n++) {
            lane = &lanes[n];

            problem = fk_lane_judge(&w, lane);
            if (problem != NULL) {
                return fk_check_bad(ck, name, lane->at, problem);
            }

            lane->at = fk_walk_next(&w, lane->at);

            if (lane->at != 0) {
                fk_walk_fetch(&w, lane->at);

            } else if (!fk_lane_begin(&w, lane)) {
                /* The last lane takes its place, and its turn next round. */
                count--;
                *lane = lanes[count];
            }
        }
    }

    if (w.met != w.members) {
        return fk_check_bad(ck, name, w.members - w.met, "are missing in the "
                            "index");
    }

    return FK_OK;
}


static void
fk_walk_init(fk_check_walk_t *w, fk_check_t *ck, fk_index_id_t id)
{
    const fk_index_t  *index;
    const fk_table_t  *t;

    w->fk = ck->fk;
    w->kind = &fk_check_index_kinds[id];

    t = &ck->fk->region->table[w->kind->table];
    w->slots = ck->fk->base + t->offset;
    w->slot_size = t->slot_size;
    w->slots_max = t->fresh;

    index = &ck->fk->region->index[id];
    w->buckets = (uint32_t *) (void *) (ck->fk->base + index->offset);
    w->bucket_count = index->bucket_count;
    w->bucket = 0;

    memcpy(&w->members, (const uint8_t *) ck + w->kind->members_offset,
           sizeof(w->members));
    w->met = 0;
}


/* The next bucket that has a chain; 0 if all are begun. */

static int
fk_lane_begin(fk_check_walk_t *w, fk_check_lane_t *lane)
{
    while (w->bucket < w->bucket_count) {
        lane->bucket = w->bucket++;
        lane->at = w->buckets[lane->bucket];

        if (lane->at != 0) {
            fk_walk_fetch(w, lane->at);
            return 1;
        }
    }

    return 0;
}


/*
 * What is wrong with the slot that a lane is at, or NULL.
 *
 * A slot has one link, so it can be met twice only in another bucket, where
 * it is not at home, or in a ring, which is longer than all members.
 */

static const char *
fk_lane_judge(fk_check_walk_t *w, const fk_check_lane_t *lane)
{
    uint32_t                 i, *head;
    const fk_check_index_t  *kind;

    kind = w->kind;
    head = &w->buckets[lane->bucket];

    if (lane->at > w->slots_max || !kind->member(w->fk, lane->at)
        || kind->home(w->fk, lane->at) != head || ++w->met > w->members)
    {
        return "is in a wrong place of the index";
    }

    /* Behind the first of two, the other would be lost to all: a card would
     * be sold twice, a payment booked again. */
    for (i = *head; i != lane->at; i = fk_walk_next(w, i)) {
        if (kind->same(w->fk, i, lane->at)) {
            return "it is there twice";
        }
    }

    return NULL;
}


static uint32_t
fk_walk_next(const fk_check_walk_t *w, uint32_t i)
{
    memcpy(&i, w->slots + (uint64_t) i * w->slot_size
               + w->kind->hnext_offset, sizeof(i));
    return i;
}


static void
fk_walk_fetch(const fk_check_walk_t *w, uint32_t i)
{
    uint32_t        n;
    const uint8_t  *slot;

    /* One that is not there is found when its turn has come. */
    if (i > w->slots_max) {
        return;
    }

    slot = w->slots + (uint64_t) i * w->slot_size;

    for (n = w->kind->fetch_first; n < w->kind->fetch_last; n += 64) {
        __builtin_prefetch(slot + n);
    }

    __builtin_prefetch(slot + w->kind->fetch_last);
}


static int
fk_product_member(const fk_t *fk, uint32_t i)
{
    return FK_PRODUCT(fk, i)->used != 0;
}


static int
fk_card_member(const fk_t *fk, uint32_t i)
{
    return FK_CARD(fk, i)->owner != FK_OWNER_FREE;
}


static int
fk_order_member(const fk_t *fk, uint32_t i)
{
    return FK_ORDER(fk, i)->used != 0;
}


static int
fk_idem_member(const fk_t *fk, uint32_t i)
{
    return FK_ORDER(fk, i)->used != 0 && FK_ORDER(fk, i)->has_idem != 0;
}


static int
fk_payment_member(const fk_t *fk, uint32_t i)
{
    return FK_PAYMENT(fk, i)->used != 0;
}


static int
fk_account_member(const fk_t *fk, uint32_t i)
{
    return FK_ACCOUNT(fk, i)->used != 0;
}


static int
fk_coupon_member(const fk_t *fk, uint32_t i)
{
    return FK_COUPON_AT(fk, i)->used != 0;
}


static int
fk_tally_member(const fk_t *fk, uint32_t i)
{
    return FK_TALLY(fk, i)->used != 0;
}


static uint32_t *
fk_product_home(const fk_t *fk, uint32_t i)
{
    const char  *sku;

    sku = FK_PRODUCT(fk, i)->sku;
    return fk_product_bucket(fk, sku, strnlen(sku, FK_SKU_SIZE_MAX));
}


static uint32_t *
fk_card_home(const fk_t *fk, uint32_t i)
{
    const fk_card_rec_t  *c;

    c = FK_CARD(fk, i);
    return fk_card_bucket(fk, FK_BATCH(fk, FK_CARD_BATCH(c))->product,
                          c->sealed);
}


static uint32_t *
fk_order_home(const fk_t *fk, uint32_t i)
{
    return fk_order_bucket(fk, FK_ORDER(fk, i)->id);
}


static uint32_t *
fk_idem_home(const fk_t *fk, uint32_t i)
{
    return fk_idem_bucket(fk, FK_ORDER(fk, i)->idem);
}


static uint32_t *
fk_payment_home(const fk_t *fk, uint32_t i)
{
    return fk_bucket(fk, FK_INDEX_PAYMENTS, FK_PAYMENT(fk, i)->hash);
}


static uint32_t *
fk_account_home(const fk_t *fk, uint32_t i)
{
    const char  *id;

    id = FK_ACCOUNT(fk, i)->id;
    return fk_account_bucket(fk, id, strnlen(id, FK_ACCOUNT_SIZE_MAX));
}


static uint32_t *
fk_coupon_home(const fk_t *fk, uint32_t i)
{
    const char  *code;

    code = FK_COUPON_AT(fk, i)->code;
    return fk_coupon_bucket(fk, code,
                            strnlen(code, FK_COUPON_CODE_SIZE_MAX));
}


static uint32_t *
fk_tally_home(const fk_t *fk, uint32_t i)
{
    const fk_tally_rec_t  *t;

    t = FK_TALLY(fk, i);
    return fk_tally_bucket(fk, t->key);
}


static int
fk_product_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    return strncmp(FK_PRODUCT(fk, a)->sku, FK_PRODUCT(fk, b)->sku,
                   FK_SKU_SIZE_MAX) == 0;
}


/*
 * A card that has been delivered may be there beside its twin: one that was
 * imported again after its order was archived, when the order was restored.
 */

static int
fk_card_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    const fk_card_rec_t  *ca, *cb;

    ca = FK_CARD(fk, a);
    cb = FK_CARD(fk, b);

    return memcmp(ca->sealed, cb->sealed, FK_NONCE_SIZE) == 0
           && FK_BATCH(fk, FK_CARD_BATCH(ca))->product
              == FK_BATCH(fk, FK_CARD_BATCH(cb))->product
           && !fk_card_delivered(fk, ca) && !fk_card_delivered(fk, cb);
}


static int
fk_card_delivered(const fk_t *fk, const fk_card_rec_t *c)
{
    return c->owner != FK_OWNER_POOL
           && FK_ORDER(fk, c->owner)->axis_delivery == FK_DELIVERY_DONE;
}


static int
fk_order_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    return memcmp(FK_ORDER(fk, a)->id, FK_ORDER(fk, b)->id, FK_ORDER_ID_SIZE)
           == 0;
}


static int
fk_idem_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    return memcmp(FK_ORDER(fk, a)->idem, FK_ORDER(fk, b)->idem, FK_IDEM_SIZE)
           == 0;
}


static int
fk_account_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    return strncmp(FK_ACCOUNT(fk, a)->id, FK_ACCOUNT(fk, b)->id,
                   FK_ACCOUNT_SIZE_MAX) == 0;
}


/* The same money on one channel; its hash first, as it is at hand. */

static int
fk_payment_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    uint8_t                  ta[FK_TRADE_NO_SIZE_MAX];
    uint8_t                  tb[FK_TRADE_NO_SIZE_MAX];
    const fk_payment_rec_t  *pa, *pb;

    pa = FK_PAYMENT(fk, a);
    pb = FK_PAYMENT(fk, b);

    if (pa->hash != pb->hash || pa->trade_no_size != pb->trade_no_size
        || strncmp(FK_ORDER(fk, pa->order)->channel,
                   FK_ORDER(fk, pb->order)->channel, FK_CHANNEL_SIZE_MAX)
           != 0)
    {
        return 0;
    }

    fk_blob_read(fk, pa->trade_no, ta, pa->trade_no_size);
    fk_blob_read(fk, pb->trade_no, tb, pb->trade_no_size);

    return memcmp(ta, tb, pa->trade_no_size) == 0;
}


static int
fk_coupon_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    return strncmp(FK_COUPON_AT(fk, a)->code, FK_COUPON_AT(fk, b)->code,
                   FK_COUPON_CODE_SIZE_MAX) == 0;
}


static int
fk_tally_same(const fk_t *fk, uint32_t a, uint32_t b)
{
    const fk_tally_rec_t  *ta, *tb;

    ta = FK_TALLY(fk, a);
    tb = FK_TALLY(fk, b);

    return ta->kind == tb->kind
           && memcmp(ta->key, tb->key, sizeof(ta->key)) == 0;
}
