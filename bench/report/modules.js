'use strict';

/*
 * What npm has brought (bench/package-lock.json) lies in build/, or where
 * FAKA_BENCH_NODE says, which neither require() nor import would search.
 */

const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { fail } = require('./results.js');

const folder = process.env.FAKA_BENCH_NODE
    || path.join(__dirname, '../../build/bench/node');


/* By import: some packages are no CommonJS. */

function bring(name) {
    let file;

    try {
        file = createRequire(path.resolve(folder, 'package.json'))
            .resolve(name);
    } catch {
        fail(`${name} is not in ${folder}: run "make bench-node"`);
    }

    return import(pathToFileURL(file));
}


module.exports = { bring };
