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


int
fj_wait_needed(const fj_t *j)
{
    return j->conf->replicas != 0;
}


void
fj_wait_ask(fj_t *j)
{
    char        count[16];
    fj_words_t  words;

    (void) snprintf(count, sizeof(count), "%" PRIu32, j->conf->replicas);

    words.argc = 0;
    fj_words_text(&words, "WAIT");
    fj_words_text(&words, count);
    fj_words_text(&words, FJ_WAIT_MS);

    fj_link_send(&j->link, FJ_COMMAND_WAIT, &words);
}


void
fj_wait_on_reply(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t       *j = fj_of(link);
    fj_then_t   then;

    then = j->then;
    j->then = FJ_THEN_NOTHING;

    if (reply->type == FJ_REPLY_INTEGER
        && reply->number >= (int64_t) j->conf->replicas)
    {
        j->replicas_said = 0;
        link->refused = 0;
        fj_link_well(link);

        switch (then) {

        case FJ_THEN_SENT:
            fj_flush_landed(j);
            return;

        case FJ_THEN_PROBED:
            fj_flush_probed(j);
            return;

        default:
            fj_recover_open(j);
            return;
        }
    }

    if (!j->replicas_said) {
        j->replicas_said = 1;
        fj_say(link, FJ_LOG_ERR, ": fewer than %" PRIu32 " replicas of redis "
               "\"%s\" answer in time; nothing is acknowledged meanwhile",
               j->conf->replicas, j->link.address.text);
    }

    if (then == FJ_THEN_SENT || then == FJ_THEN_PROBED) {
        fk_flush_unknown(j->fk, j->conf->owner);
    }

    /* As long as they are missing, the backoff grows. */
    link->refused = 1;
    fj_link_drop(link);
}


void
fj_wait_lost(fj_link_t *link)
{
    fj_t  *j = fj_of(link);

    if (j->then == FJ_THEN_SENT || j->then == FJ_THEN_PROBED) {
        fk_flush_unknown(j->fk, j->conf->owner);
    }

    j->then = FJ_THEN_NOTHING;
}
