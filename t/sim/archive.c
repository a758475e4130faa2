/*
 * A worker's look-ups in the archive, as the module makes them: the request
 * waits for the answer, and others go on meanwhile, also with this order.  The
 * answer is what stood there when it was asked for, and is never lost.
 */

#include "sim.h"


#define ARCHIVE_LOOKS    4             /* a request */
#define ARCHIVE_WAIT_MS  1500
#define ARCHIVE_FAST_MS  5


static fk_code_t archive_look(sim_t *s, fk_t *fk, sim_request_t *r);


void
archive_text(sim_t *s, const sim_text_t *text, sim_id_t *version,
    sim_text_t *record)
{
    int  at;

    at = 0;
    SIM_MUST(s, sscanf(text->data, "{\"epoch\":%" SCNu64 ",\"seq\":%" SCNu64
                       "%n", &version->ms, &version->seq, &at) == 2
                && at != 0 && text->data[at] == ',',
             "the archive has an order without its version");

    record->data = text->data + at + 1;
    record->size = text->size - (size_t) at - 1;
}


int
archive_restored(sim_t *s, fk_t *fk, const fk_env_t *env, sim_request_t *r)
{
    sim_text_t  record;

    record = r->record;

    if (record.data == NULL) {
        r->code = archive_look(s, fk, r);
        return 0;
    }

    r->record.data = NULL;
    r->code = fk_archive_restore(fk, env, (const uint8_t *) record.data,
                                 record.size, r->mark, &r->view);

    if (r->code == FK_OK) {
        r->is_restored = 1;
        sim_mark(s, SIM_MARK_UNARCHIVED);

    } else if (r->code == FK_AGAIN) {
        r->code = archive_look(s, fk, r);
    }

    return r->code == FK_OK || r->code == FK_EXISTS;
}


/* FK_AGAIN: the request is to be run again when it has waited. */

static fk_code_t
archive_look(sim_t *s, fk_t *fk, sim_request_t *r)
{
    char              name[FJ_KEY_SIZE];
    sim_id_t          version;
    const sim_key_t  *key;

    if (r->looks++ == ARCHIVE_LOOKS) {
        return FK_LOCK_TIMEOUT;
    }

    r->mark = fk_archive_mark(fk, &r->id);
    fj_keeper_order_key(name, &request_shop, &r->id);
    key = redis_key(s, name);

    if (key == NULL) {
        return FK_NOT_FOUND;
    }

    /* The arena's bytes stay, whatever Redis is told later. */
    archive_text(s, &key->value, &version, &r->record);
    return FK_AGAIN;
}


int
archive_waits(const sim_request_t *r)
{
    return r->code == FK_AGAIN && r->record.data != NULL;
}


int64_t
archive_wait_us(sim_t *s)
{
    return (int64_t) sim_below(s, (sim_permille(s, 300) ? ARCHIVE_WAIT_MS
                                                        : ARCHIVE_FAST_MS)
                                  * SIM_MS);
}
