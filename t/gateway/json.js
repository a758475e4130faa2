'use strict';

/*
 * JSON as a gateway writes it and as a test wants it spoilt: a number keeps
 * the very digits that it is given, a member can stand twice, and values are
 * replaced by a path such as amount.total.
 */


/* A value that stands in the text as it is: 100.00, 1e2. */

class Raw {
    constructor(text) {
        this.text = text;
    }
}


/* What a test gives for a number; text that is no JSON becomes a string. */

function literal(text) {
    try {
        JSON.parse(text);
        return new Raw(text);
    } catch (e) {
        return text;
    }
}


/* Members that are undefined are left out, as JSON.stringify() does. */

function render(value) {
    if (value instanceof Raw) {
        return value.text;
    }

    if (Array.isArray(value)) {
        return `[${value.map(render).join(',')}]`;
    }

    if (typeof value === 'object' && value !== null) {
        return '{' + Object.entries(value).filter(([, v]) => v !== undefined)
            .map(([name, v]) => `${JSON.stringify(name)}:${render(v)}`)
            .join(',') + '}';
    }

    return JSON.stringify(value);
}


/* Behind what is there, even if that has a member of the name. */

function appended(object, pairs) {
    const more = pairs.map(([name, text]) =>
        `,${JSON.stringify(name)}:${JSON.stringify(text)}`);

    return object.slice(0, -1) + more.join('') + '}';
}


/* The object that holds the last name of a path, or undefined. */

function holder(object, path) {
    const names = path.split('.');
    const last = names.pop();
    const found = names.reduce((at, name) => at?.[name], object);

    return found !== undefined && found !== null
        && Object.hasOwn(found, last) ? [found, last] : undefined;
}


/* A member that is not there is not made. */

function replace(object, path, text) {
    const [at, name] = holder(object, path) ?? [];

    if (at !== undefined) {
        at[name] = typeof at[name] === 'string' ? text : literal(text);
    }
}


function remove(object, path) {
    const [at, name] = holder(object, path) ?? [];

    if (at !== undefined) {
        delete at[name];
    }
}


/* A number of a strict reader: no fraction, no exponent, anywhere. */

function onlyIntegers(text) {
    return !/\d[.eE]/.test(text.replace(/"(?:\\.|[^"\\])*"/g, '""'));
}


module.exports = {
    Raw, literal, render, appended, replace, remove, onlyIntegers,
};
