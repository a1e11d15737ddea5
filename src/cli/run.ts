/**
 * run.ts - `weir run`: the exporter, until a signal.
 *
 * Order: names, address, source. What is wrong with any of them ends the start before a packet is touched.
 * Stop:  SIGTERM or SIGINT: detach, finish the scrapes in progress, end with 0; a second signal ends at once.
 */
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Hook } from '../datapath/abi.js'
import { Decoder } from '../datapath/decode.js'
import { Live, type LiveOptions } from '../datapath/live.js'
import { loadNative } from '../datapath/native.js'
import { Replay } from '../datapath/replay.js'
import type { World } from '../datapath/world.js'
import { processMetrics } from '../exporter/process.js'
import { createServer, type WeirServer } from '../exporter/server.js'
import type { MetricConfig } from '../hubble/config.js'
import { createExporter, type Exporter, exporterOf, otherStores, tellSelf } from './exporter.js'
import { explainKernel } from './kernel.js'
import type { Log } from './log.js'
import { explainFile, systemWords } from './os-error.js'
import { VERSION } from './version.js'

export interface RunOptions extends LiveOptions {
  readonly source: { kind: 'live' } | { kind: 'replay'; file: string }
  readonly world?: string | World
  readonly listenAddress: string
  readonly telemetryPath: string
  readonly hubbleMetrics?: readonly MetricConfig[]
}

/** What a running exporter is made of, besides its server. */
interface Running {
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
  const exporter = exporterFor(options)
  let running: Running | undefined
  const server = createServer({
    telemetryPath: options.telemetryPath,
    store: exporter.store,
    otherStores: () => otherStores(exporter),
    collect: () => running?.collect(),
    onCollectFault: error => log.error({ err: error.message }, 'collect failed'),
    processText: await processMetrics(),
    ready: () => (running === undefined ? 'starting' : running.notReady()),
    status: () => running?.status() ?? [],
  })
  const url = await server.listen(options.listenAddress)
  try {
    running =
      options.source.kind === 'live'
        ? startLive(exporter, options, log)
        : startReplay(exporter, options.source.file, log)
  } catch (error) {
    await server.close(0)
    throw error
  }
  log.info({ version: VERSION, source: sourceName(options), url }, 'listening')
  await stopped(signal, running, server, log)
  return 0
}

function exporterFor({ source, world, hubbleMetrics }: RunOptions): Exporter {
  const live = source.kind === 'live'
  return typeof world === 'object' ? exporterOf(world, live, hubbleMetrics) : createExporter(world, live, hubbleMetrics)
}

/** The first signal to stop, from now on. */
export function signalled(): Promise<string> {
  return Promise.race(SIGNALS.map(name => once(process, name).then(() => name)))
}

async function stopped(signal: Promise<string>, running: Running, server: WeirServer, log: Log): Promise<void> {
  log.info({ signal: await signal }, 'stopping')
  const begun = performance.now()
  for (const name of SIGNALS) process.once(name, () => process.exit(1))
  running.close()
  await server.close(Math.max(0, STOP_MS - (performance.now() - begun)))
}

function startLive(exporter: Exporter, options: RunOptions, log: Log): Running {
  const live = explainKernel(
    () =>
      new Live(loadNative(), exporter.entities, options, exporter.sink, {
        onError: (error, what) => log.error({ what, err: error.message }, 'system refused'),
      }),
  )
  const watched = live.interfaces.names()
  log.info({ interfaces: watched.length, first: watched.slice(0, 5) }, 'watching')
  return {
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
    ],
    close: () => live.close(),
  }
}

/** Reads on between scrapes, so that they are answered while it lasts. */
function startReplay(exporter: Exporter, file: string, log: Log): Running {
  const replay = explainFile('recording', file, () => new Replay(file))
  const decoder = new Decoder()
  let state = 'reading'
  let closed = false
  const read = async () => {
    for (
      let result = replay.run(decoder, exporter.sink, REPLAY_CHUNK);
      ;
      result = replay.run(decoder, exporter.sink, REPLAY_CHUNK)
    ) {
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
