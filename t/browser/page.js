/*
 * What the browser tests share: TAP, buyers with a browser of their own, the
 * steps of a purchase, and the frame that runs the stories of one file.
 */

'use strict';

const { chromium } = require('playwright-core');

const BASE = (process.env.BASE || 'http://127.0.0.1:8080').replace(/\/$/, '');
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const STEP_MS = 20000;
const RUN_MS = 180000;

let count = 0;
let failures = 0;

function ok(good, name, detail) {
  count++;
  if (!good) failures++;
  console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (!good && detail !== undefined) console.log(`#   got: ${JSON.stringify(detail)}`);
}

const is = (got, want, name) => ok(got === want, name, got);


/* --- pages ------------------------------------------------------------------ */

const troubles = [];

/* A new buyer: own storage, one language, and an ear for what goes wrong. */
async function buyer(browser, locale, more = {}) {
  const context = await browser.newContext({ locale, baseURL: BASE, ...more });
  context.setDefaultTimeout(STEP_MS);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: BASE });

  const page = await context.newPage();
  page.on('pageerror', error => troubles.push(`error: ${error.message}`));
  page.on('console', message => {
    /* A refused request is reported too, and some are meant here. */
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) {
      troubles.push(`console: ${message.text()}`);
    }
  });
  page.on('request', request => {
    const from = request.frame().url();
    const to = new URL(request.url());
    if (from.startsWith(BASE) && to.origin !== new URL(BASE).origin && !request.isNavigationRequest()) {
      troubles.push(`foreign request: ${to.origin}`);
    }
  });
  return page;
}

async function pickSku(page) {
  if (process.env.SKU) return process.env.SKU;
  const products = await (await page.request.get('/products')).json();
  const good = products.find(p => p.kind === 'card' && p.on_sale && p.stock >= 4);
  if (!good) throw new Error('no product of kind card with four units is on sale');
  return good.sku;
}

async function order(page, sku, contact) {
  await page.goto('/');
  await page.locator(`.product[data-sku="${sku}"] button`).click();
  await page.fill('#buy_contact', contact);
  await page.click('#buy_submit');
}

const onGateway = page => page.waitForURL(url => !/^\/($|return\/)/.test(url.pathname));

async function pay(page) {
  await onGateway(page);
  await page.locator('form#pay button, button[type=submit]').first().click();
  await page.waitForURL(url => url.pathname.startsWith('/return/'));
}

async function keysOf(page) {
  await page.locator('.keys code').first().waitFor();
  return page.locator('.keys code').allTextContents();
}

const orderOf = page => new URL(page.url()).pathname.split('/').pop();


/* Plans so many tests, and runs stories(browser). */
async function main(tests, stories) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--no-first-run', '--no-proxy-server'],
  });
  const watchdog = setTimeout(() => { console.log('Bail out! out of time'); process.exit(1); }, RUN_MS);

  console.log(`1..${tests}`);
  try {
    await stories(browser);
    ok(troubles.length === 0, 'no script error, nothing blocked, no foreign request', troubles);
  } finally {
    clearTimeout(watchdog);
    await browser.close();
  }

  if (count !== tests) console.log(`# planned ${tests}, ran ${count}`);
  process.exitCode = failures === 0 && count === tests ? 0 : 1;
}

function run(tests, stories) {
  main(tests, stories).catch(error => {
    console.log(`Bail out! ${error.message.split('\n')[0]}`);
    console.error(error);
    process.exit(1);
  });
}

module.exports = { buyer, is, keysOf, ok, onGateway, order, orderOf, pay, pickSku, run };
