/*
 * The sign of life: what a shop's owner says of itself.
 *
 *     faka:{SHOP}:owner
 *         "<epoch> <seq> <beat> <server> <host> <generation>", for a second
 *
 * seq is the last record that its memory has: whatever it has promised so far
 * is not above it, also when Redis has lost it since.  So a journal that ends
 * before (epoch, seq) lacks something that the owner still has.  beat makes
 * every sign differ from the one before: one that changes was said to the
 * Redis that is asked, and not to the one that this was restored from.
 *
 * server is the owner's master process, host its machine, and generation the
 * listening sockets that it serves.
 */

#include <stdio.h>

#include "fj_priv.h"


#define FJ_SIGN_SIZE  160


void
fj_sign_say(fj_t *j, fj_command_t command, unsigned ttl_ms)
{
    int         size;
    char        text[FJ_SIGN_SIZE], ttl[16];
    fj_words_t  words;

    size = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRId64
                    " %016" PRIx64 " %016" PRIx64 " %016" PRIx64,
                    fk_stat_get(j->fk, FJ_STAT_EPOCH), fk_last_seq(j->fk),
                    fj_now_ms(j), j->conf->server, j->conf->host,
                    j->conf->generation);
    assert(size > 0 && (size_t) size < sizeof(text));

    (void) snprintf(ttl, sizeof(ttl), "%u", ttl_ms);

    words.argc = 0;
    fj_words_text(&words, "SET");
    fj_words_text(&words, j->owner_key);
    fj_words_text(&words, text);
    fj_words_text(&words, "PX");
    fj_words_text(&words, ttl);

    fj_link_send(&j->link, command, &words);
}


int
fj_sign_read(const fj_reply_t *reply, fj_sign_t *sign)
{
    size_t       i;
    const char  *p, *last;

    const struct {
        uint64_t  *number;
        unsigned   base;
    } words[] = {
        { &sign->epoch, 10 }, { &sign->seq, 10 }, { &sign->beat, 10 },
        { &sign->server, 16 }, { &sign->host, 16 }, { &sign->generation, 16 }
    };

    p = reply->text;
    last = p + reply->size;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((i != 0 && (p == last || *p++ != ' '))
            || !fj_digits(&p, last, words[i].base, words[i].number))
        {
            memset(sign, 0, sizeof(fj_sign_t));
            return 0;
        }
    }

    if (p != last) {
        memset(sign, 0, sizeof(fj_sign_t));
        return 0;
    }

    return 1;
}
