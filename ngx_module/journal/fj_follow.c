/*
 * Reading a shop out of Redis: the snapshot that counts, then the journal
 * behind it, page by page, and then what comes new.
 *
 *     index      the last "done"                      which snapshot
 *     parts      fk_snapshot_load
 *     journal    fk_apply, until a page is empty
 *     XINFO      does it reach the snapshot's end?    caught up
 *
 * This server is not the owner while it reads, so nobody is disturbed: an old
 * owner goes on selling, and may even cut what is being read; then it begins
 * again.  What to do once it has caught up is for fj_recover.c to say.
 *
 * A gap shows that something was cut, but at the journal's end there may be
 * none.  So when the shop is taken, the index is read once more: whatever was
 * cut, a snapshot that counted was there before.
 *
 * An idle shop has nothing behind its snapshot.  So the snapshot counts as
 * what was read: read_id is its place in the journal, as the id of an entry
 * that ended there would be.
 *
 * What was read may be more than Redis still has, and takeovers, whose own
 * ids are higher than any, hide that: ours, or one of a server that did not
 * open.  So nothing is concluded from ids.  tail_id is the last entry that
 * has records, or a mark; over another connection, and behind the takeover,
 * reading begins with it once more, and if it is not there, Redis lacks it.
 */

#include "fj_priv.h"


#define FJ_RESTARTS_MAX  3


static void fj_follow_page(fj_t *j);
static void fj_follow_ask_end(fj_t *j);
static int fj_follow_is_at(const fj_reply_t *entry, fj_id_t *id);
static int fj_follow_lacks(const fj_t *j, const fj_id_t *first);
static int fj_follow_is_other(const fj_t *j, const fj_id_t *id,
    const fj_reply_t *fields);
static fj_read_t fj_follow_entry(fj_t *j, const fj_reply_t *entry);
static fj_read_t fj_follow_index(fj_t *j, const fj_reply_t *fields);
static fj_read_t fj_follow_value(fj_t *j, const fj_reply_t *value);
static void fj_follow_next(fj_t *j);
static void fj_follow_to(fj_t *j, fj_reading_t what, const char *key);
static void fj_follow_journal(fj_t *j);
static uint64_t fj_follow_number(const fj_reply_t *fields, const char *name);


void
fj_follow_start(fj_t *j)
{
    memset(&j->found, 0, sizeof(j->found));
    j->read_bytes = 0;
    j->tail_bytes = 0;

    fj_follow_to(j, FJ_READING_INDEX, j->index_key);
}


void
fj_follow_on(fj_t *j)
{
    fj_follow_page(j);
}


/*
 * Over another connection, perhaps to another Redis, or behind the takeover:
 * the last entry that was read is asked for once more.  If it is there, so is
 * all that was before it, for an epoch's owner gives each id once.
 */

void
fj_follow_resume(fj_t *j)
{
    j->reading = FJ_READING_JOURNAL;
    j->read_key = j->key;
    j->read_id = j->tail_id;
    j->resumes = j->tail_id.epoch != 0;

    fj_follow_page(j);
}


void
fj_follow_rest(fj_t *j)
{
    assert(j->reading == FJ_READING_JOURNAL);

    j->found.is_there = 0;
    fj_follow_to(j, FJ_READING_INDEX, j->index_key);
}


/* 1: a snapshot counts that covers more than what was read here, or is of an
 * owner of whom nothing was read: who knows from where that one went on? */

int
fj_follow_is_short(const fj_t *j)
{
    return fk_recover_seq(j->fk) < j->found.end_seq
           || j->tail_id.epoch < j->found.epoch;
}


/*
 * A snapshot counts only when the journal has its end: so a journal that was
 * never seen to reach it has lost what came after, and nobody knows what that
 * was.  Once it was, whatever Redis loses then is here.
 */

int
fj_follow_reaches(const fj_t *j, const fj_id_t *id)
{
    fj_id_t  end;

    end.epoch = j->found.epoch;
    end.seq = j->found.end_seq;

    return fj_id_cmp(id, &end) >= 0;
}


static void
fj_follow_to(fj_t *j, fj_reading_t what, const char *key)
{
    j->reading = what;
    j->read_id.epoch = 0;
    j->read_id.seq = 0;
    j->read_key = key;

    fj_follow_page(j);
}


/* Behind the snapshot, if there is one: it has whatever an older epoch, or
 * its own up to that record, has written. */

static void
fj_follow_journal(fj_t *j)
{
    j->reading = FJ_READING_JOURNAL;
    j->read_key = j->key;
    j->read_id.epoch = j->found.epoch;
    j->read_id.seq = fk_recover_seq(j->fk);
    j->tail_id = j->read_id;
    j->joined = j->found.begin.epoch == 0;

    fj_follow_page(j);
}


static void
fj_follow_page(fj_t *j)
{
    char        id[FJ_ID_SIZE];
    fj_words_t  words;

    fj_id_text(id, j->resumes ? "" : "(", &j->read_id);

    words.argc = 0;
    fj_words_text(&words, "XRANGE");
    fj_words_text(&words, j->read_key);
    fj_words_text(&words, id);
    fj_words_text(&words, "+");
    fj_words_text(&words, "COUNT");
    fj_words_text(&words, FJ_PAGE_COUNT);

    fj_link_send(&j->link, FJ_COMMAND_PAGE, &words);
}


void
fj_follow_on_page(fj_link_t *link, const fj_reply_t *reply)
{
    size_t    i;
    fj_t     *j = fj_of(link);
    fj_id_t   first;

    if (reply->type != FJ_REPLY_ARRAY) {
        fj_link_refused(link, reply, "XRANGE");
        return;
    }

    i = 0;

    /* Lost there, or cut: the top id tells one from the other. */
    if (j->resumes && reply->count == 0 && j->epoch == 0) {
        fj_follow_ask_end(j);
        return;
    }

    if (j->resumes && reply->count != 0
        && fj_follow_is_at(&reply->item[0], &first))
    {
        i = fj_id_cmp(&first, &j->tail_id) == 0;
        j->heals = j->epoch != 0 && fj_follow_lacks(j, &first);
    }

    j->resumes = 0;

    for ( ; i < reply->count; i++) {
        if (fj_recover_ended(j, fj_follow_entry(j, &reply->item[i]))) {
            return;
        }
    }

    if (reply->count != 0) {
        fj_recover_progress(j);
        fj_follow_page(j);
        return;
    }

    fj_follow_next(j);
}


static int
fj_follow_is_at(const fj_reply_t *entry, fj_id_t *id)
{
    return entry->type == FJ_REPLY_ARRAY && entry->count == 2
           && fj_id_read(&entry->item[0], id);
}


/*
 * first: what stands at tail_id, or is the next one behind it.  An owner that
 * has gone on behind it had sent it before; and what a snapshot has that was
 * there a moment ago may have been cut.
 */

static int
fj_follow_lacks(const fj_t *j, const fj_id_t *first)
{
    return first->epoch != j->tail_id.epoch
           && !(j->found.is_there && j->found.epoch == j->tail_id.epoch
                && j->found.end_seq >= j->tail_id.seq);
}


/*
 * 1: another server has opened the shop.  What it has written follows on what
 * was read here, unless Redis lacks that, which is not known before the shop
 * is ours.  A takeover alone has written nothing: what Redis lacks then is
 * still nowhere but here, and perhaps there.
 */

static int
fj_follow_is_other(const fj_t *j, const fj_id_t *id, const fj_reply_t *fields)
{
    char               generation[FJ_GENERATION_SIZE];
    const fj_reply_t  *mark, *of;

    if (!j->follows || j->tail_id.epoch == 0 || id->seq == 0
        || id->epoch <= j->tail_id.epoch || (j->epoch != 0 && !j->heals))
    {
        return 0;
    }

    /* Our own mark, of a takeover whose connection was lost behind it. */
    fj_stream_generation(generation, j->conf);
    mark = fj_reply_field(fields, "o");
    of = fj_reply_field(fields, "g");

    return mark == NULL || !fj_reply_is(mark, j->instance)
           || of == NULL || !fj_reply_is(of, generation);
}


/* Nothing is left of this stream. */

static void
fj_follow_next(fj_t *j)
{
    char  id[FJ_ID_SIZE];

    switch (j->reading) {

    case FJ_READING_INDEX:
        if (j->epoch != 0) {
            fj_follow_resume(j);
            return;
        }

        if (j->found.begin.epoch == 0) {
            fj_follow_journal(j);
            return;
        }

        fj_id_text(id, "", &j->found.begin);
        (void) fj_key(j->part_key, j->conf, "snapshot", id);
        fj_follow_to(j, FJ_READING_PARTS, j->part_key);
        return;

    case FJ_READING_PARTS:
        if (j->read_id.epoch == 0) {
            /* Replaced by a newer one since the index was read. */
            (void) fj_recover_ended(j, fj_follow_damaged(j, FK_CORRUPT, 0));
            return;
        }

        fj_follow_journal(j);
        return;

    case FJ_READING_JOURNAL:
        break;
    }

    if (!j->joined && j->epoch == 0) {
        fj_follow_ask_end(j);
        return;
    }

    fj_recover_caught_up(j);
}


static void
fj_follow_ask_end(fj_t *j)
{
    fj_stream_ask_top(j, FJ_COMMAND_END);
}


void
fj_follow_on_end(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t     *j = fj_of(link);
    fj_id_t   top;

    if (!fj_stream_top(j, reply, &top)) {
        return;
    }

    if (j->resumes) {
        j->resumes = 0;

        /* Something came after what was read, and was cut: also what another
         * server wrote that has gone on from before it. */
        if (fj_id_cmp(&top, &j->read_id) > 0) {
            (void) fj_recover_ended(j, FJ_READ_RESTART);
            return;
        }
    }

    if (fj_follow_reaches(j, &top)) {
        j->joined = 1;
    }

    fj_recover_caught_up(j);
}


/* One entry: [id, [field, value, ...]].  Ids grow, or reading never ends. */

static fj_read_t
fj_follow_entry(fj_t *j, const fj_reply_t *entry)
{
    size_t             i;
    fj_id_t            id, before;
    fj_read_t          result;
    const char        *name;
    const fj_reply_t  *fields;

    if (!fj_follow_is_at(entry, &id)
        || fj_id_cmp(&id, &j->read_id) <= 0
        || entry->item[1].type != FJ_REPLY_ARRAY
        || entry->item[1].count % 2 != 0)
    {
        fj_link_refused(&j->link, entry, "a readable entry");
        return FJ_READ_AGAIN;
    }

    /* Once we own the shop, nobody may come after us. */
    if (j->reading == FJ_READING_JOURNAL && j->epoch != 0
        && id.epoch > j->epoch)
    {
        return fj_recover_fenced(j);
    }

    fields = &entry->item[1];

    /* From where on, and whether it had all that was read here, the journal
     * tells whoever reads it anew. */
    if (j->reading == FJ_READING_JOURNAL && fj_follow_is_other(j, &id, fields))
    {
        return FJ_READ_RESTART;
    }

    before = j->read_id;
    j->read_id = id;

    if (j->reading == FJ_READING_INDEX) {
        fj_epoch_seen(j, id.epoch);
        return fj_follow_index(j, fields);
    }

    name = j->reading == FJ_READING_PARTS ? "p" : "b";

    for (i = 0; i < fields->count; i += 2) {

        if (!fj_reply_is(&fields->item[i], name)) {
            continue;
        }

        result = fj_follow_value(j, &fields->item[i + 1]);
        if (result == FJ_READ_AGAIN) {
            j->read_id = before;
        }

        if (result != FJ_READ_ON) {
            return result;
        }
    }

    /* The id says how far the records went when it was given: the mark of a
     * shop that was healed may stand behind some that are not there. */
    if (j->reading == FJ_READING_JOURNAL
        && fk_recover_seq(j->fk) < j->read_id.seq)
    {
        return fj_follow_damaged(j, FK_CORRUPT, 0);
    }

    if (j->reading == FJ_READING_JOURNAL && fj_follow_reaches(j, &id)) {
        j->joined = 1;
    }

    if (j->reading == FJ_READING_JOURNAL && id.seq != 0) {
        j->tail_id = id;
    }

    return FJ_READ_ON;
}


/* Its name is the id of its "begin". */

static fj_read_t
fj_follow_index(fj_t *j, const fj_reply_t *fields)
{
    fj_id_t            begin;
    const fj_reply_t  *name;

    /* The journal goes on behind it: it does not end there any more. */
    if (fj_reply_field(fields, "healed") != NULL) {
        j->found.heals = 0;
        return FJ_READ_ON;
    }

    name = fj_reply_field(fields, "done");
    if (name == NULL) {
        return FJ_READ_ON;
    }

    if (!fj_id_read(name, &begin) || begin.epoch == 0) {
        fj_link_refused(&j->link, name, "the name of a snapshot");
        return FJ_READ_AGAIN;
    }

    j->found.is_there = 1;
    j->found.begin = begin;
    j->found.epoch = j->read_id.epoch;
    j->found.end_seq = fj_follow_number(fields, "end");
    j->found.bytes = fj_follow_number(fields, "bytes");
    j->found.heals = fj_reply_field(fields, "heals") != NULL;

    return FJ_READ_ON;
}


static uint64_t
fj_follow_number(const fj_reply_t *fields, const char *name)
{
    uint64_t           number;
    const fj_reply_t  *field;

    field = fj_reply_field(fields, name);

    return field != NULL && fj_number_read(field, &number) ? number : 0;
}


static fj_read_t
fj_follow_value(fj_t *j, const fj_reply_t *value)
{
    size_t     at;
    int64_t    now_ms;
    fk_code_t  code;

    if (value->type != FJ_REPLY_STRING) {
        fj_link_refused(&j->link, value, "a readable batch");
        return FJ_READ_AGAIN;
    }

    at = 0;

    /* The clock is asked for each batch: a long page must not outlive the
     * lease. */
    now_ms = fj_now_ms(j);

    code = j->reading == FJ_READING_PARTS
           ? fk_snapshot_load(j->fk, j->conf->owner, now_ms,
                              (const uint8_t *) value->text, value->size, &at)
           : fk_apply(j->fk, j->conf->owner, now_ms,
                      (const uint8_t *) value->text, value->size, &at);

    j->read_bytes += value->size;

    if (j->reading == FJ_READING_JOURNAL) {
        j->tail_bytes += value->size;
    }

    switch (code) {

    case FK_OK:
        return FJ_READ_ON;

    case FK_CONFLICT:
    case FK_LOCK_TIMEOUT:
        return FJ_READ_AGAIN;

    default:
        return fj_follow_damaged(j, code, at);
    }
}


/*
 * Another owner may have cut the journal, or replaced the snapshot, while
 * they were read: so what looks like damage is read again from the beginning,
 * some times, before it is called that.  What follows from it depends on
 * whether somebody else sells (fj_owner.c).
 */

fj_read_t
fj_follow_damaged(fj_t *j, fk_code_t code, size_t at)
{
    if (code == FK_CORRUPT && j->restarts < FJ_RESTARTS_MAX) {
        j->restarts++;
        fj_say(&j->link, FJ_LOG_NOTICE, ": reads it again from the beginning, "
               "for it was cut meanwhile or is damaged, at entry %" PRIu64 "-%"
               PRIu64 " of %s", j->read_id.epoch, j->read_id.seq, j->read_key);
        return FJ_READ_RESTART;
    }

    j->damage.code = code;
    j->damage.at = at;
    j->damage.seq = fk_recover_seq(j->fk);
    j->damage.at_ms = fj_now_ms(j);

    return FJ_READ_DAMAGED;
}
