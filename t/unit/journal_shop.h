/*
 * A journal in memory for the engine's tests: what the flush protocol hands
 * out is kept, and another region is recovered from it and compared.
 */

#ifndef FAKA_JOURNAL_SHOP_H_INCLUDED_
#define FAKA_JOURNAL_SHOP_H_INCLUDED_


#include "engine_shop.h"
#include "fk_journal.h"


#define KEPT_SIZE_MAX  ((size_t) 64 << 20)


static uint8_t  *kept;                 /* the journal, all batches */
static size_t    kept_size;


/* Takes over whatever is not durable yet. */
__attribute__((unused))
static void
kept_flush(void)
{
    int         n;
    fk_batch_t  batch;

    if (kept == NULL) {
        kept = malloc(KEPT_SIZE_MAX);
        shop_must(kept != NULL, "memory");
    }

    while (fk_flush_take(&shop, 1, 0, &batch) == FK_FLUSH_SEND) {
        for (n = 0; n < 2; n++) {
            shop_must(kept_size + batch.size[n] <= KEPT_SIZE_MAX, "kept");
            memcpy(kept + kept_size, batch.part[n], batch.size[n]);
            kept_size += batch.size[n];
        }

        shop_must(fk_flush_done(&shop, 1, batch.last_seq) == FK_OK, "done");
    }
}


__attribute__((unused))
static void
region_new(fk_t *fk, size_t size)
{
    void        *mem;
    const char  *why;

    /* No two regions have the same: nothing of it may be in a journal. */
    static const uint8_t  seed[FK_SEED_SIZE] = "of another one";

    mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shop_must(mem != MAP_FAILED, "mmap");
    shop_must(fk_format(mem, size, seed) == FK_OK, "format");
    shop_must(fk_attach(fk, mem, size, &why) == FK_OK, "attach");
}


__attribute__((unused))
static void
region_drop(fk_t *fk)
{
    (void) munmap(fk->base, fk->size);
}


/* Recovers *fk from the first size bytes of the journal, in pieces. */
__attribute__((unused))
static fk_code_t
region_recover(fk_t *fk, const uint8_t *data, size_t size, char why[256])
{
    size_t     at;
    fk_code_t  rc;

    shop_must(fk_recover_begin(fk, 2, 0) == FK_OK, "begin");

    rc = fk_apply(fk, 2, 0, data, size, &at);
    if (rc != FK_OK) {
        snprintf(why, 256, "apply stopped at %zu of %zu", at, size);
        return rc;
    }

    return fk_recover_end(fk, &shop_env, 2, 2, why, 256);
}


/* The end of the record at this offset. */
__attribute__((unused))
static size_t
kept_next(size_t at)
{
    return at + fk_get(kept + at, 4);
}


/*
 * Makes a record whose bytes were changed pass for a good one, so that what
 * is behind the checksum gets tested.
 */
__attribute__((unused))
static void
record_seal(uint8_t *record)
{
    fk_put(record + 4, fk_crc32c(0, record + 8, fk_get(record, 4) - 8), 4);
}


#endif /* FAKA_JOURNAL_SHOP_H_INCLUDED_ */
