/*
 * Replicas: what was appended counts when so many of them have it, too.
 *
 * WAIT asks about what this connection has written.  Where something was not
 * written by it (a probe finds what another connection sent), the sign of
 * life goes first: who has that has what came before it.
 */

#include <stdio.h>

#include "fj_priv.h"


#define FJ_WAIT_MS  "500"              /* below the lease of the flush */


static int fj_wait_enough(fj_t *j, const fj_reply_t *reply);


int
fj_wait_needed(const fj_t *j)
{
    return j->conf->replicas != 0;
}


void
fj_wait_ask(fj_t *j, fj_command_t command)
{
    fj_wait_send(&j->link, command, FJ_WAIT_MS);
}


void
fj_wait_send(fj_link_t *link, fj_command_t command, const char *wait_ms)
{
    char        count[16];
    fj_words_t  words;

    (void) snprintf(count, sizeof(count), "%" PRIu32, link->conf->replicas);

    words.argc = 0;
    fj_words_text(&words, "WAIT");
    fj_words_text(&words, count);
    fj_words_text(&words, wait_ms);

    fj_link_send(link, command, &words);
}


void
fj_wait_on_batch(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_wait_enough(fj_of(link), reply)) {
        fj_flush_landed(fj_of(link));
    }
}


void
fj_wait_on_probed(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_wait_enough(fj_of(link), reply)) {
        fj_flush_probed(fj_of(link));
    }
}


void
fj_wait_on_open(fj_link_t *link, const fj_reply_t *reply)
{
    if (fj_wait_enough(fj_of(link), reply)) {
        fj_recover_open(fj_of(link));
    }
}


/* 0: fewer, so the outcome is unknown, and the connection is given up. */

static int
fj_wait_enough(fj_t *j, const fj_reply_t *reply)
{
    fj_link_t  *link;

    link = &j->link;

    if (reply->type == FJ_REPLY_INTEGER
        && reply->number >= (int64_t) j->conf->replicas)
    {
        j->replicas_said = 0;
        fj_link_works(link);
        return 1;
    }

    if (!j->replicas_said) {
        j->replicas_said = 1;
        fj_say(link, FJ_LOG_ERR, ": fewer than %" PRIu32 " replicas of redis "
               "\"%s\" answer in time; nothing is acknowledged meanwhile",
               j->conf->replicas, link->address.text);
    }

    /* Without effect where the lease of the flush is not ours. */
    fk_flush_unknown(j->fk, j->conf->owner);

    /* As long as they are missing, the backoff grows. */
    link->refused = 1;
    fj_link_drop(link);
    return 0;
}
