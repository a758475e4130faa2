'use strict';

/*
 * The practice gateway: the other side of an EPay V1 channel, for tests and
 * for trying a shop without money.  This file: command line, HTTP server,
 * routes, shutdown.  README.md describes what it answers.
 */

const fs = require('node:fs');
const http = require('node:http');
const { parseArgs } = require('node:util');
const php = require('./php.js');
const pages = require('./pages.js');
const { Trades } = require('./trades.js');
const { Modes, noticeQuery, withQuery } = require('./modes.js');
const { Notifier } = require('./notify.js');
const { MerchantApi } = require('./merchant_api.js');
const { Control } = require('./control.js');

const BODY_BYTES_MAX = 65536;
const CONNECTIONS_MAX = 4096;
const REQUEST_MS_MAX = 15000;
const RETRIES_MAX = 20;
const RETRY_MS_MAX = 86400000;
const KEY_BYTES_MAX = 128;

/* How long the buyer's browser waits for the shop to have heard of it. */
const NOTICE_WAIT_MS_MAX = 2000;

const USAGE = `usage: node gateway.js --pid PID --key-file FILE
    [--host 127.0.0.1] [--port 8081] [--state FILE] [--print-port]
    [--retry-ms 1000,3000,10000,30000,60000]
`;


function parseRetries(text) {
    const list = text === '' ? [] : text.split(',').map(Number);

    if (list.length > RETRIES_MAX || list.some((ms) =>
        !Number.isInteger(ms) || ms < 0 || ms > RETRY_MS_MAX))
    {
        throw new Error('--retry-ms: milliseconds, separated by commas');
    }

    return list;
}


function readKey(file) {
    const key = fs.readFileSync(file, 'latin1').replace(/\r?\n$/, '');

    if (php.isBlank(key) || key.length > KEY_BYTES_MAX) {
        throw new Error(`${file}: a key of 1..${KEY_BYTES_MAX} bytes`);
    }

    return key;
}


function parseOptions(args) {
    const { values } = parseArgs({ args, options: {
        'host': { type: 'string', default: '127.0.0.1' },
        'port': { type: 'string', default: '8081' },
        'pid': { type: 'string', default: '' },
        'key-file': { type: 'string', default: '' },
        'state': { type: 'string' },
        'retry-ms': { type: 'string',
            default: '1000,3000,10000,30000,60000' },
        'print-port': { type: 'boolean', default: false },
    } });
    const port = Number(values.port);

    if (!Number.isInteger(port) || port < 0 || port > 65535) {
        throw new Error('--port: 0..65535');
    }

    if (!/^[1-9][0-9]{0,14}$/.test(values.pid)) {
        throw new Error('--pid: the merchant number');
    }

    return {
        host: values.host, port, stateFile: values.state,
        merchant: { pid: values.pid, key: readKey(values['key-file']) },
        retriesMs: parseRetries(values['retry-ms']),
        printPort: values['print-port'],
    };
}


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
    constructor({ merchant, stateFile, retriesMs }) {
        this.merchant = merchant;
        this.trades = new Trades(stateFile);
        this.modes = new Modes();
        this.notifier = new Notifier({ ...this, retriesMs });
        this.api = new MerchantApi(this);
        this.control = new Control(this);
        this.server = http.createServer({
            requestTimeout: REQUEST_MS_MAX,
            headersTimeout: REQUEST_MS_MAX,
        }, (request, response) => this.serve(request, response));
        this.server.maxConnections = CONNECTIONS_MAX;
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

        const body = Buffer.from(reply.body, 'utf8');

        response.writeHead(reply.status, { ...reply.headers,
            'Content-Length': body.length, 'Cache-Control': 'no-store' });
        response.end(body);
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

        return this.route(method, path, { query, base: this.base(headers),
            form: method === 'POST' ? parsePost(request, body) :
                new Map() });
    }


    route(method, path, request) {
        const pay = /^\/pay\/(\d{19,23})(\/confirm)?$/.exec(path);

        switch (path) {
        case '/': return pages.index();
        case '/submit.php': return this.api.submit(request);
        case '/mapi.php': return this.api.mapi(request);
        case '/api.php': return this.api.api(request);
        }

        const trade = pay === null ? undefined : this.trades.find(pay[1]);

        if (trade === undefined) {
            return pages.error(404, '页面或订单不存在 (not found)');
        }

        if (pay[2] === undefined) {
            return pages.cashier(trade);
        }

        return method === 'POST' ? this.confirm(trade) :
            pages.error(405, '请求方法不支持 (POST)');
    }


    /* The address that the caller used, for links that leave this page. */

    base(headers) {
        const { address, port } = this.server.address();
        const host = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(headers.host ?? '') ?
            headers.host : `${address}:${port}`;

        return `http://${host}`;
    }


    /*
     * The browser goes back once the shop has answered the first notice,
     * and not much later if it does not answer.
     */

    async confirm(trade) {
        if (this.trades.pay(trade)) {
            let timer;

            await Promise.race([
                this.notifier.start(trade),
                new Promise((done) => {
                    timer = setTimeout(done, NOTICE_WAIT_MS_MAX);
                }),
            ]);
            clearTimeout(timer);
        }

        return this.redirect(trade);
    }


    redirect(trade) {
        const back = withQuery(trade.return_url,
            noticeQuery(trade, this.merchant));

        try {
            const url = new URL(php.toUtf8(back));

            if (url.protocol === 'http:' || url.protocol === 'https:') {
                return { status: 302, body: '',
                    headers: { Location: url.href } };
            }

        } catch (e) {
            if (e.code !== 'ERR_INVALID_URL') {
                throw e;
            }
        }

        return pages.paid(trade);
    }


    listen({ host, port, printPort }) {
        this.server.listen(port, host, () => {
            const { port: bound } = this.server.address();

            console.log(`listening on ${host}:${bound}`);

            if (printPort) {
                console.log(bound);
            }

            this.notifier.resume();
        });
    }


    close() {
        this.notifier.close();
        this.server.close();
        this.server.closeAllConnections();
        this.trades.close();
    }
}


function main() {
    let options, gateway;

    try {
        options = parseOptions(process.argv.slice(2));
        gateway = new Gateway(options);
    } catch (e) {
        process.stderr.write(`gateway: ${e.message}\n${USAGE}`);
        process.exit(2);
    }

    gateway.server.on('error', (e) => {
        process.stderr.write(`gateway: ${e.message}\n`);
        process.exit(1);
    });

    for (const signal of ['SIGTERM', 'SIGINT']) {
        process.on(signal, () => {
            gateway.close();
            process.exit(0);
        });
    }

    gateway.listen(options);
}


main();
