/*
 * hiredis on nginx's event loop: the adapter, and nothing else.
 *
 * A line owns one redisAsyncContext and the nginx connection around its
 * socket.  Lifetime, in one sentence: when hiredis lets go of the context,
 * for whatever reason, cleanup() closes the socket once, line->ac is NULL
 * from then on, and line->closed() is called from a posted event, unless it
 * was ngx_faka_redis_close() that ended it.
 *
 * hiredis 0.14 knows no timers; whoever uses a line bounds its waits and
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

#include "../journal/fj.h"


#define NGX_FAKA_LINE_MAGIC  0x464b4c4e


typedef struct ngx_faka_line_s  ngx_faka_line_t;

struct ngx_faka_line_s {
    uint32_t             magic;
    redisAsyncContext   *ac;               /* NULL: not connected */
    ngx_connection_t    *c;
    ngx_log_t           *log;
    ngx_event_t          there;            /* posted once connected */
    ngx_event_t          gone;             /* posted once ac is NULL */
    ngx_uint_t           silent;           /* unsigned: 1 was told to close */
    void                *data;             /* the owner's */

    void               (*connected)(ngx_faka_line_t *line);
    void               (*closed)(ngx_faka_line_t *line);
    /* reply as fj_reply() takes it; it may call ngx_faka_redis_close() */
    void               (*reply)(ngx_faka_line_t *line,
        const fj_reply_t *reply);
};


/*
 * Begins to connect.  NGX_OK: connected() or closed() will be called later.
 * NGX_ERROR: neither will be; the reason is logged.
 */
ngx_int_t ngx_faka_redis_connect(ngx_faka_line_t *line,
    const fj_address_t *address);

/* Gives the connection up: nothing of it is called any more.  The next
 * ngx_faka_redis_connect() comes from a later event. */
void ngx_faka_redis_close(ngx_faka_line_t *line);

/* NGX_OK: reply() or closed() will be called later; the words are copied. */
ngx_int_t ngx_faka_redis_send(ngx_faka_line_t *line, int argc,
    const char *const *argv, const size_t *sizes);


/* ngx_faka_redis_reply.c */

/*
 * hiredis's tree as the journal wants it: items of an array in a row, texts
 * not copied.  one: room for a reply that is no array; others are allocated
 * and the caller frees the result with ngx_free() if it is not one.  NULL: no
 * memory, or larger than FJ_REPLY_ITEMS_MAX, or deeper than
 * FJ_REPLY_DEPTH_MAX.
 */
fj_reply_t *ngx_faka_redis_reply(const redisReply *from, fj_reply_t *one,
    ngx_log_t *log);


#endif /* NGX_FAKA_REDIS_H_INCLUDED_ */
