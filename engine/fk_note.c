/*
 * What stands on an order besides its facts: how its amount came about, and
 * why a person should look at it.  Both are in blocks, as most orders have
 * neither.
 */

#include "fk_priv.h"


static int fk_steps_plain(const int64_t *step);


uint32_t
fk_note_blocks(const int64_t *step, size_t reason_size)
{
    return !fk_steps_plain(step) + FK_BLOCKS_FOR(reason_size);
}


uint32_t
fk_note_steps(fk_t *fk, const int64_t *step)
{
    if (fk_steps_plain(step)) {
        return 0;
    }

    return fk_blob_make(fk, (const uint8_t *) step, FK_STEPS_SIZE);
}


/* Whether each of them is the amount, so that nothing need be kept. */

static int
fk_steps_plain(const int64_t *step)
{
    uint32_t  n;

    for (n = 0; n < FK_STEPS_KEPT; n++) {
        if (step[n] != step[FK_STEP_COUPON]) {
            return 0;
        }
    }

    return 1;
}


int
fk_steps_good(const int64_t *step)
{
    uint32_t  n;

    for (n = 0; n < FK_STEP_COUNT; n++) {
        if (step[n] < 0 || step[n] > FK_AMOUNT_MAX) {
            return 0;
        }
    }

    return 1;
}


void
fk_steps_read(const fk_t *fk, const fk_order_rec_t *o,
    int64_t step[FK_STEP_COUNT])
{
    uint32_t  n;

    for (n = 0; n < FK_STEP_COUNT; n++) {
        step[n] = o->amount;
    }

    if (o->steps != 0) {
        fk_blob_read(fk, o->steps, (uint8_t *) step, FK_STEPS_SIZE);
    }
}
