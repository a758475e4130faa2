'use strict';

/*
 * What the EPay protocols have in common: the parameters that open a trade,
 * the values of a notice, and how refusals are answered.  A protocol extends
 * EpayForm and says how it signs, stores text and prints money.
 *
 * A handler takes a request {method, query, form, base, rest}, both Maps of
 * php.parseForm(), and returns a reply {status, headers, body}; none of them
 * throws on bad input.
 */

const php = require('./php.js');
const money = require('./money.js');
const pages = require('./pages.js');
const { notice } = require('./notice.js');
const { about } = require('./subject.js');
const { Refusal } = require('./trades.js');

const CODE = { NO_PARAMETERS: -4, NO_ACT: -5, NOT_TRUSTED: -3, REFUSED: -1 };
const NAME_BYTES_MAX = 127;
const METHODS = ['alipay', 'wxpay', 'qqpay', 'bank', 'jdpay', 'usdt'];

const SWITCHES = {
    wrong_pid: 'pid', trade_no: 'trade_no', other_order: 'out_trade_no',
    name: 'name', wrong_amount: 'money', status: 'trade_status',
};

/* Three spellings, no others: strpos() in the original minds the case. */

const ACKNOWLEDGED = /success|SUCCESS|Success/;


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

function answered(call) {
    try {
        return json(call());

    } catch (e) {
        if (!(e instanceof Refusal)) {
            throw e;
        }

        return json({ code: e.code ?? CODE.REFUSED, msg: e.message });
    }
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


class EpayForm {
    constructor({ trades, account }) {
        this.trades = trades;
        this.account = account;
        this.number = account.pid;
        this.method = 'GET';
        this.type = 'application/x-www-form-urlencoded';
        this.switches = SWITCHES;
        this.tells = { refund: false, close: false };
    }


    /* The originals in PHP keep text escaped, so it comes back escaped. */

    stored(bytes) {
        return php.htmlspecialchars(php.addslashes(bytes));
    }


    nameHtml(trade) {
        return php.toUtf8(trade.name);
    }


    kind(fields) {
        return METHODS.find((m) => m === text(fields, 'type')) ?? '';
    }


    /* What is not the buyer's way to the cashier is a call of the shop. */

    subject({ path, query, form }) {
        const fields = new Map([...query, ...form]);

        return /\/submit(\.php)?$/.test(path) ? undefined :
            this.trades.find(fields.get('trade_no'))
                ?? about(this, fields.get('out_trade_no'));
    }


    /* Throws unless these are parameters that our merchant has signed. */

    authenticate(fields) {
        if (php.intval(text(fields, 'pid')) !== this.account.pid) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, '商户不存在 (unknown pid)');
        }

        const reason = this.refusal(fields);

        if (reason !== null) {
            throw new ApiRefusal(CODE.NOT_TRUSTED, reason);
        }
    }


    /* The trade that signed parameters ask for, opened in the book. */

    open(fields, names) {
        this.authenticate(fields);
        required(fields, names);

        const fen = parseMoney(text(fields, 'money'));

        if (!/^[a-zA-Z0-9._\-|]+$/.test(text(fields, 'out_trade_no'))) {
            throw new Refusal('out_trade_no 格式不正确 (bad characters)');
        }

        return this.trades.open({
            protocol: this.name,
            out_trade_no: text(fields, 'out_trade_no'),
            type: this.kind(fields),
            name: php.cut(this.stored(text(fields, 'name')), NAME_BYTES_MAX),
            money_fen: fen,
            notify_url: this.stored(text(fields, 'notify_url')),
            return_url: this.stored(text(fields, 'return_url')),
            param: fields.has('param') ?
                this.stored(text(fields, 'param')) : null,
            submitted: [...fields].filter(([, v]) => v !== php.ARRAY),
        });
    }


    /* Parameters come from one carrier only: the query if it has a pid. */

    submit({ query, form }) {
        const fields = query.has('pid') ? query : form;

        try {
            const trade = this.open(fields, ['out_trade_no', 'notify_url',
                'return_url', 'name', 'money']);

            return { status: 302, body: '',
                headers: { Location: `/pay/${trade.trade_no}` } };

        } catch (e) {
            if (!(e instanceof Refusal)) {
                throw e;
            }

            return pages.error(200, e.message);
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
            this.trades.findOrder(outTradeNo, this.name) :
            this.trades.find(tradeNo);

        if (trade === undefined || trade.protocol !== this.name) {
            throw new Refusal('订单不存在 (no such order)');
        }

        return trade;
    }


    /* In the order in which the original sends them. */

    values({ trade }) {
        const pairs = [
            ['pid', this.account.pid],
            ['trade_no', trade.trade_no],
            ['out_trade_no', trade.out_trade_no],
            ['type', trade.type || 'alipay'],
            ['name', trade.name],
            ['money', this.printed(trade.money_fen)],
            ['trade_status', 'TRADE_SUCCESS'],
        ];

        if (trade.param !== null && !php.isEmpty(trade.param)) {
            pairs.push(['param', trade.param]);
        }

        return pairs;
    }


    printed(fen) {
        return money.phpFloat(fen);
    }


    back(trade) {
        return notice(this, trade);
    }


    acknowledged({ body }) {
        return ACKNOWLEDGED.test(body);
    }
}


module.exports = {
    EpayForm, ApiRefusal, CODE, answered, text, required, parseMoney,
};
