/*
 * A call as the files ngx_faka_worker_call*.c see it.
 */

#ifndef NGX_FAKA_CALL_PRIV_H_INCLUDED_
#define NGX_FAKA_CALL_PRIV_H_INCLUDED_


#include "ngx_faka_call.h"
#include "pay/reply.h"

#include <ngx_event.h>
#include <ngx_event_connect.h>


/* How far a call is; each waits for its own event, and all for the timer. */

typedef enum {
    NGX_FAKA_CALL_AT_START = 0,
    NGX_FAKA_CALL_AT_RESOLVER,
    NGX_FAKA_CALL_AT_CONNECT,
    NGX_FAKA_CALL_AT_HANDSHAKE,
    NGX_FAKA_CALL_AT_EXCHANGE
} ngx_faka_call_place_t;

struct ngx_faka_call_s {
    ngx_queue_t                 queue;
    ngx_faka_worker_t          *worker;
    const pay_channel_t        *channel;
    const ngx_faka_gateway_t   *gateway;
    ngx_faka_call_done_pt       done;
    void                       *data;

    ngx_pool_t                 *pool;         /* of all this */
    ngx_log_t                   log;
    ngx_event_t                 timer;        /* not cancelable: a worker that
                                                 quits waits for it */
    ngx_msec_t                  deadline;
    ngx_faka_call_place_t       place;
    ngx_uint_t                  sent;         /* unsigned: 1 perhaps */

    ngx_resolver_ctx_t         *resolving;
    ngx_addr_t                  addrs[NGX_FAKA_CALL_ADDRESSES_MAX];
    ngx_uint_t                  addr_count;
    ngx_uint_t                  addr_next;
    ngx_peer_connection_t       peer;
    ngx_uint_t                  peer_ended;   /* unsigned: 1 TLS says so */

    ngx_str_t                   request;
    size_t                      request_sent;
    u_char                     *reply;        /* PAY_REPLY_SIZE_MAX */
    size_t                      reply_size;
    pay_reply_reader_t          reader;
};


/* ngx_faka_worker_call.c: ends the call; it is gone then. */
void ngx_faka_call_finish(ngx_faka_call_t *call,
    ngx_faka_call_result_t result);
void ngx_faka_call_disconnect(ngx_faka_call_t *call);
/* The timer is to fire in ms, or at the deadline if that is earlier. */
void ngx_faka_call_wait(ngx_faka_call_t *call, ngx_msec_t ms);

/* ngx_faka_worker_call_connect.c: to an address of the gateway, and the next
 * one where that fails. */
void ngx_faka_call_begin(ngx_faka_call_t *call);
void ngx_faka_call_connect(ngx_faka_call_t *call);

/* ngx_faka_worker_call_exchange.c: there is a connection. */
void ngx_faka_call_connected(ngx_faka_call_t *call);


#endif /* NGX_FAKA_CALL_PRIV_H_INCLUDED_ */
