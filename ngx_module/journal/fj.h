/*
 * The journal's protocol as a state machine: it carries the engine's records
 * to the stream faka:{SHOP}:journal of a Redis, and brings them back after a
 * restart.  Replies, timers and calls go in; commands, timers and log lines
 * come out, by a table of functions that the program around it (the shell)
 * fills.  No I/O, no clock, no randomness, no allocation, no globals.
 *
 * What it promises.  Records reach the stream in order and each exactly once
 * in effect: a repeated batch is refused by its id, an overlapping one is
 * passed over when it is read.  One connection has at most one command on its
 * way, and every wait is bounded by a timer.  Whatever the other side
 * answers, the machine goes on by a rule, gives the connection up and tries
 * again later, or stops and says why; it never trusts a size or a type.
 *
 * What it does not do.  It opens no socket, parses no bytes of the wire, and
 * decides nothing about orders: what is durable, and who may send, is the
 * engine's word (fk_flush_*, fk_recover_*).
 */

#ifndef FJ_H_INCLUDED_
#define FJ_H_INCLUDED_


#include "../../engine/fk.h"


#define FJ_SHOP_SIZE_MAX        32             /* of a shop's name */
#define FJ_KEY_SIZE             (FJ_SHOP_SIZE_MAX + 80)
#define FJ_INSTANCE_SIZE        16
#define FJ_LOG_SIZE             1024           /* of a line, with its NUL */
#define FJ_ARGC_MAX             72             /* words of one command */
#define FJ_ID_SIZE              48             /* of an id as text */
#define FJ_REPLY_DEPTH_MAX      4              /* arrays in arrays */
#define FJ_ADDRESSES_MAX        8              /* of one shop's Redis */
#define FJ_COMMANDS_MAX         48             /* rows of their table */
#define FJ_HOST_SIZE            46             /* numeric, with its NUL */
#define FJ_ADDRESS_SIZE         (FJ_HOST_SIZE + sizeof("[]:65535") - 1)

/* A page of the journal: 16 entries of four items each; CONFIG has fewer. */
#define FJ_REPLY_ITEMS_MAX      1024           /* a shell may refuse more */


typedef struct fj_s        fj_t;
typedef struct fj_link_s   fj_link_t;
typedef struct fj_reply_s  fj_reply_t;


/* --- replies ---------------------------------------------------------- */

typedef enum {
    FJ_REPLY_NIL = 0,
    FJ_REPLY_STRING,
    FJ_REPLY_STATUS,                   /* a word such as OK */
    FJ_REPLY_ERROR,
    FJ_REPLY_INTEGER,
    FJ_REPLY_ARRAY,
    FJ_REPLY_COUNT
} fj_reply_type_t;

/*
 * A reply, or an item of one.  It belongs to the shell and is not kept beyond
 * the call; text is never NULL where there is one, needs no NUL behind it and
 * may hold any bytes.
 */
struct fj_reply_s {
    fj_reply_type_t    type;
    const char        *text;           /* STRING, STATUS, ERROR */
    size_t             size;
    int64_t            number;         /* INTEGER */
    const fj_reply_t  *item;           /* ARRAY: count of them, in a row */
    size_t             count;
};


/* --- the shell -------------------------------------------------------- */

/* Each timer is its link's own; setting one that runs sets it anew. */
typedef enum {
    FJ_TIMER_WATCH = 0,                /* bounds a connect, a command */
    FJ_TIMER_RETRY,                    /* backoff; another's lease; pace */
    FJ_TIMER_FLUSH,                    /* 0 ms: at the end of this turn */
    FJ_TIMER_PULSE,
    FJ_TIMER_OWNER,                    /* the sign of life */
    FJ_TIMER_DRAIN,
    FJ_TIMER_COUNT
} fj_timer_t;

#define FJ_TIMER_OFF            (-1)

typedef enum {
    FJ_LOG_NOTICE = 0,
    FJ_LOG_WARN,
    FJ_LOG_ERR,
    FJ_LOG_EMERG
} fj_log_t;

typedef struct {
    const char  *text;                 /* for messages */
    const char  *path;                 /* of a unix socket, or NULL: */
    const char  *host;                 /* numeric */
    uint16_t     port;
} fj_address_t;

/* How the one Redis that is written to is found. */
typedef enum {
    FJ_MODE_SERVER = 0,                /* it is the one that is named */
    FJ_MODE_SENTINEL,                  /* sentinels are; they know it */
    FJ_MODE_CLUSTER,                   /* nodes are; any one points to it */
    FJ_MODE_COUNT
} fj_mode_t;

/*
 * What a link asks of the program around it; data is that program's own.
 * None of these may call into the machine before it has returned, and wake
 * and ring not before the event that they came from has: what they lead to
 * (a posted event, a reply that is there at once) comes as an event later.
 */
typedef struct {
    /* Steady, the same for all processes of the region, and as it is now. */
    int64_t   (*now_ms)(void *data);
    int64_t   (*unix_ms)(void *data);
    uint32_t  (*random)(void *data);

    /* 1: the process that owns a lease is known to be gone. */
    int       (*is_dead)(void *data, uint64_t owner);

    /*
     * 0: fj_connected() or fj_closed() will follow.  -1: neither will; the
     * shell has said why.  Never asked for in the call that closed another.
     */
    int       (*connect)(void *data, const fj_address_t *address);

    /* No event of this connection comes any more. */
    void      (*close)(void *data);

    /*
     * One command; the words are copied or sent before this returns.  0:
     * fj_reply() or fj_closed() will follow.  -1: it did not leave.
     */
    int       (*send)(void *data, int argc, const char *const *argv,
        const size_t *sizes);

    /* fj_timer() after delay_ms, once; FJ_TIMER_OFF: not at all. */
    void      (*timer)(void *data, fj_timer_t which, int64_t delay_ms);

    /* text: one line of less than FJ_LOG_SIZE bytes, printable. */
    void      (*log)(void *data, fj_log_t level, const char *text);

    /*
     * Something that requests of this process may wait for: the durable mark
     * moved, the connection came or went, the shop's state changed.
     */
    void      (*wake)(void *data);

    /* The durable mark moved: the other processes may want to know. */
    void      (*ring)(void *data);

    /*
     * A new generation sells on the listening sockets of this process: it
     * should leave them to it.  is_gone: nobody has sold there for a while;
     * this process should end, for it cannot have them back.  The machine is
     * stopped then.
     */
    void      (*replaced)(void *data, int is_gone);
} fj_shell_t;


/* --- what a machine is about ------------------------------------------ */

/* Read only for the machine, and lives as long as it does. */
typedef struct {
    const char    *shop;               /* 1 to FJ_SHOP_SIZE_MAX bytes */
    fk_t          *fk;
    uint64_t       owner;              /* for the engine's leases; never 0 */
    fj_mode_t      mode;
    uint32_t       address_count;      /* 1 for a server; else 1 or more */
    fj_address_t   address[FJ_ADDRESSES_MAX];    /* CLUSTER: no paths */
    const char    *master;             /* SENTINEL: what they call it */
    fk_str_t       sentinel_user;      /* the four empty: the default user */
    fk_str_t       sentinel_password;  /* empty: no AUTH */
    fk_str_t       user;
    fk_str_t       password;
    uint32_t       db;                 /* CLUSTER: 0 */
    uint32_t       pace_ms;            /* between batches; 0: none */

    /* Who we are, for other servers (fj_owner.c). */
    uint64_t       server;             /* pid of the master << 32 | .. */
    uint64_t       host;               /* where this pid means something */
    uint64_t       generation;         /* of the listening sockets */
    int            inherits;           /* them; somebody may still sell */
    int            standby;            /* waits a little longer than others */
    int            epoch_by_clock;     /* no lower than unix_ms */
    uint32_t       replicas;           /* that must have what counts */
} fj_conf_t;


/*
 * The lower layer: one connection that comes back by itself.  It finds the
 * master, connects, authenticates, selects the database, asks whether Redis
 * fsyncs, and is READY then; lost, it waits with a jittered backoff and begins
 * again.
 */
typedef enum {
    FJ_LINK_DOWN = 0,                  /* waits for its timer */
    FJ_LINK_CONNECTING,
    FJ_LINK_HANDSHAKE,
    FJ_LINK_READY,
    FJ_LINK_STOPPED,                   /* for good */
    FJ_LINK_STATE_COUNT
} fj_link_state_t;

/* What a link tells the machine that it carries. */
typedef struct {
    void  (*up)(fj_link_t *link);      /* READY from now on */
    void  (*down)(fj_link_t *link);    /* was READY; the backoff runs */
    void  (*timer)(fj_link_t *link, fj_timer_t which);
    int     asks_fsync;                /* what it writes is promised */
} fj_upper_t;

struct fj_link_s {
    uint32_t           magic;
    uint32_t           timers;         /* bits: which are running */
    const fj_conf_t   *conf;
    const fj_shell_t  *shell;
    void              *data;           /* the shell's */
    const fj_upper_t  *upper;
    void              *machine;        /* the one above, fj_t */

    fj_link_state_t    state;
    uint32_t           command;        /* on its way: a row of the table */
    uint32_t           replies;        /* .. that are to come */
    int64_t            backoff_ms;
    int                refused;        /* 1: something, since it worked */
    uint32_t           answered;       /* the command of the last reply */
    uint32_t           refused_sum[FJ_COMMANDS_MAX];  /* in the log, of each */
    int                is_lost;        /* it ended, and not by us */
    int                fsync;          /* 1, 0, -1 not known */
    int                fsync_said;     /* what of it is in the log, + 2 */
    int                evicts;         /* 1: redis, when its memory is full */
    int                evicts_said;

    fj_address_t       address;        /* connected to, or tried last */
    uint32_t           turn;           /* of conf's addresses, the next */
    uint32_t           redirects;      /* since the last backoff */
    int                is_sentinel;    /* what is at address */
    int                leaves;         /* address is the wrong place */
    int                is_told;        /* the next is the one told to us: */
    uint16_t           told_port;
    char               told_host[FJ_HOST_SIZE];
    char               told_text[FJ_ADDRESS_SIZE];
};


/* --- the machine ------------------------------------------------------ */

/* What a link that is READY is used for. */
typedef enum {
    FJ_PHASE_DOWN = 0,                 /* the link is not READY */
    FJ_PHASE_WAITING,                  /* another process recovers the shop */
    FJ_PHASE_RECOVERING,
    FJ_PHASE_SELLING,                  /* records are sent */
    FJ_PHASE_FENCED,                   /* asks by whom */
    FJ_PHASE_STOPPED,                  /* failed, or told to end */
    FJ_PHASE_COUNT
} fj_phase_t;

/* An id of the stream, <epoch>-<number of the last record>. */
typedef struct {
    uint64_t  epoch;
    uint64_t  seq;
} fj_id_t;

/* Which stream is being read. */
typedef enum {
    FJ_READING_INDEX = 0,              /* of the snapshots */
    FJ_READING_PARTS,                  /* of the one that counts */
    FJ_READING_JOURNAL
} fj_reading_t;

/* A sign of life (fj_sign.c); without padding, for two are compared. */
typedef struct {
    uint64_t  epoch;
    uint64_t  seq;                     /* the journal has to reach it */
    uint64_t  beat;
    uint64_t  server;
    uint64_t  host;
    uint64_t  generation;
} fj_sign_t;

/* What was read cannot be used; code FK_OK: nothing of the kind. */
typedef struct {
    fk_code_t  code;
    size_t     at;                     /* byte of the entry at read_id */
    uint64_t   seq;                    /* the last record before it */
    int64_t    at_ms;
    int        said;
    int        alone;                  /* nobody sold when it was read last */
} fj_damage_t;

/* The snapshot that counts. */
typedef struct {
    int       is_there;                /* when the index was read last */
    fj_id_t   begin;                   /* its name; epoch 0: there is none */
    uint64_t  epoch;                   /* of its "done" */
    uint64_t  end_seq;
    uint64_t  bytes;
    int       heals;                   /* a journal that had lost records */
} fj_found_t;

/* The caller owns the memory; what is in it is the machine's. */
struct fj_s {
    fj_link_t         link;
    const fj_conf_t  *conf;
    fk_t             *fk;
    fj_phase_t        phase;

    fj_id_t           sent_id;         /* of the append on its way */
    uint32_t          refusals;        /* of appends, one after the other */
    uint64_t          batch_count;
    size_t            batch_size;
    int64_t           batch_at_ms;
    uint64_t          heard;           /* replies, as last seen */
    int64_t           settings_at_ms;  /* asked for, last */
    int64_t           drain_until_ms;
    int               drain_said;      /* the last sign of life */

    fj_id_t           top;             /* what a probe found */
    int               replicas_said;
    int               replaced;        /* who fenced us, has our sockets */
    uint64_t          replaced_by;     /* .. its server */
    int64_t           fenced_at_ms;

    uint64_t          epoch;           /* recovery: the one we took, or 0 */
    uint64_t          epoch_seen;      /* the highest that anything named */
    int               top_is_there;    /* there was a journal to take */
    fj_reading_t      reading;
    fj_id_t           read_id;         /* so far was read */
    fj_id_t           tail_id;         /* .. of records and marks */
    uint64_t          read_bytes;
    uint64_t          tail_bytes;      /* of it, journal */
    fj_found_t        found;
    uint32_t          restarts;        /* what was read had been cut */
    fj_damage_t       damage;
    int               follows;         /* it had caught up */
    int               resumes;         /* the last entry is read once more */
    int               joined;          /* the journal reaches the snapshot */
    int64_t           recover_at_ms;
    int64_t           progress_at_ms;
    int64_t           caught_up_ms;
    int               heals;           /* redis has less than was read */
    uint32_t          takeovers;       /* tried, since the shop was open */
    int64_t           take_at_ms;      /* the next one, not before */
    int               gave_up_said;
    int               lost_said;       /* the connection */
    int               hole_seen;       /* .. or than its snapshot says */

    fj_sign_t         sign;            /* read over this connection, last */
    uint32_t          signs;           /* that differed, 2 at most */
    int               expects;         /* somebody: one spoke, or must live */
    int64_t           alive_until_ms;  /* whoever sells is taken to live */
    int64_t           heard_at_ms;     /* a sign, last */
    int64_t           looked_at_ms;    /* for one, last */
    int64_t           silent_ms;       /* none, look by look; -1: one */
    int64_t           still_ms;        /* seen not to change, for so long */
    int               still_said;
    int64_t           wanted_at_ms;    /* by the operator, or 0 */
    int               alive_said;
    int               short_said;

    const char       *read_key;
    size_t            key_size;
    char              key[FJ_KEY_SIZE];
    char              index_key[FJ_KEY_SIZE];
    char              owner_key[FJ_KEY_SIZE];
    char              part_key[FJ_KEY_SIZE];
    char              instance[FJ_INSTANCE_SIZE + 1];
};


/* The region's shared counters that the machine keeps (fk_stat_add). */
enum {
    FJ_STAT_BATCHES = FK_STAT_USER,
    FJ_STAT_BATCH_BYTES,
    FJ_STAT_BATCH_RECORDS,
    FJ_STAT_PROBES,                    /* the journal's end was asked for */
    FJ_STAT_RECONNECTS,
    FJ_STAT_UNKNOWN,                   /* batches whose reply was lost */
    FJ_STAT_FLUSH_US,                  /* sum of the batches' round trips */
    FJ_STAT_RECOVERED,                 /* records applied at start */
    FJ_STAT_READ_BYTES,                /* of the recovery under way */
    FJ_STAT_WANTED,                    /* take over at once, until then */
    FJ_STAT_FOLLOWS,                   /* 1: recovers behind another server */
    FJ_STAT_EPOCH,                     /* the last one that was taken */
    FJ_STAT_TAIL_BYTES,                /* journal behind the snapshot */
    FJ_STAT_SNAPSHOTS,                 /* that count, since the start */
    FJ_STAT_SNAPSHOT_SEQ,              /* of the last one: its end_seq */
    FJ_STAT_SNAPSHOT_BYTES,
    FJ_STAT_SNAPSHOT_AT_MS,            /* steady clock; first: the opening */
    FJ_STAT_HEALED,
    FJ_STAT_ARCHIVED,                  /* orders */
    FJ_STAT_SNAPSHOT_TOOK_MS,          /* the last one, to be written */
    FJ_STAT_STRANGER,                  /* 1: fenced by another server */
    FJ_STAT_SNAPSHOT_ID,               /* last number used in their index */
    FJ_STAT_FEED_SEQ,                  /* the events of the records so far */
    FJ_STAT_FEED_EVENTS,               /* written, since the start */
    FJ_STAT_FEED_LOST,                 /* records that were never read */
    FJ_STAT_LAST
};

/* The operator's wish, FJ_STAT_WANTED: set to the steady clock's time when it
 * ends, so long from now; 0: none. */
#define FJ_WANTED_MS            30000


/* --- calls ------------------------------------------------------------ */

/*
 * Begins to connect.  A Redis that is down is tried again for ever.  conf and
 * shell stay in place until fj_stop(); *j needs no preparation.
 */
void fj_start(fj_t *j, const fj_conf_t *conf, const fj_shell_t *shell,
    void *data);

/* Records were appended: they are sent at the end of this turn, or when
 * pace_ms have passed since the last batch. */
void fj_kick(fj_t *j);

/* The process is going to exit; unsent records are sent first, for at most
 * 2 s.  The DRAIN timer runs as long as that takes. */
void fj_drain(fj_t *j);

/* Closes the connection and ends all timers; only fj_start() may follow. */
void fj_stop(fj_t *j);

/* 1: the connection is usable and the shop is open. */
int fj_ready(const fj_t *j);

/* Whether Redis fsyncs before it answers: 1, 0, or -1 if it would not say. */
int fj_fsync(const fj_t *j);

/* What the command on its way is called, or "nothing": for tests and logs. */
const char *fj_doing(const fj_link_t *link);


/* --- events ----------------------------------------------------------- */

/*
 * From the shell, one at a time, &j->link being the link of the machine j.
 * Each is asserted to be one that the link waits for.
 */
void fj_connected(fj_link_t *link);

/* The connection did not come, or has ended without close(). */
void fj_closed(fj_link_t *link);

/*
 * The reply to the command on its way.  NULL: it will never come, nobody
 * knows what happened; the connection is given up.  fj_closed() says that,
 * too.
 */
void fj_reply(fj_link_t *link, const fj_reply_t *reply);

void fj_timer(fj_link_t *link, fj_timer_t which);


#endif /* FJ_H_INCLUDED_ */
