// The official Node SDK against the emulator: four ways to sign in, and what follows a sign-in.
import assert from 'node:assert/strict';
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
  return (await answer.json()).messages.at(-1);
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
