// SPDX-License-Identifier: Apache-2.0
/**
 * start-source.ts - starts the record source of an exporter: the kernel, or a recording.
 */
import type { SourceChoice } from '../../config/settings/source.js'
import type { LineLog } from '../../lib/log-limit.js'
import type { Exporter } from '../exporter.js'
import type { FlowApi } from '../flow-api.js'
import { type LiveSourceOptions, startLive } from './live-source.js'
import { startReplay } from './replay-source.js'
import type { RunningSource } from './running-source.js'

export interface SourceOptions extends LiveSourceOptions {
  readonly source: SourceChoice
}

/** Throws if the kernel refuses an operation or the recording cannot be opened. `api` also receives all records. */
export function startSource(
  exporter: Exporter,
  options: SourceOptions,
  api: FlowApi | undefined,
  log: LineLog,
): RunningSource {
  const { source } = options
  return source.kind === 'live' ? startLive(exporter, options, api, log) : startReplay(exporter, source.file, api, log)
}
