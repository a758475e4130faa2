/*
 * hiredis on nginx's event loop: the adapter, and nothing else.
 *
 * A link owns one redisAsyncContext and the nginx connection around its
 * socket.  Lifetime, in one sentence: when hiredis lets go of the context,
 * for whatever reason, cleanup() closes the socket once, link->ac is NULL
 * from then on, and link->closed() is called from a posted event, never from
 * inside hiredis.
 *
 * hiredis 0.14 knows no timers; whoever uses a link bounds its waits and
 * calls ngx_faka_redis_close().  Addresses must be numeric, for the library
 * would resolve a name blocking.
 */

#ifndef NGX_FAKA_REDIS_H_INCLUDED_
#define NGX_FAKA_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "ngx_faka_journal.h"


#define NGX_FAKA_LINK_MAGIC  0x464b4c4b


typedef struct ngx_faka_link_s  ngx_faka_link_t;

struct ngx_faka_link_s {
    uint32_t             magic;
    redisAsyncContext   *ac;               /* NULL: not connected */
    ngx_connection_t    *c;
    ngx_log_t           *log;
    ngx_event_t          gone;             /* posted once ac is NULL */
    void                *data;             /* the owner's */

    void               (*connected)(ngx_faka_link_t *link);
    void               (*closed)(ngx_faka_link_t *link);
};


/*
 * Begins to connect.  NGX_OK: connected() or closed() will be called later.
 * NGX_ERROR: neither will be; the reason is logged.
 */
ngx_int_t ngx_faka_redis_connect(ngx_faka_link_t *link,
    const ngx_faka_redis_conf_t *conf);

/*
 * Gives the connection up: pending commands get a NULL reply before this
 * returns (after it, if called from a reply callback), closed() follows.
 * Not to be called from connected().
 */
void ngx_faka_redis_close(ngx_faka_link_t *link);


#endif /* NGX_FAKA_REDIS_H_INCLUDED_ */
