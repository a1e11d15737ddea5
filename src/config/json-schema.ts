// SPDX-License-Identifier: Apache-2.0
/**
 * json-schema.ts - the JSON schema of the settings file, for editors and the values of the Helm chart.
 *
 * Out:   draft 7, which Helm and editors support; nested at the dots of the names, no unknown keys.
 */
import { z } from 'zod'
import { NAMES, SETTINGS } from './schema.js'
import { defaultOf, keyOf, type Setting } from './setting.js'

type Tree = Map<string, Tree | z.ZodType>

/** The schema, as plain data. */
export function jsonSchema(): Record<string, unknown> {
  const tree: Tree = new Map()
  for (const name of NAMES) {
    const setting: Setting<unknown> = SETTINGS[name]
    const key = keyOf(name, setting)
    if (key !== undefined) plant(tree, key.split('.'), described(setting))
  }
  const { $schema, ...rest } = z.toJSONSchema(shape(tree), { io: 'input', target: 'draft-7' })
  return { $schema, title: 'Weir settings', ...rest }
}

function described(setting: Setting<unknown>): z.ZodType {
  const { kind, help } = setting
  return (kind.fileSchema ?? kind.schema).meta({ description: `${help} (default: ${defaultOf(setting)})` }).optional()
}

function plant(tree: Tree, [first, ...rest]: readonly string[], leaf: z.ZodType): void {
  if (rest.length === 0) {
    tree.set(first!, leaf)
    return
  }
  const branch = tree.get(first!) ?? new Map()
  tree.set(first!, branch)
  plant(branch as Tree, rest, leaf)
}

function shape(tree: Tree): z.ZodType {
  const entries = [...tree].map(([key, node]) => [key, node instanceof Map ? shape(node).optional() : node] as const)
  return z.strictObject(Object.fromEntries(entries))
}
