/*
 * The reader: looks archived orders up, over a connection of its own, so that
 * neither a buyer's records nor a snapshot wait for it; and what is done about
 * strays (fj_stray.h), which are as rare.
 *
 * What it promises.  Each look-up that was taken is answered once, within
 * FJ_READER_WAIT_MS: the archive has the order, or it has not, or nobody can
 * say now.  These three are never taken for each other: who has paid for an
 * order that is only in the archive must not be told that there is none.  At
 * most FJ_READER_ASKS_MAX wait; they are asked for in turn, one command at a
 * time.
 *
 * Of a stray nobody can say, too, where Redis refuses what is asked of it: an
 * order that is looked up meanwhile is found all the same.
 *
 * What it does not do.  It keeps nothing of an answer and judges no text.
 *
 * As the machine of fj.h, it has no I/O, clock, randomness or memory of its
 * own: its link's events go to fj_connected(), fj_closed(), fj_reply() and
 * fj_timer().
 */

#ifndef FJ_READER_H_INCLUDED_
#define FJ_READER_H_INCLUDED_


#include "fj.h"
#include "fj_stray.h"


#define FJ_READER_ASKS_MAX      256
#define FJ_READER_WAIT_MS       1500


typedef enum {
    FJ_ANSWER_FOUND = 0,
    FJ_ANSWER_NONE,                    /* the archive has no such order */
    FJ_ANSWER_LOST                     /* it could not be asked */
} fj_answer_t;


/* A look-up.  The caller's memory, in place until it is answered or taken
 * back; what is in it is the reader's. */

typedef struct fj_ask_s  fj_ask_t;

struct fj_ask_s {
    fj_ask_t          *prev;
    fj_ask_t          *next;
    fk_order_id_t      id;
    const fj_stray_t  *stray;          /* NULL: the order is looked up */
    int64_t            until_ms;
};


/*
 * text is what the archive has, for FOUND, or what the script of a stray has
 * answered; it belongs to the shell and is not kept beyond the call.  data:
 * the shell's.  It must not call into the reader; wake() of the shell comes
 * when the reader may be used again.
 */
typedef void (*fj_answer_pt)(void *data, fj_ask_t *ask, fj_answer_t answer,
    const char *text, size_t size);


typedef struct {
    fj_link_t         link;
    const fj_conf_t  *conf;
    fj_answer_pt      answer;

    fj_ask_t          asks;            /* a ring, the oldest is next */
    uint32_t          asks_count;
    fj_ask_t         *asked;           /* its command is on its way */
} fj_reader_t;


/* As fj_start() and fj_stop(); who waits at the stop gets no answer. */
void fj_reader_start(fj_reader_t *r, const fj_conf_t *conf,
    fj_answer_pt answer, const fj_shell_t *shell, void *data);
void fj_reader_stop(fj_reader_t *r);

/*
 * Takes a look-up: 1.  0: too many wait, or there is no connection; nothing
 * was changed.  The answer never comes in this call.
 */
int fj_reader_ask(fj_reader_t *r, fj_ask_t *ask, const fk_order_id_t *id);

/* The same for what is to be done about a stray. */
int fj_reader_stray(fj_reader_t *r, fj_ask_t *ask, const fj_stray_t *stray);

/* Takes it back: it is not answered any more. */
void fj_reader_forget(fj_reader_t *r, fj_ask_t *ask);


#endif /* FJ_READER_H_INCLUDED_ */
