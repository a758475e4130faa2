/*
 * Fuzzes the sandbox of the rules.  The first byte says what the others are:
 * a file of rules, the body of each hook, or what each hook returns.
 *
 * Whatever comes in: it loads or there is an error with a text; each hook
 * answers within its limits or says why not; what it answers is in range; and
 * beside it a rule that is good goes on in the same VM.
 */

#include <stdio.h>

#include "fl.h"
#include "must.h"


#define TEXT_SIZE  65536
#define PAID       1000

/* Of 200 tables each, in three hooks: more than FL_MEMORY_MAX. */
#define STATE_ROUNDS  40


static char        text[TEXT_SIZE];
static fl_input_t  in;


static int
signal_of(void *data, fk_str_t name, int64_t *number)
{
    (void) data;
    *number = (int64_t) name.size;
    return name.size != 0 && name.data[0] == 'r';
}


static void
fill_input(int seed)
{
    int       i;
    fk_str_t  word;

    fl_input_clear(&in);

    for (i = 0; i < FL_FIELD_COUNT; i++) {

        if ((i * 7 + seed) % 5 == 0) {
            continue;
        }

        switch (fl_fields[i].type) {
        case FL_INT:
            fl_input_int(&in, (fl_field_t) i, i * seed);
            break;
        case FL_BOOL:
            fl_input_bool(&in, (fl_field_t) i, seed & 1);
            break;
        default:
            word.data = (const uint8_t *) fl_fields[i].word;
            word.size = strlen(fl_fields[i].word);
            fl_input_text(&in, (fl_field_t) i, word);
        }
    }

    in.signal = signal_of;
}


static void
judge(const fl_t *fl, fl_code_t code)
{
    fl_spent_t  spent;

    if (code == FL_MISSING) {
        return;
    }

    fl_spent(fl, &spent);
    MUST(spent.instructions <= FL_INSTRUCTIONS_MAX + FL_STRIDE);
    MUST(spent.used_bytes <= FL_LOAD_MEMORY + FL_MEMORY_MAX + FL_GARBAGE_MAX
                             + FL_LOAD_BLOCK);
    MUST(spent.alloc_bytes <= FL_ALLOC_MAX || spent.rebuilds != 0);

    if (code != FL_OK) {
        MUST(code == FL_ERROR || code == FL_BUDGET || code == FL_MEMORY
             || code == FL_ANSWER);
        MUST(fl_error(fl)[0] != '\0'
             && strlen(fl_error(fl)) < FL_ERROR_SIZE);
    }
}


static void
ask_price(fl_t *fl)
{
    int64_t    total;
    fl_code_t  code;

    code = fl_price(fl, &in, FK_AMOUNT_MAX, &total);
    judge(fl, code);
    MUST(code != FL_OK || (total >= 0 && total <= FK_AMOUNT_MAX));
}


static void
ask_commission(fl_t *fl, uint32_t levels)
{
    int64_t     sum;
    uint32_t    i;
    fl_code_t   code;
    fl_split_t  split;

    code = fl_commission(fl, &in, PAID, levels, &split);
    judge(fl, code);
    sum = split.platform;
    MUST(split.platform >= 0);

    for (i = 0; i < FL_LEVELS_MAX; i++) {
        MUST(split.level[i] >= 0 && (i < levels || split.level[i] == 0));
        sum += split.level[i];
    }

    MUST(sum <= PAID && (code == FL_OK || sum == 0));
}


static void
ask_risk(fl_t *fl)
{
    char       reason[FL_TEXT_SIZE_MAX + 1];
    size_t     i;
    fl_code_t  code;
    fl_risk_t  verdict;

    code = fl_risk(fl, &in, &verdict, reason);
    judge(fl, code);
    MUST(strlen(reason) <= FL_TEXT_SIZE_MAX);
    MUST(code != FL_OK || verdict < FL_RISK_COUNT);

    for (i = 0; fl_error(fl)[i] != '\0'; i++) {
        MUST((uint8_t) fl_error(fl)[i] >= 0x20);
    }

    for (i = 0; reason[i] != '\0'; i++) {
        MUST((uint8_t) reason[i] >= 0x20);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int      n, rounds;
    char     err[FL_ERROR_SIZE];
    fl_t    *fl;

    /* What stands in front of the input, and behind it. */
    static const char *const  forms[4][2] = {
        { "", "" },
        { "function price(o) ", "\nend commission = price risk = price" },
        { "function price(o) return ",
          "\nend commission = price risk = price" },
        { "local keep, n = {}, 0 function price(o) for i = 1, 200 do "
          "n = n + 1 keep[n] = {} end ",
          "\nend commission = price risk = price" },
    };

    if (size < 1 || size > TEXT_SIZE / 2
        || memchr(data + 1, '\0', size - 1) != NULL)
    {
        return 0;
    }

    n = snprintf(text, sizeof(text), "%s%.*s%s", forms[data[0] % 4][0],
                 (int) (size - 1), (const char *) data + 1,
                 forms[data[0] % 4][1]);
    err[0] = '\0';
    fl = fl_create("f.lua", (const uint8_t *) text, (size_t) n, err);

    if (fl == NULL) {
        MUST(err[0] != '\0');
        return 0;
    }

    /* What keeps state is asked until there is no room for more of it. */
    rounds = data[0] % 4 == 3 ? STATE_ROUNDS : 3;

    for (n = 0; n < rounds; n++) {
        fill_input(n);
        ask_price(fl);
        ask_commission(fl, (uint32_t) n % (FL_LEVELS_MAX + 1));
        ask_risk(fl);
    }

    fl_destroy(fl);
    return 0;
}
