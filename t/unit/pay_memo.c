/*
 * What is remembered of verified signatures: all that was added and nothing
 * else, until a set is full of newer ones.
 */

#include "../../ngx_module/pay/memo.h"

#include "tap.h"

#include <string.h>


#define MANY  (PAY_MEMO_SETS * PAY_MEMO_WAYS)


/* Spread over the sets one after the other, as no two numbers are. */

static const unsigned char *
digest(uint32_t number)
{
    static unsigned char  out[PAY_SHA256_SIZE];

    memset(out, 0xa5, sizeof(out));
    out[0] = (unsigned char) number;
    out[1] = (unsigned char) (number >> 8);
    memcpy(out + 8, &number, sizeof(number));

    return out;
}


static uint32_t
known(const pay_memo_t *memo, uint32_t from, uint32_t to)
{
    uint32_t  i, count;

    for (i = from, count = 0; i < to; i++) {
        count += pay_memo_has(memo, digest(i));
    }

    return count;
}


int
main(void)
{
    uint32_t       i;
    pay_memo_t    *memo;
    unsigned char  near[PAY_SHA256_SIZE];

    memo = pay_memo_create();
    OK(memo != NULL, "a memo");
    EQ_INT(known(memo, 0, MANY), 0, "knows nothing");

    pay_memo_add(memo, digest(7));
    EQ_INT(known(memo, 0, MANY), 1, "then one");

    memcpy(near, digest(7), sizeof(near));
    near[PAY_SHA256_SIZE - 1] ^= 1;
    OK(!pay_memo_has(memo, near), "and not what differs in the last bit");

    for (i = 0; i < MANY; i++) {
        pay_memo_add(memo, digest(i));
    }

    EQ_INT(known(memo, 0, MANY), MANY, "as many as it has places for");

    for (i = 0; i < PAY_MEMO_SETS; i++) {
        pay_memo_add(memo, digest(MANY + i));
    }

    EQ_INT(known(memo, MANY, MANY + PAY_MEMO_SETS), PAY_MEMO_SETS,
           "the newest push out");
    EQ_INT(known(memo, 0, PAY_MEMO_SETS), 0, "the oldest");
    EQ_INT(known(memo, PAY_MEMO_SETS, MANY), MANY - PAY_MEMO_SETS,
           "and no other");

    pay_memo_destroy(memo);
    pay_memo_destroy(NULL);

    return tap_done();
}
