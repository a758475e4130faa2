/*
 * Random lives with archiving and restoring in them, many short ones:
 * after each step fk_check() finds the shop sound, and its sums are those of
 * an oracle that knows nothing but what the interface showed.  At the end of
 * each life an audit that ran beside it is right, and the journal gives the
 * same shop, and so does a snapshot that was written while orders came back;
 * what is archived can be restored there as well.
 */

#include "archive_shop.h"
#include "journal_parts.h"


#define LIVES        400
#define LIVES_LONG   8000
#define STEPS        60
#define ORDERS_MAX   STEPS
#define RECORD_SIZE  8192
#define PRODUCTS     3


/* One order, wherever it is. */
typedef struct {
    fk_order_id_t  id;
    uint32_t       product;
    uint32_t       payments;           /* made so far, for trade numbers */
    int            away;
    seen_t         seen;               /* when it left */
    size_t         size;
    uint8_t        record[RECORD_SIZE];
} order_t;


static uint32_t  random_state;
static uint32_t  seed;
static order_t   orders[ORDERS_MAX];
static uint32_t  orders_count;
static uint32_t  next_card;
static uint32_t  left_count, back_count, audits_count, walks_count;
static fk_code_t walk;                 /* of the snapshot, if there is one */
static uint8_t   buffer[FK_ARCHIVE_SIZE_MAX];

static const char *const  skus[PRODUCTS] = { "card", "key", "seats" };


static uint32_t
pick(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}


static int
wrong(const char *what)
{
    printf("#   seed %u: %s\n", seed, what);
    return 1;
}


static void
step_buy(void)
{
    uint32_t         product;
    fk_checkout_t    in;
    fk_order_view_t  out;

    if (orders_count == ORDERS_MAX) {
        return;
    }

    product = pick(PRODUCTS);
    in = shop_cart(skus[product], product == 1 ? 1 : 1 + pick(4));
    in.has_idem = (uint8_t) pick(2);

    if (pick(4) == 0) {
        shop_rules(&in, 500 * (int64_t) in.qty, 1 + pick(999),
                   pick(2) ? "an odd order, which somebody should look at"
                           : NULL);

        /* Some are a gift. */
        if (in.step[FK_STEP_COUPON] % 5 == 0) {
            in.way = FK_WAY_FREE;
            in.step[FK_STEP_RULE] = 0;
            in.step[FK_STEP_COUPON] = 0;
        }
    }

    if (fk_checkout(&shop, &shop_env, &in, &out) == FK_OK) {
        memset(&orders[orders_count], 0, sizeof(order_t));
        orders[orders_count].id = in.id;
        orders[orders_count++].product = product;
    }
}


static void
step_pay(order_t *o)
{
    char             trade[32];
    fk_order_view_t  view;
    fk_pay_result_t  result;

    if (fk_order_get(&shop, &o->id, &view) != FK_OK) {
        return;
    }

    snprintf(trade, sizeof(trade), "%u-%u", (unsigned) (o - orders),
             pick(4) == 0 && o->payments != 0 ? pick(o->payments)
                                              : o->payments++);
    (void) shop_pay(&o->id, trade, view.amount + (pick(4) == 0), &result,
                    &view);
}


static void
step_start(order_t *o)
{
    fk_order_view_t  view;

    (void) fk_order_start(&shop, &shop_env, &o->id,
                          str("{\"id\":\"more than a block of it\", "
                              "\"url\":\"and not of three\"}"), &view);
}


/* Of one of its payments, whatever it is: asked for, refused, given back; or
 * of the order, a part. */
static void
step_refund(order_t *o)
{
    char             trade[32];
    fk_order_view_t  view;

    snprintf(trade, sizeof(trade), "%u-%u", (unsigned) (o - orders),
             pick(o->payments + 1));

    switch (pick(4)) {
    case 0:
        (void) fk_refund_ask(&shop, &shop_env, &o->id, str(trade), &view);
        break;
    case 3:
        (void) fk_refund_part(&shop, &shop_env, &o->id, 1 + pick(600),
                              str(trade), &view);
        break;
    case 1:
        (void) fk_refund_back(&shop, &shop_env, &o->id, str(trade), &view);
        break;
    default:
        (void) fk_refund(&shop, &shop_env, &o->id, str(trade), &view);
    }
}


static void
step_decide(order_t *o)
{
    fk_order_view_t  view;

    static const fk_event_t  events[] = {
        FK_EVENT_APPROVE, FK_EVENT_DENY, FK_EVENT_GIVE_UP, FK_EVENT_REFUNDED,
        FK_EVENT_REFUNDED, FK_EVENT_REVOKE
    };

    if (pick(5) == 0) {
        (void) fk_cancel(&shop, &shop_env, &o->id, &view);
    } else {
        (void) fk_decide(&shop, &shop_env, &o->id, events[pick(6)], &view);
    }
}


static void
step_import(void)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  batch, accepted, n;
    uint64_t  seq;

    if (fk_import_begin(&shop, &shop_env, str("card"), &batch) != FK_OK) {
        return;
    }

    n = 1 + pick(8);
    (void) shop_add(batch, next_card, n, (uint16_t) (40 + pick(100)), results);
    next_card += n;

    if (pick(4) == 0) {
        (void) fk_import_abort(&shop, &shop_env, batch);
    } else {
        (void) fk_import_commit(&shop, &shop_env, batch, &accepted, &seq);
    }
}


/* As the list finds them: whichever is finished, whatever its age. */
static int
step_archive(void)
{
    uint32_t       i, k, n, cursor;
    seen_t         was;
    order_t       *o;
    fk_code_t      rc;
    fk_order_id_t  ids[FK_LIST_SLICE_MAX];

    cursor = 0;
    n = fk_archive_list(&shop, &shop_env, 0, &cursor, ids, 1 + pick(4));

    for (i = 0; i < n; i++) {
        for (k = 0; k < orders_count; k++) {
            if (memcmp(&orders[k].id, &ids[i], sizeof(ids[i])) == 0) {
                break;
            }
        }

        if (k == orders_count || orders[k].away) {
            return wrong("an order is listed that is not there");
        }

        o = &orders[k];
        was = seen(&shop, &o->id);

        rc = shop_archive(&o->id, buffer, &o->size);

        if (rc == FK_AGAIN && walk == FK_AGAIN) {
            return 0;
        }

        if (rc != FK_OK) {
            return wrong("a listed order does not leave");
        }

        shop_must(o->size <= RECORD_SIZE, "record size");
        memcpy(o->record, buffer, o->size);
        o->seen = was;
        o->away = 1;
        left_count++;
    }

    return 0;
}


static int
step_restore(order_t *o)
{
    seen_t           is;
    fk_order_view_t  view;

    if (!o->away) {
        return 0;
    }

    if (shop_restore(&shop, o->record, o->size, &view) != FK_OK) {
        return wrong("an archived order does not come back");
    }

    is = seen(&shop, &o->id);
    o->away = 0;
    back_count++;

    return seen_same(&o->seen, &is) ? 0 : wrong("it is another one");
}


/* What all orders together come to, here and away. */
typedef struct {
    int64_t  sold[PRODUCTS];
    int64_t  units[PRODUCTS];
    int64_t  orders[PRODUCTS];
    int64_t  amount[PRODUCTS];
    int64_t  kept;
    int64_t  kept_away;
} sums_t;


static sums_t
oracle(void)
{
    seen_t    is;
    sums_t    sums;
    int64_t   amount;
    order_t  *o;
    uint32_t  i, n;

    memset(&sums, 0, sizeof(sums));

    for (i = 0; i < orders_count; i++) {
        o = &orders[i];
        is = o->away ? o->seen : seen(&shop, &o->id);
        amount = 0;

        for (n = 0; n < is.payments_count; n++) {
            switch (is.payments[n].state) {
            case FK_PAYMENT_STATE_APPLIED:
            case FK_PAYMENT_STATE_REVIEW:
                amount += is.payments[n].amount;
                break;
            default:
                amount += is.payments[n].owed;
            }
        }

        /* What is owed is less by the parts already. */
        if (is.view.axes.payment == FK_PAYMENT_PAID) {
            amount -= is.view.returned;
        }

        sums.kept += amount;

        if (is.view.axes.stock == FK_STOCK_ALLOCATED) {
            sums.sold[o->product] += is.view.qty;
            sums.units[o->product] += o->away ? is.view.qty : 0;
        }

        if (o->away) {
            sums.orders[o->product]++;
            sums.amount[o->product] += amount;
            sums.kept_away += amount;
        }
    }

    return sums;
}


static int
sums_wrong(fk_t *fk, const sums_t *sums)
{
    uint32_t           i;
    fk_product_view_t  view;

    for (i = 0; i < PRODUCTS; i++) {
        if (fk_product_get(fk, &shop_env, str(skus[i]), &view) != FK_OK) {
            return wrong("a product is not there");
        }

        if (view.sold != sums->sold[i]
            || view.archived_units != sums->units[i]
            || view.archived_orders != sums->orders[i]
            || view.archived_amount != sums->amount[i])
        {
            return wrong("sums differ from the orders'");
        }

        if (view.kind != FK_KIND_SHARED
            && view.imported != view.available + view.held + view.sold
                                + view.voided)
        {
            return wrong("units are missing");
        }
    }

    return 0;
}


/* A slice of an audit that goes on all the time; its end is compared. */
static int
step_audit(const sums_t *sums)
{
    int64_t            amount, away;
    fk_code_t          rc;
    fk_audit_totals_t  totals;

    rc = fk_audit_step(&shop, &shop_env, 9, 1 + pick(40));

    if (rc == FK_AGAIN) {
        return 0;
    }

    /* Changed further, now behind its cursor wherever it is. */
    if (pick(3) != 0) {
        return 0;
    }

    if (rc != FK_OK || fk_audit_end(&shop, 9, &totals) != FK_OK
        || !totals.ok)
    {
        return wrong("the audit finds something");
    }

    amount = totals.currency_count == 0 ? 0 : totals.money[0].amount;
    away = totals.currency_count == 0 ? 0 : totals.money[0].archived_amount;
    audits_count++;

    if (amount != sums->kept || away != sums->kept_away
        || totals.archived_units != sums->units[0] + sums->units[1]
                                    + sums->units[2]
        || totals.archived_orders != sums->orders[0] + sums->orders[1]
                                     + sums->orders[2])
    {
        return wrong("the audit has other sums");
    }

    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
    return 0;
}


/* Begins once a life, and takes its time. */
static void
step_walk(void)
{
    if (walk == FK_NOT_FOUND && pick(STEPS / 2) == 0) {
        parts_begin();
        walk = FK_AGAIN;

    } else if (walk == FK_AGAIN && pick(4) == 0) {
        walk = parts_step();

        if (walk == FK_OK) {
            fk_snapshot_end(&shop, WALKER);
            walks_count++;
        }
    }

    /* Its owner is never late here, though the clock jumps. */
    shop.region->snapshot.fresh_until_ms = shop_env.now_ms + 1000000;
}


static int
step(void)
{
    uint32_t   what;
    order_t   *o;

    what = pick(100);
    o = &orders[orders_count == 0 ? 0 : pick(orders_count)];

    if (what < 20 || orders_count == 0) {
        step_buy();
    } else if (what < 43) {
        if (pick(3) == 0) {
            step_start(o);
        }
        step_pay(o);
    } else if (what < 53) {
        step_decide(o);
        step_refund(o);
    } else if (what < 57) {
        step_import();
    } else if (what < 67) {
        shop_wait_s(pick(1000));
        (void) shop_tick();
    } else if (what < 80) {
        return step_archive();
    } else if (what < 97) {
        return step_restore(o);
    } else {
        kept_flush();
    }

    return 0;
}


/* In the twin everything is as it is here, and what is away can come back. */
static int
life_again(const sums_t *sums, int from_parts)
{
    char             why[256];
    fk_t             twin;
    fk_code_t        rc;
    seen_t           is, was;
    uint32_t         i;
    order_t         *o;
    fk_order_view_t  view;

    kept_flush();
    region_new(&twin, SHOP_SIZE);

    rc = from_parts ? parts_recover(&twin, why)
                    : region_recover(&twin, kept, kept_size, why);

    if (rc != FK_OK || fk_check(&twin, why, sizeof(why)) != FK_OK)
    {
        return wrong(why);
    }

    if (sums_wrong(&twin, sums)) {
        return 1;
    }

    for (i = 0; i < orders_count; i++) {
        o = &orders[i];

        if (o->away
            && shop_restore(&twin, o->record, o->size, &view) != FK_OK)
        {
            return wrong("an order does not come back after a recovery");
        }

        was = o->away ? o->seen : seen(&shop, &o->id);
        is = seen(&twin, &o->id);

        if (!seen_same(&was, &is)) {
            return wrong("an order is another one after a recovery");
        }
    }

    i = fk_check(&twin, why, sizeof(why)) != FK_OK ? wrong(why) : 0;
    region_drop(&twin);
    return (int) i;
}


static int
life(void)
{
    uint32_t  i;
    sums_t    sums;

    random_state = seed * 2654435761u;
    orders_count = 0;
    kept_size = 0;
    next_card = 1000;
    walk = FK_NOT_FOUND;

    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 20);
    shop_stock("card", 1, 4 + pick(10));
    shop_stock("key", 500, 1);
    shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");

    for (i = 0; i < STEPS; i++) {
        step_walk();

        if (step()) {
            return 1;
        }

        sums = oracle();

        if (sums_wrong(&shop, &sums) || step_audit(&sums)) {
            return 1;
        }

        /* It ends an audit, so not after each step of each life. */
        if (seed % 2 == 0 && !shop_sound()) {
            return wrong("not sound");
        }

        if (shop.region->audit.owner == 0) {
            shop_must(fk_audit_begin(&shop, &shop_env, 9) == FK_OK, "audit");
        }
    }

    if (!shop_sound()) {
        return wrong("not sound");
    }

    return life_again(&sums, 0)
           || (walk == FK_OK && life_again(&sums, 1));
}


int
main(void)
{
    uint32_t  lives, failed;

    lives = getenv("FAKA_LONG") != NULL ? LIVES_LONG : LIVES;
    failed = 0;

    for (seed = 1; seed <= lives; seed++) {
        failed += (uint32_t) life();
    }

    EQ_INT(failed, 0, "%u lives, %u orders left, %u came back, %u audits, "
           "%u snapshots", lives, left_count, back_count, audits_count,
           walks_count);
    OK(left_count > lives && back_count > lives && audits_count > lives
       && walks_count > lives / 4, "and each of them happened often");

    return tap_done();
}
