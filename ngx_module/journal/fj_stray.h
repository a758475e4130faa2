/*
 * Strays: payments that a gateway has proved, and for which the shop has no
 * order, or has one of another channel.  Nothing of the engine can hold such
 * money, so it is kept beside the journal, in the hash faka:{SHOP}:strays,
 * until it is booked after all or a person has settled it.
 *
 * One field a payment, CHANNEL/TRADE_NO/ORDER, for a gateway may use a number
 * twice; what is said of it again changes nothing, so that who repeats a
 * notice costs Redis no write.  What a person has settled is remembered for
 * longer than any gateway repeats it, in faka:{SHOP}:settled, and not kept
 * again.  Whatever is
 * done is one command, a script, whose reply is one text: Redis looks itself
 * how many there are, and no two servers can count past one another.
 *
 * The reader (fj_reader.h) carries them.
 */

#ifndef FJ_STRAY_H_INCLUDED_
#define FJ_STRAY_H_INCLUDED_


#include "fj.h"


/* Each was paid for, so nobody forges them in; but the account may be shared
 * with a shop that sells much, and lose its way to here. */
#define FJ_STRAYS_MAX       "10000"
#define FJ_STRAY_SETTLED_S  "2592000"      /* since the last one was */


typedef enum {
    FJ_STRAY_KEEP = 0,
    FJ_STRAY_DROP,
    FJ_STRAY_SETTLE,
    FJ_STRAY_COUNT,
    FJ_STRAY_LIST,                     /* some of them, and where to go on */
    FJ_STRAY_DO_COUNT
} fj_stray_do_t;

/* NUL-terminated, in place until it is answered or taken back; "" where it is
 * of no use. */
typedef struct {
    fj_stray_do_t  what;
    const char    *field;              /* LIST: the cursor; "0" to begin */
    const char    *text;               /* KEEP: what is to stand there; "":
                                          only whether it would */
    uint64_t       epoch;              /* KEEP: of whoever knows no order */
} fj_stray_t;


/*
 * What a script has answered, for all but LIST.  done: KEEP, 1 it stands
 * there, 0 it is not kept, 2 a person has settled it, 3 somebody has taken the
 * shop over since epoch; DROP, SETTLE, 1 it stood there; count: how many there
 * are now.  0: that is no answer of it.
 */
int fj_stray_read(const char *text, size_t size, uint64_t *done,
    uint64_t *count);

/*
 * Cuts the next line off *text, of *size bytes: of LIST the cursor, then field
 * and text in turn.  0: there is none.
 */
int fj_stray_line(const char **text, size_t *size, const char **line,
    size_t *line_size);


#endif /* FJ_STRAY_H_INCLUDED_ */
