/*
 * The flush: carries the ring's new records to the stream, all that are
 * unsent in one XADD, one batch at a time over all workers.
 *
 * Exactly once, and fenced, by Redis itself: ids must grow, so a batch that
 * landed before is refused when it is sent again, and so is everything of an
 * older epoch.  A refusal, a lost reply, or a stream that is gone all mean
 * the same: read the top id, and let the engine decide.
 */

#include "ngx_faka_journal_priv.h"


static void ngx_faka_flush_send(ngx_faka_journal_t *j,
    const fk_batch_t *batch);
static void ngx_faka_flush_wait(ngx_faka_journal_t *j);
static void ngx_faka_flush_unknown(ngx_faka_journal_t *j);
static void ngx_faka_flush_begin(ngx_faka_journal_t *j);


void
ngx_faka_flush_handler(ngx_event_t *ev)
{
    fk_batch_t           batch;
    ngx_faka_journal_t  *j = ev->data;

    if (j->state != NGX_FAKA_JOURNAL_READY
        || j->command != NGX_FAKA_COMMAND_NONE)
    {
        return;
    }

    switch (fk_flush_take(j->fk, j->owner, (int64_t) ngx_current_msec,
                          &batch))
    {

    case FK_FLUSH_SEND:
        ngx_faka_flush_send(j, &batch);
        return;

    case FK_FLUSH_PROBE:
        ngx_faka_journal_ask_top(j, NGX_FAKA_COMMAND_PROBE);

        if (j->command != NGX_FAKA_COMMAND_PROBE) {
            fk_flush_unknown(j->fk, j->owner);
        }

        return;

    case FK_FLUSH_OTHER:
        ngx_faka_flush_wait(j);
        return;

    case FK_FLUSH_NOTHING:
        break;
    }

    if (fk_shop_state(j->fk) != FK_SHOP_OPEN) {
        ngx_faka_journal_halt(j);
    }
}


static void
ngx_faka_flush_send(ngx_faka_journal_t *j, const fk_batch_t *batch)
{
    int          argc;
    u_char       id[2 * NGX_INT64_LEN + 2];
    size_t       argv_size[8];
    const char  *argv[8];

    argv[0] = "XADD";
    argv_size[0] = 4;
    argv[1] = (const char *) j->key.data;
    argv_size[1] = j->key.len;

    /* The stream is there since the takeover; if it is not, say so. */
    argv[2] = "NOMKSTREAM";
    argv_size[2] = 10;

    argv[3] = (const char *) id;
    argv_size[3] = ngx_sprintf(id, "%uL-%uL", batch->epoch, batch->last_seq)
                   - id;
    argv[4] = "b";
    argv_size[4] = 1;
    argv[5] = (const char *) batch->part[0];
    argv_size[5] = batch->size[0];
    argc = 6;

    if (batch->size[1] != 0) {
        /* The ring wraps: a second field of the same name, not a copy. */
        argv[6] = "b";
        argv_size[6] = 1;
        argv[7] = (const char *) batch->part[1];
        argv_size[7] = batch->size[1];
        argc = 8;
    }

    j->batch_seq = batch->last_seq;
    j->batch_count = batch->count;
    j->batch_size = batch->size[0] + batch->size[1];
    j->batch_at = ngx_current_msec;

    ngx_faka_journal_send(j, NGX_FAKA_COMMAND_BATCH, argc, argv, argv_size);

    if (j->command != NGX_FAKA_COMMAND_BATCH) {
        fk_flush_unknown(j->fk, j->owner);
    }
}


void
ngx_faka_flush_on_batch(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply == NULL) {
        fk_stat_add(j->fk, NGX_FAKA_STAT_UNKNOWN, 1);
        fk_flush_unknown(j->fk, j->owner);
        return;
    }

    if (reply->type == REDIS_REPLY_STRING) {
        j->refused = 0;

        if (fk_flush_done(j->fk, j->owner, j->batch_seq) == FK_OK) {
            fk_stat_add(j->fk, NGX_FAKA_STAT_BATCHES, 1);
            fk_stat_add(j->fk, NGX_FAKA_STAT_BATCH_RECORDS, j->batch_count);
            fk_stat_add(j->fk, NGX_FAKA_STAT_BATCH_BYTES, j->batch_size);
            fk_stat_add(j->fk, NGX_FAKA_STAT_FLUSH_US,
                        (ngx_current_msec - j->batch_at) * 1000);
        }

        /* What came meanwhile goes at the end of this turn. */
        ngx_faka_journal_kick(j);
        ngx_faka_journal_wake_all(j);
        return;
    }

    if (reply->type == REDIS_REPLY_NIL
        || (reply->type == REDIS_REPLY_ERROR
            && ngx_strstr(reply->str, "equal or smaller") != NULL))
    {
        ngx_faka_flush_unknown(j);
        return;
    }

    ngx_faka_journal_log_error(j, reply, "XADD");
    fk_flush_unknown(j->fk, j->owner);
    ngx_faka_journal_drop(j);
}


static void
ngx_faka_flush_unknown(ngx_faka_journal_t *j)
{
    fk_stat_add(j->fk, NGX_FAKA_STAT_UNKNOWN, 1);
    fk_flush_unknown(j->fk, j->owner);
    ngx_faka_journal_kick(j);
}


void
ngx_faka_flush_on_probe(ngx_faka_journal_t *j, redisReply *reply)
{
    ngx_faka_stream_id_t  top;

    if (reply == NULL) {
        /* The question was not answered: whoever can asks it at once. */
        fk_flush_unknown(j->fk, j->owner);
        return;
    }

    if (ngx_faka_journal_top(j, reply, &top) != NGX_OK) {
        fk_flush_unknown(j->fk, j->owner);
        ngx_faka_journal_drop(j);
        return;
    }

    fk_stat_add(j->fk, NGX_FAKA_STAT_PROBES, 1);

    switch (fk_flush_top(j->fk, j->owner, top.epoch, top.seq)) {

    case FK_OK:
        if (top.epoch == 0) {
            ngx_faka_flush_begin(j);
            return;
        }

        ngx_faka_journal_kick(j);
        ngx_faka_journal_wake_all(j);
        return;

    case FK_FENCED:
        ngx_log_error(NGX_LOG_ERR, j->log, 0,
                      "faka: shop \"%V\" is fenced: another server has taken "
                      "it over under epoch %uL; this one sells no more",
                      &j->options.shop, top.epoch);
        ngx_faka_journal_halt(j);
        return;

    case FK_CORRUPT:
        ngx_log_error(NGX_LOG_EMERG, j->log, 0,
                      "faka: shop \"%V\" has stopped: its journal in redis "
                      "\"%V\" ends at %uL-%uL and has lost records that "
                      "memory no longer holds; restore redis, then restart",
                      &j->options.shop, &j->options.redis->address,
                      top.epoch, top.seq);
        ngx_faka_journal_halt(j);
        return;

    default:
        /* The lease went to another worker meanwhile: it has probed. */
        ngx_faka_journal_kick(j);
        return;
    }
}


/*
 * The stream has vanished, but the ring still holds every record of it.  It
 * begins as it did at the takeover, with the entry that fences older epochs;
 * if another worker is quicker, this one is refused, which is as good.
 */

static void
ngx_faka_flush_begin(ngx_faka_journal_t *j)
{
    fk_journal_view_t  view;

    ngx_log_error(NGX_LOG_ERR, j->log, 0,
                  "faka: shop \"%V\": its journal in redis \"%V\" is gone; "
                  "all of it is in memory and is sent again",
                  &j->options.shop, &j->options.redis->address);

    fk_journal_view(j->fk, &view);
    j->epoch = view.epoch;

    ngx_faka_recover_append(j, NGX_FAKA_COMMAND_BEGIN, "t", 0);
}


void
ngx_faka_flush_on_begin(ngx_faka_journal_t *j, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR
        && ngx_strstr(reply->str, "equal or smaller") == NULL)
    {
        ngx_faka_journal_log_error(j, reply, "a new journal");
        ngx_faka_journal_drop(j);
        return;
    }

    ngx_faka_journal_kick(j);
}


/*
 * A shop that writes nothing would not learn that another server has taken
 * it over, or that its journal is gone.  So when none of its workers has had
 * a reply for a while, one asks for the journal's end.
 */

void
ngx_faka_flush_pulse_handler(ngx_event_t *ev)
{
    uint64_t             heard;
    ngx_faka_journal_t  *j = ev->data;

    heard = fk_stat_get(j->fk, NGX_FAKA_STAT_BATCHES)
            + fk_stat_get(j->fk, NGX_FAKA_STAT_PROBES);

    if (heard == j->heard && j->state == NGX_FAKA_JOURNAL_READY
        && j->command == NGX_FAKA_COMMAND_NONE)
    {
        (void) fk_flush_suspect(j->fk);
        ngx_faka_journal_kick(j);
    }

    j->heard = heard;

    if (j->state != NGX_FAKA_JOURNAL_STOPPED) {
        ngx_add_timer(ev, NGX_FAKA_PULSE_MS);
    }
}


/* Another worker is sending.  If it has died, its lease is taken from it. */

static void
ngx_faka_flush_wait(ngx_faka_journal_t *j)
{
    uint64_t  owner;

    owner = fk_flush_owner(j->fk);

    if (ngx_faka_journal_is_dead(owner)) {
        fk_flush_break(j->fk, owner);
        ngx_post_event(&j->flush, &ngx_posted_next_events);
        return;
    }

    if (!j->retry.timer_set) {
        ngx_add_timer(&j->retry, NGX_FAKA_POLL_MS);
    }
}


/*
 * An owner carries its pid in the upper half.  A pid that was given to another
 * process meanwhile counts as alive: then the lease runs out in its own time.
 */

ngx_uint_t
ngx_faka_journal_is_dead(uint64_t owner)
{
    return owner != 0 && kill((ngx_pid_t) (owner >> 32), 0) == -1
           && ngx_errno == ESRCH;
}
