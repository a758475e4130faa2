'use strict';

/*
 * How the JSON forms of epusdt are read and signed: a flat object, its values
 * as k=v with the key behind.  A number signs as it is printed shortest,
 * however it stands in the JSON: 100.00 signs as 100.
 */

const crypto = require('node:crypto');
const php = require('./php.js');
const { joined, md5 } = require('./sign.js');
const { Refusal } = require('./trades.js');

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?$/;
const STRING = '"(?:\\\\.|[^"\\\\])*"';
const MEMBER = `\\s*(${STRING})\\s*:\\s*(${STRING}|-?[\\d.eE+-]+|null)`
    + '\\s*(,|\\}\\s*$)';


class UsdtError extends Refusal {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}


function bad(name) {
    return new UsdtError(10009, `无法解析参数 (bad ${name})`);
}


/* The shortest print of a number; its lexeme must be a plain decimal. */

function shortest(lexeme) {
    return lexeme.includes('.') ? lexeme.replace(/\.?0+$/, '') : lexeme;
}


/*
 * The members of a flat JSON object as [name, value] with the lexemes of
 * numbers: {text, isNumber}.  Null if it is anything else.
 */

function members(text) {
    const list = new Map();
    const member = new RegExp(MEMBER, 'y');
    const start = /^\s*\{/.exec(text);

    if (start === null) {
        return null;
    }

    member.lastIndex = start[0].length;

    for (;;) {
        const found = member.exec(text);

        if (found === null || list.has(JSON.parse(found[1]))) {
            return null;
        }

        const [, name, value, end] = found;

        list.set(JSON.parse(name), value.startsWith('"') ?
            { text: JSON.parse(value), isNumber: false } :
            { text: value, isNumber: value !== 'null' });

        if (end !== ',') {
            return list;
        }
    }
}


function parsed(body) {
    let list;

    try {
        list = members(body.toString('utf8'));
    } catch (e) {
        list = null;
    }

    if (list === null) {
        throw bad('JSON');
    }

    for (const [name, { text, isNumber }] of list) {
        if (isNumber && !NUMBER.test(text)) {
            throw bad(name);
        }

        if (!isNumber && text === 'null') {
            list.delete(name);
        }
    }

    return list;
}


/* The string that is signed, of a Map of {text, isNumber}. */

function signed(fields) {
    return joined([...fields]
        .filter(([name, { text }]) => name !== 'signature' && text !== '')
        .map(([name, { text, isNumber }]) =>
            [name, php.fromUtf8(isNumber ? shortest(text) : text)]));
}


function hashed(text, key, hash) {
    return hash === 'hmac' ? crypto.createHmac('sha256',
        Buffer.from(key, 'latin1')).update(Buffer.from(text, 'latin1'))
        .digest('hex') : md5(text + key);
}


module.exports = { UsdtError, bad, hashed, parsed, shortest, signed };
