'use strict';

/*
 * What a merchant of Stripe sends: a form whose names are paths, such as
 * line_items[0][price_data][currency].  Unknown names are refused, as in the
 * original.
 */

const php = require('./php.js');
const { Refusal } = require('./trades.js');

const FIELDS_MAX = 200;
const FEN_MAX = 99999999;
const EXPIRY_S_MIN = 1800;
const EXPIRY_S_MAX = 86400;
const LEEWAY_S = 60;

const CURRENCIES = ['aud', 'cad', 'cny', 'eur', 'gbp', 'hkd', 'jpy', 'krw',
    'sgd', 'usd'];

const METADATA = /^metadata\[([\w-]{1,40})\]$/;
const PAYMENT_METADATA =
    /^payment_intent_data\[metadata\]\[([\w-]{1,40})\]$/;
const ITEM = /^line_items\[(\d{1,2})\]\[(\w+)\](\[\w+\])?(\[\w+\])?$/;

const SESSION_NAMES = new Set(['mode', 'client_reference_id', 'success_url',
    'cancel_url', 'expires_at', 'locale', 'customer_email', 'submit_type',
    'payment_method_types[0]', 'payment_intent_data[description]']);
const ITEM_NAMES = new Set(['quantity', 'price_data[currency]',
    'price_data[unit_amount]', 'price_data[product_data][name]',
    'price_data[product_data][description]']);
const REFUND_NAMES = new Set(['payment_intent', 'charge', 'amount',
    'reason']);
const EXPANDABLE = [undefined, 'payment_intent',
    'payment_intent.latest_charge'];
const REASONS = [undefined, 'duplicate', 'fraudulent',
    'requested_by_customer'];


class StripeError extends Refusal {
    constructor(status, error) {
        super(error.message);
        this.status = status;
        this.error = { type: 'invalid_request_error', ...error };
    }
}


function bad(param, message = `Invalid value: ${param}`, code = undefined) {
    return new StripeError(400, { message, param, code });
}


/* A Map of the form; each name may come once. */

function parseForm(bytes) {
    const form = new Map();

    for (const pair of bytes === '' ? [] : bytes.split('&')) {
        const [name, value = ''] = pair.split(/=(.*)/s)
            .map((part) => php.toUtf8(php.urldecode(part)));

        if (form.has(name) || form.size >= FIELDS_MAX) {
            throw bad(name, `Too many of ${name}`);
        }

        form.set(name, value);
    }

    return form;
}


function known(form, isKnown) {
    for (const name of form.keys()) {
        if (!isKnown(name)) {
            throw bad(name, `Received unknown parameter: ${name}`,
                'parameter_unknown');
        }
    }
}


function integer(form, name, least, most) {
    const text = form.get(name) ?? '';
    const value = Number(text);

    if (!/^[0-9]{1,12}$/.test(text) || value < least || value > most) {
        throw bad(name, `Invalid integer: ${text}`,
            'parameter_invalid_integer');
    }

    return value;
}


function url(form, name) {
    const text = form.get(name) ?? '';

    if (!/^https?:\/\/[^\s]{1,2000}$/.test(text)) {
        throw bad(name, 'Not a valid URL', 'url_invalid');
    }

    return text;
}


/* What is under the names of a pattern. */

function metadata(form, pattern = METADATA) {
    return Object.fromEntries([...form].map(([name, value]) =>
        [pattern.exec(name)?.[1], value]).filter(([name]) => name));
}


function parseItem(form, index) {
    const at = `line_items[${index}]`;
    const price = `${at}[price_data]`;
    const currency = form.get(`${price}[currency]`);
    const name = form.get(`${price}[product_data][name]`) ?? '';

    if (!CURRENCIES.includes(currency)) {
        throw bad(`${price}[currency]`);
    }

    if (name === '' || name.length > 250) {
        throw bad(`${price}[product_data][name]`);
    }

    return { currency, name,
        fen: integer(form, `${at}[quantity]`, 1, 999999)
            * integer(form, `${price}[unit_amount]`, 1, FEN_MAX) };
}


function parseItems(form) {
    const indexes = [...new Set([...form.keys()]
        .map((name) => ITEM.exec(name)?.[1])
        .filter((index) => index !== undefined))];
    const items = indexes.map((index) => parseItem(form, index));
    const fen = items.reduce((sum, item) => sum + item.fen, 0);

    if (items.length === 0) {
        throw bad('line_items', 'You must provide line_items');
    }

    if (items.some(({ currency }) => currency !== items[0].currency)) {
        throw bad('line_items', 'All prices must be in one currency');
    }

    if (fen > FEN_MAX) {
        throw bad('line_items', 'Too much', 'amount_too_large');
    }

    return { ...items[0], fen };
}


/* 30 minutes to a day, and a little for the way. */

function expiryMs(form, nowMs) {
    const nowS = nowMs / 1000;

    return 1000 * (form.has('expires_at') ?
        integer(form, 'expires_at', nowS + EXPIRY_S_MIN - LEEWAY_S,
            nowS + EXPIRY_S_MAX + LEEWAY_S) :
        Math.floor(nowS) + EXPIRY_S_MAX);
}


/* A session as the book wants it, without what the account knows. */

function parseSession(form) {
    known(form, (name) => SESSION_NAMES.has(name) || METADATA.test(name)
        || PAYMENT_METADATA.test(name) || ITEM.test(name) && ITEM_NAMES.has(
            name.replace(/^line_items\[\d+\]\[(\w+)\]/, '$1')));

    const item = parseItems(form);
    const order = form.get('client_reference_id') ?? '';

    if (form.get('mode') !== 'payment') {
        throw bad('mode');
    }

    if (!/^[\w-]{1,200}$/.test(order)) {
        throw bad('client_reference_id');
    }

    return {
        out_trade_no: order, type: 'card', name: php.fromUtf8(item.name),
        money_fen: BigInt(item.fen), currency: item.currency,
        return_url: php.fromUtf8(url(form, 'success_url')),
        cancel_url: form.has('cancel_url') ? url(form, 'cancel_url') : null,
        param: null, metadata: metadata(form),
        payment_metadata: metadata(form, PAYMENT_METADATA),
        expires_ms: expiryMs(form, Date.now()), submitted: [],
    };
}


/*
 * How many of the objects that a session names it is to have whole: 0, 1 the
 * payment, 2 its charge, too.  The brackets may have a number in them.
 */

function parseExpand(query) {
    const form = parseForm(query);
    const depths = [...form].map(([name, value]) => {
        const depth = /^expand\[\d*\]$/.test(name) ?
            EXPANDABLE.indexOf(value) : -1;

        if (depth < 0) {
            throw bad(name, `This property cannot be expanded (${value}).`);
        }

        return depth;
    });

    return Math.max(0, ...depths);
}


/* fen is null where all that is left is meant. */

function parseRefund(form) {
    known(form, (name) => REFUND_NAMES.has(name) || METADATA.test(name));

    if (!REASONS.includes(form.get('reason'))) {
        throw bad('reason');
    }

    return {
        intent: form.get('payment_intent'), charge: form.get('charge'),
        reason: form.get('reason') ?? null, metadata: metadata(form),
        fen: form.has('amount') ?
            BigInt(integer(form, 'amount', 1, FEN_MAX)) : null,
    };
}


module.exports = { StripeError, bad, parseForm, parseExpand, parseSession,
    parseRefund };
