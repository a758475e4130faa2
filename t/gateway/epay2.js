'use strict';

/*
 * EPay V2: the parameters of V1 with a timestamp, signed with RSA in both
 * directions.  Replies of success are signed too, refusals are not.
 */

const php = require('./php.js');
const money = require('./money.js');
const account = require('./account.js');
const { EpayForm, ApiRefusal, CODE, answered, text, parseMoney } =
    require('./epay_form.js');
const { Refusal, STATUS, chinaTime } = require('./trades.js');
const { canonical, rsaSign, rsaHolds, sealMd5 } = require('./sign.js');

const AGE_S_MAX = 300;

/* Shorter numbers of a refund do not make it safe to repeat. */

const OUT_REFUND_NO_MIN = 6;

const HASHES = { SHA1: 'sha1', SHA256: 'sha256' };


function seconds(ms) {
    return String(Math.floor(ms / 1000));
}


/* Signed over the decoded values: numbers as decimal text, null as none. */

function asText(reply) {
    return Object.entries(reply).filter(([, value]) => value !== null)
        .map(([name, value]) => [name, php.fromUtf8(String(value))]);
}


class Epay2 extends EpayForm {
    static options = {
        'epay2-pid': ['pid', account.pid],
        'epay2-private-key': ['privateKey', account.privateKey],
        'epay2-merchant-public-key': ['merchantKey', account.publicKey],
    };


    constructor(gateway) {
        super(gateway);
        this.name = 'epay2';
        this.md5Key = gateway.protocols.get('epay').account.key;
        this.switches = { ...this.switches, timestamp: 'timestamp' };
        this.routes = {
            '/api/pay/submit': this.submit,
            '/api/pay/create': this.call(this.create),
            '/api/pay/query': this.call(this.query),
            '/api/pay/refund': this.call(this.refund),
            '/api/pay/refundquery': this.call(this.refundQuery),
            '/api/pay/close': this.call(this.close),
        };
    }


    refusal(fields) {
        const stamp = text(fields, 'timestamp');
        const ageS = Number(seconds(Date.now())) - Number(stamp);

        if (text(fields, 'sign_type') !== 'RSA') {
            return '签名类型不正确 (sign_type must be RSA)';
        }

        if (!/^\d{10}$/.test(stamp) || Math.abs(ageS) > AGE_S_MAX) {
            return '时间戳不正确 (bad timestamp)';
        }

        return rsaHolds(canonical(fields), text(fields, 'sign'),
            this.account.merchantKey) ? null : 'RSA签名错误 (bad signature)';
    }


    /* MD5 is what a merchant of both versions would sign with under V1. */

    seal(pairs, mode) {
        return mode.algorithm === 'MD5' ? sealMd5(pairs, this.md5Key, mode) :
            { sign_type: 'RSA', sign: rsaSign(canonical(pairs),
                this.account.privateKey, HASHES[mode.algorithm]) };
    }


    values({ trade, nowMs }) {
        return [...super.values({ trade }),
            ['api_trade_no', 'P' + trade.trade_no],
            ['buyer', 'buyer@practice.test'],
            ['timestamp', seconds(nowMs)]];
    }


    /* A route of a call: POST only, authenticated, its reply signed. */

    call(handler) {
        return ({ form, base }) => answered(() => {
            if (!form.has('pid')) {
                throw new ApiRefusal(CODE.NO_PARAMETERS, '没有参数 (no pid)');
            }

            this.authenticate(form);

            const reply = { code: 0, ...handler.call(this, form, base),
                timestamp: seconds(Date.now()) };

            return { ...reply, sign_type: 'RSA', sign: rsaSign(
                canonical(asText(reply)), this.account.privateKey) };
        });
    }


    create(form, base) {
        const trade = this.open(form, ['method', 'out_trade_no',
            'notify_url', 'name', 'money', 'clientip']);

        return { trade_no: trade.trade_no, pay_type: 'jump',
            pay_info: `${base}/pay/${trade.trade_no}` };
    }


    query(form) {
        const trade = this.named(form);
        const paid = trade.status > STATUS.UNPAID;

        return {
            msg: 'success', trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no,
            api_trade_no: paid ? 'P' + trade.trade_no : null,
            type: trade.type || null,
            status: paid ? trade.status : STATUS.UNPAID,
            pid: Number(this.number), addtime: chinaTime(trade.added_ms),
            endtime: paid ? chinaTime(trade.paid_ms) : null,
            name: php.toUtf8(trade.name), money: money.fixed(trade.money_fen),
            ...trade.refunded_fen > 0n
                && { refundmoney: money.fixed(trade.refunded_fen) },
            param: trade.param === null ? null : php.toUtf8(trade.param),
            buyer: paid ? 'buyer@practice.test' : null, clientip: '127.0.0.1',
        };
    }


    refund(form) {
        const outRefundNo = text(form, 'out_refund_no');
        const fen = parseMoney(text(form, 'money'));
        const trade = this.named(form);
        const before = outRefundNo.length < OUT_REFUND_NO_MIN ? undefined :
            this.trades.findRefund(this.name, outRefundNo);

        if (before !== undefined && before.trade !== trade) {
            throw new Refusal('退款单号重复 (out_refund_no of another trade)');
        }

        const refund = before?.refund
            ?? this.trades.refund(trade, fen, outRefundNo || null);

        return { msg: '退款成功 (refunded)', ...this.refunded(trade, refund) };
    }


    refunded(trade, refund) {
        return { refund_no: refund.refund_no,
            out_refund_no: refund.out_refund_no, trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no, uid: Number(this.number),
            money: money.fixed(refund.fen),
            reducemoney: money.fixed(refund.fen) };
    }


    refundQuery(form) {
        const refundNo = text(form, 'refund_no');
        const found = refundNo === '' ?
            this.trades.findRefund(this.name, text(form, 'out_refund_no')) :
            this.trades.findRefundNo(refundNo);

        if (found === undefined || found.trade.protocol !== this.name) {
            throw new Refusal('退款记录不存在 (no such refund)');
        }

        return { msg: 'success', ...this.refunded(found.trade, found.refund),
            status: 1, addtime: chinaTime(found.refund.at_ms) };
    }


    close(form) {
        const trade = this.named(form);

        if (!this.trades.cancel(trade) && trade.status !== STATUS.CLOSED) {
            throw new Refusal('订单已支付 (paid)');
        }

        return { msg: '关闭成功 (closed)' };
    }
}


module.exports = { Epay2 };
