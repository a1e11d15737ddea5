/**
 * run.ts - `weir run`: the exporter, until a signal.
 *
 * Order: names, address, source. What is wrong with any of them ends the start before a packet is touched.
 * Stop:  SIGTERM or SIGINT: detach, finish the scrapes in progress, end with 0; a second signal ends at once.
 */
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SourceChoice } from '../config/source.js'
import { Hook } from '../datapath/abi.js'
import { Decoder } from '../datapath/decode.js'
import { Live, type LiveOptions } from '../datapath/live.js'
import { loadNative } from '../datapath/native.js'
import { Replay } from '../datapath/replay.js'
import { defaultWorld, parseWorld, readWorld, type World } from '../datapath/world.js'
import { type Collecting, collectInto } from '../exporter/collect.js'
import type { MetricsConfig } from '../exporter/metrics-config.js'
import { processMetrics } from '../exporter/process.js'
import { createServer, type WeirServer } from '../exporter/server.js'
import type { MetricConfig } from '../hubble/config.js'
import type { KubernetesOptions } from '../kubernetes/message.js'
import type { OtlpConfig } from '../otlp/config.js'
import type { Otlp } from '../otlp/otlp.js'
import type { ApiOptions } from './api-options.js'
import { ClusterNames } from './cluster.js'
import { type Exporter, exporterOf, otherStores, tellSelf } from './exporter.js'
import { FlowApi } from './flow-api.js'
import type { HubbleFile } from './hubble-options.js'
import { watchHubbleFile } from './hubble-watch.js'
import { explainKernel } from './kernel.js'
import type { Log } from './log.js'
import { explainFile, systemWords } from './os-error.js'
import { SeriesSweep } from './series-sweep.js'
import { tee } from './tee.js'
import { VERSION } from './version.js'
import { webOf } from './web.js'
import { type WorldFile, WorldWatch } from './world-watch.js'

export interface RunOptions extends LiveOptions, ApiOptions {
  readonly source: SourceChoice
  /** Of the flow families. */
  readonly metrics: MetricsConfig
  readonly world?: string | World
  /** Whether to listen at all. */
  readonly web: boolean
  readonly listenAddress: string
  readonly telemetryPath: string
  /** Scrapes answered at a time; 0: any number. */
  readonly maxRequests: number
  /** Whether process_* and nodejs_* are on the page. */
  readonly exporterMetrics: boolean
  /** Whether OpenMetrics has _created. */
  readonly created: boolean
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

/** What a running exporter is made of, besides its server. */
interface Running {
  readonly live?: Live
  collect(): void
  notReady(): string | undefined
  status(): readonly (readonly [string, string])[]
  close(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
/** For detaching and the scrapes in progress; the process has 2 s in all. */
const STOP_MS = 1500
/** Records of a recording between two looks at the event loop. */
const REPLAY_CHUNK = 20_000

/** Ends with the exit code, after a signal. */
export async function run(options: RunOptions, log: Log): Promise<number> {
  const signal = signalled() // from now on: one that comes during the start finds something to detach
  const { file, exporter } = exporterFor(options)
  const series = new SeriesSweep(exporter.reducer, options.metrics)
  const api = FlowApi.of(options)
  let running: Running | undefined
  const web = webOf(options.webFile, exporter.store, log)
  const cluster = clusterFor(options, exporter, log)
  let push: Otlp | undefined
  const collecting: Collecting = {
    store: exporter.store,
    collect: () => {
      running?.collect()
      cluster?.tell()
      api?.tell(exporter.store)
      exporter.hubble?.setLost('hubble_ring_buffer', api?.lost ?? 0)
    },
    onCollectFault: error => log.error({ err: error.message }, 'collect failed'),
  }
  const server = createServer({
    ...collecting,
    web: web.options,
    telemetryPath: options.telemetryPath,
    otherStores: () => otherStores(exporter),
    maxRequests: options.maxRequests,
    created: options.created,
    ...(options.exporterMetrics && { processText: await processMetrics() }),
    ready: () => (running === undefined ? 'starting' : (running.notReady() ?? cluster?.notReady)),
    status: () => [...(running?.status() ?? []), ...(cluster?.rows() ?? []), ...(push?.status() ?? [])],
  })
  const url = options.web ? await server.listen(options.listenAddress) : 'none'
  try {
    running =
      options.source.kind === 'live'
        ? startLive(exporter, options, api, log)
        : startReplay(exporter, options.source.file, api, log)
    await api?.start(exporter, rowsOf(exporter, running), log)
    log.info({ version: VERSION, source: sourceName(options), url }, 'listening')
    push = options.otlp && (await startPush(options.otlp, exporter, collecting, log))
    // Its library alone takes a second to load; until its first word Weir is not ready, but it counts.
    await cluster?.start()
  } catch (error) {
    running?.close()
    await push?.close(0)
    await cluster?.stop()
    await server.close(0)
    throw error
  }
  const { hubble } = exporter
  const unfollow = hubble && options.hubbleFile && watchHubbleFile(hubble, options.hubbleFile, log)
  const watch = file && followWorld(file, exporter, log)
  await stopped(signal, { running, api, server, push }, log)
  series.stop()
  web.close()
  await cluster?.stop()
  unfollow?.()
  watch?.stop()
  return 0
}

function clusterFor({ kubernetes }: RunOptions, exporter: Exporter, log: Log): ClusterNames | undefined {
  if (kubernetes === undefined) return undefined
  exporter.entities.expectNames()
  const { names, store } = exporter
  return new ClusterNames(kubernetes, { store, log, apply: changes => names.apply(changes) })
}

/** And the file that its names are of. */
function exporterFor({ source, world, hubbleMetrics }: RunOptions): { exporter: Exporter; file?: WorldFile } {
  const live = source.kind === 'live'
  if (typeof world !== 'string') return { exporter: exporterOf(world ?? defaultWorld(), live, hubbleMetrics) }
  const file = { path: world, text: readWorld(world) }
  return { exporter: exporterOf(parseWorld(file.text, world), live, hubbleMetrics), file }
}

function followWorld(file: WorldFile, exporter: Exporter, log: Log): WorldWatch {
  const rename = (world: World) => {
    const { changes, deletedPods } = exporter.names.useWorld(world)
    return { told: changes.upserts.length, gone: changes.removals.length, podsDeleted: deletedPods.length }
  }
  const watch = new WorldWatch(file, rename, exporter.store, log)
  watch.start()
  return watch
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

interface Stopping {
  readonly running: Running
  readonly api: FlowApi | undefined
  readonly server: WeirServer
  readonly push: Otlp | undefined
}

async function stopped(signal: Promise<string>, { running, api, server, push }: Stopping, log: Log): Promise<void> {
  log.info({ signal: await signal }, 'stopping')
  const begun = performance.now()
  for (const name of SIGNALS) process.once(name, () => process.exit(1))
  const apiClosed = api?.close()
  // Collects, at once, while there is something to collect from.
  const pushed = push?.close(STOP_MS)
  running.close()
  await server.close(Math.max(0, STOP_MS - (performance.now() - begun)))
  await apiClosed
  await pushed
}

/** Loaded only when it is asked for. */
async function startPush(config: OtlpConfig, exporter: Exporter, collecting: Collecting, log: Log): Promise<Otlp> {
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

function startLive(exporter: Exporter, options: RunOptions, api: FlowApi | undefined, log: Log): Running {
  const live: Live = explainKernel(
    () =>
      new Live(loadNative(), exporter.entities, options, exporter.sink, {
        onError: (error, what) => log.error({ what, err: error.message }, 'system refused'),
        ...(api && { onFrames: (frames, length) => api.frames(frames, length, live.ringLost()) }),
      }),
  )
  exporter.names.live = live
  const watched = live.interfaces.names()
  log.info({ interfaces: watched.length, first: watched.slice(0, 5) }, 'watching')
  return {
    live,
    collect() {
      live.collect()
      tellSelf(exporter, live.decoder, live)
    },
    notReady: () => live.trouble,
    status: () => [
      ['source', 'live'],
      ['state', live.trouble ?? 'well'],
      ['pod interfaces', String(live.interfaces.count(Hook.pod))],
      ['uplinks', String(live.interfaces.count(Hook.uplink))],
      ['connections', `${live.connectionsUsed} of ${live.connectionsLimit}`],
      ['records lost', String(live.ringLost())],
    ],
    close: () => live.close(),
  }
}

/** Reads on between scrapes, so that they are answered while it lasts. */
function startReplay(exporter: Exporter, file: string, api: FlowApi | undefined, log: Log): Running {
  const replay = explainFile('recording', file, () => new Replay(file))
  const decoder = new Decoder()
  const sink = api === undefined ? exporter.sink : tee(exporter.sink, api.records(replay))
  let state = 'reading'
  let closed = false
  const read = async () => {
    for (let result = replay.run(decoder, sink, REPLAY_CHUNK); ; result = replay.run(decoder, sink, REPLAY_CHUNK)) {
      if (result.done || closed) {
        state = result.damage ?? (result.done ? 'read to its end' : 'closed')
        const line = { file, records: result.records }
        if (result.damage === undefined) log.info(line, 'recording read')
        else log.error({ ...line, err: result.damage }, 'recording is damaged')
        return
      }
      await nextTurn()
    }
  }
  read().catch(error => {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    state = `recording ${file}: ${systemWords(error)}`
    log.error({ file, err: state }, 'recording cannot be read')
  })
  return {
    collect: () => tellSelf(exporter, decoder),
    notReady: () => (state === 'reading' ? 'reading the recording' : undefined),
    status: () => [
      ['source', `replay:${file}`],
      ['state', state],
    ],
    close: () => {
      closed = true
      replay.close()
    },
  }
}

function sourceName({ source }: RunOptions): string {
  return source.kind === 'live' ? 'live' : `replay:${source.file}`
}
