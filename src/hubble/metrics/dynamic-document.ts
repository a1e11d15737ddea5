// SPDX-License-Identifier: Apache-2.0
/**
 * dynamic-document.ts - parses Hubble's dynamic metrics file: metrics with contexts, and filters for the flows they
 * count.
 *
 * In:    YAML or JSON: `metrics`, a list of name, contextOptions (name, values), includeFilters, excludeFilters.
 * Out:   MetricConfigs, like those of the static list.
 * Fail:  a ConfigError names the place and what is wrong or allowed. Unknown keys are refused.
 *        Schema: cilium/cilium pkg/hubble/metrics/api (MetricConfig).
 */

import { parseText } from '../../lib/located-text.js'
import type { Flow } from '../flow/flow.js'
import { ConfigError, type MetricConfig, type MetricFilter, type OptionConfig, unknownWord } from './config.js'
import { type Filter, filterKeyFields } from './filter-fields.js'

/**
 * Compiles filters to a predicate: a flow must match any of `include` (all match if it is empty) and none of `exclude`.
 * Throws on an invalid filter.
 */
export type CompileFilters = (include: readonly Filter[], exclude: readonly Filter[]) => (flow: Flow) => boolean

const METRIC_KEYS = ['name', 'contextOptions', 'includeFilters', 'excludeFilters']
const OPTION_KEYS = ['name', 'values']

/** `file`: the name of the document in errors. */
export function parseDynamic(text: string, file: string, compile: CompileFilters): MetricConfig[] {
  const { metrics } = mapOf(file, parsed(text, file) ?? {}, ['metrics'])
  return listOf(`${file}: metrics`, metrics).map((item, i) => metricOf(`${file}: metrics[${i}]`, item, compile))
}

function parsed(text: string, file: string): unknown {
  try {
    return parseText(text, file)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

function metricOf(where: string, item: unknown, compile: CompileFilters): MetricConfig {
  const { name, contextOptions, includeFilters, excludeFilters } = mapOf(where, item, METRIC_KEYS)
  if (typeof name !== 'string' || name === '') throw new ConfigError(`${where}: name: expected a metric name`)
  const at = `${where} (${name})`
  const options = listOf(`${at}: contextOptions`, contextOptions).map(option => optionOf(at, option))
  const include = filtersOf(`${at}: includeFilters`, includeFilters)
  const exclude = filtersOf(`${at}: excludeFilters`, excludeFilters)
  if (include.length + exclude.length === 0) return { name, options }
  return { name, options, filter: filterOf(at, include, exclude, compile) }
}

function filterOf(
  where: string,
  include: readonly Filter[],
  exclude: readonly Filter[],
  compile: CompileFilters,
): MetricFilter {
  try {
    return { accepts: compile(include, exclude), keyFields: filterKeyFields([...include, ...exclude]) }
  } catch (error) {
    throw new ConfigError(`${where}: ${(error as Error).message}`)
  }
}

function optionOf(where: string, item: unknown): OptionConfig {
  const { name, values } = mapOf(`${where}: contextOptions`, item, OPTION_KEYS)
  if (typeof name !== 'string' || name === '') throw new ConfigError(`${where}: contextOptions: an option has no name`)
  const words = listOf(`${where}: ${name}`, values)
  const odd = words.find(word => typeof word !== 'string')
  if (odd !== undefined) throw new ConfigError(`${where}: ${name}: ${JSON.stringify(odd)} is not a string`)
  return { name, values: words as string[] }
}

/** A field without values would match no flow, which is never intended. */
function filtersOf(where: string, value: unknown): Filter[] {
  return listOf(where, value).map(item => {
    const filter = mapOf(where, item)
    for (const [field, values] of Object.entries(filter)) {
      if (!Array.isArray(values) || values.length === 0) throw new ConfigError(`${where}: ${field}: expected a list`)
    }
    return filter
  })
}

function mapOf(where: string, value: unknown, keys?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${where}: expected a map${keys === undefined ? '' : ` with ${keys.join(', ')}`}`)
  }
  const odd = keys && Object.keys(value).find(key => !keys.includes(key))
  if (odd !== undefined) throw unknownWord(where, 'key', odd, keys ?? [])
  return value as Record<string, unknown>
}

/** A missing value is an empty list. */
function listOf(where: string, value: unknown): unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new ConfigError(`${where}: expected a list`)
  return value
}
