/*
 * Channels without a gateway: the engine itself knows when their orders are
 * paid.  They have a name and nothing that could be set, or be wrong.
 */

#include "pay.h"


static bool local_check(const pay_channel_t *channel, char *err,
    size_t err_size);


const pay_protocol_t  pay_free_protocol = {
    .name = "free",
    .behind = PAY_BEHIND_NOTHING,
    .check = local_check
};

const pay_protocol_t  pay_balance_protocol = {
    .name = "balance",
    .behind = PAY_BEHIND_ACCOUNT,
    .check = local_check
};


static bool
local_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    (void) channel;
    (void) err;
    (void) err_size;

    return true;
}
