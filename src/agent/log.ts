// SPDX-License-Identifier: Apache-2.0
/**
 * log.ts - log lines on stderr: logfmt (Prometheus' form) or JSON, by level.
 *
 * In:    events of the commands. Lines that a peer can cause go through a LogLimit.
 * Out:   one line per event, written synchronously: a crash loses none.
 * Fail:  a line that cannot be written to stderr is lost.
 */
import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { Format, Level } from '../config/settings/log.js'
import type { RecentLines } from '../exporter/http/recent-lines.js'
import { hasControls, plainJson } from '../lib/plain-text.js'

export type Log = Logger

const STDERR = 2

/** `recent` receives each written line. */
export function createLog(level: Level, format: Format, recent?: RecentLines): Log {
  const options = {
    level,
    base: null,
    messageKey: 'msg',
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, {
    write: line => {
      write(format === 'json' ? plainJson(line) : toLogfmt(line))
      recent?.add(line)
    },
  })
}

/** A line that stderr does not accept (closed, or non-blocking and full) is dropped: it must not stop the exporter. */
function write(line: string): void {
  try {
    writeSync(STDERR, line)
  } catch {
    // There is no other stream to report this on.
  }
}

/** `ts=... level=info msg="..." key=value`; nested values as JSON. */
function toLogfmt(line: string): string {
  const { ts, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>
  const pairs = Object.entries({ ts, level, msg, ...rest }).filter(([, value]) => value !== undefined)
  return `${pairs.map(([key, value]) => `${key}=${quote(value)}`).join(' ')}\n`
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=]+$/.test(text) && !hasControls(text) ? text : plainJson(JSON.stringify(text))
}
