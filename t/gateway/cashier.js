'use strict';

/*
 * The buyer at the gateway: the cashier page of a trade, its one button, and
 * the way back to the shop.  The same for every protocol.
 */

const php = require('./php.js');
const pages = require('./pages.js');
const { withQuery } = require('./notice.js');
const { STATUS } = require('./trades.js');

/* How long the buyer's browser waits for the shop to have heard of it. */

const NOTICE_WAIT_MS_MAX = 2000;


class Cashier {
    constructor({ trades, protocols, notifier }) {
        this.trades = trades;
        this.protocols = protocols;
        this.notifier = notifier;
    }


    /* undefined if the path is none of a trade. */

    answer(method, path) {
        const match = /^\/pay\/(\d{19,23})(\/confirm)?$/.exec(path);
        const trade = match === null ? undefined : this.trades.find(match[1]);

        if (trade === undefined) {
            return undefined;
        }

        if (match[2] === undefined) {
            return pages.cashier(trade, this.protocol(trade).nameHtml(trade));
        }

        return method === 'POST' ? this.confirm(trade) :
            pages.error(405, '请求方法不支持 (POST)');
    }


    protocol(trade) {
        return this.protocols.get(trade.protocol);
    }


    /*
     * The browser goes back once the shop has answered the first notice,
     * and not much later if it does not answer.
     */

    async confirm(trade) {
        if (this.notifier.buy(trade)) {
            let timer;

            await Promise.race([
                this.notifier.start({ trade }),
                new Promise((done) => {
                    timer = setTimeout(done, NOTICE_WAIT_MS_MAX);
                }),
            ]);
            clearTimeout(timer);
        }

        return trade.status === STATUS.CLOSED ?
            pages.error(200, '交易已关闭 (closed)') : this.redirect(trade);
    }


    redirect(trade) {
        const protocol = this.protocol(trade);
        const query = protocol.back(trade);
        const back = query === '' ? trade.return_url :
            withQuery(trade.return_url, query);

        try {
            const url = new URL(php.toUtf8(back));

            if (url.protocol === 'http:' || url.protocol === 'https:') {
                return { status: 302, body: '',
                    headers: { Location: url.href } };
            }

        } catch (e) {
            if (e.code !== 'ERR_INVALID_URL') {
                throw e;
            }
        }

        return pages.paid(trade, protocol.nameHtml(trade));
    }
}


module.exports = { Cashier };
