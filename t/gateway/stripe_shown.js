'use strict';

/*
 * What Stripe shows of a trade: the objects in replies and events.  `stripe`
 * is the protocol.
 */

const php = require('./php.js');
const { STATUS } = require('./trades.js');


function seconds(ms) {
    return Math.floor(ms / 1000);
}


function statusOf(trade) {
    if (trade.status > STATUS.UNPAID || trade.deferred_ms > 0) {
        return 'complete';
    }

    return trade.status === STATUS.CLOSED ? 'expired' : 'open';
}


function shown(stripe, trade, base, payment = undefined) {
    const status = statusOf(trade);
    const total = Number(trade.money_fen);

    return {
        id: stripe.prefix + trade.trade_no, object: 'checkout.session',
        amount_subtotal: total, amount_total: total,
        cancel_url: trade.cancel_url,
        client_reference_id: trade.out_trade_no,
        created: seconds(trade.added_ms), currency: trade.currency,
        expires_at: seconds(trade.expires_ms), livemode: stripe.livemode,
        metadata: trade.metadata, mode: 'payment',
        payment_intent: status === 'complete' ?
            `pi_3${trade.trade_no}` : null,
        payment_method_types: ['card'],
        payment_status: payment ?? (trade.status > STATUS.UNPAID ?
            'paid' : 'unpaid'),
        status, success_url: php.toUtf8(trade.return_url),
        url: status === 'open' ? `${base}/pay/${trade.trade_no}` : null,
    };
}


function shownRefund(trade, refund, { refund_status: status = 'succeeded' }) {
    return {
        id: `re_3${refund.refund_no}`, object: 'refund',
        amount: Number(refund.fen), charge: `ch_3${trade.trade_no}`,
        created: seconds(refund.at_ms), currency: trade.currency,
        metadata: refund.metadata, reason: refund.reason, status,
        payment_intent: `pi_3${trade.trade_no}`,
    };
}


/* After a refund it is as it was then, or as it is now. */

function charge(stripe, trade, refundedFen = trade.refunded_fen) {
    return {
        id: `ch_3${trade.trade_no}`, object: 'charge',
        amount: Number(trade.money_fen),
        amount_refunded: Number(refundedFen),
        created: seconds(trade.paid_ms), currency: trade.currency,
        livemode: stripe.livemode, metadata: trade.payment_metadata,
        paid: true,
        payment_intent: `pi_3${trade.trade_no}`,
        refunded: refundedFen === trade.money_fen,
        status: 'succeeded',
    };
}


/* Of a payment that takes time there is no charge yet. */

function shownPayment(stripe, trade, isWhole) {
    const isPaid = trade.status > STATUS.UNPAID;
    const whole = isPaid && isWhole ? charge(stripe, trade) : undefined;

    return {
        id: `pi_3${trade.trade_no}`, object: 'payment_intent',
        amount: Number(trade.money_fen), currency: trade.currency,
        latest_charge: whole ?? (isPaid ? `ch_3${trade.trade_no}` : null),
        livemode: stripe.livemode, metadata: trade.payment_metadata,
        status: isPaid ? 'succeeded' : 'processing',
    };
}


/* A session with the objects that parseExpand() has found. */

function expanded(stripe, trade, base, depth) {
    const session = shown(stripe, trade, base);

    return depth === 0 || session.payment_intent === null ? session :
        { ...session, payment_intent: shownPayment(stripe, trade, depth > 1) };
}


/* [type, object] of what happened; what was not yet paid is told so. */

function happened(stripe, { trade, refund, settlement }) {
    const session = 'checkout.session.';

    if (refund !== undefined) {
        return ['charge.refunded', charge(stripe, trade, refund.total_fen)];
    }

    if (settlement !== undefined) {
        return [`${session}async_payment_${settlement.outcome}`,
            shown(stripe, trade)];
    }

    if (trade.deferred_ms > 0) {
        return [`${session}completed`, shown(stripe, trade, '', 'unpaid')];
    }

    return trade.status === STATUS.CLOSED ?
        [`${session}expired`, shown(stripe, trade)] :
        [`${session}completed`, { ...shown(stripe, trade, '', 'paid'),
            payment_intent: `pi_3${trade.trade_no}`,
            status: 'complete', url: null }];
}


module.exports = { seconds, statusOf, shown, expanded, shownRefund, happened };
