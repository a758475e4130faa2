'use strict';

/*
 * The SDKs as judges of t/57-gateway-*.t and 59-gateway-calls.t: a JSON line
 * in, a JSON line out: {"call": one of calls, and its arguments} is answered
 * with {"result"} or {"error"}.  Keys are named by their files in PEM.
 */

const fs = require('node:fs');
const readline = require('node:readline');

let alipay, wechat, stripe;


function read(file) {
    return fs.readFileSync(file, 'utf8');
}


const alipayCalls = {
    setup: ({ gateway, appId, key, alipay: file }) => {
        const { AlipaySdk } = require('alipay-sdk');

        alipay = new AlipaySdk({ appId, gateway, keyType: 'PKCS8',
            privateKey: read(key), alipayPublicKey: read(file) });

        return true;
    },

    /* `certs`: the files of our, Alipay's and the root certificates. */
    setup_certs: ({ gateway, appId, key, certs: [app, own, root] }) => {
        const { AlipaySdk } = require('alipay-sdk');

        alipay = new AlipaySdk({ appId, gateway, keyType: 'PKCS8',
            privateKey: read(key), appCertPath: app,
            alipayPublicCertPath: own, alipayRootCertPath: root });

        return [alipay.config.appCertSn, alipay.config.alipayCertSn,
            alipay.config.alipayRootCertSn];
    },

    page: ({ method, verb, params }) =>
        alipay.pageExecute(method, verb, params),

    /* Throws unless the reply is signed. */
    exec: ({ method, params }) => alipay.exec(method, params,
        { validateSign: true }),

    notice: ({ fields }) => alipay.checkNotifySignV2(fields),
};


const wechatCalls = {
    /* `certs`: {serial: file}, the keys that a reply may be signed with. */
    wechat: ({ gateway, mchid, serial, key, certs }) => {
        const { Wechatpay } = require('wechatpay-axios-plugin');

        wechat = new Wechatpay({ baseURL: gateway, mchid, serial,
            privateKey: read(key),
            certs: Object.fromEntries(Object.entries(certs).map(
                ([name, file]) => [name, read(file)])),
            /* so that the replies of refusals are checked too */
            validateStatus: () => true });

        return true;
    },

    /* Throws unless the reply is signed. */
    wechat_call: async ({ method, path, json, headers }) => {
        const { status, data } = await wechat.client.v3.request(
            { url: path, method, data: json, headers });

        return { status, data };
    },

    wechat_verify: ({ timestamp, nonce, body, signature, file }) => {
        const { Rsa, Formatter } = require('wechatpay-axios-plugin');

        return Rsa.verify(Formatter.response(timestamp, nonce, body),
            signature, Rsa.from(read(file), Rsa.KEY_TYPE_PUBLIC));
    },

    /* Throws if the tag is wrong. */
    wechat_decrypt: ({ resource, key }) => {
        const { Aes } = require('wechatpay-axios-plugin');

        return JSON.parse(Aes.AesGcm.decrypt(resource.ciphertext, key,
            resource.nonce, resource.associated_data));
    },
};


const stripeCalls = {
    stripe: ({ port, key }) => {
        const Stripe = require('stripe');

        stripe = new Stripe(key, { host: '127.0.0.1', port,
            protocol: 'http', maxNetworkRetries: 0, telemetry: false });

        return true;
    },

    /* `what` is a path of the SDK, such as checkout.sessions.create. */
    stripe_call: async ({ what, args }) => {
        const names = what.split('.');
        const method = names.pop();
        const group = names.reduce((at, name) => at[name], stripe);
        const { lastResponse, ...made } = await group[method](...args);

        return made;
    },

    stripe_event: ({ payload, header, secret }) =>
        stripe.webhooks.constructEvent(payload, header, secret),
};


const calls = { ...alipayCalls, ...wechatCalls, ...stripeCalls };


async function answer(line) {
    const { call, ...rest } = JSON.parse(line);

    try {
        return { result: await calls[call](rest) };
    } catch (e) {
        return { error: e.message };
    }
}


(async () => {
    for await (const line of readline.createInterface(process.stdin)) {
        console.log(JSON.stringify(await answer(line)));
    }
})();
