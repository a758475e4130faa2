'use strict';

/*
 * What a merchant of Alipay asks for in biz_content: read here, and refused
 * where the documentation would not have it.
 */

const php = require('./php.js');
const money = require('./money.js');
const { Refusal } = require('./trades.js');

const ORDER_BYTES_MAX = 64;
const SUBJECT_MAX = 256;
const PASSBACK_BYTES_MAX = 512;
const UNIT_MS = { m: 60000, h: 3600000, d: 86400000 };
const WAIT_MS_MAX = 15 * UNIT_MS.d;


class AlipayError extends Refusal {
    constructor(code, msg, subCode, subMsg) {
        super(subMsg);
        this.reply = { code, msg, sub_code: subCode, sub_msg: subMsg };
    }


    static business(subCode, message) {
        return new AlipayError('40004', 'Business Failed', subCode, message);
    }
}


function bad(name) {
    return AlipayError.business('ACQ.INVALID_PARAMETER', `参数无效: ${name}`);
}


/* An object; its texts are JavaScript strings. */

function bizContent(fields) {
    try {
        const biz = JSON.parse(php.toUtf8(fields.get('biz_content')));

        if (typeof biz === 'object' && biz !== null && !Array.isArray(biz)) {
            return biz;
        }

    } catch (e) {
        if (!(e instanceof SyntaxError || e instanceof TypeError)) {
            throw e;
        }
    }

    throw bad('biz_content');
}


/* A text of at most `most` characters, '' if absent. */

function text(biz, name, most) {
    const value = biz[name] ?? '';

    if (typeof value !== 'string' || value.length > most) {
        throw bad(name);
    }

    return value;
}


/* An amount is a JSON string of yuan; a number is refused. */

function fenOf(biz, name) {
    const value = text(biz, name, 12);
    const amount = /^\d{1,9}\.\d\d$/.test(value) ? money.parse(value) : null;

    if (amount === null || !amount.atLeastOne || amount.fen > money.FEN_MAX) {
        throw bad(name);
    }

    return amount.fen;
}


/* Milliseconds, or NaN. */

function parseChinaTime(text) {
    return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ?
        Date.parse(text.replace(' ', 'T') + '+08:00') : NaN;
}


/* null: it does not expire. */

function expiryMs(biz, nowMs) {
    const wait = text(biz, 'timeout_express', 8);
    const end = text(biz, 'time_expire', 19);
    const match = /^([1-9]\d{0,4})([mhd])$/.exec(wait);
    const waitMs = match === null ? NaN : match[1] * UNIT_MS[match[2]];
    const leftMs = parseChinaTime(end) - nowMs;

    if (wait !== '' && !(waitMs <= WAIT_MS_MAX)) {
        throw bad('timeout_express');
    }

    if (end !== '' && !(leftMs > 0 && leftMs <= WAIT_MS_MAX)) {
        throw bad('time_expire');
    }

    if (end !== '') {
        return nowMs + leftMs;
    }

    return wait === '' ? null : nowMs + waitMs;
}


/* The shop's: the original goes without, but then nobody hears of it. */

function notifyUrl(fields) {
    const url = fields.get('notify_url') ?? '';

    if (url === '') {
        throw bad('notify_url');
    }

    return url;
}


/* A trade as the book wants it, without its protocol. */

function parseTrade(fields, productCode) {
    const biz = bizContent(fields);
    const order = text(biz, 'out_trade_no', ORDER_BYTES_MAX);
    const subject = text(biz, 'subject', SUBJECT_MAX);

    if (!/^\w+$/.test(order)) {
        throw bad('out_trade_no');
    }

    if (subject.trim() === '') {
        throw bad('subject');
    }

    if ((biz.product_code ?? productCode) !== productCode) {
        throw bad('product_code');
    }

    return {
        out_trade_no: order, type: 'alipay',
        method: fields.get('method'), name: php.fromUtf8(subject),
        money_fen: fenOf(biz, 'total_amount'),
        notify_url: notifyUrl(fields),
        return_url: fields.get('return_url') ?? '',
        param: php.fromUtf8(
            text(biz, 'passback_params', PASSBACK_BYTES_MAX)),
        expires_ms: expiryMs(biz, Date.now()),
        submitted: [...fields],
    };
}


module.exports = {
    AlipayError, bizContent, text, fenOf, parseChinaTime, parseTrade,
};
