/*
 * From an empty region to a shop that sells.
 *
 *     GET owner                           on inherited sockets
 *     read the snapshot and the journal (fj_follow.c)
 *     GET owner                           does another server sell?
 *         it does: read on, ask again     a standby
 *     top id E-n
 *     + (E+1)-0 t INSTANCE g GENERATION   the fence: from here on Redis
 *                                         refuses older epochs
 *     SET owner                           this one does
 *     the same entry in the snapshots'    no older owner's counts any more
 *     index
 *     read the index once more            was the journal cut meanwhile?
 *     read the journal up to the entry t
 *     + (E+1)-SEQ o INSTANCE              the top id now tells how far the
 *                                         journal reaches
 *     rebuild, check, open
 *
 * Nothing is closed for long: most is read while the old owner still sells.
 *
 * A connection lost on the way costs nothing that was read: once it has caught
 * up, a server follows on with that, asks again who sells, and takes a higher
 * epoch; a takeover that landed without its knowledge fences nobody else.
 *
 * A process that was slow may have lost the recovery to a sibling, whose
 * epoch then looks like another server's.  So it takes an epoch, or fences
 * the shop, only while the engine's recovery lease is its own.
 */

#include <stdio.h>

#include "fj_priv.h"


#define FJ_DAMAGE_MS    5000           /* then it is read again */
#define FJ_PROGRESS_MS  1000
#define FJ_MEND_MS      1500           /* for an owner to say that it lives */
#define FJ_TOOL_SIZE    512


static int fj_recover_resume(fj_t *j);
static int fj_recover_is_cut(const fj_t *j, const fj_id_t *top);
static int fj_recover_waits(fj_t *j, const fj_id_t *top);
static void fj_recover_journal_lost(fj_t *j, const fj_id_t *top);
static void fj_recover_append(fj_t *j, fj_command_t command, const char *key,
    int is_there, const char *field, uint64_t seq);
static const char *fj_recover_tool(const fj_t *j, char tool[FJ_TOOL_SIZE]);
static int fj_recover_lost(const fj_t *j);
static int fj_recover_damaged(fj_t *j);
static uint64_t fj_recover_epoch(const fj_t *j, const fj_id_t *top);
static void fj_recover_mark(fj_t *j);
static void fj_recover_marked(fj_t *j);


void
fj_recover_start(fj_t *j)
{
    uint64_t  owner;

    if (fj_recover_resume(j)) {
        return;
    }

    if (fk_recover_begin(j->fk, j->conf->owner, fj_now_ms(j)) != FK_OK) {
        owner = fk_recover_owner(j->fk);

        if (owner != 0 && j->link.shell->is_dead(j->link.data, owner)) {
            fk_recover_break(j->fk, owner);
        }

        j->phase = FJ_PHASE_WAITING;
        fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_POLL_MS);
        return;
    }

    j->phase = FJ_PHASE_RECOVERING;
    j->recover_at_ms = fj_now_ms(j);
    j->progress_at_ms = j->recover_at_ms;
    j->damage.code = FK_OK;
    j->alive_said = 0;
    j->short_said = 0;
    j->hole_seen = 0;
    j->epoch = 0;
    j->follows = 0;
    j->resumes = 0;
    j->heals = 0;
    j->refusals = 0;
    j->silent_ms = -1;

    fj_owner_recall(j);
    fj_owner_first(j);
}


/*
 * Who has lost its connection still has what it read, and that may be more
 * than the next Redis has: also after a takeover that this one has lost.
 */

static int
fj_recover_resume(fj_t *j)
{
    if (!j->follows
        || fk_recover_renew(j->fk, j->conf->owner, fj_now_ms(j)) != FK_OK)
    {
        return 0;
    }

    j->phase = FJ_PHASE_RECOVERING;
    j->epoch = 0;
    fj_follow_resume(j);
    return 1;
}


/* 1: this recovery is over, and what comes next is under way. */

int
fj_recover_ended(fj_t *j, fj_read_t result)
{
    switch (result) {

    case FJ_READ_ON:
        return 0;

    case FJ_READ_RESTART:
        j->follows = 0;
        fj_recover_start(j);
        return 1;

    case FJ_READ_AGAIN:
        fj_give_up(j);
        return 1;

    case FJ_READ_FENCED:
        fj_fenced(j);
        return 1;

    case FJ_READ_DAMAGED:
        break;
    }

    if (j->epoch != 0) {
        fj_recover_fail(j);

    } else if (fj_recover_damaged(j)) {
        fj_owner_expect(j, FJ_OWNER_TTL_MS);
        fj_owner_ask(j);
    }

    return 1;
}


/* Whoever waits for a remedy keeps its siblings from reading it, too; what it
 * has read so far is worth nothing. */

static int
fj_recover_damaged(fj_t *j)
{
    j->follows = 0;

    if (fk_recover_begin(j->fk, j->conf->owner, fj_now_ms(j)) != FK_OK) {
        fj_give_up(j);
        return 0;
    }

    return 1;
}


void
fj_recover_on(fj_t *j)
{
    if (j->damage.code == FK_OK) {
        fj_follow_on(j);

    } else if (fj_now_ms(j) - j->damage.at_ms >= FJ_DAMAGE_MS) {
        fj_recover_start(j);

    } else {
        fj_owner_ask(j);
    }
}


void
fj_recover_fail(fj_t *j)
{
    char         tool[FJ_TOOL_SIZE];
    const char  *text;

    text = fk_code_info[j->damage.code].text;

    fj_say(&j->link, FJ_LOG_EMERG, " cannot recover: %s at entry %" PRIu64
           "-%" PRIu64 " of %s, byte %zu, after record %" PRIu64 "%s; look "
           "with: %s", text, j->read_id.epoch, j->read_id.seq, j->read_key,
           j->damage.at, j->damage.seq, j->damage.code == FK_TABLE_FULL
                                   ? "; give the shop more \"memory\"" : "",
           fj_recover_tool(j, tool));

    fk_fail(j->fk, text);
    fj_halt(j);
}


/* Where the password is, only the operator knows here. */

static const char *
fj_recover_tool(const fj_t *j, char tool[FJ_TOOL_SIZE])
{
    const fk_str_t  *user;

    user = &j->conf->user;

    (void) snprintf(tool, FJ_TOOL_SIZE, "faka-journal --redis %s --db %" PRIu32
                    "%s%.*s%s %s check", j->link.address.text, j->conf->db,
                    user->size != 0 ? " --user " : "", (int) user->size,
                    user->size != 0 ? (const char *) user->data : "",
                    j->conf->password.size != 0 ? " --password-file FILE" : "",
                    j->conf->shop);
    return tool;
}


/* Large journals take seconds; an operator wants to see them go by. */

void
fj_recover_progress(fj_t *j)
{
    int64_t  now_ms;

    fk_stat_set(j->fk, FJ_STAT_READ_BYTES, j->read_bytes);
    now_ms = fj_now_ms(j);

    /* A standby reads for as long as another server sells. */
    if (j->alive_said || now_ms - j->progress_at_ms < FJ_PROGRESS_MS) {
        return;
    }

    j->progress_at_ms = now_ms;
    fj_say(&j->link, FJ_LOG_NOTICE, ": recovering, %" PRIu64 " bytes read, "
           "at entry %" PRIu64 "-%" PRIu64 " of %s", j->read_bytes,
           j->read_id.epoch, j->read_id.seq, j->read_key);
}


/* --- the takeover ------------------------------------------------------ */

void
fj_recover_caught_up(fj_t *j)
{
    /* A journal that ends before its snapshot is not read to its end. */
    if (!fj_follow_is_short(j)) {
        j->restarts = 0;
        j->damage.said = 0;
    }

    if (j->epoch == 0) {
        j->follows = 1;
        j->caught_up_ms = fj_now_ms(j);
        fj_owner_ask(j);
        return;
    }

    if (j->read_id.epoch != j->epoch || j->read_id.seq != 0) {
        fj_say(&j->link, FJ_LOG_EMERG, ": the journal in redis \"%s\" ends at "
               "%" PRIu64 "-%" PRIu64 ", before its own takeover",
               j->link.address.text, j->read_id.epoch, j->read_id.seq);
        fj_link_drop(&j->link);
        return;
    }

    if (fj_follow_is_short(j)) {
        (void) fj_recover_ended(j, fj_follow_damaged(j, FK_CORRUPT, 0));
        return;
    }

    fj_recover_mark(j);
}


void
fj_recover_take(fj_t *j)
{
    fj_stream_ask_top(j, FJ_COMMAND_TOP);
}


void
fj_epoch_seen(fj_t *j, uint64_t epoch)
{
    if (epoch > j->epoch_seen) {
        j->epoch_seen = epoch;
    }
}


void
fj_recover_on_top(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t     *j = fj_of(link);
    fj_id_t   top, last;

    if (!fj_stream_top(j, reply, &top)) {
        return;
    }

    if (fj_recover_lost(j)) {
        fj_give_up(j);
        return;
    }

    j->top_is_there = top.epoch != 0;

    /* Behind a snapshot that healed it, a journal need not go on yet. */
    j->heals = fj_id_cmp(&top, &j->read_id) < 0
               && (j->joined || !j->found.heals);

    if (!j->heals && !fj_recover_is_cut(j, &top)) {
        j->hole_seen = 0;

    } else if (fj_recover_waits(j, &top)) {
        return;
    }

    last = j->heals && j->joined ? j->read_id : top;

    if (fj_recover_is_cut(j, &last)) {
        fj_recover_journal_lost(j, &top);
        return;
    }

    if (j->heals) {
        fj_say(link, FJ_LOG_EMERG, ": the journal in redis \"%s\" ends at %"
               PRIu64 "-%" PRIu64 ", but was read up to %" PRIu64 "-%" PRIu64
               "; its owner is gone, so this server goes on with what it has "
               "read", link->address.text, top.epoch, top.seq,
               j->read_id.epoch, j->read_id.seq);
        top = j->read_id;
    }

    /* With it no shop can open: that is found out before an epoch is taken,
     * which would be another one each time. */
    if (fj_follow_is_short(j)) {
        (void) fj_recover_ended(j, fj_follow_damaged(j, FK_CORRUPT, 0));
        return;
    }

    j->epoch = fj_recover_epoch(j, &top);

    if (j->epoch == 0) {
        /* No owner ever counted so far: it is not our journal. */
        fj_link_refused(link, reply, "an epoch to take");
        return;
    }

    fj_epoch_seen(j, j->epoch);
    fj_owner_pace(j);
    fj_recover_append(j, FJ_COMMAND_TAKE, j->key, j->top_is_there, "t", 0);
}


/*
 * A Redis that lost its tail may have lost an epoch that somebody has, and
 * who has seen nothing of it would take the same.  The clock tells one from
 * the other: nobody takes two in a millisecond.
 */

static uint64_t
fj_recover_epoch(const fj_t *j, const fj_id_t *top)
{
    size_t    i;
    int64_t   now_ms;
    uint64_t  epoch;

    const uint64_t  taken[] = {
        j->epoch_seen, fk_stat_get(j->fk, FJ_STAT_EPOCH)
    };

    epoch = top->epoch;

    for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        epoch = epoch < taken[i] ? taken[i] : epoch;
    }

    epoch++;
    now_ms = j->link.shell->unix_ms(j->link.data);

    if (epoch != 0 && j->conf->epoch_by_clock && now_ms > 0
        && epoch < (uint64_t) now_ms)
    {
        epoch = (uint64_t) now_ms;
    }

    return epoch;
}


/*
 * A snapshot counts only when the journal has its end, so a journal that ends
 * before it has lost something; how much, nobody knows.  The one exception:
 * a snapshot that healed such a journal, and whose writer died before the
 * journal went on.
 */

static int
fj_recover_is_cut(const fj_t *j, const fj_id_t *top)
{
    return !j->found.heals && !fj_follow_reaches(j, top);
}


/*
 * The journal ends before what was read of it, or of its snapshot: Redis has
 * lost that, perhaps while it was read, and the owner's key with it.  An owner
 * that lives has more in memory than we have, and mends it; from when the hole
 * is first seen it is given the time to say so.  If there is none, what was
 * read here is the best there is: the shop opens with it, sees what the
 * journal lacks, and heals it.
 */

static int
fj_recover_waits(fj_t *j, const fj_id_t *top)
{
    if (!j->hole_seen) {
        j->hole_seen = 1;
        fj_owner_expect(j, 0);
        fj_say(&j->link, FJ_LOG_WARN, ": the journal in redis \"%s\" ends at "
               "%" PRIu64 "-%" PRIu64 ", before what was read; waiting for an "
               "owner that has more", j->link.address.text, top->epoch,
               top->seq);
    }

    if (fj_now_ms(j) - j->alive_until_ms >= FJ_MEND_MS) {
        return 0;
    }

    fj_owner_wait(j);
    return 1;
}


static void
fj_recover_journal_lost(fj_t *j, const fj_id_t *top)
{
    char  tool[FJ_TOOL_SIZE];

    fj_say(&j->link, FJ_LOG_EMERG, " cannot recover: the journal in redis "
           "\"%s\" ends at %" PRIu64 "-%" PRIu64 ", before its snapshot of "
           "%" PRIu64 "-%" PRIu64 ": it has lost what came after; look "
           "with: %s", j->link.address.text, top->epoch, top->seq,
           j->found.epoch, j->found.end_seq, fj_recover_tool(j, tool));

    fk_fail(j->fk, "the journal is older than its snapshot");
    fj_halt(j);
}


void
fj_recover_on_take(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    switch (fj_appended(&j->sent_id, reply)) {

    case FJ_APPEND_DONE:
        /* The reply was waiting for a process that slept: a sibling may have
         * taken a later epoch, and sell. */
        if (fj_recover_lost(j)) {
            fj_give_up(j);
            return;
        }

        fj_say(link, FJ_LOG_NOTICE, " taken over under epoch %" PRIu64
               ", recovering", j->epoch);
        fk_stat_set(j->fk, FJ_STAT_EPOCH, j->epoch);
        fj_sign_say(j, FJ_COMMAND_SAY_TAKEN, fj_sign_opening_ms(j));
        return;

    case FJ_APPEND_REFUSED:
    case FJ_APPEND_GONE:
        if (fj_recover_lost(j)) {
            fj_give_up(j);
            return;
        }

        /* Another server was quicker, and whoever comes last owns the shop;
         * or the journal has just vanished. */
        if (++j->refusals < FJ_REFUSALS_MAX) {
            fj_stream_ask_top(j, FJ_COMMAND_TOP);
            return;
        }

        break;

    default:
        break;
    }

    fj_link_refused(link, reply, "the takeover");
}


void
fj_recover_on_taken(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    if (!fj_reply_ok(reply)) {
        fj_link_refused(link, reply, "SET");
        return;
    }

    fj_recover_append(j, FJ_COMMAND_TAKE_INDEX, j->index_key, 0, "t", 0);
}


void
fj_recover_on_take_index(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    switch (fj_appended(&j->sent_id, reply)) {

    case FJ_APPEND_DONE:
        fj_follow_rest(j);
        return;

    case FJ_APPEND_REFUSED:
        fj_top_ask(link, FJ_COMMAND_TOP_INDEX, j->index_key);
        return;

    default:
        fj_link_refused(link, reply, "the takeover of the snapshots");
    }
}


/* A later owner's is there, or was: none of our snapshots would count. */

void
fj_recover_on_top_index(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t     *j = fj_of(link);
    fj_id_t   top;

    if (!fj_top_read(reply, &top)) {
        fj_link_refused(link, reply, "the index of the snapshots");
        return;
    }

    fj_epoch_seen(j, top.epoch);
    fj_say(link, FJ_LOG_WARN, ": the index of its snapshots is beyond epoch %"
           PRIu64 " already; beginning anew", j->epoch);
    fj_link_drop(link);
}


static void
fj_recover_append(fj_t *j, fj_command_t command, const char *key,
    int is_there, const char *field, uint64_t seq)
{
    fj_id_t  id;

    id.epoch = j->epoch;
    id.seq = seq;

    fj_stream_append(j, command, key, is_there, field, &id);
}


static int
fj_recover_lost(const fj_t *j)
{
    return fk_recover_owner(j->fk) != j->conf->owner;
}


/* Fenced by another server, unless the shop was not ours to fence. */

fj_read_t
fj_recover_fenced(fj_t *j)
{
    if (fk_recover_fence(j->fk, j->conf->owner) != FK_FENCED) {
        return FJ_READ_AGAIN;
    }

    fk_stat_set(j->fk, FJ_STAT_WANTED, 0);
    fj_say(&j->link, FJ_LOG_ERR, " is fenced while recovering under epoch %"
           PRIu64 ": another server has taken it over later", j->epoch);

    return FJ_READ_FENCED;
}


/* --- opening ----------------------------------------------------------- */

static void
fj_recover_mark(fj_t *j)
{
    uint64_t  seq;

    seq = fk_recover_seq(j->fk);

    /* Of a journal that lacks something the mark would say the contrary. */
    if (seq == 0 || j->heals) {
        fj_recover_marked(j);
        return;
    }

    fj_recover_append(j, FJ_COMMAND_MARK, j->key, 1, "o", seq);
}


void
fj_recover_on_mark(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    switch (fj_appended(&j->sent_id, reply)) {

    case FJ_APPEND_DONE:
    case FJ_APPEND_GONE:
        /* A journal that has just vanished is here in memory: it is healed. */
        fj_recover_marked(j);
        return;

    case FJ_APPEND_REFUSED:
        (void) fj_recover_ended(j, fj_recover_fenced(j));
        return;

    default:
        fj_link_refused(link, reply, "the opening");
    }
}


/* What was read is to be on the replicas, too, before it is built upon. */

static void
fj_recover_marked(fj_t *j)
{
    if (fj_wait_needed(j)) {
        fj_wait_ask(j, FJ_COMMAND_WAIT_OPEN);
        return;
    }

    fj_recover_open(j);
}


void
fj_recover_open(fj_t *j)
{
    char       why[256];
    uint64_t   seq;
    int64_t    now_ms;
    fk_env_t   env;
    fk_code_t  code;

    seq = fk_recover_seq(j->fk);
    env.now_ms = j->link.shell->unix_ms(j->link.data);
    why[0] = '\0';

    code = fk_recover_end(j->fk, &env, j->conf->owner, j->epoch, why,
                          sizeof(why));

    if (code == FK_CONFLICT || code == FK_LOCK_TIMEOUT) {
        fj_give_up(j);
        return;
    }

    if (code != FK_OK) {
        fj_say(&j->link, FJ_LOG_EMERG, " cannot open: %s", why);
        fj_halt(j);
        return;
    }

    now_ms = fj_now_ms(j);
    j->follows = 0;
    j->wanted_at_ms = 0;
    fk_stat_set(j->fk, FJ_STAT_WANTED, 0);
    fk_stat_set(j->fk, FJ_STAT_FOLLOWS, 0);
    fk_stat_set(j->fk, FJ_STAT_STRANGER, 0);
    fk_stat_add(j->fk, FJ_STAT_RECOVERED, seq);
    fk_stat_set(j->fk, FJ_STAT_TAIL_BYTES, j->tail_bytes);
    fk_stat_set(j->fk, FJ_STAT_SNAPSHOT_SEQ, j->found.end_seq);
    fk_stat_set(j->fk, FJ_STAT_SNAPSHOT_BYTES, j->found.bytes);
    fk_stat_set(j->fk, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) now_ms);

    fj_say(&j->link, FJ_LOG_NOTICE, " open under epoch %" PRIu64 ": %" PRIu64
           " records, %" PRIu64 " bytes recovered in %" PRId64 " ms, closed "
           "for %" PRId64 " ms of them", j->epoch, seq, j->read_bytes,
           now_ms - j->recover_at_ms, now_ms - j->caught_up_ms);

    fj_enter(j);
    fj_wake_all(j);
}
