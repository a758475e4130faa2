'use strict';

/*
 * The SDKs as signers of t/54-signed-notices.t: a JSON line in, a JSON line
 * out: {"call": one of calls, and its arguments} is answered with what is to
 * be sent, headers and body.
 */

const fs = require('node:fs');
const readline = require('node:readline');
const { Rsa, Aes, Formatter } = require('wechatpay-axios-plugin');
const Stripe = require('stripe');

const stripe = new Stripe('sk_test_none');

const calls = {
    /* `plain` is sealed with `apiv3`, and signed by the key in the file. */
    wechat: ({ event_type, plain, apiv3, key, serial, timestamp }) => {
        const nonce = Formatter.nonce(12);
        const body = JSON.stringify({
            id: 'EV-1', create_time: '2026-01-02T11:04:05+08:00',
            resource_type: 'encrypt-resource', event_type, summary: '-',
            resource: {
                original_type: 'transaction', algorithm: 'AEAD_AES_256_GCM',
                ciphertext: Aes.AesGcm.encrypt(JSON.stringify(plain), apiv3,
                    nonce, 'transaction'),
                associated_data: 'transaction', nonce,
            },
        });
        const sign = Rsa.sign(Formatter.response(String(timestamp), nonce,
            body), Rsa.from(fs.readFileSync(key, 'utf8')));

        return { body, headers: {
            'Wechatpay-Timestamp': String(timestamp),
            'Wechatpay-Nonce': nonce, 'Wechatpay-Serial': serial,
            'Wechatpay-Signature': sign,
        } };
    },

    stripe: ({ event, secret, timestamp }) => {
        const payload = JSON.stringify(event, null, 2);

        return { body: payload, headers: {
            'Stripe-Signature': stripe.webhooks.generateTestHeaderString({
                payload, secret, timestamp }),
        } };
    },
};


(async () => {
    for await (const line of readline.createInterface(process.stdin)) {
        const { call, ...rest } = JSON.parse(line);

        console.log(JSON.stringify(calls[call](rest)));
    }
})();
