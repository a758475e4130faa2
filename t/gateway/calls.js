'use strict';

/*
 * The calls that shops make: a log of them for tests, and the switches that
 * spoil what is answered.  A call takes effect first and is answered wrongly
 * then, unless call_skip keeps it from having any.
 */

const zlib = require('node:zlib');
const pages = require('./pages.js');

const LOGGED_MAX = 100000;
const BODY_KEPT_MAX = 1024;
const HUGE_BYTES = 10 * 1024 * 1024;
const ENDLESS_BYTES_MAX = 1024 * 1024 * 1024;
const PART = Buffer.alloc(65536, ' ');

/* How a call_hang or call_close may come: true is the first. */

const HANGS = ['answer', 'headers', 'middle'];
const CLOSES = ['before', 'middle', 'reset'];
const HUGES = ['sized', 'endless'];


class CallLog {
    constructor() {
        this.reset();
    }


    reset() {
        this.list = [];
    }


    add(call) {
        this.list.push(call);

        if (this.list.length > LOGGED_MAX) {
            this.list.splice(0, LOGGED_MAX / 2);
        }
    }


    /* The last `limit` calls, of an order or protocol if one is named. */

    find({ order, protocol, limit }) {
        return this.list.filter((call) =>
            (order === undefined || call.out_trade_no === order)
            && (protocol === undefined || call.protocol === protocol))
            .slice(-limit);
    }
}


/* What is logged of a call: no secrets of its query. */

function logged({ protocol, out_trade_no: order }, request, reply, mode) {
    const spoilt = Object.keys(mode).filter((name) =>
        name.startsWith('call_') && mode[name] !== undefined);

    return { protocol, out_trade_no: order ?? null, method: request.method,
        path: request.path, name: nameOf(request), at_ms: request.at_ms,
        status: reply.status, body: reply.body.slice(0, BODY_KEPT_MAX),
        idempotency_key: request.headers['idempotency-key'] ?? null,
        spoilt };
}


/* Where one path is for several calls. */

function nameOf({ query, form }) {
    const name = query.get('act') ?? query.get('method')
        ?? form.get('method');

    return typeof name === 'string' ? name : null;
}


function unsigned({ headers, body, ...rest }) {
    const kept = Object.entries(headers).filter(([name]) =>
        !/^wechatpay-/i.test(name));

    return { ...rest, headers: Object.fromEntries(kept),
        body: body.replace(/,"sign":"[^"]*"/, '') };
}


function other(letter) {
    return letter === 'A' ? 'B' : 'A';
}


function missigned({ headers, body, ...rest }) {
    const name = 'Wechatpay-Signature';
    const sign = headers[name];

    return { ...rest,
        headers: { ...headers, ...sign
            && { [name]: other(sign[0]) + sign.slice(1) } },
        body: body.replace(/("sign":")(.)/,
            (all, start, letter) => start + other(letter)) };
}


/* Each a change of a reply {status, headers, body}, in this order. */

const CHANGES = {
    call_unsigned: unsigned,
    call_wrong_sign: missigned,
    call_status: (reply, status) => status < 400 ? { ...reply, status } :
        { status, body: `error ${status}\n`,
            headers: { 'Content-Type': 'text/plain' } },
    call_garbage: () => pages.error(200, '维护中 (maintenance)'),
    call_redirect: (reply, to) => ({ status: 302, body: '',
        headers: { Location: to === true ? '/' : to } }),
    call_truncate: (reply) => ({ ...reply,
        body: reply.body.slice(0, reply.body.length >> 1) }),
};


/* {status, headers, body}, the last as bytes, to be sent by send(). */

function spoilt(reply, mode) {
    let made = reply;

    for (const [name, change] of Object.entries(CHANGES)) {
        if (mode[name] !== undefined) {
            made = change(made, mode[name]);
        }
    }

    made = { ...made, body: Buffer.from(made.body, 'utf8') };

    if (mode.call_gzip) {
        made.body = zlib.gzipSync(made.body);
        made.headers = { ...made.headers, 'Content-Encoding': 'gzip' };
    }

    if (mode.call_huge === 'sized') {
        made.body = Buffer.concat([made.body,
            Buffer.alloc(HUGE_BYTES - made.body.length, ' ')]);
    }

    return made;
}


/* Until whoever asked has had enough. */

function endless(response) {
    let left = ENDLESS_BYTES_MAX;

    const more = () => {
        while (left > 0 && !response.destroyed) {
            left -= PART.length;

            if (!response.write(PART)) {
                response.once('drain', more);
                return;
            }
        }

        response.end();
    };

    more();
}


/* There is no socket any more if the client has gone; TLS has no reset. */

function cut(socket, how) {
    if (how === 'reset' && !socket?.encrypted) {
        socket?.resetAndDestroy();
    } else {
        socket?.destroy();
    }
}


function send(response, { status, headers, body }, mode = {}) {
    const { call_hang: hang, call_close: close, call_huge: huge } = mode;
    const isEndless = huge === 'endless';
    const unsized = status === 204 || mode.call_chunked || isEndless;
    const half = body.subarray(0, body.length >> 1);

    if (hang === 'answer') {
        return;
    }

    if (close === 'before' || close === 'reset') {
        cut(response.socket, close);
        return;
    }

    response.writeHead(status, { ...headers,
        ...!unsized && { 'Content-Length': body.length },
        'Cache-Control': 'no-store' });

    if (hang === 'headers') {
        response.flushHeaders();

    } else if (hang === 'middle') {
        response.write(half);

    } else if (close === 'middle') {
        response.write(half, () => cut(response.socket, close));

    } else if (isEndless) {
        response.write(body);
        endless(response);

    } else {
        response.end(body);
    }
}


module.exports = { CallLog, HANGS, CLOSES, HUGES, logged, spoilt, send };
