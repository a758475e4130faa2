/*
 * Who gets what of a payment: the agents of those purchases that somebody
 * brought, by the number of the purchase alone; and whose the products are,
 * which the operator changes as he likes.
 */

#include "sim.h"


int
request_is_brought(uint32_t purchase)
{
    return purchase % 4 == 1;
}


fk_str_t
request_account(uint32_t account)
{
    static const char *const  id[SIM_ACCOUNTS] = {
        "g0", "g1", "g2", "g3", "g4"
    };

    return (fk_str_t) { (const uint8_t *) id[account], 2 };
}


/* Without what is left for a merchant: that line is the engine's. */

void
request_split(uint32_t purchase, int64_t paid, fk_split_t *split)
{
    uint32_t  i;

    static const int64_t   parts[SIM_AGENTS] = { 10, 33, 50 };
    static const uint32_t  settle_s[3] = { 0, 1, 86400 };

    memset(split, 0, sizeof(*split));
    split->settle_s = settle_s[purchase / 4 % 3];

    if (!request_is_brought(purchase)) {
        return;
    }

    split->count = 2 + purchase % 8 / 4;

    for (i = 0; i < split->count; i++) {
        split->line[i].account = request_account(i);
        split->line[i].amount = paid / parts[i];
    }
}


/* Another merchant, the same one or none, when they are there. */

void
split_product(sim_t *s, uint32_t product, fk_product_put_t *put)
{
    uint32_t  account;

    if (s->oracle.product[product].is_known < 2
        || !s->oracle.account_known[SIM_ACCOUNTS - 1])
    {
        return;
    }

    account = SIM_AGENTS
              + (uint32_t) sim_below(s, SIM_ACCOUNTS - SIM_AGENTS + 1);
    put->fields |= FK_PUT_MERCHANT;

    if (account < SIM_ACCOUNTS) {
        put->merchant = request_account(account);
    }
}
