/*
 * Who sells: the owner's sign of life, and what a server does that is not, or
 * no longer, the owner.
 *
 *     faka:{SHOP}:owner   "<epoch> <server> <host> <generation>", for a second
 *
 * The key decides nothing about the journal, where epochs alone count; it
 * tells a server that could take over whether it should.  server is the
 * owner's master process, host its machine, and generation the listening
 * sockets that it serves: a new binary inherits them, so it may take over
 * from the old one at once, and the old one may leave the buyers to it.
 */

#include <stdio.h>

#include "fj_priv.h"


#define FJ_OWNER_EVERY_MS  300
#define FJ_OWNER_GONE_MS   1000
#define FJ_OWNER_MORE_MS   200         /* that a standby waits longer */
#define FJ_OWNER_SILENT_MS 400         /* two signs of life, at least */
#define FJ_OWNER_SIZE      96


/* What the key says. */
typedef enum {
    FJ_OWNER_WRONG = 0,                /* Redis would not say */
    FJ_OWNER_NOBODY,
    FJ_OWNER_DEAD,                     /* its process is seen to be gone */
    FJ_OWNER_OTHER,                    /* on sockets of its own */
    FJ_OWNER_OURS                      /* on ours: we, or another binary */
} fj_owner_t;


static fj_owner_t fj_owner_read(fj_t *j, const fj_reply_t *reply,
    uint64_t *epoch);
static void fj_owner_follow(fj_t *j);
static int fj_owner_is_silent(fj_t *j, int64_t now_ms);
static int fj_owner_is_newer(const fj_t *j, uint64_t epoch);
static void fj_fenced_follow(fj_t *j);
static void fj_fenced_alone(fj_t *j);
static int fj_owner_word(const char **p, const char *last, unsigned base,
    uint64_t *number);


/* --- the sign of life -------------------------------------------------- */

/* A shop that lost its journal's end is still its owner's, who mends it. */

int
fj_owner_due(fj_t *j)
{
    fk_shop_state_t  state;

    state = fk_shop_state(j->fk);

    return (state == FK_SHOP_OPEN || state == FK_SHOP_HEALING)
           && fk_duty_take(j->fk, FK_DUTY_OWNER, fj_now_ms(j),
                           FJ_OWNER_EVERY_MS);
}


void
fj_owner_say(fj_t *j, unsigned ttl_ms)
{
    int         size;
    char        text[FJ_OWNER_SIZE], ttl[16];
    fj_words_t  words;

    size = snprintf(text, sizeof(text), "%" PRIu64 " %016" PRIx64 " %016"
                    PRIx64 " %016" PRIx64, fk_stat_get(j->fk, FJ_STAT_EPOCH),
                    j->conf->server, j->conf->host, j->conf->generation);
    assert(size > 0 && (size_t) size < sizeof(text));

    (void) snprintf(ttl, sizeof(ttl), "%u", ttl_ms);

    words.argc = 0;
    fj_words_text(&words, "SET");
    fj_words_text(&words, j->owner_key);
    fj_words_text(&words, text);
    fj_words_text(&words, "PX");
    fj_words_text(&words, ttl);

    fj_link_send(&j->link, FJ_COMMAND_OWNER_SAY, &words);
}


/* It only says that we live; what it is followed by is why it was sent. */

void
fj_owner_on_say(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t  *j = fj_of(link);

    if (!fj_reply_ok(reply)) {
        fj_owner_lost_say(link);
        fj_link_refused(link, reply, "SET");
        return;
    }

    switch (j->then) {

    case FJ_THEN_PROBED:
        fj_wait_ask(j);
        return;

    case FJ_THEN_TAKEN:
        j->then = FJ_THEN_NOTHING;
        fj_recover_taken(j);
        return;

    default:
        fj_flush_run(j);
    }
}


void
fj_owner_lost_say(fj_link_t *link)
{
    fj_t  *j = fj_of(link);

    if (j->then == FJ_THEN_PROBED) {
        fj_flush_lost_probe(link);
    }

    j->then = FJ_THEN_NOTHING;
}


/* --- looking for another ----------------------------------------------- */

void
fj_owner_ask(fj_t *j)
{
    fj_words_t  words;

    words.argc = 0;
    fj_words_text(&words, "GET");
    fj_words_text(&words, j->owner_key);

    fj_link_send(&j->link, FJ_COMMAND_OWNER_ASK, &words);
}


void
fj_owner_on_ask(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t        *j = fj_of(link);
    int64_t      now_ms;
    uint64_t     epoch;
    fj_owner_t   owner;

    owner = fj_owner_read(j, reply, &epoch);

    if (owner == FJ_OWNER_WRONG) {
        fj_link_refused(link, reply, "GET");
        return;
    }

    now_ms = fj_now_ms(j);
    fj_epoch_seen(j, epoch);

    if (owner == FJ_OWNER_OTHER) {
        j->alive_at_ms = now_ms;
        j->silent_at_ms = 0;
    }

    if (fk_stat_get(j->fk, FJ_STAT_WANTED) != 0) {
        fj_say(link, FJ_LOG_NOTICE, ": its operator wants this server to "
               "take it over");
        fj_recover_take(j);
        return;
    }

    if (owner == FJ_OWNER_OTHER) {
        fj_owner_follow(j);
        return;
    }

    /* It took long to be seen: until now it was thought to be gone. */
    if (owner == FJ_OWNER_OURS && j->stranger && fj_owner_is_newer(j, epoch))
    {
        fk_recover_break(j->fk, j->conf->owner);
        fj_fenced(j);
        return;
    }

    if ((owner == FJ_OWNER_NOBODY || (owner == FJ_OWNER_OURS && j->stranger))
        && !fj_owner_is_silent(j, now_ms))
    {
        fj_owner_wait(j);
        return;
    }

    fj_recover_take(j);
}


/*
 * A Redis that stood still for a while may have let an owner's sign of life
 * run out while the next one was on its way; and we, before we knew that we
 * were fenced, may have overwritten it with ours.  Whoever lives has said so
 * again by then.
 */

static int
fj_owner_is_silent(fj_t *j, int64_t now_ms)
{
    int64_t  wait_ms;

    if (j->silent_at_ms == 0) {
        j->silent_at_ms = now_ms;
    }

    wait_ms = j->alive_said || j->stranger ? FJ_OWNER_SILENT_MS : 0;

    if (j->conf->standby) {
        wait_ms += FJ_OWNER_MORE_MS;
    }

    return now_ms - j->silent_at_ms >= wait_ms;
}


static void
fj_owner_follow(fj_t *j)
{
    if (!j->alive_said) {
        j->alive_said = 1;
        fj_say(&j->link, FJ_LOG_NOTICE, ": another server sells; this one "
               "follows as its standby");
    }

    fj_owner_wait(j);
}


void
fj_owner_wait(fj_t *j)
{
    if (fk_recover_renew(j->fk, j->conf->owner, fj_now_ms(j)) != FK_OK) {
        fj_link_drop(&j->link);
        return;
    }

    fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
}


/*
 * A key that cannot be read counts as another server's: it runs out soon,
 * unless somebody goes on writing it.
 */

static fj_owner_t
fj_owner_read(fj_t *j, const fj_reply_t *reply, uint64_t *epoch)
{
    const char  *p, *last;
    uint64_t     server, host, generation;

    *epoch = 0;

    if (reply->type == FJ_REPLY_NIL) {
        return FJ_OWNER_NOBODY;
    }

    if (reply->type != FJ_REPLY_STRING) {
        return FJ_OWNER_WRONG;
    }

    p = reply->text;
    last = p + reply->size;

    if (!fj_owner_word(&p, last, 10, epoch)
        || !fj_owner_word(&p, last, 16, &server)
        || !fj_owner_word(&p, last, 16, &host)
        || !fj_owner_word(&p, last, 16, &generation) || p != last)
    {
        *epoch = 0;
        return FJ_OWNER_OTHER;
    }

    if (host == j->conf->host
        && j->link.shell->is_dead(j->link.data, server))
    {
        return FJ_OWNER_DEAD;
    }

    return generation == j->conf->generation ? FJ_OWNER_OURS : FJ_OWNER_OTHER;
}


/* Digits of that base up to a blank, which is passed, or the end. */

static int
fj_owner_word(const char **p, const char *last, unsigned base,
    uint64_t *number)
{
    static const char  digits[] = "0123456789abcdef";

    const char  *first, *digit;

    *number = 0;

    for (first = *p; *p < last && **p != ' '; (*p)++) {
        digit = memchr(digits, **p, base);

        if (digit == NULL || *number > (UINT64_MAX - 15) / base) {
            return 0;
        }

        *number = *number * base + (uint64_t) (digit - digits);
    }

    if (*p == first) {
        return 0;
    }

    if (*p < last) {
        (*p)++;
    }

    return 1;
}


/* Later than whatever this region has taken itself: what a server says of
 * itself may stand there still after it has lost the shop. */

static int
fj_owner_is_newer(const fj_t *j, uint64_t epoch)
{
    return epoch > fk_stat_get(j->fk, FJ_STAT_EPOCH);
}


/* --- being replaced ---------------------------------------------------- */

/*
 * The shop is fenced.  By whom, its new owner says: a generation on our own
 * sockets, which then are left to it, or another server, which is followed.
 * A generation that replaced us and is gone leaves nobody behind who accepts
 * buyers: then this process ends, and its master starts one that does.
 */

void
fj_fenced(fj_t *j)
{
    fj_words_t  words;

    if (j->phase != FJ_PHASE_FENCED) {
        j->phase = FJ_PHASE_FENCED;
        j->fenced_at_ms = fj_now_ms(j);
        fj_wake_all(j);
    }

    words.argc = 0;
    fj_words_text(&words, "GET");
    fj_words_text(&words, j->owner_key);

    fj_link_send(&j->link, FJ_COMMAND_FENCED, &words);
}


void
fj_fenced_on_owner(fj_link_t *link, const fj_reply_t *reply)
{
    fj_t        *j = fj_of(link);
    uint64_t     epoch;
    fj_owner_t   owner;

    owner = fj_owner_read(j, reply, &epoch);

    if (owner == FJ_OWNER_WRONG) {
        fj_link_refused(link, reply, "GET");
        return;
    }

    if (owner == FJ_OWNER_OTHER && !j->replaced) {
        fj_fenced_follow(j);
        return;
    }

    if (owner == FJ_OWNER_NOBODY || owner == FJ_OWNER_DEAD
        || !fj_owner_is_newer(j, epoch))
    {
        fj_fenced_alone(j);
        return;
    }

    j->fenced_at_ms = fj_now_ms(j);

    if (!j->replaced) {
        j->replaced = 1;
        fj_say(link, FJ_LOG_NOTICE, ": a new generation on the same sockets "
               "sells; this one leaves the buyers to it");
        link->shell->replaced(link->data, 0);
    }

    fj_link_timer(link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
}


/* It has taken the shop, and does not say that it lives. */

static void
fj_fenced_alone(fj_t *j)
{
    if (fj_now_ms(j) - j->fenced_at_ms < FJ_OWNER_GONE_MS) {
        fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_FOLLOW_MS);
        return;
    }

    if (j->replaced) {
        fj_say(&j->link, FJ_LOG_NOTICE, ": the new generation is gone; this "
               "process ends, so that another one takes its place");
        fj_halt(j);
        j->link.shell->replaced(j->link.data, 1);
        return;
    }

    fj_fenced_follow(j);
}


static void
fj_fenced_follow(fj_t *j)
{
    j->stranger = 1;
    fj_enter(j);
}
