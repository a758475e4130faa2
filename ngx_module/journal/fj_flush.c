/*
 * The flush: carries the ring's new records to the stream, all that are
 * unsent in one XADD, one batch at a time over all processes.
 *
 * Exactly once, and fenced, by Redis itself: ids must grow, so a batch that
 * landed before is refused when it is sent again, and so is everything of an
 * older epoch.  A refusal, a lost reply, or a stream that is gone all mean
 * the same: read the top id, and let the engine decide.
 */

#include "fj_priv.h"


static void fj_flush_send(fj_t *j, const fk_batch_t *batch);
static int fj_flush_bury(fj_t *j);
static void fj_flush_unknown(fj_t *j);
static void fj_flush_begin(fj_t *j);


void
fj_flush_run(fj_t *j)
{
    fk_batch_t  batch;
    fk_flush_t  code;

    if (j->phase != FJ_PHASE_SELLING || j->link.command != FJ_COMMAND_NONE) {
        return;
    }

    if (fj_sign_due(j)) {
        fj_sign_say(j, FJ_COMMAND_SAY, FJ_OWNER_TTL_MS);
        return;
    }

    if (fj_now_ms(j) - j->settings_at_ms >= FJ_SETTINGS_MS) {
        j->settings_at_ms = fj_now_ms(j);
        fj_handshake_ask_settings(&j->link, FJ_COMMAND_SETTINGS);
        return;
    }

    code = fk_flush_take(j->fk, j->conf->owner, fj_now_ms(j), &batch);

    if (code == FK_FLUSH_OTHER && fj_flush_bury(j)) {
        code = fk_flush_take(j->fk, j->conf->owner, fj_now_ms(j), &batch);
    }

    switch (code) {

    case FK_FLUSH_SEND:
        fj_flush_send(j, &batch);
        return;

    case FK_FLUSH_PROBE:
        fj_stream_ask_top(j, FJ_COMMAND_PROBE);
        return;

    case FK_FLUSH_OTHER:
        if (!fj_link_timer_runs(&j->link, FJ_TIMER_RETRY)) {
            fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_FLUSH_POLL_MS);
        }

        return;

    case FK_FLUSH_NOTHING:
        break;
    }

    if (fk_shop_state(j->fk) != FK_SHOP_OPEN) {
        fj_enter(j);
    }
}


void
fj_flush_on_settings(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_handshake_settings(link, reply)) {
        fj_flush_run(fj_of(link));
    }
}


uint64_t
fj_flush_epoch(const fj_t *j)
{
    fk_journal_view_t  view;

    fk_journal_view(j->fk, &view);
    return view.epoch;
}


/* --- a batch ---------------------------------------------------------- */

static void
fj_flush_send(fj_t *j, const fk_batch_t *batch)
{
    char        id[FJ_ID_SIZE];
    fj_words_t  words;

    j->sent_id.epoch = batch->epoch;
    j->sent_id.seq = batch->last_seq;
    fj_id_text(id, "", &j->sent_id);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_add(&words, j->key, j->key_size);

    /* The stream is there since the takeover; if it is not, say so. */
    fj_words_text(&words, "NOMKSTREAM");

    fj_words_text(&words, id);
    fj_words_text(&words, "b");
    fj_words_add(&words, batch->part[0], batch->size[0]);

    if (batch->size[1] != 0) {
        /* The ring wraps: a second field of the same name, not a copy. */
        fj_words_text(&words, "b");
        fj_words_add(&words, batch->part[1], batch->size[1]);
    }

    j->batch_count = batch->count;
    j->batch_size = batch->size[0] + batch->size[1];
    j->batch_at_ms = fj_now_ms(j);

    fj_link_send(&j->link, FJ_COMMAND_BATCH, &words);
}


void
fj_flush_on_batch(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    switch (fj_appended(&j->sent_id, reply)) {

    case FJ_APPEND_DONE:
        j->refusals = 0;

        if (fj_wait_needed(j)) {
            fj_wait_ask(j, FJ_COMMAND_WAIT_BATCH);
            return;
        }

        fj_flush_landed(j);
        return;

    case FJ_APPEND_REFUSED:
    case FJ_APPEND_GONE:
        fj_flush_unknown(j);

        /* The top id explains a refusal; one that returns is not explained. */
        if (++j->refusals < FJ_REFUSALS_MAX) {
            fj_kick(j);
            return;
        }

        break;

    case FJ_APPEND_WRONG:
        fk_flush_unknown(j->fk, j->conf->owner);
        break;
    }

    j->refusals = 0;
    fj_link_refused(link, reply, "XADD");
}


/* The batch is where it has to be. */

void
fj_flush_landed(fj_t *j)
{
    int64_t  took_ms;

    fj_link_works(&j->link);
    took_ms = fj_now_ms(j) - j->batch_at_ms;

    if (fk_flush_done(j->fk, j->conf->owner, j->sent_id.seq) == FK_OK) {
        fk_stat_add(j->fk, FJ_STAT_BATCHES, 1);
        fk_stat_add(j->fk, FJ_STAT_BATCH_RECORDS, j->batch_count);
        fk_stat_add(j->fk, FJ_STAT_BATCH_BYTES, j->batch_size);
        fk_stat_add(j->fk, FJ_STAT_TAIL_BYTES, j->batch_size);
        fk_stat_add(j->fk, FJ_STAT_FLUSH_US, (uint64_t) took_ms * 1000);
    }

    /* What came meanwhile goes at the end of this turn. */
    fj_kick(j);
    fj_wake_all(j);
}


static void
fj_flush_unknown(fj_t *j)
{
    fk_stat_add(j->fk, FJ_STAT_UNKNOWN, 1);
    fk_flush_unknown(j->fk, j->conf->owner);
}


void
fj_flush_lost_batch(fj_link_t *link)
{
    fj_flush_unknown(fj_of(link));
}


/* Another process is sending.  If it has died, its lease is taken from it. */

static int
fj_flush_bury(fj_t *j)
{
    uint64_t  owner;

    owner = fk_flush_owner(j->fk);

    if (owner == 0 || !j->link.shell->is_dead(j->link.data, owner)) {
        return 0;
    }

    fk_flush_break(j->fk, owner);
    return 1;
}


/* --- the question for the top ------------------------------------------ */

void
fj_flush_on_probe(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    if (!fj_stream_top(j, reply, &j->top)) {
        fk_flush_unknown(j->fk, j->conf->owner);
        return;
    }

    fk_stat_add(j->fk, FJ_STAT_PROBES, 1);

    /* Not in the name of another owner, if there is one. */
    if (fj_wait_needed(j) && j->top.epoch <= fj_flush_epoch(j)) {
        fj_sign_say(j, FJ_COMMAND_SAY_PROBED, FJ_OWNER_TTL_MS);
        return;
    }

    fj_flush_probed(j);
}


void
fj_flush_on_say(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    if (!fj_reply_ok(reply)) {
        fk_flush_unknown(j->fk, j->conf->owner);
        fj_link_refused(link, reply, "SET");
        return;
    }

    fj_wait_ask(j, FJ_COMMAND_WAIT_PROBED);
}


/* What the top id means, the engine says. */

void
fj_flush_probed(fj_t *j)
{
    fj_id_t     top;
    fj_link_t  *link;

    top = j->top;
    link = &j->link;

    switch (fk_flush_top(j->fk, j->conf->owner, top.epoch, top.seq)) {

    case FK_OK:
        if (top.epoch == 0) {
            fj_flush_begin(j);
            return;
        }

        fj_kick(j);
        fj_wake_all(j);
        return;

    case FK_FENCED:
        fj_say(link, FJ_LOG_ERR, " is fenced: another server has taken it "
               "over under epoch %" PRIu64 "; this one sells no more",
               top.epoch);
        fj_fenced(j);
        return;

    case FK_HEALING:
        /* A keeper says so, and writes it anew. */
        fj_enter(j);
        fj_wake_all(j);
        return;

    case FK_CORRUPT:
        fj_say(link, FJ_LOG_EMERG, " has stopped: its journal in redis "
               "\"%s\" ends at %" PRIu64 "-%" PRIu64 ", which this shop never "
               "wrote; restore redis, then restart", j->link.address.text,
               top.epoch, top.seq);
        fj_halt(j);
        return;

    default:
        /* The lease went to another process meanwhile: it has probed. */
        fj_kick(j);
        return;
    }
}


/* The question was not answered: whoever can asks it at once. */

void
fj_flush_lost_probe(fj_link_t *link)
{
    fj_t  *j = fj_of(link);

    fk_flush_unknown(j->fk, j->conf->owner);
}


/*
 * The stream has vanished, but the ring still holds every record of it.  It
 * begins as it did at the takeover, with the entry that fences older epochs;
 * if another process is quicker, this one is refused, which is as good.
 */

static void
fj_flush_begin(fj_t *j)
{
    fj_id_t  id;

    fj_say(&j->link, FJ_LOG_ERR, ": its journal in redis \"%s\" is gone; all "
           "of it is in memory and is sent again", j->link.address.text);

    id.epoch = fj_flush_epoch(j);
    id.seq = 0;

    fj_stream_append(j, FJ_COMMAND_BEGIN, j->key, 0, "t", &id);
}


void
fj_flush_on_begin(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t         *j = fj_of(link);
    fj_append_t   result;

    result = fj_appended(&j->sent_id, reply);

    if (result != FJ_APPEND_DONE && result != FJ_APPEND_REFUSED) {
        fj_link_refused(link, reply, "a new journal");
        return;
    }

    fj_kick(j);
}


/*
 * A shop that writes nothing would not learn that another server has taken
 * it over, or that its journal is gone.  So when none of its processes has
 * had a reply for a while, one asks for the journal's end.
 */

void
fj_flush_pulse(fj_t *j)
{
    uint64_t  heard;

    heard = fk_stat_get(j->fk, FJ_STAT_BATCHES)
            + fk_stat_get(j->fk, FJ_STAT_PROBES);

    if (heard == j->heard && j->phase == FJ_PHASE_SELLING
        && j->link.command == FJ_COMMAND_NONE)
    {
        (void) fk_flush_suspect(j->fk);
        fj_kick(j);
    }

    j->heard = heard;
    fj_link_timer(&j->link, FJ_TIMER_PULSE, FJ_PULSE_MS);
}
