// A client generated from the bundle signs a user in by one-time code and loads that user with the management key.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './descope.js';

type Session = components['schemas']['JwtResponse'];

function env(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

const baseUrl = env('EMULATOR_BASE_URL');
const projectId = env('EMULATOR_PROJECT_ID');
const managementKey = env('EMULATOR_MANAGEMENT_KEY');
const loginId = 'typescript-generated@example.com';

// A client whose bearer is the project id, joined by what else the operation asks for.
function client(...parts: string[]) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${[projectId, ...parts].join(':')}` } });
}

async function codeOf(address: string): Promise<string> {
  const answer = await fetch(`${baseUrl}/_emulator/inbox?${new URLSearchParams({ to: address, wait: '5' })}`);
  const { messages } = (await answer.json()) as { messages: { code?: string }[] };
  const code = messages[0]?.code;
  assert.ok(code, 'the message has no code');
  return code;
}

const sent = await client().POST('/v1/auth/otp/signup/email', {
  body: { loginId, user: { name: 'Ada Lovelace', email: loginId } },
});
assert.ok(sent.data?.maskedEmail, JSON.stringify(sent.error));
assert.notEqual(sent.data.maskedEmail, loginId);

const code = await codeOf(loginId);
const wrong = await client().POST('/v1/auth/otp/verify/email', {
  body: { loginId, code: code === '000000' ? '111111' : '000000' },
});
assert.equal(wrong.error?.errorCode, 'E061102');

const right = await client().POST('/v1/auth/otp/verify/email', { body: { loginId, code } });
assert.ok(right.data, JSON.stringify(right.error));
const session: Session = right.data;
assert.equal(session.firstSeen, true);
assert.deepEqual(session.user?.loginIds, [loginId]);
assert.ok(session.refreshJwt);

const me = await client(session.refreshJwt).GET('/v1/auth/me');
assert.equal(me.data?.userId, session.user.userId);

const loaded = await client(managementKey).GET('/v1/mgmt/user', { params: { query: { loginId } } });
assert.equal(loaded.data?.user?.userId, session.user.userId);
assert.equal(loaded.data?.user?.name, 'Ada Lovelace');

const refused = await client('not-the-key').GET('/v1/mgmt/user', { params: { query: { loginId } } });
assert.equal(refused.response.ok, false);
assert.ok(refused.error?.errorCode);

// What the types must refuse; the compiler fails when one of these stops being an error.
// @ts-expect-error a required property is missing
void (() => client().POST('/v1/auth/otp/verify/email', { body: { loginId } }));
// @ts-expect-error no such path
void (() => client().POST('/v1/auth/otp/verify/pigeon', { body: { loginId, code } }));

console.log('typescript: a generated client signs in and loads the user');
