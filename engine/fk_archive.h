/*
 * The archive: finished orders that leave the region, and come back when a
 * payment comes for one.  A part of fk.h, which includes it: nobody else does.
 */

#ifndef FK_ARCHIVE_H_INCLUDED_
#define FK_ARCHIVE_H_INCLUDED_


/*
 * A finished order leaves the region, so that the tables hold what is still
 * to be done, and what is done stands elsewhere:
 *
 *   fk_archive_list     which orders are finished and old enough
 *   fk_archive_read     one of them as a record; the caller stores it
 *   fk_archive_drop     when it is stored: the order leaves the region
 *   fk_archive_mark     before that place is asked for the record
 *   fk_archive_restore  the record back, when a payment comes for it
 *
 * Finished: expired, cancelled, delivered or refunded, with each payment
 * applied or refunded, and its split settled.  Money that is owed, under
 * review or frozen keeps its order.
 *
 * With the order go its payments, its sold cards, its Idempotency-Key and its
 * trade numbers.  So a request with this key makes a new order; a card that
 * was sold and archived can be imported again unnoticed; and a trade number
 * of an archived order that comes for another one is not known as REUSED.
 */

#define FK_ARCHIVE_SIZE_MAX     ((size_t) 224 << 10)

/*
 * Up to n (<= FK_LIST_SLICE_MAX) ids of orders that are finished and were
 * made, due and paid retention_s ago or longer, with cards whose import began
 * so long ago, too; looking at no more than 1024 slots a call.  *cursor is 0
 * to begin and 0 again at the end.  Returns how many.  When the shop is not
 * open or its lock cannot be had, the list ends early.
 */
uint32_t fk_archive_list(fk_t *fk, const fk_env_t *env, uint32_t retention_s,
    uint32_t *cursor, fk_order_id_t *out, uint32_t n);

/*
 * The order as one self-contained record: its state, its sealed cards, its
 * payments.  out->seq is the last record of the journal that touched any of
 * them: what fk_archive_drop asks for.  FK_NOT_FOUND; FK_CONFLICT: it is not
 * finished, or it changed while it was read; FK_INVALID: buf is too small,
 * which it never is with FK_ARCHIVE_SIZE_MAX.
 */
fk_code_t fk_archive_read(fk_t *fk, const fk_order_id_t *id,
    fk_order_view_t *out, uint8_t *buf, size_t buf_size, size_t *size);

/*
 * Where the sealed cards stand in such a record: offsets into data, at most
 * n of them (FK_QTY_MAX is enough).  Needs no region.  Returns how many, 0 if
 * data is no whole record.
 */
uint32_t fk_archive_cards(const uint8_t *data, size_t size,
    fk_card_out_t *out, uint32_t n);

/*
 * The order as fk_order_get shows it, out of such a record; its product's
 * name is what the product is called now.  seq is 0: no record of the journal
 * is waited for.  payments and n: as for fk_order_payments, *n becomes how
 * many there are; both may be NULL.
 *   FK_CORRUPT, FK_INCOMPATIBLE  as fk_archive_restore
 *   FK_CONFLICT                  not this shop's: no such product
 * or the code of a shop that is not open.
 */
fk_code_t fk_archive_view(fk_t *fk, const uint8_t *data, size_t size,
    fk_order_view_t *out, fk_payment_view_t *payments, uint32_t *n);

/*
 * Who got what of its money, as fk_order_split shows it, out of such a record.
 * FK_NOT_FOUND: nobody; else as fk_archive_view.
 */
fk_code_t fk_archive_split(fk_t *fk, const uint8_t *data, size_t size,
    fk_split_view_t *out);

/*
 * Takes the order out of the region, in one transaction; its product keeps
 * the sums.  Only for an order whose record is stored where it will be
 * found.  FK_NOT_FOUND; FK_CONFLICT: it is not finished, or was touched since
 * seq; FK_AGAIN: not while a snapshot runs; FK_RING_FULL: after a flush;
 * FK_TABLE_FULL: a sum of the product has reached its limit.
 */
fk_code_t fk_archive_drop(fk_t *fk, const fk_env_t *env,
    const fk_order_id_t *id, uint64_t seq);

/*
 * To be asked before the archive is, for fk_archive_restore: a mark of this
 * moment, in which the order is not in the region.  0, which no restore takes:
 * it is, or the shop is not open.
 */
uint64_t fk_archive_mark(fk_t *fk, const fk_order_id_t *id);

/*
 * Brings an archived order back, in one transaction, also while a snapshot
 * runs.  mark: of this order, from before the record was read.  out->seq is
 * the record to wait for under "durability disk".
 *   FK_EXISTS        it is there (*out says how), nothing was done
 *   FK_AGAIN         it may have been there since the mark, and have left as
 *                    another one: take a mark and read its record again
 *   FK_CORRUPT       data is not the record that fk_archive_read made
 *   FK_INCOMPATIBLE  it was made by a newer version
 *   FK_CONFLICT      not this shop's: no such product, or no such order has
 *                    left it, or a payment is booked for another order
 *   FK_TABLE_FULL, FK_RING_FULL  no room now, nothing was done
 *
 * Its Idempotency-Key stays with the order that has taken it meanwhile.
 */
fk_code_t fk_archive_restore(fk_t *fk, const fk_env_t *env,
    const uint8_t *data, size_t size, uint64_t mark, fk_order_view_t *out);


#endif /* FK_ARCHIVE_H_INCLUDED_ */
