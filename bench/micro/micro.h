/*
 * The engine's operations, measured one by one: what its files share.
 *
 *     micro.c       rounds, threads, the clock
 *     micro_ops.c   the operations
 */

#ifndef FAKA_MICRO_H_INCLUDED_
#define FAKA_MICRO_H_INCLUDED_


#include "fk.h"


#define MICRO_THREADS_MAX  2
#define MICRO_CHUNK        960         /* of one thread, between two flushes */
#define MICRO_CARD_SIZE    32


/* What one thread works on, made ready before the clock starts. */

typedef struct {
    fk_t           fk;
    fk_env_t       env;
    uint32_t       thread;
    uint32_t       count;              /* orders of the whole round */
    uint32_t       batch;              /* its import */
    int64_t        began_ns;
    int64_t        ended_ns;
    uint32_t       done;

    fk_order_id_t  id[MICRO_CHUNK];
    fk_checkout_t  cart[MICRO_CHUNK];
    char           trade_no[MICRO_CHUNK][32];
    fk_pay_t       pay[MICRO_CHUNK];
    uint8_t        sealed[MICRO_CHUNK][MICRO_CARD_SIZE + FK_SEAL_SIZE];
    fk_card_in_t   card[MICRO_CHUNK];
} micro_worker_t;


/*
 * share: how many of them there are for each order of a round, in halves.
 * prepare: for n operations, from the first-th of all threads on; not timed.
 * run: does them, and returns how many it did.
 */

typedef struct {
    const char  *name;
    uint32_t     share;
    void       (*prepare)(micro_worker_t *w, uint32_t first, uint32_t n);
    uint32_t   (*run)(micro_worker_t *w, uint32_t n);
} micro_op_t;

#define MICRO_OPS  6

extern const micro_op_t  micro_ops[MICRO_OPS];


void micro_must(int condition, const char *what);
void micro_shop(micro_worker_t *w);
void micro_import_begin(micro_worker_t *w);
void micro_import_end(micro_worker_t *w);


#endif /* FAKA_MICRO_H_INCLUDED_ */
