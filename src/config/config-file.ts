// SPDX-License-Identifier: Apache-2.0
/**
 * config-file.ts - settings from the file of --config.file: YAML (or JSON, which is YAML), nested at the dots of their names.
 *
 * Out:   the value of each given setting, and the line of each part of it.
 * Fail:  syntax errors, unknown keys and duplicate keys are collected as problems with their line.
 */
import { type Document, isMap, isNode, isScalar, type LineCounter, type ParsedNode, type YAMLMap } from 'yaml'
import { type ParsedYaml, parseYaml, plainValue, YamlProblem } from '../lib/yaml-text.js'
import { nearest } from './nearest.js'
import type { Problem } from './problem.js'
import { NAMES, SETTINGS, type SettingName } from './schema.js'
import { keyOf, type Setting } from './setting.js'

/** All settings with their comments take 10 kB. */
const MAX_MB = 1

const BY_KEY: ReadonlyMap<string, SettingName> = new Map(
  NAMES.flatMap(name => {
    const key = keyOf(name, SETTINGS[name] as Setting<unknown>)
    return key === undefined ? [] : [[key, name] as const]
  }),
)

export class ConfigFile {
  readonly problems: Problem[] = []
  readonly given = new Map<SettingName, unknown>()
  readonly #path: string
  readonly #lines: LineCounter
  readonly #document: Document.Parsed

  /** `path` is used in messages only. */
  constructor(path: string, text: string) {
    this.#path = path
    const parsed = this.#parse(text)
    this.#document = parsed.document
    this.#lines = parsed.lines
    for (const { pos, message } of this.#document.errors) {
      this.problems.push({ where: this.#location(pos[0]), name: '', message: `not YAML: ${message}` })
    }
    const top = this.#document.contents
    if (isMap(top)) this.#walk(top as YAMLMap.Parsed, '')
    else if (top !== null && !isNull(top)) this.#reject(top, '', 'allowed: a mapping of settings')
  }

  /** `weir.yaml:3`: the line of a setting's value, or of the part of it at `path`. */
  where(name: SettingName, path: readonly PropertyKey[]): string {
    const parts = [...keyOf(name, SETTINGS[name] as Setting<unknown>)!.split('.'), ...path]
    for (let length = parts.length; length > 0; length--) {
      const node = this.#document.getIn(parts.slice(0, length), true)
      if (isNode(node) && node.range) return this.#location(node.range[0])
    }
    return this.#path
  }

  /** Of an empty text, if `text` cannot be parsed at all. */
  #parse(text: string): ParsedYaml {
    try {
      return parseYaml(text, {}, MAX_MB)
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error
      this.problems.push({ where: this.#path, name: '', message: error.message })
      return parseYaml('')
    }
  }

  #walk(mapping: YAMLMap.Parsed, prefix: string): void {
    for (const { key, value } of mapping.items) {
      const word = isScalar(key) ? String(key.value) : String(key)
      const path = `${prefix}${word}`
      const name = BY_KEY.get(path)
      if (name !== undefined) this.#read(name, value)
      else if (!isSection(path)) this.#reject(key, path, unknownKey(word, prefix))
      else if (isMap(value)) this.#walk(value as YAMLMap.Parsed, `${path}.`)
      else if (!isNull(value)) this.#reject(value ?? key, path, `allowed: a mapping of ${allowedIn(`${path}.`)}`)
    }
  }

  #read(name: SettingName, value: ParsedNode | null): void {
    try {
      this.given.set(name, value === null ? null : plainValue(value, this.#document))
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error
      this.#reject(value!, keyOf(name, SETTINGS[name] as Setting<unknown>)!, error.message)
    }
  }

  #reject(node: ParsedNode, name: string, message: string): void {
    this.problems.push({ where: this.#location(node.range[0]), name, message })
  }

  #location(offset: number): string {
    return `${this.#path}:${this.#lines.linePos(offset).line}`
  }
}

function isNull(node: ParsedNode | null): boolean {
  return node === null || (isScalar(node) && node.value === null)
}

function isSection(path: string): boolean {
  return [...BY_KEY.keys()].some(key => key.startsWith(`${path}.`))
}

/** The keys one level below a prefix. */
function keysBelow(prefix: string): string[] {
  const below = [...BY_KEY.keys()].filter(key => key.startsWith(prefix))
  return [...new Set(below.map(key => key.slice(prefix.length).split('.')[0]!))]
}

function allowedIn(prefix: string): string {
  return keysBelow(prefix).join(', ')
}

/** Suggests the closest key of the same section, or else of the whole file. */
function unknownKey(word: string, prefix: string): string {
  const near = nearest(word, keysBelow(prefix)) ?? nearest(`${prefix}${word}`, [...BY_KEY.keys()])
  const guess = near === undefined ? ';' : `; did you mean ${near}?`
  return `unknown setting${guess} allowed: ${allowedIn(prefix)}`
}
