/*
 * What comes in with a request: its context, its body, its headers.
 *
 * Bodies are read unbuffered, so that the limit holds while bytes arrive,
 * chunked or not, and nothing ever goes to a temporary file.  A body that
 * came together with its headers is used where it lies, without a copy.
 */


#include "ngx_faka.h"


#define NGX_FAKA_BODY_ROOM  4096       /* of a first copy of unknown length */


static void ngx_faka_body_post(ngx_http_request_t *r);
static void ngx_faka_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_faka_body_collect(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);
static ngx_int_t ngx_faka_body_append(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const u_char *data, size_t size);


ngx_faka_ctx_t *
ngx_faka_ctx_get(ngx_http_request_t *r, ngx_faka_shop_t *shop)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_faka_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        ctx->r = r;
        ngx_http_set_ctx(r, ctx, ngx_http_faka_module);

        if (shop->worker != NULL) {
            shop->worker->request_count++;
        }
    }

    ctx->shop = shop;

    return ctx;
}


void
ngx_faka_no_body(ngx_http_request_t *r)
{
    r->main->count++;

    /*
     * A client that waits for "100 Continue" shall have the answer instead;
     * whether its body still comes is then not known, so the connection ends.
     */

    if (r->headers_in.expect != NULL) {
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }
}


ngx_int_t
ngx_faka_read_body(ngx_http_request_t *r, ngx_faka_body_pt next)
{
    ngx_int_t             rc;
    ngx_str_t             encoding;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    ctx = ngx_faka_ctx_get(r, lcf->shop);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_faka_header(r, "Content-Encoding", &encoding) != NGX_DECLINED) {
        ngx_faka_no_body(r);
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type",
                                   "Content-Encoding",
                                   "send the body without an encoding");
        return NGX_DONE;
    }

    if (r->headers_in.content_length_n > NGX_FAKA_BODY_SIZE_MAX) {
        ngx_faka_no_body(r);
        ngx_faka_send_too_large(r);
        return NGX_DONE;
    }

    ctx->body_next = next;
    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_faka_body_post);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        /* the reader gave its reference back; an answer needs one */
        r->main->count++;
        ngx_faka_send_unreadable(r, rc);
    }

    return NGX_DONE;
}


static void
ngx_faka_body_post(ngx_http_request_t *r)
{
    if (r->reading_body) {
        r->read_event_handler = ngx_faka_body_handler;
    }

    ngx_faka_body_handler(r);
}


/* Takes what has come; each turn of the loop consumes some of it or waits. */

static void
ngx_faka_body_handler(ngx_http_request_t *r)
{
    ngx_int_t        rc;
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    for ( ;; ) {

        rc = ngx_faka_body_collect(r, ctx);

        if (rc == NGX_DECLINED) {
            ngx_faka_send_too_large(r);
            return;
        }

        if (rc == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        if (!r->reading_body) {
            break;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_faka_send_unreadable(r, rc);
            return;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }

    r->read_event_handler = ngx_http_block_reading;

    ctx->body_next(r, &ctx->body);
}


/* NGX_DECLINED: more than a body may have, or than was kept in memory by a
 * module that has read it before us; a part of it is never used. */

static ngx_int_t
ngx_faka_body_collect(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl, *next;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    for (cl = r->request_body->bufs; cl != NULL; cl = next) {

        b = cl->buf;
        next = cl->next;

        if (!ngx_buf_in_memory(b) && ngx_buf_size(b) != 0) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "faka: another module has read the request's body "
                          "to a file; raise client_body_buffer_size to 64k");
            return NGX_DECLINED;
        }

        size = (size_t) (b->last - b->pos);

        if (size > NGX_FAKA_BODY_SIZE_MAX - ctx->body.len) {
            return NGX_DECLINED;
        }

        if (ctx->body.len == 0 && next == NULL && !r->reading_body) {
            ctx->body.data = b->pos;
            ctx->body.len = size;

        } else if (ngx_faka_body_append(r, ctx, b->pos, size) != NGX_OK) {
            return NGX_ERROR;
        }

        b->pos = b->last;

        /* a body that drips in takes a link for each drop */
        ngx_free_chain(r->pool, cl);
    }

    r->request_body->bufs = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_faka_body_append(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const u_char *data, size_t size)
{
    u_char  *text;
    size_t   room;

    if (ctx->body.len + size > ctx->body_room) {

        room = r->headers_in.content_length_n > 0
               ? (size_t) r->headers_in.content_length_n : NGX_FAKA_BODY_ROOM;
        room = ngx_max(room, ctx->body_room * 2);
        room = ngx_max(room, ctx->body.len + size);

        text = ngx_pnalloc(r->pool, room);
        if (text == NULL) {
            return NGX_ERROR;
        }

        if (ctx->body.len > 0) {
            ngx_memcpy(text, ctx->body.data, ctx->body.len);
        }

        if (ctx->body_room > 0) {
            (void) ngx_pfree(r->pool, ctx->body.data);
        }

        ctx->body.data = text;
        ctx->body_room = room;
    }

    if (size > 0) {
        ngx_memcpy(ctx->body.data + ctx->body.len, data, size);
        ctx->body.len += size;
    }

    return NGX_OK;
}


ngx_int_t
ngx_faka_header(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    size_t            size;
    ngx_uint_t        i, found;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    size = ngx_strlen(name);
    found = 0;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {

        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].key.len != size
                || ngx_strncasecmp(header[i].key.data, (u_char *) name, size)
                   != 0)
            {
                continue;
            }

            if (found) {
                return NGX_ERROR;
            }

            *value = header[i].value;
            found = 1;
        }
    }

    return found ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_faka_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    ngx_int_t  rc;

    static const u_char  scheme[] = "Bearer ";

    rc = ngx_faka_header(r, "Authorization", token);
    if (rc != NGX_OK) {
        return rc;
    }

    if (token->len < sizeof(scheme)
        || ngx_strncasecmp(token->data, (u_char *) scheme, sizeof(scheme) - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    token->data += sizeof(scheme) - 1;
    token->len -= sizeof(scheme) - 1;

    return NGX_OK;
}


ngx_uint_t
ngx_faka_bearer_ok(ngx_http_request_t *r, ngx_str_t *expected)
{
    ngx_str_t  token;

    if (expected->len == 0 || ngx_faka_bearer(r, &token) != NGX_OK) {
        return 0;
    }

    return pay_equal_secret(pay_str(token.data, token.len),
                            pay_str(expected->data, expected->len));
}


ngx_uint_t
ngx_faka_content_type_is(ngx_http_request_t *r, const char *type)
{
    size_t     size;
    ngx_str_t  value;

    size = ngx_strlen(type);

    if (ngx_faka_header(r, "Content-Type", &value) != NGX_OK
        || value.len < size
        || ngx_strncasecmp(value.data, (u_char *) type, size) != 0)
    {
        return 0;
    }

    return value.len == size || value.data[size] == ';'
           || value.data[size] == ' ' || value.data[size] == '\t';
}
