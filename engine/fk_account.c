/*
 * Accounts: finding, making, changing, showing them, and what they have.
 *
 * A slot is never given back, and id, kind and currency never change: so an
 * account's slot is its name in the journal, also in lines and withdrawals.
 *
 * A parent is set only after the walk up from it has ended, within
 * FK_ACCOUNT_DEPTH_MAX steps and without meeting the account itself.  So no
 * chain of parents ever closes, though moving a whole branch may make one
 * that is longer.
 */

#include "fk_priv.h"


/* An account as fk_account_put() wants it to be. */
typedef struct {
    uint32_t       parent;
    uint16_t       rate_bp[FK_ACCOUNT_RATES];
    uint8_t        closed;
    uint8_t        kind;
    char           currency[FK_CURRENCY_SIZE];
    const uint8_t *token;              /* NULL: as it is */
    const uint8_t *buyer;              /* NULL: as it is */
} fk_person_t;


static void fk_person_now(const fk_account_rec_t *a, fk_person_t *person);
static fk_code_t fk_person_given(const fk_t *fk, const fk_account_put_t *in,
    uint32_t account, fk_person_t *person, const char **field);
static const char *fk_person_wrong(const fk_person_t *person);
static int fk_parent_good(const fk_t *fk, uint32_t account,
    const fk_person_t *person);
static uint32_t fk_platform_find(const fk_t *fk, const char *currency);
static fk_code_t fk_account_room(fk_t *fk, uint32_t account,
    const fk_person_t *person, const char **field);
static uint32_t fk_account_make(fk_t *fk, const fk_env_t *env,
    const fk_account_put_t *in, const fk_person_t *person);
static void fk_account_set(fk_t *fk, fk_account_rec_t *a,
    const fk_person_t *person);


uint32_t *
fk_account_bucket(const fk_t *fk, const char *id, size_t size)
{
    return fk_bucket(fk, FK_INDEX_ACCOUNTS, fk_hash_bytes(id, size));
}


uint32_t
fk_account_find(const fk_t *fk, fk_str_t id)
{
    uint32_t                 index, steps;
    const fk_account_rec_t  *a;

    if (id.size == 0 || id.size > FK_ACCOUNT_SIZE_MAX) {
        return 0;
    }

    steps = fk->region->table[FK_TABLE_ACCOUNTS].capacity;

    for (index = *fk_account_bucket(fk, (const char *) id.data, id.size);
         index != 0;
         index = a->hnext)
    {
        assert(steps != 0);
        steps--;
        a = FK_ACCOUNT(fk, index);

        if (memcmp(a->id, id.data, id.size) == 0 && a->id[id.size] == '\0') {
            return index;
        }
    }

    return 0;
}


int
fk_account_id_good(const uint8_t *id, size_t size)
{
    size_t   i;
    uint8_t  c;

    if (size == 0 || size > FK_ACCOUNT_SIZE_MAX) {
        return 0;
    }

    for (i = 0; i < size; i++) {
        c = id[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-'))
        {
            return 0;
        }
    }

    return 1;
}


uint32_t
fk_agent_for(const fk_t *fk, fk_str_t id, const char *currency)
{
    uint32_t                 account;
    const fk_account_rec_t  *a;

    account = fk_account_find(fk, id);

    if (account == 0) {
        return 0;
    }

    a = FK_ACCOUNT(fk, account);

    return a->kind == FK_ACCOUNT_AGENT && !a->closed
           && memcmp(a->currency, currency, FK_CURRENCY_SIZE) == 0
           ? account : 0;
}


int
fk_merchant_good(const fk_t *fk, uint32_t account, const char *currency)
{
    const fk_account_rec_t  *a;

    if (account == 0) {
        return 1;
    }

    a = FK_ACCOUNT(fk, account);

    return a->kind == FK_ACCOUNT_MERCHANT
           && memcmp(a->currency, currency, FK_CURRENCY_SIZE) == 0;
}


int
fk_rates_good(const uint16_t *rate_bp, uint8_t kind)
{
    size_t  n;

    for (n = 0; n < FK_ACCOUNT_RATES; n++) {
        if (rate_bp[n] != FK_RATE_BY_RULE
            && (rate_bp[n] > FK_RATE_MAX || kind == FK_ACCOUNT_MERCHANT))
        {
            return 0;
        }
    }

    return 1;
}


int64_t
fk_account_available(const fk_account_rec_t *a)
{
    return a->archived_earned + a->live.settled - a->live.reserved
           - a->live.paid - a->archived_withdrawn
           + a->live.credited + a->archived_credited
           - a->live.spent - a->archived_spent;
}


int
fk_note_good(fk_str_t note)
{
    size_t  i;

    for (i = 0; i < note.size && i < FK_REF_SIZE_MAX; i++) {
        if (note.data[i] < 0x20 || note.data[i] == 0x7f) {
            return 0;
        }
    }

    return note.size <= FK_REF_SIZE_MAX;
}


void
fk_balance_add(fk_t *fk, uint32_t account, uint32_t phase, uint32_t slot,
    const fk_balance_t *delta)
{
    int                passed;
    size_t             n;
    int64_t           *live, *audit;
    const int64_t     *add;
    fk_account_rec_t  *a;

    _Static_assert(sizeof(fk_balance_t) == 6 * sizeof(int64_t), "six sums");

    a = FK_ACCOUNT(fk, account);
    live = (int64_t *) (void *) &a->live;
    audit = (int64_t *) (void *) &a->audit;
    add = (const int64_t *) (const void *) delta;
    passed = fk_audit_passed(fk, phase, slot);

    for (n = 0; n < sizeof(fk_balance_t) / sizeof(int64_t); n++) {
        if (add[n] == 0) {
            continue;
        }

        FK_SET(fk, live[n], live[n] + add[n]);

        if (passed) {
            FK_SET(fk, audit[n], audit[n] + add[n]);
        }
    }
}


fk_code_t
fk_account_put(fk_t *fk, const fk_env_t *env, const fk_account_put_t *in,
    fk_account_view_t *out, int *created, uint64_t *seq, const char **field)
{
    uint32_t     account;
    fk_code_t    code;
    fk_person_t  person;

    *field = "id";
    *created = 0;
    *seq = 0;

    if (!fk_account_id_good(in->id.data, in->id.size)) {
        return FK_INVALID;
    }

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    account = fk_account_find(fk, in->id);
    code = fk_person_given(fk, in, account, &person, field);

    if (code == FK_OK) {
        code = fk_account_room(fk, account, &person, field);
    }

    if (code == FK_OK) {
        fk_record_begin(fk, env);

        if (account == 0) {
            account = fk_account_make(fk, env, in, &person);
            *created = 1;
        }

        fk_account_set(fk, FK_ACCOUNT(fk, account), &person);
        fk_record_account(fk, account);
        *seq = fk_record_end(fk);
        fk_commit(fk);

        fk_account_fill(fk, account, out);
        *field = NULL;
    }

    fk_unlock(fk);
    return code;
}


static void
fk_person_now(const fk_account_rec_t *a, fk_person_t *person)
{
    person->parent = a->parent;
    person->closed = a->closed;
    person->kind = a->kind;
    memcpy(person->rate_bp, a->rate_bp, sizeof(person->rate_bp));
    memcpy(person->currency, a->currency, FK_CURRENCY_SIZE);
}


static fk_code_t
fk_person_given(const fk_t *fk, const fk_account_put_t *in, uint32_t account,
    fk_person_t *person, const char **field)
{
    size_t  n;

    memset(person, 0, sizeof(*person));
    person->kind = FK_ACCOUNT_AGENT;

    for (n = 0; n < FK_ACCOUNT_RATES; n++) {
        person->rate_bp[n] = FK_RATE_BY_RULE;
    }

    if (account != 0) {
        fk_person_now(FK_ACCOUNT(fk, account), person);

        if ((in->fields & FK_ACCOUNT_PUT_KIND) && in->kind != person->kind) {
            *field = "kind";
            return FK_CONFLICT;
        }

        if ((in->fields & FK_ACCOUNT_PUT_CURRENCY)
            && memcmp(in->currency, person->currency, FK_CURRENCY_SIZE) != 0)
        {
            *field = "currency";
            return FK_CONFLICT;
        }
    }

    if (in->fields & FK_ACCOUNT_PUT_KIND) {
        person->kind = in->kind;
    }

    if (in->fields & FK_ACCOUNT_PUT_CURRENCY) {
        memcpy(person->currency, in->currency, FK_CURRENCY_SIZE);
    }

    if (in->fields & FK_ACCOUNT_PUT_CLOSED) {
        person->closed = in->closed;
    }

    if (in->fields & FK_ACCOUNT_PUT_RATES) {
        memcpy(person->rate_bp, in->rate_bp, sizeof(person->rate_bp));
    }

    if (in->fields & FK_ACCOUNT_PUT_TOKEN) {
        person->token = in->token;
    }

    if (in->fields & FK_ACCOUNT_PUT_BUYER) {
        person->buyer = in->buyer;
    }

    if (in->fields & FK_ACCOUNT_PUT_PARENT) {
        person->parent = fk_account_find(fk, in->parent);

        if (person->parent == 0 && in->parent.size != 0) {
            *field = "parent";
            return FK_INVALID;
        }
    }

    *field = fk_person_wrong(person);

    /* Only another one: a branch above may have grown since it was given. */
    if (*field == NULL
        && (account == 0 || person->parent != FK_ACCOUNT(fk, account)->parent)
        && !fk_parent_good(fk, account, person))
    {
        *field = "parent";
    }

    return *field == NULL ? FK_OK : FK_INVALID;
}


/* The name of the first field that is not possible, or NULL. */

static const char *
fk_person_wrong(const fk_person_t *person)
{
    size_t  n;

    if (person->kind >= FK_ACCOUNT_KIND_COUNT) {
        return "kind";
    }

    for (n = 0; n < FK_CURRENCY_SIZE - 1; n++) {
        if (person->currency[n] < 'A' || person->currency[n] > 'Z') {
            return "currency";
        }
    }

    if (person->currency[n] != '\0') {
        return "currency";
    }

    if (person->closed > 1) {
        return "closed";
    }

    if (!fk_rates_good(person->rate_bp, person->kind)) {
        return "rates";
    }

    return NULL;
}


static int
fk_parent_good(const fk_t *fk, uint32_t account, const fk_person_t *person)
{
    uint32_t                 n, at;
    const fk_account_rec_t  *a;

    at = person->parent;

    if (at == 0) {
        return 1;
    }

    a = FK_ACCOUNT(fk, at);

    if (person->kind != FK_ACCOUNT_AGENT || a->kind != FK_ACCOUNT_AGENT
        || memcmp(a->currency, person->currency, FK_CURRENCY_SIZE) != 0)
    {
        return 0;
    }

    for (n = 0; n < FK_ACCOUNT_DEPTH_MAX && at != 0; n++) {
        if (at == account) {
            return 0;
        }

        at = FK_ACCOUNT(fk, at)->parent;
    }

    return at == 0;
}


uint32_t
fk_platform_of(const fk_t *fk, const char *currency)
{
    uint32_t  n;

    n = fk_platform_find(fk, currency);

    return n < FK_PLATFORMS_MAX ? fk->region->platform[n] : 0;
}


/* The place in the header of a currency's platform, or of the first that is
 * free, or FK_PLATFORMS_MAX. */

static uint32_t
fk_platform_find(const fk_t *fk, const char *currency)
{
    uint32_t  n, account;

    for (n = 0; n < FK_PLATFORMS_MAX; n++) {
        account = fk->region->platform[n];

        if (account == 0
            || memcmp(FK_ACCOUNT(fk, account)->currency, currency,
                      FK_CURRENCY_SIZE) == 0)
        {
            break;
        }
    }

    return n;
}


static fk_code_t
fk_account_room(fk_t *fk, uint32_t account, const fk_person_t *person,
    const char **field)
{
    uint32_t  n;

    if (account == 0 && person->kind == FK_ACCOUNT_PLATFORM) {
        n = fk_platform_find(fk, person->currency);

        if (n == FK_PLATFORMS_MAX || fk->region->platform[n] != 0) {
            *field = "kind";
            return n == FK_PLATFORMS_MAX ? FK_TABLE_FULL : FK_CONFLICT;
        }
    }

    if (account == 0 && fk_table_room(fk, FK_TABLE_ACCOUNTS) == 0) {
        return FK_TABLE_FULL;
    }

    return fk_record_room(fk, FK_IMAGE_ACCOUNT_SIZE) ? FK_OK : FK_RING_FULL;
}


static uint32_t
fk_account_make(fk_t *fk, const fk_env_t *env, const fk_account_put_t *in,
    const fk_person_t *person)
{
    uint32_t           account, n;
    fk_account_rec_t  *a;

    account = fk_slot_take(fk, FK_TABLE_ACCOUNTS);
    a = FK_ACCOUNT(fk, account);
    memset(a, 0, sizeof(*a));

    memcpy(a->id, in->id.data, in->id.size);
    memcpy(a->currency, person->currency, FK_CURRENCY_SIZE);
    a->kind = person->kind;
    a->created_s = fk_now_s(env);

    FK_SET(fk, a->used, 1);
    fk_chain_insert(fk, fk_account_bucket(fk, a->id, in->id.size), &a->hnext,
                    account);

    if (person->kind == FK_ACCOUNT_PLATFORM) {
        n = fk_platform_find(fk, person->currency);
        assert(n < FK_PLATFORMS_MAX);
        FK_SET(fk, fk->region->platform[n], account);
    }

    return account;
}


static void
fk_account_set(fk_t *fk, fk_account_rec_t *a, const fk_person_t *person)
{
    size_t  n;

    FK_SET(fk, a->parent, person->parent);
    FK_SET(fk, a->closed, person->closed);

    for (n = 0; n < FK_ACCOUNT_RATES; n++) {
        FK_SET(fk, a->rate_bp[n], person->rate_bp[n]);
    }

    for (n = 0; person->token != NULL && n < FK_TOKEN_SIZE; n++) {
        FK_SET(fk, a->token[n], person->token[n]);
    }

    for (n = 0; person->buyer != NULL && n < FK_TALLY_KEY_SIZE; n++) {
        FK_SET(fk, a->buyer[n], person->buyer[n]);
    }
}


fk_code_t
fk_account_get(fk_t *fk, fk_str_t id, fk_account_view_t *out)
{
    uint32_t   account;
    fk_code_t  code;

    code = fk_lock_open(fk);
    if (code != FK_OK) {
        return code;
    }

    account = fk_account_find(fk, id);

    if (account != 0) {
        fk_account_fill(fk, account, out);
    }

    fk_unlock(fk);
    return account != 0 ? FK_OK : FK_NOT_FOUND;
}


fk_code_t
fk_account_list(fk_t *fk, uint32_t *cursor, fk_account_view_t *out,
    uint32_t *n)
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
    fresh = fk->region->table[FK_TABLE_ACCOUNTS].fresh;

    for (count = 0; index < fresh && count < n_max; index++) {
        if (FK_ACCOUNT(fk, index + 1)->used) {
            fk_account_fill(fk, index + 1, &out[count++]);
        }
    }

    *cursor = index < fresh ? index : 0;
    *n = count;

    fk_unlock(fk);
    return FK_OK;
}


void
fk_account_fill(const fk_t *fk, uint32_t account, fk_account_view_t *out)
{
    const fk_account_rec_t  *a;

    a = FK_ACCOUNT(fk, account);
    memset(out, 0, sizeof(*out));

    out->index = account;
    out->seq = a->seq;
    memcpy(out->id, a->id, FK_ACCOUNT_SIZE_MAX);
    memcpy(out->currency, a->currency, FK_CURRENCY_SIZE - 1);
    memcpy(out->token, a->token, FK_TOKEN_SIZE);
    memcpy(out->buyer, a->buyer, FK_TALLY_KEY_SIZE);
    memcpy(out->rate_bp, a->rate_bp, sizeof(out->rate_bp));

    if (a->parent != 0) {
        memcpy(out->parent, FK_ACCOUNT(fk, a->parent)->id,
               FK_ACCOUNT_SIZE_MAX);
    }

    out->kind = a->kind;
    out->closed = a->closed;
    out->created_s = a->created_s;
    out->open_count = a->open_count;

    out->frozen = a->live.frozen;
    out->available = fk_account_available(a);
    out->reserved = a->live.reserved;
    out->withdrawn = a->live.paid + a->archived_withdrawn;
    out->debt = out->available < 0 ? -out->available : 0;
    out->earned = a->live.frozen + a->live.settled + a->archived_earned;
    out->archived_earned = a->archived_earned;
    out->spent = a->live.spent + a->archived_spent;
    out->credited = a->live.credited + a->archived_credited;
}
