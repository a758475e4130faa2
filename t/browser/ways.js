/*
 * Ways to pay, in a real browser: the buyer chooses a channel, and the page of
 * the order shows how to pay through it.
 *
 *     BASE=http://127.0.0.1:8080 node ways.js
 *
 * Needs what buy.js needs, and the channels of `make run`: epay first, and
 * alipay and wechat among them.
 *
 * What it proves.  The choice is the shop's: the order is of the channel that
 * was chosen, and is paid at its gateway.  What is not available cannot be
 * chosen.  A code that a camera would see says what the gateway gave, in light
 * and dark, on a phone, in both languages; the page changes by itself when the
 * payment is prepared, and when it arrives.
 *
 * What it cannot prove.  The codes of the practice shop are links, as no other
 * app could pay them.  So for codes like WeChat's, payments that are being
 * prepared and orders that cannot be paid, the answers to POST /checkout and
 * GET /orders/ID are the shop's own with another "pay" in them; the order and
 * its payment are real.
 */

'use strict';

const jsQR = require('jsqr');

const { buyer, is, keysOf, ok, onGateway, order, pay, pickSku, run } = require('./page.js');

const TESTS = 44;
const CODE_URL = 'weixin://wxpay/bizpayurl?pr=Vx7Zk2QpR9s&sign=0123456789abcdef0123456789abcdef';
const LONG_URL = `https://qr.example/${'a1B2c3D4'.repeat(500)}`;

const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };


/* Answers of the shop with pay() of what it says in the place of "pay". */
async function otherPay(page, other) {
  const change = async route => {
    const response = await route.fetch();
    const body = await response.json();

    if (body.status !== 'awaiting_payment') return route.fulfill({ response });
    return route.fulfill({ response, json: { ...body, pay: other(body.pay) } });
  };
  await page.route('**/checkout', change);
  await page.route(/\/orders\/[0-9A-Z]{26}$/, change);
}

/* What a camera in front of the screen would read, dark on light as all apps
   can; null: no code. */
async function scan(page) {
  const reader = await page.context().newPage();
  const shot = (await page.locator('.qr').screenshot()).toString('base64');
  const image = await reader.evaluate(async png => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${png}`;
    await picture.decode();
    const canvas = document.createElement('canvas');
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    return { data: Array.from(data), width, height };
  }, shot);
  await reader.close();
  return jsQR(Uint8ClampedArray.from(image.data), image.width, image.height,
    { inversionAttempts: 'dontInvert' })?.data ?? null;
}

const viewOf = async page => {
  const { order: id, token } = await page.evaluate(() => JSON.parse(localStorage.getItem('faka.orders'))[0]);
  return (await page.request.get(`/orders/${id}`, { headers: { Authorization: `Bearer ${token}` } })).json();
};

/* The buyer's app: it pays at the gateway while the page is looked at. */
async function payElsewhere(page) {
  const view = await viewOf(page);
  const other = await page.context().newPage();

  await other.goto(view.pay.url);
  await other.locator('form#pay button, button[type=submit]').first().click();
  await other.waitForURL(url => url.pathname.startsWith('/return/'));
  await other.close();
}

const fits = page => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);


/* --- the choice ----------------------------------------------------------------- */

async function choose(page, sku) {
  await page.goto('/');
  await page.locator(`.product[data-sku="${sku}"] button`).click();
  await page.locator('#buy_ways').waitFor();
  const list = await (await page.request.get('/channels')).json();
  is(JSON.stringify(await page.locator('#buy_ways label').allTextContents()),
    JSON.stringify(list.map(way => way.label)), 'every channel is offered under its label');
  ok(await page.getByRole('radio', { name: list[0].label }).isChecked(), 'the first one is taken');
  is(await page.getByRole('group', { name: 'Pay with' }).getByRole('radio').count(), list.length,
    'as a group that has a name');

  await page.getByRole('radio', { name: '支付宝 Alipay' }).check();
  await page.waitForTimeout(1500);
  ok(await page.getByRole('radio', { name: '支付宝 Alipay' }).isChecked(), 'a choice outlives the next draw');
  is(await page.evaluate(() => document.activeElement.value), 'alipay', 'and keeps the focus');

  await page.fill('#buy_contact', 'way@example.com');
  await page.click('#buy_submit');
  await onGateway(page);
  await page.goBack();
  is((await viewOf(page)).channel, 'alipay', 'the order is of the channel that was chosen');
  await page.locator('#orders a').first().click();
  await page.click('#pay');
  await pay(page);
  is((await keysOf(page)).length, 1, 'and paid through it');

  await page.goto('/');
  await page.locator(`.product[data-sku="${sku}"] button`).click();
  await page.locator('#buy_ways').waitFor();
  ok(await page.getByRole('radio', { name: '支付宝 Alipay' }).isChecked(), 'it is remembered');
  await page.locator('#buy_ways input').first().check();
  const [sent] = await Promise.all([page.waitForRequest('**/checkout'), page.click('#buy_submit')]);
  is(sent.postDataJSON().channel, list[0].channel, 'and another one can be taken');
  await onGateway(page);
}

/* Lists that the practice shop does not have. */
async function otherLists(page, sku) {
  const way = (channel, more) => ({ channel, label: `by ${channel}`, currency: 'CNY', available: true, ...more });
  let list = [way('usd', { currency: 'USD' }), way('epay')];
  let sent;

  await page.route('**/channels', route => route.fulfill({ json: list }));
  await page.route('**/checkout', route => {
    sent = route.request().postDataJSON();
    return route.fulfill({ status: 422, contentType: 'application/problem+json',
      body: '{"type":"about:blank","title":"no","status":422,"code":"invalid_channel"}' });
  });
  await order(page, sku, 'lists@example.com');
  await page.locator('#buy_error').waitFor();
  is(await page.isVisible('#buy_ways'), false, 'one that fits the currency is no choice');
  is(sent.channel, 'epay', 'and is taken, for the default does not fit');

  list = [way('epay', { available: false }), way('usdt'), way('alipay')];
  await page.click('#buy_submit');
  await page.locator('#buy_ways').waitFor();
  ok(true, 'a channel that is refused has the list looked at again');
  ok(await page.getByRole('radio', { name: 'by epay' }).isDisabled(), 'what is not available cannot be chosen');
  is(await page.locator('#buy_ways label').first().textContent(), 'by epaynot available at the moment', 'and says so');
  ok(await page.getByRole('radio', { name: 'by usdt' }).isChecked(), 'the first one that is, is taken');
  await page.click('#buy_submit');
  await page.waitForFunction(() => !document.getElementById('buy_submit').disabled);
  is(sent.channel, 'usdt', 'and sent');

  await page.unroute('**/channels');
  await page.route('**/channels', route => route.fulfill({ status: 404, body: '' }));
  await order(page, sku, 'lists@example.com');
  await page.locator('#buy_error').waitFor();
  is(await page.isVisible('#buy_ways'), false, 'without a list there is no choice');
  is(sent.channel, undefined, 'and the default is the server\'s');
}


/* --- a code to scan ---------------------------------------------------------------- */

/* From the practice gateway, whose codes are addresses of its cashier: that is
   the app. */
async function codeOfTheGateway(page, sku) {
  await page.goto('/');
  await page.locator(`.product[data-sku="${sku}"] button`).click();
  await page.getByRole('radio', { name: '微信支付 WeChat Pay' }).check();
  await page.fill('#buy_contact', 'wechat@example.com');
  await page.click('#buy_submit');
  await page.locator('#qr').waitFor();
  const view = await viewOf(page);
  is(view.channel, 'wechat', 'WeChat Pay can be chosen');
  is(await scan(page), view.pay.url, 'its code says what the gateway gave');

  const app = await page.context().newPage();
  await app.goto(view.pay.url);
  await app.click('#pay');
  await app.getByText('已支付 / Paid').first().waitFor();
  await app.close();
  is((await keysOf(page)).length, 1, 'paid with the app, the key is there by itself');
}

async function code(page, sku) {
  await otherPay(page, () => ({ method: 'qr', url: CODE_URL }));
  await order(page, sku, 'scan@example.com');
  await page.locator('#qr').waitFor();
  ok(page.url().includes('/return/'), 'a code is shown on the page of the order');
  is(await scan(page), CODE_URL, 'it says what the gateway gave');
  await page.locator('#qr_do', { hasText: 'with the app for EPay' }).waitFor();
  ok(await page.getByRole('img', { name: 'QR code' }).isVisible(), 'with text for who does not see it, and whose app it is for');

  const clock = await page.textContent('#clock');
  await page.waitForFunction(before => document.getElementById('clock').textContent !== before, clock);
  ok(/\d\d:\d\d$/.test(clock), 'the time that is left runs', clock);

  await page.click('#qr_copy');
  await page.locator('#qr_copy', { hasText: 'Copied' }).waitFor();
  is(await page.evaluate(() => navigator.clipboard.readText()), CODE_URL, 'the address can be copied');
  is(await page.locator('#sheet a').count(), 0, 'and is no link');

  const same = await page.locator('#qr').elementHandle();
  await page.waitForResponse(/\/orders\//);
  ok(await same.evaluate(node => node.isConnected), 'a poll leaves the code alone');

  await page.emulateMedia({ colorScheme: 'dark' });
  is(await scan(page), CODE_URL, 'it can be read in dark mode');

  await payElsewhere(page);
  is((await keysOf(page)).length, 1, 'once it is paid, the key is there by itself');
  is(await page.locator('#qr').count(), 0, 'and the code is gone');
}

async function codeOnPhone(page, sku) {
  await otherPay(page, () => ({ method: 'qr', url: CODE_URL }));
  await order(page, sku, 'phone@example.com');
  await page.locator('#qr').waitFor();
  is(await page.textContent('#qr_title'), '扫码付款', 'in Chinese');
  is(await scan(page), CODE_URL, 'it can be read on a phone');
  ok(await fits(page), 'where nothing is wider than the screen');
  ok((await page.locator('#qr').boundingBox()).width >= 240, 'and the code is large');
  ok(await page.evaluate(() => {
    shown = { ...shown, expires_at: now_s() };
    drawClock();
    return document.getElementById('qr').hidden;
  }), 'it is not shown when the time is over');

  await page.unrouteAll();
  await otherPay(page, () => ({ method: 'qr', url: LONG_URL }));
  await page.locator('#qr').waitFor({ state: 'detached' });
  is(await page.textContent('#sheet .address code'), LONG_URL, 'what no code can hold is shown as it is');
  ok(await fits(page), 'within the screen');
}


/* --- a payment that is being prepared, and one that cannot be -------------------------- */

async function pendingThenLink(page, sku) {
  let ready = false;

  await otherPay(page, real => (ready ? real : { method: 'pending', url: null }));
  await order(page, sku, 'later@example.com');
  await page.locator('#pay_note', { hasText: 'is being prepared' }).waitFor();
  is(await page.locator('#pay').count(), 0, 'a payment that is being prepared has no link');
  await page.focus('#cancel');
  ready = true;
  await page.locator('#pay').waitFor();
  ok(await page.evaluate(() => document.activeElement.id === 'cancel'), 'then it has one, and the focus stays');
  is(await page.textContent('#said'), 'You can pay now.', 'who hears the page is told');
  await page.click('#pay');
  await pay(page);
  is((await keysOf(page)).length, 1, 'and it pays');
}

async function noWay(page, sku) {
  await otherPay(page, () => ({ method: 'none', url: null }));
  await order(page, sku, 'none@example.com');
  await page.locator('#pay_note', { hasText: 'no way to pay' }).waitFor();
  await page.click('#cancel');
  await page.click('#cancel');
  await page.locator('#sheet[data-status=cancelled]').waitFor();
  is(await page.locator('#pay_note').count(), 0, 'an order that cannot be paid says so, and can be cancelled');
}


run(TESTS, async browser => {
  const ann = await buyer(browser, 'en-US');
  const sku = await pickSku(ann);
  await choose(ann, sku);
  await otherLists(await buyer(browser, 'en-US'), sku);
  await codeOfTheGateway(await buyer(browser, 'en-US'), sku);
  await code(await buyer(browser, 'en-US'), sku);
  await codeOnPhone(await buyer(browser, 'zh-CN', PHONE), sku);
  await pendingThenLink(await buyer(browser, 'en-US'), sku);
  await noWay(await buyer(browser, 'en-US'), sku);
});
