'use strict';

/*
 * The command line.  What belongs to a protocol is listed by the protocol.
 */

const { parseArgs } = require('node:util');
const tls = require('./tls.js');
const { readAccount } = require('./account.js');

const RETRIES_MAX = 20;
const RETRY_MS_MAX = 86400000;

const GENERAL = {
    'host': { type: 'string', default: '127.0.0.1' },
    'port': { type: 'string', default: '8081' },
    'state': { type: 'string' },
    'retry-ms': { type: 'string', default: '1000,3000,10000,30000,60000' },
    'print-port': { type: 'boolean', default: false },
    ...tls.OPTIONS,
};


function group(options) {
    return Object.keys(options)
        .map((name) => `--${name} ${kindOf(name)}`)
        .join('\n        ');
}


/* What a value is, by how the option's name ends. */

function kindOf(name) {
    const kinds = { file: 'FILE', key: 'FILE', private: 'FILE', url: 'URL',
        livemode: 'WORD', hash: 'WORD' };

    return kinds[name.split('-').at(-1)] ?? 'ID';
}


function usage(protocols) {
    const accounts = protocols.map(({ options, optional, required }) => {
        const more = optional === undefined ? '' :
            `\n        [${group(optional)}]`;
        const text = group(options) + more;

        return required ? text : `[${text}]`;
    });

    return `usage: node gateway.js ${accounts.join('\n    ')}
    [--host 127.0.0.1] [--port 8081] [--state FILE] [--print-port]
    [--tls-port N --tls-cert FILE --tls-key FILE]
    [--retry-ms 1000,3000,10000,30000,60000]
`;
}


function parseRetries(text) {
    const list = text === '' ? [] : text.split(',').map(Number);

    if (list.length > RETRIES_MAX || list.some((ms) =>
        !Number.isInteger(ms) || ms < 0 || ms > RETRY_MS_MAX))
    {
        throw new Error('--retry-ms: milliseconds, separated by commas');
    }

    return list;
}


/*
 * `protocols` are the classes.  Returns {host, port, tls, stateFile,
 * printPort, retriesMs, accounts}, the last as [class, account] of those that
 * have one.
 */

function parseOptions(args, protocols) {
    const options = { ...GENERAL };

    for (const { options: own, optional } of protocols) {
        for (const name of Object.keys({ ...own, ...optional })) {
            options[name] = { type: 'string' };
        }
    }

    const { values } = parseArgs({ args, options });
    const port = tls.portOf('port', values.port);
    const accounts = protocols.map((p) => [p, readAccount(p, values)]);

    for (const [protocol, account] of accounts) {
        if (protocol.required && account === null) {
            throw new Error(
                `--${Object.keys(protocol.options).join(', --')}: needed`);
        }
    }

    return {
        host: values.host, port, tls: tls.parseTls(values),
        stateFile: values.state,
        printPort: values['print-port'],
        retriesMs: parseRetries(values['retry-ms']),
        accounts: accounts.filter(([, account]) => account !== null),
    };
}


module.exports = { parseOptions, usage };
