// SPDX-License-Identifier: Apache-2.0
/**
 * hubble-options.ts - the hubble_* metrics of a configuration, from its list or its metrics file.
 *
 * Fail:  an unreadable file, or an unknown metric, option, context or label, is an InvalidConfig.
 */
import { readFileSync } from 'node:fs'
import { InvalidConfig } from '../../config/problem.js'
import type { Config } from '../../config/schema.js'
import { compileMetrics } from '../../hubble/metrics/compile.js'
import { ConfigError, type MetricConfig } from '../../hubble/metrics/config.js'
import { parseDynamic } from '../../hubble/metrics/dynamic-document.js'
import { compileFilters } from '../../hubble/observe/filter/filter.js'
import type { FlowFilter } from '../../hubble/observe/filter/flow-filter.js'
import { systemWords } from '../../lib/os-error.js'

/** The metrics file as read at the start. */
export interface HubbleFile {
  readonly path: string
  readonly text: string
  readonly metrics: readonly MetricConfig[]
}

export interface HubbleOptions {
  readonly hubbleMetrics?: readonly MetricConfig[]
  /** The file they were read from, to watch it for changes. */
  readonly hubbleFile?: HubbleFile
}

const FILE = 'hubble-dynamic-metrics-config-path'

/** Reads the metrics file, if there is one. */
export function hubbleOptions(config: Config): HubbleOptions {
  const list = config['hubble-metrics']
  const path = config[FILE]
  if (path === undefined) return list === undefined ? {} : { hubbleMetrics: list.metrics }
  const file = metricFile(path)
  return { hubbleMetrics: file.metrics, hubbleFile: file }
}

/** The metrics in the text of a metrics file. Throws a ConfigError. */
export function parseHubbleFile(path: string, text: string): MetricConfig[] {
  return parseDynamic(text, path, (include, exclude) =>
    // compileFilters() rejects anything that is not a FlowFilter.
    compileFilters(include as readonly FlowFilter[], exclude as readonly FlowFilter[]),
  )
}

function metricFile(path: string): HubbleFile {
  try {
    const text = readFileSync(path, 'utf8')
    const metrics = parseHubbleFile(path, text)
    compileMetrics(metrics)
    return { path, text, metrics }
  } catch (error) {
    const known = error instanceof ConfigError || (error as NodeJS.ErrnoException).syscall !== undefined
    if (!known) throw error
    throw new InvalidConfig([{ where: '', name: FILE, value: path, message: systemWords(error) }])
  }
}
