// openid-client, which knows nothing of Descope, signs users in by the emulator: at the provider for federated applications
// and at the one for inbound applications.
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';

const { EMULATOR_BASE_URL, EMULATOR_PROJECT_ID, EMULATOR_MANAGEMENT_KEY } = process.env;
const CALLBACK = 'https://app.example.com/callback';
const ADA = 'rp-ada@example.com';

async function manage(path, body, method = 'POST') {
  const bearer = `Bearer ${EMULATOR_PROJECT_ID}:${EMULATOR_MANAGEMENT_KEY}`;
  const headers = { authorization: bearer, 'content-type': 'application/json' };
  const answer = await fetch(`${EMULATOR_BASE_URL}/v1/mgmt/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function emulator(path, body) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${EMULATOR_BASE_URL}/_emulator/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

const scope = (name, ...values) => ({ name, description: name, values });

const SHARED = ['code', 'refusal', 'refresh', 'revocation', 'device'];

// The providers and kinds of applications, each with its ways to sign in.
const applications = {
  async federated() {
    const app = await portal('confidential');
    const { cleartext } = await manage(`sso/idp/app/secret?id=${app.id}`, undefined, 'GET');
    return { ...app, secret: cleartext, ways: [...SHARED, 'clientCredentials', 'logout'] };
  },

  async public() {
    return { ...(await portal('public')), ways: [...SHARED, 'logout'] };
  },

  async inbound() {
    const app = await manage('thirdparty/app/create', {
      name: 'Partner',
      loginPageUrl: 'https://login.example.com',
      approvedCallbackUrls: [CALLBACK],
      cibaSettings: { enabled: true },
      permissionsScopes: [scope('reports', 'read')],
      attributesScopes: [scope('email', 'email'), scope('profile', 'name')],
    });
    const ways = [...SHARED, 'clientCredentials', 'pushed', 'backchannel'];
    return { issuer: `v1/apps/${EMULATOR_PROJECT_ID}`, clientId: app.clientId, secret: app.cleartext, ways };
  },
};

async function portal(clientType) {
  const body = { name: `Portal, ${clientType}`, approvedRedirectUrls: [CALLBACK], clientType };
  const { id } = await manage('sso/idp/app/oidc/create', body);
  const { oidcSettings } = await manage(`sso/idp/app/load?id=${id}`, undefined, 'GET');
  return { id, issuer: EMULATOR_PROJECT_ID, clientId: oidcSettings.clientId };
}

async function discover({ issuer, clientId, secret }, authentication) {
  const options = { execute: [oidc.allowInsecureRequests] };
  return oidc.discovery(new URL(`${EMULATOR_BASE_URL}/${issuer}`), clientId, secret, authentication, options);
}

// How an application proves who it is.
function proofs({ secret }) {
  return secret ? { basic: oidc.ClientSecretBasic(secret), post: oidc.ClientSecretPost(secret) } : { none: oidc.None() };
}

// Goes from the address that the application sends the browser to, by the page of the emulator, back to the application.
async function browse(url, decision) {
  const cookies = new Map();
  for (let next = url.href; ; ) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const set of answer.headers.getSetCookie()) cookies.set(...set.split(';')[0].split(/=(.*)/s, 2));
    next = answer.headers.get('location');
    assert.ok(next, `${answer.status} ${await answer.text()}`);
    if (next.startsWith(CALLBACK)) return new URL(next);
    if (next.includes('/_emulator/authorize?')) next += `&${new URLSearchParams(decision)}`;
  }
}

// The client waits before it asks for the first time; here the person has always decided before.
const AT_ONCE = { interval: 0.001 };
const approve = { outcome: 'approve', loginId: ADA };

const ways = {
  async code(config) {
    const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()];
    const request = await codeRequest(verifier, { scope: 'openid email profile offline_access', state, nonce });
    const url = oidc.buildAuthorizationUrl(config, request);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    const other = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
    await assert.rejects(oidc.authorizationCodeGrant(config, await browse(url, approve), other), { error: 'invalid_grant' });
    const again = await browse(url, approve);
    const tokens = await oidc.authorizationCodeGrant(config, again, checks);
    const { sub } = tokens.claims();
    const user = await oidc.fetchUserInfo(config, tokens.access_token, sub);
    assert.deepEqual([user.sub, user.email, user.name], [sub, ADA, 'Ada']);
    await assert.rejects(oidc.authorizationCodeGrant(config, again, checks), { error: 'invalid_grant' });
  },

  async refusal(config) {
    const state = oidc.randomState();
    const url = oidc.buildAuthorizationUrl(config, await codeRequest(oidc.randomPKCECodeVerifier(), { scope: 'openid', state }));
    const back = await browse(url, { outcome: 'refuse' });
    await assert.rejects(oidc.authorizationCodeGrant(config, back, { expectedState: state }), { error: 'access_denied' });
  },

  async refresh(config) {
    const first = await signedIn(config);
    const second = await oidc.refreshTokenGrant(config, first.refresh_token);
    assert.equal(second.claims().sub, first.claims().sub);
    await oidc.fetchUserInfo(config, second.access_token, first.claims().sub);
    // The old one has been used: somebody else may have it, so neither is good any more.
    await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' });
    await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' });
  },

  async revocation(config) {
    const tokens = await signedIn(config);
    await oidc.tokenRevocation(config, tokens.refresh_token);
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
  },

  async device(config) {
    const begun = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email' });
    await emulator('device', { userCode: begun.user_code, loginId: ADA, outcome: 'approve' });
    const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...begun, ...AT_ONCE });
    assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, oidc.skipSubjectCheck)).email, ADA);

    const refused = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' });
    await emulator('device', { userCode: refused.user_code, outcome: 'refuse' });
    await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, { ...refused, ...AT_ONCE }), { error: 'access_denied' });
  },

  async clientCredentials(config) {
    const tokens = await oidc.clientCredentialsGrant(config);
    assert.equal(tokens.token_type, 'bearer');
    assert.equal(tokens.refresh_token, undefined);
  },

  // Discovery has no member for this endpoint, and it answers 200, as the document of Descope has it. The client would refuse
  // anything but the 201 of RFC 9126.
  async pushed(config, authentication) {
    const pushed_authorization_request_endpoint = `${EMULATOR_BASE_URL}/oauth2/v1/apps/par`;
    const metadata = { ...config.serverMetadata(), pushed_authorization_request_endpoint };
    const client = config.clientMetadata();
    const informed = new oidc.Configuration(metadata, client.client_id, client, authentication);
    oidc.allowInsecureRequests(informed);
    informed[oidc.customFetch] = async (url, options) => {
      const answer = await fetch(url, options);
      const pushed = url === pushed_authorization_request_endpoint && answer.status === 200;
      return pushed ? new Response(answer.body, { status: 201, headers: answer.headers }) : answer;
    };
    const [verifier, state] = [oidc.randomPKCECodeVerifier(), oidc.randomState()];
    const request = await codeRequest(verifier, { scope: 'openid', state });
    const url = await oidc.buildAuthorizationUrlWithPAR(informed, request);
    assert.ok(url.searchParams.get('request_uri') && !url.searchParams.has('scope'));
    await oidc.authorizationCodeGrant(informed, await browse(url, approve), { pkceCodeVerifier: verifier, expectedState: state });
  },

  async backchannel(config) {
    const begun = await oidc.initiateBackchannelAuthentication(config, { scope: 'openid email', login_hint: ADA });
    await emulator('backchannel', { loginId: ADA, outcome: 'approve' });
    const tokens = await oidc.pollBackchannelAuthenticationGrant(config, { ...begun, ...AT_ONCE });
    assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, oidc.skipSubjectCheck)).email, ADA);
  },

  async logout(config) {
    const tokens = await signedIn(config);
    const parameters = { post_logout_redirect_uri: CALLBACK, id_token_hint: tokens.id_token, state: 'bye' };
    const answer = await fetch(oidc.buildEndSessionUrl(config, parameters), { redirect: 'manual' });
    assert.equal(answer.headers.get('location'), `${CALLBACK}?state=bye`);
  },
};

async function codeRequest(verifier, others) {
  const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
  return { redirect_uri: CALLBACK, code_challenge, code_challenge_method: 'S256', ...others };
}

async function signedIn(config) {
  const [verifier, state] = [oidc.randomPKCECodeVerifier(), oidc.randomState()];
  const url = oidc.buildAuthorizationUrl(config, await codeRequest(verifier, { scope: 'openid offline_access', state }));
  return oidc.authorizationCodeGrant(config, await browse(url, approve), { pkceCodeVerifier: verifier, expectedState: state });
}

await manage('permission/create', { name: 'read' });
await manage('user/create', { loginId: ADA, email: ADA, name: 'Ada', verifiedEmail: true });
for (const [name, create] of Object.entries(applications)) {
  const application = await create();
  for (const [proof, authentication] of Object.entries(proofs(application))) {
    const config = await discover(application, authentication);
    for (const way of application.ways) await ways[way](config, authentication);
    console.log(`openid-client: ${name}, ${proof}: ${application.ways.join(', ')} ok`);
  }
}
