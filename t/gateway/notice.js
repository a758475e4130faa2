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
 *                 one more word, request.rest; so does a * before its last
 *   tells         {refund, close}: whether it sends notices of these too
 *   switches      {switch: the field, or path in the JSON, that it replaces}
 *   back(trade)   the query that the buyer takes along to return_url
 *   nameHtml(trade)
 *   subject(request)  what a call is about, see subject.js; undefined if it
 *                 is none of the shop's
 *   acknowledged({status, body, took_ms})
 *   resume()      if it has one: after a start, when notices can be sent
 *
 * Notices as forms are described by
 *
 *   method, type  how they are sent: GET or POST, and the form's type
 *   values({trade, refund, nowMs})  [name, bytes] pairs of a notice: of the
 *                 trade, or of one refund of it
 *   seal(pairs, mode)  their {sign, sign_type}
 *
 * and all others, sent with POST, by
 *
 *   compose({trade, refund, mode, nowMs})  {url, headers, body}
 */

const php = require('./php.js');
const money = require('./money.js');
const json = require('./json.js');

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
    probe: (sign) => 'WECHATPAY/SIGNTEST/' + sign.slice(19),
};

/* What can be done to a JSON body once it is signed. */

const BODY_SPOILS = {
    newline: (body) => body + '\n',
    space: (body) => body.replace(',', ', '),
    members: (body) => {
        const members = Object.entries(JSON.parse(body)).reverse();

        return JSON.stringify(Object.fromEntries(members));
    },
    truncated: (body) => body.slice(0, -1),
};


function spoilt(sign, mode) {
    return mode.wrong_sign === undefined ? sign :
        SPOILS[mode.wrong_sign](sign);
}


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


/*
 * The JSON of an object of values, under the switches: those that replace,
 * `omit` and `extra_signed_field`.
 */

function tailored(protocol, values, mode) {
    const given = { ...mode };

    if (mode.wrong_pid === true) {
        given.wrong_pid = String(BigInt(protocol.number) + 1n);
    }

    for (const [name, path] of Object.entries(protocol.switches)) {
        if (given[name] !== undefined) {
            json.replace(values, path, php.toUtf8(given[name]));
        }
    }

    mode.omit?.forEach((path) => json.remove(values, path));

    return json.appended(json.render(values), asText(mode.extra_signed_field));
}


function asText(pairs = []) {
    return pairs.map((pair) => pair.map(php.toUtf8));
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
    const sign = spoilt(sealed.sign, mode);

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


/* A header of two values becomes two lines. */

function tailoredHeaders(headers, mode) {
    const all = { ...headers,
        ...Object.fromEntries(asText(mode.extra_header)) };
    const twice = mode.repeat_header;

    if (mode.content_type !== undefined) {
        all['Content-Type'] = mode.content_type;
    }

    if (all[twice] !== undefined) {
        all[twice] = [all[twice], all[twice]];
    }

    mode.omit_header?.forEach((name) => delete all[name]);

    return all;
}


/* What is sent for an event: {method, url, headers, body}, the url bytes. */

function message(protocol, event, mode) {
    const nowMs = Date.now() + (mode.timestamp_s ?? 0) * 1000;
    let made;

    if (protocol.compose === undefined) {
        const query = notice(protocol, event.trade, mode, event.refund);
        const url = event.trade.notify_url;
        const isPost = (mode.method ?? protocol.method) === 'POST';

        made = isPost ? { method: 'POST', url, body: query,
            headers: { 'Content-Type': protocol.type } } :
            { method: 'GET', url: withQuery(url, query), headers: {} };

    } else {
        made = { method: mode.method ?? 'POST',
            ...protocol.compose({ ...event, mode, nowMs }) };

        if (mode.body !== undefined) {
            made.body = BODY_SPOILS[mode.body](made.body);
        }
    }

    return { ...made, headers: tailoredHeaders(made.headers, mode) };
}


module.exports = {
    SPOILS, BODY_SPOILS, spoilt, notice, tailored, asText, message, withQuery,
};
