'use strict';

/*
 * alipay-sdk as the judge of t/57-gateway-alipay.t: a JSON line in, a JSON
 * line out: {"call": one of calls, and its arguments} is answered with
 * {"result"} or {"error"}.  The first one must be setup, with files in PEM.
 */

const fs = require('node:fs');
const readline = require('node:readline');
const { AlipaySdk } = require('alipay-sdk');

let sdk;

const calls = {
    setup: ({ gateway, appId, key, alipay }) => {
        sdk = new AlipaySdk({ appId, gateway, keyType: 'PKCS8',
            privateKey: fs.readFileSync(key, 'utf8'),
            alipayPublicKey: fs.readFileSync(alipay, 'utf8') });

        return true;
    },

    page: ({ method, verb, params }) =>
        sdk.pageExecute(method, verb, params),

    /* Throws unless the reply is signed. */
    exec: ({ method, params }) => sdk.exec(method, params,
        { validateSign: true }),

    notice: ({ fields }) => sdk.checkNotifySignV2(fields),
};


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
