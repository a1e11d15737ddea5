// SPDX-License-Identifier: Apache-2.0
/**
 * schema.ts - every setting of Weir: the single source of flags, environment variables, file keys, help and docs.
 *
 * Add a new setting to its section in settings/; all of these follow from it.
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

/** The settings file, which cannot be set in the file itself. */
export const file = {
  'config.file': optional(path, {
    help: 'settings file, YAML; flags and environment variables override it',
    key: null,
  }),
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

/** In the order of the help and the docs. */
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

export const NAMES = Object.keys(SETTINGS) as SettingName[]
