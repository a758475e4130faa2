'use strict';

/*
 * The switches that make a notice wrong on purpose.  A mode is an object of
 * switches; an empty one is the correct gateway.  SWITCHES lists them all,
 * each with what turns the JSON value given by a test into the value used
 * here, or throws.  README.md describes each, notice.js applies them.
 */

const php = require('./php.js');
const { HANGS, CLOSES, HUGES } = require('./calls.js');
const { SPOILS, BODY_SPOILS } = require('./notice.js');
const { RESOURCE_SPOILS, IDENTITIES } = require('./wechat_sign.js');
const { SIGNATURES } = require('./stripe_sign.js');

const COPIES_MAX = 1000;
const DELAY_MS_MAX = 600000;
const OFFSET_S_MAX = 1000000000;
const TEXT_MAX = 512;
const FIELDS_MAX = 16;
const SCOPES_MAX = 100000;


function flag(value) {
    if (value !== true) {
        throw new Error('must be true or false');
    }

    return true;
}


function integer(least, most) {
    return (value) => {
        if (!Number.isInteger(value) || value < least || value > most) {
            throw new Error(`must be an integer, ${least}..${most}`);
        }

        return value;
    };
}


function text(value) {
    if (typeof value !== 'string' || value.length > TEXT_MAX) {
        throw new Error(`must be a string of at most ${TEXT_MAX}`);
    }

    return php.fromUtf8(value);
}


function oneOf(...words) {
    return (value) => {
        const word = value === true ? words[0] : value;

        if (!words.includes(word)) {
            throw new Error('must be one of ' + words.join(', '));
        }

        return word;
    };
}


/* {"a":"b"} as [name, value] pairs; true stands for one unknown field. */

function fields(value) {
    const object = value === true ? { extra: '1' } : value;

    if (typeof object !== 'object' || Array.isArray(object)
        || Object.keys(object).length > FIELDS_MAX)
    {
        throw new Error(`must be true or an object of <= ${FIELDS_MAX}`);
    }

    return Object.entries(object).map(([name, v]) => [text(name), text(v)]);
}


function names(value) {
    if (!Array.isArray(value) || value.length > FIELDS_MAX) {
        throw new Error(`must be an array of at most ${FIELDS_MAX} names`);
    }

    return value.map(text);
}


/* "1.0000": print money with as many decimals as this example has. */

function moneyFormat(value) {
    const match = /^1\.(0{2,8})$/.exec(value);

    if (match === null) {
        throw new Error('must be "1.00" to "1.00000000"');
    }

    return match[1].length;
}


function flagOrText(value) {
    return value === true ? true : text(value);
}


const SWITCHES = {
    duplicate: integer(1, COPIES_MAX),
    delay_ms: integer(0, DELAY_MS_MAX),
    reorder: flag,
    drop: flag,
    wrong_amount: text,
    money_format: moneyFormat,
    wrong_sign: oneOf(...Object.keys(SPOILS)),
    empty_key_sign: flag,
    wrong_pid: flagOrText,
    method: oneOf('GET', 'POST'),
    status: text,
    name: text,
    other_order: text,
    trade_no: text,
    extra_signed_field: fields,
    extra_unsigned_field: fields,
    omit: names,
    reflect: flag,
    algorithm: oneOf('MD5', 'SHA1', 'SHA256', 'HMAC'),
    sign_type: text,
    sign_type_signed: flag,
    timestamp: text,
    timestamp_s: integer(-OFFSET_S_MAX, OFFSET_S_MAX),
    seller_id: text,
    notify_type: text,
    refund_fee: text,
    gmt_refund: text,
    other_refund: text,
    refund_status: text,
    currency: text,
    event_type: text,
    body: oneOf(...Object.keys(BODY_SPOILS)),
    content_type: text,
    extra_header: fields,
    repeat_header: text,
    omit_header: names,
    appid: text,
    payer_total: text,
    trade_type: text,
    identity: oneOf(...IDENTITIES),
    serial: text,
    call_serial: text,
    refund_code: text,
    call_timestamp_s: integer(-OFFSET_S_MAX, OFFSET_S_MAX),
    payment_status: text,
    session_mode: text,
    livemode: oneOf('true', 'false'),
    signature: oneOf(...Object.keys(SIGNATURES)),
    actual_amount: text,
    json_string: flag,
    waiting: flag,
    resource: oneOf(...Object.keys(RESOURCE_SPOILS)),
    call_skip: flag,
    call_delay_ms: integer(0, DELAY_MS_MAX),
    call_hang: oneOf(...HANGS),
    call_close: oneOf(...CLOSES),
    call_status: integer(200, 599),
    call_garbage: flag,
    call_redirect: flagOrText,
    call_huge: oneOf(...HUGES),
    call_truncate: flag,
    call_unsigned: flag,
    call_wrong_sign: flag,
    call_gzip: flag,
    call_chunked: flag,
};


/* A switch given as false or null is off, also over a global one. */

function parseMode(json) {
    const mode = {};

    for (const [name, value] of Object.entries(json)) {
        if (!Object.hasOwn(SWITCHES, name)) {
            throw new Error(`unknown switch "${name}"`);
        }

        try {
            mode[name] = value === false || value === null ? undefined :
                SWITCHES[name](value);
        } catch (e) {
            throw new Error(`"${name}" ${e.message}`);
        }
    }

    return mode;
}


/*
 * The modes in force: for all orders, for a protocol, for an order number,
 * and for one of a protocol.  What is narrower goes before.
 */

class Modes {
    constructor() {
        this.reset();
    }


    reset() {
        this.scopes = new Map();
    }


    set(protocol, outTradeNo, mode) {
        const scope = scopeOf(protocol, outTradeNo);

        if (this.scopes.size >= SCOPES_MAX && !this.scopes.has(scope)) {
            throw new Error('too many orders with a mode of their own');
        }

        this.scopes.set(scope, mode);
    }


    of({ protocol, out_trade_no: order }) {
        return Object.assign({}, this.scopes.get(scopeOf()),
            this.scopes.get(scopeOf(protocol)),
            this.scopes.get(scopeOf(undefined, order)),
            this.scopes.get(scopeOf(protocol, order)));
    }
}


function scopeOf(protocol = '', outTradeNo = undefined) {
    return outTradeNo === undefined ? protocol : `${protocol} ${outTradeNo}`;
}


module.exports = { SWITCHES, Modes, parseMode };
