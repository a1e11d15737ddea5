/**
 * otlp-push.ts - the push by OTLP of a running exporter.
 */
import { type Collecting, collectInto } from '../exporter/http/collect.js'
import type { LineLog } from '../lib/log-limit.js'
import { VERSION } from '../lib/version.js'
import type { OtlpConfig } from '../otlp/config.js'
import type { Otlp } from '../otlp/otlp.js'
import { type Exporter, otherStores } from './exporter.js'

/** Change families or labels with `change` so that the push, if there is one, loses nothing. */
export async function exclusiveOfPush(push: Otlp | undefined, change: () => void): Promise<void> {
  if (push === undefined) change()
  else await push.exclusive(change)
}

/** Loaded only when it is asked for. */
export async function startPush(
  config: OtlpConfig,
  exporter: Exporter,
  collecting: Collecting,
  log: LineLog,
): Promise<Otlp> {
  const { startOtlp } = await import('../otlp/otlp.js')
  return startOtlp(config, {
    store: exporter.store,
    stores: () => [exporter.store, ...otherStores(exporter)],
    collect: () => collectInto(collecting),
    version: VERSION,
    env: process.env,
    log,
  })
}
