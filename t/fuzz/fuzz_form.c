/*
 * Fuzzes the strict form parser, in both modes.  Build with
 * clang -fsanitize=fuzzer,address,undefined; seeds in corpus/form.
 *
 * Whatever comes in: fields are within bounds, names plain and unique,
 * values no longer than their source and inside the buffer; and what was
 * accepted, written again with every byte escaped, reads the same.
 */

#include "../../ngx_module/pay/form.h"
#include "../../ngx_module/pay/utf8.h"
#include "must.h"


static unsigned char  decoded[PAY_FORM_INPUT_SIZE_MAX];
static unsigned char  redecoded[PAY_FORM_INPUT_SIZE_MAX];
static char           again[4 * PAY_FORM_INPUT_SIZE_MAX];


static void
check_name(pay_str_t name)
{
    size_t  i;

    MUST(name.size >= 1 && name.size <= PAY_FORM_NAME_SIZE_MAX);

    for (i = 0; i < name.size; i++) {
        MUST(name.data[i] != '\0'
             && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                       "0123456789_.-", name.data[i]) != NULL);
    }
}


static void
check_form(const pay_form_t *form, size_t input_size, pay_form_mode_e mode)
{
    char        name[PAY_FORM_NAME_SIZE_MAX + 1];
    size_t      i, total;
    pay_str_t   value;

    MUST(form->field_count <= PAY_FORM_FIELD_COUNT_MAX);
    total = 0;

    for (i = 0; i < form->field_count; i++) {
        check_name(form->fields[i].name);
        value = form->fields[i].value;

        MUST(value.size <= PAY_FORM_VALUE_SIZE_MAX);
        MUST(value.data >= decoded);
        MUST(value.data + value.size <= decoded + input_size);
        MUST(mode == PAY_FORM_BYTES || pay_utf8_valid(value));

        total += form->fields[i].name.size + 1 + value.size;

        /* find() gives the first of a name: if that is this one for every
         * one, no name stands twice. */

        memcpy(name, form->fields[i].name.data, form->fields[i].name.size);
        name[form->fields[i].name.size] = '\0';
        MUST(pay_form_find(form, name) == &form->fields[i]);
    }

    MUST(total <= input_size);
}


static void
check_round_trip(const pay_form_t *form)
{
    size_t       i, j, used;
    pay_str_t    offender;
    pay_form_t   reread;
    pay_field_t  field;

    used = 0;

    for (i = 0; i < form->field_count; i++) {
        field = form->fields[i];
        used += (size_t) snprintf(again + used, sizeof(again) - used,
                                  "%s%.*s=", i ? "&" : "",
                                  (int) field.name.size, field.name.data);

        for (j = 0; j < field.value.size; j++) {
            used += (size_t) snprintf(again + used, sizeof(again) - used,
                                      "%%%02X", field.value.data[j]);
        }
    }

    if (used > PAY_FORM_INPUT_SIZE_MAX) {
        return;
    }

    MUST(pay_form_parse(&reread, pay_str(again, used), PAY_FORM_BYTES,
                        redecoded, sizeof(redecoded), &offender)
         == PAY_FORM_OK);
    MUST(reread.field_count == form->field_count);

    for (i = 0; i < form->field_count; i++) {
        MUST(pay_str_eq(reread.fields[i].name, form->fields[i].name));
        MUST(pay_str_eq(reread.fields[i].value, form->fields[i].value));
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              mode;
    pay_str_t        offender;
    pay_form_t       form;
    pay_form_code_e  code;

    for (mode = PAY_FORM_BYTES; mode <= PAY_FORM_AS_TEXT; mode++) {
        code = pay_form_parse(&form, pay_str(data, size),
                              (pay_form_mode_e) mode, decoded,
                              sizeof(decoded), &offender);

        if (code != PAY_FORM_OK) {
            MUST(form.field_count == 0);

            if (offender.size > 0) {
                check_name(offender);
            }

            continue;
        }

        MUST(offender.size == 0);
        check_form(&form, size, (pay_form_mode_e) mode);
        check_round_trip(&form);
    }

    return 0;
}
