/*
 * The machine above the link: what a READY connection is used for, its
 * timers, and how it starts, drains and stops.
 *
 *     DOWN --up--> WAITING <--> RECOVERING --> SELLING --> FENCED
 *       ^             |             |  ^          |          |
 *       +--- down ----+-------------+--+----------+----------+
 *                                      +-- by a stranger ----+
 *
 * STOPPED for good: failed, replaced by a new generation, told to stop.
 *
 * The shop's state lies in the region and is every process's; the phase is
 * this connection's alone.
 */

#include <stdio.h>

#include "fj_priv.h"


static void fj_up(fj_link_t *link);
static void fj_down(fj_link_t *link);
static void fj_on_timer(fj_link_t *link, fj_timer_t which);
static void fj_drain_step(fj_t *j);
static void fj_keep_read(fj_t *j);


static const fj_upper_t  fj_upper = { fj_up, fj_down, fj_on_timer, 1 };


fj_t *
fj_of(fj_link_t *link)
{
    assert(link->magic == FJ_LINK_MAGIC && link->upper == &fj_upper);
    return link->machine;
}


int64_t
fj_now_ms(const fj_t *j)
{
    return j->link.shell->now_ms(j->link.data);
}


void
fj_start(fj_t *j, const fj_conf_t *conf, const fj_shell_t *shell, void *data)
{
    assert(conf->fk != NULL && conf->owner != 0);
    assert(conf->shop[0] != '\0' && strlen(conf->shop) <= FJ_SHOP_SIZE_MAX);

    memset(j, 0, sizeof(fj_t));

    j->conf = conf;
    j->fk = conf->fk;

    j->key_size = fj_key(j->key, conf, "journal", NULL);
    (void) fj_key(j->index_key, conf, "snapshots", NULL);
    (void) fj_key(j->owner_key, conf, "owner", NULL);

    /* Tells one takeover from another for whoever reads the stream. */
    (void) snprintf(j->instance, sizeof(j->instance), "%016" PRIx64,
                    conf->owner);

    fj_link_start(&j->link, conf, shell, data, &fj_upper, j);
    fj_link_timer(&j->link, FJ_TIMER_PULSE, FJ_PULSE_MS);
    fj_link_timer(&j->link, FJ_TIMER_OWNER, FJ_OWNER_MS);
}


void
fj_kick(fj_t *j)
{
    int64_t  since_ms;

    if (j->phase != FJ_PHASE_SELLING || j->link.command != FJ_COMMAND_NONE
        || fj_link_timer_runs(&j->link, FJ_TIMER_FLUSH))
    {
        return;
    }

    if (j->conf->pace_ms != 0) {
        if (fj_link_timer_runs(&j->link, FJ_TIMER_RETRY)) {
            return;
        }

        since_ms = fj_now_ms(j) - j->batch_at_ms;

        if (since_ms < j->conf->pace_ms) {
            fj_link_timer(&j->link, FJ_TIMER_RETRY,
                          j->conf->pace_ms - since_ms);
            return;
        }
    }

    fj_link_timer(&j->link, FJ_TIMER_FLUSH, 0);
}


int
fj_ready(const fj_t *j)
{
    return j->phase == FJ_PHASE_SELLING
           && fk_shop_state(j->fk) == FK_SHOP_OPEN;
}


int
fj_fsync(const fj_t *j)
{
    return j->link.fsync;
}


void
fj_drain(fj_t *j)
{
    if (j->phase == FJ_PHASE_STOPPED
        || fj_link_timer_runs(&j->link, FJ_TIMER_DRAIN))
    {
        return;
    }

    j->drain_until_ms = fj_now_ms(j) + FJ_DRAIN_MS;

    switch (fk_shop_state(j->fk)) {

    case FK_SHOP_OPEN:
    case FK_SHOP_HEALING:
        fj_link_timer(&j->link, FJ_TIMER_DRAIN, 1);
        return;

    case FK_SHOP_RECOVERING:
        if (j->epoch == 0) {
            /* Nothing is taken yet: a process that stays begins at once. */
            fk_recover_break(j->fk, j->conf->owner);
        }

        return;

    default:
        return;
    }
}


/*
 * Records that are not sent yet; and a last sign of life, for whoever is to
 * sell after us is waiting for one that is new to it.
 */

static void
fj_drain_step(fj_t *j)
{
    if (fj_now_ms(j) >= j->drain_until_ms) {
        return;
    }

    if (!j->drain_said && j->phase == FJ_PHASE_SELLING
        && j->link.command == FJ_COMMAND_NONE)
    {
        j->drain_said = 1;
        fj_sign_say(j, FJ_COMMAND_SAY, FJ_OWNER_TTL_MS);

    } else if (j->link.command != FJ_COMMAND_SAY
               && fk_durable_seq(j->fk) >= fk_last_seq(j->fk))
    {
        return;

    } else {
        fj_kick(j);
    }

    fj_link_timer(&j->link, FJ_TIMER_DRAIN, FJ_POLL_MS);
}


void
fj_stop(fj_t *j)
{
    j->phase = FJ_PHASE_STOPPED;
    fj_link_stop(&j->link);
}


void
fj_halt(fj_t *j)
{
    fj_stop(j);
    fj_wake(j);
}


/* A refusal has said why, and given the connection up, before this. */

void
fj_give_up(fj_t *j)
{
    if (j->link.state == FJ_LINK_READY && !j->gave_up_said) {
        j->gave_up_said = 1;
        fj_say(&j->link, FJ_LOG_WARN, ": the connection to redis \"%s\" is "
               "given up, for another process recovers the shop, or holds its "
               "lock", j->link.address.text);
    }

    fj_link_drop(&j->link);
}


/* --- what the link says ------------------------------------------------ */

/* Whoever sells may need as long to come back to this Redis. */

static void
fj_up(fj_link_t *link)
{
    fj_t  *j = fj_of(link);

    j->signs = 0;
    j->silent_ms = -1;
    j->settings_at_ms = fj_now_ms(j);
    fj_owner_lives(j, FJ_OWNER_TTL_MS);
    fj_enter(j);
}


void
fj_enter(fj_t *j)
{
    fk_shop_state_t  state;

    if (j->replaced) {
        fj_fenced(j);
        return;
    }

    state = fk_shop_state(j->fk);

    /* Who is about to end takes no shop over; another process will, and does
     * not wait for what was lost here with the connection. */
    if (j->drain_until_ms != 0 && state != FK_SHOP_OPEN) {
        fk_recover_break(j->fk, j->conf->owner);
        j->phase = FJ_PHASE_WAITING;
        return;
    }

    switch (state) {

    case FK_SHOP_EMPTY:
    case FK_SHOP_RECOVERING:
        fj_recover_start(j);
        return;

    case FK_SHOP_OPEN:
        j->damage.alone = 0;

        /* This may be a Redis that lost its tail: ask before sending. */
        if (fk_flush_suspect(j->fk) != FK_OK) {
            fj_give_up(j);
            return;
        }

        j->gave_up_said = 0;
        j->lost_said = 0;
        j->takeovers = 0;
        j->take_at_ms = 0;
        j->phase = FJ_PHASE_SELLING;
        fj_link_well(&j->link);
        fj_kick(j);
        fj_wake(j);
        return;

    case FK_SHOP_HEALING:
        j->phase = FJ_PHASE_WAITING;
        fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_POLL_MS);
        return;

    case FK_SHOP_FENCED:
        if (fk_stat_get(j->fk, FJ_STAT_STRANGER) != 0) {
            fj_recover_start(j);

        } else {
            fj_fenced(j);
        }

        return;

    default:
        fj_halt(j);
    }
}


/* Whoever gives the connection up has said why; what is lost without that is
 * said here. */

static void
fj_down(fj_link_t *link)
{
    fj_t        *j = fj_of(link);
    fj_phase_t   was;

    was = j->phase;
    j->phase = FJ_PHASE_DOWN;

    if (link->is_lost
        && (was == FJ_PHASE_SELLING
            || (was == FJ_PHASE_RECOVERING && !j->lost_said)))
    {
        j->lost_said = 1;
        fj_say(link, FJ_LOG_ERR, " lost its connection to redis \"%s\"",
               j->link.address.text);
    }

    if (was == FJ_PHASE_SELLING) {
        fj_wake(j);
    }
}


static void
fj_on_timer(fj_link_t *link, fj_timer_t which)
{
    fj_t  *j = fj_of(link);

    switch (which) {

    case FJ_TIMER_RETRY:
        if (j->link.command != FJ_COMMAND_NONE) {
            /* The sign of life is on its way. */
            fj_link_timer(&j->link, FJ_TIMER_RETRY, FJ_POLL_MS);

        } else if (j->phase == FJ_PHASE_WAITING) {
            fj_enter(j);

        } else if (j->phase == FJ_PHASE_RECOVERING) {
            fj_recover_on(j);

        } else if (j->phase == FJ_PHASE_FENCED) {
            fj_fenced(j);

        } else {
            fj_kick(j);
        }

        return;

    case FJ_TIMER_FLUSH:
        fj_flush_run(j);
        return;

    case FJ_TIMER_PULSE:
        fj_flush_pulse(j);
        return;

    case FJ_TIMER_OWNER:
        fj_link_timer(&j->link, FJ_TIMER_OWNER, FJ_OWNER_MS);

        if (j->phase == FJ_PHASE_DOWN && j->follows) {
            fj_keep_read(j);

        } else if (fk_shop_state(j->fk) == FK_SHOP_FENCED) {
            /* A sibling found it out: nobody would kick this one. */
            fj_kick(j);

        } else if (j->link.state == FJ_LINK_READY
                   && j->link.command == FJ_COMMAND_NONE && fj_sign_due(j))
        {
            fj_sign_say(j, FJ_COMMAND_SAY, FJ_OWNER_TTL_MS);
        }

        return;

    case FJ_TIMER_DRAIN:
        fj_drain_step(j);
        return;

    default:
        assert(which == FJ_TIMER_WATCH);
    }
}


/* What was read is kept for the next connection, unless this process is about
 * to end: then a sibling begins, perhaps before Redis is there again. */

static void
fj_keep_read(fj_t *j)
{
    if (j->drain_until_ms == 0) {
        (void) fk_recover_renew(j->fk, j->conf->owner, fj_now_ms(j));

    } else {
        fk_recover_break(j->fk, j->conf->owner);
    }
}


void
fj_wake(fj_t *j)
{
    j->link.shell->wake(j->link.data);
}


void
fj_wake_all(fj_t *j)
{
    j->link.shell->ring(j->link.data);
    fj_wake(j);
}
