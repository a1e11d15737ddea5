/**
 * hubble.ts - settings of hubble_* metrics and of Hubble's flow API.
 */
import { DEFAULT_ADDRESS, parseApiAddress } from '../../hubble/api/address.js'
import { compileMetrics } from '../../hubble/metrics/compile.js'
import type { MetricConfig } from '../../hubble/metrics/config.js'
import { parseStatic } from '../../hubble/metrics/grammar.js'
import { integer, type Kind, listOf, parsed, path } from '../kind.js'
import { optional, setting } from '../setting.js'

const NONE = 'none'
const MOST_FLOWS = 65_535
const ADDRESSES = 'unix:///PATH, HOST:PORT, :PORT or none'

/** The text, and what it means: a ConfigError names the metric, option, context or label, and what is allowed. */
export interface HubbleMetrics {
  readonly text: string
  readonly metrics: readonly MetricConfig[]
}

const hubbleMetrics = parsed<HubbleMetrics>(
  'list',
  'metrics as Hubble takes them, like "drop tcp flow"',
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

/** `none` stands alone, for no address. */
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
  MOST_FLOWS,
  `a power of two minus one, from 1 to ${MOST_FLOWS}, like 4095`,
  // As Hubble has it: one place of its ring is the writer's.
  flows => (flows & (flows + 1)) === 0,
)

/** Of hubble_* metrics. */
export const hubble = {
  'hubble-metrics': optional(hubbleMetrics, {
    help: 'hubble_* metrics to keep, as Hubble takes them, e.g. "drop tcp flow:sourceContext=pod|dns;labelsContext=source_ip"',
    reload: true,
  }),
  'hubble-dynamic-metrics-config-path': optional(path, {
    help: 'the same in YAML, with filters; read again when it changes',
  }),
}

/** Of the flow API. */
export const flowApi = {
  'hubble.listen-address': optional(serverAddresses, {
    help: "where to serve Hubble's flow API: unix:///PATH or [HOST]:PORT; none for nowhere",
    defaultText: `${DEFAULT_ADDRESS}, if it can be had`,
  }),
  'flow-buffer': setting(flowBuffer, { help: 'flows to keep for it, a power of two minus one', default: 4095 }),
}
