/*
 * Who accepts buyers while a shop changes hands.
 *
 * After USR2 two generations wait on the same sockets, and the kernel gives
 * connections to both.  Only one of them can sell, so only that one accepts:
 *
 *   - a new binary's workers begin when their shops are open;
 *   - an old one's workers look at the region before each accept(), and end
 *     at once when a shop of theirs is fenced, whichever of them found it out.
 *
 * So whoever was refused by the old generation, and comes again, cannot land
 * on it once more.  Between the two, connections wait in the kernel's queue.
 * If it was another server that took the shop, this one accepts again as soon
 * as it knows; and nobody waits for ever for a shop that does not open.
 *
 * Held are the sockets of http servers, those of all sites.  What is already
 * accepted goes on.
 */

#include "ngx_faka.h"
#include "redis/ngx_faka_shell.h"


#define NGX_FAKA_ACCEPT_POLL_MS   20
#define NGX_FAKA_ACCEPT_MAX_MS    10000    /* while the old binary accepts */
#define NGX_FAKA_ACCEPT_ALONE_MS  3000     /* while nobody does */

/* nginx's mutex for accepting, if it is on: as if we were overloaded. */
#define NGX_FAKA_ACCEPT_NEVER     NGX_MAX_INT32_VALUE


static void ngx_faka_accept(ngx_event_t *ev);
static void ngx_faka_accept_hold(void);
static ngx_uint_t ngx_faka_accept_waits(void);
static void ngx_faka_accept_poll(ngx_event_t *ev);
static void ngx_faka_accept_resume(void);
static ngx_connection_t *ngx_faka_accept_socket(ngx_uint_t i);


/* The master that this binary is to replace, 0: none, or it is gone. */

static ngx_pid_t    ngx_faka_accept_old;

/* One a worker, for all of its shops and servers. */

static ngx_event_t  ngx_faka_accept_timer;     /* set: nobody is accepted */
static ngx_msec_t   ngx_faka_accept_until;
static ngx_uint_t   ngx_faka_accept_late;      /* unsigned: 1 it was in vain */


/* The same look at its parent tells nginx whether the old binary lives. */

void
ngx_faka_accept_init_master(void)
{
    ngx_faka_accept_old = ngx_inherited && ngx_getppid() == ngx_parent
                          ? ngx_parent : 0;
}


void
ngx_faka_accept_init_worker(ngx_cycle_t *cycle)
{
    ngx_uint_t         i;
    ngx_listening_t   *ls;
    ngx_connection_t  *c;

    if (ngx_process != NGX_PROCESS_WORKER) {
        return;
    }

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {
        c = ls[i].connection;

        if (c != NULL && c->read->handler == ngx_event_accept
            && ls[i].handler == ngx_http_init_connection)
        {
            c->read->handler = ngx_faka_accept;
        }
    }

    ngx_faka_accept_timer.handler = ngx_faka_accept_poll;
    ngx_faka_accept_timer.data = cycle;
    ngx_faka_accept_timer.log = cycle->log;
    ngx_faka_accept_timer.cancelable = 1;

    if (ngx_faka_accept_waits()) {
        ngx_faka_accept_hold();
    }
}


/* In the place of nginx's own, which accepts whoever comes. */

static void
ngx_faka_accept(ngx_event_t *ev)
{
    if (ngx_faka_accept_timer.timer_set) {
        return;
    }

    if (!ngx_faka_accept_waits()) {
        ngx_faka_accept_late = 0;

    } else if (!ngx_faka_accept_late) {
        ngx_faka_accept_hold();
        return;
    }

    ngx_event_accept(ev);
}


static void
ngx_faka_accept_hold(void)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    for (i = 0; i < ngx_cycle->listening.nelts; i++) {
        c = ngx_faka_accept_socket(i);

        if (c != NULL && c->read->active) {
            (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
        }
    }

    ngx_accept_disabled = NGX_FAKA_ACCEPT_NEVER;

    ngx_faka_accept_until = ngx_current_msec
                            + (ngx_faka_accept_old != 0
                               ? NGX_FAKA_ACCEPT_MAX_MS
                               : NGX_FAKA_ACCEPT_ALONE_MS);

    ngx_add_timer(&ngx_faka_accept_timer, NGX_FAKA_ACCEPT_POLL_MS);
}


/* A server that follows another one is no use to buyers in either generation,
 * and both may serve the other sites. */

static ngx_uint_t
ngx_faka_accept_waits(void)
{
    ngx_uint_t              i;
    fk_shop_state_t         state;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_faka_module);
    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {
        state = fk_shop_state(&shops[i]->worker->fk);

        if (state == FK_SHOP_FENCED) {
            return 1;
        }

        if (ngx_faka_accept_old != 0
            && (state == FK_SHOP_EMPTY || state == FK_SHOP_RECOVERING)
            && fk_stat_get(&shops[i]->worker->fk, FJ_STAT_FOLLOWS) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_faka_accept_poll(ngx_event_t *ev)
{
    ngx_msec_t  alone_until;

    if (ngx_exiting || ngx_cycle->listening.nelts == 0) {
        /* closed for good */
        return;
    }

    if (ngx_faka_accept_old != 0
        && ngx_faka_process_is_dead(ngx_faka_accept_old))
    {
        alone_until = ngx_current_msec + NGX_FAKA_ACCEPT_ALONE_MS;
        ngx_faka_accept_until = ngx_min(ngx_faka_accept_until, alone_until);
    }

    if (!ngx_faka_accept_waits()) {
        ngx_faka_accept_resume();
        return;
    }

    if (ngx_current_msec >= ngx_faka_accept_until) {
        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "faka: no shop opens; buyers are accepted, and refused");
        ngx_faka_accept_late = 1;
        ngx_faka_accept_resume();
        return;
    }

    ngx_add_timer(ev, NGX_FAKA_ACCEPT_POLL_MS);
}


static void
ngx_faka_accept_resume(void)
{
    ngx_uint_t              i, flags;
    ngx_connection_t       *c;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_faka_module);
    shops = fmcf->shops.elts;

    for (i = 0; i < fmcf->shops.nelts; i++) {
        /* Another worker has opened it; this one joins in in a moment. */
        shops[i]->worker->starting = 1;
        shops[i]->worker->started_at = ngx_current_msec;
    }

    for (i = 0; i < ngx_cycle->listening.nelts; i++) {
        c = ngx_faka_accept_socket(i);

        if (c == NULL || c->read->active) {
            continue;
        }

        flags = ngx_use_exclusive_accept && !c->listening->reuseport
                ? NGX_EXCLUSIVE_EVENT : 0;

        if (ngx_add_event(c->read, NGX_READ_EVENT, flags) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, c->log, 0,
                          "faka: nothing is accepted from %V",
                          &c->listening->addr_text);
        }
    }

    /* As if its mutex were ours: nginx takes them out again if it is not. */
    ngx_accept_mutex_held = ngx_use_accept_mutex;
    ngx_accept_disabled = 0;
}


/* NULL: it is not of an http server, or another worker's own. */

static ngx_connection_t *
ngx_faka_accept_socket(ngx_uint_t i)
{
    ngx_listening_t *ls = ngx_cycle->listening.elts;

    ngx_connection_t  *c;

    c = ls[i].connection;

    return c != NULL && c->read->handler == ngx_faka_accept ? c : NULL;
}
