/*
 * The one table of an order's life: which event, in which state, leads to
 * which next state.  What is not in the table is refused (FK_CONFLICT), so a
 * new state or event changes nothing until somebody writes its row.
 *
 * Pure functions: what follows from a change (counters, cards, lists) is
 * booked by fk_order_move().
 */

#include "fk_priv.h"


#define FK_RULES_MAX  5                /* rows of one event */
#define FK_SAME       0xff             /* the next state keeps this axis */

/* Sets of states: a rule applies where all three axes are in its sets. */
#define UNPAID        (1u << FK_PAYMENT_UNPAID)
#define PAID          (1u << FK_PAYMENT_PAID)
#define REFUNDING     (1u << FK_PAYMENT_REFUNDING)

#define HELD          (1u << FK_STOCK_HELD)
#define RELEASED      (1u << FK_STOCK_RELEASED)
#define ALLOCATED     (1u << FK_STOCK_ALLOCATED)
#define SHORT         (1u << FK_STOCK_SHORT)
#define VOIDED        (1u << FK_STOCK_VOIDED)

#define NONE          (1u << FK_DELIVERY_NONE)
#define REVIEW        (1u << FK_DELIVERY_REVIEW)
#define DONE          (1u << FK_DELIVERY_DONE)

/* What a rule asks about the product's stock. */
#define WITHOUT       (1u << 0)
#define WITH          (1u << 1)
#define EITHER        (WITHOUT | WITH)

#define TO(payment, stock, delivery)                                         \
    FK_PAYMENT_##payment, FK_STOCK_##stock, FK_DELIVERY_##delivery

typedef struct {
    uint8_t  payments;
    uint8_t  stocks;
    uint8_t  deliveries;
    uint8_t  left;

    uint8_t  payment;
    uint8_t  stock;
    uint8_t  delivery;
} fk_rule_t;

static const fk_rule_t  fk_rules[FK_EVENT_COUNT][FK_RULES_MAX] = {

    [FK_EVENT_PAY] = {
        { UNPAID, HELD, NONE, EITHER, TO(PAID, ALLOCATED, DONE) },
        { UNPAID, RELEASED, NONE, WITH, TO(PAID, ALLOCATED, DONE) },
        { UNPAID, RELEASED, NONE, WITHOUT, TO(PAID, SHORT, NONE) },
        { UNPAID, HELD, REVIEW, EITHER, TO(PAID, ALLOCATED, REVIEW) },
        { UNPAID, RELEASED, REVIEW, EITHER, TO(PAID, RELEASED, REVIEW) },
    },

    /* Released, nothing is taken for it before somebody has said yes. */
    [FK_EVENT_PAY_REVIEW] = {
        { UNPAID, HELD, NONE | REVIEW, EITHER, TO(PAID, ALLOCATED, REVIEW) },
        { UNPAID, RELEASED, NONE | REVIEW, EITHER,
          TO(PAID, RELEASED, REVIEW) },
    },

    /* The order stays unpaid: its hold still runs out. */
    [FK_EVENT_MISPAY] = {
        { UNPAID, HELD | RELEASED, NONE | REVIEW, EITHER,
          FK_SAME, FK_SAME, FK_DELIVERY_REVIEW },
    },

    [FK_EVENT_EXPIRE] = {
        { UNPAID, HELD, NONE | REVIEW, EITHER,
          FK_SAME, FK_STOCK_RELEASED, FK_SAME },
    },

    /* Not under review: money is there, a person has to decide about it. */
    [FK_EVENT_CANCEL] = {
        { UNPAID, HELD, NONE, EITHER, TO(UNPAID, RELEASED, NONE) },
    },

    [FK_EVENT_SERVE] = {
        { PAID, SHORT, NONE, WITH, TO(PAID, ALLOCATED, DONE) },
    },

    [FK_EVENT_APPROVE] = {
        { UNPAID | PAID, HELD, REVIEW, EITHER, TO(PAID, ALLOCATED, DONE) },
        { PAID, ALLOCATED, REVIEW, EITHER, TO(PAID, ALLOCATED, DONE) },
        { UNPAID | PAID, RELEASED, REVIEW, WITH, TO(PAID, ALLOCATED, DONE) },
        { UNPAID | PAID, RELEASED, REVIEW, WITHOUT, TO(PAID, SHORT, NONE) },
    },

    [FK_EVENT_DENY] = {
        { UNPAID | PAID, HELD | RELEASED | ALLOCATED, REVIEW, EITHER,
          TO(REFUNDING, RELEASED, NONE) },
    },

    [FK_EVENT_GIVE_UP] = {
        { PAID, SHORT, NONE, EITHER, TO(REFUNDING, RELEASED, NONE) },
    },

    [FK_EVENT_REFUNDED] = {
        { REFUNDING, RELEASED | VOIDED, NONE, EITHER,
          FK_PAYMENT_REFUNDED, FK_SAME, FK_SAME },
    },

    /* What somebody may have seen is sold to nobody else. */
    [FK_EVENT_REVOKE] = {
        { PAID, ALLOCATED, REVIEW | DONE, EITHER,
          TO(REFUNDING, VOIDED, NONE) },
    },

    /* Held for a person, and served by no stock that comes meanwhile; what
     * was delivered is noted. */
    [FK_EVENT_RETURNED] = {
        { PAID, SHORT, NONE, EITHER, TO(PAID, RELEASED, REVIEW) },
        { UNPAID | PAID, HELD | RELEASED | ALLOCATED, REVIEW, EITHER,
          FK_SAME, FK_SAME, FK_SAME },
        { PAID, ALLOCATED, DONE, EITHER, FK_SAME, FK_SAME, FK_SAME },
    },
};


static uint8_t fk_next_axis(uint8_t now, uint8_t next);


fk_code_t
fk_next_state(const fk_axes_t *now, fk_event_t event, int stock_left,
    fk_axes_t *next)
{
    unsigned          i, left;
    const fk_rule_t  *rule;

    assert((unsigned) event < FK_EVENT_COUNT);
    assert(now->payment < FK_PAYMENT_COUNT && now->stock < FK_STOCK_COUNT
           && now->delivery < FK_DELIVERY_COUNT);

    left = stock_left ? WITH : WITHOUT;

    /* The rows left over are zero: their empty sets hold no state. */
    for (i = 0; i < FK_RULES_MAX; i++) {
        rule = &fk_rules[event][i];

        if ((rule->payments >> now->payment & 1u)
            && (rule->stocks >> now->stock & 1u)
            && (rule->deliveries >> now->delivery & 1u)
            && (rule->left & left))
        {
            next->payment = fk_next_axis(now->payment, rule->payment);
            next->stock = fk_next_axis(now->stock, rule->stock);
            next->delivery = fk_next_axis(now->delivery, rule->delivery);
            next->cancelled = event == FK_EVENT_CANCEL ? 1 : now->cancelled;
            return FK_OK;
        }
    }

    return FK_CONFLICT;
}


static uint8_t
fk_next_axis(uint8_t now, uint8_t next)
{
    return next == FK_SAME ? now : next;
}


/*
 * A ladder, the strongest fact first.  A combination that no rule leads to
 * falls through to "under review": then a person looks at it.
 */
fk_status_t
fk_status_of(const fk_axes_t *axes)
{
    if (axes->payment == FK_PAYMENT_REFUNDED) {
        return FK_STATUS_REFUNDED;
    }

    if (axes->payment == FK_PAYMENT_REFUNDING) {
        return FK_STATUS_REFUND_DUE;
    }

    if (axes->delivery == FK_DELIVERY_REVIEW) {
        return FK_STATUS_UNDER_REVIEW;
    }

    if (axes->payment == FK_PAYMENT_UNPAID && axes->stock == FK_STOCK_HELD) {
        return FK_STATUS_AWAITING_PAYMENT;
    }

    if (axes->payment == FK_PAYMENT_UNPAID
        && axes->stock == FK_STOCK_RELEASED)
    {
        return axes->cancelled ? FK_STATUS_CANCELLED : FK_STATUS_EXPIRED;
    }

    if (axes->payment == FK_PAYMENT_PAID && axes->stock == FK_STOCK_SHORT) {
        return FK_STATUS_WAITING_FOR_STOCK;
    }

    if (axes->payment == FK_PAYMENT_PAID
        && axes->stock == FK_STOCK_ALLOCATED)
    {
        switch (axes->delivery) {
        case FK_DELIVERY_DONE:
            return FK_STATUS_DELIVERED;
        case FK_DELIVERY_SHIPPED:
            return FK_STATUS_SHIPPED;
        case FK_DELIVERY_READY:
            return FK_STATUS_READY;
        default:
            break;
        }
    }

    return FK_STATUS_UNDER_REVIEW;
}
