'use strict';

/*
 * Builds a notice: the values of its protocol, made wrong on purpose as the
 * mode says (modes.js), signed and encoded.
 *
 * A protocol is an object with these members:
 *
 *   name          the word for it in the state file and under /_test/
 *   number        the merchant's number there
 *   routes        {path: (request) => reply}; a path that ends with / takes
 *                 one more word, request.rest
 *   method, type  how its notices are sent: GET or POST, and the form's type
 *   switches      {switch: the field that it replaces}
 *   values({trade, refund, nowMs})  [name, bytes] pairs of a notice: of the
 *                 trade, or of one refund of it
 *   seal(pairs, mode)  their {sign, sign_type}
 *   back(trade)   the query that the buyer takes along to return_url
 *   nameHtml(trade)
 *   acknowledged({status, body})
 *   tellsEnd      whether it also sends notices of refunds and of closing
 *   resume()      if it has one: after a start, when notices can be sent
 */

const php = require('./php.js');
const money = require('./money.js');

/* What can be done to a signature; undefined leaves it out. */

const SPOILS = {
    flip: (sign) => {
        const at = sign.length >> 1;

        return sign.slice(0, at) + (sign[at] === '0' ? '1' : '0')
            + sign.slice(at + 1);
    },
    upper: (sign) => sign.toUpperCase(),
    empty: () => '',
    missing: () => undefined,
    newline: (sign) => sign.slice(0, 16) + '\n' + sign.slice(16),
    space: (sign) => sign.slice(0, 16) + ' ' + sign.slice(16),
    urlsafe: (sign) => sign.replace(/\+/g, '-').replace(/\//g, '_'),
    unpadded: (sign) => sign.replace(/=+$/, ''),
    trailing: (sign) => sign + 'AAAA',
};


/* The switches that replace a field, with their values. */

function replacements(protocol, trade, mode) {
    const given = { ...mode };

    if (mode.wrong_pid === true) {
        given.wrong_pid = String(BigInt(protocol.number) + 1n);
    }

    if (mode.money_format !== undefined) {
        given.wrong_amount ??= money.fixed(trade.money_fen,
            mode.money_format);
    }

    return Object.entries(protocol.switches)
        .map(([name, field]) => [field, given[name]])
        .filter(([, value]) => value !== undefined);
}


/* The query, or form body, of a notice: `refund` is one of the trade's. */

function notice(protocol, trade, mode = {}, refund = undefined) {
    if (mode.reflect) {
        return php.buildQuery(trade.submitted);
    }

    const nowMs = Date.now() + (mode.timestamp_s ?? 0) * 1000;
    const values = new Map([
        ...protocol.values({ trade, refund, nowMs }),
        ...replacements(protocol, trade, mode),
    ]);
    const pairs = [...values, ...mode.extra_signed_field ?? []]
        .filter(([name]) => !mode.omit?.includes(name));
    const sealed = protocol.seal(pairs, mode);
    const sign = mode.wrong_sign === undefined ? sealed.sign :
        SPOILS[mode.wrong_sign](sealed.sign);

    if (sign !== undefined) {
        pairs.push(['sign', sign]);
    }

    if (!mode.omit?.includes('sign_type')) {
        pairs.push(['sign_type', mode.sign_type ?? sealed.sign_type]);
    }

    return php.buildQuery([...pairs, ...mode.extra_unsigned_field ?? []]);
}


/* `url` is as stored, so an escaped & in it stays escaped, as in real life. */

function withQuery(url, query) {
    return url + (url.indexOf('?') > 0 ? '&' : '?') + query;
}


module.exports = { SPOILS, notice, withQuery };
