/*
 * Orders that an account pays from its balance, and the credits that such a
 * balance may come from: booked with the order in one record, given back with
 * it, proved by fk_check() and the audit at each step, and the same out of the
 * journal, the archive and a snapshot.
 */

#include "archive_shop.h"
#include "journal_parts.h"
#include "ledger_shop.h"


static fk_order_view_t  view;
static uint8_t          record[FK_ARCHIVE_SIZE_MAX];
static size_t           record_size;


static fk_checkout_t
cart(uint32_t qty)
{
    fk_checkout_t  in;

    in = shop_cart("x", qty);
    memset(in.channel, 0, sizeof(in.channel));
    strcpy(in.channel, "purse");
    return in;
}


static fk_code_t
spend(const char *payer, uint32_t qty)
{
    fk_checkout_t  in;

    in = cart(qty);
    memset(&view, 0, sizeof(view));
    return ledger_spend(&in, payer, NULL, &view);
}


static void
has(const char *id, int64_t available, int64_t spent, int64_t credited)
{
    fk_account_view_t  account;

    account = ledger_view(id);
    EQ_INT(account.available, available, "%s has so much", id);
    EQ_INT(account.spent, spent, "has spent so much");
    EQ_INT(account.credited, credited, "and was credited so much");
    OK(ledger_sound(), "all sides together are nothing");
}


/* The journal so far gives the same account and order. */
static void
replays(const char *id)
{
    char               text[256];
    fk_t               twin;
    seen_t             here, there;
    fk_split_view_t    split[2];
    fk_account_view_t  account;

    kept_flush();
    region_new(&twin, SHOP_SIZE);
    EQ_INT(region_recover(&twin, kept, kept_size, text), FK_OK,
           "the journal gives it again: %s", text);
    here = seen(&shop, &view.id);
    there = seen(&twin, &view.id);
    OK(seen_same(&here, &there), "the same order");
    memset(&account, 0, sizeof(account));
    EQ_INT(fk_account_get(&twin, str(id), &account), FK_OK, "the account");
    EQ_INT(account.available, ledger_view(id).available, "of the same money");
    memset(split, 0, sizeof(split));
    EQ_INT(fk_order_split(&twin, &view.id, &split[0]),
           fk_order_split(&shop, &view.id, &split[1]), "its split");
    OK(memcmp(&split[0], &split[1], sizeof(split[0])) == 0, "is the same");
    region_drop(&twin);
}


static void
test_credits(void)
{
    uint32_t              n, cursor;
    uint64_t              seq, at;
    fk_entry_t            entry[4];
    fk_withdrawal_view_t  w, list[4];

    EQ_INT(ledger_credit("a", 0, "r"), FK_INVALID, "a credit of nothing");
    EQ_INT(ledger_credit("a", FK_AMOUNT_MAX + 1, "r"), FK_INVALID, "of all");
    EQ_INT(ledger_credit("a", 1, ""), FK_INVALID, "without a name");
    EQ_INT(ledger_credit("a", 1, "a\nb"), FK_INVALID, "with an odd one");
    EQ_INT(ledger_credit("nobody", 1, "r"), FK_NOT_FOUND, "for nobody");

    seq = fk_last_seq(&shop);
    EQ_INT(ledger_credit("a", 1200, "first"), FK_OK, "a credit");
    EQ_INT(fk_last_seq(&shop), seq + 1, "is one record");
    EQ_INT(fk_credit(&shop, &shop_env, str("a"), 7, str("first"), &w),
           FK_EXISTS, "by its name it is known");
    EQ_INT(w.amount, 1200, "and was of so much");
    EQ_INT(fk_last_seq(&shop), seq + 1, "nothing was booked");
    EQ_INT(ledger_credit("b", 5, "first"), FK_OK, "another's is another");
    EQ_INT(fk_withdrawal_request_once(&shop, &shop_env, str("a"), 200,
                                      str("first"), &w), FK_OK,
           "a note of a withdrawal is no ref of a credit");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, w.id,
                                FK_WITHDRAWAL_REJECTED, &w), FK_OK, "not so");

    cursor = 0;
    n = 4;
    EQ_INT(fk_withdrawal_list(&shop, -1, &cursor, list, &n), FK_OK, "listed");
    EQ_INT(n, 1, "are withdrawals alone");
    at = 0;
    n = 4;
    EQ_INT(fk_account_entries(&shop, str("b"), &at, entry, &n), FK_OK,
           "the ledger");
    EQ_INT(n, 1, "has the credit");
    EQ_INT(entry[0].kind, FK_ENTRY_CREDIT, "as one");
    EQ_INT(entry[0].amount, 5, "that came");
    EQ_INT(fk_withdrawal_decide(&shop, &shop_env, entry[0].withdrawal,
                                FK_WITHDRAWAL_REJECTED, &w), FK_NOT_FOUND,
           "and nobody takes it back as a withdrawal");
    has("a", 1200, 0, 1200);
}


static void
test_spent(void)
{
    uint32_t           n;
    uint64_t           seq, at;
    fk_entry_t         entry[4];
    fk_checkout_t      in;
    fk_split_view_t    split;
    fk_payment_view_t  payment;
    char               text[FK_ORDER_TEXT_SIZE + 1];

    seq = fk_last_seq(&shop);
    in = cart(2);
    EQ_INT(ledger_spend(&in, "a", NULL, &view), FK_OK, "paid from it");
    EQ_INT(fk_last_seq(&shop), seq + 1, "in one record");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "and delivered");
    EQ_INT(view.paid_s, SHOP_START_S, "now");
    has("a", 200, 1000, 1200);

    n = 1;
    EQ_INT(fk_order_payments(&shop, &view.id, &payment, &n), FK_OK, "one");
    memset(text, 0, sizeof(text));
    fk_order_id_text(&view.id, text);
    EQ_STR(payment.trade_no, text, "payment by the order's name");
    EQ_INT(payment.amount, 1000, "of all");
    EQ_INT(payment.state, FK_PAYMENT_STATE_APPLIED, "is applied");
    EQ_INT(fk_order_split(&shop, &view.id, &split), FK_OK, "a split");
    EQ_STR(split.payer, "a", "says whose it was");
    EQ_INT(split.line_count, 0, "and is of nobody else");
    at = 0;
    n = 4;
    EQ_INT(fk_account_entries(&shop, str("a"), &at, entry, &n), FK_OK,
           "the ledger");
    EQ_INT(n, 3, "has all of it");
    EQ_INT(entry[0].kind, FK_ENTRY_PURCHASE, "the purchase, too");
    EQ_INT(entry[0].amount, -1000, "which went");
    replays("a");

    seq = fk_last_seq(&shop);
    EQ_INT(ledger_spend(&in, "a", NULL, &view), FK_EXISTS, "asked again");
    EQ_INT(fk_last_seq(&shop), seq, "nothing is taken");
    EQ_INT(spend("a", 1), FK_BALANCE, "one more is too much");
    EQ_INT(fk_last_seq(&shop), seq, "and leaves no trace");
    EQ_INT(shop_view("x").held, 0, "not even a hold");
}


static void
test_refused(void)
{
    uint64_t          seq;
    int64_t           due;
    fk_split_t        split;
    fk_checkout_t     in;
    fk_product_put_t  put;

    seq = fk_last_seq(&shop);
    EQ_INT(spend("nobody", 1), FK_PAYER, "by nobody");
    EQ_INT(spend("", 1), FK_PAYER, "by no name");
    shop_must(ledger_credit("b", 900, "more") == FK_OK
              && ledger_close("b", 1) == FK_OK, "closed");
    EQ_INT(spend("b", 1), FK_PAYER, "by one that is closed");
    shop_must(ledger_close("b", 0) == FK_OK, "open");

    memset(&put, 0, sizeof(put));
    put.sku = str("usd");
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND | FK_PUT_STOCK;
    put.name = str("in dollars");
    put.price = 5;
    strcpy(put.currency, "USD");
    put.kind = FK_KIND_COUNTED;
    put.stock = 9;
    shop_must(shop_put(&put, NULL) == FK_OK, "dollars");
    in = shop_cart("usd", 1);
    EQ_INT(ledger_spend(&in, "b", NULL, &view), FK_PAYER,
           "of another currency");

    /* A split that does not fit. */
    seq = fk_last_seq(&shop);
    in = cart(1);
    split = ledger_split(1, 1, 0);
    split.paid = 499;
    in.way = FK_WAY_BALANCE;
    in.payer = str("b");
    in.split = &split;
    in.due = &due;
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_AGAIN,
           "the split of another sum");
    EQ_INT(due, 500, "and which it is");
    split.paid = 500;
    split.flagged = 1;
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_INVALID,
           "one that failed");
    split.flagged = 0;
    split.line[0].amount = 501;
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_INVALID,
           "of more than was paid");
    shop_rules(&in, 500, 0, NULL);
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_CHANNEL,
           "what costs nothing");
    EQ_INT(fk_last_seq(&shop), seq, "all that left no trace");
    has("b", 905, 0, 905);

    strcpy(in.free_channel, "gift");
    EQ_INT(fk_checkout(&shop, &shop_env, &in, &view), FK_OK,
           "unless there is a channel for that");
    EQ_STR(view.channel, "gift", "through which it goes");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "delivered");
    EQ_INT(FK_ORDER(&shop, fk_order_find(&shop, view.id.bytes))->split, 0,
           "and paid by nobody");
    has("b", 905, 0, 905);
}


/* Earned and spent at once; the lines are of the same record. */
static void
test_split(void)
{
    fk_split_t       split;
    fk_checkout_t    in;
    fk_split_view_t  made;

    split = ledger_split(50, 20, 0);
    in = cart(1);
    EQ_INT(ledger_spend(&in, "b", &split, &view), FK_OK, "with commission");
    has("b", 905 - 500 + 20, 500, 905);
    has("a", 200 + 50, 1000, 1200);
    EQ_INT(fk_order_split(&shop, &view.id, &made), FK_OK, "its split");
    EQ_INT(made.line_count, 2, "has both lines");
    EQ_STR(made.payer, "b", "and who paid");
    replays("b");

    EQ_INT(ledger_return(&view.id, 250, "half"), FK_OK, "half of it back");
    has("b", 905 - 250 + 10, 250, 905);
    has("a", 200 + 25, 1000, 1200);
    replays("b");

    EQ_INT(shop_archive(&view.id, record, &record_size), FK_OK, "it leaves");
    has("b", 905 - 250 + 10, 250, 905);
    EQ_INT(FK_ACCOUNT(&shop, 1)->archived_spent, 250, "as a sum");
    replays("b");
    EQ_INT(fk_archive_split(&shop, record, record_size, &made), FK_OK,
           "in its record");
    EQ_STR(made.payer, "b", "stands who paid");
    FK_ACCOUNT(&shop, 1)->archived_spent = 249;
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_CONFLICT,
           "one that cannot have left");
    FK_ACCOUNT(&shop, 1)->archived_spent = 250;
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_OK,
           "it comes back");
    has("b", 905 - 250 + 10, 250, 905);
    EQ_INT(ledger_return(&view.id, 250, "the rest"), FK_OK, "and all of it");
    has("b", 905, 0, 905);
    has("a", 200, 1000, 1200);
    replays("b");
}


static void
test_refunds(void)
{
    char           text[FK_ORDER_TEXT_SIZE + 1];
    fk_checkout_t  in;

    memset(text, 0, sizeof(text));
    in = cart(1);
    shop_rules(&in, 500, 400, "somebody should look");
    EQ_INT(ledger_spend(&in, "b", NULL, &view), FK_OK, "to be looked at");
    EQ_INT(view.status, FK_STATUS_UNDER_REVIEW, "is not delivered");
    has("b", 505, 400, 905);
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_DENY, &view), FK_OK,
           "denied");
    EQ_INT(view.status, FK_STATUS_REFUND_DUE, "it is owed");
    has("b", 505, 400, 905);
    replays("b");
    fk_order_id_text(&view.id, text);
    EQ_INT(fk_refund(&shop, &shop_env, &view.id, str(text), &view), FK_OK,
           "given back");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "by that");
    has("b", 905, 0, 905);
    replays("b");
    EQ_INT(fk_refund(&shop, &shop_env, &view.id, str(text), &view), FK_EXISTS,
           "once");
    EQ_INT(shop_archive(&view.id, record, &record_size), FK_OK, "it leaves");
    has("b", 905, 0, 905);
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_OK, "and back");
    has("b", 905, 0, 905);

    in = cart(1);
    shop_rules(&in, 500, 400, "somebody should look");
    EQ_INT(ledger_spend(&in, "b", NULL, &view), FK_OK, "another");
    EQ_INT(fk_approve(&shop, &shop_env, &view.id, NULL, &view), FK_OK,
           "approved");
    EQ_INT(view.status, FK_STATUS_DELIVERED, "is delivered");
    has("b", 505, 400, 905);

    in = cart(1);
    shop_rules(&in, 500, 400, "somebody should look");
    EQ_INT(ledger_spend(&in, "b", NULL, &view), FK_OK, "a third");
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_DENY, &view), FK_OK,
           "denied");
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REFUNDED, &view),
           FK_OK, "and all given back at once");
    has("b", 505, 400, 905);
}


static void
owed_is(uint32_t count, int64_t owed, uint8_t state)
{
    uint32_t   n, cursor;
    fk_owed_t  out[2];

    n = 2;
    cursor = 0;
    memset(out, 0, sizeof(out));
    EQ_INT(fk_owed_list(&shop, str("purse"), &cursor, out, &n), FK_OK,
           "what is owed");
    EQ_INT(n, count, "payments");

    if (count != 0) {
        OK(memcmp(&out[0].id, &view.id, sizeof(view.id)) == 0, "by it");
        EQ_INT(out[0].payment.owed, owed, "so much");
        EQ_INT(out[0].payment.state, state, "in that state");
    }
}


/* Delivered and taken back: the parts have come before, and now the rest. */
static void
test_revoked(void)
{
    char           text[FK_ORDER_TEXT_SIZE + 1];
    uint64_t       seq;
    fk_split_t     split;
    fk_checkout_t  in;

    memset(text, 0, sizeof(text));
    split = ledger_split(100, 50, 0);
    in = cart(1);
    EQ_INT(ledger_spend(&in, "b", &split, &view), FK_OK, "sold");
    has("b", 5 + 50, 900, 905);
    has("a", 200 + 100, 1000, 1200);
    EQ_INT(ledger_return(&view.id, 200, "part"), FK_OK, "a part back");
    has("b", 5 + 200 + 30, 700, 905);

    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REVOKE, &view),
           FK_OK, "revoked");
    EQ_INT(view.status, FK_STATUS_REFUND_DUE, "its money is owed");
    owed_is(1, 300, FK_PAYMENT_STATE_REFUND_DUE);
    has("b", 5 + 200, 700, 905);
    has("a", 200, 1000, 1200);
    EQ_INT(ledger_return(&view.id, 1, "further"), FK_CONFLICT, "no part");
    replays("b");

    fk_order_id_text(&view.id, text);
    EQ_INT(fk_refund_ask(&shop, &shop_env, &view.id, str(text), &view), FK_OK,
           "asked for");
    owed_is(1, 300, FK_PAYMENT_STATE_ASKED);
    has("b", 5 + 200, 700, 905);
    seq = fk_last_seq(&shop);
    EQ_INT(fk_refund(&shop, &shop_env, &view.id, str(text), &view), FK_OK,
           "given back");
    EQ_INT(fk_last_seq(&shop), seq + 1, "in one record");
    EQ_INT(view.status, FK_STATUS_REFUNDED, "by that");
    owed_is(0, 0, 0);
    has("b", 505, 400, 905);
    has("a", 200, 1000, 1200);
    replays("b");
    EQ_INT(fk_refund(&shop, &shop_env, &view.id, str(text), &view), FK_EXISTS,
           "once");
    has("b", 505, 400, 905);

    EQ_INT(shop_archive(&view.id, record, &record_size), FK_OK, "it leaves");
    has("b", 505, 400, 905);
    replays("b");
    EQ_INT(shop_restore(&shop, record, record_size, &view), FK_OK, "and back");
    has("b", 505, 400, 905);
    replays("b");
}


/* Of nothing before, and of all; and before anybody saw it. */
static void
test_revoked_whole(void)
{
    fk_checkout_t  in;

    EQ_INT(spend("b", 1), FK_OK, "sold");
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REVOKE, &view),
           FK_OK, "revoked");
    owed_is(1, 500, FK_PAYMENT_STATE_REFUND_DUE);
    has("b", 5, 900, 905);
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REFUNDED, &view),
           FK_OK, "given back");
    has("b", 505, 400, 905);
    replays("b");

    EQ_INT(spend("b", 1), FK_OK, "another");
    EQ_INT(ledger_return(&view.id, 500, "whole"), FK_OK, "goes back whole");
    has("b", 505, 400, 905);
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REVOKE, &view),
           FK_OK, "and is revoked");
    owed_is(1, 0, FK_PAYMENT_STATE_REFUND_DUE);
    has("b", 505, 400, 905);
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REFUNDED, &view),
           FK_OK, "which gives back nothing");
    has("b", 505, 400, 905);
    replays("b");

    in = cart(1);
    shop_rules(&in, 500, 400, "somebody should look");
    EQ_INT(ledger_spend(&in, "b", NULL, &view), FK_OK, "to be looked at");
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REVOKE, &view),
           FK_OK, "revoked");
    owed_is(1, 400, FK_PAYMENT_STATE_REFUND_DUE);
    has("b", 105, 800, 905);
    EQ_INT(fk_decide(&shop, &shop_env, &view.id, FK_EVENT_REFUNDED, &view),
           FK_OK, "given back");
    has("b", 505, 400, 905);
    replays("b");
}


/* Credits leave for a sum when their slots are wanted. */
static void
test_full(void)
{
    char      ref[16];
    uint32_t  n, count;

    count = shop.region->table[FK_TABLE_WITHDRAWALS].capacity + 40;

    for (n = 0; n < count; n++) {
        snprintf(ref, sizeof(ref), "n-%u", n);
        shop_must(ledger_credit("b", 1, ref) == FK_OK, "credit");
    }

    OK(FK_ACCOUNT(&shop, 1)->archived_credited > 0, "some have left");
    has("b", 505 + count, 400, 905 + count);
    replays("b");
}


/* What the proofs are for. */
static void
test_damage(void)
{
    char               text[256];
    uint32_t           order;
    fk_split_rec_t    *s;
    fk_account_rec_t  *a;

    order = fk_order_find(&shop, view.id.bytes);
    EQ_INT(spend("b", 1), FK_OK, "an order");
    order = fk_order_find(&shop, view.id.bytes);
    s = FK_SPLIT(&shop, FK_ORDER(&shop, order)->split);
    a = FK_ACCOUNT(&shop, 1);

    a->live.spent--;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    OK(!ledger_audit().ok, "the audit, too");
    EQ_INT(ledger_audit().money[0].ledger_sum, 1, "says by how much");
    a->live.spent++;
    a->live.credited++;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    OK(!ledger_audit().ok, "the audit, too");
    a->live.credited--;
    s->line[FK_LINE_PAYER].account = 0;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    s->line[FK_LINE_PAYER].account = 2;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    s->line[FK_LINE_PAYER].account = 1;
    FK_PAYMENT(&shop, FK_ORDER(&shop, order)->payment)->state =
        FK_PAYMENT_STATE_REFUNDED;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    FK_PAYMENT(&shop, FK_ORDER(&shop, order)->payment)->state =
        FK_PAYMENT_STATE_APPLIED;
    a->archived_spent += FK_AMOUNT_MAX;
    EQ_INT(fk_check(&shop, text, sizeof(text)), FK_CORRUPT, "%s", text);
    a->archived_spent -= FK_AMOUNT_MAX;
    OK(ledger_sound(), "and mended");
}


/* As the shops before this one wrote them: without the new fields. */
static void
test_old_forms(void)
{
    size_t           i, size, used;
    uint8_t          bytes[FK_IMAGE_SPLIT_SIZE];
    fk_code_t        rc;
    fk_image_t       in, out;
    fk_image_type_t  type;

    static const struct {
        fk_image_type_t  type;
        size_t           at, size;     /* of the new fields */
    } forms[] = {
        { FK_IMAGE_ACCOUNT, 32, 16 }, { FK_IMAGE_SPLIT, 36, 4 },
        { FK_IMAGE_WITHDRAWAL, 38, 1 },
    };

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        memset(&in, 0, sizeof(in));

        if (forms[i].type == FK_IMAGE_ACCOUNT) {
            fk_account_image(&shop, 1, &in.account);

        } else if (forms[i].type == FK_IMAGE_SPLIT) {
            fk_split_image(&shop, FK_ORDER(&shop, 1)->split, &in.split);

        } else {
            fk_withdrawal_image(&shop, 1, &in.withdrawal);
        }

        size = fk_image_put(bytes, forms[i].type, &in);
        EQ_INT(bytes[1], 2, "it is written in the newest form");
        used = size - forms[i].size;
        memmove(bytes + forms[i].at, bytes + forms[i].at + forms[i].size,
                used - forms[i].at);
        bytes[1] = 1;
        fk_put(bytes + 2, used, 2);

        memset(&out, 0, sizeof(out));
        rc = fk_image_get(bytes, used, &type, &size, &out);
        EQ_INT(rc, FK_OK, "the one before is read");
        EQ_INT(size, used, "whole");
        OK(type == forms[i].type
           && (type != FK_IMAGE_ACCOUNT
               || (out.account.archived_spent == 0
                   && out.account.archived_credited == 0
                   && out.account.kind == in.account.kind
                   && memcmp(out.account.id, in.account.id,
                             in.account.id_size) == 0))
           && (type != FK_IMAGE_SPLIT
               || (out.split.payer == 0 && in.split.payer != 0
                   && out.split.state == in.split.state
                   && out.split.paid == in.split.paid))
           && (type != FK_IMAGE_WITHDRAWAL
               || (out.withdrawal.credit == 0
                   && out.withdrawal.note_size == in.withdrawal.note_size
                   && out.withdrawal.amount == in.withdrawal.amount)),
           "and knows nothing of what is new");
    }
}


int
main(void)
{
    ledger_open();

    test_credits();
    test_spent();
    test_old_forms();
    test_refused();
    test_split();
    test_refunds();
    test_revoked();
    test_revoked_whole();
    test_full();
    test_damage();

    return tap_done();
}
