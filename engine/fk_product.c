/*
 * Products: finding, making, changing, showing them.
 *
 * A product's slot is never given back and its SKU never changes, so an index
 * found once stays right, and fk_product_peek() may follow the index without
 * the lock.  What it reads there is right at that moment and may be wrong at
 * the next: it only refuses.
 */

#include "fk_tally.h"


/* A product as fk_product_put() wants it to be. */
typedef struct {
    fk_str_t   name;
    int64_t    price;
    char       currency[FK_CURRENCY_SIZE];
    uint8_t    kind;
    uint8_t    on_sale;
    uint16_t   qty_max;
    uint32_t   sale_from_s;
    uint32_t   sale_to_s;
    int64_t    stock;                  /* counted: units available */
    uint16_t   buyer_limit;
    uint16_t   tier_count;
    fk_tier_t  tier[FK_TIERS_MAX];
    uint32_t   merchant;
} fk_terms_t;


static int fk_sku_valid(fk_str_t sku);
static void fk_terms_now(const fk_product_rec_t *p, fk_terms_t *terms);
static fk_code_t fk_terms_given(const fk_product_put_t *in,
    const fk_product_rec_t *p, fk_terms_t *terms, const char **field);
static fk_code_t fk_merchant_given(const fk_t *fk,
    const fk_product_put_t *in, const fk_product_rec_t *p, fk_terms_t *terms,
    const char **field);
static int fk_stock_valid(const fk_product_rec_t *p, const fk_terms_t *terms);
static const char *fk_terms_wrong(const fk_terms_t *terms);
static fk_code_t fk_terms_fixed(const fk_product_rec_t *p,
    const fk_terms_t *terms, const char **field);
static uint32_t fk_product_make(fk_t *fk, const fk_env_t *env, fk_str_t sku);
static void fk_product_set(fk_t *fk, const fk_env_t *env, fk_product_rec_t *p,
    const fk_terms_t *terms);
static void fk_set_text(fk_t *fk, char *field, size_t field_size,
    const uint8_t *data, size_t size);


uint32_t *
fk_product_bucket(const fk_t *fk, const char *sku, size_t size)
{
    return fk_bucket(fk, FK_INDEX_PRODUCTS, fk_hash_bytes(sku, size));
}


uint32_t
fk_product_find(const fk_t *fk, fk_str_t sku)
{
    uint32_t                 index, steps;
    const uint32_t          *bucket;
    const fk_product_rec_t  *p;

    if (sku.size == 0 || sku.size > FK_SKU_SIZE_MAX) {
        return 0;
    }

    bucket = fk_product_bucket(fk, (const char *) sku.data, sku.size);
    index = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);

    /* Bounded, because without the lock the chain may change on the way. */
    steps = fk->region->table[FK_TABLE_PRODUCTS].capacity;

    while (index != 0 && steps-- != 0) {
        p = FK_PRODUCT(fk, index);

        if (memcmp(p->sku, sku.data, sku.size) == 0
            && p->sku[sku.size] == '\0')
        {
            return index;
        }

        index = __atomic_load_n(&p->hnext, __ATOMIC_ACQUIRE);
    }

    return 0;
}


/* Paid orders that wait are served before anybody new. */
int64_t
fk_product_sellable(const fk_product_rec_t *p)
{
    int64_t  left;

    left = FK_GET(p->available) - FK_GET(p->owed);
    return left > 0 ? left : 0;
}


int
fk_product_open(const fk_product_rec_t *p, int64_t now_ms)
{
    uint32_t  from_s, to_s;

    from_s = FK_GET(p->sale_from_s);
    to_s = FK_GET(p->sale_to_s);

    return FK_GET(p->on_sale)
           && (from_s == 0 || now_ms >= (int64_t) from_s * 1000)
           && (to_s == 0 || now_ms < (int64_t) to_s * 1000);
}


/* The same order of reasons as in the ladder of checkout. */
fk_code_t
fk_product_peek(const fk_t *fk, const fk_env_t *env, fk_str_t sku,
    uint32_t qty)
{
    uint32_t                 index;
    fk_code_t                code;
    const fk_product_rec_t  *p;

    code = fk_state_code(fk_shop_state(fk));
    if (code != FK_OK) {
        return code;
    }

    index = fk_product_find(fk, sku);
    if (index == 0) {
        return FK_NOT_FOUND;
    }

    p = FK_PRODUCT(fk, index);

    /* Each field is read once and by itself: no two need to fit together. */
    if (!fk_product_open(p, env->now_ms)) {
        return FK_NOT_ON_SALE;
    }

    if (qty > FK_GET(p->qty_max)) {
        return FK_LIMIT;
    }

    return fk_product_sellable(p) < (int64_t) qty ? FK_SOLD_OUT : FK_OK;
}


/*
 * What is given is laid over what is there, and the whole is judged: so a new
 * price is checked against the old limit, and a refusal comes before any
 * store.
 */
fk_code_t
fk_product_put(fk_t *fk, const fk_env_t *env, const fk_product_put_t *in,
    fk_product_view_t *out, int *created, uint64_t *seq, const char **field)
{
    uint32_t           index;
    fk_code_t          code;
    fk_terms_t         terms;
    fk_product_rec_t  *p;

    *created = 0;
    *field = NULL;

    if (!fk_sku_valid(in->sku)) {
        *field = "sku";
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    index = fk_product_find(fk, in->sku);
    p = index != 0 ? FK_PRODUCT(fk, index) : NULL;

    code = fk_terms_given(in, p, &terms, field);

    if (code == FK_OK) {
        code = fk_merchant_given(fk, in, p, &terms, field);
    }

    if (code == FK_OK && p == NULL
        && fk_table_room(fk, FK_TABLE_PRODUCTS) == 0)
    {
        code = FK_TABLE_FULL;
    }

    if (code == FK_OK && !fk_record_room(fk, FK_IMAGE_PRODUCT_SIZE)) {
        code = FK_RING_FULL;
    }

    if (code != FK_OK) {
        fk_unlock(fk);
        return code;
    }

    if (p == NULL) {
        index = fk_product_make(fk, env, in->sku);
        p = FK_PRODUCT(fk, index);
        *created = 1;
    }

    /* Only now is nothing left that could refuse it. */
    fk_product_set(fk, env, p, &terms);

    fk_record_begin(fk, env);
    fk_record_product(fk, index);
    *seq = fk_record_end(fk);
    fk_commit(fk);

    fk_product_fill(fk, env, index, out);
    fk_unlock(fk);

    return FK_OK;
}


/* SKUs stand in URLs, keys and file names: plain ASCII, no escapes. */
static int
fk_sku_valid(fk_str_t sku)
{
    size_t   i;
    uint8_t  c;

    if (sku.size == 0 || sku.size > FK_SKU_SIZE_MAX) {
        return 0;
    }

    for (i = 0; i < sku.size; i++) {
        c = sku.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
        {
            return 0;
        }
    }

    return 1;
}


static void
fk_terms_now(const fk_product_rec_t *p, fk_terms_t *terms)
{
    terms->name.data = (const uint8_t *) p->name;
    terms->name.size = strlen(p->name);
    terms->price = p->price;
    memcpy(terms->currency, p->currency, sizeof(terms->currency));
    terms->kind = p->kind;
    terms->on_sale = p->on_sale;
    terms->qty_max = p->qty_max;
    terms->sale_from_s = p->sale_from_s;
    terms->sale_to_s = p->sale_to_s;
    terms->stock = p->available;
    terms->buyer_limit = p->buyer_limit;
    terms->tier_count = p->tier_count;
    fk_product_tiers(p, terms->tier);
}


/* The terms as they are now, or the defaults, with what is given on top. */
static fk_code_t
fk_terms_given(const fk_product_put_t *in, const fk_product_rec_t *p,
    fk_terms_t *terms, const char **field)
{
    memset(terms, 0, sizeof(fk_terms_t));
    terms->on_sale = 1;
    terms->qty_max = FK_QTY_MAX;

    if (p != NULL) {
        fk_terms_now(p, terms);

    } else if (!(in->fields & FK_PUT_NAME)) {
        *field = "name";

    } else if (!(in->fields & FK_PUT_PRICE)) {
        *field = "price";

    } else if (!(in->fields & FK_PUT_KIND)) {
        *field = "kind";
    }

    if (in->fields & FK_PUT_NAME) {
        terms->name = in->name;
    }

    if (in->fields & FK_PUT_PRICE) {
        terms->price = in->price;
        memcpy(terms->currency, in->currency, sizeof(terms->currency));
    }

    if (in->fields & FK_PUT_KIND) {
        terms->kind = in->kind;
    }

    if (in->fields & FK_PUT_ON_SALE) {
        terms->on_sale = in->on_sale;
    }

    /* Two of the same key are of no use to anybody. */
    if (in->fields & FK_PUT_QTY_MAX) {
        terms->qty_max = in->qty_max;

    } else if (terms->kind == FK_KIND_SHARED) {
        terms->qty_max = 1;
    }

    if (in->fields & FK_PUT_WINDOW) {
        terms->sale_from_s = in->sale_from_s;
        terms->sale_to_s = in->sale_to_s;
    }

    if (in->fields & FK_PUT_STOCK) {
        terms->stock = in->stock;
    }

    if (in->fields & FK_PUT_BUYER_LIMIT) {
        terms->buyer_limit = in->buyer_limit;
    }

    if (in->fields & FK_PUT_TIERS) {
        terms->tier_count = in->tier_count;
        memcpy(terms->tier, in->tier, sizeof(terms->tier));
    }

    if (*field == NULL) {
        *field = fk_terms_wrong(terms);
    }

    if (*field == NULL && (in->fields & FK_PUT_STOCK)
        && !fk_stock_valid(p, terms))
    {
        *field = "stock";
    }

    if (*field != NULL) {
        return FK_INVALID;
    }

    return p == NULL ? FK_OK : fk_terms_fixed(p, terms, field);
}


/* Judged with the currency that the product will have. */
static fk_code_t
fk_merchant_given(const fk_t *fk, const fk_product_put_t *in,
    const fk_product_rec_t *p, fk_terms_t *terms, const char **field)
{
    terms->merchant = p != NULL ? p->merchant : 0;

    if (in->fields & FK_PUT_MERCHANT) {
        terms->merchant = fk_account_find(fk, in->merchant);
    }

    if (((in->fields & FK_PUT_MERCHANT)
         && terms->merchant == 0 && in->merchant.size != 0)
        || !fk_merchant_good(fk, terms->merchant, terms->currency))
    {
        *field = "merchant";
        return FK_INVALID;
    }

    return FK_OK;
}


/*
 * What is added counts as imported for ever, and what is taken away as void:
 * beyond FK_UNITS_MAX no recovery would believe the sums.
 */
static int
fk_stock_valid(const fk_product_rec_t *p, const fk_terms_t *terms)
{
    int64_t  imported, available;

    imported = p != NULL ? p->imported : 0;
    available = p != NULL ? p->available : 0;

    return terms->kind == FK_KIND_COUNTED
           && terms->stock >= 0 && terms->stock <= FK_AMOUNT_MAX
           && terms->stock - available <= FK_UNITS_MAX - imported;
}


/* The first field that is wrong, by its name in the interface, or NULL. */
static const char *
fk_terms_wrong(const fk_terms_t *terms)
{
    unsigned  i;

    if (terms->name.size == 0 || terms->name.size > FK_NAME_SIZE_MAX
        || memchr(terms->name.data, '\0', terms->name.size) != NULL)
    {
        return "name";
    }

    if (terms->price < 0 || terms->price > FK_AMOUNT_MAX) {
        return "price";
    }

    for (i = 0; i < FK_CURRENCY_SIZE - 1; i++) {
        if (terms->currency[i] < 'A' || terms->currency[i] > 'Z') {
            return "currency";
        }
    }

    if (terms->currency[i] != '\0') {
        return "currency";
    }

    if (terms->kind >= FK_KIND_COUNT) {
        return "kind";
    }

    if (terms->on_sale > 1) {
        return "on_sale";
    }

    /* Whatever is ordered then has an amount within the limit. */
    if (terms->qty_max < 1 || terms->qty_max > FK_QTY_MAX
        || (terms->kind == FK_KIND_SHARED && terms->qty_max != 1)
        || terms->price > FK_AMOUNT_MAX / terms->qty_max)
    {
        return "qty_max";
    }

    if (terms->sale_to_s != 0 && terms->sale_from_s >= terms->sale_to_s) {
        return "sale_to";
    }

    return fk_tiers_good(terms->tier, terms->tier_count, terms->qty_max)
           ? NULL : "tiers";
}


/* Stock and orders are counted and priced in what they were made with. */
static fk_code_t
fk_terms_fixed(const fk_product_rec_t *p, const fk_terms_t *terms,
    const char **field)
{
    if (p->imported == 0 && p->orders_count == 0 && p->importing == 0) {
        return FK_OK;
    }

    if (terms->kind != p->kind) {
        *field = "kind";
        return FK_CONFLICT;
    }

    if (memcmp(terms->currency, p->currency, sizeof(p->currency)) != 0) {
        *field = "currency";
        return FK_CONFLICT;
    }

    return FK_OK;
}


/* The index shows it to others last, when the transaction has filled it. */
static uint32_t
fk_product_make(fk_t *fk, const fk_env_t *env, fk_str_t sku)
{
    uint32_t           index;
    fk_product_rec_t  *p;

    index = fk_slot_take(fk, FK_TABLE_PRODUCTS);
    p = FK_PRODUCT(fk, index);

    memset(p, 0, sizeof(fk_product_rec_t));
    memcpy(p->sku, sku.data, sku.size);
    p->created_s = fk_now_s(env);

    FK_SET(fk, p->used, 1);
    fk_chain_insert(fk, fk_product_bucket(fk, p->sku, sku.size), &p->hnext,
                    index);
    return index;
}


static void
fk_product_set(fk_t *fk, const fk_env_t *env, fk_product_rec_t *p,
    const fk_terms_t *terms)
{
    int64_t   more;
    uint32_t  n;

    fk_set_text(fk, p->name, sizeof(p->name), terms->name.data,
                terms->name.size);
    fk_set_text(fk, p->currency, sizeof(p->currency),
                (const uint8_t *) terms->currency, FK_CURRENCY_SIZE - 1);

    FK_SET(fk, p->price, terms->price);
    FK_SET(fk, p->kind, terms->kind);
    FK_SET(fk, p->qty_max, terms->qty_max);
    FK_SET(fk, p->sale_from_s, terms->sale_from_s);
    FK_SET(fk, p->sale_to_s, terms->sale_to_s);
    FK_SET(fk, p->updated_s, fk_now_s(env));
    FK_SET(fk, p->buyer_limit, terms->buyer_limit);
    FK_SET(fk, p->tier_count, terms->tier_count);
    FK_SET(fk, p->merchant, terms->merchant);

    for (n = 0; n < terms->tier_count; n++) {
        FK_SET(fk, p->tier_min_qty[n], terms->tier[n].min_qty);
        FK_SET(fk, p->tier_price[n], terms->tier[n].price);
    }

    /* Never by changing available alone: the sums would not add up. */
    more = terms->stock - p->available;

    if (more > 0) {
        FK_SET(fk, p->imported, p->imported + more);

    } else if (more < 0) {
        FK_SET(fk, p->voided, p->voided - more);
    }

    if (more != 0) {
        FK_SET(fk, p->available, terms->stock);
    }

    /* Last, so that a peek that sees it on sale sees the rest too. */
    FK_SET(fk, p->on_sale, terms->on_sale);
}


/* Stores a text and the zeros behind it, word by word where it differs. */
static void
fk_set_text(fk_t *fk, char *field, size_t field_size, const uint8_t *data,
    size_t size)
{
    char       text[FK_NAME_SIZE_MAX + 1];
    size_t     i;
    uint32_t   word, *words;

    assert(size < field_size && field_size <= sizeof(text));
    assert(field_size % sizeof(word) == 0);

    memset(text, 0, field_size);
    memcpy(text, data, size);
    words = (uint32_t *) (void *) field;

    for (i = 0; i < field_size / sizeof(word); i++) {
        memcpy(&word, text + i * sizeof(word), sizeof(word));

        /* A note for each word that changes, not for the whole field. */
        if (memcmp(&word, &words[i], sizeof(word)) != 0) {
            FK_SET(fk, words[i], word);
        }
    }
}


fk_code_t
fk_product_get(fk_t *fk, const fk_env_t *env, fk_str_t sku,
    fk_product_view_t *out)
{
    uint32_t   index;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    index = fk_product_find(fk, sku);
    if (index != 0) {
        fk_product_fill(fk, env, index, out);
    }

    fk_unlock(fk);
    return index != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_product_list(fk_t *fk, const fk_env_t *env, uint32_t *cursor,
    fk_product_view_t *out, uint32_t *n)
{
    uint32_t   index, count, fresh, n_max;
    fk_code_t  code;

    assert(*n != 0);

    n_max = *n < FK_LIST_SLICE_MAX ? *n : FK_LIST_SLICE_MAX;
    *n = 0;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    index = *cursor;
    fresh = fk->region->table[FK_TABLE_PRODUCTS].fresh;

    for (count = 0; index < fresh && count < n_max; index++) {
        if (FK_PRODUCT(fk, index + 1)->used) {
            fk_product_fill(fk, env, index + 1, &out[count++]);
        }
    }

    /* Products are never taken away, so a slot number is a good place. */
    *cursor = index < fresh ? index : 0;
    *n = count;

    fk_unlock(fk);
    return FK_OK;
}


void
fk_product_fill(const fk_t *fk, const fk_env_t *env, uint32_t index,
    fk_product_view_t *out)
{
    const fk_product_rec_t  *p;

    p = FK_PRODUCT(fk, index);

    out->index = index;
    out->seq = p->seq;
    memcpy(out->sku, p->sku, sizeof(out->sku));
    memcpy(out->name, p->name, sizeof(out->name));
    memcpy(out->currency, p->currency, sizeof(out->currency));

    /* Texts end, whatever stands in the region: callers count on it. */
    out->sku[FK_SKU_SIZE_MAX] = '\0';
    out->name[FK_NAME_SIZE_MAX] = '\0';
    out->currency[FK_CURRENCY_SIZE - 1] = '\0';

    out->price = p->price;
    out->kind = p->kind;
    out->on_sale = p->on_sale;
    out->on_sale_now = fk_product_open(p, env->now_ms)
                       && (p->kind != FK_KIND_SHARED || p->pool_tail != 0);
    out->qty_max = p->qty_max;
    out->sale_from_s = p->sale_from_s;
    out->sale_to_s = p->sale_to_s;
    out->created_s = p->created_s;
    out->updated_s = p->updated_s;
    out->sellable = fk_product_sellable(p);
    out->imported = p->imported;
    out->available = p->available;
    out->held = p->held;
    out->sold = p->sold + p->archived_units;
    out->voided = p->voided;
    out->owed = p->owed;
    out->archived_units = p->archived_units;
    out->archived_orders = p->archived_orders;
    out->archived_amount = p->archived_amount;
    out->buyer_limit = p->buyer_limit;
    out->tier_count = p->tier_count;
    fk_product_tiers(p, out->tier);

    memset(out->merchant, 0, sizeof(out->merchant));

    if (p->merchant != 0) {
        memcpy(out->merchant, FK_ACCOUNT(fk, p->merchant)->id,
               FK_ACCOUNT_SIZE_MAX);
    }
}
