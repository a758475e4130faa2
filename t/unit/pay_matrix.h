/*
 * What the tests of RSA channels share: keys out of files of openssl, and the
 * matrix of mutations, each field in turn missing, empty, re-cased, renamed,
 * cut, with a bit flipped, doubled, encoded otherwise and moved.  Once as
 * somebody without the key does it, once genuinely signed.
 */

#ifndef FAKA_PAY_MATRIX_H_INCLUDED_
#define FAKA_PAY_MATRIX_H_INCLUDED_


#include "../../ngx_module/pay/pay.h"

#include "pay_openssl.h"

#include <ctype.h>


enum {
    MATRIX_MISSING,
    MATRIX_EMPTY,
    MATRIX_RECASED,
    MATRIX_RENAMED,
    MATRIX_TRUNCATED,
    MATRIX_FLIPPED,
    MATRIX_SIGNED_COUNT,               /* those above need a new signature */

    MATRIX_DUPLICATED = MATRIX_SIGNED_COUNT,
    MATRIX_RECODED,
    MATRIX_MOVED,
    MATRIX_COUNT
};

static const char *const  matrix_words[] = {
    "missing", "empty", "re-cased", "renamed", "truncated", "flipped",
    "duplicated", "encoded otherwise", "moved"
};

/* What a mutation without the key is worth. */

static const pay_verdict_e  matrix_unsigned_verdicts[] = {
    PAY_SIGNATURE, PAY_SIGNATURE, PAY_SIGNATURE, PAY_SIGNATURE,
    PAY_SIGNATURE, PAY_SIGNATURE, PAY_DUPLICATE, PAY_PAID, PAY_PAID
};

typedef pay_verdict_e  matrix_row_t[MATRIX_SIGNED_COUNT];

typedef struct {
    const signer_field_t  *genuine;
    size_t                 count;
    const char            *key;        /* NAME of NAME.key, or sign */
    const char            *sign_type;
    int                    keep_empty;
    pay_verdict_e        (*verify)(const char *raw);

    /* Where it is not RSA. */
    void                 (*sign)(const char *text, size_t size,
                                 char sign[OPENSSL_SIGN_SIZE]);
} matrix_t;


__attribute__((unused))
static pay_rsa_t *
matrix_key(const char *file, bool is_private)
{
    char        err[512] = "", data[OPENSSL_FILE_SIZE];
    size_t      size;
    pay_rsa_t  *rsa;

    size = openssl_get(file, data);
    rsa = is_private
          ? pay_rsa_private(pay_str(data, size), err, sizeof(err))
          : pay_rsa_public(pay_str(data, size), err, sizeof(err));

    if (rsa == NULL) {
        printf("Bail out! %s: %s\n", file, err);
        exit(EXIT_FAILURE);
    }

    return rsa;
}


/* A refusal must hand on nothing that was not proved; one alone comes with its
 * numbers. */

__attribute__((unused))
static void
matrix_judge_fact(pay_verdict_e verdict, const pay_fact_t *fact)
{
    if (!pay_verdict_acknowledged(verdict) && verdict != PAY_UNRETURNED
        && (fact->order_no[0] != '\0' || fact->trade_no[0] != '\0'
            || fact->amount != 0 || fact->currency[0] != '\0'))
    {
        OK(false, "a refused notice says nothing");
    }
}


/* --- fields -------------------------------------------------------------- */

/* The genuine fields, one of them set or added. */

__attribute__((unused))
static size_t
matrix_with(const matrix_t *matrix, signer_field_t *fields, const char *name,
    const char *value, size_t size)
{
    size_t  i, count;

    count = matrix->count;
    memcpy(fields, matrix->genuine, count * sizeof(fields[0]));

    for (i = 0; i < count && strcmp(fields[i].name, name) != 0; i++) {
        /* look for it */
    }

    fields[i] = (signer_field_t) { name, value, size };

    return i == count ? count + 1 : count;
}


static void
matrix_sign(const matrix_t *matrix, const signer_field_t *fields,
    size_t count, char sign[OPENSSL_SIGN_SIZE])
{
    char    text[SIGNER_RAW_SIZE];
    size_t  size;

    size = openssl_text(fields, count, matrix->keep_empty, text);

    if (matrix->sign != NULL) {
        matrix->sign(text, size, sign);
    } else {
        openssl_sign(matrix->key, text, size, sign);
    }
}


/* A notice of these fields, genuinely signed. */

__attribute__((unused))
static void
matrix_notice(const matrix_t *matrix, const signer_field_t *fields,
    size_t count, char raw[SIGNER_RAW_SIZE])
{
    char  sign[OPENSSL_SIGN_SIZE];

    matrix_sign(matrix, fields, count, sign);
    openssl_form(fields, count, sign, matrix->sign_type, raw);
}


/* --- mutations ----------------------------------------------------------- */

static size_t
matrix_mutate(const matrix_t *matrix, size_t at, int mutation,
    signer_field_t *fields, char texts[128])
{
    size_t          count, size;
    signer_field_t  field;

    count = matrix->count;
    memcpy(fields, matrix->genuine, count * sizeof(fields[0]));
    field = fields[at];
    size = strlen(field.value);

    switch (mutation) {

    case MATRIX_EMPTY:
        fields[at].value = "";
        break;

    case MATRIX_RECASED:
        (void) snprintf(texts, 128, "%s", field.name);
        texts[0] = (char) toupper((unsigned char) texts[0]);
        fields[at].name = texts;
        break;

    case MATRIX_RENAMED:
        (void) snprintf(texts, 128, "%s_", field.name);
        fields[at].name = texts;
        break;

    case MATRIX_TRUNCATED:
        (void) snprintf(texts, 128, "%.*s", (int) size - 1, field.value);
        fields[at].value = texts;
        break;

    case MATRIX_FLIPPED:
        (void) snprintf(texts, 128, "%s", field.value);
        texts[size - 1] ^= 1;
        fields[at].value = texts;
        break;

    case MATRIX_DUPLICATED:
        fields[count++] = field;
        break;

    case MATRIX_MOVED:
        memmove(&fields[1], &fields[0], at * sizeof(fields[0]));
        fields[0] = field;
        break;

    case MATRIX_MISSING:
        memmove(&fields[at], &fields[at + 1],
                (count - at - 1) * sizeof(fields[0]));
        count--;
    }

    return count;
}


/* An empty value can be neither emptied nor cut nor flipped. */

static int
matrix_applies(const signer_field_t *field, int mutation)
{
    return field->value[0] != '\0'
           || (mutation != MATRIX_EMPTY && mutation != MATRIX_TRUNCATED
               && mutation != MATRIX_FLIPPED);
}


/* Writes one field's value as browsers do, where all else is in lower-case
 * escapes: the same value in other bytes. */

static void
matrix_recode(const signer_field_t *field, char raw[SIGNER_RAW_SIZE])
{
    char           rest[SIGNER_RAW_SIZE], prefix[80];
    char          *at;
    size_t         i, used;
    unsigned char  c;

    (void) snprintf(prefix, sizeof(prefix), "&%s=", field->name);
    at = strstr(raw, prefix);
    at = at != NULL ? at + 1 : raw;    /* the first has no "&" */
    at = strchr(at, '=') + 1;

    (void) snprintf(rest, sizeof(rest), "%s", at + strcspn(at, "&"));
    used = (size_t) (at - raw);

    for (i = 0; i < strlen(field->value); i++) {
        c = (unsigned char) field->value[i];
        used += (size_t) snprintf(raw + used, SIGNER_RAW_SIZE - used,
                                  c == ' ' ? "+" : isalnum(c) ? "%c"
                                                              : "%%%02X", c);
    }

    (void) snprintf(raw + used, SIGNER_RAW_SIZE - used, "%s", rest);
}


/* --- without the key ----------------------------------------------------- */

__attribute__((unused))
static void
matrix_unsigned(const matrix_t *matrix)
{
    int             mutation;
    char            raw[SIGNER_RAW_SIZE];
    char            sign[OPENSSL_SIGN_SIZE], texts[128];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    matrix_sign(matrix, matrix->genuine, matrix->count, sign);

    for (i = 0; i < matrix->count; i++) {
        for (mutation = 0; mutation < MATRIX_COUNT; mutation++) {

            if (!matrix_applies(&matrix->genuine[i], mutation)) {
                continue;
            }

            count = matrix_mutate(matrix, i, mutation, fields, texts);
            openssl_form(fields, count, sign, matrix->sign_type, raw);

            if (mutation == MATRIX_RECODED) {
                matrix_recode(&matrix->genuine[i], raw);
            }

            EQ_INT(matrix->verify(raw), matrix_unsigned_verdicts[mutation],
                   "%s %s, signature kept: %s", matrix->genuine[i].name,
                   matrix_words[mutation],
                   pay_verdict_word(matrix_unsigned_verdicts[mutation]));
        }
    }
}


/* Each bit of each value, and each bit of the signature's own text. */

__attribute__((unused))
static void
matrix_bits(const matrix_t *matrix)
{
    char            raw[SIGNER_RAW_SIZE];
    char            sign[OPENSSL_SIGN_SIZE], value[OPENSSL_SIGN_SIZE];
    size_t          i, bit, size, wrong;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    matrix_sign(matrix, matrix->genuine, matrix->count, sign);

    memcpy(fields, matrix->genuine, matrix->count * sizeof(fields[0]));
    fields[matrix->count] = (signer_field_t) { "sign", sign, 0 };

    for (i = 0; i <= matrix->count; i++) {
        const signer_field_t  kept = fields[i];

        size = strlen(kept.value);
        wrong = 0;

        for (bit = 0; bit < 8 * size; bit++) {
            memcpy(value, kept.value, size);
            value[bit / 8] = (char) (value[bit / 8] ^ (1 << bit % 8));
            fields[i].value = value;
            fields[i].size = size;

            openssl_form(fields, matrix->count + 1, NULL, matrix->sign_type,
                         raw);
            wrong += matrix->verify(raw) != PAY_SIGNATURE;
        }

        fields[i] = kept;
        EQ_INT(wrong, 0, "%s with any bit flipped: wrong", kept.name);
    }
}


/* --- with the key -------------------------------------------------------- */

__attribute__((unused))
static void
matrix_signed(const matrix_t *matrix, const matrix_row_t *verdicts)
{
    int             mutation;
    char            raw[SIGNER_RAW_SIZE], texts[128];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    for (i = 0; i < matrix->count; i++) {
        for (mutation = 0; mutation < MATRIX_SIGNED_COUNT; mutation++) {

            if (!matrix_applies(&matrix->genuine[i], mutation)) {
                continue;
            }

            count = matrix_mutate(matrix, i, mutation, fields, texts);
            matrix_notice(matrix, fields, count, raw);

            EQ_INT(matrix->verify(raw), verdicts[i][mutation],
                   "%s %s, genuinely signed: %s", matrix->genuine[i].name,
                   matrix_words[mutation],
                   pay_verdict_word(verdicts[i][mutation]));
        }
    }
}


#endif /* FAKA_PAY_MATRIX_H_INCLUDED_ */
