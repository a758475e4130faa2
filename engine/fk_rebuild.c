/*
 * Recovery, second half: everything that the journal does not carry, made
 * again from what it does.
 *
 * The pools stand in the order in which their batches were committed, within
 * a batch by slot; waiting orders as they began to wait.  Batches that
 * were still being staged are aborted: their cards never were stock.
 *
 * Each pass is one walk over one table, or the sorting of one list.  Stores
 * are plain; where a helper of the running shop is used, its notes are
 * dropped at once.
 */

#include "fk_journal.h"
#include "fk_text.h"


#define FK_SORT_LISTS  32              /* the n-th holds 2^n elements */


typedef struct {
    uint32_t *(*next)(const fk_t *fk, uint32_t i);
    int       (*before)(const fk_t *fk, uint32_t a, uint32_t b);
} fk_sort_t;


static fk_code_t fk_rebuild_header(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_products(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_cards(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_batches(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_keys(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_aborted(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_orders(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static fk_code_t fk_rebuild_counted(fk_t *fk, const fk_env_t *env,
    fk_text_t *why);
static void fk_pool_append(fk_t *fk, fk_product_rec_t *p, uint32_t first,
    uint32_t last);
static uint32_t fk_sort(const fk_t *fk, const fk_sort_t *by, uint32_t list);
static uint32_t fk_sort_merge(const fk_t *fk, const fk_sort_t *by, uint32_t a,
    uint32_t b);
static uint32_t *fk_batch_next(const fk_t *fk, uint32_t i);
static int fk_batch_before(const fk_t *fk, uint32_t a, uint32_t b);
static uint32_t *fk_order_next(const fk_t *fk, uint32_t i);
static int fk_order_before(const fk_t *fk, uint32_t a, uint32_t b);


static const fk_sort_t  fk_by_commit = { fk_batch_next, fk_batch_before };
static const fk_sort_t  fk_by_wait = { fk_order_next, fk_order_before };


/* The order matters: a step may rely on what the ones before it have made. */

const fk_rebuild_step_t  fk_rebuild_steps[FK_REBUILD_STEPS] = {
    { "header", fk_rebuild_header },
    { "products", fk_rebuild_products },
    { "cards", fk_rebuild_cards },
    { "batches", fk_rebuild_batches },
    { "keys", fk_rebuild_keys },
    { "aborted", fk_rebuild_aborted },
    { "orders", fk_rebuild_orders },
    { "counted", fk_rebuild_counted },
    { "terms", fk_rebuild_terms },
    { "shares", fk_rebuild_shares },
    { "ledger", fk_rebuild_ledger }
};


fk_code_t
fk_rebuild(fk_t *fk, const fk_env_t *env, char *why, size_t why_size)
{
    size_t     n;
    fk_code_t  rc;
    fk_text_t  text;

    fk_text_init(&text, why, why_size);

    for (n = 0; n < FK_REBUILD_STEPS; n++) {
        rc = fk_rebuild_steps[n].run(fk, env, &text);
        if (rc != FK_OK) {
            return rc;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_header(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    fk_region_t  *r;

    fk_table_rebuild(fk, FK_TABLE_BATCHES, fk_batch_used);
    fk_table_rebuild(fk, FK_TABLE_CARDS, fk_card_used);
    fk_table_rebuild(fk, FK_TABLE_ACCOUNTS, fk_account_used);
    fk_table_rebuild(fk, FK_TABLE_WITHDRAWALS, fk_withdrawal_used);

    r = fk->region;
    r->waiting = 0;
    r->aborted = 0;
    r->loading_count = 0;

    /* Older holds move it back to themselves: they are due at once. */
    r->wheel_s = fk_now_s(env);
    r->settle_unit = fk_now_s(env) / FK_SETTLE_UNIT_S;

    return FK_OK;
}


static fk_code_t
fk_rebuild_products(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t           i;
    fk_product_rec_t  *p;

    for (i = 1; i <= fk->region->table[FK_TABLE_PRODUCTS].fresh; i++) {
        p = FK_PRODUCT(fk, i);
        p->available = 0;
        p->held = 0;
        p->sold = 0;
        p->owed = 0;
        p->revoked = 0;
        p->orders_count = 0;
        p->pool_head = 0;
        p->pool_tail = 0;
        p->wait_head = 0;
        p->wait_tail = 0;
        p->next_waiting = 0;
    }

    return FK_OK;
}


/*
 * Puts each card into the index, and those that no order has into their
 * batch's list, by slot.  The key that a shared product sells stays out: its
 * place is the pool's end.
 */

static fk_code_t
fk_rebuild_cards(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t           i, *bucket;
    fk_card_rec_t     *c;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    for (i = 1; i <= fk->region->table[FK_TABLE_BATCHES].fresh; i++) {
        b = FK_BATCH(fk, i);
        if (b->state != FK_BATCH_FREE) {
            b->head = 0;
            b->tail = 0;
        }
    }

    /* Downwards, as what comes last stands first in its list. */
    for (i = fk->region->table[FK_TABLE_CARDS].fresh; i > 0; i--) {
        c = FK_CARD(fk, i);
        if (c->owner == FK_OWNER_FREE) {
            continue;
        }

        b = FK_BATCH(fk, FK_CARD_BATCH(c));
        if (b->state == FK_BATCH_FREE) {
            fk_text_add(why, "card ");
            fk_text_num(why, i);
            fk_text_add(why, ": its batch is gone");
            return FK_CORRUPT;
        }

        bucket = fk_card_bucket(fk, b->product, c->sealed);
        c->hnext = *bucket;
        *bucket = i;

        if (c->owner != FK_OWNER_POOL) {
            continue;
        }

        p = FK_PRODUCT(fk, b->product);

        if (b->state == FK_BATCH_LIVE) {
            p->available++;

            if (p->kind == FK_KIND_SHARED && p->importing == i) {
                c->next = 0;
                continue;
            }
        }

        c->next = b->head;
        b->head = i;

        if (b->tail == 0) {
            b->tail = i;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_batches(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t         i, next, live;
    fk_region_t     *r;
    fk_batch_rec_t  *b;

    r = fk->region;
    live = 0;

    for (i = r->table[FK_TABLE_BATCHES].fresh; i > 0; i--) {
        b = FK_BATCH(fk, i);

        if (b->state == FK_BATCH_LIVE) {
            b->next = live;
            live = i;

        } else if (b->state != FK_BATCH_FREE) {
            b->state = FK_BATCH_ABORTED;
            b->next = r->aborted;
            r->aborted = i;
        }
    }

    for (i = fk_sort(fk, &fk_by_commit, live); i != 0; i = next) {
        b = FK_BATCH(fk, i);
        next = b->next;
        b->next = 0;

        if (b->head != 0) {
            fk_pool_append(fk, FK_PRODUCT(fk, b->product), b->head, b->tail);
            b->head = 0;
            b->tail = 0;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_keys(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t           i, key;
    fk_card_rec_t     *c;
    fk_batch_rec_t    *b;
    fk_product_rec_t  *p;

    for (i = 1; i <= fk->region->table[FK_TABLE_PRODUCTS].fresh; i++) {
        p = FK_PRODUCT(fk, i);
        key = p->importing;
        p->importing = 0;

        if (key == 0) {
            continue;
        }

        c = key <= fk->region->table[FK_TABLE_CARDS].fresh ? FK_CARD(fk, key)
                                                           : NULL;
        b = c != NULL && c->owner == FK_OWNER_POOL
            ? FK_BATCH(fk, FK_CARD_BATCH(c)) : NULL;

        if (b == NULL || b->state != FK_BATCH_LIVE || b->product != i
            || p->kind != FK_KIND_SHARED)
        {
            fk_text_add(why, "product ");
            fk_text_add(why, p->sku);
            fk_text_add(why, ": the key that it sells is not there");
            return FK_CORRUPT;
        }

        fk_pool_append(fk, p, key, key);
    }

    return FK_OK;
}


/*
 * Products whose import was cut off take no other before its cards are gone.
 * Only now, because until here importing was the key of a shared product.
 */

static fk_code_t
fk_rebuild_aborted(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t         i;
    fk_batch_rec_t  *b;

    for (i = fk->region->aborted; i != 0; i = b->next) {
        b = FK_BATCH(fk, i);

        if (b->head != 0) {
            FK_PRODUCT(fk, b->product)->importing = i;
        }
    }

    return FK_OK;
}


static fk_code_t
fk_rebuild_orders(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t           i, next, waiting;
    fk_units_t         units;
    fk_order_rec_t    *o;
    fk_product_rec_t  *p;

    waiting = 0;

    for (i = 1; i <= fk->region->table[FK_TABLE_ORDERS].fresh; i++) {
        o = FK_ORDER(fk, i);
        if (!o->used) {
            continue;
        }

        p = FK_PRODUCT(fk, o->product);
        units = fk_order_units(o->qty, o->axis_stock);

        p->held += units.held;
        p->sold += units.sold;
        p->owed += units.owed;
        p->revoked += units.revoked;
        p->orders_count++;

        o->queued = FK_QUEUED_NO;
        o->prev = 0;
        o->next = 0;

        if (o->axis_stock == FK_STOCK_SHORT) {
            o->next = waiting;
            waiting = i;

        } else if (o->axis_stock == FK_STOCK_HELD) {
            fk_wheel_insert(fk, i);
            fk_commit(fk);
        }
    }

    for (i = fk_sort(fk, &fk_by_wait, waiting); i != 0; i = next) {
        next = FK_ORDER(fk, i)->next;
        fk_wait_append(fk, i);
        fk_commit(fk);
    }

    return FK_OK;
}


/* A stock number without cards: what is left of it is all there is to know. */

static fk_code_t
fk_rebuild_counted(fk_t *fk, const fk_env_t *env, fk_text_t *why)
{
    uint32_t           i;
    fk_product_rec_t  *p;

    for (i = 1; i <= fk->region->table[FK_TABLE_PRODUCTS].fresh; i++) {
        p = FK_PRODUCT(fk, i);

        if (p->kind == FK_KIND_COUNTED) {
            p->available = p->imported - p->voided - p->held - p->sold
                           - p->archived_units;
        }
    }

    return FK_OK;
}


static void
fk_pool_append(fk_t *fk, fk_product_rec_t *p, uint32_t first, uint32_t last)
{
    if (p->pool_tail == 0) {
        p->pool_head = first;
    } else {
        FK_CARD(fk, p->pool_tail)->next = first;
    }

    p->pool_tail = last;
}


/*
 * Merge sort of a linked list, from the bottom up: a list that meets another
 * of its size is merged with it, as a carry goes through a counter.
 */

static uint32_t
fk_sort(const fk_t *fk, const fk_sort_t *by, uint32_t list)
{
    uint32_t  i, n, next, sorted[FK_SORT_LISTS];

    memset(sorted, 0, sizeof(sorted));

    for ( /* void */ ; list != 0; list = next) {
        next = *by->next(fk, list);
        *by->next(fk, list) = 0;
        i = list;

        for (n = 0; n < FK_SORT_LISTS - 1 && sorted[n] != 0; n++) {
            i = fk_sort_merge(fk, by, sorted[n], i);
            sorted[n] = 0;
        }

        assert(sorted[n] == 0);
        sorted[n] = i;
    }

    i = 0;
    for (n = 0; n < FK_SORT_LISTS; n++) {
        i = fk_sort_merge(fk, by, sorted[n], i);
    }

    return i;
}


static uint32_t
fk_sort_merge(const fk_t *fk, const fk_sort_t *by, uint32_t a, uint32_t b)
{
    uint32_t  head, *link;

    link = &head;

    while (a != 0 && b != 0) {
        if (by->before(fk, b, a)) {
            *link = b;
            link = by->next(fk, b);
            b = *link;

        } else {
            *link = a;
            link = by->next(fk, a);
            a = *link;
        }
    }

    *link = a != 0 ? a : b;
    return head;
}


static uint32_t *
fk_batch_next(const fk_t *fk, uint32_t i)
{
    return &FK_BATCH(fk, i)->next;
}


/* The last record of a live batch is the one of its commit. */

static int
fk_batch_before(const fk_t *fk, uint32_t a, uint32_t b)
{
    return FK_BATCH(fk, a)->seq < FK_BATCH(fk, b)->seq;
}


static uint32_t *
fk_order_next(const fk_t *fk, uint32_t i)
{
    return &FK_ORDER(fk, i)->next;
}


/*
 * The last record of an order that waits is the one that made it wait, so
 * numbers stand as the list stood.  The time of payment does not: clocks are
 * set back, and an order may wait for a person before it waits for stock.
 */

static int
fk_order_before(const fk_t *fk, uint32_t a, uint32_t b)
{
    return FK_ORDER(fk, a)->seq < FK_ORDER(fk, b)->seq;
}
