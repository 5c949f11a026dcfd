// A headless Chromium, spoken to in its own protocol over a pipe: no package, and no port that others could use.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PATIENCE = 20_000;

export function findChromium() {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].filter(Boolean);
  return names.find((name) => spawnSync(name, ['--version']).status === 0);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: nothing within ${PATIENCE} ms`)), PATIENCE); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Browser {
  // `hosts` are names that lead to the loopback; no other name leads anywhere.
  constructor(program, hosts = []) {
    this.profile = mkdtempSync(join(tmpdir(), 'emulator-page-'));
    const rules = [...hosts.map((host) => `MAP ${host} 127.0.0.1`), 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1', 'EXCLUDE localhost'];
    this.process = spawn(program, [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-pipe', '--hide-scrollbars',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-extensions',
      '--force-color-profile=srgb', '--font-render-hinting=none', `--user-data-dir=${this.profile}`, `--host-resolver-rules=${rules.join(', ')}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.last = 0;
    this.waiting = new Map();
    this.listeners = new Set();
    this.pages = new Map();
    this.opened = [];
    let rest = Buffer.alloc(0);
    this.process.stdio[4].on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        this.#take(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    this.process.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the browser has ended'));
    });
  }

  #take(message) {
    if (message.id) {
      const { resolve, reject } = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
      return;
    }
    for (const listener of this.listeners) listener(message);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = (this.last += 1);
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return within(answer, method);
  }

  on(act) {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  // Attaches to every tab before it asks for anything, also to those that a page opens.
  async start() {
    this.on(({ method, params }) => {
      if (method !== 'Target.attachedToTarget') return;
      const { sessionId, targetInfo } = params;
      const page = new Page(this, sessionId, targetInfo);
      this.pages.set(targetInfo.targetId, page);
      page.ready = page.prepare();
      this.opened.forEach((opened) => opened(page));
    });
    await this.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true, filter: [{ type: 'page' }] });
    return this;
  }

  // The next tab that a page opens.
  nextPage() {
    return within(new Promise((resolve) => this.opened.push(resolve)), 'a new tab');
  }

  async open(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const page = this.pages.get(targetId);
    await page.ready;
    await page.go(url);
    return page;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    await this.send('Browser.close').catch(() => this.process.kill());
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  constructor(browser, sessionId, { targetId }) {
    Object.assign(this, { browser, sessionId, targetId, errors: [], urls: [] });
    browser.on(({ method, params, sessionId: of }) => {
      if (of !== sessionId) return;
      if (method === 'Network.requestWillBeSent') this.urls.push(params.request.url);
      if (method === 'Network.webSocketCreated') this.urls.push(params.url);
      if (method === 'Runtime.exceptionThrown') this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) this.errors.push(JSON.stringify(params.args));
      if (method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level)) this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
      if (method === 'Page.javascriptDialogOpening') this.send('Page.handleJavaScriptDialog', { accept: true });
    });
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  async prepare() {
    // A tab that waits answers some of them only when it goes on; they are carried out in this order.
    const domains = ['Network', 'Page', 'Runtime', 'Log'].map((domain) => this.send(`${domain}.enable`));
    await Promise.all([...domains, this.send('Runtime.runIfWaitingForDebugger')]);
  }

  async go(url) {
    let off;
    const loaded = within(new Promise((resolve) => {
      off = this.browser.on(({ method, sessionId }) => { if (method === 'Page.loadEventFired' && sessionId === this.sessionId) resolve(); });
    }), `loading ${url}`);
    await this.send('Page.navigate', { url });
    await loaded;
    off();
  }

  // What a function answers that runs in the page.
  async run(act, ...given) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression: `(${act})(...${JSON.stringify(given)})`, awaitPromise: true, returnByValue: true, userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // Waits until a function in the page answers something that is true, which is looked at whenever the page changes.
  async until(act, ...given) {
    const body = `(...given) => new Promise((resolve, reject) => {
      const look = () => { const found = (${act})(...given); if (found) { watch.disconnect(); resolve(found); } return found; };
      const watch = new MutationObserver(look);
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      if (!look()) setTimeout(() => { watch.disconnect(); reject(new Error('not within 15 s: ' + document.querySelector('main > section:not([hidden])')?.innerText)); }, 15000);
    })`;
    try {
      return await this.run(body, ...given);
    } catch (error) {
      throw new Error(`${act} of ${JSON.stringify(given)}: ${error.message}`);
    }
  }

  // Clicks with the mouse on what a function in the page answers, once it is there.
  async click(find, ...given) {
    const at = await this.until(`(...given) => {
      const found = (${find})(...given);
      if (!found) return null;
      found.scrollIntoView({ block: 'center' });
      const { left, top, width, height } = found.getBoundingClientRect();
      return width ? { x: left + width / 2, y: top + height / 2 } : null;
    }`, ...given);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
    }
  }

  async press(key, code = key) {
    const text = key === 'Enter' ? '\r' : undefined;
    const known = { Enter: 13, Tab: 9, ' ': 32, Escape: 27 }[key];
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, text, windowsVirtualKeyCode: known });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code, windowsVirtualKeyCode: known });
  }

  // Types into a field in place of what is in it.
  async type(id, text) {
    await this.until((id) => { const field = document.getElementById(id); field.focus(); field.select?.(); return document.activeElement === field; }, id);
    await this.send('Input.insertText', { text });
  }

  async picture(width, height, dark, phone = false) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: phone ? 1.5 : 1, mobile: phone });
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }, { name: 'prefers-reduced-motion', value: 'reduce' }] });
    await this.run(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: false });
    return Buffer.from(data, 'base64');
  }
}
