/*
 * A snapshot in memory, beside the journal of journal_shop.h: its parts, one
 * behind the other, and a region recovered from both.
 */

#ifndef FAKA_JOURNAL_PARTS_H_INCLUDED_
#define FAKA_JOURNAL_PARTS_H_INCLUDED_


#include "journal_shop.h"


#define WALKER          7              /* who owns the snapshot */
#define PARTS_SIZE_MAX  ((size_t) 16 << 20)


static uint8_t       *parts;
static size_t         parts_size;
static fk_snapshot_t  snapshot;


__attribute__((unused))
static void
parts_begin(void)
{
    if (parts == NULL) {
        parts = malloc(PARTS_SIZE_MAX);
        shop_must(parts != NULL, "memory");
    }

    parts_size = 0;
    shop_must(fk_snapshot_begin(&shop, &shop_env, WALKER, 0, &snapshot)
              == FK_OK, "snapshot");
}


__attribute__((unused))
static fk_code_t
parts_step(void)
{
    size_t     size;
    fk_code_t  rc;

    shop_must(parts_size + FK_SNAPSHOT_PART_SIZE_MAX <= PARTS_SIZE_MAX,
              "parts");
    rc = fk_snapshot_step(&shop, &shop_env, WALKER, 0, parts + parts_size,
                          FK_SNAPSHOT_PART_SIZE_MAX, &size, &snapshot);
    parts_size += size;
    return rc;
}


/* A snapshot of a shop that stands still. */
__attribute__((unused))
static void
parts_take(void)
{
    fk_code_t  rc;

    parts_begin();

    do {
        rc = parts_step();
    } while (rc == FK_AGAIN);

    shop_must(rc == FK_OK, "step");
    fk_snapshot_end(&shop, WALKER);
}


/* What stands in the kept journal behind the record with this number. */
__attribute__((unused))
static size_t
kept_behind(uint64_t seq)
{
    size_t  at;

    for (at = 0; at < kept_size; at = kept_next(at)) {
        if (fk_get(kept + at + 8, 8) > seq) {
            break;
        }
    }

    return at;
}


__attribute__((unused))
static fk_code_t
parts_recover(fk_t *fk, char why[256])
{
    size_t     at, from;
    fk_code_t  rc;

    why[0] = '\0';
    shop_must(fk_recover_begin(fk, 2, 0) == FK_OK, "begin");

    rc = fk_snapshot_load(fk, 2, 0, parts, parts_size, &at);
    if (rc != FK_OK) {
        snprintf(why, 256, "load stopped at %zu of %zu", at, parts_size);
        return rc;
    }

    from = kept_behind(fk_recover_seq(fk));

    rc = fk_apply(fk, 2, 0, kept + from, kept_size - from, &at);
    if (rc != FK_OK) {
        snprintf(why, 256, "apply stopped at %zu of %zu", at,
                 kept_size - from);
        return rc;
    }

    return fk_recover_end(fk, &shop_env, 2, 2, why, 256);
}


#endif /* FAKA_JOURNAL_PARTS_H_INCLUDED_ */
