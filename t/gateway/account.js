'use strict';

/*
 * Reads what an account is made of: the options of the command line as a
 * protocol lists them ({option: [member, reader]}), and the files of keys.
 * A reader takes the option's text and returns the value, or throws.
 */

const fs = require('node:fs');
const { createPrivateKey, createPublicKey } = require('node:crypto');
const php = require('./php.js');

const SECRET_BYTES_MAX = 128;
const RSA_BITS_MIN = 2048;


function number(text) {
    if (!/^[1-9][0-9]{0,19}$/.test(text)) {
        throw new Error('the merchant number');
    }

    return text;
}


/* The number of EPay: what intval() can hold. */

function pid(text) {
    return number(text.length > 15 ? '' : text);
}


function secret(file) {
    const key = fs.readFileSync(file, 'latin1').replace(/\r?\n$/, '');

    if (php.isBlank(key) || key.length > SECRET_BYTES_MAX) {
        throw new Error(`${file}: a key of 1..${SECRET_BYTES_MAX} bytes`);
    }

    return key;
}


/* The consoles hand out base64 without the lines of a PEM frame. */

function rsaKey(file, kind, create, types) {
    const text = fs.readFileSync(file, 'latin1').trim();
    const framed = text.startsWith('-----BEGIN ');
    let key;

    if (framed ? !text.includes(kind) : !/^[A-Za-z0-9+/=\s]+$/.test(text)) {
        throw new Error(`${file}: not a ${kind}`);
    }

    for (const type of framed ? [undefined] : types) {
        try {
            key ??= create(framed ? text :
                { key: Buffer.from(text, 'base64'), format: 'der', type });
        } catch (e) {
            key = undefined;            /* perhaps of the next type */
        }
    }

    if (key?.asymmetricKeyType !== 'rsa'
        || key.asymmetricKeyDetails.modulusLength < RSA_BITS_MIN)
    {
        throw new Error(
            `${file}: not an RSA ${kind} of at least ${RSA_BITS_MIN} bits`);
    }

    return key;
}


function privateKey(file) {
    return rsaKey(file, 'PRIVATE KEY', createPrivateKey, ['pkcs8', 'pkcs1']);
}


function publicKey(file) {
    return rsaKey(file, 'PUBLIC KEY', createPublicKey, ['spki', 'pkcs1']);
}


/* null: no option of this protocol was given.  Some but not all: an error. */

function readAccount(options, values) {
    const names = Object.keys(options);
    const missing = names.filter((name) => values[name] === undefined);
    const account = {};

    if (missing.length === names.length) {
        return null;
    }

    if (missing.length > 0) {
        throw new Error(`--${names[0]} needs --${missing.join(', --')}`);
    }

    for (const [name, [member, read]] of Object.entries(options)) {
        try {
            account[member] = read(values[name]);
        } catch (e) {
            throw new Error(`--${name}: ${e.message}`);
        }
    }

    return account;
}


module.exports = { number, pid, secret, privateKey, publicKey, readAccount };
