/*
 * Merchants: products that belong to somebody, who gets what agents and the
 * platform leave of each payment; that rest in the journal, in a snapshot and
 * in the archive; and lies about all of it.
 */

#include "ledger_shop.h"
#include "journal_parts.h"
#include "record_maker.h"


static uint8_t  record[FK_ARCHIVE_SIZE_MAX];
static size_t   record_size;


/* The shop of ledger_open(), with "x" of merchant "m", and "n" beside it. */
static void
merchant_open(void)
{
    ledger_open();
    shop_must(ledger_merchant("m") == FK_OK && ledger_merchant("n") == FK_OK
              && ledger_belongs("x", "m") == FK_OK, "merchants");
}


static fk_split_view_t
split_of(const fk_order_id_t *id)
{
    fk_split_view_t  view;

    memset(&view, 0, sizeof(view));
    shop_must(fk_order_split(&shop, id, &view) == FK_OK, "split");
    return view;
}


static fk_code_t
put_field(fk_account_put_t *in, const char **field)
{
    int                created;
    uint64_t           seq;
    fk_account_view_t  view;

    return fk_account_put(&shop, &shop_env, in, &view, &created, &seq, field);
}


static void
test_accounts(void)
{
    uint32_t           n;
    const char        *field;
    fk_checkout_t      cart;
    fk_order_view_t    out;
    fk_account_put_t   in;
    fk_account_view_t  view, chain[2];

    ledger_open();
    memset(&in, 0, sizeof(in));
    in.id = str("m");
    in.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND
                | FK_ACCOUNT_PUT_PARENT;
    in.kind = FK_ACCOUNT_MERCHANT;
    in.parent = str("a");
    strcpy(in.currency, "CNY");
    EQ_INT(put_field(&in, &field), FK_INVALID, "a merchant below an agent");
    EQ_STR(field, "parent", "is refused for that");

    in.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND
                | FK_ACCOUNT_PUT_RATES;
    in.rate_bp[0] = in.rate_bp[2] = FK_RATE_BY_RULE;
    in.rate_bp[1] = 0;
    EQ_INT(put_field(&in, &field), FK_INVALID, "a merchant with a rate");
    EQ_STR(field, "rates", "is refused for that");
    in.rate_bp[1] = FK_RATE_BY_RULE;
    EQ_INT(put_field(&in, &field), FK_OK, "without");
    EQ_INT(ledger_view("m").kind, FK_ACCOUNT_MERCHANT, "it is one");
    EQ_STR(fk_account_kind_word[FK_ACCOUNT_MERCHANT], "merchant", "by name");

    in.fields = FK_ACCOUNT_PUT_RATES;
    in.rate_bp[0] = 1;
    EQ_INT(put_field(&in, &field), FK_INVALID, "nor later");
    in.fields = FK_ACCOUNT_PUT_KIND;
    in.kind = FK_ACCOUNT_AGENT;
    EQ_INT(put_field(&in, &field), FK_CONFLICT, "a kind is for good");
    EQ_INT(ledger_merchant("n"), FK_OK, "there may be more than one");
    EQ_INT(ledger_agent("a", "m"), FK_INVALID, "none is above an agent");

    cart = shop_cart("x", 1);
    cart.agent = str("m");
    EQ_INT(fk_checkout(&shop, &shop_env, &cart, &out), FK_AGENT,
           "nor brings a buyer");

    n = 2;
    EQ_INT(fk_sale_shares(&shop, str(""), "CNY", chain, &n, &view), FK_OK,
           "no agent");
    OK(n == 0 && view.id[0] == '\0', "and no platform");
    in.id = str("whoever");
    in.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND;
    in.kind = FK_ACCOUNT_PLATFORM;
    shop_must(put_field(&in, &field) == FK_OK, "platform");
    n = 2;
    EQ_INT(fk_sale_shares(&shop, str("nobody"), "CNY", chain, &n, &view),
           FK_OK, "one");
    EQ_INT(n, 0, "and still no agent");
    EQ_STR(view.id, "whoever", "whatever it is called");
    (void) fk_sale_shares(&shop, str("nobody"), "USD", chain, &n, &view);
    EQ_STR(view.id, "", "none of another currency");
    OK(ledger_sound(), "sound");
}


/* Why this merchant cannot have "x". */
static void
refused(const char *merchant, const char *what)
{
    int                created;
    uint64_t           seq, before;
    fk_code_t          code;
    const char        *field;
    fk_product_put_t   put;
    fk_product_view_t  view;

    memset(&put, 0, sizeof(put));
    put.sku = str("x");
    put.fields = FK_PUT_MERCHANT;
    put.merchant = str(merchant);
    before = fk_last_seq(&shop);
    code = fk_product_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);

    OK(code == FK_INVALID && field != NULL && strcmp(field, "merchant") == 0
       && fk_last_seq(&shop) == before, "%s: refused by the field", what);
}


static void
test_products(void)
{
    int                created;
    char               longest[FK_ACCOUNT_SIZE_MAX + 2];
    uint64_t           seq;
    const char        *field;
    fk_code_t          code;
    fk_product_put_t   put;
    fk_account_put_t   in;
    fk_product_view_t  view;

    ledger_open();
    memset(&in, 0, sizeof(in));
    in.id = str("usd");
    in.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_KIND;
    in.kind = FK_ACCOUNT_MERCHANT;
    strcpy(in.currency, "USD");
    shop_must(put_field(&in, &field) == FK_OK, "of another currency");
    memset(longest, 'm', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';

    refused("nobody", "who is not there");
    refused(longest, "a name that none can have");
    refused("a", "an agent");
    refused("usd", "a merchant of another currency");
    EQ_STR(shop_view("x").merchant, "", "nobody has it");

    longest[FK_ACCOUNT_SIZE_MAX] = '\0';
    shop_must(ledger_merchant("m") == FK_OK
              && ledger_merchant(longest) == FK_OK, "merchants");
    EQ_INT(ledger_belongs("x", longest), FK_OK, "whose it is");
    EQ_STR(shop_view("x").merchant, longest, "is shown");
    shop_product("x", FK_KIND_COUNTED, 900);
    EQ_STR(shop_view("x").merchant, longest, "and kept by other changes");
    EQ_INT(ledger_belongs("x", "m"), FK_OK, "another");
    EQ_STR(shop_view("x").merchant, "m", "in its place");
    EQ_INT(ledger_belongs("x", ""), FK_OK, "nobody");
    EQ_STR(shop_view("x").merchant, "", "again");

    /* A new one may have both, and its currency may change with both. */
    memset(&put, 0, sizeof(put));
    put.sku = str("y");
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_MERCHANT;
    put.name = str("name");
    put.price = 5;
    put.merchant = str("m");
    strcpy(put.currency, "CNY");
    EQ_INT(shop_put(&put, NULL), FK_OK, "a new product with its merchant");
    put.fields = FK_PUT_PRICE;
    strcpy(put.currency, "USD");
    code = fk_product_put(&shop, &shop_env, &put, &view, &created, &seq,
                          &field);
    EQ_INT(code, FK_INVALID, "a currency that its merchant has not");
    EQ_STR(field, "merchant", "is refused for the merchant");
    put.fields = FK_PUT_PRICE | FK_PUT_MERCHANT;
    put.merchant = str("usd");
    EQ_INT(shop_put(&put, NULL), FK_OK, "both together");
    OK(ledger_sound(), "sound");
}


/* Whatever the others get, to the last unit. */
static void
test_rest(void)
{
    fk_order_id_t    id;
    fk_split_view_t  view;

    merchant_open();
    id = ledger_sell(1, 49, 3, WEEK_S);
    view = split_of(&id);
    OK(view.line_count == 3 && view.line[2].amount == 500 - 49 - 3
       && strcmp(view.line[2].account, "m") == 0, "the last line, the rest");
    EQ_BALANCE("m", 448, 0, "frozen as the others");
    EQ_BALANCE("n", 0, 0, "another has nothing of it");

    id = ledger_sell(1, 499, 1, 0);
    EQ_INT(split_of(&id).line_count, 2, "of nothing there is no line");
    id = ledger_sell(1, 0, 0, 0);
    view = split_of(&id);
    OK(view.line_count == 1 && view.line[0].amount == 500, "all of it");
    EQ_BALANCE("m", 448, 500, "at once, when nothing is frozen");

    /* What is paid later goes to whom it belongs to then. */
    shop_must(ledger_belongs("x", "n") == FK_OK, "sold on");
    EQ_BALANCE("m", 448, 500, "what was, stays");
    (void) ledger_sell(1, 100, 0, 0);
    EQ_BALANCE("n", 0, 400, "from then on");
    shop_must(ledger_close("n", 1) == FK_OK, "close");
    id = ledger_sell(1, 100, 0, 0);
    EQ_INT(split_of(&id).line_count, 1, "one that is closed gets nothing");
    shop_must(ledger_close("n", 0) == FK_OK
              && ledger_belongs("x", "") == FK_OK, "nobody's");
    (void) ledger_sell(1, 100, 0, 0);
    EQ_BALANCE("n", 0, 400, "what is nobody's is the house's");

    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_BALANCE("m", 0, 948, "settled as the others");
    OK(ledger_sound(), "sound");
}


/* A caller says what agents get, never what a merchant gets. */
static void
test_refused(void)
{
    char             id[4];
    uint32_t         n;
    fk_split_t       split;
    fk_order_view_t  out, odd;
    fk_pay_result_t  result;
    fk_split_view_t  view;

    struct {
        fk_split_t       split;
        fk_split_line_t  beyond;
    } many;

    merchant_open();
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    split = ledger_split(1, 1, 0);
    split.line[1].account = str("m");
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_INVALID,
           "a line to the merchant");
    split.line[1].account = str("n");
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_INVALID,
           "to another");

    memset(&many, 0, sizeof(many));

    for (n = 0; n < FK_SPLIT_LINES_MAX; n++) {
        snprintf(id, sizeof(id), "g%u", n);
        shop_must(ledger_agent(id, "") == FK_OK, "agent");
        many.split.line[n % FK_SPLIT_GIVEN_MAX].account = (fk_str_t) {
            (const uint8_t *) FK_ACCOUNT(&shop, n + 5)->id, 2 };
        many.split.line[n % FK_SPLIT_GIVEN_MAX].amount = 7;
    }

    many.beyond = many.split.line[0];
    many.split.line[0].account = str("a");
    many.split.count = FK_SPLIT_LINES_MAX;
    shop_must(shop_buy("x", 1, &odd) == FK_OK
              && shop_pay(&odd.id, "odd", 499, &result, &odd) == FK_OK,
              "to be approved");
    EQ_INT(fk_approve(&shop, &shop_env, &odd.id, &many.split, &odd),
           FK_INVALID, "more lines than there can be");
    split = many.split;
    split.count = FK_SPLIT_GIVEN_MAX;
    EQ_INT(ledger_pay(&out.id, "t", 500, &split, &result, &out), FK_OK,
           "as many as there can be");
    view = split_of(&out.id);
    OK(view.line_count == FK_SPLIT_LINES_MAX
       && view.line[FK_SPLIT_GIVEN_MAX].amount
          == 500 - 7 * FK_SPLIT_GIVEN_MAX, "and the rest behind them");

    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && ledger_pay(&out.id, "f", 500, &split, &result, &out)
                 == FK_OK, "flagged");
    EQ_INT(fk_order_split(&shop, &out.id, &view), FK_NOT_FOUND,
           "a rule that failed: nobody gets anything");

    /* Money is not dropped for a merchant who has all that can be. */
    FK_ACCOUNT(&shop, 3)->live.settled += FK_UNITS_MAX;
    split.flagged = 0;
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    EQ_INT(ledger_pay(&out.id, "u", 500, &split, &result, &out), FK_INVALID,
           "a merchant who has all that can be");
    split.flagged = 1;
    EQ_INT(ledger_pay(&out.id, "u", 500, &split, &result, &out), FK_OK,
           "it is paid without");
    FK_ACCOUNT(&shop, 3)->live.settled -= FK_UNITS_MAX;
    OK(ledger_sound(), "sound");
}


/* Money goes back, before and after the merchant has it. */
/* An order that failed is split as one that did not. */
static void
test_afterwards(void)
{
    uint32_t         n;
    fk_split_t       split, none;
    fk_order_id_t    id[3], before;
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_split_view_t  view, same;

    static const char *const  trades[] = { "f0", "f1", "f2" };

    merchant_open();
    before = ledger_sell(1, 49, 3, WEEK_S);
    same = split_of(&before);
    memset(&none, 0, sizeof(none));
    none.flagged = 1;

    for (n = 0; n < 3; n++) {
        shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
        id[n] = out.id;
        shop_must(ledger_pay(&id[n], trades[n], 500, &none, &result, &out)
                  == FK_OK && out.flagged, "flagged");
    }

    EQ_BALANCE("m", 448, 0, "what failed gave nothing");
    split = ledger_split(49, 3, WEEK_S);
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[0], &split, &out), FK_OK,
           "afterwards");
    view = split_of(&id[0]);
    OK(memcmp(&view, &same, sizeof(view)) == 0, "it is the same");
    EQ_BALANCE("m", 896, 0, "the rest");

    split.count = 0;
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[1], &split, &out), FK_OK,
           "of a rule that gives nobody anything");
    view = split_of(&id[1]);
    OK(view.line_count == 1 && view.line[0].amount == 500, "all is the rest");
    EQ_BALANCE("m", 1396, 0, "all of it");

    shop_must(ledger_belongs("x", "n") == FK_OK, "sold on");
    EQ_INT(fk_order_commission(&shop, &shop_env, &id[2], &split, &out), FK_OK,
           "whose it is by then");
    EQ_BALANCE("m", 1396, 0, "not to the one before");
    EQ_BALANCE("n", 500, 0, "gets it");
    EQ_INT(ledger_return(&id[2], 100, "part"), FK_OK, "and gives back");
    EQ_BALANCE("n", 400, 0, "a share");
    OK(ledger_sound(), "sound");
}


static void
test_clawback(void)
{
    uint32_t              n;
    uint64_t              cursor;
    fk_entry_t            entry[2];
    fk_split_t            split;
    fk_order_id_t         id;
    fk_order_view_t       out;
    fk_pay_result_t       result;
    fk_account_view_t     view;
    fk_withdrawal_view_t  w;

    merchant_open();
    id = ledger_sell(1, 33, 1, 0);
    EQ_INT(ledger_return(&id, 167, "third"), FK_OK, "a third goes back");
    EQ_BALANCE("m", 0, 466 - 466 * 167 / 500, "with a third of the rest");
    EQ_BALANCE("a", 0, 33 - 33 * 167 / 500, "and of a line");
    n = 2;
    cursor = 0;
    shop_must(fk_account_entries(&shop, str("m"), &cursor, entry, &n)
              == FK_OK && n == 2, "entries");
    OK(entry[0].kind == FK_ENTRY_SALE && entry[0].amount == 466
       && entry[1].kind == FK_ENTRY_CLAWBACK
       && entry[1].amount == -(466 * 167 / 500), "a sale, and what went back");

    view = ledger_view("m");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("m"), view.available,
                                 str("bank"), &w), FK_OK, "all of it");
    shop_must(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                   FK_WITHDRAWAL_APPROVED, &w) == FK_OK
              && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                      FK_WITHDRAWAL_PAID, &w) == FK_OK,
              "paid out");
    EQ_INT(ledger_return(&id, 333, "rest"), FK_OK, "then the rest goes back");
    EQ_INT(ledger_view("m").debt, view.available, "that is a debt");
    EQ_BALANCE("a", 0, 0, "of an agent nothing is left");
    OK(ledger_sound(), "sound");

    /* Approved with a wrong sum: the rest of what was paid. */
    split = ledger_split(9, 2, 0);
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && ledger_pay(&out.id, "odd", 499, &split, &result, &out)
                 == FK_OK && result == FK_PAY_REVIEW, "a wrong sum");
    EQ_INT(ledger_view("m").debt, view.available, "nothing yet");
    EQ_INT(fk_approve(&shop, &shop_env, &out.id, &split, &out), FK_OK,
           "approved");
    EQ_INT(split_of(&out.id).line[2].amount, 499 - 11, "the rest of it");
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd2", 3, &result, &out) == FK_OK
              && fk_decide(&shop, &shop_env, &out.id, FK_EVENT_APPROVE, &out)
                 == FK_OK, "without a split");
    EQ_INT(FK_ORDER(&shop, out.index)->split, 0, "nobody gets anything");
    OK(ledger_sound(), "sound");
}


/* What nobody could have made is seen: at once, and by the audit. */
static void
test_found(void)
{
    char               why[256];
    fk_split_rec_t    *s;
    fk_product_rec_t  *p;

    merchant_open();
    (void) ledger_sell(1, 50, 10, WEEK_S);
    p = FK_PRODUCT(&shop, 1);
    s = FK_SPLIT(&shop, 1);

#define FOUND(field, value, back, what)                                      \
    field = value;                                                           \
    OK(fk_check(&shop, why, sizeof(why)) == FK_CORRUPT, what ": %s", why);   \
    field = back

    FOUND(p->merchant, 2, 3, "an agent has a product");
    FOUND(p->merchant, 5, 3, "nobody has a product");
    FOUND(p->merchant, UINT32_MAX, 3, "somebody outside has a product");
    FOUND(FK_ACCOUNT(&shop, 3)->rate_bp[1], 5, FK_RATE_BY_RULE, "a rate");
    FOUND(FK_ACCOUNT(&shop, 3)->parent, 1, 0, "a parent");
    memcpy(FK_ACCOUNT(&shop, 4)->currency, "USD", 3);
    FOUND(p->merchant, 4, 3, "another currency");
    memcpy(FK_ACCOUNT(&shop, 4)->currency, "CNY", 3);

    s->paid += 2;
    OK(fk_check(&shop, why, sizeof(why)) == FK_CORRUPT, "a rest: %s", why);
    s->paid -= 2;

    s->amount[2]--;
    FK_ACCOUNT(&shop, 3)->live.frozen--;
    OK(fk_check(&shop, why, sizeof(why)) == FK_CORRUPT,
       "a line that leaves something: %s", why);
    OK(!ledger_audit().ok, "the audit sees it, too");
    s->amount[2]++;
    FK_ACCOUNT(&shop, 3)->live.frozen++;

    OK(ledger_sound(), "sound again");
}


/* --- the journal, a snapshot, the archive ------------------------------- */

static void
same_merchants(fk_t *twin, const char *what)
{
    uint32_t           i;
    fk_product_view_t  product;
    fk_account_view_t  view;

    static const char *const  ids[] = { "m", "n", "a" };

    shop_must(fk_product_get(twin, &shop_env, str("x"), &product) == FK_OK,
              "product");
    EQ_STR(product.merchant, "n", "%s: whose it is", what);

    for (i = 0; i < 3; i++) {
        shop_must(fk_account_get(twin, str(ids[i]), &view) == FK_OK, "view");
        OK(view.frozen == ledger_view(ids[i]).frozen
           && view.available == ledger_view(ids[i]).available
           && view.kind == ledger_view(ids[i]).kind, "%s: %s", what, ids[i]);
    }
}


static void
test_read_back(void)
{
    char           why[256];
    fk_t           twin;
    fk_code_t      rc;
    fk_order_id_t  id;

    merchant_open();
    kept_size = 0;
    kept_flush();
    (void) ledger_sell(1, 50, 10, WEEK_S);
    id = ledger_sell(2, 1, 0, 0);
    shop_must(ledger_return(&id, 77, "part") == FK_OK, "part");

    /* The product's image names who comes behind it. */
    parts_begin();
    (void) parts_step();
    shop_must(ledger_merchant("late") == FK_OK
              && ledger_belongs("x", "late") == FK_OK
              && ledger_belongs("x", "n") == FK_OK, "meanwhile");
    (void) ledger_sell(1, 3, 0, WEEK_S);

    do {
        rc = parts_step();
    } while (rc == FK_AGAIN);

    shop_must(rc == FK_OK, "snapshot");
    fk_snapshot_end(&shop, WALKER);
    kept_flush();

    region_new(&twin, SHOP_SIZE);
    rc = region_recover(&twin, kept, kept_size, why);
    EQ_INT(rc, FK_OK, "out of the journal: %s", why);
    same_merchants(&twin, "journal");
    region_drop(&twin);

    region_new(&twin, SHOP_SIZE);
    rc = parts_recover(&twin, why);
    EQ_INT(rc, FK_OK, "out of a snapshot: %s", why);
    same_merchants(&twin, "snapshot");
    region_drop(&twin);
}


static void
test_archive(void)
{
    fk_code_t          code;
    fk_order_id_t      id;
    fk_order_view_t    out;
    fk_split_view_t    seen, back;
    fk_product_rec_t  *p;
    fk_account_view_t  view;

    merchant_open();
    id = ledger_sell(1, 50, 10, 0);
    shop_must(ledger_belongs("x", "n") == FK_OK
              && fk_archive_read(&shop, &id, &out, record, sizeof(record),
                                 &record_size) == FK_OK
              && fk_archive_drop(&shop, &shop_env, &id, out.seq) == FK_OK,
              "archive");
    view = ledger_view("m");
    OK(view.available == 440 && view.archived_earned == 440,
       "its rest stays when the order leaves");
    EQ_INT(fk_archive_split(&shop, record, record_size, &seen), FK_OK,
           "its split is seen in the archive");

    FK_ACCOUNT(&shop, 2)->kind = FK_ACCOUNT_MERCHANT;
    code = shop_restore(&shop, record, record_size, &out);
    EQ_INT(code, FK_CONFLICT, "a merchant's line that is not the last");
    FK_ACCOUNT(&shop, 2)->kind = FK_ACCOUNT_AGENT;
    code = shop_restore(&shop, record, record_size, &out);
    EQ_INT(code, FK_OK, "restored");
    EQ_BALANCE("m", 0, 440, "to whom it belonged");
    EQ_BALANCE("n", 0, 0, "not to whom it belongs");
    p = FK_PRODUCT(&shop, 1);
    EQ_INT(p->merchant, 4, "who has the product all the same");
    back = split_of(&id);
    OK(memcmp(&seen, &back, sizeof(seen)) == 0,
       "as it is when it has come back");
    OK(ledger_sound(), "sound");
}


/* --- lies --------------------------------------------------------------- */

/* A product of a merchant, an order of it, paid and split, but for a lie. */
static fk_code_t
told(unsigned lie, char why[256])
{
    fk_t           twin;
    fk_code_t      rc;
    fk_image_t     image;
    fk_order_id_t  id;

    made_begin();
    image = made_product("x", FK_KIND_COUNTED, 10);
    image.product.merchant = lie == 1 ? 1 : lie == 2 ? 3
                             : lie == 3 ? UINT32_MAX : 2;
    made_record(FK_IMAGE_PRODUCT, &image);
    image = made_account(1, "a", FK_ACCOUNT_AGENT);
    made_record(FK_IMAGE_ACCOUNT, &image);
    image = made_account(2, "m", FK_ACCOUNT_MERCHANT);
    image.account.rate_bp[2] = lie == 4 ? 9 : FK_RATE_BY_RULE;
    image.account.parent = lie == 5 ? 1 : 0;
    memcpy(image.account.currency, lie == 6 ? "USD" : "CNY", 3);
    made_record(FK_IMAGE_ACCOUNT, &image);
    image = made_delivered(made_order(1, "x", 1));
    made_record(FK_IMAGE_ORDER, &image);
    image = made_payment(1, "t", FK_PAYMENT_STATE_APPLIED);
    made_record(FK_IMAGE_PAYMENT, &image);

    memset(&image, 0, sizeof(image));
    id = shop_id(1);
    memcpy(image.split.order, id.bytes, sizeof(id.bytes));
    image.split.paid = 500;
    image.split.state = FK_SPLIT_SETTLED;
    image.split.line_count = image.split.amount_count = 2;
    image.split.account[0] = lie == 7 ? 2 : 1;
    image.split.account[1] = lie == 7 ? 1 : 2;
    image.split.amount[0] = 60;
    image.split.amount[1] = lie == 8 ? 439 : 440;
    made_record(FK_IMAGE_SPLIT, &image);

    region_new(&twin, SHOP_SIZE);
    rc = region_recover(&twin, made, made_size, why);
    region_drop(&twin);

    return rc;
}


static void
test_lies(void)
{
    char      why[256];
    unsigned  lie;

    static const char *const  lies[] = {
        "the truth", "a product of an agent", "a product of nobody",
        "a product of somebody outside", "a merchant's rate",
        "a merchant's parent", "a merchant of another currency",
        "a merchant before others", "a merchant who leaves something"
    };

    for (lie = 0; lie < sizeof(lies) / sizeof(lies[0]); lie++) {
        why[0] = '\0';
        EQ_INT(told(lie, why), lie == 0 ? FK_OK : FK_CORRUPT, "%s: %s",
               lies[lie], why);
        OK(lie != 4 || strstr(why, "apply stopped") != NULL,
           "at once, if it cannot be true by itself");
    }
}


int
main(void)
{
    test_accounts();
    test_products();
    test_rest();
    test_refused();
    test_afterwards();
    test_clawback();
    test_found();
    test_read_back();
    test_archive();
    test_lies();

    return tap_done();
}
