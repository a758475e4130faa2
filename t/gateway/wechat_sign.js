'use strict';

/*
 * The cryptography of WeChat Pay APIv3: what a merchant signs in a header,
 * what WeChat signs beside a body, and the resource of a notice.
 */

const crypto = require('node:crypto');
const php = require('./php.js');
const { rsaSign, rsaHolds } = require('./sign.js');
const { spoilt } = require('./notice.js');
const { Refusal } = require('./trades.js');

const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
const AGE_S_MAX = 300;

/* With which of its two keys WeChat signs. */

const IDENTITIES = ['certificate', 'public_key'];

/* The parts of an Authorization header, each once and in any order. */

const PARTS = {
    mchid: /^\d{1,32}$/,
    serial_no: /^[0-9A-Za-z_]{1,64}$/,
    nonce_str: /^[0-9A-Za-z]{1,32}$/,
    timestamp: /^[1-9]\d{9}$/,
    signature: /^[A-Za-z0-9+/]+=*$/,
};

const LETTERS =
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

const TAG_BYTES = 16;


/* What can be done to the resource of a notice; the rest stays right. */

const RESOURCE_SPOILS = {
    tag: (r) => ({ ...r, ciphertext: bytes(r, (b) => {
        b[b.length - 1] ^= 1;

        return b;
    }) }),
    short: (r) => ({ ...r,
        ciphertext: bytes(r, (b) => b.subarray(0, TAG_BYTES - 1)) }),
    base64: (r) => ({ ...r, ciphertext: r.ciphertext.slice(0, 20) + '\n'
        + r.ciphertext.slice(20) }),
    aad: (r) => ({ ...r, associated_data: r.associated_data + 'x' }),
    algorithm: (r) => ({ ...r, algorithm: 'AEAD_AES_128_GCM' }),
    nonce: (r) => ({ ...r, nonce: nonce(r.nonce.length) }),
    /* these are encrypted as they say */
    nonce11: (r) => r,
    nonce13: (r) => r,
    no_aad: (r) => r,
    key: (r) => r,
};


class WechatError extends Refusal {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}


function bytes({ ciphertext }, change) {
    return change(Buffer.from(ciphertext, 'base64')).toString('base64');
}


function nonce(length = 32) {
    return Array.from({ length },
        () => LETTERS[crypto.randomInt(LETTERS.length)]).join('');
}


function unsigned(message) {
    return new WechatError(401, 'SIGN_ERROR', message);
}


/* The parts of the header, or throws. */

function authorization(header) {
    const text = header ?? '';
    const parts = new Map();

    if (!text.startsWith(`${SCHEME} `)) {
        throw unsigned(`Authorization: ${SCHEME} expected`);
    }

    for (const part of text.slice(SCHEME.length + 1).split(',')) {
        const [, name, value] = /^ ?([a-z_]+)="([^"]*)"$/.exec(part) ?? [];

        if (!Object.hasOwn(PARTS, name ?? '') || parts.has(name)
            || !PARTS[name].test(value))
        {
            throw unsigned(`Authorization: bad part ${name ?? part}`);
        }

        parts.set(name, value);
    }

    for (const name of Object.keys(PARTS)) {
        if (!parts.has(name)) {
            throw unsigned(`Authorization: no ${name}`);
        }
    }

    return Object.fromEntries(parts);
}


/* Throws unless the merchant of `account` has signed this request. */

function authorize(account, { method, url, headers, body }) {
    const given = authorization(headers.authorization);
    const ageS = Math.floor(Date.now() / 1000) - Number(given.timestamp);
    const lines = [method, url, given.timestamp, given.nonce_str,
        body.toString('latin1'), ''];

    if (given.mchid !== account.mchid) {
        throw unsigned('商户号不正确 (mchid)');
    }

    if (given.serial_no !== account.merchantSerial) {
        throw unsigned('商户证书序列号有误 (serial_no)');
    }

    if (Math.abs(ageS) > AGE_S_MAX) {
        throw unsigned('时间戳与当前时间不得超过5分钟 (timestamp)');
    }

    if (!rsaHolds(lines.join('\n'), given.signature, account.merchantKey)) {
        throw unsigned('签名错误 (signature)');
    }
}


/* {serial, key} of an identity; the second one need not exist. */

function identity(account, name = IDENTITIES[0]) {
    return name === 'public_key' && account.publicKeyId !== undefined ?
        { serial: account.publicKeyId, key: account.publicKeyPrivate } :
        { serial: account.serial, key: account.privateKey };
}


/* The headers that sign a body: `body` is text, `mode` may spoil them. */

function signHeaders({ serial, key }, body, nowMs, mode = {}) {
    const stamp = php.toUtf8(
        mode.timestamp ?? String(Math.floor(nowMs / 1000)));
    const word = nonce();
    const text = php.fromUtf8([stamp, word, body, ''].join('\n'));
    const sign = spoilt(rsaSign(text, key,
        mode.algorithm === 'SHA1' ? 'sha1' : 'sha256'), mode);

    return {
        'Wechatpay-Timestamp': stamp,
        'Wechatpay-Nonce': word,
        ...sign !== undefined && { 'Wechatpay-Signature': sign },
        'Wechatpay-Serial': mode.serial ?? serial,
        'Wechatpay-Signature-Type': mode.sign_type ?? SCHEME,
    };
}


/* The resource of a notice: `text` encrypted under the APIv3 key. */

function encrypted(text, type, apiv3Key, spoil) {
    const length = { nonce11: 11, nonce13: 13 }[spoil] ?? 12;
    const word = nonce(length);
    const data = spoil === 'no_aad' ? '' : type;
    const key = Buffer.from(apiv3Key, 'latin1');

    if (spoil === 'key') {
        key[0] ^= 1;
    }

    const cipher = crypto.createCipheriv('aes-256-gcm', key, word)
        .setAAD(Buffer.from(data));
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'),
        cipher.final(), cipher.getAuthTag()]).toString('base64');
    const resource = { original_type: type, algorithm: 'AEAD_AES_256_GCM',
        ciphertext, associated_data: data, nonce: word };

    return spoil === undefined ? resource : RESOURCE_SPOILS[spoil](resource);
}


module.exports = {
    IDENTITIES, RESOURCE_SPOILS, WechatError, authorize, identity,
    signHeaders, encrypted, nonce,
};
