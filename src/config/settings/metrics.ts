// SPDX-License-Identifier: Apache-2.0
/**
 * metrics.ts - settings of the weir_* flow families: budgets, TTL, labels, namespace filters, exemplars.
 *
 * Fail:  values that metricsConfig() rejects are rejected with its message.
 */
import { z } from 'zod'
import { M } from '../../exporter/catalog/catalog.js'
import {
  DEFAULT_METRICS,
  type FamilyChoice,
  MAX_BUDGET,
  type MetricsConfig,
  metricsConfig,
  namespaceGlob,
} from '../../exporter/reduce/metrics-config.js'
import { duration } from '../duration.js'
import { integer, type Kind, listOf, mapOf, parsed, toggle } from '../kind.js'
import { nearest } from '../nearest.js'
import { setting } from '../setting.js'

const WEEK_MS = 7 * 24 * 3_600_000
const FAMILY_FIELDS = 'allowed: a mapping with enabled (true, false) and labels (a list)'

const NAMES: readonly string[] = Object.values(M).map(({ name }) => name)

const budget = integer(0, MAX_BUDGET)

/** hubble_* families are not checked by name: they exist only while they are configured. */
const family = z.string().refine(name => NAMES.includes(name) || name.startsWith('hubble_'), {
  error: ({ input }) => {
    const near = nearest(String(input), NAMES)
    return `allowed: family names${near === undefined ? '' : `, like ${near}`}; weir metrics lists them`
  },
})

const glob = parsed('glob', 'a namespace, with * and ? as wildcards', text => {
  namespaceGlob(text)
  return text
})

const choice = z.strictObject(
  {
    enabled: z.boolean({ error: 'allowed: true, false' }).optional(),
    labels: z.array(z.string(), { error: 'allowed: a list of labels' }).optional(),
  },
  { error: FAMILY_FIELDS },
)

/** Flags and variables hold JSON; the file holds a mapping. */
const families: Kind<Readonly<Record<string, FamilyChoice>>> = {
  schema: z
    .record(z.string(), choice, { error: 'allowed: a mapping of families' })
    .superRefine((chosen, context) => {
      for (const [name, each] of Object.entries(chosen)) {
        try {
          metricsConfig({ families: { [name]: each } as MetricsConfig['families'] })
        } catch (error) {
          context.addIssue({ code: 'custom', message: (error as Error).message, path: [name], input: each })
        }
      }
    })
    .transform(chosen => chosen as Readonly<Record<string, FamilyChoice>>),
  fromFlag: words => fromJson(words.at(-1)!),
  splitVariable: text => [text],
  show: chosen => (Object.keys(chosen).length === 0 ? 'none' : JSON.stringify(chosen)),
  placeholder: 'json',
  repeatable: false,
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** All of them can be reloaded. */
export const metrics = {
  'series.budget': setting(budget, {
    help: 'maximum number of series per family; label sets beyond it are counted in the overflow series',
    default: DEFAULT_METRICS.budget,
    reload: true,
  }),
  'series.budgets': setting(mapOf('family', family, budget), {
    help: 'series budget of individual families, including hubble_*',
    default: DEFAULT_METRICS.budgets,
    defaultText: 'none',
    reload: true,
  }),
  'series.ttl': setting(duration(1000, WEEK_MS, 'never'), {
    help: 'remove flow series, including hubble_*, that have not changed for this long; 0s: never',
    default: DEFAULT_METRICS.ttlMs,
    reload: true,
  }),
  'namespaces.include': setting(listOf(glob), {
    help: 'count only packets with an endpoint in a matching namespace',
    default: DEFAULT_METRICS.includeNamespaces,
    defaultText: 'all',
    reload: true,
  }),
  'namespaces.exclude': setting(listOf(glob), {
    help: 'do not count packets with an endpoint in a matching namespace',
    default: DEFAULT_METRICS.excludeNamespaces,
    defaultText: 'none',
    reload: true,
  }),
  families: setting(families, {
    help: 'flow families to enable or disable, and their labels, e.g. {"weir_flow_bytes_total":{"labels":["source_pod"]}}',
    default: DEFAULT_METRICS.families,
    defaultText: 'all except weir_inter_zone_bytes_total, by namespace and workload',
    reload: true,
  }),
  exemplars: setting(toggle, {
    help: 'add exemplars with the addresses of one connection to the handshake and duration histograms',
    default: DEFAULT_METRICS.exemplars,
    reload: true,
  }),
}
