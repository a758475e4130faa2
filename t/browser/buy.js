/*
 * Buys card keys in a real browser, through the real pages: the shop, the
 * practice gateway, and back.
 *
 *     BASE=http://127.0.0.1:8080 node buy.js
 *
 * Needs a running shop with at least one product of kind card (SKU= picks
 * one), at least four units of it, and a gateway page whose submit button
 * pays.  Writes TAP; exits 0 only if every test passed.
 *
 * What it proves.  A key is shown after payment, found again after a reload
 * and from the list of own orders, in both languages, and in no browser that
 * does not hold the token; a lost answer and a 503 make no second order; the
 * pages run under their Content-Security-Policy and call nobody else.
 */

'use strict';

const { chromium } = require('playwright-core');

const BASE = (process.env.BASE || 'http://127.0.0.1:8080').replace(/\/$/, '');
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const STEP_MS = 20000;
const RUN_MS = 180000;
const TESTS = 30;

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
async function buyer(browser, locale) {
  const context = await browser.newContext({ locale, baseURL: BASE });
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


/* --- stories ------------------------------------------------------------------ */

async function inEnglish(page, sku) {
  await page.goto('/');
  await page.locator('.product').first().waitFor();
  is(await page.getAttribute('html', 'lang'), 'en', 'an English browser gets English');

  await page.locator(`.product[data-sku="${sku}"] button`).click();
  await page.fill('#buy_contact', '');
  await page.click('#buy_submit');
  ok(await page.isVisible('#buy_error'), 'an empty contact is refused in words');

  await page.fill('#buy_contact', 'ann@example.com');
  await page.click('#buy_submit');
  await pay(page);
  const keys = await keysOf(page);
  ok(keys.length === 1 && keys[0].length > 0, 'paid: the key is shown', keys);
  is(await page.locator('#sheet h1').textContent(), 'Delivered', 'the status is in words');

  await page.locator('.keys button').first().click();
  await page.locator('.keys button', { hasText: 'Copied' }).waitFor();
  is(await page.evaluate(() => navigator.clipboard.readText()), keys[0], 'the key is copied');

  await page.reload();
  is((await keysOf(page))[0], keys[0], 'the same key after a reload');

  const id = orderOf(page);
  await page.goto('/');
  await page.locator(`#orders a[href="/return/${id}"] .pill.good`).waitFor();
  await page.click(`#orders a[href="/return/${id}"]`);
  is((await keysOf(page))[0], keys[0], 'found again in the list of own orders');
  is(await page.evaluate(key => JSON.stringify(localStorage).includes(key), keys[0]), false,
    'the key itself is not kept in the browser');

  await page.click('#lang');
  is(await page.locator('#sheet h1').textContent(), '已发货', 'switched to Chinese');
  await page.reload();
  is((await keysOf(page))[0], keys[0], 'the same key in Chinese');
  is(await page.getAttribute('html', 'lang'), 'zh-CN', 'the language is remembered');

  await page.click('#link');
  await page.locator('#link', { hasText: '已复制' }).waitFor();
  return { id, key: keys[0], link: await page.evaluate(() => navigator.clipboard.readText()) };
}

async function inChinese(page, sku, first) {
  await page.goto('/');
  await page.locator('.product').first().waitFor();
  is(await page.getAttribute('html', 'lang'), 'zh-CN', 'a Chinese browser gets Chinese');

  await order(page, sku, '12345678');
  await pay(page);
  const keys = await keysOf(page);
  ok(keys.length === 1 && keys[0] !== first.key, 'another buyer gets another key', keys);

  await page.goto(`/return/${first.id}`);
  is(await page.locator('#sheet h1').textContent(), '此处找不到该订单', 'an order of another browser stays closed');
  is(await page.locator('.keys').count(), 0, 'and shows no key');

  await page.goto('about:blank');
  await page.goto(first.link);
  is((await keysOf(page))[0], first.key, 'the private link opens it');
  is(new URL(page.url()).hash, '', 'and its token leaves the address');
}

/* The order is made, but its answer never arrives, and the page is reloaded. */
async function lostAnswer(page, sku) {
  let made;
  let away = false;

  await page.route('**/checkout', async route => {
    if (away) return route.continue();
    made = made || await (await route.fetch()).json();
    return route.abort();
  });
  await order(page, sku, 'lost@example.com');
  await page.waitForFunction(() => /2/.test(document.getElementById('buy_busy').textContent));

  /* Leave first: the page's own next try must not be the one that succeeds. */
  await page.goto('about:blank');
  away = true;
  await page.goto('/');
  await onGateway(page);
  await page.goto('/');
  const own = await page.evaluate(() => JSON.parse(localStorage.getItem('faka.orders')).map(o => o.order));
  is(own.length, 1, 'a lost answer makes one order');
  is(own[0], made.order, 'and the reloaded page finds that very order');
  is(await page.evaluate(() => localStorage.getItem('faka.pending')), null, 'nothing is left pending');
}

/* Busy twice: the page waits as told and sends the same key again. */
async function busyThenCancel(page, sku) {
  const sent = [];

  await page.route('**/checkout', async route => {
    sent.push({ key: route.request().headers()['idempotency-key'], at: Date.now() });
    if (sent.length > 2) return route.continue();
    return route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json',
      body: '{"type":"about:blank","title":"busy","status":503,"code":"unavailable"}' });
  });
  await order(page, sku, 'busy@example.com');
  await onGateway(page);
  is(sent.length, 3, 'a 503 is tried again');
  is(new Set(sent.map(s => s.key)).size, 1, 'under the same Idempotency-Key');
  ok(sent[1].at - sent[0].at >= 800, 'not before Retry-After', sent);

  await page.goto('/');
  await page.locator('#orders a').first().click();
  await page.click('#cancel');
  await page.click('#cancel');
  await page.locator('#sheet[data-status=cancelled]').waitFor();
  is(await page.locator('#pay').count(), 0, 'a cancelled order asks for no payment');
}

/* Tiers are shown and counted; a price that rose meanwhile is seen before it is paid. */
async function tiersAndMore(page, sku) {
  await page.route('**/products', async route => {
    const products = await (await route.fetch()).json();
    const mine = products.find(p => p.sku === sku);
    mine.qty_max = 10;
    mine.list_price = 1000;
    mine.price = 900;
    mine.tiers = [{ min_qty: 2, price: 500 }, { min_qty: 50, price: 1 }];
    return route.fulfill({ json: products });
  });
  await page.route('**/checkout', async route => {
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...await response.json(), amount: 901 } });
  });
  await page.goto('/');
  await page.locator(`.product[data-sku="${sku}"] button`).click();
  is(await page.textContent('#buy_tiers'), '¥4.50 each from 2', 'the tier that can be had is shown');
  is(await page.textContent('#buy_total'), '¥9.00', 'one');
  await page.click('#buy_more');
  is(await page.textContent('#buy_total'), '¥9.00', 'two by their tier cost as much');
  await page.click('#buy_less');
  await page.fill('#buy_contact', 'more@example.com');
  await page.click('#buy_submit');
  await page.locator('#sheet #pay').waitFor();
  ok(page.url().includes('/return/'), 'who is to pay more than was shown is not sent to pay', page.url());
  await page.click('#cancel');
  await page.click('#cancel');
  await page.locator('#sheet[data-status=cancelled]').waitFor();
  ok(true, 'and may leave it');
}


async function main() {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--no-first-run', '--no-proxy-server'],
  });
  const watchdog = setTimeout(() => { console.log('Bail out! out of time'); process.exit(1); }, RUN_MS);

  console.log(`1..${TESTS}`);
  try {
    const ann = await buyer(browser, 'en-US');
    const sku = await pickSku(ann);
    const first = await inEnglish(ann, sku);
    await inChinese(await buyer(browser, 'zh-CN'), sku, first);
    await lostAnswer(await buyer(browser, 'en-US'), sku);
    await busyThenCancel(await buyer(browser, 'en-US'), sku);
    await tiersAndMore(await buyer(browser, 'en-US'), sku);
    ok(troubles.length === 0, 'no script error, nothing blocked, no foreign request', troubles);
  } finally {
    clearTimeout(watchdog);
    await browser.close();
  }

  if (count !== TESTS) console.log(`# planned ${TESTS}, ran ${count}`);
  process.exitCode = failures === 0 && count === TESTS ? 0 : 1;
}

main().catch(error => {
  console.log(`Bail out! ${error.message.split('\n')[0]}`);
  console.error(error);
  process.exit(1);
});
