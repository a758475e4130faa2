'use strict';

/*
 * Sends the notices: one at once, then on the retry schedule until the
 * protocol takes the merchant's answer as an acknowledgement, and then no
 * more.  Redirects are not followed.
 *
 * An event is what a notice tells of: {trade, refund, settlement}, the others
 * only if it tells of that refund or of what came of a deferred payment.
 * Each event has its own notices and retries.
 *
 * Everything is bounded: time and bytes of an answer, sockets to a host,
 * attempts kept, notices held.
 */

const http = require('node:http');
const https = require('node:https');
const php = require('./php.js');
const { STATUS } = require('./trades.js');
const { message } = require('./notice.js');

const ANSWER_MS_MAX = 10000;
const ANSWER_BYTES_MAX = 65536;
const ANSWER_BYTES_KEPT = 64;
const ANSWER_BYTES_TOLD = 1024;
const SOCKETS_MAX = 512;
const HELD_MAX = 100000;


class Notifier {
    constructor({ trades, modes, protocols, retriesMs }) {
        const options = { keepAlive: true, maxSockets: SOCKETS_MAX };

        this.trades = trades;
        this.modes = modes;
        this.protocols = protocols;
        this.retriesMs = retriesMs;
        this.held = [];
        this.timers = new Map();
        this.agents = {
            'http:': new http.Agent(options),
            /* like the original, which verifies no certificate */
            'https:': new https.Agent({ ...options,
                rejectUnauthorized: false }),
        };
    }


    /* The buyer pays; false if he cannot.  Under a switch it takes time. */

    buy(trade) {
        const { tells } = this.protocols.get(trade.protocol);
        const { payment_status: status } = this.modes.of(trade);

        return tells.settlement && status === 'unpaid' ?
            this.trades.defer(trade) : this.trades.pay(trade);
    }


    /* The first notice of an event; resolves with what came of it. */

    async start(event) {
        this.trades.noticed(event, 'pending', 0);

        return this.round(event);
    }


    /* The same where nobody waits for it. */

    launch(event) {
        this.start(event).catch(complain);
    }


    /* After a restart: whatever happened and is still to be acknowledged. */

    resume() {
        const owed = ({ state }) =>
            ['none', 'pending', 'held'].includes(state);

        for (const trade of this.trades.all()) {
            const { tells } = this.protocols.get(trade.protocol);
            const told = trade.status > STATUS.UNPAID
                || trade.status === STATUS.CLOSED && tells.close
                || trade.deferred_ms > 0;
            const { settlement } = trade;

            if (told && owed(trade.notice)) {
                this.launch({ trade });
            }

            if (settlement !== undefined && owed(settlement.notice)) {
                this.launch({ trade, settlement });
            }

            if (tells.refund) {
                trade.refunds.filter((refund) => owed(refund.notice))
                    .forEach((refund) => this.launch({ trade, refund }));
            }
        }
    }


    async round(event) {
        const result = await this.deliver(event, this.modes.of(event.trade),
            true);

        this.settle(event, result.outcome);

        return result;
    }


    /* A refused notice waits for the next place of the schedule. */

    settle(event, outcome) {
        if (this.trades.find(event.trade.trade_no) !== event.trade) {
            return;                     /* the book was reset meanwhile */
        }

        const { tries } =
            (event.refund ?? event.settlement ?? event.trade).notice;

        if (outcome !== 'refused') {
            this.trades.noticed(event, outcome,
                tries + (outcome === 'held' ? 0 : 1));
            return;
        }

        const waitMs = this.retriesMs[tries];

        this.trades.noticed(event,
            waitMs === undefined ? 'given_up' : 'pending', tries + 1);

        if (waitMs !== undefined) {
            this.after(waitMs, () => this.round(event).catch(complain));
        }
    }


    /*
     * One notice under `mode`, all its copies at once.  Outcome: acked,
     * refused (also when nobody answered), held or dropped.  `scheduled`:
     * the event's own notice, whose outcome counts, not one that a test
     * sends beside it.
     */

    async deliver(event, mode, scheduled = false) {
        if (mode.drop) {
            this.record(event.trade, { outcome: 'dropped' });
            return { outcome: 'dropped', answers: [] };
        }

        if (mode.reorder && this.held.length < HELD_MAX) {
            this.held.push({ event, mode, scheduled });
            return { outcome: 'held', answers: [] };
        }

        if (mode.delay_ms && !await this.pause(mode.delay_ms)) {
            return { outcome: 'dropped', answers: [] };
        }

        const answers = await Promise.all(
            Array.from({ length: mode.duplicate ?? 1 },
                () => this.send(event, mode)));

        return { answers, outcome: answers.some((a) => a.acked) ? 'acked' :
            'refused' };
    }


    /* The held notices, the youngest first, each after the other's answer. */

    async release() {
        const list = this.held.reverse();
        const results = [];

        this.held = [];

        for (const { event, mode, scheduled } of list) {
            const result = await this.deliver(event,
                { ...mode, reorder: undefined });

            if (scheduled) {
                this.settle(event, result.outcome);
            }

            results.push({ out_trade_no: event.trade.out_trade_no,
                ...result });
        }

        return results;
    }


    async send(event, mode) {
        const { trade } = event;
        const protocol = this.protocols.get(trade.protocol);
        const startMs = Date.now();
        let answer;

        try {
            answer = await this.request(message(protocol, event, mode));
        } catch (e) {
            answer = { status: 0, body: '', error: e.code ?? e.message };
        }

        const tookMs = Date.now() - startMs;
        const acked = protocol.acknowledged({ ...answer, took_ms: tookMs });

        this.record(trade, { outcome: acked ? 'acked' : 'refused',
            took_ms: tookMs, status: answer.status,
            body: php.toUtf8(answer.body.slice(0, ANSWER_BYTES_KEPT)),
            error: answer.error });

        return { acked, status: answer.status, error: answer.error,
            body: php.toUtf8(answer.body.slice(0, ANSWER_BYTES_TOLD)) };
    }


    record(trade, attempt) {
        this.trades.attempted(trade, { at_ms: Date.now(), ...attempt });
    }


    /*
     * A kept connection may be closed by the merchant at the very moment of
     * the next notice; that is sent again, at once and once, on a new one.
     */

    async request(message) {
        const url = new URL(php.toUtf8(message.url));

        if (this.agents[url.protocol] === undefined) {
            throw new Error('not an http URL');
        }

        try {
            return await this.exchange(url, message);

        } catch (e) {
            if (e.code !== 'ECONNRESET' || !e.reused) {
                throw e;
            }

            return this.exchange(url, message);
        }
    }


    exchange(url, { method, headers, body }) {
        const request = (url.protocol === 'https:' ? https : http).request(
            url, {
                method,
                agent: this.agents[url.protocol],
                headers: {
                    'Accept': '*/*',
                    'Accept-Language': 'zh-CN,zh;q=0.8',
                    'User-Agent': 'Mozilla/5.0 (practice gateway)',
                    ...headers,
                },
            });

        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => request.destroy(
                Object.assign(new Error('timeout'), { code: 'TIMEOUT' })),
            ANSWER_MS_MAX);
            const fail = (e) => {
                clearTimeout(timer);
                reject(Object.assign(e, { reused: request.reusedSocket }));
            };

            request.on('error', fail);
            request.on('response', (response) => {
                response.on('error', fail);
                readAnswer(response, (answer) => {
                    clearTimeout(timer);
                    resolve(answer);
                });
            });
            request.end(method === 'GET' ? undefined : body);
        });
    }


    /* False if a reset ends the wait: then nothing is to be sent. */

    pause(waitMs) {
        return new Promise((done) => this.after(waitMs, () => done(true),
            () => done(false)));
    }


    after(waitMs, call, cancelled = () => undefined) {
        const timer = setTimeout(() => {
            this.timers.delete(timer);
            call();
        }, waitMs);

        this.timers.set(timer, cancelled);
    }


    reset() {
        for (const [timer, cancelled] of this.timers) {
            clearTimeout(timer);
            cancelled();
        }

        this.timers.clear();
        this.held = [];
    }


    close() {
        this.reset();
        Object.values(this.agents).forEach((agent) => agent.destroy());
    }
}


/* Where nobody waits for the outcome: only writing the state file fails. */

function complain(e) {
    console.error(`gateway: notice: ${e.message}`);
}


/* More than the limit is neither read nor waited for. */

function readAnswer(response, done) {
    let body = '';

    response.setEncoding('latin1');
    response.on('data', (part) => {
        body += part;

        if (body.length > ANSWER_BYTES_MAX) {
            body = body.slice(0, ANSWER_BYTES_MAX);
            done({ status: response.statusCode, body });
            response.destroy();
        }
    });
    response.on('end', () => done({ status: response.statusCode, body }));
}


module.exports = { Notifier };
