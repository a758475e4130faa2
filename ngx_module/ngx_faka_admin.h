/*
 * The calls of the operator, each in its own file; ngx_faka_worker_admin.c
 * has checked the token, the path and the method before it calls one.  name
 * is the middle of the path (a SKU or an order's id) or empty, and lives as
 * long as the request.  Each returns what a content handler returns.
 */

#ifndef NGX_FAKA_ADMIN_H_INCLUDED_
#define NGX_FAKA_ADMIN_H_INCLUDED_


#include "ngx_faka.h"


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

/* ngx_faka_worker_import.c, ngx_faka_worker_audit.c */
ngx_int_t ngx_faka_admin_import(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_audit(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_admin_signals.c */
ngx_int_t ngx_faka_admin_signals(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_faka_admin_signal_put(ngx_http_request_t *r, ngx_str_t *name);

/* ngx_faka_worker_owner.c */
ngx_int_t ngx_faka_admin_takeover(ngx_http_request_t *r, ngx_str_t *name);


#endif /* NGX_FAKA_ADMIN_H_INCLUDED_ */
