'use strict';

/*
 * Latencies that pace wrote (--out), those of several rounds added up:
 *
 *     node bench/report/hgrm.js [--json] PACE.json ...
 *
 * Prints the text that HdrHistogram's plotters read (.hgrm), in microseconds;
 * with --json count and percentiles, as results.json has them.
 */

const fs = require('node:fs');

const { bring } = require('./modules.js');
const { fail } = require('./results.js');

const PERCENTILES = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99,
    99.999, 100];
const MAX_US = 2 ** 32 - 1;


async function main(args) {
    const json = args[0] === '--json';
    const files = args.slice(json ? 1 : 0);

    if (files.length === 0) {
        fail('usage: node hgrm.js [--json] PACE.json ...');
    }

    const { default: hdr } = await bring('hdr-histogram-js');
    const histogram = hdr.build({ lowestDiscernibleValue: 1,
        highestTrackableValue: MAX_US, numberOfSignificantValueDigits: 3,
        bitBucketSize: 64 });

    for (const file of files) {
        const { latency_us: latency } = JSON.parse(
            fs.readFileSync(file, 'utf8'));

        for (const [us, count] of latency.counts) {
            histogram.recordValueWithCount(us, count);
        }
    }

    if (json) {
        console.log(JSON.stringify({ count: histogram.totalCount,
            percentiles: PERCENTILES.map((p) => [p, p === 0 ?
                histogram.minNonZeroValue :
                histogram.getValueAtPercentile(p)]) }));
    } else {
        console.log(histogram.outputPercentileDistribution(5, 1));
    }
}


main(process.argv.slice(2));
