/*
 * Imports: cards that become stock in one step.  A part of fk.h, which
 * includes it: nobody else does.
 */

#ifndef FK_IMPORT_H_INCLUDED_
#define FK_IMPORT_H_INCLUDED_


/*
 * A batch of cards is staged in slices and becomes stock in one step.
 *
 *     begin -> add, add, ... -> commit      or abort at any time
 *
 * Until commit nothing of it can be sold; a batch whose import died is
 * taken apart by fk_tick() once its lease (renewed by each add) ran out, and
 * recovery drops it.  One import a product at a time: FK_BUSY_IMPORT, also
 * while an aborted one still has cards that fk_tick() has to take apart.
 */

#define FK_IMPORT_LEASE_MS      30000

typedef struct {
    const uint8_t  *sealed;            /* nonce, ciphertext, tag */
    uint16_t        size;              /* FK_SEAL_SIZE + 1 .. */
    const uint8_t  *old_nonce;         /* under the previous key, or NULL */
} fk_card_in_t;

typedef enum {
    FK_CARD_ACCEPTED = 0,
    FK_CARD_DUP_FILE,                  /* already in this batch */
    FK_CARD_DUP_STOCK                  /* already in the product */
} fk_card_result_t;

/* FK_CONFLICT: the product's kind holds no cards. */
fk_code_t fk_import_begin(fk_t *fk, const fk_env_t *env, fk_str_t sku,
    uint32_t *batch);

/*
 * n <= FK_IMPORT_SLICE_MAX.  All of the slice or nothing; on FK_RING_FULL
 * wait for the flush and call again with the same slice.
 */
fk_code_t fk_import_add(fk_t *fk, const fk_env_t *env, uint32_t batch,
    const fk_card_in_t *cards, uint32_t n, uint8_t *results);

fk_code_t fk_import_commit(fk_t *fk, const fk_env_t *env, uint32_t batch,
    uint32_t *accepted_count, uint64_t *seq);

/* Marks the batch; fk_tick() takes it apart. */
fk_code_t fk_import_abort(fk_t *fk, const fk_env_t *env, uint32_t batch);

/*
 * Whose the next import is that is under way, behind *slot (0 to begin),
 * which becomes its own; 0: there is none.  Takes no lock: a hint.
 */
uint64_t fk_import_owner(const fk_t *fk, uint32_t *slot);

/* Of a process that is known to be dead: the lease of that import is over,
 * and the next fk_tick() of this handle begins to take it apart. */
void fk_import_break(fk_t *fk, uint32_t slot, uint64_t dead_owner);


#endif /* FK_IMPORT_H_INCLUDED_ */
