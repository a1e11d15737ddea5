/**
 * log.ts - log lines on stderr: logfmt (Prometheus' form) or JSON, by level.
 *
 * In:    what the commands report; nothing that a peer can cause without a bound.
 * Out:   one line an event, written at once: a crash loses none.
 * Fail:  a line that stderr refuses is lost.
 */
import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import type { Format, Level } from '../config/settings/log.js'
import type { RecentLines } from '../exporter/http/recent-lines.js'

export type Log = Logger

const STDERR = 2

/** `recent` hears each line that is written. */
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
      write(format === 'json' ? line : toLogfmt(line))
      recent?.add(line)
    },
  })
}

/** A line that nobody takes (stderr closed, or full and not waiting) is lost: it must not end the exporter. */
function write(line: string): void {
  try {
    writeSync(STDERR, line)
  } catch {
    // Telling would need the very stream that refused.
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
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}
