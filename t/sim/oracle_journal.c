/*
 * The journal, read over Redis's shoulder: each number has one record, for
 * ever, once it was promised, and no number is left out.  What the records
 * say is for oracle_record.c.
 */

#include "sim.h"


static void oracle_take(sim_t *s, const sim_entry_t *entry);
static void oracle_reached(sim_t *s, uint64_t seq);
static void oracle_records(sim_t *s, const sim_text_t *text);
static void oracle_record(sim_t *s, const uint8_t *record, size_t size);
static void oracle_room(sim_t *s, uint64_t seq);


void
oracle_entry(sim_t *s, const sim_entry_t *entry)
{
    oracle_take(s, entry);

    if (s->redis.has_lost && !oracle_is_fragile(s)) {
        sim_mark(s, SIM_MARK_SENT_AGAIN);
        chaos_recovered(s);
    }
}


static void
oracle_take(sim_t *s, const sim_entry_t *entry)
{
    uint32_t  i;

    s->oracle.top_epoch = entry->id.ms;
    s->oracle.top_seq = entry->id.seq;

    for (i = 0; i + 1 < entry->count; i += 2) {
        if (entry->field[i].size != 1) {
            continue;
        }

        if (entry->field[i].data[0] == 'b') {
            oracle_records(s, &entry->field[i + 1]);

        } else if (entry->field[i].data[0] == 'o'
                   && entry->id.seq > s->oracle.last_seq)
        {
            oracle_reached(s, entry->id.seq);
        }
    }
}


/* Healed: a snapshot has what the journal has not. */

static void
oracle_reached(sim_t *s, uint64_t seq)
{
    uint64_t  i;

    oracle_room(s, seq);

    for (i = s->oracle.last_seq + 1; i <= seq; i++) {
        if (s->oracle.sum[i] == 0) {
            oracle_blind(s, seq);
            break;
        }
    }

    s->oracle.last_seq = seq;
}


static void
oracle_records(sim_t *s, const sim_text_t *text)
{
    size_t          at, size;
    const uint8_t  *data;

    data = (const uint8_t *) text->data;

    for (at = 0; at < text->size; at += size) {
        SIM_MUST(s, text->size - at >= FK_RECORD_HEAD_SIZE,
                 "half a record is in the journal");
        size = (size_t) fk_get(data + at, 4);
        SIM_MUST(s, size >= FK_RECORD_HEAD_SIZE && size <= text->size - at,
                 "a record in the journal has no end");
        oracle_record(s, data + at, size);
    }
}


static void
oracle_record(sim_t *s, const uint8_t *record, size_t size)
{
    uint32_t       sum;
    uint64_t       seq;
    sim_oracle_t  *o;

    o = &s->oracle;
    sum = (uint32_t) fk_get(record + 4, 4);
    seq = fk_get(record + 8, 8);
    oracle_room(s, seq);

    SIM_MUST(s, seq <= o->last_seq + 1,
             "the journal has record %" PRIu64 " after %" PRIu64, seq,
             o->last_seq);
    SIM_MUST(s, o->sum[seq] == 0 || o->sum[seq] == sum,
             "record %" PRIu64 " is in the journal with two contents", seq);

    /* A heal has passed over the blind ones: later ones were read before. */
    if (o->sum[seq] == 0 && seq > o->blind_seq) {
        oracle_images(s, record, size);
    }

    o->sum[seq] = sum;

    if (seq > o->last_seq) {
        o->last_seq = seq;
    }
}


static void
oracle_room(sim_t *s, uint64_t seq)
{
    uint32_t      *grown;
    sim_oracle_t  *o;

    o = &s->oracle;

    if (seq < o->sum_room) {
        return;
    }

    grown = sim_alloc(s, (size_t) (2 * seq + 1024) * sizeof(uint32_t));

    if (o->sum_room != 0) {
        memcpy(grown, o->sum, (size_t) o->sum_room * sizeof(uint32_t));
    }

    o->sum = grown;
    o->sum_room = 2 * seq + 1024;
}


/*
 * After a crash, or a restore.  What nobody was promised may be written
 * anew, with other contents; the rest has to come again as it was.
 */

void
oracle_journal_again(sim_t *s)
{
    uint32_t          i;
    uint64_t          seq, known;
    sim_oracle_t     *o;
    const sim_key_t  *key;

    o = &s->oracle;
    o->last_seq = 0;
    o->top_epoch = 0;
    o->top_seq = 0;
    key = redis_key(s, SIM_JOURNAL);

    /* What was cut off, a snapshot has. */
    if (key != NULL && key->first != 0) {
        o->last_seq = key->trimmed.seq;
        o->top_epoch = key->trimmed.ms;
        o->top_seq = key->trimmed.seq;
    }

    known = o->acked_seq > o->last_seq ? o->acked_seq : o->last_seq;

    for (seq = known + 1; seq < o->sum_room; seq++) {
        o->sum[seq] = 0;
    }

    oracle_forget(s, known);

    for (i = key != NULL ? key->first : 0; key != NULL && i < key->count;
         i++)
    {
        oracle_take(s, &key->entry[i]);
    }
}


/*
 * Promised, or to be promised at any moment by a server that knows of a reply
 * from before the loss.  Also while its takeover is lost: the next server
 * would take the same epoch, and its ids would fence nobody.
 */

int
oracle_is_fragile(const sim_t *s)
{
    uint32_t           i;
    const sim_node_t  *node;

    for (i = 0; i < s->plan.nodes; i++) {
        node = &s->node[i];

        if (node->is_up && (fk_shop_state(&node->fk) == FK_SHOP_OPEN
                            || fk_shop_state(&node->fk) == FK_SHOP_HEALING)
            && node->fk.region->ring.epoch >= s->oracle.top_epoch
            && (fk_durable_seq(&node->fk) > s->oracle.top_seq
                || node->fk.region->ring.epoch > s->oracle.top_epoch))
        {
            return 1;
        }
    }

    return s->oracle.last_seq < s->oracle.acked_seq;
}


/* A later owner's, or of this one a later state. */

void
oracle_archive(sim_t *s, const sim_id_t *was, const sim_id_t *is)
{
    SIM_MUST(s, is->ms > was->ms || (is->ms == was->ms && is->seq >= was->seq),
             "the archive has an order at record %" PRIu64 " of epoch %"
             PRIu64 ", and gets it at %" PRIu64 " of %" PRIu64, was->seq,
             was->ms, is->seq, is->ms);
}
