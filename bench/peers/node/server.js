// POST /checkout in Node.js: one step in the store per request, in a cluster.
//
//     node server.js redis PORT WORKERS SOCKET SCRIPT
//     node server.js pg    PORT WORKERS FOLDER CONNECTIONS
//     node server.js batch PORT WORKERS FOLDER CONNECTIONS
//
// The store decides: Redis by the script, PostgreSQL by its function
// checkout(), or checkout_many() for what came meanwhile.  Each backend has
// take(wanted, order, token, now), which resolves to [code, amount, currency].

'use strict';

const cluster = require('node:cluster');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');

const [backendName, port, workers, ...place] = process.argv.slice(2);

const BODY_BYTES_MAX = 64 * 1024;
const QTY_MAX = 5;
const HOLD_S = 3600;
const PAY_KEY = 'bench-gateway-key-0123456789';
const STATUS = { not_found: 404, sold_out: 409, limit_reached: 409 };
const origin = `http://127.0.0.1:${port}`;
const originEscaped = encodeURIComponent(origin);

if (cluster.isPrimary) {
    for (let i = 0; i < Number(workers); i++) {
        cluster.fork();
    }
    // One dead worker ends the whole, so that no figure comes from a half.
    cluster.on('exit', (worker, code, signal) => {
        console.error(`worker ${worker.process.pid} ended:`, signal || code);
        process.exit(code || 1);
    });
    process.on('SIGTERM', () => process.exit(0));
} else {
    const backends = { redis: openRedis, pg: openPg, batch: openBatch };
    backends[backendName](...place).then(serve).catch(fatal);
}


function fatal(error) {
    console.error(error);
    process.exit(1);
}


async function openRedis(socket, scriptFile) {
    const { createClient } = require('redis');
    const script = fs.readFileSync(scriptFile, 'utf8');
    const sha = crypto.createHash('sha1').update(script).digest('hex');
    const client = createClient({ socket: { path: socket } });

    client.on('error', fatal);
    await client.connect();
    await client.scriptLoad(script);

    return (wanted, order, token, now) => client.evalSha(sha, {
        keys: [`product:${wanted.sku}`, `cards:${wanted.sku}`,
            `bought:${wanted.sku}`, `order:${order}`],
        arguments: [wanted.sku, String(wanted.qty), wanted.contact, token,
            String(now)],
    });
}


async function connectPool(host, connections) {
    const { Pool } = require('pg');
    const pool = new Pool({ host, user: 'shop', database: 'shop',
        max: Number(connections), idleTimeoutMillis: 0 });

    pool.on('error', fatal);
    const clients = await Promise.all(
        Array.from({ length: Number(connections) }, () => pool.connect()));
    return { pool, clients };
}


async function openPg(host, connections) {
    const { pool, clients } = await connectPool(host, connections);
    clients.forEach((client) => client.release());

    const checkout = {
        name: 'checkout',
        text: 'SELECT code, amount, currency FROM checkout($1,$2,$3,$4,$5)',
        rowMode: 'array',
    };
    return async (wanted, order, token) => {
        try {
            const { rows } = await pool.query({ ...checkout, values:
                [wanted.sku, wanted.qty, wanted.contact, order, token] });
            return rows[0];
        } catch (error) {
            // The function takes back what it did by an error of its own.
            if (error.code === 'SHOP1') {
                return [error.message];
            }
            throw error;
        }
    };
}


// What comes while the connections are busy goes together, in one transaction.

const BATCH_MAX = 128;

async function openBatch(host, connections) {
    const { clients } = await connectPool(host, connections);
    const checkoutMany = {
        name: 'checkout_many',
        text: 'SELECT code, amount, currency'
            + ' FROM checkout_many($1,$2,$3,$4,$5)',
        rowMode: 'array',
    };
    const waiting = [];

    async function send(client) {
        const batch = waiting.splice(0, BATCH_MAX);
        try {
            const { rows } = await client.query({ ...checkoutMany, values: [
                batch.map((each) => each.wanted.sku),
                batch.map((each) => each.wanted.qty),
                batch.map((each) => each.wanted.contact),
                batch.map((each) => each.order),
                batch.map((each) => each.token)] });
            batch.forEach((each, i) => each.resolve(rows[i]));
        } catch (error) {
            batch.forEach((each) => each.reject(error));
        }
        clients.push(client);
        sendWaiting();
    }

    function sendWaiting() {
        while (clients.length > 0 && waiting.length > 0) {
            send(clients.pop());
        }
    }

    return (wanted, order, token) => new Promise((resolve, reject) => {
        waiting.push({ wanted, order, token, resolve, reject });
        if (waiting.length === 1) {
            setImmediate(sendWaiting);
        }
    });
}


function serve(take) {
    const server = http.createServer({ keepAlive: true, noDelay: true,
        connectionsCheckingInterval: 30000 }, (req, res) => {
        if (req.url !== '/checkout') {
            req.resume();
            return refuse(res, 404, 'not_found');
        }
        if (req.method !== 'POST') {
            req.resume();
            return refuse(res, 405, 'method_not_allowed');
        }
        readBody(req, (body) => checkout(take, body, res));
    });

    server.keepAliveTimeout = 75000;
    server.headersTimeout = 80000;
    server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
}


function readBody(req, done) {
    let body = null;
    let size = 0;

    req.on('data', (chunk) => {
        size += chunk.length;
        if (size <= BODY_BYTES_MAX) {
            body = body === null ? chunk : Buffer.concat([body, chunk]);
        }
    });
    req.on('end', () => done(
        body === null || size > BODY_BYTES_MAX ? '' : body.toString()));
}


function fieldOk(text, lengthMax) {
    return typeof text === 'string' && text.length > 0
        && text.length <= lengthMax && !/[\s\x00-\x1f]/.test(text);
}


function parse(body) {
    let wanted;

    try {
        wanted = JSON.parse(body);
    } catch {
        return null;
    }
    if (wanted === null || typeof wanted !== 'object'
        || !fieldOk(wanted.sku, 64) || !fieldOk(wanted.contact, 128)
        || !Number.isInteger(wanted.qty) || wanted.qty < 1
        || wanted.qty > QTY_MAX) {
        return null;
    }
    return wanted;
}


function checkout(take, body, res) {
    const wanted = parse(body);
    if (wanted === null) {
        return refuse(res, 400, 'invalid_request');
    }

    const nowMs = Date.now();
    const now = Math.floor(nowMs / 1000);
    const random = randomPart();
    const order = nowMs.toString(16).padStart(11, '0')
        + random.toString('hex', 0, 8).slice(0, 15);
    const token = random.toString('base64url', 8);

    take(wanted, order, token, now).then(([code, amount, currency]) => {
        if (code !== 'ok') {
            return refuse(res, STATUS[code], code);
        }
        answer(res, 201, 'application/json',
            `{"order":"${order}","token":"${token}",`
            + `"status":"awaiting_payment","sku":"${wanted.sku}",`
            + `"qty":${wanted.qty},"amount":${amount},`
            + `"currency":"${currency}","created_at":${now},`
            + `"expires_at":${now + HOLD_S},"pay":{"method":"redirect",`
            + `"url":"${payUrl(order, Number(amount))}"}}`);
    }).catch((error) => {
        console.error(error.message);
        refuse(res, 503, 'unavailable');
    });
}


// From a pool that is filled once for many orders: a call into the generator
// costs more than the bytes.

const RANDOM_BYTES = 40;
const randomPool = Buffer.alloc(RANDOM_BYTES * 256);
let randomAt = randomPool.length;

function randomPart() {
    if (randomAt === randomPool.length) {
        crypto.randomFillSync(randomPool);
        randomAt = 0;
    }
    randomAt += RANDOM_BYTES;
    return randomPool.subarray(randomAt - RANDOM_BYTES, randomAt);
}


function payUrl(order, amount) {
    const yuan = (amount / 100).toFixed(2);
    const sign = crypto.createHash('md5').update(
        `money=${yuan}&name=order&notify_url=${origin}/notify/epay`
        + `&out_trade_no=${order}&pid=1000`
        + `&return_url=${origin}/return/${order}${PAY_KEY}`).digest('hex');

    return `${origin}/submit.php?money=${yuan}&name=order`
        + `&notify_url=${originEscaped}%2Fnotify%2Fepay`
        + `&out_trade_no=${order}&pid=1000`
        + `&return_url=${originEscaped}%2Freturn%2F${order}`
        + `&sign_type=MD5&sign=${sign}`;
}


function answer(res, status, kind, body) {
    res.writeHead(status, { 'Content-Type': kind,
        'Content-Length': Buffer.byteLength(body),
        'Cache-Control': 'no-store' });
    res.end(body);
}


function refuse(res, status, code) {
    answer(res, status, 'application/problem+json',
        `{"type":"about:blank","title":"${code}","status":${status},`
        + `"code":"${code}"}`);
}
