/*
 * A call's way to its gateway: the name's addresses, and a connection to one
 * of them.  Nothing is sent here.
 */


#include "ngx_faka_call_priv.h"


static void ngx_faka_call_known(ngx_faka_call_t *call);
static void ngx_faka_call_resolve(ngx_faka_call_t *call);
static void ngx_faka_call_resolved(ngx_resolver_ctx_t *ctx);
static ngx_int_t ngx_faka_call_address(ngx_faka_call_t *call,
    const ngx_resolver_addr_t *found);
static ngx_int_t ngx_faka_call_connect_to(ngx_faka_call_t *call,
    ngx_addr_t *addr);
static void ngx_faka_call_connecting(ngx_event_t *ev);
static ngx_err_t ngx_faka_call_connect_error(ngx_connection_t *c);


void
ngx_faka_call_begin(ngx_faka_call_t *call)
{
    ngx_faka_call_wait(call, NGX_FAKA_CALL_MS);

    if (call->gateway->addr_count != 0) {
        ngx_faka_call_known(call);
        return;
    }

    ngx_faka_call_resolve(call);
}


/* They take turns, so that one which is down does not cost every call. */

static void
ngx_faka_call_known(ngx_faka_call_t *call)
{
    ngx_uint_t                 i, first;
    const ngx_faka_gateway_t  *gateway;

    gateway = call->gateway;
    first = gateway->in_order ? 0 : ngx_random() % gateway->addr_count;
    call->addr_count = ngx_min(gateway->addr_count,
                               NGX_FAKA_CALL_ADDRESSES_MAX);

    for (i = 0; i < call->addr_count; i++) {
        call->addrs[i] = gateway->addrs[(first + i) % gateway->addr_count];
    }

    ngx_faka_call_connect(call);
}


static void
ngx_faka_call_resolve(ngx_faka_call_t *call)
{
    ngx_resolver_t      *resolver;
    ngx_resolver_ctx_t  *ctx;

    resolver = call->worker->shop->resolver;

    if (resolver == NULL) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_RESOLVE);
        return;
    }

    ctx = ngx_resolve_start(resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
        return;
    }

    ctx->name = call->gateway->host;
    ctx->handler = ngx_faka_call_resolved;
    ctx->data = call;
    ctx->timeout = NGX_FAKA_CALL_CONNECT_MS;

    call->resolving = ctx;
    call->place = NGX_FAKA_CALL_AT_RESOLVER;

    /* What the resolver remembers is there before this returns. */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        call->resolving = NULL;
        ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
    }
}


static void
ngx_faka_call_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t        i;
    ngx_faka_call_t  *call;

    call = ctx->data;

    if (ctx->state != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0,
                      "faka: %V could not be resolved (%i: %s)", &ctx->name,
                      ctx->state, ngx_resolver_strerror(ctx->state));
    }

    for (i = 0; ctx->state == NGX_OK && i < ctx->naddrs
                && i < NGX_FAKA_CALL_ADDRESSES_MAX; i++)
    {
        if (ngx_faka_call_address(call, &ctx->addrs[i]) != NGX_OK) {
            ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
            return;
        }
    }

    ngx_resolve_name_done(ctx);
    call->resolving = NULL;

    if (call->addr_count == 0) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_RESOLVE);
        return;
    }

    ngx_faka_call_connect(call);
}


static ngx_int_t
ngx_faka_call_address(ngx_faka_call_t *call, const ngx_resolver_addr_t *found)
{
    ngx_addr_t  *addr;

    addr = &call->addrs[call->addr_count];

    addr->sockaddr = ngx_palloc(call->pool, found->socklen);
    addr->name.data = ngx_pnalloc(call->pool, NGX_SOCKADDR_STRLEN);

    if (addr->sockaddr == NULL || addr->name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(addr->sockaddr, found->sockaddr, found->socklen);
    addr->socklen = found->socklen;
    ngx_inet_set_port(addr->sockaddr, call->gateway->port);
    addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                   addr->name.data, NGX_SOCKADDR_STRLEN, 1);
    call->addr_count++;

    return NGX_OK;
}


/* --- a connection -------------------------------------------------------- */

void
ngx_faka_call_connect(ngx_faka_call_t *call)
{
    ngx_int_t  rc;

    ngx_faka_assert(!call->sent);

    call->place = NGX_FAKA_CALL_AT_CONNECT;
    rc = NGX_DECLINED;

    while (rc == NGX_DECLINED && call->addr_next < call->addr_count) {
        ngx_faka_call_disconnect(call);
        rc = ngx_faka_call_connect_to(call, &call->addrs[call->addr_next++]);
    }

    if (rc == NGX_OK) {
        ngx_faka_call_connected(call);

    } else if (rc != NGX_AGAIN) {
        ngx_faka_call_finish(call, rc == NGX_DECLINED
                                   ? NGX_FAKA_CALL_CONNECT
                                   : NGX_FAKA_CALL_INTERNAL);
    }
}


/* NGX_AGAIN: it is under way; NGX_DECLINED: not this one. */

static ngx_int_t
ngx_faka_call_connect_to(ngx_faka_call_t *call, ngx_addr_t *addr)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    call->peer.sockaddr = addr->sockaddr;
    call->peer.socklen = addr->socklen;
    call->peer.name = &addr->name;
    call->peer.get = ngx_event_get_peer;
    call->peer.log = &call->log;
    call->peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&call->peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return rc == NGX_ERROR ? NGX_ERROR : NGX_DECLINED;
    }

    c = call->peer.connection;
    c->data = call;
    c->pool = call->pool;
    c->log = &call->log;
    c->read->log = &call->log;
    c->write->log = &call->log;
    c->read->handler = ngx_faka_call_connecting;
    c->write->handler = ngx_faka_call_connecting;
    call->log.connection = c->number;

    ngx_faka_call_wait(call, NGX_FAKA_CALL_CONNECT_MS);

    return rc;
}


static void
ngx_faka_call_connecting(ngx_event_t *ev)
{
    ngx_err_t          err;
    ngx_connection_t  *c;
    ngx_faka_call_t   *call;

    c = ev->data;
    call = c->data;

    if (c->close) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_CLOSED);
        return;
    }

    err = ngx_faka_call_connect_error(c);

    if (err != 0) {
        ngx_log_error(NGX_LOG_ERR, &call->log, err,
                      "faka: connect() failed");
        ngx_faka_call_connect(call);
        return;
    }

    ngx_faka_call_connected(call);
}


static ngx_err_t
ngx_faka_call_connect_error(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return err;
}
