/*
 * What the operator's and the agents' calls share about accounts: their
 * balances and their ledger as JSON.
 *
 * For workers, inside a request.
 */

#ifndef NGX_FAKA_ACCOUNT_H_INCLUDED_
#define NGX_FAKA_ACCOUNT_H_INCLUDED_


#include "ngx_faka.h"
#include "ngx_faka_json.h"


/* Entries of one page of a ledger. */
#define NGX_FAKA_LEDGER_SLICE  FK_LIST_SLICE_MAX


/*
 * The account of this id, if the request has its token: FK_OK.  FK_NOT_FOUND:
 * it has not, or there is no such account, which is the same to who asks.
 */
fk_code_t ngx_faka_account_auth(ngx_http_request_t *r,
    ngx_faka_shop_t *shop, const ngx_str_t *id, fk_account_view_t *account);

/* "currency" and the balances, from "frozen" to "spent". */
void ngx_faka_account_members(ngx_faka_json_t *json,
    const fk_account_view_t *account);

/* Answers with a page of an account's ledger, from cursor (0 to begin). */
void ngx_faka_account_ledger(ngx_http_request_t *r, ngx_faka_ctx_t *ctx,
    fk_str_t id, uint64_t cursor);

/* Whether it is a withdrawal or a credit, with an id of its own. */
ngx_uint_t ngx_faka_entry_is_move(const fk_entry_t *entry);

/* The word of an entry's state. */
const char *ngx_faka_entry_state(const fk_entry_t *entry);


#endif /* NGX_FAKA_ACCOUNT_H_INCLUDED_ */
