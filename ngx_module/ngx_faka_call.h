/*
 * Calls to payment gateways: HTTP/1.1 over TLS, on nginx's own events.
 *
 * A call needs no request of a buyer, for timers ask, too, so it is no
 * subrequest; and no operator has to write an upstream in which one missing
 * directive leaves the gateway's certificate unverified.  Connections, TLS
 * and names are nginx's: this is what puts them in order.
 *
 * What holds of every call:
 *
 *   - It goes to the host of the channel's url alone.  https: TLS 1.2 or
 *     newer, the certificate verified up to a trusted one and made for that
 *     host; there is no way around it.  http: only to this very machine.
 *   - It is one request over one connection.  Another address of the host is
 *     tried only as long as none has taken the connection, so nothing is sent
 *     twice; a redirect is an answer like any other.
 *   - It ends: connecting takes 3 s an address, all of it 10 s, a reply has
 *     at most PAY_REPLY_SIZE_MAX bytes.
 *   - Request and reply are wiped when it is over and are in no log; a line
 *     of the log has the channel, what went wrong, and the gateway's address.
 *
 * A worker that is told to quit stays for the calls that are under way, and
 * takes no new ones.
 */

#ifndef NGX_FAKA_CALL_H_INCLUDED_
#define NGX_FAKA_CALL_H_INCLUDED_


#include "ngx_faka.h"


#define NGX_FAKA_CALL_MS             10000
#define NGX_FAKA_CALL_CONNECT_MS     3000
#define NGX_FAKA_CALL_ADDRESSES_MAX  3      /* tried by one call */
#define NGX_FAKA_CALLS_MAX           64     /* of a shop, in one worker */
#define NGX_FAKA_CHANNEL_CALLS_MAX   16


/* X(name, word, what it means) */

#define NGX_FAKA_CALL_RESULTS(X)                                              \
    X(OK,        "ok",        "there is a reply, of any status")              \
    X(RESOLVE,   "resolve",   "the gateway's name has no address")            \
    X(CONNECT,   "connect",   "no address took a connection")                 \
    X(TLS,       "tls",       "no TLS, or not the gateway's certificate")     \
    X(TIMEOUT,   "timeout",   "it took too long")                             \
    X(CLOSED,    "closed",    "the connection broke before the reply's end")  \
    X(TOO_LARGE, "too_large", "the reply is too large")                       \
    X(MALFORMED, "malformed", "the reply is no HTTP that we accept")          \
    X(BUSY,      "busy",      "too many calls at once, or we are quitting")   \
    X(INTERNAL,  "internal",  "no memory, or no socket")

typedef enum {
#define X(name, word, text)  NGX_FAKA_CALL_##name,
    NGX_FAKA_CALL_RESULTS(X)
#undef X
    NGX_FAKA_CALL_COUNT
} ngx_faka_call_result_t;

const char *ngx_faka_call_word(ngx_faka_call_result_t result);


typedef struct ngx_faka_call_s  ngx_faka_call_t;

/*
 * The call is over, and its pointer with it.  sent: some of the request may
 * have reached the gateway; 0: nothing has, so it may be asked again.  reply:
 * with OK, and only in here; else NULL.
 */
typedef void (*ngx_faka_call_done_pt)(void *data,
    ngx_faka_call_result_t result, ngx_uint_t sent, const pay_reply_t *reply);


/* --- workers (ngx_faka_worker_call.c) ----------------------------------- */

/*
 * Sends a copy of the request to the gateway of a channel of w's shop, which
 * ngx_faka_call_gateway() knows.  done() is called exactly once, with any
 * result but BUSY, and never before this returns; it is not called if the
 * call is cancelled or the process ends at once.  NULL: too many are under
 * way, the worker quits, or there is no memory; done() is not called.
 */
ngx_faka_call_t *ngx_faka_call(ngx_faka_worker_t *w,
    const pay_channel_t *channel, const pay_request_t *request,
    ngx_faka_call_done_pt done, void *data);

/* Before done() was called: it never is. */
void ngx_faka_call_cancel(ngx_faka_call_t *call);

/* A worker begins and ends. */
void ngx_faka_calls_start(ngx_faka_worker_t *w);
void ngx_faka_calls_stop(ngx_faka_worker_t *w);


/* --- gateways (ngx_faka_master_call.c) ---------------------------------- */

/* Where a channel's url leads: read with the configuration. */

struct ngx_faka_gateway_s {
    ngx_uint_t              tls;              /* unsigned: 1 https */
    ngx_str_t               host;             /* without brackets, and NUL */
    ngx_str_t               authority;        /* for the header Host */
    ngx_str_t               path;             /* of the url; "/" if none */
    in_port_t               port;
    ngx_uint_t              is_address;       /* unsigned: 1 not a name */
    ngx_addr_t             *addrs;            /* NULL: ask the resolver */
    ngx_uint_t              addr_count;
    ngx_uint_t              in_order;         /* unsigned: 1 the first first */
};

/* NULL: the channel's url is neither https nor of this machine, so nothing is
 * ever sent there. */
const ngx_faka_gateway_t *ngx_faka_call_gateway(const ngx_faka_shop_t *shop,
    const pay_channel_t *channel);

/* When all of http{} is read: the gateways of all shops. */
ngx_int_t ngx_faka_calls_postconfiguration(ngx_conf_t *cf);

char *ngx_faka_shop_trusted_certificate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_FAKA_CALL_H_INCLUDED_ */
