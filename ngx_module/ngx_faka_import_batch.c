/*
 * The batch of an import: from slices to stock, see ngx_faka_import.h.
 *
 * Each call is one transaction of the engine.  When the journal is behind the
 * same step is tried again soon, for a bounded time; that is what slows a
 * client down to the speed of the disk.
 */

#include "ngx_faka_import.h"


/* How often a full journal is tried again, and for how long at the most. */
#define NGX_FAKA_IMPORT_RETRY_MS      5
#define NGX_FAKA_IMPORT_PATIENCE_MS   10000

/* Waiting orders that are served in one turn, and turns at the most. */
#define NGX_FAKA_IMPORT_SERVE_STEPS   256
#define NGX_FAKA_IMPORT_SERVE_TURNS   1024


static ngx_int_t ngx_faka_import_retry(ngx_faka_import_t *im, fk_code_t code);


ngx_int_t
ngx_faka_import_slice(ngx_faka_import_t *im)
{
    uint8_t    results[FK_IMPORT_SLICE_MAX];
    fk_env_t   env;
    fk_code_t  code;

    ngx_faka_env(&env);

    code = fk_import_add(&im->w->fk, &env, im->batch, im->lines.cards,
                         im->lines.card_count, results);
    if (code != FK_OK) {
        return ngx_faka_import_retry(im, code);
    }

    im->retrying = 0;
    im->renewed_at = ngx_current_msec;
    ngx_faka_lines_done(&im->lines, results);
    ngx_faka_journal_kick(im->w->journal);

    return NGX_OK;
}


ngx_int_t
ngx_faka_import_commit(ngx_faka_import_t *im)
{
    uint32_t   accepted;
    uint64_t   seq;
    fk_env_t   env;
    fk_code_t  code;

    if (im->lines.accepted_count == 0) {
        ngx_faka_import_abort(im);
        return NGX_OK;
    }

    ngx_faka_env(&env);

    code = fk_import_commit(&im->w->fk, &env, im->batch, &accepted, &seq);
    if (code != FK_OK) {
        return ngx_faka_import_retry(im, code);
    }

    im->answer_batch = im->batch;
    im->batch = 0;
    im->retrying = 0;
    ngx_faka_journal_kick(im->w->journal);

    return NGX_OK;
}


/*
 * Paid orders that wait for stock are the first to get it.  It is stock by
 * now: what cannot be done here is done by the ticks of the workers.
 */

ngx_int_t
ngx_faka_import_serve(ngx_faka_import_t *im)
{
    fk_env_t   env;
    fk_tick_t  tick;
    fk_code_t  code;

    ngx_faka_env(&env);

    code = fk_tick(&im->w->fk, &env, NGX_FAKA_IMPORT_SERVE_STEPS, &tick);
    ngx_faka_journal_kick(im->w->journal);

    if (code == FK_AGAIN
        && im->turn_count++ < NGX_FAKA_IMPORT_SERVE_TURNS)
    {
        ngx_faka_import_pause(im, 0);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


/* The journal is behind, or the lock is taken: soon it will go. */

static ngx_int_t
ngx_faka_import_retry(ngx_faka_import_t *im, fk_code_t code)
{
    im->code = code;

    if (code != FK_RING_FULL && code != FK_LOCK_TIMEOUT) {
        return NGX_ERROR;
    }

    if (!im->retrying) {
        im->retrying = 1;
        im->retry_since = ngx_current_msec;

    } else if (ngx_current_msec - im->retry_since
               > NGX_FAKA_IMPORT_PATIENCE_MS)
    {
        return NGX_ERROR;
    }

    ngx_faka_journal_kick(im->w->journal);
    ngx_faka_import_pause(im, NGX_FAKA_IMPORT_RETRY_MS);

    return NGX_AGAIN;
}


/* The client is not read from now: its timer must not run out for that. */

void
ngx_faka_import_pause(ngx_faka_import_t *im, ngx_msec_t ms)
{
    ngx_event_t  *rev;

    rev = im->r->connection->read;

    if (rev->timer_set) {
        ngx_del_timer(rev);
    }

    if (ms != 0) {
        ngx_add_timer(&im->event, ms);

    } else {
        ngx_post_event(&im->event, &ngx_posted_next_events);
    }
}


/* If even this does not go, the batch's lease runs out: the same end. */

void
ngx_faka_import_abort(ngx_faka_import_t *im)
{
    fk_env_t  env;

    if (im->batch == 0) {
        return;
    }

    ngx_faka_env(&env);
    (void) fk_import_abort(&im->w->fk, &env, im->batch);
    ngx_faka_journal_kick(im->w->journal);

    im->batch = 0;
}
