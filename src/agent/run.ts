/**
 * run.ts - `weir run`: the exporter, until a signal.
 *
 * Order: names, address, source. What is wrong with any of them ends the start before a packet is touched.
 * Stop:  SIGTERM or SIGINT: detach, finish the scrapes in progress, end with 0; a second signal ends at once.
 */
import { once } from 'node:events'
import type { SourceChoice } from '../config/settings/source.js'
import { defaultInventory, type Inventory, parseInventory, readInventory } from '../datapath/inventory/inventory.js'
import type { LiveOptions } from '../datapath/source/live.js'
import type { Collecting } from '../exporter/http/collect.js'
import { processMetrics } from '../exporter/http/process.js'
import type { RecentLines } from '../exporter/http/recent-lines.js'
import { createServer, type ServerOptions, type WeirServer } from '../exporter/http/server.js'
import type { MetricsConfig } from '../exporter/reduce/metrics-config.js'
import type { MetricConfig } from '../hubble/metrics/config.js'
import type { KubernetesOptions } from '../kubernetes/watch/message.js'
import { type LineLog, LogLimit } from '../lib/log-limit.js'
import { VERSION } from '../lib/version.js'
import type { OtlpConfig } from '../otlp/config.js'
import type { Otlp } from '../otlp/otlp.js'
import type { ListenerOptions } from '../web/listener.js'
import { type Exporter, exporterOf, otherStores } from './exporter.js'
import { FlowApi } from './flow-api.js'
import type { Log } from './log.js'
import { ClusterNames } from './names/cluster-names.js'
import type { FlowApiOptions } from './options/flow-api-options.js'
import type { HubbleFile } from './options/hubble-options.js'
import { exclusiveOfPush, startPush } from './otlp-push.js'
import type { Configuration, Exclusive } from './reload/config-reload.js'
import type { InventoryFile } from './reload/inventory-file.js'
import { type Followed, follow } from './reload/start-reloads.js'
import { SeriesExpiry } from './series-expiry.js'
import { type Running, startSource } from './source/start-source.js'
import { webOf } from './web-listener.js'

export interface RunOptions extends LiveOptions, FlowApiOptions {
  readonly source: SourceChoice
  /** Of the flow families. */
  readonly metrics: MetricsConfig
  readonly inventory?: string | Inventory
  /** Whether to listen at all. */
  readonly web: boolean
  readonly listenAddresses: readonly string[]
  /** Reload when somebody posts to /-/reload. */
  readonly lifecycle: boolean
  /** Prefixes by the name that they have instead of `world`. */
  readonly cidrGroups?: Readonly<Record<string, readonly string[]>>
  /** Milliseconds that the names of what is gone stay. */
  readonly entityTtlMs?: number
  readonly telemetryPath: string
  /** Scrapes answered at a time; 0: any number. */
  readonly maxRequests: number
  /** Whether process_* and nodejs_* are on the page. */
  readonly exporterMetrics: boolean
  /** Whether OpenMetrics has _created. */
  readonly created: boolean
  /** The last warnings and errors of the log, for the landing page. */
  readonly recent?: RecentLines
  /** The web config file. */
  readonly webFile?: string
  readonly hubbleMetrics?: readonly MetricConfig[]
  /** Push as well, or instead. */
  readonly otlp?: OtlpConfig
  /** Where hubbleMetrics came from, to be followed. */
  readonly hubbleFile?: HubbleFile
  /** Names from the Kubernetes API. */
  readonly kubernetes?: KubernetesOptions
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/** For detaching and the scrapes in progress; the process has 2 s in all. */
const STOP_MS = 1500

/** What a run is made of; the last three once it has started. */
interface Parts {
  readonly options: RunOptions
  readonly exporter: Exporter
  /** For lines that a peer, or a system that refuses, can cause. */
  readonly limit: LogLimit
  readonly api: FlowApi | undefined
  readonly web: ListenerOptions
  readonly cluster: ClusterNames | undefined
  readonly series: SeriesExpiry
  readonly collecting: Collecting
  running?: Running
  followed?: Followed
  push?: Otlp | undefined
}

/** Ends with the exit code, after a signal. */
export async function run(options: RunOptions, log: Log, configuration: Configuration): Promise<number> {
  const signal = signalled() // from now on: one that comes during the start finds something to detach
  const { file, exporter } = exporterFor(options)
  const parts = partsOf(options, exporter, log)
  const server = createServer(await serverOptions(parts))
  try {
    const urls = await listen(server, options)
    parts.running = startSource(exporter, options, parts.api, parts.limit)
    await parts.api?.start(exporter, rowsOf(exporter, parts.running), log)
    const files = { inventory: file, hubble: options.hubbleFile }
    const exclusive: Exclusive = change => exclusiveOfPush(parts.push, change)
    parts.followed = follow(configuration, files, exporter, parts.series, log, exclusive)
    for (const url of urls) log.info({ version: VERSION, source: sourceName(options), url }, 'listening')
    // Who is asked here may let us wait: a signal goes before.
    await Promise.race([signal, connect(parts)])
  } catch (error) {
    parts.followed?.stop()
    parts.running?.close()
    await parts.push?.close(0)
    await parts.cluster?.stop()
    await server.close(0)
    throw error
  }
  await stopped(signal, parts, server, log)
  return 0
}

/** Whom Weir asks or tells over the network. */
async function connect(parts: Parts): Promise<void> {
  const { options, exporter, collecting, limit, cluster } = parts
  parts.push = options.otlp && (await startPush(options.otlp, exporter, collecting, limit))
  // Its library alone takes a second to load; until its first word Weir is not ready, but it counts.
  await cluster?.start()
}

function partsOf(options: RunOptions, exporter: Exporter, log: Log): Parts {
  const series = new SeriesExpiry(exporter, options.metrics)
  const limit = new LogLimit(log)
  const web = webOf(options.webFile, exporter.store, limit)
  const cluster = clusterFor(options, exporter, limit)
  const api = FlowApi.of(options)
  const collecting: Collecting = {
    store: exporter.store,
    collect() {
      parts.running?.collect()
      cluster?.tell()
      api?.tell(exporter.store)
      exporter.hubble?.setLost('hubble_ring_buffer', api?.lost ?? 0)
    },
    onCollectError: error => limit.error({ err: error.message }, 'collect failed'),
  }
  const parts: Parts = { options, exporter, limit, api, web, cluster, series, collecting }
  return parts
}

/** The URLs; `none` when nothing listens. */
async function listen(server: WeirServer, { web, listenAddresses }: RunOptions): Promise<readonly string[]> {
  if (!web) return ['none']
  const urls: string[] = []
  for (const address of listenAddresses) urls.push(await server.listen(address))
  return urls
}

async function serverOptions(parts: Parts): Promise<ServerOptions> {
  const { options, exporter, web, cluster, collecting } = parts
  const reload = async () => (parts.followed === undefined ? 'Weir is starting' : parts.followed.reload.now())
  return {
    ...collecting,
    web,
    telemetryPath: options.telemetryPath,
    otherStores: () => otherStores(exporter),
    maxRequests: options.maxRequests,
    created: options.created,
    ...(options.exporterMetrics && { processText: await processMetrics() }),
    ...(options.lifecycle && { reload }),
    ready: () => (parts.running === undefined ? 'starting' : (parts.running.notReady() ?? cluster?.notReady)),
    version: VERSION,
    rates: () => parts.running?.rates.list() ?? [],
    lines: () => options.recent?.list() ?? [],
    status: () => [...(parts.running?.status() ?? []), ...(cluster?.rows() ?? []), ...(parts.push?.status() ?? [])],
  }
}

function clusterFor({ kubernetes }: RunOptions, exporter: Exporter, log: LineLog): ClusterNames | undefined {
  if (kubernetes === undefined) return undefined
  const { names, store, entities } = exporter
  entities.expectNames()
  return new ClusterNames(kubernetes, {
    store,
    log,
    keys: () => entities.keys(),
    apply: changes => names.apply(changes),
  })
}

/** And the file that its names are of. */
function exporterFor(options: RunOptions): { exporter: Exporter; file?: InventoryFile } {
  const { source, inventory, hubbleMetrics, entityTtlMs, cidrGroups = {} } = options
  const file = typeof inventory === 'string' ? { path: inventory, text: readInventory(inventory) } : undefined
  const known = typeof inventory === 'object' ? inventory : file && parseInventory(file.text, file.path)
  const exporter = exporterOf(known ?? defaultInventory(), source.kind === 'live', hubbleMetrics, {
    ttlMs: entityTtlMs,
  })
  exporter.names.group(cidrGroups)
  return { exporter, ...(file && { file }) }
}

/** The first signal to stop, from now on. */
export function signalled(): Promise<string> {
  return Promise.race(SIGNALS.map(name => once(process, name).then(() => name)))
}

/** What `weir status` shows besides the flows. */
function rowsOf({ store }: Exporter, running: Running): Running['status'] {
  return () => {
    const series = store.families().reduce((sum, family) => sum + family.size, 0)
    return [...running.status(), ['series', String(series)]]
  }
}

async function stopped(signal: Promise<string>, parts: Parts, server: WeirServer, log: Log): Promise<void> {
  const { limit, api, cluster, series, running, followed, push } = parts
  log.info({ signal: await signal }, 'stopping')
  const begun = performance.now()
  for (const name of SIGNALS) process.once(name, () => process.exit(1))
  const apiClosed = api?.close()
  // Collects, at once, while there is something to collect from.
  const pushed = push?.close(STOP_MS)
  running?.close()
  await server.close(Math.max(0, STOP_MS - (performance.now() - begun)))
  await apiClosed
  await pushed
  series.stop()
  await cluster?.stop()
  followed?.stop()
  limit.close()
}

function sourceName({ source }: RunOptions): string {
  return source.kind === 'live' ? 'live' : `replay:${source.file}`
}
