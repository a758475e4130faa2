'use strict';

/*
 * What is unpaid at its end is closed, and the shop is told of it where the
 * protocol tells.  A trade with an end has expires_ms.
 */

const { STATUS } = require('./trades.js');


function watch(protocol, trade) {
    const { expires_ms: endMs } = trade;

    if (endMs === null || trade.status !== STATUS.UNPAID) {
        return;
    }

    protocol.notifier.after(Math.max(0, endMs - Date.now()), () => {
        /* a trade may have got another end meanwhile */
        if (trade.expires_ms === endMs && protocol.trades.cancel(trade)
            && protocol.tells.close)
        {
            protocol.notifier.launch({ trade });
        }
    });
}


/* After a start: the ends of the trades that the state file holds. */

function watchAll(protocol) {
    for (const trade of protocol.trades.all()) {
        if (trade.protocol === protocol.name) {
            watch(protocol, trade);
        }
    }
}


module.exports = { watch, watchAll };
