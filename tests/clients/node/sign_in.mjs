// The official Node SDK against the emulator: the ways to sign in, and what follows a sign-in.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import DescopeClient from '@descope/node-sdk';

const { EMULATOR_BASE_URL, EMULATOR_PROJECT_ID, EMULATOR_MANAGEMENT_KEY } = process.env;
const URI = 'https://app.example.com/verify';

const sdk = (DescopeClient.default ?? DescopeClient)({
  projectId: EMULATOR_PROJECT_ID,
  managementKey: EMULATOR_MANAGEMENT_KEY,
  baseUrl: EMULATOR_BASE_URL,
});

async function nextMessage(address, after = 0) {
  const query = new URLSearchParams({ to: address, wait: '5', after: String(after) });
  const answer = await fetch(`${EMULATOR_BASE_URL}/_emulator/inbox?${query}`);
  return (await answer.json()).messages[0];
}

function ok(response) {
  assert.ok(response.ok, JSON.stringify(response.error));
  return response.data;
}

function refused(response, code) {
  assert.equal(response.ok, false);
  if (code) assert.equal(response.error.errorCode, code);
}

// Validate, refresh, load, and log out: every step a signed-in user takes.
async function sessionLivesAndEnds(session, loginId) {
  const { sessionJwt, refreshJwt } = session;
  const { token } = await sdk.validateSession(sessionJwt);
  assert.equal(token.iss, EMULATOR_PROJECT_ID);
  const renewed = await sdk.refreshSession(refreshJwt);
  assert.equal(renewed.token.sub, token.sub);
  await sdk.validateAndRefreshSession('expired', refreshJwt);
  assert.ok(ok(await sdk.me(refreshJwt)).loginIds.includes(loginId));
  ok(await sdk.logout(refreshJwt));
  refused(await sdk.me(refreshJwt));
  await assert.rejects(sdk.refreshSession(refreshJwt));
}

// Goes from the start of a sign-in by a provider to the application's page, and gives the query there.
async function walk({ url }, decision) {
  for (let next = `${url}${decision}`; ; ) {
    const answer = await fetch(next, { redirect: 'manual' });
    next = answer.headers.get('location');
    assert.ok(next, await answer.text());
    if (next.startsWith(URI)) return new URL(next).searchParams;
  }
}

const sha256 = (data) => createHash('sha256').update(data).digest();
const base64url = (bytes) => bytes.toString('base64url');

// An authenticator that knows nothing of the emulator. It has one passkey.
class Authenticator {
  constructor(origin) {
    this.origin = origin;
    this.id = randomBytes(16);
    this.keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  }

  clientData(type, { options }) {
    const { challenge } = JSON.parse(options).publicKey;
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin }));
  }

  head(flags) {
    return Buffer.concat([sha256(new URL(this.origin).hostname), Buffer.from([flags, 0, 0, 0, 0])]);
  }

  answer(response) {
    const id = base64url(this.id);
    const members = Object.entries(response).map(([name, bytes]) => [name, base64url(bytes)]);
    return JSON.stringify({ id, rawId: id, type: 'public-key', response: Object.fromEntries(members) });
  }

  create(started) {
    const { x, y } = this.keys.publicKey.export({ format: 'jwk' });
    const hex = (text) => Buffer.from(text, 'hex');
    const [left, right] = [x, y].map((part) => Buffer.from(part, 'base64url'));
    const key = Buffer.concat([hex('a5010203262001215820'), left, hex('225820'), right]);
    const data = Buffer.concat([this.head(0x45), Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, key]);
    // {"fmt": "none", "attStmt": {}, "authData": data}
    const head = hex('a363666d74646e6f6e656761747453746d74a068617574684461746158');
    const attestationObject = Buffer.concat([head, Buffer.from([data.length]), data]);
    return this.answer({ clientDataJSON: this.clientData('webauthn.create', started), attestationObject });
  }

  get(started) {
    const clientDataJSON = this.clientData('webauthn.get', started);
    const authenticatorData = this.head(0x05);
    const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientDataJSON)]), this.keys.privateKey);
    return this.answer({ clientDataJSON, authenticatorData, signature });
  }
}

const steps = {
  async otp() {
    for (const [method, loginId] of [
      ['email', 'node-otp@example.com'],
      ['sms', '+15551240001'],
      ['voice', '+15551240002'],
      ['whatsapp', '+15551240003'],
      ['im', '+15551240004'],
    ]) {
      ok(await sdk.otp.signUp[method](loginId, { name: 'Ada Lovelace' }));
      const message = await nextMessage(loginId);
      const wrong = message.code === '000000' ? '111111' : '000000';
      refused(await sdk.otp.verify[method](loginId, wrong), 'E061102');
      const session = ok(await sdk.otp.verify[method](loginId, message.code));
      assert.equal(session.firstSeen, true);
      refused(await sdk.otp.verify[method](loginId, message.code));
      await sessionLivesAndEnds(session, loginId);
      ok(await sdk.otp.signIn[method](loginId));
      const { code } = await nextMessage(loginId, message.id);
      assert.equal(ok(await sdk.otp.verify[method](loginId, code)).firstSeen, false);
    }
    refused(await sdk.otp.signIn.email('nobody@example.com'), 'E062108');
  },

  async magicLink() {
    const loginId = 'node-magic@example.com';
    ok(await sdk.magicLink.signUpOrIn.email(loginId, URI));
    const [link] = (await nextMessage(loginId)).links;
    refused(await sdk.magicLink.verify('not-a-token'));
    await sessionLivesAndEnds(ok(await sdk.magicLink.verify(link.token)), loginId);
    refused(await sdk.magicLink.verify(link.token));
  },

  async enchantedLink() {
    const loginId = 'node-enchanted@example.com';
    const { linkId, pendingRef } = ok(await sdk.enchantedLink.signUpOrIn(loginId, URI));
    const { links } = await nextMessage(loginId);
    const right = links.find((link) => link.linkId === linkId);
    const wrong = links.find((link) => link.linkId !== linkId);
    const waiting = sdk.enchantedLink.waitForSession(pendingRef, { pollingIntervalMs: 1000, timeoutMs: 20000 });
    refused(await sdk.enchantedLink.verify(wrong.token));
    ok(await sdk.enchantedLink.verify(right.token));
    await sessionLivesAndEnds(ok(await waiting), loginId);
  },

  async passkeys() {
    const [loginId, origin] = ['node-passkey@example.com', 'https://app.example.com'];
    const device = new Authenticator(origin);
    const begun = ok(await sdk.webauthn.signUp.start(loginId, origin, 'Ada Lovelace'));
    const session = ok(await sdk.webauthn.signUp.finish(begun.transactionId, device.create(begun)));
    assert.deepEqual([session.firstSeen, session.user.webauthn], [true, true]);
    const again = ok(await sdk.webauthn.signIn.start(loginId, origin));
    const signed = device.get(again);
    await sessionLivesAndEnds(ok(await sdk.webauthn.signIn.finish(again.transactionId, signed)), loginId);
    refused(await sdk.webauthn.signIn.finish(again.transactionId, signed), 'E062504');

    const second = new Authenticator(origin);
    const { create } = ok(await sdk.webauthn.signUpOrIn.start(loginId, origin));
    assert.equal(create, false);
    const last = ok(await sdk.webauthn.signIn.start(loginId, origin));
    const { refreshJwt } = ok(await sdk.webauthn.signIn.finish(last.transactionId, device.get(last)));
    const added = ok(await sdk.webauthn.update.start(loginId, origin, refreshJwt));
    ok(await sdk.webauthn.update.finish(added.transactionId, second.create(added)));
    refused(await sdk.webauthn.signIn.start('nobody@example.com', origin), 'E062108');
  },

  async providers() {
    const loginId = 'node-provider@example.com';
    const approve = `&outcome=approve&email=${encodeURIComponent(loginId)}&name=Ada`;
    const social = await walk(ok(await sdk.oauth.start.google(URI)), approve);
    const session = ok(await sdk.oauth.exchange(social.get('code')));
    assert.equal(session.user.OAuth.google, true);
    await sessionLivesAndEnds(session, loginId);
    const denied = await walk(ok(await sdk.oauth.start('github', URI)), '&outcome=refuse');
    assert.equal(denied.get('err'), 'access_denied');

    const started = ok(await sdk.oauth.startNative('apple', {}, true));
    const query = new URLSearchParams({ email: loginId, nonce: started.nonce });
    const token = await fetch(`${EMULATOR_BASE_URL}/_emulator/provider/token?${query}`, { method: 'POST' });
    const { idToken } = await token.json();
    ok(await sdk.oauth.finishNative('apple', started.stateId, '', '', idToken));
    refused(await sdk.oauth.finishNative('apple', started.stateId, '', '', idToken), 'E062504');
  },

  async sso() {
    const tenant = 'node-tenant';
    ok(await sdk.management.tenant.createWithId(tenant, 'Node'));
    refused(await sdk.sso.start(tenant, URI), 'E011004');
    const settings = { name: 'Okta', clientId: 'c', authUrl: 'https://idp.example.com/auth' };
    ok(await sdk.management.sso.configureOIDCSettings(tenant, settings, ['node.example']));
    const decision = '&outcome=approve&email=ada%40node.example&groups=staff';
    for (const by of [tenant, 'somebody@node.example']) {
      const query = await walk(ok(await sdk.sso.start(by, URI)), decision);
      const session = ok(await sdk.sso.exchange(query.get('code')));
      assert.deepEqual(session.idpResponse.idpGroups, ['staff']);
      const { token } = await sdk.validateSession(session.sessionJwt);
      assert.equal(token.dct, tenant);
    }
  },

  async notp() {
    const begun = ok(await sdk.notp.signUpOrIn(''));
    const waiting = sdk.notp.waitForSession(begun.pendingRef, { pollingIntervalMs: 1000, timeoutMs: 20000 });
    await fetch(`${begun.redirectUrl}&outcome=send&phone=%2B15551240009`);
    await sessionLivesAndEnds(ok(await waiting), '+15551240009');
  },

  async accessKey() {
    const made = ok(await sdk.management.accessKey.create('Nightly report', 0));
    const { token } = await sdk.exchangeAccessKey(made.cleartext);
    assert.equal(token.sub, made.key.id);
    ok(await sdk.management.accessKey.delete(made.key.id));
    await assert.rejects(sdk.exchangeAccessKey(made.cleartext));
  },

  async management() {
    const loginId = 'node-mgmt@example.com';
    const user = ok(await sdk.management.user.create(loginId, { email: loginId, displayName: 'Ada' }));
    assert.equal(user.status, 'invited');
    assert.equal(ok(await sdk.management.user.load(loginId)).userId, user.userId);
    ok(await sdk.management.user.delete(loginId));
    refused(await sdk.management.user.load(loginId));

    ok(await sdk.management.user.createTestUser('node-test', { email: 'node-test@example.com' }));
    const link = ok(await sdk.management.user.generateMagicLinkForTestUser('email', 'node-test', URI));
    const token = new URL(link.link).searchParams.get('t');
    ok(await sdk.magicLink.verify(token));
    ok(await sdk.management.user.deleteAllTestUsers());
    refused(await sdk.management.user.load('node-test'));
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log(`node: ${name} ok`);
}
