/*
 * Alipay's side for its tests: a genuine notice, a channel of ours, and what
 * the channel says of a notice.
 */

#ifndef FAKA_PAY_ALIPAY_GATE_H_INCLUDED_
#define FAKA_PAY_ALIPAY_GATE_H_INCLUDED_


#include "pay_matrix.h"


#define GATE_KEY_COUNT  4


static pay_crypto_t   *crypto;
static pay_channel_t   channel;

/* Ours, Alipay's, its previous one, one of 4096 bits. */

static const char *const  gate_keys[GATE_KEY_COUNT] = {
    "own", "alipay", "previous", "big"
};

static pay_rsa_t  *gate_privates[GATE_KEY_COUNT];
static pay_rsa_t  *gate_publics[GATE_KEY_COUNT];


/* With an empty field, which is in the string, and a space in others. */

static const signer_field_t  genuine[] = {
    { "app_id", "2021000000000001", 0 },
    { "body", "", 0 },
    { "buyer_id", "2088102122524333", 0 },
    { "charset", "utf-8", 0 },
    { "gmt_create", "2026-01-02 03:04:00", 0 },
    { "gmt_payment", "2026-01-02 03:04:05", 0 },
    { "notify_id", "2026010200222030405000000001", 0 },
    { "notify_type", "trade_status_sync", 0 },
    { "out_trade_no", "01J0000000000000000000000A", 0 },
    { "refund_fee", "0.00", 0 },
    { "seller_id", "2088000000000001", 0 },
    { "subject", "order +&=%/\xe5\x8d\xa1", 0 },
    { "total_amount", "9.90", 0 },
    { "trade_no", "2026010222001424330500000001", 0 },
    { "trade_status", "TRADE_SUCCESS", 0 }
};

#define GENUINE_COUNT  (sizeof(genuine) / sizeof(genuine[0]))


static pay_verdict_e
verify_fact(const char *raw, pay_fact_t *fact)
{
    pay_verdict_e  verdict;
    pay_notice_t   notice = {
        PAY_METHOD_POST, pay_str(NULL, 0), pay_str(raw, strlen(raw)), 0, NULL,
        0
    };

    verdict = channel.protocol->verify(crypto, &channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


static pay_verdict_e
verify(const char *raw)
{
    pay_fact_t  fact;

    return verify_fact(raw, &fact);
}


static const matrix_t  matrix = {
    genuine, GENUINE_COUNT, "alipay", "RSA2", 1, verify, NULL
};


/* The verdict about the genuine fields with one set or added, signed. */

__attribute__((unused))
static pay_verdict_e
verify_with(const char *name, const char *value, size_t size,
    pay_fact_t *fact)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    count = matrix_with(&matrix, fields, name, value, size);
    matrix_notice(&matrix, fields, count, raw);

    return verify_fact(raw, fact);
}


/* .. and without one. */

__attribute__((unused))
static pay_verdict_e
verify_without(const char *name, pay_fact_t *fact)
{
    char            raw[SIGNER_RAW_SIZE];
    size_t          i, count;
    signer_field_t  fields[SIGNER_FIELDS_MAX];

    for (i = 0, count = 0; i < GENUINE_COUNT; i++) {
        if (strcmp(genuine[i].name, name) != 0) {
            fields[count++] = genuine[i];
        }
    }

    matrix_notice(&matrix, fields, count, raw);

    return verify_fact(raw, fact);
}


static void
gate_enter(void)
{
    char    err[256], file[32];
    size_t  i;

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();

    for (i = 0; i < GATE_KEY_COUNT; i++) {
        openssl_make_key(gate_keys[i], i < GATE_KEY_COUNT - 1 ? 2048 : 4096);
        (void) snprintf(file, sizeof(file), "%s.key", gate_keys[i]);
        gate_privates[i] = matrix_key(file, true);
        (void) snprintf(file, sizeof(file), "%s.pub", gate_keys[i]);
        gate_publics[i] = matrix_key(file, false);
    }

    channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("alipay")),
        .name = PAY_STR("alipay"),
        .url = PAY_STR("https://openapi.alipay.com/gateway.do"),
        .app_id = PAY_STR("2021000000000001"),
        .seller_id = PAY_STR("2088000000000001"),
        .private_key = gate_privates[0],
        .public_key = gate_publics[1],
        .currency = "CNY"
    };
}


static void
gate_leave(void)
{
    size_t  i;

    for (i = 0; i < GATE_KEY_COUNT; i++) {
        pay_rsa_destroy(gate_privates[i]);
        pay_rsa_destroy(gate_publics[i]);
    }

    pay_crypto_destroy(crypto);
}


#endif /* FAKA_PAY_ALIPAY_GATE_H_INCLUDED_ */
