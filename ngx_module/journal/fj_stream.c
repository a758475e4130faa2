/*
 * The stream: its ids, the question for the top one, and appending an entry
 * whose id we choose.
 */

#include <stdio.h>

#include "fj_priv.h"


int
fj_id_read(const fj_reply_t *reply, fj_id_t *id)
{
    const char  *p, *last;

    if (reply->type != FJ_REPLY_STRING || reply->size == 0) {
        return 0;
    }

    p = reply->text;
    last = p + reply->size;

    return fj_digits(&p, last, 10, &id->epoch)
           && p != last && *p++ == '-'
           && fj_digits(&p, last, 10, &id->seq)
           && p == last;
}


int
fj_id_cmp(const fj_id_t *a, const fj_id_t *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }

    return a->seq == b->seq ? 0 : a->seq < b->seq ? -1 : 1;
}


void
fj_id_text(char text[FJ_ID_SIZE], const char *prefix, const fj_id_t *id)
{
    int  size;

    size = snprintf(text, FJ_ID_SIZE, "%s%" PRIu64 "-%" PRIu64, prefix,
                    id->epoch, id->seq);
    assert(size > 0 && size < FJ_ID_SIZE);
}


void
fj_top_ask(fj_link_t *link, fj_command_t command, const char *key)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "XINFO");
    fj_words_text(&words, "STREAM");
    fj_words_text(&words, key);

    fj_link_send(link, command, &words);
}


void
fj_stream_ask_top(fj_t *j, fj_command_t command)
{
    fj_top_ask(&j->link, command, j->key);
}


int
fj_top_read(const fj_reply_t *reply, fj_id_t *top)
{
    const fj_reply_t  *id;

    if (fj_reply_error(reply, "ERR no such key")) {
        top->epoch = 0;
        top->seq = 0;
        return 1;
    }

    id = fj_reply_field(reply, "last-generated-id");

    return id != NULL && fj_id_read(id, top);
}


int
fj_stream_top(fj_t *j, const fj_reply_t *reply, fj_id_t *top)
{
    if (fj_top_read(reply, top)) {
        return 1;
    }

    fj_link_refused(&j->link, reply, "XINFO STREAM");
    return 0;
}


void
fj_stream_generation(char text[FJ_GENERATION_SIZE], const fj_conf_t *conf)
{
    (void) snprintf(text, FJ_GENERATION_SIZE, "%016" PRIx64,
                    conf->generation);
}


void
fj_stream_append(fj_t *j, fj_command_t command, const char *key,
    int is_there, const char *field, const fj_id_t *id)
{
    char        text[FJ_ID_SIZE], generation[FJ_GENERATION_SIZE];
    fj_words_t  words;

    j->sent_id = *id;
    fj_id_text(text, "", id);
    fj_stream_generation(generation, j->conf);

    words.argc = 0;
    fj_words_text(&words, "XADD");
    fj_words_text(&words, key);

    if (is_there) {
        fj_words_text(&words, "NOMKSTREAM");
    }

    fj_words_text(&words, text);
    fj_words_text(&words, field);
    fj_words_text(&words, j->instance);
    fj_words_text(&words, "g");
    fj_words_text(&words, generation);

    fj_link_send(&j->link, command, &words);
}


fj_append_t
fj_appended(const fj_id_t *sent, const fj_reply_t *reply)
{
    fj_id_t  id;

    if (fj_id_read(reply, &id)) {
        return fj_id_cmp(&id, sent) == 0 ? FJ_APPEND_DONE : FJ_APPEND_WRONG;
    }

    if (fj_reply_says(reply, "equal or smaller")) {
        return FJ_APPEND_REFUSED;
    }

    return reply->type == FJ_REPLY_NIL ? FJ_APPEND_GONE : FJ_APPEND_WRONG;
}
