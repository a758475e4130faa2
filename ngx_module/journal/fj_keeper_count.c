/*
 * A snapshot that is written is made to count; and the healing of a journal
 * that lost what only memory has.
 *
 *     index     + done NAME ..           it counts
 *     journal   + <epoch>-<S0>  o NAME   healing: here the journal goes on
 *     index     + healed NAME            .. and it does
 *
 * A journal that ends before its snapshot is damage, but for one that was to
 * be healed while its healer died.  "healed" ends this exception before the
 * shop sells again: what the journal loses later, it has lost.
 *
 * An index that has vanished since "begin" is not begun anew: with it went the
 * parts, and it would name what nobody can read.
 */

#include <stdio.h>

#include "fj_keep.h"


#define FJ_KEEPER_SETTLE_MS    30000
#define FJ_KEEPER_POLL_MS      20


static void fj_keeper_done(fj_keeper_t *k);
static void fj_keeper_mark(fj_keeper_t *k);
static void fj_keeper_note_healed(fj_keeper_t *k);
static void fj_keeper_counts(fj_keeper_t *k);


void
fj_keeper_settle_begin(fj_keeper_t *k)
{
    k->phase = FJ_KEEPER_SETTLING;
    k->settle_until_ms = fj_keeper_now_ms(k) + FJ_KEEPER_SETTLE_MS;
    fj_keeper_settle(k);
}


/* The snapshot is one only together with the journal up to its end. */

void
fj_keeper_settle(fj_keeper_t *k)
{
    fk_code_t  code;

    /* Writes nothing more, but says whether the shop is still ours. */
    code = fj_keeper_step(k);

    if ((code != FK_OK && code != FK_AGAIN)
        || fj_keeper_now_ms(k) >= k->settle_until_ms)
    {
        fj_keeper_give_up(k);

    } else if (k->healing
               || fk_durable_seq(k->fk) >= k->snapshot.end_seq)
    {
        fj_keeper_done(k);

    } else {
        fj_keeper_again(k, FJ_KEEPER_POLL_MS);
    }
}


static void
fj_keeper_done(fj_keeper_t *k)
{
    char        id[FJ_ID_SIZE], numbers[4][24];
    unsigned    i;
    uint64_t    values[4];
    fj_words_t  words;

    static const char *const  names[4] = { "parts", "bytes", "begin", "end" };

    values[0] = k->snapshot.parts_count;
    values[1] = k->snapshot.bytes;
    values[2] = k->snapshot.begin_seq;
    values[3] = k->snapshot.end_seq;

    k->phase = FJ_KEEPER_CLOSING;
    fj_keeper_id(k, k->own.seq + 1, id);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, "NOMKSTREAM");
    fj_words_text(&words, id);
    fj_words_text(&words, "done");
    fj_words_text(&words, k->name);

    for (i = 0; i < 4; i++) {
        (void) snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64,
                        values[i]);
        fj_words_text(&words, names[i]);
        fj_words_text(&words, numbers[i]);
    }

    if (k->healing) {
        fj_words_text(&words, "heals");
        fj_words_text(&words, "1");
    }

    fj_link_send(&k->link, FJ_COMMAND_KEEP_DONE, &words);
}


void
fj_keeper_on_done(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (!fj_keeper_appended(k, reply, "the end of a snapshot")) {
        return;
    }

    if (k->healing) {
        fj_keeper_mark(k);
        return;
    }

    fk_snapshot_end(k->fk, k->conf->owner);
    fj_keeper_counts(k);
}


/* --- healing ----------------------------------------------------------- */

static void
fj_keeper_mark(fj_keeper_t *k)
{
    char        id_text[FJ_ID_SIZE];
    fj_id_t     id;
    fj_words_t  words;

    id.epoch = k->snapshot.epoch;
    id.seq = k->snapshot.begin_seq;
    k->sent = id;
    fj_id_text(id_text, "", &id);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, k->journal_key);
    fj_words_text(&words, id_text);
    fj_words_text(&words, "o");
    fj_words_text(&words, k->name);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_MARK, &words);
}


void
fj_keeper_on_mark(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    switch (fj_appended(&k->sent, reply)) {

    case FJ_APPEND_DONE:
        fj_keeper_note_healed(k);
        return;

    case FJ_APPEND_REFUSED:
        /* It is there already, or the journal is another's by now. */
        fj_top_ask(link, FJ_COMMAND_KEEP_TOP, k->journal_key);
        return;

    default:
        fj_link_refused(&k->link, reply, "the new beginning of the journal");
    }
}


/* A journal under our epoch that goes beyond the mark is nothing that we ever
 * wrote: the probe that comes before the next batch says so. */

void
fj_keeper_on_top(fj_link_t *link, const fj_reply_t *reply)
{
    fj_id_t       top;
    fj_keeper_t  *k = fj_keeper_of(link);

    if (!fj_top_read(reply, &top) || fj_id_cmp(&top, &k->sent) < 0) {
        fj_link_refused(&k->link, reply, "the end of the journal");
        return;
    }

    if (top.epoch > k->snapshot.epoch) {
        fj_keeper_fenced(k, top.epoch);
        return;
    }

    fj_keeper_note_healed(k);
}


static void
fj_keeper_note_healed(fj_keeper_t *k)
{
    char        id[FJ_ID_SIZE];
    fj_words_t  words;

    fj_keeper_id(k, k->own.seq + 2, id);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, "NOMKSTREAM");
    fj_words_text(&words, id);
    fj_words_text(&words, "healed");
    fj_words_text(&words, k->name);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_HEALED, &words);
}


void
fj_keeper_on_healed(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (!fj_keeper_appended(k, reply, "the end of healing")) {
        return;
    }

    if (k->conf->replicas != 0) {
        fj_keeper_wait(k);
        return;
    }

    fj_keeper_sells_again(k);
}


void
fj_keeper_sells_again(fj_keeper_t *k)
{
    fk_code_t  code;

    code = fk_heal_end(k->fk, k->conf->owner, k->snapshot.begin_seq);
    if (code != FK_OK) {
        fj_keeper_give_up(k);
        return;
    }

    fk_stat_add(k->fk, FJ_STAT_HEALED, 1);
    fj_say(&k->link, FJ_LOG_NOTICE, " sells again: its journal begins anew "
           "behind record %" PRIu64 ", before which its snapshot has "
           "everything", k->snapshot.begin_seq);

    k->link.shell->ring(k->link.data);
    k->link.shell->wake(k->link.data);
    fj_keeper_counts(k);
}


static void
fj_keeper_counts(fj_keeper_t *k)
{
    int64_t  now_ms = fj_keeper_now_ms(k);

    /* What came while it was written is the next one's. */
    fk_stat_add(k->fk, FJ_STAT_TAIL_BYTES, 0 - k->tail_bytes);
    fk_stat_add(k->fk, FJ_STAT_SNAPSHOTS, 1);
    fk_stat_set(k->fk, FJ_STAT_SNAPSHOT_SEQ, k->snapshot.end_seq);
    fk_stat_set(k->fk, FJ_STAT_SNAPSHOT_BYTES, k->snapshot.bytes);
    fk_stat_set(k->fk, FJ_STAT_SNAPSHOT_AT_MS, (uint64_t) now_ms);
    fk_stat_set(k->fk, FJ_STAT_SNAPSHOT_TOOK_MS,
                (uint64_t) (now_ms - k->began_ms));

    fj_say(&k->link, FJ_LOG_NOTICE, ": snapshot %s of %" PRIu64 " entities, %"
           PRIu64 " bytes", k->name, k->snapshot.entities_count,
           k->snapshot.bytes);

    k->unfinished_said = 0;
    fj_link_works(&k->link);
    fj_keeper_cut(k);
}
