/*
 * Inside of the keeper: what its files share.
 *
 *     fj_keeper.c        what is due; writing a snapshot
 *     fj_keeper_cut.c    the keys; cutting what a new snapshot made old
 *     fj_keeper_order.c  the archive
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
/* What was written shall be on the replicas before anything follows. */
void fj_keeper_wait(fj_keeper_t *k);
/* The next step of what is under way. */
void fj_keeper_again(fj_keeper_t *k, int64_t delay_ms);

/* fj_keeper_cut.c */

/* faka:{SHOP}:snapshot:NAME */
void fj_keeper_key(const fj_keeper_t *k, char key[FJ_KEY_SIZE],
    const char *name);
/* The last entry of the index. */
void fj_keeper_ask_last(fj_keeper_t *k);
/* Is it an entry?  Then *id is its id. */
int fj_keeper_entry(const fj_reply_t *entry, fj_id_t *id);
/* Appends the mark behind which the journal goes on after healing. */
void fj_keeper_mark(fj_keeper_t *k);
/* The snapshot counts: what it covers is cut, what it replaces goes. */
void fj_keeper_cut(fj_keeper_t *k);

/* fj_keeper_order.c */

/* Stores some finished orders, if there are any. */
void fj_keeper_archive(fj_keeper_t *k);
/* They are stored. */
void fj_keeper_drop(fj_keeper_t *k);


#endif /* FJ_KEEP_H_INCLUDED_ */
