// Calls every public method of the official Node SDK, and writes what each sent and got, for judge.py.
//
// The methods are found by looking at a client, whatever hangs on functions included. The SDK is bundled, so its parameters
// have no names: ARGUMENTS says for each method what is passed, and a method without a row is a fault.
//
//     drive.mjs WORLD    WORLD is the file that world.py has written
import { readFileSync } from 'node:fs';
import DescopeClient from '@descope/node-sdk';

const { EMULATOR_BASE_URL, EMULATOR_MANAGEMENT_KEY } = process.env;
const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { ada, uri, origin, refreshJwt, sessionJwt, user } = world;
const fresh = 'new@example.com';
const phone = '+15551230150';
const password = world.password;
const claims = { plan: 'gold' };
const roles = ['reader'];
const tenants = [{ tenantId: 'T1', roleNames: roles }];
const page = 'https://app.example.com/page';
const person = { name: 'Joe Person', givenName: 'Joe', familyName: 'Person', email: fresh };
const login = { customClaims: claims };
const update = { addToLoginIDs: true, onMergeUseExisting: true };
const poll = { pollingIntervalMs: 1, timeoutMs: 5000 };
const authInfo = {
  jwt: sessionJwt,
  token: { permissions: ['read'], roles, tenants: { T1: { permissions: ['read'], roles } } },
};
const options = { email: fresh, displayName: 'New', roles, userTenants: tenants, customAttributes: claims };
const search = { page: 0, limit: 10, text: 'ada', roles, tenantIds: ['T1'] };
const mapping = { email: 'mail', group: 'memberOf' };
const endpoints = { redirectUrl: uri, authUrl: page, tokenUrl: page };
const oidc = { name: 'IdP', clientId: 'c', clientSecret: 's', ...endpoints, scope: ['openid'] };
const saml = { idpUrl: page, entityId: 'entity', idpCert: 'certificate', attributeMapping: mapping };
const samlApp = { entityId: 'sp', acsUrl: page, certificate: 'certificate' };
const wsfedApp = { realm: 'urn:realm', replyUrl: page };
const third = { id: world.thirdParty, name: 'New', loginPageUrl: page, approvedCallbackUrls: [uri] };
const token = { appId: 'calendar', accessToken: 'at', accessTokenType: 'Bearer', scopes: ['events'] };
const relation = { resource: 'd1', resourceType: 'doc', relation: 'owner', target: 'u1', targetType: 'user' };
const tuple = { resource: 'd1', relationDefinition: 'owner', namespace: 'doc', target: 'u1' };
const namespace = { name: 'doc', relationDefinitions: [{ name: 'owner' }, { name: 'reader' }] };
const dsl = 'model AuthZ 1.0\n\ntype user\n\ntype doc\n  relation owner: user\n  relation reader: user\n';
const template = { name: 'new', type: 'user', template: claims };
const { flow, screens } = world.flow;
const sessions = { sessionTokenExpiration: 20, sessionTokenExpirationUnit: 'minutes' };
const between = { from: Date.parse('2026-01-01'), to: Date.parse('2026-01-02') };

const ceremony = ({ transactionId, response }) => [transactionId, response];

// The rows of methods that differ in their last step only.
function each(path, ends, row) {
  return Object.fromEntries(ends.map((end) => [`${path}.${end}`, typeof row === 'function' ? row(end) : row]));
}
const phones = ['sms', 'voice', 'whatsapp', 'im'];
const providers = ['facebook', 'github', 'google', 'microsoft', 'gitlab', 'apple', 'discord', 'linkedin', 'slack'];
const m = (area, rows) => Object.fromEntries(Object.entries(rows).map(([name, row]) => [`management.${area}.${name}`, row]));
const same = (names, row) => Object.fromEntries(names.map((name) => [name, row]));

const ARGUMENTS = {
  'accessKey.exchange': [world.accessKeyCleartext, { selectedTenant: 'T1' }],
  ...each('otp.verify', phones, (way) => [world.phones[way].phone, world.phones[way].code]),
  'otp.verify.email': [ada, world.code],
  ...each('otp.signIn', phones, ['+15551230100', login, refreshJwt]),
  'otp.signIn.email': [ada, login, refreshJwt],
  ...each('otp.signUp', phones, [phone, { name: 'Joe' }, login]),
  'otp.signUp.email': [fresh, person, login],
  ...each('otp.signUpOrIn', phones, [phone, login]),
  'otp.signUpOrIn.email': [fresh, login],
  'otp.update.email': [ada, fresh, refreshJwt, update],
  ...each('otp.update.phone', phones, [ada, phone, refreshJwt, update]),
  'magicLink.verify': [world.magicToken],
  ...each('magicLink.signIn', phones, ['+15551230100', uri, login, refreshJwt]),
  'magicLink.signIn.email': [ada, uri, login, refreshJwt],
  ...each('magicLink.signUp', phones, [phone, uri, { name: 'Joe' }, login]),
  'magicLink.signUp.email': [fresh, uri, person, login],
  ...each('magicLink.signUpOrIn', phones, [phone, uri, login]),
  'magicLink.signUpOrIn.email': [fresh, uri, login],
  'magicLink.update.email': [ada, fresh, uri, refreshJwt, update],
  ...each('magicLink.update.phone', phones, [ada, phone, uri, refreshJwt, update]),
  'enchantedLink.verify': [world.enchantedToken],
  'enchantedLink.signIn': [ada, uri, login, refreshJwt],
  'enchantedLink.signUpOrIn': [fresh, uri, login],
  'enchantedLink.signUp': [fresh, uri, person, login],
  'enchantedLink.waitForSession': [world.pendingRef, poll],
  'enchantedLink.update.email': [ada, fresh, uri, refreshJwt, update],
  'oauth.start': ['google', uri, login, refreshJwt],
  ...each('oauth.start', providers, [uri, login]),
  'oauth.exchange': [world.oauthCode],
  'oauth.startNative': ['google', login, false],
  'oauth.finishNative': ['apple', world.nativeState, '', '', world.idToken],
  'oauth.getOneTapClientId': ['google'],
  'oauth.verifyOneTapIDToken': ['google', world.oneTapToken, 'nonce', login],
  'oauth.exchangeOneTapIDToken': ['google', world.oneTapToken, 'nonce', login],
  'outbound.connect': ['calendar', { redirectUrl: uri, scopes: ['events'] }, refreshJwt],
  'sso.start': ['T1', uri, login, undefined, undefined, false, ada],
  'sso.exchange': [world.ssoCode],
  'saml.start': ['T1', uri, login, undefined, undefined, false, ada],
  'saml.exchange': [world.ssoCode],
  'totp.signUp': [fresh, person],
  'totp.verify': [world.tess, world.totpCode, login],
  'totp.update': [ada, refreshJwt],
  'notp.signUpOrIn': [fresh, login],
  'notp.signUp': [fresh, person, login],
  'notp.signIn': [ada, login],
  'notp.waitForSession': [world.notpRef, poll],
  'webauthn.signUp.start': [fresh, origin, 'Joe'],
  'webauthn.signUp.finish': ceremony(world.passkeySignUp),
  'webauthn.signIn.start': [world.pat, origin],
  'webauthn.signIn.finish': ceremony(world.passkeySignIn),
  'webauthn.signUpOrIn.start': [fresh, origin],
  'webauthn.update.start': [ada, origin, refreshJwt],
  'webauthn.update.finish': ceremony(world.passkeyUpdate),
  'password.signUp': [fresh, password, person],
  'password.signIn': [ada, password, login],
  'password.sendReset': [ada, uri, { greeting: 'Hello' }],
  'password.update': [ada, 'Babbage-1822', refreshJwt],
  'password.replace': [ada, password, 'Babbage-1822'],
  'password.policy': [],
  'flow.start': [flow.id, { redirectUrl: uri, tenant: 'T1' }],
  'flow.next': [world.flowRun.executionId, world.flowRun.stepId, 'submit', 1, '1', { email: ada }],
  refresh: [refreshJwt],
  selectTenant: ['T1', refreshJwt],
  ...same(['logout', 'logoutAll', 'me', 'history'], [refreshJwt]),
  myTenants: [true, refreshJwt],
  ...same(['isJwtExpired', 'getTenants', 'getJwtPermissions', 'getJwtRoles', 'getCurrentTenant'], [sessionJwt]),
  getKey: [JSON.parse(Buffer.from(sessionJwt.split('.')[0], 'base64url'))],
  validateJwt: [sessionJwt],
  validateSession: [sessionJwt],
  refreshSession: [refreshJwt],
  validateAndRefreshSession: ['expired', refreshJwt],
  exchangeAccessKey: [world.accessKeyCleartext, { selectedTenant: 'T1' }],
  ...same(['validatePermissions', 'getMatchedPermissions'], [authInfo, ['read']]),
  ...same(['validateTenantPermissions', 'getMatchedTenantPermissions'], [authInfo, 'T1', ['read']]),
  ...same(['validateRoles', 'getMatchedRoles'], [authInfo, roles]),
  ...same(['validateTenantRoles', 'getMatchedTenantRoles'], [authInfo, 'T1', roles]),
  ...m('user', {
    ...same(['create', 'createTestUser'], [fresh, options]),
    invite: [fresh, { ...options, inviteUrl: uri, sendMail: true }],
    inviteBatch: [[{ loginId: fresh, ...options }], uri, true],
    createBatch: [[{ loginId: fresh, ...options }]],
    update: [ada, options],
    patch: [ada, options],
    patchBatch: [[{ loginId: ada, displayName: 'New' }]],
    ...same(['load', 'delete', 'logoutUser', 'activate', 'deactivate', 'expirePassword', 'generateEmbeddedLink'], [ada]),
    ...same(['removeAllPasskeys', 'removeTOTPSeed', 'listPasskeys', 'updateDisplayName', 'updateUserNames'], [ada, 'New']),
    ...same(['loadByUserId', 'deleteByUserId', 'logoutUserByUserId'], [user]),
    ...same(['loadUsers', 'deleteBatch', 'history'], [[user]]),
    deleteAllTestUsers: [],
    searchAll: [['T1'], roles, 10, 0],
    ...same(['search', 'searchTestUsers'], [search]),
    getProviderToken: [ada, 'google', { withRefreshToken: true }],
    updateLoginId: [ada, 'renamed@example.com'],
    ...same(['updateEmail', 'updateRecoveryEmail'], [ada, fresh, true]),
    ...same(['updatePhone', 'updateRecoveryPhone'], [ada, phone, true]),
    updatePicture: [ada, page],
    updateCustomAttribute: [ada, 'plan', 'gold'],
    ...same(['setRoles', 'addRoles', 'removeRoles'], [ada, roles]),
    ...same(['addTenant'], [ada, 'T2']),
    ...same(['removeTenant'], [ada, 'T1']),
    ...same(['setTenantRoles', 'addTenantRoles', 'removeTenantRoles'], [ada, 'T1', roles]),
    ...same(['addSSOapps', 'setSSOapps', 'removeSSOapps'], [ada, ['oidc']]),
    generateOTPForTestUser: ['email', 'test'],
    generateMagicLinkForTestUser: ['email', 'test', uri],
    generateEnchantedLinkForTestUser: ['test', uri],
    generateSignUpEmbeddedLink: [fresh, person, true],
    ...same(['setTemporaryPassword', 'setActivePassword', 'setPassword'], [ada, 'Babbage-1822']),
    import: ['auth0', world.auth0, undefined, true],
    getCustomAttributes: [],
    createCustomAttributes: [[{ name: 'colour', type: 1 }]],
    deleteCustomAttributes: [['plan']],
    removePasskey: [world.pat, world.passkey],
    listTrustedDevices: [[ada]],
    removeTrustedDevices: [ada, ['unknown']],
  }),
  ...m('project', {
    updateName: ['New'],
    updateTags: [['drive']],
    clone: ['Copy', 'production', ['drive']],
    importSnapshot: [{ files: world.snapshot }],
    validateSnapshot: [{ files: world.snapshot }],
    import: [world.snapshot],
    ...same(['delete', 'listProjects', 'exportSnapshot', 'export'], []),
  }),
  ...m('accessKey', {
    create: ['new', 1893456000, roles, tenants, user, claims],
    update: [world.accessKey, 'new', 'New', roles],
    searchAll: [['T1']],
    ...same(['load', 'deactivate', 'activate', 'delete', 'rotate'], [world.accessKey]),
    ...same(['deactivateBatch', 'activateBatch', 'deleteBatch'], [[world.accessKey]]),
  }),
  ...m('tenant', {
    create: ['New', ['new.example']],
    createWithId: ['T3', 'New', ['new.example']],
    update: ['T1', 'New', ['new.example']],
    updateDefaultRoles: ['T1', roles],
    ...same(['delete', 'load', 'getSettings', 'revokeSSOConfigurationLink'], ['T1']),
    loadAll: [],
    searchAll: [['T1']],
    configureSettings: ['T1', { selfProvisioningDomains: [], enabled: true, ...sessions }],
    generateSSOConfigurationLink: ['T1', 3600],
  }),
  ...m('ssoApplication', {
    createOidcApplication: [{ name: 'New', loginPageUrl: page }],
    createSamlApplication: [{ name: 'New', loginPageUrl: page, ...samlApp }],
    createWsFedApplication: [{ name: 'New', loginPageUrl: page, ...wsfedApp }],
    updateOidcApplication: [{ id: 'oidc', name: 'New', loginPageUrl: page }],
    updateSamlApplication: [{ id: 'saml', name: 'New', loginPageUrl: page, ...samlApp }],
    updateWsFedApplication: [{ id: 'wsfed', name: 'New', loginPageUrl: page, ...wsfedApp }],
    ...same(['delete', 'load', 'getApplicationSecret', 'rotateApplicationSecret'], ['oidc']),
    loadAll: [],
  }),
  ...m('inboundApplication', {
    createApplication: [{ ...third, id: undefined }],
    ...same(['updateApplication', 'patchApplication'], [third]),
    ...same(['deleteApplication', 'loadApplication', 'getApplicationSecret', 'rotateApplicationSecret'], [third.id]),
    deleteApplicationBatch: [[third.id]],
    loadAllApplications: [],
    searchConsents: [{ appId: third.id }],
    deleteConsents: [{ appId: third.id, userIds: [user] }],
    deleteTenantConsents: [{ tenantId: 'T1' }],
  }),
  ...m('outboundApplication', {
    createApplication: [{ name: 'New', clientId: 'c', authorizationUrl: page, tokenUrl: page }],
    createApplicationByTemplate: [{ templateId: 'google-calendar', name: 'New' }],
    updateApplication: [{ id: 'calendar', name: 'New', clientId: 'c', authorizationUrl: page, tokenUrl: page }],
    ...same(['deleteApplication', 'loadApplication'], ['calendar']),
    loadAllApplications: [],
    fetchTokenByScopes: ['calendar', user, ['events']],
    fetchToken: ['calendar', user],
    fetchTenantTokenByScopes: ['calendar', 'T1', ['events']],
    fetchTenantToken: ['calendar', 'T1'],
    deleteUserTokens: ['calendar', user],
    deleteTokenById: [world.outboundToken],
    listAppsWithUserToken: [user],
    uploadUserApiKey: ['calendar', user, 'secret'],
    uploadTenantApiKey: ['calendar', 'T1', 'secret'],
    uploadUserToken: [{ ...token, userId: user }],
    uploadTenantToken: [{ ...token, tenantId: 'T1' }],
    batchUploadUserTokens: [[{ ...token, userId: user }]],
    batchUploadTenantTokens: [[{ ...token, tenantId: 'T1' }]],
  }),
  ...m('sso', {
    ...same(['getSettings', 'deleteSettings', 'recalculateSSOMappings', 'loadSettings', 'loadAllSettings'], ['T1']),
    newSettings: ['T1', 'second', 'Second'],
    configureSettings: ['T1', page, 'certificate', 'entity', uri, ['acme.example']],
    configureMetadata: ['T1', page, uri, ['acme.example']],
    configureMapping: ['T1', [{ groups: ['staff'], roleName: 'reader' }], mapping],
    configureOIDCSettings: ['T1', oidc, ['acme.example']],
    configureSAMLSettings: ['T1', saml, uri, ['acme.example']],
    configureSAMLByMetadata: ['T1', { idpMetadataUrl: page, attributeMapping: mapping }, uri, ['acme.example']],
    configureSSORedirectURL: ['T1', uri, uri],
  }),
  ...m('jwt', {
    update: [sessionJwt, claims],
    ...same(['impersonate', 'impersonateStepup'], [user, 'bob@example.com', false, claims, 'T1']),
    stopImpersonation: [world.impersonationJwt, claims],
    signIn: [ada, login],
    ...same(['signUp', 'signUpOrIn'], [fresh, { name: 'Joe', email: fresh }, login]),
    anonymous: [claims, 'T1'],
    generateClientAssertionJwt: ['issuer', 'subject', ['audience'], 300],
  }),
  ...m('permission', {
    create: ['new', 'New'],
    createBatch: [[{ name: 'new', description: 'New' }]],
    update: ['write', 'renamed'],
    updateWithId: [world.permission, 'renamed'],
    updateBatch: [[{ id: world.permission, newName: 'renamed' }]],
    delete: ['write'],
    deleteWithId: [world.permission],
    deleteBatch: [['write']],
    loadAll: [],
  }),
  ...m('password', { getSettings: ['T1'], configureSettings: ['T1', { enabled: true, minLength: 9 }] }),
  ...m('role', {
    create: ['new', 'New', ['read'], 'T1'],
    createBatch: [[{ name: 'new', permissionNames: ['read'] }]],
    update: ['writer', 'renamed'],
    updateWithId: [world.role, 'renamed'],
    updateBatch: [[{ id: world.role, newName: 'renamed' }]],
    delete: ['writer'],
    deleteWithId: [world.role],
    deleteBatch: [['writer']],
    loadAll: [],
    search: [{ tenantIds: ['T1'], roleNames: roles }],
  }),
  ...m('group', {
    loadAllGroups: ['T1'],
    loadAllGroupsForMember: ['T1', [user], [ada]],
    loadAllGroupMembers: ['T1', world.group],
  }),
  ...m('flow', {
    list: [],
    delete: [[flow.id]],
    export: [flow.id],
    import: [flow.id, flow, screens],
    run: [flow.id, { input: { email: ada } }],
  }),
  ...m('theme', { export: [], import: [world.theme] }),
  ...m('audit', {
    ...same(['search', 'searchAll'], [{ actions: ['tested'], ...between }]),
    createEvent: [{ action: 'tested', type: 'info', actorId: 'actor', tenantId: 'T1', data: { note: 'by hand' } }],
    createAuditWebhook: [{ name: 'New', url: page }],
  }),
  ...m('authz', {
    saveSchema: [{ name: 's', namespaces: [namespace] }, false],
    ...same(['deleteSchema', 'loadSchema'], []),
    saveNamespace: [namespace],
    deleteNamespace: ['doc'],
    saveRelationDefinition: [{ name: 'owner' }, 'doc'],
    deleteRelationDefinition: ['reader', 'doc'],
    ...same(['createRelations', 'deleteRelations', 'hasRelations'], [[tuple]]),
    ...same(['deleteRelationsForResources', 'deleteResourceRelationsForResources', 'deleteRelationsForIds'], [['d1']]),
    ...same(['whoCanAccess'], ['d1', 'owner', 'doc']),
    ...same(['resourceRelations', 'resourceRelationsWithTargetSetsFilter'], ['d1']),
    ...same(['targetsRelations', 'targetsRelationsWithTargetSetsFilter'], [['u1']]),
    whatCanTargetAccess: ['u1'],
    whatCanTargetAccessWithRelation: ['u1', 'owner', 'doc'],
    getModified: [new Date(between.from)],
  }),
  ...m('fga', {
    ...same(['saveSchema', 'dryRunSchema'], [{ dsl }]),
    ...same(['loadSchema', 'deleteSchema', 'deleteAllRelations'], []),
    ...same(['createRelations', 'deleteRelations', 'check', 'checkWithContext'], [[relation], {}]),
    loadResourcesDetails: [[{ resourceId: 'd1', resourceType: 'doc' }]],
    saveResourcesDetails: [[{ resourceId: 'd1', resourceType: 'doc', displayName: 'Diary' }]],
    loadMappableSchema: ['T1'],
    searchMappableResources: ['T1', [{ type: 'doc', queries: ['d'] }]],
  }),
  ...m('descoper', {
    create: [[{ loginId: fresh, attributes: { email: fresh }, rbac: { isCompanyAdmin: true } }]],
    update: [world.descoper, { displayName: 'New' }],
    ...same(['load', 'delete'], [world.descoper]),
    list: [],
  }),
  ...m('managementKey', {
    create: ['new', { companyRoles: ['company-full-access'] }, 'New', 3600],
    update: [world.managementKey, 'new', 'New', 'inactive'],
    load: [world.managementKey],
    delete: [[world.managementKey]],
    search: [],
  }),
  ...m('engine', {
    create: ['new'],
    update: [world.engine, 'renamed'],
    ...same(['delete', 'load', 'rotateSecret'], [world.engine]),
    loadAll: [],
  }),
  ...m('list', {
    create: [{ name: 'new', type: 'texts', data: ['ham'] }],
    update: [world.texts, { name: 'words', type: 'texts', data: ['ham'] }],
    ...same(['delete', 'load', 'clear'], [world.texts]),
    loadByName: ['words'],
    loadAll: [],
    import: [[{ id: world.texts, name: 'words', type: 'texts', data: ['ham'] }]],
    ...same(['addIPs', 'removeIPs'], [world.ips, ['10.0.0.1']]),
    checkIP: [world.ips, '10.0.0.1'],
    ...same(['addTexts', 'removeTexts'], [world.texts, ['spam']]),
    checkText: [world.texts, 'spam'],
  }),
  ...m('jwtTemplate', {
    create: [template],
    update: [{ ...template, id: world.jwtTemplate }],
    ...same(['delete', 'load'], [world.jwtTemplate]),
    ...same(['list', 'listLibrary'], []),
    validate: [world.jwtTemplate, template],
    loadLibraryEntry: [world.libraryEntry],
    applyFromLibrary: [{ id: world.libraryEntry, name: 'new' }],
  }),
  ...m('scopeClaimMapping', {
    ...same(['get', 'delete'], []),
    set: [[{ scope: 'profile', claims: { name: 'user.name' }, description: 'The name' }]],
  }),
  ...m('analytics', { search: [{ actions: ['tested'], ...between }] }),
};

// The public methods of a client and of what hangs on it. `httpClient` is what they all send with.
function* methods(part, path = '') {
  for (const [name, member] of Object.entries(part)) {
    if (!member || path + name === 'httpClient') continue;
    if (typeof member === 'function') yield [path + name, member];
    if (typeof member === 'function' || typeof member === 'object') yield* methods(member, `${path}${name}.`);
  }
}

async function emulator(method, path) {
  const answer = await fetch(`${EMULATOR_BASE_URL}/_emulator/${path}`, { method });
  if (!answer.ok) throw new Error(`${method} /_emulator/${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const FIELDS = ['operation', 'method', 'path', 'status', 'errorCode', 'errorMessage', 'body'];
const kept = (request) => Object.fromEntries(FIELDS.map((field) => [field, request[field]]));

// These are called on a client that has not read the keys of the project.
const UNUSED = ['getKey', 'validateJwt', 'validateSession'];
const newClient = () =>
  (DescopeClient.default ?? DescopeClient)({
    projectId: world.project,
    managementKey: EMULATOR_MANAGEMENT_KEY,
    baseUrl: EMULATOR_BASE_URL,
  });

const calls = [];
for (const [path, method] of methods(newClient())) {
  if (!ARGUMENTS[path]) throw new Error(`${path} has no row in ARGUMENTS`);
  await emulator('POST', 'snapshots/drive/restore');
  await emulator('DELETE', 'requests');
  let error = null;
  try {
    const answer = await (UNUSED.includes(path) ? newClient()[path] : method)(...ARGUMENTS[path]);
    if (answer?.ok === false) error = JSON.stringify(answer.error);
    // The SDK has picked a member that the answer lacks.
    if (answer?.ok && answer.data === undefined) error = 'the answer has no data';
  } catch (thrown) {
    error = String(thrown);
  }
  const { requests } = await emulator('GET', 'requests');
  calls.push({ method: path, name: path, error, requests: requests.map(kept) });
}
const { version } = JSON.parse(readFileSync(new URL('node_modules/@descope/node-sdk/package.json', import.meta.url), 'utf8'));
process.stdout.write(JSON.stringify({ client: 'node', version, calls }));
