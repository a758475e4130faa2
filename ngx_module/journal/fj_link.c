/*
 * The link: one connection that comes back by itself, and one command at a
 * time on it, or several of a kind.
 *
 *     DOWN --RETRY--> CONNECTING --> HANDSHAKE --> READY
 *       ^                 |              |           |
 *       +-- drop, closed, no answer in time ---------+
 *       +-- redirected, without a backoff -----------+
 *
 * Because at most one kind of command is on its way, a reply, a lost
 * connection and a timeout have one meaning each, and the table of commands
 * says which.
 * Where the connection goes to is fj_address.c's; what a READY one is for is
 * not known here.
 */

#include "fj_priv.h"


static void fj_link_connect(fj_link_t *link);
static void fj_link_backoff(fj_link_t *link);
static void fj_link_lost(fj_link_t *link);
static uint32_t fj_link_refusal_sum(const fj_reply_t *reply);
static void fj_link_down(fj_link_t *link, int is_redirected);


void
fj_link_start(fj_link_t *link, const fj_conf_t *conf,
    const fj_shell_t *shell, void *data, const fj_upper_t *upper,
    void *machine)
{
    assert(conf->address_count > 0
           && conf->address_count <= FJ_ADDRESSES_MAX);

    memset(link, 0, sizeof(fj_link_t));

    link->magic = FJ_LINK_MAGIC;
    link->conf = conf;
    link->shell = shell;
    link->data = data;
    link->upper = upper;
    link->machine = machine;
    link->fsync = -1;

    fj_link_connect(link);
}


void
fj_link_stop(fj_link_t *link)
{
    int         which, is_open;
    fj_timer_t  timer;

    if (link->state == FJ_LINK_STOPPED) {
        return;
    }

    is_open = link->state != FJ_LINK_DOWN;
    link->state = FJ_LINK_STOPPED;

    if (is_open) {
        link->shell->close(link->data);
    }

    fj_link_lost(link);

    for (which = 0; which < FJ_TIMER_COUNT; which++) {
        timer = (fj_timer_t) which;
        fj_link_timer(link, timer, FJ_TIMER_OFF);
    }
}


/* --- connecting ------------------------------------------------------- */

static void
fj_link_connect(fj_link_t *link)
{
    link->state = FJ_LINK_CONNECTING;
    link->is_lost = 0;
    fj_address_pick(link);

    if (link->shell->connect(link->data, &link->address) != 0) {
        link->state = FJ_LINK_DOWN;
        fj_address_lost(link, 0);
        fj_link_backoff(link);
        return;
    }

    fj_link_timer(link, FJ_TIMER_WATCH, FJ_CONNECT_TIMEOUT_MS);
}


static void
fj_link_backoff(fj_link_t *link)
{
    int64_t  wait_ms;

    link->redirects = 0;

    if (link->backoff_ms < FJ_BACKOFF_MIN_MS) {
        link->backoff_ms = FJ_BACKOFF_MIN_MS;
    }

    /* Half fixed, half random: processes must not come back in step. */
    wait_ms = link->backoff_ms / 2
              + (int64_t) link->shell->random(link->data) % link->backoff_ms;

    link->backoff_ms *= 2;

    if (link->backoff_ms > FJ_BACKOFF_MAX_MS) {
        link->backoff_ms = FJ_BACKOFF_MAX_MS;
    }

    fj_link_timer(link, FJ_TIMER_RETRY, wait_ms);
}


void
fj_link_well(fj_link_t *link)
{
    /* One that lets us in and then refuses to write is not well yet. */
    if (!link->refused) {
        link->backoff_ms = 0;
    }
}


void
fj_link_works(fj_link_t *link)
{
    link->refused = 0;
    fj_link_well(link);
}


void
fj_connected(fj_link_t *link)
{
    assert(link->magic == FJ_LINK_MAGIC);
    assert(link->state == FJ_LINK_CONNECTING);

    link->state = FJ_LINK_HANDSHAKE;
    fj_link_timer(link, FJ_TIMER_WATCH, FJ_TIMER_OFF);

    if (!link->is_sentinel) {
        fk_stat_add(link->conf->fk, FJ_STAT_RECONNECTS, 1);
    }

    fj_handshake_next(link, FJ_COMMAND_NONE);
}


void
fj_link_up(fj_link_t *link)
{
    assert(link->state == FJ_LINK_HANDSHAKE);

    link->state = FJ_LINK_READY;
    link->upper->up(link);
}


/* --- losing it -------------------------------------------------------- */

void
fj_closed(fj_link_t *link)
{
    assert(link->magic == FJ_LINK_MAGIC);
    assert(link->state != FJ_LINK_DOWN && link->state != FJ_LINK_STOPPED);

    link->is_lost = 1;
    fj_link_down(link, 0);
}


/* A handler may have given the connection up before its caller does. */

void
fj_link_drop(fj_link_t *link)
{
    if (link->state == FJ_LINK_DOWN || link->state == FJ_LINK_STOPPED) {
        return;
    }

    link->shell->close(link->data);
    fj_link_down(link, 0);
}


void
fj_link_redirect(fj_link_t *link)
{
    assert(link->is_told);

    link->shell->close(link->data);
    fj_link_down(link, 1);
}


static void
fj_link_down(fj_link_t *link, int is_redirected)
{
    int  was_ready;

    was_ready = link->state == FJ_LINK_READY;
    link->state = FJ_LINK_DOWN;

    fj_link_timer(link, FJ_TIMER_WATCH, FJ_TIMER_OFF);
    fj_link_lost(link);

    if (is_redirected) {
        fj_link_timer(link, FJ_TIMER_RETRY, 0);

    } else {
        fj_address_lost(link, was_ready);
        fj_link_backoff(link);
    }

    if (was_ready) {
        link->upper->down(link);
    }
}


static void
fj_link_lost(fj_link_t *link)
{
    const fj_command_info_t  *info;

    info = &fj_commands[link->command];
    link->command = FJ_COMMAND_NONE;

    if (info->lost != NULL) {
        info->lost(link);
    }
}


/* What Redis refuses it may refuse for hours: the log has it once for each
 * command, until that one works or is refused in another way. */

void
fj_link_refused(fj_link_t *link, const fj_reply_t *reply, const char *doing)
{
    link->refused = 1;
    fj_link_refused_one(link, reply, doing);

    link->answered = FJ_COMMAND_NONE;
    fj_link_drop(link);
}


void
fj_link_refused_one(fj_link_t *link, const fj_reply_t *reply,
    const char *doing)
{
    static const char  other[] = "unexpected reply";

    int          size;
    uint32_t     sum;
    const char  *text;

    sum = fj_link_refusal_sum(reply);

    if (link->refused_sum[link->answered] != sum) {
        link->refused_sum[link->answered] = sum;
        text = other;
        size = (int) sizeof(other) - 1;

        if (reply->type == FJ_REPLY_ERROR) {
            text = reply->text;
            size = reply->size < FJ_LOG_SIZE ? (int) reply->size
                                             : FJ_LOG_SIZE;
        }

        fj_say(link, FJ_LOG_ERR, ": redis \"%s\" refuses %s: %.*s",
               link->address.text, doing, size, text);
    }
}


/* Never 0, which means that nothing was refused. */

static uint32_t
fj_link_refusal_sum(const fj_reply_t *reply)
{
    uint32_t  sum;

    sum = 1;

    if (reply->type == FJ_REPLY_ERROR) {
        sum = fk_crc32c(1, reply->text, reply->size);
    }

    return sum != 0 ? sum : 1;
}


/* --- commands --------------------------------------------------------- */

void
fj_link_send(fj_link_t *link, fj_command_t command, const fj_words_t *words)
{
    assert(link->state == FJ_LINK_HANDSHAKE || link->state == FJ_LINK_READY);
    assert(link->command == FJ_COMMAND_NONE);
    assert(command > FJ_COMMAND_NONE && command < FJ_COMMAND_COUNT);

    link->command = command;
    link->replies = 0;
    fj_link_timer(link, FJ_TIMER_WATCH, fj_commands[command].timeout_ms);
    fj_link_also(link, words);
}


/* Its replies come in order, so they still have one meaning each. */

void
fj_link_also(fj_link_t *link, const fj_words_t *words)
{
    if (link->command == FJ_COMMAND_NONE) {
        /* The one before it did not leave. */
        return;
    }

    link->replies++;

    if (link->shell->send(link->data, words->argc, words->argv, words->sizes)
        != 0)
    {
        link->is_lost = 1;
        fj_link_drop(link);
    }
}


void
fj_reply(fj_link_t *link, const fj_reply_t *reply)
{
    int       is_last;
    uint32_t  command;

    assert(link->magic == FJ_LINK_MAGIC);
    assert(link->command != FJ_COMMAND_NONE);

    if (reply == NULL) {
        link->is_lost = 1;
        fj_link_drop(link);
        return;
    }

    link->answered = link->command;

    if (reply->type == FJ_REPLY_ERROR && fj_address_astray(link, reply)) {
        return;
    }

    command = link->command;
    link->replies--;
    is_last = link->replies == 0;

    if (is_last) {
        link->command = FJ_COMMAND_NONE;
        fj_link_timer(link, FJ_TIMER_WATCH, FJ_TIMER_OFF);
    }

    fj_commands[command].reply(link, reply);

    if (is_last && reply->type != FJ_REPLY_ERROR
        && link->answered == command)
    {
        /* It works: what it is refused with next is news. */
        link->refused_sum[command] = 0;
    }
}


/* --- timers ----------------------------------------------------------- */

void
fj_link_timer(fj_link_t *link, fj_timer_t which, int64_t delay_ms)
{
    uint32_t  bit;

    bit = (uint32_t) 1 << which;

    if (delay_ms == FJ_TIMER_OFF) {
        if ((link->timers & bit) == 0) {
            return;
        }

        link->timers &= ~bit;

    } else {
        assert(link->state != FJ_LINK_STOPPED);
        link->timers |= bit;
    }

    link->shell->timer(link->data, which, delay_ms);
}


int
fj_link_timer_runs(const fj_link_t *link, fj_timer_t which)
{
    return (link->timers & (uint32_t) 1 << which) != 0;
}


void
fj_timer(fj_link_t *link, fj_timer_t which)
{
    assert(link->magic == FJ_LINK_MAGIC);
    assert(fj_link_timer_runs(link, which));

    link->timers &= ~((uint32_t) 1 << which);

    if (which == FJ_TIMER_WATCH) {
        fj_say(link, FJ_LOG_ERR, ": redis \"%s\" did not answer in time (%s)",
               link->address.text,
               link->command == FJ_COMMAND_NONE ? "connect"
                                                : fj_doing(link));
        fj_link_drop(link);
        return;
    }

    if (which == FJ_TIMER_RETRY && link->state == FJ_LINK_DOWN) {
        fj_link_connect(link);
        return;
    }

    link->upper->timer(link, which);
}
