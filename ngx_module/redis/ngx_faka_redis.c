/*
 * hiredis on nginx's event loop.  See ngx_faka_redis.h for the promises.
 *
 * Events are level-triggered: hiredis reads 16 KiB a callback and would miss
 * the rest on an edge.  After every call into hiredis the context may be
 * gone, so only the link is touched then.
 */

#include "ngx_faka_redis.h"


static ngx_int_t ngx_faka_redis_attach(ngx_faka_link_t *link);
static void ngx_faka_redis_read_handler(ngx_event_t *ev);
static void ngx_faka_redis_write_handler(ngx_event_t *ev);
static void ngx_faka_redis_gone_handler(ngx_event_t *ev);
static void ngx_faka_redis_add_read(void *data);
static void ngx_faka_redis_del_read(void *data);
static void ngx_faka_redis_add_write(void *data);
static void ngx_faka_redis_del_write(void *data);
static void ngx_faka_redis_cleanup(void *data);
static void ngx_faka_redis_on_connect(const redisAsyncContext *ac,
    int status);


static ngx_faka_link_t *
ngx_faka_redis_link(void *data)
{
    ngx_faka_link_t  *link = data;

    ngx_faka_assert(link->magic == NGX_FAKA_LINK_MAGIC);
    return link;
}


ngx_int_t
ngx_faka_redis_connect(ngx_faka_link_t *link,
    const ngx_faka_redis_conf_t *conf)
{
    redisAsyncContext  *ac;

    ngx_faka_assert(link->ac == NULL);

    if (conf->path.len != 0) {
        ac = redisAsyncConnectUnix((const char *) conf->path.data);

    } else {
        ac = redisAsyncConnect((const char *) conf->host.data, conf->port);
    }

    if (ac == NULL) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "faka: no memory for a connection to redis");
        return NGX_ERROR;
    }

    if (ac->err) {
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "faka: cannot connect to redis \"%V\": %s",
                      &conf->address, ac->errstr);
        redisAsyncFree(ac);
        return NGX_ERROR;
    }

    link->magic = NGX_FAKA_LINK_MAGIC;
    link->ac = ac;
    link->gone.data = link;
    link->gone.handler = ngx_faka_redis_gone_handler;
    link->gone.log = link->log;

    if (ngx_faka_redis_attach(link) != NGX_OK) {
        link->ac = NULL;
        redisAsyncFree(ac);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_redis_attach(ngx_faka_link_t *link)
{
    ngx_connection_t   *c;
    redisAsyncContext  *ac;

    ac = link->ac;

    c = ngx_get_connection(ac->c.fd, link->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = link;
    c->log = link->log;
    c->log_error = NGX_ERROR_INFO;
    c->read->log = link->log;
    c->write->log = link->log;
    c->read->handler = ngx_faka_redis_read_handler;
    c->write->handler = ngx_faka_redis_write_handler;
    link->c = c;

    ac->data = link;
    ac->ev.data = link;
    ac->ev.addRead = ngx_faka_redis_add_read;
    ac->ev.delRead = ngx_faka_redis_del_read;
    ac->ev.addWrite = ngx_faka_redis_add_write;
    ac->ev.delWrite = ngx_faka_redis_del_write;
    ac->ev.cleanup = ngx_faka_redis_cleanup;

    /* Asks for the first write event, which reports the connect. */
    redisAsyncSetConnectCallback(ac, ngx_faka_redis_on_connect);

    return NGX_OK;
}


void
ngx_faka_redis_close(ngx_faka_link_t *link)
{
    if (link->ac != NULL) {
        redisAsyncFree(link->ac);
    }
}


static void
ngx_faka_redis_read_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;
    ngx_faka_link_t   *link;

    link = ngx_faka_redis_link(c->data);

    if (link->ac != NULL) {
        redisAsyncHandleRead(link->ac);
    }
}


static void
ngx_faka_redis_write_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;
    ngx_faka_link_t   *link;

    link = ngx_faka_redis_link(c->data);

    if (link->ac != NULL) {
        redisAsyncHandleWrite(link->ac);
    }
}


static void
ngx_faka_redis_gone_handler(ngx_event_t *ev)
{
    ngx_faka_link_t  *link;

    link = ngx_faka_redis_link(ev->data);

    if (link->ac == NULL) {
        link->closed(link);
    }
}


static void
ngx_faka_redis_add_read(void *data)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(data);

    if (!link->c->read->active) {
        (void) ngx_add_event(link->c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_del_read(void *data)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(data);

    if (link->c->read->active) {
        (void) ngx_del_event(link->c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_add_write(void *data)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(data);

    if (!link->c->write->active) {
        (void) ngx_add_event(link->c->write, NGX_WRITE_EVENT,
                             NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_del_write(void *data)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(data);

    if (link->c->write->active) {
        (void) ngx_del_event(link->c->write, NGX_WRITE_EVENT,
                             NGX_LEVEL_EVENT);
    }
}


/*
 * The one place where the socket is closed.  hiredis frees the context right
 * after this and must not close the number a second time: by then it may
 * belong to somebody else.
 */

static void
ngx_faka_redis_cleanup(void *data)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(data);

    ngx_close_connection(link->c);
    link->c = NULL;

    link->ac->c.fd = -1;
    link->ac = NULL;

    ngx_post_event(&link->gone, &ngx_posted_events);
}


static void
ngx_faka_redis_on_connect(const redisAsyncContext *ac, int status)
{
    ngx_faka_link_t  *link = ngx_faka_redis_link(ac->data);

    /* On an error hiredis itself frees the context right after this call. */

    if (status == REDIS_OK) {
        link->connected(link);

    } else {
        ngx_log_error(NGX_LOG_INFO, link->log, 0,
                      "faka: connect to redis failed: %s", ac->errstr);
    }
}
