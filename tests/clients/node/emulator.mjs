// The emulator that the environment names, asked from outside: by the official SDK, and by its own endpoints.
import assert from 'node:assert/strict';
import DescopeClient from '@descope/node-sdk';

export const { EMULATOR_BASE_URL: base, EMULATOR_PROJECT_ID: projectId, EMULATOR_MANAGEMENT_KEY: managementKey } = process.env;
export const sdk = (DescopeClient.default ?? DescopeClient)({ projectId, managementKey, baseUrl: base });

export async function own(method, path, body) {
  const answer = await fetch(`${base}/_emulator${path}`, { method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

export function ok(response) {
  assert.ok(response.ok, JSON.stringify(response.error));
  return response.data;
}
