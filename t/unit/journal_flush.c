/*
 * The flush protocol, step by step: each case is a list of what processes do
 * and what they must be told.  Senders that die, replies that are lost,
 * journals that lost their tail, and servers that were replaced.
 */

#include "journal_shop.h"


typedef enum {
    STEP_END = 0,
    STEP_WRITE,                        /* n records */
    STEP_TAKE,                         /* want: fk_flush_t; n: last_seq */
    STEP_DONE,                         /* want: fk_code_t; n: last_seq */
    STEP_UNKNOWN,
    STEP_SUSPECT,
    STEP_BREAK,                        /* owner is known to be dead */
    STEP_TOP,                          /* want: fk_code_t; epoch, n */
    STEP_FENCE,                        /* n: epoch */
    STEP_LATER,                        /* n: ms */
    STEP_DURABLE,                      /* n: durable_seq */
    STEP_STATE                         /* want: fk_shop_state_t */
} step_kind_t;


typedef struct {
    step_kind_t  kind;
    uint64_t     owner;
    uint64_t     n;
    int          want;
    uint64_t     epoch;
} step_t;


#define STEPS_MAX  16

/* The shop opens in epoch 1, after record 1, which made the product. */

static const struct {
    const char  *name;
    step_t       step[STEPS_MAX];
} cases[] = {

    { "nothing to send", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 7, 1, FK_OK, 0 },
        { STEP_DURABLE, 0, 1, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_NOTHING, 0 } } },

    { "one sends, the others wait, and all that came goes next", {
        { STEP_WRITE, 0, 2, 0, 0 },
        { STEP_TAKE, 7, 3, FK_FLUSH_SEND, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_OTHER, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_OTHER, 0 },
        { STEP_WRITE, 0, 5, 0, 0 },
        { STEP_DURABLE, 0, 0, 0, 0 },
        { STEP_DONE, 7, 3, FK_OK, 0 },
        { STEP_DURABLE, 0, 3, 0, 0 },
        { STEP_TAKE, 8, 8, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 8, 8, FK_OK, 0 },
        { STEP_DURABLE, 0, 8, 0, 0 } } },

    { "only the owner, and only its batch, can be done", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 8, 1, FK_CONFLICT, 0 },
        { STEP_DONE, 7, 2, FK_CONFLICT, 0 },
        { STEP_DONE, 7, 0, FK_CONFLICT, 0 },
        { STEP_DONE, 0, 1, FK_CONFLICT, 0 },
        { STEP_DURABLE, 0, 0, 0, 0 },
        { STEP_DONE, 7, 1, FK_OK, 0 },
        { STEP_DONE, 7, 1, FK_CONFLICT, 0 } } },

    { "a sender died and its batch had landed", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_LATER, 0, FK_FLUSH_LEASE_MS - 1, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_OTHER, 0 },
        { STEP_LATER, 0, 1, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_PROBE, 0 },
        { STEP_DONE, 7, 1, FK_CONFLICT, 0 },
        { STEP_TOP, 8, 1, FK_OK, 1 },
        { STEP_DURABLE, 0, 1, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_NOTHING, 0 } } },

    { "a sender died and its batch had not landed", {
        { STEP_WRITE, 0, 3, 0, 0 },
        { STEP_TAKE, 7, 4, FK_FLUSH_SEND, 0 },
        { STEP_WRITE, 0, 1, 0, 0 },
        { STEP_LATER, 0, FK_FLUSH_LEASE_MS, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 8, 0, FK_OK, 1 },
        { STEP_DURABLE, 0, 0, 0, 0 },
        { STEP_TAKE, 8, 5, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 8, 5, FK_OK, 0 },
        { STEP_DURABLE, 0, 5, 0, 0 } } },

    { "who probes may die as well", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_LATER, 0, FK_FLUSH_LEASE_MS, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TAKE, 9, 0, FK_FLUSH_OTHER, 0 },
        { STEP_LATER, 0, FK_FLUSH_LEASE_MS, 0, 0 },
        { STEP_TAKE, 9, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 8, 1, FK_CONFLICT, 1 },
        { STEP_TOP, 9, 1, FK_OK, 1 },
        { STEP_DURABLE, 0, 1, 0, 0 } } },

    { "a dead sender is known to be dead", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_BREAK, 6, 0, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_OTHER, 0 },
        { STEP_BREAK, 7, 0, 0, 0 },
        { STEP_TAKE, 8, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 8, 0, FK_OK, 1 },
        { STEP_TAKE, 8, 1, FK_FLUSH_SEND, 0 } } },

    { "a lost reply asks for a probe", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_UNKNOWN, 8, 0, 0, 0 },
        { STEP_TAKE, 9, 0, FK_FLUSH_OTHER, 0 },
        { STEP_UNKNOWN, 7, 0, 0, 0 },
        { STEP_DONE, 7, 1, FK_CONFLICT, 0 },
        { STEP_TOP, 7, 1, FK_CONFLICT, 1 },
        { STEP_TAKE, 9, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 9, 1, FK_OK, 1 },
        { STEP_DURABLE, 0, 1, 0, 0 } } },

    { "a new connection asks for a probe", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 7, 1, FK_OK, 0 },
        { STEP_WRITE, 0, 1, 0, 0 },
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 1, FK_OK, 1 },
        { STEP_TAKE, 7, 2, FK_FLUSH_SEND, 0 } } },

    { "a doubt during a probe asks for another one", {
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TOP, 7, 0, FK_OK, 1 },
        { STEP_TAKE, 8, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 8, 0, FK_OK, 1 },
        { STEP_TAKE, 8, 1, FK_FLUSH_SEND, 0 } } },

    { "the journal lost its tail: it is sent again", {
        { STEP_WRITE, 0, 4, 0, 0 },
        { STEP_TAKE, 7, 5, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 7, 5, FK_OK, 0 },
        { STEP_WRITE, 0, 1, 0, 0 },
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 2, FK_OK, 1 },
        { STEP_DURABLE, 0, 2, 0, 0 },
        { STEP_TAKE, 7, 6, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 7, 6, FK_OK, 0 },
        { STEP_DURABLE, 0, 6, 0, 0 } } },

    { "the journal lost everything, also the take-over", {
        { STEP_WRITE, 0, 4, 0, 0 },
        { STEP_TAKE, 7, 5, FK_FLUSH_SEND, 0 },
        { STEP_DONE, 7, 5, FK_OK, 0 },
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 0, FK_OK, 0 },
        { STEP_DURABLE, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 5, FK_FLUSH_SEND, 0 } } },

    { "a replaced server wrote to a journal that lost its tail", {
        { STEP_WRITE, 0, 4, 0, 0 },
        { STEP_TAKE, 7, 5, FK_FLUSH_SEND, 0 },
        { STEP_UNKNOWN, 7, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 1, FK_CORRUPT, 0 },
        { STEP_STATE, 0, 0, FK_SHOP_FAILED, 0 } } },

    { "the journal has what was never written", {
        { STEP_SUSPECT, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 2, FK_CORRUPT, 1 },
        { STEP_STATE, 0, 0, FK_SHOP_FAILED, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_NOTHING, 0 } } },

    { "a probe finds a higher epoch", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_UNKNOWN, 7, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_PROBE, 0 },
        { STEP_TOP, 7, 9, FK_FENCED, 2 },
        { STEP_STATE, 0, 0, FK_SHOP_FENCED, 0 },
        { STEP_DURABLE, 0, 0, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_NOTHING, 0 } } },

    { "a batch that landed before the fence is durable", {
        { STEP_TAKE, 7, 1, FK_FLUSH_SEND, 0 },
        { STEP_FENCE, 0, 1, 0, 0 },
        { STEP_STATE, 0, 0, FK_SHOP_OPEN, 0 },
        { STEP_FENCE, 0, 2, 0, 0 },
        { STEP_STATE, 0, 0, FK_SHOP_FENCED, 0 },
        { STEP_DONE, 7, 1, FK_OK, 0 },
        { STEP_DURABLE, 0, 1, 0, 0 },
        { STEP_TAKE, 7, 0, FK_FLUSH_NOTHING, 0 } } }
};


static void
write_records(uint64_t n)
{
    fk_order_view_t  out;

    for ( /* void */ ; n > 0; n--) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");
    }
}


static int
run_step(const step_t *s, int64_t *now_ms)
{
    fk_batch_t  batch;
    fk_flush_t  work;

    switch (s->kind) {
    case STEP_WRITE:
        write_records(s->n);
        return 1;

    case STEP_TAKE:
        work = fk_flush_take(&shop, s->owner, *now_ms, &batch);
        return work == (fk_flush_t) s->want
               && (work != FK_FLUSH_SEND
                   || (batch.last_seq == s->n && batch.epoch == 1
                       && fk_flush_owner(&shop) == s->owner
                       && batch.count == s->n - fk_durable_seq(&shop)
                       && fk_get(batch.part[0] + 8, 8)
                          == fk_durable_seq(&shop) + 1));

    case STEP_DONE:
        return fk_flush_done(&shop, s->owner, s->n) == (fk_code_t) s->want;

    case STEP_UNKNOWN:
        fk_flush_unknown(&shop, s->owner);
        return 1;

    case STEP_SUSPECT:
        return fk_flush_suspect(&shop) == FK_OK;

    case STEP_BREAK:
        fk_flush_break(&shop, s->owner);
        return 1;

    case STEP_TOP:
        return fk_flush_top(&shop, s->owner, s->epoch, s->n)
               == (fk_code_t) s->want;

    case STEP_FENCE:
        fk_fence(&shop, s->n);
        return 1;

    case STEP_LATER:
        *now_ms += (int64_t) s->n;
        return 1;

    case STEP_DURABLE:
        return fk_durable_seq(&shop) == s->n;

    default:
        return fk_shop_state(&shop) == (fk_shop_state_t) s->want;
    }
}


static void
run_case(size_t c)
{
    size_t   n;
    int64_t  now_ms;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 1000);
    now_ms = 5000;

    for (n = 0; n < STEPS_MAX && cases[c].step[n].kind != STEP_END; n++) {
        if (!run_step(&cases[c].step[n], &now_ms)) {
            OK(0, "%s: step %zu", cases[c].name, n + 1);
            return;
        }
    }

    OK(shop_sound(), "%s", cases[c].name);
}


/* Refused before anything changed, and as good as before after a flush. */
static void
test_full(void)
{
    uint64_t         seq, full;
    uint32_t         i;
    fk_code_t        rc;
    fk_order_view_t  out;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 1000000);
    rc = FK_OK;

    for (i = 0; i < 100000 && rc == FK_OK; i++) {
        rc = shop_buy("seats", 1, &out);
    }

    seq = fk_last_seq(&shop);
    full = shop.region->ring.head;

    EQ_INT(rc, FK_RING_FULL, "the ring is full after %u orders", i);
    EQ_INT(shop_buy("seats", 1, &out), FK_RING_FULL, "and stays full");
    EQ_INT(fk_last_seq(&shop), seq, "without a record");
    EQ_INT(shop.region->ring.head, full, "or a byte");
    EQ_INT(shop_view("seats").held, i - 1, "or a unit");
    OK(shop_sound(), "it is sound");

    shop_flush();
    EQ_INT(fk_durable_seq(&shop), seq, "all is durable");
    EQ_INT(shop_buy("seats", 1, &out), FK_OK, "and it goes on");
}


/* What is durable is kept while there is room, then the oldest goes. */
static void
test_kept(void)
{
    uint32_t           i;
    uint64_t           first;
    fk_batch_t         batch;
    fk_order_view_t    out;
    fk_journal_view_t  view;

    shop_open();
    shop_product("seats", FK_KIND_COUNTED, 1000000);

    for (i = 0; i < 8000; i++) {
        shop_must(shop_buy("seats", 1, &out) == FK_OK, "buy");
        if (i % 100 == 99) {
            shop_flush();
        }
    }

    fk_journal_view(&shop, &view);
    EQ_INT(view.ring_used, 0, "all is durable");
    EQ_INT(view.seq, 8001, "the view knows the last record");
    EQ_INT(view.epoch, 1, "and the epoch");

    first = fk_ring_first_seq(&shop);
    OK(first > 1 && view.seq - first > 1000, "the ring has %u old records",
       (unsigned) (view.seq - first));
    OK(shop_sound(), "it is sound");

    shop_must(fk_flush_suspect(&shop) == FK_OK, "suspect");
    shop_must(fk_flush_take(&shop, 7, 0, &batch) == FK_FLUSH_PROBE, "probe");
    EQ_INT(fk_flush_top(&shop, 7, 1, first - 1), FK_OK,
           "the journal has lost all that the ring still has");
    EQ_INT(fk_durable_seq(&shop), first - 1, "so it is not durable");
    shop_flush();
    EQ_INT(fk_durable_seq(&shop), 8001, "it is sent again");

    shop_must(fk_flush_suspect(&shop) == FK_OK, "suspect");
    shop_must(fk_flush_take(&shop, 7, 0, &batch) == FK_FLUSH_PROBE, "probe");
    EQ_INT(fk_flush_top(&shop, 7, 1, fk_ring_first_seq(&shop) - 2),
           FK_HEALING, "one record more is too much");
    EQ_INT(fk_shop_state(&shop), FK_SHOP_HEALING, "only a snapshot helps");
}


int
main(void)
{
    size_t  c;

    for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        run_case(c);
    }

    test_full();
    test_kept();

    return tap_done();
}
