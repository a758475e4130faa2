/*
 * faka_checkout: POST /checkout makes an order and answers where to pay it.
 *
 * The way of a request: method, body, journal, fields, the lock-free look at
 * the stock, the channel, one transaction, the wait for the disk, the payment
 * address, which is signed here or asked for at the gateway, 201.  What
 * refuses stands as early as it can.
 *
 * Guarantees.  A 201 or 200 is sent after the order is durable (under
 * "durability disk").  An Idempotency-Key gives the same order for the same
 * content as long as the shop holds that order, also across a rotation of
 * the key file and while the journal is down; and an order for which no
 * payment address can be made does not stay.
 */

#include "ngx_faka_account.h"
#include "ngx_faka_gateway.h"
#include "ngx_faka_rules.h"


/* A price that changes while its rules are asked; then the buyer waits. */
#define NGX_FAKA_CHECKOUT_TRIES      3

/* Our own answer and a payment address of usual length. */
#define NGX_FAKA_CHECKOUT_JSON_SIZE  1024


/* What the request says. */

typedef struct {
    ngx_str_t               sku;
    int64_t                 qty;
    ngx_str_t               contact;
    ngx_str_t               channel;
    ngx_str_t               coupon;
    ngx_str_t               agent;
    ngx_str_t               account;   /* that pays, if it is by balance */
    ngx_str_t               key;       /* Idempotency-Key; empty: none */
    fk_str_t                form;      /* of contact, if somebody asks */
    pay_str_t               chosen;    /* the channel, not what stands in */
    ngx_faka_field_error_t  error;
} ngx_faka_checkout_in_t;


/* What stays of it while the request is parked. */

typedef struct {
    fk_code_t               code;      /* FK_OK or FK_EXISTS */
    fk_order_view_t         order;
    u_char                  form[FK_CONTACT_SIZE_MAX]; /* of in.form */
} ngx_faka_checkout_t;


/* What an order is made of, as it was a moment before. */

typedef struct {
    fk_product_view_t       product;
    fk_buyer_view_t         buyer;     /* for rules; zeros: nothing is known */
} ngx_faka_seen_t;


typedef ngx_int_t (*ngx_faka_reader_pt)(ngx_pool_t *pool,
    const ngx_str_t *text, const ngx_faka_field_t *fields, ngx_uint_t mode,
    void *out, uint32_t *given, ngx_faka_field_error_t *error);


static void ngx_faka_checkout_body(ngx_http_request_t *r, ngx_str_t *body);
static fk_code_t ngx_faka_checkout_fields(ngx_http_request_t *r,
    ngx_faka_reader_pt reader, ngx_str_t *body, ngx_faka_checkout_in_t *in);
static fk_code_t ngx_faka_checkout_order(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, ngx_faka_checkout_in_t *in);
static fk_code_t ngx_faka_checkout_look(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const fk_env_t *env, ngx_faka_checkout_in_t *in,
    ngx_faka_seen_t *seen, fk_checkout_t *out);
static fk_code_t ngx_faka_checkout_seen(ngx_faka_ctx_t *ctx,
    const fk_env_t *env, ngx_faka_checkout_in_t *in, ngx_faka_seen_t *seen,
    fk_checkout_t *out);
static fk_code_t ngx_faka_checkout_make(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const fk_env_t *env, ngx_faka_checkout_in_t *in,
    ngx_faka_seen_t *seen, fk_checkout_t *out);
static fk_code_t ngx_faka_checkout_try(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const fk_env_t *env,
    const ngx_faka_checkout_in_t *in, const ngx_faka_seen_t *seen,
    fk_checkout_t *out);
static void ngx_faka_checkout_refuse(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, fk_code_t code, const ngx_faka_checkout_in_t *in);
static void ngx_faka_checkout_durable(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_checkout_payable(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_checkout_show(ngx_http_request_t *r, fk_code_t code);
static ngx_int_t ngx_faka_checkout_location(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx);


static const uint8_t  ngx_faka_checkout_way[] = {
    [PAY_BEHIND_GATEWAY] = FK_WAY_GATEWAY,
    [PAY_BEHIND_NOTHING] = FK_WAY_FREE,
    [PAY_BEHIND_ACCOUNT] = FK_WAY_BALANCE
};

static const ngx_faka_field_t  ngx_faka_checkout_field[] = {
    { "sku", NGX_FAKA_FIELD_WORD, offsetof(ngx_faka_checkout_in_t, sku),
      1, FK_SKU_SIZE_MAX, 1, NULL, 0 },
    { "qty", NGX_FAKA_FIELD_INTEGER, offsetof(ngx_faka_checkout_in_t, qty),
      1, FK_QTY_MAX, 0, NULL, 0 },
    { "contact", NGX_FAKA_FIELD_TEXT,
      offsetof(ngx_faka_checkout_in_t, contact), 1, FK_CONTACT_SIZE_MAX, 1,
      NULL, 0 },
    { "channel", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_checkout_in_t, channel), 1, FK_CHANNEL_SIZE_MAX, 0,
      NULL, 0 },
    { "coupon", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_checkout_in_t, coupon), 0, FK_COUPON_CODE_SIZE_MAX, 0,
      NULL, 0 },
    { "agent", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_checkout_in_t, agent), 0, FK_ACCOUNT_SIZE_MAX, 0,
      NULL, 0 },
    { "account", NGX_FAKA_FIELD_WORD,
      offsetof(ngx_faka_checkout_in_t, account), 0, FK_ACCOUNT_SIZE_MAX, 0,
      NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_checkout_handler(ngx_http_request_t *r)
{
    fk_code_t             code;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    ctx = ngx_faka_ctx_get(r, flcf->shop);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->method != NGX_HTTP_POST) {
        ngx_faka_no_body(r);
        ngx_faka_send_not_allowed(r, "POST");
        return NGX_DONE;
    }

    code = ngx_faka_may_read(flcf->shop);
    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    return ngx_faka_read_body(r, ngx_faka_checkout_body);
}


static void
ngx_faka_checkout_body(ngx_http_request_t *r, ngx_str_t *body)
{
    fk_code_t               code;
    ngx_faka_ctx_t         *ctx;
    ngx_faka_reader_pt      reader;
    ngx_faka_checkout_in_t  in;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (ngx_faka_content_type_is(r, "application/json")) {
        reader = ngx_faka_json_read;

    } else if (ngx_faka_content_type_is(r,
                                        "application/x-www-form-urlencoded")
               && !(body->len != 0 && body->data[0] == '{'))
    {
        /* What begins so is JSON that curl calls a form, and no form is. */
        reader = ngx_faka_form_read;

    } else {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/json or "
                                   "application/x-www-form-urlencoded");
        return;
    }

    ngx_memzero(&in, sizeof(ngx_faka_checkout_in_t));
    in.qty = 1;

    code = ngx_faka_idem_key(r, &in.key, &in.error);

    if (code == FK_OK && in.key.len == 0) {
        code = ngx_faka_may_write(ctx->shop);
    }

    if (code == FK_OK) {
        code = ngx_faka_checkout_fields(r, reader, body, &in);
    }

    if (code == FK_OK) {
        code = ngx_faka_checkout_order(r, ctx, &in);
    }

    if (code != FK_OK) {
        ngx_faka_checkout_refuse(r, ctx, code, &in);
        return;
    }

    ngx_faka_wait_durable(r, ctx, ctx->order->seq,
                          ngx_faka_checkout_durable);
}


static fk_code_t
ngx_faka_checkout_fields(ngx_http_request_t *r, ngx_faka_reader_pt reader,
    ngx_str_t *body, ngx_faka_checkout_in_t *in)
{
    uint32_t   given;
    ngx_int_t  rc;

    rc = reader(r->pool, body, ngx_faka_checkout_field, NGX_FAKA_FIELDS_OPEN,
                in, &given, &in->error);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? FK_INVALID : FK_TABLE_FULL;
    }

    if (!pay_is_plain_id(ngx_faka_pay_str(&in->sku), FK_SKU_SIZE_MAX, ".")) {
        in->error.field = "sku";
        in->error.detail = "may have letters, digits, '.', '_' and '-'";
        return FK_INVALID;
    }

    in->error.field = NULL;
    in->error.detail = NULL;

    return FK_OK;
}


/* Finds or makes the order, in ctx->order; ctx->data has the rest. */

static fk_code_t
ngx_faka_checkout_order(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    ngx_faka_checkout_in_t *in)
{
    fk_env_t              env;
    fk_code_t             code;
    fk_checkout_t         out;
    ngx_faka_worker_t    *w;
    ngx_faka_seen_t       seen;
    ngx_faka_checkout_t  *checkout;

    w = ctx->shop->worker;
    ngx_faka_env(&env);

    if (in->key.len == 0) {
        code = fk_product_peek(&w->fk, &env, ngx_faka_fk_str(&in->sku),
                               (uint32_t) in->qty);
        if (code != FK_OK) {
            return code;
        }
    }

    checkout = ngx_palloc(r->pool, sizeof(ngx_faka_checkout_t));
    if (checkout == NULL) {
        return FK_TABLE_FULL;
    }

    ctx->data = checkout;
    ctx->order = &checkout->order;

    ngx_memzero(&out, sizeof(fk_checkout_t));

    out.sku = ngx_faka_fk_str(&in->sku);
    out.contact = ngx_faka_fk_str(&in->contact);
    out.coupon = ngx_faka_fk_str(&in->coupon);
    out.agent = ngx_faka_fk_str(&in->agent);
    out.why = &in->error.detail;
    out.qty = (uint32_t) in->qty;
    out.hold_s = (uint32_t) ctx->shop->hold_s;

    code = ngx_faka_checkout_look(r, ctx, &env, in, &seen, &out);

    if (code == FK_OK && in->key.len != 0) {
        code = ngx_faka_idem_repeat(ctx->shop, &in->key, in->chosen, &out,
                                    ctx->order);
    }

    if (code == FK_OK) {
        code = ngx_faka_checkout_make(r, ctx, &env, in, &seen, &out);
    }

    if (code != FK_OK && code != FK_EXISTS) {
        return code;
    }

    checkout->code = code;

    return ngx_faka_order_name(r, ctx, &ctx->order->id) == NGX_OK
           ? FK_OK : FK_TABLE_FULL;
}


/* A channel of a gateway is bound to one currency and offered for no other. */

static fk_code_t
ngx_faka_checkout_look(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_env_t *env, ngx_faka_checkout_in_t *in, ngx_faka_seen_t *seen,
    fk_checkout_t *out)
{
    fk_code_t             code;
    fk_account_view_t     account;
    const pay_channel_t  *channel;

    channel = ngx_faka_channel_chosen(ctx->shop, &in->channel, out);
    if (channel == NULL) {
        return FK_CHANNEL;
    }

    /* Before anything else is told: who may not pay learns no more. */
    if (channel->protocol->behind == PAY_BEHIND_ACCOUNT) {
        code = ngx_faka_account_auth(r, ctx->shop, &in->account, &account);
        if (code != FK_OK) {
            return code == FK_NOT_FOUND ? FK_PAYER : code;
        }

        out->payer = ngx_faka_fk_str(&in->account);
    }

    in->chosen = channel->name;
    channel = ngx_faka_channel_answering(ctx->shop->worker, channel);

    code = ngx_faka_checkout_seen(ctx, env, in, seen, out);
    if (code != FK_OK) {
        return code;
    }

    if (channel->protocol->behind == PAY_BEHIND_GATEWAY
        && ngx_memcmp(seen->product.currency, channel->currency,
                      FK_CURRENCY_SIZE)
           != 0)
    {
        in->error.detail = pay_start_text(PAY_START_CURRENCY);
        return FK_CHANNEL;
    }

    /* Looked at again, it may be another one. */
    ngx_memzero(out->channel, sizeof(out->channel));
    ngx_memcpy(out->channel, channel->name.data, channel->name.size);
    out->way = ngx_faka_checkout_way[channel->protocol->behind];

    return FK_OK;
}


/*
 * The product and its buyer, and his digests.  Most shops know nothing of
 * their buyers, and save them; those that do take one look.
 */

static fk_code_t
ngx_faka_checkout_seen(ngx_faka_ctx_t *ctx, const fk_env_t *env,
    ngx_faka_checkout_in_t *in, ngx_faka_seen_t *seen, fk_checkout_t *out)
{
    fk_code_t             code;
    ngx_uint_t            history;
    ngx_faka_worker_t    *w;
    ngx_faka_checkout_t  *checkout;

    w = ctx->shop->worker;
    checkout = ctx->data;
    history = ctx->shop->buyer_history;

    out->has_buyer = 0;
    out->has_quota = 0;
    ngx_memzero(&seen->buyer, sizeof(fk_buyer_view_t));

    if (history || w->rules->asks) {
        in->form = ngx_faka_contact(out->contact, checkout->form);
    }

    if (history) {
        code = ngx_faka_buyer_key(w, in->form, out->buyer);
        if (code != FK_OK) {
            return code;
        }

        out->has_buyer = 1;
    }

    code = fk_sale_cart(&w->fk, env, out->sku,
                        history && w->rules->asks ? out->buyer : NULL,
                        &seen->product, &seen->buyer);

    if (code != FK_OK
        || (seen->product.buyer_limit == 0 && out->coupon.size == 0))
    {
        return code;
    }

    if (in->form.size == 0) {
        in->form = ngx_faka_contact(out->contact, checkout->form);
    }

    code = ngx_faka_buyer_digests(w, in->form,
                                  seen->product.buyer_limit != 0, out);

    return code == FK_OK && !history && w->rules->asks
           ? fk_buyer_get(&w->fk, out->buyer, &seen->buyer) : code;
}


static fk_code_t
ngx_faka_checkout_make(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_env_t *env, ngx_faka_checkout_in_t *in,
    ngx_faka_seen_t *seen, fk_checkout_t *out)
{
    uint8_t             random[10];
    fk_code_t           code;
    ngx_uint_t          tries;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;

    if (!pay_random(w->crypto, random, sizeof(random))) {
        return FK_LOCK_TIMEOUT;
    }

    fk_order_id_make(&out->id, env->now_ms, random);

    /* Who asks again has his order: no rule stands between. */
    if (w->rules->asks && out->has_idem) {
        code = fk_order_by_idem(&w->fk, out->idem, out->body, ctx->order);

        if (code != FK_NOT_FOUND) {
            return code;
        }
    }

    code = ngx_faka_checkout_try(r, ctx, env, in, seen, out);

    for (tries = 1; code == FK_AGAIN && tries < NGX_FAKA_CHECKOUT_TRIES;
         tries++)
    {
        code = ngx_faka_checkout_look(r, ctx, env, in, seen, out);

        if (code == FK_OK) {
            code = ngx_faka_checkout_try(r, ctx, env, in, seen, out);
        }
    }

    if (code == FK_AGAIN) {
        return FK_LOCK_TIMEOUT;
    }

    if (code != FK_OK) {
        return code;
    }

    ngx_faka_journal_kick(w->journal);

    if (w->rules->asks) {
        ngx_faka_rules_made(w, out);
    }

    if (ctx->order->paid_s != 0) {
        ngx_faka_rules_paid(w, env, ctx->order);
    }

    return FK_OK;
}


/* The engine asks whether all that was seen still is so. */

static fk_code_t
ngx_faka_checkout_try(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_env_t *env, const ngx_faka_checkout_in_t *in,
    const ngx_faka_seen_t *seen, fk_checkout_t *out)
{
    int64_t             due;
    fk_code_t           code;
    fk_split_t          split;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;

    if (w->rules->asks) {
        code = ngx_faka_rules_checkout(r, w, env, &seen->product, in->form,
                                       &seen->buyer, out);
        if (code != FK_OK) {
            return code;
        }
    }

    due = 0;
    out->due = &due;
    out->split = NULL;
    code = fk_checkout(&w->fk, env, out, ctx->order);

    if (code != FK_AGAIN || due == 0) {
        return code;
    }

    /* Paid as it is made, it is split as it is made: now its sum is known. */
    code = ngx_faka_rules_prepaid(w, env, &seen->product, &seen->buyer, out,
                                  due, &split);
    if (code != FK_OK) {
        return code;
    }

    out->split = &split;
    code = fk_checkout(&w->fk, env, out, ctx->order);

    /* Who was to get something has been closed meanwhile, or the like. */
    return code == FK_INVALID ? FK_PRICE : code;
}


static void
ngx_faka_checkout_refuse(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    fk_code_t code, const ngx_faka_checkout_in_t *in)
{
    const char  *field;

    fk_stat_add(&ctx->shop->worker->fk, NGX_FAKA_STAT_CHECKOUT + code, 1);

    field = in->error.field;

    if (field != NULL && field[0] == '\0') {
        field = NULL;                  /* the body as a whole */
    }

    if (code == FK_NOT_FOUND) {
        field = "sku";

    } else if (code == FK_CHANNEL) {
        field = "channel";

    } else if (code == FK_COUPON) {
        field = "coupon";

    } else if (code == FK_AGENT) {
        field = "agent";

    } else if (code == FK_PAYER || code == FK_BALANCE) {
        field = "account";
    }

    ngx_faka_send_problem(r, code, field, in->error.detail);
}


static void
ngx_faka_checkout_durable(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK && ctx->order->status == FK_STATUS_AWAITING_PAYMENT) {
        ngx_faka_pay_find(r, ctx, ngx_faka_checkout_payable);
        return;
    }

    ctx->way.method = "none";
    ngx_str_null(&ctx->way.url);
    ngx_faka_checkout_show(r, code);
}


/* An order that nobody can pay would only keep its units from others. */

static void
ngx_faka_checkout_payable(ngx_http_request_t *r, fk_code_t code)
{
    fk_env_t              env;
    const char           *why;
    ngx_faka_ctx_t       *ctx;
    ngx_faka_worker_t    *w;
    ngx_faka_checkout_t  *checkout;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;
    checkout = ctx->data;

    if (code != FK_CHANNEL) {
        ngx_faka_checkout_show(r, code);
        return;
    }

    why = ctx->start == PAY_START_ASK ? "the gateway has refused this payment"
                                      : pay_start_text(ctx->start);

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "faka: no payment address for order %V: %s",
                  &ctx->order_text, why);

    if (checkout->code == FK_OK) {
        ngx_faka_env(&env);
        (void) fk_cancel(&w->fk, &env, &ctx->order->id, ctx->order);
        ngx_faka_journal_kick(w->journal);
    }

    fk_stat_add(&w->fk, NGX_FAKA_STAT_CHECKOUT + FK_CHANNEL, 1);
    ngx_faka_send_problem(r, FK_CHANNEL, "channel", why);
}


static void
ngx_faka_checkout_show(ngx_http_request_t *r, fk_code_t code)
{
    char                    token[PAY_TOKEN_SIZE];
    fk_order_view_t        *order;
    ngx_faka_ctx_t         *ctx;
    ngx_faka_json_t         json;
    ngx_faka_worker_t      *w;
    ngx_faka_checkout_t    *checkout;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;
    order = ctx->order;
    checkout = ctx->data;

    if (code == FK_OK
        && (!pay_token_make(w->vault, ngx_faka_pay_str(&ctx->order_text),
                            token)
            || (checkout->code == FK_OK
                && ngx_faka_checkout_location(r, ctx) != NGX_OK)))
    {
        code = FK_LOCK_TIMEOUT;
    }

    fk_stat_add(&w->fk, NGX_FAKA_STAT_CHECKOUT
                        + (code == FK_OK ? checkout->code : code), 1);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_CHECKOUT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_string(&json, "order", ctx->order_text.data,
                         ctx->order_text.len);
    ngx_faka_json_string(&json, "token", token, sizeof(token));
    ngx_faka_json_text(&json, "status", fk_status_word[order->status]);
    ngx_faka_json_text(&json, "sku", order->sku);
    ngx_faka_json_integer(&json, "qty", order->qty);
    ngx_faka_json_integer(&json, "amount", order->amount);
    ngx_faka_json_text(&json, "currency", order->currency);
    ngx_faka_json_integer(&json, "created_at", order->created_ms / 1000);
    ngx_faka_json_time(&json, "expires_at",
                       order->status == FK_STATUS_AWAITING_PAYMENT
                           ? order->expires_s : 0);
    ngx_faka_json_pay(&json, &ctx->way);
    ngx_faka_json_object_end(&json);

    ctx->result = fk_code_info[checkout->code].word;
    ngx_faka_send_json(r, checkout->code == FK_OK ? NGX_HTTP_CREATED
                                                  : NGX_HTTP_OK,
                       ngx_faka_json_end(&json));
}


static ngx_int_t
ngx_faka_checkout_location(ngx_http_request_t *r, ngx_faka_ctx_t *ctx)
{
    char  *path, *p;

    path = ngx_pnalloc(r->pool, sizeof("/orders/") + FK_ORDER_TEXT_SIZE);
    if (path == NULL) {
        return NGX_ERROR;
    }

    p = (char *) ngx_cpymem(path, "/orders/", sizeof("/orders/") - 1);
    p = (char *) ngx_cpymem(p, ctx->order_text.data, ctx->order_text.len);
    *p = '\0';

    return ngx_faka_header_add(r, "Location", path);
}
