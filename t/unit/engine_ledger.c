/*
 * The ledger: accounts and their tree, commission from its payment to its
 * withdrawal, and money that goes back to the buyer at any point in between.
 */

#include "ledger_shop.h"


static fk_code_t
put(fk_account_put_t *in, const char **field)
{
    int                created;
    uint64_t           seq;
    fk_account_view_t  view;

    return fk_account_put(&shop, &shop_env, in, &view, &created, &seq, field);
}


static void
test_accounts(void)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_account_put_t   in;
    fk_account_view_t  view;

    shop_open();
    memset(&in, 0, sizeof(in));
    in.id = str("Agent_1-x");
    EQ_INT(put(&in, &field), FK_INVALID, "an account needs a currency");
    EQ_STR(field, "currency", "and that is said");

    in.fields = FK_ACCOUNT_PUT_CURRENCY | FK_ACCOUNT_PUT_RATES
                | FK_ACCOUNT_PUT_TOKEN | FK_ACCOUNT_PUT_BUYER;
    strcpy(in.currency, "CNY");
    in.rate_bp[0] = 1000;
    in.rate_bp[1] = FK_RATE_BY_RULE;
    memset(in.token, 0x5a, sizeof(in.token));
    memset(in.buyer, 0xa5, sizeof(in.buyer));
    EQ_INT(fk_account_put(&shop, &shop_env, &in, &view, &created, &seq,
                          &field), FK_OK, "made");
    OK(created && seq == shop.region->ring.seq && view.seq == seq,
       "by one record");
    OK(view.rate_bp[0] == 1000 && view.rate_bp[1] == FK_RATE_BY_RULE
       && view.token[31] == 0x5a && view.buyer[15] == 0xa5
       && view.kind == FK_ACCOUNT_AGENT,
       "as it was given");

    in.fields = FK_ACCOUNT_PUT_RATES;
    in.rate_bp[0] = FK_RATE_MAX + 1;
    EQ_INT(put(&in, &field), FK_INVALID, "more than all");
    EQ_STR(field, "rates", "is no rate");

    in.fields = FK_ACCOUNT_PUT_CURRENCY;
    strcpy(in.currency, "USD");
    EQ_INT(put(&in, &field), FK_CONFLICT, "a currency is for good");
    in.fields = FK_ACCOUNT_PUT_KIND;
    in.kind = FK_ACCOUNT_PLATFORM;
    EQ_INT(put(&in, &field), FK_CONFLICT, "a kind as well");
    in.id = str("not valid");
    EQ_INT(put(&in, &field), FK_INVALID, "a blank in an id");
    EQ_STR(field, "id", "is said");

    in.id = str("platform");
    in.fields = FK_ACCOUNT_PUT_KIND | FK_ACCOUNT_PUT_CURRENCY;
    EQ_INT(put(&in, &field), FK_OK, "a platform");
    in.id = str("platform2");
    EQ_INT(put(&in, &field), FK_CONFLICT, "one a currency");
    strcpy(in.currency, "CNY");
    EQ_INT(put(&in, &field), FK_OK, "another currency");
    EQ_INT(fk_account_get(&shop, str("nobody"), &view), FK_NOT_FOUND,
           "nobody is not there");
    OK(shop_sound(), "sound");
}


static void
test_tree(void)
{
    char      id[8], parent[8];
    uint32_t  i, n, cursor;

    fk_account_view_t  view[4], platform;

    shop_open();
    shop_must(ledger_agent("p0", "") == FK_OK, "top");

    for (i = 1; i <= FK_ACCOUNT_DEPTH_MAX; i++) {
        snprintf(id, sizeof(id), "p%u", i);
        snprintf(parent, sizeof(parent), "p%u", i - 1);
        shop_must(ledger_agent(id, parent) == FK_OK, "below");
    }

    EQ_INT(ledger_agent("p11", "p10"), FK_INVALID, "too deep");
    EQ_INT(ledger_agent("p0", "p10"), FK_INVALID, "a circle");
    EQ_INT(ledger_agent("p0", "p1"), FK_INVALID, "a small one");
    EQ_INT(ledger_agent("p0", "p0"), FK_INVALID, "the smallest");
    EQ_INT(ledger_agent("p5", "nobody"), FK_INVALID, "nobody is above");
    EQ_INT(ledger_agent("p5", "p1"), FK_OK, "up in the tree");
    EQ_STR(ledger_view("p5").parent, "p1", "it is there");
    EQ_INT(ledger_agent("p11", "p10"), FK_OK, "room below now");
    EQ_INT(ledger_agent("p1", "p11"), FK_INVALID, "a circle all the same");

    n = 3;
    EQ_INT(fk_sale_shares(&shop, str("p4"), "CNY", view, &n, &platform),
           FK_OK, "who may have a share");
    EQ_INT(n, 3, "no more than are asked for");
    OK(strcmp(view[0].id, "p4") == 0 && strcmp(view[1].id, "p3") == 0
       && strcmp(view[2].id, "p2") == 0, "the nearest first");
    n = 4;
    EQ_INT(fk_sale_shares(&shop, str("p1"), "CNY", view, &n, &platform),
           FK_OK, "near the top");
    OK(n == 2 && strcmp(view[1].id, "p0") == 0, "it ends there");

    for (n = 4, i = 0, cursor = 0; i == 0 || cursor != 0; i += n, n = 4) {
        shop_must(fk_account_list(&shop, &cursor, view, &n) == FK_OK, "list");
    }

    EQ_INT(i, 12, "all are listed");

    /* Those below move along; each may be changed, however deep it is. */
    shop_must(ledger_agent("q0", "") == FK_OK
              && ledger_agent("q1", "q0") == FK_OK
              && ledger_agent("p0", "q1") == FK_OK, "the branch moves");
    EQ_INT(ledger_close("p11", 1), FK_OK, "who is too deep by that is closed");
    EQ_INT(ledger_view("p11").closed, 1, "and it is so");
    EQ_INT(ledger_close("p11", 0), FK_OK, "and open again");
    EQ_INT(ledger_agent("p11", "p10"), FK_OK, "its parent once more");
    EQ_INT(ledger_agent("p12", "p11"), FK_INVALID, "nobody new below");
    EQ_INT(ledger_agent("q0", "p11"), FK_INVALID, "no circle, however deep");
    OK(shop_sound(), "sound");
}


/* From the checkout to the account, and what is asked on the way. */
static void
test_commission(void)
{
    fk_code_t        code;
    fk_split_t       split;
    fk_checkout_t    in;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_split_view_t  view;

    ledger_open();
    in = shop_cart("x", 1);
    in.agent = str("nobody");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &out), FK_AGENT, "no agent");
    EQ_STR(fk_code_info[FK_AGENT].word, "invalid_agent", "is said so");

    id = ledger_sell(1, 50, 7, WEEK_S);
    EQ_INT(fk_order_get(&shop, &id, &out), FK_OK, "an order");
    EQ_STR(out.agent, "a", "knows its agent");
    OK(!out.flagged && out.returned == 0, "and nothing else");
    EQ_BALANCE("a", 50, 0, "own line");
    EQ_BALANCE("b", 7, 0, "line above");

    EQ_INT(fk_order_split(&shop, &id, &view), FK_OK, "split");
    OK(view.paid == 500 && view.line_count == 2
       && view.state == FK_SPLIT_FROZEN && view.line[1].amount == 7
       && view.settle_at_s % FK_SETTLE_UNIT_S == 0
       && view.settle_at_s >= SHOP_START_S + WEEK_S
       && view.settle_at_s < SHOP_START_S + WEEK_S + FK_SETTLE_UNIT_S,
       "as it was given");

    shop_env.now_ms = ((int64_t) view.settle_at_s - 1) * 1000;
    EQ_INT(shop_tick().seq, 0, "a second too early");
    shop_wait_s(1);
    OK(shop_tick().seq != 0, "in time");
    EQ_BALANCE("a", 0, 50, "settled");
    EQ_INT(ledger_view("a").earned, 50, "earned");
    OK(ledger_sound(), "sound");

    /* A payment that does not make it paid brings no split. */
    in = shop_cart("x", 1);
    split = ledger_split(50, 7, 0);
    shop_must(fk_checkout(&shop, &shop_env, &in, &out) == FK_OK, "order");
    code = ledger_pay(&in.id, "odd", 499, &split, &result, &out);
    OK(code == FK_OK && result == FK_PAY_REVIEW, "a wrong sum");
    EQ_INT(fk_order_split(&shop, &in.id, &view), FK_NOT_FOUND, "no split");
    EQ_INT(fk_approve(&shop, &shop_env, &in.id, &split, &out), FK_OK,
           "approved with one");
    EQ_INT(fk_order_split(&shop, &in.id, &view), FK_OK, "split");
    EQ_INT(view.paid, 499, "of what was paid");
    EQ_BALANCE("a", 0, 100, "without freezing");

    code = ledger_pay(&in.id, "extra", 500, &split, &result, &out);
    OK(code == FK_OK && result == FK_PAY_EXTRA, "extra money");
    EQ_BALANCE("a", 0, 100, "is not split");
    OK(ledger_sound(), "sound");
}


/* What cannot be is refused, and the money comes without it. */
static void
test_bad_split(void)
{
    uint64_t         seq;
    fk_split_t       split;
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_order_id_t    id;

    ledger_open();
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    id = out.id;
    seq = shop.region->ring.seq;

    split = ledger_split(300, 201, 0);
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "more than was paid");
    split = ledger_split(-1, 5, 0);
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "less than nothing");
    split = ledger_split(1, 1, 0);
    split.line[1].account = str("a");
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "twice for one");
    split.line[1].account = str("nobody");
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "for nobody");
    split = ledger_split(1, 1, FK_SETTLE_S_MAX + 1);
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "frozen too long");
    split = ledger_split(1, 1, 0);
    split.flagged = 1;
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "flagged, and with lines");

    shop_must(ledger_close("b", 1) == FK_OK, "close");
    seq++;
    split = ledger_split(1, 1, 0);
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_INVALID,
           "closed in between");
    EQ_INT(shop.region->ring.seq, seq, "nothing was booked");

    memset(&split, 0, sizeof(split));
    split.flagged = 1;
    EQ_INT(ledger_pay(&id, "t", 500, &split, &result, &out), FK_OK,
           "money is not dropped for that");
    OK(result == FK_PAY_DELIVERED && out.flagged, "and it is seen");

    split = ledger_split(0, 0, 0);
    shop_must(ledger_close("b", 0) == FK_OK
              && shop_buy("x", 1, &out) == FK_OK
              && ledger_pay(&out.id, "n", 500, &split, &result, &out)
                 == FK_OK, "pay");
    EQ_INT(shop.region->table[FK_TABLE_SPLITS].fresh, 0,
           "lines of nothing take no room");
    OK(ledger_sound(), "sound");
}


/* The end is the same, in which parts ever the money goes back. */
static void
test_parts(void)
{
    int64_t          part, sum;
    uint32_t         step, n;
    fk_order_id_t    id;
    fk_split_view_t  view;

    char  ref[16];

    ledger_open();

    for (step = 71; step <= 500; step += 43) {
        id = ledger_sell(1, 33, 1, 0);
        n = 0;

        for (sum = 0; sum < 500; sum += part) {
            part = 500 - sum < step ? 500 - sum : step;
            snprintf(ref, sizeof(ref), "part-%u", n++);
            shop_must(ledger_return(&id, part, ref) == FK_OK, "part");
            shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "split");
            shop_must(view.line[0].clawed == 33 * (sum + part) / 500
                      && view.line[1].clawed == (sum + part) / 500,
                      "rounded down");
        }

        EQ_BALANCE("a", 0, 0, "nothing left");
        EQ_BALANCE("b", 0, 0, "nothing left above");
    }

    OK(ledger_sound(), "sound");
    EQ_INT(ledger_audit().money[0].amount, 0, "all the money went back");

    id = ledger_sell(1, 500, 0, 0);
    EQ_INT(ledger_return(&id, 500 - 1, "most"), FK_OK, "all but a unit");
    EQ_BALANCE("a", 0, 1, "of all, a unit stays");
    EQ_INT(ledger_audit().money[0].amount, 1, "and is kept");

    id = ledger_sell(1, 1, 0, 0);
    EQ_INT(ledger_return(&id, 499, "most"), FK_OK, "all but a unit");
    EQ_BALANCE("a", 0, 2, "of a unit, nothing is taken before the last");
    EQ_INT(ledger_return(&id, 1, "last"), FK_OK, "the last");
    EQ_BALANCE("a", 0, 1, "takes it");
    OK(ledger_sound(), "sound");
}


static void
test_part_refused(void)
{
    char             ref[16];
    uint32_t         i;
    fk_order_id_t    id;
    fk_order_view_t  out;
    fk_pay_result_t  result;
    fk_split_view_t  view;

    ledger_open();
    id = ledger_sell(1, 50, 0, WEEK_S);

    EQ_INT(ledger_return(&id, 0, "r"), FK_INVALID, "nothing");
    EQ_INT(ledger_return(&id, 1, ""), FK_INVALID, "without a ref");
    EQ_INT(ledger_return(&id, 1, "a\nb"), FK_INVALID, "a ref of two lines");
    EQ_INT(ledger_return(&id, 501, "r"), FK_INVALID, "more than was paid");
    EQ_INT(ledger_return(&id, 100, "r"), FK_OK, "a part");
    EQ_INT(ledger_return(&id, 100, "r"), FK_EXISTS, "said twice");
    EQ_INT(ledger_return(&id, 99, "r"), FK_CONFLICT, "said differently");
    EQ_INT(ledger_return(&id, 401, "s"), FK_INVALID, "more than is left");
    EQ_BALANCE("a", 40, 0, "of what is frozen");

    for (i = 1; i < FK_PARTS_MAX; i++) {
        snprintf(ref, sizeof(ref), "more-%u", i);
        shop_must(ledger_return(&id, 1, ref) == FK_OK, "part");
    }

    EQ_INT(ledger_return(&id, 1, "ninth"), FK_LIMIT, "too many parts");
    shop_must(fk_order_split(&shop, &id, &view) == FK_OK, "view");
    OK(view.part_count == FK_PARTS_MAX && view.returned == 107
       && view.part[0].amount == 100 && view.part[0].ref_size == 1
       && memcmp(view.part[7].ref, "more-7", 6) == 0, "all are known");

    /* Not paid, or to be decided: that is given back as a whole. */
    shop_must(shop_buy("x", 1, &out) == FK_OK, "order");
    EQ_INT(ledger_return(&out.id, 1, "r"), FK_CONFLICT, "not paid");
    shop_must(shop_pay_review(&out.id, "look", 500, "why", &result, &out)
              == FK_OK, "review");
    EQ_INT(ledger_return(&out.id, 1, "r"), FK_CONFLICT, "to be decided");
    id = shop_id(999999);
    EQ_INT(ledger_return(&id, 1, "r"), FK_NOT_FOUND, "no order");

    /* Without a split a part is a part, too. */
    shop_must(shop_buy("x", 2, &out) == FK_OK
              && shop_pay(&out.id, "plain", 1000, &result, &out) == FK_OK,
              "plain");
    EQ_INT(ledger_return(&out.id, 300, "r"), FK_OK, "a part of it");
    shop_must(fk_order_get(&shop, &out.id, &out) == FK_OK, "get");
    EQ_INT(out.returned, 300, "is shown");
    EQ_INT(ledger_audit().money[0].amount, 500 - 107 + 500 + 700,
           "and not kept");
    OK(ledger_sound(), "sound");
}


/* Denied while frozen, and after all was withdrawn. */
static void
test_clawback(void)
{
    uint64_t              paid;
    fk_split_t            split;
    fk_order_view_t       out;
    fk_pay_result_t       result;
    fk_order_id_t         id, late;
    fk_withdrawal_view_t  w;
    fk_account_view_t     view;

    ledger_open();
    shop_product("y", FK_KIND_CARD, 0);
    shop_stock("y", 1, 1);
    split = ledger_split(50, 10, WEEK_S);

    /* Paid late and sold out: it waits for stock until somebody gives up. */
    shop_must(shop_buy("y", 1, &out) == FK_OK, "late one");
    late = out.id;
    shop_wait_s(SHOP_HOLD_S + 1);
    (void) shop_tick();
    shop_must(shop_buy("y", 1, &out) == FK_OK
              && shop_pay(&out.id, "first", 500, &result, &out) == FK_OK
              && ledger_pay(&late, "late", 500, &split, &result, &out)
                 == FK_OK && result == FK_PAY_WAITING, "waits");
    EQ_BALANCE("a", 50, 0, "frozen");
    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_BALANCE("a", 0, 50, "settled");

    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 50, str("IBAN"),
                                 &w), FK_OK, "asked for");
    paid = w.id;
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, paid,
                                FK_WITHDRAWAL_APPROVED, &w), FK_OK, "yes");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, paid, FK_WITHDRAWAL_PAID,
                                &w), FK_OK, "sent");
    EQ_BALANCE("a", 0, 0, "withdrawn");

    EQ_INT(fk_decide(&shop, &shop_env, &late, FK_EVENT_GIVE_UP, &out), FK_OK,
           "given up");
    view = ledger_view("a");
    OK(view.available == -50 && view.debt == 50 && view.withdrawn == 50
       && view.earned == 0, "a debt");
    EQ_BALANCE("b", 0, 0, "and nothing above");
    EQ_INT(fk_decide(&shop, &shop_env, &late, FK_EVENT_REFUNDED, &out),
           FK_OK, "refunded");
    EQ_BALANCE("a", 0, -50, "once");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 1, str(""), &w),
           FK_CONFLICT, "nothing to be had");

    id = ledger_sell(1, 70, 0, 0);
    EQ_BALANCE("a", 0, 20, "paid by what comes next");
    OK(ledger_sound(), "sound");

    /* Denied while it is frozen. */
    shop_must(shop_buy("x", 1, &out) == FK_OK
              && shop_pay(&out.id, "odd", 1, &result, &out) == FK_OK
              && ledger_pay(&out.id, "even", 500, &split, &result, &out)
                 == FK_OK && result == FK_PAY_REVIEW, "review");
    id = out.id;
    EQ_BALANCE("b", 10, 0, "frozen");
    EQ_INT(fk_decide(&shop, &shop_env, &id, FK_EVENT_DENY, &out), FK_OK,
           "denied");
    EQ_BALANCE("b", 0, 0, "gone");
    shop_wait_s(WEEK_S + FK_SETTLE_UNIT_S);
    (void) shop_tick();
    EQ_BALANCE("b", 0, 0, "for good");
    OK(ledger_sound(), "sound");
}


static void
test_withdrawals(void)
{
    uint32_t              i, n, cursor, count;
    uint64_t              seq, first;
    fk_withdrawal_view_t  w, list[8];

    ledger_open();
    (void) ledger_sell(2, 100, 0, 0);

    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 101, str(""),
                                 &w), FK_CONFLICT, "more than there is");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 0, str(""), &w),
           FK_INVALID, "nothing");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("z"), 1, str(""), &w),
           FK_NOT_FOUND, "nobody");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 60,
                                 str("to my card"), &w), FK_OK, "asked");
    first = w.id;
    OK(w.state == FK_WITHDRAWAL_REQUESTED && w.amount == 60
       && w.note_size == 10 && strcmp(w.account, "a") == 0
       && w.seq == shop.region->ring.seq, "as it was asked");
    EQ_INT(ledger_view("a").reserved, 60, "reserved");
    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 41, str(""),
                                 &w), FK_CONFLICT, "not once more");

    seq = shop.region->ring.seq;
    EQ_INT(fk_withdrawal_request_once(&shop, &shop_env, str("a"), 1,
                                      str("to my card"), &w), FK_EXISTS,
           "by the note it is that one");
    OK(w.id == first && w.amount == 60 && shop.region->ring.seq == seq,
       "and nothing was done");
    EQ_INT(fk_withdrawal_request_once(&shop, &shop_env, str("a"), 1, str(""),
                                      &w), FK_INVALID, "a note is needed");
    EQ_INT(fk_withdrawal_request_once(&shop, &shop_env, str("z"), 1, str("n"),
                                      &w), FK_NOT_FOUND, "nobody");
    EQ_INT(fk_withdrawal_request_once(&shop, &shop_env, str("a"), 41,
                                      str("to my car"), &w), FK_CONFLICT,
           "another is another");

    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first, FK_WITHDRAWAL_PAID,
                                &w), FK_CONFLICT, "not without a yes");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first,
                                FK_WITHDRAWAL_APPROVED, &w), FK_OK, "yes");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first,
                                FK_WITHDRAWAL_APPROVED, &w), FK_EXISTS,
           "said twice");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first,
                                FK_WITHDRAWAL_REJECTED, &w), FK_OK, "no");
    EQ_BALANCE("a", 0, 100, "back");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first,
                                FK_WITHDRAWAL_APPROVED, &w), FK_CONFLICT,
           "for good");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first + 65536,
                                FK_WITHDRAWAL_APPROVED, &w), FK_NOT_FOUND,
           "another serial");

    for (i = 0; i < FK_WITHDRAWALS_OPEN_MAX; i++) {
        shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 1,
                                        str(""), &w) == FK_OK, "many");
    }

    EQ_INT(fk_withdrawal_request(&shop, &shop_env, str("a"), 1, str(""), &w),
           FK_LIMIT, "too many at once");
    EQ_INT(ledger_view("a").open_count, FK_WITHDRAWALS_OPEN_MAX, "counted");

    for (count = 0, cursor = 0, i = 0; i == 0 || cursor != 0; i++) {
        n = 8;
        shop_must(fk_withdrawal_list(&shop, FK_WITHDRAWAL_REQUESTED, &cursor,
                                     list, &n) == FK_OK, "list");
        count += n;
    }

    EQ_INT(count, FK_WITHDRAWALS_OPEN_MAX, "listed by state");
    OK(ledger_sound(), "sound");
}


/* Finished ones make room, and their sum stays. */
static void
test_withdrawals_full(void)
{
    uint32_t              i, capacity;
    fk_code_t             code;
    uint64_t              first;
    fk_snapshot_t         snapshot;
    fk_withdrawal_view_t  w;

    ledger_open();
    capacity = shop.region->table[FK_TABLE_WITHDRAWALS].capacity;
    (void) ledger_sell(100, 40000, 0, 0);
    first = 0;

    for (i = 0; i < capacity; i++) {
        shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 3,
                                        str("n"), &w) == FK_OK
                  && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                          FK_WITHDRAWAL_APPROVED, &w)
                     == FK_OK
                  && fk_withdrawal_decide(&shop, &shop_env, w.id,
                                          FK_WITHDRAWAL_PAID, &w) == FK_OK,
                  "paid");
        first = first == 0 ? w.id : first;
        shop_flush();
    }

    EQ_INT(ledger_view("a").withdrawn, 3 * capacity, "all of them");

    shop_must(fk_snapshot_begin(&shop, &shop_env, 5, 0, &snapshot) == FK_OK,
              "snapshot");
    code = fk_withdrawal_request(&shop, &shop_env, str("a"), 3, str("n"), &w);
    EQ_INT(code, FK_TABLE_FULL, "a snapshot lets none go");
    fk_snapshot_end(&shop, 5);

    code = fk_withdrawal_request(&shop, &shop_env, str("a"), 3, str("n"), &w);
    EQ_INT(code, FK_OK, "one makes room");
    EQ_INT(fk_table_room(&shop, FK_TABLE_WITHDRAWALS), 0, "and no more");
    EQ_INT(ledger_view("a").withdrawn, 3 * capacity, "its sum stays");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, first,
                                FK_WITHDRAWAL_PAID, &w), FK_NOT_FOUND,
           "its id is not the next one's");
    OK(ledger_sound(), "sound");
}


static void
test_entries(void)
{
    uint32_t              i, n, seen[FK_ENTRY_COUNT];
    int64_t               sum;
    uint64_t              cursor;
    fk_entry_t            out[3];
    fk_order_id_t         id;
    fk_withdrawal_view_t  w;

    ledger_open();

    for (i = 0; i < 5; i++) {
        id = ledger_sell(1, 10 + i, 2, 0);
        shop_must(i < 3 || ledger_return(&id, 250, "half") == FK_OK, "half");
    }

    shop_must(fk_withdrawal_request(&shop, &shop_env, str("a"), 9, str(""),
                                    &w) == FK_OK, "withdrawal");
    memset(seen, 0, sizeof(seen));
    sum = 0;
    cursor = 0;

    do {
        n = 3;
        shop_must(fk_account_entries(&shop, str("a"), &cursor, out, &n)
                  == FK_OK, "entries");

        for (i = 0; i < n; i++) {
            seen[out[i].kind]++;
            sum += out[i].amount;
        }
    } while (cursor != 0);

    OK(seen[FK_ENTRY_COMMISSION] == 5 && seen[FK_ENTRY_CLAWBACK] == 2
       && seen[FK_ENTRY_WITHDRAWAL] == 1, "each is there");
    EQ_INT(sum, ledger_view("a").available, "they add up");

    cursor = 7 * FK_LINE_SLOTS;
    n = 3;
    EQ_INT(fk_account_entries(&shop, str("a"), &cursor, out, &n),
           FK_CONFLICT, "a cursor to nowhere");
    cursor = FK_LINE(1, 1);
    n = 3;
    EQ_INT(fk_account_entries(&shop, str("a"), &cursor, out, &n),
           FK_CONFLICT, "a cursor to another's");
    cursor = UINT64_MAX;
    n = 3;
    EQ_INT(fk_account_entries(&shop, str("a"), &cursor, out, &n),
           FK_CONFLICT, "a cursor from outside");
}


/* A wrong balance does not pass, nor does a wrong list. */
static void
test_found(void)
{
    char               why[256];
    fk_audit_totals_t  totals;
    fk_account_rec_t  *a;

    ledger_open();
    (void) ledger_sell(1, 50, 10, WEEK_S);
    (void) ledger_sell(1, 5, 1, 0);
    a = FK_ACCOUNT(&shop, 2);

    a->live.frozen++;
    EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT, "a balance");
    totals = ledger_audit();
    OK(!totals.ok && totals.money[0].ledger_sum == 1, "and by how much");
    EQ_STR(totals.problem, "account a: its balance is not the sum of its "
           "entries", "in words");
    a->live.frozen--;

    /* Moved within the account, where no sum of all sides shows it. */
    a->live.reserved++;
    totals = ledger_audit();
    OK(!totals.ok && totals.money[0].ledger_sum == 0, "what is reserved");
    EQ_STR(totals.problem, "account a: its balance is not the sum of its "
           "entries", "in words, too");
    a->live.reserved--;

    FK_SPLIT(&shop, 1)->returned++;
    EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT, "a part of nobody");
    FK_SPLIT(&shop, 1)->returned--;

    FK_ACCOUNT(&shop, 1)->parent = 2;
    EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT, "a circle");
    FK_ACCOUNT(&shop, 1)->parent = 0;

    a->lines = 0;
    EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT, "a lost list");
    a->lines = FK_LINE(2, 0);

    *fk_settle_slot(&shop, FK_SPLIT(&shop, 1)->settle_at_s
                           / FK_SETTLE_UNIT_S) = 0;
    EQ_INT(fk_check(&shop, why, sizeof(why)), FK_CORRUPT, "frozen for ever");
    fk_settle_insert(&shop, 1);
    fk_commit(&shop);
    OK(ledger_sound(), "sound again");
}


int
main(void)
{
    test_accounts();
    test_tree();
    test_commission();
    test_bad_split();
    test_parts();
    test_part_refused();
    test_clawback();
    test_withdrawals();
    test_withdrawals_full();
    test_entries();
    test_found();

    return tap_done();
}
