/*
 * Money as integer minor units (fen, cents) and as decimal text.
 *
 * Gateways print the same sum in many ways: 1, 1.5, 1.50, 100.0000.  All are
 * read by one grammar into one integer, and only integers are compared.
 * There is no floating point here, and no rounding: a sum that is not a
 * whole number of minor units is reported as such.
 */

#ifndef FAKA_PAY_MONEY_H_INCLUDED_
#define FAKA_PAY_MONEY_H_INCLUDED_


#include "pay_str.h"


#define PAY_CURRENCY_SIZE         3
#define PAY_MONEY_WHOLE_DIGITS    9      /* before the point */
#define PAY_MONEY_FRACTION_DIGITS 4      /* after it */
#define PAY_MONEY_TEXT_SIZE_MAX   32     /* any int64, formatted, and NUL */


typedef enum {
    PAY_MONEY_OK,
    PAY_MONEY_MALFORMED,   /* not of the grammar */
    PAY_MONEY_FRACTION     /* of the grammar, but finer than a minor unit */
} pay_money_code_e;


/*
 * Digits after the point for a currency (three upper-case letters, ISO
 * 4217): CNY 2, JPY 0, KWD 3.  -1: not in our table; refuse the currency,
 * never guess 2.
 */

int pay_currency_exponent(pay_str_t currency);

/*
 * [0-9]{1,9}(\.[0-9]{0,4})?  without a leading zero before another digit.
 * The greatest sum is 999999999.9999, so nothing can overflow.  exponent is
 * of pay_currency_exponent().  On FRACTION *minor_units is rounded down: for
 * a record of what came, never for a comparison.  On MALFORMED it is 0.
 */

pay_money_code_e pay_money_parse(pay_str_t text, int exponent,
    int64_t *minor_units);

/*
 * minor_units >= 0 as decimal with exactly exponent digits after the point
 * (none: no point), NUL-terminated.  out_size >= PAY_MONEY_TEXT_SIZE_MAX.
 * Returns the length.
 */

size_t pay_money_format(int64_t minor_units, int exponent, char *out,
    size_t out_size);


#endif /* FAKA_PAY_MONEY_H_INCLUDED_ */
