// SPDX-License-Identifier: Apache-2.0
/**
 * located-text.ts - the inventory file's text to a value, and a key path back to its line.
 *
 * In:    JSON (a text that starts with a brace) or YAML 1.2.
 * Fail:  syntax errors throw one line with the place.
 */
import { isMap, isScalar, isSeq } from 'yaml'
import {
  MAX_YAML_MB,
  type ParsedYaml,
  parseYaml,
  plainValue,
  refusePrototype,
  syntaxProblem,
  YamlProblem,
} from './yaml-text.js'

/** The YAML parser takes seconds for some megabytes; beyond this, errors go without a line. */
const LOCATABLE = 2 << 20

/** Throws when the text is neither JSON nor YAML. An empty text is undefined or null. */
export function parseText(text: string, name: string): unknown {
  if (/^\s*[{[]/.test(text)) return parseJson(text, name)
  try {
    const parsed = parseYaml(text)
    const problem = syntaxProblem(parsed)
    if (problem !== undefined) throw problem
    const { document } = parsed
    return document.contents === null ? null : plainValue(document.contents, document)
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error
    const hint = text.length > MAX_YAML_MB << 20 ? ', or JSON of any size' : ''
    throw new Error(`${name}${error.line === undefined ? '' : `:${error.line}`}: ${error.message}${hint}`)
  }
}

/** The line of the deepest part of `path` that is in the text; JSON is YAML, so one parser serves both. */
export function locate(text: string, path: readonly PropertyKey[]): number | undefined {
  if (text.length > LOCATABLE) return undefined
  const parsed = yamlOf(text)
  if (parsed === undefined) return undefined
  const { lines } = parsed
  let node: unknown = parsed.document.contents
  let offset = start(node)
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && String(item.key.value) === String(part))
      if (pair === undefined) break
      offset = start(pair.key)
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(part)]
      offset = start(node) ?? offset
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

/** JSON may be nested more deeply than the YAML parser allows. */
function yamlOf(text: string): ParsedYaml | undefined {
  try {
    return parseYaml(text)
  } catch (error) {
    if (error instanceof YamlProblem) return undefined
    throw error
  }
}

function parseJson(text: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (text.includes('__proto__')) refusePrototype(value)
    return value
  } catch (error) {
    if (error instanceof YamlProblem) throw new Error(`${name}: ${error.message}`)
    const message = (error as Error).message
    const at = /position (\d+)/.exec(message)?.[1]
    const line = text.slice(0, at === undefined ? text.length : Number(at)).split('\n').length
    throw new Error(`${name}:${line}: not JSON: ${firstLine(message)}`)
  }
}

function start(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] | null } | null | undefined)?.range?.[0]
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!
}
