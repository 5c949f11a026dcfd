// The emulator's page in a headless Chromium, beside an application that signs users in by the official SDK: what happens is
// seen as it happens, what is done there has its effect, and nobody else gets at it.
//
//   PAGE_PICTURES  a folder to write pictures of the page to
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Browser, findChromium } from './browser.mjs';
import { base, managementKey, ok, own, projectId, sdk } from './emulator.mjs';

const { PAGE_PICTURES: pictures } = process.env;
const program = findChromium();
assert.ok(program, 'no Chromium; name one in CHROMIUM');

// The application: its links lead to it, and what they carry is verified by the SDK.
const application = createServer(async (request, answer) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  answer.setHeader('content-type', 'text/html; charset=utf-8');
  if (url.pathname !== '/verify') return answer.end('<!doctype html><title>Application</title><link rel="icon" href="data:,">');
  const verified = await sdk.enchantedLink.verify(url.searchParams.get('t'));
  answer.end(`<!doctype html><title>Application</title><link rel="icon" href="data:,"><p id="told">${verified.ok ? 'Welcome' : 'No'}`);
});
await new Promise((listening) => application.listen(0, '127.0.0.1', listening));
const app = `http://127.0.0.1:${application.address().port}`;

await own('POST', '/reset');
const browser = await new Browser(program, ['evil.example', 'emulator-host']).start();
try {
  await everything();
} catch (error) {
  const [page] = [...browser.pages.values()].filter(({ urls }) => urls[0]?.startsWith(base));
  console.error('the console said', page?.errors, 'and the page', await page?.run(() => document.querySelector('#trouble').textContent).catch(String));
  throw error;
} finally {
  await browser.stop();
  application.close();
  application.closeAllConnections();
}

async function everything() {
  const page = await browser.open(`${base}/_emulator/`);
  await browser.send('Browser.grantPermissions', { permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'], origin: base });
  await page.send('Emulation.setDeviceMetricsOverride', { width: 1200, height: 850, deviceScaleFactor: 1, mobile: false });
  await page.until(() => document.querySelector('#live.on'));
  await page.run(() => { window.sameDocument = true; });
  const tab = (name) => page.click((name) => document.querySelector(`nav a[href="#${name}"]`), name);
  const card = (list, text) => page.until((list, text) => [...document.querySelectorAll(`#${list} > li`)].find((item) => item.textContent.includes(text))?.innerText, list, text);
  const gone = (list, text) => page.until((list, text) => ![...document.querySelectorAll(`#${list} > li`)].some((item) => item.textContent.includes(text)), list, text);
  const press = (list, text, name) => page.click((list, text, name) => {
    const item = [...document.querySelectorAll(`#${list} > li`)].find((item) => item.textContent.includes(text));
    return item && [...item.querySelectorAll('button, a.button, summary')].find((button) => button.textContent === name);
  }, list, text, name);
  const submit = (form) => page.click((form) => document.querySelector(`#${form} button:not([type=button])`), form);

  await signUpByEnchantedLink({ page, tab, card, press });
  await codesAreCopied({ page, tab, card, press });
  await whatOthersWriteIsText({ page, tab, card });
  await faultsHappen({ page, tab, card, gone, press, submit });
  await usersAreEdited({ page, tab, card, gone, press, submit });
  await clockAndSnapshots({ page, tab, card, gone, press, submit });
  await everythingHasANameAndAKey({ page });
  if (pictures) await takePictures({ page, tab });
  await itFitsAPhone({ page, tab });

  assert.equal(await page.run(() => window.sameDocument), true, 'the page was never loaded anew');
  await othersGetNothing();
  await elsewhereItAsksForTheKey();

  // The browser itself tells of the two that were to be refused: an operation that there is not, and no phone number.
  const told = page.errors.map((error) => error.replace(base, ''));
  const refused = (path) => `Failed to load resource: the server responded with a status of 400 (Bad Request) ${path}`;
  assert.deepEqual(told, [refused('/_emulator/faults'), refused('/v1/mgmt/user/patch')], 'no other error and no warning in the console');
  const elsewhere = [...browser.pages.values()].flatMap(({ urls }) => urls).filter((url) => {
    const { protocol, hostname } = new URL(url);
    return ['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && !['127.0.0.1', 'localhost', 'evil.example', 'emulator-host'].includes(hostname);
  });
  assert.deepEqual(elsewhere, [], 'no request leaves the loopback');
  console.log(`the page: ${page.urls.length} requests, all of them to the loopback, and no error in the console`);
}

async function signUpByEnchantedLink({ page, tab, card, press }) {
  const begun = ok(await sdk.enchantedLink.signUpOrIn('ada@example.com', `${app}/verify`));
  await card('messages', 'ada@example.com');
  const numbers = await page.run(() => [...document.querySelectorAll('#messages > li .number')].map((link) => link.textContent));
  assert.equal(numbers.length, 3);
  assert.ok(numbers.includes(begun.linkId), `${numbers} has ${begun.linkId}`);
  assert.equal(await page.run(() => document.querySelector('#count-inbox').textContent), '1');

  const [waiting, opened] = [sdk.enchantedLink.waitForSession(begun.pendingRef), browser.nextPage()];
  await press('messages', 'ada@example.com', begun.linkId);
  const device = await opened;
  await device.ready;
  await device.until(() => document.querySelector('#told')?.textContent === 'Welcome');
  const session = ok(await waiting);
  const { token } = await sdk.validateSession(session.sessionJwt);

  // Back to the tab of the emulator, which was out of sight.
  await page.send('Page.bringToFront');
  await tab('sessions');
  const shown = await card('session-list', 'ada@example.com');
  assert.match(shown, /active/);
  await page.until((sub) => [...document.querySelectorAll('#session-list details.token pre')].some((claims) => claims.textContent.includes(`"sub": "${sub}"`)), token.sub);
  const text = await page.run(() => document.querySelector('#session-list').textContent);
  assert.ok(!text.includes(session.sessionJwt.split('.')[2]), 'a token is told without its signature');
  await tab('users');
  await card('user-list', 'ada@example.com');
  await tab('requests');
  await card('request-list', 'enchantedLinkVerify');

  await page.run(() => { location.hash = '#sessions'; });
  await page.run(() => { document.querySelector('#decoder').open = true; });
  await page.type('token', `Bearer ${projectId}:${session.sessionJwt}`);
  await page.click(() => document.querySelector('#decode button'));
  await page.until((sub) => document.querySelector('#decoded')?.textContent.includes(sub) && document.querySelector('#decoded .good'), token.sub);
  await page.type('token', `${session.sessionJwt.slice(0, -8)}AAAAAAAA`);
  await page.click(() => document.querySelector('#decode button'));
  await page.until(() => document.querySelector('#decoded .why')?.textContent.includes('not signed by this emulator'));
}

async function codesAreCopied({ page, tab, card, press }) {
  await tab('inbox');
  ok(await sdk.otp.signUpOrIn.email('bob@example.com'));
  await card('messages', 'bob@example.com');
  await press('messages', 'bob@example.com', 'Copy');
  await page.until(() => [...document.querySelectorAll('#messages button')].some((button) => button.textContent === 'Copied'));
  const code = await page.run(() => navigator.clipboard.readText());
  assert.match(code, /^\d{6}$/);
  const wrong = code === '000000' ? '000001' : '000000';
  assert.equal((await sdk.otp.verify.email('bob@example.com', wrong)).ok, false);
  ok(await sdk.otp.verify.email('bob@example.com', code));
  await tab('requests');
  await page.click(() => document.querySelector('#refused'));
  const refused = await card('request-list', 'otpVerifyEmail');
  assert.match(refused, /401[\s\S]*otpVerifyEmail[\s\S]*(code|Code)[\s\S]*E061102/);
  assert.equal(await page.run(() => document.querySelectorAll('#request-list > li').length), 1);
  await page.click(() => document.querySelector('#refused'));
}

async function whatOthersWriteIsText({ page, tab, card }) {
  await tab('inbox');
  const evil = '<img src=x onerror="window.stolen=1">';
  ok(await sdk.management.user.create('mallory@example.com', { email: 'mallory@example.com', displayName: evil }));
  ok(await sdk.management.tenant.create(evil, []));
  ok(await sdk.magicLink.signIn.email('mallory@example.com', 'javascript:window.stolen=1//'));
  await fetch(`${base}/v1/${encodeURIComponent(evil)}?x=${encodeURIComponent(evil)}`, { headers: { 'x-evil': evil } });
  const shown = await card('messages', 'mallory@example.com');
  assert.match(shown, /javascript:/);
  const links = await page.run(() => [...document.querySelectorAll('main a')].map((link) => link.href));
  assert.ok(links.every((link) => link.startsWith('http://')), `${links}`);
  await tab('users');
  await card('user-list', evil);
  await tab('tenants');
  await card('tenant-list', evil);
  assert.equal(await page.run(() => document.querySelectorAll('main img, main script').length), 0);
  assert.equal(await page.run(() => window.stolen), undefined);
}

async function faultsHappen({ page, tab, card, gone, press, submit }) {
  await tab('faults');
  await page.until(() => document.querySelector('#operations option[value="otpSignUpOrInEmail"]'));
  await page.type('fault-operation', 'otpSignUpOrInEmail');
  await page.type('fault-status', '503');
  await page.type('fault-times', '10');
  await submit('fault-new');
  await card('fault-list', 'otpSignUpOrInEmail');
  // The SDK throws at an answer without a body.
  const failed = await sdk.otp.signUpOrIn.email('bob@example.com').then((answer) => !answer.ok, () => true);
  assert.ok(failed, 'the call fails');
  const happened = await page.until(() => [...document.querySelectorAll('#fault-list > li')].find((item) => /happened [1-9]/.test(item.textContent))?.innerText);
  assert.match(happened, /status: 503/);
  await press('fault-list', 'otpSignUpOrInEmail', 'Withdraw');
  await gone('fault-list', 'otpSignUpOrInEmail');
  ok(await sdk.otp.signUpOrIn.email('bob@example.com'));
  await own('POST', '/faults', { path: '/v1/*', status: 500, always: true });
  await card('fault-list', '/v1/*');
  // The page goes on: no fault happens to what it asks.
  await tab('users');
  await page.type('users-filter', 'bob@');
  await gone('user-list', 'ada@example.com');
  await card('user-list', 'bob@example.com');
  await page.type('users-filter', ' ');
  await card('user-list', 'ada@example.com');
  await tab('faults');
  await page.click(() => document.querySelector('#faults-clear'));
  await gone('fault-list', '/v1/*');
  await page.type('fault-status', '');
  await page.type('fault-operation', 'weather');
  await page.type('fault-login', '');
  await submit('fault-new');
  await page.until(() => document.querySelector('#trouble:not([hidden])')?.textContent.includes('operation'));
  const { faults } = await own('GET', '/faults');
  assert.deepEqual(faults, []);
}

async function usersAreEdited({ page, tab, card, gone, press, submit }) {
  await tab('tenants');
  await page.type('role-name', 'Engineer');
  await page.type('role-permissions', 'build, repair');
  await submit('role-new');
  await card('role-list', 'Engineer');
  await page.type('tenant-name', 'Analytical Engines');
  await page.type('tenant-id', 'engines');
  await submit('tenant-new');
  await card('tenant-list', 'Analytical Engines');

  await tab('users');
  await press('user-list', 'ada@example.com', 'Edit');
  await page.until(() => document.querySelector('#user-dialog').open);
  await page.type('u-name', 'Ada Lovelace');
  await page.type('u-phone', '+15551234567');
  const box = (name) => page.click((name) => document.querySelector(name), name);
  await box('#u-roles [data-role="Engineer"]');
  await box('#u-tenants [data-tenant="engines"]');
  await box('#u-tenants [data-of="engines"] [data-tenant-role="Engineer"]');
  await page.click(() => document.querySelector('#user-form button.main'));
  await page.until(() => !document.querySelector('#user-dialog').open);
  const shown = await card('user-list', 'Ada Lovelace');
  assert.match(shown, /Analytical Engines: Engineer/);
  const ada = ok(await sdk.management.user.load('ada@example.com'));
  assert.deepEqual([ada.name, ada.phone, ada.roleNames, ada.email, ada.verifiedEmail], ['Ada Lovelace', '+15551234567', ['Engineer'], 'ada@example.com', true]);
  assert.deepEqual(ada.userTenants.map(({ tenantId, roleNames }) => [tenantId, roleNames]), [['engines', ['Engineer']]]);

  await press('user-list', 'Ada Lovelace', 'Edit');
  await page.until(() => document.querySelector('#user-dialog').open);
  await page.run(() => { document.querySelector('#u-status').value = 'disabled'; });
  await page.type('u-phone', 'nonsense');
  await page.click(() => document.querySelector('#user-form button.main'));
  await page.until(() => document.querySelector('#u-trouble:not([hidden])')?.textContent.includes('phone'));
  await page.type('u-phone', '+15551234567');
  await page.click(() => document.querySelector('#user-form button.main'));
  await page.until(() => !document.querySelector('#user-dialog').open);
  await page.until(() => [...document.querySelectorAll('#user-list > li')].some((item) => /Ada Lovelace[\s\S]*disabled/.test(item.innerText)));
  assert.equal((await sdk.otp.signIn.email('ada@example.com')).ok, false);
  assert.equal(ok(await sdk.management.user.load('ada@example.com')).userTenants.length, 1, 'what was not changed stays');
  ok(await sdk.management.user.activate('ada@example.com'));
  await page.until(() => [...document.querySelectorAll('#user-list > li')].some((item) => /Ada Lovelace[\s\S]*enabled/.test(item.innerText)));

  await page.click(() => document.querySelector('#user-new'));
  await page.type('u-login', 'grace@example.com');
  await page.type('u-email', 'grace@example.com');
  await page.type('u-name', 'Grace Hopper');
  await page.click(() => document.querySelector('#user-form button.main'));
  await card('user-list', 'Grace Hopper');
  await press('user-list', 'Grace Hopper', 'Sign in');
  assert.match(await card('session-list', 'grace@example.com'), /active/);
  await tab('users');
  await press('user-list', 'Grace Hopper', 'End sessions');
  await tab('sessions');
  await page.until(() => [...document.querySelectorAll('#session-list > li')].some((item) => /grace@example.com[\s\S]*revoked/.test(item.innerText)));
  await tab('users');
  await press('user-list', 'mallory@example.com', 'Delete');
  await gone('user-list', 'mallory@example.com');
  assert.equal((await sdk.management.user.load('mallory@example.com')).ok, false);
}

async function clockAndSnapshots({ page, tab, card, gone, press, submit }) {
  await tab('state');
  await page.type('snapshot-name', 'before / after');
  await submit('snapshot-new');
  await card('snapshot-list', 'before / after');
  ok(await sdk.management.user.create('linus@example.com', { email: 'linus@example.com' }));
  await tab('users');
  await card('user-list', 'linus@example.com');
  await tab('state');
  await press('snapshot-list', 'before / after', 'Restore');
  await tab('users');
  await gone('user-list', 'linus@example.com');

  await tab('state');
  await page.click(() => document.querySelector('[data-advance="3600"]'));
  await page.until(() => document.querySelector('#clock-ahead').textContent.includes('1 hour ahead'));
  assert.ok((await own('GET', '/clock')).now >= Math.floor(Date.now() / 1000) + 3590);
  await own('POST', '/clock', { advanceSeconds: 86_400 * 40 });
  await page.until(() => document.querySelector('#clock-ahead').textContent.includes('40 days ahead'));
  await tab('sessions');
  await page.until(() => [...document.querySelectorAll('#session-list > li')].some((item) => /ada@example.com[\s\S]*expired/.test(item.innerText)));
  await tab('state');
  await page.click(() => document.querySelector('#clock-right'));
  await page.until(() => document.querySelector('#clock-ahead').textContent.includes('The same'));
}

async function everythingHasANameAndAKey({ page }) {
  const roles = ['button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox', 'spinbutton', 'Date', 'DisclosureTriangle'];
  for (const name of ['inbox', 'users', 'sessions', 'requests', 'tenants', 'faults', 'state']) {
    await page.run((name) => { location.hash = `#${name}`; }, name);
    await page.until((name) => !document.getElementById(name).hidden && document.querySelector(`nav a[href="#${name}"]`).getAttribute('aria-current') === 'page', name);
    const { nodes } = await page.send('Accessibility.getFullAXTree');
    const nameless = nodes.filter((node) => !node.ignored && roles.includes(node.role?.value) && !node.name?.value?.trim());
    assert.deepEqual(nameless.map((node) => node.role.value), [], `everything in ${name} has a name`);
  }
  // By keys alone: the first stop skips to the content, the parts follow, and Enter opens one.
  await page.run(() => { location.hash = '#requests'; });
  await page.until(() => !document.querySelector('#requests').hidden);
  const first = () => document.querySelector('a, button, input, select, textarea, summary');
  assert.equal(await page.run(`() => (${first})().className`), 'skip');
  await page.run(() => document.querySelector('.skip').focus());
  await page.press('Enter');
  await page.until(() => document.activeElement.id === 'content');
  assert.equal(await page.run(() => document.querySelector('#requests').hidden), false, 'the part stays');
  await page.run(() => document.querySelector('.skip').focus());
  const seen = [];
  for (let stops = 0; stops < 12 && seen.at(-1) !== '#users'; stops += 1) {
    await page.press('Tab');
    seen.push(await page.run(() => document.activeElement.hash ?? document.activeElement.id));
  }
  assert.equal(seen.at(-1), '#users', `${seen}`);
  assert.notEqual(await page.run(() => getComputedStyle(document.activeElement).outlineStyle), 'none', 'the focus is seen');
  await page.press('Enter');
  await page.until(() => !document.querySelector('#users').hidden);
}

async function itFitsAPhone({ page, tab }) {
  for (const width of [360, 1200]) {
    await page.send('Emulation.setDeviceMetricsOverride', { width, height: 740, deviceScaleFactor: 1, mobile: width < 500 });
    for (const name of ['inbox', 'users', 'sessions', 'requests', 'tenants', 'faults', 'state']) {
      await tab(name);
      const needed = await page.run(() => new Promise((done) => requestAnimationFrame(() => done(document.documentElement.scrollWidth))));
      assert.ok(needed <= width, `${name} needs ${needed} of ${width} pixels`);
    }
  }
}

// A page of another origin, and one of a name that was led here, can neither read nor change anything.
async function othersGetNothing() {
  const other = await browser.open(`${app}/`);
  const tries = (base) => Promise.all([
    ['POST', '/page/key'], ['GET', '/state'], ['GET', '/inbox'], ['GET', '/events'], ['POST', '/reset'], ['DELETE', '/inbox'], ['POST', '/faults'], ['POST', '/clock'],
  ].map(async ([method, path]) => {
    try {
      const answer = await fetch(`${base}/_emulator${path}`, { method });
      return `${method} ${path} ${answer.status}`;
    } catch {
      return 'nothing';
    }
  }));
  const users = async () => ok(await sdk.management.user.load('ada@example.com')).userId;
  const before = await users();
  assert.deepEqual(new Set(await other.run(tries, base)), new Set(['nothing']));
  // What a form can send needs nobody's leave.
  await other.run(async (base) => { await fetch(`${base}/_emulator/reset`, { method: 'POST', mode: 'no-cors', body: '{}' }).catch(() => {}); }, base);
  assert.equal(await users(), before, 'nothing was reset');

  const led = await browser.open(`http://evil.example:${new URL(base).port}/`);
  const told = await led.run(tries, `http://evil.example:${new URL(base).port}`);
  assert.ok(told.every((line) => line.endsWith(' 403')), `${told}`);
  assert.equal(await users(), before, 'nothing was reset');
}

// Where it is not opened at localhost, it asks for the management key, and there is no clipboard but the old one.
async function elsewhereItAsksForTheKey() {
  const far = await browser.open(`http://emulator-host:${new URL(base).port}/_emulator/#users`);
  await far.until(() => document.querySelector('#live.on') && !document.querySelector('#key-form').hidden);
  assert.equal(await far.run(() => document.querySelectorAll('#user-list > li').length), 0);
  for (const [key, found] of [['K2wrong', '#trouble:not([hidden])'], [managementKey, '#user-list > li']]) {
    await far.type('key', key);
    await far.click(() => document.querySelector('#key-form button'));
    await far.until((found) => document.querySelector(found), found);
  }
  assert.equal(await far.run(() => document.querySelector('#key-form').hidden && document.querySelector('#key').value), '');
  ok(await sdk.otp.signUpOrIn.email('bob@example.com'));
  await far.run(() => { location.hash = '#inbox'; });
  await far.click(() => document.querySelector('#messages .code + button'));
  await far.until(() => [...document.querySelectorAll('#messages button')].some((button) => button.textContent === 'Copied'));
  const { result: { value: unsafe } } = await far.send('Runtime.evaluate', { expression: 'navigator.clipboard === undefined' });
  assert.equal(unsafe, true, 'there is no other clipboard here');
}

// What a day at work looks like, so that pictures show it.
async function takePictures({ page, tab }) {
  const save = async (name, width, height, dark, phone) => writeFileSync(join(pictures, `${name}.png`), await page.picture(width, height, dark, phone));
  await own('DELETE', '/inbox');
  await own('DELETE', '/requests');
  await tab('inbox');
  await page.until(() => !document.querySelectorAll('#messages > li, #request-list > li').length);
  const clear = (ids) => ids.forEach((id) => { document.getElementById(id).value = document.getElementById(id).defaultValue; });
  await page.run(clear, ['users-filter', 'fault-operation', 'fault-status', 'fault-times']);
  ok(await sdk.otp.signUpOrIn.email('grace@example.com'));
  ok(await sdk.magicLink.signUpOrIn.email('bob@example.com', 'http://localhost:3000/verify'));
  ok(await sdk.otp.signIn.sms('ada@example.com'));
  await sdk.enchantedLink.signUpOrIn('ada@example.com', 'http://localhost:3000/verify');
  await page.until(() => document.querySelectorAll('#messages > li').length === 4 && document.querySelector('#count-sessions').textContent);
  await page.run(() => { document.activeElement.blur(); });
  await save('emulator-inbox', 1100, 600, false);
  await save('emulator-inbox-phone', 390, 760, false, true);
  await page.send('Emulation.setDeviceMetricsOverride', { width: 1100, height: 720, deviceScaleFactor: 1, mobile: false });

  await sdk.otp.verify.email('grace@example.com', '000000');
  await sdk.management.user.create('ada@example.com', { email: 'ada@example.com' });
  const [{ code }] = (await own('GET', '/inbox?to=grace@example.com')).messages;
  ok(await sdk.otp.verify.email('grace@example.com', code));
  await own('POST', '/faults', { operation: 'managementUserLoad', errorCode: 'E011004', errorMessage: 'Not now', status: 400, times: 5 });
  await sdk.management.user.load('ada@example.com');
  ok(await sdk.magicLink.signIn.email('bob@example.com', 'http://localhost:3000/verify'));
  await tab('requests');
  await page.until(() => document.querySelectorAll('#request-list > li').length > 8);
  await page.run(() => { document.activeElement.blur(); });
  await save('emulator-requests-dark', 1100, 600, true);
  await page.send('Emulation.setDeviceMetricsOverride', { width: 1100, height: 720, deviceScaleFactor: 1, mobile: false });
  await tab('sessions');
  await page.until(() => document.querySelectorAll('#session-list details.token').length);
  await page.run(() => { document.querySelector('#decoder').open = false; [...document.querySelectorAll('#session-list details.token')].find((token) => /sessionJwt/.test(token.textContent)).open = true; });
  await page.run(() => { document.activeElement.blur(); });
  await save('emulator-sessions-phone-dark', 390, 760, true, true);
  await page.send('Emulation.setDeviceMetricsOverride', { width: 1100, height: 720, deviceScaleFactor: 1, mobile: false });
  for (const name of process.env.ALL_PICTURES ? ['users', 'tenants', 'faults', 'state', 'sessions'] : []) {
    await tab(name);
    await save(`all-${name}`, 1100, 620, false);
    await save(`all-${name}-phone`, 390, 760, false, true);
  }
  await page.send('Emulation.setEmulatedMedia', { features: [] });
  await own('DELETE', '/faults');
}
