/*
 * Money: the decimal grammar, exact to the digit, and back to text.
 */

#include "../../ngx_module/pay/money.h"

#include "tap.h"


typedef struct {
    const char        *text;
    int                exponent;
    pay_money_code_e   code;
    int64_t            minor_units;
} reading_t;


static const reading_t  readings[] = {
    { "0", 2, PAY_MONEY_OK, 0 },
    { "0.1", 2, PAY_MONEY_OK, 10 },
    { "0.10", 2, PAY_MONEY_OK, 10 },
    { "0.1000", 2, PAY_MONEY_OK, 10 },
    { "1", 2, PAY_MONEY_OK, 100 },
    { "1.", 2, PAY_MONEY_OK, 100 },
    { "1.0", 2, PAY_MONEY_OK, 100 },
    { "1.00", 2, PAY_MONEY_OK, 100 },
    { "1.5", 2, PAY_MONEY_OK, 150 },
    { "9.90", 2, PAY_MONEY_OK, 990 },
    { "100.0000", 2, PAY_MONEY_OK, 10000 },
    { "999999999", 2, PAY_MONEY_OK, INT64_C(99999999900) },
    { "999999999.99", 2, PAY_MONEY_OK, INT64_C(99999999999) },
    { "999999999.9999", 4, PAY_MONEY_OK, INT64_C(9999999999999) },
    { "990", 0, PAY_MONEY_OK, 990 },
    { "990.0000", 0, PAY_MONEY_OK, 990 },
    { "1.234", 3, PAY_MONEY_OK, 1234 },
    { "1.2340", 3, PAY_MONEY_OK, 1234 },

    { "0.101", 2, PAY_MONEY_FRACTION, 10 },
    { "0.0001", 2, PAY_MONEY_FRACTION, 0 },
    { "9.901", 2, PAY_MONEY_FRACTION, 990 },
    { "9.9099", 2, PAY_MONEY_FRACTION, 990 },
    { "990.1", 0, PAY_MONEY_FRACTION, 990 },
    { "1.2345", 3, PAY_MONEY_FRACTION, 1234 },

    { "", 2, PAY_MONEY_MALFORMED, 0 },
    { ".", 2, PAY_MONEY_MALFORMED, 0 },
    { ".5", 2, PAY_MONEY_MALFORMED, 0 },
    { "1e1", 2, PAY_MONEY_MALFORMED, 0 },
    { "1e2", 2, PAY_MONEY_MALFORMED, 0 },
    { "1E1", 2, PAY_MONEY_MALFORMED, 0 },
    { "+1", 2, PAY_MONEY_MALFORMED, 0 },
    { "-1", 2, PAY_MONEY_MALFORMED, 0 },
    { "-0", 2, PAY_MONEY_MALFORMED, 0 },
    { " 1", 2, PAY_MONEY_MALFORMED, 0 },
    { "1 ", 2, PAY_MONEY_MALFORMED, 0 },
    { "1\n", 2, PAY_MONEY_MALFORMED, 0 },
    { "0x10", 2, PAY_MONEY_MALFORMED, 0 },
    { "NaN", 2, PAY_MONEY_MALFORMED, 0 },
    { "inf", 2, PAY_MONEY_MALFORMED, 0 },
    { "1,00", 2, PAY_MONEY_MALFORMED, 0 },
    { "1'000", 2, PAY_MONEY_MALFORMED, 0 },
    { "１.00", 2, PAY_MONEY_MALFORMED, 0 },
    { "01.00", 2, PAY_MONEY_MALFORMED, 0 },
    { "00", 2, PAY_MONEY_MALFORMED, 0 },
    { "1..0", 2, PAY_MONEY_MALFORMED, 0 },
    { "1.0.0", 2, PAY_MONEY_MALFORMED, 0 },
    { "1.00000", 2, PAY_MONEY_MALFORMED, 0 },
    { "1.0000x", 2, PAY_MONEY_MALFORMED, 0 },
    { "1000000000", 2, PAY_MONEY_MALFORMED, 0 },
    { "9223372036854775807", 2, PAY_MONEY_MALFORMED, 0 },
    { "9223372036854775808", 2, PAY_MONEY_MALFORMED, 0 },
    { "18446744073709551616", 2, PAY_MONEY_MALFORMED, 0 },
    { "1234567890123456789012345678901234567890", 2, PAY_MONEY_MALFORMED, 0 }
};


static void
test_readings(void)
{
    size_t            i;
    int64_t           minor_units;
    const reading_t  *reading;

    for (i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        reading = &readings[i];
        minor_units = -1;

        EQ_INT(pay_money_parse(pay_str(reading->text, strlen(reading->text)),
                               reading->exponent, &minor_units),
               reading->code, "\"%s\" with %d digits", reading->text,
               reading->exponent);
        EQ_INT(minor_units, reading->minor_units, "  reads as");
    }

    EQ_INT(pay_money_parse(pay_str("1\0", 2), 2, &minor_units),
           PAY_MONEY_MALFORMED, "NUL behind a digit");
    EQ_INT(pay_money_parse(pay_str("12", 1), 2, &minor_units), PAY_MONEY_OK,
           "the size ends the text");
    EQ_INT(minor_units, 100, "  and not a NUL");
}


/* Every text of up to three bytes over the alphabet that matters, against
 * the grammar as POSIX knows it. */

static bool
in_grammar(const char *text)
{
    size_t  whole, fraction;

    whole = strspn(text, "0123456789");
    fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789")
                                  : 0;

    return whole >= 1 && whole <= 9 && fraction <= 4
           && (whole == 1 || text[0] != '0')
           && strlen(text) == whole + (text[whole] == '.') + fraction;
}


static void
test_exhaustive(void)
{
    char               text[5];
    size_t             i, j, rest, size, wrong, good, total;
    int64_t            minor_units;
    static const char  alphabet[] = "0159.-+ e,x";

    wrong = 0;
    good = 0;

    for (size = 1, total = 11; size <= 4; size++, total *= 11) {
        for (i = 0; i < total; i++) {
            for (j = 0, rest = i; j < size; j++, rest /= 11) {
                text[j] = alphabet[rest % 11];
            }

            text[size] = '\0';

            good += in_grammar(text);
            wrong += (pay_money_parse(pay_str(text, size), 2, &minor_units)
                      != PAY_MONEY_MALFORMED)
                     != in_grammar(text);
        }
    }

    EQ_INT(wrong, 0, "each text of up to 4 characters, %zu of them money",
           good);
    OK(good > 100, "  money is among them");
}


static void
test_format(void)
{
    int      exponent;
    char     text[PAY_MONEY_TEXT_SIZE_MAX];
    size_t   i, size, wrong;
    int64_t  again;

    static const struct {
        int64_t      minor_units;
        int          exponent;
        const char  *text;
    } cases[] = {
        { 0, 2, "0.00" }, { 5, 2, "0.05" }, { 10, 2, "0.10" },
        { 99, 2, "0.99" }, { 100, 2, "1.00" }, { 12345, 2, "123.45" },
        { 0, 0, "0" }, { 7, 0, "7" }, { 990, 0, "990" },
        { 1, 3, "0.001" }, { 1234, 3, "1.234" }, { 1, 4, "0.0001" },
        { INT64_MAX, 2, "92233720368547758.07" },
        { INT64_MAX, 0, "9223372036854775807" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size = pay_money_format(cases[i].minor_units, cases[i].exponent,
                                text, sizeof(text));
        EQ_STR(text, cases[i].text, "%" PRId64 " of exponent %d",
               cases[i].minor_units, cases[i].exponent);
        EQ_INT(size, strlen(cases[i].text), "  and its length");
    }

    wrong = 0;

    for (exponent = 0; exponent <= 4; exponent++) {
        for (i = 0; i < 200000; i += 7) {
            size = pay_money_format((int64_t) i, exponent, text,
                                    sizeof(text));
            wrong += pay_money_parse(pay_str(text, size), exponent, &again)
                         != PAY_MONEY_OK
                     || again != (int64_t) i;
        }
    }

    EQ_INT(wrong, 0, "what is printed is read back");
}


static void
test_currencies(void)
{
    EQ_INT(pay_currency_exponent(PAY_STR("CNY")), 2, "CNY has fen");
    EQ_INT(pay_currency_exponent(PAY_STR("USD")), 2, "USD has cents");
    EQ_INT(pay_currency_exponent(PAY_STR("TWD")), 2, "TWD has cents");
    EQ_INT(pay_currency_exponent(PAY_STR("JPY")), 0, "JPY has none");
    EQ_INT(pay_currency_exponent(PAY_STR("KRW")), 0, "KRW has none");
    EQ_INT(pay_currency_exponent(PAY_STR("KWD")), 3, "KWD has thousandths");
    EQ_INT(pay_currency_exponent(PAY_STR("cny")), -1, "case counts");
    EQ_INT(pay_currency_exponent(PAY_STR("CN")), -1, "two letters");
    EQ_INT(pay_currency_exponent(PAY_STR("CNYX")), -1, "four letters");
    EQ_INT(pay_currency_exponent(PAY_STR("")), -1, "no letter");
    EQ_INT(pay_currency_exponent(PAY_STR("XXX")), -1,
           "unknown is not guessed");
}


int
main(void)
{
    test_readings();
    test_exhaustive();
    test_format();
    test_currencies();

    return tap_done();
}
