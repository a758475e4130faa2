/*
 * The tables of words: one entry for each code, kind, event, state and
 * result, made from the lists in fk_types.h and fk.h, so that an enumeration
 * and its words cannot drift apart.  Constant data only.
 */

#include "fk.h"


const fk_code_info_t  fk_code_info[] = {
#define FK_CODE_ENTRY(name, word, status, text)                              \
    { #name, word, text, status },
    FK_CODES(FK_CODE_ENTRY)
#undef FK_CODE_ENTRY
};

_Static_assert(sizeof(fk_code_info) / sizeof(fk_code_info[0])
               == FK_CODE_COUNT, "one entry a code");


#define FK_WORD(name, word)  word,

const char *const  fk_kind_word[] = { FK_KINDS(FK_WORD) };

const char *const  fk_coupon_kind_word[] = { FK_COUPON_KINDS(FK_WORD) };

const char *const  fk_event_word[] = { FK_EVENTS(FK_WORD) };

const char *const  fk_price_step_word[] = { FK_STEPS(FK_WORD) };

const char *const  fk_rate_word[] = { FK_RATES(FK_WORD) };

const char *const  fk_status_word[] = { FK_STATUSES(FK_WORD) };

const char *const  fk_payment_state_word[] = { FK_PAYMENT_STATES(FK_WORD) };

const char *const  fk_account_kind_word[] = { FK_ACCOUNT_KINDS(FK_WORD) };

const char *const  fk_split_state_word[] = { FK_SPLIT_STATES(FK_WORD) };

const char *const  fk_withdrawal_state_word[] = {
    FK_WITHDRAWAL_STATES(FK_WORD)
};

const char *const  fk_entry_kind_word[] = { FK_ENTRIES(FK_WORD) };

const char *const  fk_shop_state_word[] = { FK_SHOP_STATES(FK_WORD) };

const char *const  fk_pay_result_word[] = { FK_PAY_RESULTS(FK_WORD) };

#undef FK_WORD
