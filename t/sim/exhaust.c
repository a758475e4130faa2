/*
 * Death at every store, of every kind of transaction, in shops with many
 * different histories.
 *
 * A history is a seeded walk of operations without any death.  Then each kind
 * of operation is tried on it, and for n = 1, 2, ... the shop is put back and
 * the operation dies at its n-th store, with the lock in its hand.  The next
 * process takes the lock, and dies in the middle of the repair, too; the one
 * after it must find the shop as it was before or as it is after, sound, and
 * the operation done again must make it what it is without any death.
 */

#include <sys/mman.h>

#include "exhaust.h"


#define EX_STEPS_MAX      160          /* of a history */
#define EX_STORES_MAX     6000
#define EX_POINTS_ALL     50000       /* are enough to meet every kind */
#define EX_SIZE           SIM_REGION_SIZE


typedef struct {
    uint64_t  points;
    uint64_t  repairs;                 /* deaths in the repair of a death */
    uint64_t  by_op[EX_OP_COUNT];
    uint64_t  histories;
} ex_sum_t;


static void ex_new(ex_shop_t *x, uint64_t seed, sim_plan_t *plan,
    uint8_t *mem);
static unsigned ex_choose(ex_shop_t *x);
static void ex_draw(ex_shop_t *x);
static void ex_aim(ex_shop_t *x, unsigned op);
static int ex_run(ex_shop_t *x, unsigned op, uint32_t n, uint32_t *stores);
static void ex_call(void *data);
static void ex_lock(void *data);
static int ex_die(ex_shop_t *x, unsigned op, ex_sum_t *sum);
static const char *ex_after_death(ex_shop_t *x, unsigned op, uint64_t before,
    uint64_t after, fk_code_t code);
static uint64_t ex_print(const ex_shop_t *x);
static uint64_t ex_print_table(const ex_shop_t *x, fk_table_id_t id,
    size_t used_at, size_t used_size, uint64_t sum);
static uint64_t ex_print_blob(const ex_shop_t *x, fk_table_id_t id,
    uint32_t i);
static void ex_save(const ex_shop_t *x);
static void ex_restore_all(ex_shop_t *x);


static uint8_t    *ex_saved;
static ex_book_t   ex_saved_book;
static unsigned    ex_op_now;
static uint64_t    ex_seed;


int
exhaust_run(uint64_t points_min, uint64_t *points)
{
    int         good;
    unsigned    op, step;
    uint8_t    *mem;
    uint32_t    stores;
    ex_sum_t    sum;
    ex_shop_t   x;
    sim_plan_t  plan;

    mem = mmap(NULL, 2 * EX_SIZE + FK_ARCHIVE_SIZE_MAX + EX_PART_SIZE,
               PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(mem != MAP_FAILED);

    ex_saved = mem + EX_SIZE;
    memset(&x, 0, sizeof(x));
    memset(&sum, 0, sizeof(sum));
    x.archive = mem + 2 * EX_SIZE;
    x.part = x.archive + FK_ARCHIVE_SIZE_MAX;
    good = 1;

    for (ex_seed = 1; good && (sum.points < points_min || ex_seed <= 3);
         ex_seed++)
    {
        ex_new(&x, ex_seed, &plan, mem);
        sum.histories++;

        for (step = 0; good && step < EX_STEPS_MAX; step++) {
            op = ex_choose(&x);
            ex_draw(&x);
            ex_aim(&x, op);

            /* The walk goes on as if nobody had ever died. */
            if (step % 3 == 0) {
                ex_save(&x);
                good = ex_die(&x, op, &sum);
                ex_restore_all(&x);
            }

            (void) ex_run(&x, op, 0, &stores);
            ex_book(&x, op);
        }
    }

    for (op = 0; op < EX_OP_COUNT; op++) {
        printf("%-20s %10" PRIu64 "\n", ex_ops[op].name, sum.by_op[op]);

        if (sum.points >= EX_POINTS_ALL && sum.by_op[op] == 0
            && ex_ops[op].kind != EX_READS)
        {
            printf("FAILED: nobody ever died in it\n");
            good = 0;
        }
    }

    printf("histories            %10" PRIu64 "\ncrash points         %10"
           PRIu64 "\nand in the repair    %10" PRIu64 "\n", sum.histories,
           sum.points, sum.repairs);

    *points = sum.points;
    return good;
}


static void
ex_new(ex_shop_t *x, uint64_t seed, sim_plan_t *plan, uint8_t *mem)
{
    char         why[256];
    fk_env_t     env;
    fk_code_t    rc;
    uint32_t     i, stores;

    memset(&x->book, 0, sizeof(x->book));
    x->book.random = seed;
    x->book.now_ms = INT64_C(1700000000000);

    swarm_plan(seed, plan);
    plan->spread = 16 << seed % 5;
    plan->ring_size = 16384 << seed % 3;
    node_format(plan, mem, &x->fk);

    fk_introduce(&x->fk, EX_OWNER);

    env.now_ms = x->book.now_ms;
    rc = fk_recover_begin(&x->fk, 1, 0);
    assert(rc == FK_OK);
    rc = fk_recover_end(&x->fk, &env, 1, 1, why, sizeof(why));
    assert(rc == FK_OK);
    (void) rc;

    /* Some of each kind to begin with. */
    for (i = 0; i < EX_PRODUCTS; i++) {
        ex_draw(x);
        x->draw.a = i;
        x->draw.c = 19;
        (void) ex_run(x, 0, 0, &stores);
    }
}


/* What makes a history rich comes more often than the rest. */

static unsigned
ex_choose(ex_shop_t *x)
{
    unsigned  n;

    static const uint8_t  often[] = {
        EX_OP_CHECKOUT, EX_OP_CHECKOUT, EX_OP_CHECKOUT, EX_OP_PAY, EX_OP_PAY,
        EX_OP_PAY, EX_OP_TICK, EX_OP_TICK, EX_OP_TICK, EX_OP_LATER,
        EX_OP_READ, EX_OP_READ, EX_OP_DROP, EX_OP_DROP, EX_OP_RESTORE,
        EX_OP_RESTORE, EX_OP_GIVE_UP, EX_OP_ACCOUNT, EX_OP_PART,
        EX_OP_WITHDRAW, EX_OP_PAYOUT, EX_OP_PAYOUT, EX_OP_COMMISSION,
        EX_OP_COMMISSION, EX_OP_WITHDRAW_ONCE, EX_OP_CREDIT, EX_OP_CREDIT,
        EX_OP_SPEND, EX_OP_SPEND, EX_OP_SPEND
    };

    n = (unsigned) (ex_random(x) % (EX_OP_COUNT + sizeof(often)));
    return n < EX_OP_COUNT ? n : often[n - EX_OP_COUNT];
}


static void
ex_draw(ex_shop_t *x)
{
    x->draw.a = ex_random(x);
    x->draw.b = ex_random(x);
    x->draw.c = ex_random(x);
}


/* A decision is about an order that waits for it, if there is any. */

static void
ex_aim(ex_shop_t *x, unsigned op)
{
    int              wanted;
    uint32_t         i, n;
    fk_order_view_t  view;

    wanted = ex_ops[op].wanted;

    for (i = 0; wanted != EX_ANY && i < x->book.order_count; i++) {
        n = (uint32_t) ((x->draw.a + i) % x->book.order_count);

        if (fk_order_get(&x->fk, &x->book.id[n], &view) == FK_OK
            && view.status == wanted)
        {
            x->draw.a = n;
            return;
        }
    }

    if (op == EX_OP_GIVE_UP) {
        ex_make_wait(x);
    }
}


/* --- one operation ----------------------------------------------------- */

static void
ex_call(void *data)
{
    ex_shop_t  *x = data;

    x->code = ex_ops[ex_op_now].run(x);
}


static void
ex_lock(void *data)
{
    ex_shop_t  *x = data;

    if (fk_lock(&x->fk) == FK_OK) {
        fk_unlock(&x->fk);
    }
}


/* Returns 1 if it died at the n-th store; with n = 0 it never does. */

static int
ex_run(ex_shop_t *x, unsigned op, uint32_t n, uint32_t *stores)
{
    ex_op_now = op;
    x->fk.region->recoveries_count = 0;

    /* Once a second, a tick looks for imports without an importer. */
    x->fk.leases_seen_s = 0;

    return crash_run(&x->fk, n, ex_call, x, stores);
}


static int
ex_die(ex_shop_t *x, unsigned op, ex_sum_t *sum)
{
    uint32_t     n, stores, unused;
    uint64_t     before, after;
    fk_code_t    code;
    const char  *wrong;

    x->kind = ex_takes_slot(x, ex_ops[op].run) ? EX_SEVERAL : ex_ops[op].kind;
    before = ex_print(x);
    (void) ex_run(x, op, 0, &stores);
    code = x->code;
    after = ex_print(x);
    wrong = NULL;

    if (stores > EX_STORES_MAX) {
        wrong = "it makes more stores than anybody would wait for";
    }

    for (n = 1; wrong == NULL && n <= stores; n++) {
        ex_restore_all(x);

        if (!ex_run(x, op, n, &unused)) {
            wrong = "it makes another number of stores the second time";
            break;
        }

        sum->points++;
        sum->by_op[op]++;

        /* Who repairs dies of it: at a place that moves with n. */
        x->fk.region->recoveries_count = 0;

        if (crash_run(&x->fk, 1 + n % 7, ex_lock, x, &unused)) {
            sum->repairs++;
            ex_lock(x);
        }

        wrong = ex_after_death(x, op, before, after, code);
    }

    if (wrong == NULL) {
        return 1;
    }

    printf("FAILED: history %" PRIu64 ", %s, death at store %u of %u: %s\n",
           ex_seed, ex_ops[op].name, n, stores, wrong);
    return 0;
}


/* fk_check() comes last: it writes its own sums over those of an audit. */

static const char *
ex_after_death(ex_shop_t *x, unsigned op, uint64_t before, uint64_t after,
    fk_code_t code)
{
    uint32_t     stores;
    uint64_t     now;

    static char  why[256];

    now = ex_print(x);

    if (now != before && now != after && x->kind != EX_SEVERAL) {
        return "the shop is neither as before nor as after";
    }

    if (x->kind != EX_SEVERAL
        && (now != after || before == after || x->kind == EX_REPEATS))
    {
        (void) ex_run(x, op, 0, &stores);

        if (now == before && x->code != code) {
            return "done again, it has another result";
        }

        if (ex_print(x) != after) {
            return "done again, the shop is not as it is without a death";
        }
    }

    return fk_check(&x->fk, why, sizeof(why)) == FK_OK ? NULL : why;
}


/* --- what a shop is ---------------------------------------------------- */

/*
 * Everything that a transaction may change: the header without what repairs
 * count, the indexes, and of the tables the slots in use.  What stands in
 * free slots, and in the ring behind its head, nobody reads.
 */

static uint64_t
ex_print(const ex_shop_t *x)
{
    size_t              at;
    uint64_t            sum;
    const fk_region_t  *r;

    r = x->fk.region;
    sum = fk_hash_bytes(r->table, sizeof(r->table));
    sum = sum * 3 ^ fk_hash_bytes(&r->wheel_s, 4 * sizeof(uint32_t));

    /* Whoever meets a snapshot that is late ends it, by a store of its own. */
    if (r->snapshot.owner != 0
        && r->snapshot.fresh_until_ms > x->book.now_ms)
    {
        sum = sum * 3 ^ fk_hash_bytes(&r->snapshot, sizeof(r->snapshot));
    }

    sum = sum * 3 ^ fk_hash_bytes(&r->audit, sizeof(r->audit));

    /* The ring forgets old records outside of transactions: not its tail. */
    sum = sum * 3 ^ fk_hash_bytes(&r->ring.epoch, 4 * sizeof(uint64_t));
    sum = sum * 3 ^ fk_hash_bytes(&r->ring.durable_seq,
                                  sizeof(fk_ring_t)
                                  - offsetof(fk_ring_t, durable_seq));

    at = (size_t) r->index[0].offset;
    sum = sum * 3 ^ fk_hash_bytes(x->fk.base + at,
                                  (size_t) r->wheel_offset - at);

    sum = ex_print_table(x, FK_TABLE_PRODUCTS,
                         offsetof(fk_product_rec_t, used), 1, sum);
    sum = ex_print_table(x, FK_TABLE_BATCHES,
                         offsetof(fk_batch_rec_t, state), 4, sum);
    sum = ex_print_table(x, FK_TABLE_CARDS, offsetof(fk_card_rec_t, owner), 4,
                         sum);
    sum = ex_print_table(x, FK_TABLE_ORDERS, offsetof(fk_order_rec_t, used),
                         1, sum);
    return ex_print_table(x, FK_TABLE_PAYMENTS,
                          offsetof(fk_payment_rec_t, used), 1, sum);
}


static uint64_t
ex_print_table(const ex_shop_t *x, fk_table_id_t id, size_t used_at,
    size_t used_size, uint64_t sum)
{
    uint32_t           i;
    const uint8_t     *slot;
    const fk_table_t  *t;

    t = &x->fk.region->table[id];

    for (i = 1; i <= t->fresh; i++) {
        slot = fk_slot(&x->fk, id, i);

        if (fk_get(slot + used_at, used_size) != 0) {
            sum = sum * 3 ^ fk_hash_bytes(slot, t->slot_size) ^ i;
            sum = sum * 3 ^ ex_print_blob(x, id, i);
        }
    }

    return sum;
}


/* What a slot has elsewhere: a contact, a long card, a trade number. */

static uint64_t
ex_print_blob(const ex_shop_t *x, fk_table_id_t id, uint32_t i)
{
    static fk_image_t  image;

    switch (id) {

    case FK_TABLE_CARDS:
        fk_card_image(&x->fk, i, &image.card);
        return fk_hash_bytes(image.card.sealed, image.card.sealed_size);

    case FK_TABLE_ORDERS:
        fk_order_image(&x->fk, i, &image.order);
        return fk_hash_bytes(image.order.contact, image.order.contact_size);

    case FK_TABLE_PAYMENTS:
        fk_payment_image(&x->fk, i, &image.payment);
        return fk_hash_bytes(image.payment.trade_no,
                             image.payment.trade_no_size);

    default:
        return 0;
    }
}


/* As much of the region as was ever used. */

static void
ex_save(const ex_shop_t *x)
{
    const fk_region_t  *r;

    r = x->fk.region;
    memcpy(ex_saved, x->fk.base, (size_t) (r->ring.offset + r->ring.size));
    ex_saved_book = x->book;
}


static void
ex_restore_all(ex_shop_t *x)
{
    const fk_region_t  *r;

    r = x->fk.region;
    memcpy(x->fk.base, ex_saved, (size_t) (r->ring.offset + r->ring.size));
    x->book = ex_saved_book;
}
