// The vendor's web component and its browser SDK, unmodified, on a page of an application in a headless Chromium: every way
// to sign in of which the emulator has a flow, with nothing asked of any other computer. What the sessions are worth is then
// asked of the validators of other languages: their session and refresh tokens are written, a pair in each line, to the file
// that is named.
//
//   PAGE_PICTURES  a folder to write pictures of the component to
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Browser, findChromium } from './browser.mjs';
import { base, ok, own, projectId, sdk } from './emulator.mjs';

const { PAGE_PICTURES: pictures } = process.env;
const program = findChromium();
assert.ok(program, 'no Chromium; name one in CHROMIUM');
const scripts = {
  '/component.js': readFileSync(new URL('node_modules/@descope/web-component/dist/index.js', import.meta.url)),
  '/sdk.js': readFileSync(new URL('node_modules/@descope/web-js-sdk/dist/index.umd.js', import.meta.url)),
};

const newest = async (to) => (await own('GET', `/inbox?to=${encodeURIComponent(to)}`)).messages[0];

// The application. Its page has the component in it, and keeps what the component says.
const html = (flow) => `<!doctype html><title>Application</title><link rel="icon" href="data:,"><body><script src="/component.js"></script>
<script>
  const component = document.createElement('descope-wc');
  const attributes = ${JSON.stringify({ 'project-id': projectId, 'flow-id': flow, 'base-url': base, 'base-cdn-url': base, theme: 'light' })};
  for (const [name, value] of Object.entries(attributes)) component.setAttribute(name, value);
  window.told = { screens: 0 };
  component.addEventListener('screen-updated', () => {
    window.told.screens += 1;
    // What was typed before is lost: the component fills the fields in last of all.
    component.shadowRoot.querySelector('h1').dataset.drawn = 'yes';
  });
  for (const name of ['success', 'error', 'ready']) component.addEventListener(name, ({ detail }) => { window.told[name] = detail ?? {}; });
  document.body.append(component);
</script>`;
const application = createServer((request, answer) => {
  const url = new URL(request.url, 'http://localhost');
  if (scripts[url.pathname]) return answer.setHeader('content-type', 'text/javascript').end(scripts[url.pathname]);
  answer.setHeader('content-type', 'text/html; charset=utf-8');
  if (url.pathname === '/sdk') return answer.end('<!doctype html><title>Application</title><link rel="icon" href="data:,"><script src="/sdk.js"></script>');
  answer.end(html(url.pathname.slice(1)));
});
await new Promise((listening) => application.listen(0, '127.0.0.1', listening));
// Passkeys belong to a domain, and an address is none.
const app = `http://localhost:${application.address().port}`;

await own('POST', '/reset');
const tokens = [];
const browser = await new Browser(program).start();
try {
  await byCode();
  await byLink();
  await byPassword();
  await byPasskey();
  await bySocialLogin();
  await bySso();
  await byStepUp();
  await byAFlowOfTheirOwn();
  await byTheSdk();
  const elsewhere = [...browser.pages.values()].flatMap(({ urls }) => urls).filter((url) => /^(https?|wss?):/.test(url) && ![app, base].some((own) => url.startsWith(`${own}/`)));
  assert.deepEqual(elsewhere, [], 'nothing is asked of any other computer');
  assert.equal((await own('GET', '/requests')).requests.filter(({ status }) => status >= 500).length, 0);
} catch (error) {
  for (const page of browser.pages.values()) {
    console.error(page.errors.map((error) => error.slice(0, 200)), await page.run(() => JSON.stringify([location.href, Object.keys(window.told ?? {}), document.querySelector('descope-wc')?.shadowRoot.querySelector('#content-root main')?.outerHTML ?? document.body.innerText])).catch(String));
  }
  throw error;
} finally {
  await browser.stop();
  application.close();
  application.closeAllConnections();
}
if (process.argv[2]) writeFileSync(process.argv[2], tokens.map((pair) => `${pair.join(' ')}\n`).join(''));
console.log(`the web component: ${tokens.length} sessions, by every way to sign in that there is a flow for; and the browser SDK`);

// Until a function of the page says so: what happens inside of a component is seen by nobody who watches the document.
async function until(page, act, ...given) {
  const body = `(...given) => new Promise((resolve, reject) => {
    const late = performance.now() + 15000;
    const look = () => {
      const found = (${act})(...given);
      if (found) resolve(found);
      else if (performance.now() > late) reject(new Error('not within 15 s'));
      else requestAnimationFrame(look);
    };
    look();
  })`;
  for (;;) {
    try {
      return await page.run(body, ...given);
    } catch (error) {
      // The next page is looked at then.
      if (!isGone(error)) throw error;
    }
  }
}

function isGone({ message }) {
  return /navigated|context/.test(message);
}

function screen(page, title) {
  return until(page, (title) => {
    const content = document.querySelector('descope-wc')?.shadowRoot.querySelector('#content-root');
    return content?.querySelector('h1[data-drawn]')?.textContent === title && !content.querySelector('[loading]');
  }, title);
}

async function type(page, name, text) {
  await until(page, (name) => {
    const root = document.querySelector('descope-wc').shadowRoot;
    const input = root.querySelector('h1[data-drawn]') && root.querySelector(`input[name="${name}"]`);
    input?.focus();
    input?.select();
    return input && root.activeElement === input;
  }, name);
  await page.send('Input.insertText', { text });
}

// The component takes the second of two presses within half a second for the first.
function press(page, id) {
  return until(page, (id) => {
    const button = document.querySelector('descope-wc').shadowRoot.querySelector(`#${id}`);
    if (!button || button.hasAttribute('disabled') || performance.now() < (window.nextPress ?? 0)) return false;
    window.nextPress = performance.now() + 600;
    button.click();
    return true;
  }, id);
}

// What is said on the screen, once it has been drawn so many times: what is typed into one that is drawn anew is lost.
function problem(page, screens = 1) {
  return until(page, (screens) => window.told?.screens >= screens && document.querySelector('descope-wc').shadowRoot.querySelector('[data-type="error-message"]')?.textContent, screens);
}

// The session that a flow ends with, which the Node SDK accepts.
async function session(page, loginId) {
  const info = await until(page, () => window.told?.success);
  assert.ok(info.user.loginIds.includes(loginId), `${info.user.loginIds}`);
  const { token } = await sdk.validateSession(info.sessionJwt);
  assert.equal(token.sub, info.user.userId);
  tokens.push([info.sessionJwt, info.refreshJwt]);
  return { info, token };
}

async function picture(page, name) {
  if (pictures) writeFileSync(join(pictures, `${name}.png`), await page.picture(480, 240, false));
}

async function byCode() {
  const page = await browser.open(`${app}/sign-up-or-in`);
  await screen(page, 'What is your email address?');
  await type(page, 'email', 'ada@example.com');
  await picture(page, 'web-component');
  await page.run(() => { window.nextPress = performance.now() + 600; });
  await page.press('Enter');
  await screen(page, 'Which code did you get?');
  await type(page, 'code', '000000');
  await press(page, 'submit');
  assert.match(await problem(page), /code is wrong/);
  await type(page, 'code', (await newest('ada@example.com')).code);
  await press(page, 'submit');
  const { info, token } = await session(page, 'ada@example.com');
  assert.deepEqual([info.firstSeen, info.user.verifiedEmail, token.amr], [true, true, ['email']]);
  await page.run(() => localStorage.clear());
}

// The link ends the flow on the page that it opens, which has begun none.
async function byLink() {
  const page = await browser.open(`${app}/sign-up-or-in-magic-link?from=mail`);
  await type(page, 'email', 'bob@example.com');
  await press(page, 'submit');
  await screen(page, 'Open the link that we have mailed to you');
  const first = await newest('bob@example.com');
  await press(page, 'resend');
  const { messages } = await own('GET', `/inbox?to=bob@example.com&after=${first.id}&wait=10`);
  const link = messages[0].links[0].url;
  assert.notEqual(link, first.links[0].url);
  assert.ok(link.startsWith(`${app}/sign-up-or-in-magic-link?from=mail&descope-login-flow=`), link);
  const opened = await browser.open(link);
  await session(opened, 'bob@example.com');
  assert.equal(await opened.run(() => location.search), '?from=mail', 'nothing is left in the address');
  // A link is good once.
  const again = await browser.open(link);
  await until(again, () => window.told?.error ?? document.querySelector('descope-wc').shadowRoot.querySelector('[role="alert"]')?.textContent);
  await page.run(() => localStorage.clear());
}

async function byPassword() {
  const page = await browser.open(`${app}/sign-up-or-in-passwords`);
  await screen(page, 'Sign up or in');
  await type(page, 'email', 'carol@example.com');
  await type(page, 'password', 'Difference-Engine-2');
  await press(page, 'sign-in');
  assert.match(await problem(page, 2), /credentials/);
  await type(page, 'password', 'short');
  await press(page, 'sign-up');
  await until(page, () => /password/i.test(document.querySelector('descope-wc').shadowRoot.querySelector('[role="alert"]')?.textContent));
  assert.equal((await sdk.management.user.load('carol@example.com')).ok, false, 'who is refused is nobody');
  await type(page, 'password', 'Difference-Engine-2');
  await press(page, 'sign-up');
  const { token } = await session(page, 'carol@example.com');
  assert.deepEqual(token.amr, ['pwd']);
  const again = await browser.open(`${app}/sign-up-or-in-passwords`);
  await type(again, 'email', 'carol@example.com');
  await type(again, 'password', 'Difference-Engine-2');
  await press(again, 'sign-in');
  await session(again, 'carol@example.com');
  await page.run(() => localStorage.clear());
}

async function byPasskey() {
  const page = await browser.open(`${app}/sign-up-or-in-passkeys`);
  await page.send('WebAuthn.enable');
  const { authenticatorId } = await page.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  for (const firstSeen of [true, false]) {
    await page.go(`${app}/sign-up-or-in-passkeys`);
    await type(page, 'email', 'dora@example.com');
    await press(page, 'submit');
    const { info, token } = await session(page, 'dora@example.com');
    assert.deepEqual([info.firstSeen, token.amr], [firstSeen, ['webauthn']]);
  }
  // Somebody whose browser has no passkey of theirs stays where they are.
  await page.send('WebAuthn.clearCredentials', { authenticatorId });
  await page.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true });
  await page.go(`${app}/sign-up-or-in-passkeys`);
  await type(page, 'email', 'dora@example.com');
  await press(page, 'submit');
  // The component draws the screen twice then, and may lose on the way what it says; it tells the console, too.
  await until(page, () => window.told?.screens >= 2);
  for (let frames = 0; !page.errors.some((error) => error.includes('no passkey')); frames += 1) {
    assert.ok(frames < 900, 'nothing was said of the passkey');
    await page.run(() => new Promise(requestAnimationFrame));
  }
  await page.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
  await page.run(() => localStorage.clear());
}

// What the person does on the page of the provider.
async function atTheProvider(page, outcome, fields) {
  await until(page, (base) => location.href.startsWith(`${base}/_emulator/provider`) && document.querySelector('button'), base);
  const left = page.run((outcome, fields) => {
    for (const [name, value] of Object.entries(fields)) document.querySelector(`[name="${name}"]`).value = value;
    document.querySelector(`button[value="${outcome}"]`).click();
  }, outcome, fields);
  await left.catch((error) => { if (!isGone(error)) throw error; });
}

async function bySocialLogin() {
  const page = await browser.open(`${app}/sign-up-or-in-social`);
  for (const outcome of ['refuse', 'fail']) {
    await screen(page, 'Sign up or in');
    await press(page, 'github');
    await atTheProvider(page, outcome, {});
    await until(page, (app) => location.href.startsWith(app) && document.querySelector('descope-wc'), app);
    assert.match(await problem(page), outcome === 'refuse' ? /access_denied/ : /server_error/);
  }
  await press(page, 'google');
  await atTheProvider(page, 'approve', { email: 'eve@example.com', name: 'Eve' });
  const { info, token } = await session(page, 'eve@example.com');
  assert.deepEqual([info.user.name, token.amr], ['Eve', ['oauth']]);
  await page.run(() => localStorage.clear());
}

async function bySso() {
  ok(await sdk.management.tenant.createWithId('acme', 'Acme', ['acme.example']));
  ok(await sdk.management.sso.configureOIDCSettings('acme', {
    name: 'Acme', clientId: 'c', clientSecret: 's', authUrl: 'https://idp.acme.example/authorize', tokenUrl: 'https://idp.acme.example/token',
    userDataUrl: 'https://idp.acme.example/me', jwksUrl: 'https://idp.acme.example/keys', scope: ['openid', 'email'],
  }, ['acme.example']));
  const page = await browser.open(`${app}/sign-in-sso`);
  await type(page, 'email', 'frank@acme.example');
  await press(page, 'submit');
  await atTheProvider(page, 'approve', { email: 'frank@acme.example', name: 'Frank' });
  const { token } = await session(page, 'frank@acme.example');
  assert.deepEqual(Object.keys(token.tenants), ['acme']);
}

// The page is that of somebody who is signed in: the component sends the refresh token along.
async function byStepUp() {
  const page = await browser.open(`${app}/step-up`);
  await screen(page, 'Which code did you get?');
  await type(page, 'code', (await newest('frank@acme.example')).code);
  await press(page, 'submit');
  const { token } = await session(page, 'frank@acme.example');
  assert.equal(token.su, true);
  await page.run(() => localStorage.clear());
}

// One that a seed or the management API brings, with HTML of its own.
async function byAFlowOfTheirOwn() {
  const page = (text) => `<h1>${text}</h1><p data-type="error-message" class="hide"></p><input name="code"><input name="phone"><descope-button id="go" data-type="button">Go</descope-button>`;
  ok(await sdk.management.flow.import('by-text-message', {
    id: 'by-text-message', name: 'By text message', version: 1,
    dsl: { start: 'ask', steps: { ask: { screen: 'own-ask', next: 'send' }, send: { action: 'otp/signup-in/sms', next: 'code' }, code: { screen: 'own-code', next: 'verify' }, verify: { action: 'otp/verify/sms', next: 'end' } } },
  }, ['own-ask', 'own-code'].map((id) => ({ id, flowId: 'by-text-message', inputs: [], interactions: [{ id: 'go', type: 'button' }], htmlTemplate: { html: page(id) } }))));
  const opened = await browser.open(`${app}/by-text-message`);
  await screen(opened, 'own-ask');
  await type(opened, 'phone', '+15551234567');
  await press(opened, 'go');
  await screen(opened, 'own-code');
  await type(opened, 'code', (await newest('+15551234567')).code);
  await press(opened, 'go');
  await session(opened, '+15551234567');
  await opened.run(() => localStorage.clear());
}

// The browser SDK by itself, on a page of another origin than the emulator's.
async function byTheSdk() {
  const page = await browser.open(`${app}/sdk`);
  const sent = await page.run(async (projectId, baseUrl) => {
    window.sdk = Descope({ projectId, baseUrl, persistTokens: true, autoRefresh: false });
    return (await window.sdk.otp.signUpOrIn.email('grace@example.com')).ok;
  }, projectId, base);
  assert.ok(sent);
  const { code } = await newest('grace@example.com');
  const signedIn = await page.run(async (code) => {
    const { ok, data } = await window.sdk.otp.verify.email('grace@example.com', code);
    const me = await window.sdk.me();
    const refreshed = await window.sdk.refresh();
    return { ok, first: data.sessionJwt, me: me.data?.loginIds, session: window.sdk.getSessionToken(), refreshed: refreshed.ok };
  }, code);
  assert.deepEqual([signedIn.ok, signedIn.me, signedIn.refreshed], [true, ['grace@example.com'], true]);
  await sdk.validateSession(signedIn.session);
  const out = await page.run(async () => [(await window.sdk.logout()).ok, window.sdk.getSessionToken()]);
  assert.deepEqual(out, [true, '']);
  await page.run(() => localStorage.clear());
}
