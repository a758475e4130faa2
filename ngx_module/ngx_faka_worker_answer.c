/*
 * What goes out: answers and problems, each sent in one go and finalized.
 *
 * Every function that sends gives back the reference that
 * ngx_faka_read_body() or ngx_faka_no_body() took; the request must not be
 * touched after it.  All answers carry Content-Length, so connections stay
 * alive, and Cache-Control: no-store, for they tell of orders and stock.
 */


#include "ngx_faka.h"


#define NGX_FAKA_PROBLEM_SIZE  384     /* holds most problems in one buffer */


static void ngx_faka_send_problem_body(ngx_http_request_t *r,
    ngx_uint_t status, const char *title, const char *word, const char *field,
    const char *detail);


typedef struct {
    ngx_uint_t   status;
    const char  *title;
} ngx_faka_title_t;

static const ngx_faka_title_t  ngx_faka_titles[] = {
    { 401, "a valid token is needed" },
    { 405, "the method is not allowed here" },
    { 413, "the body is too large" },
    { 415, "the body's type is not supported" },
    { 429, "too many requests" },
    { 0,   "the request was refused" }
};


static ngx_str_t  ngx_faka_json_type = ngx_string("application/json");
static ngx_str_t  ngx_faka_problem_type =
    ngx_string("application/problem+json");


ngx_int_t
ngx_faka_header_add(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *header;

    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NGX_ERROR;
    }

    header->hash = 1;
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->value.data = (u_char *) value;
    header->value.len = ngx_strlen(value);
#if (nginx_version >= 1023000)
    header->next = NULL;
#endif

    return NGX_OK;
}


void
ngx_faka_send_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_chain_t *body)
{
    ngx_faka_send_chain(r, status, &ngx_faka_json_type, body);
}


void
ngx_faka_send_bytes(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *content_type, ngx_str_t *body)
{
    ngx_buf_t    *b;
    ngx_chain_t  *out;

    b = ngx_calloc_buf(r->pool);
    out = ngx_alloc_chain_link(r->pool);

    if (b == NULL || out == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = body->len > 0;

    out->buf = b;
    out->next = NULL;

    ngx_faka_send_chain(r, status, content_type, out);
}


void
ngx_faka_send_chain(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *content_type, ngx_chain_t *body)
{
    off_t            size;
    ngx_int_t        rc;
    ngx_chain_t     *cl, *last;
    ngx_faka_ctx_t  *ctx;

    if (body == NULL
        || ngx_faka_header_add(r, "Cache-Control", "no-store") != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    if (ctx != NULL && ctx->result == NULL) {
        ctx->result = fk_code_info[FK_OK].word;
    }

    /* A new generation may sell on the same sockets: what this client asks
     * for next shall come over a connection of that one. */

    if (ctx != NULL && ctx->shop->worker != NULL
        && fk_shop_state(&ctx->shop->worker->fk) == FK_SHOP_FENCED)
    {
        r->keepalive = 0;
    }

    size = 0;
    last = body;

    for (cl = body; cl != NULL; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
        last = cl;
    }

    last->buf->last_buf = (r == r->main);
    last->buf->last_in_chain = 1;

    /* If-Match and its like must not turn what was done into a 412 or 304. */

    r->disable_not_modified = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = size;
    r->headers_out.content_type = *content_type;
    r->headers_out.content_type_len = content_type->len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK && !r->header_only) {
        rc = ngx_http_output_filter(r, body);
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_faka_send_problem(ngx_http_request_t *r, fk_code_t code,
    const char *field, const char *detail)
{
    const fk_code_info_t  *info;

    info = &fk_code_info[code];

    ngx_faka_send_problem_body(r, info->status, info->text, info->word, field,
                               detail);
}


void
ngx_faka_send_field_error(ngx_http_request_t *r,
    const ngx_faka_field_error_t *error)
{
    ngx_faka_send_problem(r, FK_INVALID,
                          error->field[0] != '\0' ? error->field : NULL,
                          error->detail);
}


void
ngx_faka_send_http_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *word, const char *field, const char *detail)
{
    const ngx_faka_title_t  *title;

    for (title = ngx_faka_titles; title->status != 0; title++) {
        if (title->status == status) {
            break;
        }
    }

    ngx_faka_send_problem_body(r, status, title->title, word, field, detail);
}


void
ngx_faka_send_not_allowed(ngx_http_request_t *r, const char *allow)
{
    if (ngx_faka_header_add(r, "Allow", allow) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_faka_send_http_problem(r, NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
                               NULL, NULL);
}


void
ngx_faka_send_too_large(ngx_http_request_t *r)
{
    /* what is left of the body is not worth reading for one connection */
    r->keepalive = 0;

    ngx_faka_send_http_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                               "payload_too_large", NULL,
                               "at most 65536 bytes are taken here");
}


void
ngx_faka_send_unreadable(ngx_http_request_t *r, ngx_int_t status)
{
    if (!r->connection->error && !r->connection->timedout) {

        if (status == NGX_HTTP_BAD_REQUEST) {
            r->keepalive = 0;
            ngx_faka_send_problem(r, FK_INVALID, NULL,
                                  "the body is malformed, or not as long "
                                  "as announced");
            return;
        }

        if (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
            r->keepalive = 0;
            ngx_faka_send_http_problem(r, status, "payload_too_large", NULL,
                                       "this is more than the server's "
                                       "client_max_body_size");
            return;
        }
    }

    ngx_http_finalize_request(r, status);
}


/* Headers that belong to a status are added here, so nobody forgets them. */

static void
ngx_faka_send_problem_body(ngx_http_request_t *r, ngx_uint_t status,
    const char *title, const char *word, const char *field,
    const char *detail)
{
    ngx_int_t        rc;
    ngx_faka_ctx_t  *ctx;
    ngx_faka_json_t  json;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    if (ctx != NULL) {
        ctx->result = word;
    }

    rc = NGX_OK;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        rc = ngx_faka_header_add(r, "Retry-After", "1");

    } else if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        rc = ngx_faka_header_add(r, "Retry-After", "60");

    } else if (status == NGX_HTTP_UNAUTHORIZED) {
        rc = ngx_faka_header_add(r, "WWW-Authenticate", "Bearer");
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_PROBLEM_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_text(&json, "type", "about:blank");
    ngx_faka_json_text(&json, "title", title);
    ngx_faka_json_integer(&json, "status", (int64_t) status);
    ngx_faka_json_text(&json, "code", word);

    if (detail != NULL) {
        ngx_faka_json_text(&json, "detail", detail);
    }

    if (field != NULL) {
        ngx_faka_json_text(&json, "field", field);
    }

    ngx_faka_json_object_end(&json);

    ngx_faka_send_chain(r, status, &ngx_faka_problem_type,
                        ngx_faka_json_end(&json));
}
