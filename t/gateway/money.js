'use strict';

/*
 * Money is a BigInt of fen; no floating point.  The gateway reads what PHP
 * calls numeric text of digits and points, keeps two decimals (rounded half
 * up, as its DECIMAL(10,2) column does), and prints a PHP float.
 */

const FEN_MAX = 9999999999n;            /* 99999999.99, the column's limit */


/*
 * Takes the money text of a merchant.  null: not a number.  `atLeastOne` is
 * judged before rounding: 0.005 is below one fen although it rounds to one.
 */

function parse(text) {
    const match = /^(\d{0,20})(?:\.(\d{0,20}))?$/.exec(text);

    if (match === null || !/\d/.test(text)) {
        return null;
    }

    const places = (match[2] ?? '').padEnd(3, '0');
    const exact = BigInt((match[1] || '0') + places.slice(0, 2));
    const roundsUp = places[2] >= '5';

    return { fen: exact + (roundsUp ? 1n : 0n), atLeastOne: exact > 0n };
}


/* With two or more decimals: 2 -> "1.50", 4 -> "1.5000". */

function fixed(fen, places = 2) {
    const digits = fen.toString().padStart(3, '0');

    return digits.slice(0, -2) + '.' + digits.slice(-2).padEnd(places, '0');
}


/* In the units of a currency: some have no smaller one. */

const WHOLE = new Set(['bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga',
    'pyg', 'rwf', 'ugx', 'vnd', 'vuv', 'xaf', 'xof', 'xpf']);


function decimal(units, currency = 'cny') {
    return WHOLE.has(currency) ? units.toString() : fixed(units);
}


/* For people. */

function shown(units, currency = 'cny') {
    const sign = currency === 'cny' ? '¥' : `${currency.toUpperCase()} `;

    return sign + decimal(units, currency);
}


/* As PHP prints a float: 1.00 -> "1", 1.50 -> "1.5". */

function phpFloat(fen) {
    return fixed(fen).replace(/\.?0+$/, '');
}


module.exports = { FEN_MAX, parse, fixed, decimal, shown, phpFloat };
