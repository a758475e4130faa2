/*
 * The reader: a ring of look-ups, the oldest first, and one command at a time.
 *
 * A look-up ends by the reply, by the loss of the connection, or when its
 * time is over; the last also while its command is on its way, whose reply is
 * then passed over.
 */

#include "fj_keeper.h"
#include "fj_priv.h"
#include "fj_reader.h"


static void fj_reader_up(fj_link_t *link);
static void fj_reader_down(fj_link_t *link);
static void fj_reader_timer(fj_link_t *link, fj_timer_t which);
static fj_reader_t *fj_reader_of(fj_link_t *link);
static int64_t fj_reader_now_ms(const fj_reader_t *r);
static int fj_reader_take(fj_reader_t *r, fj_ask_t *ask);
static void fj_reader_send(fj_reader_t *r);
static void fj_reader_expire(fj_reader_t *r);
static void fj_reader_end(fj_reader_t *r, fj_ask_t *ask, fj_answer_t answer,
    const char *text, size_t size);


static const fj_upper_t  fj_reader_upper = {
    fj_reader_up, fj_reader_down, fj_reader_timer, 0
};


static fj_reader_t *
fj_reader_of(fj_link_t *link)
{
    assert(link->upper == &fj_reader_upper);
    return link->machine;
}


static int64_t
fj_reader_now_ms(const fj_reader_t *r)
{
    return r->link.shell->now_ms(r->link.data);
}


void
fj_reader_start(fj_reader_t *r, const fj_conf_t *conf, fj_answer_pt answer,
    const fj_shell_t *shell, void *data)
{
    memset(r, 0, sizeof(fj_reader_t));

    r->conf = conf;
    r->answer = answer;
    r->asks.prev = &r->asks;
    r->asks.next = &r->asks;

    fj_link_start(&r->link, conf, shell, data, &fj_reader_upper, r);
}


void
fj_reader_stop(fj_reader_t *r)
{
    fj_link_stop(&r->link);
}


/* --- look-ups ---------------------------------------------------------- */

int
fj_reader_ask(fj_reader_t *r, fj_ask_t *ask, const fk_order_id_t *id)
{
    if (!fj_reader_take(r, ask)) {
        return 0;
    }

    ask->id = *id;
    ask->stray = NULL;

    return 1;
}


int
fj_reader_stray(fj_reader_t *r, fj_ask_t *ask, const fj_stray_t *stray)
{
    if (!fj_reader_take(r, ask)) {
        return 0;
    }

    ask->stray = stray;

    return 1;
}


static int
fj_reader_take(fj_reader_t *r, fj_ask_t *ask)
{
    if (r->link.state == FJ_LINK_DOWN || r->link.state == FJ_LINK_STOPPED
        || r->asks_count == FJ_READER_ASKS_MAX)
    {
        return 0;
    }

    ask->until_ms = fj_reader_now_ms(r) + FJ_READER_WAIT_MS;
    ask->prev = r->asks.prev;
    ask->next = &r->asks;
    r->asks.prev->next = ask;
    r->asks.prev = ask;
    r->asks_count++;

    /* All wait for the same time, so the oldest one's ends first. */
    if (!fj_link_timer_runs(&r->link, FJ_TIMER_DRAIN)) {
        fj_link_timer(&r->link, FJ_TIMER_DRAIN, FJ_READER_WAIT_MS);
    }

    if (!fj_link_timer_runs(&r->link, FJ_TIMER_FLUSH)) {
        fj_link_timer(&r->link, FJ_TIMER_FLUSH, 0);
    }

    return 1;
}


void
fj_reader_forget(fj_reader_t *r, fj_ask_t *ask)
{
    assert(r->asks_count > 0);

    ask->prev->next = ask->next;
    ask->next->prev = ask->prev;
    r->asks_count--;

    if (r->asked == ask) {
        r->asked = NULL;
    }
}


static void
fj_reader_end(fj_reader_t *r, fj_ask_t *ask, fj_answer_t answer,
    const char *text, size_t size)
{
    fj_reader_forget(r, ask);

    r->answer(r->link.data, ask, answer, text, size);
    r->link.shell->wake(r->link.data);
}


/* --- the link ---------------------------------------------------------- */

static void
fj_reader_up(fj_link_t *link)
{
    fj_link_well(link);
    fj_reader_send(fj_reader_of(link));
}


static void
fj_reader_down(fj_link_t *link)
{
    fj_reader_t  *r = fj_reader_of(link);

    while (r->asks.next != &r->asks) {
        fj_reader_end(r, r->asks.next, FJ_ANSWER_LOST, NULL, 0);
    }
}


static void
fj_reader_timer(fj_link_t *link, fj_timer_t which)
{
    fj_reader_t  *r = fj_reader_of(link);

    if (which == FJ_TIMER_FLUSH) {
        fj_reader_send(r);

    } else if (which == FJ_TIMER_DRAIN) {
        fj_reader_expire(r);
    }
}


static void
fj_reader_send(fj_reader_t *r)
{
    char             key[FJ_KEY_SIZE];
    fj_words_t       words;
    fj_stray_room_t  room;

    if (r->link.state != FJ_LINK_READY || r->link.command != FJ_COMMAND_NONE
        || r->asks.next == &r->asks)
    {
        return;
    }

    r->asked = r->asks.next;

    if (r->asked->stray != NULL) {
        fj_stray_words(&words, &room, r->conf, r->asked->stray);
        fj_link_send(&r->link, FJ_COMMAND_STRAY, &words);
        return;
    }

    fj_keeper_order_key(key, r->conf, &r->asked->id);

    words.argc = 0;
    fj_words_text(&words, "GET");
    fj_words_text(&words, key);

    fj_link_send(&r->link, FJ_COMMAND_READ, &words);
}


void
fj_reader_on_read(fj_link_t *link, const fj_reply_t *reply)
{
    fj_ask_t     *ask;
    fj_reader_t  *r = fj_reader_of(link);

    if (reply->type != FJ_REPLY_STRING && reply->type != FJ_REPLY_NIL) {
        /* Whoever waits is told so when the connection is down. */
        fj_link_refused(link, reply, "an archived order");
        return;
    }

    ask = r->asked;
    r->asked = NULL;

    /* NULL: it is not waited for any more. */
    if (ask != NULL) {
        fj_reader_end(r, ask, reply->type == FJ_REPLY_NIL ? FJ_ANSWER_NONE
                                                          : FJ_ANSWER_FOUND,
                      reply->text, reply->size);
    }

    fj_reader_send(r);
}


/*
 * A right that Redis' user lacks, or a key that is no hash, is lasting, and
 * who looks for an archived order should not wait for it again and again.
 */

void
fj_reader_on_stray(fj_link_t *link, const fj_reply_t *reply)
{
    fj_ask_t     *ask;
    fj_reader_t  *r = fj_reader_of(link);

    if (reply->type != FJ_REPLY_STRING) {
        fj_link_refused_one(link, reply, "a stray payment");
    }

    ask = r->asked;
    r->asked = NULL;

    if (ask != NULL) {
        fj_reader_end(r, ask, reply->type == FJ_REPLY_STRING
                                  ? FJ_ANSWER_FOUND : FJ_ANSWER_LOST,
                      reply->text, reply->size);
    }

    fj_reader_send(r);
}


static void
fj_reader_expire(fj_reader_t *r)
{
    int64_t    now_ms;
    fj_ask_t  *ask;

    now_ms = fj_reader_now_ms(r);

    for (ask = r->asks.next; ask != &r->asks; ask = r->asks.next) {

        if (ask->until_ms > now_ms) {
            fj_link_timer(&r->link, FJ_TIMER_DRAIN, ask->until_ms - now_ms);
            return;
        }

        fj_reader_end(r, ask, FJ_ANSWER_LOST, NULL, 0);
    }
}
