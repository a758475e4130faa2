/*
 * What handlers and timers share about gateways: money that one of them
 * proved, booked the same way whether a notice or an answer told of it.
 *
 * For workers.
 */

#ifndef NGX_FAKA_GATEWAY_H_INCLUDED_
#define NGX_FAKA_GATEWAY_H_INCLUDED_


#include "ngx_faka_order.h"


/* --- ngx_faka_worker_book.c -------------------------------------------- */

typedef struct {
    const pay_channel_t  *channel;
    pay_fact_t            fact;            /* proved */
    ngx_uint_t            odd;             /* unsigned: 1 for a person */
    const char           *source;          /* what "from" is, for the log */
    ngx_str_t             from;            /* who sent it, for the log */

    fk_order_id_t         id;              /* what fact.order_no says */
    fk_pay_result_t       result;
    fk_order_view_t       order;
} ngx_faka_money_t;

/*
 * Asks the rules, books the payment, has the journal sent, and says in the
 * log what a person has to do.  FK_OK: result and order are set, and whoever
 * acknowledges it waits for order.seq.  FK_NOT_FOUND: it may be archived.
 * Any other code: nothing was booked; it may come again.
 */
fk_code_t ngx_faka_book(ngx_faka_worker_t *worker, ngx_faka_money_t *money);

/* The line about this money; the texts of a fact that was proved have
 * harmless alphabets. */
void ngx_faka_book_log(const ngx_faka_money_t *money, ngx_uint_t level,
    const char *text, const char *more);


#endif /* NGX_FAKA_GATEWAY_H_INCLUDED_ */
