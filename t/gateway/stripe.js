'use strict';

/*
 * Stripe Checkout: sessions, refunds and webhooks.  The ids of a session, of
 * its payment and of what is refunded have the trade's number in them.
 */

const php = require('./php.js');
const json = require('./json.js');
const account = require('./account.js');
const { StripeError, bad, parseForm, parseExpand, parseSession,
    parseRefund } = require('./stripe_form.js');
const { signature } = require('./stripe_sign.js');
const { seconds, statusOf, shown, expanded, shownRefund, happened } =
    require('./stripe_shown.js');
const { tailored, asText } = require('./notice.js');
const { about } = require('./subject.js');
const { watch, watchAll } = require('./deadline.js');
const { Refusal, STATUS } = require('./trades.js');
const { md5 } = require('./sign.js');

const API_VERSION = '2025-03-31.basil';
const REFUNDS_SHOWN = 100;

const SWITCHES = {
    trade_no: 'id', other_order: 'client_reference_id', status: 'status',
    payment_status: 'payment_status', wrong_amount: 'amount_total',
    currency: 'currency', session_mode: 'mode', livemode: 'livemode',
    refund_fee: 'amount_refunded',
};


function reply(value) {
    return { status: 200, body: json.render(value) };
}


class Stripe {
    static options = {
        'stripe-api-key-file': ['apiKey', account.secret],
        'stripe-webhook-secret-file': ['secret', account.secret],
        'stripe-notify-url': ['notifyUrl', account.url],
    };


    static optional = {
        'stripe-livemode': ['livemode', account.oneOf('true', 'false')],
    };


    constructor({ trades, notifier, account: own }) {
        this.trades = trades;
        this.notifier = notifier;
        this.account = own;
        this.name = 'stripe';
        this.number = '0';
        this.switches = SWITCHES;
        this.tells = { refund: true, close: true, settlement: true };
        this.livemode = own.livemode === 'true';
        this.prefix = `cs_${this.livemode ? 'live' : 'test'}_a1`;
        this.routes = {
            '/v1/checkout/sessions': this.call({ POST: this.create }),
            '/v1/checkout/sessions/': this.call({ GET: this.retrieve }),
            '/v1/checkout/sessions/*/expire':
                this.call({ POST: this.expire }),
            '/v1/refunds': this.call({ POST: this.refund,
                GET: this.refunds }),
        };
    }


    resume() {
        watchAll(this);
    }


    subject({ rest, body, query, method }) {
        try {
            const form = method === 'POST' ?
                parseForm(body.toString('latin1')) : query;
            const order = form.get('client_reference_id');
            const intent = form.get('payment_intent');

            if (order !== undefined) {
                return about(this, order);
            }

            return intent === undefined ? this.session(rest) :
                this.paid(intent);

        } catch (e) {
            return about(this);
        }
    }


    /* A route: {method: call}. */

    call(calls) {
        return (request) => {
            let made;

            try {
                made = this.answered(calls[request.method], request);

            } catch (e) {
                if (!(e instanceof Refusal)) {
                    throw e;
                }

                made = { status: e.status ?? 400, body: json.render({ error:
                    e.error ?? { type: 'invalid_request_error',
                        message: e.message } }) };
            }

            return { ...made, headers: { 'Content-Type': 'application/json',
                'Request-Id': 'req_' + md5(String(Math.random())) } };
        };
    }


    answered(call, request) {
        const { authorization, 'content-type': type } = request.headers;
        const isPost = request.method === 'POST';

        if (authorization !== `Bearer ${this.account.apiKey}`) {
            throw new StripeError(401, { message: 'Invalid API Key' });
        }

        if (call === undefined) {
            throw new StripeError(405, { message: 'Method not allowed' });
        }

        if (isPost && request.body.length > 0
            && !/^application\/x-www-form-urlencoded\b/i.test(type ?? ''))
        {
            throw bad(undefined, 'Content-Type must be a form');
        }

        const form = parseForm(request.body.toString('latin1'));

        return isPost ? this.once(call, { ...request, form }) :
            call.call(this, request);
    }


    /*
     * The reply to an idempotency key is kept with the trade or refund that
     * the call has made; refusals are not kept.
     */

    once(call, request) {
        const key = request.headers['idempotency-key'];
        const print = md5(request.path + request.body.toString('latin1'));

        if (key === undefined) {
            return call.call(this, request);
        }

        const before = this.trades.findKey(`${this.name} ${key}`);

        if (before === undefined) {
            const made = call.call(this, request);

            this.trades.keep(`${this.name} ${key}`, { print, ...made });

            return made;
        }

        if (before.print !== print) {
            throw new StripeError(400, { type: 'idempotency_error',
                message: 'Keys for idempotent requests can only be used with '
                    + 'the same parameters they were first used with.' });
        }

        return { status: before.status, body: before.body };
    }


    create({ form, base }) {
        const wanted = parseSession(form);
        const trade = this.trades.create({ protocol: this.name, ...wanted,
            notify_url: php.fromUtf8(this.account.notifyUrl) });

        watch(this, trade);

        return reply(shown(this, trade, base));
    }


    session(id) {
        const number = id.startsWith(this.prefix) ?
            id.slice(this.prefix.length) : '';

        return this.found(number, `No such checkout.session: '${id}'`);
    }


    found(number, message) {
        const trade = this.trades.find(number);

        if (trade === undefined || trade.protocol !== this.name) {
            throw new StripeError(404, { code: 'resource_missing', message });
        }

        return trade;
    }


    retrieve({ rest, base, url }) {
        const depth = parseExpand(url.split('?', 2)[1] ?? '');

        return reply(expanded(this, this.session(rest), base, depth));
    }


    expire({ rest, base }) {
        const trade = this.session(rest);

        if (!this.trades.cancel(trade)) {
            throw bad(undefined, 'Only Checkout Sessions with a status in '
                + `["open"] can be expired: ${statusOf(trade)}`);
        }

        this.notifier.launch({ trade });

        return reply(shown(this, trade, base));
    }


    paid(intent) {
        const trade = this.found(/^(?:pi|ch)_3(\d+)$/.exec(intent)?.[1],
            `No such payment_intent: '${intent}'`);

        if (trade.status <= STATUS.UNPAID) {
            throw bad('payment_intent', 'It has no successful charge');
        }

        return trade;
    }


    refund({ form, mode }) {
        const wanted = parseRefund(form);
        const trade = this.paid(wanted.intent ?? wanted.charge ?? '');
        const left = trade.money_fen - trade.refunded_fen;
        const fen = wanted.fen ?? left;

        if (left === 0n) {
            throw bad(undefined, 'Charge has already been refunded.',
                'charge_already_refunded');
        }

        if (fen > left) {
            throw bad('amount', `Refund amount (${fen}) is greater than `
                + `unrefunded amount on charge (${left})`);
        }

        const refund = this.trades.refund(trade, fen, null,
            { metadata: wanted.metadata, reason: wanted.reason });

        if (mode.refund_status !== 'pending') {
            this.notifier.launch({ trade, refund });
        }

        return reply(shownRefund(trade, refund, mode));
    }


    refunds({ query, mode }) {
        const trade = this.paid(query.get('payment_intent') ?? '');

        return reply({ object: 'list', url: '/v1/refunds', has_more: false,
            data: trade.refunds.slice(-REFUNDS_SHOWN).reverse()
                .map((refund) => shownRefund(trade, refund, mode)) });
    }


    compose({ mode, nowMs, ...event }) {
        const [type, object] = happened(this, event);
        /* the switch that has deferred a payment is not for its outcome */
        const said = tailored(this, object, event.settlement === undefined ?
            mode : { ...mode, payment_status: undefined });
        const body = json.appended(json.render({
            id: 'evt_' + md5(`${event.trade.trade_no} ${type} `
                + event.refund?.refund_no),
            object: 'event', api_version: API_VERSION,
            created: seconds(nowMs), data: { object: new json.Raw(said) },
            livemode: mode.livemode === undefined ? this.livemode :
                json.literal(mode.livemode),
            pending_webhooks: 1, request: { id: null, idempotency_key: null },
            type: php.toUtf8(mode.event_type ?? type),
        }), asText(mode.extra_unsigned_field));
        const sign = signature(body, this.account.secret, nowMs, mode);

        return {
            url: event.trade.notify_url, body,
            headers: { 'Content-Type': 'application/json; charset=utf-8',
                ...sign !== undefined && { 'Stripe-Signature': sign } },
        };
    }


    back() {
        return '';
    }


    nameHtml(trade) {
        return php.toUtf8(php.htmlspecialchars(trade.name));
    }


    acknowledged({ status }) {
        return status >= 200 && status < 300;
    }
}


module.exports = { Stripe };
