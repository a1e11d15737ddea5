// SPDX-License-Identifier: Apache-2.0
/**
 * located-text.ts - the inventory file's text to a value, and a key path back to its line.
 *
 * In:    JSON (a text that starts with a brace) or YAML 1.2.
 * Fail:  syntax errors throw one line with the place.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'

/** The YAML parser takes seconds for tens of megabytes; beyond this, errors go without a line. */
const LOCATABLE = 8 << 20
/** Against a file of aliases of aliases; a world needs few. */
const MAX_ALIASES = 100

/** Throws when the text is neither JSON nor YAML. An empty text is undefined or null. */
export function parseText(text: string, name: string): unknown {
  if (/^\s*[{[]/.test(text)) return parseJson(text, name)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const error = document.errors[0]
  if (error !== undefined) {
    throw new Error(`${name}:${lines.linePos(error.pos[0]).line}: not YAML: ${firstLine(error.message)}`)
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (problem) {
    throw new Error(`${name}: not YAML: ${firstLine((problem as Error).message)}`)
  }
}

/** The line of the deepest part of `path` that is in the text; JSON is YAML, so one parser serves both. */
export function locate(text: string, path: readonly PropertyKey[]): number | undefined {
  if (text.length > LOCATABLE) return undefined
  const lines = new LineCounter()
  let node: unknown = parseDocument(text, { lineCounter: lines, prettyErrors: false }).contents
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

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
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
