/*
 * The keeper: what a shop needs done beside selling, over a connection of its
 * own, so that no buyer waits behind it.
 *
 *   snapshots  the whole shop written to Redis when the journal has grown or
 *              time has passed; then the journal is cut.  A shop that heals
 *              (its journal lost what only memory has) is written at once.
 *   archive    finished orders stored, up to 32 by one command, then dropped
 *              from the region.
 *
 * What it promises.  A snapshot counts only by its "done" entry in the index,
 * which comes after all its parts and after the journal has all that it
 * needs; the journal is cut only after that.  A server that was fenced can
 * neither make one count nor spoil another's: Redis refuses its ids, and its
 * orders.  An order is dropped only when the archive has it on its disk, or,
 * where Redis does not fsync before it answers, some seconds later, which is
 * enough for "appendfsync everysec" and for nothing less.  Every process has a
 * keeper; the engine's lease lets one at a time write a snapshot, and another
 * goes on when it dies.  wake() of its shell: there are records to send, or an
 * answer to who waits.
 *
 * As the machine of fj.h, it has no I/O, clock, randomness or memory of its
 * own: its link's events go to fj_connected(), fj_closed(), fj_reply() and
 * fj_timer().
 */

#ifndef FJ_KEEPER_H_INCLUDED_
#define FJ_KEEPER_H_INCLUDED_


#include "fj.h"


#define FJ_KEEPER_CHUNK_SIZE    ((size_t) 128 << 10)     /* of one entry */
#define FJ_KEEPER_BATCH         32     /* orders stored by one command */
#define FJ_KEEPER_AGING         20480  /* stored, and not dropped yet */
#define FJ_KEEPER_TEXT_MAX      ((size_t) 384 << 10)     /* of a batch */

/* What the caller gives it to work in, for as long as it lives. */
#define FJ_KEEPER_ROOM          (FJ_KEEPER_TEXT_MAX + FK_ARCHIVE_SIZE_MAX)

_Static_assert(FJ_KEEPER_ROOM >= FJ_KEEPER_CHUNK_SIZE
                                 + FK_SNAPSHOT_PART_SIZE_MAX,
               "a snapshot's entry fits as well");


/* An order that is stored, or about to be. */
typedef struct {
    fk_order_id_t  id;
    uint64_t       seq;                /* as fk_archive_read() told */
    int64_t        stored_ms;
} fj_keeper_order_t;

typedef struct {
    uint64_t   snapshot_size;          /* of journal since the last one */
    uint32_t   snapshot_s;
    uint32_t   retention_s;            /* of finished orders, in memory */
    uint32_t   archive_s;              /* how long the archive keeps them */
    uint8_t   *room;                   /* FJ_KEEPER_ROOM bytes */
    fj_keeper_order_t  *aging;         /* FJ_KEEPER_AGING of them */

    /*
     * The order as the archive shall hold it, at most room bytes into out:
     * returns how many, 0 if it does not fit.  It begins with '{', which the
     * version of the order takes the place of.  record is what
     * fk_archive_restore() takes; it must be in it.  data: the shell's.
     */
    size_t   (*text)(void *data, const fk_order_view_t *order,
        const uint8_t *record, size_t size, char *out, size_t room);
} fj_keeper_conf_t;


typedef enum {
    FJ_KEEPER_IDLE = 0,
    FJ_KEEPER_INDEX,                   /* where the index is */
    FJ_KEEPER_WRITING,                 /* parts */
    FJ_KEEPER_SETTLING,                /* until the journal has end_seq */
    FJ_KEEPER_CLOSING,                 /* done, mark */
    FJ_KEEPER_CUTTING,                 /* the journal, older snapshots */
    FJ_KEEPER_ARCHIVING
} fj_keeper_phase_t;

typedef struct {
    fj_link_t                link;
    const fj_conf_t         *conf;
    const fj_keeper_conf_t  *kept;
    fk_t                    *fk;
    fj_keeper_phase_t        phase;
    int64_t                  again_at_ms;   /* not before, after a failure */
    int64_t                  began_ms;      /* the snapshot */
    int64_t                  paced_ms;      /* the last step */
    uint64_t                 paced_seq;     /* .. and the record then */

    fk_snapshot_t            snapshot;
    fj_id_t                  sent;          /* of the append on its way */
    fj_id_t                  own;           /* of its "begin" */
    fj_id_t                  forget;        /* the index, up to there */
    uint64_t                 entry;         /* of parts, the last sent */
    uint64_t                 tail_bytes;    /* of journal, when it began */
    size_t                   used;          /* bytes of parts in the room */
    int                      healing;
    int                      walked;        /* that was the last part */
    int                      healing_said;
    int                      unfinished_said;
    int64_t                  settle_until_ms;

    uint32_t                 cursor;        /* of the archive */
    uint32_t                 order_count;   /* on their way */
    uint32_t                 aging_first;   /* in the ring kept->aging */
    uint32_t                 aging_count;
    uint64_t                 epoch;         /* of the shop they are from */
    int64_t                  asked_ms;      /* the EVAL was sent */
    fj_keeper_order_t        order[FJ_KEEPER_BATCH];

    char                     name[FJ_ID_SIZE];        /* of own, as text */
    char                     journal_key[FJ_KEY_SIZE];
    char                     index_key[FJ_KEY_SIZE];
} fj_keeper_t;


/* Where the archive of conf's shop has an order. */
void fj_keeper_order_key(char key[FJ_KEY_SIZE], const fj_conf_t *conf,
    const fk_order_id_t *id);

/* As fj_start() and fj_stop(). */
void fj_keeper_start(fj_keeper_t *k, const fj_conf_t *conf,
    const fj_keeper_conf_t *kept, const fj_shell_t *shell, void *data);
void fj_keeper_stop(fj_keeper_t *k);


#endif /* FJ_KEEPER_H_INCLUDED_ */
