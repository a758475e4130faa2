/*
 * What a worker says of its server to others that could sell the same shop,
 * and what it does when its server is replaced.
 *
 * A binary upgrade gives the new generation our listening sockets, and the
 * kernel goes on giving connections to both.  Once the new one sells, the old
 * workers close theirs and whatever connection is idle, so that buyers land
 * where they are served; requests under way are answered.  If the new one is
 * taken back, the old workers end, and their master starts some that accept.
 */

#include "ngx_faka.h"
#include "ngx_faka_admin.h"


void
ngx_faka_owner_identify(ngx_cycle_t *cycle,
    ngx_faka_journal_options_t *options)
{
    ngx_pid_t  master;

    master = ngx_process == NGX_PROCESS_WORKER ? ngx_parent : ngx_pid;

    options->host = ngx_faka_owner.host;
    options->server = (uint64_t) master << 32 | 1;
    options->generation = ngx_faka_owner.generation;
    options->inherits = ngx_faka_owner.inherits;
}


void
ngx_faka_owner_replaced(void *data, ngx_uint_t is_gone)
{
    ngx_faka_worker_t  *worker = data;

    if (ngx_process != NGX_PROCESS_WORKER) {
        return;
    }

    if (is_gone) {
        /* As on a signal; the master starts another worker for it. */
        ngx_quit = 1;
        return;
    }

    worker->replaced = 1;

    ngx_close_listening_sockets((ngx_cycle_t *) ngx_cycle);
    ngx_close_idle_connections((ngx_cycle_t *) ngx_cycle);
}


/*
 * A standby takes the shop over, whoever sells it.  It is asked to; the
 * worker that follows the journal does it within a tenth of a second, and
 * /metrics shows when it is open.  The wish ends by itself: a standby that is
 * cut off must not take the shop hours later, in the middle of a sale.
 */

ngx_int_t
ngx_faka_admin_takeover(ngx_http_request_t *r, ngx_str_t *name)
{
    uint64_t             now_ms;
    fk_shop_state_t      state;
    ngx_faka_ctx_t      *ctx;
    ngx_faka_json_t      json;
    ngx_faka_worker_t   *worker;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faka_module);
    worker = ctx->shop->worker;
    state = fk_shop_state(&worker->fk);

    ngx_faka_no_body(r);

    if (state != FK_SHOP_RECOVERING && state != FK_SHOP_OPEN) {
        ngx_faka_send_problem(r, FK_CONFLICT, NULL,
                              "only a server that follows the journal can "
                              "take the shop over");
        return NGX_DONE;
    }

    if (state == FK_SHOP_RECOVERING) {
        now_ms = (uint64_t) ngx_current_msec;

        if (fk_stat_get(&worker->fk, FJ_STAT_WANTED) <= now_ms) {
            ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                          "faka: shop \"%V\": the operator asks for a "
                          "takeover", &ctx->shop->name);
        }

        fk_stat_set(&worker->fk, FJ_STAT_WANTED, now_ms + FJ_WANTED_MS);
    }

    ngx_faka_json_begin(&json, r->pool, 128);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_text(&json, "state", fk_shop_state_word[state]);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, state == FK_SHOP_OPEN ? NGX_HTTP_OK
                                                : NGX_HTTP_ACCEPTED,
                       ngx_faka_json_end(&json));
    return NGX_DONE;
}
