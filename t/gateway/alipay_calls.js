'use strict';

/*
 * The calls of an Alipay merchant beside the pages.  Each takes (fields,
 * base) as a method of the protocol and returns what the reply says beyond
 * its code, or throws.
 */

const money = require('./money.js');
const { AlipayError, bizContent, text, fenOf } = require('./alipay_trade.js');
const { STATUS, chinaTime } = require('./trades.js');

const NUMBER_MAX = 64;
const PRODUCT_CODE = 'FACE_TO_FACE_PAYMENT';


/* trade_no goes before out_trade_no when both are there. */

function named(protocol, biz) {
    const tradeNo = text(biz, 'trade_no', NUMBER_MAX);
    const order = text(biz, 'out_trade_no', NUMBER_MAX);
    const trade = tradeNo === '' ?
        protocol.trades.findOrder(order, protocol.name) :
        protocol.trades.find(tradeNo);

    if (trade === undefined || trade.protocol !== protocol.name) {
        throw AlipayError.business('ACQ.TRADE_NOT_EXIST', '交易不存在');
    }

    return trade;
}


function numbers(trade) {
    return { trade_no: trade.trade_no, out_trade_no: trade.out_trade_no };
}


function tradeStatus(trade) {
    if (trade.status === STATUS.UNPAID) {
        return 'WAIT_BUYER_PAY';
    }

    return trade.status === STATUS.CLOSED
        || trade.refunded_fen === trade.money_fen ? 'TRADE_CLOSED' :
        'TRADE_SUCCESS';
}


function query(fields) {
    const trade = named(this, bizContent(fields));
    const amount = money.fixed(trade.money_fen);

    return {
        ...numbers(trade), trade_status: tradeStatus(trade),
        total_amount: amount,
        ...trade.status > STATUS.UNPAID && {
            buyer_user_id: this.buyer.id, buyer_logon_id: this.buyer.logon,
            send_pay_date: chinaTime(trade.paid_ms), receipt_amount: amount,
            buyer_pay_amount: amount, invoice_amount: amount,
            point_amount: '0.00',
        },
    };
}


/* A refund of the whole may go without out_request_no. */

function requestNo(trade, biz) {
    return text(biz, 'out_request_no', NUMBER_MAX) || trade.out_trade_no;
}


function refundOf(trade, number) {
    return trade.refunds.find((r) => r.out_refund_no === number);
}


function refund(fields) {
    const biz = bizContent(fields);
    const trade = named(this, biz);
    const fen = fenOf(biz, 'refund_amount');
    const number = requestNo(trade, biz);
    const before = refundOf(trade, number);

    if (before !== undefined && before.fen !== fen) {
        throw AlipayError.business('ACQ.DISCORDANT_REPEAT_REQUEST',
            '不一致的请求');
    }

    if (before === undefined) {
        if (trade.status <= STATUS.UNPAID) {
            throw AlipayError.business('ACQ.TRADE_STATUS_ERROR',
                '交易状态不合法');
        }

        if (fen > trade.money_fen - trade.refunded_fen) {
            throw AlipayError.business('ACQ.REFUND_AMT_NOT_EQUAL_TOTAL',
                '退款金额超限');
        }

        this.notifier.launch({ trade,
            refund: this.trades.refund(trade, fen, number) });
    }

    return {
        ...numbers(trade), buyer_logon_id: this.buyer.logon,
        buyer_user_id: this.buyer.id,
        fund_change: before === undefined ? 'Y' : 'N',
        refund_fee: money.fixed(trade.refunded_fen),
        send_back_fee: money.fixed(fen),
    };
}


/* Without such a refund the reply has no status, and is no error. */

function refundQuery(fields) {
    const biz = bizContent(fields);
    const trade = named(this, biz);
    const number = requestNo(trade, biz);
    const found = refundOf(trade, number);

    return found === undefined ? {} : {
        ...numbers(trade), out_request_no: number,
        total_amount: money.fixed(trade.money_fen),
        refund_amount: money.fixed(found.fen),
        refund_status: 'REFUND_SUCCESS',
        gmt_refund_pay: chinaTime(found.at_ms),
    };
}


function close(fields) {
    const trade = named(this, bizContent(fields));

    if (!this.trades.cancel(trade)) {
        throw AlipayError.business('ACQ.TRADE_STATUS_ERROR',
            '交易状态不合法');
    }

    this.notifier.launch({ trade });

    return numbers(trade);
}


function precreate(fields, base) {
    const trade = this.open(fields, PRODUCT_CODE);

    return { out_trade_no: trade.out_trade_no,
        qr_code: `${base}/pay/${trade.trade_no}` };
}


const CALLS = {
    'alipay.trade.query': query,
    'alipay.trade.refund': refund,
    'alipay.trade.fastpay.refund.query': refundQuery,
    'alipay.trade.close': close,
    'alipay.trade.precreate': precreate,
};


module.exports = { CALLS };
