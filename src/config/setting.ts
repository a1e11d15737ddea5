// SPDX-License-Identifier: Apache-2.0
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
  /** Describes the default where its value would not explain itself. */
  readonly defaultText?: string
  /** Can change while Weir runs, by a reload (SIGHUP or POST to /-/reload). */
  readonly reload?: boolean
  /** The value is never shown, in errors, logs or summaries. */
  readonly secret?: boolean
  /** Removes the secrets of a wrong value before an error quotes it. */
  readonly redact?: (text: string) => string
  /** The key in the file, where the name is also a prefix of others: `kubernetes.enabled`; null: not allowed in the file. */
  readonly key?: string | null
}

/** Settings by name. */
export type Settings = Readonly<Record<string, Setting<unknown>>>

/** The values of the settings S, by name. */
export type Values<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never
}

/** A group of settings in the help and the docs. */
export interface Section {
  readonly title: string
  readonly settings: Settings
}

type About = Omit<Setting<unknown>, 'kind' | 'default'>

/** A setting with a default. */
export function setting<T>(kind: Kind<T>, about: About & { readonly default: NoInfer<T> }): Setting<T> {
  return { kind, ...about }
}

/** A setting without a default value. `defaultText` says what happens if it is not given. */
export function optional<T>(kind: Kind<T>, about: About): Setting<T | undefined> {
  // The check only sees given values, never undefined.
  return { defaultText: 'none', ...about, kind: kind as Kind<T | undefined>, default: undefined }
}

/** WEIR_WEB_LISTEN_ADDRESS for web.listen-address. */
export function variableOf(name: string): string {
  return `WEIR_${name.replace(/[.-]/g, '_').toUpperCase()}`
}

/** The key in the file, nested at its dots; undefined if the setting is not allowed there. */
export function keyOf(name: string, { key }: Setting<unknown>): string | undefined {
  return key === null ? undefined : (key ?? name)
}

/** The default as shown in the help and the docs. */
export function defaultOf({ kind, default: value, defaultText }: Setting<unknown>): string {
  return defaultText ?? kind.show(value)
}
