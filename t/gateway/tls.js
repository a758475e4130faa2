'use strict';

/* The options for the same server over TLS: all three or none. */

const fs = require('node:fs');

const OPTIONS = {
    'tls-port': { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
};


function portOf(name, text) {
    const port = Number(text);

    if (!/^\d{1,5}$/.test(text) || port > 65535) {
        throw new Error(`--${name}: 0..65535`);
    }

    return port;
}


/* {port, cert, key}, or null. */

function parseTls(values) {
    const missing = Object.keys(OPTIONS).filter((name) =>
        values[name] === undefined);

    if (missing.length === Object.keys(OPTIONS).length) {
        return null;
    }

    if (missing.length > 0) {
        throw new Error(`--tls-port, --tls-cert, --tls-key: no ${missing}`);
    }

    return { port: portOf('tls-port', values['tls-port']),
        cert: fs.readFileSync(values['tls-cert']),
        key: fs.readFileSync(values['tls-key']) };
}


module.exports = { OPTIONS, portOf, parseTls };
