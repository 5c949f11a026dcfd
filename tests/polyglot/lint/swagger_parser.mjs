// Validates a document against the schema of OpenAPI 3.0 and the rules that the schema cannot tell.
import { basename } from 'node:path';
import SwaggerParser from '@apidevtools/swagger-parser';

for (const file of process.argv.slice(2)) {
  const api = await SwaggerParser.validate(file);
  console.log(`swagger-parser: ${basename(file)} is valid, ${Object.keys(api.paths).length} paths`);
}
