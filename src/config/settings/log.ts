// SPDX-License-Identifier: Apache-2.0
/**
 * log.ts - settings of the log on stderr.
 */
import { choice } from '../kind.js'
import { setting } from '../setting.js'

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]
export const FORMATS = ['logfmt', 'json'] as const
export type Format = (typeof FORMATS)[number]

export const log = {
  'log.level': setting(choice('level', LEVELS), {
    help: `minimum severity of logged messages: ${LEVELS.join(', ')}`,
    default: 'info',
    reload: true,
  }),
  'log.format': setting(choice('format', FORMATS), {
    help: `format of log lines: ${FORMATS.join(' or ')}`,
    default: 'logfmt',
  }),
}
