/**
 * generated.ts - the files that are made from the schema of settings.
 */
import { jsonSchema } from './json-schema.js'
import { reference } from './reference.js'

/** Text by path in the repository. */
export function generated(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', reference()],
    ['docs/configuration.schema.json', `${JSON.stringify(jsonSchema(), undefined, 2)}\n`],
  ])
}
