/*
 * Decimal text and minor units; grammar and limits stand in money.h.
 */

#include "money.h"

#include <assert.h>


#define EXPONENT_MAX  PAY_MONEY_FRACTION_DIGITS


static size_t digits_size(const unsigned char *p, const unsigned char *end);
static int64_t digits_value(const unsigned char *p, size_t size);


/*
 * ISO 4217.  Not listed means not accepted: for a currency read with a wrong
 * exponent, a price is off by a factor of ten or more.  UGX, ISK, CLP have
 * no minor unit; some gateways print them with two digits nevertheless,
 * which the grammar allows as long as these are zero.
 */

static const struct {
    char    code[PAY_CURRENCY_SIZE + 1];
    int8_t  exponent;
} currencies[] = {
    { "AED", 2 }, { "ARS", 2 }, { "AUD", 2 }, { "BDT", 2 }, { "BGN", 2 },
    { "BHD", 3 }, { "BRL", 2 }, { "CAD", 2 }, { "CHF", 2 }, { "CLP", 0 },
    { "CNY", 2 }, { "COP", 2 }, { "CZK", 2 }, { "DKK", 2 }, { "EGP", 2 },
    { "EUR", 2 }, { "GBP", 2 }, { "HKD", 2 }, { "HUF", 2 }, { "IDR", 2 },
    { "ILS", 2 }, { "INR", 2 }, { "ISK", 0 }, { "JOD", 3 }, { "JPY", 0 },
    { "KRW", 0 }, { "KWD", 3 }, { "KZT", 2 }, { "LKR", 2 }, { "MOP", 2 },
    { "MXN", 2 }, { "MYR", 2 }, { "NGN", 2 }, { "NOK", 2 }, { "NZD", 2 },
    { "OMR", 3 }, { "PEN", 2 }, { "PHP", 2 }, { "PKR", 2 }, { "PLN", 2 },
    { "RON", 2 }, { "RUB", 2 }, { "SAR", 2 }, { "SEK", 2 }, { "SGD", 2 },
    { "THB", 2 }, { "TND", 3 }, { "TRY", 2 }, { "TWD", 2 }, { "UAH", 2 },
    { "UGX", 0 }, { "USD", 2 }, { "VND", 0 }, { "ZAR", 2 }
};


/* Asked when a channel or product is configured and once a notice: not worth
 * a search tree. */

int
pay_currency_exponent(pay_str_t currency)
{
    size_t  i;

    for (i = 0; i < sizeof(currencies) / sizeof(currencies[0]); i++) {
        if (pay_str_eq(currency,
                       pay_str(currencies[i].code, PAY_CURRENCY_SIZE)))
        {
            return currencies[i].exponent;
        }
    }

    return -1;
}


pay_money_code_e
pay_money_parse(pay_str_t text, int exponent, int64_t *minor_units)
{
    size_t                whole_size, fraction_size, i;
    int64_t               value;
    pay_money_code_e      code;
    const unsigned char  *whole, *fraction, *end;

    assert(exponent >= 0 && exponent <= EXPONENT_MAX);

    *minor_units = 0;

    if (text.size == 0) {
        return PAY_MONEY_MALFORMED;
    }

    whole = text.data;
    end = text.data + text.size;

    whole_size = digits_size(whole, end);
    fraction = whole + whole_size;
    fraction_size = 0;

    if (fraction < end && *fraction == '.') {
        fraction++;
        fraction_size = digits_size(fraction, end);
    }

    if (whole_size == 0 || whole_size > PAY_MONEY_WHOLE_DIGITS
        || (whole_size > 1 && *whole == '0')
        || fraction_size > PAY_MONEY_FRACTION_DIGITS
        || fraction + fraction_size != end)
    {
        return PAY_MONEY_MALFORMED;
    }

    /* At most 9 + 4 digits: below 10^13, far inside int64. */

    value = digits_value(whole, whole_size);
    code = PAY_MONEY_OK;

    for (i = 0; i < (size_t) exponent; i++) {
        value = value * 10 + (i < fraction_size ? fraction[i] - '0' : 0);
    }

    /* The whole text is read before a fraction is reported, and *minor_units
     * is rounded down by leaving these digits out. */

    for (i = (size_t) exponent; i < fraction_size; i++) {
        if (fraction[i] != '0') {
            code = PAY_MONEY_FRACTION;
        }
    }

    assert(value >= 0);
    *minor_units = value;

    return code;
}


static size_t
digits_size(const unsigned char *p, const unsigned char *end)
{
    size_t  size;

    for (size = 0; p + size < end; size++) {
        if (p[size] < '0' || p[size] > '9') {
            break;
        }
    }

    return size;
}


static int64_t
digits_value(const unsigned char *p, size_t size)
{
    size_t   i;
    int64_t  value;

    assert(size <= PAY_MONEY_WHOLE_DIGITS);

    value = 0;

    for (i = 0; i < size; i++) {
        value = value * 10 + (p[i] - '0');
    }

    return value;
}


size_t
pay_money_format(int64_t minor_units, int exponent, char *out,
    size_t out_size)
{
    int     digit_count;
    char    reversed[PAY_MONEY_TEXT_SIZE_MAX];
    size_t  size, i;

    assert(minor_units >= 0);
    assert(exponent >= 0 && exponent <= EXPONENT_MAX);
    assert(out_size >= PAY_MONEY_TEXT_SIZE_MAX);

    size = 0;
    digit_count = 0;

    /* One digit before the point at least: 5 fen are "0.05". */

    while (minor_units > 0 || digit_count <= exponent) {
        if (digit_count == exponent && exponent > 0) {
            reversed[size++] = '.';
        }

        reversed[size++] = (char) ('0' + minor_units % 10);
        minor_units /= 10;
        digit_count++;
    }

    assert(size < sizeof(reversed));

    for (i = 0; i < size; i++) {
        out[i] = reversed[size - 1 - i];
    }

    out[size] = '\0';

    return size;
}
