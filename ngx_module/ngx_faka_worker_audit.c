/*
 * GET /admin/audit: every sum of the shop, recomputed beside a shop that goes
 * on selling.
 *
 * The engine counts in slices and books what changes meanwhile; this file
 * takes one slice a turn of the event loop, so that other requests of this
 * worker wait for no more than a slice.
 *
 * Guarantees.  The audit is ended, for others to begin one, also when its
 * client goes away.  It answers 200 whatever it finds: "ok" says what.
 */

#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


/* Some tens of microseconds of work, under the lock. */
#define NGX_FAKA_AUDIT_SLOTS       2048

#define NGX_FAKA_AUDIT_PRODUCTS    16
#define NGX_FAKA_AUDIT_JSON_SIZE   4096


typedef struct {
    ngx_http_request_t  *r;
    ngx_faka_worker_t   *w;
    ngx_event_t          event;        /* the next turn */
    ngx_uint_t           running;      /* unsigned: 1 */
    uint64_t             owner;
    uint64_t             begin_seq;
    ngx_msec_t           began_at;
    fk_audit_totals_t    totals;
} ngx_faka_audit_t;


static void ngx_faka_audit_event(ngx_event_t *ev);
static void ngx_faka_audit_turn(ngx_faka_audit_t *audit);
static void ngx_faka_audit_cleanup(void *data);
static void ngx_faka_audit_show(ngx_faka_audit_t *audit);
static ngx_uint_t ngx_faka_audit_products(ngx_faka_audit_t *audit,
    ngx_faka_json_t *json);
static void ngx_faka_audit_totals(ngx_faka_json_t *json,
    const fk_audit_totals_t *totals);
static void ngx_faka_audit_money(ngx_faka_json_t *json, const char *name,
    const fk_audit_totals_t *totals, size_t offset);


ngx_int_t
ngx_faka_admin_audit(ngx_http_request_t *r, ngx_str_t *name)
{
    fk_env_t             env;
    fk_code_t            code;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_audit_t    *audit;
    ngx_pool_cleanup_t  *cln;

    static uint64_t  serial;

    ngx_faka_no_body(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);

    audit = ngx_pcalloc(r->pool, sizeof(ngx_faka_audit_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (audit == NULL || cln == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return NGX_DONE;
    }

    audit->r = r;
    audit->w = ctx->shop->worker;
    audit->began_at = ngx_current_msec;

    /* Two audits of one worker must not take each other's place. */

    audit->owner = audit->w->owner + ++serial;

    audit->event.handler = ngx_faka_audit_event;
    audit->event.data = audit;
    audit->event.log = r->connection->log;

    ngx_faka_env(&env);
    audit->begin_seq = fk_last_seq(&audit->w->fk);

    code = fk_audit_begin(&audit->w->fk, &env, audit->owner);
    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL,
                              code == FK_CONFLICT ? "an audit is under way"
                                                  : NULL);
        return NGX_DONE;
    }

    audit->running = 1;
    cln->handler = ngx_faka_audit_cleanup;
    cln->data = audit;

    ngx_faka_audit_turn(audit);

    return NGX_DONE;
}


static void
ngx_faka_audit_event(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_faka_audit_t  *audit;

    audit = ev->data;
    c = audit->r->connection;

    ngx_http_set_log_request(c->log, audit->r);

    ngx_faka_audit_turn(audit);

    ngx_http_run_posted_requests(c);
}


static void
ngx_faka_audit_turn(ngx_faka_audit_t *audit)
{
    fk_env_t   env;
    fk_code_t  code;

    ngx_faka_env(&env);

    code = fk_audit_step(&audit->w->fk, &env, audit->owner,
                         NGX_FAKA_AUDIT_SLOTS);

    if (code == FK_AGAIN) {
        ngx_post_event(&audit->event, &ngx_posted_next_events);
        return;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(audit->r, code, NULL, NULL);
        return;
    }

    ngx_faka_audit_show(audit);
}


static void
ngx_faka_audit_cleanup(void *data)
{
    ngx_faka_audit_t  *audit = data;

    if (audit->event.posted) {
        ngx_delete_posted_event(&audit->event);
    }

    if (audit->running) {
        (void) fk_audit_end(&audit->w->fk, audit->owner, &audit->totals);
    }
}


static void
ngx_faka_audit_show(ngx_faka_audit_t *audit)
{
    fk_code_t            code;
    ngx_uint_t           products_ok;
    ngx_faka_json_t      json;
    fk_audit_totals_t   *totals;
    fk_journal_view_t    journal;

    totals = &audit->totals;

    ngx_faka_json_begin(&json, audit->r->pool, NGX_FAKA_AUDIT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);

    products_ok = ngx_faka_audit_products(audit, &json);

    code = fk_audit_end(&audit->w->fk, audit->owner, totals);
    audit->running = 0;

    if (code != FK_OK) {
        ngx_faka_send_problem(audit->r, code, NULL, NULL);
        return;
    }

    ngx_faka_audit_totals(&json, totals);

    fk_journal_view(&audit->w->fk, &journal);

    ngx_faka_json_object(&json, "journal");
    ngx_faka_json_integer(&json, "begin_seq", (int64_t) audit->begin_seq);
    ngx_faka_json_integer(&json, "seq", (int64_t) journal.seq);
    ngx_faka_json_integer(&json, "durable_seq",
                          (int64_t) journal.durable_seq);
    ngx_faka_json_integer(&json, "epoch", (int64_t) journal.epoch);
    ngx_faka_json_object_end(&json);

    ngx_faka_json_array(&json, "problems");
    if (totals->problem[0] != '\0') {
        ngx_faka_json_text(&json, NULL, totals->problem);
    }
    ngx_faka_json_array_end(&json);

    ngx_faka_json_bool(&json, "ok", totals->ok && products_ok);
    ngx_faka_json_integer(&json, "checked_at", ngx_time());
    ngx_faka_json_integer(&json, "took_ms",
                          (int64_t) (ngx_current_msec - audit->began_at));
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(audit->r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static ngx_uint_t
ngx_faka_audit_products(ngx_faka_audit_t *audit, ngx_faka_json_t *json)
{
    uint32_t             i, n, cursor;
    ngx_uint_t           ok;
    fk_audit_product_t   product[NGX_FAKA_AUDIT_PRODUCTS], *p;

    ngx_faka_json_array(json, "products");

    ok = 1;
    cursor = 0;

    do {
        n = fk_audit_products(&audit->w->fk, audit->owner, &cursor, product,
                              NGX_FAKA_AUDIT_PRODUCTS);

        for (i = 0; i < n; i++) {
            p = &product[i];
            ok = ok && p->ok;

            ngx_faka_json_object(json, NULL);
            ngx_faka_json_text(json, "sku", p->sku);
            ngx_faka_json_text(json, "kind", fk_kind_word[p->kind]);
            ngx_faka_json_bool(json, "ok", p->ok);
            ngx_faka_json_integer(json, "imported", p->imported);
            ngx_faka_json_integer(json, "available", p->available);
            ngx_faka_json_integer(json, "held", p->held);
            ngx_faka_json_integer(json, "sold", p->sold);
            ngx_faka_json_integer(json, "void", p->voided);
            ngx_faka_json_integer(json, "waiting", p->owed);
            ngx_faka_json_integer(json, "orders", p->orders_count);
            ngx_faka_json_integer(json, "archived_units", p->archived_units);
            ngx_faka_json_integer(json, "archived_orders",
                                  p->archived_orders);
            ngx_faka_json_object_end(json);
        }

    } while (cursor != 0);

    ngx_faka_json_array_end(json);

    return ok;
}


static void
ngx_faka_audit_totals(ngx_faka_json_t *json, const fk_audit_totals_t *totals)
{
    ngx_faka_json_object(json, "totals");
    ngx_faka_json_integer(json, "orders", totals->orders_count);
    ngx_faka_json_integer(json, "cards", totals->cards_count);
    ngx_faka_json_integer(json, "payments_count", totals->payments_count);
    ngx_faka_audit_money(json, "payments_amount", totals,
                         offsetof(fk_audit_money_t, amount));
    ngx_faka_audit_money(json, "archived_amount", totals,
                         offsetof(fk_audit_money_t, archived_amount));
    ngx_faka_json_integer(json, "archived_orders", totals->archived_orders);
    ngx_faka_json_integer(json, "review", totals->review_count);
    ngx_faka_json_integer(json, "refund_due", totals->refund_due_count);
    ngx_faka_json_integer(json, "refunded", totals->refunded_count);
    ngx_faka_json_integer(json, "coupons", totals->coupons_count);
    ngx_faka_json_integer(json, "tallies", totals->tallies_count);
    ngx_faka_json_integer(json, "accounts", totals->accounts_count);
    ngx_faka_json_integer(json, "splits", totals->splits_count);
    ngx_faka_json_integer(json, "withdrawals", totals->withdrawals_count);
    ngx_faka_audit_money(json, "ledger_sum", totals,
                         offsetof(fk_audit_money_t, ledger_sum));
    ngx_faka_json_object_end(json);
}


static void
ngx_faka_audit_money(ngx_faka_json_t *json, const char *name,
    const fk_audit_totals_t *totals, size_t offset)
{
    uint32_t       i;
    const u_char  *money;

    ngx_faka_json_object(json, name);

    for (i = 0; i < totals->currency_count; i++) {
        money = (const u_char *) &totals->money[i];
        ngx_faka_json_integer(json, totals->money[i].currency,
                              *(const int64_t *) (const void *)
                              (money + offset));
    }

    ngx_faka_json_object_end(json);
}
