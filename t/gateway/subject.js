'use strict';

/*
 * What a call of a shop is about, before anybody has looked whether it may
 * be trusted: {protocol, out_trade_no}, as a trade is, for the modes and the
 * log.  An order number that cannot be read is undefined.
 */


function about({ name }, order = undefined) {
    return { protocol: name,
        out_trade_no: typeof order === 'string' ? order : undefined };
}


/* Of a JSON object that names the order, or the trade by our number. */

function aboutJson(protocol, text, orderName, numberName) {
    let given;

    try {
        given = JSON.parse(text.toString('utf8')) ?? {};
    } catch (e) {
        given = {};
    }

    return about(protocol, given[orderName]
        ?? protocol.trades.find(given[numberName])?.out_trade_no);
}


module.exports = { about, aboutJson };
