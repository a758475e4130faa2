/*
 * Fuzzes configured channels.  Build with clang
 * -fsanitize=fuzzer,address,undefined; seeds in corpus/custom.
 *
 * The first byte of the input says what the rest is:
 *
 *     0  a block, directives with ";" between them.  If it is taken, no
 *        request of it is a notice, nor with other names for its values.
 *     1  the values of a notice, "|" between them, side by side and signed.
 *        If it pays, a second notice with one byte moved over a border does
 *        not: its string is the same, and so is its signature.
 *     2  a form: as it is it must be refused, for nobody signed it.
 */

#include "../../ngx_module/pay/custom_priv.h"
#include "must.h"


#define ORDER_NO    "01J0000000000000000000000A"
#define KEY         "k9vT2mXw7QpR4sLz8NcD"
#define LIST_COUNT  5


static pay_crypto_t   *crypto;
static pay_custom_t    listed;
static pay_channel_t   listed_channel;

static const char *const  names[PAY_SETTING_COUNT] = {
#define X(name, directive, example)  directive,
    PAY_SETTINGS(X)
#undef X
};

static const char *const  listed_names[LIST_COUNT] = {
    "mch", "no", "sum", "state", "serial"
};


/* false: not a block that is taken. */

static bool
read_block(pay_custom_t *custom, pay_channel_t *channel, char *text)
{
    char        *line, *word, *rest, *line_rest, err[512];
    size_t       count, setting;
    const char  *words[PAY_CUSTOM_ARGS_MAX + 1];

    pay_custom_init(custom);

    *channel = (pay_channel_t) {
        .protocol = pay_protocol_find(PAY_STR("custom")),
        .name = PAY_STR("way"),
        .url = PAY_STR("https://pay.example/gate.php"),
        .key = PAY_STR(KEY),
        .currency = "CNY",
        .custom = custom
    };

    for (line = strtok_r(text, ";", &rest); line != NULL;
         line = strtok_r(NULL, ";", &rest))
    {
        count = 0;

        for (word = strtok_r(line, " \n", &line_rest);
             word != NULL && count <= PAY_CUSTOM_ARGS_MAX;
             word = strtok_r(NULL, " \n", &line_rest))
        {
            words[count++] = word;
        }

        if (count < 2) {
            continue;
        }

        for (setting = PAY_SETTING_SEND; setting <= PAY_SETTING_SUCCESS_BODY
             && strcmp(names[setting], words[0]) != 0; setting++)
        {
            /* look for it */
        }

        if (setting > PAY_SETTING_SUCCESS_BODY
            || (setting == PAY_SETTING_HASH
                ? count > 4
                  || !pay_hash_set(&channel->hash, &words[1], count - 1, err,
                                   sizeof(err))
                : !pay_custom_set(custom, (pay_setting_e) setting, &words[1],
                                  count - 1, err, sizeof(err))))
        {
            return false;
        }
    }

    return channel->hash.hash != PAY_HASH_NONE
           && pay_channel_check(channel, err, sizeof(err));
}


static void
set_up(void)
{
    char         err[512];
    static char  text[] =
        "send mch 1001;send no $order_no;send sum $amount;"
        "notice order_no no;notice trade_no serial;notice amount sum;"
        "notice status state 1;sign_notice mch no sum state serial;hash md5";

    crypto = pay_crypto_create(err, sizeof(err));
    MUST(crypto != NULL);
    MUST(read_block(&listed, &listed_channel, text));
}


static pay_verdict_e
judge(const pay_channel_t *channel, const char *raw, size_t size,
    pay_fact_t *fact)
{
    pay_verdict_e  verdict;
    pay_notice_t   notice = {
        PAY_METHOD_GET, pay_str(raw, size), pay_str(NULL, 0), 0, NULL, 0
    };

    memset(fact, 0xaa, sizeof(pay_fact_t));
    verdict = channel->protocol->verify(crypto, channel, &notice, fact);
    MUST(verdict < PAY_VERDICT_COUNT && verdict != PAY_INTERNAL);
    MUST(memchr(fact->field, '\0', sizeof(fact->field)) != NULL);

    if (!pay_verdict_acknowledged(verdict)) {
        MUST(fact->order_no[0] == '\0' && fact->trade_no[0] == '\0');
        MUST(fact->amount == 0);
    }

    return verdict;
}


static void
check_block(const char *data, size_t size)
{
    char           text[4096], url[PAY_START_URL_SIZE_MAX];
    size_t         length;
    pay_fact_t     fact;
    pay_start_t    start;
    pay_custom_t   custom;
    pay_channel_t  channel;

    if (size >= sizeof(text)) {
        return;
    }

    memcpy(text, data, size);
    text[size] = '\0';

    if (!read_block(&custom, &channel, text)) {
        return;
    }

    start = (pay_start_t) {
        .order_no = PAY_STR(ORDER_NO),
        .amount = 1990,
        .currency = "CNY",
        .notify_url = PAY_STR("https://shop.example/notify/way"),
        .return_url = PAY_STR("https://shop.example/return/1"),
        .now_s = 1767323045
    };

    if (channel.protocol->start(crypto, &channel, &start, url, sizeof(url),
                                &length)
        == PAY_START_OK)
    {
        MUST(strchr(url, '?') != NULL);
        MUST(!pay_verdict_acknowledged(judge(&channel, strchr(url, '?') + 1,
                                             strlen(strchr(url, '?') + 1),
                                             &fact)));
    }
}


/* The values as a notice with this signature; its size. */

static size_t
write_values(char *raw, size_t room_size, const pay_str_t *values,
    const char sign[PAY_MD5_HEX_SIZE])
{
    size_t  i, j, used;

    for (i = 0, used = 0; i < LIST_COUNT; i++) {
        used += (size_t) snprintf(raw + used, room_size - used, "%s=",
                                  listed_names[i]);

        for (j = 0; j < values[i].size; j++) {
            used += (size_t) snprintf(raw + used, room_size - used, "%%%02X",
                                      values[i].data[j]);
        }

        used += (size_t) snprintf(raw + used, room_size - used, "&");
    }

    return used + (size_t) snprintf(raw + used, room_size - used,
                                    "sign=%.32s", sign);
}


static void
check_values(const uint8_t *data, size_t size)
{
    char           raw[4096], sign[PAY_HASH_HEX_SIZE_MAX];
    size_t         i, used, sign_size;
    pay_str_t      values[LIST_COUNT];
    pay_fact_t     fact;
    const uint8_t  *p;
    unsigned char  text[512];

    if (size > sizeof(text)) {
        return;
    }

    for (i = 0, used = 0; i < LIST_COUNT; i++) {
        p = memchr(data, '|', size);
        values[i].size = p != NULL && i < LIST_COUNT - 1
                         ? (size_t) (p - data) : size;
        values[i].data = text + used;
        memcpy(text + used, data, values[i].size);
        used += values[i].size;
        data += values[i].size;
        size -= values[i].size;

        if (size > 0) {
            data++;
            size--;
        }
    }

    MUST(pay_hash_sign(crypto, &listed_channel.hash, listed_channel.key,
                       pay_str(text, used), sign, &sign_size));

    used = write_values(raw, sizeof(raw), values, sign);

    if (judge(&listed_channel, raw, used, &fact) != PAY_PAID) {
        return;
    }

    MUST(values[1].size == 26 && pay_str_eq(values[3], PAY_STR("1")));

    for (i = 0; i + 1 < LIST_COUNT; i++) {
        values[i].size--;
        values[i + 1].data--;
        values[i + 1].size++;
        used = write_values(raw, sizeof(raw), values, sign);
        MUST(judge(&listed_channel, raw, used, &fact) != PAY_PAID);

        values[i].size += 2;
        values[i + 1].data += 2;
        values[i + 1].size -= 2;
        used = write_values(raw, sizeof(raw), values, sign);
        MUST(judge(&listed_channel, raw, used, &fact) != PAY_PAID);

        values[i].size--;
        values[i + 1].data--;
        values[i + 1].size++;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t      first;
    pay_fact_t    fact;
    fuzz_input_t  in = { data, size };

    if (crypto == NULL) {
        set_up();
    }

    first = fuzz_take(&in, 1);

    if (in.size == 0) {
        return 0;
    }

    switch (first % 3) {

    case 0:
        check_block((const char *) in.data, in.size);
        break;

    case 1:
        check_values(in.data, in.size);
        break;

    default:
        MUST(!pay_verdict_acknowledged(judge(&listed_channel,
                                             (const char *) in.data, in.size,
                                             &fact)));
    }

    return 0;
}
