/*
 * What the configuration refuses, and the tables of verdicts and protocols.
 */

#include "../../ngx_module/pay/pay.h"

#include "tap.h"

#include <strings.h>


static pay_channel_t
good_channel(void)
{
    return (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("epay")),
        .name = PAY_STR("epay"),
        .url = PAY_STR("https://pay.example/"),
        .pid = PAY_STR("1001"),
        .key = PAY_STR("k9vT2mXw7QpR4sLz"),
        .currency = "CNY"
    };
}


static void
refused(pay_channel_t channel, const char *what, const char *says)
{
    char  err[512] = "";

    OK(!pay_channel_check(&channel, err, sizeof(err)), "refused: %s", what);
    OK(strstr(err, says) != NULL, "  saying: %s", err);
    OK(strstr(err, "k9vT2mXw7QpR4sLz") == NULL, "  without the key");
}


static void
accepted(pay_channel_t channel, const char *what)
{
    char  err[512] = "";

    OK(pay_channel_check(&channel, err, sizeof(err)), "accepted: %s %s",
       what, err);
}


#define REFUSED(member, value, what, says)                                   \
    do {                                                                     \
        pay_channel_t  changed = good_channel();                             \
        changed.member = (value);                                            \
        refused(changed, what, says);                                        \
    } while (0)

#define ACCEPTED(member, value, what)                                        \
    do {                                                                     \
        pay_channel_t  changed = good_channel();                             \
        changed.member = (value);                                            \
        accepted(changed, what);                                             \
    } while (0)


static void
test_names(void)
{
    accepted(good_channel(), "a good channel");
    REFUSED(protocol, NULL, "no protocol", "known: epay");
    REFUSED(name, PAY_STR(""), "no name", "1 to 11");
    REFUSED(name, PAY_STR("abcdefghijkl"), "a name of 12", "1 to 11");
    ACCEPTED(name, PAY_STR("abcdefghijk"), "a name of 11");
    ACCEPTED(name, PAY_STR("a-b_9"), "a name of all characters");
    REFUSED(name, PAY_STR("Epay"), "upper case", "a-z 0-9");
    REFUSED(name, PAY_STR("a/b"), "a slash", "a-z 0-9");
    REFUSED(name, PAY_STR("a\0"), "a NUL", "a-z 0-9");

    REFUSED(pid, PAY_STR(""), "no pid", "pid 1000;");
    REFUSED(pid, PAY_STR("1001&x=1"), "a pid with &", "pid 1000;");
    REFUSED(type, PAY_STR("ali pay"), "a type with a space", "alipay");
    ACCEPTED(type, PAY_STR("wxpay"), "a type");
}


static void
test_urls(void)
{
    char  longest[PAY_BASE_URL_SIZE_MAX + 1];

    ACCEPTED(url, PAY_STR("http://127.0.0.1:8081"), "http and a port");
    ACCEPTED(url, PAY_STR("https://pay.example/a/b/"), "a folder");
    REFUSED(url, PAY_STR(""), "no url", "https://pay.example/");
    REFUSED(url, PAY_STR("https://"), "no host", "with a host");
    REFUSED(url, PAY_STR("https:///x"), "an empty host", "with a host");
    REFUSED(url, PAY_STR("http://:80"), "a port alone", "with a host");
    REFUSED(url, PAY_STR("ftp://pay.example/"), "ftp", "http://");
    REFUSED(url, PAY_STR("javascript:alert(1)"), "a script", "http://");
    REFUSED(url, PAY_STR("pay.example"), "no scheme", "http://");
    REFUSED(url, PAY_STR("HTTPS://pay.example/"), "upper case", "https://");
    REFUSED(url, PAY_STR("https://pay.example/?a"), "a query", "query");
    REFUSED(url, PAY_STR("https://pay.example/a b"), "a space", "https://");
    REFUSED(url, PAY_STR("https://pay.example/\r\nX: y"), "a line break",
            "https://");
    REFUSED(url, PAY_STR("https://p\xc3\xa4y.example/"), "beyond ASCII",
            "https://");

    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "http://", 7);
    ACCEPTED(url, pay_str(longest, PAY_BASE_URL_SIZE_MAX), "the longest");
    REFUSED(url, pay_str(longest, sizeof(longest)), "one more", "512");
}


static void
test_keys(void)
{
    REFUSED(key, PAY_STR(""), "no key", "anyone could sign");
    REFUSED(key, PAY_STR("                    "), "a blank key", "blank");
    REFUSED(key, PAY_STR("k9vT2mXw7QpR4sL"), "a key of 15", "less than 16");
    REFUSED(key, PAY_STR("aaaaaaaaaaaaaaaaaaaa"), "one letter repeated",
            "one character repeated");
    REFUSED(key, PAY_STR("k9vT2mXw7QpR4s\n1"), "a key with a newline",
            "line break");
    REFUSED(key_previous, PAY_STR("short"), "a short previous key",
            "less than 16");
    REFUSED(key_previous, PAY_STR("k9vT2mXw7QpR4sLz"),
            "the same previous key", "equals the current");
    ACCEPTED(key_previous, PAY_STR("p8uS1lWv6PoQ3rKy"), "a previous key");
}


static void
test_secret_files(void)
{
    char       err[256], large[PAY_KEY_SIZE_MAX + 2];
    pay_str_t  secret;

    OK(pay_secret_parse(PAY_STR("k9vT2mXw7QpR4sLz\n"), &secret, err,
                        sizeof(err)), "a key file with a newline");
    EQ_MEM(secret.data, secret.size, "k9vT2mXw7QpR4sLz", 16,
           "  holds the key without it");
    OK(pay_secret_parse(PAY_STR("k9vT2mXw7QpR4sLz"), &secret, err,
                        sizeof(err)), "a key file without one");
    EQ_INT(secret.size, 16, "  holds the same");
    OK(!pay_secret_parse(PAY_STR("k9vT2mXw7QpR4sLz\n\n"), &secret, err,
                         sizeof(err)), "two newlines are one too many");
    EQ_INT(secret.size, 0, "  and give no key");
    OK(!pay_secret_parse(PAY_STR("k9vT2mXw7QpR4sLz\r\n"), &secret, err,
                         sizeof(err)), "a carriage return is refused");
    OK(!pay_secret_parse(PAY_STR("\n"), &secret, err, sizeof(err)),
       "an empty line is no key");
    OK(strstr(err, "empty") != NULL, "  and it says so");

    memset(large, 'k', sizeof(large));
    large[0] = 'q';
    OK(pay_secret_parse(pay_str(large, PAY_KEY_SIZE_MAX), &secret, err,
                        sizeof(err)), "the longest key");
    OK(!pay_secret_parse(pay_str(large, PAY_KEY_SIZE_MAX + 1), &secret, err,
                         sizeof(err)), "one more is refused");
}


static void
test_currencies(void)
{
    pay_channel_t  channel;

    channel = good_channel();
    memcpy(channel.currency, "XXX", 4);
    refused(channel, "an unknown currency", "ISO 4217");
    memcpy(channel.currency, "", 1);
    refused(channel, "no currency", "ISO 4217");
    memcpy(channel.currency, "KWD", 4);
    refused(channel, "three digits", "two digits");
    memcpy(channel.currency, "JPY", 4);
    accepted(channel, "no digits");
}


/* Case-folded search: a gateway takes "unsuccessful" for a success. */

static bool
has_success(const char *text)
{
    for ( /* void */ ; *text != '\0'; text++) {
        if (strncasecmp(text, "success", 7) == 0) {
            return true;
        }
    }

    return false;
}


static void
test_tables(void)
{
    size_t                 i, j;
    pay_channel_t          channel;
    const pay_protocol_t  *epay;

    epay = pay_protocol_find(PAY_STR("epay"));
    OK(epay != NULL, "there is a protocol epay");
    OK(pay_protocol_find(PAY_STR("EPAY")) == NULL, "  of exact name");
    OK(pay_protocol_find(PAY_STR("")) == NULL, "no name, no protocol");
    EQ_STR(epay->success_body, "success", "its success body, exactly");
    OK(!has_success(epay->failure_body), "its failure body is none");
    OK(strstr(pay_protocol_names(), "epay") != NULL, "it is listed");

    channel = good_channel();
    EQ_INT(pay_channel_methods(&channel), PAY_METHOD_GET, "GET only");
    channel.allow_post = true;
    EQ_INT(pay_channel_methods(&channel), PAY_METHOD_GET | PAY_METHOD_POST,
           "  and POST where it is allowed");

    for (i = 0; i < PAY_VERDICT_COUNT; i++) {
        OK(strlen(pay_verdict_text((pay_verdict_e) i)) > 10,
           "verdict %s has a text", pay_verdict_word((pay_verdict_e) i));
        OK(pay_verdict_acknowledged((pay_verdict_e) i)
           == (i == PAY_PAID || i == PAY_NOT_PAID || i == PAY_ODD_AMOUNT
               || i == PAY_REFUND),
           "  is acknowledged only if genuine");
        OK(pay_verdict_acknowledged((pay_verdict_e) i)
           == (pay_verdict_http_status((pay_verdict_e) i) == 200),
           "  and exactly then has status 200");

        for (j = 0; j < i; j++) {
            if (strcmp(pay_verdict_word((pay_verdict_e) i),
                       pay_verdict_word((pay_verdict_e) j)) == 0)
            {
                OK(false, "  its word is its own");
            }
        }
    }

    for (i = 0; i < PAY_START_CODE_COUNT; i++) {
        OK(strlen(pay_start_text((pay_start_code_e) i)) >= 7,
           "start code %zu has a text", i);
    }
}


/* What a channel block must have, and what it may not. */

static void
test_settings(void)
{
    char                   err[256];
    size_t                 i;
    unsigned               bit, needs;
    const pay_protocol_t  *protocol;

    static const char *const  names[] = {
        "epay", "epay2", "epusdt", "alipay"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        protocol = pay_protocol_find(pay_str(names[i], strlen(names[i])));
        needs = protocol->needs;

        OK(strstr(pay_protocol_names(), names[i]) != NULL, "%s is listed",
           names[i]);
        OK(!has_success(protocol->failure_body), "its failure is none");
        OK((protocol->needs & protocol->takes) == 0,
           "what it needs is not left to choice");
        OK(pay_settings_check(protocol, needs, err, sizeof(err)),
           "what it needs is enough");
        OK(pay_settings_check(protocol, needs | protocol->takes
                              | PAY_TAKEN_BY_ALL, err, sizeof(err)),
           "and so is all");

        for (bit = 1; bit < 1u << PAY_SETTING_COUNT; bit <<= 1) {
            if (needs & bit) {
                OK(!pay_settings_check(protocol, needs & ~bit, err,
                                       sizeof(err))
                   && strstr(err, "; add, for example: ") != NULL,
                   "it %s", err);

            } else if (!((protocol->takes | PAY_TAKEN_BY_ALL) & bit)) {
                OK(!pay_settings_check(protocol, needs | bit, err,
                                       sizeof(err))
                   && strstr(err, "means nothing") != NULL, "it %s", err);
            }
        }
    }
}


/* Without a gateway nothing is to be set, not even a currency. */

static void
test_local(void)
{
    char                   err[256];
    unsigned               bit;
    pay_channel_t          channel;
    const pay_protocol_t  *protocol;

    protocol = pay_protocol_find(pay_str("balance", 7));
    OK(protocol != NULL && protocol->behind == PAY_BEHIND_ACCOUNT
       && protocol->start == NULL && protocol->verify == NULL
       && strstr(pay_protocol_names(), "balance") != NULL
       && pay_settings_check(protocol, 0, err, sizeof(err)),
       "balance is one without a gateway");

    protocol = pay_protocol_find(pay_str("free", 4));
    OK(protocol != NULL && protocol->behind == PAY_BEHIND_NOTHING
       && protocol->start == NULL && protocol->verify == NULL
       && strstr(pay_protocol_names(), "free") != NULL,
       "free is a protocol without a gateway");
    OK(pay_settings_check(protocol, 0, err, sizeof(err)), "of no settings");

    for (bit = 1; bit < 1u << PAY_SETTING_COUNT; bit <<= 1) {
        if (bit & PAY_BIT(LABEL)) {
            OK(pay_settings_check(protocol, bit, err, sizeof(err)),
               "but what all have");
            continue;
        }

        OK(!pay_settings_check(protocol, bit, err, sizeof(err))
           && strstr(err, "means nothing to free") != NULL, "it %s", err);
    }

    memset(&channel, 0, sizeof(channel));
    channel.protocol = protocol;
    channel.name = pay_str("gift", 4);
    strcpy(channel.currency, "CNY");
    OK(pay_channel_check(&channel, err, sizeof(err)), "and good by its name");
    channel.name = pay_str("Gift", 4);
    OK(!pay_channel_check(&channel, err, sizeof(err)), "which is judged");
}


int
main(void)
{
    test_names();
    test_urls();
    test_keys();
    test_secret_files();
    test_currencies();
    test_tables();
    test_settings();
    test_local();

    return tap_done();
}
