/*
 * Inside of the keeper: what its files share.
 *
 *     fj_keeper.c        what is due; writing a snapshot
 *     fj_keeper_count.c  making it count; healing
 *     fj_keeper_cut.c    cutting what a new snapshot made old
 *     fj_keeper_order.c  storing finished orders
 *     fj_keeper_drop.c   .. and dropping them from the region
 */

#ifndef FJ_KEEP_H_INCLUDED_
#define FJ_KEEP_H_INCLUDED_


#include "fj_keeper.h"
#include "fj_priv.h"


/* fj_keeper.c */
fj_keeper_t *fj_keeper_of(fj_link_t *link);
int64_t fj_keeper_now_ms(const fj_keeper_t *k);
/* What is under way ends here, and is begun anew after a while. */
void fj_keeper_give_up(fj_keeper_t *k);
/* Somebody has taken the shop over under that epoch. */
void fj_keeper_fenced(fj_keeper_t *k, uint64_t epoch);
/* What was written shall be on the replicas before anything follows. */
void fj_keeper_wait(fj_keeper_t *k);
/* The next step of what is under way. */
void fj_keeper_again(fj_keeper_t *k, int64_t delay_ms);

/* A part more of the snapshot, or, behind the last one, whether it is still
 * ours to write. */
fk_code_t fj_keeper_step(fj_keeper_t *k);
/* The id of the snapshot's epoch with this number; it is k->sent. */
void fj_keeper_id(fj_keeper_t *k, uint64_t number, char text[FJ_ID_SIZE]);
/* 1: what was sent stands where it should.  0: it does not, and what follows
 * from that is done. */
int fj_keeper_appended(fj_keeper_t *k, const fj_reply_t *reply,
    const char *doing);

/* fj_keeper_count.c */

/* All parts are written; and whether the journal has reached their end. */
void fj_keeper_settle_begin(fj_keeper_t *k);
void fj_keeper_settle(fj_keeper_t *k);
/* All that healing is has been done. */
void fj_keeper_sells_again(fj_keeper_t *k);

/* fj_keeper_cut.c */

/* The snapshot counts: what it covers is cut, what it replaces goes. */
void fj_keeper_cut(fj_keeper_t *k);

/* fj_keeper_order.c */

/* Stores some finished orders, if there are any. */
void fj_keeper_archive(fj_keeper_t *k);
/* Is the table of orders nearly full? */
int fj_keeper_is_full(const fj_keeper_t *k);

/* fj_keeper_drop.c */

/* Redis has those on their way: they age, and the oldest may leave. */
void fj_keeper_stored(fj_keeper_t *k);
/* The oldest may leave, once Redis has shown that it lives. */
int fj_keeper_ripe(const fj_keeper_t *k);
/* Whatever was stored, and has not left, is stored again. */
void fj_keeper_forget_orders(fj_keeper_t *k);
/* k->epoch is the shop's; with another one comes another region. */
void fj_keeper_same_epoch(fj_keeper_t *k);


#endif /* FJ_KEEP_H_INCLUDED_ */
