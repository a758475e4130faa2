/*
 * The keeper's life: when what is due, and how a snapshot is written.  What
 * makes it count is in fj_keeper_count.c.
 *
 *     index of snapshots       its last id: ours are the next ones
 *     + <epoch>-<n>   begin NAME                    it has begun
 *     NAME            p PARTS, p PARTS, ...
 *     (the journal has end_seq)
 *     + <epoch>-<n+1> done NAME ...                 from here on it counts
 *     journal         cut behind begin_seq
 *     other NAMEs     unlinked, the index cut
 *
 * NAME is <epoch>-<n>, so two snapshots never share one, not even when Redis
 * has lost the index: another process may still be removing what stood in it.
 * Whatever goes wrong before "done" leaves a snapshot that nobody reads, and
 * the next one that is done removes it.
 */

#include "fj_keep.h"


#define FJ_KEEPER_CHECK_MS     100
#define FJ_KEEPER_PACE_MS      4       /* between two steps of a walk */
#define FJ_KEEPER_PACE_BUSY_MS 16      /* .. beside buyers in numbers */
#define FJ_KEEPER_BUSY         5       /* records a ms */
#define FJ_KEEPER_PACE_HEAL_MS 1       /* .. which buyers wait for */
#define FJ_KEEPER_STEPS        2
#define FJ_KEEPER_STEPS_HEAL   64
#define FJ_KEEPER_AGAIN_MS     5000
#define FJ_KEEPER_HEAL_MS      200     /* a shop that heals cannot wait */
#define FJ_KEEPER_WAIT_MS      "1000"  /* below FJ_KEEP_TIMEOUT_MS */


static void fj_keeper_up(fj_link_t *link);
static void fj_keeper_down(fj_link_t *link);
static void fj_keeper_timer(fj_link_t *link, fj_timer_t which);
static void fj_keeper_check(fj_keeper_t *k);
static int fj_keeper_snapshot_due(const fj_keeper_t *k);
static void fj_keeper_begin(fj_keeper_t *k, int healing);
static uint64_t fj_keeper_next(const fj_keeper_t *k, const fj_id_t *top);
static void fj_keeper_walk(fj_keeper_t *k);
static void fj_keeper_pace(fj_keeper_t *k);
static void fj_keeper_send_parts(fj_keeper_t *k);


static const fj_upper_t  fj_keeper_upper = {
    fj_keeper_up, fj_keeper_down, fj_keeper_timer, 0
};


fj_keeper_t *
fj_keeper_of(fj_link_t *link)
{
    assert(link->upper == &fj_keeper_upper);
    return link->machine;
}


int64_t
fj_keeper_now_ms(const fj_keeper_t *k)
{
    return k->link.shell->now_ms(k->link.data);
}


void
fj_keeper_start(fj_keeper_t *k, const fj_conf_t *conf,
    const fj_keeper_conf_t *kept, const fj_shell_t *shell, void *data)
{
    memset(k, 0, sizeof(fj_keeper_t));

    k->conf = conf;
    k->kept = kept;
    k->fk = conf->fk;

    (void) fj_key(k->journal_key, conf, "journal", NULL);
    (void) fj_key(k->index_key, conf, "snapshots", NULL);

    fj_link_start(&k->link, conf, shell, data, &fj_keeper_upper, k);
    fj_link_timer(&k->link, FJ_TIMER_PULSE, FJ_KEEPER_CHECK_MS);
}


void
fj_keeper_stop(fj_keeper_t *k)
{
    fk_snapshot_end(k->fk, k->conf->owner);
    fj_link_stop(&k->link);
}


static void
fj_keeper_up(fj_link_t *link)
{
    fj_link_well(link);
    fj_keeper_check(fj_keeper_of(link));
}


static void
fj_keeper_down(fj_link_t *link)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    fj_keeper_give_up(k);
    fj_keeper_forget_orders(k);
}


static void
fj_keeper_timer(fj_link_t *link, fj_timer_t which)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    switch (which) {

    case FJ_TIMER_PULSE:
        fj_link_timer(link, FJ_TIMER_PULSE, FJ_KEEPER_CHECK_MS);
        fj_keeper_check(k);
        return;

    case FJ_TIMER_FLUSH:
        if (link->state != FJ_LINK_READY
            || link->command != FJ_COMMAND_NONE)
        {
            return;
        }

        if (k->phase == FJ_KEEPER_WRITING) {
            fj_keeper_walk(k);

        } else if (k->phase == FJ_KEEPER_SETTLING) {
            fj_keeper_settle(k);

        } else if (k->phase == FJ_KEEPER_IDLE) {
            fj_keeper_check(k);
        }

        return;

    default:
        return;
    }
}


/* What went wrong before it counted has done no harm; later once more. */

void
fj_keeper_give_up(fj_keeper_t *k)
{
    if (k->phase == FJ_KEEPER_IDLE) {
        return;
    }

    if (k->phase != FJ_KEEPER_ARCHIVING && k->phase != FJ_KEEPER_CUTTING) {
        fk_snapshot_end(k->fk, k->conf->owner);

        if (!k->unfinished_said) {
            k->unfinished_said = 1;
            fj_say(&k->link, FJ_LOG_WARN, ": a snapshot was not finished; "
                   "the one before it counts");
        }
    }

    k->phase = FJ_KEEPER_IDLE;
    k->again_at_ms = fj_keeper_now_ms(k)
                     + (fk_shop_state(k->fk) == FK_SHOP_HEALING
                        ? FJ_KEEPER_HEAL_MS : FJ_KEEPER_AGAIN_MS);
}


void
fj_keeper_again(fj_keeper_t *k, int64_t delay_ms)
{
    fj_link_timer(&k->link, FJ_TIMER_FLUSH, delay_ms);
}


/* --- what is due ------------------------------------------------------- */

static void
fj_keeper_check(fj_keeper_t *k)
{
    fk_shop_state_t  state;

    if (k->phase != FJ_KEEPER_IDLE || k->link.state != FJ_LINK_READY
        || k->link.command != FJ_COMMAND_NONE
        || fj_keeper_now_ms(k) < k->again_at_ms)
    {
        return;
    }

    state = fk_shop_state(k->fk);

    if (state == FK_SHOP_HEALING) {
        fj_keeper_begin(k, 1);
        return;
    }

    k->healing_said = 0;

    if (state != FK_SHOP_OPEN) {
        return;
    }

    if (fj_keeper_snapshot_due(k)) {
        fj_keeper_begin(k, 0);

    } else {
        fj_keeper_archive(k);
    }
}


/*
 * By size, but not before the journal is as long as the snapshot was: so
 * writing snapshots never costs more than writing the journal did.
 *
 * Under load the journal grows faster than a snapshot is written, and the next
 * one is due at once.  The archive waits for each: while memory fills up, it
 * has as long as the last one took.
 */

static int
fj_keeper_snapshot_due(const fj_keeper_t *k)
{
    int64_t   since_ms;
    uint64_t  size;

    if (fk_durable_seq(k->fk) == fk_stat_get(k->fk, FJ_STAT_SNAPSHOT_SEQ)) {
        return 0;
    }

    since_ms = fj_keeper_now_ms(k)
               - (int64_t) fk_stat_get(k->fk, FJ_STAT_SNAPSHOT_AT_MS);

    if (since_ms < 0) {
        /* Another process has written it after our clock was read. */
        since_ms = 0;
    }

    if (since_ms < (int64_t) fk_stat_get(k->fk, FJ_STAT_SNAPSHOT_TOOK_MS)
        && fj_keeper_is_full(k))
    {
        return 0;
    }

    size = fk_stat_get(k->fk, FJ_STAT_SNAPSHOT_BYTES);
    if (size < k->kept->snapshot_size) {
        size = k->kept->snapshot_size;
    }

    return fk_stat_get(k->fk, FJ_STAT_TAIL_BYTES) >= size
           || since_ms >= (int64_t) k->kept->snapshot_s * 1000;
}


/* --- writing ----------------------------------------------------------- */

static void
fj_keeper_begin(fj_keeper_t *k, int healing)
{
    uint64_t   owner;
    fk_env_t   env;
    fk_code_t  code;

    env.now_ms = k->link.shell->unix_ms(k->link.data);

    code = fk_snapshot_begin(k->fk, &env, k->conf->owner,
                             fj_keeper_now_ms(k), &k->snapshot);
    if (code != FK_OK) {
        owner = fk_snapshot_owner(k->fk);

        if (owner != 0 && k->link.shell->is_dead(k->link.data, owner)) {
            fk_snapshot_break(k->fk, owner);
        }

        return;
    }

    k->phase = FJ_KEEPER_INDEX;
    k->began_ms = fj_keeper_now_ms(k);
    k->paced_ms = k->began_ms;
    k->paced_seq = k->snapshot.begin_seq;
    k->healing = healing;
    k->walked = 0;
    k->used = 0;
    k->entry = 0;
    k->tail_bytes = fk_stat_get(k->fk, FJ_STAT_TAIL_BYTES);

    if (healing && !k->healing_said) {
        k->healing_said = 1;
        fj_say(&k->link, FJ_LOG_EMERG, ": the journal in redis \"%s\" has "
               "lost records that only memory has; the shop waits while it "
               "is written anew from memory", k->link.address.text);
    }

    fj_top_ask(&k->link, FJ_COMMAND_KEEP_INDEX, k->index_key);
}


void
fj_keeper_on_index(fj_link_t *link, const fj_reply_t *reply)
{
    fj_id_t       top;
    fj_words_t    words;
    fj_keeper_t  *k = fj_keeper_of(link);

    if (!fj_top_read(reply, &top)) {
        fj_link_refused(&k->link, reply, "the index of snapshots");
        return;
    }

    if (top.epoch > k->snapshot.epoch) {
        fj_keeper_fenced(k, top.epoch);
        return;
    }

    fj_keeper_id(k, fj_keeper_next(k, &top), k->name);
    k->own = k->sent;

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, k->name);
    fj_words_text(&words, "begin");
    fj_words_text(&words, k->name);

    fj_link_send(link, FJ_COMMAND_KEEP_BEGIN, &words);
}


/* The first number in the index that nobody has used in this epoch. */

static uint64_t
fj_keeper_next(const fj_keeper_t *k, const fj_id_t *top)
{
    uint64_t  last;

    last = fk_stat_get(k->fk, FJ_STAT_SNAPSHOT_ID);

    if (top->epoch == k->snapshot.epoch && top->seq > last) {
        last = top->seq;
    }

    return last + 1;
}


/* A shop that heals, or whose process has slept, sends no batch that would be
 * refused: here it learns that it is fenced. */

void
fj_keeper_fenced(fj_keeper_t *k, uint64_t epoch)
{
    fk_fence(k->fk, epoch);
    k->link.shell->ring(k->link.data);
    k->link.shell->wake(k->link.data);

    fj_keeper_give_up(k);
    fj_keeper_forget_orders(k);
}


void
fj_keeper_on_begin(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (fj_keeper_appended(k, reply, "the beginning of a snapshot")) {
        k->phase = FJ_KEEPER_WRITING;
        fj_keeper_walk(k);
    }
}


static void
fj_keeper_walk(fj_keeper_t *k)
{
    int        n;
    fk_code_t  code;

    code = k->walked ? FK_OK : FK_AGAIN;

    for (n = k->healing ? FJ_KEEPER_STEPS_HEAL : FJ_KEEPER_STEPS;
         n > 0 && code == FK_AGAIN && k->used < FJ_KEEPER_CHUNK_SIZE;
         n--)
    {
        code = fj_keeper_step(k);
    }

    if (code == FK_OK) {
        k->walked = 1;

    } else if (code != FK_AGAIN) {
        fj_keeper_give_up(k);
        return;
    }

    if (k->used >= FJ_KEEPER_CHUNK_SIZE || (k->walked && k->used != 0)) {
        fj_keeper_send_parts(k);

    } else if (k->walked) {
        fj_keeper_settle_begin(k);

    } else {
        fj_keeper_pace(k);
    }
}


/* What it costs is paid by the buyers, so it takes its time when there are
 * many: bench/snapshot measures it. */

static void
fj_keeper_pace(fj_keeper_t *k)
{
    int64_t   now_ms, since_ms;
    uint64_t  seq, count;

    now_ms = fj_keeper_now_ms(k);
    seq = fk_last_seq(k->fk);
    since_ms = now_ms - k->paced_ms;
    count = seq - k->paced_seq;

    k->paced_ms = now_ms;
    k->paced_seq = seq;

    fj_keeper_again(k, k->healing ? FJ_KEEPER_PACE_HEAL_MS
                       : count > FJ_KEEPER_BUSY * (uint64_t) since_ms
                       ? FJ_KEEPER_PACE_BUSY_MS : FJ_KEEPER_PACE_MS);
}


fk_code_t
fj_keeper_step(fj_keeper_t *k)
{
    size_t     size;
    fk_env_t   env;
    fk_code_t  code;

    env.now_ms = k->link.shell->unix_ms(k->link.data);
    size = 0;

    code = fk_snapshot_step(k->fk, &env, k->conf->owner, fj_keeper_now_ms(k),
                            k->kept->room + k->used,
                            FJ_KEEPER_ROOM - k->used, &size, &k->snapshot);
    k->used += size;

    /* A busy lock is no reason to begin anew. */
    return code == FK_LOCK_TIMEOUT ? FK_AGAIN : code;
}


static void
fj_keeper_send_parts(fj_keeper_t *k)
{
    char        id[FJ_ID_SIZE], key[FJ_KEY_SIZE];
    fj_words_t  words;

    k->entry++;
    fj_keeper_id(k, k->entry, id);
    (void) fj_key(key, k->conf, "snapshot", k->name);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, key);

    /* Once it is gone it was given up, and nobody looks for the rest. */
    if (k->entry > 1) {
        fj_words_text(&words, "NOMKSTREAM");
    }

    fj_words_text(&words, id);
    fj_words_text(&words, "p");
    fj_words_add(&words, k->kept->room, k->used);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_PART, &words);
}


void
fj_keeper_on_part(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (fj_keeper_appended(k, reply, "a part of a snapshot")) {
        k->used = 0;
        fj_keeper_pace(k);
    }
}


/* 0: it is not where it should be, and what follows from that is done. */

int
fj_keeper_appended(fj_keeper_t *k, const fj_reply_t *reply,
    const char *doing)
{
    switch (fj_appended(&k->sent, reply)) {

    case FJ_APPEND_DONE:
        return 1;

    case FJ_APPEND_REFUSED:
    case FJ_APPEND_GONE:
        /* Another owner's, or removed by another: no more of this one. */
        fj_keeper_give_up(k);
        return 0;

    case FJ_APPEND_WRONG:
        break;
    }

    fj_link_refused(&k->link, reply, doing);
    return 0;
}


void
fj_keeper_id(fj_keeper_t *k, uint64_t number, char text[FJ_ID_SIZE])
{
    k->sent.epoch = k->snapshot.epoch;
    k->sent.seq = number;
    fk_stat_set(k->fk, FJ_STAT_SNAPSHOT_ID, number);
    fj_id_text(text, "", &k->sent);
}


/*
 * Only where something follows that cannot be taken back: an order that leaves
 * memory, a shop that calls everything durable.  What is cut in Redis after a
 * snapshot reaches a replica behind that snapshot.
 */

void
fj_keeper_wait(fj_keeper_t *k)
{
    fj_wait_send(&k->link, FJ_COMMAND_KEEP_WAIT, FJ_KEEPER_WAIT_MS);
}


void
fj_keeper_on_wait(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_INTEGER) {
        fj_link_refused(&k->link, reply, "WAIT");
        return;
    }

    if (reply->number < (int64_t) k->conf->replicas) {
        fj_keeper_give_up(k);

    } else if (k->phase == FJ_KEEPER_ARCHIVING) {
        fj_keeper_stored(k);

    } else {
        fj_keeper_sells_again(k);
    }
}
