'use strict';

/*
 * What each kind of record does to the trade that it names.  Those that also
 * change how trades are found are in trades.js.
 */

/* Closed: never paid, and can never be.  Refunded: in part or in full. */

const STATUS = { CLOSED: -1, UNPAID: 0, PAID: 1, REFUNDED: 2 };

const NO_NOTICE = Object.freeze({ state: 'none', tries: 0 });


/* A trade as the record that opens it says, and nothing has happened yet. */

function opened({ t, ...record }) {
    return { ...record, money_fen: BigInt(record.money_fen),
        status: STATUS.UNPAID, paid_ms: 0, closed_ms: 0, deferred_ms: 0,
        refunded_fen: 0n, refunds: [], notice: NO_NOTICE, attempts_total: 0,
        attempts: [] };
}


/* `total_fen` is what had been given back when this one was made. */

function refunded(trade, { t, trade_no: tradeNo, refund_no, fen,
    out_refund_no = null, ...more })
{
    trade.status = STATUS.REFUNDED;
    trade.refunded_fen += BigInt(fen);
    trade.refunds.push({ refund_no, out_refund_no, ...more, fen: BigInt(fen),
        total_fen: trade.refunded_fen, notice: NO_NOTICE });

    return trade.refunds.at(-1);
}


function paid(trade, { paid_ms: atMs }) {
    trade.status = STATUS.PAID;
    trade.paid_ms = atMs;
}


function closed(trade, { closed_ms: atMs }) {
    trade.status = STATUS.CLOSED;
    trade.closed_ms = atMs;
}


const CHANGES = {
    again: (trade, { type, submitted }) =>
        Object.assign(trade, { type, submitted }),

    rebuilt: (trade, { wanted }) => Object.assign(trade, wanted,
        { money_fen: BigInt(wanted.money_fen) }),

    paid,
    closed,

    deferred: (trade, { deferred_ms: atMs }) => {
        trade.deferred_ms = atMs;
    },

    settled: (trade, { outcome, at_ms: atMs }) => {
        trade.settlement = { outcome, notice: NO_NOTICE };

        if (outcome === 'succeeded') {
            paid(trade, { paid_ms: atMs });
        } else {
            closed(trade, { closed_ms: atMs });
        }
    },

    notice: (trade, { refund_no: number, settled, state, tries }) => {
        const told = settled ? trade.settlement :
            trade.refunds.find((refund) => refund.refund_no === number);

        (told ?? trade).notice = { state, tries };
    },
};


function change(trade, record) {
    if (!Object.hasOwn(CHANGES, record.t)) {
        throw new Error(`unknown record "${record.t}"`);
    }

    CHANGES[record.t](trade, record);
}


module.exports = { STATUS, opened, refunded, change };
