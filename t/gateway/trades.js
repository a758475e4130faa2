'use strict';

/*
 * The gateway's book: trades by their own number and by the merchant's order
 * number, which each protocol counts for itself.  Each change is a record
 * (records.js), which goes to the state file first if there is one.  Not kept
 * there: the attempts of notices, only what came of them.
 *
 * Text in a trade is bytes (see php.js) and already HTML-escaped where the
 * original stores it escaped.
 */

const { randomInt } = require('node:crypto');
const money = require('./money.js');
const { STATUS, opened, refunded, change } = require('./records.js');
const { StateFile } = require('./statefile.js');

const TRADES_MAX = 1000000;
const ATTEMPTS_KEPT_MAX = 100;
const NARROW_TRIES = 8;
const WIDE_TRIES = 100;

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
        this.file = stateFile === undefined ? null :
            new StateFile(stateFile, (record) => this.apply(record));
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
        this.file?.reset();
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
        this.file?.append(record);
        this.apply(record);
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

        if (record.t === 'refund') {
            this.applyRefund(trade, record);
        } else {
            change(trade, record);
        }
    }


    applyOpen(record) {
        const trade = opened({ protocol: FIRST_PROTOCOL, ...record });
        const namesakes = this.byOutTradeNo.get(trade.out_trade_no) ?? [];

        this.byTradeNo.set(trade.trade_no, trade);
        this.byOutTradeNo.set(trade.out_trade_no, [...namesakes, trade]);
    }


    applyRefund(trade, record) {
        const refund = refunded(trade, record);

        this.byRefundNo.set(refund.refund_no, { trade, refund });

        if (refund.out_refund_no !== null) {
            this.byRefundNo.set(
                `${trade.protocol} ${refund.out_refund_no}`,
                { trade, refund });
        }
    }


    close() {
        this.file?.close();
    }
}


module.exports = { Trades, Refusal, STATUS, chinaTime };
