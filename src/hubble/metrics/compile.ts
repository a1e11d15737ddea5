// SPDX-License-Identifier: Apache-2.0
/**
 * compile.ts - compiles a metric's configuration to a function from a flow to label values.
 *
 * In:    MetricConfigs of the static list or of YAML.
 * Out:   one CompiledMetric for each family.
 * Fail:  a ConfigError names the metric, the word and what is allowed; then nothing is compiled.
 */

import type { Metric } from '../../exporter/catalog/metric.js'
import type { Flow } from '../flow/flow.js'
import { ConfigError, type MetricConfig, type MetricFilter, type OptionConfig, unknownWord } from './config.js'
import { CONTEXT_OPTIONS, type Context, compileContext } from './context.js'
import { type Counter, type Increment, NO_INCREMENTS, type Plugin } from './counter.js'
import { PLUGINS } from './families.js'

export interface CompiledMetric {
  readonly metric: Metric
  /** The family and its options as written. Metrics with equal signatures share their series across a reload. */
  readonly signature: string
  readonly events: readonly number[]
  readonly keyFields: number
  readonly context: Context
  /** See Counter. */
  readonly perFlag: boolean
  /** Label values of each increment, in the order of metric.labels. */
  count(flow: Flow, chunk: string): readonly Increment[]
}

/** Throws a ConfigError on an unknown word, a metric given twice, and http with httpV2 (they share families). */
export function compileMetrics(configs: readonly MetricConfig[]): CompiledMetric[] {
  const names = new Set<string>()
  for (const { name } of configs) {
    if (!Object.hasOwn(PLUGINS, name)) throw unknownWord('', 'metric', name, Object.keys(PLUGINS))
    if (names.has(name)) throw new ConfigError(`metric ${name} is given twice`)
    names.add(name)
  }
  if (names.has('http') && names.has('httpV2')) throw new ConfigError('http and httpV2 are mutually exclusive')
  return configs.flatMap(compileMetric)
}

/** Families of one metric, after a check that its name exists. */
function compileMetric({ name, options, filter }: MetricConfig): CompiledMetric[] {
  const plugin = PLUGINS[name]!
  const contexts: OptionConfig[] = []
  const ownOptions = new Set<string>()
  for (const option of options) {
    const lower = option.name.toLowerCase()
    if (CONTEXT_OPTIONS.some(known => known.toLowerCase() === lower)) contexts.push(option)
    else ownOptions.add(ownOptionName(name, plugin, option))
  }
  const context = compileContext(name, contexts)
  return plugin.counters(ownOptions).map(counter => {
    const signature = JSON.stringify([counter.name, options])
    return combine(filter === undefined ? counter : filtered(counter, filter), context, signature)
  })
}

function ownOptionName(metric: string, plugin: Plugin, { name, values }: OptionConfig): string {
  const found = plugin.options.find(known => known.toLowerCase() === name.toLowerCase())
  if (found === undefined) throw unknownWord(metric, 'option', name, [...CONTEXT_OPTIONS, ...plugin.options])
  const odd = values.find(value => value !== '' && value !== 'true')
  if (odd !== undefined) throw unknownWord(`${metric}: ${found}`, 'value', odd, [found, `${found}=true`])
  return found
}

function filtered(counter: Counter, filter: MetricFilter): Counter {
  return {
    ...counter,
    keyFields: counter.keyFields | filter.keyFields,
    count: (flow, chunk) => (filter.accepts(flow) ? counter.count(flow, chunk) : NO_INCREMENTS),
  }
}

function combine(counter: Counter, context: Context, signature: string): CompiledMetric {
  const { contextFirst, labels } = counter
  const metric: Metric = {
    name: `hubble_${counter.name}`,
    type: 'counter',
    group: 'hubble',
    help: counter.help,
    labels: contextFirst ? [...context.labels, ...labels] : [...labels, ...context.labels],
  }
  return {
    metric,
    signature,
    events: counter.events,
    keyFields: counter.keyFields | context.keyFields,
    context,
    perFlag: counter.perFlag ?? false,
    count(flow, chunk) {
      const increments = counter.count(flow, chunk)
      if (increments.length === 0) return increments
      const values = context.values(flow)
      return increments.map(fixed => (contextFirst ? [...values, ...fixed] : [...fixed, ...values]))
    },
  }
}
