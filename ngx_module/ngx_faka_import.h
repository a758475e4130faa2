/*
 * One import under way: what its two files share.
 *
 *     ngx_faka_worker_import.c   the request: body, turns, failure, report
 *     ngx_faka_import_batch.c    the batch: slices, commit, abort
 */

#ifndef NGX_FAKA_IMPORT_H_INCLUDED_
#define NGX_FAKA_IMPORT_H_INCLUDED_


#include "ngx_faka.h"
#include "ngx_faka_lines.h"


typedef struct {
    ngx_http_request_t  *r;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_worker_t   *w;
    ngx_event_t          event;        /* the next turn, or a timer */
    ngx_chain_t         *in;           /* read, and not taken yet */
    ngx_uint_t           step;
    ngx_uint_t           turn_count;
    uint32_t             batch;        /* of the engine; 0: none is open */
    uint32_t             answer_batch;
    int64_t              turn_lines;   /* lines_count at which it ends */
    size_t               turn_size;    /* bytes left of it */
    ngx_msec_t           renewed_at;
    ngx_msec_t           retry_since;  /* valid if retrying */
    ngx_uint_t           retrying;     /* unsigned: 1 */
    ngx_uint_t           waiting;      /* unsigned: 1 for the client */
    fk_code_t            code;         /* why a step failed, or */
    ngx_int_t            status;       /* the read's status, if not 0 */
    const char          *detail;
    ngx_faka_lines_t     lines;
    char                 sku[FK_SKU_SIZE_MAX + 1];
} ngx_faka_import_t;


/* NGX_OK: go on with the next step; NGX_AGAIN: an event will go on here;
 * NGX_ERROR: code or status says why. */

typedef ngx_int_t (*ngx_faka_import_step_pt)(ngx_faka_import_t *im);


/* Hands the slice to the engine.  An empty one renews the batch's lease. */
ngx_int_t ngx_faka_import_slice(ngx_faka_import_t *im);

/* The batch becomes stock; one without a card is dropped instead. */
ngx_int_t ngx_faka_import_commit(ngx_faka_import_t *im);

/* Gives the new stock to the paid orders that wait for it. */
ngx_int_t ngx_faka_import_serve(ngx_faka_import_t *im);

/* Ends the batch if it is open; nothing of it is left.  Any time. */
void ngx_faka_import_abort(ngx_faka_import_t *im);

/* The next turn comes in ms milliseconds, 0: after the other requests.  The
 * client is not read until then. */
void ngx_faka_import_pause(ngx_faka_import_t *im, ngx_msec_t ms);


#endif /* NGX_FAKA_IMPORT_H_INCLUDED_ */
