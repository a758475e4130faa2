/*
 * Everything at once, in threads with a handle each: buying, paying,
 * importing, ticking, flushing, auditing and looking.  It is the program for
 * ThreadSanitizer; the sums at the end are for everybody.
 */

#include <pthread.h>

#include "engine_shop.h"
#include "fk_tally.h"


#define BUYERS   3
#define ROUNDS   2500
#define CARDS    2000
#define PERSONS  8                     /* who buy, from all threads */
#define LIMIT    60                    /* cards for each of them */
#define USES     70                    /* of the coupon */


static unsigned           busy;        /* threads that still sell */
static pthread_barrier_t  start;


/* Each thread begins here, all at the same moment. */
static fk_t
handle(void)
{
    fk_t         fk;
    const char  *why;

    shop_must(fk_attach(&fk, shop.base, shop.size, &why) == FK_OK, "attach");
    (void) pthread_barrier_wait(&start);
    return fk;
}


static int
still_busy(void)
{
    return __atomic_load_n(&busy, __ATOMIC_ACQUIRE) != 0;
}


static void *
buyer(void *data)
{
    char               trade[32];
    fk_t               fk;
    uint32_t           i, number;
    fk_pay_t           pay;
    fk_checkout_t      in;
    fk_order_view_t    out;
    fk_pay_result_t    result;

    static const char *const  skus[] = { "card", "key", "seats" };

    fk = handle();

    for (i = 0; i < ROUNDS; i++) {
        number = (uint32_t) (uintptr_t) data * ROUNDS + i;

        if (fk_product_peek(&fk, &shop_env, str(skus[i % 3]), 1) != FK_OK) {
            continue;
        }

        memset(&in, 0, sizeof(in));
        in.id = shop_id(number);
        in.sku = str(skus[i % 3]);
        in.qty = 1;
        in.contact = str("somebody@example.invalid");
        strcpy(in.channel, "epay");
        in.hold_s = SHOP_HOLD_S;
        shop_buyer(&in, i % PERSONS, i % 5 == 0 ? "off" : "");

        if (fk_checkout(&fk, &shop_env, &in, &out) != FK_OK) {
            continue;
        }

        if (i % 4 == 0) {
            (void) fk_cancel(&fk, &shop_env, &in.id, &out);
            continue;
        }

        snprintf(trade, sizeof(trade), "t-%u", number);
        memset(&pay, 0, sizeof(pay));
        pay.id = in.id;
        pay.channel = str("epay");
        pay.trade_no = str(trade);
        pay.amount = out.amount + (i % 16 == 1);
        strcpy(pay.currency, "CNY");
        (void) fk_pay(&fk, &shop_env, &pay, &result, &out);
        (void) fk_durable_seq(&fk);
    }

    __atomic_sub_fetch(&busy, 1, __ATOMIC_RELEASE);
    return NULL;
}


static void *
importer(void *data)
{
    fk_t          fk;
    uint8_t       sealed[8][FK_SEALED_SIZE_MAX], results[8];
    uint32_t      n, i, batch, accepted;
    uint64_t      seq;
    fk_code_t     code;
    fk_card_in_t  cards[8];

    fk = handle();

    for (n = 0; n < CARDS; n += 8) {
        /* An aborted one keeps the product until it is taken apart. */
        do {
            code = n % 80 != 0 ? FK_OK
                   : fk_import_begin(&fk, &shop_env, str("card"), &batch);
        } while (code == FK_BUSY_IMPORT || code == FK_RING_FULL
                 || code == FK_LOCK_TIMEOUT);

        shop_must(code == FK_OK, "begin");

        for (i = 0; i < 8; i++) {
            shop_seal(10000 + n + i, sealed[i], 60);
            cards[i].sealed = sealed[i];
            cards[i].size = 60;
            cards[i].old_nonce = NULL;
        }

        while (fk_import_add(&fk, &shop_env, batch, cards, 8, results)
               == FK_RING_FULL) { }

        if (n % 80 == 72) {
            (void) (n % 240 == 72
                    ? fk_import_abort(&fk, &shop_env, batch)
                    : fk_import_commit(&fk, &shop_env, batch, &accepted,
                                       &seq));
        }
    }

    __atomic_sub_fetch(&busy, 1, __ATOMIC_RELEASE);
    return NULL;
}


static void *
ticker(void *data)
{
    fk_t       fk;
    fk_tick_t  out;

    fk = handle();
    while (still_busy()) {
        (void) fk_tick(&fk, &shop_env, 16, &out);
    }

    return NULL;
}


/* Two of these compete for the lease; one in ten loses its reply. */
static void *
flusher(void *data)
{
    fk_t               fk;
    uint32_t           n, sum, part;
    uint64_t           owner, top;
    size_t             at;
    fk_batch_t         batch;
    fk_journal_view_t  view;

    fk = handle();
    owner = (uint64_t) (uintptr_t) data;
    sum = 0;

    for (n = 0; still_busy(); n++) {
        switch (fk_flush_take(&fk, owner, 0, &batch)) {

        case FK_FLUSH_SEND:
            for (part = 0; part < 2; part++) {
                for (at = 0; at < batch.size[part]; at += 64) {
                    sum += batch.part[part][at];
                }
            }

            if (n % 10 == 0) {
                fk_flush_unknown(&fk, owner);
            } else {
                (void) fk_flush_done(&fk, owner, batch.last_seq);
            }
            break;

        case FK_FLUSH_PROBE:
            fk_journal_view(&fk, &view);
            top = view.durable_seq;
            (void) fk_flush_top(&fk, owner, 1, top);
            break;

        default:
            break;
        }
    }

    return (void *) (uintptr_t) (sum & 1);
}


static void *
auditor(void *data)
{
    fk_t               fk;
    uintptr_t          wrong;
    fk_code_t          rc;
    fk_audit_totals_t  totals;

    fk = handle();
    wrong = 0;

    while (still_busy()) {
        rc = fk_audit_begin(&fk, &shop_env, 5);

        while (rc == FK_OK || rc == FK_AGAIN) {
            rc = fk_audit_step(&fk, &shop_env, 5, 64);
            if (rc == FK_OK) {
                wrong += fk_audit_end(&fk, 5, &totals) != FK_OK || !totals.ok;
                break;
            }
        }
    }

    return (void *) wrong;
}


static void *
looker(void *data)
{
    fk_t               fk;
    uint32_t           n, cursor;
    fk_usage_t         usage[FK_USAGE_COUNT];
    fk_order_view_t    orders[8];
    fk_order_filter_t  filter;
    fk_product_view_t  products[4];

    fk = handle();
    memset(&filter, 0, sizeof(filter));
    filter.status = -1;

    while (still_busy()) {
        n = 4;
        cursor = 0;
        (void) fk_product_list(&fk, &shop_env, &cursor, products, &n);
        n = 8;
        cursor = 0;
        (void) fk_order_list(&fk, &filter, &cursor, orders, &n);
        fk_usage(&fk, usage);
    }

    return NULL;
}


/* What the flushers left, perhaps in doubt or with the lease of one that did
 * not get the lock in time, so that the ring has room. */
static void
drain(void)
{
    fk_batch_t     batch;
    fk_flush_t     work;
    const int64_t  late_ms = FK_FLUSH_LEASE_MS + 1;

    while ((work = fk_flush_take(&shop, 21, late_ms, &batch))
           != FK_FLUSH_NOTHING)
    {
        shop_must((work == FK_FLUSH_SEND
                   ? fk_flush_done(&shop, 21, batch.last_seq)
                   : fk_flush_top(&shop, 21, 1, fk_durable_seq(&shop)))
                  == FK_OK, "drain");
    }
}


int
main(void)
{
    void               *result;
    size_t              i, n;
    uint8_t             key[FK_TALLY_KEY_SIZE];
    uint32_t            slot;
    pthread_t           thread[BUYERS + 6];
    fk_coupon_put_t     coupon;
    fk_product_view_t   view;

    static const struct {
        void    *(*run)(void *data);
        uintptr_t  data;
    } roles[BUYERS + 6] = {
        { buyer, 1 }, { buyer, 2 }, { buyer, 3 }, { importer, 0 },
        { ticker, 0 }, { flusher, 11 }, { flusher, 12 }, { auditor, 0 },
        { looker, 0 }
    };

    n = sizeof(roles) / sizeof(roles[0]);
    shop_open();
    shop_product("card", FK_KIND_CARD, 0);
    shop_product("key", FK_KIND_SHARED, 0);
    shop_product("seats", FK_KIND_COUNTED, 400);
    shop_stock("card", 1, 600);
    shop_stock("key", 5000, 1);
    shop_terms("card", LIMIT);
    coupon = shop_coupon_of("off", FK_COUPON_FIXED, 1);
    coupon.uses_max = USES;
    coupon.uses_buyer_max = USES;
    shop_must(shop_coupon_put(&coupon) == FK_OK
              && shop_level("gold", 100, 3000) == FK_OK, "terms");
    busy = BUYERS + 1;
    shop_must(pthread_barrier_init(&start, NULL, (unsigned) n) == 0,
              "barrier");

    for (i = 0; i < n; i++) {
        shop_must(pthread_create(&thread[i], NULL, roles[i].run,
                                 (void *) roles[i].data) == 0, "thread");
    }

    for (i = 0; i < n; i++) {
        shop_must(pthread_join(thread[i], &result) == 0, "join");
        if (roles[i].run == auditor) {
            EQ_INT((uintptr_t) result, 0, "no audit found anything");
        }
    }

    drain();
    (void) shop_tick();
    view = shop_view("card");
    EQ_INT(view.imported, view.available + view.held + view.sold
           + view.voided, "no card is lost");
    OK(view.sold > 100, "%d were sold", (int) view.sold);
    view = shop_view("seats");
    OK(view.held + view.sold <= 400 && view.sold > 100,
       "no seat is sold twice");
    EQ_INT(shop_coupon_view("off").uses_count, USES,
           "the coupon was used as often as it may, and not once more");

    for (i = 0; i < PERSONS; i++) {
        shop_digest((uint32_t) i, str("card"), key);
        slot = fk_tally_find(&shop, FK_TALLY_QUOTA, key);
        OK(slot != 0 && FK_TALLY(&shop, slot)->live.units <= LIMIT,
           "buyer %u has no more than he may", (unsigned) i);
    }

    OK(shop_sound(), "the shop is sound");

    return tap_done();
}
