// SPDX-License-Identifier: Apache-2.0
/**
 * yaml-text.ts - parses the text of a YAML file that may be wrong in any way.
 *
 * Out:   a document, and plain values of its nodes.
 * Fail:  a YamlProblem of one line, whatever the text: too large, nested too deeply, an unresolved alias, aliases of aliases
 *        ("billion laughs"), a key that would change an object's prototype.
 */
import {
  type CST,
  type Document,
  isCollection,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  Parser,
  parseDocument,
  type SchemaOptions,
  visit,
  YAMLParseError,
} from 'yaml'

/** The parser needs some 0.3 s per megabyte. */
export const MAX_YAML_MB = 8
const MB = 1 << 20
const MAX_ALIASES = 100
/** Far beyond any file of Weir's. The parser is recursive, and V8 aborts the process if a stack ends within a regular expression. */
const MAX_DEPTH = 100
const TOO_DEEP = `not YAML: more than ${MAX_DEPTH} levels`
/** A line that opens more levels than the tokenizer can close. */
const DEEP_LINE = /^[\s?:-]{500}/m
/** zod and object literals pass over this key in silence. */
const PROTOTYPE = '__proto__'

export class YamlProblem extends Error {
  /** Counted from 1; undefined where no single line is at fault. */
  readonly line: number | undefined

  constructor(message: string, line?: number) {
    super(message.split('\n', 1)[0])
    this.line = line
  }
}

export interface ParsedYaml {
  readonly document: Document.Parsed
  readonly lines: LineCounter
}

/** Syntax errors are in `document.errors`. */
export function parseYaml(text: string, options: SchemaOptions = {}, maxMb = MAX_YAML_MB): ParsedYaml {
  if (text.length > maxMb * MB) {
    throw new YamlProblem(`${Math.ceil(text.length / MB)} MB of YAML; allowed: up to ${maxMb} MB`)
  }
  if (DEEP_LINE.test(text)) throw new YamlProblem(TOO_DEEP)
  const lines = new LineCounter()
  try {
    for (const token of new Parser().parse(text)) if (isTooDeep(token)) throw new YamlProblem(TOO_DEEP)
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: 'error',
      prettyErrors: false,
      uniqueKeys: false,
      ...options,
    })
    document.errors.push(...badKeys(document))
    return { document, lines }
  } catch (error) {
    throw asProblem(error)
  }
}

/** Whether collections are nested beyond MAX_DEPTH in a token of the parser, which makes them without recursion. */
function isTooDeep(document: CST.Token): boolean {
  const open: [token: CST.Token, depth: number][] = [[document, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next
    if (depth > MAX_DEPTH) return true
    if (token.type === 'document' && token.value !== undefined) open.push([token.value, depth])
    if (!('items' in token)) continue
    for (const { key, value } of token.items) for (const each of [key, value]) if (each) open.push([each, depth + 1])
  }
  return false
}

/** Repeated keys, which the parser would find by comparing each key with all others of its map, and keys that are no text. */
function badKeys(document: Document.Parsed): YAMLParseError[] {
  const errors: YAMLParseError[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items as Pair[]) {
        if (isCollection(key)) errors.push(problemAt(key, 'a list or mapping is a key; allowed: text'))
        if (!isScalar(key)) continue
        if (seen.has(key.value)) errors.push(problemAt(key, 'Map keys must be unique'))
        seen.add(key.value)
      }
    },
  })
  return errors
}

function problemAt({ range }: Node, message: string): YAMLParseError {
  const [start = 0, end = 0] = range ?? []
  return new YAMLParseError([start, end], 'DUPLICATE_KEY', message)
}

/** The first syntax error of a document. */
export function syntaxProblem({ document, lines }: ParsedYaml): YamlProblem | undefined {
  const [error] = document.errors
  return error && new YamlProblem(`not YAML: ${error.message}`, lines.linePos(error.pos[0]).line)
}

/** The plain value of a node. */
export function plainValue(node: Pick<ParsedNode, 'toJS'>, document: Document.Parsed): unknown {
  try {
    const value = node.toJS(document, { maxAliasCount: MAX_ALIASES })
    refusePrototype(value)
    return value
  } catch (error) {
    throw asProblem(error)
  }
}

/** Throws if a map in `value` has the key `__proto__`. */
export function refusePrototype(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Object.hasOwn(value, PROTOTYPE)) throw new YamlProblem(`key ${PROTOTYPE}: allowed: any other key`)
  for (const each of Array.isArray(value) ? value : Object.values(value)) refusePrototype(each)
}

function asProblem(error: unknown): YamlProblem {
  if (error instanceof YamlProblem) return error
  return new YamlProblem(`not YAML: ${(error as Error).message}`)
}
