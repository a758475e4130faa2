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

const { buyer, is, keysOf, ok, onGateway, order, orderOf, pay, pickSku, run } = require('./page.js');

const TESTS = 30;


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


run(TESTS, async browser => {
  const ann = await buyer(browser, 'en-US');
  const sku = await pickSku(ann);
  const first = await inEnglish(ann, sku);
  await inChinese(await buyer(browser, 'zh-CN'), sku, first);
  await lostAnswer(await buyer(browser, 'en-US'), sku);
  await busyThenCancel(await buyer(browser, 'en-US'), sku);
  await tiersAndMore(await buyer(browser, 'en-US'), sku);
});
