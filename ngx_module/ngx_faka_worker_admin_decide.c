/*
 * A person's word about money: POST /admin/orders/ID/approve and deny, about
 * an order under review, and deny also about one that waits for stock; and
 * POST /admin/orders/ID/refunded, that one of its payments, which was to be
 * given back, was.
 *
 * The shop gives no money back by itself: whoever did so at the gateway says
 * it here, and only then is the order finished and may leave for the archive.
 * Each is answered when it is durable, and may be sent again: whoever lost the
 * answer gets it, as long as the order is what the first made of it.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_gateway.h"
#include "ngx_faka_order.h"
#include "ngx_faka_rules.h"


#define NGX_FAKA_DECISION_EVENTS  2


/* The first of the events that the order's state allows is the one. */

typedef struct {
    ngx_uint_t    events_count;
    fk_event_t    events[NGX_FAKA_DECISION_EVENTS];
    uint32_t      done;                /* set of statuses that it leads to */
} ngx_faka_decision_t;

/* What stays of a refund while it waits. */

typedef struct {
    fk_order_id_t  id;
    ngx_str_t      trade_no;
} ngx_faka_refund_t;


static ngx_int_t ngx_faka_admin_decide(ngx_http_request_t *r,
    ngx_str_t *name, const ngx_faka_decision_t *decision);
static fk_code_t ngx_faka_admin_decision(ngx_http_request_t *r,
    ngx_faka_ctx_t *ctx, const fk_order_id_t *id,
    const ngx_faka_decision_t *decision);
static fk_code_t ngx_faka_admin_approval(ngx_faka_ctx_t *ctx,
    const fk_env_t *env, const fk_order_id_t *id);
static void ngx_faka_admin_undecided(ngx_http_request_t *r, fk_code_t code);
static void ngx_faka_admin_refunded_body(ngx_http_request_t *r,
    ngx_str_t *body);
static void ngx_faka_admin_refunded_book(ngx_http_request_t *r);
static void ngx_faka_admin_refunded_archived(ngx_http_request_t *r,
    fk_code_t code);
static fk_code_t ngx_faka_admin_refunded_known(ngx_faka_ctx_t *ctx);


/*
 * Approved while there was no stock, an order is delivered later.  One that
 * was never under review may look the same: "approve" changes nothing there.
 */

static const ngx_faka_decision_t  ngx_faka_approve = {
    1, { FK_EVENT_APPROVE },
    (1u << FK_STATUS_DELIVERED) | (1u << FK_STATUS_WAITING_FOR_STOCK)
};

static const ngx_faka_decision_t  ngx_faka_deny = {
    2, { FK_EVENT_DENY, FK_EVENT_GIVE_UP }, 1u << FK_STATUS_REFUND_DUE
};


static const ngx_faka_field_t  ngx_faka_refund_field[] = {
    { "trade_no", NGX_FAKA_FIELD_TEXT, offsetof(ngx_faka_refund_t, trade_no),
      1, FK_TRADE_NO_SIZE_MAX, 1, NULL, 0 },
    { NULL, NGX_FAKA_FIELD_WORD, 0, 0, 0, 0, NULL, 0 }
};


ngx_int_t
ngx_faka_admin_approve(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_decide(r, name, &ngx_faka_approve);
}


ngx_int_t
ngx_faka_admin_deny(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_faka_admin_decide(r, name, &ngx_faka_deny);
}


static ngx_int_t
ngx_faka_admin_decide(ngx_http_request_t *r, ngx_str_t *name,
    const ngx_faka_decision_t *decision)
{
    fk_code_t           code;
    fk_order_id_t       id;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_worker_t  *w;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;

    code = ngx_faka_may_write(ctx->shop);

    if (code == FK_OK) {
        code = ngx_faka_admin_order_name(r, name, &id);
    }

    if (code == FK_OK) {
        code = ngx_faka_admin_decision(r, ctx, &id, decision);

        if (code == FK_NOT_FOUND) {
            ngx_faka_archive_find(r, ctx, &id, ngx_faka_admin_undecided);
            return NGX_DONE;
        }
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ngx_faka_journal_kick(w->journal);
    ngx_faka_wait_durable(r, ctx, ctx->order->seq, ngx_faka_admin_order_show);

    return NGX_DONE;
}


static fk_code_t
ngx_faka_admin_decision(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    const fk_order_id_t *id, const ngx_faka_decision_t *decision)
{
    fk_t        *fk;
    fk_env_t     env;
    fk_code_t    code;
    ngx_uint_t   i;

    fk = &ctx->shop->worker->fk;
    ngx_faka_env(&env);

    for (i = 0; i < decision->events_count; i++) {
        code = decision->events[i] == FK_EVENT_APPROVE
               ? ngx_faka_admin_approval(ctx, &env, id)
               : fk_decide(fk, &env, id, decision->events[i], ctx->order);

        if (code == FK_OK) {
            ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                          "faka: operator's decision on order %V: %s",
                          &ctx->order_text,
                          fk_event_word[decision->events[i]]);
        }

        if (code != FK_CONFLICT) {
            return code;
        }
    }

    /* Decided before, perhaps, and not durable yet: its number tells. */

    code = fk_order_get(fk, id, ctx->order);

    if (code == FK_OK && !(decision->done >> ctx->order->status & 1)) {
        return FK_CONFLICT;
    }

    return code;
}


/* What is paid by it is split as a payment would have been. */

static fk_code_t
ngx_faka_admin_approval(ngx_faka_ctx_t *ctx, const fk_env_t *env,
    const fk_order_id_t *id)
{
    fk_code_t           code;
    fk_split_t          split;
    ngx_faka_worker_t  *w;

    w = ctx->shop->worker;

    code = ngx_faka_rules_approval(w, env, id, &split);
    if (code != FK_OK) {
        return code;
    }

    code = fk_approve(&w->fk, env, id, &split, ctx->order);

    if (code == FK_INVALID && !split.flagged) {
        split.count = 0;
        split.flagged = 1;
        code = fk_approve(&w->fk, env, id, &split, ctx->order);
    }

    /* More money has come since the rules were asked. */
    return code == FK_AGAIN ? FK_LOCK_TIMEOUT : code;
}


/* What is archived is finished: there is nothing to decide. */

static void
ngx_faka_admin_undecided(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_send_problem(r, code == FK_OK ? FK_CONFLICT : code, NULL, NULL);
}


/* --- refunds ------------------------------------------------------------ */

ngx_int_t
ngx_faka_admin_refunded(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_refund_t  *refund;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    code = ngx_faka_may_write(ctx->shop);

    refund = ngx_pcalloc(r->pool, sizeof(ngx_faka_refund_t));
    if (refund == NULL) {
        code = FK_TABLE_FULL;
    }

    if (code == FK_OK) {
        code = ngx_faka_admin_order_name(r, name, &refund->id);
    }

    if (code != FK_OK) {
        ngx_faka_no_body(r);
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    ctx->data = refund;

    return ngx_faka_read_body(r, ngx_faka_admin_refunded_body);
}


static void
ngx_faka_admin_refunded_body(ngx_http_request_t *r, ngx_str_t *body)
{
    uint32_t                 given;
    ngx_int_t                rc;
    ngx_faka_ctx_t          *ctx;
    ngx_faka_field_error_t   error;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (!ngx_faka_content_type_is(r, "application/json")) {
        ngx_faka_send_http_problem(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                   "unsupported_media_type", "Content-Type",
                                   "send application/json");
        return;
    }

    rc = ngx_faka_json_read(r->pool, body, ngx_faka_refund_field,
                            NGX_FAKA_FIELDS_CLOSED, ctx->data, &given,
                            &error);

    if (rc == NGX_DECLINED) {
        ngx_faka_send_field_error(r, &error);
        return;
    }

    if (rc != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    ngx_faka_admin_refunded_book(r);
}


static void
ngx_faka_admin_refunded_book(ngx_http_request_t *r)
{
    fk_code_t           code;
    ngx_faka_ctx_t     *ctx;
    ngx_faka_refund_t  *refund;
    ngx_faka_worker_t  *w;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    w = ctx->shop->worker;
    refund = ctx->data;

    code = ngx_faka_refund_done(w, &refund->id,
                                ngx_faka_fk_str(&refund->trade_no),
                                ctx->order);

    if (code == FK_NOT_FOUND) {
        ngx_faka_archive_find(r, ctx, &refund->id,
                              ngx_faka_admin_refunded_archived);
        return;
    }

    if (code != FK_OK && code != FK_EXISTS) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return;
    }

    if (code == FK_OK) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "faka: operator's word on order %V: payment \"%V\" was "
                      "given back", &ctx->order_text, &refund->trade_no);
    }

    ngx_faka_journal_kick(w->journal);
    ngx_faka_wait_durable(r, ctx, ctx->order->seq, ngx_faka_admin_order_show);
}


/* Finished by this very refund, perhaps: then it is as good as said now. */

static void
ngx_faka_admin_refunded_archived(ngx_http_request_t *r, fk_code_t code)
{
    ngx_faka_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    if (code == FK_OK) {
        code = ngx_faka_admin_refunded_known(ctx);
    }

    ngx_faka_admin_order_archived(r, code);
}


static fk_code_t
ngx_faka_admin_refunded_known(ngx_faka_ctx_t *ctx)
{
    uint32_t            i, n;
    fk_code_t           code;
    ngx_faka_refund_t  *refund;
    fk_payment_view_t   payment[FK_ORDER_PAYMENTS_MAX];

    refund = ctx->data;
    n = FK_ORDER_PAYMENTS_MAX;

    code = fk_archive_view(&ctx->shop->worker->fk, ctx->record.data,
                           ctx->record.len, ctx->order, payment, &n);
    if (code != FK_OK) {
        return code;
    }

    for (i = 0; i < n; i++) {

        if (refund->trade_no.len == ngx_strlen(payment[i].trade_no)
            && ngx_memcmp(refund->trade_no.data, payment[i].trade_no,
                          refund->trade_no.len) == 0)
        {
            return payment[i].state == FK_PAYMENT_STATE_REFUNDED ? FK_OK
                                                                 : FK_CONFLICT;
        }
    }

    return FK_NOT_FOUND;
}
