'use strict';

/*
 * The gateway's book: trades by their own number and by the merchant's order
 * number, which each protocol counts for itself.  With a state file each
 * change is one JSON line, written and synced before the change is made in
 * memory, and replayed at start.  Not kept there: the attempts of notices,
 * only what came of them.
 *
 * Text in a trade is bytes (see php.js) and already HTML-escaped where the
 * original stores it escaped.
 */

const fs = require('node:fs');
const { randomInt } = require('node:crypto');
const money = require('./money.js');

const TRADES_MAX = 1000000;
const ATTEMPTS_KEPT_MAX = 100;
const NARROW_TRIES = 8;
const WIDE_TRIES = 100;

/* Closed: never paid, and can never be.  Refunded: in part or in full. */

const STATUS = { CLOSED: -1, UNPAID: 0, PAID: 1, REFUNDED: 2 };

/* Trades of state files that were written before there were others. */

const FIRST_PROTOCOL = 'epay';


/* A change that the rules of the book forbid; the message is for callers. */

class Refusal extends Error {}


/* Date and time in China, where the originals run. */

function chinaTime(ms) {
    return new Date(ms + 8 * 3600 * 1000).toISOString().slice(0, 19)
        .replace('T', ' ');
}


function isOpen(trade) {
    return trade.status === STATUS.UNPAID && trade.deferred_ms === 0;
}


class Trades {
    constructor(stateFile, limit = TRADES_MAX) {
        this.limit = limit;
        this.byTradeNo = new Map();
        this.byOutTradeNo = new Map();  /* a list, one a protocol */
        this.byRefundNo = new Map();
        this.kept = new Map();
        this.fd = -1;
        this.size = 0;

        if (stateFile !== undefined) {
            this.load(stateFile);
        }
    }


    find(tradeNo) {
        return this.byTradeNo.get(tradeNo);
    }


    /*
     * Of any protocol if none is named: that of the first that was opened.
     * Where a protocol lets a number come again, the youngest counts.
     */

    findOrder(outTradeNo, protocol) {
        const all = this.byOutTradeNo.get(outTradeNo) ?? [];
        const wanted = protocol ?? all[0]?.protocol;

        return all.findLast((trade) => trade.protocol === wanted);
    }


    /* {trade, refund}: the last one to which a merchant gave the number. */

    findRefund(protocol, outRefundNo) {
        return this.byRefundNo.get(`${protocol} ${outRefundNo}`);
    }


    /* What was kept under a key. */

    findKey(key) {
        return this.kept.get(key);
    }


    keep(key, value) {
        this.commit({ t: 'kept', key, value });
    }


    findRefundNo(refundNo) {
        return this.byRefundNo.get(refundNo);
    }


    all() {
        return this.byTradeNo.values();
    }


    /*
     * The trade for `wanted` {protocol, out_trade_no, type, name, money_fen,
     * notify_url, return_url, param, submitted, and what else the protocol
     * keeps there}: a new one, or the unpaid one of the same number if
     * nothing that matters has changed.
     */

    open(wanted) {
        const old = this.findOrder(wanted.out_trade_no, wanted.protocol);

        if (old === undefined) {
            return this.create(wanted);
        }

        if (old.status !== STATUS.UNPAID) {
            throw new Refusal(
                `订单已支付或关闭 (paid or closed): ${old.out_trade_no}`);
        }

        for (const name of ['money_fen', 'name', 'notify_url', 'return_url',
            'param']) {
            if (old[name] !== wanted[name]) {
                throw new Refusal(
                    `订单参数有变化 (changed): ${name.replace('_fen', '')}`);
            }
        }

        this.commit({ t: 'again', trade_no: old.trade_no, type: wanted.type,
            submitted: wanted.submitted });

        return old;
    }


    /* An unpaid trade becomes what is wanted now: {money_fen, name, ...}. */

    rebuild(trade, wanted) {
        this.commit({ t: 'rebuilt', trade_no: trade.trade_no,
            wanted: { ...wanted, money_fen: wanted.money_fen.toString() } });
    }


    create(wanted) {
        if (this.byTradeNo.size >= this.limit) {
            throw new Refusal('订单数量已满 (too many trades)');
        }

        const record = { t: 'open', trade_no: this.newTradeNo(),
            added_ms: Date.now(), ...wanted,
            money_fen: wanted.money_fen.toString() };

        this.commit(record);

        return this.find(record.trade_no);
    }


    /* False if it was paid before: paying twice changes nothing. */

    pay(trade) {
        if (!isOpen(trade)) {
            return false;
        }

        this.commit({ t: 'paid', trade_no: trade.trade_no,
            paid_ms: Date.now() });

        return true;
    }


    /* False if it was paid or closed before. */

    cancel(trade) {
        if (!isOpen(trade)) {
            return false;
        }

        this.commit({ t: 'closed', trade_no: trade.trade_no,
            closed_ms: Date.now() });

        return true;
    }


    /* The buyer has done his part; settle() says what comes of it. */

    defer(trade) {
        if (!isOpen(trade)) {
            return false;
        }

        this.commit({ t: 'deferred', trade_no: trade.trade_no,
            deferred_ms: Date.now() });

        return true;
    }


    settle(trade, outcome) {
        if (trade.deferred_ms === 0 || trade.settlement !== undefined) {
            return false;
        }

        this.commit({ t: 'settled', trade_no: trade.trade_no, outcome,
            at_ms: Date.now() });

        return true;
    }


    /*
     * Every call refunds; whether `outRefundNo` names one that was made
     * before is the caller's business.  `more` is what else the protocol
     * keeps of a refund.  Returns the refund.
     */

    refund(trade, fen, outRefundNo = null, more = {}) {
        const left = trade.money_fen - trade.refunded_fen;

        if (trade.status <= STATUS.UNPAID) {
            throw new Refusal('订单未支付 (not paid)');
        }

        if (left === 0n) {
            throw new Refusal('订单已全额退款 (refunded in full)');
        }

        if (fen > left) {
            throw new Refusal(
                `退款超过余额 (more than is left): ${money.fixed(left)}`);
        }

        this.commit({ t: 'refund', trade_no: trade.trade_no,
            refund_no: this.newTradeNo(), out_refund_no: outRefundNo,
            fen: fen.toString(), at_ms: Date.now(), ...more });

        return trade.refunds.at(-1);
    }


    /* What came of an event's notices so far: pending, held, acked, ... */

    noticed({ trade, refund, settlement }, state, tries) {
        this.commit({ t: 'notice', trade_no: trade.trade_no,
            refund_no: refund?.refund_no, settled: settlement && true,
            state, tries });
    }


    attempted(trade, attempt) {
        trade.attempts_total++;
        trade.attempts.push(attempt);

        if (trade.attempts.length > ATTEMPTS_KEPT_MAX) {
            trade.attempts.shift();
        }
    }


    reset() {
        if (this.fd >= 0) {
            fs.ftruncateSync(this.fd, 0);
            fs.fsyncSync(this.fd);
            this.size = 0;
        }

        this.byTradeNo.clear();
        this.byOutTradeNo.clear();
        this.byRefundNo.clear();
        this.kept.clear();
    }


    /*
     * 19 digits, date and time with five random ones, as the original makes
     * them; a crowded second gets 23 digits instead of a collision.
     */

    newTradeNo() {
        const now = chinaTime(Date.now()).replace(/\D/g, '');

        for (let i = 0; i < NARROW_TRIES + WIDE_TRIES; i++) {
            const tail = i < NARROW_TRIES ? randomInt(11111, 100000) :
                randomInt(111111111, 1000000000);

            if (!this.byTradeNo.has(now + tail)) {
                return now + tail;
            }
        }

        throw new Refusal('系统繁忙 (no free trade number)');
    }


    commit(record) {
        if (this.fd >= 0) {
            this.append(Buffer.from(JSON.stringify(record) + '\n'));
        }

        this.apply(record);
    }


    /* A line that did not fit the disk must not stand before the next. */

    append(line) {
        try {
            fs.writeFileSync(this.fd, line);
            fs.fsyncSync(this.fd);
            this.size += line.length;

        } catch (e) {
            fs.ftruncateSync(this.fd, this.size);
            throw e;
        }
    }


    apply(record) {
        if (record.t === 'open') {
            this.applyOpen(record);
            return;
        }

        if (record.t === 'kept') {
            this.kept.set(record.key, record.value);
            return;
        }

        const trade = this.find(record.trade_no);

        if (trade === undefined) {
            throw new Error(`no trade ${record.trade_no}`);
        }

        this.applyTo(trade, record);
    }


    applyTo(trade, record) {
        switch (record.t) {

        case 'again':
            trade.type = record.type;
            trade.submitted = record.submitted;
            break;

        case 'rebuilt':
            Object.assign(trade, record.wanted,
                { money_fen: BigInt(record.wanted.money_fen) });
            break;

        case 'paid':
            trade.status = STATUS.PAID;
            trade.paid_ms = record.paid_ms;
            break;

        case 'closed':
            trade.status = STATUS.CLOSED;
            trade.closed_ms = record.closed_ms;
            break;

        case 'deferred':
            trade.deferred_ms = record.deferred_ms;
            break;

        case 'settled':
            trade.settlement = { outcome: record.outcome,
                notice: { state: 'none', tries: 0 } };

            if (record.outcome === 'succeeded') {
                trade.status = STATUS.PAID;
                trade.paid_ms = record.at_ms;
            } else {
                trade.status = STATUS.CLOSED;
                trade.closed_ms = record.at_ms;
            }

            break;

        case 'refund':
            this.applyRefund(trade, record);
            break;

        case 'notice': {
            const { refund } = this.findRefundNo(record.refund_no) ?? {};

            (refund ?? (record.settled ? trade.settlement : trade)).notice =
                { state: record.state, tries: record.tries };
            break;
        }

        default:
            throw new Error(`unknown record "${record.t}"`);
        }
    }


    applyOpen({ t, ...record }) {
        const trade = { protocol: FIRST_PROTOCOL, ...record,
            money_fen: BigInt(record.money_fen),
            status: STATUS.UNPAID, paid_ms: 0, closed_ms: 0, deferred_ms: 0,
            refunded_fen: 0n, refunds: [],
            notice: { state: 'none', tries: 0 }, attempts_total: 0,
            attempts: [] };
        const namesakes = this.byOutTradeNo.get(trade.out_trade_no) ?? [];

        this.byTradeNo.set(trade.trade_no, trade);
        this.byOutTradeNo.set(trade.out_trade_no, [...namesakes, trade]);
    }


    /* `total_fen` is what had been given back when this one was made. */

    applyRefund(trade, { t, trade_no: tradeNo, refund_no, fen,
        out_refund_no = null, ...more })
    {
        trade.status = STATUS.REFUNDED;
        trade.refunded_fen += BigInt(fen);

        const refund = { refund_no, out_refund_no, ...more, fen: BigInt(fen),
            total_fen: trade.refunded_fen,
            notice: { state: 'none', tries: 0 } };

        trade.refunds.push(refund);
        this.byRefundNo.set(refund_no, { trade, refund });

        if (out_refund_no !== null) {
            this.byRefundNo.set(`${trade.protocol} ${out_refund_no}`,
                { trade, refund });
        }
    }


    /*
     * A last line without its end was being written when the gateway died;
     * nobody was answered for it, so it is cut off.  Any other damage
     * refuses the start.
     */

    load(file) {
        this.fd = fs.openSync(file, 'a+', 0o600);

        const data = fs.readFileSync(this.fd);
        const whole = data.lastIndexOf(0x0a) + 1;
        const lines = data.subarray(0, whole).toString('utf8').split('\n');

        lines.pop();
        lines.forEach((line, i) => {
            try {
                this.apply(JSON.parse(line));
            } catch (e) {
                throw new Error(`${file}:${i + 1}: ${e.message}`);
            }
        });

        this.size = whole;
        fs.ftruncateSync(this.fd, whole);
    }


    close() {
        if (this.fd >= 0) {
            fs.closeSync(this.fd);
            this.fd = -1;
        }
    }
}


module.exports = { Trades, Refusal, STATUS, chinaTime };
