/*
 * The archive's second half: orders that are stored leave the region, when
 * they are sure to be on the disk.
 *
 * Redis has an order alone from then on, and a reply tells that it is on the
 * disk only under "appendfsync always".  Else it has to age: Redis writes at
 * once, or after at most 2 s behind an fsync that is slow, and syncs each
 * second.  What shows that the machine lived so long is a reply to a command
 * that was sent after that time, over the same connection; with the
 * connection goes all that ages, and is stored again.
 *
 * An order that changes before it leaves does not leave: its number tells,
 * and it is stored again when it is finished anew.
 */

#include "fj_keep.h"


#define FJ_ARCHIVE_PACE_MS      4      /* between two batches */
#define FJ_ARCHIVE_PACE_FULL_MS 1
#define FJ_ARCHIVE_AGE_MS       3000
#define FJ_ARCHIVE_LEAVE_MAX    (2 * FJ_KEEPER_BATCH)    /* at a time */

_Static_assert(FJ_KEEPER_AGING / (FJ_ARCHIVE_AGE_MS / 1000) >= 5000,
               "so many leave in a second, at least");


static fj_keeper_order_t *fj_aging(const fj_keeper_t *k, uint32_t n);
static int fj_aged(const fj_keeper_t *k, int64_t now_ms);
static void fj_leave(fj_keeper_t *k);


/* The n-th of those that age, the oldest being 0. */

static fj_keeper_order_t *
fj_aging(const fj_keeper_t *k, uint32_t n)
{
    return &k->kept->aging[(k->aging_first + n) % FJ_KEEPER_AGING];
}


static int
fj_aged(const fj_keeper_t *k, int64_t now_ms)
{
    return k->aging_count != 0
           && (k->link.fsync == 1
               || fj_aging(k, 0)->stored_ms + FJ_ARCHIVE_AGE_MS <= now_ms);
}


int
fj_keeper_ripe(const fj_keeper_t *k)
{
    return fj_aged(k, fj_keeper_now_ms(k));
}


void
fj_keeper_forget_orders(fj_keeper_t *k)
{
    k->order_count = 0;
    k->aging_count = 0;
    k->cursor = 0;
}


/* What was read from a shop that has since been another server's, and came
 * back, is not what it holds now. */

void
fj_keeper_same_epoch(fj_keeper_t *k)
{
    fk_journal_view_t  view;

    fk_journal_view(k->fk, &view);

    if (view.epoch != k->epoch) {
        k->epoch = view.epoch;
        fj_keeper_forget_orders(k);
    }
}


void
fj_keeper_stored(fj_keeper_t *k)
{
    uint32_t            i;
    int64_t             now_ms;
    fj_keeper_order_t  *order;

    assert(k->aging_count + k->order_count <= FJ_KEEPER_AGING);
    now_ms = fj_keeper_now_ms(k);

    for (i = 0; i < k->order_count; i++) {
        order = fj_aging(k, k->aging_count);
        *order = k->order[i];
        order->stored_ms = now_ms;
        k->aging_count++;
    }

    k->order_count = 0;
    fj_link_works(&k->link);
    fj_keeper_same_epoch(k);
    fj_leave(k);

    k->phase = FJ_KEEPER_IDLE;
    fj_keeper_again(k, fj_keeper_is_full(k) ? FJ_ARCHIVE_PACE_FULL_MS
                                            : FJ_ARCHIVE_PACE_MS);
}


static void
fj_leave(fj_keeper_t *k)
{
    fk_env_t            env;
    uint32_t            n;
    fk_code_t           code;
    fj_keeper_order_t  *order;

    env.now_ms = k->link.shell->unix_ms(k->link.data);

    for (n = 0; n < FJ_ARCHIVE_LEAVE_MAX && fj_aged(k, k->asked_ms); n++) {
        order = fj_aging(k, 0);
        code = fk_archive_drop(k->fk, &env, &order->id, order->seq);

        if (code == FK_AGAIN || code == FK_RING_FULL
            || code == FK_LOCK_TIMEOUT)
        {
            /* A snapshot, or records that are to be sent first. */
            break;
        }

        if (code == FK_OK) {
            fk_stat_add(k->fk, FJ_STAT_ARCHIVED, 1);
        }

        k->aging_first = (k->aging_first + 1) % FJ_KEEPER_AGING;
        k->aging_count--;
    }

    if (n != 0) {
        /* What left is in the ring, and wants to be sent. */
        k->link.shell->wake(k->link.data);
    }
}
