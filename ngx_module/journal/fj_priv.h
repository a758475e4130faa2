/*
 * Inside of the journal's protocol: the table of commands, and the calls
 * between the link below and the machine above it.
 *
 *     fj.c            phases, timers, start and stop
 *     fj_flush.c      group commit, unknown outcomes, fencing
 *     fj_follow.c     reading the snapshot and the journal
 *     fj_recover.c    taking a shop over and opening it
 *     fj_owner.c      other servers: followed, waited for, gone
 *     fj_sign.c       the sign of life
 *     fj_wait.c       replicas
 *     fj_stream.c     ids of the stream, its top, appending to it
 *     ------------------------------------------------------------
 *     fj_link.c       connect, backoff, one command at a time
 *     fj_address.c    where to: sentinels, nodes of a cluster
 *     fj_handshake.c  password, database, does Redis fsync
 *     fj_command.c    the table of commands
 *     fj_reply.c      reading replies, writing log lines
 *
 *     fj_stray.c      payments without an order, which the reader carries
 */

#ifndef FJ_PRIV_H_INCLUDED_
#define FJ_PRIV_H_INCLUDED_


#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "fj.h"
#include "fj_stray.h"


#define FJ_LINK_MAGIC          0x464a4c4b
#define FJ_CONNECT_TIMEOUT_MS  1000
#define FJ_COMMAND_TIMEOUT_MS  1500    /* below FK_FLUSH_LEASE_MS */
#define FJ_READ_TIMEOUT_MS     10000   /* below FK_RECOVER_LEASE_MS */
#define FJ_KEEP_TIMEOUT_MS     5000    /* below FK_SNAPSHOT_LEASE_MS */
#define FJ_BACKOFF_MIN_MS      10
#define FJ_BACKOFF_MAX_MS      500
#define FJ_POLL_MS             20      /* for another's lease */
#define FJ_FLUSH_POLL_MS       2       /* the flush: buyers wait for it */
#define FJ_FOLLOW_MS           100     /* of a standby */
#define FJ_OWNER_MS            100     /* looking whether it is due */
#define FJ_OWNER_TTL_MS        800     /* of the sign of life */
#define FJ_OWNER_OPENING_MS    10000   /* no time for it; at the least */
#define FJ_DRAIN_MS            2000
#define FJ_PULSE_MS            500     /* of a shop that is idle */
#define FJ_SETTINGS_MS         10000   /* Redis' own, looked at again */
#define FJ_PAGE_COUNT          "16"    /* entries of up to 1 MiB */
#define FJ_REFUSALS_MAX        8       /* in a row; then the backoff */
#define FJ_REDIRECTS_MAX       5       /* without a backoff between them */
#define FJ_GENERATION_SIZE     17      /* as text, with its NUL */

_Static_assert(FJ_COMMAND_TIMEOUT_MS < FK_FLUSH_LEASE_MS,
               "a slow reply does not cost the lease");
_Static_assert(FJ_READ_TIMEOUT_MS < FK_RECOVER_LEASE_MS,
               "a slow page does not cost the lease");


/* --- commands (fj_command.c) ------------------------------------------ */

typedef enum {
    FJ_COMMAND_NONE = 0,
    FJ_COMMAND_AUTH,
    FJ_COMMAND_SENTINEL,
    FJ_COMMAND_SELECT,
    FJ_COMMAND_ROLE,
    FJ_COMMAND_SLOT,
    FJ_COMMAND_CONFIG,
    FJ_COMMAND_SETTINGS,               /* CONFIG, while the shop sells */
    FJ_COMMAND_PROBE,                  /* the top id, for the flush */
    FJ_COMMAND_BATCH,
    FJ_COMMAND_BEGIN,                  /* of a journal that has vanished */
    FJ_COMMAND_TOP,                    /* the top id, for the takeover */
    FJ_COMMAND_TAKE,
    FJ_COMMAND_TAKE_INDEX,
    FJ_COMMAND_TOP_INDEX,              /* .. it was refused: for whom */
    FJ_COMMAND_PAGE,
    FJ_COMMAND_END,                    /* the top id, for what was read */
    FJ_COMMAND_MARK,
    FJ_COMMAND_OWNER_FIRST,            /* before anything is read */
    FJ_COMMAND_OWNER_ASK,
    FJ_COMMAND_SAY,                    /* the sign of life */
    FJ_COMMAND_SAY_TAKEN,              /* .. the shop is ours */
    FJ_COMMAND_SAY_PROBED,             /* .. so that WAIT covers the top */
    FJ_COMMAND_WAIT_BATCH,             /* for replicas */
    FJ_COMMAND_WAIT_PROBED,
    FJ_COMMAND_WAIT_OPEN,
    FJ_COMMAND_FENCED,
    FJ_COMMAND_KEEP_INDEX,             /* the keeper's, as all below */
    FJ_COMMAND_KEEP_BEGIN,
    FJ_COMMAND_KEEP_PART,
    FJ_COMMAND_KEEP_DONE,
    FJ_COMMAND_KEEP_MARK,
    FJ_COMMAND_KEEP_TOP,
    FJ_COMMAND_KEEP_HEALED,
    FJ_COMMAND_KEEP_TRIM,
    FJ_COMMAND_KEEP_CLEAN,
    FJ_COMMAND_KEEP_UNLINK,
    FJ_COMMAND_KEEP_FORGET,
    FJ_COMMAND_KEEP_SETTINGS,
    FJ_COMMAND_KEEP_ORDERS,
    FJ_COMMAND_KEEP_WAIT,
    FJ_COMMAND_READ,                   /* the reader's, as the next */
    FJ_COMMAND_STRAY,
    FJ_COMMAND_FEED_TOP,               /* the feed's, as all below */
    FJ_COMMAND_FEED_PAGE,
    FJ_COMMAND_FEED_ADD,
    FJ_COMMAND_FEED_MARK,
    FJ_COMMAND_COUNT
} fj_command_t;

_Static_assert(FJ_COMMAND_COUNT <= FJ_COMMANDS_MAX, "a link counts them all");

/*
 * reply: never NULL, and no command is on its way any more, but those that
 * fj_link_also() sent behind it.  lost: nobody will ever know whether the
 * command was carried out; NULL where that means nothing, because the next
 * connection asks anew.
 */
typedef struct {
    const char  *name;
    int64_t      timeout_ms;
    void       (*reply)(fj_link_t *link, const fj_reply_t *reply);
    void       (*lost)(fj_link_t *link);
} fj_command_info_t;

extern const fj_command_info_t  fj_commands[FJ_COMMAND_COUNT];


/* The words of a command, gathered before it is sent. */
typedef struct {
    int          argc;
    const char  *argv[FJ_ARGC_MAX];
    size_t       sizes[FJ_ARGC_MAX];
} fj_words_t;

void fj_words_add(fj_words_t *words, const void *data, size_t size);
void fj_words_text(fj_words_t *words, const char *text);

/* "faka:{SHOP}:NAME", and ":ID" behind it unless that is NULL; its size. */
size_t fj_key(char key[FJ_KEY_SIZE], const fj_conf_t *conf, const char *name,
    const char *id);


/* --- replies and log lines (fj_reply.c) ------------------------------- */

/* Is it a string, or a status, of just these bytes? */
int fj_reply_is(const fj_reply_t *reply, const char *text);
int fj_reply_ok(const fj_reply_t *reply);
/* Is it an error that begins with, or says somewhere, this? */
int fj_reply_error(const fj_reply_t *reply, const char *prefix);
int fj_reply_says(const fj_reply_t *reply, const char *words);
/* In [name, value, name, value ...]: the value, or NULL. */
const fj_reply_t *fj_reply_field(const fj_reply_t *reply, const char *name);

/* Digits of base 10 or 16 from *p up to anything else, 64 bits of them; 0:
 * none, or more. */
int fj_digits(const char **p, const char *last, unsigned base,
    uint64_t *number);
/* A string of decimal digits; 0 unless it is just that. */
int fj_number_read(const fj_reply_t *reply, uint64_t *number);

/* One line, cut to FJ_LOG_SIZE; it begins with the shop and its Redis. */
__attribute__((format(printf, 3, 4)))
void fj_say(fj_link_t *link, fj_log_t level, const char *fmt, ...);


/* --- the link (fj_link.c, fj_address.c, fj_handshake.c) --------------- */

void fj_link_start(fj_link_t *link, const fj_conf_t *conf,
    const fj_shell_t *shell, void *data, const fj_upper_t *upper,
    void *machine);
void fj_link_stop(fj_link_t *link);

/* Sends one command; its row of the table says what comes of it.  A command
 * that does not leave is lost, and so is the connection then. */
void fj_link_send(fj_link_t *link, fj_command_t command,
    const fj_words_t *words);

/* One more of the same, right behind it: its row is called for each reply,
 * and the time to wait is that of all.  Nothing, if one before it did not
 * leave. */
void fj_link_also(fj_link_t *link, const fj_words_t *words);

/* Gives the connection up; it is tried again after the backoff. */
void fj_link_drop(fj_link_t *link);

/* The same without the backoff: to the address that was told. */
void fj_link_redirect(fj_link_t *link);

/* The reply being handled says that Redis would not do this, or is nonsense:
 * the connection is given up.  The log has it once, until that command works,
 * or fails in another way. */
void fj_link_refused(fj_link_t *link, const fj_reply_t *reply,
    const char *doing);

/* .. and of a connection that is kept, for others use it, who are served. */
void fj_link_refused_one(fj_link_t *link, const fj_reply_t *reply,
    const char *doing);

/* The connection does what it is for: the next backoff is a short one. */
void fj_link_well(fj_link_t *link);
/* .. also when something was refused before: that is over. */
void fj_link_works(fj_link_t *link);

void fj_link_timer(fj_link_t *link, fj_timer_t which, int64_t delay_ms);
int fj_link_timer_runs(const fj_link_t *link, fj_timer_t which);

/* The handshake is over. */
void fj_link_up(fj_link_t *link);

/* Sets link->address, for the connect that comes now. */
void fj_address_pick(fj_link_t *link);

/* The connection is lost, or did not come: is the next one elsewhere? */
void fj_address_lost(fj_link_t *link, int was_ready);

/* 1: the error says that this is not the place; the connection is given up,
 * and the command that it answers was lost. */
int fj_address_astray(fj_link_t *link, const fj_reply_t *error);

void fj_address_ask(fj_link_t *link);
void fj_address_on_sentinel(fj_link_t *link, const fj_reply_t *reply);

/* The step of the handshake after the given one; steps may fall away. */
void fj_handshake_next(fj_link_t *link, fj_command_t after);
void fj_handshake_on_auth(fj_link_t *link, const fj_reply_t *reply);
void fj_handshake_on_select(fj_link_t *link, const fj_reply_t *reply);
void fj_handshake_on_role(fj_link_t *link, const fj_reply_t *reply);
void fj_handshake_on_slot(fj_link_t *link, const fj_reply_t *reply);
void fj_handshake_on_config(fj_link_t *link, const fj_reply_t *reply);
/* command: the row of the handshake, or the later one.  Then what the reply
 * says is kept in the link; 0: the connection was given up. */
void fj_handshake_ask_settings(fj_link_t *link, fj_command_t command);
int fj_handshake_settings(fj_link_t *link, const fj_reply_t *reply);


/* --- the machine (fj.c) ----------------------------------------------- */

fj_t *fj_of(fj_link_t *link);
int64_t fj_now_ms(const fj_t *j);

/* The link is READY: goes on by the shop's state. */
void fj_enter(fj_t *j);

/* Fenced or failed: no more work for this machine. */
void fj_halt(fj_t *j);

/* Gives the connection up for want of the shop's memory: another process has
 * the recovery, or the lock.  Says so once, until the shop is open. */
void fj_give_up(fj_t *j);

void fj_wake(fj_t *j);
void fj_wake_all(fj_t *j);


/* --- the stream (fj_stream.c) ----------------------------------------- */

/* "123-456" to an id; 0 unless it is just that. */
int fj_id_read(const fj_reply_t *reply, fj_id_t *id);
int fj_id_cmp(const fj_id_t *a, const fj_id_t *b);

/* prefix: "" or "(", which excludes the id itself. */
void fj_id_text(char text[FJ_ID_SIZE], const char *prefix,
    const fj_id_t *id);

/* The last id that a stream has given, also if nothing is left in it. */
void fj_top_ask(fj_link_t *link, fj_command_t command, const char *key);
void fj_stream_ask_top(fj_t *j, fj_command_t command);

/* last-generated-id out of a reply to XINFO STREAM, also "no such key"; 0
 * if it is neither: then fj_stream_top() has given the connection up. */
int fj_top_read(const fj_reply_t *reply, fj_id_t *top);
int fj_stream_top(fj_t *j, const fj_reply_t *reply, fj_id_t *top);

/* Appends id, with one field whose value is the instance, and one, g, with
 * the generation.  is_there: a stream that is gone is not begun anew. */
void fj_stream_append(fj_t *j, fj_command_t command, const char *key,
    int is_there, const char *field, const fj_id_t *id);

/* .. as text. */
void fj_stream_generation(char text[FJ_GENERATION_SIZE],
    const fj_conf_t *conf);

/* How Redis took an append. */
typedef enum {
    FJ_APPEND_DONE = 0,                /* it stands under the id we gave */
    FJ_APPEND_REFUSED,                 /* an id as high is there already */
    FJ_APPEND_GONE,                    /* there is no stream */
    FJ_APPEND_WRONG
} fj_append_t;

fj_append_t fj_appended(const fj_id_t *sent, const fj_reply_t *reply);


/* --- the flush (fj_flush.c) ------------------------------------------- */

void fj_flush_run(fj_t *j);
void fj_flush_pulse(fj_t *j);
void fj_flush_on_probe(fj_link_t *link, const fj_reply_t *reply);
void fj_flush_on_batch(fj_link_t *link, const fj_reply_t *reply);
void fj_flush_on_begin(fj_link_t *link, const fj_reply_t *reply);
void fj_flush_on_settings(fj_link_t *link, const fj_reply_t *reply);
void fj_flush_on_say(fj_link_t *link, const fj_reply_t *reply);
void fj_flush_lost_probe(fj_link_t *link);
void fj_flush_lost_batch(fj_link_t *link);
uint64_t fj_flush_epoch(const fj_t *j);

/* The batch, the top id, has reached whatever it has to reach. */
void fj_flush_landed(fj_t *j);
void fj_flush_probed(fj_t *j);


/* --- reading (fj_follow.c) --------------------------------------------- */

/* How reading goes on. */
typedef enum {
    FJ_READ_ON = 0,
    FJ_READ_AGAIN,                     /* over the next connection */
    FJ_READ_RESTART,                   /* at once, from the beginning */
    FJ_READ_FENCED,
    FJ_READ_DAMAGED                    /* not to open: j->damage */
} fj_read_t;

/* From the beginning; or whatever came since the last page. */
void fj_follow_start(fj_t *j);
void fj_follow_on(fj_t *j);
void fj_follow_on_page(fj_link_t *link, const fj_reply_t *reply);
void fj_follow_on_end(fj_link_t *link, const fj_reply_t *reply);
void fj_follow_resume(fj_t *j);
/* The shop is taken: the index once more, then the rest of the journal. */
void fj_follow_rest(fj_t *j);
int fj_follow_is_short(const fj_t *j);
/* 1: a journal with this id has the end of the snapshot, or there is none. */
int fj_follow_reaches(const fj_t *j, const fj_id_t *id);
fj_read_t fj_follow_damaged(fj_t *j, fk_code_t code, size_t at);


/* --- recovery (fj_recover.c) ------------------------------------------ */

void fj_recover_start(fj_t *j);
/* 1: this recovery is over, and what comes next is under way. */
int fj_recover_ended(fj_t *j, fj_read_t result);
void fj_recover_progress(fj_t *j);
/* Reads on, after a while. */
void fj_recover_on(fj_t *j);
/* There is nothing more to read. */
void fj_recover_caught_up(fj_t *j);
void fj_recover_take(fj_t *j);
/* Somebody has it: the next one that is taken is above it. */
void fj_epoch_seen(fj_t *j, uint64_t epoch);
/* What was read is damaged, and nobody else sells: this is the end. */
void fj_recover_fail(fj_t *j);
fj_read_t fj_recover_fenced(fj_t *j);
void fj_recover_open(fj_t *j);
void fj_recover_on_top(fj_link_t *link, const fj_reply_t *reply);
void fj_recover_on_take(fj_link_t *link, const fj_reply_t *reply);
void fj_recover_on_taken(fj_link_t *link, const fj_reply_t *reply);
void fj_recover_on_take_index(fj_link_t *link, const fj_reply_t *reply);
void fj_recover_on_top_index(fj_link_t *link, const fj_reply_t *reply);
void fj_recover_on_mark(fj_link_t *link, const fj_reply_t *reply);


/* --- the sign of life (fj_sign.c) -------------------------------------- */

/* command: one of the three SAYs. */
void fj_sign_say(fj_t *j, fj_command_t command, int64_t ttl_ms);
/* 1: it is on this process to say that its server sells. */
int fj_sign_due(fj_t *j);
void fj_sign_on_say(fj_link_t *link, const fj_reply_t *reply);
/* reply: a STRING.  0: it is no sign that we know; *sign is zero then. */
int fj_sign_read(const fj_reply_t *reply, fj_sign_t *sign);
/* For how long whoever opens a shop, as large as what is read so far, says
 * that it lives: milliseconds, FJ_OWNER_OPENING_MS or more. */
int64_t fj_sign_opening_ms(const fj_t *j);
/* This one was read, of an owner that may live. */
void fj_sign_hear(fj_t *j, const fj_sign_t *sign);
/* 1: the last one has not changed for longer than opening may take. */
int fj_sign_is_still(const fj_t *j);


/* --- who sells (fj_owner.c) -------------------------------------------- */

/* Whoever sold until now is taken to live for so long. */
void fj_owner_lives(fj_t *j, int64_t ms);
/* .. also if none is known: what was read says that there may be one. */
void fj_owner_expect(fj_t *j, int64_t ms);
/* .. so does what this region knows, as a recovery begins anew in it. */
void fj_owner_recall(fj_t *j);
/* A recovery begins: who sells on these sockets, then it is read. */
void fj_owner_first(fj_t *j);
void fj_owner_on_first(fj_link_t *link, const fj_reply_t *reply);
void fj_owner_ask(fj_t *j);
/* Reads on, and asks again, after a while. */
void fj_owner_wait(fj_t *j);
/* A takeover is about to be sent: when the next one may be. */
void fj_owner_pace(fj_t *j);
void fj_owner_on_ask(fj_link_t *link, const fj_reply_t *reply);
/* The shop is fenced: finds out by whom, and does what follows. */
void fj_fenced(fj_t *j);
void fj_fenced_on_owner(fj_link_t *link, const fj_reply_t *reply);


/* --- replicas (fj_wait.c) ---------------------------------------------- */

int fj_wait_needed(const fj_t *j);
/* Whether enough of them have what this connection wrote; one of the three
 * WAITs, which says what that is for. */
void fj_wait_ask(fj_t *j, fj_command_t command);
/* The same question of any link; wait_ms: digits, below the timeout. */
void fj_wait_send(fj_link_t *link, fj_command_t command, const char *wait_ms);
void fj_wait_on_batch(fj_link_t *link, const fj_reply_t *reply);
void fj_wait_on_probed(fj_link_t *link, const fj_reply_t *reply);
void fj_wait_on_open(fj_link_t *link, const fj_reply_t *reply);


/* --- the keeper (fj_keeper*.c) ----------------------------------------- */

void fj_keeper_on_index(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_begin(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_part(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_done(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_mark(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_top(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_healed(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_trim(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_clean(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_unlink(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_forget(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_settings(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_orders(fj_link_t *link, const fj_reply_t *reply);
void fj_keeper_on_wait(fj_link_t *link, const fj_reply_t *reply);


/* --- the reader (fj_reader.c) ------------------------------------------ */

void fj_reader_on_read(fj_link_t *link, const fj_reply_t *reply);
void fj_reader_on_stray(fj_link_t *link, const fj_reply_t *reply);


/* --- strays (fj_stray.c) ------------------------------------------------ */

#define FJ_STRAY_KEYS       4
#define FJ_STRAY_KEYS_TEXT  "4"

typedef struct {
    char  keys[FJ_STRAY_KEYS][FJ_KEY_SIZE];
    char  epoch[sizeof("18446744073709551615")];
} fj_stray_room_t;

/* The words of a command; room: for what they point to. */
void fj_stray_words(fj_words_t *words, fj_stray_room_t *room,
    const fj_conf_t *conf, const fj_stray_t *stray);


/* --- the feed (fj_feed*.c) --------------------------------------------- */

void fj_feed_on_top(fj_link_t *link, const fj_reply_t *reply);
void fj_feed_on_page(fj_link_t *link, const fj_reply_t *reply);
void fj_feed_on_add(fj_link_t *link, const fj_reply_t *reply);
void fj_feed_on_mark(fj_link_t *link, const fj_reply_t *reply);


#endif /* FJ_PRIV_H_INCLUDED_ */
