'use strict';

/*
 * What a shop takes as well-formed, told a second time: where the SDK reads
 * more than that, the difference is explained by the text alone.
 */

const NAMES_MAX = 64;
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const VALUE_BYTES_MAX = 2048;
const FORM_BYTES_MAX = 16384;
const JSON_DEPTH_MAX = 16;


/* The fields of a form as bytes (latin1), or null. */

function strictForm(body) {
    const text = body.toString('latin1');
    const fields = new Map();

    if (body.length > FORM_BYTES_MAX) {
        return null;
    }

    for (const pair of text === '' ? [] : text.split('&')) {
        const at = pair.indexOf('=');
        const name = pair.slice(0, at);
        const raw = pair.slice(at + 1);

        if (at === -1 || !NAME.test(name) || fields.has(name)
            || /[\0-\x20\x7f]/.test(raw)
            || /%(?![0-9A-Fa-f]{2})/.test(raw)) {
            return null;
        }

        const value = raw.replace(/\+/g, ' ').replace(/%(..)/g,
            (all, hex) => String.fromCharCode(parseInt(hex, 16)));

        if (value.length > VALUE_BYTES_MAX) {
            return null;
        }

        fields.set(name, value);
    }

    return fields.size > NAMES_MAX ? null : fields;
}


function isUtf8(bytes) {
    try {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);

        return true;
    } catch {
        return false;
    }
}


/* JSON without a mark in front, a name given twice, half a character, or more
 * depth than anybody needs. */

function strictJson(bytes) {
    const text = bytes.toString('utf8');

    if (!isUtf8(bytes) || text.startsWith('\ufeff')) {
        return false;
    }

    try {
        JSON.parse(text);
    } catch {
        return false;
    }

    const open = [];
    let last = null;

    for (const [token] of text.matchAll(
        /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
        if (token === '{' || token === '[') {
            open.push(new Set());
        } else if (token === '}' || token === ']') {
            open.pop();
        } else if (token === ':') {
            if (open.at(-1).has(last)) {
                return false;
            }

            open.at(-1).add(last);
        } else if (token.startsWith('"')) {
            last = JSON.parse(token);

            if (!last.isWellFormed()) {
                return false;
            }
        }

        if (open.length > JSON_DEPTH_MAX) {
            return false;
        }
    }

    return true;
}


function strictBase64(text) {
    return /^[A-Za-z0-9+/]*={0,2}$/.test(text)
        && Buffer.from(text, 'base64').toString('base64') === text;
}


module.exports = { strictForm, strictJson, strictBase64, isUtf8 };
