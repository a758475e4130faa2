/*
 * Alipay's certificate mode: what its three files are turned into when the
 * configuration is read.  From then on it is key mode with two more fields in
 * each request.
 */

#include "alipay_priv.h"

#include <stdio.h>


static bool load_own(pay_crypto_t *crypto, pay_channel_t *channel,
    int64_t now_s, char *err, size_t err_size);


bool
alipay_load(pay_channel_t *channel, int64_t now_s, char *err,
    size_t err_size)
{
    bool           done;
    char           why[256];
    size_t         i;
    pay_crypto_t  *crypto;

    if (channel->certificates[0].key == NULL
        && channel->app_certificate.size == 0
        && channel->root_certificate.size == 0)
    {
        return true;
    }

    if (channel->certificates[0].key == NULL
        || channel->app_certificate.size == 0
        || channel->root_certificate.size == 0)
    {
        (void) snprintf(err, err_size, "certificate mode needs three files: "
                        "\"app_certificate_file\", your own, "
                        "\"certificate_file\", Alipay's, and "
                        "\"root_certificate_file\"");
        return false;
    }

    for (i = 0; i < 2 && channel->certificates[i].key != NULL; i++) {
        if (!pay_certificate_chain(channel->certificate_texts[i],
                                   channel->root_certificate, now_s, why,
                                   sizeof(why)))
        {
            (void) snprintf(err, err_size, "\"certificate_file\": %s", why);
            return false;
        }
    }

    crypto = pay_crypto_create(err, err_size);
    done = crypto != NULL && load_own(crypto, channel, now_s, err, err_size);
    pay_crypto_destroy(crypto);

    return done;
}


static bool
load_own(pay_crypto_t *crypto, pay_channel_t *channel, int64_t now_s,
    char *err, size_t err_size)
{
    bool               is_ours;
    char               why[256];
    pay_certificate_t  own;

    if (!pay_certificate_root_sn(crypto, channel->root_certificate,
                                 channel->root_sn))
    {
        (void) snprintf(err, err_size, "\"root_certificate_file\" has no "
                        "root that is signed with RSA: write "
                        "alipayRootCert.crt as it was downloaded");
        return false;
    }

    if (!pay_rsa_certificate(pay_certificate_first(channel->app_certificate),
                             now_s, &own, why, sizeof(why))
        || !pay_certificate_sn(crypto, channel->app_certificate,
                               channel->app_sn))
    {
        (void) snprintf(err, err_size, "\"app_certificate_file\": %s",
                        own.key == NULL ? why : "it cannot be read");
        pay_rsa_destroy(own.key);
        return false;
    }

    /* Requests would be refused, each of them. */

    is_ours = channel->private_key != NULL
              && pay_rsa_equal(own.key, channel->private_key);
    pay_rsa_destroy(own.key);

    if (!is_ours) {
        (void) snprintf(err, err_size, "\"app_certificate_file\" is not the "
                        "certificate of \"private_key_file\"; write "
                        "appCertPublicKey_...crt of this application");
    }

    return is_ours;
}
