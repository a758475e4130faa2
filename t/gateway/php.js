'use strict';

/*
 * PHP as it shows from outside: how a PHP program reads forms, writes query
 * strings, escapes text and prints JSON.  The gateways that merchants meet
 * are PHP programs, and their quirks reach the merchant's parser.
 *
 * A PHP string is bytes.  Here it is a JavaScript string with one character
 * a byte (0..255), called bytes below, so that a signature is computed over
 * exactly what came in, valid UTF-8 or not.
 */

const VARS_MAX = 1000;                  /* max_input_vars */
const ARRAY = Symbol('array');          /* x[]=1: present, but no string */


function fromUtf8(text) {
    return Buffer.from(text, 'utf8').toString('latin1');
}


function toUtf8(bytes) {
    return Buffer.from(bytes, 'latin1').toString('utf8');
}


/* A malformed escape stays as it is: PHP never refuses a form. */

function urldecode(bytes) {
    return bytes.replace(/\+/g, ' ').replace(/%([0-9A-Fa-f]{2})/g,
        (all, hex) => String.fromCharCode(parseInt(hex, 16)));
}


function urlencode(bytes) {
    return bytes.replace(/[^A-Za-z0-9_.-]/g, (c) => c === ' ' ? '+' :
        '%' + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0'));
}


/*
 * Names lose leading blanks, are cut at NUL, and have '.' and ' ' turned
 * into '_'; a[b] makes an array.  null: the pair has no usable name.
 */

function variableName(bytes) {
    let name = bytes.replace(/^ +/, '').split('\0', 1)[0];
    const bracket = name.indexOf('[');
    const isArray = bracket > 0 && name.indexOf(']', bracket) > 0;

    if (isArray) {
        name = name.slice(0, bracket);
    }

    if (name === '') {
        return null;
    }

    return { name: name.replace(/[. []/g, '_'), isArray };
}


/*
 * $_GET or $_POST of a query string or form body: a Map of name to bytes or
 * ARRAY.  The last of several equal names wins; what is beyond VARS_MAX is
 * dropped.
 */

function parseForm(bytes) {
    const vars = new Map();

    for (const pair of bytes.split('&', VARS_MAX)) {
        const at = pair.indexOf('=');
        const variable = variableName(
            urldecode(at < 0 ? pair : pair.slice(0, at)));

        if (variable !== null) {
            vars.set(variable.name, variable.isArray ? ARRAY :
                urldecode(at < 0 ? '' : pair.slice(at + 1)));
        }
    }

    return vars;
}


/* http_build_query() of [name, bytes] pairs, in their order. */

function buildQuery(pairs) {
    return pairs.map(([name, value]) =>
        urlencode(name) + '=' + urlencode(value)).join('&');
}


function addslashes(bytes) {
    return bytes.replace(/[\\'"]/g, '\\$&').replace(/\0/g, '\\0');
}


const ENTITIES = {
    '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#039;',
};


/* With the default flags of PHP 8.1 and later; bad UTF-8 is substituted. */

function htmlspecialchars(bytes) {
    return fromUtf8(toUtf8(bytes)).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}


/* mb_strcut($bytes, 0, $size): never cuts inside a UTF-8 character. */

function cut(bytes, size) {
    let end = size;

    if (bytes.length <= size) {
        return bytes;
    }

    while (end > 0 && (bytes.charCodeAt(end) & 0xc0) === 0x80) {
        end--;
    }

    return bytes.slice(0, end);
}


/* empty(): '0' is empty too, which is why a product cannot be named "0". */

function isEmpty(bytes) {
    return bytes === '' || bytes === '0';
}


/* trim($bytes) === '' */

function isBlank(bytes) {
    return /^[ \t\n\r\0\x0b]*$/.test(bytes);
}


/* intval(), kept as decimal text: numbers here are only compared. */

function intval(bytes) {
    const match = /^[ \t\n\r\v\f]*\+?0*([0-9]{1,18})/.exec(bytes);

    return match === null ? '0' : match[1];
}


/* json_encode() with its default flags: "\/" and \uXXXX. */

function jsonEncode(value) {
    return JSON.stringify(value).replace(/\//g, '\\/').replace(
        /[\u007f-\uffff]/g,
        (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
}


module.exports = {
    ARRAY, fromUtf8, toUtf8, urldecode, parseForm, buildQuery, addslashes,
    htmlspecialchars, cut, isEmpty, isBlank, intval, jsonEncode,
};
