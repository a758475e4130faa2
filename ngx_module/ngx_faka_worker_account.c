/*
 * Accounts as JSON: see ngx_faka_account.h.
 */

#include "ngx_faka_account.h"
#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_LEDGER_JSON_SIZE  8192


static void ngx_faka_account_entry(ngx_faka_json_t *json,
    const fk_entry_t *entry);


fk_code_t
ngx_faka_account_auth(ngx_http_request_t *r, ngx_faka_shop_t *shop,
    const ngx_str_t *id, fk_account_view_t *account)
{
    u_char      digest[PAY_SHA256_SIZE];
    ngx_str_t   token;
    fk_code_t   code;
    pay_str_t   part;

    static const u_char  none[FK_TOKEN_SIZE];

    code = fk_account_get(&shop->worker->fk, ngx_faka_fk_str(id), account);

    if (code != FK_OK && code != FK_NOT_FOUND) {
        return code;
    }

    if (ngx_faka_bearer(r, &token) != NGX_OK) {
        return FK_NOT_FOUND;
    }

    part = ngx_faka_pay_str(&token);

    if (!pay_sha256(shop->worker->crypto, &part, 1, digest)) {
        return FK_LOCK_TIMEOUT;
    }

    /* An account without a token is nobody's to look at. */
    if (code == FK_NOT_FOUND || ngx_memcmp(account->token, none, sizeof(none))
                                == 0)
    {
        return FK_NOT_FOUND;
    }

    return pay_equal_secret(pay_str(digest, sizeof(digest)),
                            pay_str(account->token, sizeof(account->token)))
           ? FK_OK : FK_NOT_FOUND;
}


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
    ngx_faka_json_integer(json, "credited", account->credited);
    ngx_faka_json_integer(json, "spent", account->spent);
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

    if (ngx_faka_entry_is_move(entry)) {
        ngx_faka_json_null(json, "settles_at");
        ngx_faka_json_null(json, "order");
        ngx_faka_json_integer(json, "withdrawal",
                              (int64_t) entry->withdrawal);

    } else {
        fk_order_id_text(&entry->order, order);
        ngx_faka_json_time(json, "settles_at", entry->settle_at_s);
        ngx_faka_json_string(json, "order", order, sizeof(order));
        ngx_faka_json_null(json, "withdrawal");
    }

    ngx_faka_json_object_end(json);
}


ngx_uint_t
ngx_faka_entry_is_move(const fk_entry_t *entry)
{
    return entry->kind == FK_ENTRY_WITHDRAWAL
           || entry->kind == FK_ENTRY_CREDIT;
}


const char *
ngx_faka_entry_state(const fk_entry_t *entry)
{
    return ngx_faka_entry_is_move(entry) || entry->kind == FK_ENTRY_PURCHASE
           || entry->kind == FK_ENTRY_REFUND
           ? fk_withdrawal_state_word[entry->state]
           : fk_split_state_word[entry->state];
}
