/*
 * The calls of the operator, each in its own file; ngx_faka_worker_admin.c
 * has checked the token, the path and the method before it calls one.  name
 * is the middle of the path (a SKU or an order's id) or empty, and lives as
 * long as the request.  Each returns what a content handler returns.
 */

#ifndef NGX_FAKA_ADMIN_H_INCLUDED_
#define NGX_FAKA_ADMIN_H_INCLUDED_


#include "ngx_faka.h"


/* ngx_faka_worker_admin.c */

/* The body, one JSON object and nothing else in it, into *out, which holds
 * zeros; *given as of ngx_faka_json_read.  Else it is answered, NGX_DONE. */
ngx_int_t ngx_faka_admin_read(ngx_http_request_t *r, ngx_str_t *body,
    const ngx_faka_field_t *fields, void *out, uint32_t *given);

/*
 * The body of a change: the journal is asked whether it may be made, room of
 * size zeros is taken for ctx->data, which begins with the name of the path,
 * and next() gets the body.
 */
ngx_int_t ngx_faka_admin_change(ngx_http_request_t *r, ngx_str_t *name,
    size_t size, ngx_faka_body_pt next);

/* The number "cursor" of a list's query, 0 if there is none; NGX_DONE: it is
 * none, and that is answered. */
ngx_int_t ngx_faka_admin_cursor(ngx_http_request_t *r, uint64_t *cursor);
/* "next": where a list goes on; 0: null. */
void ngx_faka_admin_next(ngx_faka_json_t *json, uint64_t cursor);

/* ngx_faka_worker_admin_products.c */
ngx_int_t ngx_faka_admin_products(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_product_put(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_orders.c */
ngx_int_t ngx_faka_admin_orders(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_order(ngx_http_request_t *r, ngx_str_t *name);

/* The order of this id, and room for it in ctx->order; FK_NOT_FOUND: that is
 * no id.  Then: answers with ctx->order, or with the archived one of
 * ctx->record, and the payments; or with the code, unless it is FK_OK. */
fk_code_t ngx_faka_admin_order_name(ngx_http_request_t *r, ngx_str_t *name,
    fk_order_id_t *id);
void ngx_faka_admin_order_show(ngx_http_request_t *r, fk_code_t code);
void ngx_faka_admin_order_archived(ngx_http_request_t *r, fk_code_t code);

/* ngx_faka_worker_admin_decide.c */
ngx_int_t ngx_faka_admin_approve(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_deny(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_refunded(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_refund.c */
ngx_int_t ngx_faka_admin_refund(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_import.c, ngx_faka_worker_audit.c */
ngx_int_t ngx_faka_admin_import(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_audit(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_coupons.c */
ngx_int_t ngx_faka_admin_coupons(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_coupon_get(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_coupon_put(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_levels.c */
ngx_int_t ngx_faka_admin_levels(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_level_put(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_buyer_get(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_buyer_put(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_accounts.c */
ngx_int_t ngx_faka_admin_accounts(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_account_get(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_account_put(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_ledger(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_withdrawals.c */
ngx_int_t ngx_faka_admin_withdrawals(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_credit(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_withdrawal_request(ngx_http_request_t *r,
    ngx_str_t *name);
ngx_int_t ngx_faka_admin_withdrawal_approve(ngx_http_request_t *r,
    ngx_str_t *name);
ngx_int_t ngx_faka_admin_withdrawal_paid(ngx_http_request_t *r,
    ngx_str_t *name);
ngx_int_t ngx_faka_admin_withdrawal_reject(ngx_http_request_t *r,
    ngx_str_t *name);

/* ngx_faka_worker_admin_commission.c */
ngx_int_t ngx_faka_admin_commission(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_refunds.c */
ngx_int_t ngx_faka_admin_refund_part(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_ping.c */
ngx_int_t ngx_faka_admin_ping(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_signals.c */
ngx_int_t ngx_faka_admin_signals(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_signal_put(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_strays.c */
ngx_int_t ngx_faka_admin_strays(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_stray_settled(ngx_http_request_t *r,
    ngx_str_t *name);

/* ngx_faka_worker_owner.c */
ngx_int_t ngx_faka_admin_takeover(ngx_http_request_t *r, ngx_str_t *name);


#endif /* NGX_FAKA_ADMIN_H_INCLUDED_ */
