// SPDX-License-Identifier: Apache-2.0
/**
 * generated.ts - the files that are generated from the settings.
 */
import { jsonSchema } from './json-schema.js'
import { reference } from './reference.js'

/** Contents by path in the repository. */
export function generated(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', reference()],
    ['docs/configuration.schema.json', `${JSON.stringify(jsonSchema(), undefined, 2)}\n`],
  ])
}
