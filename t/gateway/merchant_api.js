'use strict';

/*
 * What a merchant's program calls: submit.php (through the buyer's browser),
 * mapi.php and api.php.  Each function takes a request {query, form, base}
 * with both Maps of php.parseForm(), and returns a reply {status, headers,
 * body}; none of them throws on bad input.
 */

const php = require('./php.js');
const money = require('./money.js');
const pages = require('./pages.js');
const { refusal } = require('./sign.js');
const { Refusal, STATUS, chinaTime } = require('./trades.js');

const CODE = { NO_PARAMETERS: -4, NO_ACT: -5, NOT_TRUSTED: -3, REFUSED: -1 };
const NAME_BYTES_MAX = 127;
const METHODS = ['alipay', 'wxpay', 'qqpay', 'bank', 'jdpay', 'usdt'];


class ApiRefusal extends Refusal {
    constructor(code, message) {
        super(message);
        this.code = code;
    }
}


function json(value) {
    return { status: 200, body: php.jsonEncode(value),
        headers: { 'Content-Type': 'application/json; charset=UTF-8' } };
}


/* The original answers its refusals with status 200 too. */

function refused(e) {
    if (!(e instanceof Refusal)) {
        throw e;
    }

    return json({ code: e.code ?? CODE.REFUSED, msg: e.message });
}


/* A value, or '' if it is absent or an array. */

function text(fields, name) {
    const value = fields.get(name);

    return typeof value === 'string' ? value : '';
}


function required(fields, names) {
    for (const name of names) {
        if (php.isEmpty(text(fields, name))) {
            throw new Refusal(`${name} 不能为空 (missing)`);
        }
    }
}


function escaped(fields, name) {
    return php.htmlspecialchars(php.addslashes(text(fields, name)));
}


function parseMoney(given) {
    const amount = money.parse(given);

    if (amount === null || !amount.atLeastOne) {
        throw new Refusal('金额不合法 (bad money)');
    }

    if (amount.fen > money.FEN_MAX) {
        throw new Refusal('金额过大 (money above the limit)');
    }

    return amount.fen;
}


/* The trade that signed parameters ask for, as the book wants it. */

function wantedTrade(fields, merchant, names) {
    if (php.intval(text(fields, 'pid')) !== merchant.pid) {
        throw new Refusal('商户不存在 (unknown pid)');
    }

    const reason = refusal(fields, merchant.key);

    if (reason !== null) {
        throw new ApiRefusal(CODE.NOT_TRUSTED, reason);
    }

    required(fields, names);

    const fen = parseMoney(text(fields, 'money'));

    if (!/^[a-zA-Z0-9._\-|]+$/.test(text(fields, 'out_trade_no'))) {
        throw new Refusal('out_trade_no 格式不正确 (bad characters)');
    }

    return {
        out_trade_no: text(fields, 'out_trade_no'),
        type: METHODS.find((m) => m === text(fields, 'type')) ?? '',
        name: php.cut(escaped(fields, 'name'), NAME_BYTES_MAX),
        money_fen: fen,
        notify_url: escaped(fields, 'notify_url'),
        return_url: escaped(fields, 'return_url'),
        param: fields.has('param') ? escaped(fields, 'param') : null,
        submitted: [...fields].filter(([, v]) => v !== php.ARRAY),
    };
}


class MerchantApi {
    constructor({ trades, merchant }) {
        this.trades = trades;
        this.merchant = merchant;
    }


    /* Parameters come from one carrier only: the query if it has a pid. */

    submit({ query, form }) {
        const fields = query.has('pid') ? query : form;

        try {
            const trade = this.trades.open(wantedTrade(fields, this.merchant,
                ['out_trade_no', 'notify_url', 'return_url', 'name',
                    'money']));

            return { status: 302, body: '',
                headers: { Location: `/pay/${trade.trade_no}` } };

        } catch (e) {
            if (!(e instanceof Refusal)) {
                throw e;
            }

            return pages.error(200, e.message);
        }
    }


    mapi({ form, base }) {
        try {
            if (!form.has('pid')) {
                throw new ApiRefusal(CODE.NO_PARAMETERS, '没有参数 (no pid)');
            }

            const trade = this.trades.open(wantedTrade(form, this.merchant,
                ['out_trade_no', 'notify_url', 'name', 'money', 'type',
                    'clientip']));

            return json({ code: 1, trade_no: trade.trade_no,
                payurl: `${base}/pay/${trade.trade_no}` });

        } catch (e) {
            return refused(e);
        }
    }


    api(request) {
        const acts = { order: this.order, query: this.account,
            refund: this.refund };
        const act = text(request.query, 'act');

        try {
            if (!Object.hasOwn(acts, act)) {
                throw new ApiRefusal(CODE.NO_ACT, '没有此操作 (no such act)');
            }

            return json(acts[act].call(this, request));

        } catch (e) {
            return refused(e);
        }
    }


    authenticate(fields) {
        if (php.intval(text(fields, 'pid')) !== this.merchant.pid) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, '商户不存在 (unknown pid)');
        }

        if (text(fields, 'key') !== this.merchant.key) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, '密钥错误 (wrong key)');
        }
    }


    /* trade_no goes before out_trade_no when both are there. */

    named(fields) {
        const tradeNo = text(fields, 'trade_no');
        const outTradeNo = text(fields, 'out_trade_no');

        if (php.isEmpty(tradeNo) && php.isEmpty(outTradeNo)) {
            throw new ApiRefusal(CODE.NO_PARAMETERS,
                '订单号不能为空 (no order number)');
        }

        const trade = php.isEmpty(tradeNo) ?
            this.trades.findOrder(outTradeNo) : this.trades.find(tradeNo);

        if (trade === undefined) {
            throw new Refusal('订单不存在 (no such order)');
        }

        return trade;
    }


    order({ query }) {
        this.authenticate(query);

        const trade = this.named(query);
        const paid = trade.status !== STATUS.UNPAID;

        return {
            code: 1, msg: 'succ', trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no,
            api_trade_no: paid ? 'P' + trade.trade_no : null,
            type: trade.type || null, pid: Number(this.merchant.pid),
            addtime: chinaTime(trade.added_ms),
            endtime: paid ? chinaTime(trade.paid_ms) : null,
            name: php.toUtf8(trade.name), money: money.fixed(trade.money_fen),
            param: trade.param === null ? null : php.toUtf8(trade.param),
            buyer: null, status: trade.status, payurl: null,
        };
    }


    account({ query }) {
        this.authenticate(query);

        let orders = 0;
        let paidFen = 0n;

        for (const trade of this.trades.all()) {
            orders++;

            if (trade.status !== STATUS.UNPAID) {
                paidFen += trade.money_fen - trade.refunded_fen;
            }
        }

        return { code: 1, pid: Number(this.merchant.pid),
            key: php.toUtf8(this.merchant.key), active: 1,
            money: money.fixed(paidFen), orders };
    }


    refund({ form }) {
        this.authenticate(form);

        const fen = parseMoney(text(form, 'money').trim());
        const trade = this.named(form);
        const refundNo = this.trades.refund(trade, fen);

        return { code: 0, msg: `退款成功 (refunded): ${money.fixed(fen)}`,
            refund_no: refundNo, trade_no: trade.trade_no,
            out_trade_no: trade.out_trade_no,
            uid: Number(this.merchant.pid), money: money.fixed(fen) };
    }
}


module.exports = { MerchantApi };
