/*
 * The operations, in the order in which a round does them: each finds the
 * shop as those before it left it.  Of the orders every second one is paid,
 * and the others expire.
 */

#include <stdio.h>
#include <string.h>

#include "micro.h"


#define MICRO_START_S      1700000000
#define MICRO_HOLD_S       900
#define MICRO_LONG_HOLD_S  7200

/* Without a common factor with any count: who comes next in time does not
 * stand beside in memory. */
#define MICRO_STRIDE       611953u


static fk_str_t  micro_hot = { (const uint8_t *) "hot", 3 };
static fk_str_t  micro_none = { (const uint8_t *) "none", 4 };
static fk_str_t  micro_file[MICRO_THREADS_MAX] = {
    { (const uint8_t *) "file0", 5 }, { (const uint8_t *) "file1", 5 }
};


static void
micro_product(micro_worker_t *w, fk_str_t sku)
{
    int                created;
    uint64_t           seq;
    const char        *field;
    fk_product_put_t   put;
    fk_product_view_t  view;

    memset(&put, 0, sizeof(put));
    put.sku = sku;
    put.fields = FK_PUT_NAME | FK_PUT_PRICE | FK_PUT_KIND;
    put.name = sku;
    put.price = 500;
    memcpy(put.currency, "CNY", 3);
    put.kind = FK_KIND_CARD;

    micro_must(fk_product_put(&w->fk, &w->env, &put, &view, &created, &seq,
                              &field) == FK_OK, "a product");
}


void
micro_shop(micro_worker_t *w)
{
    uint32_t  i;

    w->env.now_ms = (int64_t) MICRO_START_S * 1000;
    micro_product(w, micro_hot);
    micro_product(w, micro_none);

    for (i = 0; i < MICRO_THREADS_MAX; i++) {
        micro_product(w, micro_file[i]);
    }
}


/* The first thread's file is what the orders take from: two at once into one
 * product are not to be had. */

void
micro_import_begin(micro_worker_t *w)
{
    micro_must(fk_import_begin(&w->fk, &w->env, w->thread == 0 ? micro_hot
                               : micro_file[w->thread], &w->batch) == FK_OK,
               "an import");
}


void
micro_import_end(micro_worker_t *w)
{
    uint32_t  accepted;
    uint64_t  seq;

    micro_must(fk_import_commit(&w->fk, &w->env, w->batch, &accepted, &seq)
               == FK_OK, "the end of an import");
}


/* A nonce is a digest: it looks random. */

static uint64_t
micro_mixed(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15ull;
    n = (n ^ (n >> 29)) * 0xbf58476d1ce4e5b9ull;
    return n ^ (n >> 32);
}


static void
micro_import_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
    uint32_t  i;
    uint64_t  mixed;

    for (i = 0; i < n; i++) {
        mixed = micro_mixed(first + i);
        memset(w->sealed[i], 0x5a, sizeof(w->sealed[i]));
        memcpy(w->sealed[i], &mixed, sizeof(mixed));
        w->card[i].sealed = w->sealed[i];
        w->card[i].size = sizeof(w->sealed[i]);
        w->card[i].old_nonce = NULL;
    }
}


static uint32_t
micro_import(micro_worker_t *w, uint32_t n)
{
    uint8_t   results[FK_IMPORT_SLICE_MAX];
    uint32_t  i, slice;

    for (i = 0; i < n; i += slice) {
        slice = n - i < FK_IMPORT_SLICE_MAX ? n - i : FK_IMPORT_SLICE_MAX;
        micro_must(fk_import_add(&w->fk, &w->env, w->batch, w->card + i,
                                 slice, results) == FK_OK, "cards");
    }

    return n;
}


static fk_order_id_t
micro_id(uint32_t n)
{
    uint64_t       mixed[2];
    fk_order_id_t  id;

    mixed[0] = micro_mixed(n);
    mixed[1] = mixed[0] * 3;
    fk_order_id_make(&id, (int64_t) MICRO_START_S * 1000 + n / 64,
                     (uint8_t *) mixed);
    return id;
}


static void
micro_checkout_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
    uint32_t        i;
    uint64_t        mixed;
    fk_checkout_t  *in;

    static const char  contact[] = "a-contact-of-32-bytes@shop.inval";

    for (i = 0; i < n; i++) {
        in = &w->cart[i];
        memset(in, 0, sizeof(*in));
        mixed = micro_mixed(first + i);

        in->id = micro_id(first + i);
        in->sku = micro_hot;
        in->qty = 1;
        in->contact.data = (const uint8_t *) contact;
        in->contact.size = sizeof(contact) - 1;
        memcpy(in->channel, "epay", 4);
        in->hold_s = (first + i) % 2 ? MICRO_HOLD_S : MICRO_LONG_HOLD_S;
        in->has_idem = 1;
        memcpy(in->idem, &mixed, sizeof(mixed));
    }
}


static uint32_t
micro_checkout(micro_worker_t *w, uint32_t n)
{
    uint32_t         i;
    fk_order_view_t  out;

    for (i = 0; i < n; i++) {
        micro_must(fk_checkout(&w->fk, &w->env, &w->cart[i], &out) == FK_OK,
                   "a checkout");
    }

    return n;
}


static void
micro_look_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        w->id[i] = micro_id((uint32_t) ((uint64_t) (first + i) * MICRO_STRIDE
                                        % w->count));
    }
}


static uint32_t
micro_look(micro_worker_t *w, uint32_t n)
{
    uint32_t         i;
    fk_order_view_t  out;

    for (i = 0; i < n; i++) {
        micro_must(fk_order_get(&w->fk, &w->id[i], &out) == FK_OK,
                   "an order");
    }

    return n;
}


static void
micro_pay_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
    uint32_t   i, order;
    fk_pay_t  *in;

    for (i = 0; i < n; i++) {
        order = (uint32_t) ((uint64_t) (first + i) * MICRO_STRIDE
                            % (w->count / 2)) * 2;
        in = &w->pay[i];
        memset(in, 0, sizeof(*in));

        in->id = micro_id(order);
        in->channel.data = (const uint8_t *) "epay";
        in->channel.size = 4;
        in->trade_no.data = (const uint8_t *) w->trade_no[i];
        in->trade_no.size = (size_t) snprintf(w->trade_no[i],
                                              sizeof(w->trade_no[i]),
                                              "2024010122001%015u", order);
        in->amount = 500;
        memcpy(in->currency, "CNY", 3);
    }
}


static uint32_t
micro_pay(micro_worker_t *w, uint32_t n)
{
    uint32_t         i;
    fk_pay_result_t  result;
    fk_order_view_t  out;

    for (i = 0; i < n; i++) {
        micro_must(fk_pay(&w->fk, &w->env, &w->pay[i], &result, &out) == FK_OK
                   && result == FK_PAY_DELIVERED, "a payment");
    }

    return n;
}


/* The time until then passes before the clock starts: a shop that is ticked
 * several times a second never has so much of it at once. */

static void
micro_expire_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
    uint32_t   i;
    fk_tick_t  out;

    w->env.now_ms = ((int64_t) MICRO_START_S + MICRO_HOLD_S - 1) * 1000;

    for (i = 0; i < MICRO_HOLD_S; i++) {
        if (fk_tick(&w->fk, &w->env, MICRO_CHUNK, &out) == FK_OK) {
            break;
        }
    }

    w->env.now_ms += 2000;
}


static uint32_t
micro_expire(micro_worker_t *w, uint32_t n)
{
    fk_code_t  rc;
    fk_tick_t  out;

    rc = fk_tick(&w->fk, &w->env, MICRO_CHUNK, &out);
    micro_must(rc == FK_OK || rc == FK_AGAIN, "a tick");

    return out.expired_count;
}


static void
micro_sold_out_prepare(micro_worker_t *w, uint32_t first, uint32_t n)
{
}


static uint32_t
micro_sold_out(micro_worker_t *w, uint32_t n)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        micro_must(fk_product_peek(&w->fk, &w->env, micro_none, 1)
                   == FK_SOLD_OUT, "sold out");
    }

    return n;
}


const micro_op_t  micro_ops[MICRO_OPS] = {
    { "import, a card", 4, micro_import_prepare, micro_import },
    { "checkout", 2, micro_checkout_prepare, micro_checkout },
    { "order look-up", 2, micro_look_prepare, micro_look },
    { "payment", 1, micro_pay_prepare, micro_pay },
    { "expiry", 1, micro_expire_prepare, micro_expire },
    { "sold out", 2, micro_sold_out_prepare, micro_sold_out }
};
