/*
 * Coupons: finding, making, changing, showing them.  A coupon is never taken
 * away, so its slot is a name that orders may keep.
 */

#include "fk_tally.h"


/* The products of a coupon that is put, as slots. */
typedef struct {
    uint32_t  count;
    uint32_t  slot[FK_COUPON_PRODUCTS_MAX];
} fk_coupon_goods_t;


static int fk_coupon_code(fk_str_t code, char out[FK_COUPON_CODE_SIZE_MAX]);
static uint32_t fk_coupon_locate(const fk_t *fk, const char *code,
    size_t size);
static const char *fk_coupon_wrong(const fk_coupon_put_t *in);
static int fk_coupon_goods(const fk_t *fk, const fk_coupon_put_t *in,
    fk_coupon_goods_t *goods);
static uint32_t fk_coupon_make(fk_t *fk, const fk_env_t *env,
    const char *code, size_t size);
static void fk_coupon_set(fk_t *fk, const fk_env_t *env, fk_coupon_rec_t *c,
    const fk_coupon_put_t *in, const fk_coupon_goods_t *goods);
static void fk_coupon_fill(const fk_t *fk, uint32_t i,
    fk_coupon_view_t *out);


uint32_t *
fk_coupon_bucket(const fk_t *fk, const char *code, size_t size)
{
    return fk_bucket(fk, FK_INDEX_COUPONS, fk_hash_bytes(code, size));
}


/* In upper case; 0: no code can look so. */

static int
fk_coupon_code(fk_str_t code, char out[FK_COUPON_CODE_SIZE_MAX])
{
    char    c;
    size_t  i;

    if (code.size == 0 || code.size > FK_COUPON_CODE_SIZE_MAX) {
        return 0;
    }

    for (i = 0; i < code.size; i++) {
        c = (char) code.data[i];

        if (c >= 'a' && c <= 'z') {
            c = (char) (c - 'a' + 'A');
        }

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
              || c == '_' || c == '-'))
        {
            return 0;
        }

        out[i] = c;
    }

    return 1;
}


int
fk_coupon_code_good(const char *code, size_t size)
{
    char      text[FK_COUPON_CODE_SIZE_MAX];
    fk_str_t  typed;

    typed.data = (const uint8_t *) code;
    typed.size = size;

    return fk_coupon_code(typed, text) && memcmp(text, code, size) == 0;
}


static uint32_t
fk_coupon_locate(const fk_t *fk, const char *code, size_t size)
{
    uint32_t                i, steps;
    const fk_coupon_rec_t  *c;

    steps = fk->region->table[FK_TABLE_COUPONS].capacity;

    for (i = *fk_coupon_bucket(fk, code, size); i != 0; i = c->hnext) {
        assert(steps != 0);
        steps--;
        c = FK_COUPON_AT(fk, i);

        if (memcmp(c->code, code, size) == 0 && c->code[size] == '\0') {
            return i;
        }
    }

    return 0;
}


uint32_t
fk_coupon_find(const fk_t *fk, fk_str_t code)
{
    char  text[FK_COUPON_CODE_SIZE_MAX];

    return fk_coupon_code(code, text)
           ? fk_coupon_locate(fk, text, code.size) : 0;
}


/* Products are asked for under the lock. */

static const char *
fk_coupon_wrong(const fk_coupon_put_t *in)
{
    unsigned  i;

    if (in->kind >= FK_COUPON_KIND_COUNT) {
        return "kind";
    }

    if (in->on > 1) {
        return "on";
    }

    if (in->value < 1 || in->value > (in->kind == FK_COUPON_PERCENT
                                       ? FK_BP : FK_AMOUNT_MAX))
    {
        return "value";
    }

    if (in->cap < 0 || in->cap > FK_AMOUNT_MAX
        || (in->kind == FK_COUPON_FIXED && in->cap != 0))
    {
        return "cap";
    }

    if (in->min_amount < 0 || in->min_amount > FK_AMOUNT_MAX) {
        return "min_amount";
    }

    if (in->to_s != 0 && in->from_s >= in->to_s) {
        return "to";
    }

    for (i = 0; i < FK_CURRENCY_SIZE - 1; i++) {
        if (in->kind == FK_COUPON_PERCENT
            ? in->currency[i] != '\0'
            : in->currency[i] < 'A' || in->currency[i] > 'Z')
        {
            return "currency";
        }
    }

    return in->currency[i] != '\0' ? "currency" : NULL;
}


static int
fk_coupon_goods(const fk_t *fk, const fk_coupon_put_t *in,
    fk_coupon_goods_t *goods)
{
    uint32_t  n, i;

    memset(goods, 0, sizeof(*goods));

    if (in->product_count > FK_COUPON_PRODUCTS_MAX) {
        return 0;
    }

    for (n = 0; n < in->product_count; n++) {
        goods->slot[n] = fk_product_find(fk, in->product[n]);

        if (goods->slot[n] == 0) {
            return 0;
        }

        for (i = 0; i < n; i++) {
            if (goods->slot[i] == goods->slot[n]) {
                return 0;
            }
        }
    }

    goods->count = in->product_count;
    return 1;
}


fk_code_t
fk_coupon_put(fk_t *fk, const fk_env_t *env, const fk_coupon_put_t *in,
    int *created, uint64_t *seq, const char **field)
{
    char               code[FK_COUPON_CODE_SIZE_MAX];
    uint32_t           i;
    fk_code_t          rc;
    fk_coupon_goods_t  goods;

    *created = 0;
    *field = fk_coupon_code(in->code, code) ? fk_coupon_wrong(in) : "code";

    if (*field != NULL) {
        return FK_INVALID;
    }

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    i = fk_coupon_locate(fk, code, in->code.size);

    if (!fk_coupon_goods(fk, in, &goods)) {
        *field = "products";
        rc = FK_INVALID;

    } else if (i == 0 && fk_table_room(fk, FK_TABLE_COUPONS) == 0) {
        rc = FK_TABLE_FULL;

    } else if (!fk_record_room(fk, FK_IMAGE_COUPON_SIZE)) {
        rc = FK_RING_FULL;
    }

    if (rc == FK_OK) {
        if (i == 0) {
            i = fk_coupon_make(fk, env, code, in->code.size);
            *created = 1;
        }

        fk_coupon_set(fk, env, FK_COUPON_AT(fk, i), in, &goods);

        fk_record_begin(fk, env);
        fk_record_coupon(fk, i);
        *seq = fk_record_end(fk);
        fk_commit(fk);
    }

    fk_unlock(fk);
    return rc;
}


static uint32_t
fk_coupon_make(fk_t *fk, const fk_env_t *env, const char *code, size_t size)
{
    uint32_t          i;
    fk_coupon_rec_t  *c;

    i = fk_slot_take(fk, FK_TABLE_COUPONS);
    c = FK_COUPON_AT(fk, i);

    memset(c, 0, sizeof(*c));
    memcpy(c->code, code, size);
    c->created_s = fk_now_s(env);

    FK_SET(fk, c->used, 1);
    fk_chain_insert(fk, fk_coupon_bucket(fk, code, size), &c->hnext, i);
    fk_audit_terms(fk, FK_AUDIT_COMPARE_COUPONS, i, 1);

    return i;
}


static void
fk_coupon_set(fk_t *fk, const fk_env_t *env, fk_coupon_rec_t *c,
    const fk_coupon_put_t *in, const fk_coupon_goods_t *goods)
{
    uint32_t  n, word;

    memcpy(&word, in->currency, sizeof(word));
    FK_SET(fk, *(uint32_t *) (void *) c->currency, word);
    FK_SET(fk, c->kind, in->kind);
    FK_SET(fk, c->on, in->on);
    FK_SET(fk, c->value, in->value);
    FK_SET(fk, c->cap, in->cap);
    FK_SET(fk, c->min_amount, in->min_amount);
    FK_SET(fk, c->from_s, in->from_s);
    FK_SET(fk, c->to_s, in->to_s);
    FK_SET(fk, c->uses_max, in->uses_max);
    FK_SET(fk, c->uses_buyer_max, in->uses_buyer_max);
    FK_SET(fk, c->product_count, goods->count);
    FK_SET(fk, c->updated_s, fk_now_s(env));

    for (n = 0; n < FK_COUPON_PRODUCTS_MAX; n++) {
        if (c->product[n] != goods->slot[n]) {
            FK_SET(fk, c->product[n], goods->slot[n]);
        }
    }
}


fk_code_t
fk_coupon_get(fk_t *fk, fk_str_t code, fk_coupon_view_t *out)
{
    uint32_t   i;
    fk_code_t  rc;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    i = fk_coupon_find(fk, code);
    if (i != 0) {
        fk_coupon_fill(fk, i, out);
    }

    fk_unlock(fk);
    return i != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_coupon_list(fk_t *fk, uint32_t *cursor, fk_coupon_view_t *out,
    uint32_t *n)
{
    uint32_t   i, count, fresh, n_max;
    fk_code_t  rc;

    assert(*n != 0);

    n_max = *n < FK_LIST_SLICE_MAX ? *n : FK_LIST_SLICE_MAX;
    *n = 0;

    rc = fk_lock_open(fk);
    if (rc != FK_OK) {
        return rc;
    }

    i = *cursor;
    fresh = fk->region->table[FK_TABLE_COUPONS].fresh;

    for (count = 0; i < fresh && count < n_max; i++) {
        if (FK_COUPON_AT(fk, i + 1)->used) {
            fk_coupon_fill(fk, i + 1, &out[count++]);
        }
    }

    *cursor = i < fresh ? i : 0;
    *n = count;

    fk_unlock(fk);
    return FK_OK;
}


static void
fk_coupon_fill(const fk_t *fk, uint32_t i, fk_coupon_view_t *out)
{
    uint32_t                n;
    const fk_coupon_rec_t  *c;

    c = FK_COUPON_AT(fk, i);
    assert(c->product_count <= FK_COUPON_PRODUCTS_MAX);

    memset(out, 0, sizeof(*out));
    out->seq = c->seq;
    memcpy(out->code, c->code, FK_COUPON_CODE_SIZE_MAX);
    out->kind = c->kind;
    out->on = c->on;
    out->uses_buyer_max = c->uses_buyer_max;
    out->uses_max = c->uses_max;
    out->from_s = c->from_s;
    out->to_s = c->to_s;
    out->created_s = c->created_s;
    out->updated_s = c->updated_s;
    out->value = c->value;
    out->cap = c->cap;
    out->min_amount = c->min_amount;
    out->uses_count = c->live_uses + c->archived_uses;
    out->archived_uses = c->archived_uses;
    memcpy(out->currency, c->currency, FK_CURRENCY_SIZE - 1);
    out->product_count = c->product_count;

    for (n = 0; n < c->product_count; n++) {
        memcpy(out->product[n], FK_PRODUCT(fk, c->product[n])->sku,
               FK_SKU_SIZE_MAX);
    }
}
