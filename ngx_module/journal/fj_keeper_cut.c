/*
 * After a snapshot counts: the journal is cut behind its begin, the snapshots
 * that it replaces are unlinked, and the index forgets them.
 *
 * All of it may be left half done: the next snapshot does it again.
 */

#include "fj_keep.h"


#define FJ_CUT_LIMIT        "1000"     /* entries of the journal */
#define FJ_CUT_COUNT        "12"       /* entries of the index */
#define FJ_CUT_NAMES        12


static int fj_keeper_entry(const fj_reply_t *entry, fj_id_t *id);
static void fj_keeper_trim(fj_keeper_t *k);
static void fj_keeper_clean(fj_keeper_t *k);
static void fj_keeper_forget(fj_keeper_t *k);


/* 1: it is an entry, and *id its id. */

static int
fj_keeper_entry(const fj_reply_t *entry, fj_id_t *id)
{
    return entry->type == FJ_REPLY_ARRAY && entry->count == 2
           && fj_id_read(&entry->item[0], id)
           && entry->item[1].type == FJ_REPLY_ARRAY;
}


void
fj_keeper_cut(fj_keeper_t *k)
{
    k->phase = FJ_KEEPER_CUTTING;
    fj_keeper_trim(k);
}


/* By whole nodes of the stream and a limited number of them at a time: Redis
 * serves the buyers meanwhile. */

static void
fj_keeper_trim(fj_keeper_t *k)
{
    char        id_text[FJ_ID_SIZE];
    fj_id_t     id;
    fj_words_t  words;

    id.epoch = k->snapshot.epoch;
    id.seq = k->snapshot.begin_seq + 1;
    fj_id_text(id_text, "", &id);

    words.argc = 0;
    fj_words_text(&words, "XTRIM");
    fj_words_text(&words, k->journal_key);
    fj_words_text(&words, "MINID");
    fj_words_text(&words, "~");
    fj_words_text(&words, id_text);
    fj_words_text(&words, "LIMIT");
    fj_words_text(&words, FJ_CUT_LIMIT);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_TRIM, &words);
}


void
fj_keeper_on_trim(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_INTEGER) {
        fj_link_refused(&k->link, reply, "cutting the journal");
        return;
    }

    if (reply->number > 0) {
        fj_keeper_trim(k);
        return;
    }

    fj_keeper_clean(k);
}


/* The oldest entries of the index, up to the snapshot's own beginning. */

static void
fj_keeper_clean(fj_keeper_t *k)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "XRANGE");
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, "-");
    fj_words_text(&words, k->name);
    fj_words_text(&words, "COUNT");
    fj_words_text(&words, FJ_CUT_COUNT);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_CLEAN, &words);
}


void
fj_keeper_on_clean(fj_link_t *link, const fj_reply_t *reply)
{
    char          keys[FJ_CUT_NAMES][FJ_KEY_SIZE], name[FJ_ID_SIZE];
    size_t        i;
    fj_id_t       id;
    fj_words_t    words;
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_ARRAY || reply->count > FJ_CUT_NAMES) {
        fj_link_refused(&k->link, reply, "the index of snapshots");
        return;
    }

    words.argc = 0;
    fj_words_text(&words, "UNLINK");
    k->forget = k->own;

    for (i = 0; i < reply->count; i++) {

        if (!fj_keeper_entry(&reply->item[i], &id)) {
            fj_link_refused(&k->link, reply, "the index of snapshots");
            return;
        }

        /* A name is the id of its "begin": nothing else is ever unlinked. */
        if (fj_id_cmp(&id, &k->own) != 0
            && fj_reply_field(&reply->item[i].item[1], "begin") != NULL)
        {
            fj_id_text(name, "", &id);
            (void) fj_key(keys[i], k->conf, "snapshot", name);
            fj_words_text(&words, keys[i]);
        }

        k->forget = id;
    }

    if (reply->count == FJ_CUT_NAMES && fj_id_cmp(&k->forget, &k->own) != 0) {
        /* There are more: those that were seen go, and the rest after it. */
        k->forget.seq++;

    } else {
        k->forget = k->own;
    }

    if (words.argc == 1) {
        fj_keeper_forget(k);
        return;
    }

    fj_link_send(link, FJ_COMMAND_KEEP_UNLINK, &words);
}


void
fj_keeper_on_unlink(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_INTEGER) {
        fj_link_refused(&k->link, reply, "UNLINK");
        return;
    }

    fj_keeper_forget(k);
}


static void
fj_keeper_forget(fj_keeper_t *k)
{
    char        id[FJ_ID_SIZE];
    fj_words_t  words;

    fj_id_text(id, "", &k->forget);

    words.argc = 0;
    fj_words_text(&words, "XTRIM");
    fj_words_text(&words, k->index_key);
    fj_words_text(&words, "MINID");
    fj_words_text(&words, id);

    fj_link_send(&k->link, FJ_COMMAND_KEEP_FORGET, &words);
}


void
fj_keeper_on_forget(fj_link_t *link, const fj_reply_t *reply)
{
    fj_keeper_t  *k = fj_keeper_of(link);

    if (reply->type != FJ_REPLY_INTEGER) {
        fj_link_refused(&k->link, reply, "cutting the index");
        return;
    }

    if (fj_id_cmp(&k->forget, &k->own) != 0) {
        fj_keeper_clean(k);
        return;
    }

    k->phase = FJ_KEEPER_IDLE;
}
