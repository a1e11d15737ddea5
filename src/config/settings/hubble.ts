// SPDX-License-Identifier: Apache-2.0
/**
 * hubble.ts - settings of the hubble_* metrics and of Hubble's flow API.
 */
import { DEFAULT_ADDRESS, parseApiAddress } from '../../hubble/api/address.js'
import { compileMetrics } from '../../hubble/metrics/compile.js'
import type { MetricConfig } from '../../hubble/metrics/config.js'
import { parseStatic } from '../../hubble/metrics/grammar.js'
import { integer, type Kind, listOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

const NONE = 'none'
const MAX_FLOWS = 65_535
const ADDRESSES = 'unix:///PATH, HOST:PORT, :PORT or none'

/** The list as written and as parsed. A ConfigError names the bad metric, option, context or label, and what is allowed. */
export interface HubbleMetrics {
  readonly text: string
  readonly metrics: readonly MetricConfig[]
}

const hubbleMetrics = parsed<HubbleMetrics>(
  'list',
  'metrics in Hubble syntax, like "drop tcp flow"',
  text => {
    const metrics = parseStatic(text)
    compileMetrics(metrics)
    return { text, metrics }
  },
  ({ text }) => text,
)

const serverAddress = parsed('address', ADDRESSES, word => {
  if (word === NONE) return word
  try {
    parseApiAddress(word)
  } catch {
    throw new Error(`allowed: ${ADDRESSES}`)
  }
  if (word.startsWith('tls:')) throw new Error(`allowed: ${ADDRESSES}`)
  return word
})

/** `none` must be the only entry; it gives an empty list. */
const serverAddresses: Kind<readonly string[]> = (() => {
  const list = listOf(serverAddress)
  const schema = list.schema.transform((addresses, context) => {
    if (!addresses.includes(NONE)) return addresses
    if (addresses.length > 1) context.addIssue({ code: 'custom', message: `allowed: addresses, or ${NONE} alone` })
    return []
  })
  return { ...list, schema, show: addresses => (addresses.length === 0 ? NONE : list.show(addresses)) }
})()

const flowBuffer = integer(
  1,
  MAX_FLOWS,
  `a power of two minus one, from 1 to ${MAX_FLOWS}, like 4095`,
  // As in Hubble: its ring reserves one slot for the writer.
  flows => (flows & (flows + 1)) === 0,
)

/** hubble_* metrics. */
export const hubble = {
  'hubble-metrics': optional(hubbleMetrics, {
    help: 'hubble_* metrics to export, in Hubble syntax, e.g. "drop tcp flow:sourceContext=pod|dns;labelsContext=source_ip"',
    reload: true,
  }),
  'hubble-dynamic-metrics-config-path': optional(path, {
    help: 'YAML file of hubble_* metrics with flow filters; reloaded when it changes',
  }),
}

/** The flow API. */
export const flowApi = {
  'hubble.listen-address': optional(serverAddresses, {
    help: "listen address of Hubble's flow API: unix:///PATH or [HOST]:PORT; none disables it",
    defaultText: `${DEFAULT_ADDRESS}, if available`,
  }),
  'flow-buffer': setting(flowBuffer, {
    help: 'number of flows kept for the flow API, a power of two minus one',
    default: 4095,
  }),
}
