/*
 * Accounts as JSON: see ngx_faka_account.h.
 */

#include "ngx_faka_account.h"
#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_LEDGER_JSON_SIZE  8192


static void ngx_faka_account_entry(ngx_faka_json_t *json,
    const fk_entry_t *entry);


void
ngx_faka_account_members(ngx_faka_json_t *json,
    const fk_account_view_t *account)
{
    ngx_faka_json_text(json, "currency", account->currency);
    ngx_faka_json_integer(json, "frozen", account->frozen);
    ngx_faka_json_integer(json, "available", account->available);
    ngx_faka_json_integer(json, "reserved", account->reserved);
    ngx_faka_json_integer(json, "withdrawn", account->withdrawn);
    ngx_faka_json_integer(json, "debt", account->debt);
    ngx_faka_json_integer(json, "earned", account->earned);
}


void
ngx_faka_account_ledger(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    fk_str_t id, uint64_t cursor)
{
    uint32_t          i, n;
    fk_code_t         code;
    fk_entry_t        entry[NGX_FAKA_LEDGER_SLICE];
    ngx_faka_json_t   json;

    n = NGX_FAKA_LEDGER_SLICE;
    code = fk_account_entries(&ctx->shop->worker->fk, id, &cursor, entry, &n);

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, code == FK_CONFLICT ? "cursor" : NULL,
                              NULL);
        return;
    }

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_LEDGER_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_array(&json, "entries");

    for (i = 0; i < n; i++) {
        ngx_faka_account_entry(&json, &entry[i]);
    }

    ngx_faka_json_array_end(&json);
    ngx_faka_admin_next(&json, cursor);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static void
ngx_faka_account_entry(ngx_faka_json_t *json, const fk_entry_t *entry)
{
    char  order[FK_ORDER_TEXT_SIZE];

    ngx_faka_json_object(json, NULL);
    ngx_faka_json_text(json, "kind", fk_entry_kind_word[entry->kind]);
    ngx_faka_json_text(json, "state", ngx_faka_entry_state(entry));
    ngx_faka_json_integer(json, "amount", entry->amount);
    ngx_faka_json_integer(json, "at", entry->at_s);

    if (entry->kind == FK_ENTRY_WITHDRAWAL) {
        ngx_faka_json_null(json, "settles_at");
        ngx_faka_json_null(json, "order");
        ngx_faka_json_integer(json, "withdrawal",
                              (int64_t) entry->withdrawal);

    } else {
        fk_order_id_text(&entry->order, order);
        ngx_faka_json_integer(json, "settles_at", entry->settle_at_s);
        ngx_faka_json_string(json, "order", order, sizeof(order));
        ngx_faka_json_null(json, "withdrawal");
    }

    ngx_faka_json_object_end(json);
}


const char *
ngx_faka_entry_state(const fk_entry_t *entry)
{
    return entry->kind == FK_ENTRY_WITHDRAWAL
           ? fk_withdrawal_state_word[entry->state]
           : fk_split_state_word[entry->state];
}
