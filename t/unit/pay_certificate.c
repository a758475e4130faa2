/*
 * Alipay's certificate mode: the serial numbers that its own package computes
 * for published certificates, dates and chains of certificates that openssl
 * makes, and what a channel in this mode sends and believes.
 */

#include "pay_alipay_gate.h"

#include <time.h>


#define APP_SN     "866efef280dec9137a87d047ac446315"
#define ALIPAY_SN  "7513daaaa48aa3ba2e4018d84402479c"
#define ROOT_SN    "687b59193f3f462dd5336e5abf83c5d8_"                        \
                   "02941eef3187dddf3d3b83462e1dfcf6"
#define IN_2021_S  INT64_C(1609459200)
#define IN_2030_S  INT64_C(1893456000)


static char  files[8][OPENSSL_FILE_SIZE];


/* A file of the folder, or a published one; empty if it is not at hand. */

static pay_str_t
file(size_t at, const char *name)
{
    size_t  size;

    size = openssl_get(name, files[at]);

    return pay_str(files[at], size);
}


static pay_str_t
published(size_t at, const char *name)
{
    char         path[512];
    FILE        *in;
    size_t       size;
    const char  *folder;

    folder = getenv("FAKA_VECTORS");
    (void) snprintf(path, sizeof(path), "%s/%s",
                    folder != NULL ? folder : "../shared/vectors", name);
    in = fopen(path, "rb");

    if (in == NULL) {
        return pay_str(NULL, 0);
    }

    size = fread(files[at], 1, OPENSSL_FILE_SIZE, in);
    (void) fclose(in);

    return pay_str(files[at], size);
}


static void
test_vectors(void)
{
    char        sn[PAY_SN_SIZE + 1], root_sn[PAY_ROOT_SN_SIZE_MAX + 1];
    char        err[256] = "";
    pay_str_t   app, alipay, roots;

    app = published(0, "alipay-app-cert.crt");
    alipay = published(1, "alipay-public-cert.crt");
    roots = published(2, "alipay-root-certs.crt");

    if (app.size == 0 || alipay.size == 0 || roots.size == 0) {
        OK(true, "the published certificates are not at hand # SKIP");
        return;
    }

    OK(pay_certificate_sn(crypto, app, sn), "an application's certificate");
    EQ_STR(sn, APP_SN, "  has this SN");
    OK(pay_certificate_sn(crypto, alipay, sn), "Alipay's certificate");
    EQ_STR(sn, ALIPAY_SN, "  has this SN");
    OK(pay_certificate_root_sn(crypto, roots, root_sn), "four roots");
    EQ_STR(root_sn, ROOT_SN, "  have this SN, by two of them");
    OK(!pay_certificate_root_sn(crypto, pay_certificate_first(roots),
                                root_sn),
       "the first alone, which is of a curve, has none");
    OK(!pay_certificate_root_sn(crypto, pay_str(roots.data, roots.size - 200),
                                root_sn),
       "a file that is cut has none");

    OK(pay_certificate_chain(alipay, roots, IN_2021_S, err, sizeof(err)),
       "Alipay's came without its issuer %s", err);
    OK(!pay_certificate_chain(roots, alipay, IN_2021_S, err, sizeof(err)),
       "a root does not hang on it");
}


/* root <- issuer <- leaf, by openssl. */

static void
make_chain(void)
{
    OPENSSL_MUST("printf 'basicConstraints=CA:TRUE\\n' >ca.ext; "
                 "printf 'basicConstraints=CA:FALSE\\n' >leaf.ext; "
                 "openssl req -x509 -new -key big.key -subj /O=Ant/CN=root "
                 "-days 9000 -out root.crt");
    OPENSSL_MUST("openssl req -new -key previous.key -subj /CN=issuer -out r "
                 "&& openssl x509 -req -in r -CA root.crt -CAkey big.key "
                 "-set_serial 1 -days 3000 -extfile ca.ext -out issuer.crt");
    OPENSSL_MUST("openssl req -new -key alipay.key -subj /CN=alipay -out r "
                 "&& openssl x509 -req -in r -CA issuer.crt -CAkey "
                 "previous.key -set_serial 0x10f2c4 -days 900 "
                 "-extfile leaf.ext -out alipay.crt");
    OPENSSL_MUST("openssl req -new -key own.key -subj /CN=app -out r "
                 "&& openssl x509 -req -in r -CA issuer.crt -CAkey "
                 "previous.key -set_serial 5 -days 900 -extfile leaf.ext "
                 "-out app.crt");
    OPENSSL_MUST("cat alipay.crt issuer.crt >chain.crt; "
                 "printf '%%s%%s' 'CN=issuer' 1110724 | md5sum >sn");
}


static void
test_chain(void)
{
    char       err[256], sn[PAY_SN_SIZE + 1], want[OPENSSL_FILE_SIZE];
    int64_t    now_s;
    pay_str_t  chain, alone, root, issuer;

    chain = file(0, "chain.crt");
    alone = file(1, "alipay.crt");
    root = file(2, "root.crt");
    issuer = file(3, "issuer.crt");
    now_s = (int64_t) time(NULL);

    OK(pay_certificate_chain(chain, root, now_s, err, sizeof(err)),
       "a chain up to the root");
    OK(pay_certificate_chain(alone, root, now_s, err, sizeof(err)),
       "alone it is taken");
    OK(pay_certificate_chain(alone, issuer, now_s, err, sizeof(err)) == false
       && strstr(err, "does not hang") != NULL,
       "an issuer is no root");
    OK(!pay_certificate_chain(chain, issuer, now_s, err, sizeof(err)),
       "  nor with itself in the chain");
    OK(!pay_certificate_chain(chain, root, IN_2021_S, err, sizeof(err))
       && strstr(err, "not valid yet") != NULL, "too early: %s", err);
    OK(!pay_certificate_chain(chain, root, IN_2030_S, err, sizeof(err))
       && strstr(err, "has expired") != NULL, "too late: %s", err);
    OK(!pay_certificate_chain(pay_str(NULL, 0), root, now_s, err,
                              sizeof(err)), "nothing");
    OK(!pay_certificate_chain(chain, pay_str(NULL, 0), now_s, err,
                              sizeof(err)), "no roots");
    OK(!pay_certificate_chain(PAY_STR("not a certificate"), root, now_s, err,
                              sizeof(err)), "not a certificate");

    OK(pay_certificate_sn(crypto, chain, sn), "the first of a chain");
    (void) openssl_get("sn", want);
    want[32] = '\0';
    EQ_STR(sn, want, "  has an SN of issuer and decimal serial");
    EQ_MEM(pay_certificate_first(chain).data,
           pay_certificate_first(chain).size, alone.data, alone.size - 1,
           "the first is cut out");
}


static void
test_channel(void)
{
    char         err[512] = "", raw[SIGNER_RAW_SIZE];
    char         url[PAY_START_URL_SIZE_MAX];
    size_t       length;
    int64_t      now_s;
    pay_start_t  start;

    now_s = (int64_t) time(NULL);
    channel.public_key = NULL;
    channel.certificate_texts[0] = file(0, "chain.crt");
    channel.root_certificate = file(2, "root.crt");
    channel.app_certificate = file(4, "app.crt");
    OK(pay_rsa_certificate(pay_certificate_first(
                               channel.certificate_texts[0]),
                           now_s, &channel.certificates[0], err,
                           sizeof(err)),
       "Alipay's key out of its certificate");
    OK(channel.protocol->load(&channel, now_s, err, sizeof(err))
       && pay_channel_check(&channel, err, sizeof(err)),
       "a channel with certificates %s", err);

    start = (pay_start_t) {
        .order_no = PAY_STR("01J0000000000000000000000A"),
        .amount = 990,
        .currency = "CNY",
        .notify_url = PAY_STR("https://shop.example/notify/way"),
        .return_url = PAY_STR("https://shop.example/return/1"),
        .now_s = now_s,
        .expires_s = now_s + 900
    };

    EQ_INT(channel.protocol->start(crypto, &channel, &start, url,
                                   sizeof(url), &length),
           PAY_START_OK, "  starts a payment");
    (void) snprintf(raw, sizeof(raw), "app_cert_sn=%s", channel.app_sn);
    OK(strstr(url, raw) != NULL && channel.app_sn[0] != '\0',
       "  with its own SN");
    (void) snprintf(raw, sizeof(raw), "alipay_root_cert_sn=%s",
                    channel.root_sn);
    OK(strstr(url, raw) != NULL && channel.root_sn[0] != '\0',
       "  and that of the root");

    matrix_notice(&matrix, genuine, GENUINE_COUNT, raw);
    EQ_INT(verify(raw), PAY_PAID, "  believes what is signed by Alipay");
    raw[strlen("app_id=%32")] ^= 1;
    OK(!pay_verdict_acknowledged(verify(raw)), "  and nothing else");

    channel.app_certificate = file(5, "alipay.crt");
    OK(!channel.protocol->load(&channel, now_s, err, sizeof(err))
       && strstr(err, "is not the certificate of") != NULL,
       "refused: another application's certificate");
    channel.app_certificate = file(4, "app.crt");
    OK(!channel.protocol->load(&channel, IN_2030_S, err, sizeof(err))
       && strstr(err, "has expired") != NULL, "refused: what has expired");
    channel.root_certificate = pay_str(NULL, 0);
    OK(!channel.protocol->load(&channel, now_s, err, sizeof(err))
       && strstr(err, "three files") != NULL, "refused: no roots");

    pay_rsa_destroy(channel.certificates[0].key);
    memset(&channel.certificates, 0, sizeof(channel.certificates));
}


int
main(void)
{
    gate_enter();
    make_chain();

    test_vectors();
    test_chain();
    test_channel();

    gate_leave();

    return tap_done();
}
