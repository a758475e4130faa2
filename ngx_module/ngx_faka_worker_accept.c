/*
 * Who accepts buyers while a shop changes hands.
 *
 * After USR2 two generations wait on the same sockets, and the kernel gives
 * connections to both.  Only one of them can sell, so only that one accepts:
 *
 *   - a new binary's workers begin when a shop of theirs is open, for then the
 *     old ones leave;
 *   - an old one's workers look at the region before they accept, and end at
 *     once when a shop of theirs is fenced, whichever of them found it out.
 *
 * So whoever was refused by the old generation, and comes again, cannot land
 * on it once more.  Between the two, connections wait in the kernel's queue.
 * If it was another server that took the shop, this one accepts again as soon
 * as it knows; and nobody waits for ever for a shop that does not open.
 *
 * A reload that gives a shop a new zone is the same within one master, but the
 * old workers do not accept meanwhile, since nginx has told them to quit.
 *
 * Held are the sockets of http servers, those of all sites; those of stream
 * and mail are nobody's business here.  What is already accepted goes on.
 *
 * With accept_mutex on, nginx puts every socket of a worker back whenever that
 * worker gets the mutex.  So each of ours that has somebody waiting is taken
 * out again when its event comes.
 */

#include "ngx_faka.h"
#include "redis/ngx_faka_shell.h"


#define NGX_FAKA_ACCEPT_POLL_MS   20
#define NGX_FAKA_ACCEPT_MAX_MS    10000    /* while the old binary accepts */
#define NGX_FAKA_ACCEPT_ALONE_MS  3000     /* while nobody does */


static void ngx_faka_accept(ngx_event_t *ev);
static void ngx_faka_accept_hold(ngx_msec_t wait_ms);
static void ngx_faka_accept_take_out(ngx_event_t *ev);
static ngx_msec_t ngx_faka_accept_wait_ms(void);
static ngx_msec_t ngx_faka_accept_shop_ms(const ngx_faka_shop_t *shop);
static void ngx_faka_accept_poll(ngx_event_t *ev);
static void ngx_faka_accept_resume(void);
static ngx_connection_t *ngx_faka_accept_socket(ngx_uint_t i);


/* One a worker, for all of its shops and servers. */

static ngx_event_t  ngx_faka_accept_timer;     /* set: nobody is accepted */
static ngx_msec_t   ngx_faka_accept_until;
static ngx_uint_t   ngx_faka_accept_late;      /* unsigned: 1 it was in vain */


void
ngx_faka_accept_init_worker(ngx_cycle_t *cycle)
{
    ngx_uint_t         i;
    ngx_msec_t         wait_ms;
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

    wait_ms = ngx_faka_accept_wait_ms();

    if (wait_ms != 0) {
        ngx_faka_accept_hold(wait_ms);
    }
}


/* In the place of nginx's own, which accepts whoever comes. */

static void
ngx_faka_accept(ngx_event_t *ev)
{
    ngx_msec_t  wait_ms;

    if (ngx_faka_accept_timer.timer_set) {
        ngx_faka_accept_take_out(ev);
        return;
    }

    wait_ms = ngx_faka_accept_wait_ms();

    if (wait_ms == 0) {
        ngx_faka_accept_late = 0;

    } else if (!ngx_faka_accept_late) {
        ngx_faka_accept_hold(wait_ms);
        return;
    }

    ngx_event_accept(ev);
}


static void
ngx_faka_accept_hold(ngx_msec_t wait_ms)
{
    ngx_uint_t         i;
    ngx_connection_t  *c;

    for (i = 0; i < ngx_cycle->listening.nelts; i++) {
        c = ngx_faka_accept_socket(i);

        if (c != NULL) {
            ngx_faka_accept_take_out(c->read);
        }
    }

    ngx_faka_accept_until = ngx_current_msec + wait_ms;
    ngx_add_timer(&ngx_faka_accept_timer, NGX_FAKA_ACCEPT_POLL_MS);
}


static void
ngx_faka_accept_take_out(ngx_event_t *ev)
{
    if (ev->active) {
        (void) ngx_del_event(ev, NGX_READ_EVENT, 0);
    }
}


/*
 * For so long at most; 0: whoever comes is accepted.
 *
 * With the first shop that is opened here, the old generation leaves the
 * sockets of all.  From then on nobody else accepts, so the buyers of that
 * shop, and the other sites, wait for no other one, which may be as long in
 * coming as its Redis is down.
 */

static ngx_msec_t
ngx_faka_accept_wait_ms(void)
{
    ngx_uint_t              i;
    ngx_msec_t              wait_ms, shop_ms;
    ngx_faka_shop_t       **shops;
    ngx_faka_main_conf_t   *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_faka_module);
    shops = fmcf->shops.elts;
    wait_ms = 0;

    for (i = 0; i < fmcf->shops.nelts; i++) {
        if (fk_shop_state(&shops[i]->worker->fk) == FK_SHOP_FENCED) {
            return NGX_FAKA_ACCEPT_ALONE_MS;
        }
    }

    for (i = 0; i < fmcf->shops.nelts; i++) {
        if (fk_stat_get(&shops[i]->worker->fk, FJ_STAT_SNAPSHOT_AT_MS) != 0) {
            return 0;
        }

        shop_ms = ngx_faka_accept_shop_ms(shops[i]);
        wait_ms = ngx_max(wait_ms, shop_ms);
    }

    return wait_ms;
}


/*
 * A shop that was never open here, though somebody sells, or sold, it on these
 * sockets.  A server that follows another one is no use to buyers in either
 * generation, and both may serve the other sites.
 */

static ngx_msec_t
ngx_faka_accept_shop_ms(const ngx_faka_shop_t *shop)
{
    fk_t             *fk;
    fk_shop_state_t   state;

    fk = &shop->worker->fk;
    state = fk_shop_state(fk);

    if ((state != FK_SHOP_EMPTY && state != FK_SHOP_RECOVERING)
        || fk_stat_get(fk, FJ_STAT_FOLLOWS) != 0)
    {
        return 0;
    }

    if (ngx_faka_owner.old_master != 0) {
        return NGX_FAKA_ACCEPT_MAX_MS;
    }

    return shop->succeeds ? NGX_FAKA_ACCEPT_ALONE_MS : 0;
}


static void
ngx_faka_accept_poll(ngx_event_t *ev)
{
    ngx_msec_t  alone_until;

    if (ngx_exiting || ngx_cycle->listening.nelts == 0) {
        /* closed for good */
        return;
    }

    if (ngx_faka_owner.old_master != 0
        && ngx_faka_process_is_dead(ngx_faka_owner.old_master))
    {
        alone_until = ngx_current_msec + NGX_FAKA_ACCEPT_ALONE_MS;
        ngx_faka_accept_until = ngx_min(ngx_faka_accept_until, alone_until);
    }

    if (ngx_faka_accept_wait_ms() == 0) {
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

        if (c == NULL || c->read->active
            || (ngx_use_accept_mutex && !c->listening->reuseport))
        {
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

    /* When this worker has the mutex, also if that is now, nginx puts back
     * whatever is not there. */
    ngx_accept_events = 1;
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
