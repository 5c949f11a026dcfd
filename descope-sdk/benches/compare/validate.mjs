// How often per second the official Node SDK validates one session token.
import DescopeClient from '@descope/node-sdk';

const { EMULATOR_BASE_URL, EMULATOR_PROJECT_ID, SESSION_JWT: token } = process.env;
const SECONDS = 3;

const sdk = (DescopeClient.default ?? DescopeClient)({ projectId: EMULATOR_PROJECT_ID, baseUrl: EMULATOR_BASE_URL });

// Fetches the keys, and warms up.
for (let i = 0; i < 1000; i += 1) await sdk.validateSession(token);
let count = 0;
const start = performance.now();
let spent = 0;
while (spent < SECONDS) {
  for (let i = 0; i < 100; i += 1) await sdk.validateSession(token);
  count += 100;
  spent = (performance.now() - start) / 1000;
}
const rate = Math.round(count / spent).toLocaleString('en-US');
console.log(`${'@descope/node-sdk'.padEnd(40)} ${rate.padStart(12)} validations per second`);
