'use strict';

/*
 * The signatures of EPay, the same in both directions: every received value
 * that is not blank, except sign and sign_type, sorted by name in byte order,
 * joined as k=v with &, not encoded.  MD5 has the key appended, RSA signs
 * the text.  Text is bytes (see php.js).
 */

const crypto = require('node:crypto');
const php = require('./php.js');

const UNSIGNED = new Set(['sign', 'sign_type']);


/* Names in byte order, values as they are. */

function joined(pairs) {
    return pairs
        .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
        .map(([name, value]) => name + '=' + value)
        .join('&');
}


/* Arrays and blank values stay outside, as in the original. */

function canonical(fields, isOut = php.isBlank) {
    return joined([...fields].filter(([name, value]) => !UNSIGNED.has(name)
        && value !== php.ARRAY && !isOut(value)));
}


function md5(bytes) {
    return crypto.createHash('md5').update(Buffer.from(bytes, 'latin1'))
        .digest('hex');
}


/* PKCS#1 v1.5 in base64; `hash` is sha256 or sha1. */

function rsaSign(bytes, key, hash = 'sha256') {
    return crypto.sign(hash, Buffer.from(bytes, 'latin1'), key)
        .toString('base64');
}


/* As strict as base64 can be: one text for one signature. */

function rsaHolds(bytes, signature, key) {
    const raw = Buffer.from(signature, 'base64');

    return raw.toString('base64') === signature
        && crypto.verify('sha256', Buffer.from(bytes, 'latin1'), key, raw);
}


function sealMd5(pairs, key, mode) {
    return { sign_type: 'MD5',
        sign: md5(canonical(pairs) + (mode.empty_key_sign ? '' : key)) };
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
        return '此接口没有 RSA 签名 (no RSA here)';
    }

    return given === md5(canonical(fields) + key) ? null :
        'MD5签名错误 (bad signature)';
}


module.exports = {
    joined, canonical, md5, rsaSign, rsaHolds, sealMd5, refusal,
};
