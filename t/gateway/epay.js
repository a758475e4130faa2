'use strict';

/*
 * EPay V1: submit.php (through the buyer's browser), mapi.php and api.php,
 * signed with MD5.  Queries and refunds show the key itself.
 */

const php = require('./php.js');
const money = require('./money.js');
const account = require('./account.js');
const { EpayForm, ApiRefusal, CODE, answered, text, parseMoney } =
    require('./epay_form.js');
const { STATUS, chinaTime } = require('./trades.js');
const { sealMd5, refusal } = require('./sign.js');


class Epay extends EpayForm {
    static required = true;

    static options = {
        'pid': ['pid', account.pid],
        'key-file': ['key', account.secret],
    };


    constructor(gateway) {
        super(gateway);
        this.name = 'epay';
        this.routes = {
            '/submit.php': this.submit,
            '/mapi.php': this.mapi,
            '/api.php': this.api,
        };
        this.acts = {
            order: this.order, query: this.merchant, refund: this.refund,
        };
    }


    refusal(fields) {
        return refusal(fields, this.account.key);
    }


    seal(pairs, mode) {
        return sealMd5(pairs, this.account.key, mode);
    }


    mapi({ form, base }) {
        return answered(() => {
            if (!form.has('pid')) {
                throw new ApiRefusal(CODE.NO_PARAMETERS, '没有参数 (no pid)');
            }

            const trade = this.open(form, ['out_trade_no', 'notify_url',
                'name', 'money', 'type', 'clientip']);

            return { code: 1, trade_no: trade.trade_no,
                payurl: `${base}/pay/${trade.trade_no}` };
        });
    }


    api(request) {
        const act = text(request.query, 'act');

        return answered(() => {
            if (!Object.hasOwn(this.acts, act)) {
                throw new ApiRefusal(CODE.NO_ACT, '没有此操作 (no such act)');
            }

            return this.acts[act].call(this, request);
        });
    }


    /* The key in clear, where there is no signature. */

    showsKey(fields) {
        if (php.intval(text(fields, 'pid')) !== this.account.pid) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, '商户不存在 (unknown pid)');
        }

        if (text(fields, 'key') !== this.account.key) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, '密钥错误 (wrong key)');
        }
    }


    order({ query }) {
        this.showsKey(query);

        const trade = this.named(query);
        const paid = trade.status !== STATUS.UNPAID;

        return {
            code: 1, msg: 'succ', trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no,
            api_trade_no: paid ? 'P' + trade.trade_no : null,
            type: trade.type || null, pid: Number(this.account.pid),
            addtime: chinaTime(trade.added_ms),
            endtime: paid ? chinaTime(trade.paid_ms) : null,
            name: php.toUtf8(trade.name), money: money.fixed(trade.money_fen),
            param: trade.param === null ? null : php.toUtf8(trade.param),
            buyer: null, status: trade.status, payurl: null,
        };
    }


    merchant({ query }) {
        this.showsKey(query);

        let orders = 0;
        let paidFen = 0n;

        for (const trade of this.trades.all()) {
            if (trade.protocol !== this.name) {
                continue;
            }

            orders++;

            if (trade.status !== STATUS.UNPAID) {
                paidFen += trade.money_fen - trade.refunded_fen;
            }
        }

        return { code: 1, pid: Number(this.account.pid),
            key: php.toUtf8(this.account.key), active: 1,
            money: money.fixed(paidFen), orders };
    }


    /* The gateway makes the refund number: a repeated call refunds again. */

    refund({ form }) {
        this.showsKey(form);

        const fen = parseMoney(text(form, 'money').trim());
        const trade = this.named(form);
        const refund = this.trades.refund(trade, fen);

        return { code: 0, msg: `退款成功 (refunded): ${money.fixed(fen)}`,
            refund_no: refund.refund_no, trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no,
            uid: Number(this.account.pid), money: money.fixed(fen) };
    }
}


module.exports = { Epay };
