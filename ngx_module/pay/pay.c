/*
 * The tables of the payment edge: verdicts, protocols, channels.  What is
 * common to all protocols is checked here, what belongs to one stands in its
 * own file.
 */

#include "custom.h"

#include <assert.h>
#include <stdio.h>


_Static_assert(PAY_SETTING_COUNT <= 32, "a bit for each setting");


enum {
    REPLY_ACK,
    REPLY_REFUSE
};

static const struct {
    const char  *word;
    const char  *text;
    int          http_status;
    int          reply;
} verdicts[PAY_VERDICT_COUNT] = {
#define X(name, word, reply, status, text)                                    \
    { word, text, status, REPLY_##reply },
    PAY_VERDICTS(X)
#undef X
};

static const char *const  start_texts[PAY_START_CODE_COUNT] = {
#define X(name, text)  text,
    PAY_START_CODES(X)
#undef X
};


/* A new protocol is a file of its own and one line here; the list of names
 * for messages stands beside, for the master has no pool to build it in. */

static const pay_protocol_t *const  protocols[] = {
    &pay_epay_protocol,
    &pay_epay2_protocol,
    &pay_epusdt_protocol,
    &pay_gmpay_protocol,
    &pay_bepusdt_protocol,
    &pay_alipay_protocol,
    &pay_wechat_protocol,
    &pay_stripe_protocol,
    &pay_custom_protocol,
    &pay_free_protocol,
    &pay_balance_protocol
};

#define PROTOCOL_NAMES  "epay, epay2, epusdt, gmpay, bepusdt, alipay, "       \
                        "wechat, stripe, custom, free, balance"


static const struct {
    const char  *directive;
    const char  *example;
} settings[PAY_SETTING_COUNT] = {
#define X(name, directive, example)  { directive, example },
    PAY_SETTINGS(X)
#undef X
};


static bool has_prefix(pay_str_t text, pay_str_t prefix);
static const char *secret_fault(pay_str_t secret);


const char *
pay_verdict_word(pay_verdict_e verdict)
{
    assert(verdict < PAY_VERDICT_COUNT);

    return verdicts[verdict].word;
}


const char *
pay_verdict_text(pay_verdict_e verdict)
{
    assert(verdict < PAY_VERDICT_COUNT);

    return verdicts[verdict].text;
}


int
pay_verdict_http_status(pay_verdict_e verdict)
{
    assert(verdict < PAY_VERDICT_COUNT);

    return verdicts[verdict].http_status;
}


bool
pay_verdict_acknowledged(pay_verdict_e verdict)
{
    assert(verdict < PAY_VERDICT_COUNT);

    return verdicts[verdict].reply == REPLY_ACK;
}


const char *
pay_start_text(pay_start_code_e code)
{
    assert(code < PAY_START_CODE_COUNT);

    return start_texts[code];
}


const pay_protocol_t *
pay_protocol_find(pay_str_t name)
{
    size_t  i;

    for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (pay_str_eq(name, pay_text(protocols[i]->name))) {
            return protocols[i];
        }
    }

    return NULL;
}


const char *
pay_protocol_names(void)
{
    return PROTOCOL_NAMES;
}


const char *
pay_channel_success_body(const pay_channel_t *channel)
{
    return channel->custom != NULL ? channel->custom->success_body
                                   : channel->protocol->success_body;
}


unsigned
pay_channel_methods(const pay_channel_t *channel)
{
    unsigned  methods;

    methods = channel->protocol->methods;

    if (channel->allow_post) {
        methods |= channel->protocol->methods_optional;
    }

    return methods;
}


unsigned
pay_channel_asks(const pay_channel_t *channel)
{
    return pay_channel_is_private(channel) ? channel->protocol->asks : 0;
}


bool
pay_channel_is_private(const pay_channel_t *channel)
{
    size_t              i;
    pay_str_t           host, name;
    static const char  *hosts[] = { "127.0.0.1", "[::1]", "localhost" };

    if (has_prefix(channel->url, PAY_STR("https://"))) {
        return true;
    }

    if (!has_prefix(channel->url, PAY_STR("http://"))) {
        return false;
    }

    host = pay_str(channel->url.data + 7, channel->url.size - 7);

    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        name = pay_text(hosts[i]);

        if (has_prefix(host, name)
            && (host.size == name.size || host.data[name.size] == ':'
                || host.data[name.size] == '/'))
        {
            return true;
        }
    }

    return false;
}


static bool
has_prefix(pay_str_t text, pay_str_t prefix)
{
    return text.size >= prefix.size
           && memcmp(text.data, prefix.data, prefix.size) == 0;
}


bool
pay_settings_check(const pay_protocol_t *protocol, unsigned given, char *err,
    size_t err_size)
{
    unsigned  i, known;

    known = protocol->needs | protocol->takes | PAY_TAKEN_BY_ALL;

    if (protocol->behind != PAY_BEHIND_GATEWAY) {
        known &= ~(PAY_BIT(CURRENCY) | PAY_BIT(BACKUP));
    }

    for (i = 0; i < PAY_SETTING_COUNT; i++) {

        if ((given & ~known) & (1u << i)) {
            (void) snprintf(err, err_size, "has a \"%s\", which means nothing "
                            "to %s; take it out", settings[i].directive,
                            protocol->name);
            return false;
        }

        if ((protocol->needs & ~given) & (1u << i)) {
            (void) snprintf(err, err_size, "has no \"%s\"; add, for example: "
                            "%s", settings[i].directive, settings[i].example);
            return false;
        }
    }

    return true;
}


/* Messages name the value to write, for they appear behind the file and line
 * of nginx.conf. */

bool
pay_channel_check(const pay_channel_t *channel, char *err, size_t err_size)
{
    size_t         i;
    unsigned char  c;

    if (channel->protocol == NULL) {
        (void) snprintf(err, err_size, "no protocol; known: %s",
                        PROTOCOL_NAMES);
        return false;
    }

    if (channel->name.size == 0
        || channel->name.size > PAY_CHANNEL_NAME_SIZE_MAX)
    {
        (void) snprintf(err, err_size, "a channel name has 1 to %d "
                        "characters, this one has %zu",
                        PAY_CHANNEL_NAME_SIZE_MAX, channel->name.size);
        return false;
    }

    for (i = 0; i < channel->name.size; i++) {
        c = channel->name.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
              || c == '_' || c == '-'))
        {
            (void) snprintf(err, err_size, "a channel name is part of a URL "
                            "path: only a-z 0-9 _ - are allowed in it");
            return false;
        }
    }

    if (pay_currency_exponent(pay_text(channel->currency)) == -1) {
        (void) snprintf(err, err_size, "unknown currency \"%.3s\"; write an "
                        "ISO 4217 code like CNY", channel->currency);
        return false;
    }

    return channel->protocol->check(channel, err, err_size);
}


bool
pay_channel_check_key(const pay_channel_t *channel, char *err,
    size_t err_size)
{
    if (!pay_secret_check(channel->key, err, err_size)) {
        return false;
    }

    if (channel->key_previous.size == 0) {
        return true;
    }

    if (pay_equal_secret(channel->key, channel->key_previous)) {
        (void) snprintf(err, err_size, "the previous key equals the current "
                        "one; leave it out, or write the new key first");
        return false;
    }

    return pay_secret_check(channel->key_previous, err, err_size);
}


bool
pay_channel_check_rsa(const pay_channel_t *channel, char *err,
    size_t err_size)
{
    size_t            i;
    const pay_rsa_t  *previous;

    const pay_rsa_t  *keys[] = {
        channel->public_key, channel->public_key_previous,
        channel->certificates[0].key, channel->certificates[1].key
    };

    previous = channel->public_key_previous;

    if (channel->private_key == NULL
        || (channel->public_key == NULL
            && channel->certificates[0].key == NULL))
    {
        (void) snprintf(err, err_size, "no key: write \"private_key_file\", "
                        "your own, and \"public_key_file\", the gateway's");
        return false;
    }

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i] != NULL && pay_rsa_equal(channel->private_key, keys[i])) {
            (void) snprintf(err, err_size, "\"%s\" is the public half of "
                            "your own key; write the gateway's, which its "
                            "merchant page shows",
                            i < 2 ? "public_key_file" : "certificate_file");
            return false;
        }
    }

    if (previous != NULL && pay_rsa_equal(channel->public_key, previous)) {
        (void) snprintf(err, err_size, "the previous key equals the current "
                        "one; leave it out, or write the new key first");
        return false;
    }

    return true;
}


bool
pay_secret_parse(pay_str_t content, pay_str_t *secret, char *err,
    size_t err_size)
{
    const char  *fault;

    if (content.size > 0 && content.data[content.size - 1] == '\n') {
        content.size--;
    }

    /* One newline is what an editor or "echo" leaves; more, or blanks, may
     * be a part of the key that somebody lost, and are not guessed away. */

    fault = secret_fault(content);

    if (fault != NULL) {
        *secret = pay_str(NULL, 0);
        (void) snprintf(err, err_size, "%s", fault);
        return false;
    }

    *secret = content;

    return true;
}


bool
pay_secret_check(pay_str_t secret, char *err, size_t err_size)
{
    const char  *fault;

    fault = secret_fault(secret);

    if (fault != NULL) {
        (void) snprintf(err, err_size, "%s", fault);
    }

    return fault == NULL;
}


/* What is wrong with a gateway's key; NULL: nothing that can be seen. */

static const char *
secret_fault(pay_str_t secret)
{
    size_t  i;

    if (secret.size == 0) {
        return "the key is empty: anyone could sign with it; copy the key "
               "from the gateway's merchant page";
    }

    for (i = 0; i < secret.size; i++) {
        if (secret.data[i] <= ' ' || secret.data[i] >= 0x7f) {
            return "the key has a blank, a line break or a character outside "
                   "ASCII; write the key alone, with at most one newline "
                   "behind it";
        }
    }

    if (secret.size < PAY_KEY_SIZE_MIN) {
        return "the key has less than 16 characters and can be guessed; have "
               "the gateway make a longer one";
    }

    if (secret.size > PAY_KEY_SIZE_MAX) {
        return "the key has more than 256 characters; is this the right "
               "file?";
    }

    if (memcmp(secret.data, secret.data + 1, secret.size - 1) == 0) {
        return "one character repeated is no key; copy the key from the "
               "gateway's merchant page";
    }

    return NULL;
}


#define WORD  (PAY_CLASS_ID | PAY_CLASS_QUERY | PAY_CLASS_URL)

const uint8_t  pay_class[256] = {
    ['0' ... '9'] = WORD,
    ['A' ... 'Z'] = WORD,
    ['a' ... 'z'] = WORD,
    ['_'] = WORD,
    ['-'] = WORD,
    ['.'] = PAY_CLASS_QUERY | PAY_CLASS_URL,
    ['!'] = PAY_CLASS_URL,
    ['$' ... '%'] = PAY_CLASS_URL,
    ['(' ... ','] = PAY_CLASS_URL,
    ['/'] = PAY_CLASS_URL,
    [':' ... ';'] = PAY_CLASS_URL,
    ['@'] = PAY_CLASS_URL,
    ['['] = PAY_CLASS_URL,
    [']'] = PAY_CLASS_URL,
    ['~'] = PAY_CLASS_URL
};

#undef WORD


bool
pay_is_plain_id(pay_str_t text, size_t size_max, const char *extra)
{
    size_t         i;
    unsigned char  c;

    if (text.size == 0 || text.size > size_max) {
        return false;
    }

    for (i = 0; i < text.size; i++) {
        c = text.data[i];

        /* strchr() would find the NUL that ends extra. */

        if (!(pay_class[c] & PAY_CLASS_ID)
            && (c == '\0' || strchr(extra, c) == NULL))
        {
            return false;
        }
    }

    return true;
}


bool
pay_is_number(pay_str_t text, size_t size_max)
{
    size_t  i;

    if (text.size == 0 || text.size > size_max) {
        return false;
    }

    for (i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }

    return true;
}


bool
pay_is_plain_url(pay_str_t text, size_t size_max)
{
    size_t                i, scheme_size;
    static const char     plain[] = "http://", secure[] = "https://";

    if (text.size > size_max) {
        return false;
    }

    if (text.size > sizeof(secure) - 1
        && memcmp(text.data, secure, sizeof(secure) - 1) == 0)
    {
        scheme_size = sizeof(secure) - 1;

    } else if (text.size > sizeof(plain) - 1
               && memcmp(text.data, plain, sizeof(plain) - 1) == 0)
    {
        scheme_size = sizeof(plain) - 1;

    } else {
        return false;
    }

    /* "http:///path" and "https://:8080" name no host. */

    if (text.data[scheme_size] == '/' || text.data[scheme_size] == ':') {
        return false;
    }

    for (i = scheme_size; i < text.size; i++) {
        if (!(pay_class[text.data[i]] & PAY_CLASS_URL)) {
            return false;
        }
    }

    return true;
}


bool
pay_is_origin(pay_str_t text, size_t size_max)
{
    size_t  i, slashes;

    if (!pay_is_plain_url(text, size_max)) {
        return false;
    }

    if (text.data[text.size - 1] == '/') {
        text.size--;
    }

    slashes = 0;

    for (i = 0; i < text.size; i++) {
        slashes += text.data[i] == '/';
    }

    return slashes == 2;
}
