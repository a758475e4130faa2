/*
 * A snapshot's parts into the tables of a shop that recovers.
 *
 * Parts come in their order and once each, the kinds of entities in theirs,
 * no entity twice, and as many as the foot says: anything else is damage.
 * What an entity refers to may be missing only if the entity is younger than
 * the snapshot's begin (fk_apply_order.c), so nothing that was there at the
 * begin can be lost without a word.
 *
 * What is in the tables then is no shop yet: fk_apply() brings the journal's
 * records from the begin on, and fk_recover_end() asks whether they reached
 * the snapshot's end.
 */

#include "fk_journal.h"


typedef struct {
    uint32_t  phase;                   /* fk_snapshot_phase_t */
    uint32_t  count;                   /* FK_COUNT_* */
    uint8_t   is_entity;
    uint8_t   has_seq;
} fk_load_kind_t;

static const fk_load_kind_t  fk_load_kinds[FK_IMAGE_LAST] = {
    [FK_IMAGE_PRODUCT] = { FK_SNAPSHOT_PRODUCTS, FK_COUNT_PRODUCTS, 1, 1 },
    [FK_IMAGE_BATCH] = { FK_SNAPSHOT_BATCHES, FK_COUNT_BATCHES, 1, 1 },
    [FK_IMAGE_CARD] = { FK_SNAPSHOT_CARDS, FK_COUNT_CARDS, 1, 0 },
    [FK_IMAGE_LEVEL] = { FK_SNAPSHOT_LEVELS, FK_COUNT_LEVELS, 1, 1 },
    [FK_IMAGE_COUPON] = { FK_SNAPSHOT_COUPONS, FK_COUNT_COUPONS, 1, 1 },
    [FK_IMAGE_TALLY] = { FK_SNAPSHOT_TALLIES, FK_COUNT_TALLIES, 1, 1 },
    [FK_IMAGE_ORDER] = { FK_SNAPSHOT_ORDERS, FK_COUNT_ORDERS, 1, 1 },
    [FK_IMAGE_PAYMENT] = { FK_SNAPSHOT_ORDERS, FK_COUNT_PAYMENTS, 1, 1 },
    [FK_IMAGE_ACCOUNT] = { FK_SNAPSHOT_ACCOUNTS, FK_COUNT_ACCOUNTS, 1, 1 },
    [FK_IMAGE_SPLIT] = { FK_SNAPSHOT_ORDERS, FK_COUNT_SPLITS, 1, 1 },
    [FK_IMAGE_WITHDRAWAL] = {
        FK_SNAPSHOT_WITHDRAWALS, FK_COUNT_WITHDRAWALS, 1, 1 },
    [FK_IMAGE_START] = { FK_SNAPSHOT_ORDERS, FK_COUNT_STARTS, 1, 1 },
};


static fk_code_t fk_load_part(fk_t *fk, const uint8_t *data, size_t size,
    size_t *part_size);
static fk_code_t fk_load_image(fk_t *fk, fk_image_type_t type, uint64_t seq,
    const fk_image_t *image);
static fk_code_t fk_load_begin(fk_t *fk, const fk_image_snapshot_t *in);
static fk_code_t fk_load_end(fk_t *fk, const fk_image_snapshot_end_t *in);


fk_code_t
fk_snapshot_load(fk_t *fk, uint64_t owner, int64_t now_ms,
    const uint8_t *data, size_t size, size_t *at)
{
    size_t     done, part_size;
    fk_code_t  rc;

    *at = 0;

    rc = fk_recover_lock(fk, owner, now_ms);
    if (rc != FK_OK) {
        return rc;
    }

    for (done = 0; done < size; done += part_size) {
        rc = fk_load_part(fk, data + done, size - done, &part_size);

        if (rc != FK_OK) {
            fk_recover_give_up(fk);
            break;
        }
    }

    *at = done;
    fk_unlock(fk);

    return rc;
}


int
fk_load_half(const fk_t *fk)
{
    const fk_load_rec_t  *load;

    load = &fk->region->load;
    return load->parts_count != 0 && load->phase != FK_SNAPSHOT_DONE;
}


size_t
fk_part_seq_size(uint32_t type)
{
    return type < FK_IMAGE_LAST && fk_load_kinds[type].has_seq
           ? sizeof(uint64_t) : 0;
}


fk_code_t
fk_part_image(const uint8_t *at, size_t size, fk_image_type_t *type,
    size_t *image_size, fk_image_t *image, uint64_t *seq)
{
    size_t     seq_size;
    fk_code_t  rc;

    rc = fk_image_get(at, size, type, image_size, image);
    if (rc != FK_OK) {
        return rc;
    }

    seq_size = fk_part_seq_size(*type);

    if (size - *image_size < seq_size) {
        return FK_CORRUPT;
    }

    *seq = fk_get(at + *image_size, seq_size);
    *image_size += seq_size;

    return FK_OK;
}


static fk_code_t
fk_load_part(fk_t *fk, const uint8_t *data, size_t size, size_t *part_size)
{
    size_t             used, ahead, image_size;
    uint32_t           n;
    uint64_t           seq;
    fk_code_t          rc;
    fk_image_t         image;
    fk_load_rec_t     *load;
    fk_image_type_t    type;
    fk_record_head_t   head;

    rc = fk_record_judge(data, size, &head);
    if (rc != FK_OK) {
        return rc;
    }

    load = &fk->region->load;

    if (head.version != FK_RECORD_VERSION_PART) {
        return head.version >> 8 == FK_RECORD_VERSION_PART >> 8
               ? FK_INCOMPATIBLE : FK_CORRUPT;
    }

    /* Nothing stands behind the foot, and no records before the head. */
    if (load->phase == FK_SNAPSHOT_DONE || fk->region->ring.seq != 0
        || head.seq != load->parts_count + 1)
    {
        return FK_CORRUPT;
    }

    used = FK_RECORD_HEAD_SIZE;
    ahead = used;

    for (n = 0; n < head.count; n++) {
        if (used >= ahead) {
            ahead = used + fk_ahead_part(fk, data + used, head.size - used);
        }

        rc = fk_part_image(data + used, head.size - used, &type, &image_size,
                           &image, &seq);
        if (rc != FK_OK) {
            return rc;
        }

        /* The head is the first image of all, and only that. */
        if ((type == FK_IMAGE_SNAPSHOT) != (head.seq == 1 && n == 0)) {
            return FK_CORRUPT;
        }

        rc = fk_load_image(fk, type, seq, &image);
        if (rc != FK_OK) {
            return rc;
        }

        used += image_size;
    }

    load->parts_count = head.seq;
    *part_size = head.size;

    return head.count != 0 && head.size - used < FK_RECORD_ALIGN
           ? FK_OK : FK_CORRUPT;
}


static fk_code_t
fk_load_image(fk_t *fk, fk_image_type_t type, uint64_t seq,
    const fk_image_t *image)
{
    fk_origin_t            from;
    fk_load_rec_t         *load;
    const fk_load_kind_t  *kind;

    load = &fk->region->load;
    kind = &fk_load_kinds[type];

    if (type == FK_IMAGE_SNAPSHOT) {
        return fk_load_begin(fk, &image->snapshot);
    }

    if (type == FK_IMAGE_SNAPSHOT_END) {
        return fk_load_end(fk, &image->snapshot_end);
    }

    /* Out of its order it would miss what it refers to, and be dropped. */
    if (!kind->is_entity || kind->phase < load->phase) {
        return FK_CORRUPT;
    }

    load->phase = kind->phase;
    load->count[kind->count]++;

    if (seq > load->seq_max) {
        load->seq_max = seq;
    }

    from.seq = seq;
    from.loading = 1;
    from.fuzzy = seq > load->begin_seq;

    return fk_apply_image(fk, &from, type, image);
}


static fk_code_t
fk_load_begin(fk_t *fk, const fk_image_snapshot_t *in)
{
    if (in->format != FK_SNAPSHOT_FORMAT) {
        return FK_INCOMPATIBLE;
    }

    fk->region->load.begin_seq = in->begin_seq;
    return FK_OK;
}


static fk_code_t
fk_load_end(fk_t *fk, const fk_image_snapshot_end_t *in)
{
    fk_load_rec_t  *load;

    load = &fk->region->load;

    /* The foot comes once: behind it the phase is none of an entity. */
    if (load->phase == FK_SNAPSHOT_DONE
        || in->end_seq < load->begin_seq || load->seq_max > in->end_seq
        || memcmp(in->count, load->count, sizeof(load->count)) != 0)
    {
        return FK_CORRUPT;
    }

    load->phase = FK_SNAPSHOT_DONE;
    load->end_seq = in->end_seq;
    __atomic_store_n(&fk->region->ring.seq, load->begin_seq,
                     __ATOMIC_RELEASE);

    return FK_OK;
}
