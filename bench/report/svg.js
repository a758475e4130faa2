'use strict';

/*
 * Plots into SVG, without a browser.  Lines and letters have the colour of
 * the text around them, so that a plot within a page is light or dark as the
 * page is; a plot in a file of its own is on white.
 */

const { bring } = require('./modules.js');

const INK = 'currentColor';
const CONFIG = {
    font: 'system-ui, sans-serif',
    background: null,
    view: { stroke: null },
    title: { color: INK, anchor: 'start', fontSize: 14, offset: 12 },
    axis: { labelColor: INK, titleColor: INK, domainColor: INK,
        tickColor: INK, gridColor: INK, gridOpacity: 0.15,
        titleFontWeight: 'normal' },
    legend: { labelColor: INK, titleColor: INK },
    text: { color: INK },
    rule: { color: INK },
};


async function renderer() {
    const [vega, lite] = await Promise.all([bring('vega'),
        bring('vega-lite')]);
    const logger = vega.logger(vega.Error);

    return async (plot) => {
        const spec = lite.compile({ ...plot.spec, title: plot.title,
            padding: 8 },
            { config: CONFIG, logger }).spec;
        const view = new vega.View(vega.parse(spec),
            { renderer: 'none', logger });
        const svg = await view.toSVG();

        view.finalize();
        return named(svg, plot);
    };
}


/* Names within are the plot's own, since a page has several of them. */

function named(svg, plot) {
    return svg.replace(/( id="|url\(#|href="#)/g, `$1${plot.name}-`)
        .replace('<svg ', `<svg role="img" aria-label="${escape(plot.title)
        }" `);
}


const onWhite = (svg) => '<?xml version="1.0" encoding="UTF-8"?>\n'
    + svg.replace('<svg ', '<svg style="background:#fff;color:#222" ')
    + '\n';


function escape(text) {
    return String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;',
        '<': '&lt;', '>': '&gt;', '"': '&quot;' }[c]));
}


module.exports = { escape, onWhite, renderer };
