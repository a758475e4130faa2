'use strict';

/*
 * From the results to a page and its plots:
 *
 *     node bench/report/report.js build/bench/results.json OUTDIR
 *
 * OUTDIR gets report.html, which needs no other file, and each plot as SVG.
 */

const fs = require('node:fs');
const path = require('node:path');

const { fail, read } = require('./results.js');
const { page } = require('./page.js');
const { plots } = require('./plots.js');
const { onWhite, renderer } = require('./svg.js');


async function main(args) {
    if (args.length !== 2) {
        fail('usage: node report.js RESULTS.json OUTDIR');
    }

    const [file, folder] = args;
    const results = read(file);
    const draw = await renderer();
    const drawn = [];

    fs.mkdirSync(folder, { recursive: true });

    for (const plot of plots(results)) {
        const svg = await draw(plot);

        fs.writeFileSync(path.join(folder, `${plot.name}.svg`), onWhite(svg));
        drawn.push({ plot, svg });
    }

    fs.writeFileSync(path.join(folder, 'report.html'), page(results, drawn));
    console.log(`${path.join(folder, 'report.html')}, ${drawn.length} plots`);
}


main(process.argv.slice(2));
