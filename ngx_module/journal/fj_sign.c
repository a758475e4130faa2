/*
 * The sign of life: what a shop's owner says of itself.
 *
 *     faka:{SHOP}:owner
 *         "<epoch> <seq> <beat> <server> <host> <generation>"
 *
 * seq is the last record that its memory has: whatever it has promised so far
 * is not above it, also when Redis has lost it since.  So a journal that ends
 * before (epoch, seq) lacks something that the owner still has.  beat makes
 * every sign differ from the one before: one that changes was said to the
 * Redis that is asked, and not to the one that this was restored from.  It is
 * said for FJ_OWNER_TTL_MS, and once for as long as opening a shop may take.
 *
 * server is the owner's master process, host its machine, and generation the
 * listening sockets that it serves.
 */

#include <stdio.h>

#include "fj_priv.h"


#define FJ_SIGN_SIZE      160
#define FJ_SIGN_EVERY_MS  300
#define FJ_OPENING_SLOTS  500          /* a ms; 2000 are rebuilt, checked */


/*
 * Rebuilding and checking is one call of the engine, in which nothing can be
 * said, and its time grows with the shop.  Who ran out of time would be taken
 * for gone, and so would the next one.
 */

int64_t
fj_sign_opening_ms(const fj_t *j)
{
    size_t      i;
    int64_t     ms;
    uint64_t    used;
    fk_usage_t  usage[FK_USAGE_COUNT];

    fk_usage(j->fk, usage);
    used = 0;

    for (i = 0; i < FK_USAGE_COUNT; i++) {
        used += usage[i].used;
    }

    ms = (int64_t) (used / FJ_OPENING_SLOTS);

    return ms < FJ_OWNER_OPENING_MS ? FJ_OWNER_OPENING_MS : ms;
}


void
fj_sign_say(fj_t *j, fj_command_t command, int64_t ttl_ms)
{
    int         size;
    char        text[FJ_SIGN_SIZE], ttl[24];
    fj_words_t  words;

    size = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRId64
                    " %016" PRIx64 " %016" PRIx64 " %016" PRIx64,
                    fk_stat_get(j->fk, FJ_STAT_EPOCH), fk_last_seq(j->fk),
                    fj_now_ms(j), j->conf->server, j->conf->host,
                    j->conf->generation);
    assert(size > 0 && (size_t) size < sizeof(text));

    (void) snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms);

    words.argc = 0;
    fj_words_text(&words, "SET");
    fj_words_text(&words, j->owner_key);
    fj_words_text(&words, text);
    fj_words_text(&words, "PX");
    fj_words_text(&words, ttl);

    fj_link_send(&j->link, command, &words);
}


/* A shop that lost its journal's end is still its owner's, who mends it.  Who
 * is about to end may have a request that takes for ever, and no new ones. */

int
fj_sign_due(fj_t *j)
{
    fk_shop_state_t  state;

    if (j->drain_until_ms != 0) {
        return 0;
    }

    state = fk_shop_state(j->fk);

    return (state == FK_SHOP_OPEN || state == FK_SHOP_HEALING)
           && fk_duty_take(j->fk, FK_DUTY_OWNER, fj_now_ms(j),
                           FJ_SIGN_EVERY_MS);
}


void
fj_sign_on_say(fj_link_t *link, const fj_reply_t *reply)
{
    if (!fj_reply_ok(reply)) {
        fj_link_refused(link, reply, "SET");
        return;
    }

    fj_flush_run(fj_of(link));
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


/*
 * Two that differ over one connection: the later one was said to this Redis,
 * while the first may be what it was restored with.
 *
 * How long one was seen not to change is counted from look to look, for what
 * this process finds when it has stood still itself may be as old as that.
 */

void
fj_sign_hear(fj_t *j, const fj_sign_t *sign)
{
    int      differs;
    int64_t  now_ms, since_ms;

    now_ms = fj_now_ms(j);
    since_ms = now_ms - j->heard_at_ms;
    j->heard_at_ms = now_ms;
    differs = memcmp(&j->sign, sign, sizeof(fj_sign_t)) != 0;

    if (differs || sign->epoch == 0) {
        j->still_ms = 0;
        j->still_said = 0;

    } else {
        j->still_ms += since_ms < FJ_OWNER_TTL_MS ? since_ms
                                                  : FJ_OWNER_TTL_MS;
    }

    if (j->signs == 0 || differs) {
        j->sign = *sign;
        j->signs = j->signs == 0 ? 1 : 2;
    }

    j->expects = 1;
    j->lost_said = 0;
    j->damage.alone = 0;

    if (!fj_sign_is_still(j)) {
        fj_owner_lives(j, 0);
    }
}


int
fj_sign_is_still(const fj_t *j)
{
    return j->still_ms > fj_sign_opening_ms(j);
}
