'use strict';

/*
 * /_test/: how a test drives the gateway and asks what happened.  Loopback
 * only.  JSON in and out; a wrong call is told what is wrong with it.
 */

const money = require('./money.js');
const php = require('./php.js');
const { SWITCHES, parseMode } = require('./modes.js');

const TRADES_SHOWN = 1000;
const TRADES_SHOWN_MAX = 100000;
const TIMES_MAX = 10000;
const PARALLEL_MAX = 512;

class CallError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}


function reply(status, value) {
    return { status, body: JSON.stringify(value) + '\n',
        headers: { 'Content-Type': 'application/json; charset=UTF-8' } };
}


function isLoopback(address) {
    return /^(::ffff:)?127\.|^::1$/.test(address ?? '');
}


/* An empty body is an empty object. */

function parseBody(body) {
    let value;

    try {
        value = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
    } catch (e) {
        throw new CallError(400, e.message);
    }

    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new CallError(400, 'a JSON object is needed');
    }

    return value;
}


function switches(json) {
    try {
        return parseMode(json);
    } catch (e) {
        throw new CallError(400, e.message);
    }
}


function bounded(json, name, most) {
    const value = json[name] ?? 1;

    if (!Number.isInteger(value) || value < 1 || value > most) {
        throw new CallError(400, `"${name}" must be 1..${most}`);
    }

    return value;
}


function showRefund(refund) {
    return { refund_no: refund.refund_no, out_refund_no: refund.out_refund_no,
        money: money.fixed(refund.fen), at_ms: refund.at_ms,
        notice: refund.notice };
}


function show(trade) {
    return {
        protocol: trade.protocol,
        trade_no: trade.trade_no, out_trade_no: trade.out_trade_no,
        type: trade.type, name: php.toUtf8(trade.name),
        money: money.decimal(trade.money_fen, trade.currency),
        currency: trade.currency ?? 'cny',
        param: trade.param === null ? null : php.toUtf8(trade.param),
        notify_url: php.toUtf8(trade.notify_url),
        return_url: php.toUtf8(trade.return_url),
        status: trade.status, refunded: money.fixed(trade.refunded_fen),
        refunds: trade.refunds.map(showRefund), notice: trade.notice,
        settlement: trade.settlement ?? null,
        attempts_total: trade.attempts_total, attempts: trade.attempts,
    };
}


class Control {
    constructor({ trades, modes, protocols, notifier, calls }) {
        this.trades = trades;
        this.protocols = protocols;
        this.modes = modes;
        this.notifier = notifier;
        this.log = calls;
        this.calls = {
            'GET calls': this.listCalls,
            'GET trades': this.list, 'GET switches': this.switches,
            'POST mode': this.mode, 'POST release': this.release,
            'POST reset': this.reset, 'POST pay': this.pay,
            'POST notify': this.notify, 'POST settle': this.settle,
            'POST expire': this.expire,
        };
    }


    /* `path` is what follows /_test/: a word, and for some an order number. */

    async handle({ method, path, query, body, address }) {
        const slash = path.indexOf('/');
        const word = slash < 0 ? path : path.slice(0, slash);
        const order = slash < 0 ? undefined :
            php.urldecode(path.slice(slash + 1));
        const call = this.calls[`${method} ${word}`];

        try {
            if (!isLoopback(address)) {
                throw new CallError(403, 'from loopback only');
            }

            if (call === undefined) {
                throw new CallError(404, `no such call: ${method} ${word}`);
            }

            if ([...query.values()].includes(php.ARRAY)) {
                throw new CallError(400, 'arrays are not understood');
            }

            return reply(200, await call.call(this, {
                order, query, json: parseBody(body) }));

        } catch (e) {
            if (!(e instanceof CallError)) {
                throw e;
            }

            return reply(e.status, { error: e.message });
        }
    }


    /*
     * The trade named in the path; every other call must name one.  Where
     * two protocols have the number, `protocol` says which.
     */

    trade(order, protocol) {
        const trade = this.trades.findOrder(order, protocol);

        if (trade === undefined) {
            throw new CallError(404, `no trade of order "${order}"`);
        }

        return trade;
    }


    limit(query) {
        return bounded({ limit: TRADES_SHOWN,
            ...query.has('limit') && { limit: Number(query.get('limit')) } },
        'limit', TRADES_SHOWN_MAX);
    }


    /* What shops have asked, oldest first. */

    listCalls({ query }) {
        return this.log.find({ order: query.get('out_trade_no'),
            protocol: query.get('protocol'), limit: this.limit(query) });
    }


    list({ query }) {
        const limit = this.limit(query);
        const found = [];

        if (query.has('out_trade_no')) {
            return [show(this.trade(query.get('out_trade_no'),
                query.get('protocol')))];
        }

        for (const trade of this.trades.all()) {
            if (found.length >= limit) {
                break;
            }

            found.push(show(trade));
        }

        return found;
    }


    switches() {
        return Object.keys(SWITCHES);
    }


    /* Replaces the whole mode of its scope: {} is the correct gateway. */

    mode({ json: { out_trade_no: order, protocol, ...json } }) {
        if (order !== undefined && typeof order !== 'string') {
            throw new CallError(400, '"out_trade_no" must be a string');
        }

        if (protocol !== undefined && !this.protocols.has(protocol)) {
            throw new CallError(400, `no such protocol: "${protocol}"`);
        }

        const mode = switches(json);

        try {
            this.modes.set(protocol, order, mode);
        } catch (e) {
            throw new CallError(409, e.message);
        }

        return { ok: true };
    }


    async release() {
        return this.notifier.release();
    }


    reset() {
        this.notifier.reset();
        this.modes.reset();
        this.trades.reset();
        this.log.reset();

        return { ok: true };
    }


    async pay({ order, json }) {
        const trade = this.trade(order, json.protocol);

        if (!this.notifier.buy(trade)) {
            throw new CallError(409, `paid or closed: "${order}"`);
        }

        const result = await this.notifier.start({ trade });

        return { trade_no: trade.trade_no, ...result };
    }


    /* What came of a deferred payment. */

    async settle({ order, json: { protocol, outcome = 'succeeded' } }) {
        const trade = this.trade(order, protocol);

        if (!['succeeded', 'failed'].includes(outcome)) {
            throw new CallError(400, '"outcome" must be succeeded or failed');
        }

        if (!this.trades.settle(trade, outcome)) {
            throw new CallError(409, `not deferred: "${order}"`);
        }

        return this.notifier.start({ trade, settlement: trade.settlement });
    }


    /* The end of what is not paid, before its time. */

    async expire({ order, json: { protocol } }) {
        const trade = this.trade(order, protocol);
        const { tells } = this.protocols.get(trade.protocol);

        if (!this.trades.cancel(trade)) {
            throw new CallError(409, `paid or closed: "${order}"`);
        }

        return tells.close ? this.notifier.start({ trade }) :
            { outcome: 'none', answers: [] };
    }


    /*
     * The same notice `times` times, `parallel` at once, paid or not and
     * outside the retry schedule; the rest of the body are switches, beside
     * which no other mode counts.  With `refund` it is the notice of that
     * refund, counted from 1; with `settlement` that of what came later.
     */

    async notify({ order, json: { times: t, parallel: p, protocol, refund: r,
        settlement: s, ...json } })
    {
        const trade = this.trade(order, protocol);
        const settlement = s === true ? trade.settlement : undefined;
        const refund = r === undefined ? undefined : trade.refunds[
            bounded({ refund: r }, 'refund', trade.refunds.length) - 1];
        const mode = switches(json);
        const answers = [];
        let left = bounded({ times: t }, 'times',
            Math.floor(TIMES_MAX / (mode.duplicate ?? 1)));
        const lanes = bounded({ parallel: p }, 'parallel', PARALLEL_MAX);

        const lane = async () => {
            while (left > 0) {
                left--;
                answers.push(
                    ...(await this.notifier.deliver(
                        { trade, refund, settlement }, mode)).answers);
            }
        };

        await Promise.all(Array.from({ length: lanes }, lane));

        return { trade_no: trade.trade_no, answers,
            acked: answers.filter((a) => a.acked).length };
    }
}


module.exports = { Control };
