/**
 * schema.ts - every setting of Weir: the one source of flags, environment variables, keys of the file, help and docs.
 *
 * A new setting goes into the section file that it belongs to, and all of these have it.
 */

import { path } from './kind.js'
import { optional, type Section, type Values } from './setting.js'
import { exposition } from './settings/exposition.js'
import { flowApi, hubble } from './settings/hubble.js'
import { kubernetes } from './settings/kubernetes.js'
import { log } from './settings/log.js'
import { metrics } from './settings/metrics.js'
import { names } from './settings/names.js'
import { otlp } from './settings/otlp.js'
import { live, records } from './settings/source.js'
import { web } from './settings/web.js'

/** Where the others may be written; itself no key of that file. */
export const file = {
  'config.file': optional(path, { help: 'a file of settings, YAML; flags and environment go before it', key: null }),
}

export const SETTINGS = {
  ...file,
  ...records,
  ...live,
  ...names,
  ...kubernetes,
  ...hubble,
  ...flowApi,
  ...web,
  ...exposition,
  ...metrics,
  ...otlp,
  ...log,
}

/** In the order of help and docs. */
export const SECTIONS: readonly Section[] = [
  { title: 'Configuration', settings: file },
  { title: 'Source', settings: { ...records, ...live } },
  { title: 'Names', settings: { ...names, ...kubernetes } },
  { title: 'Hubble', settings: { ...hubble, ...flowApi } },
  { title: 'Web', settings: { ...web, ...exposition } },
  { title: 'Metrics', settings: metrics },
  { title: 'OTLP', settings: otlp },
  { title: 'Log', settings: log },
]

/** The value of every setting, by its name. */
export type Config = Values<typeof SETTINGS>
export type SettingName = keyof Config

/** Names of all settings. */
export const NAMES = Object.keys(SETTINGS) as SettingName[]
