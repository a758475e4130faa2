/*
 * faka_agents: what an agent sees of himself below /agents/, with the token
 * that the operator gave him: his link and his balance, his ledger as JSON,
 * and the same as CSV.  A merchant sees the same, without a link: nobody is
 * led by it.
 *
 * Who is unknown and who has a wrong token are answered alike.
 */

#include "ngx_faka_account.h"
#include "ngx_faka_admin.h"
#include "ngx_faka_order.h"


#define NGX_FAKA_AGENT_JSON_SIZE  576
#define NGX_FAKA_CSV_LINE_SIZE    192

/* Of one file; what lies behind it is asked for by its cursor. */
#define NGX_FAKA_CSV_ENTRIES_MAX  4096


static void ngx_faka_agent_show(ngx_http_request_t *r,
    ngx_faka_shop_t *shop, const fk_account_view_t *account);
static void ngx_faka_agent_csv(ngx_http_request_t *r, ngx_faka_shop_t *shop,
    fk_str_t id, uint64_t cursor);
static ngx_int_t ngx_faka_agent_csv_next(ngx_http_request_t *r,
    uint64_t cursor);
static u_char *ngx_faka_agent_csv_line(u_char *p, u_char *last,
    const fk_entry_t *entry);


static ngx_str_t  ngx_faka_agent_csv_type =
    ngx_string("text/csv; charset=utf-8");

static const char  ngx_faka_agent_csv_head[] =
    "kind,state,amount,at,settles_at,order,withdrawal\n";


ngx_int_t
ngx_faka_agents_handler(ngx_http_request_t *r)
{
    uint64_t              cursor;
    fk_code_t             code;
    ngx_str_t             rest, id, what;
    ngx_faka_ctx_t       *ctx;
    fk_account_view_t     account;
    ngx_faka_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faka_module);

    ctx = ngx_faka_ctx_get(r, flcf->shop);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_faka_no_body(r);

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        ngx_faka_send_not_allowed(r, "GET, HEAD");
        return NGX_DONE;
    }

    ngx_faka_subpath(r, &rest);
    ngx_str_null(&what);

    code = ngx_faka_may_read(flcf->shop);

    if (code == FK_OK && !ngx_faka_subpath_next(&rest, &id)) {
        code = FK_NOT_FOUND;
    }

    if (code == FK_OK) {
        (void) ngx_faka_subpath_next(&rest, &what);
        code = rest.data == NULL
               ? ngx_faka_account_auth(r, flcf->shop, &id, &account)
               : FK_NOT_FOUND;
    }

    if (code != FK_OK) {
        ngx_faka_send_problem(r, code, NULL, NULL);
        return NGX_DONE;
    }

    if (what.len == 0) {
        ngx_faka_agent_show(r, flcf->shop, &account);

    } else if (ngx_strncmp(what.data, "ledger", 6) == 0 && what.len == 6) {
        if (ngx_faka_admin_cursor(r, &cursor) == NGX_OK) {
            ngx_faka_account_ledger(r, ctx, ngx_faka_fk_str(&id), cursor);
        }

    } else if (ngx_strncmp(what.data, "ledger.csv", 10) == 0
               && what.len == 10)
    {
        if (ngx_faka_admin_cursor(r, &cursor) == NGX_OK) {
            ngx_faka_agent_csv(r, flcf->shop, ngx_faka_fk_str(&id), cursor);
        }

    } else {
        ngx_faka_send_problem(r, FK_NOT_FOUND, NULL, NULL);
    }

    return NGX_DONE;
}


static void
ngx_faka_agent_show(ngx_http_request_t *r, ngx_faka_shop_t *shop,
    const fk_account_view_t *account)
{
    u_char           *link, *last;
    size_t            size;
    ngx_faka_json_t   json;

    size = shop->public_url.len + sizeof("/?agent=") + FK_ACCOUNT_SIZE_MAX;

    link = ngx_pnalloc(r->pool, size);
    if (link == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    last = ngx_slprintf(link, link + size, "%V/?agent=%s", &shop->public_url,
                        account->id);

    ngx_faka_json_begin(&json, r->pool, NGX_FAKA_AGENT_JSON_SIZE);
    ngx_faka_json_object(&json, NULL);
    ngx_faka_json_text(&json, "account", account->id);

    if (account->kind == FK_ACCOUNT_AGENT) {
        ngx_faka_json_string(&json, "link", link, last - link);

    } else {
        ngx_faka_json_null(&json, "link");
    }

    ngx_faka_json_bool(&json, "closed", account->closed);
    ngx_faka_account_members(&json, account);
    ngx_faka_json_object_end(&json);

    ngx_faka_send_json(r, NGX_HTTP_OK, ngx_faka_json_end(&json));
}


static void
ngx_faka_agent_csv(ngx_http_request_t *r, ngx_faka_shop_t *shop, fk_str_t id,
    uint64_t cursor)
{
    u_char      *text, *p, *last;
    size_t       size;
    uint32_t     i, n;
    fk_code_t    code;
    ngx_str_t    body;
    ngx_uint_t   count;
    fk_entry_t   entry[NGX_FAKA_LEDGER_SLICE];

    size = sizeof(ngx_faka_agent_csv_head)
           + NGX_FAKA_CSV_ENTRIES_MAX * NGX_FAKA_CSV_LINE_SIZE;

    text = ngx_palloc(r->pool, size);
    if (text == NULL) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    last = text + size;
    p = ngx_cpymem(text, ngx_faka_agent_csv_head,
                   sizeof(ngx_faka_agent_csv_head) - 1);
    count = 0;

    do {
        n = NGX_FAKA_LEDGER_SLICE;
        code = fk_account_entries(&shop->worker->fk, id, &cursor, entry, &n);

        if (code != FK_OK) {
            ngx_faka_send_problem(r, code,
                                  code == FK_CONFLICT ? "cursor" : NULL,
                                  NULL);
            return;
        }

        for (i = 0; i < n; i++) {
            p = ngx_faka_agent_csv_line(p, last, &entry[i]);
        }

        count += n;

    } while (cursor != 0
             && count + NGX_FAKA_LEDGER_SLICE <= NGX_FAKA_CSV_ENTRIES_MAX);

    if (cursor != 0 && ngx_faka_agent_csv_next(r, cursor) != NGX_OK) {
        ngx_faka_send_problem(r, FK_TABLE_FULL, NULL, NULL);
        return;
    }

    body.data = text;
    body.len = p - text;

    ngx_faka_send_bytes(r, NGX_HTTP_OK, &ngx_faka_agent_csv_type, &body);
}


/* A file has no place for it: a link to the same path with the cursor. */

static ngx_int_t
ngx_faka_agent_csv_next(ngx_http_request_t *r, uint64_t cursor)
{
    char  *link;

    link = ngx_pnalloc(r->pool, sizeof("<?cursor=>; rel=\"next\"")
                                + NGX_INT64_LEN);
    if (link == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf((u_char *) link, "<?cursor=%uL>; rel=\"next\"%Z",
                       cursor);

    return ngx_faka_header_add(r, "Link", link);
}


/* Words and numbers alone: nothing has to be quoted. */

static u_char *
ngx_faka_agent_csv_line(u_char *p, u_char *last, const fk_entry_t *entry)
{
    char  order[FK_ORDER_TEXT_SIZE];

    p = ngx_slprintf(p, last, "%s,%s,%L,%uD,", fk_entry_kind_word[entry->kind],
                     ngx_faka_entry_state(entry), entry->amount, entry->at_s);

    if (ngx_faka_entry_is_move(entry)) {
        return ngx_slprintf(p, last, ",,%uL\n", entry->withdrawal);
    }

    fk_order_id_text(&entry->order, order);

    if (entry->settle_at_s == 0) {
        return ngx_slprintf(p, last, ",%*s,\n", sizeof(order), order);
    }

    return ngx_slprintf(p, last, "%uD,%*s,\n", entry->settle_at_s,
                        sizeof(order), order);
}
