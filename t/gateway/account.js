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


/* An id that stands in a header or in JSON as it is. */

function word(text) {
    if (!/^[0-9A-Za-z_]{1,64}$/.test(text)) {
        throw new Error('letters, digits and _ only');
    }

    return text;
}


function url(text) {
    const { protocol } = new URL(text);

    if (protocol !== 'http:' && protocol !== 'https:') {
        throw new Error('not an http URL');
    }

    return text;
}


/* A reader of one of these words. */

function oneOf(...words) {
    return (text) => {
        if (!words.includes(text)) {
            throw new Error(words.join(' or '));
        }

        return text;
    };
}


function secret(file) {
    const key = fs.readFileSync(file, 'latin1').replace(/\r?\n$/, '');

    if (php.isBlank(key) || key.length > SECRET_BYTES_MAX) {
        throw new Error(`${file}: a key of 1..${SECRET_BYTES_MAX} bytes`);
    }

    return key;
}


/* A reader of secrets with a size of their own. */

function secretOf(size) {
    return (file) => {
        const key = secret(file);

        if (key.length !== size) {
            throw new Error(`${file}: not ${size} bytes`);
        }

        return key;
    };
}


/*
 * The consoles hand out base64 without the lines of a PEM frame.  What is
 * read must be the very bytes of the key: a public one would also be made
 * out of a private one.
 */

function bareKey(text, create, types) {
    const der = Buffer.from(text, 'base64');

    for (const type of types) {
        try {
            const key = create({ key: der, format: 'der', type });

            if (key.export({ format: 'der', type }).equals(der)) {
                return key;
            }

        } catch (e) {
            continue;                   /* perhaps it is of the next type */
        }
    }

    return null;
}


function rsaKey(file, kind, create, types) {
    const text = fs.readFileSync(file, 'latin1').trim();
    let key = null;

    if (!text.startsWith('-----BEGIN ')) {
        key = bareKey(text, create, types);

    } else if (text.includes(kind)) {
        key = create(text);
    }

    if (key === null) {
        throw new Error(`${file}: not a ${kind}`);
    }

    if (key.asymmetricKeyType !== 'rsa'
        || key.asymmetricKeyDetails.modulusLength < RSA_BITS_MIN)
    {
        throw new Error(`${file}: not RSA of at least ${RSA_BITS_MIN} bits`);
    }

    return key;
}


function privateKey(file) {
    return rsaKey(file, 'PRIVATE KEY', createPrivateKey, ['pkcs8', 'pkcs1']);
}


/* Of a certificate it is the key in it. */

function publicKey(file) {
    const kind = fs.readFileSync(file, 'latin1').includes('CERTIFICATE') ?
        'CERTIFICATE' : 'PUBLIC KEY';

    return rsaKey(file, kind, createPublicKey, ['spki', 'pkcs1']);
}


/* null: no option of a group was given.  Some but not all: an error. */

function readGroup(options, values) {
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


/* What a protocol has as `optional` is a group too, beside its account. */

function readAccount({ options, optional = {} }, values) {
    const account = readGroup(options, values);
    const more = readGroup(optional, values);

    if (account === null && more !== null) {
        throw new Error(`--${Object.keys(optional)[0]} needs `
            + `--${Object.keys(options).join(', --')}`);
    }

    return account === null ? null : { ...account, ...more };
}


module.exports = {
    number, pid, word, url, oneOf, secret, secretOf, privateKey, publicKey,
    readAccount,
};
