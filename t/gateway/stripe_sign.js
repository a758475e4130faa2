'use strict';

/*
 * The Stripe-Signature header: HMAC-SHA256 over time and body, with the
 * secret as it is, prefix included.
 */

const crypto = require('node:crypto');
const php = require('./php.js');
const { spoilt } = require('./notice.js');

const MANY = 40;

/* How the header may be put together: t and v1 are right. */

const SIGNATURES = {
    several: (t, v1) => `t=${t},v1=${wrong(v1)},v1=${v1}`,
    many: (t, v1) => `t=${t},${`v1=${wrong(v1)},`.repeat(MANY - 1)}v1=${v1}`,
    v0: (t, v1) => `t=${t},v0=${v1}`,
    with_v0: (t, v1) => `t=${t},v1=${v1},v0=${wrong(v1)}`,
    two_t: (t, v1) => `t=1,t=${t},v1=${v1}`,
    no_t: (t, v1) => `v1=${v1}`,
    no_v1: (t) => `t=${t}`,
    spaces: (t, v1) => `t=${t}, v1=${v1}`,
};


function wrong(v1) {
    return v1.replace(/./g, (c) => (15 - parseInt(c, 16)).toString(16));
}


function signature(body, secret, nowMs, mode) {
    const t = php.toUtf8(mode.timestamp ?? String(Math.floor(nowMs / 1000)));
    const v1 = spoilt(crypto.createHmac('sha256',
        Buffer.from(mode.empty_key_sign ? '' : secret, 'latin1'))
        .update(`${t}.${body}`).digest('hex'), mode);

    if (v1 === undefined) {
        return undefined;
    }

    return mode.signature === undefined ? `t=${t},v1=${v1}` :
        SIGNATURES[mode.signature](t, v1);
}


module.exports = { SIGNATURES, signature };
