'use strict';

/*
 * The practice gateway: the other side of a payment channel, for tests and
 * for trying a shop without money.  This file: HTTP server, routes, start and
 * shutdown.  README.md describes what it answers.
 */

const http = require('node:http');
const https = require('node:https');
const { once } = require('node:events');
const php = require('./php.js');
const pages = require('./pages.js');
const { parseOptions, usage } = require('./options.js');
const { Trades } = require('./trades.js');
const { Modes } = require('./modes.js');
const { CallLog, logged, spoilt, send } = require('./calls.js');
const { Notifier } = require('./notify.js');
const { Cashier } = require('./cashier.js');
const { Control } = require('./control.js');
const { Epay } = require('./epay.js');
const { Epay2 } = require('./epay2.js');
const { Epusdt } = require('./epusdt.js');
const { Alipay } = require('./alipay.js');
const { Wechat } = require('./wechat.js');
const { Stripe } = require('./stripe.js');
const { Gmpay } = require('./gmpay.js');
const { Bepusdt } = require('./bepusdt.js');

const PROTOCOLS = [Epay, Epay2, Epusdt, Alipay, Wechat, Stripe, Gmpay,
    Bepusdt];

const BODY_BYTES_MAX = 65536;
const CONNECTIONS_MAX = 4096;
const REQUEST_MS_MAX = 15000;


/*
 * Null when there is more than the limit; the rest is then read and thrown
 * away, so that the client gets to see the answer.
 */

function readBody(request) {
    return new Promise((resolve, reject) => {
        let parts = [];
        let size = 0;

        request.on('data', (part) => {
            size += part.length;

            if (size <= BODY_BYTES_MAX) {
                parts.push(part);
            } else {
                parts = [];
                resolve(null);
            }
        });
        request.on('end', () => resolve(Buffer.concat(parts)));
        request.on('error', reject);
    });
}


/* PHP fills $_POST only from this content type. */

function parsePost(request, body) {
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0];

    return php.parseForm(
        type.trim().toLowerCase() === 'application/x-www-form-urlencoded' ?
            body.toString('latin1') : '');
}


class Gateway {
    constructor({ accounts, stateFile, retriesMs, tls }) {
        this.trades = new Trades(stateFile);
        this.modes = new Modes();
        this.calls = new CallLog();
        this.protocols = new Map();
        this.notifier = new Notifier({ ...this, retriesMs });
        this.cashier = new Cashier(this);
        this.control = new Control(this);
        this.routes = new Map();

        for (const [Protocol, account] of accounts) {
            this.add(new Protocol({ ...this, account }));
        }

        for (const { trade_no: number, protocol } of this.trades.all()) {
            if (!this.protocols.has(protocol)) {
                throw new Error(`${stateFile}: trade ${number} needs the `
                    + `options of ${protocol}`);
            }
        }

        this.servers = [this.served(http, {}),
            ...tls === null ? [] : [this.served(https, tls)]];
    }


    served(kind, more) {
        const server = kind.createServer({ ...more,
            requestTimeout: REQUEST_MS_MAX,
            headersTimeout: REQUEST_MS_MAX,
        }, (request, response) => this.serve(request, response));

        server.maxConnections = CONNECTIONS_MAX;

        return server;
    }


    add(protocol) {
        this.protocols.set(protocol.name, protocol);

        for (const [path, handler] of Object.entries(protocol.routes)) {
            this.routes.set(path, { protocol,
                handler: handler.bind(protocol) });
        }
    }


    async serve(request, response) {
        let reply;

        try {
            reply = await this.answer(request);

        } catch (e) {
            if (request.destroyed && !request.complete) {
                return;                 /* the client went away */
            }

            console.error(e);
            reply = pages.error(500, '系统错误 (internal error)');
        }

        const { mode = {} } = reply;

        if (mode.call_delay_ms !== undefined) {
            await this.notifier.pause(mode.call_delay_ms);
        }

        try {
            send(response, spoilt(reply, mode), mode);

        } catch (e) {
            /* a header that cannot be sent */
            console.error(`gateway: reply: ${e.message}`);
            response.destroy();
        }
    }


    async answer(request) {
        const { method, url, headers, socket } = request;
        const mark = url.indexOf('?');
        const path = mark < 0 ? url : url.slice(0, mark);
        const query = php.parseForm(mark < 0 ? '' : url.slice(mark + 1));

        if (method !== 'GET' && method !== 'POST') {
            return pages.error(405, '请求方法不支持 (GET or POST)');
        }

        const body = await readBody(request);

        if (body === null) {
            const reply = pages.error(413, '请求过大 (body too large)');

            reply.headers.Connection = 'close';
            return reply;
        }

        if (path.startsWith('/_test/')) {
            return this.control.handle({ method, query, body,
                path: path.slice('/_test/'.length),
                address: socket.remoteAddress });
        }

        if (path === '/') {
            return pages.index([...this.routes.keys()]);
        }

        return this.route({ method, path, url, headers, query, body,
            base: this.base(headers, socket), at_ms: Date.now(),
            form: method === 'POST' ? parsePost(request, body) :
                new Map() });
    }


    route(request) {
        const { handler, protocol, rest } = this.routed(request.path);

        if (handler === undefined) {
            return this.cashier.answer(request.method, request.path)
                ?? pages.error(404, '页面或订单不存在 (not found)');
        }

        const about = protocol.subject({ ...request, rest });
        const mode = this.modes.of(about ?? { protocol: protocol.name });

        return about === undefined ? handler({ ...request, rest, mode }) :
            this.call(handler, about, { ...request, rest, mode });
    }


    /* A call of a shop: logged, and to be answered as its mode says. */

    call(handler, about, request) {
        const { mode } = request;
        const reply = mode.call_skip ?
            pages.error(503, '系统繁忙 (not carried out)') : handler(request);

        this.calls.add(logged(about, request, reply, mode));

        return { ...reply, mode };
    }


    /* {protocol, handler, rest}, all but the last undefined if unknown. */

    routed(path) {
        const [, head, word, tail] =
            /^(.*\/)([^/]*)(\/[^/]+)$/.exec(path) ?? [];
        const last = path.slice(path.lastIndexOf('/') + 1);

        for (const [route, rest] of [[path, ''],
            [path.slice(0, path.length - last.length), last],
            [`${head}*${tail}`, word]])
        {
            if (this.routes.has(route)) {
                return { ...this.routes.get(route), rest };
            }
        }

        return { rest: '' };
    }


    /* The address that the caller used, for links that leave this page. */

    base(headers, socket) {
        const host = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(headers.host ?? '') ?
            headers.host : `${socket.localAddress}:${socket.localPort}`;

        return `${socket.encrypted ? 'https' : 'http'}://${host}`;
    }


    /* Says so when all of them listen, the one over TLS last. */

    async listen({ host, port, tls, printPort }) {
        const ports = [port, tls?.port];

        for (const [i, server] of this.servers.entries()) {
            server.listen(ports[i], host);
            await once(server, 'listening');
        }

        for (const [i, server] of this.servers.entries()) {
            const { port: bound } = server.address();

            console.log(`listening on ${host}:${bound}`
                + (i === 0 ? '' : ' with TLS'));

            if (printPort) {
                console.log(bound);
            }
        }

        this.notifier.resume();
        this.protocols.forEach((protocol) => protocol.resume?.());
    }


    close() {
        this.notifier.close();

        for (const server of this.servers) {
            server.close();
            server.closeAllConnections();
        }

        this.trades.close();
    }
}


function main() {
    let options, gateway;

    try {
        options = parseOptions(process.argv.slice(2), PROTOCOLS);
        gateway = new Gateway(options);
    } catch (e) {
        process.stderr.write(`gateway: ${e.message}\n${usage(PROTOCOLS)}`);
        process.exit(2);
    }

    for (const signal of ['SIGTERM', 'SIGINT']) {
        process.on(signal, () => {
            gateway.close();
            process.exit(0);
        });
    }

    gateway.listen(options).catch((e) => {
        process.stderr.write(`gateway: ${e.message}\n`);
        process.exit(1);
    });
}


main();
