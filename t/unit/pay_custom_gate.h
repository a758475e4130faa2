/*
 * The other side of configured channels, for their tests: blocks as they are
 * written into a configuration, and signatures by openssl(1).
 */

#ifndef FAKA_PAY_CUSTOM_GATE_H_INCLUDED_
#define FAKA_PAY_CUSTOM_GATE_H_INCLUDED_


#include "../../ngx_module/pay/custom.h"

#include "pay_matrix.h"


#define GATE_ORDER_NO  "01J0000000000000000000000A"
#define GATE_URL       "https://pay.example/gate.php"


/* A block being read: the channel, and the words that it points into. */

typedef struct {
    char           text[2048];
    char           err[512];
    unsigned       given;
    pay_custom_t   custom;
    pay_channel_t  channel;
} gate_block_t;


static pay_crypto_t  *crypto;

static const char *const  gate_names[PAY_SETTING_COUNT] = {
#define X(name, directive, example)  directive,
    PAY_SETTINGS(X)
#undef X
};


static bool
gate_directive(gate_block_t *block, char *line)
{
    char        *word, *rest;
    size_t       count, setting;
    const char  *words[1 + PAY_CUSTOM_ARGS_MAX];

    count = 0;

    for (word = strtok_r(line, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
    {
        words[count++] = word;
    }

    for (setting = 0; strcmp(gate_names[setting], words[0]) != 0; setting++) {
        /* look for it */
    }

    block->given |= 1u << setting;

    return setting == PAY_SETTING_HASH
           ? pay_hash_set(&block->channel.hash, &words[1], count - 1,
                          block->err, sizeof(block->err))
           : pay_custom_set(&block->custom, (pay_setting_e) setting,
                            &words[1], count - 1, block->err,
                            sizeof(block->err));
}


/* Directives with ";" between them.  false: err says why. */

static bool
gate_read(gate_block_t *block, const char *directives)
{
    char  *line, *rest;

    memset(block, 0, sizeof(*block));
    (void) snprintf(block->text, sizeof(block->text), "%s", directives);
    pay_custom_init(&block->custom);

    block->channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("custom")),
        .name = PAY_STR("way"),
        .url = PAY_STR(GATE_URL),
        .key = PAY_STR(SIGNER_KEY),
        .currency = "CNY",
        .custom = &block->custom
    };

    block->given = PAY_BIT(URL) | PAY_BIT(KEY_FILE);

    for (line = strtok_r(block->text, ";", &rest); line != NULL;
         line = strtok_r(NULL, ";", &rest))
    {
        if (!gate_directive(block, line)) {
            return false;
        }
    }

    return pay_settings_check(block->channel.protocol, block->given,
                              block->err, sizeof(block->err))
           && pay_channel_check(&block->channel, block->err,
                                sizeof(block->err));
}


__attribute__((unused))
static void
gate_must_read(gate_block_t *block, const char *directives)
{
    if (!gate_read(block, directives)) {
        printf("Bail out! %s: %s\n", directives, block->err);
        exit(EXIT_FAILURE);
    }
}


/* openssl dgst with these options over text and what is put behind it. */

__attribute__((unused))
static void
gate_digest(const char *options, const char *text, size_t size,
    const char *behind, char sign[OPENSSL_SIGN_SIZE])
{
    char    all[SIGNER_RAW_SIZE], out[OPENSSL_FILE_SIZE];
    size_t  digits;

    memcpy(all, text, size);
    size += (size_t) snprintf(all + size, sizeof(all) - size, "%s", behind);

    openssl_put("text", all, size);
    OPENSSL_MUST("openssl dgst -r %s text >digest", options);
    (void) openssl_get("digest", out);
    digits = strcspn(out, " ");
    (void) snprintf(sign, OPENSSL_SIGN_SIZE, "%.*s", (int) digits, out);
}


static pay_verdict_e
gate_verify(const pay_channel_t *channel, unsigned method, const char *raw,
    pay_fact_t *fact)
{
    pay_str_t      none, carrier;
    pay_verdict_e  verdict;

    none = pay_str(NULL, 0);
    carrier = pay_str(raw, strlen(raw));

    pay_notice_t  notice = {
        method, method == PAY_METHOD_GET ? carrier : none,
        method == PAY_METHOD_GET ? none : carrier, 0, NULL, 0
    };

    verdict = channel->protocol->verify(crypto, channel, &notice, fact);
    matrix_judge_fact(verdict, fact);

    return verdict;
}


static void
gate_enter(void)
{
    char  err[256];

    crypto = pay_crypto_create(err, sizeof(err));
    openssl_enter();
}


#endif /* FAKA_PAY_CUSTOM_GATE_H_INCLUDED_ */
