/*
 * What gateways have to be asked about.  A part of fk.h, included by it.
 */

#ifndef FK_DUE_H_INCLUDED_
#define FK_DUE_H_INCLUDED_


/*
 * Orders of a channel that were not paid and whose hold ends, or ended, after
 * after_s: at most *n (1 .. FK_LIST_SLICE_MAX), from *cursor (0: the highest
 * slot) downwards, looking at no more than FK_DUE_SLOTS_MAX slots a call.
 * *cursor becomes 0 at the end, *n how many there are in out.  An order that
 * is there from the first call to the last comes once.  With any answer but
 * FK_OK *n is 0, *cursor stays, and what is in out is worth nothing.
 */
#define FK_DUE_SLOTS_MAX  1024

fk_code_t fk_unpaid_list(fk_t *fk, fk_str_t channel, uint32_t after_s,
    uint32_t *cursor, fk_order_view_t *out, uint32_t *n);

/*
 * The same for payments that are owed to their buyers, asked back or not:
 * from *cursor (0 to begin) upwards, *cursor 0 again at the end.
 */
typedef struct {
    fk_order_id_t      id;
    uint32_t           number;         /* of the order's payments, from 1 */
    fk_payment_view_t  payment;
} fk_owed_t;

fk_code_t fk_owed_list(fk_t *fk, fk_str_t channel, uint32_t *cursor,
    fk_owed_t *out, uint32_t *n);


#endif /* FK_DUE_H_INCLUDED_ */
