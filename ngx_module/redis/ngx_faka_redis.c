/*
 * hiredis on nginx's event loop.  See ngx_faka_redis.h for the promises.
 *
 * Events are level-triggered: hiredis reads 16 KiB a callback and would miss
 * the rest on an edge.  After every call into hiredis the context may be
 * gone, so only the line is touched then.
 */

#include "ngx_faka_redis.h"
#include "ngx_faka_journal.h"


static ngx_int_t ngx_faka_redis_attach(ngx_faka_line_t *line);
static void ngx_faka_redis_read_handler(ngx_event_t *ev);
static void ngx_faka_redis_write_handler(ngx_event_t *ev);
static void ngx_faka_redis_there_handler(ngx_event_t *ev);
static void ngx_faka_redis_gone_handler(ngx_event_t *ev);
static void ngx_faka_redis_add_read(void *data);
static void ngx_faka_redis_del_read(void *data);
static void ngx_faka_redis_add_write(void *data);
static void ngx_faka_redis_del_write(void *data);
static void ngx_faka_redis_cleanup(void *data);
static void ngx_faka_redis_on_connect(const redisAsyncContext *ac,
    int status);
static void ngx_faka_redis_on_reply(redisAsyncContext *ac, void *data,
    void *privdata);


static ngx_faka_line_t *
ngx_faka_redis_line(void *data)
{
    ngx_faka_line_t  *line = data;

    ngx_faka_assert(line->magic == NGX_FAKA_LINE_MAGIC);
    return line;
}


ngx_int_t
ngx_faka_redis_connect(ngx_faka_line_t *line, const fj_address_t *address)
{
    redisAsyncContext  *ac;

    ngx_faka_assert(line->ac == NULL);

    if (address->path != NULL) {
        ac = redisAsyncConnectUnix(address->path);

    } else {
        ac = redisAsyncConnect(address->host, address->port);
    }

    if (ac == NULL) {
        ngx_log_error(NGX_LOG_ERR, line->log, 0,
                      "faka: no memory for a connection to redis");
        return NGX_ERROR;
    }

    if (ac->err) {
        ngx_log_error(NGX_LOG_ERR, line->log, 0,
                      "faka: cannot connect to redis \"%s\": %s",
                      address->text, ac->errstr);
        redisAsyncFree(ac);
        return NGX_ERROR;
    }

    line->magic = NGX_FAKA_LINE_MAGIC;
    line->ac = ac;
    line->silent = 0;
    line->there.handler = ngx_faka_redis_there_handler;
    line->gone.handler = ngx_faka_redis_gone_handler;
    line->there.data = line->gone.data = line;
    line->there.log = line->gone.log = line->log;

    if (ngx_faka_redis_attach(line) != NGX_OK) {
        line->ac = NULL;
        redisAsyncFree(ac);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_redis_attach(ngx_faka_line_t *line)
{
    ngx_connection_t   *c;
    redisAsyncContext  *ac;

    ac = line->ac;

    c = ngx_get_connection(ac->c.fd, line->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = line;
    c->log = line->log;
    c->log_error = NGX_ERROR_INFO;
    c->read->log = line->log;
    c->write->log = line->log;
    c->read->handler = ngx_faka_redis_read_handler;
    c->write->handler = ngx_faka_redis_write_handler;
    line->c = c;

    ac->data = line;
    ac->ev.data = line;
    ac->ev.addRead = ngx_faka_redis_add_read;
    ac->ev.delRead = ngx_faka_redis_del_read;
    ac->ev.addWrite = ngx_faka_redis_add_write;
    ac->ev.delWrite = ngx_faka_redis_del_write;
    ac->ev.cleanup = ngx_faka_redis_cleanup;

    /* Asks for the first write event, which reports the connect. */
    redisAsyncSetConnectCallback(ac, ngx_faka_redis_on_connect);

    return NGX_OK;
}


/* Inside of a reply's callback hiredis frees the context when that is over,
 * else at once: then commands without a reply get theirs, NULL, in here. */

void
ngx_faka_redis_close(ngx_faka_line_t *line)
{
    line->silent = 1;

    if (line->ac != NULL) {
        redisAsyncFree(line->ac);
    }

    if (line->there.posted) {
        ngx_delete_posted_event(&line->there);
    }

    if (line->gone.posted) {
        ngx_delete_posted_event(&line->gone);
    }
}


ngx_int_t
ngx_faka_redis_send(ngx_faka_line_t *line, int argc, const char *const *argv,
    const size_t *sizes)
{
    int          i;
    const char  *words[FJ_ARGC_MAX];

    ngx_faka_assert(argc <= FJ_ARGC_MAX);

    if (line->ac == NULL || line->silent) {
        return NGX_ERROR;
    }

    /* hiredis takes words that it might write to, and does not. */
    for (i = 0; i < argc; i++) {
        words[i] = argv[i];
    }

    return redisAsyncCommandArgv(line->ac, ngx_faka_redis_on_reply, line,
                                 argc, words, sizes)
           == REDIS_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_faka_redis_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    fj_reply_t        one, *reply;
    ngx_faka_line_t  *line;

    line = ngx_faka_redis_line(privdata);

    /* No reply: the context ends, and gone will say so. */
    if (data == NULL || line->silent) {
        return;
    }

    reply = ngx_faka_redis_reply(data, &one, line->log);
    line->reply(line, reply);

    if (reply != NULL && reply != &one) {
        ngx_free(reply);
    }
}


static void
ngx_faka_redis_read_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;
    ngx_faka_line_t   *line;

    line = ngx_faka_redis_line(c->data);

    if (line->ac != NULL) {
        redisAsyncHandleRead(line->ac);
    }
}


static void
ngx_faka_redis_write_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;
    ngx_faka_line_t   *line;

    line = ngx_faka_redis_line(c->data);

    if (line->ac != NULL) {
        redisAsyncHandleWrite(line->ac);
    }
}


static void
ngx_faka_redis_there_handler(ngx_event_t *ev)
{
    ngx_faka_line_t  *line;

    line = ngx_faka_redis_line(ev->data);
    line->connected(line);
}


static void
ngx_faka_redis_gone_handler(ngx_event_t *ev)
{
    ngx_faka_line_t  *line;

    line = ngx_faka_redis_line(ev->data);
    line->closed(line);
}


static void
ngx_faka_redis_add_read(void *data)
{
    ngx_faka_line_t  *line = ngx_faka_redis_line(data);

    if (!line->c->read->active) {
        (void) ngx_add_event(line->c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_del_read(void *data)
{
    ngx_faka_line_t  *line = ngx_faka_redis_line(data);

    if (line->c->read->active) {
        (void) ngx_del_event(line->c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_add_write(void *data)
{
    ngx_faka_line_t  *line = ngx_faka_redis_line(data);

    if (!line->c->write->active) {
        (void) ngx_add_event(line->c->write, NGX_WRITE_EVENT,
                             NGX_LEVEL_EVENT);
    }
}


static void
ngx_faka_redis_del_write(void *data)
{
    ngx_faka_line_t  *line = ngx_faka_redis_line(data);

    if (line->c->write->active) {
        (void) ngx_del_event(line->c->write, NGX_WRITE_EVENT,
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
    ngx_faka_line_t  *line = ngx_faka_redis_line(data);

    ngx_close_connection(line->c);
    line->c = NULL;

    line->ac->c.fd = -1;
    line->ac = NULL;

    if (line->there.posted) {
        ngx_delete_posted_event(&line->there);
    }

    if (!line->silent) {
        ngx_post_event(&line->gone, &ngx_posted_events);
    }
}


static void
ngx_faka_redis_on_connect(const redisAsyncContext *ac, int status)
{
    ngx_faka_line_t  *line = ngx_faka_redis_line(ac->data);

    /*
     * On an error hiredis itself frees the context right after this call;
     * without one nobody may free it in here, so connected() waits.
     */

    if (status == REDIS_OK) {
        ngx_post_event(&line->there, &ngx_posted_events);

    } else {
        ngx_log_error(NGX_LOG_INFO, line->log, 0,
                      "faka: connect to redis failed: %s", ac->errstr);
    }
}
