// What generated types send: each body of patches.json, read and written again, has the members that it had.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as models from './index';

type Convert = (value: unknown) => unknown;
type Patch = { schema: string; body: Record<string, unknown> };

const patches = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Patch[];
const functions = models as unknown as Record<string, Convert | undefined>;
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

for (const { schema, body } of patches) {
  const [read, write] = [functions[`${schema}FromJSON`], functions[`${schema}ToJSON`]];
  assert.ok(read && write, `${schema} is not known here`);
  assert.deepEqual(sent(write(read(body))), body, schema);
}
const patch = models.ThirdPartyApplicationPatchRequestToJSON({ id: 'TPA1', name: 'New name' });
assert.deepEqual(sent(patch), patches[0]?.body);
console.log(`typescript-fetch: ${patches.length} bodies hold what was set, and no more`);
