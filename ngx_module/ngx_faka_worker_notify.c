/*
 * faka_notify: what a payment gateway says to /notify/CHANNEL.
 *
 * pay/ decides what a notice proves, the engine decides where the money goes,
 * and this file answers the gateway: with its success body once the outcome
 * is durable, with its failure body otherwise.
 *
 * Guarantees.  "success" is never sent for money that is not on record (under
 * "durability disk": on disk), or that a person has settled.  A verified
 * payment that cannot be delivered is recorded all the same and acknowledged,
 * for sending it again would repair nothing.  Whatever can be repaired by
 * sending it again (journal down, shop busy) is answered 503.
 *
 * What is logged holds nothing of a notice that was not proved, and goes to
 * the log of the process: that of the request would add the request line,
 * with signature and all.  A proved payment that is refused is logged with its
 * numbers, for gateways give up after some tries: somebody must find it then.
 *
 * A payment for no order of its channel is kept, as a stray, before it is
 * answered: with failure, for it is not on record, and if its order comes back
 * (a restored archive, a backup), the next notice books it.
 */

#include "ngx_faka_stray.h"


#define NGX_FAKA_NOTIFY_LOGS_MAX  10   /* lines a second and worker */


static void ngx_faka_notify_body(ngx_http_request_t *r, ngx_str_t *body);
static void ngx_faka_notify_judge(ngx_http_request_t *r,
    const pay_notice_t *notice);
static ngx_int_t ngx_faka_notify_headers(ngx_http_request_t *r,
    pay_header_t headers[PAY_HEADERS_MAX], size_t *count);
static ngx_uint_t ngx_faka_notify_type_ok(ngx_http_request_t *r,
    const pay_protocol_t *protocol);
static void ngx_faka_notify_paid(ngx_http_request_t *r);
static void ngx_faka_notify_archived(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_notify_booked(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_notify_stray(ngx_http_request_t *r, const char *why,
    const char *refused);
static void ngx_faka_notify_kept(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_notify_show(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_notify_refuse(ngx_http_request_t *r,
    ngx_uint_t status, ngx_uint_t level, const char *word);
static ngx_uint_t ngx_faka_notify_may_log(ngx_uint_t proved);
static void ngx_faka_notify_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);


/* By the bits of PAY_METHOD_. */

static const char *const  ngx_faka_notify_methods[] = {
    [PAY_METHOD_GET] = "GET",
    [PAY_METHOD_POST] = "POST",
    [PAY_METHOD_GET|PAY_METHOD_POST] = "GET, POST"
};


ngx_int_t
ngx_faka_notify_handler(ngx_http_request_t *r)
{
    unsigned              methods;
    ngx_str_t             rest, name;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_money_t     *money;
    ngx_faka_loc_conf_t  *flcf;
    const pay_channel_t  *channel;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    ctx = ngx_faka_ctx_get(r, flcf->shop);
    money = ngx_palloc(r->pool, sizeof(ngx_faka_money_t));

    if (ctx == NULL || money == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_subpath(r, &rest);
    (void) ngx_faka_subpath_next(&rest, &name);

    channel = rest.data == NULL
              ? ngx_faka_channel_find(ctx->shop, name.data, name.len) : NULL;

    if (channel == NULL || channel->protocol->behind != PAY_BEHIND_GATEWAY) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
        return NGX_DONE;
    }

    money->channel = channel;
    money->source = "client";
    money->from = r->connection->addr_text;
    money->odd = 0;
    money->returned = 0;
    ctx->data = money;
    ctx->order = &money->order;

    methods = pay_channel_methods(channel);

    if (!(r->method == NGX_HTTP_GET && (methods & PAY_METHOD_GET))
        && !(r->method == NGX_HTTP_POST && (methods & PAY_METHOD_POST)))
    {
        ngx_faka_no_body(r);
        ngx_faka_send_not_allowed(r, ngx_faka_notify_methods[methods]);
        return NGX_DONE;
    }

    return ngx_faka_read_body(r, ngx_faka_notify_body);
}


static void
ngx_faka_notify_body(ngx_http_request_t *r, ngx_str_t *body)
{
    pay_header_t        headers[PAY_HEADERS_MAX];
    pay_notice_t        notice;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    if (ngx_faka_may_read(ctx->shop) != FK_OK) {
        ngx_faka_notify_send(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                             money->channel->protocol->failure_body);
        return;
    }

    if (!ngx_faka_notify_type_ok(r, money->channel->protocol)) {
        return;
    }

    ngx_memzero(&notice, sizeof(pay_notice_t));

    notice.method = r->method == NGX_HTTP_GET ? PAY_METHOD_GET
                                              : PAY_METHOD_POST;
    notice.query = ngx_faka_pay_str(&r->args);
    notice.body = ngx_faka_pay_str(body);
    notice.now_s = ngx_time();
    notice.headers = headers;

    if (ngx_faka_notify_headers(r, headers, &notice.header_count) != NGX_OK) {
        ngx_memzero(&money->fact, sizeof(pay_fact_t));
        ngx_faka_notify_refuse(r, NGX_HTTP_BAD_REQUEST, NGX_LOG_WARN,
                               "headers");
        return;
    }

    ngx_faka_notify_judge(r, &notice);
}


static void
ngx_faka_notify_judge(ngx_http_request_t *r, const pay_notice_t *notice)
{
    pay_verdict_e       verdict;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_worker_t  *w;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;
    w = ctx->shop->worker;

    verdict = pay_memo_verify(w->memo, w->crypto, money->channel, notice,
                              &money->fact);

    fk_stat_add(&w->fk, NGX_FAKA_STAT_NOTIFY_VERDICT + verdict, 1);
    ctx->result = pay_verdict_word(verdict);

    switch (verdict) {

    case PAY_PAID:
    case PAY_ODD_AMOUNT:
        money->odd = verdict == PAY_ODD_AMOUNT;
        ngx_faka_notify_paid(r);
        return;

    case PAY_REFUND:
        /* Before its payment was heard of, it stands for it: then a person
         * decides, and the payment itself, when it comes, is a duplicate. */
        money->returned = 1;
        ngx_faka_notify_paid(r);
        return;

    case PAY_NOT_PAID:
        ngx_faka_notify_send(r, NGX_HTTP_OK,
                             pay_channel_success_body(money->channel));
        return;

    case PAY_INTERNAL:
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_ERR,
                               ctx->result);
        return;

    case PAY_STALE:
        /* Signed with the right key: more likely our clock is wrong. */
    case PAY_UNRETURNED:
        /* A buyer waits for money that is back at the gateway. */
        ngx_faka_notify_refuse(r, NGX_HTTP_BAD_REQUEST, NGX_LOG_ERR,
                               ctx->result);
        return;

    default:
        ngx_faka_notify_refuse(r, NGX_HTTP_BAD_REQUEST, NGX_LOG_WARN,
                               ctx->result);
    }
}


/* A body of another type is answered here: 0. */

static ngx_uint_t
ngx_faka_notify_type_ok(ngx_http_request_t *r, const pay_protocol_t *protocol)
{
    const char  *type, *detail;

    type = protocol->notice_type;
    detail = "send application/json";

    if (type == NULL) {
        type = "application/x-www-form-urlencoded";
        detail = "send application/x-www-form-urlencoded";
    }

    if (r->method != NGX_HTTP_POST || ngx_faka_content_type_is(r, type)) {
        return 1;
    }

    ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                               "unsupported_media_type", "Content-Type",
                               detail);
    return 0;
}


/* All of them, whatever their names: which are signed is the protocol's to
 * know.  NGX_DECLINED: more than any gateway sends. */

static ngx_int_t
ngx_faka_notify_headers(ngx_http_request_t *r,
    pay_header_t headers[PAY_HEADERS_MAX], size_t *count)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *header;
    ngx_list_part_t  *part;

    *count = 0;

    part = &r->headers_in.headers.part;

    for ( ; part != NULL; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (*count == PAY_HEADERS_MAX) {
                return NGX_DECLINED;
            }

            headers[*count].name = ngx_faka_pay_str(&header[i].key);
            headers[*count].value = ngx_faka_pay_str(&header[i].value);
            (*count)++;
        }
    }

    return NGX_OK;
}


static void
ngx_faka_notify_paid(ngx_http_request_t *r)
{
    fk_code_t          code;
    ngx_faka_ctx_t    *ctx;
    ngx_faka_money_t  *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    code = ngx_faka_may_write(ctx->shop);

    if (code == FK_OK) {
        code = ngx_faka_book(ctx->shop->worker, money);
    }

    if (code != FK_NOT_FOUND) {
        ngx_faka_notify_booked(r, code);

    } else if (ngx_faka_order_name(r, ctx, &money->id) != NGX_OK) {
        ngx_faka_notify_booked(r, FK_TABLE_FULL);

    } else {
        ngx_faka_archive_find(r, ctx, &money->id, ngx_faka_notify_archived);
    }
}


/*
 * Money for an order that has left memory brings it back, whatever state it
 * was in: then it is booked like any other.
 */

static void
ngx_faka_notify_archived(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK) {
        code = ngx_faka_archive_restore(ctx);
    }

    switch (code) {

    case FK_OK:
        ngx_faka_notify_paid(r);
        return;

    case FK_CORRUPT:
    case FK_CONFLICT:
        ngx_faka_notify_stray(r, "archive_unusable",
                              "refused: archive_unusable");
        return;

    default:
        ngx_faka_notify_booked(r, code);
    }
}


static void
ngx_faka_notify_booked(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    switch (code) {

    case FK_OK:
        ctx->result = fk_pay_result_word[money->result];

        if (ngx_faka_order_name(r, ctx, &money->id) != NGX_OK) {
            ngx_faka_notify_booked(r, FK_TABLE_FULL);
            return;
        }

        ngx_faka_wait_durable(r, ctx, money->order.seq,
                              ngx_faka_notify_show);
        return;

    case FK_CHANNEL:
        /* Two channels may have one account: it is what its own has told. */
        if (ngx_faka_refund_is_booked(ctx->shop->worker, &money->id,
                                      money->fact.trade_no))
        {
            ngx_faka_notify_refuse(r, NGX_HTTP_BAD_REQUEST, NGX_LOG_WARN,
                                   "booked, by another channel");
            return;
        }

        ngx_faka_notify_stray(r, "wrong_channel", "refused: wrong_channel");
        return;

    case FK_CONFLICT:
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_ERR,
                               "reused: another order has its number");
        return;

    case FK_INVALID:
    case FK_NOT_FOUND:
        ngx_faka_notify_stray(r, "unknown_order", "refused: unknown_order");
        return;

    default:
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_ERR,
                               fk_code_info[code].word);
    }
}


/* What went back to the buyer is nobody's to give back any more: nothing is
 * kept of that. */

static void
ngx_faka_notify_stray(ngx_http_request_t *r, const char *why,
    const char *refused)
{
    ngx_faka_ctx_t    *ctx;
    ngx_faka_money_t  *money;
    ngx_faka_stray_t  *stray;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    ctx->result = why;
    money->refused = refused;

    stray = ngx_faka_stray_new(r, FJ_STRAY_KEEP);
    if (stray == NULL) {
        ngx_faka_notify_kept(r, FK_TABLE_FULL);
        return;
    }

    ngx_faka_stray_name(stray, money->channel->name, money->fact.trade_no,
                        money->fact.order_no);

    if (!money->returned) {
        ngx_faka_stray_describe(stray, &money->fact, why);
    }

    ngx_faka_stray_ask(r, ctx, stray, ngx_faka_notify_kept);
}


static void
ngx_faka_notify_kept(ngx_http_request_t *r, fk_code_t code)
{
    ngx_uint_t          status;
    const char         *more;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    if (code == FK_OK && ctx->stray->done == 2) {
        ctx->result = "settled";
        ngx_faka_notify_send(r, NGX_HTTP_OK,
                             pay_channel_success_body(money->channel));
        return;
    }

    if (code == FK_OK && ctx->stray->done == 3) {
        /* This one learns of it soon, and its owner may know the order. */
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_INFO,
                               fk_code_info[FK_FENCED].word);
        return;
    }

    status = NGX_HTTP_BAD_REQUEST;
    more = ", kept: GET /admin/strays";

    if (code != FK_OK) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        more = ", not kept: redis did not take it";

    } else if (money->returned) {
        more = ", of money that was given back";

    } else if (ctx->stray->done == 0) {
        more = ", not kept: too many others are";
    }

    if (ngx_faka_notify_may_log(1)) {
        ngx_faka_book_log(money, NGX_LOG_ERR, money->refused, more);
    }

    ngx_faka_notify_send(r, status, money->channel->protocol->failure_body);
}


static void
ngx_faka_notify_show(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    if (code != FK_OK) {
        ngx_faka_notify_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_ERR,
                               fk_code_info[code].word);
        return;
    }

    fk_stat_add(&ctx->shop->worker->fk, NGX_FAKA_STAT_NOTIFY_PAID, 1);

    ngx_faka_notify_send(r, NGX_HTTP_OK,
                         pay_channel_success_body(money->channel));
}


static void
ngx_faka_notify_refuse(ngx_http_request_t *r, ngx_uint_t status,
    ngx_uint_t level, const char *word)
{
    ngx_uint_t          proved;
    const char         *field;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;
    ctx->result = word;

    field = money->fact.field;
    proved = money->fact.trade_no[0] != '\0';

    if (!ngx_faka_notify_may_log(proved)) {
        /* void */

    } else if (proved) {
        ngx_faka_book_log(money, level, "refused: ", word);

    } else {
        ngx_log_error(level, ngx_cycle->log, 0,
                      "faka: a notice on channel \"%*s\" was refused: "
                      "%s%s%s, client: %V",
                      money->channel->name.size, money->channel->name.data,
                      word, field[0] != '\0' ? ": " : "", field,
                      &r->connection->addr_text);
    }

    ngx_faka_notify_send(r, status, money->channel->protocol->failure_body);
}


/*
 * Anybody can send rubbish here, and a proved notice again and again, so lines
 * are counted, by the second; the two apart, for rubbish must not silence what
 * is said about money.
 */

static ngx_uint_t
ngx_faka_notify_may_log(ngx_uint_t proved)
{
    static time_t      second;
    static ngx_uint_t  count[2];

    if (second != ngx_time()) {
        second = ngx_time();
        count[0] = 0;
        count[1] = 0;
    }

    return count[proved]++ < NGX_FAKA_NOTIFY_LOGS_MAX;
}


static void
ngx_faka_notify_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *text)
{
    ngx_str_t           type, body;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_money_t   *money;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    money = ctx->data;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE
        && ngx_faka_header_add(r, "Retry-After", "1") != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    type.data = (u_char *) money->channel->protocol->content_type;
    type.len = ngx_strlen(type.data);
    body.data = (u_char *) text;
    body.len = ngx_strlen(text);

    ngx_faka_send_bytes(r, status, &type, &body);
}
