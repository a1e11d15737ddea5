/**
 * setting.ts - a setting: one name for its flag, its environment variable and its key in the file.
 *
 *   web.listen-address   --web.listen-address   WEIR_WEB_LISTEN_ADDRESS   web: { listen-address: ... }
 */
import type { Kind } from './kind.js'

export interface Setting<T> {
  readonly kind: Kind<T>
  readonly default: T
  /** One sentence for help and docs, without a full stop. */
  readonly help: string
  /** The default in words, where its value says too little. */
  readonly defaultText?: string
  /** May change while Weir runs: at a SIGHUP or a POST to /-/reload. */
  readonly reload?: boolean
  /** Its value is never shown: not in errors, logs or summaries. */
  readonly secret?: boolean
  /** The key in the file, when its name is also the beginning of others: `kubernetes.enabled`; null: not in the file. */
  readonly key?: string | null
}

/** Settings by name. */
export type Settings = Readonly<Record<string, Setting<unknown>>>

/** What the settings S say, by their names. */
export type Values<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never
}

/** A group of settings, as help and docs show them. */
export interface Section {
  readonly title: string
  readonly settings: Settings
}

type About = Omit<Setting<unknown>, 'kind' | 'default'>

/** A setting that has a default. */
export function setting<T>(kind: Kind<T>, about: About & { readonly default: NoInfer<T> }): Setting<T> {
  return { kind, ...about }
}

/** A setting that may be left out. `defaultText` says what happens then. */
export function optional<T>(kind: Kind<T>, about: About): Setting<T | undefined> {
  // The check never meets undefined: it is for given values.
  return { defaultText: 'none', ...about, kind: kind as Kind<T | undefined>, default: undefined }
}

/** WEIR_WEB_LISTEN_ADDRESS for web.listen-address. */
export function variableOf(name: string): string {
  return `WEIR_${name.replace(/[.-]/g, '_').toUpperCase()}`
}

/** Its key in the file: parts between dots are mappings; undefined when it has none. */
export function keyOf(name: string, { key }: Setting<unknown>): string | undefined {
  return key === null ? undefined : (key ?? name)
}

/** The default as docs and help say it. */
export function defaultOf({ kind, default: value, defaultText }: Setting<unknown>): string {
  return defaultText ?? kind.show(value)
}
