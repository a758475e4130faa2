'use strict';

/*
 * The MD5 signature of EPay V1, the same in both directions: every received
 * value that is not blank, except sign and sign_type, sorted by name in byte
 * order, joined as k=v with &, not encoded, the key appended.  Text is bytes
 * (see php.js).
 */

const { createHash } = require('node:crypto');
const php = require('./php.js');

const UNSIGNED = new Set(['sign', 'sign_type']);


/* Arrays and blank values stay outside, as in the original. */

function canonical(fields) {
    return [...fields]
        .filter(([name, value]) => !UNSIGNED.has(name)
            && value !== php.ARRAY && !php.isBlank(value))
        .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
        .map(([name, value]) => name + '=' + value)
        .join('&');
}


function sign(fields, key) {
    return createHash('md5')
        .update(Buffer.from(canonical(fields) + key, 'latin1'))
        .digest('hex');
}


/*
 * Null when the merchant's signature holds, else why it does not.  Only
 * sign_type=RSA selects another method; any other word means MD5.
 */

function refusal(fields, key) {
    const given = fields.get('sign');

    if (given === undefined) {
        return '缺少签名 sign (missing)';
    }

    if (fields.get('sign_type') === 'RSA') {
        return '此商户没有 RSA 公钥 (no RSA key for this merchant)';
    }

    return given === sign(fields, key) ? null : 'MD5签名错误 (bad signature)';
}


module.exports = { canonical, sign, refusal };
